//! GIF: the first frame on its canvas.

mod decode;
mod encode;
mod palette;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
