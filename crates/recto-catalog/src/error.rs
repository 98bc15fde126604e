//! What can go wrong with a database.

use std::path::PathBuf;

use recto_iiif::ErrorKind;

/// Why the catalogue, or another database beside it, could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The file cannot be opened or made.
    #[error("the database `{path}` cannot be opened")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A newer version of the program wrote it.
    #[error(
        "the database has version {found}, this program knows up to {known}; use the newer program, or name another state directory"
    )]
    TooNew {
        /// The version of the database.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// A statement failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// A file beside the database cannot be read or written.
    #[error("`{path}` cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl CatalogError {
    /// What kind of failure this is.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    /// True when the file holds no database that can be used, so that a new one has to be made.
    pub fn is_corrupt(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Open { source, .. } | Self::Database(source) => {
                matches!(source.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            Self::TooNew { .. } | Self::File { .. } => false,
        }
    }
}
