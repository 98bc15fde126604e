//! The threads that touch pixels, the two queues before them, and the memory that they may use.

mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use self::threads::{GONE, Job, Kind, Outcome, Shared, WAITING};
use super::Client;
use super::admission::{Verdict, Wish};
use super::fair::Place;
use crate::ServiceError;

pub use self::threads::Charge;

/// Which queue work stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Small and quick: tiles, facts, thumbnails from a near level. They have threads of their own.
    Tiles,
    /// Everything else, by threads that get less of a processor where tiles need it.
    Large,
}

/// What becomes of verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionMode {
    /// They are carried out: what would wait too long is answered 503 at once, what can never be done 413.
    #[default]
    Enforce,
    /// They are counted, and everything is let in all the same. What takes more memory than there is runs alone. For trying
    /// limits out; a crowd then waits as long as it takes.
    Shadow,
}

/// How the lanes are laid out.
#[derive(Clone, Copy, Debug)]
pub struct LaneOptions {
    /// Processors that there are for it, at least one: each lane has as many threads, the tiles one more.
    pub threads: usize,
    /// Memory for all work together, in bytes. A fifth is kept for the tile lane.
    pub memory: u64,
    /// Things that may wait in each lane.
    pub max_waiting: usize,
    /// The longest that anything may wait.
    pub max_wait: Duration,
    /// What becomes of verdicts.
    pub mode: AdmissionMode,
    /// Called by a thread that had nothing to do for a second after its last work: to give back what it keeps for the next.
    pub rest: fn(),
}

/// A piece of work before it is let in.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Where it stands.
    pub lane: Lane,
    /// On whose behalf.
    pub client: Client,
    /// How long it will take.
    pub time: Duration,
    /// Memory that it will hold, in bytes.
    pub bytes: u64,
}

impl Task {
    fn wish(&self) -> Wish {
        Wish { lane: self.lane, client: self.client, time: self.time, bytes: self.bytes }
    }
}

/// How full the lanes are, and what was turned away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneStats {
    /// Waiting in the tile lane.
    pub tiles_waiting: usize,
    /// Waiting in the large lane.
    pub large_waiting: usize,
    /// Threads at work on large requests.
    pub large_running: usize,
    /// Bytes of memory that are charged.
    pub charged_bytes: u64,
    /// How long a newcomer would wait in the tile lane.
    pub tiles_wait: Duration,
    /// How long a newcomer would wait in the large lane.
    pub large_wait: Duration,
    /// Verdicts "not now"; in shadow mode they were not carried out.
    pub verdicts_busy: u64,
    /// Verdicts "never"; likewise.
    pub verdicts_too_large: u64,
    /// Work that was let in and then waited too long.
    pub expired: u64,
    /// Work that was given up while it waited, as its client had left.
    pub given_up: u64,
}

/// A tile lane and a large lane, with threads and memory of their own.
pub struct Lanes {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes")
            .field("threads", &self.threads.len())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Lanes {
    /// Starts the threads.
    ///
    /// # Panics
    /// When the system refuses to make a thread.
    pub fn start(options: LaneOptions) -> Self {
        let shared = Arc::new(Shared::new(options));
        let threads = [Lane::Tiles, Lane::Large]
            .into_iter()
            .flat_map(|lane| (0..shared.threads(lane)).map(move |index| (lane, index)))
            .map(|(lane, index)| {
                threads::start(&shared, (lane, Kind::Regular), index).expect("the system can make the pixel threads")
            })
            .collect();
        Self { shared, threads }
    }

    /// How full the lanes are now.
    pub fn stats(&self) -> LaneStats {
        let counts = &self.shared.counts;
        let now = self.shared.began.elapsed();
        let mut state = self.shared.lock();
        LaneStats {
            tiles_waiting: state.tiles.queue.len(),
            large_waiting: state.large.queue.len(),
            large_running: state.large.running,
            charged_bytes: state.tiles.charged + state.large.charged,
            tiles_wait: state.admission.wait(now, Lane::Tiles),
            large_wait: state.admission.wait(now, Lane::Large),
            verdicts_busy: counts.busy.load(Ordering::Relaxed),
            verdicts_too_large: counts.too_large.load(Ordering::Relaxed),
            expired: counts.expired.load(Ordering::Relaxed),
            given_up: counts.given_up.load(Ordering::Relaxed),
        }
    }

    /// Most bytes that one piece of work in this lane can ever have.
    pub fn largest(&self, lane: Lane) -> u64 {
        self.shared.most(lane)
    }

    /// Counts that something was found impossible that the lanes themselves do not know of.
    pub fn count_too_large(&self) {
        self.shared.counts.too_large.fetch_add(1, Ordering::Relaxed);
    }

    /// What becomes of verdicts.
    pub fn mode(&self) -> AdmissionMode {
        self.shared.options.mode
    }

    /// Charges memory without waiting, for work of no lane; `None` when there is none free or the lane has its own need of it.
    pub fn charge_idle(&self, bytes: u64) -> Option<Charge> {
        let mut state = self.shared.lock();
        let is_free =
            state.large.charged.checked_add(bytes).is_some_and(|sum| sum <= self.shared.most(Lane::Large) / 2);
        if !is_free || state.large.queue.len() > 0 {
            return None;
        }
        state.large.charged += bytes;
        Some(Charge { shared: Arc::clone(&self.shared), lane: Lane::Large, bytes })
    }

    /// Runs `job` on a pixel thread, with its memory charged, and gives what it returns.
    ///
    /// Dropping the future while the job is still waiting takes it out of the queue. A job that runs already must watch its
    /// own `Control`.
    ///
    /// # Errors
    /// [`ServiceError::OverBudget`] when it can never fit, [`ServiceError::Busy`] when it would wait or did wait too long,
    /// [`ServiceError::Panicked`] when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        mut task: Task,
        job: impl FnOnce(Charge) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let shared = &self.shared;
        let (sender, receiver) = oneshot::channel();
        let run = Box::new(move |charge: Charge| {
            let outcome = catch_unwind(AssertUnwindSafe(|| job(charge))).ok();
            let is_wanted = !sender.is_closed();
            // Who left in the meantime does not wait for it.
            let deliver = Box::new(move || drop(sender.send(outcome)));
            Outcome { is_wanted, deliver: deliver as Box<dyn FnOnce() + Send> }
        });
        let turn = Arc::new(AtomicU8::new(WAITING));
        let is_enforced = shared.options.mode == AdmissionMode::Enforce;
        let (waiting, needs_spare) = {
            let mut state = shared.lock();
            if shared.is_idle(&mut state, task.lane) {
                state.admission.caught_up(task.lane);
            }
            let verdict = state.admission.decide(shared.began.elapsed(), &task.wish());
            let is_reckoned = verdict == Verdict::Admitted;
            match verdict {
                Verdict::Admitted => {}
                Verdict::Busy { wait } => {
                    shared.counts.busy.fetch_add(1, Ordering::Relaxed);
                    if is_enforced {
                        return Err(ServiceError::Busy { retry_after: in_seconds(wait) });
                    }
                }
                Verdict::TooLarge => {
                    shared.counts.too_large.fetch_add(1, Ordering::Relaxed);
                    let budget_bytes = shared.most(task.lane);
                    if is_enforced {
                        return Err(ServiceError::OverBudget { needed_bytes: task.bytes, budget_bytes });
                    }
                    task.bytes = budget_bytes;
                }
            }
            let job = Job { run, turn: Arc::clone(&turn), task, is_reckoned };
            let place = state.lane(task.lane).queue.push(task.client, task.time, job);
            let waiting = Waiting { shared: Arc::clone(shared), turn, lane: task.lane, place };
            (waiting, shared.needs_spare(&mut state, task.lane))
        };
        shared.wake_one(task.lane, needs_spare);
        let mut receiver = std::pin::pin!(receiver);
        let outcome = if is_enforced {
            match tokio::time::timeout(shared.options.max_wait, &mut receiver).await {
                Ok(outcome) => outcome,
                Err(_) if waiting.give_up() => {
                    shared.counts.expired.fetch_add(1, Ordering::Relaxed);
                    let wait = shared.lock().admission.wait(shared.began.elapsed(), task.lane);
                    return Err(ServiceError::Busy { retry_after: in_seconds(wait) });
                }
                // It runs, and what runs has a deadline of its own.
                Err(_) => receiver.await,
            }
        } else {
            receiver.await
        };
        match outcome {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(ServiceError::Panicked),
            // The job was dropped unrun: the lanes are stopping.
            Err(_) => Err(ServiceError::Busy { retry_after: Duration::from_secs(2) }),
        }
    }
}

/// The one who waits for a job; who goes before it begins takes it along.
struct Waiting {
    shared: Arc<Shared>,
    turn: Arc<AtomicU8>,
    lane: Lane,
    place: Place,
}

impl Waiting {
    /// Takes the job out of the queue; false when it has begun.
    fn give_up(&self) -> bool {
        if self.turn.compare_exchange(WAITING, GONE, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return false;
        }
        let now = self.shared.began.elapsed();
        let mut state = self.shared.lock();
        let job = state.lane(self.lane).queue.remove(self.place);
        if let Some(job) = job.as_ref().filter(|job| job.is_reckoned) {
            state.admission.given_up(now, &job.task.wish());
        }
        // What the job holds on to is let go when others can go on.
        drop(state);
        drop(job);
        true
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.give_up() {
            self.shared.counts.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Whole seconds, as `Retry-After` counts, at least one.
fn in_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).clamp(1, 600))
}

impl Drop for Lanes {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            state.tiles.queue.clear();
            state.large.queue.clear();
        }
        [Lane::Tiles, Lane::Large].into_iter().for_each(|lane| self.shared.wake_all(lane, true));
        let here = std::thread::current().id();
        let join = |thread: JoinHandle<()>| {
            if thread.thread().id() != here {
                // A panic of the thread itself was reported when it happened.
                let _joined = thread.join();
            }
        };
        self.threads.drain(..).for_each(join);
        // One that still worked may have started another.
        let next = || self.shared.spares.lock().unwrap_or_else(PoisonError::into_inner).pop();
        std::iter::from_fn(next).for_each(join);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::threads::REST_AFTER;
    use super::*;

    fn lanes(memory: u64, max_waiting: usize) -> Lanes {
        let max_wait = Duration::from_mins(1);
        Lanes::start(LaneOptions {
            threads: 1,
            memory,
            max_waiting,
            max_wait,
            mode: AdmissionMode::Enforce,
            rest: || {},
        })
    }

    fn task(lane: Lane, bytes: u64) -> Task {
        Task { lane, client: Client::default(), time: Duration::from_millis(1), bytes }
    }

    /// A large job that runs until it is told to end.
    fn block(lanes: &Arc<Lanes>, bytes: u64) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), ServiceError>>) {
        let (release, blocked) = mpsc::channel::<()>();
        let lanes = Arc::clone(lanes);
        let running = tokio::spawn(async move {
            let long = Task { time: Duration::from_secs(5), ..task(Lane::Large, bytes) };
            lanes
                .run(long, move |charge| {
                    let _ended = blocked.recv();
                    drop(charge);
                })
                .await
        });
        (release, running)
    }

    async fn until(what: impl Fn() -> bool) {
        while !what() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panicking_job_costs_one_request() {
        let lanes = lanes(1000, 8);
        let error = lanes.run(task(Lane::Tiles, 100), |_| panic!("a bad file")).await.unwrap_err();
        assert!(matches!(error, ServiceError::Panicked), "{error:?}");
        assert_eq!(lanes.run(task(Lane::Tiles, 100), |_| 7).await.unwrap(), 7);
        assert_eq!(lanes.stats().charged_bytes, 0);
    }

    #[tokio::test]
    async fn tiles_flow_while_every_large_slot_is_taken() {
        let lanes = Arc::new(lanes(1000, 64));
        let blocked: Vec<_> = (0..8).map(|_| block(&lanes, 1)).collect();
        for tile in 0..100 {
            assert_eq!(lanes.run(task(Lane::Tiles, 1), move |_| tile).await.unwrap(), tile);
        }
        assert!(lanes.stats().large_running <= 1, "{:?}", lanes.stats());
        for (release, job) in blocked {
            release.send(()).unwrap();
            job.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_network_leaves_the_processor_to_others() {
        let lanes = Arc::new(lanes(1000, 64));
        let (mut ends, mut waiting) = (Vec::new(), Vec::new());
        let waits = Arc::new(AtomicUsize::new(0));
        lanes.run(task(Lane::Tiles, 1), |_| ()).await.unwrap();
        assert_eq!(lanes.shared.spares.lock().unwrap().len(), 0, "no thread more while none waits");
        for _ in 0..6 {
            let (end, ended) = mpsc::channel::<()>();
            ends.push(end);
            let (lanes, waits) = (Arc::clone(&lanes), Arc::clone(&waits));
            waiting.push(tokio::spawn(async move {
                let wait = move |_charge| {
                    recto_codec::while_waiting(|| {
                        waits.fetch_add(1, Ordering::SeqCst);
                        ended.recv()
                    })
                };
                lanes.run(task(Lane::Tiles, 1), wait).await
            }));
        }
        // Two threads there are for work; all wait at once, and other tiles flow meanwhile.
        until(|| waits.load(Ordering::SeqCst) == 6).await;
        assert_eq!(lanes.shared.spares.lock().unwrap().len(), 6, "as many threads more as wait");
        for tile in 0..100 {
            assert_eq!(lanes.run(task(Lane::Tiles, 1), move |_| tile).await.unwrap(), tile);
        }
        // As many as ever are at work at a time, though.
        let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = (0..20).map(|_| {
            let (lanes, busy, most) = (Arc::clone(&lanes), Arc::clone(&busy), Arc::clone(&most));
            tokio::spawn(async move {
                let work = move |_charge| {
                    most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    busy.fetch_sub(1, Ordering::SeqCst);
                };
                lanes.run(task(Lane::Tiles, 1), work).await
            })
        });
        for work in work.collect::<Vec<_>>() {
            work.await.unwrap().unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
        ends.into_iter().for_each(|end| end.send(()).unwrap());
        for waiting in waiting {
            waiting.await.unwrap().unwrap().unwrap();
        }
        assert_eq!(lanes.shared.lock().tiles.afar, 0);
    }

    #[tokio::test]
    async fn large_work_that_comes_back_from_a_network_all_at_once_leaves_tiles_going() {
        let lanes = Arc::new(lanes(1000, 64));
        let (back, at_work) = (Arc::new(std::sync::Barrier::new(9)), Arc::new(AtomicUsize::new(0)));
        let (mut ends, mut running) = (Vec::new(), Vec::new());
        for _ in 0..8 {
            let (end, ended) = mpsc::channel::<()>();
            ends.push(end);
            let (lanes, back, at_work) = (Arc::clone(&lanes), Arc::clone(&back), Arc::clone(&at_work));
            running.push(tokio::spawn(async move {
                let job = move |_charge| {
                    recto_codec::while_waiting(|| back.wait());
                    at_work.fetch_add(1, Ordering::SeqCst);
                    ended.recv()
                };
                lanes.run(Task { time: Duration::from_secs(1), ..task(Lane::Large, 1) }, job).await
            }));
        }
        // All of them wait, and then none does any more.
        let all = Arc::clone(&back);
        tokio::task::spawn_blocking(move || all.wait()).await.unwrap();
        until(|| at_work.load(Ordering::SeqCst) == 8).await;
        for tile in 0..100 {
            assert_eq!(lanes.run(task(Lane::Tiles, 1), move |_| tile).await.unwrap(), tile);
        }
        ends.into_iter().for_each(|end| end.send(()).unwrap());
        for running in running {
            running.await.unwrap().unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_full_lane_refuses_at_once() {
        let lanes = Arc::new(lanes(1000, 2));
        let first = block(&lanes, 1);
        until(|| lanes.stats().large_running == 1).await;
        let second = block(&lanes, 1);
        until(|| lanes.stats().large_waiting == 1).await;
        let many: Vec<_> = (0..40).map(|_| block(&lanes, 1)).collect();
        until(|| lanes.stats().verdicts_busy == 40).await;
        for (release, job) in [first, second].into_iter().chain(many) {
            let _gone = release.send(());
            match job.await.unwrap() {
                Ok(()) => {}
                Err(error) => assert!(matches!(error, ServiceError::Busy { .. }), "{error:?}"),
            }
        }
    }

    #[tokio::test]
    async fn work_that_can_never_fit_is_refused_at_once() {
        let lanes = lanes(1000, 8);
        let error = lanes.run(task(Lane::Large, 801), |_| ()).await.unwrap_err();
        assert!(matches!(error, ServiceError::OverBudget { needed_bytes: 801, budget_bytes: 800 }), "{error:?}");
        assert_eq!(lanes.stats().verdicts_too_large, 1);
        lanes.run(task(Lane::Large, 800), |_| ()).await.unwrap();
    }

    #[tokio::test]
    async fn work_over_the_rest_waits_for_it() {
        let lanes = Arc::new(lanes(1000, 64));
        let held = lanes.run(task(Lane::Large, 700), |charge| charge).await.unwrap();
        let (release, waiting) = block(&lanes, 200);
        until(|| lanes.stats().large_waiting == 1).await;
        lanes.run(task(Lane::Large, 100), |_| ()).await.expect("what fits goes before");
        lanes.run(task(Lane::Tiles, 200), |_| ()).await.expect("the tile lane has its own");
        drop(held);
        release.send(()).unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(lanes.stats().charged_bytes, 0);
    }

    #[tokio::test]
    async fn a_result_keeps_its_part_of_the_charge_until_it_is_sent() {
        let lanes = lanes(1000, 8);
        let mut charge = lanes.run(task(Lane::Large, 600), |charge| charge).await.unwrap();
        charge.shrink_to(100);
        assert_eq!(lanes.stats().charged_bytes, 100);
        charge.shrink_to(500);
        assert_eq!(lanes.stats().charged_bytes, 100, "a charge does not grow");
        drop(charge);
        assert_eq!(lanes.stats().charged_bytes, 0);
    }

    #[tokio::test]
    async fn d2_work_whose_client_left_is_taken_out_of_the_queue() {
        let lanes = Arc::new(lanes(1000, 64));
        let (release, running) = block(&lanes, 1);
        until(|| lanes.stats().large_running == 1).await;
        let (_never, waiting) = block(&lanes, 1);
        until(|| lanes.stats().large_waiting == 1).await;
        waiting.abort();
        until(|| lanes.stats().large_waiting == 0).await;
        assert_eq!(lanes.stats().given_up, 1);
        release.send(()).unwrap();
        running.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn d2_what_waited_too_long_is_told_to_come_again() {
        let lanes = Arc::new(lanes(1000, 64));
        let held = lanes.charge_idle(400).unwrap();
        // Its memory is not free, so nothing happens but that time passes.
        let error = lanes.run(task(Lane::Large, 500), |_| ()).await.unwrap_err();
        assert!(matches!(error, ServiceError::Busy { .. }), "{error:?}");
        assert_eq!((lanes.stats().expired, lanes.stats().large_waiting), (1, 0));
        drop(held);
    }

    #[tokio::test]
    async fn threads_rest_once_when_there_was_work_and_there_is_none() {
        static RESTS: AtomicUsize = AtomicUsize::new(0);
        let rest = || {
            RESTS.fetch_add(1, Ordering::SeqCst);
        };
        let (max_wait, mode) = (Duration::from_mins(1), AdmissionMode::Enforce);
        let lanes = Lanes::start(LaneOptions { threads: 1, memory: 1000, max_waiting: 8, max_wait, mode, rest });
        for rests in 1..3 {
            lanes.run(task(Lane::Tiles, 1), |_| ()).await.unwrap();
            until(|| RESTS.load(Ordering::SeqCst) == rests).await;
            tokio::time::sleep(REST_AFTER + Duration::from_millis(300)).await;
            assert_eq!(RESTS.load(Ordering::SeqCst), rests);
        }
    }

    #[tokio::test]
    async fn d2_shadow_mode_counts_and_lets_all_in() {
        let options = LaneOptions {
            rest: || {},
            threads: 1,
            memory: 1000,
            max_waiting: 64,
            max_wait: Duration::from_secs(1),
            mode: AdmissionMode::Shadow,
        };
        let lanes = Lanes::start(options);
        let long = Task { time: Duration::from_secs(30), ..task(Lane::Large, 10) };
        for (task, want) in [(long, (0, 0)), (task(Lane::Large, 5000), (0, 1))] {
            lanes.run(task, |_| ()).await.unwrap();
            let stats = lanes.stats();
            assert_eq!((stats.verdicts_busy, stats.verdicts_too_large), want, "{stats:?}");
        }
    }
}
