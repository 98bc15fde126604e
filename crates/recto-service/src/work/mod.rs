//! Admission: what work costs is charged to a memory budget before it starts, and cheap work has a lane that expensive work
//! cannot fill.

mod budget;
mod lanes;

pub use budget::{Budget, Charge};
pub use lanes::{Lane, LaneStats, Lanes};
