//! PDF: pages drawn at any scale and region, and pictures written as pages.
//!
//! Parsing and drawing are `hayro`'s. What is ours is what a server must know before it lets a stranger's page be drawn:
//! [`survey`] follows everything that a page refers to and bounds what unpacking it takes, [`effort`] runs the page's
//! program without drawing and bounds what drawing takes. [`document`] shares one parsed file between its pages, and
//! [`tables`] bounds what is unpacked while it is parsed. Of a file far away, [`linear`] takes the first page alone where the
//! file is made for that and [`reach`] finds all of the page in it. [`drawn`] says for both what of a page is drawn.

mod decode;
mod document;
mod drawn;
mod effort;
mod encode;
mod linear;
mod reach;
mod survey;
mod tables;
mod unpack;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
pub(in crate::formats) use linear::is_linearized;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{DecodeError, SourceFormat};

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Pdf, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Pdf, what: what.into() }
}

/// Runs a part of the PDF library. Where a page makes it panic, that costs the request and no more.
fn contained<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let stopped = panic.downcast::<DecodeError>().map(|error| *error);
        Err(stopped.unwrap_or_else(|_| corrupt("its page cannot be drawn")))
    })
}
