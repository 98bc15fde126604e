//! The two things that an EXIF segment says about showing the image: orientation and resolution.
//!
//! Malformed EXIF is common and never a reason to refuse an image: what cannot be read counts as absent.

use crate::Orientation;

/// Entries of a directory that are looked at: no camera writes as many.
const MAX_ENTRIES: usize = 1_000;

const ORIENTATION: u16 = 0x0112;
const X_RESOLUTION: u16 = 0x011a;
const Y_RESOLUTION: u16 = 0x011b;
const RESOLUTION_UNIT: u16 = 0x0128;

/// What is needed of EXIF.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exif {
    pub(super) orientation: Orientation,
    /// Dots per inch, horizontal and vertical.
    pub(super) dpi: Option<(f64, f64)>,
}

/// Reads the TIFF structure of an EXIF segment; `None` when it is not one.
pub(super) fn parse(tiff: &[u8]) -> Option<Exif> {
    let fields = Fields { tiff, big_endian: tiff.starts_with(b"MM") };
    if !(fields.big_endian || tiff.starts_with(b"II")) || fields.u16(2)? != 42 {
        return None;
    }
    let directory = fields.u32(4)? as usize;
    let count = usize::from(fields.u16(directory)?).min(MAX_ENTRIES);
    let mut exif = Exif { orientation: Orientation::Normal, dpi: None };
    let (mut x, mut y, mut unit) = (None, None, 2);
    for index in 0..count {
        let Some(entry) = directory.checked_add(2 + index * 12) else { break };
        let Some(tag) = fields.u16(entry) else { break };
        match tag {
            ORIENTATION => exif.orientation = Orientation::from_tag(fields.integer(entry).unwrap_or(1)),
            X_RESOLUTION => x = fields.rational(entry),
            Y_RESOLUTION => y = fields.rational(entry),
            RESOLUTION_UNIT => unit = fields.integer(entry).unwrap_or(2),
            _ => {}
        }
    }
    let per_inch = match unit {
        2 => Some(1.0),
        3 => Some(2.54),
        _ => None,
    };
    if let (Some(x), Some(y), Some(per_inch)) = (x, y, per_inch) {
        exif.dpi = Some((x * per_inch, y * per_inch));
    }
    Some(exif)
}

/// Numbers by position; outside is `None`.
struct Fields<'a> {
    tiff: &'a [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The value of an entry with one BYTE, SHORT or LONG, or the signed forms that some programs write.
    fn integer(&self, entry: usize) -> Option<u64> {
        match self.u16(entry.checked_add(2)?)? {
            1 => self.tiff.get(entry.checked_add(8)?).map(|byte| u64::from(*byte)),
            3 | 8 => self.u16(entry.checked_add(8)?).map(u64::from),
            4 | 9 => self.u32(entry.checked_add(8)?).map(u64::from),
            _ => None,
        }
    }

    /// The value of an entry with one RATIONAL, when it is a positive number.
    fn rational(&self, entry: usize) -> Option<f64> {
        if self.u16(entry.checked_add(2)?)? != 5 {
            return None;
        }
        let at = self.u32(entry.checked_add(8)?)? as usize;
        let value = f64::from(self.u32(at)?) / f64::from(self.u32(at.checked_add(4)?)?);
        (value.is_finite() && value > 0.0).then_some(value)
    }
}
