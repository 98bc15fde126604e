//! What comes together: open parts, purges, and those who write.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::*;

/// After this a gate opens by itself, so that a test in which somebody waits in vain fails, and does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where somebody is in the middle of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// A file is gone, and its entry is still in the index.
    Removed,
    /// An entry is in the index and in the journal, and its file is not at its place yet.
    Listed,
    /// A file that is complete waits for the one before it to be removed.
    Waiting,
    /// A piece of the journal is about to be copied to a new one.
    Copying,
}

type Do = dyn Fn(Point) + Send + Sync;

/// What a test does at these points.
#[derive(Default)]
pub(super) struct Points(Mutex<Option<Arc<Do>>>);

impl Points {
    pub(super) fn pass(&self, point: Point) {
        let what = lock(&self.0).clone();
        if let Some(what) = what {
            what(point);
        }
    }

    fn at_each(&self, what: impl Fn(Point) + Send + Sync + 'static) {
        *lock(&self.0) = Some(Arc::new(what));
    }
}

impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Points").finish_non_exhaustive()
    }
}

/// Holds the first who comes to a point, until it is opened.
struct Gate {
    reached: mpsc::Receiver<Point>,
    open: mpsc::Sender<()>,
    opened_itself: Arc<AtomicBool>,
}

impl Gate {
    /// Every point that anybody comes to is told.
    fn at(cache: &DiskCache, held: Point) -> Self {
        let (tell, reached) = mpsc::channel();
        let (open, opened) = mpsc::channel();
        let (opened, is_first) = (Mutex::new(opened), AtomicBool::new(true));
        let opened_itself = Arc::<AtomicBool>::default();
        let in_vain = Arc::clone(&opened_itself);
        cache.shared.points.at_each(move |point| {
            // The test may be over.
            let _ = tell.send(point);
            if point == held && is_first.swap(false, Ordering::Relaxed) {
                let is_in_vain = lock(&opened).recv_timeout(PATIENCE).is_err();
                in_vain.store(is_in_vain, Ordering::Relaxed);
            }
        });
        Self { reached, open, opened_itself }
    }

    /// Waits until somebody comes to this point; false when nobody does.
    fn is_reached(&self, wanted: Point) -> bool {
        let begun = Instant::now();
        while let Ok(point) = self.reached.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            if point == wanted {
                return true;
            }
        }
        false
    }

    /// Lets go on whoever is held; fails when somebody waited for that in vain.
    fn open(&self) {
        assert!(!self.opened_itself.load(Ordering::Relaxed), "somebody waits for the one who is held");
        self.open.send(()).unwrap();
    }
}

fn entry_files(place: &Path) -> Vec<PathBuf> {
    let inner = |path: &Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = inner(place).into_iter().filter(|path| path.file_name().unwrap().len() == 2);
    folders.flat_map(|folder| inner(&folder)).collect()
}

fn coming_files(place: &Path) -> usize {
    std::fs::read_dir(place.join("coming")).unwrap().count()
}

pub(super) fn open(place: &Path) -> DiskCache {
    let limits = DiskLimits { max_total: 64 << 20, max_entries: 1000, min_free: 0, max_queue: 1 << 20 };
    let cache = DiskCache::open(place, limits, Arc::default()).unwrap();
    cache.flush();
    cache
}

pub(super) fn key() -> CacheKey {
    CacheKey::new("a.tif", &["index"])
}

pub(super) fn keep(cache: &DiskCache, bytes: &[u8]) -> io::Result<()> {
    cache.keep_part(&key(), "a.tif", &|| true, &mut |out| out.write_all(bytes))
}

pub(super) fn read(part: &KeptPart) -> Vec<u8> {
    let mut bytes = vec![0; part.len() as usize];
    part.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn all_share_one_open_part_and_get_the_new_one_when_it_was_replaced() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, b"old").unwrap();
    let (one, other) = (cache.open_part(&key()).unwrap(), cache.open_part(&key()).unwrap());
    assert!(Arc::ptr_eq(&one.0, &other.0));
    cache.purge_image(key().image);
    cache.flush();
    assert!(cache.open_part(&key()).is_none());
    keep(&cache, b"new one").unwrap();
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
    assert_eq!(read(&one), b"old", "who has it open goes on with it");
}

#[test]
fn others_write_while_a_purge_reads_the_names() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, b"index").unwrap();
    let is_free = || {
        let begun = Instant::now();
        loop {
            if cache.shared.journal.try_lock().is_ok() {
                return true;
            }
            // The worker holds it now and then.
            if begun.elapsed() > Duration::from_secs(2) {
                return false;
            }
            std::thread::yield_now();
        }
    };
    let asked = AtomicU64::new(0);
    let purged = cache.purge_named(&|name| {
        assert!(is_free(), "the journal is held while names are looked at");
        asked.fetch_add(1, Ordering::Relaxed);
        name == "a.tif"
    });
    assert_eq!((purged, asked.into_inner()), (1, 1));
}

#[test]
fn a_part_that_is_kept_while_the_one_before_it_is_discarded_stays_and_counts() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, b"old").unwrap();
    let gate = Gate::at(&cache, Point::Removed);
    std::thread::scope(|scope| {
        // The file is gone, and the index does not know.
        let discarding = scope.spawn(|| cache.discard_part(&key()));
        assert!(gate.is_reached(Point::Removed));
        let keeping = scope.spawn(|| keep(&cache, b"new one"));
        assert!(gate.is_reached(Point::Waiting), "it would be struck out with the one before it");
        assert!(cache.open_part(&key()).is_none());
        gate.open();
        discarding.join().unwrap();
        keeping.join().unwrap().unwrap();
    });
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
    assert_eq!((cache.size().0, entry_files(place.path()).len()), (1, 1));
    drop(cache);
    let cache = open(place.path());
    assert_eq!(cache.size().0, 1, "the journal has it");
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
}

#[test]
fn a_part_on_its_way_is_not_the_one_that_is_discarded() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let gate = Gate::at(&cache, Point::Listed);
    std::thread::scope(|scope| {
        let keeping = scope.spawn(|| keep(&cache, b"new one"));
        assert!(gate.is_reached(Point::Listed));
        cache.discard_part(&key());
        gate.open();
        keeping.join().unwrap().unwrap();
    });
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
    assert_eq!((cache.size().0, entry_files(place.path()).len()), (1, 1));
}

#[test]
fn a_part_that_is_purged_on_its_way_is_taken_away_by_the_one_who_brings_it() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let gate = Gate::at(&cache, Point::Listed);
    std::thread::scope(|scope| {
        let keeping = scope.spawn(|| keep(&cache, b"old"));
        assert!(gate.is_reached(Point::Listed));
        assert_eq!(cache.purge_image(key().image), 1);
        cache.flush();
        assert_eq!(cache.size().0, 1, "its file is yet to come, and counts");
        gate.open();
        assert_eq!(keeping.join().unwrap().unwrap_err().kind(), io::ErrorKind::Interrupted);
    });
    assert_eq!((cache.size().0, entry_files(place.path()).len(), coming_files(place.path())), (0, 0, 0));
    keep(&cache, b"new one").unwrap();
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
}

#[test]
fn of_two_who_keep_the_same_part_one_brings_it() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let gate = Gate::at(&cache, Point::Listed);
    std::thread::scope(|scope| {
        let keeping = scope.spawn(|| keep(&cache, b"first"));
        assert!(gate.is_reached(Point::Listed));
        keep(&cache, &vec![2; 100_000]).unwrap();
        gate.open();
        keeping.join().unwrap().unwrap();
    });
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"first");
    assert_eq!((cache.size().0, cache.shared.counters.parts_written.get()), (1, 1));
    assert_eq!((entry_files(place.path()).len(), coming_files(place.path())), (1, 0));
}

#[test]
fn all_go_on_while_the_journal_is_written_anew() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let [derivative, later, part] = ["c.tif", "d.tif", "b.tif"].map(|name| CacheKey::new(name, &["v1"]));
    let image = Derivative::new(vec![7; 1000], "image/jpeg");
    keep(&cache, b"index").unwrap();
    cache.insert(derivative, "c.tif", image.clone(), &|| true);
    cache.flush();
    let (gate, shared) = (Gate::at(&cache, Point::Copying), &cache.shared);
    std::thread::scope(|scope| {
        let rewriting = scope.spawn(|| shared.rewrite_journal(|| Past::read(&shared.folder, shared.boot)));
        assert!(gate.is_reached(Point::Copying));
        assert_eq!(cache.get(&derivative), Some(image.clone()));
        assert_eq!(read(&cache.open_part(&key()).unwrap()), b"index");
        cache.discard_part(&key());
        cache.keep_part(&part, "b.tif", &|| true, &mut |out| out.write_all(b"other index")).unwrap();
        cache.insert(later, "d.tif", image.clone(), &|| true);
        cache.flush();
        gate.open();
        rewriting.join().unwrap().unwrap();
    });
    assert!(!place.path().join(journal::NEW_NAME).exists());
    drop(cache);
    let cache = open(place.path());
    assert_eq!(cache.size().0, 3, "what came and went meanwhile is in the new journal");
    assert!(cache.get(&derivative).is_some() && cache.get(&later).is_some() && cache.open_part(&key()).is_none());
    assert_eq!(read(&cache.open_part(&part).unwrap()), b"other index");
    assert_eq!(cache.purge_named(&|_| false), 0, "so are all identifiers");
}

#[test]
fn what_is_kept_after_a_purge_stays_when_the_files_go_late() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, b"old").unwrap();
    let purge = Purge::image(key().image);
    cache.purge_image(key().image);
    keep(&cache, b"new one").unwrap();
    // As the worker does it, once more.
    cache.shared.purge(&purge);
    cache.flush();
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
    assert_eq!(cache.size().0, 1);
}

#[test]
fn bytes_of_a_purged_part_count_as_long_as_it_is_open() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, &vec![1; 1 << 20]).unwrap();
    let part = cache.open_part(&key()).unwrap();
    cache.purge_image(key().image);
    cache.flush();
    assert_eq!(cache.size().0, 0);
    assert!(cache.size().1 >= 1 << 20, "the disk still has them: {}", cache.size().1);
    drop(part);
    assert!(cache.size().1 < 1 << 20, "{}", cache.size().1);
}

#[test]
fn a_damaged_part_whose_name_is_gone_does_not_take_the_sound_one_along() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, &vec![1; 200_000]).unwrap();
    let old = cache.open_part(&key()).unwrap();
    let path = entry_files(place.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    cache.discard_part(&key());
    keep(&cache, b"new one").unwrap();
    assert_eq!(old.read_at(0, &mut vec![0; 200_000]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    cache.flush();
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
}

#[test]
fn d5_what_cannot_be_removed_goes_on_counting() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    keep(&cache, &vec![1; 8 << 20]).unwrap();
    // Nobody can remove a folder as a file.
    let path = entry_files(place.path()).pop().unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(cache.shared.make_room(60 << 20, 1).is_err());
    assert!(cache.size().0 == 1 && cache.size().1 >= 8 << 20, "{:?}", cache.size());
    assert!(cache.open_part(&key()).is_none());
    std::fs::remove_dir(&path).unwrap();
    assert!(cache.shared.make_room(60 << 20, 1).unwrap());
    cache.shared.unreserve(60 << 20, 1);
    assert_eq!(cache.size().0, 0);
}

#[test]
fn d5_files_on_their_way_count_as_entries() {
    let place = tempfile::tempdir().unwrap();
    let limits = DiskLimits { max_total: 64 << 20, max_entries: 2, min_free: 0, max_queue: 1 << 20 };
    let cache = DiskCache::open(place.path(), limits, Arc::default()).unwrap();
    cache.flush();
    let [one, other] = ["b.tif", "c.tif"].map(|name| CacheKey::new(name, &["index"]));
    keep(&cache, b"index").unwrap();
    cache.keep_part(&one, "b.tif", &|| true, &mut |_| Ok(())).unwrap();
    let kept = cache.keep_part(&other, "c.tif", &|| true, &mut |out| {
        out.write_all(&vec![1; 200_000])?;
        assert_eq!(cache.size().0, 1, "one of two made room for it");
        cache.keep_part(&one, "b.tif", &|| true, &mut |_| Ok(()))?;
        cache.keep_part(&key(), "a.tif", &|| true, &mut |_| Ok(()))?;
        assert_eq!(cache.size().0, 1);
        Ok(())
    });
    kept.unwrap();
    assert_eq!(cache.size().0, 2);
}

#[test]
fn d5_a_part_without_a_byte_needs_room_too() {
    let place = tempfile::tempdir().unwrap();
    let limits = DiskLimits { max_total: 64 << 20, max_entries: 1000, min_free: u64::MAX, max_queue: 1 << 20 };
    let cache = DiskCache::open(place.path(), limits, Arc::default()).unwrap();
    cache.flush();
    assert_eq!(keep(&cache, b"").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!((entry_files(place.path()).len(), coming_files(place.path())), (0, 0));
}

#[test]
fn d5_a_part_whose_maker_panics_leaves_no_file_and_holds_no_room() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let before = cache.size();
    let kept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cache.keep_part(&key(), "a.tif", &|| true, &mut |out| {
            out.write_all(&vec![1; 200_000])?;
            panic!("a decoder's own");
        })
    }));
    assert!(kept.is_err());
    assert_eq!((coming_files(place.path()), cache.size()), (0, before));
}

#[test]
fn a_part_that_does_not_come_to_its_place_is_not_in_the_journal() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let coming = place.path().join("coming");
    let kept = cache.keep_part(&key(), "a.tif", &|| true, &mut |_| std::fs::remove_dir_all(&coming));
    assert_eq!(kept.unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(cache.size().0, 0);
    drop(cache);
    assert_eq!(open(place.path()).size().0, 0);
}

#[test]
fn what_a_crash_left_of_a_new_journal_is_removed() {
    let place = tempfile::tempdir().unwrap();
    drop(open(place.path()));
    let left = place.path().join(journal::NEW_NAME);
    std::fs::write(&left, vec![1; 100_000]).unwrap();
    let _cache = open(place.path());
    assert!(!left.exists());
}

#[test]
fn the_journal_stays_short_when_only_parts_come_and_go() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let length = || std::fs::metadata(place.path().join(journal::NAME)).unwrap().len();
    for number in 0..100 {
        let name = format!("{number:04000}");
        let key = CacheKey::new(&name, &["index"]);
        cache.keep_part(&key, &name, &|| true, &mut |out| out.write_all(b"index")).unwrap();
        cache.discard_part(&key);
    }
    // The worker was told, and takes its time.
    let begun = Instant::now();
    while length() > journal::SMALL && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert!(length() <= journal::SMALL, "{} bytes", length());
}

#[test]
fn nobody_waits_for_a_worker_that_panicked() {
    let place = tempfile::tempdir().unwrap();
    let cache = Arc::new(open(place.path()));
    keep(&cache, b"index").unwrap();
    cache.shared.points.at_each(|point| assert!(point != Point::Removed, "the worker's own"));
    cache.purge_image(key().image);
    let (tell, told) = mpsc::channel();
    let waiting = Arc::clone(&cache);
    std::thread::spawn(move || {
        waiting.flush();
        let _ = tell.send(());
    });
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(keep(&cache, b"index").unwrap_err().kind(), io::ErrorKind::Unsupported);
}
