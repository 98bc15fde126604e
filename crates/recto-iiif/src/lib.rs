//! The IIIF specifications as types and pure functions: no input or output, no clock, no async.
//!
//! `image` is the Image API 2.1 and 3.0, `presentation` the Presentation API 3.0, 2.1 and the draft of 4.0, `content_state` the Content
//! State API 1.0, `discovery` the Change Discovery API 1.0; `validate` holds documents of all of them against their rules.

pub mod content_state;
pub mod discovery;
mod geometry;
pub mod identifier;
pub mod image;
mod kind;
pub mod presentation;
pub mod validate;

pub use geometry::{Dimensions, Rect};
pub use kind::ErrorKind;
