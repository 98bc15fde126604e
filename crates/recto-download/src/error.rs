//! Why a download could not be gone on with.

use std::io;

use recto_iiif::ErrorKind;

/// Why a download could not be gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The bytes could not be handed on; most often the client went away.
    #[error("the download could not be written")]
    Write(#[from] io::Error),
    /// What was to be put in could not be read.
    #[error("the content of `{name}` could not be read")]
    Read {
        /// What it is called.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// A PDF cannot hold this image as it is; nothing of it was written, so the page can be gone on with.
    #[error("{format} {reason}; a rendered form of the image can be put in its place")]
    Image {
        /// The kind of file.
        format: &'static str,
        /// What is the matter with it.
        reason: &'static str,
    },
    /// A number of the format is used up.
    #[error("the download would have more than {limit} {what}; choose fewer pages")]
    TooLarge {
        /// What there are too many of.
        what: &'static str,
        /// Most that the format can count.
        limit: u64,
    },
}

impl DownloadError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Write(_) => ErrorKind::Internal,
            Self::Read { .. } => ErrorKind::CorruptSource,
            Self::Image { .. } => ErrorKind::Unsupported,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
        }
    }
}
