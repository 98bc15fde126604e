//! The blobs of an object's text, put together page by page.

use recto_catalog::Fingerprint;
use recto_catalog::text::{PageBlob, TextObject};
use recto_search::SearchError;
use recto_search::index::{Continuity, IndexBuilder};
use recto_search::lines::LineEndsBuilder;
use recto_search::page::Page;

use super::layout::{self, CanvasLayout};

/// Puts the text of an object together, canvas by canvas.
#[derive(Debug)]
pub struct TextMaker {
    builder: IndexBuilder,
    line_ends: LineEndsBuilder,
    canvases: Vec<CanvasLayout>,
    pages: Vec<PageBlob>,
    words: u64,
    none: Page,
}

impl TextMaker {
    /// Nothing yet. `language` (BCP 47) is that of pages that do not say theirs; with `stems`, words are found by their stems too.
    pub fn new(language: Option<&str>, stems: bool) -> Self {
        Self {
            builder: IndexBuilder::new(Continuity::Running, language, stems),
            line_ends: LineEndsBuilder::default(),
            canvases: Vec::new(),
            pages: Vec::new(),
            words: 0,
            none: Page::default(),
        }
    }

    /// Adds the next canvas. `blob` is its page of text, empty when there is none; `source` is the state of what it was read from.
    pub fn add(&mut self, mut canvas: CanvasLayout, source: Fingerprint, blob: Vec<u8>) {
        // An empty blob says that there was nothing to read.
        let page = if blob.is_empty() { None } else { Page::decode(&blob).ok() };
        self.builder.add(page.as_ref().unwrap_or(&self.none));
        self.line_ends.add(page.as_ref().unwrap_or(&self.none));
        self.words += page.as_ref().map_or(0, Page::word_count) as u64;
        canvas.has_text = page.is_some();
        self.pages.push(PageBlob { page: self.canvases.len() as u32, source, blob });
        self.canvases.push(canvas);
    }

    /// Everything that is kept of the object's text.
    ///
    /// # Errors
    /// When there are more words than an index can hold.
    pub fn finish(self, object: i64, signature: Fingerprint) -> Result<TextObject, SearchError> {
        let index = layout::join(&self.canvases, &self.line_ends.finish(), &self.builder.finish()?);
        Ok(TextObject { object, signature, index, words: self.words, pages: self.pages })
    }
}
