//! JPEG files, JPEG streams inside other files, and their compressed domain.
//!
//! Entropy decoding, DCT and colour conversion are libjpeg-turbo's, behind [`ffi`]; headers, metadata and everything in the
//! compressed domain are our own.

mod decode;
mod encode;
mod exif;
mod ffi;
mod input;
mod markers;
mod stream;
mod whole;

// Named so that the linker sees the library which the shim calls.
use turbojpeg_sys as _;

use crate::DecodeError;

pub(crate) use decode::open;
pub(crate) use encode::encoder;
pub(crate) use stream::{StreamColor, decode_stream};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(&[0xff, 0xd8, 0xff])
}

/// Cuts a complete JPEG stream (tables joined) to its top left `visible` pixels without decoding: frame size lowered, surplus
/// MCUs dropped by transcoding the entropy-coded data. `None` when this stream cannot be cut so (progressive, arithmetic …).
pub(crate) fn cut_to(_stream: &[u8], _visible: recto_iiif::Dimensions) -> Result<Option<Vec<u8>>, DecodeError> {
    Ok(None)
}
