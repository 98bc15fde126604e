//! WebP by libwebp: regions are cropped inside the decoder, animations show their first frame.

mod container;
mod decode;
mod encode;
mod libwebp;

pub(crate) use decode::{decode_stream, open, sniff};
pub(crate) use encode::encoder;
