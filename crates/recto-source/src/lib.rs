//! Where does the original of an identifier live, and which version of it is there now?
//!
//! A [`Source`] turns identifiers into objects and objects into bytes by position. It knows nothing of pixels. Reads
//! are synchronous and cheap; they run where blocking is allowed.

mod error;
mod filesystem;
mod identifier;
mod located;
mod options;

pub use error::{FolderError, SourceError};
pub use filesystem::{FileAccess, Filesystem};
pub use located::{Located, ObjectKey, Source, SourceVersion};
pub use options::{Folder, SourceOptions, Symlinks};
