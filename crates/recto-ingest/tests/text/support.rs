//! Reading and looking at what was read.

use recto_iiif::text::{Area, PageText, TextWord, WordPart};
use recto_ingest::{Finding, text};

/// The page, of which nothing was noticed.
pub(crate) fn page(content: &str) -> PageText {
    let (page, findings) = text::read(content.as_bytes(), 0, "a.xml");
    assert!(findings.is_empty(), "{findings:#?}");
    page
}

pub(crate) fn texts(page: &PageText) -> Vec<&str> {
    page.words().map(|word| word.text.as_str()).collect()
}

pub(crate) fn areas(page: &PageText) -> Vec<[f64; 4]> {
    page.words().map(|word| word.area.map_or([-1.0; 4], |area| [area.x, area.y, area.w, area.h])).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "areas are given as they are compared")]
pub(crate) fn area(x: f64, y: f64, w: f64, h: f64) -> Option<Area> {
    Some(Area { x, y, w, h })
}

/// `whole|` for the first part of a word, `|` for the second.
pub(crate) fn parts(page: &PageText) -> Vec<String> {
    let part = |word: &TextWord| match &word.part {
        Some(WordPart::First { whole }) => Some(format!("{}:{whole}|", word.text)),
        Some(WordPart::Second) => Some(format!("|{}", word.text)),
        None => None,
    };
    page.words().filter_map(part).collect()
}

pub(crate) fn rules(findings: &[Finding]) -> Vec<(&'static str, Option<u32>)> {
    findings.iter().map(|finding| (finding.rule, finding.line)).collect()
}
