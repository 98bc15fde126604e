//! What was computed before, and what is being computed now?
//!
//! [`DerivativeCache`] keeps finished images in memory and in a bounded directory, [`MemoryCache`] small things by key,
//! and [`Joining`] lets everyone who asks for the same thing wait for one computation of it.

#![forbid(unsafe_code)]

mod again;
mod derivatives;
mod disk;
mod error;
mod joining;
mod key;
mod memory;
mod options;
mod stats;

pub use derivatives::{Derivative, DerivativeCache};
pub use disk::{DiskCache, KeptPart, overlaps, real};
pub use error::CacheError;
pub use joining::{CancelSignal, JoinError, Joining};
pub use key::{CacheKey, KeyBase};
pub use memory::MemoryCache;
pub use options::CacheOptions;
pub use stats::CacheStats;
