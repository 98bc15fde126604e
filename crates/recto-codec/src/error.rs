//! What goes wrong with image files.

use std::io;

use recto_iiif::{Dimensions, ErrorKind};

use crate::{PixelFormat, SourceFormat};

/// Why a file gives no pixels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The content is of no known format.
    #[error("the file is not an image that Recto reads: its first bytes are `{first_bytes}`")]
    Unrecognised {
        /// The first bytes, in hexadecimal.
        first_bytes: String,
    },
    /// A known format, with something in it that is not supported.
    #[error("{format} with {what} is not supported")]
    Unsupported {
        /// The format.
        format: SourceFormat,
        /// What is not supported, as a phrase: `compression 34712`.
        what: String,
    },
    /// A known format that breaks its own rules.
    #[error("the {format} file is damaged: {what}")]
    Corrupt {
        /// The format.
        format: SourceFormat,
        /// What is wrong and where, as a phrase.
        what: String,
    },
    /// It says it is larger than the limits allow.
    #[error("the {format} file needs {needed} {unit}, the limit is {limit}")]
    TooLarge {
        /// The format.
        format: SourceFormat,
        /// How much it needs.
        needed: u64,
        /// How much is allowed.
        limit: u64,
        /// Of what: `pixels`, `bytes of memory`, `directories`.
        unit: &'static str,
    },
    /// It takes more memory than was reckoned with when the work was let in. It is known better now: reckoned anew, it may be let in.
    #[error("the {format} file takes {needed} bytes of memory, more than was known at first; try again")]
    Underestimated {
        /// The format.
        format: SourceFormat,
        /// How many bytes it takes.
        needed: u64,
    },
    /// The file has fewer pages.
    #[error("page {page} does not exist, the file has {pages}")]
    NoSuchPage {
        /// The page asked for, from 1.
        page: u32,
        /// How many there are.
        pages: u32,
    },
    /// The client is gone, or the server is stopping.
    #[error("the work was cancelled")]
    Cancelled,
    /// The deadline passed.
    #[error("the work took longer than it may")]
    OutOfTime,
    /// The original could not be read.
    #[error("the original could not be read")]
    Io(#[from] io::Error),
}

impl DecodeError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unrecognised { .. } | Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Corrupt { .. } => ErrorKind::CorruptSource,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::NoSuchPage { .. } => ErrorKind::NotFound,
            Self::Cancelled | Self::OutOfTime | Self::Underestimated { .. } => {
                ErrorKind::Unavailable { retry_after: std::time::Duration::from_secs(5) }
            }
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => ErrorKind::CorruptSource,
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Io(error) if is_passing(error.kind()) => {
                ErrorKind::Unavailable { retry_after: std::time::Duration::from_secs(5) }
            }
            Self::Io(_) => ErrorKind::Internal,
        }
    }
}

/// True for what has to do with the store and the moment: another version lies there by now, or nobody answers.
fn is_passing(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionAborted, ResourceBusy, StaleNetworkFileHandle, TimedOut};
    matches!(kind, ConnectionAborted | ResourceBusy | StaleNetworkFileHandle | TimedOut)
}

/// Why pixels could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The format cannot be this large.
    #[error("{format} cannot hold an image of {size} pixels, its sides end at {limit_px}")]
    SideTooLong {
        /// The format's URL word.
        format: &'static str,
        /// The size wanted.
        size: Dimensions,
        /// The longest side of the format.
        limit_px: u32,
    },
    /// The encoder cannot make it this small.
    #[error(
        "{format} is written from {least_px} pixels a side here, {size} is smaller; ask for a larger size or another format"
    )]
    SideTooShort {
        /// The format's URL word.
        format: &'static str,
        /// The size wanted.
        size: Dimensions,
        /// The shortest side.
        least_px: u32,
    },
    /// Encoding this much would take too long.
    #[error(
        "{format} is written up to {limit_px} pixels here, {size} are more; ask for a smaller size or another format"
    )]
    AreaTooLarge {
        /// The format's URL word.
        format: &'static str,
        /// The size wanted.
        size: Dimensions,
        /// Most pixels.
        limit_px: u64,
    },
    /// The format cannot hold these pixels; the engine converts before.
    #[error("{format} cannot hold pixels of the form {pixels:?}")]
    PixelFormat {
        /// The format's URL word.
        format: &'static str,
        /// The pixel format given.
        pixels: PixelFormat,
    },
    /// There is no encoder for it.
    #[error("this server does not write `{format}`")]
    NoEncoder {
        /// The format's URL word.
        format: &'static str,
    },
    /// The encoder gave up.
    #[error("the {format} encoder failed: {what}")]
    Failed {
        /// The format's URL word.
        format: &'static str,
        /// Its own words.
        what: String,
    },
}

impl EncodeError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::SideTooLong { .. } | Self::AreaTooLarge { .. } => ErrorKind::TooLarge,
            Self::NoEncoder { .. } | Self::SideTooShort { .. } => ErrorKind::Unsupported,
            Self::PixelFormat { .. } | Self::Failed { .. } => ErrorKind::Internal,
        }
    }
}
