//! Text that is not seen but found, marked and copied: rendering mode 3 of §9.3.6, in a font without forms.
//!
//! Each word is stretched over its box. Its letters are written in the order in which they are seen, from the left, as fonts with
//! forms have them too: readers expect that and turn right-to-left text round. Codes are UTF-16, so that the way back to
//! characters is the same for every script; characters that need two units get one of the codes that UTF-16 keeps for halves.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use super::Word;
use super::glyphless;
use super::object::{Id, Objects, number, push_utf16};
use crate::DownloadError;

/// The codes that no character of one unit has.
const FIRST_SPARE: u16 = 0xd800;
const SPARE: u16 = 0x800;
/// Stands for characters for which no code is left: more than two thousand different ones beyond the first plane.
const REPLACEMENT: u16 = 0xfffd;
/// Coordinates beyond this are not on any page.
const FAR: f64 = 1e7;

/// The font of the text layer, which all pages share.
#[derive(Debug)]
pub(super) struct TextLayer {
    font: Id,
    to_unicode: Id,
    spare: BTreeMap<char, u16>,
}

impl TextLayer {
    /// The name of the font in the resources of a page.
    pub(super) const NAME: &str = "G";

    /// Writes the font but for its way back to characters, which is known at the end.
    pub(super) fn new<W: Write>(objects: &mut Objects<W>) -> Result<Self, DownloadError> {
        let (font, to_unicode, file, to_glyph) =
            (objects.reserve()?, objects.reserve()?, objects.reserve()?, objects.reserve()?);
        let bytes = glyphless::font();
        objects.deflated(file, &format!("/Length1 {}", bytes.len()), &bytes)?;
        // Every code is the second glyph.
        objects.deflated(to_glyph, "", &[0, 1].repeat(1 << 16))?;
        let width = glyphless::LETTER;
        // A descent of 0 would be taken for one that is not known.
        let descriptor = objects.add(&format!(
            "<</Type/FontDescriptor/FontName/Glyphless/Flags 5/FontBBox[0 0 {width} 1000]/ItalicAngle 0/Ascent 1000/Descent -1/CapHeight 1000/StemV 80/FontFile2 {file}>>"
        ))?;
        let descendant = objects.add(&format!(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/Glyphless/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor {descriptor}/DW {width}/CIDToGIDMap {to_glyph}>>"
        ))?;
        objects.object(
            font,
            &format!(
                "<</Type/Font/Subtype/Type0/BaseFont/Glyphless/Encoding/Identity-H/DescendantFonts[{descendant}]/ToUnicode {to_unicode}>>"
            ),
        )?;
        Ok(Self { font, to_unicode, spare: BTreeMap::new() })
    }

    pub(super) fn font(&self) -> Id {
        self.font
    }

    /// The code of a character.
    fn code(&mut self, character: char) -> u16 {
        if let Ok(code) = u16::try_from(character as u32) {
            return code;
        }
        let next = self.spare.len() as u16;
        match self.spare.get(&character) {
            Some(code) => *code,
            None if next < SPARE => *self.spare.entry(character).or_insert(FIRST_SPARE + next),
            None => REPLACEMENT,
        }
    }

    /// Writes the words into the content of a page of this height, in its pixels.
    pub(super) fn draw(&mut self, words: &[Word<'_>], height_px: u32, content: &mut String) {
        content.push_str("BT 3 Tr\n");
        let height = f64::from(height_px);
        for (index, word) in words.iter().enumerate() {
            if !has_place(word) {
                continue;
            }
            let text = visual_order(word.text);
            let codes: Vec<u16> = text.chars().map(|character| self.code(character)).collect();
            if codes.is_empty() {
                continue;
            }
            if is_vertical(word, codes.len()) {
                let top = [0.0, -1.0, 1.0, 0.0, word.x, height - word.y];
                show(&codes, word.w, word.h, top, content);
                continue;
            }
            let baseline = height - word.y - word.h;
            show(&codes, word.h, word.w, [1.0, 0.0, 0.0, 1.0, word.x, baseline], content);
            if let Some((x, width)) = words.get(index + 1).and_then(|next| gap(word, next)) {
                show(&[u16::from(b' ')], word.h, width, [1.0, 0.0, 0.0, 1.0, x, baseline], content);
            }
        }
        content.push_str("ET\n");
    }

    /// Writes the way back from codes to characters: §9.10.3.
    pub(super) fn finish<W: Write>(self, objects: &mut Objects<W>) -> Result<(), DownloadError> {
        let mut ranges: Vec<String> = Vec::new();
        // A range stays within one first byte.
        for high in (0..=0xff_u16).filter(|high| !(0xd8..=0xdf).contains(high)) {
            ranges.push(format!("<{high:02X}00> <{high:02X}FF> <{high:02X}00>"));
        }
        let singles: Vec<String> = self
            .spare
            .iter()
            .map(|(character, code)| {
                let mut line = format!("<{code:04X}> <");
                push_utf16(&mut line, character.encode_utf8(&mut [0; 4]));
                line + ">"
            })
            .collect();
        objects.deflated(self.to_unicode, "", to_unicode(&ranges, &singles).as_bytes())?;
        Ok(())
    }
}

/// A map from two-byte codes to text.
pub(crate) fn to_unicode(ranges: &[String], singles: &[String]) -> String {
    let mut out = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
         /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n\
         /CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n\
         1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
    );
    for (kind, lines) in [("range", ranges), ("char", singles)] {
        // The format takes a hundred at once.
        for lines in lines.chunks(100) {
            out.push_str(&format!("{} beginbf{kind}\n{}\nendbf{kind}\n", lines.len(), lines.join("\n")));
        }
    }
    out.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    out
}

fn has_place(word: &Word<'_>) -> bool {
    let inside = |value: f64| value.is_finite() && value.abs() < FAR;
    [word.x, word.y, word.w, word.h].into_iter().all(inside) && word.w > 0.0 && word.h > 0.0
}

/// Letters in the order in which they are seen, without control characters.
fn visual_order(text: &str) -> Cow<'_, str> {
    let text = if text.contains(char::is_control) {
        Cow::Owned(text.chars().filter(|character| !character.is_control()).collect::<String>())
    } else {
        Cow::Borrowed(text)
    };
    // Nothing below the Hebrew block is written to the left.
    if text.chars().all(|character| character < '\u{590}') {
        return text;
    }
    let bidi = unicode_bidi::BidiInfo::new(&text, None);
    if !bidi.has_rtl() {
        return text.clone();
    }
    let ordered: String =
        bidi.paragraphs.iter().map(|paragraph| bidi.reorder_line(paragraph, paragraph.range.clone())).collect();
    Cow::Owned(ordered)
}

/// True for a word that runs downwards: its box is far taller than so many letters side by side would be.
fn is_vertical(word: &Word<'_>, letters: usize) -> bool {
    let is_ideographic = |character: char| matches!(character as u32, 0x2e80..=0x9fff | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff);
    let enough = letters >= 3 || letters == 2 && word.text.chars().all(is_ideographic);
    enough && word.h > 1.5 * word.w
}

/// Where the space between two words of a line is, and how wide.
fn gap(word: &Word<'_>, next: &Word<'_>) -> Option<(f64, f64)> {
    let overlap = (word.y + word.h).min(next.y + next.h) - word.y.max(next.y);
    if !has_place(next) || overlap < 0.5 * word.h.min(next.h) {
        return None;
    }
    // It may be to the left, in lines that are read from the right.
    let right = (word.x + word.w, next.x - word.x - word.w);
    let left = (next.x + next.w, word.x - next.x - next.w);
    let (x, width) = if next.x >= word.x { right } else { left };
    let far = 6.0 * word.h.max(next.h);
    (width < far).then_some((x, width.max(0.02 * word.h)))
}

/// Shows codes over a length at this size, by this matrix.
fn show(codes: &[u16], size: f64, length: f64, matrix: [f64; 6], content: &mut String) {
    let natural = size * f64::from(glyphless::LETTER) / 1000.0 * codes.len() as f64;
    let matrix: String = matrix.map(|value| number(value) + " ").concat();
    let stretch = number(100.0 * length / natural);
    let _ = write!(content, "/{} {} Tf {stretch} Tz {matrix}Tm <", TextLayer::NAME, number(size));
    for code in codes {
        let _ = write!(content, "{code:04X}");
    }
    content.push_str("> Tj\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, x: f64, y: f64, w: f64, h: f64) -> Word<'_> {
        Word { text, x, y, w, h }
    }

    #[test]
    fn a_word_fills_its_box_and_a_space_the_gap() {
        let mut layer = TextLayer::new(&mut Objects::new(Vec::new()).unwrap()).unwrap();
        let mut content = String::new();
        layer.draw(&[word("ab", 10.0, 20.0, 30.0, 10.0), word("c", 45.0, 20.0, 5.0, 10.0)], 100, &mut content);
        let lines: Vec<&str> = content.lines().collect();
        assert_eq!(
            lines,
            [
                "BT 3 Tr",
                "/G 10 Tf 300 Tz 1 0 0 1 10 70 Tm <00610062> Tj",
                "/G 10 Tf 100 Tz 1 0 0 1 40 70 Tm <0020> Tj",
                "/G 10 Tf 100 Tz 1 0 0 1 45 70 Tm <0063> Tj",
                "ET"
            ]
        );
    }

    #[test]
    fn right_to_left_words_are_written_as_they_are_seen() {
        for (given, seen) in
            [("abc", "abc"), ("שלום", "םולש"), ("مرحبا12", "12ابحرم"), ("漢字", "漢字"), ("a\nb", "ab")]
        {
            assert_eq!(visual_order(given), seen);
        }
        let (first, second) = (word("א", 50.0, 0.0, 10.0, 10.0), word("ב", 30.0, 1.0, 10.0, 10.0));
        assert_eq!(gap(&first, &second), Some((40.0, 10.0)));
        assert_eq!(gap(&first, &word("ג", 30.0, 12.0, 10.0, 10.0)), None);
    }

    #[test]
    fn tall_words_run_downwards() {
        for (text, w, h, vertical) in [
            ("縦書", 10.0, 20.0, true),
            ("ll", 10.0, 20.0, false),
            ("spine", 10.0, 60.0, true),
            ("spine", 50.0, 20.0, false),
        ] {
            assert_eq!(is_vertical(&word(text, 0.0, 0.0, w, h), text.chars().count()), vertical, "{text}");
        }
    }

    #[test]
    fn characters_beyond_the_first_plane_have_one_code_each_while_there_are_codes() {
        let mut layer = TextLayer::new(&mut Objects::new(Vec::new()).unwrap()).unwrap();
        assert_eq!(
            (layer.code('𝄞'), layer.code('😀'), layer.code('𝄞'), layer.code('ﬀ')),
            (0xd800, 0xd801, 0xd800, 0xfb00)
        );
        (0x2_0000..0x2_1000).filter_map(char::from_u32).for_each(|character| {
            layer.code(character);
        });
        assert_eq!((layer.spare.len(), layer.code('\u{2fff0}')), (2048, REPLACEMENT));
    }

    #[test]
    fn words_without_a_place_are_left_out() {
        for (x, w) in [(f64::NAN, 1.0), (0.0, 0.0), (0.0, -5.0), (1e300, 1.0), (0.0, f64::INFINITY)] {
            assert!(!has_place(&word("x", x, 0.0, w, 1.0)));
        }
    }
}
