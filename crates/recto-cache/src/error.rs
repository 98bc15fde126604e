//! Why a directory cannot be a cache.

use std::io;
use std::path::PathBuf;

/// Why a directory cannot be a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// There are files in it that no cache wrote; they might be removed one day.
    #[error("the cache directory `{}` holds other files (`{example}`); name an empty or a new one", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// The name of one such file.
        example: String,
    },
    /// Its marker is of another version.
    #[error("the cache directory `{}` was written by another version; remove it or name another one", path.display())]
    OtherVersion {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses it; two would not know of each other's bytes.
    #[error("the cache directory `{}` is in use by another process; name another one", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The system says no.
    #[error("the cache directory `{}` cannot be used", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
