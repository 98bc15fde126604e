//! JPEG XL: read by jxl-oxide, written without loss by zune-jpegxl (no encoder with loss may be linked here).

mod decode;
mod encode;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
