//! Static trees of level 0: every file that viewers ask for, made by the renderer of the live server.
//!
//! [`plan()`] says which images there are and under which identifiers; [`Tiler::run`] makes the files of one, in a folder or in one
//! [`Archive`]; [`Tiler::finish`] tells what is there of originals that are gone. What is finished is never made again, and nobody
//! sees half of it.
//!
//! ```text
//! info.json's tiles and sizes ─ recto_iiif level0 ─> requests ─ recto_engine plan ─┬─ stored tile ── copied ──┐
//!                                                                                  └─ decode once per level, ─┴─> place
//!                                                                                     rows shared by its tiles
//! ```
//!
//! The files of an image lie below its identifier: `maps/prague.tif/full/max/0/default.jpg`. Slashes stay slashes, since no web
//! server finds `maps%2Fprague.tif` without rules of its own; other characters are escaped in URLs and stand as they are in
//! names. With both versions of the Image API each has a folder of its own above, `3/` and `2/`.

#![forbid(unsafe_code)]

pub mod archive;
mod bands;
mod error;
mod file;
mod journal;
mod options;
mod outputs;
mod place;
mod plan;
mod render;
mod tiler;

pub use archive::{Archive, ArchiveEntry, ArchiveError};
pub use error::StaticError;
pub use journal::JOURNAL_NAME;
pub use options::TileOptions;
pub use plan::{Goal, Job, Plan, plan};
pub use tiler::{Made, Outcome, Progress, Remains, Tiler};
