//! Bytes by position: how a decoder reads, wherever the original lies.

use std::{fmt, io, sync::Arc};

/// A run of bytes: `offset..offset + length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Position of the first byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl ByteRange {
    /// `length` bytes from `offset`.
    pub const fn new(offset: u64, length: u64) -> Self {
        Self { offset, length }
    }

    /// Position behind the last byte; `None` on overflow.
    pub const fn end(self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

/// One version of one original, readable at any position from any thread.
///
/// Reads may block. All reads through one value see the same version of the bytes, or fail.
pub trait RandomAccess: Send + Sync + fmt::Debug {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// True when there is not a single byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number for this version of these bytes, where the store knows one: equal only for equal bytes. What was parsed for one
    /// page is found by it for the next.
    fn identity(&self) -> Option<u128> {
        None
    }

    /// Fills the whole of `buffer` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the original ends before; else what the store says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Reads several ranges; a remote source joins neighbours into one request.
    ///
    /// # Errors
    /// As [`RandomAccess::read_at`]; the first failure ends it.
    fn read_ranges(&self, ranges: &[ByteRange]) -> io::Result<Vec<Vec<u8>>> {
        ranges.iter().map(|range| self.read_range(*range)).collect()
    }

    /// Reads one range into a buffer of its own, after checking that the original is that long.
    ///
    /// # Errors
    /// As [`RandomAccess::read_at`].
    fn read_range(&self, range: ByteRange) -> io::Result<Vec<u8>> {
        if range.end().is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut buffer = vec![0; range.length as usize];
        self.read_at(range.offset, &mut buffer)?;
        Ok(buffer)
    }

    /// How many bytes more a request costs as good as nothing: 0 where they lie at hand, many for a store that is asked over a
    /// network. So much is fetched of the beginning and of the end when a file is opened, and behind what is read meanwhile.
    fn read_ahead(&self) -> u64 {
        0
    }

    /// Says what will be read next, before it is: one request for all of it, where requests are dear. The default does
    /// nothing, and so does whoever lies at hand.
    fn will_read(&self, _ranges: &[ByteRange]) {}

    /// Fills `buffer` only if that needs no waiting (the bytes are in memory already); `false` when it would, with
    /// `buffer` in any state. The default never promises that.
    fn try_read_at(&self, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    /// As [`RandomAccess::try_read_at`] (an empty buffer asks for no bytes), and `true` only if the original was neither
    /// changed, nor removed, nor replaced by another of its name since [`RandomAccess::settle`]: so that a caller who has just
    /// one look can take it for the current one. What happens to the folders above shows in their names alone.
    fn try_read_current(&self, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    /// Takes what is seen now for the state that [`RandomAccess::try_read_current`] compares with. `still_current` is asked
    /// in between, and nothing is taken if it says no: changes before and after it are noticed.
    fn settle(&self, _still_current: &dyn Fn() -> bool) -> bool {
        false
    }
}

/// Bytes held in memory as an original: for tests, and for images inside other files.
#[derive(Clone)]
pub struct MemoryAccess(Arc<[u8]>);

impl MemoryAccess {
    /// An original that is these bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for MemoryAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryAccess({} bytes)", self.0.len())
    }
}

impl RandomAccess for MemoryAccess {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.0.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn try_read_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.read_at(offset, buffer).is_ok()
    }
}
