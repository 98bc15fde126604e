//! Work that nobody waits for: at the lowest priority, little of it at a time, never twice the same at once.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use recto_codec::{Control, DecodeError};

use super::{Charge, Lanes};

/// Jobs that may wait; what comes then is not done.
const MOST_WAITING: usize = 256;
/// How long to wait for memory before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How much goes on behind the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackgroundStats {
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs at work.
    pub running: usize,
    /// Jobs that were done.
    pub done: u64,
    /// Jobs that failed or were cancelled.
    pub failed: u64,
}

type Run = Box<dyn FnOnce(&Control) -> Result<(), DecodeError> + Send>;

struct Job {
    key: u128,
    bytes: u64,
    run: Run,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// What waits or runs, with the switch that ends it.
    known: HashMap<u128, Control>,
    running: usize,
    stopping: bool,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    done: AtomicU64,
    failed: AtomicU64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads for work that nobody waits for.
pub struct Background {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Background {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Background").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Background {
    /// Starts `threads` threads, which take memory from `lanes` when these leave some.
    ///
    /// # Panics
    /// When the system refuses to make a thread.
    pub fn start(threads: usize, lanes: &Arc<Lanes>) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let threads = (0..threads.max(1))
            .map(|index| {
                let (shared, lanes) = (Arc::clone(&shared), Arc::clone(lanes));
                std::thread::Builder::new()
                    .name(format!("background-{index}"))
                    .spawn(move || work(&shared, &lanes))
                    .expect("the system can make the background threads")
            })
            .collect();
        Self { shared, threads }
    }

    /// Has `run` done some time, once: what has the same key and waits or runs already is not taken again. `bytes` is the
    /// memory that it holds. False when it was not taken.
    pub fn submit(
        &self,
        key: u128,
        bytes: u64,
        run: impl FnOnce(&Control) -> Result<(), DecodeError> + Send + 'static,
    ) -> bool {
        let mut state = self.shared.lock();
        if state.stopping || state.jobs.len() >= MOST_WAITING || state.known.contains_key(&key) {
            return false;
        }
        state.known.insert(key, Control::default());
        state.jobs.push_back(Job { key, bytes, run: Box::new(run) });
        drop(state);
        self.shared.wake.notify_one();
        true
    }

    /// Ends the job with this key, if there is one.
    pub fn cancel(&self, key: u128) {
        if let Some(control) = self.shared.lock().known.get(&key) {
            control.cancel();
        }
    }

    /// How much goes on.
    pub fn stats(&self) -> BackgroundStats {
        let state = self.shared.lock();
        BackgroundStats {
            waiting: state.jobs.len(),
            running: state.running,
            done: self.shared.done.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            state.jobs.clear();
            state.known.values().for_each(Control::cancel);
        }
        self.shared.wake.notify_all();
        let here = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != here) {
            // A panic of the thread itself was reported when it happened.
            let _joined = thread.join();
        }
    }
}

/// Takes memory for a job; `None` when the threads are to end.
fn charge(shared: &Shared, lanes: &Lanes, job: &Job, control: &Control) -> Option<Charge> {
    loop {
        if control.is_cancelled() {
            return None;
        }
        if let Some(charge) = lanes.charge_idle(job.bytes) {
            return Some(charge);
        }
        let state = shared.lock();
        if state.stopping {
            return None;
        }
        let waited = shared.wake.wait_timeout(state, LOOK_AGAIN);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

fn work(shared: &Shared, lanes: &Lanes) {
    // The priority of this thread alone; without it the work is as quick as any other.
    let _lowest = rustix::process::setpriority_process(None, 19);
    loop {
        let (job, control) = {
            let mut state = shared.lock();
            loop {
                if state.stopping {
                    return;
                }
                if let Some(job) = state.jobs.pop_front() {
                    let control = state.known.get(&job.key).cloned().unwrap_or_default();
                    state.running += 1;
                    break (job, control);
                }
                state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let key = job.key;
        let outcome = charge(shared, lanes, &job, &control).map(|charge| {
            let outcome = catch_unwind(AssertUnwindSafe(|| (job.run)(&control)));
            drop(charge);
            outcome
        });
        match outcome {
            Some(Ok(Ok(()))) => shared.done.fetch_add(1, Ordering::Relaxed),
            Some(Ok(Err(error))) => {
                tracing::debug!(%error, "background work failed");
                shared.failed.fetch_add(1, Ordering::Relaxed)
            }
            Some(Err(_)) | None => shared.failed.fetch_add(1, Ordering::Relaxed),
        };
        let mut state = shared.lock();
        state.known.remove(&key);
        state.running -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::super::{AdmissionMode, LaneOptions};
    use super::*;

    fn lanes() -> Arc<Lanes> {
        Arc::new(Lanes::start(LaneOptions {
            threads: 2,
            memory: 1000,
            max_waiting: 8,
            max_wait: Duration::from_mins(1),
            mode: AdmissionMode::Enforce,
            rest: || {},
        }))
    }

    fn until(what: impl Fn() -> bool) {
        while !what() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_same_is_done_once_at_a_time_and_again_later() {
        let background = Background::start(1, &lanes());
        let (release, blocked) = mpsc::channel::<()>();
        assert!(background.submit(1, 10, move |_| {
            blocked.recv().ok();
            Ok(())
        }));
        assert!(!background.submit(1, 10, |_| Ok(())), "it runs or waits");
        assert!(background.submit(2, 10, |_| Ok(())));
        release.send(()).unwrap();
        until(|| background.stats().done == 2);
        until(|| background.stats().running == 0);
        assert!(background.submit(1, 10, |_| Err(DecodeError::Cancelled)));
        assert!(background.submit(3, 10, |_| panic!("a bad file")));
        until(|| background.stats().failed == 2);
    }

    #[test]
    fn what_runs_ends_when_it_is_cancelled_and_at_the_end() {
        let background = Background::start(1, &lanes());
        let run = |control: &Control| loop {
            control.check()?;
            std::thread::yield_now();
        };
        assert!(background.submit(1, 10, run));
        until(|| background.stats().running == 1);
        background.cancel(1);
        until(|| background.stats().failed == 1);
        assert!(background.submit(2, 10, run));
        assert!(background.submit(3, 10, run));
        drop(background);
    }

    #[test]
    fn work_without_memory_waits_for_it() {
        let lanes = lanes();
        let held = lanes.charge_idle(400).unwrap();
        assert!(lanes.charge_idle(1).is_none(), "half of the large lane's memory is the most");
        let background = Background::start(1, &lanes);
        assert!(background.submit(1, 100, |_| Ok(())));
        until(|| background.stats().running == 1);
        assert_eq!(background.stats().done, 0);
        drop(held);
        until(|| background.stats().done == 1);
        assert_eq!(lanes.stats().charged_bytes, 0);
    }
}
