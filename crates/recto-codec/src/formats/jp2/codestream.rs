//! The main header of a codestream: sizes, components, and how they are coded unless a tile says otherwise.

use std::io::{BufRead, Read, Seek, SeekFrom};
use std::sync::Arc;

use recto_iiif::Dimensions;

use crate::formats::reader::SourceReader;
use crate::{ByteRange, DecodeError, RandomAccess};

use super::{corrupt, unsupported};

/// A main header with more marker segments than this is hostile.
const MAX_SEGMENTS: usize = 100_000;
/// Most decompositions that the format has.
pub(super) const MAX_LEVELS: u8 = 32;

pub(super) const SOC: u16 = 0xff4f;
pub(super) const SIZ: u16 = 0xff51;
pub(super) const COD: u16 = 0xff52;
pub(super) const COC: u16 = 0xff53;
pub(super) const QCD: u16 = 0xff5c;
pub(super) const QCC: u16 = 0xff5d;
pub(super) const RGN: u16 = 0xff5e;
pub(super) const POC: u16 = 0xff5f;
const PPM: u16 = 0xff60;
pub(super) const PPT: u16 = 0xff61;
pub(super) const SOT: u16 = 0xff90;

/// What such blocks are called in messages.
pub(super) const HIGH_THROUGHPUT: &str = "high-throughput blocks";

/// Bits of the code-block style.
pub(super) mod block_style {
    pub(in crate::formats::jp2) const BYPASS: u8 = 1;
    pub(in crate::formats::jp2) const RESET: u8 = 2;
    pub(in crate::formats::jp2) const TERMINATE: u8 = 4;
    pub(in crate::formats::jp2) const CAUSAL: u8 = 8;
    pub(in crate::formats::jp2) const SEGMENTATION: u8 = 32;
    pub(in crate::formats::jp2) const HIGH_THROUGHPUT: u8 = 64;
}

/// One component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// 1..=31.
    pub(super) bits: u8,
    pub(super) signed: bool,
    /// Distance of its samples on the reference grid.
    pub(super) dx: u32,
    pub(super) dy: u32,
}

/// A rectangle by its edges: `x0..x1`, `y0..y1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x0: u32,
    pub(super) y0: u32,
    pub(super) x1: u32,
    pub(super) y1: u32,
}

impl Area {
    pub(super) fn width(self) -> u32 {
        self.x1.saturating_sub(self.x0)
    }

    pub(super) fn height(self) -> u32 {
        self.y1.saturating_sub(self.y0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    pub(super) fn area_px(self) -> u64 {
        u64::from(self.width()) * u64::from(self.height())
    }

    pub(super) fn intersection(self, other: Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }

    /// Every edge divided and rounded up, as the format does everywhere.
    pub(super) fn divided(self, dx: u32, dy: u32) -> Self {
        Self { x0: self.x0.div_ceil(dx), y0: self.y0.div_ceil(dy), x1: self.x1.div_ceil(dx), y1: self.y1.div_ceil(dy) }
    }

    /// Every edge divided by 2 to the `levels` and rounded up.
    pub(super) fn reduced(self, levels: u8) -> Self {
        let down = |v: u32| ((u64::from(v) + (1_u64 << levels) - 1) >> levels) as u32;
        Self { x0: down(self.x0), y0: down(self.y0), x1: down(self.x1), y1: down(self.y1) }
    }
}

/// Image and tile size.
#[derive(Clone, Debug)]
pub(super) struct Size {
    /// On the reference grid.
    pub(super) image: Area,
    pub(super) tile: Dimensions,
    pub(super) tile_origin: (u32, u32),
    pub(super) components: Vec<Component>,
}

impl Size {
    /// Columns and rows of tiles.
    pub(super) fn tiles(&self) -> (u32, u32) {
        let count = |end: u32, origin: u32, tile: u32| (end - origin).div_ceil(tile);
        (
            count(self.image.x1, self.tile_origin.0, self.tile.width_px),
            count(self.image.y1, self.tile_origin.1, self.tile.height_px),
        )
    }

    /// A tile on the reference grid, cut to the image.
    pub(super) fn tile_area(&self, column: u32, row: u32) -> Area {
        let edge = |index: u32, origin: u32, tile: u32| {
            (u64::from(index) * u64::from(tile) + u64::from(origin)).min(u64::from(u32::MAX)) as u32
        };
        let (x, y) = self.tile_origin;
        let (w, h) = (self.tile.width_px, self.tile.height_px);
        Area { x0: edge(column, x, w), y0: edge(row, y, h), x1: edge(column + 1, x, w), y1: edge(row + 1, y, h) }
            .intersection(self.image)
    }

    /// One tile holds all.
    pub(super) fn is_untiled(&self) -> bool {
        self.tiles() == (1, 1)
    }
}

/// How the samples of a component are transformed and cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodingStyle {
    /// Decompositions, 0..=32.
    pub(super) levels: u8,
    /// Width and height of a code-block, as powers of two: 2..=10, together at most 12.
    pub(super) block: (u8, u8),
    pub(super) block_style: u8,
    /// 5/3 and integers; else 9/7.
    pub(super) reversible: bool,
    /// Width and height of the precincts of each resolution, as powers of two.
    pub(super) precincts: [(u8, u8); MAX_LEVELS as usize + 1],
}

impl CodingStyle {
    /// Are blocks, or some of them, of the high-throughput kind?
    pub(super) fn is_high_throughput(&self) -> bool {
        self.block_style & block_style::HIGH_THROUGHPUT != 0
    }

    /// Are all of them, coded as the standard has it?
    fn is_plain_high_throughput(&self) -> bool {
        self.block_style & !block_style::CAUSAL == block_style::HIGH_THROUGHPUT
    }
}

/// How coefficients are quantised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quantisation {
    /// 0 none, 1 derived from the first step, 2 one step a band.
    pub(super) style: u8,
    pub(super) guard_bits: u8,
    /// Exponent and mantissa.
    pub(super) steps: Vec<(u8, u16)>,
}

/// What the main header says.
#[derive(Clone, Debug)]
pub(super) struct MainHeader {
    pub(super) size: Size,
    pub(super) progression: u8,
    pub(super) layers: u16,
    /// The first three components are transformed together.
    pub(super) color_transform: bool,
    pub(super) sop: bool,
    pub(super) eph: bool,
    /// One for each component.
    pub(super) coding: Vec<CodingStyle>,
    pub(super) quantisation: Vec<Arc<Quantisation>>,
    /// Where the first tile-part begins, in the file.
    pub(super) tile_parts_at: u64,
    /// Features that only the library decodes.
    pub(super) needs_library: Option<&'static str>,
}

/// Marker segments, one after another.
struct Segments {
    reader: SourceReader,
    end: u64,
}

impl Segments {
    fn position(&mut self) -> Result<u64, DecodeError> {
        Ok(self.reader.stream_position()?)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        let mut bytes = [0; 2];
        if self.position()? + 2 > self.end {
            return Err(corrupt("its codestream ends in the main header"));
        }
        self.reader.read_exact(&mut bytes).map_err(|_| corrupt("its codestream ends in the main header"))?;
        Ok(u16::from_be_bytes(bytes))
    }

    /// Reads or skips the rest of a segment.
    fn content(&mut self, wanted: bool) -> Result<Vec<u8>, DecodeError> {
        let length = u64::from(self.u16()?.checked_sub(2).ok_or_else(|| corrupt("a marker segment has no length"))?);
        if self.position()? + length > self.end {
            return Err(corrupt("its codestream ends in the main header"));
        }
        let mut content = Vec::new();
        if wanted {
            content.resize(length as usize, 0);
            self.reader.read_exact(&mut content).map_err(|_| corrupt("its codestream ends in the main header"))?;
        } else {
            self.reader.seek(SeekFrom::Current(length as i64))?;
        }
        Ok(content)
    }
}

/// Bytes of one segment; `None` behind the end.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*first))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*first))
    }

    fn component(&mut self, count: usize) -> Option<usize> {
        if count < 257 { self.u8().map(usize::from) } else { self.u16().map(usize::from) }
    }
}

impl MainHeader {
    /// Reads up to the first tile-part.
    pub(super) fn read(source: &Arc<dyn RandomAccess>, range: ByteRange) -> Result<Self, DecodeError> {
        let mut reader = SourceReader::new(Arc::clone(source));
        reader.seek(SeekFrom::Start(range.offset))?;
        reader.fill_buf()?;
        let mut segments = Segments { reader, end: range.offset + range.length };
        if segments.u16()? != SOC || segments.u16()? != SIZ {
            return Err(corrupt("its codestream does not begin with its size"));
        }
        let size = parse_size(&segments.content(true)?)?;
        let count = size.components.len();
        let (mut cod, mut qcd) = (None, None);
        let mut coc: Vec<Option<CodingStyle>> = vec![None; count];
        let mut qcc: Vec<Option<Arc<Quantisation>>> = vec![None; count];
        let mut needs_library = None;
        for _ in 0..MAX_SEGMENTS {
            // What is cut off behind its header can still be told about.
            let is_cut_off = cod.is_some() && qcd.is_some() && segments.position()? + 2 > segments.end;
            let marker = if is_cut_off { SOT } else { segments.u16()? };
            match marker {
                COD => cod = Some(parse_cod(&segments.content(true)?)?),
                QCD => qcd = Some(Arc::new(parse_quantisation(&segments.content(true)?).ok_or_else(damaged("QCD"))?)),
                COC => {
                    let content = segments.content(true)?;
                    let mut bytes = Bytes(&content);
                    let style = bytes.component(count).zip(bytes.u8());
                    let (component, style) = style.ok_or_else(damaged("COC"))?;
                    let coding = parse_coding(&mut bytes, style & 1 != 0)?;
                    *coc.get_mut(component).ok_or_else(damaged("COC"))? = Some(coding);
                }
                QCC => {
                    let content = segments.content(true)?;
                    let mut bytes = Bytes(&content);
                    let component = bytes.component(count).ok_or_else(damaged("QCC"))?;
                    let quantisation = parse_quantisation(bytes.0).ok_or_else(damaged("QCC"))?;
                    *qcc.get_mut(component).ok_or_else(damaged("QCC"))? = Some(Arc::new(quantisation));
                }
                SOT => {
                    let tile_parts_at = segments.position()? - if is_cut_off { 0 } else { 2 };
                    let cod: Cod = cod.ok_or_else(|| corrupt("its codestream has no coding style (COD)"))?;
                    let qcd = qcd.ok_or_else(|| corrupt("its codestream has no quantisation (QCD)"))?;
                    let coding: Vec<CodingStyle> = coc.into_iter().map(|own| own.unwrap_or(cod.coding)).collect();
                    if coding.iter().any(|coding| coding.is_high_throughput() && !coding.is_plain_high_throughput()) {
                        needs_library = Some("high-throughput blocks among others");
                    }
                    return Ok(Self {
                        size,
                        progression: cod.progression,
                        layers: cod.layers,
                        color_transform: cod.color_transform && count >= 3,
                        sop: cod.sop,
                        eph: cod.eph,
                        coding,
                        quantisation: qcc.into_iter().map(|own| own.unwrap_or_else(|| Arc::clone(&qcd))).collect(),
                        tile_parts_at,
                        needs_library,
                    });
                }
                0xff00..=0xff2f | 0xff92.. | ..=0xfeff => {
                    return Err(corrupt(format!("its main header holds the marker {marker:04x}")));
                }
                _ => {
                    needs_library = match marker {
                        RGN => Some("a region of interest"),
                        POC => Some("changes of progression"),
                        PPM => Some("packed packet headers"),
                        _ => needs_library,
                    };
                    segments.content(false)?;
                }
            }
        }
        Err(corrupt("its main header has no end"))
    }

    /// Are blocks of any component of the high-throughput kind?
    pub(super) fn has_high_throughput(&self) -> bool {
        self.coding.iter().any(CodingStyle::is_high_throughput)
    }

    /// Levels that every component has below its full size.
    pub(super) fn reductions(&self) -> u8 {
        self.coding.iter().map(|coding| coding.levels).min().unwrap_or(0)
    }
}

fn damaged(what: &'static str) -> impl Fn() -> DecodeError {
    move || corrupt(format!("its marker segment {what} is damaged"))
}

fn parse_size(content: &[u8]) -> Result<Size, DecodeError> {
    let mut bytes = Bytes(content);
    let mut parse = || {
        bytes.u16()?;
        let [x1, y1, x0, y0] = [bytes.u32()?, bytes.u32()?, bytes.u32()?, bytes.u32()?];
        let tile = Dimensions::new(bytes.u32()?, bytes.u32()?);
        let tile_origin = (bytes.u32()?, bytes.u32()?);
        let count = bytes.u16()?;
        let mut components = Vec::with_capacity(usize::from(count).min(content.len()));
        for _ in 0..count {
            let depth = bytes.u8()?;
            let (dx, dy) = (bytes.u8()?, bytes.u8()?);
            components.push(Component {
                bits: (depth & 0x7f) + 1,
                signed: depth & 0x80 != 0,
                dx: dx.into(),
                dy: dy.into(),
            });
        }
        Some(Size { image: Area { x0, y0, x1, y1 }, tile, tile_origin, components })
    };
    let size = parse().ok_or_else(damaged("SIZ"))?;
    let image = size.image;
    let (tx, ty) = size.tile_origin;
    let first_reaches = |origin: u32, tile: u32, start: u32| u64::from(origin) + u64::from(tile) > u64::from(start);
    let is_sound = !image.is_empty()
        && !size.tile.is_empty()
        && tx <= image.x0
        && ty <= image.y0
        && first_reaches(tx, size.tile.width_px, image.x0)
        && first_reaches(ty, size.tile.height_px, image.y0)
        && i32::try_from(image.x1).is_ok()
        && i32::try_from(image.y1).is_ok()
        && !size.components.is_empty()
        && size.components.iter().all(|component| component.dx > 0 && component.dy > 0);
    if !is_sound {
        return Err(damaged("SIZ")());
    }
    if let Some(component) = size.components.iter().find(|component| component.bits > 31) {
        return Err(unsupported(format!("samples of {} bits", component.bits)));
    }
    let (columns, rows) = size.tiles();
    if u64::from(columns) * u64::from(rows) > 65_535 {
        return Err(corrupt(format!("it has {columns} × {rows} tiles, which is more than there can be")));
    }
    Ok(size)
}

struct Cod {
    sop: bool,
    eph: bool,
    progression: u8,
    layers: u16,
    color_transform: bool,
    coding: CodingStyle,
}

fn parse_cod(content: &[u8]) -> Result<Cod, DecodeError> {
    let mut bytes = Bytes(content);
    let mut parse = || Some((bytes.u8()?, bytes.u8()?, bytes.u16()?, bytes.u8()?));
    let (style, progression, layers, transform) = parse().ok_or_else(damaged("COD"))?;
    if progression > 4 || layers == 0 {
        return Err(damaged("COD")());
    }
    if transform > 1 {
        return Err(unsupported("a component transform of its own"));
    }
    Ok(Cod {
        sop: style & 2 != 0,
        eph: style & 4 != 0,
        progression,
        layers,
        color_transform: transform == 1,
        coding: parse_coding(&mut bytes, style & 1 != 0)?,
    })
}

fn parse_coding(bytes: &mut Bytes<'_>, has_precincts: bool) -> Result<CodingStyle, DecodeError> {
    let mut parse = || Some((bytes.u8()?, bytes.u8()?, bytes.u8()?, bytes.u8()?, bytes.u8()?));
    let (levels, xcb, ycb, block_style, transform) = parse().ok_or_else(damaged("COD"))?;
    if transform > 1 {
        return Err(unsupported(format!("the wavelet {transform}")));
    }
    if levels > MAX_LEVELS || xcb > 8 || ycb > 8 || xcb + ycb > 8 {
        return Err(damaged("COD")());
    }
    let mut precincts = [(15, 15); MAX_LEVELS as usize + 1];
    if has_precincts {
        for (resolution, precinct) in precincts.iter_mut().take(usize::from(levels) + 1).enumerate() {
            let size = bytes.u8().ok_or_else(damaged("COD"))?;
            *precinct = (size & 15, size >> 4);
            if resolution > 0 && (precinct.0 == 0 || precinct.1 == 0) {
                return Err(damaged("COD")());
            }
        }
    }
    Ok(CodingStyle { levels, block: (xcb + 2, ycb + 2), block_style, reversible: transform == 1, precincts })
}

fn parse_quantisation(content: &[u8]) -> Option<Quantisation> {
    let (first, rest) = content.split_first()?;
    let (style, guard_bits) = (first & 0x1f, first >> 5);
    let steps = match style {
        0 => rest.iter().map(|step| (step >> 3, 0)).collect::<Vec<_>>(),
        1 | 2 => {
            let words = rest.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word));
            words.map(|word| ((word >> 11) as u8, word & 0x7ff)).collect()
        }
        _ => return None,
    };
    (!steps.is_empty()).then_some(Quantisation { style, guard_bits, steps })
}
