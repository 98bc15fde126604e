//! Why an identifier gives no original.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use recto_iiif::ErrorKind;

use crate::FetchError;

/// Why an identifier gives no original. No message holds a path of the machine, or the query of a URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It cannot name anything here.
    #[error("`{identifier}` cannot be an identifier: {rule}")]
    Malformed {
        /// What was asked for.
        identifier: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// There is no such original.
    #[error("there is no `{identifier}`")]
    NotFound {
        /// What was asked for.
        identifier: String,
    },
    /// Without its extension it is one of several.
    #[error("`{identifier}` could be {}; add the extension", one_of(.choices))]
    Ambiguous {
        /// What was asked for.
        identifier: String,
        /// The identifiers that are there, in alphabetical order.
        choices: Vec<String>,
    },
    /// It is a pipe, a socket or a device.
    #[error("`{identifier}` is not a regular file")]
    NotAFile {
        /// What was asked for.
        identifier: String,
    },
    /// A symbolic link is in the way that the policy does not allow.
    #[error("`{identifier}` is reached by a link that `symlinks = \"{policy}\"` does not follow")]
    Link {
        /// What was asked for.
        identifier: String,
        /// The policy's word.
        policy: &'static str,
    },
    /// Another version is there by now.
    #[error("`{identifier}` was replaced while it was being opened")]
    Changed {
        /// What was asked for.
        identifier: String,
    },
    /// Not now: too many open files, a network file system that lost its server.
    #[error("the store of `{identifier}` does not answer now")]
    Unavailable {
        /// What was asked for.
        identifier: String,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses.
    #[error("`{identifier}` could not be read")]
    Io {
        /// What was asked for.
        identifier: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing is fetched from this URL.
    #[error("`{identifier}` is not fetched: {rule}")]
    NotFetched {
        /// What was asked for, without query.
        identifier: String,
        /// Why not.
        rule: &'static str,
    },
    /// It lies elsewhere and could not be fetched.
    #[error("`{identifier}` could not be fetched: {error}")]
    Fetch {
        /// What was asked for, without query.
        identifier: String,
        /// What happened.
        error: Arc<FetchError>,
    },
}

impl SourceError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Malformed { .. } => ErrorKind::Malformed,
            Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::NotAFile { .. }
            | Self::Link { .. }
            | Self::NotFetched { .. } => ErrorKind::NotFound,
            Self::Fetch { error, .. } => error.kind(),
            Self::Changed { .. } => ErrorKind::Unavailable { retry_after: Duration::from_secs(1) },
            Self::Unavailable { .. } => ErrorKind::Unavailable { retry_after: Duration::from_secs(5) },
            Self::Io { .. } => ErrorKind::Internal,
        }
    }
}

fn one_of(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// Why folders cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// No folder was given.
    #[error("there is no folder to serve; name one")]
    None,
    /// More folders than a key can number.
    #[error("{count} folders are too many, the most is 65535")]
    TooMany {
        /// How many were given.
        count: usize,
    },
    /// It cannot be opened as a folder.
    #[error("the folder `{}` cannot be opened", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It has no name that could stand in an identifier.
    #[error("the folder `{}` needs a name: {rule}; write `{{ name = \"…\", path = \"…\" }}`", path.display())]
    Name {
        /// Which one.
        path: PathBuf,
        /// The rule that its name breaks.
        rule: &'static str,
    },
    /// Two folders would be served under one name.
    #[error(
        "the folders `{}` and `{}` are both named `{name}`; write `{{ name = \"…\", path = \"…\" }}` for one of them",
        first.display(),
        second.display()
    )]
    SameName {
        /// The name.
        name: String,
        /// The first of the two.
        first: PathBuf,
        /// The second of the two.
        second: PathBuf,
    },
}

impl FolderError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Unreadable { .. } => ErrorKind::Forbidden,
            Self::None | Self::TooMany { .. } | Self::Name { .. } | Self::SameName { .. } => ErrorKind::Malformed,
        }
    }
}
