//! A PDF that is written page by page: ISO 32000-1 (PDF 1.7).
//!
//! Images go in as they are stored: JPEG, JPEG 2000 and fax code are not touched, pixels are deflated, and an image of many tiles
//! is a grid of them without seams. What is kept while writing are eight bytes for each object, some numbers for each page, and
//! the bookmarks.
//!
//! Limits of the format: 8,388,607 objects (Annex C), so as many tiles less a few for each page; offsets beyond ten digits make
//! the table at the end a stream instead of the classic one, which every reader since PDF 1.5 takes.

mod cover;
mod glyphless;
mod image;
mod jpeg;
mod jpeg2000;
mod metadata;
pub(crate) mod object;
mod outline;
mod page;
mod tree;
mod words;

pub(crate) use words::to_unicode;

use std::collections::BTreeMap;
use std::io::Write;

use recto_iiif::Dimensions;
use recto_iiif::presentation::ViewingDirection;

use crate::DownloadError;
use object::{Id, Objects};

pub use cover::{Cover, Paper};
pub use image::{FaxCode, Image, PixelKind};
pub use page::PageWriter;

/// What the file says about itself.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The name of the object.
    pub title: String,
    /// Who made it.
    pub creators: Vec<String>,
    /// The licence or rights statement, as a URI or as text.
    pub rights: Option<String>,
    /// The language of its text: BCP 47.
    pub language: Option<String>,
    /// Its URI; also what the file's identifier is made of.
    pub identifier: Option<String>,
    /// In which direction pages follow.
    pub viewing_direction: Option<ViewingDirection>,
    /// How large pages are on paper, where they do not say it themselves.
    pub resolution: Resolution,
    /// The table of contents, in the order in which it is read.
    pub bookmarks: Vec<Bookmark>,
}

/// An entry of the table of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// How deep it lies: 0 for the outermost. One that lies deeper than it can is put below the one before it.
    pub level: u32,
    /// Its text, in any script.
    pub label: String,
    /// The page that it leads to: from 0, without pages made by [`PdfWriter::cover`]. Without one, or when that page was not
    /// written, it is only a heading.
    pub page: Option<u32>,
}

/// How large a page is on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolution {
    /// So many pixels to the inch.
    PixelsPerInch(f64),
    /// As large as fits: points (1/72 inch).
    Fit {
        /// Greatest width in points.
        width_pt: f64,
        /// Greatest height in points.
        height_pt: f64,
    },
}

impl Default for Resolution {
    fn default() -> Self {
        Self::PixelsPerInch(150.0)
    }
}

/// A turn clockwise for showing a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// As it is.
    #[default]
    None,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

/// How the rows of a stored image lie on the page: the eight values of the Exif tag of that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// 1: as they should.
    #[default]
    Upright,
    /// 2: left and right are exchanged.
    Mirrored,
    /// 3: turned by 180 degrees.
    UpsideDown,
    /// 4: top and bottom are exchanged.
    Flipped,
    /// 5: mirrored, then to be turned by 270 degrees clockwise.
    Transposed,
    /// 6: to be turned by 90 degrees clockwise.
    Right,
    /// 7: mirrored, then to be turned by 90 degrees clockwise.
    Transversed,
    /// 8: to be turned by 270 degrees clockwise.
    Left,
}

impl Orientation {
    /// The orientation of this Exif value; upright for one that there is not.
    pub const fn from_exif(value: u16) -> Self {
        match value {
            2 => Self::Mirrored,
            3 => Self::UpsideDown,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::Right,
            7 => Self::Transversed,
            8 => Self::Left,
            _ => Self::Upright,
        }
    }
}

/// What a page is before anything lies on it.
#[derive(Clone, Debug, Default)]
pub struct PageFacts {
    /// Its size in pixels: the space of everything that is put on it, with the origin at the top left.
    pub size: Option<Dimensions>,
    /// How large it is on paper; else as the document says.
    pub resolution: Option<Resolution>,
    /// By how much it is turned for showing.
    pub turn: Turn,
    /// Its name, as viewers show it for its number.
    pub label: Option<String>,
}

/// A word of a page's text and where it stands, in pixels of the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word<'a> {
    /// The word, in reading order of its letters.
    pub text: &'a str,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// Writes a PDF into `W`, page by page.
///
/// Pages come in order: [`PdfWriter::cover`] first where there is one, then [`PdfWriter::page`] for each, then
/// [`PdfWriter::finish`]. After an error of kind [`DownloadError::Image`] it can be gone on with; after any other, not.
#[derive(Debug)]
pub struct PdfWriter<W> {
    objects: Objects<W>,
    document: Document,
    pages: tree::Pages,
    labels: tree::Labels,
    /// Page objects that bookmarks lead to, by their number without covers.
    targets: Vec<Id>,
    profiles: BTreeMap<[u8; 32], Id>,
    text_layer: Option<words::TextLayer>,
    /// Notices that were written, to be used again.
    notices: Vec<(page::NoticeKey, crate::setting::Written)>,
}

impl<W: Write> PdfWriter<W> {
    /// Writes the head of the file.
    pub fn new(out: W, document: Document) -> Result<Self, DownloadError> {
        let mut objects = Objects::new(out)?;
        let pages = tree::Pages::new(&mut objects)?;
        Ok(Self {
            objects,
            document,
            pages,
            labels: tree::Labels::default(),
            targets: Vec::new(),
            profiles: BTreeMap::new(),
            text_layer: None,
            notices: Vec::new(),
        })
    }

    /// Begins a page, which [`PageWriter::finish`] ends. A page that is not ended is not in the file.
    pub fn page(&mut self, facts: PageFacts) -> PageWriter<'_, W> {
        PageWriter::new(self, facts)
    }

    /// Pages that were written, covers among them.
    pub fn page_count(&self) -> u32 {
        self.pages.count()
    }

    /// Hands on what was written so far.
    pub fn flush(&mut self) -> Result<(), DownloadError> {
        Ok(self.objects.flush()?)
    }

    /// Writes what stands at the end: bookmarks, names of pages, the table of objects. Without any page there is one that is empty,
    /// since a PDF must have one.
    pub fn finish(mut self) -> Result<W, DownloadError> {
        if self.pages.count() == 0 {
            self.page(PageFacts::default()).finish()?;
        }
        if let Some(layer) = self.text_layer.take() {
            layer.finish(&mut self.objects)?;
        }
        let pages = self.pages.finish(&mut self.objects)?;
        let labels = self.labels.finish(&mut self.objects)?;
        let outline = outline::write(&self.document.bookmarks, &self.targets, &mut self.objects)?;
        let xmp = metadata::write_xmp(&self.document, &mut self.objects)?;
        let info = self.objects.add(&metadata::info(&self.document))?;
        let mut catalog = format!("<</Type/Catalog/Version/1.7/Pages {pages}/PageLabels {labels}/Metadata {xmp}");
        catalog.push_str(&metadata::viewing(&self.document, outline.is_some()));
        if let Some(outline) = outline {
            catalog.push_str(&format!("/Outlines {outline}"));
        }
        catalog.push_str(">>");
        let catalog = self.objects.add(&catalog)?;
        let seed = self.document.identifier.as_deref().unwrap_or(&self.document.title);
        self.objects.finish(catalog, info, seed)
    }
}
