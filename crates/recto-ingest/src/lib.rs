//! Reads what people have and makes objects of it. Today: a tree of folders with images, with no configuration at all.
//!
//! [`Library::scan`] gives a [`Tree`] of collections, objects and files; [`Watcher`] keeps it current; [`build`] makes
//! Presentation 3.0 documents of its parts. Nothing is ever written into the library.

mod assemble;
pub mod build;
pub mod dates;
pub mod description;
mod fields;
mod finding;
mod library;
mod media;
pub mod merge;
pub mod natural;
pub mod rights;
mod scan;
pub mod sidecars;
pub mod tables;
mod tree;
mod watch;
mod words;

pub use finding::{Finding, Severity};
pub use library::{Library, LibraryError, LibraryOptions, Symlinks};
pub use tree::{Collection, File, Member, Object, Stamp, Tree};
pub use watch::{Snapshot, WatchOptions, Watcher};
