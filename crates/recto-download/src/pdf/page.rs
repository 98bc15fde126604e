//! A page and what lies on it.

use std::collections::BTreeSet;
use std::io::Write;

use recto_iiif::{Dimensions, Rect};

use super::object::{Id, byte_string, number};
use super::words::TextLayer;
use super::{Image, Orientation, PageFacts, PdfWriter, Resolution, Turn, Word};
use crate::DownloadError;
use crate::fonts::Fonts;
use crate::setting::{self, Paragraph};

/// Greatest and smallest length of a page in its units: Annex C of PDF 1.7.
const MOST_UNITS: f64 = 14_400.0;
const FEWEST_UNITS: f64 = 3.0;
/// A4 in points: the size of a page that has none.
const A4: (f64, f64) = (595.28, 841.89);

/// Most notices that are kept to be used again.
const MOST_NOTICES: usize = 16;

/// What a notice looks like: its text, and the bits of width and height of its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoticeKey {
    text: String,
    size: [u64; 2],
}

/// A page that is being written: images first, then words, in pixels from the top left.
#[derive(Debug)]
pub struct PageWriter<'a, W> {
    pdf: &'a mut PdfWriter<W>,
    facts: PageFacts,
    size: Dimensions,
    /// Width, height of the page and of a pixel in the page's units, and points a unit.
    width: f64,
    height: f64,
    scale: f64,
    unit_pt: f64,
    content: String,
    /// Names of resources and what they are.
    images: Vec<Id>,
    fonts: Vec<Id>,
    links: Vec<String>,
    has_words: bool,
    pub(super) is_cover: bool,
}

impl<'a, W: Write> PageWriter<'a, W> {
    pub(super) fn new(pdf: &'a mut PdfWriter<W>, facts: PageFacts) -> Self {
        let given = facts.size.filter(|size| size.width_px > 0 && size.height_px > 0);
        let size = given.unwrap_or(Dimensions::new(A4.0 as u32, A4.1 as u32));
        let (w, h) = (f64::from(size.width_px), f64::from(size.height_px));
        let resolution = match given {
            Some(_) => facts.resolution.unwrap_or(pdf.document.resolution),
            None => Resolution::PixelsPerInch(72.0),
        };
        let pixel_pt = match resolution {
            Resolution::PixelsPerInch(pixels) if pixels.is_finite() && pixels > 0.0 => 72.0 / pixels,
            Resolution::PixelsPerInch(_) => 72.0 / 150.0,
            Resolution::Fit { width_pt, height_pt } => (width_pt.max(1.0) / w).min(height_pt.max(1.0) / h),
        };
        // Pages that are too large for the format have larger units; those that are too small are larger than they say.
        let longest = w.max(h) * pixel_pt;
        let unit_pt = if longest > MOST_UNITS { (longest / MOST_UNITS).ceil() } else { 1.0 };
        let scale = (pixel_pt / unit_pt).max(FEWEST_UNITS / w.min(h)).min(MOST_UNITS / w.max(h));
        Self {
            pdf,
            facts,
            size,
            width: w * scale,
            height: h * scale,
            scale,
            unit_pt,
            content: String::new(),
            images: Vec::new(),
            fonts: Vec::new(),
            links: Vec::new(),
            has_words: false,
            is_cover: false,
        }
    }

    /// Its size in pixels.
    pub fn size(&self) -> Dimensions {
        self.size
    }

    /// Puts an image into a rectangle of the page. Tiles are images side by side: their edges are the same numbers, so that
    /// there is nothing between them.
    pub fn image(&mut self, place: Rect, orientation: Orientation, image: Image<'_>) -> Result<(), DownloadError> {
        let id = self.pdf.write_image(image)?;
        let (x, w, h) = (f64::from(place.x), f64::from(place.w), f64::from(place.h));
        let y = f64::from(self.size.height_px) - f64::from(place.y) - h;
        let [a, b, c, d, e, f] = match orientation {
            Orientation::Upright => [w, 0.0, 0.0, h, x, y],
            Orientation::Mirrored => [-w, 0.0, 0.0, h, x + w, y],
            Orientation::UpsideDown => [-w, 0.0, 0.0, -h, x + w, y + h],
            Orientation::Flipped => [w, 0.0, 0.0, -h, x, y + h],
            Orientation::Transposed => [0.0, -h, -w, 0.0, x + w, y + h],
            Orientation::Right => [0.0, -h, w, 0.0, x, y + h],
            Orientation::Transversed => [0.0, h, w, 0.0, x, y],
            Orientation::Left => [0.0, h, -w, 0.0, x + w, y],
        };
        let matrix: String = [a, b, c, d, e, f].map(|value| number(value) + " ").concat();
        self.content.push_str(&format!("q {matrix}cm /I{} Do Q\n", self.images.len()));
        self.images.push(id);
        Ok(())
    }

    /// Puts text on the page that is not seen but found, marked and copied: words in reading order, each over its picture.
    pub fn words(&mut self, words: &[Word<'_>]) -> Result<(), DownloadError> {
        if words.is_empty() {
            return Ok(());
        }
        if self.pdf.text_layer.is_none() {
            self.pdf.text_layer = Some(TextLayer::new(&mut self.pdf.objects)?);
        }
        if let Some(layer) = &mut self.pdf.text_layer {
            layer.draw(words, self.size.height_px, &mut self.content);
            self.has_words = true;
        }
        Ok(())
    }

    /// Makes a rectangle of the page lead to a URI.
    pub fn link(&mut self, place: Rect, uri: &str) {
        let (left, top) = (f64::from(place.x) * self.scale, self.height - f64::from(place.y) * self.scale);
        let (right, bottom) = (left + f64::from(place.w) * self.scale, top - f64::from(place.h) * self.scale);
        self.link_units([left, bottom, right, top], uri);
    }

    fn link_units(&mut self, corners: [f64; 4], uri: &str) {
        let corners: String = corners.map(|value| number(value) + " ").concat();
        // URIs are ASCII (§12.6.4.7); other characters go as their bytes in UTF-8, as browsers take them.
        let uri: String = uri.bytes().filter(|byte| !byte.is_ascii_control()).map(escaped_byte).collect();
        self.links.push(format!(
            "<</Type/Annot/Subtype/Link/F 4/Border[0 0 0]/Rect[{}]/A<</S/URI/URI{}>>>>",
            corners.trim_end(),
            byte_string(uri.as_bytes())
        ));
    }

    /// Says why there is no picture: a short text in the middle of the page, in any script.
    pub fn notice(&mut self, text: &str, fonts: &Fonts) -> Result<(), DownloadError> {
        let key = NoticeKey { text: text.to_owned(), size: [self.width.to_bits(), self.height.to_bits()] };
        if let Some((_, known)) = self.pdf.notices.iter().find(|(known, _)| *known == key) {
            let known = known.clone();
            self.add(&known);
            return Ok(());
        }
        // A text of 14 points, or smaller on a page that is small.
        let room_pt = (self.width * self.unit_pt * 0.8).max(1.0);
        let size_pt = (room_pt / 16.0).clamp(1.0, 14.0);
        let paragraphs = [Paragraph::plain(text, size_pt / self.unit_pt).centred()];
        let mut set = setting::set(&paragraphs, self.width * 0.8, fonts);
        let top = self.height / 2.0 + set.height() / 2.0;
        set.place(self.width * 0.1, top);
        let written = set.write(&mut self.pdf.objects)?;
        self.add(&written);
        // Many pages have the same notice: it is set once, and so are its fonts.
        if self.pdf.notices.len() < MOST_NOTICES {
            self.pdf.notices.push((key, written));
        }
        Ok(())
    }

    /// Draws lines of text that have their place, in units of the page.
    pub(super) fn draw(&mut self, set: setting::Set) -> Result<(), DownloadError> {
        let written = set.write(&mut self.pdf.objects)?;
        self.add(&written);
        Ok(())
    }

    fn add(&mut self, written: &setting::Written) {
        // Images and words are in pixels, text that is seen is in units.
        self.content.push_str(&format!("q {0} 0 0 {0} 0 0 cm\n", number_fine(1.0 / self.scale)));
        self.content.push_str(&written.content);
        self.content.push_str("Q\n");
        self.fonts.extend(&written.fonts);
        for (corners, uri) in &written.links {
            self.link_units(*corners, uri);
        }
    }

    /// Writes the page.
    pub fn finish(self) -> Result<(), DownloadError> {
        let Self { pdf, facts, width, height, scale, unit_pt, content, images, fonts, links, has_words, .. } = self;
        let contents = pdf.objects.reserve()?;
        let scale = number_fine(scale);
        pdf.objects.deflated(contents, "", format!("q {scale} 0 0 {scale} 0 0 cm\n{content}Q\n").as_bytes())?;
        let mut resources = String::from("/ProcSet[/PDF/Text/ImageB/ImageC]");
        if !images.is_empty() {
            let named: String = images.iter().enumerate().map(|(index, id)| format!("/I{index} {id}")).collect();
            resources.push_str(&format!("/XObject<<{named}>>"));
        }
        // A font has the name of its number, so that content can be used again.
        let fonts: BTreeSet<Id> = fonts.into_iter().collect();
        let mut named: String = fonts.iter().map(|id| format!("/{} {id}", id.font_name())).collect();
        if let Some(layer) = pdf.text_layer.as_ref().filter(|_| has_words) {
            named.push_str(&format!("/{} {}", TextLayer::NAME, layer.font()));
        }
        if !named.is_empty() {
            resources.push_str(&format!("/Font<<{named}>>"));
        }
        let mut body = format!(
            "<</Type/Page/Parent {}/MediaBox[0 0 {} {}]/Contents {contents}/Resources<<{resources}>>",
            pdf.pages.parent(),
            number(width),
            number(height)
        );
        if unit_pt > 1.0 {
            body.push_str(&format!("/UserUnit {}", number(unit_pt)));
        }
        match facts.turn {
            Turn::None => {}
            Turn::Quarter => body.push_str("/Rotate 90"),
            Turn::Half => body.push_str("/Rotate 180"),
            Turn::ThreeQuarters => body.push_str("/Rotate 270"),
        }
        if !links.is_empty() {
            body.push_str(&format!("/Annots[{}]", links.concat()));
        }
        body.push_str(">>");
        let page = pdf.objects.add(&body)?;
        pdf.pages.push(page, &mut pdf.objects)?;
        if !self.is_cover {
            pdf.targets.push(page);
        }
        let label =
            facts.label.unwrap_or_else(|| if self.is_cover { String::new() } else { pdf.targets.len().to_string() });
        pdf.labels.push(&label, &mut pdf.objects)?;
        Ok(())
    }
}

fn escaped_byte(byte: u8) -> String {
    if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// A factor, which needs more digits than a place.
fn number_fine(value: f64) -> String {
    let text = format!("{value:.12}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
