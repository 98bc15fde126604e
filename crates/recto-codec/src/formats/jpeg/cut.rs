//! Cutting a baseline JPEG to its top left pixels without decoding it: no generation loss, and a fraction of the time.
//!
//! Tiles at the right and bottom edge of a pyramid are padded to the full tile. The cut lowers the frame's size and keeps the
//! MCUs (blocks of 8 or 16 pixels) that show something. DC coefficients are stored as differences along the scan, so the first
//! kept MCU behind dropped ones gets new differences; everything else is copied bit by bit.
//!
//! ```text
//!   a b c | x      kept: a b c, d e f; dropped: x, y, and the row below
//!   d e f | y      copied: a b c e f; its differences written anew: d (it followed x)
//!   ------+--
//!   z z z   z
//! ```

use recto_iiif::Dimensions;

use super::huffman::{AcTable, BitWriter, CleanScan, DcCodes, DcTable, TableSpec, clean_scan};
use super::markers::{APP0, APP2, APP14, DHT, DQT, DRI, EOI, Frame, ICC_TAG, Process, SOI, SOS, corrupt};
use crate::DecodeError;

/// DC coefficients of 8-bit samples stay well within this.
const MAX_DC: i32 = 2047;

/// Cuts a complete JPEG stream (tables joined) to its top left `visible` pixels without decoding: frame size lowered, surplus
/// MCUs dropped by transcoding the entropy-coded data. `None` when this stream cannot be cut so (progressive, arithmetic, 12 bits,
/// several scans, or smaller than `visible`).
///
/// The pixels are those of the whole, except that smooth chroma upsampling has no neighbours any more behind the last
/// visible column and row (and that 4 columns or fewer are not smoothed at all). Metadata of the stream is not kept.
///
/// # Errors
/// [`DecodeError::Corrupt`] when the kept part is damaged; a decoder may still make something of it.
pub(crate) fn cut_to(stream: &[u8], visible: Dimensions) -> Result<Option<Vec<u8>>, DecodeError> {
    let Some(source) = Source::parse(stream)? else {
        return Ok(None);
    };
    let size = source.frame.size;
    if visible.is_empty() || visible.width_px > size.width_px || visible.height_px > size.height_px {
        return Ok(None);
    }
    let Some(coding) = source.coding()? else {
        return Ok(None);
    };
    let scan = clean_scan(source.data).ok_or_else(|| corrupt("a restart marker is out of turn"))?;
    if !matches!(scan.ended_by, None | Some(EOI)) {
        return Ok(None);
    }
    let mcu = source.mcu();
    let grid = Grid {
        columns: size.width_px.div_ceil(mcu.width_px),
        kept_columns: visible.width_px.div_ceil(mcu.width_px),
        kept_rows: visible.height_px.div_ceil(mcu.height_px),
        restart_interval: source.restart_interval.into(),
    };
    let head = source.head(visible, &coding);
    let cutter = Cutter { scan: &scan, coding: &coding, position: 0, predictors: [0; 4], written: [0; 4] };
    let mut out = cutter.run(grid, BitWriter::new(head))?;
    out.extend_from_slice(&[0xff, EOI]);
    Ok(Some(out))
}

/// A stream's headers and where its scan is.
struct Source<'a> {
    frame: Frame,
    /// Segments that are kept as they are, in order.
    kept: Vec<(u8, &'a [u8])>,
    dc: [Option<TableSpec>; 4],
    ac: [Option<TableSpec>; 4],
    restart_interval: u16,
    /// What follows the scan marker and its length.
    scan_header: &'a [u8],
    data: &'a [u8],
}

impl<'a> Source<'a> {
    /// Reads the headers; `None` when this kind is not cut.
    fn parse(stream: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut rest =
            stream.strip_prefix(&[0xff, SOI]).ok_or_else(|| corrupt("it does not begin with a start marker"))?;
        let mut frame = None;
        let mut kept = Vec::new();
        let (mut dc, mut ac) = ([const { None }; 4], [const { None }; 4]);
        let mut restart_interval = 0;
        loop {
            let (marker, body, after) = segment(rest)?;
            rest = after;
            match marker {
                SOS => {
                    let Some(frame) = frame else {
                        return Err(corrupt("a scan comes before the frame header"));
                    };
                    let scan_header = body;
                    return Ok(Some(Self { frame, kept, dc, ac, restart_interval, scan_header, data: rest }));
                }
                DHT => tables(body, &mut dc, &mut ac).ok_or_else(|| corrupt("a Huffman table is not valid"))?,
                DRI => {
                    let interval = body.first_chunk::<2>().ok_or_else(|| corrupt("the restart interval is missing"))?;
                    restart_interval = u16::from_be_bytes(*interval);
                }
                0xc0 | 0xc1 => {
                    let process = if marker == 0xc0 { Process::Baseline } else { Process::Extended };
                    if frame.is_some() {
                        return Err(corrupt("it has two frame headers"));
                    }
                    frame = Some(Frame::parse(process, body)?);
                }
                0xc2..=0xcf | EOI => return Ok(None),
                DQT | APP0 | APP14 => kept.push((marker, body)),
                APP2 if body.starts_with(ICC_TAG) => kept.push((marker, body)),
                _ => {}
            }
        }
    }

    /// True size of an MCU. A single component is never interleaved, whatever sampling it claims.
    fn mcu(&self) -> Dimensions {
        let (h, v) = if self.frame.components.len() == 1 { (1, 1) } else { self.frame.max_sampling() };
        Dimensions::new(u32::from(h) * 8, u32::from(v) * 8)
    }

    /// The tables that the scan uses; `None` when it is not a plain scan of all components.
    fn coding(&self) -> Result<Option<Coding>, DecodeError> {
        let components = &self.frame.components;
        let [count, rest @ ..] = self.scan_header else {
            return Err(corrupt("the scan header is too short"));
        };
        let count = usize::from(*count);
        if self.frame.precision != 8 || count != components.len() || count > 4 {
            return Ok(None);
        }
        if rest.len() != count * 2 + 3 {
            return Err(corrupt("the scan header has the wrong length"));
        }
        let mut coding = Coding { components: Vec::with_capacity(count), tables: Vec::with_capacity(count * 2) };
        for (component, selector) in components.iter().zip(rest.as_chunks::<2>().0) {
            let [id, slots] = *selector;
            if id != component.id {
                return Ok(None);
            }
            let table = |set: &[Option<TableSpec>; 4], slot: u8| {
                let table = set.get(usize::from(slot)).and_then(Option::clone);
                table.ok_or_else(|| corrupt("the scan uses a Huffman table that is not there"))
            };
            let (dc, ac) = (table(&self.dc, slots >> 4)?, table(&self.ac, slots & 15)?);
            let Some(full) = dc.with_all_dc_categories() else {
                return Ok(None);
            };
            let blocks = if count == 1 { 1 } else { u32::from(component.h) * u32::from(component.v) };
            coding.components.push(ComponentCoding {
                blocks,
                dc: DcTable::new(&dc),
                dc_codes: DcCodes::new(&full),
                ac: AcTable::new(&ac),
            });
            coding.add_table(slots >> 4, full);
            coding.add_table(0x10 | (slots & 15), ac);
        }
        if coding.components.iter().map(|component| component.blocks).sum::<u32>() > 10 {
            return Err(corrupt("an MCU has more than 10 blocks"));
        }
        Ok(Some(coding))
    }

    /// Everything up to the cut scan's data.
    fn head(&self, visible: Dimensions, coding: &Coding) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 1024);
        out.extend_from_slice(&[0xff, SOI]);
        for (marker, body) in &self.kept {
            write_segment(*marker, body, &mut out);
        }
        let (width, height) = (visible.width_px as u16, visible.height_px as u16);
        let mut frame = vec![self.frame.precision];
        frame.extend_from_slice(&height.to_be_bytes());
        frame.extend_from_slice(&width.to_be_bytes());
        frame.push(self.frame.components.len() as u8);
        let single = self.frame.components.len() == 1;
        for component in &self.frame.components {
            let sampling = if single { 0x11 } else { component.h << 4 | component.v };
            frame.extend_from_slice(&[component.id, sampling, component.table]);
        }
        write_segment(if self.frame.process == Process::Baseline { 0xc0 } else { 0xc1 }, &frame, &mut out);
        let mut tables = Vec::new();
        for (slot, table) in &coding.tables {
            table.write(*slot, &mut tables);
        }
        write_segment(DHT, &tables, &mut out);
        write_segment(SOS, self.scan_header, &mut out);
        out
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

fn write_segment(marker: u8, body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(body);
}

/// Reads a DHT segment.
fn tables(mut body: &[u8], dc: &mut [Option<TableSpec>; 4], ac: &mut [Option<TableSpec>; 4]) -> Option<()> {
    while !body.is_empty() {
        let (slot, table, rest) = TableSpec::parse(body)?;
        let set = match slot >> 4 {
            0 => &mut *dc,
            1 => &mut *ac,
            _ => return None,
        };
        *set.get_mut(usize::from(slot & 15))? = Some(table);
        body = rest;
    }
    Some(())
}

/// How each component of the scan is coded.
struct Coding {
    components: Vec<ComponentCoding>,
    /// Every table that the scan uses, once, by class and slot as in a DHT segment.
    tables: Vec<(u8, TableSpec)>,
}

impl Coding {
    fn add_table(&mut self, slot: u8, table: TableSpec) {
        if self.tables.iter().all(|(other, _)| *other != slot) {
            self.tables.push((slot, table));
        }
    }
}

struct ComponentCoding {
    /// Blocks in each MCU.
    blocks: u32,
    dc: DcTable,
    dc_codes: DcCodes,
    ac: AcTable,
}

/// Which MCUs there are, and which are kept.
#[derive(Clone, Copy)]
struct Grid {
    columns: u32,
    kept_columns: u32,
    kept_rows: u32,
    /// MCUs between restart markers; 0 for none.
    restart_interval: u64,
}

/// Where the first DC coefficient of a component lies in an MCU, and what it is.
#[derive(Clone, Copy, Default)]
struct FirstBlock {
    start: usize,
    behind_dc: usize,
    dc: i32,
}

/// Goes through a scan and writes what is kept.
struct Cutter<'a> {
    scan: &'a CleanScan,
    coding: &'a Coding,
    /// Bits read.
    position: usize,
    /// The last DC coefficient of each component as read, and as written.
    predictors: [i32; 4],
    written: [i32; 4],
}

impl Cutter<'_> {
    fn run(mut self, grid: Grid, mut writer: BitWriter) -> Result<Vec<u8>, DecodeError> {
        let outside = || corrupt("its data ends within the visible part");
        let mut intervals = self.scan.intervals.iter().cloned();
        let mut interval = intervals.next().unwrap_or_default();
        // Bits that are to be copied as they are, and whether the next MCU can join them.
        let mut run = 0..0;
        let mut joined = false;
        let mut index = 0_u64;
        for row in 0..grid.kept_rows {
            let columns = if row + 1 == grid.kept_rows { grid.kept_columns } else { grid.columns };
            for column in 0..columns {
                if grid.restart_interval > 0 && index > 0 && index.is_multiple_of(grid.restart_interval) {
                    if interval.end.saturating_sub(self.position) >= 8 {
                        return Err(corrupt("there is data left before a restart marker"));
                    }
                    interval = intervals.next().ok_or_else(outside)?;
                    self.position = interval.start;
                    self.predictors = [0; 4];
                    joined = false;
                }
                index += 1;
                let first =
                    self.pass_mcu().ok_or_else(|| corrupt(format!("MCU {column} of row {row} is not valid")))?;
                if self.position > interval.end {
                    return Err(outside());
                }
                if column >= grid.kept_columns {
                    joined = false;
                    continue;
                }
                if !joined {
                    writer.copy(self.scan, run).ok_or_else(outside)?;
                    self.rewrite(&first, &mut writer).ok_or_else(|| corrupt("a DC difference is out of range"))?;
                    run = self.position..self.position;
                    joined = true;
                }
                run.end = self.position;
                self.written = self.predictors;
            }
        }
        writer.copy(self.scan, run).ok_or_else(outside)?;
        Ok(writer.finish())
    }

    /// Steps over one MCU.
    fn pass_mcu(&mut self) -> Option<[FirstBlock; 4]> {
        let mut first = [FirstBlock::default(); 4];
        let components = self.coding.components.iter().zip(&mut self.predictors).zip(&mut first);
        for ((component, predictor), first) in components {
            for block in 0..component.blocks {
                let start = self.position;
                *predictor += self.scan.dc_difference(&component.dc, &mut self.position)?;
                if predictor.abs() > MAX_DC {
                    return None;
                }
                if block == 0 {
                    *first = FirstBlock { start, behind_dc: self.position, dc: *predictor };
                }
                self.scan.pass_ac(&component.ac, &mut self.position)?;
            }
        }
        Some(first)
    }

    /// Writes the MCU that ends at the position, with the first DC difference of each component against what was written.
    fn rewrite(&self, first: &[FirstBlock; 4], writer: &mut BitWriter) -> Option<()> {
        for (index, component) in self.coding.components.iter().enumerate() {
            let FirstBlock { behind_dc, dc, .. } = *first.get(index)?;
            writer.put_dc(&component.dc_codes, dc - self.written.get(index)?)?;
            let is_last = index + 1 == self.coding.components.len();
            let end = if is_last { self.position } else { first.get(index + 1)?.start };
            writer.copy(self.scan, behind_dc..end)?;
        }
        Some(())
    }
}
