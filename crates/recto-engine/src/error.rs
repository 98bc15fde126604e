//! What goes wrong between a request and its bytes.

use recto_codec::{DecodeError, EncodeError};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, ErrorKind, Rect};

/// Why a request could not be planned or rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The region is not inside the image: the request was resolved on other facts.
    #[error("the region {region} is not inside the image of {size} pixels")]
    RegionOutside {
        /// The region asked for.
        region: Rect,
        /// The image's size as shown.
        size: Dimensions,
    },
    /// The result would have no pixels, or more than can be counted.
    #[error("an image of {size} pixels cannot be made")]
    ImpossibleSize {
        /// The size asked for.
        size: Dimensions,
    },
    /// The format is in the specification, but not written here.
    #[error("this server does not write `{}`", format.extension())]
    FormatNotWritten {
        /// The format asked for.
        format: Format,
    },
    /// The decoder gave other pixels than it said, or the resampler refused: a bug of ours.
    #[error("rendering went wrong: {what}")]
    Broken {
        /// What was found.
        what: String,
    },
    /// The original gives no pixels.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The pixels could not be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl EngineError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::RegionOutside { .. } => ErrorKind::Malformed,
            Self::ImpossibleSize { .. } => ErrorKind::TooLarge,
            Self::FormatNotWritten { .. } => ErrorKind::Unsupported,
            Self::Broken { .. } => ErrorKind::Internal,
            Self::Decode(error) => error.kind(),
            Self::Encode(error) => error.kind(),
        }
    }

    /// A [`EngineError::Broken`].
    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Self::Broken { what: what.into() }
    }
}
