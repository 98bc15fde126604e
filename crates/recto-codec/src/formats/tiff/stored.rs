//! JPEG tiles as they lie: their shared tables joined in front, and the marker that makes every reader see the right colours.
//!
//! A stream without markers is taken for luma and chroma by its number of components alone, so red, green and blue need an
//! Adobe marker (transform 0) and luma and chroma get a JFIF one, which also overrules component names like `R`, `G`, `B`.
//! A stream that brings such a marker itself is believed: libjpeg writes JFIF for luma and chroma only.

use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::directory::{Compression, Directory};
use super::ifd::File;
use super::layout::Layout;
use super::reader::StoredLevel;
use super::{corrupt, intervals, rows};
use crate::formats::jpeg::{self, Form, Mosaic, StreamColor};
use crate::{ByteRange, Control, CutRequest, DecodeError, Orientation};

pub(super) const START: [u8; 2] = [0xff, 0xd8];
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
    /// Pixels of the units in which it is coded; empty where that is not said.
    pub(super) mcu: Dimensions,
}

/// Reads markers up to the frame; `None` when there is none.
pub(super) fn frame(stream: &[u8]) -> Option<Frame> {
    let mut tells_color = false;
    for (marker, segment) in Segments::of(stream)? {
        match marker {
            0xe0 if segment.starts_with(b"JFIF\0") => tells_color = true,
            0xee if segment.starts_with(b"Adobe") && segment.len() >= 12 => tells_color = true,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [precision, h1, h0, w1, w0, components, ref rest @ ..] = *segment else { return None };
                let size = Dimensions::new(u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
                let mcu = mcu(components, rest);
                return Some(Frame { size, precision, components, marker, tells_color, mcu });
            }
            _ => {}
        }
    }
    None
}

/// True when a stream is seen to have all of its components in its first scan, and all of their bits: then no coefficients are held
/// while it is decoded.
fn has_one_scan(stream: &[u8]) -> bool {
    let Some(mut segments) = Segments::of(stream) else { return false };
    let mut components = None;
    for (marker, segment) in &mut segments {
        match marker {
            0xc0 | 0xc1 | 0xc3 | 0xc9 => components = segment.get(5).copied(),
            0xc2 | 0xc5..=0xc7 | 0xca | 0xcb | 0xcd..=0xcf => return false,
            _ => {}
        }
    }
    matches!(*segments.0, [0xff, 0xda, _, _, in_scan, ..] if Some(in_scan) == components)
}

/// The units in which components (id, sampling, table) are coded together: a block of the coarsest. One alone is coded block by block.
fn mcu(count: u8, components: &[u8]) -> Dimensions {
    let components = components.as_chunks::<3>().0.iter().take(count.into());
    let (across, down) =
        components.fold((0, 0), |(h, v), [_, sampling, _]| (h.max(sampling >> 4), v.max(sampling & 15)));
    if count == 1 { Dimensions::new(8, 8) } else { Dimensions::new(u32::from(across) * 8, u32::from(down) * 8) }
}

/// The marker segments of a stream up to the first scan or the end; what is left of it.
pub(super) struct Segments<'a>(pub(super) &'a [u8]);

impl<'a> Segments<'a> {
    pub(super) fn of(stream: &'a [u8]) -> Option<Self> {
        stream.strip_prefix(&START).map(Self)
    }
}

/// Writes a marker segment.
pub(super) fn put_segment(marker: u8, segment: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&(segment.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(segment);
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
    /// What goes before a tile's bytes behind its start-of-image marker, or before those of a restart interval.
    pub(super) head: Arc<[u8]>,
    /// Tiles are restart intervals of one stream.
    intervals: bool,
    color: StreamColor,
    /// The first tile is of a single scan.
    pub(super) one_scan: bool,
    /// Tiles can leave as they lie.
    pub(super) passes_through: bool,
    /// Pixels of the units in which tiles can be cut; `None` when they cannot.
    mcu: Option<Dimensions>,
}

impl Streams {
    /// Joins the tables of a directory. `first` are the first bytes of one of its tiles, if one could be read.
    pub(super) fn new(directory: &Directory, first: Option<&[u8]>) -> Self {
        let (intervals, tables) = (directory.intervals, directory.jpeg_tables.as_deref());
        let mut head = START.to_vec();
        if !intervals {
            for (marker, segment) in tables.and_then(Segments::of).into_iter().flatten() {
                put_segment(marker, segment, &mut head);
            }
        }
        let color = match (directory.chunk_samples(), directory.photometric) {
            (1, _) => StreamColor::Gray,
            (3, 6) => StreamColor::YcbCr,
            (3, _) => StreamColor::Rgb,
            _ => StreamColor::Cmyk,
        };
        // Of intervals the tables are all that comes before the data, the frame included.
        let first = if intervals { tables.map(<[u8]>::to_vec) } else { first.and_then(|tile| joined(&head, tile)) };
        let frame = first.as_deref().and_then(frame);
        let one_scan = first.as_deref().is_some_and(has_one_scan);
        if frame.is_some_and(|frame| !frame.tells_color) {
            match color {
                StreamColor::Rgb if directory.photometric == 2 => head.extend_from_slice(ADOBE_RGB),
                StreamColor::YcbCr | StreamColor::Gray => head.extend_from_slice(JFIF),
                _ => {}
            }
        }
        if intervals {
            head.extend_from_slice(tables.and_then(|tables| tables.strip_prefix(&START)).unwrap_or_default());
        }
        let whole = frame.filter(|frame| are_images(directory, frame));
        let passes_through = whole.is_some() && directory.orientation == Orientation::Normal && !intervals;
        let mcu = whole.filter(|frame| matches!(frame.marker, 0xc0 | 0xc1) && !frame.mcu.is_empty());
        Self { head: head.into(), intervals, color, one_scan, passes_through, mcu: mcu.map(|frame| frame.mcu) }
    }

    /// True when a region that begins within the first of these tiles can be made of their coefficients.
    fn can_cut(&self, tiles: &Tiles, form: Form) -> bool {
        let Some(mcu) = self.mcu else { return false };
        let seams_fit = (tiles.across == 1 || tiles.tile.width_px.is_multiple_of(mcu.width_px))
            && (tiles.down == 1 || tiles.tile.height_px.is_multiple_of(mcu.height_px));
        let color = !form.gray || matches!(self.color, StreamColor::Gray | StreamColor::YcbCr);
        seams_fit && color && jpeg::lies_on_grid(tiles.region, mcu, form.turn)
    }

    /// A tile as a complete stream, and how its samples are to be understood; what is wrong with it, if it is none.
    pub(super) fn complete(&self, tile: &[u8]) -> Result<(Vec<u8>, StreamColor), &'static str> {
        let (stream, flaw) = if self.intervals {
            (intervals::joined(&self.head, tile), "does not end with a restart marker")
        } else {
            (joined(&self.head, tile), "holds no JPEG stream")
        };
        Ok((stream.ok_or(flaw)?, self.color))
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

/// Most tiles that a part is put together from.
const MOST_TILES: u32 = 64;
/// The same of restart intervals, which are a row of units high.
const MOST_INTERVALS: u32 = 512;

/// Most bytes of what a part is put together from.
const MOST_CUT_BYTES: u64 = 8 << 20;

/// Tiles that a part of a level lies in.
struct Tiles {
    tile: Dimensions,
    column: u32,
    row: u32,
    across: u32,
    down: u32,
    /// From the corner of the first.
    region: Rect,
}

impl Tiles {
    fn of(directory: &Directory, region: Rect) -> Option<Self> {
        let layout = &directory.layout;
        let tile = layout.chunk;
        if !region.is_inside(layout.size) || region.area_px() == 0 {
            return None;
        }
        let (column, row) = (region.x / tile.width_px, region.y / tile.height_px);
        let across = region.right().div_ceil(tile.width_px.into()) as u32 - column;
        let down = region.bottom().div_ceil(tile.height_px.into()) as u32 - row;
        let within = Rect::new(region.x % tile.width_px, region.y % tile.height_px, region.w, region.h);
        let most = if directory.intervals { MOST_INTERVALS } else { MOST_TILES };
        let few = across.checked_mul(down).is_some_and(|count| count <= most);
        few.then_some(Self { tile, column, row, across, down, region: within })
    }

    fn places(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let (column, row, across, down) = (self.column, self.row, self.across, self.down);
        (row..row + down).flat_map(move |row| (column..column + across).map(move |column| (column, row)))
    }

    /// Where they lie, if all are there.
    fn ranges(&self, layout: &Layout, file_bytes: u64) -> Option<Vec<ByteRange>> {
        let range = |(column, row)| {
            let range = layout.range(layout.index(0, column, row), file_bytes)?;
            (range.length > 4 && range.end()? <= file_bytes).then_some(range)
        };
        self.places().map(range).collect()
    }

    /// True when they are not much larger than encoded ones. A tile by itself always leaves.
    fn are_coded_well(&self, ranges: &[ByteRange]) -> bool {
        let bytes = ranges.iter().map(|range| range.length).fold(0, u64::saturating_add);
        let pixels = self.tile.area_px().saturating_mul(ranges.len() as u64);
        ranges.len() == 1 || bytes <= pixels.saturating_mul(jpeg::MOST_BYTES_PER_PIXEL).min(MOST_CUT_BYTES)
    }
}

/// See [`crate::Decoder::can_cut`].
pub(super) fn can_cut(level: &StoredLevel, file_bytes: u64, wanted: &CutRequest) -> bool {
    let layout = &level.directory.layout;
    let Some(streams) = &level.streams else { return false };
    let Some(tiles) = Tiles::of(&level.directory, wanted.region) else { return false };
    streams.can_cut(&tiles, Form::of(wanted))
        && tiles.ranges(layout, file_bytes).is_some_and(|ranges| tiles.are_coded_well(&ranges))
}

/// See [`crate::Decoder::cut`].
pub(super) fn cut(
    file: &File,
    level: &StoredLevel,
    wanted: &CutRequest,
    control: &Control,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let layout = &level.directory.layout;
    let Some(streams) = &level.streams else { return Ok(None) };
    let Some(tiles) = Tiles::of(&level.directory, wanted.region) else { return Ok(None) };
    let Some(ranges) = tiles.ranges(layout, file.source.len()) else { return Ok(None) };
    let largest = rows::largest_chunk(&level.directory);
    let name = |(column, row)| layout.name(layout.index(0, column, row));
    let inside = |(place, range)| rows::inside(file, range, largest, &name(place));
    let ranges = tiles.places().zip(ranges).map(inside).collect::<Result<Vec<_>, _>>()?;
    let mut complete = Vec::with_capacity(ranges.len());
    for (place, tile) in tiles.places().zip(file.source.read_ranges(&ranges)?) {
        control.check()?;
        let stream = streams.complete(&tile);
        complete.push(stream.map_err(|flaw| corrupt(format!("{} {flaw}", name(place))))?.0);
    }
    let mosaic = Mosaic { tile: tiles.tile, across: tiles.across, region: tiles.region, form: Form::of(wanted) };
    mosaic.join(&complete.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// True when tiles with this frame are what a browser would show, but for a turn.
fn are_images(directory: &Directory, frame: &Frame) -> bool {
    let color = matches!((directory.samples, directory.photometric), (1, 1) | (3, 2 | 6));
    color
        && directory.compression == Compression::Jpeg
        && !directory.planar
        && directory.layout.tiled
        && matches!(frame.marker, 0xc0..=0xc2)
        && frame.precision == 8
        && u16::from(frame.components) == directory.samples
        && frame.size == directory.layout.chunk
}

/// Checks that a stream is not larger than its place: nothing is decoded that was not announced.
pub(super) fn check_frame(frame: Option<Frame>, place: Dimensions, name: &str) -> Result<Frame, DecodeError> {
    let frame = frame.ok_or_else(|| corrupt(format!("{name} holds no JPEG stream")))?;
    // Encoders may round sides up to whole blocks.
    let fits = |side: u32, place: u32| u64::from(side) <= u64::from(place).next_multiple_of(32);
    if !fits(frame.size.width_px, place.width_px) || !fits(frame.size.height_px, place.height_px) {
        return Err(corrupt(format!("{name} is of {} pixels, its place of {place}", frame.size)));
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_scan_is_known_by_its_first_header_and_only_where_that_is_seen() {
        let stream = |frame: u8, in_frame: u8, in_scan: u8| {
            let mut stream = vec![0xff, 0xd8, 0xff, 0xfe, 0, 3, b'x'];
            stream.extend([0xff, frame, 0, 8 + 3 * in_frame, 8, 0, 16, 0, 16, in_frame]);
            stream.extend([1_u8, 0x11, 0].repeat(in_frame.into()));
            stream.extend([0xff, 0xff, 0xda, 0, 6 + 2 * in_scan, in_scan, 1, 0]);
            stream
        };
        for (frame, in_frame, in_scan, expected) in
            [(0xc0, 3, 3, true), (0xc1, 1, 1, true), (0xc0, 3, 1, false), (0xc2, 3, 3, false), (0xca, 1, 1, false)]
        {
            let stream = stream(frame, in_frame, in_scan);
            assert_eq!(has_one_scan(&stream), expected, "{frame:x} {in_frame} {in_scan}");
            for length in 0..stream.len() - 2 {
                assert!(!has_one_scan(&stream[..length]), "{length}");
            }
        }
    }

    #[test]
    fn markers_up_to_the_frame_are_read_and_cut_streams_give_none() {
        let stream = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xff\xc2\x00\x0b\x08\x01\x00\x02\x00\x01\x01\x11\x00";
        let expected = Frame {
            size: Dimensions::new(512, 256),
            precision: 8,
            components: 1,
            marker: 0xc2,
            tells_color: true,
            mcu: Dimensions::new(8, 8),
        };
        assert_eq!(frame(stream), Some(expected));
        for length in 0..stream.len() - 4 {
            assert_eq!(frame(&stream[..length]), None, "{length}");
        }
    }
}
