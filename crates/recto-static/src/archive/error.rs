//! Why an archive cannot be read.

use std::io;

use recto_iiif::ErrorKind;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file could not be read.
    #[error("it could not be read")]
    Io(#[from] io::Error),
    /// It has no table of entries at its end.
    #[error("it is no ZIP archive, or one that was cut off: it has no table of entries at its end")]
    NoTable,
    /// It contradicts itself.
    #[error("it is damaged: {what}")]
    Corrupt {
        /// What is wrong, as a phrase.
        what: String,
    },
    /// More entries than are held.
    #[error("it has {entries} entries, at most {limit} are served")]
    TooMany {
        /// How many it has.
        entries: u64,
        /// How many are held.
        limit: u64,
    },
}

impl ArchiveError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => ErrorKind::CorruptSource,
            Self::Io(_) => ErrorKind::Internal,
            Self::NoTable | Self::Corrupt { .. } => ErrorKind::CorruptSource,
            Self::TooMany { .. } => ErrorKind::TooLarge,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}
