//! Answers over real pages in several scripts equal those of a plain scan.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::Object;
use common::made::typed;
use common::scan::{Asked, Means, Scan};
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord};
use recto_search::query::Query;
use recto_search::search::{Scope, complete, find};
use recto_testkit::{Rng, data_dir, files_below};

/// The value of an attribute of a tag, however it is quoted.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!(" {name}="))? + name.len() + 2;
    let quote = tag[at..].chars().next()?;
    let value = &tag[at + 1..];
    let value = &value[..value.find(quote)?];
    let entities = [("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    Some(entities.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character)))
}

fn words(text: &str, area: Option<Area>) -> Vec<TextWord> {
    let words: Vec<_> = text.split_whitespace().collect();
    let area = area.filter(|_| words.len() == 1);
    words.into_iter().map(|text| TextWord { text: text.to_owned(), area, ..TextWord::default() }).collect()
}

fn page(lines: Vec<TextLine>) -> PageText {
    PageText { blocks: vec![TextBlock { lines, ..TextBlock::default() }], ..PageText::default() }
}

/// Words of an ALTO file, crudely.
fn alto(text: &str) -> PageText {
    let mut lines: Vec<TextLine> = vec![TextLine::default()];
    for tag in text.split('<').filter_map(|part| part.split('>').next()) {
        if tag.starts_with("TextLine") || tag.starts_with("alto:TextLine") {
            lines.push(TextLine::default());
        }
        let Some(content) = attribute(tag, "CONTENT").filter(|_| tag.contains("String")) else { continue };
        let side = |name: &str| attribute(tag, name)?.parse::<f64>().ok().map(|it| it.round().max(0.0));
        let area = || Some(Area { x: side("HPOS")?, y: side("VPOS")?, w: side("WIDTH")?, h: side("HEIGHT")? });
        lines.last_mut().unwrap().words.extend(words(&content, area()));
    }
    page(lines)
}

/// Words of an hOCR file, crudely.
fn hocr(text: &str) -> PageText {
    let mut lines: Vec<TextLine> = vec![TextLine::default()];
    for part in text.split('<') {
        let Some((tag, content)) = part.split_once('>') else { continue };
        if tag.contains("ocr_line") {
            lines.push(TextLine::default());
        }
        let Some(title) = attribute(tag, "title").filter(|_| tag.contains("ocrx_word")) else { continue };
        let sides: Vec<f64> = title.split([' ', ';']).skip(1).map_while(|it| it.parse().ok()).collect();
        let area = match sides.as_slice() {
            [x, y, right, bottom, ..] => Some(Area { x: *x, y: *y, w: right - x, h: bottom - y }),
            _ => None,
        };
        lines.last_mut().unwrap().words.extend(words(&content.replace("&amp;", "&"), area));
    }
    page(lines)
}

fn read(path: &Path) -> Option<PageText> {
    let text = std::fs::read_to_string(path).ok()?;
    let page = match path.extension()?.to_str()? {
        "xml" => alto(&text),
        "hocr" | "html" => hocr(&text),
        _ => return None,
    };
    (page.words().count() > 2).then_some(page)
}

/// Queries of each kind from words of the text.
fn queries(pages: &[PageText], rng: &mut Rng, count: usize) -> Vec<Vec<Asked>> {
    let words: Vec<&str> = pages.iter().flat_map(PageText::words).map(|word| word.text.as_str()).collect();
    let mut ask = |kind: usize| {
        let at = rng.below(words.len() as u32) as usize;
        let word = words[at]
            .trim_matches(['"', '“', '”', '„', '«', '»', '*', '~', '-', '＂', '〝', '〞', '〟', '‟'])
            .replace(['"', '*', '~'], "");
        let word = |means| vec![(word.clone(), means)];
        let begin: String = words[at].chars().filter(|it| it.is_alphanumeric()).take(3).collect();
        let asked = |quoted, words| Asked { not: false, quoted, words };
        let next = |length: usize| -> Vec<_> {
            let phrase = words[at..].iter().take(length);
            phrase
                .map(|word| {
                    (
                        word.replace(['"', '“', '”', '„', '«', '»', '*', '~', '＂', '〝', '〞', '〟', '‟'], ""),
                        Means::Exactly,
                    )
                })
                .collect()
        };
        match kind {
            0 => vec![asked(false, word(Means::Exactly))],
            1 => vec![asked(false, vec![(begin, Means::BeginsSo)])],
            2 => vec![asked(false, word(Means::Within(1)))],
            3 => vec![asked(false, word(Means::Within(2)))],
            4 => vec![asked(true, next(2))],
            5 => vec![asked(true, next(3))],
            _ => vec![asked(false, word(Means::Exactly)), asked(false, vec![(begin, Means::BeginsSo)])],
        }
    };
    (0..count).map(|number| ask(number % 7)).collect()
}

#[test]
fn answers_over_real_pages_are_those_of_a_scan() {
    let Some(data) = data_dir() else { return };
    let mut pages: Vec<PageText> = Vec::new();
    for folder in ["ocr", "pdf-and-hocr", "mets"] {
        pages.extend(files_below(&data.join(folder)).iter().filter_map(|path| read(path)));
    }
    assert!(pages.len() > 20, "{} pages", pages.len());
    let mut rng = Rng::new(7);
    let (mut asked, mut found, mut completed) = (0, 0, 0);
    for pages in pages.chunks(4) {
        let object = Object::of(pages, None);
        let scan = Scan::new(pages, None);
        for query in queries(pages, &mut rng, 35) {
            let typed = typed(&query);
            let scope: Option<BTreeSet<usize>> = (rng.below(3) == 0).then(|| [0, 2].into());
            let limits = scope.as_ref().map(|scope| Scope::of_pages(scope.iter().map(|page| *page as u32)));
            let matches = find(&object.index, &Query::parse(&typed), limits.as_ref());
            let wanted = scan.find(&query, scope.as_ref());
            let spans: Vec<_> = matches.spans().iter().map(|span| span.start as usize..span.end as usize).collect();
            assert_eq!(spans, wanted, "{typed}");
            let hits = object.hits_of(&matches, 6);
            for (hit, wanted) in hits.iter().zip(&wanted).take(15) {
                assert_eq!(*hit, scan.hit(wanted, 6), "{typed}");
            }
            asked += 1;
            found += wanted.len();
            let begin: String = typed.chars().filter(|it| it.is_alphanumeric()).take(2).collect();
            for term in complete(&object.index, &begin, limits.as_ref(), 1, 10) {
                let total = find(&object.index, &Query::parse(&term.value), limits.as_ref()).total() as u64;
                assert_eq!(total, term.count, "{}", term.value);
                completed += 1;
            }
        }
    }
    assert!(asked > 200 && found > asked && completed > asked, "{asked} queries, {found} matches, {completed} terms");
}
