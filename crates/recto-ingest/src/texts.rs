//! Files with the text of a page, found by their names: `001.xml` or `alto/001.xml` beside `001.tif`.

use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use crate::assemble::stems;
use crate::description::Link;

/// How much of an XML file is looked at to tell what it is.
pub(crate) const HEAD_BYTES: u64 = 2048;

/// What a file with text is; in the order in which they are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TextKind {
    PageXml,
    Alto,
    Hocr,
    Vtt,
    Srt,
    Plain,
}

impl TextKind {
    /// What a name says; XML has to be looked into.
    fn by_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "hocr" | "html" | "htm" => Some(Self::Hocr),
            "vtt" => Some(Self::Vtt),
            "srt" => Some(Self::Srt),
            "txt" => Some(Self::Plain),
            _ => None,
        }
    }

    /// What the beginning of an XML file says, with its namespace.
    fn of_xml(head: &[u8]) -> Option<(Self, Option<String>)> {
        let text: String = head.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        let namespace = || {
            let behind = text.split_once("xmlns")?.1;
            let quoted = behind.split_once('=')?.1.trim_start();
            let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            Some(quoted[1..].split_once(quote)?.0.to_owned())
        };
        if text.contains("<alto") || text.contains(":alto") {
            Some((Self::Alto, namespace()))
        } else if text.contains("PcGts") {
            Some((Self::PageXml, namespace()))
        } else if text.contains("ocr_page") || text.contains("<html") {
            Some((Self::Hocr, None))
        } else {
            None
        }
    }

    const fn format(self) -> &'static str {
        match self {
            Self::PageXml | Self::Alto => "application/xml",
            Self::Hocr => "text/vnd.hocr+html",
            Self::Vtt => "text/vtt",
            Self::Srt => "application/x-subrip",
            Self::Plain => "text/plain",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::PageXml => "Text with positions (PAGE XML)",
            Self::Alto => "Text with positions (ALTO)",
            Self::Hocr => "Text with positions (hOCR)",
            Self::Vtt | Self::Srt => "Captions",
            Self::Plain => "Text",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::PageXml | Self::Alto => "Dataset",
            Self::Hocr | Self::Vtt | Self::Srt | Self::Plain => "Text",
        }
    }
}

/// Is this the beginning of a file with the text of a page?
pub(crate) fn is_text(head: &[u8]) -> bool {
    TextKind::of_xml(head).is_some()
}

/// Says of a link to a file of text what the source that named it did not: what kind of text it is.
pub(crate) fn complete(link: &mut Link, head: &[u8]) {
    let Some((kind, profile)) = TextKind::of_xml(head).or_else(|| TextKind::by_name(&link.id).map(|kind| (kind, None)))
    else {
        return;
    };
    if link.label.is_empty() {
        link.label = LanguageMap::one("en", kind.label());
    }
    if link.class.is_empty() {
        kind.class().clone_into(&mut link.class);
    }
    link.format.get_or_insert_with(|| kind.format().to_owned());
    if link.profile.is_none() {
        link.profile = profile;
    }
}

/// The texts of pages by the label of their file, the preferred one first. `head` gives the beginning of a file.
pub(crate) fn pair<'a>(
    labels: impl Iterator<Item = &'a str>,
    sides: impl Iterator<Item = &'a str>,
    head: &dyn Fn(&str) -> Vec<u8>,
) -> HashMap<&'a str, Vec<Link>> {
    let mut texts: HashMap<&str, Vec<(TextKind, Link)>> = labels.map(|label| (label, Vec::new())).collect();
    for side in sides {
        let Some(stem) = stems(side).find(|stem| texts.contains_key(*stem)) else { continue };
        let is_xml = side.to_ascii_lowercase().ends_with(".xml");
        let found =
            if is_xml { TextKind::of_xml(&head(side)) } else { TextKind::by_name(side).map(|kind| (kind, None)) };
        let (Some((kind, profile)), Some(of_page)) = (found, texts.get_mut(stem)) else { continue };
        of_page.push((
            kind,
            Link {
                id: side.to_owned(),
                class: kind.class().to_owned(),
                label: LanguageMap::one("en", kind.label()),
                format: Some(kind.format().to_owned()),
                profile,
                language: language(side, stem).into_iter().collect(),
            },
        ));
    }
    texts
        .into_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(label, mut found)| {
            found.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.id.cmp(&right.id)));
            (label, found.into_iter().map(|(_, link)| link).collect())
        })
        .collect()
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
            _ => b"<mets>".to_vec(),
        };
        let sides =
            ["1.txt", "alto/1.xml", "page/1.xml", "2.en.vtt", "2.vtt", "mets.xml", "3.txt", "2.note.txt", "1.hocr"];
        let texts = pair(["1", "2"].into_iter(), sides.into_iter(), &head);
        let names = |label: &str| texts[label].iter().map(|link| link.id.as_str()).collect::<Vec<_>>();
        assert_eq!(names("1"), ["page/1.xml", "alto/1.xml", "1.hocr", "1.txt"]);
        assert_eq!(names("2"), ["2.en.vtt", "2.vtt", "2.note.txt"]);
        assert_eq!(texts["1"][1].profile.as_deref(), Some("http://www.loc.gov/standards/alto/ns-v4#"));
        assert_eq!((&texts["2"][0].language, &texts["2"][1].language), (&vec!["en".to_owned()], &Vec::new()));
        assert_eq!(texts.len(), 2);
    }
}
