//! Which files hold the text of which canvas, and what is in them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::text::{Area, PageText};
use recto_ingest::build::{CanvasPlan, Source, plan};
use recto_ingest::description::{Content, Link, Region};
use recto_ingest::text;
use recto_ingest::{Finding, Severity};
use recto_search::page::encode;
use xxhash_rust::xxh3::Xxh3;

use crate::objects::ObjectView;
use crate::{ImageService, LibraryFile};

/// Longest file of text that is read.
const MOST_BYTES: u64 = 128 << 20;
/// Longest PDF file whose text is read.
const MOST_PDF_BYTES: u64 = 256 << 20;
/// Part of the words of a page that may lie outside of it before that is worth a word.
const OUTSIDE: f64 = 0.02;

/// One canvas as search knows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CanvasSource {
    /// Its name in URLs.
    pub(super) name: String,
    /// Its size; nothing for sound.
    pub(super) size: Dimensions,
    /// What people call it, where that is not its name.
    pub(super) label: Option<String>,
    /// Is the image all of it, in its size?
    pub(super) is_picture: bool,
    /// How the image lies on it.
    placement: Placement,
    /// The first image or recording on it.
    pub(super) image: Option<Identifier>,
    /// Where its text is, the preferred one first.
    sources: Vec<TextSource>,
    /// A recording has the text of all its captions, a page that of the first file that has any.
    is_recording: bool,
    /// How long the recording is, where that is known.
    duration_s: Option<f64>,
}

/// How an image lies on its canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Placement {
    /// The part of the canvas; all of it when `None`.
    region: Option<Region>,
    /// By how much it is turned clockwise, in degrees: 0, 90, 180 or 270.
    degrees: u16,
}

/// Where a text is.
#[derive(Clone, Debug, PartialEq)]
enum TextSource {
    /// A file of the library, and which of its pages, from 0.
    File { file: Identifier, page: usize },
    /// The text layer of a page of a PDF file, from 0.
    Pdf { file: Identifier, page: usize },
    /// What a description holds itself.
    Held(String),
}

/// The canvases of an object with the places of their texts.
pub(super) fn canvases(view: &ObjectView) -> Vec<CanvasSource> {
    if view.parts.made.is_some() {
        // Somebody's own manifest has its own canvases.
        return Vec::new();
    }
    let prefix = view.parts.prefix.as_str();
    let plans = plan(&view.parts, prefix, &view.facts);
    // A file of text that several canvases share has a page for each.
    let mut uses: HashMap<&str, usize> = HashMap::new();
    plans.iter().map(|plan| canvas(plan, prefix, &mut uses)).collect()
}

fn canvas<'a>(plan: &CanvasPlan<'a>, prefix: &str, uses: &mut HashMap<&'a str, usize>) -> CanvasSource {
    let facts = plan.facts();
    let is_recording = facts.is_some_and(|facts| facts.recording.is_some());
    let said = plan.page.and_then(|page| Some(Dimensions::new(page.width?, page.height?)));
    let extents = plan.painted.iter().filter_map(|painted| match &painted.source {
        Source::File { facts: Some(facts), .. } => Some(extent(facts.size, painted.content)),
        _ => None,
    });
    let around =
        |a: Dimensions, b: Dimensions| Dimensions::new(a.width_px.max(b.width_px), a.height_px.max(b.height_px));
    let size = said.or(extents.reduce(around)).unwrap_or(Dimensions::new(0, 0));
    let mut sources = Vec::new();
    for link in plan.page.map_or(&[][..], |page| &page.texts) {
        if is_remote(link) {
            continue;
        }
        let page = uses.entry(link.id.as_str()).or_default();
        sources.push(TextSource::File { file: Identifier::new(format!("{prefix}{}", link.id)), page: *page });
        *page += 1;
    }
    if let Some(held) = plan.page.and_then(|page| page.transcription.clone()) {
        sources.push(TextSource::Held(held));
    }
    for painted in &plan.painted {
        if let Source::File { file, facts: Some(facts), .. } = &painted.source
            && file.name.to_ascii_lowercase().ends_with(".pdf")
        {
            let page = facts.page.saturating_sub(1) as usize;
            sources.push(TextSource::Pdf { file: file.identifier(prefix), page });
        }
    }
    let image = plan.painted.iter().find_map(|painted| match &painted.source {
        Source::File { image, .. } => Some(image.clone()),
        _ => None,
    });
    let label = plan.label.first().filter(|label| *label != plan.name).map(str::to_owned);
    let is_picture = !is_recording
        && facts.is_some_and(|facts| facts.size == size)
        && matches!(plan.painted.as_slice(), [only] if only.content.is_none_or(is_plain));
    let content = plan.painted.first().and_then(|painted| painted.content);
    let placement = content.map_or(Placement::default(), |content| Placement {
        region: content.region,
        degrees: content.rotation.unwrap_or_default() % 360,
    });
    let duration_s = facts.and_then(|facts| facts.recording.as_ref()?.duration_s);
    CanvasSource {
        name: plan.name.clone(),
        size,
        placement,
        label,
        is_picture,
        image,
        sources,
        is_recording,
        duration_s,
    }
}

/// How far what is painted reaches on its canvas.
fn extent(size: Dimensions, content: Option<&Content>) -> Dimensions {
    let Some(content) = content else { return size };
    match (content.region, content.rotation) {
        (Some(Region { x, y, w, h }), _) => Dimensions::new(x.saturating_add(w), y.saturating_add(h)),
        (None, Some(degrees)) if degrees % 180 == 90 => size.transposed(),
        _ => size,
    }
}

/// Is it shown as it is, on all of the canvas?
fn is_plain(content: &Content) -> bool {
    content.region.is_none() && content.rotation.is_none_or(|degrees| degrees % 360 == 0)
}

fn is_remote(link: &Link) -> bool {
    link.id.starts_with("http://") || link.id.starts_with("https://")
}

/// Reads the texts of one object. Blocks.
pub(super) struct TextReader<'a> {
    images: &'a ImageService,
    opened: HashMap<Identifier, Option<LibraryFile>>,
    /// Blobs of the pages of files that several canvases share: those are read once, from the first page to the last.
    shared: HashMap<(Identifier, usize), Vec<u8>>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> TextReader<'a> {
    pub(super) fn new(images: &'a ImageService) -> Self {
        Self { images, opened: HashMap::new(), shared: HashMap::new(), findings: Vec::new() }
    }

    fn open(&mut self, file: &Identifier) -> Option<&LibraryFile> {
        let images = self.images;
        self.opened.entry(file.clone()).or_insert_with(|| images.open_blocking(file).ok()).as_ref()
    }

    /// Tells one state of a canvas's text from the next, without reading it.
    pub(super) fn fingerprint(&mut self, canvas: &CanvasSource) -> u128 {
        let mut hash = Xxh3::new();
        let on = format!("{}:{}:{:?}:{:?}:", canvas.size, canvas.is_recording, canvas.placement, canvas.duration_s);
        hash.update(on.as_bytes());
        // Pages are kept in one form.
        hash.update(&[recto_search::page::VERSION]);
        for source in &canvas.sources {
            match source {
                TextSource::File { file, page } | TextSource::Pdf { file, page } => {
                    let state = self.open(file).map(|file| file.etag.clone()).unwrap_or_default();
                    hash.update(format!("{file}\0{page}\0{state}\0").as_bytes());
                }
                TextSource::Held(text) => hash.update(text.as_bytes()),
            }
        }
        hash.digest128()
    }

    /// Reads the files that several of these canvases share.
    pub(super) fn read_shared(&mut self, canvases: &[&CanvasSource]) {
        let mut wanted: HashMap<&Identifier, HashMap<usize, &CanvasSource>> = HashMap::new();
        let mut most: HashMap<&Identifier, u64> = HashMap::new();
        for canvas in canvases.iter().filter(|canvas| !canvas.is_recording) {
            for source in &canvas.sources {
                let (file, page, bytes) = match source {
                    TextSource::File { file, page } => (file, *page, MOST_BYTES),
                    TextSource::Pdf { file, page } => (file, *page, MOST_PDF_BYTES),
                    TextSource::Held(_) => continue,
                };
                wanted.entry(file).or_default().insert(page, canvas);
                most.insert(file, bytes);
            }
        }
        for (file, pages) in wanted.into_iter().filter(|(_, pages)| pages.len() > 1) {
            let Some(bytes) = self.bytes(file, most.get(file).copied().unwrap_or(MOST_BYTES)) else { continue };
            let mut findings = Vec::new();
            let found = text::read_each(&bytes, file.as_str(), |page, text| {
                if let Some(canvas) = pages.get(&page) {
                    let text = placed(text, canvas, file.as_str(), &mut findings);
                    let blob = blob(&text, file.as_str(), &mut findings);
                    self.shared.insert((file.clone(), page), blob);
                }
                ControlFlow::Continue(())
            });
            for page in pages.into_keys() {
                self.shared.entry((file.clone(), page)).or_default();
            }
            self.findings.extend(found);
            self.findings.append(&mut findings);
        }
    }

    /// The blob of the text of a canvas, in its coordinates; empty where there is none.
    pub(super) fn read(&mut self, canvas: &CanvasSource) -> Vec<u8> {
        if canvas.is_recording {
            return self.read_recording(canvas);
        }
        for source in &canvas.sources {
            let blob = match source {
                TextSource::File { file, page } => self.read_file(canvas, file, *page, MOST_BYTES),
                TextSource::Pdf { file, page } => self.read_file(canvas, file, *page, MOST_PDF_BYTES),
                TextSource::Held(held) => {
                    let (text, _) = text::read(held.as_bytes(), 0, &canvas.name);
                    let text = placed(text, canvas, &canvas.name, &mut self.findings);
                    blob(&text, &canvas.name, &mut self.findings)
                }
            };
            if !blob.is_empty() {
                return blob;
            }
        }
        Vec::new()
    }

    /// A recording has the texts of all its captions, whatever their language.
    fn read_recording(&mut self, canvas: &CanvasSource) -> Vec<u8> {
        let mut all = PageText::default();
        for source in &canvas.sources {
            let TextSource::File { file, .. } = source else { continue };
            let Some(bytes) = self.bytes(file, MOST_BYTES) else { continue };
            let (mut text, findings) = text::read(&bytes, 0, file.as_str());
            self.findings.extend(findings);
            if let Some(duration_s) = canvas.duration_s {
                let (within, finding) = text::within_recording(text, duration_s, file.as_str());
                text = within;
                self.findings.extend(finding);
            }
            all.language = all.language.or(text.language.take());
            all.blocks.append(&mut text.blocks);
        }
        blob(&all, &canvas.name, &mut self.findings)
    }

    fn read_file(&mut self, canvas: &CanvasSource, file: &Identifier, page: usize, most: u64) -> Vec<u8> {
        if let Some(blob) = self.shared.remove(&(file.clone(), page)) {
            return blob;
        }
        let Some(bytes) = self.bytes(file, most) else { return Vec::new() };
        let (text, findings) = text::read(&bytes, page, file.as_str());
        self.findings.extend(findings);
        let text = placed(text, canvas, file.as_str(), &mut self.findings);
        blob(&text, file.as_str(), &mut self.findings)
    }

    fn bytes(&mut self, file: &Identifier, most: u64) -> Option<Vec<u8>> {
        let opened = self.open(file)?.clone();
        let finding = |message: String, fix: &str| {
            Finding::new(Severity::Warning, "text-unreadable", file.as_str(), message, fix)
        };
        if opened.length > most {
            self.findings.push(finding(
                format!("the file has {} MB of text; up to {} MB are read", opened.length >> 20, most >> 20),
                "give each page a file of its own",
            ));
            return None;
        }
        match opened.read(0, usize::try_from(opened.length).ok()?) {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(error) => {
                self.findings.push(finding(format!("the file cannot be read: {error}"), "look at its permissions"));
                None
            }
        }
    }
}

/// A text on its canvas. Without a canvas that has a size it stays as it is.
fn placed(text: PageText, canvas: &CanvasSource, place: &str, findings: &mut Vec<Finding>) -> PageText {
    if canvas.size.is_empty() || text.is_empty() {
        return text;
    }
    let placement = canvas.placement;
    let whole = placement.region.map_or(canvas.size, |region| Dimensions::new(region.w, region.h));
    let is_across = placement.degrees % 180 == 90;
    let unturned = if is_across { whole.transposed() } else { whole };
    findings.extend(text.size.and_then(|size| text::proportions(size, unturned, place)));
    let words = text.words().count();
    let mut placed = text.placed_on(unturned);
    if placement != Placement::default() {
        let lie = |area: &mut Option<Area>| *area = area.map(|area| placement.of(area, unturned));
        for block in &mut placed.text.blocks {
            lie(&mut block.area);
            for line in &mut block.lines {
                lie(&mut line.area);
                line.words.iter_mut().for_each(|word| lie(&mut word.area));
            }
        }
    }
    if placed.outside as f64 > words as f64 * OUTSIDE {
        findings.push(Finding::new(
            Severity::Warning,
            "text-outside",
            place,
            format!("{} of {words} words lie outside of the page, which is {}", placed.outside, canvas.size),
            "make the text anew from the image as it is now; until then these words are found without their place, or with a part of it",
        ));
    }
    placed.text
}

impl Placement {
    /// Where an area of the image as it is stored lies on the canvas.
    fn of(self, area: Area, image: Dimensions) -> Area {
        let (width, height) = (f64::from(image.width_px), f64::from(image.height_px));
        let Area { x, y, w, h } = area;
        let turned = match self.degrees {
            90 => Area { x: height - y - h, y: x, w: h, h: w },
            180 => Area { x: width - x - w, y: height - y - h, w, h },
            270 => Area { x: y, y: width - x - w, w: h, h: w },
            _ => area,
        };
        let (left, top) = self.region.map_or((0, 0), |region| (region.x, region.y));
        Area { x: turned.x + f64::from(left), y: turned.y + f64::from(top), ..turned }
    }
}

/// The blob of a text; nothing where there are no words, or more than a blob can hold.
fn blob(text: &PageText, place: &str, findings: &mut Vec<Finding>) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    encode(text).unwrap_or_else(|error| {
        findings.push(Finding::new(
            Severity::Warning,
            "text-too-long",
            place,
            format!("the text of one page is left out: {error}"),
            "divide the page, or look at what was taken for its text",
        ));
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lie_where_their_image_lies() {
        let area = Area { x: 5.0, y: 10.0, w: 60.0, h: 15.0 };
        let image = Dimensions::new(400, 300);
        let placed = |region: Option<Region>, degrees: u16| {
            let Area { x, y, w, h } = Placement { region, degrees }.of(area, image);
            [x, y, w, h]
        };
        assert_eq!(placed(None, 0), [5.0, 10.0, 60.0, 15.0]);
        assert_eq!(placed(None, 90), [275.0, 5.0, 15.0, 60.0]);
        assert_eq!(placed(None, 180), [335.0, 275.0, 60.0, 15.0]);
        assert_eq!(placed(None, 270), [10.0, 335.0, 15.0, 60.0]);
        assert_eq!(placed(Some(Region { x: 100, y: 20, w: 400, h: 300 }), 0), [105.0, 30.0, 60.0, 15.0]);
    }
}
