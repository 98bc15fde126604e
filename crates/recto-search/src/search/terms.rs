//! From a clause to the positions at which it begins.

use std::sync::LazyLock;

use fst::automaton::{Automaton, Str};
use fst::{IntoStreamer, Map, Streamer};
use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder};

use crate::analysis::Analysis;
use crate::index::{AFTER_STEMS, Index};
use crate::query::{Clause, QueryPiece, Way};

/// The tables from which automata are made, for one edit and for two. They take longer than all else of a query.
static BUILDERS: LazyLock<[LevenshteinAutomatonBuilder; 2]> =
    LazyLock::new(|| [1, 2].map(|edits| LevenshteinAutomatonBuilder::new(edits, false)));

/// The positions at which a clause begins, in order, each once.
pub(crate) fn starts(index: &Index, clause: &Clause) -> Vec<u32> {
    let mut lists = Vec::with_capacity(clause.pieces.len());
    for piece in &clause.pieces {
        let positions = positions(index, piece, !clause.is_phrase);
        if positions.is_empty() {
            return Vec::new();
        }
        lists.push((positions, piece.offset));
    }
    lists.sort_by_key(|(positions, _)| positions.len());
    let mut lists = lists.into_iter();
    let Some((shortest, offset)) = lists.next() else { return Vec::new() };
    let mut starts: Vec<u32> = shortest.into_iter().filter_map(|position| position.checked_sub(offset)).collect();
    for (positions, offset) in lists {
        keep_common(&mut starts, &positions, offset);
    }
    starts
}

/// Keeps the starts that have, `offset` behind them, one of the positions.
fn keep_common(starts: &mut Vec<u32>, positions: &[u32], offset: u32) {
    let mut rest = positions;
    starts.retain(|start| {
        let wanted = start.saturating_add(offset);
        rest = skip_to(rest, wanted);
        rest.first() == Some(&wanted)
    });
}

/// What of an ordered list is not below a number: by leaps that grow, as most lists are much longer than others.
fn skip_to(list: &[u32], wanted: u32) -> &[u32] {
    let mut leap = 1;
    while list.get(leap).is_some_and(|at| *at < wanted) {
        leap *= 2;
    }
    let head = list.get(..=leap).unwrap_or(list);
    list.get(head.partition_point(|at| *at < wanted)..).unwrap_or_default()
}

/// The positions of a piece, in order, each once.
fn positions(index: &Index, piece: &QueryPiece, with_stems: bool) -> Vec<u32> {
    let mut out = Vec::new();
    let mut lists = 0;
    let mut add = |value: u64| {
        index.positions(value, &mut out);
        lists += 1;
    };
    match piece.way {
        Way::Exact => {
            if let Some(value) = index.value_of(&piece.term) {
                add(value);
            }
            if with_stems && !piece.is_character {
                for language in index.stem_languages() {
                    let stem = Analysis::of(*language).stem(&piece.typed);
                    if let Some(value) = stem.and_then(|stem| index.value_of_stem(*language, &stem)) {
                        add(value);
                    }
                }
            }
        }
        Way::Prefix => each_with_prefix(index.terms(), &piece.term, |_, value| {
            add(value);
            true
        }),
        Way::Fuzzy(edits) => each_within(index.terms(), &piece.term, edits, |_, value| add(value)),
    }
    if lists > 1 {
        out.sort_unstable();
        out.dedup();
    }
    out
}

/// Calls `each` with the terms that begin so, in order, until it says no.
pub(crate) fn each_with_prefix<D: AsRef<[u8]>>(terms: &Map<D>, prefix: &str, mut each: impl FnMut(&[u8], u64) -> bool) {
    let mut stream = terms.search(Str::new(prefix).starts_with()).ge(AFTER_STEMS).into_stream();
    while let Some((term, value)) = stream.next() {
        if !each(term, value) {
            return;
        }
    }
}

/// Calls `each` with the terms that differ by up to so many letters.
pub(crate) fn each_within<D: AsRef<[u8]>>(terms: &Map<D>, term: &str, edits: u8, mut each: impl FnMut(&[u8], u64)) {
    let dfa = automaton(term, edits);
    let mut stream = terms.search(Within(&dfa)).ge(AFTER_STEMS).into_stream();
    while let Some((term, value)) = stream.next() {
        each(term, value);
    }
}

/// The automaton of words that differ by up to so many letters.
pub(crate) fn automaton(term: &str, edits: u8) -> DFA {
    let [one, two] = &*BUILDERS;
    if edits < 2 { one.build_dfa(term) } else { two.build_dfa(term) }
}

/// An automaton that ends as soon as nothing can match any more.
pub(crate) struct Within<'a>(pub(crate) &'a DFA);

impl Automaton for Within<'_> {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != levenshtein_automata::SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}
