//! Time by the clock on the wall, or the time that this thread had a processor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static COUNTS_CPU: AtomicBool = AtomicBool::new(false);

/// Counts the time of the processor from now on, where the system tells it.
pub(crate) fn count_cpu() {
    COUNTS_CPU.store(cpu().is_some(), Ordering::Relaxed);
}

pub(crate) fn name() -> &'static str {
    if COUNTS_CPU.load(Ordering::Relaxed) { "of the processor" } else { "of the clock on the wall" }
}

pub(crate) enum Instant {
    Wall(std::time::Instant),
    Cpu(Duration),
}

impl Instant {
    pub(crate) fn now() -> Self {
        let cpu = COUNTS_CPU.load(Ordering::Relaxed).then(cpu).flatten();
        cpu.map_or_else(|| Self::Wall(std::time::Instant::now()), Self::Cpu)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::Wall(start) => start.elapsed(),
            Self::Cpu(start) => cpu().unwrap_or_default().saturating_sub(*start),
        }
    }
}

fn cpu() -> Option<Duration> {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    status.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
