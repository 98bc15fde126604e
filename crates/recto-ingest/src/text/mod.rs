//! Reads the text of pages in every format that it is kept in: ALTO, hOCR, PAGE XML, `MiniOCR`, TEI, `DjVu`'s XML, PDF, captions, plain text.
//!
//! [`recognise`] tells the format by content alone; [`read`] gives a page as [`PageText`], in the unit of its source, and never
//! fails: what is wrong is said in findings. [`read_each`] reads files of many pages once. [`proportions`] tells whether a text fits
//! the image that it is to be shown on, [`within_recording`] cuts captions where the recording ends.

mod alto;
mod annotations;
mod djvu;
mod encoding;
mod hocr;
mod hyphens;
mod markup;
mod mini_ocr;
mod page_xml;
mod pages;
pub(crate) mod pairing;
mod pdf;
mod plain;
mod recording;
mod script;
mod sheet;
mod tei;

use std::ops::ControlFlow;

use recto_iiif::Dimensions;
use recto_iiif::text::{PageSize, PageText};

pub use annotations::annotation_text;
pub use recording::within_recording;

use self::markup::{Elements, Event, Kind};
use self::pages::Pages;
use crate::av::captions::{self, CaptionFormat};
use crate::words::{At, Report};
use crate::{Finding, Severity};

/// How much of a file is enough for [`recognise`].
pub const HEAD_BYTES: u64 = 16 << 10;

/// Most bytes of a file of text that is read.
const MOST_BYTES: usize = 256 << 20;

/// How the text of pages is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// ALTO, 1 to 4.
    Alto,
    /// HTML with the marks of recognisers.
    Hocr,
    /// PAGE XML.
    PageXml,
    /// `MiniOCR`.
    MiniOcr,
    /// TEI.
    Tei,
    /// XML with the hidden text of `DjVu`.
    DjvuXml,
    /// PDF, of which the text layer is read.
    Pdf,
    /// `WebVTT`.
    WebVtt,
    /// `SubRip`.
    Srt,
    /// Plain text.
    Plain,
}

/// In what format a file is, by its beginning ([`HEAD_BYTES`]); `None` where it is no text of pages.
#[must_use]
pub fn recognise(head: &[u8]) -> Option<TextFormat> {
    let head = &head[..head.len().min(HEAD_BYTES as usize)];
    if memchr::memmem::find(&head[..head.len().min(1024)], b"%PDF-").is_some() {
        return Some(TextFormat::Pdf);
    }
    if let Some(format) = captions::format_of(head) {
        return Some(match format {
            CaptionFormat::WebVtt => TextFormat::WebVtt,
            CaptionFormat::Srt => TextFormat::Srt,
        });
    }
    let mut ignored = Report::new("");
    let text = encoding::text(head, &mut ignored);
    match text.trim_start().bytes().next()? {
        b'<' => marked_up(&text),
        b'{' => None,
        _ => is_readable(&text).then_some(TextFormat::Plain),
    }
}

/// The format of XML or HTML, by its first elements.
fn marked_up(text: &str) -> Option<TextFormat> {
    let mut ignored = Report::new("");
    let mut elements = Elements::new(text, Kind::Html);
    let mut has_root = false;
    while let Some(event) = elements.next(&mut ignored) {
        let Event::Open(tag) = event else { continue };
        if !std::mem::replace(&mut has_root, true) {
            match tag.name {
                "alto" => return Some(TextFormat::Alto),
                "PcGts" => return Some(TextFormat::PageXml),
                "DjVuXML" => return Some(TextFormat::DjvuXml),
                "ocr" => return Some(TextFormat::MiniOcr),
                "TEI" | "TEI.2" | "teiCorpus" => return Some(TextFormat::Tei),
                name if ["html", "body", "div", "span", "head"]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known)) => {}
                _ => return None,
            }
        }
        let is_said = tag.raw("name").is_some_and(|name| name.starts_with("ocr-"));
        let classes = tag.raw("class").unwrap_or_default();
        if is_said
            || classes.split_ascii_whitespace().any(|class| class.starts_with("ocr_") || class.starts_with("ocrx_"))
        {
            return Some(TextFormat::Hocr);
        }
    }
    None
}

/// Text of people has no control characters but those of its layout.
fn is_readable(text: &str) -> bool {
    let (mut all, mut strange) = (0_usize, 0_usize);
    for character in text.chars() {
        all += 1;
        if character == '\0' {
            return false;
        }
        strange += usize::from(
            character.is_control()
                && !matches!(character, '\n' | '\r' | '\t' | '\u{c}' | '\u{b}' | '\u{1a}' | '\u{85}')
                || character == '\u{fffd}',
        );
    }
    all > 0 && strange * 50 <= all
}

/// The text of a page of a file: `page` counts from 0, `name` is the file's path, for findings.
///
/// A file in no known format gives an empty page and a finding, as does a page that is not there.
#[must_use]
pub fn read(bytes: &[u8], page: usize, name: &str) -> (PageText, Vec<Finding>) {
    let mut found = PageText::default();
    let mut take = |_, text| {
        found = text;
        ControlFlow::Break(())
    };
    let findings = read_pages(bytes, Some(page), name, &mut take);
    (found, findings)
}

/// The texts of all pages of a file, one after the other, with their numbers from 0. `take` may end it.
pub fn read_each(bytes: &[u8], name: &str, mut take: impl FnMut(usize, PageText) -> ControlFlow<()>) -> Vec<Finding> {
    read_pages(bytes, None, name, &mut take)
}

fn read_pages<'t>(bytes: &[u8], wanted: Option<usize>, name: &str, take: &'t mut pages::Take<'t>) -> Vec<Finding> {
    let mut report = Report::new(name);
    if bytes.len() > MOST_BYTES {
        let message = format!("the file has {} MiB; up to {} MiB are read", bytes.len() >> 20, MOST_BYTES >> 20);
        report.error(At::FILE, "text-too-large", message, "divide it into a file for each page");
        return report.into_list();
    }
    let Some(format) = recognise(bytes) else {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            report.note(At::FILE, "text-empty", "the file is empty", "nothing has to be done if the page has no text");
        } else {
            let fix = "give ALTO, hOCR, PAGE XML, MiniOCR, TEI, PDF, WebVTT, SRT or plain text";
            report.warning(At::FILE, "text-unknown", "the file is no text of pages in a known format", fix);
        }
        return report.into_list();
    };
    let captions = match format {
        TextFormat::WebVtt | TextFormat::Srt => Some(captions::parse(bytes, name)),
        _ => None,
    };
    let text = match format {
        TextFormat::Pdf | TextFormat::WebVtt | TextFormat::Srt => "".into(),
        _ => encoding::text(bytes, &mut report),
    };
    let mut pages = Pages::new(wanted, take, &mut report);
    match format {
        TextFormat::Alto => alto::read(&text, &mut pages),
        TextFormat::Hocr => hocr::read(&text, &mut pages),
        TextFormat::PageXml => page_xml::read(&text, &mut pages),
        TextFormat::MiniOcr => mini_ocr::read(&text, &mut pages),
        TextFormat::Tei => tei::read(&text, &mut pages),
        TextFormat::DjvuXml => djvu::read(&text, &mut pages),
        TextFormat::Pdf => pdf::read(bytes, wanted, &mut pages),
        TextFormat::Plain => plain::read(&text, &mut pages),
        TextFormat::WebVtt | TextFormat::Srt => {
            if let Some((captions, _)) = &captions {
                plain::read_captions(captions, &mut pages);
            }
        }
    }
    pages.finish();
    let mut findings = captions.map(|(_, findings)| findings).unwrap_or_default();
    findings.extend(report.into_list());
    findings
}

/// By how much the proportions of a page of text and its image may differ, in parts of one.
const MOST_DIFFERENCE: f64 = 0.02;

/// Whether a text was read from an image of other proportions than the one it is to be shown on: one that was turned, cropped or
/// joined since. Then no scale makes its places right. `name` is the file of the text.
#[must_use]
pub fn proportions(size: PageSize, canvas: Dimensions, name: &str) -> Option<Finding> {
    let (width, height) = (f64::from(canvas.width_px), f64::from(canvas.height_px));
    if width < 1.0 || height < 1.0 || size.width <= 0.0 || size.height <= 0.0 {
        return None;
    }
    let differs = |read: f64, shown: f64| {
        (read / shown - 1.0).abs() > MOST_DIFFERENCE && (shown / read - 1.0).abs() > MOST_DIFFERENCE
    };
    let (read, shown) = (size.width / size.height, width / height);
    // Of small pictures, a pixel more or less is no crop.
    let is_rounding = (size.width * height / size.height - width).abs() <= 1.5
        || (size.height * width / size.width - height).abs() <= 1.5;
    if !differs(read, shown) || is_rounding {
        return None;
    }
    let why = if differs(1.0 / read, shown) { "cropped, or is another" } else { "turned" };
    let message = format!(
        "the text was read from an image of {} × {}, and the page has {} × {} pixels: the image was {why} since, so words are not where they say",
        size.width, size.height, canvas.width_px, canvas.height_px
    );
    let fix = "recognise the text of the image again, or put the image back that it was read from";
    Some(Finding::new(Severity::Warning, "text-proportions", name, message, fix))
}

#[cfg(test)]
mod tests {
    use recto_iiif::text::Unit;

    use super::*;

    #[test]
    fn formats_are_known_by_content_alone() {
        use TextFormat::{Alto, DjvuXml, Hocr, MiniOcr, PageXml, Pdf, Plain, Srt, Tei, WebVtt};
        let utf_16: Vec<u8> =
            "<?xml version='1.0' encoding='UTF-16'?><alto/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (content, want) in [
            (&b"<alto>"[..], Some(Alto)),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <html> --><a:alto xmlns:a='x'>", Some(Alto)),
            (&utf_16, Some(Alto)),
            (b"<PcGts xmlns='x'><Metadata>", Some(PageXml)),
            (b"<!DOCTYPE html><html><head><meta name='ocr-system' content='x'>", Some(Hocr)),
            (b"<html><body><div class='x ocr_page'>", Some(Hocr)),
            (b"<html><body><p>ocr_page", None),
            (b"<ocr><p>", Some(MiniOcr)),
            (b"<TEI xmlns='http://www.tei-c.org/ns/1.0'>", Some(Tei)),
            (b"<?xml version='1.0'?><!DOCTYPE DjVuXML><DjVuXML>", Some(DjvuXml)),
            (b"<mets><alto/>", None),
            (b"%PDF-1.7\n", Some(Pdf)),
            (b"WEBVTT\n", Some(WebVtt)),
            (b"1\n00:00:01,000 --> 00:00:02,000\nx", Some(Srt)),
            (b"Stra\xdfe", Some(Plain)),
            (b"{\"a\": 1}", None),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", None),
            (b"", None),
        ] {
            assert_eq!(recognise(content), want, "{:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn t2_a_text_of_an_image_that_was_turned_or_cropped_since_is_told() {
        let size = |width, height| PageSize { width, height, unit: Unit::TenthOfMillimetre };
        let found = |width, height| proportions(size(width, height), Dimensions::new(1000, 1500), "a.xml");
        assert_eq!(found(2000.0, 3000.0), None);
        assert_eq!(found(2000.0, 3050.0), None);
        assert!(found(2000.0, 3100.0).unwrap().message.contains("cropped"));
        assert!(found(3000.0, 2000.0).unwrap().message.contains("turned"));
        assert_eq!(proportions(size(100.0, 3.0), Dimensions::new(1000, 31), "a.xml"), None);
    }
}
