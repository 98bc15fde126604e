//! Annotations that people write: who may, what becomes of what they send, and the documents that are made of it.
//!
//! Each object has a container of its own, which is called like it; others can be made. What is kept knows neither the address of the
//! server nor the version of the API: one canvas is the same canvas however it is named (`addresses.rs`).
//!
//! Everything here asks a database and may wait: [`AnnotationService::ask`] does it where waiting is allowed.

mod addresses;
mod beside;
mod error;
mod of_object;
mod options;
mod reading;
mod versions;
mod writing;

use std::sync::Arc;

use recto_catalog::Catalog;
use recto_catalog::annotations::{AnnotationStore, Container, Stored};
use recto_iiif::annotation::Agent;
use recto_iiif::identifier::Identifier;
use recto_ingest::build::SiteUrls;
use serde_json::Value;

use self::addresses::Renamed;
use crate::objects::decided;
use crate::policy::{Action, Caller, Policy};
use crate::{ObjectService, ServiceError};

pub use self::error::AnnotationError;
pub use self::options::AnnotationOptions;
pub use self::reading::{CanvasPage, Filter};
pub use self::writing::{Created, New, Seen};

/// Bytes of documents that are kept for the next one who asks.
const DOCUMENTS_KEPT_BYTES: u64 = 32 << 20;

/// The container of annotations about things that are not on this server.
pub const ELSEWHERE: &str = "elsewhere";

/// The annotation use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AnnotationService {
    desk: Arc<Desk>,
}

/// Where annotations are asked for and handed in. Its calls block for as long as the disk takes.
#[derive(Debug)]
pub struct Desk {
    store: Arc<AnnotationStore>,
    catalog: Arc<Catalog>,
    policy: Arc<dyn Policy>,
    options: AnnotationOptions,
    may_be_written: bool,
    pages: moka::sync::Cache<reading::PageKey, CanvasPage>,
}

/// An annotation, ready to be given out.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// The annotation, with the addresses under which the caller reached the server.
    pub json: Value,
    /// Its address.
    pub id: String,
    /// From 1; grows with each change of it.
    pub version: u64,
    /// When it last changed, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Only its creator may see it.
    pub draft: bool,
}

impl AnnotationService {
    /// A service over this store. Without `may_be_written` nobody can write, whoever they are.
    pub fn new(
        store: AnnotationStore,
        objects: &ObjectService,
        policy: Arc<dyn Policy>,
        options: AnnotationOptions,
        may_be_written: bool,
    ) -> Self {
        let store = Arc::new(store.with_most_per_container(options.max_per_container));
        objects.show_annotations(Arc::clone(&store), may_be_written);
        let pages = moka::sync::Cache::builder()
            .max_capacity(DOCUMENTS_KEPT_BYTES)
            .weigher(|_: &reading::PageKey, page: &CanvasPage| u32::try_from(page.bytes.len()).unwrap_or(u32::MAX))
            .build();
        let catalog = Arc::clone(objects.catalog());
        Self { desk: Arc::new(Desk { store, catalog, policy, options, may_be_written, pages }) }
    }

    /// Keeps the annotations that lie in files beside the objects, as the library is, from now on. Needs a runtime around it.
    pub fn keep_beside(&self, objects: &ObjectService) {
        tokio::spawn(beside::keep(Arc::downgrade(&objects.inner), Arc::clone(&self.desk)));
    }

    /// Asks the desk where waiting is allowed.
    ///
    /// # Errors
    /// What the desk says.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Desk) -> Result<T, AnnotationError> + Send + 'static,
    ) -> Result<T, AnnotationError> {
        let desk = Arc::clone(&self.desk);
        match tokio::task::spawn_blocking(move || question(&desk)).await {
            Ok(answer) => answer,
            Err(_) => Err(ServiceError::Panicked.into()),
        }
    }

    /// Can anybody write?
    pub fn may_be_written(&self) -> bool {
        self.desk.may_be_written
    }

    /// Most bytes of a batch that are worth being read.
    pub fn most_batch_bytes(&self) -> usize {
        // More than a few megabytes at once is nothing that a viewer sends.
        (self.desk.options.max_size.bytes() as usize).saturating_mul(32).min(32 << 20)
    }

    /// Where annotations are asked for, for those who may wait.
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// What people wrote, as it is kept.
    pub fn store(&self) -> &Arc<AnnotationStore> {
        &self.desk.store
    }
}

/// The container itself, or the empty one that an object has before anything is written.
struct Place {
    /// `None` until something is written.
    container: Option<Container>,
    /// Its label: a text or, of an object, a language map.
    label: Value,
}

impl Desk {
    fn allow(&self, caller: &Caller, action: Action, identifier: &Identifier) -> Result<(), AnnotationError> {
        // What lies beside an object is seen by those who may see what was written about it.
        let object = beside::object_of(identifier.as_str()).map(Identifier::new);
        let identifier = object.as_ref().unwrap_or(identifier);
        Ok(decided(self.policy.decide(caller, action, identifier))?)
    }

    /// The container of this name.
    fn place(&self, name: &Identifier) -> Result<Place, AnnotationError> {
        let container = self.store.container(name.as_str())?;
        let object = self.catalog.manifest(name.as_str())?.filter(|item| item.identifier == name.as_str());
        let label = match (&object, &container) {
            (Some(object), _) => serde_json::from_str(&object.label).unwrap_or_default(),
            (None, Some(container)) => container.label.as_str().into(),
            (None, None) if name.as_str() == ELSEWHERE => "Things elsewhere".into(),
            (None, None) => {
                return Err(AnnotationError::NotFound { what: "container", name: name.as_str().to_owned() });
            }
        };
        Ok(Place { container, label })
    }

    /// What an object is called now.
    fn now_called(&self, object: &Identifier) -> Result<Option<Identifier>, AnnotationError> {
        Ok(self.catalog.manifest(object.as_str())?.map(|item| Identifier::new(item.identifier)))
    }

    /// An annotation with the addresses under which the caller reached the server.
    fn given(stored: &Stored, urls: &SiteUrls, renamed: &Renamed) -> Annotation {
        let mut json: Value = serde_json::from_slice(&stored.body).unwrap_or_default();
        addresses::give(&mut json, urls.base(), renamed);
        let id = annotation_url(urls, &Identifier::new(&*stored.container), &stored.name);
        if let Some(fields) = json.as_object_mut() {
            let place = usize::from(fields.contains_key("@context"));
            fields.shift_insert(place, "id".to_owned(), id.as_str().into());
        }
        Annotation { json, id, version: stored.version, modified_ms: stored.modified_ms, draft: stored.draft }
    }
}

/// The address of a container.
pub(crate) fn container_url(urls: &SiteUrls, container: &Identifier) -> String {
    format!("{}/annotations/{}/", urls.base(), container.encoded())
}

fn annotation_url(urls: &SiteUrls, container: &Identifier, name: &str) -> String {
    format!("{}{}", container_url(urls, container), Identifier::new(name).encoded())
}

/// Who somebody is, as annotations tell it: a URI, a name, or both as `Anna <https://example.org/anna>`.
fn agent(user: &str) -> Agent {
    let is_uri = |text: &str| text.contains("://") || text.starts_with("mailto:") || text.starts_with("urn:");
    match user.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        Some((name, uri)) if is_uri(uri) => Agent::new(uri).named(name.trim()),
        _ if is_uri(user) => Agent::new(user),
        _ => Agent::default().named(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_names_or_uris_or_both() {
        for (user, want) in [
            ("Anna", serde_json::json!({"type": "Person", "name": "Anna"})),
            ("https://e.org/anna", serde_json::json!({"id": "https://e.org/anna", "type": "Person"})),
            (
                "Anna <https://e.org/anna>",
                serde_json::json!({"id": "https://e.org/anna", "type": "Person", "name": "Anna"}),
            ),
            ("Anna <3>", serde_json::json!({"type": "Person", "name": "Anna <3>"})),
        ] {
            assert_eq!(agent(user).to_value(), want, "{user}");
        }
    }
}
