//! The threads: what they share, which job is next, and the memory that it is charged.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use recto_codec::Waits;

use super::{Lane, LaneOptions, Task};
use crate::work::admission::{Admission, AdmissionLimits};
use crate::work::fair::FairQueue;
use crate::work::thread_time;

/// How long a thread waits for more work before it rests.
pub(super) const REST_AFTER: Duration = Duration::from_secs(1);

/// Most threads of a lane beyond its regular ones: they work while others wait for a network, or for what another makes. There are as
/// many of them as ever waited at once.
pub(super) const SPARE: usize = 48;

/// After so long it is tried again to start one, when the system had none left.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// By how much the threads of the large lane are nicer than others: where processors are short, tiles get three times as much of
/// them.
const LARGE_NICE: i32 = 5;

pub(super) const WAITING: u8 = 0;
pub(super) const STARTED: u8 = 1;
pub(super) const GONE: u8 = 2;

/// Which threads there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is a processor for it.
    Regular,
    /// It works while others wait, and sleeps else: what threads hold for their next work is not held by more than need be.
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

/// What is known of a lane.
pub(super) struct LaneState {
    pub(super) queue: FairQueue<Job>,
    pub(super) running: usize,
    /// Of those that run, those that wait.
    pub(super) afar: usize,
    /// Spare threads that were started, and until when none is tried to be, as the system had none left.
    spares: usize,
    no_spare_until: Option<Instant>,
    pub(super) charged: u64,
}

impl LaneState {
    fn new() -> Self {
        Self { queue: FairQueue::new(), running: 0, afar: 0, spares: 0, no_spare_until: None, charged: 0 }
    }

    /// Threads that need a processor now.
    pub(super) fn at_work(&self) -> usize {
        self.running.saturating_sub(self.afar)
    }
}

pub(super) struct State {
    pub(super) tiles: LaneState,
    pub(super) large: LaneState,
    pub(super) admission: Admission,
    pub(super) stopping: bool,
}

impl State {
    pub(super) fn lane(&mut self, lane: Lane) -> &mut LaneState {
        match lane {
            Lane::Tiles => &mut self.tiles,
            Lane::Large => &mut self.large,
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

/// What never changes of a lane, and its bells.
struct LaneShared {
    /// Threads that may be at work at a time.
    threads: usize,
    bytes: u64,
    wake: Condvar,
    wake_spare: Condvar,
}

impl LaneShared {
    const fn new(threads: usize, bytes: u64) -> Self {
        Self { threads, bytes, wake: Condvar::new(), wake_spare: Condvar::new() }
    }
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    tiles: LaneShared,
    large: LaneShared,
    pub(super) spares: Mutex<Vec<JoinHandle<()>>>,
    pub(super) counts: Counts,
    pub(super) began: Instant,
    /// How nice the process is to others. Threads begin as nice as who starts them.
    nice: Option<i32>,
    pub(super) options: LaneOptions,
}

impl Shared {
    pub(super) fn new(options: LaneOptions) -> Self {
        let processors = options.threads.max(1);
        let (tile_bytes, large_bytes) = (options.memory / 5, options.memory - options.memory / 5);
        let limits = AdmissionLimits {
            tile_threads: processors as u64,
            large_threads: processors as u64,
            tile_bytes,
            large_bytes,
            max_waiting: options.max_waiting,
            max_wait: options.max_wait,
        };
        let state = State {
            tiles: LaneState::new(),
            large: LaneState::new(),
            admission: Admission::new(limits),
            stopping: false,
        };
        Self {
            state: Mutex::new(state),
            // One tile more, as some read files while others calculate.
            tiles: LaneShared::new(processors + 1, tile_bytes),
            large: LaneShared::new(processors, large_bytes),
            spares: Mutex::new(Vec::new()),
            counts: Counts::default(),
            began: Instant::now(),
            nice: rustix::process::getpriority_process(None).ok(),
            options,
        }
    }

    const fn of(&self, lane: Lane) -> &LaneShared {
        match lane {
            Lane::Tiles => &self.tiles,
            Lane::Large => &self.large,
        }
    }

    /// There is more to do in a lane, or a processor more to do it. `needs_spare` is what [`Self::needs_spare`] said then.
    pub(super) fn wake_one(&self, lane: Lane, needs_spare: bool) {
        self.of(lane).wake.notify_one();
        if needs_spare {
            self.of(lane).wake_spare.notify_one();
        }
    }

    pub(super) fn wake_all(&self, lane: Lane, needs_spare: bool) {
        self.of(lane).wake.notify_all();
        if needs_spare {
            self.of(lane).wake_spare.notify_all();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking job is caught before it could leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work, as a thread that rests when it worked and then has nothing to do for a while.
    fn wait<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        (lane, kind): (Lane, Kind),
        has_rested: &mut bool,
    ) -> MutexGuard<'s, State> {
        let wake = match kind {
            Kind::Regular => &self.of(lane).wake,
            Kind::Spare => &self.of(lane).wake_spare,
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

    /// Most bytes of all work of a lane.
    pub(super) fn most(&self, lane: Lane) -> u64 {
        self.of(lane).bytes
    }

    /// Threads that a lane has for its work.
    pub(super) fn threads(&self, lane: Lane) -> usize {
        self.of(lane).threads
    }

    /// Regular threads of the lane may all wait; and those that waited and do not any more may be more than there are processors for,
    /// which then are to be told when there is one.
    pub(super) fn needs_spare(&self, state: &mut State, lane: Lane) -> bool {
        state.lane(lane).afar > 0 || state.lane(lane).at_work() > self.threads(lane)
    }

    /// Nothing waits, and a thread is free.
    pub(super) fn is_idle(&self, state: &mut State, lane: Lane) -> bool {
        state.lane(lane).queue.len() == 0 && state.lane(lane).at_work() < self.threads(lane)
    }

    /// The next job of a lane, if one may start now, with its memory charged.
    fn next(&self, state: &mut State, lane: Lane) -> Option<Job> {
        let now = state.lane(lane);
        if now.at_work() >= self.threads(lane) {
            return None;
        }
        let free = self.most(lane).saturating_sub(now.charged);
        let job = now.queue.pop(|job: &Job| job.task.bytes <= free)?;
        now.charged += job.task.bytes;
        now.running += 1;
        Some(job)
    }
}

/// A thread, which leaves its processor to another while it waits.
struct Thread {
    shared: Arc<Shared>,
    lane: Lane,
}

impl Waits for Thread {
    fn begin(&self) {
        let mut state = self.shared.lock();
        let is_stopping = state.stopping;
        let lane = state.lane(self.lane);
        lane.afar += 1;
        let is_short = lane.spares < lane.afar.min(SPARE) && !is_stopping;
        let is_tried = is_short && lane.no_spare_until.is_none_or(|until| Instant::now() >= until);
        let spare = is_tried.then_some(lane.spares);
        lane.spares += usize::from(spare.is_some());
        drop(state);
        if let Some(index) = spare
            && let Err(error) = start_spare(&self.shared, self.lane, index)
        {
            tracing::warn!("the system has no thread more to work while others wait: {error}");
            let mut state = self.shared.lock();
            let lane = state.lane(self.lane);
            lane.spares -= 1;
            lane.no_spare_until = Some(Instant::now() + TRY_AGAIN);
        }
        self.shared.wake_one(self.lane, true);
    }

    fn end(&self) {
        let mut state = self.shared.lock();
        let lane = state.lane(self.lane);
        lane.afar = lane.afar.saturating_sub(1);
    }
}

/// One thread more. It is among [`Shared::spares`] when this returns.
fn start_spare(shared: &Arc<Shared>, lane: Lane, index: usize) -> std::io::Result<()> {
    let mut spares = shared.spares.lock().unwrap_or_else(PoisonError::into_inner);
    spares.push(start(shared, (lane, Kind::Spare), index)?);
    Ok(())
}

/// Starts a thread that works until the lanes stop.
pub(super) fn start(shared: &Arc<Shared>, of: (Lane, Kind), index: usize) -> std::io::Result<JoinHandle<()>> {
    let name = match of {
        (Lane::Tiles, Kind::Regular) => format!("tiles-{index}"),
        (Lane::Large, Kind::Regular) => format!("large-{index}"),
        (Lane::Tiles, Kind::Spare) => format!("spare-tiles-{index}"),
        (Lane::Large, Kind::Spare) => format!("spare-large-{index}"),
    };
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name(name).spawn(move || work(&shared, of))
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
        let lane = state.lane(self.lane);
        lane.charged = lane.charged.saturating_sub(bytes);
        let needs_spare = self.shared.needs_spare(&mut state, self.lane);
        drop(state);
        self.shared.wake_all(self.lane, needs_spare);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

/// What a thread does until the lanes stop.
fn work(shared: &Arc<Shared>, (lane, kind): (Lane, Kind)) {
    if lane == Lane::Large
        && let Some(nice) = shared.nice
    {
        // On Linux, of this thread alone; without it the system shares processors among all alike.
        let _nicer = rustix::process::setpriority_process(None, nice + LARGE_NICE);
    }
    recto_codec::tell_of_waiting(Arc::new(Thread { shared: Arc::clone(shared), lane }));
    let mut state = shared.lock();
    let mut has_rested = true;
    loop {
        if state.stopping {
            return;
        }
        let is_needed = kind == Kind::Regular || shared.needs_spare(&mut state, lane);
        let Some(job) = is_needed.then(|| shared.next(&mut state, lane)).flatten() else {
            state = shared.wait(state, (lane, kind), &mut has_rested);
            continue;
        };
        has_rested = false;
        drop(state);
        let Job { run, turn, task, is_reckoned } = job;
        let charge = Charge { shared: Arc::clone(shared), lane, bytes: task.bytes };
        let before = thread_time();
        // It may be given up in this moment, or while it runs: such work tells nothing about how long work takes.
        let is_begun = turn.compare_exchange(WAITING, STARTED, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let outcome = is_begun.then(|| run(charge));
        let took = thread_time().saturating_sub(before);
        state = shared.lock();
        if is_reckoned && outcome.as_ref().is_some_and(|outcome| outcome.is_wanted) {
            state.admission.done(&task.wish(), took);
        }
        state.lane(lane).running -= 1;
        if kind == Kind::Spare || shared.needs_spare(&mut state, lane) {
            // One that slept since there was no processor for it may go on now.
            let needs_spare = shared.needs_spare(&mut state, lane);
            shared.wake_one(lane, needs_spare);
        }
        if let Some(outcome) = outcome {
            drop(state);
            (outcome.deliver)();
            state = shared.lock();
        }
    }
}
