//! The text of the library's objects: read when they are taken in, kept as blobs, searched and given out from there.

mod keeping;
mod layout;
mod making;
mod pages;
mod reading;
mod shards;

use std::sync::Arc;

use bytes::Bytes;
use recto_catalog::CatalogError;
use recto_catalog::text::{TextCopy, TextStore};
use recto_iiif::Rect;
use recto_iiif::text::{Area, PageSize, PageText, TextBlock, TextLine, TextWord, Unit, WordPart};
use recto_search::index::Index;
use recto_search::lines::LineEnds;
use recto_search::page::{Page, Part};
use recto_search::search::Span;

use self::layout::CanvasList;
use self::shards::SharedOverview;

pub(crate) use self::keeping::keep;
pub use self::layout::CanvasLayout;
pub use self::making::TextMaker;
pub(crate) use self::shards::FEW_OBJECTS;
pub use self::shards::make_text_shards;

/// Bytes of memory for what is known of open texts; the texts themselves are mapped files.
const OPEN_KEPT_BYTES: u64 = 64 << 20;
/// What an open text takes at least, so that not too many are open at a time: a system maps some ten thousand files.
const BYTES_OF_ONE: usize = 4 << 10;

/// The texts as they are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    store: Arc<TextStore>,
    opened: moka::sync::Cache<i64, Arc<ObjectText>>,
    overview: SharedOverview,
}

/// The text of one object in one version, opened: what becomes of the object meanwhile is another text.
#[derive(Debug)]
pub(crate) struct ObjectText {
    copy: TextCopy,
    list: CanvasList,
    line_ends: LineEnds,
    /// Where which word is.
    pub(crate) index: Index,
}

impl Texts {
    pub(crate) fn new(store: TextStore) -> Self {
        let opened = moka::sync::Cache::builder()
            .max_capacity(OPEN_KEPT_BYTES)
            .weigher(|_: &i64, text: &Arc<ObjectText>| u32::try_from(text.memory_bytes()).unwrap_or(u32::MAX))
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

    /// The text of an object; `None` where it has none. Blocks.
    pub(crate) fn object(&self, row: i64) -> Result<Option<Arc<ObjectText>>, CatalogError> {
        Ok(self.canvases(row)?.filter(|text| !text.index.is_empty()))
    }

    /// The canvases of an object with their text, also where there is none; `None` before it was looked at. Blocks.
    pub(crate) fn canvases(&self, row: i64) -> Result<Option<Arc<ObjectText>>, CatalogError> {
        let Some(state) = self.state(row) else { return Ok(None) };
        if let Some(known) = self.opened.get(&row).filter(|known| known.copy.version == state.version) {
            return Ok(Some(known));
        }
        let Some(copy) = self.store.copy(row, state.version)? else { return Ok(None) };
        let Some(text) = ObjectText::open(copy) else {
            tracing::error!(row, "the index of a text is broken; it is made anew with the next change of the object");
            return Ok(None);
        };
        let text = Arc::new(text);
        self.opened.insert(row, Arc::clone(&text));
        Ok(Some(text))
    }
}

impl ObjectText {
    fn open(copy: TextCopy) -> Option<Self> {
        let (list, line_ends, index) = layout::split(&copy.index)?;
        let (line_ends, index) = (LineEnds::open(line_ends)?, Index::open(index).ok()?);
        Some(Self { copy, list, line_ends, index })
    }

    fn memory_bytes(&self) -> usize {
        self.copy.memory_bytes() + self.index.page_count() as usize * size_of::<u32>() + BYTES_OF_ONE
    }

    /// Which text of the object it is.
    pub(crate) fn version(&self) -> i64 {
        self.copy.version
    }

    /// How many canvases there are: what the index calls a page is the place of one.
    pub(crate) fn canvas_count(&self) -> usize {
        self.list.len()
    }

    /// One of its canvases, without reading the others.
    pub(crate) fn canvas(&self, place: usize) -> Option<CanvasLayout> {
        self.list.get(place)
    }

    /// Its canvases, in order; each is read anew. A list that cannot be read ends there.
    pub(crate) fn canvases(&self) -> impl Iterator<Item = CanvasLayout> + '_ {
        (0..self.list.len()).map_while(|place| self.list.get(place))
    }

    /// On how many lines a match is.
    pub(crate) fn places(&self, span: Span) -> u32 {
        self.line_ends.parts(span)
    }

    /// The blob of the page of a canvas.
    pub(crate) fn page_blob(&self, place: u32) -> Option<Bytes> {
        self.copy.page(place)
    }

    /// The text of a canvas, by its place; `None` where it has none.
    pub(crate) fn page(&self, place: u32) -> Option<PageText> {
        let size = self.canvas(place as usize)?.size();
        let mut text = text_of(&Page::decode(&self.page_blob(place)?).ok()?);
        text.size = (!size.is_empty()).then(|| PageSize {
            width: size.width_px.into(),
            height: size.height_px.into(),
            unit: Unit::Pixel,
        });
        Some(text)
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
