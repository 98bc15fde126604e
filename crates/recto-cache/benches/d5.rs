//! D5: ten times as much as fits goes through a cache directory, and a start with very many entries.
//!
//! ```text
//! cargo bench -p recto-cache --bench d5 -- [MEBIBYTES [ENTRIES]]     1000 and 1000000 without
//! ```
//!
//! Prints the most bytes that the directory took, how long it takes to hand over and to look up an entry while others are
//! evicted, and how long a start takes until the first answer and until everything is known.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people, which ends when anything goes wrong"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use recto_cache::{CacheKey, CacheOptions, Derivative, DerivativeCache};
use recto_config::ByteSize;

/// Of a derivative that is worth a file.
const EFFORT: Duration = Duration::from_secs(1);

fn options(directory: &Path, max_disk: u64) -> CacheOptions {
    CacheOptions {
        max_memory: ByteSize::from_bytes(0),
        directory: Some(directory.to_owned()),
        max_disk: ByteSize::from_bytes(max_disk),
        min_free: ByteSize::from_bytes(0),
        write_queue: ByteSize::mib(256),
        ..CacheOptions::default()
    }
}

fn key(number: u64) -> CacheKey {
    CacheKey::new(&name(number), &["v1", &number.to_string()])
}

fn name(number: u64) -> String {
    format!("image {}", number / 500)
}

/// Bytes of a directory as the disk has them.
fn disk_bytes(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let own = fs::metadata(directory).map_or(0, |metadata| metadata.blocks() * 512);
    let inner = fs::read_dir(directory).unwrap().filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    own + inner.sum::<u64>()
}

fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    times.get((times.len() as f64 * part) as usize).or(times.last()).copied().unwrap_or_default()
}

fn fill(directory: &Path, mebibytes: u64) {
    let most = mebibytes << 20;
    let cache = DerivativeCache::open(&options(directory, most)).unwrap();
    cache.flush();
    let tile: Vec<u8> = (0..24_000_u32).map(|number| (number * 31 / 7) as u8).collect();
    let tiles = most * 10 / tile.len() as u64;
    let (mut hand_over, mut look_up, mut largest) = (Vec::new(), Vec::new(), 0);
    let began = Instant::now();
    for number in 0..tiles {
        let derivative = Derivative::new(tile.clone(), "image/jpeg");
        let start = Instant::now();
        cache.insert(key(number), &name(number), &derivative, EFFORT);
        hand_over.push(start.elapsed());
        if number % 10 == 0 {
            let start = Instant::now();
            let _found = cache.get(&key(number.saturating_sub(200)));
            look_up.push(start.elapsed());
        }
        if number % 500 == 0 {
            cache.flush();
            largest = largest.max(cache.stats().disk_bytes);
        }
        if number % (tiles / 20).max(1) == 0 {
            largest = largest.max(disk_bytes(directory));
        }
    }
    cache.flush();
    let stats = cache.stats();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "fill: {tiles} tiles, {:.1} times the bound of {mebibytes} MiB, in {seconds:.0} s: at most {:.4} of the bound, {} evictions, {} dropped",
        (tiles * tile.len() as u64) as f64 / most as f64,
        largest as f64 / most as f64,
        stats.evictions,
        stats.writes_dropped
    );
    for (what, times) in [("hand over", &mut hand_over), ("look up", &mut look_up)] {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| quantile(times, part));
        println!("fill: {what}: median {p50:?}, 99 % {p99:?}, 99.9 % {p999:?}");
    }
}

fn start(directory: &Path, entries: u64) {
    let options = options(directory, 1 << 40);
    {
        let cache = DerivativeCache::open(&options).unwrap();
        for number in 0..entries {
            cache.insert(key(number), &name(number), &Derivative::new(vec![7; 100], "image/jpeg"), EFFORT);
            if number % 2000 == 0 {
                cache.flush();
            }
        }
        cache.flush();
    }
    let began = Instant::now();
    let cache = DerivativeCache::open(&options).unwrap();
    let opened = began.elapsed();
    let found = cache.get(&key(entries / 2)).is_some();
    let answered = began.elapsed();
    cache.flush();
    let known = began.elapsed();
    println!(
        "start: {} entries: open after {opened:?}, first answer ({found}) after {answered:?}, all known after {known:?}",
        cache.stats().disk_entries
    );
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (mebibytes, entries) = (numbers.next().unwrap_or(1000), numbers.next().unwrap_or(1_000_000));
    let place = tempfile::tempdir().unwrap();
    fill(&place.path().join("fill"), mebibytes);
    fs::remove_dir_all(place.path().join("fill")).unwrap();
    start(&place.path().join("start"), entries);
}
