//! What a file's description says of its pixels: OME-XML, which microscopes and their programs write into the first directory.
//!
//! Two things of it are taken up. `SignificantBits`: samples of 12 bits in words of 16 are white at 4095. And the physical size of a pixel,
//! which is the resolution, whatever the directory says that it is. They are those of the first `Pixels` of the page's size.
//!
//! Planes of several channels, depths and moments are pages, in the order of their directories.

use memchr::memmem;
use recto_iiif::Dimensions;

use super::directory::Directory;
use super::ifd::File;
use super::tag;
use crate::{ByteRange, DecodeError, OpenOptions};

/// How much of a description is looked at first.
const FIRST_LOOK: u64 = 64 << 10;
/// No more than so much is looked at: it may list thousands of planes.
const MOST: u64 = 8 << 20;
/// No start tag is longer.
const MOST_TAG: usize = 4 << 10;
/// What descriptions of this kind name, at the beginning.
const SCHEMA: &[u8] = b"openmicroscopy.org/Schemas/";
const ELEMENT: &[u8] = b"Pixels";
const MICROMETERS_PER_INCH: f64 = 25_400.0;

/// Takes up what the description in the directory at `first` says of a page with these levels.
pub(super) fn take_up(
    file: &File,
    first: u64,
    levels: &mut [Directory],
    options: &OpenOptions,
) -> Result<(), DecodeError> {
    options.control.check()?;
    let Some(size) = levels.first().map(|level| level.size) else { return Ok(()) };
    let Some(pixels) = read(file, first, size, options.max_bytes)? else { return Ok(()) };
    for level in levels {
        if let Some(bits) = pixels.significant_bits {
            level.set_significant_bits(bits);
        }
        level.dpi = pixels.dpi.or(level.dpi);
    }
    Ok(())
}

fn read(file: &File, first: u64, size: Dimensions, max_bytes: u64) -> Result<Option<Pixels>, DecodeError> {
    let ifd = match file.ifd(first) {
        Ok(ifd) => ifd,
        Err(error @ DecodeError::Io(_)) => return Err(error),
        Err(_) => return Ok(None),
    };
    let ranges = file.outside(&ifd, |tag| tag == tag::IMAGE_DESCRIPTION);
    let Some(range) = ranges.first() else { return Ok(None) };
    let begin = file.source.read_range(ByteRange::new(range.offset, range.length.min(FIRST_LOOK)))?;
    if memmem::find(&begin, SCHEMA).is_none() {
        return Ok(None);
    }
    let found = Pixels::find(&begin, size);
    if found.is_some() || range.length <= FIRST_LOOK {
        return Ok(found);
    }
    let most = file.source.read_range(ByteRange::new(range.offset, range.length.min(MOST).min(max_bytes)))?;
    Ok(Pixels::find(&most, size))
}

/// What a `Pixels` element says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pixels {
    significant_bits: Option<u8>,
    dpi: Option<(f64, f64)>,
}

impl Pixels {
    /// The first that is of this size.
    fn find(xml: &[u8], size: Dimensions) -> Option<Self> {
        StartTags { xml }.find_map(|tag| {
            let text = String::from_utf8_lossy(tag);
            let number = |name| attribute(&text, name)?.trim().parse::<u32>().ok();
            let found = Dimensions::new(number("SizeX")?, number("SizeY")?);
            (found == size).then(|| Self::of(&text))
        })
    }

    fn of(text: &str) -> Self {
        let side = |name, unit| {
            let size: f64 = attribute(text, name)?.trim().parse().ok()?;
            let dots = MICROMETERS_PER_INCH / (size * micrometers(attribute(text, unit))?);
            (dots.is_finite() && dots > 0.0).then_some(dots)
        };
        let x = side("PhysicalSizeX", "PhysicalSizeXUnit");
        let dpi = x.map(|x| (x, side("PhysicalSizeY", "PhysicalSizeYUnit").unwrap_or(x)));
        let significant_bits = attribute(text, "SignificantBits").and_then(|bits| bits.trim().parse().ok());
        Self { significant_bits, dpi }
    }
}

/// How many micrometers a unit is; without one it is one of them. `None` for what is no length.
fn micrometers(unit: Option<&str>) -> Option<f64> {
    Some(match unit.unwrap_or("\u{b5}m").trim() {
        "m" => 1e6,
        "cm" => 1e4,
        "mm" => 1e3,
        // The sign of the prefix, the Greek letter, and both as some programs write them.
        "\u{b5}m" | "\u{3bc}m" | "&#181;m" | "&#956;m" | "&#xB5;m" | "&#xb5;m" | "&#x3BC;m" | "&#x3bc;m" => 1.0,
        "nm" => 1e-3,
        "\u{c5}" | "\u{212b}" | "&#197;" | "&#xC5;" | "&#xc5;" => 1e-4,
        "pm" => 1e-6,
        "in" => MICROMETERS_PER_INCH,
        _ => return None,
    })
}

/// What follows the name of the element within each of its start tags. No byte is looked at twice, whatever is given: it goes on
/// where a tag ended, or where it was seen that it does not end.
struct StartTags<'a> {
    /// What was not looked at.
    xml: &'a [u8],
}

impl<'a> Iterator for StartTags<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let at = memmem::find(self.xml, ELEMENT)?;
            let (before, rest) = self.xml.split_at(at);
            let rest = rest.get(ELEMENT.len()..)?;
            // A prefix of a name space may come before the name.
            let begins = matches!(before.last(), Some(b'<' | b':'));
            if !begins || !rest.first()?.is_ascii_whitespace() {
                self.xml = rest;
                continue;
            }
            let most = rest.get(..MOST_TAG).unwrap_or(rest);
            // Where another tag begins, this is none.
            let end = memchr::memchr2(b'<', b'>', most).unwrap_or(most.len());
            let (tag, behind) = rest.split_at(end);
            self.xml = behind;
            if behind.first() == Some(&b'>') && end < MOST_TAG {
                return Some(tag);
            }
        }
    }
}

/// The value of an attribute among `text`, as it is written.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(at, _)| {
        if !text[..at].ends_with(|before: char| before.is_ascii_whitespace()) {
            return None;
        }
        let value = text[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        value.strip_prefix(quote)?.split(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Dimensions = Dimensions::new(40, 30);

    #[test]
    fn the_pixels_of_the_size_of_a_page_are_found() {
        let label = r#"<Pixels ID="Pixels:1" SizeX="9" SizeY="30" SignificantBits="8"/>"#;
        let of = |attributes: &str| format!(r#"<OME>{label}<Pixels SizeX="40" SizeY='30' {attributes}/>{label}</OME>"#);
        let cases = [
            ("", None, None),
            (r#"SignificantBits="12""#, Some(12), None),
            ("SignificantBits = ' 10 '\n", Some(10), None),
            (r#"SignificantBits="many""#, None, None),
            (r#"NotSignificantBits="12""#, None, None),
            (r#"PhysicalSizeX="0.5" PhysicalSizeY="0.25""#, None, Some((50_800.0, 101_600.0))),
            (r#"PhysicalSizeX="0.5" PhysicalSizeXUnit="µm""#, None, Some((50_800.0, 50_800.0))),
            (r#"PhysicalSizeXUnit="&#181;m" PhysicalSizeX="2.54""#, None, Some((10_000.0, 10_000.0))),
            (r#"PhysicalSizeX="2540" PhysicalSizeXUnit="nm""#, None, Some((10_000.0, 10_000.0))),
            (r#"PhysicalSizeX="1" PhysicalSizeXUnit="pixel""#, None, None),
            (r#"PhysicalSizeX="0""#, None, None),
            (r#"PhysicalSizeX="-1""#, None, None),
        ];
        for (attributes, significant_bits, dpi) in cases {
            let found = Pixels::find(of(attributes).as_bytes(), SIZE).unwrap();
            assert_eq!(found.significant_bits, significant_bits, "{attributes}");
            let near = |one: f64, other: f64| (one - other).abs() < 1e-6 * other;
            let same = match (found.dpi, dpi) {
                (Some((x, y)), Some((dpi_x, dpi_y))) => near(x, dpi_x) && near(y, dpi_y),
                (found, expected) => found == expected,
            };
            assert!(same, "{attributes}: {:?}", found.dpi);
        }
    }

    #[test]
    fn only_a_start_tag_of_that_name_is_one_of_pixels() {
        let found = |xml: &str| Pixels::find(xml.as_bytes(), SIZE).is_some();
        assert!(found(r#"<ome:Pixels SizeX="40" SizeY="30">"#));
        assert!(found("<Pixels\n SizeY='30'\tSizeX='40'></Pixels>"));
        for xml in [
            r#"<Pixels SizeX="30" SizeY="40">"#,
            r#"<Pixels SizeX="40" SizeY="30""#,
            r#"<PixelsX SizeX="40" SizeY="30">"#,
            r#"<MyPixels SizeX="40" SizeY="30">"#,
            r#"</Pixels SizeX="40" SizeY="30">"#,
            r#"Pixels SizeX="40" SizeY="30">"#,
            "<Pixels",
            "",
        ] {
            assert!(!found(xml), "{xml}");
        }
        let far = format!(r#"<Pixels SizeX="40" {} SizeY="30">"#, " ".repeat(MOST_TAG));
        assert!(!found(&far));
        // What was begun does not hide what follows.
        assert!(found(r#"<Pixels <Pixels SizeX="40" SizeY="30"><Pixels "#));
        assert!(found(&format!(r#"<Pixels {}<Pixels SizeX="40" SizeY="30">"#, " ".repeat(MOST_TAG))));
    }

    #[test]
    fn every_byte_of_a_description_is_looked_at_once() {
        let many = MOST_TAG / 8 - 1;
        for (tag, times) in [("<Pixels ", many), (":Pixels ", many), ("<Pixels SizeX='9' ", 1)] {
            // Many openings and then an end, so that each would be a tag as long as all that follow it.
            let xml = format!("{}>", tag.repeat(times)).repeat((2 << 20) / (tag.len() * times));
            let looked_at: usize = StartTags { xml: xml.as_bytes() }.map(<[u8]>::len).sum();
            assert!(looked_at <= xml.len(), "{looked_at} bytes of {} of {tag}", xml.len());
            assert_eq!(Pixels::find(xml.as_bytes(), SIZE), None, "{tag}");
        }
        let without_end = ":Pixels ".repeat((2 << 20) / 8);
        assert_eq!(StartTags { xml: without_end.as_bytes() }.count(), 0);
    }
}
