//! Where does the original of an identifier live, and which version of it is there now?
//!
//! A [`Source`] turns identifiers into objects and objects into bytes by position. It knows nothing of pixels. Reads
//! are synchronous; they run where blocking is allowed. `locate` may wait for a network, where [`Source::may_wait`] says so, and so
//! may reads of a long file that stays elsewhere, whose [`read_ahead`](recto_codec::RandomAccess::read_ahead) is not 0.

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
