//! Access comes before caches and sources: a denied caller causes no look at an original, also once others have warmed it.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use recto_cache::{CacheOptions, DerivativeCache};
use recto_codec::{MemoryAccess, RandomAccess};
use recto_config::ByteSize;
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, ImageRequest};
use recto_service::policy::{Action, Caller, Decision, Policy};
use recto_service::{ImageOptions, ImageService, ImageServiceParts, LimitOptions, Metrics, ServiceError, WorkOptions};
use recto_source::{Located, ObjectKey, Source, SourceError, SourceVersion};

/// One image, and a count of every look at it.
#[derive(Debug, Default)]
struct CountedSource {
    looks: AtomicU64,
}

/// A bitmap of one white pixel, small enough to be written by hand.
fn bitmap() -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for field in [58_u32, 0, 54, 40, 1, 1, 1 | 24 << 16, 0, 4, 2835, 2835, 0, 0, 0x00ff_ffff] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes
}

impl Source for CountedSource {
    fn locate(&self, identifier: &Identifier) -> Result<Located, SourceError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(Located {
            key: ObjectKey::new(0, identifier.as_str()),
            page: 1,
            version: SourceVersion::of_text("1"),
            length: bitmap().len() as u64,
            last_modified: std::time::SystemTime::UNIX_EPOCH,
            identifier: identifier.clone(),
        })
    }

    fn open(&self, _located: &Located) -> Result<Arc<dyn RandomAccess>, SourceError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(MemoryAccess::new(bitmap())))
    }

    fn revalidate(&self, located: &Located) -> Result<Option<SourceVersion>, SourceError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(Some(located.version))
    }
}

#[derive(Debug, Default)]
struct Gate {
    is_shut: AtomicBool,
}

impl Policy for Gate {
    fn decide(&self, _caller: &Caller, _action: Action, _identifier: &Identifier) -> Decision {
        if self.is_shut.load(Ordering::SeqCst) { Decision::Deny } else { Decision::Allow }
    }
}

#[tokio::test]
async fn a_denied_caller_causes_no_look_and_gets_no_cached_byte() {
    let (source, gate) = (Arc::new(CountedSource::default()), Arc::new(Gate::default()));
    let cache = CacheOptions { max_disk: ByteSize::from_bytes(0), ..CacheOptions::default() };
    let images = ImageService::start(ImageServiceParts {
        source: Arc::clone(&source) as Arc<dyn Source>,
        policy: Arc::clone(&gate) as Arc<dyn Policy>,
        cache: Arc::new(DerivativeCache::open(&cache).unwrap()),
        metrics: Arc::new(Metrics::new()),
        limits: LimitOptions::default(),
        options: ImageOptions::default(),
        work: WorkOptions::default(),
        rest: || {},
    })
    .unwrap();
    let (identifier, caller) = (Identifier::new("a.bmp"), Caller::default());
    let request = ImageRequest::parse(ApiVersion::V3, "full", "max", "0", "default.png").unwrap();

    // Someone who may warms every cache that there is.
    let prepared = images.prepare(&identifier, &request, &caller).await.unwrap();
    assert!(!images.body(&prepared).await.unwrap().bytes.is_empty());
    images.info(&identifier, ApiVersion::V3, "http://localhost/a.bmp", &caller).await.unwrap();
    let looks = source.looks.load(Ordering::SeqCst);
    assert!(looks >= 2, "the image was located and opened");

    gate.is_shut.store(true, Ordering::SeqCst);
    let is_forbidden = |error: ServiceError| error.kind() == ErrorKind::Forbidden;
    assert!(images.prepare(&identifier, &request, &caller).await.is_err_and(is_forbidden));
    assert!(images.info(&identifier, ApiVersion::V3, "http://localhost/a.bmp", &caller).await.is_err_and(is_forbidden));
    assert!(images.explain(&identifier, &request, &caller).await.is_err_and(is_forbidden));
    assert!(
        images.find(&Identifier::new("never-asked-before"), &caller, Action::ReadInfo).await.is_err_and(is_forbidden)
    );
    assert_eq!(source.looks.load(Ordering::SeqCst), looks, "no look at any original");
}
