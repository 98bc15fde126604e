//! The same answers by looking at every word: slow, plain, and sharing nothing with the code under test but the model of text.

use std::collections::BTreeSet;
use std::ops::Range;

use recto_iiif::Rect;
use recto_iiif::text::{PageText, TextLine, TextWord, WordPart};
use recto_search::analysis::Analysis;
use recto_search::search::{Hit, Part};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What can be found at one position.
pub struct Slot {
    pub page: usize,
    /// Terms, and the words that they come from with their language.
    readings: Vec<(String, String, Option<String>)>,
    /// Characters of the page's text.
    range: Range<usize>,
}

/// A character of the text of a page and the words that it stands for.
struct Letter {
    character: char,
    words: Vec<(usize, usize)>,
}

pub struct Scan<'a> {
    pages: &'a [PageText],
    texts: Vec<Vec<Letter>>,
    pub slots: Vec<Slot>,
    stems: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    Exactly,
    BeginsSo,
    Within(usize),
}

/// A word or a phrase that is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub not: bool,
    pub quoted: bool,
    pub words: Vec<(String, Means)>,
}

impl Asked {
    /// As people type it.
    pub fn typed(&self) -> String {
        let word = |(text, means): &(String, Means)| match means {
            Means::Exactly => text.clone(),
            Means::BeginsSo => format!("{text}*"),
            Means::Within(edits) => format!("{text}~{edits}"),
        };
        let words: Vec<_> = self.words.iter().map(word).collect();
        let quote = if self.quoted { "\"" } else { "" };
        format!("{}{quote}{}{quote}", if self.not { "-" } else { "" }, words.join(" "))
    }
}

fn is_spaceless(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{e7f}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

fn is_spaceless_or_sign(character: char) -> bool {
    is_spaceless(character) || matches!(character, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff65}')
}

fn is_letter(character: char) -> bool {
    character.is_alphanumeric() && !is_combining_mark(character) || ('\u{e000}'..='\u{f8ff}').contains(&character)
}

fn is_symbol(character: char) -> bool {
    !is_letter(character) && character.general_category() == GeneralCategory::OtherSymbol
}

/// Has the word around a symbol no letter of a script with spaces?
fn stands_alone(text: &[char], at: usize) -> bool {
    let is_letter = |it: &&char| is_letter(**it) && !is_spaceless(**it);
    let mut before = text[..at].iter().rev().take_while(|it| !it.is_whitespace());
    let mut after = text[at..].iter().take_while(|it| !it.is_whitespace());
    before.find(is_letter).is_none() && after.find(is_letter).is_none()
}

/// Does a sign stand behind the last piece, which is a character of a script without spaces?
fn ends_with_sign(text: &[char]) -> bool {
    let Some((last, _)) = divide(text).pop() else { return false };
    is_spaceless(text[last.start]) && text[last.end..].iter().any(|it| !it.is_whitespace() && !is_combining_mark(*it))
}

pub fn plain(word: &str) -> String {
    if word.starts_with(is_symbol) {
        return word.chars().filter(|it| is_symbol(*it)).collect();
    }
    let keeps_marks =
        word.chars().next().is_some_and(|first| first > '\u{6ff}' && !('\u{1e00}'..'\u{2000}').contains(&first));
    let mut out = String::new();
    for character in
        word.nfkd().filter(|it| *it != '\u{ad}' && *it != 'ـ' && (is_letter(*it) || is_combining_mark(*it)))
    {
        if is_combining_mark(character) && !keeps_marks && !(character == '\u{306}' && out.ends_with('и')) {
            continue;
        }
        for lower in character.to_lowercase() {
            match lower {
                'ß' => out.push_str("ss"),
                'æ' => out.push_str("ae"),
                'œ' => out.push_str("oe"),
                'ø' => out.push('o'),
                'ł' => out.push('l'),
                'ꝛ' => out.push('r'),
                'ς' => out.push('σ'),
                'đ' | 'ð' => out.push('d'),
                'ı' => out.push('i'),
                'ſ' => out.push('s'),
                'ך' => out.push('כ'),
                'ם' => out.push('מ'),
                'ן' => out.push('נ'),
                'ף' => out.push('פ'),
                'ץ' => out.push('צ'),
                'ى' | 'ی' => out.push('ي'),
                'ة' => out.push('ه'),
                'ک' => out.push('ك'),
                'ٱ' => out.push('ا'),
                '٠'..='٩' => out.push(char::from(b'0' + (u32::from(lower) - 0x660) as u8)),
                other => out.push(other),
            }
        }
    }
    out.nfc().collect()
}

/// Characters in which a piece of text stands, and its position.
fn divide(text: &[char]) -> Vec<(Range<usize>, usize)> {
    let mut pieces: Vec<(Range<usize>, usize)> = Vec::new();
    let mut position = 0;
    let mut owes_gap = false;
    let mut at = 0;
    while at < text.len() {
        let first = text[at];
        if is_symbol(first) && stands_alone(text, at) {
            let length = 1 + text[at + 1..].iter().take_while(|next| is_combining_mark(**next)).count();
            pieces.push((at..at + length, position));
            position += 1;
            owes_gap = false;
            at += length;
            continue;
        }
        if !is_letter(first) {
            if owes_gap && !first.is_whitespace() && !is_combining_mark(first) && first != '\u{ad}' {
                position += 1;
                owes_gap = false;
            }
            at += 1;
            continue;
        }
        let belongs = |character: char| {
            is_combining_mark(character)
                || character == '\u{ad}'
                || !is_spaceless(first) && is_letter(character) && !is_spaceless(character)
        };
        let length = 1 + text[at + 1..].iter().take_while(|next| belongs(**next)).count();
        pieces.push((at..at + length, position));
        position += 1;
        owes_gap = is_spaceless(first);
        at += length;
    }
    pieces
}

fn collect(text: &[char]) -> String {
    text.iter().collect()
}

/// The number of letters to change, add or take away.
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            next.push((row[j] + usize::from(a != *b)).min(row[j + 1] + 1).min(next[j] + 1));
        }
        row = next;
    }
    row[other.len()]
}

impl<'a> Scan<'a> {
    pub fn new(pages: &'a [PageText], language: Option<&str>) -> Self {
        let mut scan = Self { pages, texts: Vec::new(), slots: Vec::new(), stems: language.is_some() };
        for page in 0..pages.len() {
            scan.add(page, language);
        }
        scan
    }

    pub fn word(&self, (page, word): (usize, usize)) -> (&TextWord, usize, &TextLine) {
        let lines: Vec<_> = self.pages[page].lines().collect();
        let mut left = word;
        for (number, line) in lines.iter().enumerate() {
            if left < line.words.len() {
                return (&line.words[left], number, line);
            }
            left -= line.words.len();
        }
        panic!("there is no word {word} on page {page}");
    }

    fn add(&mut self, page: usize, language: Option<&str>) {
        let words: Vec<(usize, &TextLine, &TextWord)> = self.pages[page]
            .lines()
            .enumerate()
            .flat_map(|(number, line)| line.words.iter().map(move |word| (number, line, word)))
            .collect();
        let mut letters: Vec<Letter> = Vec::new();
        let mut logical: Vec<(Range<usize>, Vec<usize>)> = Vec::new();
        let mut at = usize::from(words.first().is_some_and(|(_, _, word)| word.part == Some(WordPart::Second)));
        let mut before: Option<(bool, usize)> = None;
        while at < words.len() {
            let (line, _, word) = words[at];
            let goes_on = words.get(at + 1).is_some_and(|(_, _, next)| next.part == Some(WordPart::Second));
            let (text, members) = match &word.part {
                Some(WordPart::First { whole }) if goes_on => (whole, vec![at, at + 1]),
                Some(WordPart::First { whole }) => (whole, vec![at]),
                _ => (&word.text, vec![at]),
            };
            if let Some((joined, last_line)) = before {
                let runs_on = last_line != line
                    && letters.last().is_some_and(|it| is_spaceless_or_sign(it.character))
                    && text.chars().next().is_some_and(is_spaceless_or_sign);
                if !joined && !runs_on {
                    letters.push(Letter { character: ' ', words: vec![] });
                }
            }
            let start = letters.len();
            let stands_for: Vec<_> = members.iter().map(|word| (page, *word)).collect();
            letters.extend(text.chars().map(|character| Letter { character, words: stands_for.clone() }));
            logical.push((start..letters.len(), members.clone()));
            let last = *members.last().unwrap();
            before = Some((words[last].2.joined_to_next, words[last].0));
            at = last + 1;
        }
        let text: Vec<char> = letters.iter().map(|letter| letter.character).collect();
        let first_slot = self.slots.len();
        let tag_of = |at: usize| {
            let (_, line, _) = words[logical[logical.partition_point(|(range, _)| range.end <= at)].1[0]];
            line.language.as_deref().or(self.pages[page].language.as_deref()).or(language).map(str::to_owned)
        };
        let slot = |range: Range<usize>| Slot { page, readings: vec![], range };
        for (range, position) in divide(&text) {
            while self.slots.len() - first_slot < position {
                self.slots.push(slot(0..0));
            }
            let written = collect(&text[range.clone()]);
            let readings = vec![(plain(&written), written, tag_of(range.start))];
            self.slots.push(Slot { readings, ..slot(range) });
        }
        // A sign behind the last character takes a position, too.
        if ends_with_sign(&text) {
            self.slots.push(slot(0..0));
        }
        for (range, members) in &logical {
            let own: Vec<usize> = (first_slot..self.slots.len())
                .filter(|at| !self.slots[*at].range.is_empty() && range.contains(&self.slots[*at].range.start))
                .collect();
            let shared = (first_slot..self.slots.len()).find(|at| {
                let slot = &self.slots[*at].range;
                !slot.is_empty() && slot.start < range.start && slot.end > range.start
            });
            let (Some(first), Some(last)) = (own.first().copied().or(shared), own.last().copied().or(shared)) else {
                continue;
            };
            for alternative in members.iter().flat_map(|word| &words[*word].2.alternatives) {
                let text: Vec<char> = alternative.chars().collect();
                for (piece, position) in divide(&text) {
                    let written = collect(&text[piece]);
                    let reading = (plain(&written), written, tag_of(range.start));
                    self.slots[(first + position).min(last)].readings.push(reading);
                }
            }
        }
        self.texts.push(letters);
    }

    fn holds(&self, slot: &Slot, typed: &str, term: &str, means: Means, quoted: bool) -> bool {
        let is_spaceless = typed.chars().next().is_some_and(is_spaceless);
        slot.readings.iter().any(|(reading, written, language)| {
            let has_stem = || {
                let stems = Analysis::for_language(language.as_deref(), self.stems && !quoted && !is_spaceless);
                stems.stem(typed).is_some_and(|stem| stems.stem(written) == Some(stem))
            };
            match means {
                _ if is_spaceless => reading == term,
                Means::Exactly => reading == term || has_stem(),
                Means::BeginsSo => reading.starts_with(term),
                Means::Within(edits) => distance(reading, term) <= edits.min(term.chars().count() - 1),
            }
        })
    }

    /// The ranges of slots that hold a word or a phrase, within a scope of pages.
    pub fn places(&self, asked: &Asked, scope: Option<&BTreeSet<usize>>) -> Option<Vec<Range<usize>>> {
        let mut wanted: Vec<(String, String, Means, usize)> = Vec::new();
        let mut next = 0;
        let mut owes_gap = false;
        for (text, means) in &asked.words {
            // A sign before the first letter of this word belongs behind the word before.
            let text: Vec<char> =
                if owes_gap { std::iter::once('字').chain(text.chars()).collect() } else { text.chars().collect() };
            let skipped = usize::from(owes_gap);
            let pieces = divide(&text);
            let end = pieces.len();
            for (at, (range, position)) in pieces.into_iter().enumerate().skip(skipped) {
                let means = if at + 1 < end && *means == Means::BeginsSo { Means::Exactly } else { *means };
                let typed = collect(&text[range]);
                wanted.push((plain(&typed), typed, means, next + position - skipped));
            }
            let slots = wanted.last().map_or(0, |last| last.3 + 1);
            let is_after = divide(&text).last().is_some_and(|(last, _)| is_spaceless(text[last.start]));
            let has_sign = ends_with_sign(&text);
            owes_gap = is_after && !has_sign;
            next = slots.max(next) + usize::from(is_after && has_sign);
        }
        let first = wanted.first()?.3;
        wanted.iter_mut().for_each(|it| it.3 -= first);
        let length = wanted.last()?.3 + 1;
        let is_seen = |page: usize| scope.is_none_or(|scope| scope.contains(&page));
        let fits = |start: &usize| {
            let Some(slots) = self.slots.get(*start..start + length) else { return false };
            (slots[0].page..=slots[length - 1].page).all(is_seen)
                && wanted
                    .iter()
                    .all(|(term, typed, means, at)| self.holds(&slots[*at], typed, term, *means, asked.quoted))
        };
        Some((0..self.slots.len()).filter(fits).map(|start| start..start + length).collect())
    }

    /// All terms of words that are written with spaces.
    pub fn terms(&self) -> BTreeSet<String> {
        let readings = self.slots.iter().flat_map(|slot| &slot.readings).map(|(term, ..)| term);
        readings.filter(|term| !term.chars().next().is_some_and(is_spaceless)).cloned().collect()
    }

    /// All matches.
    pub fn find(&self, query: &[Asked], scope: Option<&BTreeSet<usize>>) -> Vec<Range<usize>> {
        let mut wanted = Vec::new();
        let mut unwanted = BTreeSet::new();
        for asked in query {
            let Some(places) = self.places(asked, scope) else { continue };
            if asked.not {
                unwanted.extend(places.iter().map(|it| self.slots[it.start].page));
            } else {
                wanted.push(places);
            }
        }
        let has_all =
            |page: usize| wanted.iter().all(|places| places.iter().any(|it| self.slots[it.start].page == page));
        let mut found: Vec<(usize, usize, usize)> = Vec::new();
        for (clause, places) in wanted.iter().enumerate() {
            for place in places {
                let page = self.slots[place.start].page;
                if has_all(page) && !unwanted.contains(&page) {
                    found.push((place.start, place.end, clause));
                }
            }
        }
        found.sort_unstable();
        let mut joined: Vec<(Range<usize>, Vec<usize>)> = Vec::new();
        for (start, end, clause) in found {
            if let Some((last, clauses)) = joined.last_mut()
                && start <= last.end
                && !clauses.contains(&clause)
                && self.slots[last.start].page == self.slots[start].page
            {
                last.end = last.end.max(end);
                clauses.push(clause);
            } else {
                joined.push((start..end, vec![clause]));
            }
        }
        joined.into_iter().map(|(range, _)| range).collect()
    }

    /// What is to be shown of a match.
    pub fn hit(&self, range: &Range<usize>, context: usize) -> Hit {
        let mut hit = Hit::default();
        let mut pages: Vec<(usize, Range<usize>)> = Vec::new();
        for slot in self.slots[range.clone()].iter().filter(|slot| !slot.range.is_empty()) {
            match pages.last_mut() {
                Some((page, letters)) if *page == slot.page => letters.end = slot.range.end,
                _ => pages.push((slot.page, slot.range.clone())),
            }
        }
        for (number, (page, letters)) in pages.iter().enumerate() {
            let text: Vec<char> = self.texts[*page].iter().map(|letter| letter.character).collect();
            if number == 0 {
                hit.before = context_before(&text[..letters.start], context);
            } else if !(hit.exact.ends_with(is_spaceless_or_sign) && is_spaceless_or_sign(text[letters.start])) {
                hit.exact.push(' ');
            }
            hit.exact.push_str(&collect(&text[letters.clone()]));
            hit.after = context_after(&text[letters.end..], context);
            self.put_parts(*page, letters.clone(), &mut hit.parts);
        }
        hit
    }

    fn put_parts(&self, page: usize, letters: Range<usize>, parts: &mut Vec<Part>) {
        let text = &self.texts[page];
        let mut at = letters.start;
        while at < letters.end {
            let words = &text[at].words;
            let Some(first) = words.first() else {
                at += 1;
                continue;
            };
            let all: Vec<usize> = (0..text.len()).filter(|it| text[*it].words.first() == Some(first)).collect();
            let own: Vec<usize> = all.iter().copied().filter(|it| letters.contains(it)).collect();
            let is_spaced = own[0] > 0 && text[own[0] - 1].words.is_empty() && own[0] > letters.start;
            let is_broken = matches!(self.word(*first).0.part, Some(WordPart::First { .. }));
            let mut halves = words.clone();
            let last_word = self.pages[page].words().count() - 1;
            if is_broken && words.len() == 1 && first.1 == last_word {
                let next = self.pages.get(page + 1).and_then(|next| next.words().next());
                halves.extend(next.filter(|next| next.part == Some(WordPart::Second)).map(|_| (page + 1, 0)));
            }
            let is_whole_only = is_broken && words.len() == 1 && first.1 != last_word;
            for (number, half) in halves.iter().enumerate() {
                let (word, line, found_line) = self.word(*half);
                let is_half = is_broken && !is_whole_only;
                let written = if is_half {
                    let trimmed = word.text.trim_matches(|it: char| !it.is_alphanumeric() && !is_combining_mark(it));
                    if trimmed.is_empty() { word.text.clone() } else { trimmed.to_owned() }
                } else {
                    own.iter().map(|it| text[*it].character).collect()
                };
                let rect = |area: recto_iiif::text::Area| {
                    Rect::new(area.x as u32, area.y as u32, area.w as u32, area.h as u32)
                };
                let area = word.area.map(rect).map(|area| {
                    let is_divided =
                        !is_half && own.len() < all.len() && all.iter().any(|it| is_spaceless(text[*it].character));
                    if is_divided { share(area, text, &all, &own) } else { area }
                });
                let area = area.or(found_line.area.map(rect));
                let after_page_break = first.0 == page
                    && parts.last().is_some_and(|part| part.page as usize == page && part.line as usize == line)
                    && first.1 == 1
                    && number == 0;
                let gap = (is_spaced && number == 0) || (after_page_break && !self.word((page, 0)).0.joined_to_next);
                put_part(parts, half.0, line, &written, area, found_line.time_s, gap);
            }
            at = own.last().unwrap() + 1;
        }
    }
}

fn share(area: Rect, text: &[Letter], all: &[usize], own: &[usize]) -> Rect {
    let count = |letters: &[usize]| letters.iter().filter(|it| !is_combining_mark(text[**it].character)).count();
    let before: Vec<usize> = all.iter().copied().filter(|it| *it < own[0]).collect();
    let (start, end, all) = (count(&before), count(&before) + count(own), count(all));
    let is_across = area.w >= area.h;
    let length = if is_across { area.w } else { area.h };
    let edge = |at: usize| (f64::from(length) * at as f64 / all as f64).round() as u32;
    let (from, until) = (edge(start), edge(end).max(edge(start) + 1));
    if is_across {
        Rect::new(area.x + from, area.y, until - from, area.h)
    } else {
        Rect::new(area.x, area.y + from, area.w, until - from)
    }
}

fn put_part(
    parts: &mut Vec<Part>,
    page: usize,
    line: usize,
    text: &str,
    area: Option<Rect>,
    time_s: Option<(f64, f64)>,
    gap: bool,
) {
    match parts.last_mut() {
        Some(part) if (part.page, part.line) == (page as u32, line as u32) => {
            if gap {
                part.text.push(' ');
            }
            part.text.push_str(text);
            part.area = [part.area, area].into_iter().flatten().reduce(|one, other| {
                let (x, y) = (one.x.min(other.x), one.y.min(other.y));
                let (right, bottom) = ((one.x + one.w).max(other.x + other.w), (one.y + one.h).max(other.y + other.h));
                Rect::new(x, y, right - x, bottom - y)
            });
        }
        _ => parts.push(Part { page: page as u32, line: line as u32, text: text.to_owned(), area, time_s }),
    }
}

/// Words, characters of scripts without spaces, and the spaces between, with their cost.
fn tokens(text: &[char]) -> Vec<(String, usize)> {
    let mut tokens: Vec<(String, usize)> = Vec::new();
    for character in text {
        let cost = if character.is_whitespace() {
            0
        } else if is_spaceless_or_sign(*character) {
            1
        } else {
            2
        };
        match tokens.last_mut() {
            Some((word, 2)) if cost == 2 => word.push(*character),
            _ => tokens.push((character.to_string(), cost)),
        }
    }
    tokens
}

fn context_after(text: &[char], words: usize) -> String {
    let mut left = 2 * words;
    let mut kept = String::new();
    let mut pending = String::new();
    for (token, cost) in tokens(text) {
        if cost > left {
            break;
        }
        left -= cost;
        pending.push_str(&token);
        if cost > 0 {
            kept.push_str(&std::mem::take(&mut pending));
        }
    }
    kept
}

fn context_before(text: &[char], words: usize) -> String {
    let mut left = 2 * words;
    let mut kept: Vec<String> = Vec::new();
    let mut pending: Vec<String> = Vec::new();
    for (token, cost) in tokens(text).into_iter().rev() {
        if cost > left {
            break;
        }
        left -= cost;
        pending.push(token);
        if cost > 0 {
            kept.append(&mut pending);
        }
    }
    kept.into_iter().rev().collect()
}
