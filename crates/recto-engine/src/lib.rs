//! From a resolved image request and a file's facts to a [`Plan`] that one can print, and from the plan to bytes.
//!
//! ```text
//! ResolvedRequest + ImageFacts ── plan ──> stored tile | cut | stored whole | render
//! render: decode ─ colour ─ (light) ─ shrink ─ resample ─ (shades) ─ colour ─ gray ─ flatten ─ turn ─ rotate ─ bitonal ─ encode
//! ```
//!
//! [`plan()`] does no input or output; [`execute()`] reads through the decoder and gives a finished file. Between them
//! [`Plan::estimate`] says what the work will hold and read, so that a caller can charge it to a budget first.

#![forbid(unsafe_code)]

mod color;
mod error;
mod estimate;
mod execute;
mod geometry;
mod inks;
mod options;
mod plan;
mod profile;
mod quality;
mod resample;
mod rotate;
mod rows;
mod shrink;
mod stored;
mod turn;

pub use color::color_finding;
pub use error::EngineError;
pub use estimate::Estimate;
pub use execute::{execute, render_rows, stored_tile};
pub use options::{Bitonal, ColorPolicy, Depth, Filter, Intent, RenderOptions, StoredTiles};
pub use plan::{Plan, RenderPlan, plan, stored_request};
pub use rows::Rows;
