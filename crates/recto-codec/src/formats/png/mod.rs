//! PNG: rows as they stream by; what lies above the region is decoded but not kept, what lies below is not decoded.

mod decode;
mod encode;
mod indexed;

pub(crate) use decode::{open, sniff};
pub(crate) use encode::encoder;
