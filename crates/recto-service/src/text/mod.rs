//! The text of the library's objects: read when they are taken in, kept as blobs, searched and given out from there.

mod keeping;
mod layout;
mod making;
mod pages;
mod reading;
mod shards;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use recto_catalog::CatalogError;
use recto_catalog::text::{TextState, TextStore};
use recto_iiif::Rect;
use recto_iiif::text::{Area, PageSize, PageText, TextBlock, TextLine, TextWord, Unit, WordPart};
use recto_search::index::Index;
use recto_search::lines::LineEnds;
use recto_search::page::{Page, Part};
use recto_search::search::Span;

use self::shards::SharedOverview;

pub(crate) use self::keeping::keep;
pub use self::layout::CanvasLayout;
pub use self::making::TextMaker;
pub use self::shards::make_text_shards;
pub(crate) use self::shards::{FEW_OBJECTS, OpenShard};

/// Bytes of memory for what is known of open indexes; the indexes themselves are mapped files.
const INDEXES_KEPT_BYTES: u64 = 64 << 20;
/// What an open index takes at least, so that not too many are open at a time: a system maps some ten thousand files.
const BYTES_OF_ONE: usize = 4 << 10;

/// The texts as they are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    store: Arc<TextStore>,
    opened: moka::sync::Cache<(i64, i64), Arc<ObjectText>>,
    overview: SharedOverview,
}

/// The text of one object, opened.
#[derive(Debug)]
pub(crate) struct ObjectText {
    /// Grows with each change: pages of another version do not belong to this index.
    pub(crate) version: i64,
    /// Its canvases as they are kept; most of those who look for a word never want to know them.
    list: Bytes,
    canvases: OnceLock<Vec<CanvasLayout>>,
    places: OnceLock<Vec<Range<u32>>>,
    /// Where its lines end, as it is kept.
    ends: Bytes,
    line_ends: OnceLock<LineEnds>,
    /// Memory that it takes, about, when all of it is read.
    bytes: usize,
    /// Where which word is.
    pub(crate) index: Index,
}

impl Texts {
    pub(crate) fn new(store: TextStore) -> Self {
        let opened = moka::sync::Cache::builder()
            .max_capacity(INDEXES_KEPT_BYTES)
            .weigher(|_: &(i64, i64), text: &Arc<ObjectText>| u32::try_from(text.bytes).unwrap_or(u32::MAX))
            .build();
        let this = Self { store: Arc::new(store), opened, overview: SharedOverview::default() };
        if let Err(error) = this.look_again() {
            tracing::error!(%error, "the kept texts cannot be read");
        }
        this
    }

    pub(crate) fn store(&self) -> &TextStore {
        &self.store
    }

    /// What is kept of an object's text, without opening it. Blocks.
    pub(crate) fn state(&self, row: i64) -> Result<Option<TextState>, CatalogError> {
        self.store.state(row)
    }

    /// The text of an object; `None` where it has none. Blocks.
    pub(crate) fn object(&self, row: i64) -> Result<Option<Arc<ObjectText>>, CatalogError> {
        Ok(self.canvases(row)?.filter(|text| !text.index.is_empty()))
    }

    /// The canvases of an object with their text, also where there is none; `None` before it was looked at. Blocks.
    pub(crate) fn canvases(&self, row: i64) -> Result<Option<Arc<ObjectText>>, CatalogError> {
        let Some(state) = self.store.state(row)? else { return Ok(None) };
        if let Some(known) = self.opened.get(&(row, state.version)) {
            return Ok(Some(known));
        }
        let Some((version, blob)) = self.store.mapped_index(row)? else { return Ok(None) };
        let own = if blob.is_in_memory() { blob.len() } else { 0 };
        let Some(text) = open(version, &Bytes::from_owner(blob), own) else {
            tracing::error!(row, "the index of a text is broken; it is made anew with the next change of the object");
            return Ok(None);
        };
        let text = Arc::new(text);
        self.opened.insert((row, version), Arc::clone(&text));
        Ok(Some(text))
    }

    /// The blob of a page of the text of an object in this version; `None` also when it has another by now. Blocks.
    pub(crate) fn page_blob(&self, row: i64, version: i64, page: u32) -> Option<Bytes> {
        self.store.page_of(row, version, page).ok().flatten().map(Bytes::from)
    }

    /// The blobs of some pages, as [`Self::page_blob`] gives one. Blocks.
    pub(crate) fn page_blobs(&self, row: i64, version: i64, pages: &[u32]) -> HashMap<u32, Bytes> {
        let found = self.store.pages_of(row, version, pages).unwrap_or_default();
        found.into_iter().map(|(page, blob)| (page, Bytes::from(blob))).collect()
    }

    /// Has an object still the text of this version? Blocks.
    pub(crate) fn is_current(&self, row: i64, version: i64) -> Result<bool, CatalogError> {
        Ok(self.store.state(row)?.is_some_and(|state| state.version == version))
    }

    /// The text of a canvas, by its place in the object; `None` where it has none. Blocks.
    pub(crate) fn page(&self, row: i64, page: u32) -> Option<PageText> {
        let object = self.object(row).ok()??;
        let size = object.canvas(page as usize)?.size();
        let mut text = text_of(&Page::decode(&self.page_blob(row, object.version, page)?).ok()?);
        text.size = (!size.is_empty()).then(|| PageSize {
            width: size.width_px.into(),
            height: size.height_px.into(),
            unit: Unit::Pixel,
        });
        Some(text)
    }
}

/// `own_bytes` is what the blob itself takes of the program's memory.
fn open(version: i64, blob: &Bytes, own_bytes: usize) -> Option<ObjectText> {
    let (list, ends, index) = layout::split(blob)?;
    let index = Index::open(index).ok()?;
    // Names and numbers take twice as much as their text, the end of a line four bytes instead of one or two.
    let bytes = own_bytes + list.len() * 2 + ends.len() * 4 + BYTES_OF_ONE;
    Some(ObjectText {
        version,
        list,
        canvases: OnceLock::new(),
        places: OnceLock::new(),
        ends,
        line_ends: OnceLock::new(),
        bytes,
        index,
    })
}

impl ObjectText {
    /// Its canvases, in order: what the index calls a page is a place in this list. A list that cannot be read is empty.
    pub(crate) fn canvases(&self) -> &[CanvasLayout] {
        self.canvases.get_or_init(|| layout::read(&self.list).unwrap_or_default())
    }

    /// One of its canvases, without reading the others.
    pub(crate) fn canvas(&self, place: usize) -> Option<CanvasLayout> {
        if let Some(canvases) = self.canvases.get() {
            return canvases.get(place).cloned();
        }
        let places = self.places.get_or_init(|| layout::places(&self.list).unwrap_or_default());
        layout::read_one(&self.list, places.get(place)?)
    }

    /// On how many lines a match is.
    pub(crate) fn places(&self, span: Span) -> u32 {
        self.line_ends.get_or_init(|| LineEnds::read(&self.ends).unwrap_or_default()).parts(span)
    }
}

/// A page as it is kept, as the text that it was made of: without blocks, and with the confidence of nobody.
fn text_of(page: &Page) -> PageText {
    let area = |rect: Rect| Area { x: rect.x.into(), y: rect.y.into(), w: rect.w.into(), h: rect.h.into() };
    let word = |ordinal: usize| {
        let word = page.word(ordinal)?;
        Some(TextWord {
            text: word.text.to_owned(),
            area: word.area.map(area),
            part: word.part.map(|part| match part {
                Part::First { whole } => WordPart::First { whole: whole.to_owned() },
                Part::Second => WordPart::Second,
            }),
            joined_to_next: word.joined_to_next,
            ..TextWord::default()
        })
    };
    let line = |line: recto_search::page::Line<'_>| TextLine {
        area: line.area.map(area),
        time_s: line.time_s,
        language: line.language.map(str::to_owned),
        words: line.words.filter_map(word).collect(),
    };
    let lines = page.lines().map(line).collect();
    PageText {
        size: None,
        language: page.language().map(str::to_owned),
        blocks: vec![TextBlock { lines, ..TextBlock::default() }],
    }
}
