//! The tree follows the folder.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Shelf, id, outline};
use recto_ingest::{Snapshot, WatchOptions, Watcher};

/// Far longer than anything here takes; a test waits this long only to fail.
const PATIENCE: Duration = Duration::from_secs(30);

fn eager() -> WatchOptions {
    WatchOptions { debounce: Duration::from_millis(20), rescan: PATIENCE * 10, ..WatchOptions::default() }
}

/// Waits until the tree is as wanted, through as many generations as it takes.
fn wait_until(watcher: &Watcher, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let mut snapshot = watcher.current();
    while !wanted(&snapshot) {
        let generation = snapshot.generation;
        snapshot = watcher
            .wait_for_change(generation, PATIENCE)
            .unwrap_or_else(|| panic!("stuck at {:?}, {:?}", outline(&snapshot.tree), watcher.findings()));
        assert!(snapshot.generation > generation);
    }
    snapshot
}

#[test]
fn files_that_come_and_go_are_seen() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let watcher = Watcher::start(shelf.library(), eager()).unwrap();
    assert_eq!(watcher.current().generation, 1);
    assert_eq!(watcher.current().tree.images(), 1);
    shelf.add("a/2.jpg");
    wait_until(&watcher, |now| now.tree.images() == 2);
    shelf.add("b/deep/1.jpg");
    wait_until(&watcher, |now| now.tree.object(&id("b/deep")).is_some());
    shelf.add("b/deep/2.jpg");
    wait_until(&watcher, |now| now.tree.images() == 4);
    fs::remove_dir_all(shelf.at("b")).unwrap();
    wait_until(&watcher, |now| now.tree.object(&id("b/deep")).is_none());
    fs::remove_file(shelf.at("a/1.jpg")).unwrap();
    let last = wait_until(&watcher, |now| now.tree.images() == 1);
    assert_eq!(outline(&last.tree), ["library/", "  a = a/2.jpg"]);
}

#[test]
fn a_renamed_folder_is_followed_and_still_watched() {
    let shelf = Shelf::with(&["old/1.jpg", "other/1.jpg"]);
    let watcher = Watcher::start(shelf.library(), eager()).unwrap();
    fs::rename(shelf.at("old"), shelf.at("new")).unwrap();
    let renamed = wait_until(&watcher, |now| now.tree.object(&id("new")).is_some());
    assert_eq!(renamed.tree.object(&id("old")), None);
    shelf.add("new/2.jpg");
    wait_until(&watcher, |now| now.tree.images() == 3);
}

#[test]
fn a_file_that_is_replaced_makes_a_new_generation() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let watcher = Watcher::start(shelf.library(), eager()).unwrap();
    let before = watcher.current();
    fs::write(shelf.at("a/1.jpg"), "another picture, and a longer one").unwrap();
    let after = wait_until(&watcher, |now| now.generation > before.generation);
    assert_eq!(outline(&before.tree), outline(&after.tree));
}

#[test]
fn without_events_a_rescan_finds_changes() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let often =
        WatchOptions { events: false, rescan_without_events: Duration::from_millis(20), ..WatchOptions::default() };
    let watcher = Watcher::start(shelf.library(), often).unwrap();
    shelf.add("a/2.jpg");
    wait_until(&watcher, |now| now.tree.images() == 2);
}

#[test]
fn while_nothing_changes_the_tree_is_the_very_same() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let asked = WatchOptions { events: false, rescan_without_events: PATIENCE * 10, ..WatchOptions::default() };
    let watcher = Watcher::start(shelf.library(), asked).unwrap();
    let before = watcher.current();
    for _ in 0..3 {
        watcher.rescan();
    }
    shelf.add("a/notes.txt");
    watcher.rescan();
    shelf.add("a/2.jpg");
    watcher.rescan();
    let after = watcher.wait_for_change(before.generation, PATIENCE).unwrap();
    assert_eq!(after.generation, before.generation + 1, "rescans without a change make no generation");
    assert!(!Arc::ptr_eq(&before.tree, &after.tree));
    assert!(Arc::ptr_eq(&after.tree, &watcher.current().tree));
}

#[test]
fn a_library_that_comes_later_is_found_and_watched() {
    let shelf = Shelf::with(&[]);
    fs::remove_dir(shelf.path()).unwrap();
    let options = WatchOptions { rescan_without_events: Duration::from_millis(20), ..eager() };
    let watcher = Watcher::start(shelf.library(), options).unwrap();
    assert_eq!(watcher.current().tree.findings()[0].rule, "cannot-read");
    shelf.add("a/1.jpg");
    let come = wait_until(&watcher, |now| now.tree.images() == 1);
    assert_eq!(come.tree.findings(), []);
    shelf.add("a/2.jpg");
    wait_until(&watcher, |now| now.tree.images() == 2);
}

#[test]
fn dropping_the_watcher_ends_its_thread_at_once() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let begin = std::time::Instant::now();
    drop(Watcher::start(shelf.library(), WatchOptions { debounce: PATIENCE, ..eager() }).unwrap());
    assert!(begin.elapsed() < PATIENCE);
}
