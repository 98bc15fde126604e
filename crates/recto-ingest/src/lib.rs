//! Reads what people have and makes objects of it: folders of images and recordings, tables, sidecars, METS and other XML, and the
//! [`text`] of pages.
//!
//! [`Library::scan`] gives a [`Tree`] of collections, objects and files, and [`Watcher`] a new one after each change;
//! [`Describer`] joins everything that is said about each of them; [`build`] makes Presentation 3.0 documents of that.
//! Nothing is ever written into the library.

#![forbid(unsafe_code)]

mod assemble;
pub mod av;
pub mod build;
pub mod dates;
mod describe;
pub mod description;
pub mod editorial;
mod exif;
mod fields;
mod finding;
pub mod languages;
mod library;
pub mod mapping;
mod marks;
mod media;
pub mod merge;
pub mod natural;
mod outline;
pub mod readers;
pub mod rights;
mod scan;
pub mod sidecars;
pub mod tables;
pub mod text;
mod tree;
mod watch;
mod words;

pub use describe::{DescribedCollection, DescribedObject, Describer, State};
pub use finding::{Finding, Severity};
pub use library::{Library, LibraryError, LibraryOptions, Symlinks, Whole};
pub use media::{Media, is_text_folder, published_media_type};
pub use tree::{Collection, File, Member, Object, Side, Stamp, Tree};
pub use watch::{Receive, WatchOptions, Watcher};
