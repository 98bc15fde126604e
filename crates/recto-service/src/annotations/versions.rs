//! What annotations were before.

use recto_catalog::annotations::{Lookup, Version};
use recto_iiif::discovery::Timestamp;
use recto_iiif::identifier::Identifier;
use recto_ingest::build::SiteUrls;
use serde_json::{Value, json};

use super::addresses::{self, Renamed};
use super::{AnnotationError, Desk, agent, annotation_url};
use crate::policy::{Action, Caller};

impl Desk {
    /// All versions of an annotation, oldest first: when, by whom, how. Of a deleted one too.
    ///
    /// # Errors
    /// Access denied, or there was never such an annotation.
    pub fn versions(
        &self,
        container: &Identifier,
        name: &Identifier,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Value, AnnotationError> {
        self.was_there(container, name, caller)?;
        let versions = self.store.versions(container.as_str(), name.as_str())?;
        let id = annotation_url(urls, container, name.as_str());
        let items: Vec<_> = versions
            .iter()
            .filter(|version| may_see(version, versions.first(), caller))
            .map(|version| {
                json!({
                    "id": format!("{id}?version={}", version.version),
                    "version": version.version,
                    "created": Timestamp::from_unix_milliseconds(version.at_ms).map(|at| at.to_string()),
                    "creator": agent(&version.who).to_value(),
                    "action": version.deed.name(),
                })
            })
            .collect();
        Ok(json!({ "id": format!("{id}?history"), "annotation": id, "total": items.len(), "items": items }))
    }

    /// An annotation as it was in a version; nothing, when that was its end.
    ///
    /// # Errors
    /// Access denied, or there was never such a version.
    pub fn version(
        &self,
        container: &Identifier,
        name: &Identifier,
        number: u64,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Option<Value>, AnnotationError> {
        let body = self.body_of(container, name, number, caller)?;
        if body.is_empty() {
            return Ok(None);
        }
        let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
        addresses::give(&mut json, urls.base(), &Renamed::default());
        if let Some(fields) = json.as_object_mut() {
            let place = usize::from(fields.contains_key("@context"));
            let id = annotation_url(urls, container, name.as_str());
            fields.shift_insert(place, "id".to_owned(), format!("{id}?version={number}").into());
        }
        Ok(Some(json))
    }

    /// What is kept of a version.
    pub(super) fn body_of(
        &self,
        container: &Identifier,
        name: &Identifier,
        number: u64,
        caller: &Caller,
    ) -> Result<Vec<u8>, AnnotationError> {
        self.was_there(container, name, caller)?;
        let found = self.store.version(container.as_str(), name.as_str(), number)?;
        let first = self.store.version(container.as_str(), name.as_str(), 1)?.map(|(first, _)| first);
        match found {
            Some((version, body)) if may_see(&version, first.as_ref(), caller) => Ok(body),
            _ => Err(AnnotationError::NotFound { what: "version", name: number.to_string() }),
        }
    }

    fn was_there(&self, container: &Identifier, name: &Identifier, caller: &Caller) -> Result<(), AnnotationError> {
        self.allow(caller, Action::ReadAnnotation, container)?;
        let found = match self.store.find(container.as_str(), name.as_str())? {
            // What was deleted is told of like what is there.
            Lookup::Deleted(stored) => Lookup::Annotation(stored),
            other => other,
        };
        Self::visible(found, name.as_str(), caller).map(drop)
    }
}

/// Drafts of before stay with who wrote them.
fn may_see(version: &Version, first: Option<&Version>, caller: &Caller) -> bool {
    !version.draft || first.is_some_and(|first| caller.user.as_deref() == Some(&*first.who))
}
