//! What has to be found, by looking at every word.

use recto_iiif::search::{Found, FoundHit};

use crate::model::{CORNER, Model, Note, Object, area};

/// One hit in plain words: object, boxes by page, before, exact, after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Plain {
    pub(crate) object: String,
    pub(crate) is_note: bool,
    parts: Vec<(usize, [u32; 4])>,
    before: String,
    exact: String,
    after: String,
}

/// What of an object is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Canvas(usize),
    /// A range of an object of three pages, by its name.
    Range(&'static str),
}

impl Part {
    /// Is a place within it?
    fn has(self, page: usize, place: [u32; 4]) -> bool {
        match self {
            Self::Range("3") => page == 2 || page == 0 && overlap(place, CORNER),
            Self::Range("3-2") => page == 0 && overlap(place, CORNER),
            _ => self.has_page(page),
        }
    }

    /// Does it have any of a page?
    fn has_page(self, page: usize) -> bool {
        match self {
            Self::Whole => true,
            Self::Canvas(canvas) => page == canvas,
            Self::Range("1" | "3-2") => page == 0,
            Self::Range("2") => page > 0,
            Self::Range("3") => page != 1,
            Self::Range(other) => panic!("no range {other}"),
        }
    }
}

fn overlap([x, y, w, h]: [u32; 4], [left, top, width, height]: [u32; 4]) -> bool {
    x < left + width && left < x + w && y < top + height && top < y + h
}

/// What is looked for, in which part, and who looks.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) query: &'a str,
    pub(crate) part: Part,
    pub(crate) is_restricted: bool,
}

impl<'a> Question<'a> {
    pub(crate) fn of(query: &'a str, is_restricted: bool) -> Self {
        Self { query, part: Part::Whole, is_restricted }
    }

    /// The words that follow each other, and those that exclude.
    fn clauses(&self) -> (Vec<&'a str>, Vec<&'a str>) {
        if let Some(phrase) = self.query.strip_prefix('"') {
            return (phrase.trim_end_matches('"').split(' ').collect(), Vec::new());
        }
        let mut words = self.query.split(' ');
        (vec![words.next().unwrap()], words.map(|word| word.trim_start_matches('-')).collect())
    }

    fn sees(&self, page: usize) -> bool {
        !(self.is_restricted && page == 1) && self.part.has_page(page)
    }
}

/// The caller at 10.0.0.1 sees neither objects with an odd number nor second pages.
pub(crate) fn is_hidden(identifier: &str) -> bool {
    let object = identifier.split('/').next().unwrap_or_default();
    object.starts_with('o') && object.bytes().last().is_some_and(|digit| digit % 2 == 1)
        || identifier.ends_with("1.bmp")
}

fn folded(word: &str) -> String {
    word.replace('ü', "u")
}

/// How many letters have to be put, taken or changed to make one word the other.
fn edits_between(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], at + 1);
        for (place, wanted) in other.chars().enumerate() {
            let changed = corner + usize::from(letter != wanted);
            corner = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(corner + 1);
        }
    }
    row[other.chars().count()]
}

fn fits(text: &str, wanted: &str) -> bool {
    match (wanted.strip_suffix('*'), wanted.split_once('~')) {
        (Some(prefix), _) => folded(text).starts_with(prefix),
        (None, Some((wanted, edits))) => edits_between(&folded(text), wanted) <= edits.parse().unwrap_or(1),
        (None, None) => folded(text) == wanted,
    }
}

/// All hits in the text of an object.
fn scan_text(name: &str, object: &Object, question: Question<'_>) -> Vec<Plain> {
    let mut all: Vec<(usize, usize, usize)> = Vec::new();
    for (page, lines) in object.iter().enumerate() {
        for (line, words) in lines.iter().enumerate() {
            all.extend((0..words.len()).map(|place| (page, line, place)));
        }
    }
    let word = |(page, line, place): (usize, usize, usize)| object[page][line][place];
    let (phrase, excluded) = question.clauses();
    let mut hits = Vec::new();
    for (start, window) in all.windows(phrase.len()).enumerate() {
        if !window.iter().zip(&phrase).all(|(at, wanted)| fits(word(*at), wanted)) {
            continue;
        }
        let pages: Vec<usize> = window.iter().map(|at| at.0).collect();
        if pages.iter().any(|page| !question.sees(*page)) {
            continue;
        }
        let on_page = |page: usize| all.iter().filter(move |at| at.0 == page).map(|at| word(*at)).collect::<Vec<_>>();
        if excluded.iter().any(|excluded| on_page(pages[0]).iter().any(|text| fits(text, excluded))) {
            continue;
        }
        let mut parts: Vec<(usize, usize, [u32; 4])> = Vec::new();
        for (page, line, place) in window {
            let [x, y, w, h] = area(&object[*page], *line, *place);
            match parts.last_mut() {
                Some((known_page, known_line, known)) if (*known_page, *known_line) == (*page, *line) => {
                    known[2] = x + w - known[0];
                }
                _ => parts.push((*page, *line, [x, y, w, h])),
            }
        }
        let parts: Vec<(usize, [u32; 4])> = parts.into_iter().map(|(page, _, area)| (page, area)).collect();
        if !parts.iter().any(|(page, area)| question.part.has(*page, *area)) {
            continue;
        }
        let before: Vec<&str> = all[..start].iter().filter(|at| at.0 == pages[0]).map(|at| word(*at)).collect();
        let last = pages[pages.len() - 1];
        let after: Vec<&str> =
            all[start + phrase.len()..].iter().filter(|at| at.0 == last).map(|at| word(*at)).collect();
        let exact: Vec<&str> = window.iter().map(|at| word(*at)).collect();
        hits.push(Plain::new(name, false, parts, &before, &exact, &after));
    }
    hits
}

/// All hits in a note.
fn scan_note(name: &str, note: &Note, question: Question<'_>) -> Vec<Plain> {
    let (phrase, excluded) = question.clauses();
    let is_excluded = excluded.iter().any(|excluded| note.words.iter().any(|word| fits(word, excluded)));
    if is_excluded || !question.sees(note.page) || !question.part.has(note.page, note.area) {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for (start, window) in note.words.windows(phrase.len()).enumerate() {
        if window.iter().zip(&phrase).all(|(word, wanted)| fits(word, wanted)) {
            let after = &note.words[start + phrase.len()..];
            hits.push(Plain::new(name, true, vec![(note.page, note.area)], &note.words[..start], window, after));
        }
    }
    hits
}

impl Plain {
    fn new(
        object: &str,
        is_note: bool,
        parts: Vec<(usize, [u32; 4])>,
        before: &[&str],
        exact: &[&str],
        after: &[&str],
    ) -> Self {
        Self {
            object: object.to_owned(),
            is_note,
            parts,
            before: before[before.len().saturating_sub(6)..].join(" "),
            exact: exact.join(" "),
            after: after[..after.len().min(6)].join(" "),
        }
    }

    fn of(hit: &FoundHit) -> Self {
        let canvas = |uri: &str| {
            let (rest, name) = uri.rsplit_once("/canvas/").unwrap();
            (rest.rsplit('/').next().unwrap().to_owned(), name.parse().unwrap())
        };
        let part = |part: &recto_iiif::search::FoundPart| {
            let area = part.area.unwrap();
            (canvas(&part.canvas).1, [area.x, area.y, area.w, area.h])
        };
        Self {
            object: canvas(&hit.parts[0].canvas).0,
            is_note: hit.annotation.is_some(),
            parts: hit.parts.iter().map(part).collect(),
            before: hit.before.trim().to_owned(),
            exact: hit.exact.clone(),
            after: hit.after.trim().to_owned(),
        }
    }

    fn page(&self) -> usize {
        self.parts[0].0
    }
}

/// All hits in an object: on each page first those in its text, then those in notes, whose order among each other does not count.
pub(crate) fn scan(model: &Model, name: &str, question: Question<'_>) -> Vec<Plain> {
    let Some(object) = model.objects.get(name) else { return Vec::new() };
    let mut hits = scan_text(name, object, question);
    let notes = model.notes_of(name).iter().filter(|note| note.page < object.len());
    hits.extend(notes.flat_map(|note| scan_note(name, note, question)));
    hits.sort_by_key(|hit| (hit.page(), hit.is_note));
    put_notes_in_order(hits)
}

/// The same of all objects that the caller may see.
pub(crate) fn scan_all(model: &Model, question: Question<'_>) -> Vec<Plain> {
    let names = model.objects.keys().filter(|name| !(question.is_restricted && is_hidden(name)));
    names.flat_map(|name| scan(model, name, question)).collect()
}

pub(crate) fn plain(found: &Found) -> Vec<Plain> {
    found.hits.iter().map(Plain::of).collect()
}

/// Orders the hits in notes about a page among each other.
pub(crate) fn put_notes_in_order(mut hits: Vec<Plain>) -> Vec<Plain> {
    let is_near = |a: &Plain, b: &Plain| a.is_note && b.is_note && a.object == b.object && a.page() == b.page();
    hits.chunk_by_mut(is_near).for_each(<[Plain]>::sort);
    hits
}

/// Where two answers differ, in few words; `None` where they do not.
pub(crate) fn difference(found: &(usize, Vec<Plain>), want: &[Plain]) -> Option<String> {
    let (total, found) = found;
    if (*total, found.as_slice()) == (want.len(), want) {
        return None;
    }
    let missing: Vec<_> = want.iter().filter(|hit| !found.contains(hit)).collect();
    let extra: Vec<_> = found.iter().filter(|hit| !want.contains(hit)).collect();
    let counts = format!("total {total}, found {}, wanted {}", found.len(), want.len());
    Some(format!("{counts}\nmissing: {missing:#?}\nnot wanted: {extra:#?}"))
}
