//! A tree in one file: a ZIP whose entries are stored as they are, so that each can be sent from where it lies.
//!
//! Anyone can unpack it. What ours have beyond that is a mark in each entry (an extra field that others pass over): which version of
//! which original by which options it was made of. An archive that was not finished can so be gone on with, from its local
//! headers alone.
//!
//! [`Archive::open`] reads the table at the end once and keeps 24 bytes for each entry; names are compared with those in the file.

mod error;
mod index;
mod layout;
mod open;
mod write;

pub use error::ArchiveError;
pub use open::{Archive, ArchiveEntry};

pub(crate) use index::{Index, scan};
pub(crate) use write::ArchiveWriter;
