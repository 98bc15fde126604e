//! How a stream with one interleaved Huffman scan is coded: what is needed to go through it and to write parts of it anew.

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::huffman::{AcTable, DcCodes, DcTable, TableSpec};
use super::markers::{APP0, APP14, DHT, DQT, DRI, EOI, Frame, Process, SOI, SOS, corrupt};
use crate::DecodeError;

/// Blocks that an MCU may have.
const MAX_BLOCKS: u32 = 10;

/// Where the coefficients of a block lie, by their number in the data: along the diagonals, row by row.
pub(super) const ZIGZAG: [u8; 64] = zigzag();

const fn zigzag() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut x, mut y, mut k) = (0_i32, 0_i32, 0);
    let mut up = true;
    while k < 64 {
        order[k] = (y * 8 + x) as u8;
        k += 1;
        if up {
            if x == 7 {
                y += 1;
                up = false;
            } else if y == 0 {
                x += 1;
                up = false;
            } else {
                x += 1;
                y -= 1;
            }
        } else if y == 7 {
            x += 1;
            up = true;
        } else if x == 0 {
            y += 1;
            up = true;
        } else {
            x -= 1;
            y += 1;
        }
    }
    order
}

/// What the components are, by the rules that libjpeg and browsers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredColor {
    Gray,
    YcbCr,
    Rgb,
    Cmyk,
    Ycck,
}

/// The marker segments that matter, up to and including the scan's header.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    pub(super) frame: Frame,
    /// DQT, DHT and DRI, in order.
    pub(super) tables: Vec<(u8, &'a [u8])>,
    pub(super) jfif: bool,
    /// The transform of an Adobe marker.
    pub(super) adobe: Option<u8>,
    /// What follows the scan marker and its length.
    pub(super) scan_header: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Reads a complete stream's headers, and gives the scan's data; `None` for kinds that are not cut.
    pub(super) fn of_stream(stream: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, DecodeError> {
        let mut rest =
            stream.strip_prefix(&[0xff, SOI]).ok_or_else(|| corrupt("it does not begin with a start marker"))?;
        let mut frame = None;
        let mut tables = Vec::new();
        let (mut jfif, mut adobe) = (false, None);
        loop {
            let (marker, body, after) = segment(rest)?;
            rest = after;
            match marker {
                SOS => {
                    let Some(frame) = frame else {
                        return Err(corrupt("a scan comes before the frame header"));
                    };
                    return Ok(Some((Self { frame, tables, jfif, adobe, scan_header: body }, rest)));
                }
                DHT | DQT | DRI => tables.push((marker, body)),
                0xc0 | 0xc1 => {
                    let process = if marker == 0xc0 { Process::Baseline } else { Process::Extended };
                    if frame.is_some() {
                        return Err(corrupt("it has two frame headers"));
                    }
                    frame = Some(Frame::parse(process, body)?);
                }
                0xc2..=0xcf | EOI => return Ok(None),
                APP0 => jfif |= is_jfif(body),
                APP14 => adobe = adobe_transform(body).or(adobe),
                _ => {}
            }
        }
    }

    /// What the components are; `None` for a number of components that has no meaning.
    pub(super) fn color(&self) -> Option<StoredColor> {
        let ids = self.frame.components.iter().map(|component| component.id).collect::<Vec<_>>();
        Some(match (ids.as_slice(), self.adobe) {
            ([_], _) => StoredColor::Gray,
            ([..], _) if ids.len() == 3 && self.jfif => StoredColor::YcbCr,
            ([_, _, _], Some(0)) | ([b'R', b'G', b'B'], None) => StoredColor::Rgb,
            ([_, _, _], _) => StoredColor::YcbCr,
            ([_, _, _, _], Some(2)) => StoredColor::Ycck,
            ([_, _, _, _], _) => StoredColor::Cmyk,
            _ => return None,
        })
    }
}

/// True for the body of a JFIF header.
pub(super) fn is_jfif(body: &[u8]) -> bool {
    body.starts_with(b"JFIF\0") && body.len() >= 14
}

/// The colour transform in the body of an Adobe marker.
pub(super) fn adobe_transform(body: &[u8]) -> Option<u8> {
    match body {
        [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..] => Some(*transform),
        _ => None,
    }
}

/// How each component of the scan is coded.
#[derive(Clone, Debug)]
pub(super) struct ComponentCoding {
    pub(super) id: u8,
    /// Blocks of an MCU, across and down.
    pub(super) h: u32,
    pub(super) v: u32,
    /// The quantisation table in the order of the data.
    pub(super) quant: [u16; 64],
    quant_slot: u8,
    table_slots: u8,
    pub(super) dc: Arc<DcTable>,
    pub(super) dc_codes: DcCodes,
    pub(super) ac: Arc<AcTable>,
}

/// A stream with one interleaved Huffman scan of 8-bit samples.
#[derive(Clone, Debug)]
pub(super) struct Coding {
    pub(super) size: Dimensions,
    pub(super) color: StoredColor,
    adobe: Option<u8>,
    baseline: bool,
    pub(super) components: Vec<ComponentCoding>,
    /// Every table that the scan uses, once, by class and slot as in a DHT segment; DC tables with all categories.
    tables: Vec<(u8, TableSpec)>,
    /// Pixels of an MCU.
    pub(super) mcu: Dimensions,
    /// MCUs across and down.
    pub(super) columns: u32,
    pub(super) rows: u32,
    /// MCUs between restart markers; 0 for none.
    pub(super) restart_interval: u64,
}

impl Coding {
    /// Builds it; `None` when this kind is not cut: other than 8 bits, several scans, no room for DC categories.
    pub(super) fn new(parts: &Parts<'_>) -> Result<Option<Self>, DecodeError> {
        let frame = &parts.frame;
        let Some(color) = parts.color() else { return Ok(None) };
        let [count, rest @ ..] = parts.scan_header else {
            return Err(corrupt("the scan header is too short"));
        };
        let count = usize::from(*count);
        let sequential = matches!(frame.process, Process::Baseline | Process::Extended);
        if !sequential || frame.precision != 8 || count != frame.components.len() || count > 4 {
            return Ok(None);
        }
        if rest.len() != count * 2 + 3 {
            return Err(corrupt("the scan header has the wrong length"));
        }
        let found = Tables::read(&parts.tables)?;
        let mut components = Vec::with_capacity(count);
        let mut tables = Vec::new();
        for (component, selector) in frame.components.iter().zip(rest.as_chunks::<2>().0) {
            let [id, slots] = *selector;
            if id != component.id {
                return Ok(None);
            }
            let table = |set: &[Option<TableSpec>; 4], slot: u8| {
                let table = set.get(usize::from(slot)).and_then(Option::clone);
                table.ok_or_else(|| corrupt("the scan uses a Huffman table that is not there"))
            };
            let (dc, ac) = (table(&found.dc, slots >> 4)?, table(&found.ac, slots & 15)?);
            let Some(full) = dc.with_all_dc_categories() else {
                return Ok(None);
            };
            let quant = found.quant.get(usize::from(component.table)).copied().flatten();
            let single = count == 1;
            components.push(ComponentCoding {
                id,
                h: if single { 1 } else { component.h.into() },
                v: if single { 1 } else { component.v.into() },
                quant: quant.ok_or_else(|| corrupt("a quantisation table is not there"))?,
                quant_slot: component.table,
                table_slots: slots,
                dc: DcTable::shared(&dc),
                dc_codes: DcCodes::new(&full),
                ac: AcTable::shared(&ac),
            });
            for (slot, table) in [(slots >> 4, full), (0x10 | (slots & 15), ac)] {
                if tables.iter().all(|(other, _)| *other != slot) {
                    tables.push((slot, table));
                }
            }
        }
        if components.iter().map(|component| component.h * component.v).sum::<u32>() > MAX_BLOCKS {
            return Err(corrupt("an MCU has more than 10 blocks"));
        }
        let max_h = components.iter().map(|component| component.h).max().unwrap_or(1);
        let max_v = components.iter().map(|component| component.v).max().unwrap_or(1);
        let mcu = Dimensions::new(max_h * 8, max_v * 8);
        Ok(Some(Self {
            size: frame.size,
            color,
            adobe: parts.adobe,
            baseline: frame.process == Process::Baseline,
            components,
            tables,
            mcu,
            columns: frame.size.width_px.div_ceil(mcu.width_px),
            rows: frame.size.height_px.div_ceil(mcu.height_px),
            restart_interval: found.restart_interval.into(),
        }))
    }

    /// True when blocks of both can follow each other in one scan.
    pub(super) fn fits(&self, other: &Self) -> bool {
        self.color == other.color
            && self.tables == other.tables
            && self.components.len() == other.components.len()
            && self
                .components
                .iter()
                .zip(&other.components)
                .all(|(a, b)| (a.id, a.h, a.v, a.table_slots, &a.quant) == (b.id, b.h, b.v, b.table_slots, &b.quant))
    }

    /// Everything up to the data of a scan that is coded like this, of an image of `size`.
    pub(super) fn head(&self, size: Dimensions) -> Vec<u8> {
        let mut head = Head::begin(self.color, self.adobe);
        let mut written = 0_u8;
        for component in &self.components {
            if written & 1 << (component.quant_slot & 3) == 0 {
                written |= 1 << (component.quant_slot & 3);
                head.quantisation(component.quant_slot, &component.quant);
            }
        }
        let frame = self.components.iter().map(|c| [c.id, (c.h << 4 | c.v) as u8, c.quant_slot]).collect::<Vec<_>>();
        head.frame(if self.baseline { 0xc0 } else { 0xc1 }, size, &frame);
        head.huffman(&self.tables);
        let scan = self.components.iter().map(|component| [component.id, component.table_slots]).collect::<Vec<_>>();
        head.scan(&scan);
        head.out
    }

    /// Of each component, the code that ends a block, and its length; `None` where a table lacks it.
    pub(super) fn block_ends(&self) -> Option<Vec<(u32, u32)>> {
        let end = |component: &ComponentCoding| {
            let slot = 0x10 | (component.table_slots & 15);
            let (_, table) = self.tables.iter().find(|(other, _)| *other == slot)?;
            table.codes().find(|(symbol, _, _)| *symbol == 0).map(|(_, code, length)| (code, length))
        };
        self.components.iter().map(end).collect()
    }

    /// The adobe transform of the source, if it had such a marker.
    pub(super) fn adobe(&self) -> Option<u8> {
        self.adobe
    }

    /// A number that changes with everything that matters to whoever goes through the data.
    pub(super) fn fingerprint(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        hash.update(&self.head(self.size));
        hash.update(&self.restart_interval.to_le_bytes());
        hash.finalize()
    }
}

/// The headers of a new stream.
pub(super) struct Head {
    pub(super) out: Vec<u8>,
}

impl Head {
    /// Start marker, and the marker that says what the components are.
    pub(super) fn begin(color: StoredColor, adobe: Option<u8>) -> Self {
        let mut head = Self { out: Vec::with_capacity(1024) };
        head.out.extend_from_slice(&[0xff, SOI]);
        let transform = match color {
            StoredColor::Gray | StoredColor::YcbCr => None,
            StoredColor::Rgb => Some(0),
            StoredColor::Ycck => Some(2),
            StoredColor::Cmyk => adobe,
        };
        match (color, transform) {
            (StoredColor::Gray | StoredColor::YcbCr, _) => {
                head.segment(APP0, b"JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00");
            }
            (_, Some(transform)) => {
                head.segment(APP14, &[b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, transform]);
            }
            (_, None) => {}
        }
        head
    }

    fn segment(&mut self, marker: u8, body: &[u8]) {
        self.out.extend_from_slice(&[0xff, marker]);
        self.out.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
        self.out.extend_from_slice(body);
    }

    /// A quantisation table, given in the order of the data.
    pub(super) fn quantisation(&mut self, slot: u8, table: &[u16; 64]) {
        let wide = table.iter().any(|value| *value > 255);
        let mut body = vec![u8::from(wide) << 4 | slot];
        for value in table {
            let bytes = value.to_be_bytes();
            body.extend_from_slice(if wide { &bytes } else { &bytes[1..] });
        }
        self.segment(DQT, &body);
    }

    /// A frame of components: id, sampling, quantisation table.
    pub(super) fn frame(&mut self, marker: u8, size: Dimensions, components: &[[u8; 3]]) {
        let mut body = vec![8];
        body.extend_from_slice(&(size.height_px as u16).to_be_bytes());
        body.extend_from_slice(&(size.width_px as u16).to_be_bytes());
        body.push(components.len() as u8);
        body.extend(components.iter().flatten());
        self.segment(marker, &body);
    }

    pub(super) fn huffman(&mut self, tables: &[(u8, TableSpec)]) {
        let mut body = Vec::new();
        for (slot, table) in tables {
            table.write(*slot, &mut body);
        }
        self.segment(DHT, &body);
    }

    /// A scan of all coefficients of components: id, table slots.
    pub(super) fn scan(&mut self, components: &[[u8; 2]]) {
        let mut body = vec![components.len() as u8];
        body.extend(components.iter().flatten());
        body.extend_from_slice(&[0, 63, 0]);
        self.segment(SOS, &body);
    }
}

/// The tables that segments define.
pub(super) struct Tables {
    pub(super) dc: [Option<TableSpec>; 4],
    pub(super) ac: [Option<TableSpec>; 4],
    pub(super) quant: [Option<[u16; 64]>; 4],
    pub(super) restart_interval: u16,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self { dc: [const { None }; 4], ac: [const { None }; 4], quant: [None; 4], restart_interval: 0 }
    }

    fn read(segments: &[(u8, &[u8])]) -> Result<Self, DecodeError> {
        let mut tables = Self::new();
        segments.iter().try_for_each(|(marker, body)| tables.segment(*marker, body))?;
        Ok(tables)
    }

    /// Takes in a DHT, DQT or DRI segment.
    pub(super) fn segment(&mut self, marker: u8, body: &[u8]) -> Result<(), DecodeError> {
        match marker {
            DHT => self.huffman(body).ok_or_else(|| corrupt("a Huffman table is not valid")),
            DQT => self.quantisation(body).ok_or_else(|| corrupt("a quantisation table is not valid")),
            DRI => {
                let interval = body.first_chunk::<2>().ok_or_else(|| corrupt("the restart interval is missing"))?;
                self.restart_interval = u16::from_be_bytes(*interval);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while !body.is_empty() {
            let (slot, table, rest) = TableSpec::parse(body)?;
            let set = match slot >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *set.get_mut(usize::from(slot & 15))? = Some(table);
            body = rest;
        }
        Some(())
    }

    fn quantisation(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&slot, rest)) = body.split_first() {
            let mut table = [0; 64];
            if slot >> 4 == 0 {
                let (values, rest) = rest.split_first_chunk::<64>()?;
                for (to, from) in table.iter_mut().zip(values) {
                    *to = u16::from(*from);
                }
                body = rest;
            } else {
                let (values, rest) = rest.split_first_chunk::<128>()?;
                for (to, from) in table.iter_mut().zip(values.as_chunks::<2>().0) {
                    *to = u16::from_be_bytes(*from);
                }
                body = rest;
            }
            *self.quant.get_mut(usize::from(slot & 15))? = Some(table);
        }
        Some(())
    }
}

/// The next marker, its body, and what follows it.
fn segment(data: &[u8]) -> Result<(u8, &[u8], &[u8]), DecodeError> {
    let fill = data.iter().take_while(|byte| **byte == 0xff).count();
    let rest = data.get(fill..).unwrap_or_default();
    let (&marker, rest) = rest.split_first().ok_or_else(|| corrupt("it ends within its header"))?;
    if fill == 0 {
        return Err(corrupt("there is no marker where one must be"));
    }
    if matches!(marker, 0x01 | 0xd0..=EOI) {
        return Ok((marker, &[], rest));
    }
    let length = rest.first_chunk::<2>().map(|length| usize::from(u16::from_be_bytes(*length)));
    let (body, rest) =
        length.and_then(|length| rest.split_at_checked(length)).ok_or_else(|| corrupt("it ends within its header"))?;
    let body = body.get(2..).ok_or_else(|| corrupt("a segment's length is below 2"))?;
    Ok((marker, body, rest))
}
