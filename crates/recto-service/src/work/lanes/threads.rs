//! The threads: what they share, which job is next, and the memory that it is charged.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use recto_codec::Waits;

use super::{Lane, LaneOptions, Task};
use crate::work::admission::{Admission, AdmissionLimits};
use crate::work::fair::FairQueue;
use crate::work::thread_time;

/// How long a thread waits for more work before it rests.
pub(super) const REST_AFTER: Duration = Duration::from_secs(1);

/// Threads beyond those that there are processors for: they work while others wait for a network.
pub(super) const SPARE: usize = 96;

pub(super) const WAITING: u8 = 0;
pub(super) const STARTED: u8 = 1;
pub(super) const GONE: u8 = 2;

/// Which threads there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is a processor for it, or all but.
    Regular,
    /// It works while others wait for a network, and sleeps else: what threads hold for their next work is not held by more than need be.
    Spare,
}

/// A job and whether it was begun or given up.
pub(super) struct Job {
    pub(super) run: Box<dyn FnOnce(Charge) -> Outcome + Send>,
    pub(super) turn: Arc<AtomicU8>,
    pub(super) task: Task,
    /// The reckoning has it.
    pub(super) is_reckoned: bool,
}

/// What a job came to. It is delivered when the lanes have taken note that it is done: who asks for the next thing then finds its
/// thread free.
pub(super) struct Outcome {
    /// False when nobody wants it any more.
    pub(super) is_wanted: bool,
    pub(super) deliver: Box<dyn FnOnce() + Send>,
}

pub(super) struct State {
    pub(super) tiles: FairQueue<Job>,
    pub(super) large: FairQueue<Job>,
    pub(super) admission: Admission,
    pub(super) tiles_running: usize,
    pub(super) large_running: usize,
    /// Of those that run, those that wait for a network; and those of them that are large.
    pub(super) afar: usize,
    pub(super) large_afar: usize,
    pub(super) tiles_charged: u64,
    pub(super) large_charged: u64,
    pub(super) stopping: bool,
}

impl State {
    pub(super) fn queue(&mut self, lane: Lane) -> &mut FairQueue<Job> {
        match lane {
            Lane::Tiles => &mut self.tiles,
            Lane::Large => &mut self.large,
        }
    }

    fn running(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Tiles => &mut self.tiles_running,
            Lane::Large => &mut self.large_running,
        }
    }

    fn charged(&mut self, lane: Lane) -> &mut u64 {
        match lane {
            Lane::Tiles => &mut self.tiles_charged,
            Lane::Large => &mut self.large_charged,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) busy: AtomicU64,
    pub(super) too_large: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) given_up: AtomicU64,
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) wake: Condvar,
    /// For the spare threads.
    pub(super) wake_spare: Condvar,
    pub(super) counts: Counts,
    pub(super) began: Instant,
    pub(super) max_large: usize,
    pub(super) tile_bytes: u64,
    pub(super) large_bytes: u64,
    pub(super) options: LaneOptions,
}

impl Shared {
    pub(super) fn new(options: LaneOptions) -> Self {
        let max_large = options.threads.max(1);
        let (tile_bytes, large_bytes) = (options.memory / 5, options.memory - options.memory / 5);
        let limits = AdmissionLimits {
            tile_threads: max_large as u64,
            large_threads: max_large as u64,
            tile_bytes,
            large_bytes,
            max_waiting: options.max_waiting,
            max_wait: options.max_wait,
        };
        let state = State {
            tiles: FairQueue::new(),
            large: FairQueue::new(),
            admission: Admission::new(limits),
            tiles_running: 0,
            large_running: 0,
            afar: 0,
            large_afar: 0,
            tiles_charged: 0,
            large_charged: 0,
            stopping: false,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            wake_spare: Condvar::new(),
            counts: Counts::default(),
            began: Instant::now(),
            max_large,
            tile_bytes,
            large_bytes,
            options,
        }
    }

    /// There is more to do, or a processor more to do it.
    pub(super) fn wake_one(&self) {
        self.wake.notify_one();
        if self.needs_spare(&self.lock()) {
            self.wake_spare.notify_one();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking job is caught before it could leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work, as a thread that rests when it worked and then has nothing to do for a while.
    fn wait<'s>(&'s self, state: MutexGuard<'s, State>, kind: Kind, has_rested: &mut bool) -> MutexGuard<'s, State> {
        let wake = match kind {
            Kind::Regular => &self.wake,
            Kind::Spare => &self.wake_spare,
        };
        if *has_rested {
            return wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (state, waited) = wake.wait_timeout(state, REST_AFTER).unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() {
            return state;
        }
        drop(state);
        (self.options.rest)();
        *has_rested = true;
        self.lock()
    }

    pub(super) fn most(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Tiles => self.tile_bytes,
            Lane::Large => self.large_bytes,
        }
    }

    /// Threads that need a processor now, as far as tiles have to wait for them: large work that comes back from a network all at once
    /// is no reason to let them stand.
    fn at_work(&self, state: &State) -> usize {
        let tiles = state.tiles_running.saturating_sub(state.afar.saturating_sub(state.large_afar));
        tiles + Self::large_at_work(state).min(self.max_large)
    }

    /// Regular threads may all wait for a network, or be at large work that came back from one.
    fn needs_spare(&self, state: &State) -> bool {
        state.afar > 0 || Self::large_at_work(state) > self.max_large
    }

    fn large_at_work(state: &State) -> usize {
        state.large_running.saturating_sub(state.large_afar)
    }

    /// Nothing waits, and a thread is free.
    pub(super) fn is_idle(&self, state: &State, lane: Lane) -> bool {
        match lane {
            Lane::Tiles => state.tiles.len() == 0 && self.at_work(state) <= self.max_large,
            Lane::Large => state.large.len() == 0 && Self::large_at_work(state) < self.max_large,
        }
    }

    /// The next job that may start now, with its memory charged.
    fn next(&self, state: &mut State) -> Option<Job> {
        if self.at_work(state) > self.max_large {
            return None;
        }
        let free = self.tile_bytes.saturating_sub(state.tiles_charged);
        let fits = |free: u64| move |job: &Job| job.task.bytes <= free;
        let job = state.tiles.pop(fits(free)).or_else(|| {
            if Self::large_at_work(state) >= self.max_large {
                return None;
            }
            let free = self.large_bytes.saturating_sub(state.large_charged);
            state.large.pop(fits(free))
        })?;
        *state.charged(job.task.lane) += job.task.bytes;
        *state.running(job.task.lane) += 1;
        Some(job)
    }
}

/// A thread, which leaves its processor to another while it waits for a network.
pub(super) struct Thread {
    pub(super) shared: Arc<Shared>,
    /// Its work is of the large lane.
    is_large: AtomicBool,
}

impl Waits for Thread {
    fn begin(&self) {
        let mut state = self.shared.lock();
        state.afar += 1;
        state.large_afar += usize::from(self.is_large.load(Ordering::Relaxed));
        drop(state);
        self.shared.wake_one();
    }

    fn end(&self) {
        let mut state = self.shared.lock();
        state.afar = state.afar.saturating_sub(1);
        state.large_afar = state.large_afar.saturating_sub(usize::from(self.is_large.load(Ordering::Relaxed)));
    }
}

/// Memory that is charged until this is dropped.
pub struct Charge {
    pub(super) shared: Arc<Shared>,
    pub(super) lane: Lane,
    pub(super) bytes: u64,
}

impl std::fmt::Debug for Charge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Charge").field("lane", &self.lane).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Charge {
    /// Gives back all but `bytes`: the work is done, its result is still held.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self.bytes.saturating_sub(bytes);
        if surplus > 0 {
            self.bytes -= surplus;
            self.give_back(surplus);
        }
    }

    fn give_back(&self, bytes: u64) {
        let mut state = self.shared.lock();
        let charged = state.charged(self.lane);
        *charged = charged.saturating_sub(bytes);
        let needs_spare = self.shared.needs_spare(&state);
        drop(state);
        self.shared.wake.notify_all();
        if needs_spare {
            self.shared.wake_spare.notify_all();
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

/// What a thread does until the lanes stop.
pub(super) fn work(shared: &Arc<Shared>, kind: Kind) {
    let thread = Arc::new(Thread { shared: Arc::clone(shared), is_large: AtomicBool::new(false) });
    recto_codec::tell_of_waiting(Arc::clone(&thread) as Arc<dyn Waits>);
    let mut state = shared.lock();
    let mut has_rested = true;
    loop {
        if state.stopping {
            return;
        }
        let is_needed = kind == Kind::Regular || shared.needs_spare(&state);
        let Some(job) = is_needed.then(|| shared.next(&mut state)).flatten() else {
            state = shared.wait(state, kind, &mut has_rested);
            continue;
        };
        has_rested = false;
        drop(state);
        let Job { run, turn, task, is_reckoned } = job;
        thread.is_large.store(task.lane == Lane::Large, Ordering::Relaxed);
        let charge = Charge { shared: Arc::clone(shared), lane: task.lane, bytes: task.bytes };
        let before = thread_time();
        // It may be given up in this moment, or while it runs: such work tells nothing about how long work takes.
        let is_begun = turn.compare_exchange(WAITING, STARTED, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let outcome = is_begun.then(|| run(charge));
        let took = thread_time().saturating_sub(before);
        state = shared.lock();
        if is_reckoned && outcome.as_ref().is_some_and(|outcome| outcome.is_wanted) {
            state.admission.done(&task.wish(), took);
        }
        *state.running(task.lane) -= 1;
        if task.lane == Lane::Large || kind == Kind::Spare {
            // A thread that slept because the large lane was full, or since spare ones were at work, may go on now.
            shared.wake.notify_one();
        }
        if let Some(outcome) = outcome {
            drop(state);
            (outcome.deliver)();
            state = shared.lock();
        }
    }
}
