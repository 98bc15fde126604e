//! Parts and purges: what a purge means is not there after it, however long it took to make.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::io;
use std::path::Path;
use std::time::Duration;

use recto_cache::{CacheKey, CacheOptions, Derivative, DerivativeCache};
use recto_config::ByteSize;

/// Of a derivative that is worth a file.
const EFFORT: Duration = Duration::from_secs(1);

fn open(directory: &Path) -> DerivativeCache {
    let options = CacheOptions {
        directory: Some(directory.to_owned()),
        max_disk: ByteSize::mib(64),
        min_free: ByteSize::from_bytes(0),
        ..CacheOptions::default()
    };
    let cache = DerivativeCache::open(&options).unwrap();
    cache.flush();
    cache
}

#[test]
fn a_part_that_is_purged_while_it_is_written_is_not_kept() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let key = CacheKey::new("a.tif", &["index"]);
    let purges: [(&str, &dyn Fn() -> u64, bool); 4] = [
        ("its image", &|| cache.purge_image(key.image), false),
        ("its name", &|| cache.purge_named(&|name| name == "a.tif"), false),
        ("everything", &|| cache.purge_all(), false),
        ("another image", &|| cache.purge_image(CacheKey::image_of("b.tif")), true),
    ];
    for (what, purge, stays) in purges {
        let kept = cache.keep_part(&key, "a.tif", cache.generation(), &mut |out| {
            out.write_all(&vec![1; 100_000])?;
            purge();
            out.write_all(&vec![2; 100_000])
        });
        let want = if stays { Ok(()) } else { Err(io::ErrorKind::Interrupted) };
        assert_eq!(kept.map_err(|error| error.kind()), want, "{what}");
        assert_eq!(cache.open_part(&key).is_some(), stays, "{what}");
        cache.flush();
        assert_eq!(cache.open_part(&key).is_some(), stays, "{what}, later");
    }
    assert_eq!(cache.stats().parts_written, 1);
    assert_eq!(std::fs::read_dir(place.path().join("coming")).unwrap().count(), 0);
}

#[test]
fn what_was_begun_before_a_purge_is_not_kept_after_it() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    let key = CacheKey::new("a.tif", &["v1"]);
    let derivative = Derivative::new(vec![7; 1000], "image/jpeg");
    let before = cache.generation();
    cache.purge_image(CacheKey::image_of("b.tif"));
    cache.insert_since(before, key, "a.tif", &derivative, EFFORT);
    let kept = cache.keep_part(&key, "a.tif", before, &mut |out| out.write_all(b"index"));
    assert_eq!(kept.unwrap_err().kind(), io::ErrorKind::Interrupted);
    cache.flush();
    assert!(cache.get(&key).is_none() && cache.stats().disk_entries == 0);
    cache.insert_since(cache.generation(), key, "a.tif", &derivative, EFFORT);
    cache.flush();
    assert!(cache.get_from_memory(&key).is_some() && cache.stats().disk_entries == 1);
}
