//! Making the index of an object.

use std::collections::HashMap;

use fst::MapBuilder;

use super::{LAYERED, MAGIC, VERSION, WHAT, stem_key};
use crate::analysis::{Analysis, StemLanguage, fold, pieces};
use crate::layout::{LaidPiece, Layout};
use crate::page::Page;
use crate::varint::{put, put_bytes};
use crate::{SearchError, head};

/// Does the text of one page go on in the next?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// A phrase may begin on one page and end on the next: pages of a book.
    Running,
    /// Each page is a text of its own: annotations.
    Separate,
}

/// Makes an index of pages given one after the other.
#[derive(Debug)]
pub struct IndexBuilder {
    continuity: Continuity,
    language: Option<String>,
    stems: bool,
    terms: HashMap<Vec<u8>, Vec<u32>>,
    analyses: HashMap<StemLanguage, Analysis>,
    lengths: Vec<u32>,
    next: u32,
    is_layered: bool,
    is_full: bool,
}

impl IndexBuilder {
    /// An empty index. `language` is that of pages that do not say theirs; with `stems`, words of known languages are found by
    /// their stems, too.
    pub fn new(continuity: Continuity, language: Option<&str>, stems: bool) -> Self {
        Self {
            continuity,
            language: language.map(str::to_owned),
            stems,
            terms: HashMap::new(),
            analyses: HashMap::new(),
            lengths: Vec::new(),
            next: 0,
            is_layered: false,
            is_full: false,
        }
    }

    /// Adds the next page. A page without text has to be added, too: pages are counted.
    pub fn add(&mut self, page: &Page) {
        let layout = Layout::of(page);
        let gap = u32::from(self.continuity == Continuity::Separate);
        let length = layout.positions.saturating_add(gap);
        let Some(next) = self.next.checked_add(length) else {
            self.is_full = true;
            return;
        };
        let mut segment = 0;
        let mut at_piece = 0;
        while let Some(laid) = layout.segments.get(segment) {
            let line = page.word(laid.word as usize).and_then(|word| page.line(word.line));
            let tag = line.and_then(|line| line.language).or(self.language.as_deref());
            let language = tag.filter(|_| self.stems).and_then(StemLanguage::of);
            let first = at_piece;
            while let Some(piece) = layout.pieces.get(at_piece).filter(|piece| piece.start < laid.end) {
                self.put_piece(layout.slice(piece.start, piece.end), piece.position, language);
                at_piece += 1;
            }
            let own = layout.pieces.get(first..at_piece).unwrap_or_default();
            // A word that only ends a piece shares its position.
            let before =
                first.checked_sub(1).and_then(|at| layout.pieces.get(at)).filter(|piece| piece.end > laid.start);
            let own = if own.is_empty() { before.map(std::slice::from_ref).unwrap_or_default() } else { own };
            let until = layout.segments.get(segment + 1).map_or(page.word_count(), |next| next.word as usize);
            for word in laid.word as usize..until {
                for alternative in page.alternatives(word) {
                    self.put_alternative(alternative, own, language);
                }
            }
            segment += 1;
        }
        self.lengths.push(length);
        self.next = next;
    }

    fn put_piece(&mut self, piece: &str, position: u32, language: Option<StemLanguage>) {
        let term = fold(piece);
        self.put(term.as_bytes(), position);
        if let Some(language) = language {
            let analysis = self.analyses.entry(language).or_insert_with(|| Analysis::of(language));
            if let Some(stem) = analysis.stem(piece) {
                self.put(&stem_key(language, &stem), position);
            }
        }
    }

    /// An alternative stands where its word stands; what is longer is pushed together at its end.
    fn put_alternative(&mut self, alternative: &str, own: &[LaidPiece], language: Option<StemLanguage>) {
        let (Some(first), Some(last)) = (own.first(), own.last()) else { return };
        for piece in pieces(alternative) {
            let position = first.position.saturating_add(piece.position).min(last.position);
            self.is_layered = true;
            self.put_piece(&alternative[piece.range], position, language);
        }
    }

    fn put(&mut self, key: &[u8], position: u32) {
        let position = self.next.saturating_add(position);
        if let Some(positions) = self.terms.get_mut(key) {
            positions.push(position);
        } else {
            self.terms.insert(key.to_vec(), vec![position]);
        }
    }

    /// The blob.
    ///
    /// # Errors
    /// When there were more than 4,294,967,295 positions.
    pub fn finish(self) -> Result<Vec<u8>, SearchError> {
        let too_large = SearchError::TooLarge { what: WHAT, limit: "4,294,967,295 words" };
        if self.is_full {
            return Err(too_large);
        }
        let mut terms: Vec<_> = self.terms.into_iter().collect();
        terms.sort_unstable();
        let mut map = MapBuilder::memory();
        let mut postings = Vec::new();
        for (term, mut positions) in terms {
            positions.sort_unstable();
            positions.dedup();
            let value = match positions.as_slice() {
                [only] => u64::from(*only) << 1 | 1,
                _ => (postings.len() as u64) << 1,
            };
            if positions.len() > 1 {
                put_positions(&mut postings, &positions);
            }
            map.insert(&term, value).map_err(|_| too_large.clone())?;
        }
        let map = map.into_inner().map_err(|_| too_large)?;
        let mut stems: Vec<_> = self.analyses.keys().map(|language| language.number()).collect();
        stems.sort_unstable();
        let mut body = Vec::with_capacity(map.len() + postings.len() + 2 * self.lengths.len() + 64);
        put(&mut body, self.lengths.len() as u64);
        self.lengths.iter().for_each(|length| put(&mut body, u64::from(*length)));
        put_bytes(&mut body, &stems);
        put_bytes(&mut body, &map);
        body.extend_from_slice(&postings);
        Ok(head::put_before(&body, MAGIC, VERSION, if self.is_layered { LAYERED } else { 0 }))
    }
}

fn put_positions(out: &mut Vec<u8>, positions: &[u32]) {
    put(out, positions.len() as u64);
    let mut last = 0;
    for position in positions {
        put(out, u64::from(position - last));
        last = *position;
    }
}
