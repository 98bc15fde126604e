//! One computation for everyone who asks for the same thing at the same time.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Joins callers who ask for the same key while it is being computed.
///
/// Nothing is kept: when the computation ends, its key is free again. A caller looks into the cache first, and `make`
/// should look once more and store before it returns, so that the one who comes just after the end does not compute anew.
///
/// It is cheap to clone; clones join each other's callers.
pub struct Joining<K, V, E> {
    running: Running<K, V, E>,
}

type Running<K, V, E> = Arc<Mutex<HashMap<K, Arc<Flight<V, E>>>>>;
type Outcome<V, E> = Result<V, JoinError<E>>;

/// A computation on its way.
struct Flight<V, E> {
    outcome: watch::Receiver<Option<Outcome<V, E>>>,
    signal: CancelSignal,
    /// Changed under the lock of the map alone.
    waiting: Mutex<usize>,
}

/// Why a joined computation gave no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError<E> {
    /// It failed; everyone who waited gets the same error. Nothing remembers it.
    #[error(transparent)]
    Failed(Arc<E>),
    /// It panicked.
    #[error("the computation panicked")]
    Panicked,
    /// The runtime stopped before it ended.
    #[error("the computation was stopped")]
    Stopped,
}

impl<E> Clone for JoinError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Panicked => Self::Panicked,
            Self::Stopped => Self::Stopped,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V, E> Joining<K, V, E>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Nothing on its way.
    pub fn new() -> Self {
        Self { running: Arc::default() }
    }

    /// Number of computations on their way.
    pub fn running(&self) -> usize {
        lock(&self.running).len()
    }

    /// The value of `key`: from the computation that is on its way, or from `make`.
    ///
    /// `make` runs as a task of its own, so it goes on when the caller who began it is gone. When the last caller is gone,
    /// its signal fires and the key is free again; `make` decides how it ends then.
    ///
    /// # Errors
    /// [`JoinError`], the same for everyone who waits.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub async fn get_or_compute<F, Fut>(&self, key: K, make: F) -> Result<V, JoinError<E>>
    where
        F: FnOnce(CancelSignal) -> Fut + Send + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
    {
        let waiter = self.join(key, make);
        let mut outcome = waiter.flight.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await;
        ended.ok().and_then(|outcome| (*outcome).clone()).unwrap_or(Err(JoinError::Stopped))
    }

    fn join<F, Fut>(&self, key: K, make: F) -> Waiter<K, V, E>
    where
        F: FnOnce(CancelSignal) -> Fut + Send + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
    {
        let mut running = lock(&self.running);
        if let Some(flight) = running.get(&key) {
            *lock(&flight.waiting) += 1;
            return Waiter { running: Arc::clone(&self.running), key, flight: Arc::clone(flight) };
        }
        let (sender, outcome) = watch::channel(None);
        let signal = CancelSignal::new();
        let flight = Arc::new(Flight { outcome, signal: signal.clone(), waiting: Mutex::new(1) });
        running.insert(key.clone(), Arc::clone(&flight));
        drop(running);
        let landing = Landing {
            running: Arc::clone(&self.running),
            key: key.clone(),
            flight: Arc::clone(&flight),
            sender,
            outcome: None,
        };
        // Made before the task is spawned: should that fail, the key is free again.
        let waiter = Waiter { running: Arc::clone(&self.running), key, flight };
        tokio::spawn(async move {
            let mut landing = landing;
            let made = make(signal).await;
            landing.outcome = Some(made.map_err(|error| JoinError::Failed(Arc::new(error))));
        });
        waiter
    }
}

impl<K, V, E> Default for Joining<K, V, E>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V, E> Clone for Joining<K, V, E> {
    fn clone(&self) -> Self {
        Self { running: Arc::clone(&self.running) }
    }
}

impl<K, V, E> fmt::Debug for Joining<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joining").field("running", &lock(&self.running).len()).finish()
    }
}

/// Takes the flight out of the map, if it is still the one there.
fn remove<K: Hash + Eq, V, E>(running: &mut HashMap<K, Arc<Flight<V, E>>>, key: &K, flight: &Arc<Flight<V, E>>) {
    if running.get(key).is_some_and(|present| Arc::ptr_eq(present, flight)) {
        running.remove(key);
    }
}

/// Ends a flight however its task ends: with a value, by a panic, or by being dropped.
struct Landing<K: Hash + Eq, V, E> {
    running: Running<K, V, E>,
    key: K,
    flight: Arc<Flight<V, E>>,
    sender: watch::Sender<Option<Outcome<V, E>>>,
    outcome: Option<Outcome<V, E>>,
}

impl<K: Hash + Eq, V, E> Drop for Landing<K, V, E> {
    fn drop(&mut self) {
        remove(&mut lock(&self.running), &self.key, &self.flight);
        let without = if std::thread::panicking() { JoinError::Panicked } else { JoinError::Stopped };
        self.sender.send_replace(Some(self.outcome.take().unwrap_or(Err(without))));
    }
}

/// A caller who waits; the last one who gives up cancels.
struct Waiter<K: Hash + Eq, V, E> {
    running: Running<K, V, E>,
    key: K,
    flight: Arc<Flight<V, E>>,
}

impl<K: Hash + Eq, V, E> Drop for Waiter<K, V, E> {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        let left = {
            let mut waiting = lock(&self.flight.waiting);
            *waiting -= 1;
            *waiting
        };
        if left > 0 || self.flight.outcome.borrow().is_some() {
            return;
        }
        remove(&mut running, &self.key, &self.flight);
        drop(running);
        self.flight.signal.cancel();
    }
}

/// Tells a computation that nobody waits for it any more.
#[derive(Clone)]
pub struct CancelSignal {
    state: Arc<SignalState>,
}

struct SignalState {
    cancelled: watch::Sender<bool>,
    hooks: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

impl CancelSignal {
    fn new() -> Self {
        Self { state: Arc::new(SignalState { cancelled: watch::Sender::new(false), hooks: Mutex::default() }) }
    }

    fn cancel(&self) {
        let hooks = {
            let mut hooks = lock(&self.state.hooks);
            self.state.cancelled.send_replace(true);
            std::mem::take(&mut *hooks)
        };
        for hook in hooks {
            hook();
        }
    }

    /// True once nobody waits any more.
    pub fn is_cancelled(&self) -> bool {
        *self.state.cancelled.borrow()
    }

    /// Ends once nobody waits any more.
    pub async fn cancelled(&self) {
        // The sender lives in `self`, so this cannot end otherwise.
        let _ = self.state.cancelled.subscribe().wait_for(|cancelled| *cancelled).await;
    }

    /// Waits for `future`, or gives up on it (and drops it) once nobody waits any more: for waits in queues.
    pub async fn or_cancelled<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => None,
            value = future => Some(value),
        }
    }

    /// Calls `hook` once nobody waits any more; at once, if that is so already. It must be quick: it runs where the last
    /// caller is dropped.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let mut hooks = lock(&self.state.hooks);
        if !self.is_cancelled() {
            hooks.push(Box::new(hook));
            return;
        }
        drop(hooks);
        hook();
    }
}

impl fmt::Debug for CancelSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelSignal").field("cancelled", &self.is_cancelled()).finish()
    }
}
