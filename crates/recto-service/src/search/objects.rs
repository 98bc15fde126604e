//! One object, or a part of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use recto_iiif::Rect;
use recto_iiif::identifier::Identifier;
use recto_iiif::search::{Container, Found, FoundHit, FoundPart, HitShape, Term, Total, cut_into_pages};
use recto_ingest::build::Urls as _;
use recto_search::query::Query;
use recto_search::search::{self, Hit, Matches};

use super::annotations::Notes;
use super::scope::Part;
use super::{Asked, CONTEXT_WORDS, HITS_A_PAGE, MOST_TERMS, SearchService};
use crate::ServiceError;
use crate::text::{CanvasLayout, ObjectText};

/// The text of an object, and what of it is searched.
pub(super) struct Searched {
    pub(super) row: i64,
    pub(super) identifier: Identifier,
    pub(super) text: Arc<ObjectText>,
    /// The pages; all when `None`.
    scope: Option<search::Scope>,
    /// Parts of pages, by number; all of the others.
    regions: Vec<(u32, Rect)>,
    /// Where there are such parts: the number of each page by the end of its canvas's URI.
    places: HashMap<String, u32>,
}

impl SearchService {
    pub(super) fn search_object(&self, asked: &Asked) -> Result<Found, ServiceError> {
        let Some(searched) = self.searched_part(asked)? else { return Ok(Found::nothing()) };
        self.search_part(asked, &searched)
    }

    fn search_part(&self, asked: &Asked, searched: &Searched) -> Result<Found, ServiceError> {
        let all = self.all_hits(asked, searched, None)?;
        if searched.regions.is_empty() {
            return Ok(all.page(asked, searched));
        }
        let text = searched.hits(asked, &all.matches, 0..all.matches.total(), None);
        let text: Vec<FoundHit> = text.into_iter().filter(|hit| searched.is_within(hit)).collect();
        let text = text.into_iter().map(|hit| (searched.place_of(&hit), hit));
        let mut hits: Vec<(usize, FoundHit)> = text.collect();
        let notes = (0..all.notes.len()).filter_map(|at| Some((all.notes.canvas(at)?, all.notes.hit(at)?)));
        hits.extend(notes.filter(|(_, hit)| searched.is_within(hit)));
        hits.sort_by_key(|(canvas, _)| *canvas);
        let hits: Vec<FoundHit> = hits.into_iter().map(|(_, hit)| hit).collect();
        Ok(Found::page_of(&hits, HITS_A_PAGE, asked.request.page))
    }

    /// Everything that is found in an object: matches in its text, and hits in what people wrote.
    pub(super) fn all_hits(
        &self,
        asked: &Asked,
        searched: &Searched,
        container: Option<&Container>,
    ) -> Result<AllHits, ServiceError> {
        let matches = if asked.request.admits_page_text() { searched.matches(asked) } else { Matches::default() };
        let mut notes = self.annotation_hits(asked, searched, container)?;
        if let Some(scope) = &searched.scope {
            notes.retain(|canvas| scope.contains(canvas as u32));
        }
        Ok(AllHits { matches, notes })
    }

    pub(super) fn complete_in_object(&self, asked: &Asked) -> Result<Vec<Term>, ServiceError> {
        let Some(searched) = self.searched_part(asked)? else { return Ok(Vec::new()) };
        let lists = self.terms(asked, &searched, true)?;
        let mut terms = search::merge_terms(lists, asked.request.min, MOST_TERMS);
        if !searched.regions.is_empty() {
            // Of the words of a page only those in the parts that are meant count.
            for term in &mut terms {
                let matches = search::find(&searched.text.index, &Query::parse(&term.value), searched.scope.as_ref());
                let hits = searched.hits(asked, &matches, 0..matches.total(), None);
                term.count = hits.iter().filter(|hit| searched.is_within(hit)).count() as u64;
            }
            terms.retain(|term| term.count >= asked.request.min.max(1));
        }
        Ok(terms.into_iter().map(term).collect())
    }

    /// Terms of an object that begin as asked: those of its text, and those that people wrote. All of them, unless this object
    /// `is_alone` and the answer needs no more.
    pub(super) fn terms(
        &self,
        asked: &Asked,
        searched: &Searched,
        is_alone: bool,
    ) -> Result<Vec<Vec<search::Term>>, ServiceError> {
        let scope = searched.scope.as_ref();
        let notes = self.annotation_terms(asked, searched)?;
        // Where there is but one list, it can be cut at once.
        let (min, most) = if is_alone && notes.is_empty() { (asked.request.min, MOST_TERMS) } else { (1, usize::MAX) };
        if !asked.request.admits_page_text() {
            return Ok(vec![notes]);
        }
        let text = search::complete(&searched.text.index, &asked.request.q, scope, min, most);
        Ok(vec![text, notes])
    }

    /// The part that is asked for; `None` where there is no text.
    fn searched_part(&self, asked: &Asked) -> Result<Option<Searched>, ServiceError> {
        let identifier = Identifier::new(asked.item.identifier.as_str());
        let Some(mut searched) = self.searched(asked, asked.item.row, identifier.clone())? else {
            return Ok(None);
        };
        let wanted: Vec<(u32, Option<Rect>)> = match &asked.part {
            Part::Object | Part::Collection => return Ok(Some(searched)),
            Part::Canvas(name) => {
                let place = searched.text.canvases().zip(0u32..).find(|(canvas, _)| canvas.name == *name);
                let (_, place) = place.ok_or_else(|| ServiceError::NoSuchObject {
                    what: "canvas",
                    identifier: format!("{identifier}/{name}"),
                })?;
                vec![(place, None)]
            }
            Part::Range(canvases) => {
                searched.places = searched
                    .text
                    .canvases()
                    .zip(0..)
                    .map(|(canvas, place)| (canvas_end(&canvas.name), place))
                    .collect();
                canvases.iter().filter_map(|(uri, area)| Some((searched.place(uri)?, *area))).collect()
            }
        };
        let whole: HashSet<u32> = wanted.iter().filter(|(_, area)| area.is_none()).map(|(page, _)| *page).collect();
        searched.regions = wanted
            .iter()
            .filter_map(|(page, area)| Some((*page, (*area)?)))
            .filter(|(page, _)| !whole.contains(page))
            .collect();
        let allowed = searched.scope.take();
        let pages = wanted.into_iter().map(|(page, _)| page);
        searched.scope = Some(search::Scope::of_pages(
            pages.filter(|page| allowed.as_ref().is_none_or(|allowed| allowed.contains(*page))),
        ));
        Ok(Some(searched))
    }

    /// The text of an object with the pages that the caller may read; `None` where there is none.
    pub(super) fn searched(
        &self,
        asked: &Asked,
        row: i64,
        identifier: Identifier,
    ) -> Result<Option<Searched>, ServiceError> {
        let Some(text) = self.objects.inner.texts.canvases(row)? else { return Ok(None) };
        let mut scope = None;
        if self.objects.inner.policy.hides_parts(&asked.caller, &identifier) {
            let may = |canvas: &CanvasLayout| self.objects.may_read_text(canvas, &asked.caller).is_ok();
            let allowed = text.canvases().zip(0..).filter(|(canvas, _)| may(canvas));
            let allowed: Vec<u32> = allowed.map(|(_, place)| place).collect();
            scope = (allowed.len() < text.canvas_count()).then(|| search::Scope::of_pages(allowed));
        }
        Ok(Some(Searched { row, identifier, text, scope, regions: Vec::new(), places: HashMap::new() }))
    }
}

impl Searched {
    /// Some of the matches with text and places. `container` tells of which object they are, where several are searched.
    fn hits(
        &self,
        asked: &Asked,
        matches: &Matches,
        range: std::ops::Range<usize>,
        container: Option<&Container>,
    ) -> Vec<FoundHit> {
        let spans = matches.spans().get(range.clone()).unwrap_or_default();
        let pages = |page: u32| self.text.page_blob(page);
        let located = search::locate(&self.text.index, matches, range, &pages, CONTEXT_WORDS);
        let found = located.into_iter().zip(spans).map(|(hit, span)| {
            let name = format!("{}-{}-{}", self.row, span.start, span.end - span.start);
            self.found(asked, hit, &name, container)
        });
        found.collect()
    }

    /// All matches in the text.
    pub(super) fn matches(&self, asked: &Asked) -> Matches {
        search::find(&self.text.index, &asked.query, self.scope.as_ref())
    }

    /// The pages that are searched; all when `None`.
    pub(super) fn scope(&self) -> Option<&search::Scope> {
        self.scope.as_ref()
    }

    fn found(&self, asked: &Asked, hit: Hit, name: &str, container: Option<&Container>) -> FoundHit {
        let part = |(part, number): (search::Part, usize)| {
            let canvas = self.text.canvas(part.page as usize)?;
            Some(FoundPart {
                id: format!("{name}-{number}"),
                canvas: asked.urls.canvas(&self.identifier, &canvas.name),
                canvas_size: Some(canvas.size()).filter(|size| !size.is_empty()),
                area: part.area,
                time_s: part.time_s,
                text: part.text,
                part_of: container.cloned(),
            })
        };
        let parts = hit.parts.into_iter().zip(1..).filter_map(part).collect();
        FoundHit { before: hit.before, exact: hit.exact, after: hit.after, parts, annotation: None }
    }

    /// The number of the page with this canvas, where there are parts of pages.
    fn place(&self, canvas: &str) -> Option<u32> {
        let end = canvas.rfind(CANVAS).and_then(|at| canvas.get(at..))?;
        self.places.get(end).copied()
    }

    /// The place of a hit's first canvas in the object.
    fn place_of(&self, hit: &FoundHit) -> usize {
        let place = hit.parts.first().and_then(|part| self.place(&part.canvas));
        place.map_or(self.text.canvas_count(), |place| place as usize)
    }

    /// Does a hit touch the parts of pages that are meant?
    fn is_within(&self, hit: &FoundHit) -> bool {
        hit.parts.iter().any(|part| {
            let Some(place) = self.place(&part.canvas) else { return false };
            let mut regions = self.regions.iter().filter(|(page, _)| *page == place).peekable();
            regions.peek().is_none() || part.area.is_some_and(|area| regions.any(|(_, region)| overlap(area, *region)))
        })
    }
}

/// Everything that is found in an object.
pub(super) struct AllHits {
    pub(super) matches: Matches,
    pub(super) notes: Notes,
}

/// One of the hits of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A match in the text, by its number.
    Text(usize),
    /// A hit in what people wrote, by its number.
    Note(usize),
}

impl AllHits {
    /// The page that is asked for.
    fn page(&self, asked: &Asked, searched: &Searched) -> Found {
        let order = self.order(searched);
        let cuts = cut_into_pages(self.shapes(searched, &order), HITS_A_PAGE);
        let annotations = cuts.last().map_or(0, |cut| cut.annotations.end);
        let cut = usize::try_from(asked.request.page - 1).ok().and_then(|page| cuts.get(page));
        let hits = cut.map_or(order.len()..order.len(), |cut| cut.hits.clone());
        Found {
            hits_total: Total::Exactly(order.len() as u64),
            annotations_total: Total::Exactly(annotations),
            first_hit: hits.start as u64,
            first_annotation: Some(cut.map_or(annotations, |cut| cut.annotations.start)),
            page: asked.request.page,
            pages: Some((cuts.len() as u64).max(1)),
            has_next: hits.end < order.len(),
            hits: self.some_hits(asked, searched, &order[hits], None),
        }
    }

    /// Hits of some places of the order.
    pub(super) fn some_hits(
        &self,
        asked: &Asked,
        searched: &Searched,
        order: &[Place],
        container: Option<&Container>,
    ) -> Vec<FoundHit> {
        let mut text = order.iter().filter_map(|place| match place {
            Place::Text(at) => Some(*at),
            Place::Note(_) => None,
        });
        // In a part of the order, matches in the text follow each other.
        let range = text.next().map_or(0..0, |first| first..text.next_back().unwrap_or(first) + 1);
        let first = range.start;
        let mut text: Vec<Option<FoundHit>> =
            searched.hits(asked, &self.matches, range, container).into_iter().map(Some).collect();
        let hit = |place: &Place| match place {
            Place::Text(at) => text.get_mut(at - first).and_then(Option::take),
            Place::Note(at) => self.notes.hit(*at),
        };
        order.iter().filter_map(hit).collect()
    }

    pub(super) fn total(&self) -> u64 {
        (self.matches.total() + self.notes.len()) as u64
    }

    /// All hits in the order of canvases; on each the text comes first.
    pub(super) fn order(&self, searched: &Searched) -> Vec<Place> {
        let mut notes = (0..self.notes.len()).peekable();
        let mut order = Vec::with_capacity(self.matches.total() + self.notes.len());
        for (at, span) in self.matches.spans().iter().enumerate() {
            if notes.peek().is_some() {
                let canvas = searched.text.index.page_of(span.start) as usize;
                while let Some(note) = notes.next_if(|note| self.notes.canvas(*note).is_some_and(|it| it < canvas)) {
                    order.push(Place::Note(note));
                }
            }
            order.push(Place::Text(at));
        }
        order.extend(notes.map(Place::Note));
        order
    }

    /// A part of the order without hits in an annotation that began before it, and with all hits in the annotation at its end: an
    /// annotation is on one page only.
    pub(super) fn whole(&self, order: &[Place], range: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let is_one = |at: usize| match (at.checked_sub(1).and_then(|before| order.get(before)), order.get(at)) {
            (Some(Place::Note(before)), Some(Place::Note(note))) => self.notes.is_same(*before, *note),
            _ => false,
        };
        let shifted = |from: usize| (from..order.len()).find(|at| !is_one(*at)).unwrap_or(order.len());
        let start = if range.start == 0 { 0 } else { shifted(range.start) };
        start..shifted(range.end).max(start)
    }

    fn shapes(&self, searched: &Searched, order: &[Place]) -> Vec<HitShape> {
        let shape = |place: &Place| match place {
            Place::Text(at) => HitShape {
                new_annotations: self.matches.spans().get(*at).map_or(0, |span| searched.text.places(*span)),
                joined_to_previous: false,
            },
            Place::Note(at) => {
                let goes_on = at.checked_sub(1).is_some_and(|before| self.notes.is_same(before, *at));
                HitShape { new_annotations: u32::from(!goes_on), joined_to_previous: goes_on }
            }
        };
        order.iter().map(shape).collect()
    }
}

/// What stands before the name in the URI of a canvas.
const CANVAS: &str = "/canvas/";

fn canvas_end(name: &str) -> String {
    format!("{CANVAS}{}", Identifier::new(name).encoded())
}

fn overlap(a: Rect, b: Rect) -> bool {
    let before = |from: u32, length: u32, other: u32| from.saturating_add(length) <= other;
    !(before(a.x, a.w, b.x) || before(b.x, b.w, a.x) || before(a.y, a.h, b.y) || before(b.y, b.h, a.y))
}

/// A term in the words of the API.
pub(super) fn term(term: search::Term) -> Term {
    let mut offered = Term::new(term.label.clone(), term.count);
    offered.query = (term.value != term.label).then_some(term.value);
    offered
}
