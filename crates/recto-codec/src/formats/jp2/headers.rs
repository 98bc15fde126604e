//! Packet headers: the bytes of a tile, their bits, and tag trees. ISO/IEC 15444-1, B.10.

use super::corrupt;
use crate::{ByteRange, DecodeError, RandomAccess};

/// Bytes of the original that are read at a time.
const BUFFER_BYTES: u64 = 32 << 10;

/// The bytes of a tile, one tile-part after another.
pub(super) struct Reader<'a> {
    source: &'a dyn RandomAccess,
    parts: Vec<ByteRange>,
    part: usize,
    at: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a dyn RandomAccess, parts: Vec<ByteRange>) -> Self {
        let at = parts.first().map_or(0, |part| part.offset);
        Self { source, parts, part: 0, at, buffer: Vec::new(), buffer_at: 0 }
    }

    pub(super) fn end(&self) -> u64 {
        self.parts.get(self.part).map_or(0, |part| part.offset + part.length)
    }

    /// True behind the last byte; goes on to the next tile-part where one ends.
    pub(super) fn is_at_end(&mut self) -> bool {
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

    pub(super) fn peek(&mut self, ahead: u64) -> Result<Option<u8>, DecodeError> {
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

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = self.peek(0)?.ok_or_else(|| corrupt("it ends in the header of a packet"))?;
        self.at += 1;
        Ok(byte)
    }

    /// Skips bytes, and says where they began.
    pub(super) fn skip(&mut self, count: u64) -> Result<u64, DecodeError> {
        let at = self.at;
        if count > self.end().saturating_sub(at) {
            return Err(corrupt("it ends within a packet"));
        }
        self.at += count;
        Ok(at)
    }

    /// Skips a marker with so many bytes behind it, if it is there.
    pub(super) fn skip_marker(&mut self, marker: u16, more: u64, may_be: bool) -> Result<(), DecodeError> {
        let [high, low] = marker.to_be_bytes();
        if may_be && self.peek(0)? == Some(high) && self.peek(1)? == Some(low) {
            self.skip(2 + more)?;
        }
        Ok(())
    }
}

/// The bits of a packet header; after a byte of ones, one bit is stuffed.
pub(super) struct HeaderBits<'r, 'a> {
    reader: &'r mut Reader<'a>,
    byte: u8,
    left: u32,
}

impl<'r, 'a> HeaderBits<'r, 'a> {
    pub(super) fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, byte: 0, left: 0 }
    }

    pub(super) fn next(&mut self) -> Result<u32, DecodeError> {
        if self.left == 0 {
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.byte = self.reader.byte()?;
        }
        self.left -= 1;
        Ok(u32::from(self.byte >> self.left & 1))
    }

    pub(super) fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.next()?;
        }
        Ok(value)
    }

    /// Ends the header: a last byte of ones is followed by the stuffed bit's byte.
    pub(super) fn end(self) -> Result<(), DecodeError> {
        if self.byte == 0xff {
            self.reader.byte()?;
        }
        Ok(())
    }
}

/// Table B.4.
pub(super) fn read_passes(bits: &mut HeaderBits<'_, '_>) -> Result<u32, DecodeError> {
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
pub(super) struct TagTree {
    /// Columns of each level and where its nodes begin, leaves first.
    levels: Vec<(u32, usize)>,
    /// What is known: at least this, and whether it is exactly this.
    nodes: Vec<(u16, bool)>,
}

impl TagTree {
    pub(super) fn new(columns: u32, rows: u32) -> Self {
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
    pub(super) fn decode(
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
