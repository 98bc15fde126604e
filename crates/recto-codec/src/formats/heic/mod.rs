//! HEIC: HEVC pictures in the container of HEIF. The container is read here; pixels come from the system's libheif, which is loaded
//! while the program runs, if it is there. Nothing of it is linked, and it decodes in a child of the program.

mod child;
mod decode;
mod libheif;

pub(super) use child::answer as decode_contained;
pub(crate) use decode::{open, sniff};
