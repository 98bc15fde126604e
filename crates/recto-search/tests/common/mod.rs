//! Texts for tests, written as people would: a line a line, words apart by spaces.
//!
//! `Wör¬` at the end of a line and the first word of the next are a broken word; `a|b` is `a` with the alternative `b`; `_` at the
//! end of a word joins it to the next.

#![expect(unreachable_pub, reason = "several test programs share it")]
#![allow(dead_code, reason = "none of them needs all of it")]

pub mod made;
pub mod scan;

use bytes::Bytes;
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};
use recto_search::index::{Continuity, Index, IndexBuilder};
use recto_search::page::{Page, encode};
use recto_search::query::Query;
use recto_search::search::{Hit, Matches, Scope, find, locate};

pub struct Object {
    pub index: Index,
    pub blobs: Vec<Bytes>,
}

/// A character is 10 wide, a line 20 high, lines are 30 apart.
pub fn pages(texts: &[&str]) -> Vec<PageText> {
    let mut pages: Vec<PageText> = texts.iter().map(|text| page(text)).collect();
    join_broken(&mut pages);
    pages
}

fn page(text: &str) -> PageText {
    let lines = text.lines().enumerate().map(|(number, line)| {
        let mut x = 0.0;
        let words = line.split_whitespace().map(|written| {
            let (written, joined_to_next) = written.strip_suffix('_').map_or((written, false), |rest| (rest, true));
            let mut readings = written.split('|').map(str::to_owned);
            let text = readings.next().unwrap();
            let w = 10.0 * text.trim_end_matches('¬').chars().count() as f64;
            let area = Some(Area { x, y: 30.0 * number as f64, w, h: 20.0 });
            x += w + if joined_to_next { 0.0 } else { 10.0 };
            TextWord { text, area, alternatives: readings.collect(), joined_to_next, ..TextWord::default() }
        });
        TextLine { words: words.collect(), ..TextLine::default() }
    });
    let block = TextBlock { lines: lines.collect(), ..TextBlock::default() };
    PageText { blocks: vec![block], ..PageText::default() }
}

fn join_broken(pages: &mut [PageText]) {
    let mut words: Vec<&mut TextWord> = pages
        .iter_mut()
        .flat_map(|page| &mut page.blocks)
        .flat_map(|block| &mut block.lines)
        .flat_map(|line| &mut line.words)
        .collect();
    for at in 0..words.len() {
        let Some(first) = words[at].text.strip_suffix('¬').map(str::to_owned) else { continue };
        let second = words.get(at + 1).map(|word| word.text.clone()).unwrap_or_default();
        words[at].part = Some(WordPart::First { whole: format!("{first}{second}") });
        words[at].text = first;
        if let Some(second) = words.get_mut(at + 1) {
            second.part = Some(WordPart::Second);
        }
    }
}

impl Object {
    pub fn new(texts: &[&str]) -> Self {
        Self::of(&pages(texts), None)
    }

    pub fn in_language(language: &str, texts: &[&str]) -> Self {
        Self::of(&pages(texts), Some(language))
    }

    pub fn of(pages: &[PageText], language: Option<&str>) -> Self {
        Self::with(pages, language, Continuity::Running)
    }

    pub fn with(pages: &[PageText], language: Option<&str>, continuity: Continuity) -> Self {
        let blobs: Vec<Bytes> = pages.iter().map(|page| encode(page).unwrap().into()).collect();
        let mut builder = IndexBuilder::new(continuity, language, language.is_some());
        blobs.iter().for_each(|blob| builder.add(&Page::decode(blob).unwrap()));
        Self { index: Index::open(builder.finish().unwrap().into()).unwrap(), blobs }
    }

    pub fn find(&self, query: &str) -> Matches {
        find(&self.index, &Query::parse(query), None)
    }

    pub fn find_in(&self, query: &str, pages: &[u32]) -> Matches {
        find(&self.index, &Query::parse(query), Some(&Scope::of_pages(pages.iter().copied())))
    }

    pub fn hits_of(&self, matches: &Matches, context: usize) -> Vec<Hit> {
        let pages = |page: u32| self.blobs.get(page as usize).cloned();
        locate(&self.index, matches, 0..usize::MAX, &pages, context)
    }

    pub fn hits(&self, query: &str) -> Vec<Hit> {
        self.hits_of(&self.find(query), 3)
    }

    /// `before[exact]after` of each hit.
    pub fn shown(&self, query: &str) -> Vec<String> {
        self.hits(query).iter().map(|hit| format!("{}[{}]{}", hit.before, hit.exact, hit.after)).collect()
    }

    /// `page:text@x,y,w,h` of each part of each hit.
    pub fn places(&self, query: &str) -> Vec<Vec<String>> {
        let area = |hit: &recto_search::search::Part| {
            let area = hit.area.map(|it| format!("{},{},{},{}", it.x, it.y, it.w, it.h));
            format!("{}:{}@{}", hit.page, hit.text, area.unwrap_or_default())
        };
        self.hits(query).iter().map(|hit| hit.parts.iter().map(area).collect()).collect()
    }
}
