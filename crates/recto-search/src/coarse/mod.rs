//! Which objects have a term at all: a shard for up to 128 of them, so that few are opened of many.

mod build;
mod complete;

use std::sync::Arc;

use fst::automaton::{Automaton, Str};
use fst::{IntoStreamer, Map, Streamer};

use crate::analysis::{Analysis, StemLanguage};
use crate::index::{AFTER_STEMS, stem_key};
use crate::query::{Clause, Query, QueryPiece, Way};
use crate::search::terms::{Within, automaton, each_with_prefix, each_within};
use crate::varint::Reader;
use crate::{SearchError, head};

pub use build::{MOST_OBJECTS, build};
pub use complete::complete;

const WHAT: &str = "shard of objects";
const MAGIC: [u8; 2] = *b"Rs";
const VERSION: u8 = 1;
const CORRUPT: SearchError = SearchError::Corrupt { what: WHAT };

/// The terms of up to 128 objects, opened. The bytes are anything, a mapped file for one.
pub struct Shard<D> {
    objects: u32,
    is_layered: Vec<bool>,
    stems: Vec<StemLanguage>,
    terms: Map<Slice<D>>,
    lists: Slice<D>,
}

/// An object that may have matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its ordinal in the shard.
    pub object: u32,
    /// How many matches it has, as far as the shard knows.
    pub count: u64,
    /// Is `count` what [`crate::search::find`] gives for the whole object? Of phrases, several words, stems and exclusions a shard
    /// knows only that all words are somewhere in the object: there may be no match at all, then, or not so many.
    pub is_exact: bool,
}

/// Counts of objects, by ordinal.
struct Counts {
    counts: [u64; MOST_OBJECTS],
    is_exact: bool,
}

impl<D: AsRef<[u8]>> Shard<D> {
    /// Opens a blob of [`build`], reading all of it once.
    ///
    /// # Errors
    /// When it is none, is damaged, or was written by another version.
    pub fn open(blob: D) -> Result<Self, SearchError> {
        head::check(blob.as_ref(), MAGIC, VERSION, WHAT)?;
        Self::open_unchecked(blob)
    }

    /// Opens a blob whose bytes are known to be those that [`build`] made, without reading all of it. When they are others after
    /// all, answers are wrong or the thread panics.
    ///
    /// # Errors
    /// When its head says that it is none.
    pub fn open_unchecked(blob: D) -> Result<Self, SearchError> {
        let blob = Arc::new(blob);
        let bytes = (*blob).as_ref();
        let (_, _, body) = head::split(bytes, MAGIC, VERSION, WHAT)?;
        let mut reader = Reader::new(body);
        let layered = reader.bytes().filter(|objects| objects.len() <= MOST_OBJECTS).ok_or(CORRUPT)?;
        let stems = reader.bytes().ok_or(CORRUPT)?;
        let stems = stems.iter().map(|number| StemLanguage::from_number(*number)).collect::<Option<_>>();
        let terms = reader.bytes().ok_or(CORRUPT)?;
        let lists_start = bytes.len() - reader.left();
        let terms_start = lists_start - terms.len();
        let slice = |start: usize, end: usize| Slice { blob: Arc::clone(&blob), start, end };
        Ok(Self {
            objects: layered.len() as u32,
            is_layered: layered.iter().map(|flag| *flag != 0).collect(),
            stems: stems.ok_or(CORRUPT)?,
            terms: Map::new(slice(terms_start, lists_start)).map_err(|_| CORRUPT)?,
            lists: slice(lists_start, bytes.len()),
        })
    }

    /// The number of its objects.
    pub const fn object_count(&self) -> u32 {
        self.objects
    }

    /// The objects that may have matches of a query, in their order, of those that are allowed.
    ///
    /// Words with two edits must begin with the same letter here.
    pub fn candidates(&self, query: &Query, allowed: &dyn Fn(u32) -> bool) -> Vec<Candidate> {
        let mut all: Option<Counts> = None;
        for clause in query.included() {
            let counts = self.clause(clause);
            all = Some(match all {
                Some(before) => before.with(&counts, |one, other| if one.min(other) == 0 { 0 } else { one + other }),
                None => counts,
            });
        }
        let Some(found) = all else { return Vec::new() };
        let excludes = query.excluded().next().is_some();
        let inexact_when_layered = query.included().any(|clause| clause.pieces.iter().any(|it| it.way != Way::Exact));
        (0..self.objects)
            .filter(|object| found.counts[*object as usize] > 0 && allowed(*object))
            .map(|object| {
                let is_layered = inexact_when_layered && self.is_layered[object as usize];
                let count = found.counts[object as usize];
                Candidate { object, count, is_exact: found.is_exact && !excludes && !is_layered }
            })
            .collect()
    }

    fn clause(&self, clause: &Clause) -> Counts {
        let mut pieces = clause.pieces.iter().map(|piece| self.piece(piece, !clause.is_phrase));
        let first = pieces.next().unwrap_or_else(Counts::none);
        pieces.fold(first, |all, next| all.with(&next, u64::min))
    }

    fn piece(&self, piece: &QueryPiece, with_stems: bool) -> Counts {
        let mut found = Counts::none();
        match piece.way {
            Way::Exact => {
                if let Some(value) = self.terms.get(&piece.term) {
                    self.each(value, |object, count| found.add(object, count));
                }
                if with_stems && !piece.is_character {
                    for language in &self.stems {
                        self.add_stem(&mut found, piece, *language);
                    }
                }
            }
            Way::Prefix => each_with_prefix(&self.terms, &piece.term, |_, value| {
                self.each(value, |object, count| found.add(object, count));
                true
            }),
            Way::Fuzzy(1) => each_within(&self.terms, &piece.term, 1, |_, value| {
                self.each(value, |object, count| found.add(object, count));
            }),
            Way::Fuzzy(edits) => {
                found.is_exact = false;
                let dfa = automaton(&piece.term, edits);
                let first: String = piece.term.chars().take(1).collect();
                let both = Str::new(&first).starts_with().intersection(Within(&dfa));
                let mut stream = self.terms.search(both).ge(AFTER_STEMS).into_stream();
                while let Some((_, value)) = stream.next() {
                    self.each(value, |object, count| found.add(object, count));
                }
            }
        }
        found
    }

    /// Words with the same stem are counted for more where there are more of them; which are the same words is not known.
    fn add_stem(&self, found: &mut Counts, piece: &QueryPiece, language: StemLanguage) {
        found.is_exact = false;
        let stem = Analysis::of(language).stem(&piece.typed);
        let Some(value) = stem.and_then(|stem| self.terms.get(stem_key(language, &stem))) else { return };
        self.each(value, |object, count| {
            if let Some(known) = found.counts.get_mut(object as usize) {
                *known = (*known).max(count);
            }
        });
    }

    /// Calls `each` with the objects of a term and how often it is in them.
    fn each(&self, value: u64, mut each: impl FnMut(u32, u64)) {
        if value & 1 == 1 {
            return each((value >> 1) as u32 & 0xff, value >> 9);
        }
        let lists = self.lists.as_ref();
        let Some(list) = usize::try_from(value >> 1).ok().and_then(|at| lists.get(at..)) else { return };
        let mut reader = Reader::new(list);
        for _ in 0..reader.number().unwrap_or_default().min(MOST_OBJECTS as u64) {
            let (Some(object), Some(count)) = (reader.byte(), reader.number()) else { return };
            each(u32::from(object), count);
        }
    }
}

impl Counts {
    const fn none() -> Self {
        Self { counts: [0; MOST_OBJECTS], is_exact: true }
    }

    fn add(&mut self, object: u32, count: u64) {
        if let Some(known) = self.counts.get_mut(object as usize) {
            *known = known.saturating_add(count);
        }
    }

    /// Both together: never exact.
    fn with(mut self, other: &Self, both: impl Fn(u64, u64) -> u64) -> Self {
        self.counts.iter_mut().zip(other.counts).for_each(|(one, other)| *one = both(*one, other));
        self.is_exact = false;
        self
    }
}

/// A part of shared bytes.
struct Slice<D> {
    blob: Arc<D>,
    start: usize,
    end: usize,
}

impl<D: AsRef<[u8]>> AsRef<[u8]> for Slice<D> {
    fn as_ref(&self) -> &[u8] {
        (*self.blob).as_ref().get(self.start..self.end).unwrap_or_default()
    }
}
