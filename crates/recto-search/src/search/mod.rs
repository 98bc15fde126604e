//! Finding: matches of a query in an index, their text and places, and terms that begin so.

mod complete;
mod locate;
mod merge;
mod scope;
pub(crate) mod terms;

pub(crate) use complete::Prefix;
pub use complete::{Term, complete, merge_terms};
pub use locate::{Hit, Part, locate};
pub use merge::{Found, Source, merge};
pub use scope::Scope;

use crate::index::Index;
use crate::query::{Clause, Query};

/// All matches of a query, in reading order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    spans: Vec<Span>,
}

/// Where one match is: positions that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Its first position.
    pub start: u32,
    /// Behind its last position.
    pub end: u32,
}

impl Matches {
    /// How many there are.
    pub fn total(&self) -> usize {
        self.spans.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Where they are.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }
}

/// Finds all matches of a query.
///
/// With a scope, only what lies in it altogether is found, and only what lies in it excludes: text outside might as well not be there.
pub fn find(index: &Index, query: &Query, scope: Option<&Scope>) -> Matches {
    let limits = scope.map(|scope| scope.positions(index));
    let mut clauses = Vec::new();
    for clause in query.included() {
        let starts = starts(index, clause, limits.as_deref());
        if starts.is_empty() {
            return Matches::default();
        }
        clauses.push((starts, clause.length()));
    }
    let excluded: Vec<_> =
        query.excluded().map(|clause| starts(index, clause, limits.as_deref())).filter(|it| !it.is_empty()).collect();
    if let ([(starts, length)], []) = (clauses.as_slice(), excluded.as_slice()) {
        let span = |start: &u32| Span { start: *start, end: start.saturating_add(*length) };
        return Matches { spans: starts.iter().map(span).collect() };
    }
    let Some(pages) = common_pages(index, &clauses, &excluded) else { return Matches::default() };
    let mut tagged = Vec::new();
    for (number, (starts, length)) in clauses.iter().enumerate() {
        let mut pages = pages.as_slice();
        for start in starts {
            while let Some((page, rest)) = pages.split_first()
                && index.positions_of(*page).end <= *start
            {
                pages = rest;
            }
            let Some(page) = pages.first() else { break };
            if index.positions_of(*page).contains(start) {
                tagged.push((Span { start: *start, end: start.saturating_add(*length) }, number));
            }
        }
    }
    tagged.sort_unstable();
    Matches { spans: join_neighbours(index, &tagged) }
}

/// Where a clause begins, within limits.
pub(crate) fn starts(index: &Index, clause: &Clause, limits: Option<&[std::ops::Range<u32>]>) -> Vec<u32> {
    let mut starts = terms::starts(index, clause);
    if let Some(limits) = limits {
        let length = clause.length();
        let mut limits = limits.iter().peekable();
        starts.retain(|start| {
            while limits.next_if(|limit| limit.end <= *start).is_some() {}
            limits.peek().is_some_and(|limit| limit.start <= *start && start.saturating_add(length) <= limit.end)
        });
    }
    starts
}

/// The pages on which every clause begins and nothing excluded does; `None` when there is none.
fn common_pages(index: &Index, clauses: &[(Vec<u32>, u32)], excluded: &[Vec<u32>]) -> Option<Vec<u32>> {
    let (first, rest) = clauses.split_first()?;
    let mut pages = pages_of(index, &first.0);
    for (starts, _) in rest {
        let other = pages_of(index, starts);
        pages.retain(|page| other.binary_search(page).is_ok());
    }
    for starts in excluded {
        let other = pages_of(index, starts);
        pages.retain(|page| other.binary_search(page).is_err());
    }
    (!pages.is_empty()).then_some(pages)
}

/// The pages of positions in order, each once.
fn pages_of(index: &Index, positions: &[u32]) -> Vec<u32> {
    let mut pages = Vec::new();
    let mut end = 0;
    for position in positions {
        if *position >= end {
            let page = index.page_of(*position);
            end = index.positions_of(page).end;
            pages.push(page);
        }
    }
    pages
}

/// Neighbours on a page, and what overlaps, become one match when they come from different clauses: `green bird` is one match where
/// the text has it so, but `ha` in "ha ha" is two.
fn join_neighbours(index: &Index, tagged: &[(Span, usize)]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut members: u64 = 0;
    let mut page_end = 0;
    for (span, clause) in tagged {
        // A query has no more than 64 clauses.
        let member = 1_u64 << (clause % 64);
        match spans.last_mut() {
            Some(last) if span.start <= last.end && span.start < page_end && members & member == 0 => {
                last.end = last.end.max(span.end);
                members |= member;
            }
            _ => {
                if span.start >= page_end {
                    page_end = index.positions_of(index.page_of(span.start)).end;
                }
                spans.push(*span);
                members = member;
            }
        }
    }
    spans
}
