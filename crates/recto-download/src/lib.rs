//! Whole objects as one file: PDF, ZIP and plain text, written as they are read.
//!
//! Each writer is fed page by page (file by file) and hands its bytes to any [`std::io::Write`] at once, so that the first
//! bytes leave before the second page is looked for, and an object of ten thousand pages takes the memory of one. The same
//! input gives the same bytes: no clock, no chance.
//!
//! - [`pdf::PdfWriter`]: images as they are stored, a text layer, bookmarks, a first page that says what it is.
//! - [`zip::ZipWriter`]: files with names that every system can unpack.
//! - [`text::TextWriter`]: the text of all pages under headings.
//!
//! Text that is drawn (first page, notices) uses the fonts of the machine: [`fonts::Fonts`].

#![forbid(unsafe_code)]

mod error;
pub mod fonts;
pub mod pdf;
mod setting;
pub mod text;
pub mod zip;

pub use error::DownloadError;
