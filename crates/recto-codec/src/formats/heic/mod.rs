//! HEIC: HEVC pictures in the container of HEIF. The container is read here; pixels come from the system's libheif, which is loaded
//! while the program runs, if it is there. Nothing of it is linked.

mod decode;
mod libheif;

pub(crate) use decode::{open, sniff};
