//! The threads that touch pixels, and the two queues before them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::ServiceError;

/// Which queue work stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Small and quick: tiles, facts, thumbnails from a near level. Every thread takes these first.
    Tiles,
    /// Everything else. At least one thread never takes these.
    Large,
}

/// How full the lanes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneStats {
    /// Waiting in the tile lane.
    pub tiles_waiting: usize,
    /// Waiting in the large lane.
    pub large_waiting: usize,
    /// Threads at work on large requests.
    pub large_running: usize,
}

type Job = Box<dyn FnOnce() + Send>;

struct Waiting {
    job: Job,
    since: Instant,
}

struct State {
    tiles: VecDeque<Waiting>,
    large: VecDeque<Waiting>,
    large_running: usize,
    stopping: bool,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    max_large: usize,
    max_waiting: usize,
    patience: Duration,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking job is caught before it could leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fixed number of threads with a tile lane and a large lane.
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
    /// Starts `threads` (at least 2 are made, so that one is always free for tiles). At most `max_waiting` requests stand in
    /// each queue, none longer than `patience`.
    ///
    /// # Panics
    /// When the system refuses to make a thread.
    pub fn start(threads: usize, max_waiting: usize, patience: Duration) -> Self {
        let threads = threads.max(2);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                tiles: VecDeque::new(),
                large: VecDeque::new(),
                large_running: 0,
                stopping: false,
            }),
            wake: Condvar::new(),
            max_large: threads - 1,
            max_waiting,
            patience,
        });
        let threads = (0..threads)
            .map(|index| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("pixels-{index}"))
                    .spawn(move || work(&shared))
                    .expect("the system can make the pixel threads")
            })
            .collect();
        Self { shared, threads }
    }

    /// How full the lanes are now.
    pub fn stats(&self) -> LaneStats {
        let state = self.shared.lock();
        LaneStats {
            tiles_waiting: state.tiles.len(),
            large_waiting: state.large.len(),
            large_running: state.large_running,
        }
    }

    /// Runs `job` on a pixel thread and gives what it returns.
    ///
    /// Dropping the future while the job is still waiting takes it out of the queue's work: it is skipped when its turn
    /// comes. A job that runs already must watch its own `Control`.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] when the lane is full or the job waited too long, [`ServiceError::Panicked`] when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            if sender.is_closed() {
                return;
            }
            let outcome = catch_unwind(AssertUnwindSafe(job));
            // The receiver may be gone by now; then nobody wants the answer.
            let _gone = sender.send(outcome.ok());
        });
        {
            let mut state = self.shared.lock();
            let queue = match lane {
                Lane::Tiles => &mut state.tiles,
                Lane::Large => &mut state.large,
            };
            if queue.len() >= self.shared.max_waiting {
                return Err(ServiceError::Busy { retry_after: Duration::from_secs(2) });
            }
            queue.push_back(Waiting { job, since: Instant::now() });
        }
        self.shared.wake.notify_one();
        match receiver.await {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(ServiceError::Panicked),
            // The thread dropped the job unrun: it had waited too long, or the lanes are stopping.
            Err(_) => Err(ServiceError::Busy { retry_after: Duration::from_secs(2) }),
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            state.tiles.clear();
            state.large.clear();
        }
        self.shared.wake.notify_all();
        let here = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != here) {
            // A panic of the thread itself was reported when it happened.
            let _joined = thread.join();
        }
    }
}

fn work(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        if state.stopping {
            return;
        }
        let (waiting, large) = if let Some(waiting) = state.tiles.pop_front() {
            (waiting, false)
        } else if state.large_running < shared.max_large && !state.large.is_empty() {
            let waiting = state.large.pop_front().expect("it was not empty under the same lock");
            state.large_running += 1;
            (waiting, true)
        } else {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        if waiting.since.elapsed() < shared.patience {
            (waiting.job)();
        } else {
            drop(waiting);
        }
        state = shared.lock();
        if large {
            state.large_running -= 1;
            // A thread that slept because the large lane was full may go on now.
            shared.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_panicking_job_costs_one_request() {
        let lanes = Lanes::start(2, 8, Duration::from_mins(1));
        let error = lanes.run(Lane::Tiles, || panic!("a bad file")).await.unwrap_err();
        assert!(matches!(error, ServiceError::Panicked), "{error:?}");
        assert_eq!(lanes.run(Lane::Tiles, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn tiles_flow_while_every_large_slot_is_taken() {
        let lanes = Arc::new(Lanes::start(2, 64, Duration::from_mins(1)));
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let large: Vec<_> = (0..8)
            .map(|_| {
                let (lanes, blocked) = (Arc::clone(&lanes), Arc::clone(&blocked));
                tokio::spawn(async move { lanes.run(Lane::Large, move || blocked.lock().unwrap().recv()).await })
            })
            .collect();
        for tile in 0..100 {
            assert_eq!(lanes.run(Lane::Tiles, move || tile).await.unwrap(), tile);
        }
        assert!(lanes.stats().large_running <= 1, "{:?}", lanes.stats());
        for _ in 0..8 {
            release.send(()).unwrap();
        }
        for job in large {
            job.await.unwrap().unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_full_lane_refuses_at_once() {
        let lanes = Arc::new(Lanes::start(2, 1, Duration::from_mins(1)));
        let (release, blocked) = mpsc::channel::<()>();
        let running = {
            let lanes = Arc::clone(&lanes);
            tokio::spawn(async move { lanes.run(Lane::Large, move || blocked.recv()).await })
        };
        while lanes.stats().large_running == 0 {
            tokio::task::yield_now().await;
        }
        let waiting = {
            let lanes = Arc::clone(&lanes);
            tokio::spawn(async move { lanes.run(Lane::Large, || ()).await })
        };
        while lanes.stats().large_waiting == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(lanes.run(Lane::Large, || ()).await, Err(ServiceError::Busy { .. })));
        release.send(()).unwrap();
        running.await.unwrap().unwrap().unwrap();
        waiting.await.unwrap().unwrap();
    }
}
