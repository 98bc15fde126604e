//! Reading parts of a file within a bound.

use std::io::{self, Read, Seek, SeekFrom};

use super::AvError;

/// Bytes that are read at once around small parts.
const BLOCK: usize = 4096;
/// Most reads, and most bytes, for one file.
const MOST_READS: u32 = 16_384;
const MOST_BYTES: u64 = 64 << 20;
/// Most bytes of one part.
const MOST_AT_ONCE: usize = 4 << 20;

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A file, parts of which are looked at.
pub(super) struct Window<'a> {
    source: &'a mut dyn ReadSeek,
    length: u64,
    block_at: u64,
    block: Vec<u8>,
    reads: u32,
    bytes: u64,
}

impl<'a> Window<'a> {
    pub(super) fn new(source: &'a mut (impl Read + Seek)) -> io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, length, block_at: 0, block: Vec::new(), reads: MOST_READS, bytes: MOST_BYTES })
    }

    /// Length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes at this place: fewer at the end of the file.
    pub(super) fn bytes(&mut self, at: u64, count: usize) -> Result<Vec<u8>, AvError> {
        let count = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX).min(count).min(MOST_AT_ONCE);
        if count > BLOCK {
            return self.fetch(at, count);
        }
        let start = at.checked_sub(self.block_at).and_then(|start| usize::try_from(start).ok());
        let held = |start: usize| self.block.get(start..start.checked_add(count)?);
        if let Some(held) = start.and_then(held) {
            return Ok(held.to_vec());
        }
        self.block = self.fetch(at, BLOCK)?;
        self.block_at = at;
        Ok(self.block[..count.min(self.block.len())].to_vec())
    }

    /// So many bytes at this place, or nothing where the file ends before.
    pub(super) fn exact<const N: usize>(&mut self, at: u64) -> Result<Option<[u8; N]>, AvError> {
        Ok(self.bytes(at, N)?.try_into().ok())
    }

    fn fetch(&mut self, at: u64, count: usize) -> Result<Vec<u8>, AvError> {
        self.reads = self.reads.checked_sub(1).ok_or(AvError::TooManyParts)?;
        self.bytes = self.bytes.checked_sub(count as u64).ok_or(AvError::TooManyParts)?;
        self.source.seek(SeekFrom::Start(at))?;
        let mut out = Vec::with_capacity(count);
        Read::take(&mut *self.source, count as u64).read_to_end(&mut out)?;
        Ok(out)
    }
}

/// Numbers in bytes that may be too short: `None` there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    fn part<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    pub(super) fn u8(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(super) fn be16(self, at: usize) -> Option<u16> {
        self.part(at).map(u16::from_be_bytes)
    }

    pub(super) fn be24(self, at: usize) -> Option<u32> {
        self.part(at).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn be32(self, at: usize) -> Option<u32> {
        self.part(at).map(u32::from_be_bytes)
    }

    pub(super) fn be64(self, at: usize) -> Option<u64> {
        self.part(at).map(u64::from_be_bytes)
    }

    pub(super) fn le16(self, at: usize) -> Option<u16> {
        self.part(at).map(u16::from_le_bytes)
    }

    pub(super) fn le32(self, at: usize) -> Option<u32> {
        self.part(at).map(u32::from_le_bytes)
    }

    pub(super) fn le64(self, at: usize) -> Option<u64> {
        self.part(at).map(u64::from_le_bytes)
    }
}

/// `count / rate`, where the rate is not 0.
pub(super) fn seconds(count: u64, rate: u64) -> Option<f64> {
    (rate > 0).then(|| count as f64 / rate as f64)
}
