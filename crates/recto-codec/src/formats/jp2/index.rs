//! Where the bytes of every code-block of a tile lie: packet headers, read once. ISO/IEC 15444-1, annex B.

use std::sync::Arc;

use super::block::{Band, passes_to_segment_end};
use super::codestream::{self, Area, CodingStyle, Component, MainHeader, Quantisation};
use super::headers::{HeaderBits, Reader, TagTree, read_passes};
use super::order::{Order, Packet};
use super::tile_parts::TileParts;
use super::{corrupt, unsupported};
use crate::formats::held::check_held;
use crate::{ByteRange, Control, DecodeError, RandomAccess, SourceFormat};

/// Most markers in the header of a tile-part.
const MAX_SEGMENTS: usize = 1000;

/// Bytes of a code-block in one packet.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    offset: u64,
    length: u32,
    passes: u16,
    /// The next one of the same block; 0 is none.
    next: u32,
}

/// What a chunk takes while the index is made: its place in a list that grows by a quarter.
const CHUNK_BYTES: u64 = size_of::<Chunk>() as u64 * 5 / 4;
/// What it takes beside that while its packet is read.
const BODY_BYTES: u64 = 2 * size_of::<(u32, u64)>() as u64;

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
    pub(super) precinct: (u8, u8),
    pub(super) precinct_columns: u32,
    pub(super) precinct_rows: u32,
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

/// Numbers of precincts and of blocks of one component of a tile, without making them.
fn count(component: &Component, coding: &CodingStyle, tile: Area) -> (u64, u64) {
    let area = tile.divided(component.dx, component.dy);
    let mut all = (0_u64, 0_u64);
    for resolution in 0..=coding.levels {
        let reduced = area.reduced(coding.levels - resolution);
        if reduced.is_empty() {
            continue;
        }
        let (px, py) = coding.precincts[usize::from(resolution)];
        let cells =
            |from: u32, to: u32, bits: u8| u64::from(to - from).checked_shr(bits.into()).unwrap_or(0).saturating_add(2);
        let precincts = cells(reduced.x0, reduced.x1, px).saturating_mul(cells(reduced.y0, reduced.y1, py));
        let shrink = u8::from(resolution > 0);
        let (bx, by) = (coding.block.0.min(px - shrink.min(px)), coding.block.1.min(py - shrink.min(py)));
        let blocks = cells(reduced.x0, reduced.x1, bx).saturating_mul(cells(reduced.y0, reduced.y1, by));
        all = (all.0.saturating_add(precincts), all.1.saturating_add(blocks));
    }
    all
}

/// About what an index holds for one block with one chunk; for a precinct while it is made, four times as much.
const BYTES_PER_BLOCK: u64 = 56;
/// Entries of a quantisation that are ever used: one for each band.
const MOST_STEPS: usize = 3 * codestream::MAX_LEVELS as usize + 1;

/// Most passes of a high-throughput block: of one bit plane, and two that refine it.
const HIGH_THROUGHPUT_PASSES: u32 = 3;
/// Most bytes of one of its two segments, generously: 4096 samples of 31 bits, and their words.
const HIGH_THROUGHPUT_BYTES: u32 = 64 << 10;

/// Most passes of a block with so many bit planes: three each, but for the first.
const fn most_passes(planes: u8) -> u32 {
    match planes {
        // It is refused when it is decoded.
        0 => 1,
        _ => 3 * planes as u32 - 2,
    }
}

/// Most chunks of a block of this component: one for each layer, or where its segments end more often, as many as there are.
fn most_chunks(header: &MainHeader, number: usize) -> u64 {
    let (Some(coding), Some(quantisation)) = (header.coding.get(number), header.quantisation.get(number)) else {
        return 1;
    };
    let exponents = quantisation.steps.iter().take(MOST_STEPS).map(|(exponent, _)| *exponent);
    let planes = quantisation.guard_bits.saturating_add(exponents.max().unwrap_or(0)).saturating_sub(1);
    let (passes, layers) = (u64::from(most_passes(planes)), u64::from(header.layers));
    if coding.is_high_throughput() {
        // Two segments, of which the second one may come with two layers.
        (layers + 1).min(HIGH_THROUGHPUT_PASSES.into())
    } else if coding.block_style & codestream::block_style::TERMINATE != 0 {
        passes
    } else if coding.block_style & codestream::block_style::BYPASS != 0 {
        // Of three passes two end a segment, from the tenth on.
        passes.min(layers + 2 + passes.saturating_sub(10) * 2 / 3)
    } else {
        passes.min(layers)
    }
}

/// About how many bytes the index of a tile holds, at most.
pub(super) fn reckoned_bytes(header: &MainHeader, tile: Area) -> u64 {
    reckon(header, tile, BYTES_PER_BLOCK, |_| size_of::<Chunk>() as u64)
}

/// About how many bytes it takes to make the index of a tile, at most.
pub(super) fn making_bytes(header: &MainHeader, tile: Area) -> u64 {
    use codestream::block_style::{BYPASS, HIGH_THROUGHPUT, TERMINATE};
    // Chunks of one layer are in one packet.
    let in_packet = |coding: &CodingStyle| coding.block_style & (TERMINATE | BYPASS | HIGH_THROUGHPUT) != 0;
    reckon(header, tile, 2 * BYTES_PER_BLOCK, |coding| CHUNK_BYTES + if in_packet(coding) { BODY_BYTES } else { 0 })
}

/// Bytes of all blocks with one chunk each, and of further chunks.
fn reckon(header: &MainHeader, tile: Area, block: u64, chunk: impl Fn(&CodingStyle) -> u64) -> u64 {
    let components = header.size.components.iter().zip(&header.coding).enumerate();
    components.fold(0_u64, |all, (number, (component, coding))| {
        let (precincts, blocks) = count(component, coding, tile);
        let places = precincts.saturating_mul(4).saturating_add(blocks).saturating_mul(block);
        let chunks = blocks.saturating_mul((most_chunks(header, number) - 1) * chunk(coding));
        all.saturating_add(places).saturating_add(chunks)
    })
}

impl TileIndex {
    /// The index of a tile of which nothing is coded yet.
    pub(super) fn empty(header: &MainHeader, tile: Area) -> Self {
        Self { components: layout(header, tile), chunks: Vec::new() }
    }

    /// Reads the packet headers of a tile, holding no more than `max_bytes`. `None` when something in the tile's headers is only
    /// understood by the library.
    pub(super) fn read(
        source: &Arc<dyn RandomAccess>,
        header: &MainHeader,
        parts: &TileParts,
        tile: usize,
        max_bytes: u64,
        control: &Control,
    ) -> Result<Option<Self>, DecodeError> {
        let (columns, _) = header.size.tiles();
        let area = header.size.tile_area(tile as u32 % columns, tile as u32 / columns);
        let mut data = Vec::new();
        for part in parts.tiles.get(tile).into_iter().flatten() {
            match part_data(source.as_ref(), *part, header, control)? {
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
        index.read_packets(header, area, &mut reader, (parts.is_cut, max_bytes), control)?;
        index.chunks.shrink_to_fit();
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
        (is_cut, max_bytes): (bool, u64),
        control: &Control,
    ) -> Result<(), DecodeError> {
        let places = header.size.components.iter().zip(&header.coding).map(|(component, coding)| {
            let (precincts, blocks) = count(component, coding, tile);
            precincts.saturating_mul(4).saturating_add(blocks).saturating_mul(BYTES_PER_BLOCK)
        });
        let places = places.fold(0, u64::saturating_add);
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
            let chunks = self.chunks.len() as u64 * CHUNK_BYTES;
            check_held(places.saturating_add(chunks), max_bytes, SourceFormat::Jp2)?;
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
        let mut bits = HeaderBits::new(reader);
        // Chunks and their lengths; 0 for bytes of none.
        let mut bodies: Vec<(u32, u64)> = Vec::new();
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
                        // Passes of bit planes above, of which there are no bytes: they only count for the first length.
                        let mut before = 0;
                        let most = if coding.is_high_throughput() {
                            if is_new {
                                before = (passes - 1) / 3 * 3;
                                block.missing += (before / 3) as u8;
                                passes -= before;
                            }
                            if passes + u32::from(block.passes) > HIGH_THROUGHPUT_PASSES {
                                return Err(unsupported("high-throughput blocks of several bit planes"));
                            }
                            HIGH_THROUGHPUT_PASSES
                        } else {
                            most_passes(band.planes.saturating_sub(block.missing))
                        };
                        while bits.next()? != 0 {
                            block.length_bits += 1;
                            if block.length_bits > 32 {
                                return Err(corrupt("the length of a code-block is too long"));
                            }
                        }
                        while passes > 0 {
                            let here = passes.min(passes_to_segment_end(style, block.passes.into()));
                            let count = u32::from(block.length_bits) + (here + std::mem::take(&mut before)).ilog2();
                            if count > 32 {
                                return Err(corrupt("the length of a code-block is too long"));
                            }
                            let length = bits.take(count)?;
                            if coding.is_high_throughput() && length > HIGH_THROUGHPUT_BYTES {
                                return Err(corrupt("a high-throughput block has more bytes than its samples need"));
                            }
                            let is_coded = u32::from(block.passes) < most;
                            block.passes = block.passes.saturating_add(here as u16);
                            passes -= here;
                            if !is_coded {
                                // There is no bit plane left for them.
                                match bodies.last_mut() {
                                    Some((0, passed)) => *passed += u64::from(length),
                                    _ => bodies.push((0, length.into())),
                                }
                                continue;
                            }
                            let number = chunks.len() as u32;
                            if chunks.len() == chunks.capacity() {
                                // Not twice as many, as a list grows by itself.
                                chunks.reserve_exact(chunks.len() / 4 + 64);
                            }
                            chunks.push(Chunk { offset: 0, length, passes: here as u16, next: 0 });
                            if block.first == 0 {
                                block.first = number;
                            } else if let Some(last) = chunks.get_mut(block.last as usize) {
                                last.next = number;
                            }
                            block.last = number;
                            bodies.push((number, length.into()));
                        }
                    }
                }
            }
        }
        bits.end()?;
        reader.skip_marker(0xff92, 0, header.eph)?;
        for (number, length) in bodies {
            let offset = reader.skip(length)?;
            if let Some(chunk) = chunks.get_mut(number as usize).filter(|_| number != 0) {
                chunk.offset = offset;
            }
        }
        Ok(())
    }
}

/// The library decodes parts of tiles; what it cannot decode parts of must be known before, from the main header.
fn check_tile_style(marker: u16, header: &MainHeader, segment: &[u8]) -> Result<(), DecodeError> {
    let at = match marker {
        _ if header.has_high_throughput() => return Ok(()),
        codestream::COD => 8,
        codestream::COC if header.size.components.len() < 257 => 5,
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
fn part_data(
    source: &dyn RandomAccess,
    part: ByteRange,
    header: &MainHeader,
    control: &Control,
) -> Result<Option<ByteRange>, DecodeError> {
    let (mut at, end) = (part.offset, part.offset + part.length);
    for _ in 0..MAX_SEGMENTS {
        control.check()?;
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
                    check_tile_style(marker, header, &source.read_range(segment)?)?;
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

/// The part of a band in a precinct, while its packets are read or written.
#[derive(Debug)]
pub(super) struct PrecinctBand {
    /// From the first block of the band.
    pub(super) first_column: u32,
    pub(super) first_row: u32,
    pub(super) columns: u32,
    pub(super) rows: u32,
    inclusion: TagTree,
    missing: TagTree,
}

#[derive(Debug)]
pub(super) struct PrecinctState {
    pub(super) bands: Vec<PrecinctBand>,
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
    pub(super) fn new(precinct: u32, resolution: &ResolutionIndex) -> Self {
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
