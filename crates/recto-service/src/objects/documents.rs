//! Manifests and collections as documents.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use recto_catalog::{Brief, Item, ItemKind};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{LanguageMap, Version, v2, v4};
use recto_ingest::build::{self, Around, CollectionParts, MemberPart, PageFacts, SiteUrls};
use recto_ingest::description::Kind;
use xxhash_rust::xxh3::xxh3_128;

use super::{DocumentKind, ObjectService, PreparedDocument, blocking, collection_prefix, label};
use crate::ServiceError;
use crate::policy::Caller;

/// Members of a collection whose picture is looked into for the document; those of the rest are asked for by a box.
const MOST_PICTURES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DocumentKey {
    kind: DocumentKind,
    row: i64,
    revision: i64,
    version: Version,
    base: String,
    /// Names of members and of what is around come from other rows.
    generation: u64,
}

impl ObjectService {
    /// A manifest or collection, in a version.
    ///
    /// # Errors
    /// Access denied, or no such thing.
    pub async fn document(
        &self,
        kind: DocumentKind,
        identifier: &Identifier,
        version: Version,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<PreparedDocument, ServiceError> {
        self.allow(caller, identifier)?;
        let generation = self.generation();
        let item = self.item(kind.item(), identifier).await?;
        // A name that it had before opens nothing that its own does not.
        self.allow(caller, &Identifier::new(&*item.identifier))?;
        let key = DocumentKey {
            kind,
            row: item.row,
            revision: item.revision,
            version,
            base: urls.base().to_owned(),
            generation,
        };
        if let Some(document) = self.inner.documents.get(&key) {
            return Ok(document);
        }
        let text = match kind {
            DocumentKind::Manifest => self.write_manifest(&item, version, urls, caller).await?,
            DocumentKind::Collection => self.write_collection(&item, version, urls, caller).await?,
        };
        let etag = format!("\"{:032x}\"", xxh3_128(text.as_bytes()));
        let last_modified = item.modified_ms.and_then(|milliseconds| u64::try_from(milliseconds).ok());
        let last_modified =
            last_modified.map(|milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds));
        let identifier = Identifier::new(&*item.identifier);
        let document = PreparedDocument { bytes: Bytes::from(text), etag, last_modified, identifier };
        self.inner.documents.insert(key, document.clone());
        Ok(document)
    }

    async fn write_manifest(
        &self,
        item: &Item,
        version: Version,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<String, ServiceError> {
        let parts = super::parts(item);
        let facts = self.facts(item, &parts, caller).await?;
        let collections = self.around(item).await?;
        let identifier = Identifier::new(item.identifier.as_str());
        let around = Around { identifier: &identifier, prefix: &parts.prefix, collections: &collections };
        let (manifest, findings) = build::manifest(&parts, around, &facts, urls);
        for finding in findings {
            tracing::info!(place = %finding.place, rule = finding.rule, "{}", finding.message);
        }
        Ok(match version {
            Version::V3 => written(&manifest),
            Version::V2 => v2::manifest(&manifest, &urls.documents(version)).to_string(),
            Version::V4 => v4::manifest(&manifest, &urls.documents(version)).to_string(),
        })
    }

    async fn write_collection(
        &self,
        item: &Item,
        version: Version,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<String, ServiceError> {
        let description = super::description(item);
        let members = self.members_at(&item.path, None, 0, u64::MAX >> 1).await?;
        let mut parts = CollectionParts { description, members: members.iter().map(member).collect() };
        let pictures: Vec<_> =
            parts.members.iter().take(MOST_PICTURES).filter_map(|member| member.picture.clone()).collect();
        let looked = self.pictures(&pictures, caller).await;
        for member in &mut parts.members {
            member.facts = member.picture.as_ref().and_then(|picture| looked.get(picture).cloned());
        }
        let collections = self.around(item).await?;
        let identifier = Identifier::new(item.identifier.as_str());
        let prefix = collection_prefix(item);
        let around = Around { identifier: &identifier, prefix: &prefix, collections: &collections };
        let document = build::collection(&parts, around, urls);
        Ok(match version {
            Version::V3 => written(&document),
            Version::V2 => v2::collection(&document, &urls.documents(version)).to_string(),
            Version::V4 => v4::collection(&document, &urls.documents(version)).to_string(),
        })
    }

    /// Identifier and label of the collection that holds an item.
    async fn around(&self, item: &Item) -> Result<Vec<(Identifier, LanguageMap)>, ServiceError> {
        let Some(parent) = item.parent.clone() else { return Ok(Vec::new()) };
        let catalog = Arc::clone(&self.inner.catalog);
        let parent = blocking(move || Ok(catalog.item_at(&parent, ItemKind::Collection)?)).await?;
        Ok(parent.map(|parent| (Identifier::new(&*parent.identifier), label(&parent.label))).into_iter().collect())
    }
}

fn member(brief: &Brief) -> MemberPart {
    MemberPart {
        kind: match brief.kind {
            ItemKind::Manifest => Kind::Manifest,
            ItemKind::Collection => Kind::Collection,
        },
        identifier: Identifier::new(&*brief.identifier),
        label: label(&brief.label),
        picture: brief.picture.as_deref().map(Identifier::new),
        facts: None::<PageFacts>,
    }
}

/// A model of strings, numbers and lists can always be written.
fn written<T: serde::Serialize>(document: &T) -> String {
    serde_json::to_string(document).unwrap_or_default()
}
