//! Annotations that lie in files beside the objects, in folders `annotations/`: kept as the files are, and changed nowhere else.
//!
//! Those of each object have a container of their own, so that everything that knows annotations knows them too: the pages of canvases,
//! search, the protocol. They are named by what they say: what stays as it is keeps its name, whatever else is in its file.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use recto_catalog::annotations::{Change, Content, Deed, Expected, Lookup, NameWanted, Query, Scope};
use recto_iiif::annotation::{self as model, AcceptOptions, StoreAs};
use recto_iiif::discovery::Timestamp;
use recto_iiif::identifier::Identifier;
use recto_ingest::build::{ObjectParts, Source, plan};
use recto_ingest::editorial::read_annotations;
use recto_ingest::{Finding, Severity};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::{AnnotationError, Desk, addresses};
use crate::objects::{Inner, ObjectService, ObjectView, blocking, parts};
use crate::policy::Caller;
use crate::{ImageService, Item};

/// What the names of these containers begin with; the name of the object follows. No slug can hold the colon.
const BESIDE: &str = "files:";
/// Who wrote what is in files, in the history of the store.
const WHO: &str = "files";
/// Pause between looks for changes.
const PAUSE: Duration = Duration::from_millis(300);
/// Longest pause, when something stands in the way.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest file that is read.
const MOST_BYTES: u64 = 64 << 20;
/// Changes that are written in one transaction.
const AT_ONCE: usize = 1000;
/// Rows of objects, or annotations, that are read at once.
const ROWS: u64 = 4096;

/// The object whose files a container holds.
pub(super) fn object_of(container: &str) -> Option<&str> {
    container.strip_prefix(BESIDE)
}

fn container_of(object: &str) -> String {
    format!("{BESIDE}{object}")
}

/// Goes on until the service is gone.
pub(super) async fn keep(inner: Weak<Inner>, desk: Arc<Desk>) {
    let (mut done, mut seen, mut pause) = (None, HashMap::new(), PAUSE);
    loop {
        {
            let Some(inner) = inner.upgrade() else { return };
            let objects = ObjectService { inner };
            let generation = objects.generation();
            if done != Some(generation) {
                match keep_all(&objects, &desk, &mut seen).await {
                    Ok(()) => (done, pause) = (Some(generation), PAUSE),
                    Err(error) => {
                        tracing::warn!("annotations beside objects could not be kept, and are read again: {error}");
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// What an object with such files was when they were read, by its row: its state, its path, and its name.
type Seen = HashMap<i64, (u128, String, String)>;

/// Brings the containers to what lies beside the objects.
async fn keep_all(objects: &ObjectService, desk: &Arc<Desk>, seen: &mut Seen) -> Result<(), AnnotationError> {
    let (mut behind, mut there) = (0, HashSet::new());
    loop {
        let catalog = Arc::clone(objects.catalog());
        let rows = blocking(move || Ok(catalog.annotated_object_states(behind, ROWS)?)).await?;
        let Some(last) = rows.last() else { break };
        behind = last.row;
        for row in rows {
            there.insert(row.row);
            if seen.get(&row.row).is_some_and(|(state, path, _)| *state == row.signature.0 && *path == row.path) {
                continue;
            }
            let catalog = Arc::clone(objects.catalog());
            let Some(item) = blocking(move || Ok(catalog.item_of_row(row.row)?)).await? else { continue };
            let name = item.identifier.clone();
            let beside = objects.annotations_beside(item.clone()).await?;
            for finding in &beside.findings {
                tracing::info!(place = %finding.place, line = finding.line, rule = finding.rule, "{}", finding.message);
            }
            // What cannot be read now is not gone.
            if beside.is_whole {
                let desk = Arc::clone(desk);
                on_the_disk(move || desk.keep_beside(&item, beside.annotations)).await?;
            }
            let state = if beside.is_whole { row.signature.0 } else { 0 };
            seen.insert(row.row, (state, row.path, name));
        }
    }
    seen.retain(|row, _| there.contains(row));
    let names: HashSet<String> = seen.values().map(|(_, _, name)| name.clone()).collect();
    let desk = Arc::clone(desk);
    on_the_disk(move || desk.forget_beside(&names)).await
}

async fn on_the_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AnnotationError> + Send + 'static,
) -> Result<T, AnnotationError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(crate::ServiceError::Panicked.into()))
}

impl ObjectService {
    /// The annotations in the files beside an object, about its canvases as they are kept, and what is the matter with the files.
    ///
    /// # Errors
    /// When the object cannot be looked into now.
    pub(crate) async fn annotations_beside(&self, item: Item) -> Result<Beside, crate::ServiceError> {
        if parts(&item).annotations.is_empty() {
            return Ok(Beside { is_whole: true, ..Beside::default() });
        }
        let view = self.view(item, &Caller::default()).await?;
        let images = self.inner.images.clone();
        blocking(move || Ok(read(&view, &images))).await
    }
}

/// What lies in the files beside an object.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// The annotations, about canvases as they are kept.
    annotations: Vec<Value>,
    /// What is the matter with the files.
    pub(crate) findings: Vec<Finding>,
    /// Could every file be read?
    is_whole: bool,
}

fn read(view: &ObjectView, images: &ImageService) -> Beside {
    let pages = Pages::of(&view.parts, view);
    let canvas_of = |name: &str| pages.names.get(name).cloned();
    let (mut annotations, mut findings, mut is_whole) = (Vec::new(), Vec::new(), true);
    for name in &view.parts.annotations {
        let place = format!("{}{name}", view.parts.prefix);
        let mut wrong = |message: String, fix: &str| {
            findings.push(Finding::new(Severity::Error, "annotation", &place, message, fix));
        };
        let file = images.open_blocking(&Identifier::new(&*place)).map_err(|error| error.to_string());
        if file.as_ref().is_ok_and(|file| file.length > MOST_BYTES) {
            is_whole = false;
            let message = format!("the file is larger than {} MB and was not read", MOST_BYTES >> 20);
            wrong(message, "divide it into several");
            continue;
        }
        let bytes = match file.and_then(|file| file.read(0, MOST_BYTES as usize).map_err(|error| error.to_string())) {
            Ok(bytes) => bytes,
            Err(error) => {
                is_whole = false;
                wrong(format!("it cannot be read ({error})"), "check that the server may read it");
                continue;
            }
        };
        let (found, noticed) = read_annotations(name, &place, &bytes);
        findings.extend(noticed);
        // What cannot be read as it is now stays as it was.
        is_whole &= found.is_some();
        for annotation in found.unwrap_or_default() {
            match annotation.with_canvases(&canvas_of) {
                Ok(mut json) => {
                    addresses::rewrite(&mut json, &|uri| pages.kept(uri));
                    annotations.push(json);
                }
                Err(unknown) => findings.push(Finding::new(
                    Severity::Error,
                    "annotation",
                    &place,
                    format!("{}: no page is named `{}`", annotation.place, unknown.name),
                    "write the name of its file, or its label",
                )),
            }
        }
    }
    Beside { annotations, findings, is_whole }
}

/// The canvases of an object by everything that people call its pages, as addresses that are kept.
struct Pages {
    object: Identifier,
    /// Names in URLs, names of files with and without extension, labels. What several would be called is the first of them.
    names: HashMap<String, String>,
    /// URIs that the canvases of a manifest had which somebody made.
    made: HashMap<String, String>,
}

impl Pages {
    fn of(parts: &ObjectParts, view: &ObjectView) -> Self {
        let object = Identifier::new(&*view.item.identifier);
        let mut pages = Self { object, names: HashMap::new(), made: HashMap::new() };
        match &parts.made {
            Some(made) => pages.add_made(made),
            None => pages.add_plans(parts, view),
        }
        pages
    }

    fn add(&mut self, name: &str, canvas: &str) {
        self.names.entry(name.to_owned()).or_insert_with(|| canvas.to_owned());
    }

    fn add_made(&mut self, made: &Value) {
        let canvases: Vec<(&Value, String)> = made["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|canvas| {
                let id = canvas["id"].as_str()?;
                let name = Identifier::parse_encoded(id.rsplit('/').next()?).ok()?;
                let kept = addresses::canvas(&self.object, &name);
                self.made.insert(id.to_owned(), kept.clone());
                self.names.entry(name.as_str().to_owned()).or_insert_with(|| kept.clone());
                Some((canvas, kept))
            })
            .collect();
        for (canvas, kept) in &canvases {
            let bodies = canvas["items"].as_array().into_iter().flatten();
            let bodies = bodies.flat_map(|page| page["items"].as_array().into_iter().flatten());
            for file in bodies.filter_map(|annotation| annotation["body"]["id"].as_str()) {
                self.add(file, kept);
            }
        }
        for (canvas, kept) in &canvases {
            let labels = canvas["label"].as_object().into_iter().flat_map(|label| label.values());
            for label in labels.flat_map(|texts| texts.as_array().into_iter().flatten()).filter_map(Value::as_str) {
                self.add(label, kept);
            }
        }
    }

    fn add_plans(&mut self, parts: &ObjectParts, view: &ObjectView) {
        let plans = plan(parts, &parts.prefix, &view.facts);
        let canvases: Vec<String> =
            plans.iter().map(|plan| addresses::canvas(&self.object, &Identifier::new(&*plan.name))).collect();
        // A page of a file of several is called as its image is.
        let images = |place: usize| {
            plans[place].painted.iter().filter_map(|painted| match &painted.source {
                Source::File { image, .. } => image.as_str().strip_prefix(parts.prefix.as_str()),
                _ => None,
            })
        };
        for (plan, canvas) in plans.iter().zip(&canvases) {
            self.add(&plan.name, canvas);
        }
        for (place, canvas) in canvases.iter().enumerate() {
            images(place).for_each(|image| self.add(image, canvas));
        }
        for (place, canvas) in canvases.iter().enumerate() {
            images(place).filter_map(|image| image.rsplit_once('.')).for_each(|(stem, _)| self.add(stem, canvas));
        }
        for (plan, canvas) in plans.iter().zip(&canvases) {
            plan.label.iter().flat_map(|(_, labels)| labels).for_each(|label| self.add(label, canvas));
        }
    }

    /// The address of a canvas of this object that is named by its URI on this server, under whatever address that is reached, or by
    /// the one that it has in a manifest that somebody made. A fragment stays.
    fn kept(&self, uri: &str) -> Option<String> {
        let (source, fragment) = uri.split_once('#').map_or((uri, ""), |(source, fragment)| (source, fragment));
        let found = self.made.get(source).cloned().or_else(|| {
            let at = source.find(addresses::PRESENTATION)?;
            let kept = addresses::kept(source, source.get(..at)?);
            (addresses::object(&kept)? == self.object).then_some(kept)
        })?;
        Some(if fragment.is_empty() { found } else { format!("{found}#{fragment}") })
    }
}

impl Desk {
    /// Brings the container of an object to these annotations.
    fn keep_beside(&self, item: &Item, annotations: Vec<Value>) -> Result<(), AnnotationError> {
        let container = container_of(&item.identifier);
        let wanted = self.named(annotations)?;
        if wanted.is_empty() {
            return self.empty_beside(&item.identifier);
        }
        self.store.make_container(&container, "Annotations from files", WHO)?;
        let kept = self.names_in(&container)?;
        let mut changes = Vec::new();
        for (name, content) in &wanted {
            if kept.contains(name) {
                continue;
            }
            let (container, content) = (container.clone(), content.clone());
            let was = self.store.find(&container, name)?;
            changes.push(match was {
                Lookup::Nothing => Change::Create { container, name: NameWanted::Exactly(name.clone()), content },
                Lookup::Annotation(_) | Lookup::Deleted(_) => {
                    let (name, expected, deed) = (name.clone(), Expected::Any, Deed::Restore);
                    Change::Replace { container, name, expected, content, deed }
                }
            });
        }
        let wanted: HashSet<&String> = wanted.iter().map(|(name, _)| name).collect();
        let gone = kept.iter().filter(|name| !wanted.contains(name));
        changes.extend(gone.map(|name| deletion(&container, name)));
        self.write_beside(&changes)
    }

    /// Deletes what is kept of the files of an object.
    fn empty_beside(&self, object: &str) -> Result<(), AnnotationError> {
        let container = container_of(object);
        if self.store.container(&container)?.is_none_or(|container| container.total == 0) {
            return Ok(());
        }
        let kept = self.names_in(&container)?;
        self.write_beside(&kept.iter().map(|name| deletion(&container, name)).collect::<Vec<_>>())
    }

    /// Deletes what is kept of the files of all objects but these.
    fn forget_beside(&self, objects: &HashSet<String>) -> Result<(), AnnotationError> {
        let mut offset = 0;
        loop {
            let containers = self.store.containers(offset, ROWS)?;
            if containers.is_empty() {
                return Ok(());
            }
            offset += containers.len() as u64;
            for container in containers {
                if let Some(object) = object_of(&container.name).filter(|object| !objects.contains(*object)) {
                    self.empty_beside(object)?;
                }
            }
        }
    }

    fn write_beside(&self, changes: &[Change]) -> Result<(), AnnotationError> {
        for changes in changes.chunks(AT_ONCE) {
            for outcome in self.store.write_all(WHO, changes)? {
                if let Err(refusal) = outcome {
                    tracing::warn!("an annotation beside an object is not kept: {refusal}");
                }
            }
        }
        if !changes.is_empty() {
            tracing::info!(changes = changes.len(), "annotations beside an object were brought up to date");
        }
        Ok(())
    }

    fn names_in(&self, container: &str) -> Result<HashSet<String>, AnnotationError> {
        let (mut names, query) = (HashSet::new(), Query::of(Scope::Container(container)));
        loop {
            let found = self.store.list(&query, names.len() as u64, ROWS)?;
            if found.is_empty() {
                return Ok(names);
            }
            names.extend(found.into_iter().map(|stored| stored.name));
        }
    }

    /// Annotations as they are kept, each with the name that its words make; of equal ones the second is another.
    fn named(&self, annotations: Vec<Value>) -> Result<Vec<(String, Content)>, AnnotationError> {
        let mut times: HashMap<u128, u32> = HashMap::new();
        let mut named = Vec::with_capacity(annotations.len());
        let epoch = Timestamp::from_unix_seconds(0).expect("1970 is a year between 1 and 9999");
        for json in annotations {
            let hash = xxh3_128(json.to_string().as_bytes());
            let time = times.entry(hash).or_default();
            *time += 1;
            let name = if *time == 1 { format!("{hash:032x}") } else { format!("{hash:032x}-{time}") };
            let says_when = json.get("created").is_some();
            let annotation = model::Annotation::accept(json, &AcceptOptions::generous())?;
            let stored_as = StoreAs { id: "", creator: None, created: epoch };
            let mut json = model::store_imported(&annotation, &stored_as);
            if let Some(fields) = json.as_object_mut().filter(|_| !says_when) {
                fields.shift_remove("created");
            }
            named.push((name, self.content_as_kept(json, false)?));
        }
        Ok(named)
    }
}

fn deletion(container: &str, name: &str) -> Change {
    Change::Delete { container: container.to_owned(), name: name.to_owned(), expected: Expected::Any }
}
