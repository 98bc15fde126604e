//! D22: what needs no pixels opens no original: validators, `HEAD`, `info.json` of what is known.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_cache::{CacheOptions, DerivativeCache};
use recto_codec::{MemoryAccess, RandomAccess};
use recto_config::ByteSize;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, ImageRequest};
use recto_service::policy::{AllowAll, Caller};
use recto_service::{ImageOptions, ImageService, ImageServiceParts, LimitOptions, Metrics, PurgeScope, WorkOptions};
use recto_source::{Located, ObjectKey, Source, SourceError, SourceVersion};

/// One white pixel, with a count of how often it was opened.
#[derive(Debug, Default)]
struct CountedSource {
    opened: AtomicU64,
}

fn bitmap() -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for field in [58_u32, 0, 54, 40, 1, 1, 1 | 24 << 16, 0, 4, 2835, 2835, 0, 0, 0x00ff_ffff] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes
}

impl Source for CountedSource {
    fn locate(&self, identifier: &Identifier) -> Result<Located, SourceError> {
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
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(MemoryAccess::new(bitmap())))
    }

    fn revalidate(&self, located: &Located) -> Result<Option<SourceVersion>, SourceError> {
        Ok(Some(located.version))
    }
}

fn service(directory: &std::path::Path) -> (ImageService, Arc<CountedSource>) {
    let source = Arc::new(CountedSource::default());
    let cache = CacheOptions {
        directory: Some(directory.to_owned()),
        min_free: ByteSize::from_bytes(0),
        // The picture as well, which is made in no time.
        least_effort: recto_config::Duration::from_secs(0),
        ..CacheOptions::default()
    };
    let images = ImageService::start(ImageServiceParts {
        source: Arc::clone(&source) as Arc<dyn Source>,
        policy: Arc::new(AllowAll),
        cache: Arc::new(DerivativeCache::open(&cache).unwrap()),
        metrics: Arc::new(Metrics::new()),
        limits: LimitOptions::default(),
        options: ImageOptions::default(),
        work: WorkOptions::default(),
        rest: || {},
    });
    (images.unwrap(), source)
}

#[tokio::test]
async fn d22_validators_of_what_is_known_open_no_original_after_a_restart_neither() {
    let place = tempfile::tempdir().unwrap();
    let (identifier, caller) = (Identifier::new("a.bmp"), Caller::default());
    let request = |text: &str| ImageRequest::parse(ApiVersion::V3, "full", "max", text, "default.png").unwrap();
    let (images, source) = service(place.path());
    let first = images.prepare(&identifier, &request("0"), &caller).await.unwrap();
    let body = images.body(&first).await.unwrap().bytes;
    let opened = source.opened.load(Ordering::SeqCst);
    assert_eq!(opened, 1, "facts and pixels share one look");
    for rotation in ["0", "90", "180"] {
        images.prepare(&identifier, &request(rotation), &caller).await.unwrap();
    }
    images.info(&identifier, ApiVersion::V2, "http://localhost/a.bmp", &caller).await.unwrap();
    assert_eq!(source.opened.load(Ordering::SeqCst), opened);
    images.cache().flush();
    drop(images);

    let (images, source) = service(place.path());
    let again = images.prepare(&identifier, &request("0"), &caller).await.unwrap();
    assert_eq!(again.etag, first.etag);
    images.info(&identifier, ApiVersion::V3, "http://localhost/a.bmp", &caller).await.unwrap();
    assert_eq!(images.body(&again).await.unwrap().bytes, body);
    assert_eq!(source.opened.load(Ordering::SeqCst), 0, "all of it was in the cache directory");

    images.purge(&PurgeScope::Image(identifier.clone()));
    images.cache().flush();
    let purged = images.prepare(&identifier, &request("0"), &caller).await.unwrap();
    assert_eq!(images.body(&purged).await.unwrap().bytes, body);
    assert_eq!(
        (source.opened.load(Ordering::SeqCst), images.metrics().render_count()),
        (1, 1),
        "made anew after a purge"
    );
}
