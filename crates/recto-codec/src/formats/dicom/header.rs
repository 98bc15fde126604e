//! What the elements mean.

use std::collections::HashMap;
use std::sync::Arc;

use recto_iiif::Dimensions;

use super::elements::{Element, PIXELS, Syntax, Walker, Window};
use super::{corrupt, ended, unsupported};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

const MAX_TEXT_BYTES: u64 = 1024;
const MAX_TABLE_BYTES: u64 = 256 * 1024;
const MAX_PROFILE_BYTES: u64 = 16 << 20;
/// Tiles of a slide.
pub(super) const MAX_FRAMES: usize = 2_000_000;

const SHARED_GROUPS: u32 = 0x5200_9229;
const FRAME_GROUPS: u32 = 0x5200_9230;
const PLANE_POSITION: u32 = 0x0048_021a;
const OPTICAL_PATH: u32 = 0x0048_0105;
const PROFILE: u32 = 0x0028_2000;

/// How frames are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As they are.
    None,
    RunLengths,
    /// A JPEG of any process; what it holds decides.
    Jpeg,
    Jpeg2000,
}

impl Packing {
    /// For people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RunLengths => "RLE",
            Self::Jpeg => "JPEG",
            Self::Jpeg2000 => "JPEG 2000",
        }
    }
}

/// What the samples of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Photometric {
    /// `white_is_zero` is `MONOCHROME1`.
    Gray {
        white_is_zero: bool,
    },
    Palette,
    Rgb,
    /// Luma and chroma, all of the range, and chroma for each pixel.
    Ybr,
    /// Luma and chroma inside a codestream that knows what it is.
    YbrInside,
}

/// Numbers of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Numbers {
    /// Bits in which each is stored: 8 or 16.
    pub(super) allocated: u16,
    /// Bits that count, the lowest ones.
    pub(super) stored: u16,
    pub(super) signed: bool,
}

/// A table of colours.
#[derive(Clone, Debug)]
pub(super) struct Palette {
    /// The stored number of its first colour.
    pub(super) first: i64,
    pub(super) colors: Vec<[u16; 3]>,
    /// Samples of 16 bits.
    pub(super) wide: bool,
}

/// What a file says before its pixels.
pub(super) struct Header {
    pub(super) syntax: Syntax,
    pub(super) packing: Packing,
    /// Size of a frame.
    pub(super) frame: Dimensions,
    pub(super) frames: u32,
    pub(super) samples: u16,
    pub(super) photometric: Photometric,
    pub(super) planar: bool,
    pub(super) numbers: Numbers,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    /// Centre and width of the shades.
    pub(super) window: Option<(f64, f64)>,
    pub(super) palette: Option<Palette>,
    pub(super) icc: Option<Arc<[u8]>>,
    /// Size of a slide, when frames are its tiles.
    pub(super) slide: Option<Dimensions>,
    /// Column and row of each frame's first pixel on the slide, from 1, where the file says it.
    pub(super) positions: Vec<(u32, u32)>,
    /// Where pixels lie; a length of `u64::MAX` for items.
    pub(super) pixels: ByteRange,
}

/// Elements that are kept.
#[derive(Default)]
struct Kept {
    values: HashMap<u32, ByteRange>,
    columns: Vec<ByteRange>,
    rows: Vec<ByteRange>,
    pixels: Option<ByteRange>,
}

impl Kept {
    fn take(&mut self, element: Element<'_>) -> Result<(), DecodeError> {
        match element.path {
            [] if element.tag == PIXELS => self.pixels = Some(element.value),
            // The groups that are asked for: a file can have any number of tags.
            [] if matches!(element.tag >> 16, 0x0002 | 0x0020 | 0x0028 | 0x0048) => {
                self.values.insert(element.tag, element.value);
            }
            // The first optical path gives its profile.
            [(OPTICAL_PATH, 0)] if element.tag == PROFILE => {
                self.values.entry(element.tag).or_insert(element.value);
            }
            // What every frame has, or the first.
            [(SHARED_GROUPS | FRAME_GROUPS, 0), ..] if matches!(element.tag, 0x0028_1050..=0x0028_1053) => {
                self.values.entry(element.tag).or_insert(element.value);
            }
            [(FRAME_GROUPS, frame), (PLANE_POSITION, 0)] if matches!(element.tag, 0x0048_021e | 0x0048_021f) => {
                let list = if element.tag == 0x0048_021e { &mut self.columns } else { &mut self.rows };
                if list.len() >= MAX_FRAMES {
                    return Err(unsupported(format!("more than {MAX_FRAMES} tiles")));
                }
                // One for each frame, or none is believed.
                if list.len() == *frame as usize {
                    list.push(element.value);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Values by tag.
struct Values<'a> {
    source: &'a dyn RandomAccess,
    kept: Kept,
    syntax: Syntax,
}

impl Values<'_> {
    fn read(&self, range: ByteRange, most: u64) -> Result<Option<Vec<u8>>, DecodeError> {
        if range.length == 0 || range.length > most {
            return Ok(None);
        }
        self.source.read_range(range).map(Some).map_err(ended("a value"))
    }

    fn bytes(&self, tag: u32, most: u64) -> Result<Option<Vec<u8>>, DecodeError> {
        match self.kept.values.get(&tag) {
            Some(range) => self.read(*range, most),
            None => Ok(None),
        }
    }

    fn text(&self, tag: u32) -> Result<Option<String>, DecodeError> {
        let bytes = self.bytes(tag, MAX_TEXT_BYTES)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_matches([' ', '\0']).to_owned()))
    }

    /// The first of several numbers that are written as text.
    fn number(&self, tag: u32) -> Result<Option<f64>, DecodeError> {
        let text = self.text(tag)?;
        let number = text.and_then(|text| text.split('\\').next()?.trim().parse::<f64>().ok());
        Ok(number.filter(|number| number.is_finite()))
    }

    fn words(&self, tag: u32) -> Result<Vec<u16>, DecodeError> {
        let bytes = self.bytes(tag, MAX_TABLE_BYTES)?.unwrap_or_default();
        let word = if self.syntax.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        Ok(bytes.as_chunks().0.iter().map(|bytes| word(*bytes)).collect())
    }

    fn word(&self, tag: u32) -> Result<Option<u16>, DecodeError> {
        Ok(self.words(tag)?.first().copied())
    }

    fn long(&self, range: ByteRange) -> Result<Option<u32>, DecodeError> {
        let bytes = self.read(range, 4)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map(if self.syntax.big_endian { u32::from_be_bytes } else { u32::from_le_bytes }))
    }

    fn long_of(&self, tag: u32) -> Result<Option<u32>, DecodeError> {
        self.kept.values.get(&tag).map_or(Ok(None), |range| self.long(*range))
    }
}

fn transfer_syntax(name: &str) -> Result<(Syntax, Packing), DecodeError> {
    let explicit = Syntax { explicit: true, big_endian: false };
    Ok(match name {
        "1.2.840.10008.1.2" => (Syntax { explicit: false, ..explicit }, Packing::None),
        "1.2.840.10008.1.2.1" => (explicit, Packing::None),
        "1.2.840.10008.1.2.2" => (Syntax { big_endian: true, ..explicit }, Packing::None),
        "1.2.840.10008.1.2.5" => (explicit, Packing::RunLengths),
        "1.2.840.10008.1.2.1.99" => return Err(unsupported("deflated elements")),
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => return Err(unsupported("JPEG-LS")),
        "1.2.840.10008.1.2.4.90"
        | "1.2.840.10008.1.2.4.91"
        | "1.2.840.10008.1.2.4.201"
        | "1.2.840.10008.1.2.4.202"
        | "1.2.840.10008.1.2.4.203" => (explicit, Packing::Jpeg2000),
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            (explicit, Packing::Jpeg)
        }
        other => return Err(unsupported(format!("transfer syntax {other}"))),
    })
}

impl Header {
    /// Reads it.
    pub(super) fn read(source: &dyn RandomAccess, control: &Control) -> Result<Self, DecodeError> {
        let first = Syntax { explicit: true, big_endian: false };
        let mut walker = Walker::new(source, 132, control);
        let mut meta = Kept::default();
        walker.group(2, first, &mut |element| meta.take(element))?;
        let meta = Values { source, kept: meta, syntax: first };
        let name = meta.text(0x0002_0010)?.ok_or_else(|| corrupt("it does not say how it is written (0002,0010)"))?;
        let (syntax, packing) = transfer_syntax(&name)?;
        let mut kept = Kept::default();
        walker.data(syntax, &mut |element| kept.take(element))?;
        Self::of(&Values { source, kept, syntax }, packing, control)
    }

    fn of(values: &Values<'_>, packing: Packing, control: &Control) -> Result<Self, DecodeError> {
        let Some(pixels) = values.kept.pixels else {
            return Err(unsupported("no pixels, or ones that are floating point"));
        };
        let word = |tag, name: &str| values.word(tag)?.ok_or_else(|| corrupt(format!("it does not say its {name}")));
        let (rows, columns) = (word(0x0028_0010, "rows")?, word(0x0028_0011, "columns")?);
        let frame = Dimensions::new(columns.into(), rows.into());
        let samples = values.word(0x0028_0002)?.unwrap_or(1);
        let allocated = word(0x0028_0100, "bits")?;
        let stored = values.word(0x0028_0101)?.unwrap_or(allocated);
        let signed = values.word(0x0028_0103)?.unwrap_or(0) == 1;
        let high = values.word(0x0028_0102)?.unwrap_or(stored.wrapping_sub(1));
        if !matches!(allocated, 8 | 16) {
            return Err(unsupported(format!("{allocated} bits per sample")));
        }
        if stored == 0 || stored > allocated || high != stored - 1 {
            return Err(unsupported(format!("{stored} of {allocated} bits, of which bit {high} is the highest")));
        }
        let numbers = Numbers { allocated, stored, signed };
        let photometric = photometric(&values.text(0x0028_0004)?.unwrap_or_default(), samples, packing)?;
        let frames = values.number(0x0028_0008)?.map_or(1.0, |frames| frames.clamp(1.0, f64::from(u32::MAX))) as u32;
        if frames as usize > MAX_FRAMES {
            return Err(unsupported(format!("more than {MAX_FRAMES} frames")));
        }
        let window = values.number(0x0028_1050)?.zip(values.number(0x0028_1051)?).filter(|(_, width)| *width >= 1.0);
        let icc = match values.bytes(PROFILE, MAX_PROFILE_BYTES)? {
            Some(profile) if matches!(photometric, Photometric::Rgb | Photometric::Ybr | Photometric::YbrInside) => {
                Some(profile.into())
            }
            _ => None,
        };
        let slide = slide(values, frame)?;
        let positions = match slide {
            Some(_) => positions(values, frames, control)?,
            None => Vec::new(),
        };
        Ok(Self {
            syntax: values.syntax,
            packing,
            frame,
            frames,
            samples,
            photometric,
            planar: values.word(0x0028_0006)?.unwrap_or(0) == 1,
            numbers,
            slope: values.number(0x0028_1053)?.filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: values.number(0x0028_1052)?.unwrap_or(0.0),
            window,
            palette: if photometric == Photometric::Palette { Some(palette(values, signed)?) } else { None },
            icc,
            slide,
            positions,
            pixels,
        })
    }
}

fn photometric(name: &str, samples: u16, packing: Packing) -> Result<Photometric, DecodeError> {
    let inside = matches!(packing, Packing::Jpeg | Packing::Jpeg2000);
    Ok(match (name, samples) {
        ("MONOCHROME1", 1) => Photometric::Gray { white_is_zero: true },
        ("MONOCHROME2", 1) => Photometric::Gray { white_is_zero: false },
        ("PALETTE COLOR", 1) => Photometric::Palette,
        ("RGB", 3) => Photometric::Rgb,
        ("YBR_FULL" | "YBR_FULL_422" | "YBR_PARTIAL_420" | "YBR_ICT" | "YBR_RCT", 3) if inside => {
            Photometric::YbrInside
        }
        ("YBR_FULL", 3) => Photometric::Ybr,
        _ => return Err(unsupported(format!("{samples} samples that are `{name}`"))),
    })
}

/// The size of the slide that frames are tiles of.
fn slide(values: &Values<'_>, frame: Dimensions) -> Result<Option<Dimensions>, DecodeError> {
    let (Some(width_px), Some(height_px)) = (values.long_of(0x0048_0006)?, values.long_of(0x0048_0007)?) else {
        return Ok(None);
    };
    let size = Dimensions::new(width_px, height_px);
    if size == frame {
        return Ok(None);
    }
    for (tag, name) in [(0x0048_0302, "optical paths"), (0x0048_0303, "focal planes")] {
        if let Some(count) = values.long_of(tag)?.filter(|count| *count > 1) {
            return Err(unsupported(format!("a slide of {count} {name}")));
        }
    }
    Ok(Some(size))
}

fn positions(values: &Values<'_>, frames: u32, control: &Control) -> Result<Vec<(u32, u32)>, DecodeError> {
    if values.text(0x0020_9311)?.as_deref() == Some("TILED_FULL") {
        return Ok(Vec::new());
    }
    let (columns, rows) = (&values.kept.columns, &values.kept.rows);
    if columns.len() != frames as usize || rows.len() != frames as usize {
        return Ok(Vec::new());
    }
    let mut window = Window::new(values.source, control);
    let mut place = |range: ByteRange| {
        if range.length != 4 {
            return Err(corrupt("the place of a tile is no number"));
        }
        let bytes = window.get(range.offset)?;
        Ok(if values.syntax.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    columns.iter().zip(rows).map(|(column, row)| Ok((place(*column)?, place(*row)?))).collect()
}

fn palette(values: &Values<'_>, signed: bool) -> Result<Palette, DecodeError> {
    let descriptor = values.words(0x0028_1101)?;
    let [count, first, bits, ..] = descriptor[..] else { return Err(corrupt("its palette is not described")) };
    let count = if count == 0 { 65536 } else { usize::from(count) };
    // A number of pixels, which may have a sign; the others never have one. PS3.3 C.7.6.3.1.5.
    let first = if signed { i64::from(first as i16) } else { i64::from(first) };
    let mut planes = Vec::new();
    for tag in [0x0028_1201, 0x0028_1202, 0x0028_1203] {
        let bytes = values.bytes(tag, MAX_TABLE_BYTES)?.ok_or_else(|| unsupported("a palette in segments, or none"))?;
        let plane: Vec<u16> = if bytes.len() < 2 * count {
            // Bytes, two in a word.
            bytes.iter().map(|byte| u16::from(*byte)).collect()
        } else {
            values.words(tag)?
        };
        if plane.len() < count {
            return Err(corrupt(format!("its palette has {} of {count} colours", plane.len())));
        }
        planes.push(plane);
    }
    let colors = (0..count).map(|i| [planes[0][i], planes[1][i], planes[2][i]]).collect();
    Ok(Palette { first, colors, wide: bits == 16 })
}
