//! Files with the text of a page, found by their names: `001.xml` or `alto/001.xml` beside `001.tif`. What they are, their content tells.

use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use super::{TextFormat, recognise};
use crate::assemble::stems;
use crate::av::captions;
use crate::description::Link;

pub(crate) use super::HEAD_BYTES;

impl TextFormat {
    /// The order in which they are preferred as the text of a page: those that know most come first.
    const fn rank(self) -> u8 {
        match self {
            Self::PageXml => 0,
            Self::Alto => 1,
            Self::Hocr => 2,
            Self::MiniOcr => 3,
            Self::DjvuXml => 4,
            Self::Tei => 5,
            Self::Pdf => 6,
            Self::WebVtt => 7,
            Self::Srt => 8,
            Self::Plain => 9,
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::PageXml | Self::Alto | Self::MiniOcr | Self::DjvuXml => "application/xml",
            Self::Tei => "application/tei+xml",
            Self::Hocr => "text/vnd.hocr+html",
            Self::Pdf => "application/pdf",
            Self::WebVtt => "text/vtt",
            Self::Srt => "application/x-subrip",
            Self::Plain => "text/plain",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::PageXml => "Text with positions (PAGE XML)",
            Self::Alto => "Text with positions (ALTO)",
            Self::Hocr => "Text with positions (hOCR)",
            Self::MiniOcr => "Text with positions (MiniOCR)",
            Self::DjvuXml => "Text with positions (DjVu XML)",
            Self::WebVtt | Self::Srt => "Captions",
            Self::Tei | Self::Pdf | Self::Plain => "Text",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::PageXml | Self::Alto | Self::MiniOcr | Self::DjvuXml | Self::Tei => "Dataset",
            Self::Hocr | Self::Pdf | Self::WebVtt | Self::Srt | Self::Plain => "Text",
        }
    }

    const fn is_captions(self) -> bool {
        matches!(self, Self::WebVtt | Self::Srt)
    }
}

/// What the name of a file says of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// Only that its content tells.
    ByContent,
    /// What it is, if its content does not tell otherwise.
    As(TextFormat),
}

impl Named {
    const fn format(self) -> Option<TextFormat> {
        match self {
            Self::ByContent => None,
            Self::As(format) => Some(format),
        }
    }
}

/// What names are given to files of text. Other files of the same content are something else: a table, a program, a record.
fn by_name(name: &str) -> Option<Named> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "xml" | "html" | "htm" => Some(Named::ByContent),
        "hocr" => Some(Named::As(TextFormat::Hocr)),
        "vtt" => Some(Named::As(TextFormat::WebVtt)),
        "srt" => Some(Named::As(TextFormat::Srt)),
        "txt" => Some(Named::As(TextFormat::Plain)),
        _ => None,
    }
}

/// What kind of text a file is: what its content says, and where that says nothing, its name. TEI describes, and is read as a record.
fn kind(name: &str, head: &[u8]) -> Option<TextFormat> {
    let named = by_name(name)?.format();
    match recognise(head) {
        Some(TextFormat::Tei | TextFormat::Pdf) => None,
        // Words between tags that nobody knows are no text.
        Some(TextFormat::Plain) => named,
        Some(format) => Some(format),
        // A file that is cut off or cannot be read is told of when it is read.
        None => named.filter(|named| *named != TextFormat::Plain || head.is_empty()),
    }
}

/// The namespace of the first element that has one.
fn namespace(format: TextFormat, head: &[u8]) -> Option<String> {
    if !matches!(format, TextFormat::Alto | TextFormat::PageXml) {
        return None;
    }
    let text: String = head.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    let behind = text.split_once("xmlns")?.1;
    let quoted = behind.split_once('=')?.1.trim_start();
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(quoted[1..].split_once(quote)?.0.to_owned())
}

/// Is this the beginning of an XML file with the text of a page?
pub(crate) fn is_text(head: &[u8]) -> bool {
    use TextFormat::{Alto, DjvuXml, Hocr, MiniOcr, PageXml};
    matches!(recognise(head), Some(Alto | DjvuXml | Hocr | MiniOcr | PageXml))
}

/// Says of a link to a file of text what the source that named it did not: what kind of text it is.
pub(crate) fn complete(link: &mut Link, head: &[u8]) {
    let known = recognise(head).filter(|format| *format != TextFormat::Plain);
    let Some(format) = known.or_else(|| by_name(&link.id).and_then(Named::format)) else { return };
    if link.label.is_empty() {
        link.label = LanguageMap::one("en", format.label());
    }
    if link.class.is_empty() {
        format.class().clone_into(&mut link.class);
    }
    link.format.get_or_insert_with(|| format.media_type().to_owned());
    if link.profile.is_none() {
        link.profile = namespace(format, head);
    }
}

/// The texts of pages by the label of their file, the preferred one first. `head` gives the beginning of a file.
pub(crate) fn pair<'a>(
    labels: impl Iterator<Item = &'a str>,
    sides: impl Iterator<Item = &'a str>,
    head: &dyn Fn(&str) -> Vec<u8>,
) -> HashMap<&'a str, Vec<Link>> {
    let mut texts: HashMap<&str, Vec<(TextFormat, Link)>> = labels.map(|label| (label, Vec::new())).collect();
    let mut captions: Vec<(&str, TextFormat)> = Vec::new();
    for side in sides {
        if by_name(side).and_then(Named::format).is_some_and(TextFormat::is_captions) {
            captions.extend(kind(side, &head(side)).map(|format| (side, format)));
            continue;
        }
        let Some(stem) = stems(side).find(|stem| texts.contains_key(*stem)) else { continue };
        if by_name(side).is_none() {
            continue;
        }
        let head = head(side);
        let (Some(format), Some(of_page)) = (kind(side, &head), texts.get_mut(stem)) else { continue };
        of_page.push((format, link(side, format, namespace(format, &head), language(side, stem))));
    }
    pair_captions(&captions, &mut texts);
    texts
        .into_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(label, mut found)| {
            found.sort_by(|(a, left), (b, right)| a.rank().cmp(&b.rank()).then_with(|| left.id.cmp(&right.id)));
            (label, found.into_iter().map(|(_, link)| link).collect())
        })
        .collect()
}

/// Captions may have their language behind other marks than a point (`interview_it.vtt`), and go to the longest name.
fn pair_captions<'a>(captions: &[(&'a str, TextFormat)], texts: &mut HashMap<&'a str, Vec<(TextFormat, Link)>>) {
    if captions.is_empty() {
        return;
    }
    let mut labels: Vec<&str> = texts.keys().copied().collect();
    labels.sort_unstable();
    // A label has no extension, which a recording has.
    let recordings: Vec<String> = labels.iter().map(|label| format!("{label}.recording")).collect();
    let recordings: Vec<&str> = recordings.iter().map(String::as_str).collect();
    let names: Vec<&str> = captions.iter().map(|(side, _)| side.rsplit('/').next().unwrap_or(side)).collect();
    for (recording, caption, name) in captions::pair(&recordings, &names) {
        let (Some(label), Some((side, format))) = (labels.get(recording), captions.get(caption)) else { continue };
        if let Some(of_page) = texts.get_mut(label) {
            of_page.push((*format, link(side, *format, None, name.language)));
        }
    }
}

fn link(side: &str, format: TextFormat, profile: Option<String>, language: Option<String>) -> Link {
    Link {
        id: side.to_owned(),
        class: format.class().to_owned(),
        label: LanguageMap::one("en", format.label()),
        format: Some(format.media_type().to_owned()),
        profile,
        language: language.into_iter().collect(),
    }
}

/// The language between the stem and the extension: `en` in `interview.en.vtt`.
fn language(side: &str, stem: &str) -> Option<String> {
    let name = side.rsplit('/').next()?;
    let between = name.strip_prefix(stem)?.strip_prefix('.')?.rsplit_once('.')?.0;
    let first = between.split('-').next()?;
    let is_tag = (2..=3).contains(&first.len())
        && between
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_tag.then(|| between.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_belong_to_the_page_whose_name_they_have() {
        let head = |name: &str| match name {
            "alto/1.xml" => b"<?xml version='1.0'?><alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\">".to_vec(),
            "page/1.xml" => b"<PcGts xmlns='http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15'>".to_vec(),
            "1.hocr" => b"<html><body><div class='ocr_page'>".to_vec(),
            "1.html" => b"<html><body><p>Welcome".to_vec(),
            "2_it.srt" => b"1\n00:00:01,000 --> 00:00:02,000\nUno".to_vec(),
            "2.vtt" | "2.en.vtt" => b"WEBVTT\n".to_vec(),
            "1.txt" | "3.txt" | "2.note.txt" => b"words".to_vec(),
            _ => b"<mets>".to_vec(),
        };
        let sides = [
            "1.txt",
            "alto/1.xml",
            "page/1.xml",
            "2.en.vtt",
            "2.vtt",
            "mets.xml",
            "3.txt",
            "2.note.txt",
            "1.hocr",
            "1.html",
            "2_it.srt",
        ];
        let texts = pair(["1", "2"].into_iter(), sides.into_iter(), &head);
        let names = |label: &str| texts[label].iter().map(|link| link.id.as_str()).collect::<Vec<_>>();
        assert_eq!(names("1"), ["page/1.xml", "alto/1.xml", "1.hocr", "1.txt"]);
        assert_eq!(names("2"), ["2.en.vtt", "2.vtt", "2_it.srt", "2.note.txt"]);
        assert_eq!(texts["2"][2].format.as_deref(), Some("application/x-subrip"));
        assert_eq!(texts["2"][2].language, ["it"]);
        assert_eq!(texts["1"][1].profile.as_deref(), Some("http://www.loc.gov/standards/alto/ns-v4#"));
        assert_eq!((&texts["2"][0].language, &texts["2"][1].language), (&vec!["en".to_owned()], &Vec::new()));
        assert_eq!(texts.len(), 2);
    }
}
