//! The few facts that EXIF blocks and XMP packets say about how an image is shown: orientation and resolution.
//!
//! Metadata is never a reason to refuse an image: what cannot be understood here is as if it were absent.

use crate::Orientation;

/// What an EXIF block says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ExifFacts {
    /// Tag 274; `None` when it is absent or out of its range.
    pub(crate) orientation: Option<Orientation>,
    /// Dots per inch, horizontal and vertical.
    pub(crate) dpi: Option<(f64, f64)>,
}

const ORIENTATION: u16 = 274;
const X_RESOLUTION: u16 = 282;
const Y_RESOLUTION: u16 = 283;
const RESOLUTION_UNIT: u16 = 296;
const CM_PER_INCH: f64 = 2.54;

/// Reads the first directory of an EXIF block: a TIFF header, with or without the `Exif\0\0` that JPEG puts before it.
pub(crate) fn parse(block: &[u8]) -> ExifFacts {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    parse_tiff(tiff).unwrap_or_default()
}

/// The orientation that an XMP packet names as `tiff:Orientation`, as attribute or element.
pub(crate) fn xmp_orientation(packet: &[u8]) -> Option<Orientation> {
    const NAME: &[u8] = b"tiff:Orientation";
    let start = memchr::memmem::find(packet, NAME)? + NAME.len();
    let digit = packet.get(start..)?.iter().take(8).find(|byte| !b"=\"'> \t\r\n".contains(byte))?;
    valid_orientation(u64::from(digit.checked_sub(b'0')?))
}

fn valid_orientation(tag: u64) -> Option<Orientation> {
    (1..=8).contains(&tag).then(|| Orientation::from_tag(tag))
}

fn parse_tiff(tiff: &[u8]) -> Option<ExifFacts> {
    let big_endian = match tiff.get(..4)? {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return None,
    };
    let block = Block { tiff, big_endian };
    let directory = block.u32_at(4)? as usize;
    let entries = block.u16_at(directory)?;
    let (mut facts, mut x, mut y, mut unit) = (ExifFacts::default(), None, None, 2);
    for entry in 0..usize::from(entries) {
        let at = directory.checked_add(2 + entry * 12)?;
        let Some(tag) = block.u16_at(at) else { break };
        match tag {
            ORIENTATION => facts.orientation = block.short_value(at).and_then(|value| valid_orientation(value.into())),
            X_RESOLUTION => x = block.rational_value(at),
            Y_RESOLUTION => y = block.rational_value(at),
            RESOLUTION_UNIT => unit = block.short_value(at).unwrap_or(2),
            _ => {}
        }
    }
    let factor = match unit {
        2 => Some(1.0),
        3 => Some(CM_PER_INCH),
        _ => None,
    };
    facts.dpi = factor.zip(x.zip(y)).map(|(factor, (x, y))| (x * factor, y * factor));
    Some(facts)
}

struct Block<'a> {
    tiff: &'a [u8],
    big_endian: bool,
}

impl Block<'_> {
    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = self.tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The single SHORT of the entry at `at`; some writers store it as LONG.
    fn short_value(&self, at: usize) -> Option<u16> {
        match (self.u16_at(at + 2)?, self.u32_at(at + 4)?) {
            (3, 1) => self.u16_at(at + 8),
            (4, 1) => self.u32_at(at + 8)?.try_into().ok(),
            _ => None,
        }
    }

    fn rational_value(&self, at: usize) -> Option<f64> {
        if (self.u16_at(at + 2)?, self.u32_at(at + 4)?) != (5, 1) {
            return None;
        }
        let value_at = self.u32_at(at + 8)? as usize;
        let (numerator, denominator) = (self.u32_at(value_at)?, self.u32_at(value_at.checked_add(4)?)?);
        (numerator > 0 && denominator > 0).then(|| f64::from(numerator) / f64::from(denominator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with these entries (tag, type, count, value field) and `tail` behind the directory.
    fn block(entries: &[(u16, u16, u32, [u8; 4])], tail: &[u8]) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value);
        }
        bytes.extend(tail);
        bytes
    }

    #[test]
    fn orientation_is_taken_only_from_its_range() {
        for (value, want) in [(0, None), (1, Some(Orientation::Normal)), (6, Some(Orientation::Rotate90)), (9, None)] {
            let bytes = block(&[(ORIENTATION, 3, 1, [value, 0, 0, 0])], &[]);
            assert_eq!(parse(&bytes).orientation, want, "{value}");
        }
        let with_prefix = [b"Exif\0\0".as_slice(), &block(&[(ORIENTATION, 3, 1, [8, 0, 0, 0])], &[])].concat();
        assert_eq!(parse(&with_prefix).orientation, Some(Orientation::Rotate270));
    }

    #[test]
    fn resolution_is_converted_to_inches() {
        // The directory of three entries ends at 8 + 2 + 36 = 46.
        let tail = [300u32.to_le_bytes(), 2u32.to_le_bytes()].concat();
        for (unit, want) in [(2, Some((150.0, 150.0))), (3, Some((381.0, 381.0))), (1, None)] {
            let entries = [
                (X_RESOLUTION, 5, 1, [46, 0, 0, 0]),
                (Y_RESOLUTION, 5, 1, [46, 0, 0, 0]),
                (RESOLUTION_UNIT, 3, 1, [unit, 0, 0, 0]),
            ];
            assert_eq!(parse(&block(&entries, &tail)).dpi, want, "unit {unit}");
        }
    }

    #[test]
    fn xmp_names_orientation_as_attribute_or_element() {
        for (packet, want) in [
            (r#"<x tiff:Orientation="6"/>"#, Some(Orientation::Rotate90)),
            ("<tiff:Orientation>3</tiff:Orientation>", Some(Orientation::Rotate180)),
            (r#"<x tiff:Orientation="x"/>"#, None),
            (r#"<x tiff:Orientation="9"/>"#, None),
            ("tiff:Orientation", None),
            ("", None),
        ] {
            assert_eq!(xmp_orientation(packet.as_bytes()), want, "{packet}");
        }
    }

    #[test]
    fn offsets_beyond_the_block_are_as_if_absent() {
        let bytes = block(&[(X_RESOLUTION, 5, 1, [0xff; 4]), (Y_RESOLUTION, 5, 1, [0xff; 4])], &[]);
        assert_eq!(parse(&bytes), ExifFacts::default());
        assert_eq!(parse(b"II*\0\xff\xff\xff\xff"), ExifFacts::default());
        let whole = block(&[(ORIENTATION, 3, 1, [6, 0, 0, 0])], &[]);
        for length in 0..whole.len() {
            let _ = parse(&whole[..length]);
        }
    }
}
