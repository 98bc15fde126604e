//! Entropy-coded data as bits: read without its stuffing, and written with it.
//!
//! Data is read with its stuffing removed ([`CleanScan`]), so that a position is simply a number of bits. All reading is
//! checked: damaged data gives `None` or an error, never a panic.

use std::ops::Range;

use super::huffman::DcCodes;

/// Zero bytes behind clean data, so that a whole word can be loaded at any of its positions.
pub(super) const PADDING: usize = 16;
/// Bits that a word has at least, wherever it begins.
pub(super) const WORD_BITS: u32 = 57;

/// At least [`WORD_BITS`] bits from `position` on, left-aligned. `None` behind the end.
#[inline]
pub(super) fn word(bytes: &[u8], position: usize) -> Option<u64> {
    let bytes = bytes.get(position / 8..)?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*bytes) << (position % 8))
}

/// Entropy-coded data without its stuffing, split at restart markers.
#[derive(Debug)]
pub(super) struct CleanScan {
    bytes: Vec<u8>,
    /// The bits between restart markers.
    pub(super) intervals: Vec<Range<usize>>,
    /// The marker that ended it; `None` when the data just ended.
    pub(super) ended_by: Option<u8>,
}

impl CleanScan {
    /// Removes stuffing up to the first marker that is no restart. `restarts` came before `data` in the scan. `None` when restart
    /// markers do not count up.
    pub(super) fn new(data: &[u8], restarts: u64) -> Option<Self> {
        let mut bytes = Vec::with_capacity(data.len() + PADDING);
        let mut intervals = Vec::new();
        let mut start = 0;
        let mut rest = data;
        let ended_by = loop {
            let Some(at) = memchr::memchr(0xff, rest) else {
                bytes.extend_from_slice(rest);
                break None;
            };
            bytes.extend_from_slice(&rest[..at]);
            match rest.get(at + 1) {
                None => {
                    // A run that was cut out of a file may end within a stuffed byte; bits of a half marker are not used.
                    bytes.push(0xff);
                    break None;
                }
                Some(0) => bytes.push(0xff),
                Some(0xff) => {
                    // A fill byte before a marker.
                    rest = &rest[at + 1..];
                    continue;
                }
                Some(marker @ 0xd0..=0xd7) => {
                    if u64::from(marker - 0xd0) != (restarts + intervals.len() as u64) % 8 {
                        return None;
                    }
                    intervals.push(start..bytes.len() * 8);
                    start = bytes.len() * 8;
                }
                Some(marker) => break Some(*marker),
            }
            rest = &rest[at + 2..];
        };
        intervals.push(start..bytes.len() * 8);
        bytes.resize(bytes.len() + PADDING, 0);
        Some(Self { bytes, intervals, ended_by })
    }

    /// The bytes, with [`PADDING`] zeros behind them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bits in all.
    pub(super) fn bits(&self) -> usize {
        self.bytes.len().saturating_sub(PADDING) * 8
    }
}

/// Writes entropy-coded data, stuffing included.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    held: u64,
    /// Bits in `held`, below 32 between calls.
    count: u32,
}

impl BitWriter {
    /// Writes behind what `out` has.
    pub(super) fn new(out: Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    /// Appends the lowest `count` bits of `bits`: at most 32, nothing above them set.
    #[inline]
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.held = self.held << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let bytes = ((self.held >> self.count) as u32).to_be_bytes();
            if bytes.contains(&0xff) {
                for byte in bytes {
                    self.put_byte(byte);
                }
            } else {
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn put_byte(&mut self, byte: u8) {
        self.out.push(byte);
        if byte == 0xff {
            self.out.push(0);
        }
    }

    /// Appends bits of clean data as they are. `None` when they lie outside of it.
    pub(super) fn copy(&mut self, bytes: &[u8], bits: Range<usize>) -> Option<()> {
        let mut position = bits.start;
        while position < bits.end {
            let count = (bits.end - position).min(32) as u32;
            self.put((word(bytes, position)? >> (64 - count)) as u32, count);
            position += count as usize;
        }
        Some(())
    }

    /// Appends a DC difference. `None` when it is too large for 8-bit samples.
    pub(super) fn put_dc(&mut self, codes: &DcCodes, difference: i32) -> Option<()> {
        let category = 32 - difference.unsigned_abs().leading_zeros();
        let (code, length) = codes.code(category)?;
        self.put(code, length);
        if category > 0 {
            self.put(magnitude(difference, category), category);
        }
        Some(())
    }

    /// Bytes written and not yet taken.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes the whole bytes that were written so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Fills the last byte with ones and gives everything.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        while self.count > 0 {
            self.count -= 8;
            self.put_byte((self.held >> self.count) as u8);
        }
        self.out
    }
}

/// The bits of a value in its category: negative numbers are stored one less, so that their first bit is 0.
#[inline]
pub(super) fn magnitude(value: i32, category: u32) -> u32 {
    (if value < 0 { value + (1 << category) - 1 } else { value }) as u32
}

/// The value of `category` bits at the left of `word`; 0 for none.
#[inline]
pub(super) fn extend(word: u64, category: u32) -> i32 {
    if category == 0 {
        return 0;
    }
    let value = (word >> (64 - category)) as i32;
    if value >> (category - 1) == 0 { value + 1 - (1 << category) } else { value }
}
