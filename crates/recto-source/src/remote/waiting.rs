//! One fetch for all who want the same, and few at a time.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::Failure;
use super::copies::Kept;
use super::error::FetchError;

/// What a fetch comes to.
pub(crate) type Outcome = Result<Arc<Kept>, Failure>;

/// A lock that a panic elsewhere does not close: what is behind these locks is whole after every single step.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fetches that are under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Arc<str>, Arc<Flight>>>);

#[derive(Debug, Default)]
struct Flight {
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

impl Flights {
    /// Does `fetch` for this URL, or waits for the one who does it already.
    pub(crate) fn join(&self, url: &Arc<str>, longest: Duration, fetch: impl FnOnce() -> Outcome) -> Outcome {
        let flight = {
            let mut flights = locked(&self.0);
            if let Some(flight) = flights.get(url) {
                Err(Arc::clone(flight))
            } else {
                let flight = Arc::new(Flight::default());
                flights.insert(Arc::clone(url), Arc::clone(&flight));
                Ok(flight)
            }
        };
        match flight {
            Ok(flight) => {
                let mut leader = Leader { flights: self, url, flight, outcome: Err(FetchError::Abandoned.into()) };
                leader.outcome = fetch();
                leader.outcome.clone()
            }
            Err(flight) => {
                let outcome = locked(&flight.outcome);
                let waited = flight.ended.wait_timeout_while(outcome, longest, |outcome| outcome.is_none());
                let (outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
                outcome.clone().unwrap_or_else(|| Err(FetchError::Busy.into()))
            }
        }
    }
}

/// Tells the others when it is dropped, be it by a panic.
struct Leader<'f> {
    flights: &'f Flights,
    url: &'f Arc<str>,
    flight: Arc<Flight>,
    outcome: Outcome,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        *locked(&self.flight.outcome) = Some(self.outcome.clone());
        locked(&self.flights.0).remove(self.url);
        self.flight.ended.notify_all();
    }
}

/// How many may fetch at a time: in all, and from one origin, so that a slow one does not hold up the others.
#[derive(Debug)]
pub(crate) struct Places {
    count: usize,
    of_one_origin: usize,
    /// How many may wait for a place.
    line: usize,
    taken: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    waiting: usize,
    /// Of origins that have any.
    by_origin: HashMap<String, usize>,
}

/// The right to fetch one file. A redirect to another origin changes nothing about whose place it is.
#[derive(Debug)]
pub(crate) struct Place<'p> {
    places: &'p Places,
    origin: String,
}

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self::with_line(count, usize::MAX)
    }

    /// Places for which no more than so many wait; whoever comes then is sent away at once.
    pub(crate) fn with_line(count: usize, line: usize) -> Self {
        let count = count.max(1);
        Self { count, of_one_origin: (count / 2).max(1), line, taken: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for a place.
    pub(crate) fn take(&self, origin: &str, longest: Duration) -> Result<Place<'_>, FetchError> {
        let is_full = |taken: &mut Taken| !self.has_free(taken, origin);
        let mut taken = locked(&self.taken);
        if is_full(&mut taken) && taken.waiting >= self.line {
            return Err(FetchError::Busy);
        }
        taken.waiting = taken.waiting.saturating_add(1);
        let waited = self.freed.wait_timeout_while(taken, longest, is_full);
        let (mut taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        taken.waiting = taken.waiting.saturating_sub(1);
        self.occupy(&mut taken, origin).ok_or(FetchError::Busy)
    }

    /// A place, if there is one without waiting.
    pub(crate) fn take_free(&self, origin: &str) -> Option<Place<'_>> {
        self.occupy(&mut locked(&self.taken), origin)
    }

    fn has_free(&self, taken: &Taken, origin: &str) -> bool {
        taken.all < self.count && taken.by_origin.get(origin).is_none_or(|count| *count < self.of_one_origin)
    }

    fn occupy(&self, taken: &mut Taken, origin: &str) -> Option<Place<'_>> {
        if !self.has_free(taken, origin) {
            return None;
        }
        taken.all = taken.all.saturating_add(1);
        let of_origin = taken.by_origin.entry(origin.to_owned()).or_default();
        *of_origin = of_origin.saturating_add(1);
        Some(Place { places: self, origin: origin.to_owned() })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = locked(&self.places.taken);
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.by_origin.get_mut(&self.origin) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_origin.remove(&self.origin);
            }
        }
        drop(taken);
        // All of them: the first in line may be one whose origin has no more.
        self.places.freed.notify_all();
    }
}

/// Failures that are remembered for a while, so that origins are not asked for the same in vain all the time.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<Arc<str>, (Failure, Instant)>>);

/// The most that are remembered.
const MOST_FAILURES: usize = 10_000;
/// How long it is remembered that there is nothing.
const GONE: Duration = Duration::from_mins(1);

impl Failures {
    pub(crate) fn get(&self, url: &str) -> Option<Failure> {
        let mut failures = locked(&self.0);
        let (failure, until) = failures.get(url)?;
        if Instant::now() < *until {
            return Some(failure.clone());
        }
        failures.remove(url);
        None
    }

    pub(crate) fn forget(&self, means: &dyn Fn(&str) -> bool) {
        locked(&self.0).retain(|url, _| !means(url));
    }

    pub(crate) fn insert(&self, url: Arc<str>, failure: Failure) {
        let span = match &failure {
            Failure::Gone => GONE,
            Failure::Fetch(error) => error.remembered(),
        };
        let now = Instant::now();
        if span.is_zero() {
            return;
        }
        let mut failures = locked(&self.0);
        if failures.len() >= MOST_FAILURES {
            failures.retain(|_, (_, until)| now < *until);
        }
        if failures.len() >= MOST_FAILURES {
            failures.clear();
        }
        failures.insert(url, (failure, now + span));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn message(outcome: &Outcome) -> String {
        match outcome {
            Ok(_) => "found".to_owned(),
            Err(Failure::Gone) => "gone".to_owned(),
            Err(Failure::Fetch(error)) => error.to_string(),
        }
    }

    #[test]
    fn those_who_wait_for_a_fetch_that_panics_hear_of_it() {
        let flights = Flights::default();
        let url: Arc<str> = "https://a.org/".into();
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            let leader = scope.spawn(|| {
                let fetch = || {
                    barrier.wait();
                    thread::sleep(Duration::from_millis(50));
                    panic!("as it should in this test");
                };
                catch_unwind(AssertUnwindSafe(|| flights.join(&url, Duration::from_secs(9), fetch))).is_err()
            });
            barrier.wait();
            let joined = flights.join(&url, Duration::from_secs(9), || Err(Failure::Gone));
            assert_eq!(message(&joined), "fetching it was broken off");
            assert!(leader.join().unwrap());
        });
        assert_eq!(message(&flights.join(&url, Duration::ZERO, || Err(Failure::Gone))), "gone");
    }

    #[test]
    fn those_who_wait_too_long_for_another_or_for_a_place_are_sent_away() {
        let flights = Flights::default();
        let url: Arc<str> = "https://a.org/".into();
        let busy = "too many others are being fetched; `source.remote.at_a_time` says how many";
        flights
            .join(&url, Duration::ZERO, || {
                let other = flights.join(&url, Duration::from_millis(5), || Err(Failure::Gone));
                assert_eq!(message(&other), busy);
                Err(Failure::Gone)
            })
            .unwrap_err();

        let places = Places::new(2);
        let (first, second) = (places.take("a", Duration::ZERO).unwrap(), places.take("b", Duration::ZERO).unwrap());
        assert_eq!(places.take("c", Duration::from_millis(5)).unwrap_err().to_string(), busy);
        assert!(places.take_free("c").is_none());
        drop(first);
        let third = places.take("c", Duration::ZERO).unwrap();
        drop((second, third));
        let taken = locked(&places.taken);
        assert_eq!((taken.all, taken.by_origin.len()), (0, 0));
    }

    #[test]
    fn whoever_finds_the_line_full_is_sent_away_at_once() {
        let places = Places::with_line(1, 1);
        let first = places.take("a", Duration::ZERO).unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| places.take("a", Duration::from_mins(1)).is_ok());
            while locked(&places.taken).waiting == 0 {
                thread::yield_now();
            }
            let begun = Instant::now();
            assert!(places.take("b", Duration::from_mins(1)).is_err());
            assert!(begun.elapsed() < Duration::from_secs(30));
            drop(first);
            assert!(second.join().unwrap());
        });
        assert_eq!(locked(&places.taken).waiting, 0);
    }

    #[test]
    fn one_origin_gets_half_of_the_places_and_always_one() {
        for (count, want) in [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (8, 4)] {
            let places = Places::new(count);
            let taken: Vec<_> = (0..9).map_while(|_| places.take_free("a")).collect();
            assert_eq!(taken.len(), want, "{count}");
            assert!(places.take("a", Duration::ZERO).is_err());
            assert_eq!(places.take_free("b").is_some(), count > 1, "{count}");
        }
    }

    #[test]
    fn failures_are_forgotten_in_time_and_never_too_many() {
        let failures = Failures::default();
        failures.insert("busy".into(), FetchError::Busy.into());
        assert!(failures.get("busy").is_none());
        for number in 0..MOST_FAILURES {
            failures.insert(number.to_string().into(), Failure::Gone);
        }
        assert!(failures.get("0").is_some());
        failures.insert("one more".into(), Failure::Gone);
        assert!(failures.get("0").is_none());
        assert!(failures.get("one more").is_some());
    }
}
