//! Tiles are compressed by several threads and come back in the order in which they were given away.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::TileMaker;
use super::tile::{Coded, Coder};
use crate::EncodeError;
use crate::formats::tiff::pyramid_writer::tile;

/// A row of tiles, shared by the jobs of its tiles.
pub(super) struct Band {
    pub(super) coder: Coder,
    pub(super) level: usize,
    pub(super) row: u32,
    pub(super) width: u32,
    /// Empty when every tile is made from the original.
    pub(super) pixels: Vec<u8>,
    /// Makes tiles from the original itself, where it can.
    pub(super) maker: Option<TileMaker>,
}

/// One tile of a band.
struct Job {
    number: u64,
    band: Arc<Band>,
    column: u32,
}

/// A tile that was made.
pub(super) struct Done {
    pub(super) level: usize,
    pub(super) index: usize,
    pub(super) coded: Coded,
    /// It is made of the original's own coefficients.
    pub(super) transcoded: bool,
    /// Bytes of pixels that are free again.
    freed: u64,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    done: BTreeMap<u64, Result<Done, EncodeError>>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    finished: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and the state is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, number: u64, result: Result<Done, EncodeError>) {
        self.state().done.insert(number, result);
        self.finished.notify_one();
    }
}

/// The threads, and what they have in hand.
pub(super) struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    given: u64,
    taken: u64,
    held_bytes: u64,
}

impl Crew {
    /// `threads` counts the caller, which helps where it would wait.
    pub(super) fn new(threads: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let threads = (1..threads)
            .filter_map(|number| {
                let shared = Arc::clone(&shared);
                let thread = std::thread::Builder::new().name(format!("tiles-{number}"));
                // With fewer threads it takes longer, and nothing else.
                thread.spawn(move || work(&shared)).ok()
            })
            .collect();
        Self { shared, threads, given: 0, taken: 0, held_bytes: 0 }
    }

    /// True when nobody but the caller works.
    pub(super) fn is_alone(&self) -> bool {
        self.threads.is_empty()
    }

    /// Bytes of pixels in bands that are not finished.
    pub(super) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Gives away the tiles of a row.
    pub(super) fn give(&mut self, band: Band, across: u32) {
        self.held_bytes += band.pixels.len() as u64;
        let band = Arc::new(band);
        let mut state = self.shared.state();
        for column in 0..across {
            state.jobs.push_back(Job { number: self.given, band: Arc::clone(&band), column });
            self.given += 1;
        }
        drop(state);
        self.shared.work.notify_all();
    }

    /// The next tile in order; `None` when all that were given away have come back. Works or waits until it is there.
    pub(super) fn take(&mut self) -> Option<Result<Done, EncodeError>> {
        if self.taken == self.given {
            return None;
        }
        let mut state = self.shared.state();
        let result = loop {
            if let Some(result) = state.done.remove(&self.taken) {
                break result;
            }
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                let number = job.number;
                let result = run(&job);
                drop(job);
                state = self.shared.state();
                state.done.insert(number, result);
                continue;
            }
            state = self.shared.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        self.taken += 1;
        if let Ok(done) = &result {
            self.held_bytes = self.held_bytes.saturating_sub(done.freed);
        }
        Some(result)
    }

    /// The next tile in order, if it is there already.
    pub(super) fn take_ready(&mut self) -> Option<Result<Done, EncodeError>> {
        let ready = self.shared.state().done.contains_key(&self.taken);
        if ready { self.take() } else { None }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        state.jobs.clear();
        drop(state);
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing left to lose.
            let _ended = thread.join();
        }
    }
}

fn work(shared: &Shared) {
    let mut state = shared.state();
    loop {
        if state.closed {
            return;
        }
        let Some(job) = state.jobs.pop_front() else {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        let number = job.number;
        let result = run(&job);
        drop(job);
        shared.finish(number, result);
        state = shared.state();
    }
}

fn run(job: &Job) -> Result<Done, EncodeError> {
    catch_unwind(AssertUnwindSafe(|| make(job))).unwrap_or_else(|_| {
        Err(EncodeError::Failed { format: "tif", what: "a tile could not be made: the encoder panicked".to_owned() })
    })
}

fn make(job: &Job) -> Result<Done, EncodeError> {
    let Job { band, column, .. } = job;
    let across = band.width.div_ceil(band.coder.tile);
    let tile_size = recto_iiif::Dimensions::new(band.coder.tile, band.coder.tile);
    let transcoded = band.maker.as_ref().and_then(|maker| tile::whole(&maker(*column, band.row)?, tile_size));
    let done = |coded, transcoded| Done {
        level: band.level,
        index: band.row as usize * across as usize + *column as usize,
        coded,
        transcoded,
        freed: if *column + 1 == across { band.pixels.len() as u64 } else { 0 },
    };
    match transcoded {
        Some(coded) => Ok(done(coded, true)),
        None => Ok(done(band.coder.encode(&band.pixels, band.width, *column)?, false)),
    }
}
