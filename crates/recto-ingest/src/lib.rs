//! Reads what people have and makes objects of it. Today: a tree of folders with images, with no configuration at all.
//!
//! [`Library::scan`] gives a [`Tree`] of collections, objects and files, and [`Watcher`] a new one after each change;
//! [`Describer`] joins everything that is said about each of them; [`build`] makes Presentation 3.0 documents of that.
//! Nothing is ever written into the library.

mod assemble;
pub mod av;
pub mod build;
mod describe;
pub mod description;
mod finding;
mod library;
mod marks;
mod media;
pub mod natural;
mod scan;
mod texts;
mod tree;
mod watch;

pub use describe::{DescribedCollection, DescribedObject, Describer, State};
pub use finding::{Finding, Severity};
pub use library::{Library, LibraryError, LibraryOptions, Symlinks};
pub use media::Media;
pub use tree::{Collection, File, Member, Object, Side, Stamp, Tree};
pub use watch::{Receive, WatchOptions, Watcher};
