//! Compressed bytes of one chunk: held in memory, or read block by block where there are many.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use crate::{ByteRange, RandomAccess};

/// Bytes read at once of a chunk that is not held whole.
pub(in super::super) const BLOCK: u64 = 256 * 1024;

/// Compressed bytes, from first to last.
pub(in super::super) struct Input {
    /// Where more comes from, and which part is still to come.
    rest: Option<(Arc<dyn RandomAccess>, ByteRange)>,
    buffer: Vec<u8>,
    position: usize,
    reversed: bool,
}

impl Input {
    /// All bytes of a chunk. `reversed`: the bits of each byte lie the other way round.
    pub(in super::super) fn held(mut bytes: Vec<u8>, reversed: bool) -> Self {
        if reversed {
            reverse(&mut bytes);
        }
        Self { rest: None, buffer: bytes, position: 0, reversed }
    }

    /// A chunk that is read as it is needed.
    pub(in super::super) fn blocks(source: Arc<dyn RandomAccess>, range: ByteRange, reversed: bool) -> Self {
        Self { rest: Some((source, range)), buffer: Vec::new(), position: 0, reversed }
    }

    /// All bytes, if they are held and none was taken.
    pub(super) fn all(&self) -> Option<&[u8]> {
        (self.rest.is_none() && self.position == 0).then_some(&self.buffer)
    }

    /// Goes to the end.
    pub(super) fn end(&mut self) {
        self.rest = None;
        self.position = self.buffer.len();
    }

    /// Passes over bytes without reading them; gives how many there were.
    pub(super) fn skip(&mut self, bytes: u64) -> u64 {
        let held = bytes.min((self.buffer.len() - self.position) as u64);
        self.position += held as usize;
        let Some((_, range)) = &mut self.rest else { return held };
        let skipped = (bytes - held).min(range.length);
        range.offset += skipped;
        range.length -= skipped;
        held + skipped
    }
}

fn reverse(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = byte.reverse_bits();
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.buffer.len()
            && let Some((source, range)) = &mut self.rest
        {
            let length = range.length.min(BLOCK);
            self.buffer.resize(length as usize, 0);
            self.position = 0;
            source.read_at(range.offset, &mut self.buffer)?;
            range.offset += length;
            range.length -= length;
            if self.reversed {
                reverse(&mut self.buffer);
            }
        }
        Ok(&self.buffer[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.buffer.len());
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(out.len());
        out[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}
