//! Terms that begin as somebody types.

use std::collections::BTreeMap;

use super::{Scope, find, starts, terms};
use crate::analysis::{fold, is_unsegmented, pieces};
use crate::index::Index;
use crate::query::{Clause, Query, QueryPiece, QueryWord, Sense, Way, is_quote};

/// A term that begins so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What to ask for: as a query it finds exactly `count` matches.
    pub value: String,
    /// What to show: the value without quotes.
    pub label: String,
    /// How many matches it has.
    pub count: u64,
}

/// Terms that begin with a text, in alphabetical order, at most `limit` of those that occur at least `min` times.
///
/// Of several words, the last is completed, and only behind the others; behind a space, those that follow are told: `quick ` gives
/// `quick brown`. Where characters are words, the next character is added.
pub fn complete(index: &Index, typed: &str, scope: Option<&Scope>, min: u64, limit: usize) -> Vec<Term> {
    let Some(prefix) = Prefix::of(typed) else { return Vec::new() };
    let limits = scope.map(|scope| scope.positions(index));
    let limits = limits.as_deref();
    let fixed = prefix.fixed(index);
    let mut found = Vec::new();
    if limit == 0 || fixed.as_ref().is_some_and(Vec::is_empty) {
        return found;
    }
    let mut offer = |term: &str, count: u64| {
        if count >= min.max(1) {
            found.push(Term { value: prefix.value(term), label: prefix.label(term), count });
        }
        found.len() < limit
    };
    if prefix.last.is_character {
        complete_characters(index, &prefix, limits, &mut offer);
        return found;
    }
    let is_counted = prefix.before.is_empty() && limits.is_none() && index.stem_languages().is_empty();
    terms::each_with_prefix(index.terms(), &prefix.last.term, |term, value| {
        let Ok(term) = std::str::from_utf8(term) else { return true };
        let count = if is_counted {
            u64::from(index.count(value))
        } else if index.stem_languages().is_empty() || prefix.is_quoted {
            let mut positions = Vec::new();
            index.positions(value, &mut positions);
            if let Some(fixed) = &fixed {
                let offset = prefix.last.offset;
                positions.retain(|at| at.checked_sub(offset).is_some_and(|start| fixed.binary_search(&start).is_ok()));
            }
            count_within(&positions, prefix.last.offset, limits)
        } else {
            find(index, &Query::parse(&prefix.value(term)), scope).total() as u64
        };
        offer(term, count)
    });
    found
}

/// How many of the positions of a last piece have the whole within limits.
fn count_within(positions: &[u32], offset: u32, limits: Option<&[std::ops::Range<u32>]>) -> u64 {
    let Some(limits) = limits else { return positions.len() as u64 };
    let mut limits = limits.iter().peekable();
    let is_within = |position: &&u32| {
        while limits.next_if(|limit| limit.end <= **position).is_some() {}
        limits.peek().is_some_and(|limit| position.checked_sub(offset).is_some_and(|start| limit.start <= start))
    };
    positions.iter().filter(is_within).count() as u64
}

/// What was typed, and the characters that follow it.
fn complete_characters(
    index: &Index,
    prefix: &Prefix,
    limits: Option<&[std::ops::Range<u32>]>,
    offer: &mut dyn FnMut(&str, u64) -> bool,
) {
    let typed = &prefix.last.term;
    let Some(clause) = prefix.clause(typed) else { return };
    if !offer(typed, starts(index, &clause, limits).len() as u64) {
        return;
    }
    // Followers are counted in one walk over all characters: each at most once a position.
    let all = starts(index, &clause, None);
    if all.is_empty() {
        return;
    }
    let next = clause.length();
    let mut stream = fst::IntoStreamer::into_stream(index.terms().range().ge("\u{e00}"));
    while let Some((term, value)) = fst::Streamer::next(&mut stream) {
        let Ok(term) = std::str::from_utf8(term) else { continue };
        if !term.chars().next().is_some_and(is_unsegmented) {
            continue;
        }
        let mut positions = Vec::new();
        index.positions(value, &mut positions);
        positions.retain(|at| at.checked_sub(next).is_some_and(|start| all.binary_search(&start).is_ok()));
        if !offer(&format!("{typed}{term}"), count_within(&positions, next, limits)) {
            return;
        }
    }
}

/// A letter in the place of a word of which none is typed.
const NEXT: char = 'x';

/// What was typed: what is fixed, and what is completed.
pub(crate) struct Prefix {
    /// Everything before the last piece, folded.
    pub(crate) before: String,
    fixed: Option<Clause>,
    pub(crate) last: QueryPiece,
    is_quoted: bool,
}

impl Prefix {
    pub(crate) fn of(typed: &str) -> Option<Self> {
        let mut plain: String = typed.chars().map(|it| if is_quote(it) { ' ' } else { it }).collect();
        let is_next = typed.ends_with(char::is_whitespace) && pieces(&plain).next().is_some();
        if is_next {
            // It stands where the next word does, whatever that is.
            plain.push(NEXT);
        }
        let word = |text: &str| QueryWord { text: text.to_owned(), way: Way::Exact };
        let clause = Clause::new(Sense::Include, true, plain.split_whitespace().map(word).collect())?;
        let (last, fixed) = clause.pieces.split_last()?;
        let mut last = last.clone();
        if is_next {
            last.term.clear();
        }
        let ranges: Vec<_> = pieces(&plain).map(|piece| piece.range).collect();
        let mut before = String::new();
        for (range, next) in ranges.iter().zip(ranges.iter().skip(1)) {
            before.push_str(&fold(&plain[range.clone()]));
            before.push_str(&separator(&plain[range.end..next.start]));
        }
        let fixed = (!fixed.is_empty()).then(|| Clause { pieces: fixed.to_vec(), ..clause.clone() });
        Some(Self { is_quoted: before.contains(' '), before, fixed, last })
    }

    /// Where what is fixed begins.
    fn fixed(&self, index: &Index) -> Option<Vec<u32>> {
        self.fixed.as_ref().map(|clause| starts(index, clause, None))
    }

    fn label(&self, term: &str) -> String {
        format!("{}{term}", self.before)
    }

    fn value(&self, term: &str) -> String {
        let label = self.label(term);
        if self.is_quoted { format!("\"{label}\"") } else { label }
    }

    /// The clause that the value with this term is understood as.
    fn clause(&self, term: &str) -> Option<Clause> {
        Query::parse(&self.value(term)).clauses().first().cloned()
    }
}

/// What stands between two pieces, short of what a query understands as something else.
fn separator(between: &str) -> String {
    let words: Vec<_> = between.split_whitespace().map(|it| it.replace(['*', '＊', '~', '～'], "·")).collect();
    let edge = |is_space: bool| if is_space { " " } else { "" };
    if words.is_empty() {
        return edge(!between.is_empty()).to_owned();
    }
    let starts = edge(between.starts_with(char::is_whitespace));
    let ends = edge(between.ends_with(char::is_whitespace));
    format!("{starts}{}{ends}", words.join(" "))
}

/// Terms of several indexes as one list, in alphabetical order: counts of the same are added. At most `limit` of those that occur
/// at least `min` times; the lists must have been made without a limit and with a `min` of 1 for that to be exact.
pub fn merge_terms(lists: impl IntoIterator<Item = Vec<Term>>, min: u64, limit: usize) -> Vec<Term> {
    let mut all: BTreeMap<String, Term> = BTreeMap::new();
    for term in lists.into_iter().flatten() {
        match all.get_mut(&term.label) {
            Some(known) => known.count += term.count,
            None => {
                all.insert(term.label.clone(), term);
            }
        }
    }
    all.into_values().filter(|term| term.count >= min.max(1)).take(limit).collect()
}
