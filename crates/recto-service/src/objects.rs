//! Present objects: manifests and collections of the library as it is now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{DocumentUrls, Version, v2, v4};
use recto_ingest::build::{self, PageFacts, Urls};
use recto_ingest::{File, Object, Snapshot, Tree, Watcher};
use xxhash_rust::xxh3::xxh3_128;

use crate::known::KnownImage;
use crate::policy::{Action, Caller, Decision, Policy};
use crate::{ImageService, ServiceError};

/// Originals of one object that are looked at at the same time.
const LOOKS_AT_A_TIME: usize = 16;

/// Bytes of documents that are kept for the next one who asks.
const DOCUMENTS_KEPT_BYTES: u64 = 64 << 20;

/// The object use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectService {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    watcher: Watcher,
    images: ImageService,
    policy: Arc<dyn Policy>,
    documents: moka::sync::Cache<DocumentKey, PreparedDocument>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct DocumentKey {
    kind: DocumentKind,
    identifier: Identifier,
    version: Version,
    base: String,
    generation: u64,
}

/// Which document of an object or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The manifest of an object.
    Manifest,
    /// The document of a collection.
    Collection,
}

/// A document, ready.
#[derive(Clone, Debug)]
pub struct PreparedDocument {
    /// JSON.
    pub bytes: Bytes,
    /// A strong validator, with its quotes.
    pub etag: String,
    /// When the newest file of it last changed.
    pub last_modified: Option<SystemTime>,
}

/// Absolute URLs of this server, as the one who asks reaches it.
#[derive(Clone, Debug)]
pub struct PresentationUrls {
    /// Scheme, host and path prefix, without a final slash.
    pub base: String,
    /// Path of Image API 3.0.
    pub image_3_prefix: String,
    /// Path of Image API 2.1.
    pub image_2_prefix: String,
}

impl PresentationUrls {
    fn presentation(&self, version: Version, identifier: &Identifier, rest: &str) -> String {
        format!("{}/iiif/presentation/{}/{}/{rest}", self.base, version.segment(), identifier.encoded())
    }

    fn documents(&self, version: Version) -> DocumentUrls {
        let prefix = |version: Version| format!("{}/iiif/presentation/{}/", self.base, version.segment());
        DocumentUrls::new(prefix(Version::V3), prefix(version))
    }
}

impl Urls for PresentationUrls {
    fn image(&self, version: ApiVersion, image: &Identifier) -> String {
        let prefix = match version {
            ApiVersion::V2 => &self.image_2_prefix,
            ApiVersion::V3 => &self.image_3_prefix,
        };
        format!("{}{prefix}/{}", self.base, image.encoded())
    }

    fn manifest(&self, version: Version, object: &Identifier) -> String {
        self.presentation(version, object, "manifest")
    }

    fn collection(&self, version: Version, collection: &Identifier) -> String {
        self.presentation(version, collection, "collection")
    }

    fn canvas(&self, object: &Identifier, name: &str) -> String {
        self.presentation(Version::V3, object, &format!("canvas/{}", Identifier::new(name).encoded()))
    }

    fn item_page(&self, object: &Identifier) -> String {
        format!("{}/items/{}", self.base, object.encoded())
    }
}

impl ObjectService {
    /// A service over a watched library.
    pub fn new(watcher: Watcher, images: ImageService, policy: Arc<dyn Policy>) -> Self {
        let documents = moka::sync::Cache::builder()
            .max_capacity(DOCUMENTS_KEPT_BYTES)
            .weigher(|_: &DocumentKey, document: &PreparedDocument| {
                u32::try_from(document.bytes.len()).unwrap_or(u32::MAX)
            })
            .time_to_idle(Duration::from_hours(1))
            .build();
        Self { inner: Arc::new(Inner { watcher, images, policy, documents }) }
    }

    /// The library as it is now.
    pub fn library(&self) -> Snapshot {
        self.inner.watcher.current()
    }

    /// Number of library folders that cannot be found now.
    pub fn missing_folders(&self) -> usize {
        self.inner.watcher.missing_folders().len()
    }

    /// May this caller see this object or collection? Asked before anything of it is looked at.
    ///
    /// # Errors
    /// Access denied.
    pub fn allow(&self, caller: &Caller, identifier: &Identifier) -> Result<(), ServiceError> {
        match self.inner.policy.decide(caller, Action::ReadObject, identifier) {
            Decision::Allow => Ok(()),
            Decision::AskWho => Err(ServiceError::Unauthorized),
            Decision::Deny => Err(ServiceError::Forbidden),
        }
    }

    /// A manifest or collection, in a version.
    ///
    /// # Errors
    /// Access denied, or no such thing.
    pub async fn document(
        &self,
        kind: DocumentKind,
        identifier: &Identifier,
        version: Version,
        urls: &PresentationUrls,
        caller: &Caller,
    ) -> Result<PreparedDocument, ServiceError> {
        self.allow(caller, identifier)?;
        let snapshot = self.library();
        let key = DocumentKey {
            kind,
            identifier: identifier.clone(),
            version,
            base: urls.base.clone(),
            generation: snapshot.generation,
        };
        if let Some(document) = self.inner.documents.get(&key) {
            return Ok(document);
        }
        let (text, last_modified) = match kind {
            DocumentKind::Manifest => self.write_manifest(&snapshot.tree, identifier, version, urls, caller).await?,
            DocumentKind::Collection => {
                self.write_collection(&snapshot.tree, identifier, version, urls, caller).await?
            }
        };
        let etag = format!("\"{:032x}\"", xxh3_128(text.as_bytes()));
        let document = PreparedDocument { bytes: Bytes::from(text), etag, last_modified };
        self.inner.documents.insert(key, document.clone());
        Ok(document)
    }

    async fn write_manifest(
        &self,
        tree: &Tree,
        identifier: &Identifier,
        version: Version,
        urls: &PresentationUrls,
        caller: &Caller,
    ) -> Result<(String, Option<SystemTime>), ServiceError> {
        let object = tree.object(identifier).ok_or_else(|| no_such("object", identifier))?;
        let pages = self.pages(object, caller).await?;
        let (manifest, findings) = build::manifest(tree, object, &pages, urls);
        for finding in findings {
            tracing::info!(place = %finding.place, rule = finding.rule, "{}", finding.message);
        }
        let changed = object.files.iter().filter_map(|file| file.stamp.modified).max();
        Ok((written(version, &manifest, urls, v2::manifest, v4::manifest), changed))
    }

    async fn write_collection(
        &self,
        tree: &Tree,
        identifier: &Identifier,
        version: Version,
        urls: &PresentationUrls,
        caller: &Caller,
    ) -> Result<(String, Option<SystemTime>), ServiceError> {
        let collection = tree.collection(identifier).ok_or_else(|| no_such("collection", identifier))?;
        let firsts: Vec<&File> = tree
            .members(collection)
            .filter_map(|member| match member {
                recto_ingest::Member::Object(object) => Some(object),
                recto_ingest::Member::Collection(inner) => tree.first_object(inner),
            })
            .filter_map(|object| object.files.first())
            .collect();
        let looks: Vec<_> = firsts.into_iter().map(|file| self.first_page(file, caller)).collect();
        let looked: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_A_TIME).collect().await;
        let facts: HashMap<Identifier, PageFacts> =
            looked.into_iter().flatten().map(|facts| (facts.file.clone(), facts)).collect();
        let document = build::collection(tree, collection, &|file: &File| facts.get(&file.identifier).cloned(), urls);
        Ok((written(version, &document, urls, v2::collection, v4::collection), None))
    }

    /// The facts of every page of an object, in order.
    ///
    /// # Errors
    /// When the server is too busy to look: a manifest with pages missing for that reason would be remembered by viewers.
    pub async fn pages(&self, object: &Object, caller: &Caller) -> Result<Vec<PageFacts>, ServiceError> {
        // Made one by one before the stream: futures that a stream's own closure makes of borrowed files are not `Send`.
        let looks: Vec<_> = object.files.iter().map(|file| self.file_pages(file, caller)).collect();
        let looked: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_A_TIME).collect().await;
        let mut pages = Vec::with_capacity(looked.len());
        for file in looked {
            pages.extend(file?);
        }
        Ok(pages)
    }

    async fn file_pages(&self, file: &File, caller: &Caller) -> Result<Vec<PageFacts>, ServiceError> {
        let first = self.first_page(file, caller).await?;
        let count = first.pages;
        let mut pages = vec![first];
        for page in 2..=count {
            let identifier = Identifier::new(format!("{};{page}", file.identifier));
            pages.push(self.page(file, &identifier, page, caller).await?);
        }
        Ok(pages)
    }

    /// The facts of a file's first page.
    ///
    /// # Errors
    /// When the server is too busy to look.
    pub async fn first_page(&self, file: &File, caller: &Caller) -> Result<PageFacts, ServiceError> {
        self.page(file, &file.identifier, 1, caller).await
    }

    async fn page(
        &self,
        file: &File,
        identifier: &Identifier,
        page: u32,
        caller: &Caller,
    ) -> Result<PageFacts, ServiceError> {
        match self.inner.images.find(identifier, caller, Action::ReadInfo).await {
            Ok(known) => Ok(self.page_facts(file, page, &known)),
            Err(error) if matches!(error.kind(), recto_iiif::ErrorKind::Unavailable { .. }) => Err(error),
            Err(error) => Ok(PageFacts {
                file: file.identifier.clone(),
                page,
                pages: 1,
                size: recto_iiif::Dimensions::new(0, 0),
                sizes: Vec::new(),
                problem: Some(error.root().to_string()),
            }),
        }
    }

    fn page_facts(&self, file: &File, page: u32, known: &KnownImage) -> PageFacts {
        let subject = self.inner.images.info_subject(&known.facts, "");
        PageFacts {
            file: file.identifier.clone(),
            page,
            pages: known.facts.pages,
            size: known.facts.size(),
            sizes: subject.sizes(ApiVersion::V3),
            problem: None,
        }
    }
}

/// A document in the version that was asked for.
fn written<T: serde::Serialize>(
    version: Version,
    document: &T,
    urls: &PresentationUrls,
    as_v2: fn(&T, &DocumentUrls) -> serde_json::Value,
    as_v4: fn(&T, &DocumentUrls) -> serde_json::Value,
) -> String {
    match version {
        // A model of strings, numbers and lists can always be written.
        Version::V3 => serde_json::to_string(document).unwrap_or_default(),
        Version::V2 => as_v2(document, &urls.documents(version)).to_string(),
        Version::V4 => as_v4(document, &urls.documents(version)).to_string(),
    }
}

fn no_such(what: &'static str, identifier: &Identifier) -> ServiceError {
    ServiceError::NoSuchObject { what, identifier: identifier.as_str().to_owned() }
}
