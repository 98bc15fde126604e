//! A file far away while it is opened: few requests, each of more than was asked for.
//!
//! Headers lead from one place to the next, and each step would be a request of its own. So the beginning comes whole, what is
//! missed later comes with what lies behind it, or with all of the end if it lies there, and readers say beforehand what they
//! will read ([`RandomAccess::will_read`]). When the file is open, all that is let go, and reads go through as they are.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{ByteRange, RandomAccess};

/// Most bytes that are held, beside the piece that came last.
const MAX_HELD_BYTES: u64 = 8 << 20;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Opening {
    source: Arc<dyn RandomAccess>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Where each begins, oldest first.
    pieces: Vec<(u64, Vec<u8>)>,
    /// Bytes that are fetched at least; 0 when the file is open.
    ahead: u64,
}

impl Held {
    fn copy(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let found = self.pieces.iter().rev().find_map(|(start, bytes)| {
            let from = usize::try_from(offset.checked_sub(*start)?).ok()?;
            bytes.get(from..from.checked_add(buffer.len())?)
        });
        found.map(|bytes| buffer.copy_from_slice(bytes)).is_some()
    }

    fn keep(&mut self, offset: u64, bytes: Vec<u8>) {
        self.pieces.push((offset, bytes));
        let mut held: u64 = self.pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        while held > MAX_HELD_BYTES && self.pieces.len() > 1 {
            held -= self.pieces.remove(0).1.len() as u64;
        }
    }
}

impl Opening {
    /// Fetches the beginning.
    pub(super) fn begin(source: Arc<dyn RandomAccess>) -> io::Result<Self> {
        let (ahead, length) = (source.read_ahead(), source.len());
        let mut held = Held { ahead, ..Held::default() };
        held.keep(0, source.read_range(ByteRange::new(0, ahead.min(length)))?);
        Ok(Self { source, held: Mutex::new(held) })
    }

    /// Lets go what is held.
    pub(super) fn end(&self) {
        *self.held() = Held::default();
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches those of the ranges that are not held, in one request; what would be too much to hold is not.
    fn fetch(&self, ranges: &[ByteRange]) -> io::Result<()> {
        let is_held = |range: &ByteRange| {
            let held = self.held();
            let end = range.end().unwrap_or(u64::MAX);
            held.pieces.iter().any(|(start, bytes)| *start <= range.offset && end <= start + bytes.len() as u64)
        };
        let missing: Vec<ByteRange> =
            ranges.iter().filter(|range| range.length > 0 && !is_held(range)).copied().collect();
        let bytes = missing.iter().fold(0, |sum: u64, range| sum.saturating_add(range.length));
        if missing.is_empty() || bytes > MAX_HELD_BYTES / 2 {
            return Ok(());
        }
        let read = self.source.read_ranges(&missing)?;
        let mut held = self.held();
        for (range, bytes) in missing.iter().zip(read) {
            held.keep(range.offset, bytes);
        }
        Ok(())
    }
}

impl RandomAccess for Opening {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn identity(&self) -> Option<u128> {
        self.source.identity()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let ahead = {
            let held = self.held();
            if held.copy(offset, buffer) {
                return Ok(());
            }
            held.ahead
        };
        let length = self.len();
        let range = if length.saturating_sub(offset) < ahead {
            // A quarter more: what lies before directories at the end is often wanted with them.
            let start = length.saturating_sub(ahead.saturating_add(ahead / 4)).min(offset);
            ByteRange::new(start, length.saturating_sub(start))
        } else {
            ByteRange::new(offset, ahead)
        };
        if buffer.len() as u64 >= range.length {
            return self.source.read_at(offset, buffer);
        }
        let bytes = self.source.read_range(range)?;
        let mut held = self.held();
        held.keep(range.offset, bytes);
        if held.copy(offset, buffer) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn read_ranges(&self, ranges: &[ByteRange]) -> io::Result<Vec<Vec<u8>>> {
        if self.held().ahead == 0 {
            return self.source.read_ranges(ranges);
        }
        self.fetch(ranges)?;
        let held = |range: &ByteRange| {
            let mut buffer = vec![0; usize::try_from(range.length).ok()?];
            self.held().copy(range.offset, &mut buffer).then_some(buffer)
        };
        if ranges.iter().any(|range| range.end().is_none_or(|end| end > self.len())) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match ranges.iter().map(held).collect() {
            Some(all) => Ok(all),
            None => self.source.read_ranges(ranges),
        }
    }

    fn read_ahead(&self) -> u64 {
        self.held().ahead
    }

    fn will_read(&self, ranges: &[ByteRange]) {
        if self.read_ahead() > 0 {
            // What cannot be read now is noticed when it is needed.
            let _fetched = self.fetch(ranges);
        }
    }

    fn try_read_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.held().copy(offset, buffer) || self.source.try_read_at(offset, buffer)
    }

    fn try_read_current(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.source.try_read_current(offset, buffer)
    }

    fn settle(&self, still_current: &dyn Fn() -> bool) -> bool {
        self.source.settle(still_current)
    }
}
