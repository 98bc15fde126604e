//! Takes what was seen in the library into the catalogue: reads what is said about new and changed things, and about
//! nothing else.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime};

use recto_catalog::{Catalog, CatalogError, Fingerprint, Found, ItemKind, Outcome, Sync, Tally};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;
use recto_ingest::build::ObjectParts;
use recto_ingest::description::{Description, Kind, Member};
use recto_ingest::natural::NaturalKey;
use recto_ingest::{Collection, Describer, Finding, Library, Media, Object, Severity, Tree};
use xxhash_rust::xxh3::xxh3_128;

/// What a pass over the library came to.
#[derive(Debug, Default)]
pub struct TakenIn {
    /// How many items met which fate.
    pub tally: Tally,
    /// What was noticed about things that are new or changed.
    pub findings: Vec<Finding>,
}

/// Brings the catalogue to what was seen.
///
/// # Errors
/// When the database fails. What was taken in before stays, and the next pass goes on from there.
pub fn take_in(catalog: &Catalog, library: &Library, tree: &Tree) -> Result<TakenIn, CatalogError> {
    let began = Instant::now();
    let listed = catalog.listed_collections()?;
    let is_there = |path: &str, kind: ItemKind| {
        let found = kind == ItemKind::Collection && listed.iter().any(|listed| is_around(path, listed));
        let found = found
            || match kind {
                ItemKind::Manifest => tree.object(&Identifier::new(path)).is_some(),
                ItemKind::Collection => path.is_empty() || tree.collection(&Identifier::new(path)).is_some(),
            };
        found || tree.may_hold(path)
    };
    let mut pass = Pass {
        sync: catalog.sync(&is_there)?,
        describer: Describer::new(library, tree),
        tree,
        findings: tree.findings().to_vec(),
    };
    for collection in tree.collections() {
        pass.collection(collection)?;
    }
    for object in tree.objects() {
        pass.object(object)?;
    }
    pass.listed_collections(&catalog.listed_collections()?)?;
    let Pass { sync, mut findings, describer, .. } = pass;
    findings.extend(describer.into_findings());
    let tally = sync.finish()?;
    if tally.has_changes() {
        tracing::info!(
            created = tally.created,
            updated = tally.updated,
            moved = tally.moved,
            deleted = tally.deleted,
            images = tree.images(),
            seconds = began.elapsed().as_secs_f64(),
            "the catalogue was brought up to date"
        );
    }
    Ok(TakenIn { tally, findings })
}

struct Pass<'a> {
    sync: Sync<'a>,
    describer: Describer<'a>,
    tree: &'a Tree,
    findings: Vec<Finding>,
}

impl<'a> Pass<'a> {
    /// Where a collection lies in the catalogue: the root at the empty path, whatever it is called.
    fn path(&self, collection: &Collection) -> String {
        match self.tree.parent(collection) {
            Some(_) => collection.identifier.as_str().to_owned(),
            None => String::new(),
        }
    }

    fn collection(&mut self, collection: &'a Collection) -> Result<(), CatalogError> {
        let state = self.describer.collection_state(collection);
        let path = self.path(collection);
        let is_current = self.sync.is_current(&path, ItemKind::Collection, Fingerprint(state.signature));
        // What a finding aid describes has no files by which it could be seen that it is still there.
        let has_records = collection.sides.iter().any(|side| side.name.to_ascii_lowercase().ends_with(".xml"));
        if is_current && !has_records {
            return Ok(());
        }
        let described = self.describer.collection(collection);
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        self.described(&described.description.members, &prefix, &path)?;
        if is_current {
            return Ok(());
        }
        self.findings.extend(described.findings);
        let picture = self.tree.first_object(collection).and_then(first_picture);
        let found = Found {
            parent: self.tree.parent(collection).map(|parent| self.path(parent)),
            path,
            identifier: described.identifier.as_str().to_owned(),
            kind: ItemKind::Collection,
            sort: sort_key(&collection.label),
            signature: Fingerprint(state.signature),
            content: Fingerprint(state.content),
            modified_ms: None,
            label: json(&described.description.label),
            pages: 0,
            picture,
            body: json(&without_members(described.description.clone())).into_bytes(),
            listed_in: described.description.collections,
        };
        self.put(found, &collection.identifier)
    }

    /// Collections that are nowhere but in the lists of their members: `Maps/Berlin` and, around it, `Maps`.
    fn listed_collections(&mut self, listed: &[String]) -> Result<(), CatalogError> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for path in listed {
            wanted.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
            wanted.insert(path);
        }
        for path in wanted {
            if self.tree.collection(&Identifier::new(path)).is_some() {
                continue;
            }
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let description = Description { label: LanguageMap::none(name), ..Description::default() };
            let signature = Fingerprint(xxh3_128(path.as_bytes()));
            let found = Found {
                path: path.to_owned(),
                identifier: path.to_owned(),
                parent: Some(parent.to_owned()),
                kind: ItemKind::Collection,
                sort: sort_key(name),
                signature,
                content: signature,
                modified_ms: None,
                label: json(&description.label),
                pages: 0,
                picture: None,
                body: json(&description).into_bytes(),
                listed_in: Vec::new(),
            };
            self.put(found, &Identifier::new(path))?;
        }
        Ok(())
    }

    /// Things that a collection's own files describe, such as the components of a finding aid.
    fn described(&mut self, members: &[Member], prefix: &str, parent: &str) -> Result<(), CatalogError> {
        for (member, number) in members.iter().zip(1..) {
            let Member::Described(description) = member else { continue };
            let path = format!("{parent}/~{number}").trim_start_matches('/').to_owned();
            let is_object = description.kind.map_or(!description.pages.is_empty(), |kind| kind == Kind::Manifest);
            let kind = if is_object { ItemKind::Manifest } else { ItemKind::Collection };
            let body = match kind {
                ItemKind::Collection => json(&**description),
                ItemKind::Manifest => json(&ObjectParts::described(prefix, Description::clone(description), self.tree)),
            };
            let signature = Fingerprint(xxh3_128(body.as_bytes()));
            let found = Found {
                identifier: description.id.clone().unwrap_or_else(|| path.clone()),
                parent: Some(parent.to_owned()),
                kind,
                sort: (number as u64).to_be_bytes().to_vec(),
                signature,
                content: signature,
                modified_ms: None,
                label: json(&description.label),
                pages: description.pages.len() as u64,
                picture: None,
                body: body.into_bytes(),
                listed_in: description.collections.clone(),
                path: path.clone(),
            };
            self.put(found, &Identifier::new(path.as_str()))?;
            self.described(&description.members, prefix, &path)?;
        }
        Ok(())
    }

    fn object(&mut self, object: &'a Object) -> Result<(), CatalogError> {
        let state = self.describer.state(object);
        let path = object.identifier.as_str();
        if self.sync.is_current(path, ItemKind::Manifest, Fingerprint(state.signature)) {
            return Ok(());
        }
        let described = self.describer.object(object);
        self.findings.extend(described.findings);
        let pages = described.parts.page_count();
        let newest = object.files.iter().map(|file| file.stamp).chain(object.sides.iter().map(|side| side.stamp));
        let found = Found {
            path: path.to_owned(),
            identifier: described.identifier.as_str().to_owned(),
            parent: Some(self.path(self.tree.parent_of(object))),
            kind: ItemKind::Manifest,
            sort: sort_key(&object.label),
            signature: Fingerprint(state.signature),
            content: Fingerprint(state.content),
            modified_ms: newest.filter_map(|stamp| stamp.modified).max().and_then(milliseconds),
            label: json(&described.parts.description.label),
            pages: pages as u64,
            picture: first_picture(object),
            body: json(&described.parts).into_bytes(),
            listed_in: described.parts.description.collections.clone(),
        };
        self.put(found, &object.identifier)
    }

    /// Puts an item; one whose identifier another has takes its path for a name.
    fn put(&mut self, mut found: Found, path: &Identifier) -> Result<(), CatalogError> {
        let Outcome::IdentifierTaken { by } = self.sync.put(&found)? else { return Ok(()) };
        self.findings.push(Finding::new(
            Severity::Error,
            "identifier-taken",
            path.as_str(),
            format!("its identifier `{}` is that of `{by}` already", found.identifier),
            "give each its own `id`; until then this one is published under its path",
        ));
        for identifier in [path.as_str().to_owned(), format!("~{path}")] {
            found.identifier = identifier;
            if !matches!(self.sync.put(&found)?, Outcome::IdentifierTaken { .. }) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Described members are rows of their own.
fn without_members(mut description: Description) -> Description {
    description.members.retain(|member| !matches!(member, Member::Described(_)));
    description
}

/// Is this the path of the listed collection, or of one around it?
fn is_around(path: &str, listed: &str) -> bool {
    listed.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn first_picture(object: &Object) -> Option<String> {
    let picture = object.files.iter().find(|file| file.media == Media::Image)?;
    Some(picture.identifier.as_str().to_owned())
}

fn sort_key(label: &str) -> Vec<u8> {
    NaturalKey::new(label).into_bytes()
}

fn milliseconds(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// A model of strings, numbers and lists can always be written.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
