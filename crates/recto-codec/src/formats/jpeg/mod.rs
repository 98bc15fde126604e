//! JPEG files, JPEG streams inside other files, and their compressed domain.
//!
//! Entropy decoding, DCT and colour conversion are libjpeg-turbo's, behind [`ffi`]; headers, metadata and everything in the
//! compressed domain are our own.

mod cut;
mod decode;
mod encode;
mod exif;
mod ffi;
mod huffman;
mod input;
mod markers;
mod metadata;
mod stream;
mod whole;

pub(crate) use cut::cut_to;
pub(crate) use decode::open;
pub(crate) use encode::encoder;
pub(crate) use stream::{StreamColor, decode_stream};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(&[0xff, 0xd8, 0xff])
}

#[cfg(test)]
mod tests;
