//! Packed frames: run lengths unpacked here, codestreams handed to the readers of their formats.

use std::io;
use std::sync::Arc;

use super::frames::Frames;
use super::header::{Header, Photometric};
use super::{corrupt, ended};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// A part of a file as a file.
#[derive(Debug)]
pub(super) struct Part {
    source: Arc<dyn RandomAccess>,
    range: ByteRange,
}

impl RandomAccess for Part {
    fn len(&self) -> u64 {
        self.range.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.range.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.source.read_at(self.range.offset + offset, buffer)
    }
}

/// The bytes of a packed frame.
pub(super) fn bytes(source: &dyn RandomAccess, frames: &Frames, frame: u32) -> Result<Vec<u8>, DecodeError> {
    let mut joined = Vec::new();
    for piece in frames.pieces(frame) {
        joined.extend(source.read_range(*piece).map_err(ended("a frame"))?);
    }
    Ok(joined)
}

/// A codestream as a file of its own, with the marker that makes its colours known where they are not.
pub(super) fn codestream(
    source: &Arc<dyn RandomAccess>,
    header: &Header,
    frames: &Frames,
    frame: u32,
) -> Result<Arc<dyn RandomAccess>, DecodeError> {
    if let [piece] = *frames.pieces(frame) {
        let first = source.read_range(ByteRange::new(piece.offset, piece.length.min(JPEG_HEAD_BYTES)));
        let first = first.map_err(ended("a frame"))?;
        if head(header, &first).len() <= 2 {
            return Ok(Arc::new(Part { source: Arc::clone(source), range: piece }));
        }
    }
    let stream = bytes(source.as_ref(), frames, frame)?;
    let mut whole = head(header, &stream).to_vec();
    match stream.strip_prefix(&START) {
        Some(rest) => whole.extend_from_slice(rest),
        None => whole = stream,
    }
    Ok(Arc::new(crate::MemoryAccess::new(whole)))
}

/// Enough of a JPEG stream to find its frame header in; colour profiles may be before it.
pub(super) const JPEG_HEAD_BYTES: u64 = 256 << 10;

const START: [u8; 2] = [0xff, 0xd8];
const START_ADOBE_RGB: &[u8] = b"\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00";
const START_JFIF: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";

/// What a stream begins with: as it does, or with the marker that says what its three components are.
pub(super) fn head(header: &Header, stream: &[u8]) -> &'static [u8] {
    match (JpegFrame::find(stream), header.photometric) {
        (Some(frame), _) if frame.tells_color || frame.components != 3 => &START_JFIF[..2],
        (Some(_), Photometric::Rgb) => START_ADOBE_RGB,
        (Some(_), _) => START_JFIF,
        (None, _) => &START_JFIF[..2],
    }
}

/// What the markers of a JPEG stream say before its first scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JpegFrame {
    /// The number of the start-of-frame marker, `0xc0` for baseline.
    pub(super) marker: u8,
    pub(super) precision: u8,
    pub(super) width_px: u16,
    pub(super) height_px: u16,
    pub(super) components: u8,
    /// A marker says what the components are.
    pub(super) tells_color: bool,
}

impl JpegFrame {
    /// Reads markers up to the frame; `None` when there is none.
    pub(super) fn find(stream: &[u8]) -> Option<Self> {
        let mut rest = stream.strip_prefix(&START)?;
        let mut tells_color = false;
        loop {
            match *rest {
                [0xff, 0xff, ..] => rest = &rest[1..],
                [0xff, marker, high, low, ref after @ ..] if marker > 0xbf && marker != 0xda => {
                    let segment = after.get(..usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?)?;
                    rest = &after[segment.len()..];
                    match marker {
                        0xe0 if segment.starts_with(b"JFIF\0") => tells_color = true,
                        0xee if segment.starts_with(b"Adobe") => tells_color = true,
                        0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                            let [precision, h1, h0, w1, w0, components, ..] = *segment else { return None };
                            let (height_px, width_px) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
                            return Some(Self { marker, precision, width_px, height_px, components, tells_color });
                        }
                        _ => {}
                    }
                }
                _ => return None,
            }
        }
    }
}

/// Unpacks a frame of run lengths: a segment for each byte of each sample, the highest byte first. Gives planes of
/// little-endian samples.
pub(super) fn run_lengths(packed: &[u8], header: &Header, control: &Control) -> Result<Vec<u8>, DecodeError> {
    let word = |at: usize| {
        let bytes = packed.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        bytes.ok_or_else(|| corrupt("a frame ends in its table of segments"))
    };
    let bytes_each = usize::from(header.numbers.allocated / 8);
    let count = usize::from(header.samples) * bytes_each;
    if word(0)? as usize != count {
        return Err(corrupt(format!("a frame has {} segments instead of {count}", word(0)?)));
    }
    let area = header.frame.area_px() as usize;
    let mut out = vec![0; area * count];
    for segment in 0..count {
        control.check()?;
        let (sample, byte) = (segment / bytes_each, bytes_each - 1 - segment % bytes_each);
        let start = word(4 + segment * 4)? as usize;
        let data = packed.get(start..).ok_or_else(|| corrupt("a segment begins beyond its frame"))?;
        let plane = &mut out[sample * area * bytes_each..(sample + 1) * area * bytes_each];
        unpack(data, plane, byte, bytes_each)
            .ok_or_else(|| corrupt(format!("segment {segment} of a frame is damaged")))?;
    }
    Ok(out)
}

/// Fills every `step`th byte of `plane`, from `first`.
fn unpack(mut packed: &[u8], plane: &mut [u8], first: usize, step: usize) -> Option<()> {
    let count = plane.len() / step;
    let mut at = 0;
    while at < count {
        let (&head, rest) = packed.split_first()?;
        packed = rest;
        match head {
            0..=127 => {
                let (literal, rest) = packed.split_at_checked(usize::from(head) + 1)?;
                packed = rest;
                // The last run may be longer: segments are even.
                for value in literal.iter().take(count - at) {
                    plane[at * step + first] = *value;
                    at += 1;
                }
            }
            128 => {}
            129.. => {
                let (&value, rest) = packed.split_first()?;
                packed = rest;
                for _ in 0..(257 - usize::from(head)).min(count - at) {
                    plane[at * step + first] = value;
                    at += 1;
                }
            }
        }
    }
    Some(())
}
