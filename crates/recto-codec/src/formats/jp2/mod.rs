//! JPEG 2000: JP2, JPX and JPH files and bare codestreams.

mod arithmetic;
mod block;
mod boxes;
mod codestream;
mod compress;
mod decode;
mod encode;
mod encode_boxes;
mod headers;
mod high_throughput;
mod index;
mod openjpeg;
mod order;
mod pixels;
#[cfg(test)]
mod tests;
mod tile_parts;
mod wavelet;
mod window;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
pub use encode::{Jp2Error, Jp2Options, Jp2Writer, jp2_encoder};

use crate::{DecodeError, SourceFormat};

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Jp2, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Jp2, what: what.into() }
}
