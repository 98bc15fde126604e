//! A library whose every word is known.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

pub(crate) const WORDS: [&str; 10] = ["haus", "hausen", "baum", "licht", "see", "seen", "rot", "grün", "alt", "neu"];

/// Lines of words, by page.
pub(crate) type Object = Vec<Vec<Vec<&'static str>>>;

/// What somebody wrote about a part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) page: usize,
    pub(crate) area: [u32; 4],
    pub(crate) words: Vec<&'static str>,
}

/// All objects, and what was written about them: that stays when an object goes, and is found again when it comes back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) notes: BTreeMap<String, Vec<Note>>,
}

impl Model {
    pub(crate) fn notes_of(&self, name: &str) -> &[Note] {
        self.notes.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A sequence of numbers that looks like chance and is the same each time.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    pub(crate) fn object(&mut self) -> Object {
        let pages = 1 + self.below(3);
        let mut lines = || {
            let count = 1 + self.below(4);
            (0..count).map(|_| self.words(7)).collect()
        };
        (0..pages).map(|_| lines()).collect()
    }

    /// A note about one of so many pages.
    pub(crate) fn note(&mut self, pages: usize) -> Note {
        let area = [self.below(200), self.below(100), 1 + self.below(100), 1 + self.below(20)].map(|side| side as u32);
        Note { page: self.below(pages), area, words: self.words(9) }
    }

    fn words(&mut self, most: usize) -> Vec<&'static str> {
        (0..=self.below(most)).map(|_| WORDS[self.below(WORDS.len())]).collect()
    }
}

/// The box of a word: its line and place.
pub(crate) fn area(lines: &[Vec<&str>], line: usize, place: usize) -> [u32; 4] {
    let width = |word: &str| 10 * word.chars().count() as u32;
    [
        5 + lines[line][..place].iter().map(|word| width(word) + 5).sum::<u32>(),
        10 + 20 * line as u32,
        width(lines[line][place]),
        12,
    ]
}

fn alto(lines: &[Vec<&str>]) -> String {
    let mut out = String::from(
        "<alto><Description><MeasurementUnit>pixel</MeasurementUnit></Description><Layout><Page WIDTH=\"400\" HEIGHT=\"120\"><PrintSpace><TextBlock>",
    );
    for (number, line) in lines.iter().enumerate() {
        out.push_str("<TextLine>");
        for (place, word) in line.iter().enumerate() {
            let [x, y, w, h] = area(lines, number, place);
            write!(out, "<String CONTENT=\"{word}\" HPOS=\"{x}\" VPOS=\"{y}\" WIDTH=\"{w}\" HEIGHT=\"{h}\"/>").unwrap();
        }
        out.push_str("</TextLine>");
    }
    out + "</TextBlock></PrintSpace></Page></Layout></alto>"
}

/// The part of a page that the third range is about.
pub(crate) const CORNER: [u32; 4] = [30, 0, 60, 40];

pub(crate) fn write_object(folder: &Path, name: &str, object: &Object) {
    let place = folder.join(name);
    fs::create_dir_all(&place).unwrap();
    let mut picture = Vec::new();
    image::RgbImage::new(400, 120).write_to(&mut std::io::Cursor::new(&mut picture), image::ImageFormat::Bmp).unwrap();
    for (number, lines) in object.iter().enumerate() {
        fs::write(place.join(format!("{number}.bmp")), &picture).unwrap();
        fs::write(place.join(format!("{number}.xml")), alto(lines)).unwrap();
    }
    if object.len() == 3 {
        let [x, y, w, h] = CORNER;
        let ranges = format!("Front  0\nRest  1-2\nCorner and end  2\n  Corner  0@{x},{y},{w},{h}\n");
        fs::write(place.join("toc.txt"), ranges).unwrap();
    }
}
