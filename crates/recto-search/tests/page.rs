//! Blobs of pages give back what they were made of.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::made::{cases, pages};
use proptest::prelude::*;
use recto_iiif::Rect;
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};
use recto_search::SearchError;
use recto_search::page::{Page, Part, encode};

fn whole_units(area: Area) -> Rect {
    Rect::new(area.x as u32, area.y as u32, area.w as u32, area.h as u32)
}

fn check(text: &PageText) {
    let page = Page::decode(&encode(text).unwrap()).unwrap();
    assert_eq!(page.language(), text.language.as_deref());
    let lines: Vec<&TextLine> = text.lines().collect();
    assert_eq!(page.line_count(), lines.len());
    assert_eq!(page.word_count(), text.words().count());
    let mut ordinal = 0;
    for (number, line) in lines.into_iter().enumerate() {
        let read = page.line(number).unwrap();
        assert_eq!(read.words, ordinal..ordinal + line.words.len());
        assert_eq!(read.time_s, line.time_s);
        assert_eq!(read.language, line.language.as_deref().or(text.language.as_deref()));
        let are_placed = line.words.iter().all(|word| word.area.is_some());
        assert_eq!(read.area, line.area.filter(|_| !are_placed).map(whole_units));
        for word in &line.words {
            let read = page.word(ordinal).unwrap();
            assert_eq!((read.text, read.line), (word.text.as_str(), number));
            assert_eq!(read.area, word.area.map(whole_units));
            assert_eq!(read.joined_to_next, word.joined_to_next);
            let part = word.part.as_ref().map(|part| match part {
                WordPart::First { whole } => Part::First { whole },
                WordPart::Second => Part::Second,
            });
            assert_eq!(read.part, part);
            assert!(page.alternatives(ordinal).eq(word.alternatives.iter().map(String::as_str)));
            ordinal += 1;
        }
    }
}

#[test]
fn languages_large_numbers_and_odd_boxes_come_back() {
    let word = |text: &str, [x, y, w, h]: [u32; 4]| TextWord {
        text: text.into(),
        area: Some(Area { x: x.into(), y: y.into(), w: w.into(), h: h.into() }),
        ..TextWord::default()
    };
    let line = |language: Option<&str>, words| TextLine {
        language: language.map(str::to_owned),
        words,
        ..TextLine::default()
    };
    let lines = vec![
        line(Some("fr"), vec![word("a", [u32::MAX, u32::MAX, u32::MAX, u32::MAX]), word("b", [0, 0, 0, 0])]),
        line(Some("la"), vec![word("c", [5, 5, 5, 5])]),
        line(None, vec![]),
        line(Some("fr"), vec![word("東京", [1, 2, 3, 4])]),
        line(Some("de"), vec![word("d", [9, 0, 1, 1]), TextWord { text: "e".into(), ..TextWord::default() }]),
    ];
    let blocks = vec![TextBlock { lines, ..TextBlock::default() }];
    check(&PageText { language: Some("de".into()), blocks, ..PageText::default() });
    check(&PageText::default());
}

#[test]
fn white_space_in_a_word_moves_no_other_word() {
    let words = ["a b", "c\nd", "e"].map(|text| TextWord { text: text.into(), ..TextWord::default() });
    let line = TextLine { words: words.into(), ..TextLine::default() };
    let text =
        PageText { blocks: vec![TextBlock { lines: vec![line], ..TextBlock::default() }], ..PageText::default() };
    let page = Page::decode(&encode(&text).unwrap()).unwrap();
    assert_eq!(page.words().map(|word| word.text).collect::<Vec<_>>(), ["a b", "c d", "e"]);
}

#[test]
fn more_text_than_fits_is_an_error_that_says_so() {
    let word = TextWord { text: "x".repeat(17 << 20), ..TextWord::default() };
    let line = TextLine { words: vec![word], ..TextLine::default() };
    let text =
        PageText { blocks: vec![TextBlock { lines: vec![line], ..TextBlock::default() }], ..PageText::default() };
    let error = encode(&text).unwrap_err();
    assert_eq!(error.to_string(), "a page of text holds up to 524,288 words of 16 MiB; divide the text");
    assert!(matches!(error, SearchError::TooLarge { .. }));
    let words = vec![TextWord { text: "x".into(), ..TextWord::default() }; (1 << 19) + 1];
    let line = TextLine { words, ..TextLine::default() };
    let mut text =
        PageText { blocks: vec![TextBlock { lines: vec![line], ..TextBlock::default() }], ..PageText::default() };
    assert!(matches!(encode(&text), Err(SearchError::TooLarge { .. })));
    text.blocks[0].lines[0].words.pop();
    assert_eq!(Page::decode(&encode(&text).unwrap()).unwrap().word_count(), 1 << 19);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn pages_come_back(pages in pages()) {
        pages.iter().for_each(check);
    }
}
