//! Originals become tiled pyramids that a server hands out without decoding.
//!
//! [`plan()`] says which file becomes which; [`Converter::run`] makes one. A target is written under another name beside its
//! place, verified, noted in a [journal](mod@journal) and renamed: nobody ever sees half of one, and a second run leaves
//! finished ones alone. Originals are only read.
//!
//! ```text
//! decoder ─ rows ─> pyramid writer ─> .name.recto-part ─ verified ─ journal ─> name
//!              └──> some tiles, remembered to be compared ──────┘
//! ```

#![forbid(unsafe_code)]

mod error;
mod file;
mod journal;
mod lossless;
mod options;
mod part;
mod plan;
mod samples;
mod verify;
mod write;

pub use error::ConvertError;
pub use journal::JOURNAL_NAME;
pub use options::{ConvertOptions, Lossless, Target};
pub use plan::{Job, Plan, plan};
pub use write::{Converter, Outcome, Progress, Written};
