//! What is known of an image without opening it: enough for `info.json`, validators and manifests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use recto_cache::{CacheKey, KeyBase};
use recto_codec::{Decoder, ImageFacts, RandomAccess};
use recto_iiif::Dimensions;
use recto_iiif::image::ApiVersion;
use recto_source::Located;
use serde::{Deserialize, Serialize};

use crate::shelf::CacheShelf;

/// The facts that outlive an open file: they are kept in memory and in the cache directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortFacts {
    /// Width in pixels as shown.
    pub width_px: u32,
    /// Height in pixels as shown.
    pub height_px: u32,
    /// The true sizes of the stored levels as shown, largest first, each `[width, height]`.
    pub levels: Vec<[u32; 2]>,
    /// The stored grid to announce, `[width, height]`.
    pub tile: Option<[u32; 2]>,
    /// Pages in the file.
    pub pages: u32,
}

impl ShortFacts {
    /// The facts worth keeping of an open image.
    pub fn of(facts: &ImageFacts) -> Self {
        let size = facts.size();
        let shown = |stored: Dimensions| {
            let shown = facts.orientation.shown(stored);
            [shown.width_px, shown.height_px]
        };
        Self {
            width_px: size.width_px,
            height_px: size.height_px,
            levels: facts.levels.iter().map(|level| shown(level.size)).collect(),
            tile: facts.announced_tile().map(|tile| [tile.width_px, tile.height_px]),
            pages: facts.pages,
        }
    }

    /// Size as shown.
    pub fn size(&self) -> Dimensions {
        Dimensions::new(self.width_px, self.height_px)
    }
}

/// An image whose facts are known, at one version of its original.
#[derive(Debug)]
pub struct KnownImage {
    /// Where it lies, and which version of it this is.
    pub located: Located,
    /// What is known of it.
    pub facts: ShortFacts,
    keys: KeyBase,
    documents: [RwLock<Option<Document>>; 2],
    /// When its name was last seen to lead to it, in milliseconds of this process.
    looked_at: AtomicU64,
}

/// An `info.json` as it was last asked for.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) bytes: Bytes,
    pub(crate) etag: String,
}

impl KnownImage {
    pub(crate) fn new(located: Located, facts: ShortFacts, keys: KeyBase) -> Self {
        Self {
            located,
            facts,
            keys,
            documents: [RwLock::new(None), RwLock::new(None)],
            looked_at: AtomicU64::new(milliseconds()),
        }
    }

    /// The key of something made of it; `what` says what.
    pub(crate) fn key(&self, what: &str) -> CacheKey {
        CacheKey::on(&self.keys, what)
    }

    /// Was its name seen to lead to it within this time?
    pub(crate) fn looked_at_within(&self, time: Duration) -> bool {
        u128::from(milliseconds().saturating_sub(self.looked_at.load(Ordering::Relaxed))) < time.as_millis()
    }

    /// Notes that its name leads to it now.
    pub(crate) fn looked_at_now(&self) {
        self.looked_at.store(milliseconds(), Ordering::Relaxed);
    }

    fn slot(&self, version: ApiVersion) -> &RwLock<Option<Document>> {
        match version {
            ApiVersion::V2 => &self.documents[0],
            ApiVersion::V3 => &self.documents[1],
        }
    }

    /// The document with this `id`, if it is the last one that was asked for.
    pub(crate) fn document(&self, version: ApiVersion, id: &str) -> Option<Document> {
        let slot = self.slot(version).read().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().filter(|document| document.id == id).cloned()
    }

    pub(crate) fn keep(&self, version: ApiVersion, document: Document) {
        *self.slot(version).write().unwrap_or_else(PoisonError::into_inner) = Some(document);
    }
}

/// Time since the first call, in milliseconds.
fn milliseconds() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// An image that is open for reading pixels.
pub(crate) struct OpenImage {
    pub(crate) decoder: Box<dyn Decoder>,
    pub(crate) source: Arc<dyn RandomAccess>,
    pub(crate) shelf: Arc<CacheShelf>,
    /// What can be done before it is asked for is under way, or done.
    pub(crate) is_preparing: AtomicBool,
}

impl OpenImage {
    /// The effort that something of this image costs: more than any of the processor's where reading is dear.
    pub(crate) fn effort(&self, processor_time: Duration) -> Duration {
        if self.source.read_ahead() > 0 { Duration::MAX } else { processor_time }
    }
}

impl std::fmt::Debug for OpenImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenImage").field("source", &self.source).finish_non_exhaustive()
    }
}
