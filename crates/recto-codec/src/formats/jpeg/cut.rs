//! Parts of a JPEG as a JPEG of their own, without decoding: no generation loss, and a fraction of the time.
//!
//! What is kept are whole MCUs (blocks of 8 or 16 pixels); the frame's size is lowered to what is wanted. DC coefficients are stored
//! as differences along the scan, so the first kept MCU behind dropped ones gets new differences; everything else is copied bit
//! by bit.
//!
//! ```text
//!   a b c | x      kept: a b c, d e f; dropped: x, y, and the row below
//!   d e f | y      copied: a b c e f; its differences written anew: d (it followed x)
//!   ------+--
//!   z z z   z
//! ```

use std::ops::Range;

use recto_iiif::{Dimensions, Rect};

use super::bits::{BitWriter, CleanScan};
use super::coding::{Coding, Parts, StoredColor, ZIGZAG};
use super::huffman::{pass_block, read_block};
use super::markers::{EOI, corrupt};
use super::recode::Coefficients;
use super::walk::MAX_DC;
use crate::{CutRequest, DecodeError, Orientation};

/// Where the first DC coefficient of a component lies in an MCU, and what it is.
#[derive(Clone, Copy, Default)]
struct FirstBlock {
    start: usize,
    behind_dc: usize,
    dc: i32,
}

/// Goes through the MCUs of a scan, or of a run of it.
pub(super) struct McuReader<'a> {
    coding: &'a Coding,
    scan: &'a CleanScan,
    /// Which of the scan's intervals between restart markers it is in.
    interval: usize,
    /// Bits read.
    position: usize,
    predictors: [i32; 4],
    /// MCUs of the whole scan before the next.
    number: u64,
    /// Nothing was read yet: a restart marker before the next MCU, if there is one, is behind us.
    fresh: bool,
    block: [i16; 64],
}

impl<'a> McuReader<'a> {
    /// Begins at a position of the clean data, before MCU `number` of the scan.
    pub(super) fn new(
        coding: &'a Coding,
        scan: &'a CleanScan,
        number: u64,
        position: usize,
        predictors: [i32; 4],
    ) -> Self {
        Self { coding, scan, interval: 0, position, predictors, number, fresh: true, block: [0; 64] }
    }

    fn outside() -> DecodeError {
        corrupt("its data ends within the wanted part")
    }

    /// Steps over a restart marker, if one is due; tells so.
    fn restart(&mut self) -> Result<bool, DecodeError> {
        let interval = self.coding.restart_interval;
        let due = interval > 0 && !self.fresh && self.number.is_multiple_of(interval);
        if due {
            let end = self.scan.intervals.get(self.interval).map_or(0, |interval| interval.end);
            if end.saturating_sub(self.position) >= 8 {
                return Err(corrupt("there is data left before a restart marker"));
            }
            self.interval += 1;
            self.position = self.scan.intervals.get(self.interval).ok_or_else(Self::outside)?.start;
            self.predictors = [0; 4];
        }
        self.fresh = false;
        self.number += 1;
        Ok(due)
    }

    fn check(&self) -> Result<(), DecodeError> {
        let end = self.scan.intervals.get(self.interval).map_or(0, |interval| interval.end);
        if self.position > end { Err(Self::outside()) } else { Ok(()) }
    }

    /// Steps over one MCU; tells whether a restart marker was before it.
    fn pass(&mut self) -> Result<([FirstBlock; 4], bool), DecodeError> {
        let restarted = self.restart()?;
        let first = self.pass_mcu().ok_or_else(|| corrupt(format!("MCU {} is not valid", self.number - 1)))?;
        self.check()?;
        Ok((first, restarted))
    }

    #[inline]
    fn pass_mcu(&mut self) -> Option<[FirstBlock; 4]> {
        let bytes = self.scan.bytes();
        let mut first = [FirstBlock::default(); 4];
        for ((component, predictor), first) in self.coding.components.iter().zip(&mut self.predictors).zip(&mut first) {
            for block in 0..component.h * component.v {
                let start = self.position;
                let passed = pass_block(bytes, &mut self.position, &component.dc, &component.ac)?;
                *predictor += passed.difference;
                if predictor.abs() > MAX_DC {
                    return None;
                }
                if block == 0 {
                    *first = FirstBlock { start, behind_dc: passed.behind_dc, dc: *predictor };
                }
            }
        }
        Some(first)
    }

    /// Steps over MCUs.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), DecodeError> {
        (0..count).try_for_each(|_| self.pass().map(|_| ()))
    }

    /// Copies MCUs. `written` are the last DC coefficients that were written.
    pub(super) fn copy(
        &mut self,
        count: u32,
        writer: &mut BitWriter,
        written: &mut [i32; 4],
    ) -> Result<(), DecodeError> {
        // Bits that are to be copied as they are, and whether the next MCU can join them.
        let mut run = 0..0;
        let mut joined = false;
        for _ in 0..count {
            let (first, restarted) = self.pass()?;
            if !joined || restarted {
                writer.copy(self.scan.bytes(), run).ok_or_else(Self::outside)?;
                self.rewrite(&first, written, writer)?;
                run = self.position..self.position;
                joined = true;
            }
            run.end = self.position;
            *written = self.predictors;
        }
        writer.copy(self.scan.bytes(), run).ok_or_else(Self::outside)
    }

    /// Copies MCUs up to a known bit, where the DC coefficients are `predictors`. No restart marker may lie between.
    pub(super) fn copy_to(
        &mut self,
        end: usize,
        predictors: [i32; 4],
        writer: &mut BitWriter,
        written: &mut [i32; 4],
    ) -> Result<(), DecodeError> {
        let (first, _) = self.pass()?;
        self.rewrite(&first, written, writer)?;
        if end < self.position || end > self.scan.bits() {
            return Err(corrupt("its index does not fit"));
        }
        writer.copy(self.scan.bytes(), self.position..end).ok_or_else(Self::outside)?;
        *written = predictors;
        Ok(())
    }

    /// Writes the MCU that ends at the position, with the first DC difference of each component against what was written.
    fn rewrite(&self, first: &[FirstBlock; 4], written: &[i32; 4], writer: &mut BitWriter) -> Result<(), DecodeError> {
        for (index, component) in self.coding.components.iter().enumerate() {
            let FirstBlock { behind_dc, dc, .. } = first[index & 3];
            writer
                .put_dc(&component.dc_codes, dc - written[index & 3])
                .ok_or_else(|| corrupt("a DC difference is out of range"))?;
            let is_last = index + 1 == self.coding.components.len();
            let end = if is_last { self.position } else { first[(index + 1) & 3].start };
            writer.copy(self.scan.bytes(), behind_dc..end).ok_or_else(Self::outside)?;
        }
        Ok(())
    }

    /// Reads MCUs' coefficients; the first comes into column `column` of row `row` of `into`.
    pub(super) fn read(
        &mut self,
        count: u32,
        (column, row): (u32, u32),
        into: &mut Coefficients,
    ) -> Result<(), DecodeError> {
        for column in column..column + count {
            self.restart()?;
            self.read_mcu((column, row), into)
                .ok_or_else(|| corrupt(format!("MCU {} is not valid", self.number - 1)))?;
            self.check()?;
        }
        Ok(())
    }

    fn read_mcu(&mut self, (column, row): (u32, u32), into: &mut Coefficients) -> Option<()> {
        let bytes = self.scan.bytes();
        for (number, component) in self.coding.components.iter().enumerate() {
            let predictor = &mut self.predictors[number & 3];
            for y in 0..component.v {
                for x in 0..component.h {
                    let (dc, ac) = (&component.dc, &component.ac);
                    let (difference, _) = read_block(bytes, &mut self.position, dc, ac, &ZIGZAG, &mut self.block)?;
                    *predictor += difference;
                    if predictor.abs() > MAX_DC {
                        return None;
                    }
                    self.block[0] = *predictor as i16;
                    into.put(number, column * component.h + x, row * component.v + y, &self.block);
                    self.block = [0; 64];
                }
            }
        }
        Some(())
    }
}

/// How a part is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) turn: Orientation,
    pub(crate) gray: bool,
}

impl Form {
    /// Nothing but the size changes.
    #[cfg(test)]
    pub(crate) const AS_STORED: Self = Self { turn: Orientation::Normal, gray: false };

    /// As asked for.
    pub(crate) const fn of(wanted: &CutRequest) -> Self {
        Self { turn: wanted.turn, gray: wanted.gray }
    }

    pub(super) fn copies(self, coding: &Coding) -> bool {
        self.turn == Orientation::Normal && (!self.gray || coding.components.len() == 1)
    }
}

/// MCUs of a picture that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct McuRect {
    pub(super) columns: Range<u32>,
    pub(super) rows: Range<u32>,
}

impl McuRect {
    /// Those that hold any pixel of `region`, and `margin` more on each side as far as there are.
    pub(super) fn around(region: Rect, coding: &Coding, margin: u32) -> Self {
        let axis = |start: u32, end: u64, mcu: u32, count: u32| {
            let from = (start / mcu).saturating_sub(margin);
            let to = end.div_ceil(u64::from(mcu)) as u32;
            from..to.saturating_add(margin).min(count)
        };
        Self {
            columns: axis(region.x, region.right(), coding.mcu.width_px, coding.columns),
            rows: axis(region.y, region.bottom(), coding.mcu.height_px, coding.rows),
        }
    }

    /// Their pixels.
    pub(super) fn pixels(&self, coding: &Coding) -> Rect {
        let (x, y) = (self.columns.start * coding.mcu.width_px, self.rows.start * coding.mcu.height_px);
        let right = (self.columns.end * coding.mcu.width_px).min(coding.size.width_px);
        let bottom = (self.rows.end * coding.mcu.height_px).min(coding.size.height_px);
        Rect::new(x, y, right.saturating_sub(x), bottom.saturating_sub(y))
    }
}

/// True when `region`, turned so, is a whole number of MCUs from the upper left corner: what is cut off lies at the right and at the
/// bottom, before and after.
pub(crate) fn lies_on_grid(region: Rect, mcu: Dimensions, turn: Orientation) -> bool {
    let (mirror_x, mirror_y) = mirrored_before(turn);
    let begins = region.x.is_multiple_of(mcu.width_px) && region.y.is_multiple_of(mcu.height_px);
    begins
        && (!mirror_x || region.w.is_multiple_of(mcu.width_px))
        && (!mirror_y || region.h.is_multiple_of(mcu.height_px))
}

/// Whether the right or the bottom edge before the turn is at the left or the top after it.
pub(super) const fn mirrored_before(turn: Orientation) -> (bool, bool) {
    match turn {
        Orientation::Normal | Orientation::Transpose => (false, false),
        Orientation::MirrorHorizontal | Orientation::Rotate270 => (true, false),
        Orientation::MirrorVertical | Orientation::Rotate90 => (false, true),
        Orientation::Rotate180 | Orientation::Transverse => (true, true),
    }
}

/// Cuts a complete JPEG stream (tables joined) to its top left `visible` pixels without decoding. `None` when this stream cannot be
/// cut so (progressive, arithmetic, 12 bits, several scans, or smaller than `visible`).
///
/// # Errors
/// [`DecodeError::Corrupt`] when the kept part is damaged; a decoder may still make something of it.
#[cfg(test)]
pub(crate) fn cut_to(stream: &[u8], visible: Dimensions) -> Result<Option<Vec<u8>>, DecodeError> {
    let grid = Mosaic { tile: visible, across: 1, region: visible.rect(), form: Form::AS_STORED };
    grid.join(&[stream])
}

/// Tiles in rows from left to right, and the part of them that is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mosaic {
    /// Pixels of each tile's place; tiles are at least that large, or reach to the end of `region`.
    pub(crate) tile: Dimensions,
    /// Tiles in a row.
    pub(crate) across: u32,
    /// In pixels from the first tile's corner, which it covers.
    pub(crate) region: Rect,
    pub(crate) form: Form,
}

impl Mosaic {
    /// Joins complete JPEG streams (tables joined) to one that shows the region. `None` when these cannot be joined so.
    ///
    /// The pixels are those of the tiles, except that smooth chroma upsampling goes across the seams, and has no neighbours any
    /// more behind the last visible column and row. Metadata of the streams is not kept.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] when a kept part is damaged; a decoder may still make something of it.
    pub(crate) fn join(&self, streams: &[&[u8]]) -> Result<Option<Vec<u8>>, DecodeError> {
        let mut tiles = Vec::with_capacity(streams.len());
        for stream in streams {
            let Some((parts, data)) = Parts::of_stream(stream)? else { return Ok(None) };
            let Some(coding) = Coding::new(&parts)? else { return Ok(None) };
            let scan = CleanScan::new(data, 0).ok_or_else(|| corrupt("a restart marker is out of turn"))?;
            if !matches!(scan.ended_by, None | Some(EOI)) {
                return Ok(None);
            }
            tiles.push((coding, scan));
        }
        let Some((coding, _)) = tiles.first() else { return Ok(None) };
        let Some(pieces) = self.pieces(&tiles) else { return Ok(None) };
        let down = tiles.len().div_ceil(self.across.max(1) as usize);
        let mut readers =
            tiles.iter().map(|(coding, scan)| McuReader::new(coding, scan, 0, 0, [0; 4])).collect::<Vec<_>>();
        let mut target = Target::new(coding, self.region.dimensions(), self.form);
        let mut row = 0;
        for tile_row in 0..down {
            let first = tile_row * self.across as usize;
            let Some(kept) = pieces.get(first) else { return Ok(None) };
            let rows = kept.rows.clone();
            for _ in 0..rows.start {
                for (reader, (coding, _)) in readers.iter_mut().zip(&tiles).skip(first).take(self.across as usize) {
                    reader.skip(coding.columns)?;
                }
            }
            for own_row in rows.clone() {
                let mut column = 0;
                let in_row = readers.iter_mut().zip(&tiles).zip(&pieces).skip(first).take(self.across as usize);
                for ((reader, (coding, _)), piece) in in_row {
                    reader.skip(piece.columns.start)?;
                    let count = piece.columns.end - piece.columns.start;
                    target.take(reader, count, (column, row))?;
                    column += count;
                    if own_row + 1 < rows.end {
                        reader.skip(coding.columns - piece.columns.end)?;
                    }
                }
                row += 1;
            }
        }
        target.finish().map(Some)
    }

    /// The MCUs that are kept of each tile; `None` when the seams are not between MCUs, or tiles are not alike.
    fn pieces(&self, tiles: &[(Coding, CleanScan)]) -> Option<Vec<McuRect>> {
        let (first, _) = tiles.first()?;
        let (mcu, region, across) = (first.mcu, self.region, self.across);
        if region.area_px() == 0 || across == 0 || !(tiles.len() as u32).is_multiple_of(across) {
            return None;
        }
        let down = tiles.len() as u32 / across;
        let seams_fit = (across == 1 || self.tile.width_px.is_multiple_of(mcu.width_px))
            && (down == 1 || self.tile.height_px.is_multiple_of(mcu.height_px));
        if !lies_on_grid(region, mcu, self.form.turn) || !seams_fit {
            return None;
        }
        let mut pieces = Vec::with_capacity(tiles.len());
        for (number, (coding, _)) in (0_u32..).zip(tiles) {
            let place = Rect::new(
                (number % across).checked_mul(self.tile.width_px)?,
                (number / across).checked_mul(self.tile.height_px)?,
                self.tile.width_px,
                self.tile.height_px,
            );
            let kept = place.intersection(region)?;
            let own = Rect::new(kept.x - place.x, kept.y - place.y, kept.w, kept.h);
            if !coding.fits(first) || !own.is_inside(coding.size) {
                return None;
            }
            if self.form.gray && !matches!(coding.color, StoredColor::Gray | StoredColor::YcbCr) {
                return None;
            }
            pieces.push(McuRect::around(own, coding, 0));
        }
        Some(pieces)
    }
}

/// Where kept MCUs go: copied, or read to be written anew.
pub(super) enum Target<'a> {
    Copied { writer: BitWriter, written: [i32; 4] },
    Read { coding: &'a Coding, coefficients: Coefficients, size: Dimensions, form: Form },
}

impl<'a> Target<'a> {
    /// For a part of `size` pixels (before the turn).
    pub(super) fn new(coding: &'a Coding, size: Dimensions, form: Form) -> Self {
        if form.copies(coding) {
            return Self::Copied { writer: BitWriter::new(coding.head(size)), written: [0; 4] };
        }
        let mcus =
            Dimensions::new(size.width_px.div_ceil(coding.mcu.width_px), size.height_px.div_ceil(coding.mcu.height_px));
        Self::Read { coding, coefficients: Coefficients::new(coding, mcus, form.gray), size, form }
    }

    /// Takes MCUs; the first is this one of the part.
    pub(super) fn take(
        &mut self,
        reader: &mut McuReader<'_>,
        count: u32,
        place: (u32, u32),
    ) -> Result<(), DecodeError> {
        match self {
            Self::Copied { writer, written } => reader.copy(count, writer, written),
            Self::Read { coefficients, .. } => reader.read(count, place, coefficients),
        }
    }

    /// The complete stream.
    pub(super) fn finish(self) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Copied { writer, .. } => {
                let mut out = writer.finish();
                out.extend_from_slice(&[0xff, EOI]);
                Ok(out)
            }
            Self::Read { coding, coefficients, size, form } => coefficients
                .write(coding, size, form.turn)
                .ok_or_else(|| corrupt("a coefficient is larger than 8-bit samples have")),
        }
    }
}
