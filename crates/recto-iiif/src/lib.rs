//! The IIIF specifications as types and pure functions: no input or output, no clock, no async.
//!
//! `image` is the Image API 2.1 and 3.0, `presentation` the Presentation API 3.0, 2.1 and the
//! draft of 4.0.

mod geometry;
pub mod identifier;
pub mod image;
mod kind;
pub mod presentation;

pub use geometry::{Dimensions, Rect};
pub use kind::ErrorKind;
