//! Where the bytes of every code-block of a tile lie: packet headers, read once. ISO/IEC 15444-1, annex B.

use std::sync::Arc;

use super::block::{Band, passes_to_segment_end};
use super::codestream::{self, Area, CodingStyle, MainHeader, Quantisation};
use super::{corrupt, unsupported};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// Bytes of the original that are read at a time.
const BUFFER_BYTES: u64 = 32 << 10;
/// More tile-parts than this are hostile: 255 of each of 65,535 tiles would be allowed.
const MAX_TILE_PARTS: usize = 1 << 20;
/// Most markers in the header of a tile-part.
const MAX_SEGMENTS: usize = 1000;

/// The tile-parts of all tiles.
#[derive(Debug)]
pub(super) struct TileParts {
    /// For each tile, its tile-parts: the header behind the SOT segment, and the data, together.
    tiles: Vec<Vec<ByteRange>>,
    /// The codestream ended before it should.
    is_cut: bool,
}

impl TileParts {
    /// Walks from one tile-part to the next.
    pub(super) fn read(source: &dyn RandomAccess, range: ByteRange, header: &MainHeader) -> Result<Self, DecodeError> {
        let (columns, rows) = header.size.tiles();
        let mut tiles = vec![Vec::new(); columns as usize * rows as usize];
        let (mut at, end) = (header.tile_parts_at, range.offset + range.length);
        let mut is_cut = false;
        for _ in 0..MAX_TILE_PARTS {
            if at + 12 > end {
                // The end marker is all that may be left; that it is missing harms nothing.
                is_cut |= at + 2 < end;
                break;
            }
            let mut segment = [0; 12];
            source.read_at(at, &mut segment)?;
            let [m0, m1, l0, l1, i0, i1, p0, p1, p2, p3, _, _] = segment;
            if u16::from_be_bytes([m0, m1]) != codestream::SOT {
                break;
            }
            if u16::from_be_bytes([l0, l1]) != 10 {
                return Err(corrupt("the header of a tile-part has a wrong length"));
            }
            let tile = usize::from(u16::from_be_bytes([i0, i1]));
            let length = u64::from(u32::from_be_bytes([p0, p1, p2, p3]));
            let next = if length == 0 { end } else { at + length };
            if next < at + 14 {
                return Err(corrupt("a tile-part is shorter than its header"));
            }
            let stop = next.min(end);
            is_cut |= next > end;
            let parts =
                tiles.get_mut(tile).ok_or_else(|| corrupt(format!("it holds a tile {tile}, which it has not")))?;
            parts.push(ByteRange::new(at + 12, stop - (at + 12)));
            at = next;
        }
        Ok(Self { tiles, is_cut })
    }
}

/// Bytes of a code-block in one packet.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    offset: u64,
    length: u32,
    passes: u16,
    /// The next one of the same block; 0 is none.
    next: u32,
}

/// One code-block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    /// First and last of its chunks; 0 is none.
    first: u32,
    last: u32,
    pub(super) passes: u16,
    /// Bit planes that are not coded.
    pub(super) missing: u8,
    /// Bits of a length, less what the passes add. 0 as long as the block is in no packet.
    length_bits: u8,
}

/// A band of a resolution, with its blocks in one grid that is anchored at 0.
#[derive(Debug)]
pub(super) struct BandIndex {
    pub(super) kind: Band,
    pub(super) area: Area,
    /// Width and height of a block, as powers of two.
    pub(super) cell: (u8, u8),
    /// The first column and row of blocks.
    pub(super) origin: (u32, u32),
    pub(super) columns: u32,
    /// Bit planes of a coefficient.
    pub(super) planes: u8,
    /// What a coefficient is multiplied by, where it is not whole.
    pub(super) step: f32,
    blocks: Vec<Block>,
}

impl BandIndex {
    /// The block in a column and row of the anchored grid, and its number.
    pub(super) fn block(&self, column: u32, row: u32) -> Option<(usize, &Block)> {
        let column = column.checked_sub(self.origin.0).filter(|column| *column < self.columns)?;
        let row = row.checked_sub(self.origin.1)?;
        let number = row as usize * self.columns as usize + column as usize;
        Some((number, self.blocks.get(number)?))
    }

    /// What of the band a block covers.
    pub(super) fn block_area(&self, column: u32, row: u32) -> Area {
        let (w, h) = self.cell;
        Area { x0: column << w, y0: row << h, x1: (column + 1) << w, y1: (row + 1) << h }.intersection(self.area)
    }
}

/// One resolution of a component.
#[derive(Debug)]
pub(super) struct ResolutionIndex {
    pub(super) area: Area,
    /// Width and height of precincts, as powers of two.
    precinct: (u8, u8),
    precinct_columns: u32,
    precinct_rows: u32,
    pub(super) bands: Vec<BandIndex>,
}

/// One component of a tile.
#[derive(Debug)]
pub(super) struct ComponentIndex {
    pub(super) resolutions: Vec<ResolutionIndex>,
}

/// Everything of a tile.
#[derive(Debug)]
pub(super) struct TileIndex {
    pub(super) components: Vec<ComponentIndex>,
    chunks: Vec<Chunk>,
}

/// Numbers of blocks and precincts of one tile, without making them.
pub(super) fn count(header: &MainHeader, tile: Area) -> u64 {
    let mut all = 0_u64;
    for (component, coding) in header.size.components.iter().zip(&header.coding) {
        let area = tile.divided(component.dx, component.dy);
        for resolution in 0..=coding.levels {
            let reduced = area.reduced(coding.levels - resolution);
            if reduced.is_empty() {
                continue;
            }
            let (px, py) = coding.precincts[usize::from(resolution)];
            let cells = |from: u32, to: u32, bits: u8| {
                u64::from(to - from).checked_shr(bits.into()).unwrap_or(0).saturating_add(2)
            };
            let precincts = cells(reduced.x0, reduced.x1, px).saturating_mul(cells(reduced.y0, reduced.y1, py));
            let shrink = u8::from(resolution > 0);
            let (bx, by) = (coding.block.0.min(px - shrink.min(px)), coding.block.1.min(py - shrink.min(py)));
            let blocks = cells(reduced.x0, reduced.x1, bx).saturating_mul(cells(reduced.y0, reduced.y1, by));
            all = all.saturating_add(precincts.saturating_mul(4)).saturating_add(blocks);
        }
    }
    all
}

/// About what an index holds for one block, chunks included.
pub(super) const BYTES_PER_BLOCK: u64 = 56;

impl TileIndex {
    /// Reads the packet headers of a tile. `None` when something in the tile's headers is only understood by the library.
    pub(super) fn read(
        source: &Arc<dyn RandomAccess>,
        header: &MainHeader,
        parts: &TileParts,
        tile: usize,
        control: &Control,
    ) -> Result<Option<Self>, DecodeError> {
        let (columns, _) = header.size.tiles();
        let area = header.size.tile_area(tile as u32 % columns, tile as u32 / columns);
        let mut data = Vec::new();
        for part in parts.tiles.get(tile).into_iter().flatten() {
            match part_data(source.as_ref(), *part, header.size.components.len())? {
                Some(range) => data.push(range),
                None => return Ok(None),
            }
        }
        if data.is_empty() {
            return Err(corrupt(format!("it ends before its tile {tile}")));
        }
        let mut index = Self { components: layout(header, area), chunks: vec![] };
        index.chunks.push(Chunk { offset: 0, length: 0, passes: 0, next: 0 });
        let mut reader = Reader::new(source.as_ref(), data);
        index.read_packets(header, area, &mut reader, parts.is_cut, control)?;
        Ok(Some(index))
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> u64 {
        let blocks: usize = self
            .components
            .iter()
            .flat_map(|component| &component.resolutions)
            .flat_map(|resolution| &resolution.bands)
            .map(|band| band.blocks.len() + 6)
            .sum();
        (blocks * size_of::<Block>() + self.chunks.len() * size_of::<Chunk>() + 256) as u64
    }

    /// The runs of bytes of a block, each with its number of passes.
    pub(super) fn chunks(&self, block: &Block) -> impl Iterator<Item = (ByteRange, u32)> {
        let mut next = block.first;
        std::iter::from_fn(move || {
            let chunk = self.chunks.get(next as usize).filter(|_| next != 0)?;
            next = chunk.next;
            Some((ByteRange::new(chunk.offset, chunk.length.into()), u32::from(chunk.passes)))
        })
    }

    fn read_packets(
        &mut self,
        header: &MainHeader,
        tile: Area,
        reader: &mut Reader<'_>,
        is_cut: bool,
        control: &Control,
    ) -> Result<(), DecodeError> {
        let mut precincts = Precincts::new(self);
        for (number, packet) in Order::new(header, self, tile).enumerate() {
            if number % 1024 == 0 {
                control.check()?;
            }
            if reader.is_at_end() {
                // A codestream may leave out its last packets, but what was cut off is missing.
                return if is_cut { Err(corrupt("it ends within a tile")) } else { Ok(()) };
            }
            self.read_packet(header, packet, &mut precincts, reader)?;
        }
        Ok(())
    }

    fn read_packet(
        &mut self,
        header: &MainHeader,
        packet: Packet,
        precincts: &mut Precincts,
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        let Some(coding) = header.coding.get(packet.component) else { return Ok(()) };
        let style = coding.block_style;
        let Self { components, chunks } = self;
        let resolution = components
            .get_mut(packet.component)
            .and_then(|component| component.resolutions.get_mut(packet.resolution))
            .ok_or_else(|| corrupt("a packet is of no resolution"))?;
        let state = precincts.state(packet, resolution);
        reader.skip_marker(0xff91, 4, header.sop)?;
        let mut bits = HeaderBits { reader, byte: 0, left: 0 };
        let mut bodies: Vec<(u32, u32)> = Vec::new();
        if bits.next()? != 0 {
            for (band, state) in resolution.bands.iter_mut().zip(&mut state.bands) {
                for row in 0..state.rows {
                    for column in 0..state.columns {
                        let at = (state.first_row + row) as usize * band.columns as usize
                            + (state.first_column + column) as usize;
                        let Some(block) = band.blocks.get_mut(at) else { continue };
                        let leaf = (column, row);
                        let is_new = block.length_bits == 0;
                        let is_included = if is_new {
                            state.inclusion.decode(leaf, u32::from(packet.layer) + 1, &mut bits)?
                        } else {
                            bits.next()? != 0
                        };
                        if !is_included {
                            continue;
                        }
                        if is_new {
                            let mut planes = 1;
                            while !state.missing.decode(leaf, planes, &mut bits)? {
                                planes += 1;
                                if planes > 80 {
                                    return Err(corrupt("a code-block lacks too many bit planes"));
                                }
                            }
                            block.missing = (planes - 1) as u8;
                            block.length_bits = 3;
                        }
                        let mut passes = read_passes(&mut bits)?;
                        while bits.next()? != 0 {
                            block.length_bits += 1;
                            if block.length_bits > 32 {
                                return Err(corrupt("the length of a code-block is too long"));
                            }
                        }
                        while passes > 0 {
                            let here = passes.min(passes_to_segment_end(style, block.passes.into()));
                            let count = u32::from(block.length_bits) + here.ilog2();
                            if count > 32 {
                                return Err(corrupt("the length of a code-block is too long"));
                            }
                            let length = bits.take(count)?;
                            let number = chunks.len() as u32;
                            chunks.push(Chunk { offset: 0, length, passes: here as u16, next: 0 });
                            if block.first == 0 {
                                block.first = number;
                            } else if let Some(last) = chunks.get_mut(block.last as usize) {
                                last.next = number;
                            }
                            block.last = number;
                            block.passes = block.passes.saturating_add(here as u16);
                            bodies.push((number, length));
                            passes -= here;
                        }
                    }
                }
            }
        }
        bits.end()?;
        reader.skip_marker(0xff92, 0, header.eph)?;
        for (number, length) in bodies {
            let offset = reader.skip(length.into())?;
            if let Some(chunk) = chunks.get_mut(number as usize) {
                chunk.offset = offset;
            }
        }
        Ok(())
    }
}

/// The library decodes parts of tiles; what it cannot decode parts of must be known before, from the main header.
fn check_tile_style(marker: u16, components: usize, segment: &[u8]) -> Result<(), DecodeError> {
    let at = match marker {
        codestream::COD => 8,
        codestream::COC if components < 257 => 5,
        codestream::COC => 6,
        _ => return Ok(()),
    };
    match segment.get(at) {
        Some(style) if style & codestream::block_style::HIGH_THROUGHPUT != 0 => {
            Err(unsupported(format!("{} in some of its tiles", codestream::HIGH_THROUGHPUT)))
        }
        _ => Ok(()),
    }
}

/// The data of a tile-part, behind its header; `None` when the header changes how the tile is coded.
fn part_data(source: &dyn RandomAccess, part: ByteRange, components: usize) -> Result<Option<ByteRange>, DecodeError> {
    let (mut at, end) = (part.offset, part.offset + part.length);
    for _ in 0..MAX_SEGMENTS {
        let mut marker = [0; 4];
        let known = (end - at.min(end)).min(4) as usize;
        let marker = &mut marker[..known];
        source.read_at(at, marker)?;
        match *marker {
            [0xff, 0x93, ..] => return Ok(Some(ByteRange::new(at + 2, end - at - 2))),
            [high, low, l0, l1] => {
                let marker = u16::from_be_bytes([high, low]);
                if matches!(
                    marker,
                    codestream::COD
                        | codestream::COC
                        | codestream::QCD
                        | codestream::QCC
                        | codestream::RGN
                        | codestream::POC
                        | codestream::PPT
                ) {
                    let segment =
                        ByteRange::new(at + 4, u64::from(u16::from_be_bytes([l0, l1])).min(end - at - 4).min(64));
                    check_tile_style(marker, components, &source.read_range(segment)?)?;
                    return Ok(None);
                }
                let length = u64::from(u16::from_be_bytes([l0, l1]));
                if high != 0xff || length < 2 {
                    return Err(corrupt("the header of a tile-part is damaged"));
                }
                at += 2 + length;
            }
            _ => return Err(corrupt("it ends in the header of a tile-part")),
        }
    }
    Err(corrupt("the header of a tile-part has no end"))
}

/// The resolutions, bands and blocks of a tile, all blocks empty.
fn layout(header: &MainHeader, tile: Area) -> Vec<ComponentIndex> {
    let size = &header.size;
    let of_component = |number: usize| {
        let (component, coding, quantisation) =
            (size.components.get(number)?, header.coding.get(number)?, header.quantisation.get(number)?);
        let area = tile.divided(component.dx, component.dy);
        let resolutions =
            (0..=coding.levels).map(|r| resolution_layout(area, coding, quantisation, component.bits, r)).collect();
        Some(ComponentIndex { resolutions })
    };
    (0..size.components.len()).filter_map(of_component).collect()
}

fn resolution_layout(
    tile: Area,
    coding: &CodingStyle,
    quantisation: &Quantisation,
    bits: u8,
    resolution: u8,
) -> ResolutionIndex {
    let area = tile.reduced(coding.levels - resolution);
    let precinct = coding.precincts[usize::from(resolution)];
    let span = |from: u32, to: u32, bits: u8| if from >= to { 0 } else { ((to - 1) >> bits) - (from >> bits) + 1 };
    let kinds: &[Band] = if resolution == 0 { &[Band::Ll] } else { &[Band::Hl, Band::Lh, Band::Hh] };
    let bands = kinds.iter().enumerate().map(|(number, &kind)| {
        let down = if resolution == 0 { coding.levels } else { coding.levels - resolution + 1 };
        let (x, y) = match kind {
            Band::Ll => (0, 0),
            Band::Hl => (1, 0),
            Band::Lh => (0, 1),
            Band::Hh => (1, 1),
        };
        let edge = |v: u32, high: u32| {
            let (v, one) = (u64::from(v), 1_u64 << down);
            // ceil((v - 2^(down - 1) × high) / 2^down)
            let shift = if high == 1 { one / 2 } else { 0 };
            ((v + one - 1).saturating_sub(shift) >> down) as u32
        };
        let area = Area { x0: edge(tile.x0, x), y0: edge(tile.y0, y), x1: edge(tile.x1, x), y1: edge(tile.y1, y) };
        let shrink = u8::from(resolution > 0);
        let cell = (
            coding.block.0.min(precinct.0.saturating_sub(shrink)),
            coding.block.1.min(precinct.1.saturating_sub(shrink)),
        );
        let (columns, rows) = (span(area.x0, area.x1, cell.0), span(area.y0, area.y1, cell.1));
        let (exponent, mantissa) = step(quantisation, resolution, number);
        BandIndex {
            kind,
            area,
            cell,
            origin: (area.x0 >> cell.0, area.y0 >> cell.1),
            columns,
            planes: (quantisation.guard_bits + exponent).saturating_sub(1),
            // The gain of the bands is part of the wavelet's own factors.
            step: (1.0 + f32::from(mantissa) / 2048.0) * 2_f32.powi(i32::from(bits) - i32::from(exponent)),
            blocks: if area.is_empty() { Vec::new() } else { vec![Block::default(); columns as usize * rows as usize] },
        }
    });
    ResolutionIndex {
        area,
        precinct,
        precinct_columns: span(area.x0, area.x1, precinct.0),
        precinct_rows: span(area.y0, area.y1, precinct.1),
        bands: bands.collect(),
    }
}

/// Exponent and mantissa of a band's step; those that are missing are as the last one.
fn step(quantisation: &Quantisation, resolution: u8, band: usize) -> (u8, u16) {
    let steps = &quantisation.steps;
    if quantisation.style == 1 {
        let (exponent, mantissa) = steps.first().copied().unwrap_or_default();
        return (exponent.saturating_sub(resolution.saturating_sub(1)), mantissa);
    }
    let at = if resolution == 0 { 0 } else { 3 * (usize::from(resolution) - 1) + 1 + band };
    steps.get(at).or(steps.last()).copied().unwrap_or_default()
}

/// The bytes of a tile, one tile-part after another.
struct Reader<'a> {
    source: &'a dyn RandomAccess,
    parts: Vec<ByteRange>,
    part: usize,
    at: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl<'a> Reader<'a> {
    fn new(source: &'a dyn RandomAccess, parts: Vec<ByteRange>) -> Self {
        let at = parts.first().map_or(0, |part| part.offset);
        Self { source, parts, part: 0, at, buffer: Vec::new(), buffer_at: 0 }
    }

    fn end(&self) -> u64 {
        self.parts.get(self.part).map_or(0, |part| part.offset + part.length)
    }

    /// True behind the last byte; goes on to the next tile-part where one ends.
    fn is_at_end(&mut self) -> bool {
        while self.at >= self.end() {
            match self.parts.get(self.part + 1) {
                Some(next) => {
                    self.part += 1;
                    self.at = next.offset;
                }
                None => return true,
            }
        }
        false
    }

    fn peek(&mut self, ahead: u64) -> Result<Option<u8>, DecodeError> {
        let (at, end) = (self.at + ahead, self.end());
        if at >= end {
            return Ok(None);
        }
        let inside = at.checked_sub(self.buffer_at).and_then(|at| self.buffer.get(at as usize));
        if let Some(byte) = inside {
            return Ok(Some(*byte));
        }
        self.buffer.resize(BUFFER_BYTES.min(end - at) as usize, 0);
        self.source.read_at(at, &mut self.buffer)?;
        self.buffer_at = at;
        Ok(self.buffer.first().copied())
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = self.peek(0)?.ok_or_else(|| corrupt("it ends in the header of a packet"))?;
        self.at += 1;
        Ok(byte)
    }

    /// Skips bytes, and says where they began.
    fn skip(&mut self, count: u64) -> Result<u64, DecodeError> {
        let at = self.at;
        if count > self.end().saturating_sub(at) {
            return Err(corrupt("it ends within a packet"));
        }
        self.at += count;
        Ok(at)
    }

    /// Skips a marker with so many bytes behind it, if it is there.
    fn skip_marker(&mut self, marker: u16, more: u64, may_be: bool) -> Result<(), DecodeError> {
        let [high, low] = marker.to_be_bytes();
        if may_be && self.peek(0)? == Some(high) && self.peek(1)? == Some(low) {
            self.skip(2 + more)?;
        }
        Ok(())
    }
}

/// The bits of a packet header; after a byte of ones, one bit is stuffed.
struct HeaderBits<'r, 'a> {
    reader: &'r mut Reader<'a>,
    byte: u8,
    left: u32,
}

impl HeaderBits<'_, '_> {
    fn next(&mut self) -> Result<u32, DecodeError> {
        if self.left == 0 {
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.byte = self.reader.byte()?;
        }
        self.left -= 1;
        Ok(u32::from(self.byte >> self.left & 1))
    }

    fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.next()?;
        }
        Ok(value)
    }

    /// Ends the header: a last byte of ones is followed by the stuffed bit's byte.
    fn end(self) -> Result<(), DecodeError> {
        if self.byte == 0xff {
            self.reader.byte()?;
        }
        Ok(())
    }
}

/// Table B.4.
fn read_passes(bits: &mut HeaderBits<'_, '_>) -> Result<u32, DecodeError> {
    if bits.next()? == 0 {
        return Ok(1);
    }
    if bits.next()? == 0 {
        return Ok(2);
    }
    match bits.take(2)? {
        3 => match bits.take(5)? {
            31 => Ok(37 + bits.take(7)?),
            some => Ok(6 + some),
        },
        some => Ok(3 + some),
    }
}

/// A tag tree: the least of four values is known before each of them.
#[derive(Debug, Default)]
struct TagTree {
    /// Columns of each level and where its nodes begin, leaves first.
    levels: Vec<(u32, usize)>,
    /// What is known: at least this, and whether it is exactly this.
    nodes: Vec<(u16, bool)>,
}

impl TagTree {
    fn new(columns: u32, rows: u32) -> Self {
        let (mut levels, mut count, mut columns, mut rows) = (Vec::new(), 0, columns, rows);
        while columns > 0 && rows > 0 {
            levels.push((columns, count));
            count += columns as usize * rows as usize;
            if (columns, rows) == (1, 1) {
                break;
            }
            (columns, rows) = (columns.div_ceil(2), rows.div_ceil(2));
        }
        Self { levels, nodes: vec![(0, false); count] }
    }

    /// True when the leaf's value is below `threshold`.
    fn decode(
        &mut self,
        (column, row): (u32, u32),
        threshold: u32,
        bits: &mut HeaderBits<'_, '_>,
    ) -> Result<bool, DecodeError> {
        let threshold = threshold.min(u16::MAX.into()) as u16;
        let mut least = 0;
        let mut is_exact = false;
        for (level, &(columns, first)) in self.levels.iter().enumerate().rev() {
            let at = first + (row >> level) as usize * columns as usize + (column >> level) as usize;
            let Some((low, known)) = self.nodes.get_mut(at) else { return Ok(false) };
            *low = (*low).max(least);
            while *low < threshold && !*known {
                if bits.next()? != 0 {
                    *known = true;
                } else {
                    *low += 1;
                }
            }
            (least, is_exact) = (*low, *known);
        }
        Ok(is_exact && least < threshold)
    }
}

/// The part of a band in a precinct, while its packets are read.
#[derive(Debug)]
struct PrecinctBand {
    /// From the first block of the band.
    first_column: u32,
    first_row: u32,
    columns: u32,
    rows: u32,
    inclusion: TagTree,
    missing: TagTree,
}

#[derive(Debug)]
struct PrecinctState {
    bands: Vec<PrecinctBand>,
}

/// The state of all precincts, made when first needed.
struct Precincts {
    /// For each component and resolution, where its precincts begin.
    first: Vec<Vec<usize>>,
    states: Vec<Option<Box<PrecinctState>>>,
}

impl Precincts {
    fn new(index: &TileIndex) -> Self {
        let mut count = 0;
        let mut first = Vec::with_capacity(index.components.len());
        for component in &index.components {
            let mut of_component = Vec::with_capacity(component.resolutions.len());
            for resolution in &component.resolutions {
                of_component.push(count);
                count += resolution.precinct_columns as usize * resolution.precinct_rows as usize;
            }
            first.push(of_component);
        }
        let mut states = Vec::new();
        states.resize_with(count, || None);
        Self { first, states }
    }

    fn state(&mut self, packet: Packet, resolution: &ResolutionIndex) -> &mut PrecinctState {
        let at = self.first[packet.component][packet.resolution] + packet.precinct as usize;
        self.states[at].get_or_insert_with(|| Box::new(PrecinctState::new(packet.precinct, resolution)))
    }
}

impl PrecinctState {
    fn new(precinct: u32, resolution: &ResolutionIndex) -> Self {
        let (px, py) = resolution.precinct;
        let column = (resolution.area.x0 >> px) + precinct % resolution.precinct_columns;
        let row = (resolution.area.y0 >> py) + precinct / resolution.precinct_columns;
        let bands = resolution.bands.iter().map(|band| {
            // In bands of upper resolutions, precincts are half as large.
            let half = u8::from(band.kind != Band::Ll);
            let span = |number: u32, bits: u8, from: u32, to: u32, cell: u8, origin: u32| {
                let bits = bits - half.min(bits);
                let start = (u64::from(number) << bits).clamp(from.into(), to.into()) as u32;
                let end = ((u64::from(number) + 1) << bits).clamp(from.into(), to.into()) as u32;
                if start >= end {
                    return (0, 0);
                }
                ((start >> cell) - origin, ((end - 1) >> cell) - (start >> cell) + 1)
            };
            let (first_column, columns) = span(column, px, band.area.x0, band.area.x1, band.cell.0, band.origin.0);
            let (first_row, rows) = span(row, py, band.area.y0, band.area.y1, band.cell.1, band.origin.1);
            let (columns, rows) = if columns == 0 || rows == 0 { (0, 0) } else { (columns, rows) };
            PrecinctBand {
                first_column,
                first_row,
                columns,
                rows,
                inclusion: TagTree::new(columns, rows),
                missing: TagTree::new(columns, rows),
            }
        });
        Self { bands: bands.collect() }
    }
}

/// One packet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    layer: u16,
    resolution: usize,
    component: usize,
    precinct: u32,
}

/// The packets of a tile in their order.
struct Order {
    /// Component, resolution and precinct, in order; those of one run share their turn in a layer.
    precincts: Vec<(u16, u8, u32)>,
    /// Where runs end. A run is gone through once for each layer.
    runs: Vec<usize>,
    layers: u16,
    run: usize,
    layer: u16,
    at: usize,
}

impl Order {
    fn new(header: &MainHeader, index: &TileIndex, tile: Area) -> Self {
        let mut keyed: Vec<([u32; 5], (u16, u8, u32))> = Vec::new();
        for (c, component) in index.components.iter().enumerate() {
            let Some(coded) = header.size.components.get(c) else { continue };
            let levels = component.resolutions.len() - 1;
            for (r, resolution) in component.resolutions.iter().enumerate() {
                let (px, py) = resolution.precinct;
                let first = (resolution.area.x0 >> px, resolution.area.y0 >> py);
                for k in 0..resolution.precinct_columns.saturating_mul(resolution.precinct_rows) {
                    // Where the precinct begins on the reference grid, but not outside the tile.
                    let column = first.0 + k % resolution.precinct_columns;
                    let row = first.1 + k / resolution.precinct_columns;
                    let place = |number: u32, bits: u8, step: u32, least: u32| {
                        let wide = u128::from(number) << (u32::from(bits) + (levels - r) as u32);
                        (wide * u128::from(step)).max(least.into()).min(u32::MAX.into()) as u32
                    };
                    let (x, y) = (place(column, px, coded.dx, tile.x0), place(row, py, coded.dy, tile.y0));
                    let (c, r) = (c as u32, r as u32);
                    let key = match header.progression {
                        0 | 1 => [r, c, k, 0, 0],
                        2 => [r, y, x, c, k],
                        3 => [y, x, c, r, k],
                        _ => [c, y, x, r, k],
                    };
                    keyed.push((key, (c as u16, r as u8, k)));
                }
            }
        }
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let precincts: Vec<(u16, u8, u32)> = keyed.into_iter().map(|(_, precinct)| precinct).collect();
        let runs = match header.progression {
            0 => vec![precincts.len()],
            1 => (1..=precincts.len())
                .filter(|end| precincts.get(*end).is_none_or(|next| next.1 != precincts[end - 1].1))
                .collect(),
            _ => (1..=precincts.len()).collect(),
        };
        Self { precincts, runs, layers: header.layers, run: 0, layer: 0, at: 0 }
    }
}

impl Iterator for Order {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        let end = *self.runs.get(self.run)?;
        let start = if self.run == 0 { 0 } else { self.runs[self.run - 1] };
        let (component, resolution, precinct) = *self.precincts.get(self.at)?;
        let packet = Packet { layer: self.layer, resolution: resolution.into(), component: component.into(), precinct };
        self.at += 1;
        if self.at == end {
            self.layer += 1;
            if self.layer == self.layers {
                self.layer = 0;
                self.run += 1;
            } else {
                self.at = start;
            }
        }
        Some(packet)
    }
}
