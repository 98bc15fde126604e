//! DICOM: radiographs and photographs (every frame a page) and whole slides (frames are the tiles of one level).
//!
//! [`elements`] walks the file's elements by position and never reads pixels; [`header`] says what they mean; [`frames`] where
//! each frame lies; [`gray`] how stored numbers become shades; [`native`] and [`packed`] read frames of plain samples and of
//! JPEG, JPEG 2000 and run lengths; [`slide`] puts tiles together.

mod decode;
mod elements;
mod frames;
mod gray;
mod header;
mod native;
mod packed;
mod slide;

pub(crate) use decode::open;

use crate::{DecodeError, SourceFormat};

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Dicom, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Dicom, what: what.into() }
}

fn ended(what: &'static str) -> impl Fn(std::io::Error) -> DecodeError {
    move |error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt(format!("it ends in {what}")),
        _ => DecodeError::Io(error),
    }
}

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.get(128..132) == Some(b"DICM")
}
