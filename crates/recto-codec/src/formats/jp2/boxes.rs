//! The boxes of JP2, JPX and JPH files: where the codestream lies, and what its components mean.

use std::sync::Arc;

use crate::formats::exif::{self, ExifFacts};
use crate::formats::held::check_held;
use crate::{ByteRange, DecodeError, Metadata, Orientation, RandomAccess, SourceFormat};

use super::corrupt;

/// A file with more boxes than this is hostile.
const MAX_BOXES: usize = 10_000;
/// Longest box of metadata that is looked into when the file is opened.
const MAX_METADATA_BYTES: u64 = 16 << 20;
/// The header superbox holds a profile and a palette at most.
const MAX_HEADER_BYTES: u64 = 32 << 20;
const INCHES_PER_METER: f64 = 39.370_078_740_157_48;

pub(super) const SIGNATURE: &[u8] = b"\0\0\0\x0cjP  \r\n\x87\n";
pub(super) const EXIF_UUID: &[u8; 16] = b"JpgTiffExif->JP2";
pub(super) const XMP_UUID: [u8; 16] =
    [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];
pub(super) const IPTC_UUID: [u8; 16] =
    [0x33, 0xc7, 0xa4, 0xd2, 0xb8, 0x1d, 0x47, 0x23, 0xa0, 0xba, 0xf1, 0xa3, 0xe0, 0x97, 0xad, 0x38];

/// What a colour specification box says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ColorSpec {
    /// An enumerated colour space, with the parameters that follow it (`CIELab` has some).
    Enumerated(u32, Vec<u32>),
    /// An ICC profile, restricted or any.
    Profile(Vec<u8>),
}

/// A palette: for each entry, one value a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Palette {
    /// Bits and signedness of each column.
    pub(super) columns: Vec<(u8, bool)>,
    /// Row after row.
    pub(super) values: Vec<i32>,
}

/// Where a channel comes from: a component, through a column of the palette or as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mapping {
    pub(super) component: u16,
    pub(super) column: Option<u8>,
}

/// What a channel is: its number, type (0 colour, 1 opacity, 2 premultiplied opacity) and the colour that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) channel: u16,
    pub(super) kind: u16,
    pub(super) association: u16,
}

/// What the boxes say.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    pub(super) codestream: Option<ByteRange>,
    pub(super) colors: Vec<ColorSpec>,
    pub(super) palette: Option<Palette>,
    pub(super) mappings: Vec<Mapping>,
    pub(super) definitions: Vec<Definition>,
    pub(super) dpi: Option<(f64, f64)>,
    pub(super) orientation: Option<Orientation>,
    pub(super) beside: Beside,
}

/// Where that lies which is read only when it is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    exif: Option<ByteRange>,
    xmp: Option<ByteRange>,
    iptc: Option<ByteRange>,
}

impl Beside {
    /// Reads it, as far as it is not longer than `max_bytes`.
    pub(super) fn read(&self, source: &dyn RandomAccess, max_bytes: u64) -> Result<Metadata, DecodeError> {
        let bytes = |range: Option<ByteRange>| -> Result<Option<Vec<u8>>, DecodeError> {
            let Some(range) = range.filter(|range| range.length > 0) else { return Ok(None) };
            check_held(range.length, max_bytes, SourceFormat::Jp2)?;
            Ok(Some(source.read_range(range)?))
        };
        // Some writers put before it what JPEG has there.
        let exif = bytes(self.exif)?.map(|block| Arc::from(block.strip_prefix(b"Exif\0\0").unwrap_or(&block)));
        Ok(Metadata { exif, xmp: bytes(self.xmp)?.map(Arc::from), iptc: bytes(self.iptc)?.map(Arc::from) })
    }
}

struct Header {
    name: [u8; 4],
    /// The content, cut to where its surroundings end.
    content: ByteRange,
    /// It says that it is longer than its surroundings.
    is_cut: bool,
}

/// The header of the box at `at`, and where the next one begins; `None` where no header fits any more.
fn header(source: &dyn RandomAccess, at: u64, end: u64) -> Result<Option<(Header, u64)>, DecodeError> {
    if at.checked_add(8).is_none_or(|content| content > end) {
        return Ok(None);
    }
    let mut bytes = [0; 8];
    source.read_at(at, &mut bytes)?;
    let [a, b, c, d, name @ ..] = bytes;
    let (start, said) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (at + 8, None),
        1 => {
            if end - at < 16 {
                return Ok(None);
            }
            let mut long = [0; 8];
            source.read_at(at + 8, &mut long)?;
            (at + 16, at.checked_add(u64::from_be_bytes(long)))
        }
        length => (at + 8, Some(at + u64::from(length))),
    };
    let next = said.unwrap_or(end);
    if next < start {
        return Err(corrupt(format!("the box `{}` is shorter than its header", name.escape_ascii())));
    }
    let stop = next.min(end);
    Ok(Some((Header { name, content: ByteRange::new(start, stop - start.min(stop)), is_cut: next > end }, next)))
}

impl Boxes {
    /// Walks the boxes of the file. Metadata that cannot be understood is as if absent; what pixels depend on is not.
    pub(super) fn read(source: &dyn RandomAccess) -> Result<Self, DecodeError> {
        let mut boxes = Self::default();
        let (mut at, end) = (0, source.len());
        let (mut exif, mut xmp, mut has_header) = (ExifFacts::default(), None, false);
        for _ in 0..MAX_BOXES {
            let Some((header, next)) = header(source, at, end)? else { break };
            match &header.name {
                b"jp2h" if !has_header => {
                    has_header = true;
                    if header.content.length > MAX_HEADER_BYTES {
                        return Err(corrupt("its header box is too long"));
                    }
                    boxes.read_header(source, header.content)?;
                }
                b"jp2c" if boxes.codestream.is_none() => boxes.codestream = Some(header.content),
                b"uuid" if !header.is_cut && header.content.length >= 16 => {
                    let mut uuid = [0; 16];
                    source.read_at(header.content.offset, &mut uuid)?;
                    let body = ByteRange::new(header.content.offset + 16, header.content.length - 16);
                    let is_short = header.content.length <= MAX_METADATA_BYTES;
                    if uuid == *EXIF_UUID {
                        boxes.beside.exif = Some(body);
                        if is_short {
                            exif = exif::parse(&source.read_range(body)?);
                        }
                    } else if uuid == XMP_UUID {
                        boxes.beside.xmp = Some(body);
                        if is_short {
                            xmp = exif::xmp_orientation(&source.read_range(body)?);
                        }
                    } else if uuid == IPTC_UUID {
                        boxes.beside.iptc = Some(body);
                    }
                }
                b"xml " if !header.is_cut && header.content.length <= MAX_METADATA_BYTES && xmp.is_none() => {
                    xmp = exif::xmp_orientation(&source.read_range(header.content)?);
                }
                _ => {}
            }
            at = next;
        }
        boxes.orientation = exif.orientation.or(xmp);
        boxes.dpi = boxes.dpi.or(exif.dpi);
        Ok(boxes)
    }

    fn read_header(&mut self, source: &dyn RandomAccess, range: ByteRange) -> Result<(), DecodeError> {
        let (mut at, end) = (range.offset, range.offset + range.length);
        for _ in 0..MAX_BOXES {
            let Some((header, next)) = header(source, at, end)? else { break };
            if header.is_cut {
                let name = header.name.escape_ascii();
                return Err(corrupt(format!("the box `{name}` is longer than the header box around it")));
            }
            let content = || source.read_range(header.content).map_err(DecodeError::from);
            match &header.name {
                b"colr" => self.colors.extend(color(&content()?)),
                b"pclr" => self.palette = Some(palette(&content()?).ok_or_else(|| corrupt("its palette is damaged"))?),
                b"cmap" => {
                    let content = content()?;
                    self.mappings = (content.as_chunks::<4>().0.iter())
                        .map(|&[a, b, kind, column]| Mapping {
                            component: u16::from_be_bytes([a, b]),
                            column: (kind == 1).then_some(column),
                        })
                        .collect();
                }
                b"cdef" => {
                    let content = content()?;
                    let entries = content.get(2..).unwrap_or_default().as_chunks::<6>().0;
                    self.definitions = entries
                        .iter()
                        .map(|&[a, b, c, d, e, f]| Definition {
                            channel: u16::from_be_bytes([a, b]),
                            kind: u16::from_be_bytes([c, d]),
                            association: u16::from_be_bytes([e, f]),
                        })
                        .collect();
                }
                b"res " => self.read_resolution(source, header.content)?,
                _ => {}
            }
            at = next;
        }
        Ok(())
    }

    /// Of the two resolutions, that of the capture is preferred to that for display.
    fn read_resolution(&mut self, source: &dyn RandomAccess, range: ByteRange) -> Result<(), DecodeError> {
        let (mut at, end) = (range.offset, range.offset + range.length);
        for _ in 0..4 {
            let Some((header, next)) = header(source, at, end)? else { break };
            if !header.is_cut && header.content.length >= 10 {
                let is_capture = &header.name == b"resc";
                if is_capture || (&header.name == b"resd" && self.dpi.is_none()) {
                    let bytes = source.read_range(ByteRange::new(header.content.offset, 10))?;
                    self.dpi = resolution(&bytes).or(self.dpi);
                }
                if is_capture {
                    break;
                }
            }
            at = next;
        }
        Ok(())
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn resolution(bytes: &[u8]) -> Option<(f64, f64)> {
    let [v_exp, h_exp] = [*bytes.get(8)? as i8, *bytes.get(9)? as i8];
    let value = |at: usize, exponent: i8| {
        let (numerator, denominator) = (u16_at(bytes, at)?, u16_at(bytes, at + 2)?);
        let per_meter = f64::from(numerator) / f64::from(denominator) * 10_f64.powi(exponent.into());
        (numerator > 0 && denominator > 0 && per_meter.is_finite()).then_some(per_meter / INCHES_PER_METER)
    };
    Some((value(4, h_exp)?, value(0, v_exp)?))
}

/// A colour specification in one of the methods that are known; others are left out.
fn color(content: &[u8]) -> Option<ColorSpec> {
    match content.first()? {
        1 => {
            let number = u32::from_be_bytes(*content.get(3..)?.first_chunk()?);
            let rest = content.get(7..)?.as_chunks::<4>().0;
            Some(ColorSpec::Enumerated(number, rest.iter().take(8).map(|word| u32::from_be_bytes(*word)).collect()))
        }
        2 | 3 => Some(ColorSpec::Profile(content.get(3..)?.to_vec())),
        _ => None,
    }
}

fn palette(content: &[u8]) -> Option<Palette> {
    let entries = usize::from(u16_at(content, 0)?);
    let count = usize::from(*content.get(2)?);
    let columns: Vec<(u8, bool)> =
        content.get(3..3 + count)?.iter().map(|depth| ((depth & 0x7f) + 1, depth & 0x80 != 0)).collect();
    if !(1..=1024).contains(&entries) || columns.is_empty() || columns.iter().any(|(bits, _)| *bits > 16) {
        return None;
    }
    let mut rest = content.get(3 + count..)?;
    let mut values = Vec::with_capacity(entries * count);
    for _ in 0..entries {
        for &(bits, signed) in &columns {
            let (raw, tail) = if bits <= 8 {
                let (byte, tail) = rest.split_first()?;
                (u16::from(*byte), tail)
            } else {
                let (word, tail) = rest.split_first_chunk()?;
                (u16::from_be_bytes(*word), tail)
            };
            rest = tail;
            let shift = 32 - u32::from(bits);
            let value = (u32::from(raw) << shift) as i32;
            values.push(if signed { value >> shift } else { ((u32::from(raw) << shift) >> shift) as i32 });
        }
    }
    Some(Palette { columns, values })
}
