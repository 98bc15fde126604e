//! How long work will take, learned from how long such work took.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What kinds of work are told apart: what is done, from what, to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkKind(u64);

impl WorkKind {
    /// The kind of work with these words.
    pub fn of(words: &[&str]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(words.join("\n").as_bytes()))
    }
}

/// How long something will take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Time on one processor.
    pub time: Duration,
    /// True when it rests on enough of the same kind.
    pub is_sure: bool,
}

/// What nothing is known of takes so many nanoseconds a pixel.
const UNKNOWN_NS: f64 = 12.0;
/// What everything takes, however small.
const LEAST: Duration = Duration::from_micros(200);
/// How much the latest of its kind counts.
const NEWEST_PART: f64 = 0.1;
/// From so many on, a prediction is sure.
const SURE_FROM: u32 = 8;
/// Kinds that are remembered; there are some dozens.
const MOST_KINDS: usize = 4096;

#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    nanoseconds: f64,
    pixels: f64,
    seen: u32,
}

/// Running means of nanoseconds and of pixels for each kind. Their quotient weighs large work more than small, in which the
/// fixed part would mislead.
#[derive(Debug, Default)]
pub struct CostModel {
    rates: Mutex<HashMap<WorkKind, Rate>>,
}

impl CostModel {
    fn rates(&self) -> std::sync::MutexGuard<'_, HashMap<WorkKind, Rate>> {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long work of this kind on so many pixels will take.
    pub fn predict(&self, kind: WorkKind, pixels: u64) -> Prediction {
        let rate = self.rates().get(&kind).copied().unwrap_or_default();
        let per_pixel = if rate.pixels > 0.0 { rate.nanoseconds / rate.pixels } else { UNKNOWN_NS };
        // The first measurements are mixed with what was believed before.
        let trust = f64::from(rate.seen.min(SURE_FROM)) / f64::from(SURE_FROM);
        let nanoseconds = (per_pixel * trust + UNKNOWN_NS * (1.0 - trust)) * pixels as f64;
        Prediction {
            time: LEAST.saturating_add(Duration::from_nanos(nanoseconds as u64)),
            is_sure: rate.seen >= SURE_FROM,
        }
    }

    /// Learns from work that was done.
    pub fn learn(&self, kind: WorkKind, pixels: u64, took: Duration) {
        if pixels == 0 {
            return;
        }
        let mut rates = self.rates();
        if rates.len() >= MOST_KINDS && !rates.contains_key(&kind) {
            return;
        }
        let rate = rates.entry(kind).or_default();
        let part = NEWEST_PART.max(1.0 / f64::from(rate.seen.saturating_add(1)));
        rate.nanoseconds += (took.as_nanos() as f64 - rate.nanoseconds) * part;
        rate.pixels += (pixels as f64 - rate.pixels) * part;
        rate.seen = rate.seen.saturating_add(1);
    }
}

/// Processor time that this thread has used.
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_what_is_predicted_for_each_kind_of_its_own() {
        let model = CostModel::default();
        let (slow, quick) = (WorkKind::of(&["render", "jp2", "jpg"]), WorkKind::of(&["render", "jpeg", "jpg"]));
        assert_eq!(model.predict(slow, 1_000_000).time, LEAST + Duration::from_millis(12));
        assert!(!model.predict(slow, 1).is_sure);
        for _ in 0..30 {
            model.learn(slow, 1_000_000, Duration::from_millis(100));
            model.learn(quick, 2_000_000, Duration::from_millis(4));
        }
        for (kind, pixels, want) in [(slow, 3_000_000, 300), (quick, 3_000_000, 6)] {
            let prediction = model.predict(kind, pixels);
            let milliseconds = prediction.time.as_secs_f64() * 1000.0;
            assert!((milliseconds - f64::from(want)).abs() < 1.0 && prediction.is_sure, "{prediction:?}");
        }
    }

    #[test]
    fn it_follows_what_changes() {
        let (model, kind) = (CostModel::default(), WorkKind::of(&["x"]));
        for _ in 0..50 {
            model.learn(kind, 1000, Duration::from_micros(10));
        }
        for _ in 0..50 {
            model.learn(kind, 1000, Duration::from_micros(100));
        }
        let time = model.predict(kind, 1_000_000).time;
        assert!(time > Duration::from_millis(95) && time < Duration::from_millis(105), "{time:?}");
    }

    #[test]
    fn work_without_pixels_teaches_nothing() {
        let (model, kind) = (CostModel::default(), WorkKind::of(&["x"]));
        model.learn(kind, 0, Duration::from_secs(9));
        assert_eq!(model.predict(kind, 0).time, LEAST);
    }
}
