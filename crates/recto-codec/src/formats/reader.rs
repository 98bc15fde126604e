//! A [`RandomAccess`] read from front to back, for decoders that want a stream.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::Arc;

use crate::RandomAccess;

/// Bytes fetched at a time.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// Reads and seeks in an original through one buffer of [`BUFFER_BYTES`].
pub(crate) struct SourceReader {
    source: Arc<dyn RandomAccess>,
    buffer: Vec<u8>,
    /// Where the next byte is taken from the buffer.
    taken: usize,
    /// Position in the original of the byte behind the buffer.
    next: u64,
}

impl SourceReader {
    /// Begins at the first byte.
    pub(crate) fn new(source: Arc<dyn RandomAccess>) -> Self {
        Self { source, buffer: Vec::new(), taken: 0, next: 0 }
    }

    fn position(&self) -> u64 {
        self.next - (self.buffer.len() - self.taken) as u64
    }
}

impl Read for SourceReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for SourceReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.buffer.len() {
            let left = self.source.len().saturating_sub(self.next);
            if left == 0 {
                return Ok(&[]);
            }
            self.buffer.resize(left.min(BUFFER_BYTES as u64) as usize, 0);
            self.taken = self.buffer.len();
            self.source.read_at(self.next, &mut self.buffer)?;
            self.next += self.buffer.len() as u64;
            self.taken = 0;
        }
        Ok(&self.buffer[self.taken..])
    }

    fn consume(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.buffer.len());
    }
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.source.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.position().checked_add_signed(by),
        }
        .ok_or(io::ErrorKind::InvalidInput)?;
        let first = self.next - self.buffer.len() as u64;
        if (first..=self.next).contains(&target) {
            self.taken = (target - first) as usize;
        } else {
            self.buffer.clear();
            self.taken = 0;
            self.next = target;
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAccess;

    #[test]
    fn reads_and_seeks_across_its_buffer() {
        let bytes: Vec<u8> = (0..BUFFER_BYTES * 2 + 5).map(|i| (i % 251) as u8).collect();
        let mut reader = SourceReader::new(Arc::new(MemoryAccess::new(bytes.clone())));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        for (seek, want) in [
            (SeekFrom::Start(3), 3),
            (SeekFrom::Current(BUFFER_BYTES as i64), BUFFER_BYTES + 4),
            (SeekFrom::Current(-2), BUFFER_BYTES + 3),
            (SeekFrom::End(-1), bytes.len() - 1),
        ] {
            assert_eq!(reader.seek(seek).unwrap(), want as u64, "{seek:?}");
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], bytes[want], "{seek:?}");
        }
        assert!(reader.seek(SeekFrom::Current(-1_000_000)).is_err());
        reader.seek(SeekFrom::Start(u64::MAX)).unwrap();
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    }
}
