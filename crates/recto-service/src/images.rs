//! Give an image, give its `info.json`.

mod ready;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use recto_cache::{CacheKey, CancelSignal, Derivative, DerivativeCache, JoinError, Joining};
use recto_codec::{Control, DecodeError, Memo, OpenOptions, StoredTile};
use recto_engine::{Plan, RenderOptions};
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{
    ApiVersion, Format, ImageRequest, InfoSubject, Limits, Quality, ResolvedRequest, TileGrid, v2, v3,
};
use recto_iiif::{Dimensions, ErrorKind};
use recto_source::{Located, Source};
use xxhash_rust::xxh3::xxh3_128;

use crate::known::{Document, KnownImage, OpenImage, ShortFacts};
use crate::options::{ImageOptions, LimitOptions, WorkOptions};
use crate::policy::{Action, Caller, Decision, Policy};
use crate::work::{Budget, Charge, Lane, Lanes};
use crate::{Metrics, ServiceError};

pub use self::ready::ReadyImage;

/// Bump when the same request on the same original would give other bytes than before: encoders, resampling, colour.
const RENDERING_VERSION: u32 = 1;

/// Work up to this many decoded pixels goes through the tile lane.
const TILE_LANE_PIXELS: u64 = 6_000_000;

/// Work up to this many bytes goes through the tile lane.
const TILE_LANE_BYTES: u64 = 48 << 20;

/// Answers from this size on stay charged to the budget until they are sent: a slow client holds them for long.
const HELD_ANSWER_BYTES: u64 = 1 << 20;

/// How long a failure to open is remembered.
const FAILURE_KEPT: Duration = Duration::from_secs(5);

/// The image use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ImageService {
    inner: Arc<Inner>,
}

struct Inner {
    source: Arc<dyn Source>,
    policy: Arc<dyn Policy>,
    cache: Arc<DerivativeCache>,
    metrics: Arc<Metrics>,
    limits: LimitOptions,
    options: ImageOptions,
    work: WorkOptions,
    render: RenderOptions,
    fingerprint: String,
    known: moka::sync::Cache<Identifier, Arc<KnownImage>>,
    failures: moka::sync::Cache<Identifier, Failure>,
    open: moka::sync::Cache<OpenKey, Arc<OpenImage>>,
    finding: Joining<Identifier, Arc<KnownImage>, ServiceError>,
    rendering: Joining<CacheKey, Bytes, ServiceError>,
    budget: Budget,
    /// What open images remember between requests.
    memo: Arc<Memo>,
    lanes: Lanes,
}

/// Why an original could not be opened. It holds as long as the original is the same.
#[derive(Clone, Debug)]
struct Failure {
    error: Arc<ServiceError>,
    version: Option<recto_source::SourceVersion>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OpenKey {
    object: recto_source::ObjectKey,
    page: u32,
    version: recto_source::SourceVersion,
}

impl OpenKey {
    fn of(located: &Located) -> Self {
        Self { object: located.key.clone(), page: located.page, version: located.version }
    }
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
}

impl ImageService {
    /// Starts the service and its threads. `None` when an option has no meaning (a background that is no colour).
    pub fn start(parts: ImageServiceParts) -> Option<Self> {
        let ImageServiceParts { source, policy, cache, metrics, limits, options, work } = parts;
        let render = options.render()?;
        // Short, as it goes into the key of every request.
        let fingerprint = format!("{:032x}", xxh3_128(format!("{RENDERING_VERSION} {render:?}").as_bytes()));
        let lanes = Lanes::start(work.thread_count(), work.max_waiting, work.max_wait.into());
        Some(Self {
            inner: Arc::new(Inner {
                known: moka::sync::Cache::builder().max_capacity(200_000).build(),
                failures: moka::sync::Cache::builder().max_capacity(10_000).time_to_live(FAILURE_KEPT).build(),
                open: moka::sync::Cache::builder().max_capacity(work.open_files.max(1)).build(),
                finding: Joining::new(),
                rendering: Joining::new(),
                budget: Budget::new(work.memory_bytes()),
                memo: Arc::new(Memo::new(work.memory_bytes() / 4)),
                lanes,
                source,
                policy,
                cache,
                metrics,
                limits,
                options,
                work,
                render,
                fingerprint,
            }),
        })
    }

    /// The image of this identifier, if the caller may do this with it.
    ///
    /// # Errors
    /// Access denied (before anything is read), not found, or no image.
    pub async fn find(
        &self,
        identifier: &Identifier,
        caller: &Caller,
        action: Action,
    ) -> Result<Arc<KnownImage>, ServiceError> {
        match self.inner.policy.decide(caller, action, identifier) {
            Decision::Allow => self.known(identifier).await,
            Decision::AskWho => Err(ServiceError::Unauthorized),
            Decision::Deny => Err(ServiceError::Forbidden),
        }
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
        self.resolve(image, request)
    }

    /// What a request means on a known image.
    fn resolve(&self, image: Arc<KnownImage>, request: &ImageRequest) -> Result<Prepared, ServiceError> {
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
        let key = self.inner.cache_key(&image.located, &resolved.key());
        Ok(Prepared {
            last_modified: image.located.last_modified,
            etag: format!("\"{:032x}\"", key.request),
            version: request.version,
            image,
            resolved,
            limits,
            grid,
            key,
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
            && let Some(bytes) = self.stored_without_waiting(&open, prepared)?
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

    /// The plan for a prepared request; opens the original if it is not open.
    ///
    /// # Errors
    /// What is wrong with the original.
    pub async fn plan(&self, prepared: &Prepared) -> Result<Plan, ServiceError> {
        let this = self.clone();
        let prepared = prepared.clone();
        self.inner
            .lanes
            .run(Lane::Tiles, move || {
                let open = this.inner.open_image(&prepared.image.located)?;
                Ok(recto_engine::plan(&*open.decoder, &prepared.resolved, &this.inner.render)?)
            })
            .await?
    }

    /// The lane that a plan stands in.
    pub fn lane(plan: &Plan) -> Lane {
        let estimate = plan.estimate();
        if estimate.pixels <= TILE_LANE_PIXELS && estimate.bytes_held <= TILE_LANE_BYTES {
            Lane::Tiles
        } else {
            Lane::Large
        }
    }

    /// The cache key of a prepared request, for people.
    pub fn key_text(prepared: &Prepared) -> String {
        prepared.key.to_string()
    }

    /// Is the derivative in memory now?
    pub fn is_cached(&self, prepared: &Prepared) -> bool {
        self.inner.cache.get_from_memory(&prepared.key).is_some()
    }

    /// The `info.json` of an image. `service` is the absolute URL of the image's service, the document's own id.
    ///
    /// # Errors
    /// Access denied, not found, or not an image.
    pub async fn info(
        &self,
        identifier: &Identifier,
        version: ApiVersion,
        service: &str,
        caller: &Caller,
    ) -> Result<PreparedInfo, ServiceError> {
        let image = self.find(identifier, caller, Action::ReadInfo).await?;
        let document = image.document(version, service).unwrap_or_else(|| {
            let document = self.write_info(&image, version, service);
            image.keep(version, document.clone());
            document
        });
        self.inner.metrics.info();
        Ok(PreparedInfo { bytes: document.bytes, etag: document.etag, last_modified: image.located.last_modified })
    }

    fn write_info(&self, image: &KnownImage, version: ApiVersion, service: &str) -> Document {
        let subject = self.info_subject(&image.facts, service);
        let value = match version {
            ApiVersion::V2 => v2::info(&subject),
            ApiVersion::V3 => v3::info(&subject),
        };
        let bytes = Bytes::from(value.to_string());
        let etag = format!("\"{:032x}\"", xxh3_128(&bytes));
        Document { id: service.to_owned(), bytes, etag }
    }

    /// What `info.json` says of an image with these facts.
    pub fn info_subject(&self, facts: &ShortFacts, service: &str) -> InfoSubject<'static> {
        let size = facts.size();
        let options = &self.inner.options;
        InfoSubject {
            levels: facts.levels.iter().map(|[w, h]| Dimensions::new(*w, *h)).collect(),
            tile: Some(self.inner.tile(facts)),
            limits: self.inner.limits.for_image(size),
            preferred_formats: options
                .preferred_formats
                .iter()
                .filter_map(|word| Format::from_extension(word))
                .collect(),
            rights: options.rights.clone(),
            pages: Some(facts.pages),
            ..InfoSubject::new(service, size, recto_codec::formats::WRITABLE)
        }
    }

    /// What is known of an image: from memory if the original is still the same, else read anew.
    async fn known(&self, identifier: &Identifier) -> Result<Arc<KnownImage>, ServiceError> {
        if let Some(known) = self.inner.known.get(identifier)
            && self.inner.is_current(&known)
        {
            return Ok(known);
        }
        // Taken before the original is read: if it is replaced meanwhile, the failure is not remembered for the new one.
        let version = self.inner.source.locate(identifier).ok().map(|located| located.version);
        if let Some(failure) = self.inner.failures.get(identifier)
            && failure.version == version
        {
            return Err(ServiceError::Joined(failure.error));
        }
        let this = self.clone();
        let wanted = identifier.clone();
        self.inner
            .finding
            .get_or_compute(identifier.clone(), move |_cancel| async move {
                let inner = Arc::clone(&this.inner);
                let asked = wanted.clone();
                let found =
                    this.inner.lanes.run(Lane::Tiles, move || inner.look_up(&asked)).await.and_then(|found| found);
                match found {
                    Ok(known) => {
                        this.inner.known.insert(wanted, Arc::clone(&known));
                        Ok(known)
                    }
                    Err(error) => Err(error),
                }
            })
            .await
            .map_err(|error| {
                let error = joined(error);
                if let ServiceError::Joined(shared) = &error
                    && matches!(
                        shared.kind(),
                        ErrorKind::CorruptSource | ErrorKind::Unsupported | ErrorKind::TooLarge | ErrorKind::Internal
                    )
                {
                    let failure = Failure { error: Arc::clone(shared), version };
                    self.inner.failures.insert(identifier.clone(), failure);
                }
                error
            })
    }

    /// The stored tile that a request is, if it is one.
    fn stored_tile(&self, open: &OpenImage, prepared: &Prepared) -> Option<StoredTile> {
        recto_engine::stored_request(&*open.decoder, &prepared.resolved, &self.inner.render)
    }

    /// A stored tile, if it can be had without waiting for a disk.
    fn stored_without_waiting(&self, open: &OpenImage, prepared: &Prepared) -> Result<Option<Bytes>, ServiceError> {
        let Some(tile) = self.stored_tile(open, prepared) else { return Ok(None) };
        let Some(mut bytes) = room_for(&tile) else { return Ok(None) };
        let head = tile.head.len();
        bytes[..head].copy_from_slice(&tile.head);
        Ok(open.source.try_read_at(tile.body.offset, &mut bytes[head..]).then(|| Bytes::from(bytes)))
    }

    async fn make_or_join(&self, prepared: &Prepared) -> Result<(Bytes, Origin), ServiceError> {
        let this = self.clone();
        let wanted = prepared.clone();
        let origin = Arc::new(std::sync::OnceLock::new());
        let told = Arc::clone(&origin);
        let bytes = self
            .inner
            .rendering
            .get_or_compute(prepared.key, move |cancel| async move {
                let (bytes, origin) = this.make(&wanted, cancel).await?;
                // Set once: this closure runs once.
                let _first = told.set(origin);
                Ok(bytes)
            })
            .await
            .map_err(joined)?;
        Ok((bytes, origin.get().copied().unwrap_or(Origin::Made)))
    }

    async fn make(&self, prepared: &Prepared, cancel: CancelSignal) -> Result<(Bytes, Origin), ServiceError> {
        let inner = &self.inner;
        let max_wait: Duration = inner.work.max_wait.into();
        let max_time: Duration = inner.work.max_time.into();
        let control = Control::until(Instant::now() + max_wait + max_time);
        cancel.on_cancel({
            let control = control.clone();
            move || control.cancel()
        });
        let (this, wanted) = (Arc::clone(inner), prepared.clone());
        let first = inner.lanes.run(Lane::Tiles, move || this.begin(&wanted));
        let (open, plan) = match cancel.or_cancelled(first).await.ok_or(DecodeError::Cancelled)??? {
            Begun::Kept(bytes) => return Ok((bytes, Origin::Cached)),
            Begun::KeptLarge(length) => {
                if let Some(bytes) = self.read_large(prepared, length, &cancel).await? {
                    return Ok((bytes, Origin::Cached));
                }
                // It was evicted in this moment.
                let (this, located) = (Arc::clone(inner), prepared.image.located.clone());
                let (resolved, job) =
                    (prepared.resolved, inner.lanes.run(Lane::Tiles, move || this.open_image(&located)));
                let open = cancel.or_cancelled(job).await.ok_or(DecodeError::Cancelled)???;
                let plan = recto_engine::plan(&*open.decoder, &resolved, &inner.render)?;
                (open, plan)
            }
            Begun::Planned(open, plan) => (open, plan),
        };
        let lane = Self::lane(&plan);
        let charge = inner.budget.charge(lane, plan.estimate().bytes_held, max_wait);
        let charge = cancel.or_cancelled(charge).await.ok_or(DecodeError::Cancelled)??;
        let (this, prepared) = (Arc::clone(inner), prepared.clone());
        let work = inner.lanes.run(lane, move || {
            control.check()?;
            let bytes = recto_engine::execute(&plan, &*open.decoder, &*open.source, &this.render, &control)?;
            let bytes = held(bytes, charge);
            this.metrics.made(&plan);
            if recto_engine::stored_tile(&plan, &*open.decoder).is_some() {
                return Ok((bytes, Origin::Stored));
            }
            // The cache has bounds of its own, so what it keeps must not hold on to the charge.
            let kept = if is_held(&bytes) { Bytes::copy_from_slice(&bytes) } else { bytes.clone() };
            this.cache.insert(prepared.key, &Derivative::new(kept, prepared.resolved.format.media_type()));
            Ok((bytes, Origin::Made))
        });
        work.await?
    }

    /// A large derivative from the cache directory, with its memory charged before it is read.
    async fn read_large(
        &self,
        prepared: &Prepared,
        length: u64,
        cancel: &CancelSignal,
    ) -> Result<Option<Bytes>, ServiceError> {
        let inner = &self.inner;
        let charge = inner.budget.charge(Lane::Large, length, inner.work.max_wait.into());
        let charge = cancel.or_cancelled(charge).await.ok_or(DecodeError::Cancelled)??;
        let (this, key) = (Arc::clone(inner), prepared.key);
        let read = inner.lanes.run(Lane::Large, move || {
            this.cache.get(&key).map(|kept| Bytes::from_owner(HeldAnswer { bytes: kept.bytes, _charge: charge }))
        });
        read.await
    }

    /// How full the lanes and the budget are, for metrics.
    pub fn pressure(&self) -> (crate::work::LaneStats, u64) {
        (self.inner.lanes.stats(), self.inner.budget.charged())
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
    /// The key of something made of an original: its version, page, what it is, and every option that decides its bytes.
    fn cache_key(&self, located: &Located, what: &str) -> CacheKey {
        let (version, page) = (located.version.to_string(), located.page.to_string());
        CacheKey::new(located.identifier.as_str(), &[&version, &page, what, &self.fingerprint])
    }

    /// The tile size to announce: the stored grid, so that viewers ask for tiles as they lie; else the configured one.
    fn tile(&self, facts: &ShortFacts) -> Dimensions {
        let side = self.options.tile_size.clamp(64, 4096);
        facts.tile.map_or(Dimensions::new(side, side), |[w, h]| Dimensions::new(w, h))
    }

    /// The derivative if it is kept, else an open original and a plan.
    fn begin(&self, prepared: &Prepared) -> Result<Begun, ServiceError> {
        match self.cache.length_on_disk(&prepared.key) {
            Some(length) if length >= HELD_ANSWER_BYTES => return Ok(Begun::KeptLarge(length)),
            _ => {}
        }
        if let Some(kept) = self.cache.get(&prepared.key) {
            return Ok(Begun::Kept(kept.bytes));
        }
        let open = self.open_image(&prepared.image.located)?;
        let plan = recto_engine::plan(&*open.decoder, &prepared.resolved, &self.render)?;
        Ok(Begun::Planned(open, plan))
    }

    /// One look at the source: is the original still the one that is known?
    fn is_current(&self, known: &KnownImage) -> bool {
        matches!(self.source.revalidate(&known.located), Ok(Some(version)) if version == known.located.version)
    }

    /// Locates an image and gets its facts, from the cache if the original is the same as then.
    fn look_up(&self, identifier: &Identifier) -> Result<Arc<KnownImage>, ServiceError> {
        let located = self.source.locate(identifier)?;
        let key = self.cache_key(&located, "facts");
        let cached = self.cache.get(&key).and_then(|kept| serde_json::from_slice::<ShortFacts>(&kept.bytes).ok());
        let facts = if let Some(facts) = cached {
            facts
        } else {
            let open = self.open_image(&located)?;
            let facts = ShortFacts::of(open.decoder.facts());
            if let Ok(bytes) = serde_json::to_vec(&facts) {
                self.cache.insert(key, &Derivative::new(bytes, "application/json"));
            }
            facts
        };
        Ok(Arc::new(KnownImage::new(located, facts)))
    }

    /// The open original, from the table of open ones if it is there.
    fn open_image(&self, located: &Located) -> Result<Arc<OpenImage>, ServiceError> {
        let key = OpenKey::of(located);
        if let Some(open) = self.open.get(&key) {
            return Ok(open);
        }
        let source = self.source.open(located)?;
        let options = OpenOptions {
            page: located.page,
            max_pixels: self.limits.max_source_pixels,
            max_bytes: self.budget.largest(Lane::Large),
            memo: Arc::clone(&self.memo),
            shelf: None,
        };
        let decoder = recto_codec::open(Arc::clone(&source), &options)?;
        if let Some(finding) = recto_engine::color_finding(decoder.facts(), self.render.intent) {
            let identifier = located.identifier.as_str();
            tracing::info!(identifier, page = located.page, "{finding}");
        }
        let open = Arc::new(OpenImage { decoder, source });
        self.open.insert(key, Arc::clone(&open));
        Ok(open)
    }
}

/// What is there at the start of the work on a request.
enum Begun {
    Kept(Bytes),
    KeptLarge(u64),
    Planned(Arc<OpenImage>, Plan),
}

/// Bytes on their way to a client, with the memory that they take.
struct HeldAnswer {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for HeldAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What was made, charged for as long as anyone holds it if it is large.
fn held(mut bytes: Vec<u8>, mut charge: Charge) -> Bytes {
    // Encoders write into buffers with room to spare, which caches and slow clients would hold along.
    bytes.shrink_to_fit();
    let bytes = Bytes::from(bytes);
    if !is_held(&bytes) {
        return bytes;
    }
    charge.shrink_to(bytes.len() as u64);
    Bytes::from_owner(HeldAnswer { bytes, _charge: charge })
}

fn is_held(bytes: &Bytes) -> bool {
    bytes.len() as u64 >= HELD_ANSWER_BYTES
}

/// The failure of a computation that others may have waited for too.
fn joined(error: JoinError<ServiceError>) -> ServiceError {
    match error {
        JoinError::Failed(error) => ServiceError::Joined(error),
        JoinError::Stopped => ServiceError::Busy { retry_after: Duration::from_secs(2) },
        _ => ServiceError::Panicked,
    }
}

/// A buffer for a stored tile; `None` for sizes that no tile has.
fn room_for(tile: &StoredTile) -> Option<Vec<u8>> {
    let body = usize::try_from(tile.body.length).ok().filter(|length| *length <= 64 << 20)?;
    Some(vec![0; tile.head.len() + body])
}
