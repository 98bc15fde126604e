//! Files of several scans, made into one scan: all scans are read side by side, one row of MCUs at a time.
//!
//! Each scan has its own place in the file, and refinement looks at its own block only. So when the last scan has passed a row of
//! MCUs, that row is final and can be written: memory is one row of coefficients and a window for each scan, whatever the size.

use std::io::Write;
use std::sync::Arc;

use recto_iiif::Dimensions;

use super::bits::{BitWriter, extend, word};
use super::coding::{Coding, Head, Parts, StoredColor, Tables};
use super::huffman::{AcCodes, AcTable, DcCodes, DcTable};
use super::markers::{DHT, DQT, DRI, EOI, Frame, Markers, SOS, corrupt};
use super::recode::Standard;
use super::reduced::{Picture, Reducer};
use super::walk::{MAX_DC, ScanStream, in_rows};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// More scans than any real file has.
const MAX_SCANS: usize = 64;
/// Bytes of a scan that are read at a time.
const WINDOW_BYTES: u64 = 64 << 10;
/// Bytes that are looked through at a time for markers.
const SEARCH_BYTES: u64 = 1 << 20;
/// Bytes of output that are written at a time.
const OUT_BYTES: usize = 256 << 10;

/// A component in a scan: its index, and the tables that its coefficients are coded by.
type ScanComponent = (usize, Option<Arc<DcTable>>, Option<Arc<AcTable>>);

/// One scan: what is in it, and how it is coded.
#[derive(Debug)]
struct Scan {
    data_offset: u64,
    /// Component, and its tables where the scan has such coefficients.
    components: Vec<ScanComponent>,
    first: usize,
    last: usize,
    /// It refines what an earlier one gave.
    refines: bool,
    shift: u32,
    restart_interval: u64,
}

/// One component of the frame.
#[derive(Debug)]
struct Component {
    id: u8,
    h: u32,
    v: u32,
    /// Blocks that hold pixels: what a scan of this component alone goes through.
    across: u32,
    down: u32,
    quant: [u16; 64],
}

/// The scans of a file.
#[derive(Debug)]
pub(super) struct Scans {
    size: Dimensions,
    color: StoredColor,
    adobe: Option<u8>,
    components: Vec<Component>,
    columns: u32,
    rows: u32,
    scans: Vec<Scan>,
}

impl Scans {
    /// Finds all scans. `None` for files of which the library has to make something: other kinds, tables that change on the way.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] where anything is not as it should be.
    pub(super) fn find(
        source: &dyn RandomAccess,
        markers: &Markers,
        control: &Control,
    ) -> Result<Option<Self>, DecodeError> {
        let frame = &markers.frame;
        let Some(color) = markers.parts().color() else { return Ok(None) };
        if !frame.process.is_huffman_dct() || frame.precision != 8 || frame.components.len() > 4 {
            return Ok(None);
        }
        let mut tables = Tables::new();
        for (marker, body) in &markers.tables {
            tables.segment(*marker, body)?;
        }
        let mut new = Self::of_frame(frame, color, markers.adobe, &tables)?;
        let mut offset = markers.data_offset;
        let mut header = markers.scan_header.clone();
        loop {
            if new.scans.len() == MAX_SCANS {
                return Ok(None);
            }
            let scan = new.scan(&header, offset, &tables)?;
            new.scans.push(scan);
            let mut at = end_of_scan(source, offset, control)?;
            loop {
                let (marker, body, next) = segment(source, at)?;
                at = next;
                match marker {
                    SOS => {
                        (header, offset) = (body, at);
                        break;
                    }
                    EOI => return Ok(Some(new)),
                    DHT | DRI => tables.segment(marker, &body)?,
                    DQT | 0xc0..=0xcf => return Ok(None),
                    _ => {}
                }
            }
        }
    }

    fn of_frame(frame: &Frame, color: StoredColor, adobe: Option<u8>, tables: &Tables) -> Result<Self, DecodeError> {
        let (max_h, max_v) = frame.max_sampling();
        let single = frame.components.len() == 1;
        let (max_h, max_v) = if single { (1, 1) } else { (u32::from(max_h), u32::from(max_v)) };
        let mut components = Vec::new();
        for component in &frame.components {
            let (h, v) = if single { (1, 1) } else { (u32::from(component.h), u32::from(component.v)) };
            let quant = tables.quant.get(usize::from(component.table)).copied().flatten();
            components.push(Component {
                id: component.id,
                h,
                v,
                across: (frame.size.width_px * h).div_ceil(max_h * 8),
                down: (frame.size.height_px * v).div_ceil(max_v * 8),
                quant: quant.ok_or_else(|| corrupt("a quantisation table is not there"))?,
            });
        }
        Ok(Self {
            size: frame.size,
            color,
            adobe,
            components,
            columns: frame.size.width_px.div_ceil(max_h * 8),
            rows: frame.size.height_px.div_ceil(max_v * 8),
            scans: Vec::new(),
        })
    }

    fn scan(&self, header: &[u8], data_offset: u64, tables: &Tables) -> Result<Scan, DecodeError> {
        let bad = || corrupt("a scan header is not valid");
        let (&count, rest) = header.split_first().ok_or_else(bad)?;
        let (selectors, rest) = rest.split_at_checked(usize::from(count) * 2).ok_or_else(bad)?;
        let [first, last, bits] = *rest else { return Err(bad()) };
        let (high, low) = (bits >> 4, bits & 15);
        let sane = count >= 1 && first <= last && last < 64 && low < 14 && (first == 0 || count == 1);
        if !sane || (high > 0 && high != low + 1) {
            return Err(bad());
        }
        let mut components = Vec::new();
        for [id, slots] in selectors.as_chunks::<2>().0 {
            let number = self.components.iter().position(|component| component.id == *id).ok_or_else(bad)?;
            let dc = tables.dc.get(usize::from(slots >> 4)).and_then(Option::as_ref);
            let ac = tables.ac.get(usize::from(slots & 15)).and_then(Option::as_ref);
            let dc = (first == 0 && high == 0).then(|| dc.map(DcTable::shared).ok_or_else(bad)).transpose()?;
            let ac = (last > 0).then(|| ac.map(AcTable::shared).ok_or_else(bad)).transpose()?;
            components.push((number, dc, ac));
        }
        Ok(Scan {
            data_offset,
            components,
            first: first.into(),
            last: last.into(),
            refines: high > 0,
            shift: low.into(),
            restart_interval: tables.restart_interval.into(),
        })
    }

    /// The picture at 1/8, from the scans that hold mean values alone. `None` where it needs more than those.
    ///
    /// # Errors
    /// As [`Scans::write`].
    pub(super) fn eighth(
        &self,
        source: &dyn RandomAccess,
        coding: &Coding,
        control: &Control,
    ) -> Result<Option<Picture>, DecodeError> {
        let Some(mut reducer) = Reducer::new(coding, 8) else { return Ok(None) };
        let apart = self.scans.iter().all(|scan| scan.first > 0 || scan.last == 0);
        if !apart || (0..self.components.len()).any(|component| reducer.needs_coefficients(component)) {
            return Ok(None);
        }
        let means = self.scans.iter().filter(|scan| scan.last == 0);
        let mut readers = means.map(|scan| Reader::new(self, scan, source, control)).collect::<Vec<_>>();
        let mut band = Band::new(self);
        for row in 0..self.rows {
            control.check()?;
            band.clear();
            readers.iter_mut().try_for_each(|reader| reader.row(row, &mut band))?;
            for (number, (component, plane)) in self.components.iter().zip(&band.planes).enumerate() {
                let quant = in_rows(&component.quant);
                let across = self.columns * component.h;
                for (at, block) in (0_u32..).zip(plane) {
                    reducer.put(number, (at % across, at / across), block[0].into(), block, 0, &quant);
                }
            }
            reducer.end_row();
        }
        readers.iter_mut().try_for_each(Reader::end)?;
        Ok(reducer.finish())
    }

    /// Memory that writing takes, beside what it is written to.
    pub(super) fn bytes(&self) -> u64 {
        let blocks = self.components.iter().map(|component| u64::from(self.columns * component.h * component.v));
        blocks.sum::<u64>() * 128 + self.scans.len() as u64 * WINDOW_BYTES * 3 + OUT_BYTES as u64 * 2
    }

    /// Writes the picture as one scan.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] where anything is not as it should be, what `out` says, or that the work was cancelled.
    pub(super) fn write(
        &self,
        source: &dyn RandomAccess,
        control: &Control,
        out: &mut dyn Write,
    ) -> Result<(), DecodeError> {
        let standard = Standard::new();
        let chroma = self.color == StoredColor::YcbCr;
        let mut writer = BitWriter::new(self.head(&standard, chroma));
        let codes: [(DcCodes, AcCodes); 2] =
            std::array::from_fn(|pair| (DcCodes::new(&standard.dc[pair]), AcCodes::new(&standard.ac[pair])));
        let mut readers = self.scans.iter().map(|scan| Reader::new(self, scan, source, control)).collect::<Vec<_>>();
        let mut band = Band::new(self);
        let mut last = [0_i32; 4];
        for row in 0..self.rows {
            control.check()?;
            band.clear();
            for reader in &mut readers {
                reader.row(row, &mut band)?;
            }
            self.put_row(&band, &codes, chroma, &mut last, &mut writer)
                .ok_or_else(|| corrupt("a coefficient is larger than 8-bit samples have"))?;
            if writer.len() >= OUT_BYTES {
                out.write_all(&writer.take())?;
            }
        }
        readers.iter_mut().try_for_each(Reader::end)?;
        out.write_all(&writer.finish())?;
        out.write_all(&[0xff, EOI])?;
        Ok(())
    }

    /// The coding of what [`Scans::write`] gives.
    pub(super) fn coding(&self) -> Result<Option<Coding>, DecodeError> {
        let head = self.head(&Standard::new(), self.color == StoredColor::YcbCr);
        match Parts::of_stream(&head)? {
            Some((parts, _)) => Coding::new(&parts),
            None => Ok(None),
        }
    }

    fn head(&self, standard: &Standard, chroma: bool) -> Vec<u8> {
        let mut head = Head::begin(self.color, self.adobe);
        let (mut frame, mut scan) = (Vec::new(), Vec::new());
        for (slot, component) in (0_u8..).zip(&self.components) {
            head.quantisation(slot, &component.quant);
            frame.push([component.id, (component.h << 4 | component.v) as u8, slot]);
            scan.push([component.id, if chroma && slot > 0 { 0x11 } else { 0 }]);
        }
        let wide = self.components.iter().any(|component| component.quant.iter().any(|value| *value > 255));
        head.frame(if wide { 0xc1 } else { 0xc0 }, self.size, &frame);
        head.huffman(&standard.tables(if chroma { 2 } else { 1 }));
        head.scan(&scan);
        head.out
    }

    fn put_row(
        &self,
        band: &Band,
        codes: &[(DcCodes, AcCodes); 2],
        chroma: bool,
        last: &mut [i32; 4],
        writer: &mut BitWriter,
    ) -> Option<()> {
        for column in 0..self.columns {
            for (number, (component, plane)) in self.components.iter().zip(&band.planes).enumerate() {
                let (dc, ac) = codes.get(usize::from(chroma && number > 0))?;
                for y in 0..component.v {
                    for x in 0..component.h {
                        let at = (y * self.columns + column) * component.h + x;
                        let block = plane.get(at as usize)?;
                        let last = last.get_mut(number)?;
                        writer.put_dc(dc, i32::from(block[0]) - *last)?;
                        *last = block[0].into();
                        ac.put_block(block, writer)?;
                    }
                }
            }
        }
        Some(())
    }
}

/// The coefficients of one row of MCUs, in the order of the data; blocks in rows.
struct Band {
    planes: Vec<Vec<[i16; 64]>>,
}

impl Band {
    fn new(scans: &Scans) -> Self {
        let blocks = |component: &Component| (scans.columns * component.h * component.v) as usize;
        Self { planes: scans.components.iter().map(|component| vec![[0; 64]; blocks(component)]).collect() }
    }

    fn clear(&mut self) {
        self.planes.iter_mut().for_each(|plane| plane.fill([0; 64]));
    }
}

/// Goes through one scan.
struct Reader<'a> {
    frame: &'a Scans,
    scan: &'a Scan,
    stream: ScanStream<'a>,
    position: usize,
    predictors: [i32; 4],
    /// Blocks to come that have nothing more.
    end_run: u32,
    /// Units (MCUs, or blocks of a component alone) that were read.
    number: u64,
}

impl<'a> Reader<'a> {
    fn new(frame: &'a Scans, scan: &'a Scan, source: &'a dyn RandomAccess, control: &'a Control) -> Self {
        let stream = ScanStream::new(source, scan.data_offset, WINDOW_BYTES, control);
        Self { frame, scan, stream, position: 0, predictors: [0; 4], end_run: 0, number: 0 }
    }

    /// Reads what the scan has of a row of MCUs.
    fn row(&mut self, row: u32, band: &mut Band) -> Result<(), DecodeError> {
        let (frame, scan) = (self.frame, self.scan);
        let bad = || corrupt(format!("row {row} of a scan is not valid"));
        if let [(number, dc, ac)] = scan.components.as_slice() {
            let component = frame.components.get(*number).ok_or_else(bad)?;
            let plane = band.planes.get_mut(*number).ok_or_else(bad)?;
            for y in 0..component.v.min(component.down.saturating_sub(row * component.v)) {
                for x in 0..component.across {
                    self.begin_unit()?;
                    let at = y * frame.columns * component.h + x;
                    let block = plane.get_mut(at as usize).ok_or_else(bad)?;
                    self.block(0, dc.as_deref(), ac.as_deref(), block).ok_or_else(bad)?;
                    self.stream.check(self.position)?;
                }
            }
            return Ok(());
        }
        for column in 0..frame.columns {
            self.begin_unit()?;
            for (slot, (number, dc, ac)) in scan.components.iter().enumerate() {
                let component = frame.components.get(*number).ok_or_else(bad)?;
                let plane = band.planes.get_mut(*number).ok_or_else(bad)?;
                for y in 0..component.v {
                    for x in 0..component.h {
                        let at = (y * frame.columns + column) * component.h + x;
                        let block = plane.get_mut(at as usize).ok_or_else(bad)?;
                        self.block(slot, dc.as_deref(), ac.as_deref(), block).ok_or_else(bad)?;
                    }
                }
            }
            self.stream.check(self.position)?;
        }
        Ok(())
    }

    fn begin_unit(&mut self) -> Result<(), DecodeError> {
        self.stream.ensure(&mut self.position)?;
        let interval = self.scan.restart_interval;
        if interval > 0 && self.number > 0 && self.number.is_multiple_of(interval) {
            let restart = self.number / interval - 1;
            self.position = self.stream.restart(self.position, (restart % 8) as u8)?;
            self.predictors = [0; 4];
            self.end_run = 0;
        }
        self.number += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), DecodeError> {
        self.stream.end_at_any_marker(&mut self.position)
    }

    fn bit(&mut self) -> Option<bool> {
        let bit = word(self.stream.bytes(), self.position)? >> 63;
        self.position += 1;
        Some(bit == 1)
    }

    fn bits(&mut self, count: u32) -> Option<u32> {
        if count == 0 {
            return Some(0);
        }
        let bits = (word(self.stream.bytes(), self.position)? >> (64 - count)) as u32;
        self.position += count as usize;
        Some(bits)
    }

    fn block(&mut self, slot: usize, dc: Option<&DcTable>, ac: Option<&AcTable>, block: &mut [i16; 64]) -> Option<()> {
        let (scan, mut first) = (self.scan, self.scan.first);
        if first == 0 {
            if scan.refines {
                if self.bit()? {
                    block[0] |= 1 << scan.shift;
                }
            } else {
                let held = word(self.stream.bytes(), self.position)?;
                let (length, category) = dc?.find(held)?;
                self.position += (length + category) as usize;
                let predictor = self.predictors.get_mut(slot)?;
                *predictor += extend(held << length, category);
                if predictor.abs() > MAX_DC {
                    return None;
                }
                block[0] = i16::try_from(*predictor << scan.shift).ok()?;
            }
            first = 1;
        }
        if scan.last < first {
            return Some(());
        }
        let ac = ac?;
        if scan.refines { self.refine(first, ac, block) } else { self.coefficients(first, ac, block) }
    }

    fn symbol(&mut self, ac: &AcTable) -> Option<(usize, u32)> {
        let (length, symbol) = ac.symbol(word(self.stream.bytes(), self.position)?)?;
        self.position += length as usize;
        Some((usize::from(symbol >> 4), u32::from(symbol & 15)))
    }

    /// First pass over coefficients.
    fn coefficients(&mut self, first: usize, ac: &AcTable, block: &mut [i16; 64]) -> Option<()> {
        if self.end_run > 0 {
            self.end_run -= 1;
            return Some(());
        }
        let (last, shift) = (self.scan.last, self.scan.shift);
        let mut next = first;
        while next <= last {
            let (run, size) = self.symbol(ac)?;
            if size == 0 {
                if run < 15 {
                    self.end_run = (1 << run) - 1 + self.bits(run as u32)?;
                    return Some(());
                }
                next += 16;
                continue;
            }
            next += run;
            let value = extend(word(self.stream.bytes(), self.position)?, size);
            self.position += size as usize;
            if next > last {
                return None;
            }
            block[next] = i16::try_from(value << shift).ok()?;
            next += 1;
        }
        (next <= last + 1 || next <= 64).then_some(())
    }

    /// One more bit for coefficients that are there, and new ones between them.
    fn refine(&mut self, first: usize, ac: &AcTable, block: &mut [i16; 64]) -> Option<()> {
        let last = self.scan.last;
        let one = 1_i16.checked_shl(self.scan.shift)?;
        let mut next = first;
        if self.end_run == 0 {
            while next <= last {
                let (mut run, size) = self.symbol(ac)?;
                let mut value = 0;
                if size == 0 {
                    if run < 15 {
                        self.end_run = (1 << run) + self.bits(run as u32)?;
                        break;
                    }
                } else if size == 1 {
                    value = if self.bit()? { one } else { -one };
                } else {
                    return None;
                }
                // Passes over `run` places without a value; those that have one get their bit.
                loop {
                    if next > last {
                        break;
                    }
                    if block[next] != 0 {
                        self.refine_one(one, &mut block[next])?;
                    } else if run == 0 {
                        break;
                    } else {
                        run -= 1;
                    }
                    next += 1;
                }
                if value != 0 {
                    if next > last {
                        return None;
                    }
                    block[next] = value;
                }
                next += 1;
            }
        }
        if self.end_run > 0 {
            for value in block.get_mut(next..=last).unwrap_or_default() {
                if *value != 0 {
                    self.refine_one(one, value)?;
                }
            }
            self.end_run -= 1;
        }
        Some(())
    }

    #[inline]
    fn refine_one(&mut self, one: i16, value: &mut i16) -> Option<()> {
        if self.bit()? && *value & one == 0 {
            *value = value.checked_add(if *value > 0 { one } else { -one })?;
        }
        Some(())
    }
}

/// Where the marker lies that ends the scan whose data begins at `offset`.
fn end_of_scan(source: &dyn RandomAccess, mut offset: u64, control: &Control) -> Result<u64, DecodeError> {
    let mut window = Vec::new();
    loop {
        control.check()?;
        let length = source.len().saturating_sub(offset).min(SEARCH_BYTES);
        if length < 2 {
            return Err(corrupt("a scan has no end"));
        }
        window.resize(length as usize, 0);
        source.read_at(offset, &mut window)?;
        let marker = memchr::memchr_iter(0xff, &window)
            .find(|at| window.get(at + 1).is_some_and(|next| !matches!(next, 0 | 0xd0..=0xd7 | 0xff)));
        match marker {
            Some(at) => return Ok(offset + at as u64),
            // The last byte may be the first half of a marker.
            None => offset += length - 1,
        }
    }
}

/// The marker at `offset`, the body of its segment, and where the next begins.
fn segment(source: &dyn RandomAccess, mut offset: u64) -> Result<(u8, Vec<u8>, u64), DecodeError> {
    let ends = |_| corrupt("it ends between two scans");
    let mut start = [0; 2];
    loop {
        source.read_at(offset, &mut start).map_err(ends)?;
        match start {
            [0xff, 0xff] => offset += 1,
            [0xff, EOI] => return Ok((EOI, Vec::new(), offset + 2)),
            [0xff, 0 | 1 | 0xd0..=0xd8] => return Err(corrupt("there is no segment between two scans")),
            [0xff, marker] => {
                let mut length = [0; 2];
                source.read_at(offset + 2, &mut length).map_err(ends)?;
                let length = u64::from(u16::from_be_bytes(length));
                let body = length.checked_sub(2).ok_or_else(|| corrupt("a segment's length is below 2"))?;
                let body = source.read_range(ByteRange::new(offset + 4, body)).map_err(ends)?;
                return Ok((marker, body, offset + 2 + length));
            }
            _ => return Err(corrupt("there is no marker where one must be")),
        }
    }
}
