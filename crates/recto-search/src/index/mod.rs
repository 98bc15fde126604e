//! The index of an object: which term stands at which positions.

mod build;

use std::ops::Range;

use bytes::Bytes;
use fst::Map;

use crate::analysis::StemLanguage;
use crate::varint::Reader;
use crate::{SearchError, head};

pub use build::{Continuity, IndexBuilder};

const WHAT: &str = "text index";
const MAGIC: [u8; 2] = *b"Ri";
const VERSION: u8 = 1;
const CORRUPT: SearchError = SearchError::Corrupt { what: WHAT };
/// Bit of the head: alternatives stand beside other terms at the same position.
const LAYERED: u8 = 1;
/// What stems begin with, so that they are found by themselves alone. No term begins so.
const STEM: u8 = 1;

/// An index, opened.
///
/// Its pages are what its maker added: pages of an object, or texts of annotations.
#[derive(Clone)]
pub struct Index {
    starts: Vec<u32>,
    stems: Vec<StemLanguage>,
    is_layered: bool,
    terms: Map<Bytes>,
    postings: Bytes,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("pages", &self.page_count()).field("terms", &self.term_count()).finish()
    }
}

impl Index {
    /// Opens a blob of [`IndexBuilder::finish`]. The bytes are shared, not copied.
    ///
    /// # Errors
    /// When it is none, is damaged, or was written by another version.
    #[expect(clippy::needless_pass_by_value, reason = "the index keeps the bytes")]
    pub fn open(blob: Bytes) -> Result<Self, SearchError> {
        let (flags, body) = head::check(&blob, MAGIC, VERSION, WHAT)?;
        let mut reader = Reader::new(body);
        let starts = read_starts(&mut reader).ok_or(CORRUPT)?;
        let stems = reader.bytes().ok_or(CORRUPT)?;
        let stems = stems.iter().map(|number| StemLanguage::from_number(*number)).collect::<Option<_>>();
        let terms = reader.bytes().ok_or(CORRUPT)?;
        let postings = reader.take(reader.left()).ok_or(CORRUPT)?;
        Ok(Self {
            starts,
            stems: stems.ok_or(CORRUPT)?,
            is_layered: flags & LAYERED != 0,
            terms: Map::new(blob.slice_ref(terms)).map_err(|_| CORRUPT)?,
            postings: blob.slice_ref(postings),
        })
    }

    /// The number of its pages.
    pub fn page_count(&self) -> u32 {
        (self.starts.len() as u32).saturating_sub(1)
    }

    /// The number of different terms, stems included.
    pub fn term_count(&self) -> usize {
        self.terms.len()
    }

    /// True when nothing can be found in it.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The languages whose words can be found by their stems.
    pub fn stem_languages(&self) -> &[StemLanguage] {
        &self.stems
    }

    /// The page of a position.
    pub fn page_of(&self, position: u32) -> u32 {
        (self.starts.partition_point(|start| *start <= position) as u32).saturating_sub(1)
    }

    /// The positions of a page.
    pub fn positions_of(&self, page: u32) -> Range<u32> {
        let start = |page: u32| self.starts.get(page as usize).copied().unwrap_or(self.end());
        start(page)..start(page.saturating_add(1))
    }

    /// Behind the last position.
    pub(crate) fn end(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }

    pub(crate) const fn is_layered(&self) -> bool {
        self.is_layered
    }

    pub(crate) const fn terms(&self) -> &Map<Bytes> {
        &self.terms
    }

    /// The value of a term in the map of terms.
    pub(crate) fn value_of(&self, term: &str) -> Option<u64> {
        self.terms.get(term)
    }

    /// The value of the words with this stem.
    pub(crate) fn value_of_stem(&self, language: StemLanguage, stem: &str) -> Option<u64> {
        self.terms.get(stem_key(language, stem))
    }

    /// How often a term occurs.
    pub(crate) fn count(&self, value: u64) -> u32 {
        if value & 1 == 1 {
            return 1;
        }
        self.reader(value).and_then(|mut reader| reader.small()).unwrap_or_default()
    }

    /// Appends the positions of a term, in order.
    pub(crate) fn positions(&self, value: u64, out: &mut Vec<u32>) {
        if value & 1 == 1 {
            out.extend(u32::try_from(value >> 1));
            return;
        }
        let Some(mut reader) = self.reader(value) else { return };
        let Some(count) = reader.length().filter(|count| *count <= reader.left()) else { return };
        out.reserve(count);
        let mut position = 0_u32;
        for _ in 0..count {
            let Some(next) = reader.small().and_then(|delta| position.checked_add(delta)) else { return };
            position = next;
            out.push(position);
        }
    }

    fn reader(&self, value: u64) -> Option<Reader<'_>> {
        self.postings.get(usize::try_from(value >> 1).ok()?..).map(Reader::new)
    }
}

/// The key of a stem in the map of terms.
pub(crate) fn stem_key(language: StemLanguage, stem: &str) -> Vec<u8> {
    let mut key = vec![STEM, language.number() + 2];
    key.extend_from_slice(stem.as_bytes());
    key
}

/// Behind all keys of stems.
pub(crate) const AFTER_STEMS: [u8; 1] = [STEM + 1];

fn read_starts(reader: &mut Reader<'_>) -> Option<Vec<u32>> {
    let pages = reader.length().filter(|pages| *pages <= reader.left())?;
    let mut starts = Vec::with_capacity(pages + 1);
    let mut start = 0_u32;
    starts.push(start);
    for _ in 0..pages {
        start = start.checked_add(reader.small()?)?;
        starts.push(start);
    }
    Some(starts)
}
