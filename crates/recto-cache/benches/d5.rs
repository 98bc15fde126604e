//! D5: ten times as much as fits goes through a cache directory, and a start with very many entries.
//!
//! ```text
//! cargo bench -p recto-cache --bench d5 -- [MEBIBYTES [ENTRIES]]     1000 and 1000000 without
//! ```
//!
//! What must hold: the directory never takes more than 1.02 of its bound, as it says itself and as the disk has it, also while it is
//! being written; 99 % of the entries are handed over, and 99 % looked up, in less than a millisecond while others are evicted;
//! nothing is dropped, and what was written lately is found; a start with a million entries answers, and knows them all, within two
//! seconds. Exit 0 when all held, 1 when something did not.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people, which ends when anything goes wrong"
)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use recto_cache::{CacheKey, CacheOptions, CacheStats, Derivative, DerivativeCache};
use recto_config::ByteSize;

/// Of a derivative that is worth a file.
const EFFORT: Duration = Duration::from_secs(1);
/// Most bytes that the directory may take, in parts of its bound.
const MOST_RATIO: f64 = 1.02;
/// Longest time in which 99 % of the entries are handed over, and looked up, while others are evicted.
const MOST_WAIT: Duration = Duration::from_millis(1);
/// Longest start.
const MOST_START: Duration = Duration::from_secs(2);
/// Bytes of a tile.
const TILE_BYTES: u64 = 24_000;
/// What its file takes at most, in whole blocks.
const FILE_BYTES: u64 = 32 << 10;
/// How often all files are counted while more are written.
const WALK_EVERY: Duration = Duration::from_secs(3);

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

/// Says whether something holds.
fn judge(holds: bool, what: &str) -> bool {
    println!("{} D5 {what}", if holds { "ok  " } else { "FAIL" });
    holds
}

/// Bytes of a directory as the disk has them.
fn disk_bytes(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let own = fs::metadata(directory).map_or(0, |metadata| metadata.blocks() * 512);
    // What has just gone takes nothing.
    let entries = fs::read_dir(directory).into_iter().flatten();
    let inner = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
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

/// Looks how large the directory is until it is told to stop; gives the most that was seen.
fn watch(cache: &DerivativeCache, directory: &Path, is_over: &AtomicBool, is_walking: &AtomicBool) -> u64 {
    let (mut largest, mut walked_at) = (0, Instant::now());
    while !is_over.load(Ordering::Acquire) {
        largest = largest.max(cache.stats().disk_bytes);
        if walked_at.elapsed() >= WALK_EVERY {
            is_walking.store(true, Ordering::Release);
            let written = cache.stats().writes;
            let walked = disk_bytes(directory);
            // Files that came meanwhile may have been counted beside those that went for them, and one of them twice.
            let meanwhile = (cache.stats().writes - written + 2) * FILE_BYTES;
            largest = largest.max(walked.saturating_sub(meanwhile));
            is_walking.store(false, Ordering::Release);
            walked_at = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    largest
}

/// How long things took: while there was room, and while others were evicted.
#[derive(Default)]
struct Times {
    with_room: Vec<Duration>,
    evicting: Vec<Duration>,
}

impl Times {
    fn note(&mut self, is_full: bool, took: Duration) {
        let times = if is_full { &mut self.evicting } else { &mut self.with_room };
        times.push(took);
    }

    fn judge(&mut self, what: &str) -> bool {
        let most = quantile(&mut self.evicting, 0.99);
        for (when, times) in [("with room", &mut self.with_room), ("while others are evicted", &mut self.evicting)] {
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| quantile(times, part));
            println!("fill: {what} {when}: median {p50:?}, 99 % {p99:?}, 99.9 % {p999:?}, n={}", times.len());
        }
        judge(
            !self.evicting.is_empty() && most < MOST_WAIT,
            &format!("99 % {what} within {most:?} while others are evicted, less than {MOST_WAIT:?}"),
        )
    }
}

fn fill(directory: &Path, mebibytes: u64) -> bool {
    let most = mebibytes << 20;
    let cache = DerivativeCache::open(&options(directory, most)).unwrap();
    cache.flush();
    let tile: Vec<u8> = (0..TILE_BYTES as u32).map(|number| (number * 31 / 7) as u8).collect();
    let tiles = most * 10 / TILE_BYTES;
    // So many are written before the next come, that none is dropped and that what was written last is still there.
    let batch = (most / FILE_BYTES / 4).clamp(1, 500);
    let (mut hand_over, mut look_up) = (Times::default(), Times::default());
    let (mut asked, mut found, mut at_rest) = (0_u64, 0_u64, 0);
    let (is_over, is_walking) = (AtomicBool::new(false), AtomicBool::new(false));
    let began = Instant::now();
    let while_written = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&cache, directory, &is_over, &is_walking));
        for number in 0..tiles {
            let is_full = number * TILE_BYTES > most;
            // What the walk takes from the processors is no part of the cache's time.
            let counts = !is_walking.load(Ordering::Acquire);
            let derivative = Derivative::new(tile.clone(), "image/jpeg");
            let start = Instant::now();
            cache.insert_since(cache.generation(), key(number), &name(number), &derivative, EFFORT);
            let took = start.elapsed();
            if counts && !is_walking.load(Ordering::Acquire) {
                hand_over.note(is_full, took);
            }
            // One of the batch before, all of which is written.
            let written = number / batch * batch;
            if number % 10 == 0 && written > 0 {
                let wanted = key(written - 1 - number * 7 % batch);
                let start = Instant::now();
                let is_found = cache.get(&wanted).is_some();
                let took = start.elapsed();
                if counts && !is_walking.load(Ordering::Acquire) {
                    look_up.note(is_full, took);
                }
                asked += 1;
                found += u64::from(is_found);
            }
            if (number + 1).is_multiple_of(batch) {
                cache.flush();
            }
            if number.is_multiple_of((tiles / 20).max(1)) {
                cache.flush();
                at_rest = at_rest.max(disk_bytes(directory));
            }
        }
        cache.flush();
        is_over.store(true, Ordering::Release);
        watcher.join().unwrap()
    });
    let stats = cache.stats();
    let ratio = while_written.max(at_rest) as f64 / most as f64;
    println!(
        "fill: {tiles} tiles, {:.1} times the bound of {mebibytes} MiB, in {:.0} s: {} evictions",
        (tiles * TILE_BYTES) as f64 / most as f64,
        began.elapsed().as_secs_f64(),
        stats.evictions,
    );
    let held = [
        judge(ratio <= MOST_RATIO, &format!("at most {ratio:.4} of the bound, no more than {MOST_RATIO}")),
        judge(stats.evictions > 0, "others are evicted"),
        hand_over.judge("handed over"),
        look_up.judge("looked up"),
        judge(found * 10 >= asked * 9, &format!("{found} of {asked} written lately are found, nine in ten at least")),
        judge_losses(&stats),
    ];
    held.iter().all(|held| *held)
}

fn judge_losses(stats: &CacheStats) -> bool {
    let CacheStats { writes_dropped, writes_refused, write_errors, damaged, .. } = *stats;
    let what = format!("{writes_dropped} dropped, {writes_refused} refused, {write_errors} failed, {damaged} damaged");
    judge(writes_dropped + writes_refused + write_errors + damaged == 0, &what)
}

fn start(directory: &Path, entries: u64) -> bool {
    let options = options(directory, 1 << 40);
    let is_written = {
        let cache = DerivativeCache::open(&options).unwrap();
        let derivative = Derivative::new(vec![7; 100], "image/jpeg");
        for number in 0..entries {
            cache.insert_since(cache.generation(), key(number), &name(number), &derivative, EFFORT);
            if number % 2000 == 0 {
                cache.flush();
            }
        }
        cache.flush();
        judge_losses(&cache.stats())
    };
    let began = Instant::now();
    let cache = DerivativeCache::open(&options).unwrap();
    let opened = began.elapsed();
    let found = cache.get(&key(entries / 2)).is_some();
    let answered = began.elapsed();
    cache.flush();
    let known = began.elapsed();
    let kept = cache.stats().disk_entries;
    println!("start: {kept} entries: open after {opened:?}, an answer after {answered:?}, all known after {known:?}");
    let held = [
        is_written,
        judge(found, "the first that is asked for after a start is found"),
        judge(kept == entries, &format!("{kept} of {entries} entries are known after a start")),
        judge(answered < MOST_START, &format!("the first answer after {answered:?}, less than {MOST_START:?}")),
        judge(known < MOST_START, &format!("all entries known after {known:?}, less than {MOST_START:?}")),
    ];
    held.iter().all(|held| *held)
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (mebibytes, entries) = (numbers.next().unwrap_or(1000), numbers.next().unwrap_or(1_000_000));
    let place = tempfile::tempdir().unwrap();
    let filled = fill(&place.path().join("fill"), mebibytes);
    fs::remove_dir_all(place.path().join("fill")).unwrap();
    let started = start(&place.path().join("start"), entries);
    if filled && started { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
