//! AVIF: AV1 pictures in the container of HEIF. Decoded by rav1d, encoded by rav1e.

mod av1;
mod container;
mod decode;
mod encode;
mod from_yuv;
mod to_yuv;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
