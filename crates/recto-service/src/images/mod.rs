//! Give an image, give its `info.json`.

mod files;
mod finding;
mod info;
mod making;
mod negotiated;
mod purging;
mod ready;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use recto_cache::{CacheKey, DerivativeCache, JoinError, Joining, KeyBase};
use recto_codec::Memo;
use recto_engine::RenderOptions;
use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, Format, ImageRequest, Limits, Quality, ResolvedRequest, TileGrid};
use recto_source::{Located, Source};
use xxhash_rust::xxh3::xxh3_128;

pub use self::files::LibraryFile;
pub use self::purging::PurgeScope;
pub use self::ready::{ReadyImage, Standing};

use self::finding::{FETCH_TURNS, Failure, KeptByItsCost, OpenKey};
use crate::known::{KnownImage, OpenImage, ShortFacts};
use crate::options::{ImageOptions, LimitOptions, WorkOptions};
use crate::policy::{Action, Caller, Policy};
use crate::work::{Background, Client, CostModel, LaneOptions, Lanes};
use crate::{Metrics, ServiceError, WorkReading};

/// Bump when the same request on the same original would give other bytes than before: encoders, resampling, colour.
const RENDERING_VERSION: u32 = 2;

/// What an open original is reckoned to take at least, in bytes.
const OPEN_BYTES: u64 = 64 << 10;

/// The image use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ImageService {
    inner: Arc<Inner>,
}

struct Inner {
    source: Arc<dyn Source>,
    /// Turns of those who wait for an original that lies elsewhere.
    fetch_turns: Arc<tokio::sync::Semaphore>,
    policy: Arc<dyn Policy>,
    cache: Arc<DerivativeCache>,
    metrics: Arc<Metrics>,
    limits: LimitOptions,
    options: ImageOptions,
    negotiable: Vec<Format>,
    work: WorkOptions,
    render: RenderOptions,
    fingerprint: String,
    known: moka::sync::Cache<Identifier, Arc<KnownImage>>,
    failures: moka::sync::Cache<Identifier, Failure>,
    open: moka::sync::Cache<OpenKey, Arc<OpenImage>>,
    finding: Joining<Identifier, Arc<KnownImage>, ServiceError>,
    opening: Joining<OpenKey, Arc<OpenImage>, ServiceError>,
    rendering: Joining<CacheKey, Bytes, ServiceError>,
    /// What open images remember between requests.
    memo: Arc<Memo>,
    costs: CostModel,
    /// Ends before the lanes do, whose memory it takes.
    background: Background,
    lanes: Arc<Lanes>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("source", &self.source).field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

/// An image request whose meaning is known exactly; no pixel was touched for it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The image.
    pub image: Arc<KnownImage>,
    /// What it means.
    pub resolved: ResolvedRequest,
    /// The version whose rules apply.
    pub version: ApiVersion,
    /// The limits that applied.
    pub limits: Limits,
    /// The tile grid that the image's `info.json` announces.
    pub grid: TileGrid,
    /// A strong validator, with its quotes: equal on every replica for equal bytes.
    pub etag: String,
    /// When the original last changed.
    pub last_modified: SystemTime,
    key: CacheKey,
    /// On whose behalf the work will be done.
    client: Client,
}

impl Prepared {
    /// `region/size/rotation/quality.format` in the canonical form of the version.
    pub fn canonical(&self) -> String {
        self.resolved.canonical_on(self.version, self.grid, &self.limits)
    }
}

/// The bytes of an image and how they came about.
#[derive(Clone, Debug)]
pub struct ImageBody {
    /// The file.
    pub bytes: Bytes,
    /// Where it came from.
    pub origin: Origin,
    /// Time spent on it here.
    pub took: Duration,
}

/// Where the bytes of an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A tile that left as it lies in the original.
    Stored,
    /// The derivative cache.
    Cached,
    /// Made just now, for this request or one that it joined.
    Made,
}

impl Origin {
    /// The word used in `Server-Timing` and in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Cached => "cached",
            Self::Made => "made",
        }
    }
}

/// An `info.json`, ready.
#[derive(Clone, Debug)]
pub struct PreparedInfo {
    /// The document.
    pub bytes: Bytes,
    /// A strong validator, with its quotes.
    pub etag: String,
    /// When the original last changed.
    pub last_modified: SystemTime,
}

/// What the image service stands on.
pub struct ImageServiceParts {
    /// Where originals lie.
    pub source: Arc<dyn Source>,
    /// Who may see them.
    pub policy: Arc<dyn Policy>,
    /// Where derivatives are kept.
    pub cache: Arc<DerivativeCache>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What may be asked for.
    pub limits: LimitOptions,
    /// How pictures are made.
    pub options: ImageOptions,
    /// How much goes on at a time.
    pub work: WorkOptions,
    /// Gives back what a thread's allocator keeps; called by threads that make pictures when they have none to make for a second.
    pub rest: fn(),
}

/// The table of open originals: as many as the options say, and fewer where they hold much.
fn open_images(work: &WorkOptions) -> moka::sync::Cache<OpenKey, Arc<OpenImage>> {
    let room = work.open_files.max(1).saturating_mul(OPEN_BYTES).saturating_add(work.memo_bytes() / 2);
    let weigh = |_: &OpenKey, open: &Arc<OpenImage>| {
        let bytes = OPEN_BYTES.saturating_add(open.decoder.held_bytes());
        u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
    };
    moka::sync::Cache::builder().weigher(weigh).max_capacity(room / 1024).build()
}

impl ImageService {
    /// Starts the service and its threads. `None` when an option has no meaning (a background that is no colour).
    pub fn start(parts: ImageServiceParts) -> Option<Self> {
        let ImageServiceParts { source, policy, cache, metrics, limits, options, work, rest } = parts;
        let render = options.render()?;
        let opening = (options.document_dpi, options.pyramid_from_px());
        let fingerprint =
            format!("{:032x}", xxh3_128(format!("{RENDERING_VERSION} {render:?} {opening:?}").as_bytes()));
        let lanes = Arc::new(Lanes::start(LaneOptions {
            threads: work.thread_count(),
            memory: work.memory_bytes(),
            max_waiting: work.max_waiting,
            max_wait: work.max_wait.into(),
            mode: work.admission,
            rest,
        }));
        Some(Self {
            inner: Arc::new(Inner {
                known: moka::sync::Cache::builder().max_capacity(200_000).build(),
                failures: moka::sync::Cache::builder().max_capacity(10_000).expire_after(KeptByItsCost).build(),
                open: open_images(&work),
                finding: Joining::new(),
                opening: Joining::new(),
                rendering: Joining::new(),
                memo: Arc::new(Memo::new(work.memo_bytes())),
                costs: CostModel::default(),
                background: Background::start(work.thread_count() / 4, &lanes),
                lanes,
                source,
                fetch_turns: Arc::new(tokio::sync::Semaphore::new(FETCH_TURNS)),
                policy,
                cache,
                metrics,
                limits,
                negotiable: options.negotiable(),
                options,
                work,
                render,
                fingerprint,
            }),
        })
    }

    /// What an image request means: exact pixels, key and validator.
    ///
    /// # Errors
    /// Access denied, not found, not an image, or a request that breaks the rules.
    pub async fn prepare(
        &self,
        identifier: &Identifier,
        request: &ImageRequest,
        caller: &Caller,
    ) -> Result<Prepared, ServiceError> {
        let image = self.find(identifier, caller, Action::ReadImage).await?;
        self.resolve(image, request, Client::of(caller.address))
    }

    /// What a request means on a known image.
    fn resolve(
        &self,
        image: Arc<KnownImage>,
        request: &ImageRequest,
        client: Client,
    ) -> Result<Prepared, ServiceError> {
        if !recto_codec::formats::WRITABLE.contains(&request.format) {
            let writable = recto_codec::formats::WRITABLE.iter().map(|format| format.extension()).collect::<Vec<_>>();
            return Err(ServiceError::NoSuchFormat {
                format: request.format.extension(),
                writable: writable.join(", "),
            });
        }
        let size = image.facts.size();
        let limits = self.inner.limits.for_image(size);
        let grid = TileGrid::announced(size, Some(self.inner.tile(&image.facts)), &limits);
        let mut resolved = request.resolve_on(grid, &limits)?;
        if resolved.quality == Quality::Color {
            // The default quality is the image as it is, so `color` means the same pixels: one key, one canonical URI. §4.7.
            resolved.quality = Quality::Default;
        }
        self.inner.limits.check_upscaling(&resolved)?;
        let key = image.key(&resolved.key());
        Ok(Prepared {
            last_modified: image.located.last_modified,
            etag: etag_of(key),
            version: request.version,
            image,
            resolved,
            limits,
            grid,
            key,
            client,
        })
    }

    /// The bytes that a prepared request stands for.
    ///
    /// Dropping the future ends the work, unless others wait for the same bytes.
    ///
    /// # Errors
    /// What is wrong with the original, or that there is no room now or ever.
    pub async fn body(&self, prepared: &Prepared) -> Result<ImageBody, ServiceError> {
        let started = Instant::now();
        let open_key = OpenKey::of(&prepared.image.located);
        if let Some(open) = self.inner.open.get(&open_key)
            && let Some(bytes) = self.stored_without_waiting(&open, prepared)
        {
            return Ok(self.answer(bytes, Origin::Stored, started));
        }
        if let Some(derivative) = self.inner.cache.get_from_memory(&prepared.key) {
            return Ok(self.answer(derivative.bytes, Origin::Cached, started));
        }
        let (bytes, origin) = self.make_or_join(prepared).await?;
        Ok(self.answer(bytes, origin, started))
    }

    fn answer(&self, bytes: Bytes, origin: Origin, started: Instant) -> ImageBody {
        let took = started.elapsed();
        self.inner.metrics.image(origin, bytes.len() as u64, took);
        ImageBody { bytes, origin, took }
    }

    /// The cache key of a prepared request, for people.
    pub fn key_text(prepared: &Prepared) -> String {
        prepared.key.to_string()
    }

    /// Is the derivative in memory now?
    pub fn is_cached(&self, prepared: &Prepared) -> bool {
        self.inner.cache.get_from_memory(&prepared.key).is_some()
    }

    /// How much goes on, for metrics.
    pub fn work(&self) -> WorkReading {
        WorkReading {
            lanes: self.inner.lanes.stats(),
            background: self.inner.background.stats(),
            memo_bytes: self.inner.memo.held_bytes(),
        }
    }

    /// The cache, for metrics and purging.
    pub fn cache(&self) -> &DerivativeCache {
        &self.inner.cache
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}

impl Inner {
    /// What the keys of everything made of an original have in common: its version, page, and every option that decides bytes.
    fn key_base(&self, located: &Located) -> KeyBase {
        let (version, page) = (located.version.to_string(), located.page.to_string());
        KeyBase::new(located.identifier.as_str(), &[&version, &page, &self.fingerprint])
    }

    /// The tile size to announce: the stored grid, so that viewers ask for tiles as they lie; else the configured one.
    fn tile(&self, facts: &ShortFacts) -> Dimensions {
        let side = self.options.tile_size.clamp(64, 4096);
        facts.tile.map_or(Dimensions::new(side, side), |[w, h]| Dimensions::new(w, h))
    }
}

/// The strong validator of what has this key, with its quotes.
fn etag_of(key: CacheKey) -> String {
    format!("\"{:032x}\"", key.request)
}

/// The failure of a computation that others may have waited for too.
fn joined(error: JoinError<ServiceError>) -> ServiceError {
    match error {
        JoinError::Failed(error) => ServiceError::Joined(error),
        JoinError::Stopped => ServiceError::Busy { retry_after: Duration::from_secs(2) },
        _ => ServiceError::Panicked,
    }
}
