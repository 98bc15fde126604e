//! The rows of the flattened picture.

use recto_iiif::Dimensions;

use super::header::{Header, Mode};
use super::{corrupt, unsupported};
use crate::formats::held::strip_rows;
use crate::formats::tone;
use crate::{ByteRange, Control, DecodeError, DecodedGeometry, RandomAccess, Raster, RowSource};

/// Rows between two known positions.
const ROWS_PER_MARK: usize = 64;

/// Where rows lie.
pub(super) enum Stored {
    /// One after the other, as they are.
    Plain {
        /// Position of the first byte.
        at: u64,
    },
    /// Packed one by one (`PackBits`).
    Packed {
        /// Bytes of each row of the channels that are used, channel by channel.
        lengths: Vec<u32>,
        /// Positions of every 64th row of them.
        marks: Vec<u64>,
    },
}

impl Stored {
    /// Bytes that the table of rows will take, at most.
    pub(super) fn held_bytes(header: &Header) -> u64 {
        header.channels_used() * u64::from(header.size.height_px) * 5
    }

    /// Reads how the rows are stored.
    pub(super) fn read(source: &dyn RandomAccess, header: &Header) -> Result<Self, DecodeError> {
        let at = header.picture_at;
        let compression = source.read_range(ByteRange::new(at, 2)).map_err(ends_in_table)?;
        match compression[..] {
            [0, 0] => Ok(Self::Plain { at: at + 2 }),
            [0, 1] => Self::packed(source, header, at + 2),
            [0, 2 | 3] => Err(unsupported("a flattened picture in ZIP compression")),
            _ => Err(corrupt(format!("its compression is {compression:?}"))),
        }
    }

    fn packed(source: &dyn RandomAccess, header: &Header, table_at: u64) -> Result<Self, DecodeError> {
        let entry: u64 = if header.large { 4 } else { 2 };
        let rows = header.channels_used() * u64::from(header.size.height_px);
        let all_rows = header.channels * u64::from(header.size.height_px);
        let data_at = all_rows.checked_mul(entry).and_then(|bytes| bytes.checked_add(table_at));
        let mut at = data_at.filter(|at| *at <= source.len()).ok_or_else(|| corrupt("it ends in its table of rows"))?;
        let (mut lengths, mut marks) = (Vec::with_capacity(rows as usize), Vec::new());
        let mut read = 0;
        while read < rows {
            let count = (rows - read).min(8192);
            let block =
                source.read_range(ByteRange::new(table_at + read * entry, count * entry)).map_err(ends_in_table)?;
            for bytes in block.chunks_exact(entry as usize) {
                let length = bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
                if lengths.len().is_multiple_of(ROWS_PER_MARK) {
                    marks.push(at);
                }
                lengths.push(length);
                at += u64::from(length);
            }
            read += count;
        }
        Ok(Self::Packed { lengths, marks })
    }

    /// For people.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "none",
            Self::Packed { .. } => "PackBits",
        }
    }

    /// Where a row of all rows lies.
    fn row(&self, row: u64, row_bytes: u64) -> Option<ByteRange> {
        match self {
            Self::Plain { at } => Some(ByteRange::new(row.checked_mul(row_bytes)?.checked_add(*at)?, row_bytes)),
            Self::Packed { lengths, marks } => {
                let row = usize::try_from(row).ok()?;
                let mark = row / ROWS_PER_MARK;
                let before = lengths.get(mark * ROWS_PER_MARK..row)?;
                let at = marks.get(mark)? + before.iter().map(|length| u64::from(*length)).sum::<u64>();
                Some(ByteRange::new(at, u64::from(*lengths.get(row)?)))
            }
        }
    }
}

fn ends_in_table(error: std::io::Error) -> DecodeError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt("it ends in its table of rows"),
        _ => DecodeError::Io(error),
    }
}

/// A region, strip by strip.
pub(super) struct PsdRows<'a> {
    source: &'a dyn RandomAccess,
    header: &'a Header,
    stored: &'a Stored,
    geometry: DecodedGeometry,
    next: u32,
    /// A row of one channel, unpacked.
    row: Vec<u8>,
    control: Control,
}

impl<'a> PsdRows<'a> {
    pub(super) fn new(
        source: &'a dyn RandomAccess,
        header: &'a Header,
        stored: &'a Stored,
        geometry: DecodedGeometry,
        control: &Control,
    ) -> Self {
        let row = vec![0; header.row_bytes() as usize];
        Self { source, header, stored, geometry, next: geometry.rect.y, row, control: control.clone() }
    }

    /// Puts `rows` rows of a channel into place `sample` of the pixels of a strip.
    fn channel(&mut self, channel: u64, sample: usize, rows: u32, strip: &mut Raster) -> Result<(), DecodeError> {
        let row_bytes = self.header.row_bytes();
        let first = channel * u64::from(self.header.size.height_px) + u64::from(self.next);
        let ends = || corrupt(format!("it ends in channel {channel}, near row {}", self.next));
        let mut ranges = Vec::with_capacity(rows as usize);
        for row in first..first + u64::from(rows) {
            let range = self.stored.row(row, row_bytes).ok_or_else(ends)?;
            // `PackBits` never needs more; a longer one is no row of this picture.
            if range.length > row_bytes + row_bytes / 64 + 8 {
                return Err(corrupt(format!("a row of {row_bytes} bytes is packed into {}", range.length)));
            }
            ranges.push(range);
        }
        let start = ranges.first().map_or(0, |range| range.offset);
        let end = ranges.last().and_then(|range| range.end()).ok_or_else(ends)?;
        let block = self.source.read_range(ByteRange::new(start, end - start)).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => ends(),
            _ => DecodeError::Io(error),
        })?;
        let rect = self.geometry.rect;
        for (y, range) in (0..rows).zip(ranges) {
            let from = (range.offset - start) as usize;
            let bytes = block.get(from..from + range.length as usize).ok_or_else(ends)?;
            let row = match self.stored {
                Stored::Plain { .. } => bytes,
                Stored::Packed { .. } => {
                    unpack(bytes, &mut self.row)
                        .ok_or_else(|| corrupt(format!("row {} of channel {channel} is damaged", self.next + y)))?;
                    &self.row
                }
            };
            put(row, self.header, (rect.x as usize, rect.w as usize), sample, strip.row_mut(y));
        }
        Ok(())
    }
}

/// Puts columns `x..x + w` of a row of one channel into pixels.
fn put(row: &[u8], header: &Header, (x, w): (usize, usize), sample: usize, pixels: &mut [u8]) {
    let samples = pixels.len() / w;
    // Ink is stored as what it leaves of the light.
    let flip = if header.mode == Mode::Cmyk { 0xff } else { 0 };
    match (header.depth, header.mode) {
        (1, _) => {
            for (i, pixel) in pixels.iter_mut().enumerate() {
                let column = x + i;
                *pixel = if row[column / 8] >> (7 - column % 8) & 1 == 0 { 255 } else { 0 };
            }
        }
        (_, Mode::Indexed) => {
            for (pixel, index) in pixels.chunks_exact_mut(samples).zip(&row[x..x + w]) {
                let color = header.palette.get(usize::from(*index)).copied().unwrap_or_default();
                pixel[..3].copy_from_slice(&color);
                if let Some(alpha) = pixel.get_mut(3) {
                    *alpha = if header.transparent_index == Some(*index) { 0 } else { 255 };
                }
            }
        }
        (8, _) => {
            for (pixel, value) in pixels.chunks_exact_mut(samples).zip(&row[x..x + w]) {
                pixel[sample] = value ^ flip;
            }
        }
        (16, _) => {
            let flip = u16::from_be_bytes([flip, flip]);
            for (pixel, value) in pixels.chunks_exact_mut(samples).zip(row[x * 2..(x + w) * 2].as_chunks::<2>().0) {
                let value = u16::from_be_bytes(*value) ^ flip;
                pixel[sample * 2..sample * 2 + 2].copy_from_slice(&value.to_ne_bytes());
            }
        }
        _ => {
            let is_alpha = sample as u64 == header.mode.channels();
            for (pixel, value) in pixels.chunks_exact_mut(samples).zip(row[x * 4..(x + w) * 4].as_chunks::<4>().0) {
                let value = f32::from_be_bytes(*value);
                let value = if is_alpha { tone::straight(value) } else { tone::srgb(value) };
                pixel[sample * 2..sample * 2 + 2].copy_from_slice(&value.to_ne_bytes());
            }
        }
    }
}

/// Fills `row` from run lengths. `None` when they do not fill it, or reach beyond it.
fn unpack(mut packed: &[u8], row: &mut [u8]) -> Option<()> {
    let mut at = 0;
    while at < row.len() {
        let (&head, rest) = packed.split_first()?;
        packed = rest;
        match head {
            0..=127 => {
                let count = usize::from(head) + 1;
                let (literal, rest) = packed.split_at_checked(count)?;
                row.get_mut(at..at + count)?.copy_from_slice(literal);
                packed = rest;
                at += count;
            }
            128 => {}
            129.. => {
                let count = 257 - usize::from(head);
                let (&value, rest) = packed.split_first()?;
                row.get_mut(at..at + count)?.fill(value);
                packed = rest;
                at += count;
            }
        }
    }
    Some(())
}

/// Takes the white out that colours are mixed with by their transparency.
fn unmix(strip: &mut Raster) {
    let format = strip.format();
    let colors = format.samples() - 1;
    if format.bytes_per_sample() == 1 {
        for pixel in strip.data_mut().chunks_exact_mut(format.bytes_per_pixel()) {
            let alpha = u32::from(pixel[colors]);
            for value in &mut pixel[..colors] {
                *value = unmixed(u32::from(*value), alpha, 255) as u8;
            }
        }
    } else {
        for pixel in strip.data_mut().chunks_exact_mut(format.bytes_per_pixel()) {
            let alpha = u32::from(u16::from_ne_bytes([pixel[colors * 2], pixel[colors * 2 + 1]]));
            for value in pixel[..colors * 2].as_chunks_mut::<2>().0 {
                *value = (unmixed(u32::from(u16::from_ne_bytes(*value)), alpha, 65535) as u16).to_ne_bytes();
            }
        }
    }
}

/// `mixed` = `value · alpha + white · (1 - alpha)`, solved for `value`.
fn unmixed(mixed: u32, alpha: u32, white: u32) -> u32 {
    if alpha == 0 || alpha >= white {
        return mixed;
    }
    let color = (u64::from(mixed) * u64::from(white)).saturating_sub(u64::from(white) * u64::from(white - alpha));
    ((color + u64::from(alpha) / 2) / u64::from(alpha)).min(u64::from(white)) as u32
}

impl RowSource for PsdRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, format) = (self.geometry.rect, self.geometry.format);
        let stride = rect.w as usize * format.bytes_per_pixel();
        let rows = u64::from(strip_rows(stride)).min(rect.bottom() - u64::from(self.next)) as u32;
        if rows == 0 {
            return Ok(None);
        }
        let mut strip = Raster::zeroed(Dimensions::new(rect.w, rows), format);
        for channel in 0..self.header.channels_used() {
            self.control.check()?;
            self.channel(channel, channel as usize, rows, &mut strip)?;
        }
        // Floating point is not mixed with white: its white has no place to be.
        if self.header.has_alpha && self.header.mode != Mode::Indexed && self.header.depth != 32 {
            unmix(&mut strip);
        }
        self.next += rows;
        Ok(Some(strip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_taken_out_again() {
        for (value, alpha) in [(0, 255), (0, 128), (255, 128), (100, 51), (17, 200)] {
            let mixed = (value * alpha + 255 * (255 - alpha) + 127) / 255;
            let got = unmixed(mixed, alpha, 255);
            assert!(got.abs_diff(value) <= 2, "{value} at {alpha}: {got}");
        }
        assert_eq!(unmixed(77, 0, 255), 77);
        assert_eq!(unmixed(3, 128, 255), 0, "darker than it can be");
    }

    #[test]
    fn run_lengths_fill_a_row_exactly() {
        let mut row = [0; 6];
        assert_eq!(unpack(&[1, 7, 8, 128, 253, 9], &mut row), Some(()));
        assert_eq!(row, [7, 8, 9, 9, 9, 9]);
        for damaged in [&[1, 7][..], &[253], &[250, 1], &[6, 1, 2, 3, 4, 5, 6, 7], &[]] {
            assert_eq!(unpack(damaged, &mut row), None, "{damaged:?}");
        }
    }
}
