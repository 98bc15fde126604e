//! X pixmaps: a C source text whose strings are a header, colours, and rows of characters. The text is read whole; it is
//! bounded by the size that its header says.

use std::collections::HashMap;
use std::sync::Arc;

use recto_iiif::Dimensions;

use super::held::{HeldRows, check_held, check_page, check_size, strip_bytes, unreduced};
use crate::{
    ByteRange, ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Characters of a pixel, at most.
const MAX_CHARACTERS: usize = 4;
const MAX_COLORS: usize = 1 << 16;
/// Text before the rows, at most: comments, and the colours.
const MAX_HEAD_BYTES: u64 = 16 << 20;
/// Characters of a line of the table of colours, at most: there are five kinds of screens, and names are short.
const MAX_COLOR_LINE: usize = 1024;
/// Bytes of an entry of the table of colours.
const COLOR_BYTES: u64 = 64;
/// Rows between two looks at the control.
const ROWS_PER_CHECK: u32 = 256;

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Xpm, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Xpm, what: what.into() }
}

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.trim_ascii_start().starts_with(b"/* XPM */")
}

/// Opens the image.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let first = source.read_range(ByteRange::new(0, source.len().min(MAX_HEAD_BYTES)))?;
    let mut strings = Strings { text: &first, at: 0 };
    let header = Header::parse(&mut strings)?;
    check_size(header.size, SourceFormat::Xpm, options)?;
    let mut colors = HashMap::with_capacity(header.colors.min(1024));
    let mut has_alpha = false;
    for _ in 0..header.colors {
        let line = strings.next().ok_or_else(|| corrupt("it ends in its colours"))?;
        if line.len() > MAX_COLOR_LINE {
            return Err(corrupt(format!("a colour has {} characters", line.len())));
        }
        let (name, rest) = line.split_at_checked(header.characters).ok_or_else(|| corrupt("a colour has no name"))?;
        let color = color(rest)?;
        has_alpha |= color[3] == 0;
        // The first of a name counts.
        colors.entry(key(name)).or_insert(color);
    }
    let facts = ImageFacts {
        source_format: SourceFormat::Xpm,
        compression: "text".to_owned(),
        levels: vec![Level { size: header.size, grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: Orientation::Normal,
        color: ColorModel::Rgb,
        bits_per_sample: 8,
        has_alpha,
        icc: None,
        dpi: None,
    };
    let rows_at = strings.at as u64;
    Ok(Box::new(XpmDecoder { source, facts, header, colors, rows_at, max_bytes: options.max_bytes }))
}

/// The strings of a C source text, one after the other; comments are stepped over.
struct Strings<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Strings<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let rest = self.text.get(self.at..)?;
            let next = memchr::memchr2(b'"', b'/', rest)?;
            if rest[next] == b'"' {
                let start = self.at + next + 1;
                let length = memchr::memchr(b'"', self.text.get(start..)?)?;
                self.at = start + length + 1;
                return self.text.get(start..start + length);
            }
            self.at += next + 1;
            if self.text.get(self.at) == Some(&b'*') {
                self.at += memchr::memmem::find(self.text.get(self.at..)?, b"*/")? + 2;
            }
        }
    }
}

struct Header {
    size: Dimensions,
    colors: usize,
    characters: usize,
}

impl Header {
    fn parse(strings: &mut Strings<'_>) -> Result<Self, DecodeError> {
        let line = strings.next().ok_or_else(|| corrupt("it ends before its header"))?;
        let mut numbers = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let mut number = |name: &str| {
            let number = numbers.next().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u32>().ok());
            number.ok_or_else(|| corrupt(format!("its header does not say its {name}")))
        };
        let size = Dimensions::new(number("width")?, number("height")?);
        let (colors, characters) = (number("colours")? as usize, number("characters a pixel")? as usize);
        if !(1..=MAX_CHARACTERS).contains(&characters) {
            return Err(unsupported(format!("{characters} characters a pixel")));
        }
        if !(1..=MAX_COLORS).contains(&colors) {
            return Err(unsupported(format!("{colors} colours")));
        }
        Ok(Self { size, colors, characters })
    }
}

/// A name of at most four characters as a number.
fn key(name: &[u8]) -> u32 {
    name.iter().fold(0, |key, character| key << 8 | u32::from(*character))
}

/// Red, green, blue and alpha of a line of the table: pairs of a kind of screen and a colour; `c` goes before gray ones.
fn color(line: &[u8]) -> Result<[u8; 4], DecodeError> {
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    for kind in ["c", "g", "g4", "m"] {
        let Some(at) = words.iter().position(|word| *word == kind) else { continue };
        // Names of colours may have several words.
        let end = words[at + 1..].iter().position(|word| ["c", "g", "g4", "m", "s"].contains(word));
        let name = words[at + 1..end.map_or(words.len(), |end| at + 1 + end)].concat();
        return named(&name).ok_or_else(|| unsupported(format!("the colour `{name}`")));
    }
    Err(corrupt("a colour says nothing"))
}

fn named(name: &str) -> Option<[u8; 4]> {
    let opaque = |[r, g, b]: [u8; 3]| [r, g, b, 255];
    if let Some(digits) = name.strip_prefix('#') {
        let each = digits.len() / 3;
        if !digits.is_ascii() || !matches!(digits.len(), 3 | 6 | 9 | 12) {
            return None;
        }
        // The highest digits count; a single one stands for both.
        let sample = |i: usize| {
            let digits = &digits[i * each..][..each.min(2)];
            let value = u8::from_str_radix(digits, 16).ok()?;
            Some(if each == 1 { value * 17 } else { value })
        };
        return Some(opaque([sample(0)?, sample(1)?, sample(2)?]));
    }
    let name = name.to_ascii_lowercase();
    if let Some(percent) = name.strip_prefix("gray").or_else(|| name.strip_prefix("grey"))
        && let Ok(percent @ 0..=100) = percent.parse::<u32>()
    {
        return Some(opaque([((percent * 255 + 50) / 100) as u8; 3]));
    }
    Some(match name.as_str() {
        "none" | "transparent" => [0; 4],
        "black" => opaque([0; 3]),
        "white" => opaque([255; 3]),
        "red" => opaque([255, 0, 0]),
        "green" | "lime" => opaque([0, 255, 0]),
        "blue" => opaque([0, 0, 255]),
        "yellow" => opaque([255, 255, 0]),
        "magenta" | "fuchsia" => opaque([255, 0, 255]),
        "cyan" | "aqua" => opaque([0, 255, 255]),
        "gray" | "grey" => opaque([190; 3]),
        "lightgray" | "lightgrey" => opaque([211; 3]),
        "darkgray" | "darkgrey" => opaque([169; 3]),
        "dimgray" | "dimgrey" => opaque([105; 3]),
        "orange" => opaque([255, 165, 0]),
        "brown" => opaque([165, 42, 42]),
        "purple" => opaque([160, 32, 240]),
        "pink" => opaque([255, 192, 203]),
        "navy" | "navyblue" => opaque([0, 0, 128]),
        "maroon" => opaque([176, 48, 96]),
        "gold" => opaque([255, 215, 0]),
        _ => return None,
    })
}

struct XpmDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    header: Header,
    colors: HashMap<u32, [u8; 4]>,
    /// Where the rows begin.
    rows_at: u64,
    max_bytes: u64,
}

impl XpmDecoder {
    fn pixels(&self) -> PixelFormat {
        if self.facts.has_alpha { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 }
    }
}

impl Decoder for XpmDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let region = wanted.region;
        let text = self.source.len().saturating_sub(self.rows_at);
        Cost {
            bytes_read: text,
            bytes_held: text
                + region.area_px() * self.pixels().bytes_per_pixel() as u64
                + strip_bytes(region.w, region.h, self.pixels())
                + self.colors.len() as u64 * COLOR_BYTES,
            pixels: self.header.size.area_px(),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Xpm)?;
        let length = self.source.len().saturating_sub(self.rows_at);
        let text = self.source.read_range(ByteRange::new(self.rows_at, length))?;
        let mut strings = Strings { text: &text, at: 0 };
        let (region, each) = (wanted.region, self.header.characters);
        let mut raster = Raster::zeroed(region.dimensions(), self.pixels());
        let samples = self.pixels().bytes_per_pixel();
        for y in 0..region.y + region.h {
            if y.is_multiple_of(ROWS_PER_CHECK) {
                control.check()?;
            }
            let row = strings.next().ok_or_else(|| corrupt(format!("it ends in row {y}")))?;
            if row.len() != self.header.size.width_px as usize * each {
                return Err(corrupt(format!("row {y} has {} characters", row.len())));
            }
            let Some(line) = y.checked_sub(region.y) else { continue };
            let names = row[region.x as usize * each..][..region.w as usize * each].chunks_exact(each);
            for (pixel, name) in raster.row_mut(line).chunks_exact_mut(samples).zip(names) {
                let color =
                    self.colors.get(&key(name)).ok_or_else(|| corrupt(format!("row {y} has an unknown colour")))?;
                pixel.copy_from_slice(&color[..samples]);
            }
        }
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_have_many_spellings() {
        for (line, want) in [
            (" c #102030", [16, 32, 48, 255]),
            (" c #123", [17, 34, 51, 255]),
            (" c #111122223333", [17, 34, 51, 255]),
            ("\tc None", [0, 0, 0, 0]),
            (" m black c navy blue s background", [0, 0, 128, 255]),
            (" g gray50", [128, 128, 128, 255]),
        ] {
            assert_eq!(color(line.as_bytes()).unwrap(), want, "{line}");
        }
        for line in [" c", " c #12", " c #ggg", " x #000000", "", " c é", " c gray101"] {
            assert!(color(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn the_table_of_colours_is_bounded() {
        let file = |color: &str| format!("/* XPM */\n\"1 1 1 1\",\n\"a{color}\",\n\"a\"");
        let opened = |text: String| open(Arc::new(crate::MemoryAccess::new(text.as_bytes())), &OpenOptions::default());
        assert!(opened(file(" c red")).is_ok());
        let Err(DecodeError::Corrupt { what, .. }) = opened(file(&format!(" c {}", "a ".repeat(600)))) else {
            panic!("it is taken")
        };
        assert!(what.contains("1204 characters"), "{what}");
    }
}
