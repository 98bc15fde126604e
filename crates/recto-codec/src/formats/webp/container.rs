//! The RIFF container: where the frame, the profile and the metadata lie.

use recto_iiif::{Dimensions, Rect};

use crate::{ByteRange, DecodeError, RandomAccess, SourceFormat};

/// A file with more chunks than this before its end is hostile.
const MAX_CHUNKS: usize = 10_000;
const MAX_METADATA_BYTES: u64 = 16 << 20;
/// Bytes of a frame's own header before its chunks.
const FRAME_HEADER_BYTES: u64 = 16;

const ALPHA_FLAG: u8 = 0x10;
const ICC_FLAG: u8 = 0x20;
/// EXIF or XMP: both lie behind the image data.
const METADATA_FLAGS: u8 = 0x08 | 0x04;

/// How a frame is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Lossy,
    LossyWithAlpha,
    Lossless,
}

/// The image data of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its chunks, alpha first: what libwebp decodes.
    pub(super) data: ByteRange,
    /// Where it lies on the canvas.
    pub(super) rect: Rect,
    pub(super) coding: Coding,
    pub(super) has_alpha: bool,
}

/// What the chunks say.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) canvas: Dimensions,
    /// The only frame, or the first one.
    pub(super) frame: Frame,
    pub(super) animated: bool,
    pub(super) icc: Option<Vec<u8>>,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
}

pub(super) fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Webp, what: what.into() }
}

struct Chunk {
    name: [u8; 4],
    /// Position of its header.
    at: u64,
    payload: ByteRange,
}

/// Chunks from `at` to `end`.
struct Chunks<'a> {
    source: &'a dyn RandomAccess,
    at: u64,
    end: u64,
    left: usize,
}

impl<'a> Chunks<'a> {
    fn new(source: &'a dyn RandomAccess, at: u64, end: u64) -> Self {
        Self { source, at, end, left: MAX_CHUNKS }
    }

    /// The next chunk; `None` at the end, which may come in the middle of a header.
    fn next(&mut self) -> Result<Option<Chunk>, DecodeError> {
        if self.at + 8 > self.end || self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut header = [0; 8];
        self.source.read_at(self.at, &mut header)?;
        let [a, b, c, d, size @ ..] = header;
        let payload = ByteRange::new(self.at + 8, u64::from(u32::from_le_bytes(size)));
        let chunk = Chunk { name: [a, b, c, d], at: self.at, payload };
        // Payloads are padded to even lengths. 64 bits hold any sum of a position and a 32-bit length.
        self.at = payload.offset + payload.length.next_multiple_of(2);
        Ok(Some(chunk))
    }
}

impl Container {
    /// Walks the chunks up to the image data, and behind it only when the header announces metadata there.
    pub(super) fn read(source: &dyn RandomAccess) -> Result<Self, DecodeError> {
        let mut first = [0; 12];
        source.read_at(0, &mut first).map_err(|_| corrupt("it ends in its header"))?;
        let mut chunks = Chunks::new(source, 12, source.len());
        let mut announced = None;
        let mut frame = None;
        let (mut animated, mut icc, mut exif, mut xmp) = (false, None, None, None);
        while let Some(chunk) = chunks.next()? {
            match &chunk.name {
                b"VP8X" if announced.is_none() => announced = Some(Extended::read(source, chunk.payload)?),
                b"ICCP" if icc.is_none() => icc = metadata(source, chunk.payload),
                b"EXIF" if exif.is_none() => exif = metadata(source, chunk.payload),
                b"XMP " if xmp.is_none() => xmp = metadata(source, chunk.payload),
                b"ANMF" if frame.is_none() => {
                    animated = true;
                    frame = Some(animation_frame(source, chunk.payload)?);
                }
                b"ALPH" | b"VP8 " | b"VP8L" if frame.is_none() => {
                    frame = Some(still_frame(source, chunk.at, source.len())?);
                }
                _ => {}
            }
            if frame.is_some() && announced.is_none_or(|extended: Extended| extended.flags & METADATA_FLAGS == 0) {
                break;
            }
        }
        let frame = frame.ok_or_else(|| corrupt("it ends before its first frame"))?;
        let canvas = announced.map_or_else(|| frame.rect.dimensions(), |extended| extended.canvas);
        if !animated && canvas != frame.rect.dimensions() {
            let frame = frame.rect.dimensions();
            return Err(corrupt(format!("its frame of {frame} pixels is not as large as its canvas of {canvas}")));
        }
        // A frame may be smaller than its canvas, but what reaches beyond it would be decoded for nothing.
        if animated && !frame.rect.is_inside(canvas) {
            return Err(corrupt(format!("its first frame at {} reaches beyond its canvas of {canvas}", frame.rect)));
        }
        Ok(Self { canvas, frame, animated, icc, exif, xmp })
    }

    /// True when pixels may be transparent: the frame says so, or leaves a part of the canvas free.
    pub(super) fn has_alpha(&self) -> bool {
        self.frame.has_alpha || self.frame.rect.intersection(self.canvas.rect()) != Some(self.canvas.rect())
    }
}

fn u24(bytes: &[u8]) -> u32 {
    bytes.iter().take(3).rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn read<const N: usize>(source: &dyn RandomAccess, offset: u64) -> Result<[u8; N], DecodeError> {
    let mut bytes = [0; N];
    source.read_at(offset, &mut bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt("it ends in the header of its frame"),
        _ => DecodeError::Io(error),
    })?;
    Ok(bytes)
}

/// The header of the extended container.
#[derive(Clone, Copy)]
struct Extended {
    flags: u8,
    canvas: Dimensions,
}

impl Extended {
    fn read(source: &dyn RandomAccess, payload: ByteRange) -> Result<Self, DecodeError> {
        let bytes = read::<10>(source, payload.offset)?;
        Ok(Self { flags: bytes[0], canvas: Dimensions::new(u24(&bytes[4..7]) + 1, u24(&bytes[7..10]) + 1) })
    }
}

/// Metadata that cannot be read is as if absent.
fn metadata(source: &dyn RandomAccess, payload: ByteRange) -> Option<Vec<u8>> {
    (payload.length <= MAX_METADATA_BYTES).then(|| source.read_range(payload).ok()).flatten()
}

fn animation_frame(source: &dyn RandomAccess, payload: ByteRange) -> Result<Frame, DecodeError> {
    let bytes = read::<16>(source, payload.offset)?;
    let end = (payload.offset + payload.length).min(source.len());
    let mut frame = still_frame(source, payload.offset + FRAME_HEADER_BYTES, end)?;
    let said = Dimensions::new(u24(&bytes[6..9]) + 1, u24(&bytes[9..12]) + 1);
    if said != frame.rect.dimensions() {
        return Err(corrupt(format!("its first frame is {} pixels, its header says {said}", frame.rect.dimensions())));
    }
    (frame.rect.x, frame.rect.y) = (2 * u24(&bytes[..3]), 2 * u24(&bytes[3..6]));
    Ok(frame)
}

/// The chunks of a frame that begins at `at`: alpha and lossy, or one of lossy and lossless.
fn still_frame(source: &dyn RandomAccess, at: u64, end: u64) -> Result<Frame, DecodeError> {
    let mut chunks = Chunks::new(source, at, end);
    let mut start = None;
    while let Some(chunk) = chunks.next()? {
        let chunk_end = (chunk.payload.offset + chunk.payload.length).min(source.len());
        let data = |start: Option<u64>| {
            let start = start.unwrap_or(chunk.at);
            ByteRange::new(start, chunk_end - start)
        };
        match &chunk.name {
            b"ALPH" if start.is_none() => start = Some(chunk.at),
            b"VP8 " => {
                let size = lossy_size(source, chunk.payload)?;
                let coding = if start.is_some() { Coding::LossyWithAlpha } else { Coding::Lossy };
                return Ok(Frame { data: data(start), rect: size.rect(), coding, has_alpha: start.is_some() });
            }
            b"VP8L" => {
                let (size, has_alpha) = lossless_size(source, chunk.payload)?;
                return Ok(Frame { data: data(None), rect: size.rect(), coding: Coding::Lossless, has_alpha });
            }
            _ => {}
        }
    }
    Err(corrupt("it ends before its first frame"))
}

fn lossy_size(source: &dyn RandomAccess, payload: ByteRange) -> Result<Dimensions, DecodeError> {
    let bytes = read::<10>(source, payload.offset)?;
    if bytes[3..6] != [0x9d, 0x01, 0x2a] {
        return Err(corrupt("its lossy frame has no start code"));
    }
    let side = |at: usize| u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]) & 0x3fff);
    Ok(Dimensions::new(side(6), side(8)))
}

fn lossless_size(source: &dyn RandomAccess, payload: ByteRange) -> Result<(Dimensions, bool), DecodeError> {
    let [signature, bits @ ..] = read::<5>(source, payload.offset)?;
    if signature != 0x2f {
        return Err(corrupt("its lossless frame has no signature"));
    }
    let bits = u32::from_le_bytes(bits);
    Ok((Dimensions::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1), bits >> 28 & 1 == 1))
}

/// Puts a profile into an encoded file: the same frame, in the extended container.
pub(super) fn with_profile(encoded: &[u8], size: Dimensions, icc: &[u8]) -> Option<Vec<u8>> {
    let body = encoded.get(12..)?;
    let (has_alpha, frame) = match body.get(..4)? {
        b"VP8X" => (body.get(8)? & ALPHA_FLAG != 0, body.get(18..)?),
        b"VP8L" => (body.get(12)? >> 4 & 1 == 1, body),
        _ => (false, body),
    };
    let mut chunks = Vec::with_capacity(frame.len() + icc.len() + 40);
    chunks.extend_from_slice(b"WEBPVP8X\x0a\0\0\0");
    chunks.extend_from_slice(&[ICC_FLAG | if has_alpha { ALPHA_FLAG } else { 0 }, 0, 0, 0]);
    chunks.extend_from_slice(&(size.width_px - 1).to_le_bytes()[..3]);
    chunks.extend_from_slice(&(size.height_px - 1).to_le_bytes()[..3]);
    chunks.extend_from_slice(b"ICCP");
    chunks.extend_from_slice(&u32::try_from(icc.len()).ok()?.to_le_bytes());
    chunks.extend_from_slice(icc);
    chunks.resize(chunks.len().next_multiple_of(2), 0);
    chunks.extend_from_slice(frame);
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&u32::try_from(chunks.len()).ok()?.to_le_bytes());
    file.extend_from_slice(&chunks);
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAccess;

    fn chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut chunk = [&name[..], &(payload.len() as u32).to_le_bytes(), payload].concat();
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    }

    fn u24(value: u32) -> [u8; 3] {
        let [a, b, c, _] = value.to_le_bytes();
        [a, b, c]
    }

    /// An animation whose first frame has a header, and no pixels behind it.
    fn animation(canvas: Dimensions, frame: Rect) -> MemoryAccess {
        let sides = |size: Dimensions| [u24(size.width_px - 1), u24(size.height_px - 1)].concat();
        let bits = (frame.w - 1) | (frame.h - 1) << 14;
        let pixels = chunk(b"VP8L", &[&[0x2f][..], &bits.to_le_bytes()].concat());
        let header = [&u24(frame.x / 2)[..], &u24(frame.y / 2), &sides(frame.dimensions()), &u24(100), &[0]].concat();
        let body = [
            b"WEBP".to_vec(),
            chunk(b"VP8X", &[&[2, 0, 0, 0][..], &sides(canvas)].concat()),
            chunk(b"ANIM", &[0; 6]),
            chunk(b"ANMF", &[header, pixels].concat()),
        ];
        MemoryAccess::new(chunk(b"RIFF", &body.concat()))
    }

    #[test]
    fn a_frame_of_an_animation_lies_inside_its_canvas() {
        let canvas = Dimensions::new(256, 200);
        for (frame, is_inside) in [
            (Rect::new(0, 0, 256, 200), true),
            (Rect::new(56, 20, 200, 180), true),
            (Rect::new(58, 20, 200, 180), false),
            (Rect::new(56, 22, 200, 180), false),
            (Rect::new(0, 0, 257, 200), false),
            (Rect::new(256, 0, 1, 1), false),
            (Rect::new(0, 0, 16383, 16383), false),
        ] {
            let read = Container::read(&animation(canvas, frame));
            match read {
                Ok(container) => assert!(is_inside && container.frame.rect == frame, "{frame}: {container:?}"),
                Err(DecodeError::Corrupt { what, .. }) => {
                    assert!(!is_inside && what.contains("beyond its canvas"), "{frame}: {what}");
                }
                Err(error) => panic!("{frame}: {error}"),
            }
        }
    }
}
