//! The cache of finished images: bounded, whole or nothing, there again after a restart.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use recto_cache::{CacheError, CacheKey, CacheOptions, Derivative, DerivativeCache, overlaps};
use recto_config::ByteSize;

/// Of a derivative that is worth a file.
const EFFORT: Duration = Duration::from_secs(1);

fn options(directory: &Path, max_memory: ByteSize, max_disk: ByteSize) -> CacheOptions {
    CacheOptions {
        max_memory,
        directory: Some(directory.to_owned()),
        max_disk,
        min_free: ByteSize::from_bytes(0),
        ..CacheOptions::default()
    }
}

/// A cache in a directory alone.
fn disk_only(directory: &Path, max_disk: ByteSize) -> DerivativeCache {
    DerivativeCache::open(&options(directory, ByteSize::from_bytes(0), max_disk)).unwrap()
}

fn name(number: u32) -> String {
    format!("image {}", number % 7)
}

fn key(number: u32) -> CacheKey {
    CacheKey::new(&name(number), &["v1", &number.to_string()])
}

/// A derivative whose bytes tell its number.
fn derivative(number: u32, length: usize) -> Derivative {
    let bytes: Vec<u8> = number.to_le_bytes().into_iter().cycle().take(length).collect();
    Derivative::new(bytes, "image/jpeg")
}

/// Keeps a derivative that was begun in this moment.
fn insert(cache: &DerivativeCache, number: u32, length: usize, effort: Duration) {
    cache.insert_since(cache.generation(), key(number), &name(number), &derivative(number, length), effort);
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn entry_files(directory: &Path) -> Vec<PathBuf> {
    files(directory).into_iter().filter(|path| path.file_name().unwrap().len() == 64).collect()
}

/// Bytes of a directory as the disk has them, folders included.
fn disk_bytes(directory: &Path) -> u64 {
    let own = fs::metadata(directory).map_or(0, |metadata| metadata.blocks() * 512);
    let inner = fs::read_dir(directory).unwrap().filter_map(Result::ok).map(|entry| {
        // The worker may remove a file between these calls.
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        }
    });
    own + inner.sum::<u64>()
}

#[test]
fn what_was_inserted_is_found_in_memory_and_on_disk() {
    let place = tempfile::tempdir().unwrap();
    let cache = DerivativeCache::open(&options(place.path(), ByteSize::mib(1), ByteSize::mib(10))).unwrap();
    assert_eq!(cache.get(&key(1)), None);
    insert(&cache, 1, 1000, EFFORT);
    assert_eq!(cache.get_from_memory(&key(1)), Some(derivative(1, 1000)));
    cache.flush();
    let stats = cache.stats();
    assert_eq!((stats.memory_hits, stats.disk_hits, stats.misses, stats.writes), (1, 0, 1, 1));
    drop(cache);

    let cache = disk_only(place.path(), ByteSize::mib(10));
    assert_eq!(cache.get(&key(1)), Some(derivative(1, 1000)), "found before the counting is over, too");
    assert_eq!(cache.get(&key(2)), None);
    cache.flush();
    assert_eq!(cache.get(&key(1)), Some(derivative(1, 1000)));
    assert_eq!(cache.get(&key(2)), None);
    assert_eq!((cache.stats().disk_hits, cache.stats().disk_entries), (2, 1));
}

#[test]
fn without_a_directory_it_lives_in_memory_within_its_bound() {
    let options = CacheOptions { max_memory: ByteSize::mib(1), ..CacheOptions::default() };
    let cache = DerivativeCache::open(&options).unwrap();
    for number in 0..1000 {
        insert(&cache, number, 10_000, EFFORT);
    }
    insert(&cache, 5000, 900_000, EFFORT);
    assert_eq!(cache.get(&key(5000)), None, "one entry never takes most of the memory");
    assert!(cache.stats().memory_bytes <= 1 << 20, "{:?}", cache.stats());
}

#[test]
fn a_file_cut_at_any_length_is_never_served_and_goes() {
    let place = tempfile::tempdir().unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(10));
    insert(&cache, 1, 300, EFFORT);
    cache.flush();
    let path = entry_files(place.path()).pop().unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        // A new file: some file systems wait for the disk when an old one is written over.
        fs::remove_file(&path).unwrap();
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(cache.get(&key(1)), None, "cut at {length}");
        cache.flush();
        assert!(!path.exists(), "cut at {length}");
        assert_eq!(cache.stats().disk_entries, 0);
        insert(&cache, 1, 300, EFFORT);
        cache.flush();
        assert_eq!(cache.get(&key(1)), Some(derivative(1, 300)), "written anew after {length}");
    }
    assert_eq!(cache.stats().damaged, whole.len() as u64);
}

#[test]
fn a_flipped_byte_and_a_file_under_a_wrong_name_are_never_served() {
    let place = tempfile::tempdir().unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(10));
    for number in 0..40 {
        insert(&cache, number, 500, EFFORT);
    }
    cache.flush();
    let paths = entry_files(place.path());
    for (position, path) in paths.iter().enumerate().take(30) {
        let mut bytes = fs::read(path).unwrap();
        let at = position * (bytes.len() - 1) / 29;
        bytes[at] ^= 0x10;
        fs::write(path, bytes).unwrap();
    }
    fs::copy(&paths[38], &paths[39]).unwrap();
    let found =
        (0..40).filter(|number| cache.get(&key(*number)).is_some_and(|d| d == derivative(*number, 500))).count();
    let wrong =
        (0..40).filter(|number| cache.get(&key(*number)).is_some_and(|d| d != derivative(*number, 500))).count();
    assert_eq!((found, wrong, cache.stats().damaged), (9, 0, 31));
}

#[test]
fn a_crash_in_the_middle_leaves_nothing_that_is_served_or_stays() {
    let place = tempfile::tempdir().unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(10));
    insert(&cache, 1, 100, EFFORT);
    cache.flush();
    drop(cache);
    let entry = entry_files(place.path()).pop().unwrap();
    let part = place.path().join("coming").join(format!("{}.12.part", entry.file_name().unwrap().to_str().unwrap()));
    let other = part.with_file_name("notes.part");
    fs::rename(&entry, &part).unwrap();
    fs::write(&other, "mine").unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(10));
    assert_eq!(cache.get(&key(1)), None);
    cache.flush();
    assert!(!part.exists() && other.exists(), "only what has the form of ours goes");
}

#[test]
fn the_bound_holds_all_the_time_while_ten_times_as_much_goes_through() {
    let place = tempfile::tempdir().unwrap();
    let most = 4 << 20;
    let cache = disk_only(place.path(), ByteSize::from_bytes(most));
    let mut largest = 0;
    for number in 0..1000 {
        // Lengths from nothing to 60 kB, odd ones.
        insert(&cache, number, (number as usize * 7919) % 60_000, EFFORT);
        // Looked at while nothing moves: a walk through the folders counts a file that goes and its successor, too.
        if number % 20 == 0 {
            cache.flush();
            largest = largest.max(disk_bytes(place.path()));
            assert!(cache.stats().disk_bytes <= most);
        }
    }
    cache.flush();
    let stats = cache.stats();
    assert!(largest <= most, "{largest} bytes on disk, the bound is {most}");
    assert!(largest > most / 2, "the room is used: {largest} of {most}");
    assert!(stats.evictions > 700 && stats.write_errors == 0, "{stats:?}");
    assert_eq!(stats.disk_entries as usize, entry_files(place.path()).len());
    insert(&cache, 9999, 2 << 20, EFFORT);
    cache.flush();
    assert_eq!(cache.stats().writes_refused, stats.writes_refused + 1, "one entry never takes most of the room");
}

#[test]
fn what_is_asked_for_again_stays_when_others_pass_through() {
    let place = tempfile::tempdir().unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(4));
    for number in 0..100 {
        insert(&cache, number, 10_000, EFFORT);
    }
    cache.flush();
    for number in 1000..2000 {
        insert(&cache, number, 10_000, EFFORT);
        if number % 20 == 0 {
            cache.flush();
            for hot in 0..100 {
                cache.get(&key(hot));
            }
        }
    }
    cache.flush();
    let stayed = (0..100).filter(|number| cache.get(&key(*number)).is_some()).count();
    assert!(stayed >= 95, "{stayed} of 100");
}

#[test]
fn a_smaller_bound_is_kept_after_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(20));
    for number in 0..250 {
        insert(&cache, number, 40_000, EFFORT);
    }
    cache.flush();
    drop(cache);
    let cache = disk_only(place.path(), ByteSize::mib(4));
    cache.flush();
    assert!(disk_bytes(place.path()) <= 4 << 20);
    assert!(cache.stats().disk_entries > 50, "{:?}", cache.stats());
}

#[test]
fn a_disk_that_others_need_is_not_filled() {
    let place = tempfile::tempdir().unwrap();
    let options = CacheOptions {
        min_free: ByteSize::from_bytes(u64::MAX),
        ..options(place.path(), ByteSize::from_bytes(0), ByteSize::mib(10))
    };
    let cache = DerivativeCache::open(&options).unwrap();
    insert(&cache, 1, 100, EFFORT);
    cache.flush();
    assert_eq!((cache.stats().writes, cache.stats().writes_refused), (0, 1));
}

#[test]
fn a_purge_forgets_one_image_or_all_at_once_and_removes_the_files() {
    let place = tempfile::tempdir().unwrap();
    let cache = DerivativeCache::open(&options(place.path(), ByteSize::mib(8), ByteSize::mib(8))).unwrap();
    for number in 0..70 {
        insert(&cache, number, 1000, EFFORT);
    }
    cache.flush();
    cache.purge_image(CacheKey::image_of("image 3"));
    for number in 0..70 {
        assert_eq!(cache.get(&key(number)).is_some(), number % 7 != 3, "{number}");
    }
    cache.flush();
    assert_eq!(entry_files(place.path()).len(), 60);
    insert(&cache, 3, 1000, EFFORT);
    cache.flush();
    assert!(cache.get(&key(3)).is_some(), "what comes after a purge stays");
    drop(cache);

    // A purge that comes before the counting is over.
    let cache = disk_only(place.path(), ByteSize::mib(8));
    cache.purge_image(CacheKey::image_of("image 4"));
    assert!((0..70).filter(|number| number % 7 == 4).all(|number| cache.get(&key(number)).is_none()));
    cache.flush();
    assert_eq!(entry_files(place.path()).len(), 51);
    cache.purge_all();
    assert!((0..70).all(|number| cache.get(&key(number)).is_none()));
    cache.flush();
    assert_eq!((entry_files(place.path()).len(), cache.stats().disk_entries), (0, 0));
}

#[test]
fn too_much_at_once_is_dropped_and_counted_and_nobody_waits() {
    let place = tempfile::tempdir().unwrap();
    let options = CacheOptions {
        write_queue: ByteSize::from_bytes(5_000),
        ..options(place.path(), ByteSize::from_bytes(0), ByteSize::mib(8))
    };
    let cache = DerivativeCache::open(&options).unwrap();
    insert(&cache, 1, 5_001, EFFORT);
    assert_eq!(cache.stats().writes_dropped, 1);
    for number in 0..200 {
        insert(&cache, number, 4_000, EFFORT);
    }
    cache.flush();
    let stats = cache.stats();
    assert_eq!(stats.writes + stats.writes_dropped, 201);
}

#[test]
fn a_directory_with_other_files_is_refused_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("thesis.doc"), "years of work").unwrap();
    let open = |path: &Path| DerivativeCache::open(&options(path, ByteSize::mib(1), ByteSize::mib(1))).map(|_| ());
    let error = open(place.path()).unwrap_err();
    assert!(matches!(error, CacheError::NotEmpty { .. }), "{error}");
    assert!(error.to_string().ends_with("holds other files (`thesis.doc`); name an empty or a new one"), "{error}");
    assert_eq!(files(place.path()).len(), 1);

    let new = place.path().join("new/cache");
    let cache = disk_only(&new, ByteSize::mib(1));
    assert!(matches!(open(&new), Err(CacheError::InUse { .. })));
    drop(cache);
    assert!(open(&new).is_ok());
    assert!(
        fs::read_to_string(new.join("CACHEDIR.TAG"))
            .unwrap()
            .starts_with("Signature: 8a477f597d28d172789f06886806bc55")
    );
    fs::write(new.join("recto-cache"), "recto-cache 9\n").unwrap();
    assert!(matches!(open(&new), Err(CacheError::OtherVersion { .. })));
    assert!(matches!(open(&place.path().join("thesis.doc")), Err(CacheError::Io { .. })));
}

#[test]
fn files_of_others_in_the_directory_are_never_removed_or_counted() {
    let place = tempfile::tempdir().unwrap();
    let cache = disk_only(place.path(), ByteSize::mib(1));
    insert(&cache, 1, 100, EFFORT);
    cache.flush();
    let entry = entry_files(place.path()).pop().unwrap();
    let folder = entry.parent().unwrap().to_owned();
    let others = [
        folder.join("notes.txt"),
        folder.join("F".repeat(64)),
        folder.join(format!("{}.bak", entry.file_name().unwrap().to_str().unwrap())),
        place.path().join("keep.me"),
    ];
    for other in &others {
        fs::write(other, "mine").unwrap();
    }
    let outside = tempfile::tempdir().unwrap();
    let goal = outside.path().join("goal");
    fs::write(&goal, "mine").unwrap();
    std::os::unix::fs::symlink(&goal, folder.join(entry.file_name().unwrap().to_str().unwrap().replace('0', "1")))
        .unwrap();
    drop(cache);
    let cache = disk_only(place.path(), ByteSize::mib(1));
    cache.flush();
    assert_eq!(cache.stats().disk_entries, 1);
    cache.purge_all();
    for number in 10..300 {
        insert(&cache, number, 3000, EFFORT);
    }
    cache.flush();
    assert!(others.iter().all(|other| other.exists()) && goal.exists());
}

#[test]
fn two_directories_overlap_when_one_lies_in_the_other() {
    let place = tempfile::tempdir().unwrap();
    let path = |relative: &str| place.path().join(relative);
    fs::create_dir_all(path("library/sub")).unwrap();
    std::os::unix::fs::symlink(path("library"), path("link")).unwrap();
    for (one, other, want) in [
        ("library", "library", true),
        ("library/sub", "library", true),
        ("library", "library/sub", true),
        ("library", "library/not/yet", true),
        ("link/cache", "library", true),
        ("library", "library-cache", false),
        ("cache", "library", false),
        ("library/../cache", "library", false),
        ("not/there/../../library/cache", "library", true),
        ("not/../link/cache", "library", true),
        ("link/sub/../cache", "library", true),
        ("link/../cache", "library", false),
    ] {
        assert_eq!(overlaps(&path(one), &path(other)), want, "{one} {other}");
    }
}

#[test]
fn many_threads_read_write_and_purge_without_a_wrong_answer() {
    let place = tempfile::tempdir().unwrap();
    let cache = DerivativeCache::open(&options(place.path(), ByteSize::kib(256), ByteSize::mib(2))).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let cache = cache.clone();
            scope.spawn(move || {
                for step in 0..1000_u32 {
                    let number = (step * 31 + thread * 17) % 400;
                    match cache.get(&key(number)) {
                        Some(found) => assert_eq!(found, derivative(number, 2000)),
                        None => insert(&cache, number, 2000, EFFORT),
                    }
                    if step % 250 == 249 {
                        cache.purge_image(key(number).image);
                    }
                }
            });
        }
    });
    cache.flush();
    assert_eq!(cache.stats().damaged, 0);
    assert!(disk_bytes(place.path()) <= 2 << 20);
}

#[test]
fn the_options_are_read_with_their_units_and_explained() {
    let sources = recto_config::Sources {
        environment: vec![("RECTO_MAX_DISK".to_owned(), "20 GiB".to_owned())],
        sets: vec!["negative=1 min".to_owned(), "directory=/var/cache/recto".to_owned()],
        ..recto_config::Sources::default()
    };
    let read = recto_config::load::<CacheOptions>(&sources).unwrap().value;
    let negative = recto_config::Duration::from_secs(60);
    let directory = Some("/var/cache/recto".into());
    assert_eq!(read, CacheOptions { max_disk: ByteSize::gib(20), negative, directory, ..CacheOptions::default() });
    let example = recto_config::example_file::<CacheOptions>();
    assert!(
        example.contains("# max_disk = \"10 GiB\"\n") && example.contains("# directory = \"/var/cache/recto\"\n"),
        "{example}"
    );
}

#[test]
fn what_takes_hardly_longer_to_make_than_to_read_is_written_when_it_was_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let cache = disk_only(directory.path(), ByteSize::mib(10));
    let put = |number: u32, effort: Duration| {
        insert(&cache, number, 1000, effort);
        cache.flush();
        cache.get(&key(number)).is_some()
    };
    assert!(put(1, Duration::from_millis(1)));
    assert!(!put(2, Duration::from_micros(999)));
    assert!(!put(3, Duration::ZERO));
    assert!(put(2, Duration::ZERO));
    let stats = cache.stats();
    assert_eq!((stats.writes, stats.writes_spared), (2, 2));
    drop(cache);
    let options = CacheOptions {
        least_effort: recto_config::Duration::from_secs(0),
        ..options(directory.path(), ByteSize::from_bytes(0), ByteSize::mib(10))
    };
    let cache = DerivativeCache::open(&options).unwrap();
    insert(&cache, 4, 1000, Duration::ZERO);
    cache.flush();
    assert!(cache.get(&key(4)).is_some());
}

#[test]
fn what_is_not_worth_a_file_is_answered_from_memory() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), ByteSize::mib(1), ByteSize::mib(10));
    let cache = DerivativeCache::open(&options).unwrap();
    insert(&cache, 1, 1000, Duration::ZERO);
    cache.flush();
    assert_eq!(cache.get(&key(1)), Some(derivative(1, 1000)));
    assert_eq!(cache.stats().disk_entries, 0);
}
