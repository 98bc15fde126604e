//! What people wrote about an object, searched like the text of its pages: each annotation is a text of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use recto_iiif::annotation as model;
use recto_iiif::identifier::Identifier;
use recto_iiif::search::{Container, FoundHit, FoundPart, SearchRequest};
use recto_iiif::text::{PageText, TextBlock, TextLine, TextWord};
use recto_iiif::{Dimensions, Rect};
use recto_ingest::build::SiteUrls;
use recto_search::index::{Continuity, Index, IndexBuilder};
use recto_search::page::{Page, encode};
use recto_search::search;
use serde_json::Value;

use super::objects::Searched;
use super::{Asked, CONTEXT_WORDS, SearchService};
use crate::text::CanvasLayout;
use crate::{AnnotationError, ServiceError};

/// The annotations of an object, ready to be searched.
#[derive(Debug)]
pub(super) struct AnnotationTexts {
    index: Index,
    blobs: Vec<Bytes>,
    written: Vec<Written>,
    bytes: usize,
}

/// One annotation.
#[derive(Debug)]
struct Written {
    json: Value,
    id: String,
    /// Where it is in the object, in its order; never empty.
    spots: Vec<Spot>,
}

/// One of the places that an annotation is about.
#[derive(Debug)]
struct Spot {
    /// The place of its canvas in the object.
    canvas: usize,
    /// URI of the canvas.
    uri: String,
    size: Option<Dimensions>,
    area: Option<Rect>,
    time_s: Option<(f64, f64)>,
}

/// What the texts of an object's annotations depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    row: i64,
    /// The version of the object's text, and so of its canvases: an annotation about one that is gone is not found any more.
    text: i64,
    /// The last change of any annotation about the object.
    sequence: u64,
    base: String,
}

pub(super) fn cache() -> moka::sync::Cache<Key, Arc<AnnotationTexts>> {
    moka::sync::Cache::builder()
        .max_capacity(160 << 20)
        .weigher(|_: &Key, texts: &Arc<AnnotationTexts>| u32::try_from(texts.bytes).unwrap_or(u32::MAX))
        .build()
}

/// Hits in what people wrote about an object, in the order of canvases. Which they are is known; what they say is read when it is asked for.
#[derive(Default)]
pub(super) struct Notes {
    texts: Option<Arc<AnnotationTexts>>,
    matches: search::Matches,
    container: Option<Container>,
    may_read: Vec<bool>,
    places: Vec<NotePlace>,
}

/// A hit before it is read.
#[derive(Clone, Copy)]
struct NotePlace {
    /// The place of its first canvas that may be read.
    canvas: usize,
    /// Which annotation.
    written: usize,
    /// Which match; `None` where nothing was asked for but what is written.
    matched: Option<usize>,
}

impl Notes {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of the first canvas of a hit.
    pub(super) fn canvas(&self, at: usize) -> Option<usize> {
        self.places.get(at).map(|place| place.canvas)
    }

    /// Are two hits in one annotation? Such hits follow each other.
    pub(super) fn is_same(&self, one: usize, other: usize) -> bool {
        let written = |at: usize| self.places.get(at).map(|place| place.written);
        written(one).is_some() && written(one) == written(other)
    }

    /// Keeps those of which a canvas is meant.
    pub(super) fn retain(&mut self, is_meant: impl Fn(usize) -> bool) {
        let Some(texts) = &self.texts else { return };
        let may_read = &self.may_read;
        self.places.retain(|place| {
            let spots = texts.written.get(place.written).map_or(&[][..], |written| &written.spots);
            spots.iter().any(|spot| may_read.get(spot.canvas) != Some(&false) && is_meant(spot.canvas))
        });
    }

    /// A hit with what it says and where.
    pub(super) fn hit(&self, at: usize) -> Option<FoundHit> {
        let (texts, place) = (self.texts.as_ref()?, self.places.get(at)?);
        let hit = match place.matched {
            None => search::Hit::default(),
            Some(matched) => {
                let blob = |page: u32| texts.blobs.get(page as usize).cloned();
                let range = matched..matched + 1;
                search::locate(&texts.index, &self.matches, range, &blob, CONTEXT_WORDS).into_iter().next()?
            }
        };
        Some(texts.written.get(place.written)?.found(hit, self.container.as_ref(), &self.may_read))
    }
}

impl SearchService {
    /// Hits in the annotations of an object.
    pub(super) fn annotation_hits(
        &self,
        asked: &Asked,
        searched: &Searched,
        container: Option<&Container>,
    ) -> Result<Notes, ServiceError> {
        let Some(texts) = self.annotation_texts(asked, searched)? else { return Ok(Notes::default()) };
        let may_read: Vec<bool> =
            searched.text.canvases().map(|canvas| self.objects.may_read_text(&canvas, &asked.caller).is_ok()).collect();
        let admitted: Vec<u32> = texts
            .written
            .iter()
            .zip(0u32..)
            .filter(|(written, _)| admits(&asked.request, &written.json))
            .map(|(_, page)| page)
            .collect();
        let place = |written: usize, matched: Option<usize>| {
            let canvas = texts.written.get(written)?.first_canvas(&may_read)?;
            Some(NotePlace { canvas, written, matched })
        };
        let (matches, mut places): (_, Vec<NotePlace>) = if asked.request.q.is_empty() {
            let all = admitted.iter().filter_map(|page| place(*page as usize, None)).collect();
            (search::Matches::default(), all)
        } else {
            let scope = search::Scope::of_pages(admitted);
            let matches = search::find(&texts.index, &asked.query, Some(&scope));
            let spans = matches.spans().iter().enumerate();
            let places = spans.filter_map(|(at, span)| place(texts.index.page_of(span.start) as usize, Some(at)));
            let places = places.collect();
            (matches, places)
        };
        places.sort_by_key(|place| place.canvas);
        Ok(Notes { texts: Some(texts), matches, container: container.cloned(), may_read, places })
    }

    /// Terms that people wrote about an object, and that begin as asked.
    pub(super) fn annotation_terms(
        &self,
        asked: &Asked,
        searched: &Searched,
    ) -> Result<Vec<search::Term>, ServiceError> {
        let Some(texts) = self.annotation_texts(asked, searched)? else { return Ok(Vec::new()) };
        let scope = searched.scope();
        let pages = texts.written.iter().zip(0u32..);
        let pages = pages.filter(|(written, _)| admits(&asked.request, &written.json));
        let pages = pages.filter(|(written, _)| {
            scope.is_none_or(|scope| written.spots.iter().any(|spot| scope.contains(spot.canvas as u32)))
        });
        let pages = search::Scope::of_pages(pages.map(|(_, page)| page));
        Ok(search::complete(&texts.index, &asked.request.q, Some(&pages), 1, usize::MAX))
    }

    /// Objects about which somebody has written, by their names.
    pub(super) fn annotated(&self) -> Result<HashSet<String>, ServiceError> {
        match &self.annotations {
            Some(desk) => desk.annotated().map_err(failed),
            None => Ok(HashSet::new()),
        }
    }

    /// The texts of the annotations of an object that the caller may read; `None` where there are none.
    fn annotation_texts(
        &self,
        asked: &Asked,
        searched: &Searched,
    ) -> Result<Option<Arc<AnnotationTexts>>, ServiceError> {
        let Some(desk) = &self.annotations else { return Ok(None) };
        let Searched { row, identifier, text, .. } = searched;
        if !desk.may_read(&asked.caller, identifier) {
            return Ok(None);
        }
        let sequence = desk.last_change_of(*row, identifier).map_err(failed)?;
        if sequence == 0 {
            return Ok(None);
        }
        let key = Key { row: *row, text: text.version(), sequence, base: asked.urls.base().to_owned() };
        if let Some(known) = self.annotation_texts.get(&key) {
            return Ok(Some(known));
        }
        let annotations = desk.of_object(*row, identifier, &asked.urls).map_err(failed)?;
        let canvases: Vec<CanvasLayout> = text.canvases().collect();
        let Some(texts) = read(annotations, identifier, &canvases, &asked.urls).map(Arc::new) else { return Ok(None) };
        self.annotation_texts.insert(key, Arc::clone(&texts));
        Ok(Some(texts))
    }
}

fn failed(error: AnnotationError) -> ServiceError {
    if let AnnotationError::Service(error) = error {
        return error;
    }
    tracing::error!(%error, "annotations cannot be searched");
    ServiceError::NotReady
}

/// May an annotation be in the answer?
fn admits(request: &SearchRequest, annotation: &Value) -> bool {
    let motivations = model::motivations(annotation);
    let mut motivations: Vec<&str> = motivations.iter().map(String::as_str).collect();
    if motivations.is_empty() {
        // So it is given out, for Presentation 3.0 demands one.
        motivations.push("commenting");
    }
    let creators = model::creators(annotation);
    let creators: Vec<&str> = creators.iter().filter_map(|creator| creator.id.as_deref()).collect();
    request.admits_motivations(&motivations)
        && request.admits_date(model::created(annotation))
        && request.admits_users(&creators)
}

fn read(
    annotations: Vec<Value>,
    object: &Identifier,
    canvases: &[CanvasLayout],
    urls: &SiteUrls,
) -> Option<AnnotationTexts> {
    let places: HashMap<&str, usize> =
        canvases.iter().enumerate().map(|(place, canvas)| (canvas.name.as_str(), place)).collect();
    let mut builder = IndexBuilder::new(Continuity::Separate, None, true);
    let (mut blobs, mut written, mut bytes) = (Vec::new(), Vec::new(), 0);
    for json in annotations {
        let Some(one) = Written::of(json, object, &places, canvases, urls) else { continue };
        let Ok(blob) = encode(&text(&one.json)) else { continue };
        let Ok(page) = Page::decode(&blob) else { continue };
        builder.add(&page);
        bytes += blob.len() + one.json.to_string().len() * 3;
        blobs.push(Bytes::from(blob));
        written.push(one);
    }
    // So many words as an index cannot hold are not written by people.
    let index = builder.finish().ok().and_then(|blob| Index::open(Bytes::from(blob)).ok())?;
    Some(AnnotationTexts { index, blobs, written, bytes })
}

/// The words of an annotation's bodies, a line a body.
fn text(annotation: &Value) -> PageText {
    let line = |body: model::BodyText| TextLine {
        language: body.language,
        words: body
            .text
            .split_whitespace()
            .map(|word| TextWord { text: word.to_owned(), ..TextWord::default() })
            .collect(),
        ..TextLine::default()
    };
    let lines = model::text(annotation).into_iter().map(line).filter(|line| !line.words.is_empty()).collect();
    PageText { size: None, language: None, blocks: vec![TextBlock { lines, ..TextBlock::default() }] }
}

impl Written {
    /// An annotation with its targets on canvases of the object; `None` for one about something else.
    fn of(
        json: Value,
        object: &Identifier,
        places: &HashMap<&str, usize>,
        canvases: &[CanvasLayout],
        urls: &SiteUrls,
    ) -> Option<Self> {
        let id = json.get("id")?.as_str()?.to_owned();
        let spot = |target: model::TargetOn| {
            let (of, name) = urls.parse_canvas(&target.source)?;
            let canvas = *places.get(name.as_str()).filter(|_| of == *object)?;
            let size = canvases.get(canvas).map(CanvasLayout::size).filter(|size| !size.is_empty());
            Some(Spot::of(target, canvas, size))
        };
        let spots: Vec<Spot> = model::targets(&json).into_iter().filter_map(spot).collect();
        (!spots.is_empty()).then_some(Self { json, id, spots })
    }

    /// The place of the first canvas that may be read; `None` where none may.
    fn first_canvas(&self, may_read: &[bool]) -> Option<usize> {
        self.spots.iter().map(|spot| spot.canvas).filter(|canvas| may_read.get(*canvas) != Some(&false)).min()
    }

    /// A hit with all places of the annotation that the caller may read.
    fn found(&self, hit: search::Hit, container: Option<&Container>, may_read: &[bool]) -> FoundHit {
        let (before, after) = within(&self.json, &hit.before, &hit.exact, &hit.after);
        let spots = self.spots.iter().filter(|spot| may_read.get(spot.canvas) != Some(&false));
        let part = |spot: &Spot| FoundPart {
            canvas_size: spot.size,
            area: spot.area,
            time_s: spot.time_s,
            part_of: container.cloned(),
            ..FoundPart::new(self.id.clone(), spot.uri.clone(), hit.exact.clone())
        };
        let parts = spots.map(part).collect();
        FoundHit { before, exact: hit.exact, after, parts, annotation: Some(self.json.clone()) }
    }
}

impl Spot {
    fn of(target: model::TargetOn, canvas: usize, size: Option<Dimensions>) -> Self {
        let percent = target.percent.zip(size).map(|(region, size)| {
            let part =
                |percent: f64, of: u32| (percent * f64::from(of) / 100.0).round().clamp(0.0, f64::from(of)) as u32;
            Rect {
                x: part(region.x, size.width_px),
                y: part(region.y, size.height_px),
                w: part(region.w, size.width_px).max(1),
                h: part(region.h, size.height_px).max(1),
            }
        });
        let area = target.region.or(percent);
        let time_s = target.time.map(|time| (time.start, time.end.unwrap_or(time.start)));
        Self { canvas, uri: target.source, size, area, time_s }
    }
}

/// So much of the text before and after a match as stands in a body letter by letter, as Content Search 2.0 §5.2 wants it: tags and
/// white space of a body are not in the text that is searched.
fn within(annotation: &Value, before: &str, exact: &str, after: &str) -> (String, String) {
    let values: Vec<&str> = match &annotation["body"] {
        Value::Array(bodies) => bodies.iter().filter_map(value).collect(),
        body => value(body).into_iter().collect(),
    };
    let stands = |text: &str| values.iter().any(|value| value.contains(text));
    let mut before = before;
    while !before.is_empty() && !stands(&format!("{before}{exact}")) {
        before = shorter(before);
    }
    let mut after = after;
    while !after.is_empty() && !stands(&format!("{before}{exact}{after}")) {
        after = shorter_behind(after);
    }
    (before.to_owned(), after.to_owned())
}

fn value(body: &Value) -> Option<&str> {
    body.as_str().or_else(|| body.get("value")?.as_str())
}

/// Without its first word.
fn shorter(text: &str) -> &str {
    let behind = text.char_indices().skip(1).skip_while(|(_, letter)| !letter.is_whitespace());
    behind.map(|(at, _)| &text[at..]).next().filter(|rest| !rest.trim().is_empty()).unwrap_or_default()
}

/// Without its last word.
fn shorter_behind(text: &str) -> &str {
    let trimmed = text.trim_end();
    trimmed.rfind(char::is_whitespace).map_or("", |at| &trimmed[..at])
}
