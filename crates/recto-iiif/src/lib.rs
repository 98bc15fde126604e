//! The IIIF specifications as types and pure functions: no input or output, no clock, no async.
//!
//! `image` is the Image API 2.1 and 3.0, `presentation` the Presentation API 3.0, 2.1 and the draft of 4.0, `content_state` the Content
//! State API 1.0, `discovery` the Change Discovery API 1.0, `search` the Content Search API 2.0 and 1.0, `annotation` Web Annotations
//! and their protocol; `validate` holds documents of all of them against their rules. `text` is the text of pages with its places.

#![forbid(unsafe_code)]

pub mod annotation;
pub mod content_state;
pub mod discovery;
mod geometry;
pub mod identifier;
pub mod image;
mod kind;
pub mod presentation;
pub mod search;
pub mod text;
pub mod validate;

pub use geometry::{Dimensions, Rect};
pub use kind::ErrorKind;
