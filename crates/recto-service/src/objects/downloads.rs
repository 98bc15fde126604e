//! A whole object as one file: pages are fetched one after the other while the file leaves, so that it begins at once and
//! takes the memory of a page.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use recto_download::DownloadError;
use recto_download::fonts::Fonts;
use recto_download::pdf::{Bookmark, Cover, Document, Image, Orientation, PageFacts as PaperFacts, PdfWriter, Word};
use recto_download::text::TextWriter;
use recto_download::zip::{Method, Papers, ZipWriter, page_name};
use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, ImageRequest};
use recto_iiif::presentation::{LabeledValue, LanguageMap};
use recto_iiif::text::PageText;
use recto_ingest::build::{Around, PageFacts, PagePicture, Picture, SiteUrls, Urls as _, pictures, plan};
use recto_ingest::description::{PageRef, Range, RangeItem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{ObjectService, ObjectView, blocking, decided};
use crate::ServiceError;
use crate::policy::{Action, Caller};

/// Downloads that are made at the same time.
const AT_A_TIME: usize = 4;

/// Pages that are ready before they are written.
const PAGES_AHEAD: usize = 2;

/// Pieces of the file that wait for the one who downloads.
const PIECES_AHEAD: usize = 8;

/// Bytes of one piece.
const PIECE_BYTES: usize = 64 << 10;

/// What stands in the place of a page.
const NOT_PUBLIC: &str = "This page is not public.";
const NOT_SHOWN: &str = "This page cannot be shown.";

/// The size of a page of which none is known.
const USUAL_SIZE: Dimensions = Dimensions::new(1000, 1000);

/// The longer side of pages, where they are not asked for larger or smaller.
pub const USUAL_LONGEST_PX: u32 = 2400;

/// What to download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadKind {
    /// All pages as one PDF.
    Pdf,
    /// The images in an archive, with their texts.
    Zip,
    /// The text of all pages.
    Text,
}

impl DownloadKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Pdf, Self::Zip, Self::Text];

    /// The word for it in URLs, which is the extension of the file too.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Zip => "zip",
            Self::Text => "txt",
        }
    }

    /// The media type of the file.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// Which pages, and how large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownloadOptions {
    /// Numbers of pages from 1, in order; all when empty.
    pub pages: Vec<usize>,
    /// The longer side of each page in pixels, at most.
    pub longest_px: Option<u32>,
}

/// The file as it is made, piece by piece.
pub type Pieces = mpsc::Receiver<io::Result<Bytes>>;

/// One page on its way into the file.
struct Ready {
    label: String,
    size: Dimensions,
    /// The picture, where one is wanted; or why there is none.
    content: Result<Bytes, String>,
    /// The text in the coordinates of the page.
    text: PageText,
}

/// How many downloads there may be.
#[derive(Debug)]
pub(super) struct Downloads(Arc<Semaphore>);

impl Default for Downloads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

impl ObjectService {
    /// Begins to make a download. It ends when nobody takes its pieces any more.
    ///
    /// # Errors
    /// Too many downloads are being made.
    pub fn download(
        &self,
        kind: DownloadKind,
        view: &ObjectView,
        options: &DownloadOptions,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Pieces, ServiceError> {
        let busy = |_| ServiceError::Busy { retry_after: std::time::Duration::from_secs(10) };
        let permit = Arc::clone(&self.inner.downloads.0).try_acquire_owned().map_err(busy)?;
        let identifier = Identifier::new(view.item.identifier.as_str());
        let wanted = wanted(view, options, urls);
        let said = Said::of(view, &wanted, &urls.item_page(&identifier));
        let (pages, ready) = mpsc::channel(PAGES_AHEAD);
        let (out, pieces) = mpsc::channel(PIECES_AHEAD);
        let longest_px = options.longest_px.unwrap_or(USUAL_LONGEST_PX);
        let (this, caller) = (self.clone(), caller.clone());
        let (row, with_pictures) = (view.item.row, kind != DownloadKind::Text);
        tokio::spawn(async move {
            for page in wanted {
                let ready = this.fetch(row, page, longest_px, with_pictures, &caller).await;
                if pages.send(ready).await.is_err() {
                    // Nobody waits for the rest.
                    return;
                }
            }
        });
        tokio::task::spawn_blocking(move || write(kind, &said, ready, &out, permit));
        Ok(pieces)
    }

    /// Fetches a page. Who may not see it gets neither its picture nor its text.
    async fn fetch(&self, row: i64, page: Wanted, longest_px: u32, with_picture: bool, caller: &Caller) -> Ready {
        let mut size = USUAL_SIZE;
        let content = match &page.picture {
            Picture::Here(image, known) if with_picture => {
                size = match known {
                    Some(known) => *known,
                    // What cannot be read has no size.
                    None => self
                        .picture(image, caller)
                        .await
                        .filter(PageFacts::is_readable)
                        .map_or(size, |facts| facts.size),
                };
                self.picture_of_page(image, size, longest_px, caller).await.map_err(str::to_owned)
            }
            Picture::Here(image, known) => {
                size = known.unwrap_or(size);
                let may = decided(self.inner.policy.decide(caller, Action::ReadImage, image));
                may.map(|()| Bytes::new()).map_err(|_| NOT_PUBLIC.to_owned())
            }
            Picture::Elsewhere(url) if with_picture => Err(format!("The picture of this page is at {url}")),
            Picture::Nowhere if with_picture => Err(NOT_SHOWN.to_owned()),
            Picture::Elsewhere(_) | Picture::Nowhere => Ok(Bytes::new()),
        };
        let mut text = PageText::default();
        if content.is_ok() {
            let (texts, place) = (self.inner.texts.clone(), page.place);
            let read = blocking(move || Ok(texts.object(row)?.and_then(|object| object.page(place))));
            let read = read.await.ok().flatten();
            text = read.map(|text| text.placed_on(size).text).unwrap_or_default();
        }
        Ready { label: page.label, size, content, text }
    }

    async fn picture_of_page(
        &self,
        image: &Identifier,
        size: Dimensions,
        longest_px: u32,
        caller: &Caller,
    ) -> Result<Bytes, &'static str> {
        // What is small enough is taken whole: of a JPEG original that is the very file.
        let is_small = size.width_px.max(size.height_px) <= longest_px;
        let asked = if is_small { "max".to_owned() } else { format!("!{longest_px},{longest_px}") };
        let request = ImageRequest::parse(ApiVersion::V3, "full", &asked, "0", "default.jpg").map_err(|_| NOT_SHOWN)?;
        let made = match self.inner.images.prepare(image, &request, caller).await {
            Ok(prepared) => self.inner.images.body_once(&prepared).await,
            Err(error) => Err(error),
        };
        made.map_err(|error| match error.kind() {
            recto_iiif::ErrorKind::Unauthorized | recto_iiif::ErrorKind::Forbidden => NOT_PUBLIC,
            _ => NOT_SHOWN,
        })
    }
}

/// A page that is wanted.
struct Wanted {
    number: usize,
    /// Its place in the object, from 0.
    place: u32,
    label: String,
    picture: Picture,
}

fn wanted(view: &ObjectView, options: &DownloadOptions, urls: &SiteUrls) -> Vec<Wanted> {
    let identifier = Identifier::new(view.item.identifier.as_str());
    let around = Around { identifier: &identifier, prefix: &view.parts.prefix, collections: &[] };
    let page = |(page, number): (PagePicture, usize)| Wanted {
        number,
        place: u32::try_from(number - 1).unwrap_or(u32::MAX),
        label: page.label,
        picture: page.picture,
    };
    let is_wanted = |page: &Wanted| options.pages.is_empty() || options.pages.contains(&page.number);
    pictures(&view.parts, around, &view.facts, urls).into_iter().zip(1..).map(page).filter(is_wanted).collect()
}

/// What the file says about itself.
struct Said {
    cover: Cover,
    document: Document,
    readme: String,
    count: usize,
}

impl Said {
    fn of(view: &ObjectView, wanted: &[Wanted], url: &str) -> Self {
        let said = &view.parts.description;
        let title = text(&said.label);
        let pair = |pair: &LabeledValue| (text(&pair.label), all_texts(&pair.value));
        let rights = said.rights.clone();
        let cover = Cover {
            label: title.clone(),
            summary: said.summary.first().map(str::to_owned),
            metadata: said.metadata.iter().map(pair).collect(),
            required_statement: said.required_statement.as_ref().map(pair),
            rights: rights.clone().map(|rights| ("Rights".to_owned(), rights)),
            link: Some(("Online".to_owned(), url.to_owned())),
            ..Cover::default()
        };
        let mut readme = format!("{title}\n{url}\n");
        for (label, value) in cover.metadata.iter().chain(&cover.required_statement).chain(&cover.rights) {
            readme.push_str(&format!("{label}: {value}\n"));
        }
        let mut bookmarks = Vec::new();
        outline(&said.ranges, 0, view, wanted, &mut bookmarks);
        let document = Document {
            title,
            rights,
            language: said.language.clone(),
            identifier: Some(url.to_owned()),
            viewing_direction: said.viewing_direction,
            bookmarks,
            ..Document::default()
        };
        Self { cover, document, readme, count: wanted.len() }
    }
}

fn text(text: &LanguageMap) -> String {
    text.first().unwrap_or_default().to_owned()
}

fn all_texts(text: &LanguageMap) -> String {
    text.iter().next().map(|(_, texts)| texts.join("; ")).unwrap_or_default()
}

/// The table of contents: each part with the page at which it begins.
fn outline(ranges: &[Range], level: u32, view: &ObjectView, wanted: &[Wanted], bookmarks: &mut Vec<Bookmark>) {
    let plans = plan(&view.parts, &view.parts.prefix, &view.facts);
    let number = |page: &PageRef| match page {
        PageRef::Own(place) => plans.iter().position(|plan| plan.place == *place),
        PageRef::Name(name) => plans
            .iter()
            .position(|plan| plan.name == *name || plan.label.first() == Some(name))
            .or_else(|| name.parse::<usize>().ok().and_then(|number| number.checked_sub(1))),
    };
    let mut open: Vec<(&Range, u32)> = ranges.iter().rev().map(|range| (range, level)).collect();
    while let Some((range, level)) = open.pop() {
        let first = first_page(range).and_then(number);
        let page = first.and_then(|first| wanted.iter().position(|wanted| wanted.number == first + 1));
        bookmarks.push(Bookmark {
            level,
            label: text(&range.label),
            page: page.and_then(|page| u32::try_from(page).ok()),
        });
        let inner = range.items.iter().rev().filter_map(|item| match item {
            RangeItem::Range(inner) => Some((inner, level + 1)),
            RangeItem::Page(_) => None,
        });
        open.extend(inner);
    }
}

fn first_page(range: &Range) -> Option<&PageRef> {
    let mut open: Vec<&RangeItem> = range.items.iter().rev().collect();
    while let Some(item) = open.pop() {
        match item {
            RangeItem::Page(part) => return Some(&part.page),
            RangeItem::Range(inner) => open.extend(inner.items.iter().rev()),
        }
    }
    None
}

/// Writes the file; what goes wrong ends it, so that nobody takes a part for the whole.
fn write(
    kind: DownloadKind,
    said: &Said,
    ready: mpsc::Receiver<Ready>,
    out: &mpsc::Sender<io::Result<Bytes>>,
    permit: OwnedSemaphorePermit,
) {
    let pieces = PieceWriter { out: out.clone(), piece: Vec::with_capacity(PIECE_BYTES) };
    let written = match kind {
        DownloadKind::Pdf => write_pdf(said, ready, pieces),
        DownloadKind::Zip => write_zip(said, ready, pieces),
        DownloadKind::Text => write_text(said, ready, pieces),
    };
    if let Err(error) = written {
        // Whoever does not listen any more need not be told.
        let _ = out.blocking_send(Err(io::Error::other(error)));
    }
    drop(permit);
}

fn write_pdf(said: &Said, mut ready: mpsc::Receiver<Ready>, out: PieceWriter) -> Result<(), DownloadError> {
    let fonts = Fonts::installed();
    let mut pdf = PdfWriter::new(out, said.document.clone())?;
    pdf.cover(&said.cover, &fonts)?;
    pdf.flush()?;
    while let Some(page) = ready.blocking_recv() {
        let facts = PaperFacts { size: Some(page.size), label: Some(page.label), ..PaperFacts::default() };
        let mut paper = pdf.page(facts);
        let shown = match &page.content {
            Ok(bytes) => match paper.image(page.size.rect(), Orientation::Upright, Image::Jpeg(bytes)) {
                Err(DownloadError::Image { .. }) => Err(NOT_SHOWN),
                outcome => Ok(outcome?),
            },
            Err(notice) => Err(notice.as_str()),
        };
        match shown {
            Ok(()) => paper.words(&words(&page.text))?,
            Err(notice) => paper.notice(notice, &fonts)?,
        }
        paper.finish()?;
        pdf.flush()?;
    }
    pdf.finish()?.flush()?;
    Ok(())
}

fn write_zip(said: &Said, mut ready: mpsc::Receiver<Ready>, out: PieceWriter) -> Result<(), DownloadError> {
    let mut zip = ZipWriter::new(out);
    zip.papers(&Papers { readme: Some(&said.readme), ..Papers::default() })?;
    zip.flush()?;
    let mut number = 0;
    while let Some(page) = ready.blocking_recv() {
        number += 1;
        let count = said.count as u64;
        match &page.content {
            Ok(bytes) => {
                if !page.text.is_empty() {
                    let name = page_name(number, count, &page.label, "txt");
                    zip.bytes(&name, Method::Deflate, page.text.to_plain().as_bytes())?;
                }
                zip.bytes(&page_name(number, count, &page.label, "jpg"), Method::Store, bytes)?
            }
            Err(notice) => {
                zip.bytes(&page_name(number, count, &page.label, "txt"), Method::Store, notice.as_bytes())?
            }
        };
        zip.flush()?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

fn write_text(said: &Said, mut ready: mpsc::Receiver<Ready>, out: PieceWriter) -> Result<(), DownloadError> {
    let mut text = TextWriter::new(out, &said.document.title)?;
    while let Some(page) = ready.blocking_recv() {
        match page.content {
            Ok(_) => text.page(&page.label, &page.text.to_plain())?,
            Err(notice) => text.page(&page.label, &notice)?,
        }
    }
    text.finish()?.flush()?;
    Ok(())
}

/// The words of a page that have a place on it.
fn words(text: &PageText) -> Vec<Word<'_>> {
    text.words()
        .filter_map(|word| {
            let area = word.area?;
            Some(Word { text: &word.text, x: area.x, y: area.y, w: area.w, h: area.h })
        })
        .collect()
}

/// Hands on what is written in pieces of some size.
struct PieceWriter {
    out: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.out.blocking_send(Ok(Bytes::from(piece))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
