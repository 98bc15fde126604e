//! What happened to published things, as Change Discovery tells it.

use std::sync::Arc;

use recto_catalog::{Activity as Entry, ActivityKind as EntryKind, ItemKind};
use recto_iiif::discovery::{Activity, ActivityKind, Resource, Stream, Timestamp};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::Version;
use recto_ingest::build::{SiteUrls, Urls as _};

use super::{ObjectService, blocking};
use crate::ServiceError;
use crate::policy::Caller;

/// A page of the log, or the collection of all pages.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The document.
    pub document: serde_json::Value,
    /// It will never be another one.
    pub is_final: bool,
}

impl ObjectService {
    /// The collection of all changes; `None` while nothing has happened.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn all_changes(&self, stream: &Stream) -> Result<Option<Changes>, ServiceError> {
        let catalog = Arc::clone(&self.inner.catalog);
        let total = blocking(move || Ok(catalog.count_activities()?)).await?;
        Ok(stream.collection(total).map(|collection| Changes { document: collection.to_json(), is_final: false }))
    }

    /// A page of changes, from 0; `None` when there is none of this number. What this caller may not see is not told.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn changes(
        &self,
        stream: &Stream,
        number: u64,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Option<Changes>, ServiceError> {
        let catalog = Arc::clone(&self.inner.catalog);
        let cut = stream.clone();
        let (total, entries) = blocking(move || {
            let total = catalog.count_activities()?;
            let range = cut.range(number, total).unwrap_or_default();
            // The log counts from 1.
            Ok((total, catalog.activities(range.start + 1, range.end - range.start)?))
        })
        .await?;
        let may_see = |entry: &&Entry| {
            [Some(&entry.identifier), entry.target.as_ref()]
                .into_iter()
                .flatten()
                .all(|identifier| self.allow(caller, &Identifier::new(identifier.as_str())).is_ok())
        };
        let activities = entries.iter().filter(may_see).filter_map(|entry| activity(entry, urls)).collect();
        let page = stream.page(number, total, activities);
        Ok(page.map(|page| Changes { document: page.to_json(), is_final: stream.is_final(number, total) }))
    }
}

/// An entry of the log. A time outside the years that can be written makes it untellable.
fn activity(entry: &Entry, urls: &SiteUrls) -> Option<Activity> {
    let resource = |identifier: &str| {
        let identifier = Identifier::new(identifier);
        let id = match entry.item {
            ItemKind::Manifest => urls.manifest(Version::V3, &identifier),
            ItemKind::Collection => urls.collection(Version::V3, &identifier),
        };
        Resource::new(id, entry.item.class())
    };
    let at = Timestamp::from_unix_milliseconds(entry.at_ms)?;
    let object = resource(&entry.identifier);
    Some(match (entry.kind, &entry.target) {
        (EntryKind::Move, Some(target)) => Activity::moved(object, resource(target), at),
        (EntryKind::Create, _) => Activity::new(ActivityKind::Create, object, at),
        (EntryKind::Delete, _) => Activity::new(ActivityKind::Delete, object, at),
        (EntryKind::Update | EntryKind::Move, _) => Activity::new(ActivityKind::Update, object, at),
    })
}
