//! Everything before the pixels: header, palette, resources, and of the layers whether the picture is transparent.

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::{corrupt, unsupported};
use crate::{ByteRange, DecodeError, RandomAccess};

const HEADER_BYTES: u64 = 26;
const MAX_PROFILE_BYTES: u64 = 16 << 20;
/// Most resources looked at; files have some thirty.
const MAX_RESOURCES: u32 = 4096;
const PALETTE_BYTES: u64 = 768;
const RESOLUTION: u16 = 1005;
const PROFILE: u16 = 1039;
const TRANSPARENT_INDEX: u16 = 1047;
const VERSION_INFO: u16 = 1057;

/// What the channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Bitmap,
    /// Also duotone, whose inks are described nowhere.
    Gray,
    Indexed,
    Rgb,
    Cmyk,
    Lab,
}

impl Mode {
    /// Channels of its colour.
    pub(super) const fn channels(self) -> u64 {
        match self {
            Self::Bitmap | Self::Gray | Self::Indexed => 1,
            Self::Rgb | Self::Lab => 3,
            Self::Cmyk => 4,
        }
    }
}

/// What the file says before its pixels.
pub(super) struct Header {
    /// True for large documents (PSB), whose lengths are wider.
    pub(super) large: bool,
    pub(super) size: Dimensions,
    /// Bits per sample: 1, 8, 16, or 32 for floating point.
    pub(super) depth: u8,
    pub(super) mode: Mode,
    /// All channels, used or not.
    pub(super) channels: u64,
    pub(super) has_alpha: bool,
    /// Colours of the indexes.
    pub(super) palette: Vec<[u8; 3]>,
    pub(super) transparent_index: Option<u8>,
    pub(super) icc: Option<Arc<[u8]>>,
    pub(super) dpi: Option<(f64, f64)>,
    /// Where the compression of the picture is noted.
    pub(super) picture_at: u64,
}

/// Reads numbers from front to back.
struct Cursor<'a> {
    source: &'a dyn RandomAccess,
    at: u64,
}

impl Cursor<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut bytes = [0; N];
        read_into(self.source, self.at, &mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.bytes().map(u32::from_be_bytes)
    }

    /// A length, wider in large documents.
    fn length(&mut self, wide: bool) -> Result<u64, DecodeError> {
        if wide { self.bytes().map(u64::from_be_bytes) } else { self.u32().map(u64::from) }
    }

    /// The position behind a section of this length that begins here.
    fn end_of(&self, length: u64) -> Result<u64, DecodeError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.source.len());
        end.ok_or_else(|| corrupt(format!("a section of {length} bytes at byte {} reaches beyond its end", self.at)))
    }
}

fn read_into(source: &dyn RandomAccess, at: u64, buffer: &mut [u8]) -> Result<(), DecodeError> {
    source.read_at(at, buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt(format!("it ends at or after byte {at}")),
        _ => DecodeError::Io(error),
    })
}

impl Header {
    /// Reads it.
    pub(super) fn read(source: &dyn RandomAccess) -> Result<Self, DecodeError> {
        let mut cursor = Cursor { source, at: 0 };
        let first: [u8; HEADER_BYTES as usize] = cursor.bytes()?;
        let u16_at = |at: usize| u16::from_be_bytes([first[at], first[at + 1]]);
        let u32_at = |at: usize| u32::from_be_bytes([first[at], first[at + 1], first[at + 2], first[at + 3]]);
        let large = u16_at(4) == 2;
        let channels = u64::from(u16_at(12));
        let depth = u16_at(22);
        let mode = match u16_at(24) {
            0 => Mode::Bitmap,
            1 | 8 => Mode::Gray,
            2 => Mode::Indexed,
            3 => Mode::Rgb,
            4 => Mode::Cmyk,
            9 => Mode::Lab,
            7 => return Err(unsupported("channels that are no colour model (multichannel)")),
            other => return Err(unsupported(format!("colour mode {other}"))),
        };
        let depth = match (depth, mode) {
            (1, Mode::Bitmap) | (8, Mode::Indexed) | (8 | 16, Mode::Gray | Mode::Rgb | Mode::Cmyk | Mode::Lab) => {
                depth as u8
            }
            (32, Mode::Gray | Mode::Rgb) => 32,
            _ => return Err(unsupported(format!("{depth} bits per channel in mode {mode:?}"))),
        };
        if !(mode.channels()..=56).contains(&channels) {
            return Err(corrupt(format!("it has {channels} channels, {mode:?} needs {}", mode.channels())));
        }
        let mut header = Self {
            large,
            size: Dimensions::new(u32_at(18), u32_at(14)),
            depth,
            mode,
            channels,
            has_alpha: false,
            palette: Vec::new(),
            transparent_index: None,
            icc: None,
            dpi: None,
            picture_at: 0,
        };
        header.colors(&mut cursor)?;
        header.resources(&mut cursor)?;
        header.layers(&mut cursor)?;
        header.picture_at = cursor.at;
        Ok(header)
    }

    /// Channels that are read.
    pub(super) fn channels_used(&self) -> u64 {
        self.mode.channels() + u64::from(self.has_alpha && self.mode != Mode::Indexed)
    }

    /// Bytes of a row of one channel.
    pub(super) fn row_bytes(&self) -> u64 {
        (u64::from(self.size.width_px) * u64::from(self.depth)).div_ceil(8)
    }

    fn colors(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        let length = u64::from(cursor.u32()?);
        let end = cursor.end_of(length)?;
        if self.mode == Mode::Indexed {
            if length < PALETTE_BYTES {
                return Err(corrupt(format!("its palette has {length} bytes instead of {PALETTE_BYTES}")));
            }
            let planes: [u8; PALETTE_BYTES as usize] = cursor.bytes()?;
            self.palette = (0..256).map(|i| [planes[i], planes[256 + i], planes[512 + i]]).collect();
        }
        cursor.at = end;
        Ok(())
    }

    fn resources(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        let length = u64::from(cursor.u32()?);
        let end = cursor.end_of(length)?;
        for _ in 0..MAX_RESOURCES {
            // Signature, number, name of at least two bytes, length.
            if cursor.at + 12 > end {
                break;
            }
            let _signature = cursor.u32()?;
            let number = cursor.u16()?;
            let name = u64::from(cursor.u8()?);
            cursor.at += name + u64::from(name % 2 == 0);
            let length = u64::from(cursor.u32()?);
            let Some(next) = cursor.at.checked_add(length).filter(|next| *next <= end) else { break };
            self.resource(number, &mut Cursor { source: cursor.source, at: cursor.at }, length)?;
            cursor.at = next + length % 2;
        }
        cursor.at = end;
        Ok(())
    }

    fn resource(&mut self, number: u16, cursor: &mut Cursor<'_>, length: u64) -> Result<(), DecodeError> {
        match number {
            RESOLUTION if length >= 16 => {
                // Fixed point, dots per inch whatever unit is shown to people.
                let x = f64::from(cursor.u32()?) / 65536.0;
                cursor.at += 4;
                let y = f64::from(cursor.u32()?) / 65536.0;
                self.dpi = (x >= 1.0 && y >= 1.0).then_some((x, y));
            }
            // Lab says itself what it means; floating point is converted to sRGB; an index has no profile's channels.
            PROFILE if (1..=MAX_PROFILE_BYTES).contains(&length) && self.depth != 32 && self.mode != Mode::Lab => {
                let profile = cursor.source.read_range(ByteRange::new(cursor.at, length))?;
                self.icc = Some(profile.into());
            }
            TRANSPARENT_INDEX if length >= 2 && self.mode == Mode::Indexed => {
                self.transparent_index = u8::try_from(cursor.u16()?).ok();
                self.has_alpha = self.transparent_index.is_some();
            }
            VERSION_INFO if length >= 5 => {
                let _version = cursor.u32()?;
                if cursor.u8()? == 0 {
                    return Err(unsupported(
                        "layers alone; save it with the option to maximize compatibility, which adds the flattened picture",
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A negative number of layers says that the first channel after the colours is the transparency of the picture. Without
    /// it such channels are selections that somebody kept.
    fn layers(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        let length = cursor.length(self.large)?;
        let end = cursor.end_of(length)?;
        let negative = if length == 0 { false } else { self.layer_count(cursor, end)?.is_some_and(|count| count < 0) };
        let can_be_transparent = matches!(self.mode, Mode::Gray | Mode::Rgb);
        if negative && can_be_transparent && self.channels > self.mode.channels() {
            self.has_alpha = true;
        }
        cursor.at = end;
        Ok(())
    }

    fn layer_count(&self, cursor: &mut Cursor<'_>, end: u64) -> Result<Option<i16>, DecodeError> {
        let length = cursor.length(self.large)?;
        if length >= 2 {
            return Ok((cursor.at + 2 <= end).then(|| cursor.u16()).transpose()?.map(|count| count as i16));
        }
        // With 16 and 32 bits the layers are in a block of their own, after the global mask.
        if cursor.at + 4 > end {
            return Ok(None);
        }
        let mask = u64::from(cursor.u32()?);
        cursor.at += mask.min(end - cursor.at);
        for _ in 0..MAX_RESOURCES {
            if cursor.at + 12 > end {
                break;
            }
            let _signature = cursor.u32()?;
            let key: [u8; 4] = cursor.bytes()?;
            let wide = self.large
                && [
                    b"LMsk", b"Lr16", b"Lr32", b"Layr", b"Mt16", b"Mt32", b"Mtrn", b"Alph", b"FMsk", b"lnk2", b"FEid",
                    b"FXid", b"PxSD",
                ]
                .contains(&&key);
            let length = cursor.length(wide)?;
            if matches!(&key, b"Lr16" | b"Lr32" | b"Layr") && length >= 2 && cursor.at + 2 <= end {
                return cursor.u16().map(|count| Some(count as i16));
            }
            let padded = length.checked_next_multiple_of(4).and_then(|length| cursor.at.checked_add(length));
            let Some(next) = padded.filter(|next| *next <= end) else { break };
            cursor.at = next;
        }
        Ok(None)
    }
}
