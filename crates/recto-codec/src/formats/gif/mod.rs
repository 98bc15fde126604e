//! GIF: the first frame on its canvas.

mod decode;
mod encode;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
