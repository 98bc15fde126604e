//! Manifests and collections as documents.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use recto_catalog::{Brief, Head, Item, ItemKind};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::v4::Division;
use recto_iiif::presentation::{LanguageMap, Version, v2, v4};
use recto_ingest::build::{self, Added, Around, CollectionParts, MemberPart, PageFacts, SiteUrls, Urls as _};
use recto_ingest::description::{Description, Kind};
use xxhash_rust::xxh3::xxh3_128;

use super::{DocumentKind, ObjectService, PreparedDocument, blocking, collection_prefix, label};
use crate::ServiceError;
use crate::policy::Caller;
use crate::search::{objects_below, search_services};

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
    /// The version of its text, to which the manifest leads; 0 where it has none. Of a collection, the state of all texts.
    text: i64,
    /// Have people written about it?
    annotations: Written,
}

/// What people wrote about an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Written {
    /// Is there something that everybody may see?
    is: bool,
    /// May there be?
    may_be: bool,
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
        let head = self.head(kind.item(), identifier).await?;
        // A name that it had before opens nothing that its own does not.
        self.allow(caller, &Identifier::new(&*head.identifier))?;
        let annotations = match kind {
            DocumentKind::Manifest => self.written(head.row, &head.identifier).await?,
            _ => Written::default(),
        };
        let text = self.text_version(kind, head.row);
        let base = urls.base().to_owned();
        let Head { row, revision, .. } = head;
        let mut key = DocumentKey { kind, row, revision, version, base, generation, text, annotations };
        if let Some(document) = self.inner.documents.get(&key) {
            return Ok(document);
        }
        let catalog = Arc::clone(&self.inner.catalog);
        let item = blocking(move || Ok(catalog.item_of_row(row)?)).await?;
        let item = item.ok_or_else(|| super::no_such(kind.item(), identifier))?;
        key.revision = item.revision;
        let text = match kind {
            DocumentKind::Manifest => self.write_manifest(&item, version, urls, caller).await?,
            DocumentKind::Collection => self.write_collection(&item, None, version, urls, caller).await?,
            DocumentKind::CollectionPage(page) => {
                self.write_collection(&item, Some(page as usize), version, urls, caller).await?
            }
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
        let (mut manifest, findings) = build::manifest(&parts, around, &facts, urls);
        let added = self.added(item, &parts.description, urls).await?;
        build::add(&mut manifest, &identifier, &added, urls);
        for finding in findings {
            tracing::info!(place = %finding.place, rule = finding.rule, "{}", finding.message);
        }
        Ok(match version {
            Version::V3 => written(&manifest, manifest.items.len()),
            Version::V2 => v2::manifest(&manifest, &urls.documents(version)).to_string(),
            Version::V4 => v4::manifest(&manifest, &urls.documents(version)).to_string(),
        })
    }

    fn text_version(&self, kind: DocumentKind, row: i64) -> i64 {
        match kind {
            DocumentKind::Manifest => self.inner.texts.state(row).map_or(0, |state| state.version),
            DocumentKind::Collection | DocumentKind::CollectionPage(_) => {
                self.inner.text_generation.load(Ordering::Acquire)
            }
        }
    }

    /// Have people written about an object, under any of its names, and may they?
    async fn written(&self, row: i64, identifier: &str) -> Result<Written, ServiceError> {
        let Some((store, may_be)) = self.inner.annotations.get() else { return Ok(Written::default()) };
        let (store, catalog) = (Arc::clone(store), Arc::clone(&self.inner.catalog));
        let identifier = identifier.to_owned();
        let is = blocking(move || {
            let mut names = catalog.identifiers_before(row)?;
            names.push(identifier);
            for name in names {
                if store.has_any(&name)? {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        Ok(Written { is: is.await?, may_be: *may_be })
    }

    /// What there is of an object besides its files.
    async fn added(&self, item: &Item, said: &Description, urls: &SiteUrls) -> Result<Added, ServiceError> {
        let (texts, row) = (self.inner.texts.clone(), item.row);
        let text = blocking(move || Ok(texts.object(row)?)).await?;
        let identifier = Identifier::new(item.identifier.as_str());
        let with_text = text.iter().flat_map(|text| text.canvases()).filter(|canvas| canvas.has_text);
        let written = self.written(item.row, &item.identifier).await?;
        Ok(Added {
            texts: with_text.map(|canvas| urls.canvas(&identifier, &canvas.name)).collect(),
            search: (text.is_some() || written.is).then(|| search_services(ItemKind::Manifest, &identifier, urls)),
            search_prefix: format!("{}/iiif/search", urls.base()),
            offers_text: said.downloads.text != Some(false),
            has_annotations: written.is || written.may_be,
        })
    }

    /// Has an object of a collection, or of a collection in it, a text?
    pub(crate) async fn has_text_below(&self, path: &str) -> Result<bool, ServiceError> {
        let (catalog, texts, path) = (Arc::clone(&self.inner.catalog), self.inner.texts.clone(), path.to_owned());
        blocking(move || {
            let objects = objects_below(&catalog, &path)?;
            Ok(objects.iter().any(|object| texts.is_there(object.row)))
        })
        .await
    }

    /// A collection, or a page of it. Only 4.0 has pages, and then only where there are many members.
    async fn write_collection(
        &self,
        item: &Item,
        page: Option<usize>,
        version: Version,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<String, ServiceError> {
        let mut description = super::description(item);
        let own = self.count_members_at(&item.path, ItemKind::Manifest).await?
            + self.count_members_at(&item.path, ItemKind::Collection).await?;
        let own = usize::try_from(own).unwrap_or(usize::MAX);
        let division = Division::of(own.saturating_add(description.members.len()));
        let is_divided = version == Version::V4 && division.is_needed();
        let (start, most) = match page {
            Some(page) => {
                let start = division.start(page).filter(|_| is_divided);
                (start.ok_or_else(|| no_such_page(item, page))?, division.size)
            }
            None if is_divided => (0, 0),
            None => (0, usize::MAX >> 1),
        };
        // What lies elsewhere comes behind what is here.
        let elsewhere = std::mem::take(&mut description.members).into_iter().skip(start.saturating_sub(own));
        let members = self.members_at(&item.path, None, start as u64, most as u64).await?;
        description.members = elsewhere.take(most - members.len()).collect();
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
        let mut document = build::collection(&parts, around, urls);
        if self.has_text_below(&item.path).await? {
            search_services(ItemKind::Collection, &identifier, urls).add_to_collection(&mut document);
        }
        Ok(match version {
            Version::V3 => written(&document, document.items.len()),
            Version::V2 => v2::collection(&document, &urls.documents(version)).to_string(),
            Version::V4 => match page {
                Some(page) => v4::collection_page(&document, page, division, &urls.documents(version))
                    .ok_or_else(|| no_such_page(item, page))?
                    .to_string(),
                None if is_divided => v4::divided_collection(&document, division, &urls.documents(version)).to_string(),
                None => v4::collection(&document, &urls.documents(version)).to_string(),
            },
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

fn no_such_page(item: &Item, page: usize) -> ServiceError {
    ServiceError::NoSuchObject { what: "page of a collection", identifier: format!("{}/page/{page}", item.identifier) }
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

/// What an item of a document takes, about.
const BYTES_OF_AN_ITEM: usize = 1500;

/// A document of so many items as JSON.
fn written<T: serde::Serialize>(document: &T, items: usize) -> String {
    // A text that grows is copied, and the system gives it memory anew, many times.
    let mut text = Vec::with_capacity(items.saturating_add(2).saturating_mul(BYTES_OF_AN_ITEM));
    // A model of strings, numbers and lists can always be written, and what is written is UTF-8.
    let _written = serde_json::to_writer(&mut text, document);
    String::from_utf8(text).unwrap_or_default()
}
