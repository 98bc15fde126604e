//! One JPEG stream of any size, read by its restart intervals: a level of Hamamatsu's slides (NDPI).
//!
//! ```text
//! strip       head | MCUs 0 1 2 | RST0 | MCUs 3 4 5 | RST1 | … | EOI
//! McuStarts        ^                   ^                   ^
//! ```
//!
//! A row of MCUs of the picture has whole intervals, so that each of them is a tile, a row of MCUs high. It is decoded as a stream of its
//! own: the head with the size of the tile in its frame, the interval's data, and an end. So it does not matter that the frame says 0
//! where a side is longer than 65,535 pixels, and that the stream may be of gigabytes.
//!
//! A strip without restart markers, or whose directory does not say where all of them are, is decoded as a whole like any other: small
//! levels are written so. Of a size that no frame can say it is refused.

use recto_iiif::Dimensions;

use super::ifd::{File, Values};
use super::layout::Layout;
use super::stored::{Frame, START, Segments, frame, put_segment};
use super::{tag, too_large, unsupported};
use crate::{ByteRange, DecodeError};

/// Bytes of a strip that are looked at for its head.
const LEAST_LOOK: u64 = 4 << 10;
const MOST_LOOK: u64 = 64 << 10;
/// Longest side of a frame that the library decodes.
const MAX_SIDE: u32 = 65_500;
/// Scanners round the size in a directory and that in its stream differently, by fewer pixels than this.
const ROUNDING: u32 = 16;
const END: [u8; 2] = [0xff, 0xd9];

/// How the strip of a directory is read.
pub(super) enum Found {
    /// Each of its restart intervals is a tile, with this before its data.
    Intervals { layout: Layout, head: Vec<u8> },
    /// As a whole, of so many pixels.
    Whole(Dimensions),
}

/// Looks how the JPEG strip is read of an image that its directory says to be of `size`.
pub(super) fn find(file: &File, values: &Values, size: Dimensions, max_bytes: u64) -> Result<Found, DecodeError> {
    let strip = only_strip(values).filter(|strip| strip.offset < file.source.len());
    let head = match strip {
        Some(strip) => {
            let noted = values.number(tag::NDPI_MCU_STARTS).unwrap_or(0).clamp(LEAST_LOOK, MOST_LOOK);
            let length = noted.min(strip.length).min(file.source.len() - strip.offset);
            Head::read(&file.source.read_range(ByteRange::new(strip.offset, length))?)
        }
        None => None,
    };
    let tile = head.as_ref().and_then(|head| head.tile(size));
    if let (Some(strip), Some(head), Some(tile)) = (strip, &head, tile) {
        let (across, down) = (size.width_px.div_ceil(tile.width_px), size.height_px.div_ceil(tile.height_px));
        let tiles = u64::from(across) * u64::from(down);
        if tiles.saturating_mul(16) > max_bytes {
            return Err(too_large(tiles.saturating_mul(16), max_bytes, "bytes of memory for its tile table"));
        }
        if let Some(starts) = starts(values, strip, head.length, tiles) {
            let layout = Layout::of_starts(size, tile, starts);
            return Ok(Found::Intervals { layout, head: head.of_tile(tile) });
        }
    }
    if size.width_px.max(size.height_px) > MAX_SIDE {
        return Err(unsupported(format!(
            "a JPEG stream of {size} pixels without a list of its restart markers (NDPI)"
        )));
    }
    Ok(Found::Whole(head.map_or(size, |head| smaller(size, head.frame.size))))
}

/// Where the strip lies, if there is just one.
fn only_strip(values: &Values) -> Option<ByteRange> {
    let only = |tag| {
        let mut numbers = values.numbers(tag)?;
        let number = numbers.next()?;
        numbers.next().is_none().then_some(number)
    };
    let is_tiled = values.number(tag::TILE_WIDTH).is_some();
    let strip = ByteRange::new(only(tag::STRIP_OFFSETS)?, only(tag::STRIP_BYTE_COUNTS)?);
    (!is_tiled).then_some(strip)
}

/// Where each of `count` intervals begins, and where the last one ends; `None` when the directory does not say that of all, in order.
fn starts(values: &Values, strip: ByteRange, head: u64, count: u64) -> Option<Vec<u64>> {
    let (lower, upper) = (values.numbers(tag::NDPI_MCU_STARTS)?, values.numbers(tag::NDPI_MCU_STARTS_HIGH));
    let of_all = |numbers: usize| numbers as u64 == count;
    if !of_all(lower.len()) || upper.as_ref().is_some_and(|upper| !of_all(upper.len())) {
        return None;
    }
    let end = strip.end()?;
    let mut starts: Vec<u64> = Vec::with_capacity(lower.len() + 1);
    let mut upper = upper.into_iter().flatten();
    for lower in lower {
        let noted = upper.next().unwrap_or(0) << 32 | lower;
        // The first begins behind the head, whatever is noted.
        let start = strip.offset.checked_add(if starts.is_empty() { head } else { noted })?;
        if start >= end || starts.last().is_some_and(|last| start <= *last) {
            return None;
        }
        starts.push(start);
    }
    starts.push(end);
    Some(starts)
}

/// The size that both say, where they differ by nothing but rounding; else that of the directory.
fn smaller(directory: Dimensions, stream: Dimensions) -> Dimensions {
    let is_near = |one: u32, other: u32| one.abs_diff(other) < ROUNDING;
    let near = is_near(directory.width_px, stream.width_px) && is_near(directory.height_px, stream.height_px);
    if !near || stream.is_empty() {
        return directory;
    }
    Dimensions::new(directory.width_px.min(stream.width_px), directory.height_px.min(stream.height_px))
}

/// What comes before the data of a stream.
struct Head {
    /// The start marker and those segments that decoding needs, but for the restart interval.
    bytes: Vec<u8>,
    /// Where in them the height stands, and behind it the width.
    size_at: usize,
    frame: Frame,
    /// MCUs between two restart markers; 0 for none.
    interval: u32,
    /// Bytes that it has in the file.
    length: u64,
}

impl Head {
    /// `None` for streams that are anything else than one sequential scan of all components.
    fn read(stream: &[u8]) -> Option<Self> {
        let mut segments = Segments::of(stream)?;
        let (mut bytes, mut size_at, mut interval) = (START.to_vec(), None, 0);
        for (marker, segment) in &mut segments {
            match marker {
                0xdd => interval = u16::from_be_bytes(*segment.first_chunk()?),
                0xc0 | 0xc1 if size_at.is_none() => {
                    // Behind the marker, the length and the precision.
                    size_at = Some(bytes.len() + 5);
                    put_segment(marker, segment, &mut bytes);
                }
                // Tables, and what says which colours these are.
                0xc4 | 0xdb | 0xe0 | 0xee => put_segment(marker, segment, &mut bytes),
                0xc0..=0xcf => return None,
                _ => {}
            }
        }
        let scan = segments.0;
        let [0xff, 0xda, high, low, components, ..] = *scan else { return None };
        let scan = scan.get(..2 + usize::from(u16::from_be_bytes([high, low])))?;
        bytes.extend_from_slice(scan);
        let length = (stream.len() - segments.0.len() + scan.len()) as u64;
        let frame = frame(&bytes)?;
        let suits = frame.precision == 8 && frame.components == components && !frame.mcu.is_empty();
        let size_at = size_at.filter(|_| suits)?;
        Some(Self { bytes, size_at, frame, interval: interval.into(), length })
    }

    /// The pixels of an interval, as a tile of a picture of `size`; `None` unless each row of MCUs has whole intervals.
    fn tile(&self, size: Dimensions) -> Option<Dimensions> {
        let (mcu, interval) = (self.frame.mcu, self.interval);
        let across = size.width_px.div_ceil(mcu.width_px);
        // What does not fit into a frame may be anything there.
        let is_small = size.width_px.max(size.height_px) <= MAX_SIDE;
        let agrees = !is_small || self.frame.size.width_px.div_ceil(mcu.width_px) == across;
        let width = interval.checked_mul(mcu.width_px).filter(|width| *width <= MAX_SIDE)?;
        (agrees && interval > 0 && across.is_multiple_of(interval)).then_some(Dimensions::new(width, mcu.height_px))
    }

    /// The same for a stream that is a tile.
    fn of_tile(&self, tile: Dimensions) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (place, side) in [(self.size_at, tile.height_px), (self.size_at + 2, tile.width_px)] {
            bytes[place..place + 2].copy_from_slice(&(side as u16).to_be_bytes());
        }
        bytes
    }
}

/// The stream of a tile: its head, and an interval's data up to the marker that ends it. `None` when none does.
pub(super) fn joined(head: &[u8], interval: &[u8]) -> Option<Vec<u8>> {
    let data = match interval {
        [data @ .., 0xff, 0xd0..=0xd7] => data,
        // The last one: anything may follow the end.
        _ => interval.get(..memchr::memmem::rfind(interval, &END)?)?,
    };
    Some([head, data, &END].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of three components of 8 by 8 blocks, restarted every three MCUs.
    fn stream(size: Dimensions, scan_components: u8) -> Vec<u8> {
        let [h1, h0] = (size.height_px as u16).to_be_bytes();
        let [w1, w0] = (size.width_px as u16).to_be_bytes();
        let mut stream = vec![0xff, 0xd8, 0xff, 0xfe, 0, 4, b'n', b'o'];
        stream.extend([0xff, 0xdd, 0, 4, 0, 3]);
        stream.extend([0xff, 0xc0, 0, 17, 8, h1, h0, w1, w0, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]);
        stream.extend([0xff, 0xda, 0, 12, scan_components, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]);
        stream.extend([1, 2, 3]);
        stream
    }

    #[test]
    fn tiles_are_intervals_only_where_rows_have_whole_ones() {
        for (directory, in_frame, tile) in [
            ((48, 20), (48, 20), Some((24, 8))),
            ((41, 20), (41, 20), Some((24, 8))),
            ((40, 20), (40, 20), None),
            ((56, 20), (56, 20), None),
            // The frame says other than the directory, which counts only where the frame could say it.
            ((48, 20), (72, 20), None),
            ((72_000, 20), (0, 20), Some((24, 8))),
            ((48, 72_000), (0, 0), Some((24, 8))),
        ] {
            let of = |(w, h): (u32, u32)| Dimensions::new(w, h);
            let head = Head::read(&stream(of(in_frame), 3)).unwrap();
            assert_eq!(head.tile(of(directory)), tile.map(of), "{directory:?} {in_frame:?}");
        }
    }

    #[test]
    fn the_head_of_a_tile_is_that_of_the_stream_with_another_size() {
        let whole = stream(Dimensions::new(0, 0), 3);
        let head = Head::read(&whole).unwrap();
        assert_eq!(head.length as usize, whole.len() - 3);
        let tile = head.of_tile(Dimensions::new(24, 8));
        // Without the comment and the restart interval.
        let expected = [&whole[..2], &whole[14..19], &[0, 8, 0, 24], &whole[23..whole.len() - 3]].concat();
        assert_eq!(tile, expected);
        assert!(Head::read(&stream(Dimensions::new(48, 20), 1)).is_none(), "a scan of one of three components");
        for length in 0..whole.len() - 3 {
            assert!(Head::read(&whole[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn a_tile_ends_with_the_marker_behind_its_interval() {
        let cases: [(&[u8], Option<&[u8]>); 6] = [
            (&[1, 0xff, 0, 2, 0xff, 0xd3], Some(&[1, 0xff, 0, 2])),
            (&[1, 2, 0xff, 0xd9], Some(&[1, 2])),
            (&[1, 2, 0xff, 0xd9, 0], Some(&[1, 2])),
            (&[1, 2, 0xff, 0], None),
            (&[1, 2], None),
            (&[], None),
        ];
        for (interval, data) in cases {
            let expected = data.map(|data| [&[7][..], data, &END].concat());
            assert_eq!(joined(&[7], interval), expected, "{interval:?}");
        }
    }
}
