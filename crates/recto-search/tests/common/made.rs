//! Texts and queries made by chance.

use proptest::prelude::*;
use proptest::sample::select;
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};

use super::scan::{Asked, Means};

pub const WORDS: &[&str] = &[
    "Grün",
    "grün",
    "GRUN",
    "grüne",
    "Vogel",
    "vogel,",
    "(Vögel)",
    "a",
    "ab",
    "aab",
    "l'ami",
    "L’AMI!",
    "x-y-z",
    "Straße",
    "ſtraſſe",
    "—",
    "1,5",
    "東",
    "京",
    "東京",
    "京都東京",
    "東、京",
    "東京。",
    "「東",
    "IIIF東京",
    "ไทย",
    "น้ำ",
    "Йод",
    "иод",
    "☀",
    "☀\u{fe0f}🎉",
    "(☀)",
    "ab☀",
    "☀東",
];

pub fn word() -> impl Strategy<Value = TextWord> {
    let area = prop::option::weighted(0.9, (0_u32..500, 0_u32..500, 1_u32..90, 1_u32..90));
    let alternatives = prop::collection::vec(select(WORDS), 0..2);
    (
        select(WORDS),
        area,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        alternatives,
        prop::bool::weighted(0.15),
    )
        .prop_map(|(text, area, is_joined, has_more, alternatives, is_broken)| TextWord {
            text: text.to_owned(),
            area: area.map(|(x, y, w, h)| Area { x: x.into(), y: y.into(), w: w.into(), h: h.into() }),
            joined_to_next: is_joined,
            alternatives: if has_more { alternatives.into_iter().map(str::to_owned).collect() } else { vec![] },
            part: is_broken.then_some(WordPart::Second),
            ..TextWord::default()
        })
}

pub fn line() -> impl Strategy<Value = TextLine> {
    let area = prop::option::of((0_u32..500, 0_u32..500, 1_u32..500, 1_u32..90));
    (prop::collection::vec(word(), 0..7), area, prop::option::of((0_u32..9000, 0_u32..9000))).prop_map(
        |(words, area, time)| TextLine {
            words,
            area: area.map(|(x, y, w, h)| Area { x: x.into(), y: y.into(), w: w.into(), h: h.into() }),
            time_s: time.map(|(from, length)| (f64::from(from) / 1000.0, f64::from(from + length) / 1000.0)),
            ..TextLine::default()
        },
    )
}

/// Words marked as second parts get a first part before them, in most cases.
pub fn pages() -> impl Strategy<Value = Vec<PageText>> {
    let page = prop::collection::vec(line(), 0..4).prop_map(|lines| PageText {
        blocks: vec![TextBlock { lines, ..TextBlock::default() }],
        ..PageText::default()
    });
    prop::collection::vec(page, 0..5).prop_map(|mut pages| {
        let mut words: Vec<&mut TextWord> = pages
            .iter_mut()
            .flat_map(|page| &mut page.blocks)
            .flat_map(|block| &mut block.lines)
            .flat_map(|line| &mut line.words)
            .collect();
        for at in 1..words.len() {
            if words[at].part == Some(WordPart::Second) && words[at - 1].part.is_none() {
                let whole = format!("{}{}", words[at - 1].text, words[at].text);
                words[at - 1].part = Some(WordPart::First { whole });
            }
        }
        pages
    })
}

pub fn asked() -> impl Strategy<Value = Vec<Asked>> {
    let asked_words = [
        "ab*", "grun", "vogel", "gr", "v", "東", "京", "京都", "東京", "a", "ami", "strasse", "x-y", "voge", "xgrun",
        "ไท", "й", "☀", "🎉",
    ];
    let text = prop_oneof![
        select(WORDS).prop_map(str::to_owned),
        select(asked_words.to_vec()).prop_map(|it| it.replace('*', ""))
    ];
    let means = prop_oneof![
        4 => Just(Means::Exactly),
        1 => Just(Means::BeginsSo),
        1 => Just(Means::Within(1)),
        1 => Just(Means::Within(2)),
    ];
    let clause = (prop::bool::weighted(0.15), prop::bool::ANY, prop::collection::vec((text, means), 1..4)).prop_map(
        |(not, quoted, mut words)| {
            if !quoted {
                words.truncate(1);
            }
            Asked { not, quoted, words }
        },
    );
    prop::collection::vec(clause, 1..4)
}

/// What is asked for, as people type it.
pub fn typed(query: &[Asked]) -> String {
    query.iter().map(Asked::typed).collect::<Vec<_>>().join(" ")
}

/// At least so many cases; more by `PROPTEST_CASES`.
pub fn cases(least: u32) -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    ProptestConfig { cases: if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { least }, ..config }
}
