//! Why a blob cannot be made or read.

use recto_iiif::ErrorKind;

/// Why a blob cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// It is not what this function reads, or it was written by another version; it has to be made anew.
    #[error("this is no {what} of version {version}; make it anew from the text")]
    Version {
        /// What was expected.
        what: &'static str,
        /// The version that is read here.
        version: u8,
    },
    /// Its bytes are not those that were written.
    #[error("the {what} is damaged; make it anew from the text")]
    Corrupt {
        /// What is damaged.
        what: &'static str,
    },
    /// There is more text than a blob holds.
    #[error("a {what} holds up to {limit}; divide the text")]
    TooLarge {
        /// What is too small.
        what: &'static str,
        /// What fits, with its unit.
        limit: &'static str,
    },
}

impl SearchError {
    /// What kind of failure this is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Version { .. } => ErrorKind::Unsupported,
            Self::Corrupt { .. } => ErrorKind::CorruptSource,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
        }
    }
}
