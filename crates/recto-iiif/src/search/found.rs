//! What a search gives, before it is written in the words of a version.

use std::collections::HashSet;

use serde_json::Value;

use super::paging::{cut_into_pages, shapes};
use crate::presentation::LanguageMap;
use crate::{Dimensions, Rect};

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(u64),
    /// So many were counted, and there are more.
    AtLeast(u64),
}

impl Total {
    /// The number that was counted.
    pub const fn counted(self) -> u64 {
        match self {
            Self::Exactly(number) | Self::AtLeast(number) => number,
        }
    }

    /// The number, where it is known.
    pub const fn exact(self) -> Option<u64> {
        match self {
            Self::Exactly(number) => Some(number),
            Self::AtLeast(_) => None,
        }
    }
}

/// One page of what was found.
///
/// A hit and all of its annotations are on one page, and an annotation is on one page only: [`cut_into_pages`] cuts so.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Hits on all pages.
    pub hits_total: Total,
    /// Annotations on all pages.
    pub annotations_total: Total,
    /// Hits on the pages before.
    pub first_hit: u64,
    /// Annotations on the pages before, where that is known.
    pub first_annotation: Option<u64>,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are, where it is known; 1 when nothing was found.
    pub pages: Option<u64>,
    /// Is there a page after this one?
    pub has_next: bool,
    /// The hits of this page, in order.
    pub hits: Vec<FoundHit>,
}

/// One match.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundHit {
    /// Text before the match. For a match within a stored annotation: from the text of its body, letter by letter.
    pub before: String,
    /// What matched, as it is written.
    pub exact: String,
    /// Text after the match.
    pub after: String,
    /// Where it is: in the text of a page one part a line. A hit without any is counted, but not written.
    pub parts: Vec<FoundPart>,
    /// The stored annotation within whose body it is, in the words of 3.0, with its `id`. Then parts say where the annotation is.
    pub annotation: Option<Value>,
}

/// One place of a match, which becomes an annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPart {
    /// Name of the annotation, unique within the service; or its whole URI.
    pub id: String,
    /// URI of the canvas.
    pub canvas: String,
    /// Width and height of the canvas, where it has them.
    pub canvas_size: Option<Dimensions>,
    /// Where on the canvas; `None` where only the canvas is known.
    pub area: Option<Rect>,
    /// When it is heard, in seconds: from and until.
    pub time_s: Option<(f64, f64)>,
    /// What is written there: the text of the annotation.
    pub text: String,
    /// The object that the canvas is part of; where several were searched.
    pub part_of: Option<Container>,
}

/// The manifest that a canvas is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// URI of the manifest, 3.0.
    pub manifest: String,
    /// URI of the manifest, 2.1; that of 3.0 stands for it where there is none.
    pub manifest_2: Option<String>,
    /// Its name.
    pub label: LanguageMap,
}

impl FoundPart {
    /// A text on a canvas, with nothing else known.
    pub fn new(id: impl Into<String>, canvas: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            canvas: canvas.into(),
            canvas_size: None,
            area: None,
            time_s: None,
            text: text.into(),
            part_of: None,
        }
    }

    /// The part of the canvas as a media fragment with what is known: `xywh=…`, `t=…`, both, or nothing.
    pub(super) fn fragment(&self) -> String {
        fragment(self.area, self.time_s)
    }

    /// The same with the whole canvas where no area is known.
    pub(super) fn fragment_with_area(&self) -> String {
        fragment(self.area.or_else(|| self.canvas_size.map(Dimensions::rect)), self.time_s)
    }
}

fn fragment(area: Option<Rect>, time_s: Option<(f64, f64)>) -> String {
    let mut parts = Vec::new();
    parts.extend(area.map(|area| format!("xywh={area}")));
    parts.extend(time_s.map(|(from, until)| format!("t={},{}", seconds(from), seconds(until))));
    parts.join("&")
}

/// To the millisecond, without needless zeros; never below 0.
fn seconds(value: f64) -> String {
    let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl FoundHit {
    /// Names of its annotations.
    pub(super) fn names(&self) -> Vec<&str> {
        match self.stored_id() {
            Some(id) => vec![id],
            None => self.parts.iter().map(|part| part.id.as_str()).collect(),
        }
    }

    /// The `id` of the stored annotation that it is in.
    pub(super) fn stored_id(&self) -> Option<&str> {
        self.annotation.as_ref()?.get("id")?.as_str()
    }
}

impl Found {
    /// The hits that can be written, with their index on all pages.
    pub(super) fn placed(&self) -> impl Iterator<Item = (u64, &FoundHit)> {
        (self.first_hit..).zip(&self.hits).filter(|(_, hit)| !hit.parts.is_empty())
    }

    /// Nothing was found.
    pub fn nothing() -> Self {
        Self::page_of(&[], 1, 1)
    }

    /// A page of all hits, with about `most_hits` on each. A page after the last has none.
    pub fn page_of(hits: &[FoundHit], most_hits: usize, page: u64) -> Self {
        let cuts = cut_into_pages(shapes(hits), most_hits);
        let cut = page.checked_sub(1).and_then(|index| cuts.get(usize::try_from(index).ok()?));
        let annotations = hits.iter().flat_map(FoundHit::names).collect::<HashSet<_>>().len() as u64;
        let total = hits.len() as u64;
        let pages = (cuts.len() as u64).max(1);
        Self {
            hits_total: Total::Exactly(total),
            annotations_total: Total::Exactly(annotations),
            first_hit: cut.map_or(total, |cut| cut.hits.start as u64),
            first_annotation: Some(cut.map_or(annotations, |cut| cut.annotations.start)),
            page,
            pages: Some(pages),
            has_next: page < pages,
            hits: cut.and_then(|cut| hits.get(cut.hits.clone())).unwrap_or_default().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_media_fragments_with_what_is_known() {
        let size = Some(Dimensions::new(640, 480));
        let area = Some(Rect::new(1, 2, 3, 4));
        for (area, time_s, canvas_size, want, with_area) in [
            (area, None, size, "xywh=1,2,3,4", "xywh=1,2,3,4"),
            (None, None, size, "", "xywh=0,0,640,480"),
            (None, None, None, "", ""),
            (None, Some((1.0, 2.5)), None, "t=1,2.5", "t=1,2.5"),
            (None, Some((0.0, 61.0004)), size, "t=0,61", "xywh=0,0,640,480&t=0,61"),
            (area, Some((10.25, 100.0)), size, "xywh=1,2,3,4&t=10.25,100", "xywh=1,2,3,4&t=10.25,100"),
            (None, Some((f64::NAN, -1.0)), None, "t=0,0", "t=0,0"),
        ] {
            let part = FoundPart { canvas_size, area, time_s, ..FoundPart::new("a", "c", "t") };
            assert_eq!((part.fragment().as_str(), part.fragment_with_area().as_str()), (want, with_area));
        }
    }
}
