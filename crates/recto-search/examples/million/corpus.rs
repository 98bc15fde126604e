//! Text by chance: words of real pages, more words that look like them, and how often each occurs.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord};
use recto_testkit::{Rng, files_below};

const LANGUAGES: usize = 4;
/// The exponent of Zipf and Mandelbrot's law, and what is added to the rank.
const EXPONENT: f64 = 1.07;
const SHIFT: f64 = 2.7;

pub(crate) struct Corpus {
    languages: Vec<Vec<String>>,
    /// Sums of the weights of ranks.
    weights: Vec<f64>,
    words_a_page: u32,
    real: usize,
}

pub(crate) struct Object {
    pub(crate) pages: Vec<PageText>,
}

/// Words when no folder is given.
const SOME: &str = "the green bird sings in the old tree and der grüne Vogel singt im alten Baum während la petite maison \
    est située derrière l'église und die Straße führt nach Süden zur Königlichen Bibliothek zu Berlin im Jahre 1815";

impl Corpus {
    pub(crate) fn new(folder: Option<&Path>, words_a_page: u32) -> Self {
        let real = folder.map_or_else(|| SOME.split(' ').map(str::to_owned).collect(), read_words);
        let size = if real.len() > 1000 { 300_000 } else { 20_000 };
        let languages = (0..LANGUAGES).map(|number| vocabulary(&real, number as u64, size)).collect();
        let mut sum = 0.0;
        let weights = (0..size)
            .map(|rank| {
                sum += (rank as f64 + 1.0 + SHIFT).powf(-EXPONENT);
                sum
            })
            .collect();
        Self { languages, weights, words_a_page, real: real.len() }
    }

    pub(crate) const fn real_words(&self) -> usize {
        self.real
    }

    pub(crate) fn vocabulary(&self) -> usize {
        self.languages.iter().map(Vec::len).sum()
    }

    /// The word of a language with a rank.
    pub(crate) fn word(&self, language: usize, rank: usize) -> &str {
        let words = &self.languages[language % LANGUAGES];
        &words[rank.min(words.len() - 1)]
    }

    pub(crate) const fn language_of(object: u32) -> usize {
        object as usize % LANGUAGES
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        let at = f64::from(rng.below(u32::MAX)) / f64::from(u32::MAX) * self.weights[self.weights.len() - 1];
        self.weights.partition_point(|sum| *sum < at)
    }

    /// How many pages the object with this number has.
    pub(crate) fn length(number: u32, most_pages: u32) -> u32 {
        let mut rng = Rng::new(u64::from(number) + 1);
        let pages = if number % 10 == 9 { 1000 + rng.below(200) } else { 20 + rng.below(430) };
        pages.min(most_pages)
    }

    /// The object with this number: 20 to 450 pages, every tenth of 1,000 and more.
    pub(crate) fn object(&self, number: u32, most_pages: u32) -> Object {
        let mut rng = Rng::new(u64::from(number) + 1);
        let topic: Vec<usize> = (0..200).map(|_| rng.below(self.weights.len() as u32) as usize).collect();
        let language = Self::language_of(number);
        let pages = (0..Self::length(number, most_pages)).map(|_| self.page(language, &topic, &mut rng)).collect();
        Object { pages }
    }

    fn page(&self, language: usize, topic: &[usize], rng: &mut Rng) -> PageText {
        let count = self.words_a_page / 2 + rng.below(self.words_a_page.max(1));
        let mut lines = vec![TextLine::default()];
        let (mut x, mut y) = (200_u32, 300_u32);
        for _ in 0..count {
            let rank = if rng.below(100) < 12 { topic[rng.below(200) as usize] } else { self.draw(rng) };
            let mut text = self.word(language, rank).to_owned();
            if rng.below(100) < 4 {
                text = misread(&text, rng);
            }
            let w = 18 * text.chars().count() as u32 + rng.below(9);
            if x + w > 2200 {
                (x, y) = (200, y + 58 + rng.below(4));
                lines.push(TextLine::default());
            }
            let area = Area { x: x.into(), y: (y + rng.below(6)).into(), w: w.into(), h: (38 + rng.below(9)).into() };
            lines.last_mut().unwrap().words.push(TextWord { text, area: Some(area), ..TextWord::default() });
            x += w + 14 + rng.below(7);
        }
        PageText { blocks: vec![TextBlock { lines, ..TextBlock::default() }], ..PageText::default() }
    }
}

/// A letter read for another.
fn misread(word: &str, rng: &mut Rng) -> String {
    let letters: Vec<char> = word.chars().collect();
    let at = rng.below(letters.len() as u32) as usize;
    let other = char::from(b'a' + rng.below(26) as u8);
    letters.iter().enumerate().map(|(place, letter)| if place == at { other } else { *letter }).collect()
}

/// All words of the ALTO files below a folder.
fn read_words(folder: &Path) -> Vec<String> {
    let mut words = Vec::new();
    for path in files_below(folder).iter().filter(|path| path.extension().is_some_and(|it| it == "xml")) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        for part in text.split(" CONTENT=\"").skip(1) {
            let content = part.split('"').next().unwrap_or_default();
            words.extend(content.split_whitespace().filter(|word| !word.contains('&')).map(str::to_owned));
        }
    }
    words
}

/// The real words, most frequent first, and then words of which each letter follows the three before as in real ones.
fn vocabulary(real: &[String], seed: u64, size: usize) -> Vec<String> {
    let mut rng = Rng::new(seed + 100);
    let mut counts: HashMap<&str, usize> = HashMap::new();
    // Each language has a part of its own.
    real.iter().enumerate().filter(|(at, _)| at / 500 % LANGUAGES == seed as usize || real.len() < 2000).for_each(
        |(_, word)| {
            *counts.entry(word).or_default() += 1;
        },
    );
    let mut known: Vec<_> = counts.into_iter().collect();
    known.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let mut words: Vec<String> = known.into_iter().map(|(word, _)| word.to_owned()).collect();
    let mut follow: HashMap<[char; 3], Vec<char>> = HashMap::new();
    for word in real {
        let mut last = ['\0'; 3];
        for letter in word.chars().chain(['\0']) {
            follow.entry(last).or_default().push(letter);
            last = [last[1], last[2], letter];
        }
    }
    let mut seen: HashSet<String> = words.iter().cloned().collect();
    let mut tries = 0;
    while words.len() < size && tries < size * 20 {
        tries += 1;
        let mut word = String::new();
        let mut last = ['\0'; 3];
        while let Some(next) = follow.get(&last).map(|next| next[rng.below(next.len() as u32) as usize]) {
            if next == '\0' || word.len() > 30 {
                break;
            }
            word.push(next);
            last = [last[1], last[2], next];
        }
        if word.chars().count() > 2 && seen.insert(word.clone()) {
            words.push(word);
        }
    }
    // Where chance makes too few, numbers written in letters go on.
    let letter = |number: usize, place: u32| char::from(b'a' + (number / 26_usize.pow(place) % 26) as u8);
    (words.len()..size)
        .for_each(|number| words.push((0..4).map(|place| letter(number, place)).chain("qx".chars()).collect()));
    words
}
