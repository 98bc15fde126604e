//! Search the texts of objects and collections.
//!
//! Access first: an object that the caller may not see, and a page of which they may not see the image, is neither counted, found
//! nor completed. Hits come in reading order, objects in the order of their collection.

mod annotations;
mod collections;
mod objects;
mod order;
mod places;
mod scope;

use std::sync::Arc;
use std::time::Duration;

use recto_catalog::{Brief, Head, ItemKind};
use recto_iiif::identifier::Identifier;
use recto_iiif::search::{Found, Scope, SearchRequest, SearchServices, Term};
use recto_ingest::build::{SiteUrls, Urls as _};
use recto_search::query::Query;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::order::objects_below;
pub use self::places::HitPlace;

use self::scope::Part;
use crate::annotations::Desk;
use crate::objects::{ObjectService, blocking, no_such};
use crate::policy::Caller;
use crate::{AnnotationService, DocumentKind, ServiceError};

/// Hits on one page of an answer.
pub const HITS_A_PAGE: usize = 50;
/// Words that are shown before and after a match.
const CONTEXT_WORDS: usize = 6;
/// Most terms of a completion.
const MOST_TERMS: usize = 20;
/// Longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Collections whose order is remembered.
const ORDERS_KEPT: u64 = 64;

/// The search use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SearchService {
    objects: ObjectService,
    /// Searches in one object: as many at a time as there are cores, so that each is soon at its end.
    turns_of_one: Arc<Semaphore>,
    /// Searches in collections, which take longer: those in one object do not wait for them.
    turns_of_many: Arc<Semaphore>,
    /// What people wrote, if that is searched too.
    annotations: Option<Arc<Desk>>,
    annotation_texts: moka::sync::Cache<annotations::Key, Arc<annotations::AnnotationTexts>>,
    /// The objects of collections, by path and state of the library.
    orders: moka::sync::Cache<(String, u64), Arc<Vec<Brief>>>,
}

impl SearchService {
    /// A service over the texts of these objects.
    pub fn new(objects: ObjectService) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let orders = moka::sync::Cache::builder().max_capacity(ORDERS_KEPT).build();
        Self {
            objects,
            turns_of_one: Arc::new(Semaphore::new(cores)),
            turns_of_many: Arc::new(Semaphore::new(cores)),
            annotations: None,
            annotation_texts: annotations::cache(),
            orders,
        }
    }

    /// The same with what people wrote about the objects.
    #[must_use]
    pub fn with_annotations(mut self, annotations: &AnnotationService) -> Self {
        self.annotations = Some(Arc::clone(annotations.desk()));
        self
    }

    /// What a request finds in a scope: one page of it.
    ///
    /// # Errors
    /// Access denied, no such object, canvas or range, or too many searches are running.
    pub async fn search(
        &self,
        identifier: &Identifier,
        scope: &Scope,
        request: &SearchRequest,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Found, ServiceError> {
        self.answered(identifier, scope, request, urls, caller, |this, asked| match &asked.part {
            Part::Collection => this.search_collection(asked),
            _ => this.search_object(asked),
        })
        .await
    }

    /// Terms of a scope that begin as a request says, in alphabetical order.
    ///
    /// # Errors
    /// As for a search.
    pub async fn complete(
        &self,
        identifier: &Identifier,
        scope: &Scope,
        request: &SearchRequest,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Vec<Term>, ServiceError> {
        self.answered(identifier, scope, request, urls, caller, |this, asked| match &asked.part {
            Part::Collection => this.complete_in_collection(asked),
            _ => this.complete_in_object(asked),
        })
        .await
    }

    /// Finds out what is asked and whether the caller may, and answers it when it is its turn, where waiting is allowed.
    async fn answered<T: Send + 'static>(
        &self,
        identifier: &Identifier,
        scope: &Scope,
        request: &SearchRequest,
        urls: &SiteUrls,
        caller: &Caller,
        answer: fn(&Self, &Asked) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.objects.allow(caller, identifier)?;
        let (kind, turns) = match scope {
            Scope::Collection => (ItemKind::Collection, &self.turns_of_many),
            Scope::Manifest | Scope::Canvas(_) | Scope::Range(_) => (ItemKind::Manifest, &self.turns_of_one),
        };
        let part = match scope {
            Scope::Manifest => Part::Object,
            Scope::Collection => Part::Collection,
            Scope::Canvas(name) => Part::Canvas(name.as_str().to_owned()),
            Scope::Range(name) => self.range(identifier, name, urls, caller).await?,
        };
        let turn: OwnedSemaphorePermit = tokio::time::timeout(LONGEST_WAIT, Arc::clone(turns).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(ServiceError::Busy { retry_after: LONGEST_WAIT })?;
        let (this, identifier) = (self.clone(), identifier.clone());
        let (request, urls, caller) = (request.clone(), urls.clone(), caller.clone());
        blocking(move || {
            // It ends with the search, even if the one who asked has left.
            let _turn = turn;
            let item = this.objects.catalog().head(identifier.as_str(), kind)?;
            let item = item.ok_or_else(|| no_such(kind, &identifier))?;
            // A name that it had before opens nothing that its own does not.
            this.objects.allow(&caller, &Identifier::new(&*item.identifier))?;
            answer(&this, &Asked { item, part, query: Query::parse(&request.q), request, urls, caller })
        })
        .await
    }

    /// The canvases of a range, as the manifest has them.
    async fn range(
        &self,
        object: &Identifier,
        name: &Identifier,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Part, ServiceError> {
        let version = recto_iiif::presentation::Version::V3;
        let manifest = self.objects.document(DocumentKind::Manifest, object, version, urls, caller).await?;
        let identifier = manifest.identifier;
        let manifest = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
        scope::range(&manifest, &urls.range(&identifier, name.as_str()))
            .ok_or_else(|| ServiceError::NoSuchObject { what: "range", identifier: format!("{identifier}/{name}") })
    }
}

/// What is asked, by whom.
struct Asked {
    item: Head,
    part: Part,
    query: Query,
    request: SearchRequest,
    urls: SiteUrls,
    caller: Caller,
}

impl Asked {
    /// Hits before the page that is asked for.
    fn first_hit(&self) -> u64 {
        (self.request.page - 1).saturating_mul(HITS_A_PAGE as u64)
    }
}

/// The services that search an object or collection.
pub fn search_services(kind: ItemKind, identifier: &Identifier, urls: &SiteUrls) -> SearchServices {
    let scope = match kind {
        ItemKind::Manifest => Scope::Manifest,
        ItemKind::Collection => Scope::Collection,
    };
    SearchServices::at(&format!("{}/iiif/search", urls.base()), identifier, &scope)
}
