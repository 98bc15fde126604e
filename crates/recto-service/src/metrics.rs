//! What is counted, in the words of Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use recto_engine::Plan;

use crate::images::Origin;
use crate::work::LaneStats;

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
    tiles_waiting: Gauge,
    large_waiting: Gauge,
    large_running: Gauge,
    memory_charged: Gauge<i64>,
    cache_memory_bytes: Gauge<u64, AtomicU64>,
    cache_disk_bytes: Gauge<u64, AtomicU64>,
    cache_evictions: Gauge<u64, AtomicU64>,
    cache_damaged: Gauge<u64, AtomicU64>,
}

/// A reading of the cache, for the gauges.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheReading {
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Entries thrown out for room.
    pub evictions: u64,
    /// Entries found damaged.
    pub damaged: u64,
}

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
            tiles_waiting: register!(Gauge::default(), "lane_tiles_waiting", "Requests waiting in the tile lane"),
            large_waiting: register!(Gauge::default(), "lane_large_waiting", "Requests waiting in the large lane"),
            large_running: register!(Gauge::default(), "lane_large_running", "Large requests at work"),
            memory_charged: register!(Gauge::default(), "work_memory_bytes", "Memory charged to pixel work"),
            cache_memory_bytes: register!(Gauge::default(), "cache_memory_bytes", "Derivatives in memory"),
            cache_disk_bytes: register!(Gauge::default(), "cache_disk_bytes", "Derivatives on disk"),
            cache_evictions: register!(Gauge::default(), "cache_evictions", "Derivatives thrown out for room"),
            cache_damaged: register!(
                Gauge::default(),
                "cache_damaged",
                "Derivatives found damaged on disk and dropped"
            ),
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
    pub fn text(&self, lanes: LaneStats, charged_bytes: u64, cache: CacheReading) -> String {
        self.tiles_waiting.set(lanes.tiles_waiting as i64);
        self.large_waiting.set(lanes.large_waiting as i64);
        self.large_running.set(lanes.large_running as i64);
        self.memory_charged.set(i64::try_from(charged_bytes).unwrap_or(i64::MAX));
        self.cache_memory_bytes.set(cache.memory_bytes);
        self.cache_disk_bytes.set(cache.disk_bytes);
        self.cache_evictions.set(cache.evictions);
        self.cache_damaged.set(cache.damaged);
        let mut text = String::new();
        // Writing into a string does not fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}
