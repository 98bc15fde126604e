//! Present objects: manifests and collections of the library as it is now.

mod ahead;
mod changes;
mod documents;
mod downloads;
mod facts;
mod taking_in;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use recto_catalog::annotations::AnnotationStore;
use recto_catalog::text::TextStore;
use recto_catalog::{Brief, Catalog, Head, Item, ItemKind};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;
use recto_ingest::build::{ObjectParts, PageFacts};
use recto_ingest::description::Description;
use recto_ingest::{Finding, Library, Tree, WatchOptions, Watcher};

pub use self::changes::Changes;
pub use self::downloads::{DownloadKind, DownloadOptions, Pieces, USUAL_LONGEST_PX};
pub use self::taking_in::{TakenIn, take_in};

pub(crate) use self::facts::decided;

use self::documents::DocumentKey;
use crate::policy::{Action, Caller, Policy};
use crate::text::Texts;
use crate::{ImageService, ServiceError};

/// Pictures that are looked into at the same time.
const LOOKS_AT_A_TIME: usize = 16;

/// Bytes of documents that are kept for the next one who asks.
const DOCUMENTS_KEPT_BYTES: u64 = 64 << 20;

/// The object use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectService {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) texts: Texts,
    /// Ends before the catalogue does.
    watcher: Mutex<Option<Watcher>>,
    pub(crate) images: ImageService,
    pub(crate) policy: Arc<dyn Policy>,
    documents: moka::sync::Cache<DocumentKey, PreparedDocument>,
    /// Grows when the library was found to be other than before.
    generation: AtomicU64,
    findings: Mutex<Vec<Finding>>,
    /// Paths of objects whose files are others than those that were looked into.
    stale: Mutex<Vec<String>>,
    /// Grows when the text of an object was found to be other than before.
    pub(crate) text_generation: AtomicI64,
    /// What was noticed in files of text, by the path of the object.
    pub(crate) text_findings: Mutex<HashMap<String, Vec<Finding>>>,
    downloads: downloads::Downloads,
    /// What people wrote, and whether they still may; set once, when the server starts.
    pub(crate) annotations: OnceLock<(Arc<AnnotationStore>, bool)>,
}

/// Which document of an object or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The manifest of an object.
    Manifest,
    /// The document of a collection.
    Collection,
    /// A page of a collection of very many members, from 1; there are such pages in 4.0 only.
    CollectionPage(u32),
}

impl DocumentKind {
    const fn item(self) -> ItemKind {
        match self {
            Self::Manifest => ItemKind::Manifest,
            Self::Collection | Self::CollectionPage(_) => ItemKind::Collection,
        }
    }
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
    /// What the thing is called. Another identifier than was asked for means that it was renamed: its documents are there.
    pub identifier: Identifier,
}

/// An object, with the facts of its files.
#[derive(Clone, Debug)]
pub struct ObjectView {
    /// Its row in the catalogue.
    pub item: Item,
    /// What it is made of.
    pub parts: ObjectParts,
    /// The facts of its files, page by page.
    pub facts: Vec<PageFacts>,
}

impl ObjectService {
    /// A service over a library that it watches, with what is known of it in a catalogue.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        library: Library,
        watch: WatchOptions,
        catalog: Catalog,
        texts: TextStore,
        images: ImageService,
        policy: Arc<dyn Policy>,
    ) -> std::io::Result<Self> {
        let this = Self::without_watching(catalog, texts, images, policy);
        let inner = &this.inner;
        let seen = Arc::downgrade(inner);
        let described = library.clone();
        let watcher = Watcher::start(library, watch, Box::new(move |tree| receive(&seen, &described, &tree)))?;
        *inner.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
        Ok(this)
    }

    /// A service over what a catalogue holds, whatever happens in the library.
    pub fn without_watching(catalog: Catalog, texts: TextStore, images: ImageService, policy: Arc<dyn Policy>) -> Self {
        let documents = moka::sync::Cache::builder()
            .max_capacity(DOCUMENTS_KEPT_BYTES)
            .weigher(|_: &DocumentKey, document: &PreparedDocument| {
                u32::try_from(document.bytes.len()).unwrap_or(u32::MAX)
            })
            .time_to_idle(Duration::from_hours(1))
            .build();
        let inner = Inner {
            catalog: Arc::new(catalog),
            texts: Texts::new(texts),
            watcher: Mutex::new(None),
            images,
            policy,
            documents,
            generation: AtomicU64::new(1),
            findings: Mutex::new(Vec::new()),
            stale: Mutex::new(Vec::new()),
            text_generation: AtomicI64::new(1),
            text_findings: Mutex::new(HashMap::new()),
            downloads: downloads::Downloads::default(),
            annotations: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    fn with_watcher<T>(&self, ask: impl FnOnce(&Watcher) -> T) -> Option<T> {
        self.inner.watcher.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask)
    }

    /// Looks into the files of new objects from now on, while there is nothing else to do. Needs a runtime around it.
    pub fn look_ahead(&self) {
        tokio::spawn(ahead::look_ahead(Arc::downgrade(&self.inner)));
    }

    /// Reads the texts of new and changed objects from now on. Needs a runtime around it.
    pub fn keep_texts(&self) {
        tokio::spawn(crate::text::keep(Arc::downgrade(&self.inner)));
    }

    /// Lets manifests lead to what people wrote, and may write if `may_be_written`.
    pub(crate) fn show_annotations(&self, store: Arc<AnnotationStore>, may_be_written: bool) {
        // It is done once; another store would be one that nobody writes to.
        let _set = self.inner.annotations.set((store, may_be_written));
    }

    /// Waits until the library was looked at once and taken in; false when the time is over first.
    pub fn wait_until_taken_in(&self, longest: Duration) -> bool {
        self.with_watcher(|watcher| watcher.wait_for_look(0, longest)).flatten().is_some()
    }

    /// Grows when the library was found to be other than before.
    pub fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }

    /// What was noticed when the library was last taken in.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = self.inner.findings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let texts = self.inner.text_findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.extend(texts.values().flatten().cloned());
        findings
    }

    /// Number of library folders that cannot be found now.
    pub fn missing_folders(&self) -> usize {
        self.with_watcher(|watcher| watcher.missing_folders().len()).unwrap_or_default()
    }

    /// The catalogue.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.inner.catalog
    }

    /// May this caller see this object or collection? Asked before anything of it is looked at.
    ///
    /// # Errors
    /// Access denied.
    pub fn allow(&self, caller: &Caller, identifier: &Identifier) -> Result<(), ServiceError> {
        decided(self.inner.policy.decide(caller, Action::ReadObject, identifier))
    }

    /// An item of a kind, by its identifier or one that it had before.
    ///
    /// # Errors
    /// When there is none, or the catalogue fails.
    pub async fn item(&self, kind: ItemKind, identifier: &Identifier) -> Result<Item, ServiceError> {
        let catalog = Arc::clone(&self.inner.catalog);
        let wanted = identifier.as_str().to_owned();
        let found = blocking(move || {
            Ok(match kind {
                ItemKind::Manifest => catalog.manifest(&wanted)?,
                ItemKind::Collection => catalog.collection(&wanted)?,
            })
        });
        found.await?.ok_or_else(|| no_such(kind, identifier))
    }

    /// How an item of a kind is named, by its identifier or one that it had before.
    ///
    /// # Errors
    /// When there is none, or the catalogue fails.
    pub(crate) async fn head(&self, kind: ItemKind, identifier: &Identifier) -> Result<Head, ServiceError> {
        let (catalog, wanted) = (Arc::clone(&self.inner.catalog), identifier.as_str().to_owned());
        let found = blocking(move || Ok(catalog.head(&wanted, kind)?));
        found.await?.ok_or_else(|| no_such(kind, identifier))
    }

    /// The collection that holds everything.
    ///
    /// # Errors
    /// While nothing was taken in yet, or when the catalogue fails.
    pub async fn root(&self) -> Result<Item, ServiceError> {
        let catalog = Arc::clone(&self.inner.catalog);
        let root = blocking(move || Ok(catalog.item_at("", ItemKind::Collection)?)).await?;
        root.ok_or(ServiceError::NotReady)
    }

    /// Members of the collection at this path of the catalogue, in order.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn members_at(
        &self,
        path: &str,
        kind: Option<ItemKind>,
        offset: u64,
        most: u64,
    ) -> Result<Vec<Brief>, ServiceError> {
        let (catalog, path) = (Arc::clone(&self.inner.catalog), path.to_owned());
        blocking(move || Ok(catalog.members(&path, kind, offset, most)?)).await
    }

    /// How many members of a kind the collection at this path has.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn count_members_at(&self, path: &str, kind: ItemKind) -> Result<u64, ServiceError> {
        let (catalog, path) = (Arc::clone(&self.inner.catalog), path.to_owned());
        blocking(move || Ok(catalog.count_members(&path, kind)?)).await
    }

    /// The collections around a place, from the root to the one at this path.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn collections_to(&self, path: &str) -> Result<Vec<Brief>, ServiceError> {
        let (catalog, path) = (Arc::clone(&self.inner.catalog), path.to_owned());
        blocking(move || Ok(catalog.collections_to(&path)?)).await
    }

    /// An object with the facts of its files.
    ///
    /// # Errors
    /// No such object, or the server is too busy to look into its files.
    pub async fn view(&self, item: Item, caller: &Caller) -> Result<ObjectView, ServiceError> {
        let parts = parts(&item);
        let facts = self.facts(&item, &parts, caller).await?;
        Ok(ObjectView { item, parts, facts })
    }

    /// The facts of pictures that stand for things; those that cannot be had now are left out.
    pub async fn pictures(&self, pictures: &[Identifier], caller: &Caller) -> HashMap<Identifier, PageFacts> {
        let looks: Vec<_> = pictures.iter().map(|picture| self.picture(picture, caller)).collect();
        let looked: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_A_TIME).collect().await;
        pictures.iter().cloned().zip(looked).filter_map(|(picture, facts)| Some((picture, facts?))).collect()
    }

    async fn picture(&self, picture: &Identifier, caller: &Caller) -> Option<PageFacts> {
        match self.inner.images.find(picture, caller, Action::ReadInfo).await {
            Ok(known) => Some(self.page_facts(picture, 1, &known.facts, known.facts.pages as usize)),
            Err(error) if matches!(error.kind(), recto_iiif::ErrorKind::Unavailable { .. }) => None,
            Err(error) => Some(PageFacts {
                file: picture.clone(),
                page: 1,
                pages: 1,
                size: recto_iiif::Dimensions::new(0, 0),
                sizes: Vec::new(),
                recording: None,
                problem: Some(error.root().to_string()),
            }),
        }
    }
}

/// The error of an object or collection that is not there.
pub(crate) fn no_such(kind: ItemKind, identifier: &Identifier) -> ServiceError {
    let what = match kind {
        ItemKind::Manifest => "object",
        ItemKind::Collection => "collection",
    };
    ServiceError::NoSuchObject { what, identifier: identifier.as_str().to_owned() }
}

/// Takes what was seen into the catalogue; what was known stays when that fails.
fn receive(inner: &Weak<Inner>, library: &Library, tree: &Tree) {
    let Some(inner) = inner.upgrade() else { return };
    match take_in(&inner.catalog, library, tree) {
        Ok(taken) => {
            *inner.findings.lock().unwrap_or_else(PoisonError::into_inner) = taken.findings;
            inner.stale.lock().unwrap_or_else(PoisonError::into_inner).extend(taken.stale);
            if taken.tally.has_changes() {
                inner.generation.fetch_add(1, Ordering::AcqRel);
            }
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(cause, "the library could not be taken in: {error}");
        }
    }
}

/// What an object of the catalogue is made of. A body is written by this program alone; one of another version is made anew
/// by the next look at the library.
pub(crate) fn parts(item: &Item) -> ObjectParts {
    serde_json::from_slice(&item.body).unwrap_or_default()
}

/// What is said about a collection of the catalogue.
pub fn description(item: &Item) -> Description {
    serde_json::from_slice(&item.body).unwrap_or_default()
}

/// What the paths of a collection's own files begin with.
pub(crate) fn collection_prefix(item: &Item) -> String {
    if item.path.is_empty() { String::new() } else { format!("{}/", item.path) }
}

/// The label of an item of the catalogue.
pub fn label(json: &str) -> LanguageMap {
    serde_json::from_str(json).unwrap_or_default()
}

/// Asks the catalogue where waiting is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(answer) => answer,
        Err(_) => Err(ServiceError::NotReady),
    }
}
