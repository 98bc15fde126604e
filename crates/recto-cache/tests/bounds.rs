//! D5: bounds in bytes and files, starts without a walk, and purges by name.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use recto_cache::{CacheKey, CacheOptions, Derivative, DerivativeCache};
use recto_config::ByteSize;

/// Of a derivative that is worth a file.
const EFFORT: Duration = Duration::from_secs(1);

fn options(directory: &Path) -> CacheOptions {
    CacheOptions {
        max_memory: ByteSize::from_bytes(0),
        directory: Some(directory.to_owned()),
        max_disk: ByteSize::mib(8),
        min_free: ByteSize::from_bytes(0),
        ..CacheOptions::default()
    }
}

fn open(directory: &Path) -> DerivativeCache {
    let cache = DerivativeCache::open(&options(directory)).unwrap();
    cache.flush();
    cache
}

fn name(number: u32) -> String {
    format!("folder {}/image {number}.tif", number % 3)
}

fn key(number: u32) -> CacheKey {
    CacheKey::new(&name(number), &["v1"])
}

fn put(cache: &DerivativeCache, number: u32) {
    put_bytes(cache, number, 500);
}

fn put_bytes(cache: &DerivativeCache, number: u32, length: usize) {
    let derivative = Derivative::new(vec![number as u8; length], "image/jpeg");
    cache.insert_since(cache.generation(), key(number), &name(number), &derivative, EFFORT);
}

fn is_there(cache: &DerivativeCache, number: u32) -> bool {
    cache.get(&key(number)).is_some_and(|found| found.bytes[..] == vec![number as u8; 500])
}

fn entry_files(directory: &Path) -> Vec<PathBuf> {
    let inner = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = inner(directory).into_iter().filter(|path| path.is_dir() && path.file_name().unwrap().len() == 2);
    folders.flat_map(|folder| inner(&folder)).collect()
}

/// Copies a directory as it is, without an orderly end. Nothing may move in it meanwhile: a copy takes a while, a crash does not.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let goal = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &goal);
        } else {
            fs::copy(entry.path(), goal).map(|_| ()).unwrap();
        }
    }
}

#[test]
fn d5_the_number_of_files_is_bounded_too() {
    let place = tempfile::tempdir().unwrap();
    let cache = DerivativeCache::open(&CacheOptions { max_entries: 50, ..options(place.path()) }).unwrap();
    for number in 0..500 {
        put(&cache, number);
        if number % 20 == 0 {
            cache.flush();
            assert!(entry_files(place.path()).len() <= 50, "{number}");
        }
    }
    cache.flush();
    let stats = cache.stats();
    assert_eq!((stats.disk_entries, stats.evictions, entry_files(place.path()).len()), (50, 450, 50));
}

#[test]
fn d5_a_start_reads_the_journal_and_walks_only_when_there_is_none_that_can_be_trusted() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    (0..40).for_each(|number| put(&cache, number));
    cache.flush();
    drop(cache);
    // A file that no journal lists tells whether the folders were walked through.
    let listed = open(place.path());
    put(&listed, 100);
    listed.flush();
    let extra = entry_files(place.path()).into_iter().find(|path| path.ends_with(key(100).to_string())).unwrap();
    let bytes = fs::read(&extra).unwrap();
    listed.purge_image(key(100).image);
    listed.flush();
    drop(listed);
    fs::create_dir_all(extra.parent().unwrap()).unwrap();
    fs::write(&extra, bytes).unwrap();

    let cache = open(place.path());
    let known = cache.stats().disk_entries;
    assert!(known <= 40 && !is_there(&cache, 100), "no walk: {known}");
    assert!((0..40).filter(|number| is_there(&cache, *number)).count() as u64 == known && known > 0);
    drop(cache);
    let journal = place.path().join("journal");
    let damage: [(&str, &dyn Fn()); 4] = [
        ("missing", &|| fs::remove_file(&journal).unwrap()),
        ("empty", &|| fs::write(&journal, "").unwrap()),
        ("of another kind", &|| fs::write(&journal, "RECTOJ9\n and so on and so on and so on").unwrap()),
        ("with a flipped bit", &|| {
            let mut bytes = fs::read(&journal).unwrap();
            bytes[100] ^= 1;
            fs::write(&journal, bytes).unwrap();
        }),
    ];
    for (how, damage) in damage {
        damage();
        let cache = open(place.path());
        assert_eq!(cache.stats().disk_entries, known + 1, "{how}");
        assert!(is_there(&cache, 100), "{how}");
        drop(cache);
        let again = open(place.path());
        assert_eq!(again.stats().disk_entries, known + 1, "{how}, written anew");
    }
}

#[test]
fn d4_a_directory_as_a_crash_leaves_it_is_whole_and_counted_rightly() {
    let (place, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cache = open(place.path());
    for number in 0..600 {
        put_bytes(&cache, number, 30_000);
        if number % 100 != 99 {
            continue;
        }
        cache.flush();
        let copied = crashed.path().join(number.to_string());
        copy(place.path(), &copied);
        // One that was listed and did not come to its place, and one that was half written.
        fs::remove_file(&entry_files(&copied)[0]).unwrap();
        fs::write(copied.join("coming").join(format!("{}.7.part", key(number))), "half").unwrap();
        let survivor = open(&copied);
        for old in 0..=number {
            let found = survivor.get(&key(old));
            assert!(found.is_none_or(|found| found.bytes[..] == vec![old as u8; 30_000]), "{old} of {number}");
        }
        // What the journal lists in vain is noticed by now.
        survivor.flush();
        assert_eq!(survivor.stats().disk_entries as usize, entry_files(&copied).len(), "after {number}");
        assert_eq!(survivor.stats().damaged, 0);
        assert_eq!(fs::read_dir(copied.join("coming")).unwrap().count(), 0);
    }
}

#[test]
fn files_that_someone_removed_are_noticed() {
    let place = tempfile::tempdir().unwrap();
    let cache = open(place.path());
    (0..30).for_each(|number| put(&cache, number));
    cache.flush();
    entry_files(place.path()).iter().take(10).for_each(|path| fs::remove_file(path).unwrap());
    let left = (0..30).filter(|number| is_there(&cache, *number)).count();
    cache.flush();
    assert_eq!((left, cache.stats().disk_entries, cache.stats().damaged), (20, 20, 0));
    (0..30).for_each(|number| put(&cache, number));
    cache.flush();
    assert!((0..30).all(|number| is_there(&cache, number)));
}

#[test]
fn names_outlive_restarts_and_what_has_no_name_goes_with_every_name() {
    let place = tempfile::tempdir().unwrap();
    {
        let cache = open(place.path());
        (0..30).for_each(|number| put(&cache, number));
        cache.flush();
        assert_eq!(cache.purge_named(&|name| name == "folder 2/image 5.tif"), 1);
        cache.flush();
        assert!(!is_there(&cache, 5));
    }
    {
        let cache = open(place.path());
        assert_eq!(cache.purge_named(&|name| name.starts_with("folder 0/")), 10);
        cache.flush();
        for number in 0..30 {
            assert_eq!(is_there(&cache, number), number % 3 != 0 && number != 5, "{number}");
        }
    }
    fs::remove_file(place.path().join("journal")).unwrap();
    let cache = open(place.path());
    assert_eq!(cache.stats().disk_entries, 19);
    put(&cache, 3);
    cache.flush();
    assert_eq!(cache.purge_named(&|_| false), 19, "the names were lost, so any might be meant");
    cache.flush();
    assert!(is_there(&cache, 3) && cache.stats().disk_entries == 1);
}

#[test]
fn the_journal_stays_short_however_much_goes_through() {
    let place = tempfile::tempdir().unwrap();
    let cache = DerivativeCache::open(&CacheOptions { max_entries: 20, ..options(place.path()) }).unwrap();
    for number in 0..6000 {
        put(&cache, number);
        if number % 500 == 0 {
            cache.flush();
        }
    }
    cache.flush();
    let length = fs::metadata(place.path().join("journal")).unwrap().len();
    assert!(length < 600 << 10, "{length} bytes for 20 entries");
    drop(cache);
    let cache = open(place.path());
    assert_eq!(cache.stats().disk_entries, 20);
    assert!(is_there(&cache, 5999));
}
