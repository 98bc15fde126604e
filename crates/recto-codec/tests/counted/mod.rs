//! Originals that count what is asked of them: at hand, or in a store that is asked over a network.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_codec::{ByteRange, MemoryAccess, RandomAccess};

/// An original, and how often and for how much it was asked.
#[derive(Debug)]
pub(crate) struct Counted<S> {
    pub(crate) source: S,
    ahead: u64,
    version: Option<u128>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Counted<MemoryAccess> {
    /// A file at hand.
    pub(crate) fn new(file: impl Into<Arc<[u8]>>) -> Arc<Self> {
        Self::of(MemoryAccess::new(file), 0, None)
    }
}

impl<S: RandomAccess> Counted<S> {
    /// One whose store knows its version, and that gives so many bytes more with a request: 0 for one at hand.
    pub(crate) fn of(source: S, ahead: u64, version: Option<u128>) -> Arc<Self> {
        Arc::new(Self { source, ahead, version, requests: AtomicU64::new(0), bytes: AtomicU64::new(0) })
    }

    /// Requests and bytes since it was last asked.
    pub(crate) fn spent(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }

    fn read(&self, range: ByteRange) -> io::Result<Vec<u8>> {
        self.bytes.fetch_add(range.length, Ordering::Relaxed);
        self.source.read_range(range)
    }
}

impl<S: RandomAccess> RandomAccess for Counted<S> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn identity(&self) -> Option<u128> {
        self.version
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.source.read_at(offset, buffer)
    }

    fn read_ranges(&self, ranges: &[ByteRange]) -> io::Result<Vec<Vec<u8>>> {
        // Far away, they are one request.
        let requests = if self.ahead > 0 { 1 } else { ranges.len() as u64 };
        self.requests.fetch_add(requests, Ordering::Relaxed);
        ranges.iter().map(|range| self.read(*range)).collect()
    }

    fn read_ahead(&self) -> u64 {
        self.ahead
    }
}
