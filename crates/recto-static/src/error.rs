//! Why files were not made.

use std::io;
use std::path::{Path, PathBuf};

use recto_codec::DecodeError;
use recto_engine::EngineError;
use recto_iiif::ErrorKind;
use recto_iiif::image::RequestError;

use crate::ArchiveError;

/// Why files were not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StaticError {
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
    /// The tree would lie among originals.
    #[error("`{}` lies inside of `{}`, whose files are never changed; choose a place elsewhere", goal.display(), source_folder.display())]
    GoalInsideSource {
        /// Where the tree would lie.
        goal: PathBuf,
        /// The folder of originals.
        source_folder: PathBuf,
    },
    /// Two originals, one identifier.
    #[error("`{}` and `{}` would both be `{identifier}`; make trees of them in different folders", first.display(), second.display())]
    SameIdentifier {
        /// The identifier.
        identifier: String,
        /// One original.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A name that cannot be an identifier.
    #[error("`{}` has a name that cannot stand in a URL: {rule}; rename it", path.display())]
    Name {
        /// The original.
        path: PathBuf,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Something is there that this did not make.
    #[error("`{}` is there already and was not made by `recto tile`; `--overwrite` replaces it", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// Another one is at work in the same place.
    #[error("another `recto tile` is writing to `{}`; wait for its end", path.display())]
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// The original changed while it was read.
    #[error("`{}` changed while it was read; run it again", path.display())]
    Changed {
        /// The original.
        path: PathBuf,
    },
    /// The original gives no pixels.
    #[error("no tiles were made of `{}`", path.display())]
    Decode {
        /// The original.
        path: PathBuf,
        /// Why not.
        source: DecodeError,
    },
    /// A picture could not be made.
    #[error("no tiles were made of `{}`", path.display())]
    Render {
        /// The original.
        path: PathBuf,
        /// Why not.
        source: EngineError,
    },
    /// One of our own URLs is none: a bug of ours.
    #[error("`{url}` of `{}` cannot be asked for", path.display())]
    Request {
        /// The original.
        path: PathBuf,
        /// The end of the URL.
        url: String,
        /// Why not.
        source: RequestError,
    },
    /// A file that does not fit into an archive.
    #[error("`{name}` has {bytes} bytes, a file in an archive has at most 4 GiB; make a folder, or lower `--largest`")]
    TooLargeForArchive {
        /// The file.
        name: String,
        /// Its length.
        bytes: u64,
    },
    /// The archive that is there cannot be read.
    #[error("the archive `{}` cannot be continued", path.display())]
    Archive {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: ArchiveError,
    },
}

impl StaticError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Io { .. } | Self::Request { .. } => ErrorKind::Internal,
            Self::GoalInsideSource { .. }
            | Self::SameIdentifier { .. }
            | Self::Name { .. }
            | Self::Exists { .. }
            | Self::Archive { .. } => ErrorKind::Malformed,
            Self::Busy { .. } | Self::Changed { .. } => {
                ErrorKind::Unavailable { retry_after: std::time::Duration::from_mins(1) }
            }
            Self::Decode { source, .. } => source.kind(),
            Self::Render { source, .. } => source.kind(),
            Self::TooLargeForArchive { .. } => ErrorKind::TooLarge,
        }
    }

    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}
