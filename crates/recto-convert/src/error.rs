//! Why a file was not converted.

use std::io;
use std::path::{Path, PathBuf};

use recto_codec::{DecodeError, Jp2Error, PyramidError};
use recto_iiif::ErrorKind;

/// Why a file was not converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A file or folder could not be read or written.
    #[error("`{}` could not be {action}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried, as a participle.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Targets would lie among originals.
    #[error("`{}` lies inside of `{}`, whose files are never changed; choose a folder elsewhere", target.display(), source_folder.display())]
    TargetInsideSource {
        /// Where the target would lie.
        target: PathBuf,
        /// The folder of originals.
        source_folder: PathBuf,
    },
    /// The target is an original.
    #[error("`{}` is an original; originals are never replaced, choose another name", target.display())]
    TargetIsSource {
        /// The target.
        target: PathBuf,
    },
    /// Several originals, one target.
    #[error("`{}` would be made of `{}` and of `{}`; convert them into different folders", target.display(), first.display(), second.display())]
    SameTarget {
        /// The target.
        target: PathBuf,
        /// One original.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Several originals, and a file to put them in.
    #[error("`{}` is a file, and there are {count} originals; give a folder", target.display())]
    ManyIntoFile {
        /// The file.
        target: PathBuf,
        /// How many originals there are.
        count: usize,
    },
    /// Something is there that this did not make.
    #[error("`{}` is there already and was not made by this conversion; `--overwrite` replaces it", target.display())]
    Exists {
        /// The target.
        target: PathBuf,
    },
    /// Another conversion is writing the same target.
    #[error("`{}` is being written by another conversion", target.display())]
    Busy {
        /// The target.
        target: PathBuf,
    },
    /// The original changed while it was read.
    #[error("`{}` changed while it was read; convert it again", path.display())]
    Changed {
        /// The original.
        path: PathBuf,
    },
    /// The original gives no pixels.
    #[error("`{}` was not converted", path.display())]
    Decode {
        /// The original.
        path: PathBuf,
        /// Why not.
        source: DecodeError,
    },
    /// The format does not have such tiles.
    #[error("tiles of {side} pixels are not possible in `{target}`; give {rule}")]
    TileSide {
        /// The side asked for.
        side: u32,
        /// Extension of the format.
        target: &'static str,
        /// What is possible.
        rule: &'static str,
    },
    /// Its pixels could not be written as TIFF.
    #[error("`{}` was not converted", path.display())]
    Write {
        /// The original.
        path: PathBuf,
        /// Why not.
        source: PyramidError,
    },
    /// Its pixels could not be written as JPEG 2000.
    #[error("`{}` was not converted", path.display())]
    Encode {
        /// The original.
        path: PathBuf,
        /// Why not.
        source: Jp2Error,
    },
    /// A format with one page.
    #[error("`{}` has {pages} pages, a JPEG 2000 file holds one; `--as tif` keeps them all", path.display())]
    ManyPages {
        /// The original.
        path: PathBuf,
        /// How many it has.
        pages: u32,
    },
    /// What was written is not what was read: a bug of ours, or of the disk.
    #[error("what was written of `{}` is not what was read: {what}; nothing was kept", path.display())]
    Verification {
        /// The original.
        path: PathBuf,
        /// What differs.
        what: String,
    },
}

impl ConvertError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Io { .. } | Self::Verification { .. } => ErrorKind::Internal,
            Self::TargetInsideSource { .. }
            | Self::TargetIsSource { .. }
            | Self::SameTarget { .. }
            | Self::ManyIntoFile { .. }
            | Self::TileSide { .. }
            | Self::Exists { .. } => ErrorKind::Malformed,
            Self::Busy { .. } | Self::Changed { .. } => {
                ErrorKind::Unavailable { retry_after: std::time::Duration::from_mins(1) }
            }
            Self::Decode { source, .. } => source.kind(),
            Self::Write { source, .. } => source.kind(),
            Self::Encode { source, .. } => source.kind(),
            Self::ManyPages { .. } => ErrorKind::Unsupported,
        }
    }

    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}
