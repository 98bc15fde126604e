//! The headers of a bitmap: `BITMAPCOREHEADER`, `BITMAPINFOHEADER` and its successors up to `BITMAPV5HEADER`.

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::pixels::{Channel, Packing};
use crate::{ByteRange, DecodeError, RandomAccess, SourceFormat};

const FILE_HEADER_BYTES: u64 = 14;
const CORE_HEADER_BYTES: u32 = 12;
const INFO_HEADER_BYTES: u32 = 40;
/// First header that holds the masks of red, green and blue.
const V2_HEADER_BYTES: u32 = 52;
/// First header that holds the mask of alpha.
const V3_HEADER_BYTES: u32 = 56;
const V5_HEADER_BYTES: u32 = 124;
/// Colour space type of version 5: the profile is in the file.
const PROFILE_EMBEDDED: u32 = 0x4d42_4544;
const MAX_PROFILE_BYTES: u32 = 16 << 20;
const METERS_PER_INCH: f64 = 0.0254;

/// How rows are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// One after the other, each padded to four bytes.
    Rows,
    /// Run lengths of 4-bit pixels.
    Rle4,
    /// Run lengths of 8-bit pixels.
    Rle8,
}

/// What the headers say.
pub(super) struct Header {
    pub(super) size: Dimensions,
    pub(super) top_down: bool,
    pub(super) storage: Storage,
    pub(super) packing: Packing,
    /// Position of the first pixel byte.
    pub(super) pixels_at: u64,
    pub(super) dpi: Option<(f64, f64)>,
    pub(super) icc: Option<Arc<[u8]>>,
}

/// The second header as bytes; what an older version does not have reads as 0.
struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    fn u16(&self, at: usize) -> u16 {
        self.bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> u32 {
        self.bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
    }
}

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Bmp, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Bmp, what: what.into() }
}

fn read(source: &dyn RandomAccess, offset: u64, length: u64) -> Result<Vec<u8>, DecodeError> {
    source.read_range(ByteRange::new(offset, length)).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt("it ends in its headers"),
        _ => DecodeError::Io(error),
    })
}

impl Header {
    /// Reads everything before the pixels.
    pub(super) fn read(source: &dyn RandomAccess) -> Result<Self, DecodeError> {
        let first = Fields { bytes: read(source, 0, FILE_HEADER_BYTES + 4)? };
        let pixels_at = u64::from(first.u32(10));
        let header_bytes = first.u32(14);
        if !(CORE_HEADER_BYTES..=V5_HEADER_BYTES).contains(&header_bytes) {
            return Err(unsupported(format!("a header of {header_bytes} bytes")));
        }
        let fields = Fields { bytes: read(source, FILE_HEADER_BYTES, u64::from(header_bytes))? };
        let core = header_bytes == CORE_HEADER_BYTES;
        let (width, height) = if core {
            (i64::from(fields.u16(4)), i64::from(fields.u16(6)))
        } else {
            (i64::from(fields.u32(4) as i32), i64::from(fields.u32(8) as i32))
        };
        let bits = if core { fields.u16(10) } else { fields.u16(14) };
        let compression = if core { 0 } else { fields.u32(16) };
        let width_px = u32::try_from(width).map_err(|_| corrupt(format!("its width is {width}")))?;
        let height_px = u32::try_from(height.unsigned_abs()).map_err(|_| corrupt("its height does not fit"))?;
        let storage = storage(bits, compression)?;
        let packing = packing(source, &fields, header_bytes, bits, compression)?;
        if pixels_at < FILE_HEADER_BYTES + u64::from(header_bytes) {
            return Err(corrupt(format!("its pixels begin at byte {pixels_at}, inside the headers")));
        }
        Ok(Self {
            size: Dimensions::new(width_px, height_px),
            top_down: height < 0,
            storage,
            packing,
            pixels_at,
            dpi: dpi(&fields),
            icc: profile(source, &fields, header_bytes),
        })
    }

    /// Bytes from one stored row to the next.
    pub(super) fn row_bytes(&self) -> u64 {
        (u64::from(self.size.width_px) * u64::from(self.packing.bits_per_pixel())).div_ceil(32) * 4
    }

    /// For people.
    pub(super) fn compression_name(&self) -> &'static str {
        match self.storage {
            Storage::Rows => "none",
            Storage::Rle4 => "RLE4",
            Storage::Rle8 => "RLE8",
        }
    }
}

fn storage(bits: u16, compression: u32) -> Result<Storage, DecodeError> {
    match (compression, bits) {
        (0, 1 | 4 | 8 | 16 | 24 | 32) | (3 | 6, 16 | 32) => Ok(Storage::Rows),
        (1, 8) => Ok(Storage::Rle8),
        (2, 4) => Ok(Storage::Rle4),
        (0 | 1 | 2 | 3 | 6, _) => Err(unsupported(format!("{bits} bits per pixel in compression {compression}"))),
        _ => Err(unsupported(format!("compression {compression}"))),
    }
}

/// How a pixel is made of its bits.
fn packing(
    source: &dyn RandomAccess,
    fields: &Fields,
    header_bytes: u32,
    bits: u16,
    compression: u32,
) -> Result<Packing, DecodeError> {
    match bits {
        1 | 4 | 8 => palette(source, fields, header_bytes, bits),
        24 => Ok(Packing::Bgr),
        _ if compression == 0 => {
            let masks = if bits == 16 { [0x7c00, 0x03e0, 0x001f, 0] } else { [0x00ff_0000, 0xff00, 0xff, 0] };
            Packing::fields(bits, masks)
        }
        _ => Packing::fields(bits, masks(source, fields, header_bytes, compression)?),
    }
}

fn masks(
    source: &dyn RandomAccess,
    fields: &Fields,
    header_bytes: u32,
    compression: u32,
) -> Result<[u32; 4], DecodeError> {
    let after_header = FILE_HEADER_BYTES + u64::from(header_bytes);
    if header_bytes >= V2_HEADER_BYTES {
        let alpha = if header_bytes >= V3_HEADER_BYTES { fields.u32(52) } else { 0 };
        return Ok([fields.u32(40), fields.u32(44), fields.u32(48), alpha]);
    }
    let count = if compression == 6 { 4 } else { 3 };
    let table = Fields { bytes: read(source, after_header, count * 4)? };
    Ok([table.u32(0), table.u32(4), table.u32(8), table.u32(12)])
}

fn palette(source: &dyn RandomAccess, fields: &Fields, header_bytes: u32, bits: u16) -> Result<Packing, DecodeError> {
    let core = header_bytes == CORE_HEADER_BYTES;
    let (entry_bytes, most) = (if core { 3 } else { 4 }, 1u64 << bits);
    let used = if core { 0 } else { u64::from(fields.u32(32)) };
    let start = FILE_HEADER_BYTES + u64::from(header_bytes);
    let pixels_at = u64::from(Fields { bytes: read(source, 0, FILE_HEADER_BYTES)? }.u32(10));
    // Old writers leave the table shorter than they say; it can never reach into the pixels.
    let room = pixels_at.saturating_sub(start) / entry_bytes;
    let count = if used == 0 { most } else { used.min(most) }.min(room);
    let bytes = read(source, start, count * entry_bytes)?;
    let mut table: Vec<[u8; 3]> =
        bytes.chunks_exact(entry_bytes as usize).map(|entry| [entry[2], entry[1], entry[0]]).collect();
    table.resize(most as usize, [0; 3]);
    Ok(Packing::palette(bits as u8, table))
}

fn dpi(fields: &Fields) -> Option<(f64, f64)> {
    if fields.bytes.len() < INFO_HEADER_BYTES as usize {
        return None;
    }
    let (x, y) = (fields.u32(24) as i32, fields.u32(28) as i32);
    (x > 0 && y > 0).then(|| (f64::from(x) * METERS_PER_INCH, f64::from(y) * METERS_PER_INCH))
}

/// The profile of version 5. One that does not lie in the file is as if absent.
fn profile(source: &dyn RandomAccess, fields: &Fields, header_bytes: u32) -> Option<Arc<[u8]>> {
    let (offset, length) = (fields.u32(112), fields.u32(116));
    if header_bytes < V5_HEADER_BYTES
        || fields.u32(56) != PROFILE_EMBEDDED
        || !(1..=MAX_PROFILE_BYTES).contains(&length)
    {
        return None;
    }
    let range = ByteRange::new(FILE_HEADER_BYTES + u64::from(offset), u64::from(length));
    source.read_range(range).ok().map(Arc::from)
}

impl Packing {
    fn fields(bits: u16, masks: [u32; 4]) -> Result<Self, DecodeError> {
        let [red, green, blue, alpha] = masks.map(Channel::from_mask);
        match (red, green, blue) {
            (Some(red), Some(green), Some(blue)) => {
                Ok(Self::Fields { bytes: usize::from(bits / 8), channels: [red, green, blue], alpha })
            }
            _ => Err(corrupt("a colour has no bits in its pixels")),
        }
    }
}
