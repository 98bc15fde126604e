//! Matches in several indexes of one object as one list: its text and its annotations.

use super::{Matches, Span};
use crate::index::Index;

/// Matches of one index, and where its pages belong.
pub struct Source<'a> {
    /// The index.
    pub index: &'a Index,
    /// What was found in it.
    pub matches: &'a Matches,
    /// The canvas of a page of it, as its ordinal; what belongs to none is left out.
    pub canvas_of: &'a dyn Fn(u32) -> Option<u32>,
}

/// A match of one of several indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The ordinal of the source.
    pub source: usize,
    /// Its place in the matches of its source, for [`super::locate`].
    pub at: usize,
    /// Where it is in its index.
    pub span: Span,
    /// Its canvas.
    pub canvas: u32,
}

/// All matches in the order of canvases; on a canvas in the order of the sources, and in a source in reading order.
pub fn merge(sources: &[Source<'_>]) -> Vec<Found> {
    let mut all = Vec::with_capacity(sources.iter().map(|source| source.matches.total()).sum());
    for (number, source) in sources.iter().enumerate() {
        let mut known: Option<(u32, Option<u32>)> = None;
        for (at, span) in source.matches.spans().iter().enumerate() {
            let page = source.index.page_of(span.start);
            let canvas = match known {
                Some((last, canvas)) if last == page => canvas,
                _ => (source.canvas_of)(page),
            };
            known = Some((page, canvas));
            all.extend(canvas.map(|canvas| Found { source: number, at, span: *span, canvas }));
        }
    }
    all.sort_by_key(|found| (found.canvas, found.source, found.at));
    all
}
