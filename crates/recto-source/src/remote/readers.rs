//! Who may read parts of files at a time, and which origins are in trouble.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::client::Failure;
use super::error::FetchError;
use super::waiting::{Failures, Place, Places, locked};

/// How many may read at a time, and how many more may stand in line: of one origin, half as many. Those who touch pixels do so
/// without a processor, and there are threads for as many.
const READERS: usize = 32;
const IN_LINE: usize = 64;
/// Longest wait in line.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// A file that changes so often within this time is not read by ranges: whoever answers does not always mean the same file.
const MOST_CHANGES: u32 = 2;
const CHANGES_WITHIN: Duration = Duration::from_mins(10);
/// The most files of which it is known that they changed.
const MOST_CHANGED: usize = 10_000;

/// Those who read parts of files.
#[derive(Debug)]
pub(crate) struct Readers {
    places: Places,
    failures: Failures,
    /// How often files changed while they were read, and when that began.
    changed: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Readers {
    pub(crate) fn new() -> Self {
        let places = Places::with_line(READERS, IN_LINE);
        Self { places, failures: Failures::default(), changed: Mutex::default() }
    }

    /// A place among those who read, unless the file or its origin is in trouble.
    pub(crate) fn enter(&self, url: &str, origin: &str, deadline: Instant) -> Result<Place<'_>, Arc<FetchError>> {
        let known = self.failures.get(url).or_else(|| self.failures.get(origin));
        if let Some(Failure::Fetch(error)) = known {
            return Err(error);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.places.take(origin, left.min(LONGEST_WAIT)).map_err(Arc::new)
    }

    /// Notes what went wrong: with the origin if it cannot be talked to, else with the file.
    pub(crate) fn failed(&self, url: &str, origin: &str, error: &Arc<FetchError>) {
        let whose = match **error {
            FetchError::Changed => return self.note_change(url),
            FetchError::Connection { .. } | FetchError::TimedOut { .. } => origin,
            _ => url,
        };
        self.failures.insert(whose.into(), Failure::Fetch(Arc::clone(error)));
    }

    fn note_change(&self, url: &str) {
        let now = Instant::now();
        let mut changed = locked(&self.changed);
        if changed.len() >= MOST_CHANGED {
            changed.clear();
        }
        let known = changed.entry(url.to_owned()).or_insert((0, now));
        if known.1 + CHANGES_WITHIN < now {
            *known = (0, now);
        }
        known.0 = known.0.saturating_add(1);
    }

    /// True for a file that seems to be another one each time it is asked for, as where copies on several machines have tags of their own.
    pub(crate) fn is_restless(&self, url: &str) -> bool {
        let changed = locked(&self.changed);
        changed.get(url).is_some_and(|(count, since)| *count >= MOST_CHANGES && since.elapsed() < CHANGES_WITHIN)
    }
}
