//! One pass over a scan: where its MCUs lie, and the picture at 1/8 (and 1/4) that falls off on the way.
//!
//! Nothing is decoded that is not needed: AC coefficients are stepped over, several at a time, unless a reduction asks for them.
//! The file is read in windows, so that an original of any size costs a few megabytes and what is built.

use std::collections::VecDeque;

use super::bits::PADDING;
use super::coding::{Coding, ZIGZAG};
use super::huffman::{pass_block, read_block};
use super::index::{Belongs, Index, Note};
use super::markers::{EOI, corrupt};
use super::reduced::{Picture, Reducer};
use crate::{Control, DecodeError, RandomAccess};

/// Bytes read at a time.
pub(super) const WINDOW_BYTES: u64 = 512 << 10;
/// More bytes than any MCU takes.
const MCU_BYTES: usize = 4096;
/// DC coefficients of 8-bit samples stay well within this.
pub(super) const MAX_DC: i32 = 2047;

/// Which pictures to make on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) eighth: bool,
    pub(super) quarter: bool,
}

/// What a walk gives.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) index: Index,
    pub(super) eighth: Option<Picture>,
    pub(super) quarter: Option<Picture>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({})", self.size())
    }
}

/// Walks over the scan whose data begins at `data_offset`.
///
/// # Errors
/// [`DecodeError::Corrupt`] where anything is not as it should be; a decoder may still make something of it.
pub(super) fn walk(
    source: &dyn RandomAccess,
    coding: &Coding,
    data_offset: u64,
    wanted: Wanted,
    control: &Control,
) -> Result<Walked, DecodeError> {
    let belongs = Belongs { file_bytes: source.len(), data_offset, coding: coding.fingerprint() };
    let walker = Walker {
        coding,
        stream: ScanStream::new(source, data_offset, WINDOW_BYTES, control),
        index: Index::new(coding, belongs),
        eighth: if wanted.eighth { Reducer::new(coding, 8) } else { None },
        quarter: if wanted.quarter { Reducer::new(coding, 4) } else { None },
        position: 0,
        predictors: [0; 4],
        block: [0; 64],
        quant: coding.components.iter().map(|component| in_rows(&component.quant)).collect(),
    };
    walker.run(control)
}

/// A quantisation table from the order of the data to that of rows.
pub(super) fn in_rows(quant: &[u16; 64]) -> [i32; 64] {
    let mut rows = [0; 64];
    for (place, value) in ZIGZAG.iter().zip(quant) {
        rows[usize::from(*place)] = i32::from(*value);
    }
    rows
}

struct Walker<'a> {
    coding: &'a Coding,
    stream: ScanStream<'a>,
    index: Index,
    eighth: Option<Reducer>,
    quarter: Option<Reducer>,
    position: usize,
    predictors: [i32; 4],
    block: [i16; 64],
    quant: Vec<[i32; 64]>,
}

impl Walker<'_> {
    fn run(mut self, control: &Control) -> Result<Walked, DecodeError> {
        let coding = self.coding;
        let mut number = 0_u64;
        for row in 0..coding.rows {
            control.check()?;
            for column in 0..coding.columns {
                self.stream.ensure(&mut self.position)?;
                if coding.restart_interval > 0 && number > 0 && number.is_multiple_of(coding.restart_interval) {
                    let restart = number / coding.restart_interval - 1;
                    self.position = self.stream.restart(self.position, (restart % 8) as u8)?;
                    self.predictors = [0; 4];
                }
                if column.is_multiple_of(self.index.every) {
                    let position = self.stream.file_bits(self.position);
                    let note = Note { position, predictors: self.predictors };
                    self.index.push(note).ok_or_else(|| corrupt("a row of its data is too long"))?;
                }
                self.mcu(column).ok_or_else(|| corrupt(format!("MCU {column} of row {row} is not valid")))?;
                self.stream.check(self.position)?;
                number += 1;
            }
            self.eighth.iter_mut().chain(&mut self.quarter).for_each(Reducer::end_row);
        }
        self.stream.end(&mut self.position)?;
        let position = self.stream.file_bits(self.position);
        self.index.set_end(Note { position, predictors: self.predictors });
        Ok(Walked {
            index: self.index,
            eighth: self.eighth.and_then(Reducer::finish),
            quarter: self.quarter.and_then(Reducer::finish),
        })
    }

    #[inline]
    fn mcu(&mut self, column: u32) -> Option<()> {
        let bytes = self.stream.clean.as_slice();
        for (number, component) in self.coding.components.iter().enumerate() {
            let needed = self.quarter.is_some()
                || self.eighth.as_ref().is_some_and(|reducer| reducer.needs_coefficients(number));
            let predictor = &mut self.predictors[number & 3];
            let quant = self.quant.get(number)?;
            for y in 0..component.v {
                for x in 0..component.h {
                    let (difference, written) = if needed {
                        let (dc, ac) = (&component.dc, &component.ac);
                        read_block(bytes, &mut self.position, dc, ac, &ZIGZAG, &mut self.block)?
                    } else {
                        let passed = pass_block(bytes, &mut self.position, &component.dc, &component.ac)?;
                        (passed.difference, 0)
                    };
                    *predictor += difference;
                    if predictor.abs() > MAX_DC {
                        return None;
                    }
                    let place = (column * component.h + x, y);
                    if needed {
                        self.block[0] = *predictor as i16;
                    }
                    if let Some(eighth) = &mut self.eighth {
                        eighth.put(number, place, *predictor, &self.block, written, quant);
                    }
                    if let Some(quarter) = &mut self.quarter {
                        quarter.put(number, place, *predictor, &self.block, written, quant);
                    }
                    if written != 0 {
                        self.block = [0; 64];
                    }
                }
            }
        }
        Some(())
    }
}

/// The data of a scan, window by window, without its stuffing.
pub(super) struct ScanStream<'a> {
    source: &'a dyn RandomAccess,
    control: &'a Control,
    /// Bytes that are read at a time.
    window: u64,
    /// Next byte to be read from the file.
    next: u64,
    raw: Vec<u8>,
    /// Clean data, with [`PADDING`] zeros behind.
    clean: Vec<u8>,
    /// Clean bytes without the padding.
    filled: usize,
    /// The file's position of `clean[0]`, if nothing was removed since `removed` was last asked.
    origin: u64,
    /// Bytes that were removed before a clean byte, not yet added to the origin.
    removed: VecDeque<(usize, u32)>,
    /// Restart markers before a clean byte.
    restarts: VecDeque<(usize, u8)>,
    /// The last byte read was 0xff, and what it is depends on the next.
    half: bool,
    ended: Option<Ending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Marker(u8),
    EndOfFile,
}

impl<'a> ScanStream<'a> {
    pub(super) fn new(source: &'a dyn RandomAccess, data_offset: u64, window: u64, control: &'a Control) -> Self {
        Self {
            source,
            control,
            window,
            next: data_offset,
            raw: Vec::new(),
            clean: vec![0; PADDING],
            filled: 0,
            origin: data_offset,
            removed: VecDeque::new(),
            restarts: VecDeque::new(),
            half: false,
            ended: None,
        }
    }

    /// Has at least the next MCU's bytes ready, unless the data ends before.
    #[inline]
    pub(super) fn ensure(&mut self, position: &mut usize) -> Result<(), DecodeError> {
        while *position / 8 + MCU_BYTES > self.filled && self.ended.is_none() {
            self.refill(position)?;
        }
        Ok(())
    }

    #[cold]
    fn refill(&mut self, position: &mut usize) -> Result<(), DecodeError> {
        self.control.check()?;
        let gone = (*position / 8).min(self.filled);
        self.clean.truncate(self.filled);
        self.settle(gone);
        self.clean.drain(..gone);
        self.origin += gone as u64;
        *position -= gone * 8;
        self.removed.iter_mut().for_each(|(at, _)| *at -= gone);
        self.restarts.iter_mut().for_each(|(at, _)| *at = at.saturating_sub(gone));
        let length = self.source.len().saturating_sub(self.next).min(self.window);
        if length == 0 {
            self.ended = Some(Ending::EndOfFile);
        } else {
            let mut raw = std::mem::take(&mut self.raw);
            raw.resize(length as usize, 0);
            self.source.read_at(self.next, &mut raw)?;
            self.next += length;
            self.add(&raw);
            self.raw = raw;
        }
        self.filled = self.clean.len();
        self.clean.resize(self.filled + PADDING, 0);
        Ok(())
    }

    /// Removes stuffing from what was read.
    fn add(&mut self, mut rest: &[u8]) {
        while self.ended.is_none() {
            if !self.half {
                let Some(at) = memchr::memchr(0xff, rest) else {
                    self.clean.extend_from_slice(rest);
                    return;
                };
                self.clean.extend_from_slice(&rest[..at]);
                rest = &rest[at + 1..];
                self.half = true;
            }
            let Some((&byte, after)) = rest.split_first() else { return };
            rest = after;
            match byte {
                0 => {
                    self.clean.push(0xff);
                    self.removed.push_back((self.clean.len(), 1));
                    self.half = false;
                }
                // A fill byte before a marker.
                0xff => self.removed.push_back((self.clean.len(), 1)),
                0xd0..=0xd7 => {
                    self.removed.push_back((self.clean.len(), 2));
                    self.restarts.push_back((self.clean.len(), byte & 7));
                    self.half = false;
                }
                marker => self.ended = Some(Ending::Marker(marker)),
            }
        }
    }

    /// Adds to the origin what was removed up to a clean byte.
    fn settle(&mut self, byte: usize) {
        while let Some((_, count)) = self.removed.pop_front_if(|(at, _)| *at <= byte) {
            self.origin += u64::from(count);
        }
    }

    /// Where in the file a bit lies, in bits. Positions are asked for in order.
    fn file_bits(&mut self, position: usize) -> u64 {
        self.settle(position / 8);
        (self.origin + (position / 8) as u64) * 8 + (position % 8) as u64
    }

    /// Goes on behind the restart marker that must be here.
    pub(super) fn restart(&mut self, position: usize, number: u8) -> Result<usize, DecodeError> {
        match self.restarts.pop_front() {
            Some((at, found)) if found == number && position <= at * 8 && at * 8 - position < 8 => Ok(at * 8),
            _ => Err(corrupt("a restart marker is not where it must be")),
        }
    }

    /// An MCU must not reach over what there is.
    #[inline]
    pub(super) fn check(&self, position: usize) -> Result<(), DecodeError> {
        let end = self.restarts.front().map_or(self.filled, |(at, _)| *at);
        if position <= end * 8 { Ok(()) } else { Err(corrupt("its data ends within an MCU")) }
    }

    /// The data that is there, with [`PADDING`] zeros behind it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.clean
    }

    /// Nothing but some marker must follow.
    pub(super) fn end_at_any_marker(&mut self, position: &mut usize) -> Result<(), DecodeError> {
        self.ensure(position)?;
        let left = (self.filled * 8).saturating_sub(*position);
        match self.ended {
            Some(Ending::Marker(_)) if left < 8 && self.restarts.is_empty() => Ok(()),
            _ => Err(corrupt("a scan does not end with its last block")),
        }
    }

    /// Nothing but the end marker must follow.
    fn end(&mut self, position: &mut usize) -> Result<(), DecodeError> {
        self.ensure(position)?;
        let left = (self.filled * 8).saturating_sub(*position);
        match self.ended {
            Some(Ending::Marker(EOI)) if left < 8 && self.restarts.is_empty() => Ok(()),
            _ => Err(corrupt("its data does not end with its last MCU")),
        }
    }
}
