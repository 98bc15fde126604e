//! Documents of annotations: containers and their pages, one annotation, all of a canvas.

use std::num::{NonZero, NonZeroU64};

use bytes::Bytes;
use recto_catalog::annotations::{Lookup, Query, Scope, Stored};
use recto_iiif::annotation::{self as model, Preference, iiif};
use recto_iiif::discovery::Timestamp;
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::Version;
use recto_ingest::build::SiteUrls;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::addresses::{self, Renamed};
use super::{Annotation, AnnotationError, Desk, Place, container_url};
use crate::ServiceError;
use crate::policy::{Action, Caller};

/// Which annotations of a container are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those made for this reason.
    pub motivation: Option<String>,
    /// Those that this one made.
    pub creator: Option<String>,
    /// Those that last changed at this time or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Those that last changed before this time.
    pub until_ms: Option<i64>,
}

/// What the document of a canvas depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    canvas: String,
    version: Version,
    base: String,
    /// The last change of any annotation of its object, under any of its names.
    sequence: u64,
}

/// The annotations of a canvas as a document.
#[derive(Clone, Debug)]
pub struct CanvasPage {
    /// JSON.
    pub bytes: Bytes,
    /// A strong validator, with its quotes.
    pub etag: String,
}

impl Desk {
    /// All containers, as a container of them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn containers(&self, urls: &SiteUrls) -> Result<Value, AnnotationError> {
        let total = self.store.count_containers()?;
        let all = self.store.containers(0, 10_000)?;
        let contains: Vec<_> =
            all.iter().map(|container| container_url(urls, &Identifier::new(&*container.name))).collect();
        Ok(json!({
            "@context": model::LDP_CONTEXT,
            "id": format!("{}/annotations/", urls.base()),
            "type": "BasicContainer",
            "total": total,
            "contains": contains,
        }))
    }

    /// A container, or one of its pages, as the caller prefers it.
    ///
    /// # Errors
    /// Access denied, no such container or page.
    pub fn container(
        &self,
        name: &Identifier,
        preference: Preference,
        page: Option<u64>,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<(Value, model::Container), AnnotationError> {
        self.allow(caller, Action::ReadAnnotation, name)?;
        let Place { container, label } = self.place(name)?;
        let query = Query { reader: caller.user.as_deref(), ..Query::of(Scope::Container(name.as_str())) };
        let total = if container.is_some() { self.store.count(&query)? } else { 0 };
        let mut document = model::Container::new(container_url(urls, name), total)?;
        document.label = Some(label);
        document.page_size = NonZeroU64::new(self.options.page_size.into()).unwrap_or(document.page_size);
        let modified = container.as_ref().map(|container| container.modified_ms);
        document.modified = modified.and_then(Timestamp::from_unix_milliseconds);
        let Some((start, count)) = document.page_range(page.unwrap_or(0)) else {
            return Err(AnnotationError::NotFound { what: "page", name: page.unwrap_or(0).to_string() });
        };
        let items =
            if page.is_none() && preference.is_minimal { Vec::new() } else { self.list(&query, start, count, urls)? };
        let json = match page {
            None => document.document(preference, &items),
            Some(page) => document.page(preference.contents, page, &items).unwrap_or_default(),
        };
        Ok((json, document))
    }

    fn list(&self, query: &Query<'_>, offset: u64, most: u64, urls: &SiteUrls) -> Result<Vec<Value>, AnnotationError> {
        let found = self.store.list(query, offset, most)?;
        Ok(found.iter().map(|stored| Self::given(stored, urls, &Renamed::default()).json).collect())
    }

    /// Annotations of a container from this one on, in order, for those who take them all.
    ///
    /// # Errors
    /// Access denied, no such container.
    pub fn part(
        &self,
        name: &Identifier,
        filter: &Filter,
        offset: u64,
        most: u64,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Vec<Value>, AnnotationError> {
        self.allow(caller, Action::ReadAnnotation, name)?;
        self.place(name)?;
        let query = Query {
            scope: Scope::Container(name.as_str()),
            motivation: filter.motivation.as_deref(),
            creator: filter.creator.as_deref(),
            from_ms: filter.from_ms,
            until_ms: filter.until_ms,
            reader: None,
        };
        self.list(&query, offset, most, urls)
    }

    /// One annotation.
    ///
    /// # Errors
    /// Access denied, no such annotation, or no longer.
    pub fn annotation(
        &self,
        container: &Identifier,
        name: &Identifier,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Annotation, AnnotationError> {
        Ok(Self::given(&self.stored(container, name, caller)?, urls, &Renamed::default()))
    }

    /// One annotation as it is kept, if the caller may see it.
    pub(super) fn stored(
        &self,
        container: &Identifier,
        name: &Identifier,
        caller: &Caller,
    ) -> Result<Stored, AnnotationError> {
        self.allow(caller, Action::ReadAnnotation, container)?;
        let found = self.store.find(container.as_str(), name.as_str())?;
        Self::visible(found, name.as_str(), caller)
    }

    pub(super) fn visible(found: Lookup, name: &str, caller: &Caller) -> Result<Stored, AnnotationError> {
        let is_hidden = |stored: &Stored| stored.draft && caller.user.as_deref() != Some(&*stored.creator);
        match found {
            Lookup::Annotation(stored) if !is_hidden(&stored) => Ok(stored),
            Lookup::Deleted(stored) if !is_hidden(&stored) => {
                let (name, version) = (stored.name, stored.version);
                Err(recto_catalog::annotations::Refusal::Gone { name, version }.into())
            }
            _ => Err(AnnotationError::NotFound { what: "annotation", name: name.to_owned() }),
        }
    }

    /// The annotation that a client of an older server calls so: by its address, or by the name that it gave itself.
    ///
    /// # Errors
    /// Access denied, no such annotation, or no longer.
    pub fn called(
        &self,
        called: &str,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<(Identifier, Identifier), AnnotationError> {
        let kept = addresses::kept(called, urls.base());
        if let Some((container, name)) = addresses::annotation(&kept) {
            self.stored(&container, &name, caller)?;
            return Ok((container, name));
        }
        let stored = Self::visible(self.store.find_called(&kept)?, called, caller)?;
        let container = Identifier::new(stored.container);
        self.allow(caller, Action::ReadAnnotation, &container)?;
        Ok((container, Identifier::new(stored.name)))
    }

    /// All annotations about something that everybody may see, by any of its addresses.
    ///
    /// # Errors
    /// Access denied.
    pub fn about(&self, uri: &str, urls: &SiteUrls, caller: &Caller) -> Result<Vec<Value>, AnnotationError> {
        // A region of a canvas is asked for as the canvas.
        let uri = uri.split_once("#xywh=").map_or(uri, |(canvas, _)| canvas);
        let source = addresses::kept(uri, urls.base());
        let (sources, renamed) = match addresses::object(&source) {
            None => (vec![source], Renamed::default()),
            Some(object) => {
                self.allow(caller, Action::ReadAnnotation, &object)?;
                let object = self.now_called(&object)?.unwrap_or(object);
                self.allow(caller, Action::ReadAnnotation, &object)?;
                self.all_names(&source, &object)?
            }
        };
        self.all_about(&sources, urls, &renamed)
    }

    /// A part of an object under all names that the object has and had, and how the names of before become that of now.
    fn all_names(&self, source: &str, object: &Identifier) -> Result<(Vec<String>, Renamed), AnnotationError> {
        let Some(item) = self.catalog.manifest(object.as_str())? else {
            return Ok((vec![source.to_owned()], Renamed::default()));
        };
        let before = self.catalog.identifiers_before(item.row)?;
        let (mut renamed, mut back) = (Renamed::default(), Vec::new());
        for before in before.into_iter().map(Identifier::new) {
            renamed.add(&before, object);
            back.push(before);
        }
        let now = renamed.apply(source).unwrap_or_else(|| source.to_owned());
        let mut sources = vec![now.clone()];
        for before in back {
            let mut then = Renamed::default();
            then.add(object, &before);
            sources.extend(then.apply(&now));
        }
        Ok((sources, renamed))
    }

    fn all_about(&self, sources: &[String], urls: &SiteUrls, renamed: &Renamed) -> Result<Vec<Value>, AnnotationError> {
        Ok(self.stored_about(sources)?.iter().map(|stored| Self::given(stored, urls, renamed).json).collect())
    }

    fn stored_about(&self, sources: &[String]) -> Result<Vec<Stored>, AnnotationError> {
        let mut found = Vec::new();
        for source in sources {
            found.extend(self.store.list(&Query::of(Scope::Source(source)), 0, self.options.max_per_canvas)?);
        }
        if sources.len() > 1 {
            // One may be about the canvas under several names.
            found.sort_by(|a, b| (a.created_ms, &a.container, &a.name).cmp(&(b.created_ms, &b.container, &b.name)));
            found.dedup_by(|a, b| a.container == b.container && a.name == b.name);
        }
        Ok(found)
    }

    /// All annotations of a canvas that everybody may see, as the document that a manifest leads to.
    ///
    /// # Errors
    /// Access denied, no such object.
    pub fn canvas(
        &self,
        object: &Identifier,
        name: &Identifier,
        version: Version,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<CanvasPage, AnnotationError> {
        self.allow(caller, Action::ReadAnnotation, object)?;
        let Some(now) = self.now_called(object)? else {
            return Err(AnnotationError::NotFound { what: "object", name: object.as_str().to_owned() });
        };
        // A name that it had before opens nothing that its own does not.
        self.allow(caller, Action::ReadAnnotation, &now)?;
        let (sources, renamed) = self.all_names(&addresses::canvas(&now, name), &now)?;
        let mut sequence = 0;
        for source in &sources {
            if let Some(object) = addresses::object(source) {
                sequence = sequence.max(self.store.last_change_of(object.as_str())?);
            }
        }
        let canvas = sources.first().cloned().unwrap_or_default();
        let key = PageKey { canvas, version, base: urls.base().to_owned(), sequence };
        if let Some(page) = self.pages.get(&key) {
            return Ok(page);
        }
        let segment = version.segment();
        let id = format!(
            "{}/iiif/presentation/{segment}/{}/canvas/{}/annotations",
            urls.base(),
            now.encoded(),
            name.encoded()
        );
        let mut document = iiif::PageWriter::new(version, &id);
        let stored = self.stored_about(&sources)?;
        let write = |some: &[Stored]| {
            let mut part = document.part();
            some.iter().for_each(|stored| part.push(Self::given(stored, urls, &renamed).json));
            part
        };
        for part in in_parts(&stored, write)? {
            document.append(&part);
        }
        // Whoever wants to write finds here where.
        let bytes = Bytes::from(document.finish(Some(&container_url(urls, &now))));
        let page = CanvasPage { etag: format!("\"{:032x}\"", xxh3_128(&bytes)), bytes };
        self.pages.insert(key, page.clone());
        Ok(page)
    }
}

/// Annotations that are worth a thread of their own: some milliseconds of work.
const ANNOTATIONS_A_THREAD: usize = 1000;

/// Does something with all annotations: with many of them on all cores, each having a part. The results are in their order.
fn in_parts<T: Send>(all: &[Stored], work: impl Fn(&[Stored]) -> T + Sync) -> Result<Vec<T>, AnnotationError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let most = all.len().div_ceil(cores).max(ANNOTATIONS_A_THREAD);
    if all.len() <= most {
        return Ok(vec![work(all)]);
    }
    let work = &work;
    std::thread::scope(|scope| {
        let begin = |some| (some, std::thread::Builder::new().spawn_scoped(scope, move || work(some)));
        let running: Vec<_> = all.chunks(most).map(begin).collect();
        let done = running.into_iter().map(|(some, thread)| match thread {
            Ok(thread) => thread.join().map_err(|_| ServiceError::Panicked.into()),
            // The system has no thread left.
            Err(_) => Ok(work(some)),
        });
        done.collect()
    })
}
