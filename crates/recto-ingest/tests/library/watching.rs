//! The tree follows the folder.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Shelf, id, outline};
use recto_ingest::{Library, Tree, WatchOptions, Watcher};

/// Far longer than anything here takes; a test waits this long only to fail.
const PATIENCE: Duration = Duration::from_secs(30);

fn eager() -> WatchOptions {
    WatchOptions { debounce: Duration::from_millis(20), rescan: PATIENCE * 10, ..WatchOptions::default() }
}

/// A watcher that keeps what it saw last.
struct Kept {
    watcher: Watcher,
    tree: Arc<Mutex<Arc<Tree>>>,
}

impl Kept {
    fn start(library: Library, options: WatchOptions) -> Self {
        let tree = Arc::new(Mutex::new(Arc::new(Shelf::with(&[]).scan())));
        let kept = Arc::clone(&tree);
        let watcher =
            Watcher::start(library, options, Box::new(move |seen| *kept.lock().unwrap() = Arc::new(seen))).unwrap();
        watcher.wait_for_look(0, PATIENCE).unwrap();
        Self { watcher, tree }
    }

    fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree.lock().unwrap())
    }

    /// Waits until the tree is as wanted, through as many looks as it takes.
    fn wait_until(&self, wanted: impl Fn(&Tree) -> bool) -> Arc<Tree> {
        let mut looks = 0;
        loop {
            let tree = self.tree();
            if wanted(&tree) {
                return tree;
            }
            looks = self
                .watcher
                .wait_for_look(looks, PATIENCE)
                .unwrap_or_else(|| panic!("stuck at {:?}, {:?}", outline(&tree), self.watcher.findings()));
        }
    }
}

#[test]
fn files_that_come_and_go_are_seen() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let watcher = Kept::start(shelf.library(), eager());
    assert_eq!(watcher.tree().images(), 1);
    shelf.add("a/2.jpg");
    watcher.wait_until(|now| now.images() == 2);
    shelf.add("b/deep/1.jpg");
    watcher.wait_until(|now| now.object(&id("b/deep")).is_some());
    shelf.add("b/deep/2.jpg");
    watcher.wait_until(|now| now.images() == 4);
    fs::remove_dir_all(shelf.at("b")).unwrap();
    watcher.wait_until(|now| now.object(&id("b/deep")).is_none());
    fs::remove_file(shelf.at("a/1.jpg")).unwrap();
    let last = watcher.wait_until(|now| now.images() == 1);
    assert_eq!(outline(&last), ["library/", "  a = a/2.jpg"]);
}

#[test]
fn a_renamed_folder_is_followed_and_still_watched() {
    let shelf = Shelf::with(&["old/1.jpg", "other/1.jpg"]);
    let watcher = Kept::start(shelf.library(), eager());
    fs::rename(shelf.at("old"), shelf.at("new")).unwrap();
    let renamed = watcher.wait_until(|now| now.object(&id("new")).is_some());
    assert_eq!(renamed.object(&id("old")), None);
    shelf.add("new/2.jpg");
    watcher.wait_until(|now| now.images() == 3);
}

#[test]
fn a_file_that_is_replaced_is_seen() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let watcher = Kept::start(shelf.library(), eager());
    let before = watcher.tree();
    fs::write(shelf.at("a/1.jpg"), "another picture, and a longer one").unwrap();
    let after = watcher.wait_until(|now| *now != *before);
    assert_eq!(outline(&before), outline(&after));
}

#[test]
fn without_events_a_rescan_finds_changes() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let often =
        WatchOptions { events: false, rescan_without_events: Duration::from_millis(20), ..WatchOptions::default() };
    let watcher = Kept::start(shelf.library(), often);
    shelf.add("a/2.jpg");
    watcher.wait_until(|now| now.images() == 2);
}

#[test]
fn a_library_that_comes_later_is_found_and_watched() {
    let shelf = Shelf::with(&[]);
    fs::remove_dir(shelf.path()).unwrap();
    let options = WatchOptions { rescan_without_events: Duration::from_millis(20), ..eager() };
    let watcher = Kept::start(shelf.library(), options);
    assert_eq!(watcher.tree().findings()[0].rule, "cannot-read");
    shelf.add("a/1.jpg");
    let come = watcher.wait_until(|now| now.images() == 1);
    assert_eq!(come.findings(), []);
    shelf.add("a/2.jpg");
    watcher.wait_until(|now| now.images() == 2);
}

#[test]
fn dropping_the_watcher_ends_its_thread_at_once() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let begin = std::time::Instant::now();
    drop(Kept::start(shelf.library(), WatchOptions { debounce: PATIENCE, ..eager() }));
    assert!(begin.elapsed() < PATIENCE);
}
