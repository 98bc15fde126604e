//! What comes together: open parts, purges, and those who write.

use std::time::{Duration, Instant};

use super::*;

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

fn read(part: &KeptPart) -> Vec<u8> {
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
    assert!(Arc::ptr_eq(&one.0, &other.0) && one.0.has_its_name());
    cache.purge_image(key().image);
    cache.flush();
    assert!(cache.open_part(&key()).is_none() && !one.0.has_its_name());
    keep(&cache, b"new one").unwrap();
    assert_eq!(read(&cache.open_part(&key()).unwrap()), b"new one");
    assert!(!one.0.has_its_name(), "the name leads to another file now");
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
