//! JPEG tiles as they lie: their shared tables joined in front, and the marker that makes every reader see the right colours.
//!
//! A stream without markers is taken for luma and chroma by its number of components alone, so red, green and blue need an
//! Adobe marker (transform 0) and luma and chroma get a JFIF one, which also overrules component names like `R`, `G`, `B`.
//! A stream that brings such a marker itself is believed: libjpeg writes JFIF for luma and chroma only.

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::corrupt;
use super::directory::{Compression, Directory};
use crate::formats::jpeg::StreamColor;
use crate::{DecodeError, Orientation};

const START: [u8; 2] = [0xff, 0xd8];
const JFIF: &[u8] = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";
const ADOBE_RGB: &[u8] = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00";

/// What the markers of a JPEG stream say before its first scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) size: Dimensions,
    pub(super) precision: u8,
    pub(super) components: u8,
    /// The number of the start-of-frame marker, `0xc0` for baseline.
    pub(super) marker: u8,
    /// It has a JFIF or Adobe marker.
    pub(super) tells_color: bool,
}

/// Reads markers up to the frame; `None` when there is none.
pub(super) fn frame(stream: &[u8]) -> Option<Frame> {
    let mut tells_color = false;
    for (marker, segment) in Segments::of(stream)? {
        match marker {
            0xe0 if segment.starts_with(b"JFIF\0") => tells_color = true,
            0xee if segment.starts_with(b"Adobe") && segment.len() >= 12 => tells_color = true,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [precision, h1, h0, w1, w0, components, ..] = *segment else { return None };
                let size = Dimensions::new(u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
                return Some(Frame { size, precision, components, marker, tells_color });
            }
            _ => {}
        }
    }
    None
}

/// The marker segments of a stream up to the first scan or the end.
struct Segments<'a>(&'a [u8]);

impl<'a> Segments<'a> {
    fn of(stream: &'a [u8]) -> Option<Self> {
        stream.strip_prefix(&START).map(Self)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match *self.0 {
                [0xff, 0xff, ..] => self.0 = &self.0[1..],
                [0xff, 0xd9 | 0xda, ..] | [] => return None,
                [0xff, marker, high, low, ref rest @ ..] => {
                    let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?;
                    let segment = rest.get(..length)?;
                    self.0 = &rest[length..];
                    return Some((marker, segment));
                }
                _ => return None,
            }
        }
    }
}

/// The JPEG streams of one level.
#[derive(Debug)]
pub(super) struct Streams {
    /// What goes before a tile's bytes behind its start-of-image marker.
    pub(super) head: Arc<[u8]>,
    color: StreamColor,
    /// Tiles can leave as they lie.
    pub(super) passes_through: bool,
}

impl Streams {
    /// Joins the tables of a directory. `first` are the first bytes of one of its tiles, if one could be read.
    pub(super) fn new(directory: &Directory, first: Option<&[u8]>) -> Self {
        let mut head = START.to_vec();
        for (marker, segment) in directory.jpeg_tables.as_deref().and_then(Segments::of).into_iter().flatten() {
            head.extend_from_slice(&[0xff, marker]);
            head.extend_from_slice(&(segment.len() as u16 + 2).to_be_bytes());
            head.extend_from_slice(segment);
        }
        let color = match (directory.chunk_samples(), directory.photometric) {
            (1, _) => StreamColor::Gray,
            (3, 6) => StreamColor::YcbCr,
            (3, _) => StreamColor::Rgb,
            _ => StreamColor::Cmyk,
        };
        let frame = first.and_then(|tile| frame(&joined(&head, tile)?));
        if frame.is_some_and(|frame| !frame.tells_color) {
            match color {
                StreamColor::Rgb if directory.photometric == 2 => head.extend_from_slice(ADOBE_RGB),
                StreamColor::YcbCr | StreamColor::Gray => head.extend_from_slice(JFIF),
                _ => {}
            }
        }
        let passes_through = frame.is_some_and(|frame| passes_through(directory, &frame));
        Self { head: head.into(), color, passes_through }
    }

    /// A tile as a complete stream, and how its samples are to be understood.
    pub(super) fn complete(&self, tile: &[u8]) -> Option<(Vec<u8>, StreamColor)> {
        Some((joined(&self.head, tile)?, self.color))
    }
}

/// How a decoder is to understand a stream with this frame, for which the directory says `color`.
pub(super) fn color_of(frame: &Frame, color: StreamColor, photometric: u64) -> StreamColor {
    match (color, photometric) {
        (StreamColor::Rgb | StreamColor::YcbCr, 2 | 6) if frame.tells_color => StreamColor::Markers,
        _ => color,
    }
}

fn joined(head: &[u8], tile: &[u8]) -> Option<Vec<u8>> {
    let body = tile.strip_prefix(&START)?;
    let mut stream = Vec::with_capacity(head.len() + body.len());
    stream.extend_from_slice(head);
    stream.extend_from_slice(body);
    Some(stream)
}

/// True when tiles with this frame are what a browser would show.
fn passes_through(directory: &Directory, frame: &Frame) -> bool {
    let color = matches!((directory.samples, directory.photometric), (1, 1) | (3, 2 | 6));
    color
        && directory.compression == Compression::Jpeg
        && !directory.planar
        && directory.layout.tiled
        && directory.orientation == Orientation::Normal
        && matches!(frame.marker, 0xc0..=0xc2)
        && frame.precision == 8
        && u16::from(frame.components) == directory.samples
        && frame.size == directory.layout.chunk
}

/// Checks that a stream is not larger than its place: nothing is decoded that was not announced.
pub(super) fn check_frame(frame: Option<Frame>, place: Dimensions, name: &str) -> Result<Frame, DecodeError> {
    let frame = frame.ok_or_else(|| corrupt(format!("{name} holds no JPEG stream")))?;
    // Encoders may round sides up to whole blocks.
    let fits = frame.size.width_px <= place.width_px.next_multiple_of(32)
        && frame.size.height_px <= place.height_px.next_multiple_of(32);
    if !fits {
        return Err(corrupt(format!("{name} is of {} pixels, its place of {place}", frame.size)));
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_up_to_the_frame_are_read_and_cut_streams_give_none() {
        let stream = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xff\xc2\x00\x0b\x08\x01\x00\x02\x00\x01\x01\x11\x00";
        let expected =
            Frame { size: Dimensions::new(512, 256), precision: 8, components: 1, marker: 0xc2, tells_color: true };
        assert_eq!(frame(stream), Some(expected));
        for length in 0..stream.len() - 4 {
            assert_eq!(frame(&stream[..length]), None, "{length}");
        }
    }
}
