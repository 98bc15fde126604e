//! The readers of descriptive and structural XML: our own small files of every format against goldens, files of institutions where they
//! are present, and everything that is hostile or cut off.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

mod golden;
mod hostile;
mod real;
