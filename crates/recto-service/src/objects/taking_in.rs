//! Takes what was seen in the library into the catalogue: reads what is said about new and changed things, and about
//! nothing else.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Instant, SystemTime};

use recto_catalog::{Catalog, CatalogError, Fingerprint, Found, ItemKind, Outcome, Sync, Tally};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;
use recto_ingest::build::ObjectParts;
use recto_ingest::description::{Description, Kind, Member};
use recto_ingest::natural::NaturalKey;
use recto_ingest::{Collection, DescribedCollection, Describer, Finding, Library, Media, Object, Severity, Tree};
use xxhash_rust::xxh3::xxh3_128;

use super::facts;

/// What a pass over the library came to.
#[derive(Debug, Default)]
pub struct TakenIn {
    /// How many items met which fate.
    pub tally: Tally,
    /// What was noticed about things that are new or changed.
    pub findings: Vec<Finding>,
    /// Paths of objects whose files are others than those that were looked into.
    pub stale: Vec<String>,
}

/// Brings the catalogue to what was seen.
///
/// # Errors
/// When the database fails. What was taken in before stays, and the next pass goes on from there.
pub fn take_in(catalog: &Catalog, library: &Library, tree: &Tree) -> Result<TakenIn, CatalogError> {
    let began = Instant::now();
    // Collections that exist by lists alone are put at the end of the pass if anything is still listed in them.
    let is_there = |path: &str, kind: ItemKind| {
        let found = match kind {
            ItemKind::Manifest => tree.object(&Identifier::new(path)).is_some(),
            ItemKind::Collection => path.is_empty() || tree.collection(&Identifier::new(path)).is_some(),
        };
        found || tree.may_hold(path)
    };
    let mut pass = Pass {
        catalog,
        stale: Vec::new(),
        sync: catalog.sync(&is_there)?,
        describer: Describer::new(library, tree),
        tree,
        findings: tree.findings().to_vec(),
        described: HashMap::new(),
        lists: Lists::default(),
        paths: HashSet::new(),
    };
    pass.read_lists();
    for collection in tree.collections() {
        pass.collection(collection)?;
    }
    for object in tree.objects() {
        pass.object(object)?;
    }
    pass.listed_collections(&catalog.listed_collections()?)?;
    let Pass { sync, mut findings, describer, stale, .. } = pass;
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
    Ok(TakenIn { tally, findings, stale })
}

struct Pass<'a> {
    catalog: &'a Catalog,
    stale: Vec<String>,
    sync: Sync<'a>,
    describer: Describer<'a>,
    tree: &'a Tree,
    findings: Vec<Finding>,
    /// What is said about collections with descriptions that may list others.
    described: HashMap<&'a Identifier, DescribedCollection>,
    lists: Lists,
    /// Where described things without files of their own were put.
    paths: HashSet<String>,
}

/// What descriptions of collections list of the library.
#[derive(Debug, Default)]
struct Lists {
    /// Things that lie elsewhere: the collections in which they are listed as well.
    listed: HashMap<(String, ItemKind), BTreeSet<String>>,
    /// Things that lie in the very collection that lists them: their places in its list.
    places: HashMap<(String, ItemKind), u64>,
}

impl Lists {
    /// Adds to an item what lists say about it. What is said there is part of its state.
    fn apply(&self, found: &mut Found) {
        let key = (found.path.clone(), found.kind);
        let (listed, place) = (self.listed.get(&key), self.places.get(&key));
        if listed.is_none() && place.is_none() {
            return;
        }
        found.signature = self.signature(&key, found.signature);
        for collection in listed.into_iter().flatten() {
            if !found.listed_in.contains(collection) {
                found.listed_in.push(collection.clone());
            }
        }
        if let Some(place) = place {
            found.sort = sort_at(*place);
        }
    }

    fn signature(&self, key: &(String, ItemKind), own: Fingerprint) -> Fingerprint {
        let (listed, place) = (self.listed.get(key), self.places.get(key));
        if listed.is_none() && place.is_none() {
            return own;
        }
        let said = json(&(own.0.to_string(), listed, place));
        Fingerprint(xxh3_128(said.as_bytes()))
    }
}

impl<'a> Pass<'a> {
    /// Where a collection lies in the catalogue: the root at the empty path, whatever it is called.
    fn path(&self, collection: &Collection) -> String {
        match self.tree.parent(collection) {
            Some(_) => collection.identifier.as_str().to_owned(),
            None => String::new(),
        }
    }

    /// Reads the descriptions of collections that may list things. What a finding aid describes has no files by which it could be
    /// seen that it is still there, and what lies elsewhere does not know that it is listed.
    fn read_lists(&mut self) {
        let tree = self.tree;
        let has_records = |collection: &&Collection| {
            collection.sides.iter().any(|side| side.name.to_ascii_lowercase().ends_with(".xml"))
        };
        for collection in tree.collections().iter().filter(has_records) {
            let described = self.describer.collection(collection);
            let path = self.path(collection);
            self.read_list(&described.description.members, &path);
            self.described.insert(&collection.identifier, described);
        }
    }

    fn read_list(&mut self, members: &[Member], at: &str) {
        for (member, number) in members.iter().zip(1..) {
            match member {
                Member::Here { path, kind } => {
                    let kind = item_kind(*kind);
                    if self.parent(path, kind).is_some_and(|parent| parent == at) {
                        self.lists.places.entry((path.clone(), kind)).or_insert(number);
                    } else {
                        self.lists.listed.entry((path.clone(), kind)).or_default().insert(at.to_owned());
                    }
                }
                Member::Described(inner) => self.read_list(&inner.members, &described_path(at, number)),
                Member::Remote { .. } | Member::Source { .. } => {}
            }
        }
    }

    /// Where the collection lies in the catalogue that holds a thing of the tree.
    fn parent(&self, path: &str, kind: ItemKind) -> Option<String> {
        let identifier = Identifier::new(path);
        let parent = match kind {
            ItemKind::Manifest => Some(self.tree.parent_of(self.tree.object(&identifier)?)),
            ItemKind::Collection => self.tree.parent(self.tree.collection(&identifier)?),
        };
        parent.map(|parent| self.path(parent))
    }

    fn collection(&mut self, collection: &'a Collection) -> Result<(), CatalogError> {
        let state = self.describer.collection_state(collection);
        let path = self.path(collection);
        let signature = Fingerprint(state.signature);
        let listed = self.lists.signature(&(path.clone(), ItemKind::Collection), signature);
        let is_current = self.sync.is_current(&path, ItemKind::Collection, listed);
        let described = self.described.remove(&collection.identifier);
        if is_current && described.is_none() {
            return Ok(());
        }
        let described = described.unwrap_or_else(|| self.describer.collection(collection));
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        self.described(&described.description.members, &prefix, &path)?;
        if is_current {
            return Ok(());
        }
        self.findings.extend(described.findings);
        let picture = self.tree.first_object(collection).and_then(first_picture);
        let mut found = Found {
            parent: self.tree.parent(collection).map(|parent| self.path(parent)),
            path,
            identifier: described.identifier.as_str().to_owned(),
            kind: ItemKind::Collection,
            sort: sort_key(described.position, &collection.label),
            signature,
            content: Fingerprint(state.content),
            modified_ms: None,
            label: json(&described.description.label),
            pages: 0,
            picture,
            body: json(&without_members(described.description.clone())).into_bytes(),
            listed_in: described.description.collections,
            has_annotations: false,
        };
        self.lists.apply(&mut found);
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
            // The root lies at the empty path.
            let is_there = path.is_empty() || self.tree.collection(&Identifier::new(path)).is_some();
            if is_there || self.paths.contains(path) {
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
                sort: sort_key(None, name),
                signature,
                content: signature,
                modified_ms: None,
                label: json(&description.label),
                pages: 0,
                picture: None,
                body: json(&description).into_bytes(),
                listed_in: Vec::new(),
                has_annotations: false,
            };
            self.put(found, &Identifier::new(path))?;
        }
        Ok(())
    }

    /// Things that a collection's own files describe, such as the components of a finding aid.
    fn described(&mut self, members: &[Member], prefix: &str, parent: &str) -> Result<(), CatalogError> {
        for (member, number) in members.iter().zip(1..) {
            let Member::Described(description) = member else { continue };
            let path = described_path(parent, number);
            let is_object = description.kind.map_or(!description.pages.is_empty(), |kind| kind == Kind::Manifest);
            let kind = if is_object { ItemKind::Manifest } else { ItemKind::Collection };
            let body = match kind {
                ItemKind::Collection => json(&without_members(Description::clone(description))),
                ItemKind::Manifest => json(&ObjectParts::described(prefix, Description::clone(description), self.tree)),
            };
            let signature = Fingerprint(xxh3_128(body.as_bytes()));
            let found = Found {
                identifier: description.id.clone().unwrap_or_else(|| path.clone()),
                parent: Some(parent.to_owned()),
                kind,
                sort: number.to_be_bytes().to_vec(),
                signature,
                content: signature,
                modified_ms: None,
                label: json(&description.label),
                pages: description.pages.len() as u64,
                picture: None,
                body: body.into_bytes(),
                listed_in: description.collections.clone(),
                has_annotations: false,
                path: path.clone(),
            };
            self.put(found, &Identifier::new(path.as_str()))?;
            self.paths.insert(path.clone());
            self.described(&description.members, prefix, &path)?;
        }
        Ok(())
    }

    fn object(&mut self, object: &'a Object) -> Result<(), CatalogError> {
        let state = self.describer.state(object);
        let path = object.identifier.as_str();
        let signature = Fingerprint(state.signature);
        let listed = self.lists.signature(&(path.to_owned(), ItemKind::Manifest), signature);
        if self.sync.is_current(path, ItemKind::Manifest, listed) {
            return Ok(());
        }
        let described = self.describer.object(object);
        self.findings.extend(described.findings);
        let before = self.catalog.item_at(path, ItemKind::Manifest)?.and_then(|item| item.facts);
        let before = before.map(|facts| facts::earlier(&facts, &described.parts));
        let pages = before.as_ref().map_or(described.parts.page_count() as u64, |before| before.pages);
        if before.is_some_and(|before| before.is_stale) {
            self.stale.push(path.to_owned());
        }
        let newest = object.files.iter().map(|file| file.stamp).chain(object.sides.iter().map(|side| side.stamp));
        let mut found = Found {
            path: path.to_owned(),
            identifier: described.identifier.as_str().to_owned(),
            parent: Some(self.path(self.tree.parent_of(object))),
            kind: ItemKind::Manifest,
            sort: sort_key(described.position, &object.label),
            signature,
            content: Fingerprint(state.content),
            modified_ms: newest.filter_map(|stamp| stamp.modified).max().and_then(milliseconds),
            label: json(&described.parts.description.label),
            pages,
            picture: first_picture(object),
            body: json(&described.parts).into_bytes(),
            listed_in: described.parts.description.collections.clone(),
            has_annotations: !described.parts.annotations.is_empty(),
        };
        self.lists.apply(&mut found);
        self.put(found, &object.identifier)
    }

    /// Puts an item; one whose identifier another has takes its path for a name.
    fn put(&mut self, mut found: Found, path: &Identifier) -> Result<(), CatalogError> {
        let Outcome::IdentifierTaken { by } = self.sync.put(&found)? else { return Ok(()) };
        let finding = if by.is_empty() {
            let message = format!(
                "its name `{}` is that of the whole library already; it is published as `~{path}`",
                found.identifier
            );
            Finding::new(
                Severity::Warning,
                "identifier-taken",
                path.as_str(),
                message,
                "give it an `id` of its own in its `recto.yml`",
            )
        } else {
            Finding::new(
                Severity::Error,
                "identifier-taken",
                path.as_str(),
                format!("its identifier `{}` is that of `{by}` already", found.identifier),
                "give each its own `id`; until then this one is published under its path",
            )
        };
        self.findings.push(finding);
        for identifier in [path.as_str().to_owned(), format!("~{path}")] {
            found.identifier = identifier;
            if !matches!(self.sync.put(&found)?, Outcome::IdentifierTaken { .. }) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Where something lies in the catalogue that the collection at `parent` describes as its member of this number.
fn described_path(parent: &str, number: u64) -> String {
    format!("{parent}/~{number}").trim_start_matches('/').to_owned()
}

const fn item_kind(kind: Kind) -> ItemKind {
    match kind {
        Kind::Manifest => ItemKind::Manifest,
        Kind::Collection => ItemKind::Collection,
    }
}

/// Members of the library are rows of their own.
fn without_members(mut description: Description) -> Description {
    description.members.retain(|member| matches!(member, Member::Remote { .. }));
    description
}

fn first_picture(object: &Object) -> Option<String> {
    let picture = object.files.iter().find(|file| file.media == Media::Image)?;
    Some(picture.identifier.as_str().to_owned())
}

fn sort_key(position: Option<u32>, label: &str) -> Vec<u8> {
    position.map_or_else(|| NaturalKey::new(label).into_bytes(), |position| sort_at(position.into()))
}

/// A place that somebody gave: before everything whose place its name tells.
fn sort_at(place: u64) -> Vec<u8> {
    [&[0; 2][..], &place.to_be_bytes()].concat()
}

fn milliseconds(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// A model of strings, numbers and lists can always be written.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
