//! Bytes of a fetched file, current for as long as the origin need not be asked again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recto_codec::RandomAccess;

use crate::{FileAccess, SourceVersion};

/// The time since the start, and an order of uses.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    uses: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), uses: AtomicU64::new(1) })
    }

    fn now_ms(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }
}

pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// How long a fetched file is taken for current, and when it was used last.
#[derive(Debug)]
pub(crate) struct Life {
    clock: Arc<Clock>,
    fresh_until_ms: AtomicU64,
    used: AtomicU64,
}

impl Life {
    pub(crate) fn new(clock: &Arc<Clock>, fresh: Duration) -> Self {
        let life = Self { clock: Arc::clone(clock), fresh_until_ms: AtomicU64::new(0), used: AtomicU64::new(0) };
        life.refresh(fresh);
        life.touch();
        life
    }

    /// Current for this long from now.
    pub(crate) fn refresh(&self, fresh: Duration) {
        self.fresh_until_ms.store(self.clock.now_ms().saturating_add(milliseconds(fresh)), Ordering::Release);
    }

    /// No longer current.
    pub(crate) fn end(&self) {
        self.fresh_until_ms.store(0, Ordering::Release);
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.is_fresh_for(Duration::ZERO)
    }

    /// True when it will still be current after this time.
    pub(crate) fn is_fresh_for(&self, span: Duration) -> bool {
        self.clock.now_ms().saturating_add(milliseconds(span)) < self.fresh_until_ms.load(Ordering::Acquire)
    }

    pub(crate) fn touch(&self) {
        self.used.store(self.clock.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The later, the higher.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// An open fetched file. It stays readable when it is taken off the disk.
#[derive(Debug)]
pub(crate) struct RemoteAccess {
    pub(crate) file: FileAccess,
    pub(crate) version: SourceVersion,
    pub(crate) life: Arc<Life>,
}

impl RandomAccess for RemoteAccess {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn identity(&self) -> Option<u128> {
        Some(self.version.to_u128())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)
    }

    fn try_read_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.file.try_read_at(offset, buffer)
    }

    fn try_read_current(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let is_current = self.life.is_fresh() && self.file.try_read_current(offset, buffer);
        if is_current {
            self.life.touch();
        }
        is_current
    }

    fn settle(&self, still_current: &dyn Fn() -> bool) -> bool {
        self.life.is_fresh() && self.file.settle(still_current)
    }
}
