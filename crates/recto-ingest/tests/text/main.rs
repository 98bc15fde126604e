//! The readers of the text of pages: behaviours of each format in small, files of institutions where they are present, and everything
//! that is hostile, huge or cut off.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

mod formats;
mod hostile;
mod pdf;
mod real;
mod support;
