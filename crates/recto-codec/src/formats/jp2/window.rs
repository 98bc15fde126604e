//! Our own decoder: of a tile, only the code-blocks that a window needs, and what was decoded is remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::block::{self, BlockDecoder, MAX_PLANES, Segment, Shape};
use super::codestream::{Area, MainHeader, block_style};
use super::corrupt;
use super::high_throughput::decode;
use super::index::{BandIndex, Block, TileIndex};
use super::pixels::Plane;
use super::wavelet::{Grid, Sample, band_areas, grown, merge};
use crate::{ByteRange, Control, DecodeError, Memo, MemoKey, RandomAccess};

/// Compressed blocks that lie closer together are read at once.
const GAP_BYTES: u64 = 4 << 10;
/// Blocks whose bytes are held at a time.
const BLOCKS_AT_ONCE: usize = 64;

/// A decoded code-block: twice its coefficients.
#[derive(Debug)]
enum Coefficients {
    Short(Box<[i16]>),
    Long(Box<[i32]>),
}

impl Coefficients {
    fn bytes(&self) -> u64 {
        match self {
            Self::Short(all) => 2 * all.len() as u64,
            Self::Long(all) => 4 * all.len() as u64,
        }
    }
}

/// Memory for decoding blocks of each kind, used again for each.
#[derive(Default)]
struct BlockDecoders {
    planes: BlockDecoder,
    high_throughput: decode::BlockDecoder,
}

/// A block that is not remembered: what is known of it, what it covers, and the number of its part.
type Needed = (Block, Area, u64);

/// Coefficients as the transform takes them.
trait Dequantise: Sample {
    fn copy_short(from: &[i16], step: f32, to: &mut [Self]);
    fn copy_long(from: &[i32], step: f32, to: &mut [Self]);
}

impl Dequantise for i32 {
    fn copy_short(from: &[i16], _step: f32, to: &mut [Self]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = i32::from(*from) / 2;
        }
    }

    fn copy_long(from: &[i32], _step: f32, to: &mut [Self]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from / 2;
        }
    }
}

impl Dequantise for f32 {
    fn copy_short(from: &[i16], step: f32, to: &mut [Self]) {
        let step = step * 0.5;
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from(*from) * step;
        }
    }

    fn copy_long(from: &[i32], step: f32, to: &mut [Self]) {
        let step = step * 0.5;
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from as f32 * step;
        }
    }
}

/// Where decoded blocks are kept.
pub(super) enum Kept<'a> {
    /// For everybody: the memo, and the number of the image in it.
    Memo(&'a Memo, u64),
    /// For the rest of one request.
    Edges(&'a Mutex<Edges>),
    Nowhere,
}

/// Blocks that reach over the lower or right edge of what was decoded: the next band or piece needs them again.
#[derive(Debug, Default)]
pub(super) struct Edges {
    before: HashMap<u64, Arc<Coefficients>>,
    now: HashMap<u64, Arc<Coefficients>>,
}

impl Edges {
    /// Forgets what this band did not use.
    pub(super) fn next_band(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}

impl Kept<'_> {
    fn get(&self, part: u64, is_at_edge: bool) -> Option<Arc<Coefficients>> {
        match self {
            Self::Memo(memo, image) => memo.get(MemoKey { image: *image, part }),
            Self::Edges(edges) => {
                let mut edges = edges.lock().unwrap_or_else(PoisonError::into_inner);
                let known = edges.now.get(&part).or_else(|| edges.before.get(&part)).cloned()?;
                if is_at_edge {
                    edges.now.insert(part, Arc::clone(&known));
                }
                Some(known)
            }
            Self::Nowhere => None,
        }
    }

    fn keep(&self, part: u64, block: Coefficients, is_at_edge: bool) {
        match self {
            Self::Memo(memo, image) => {
                let bytes = block.bytes();
                memo.insert(MemoKey { image: *image, part }, Arc::new(block), bytes);
            }
            Self::Edges(edges) if is_at_edge => {
                edges.lock().unwrap_or_else(PoisonError::into_inner).now.insert(part, Arc::new(block));
            }
            Self::Edges(_) | Self::Nowhere => {}
        }
    }
}

/// True when the next window to the right or below may need the block too: twice the reach of the filters is at most 8.
fn is_at_edge(block: Area, window: Area) -> bool {
    block.x1.saturating_add(16) > window.x1 || block.y1.saturating_add(16) > window.y1
}

/// What decoding a window of a tile needs.
pub(super) struct Windows<'a> {
    pub(super) source: &'a dyn RandomAccess,
    pub(super) header: &'a MainHeader,
    pub(super) index: &'a TileIndex,
    pub(super) tile: u32,
    pub(super) kept: &'a Kept<'a>,
    pub(super) control: &'a Control,
}

/// Names a block within its image. Tiles have 16 bits, components that are decoded are few.
fn part(tile: u32, component: usize, resolution: usize, band: usize, block: usize) -> u64 {
    (u64::from(tile) << 48)
        | (component as u64 & 0xf) << 44
        | (resolution as u64 & 0x3f) << 38
        | (band as u64 & 3) << 36
        | (block as u64 & 0xf_ffff_ffff)
}

/// The part of the index of a tile; no block has this component.
pub(super) fn index_part(tile: u32) -> u64 {
    (u64::from(tile) << 48) | 0xf << 44
}

impl Windows<'_> {
    /// Decodes areas of components (each in its own reduced samples), all inside the tile. `reduction` resolutions are left out.
    pub(super) fn planes(&self, reduction: u8, wanted: &[(usize, Area)]) -> Result<Vec<Plane>, DecodeError> {
        let mut blocks = BlockDecoders::default();
        let transformed = self.header.color_transform && wanted.iter().any(|(number, _)| *number < 3);
        if !transformed {
            return wanted.iter().map(|(number, area)| self.plane(&mut blocks, *number, reduction, *area)).collect();
        }
        // All three are needed for any of them; they are of one size.
        let area = wanted.iter().find(|(number, _)| *number < 3).map(|(_, area)| *area);
        let area = area.ok_or_else(|| corrupt("its colour transform is of nothing"))?;
        let is_reversible = self.header.coding.first().is_some_and(|coding| coding.reversible);
        let mut colors = if is_reversible {
            let mut three = Vec::with_capacity(3);
            for number in 0..3 {
                three.push(self.grid::<i32>(&mut blocks, number, reduction, area)?.samples);
            }
            undo_reversible(&mut three);
            three
        } else {
            let mut three = Vec::with_capacity(3);
            for number in 0..3 {
                three.push(self.grid::<f32>(&mut blocks, number, reduction, area)?.samples);
            }
            undo_irreversible(&mut three);
            three.iter().map(|samples| samples.iter().map(|sample| rounded(*sample)).collect()).collect()
        };
        let mut planes = Vec::with_capacity(wanted.len());
        for (number, area) in wanted {
            planes.push(match colors.get_mut(*number) {
                Some(samples) => {
                    let mut plane = Plane { area: *area, samples: std::mem::take(samples) };
                    self.shift(&mut plane, *number);
                    plane
                }
                None => self.plane(&mut blocks, *number, reduction, *area)?,
            });
        }
        Ok(planes)
    }

    fn plane(
        &self,
        blocks: &mut BlockDecoders,
        number: usize,
        reduction: u8,
        area: Area,
    ) -> Result<Plane, DecodeError> {
        let is_reversible = self.header.coding.get(number).is_some_and(|coding| coding.reversible);
        let samples = if is_reversible {
            self.grid::<i32>(blocks, number, reduction, area)?.samples
        } else {
            let grid = self.grid::<f32>(blocks, number, reduction, area)?;
            grid.samples.into_iter().map(rounded).collect()
        };
        let mut plane = Plane { area, samples };
        self.shift(&mut plane, number);
        Ok(plane)
    }

    /// Moves unsigned samples from around 0 to their range, and keeps all within it.
    fn shift(&self, plane: &mut Plane, number: usize) {
        let Some(component) = self.header.size.components.get(number) else { return };
        let half = 1_i32 << (component.bits - 1);
        let (offset, low, high) = if component.signed { (0, -half, half - 1) } else { (half, 0, half - 1 + half) };
        for sample in &mut plane.samples {
            *sample = sample.saturating_add(offset).clamp(low, high);
        }
    }

    fn grid<T: Dequantise>(
        &self,
        blocks: &mut BlockDecoders,
        number: usize,
        reduction: u8,
        wanted: Area,
    ) -> Result<Grid<T>, DecodeError> {
        let missing = || corrupt("a component lacks resolutions");
        let component = self.index.components.get(number).ok_or_else(missing)?;
        let top = component.resolutions.len().checked_sub(1 + usize::from(reduction)).ok_or_else(missing)?;
        // From the top down: what each resolution must give, and the window that it is cut from.
        let mut steps = Vec::with_capacity(top);
        let mut need = wanted;
        for (r, resolution) in component.resolutions.iter().enumerate().take(top + 1).skip(1).rev() {
            let window = grown::<T>(need, resolution.area);
            steps.push((r, window, need));
            let [low, ..] = band_areas(window);
            need = low;
        }
        let lowest = component.resolutions.first().and_then(|resolution| resolution.bands.first());
        let mut grid = self.band::<T>(blocks, (number, 0, 0), lowest.ok_or_else(missing)?, need)?;
        for (r, window, need) in steps.into_iter().rev() {
            self.control.check()?;
            let bands = component.resolutions.get(r).map(|resolution| &resolution.bands[..]);
            let Some([hl, lh, hh]) = bands else { return Err(missing()) };
            let [_, hl_area, lh_area, hh_area] = band_areas(window);
            let bands = [
                grid,
                self.band(blocks, (number, r, 0), hl, hl_area)?,
                self.band(blocks, (number, r, 1), lh, lh_area)?,
                self.band(blocks, (number, r, 2), hh, hh_area)?,
            ];
            grid = merge(window, &bands).cropped(need);
        }
        Ok(grid)
    }

    /// The coefficients of a part of a band.
    fn band<T: Dequantise>(
        &self,
        blocks: &mut BlockDecoders,
        (number, resolution, which): (usize, usize, usize),
        band: &BandIndex,
        area: Area,
    ) -> Result<Grid<T>, DecodeError> {
        let mut grid = Grid::zeroed(area);
        let inside = area.intersection(band.area);
        if inside.is_empty() {
            return Ok(grid);
        }
        let style = self.header.coding.get(number).map_or(0, |coding| coding.block_style);
        let mut missing = Vec::new();
        let pitch = area.width() as usize;
        let (w, h) = band.cell;
        for row in inside.y0 >> h..=(inside.y1 - 1) >> h {
            for column in inside.x0 >> w..=(inside.x1 - 1) >> w {
                let Some((at, block)) = band.block(column, row).filter(|(_, block)| block.passes > 0) else { continue };
                let place = band.block_area(column, row);
                let part = part(self.tile, number, resolution, which, at);
                let known = self.kept.get(part, is_at_edge(place, inside));
                match known {
                    Some(known) => paste(&known, place, band.step, &mut grid, pitch),
                    None => missing.push((*block, place, part)),
                }
            }
        }
        for group in missing.chunks(BLOCKS_AT_ONCE) {
            self.control.check()?;
            let read = self.read(group)?;
            for (block, place, part) in group {
                let coefficients = self.decode(blocks, style, band, (block, *place), &read)?;
                paste(&coefficients, *place, band.step, &mut grid, pitch);
                self.kept.keep(*part, coefficients, is_at_edge(*place, inside));
            }
        }
        Ok(grid)
    }

    /// Reads the bytes of some blocks; those that lie close together at once.
    fn read(&self, blocks: &[Needed]) -> Result<Vec<(u64, Vec<u8>)>, DecodeError> {
        let mut wanted: Vec<ByteRange> = blocks
            .iter()
            .flat_map(|(block, _, _)| self.index.chunks(block))
            .map(|(range, _)| range)
            .filter(|range| range.length > 0)
            .collect();
        wanted.sort_unstable_by_key(|range| range.offset);
        let mut joined: Vec<ByteRange> = Vec::new();
        for range in wanted {
            match joined.last_mut() {
                Some(last) if range.offset <= last.offset + last.length + GAP_BYTES => {
                    last.length = last.length.max(range.offset + range.length - last.offset);
                }
                _ => joined.push(range),
            }
        }
        let data = self.source.read_ranges(&joined)?;
        Ok(joined.into_iter().map(|range| range.offset).zip(data).collect())
    }

    fn decode(
        &self,
        blocks: &mut BlockDecoders,
        style: u8,
        band: &BandIndex,
        (block, place): (&Block, Area),
        read: &[(u64, Vec<u8>)],
    ) -> Result<Coefficients, DecodeError> {
        let planes = band.planes.saturating_sub(block.missing);
        if planes == 0 || planes > MAX_PLANES {
            return Err(corrupt(format!("a code-block has {planes} bit planes")));
        }
        // Bytes of the block, segment after segment: lengths and numbers of passes.
        let (mut bytes, mut lengths): (Vec<u8>, Vec<(usize, u32)>) = (Vec::new(), Vec::new());
        let (mut passes, mut left) = (0, 0);
        for (range, count) in self.index.chunks(block) {
            if left == 0 {
                lengths.push((0, 0));
                left = block::passes_to_segment_end(style, passes);
            }
            if range.length > 0 {
                let before = read.partition_point(|(offset, _)| *offset <= range.offset);
                let found = before.checked_sub(1).and_then(|at| read.get(at)).and_then(|(offset, data)| {
                    data.get((range.offset - offset) as usize..)?.get(..range.length as usize)
                });
                bytes.extend_from_slice(found.ok_or_else(|| corrupt("a code-block lies outside"))?);
            }
            if let Some((length, in_segment)) = lengths.last_mut() {
                *length += range.length as usize;
                *in_segment += count;
            }
            passes += count;
            left -= count.min(left);
        }
        let mut rest = &bytes[..];
        let segments: Vec<Segment<'_>> = lengths
            .iter()
            .map(|&(length, passes)| {
                let (data, tail) = rest.split_at(length.min(rest.len()));
                rest = tail;
                Segment { data, passes }
            })
            .collect();
        let (width, height) = (place.width() as usize, place.height() as usize);
        if style & block_style::HIGH_THROUGHPUT != 0 {
            let is_causal = style & block_style::CAUSAL != 0;
            let shape = decode::Shape { width, height, planes: band.planes, missing: block.missing, is_causal };
            let samples = blocks.high_throughput.decode(shape, &segments)?;
            let values = samples.iter().map(|sample| decode::signed(*sample));
            return Ok(if decode::is_short(samples) {
                Coefficients::Short(values.map(|value| value as i16).collect())
            } else {
                Coefficients::Long(values.collect())
            });
        }
        let decoded = blocks.planes.decode(Shape { width, height, band: band.kind, style, planes }, &segments);
        Ok(if planes < 15 {
            Coefficients::Short(decoded.map(|value| value as i16).collect())
        } else {
            Coefficients::Long(decoded.collect())
        })
    }
}

/// Copies what of a block lies in the grid.
fn paste<T: Dequantise>(block: &Coefficients, place: Area, step: f32, grid: &mut Grid<T>, pitch: usize) {
    let both = place.intersection(grid.area);
    if both.is_empty() {
        return;
    }
    let width = both.width() as usize;
    for y in both.y0..both.y1 {
        let from = (y - place.y0) as usize * place.width() as usize + (both.x0 - place.x0) as usize;
        let to = (y - grid.area.y0) as usize * pitch + (both.x0 - grid.area.x0) as usize;
        let Some(target) = grid.samples.get_mut(to..to + width) else { return };
        match block {
            Coefficients::Short(all) => T::copy_short(all.get(from..from + width).unwrap_or_default(), step, target),
            Coefficients::Long(all) => T::copy_long(all.get(from..from + width).unwrap_or_default(), step, target),
        }
    }
}

/// To the nearest whole number, of two the even one, for magnitudes below 2^22: that is all that samples can be.
#[inline]
fn rounded(sample: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    ((sample.clamp(-4_000_000.0, 4_000_000.0) + SHIFT) - SHIFT) as i32
}

/// ISO/IEC 15444-1, G.2.
fn undo_reversible(planes: &mut [Vec<i32>]) {
    if let [y, u, v] = planes {
        for ((y, u), v) in y.iter_mut().zip(u).zip(v) {
            let green = y.wrapping_sub(u.wrapping_add(*v) >> 2);
            (*y, *u, *v) = (v.wrapping_add(green), green, u.wrapping_add(green));
        }
    }
}

/// ISO/IEC 15444-1, G.3.
fn undo_irreversible(planes: &mut [Vec<f32>]) {
    if let [y, cb, cr] = planes {
        for ((y, cb), cr) in y.iter_mut().zip(cb).zip(cr) {
            let red = *y + 1.402 * *cr;
            let green = *y - 0.344_13 * *cb - 0.714_14 * *cr;
            let blue = *y + 1.772 * *cb;
            (*y, *cb, *cr) = (red, green, blue);
        }
    }
}
