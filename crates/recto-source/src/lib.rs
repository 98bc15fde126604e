//! Where does the original of an identifier live, and which version of it is there now?
//!
//! A [`Source`] turns identifiers into objects and objects into bytes by position. It knows nothing of pixels. Reads
//! are synchronous and cheap; they run where blocking is allowed. Only `locate` may wait for a network, where
//! [`Source::may_wait`] says so.

#![forbid(unsafe_code)]

mod error;
mod filesystem;
mod identifier;
mod located;
mod options;
mod remote;
mod sources;

pub use error::{FolderError, SourceError};
pub use filesystem::{FileAccess, Filesystem};
pub use located::{Located, ObjectKey, Source, SourceVersion};
pub use options::{Folder, SourceOptions, Symlinks};
pub use remote::{FetchError, Remote, RemoteError, RemoteOptions};
pub use sources::Sources;
