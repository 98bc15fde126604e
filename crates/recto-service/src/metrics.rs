//! What is counted, in the words of Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use recto_cache::CacheStats;
use recto_engine::Plan;

use crate::images::Origin;
use crate::work::{BackgroundStats, LaneStats};

/// Counters of the whole service; adding to one is a single atomic step.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    images_stored: Counter,
    images_cached: Counter,
    images_made: Counter,
    image_bytes: Counter,
    image_seconds: Histogram,
    infos: Counter,
    renders: Counter,
    cuts: Counter,
    stored_whole: Counter,
    failures: Counter,
    refusals: Counter,
    readings: Vec<(Gauge<u64, AtomicU64>, Read)>,
    counts: Vec<(Counter, Read)>,
    tiles_wait: Gauge<f64, AtomicU64>,
    large_wait: Gauge<f64, AtomicU64>,
}

/// What is read at the moment at which someone asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkReading {
    /// The lanes.
    pub lanes: LaneStats,
    /// What goes on behind the requests.
    pub background: BackgroundStats,
    /// Bytes that decoders remember.
    pub memo_bytes: u64,
}

type Read = fn(&WorkReading, &CacheStats) -> u64;

/// Gauges: name, help, value.
const READINGS: &[(&str, &str, Read)] = &[
    ("lane_tiles_waiting", "Requests waiting in the tile lane", |work, _| work.lanes.tiles_waiting as u64),
    ("lane_large_waiting", "Requests waiting in the large lane", |work, _| work.lanes.large_waiting as u64),
    ("lane_large_running", "Large requests at work", |work, _| work.lanes.large_running as u64),
    ("work_memory_bytes", "Memory charged to pixel work", |work, _| work.lanes.charged_bytes),
    ("work_memo_bytes", "Memory of what decoders remember", |work, _| work.memo_bytes),
    ("work_background_waiting", "Background jobs that wait", |work, _| work.background.waiting as u64),
    ("work_background_running", "Background jobs at work", |work, _| work.background.running as u64),
    ("cache_memory_bytes", "Derivatives in memory", |_, cache| cache.memory_bytes),
    ("cache_disk_bytes", "Derivatives and parts on disk, in whole blocks", |_, cache| cache.disk_bytes),
    ("cache_disk_entries", "Derivatives and parts on disk", |_, cache| cache.disk_entries),
    ("cache_evictions", "Derivatives thrown out for room", |_, cache| cache.evictions),
    ("cache_damaged", "Derivatives found damaged on disk and dropped", |_, cache| cache.damaged),
];

/// Counters that others keep: name, help, value.
const COUNTS: &[(&str, &str, Read)] = &[
    ("work_verdicts_busy", "Work found to wait too long, before it waited; only counted in shadow mode", |work, _| {
        work.lanes.verdicts_busy
    }),
    ("work_verdicts_too_large", "Work found impossible here; only counted in shadow mode", |work, _| {
        work.lanes.verdicts_too_large
    }),
    ("work_expired", "Work that waited too long", |work, _| work.lanes.expired),
    ("work_given_up", "Work whose client left while it waited", |work, _| work.lanes.given_up),
    ("work_background_done", "Background jobs done", |work, _| work.background.done),
    ("work_background_failed", "Background jobs that failed or were cancelled", |work, _| work.background.failed),
    ("cache_memory_hits", "Derivatives answered from memory", |_, cache| cache.memory_hits),
    ("cache_disk_hits", "Derivatives answered from disk", |_, cache| cache.disk_hits),
    ("cache_misses", "Derivatives that were not there", |_, cache| cache.misses),
    ("cache_writes", "Derivatives written to disk", |_, cache| cache.writes),
    ("cache_writes_spared", "Derivatives not written, as making them again takes hardly more", |_, cache| {
        cache.writes_spared
    }),
    ("cache_writes_dropped", "Derivatives not written, as too much waited", |_, cache| cache.writes_dropped),
    ("cache_writes_refused", "Derivatives not written for want of room", |_, cache| cache.writes_refused),
    ("cache_write_errors", "Derivatives that could not be written", |_, cache| cache.write_errors),
    ("cache_parts_written", "Parts that decoders put on their shelf", |_, cache| cache.parts_written),
    ("cache_parts_opened", "Parts that decoders took from their shelf", |_, cache| cache.parts_opened),
];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("recto");
        macro_rules! register {
            ($value:expr, $name:literal, $help:literal) => {{
                let metric = $value;
                registry.register($name, $help, metric.clone());
                metric
            }};
        }
        let buckets = [0.0001, 0.000_5, 0.002, 0.01, 0.05, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
        Self {
            images_stored: register!(
                Counter::default(),
                "images_stored",
                "Images that left as they lie in the original"
            ),
            images_cached: register!(Counter::default(), "images_cached", "Images answered from the derivative cache"),
            images_made: register!(
                Counter::default(),
                "images_made",
                "Images made for a request or one that joined it"
            ),
            image_bytes: register!(Counter::default(), "image_bytes", "Bytes of image answers"),
            image_seconds: register!(Histogram::new(buckets), "image_seconds", "Time to have the bytes of an image"),
            infos: register!(Counter::default(), "infos", "info.json documents answered"),
            renders: register!(Counter::default(), "renders", "Images decoded, scaled and encoded"),
            cuts: register!(Counter::default(), "tile_cuts", "Edge tiles cut without decoding"),
            stored_whole: register!(Counter::default(), "stored_whole", "Originals that left whole as they lie"),
            failures: register!(
                Counter::default(),
                "failures",
                "Requests that failed through a fault of the original or ours"
            ),
            refusals: register!(Counter::default(), "refusals", "Requests refused for want of memory, threads or time"),
            tiles_wait: register!(
                Gauge::default(),
                "work_tiles_wait_seconds",
                "Reckoned wait of a newcomer in the tile lane"
            ),
            large_wait: register!(
                Gauge::default(),
                "work_large_wait_seconds",
                "Reckoned wait of a newcomer in the large lane"
            ),
            readings: READINGS
                .iter()
                .map(|(name, help, read)| {
                    let gauge = Gauge::<u64, AtomicU64>::default();
                    registry.register(*name, *help, gauge.clone());
                    (gauge, *read)
                })
                .collect(),
            counts: COUNTS
                .iter()
                .map(|(name, help, read)| {
                    let counter = Counter::<u64, AtomicU64>::default();
                    registry.register(*name, *help, counter.clone());
                    (counter, *read)
                })
                .collect(),
            registry,
        }
    }

    pub(crate) fn image(&self, origin: Origin, bytes: u64, took: Duration) {
        match origin {
            Origin::Stored => self.images_stored.inc(),
            Origin::Cached => self.images_cached.inc(),
            Origin::Made => self.images_made.inc(),
        };
        self.image_bytes.inc_by(bytes);
        self.image_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn info(&self) {
        self.infos.inc();
    }

    pub(crate) fn made(&self, plan: &Plan) {
        match plan {
            Plan::Render(_) => self.renders.inc(),
            Plan::Cut { .. } => self.cuts.inc(),
            Plan::StoredWhole { .. } => self.stored_whole.inc(),
            _ => 0,
        };
    }

    /// Notes a request that failed.
    pub fn failed(&self, refused_for_load: bool) {
        if refused_for_load {
            self.refusals.inc()
        } else {
            self.failures.inc()
        };
    }

    /// Images decoded, scaled and encoded so far.
    pub fn render_count(&self) -> u64 {
        self.renders.get()
    }

    /// Everything, in the Prometheus text format.
    pub fn text(&self, work: &WorkReading, cache: &CacheStats) -> String {
        for (gauge, read) in &self.readings {
            gauge.set(read(work, cache));
        }
        for (counter, read) in &self.counts {
            counter.inner().store(read(work, cache), Ordering::Relaxed);
        }
        self.tiles_wait.set(work.lanes.tiles_wait.as_secs_f64());
        self.large_wait.set(work.lanes.large_wait.as_secs_f64());
        let mut text = String::new();
        // Writing into a string does not fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}
