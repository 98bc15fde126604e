//! Admission: what work costs in time and memory is reckoned before it starts, clients share fairly, and cheap work has a lane
//! that expensive work cannot fill.

mod admission;
mod background;
mod client;
mod cost;
mod fair;
mod lanes;

pub use admission::{Admission, AdmissionLimits, Verdict, Wish};
pub use background::{Background, BackgroundStats};
pub use client::Client;
pub use cost::{CostModel, Prediction, WorkKind, thread_time};
pub use lanes::{AdmissionMode, Charge, Lane, LaneOptions, LaneStats, Lanes, Task};
