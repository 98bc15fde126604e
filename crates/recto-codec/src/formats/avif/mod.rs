//! AVIF: AV1 pictures in the container of HEIF. Decoded by rav1d, encoded by rav1e.

mod av1;
mod container;
mod decode;
mod encode;
mod from_yuv;
mod to_yuv;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;

/// The picture of an AV1 stream as bytes, for the parent of this process.
pub(super) fn decode_contained(stream: &[u8], max_pixels: u32) -> Vec<u8> {
    av1::decode_for_parent(stream, max_pixels)
}
