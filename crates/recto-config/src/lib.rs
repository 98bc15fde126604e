//! How does an option get its value, and who set it?
//!
//! Options are plain documented structs in the crates that use them. This crate reads them from four layers (defaults,
//! `recto.toml`, the environment, `--set`), remembers where each value came from, and makes the JSON Schema, the example
//! file and the reference table from the same structs. It has no options of its own.

#![forbid(unsafe_code)]

mod error;
mod layers;
mod load;
mod reference;
mod schema;
mod suggest;
mod units;

pub use error::{ConfigError, Picture, Problem};
pub use layers::{ConfigFile, Origin, Sources};
pub use load::{Loaded, load};
pub use reference::{example_file, json_schema, reference_table};
pub use suggest::did_you_mean;
pub use units::{ByteSize, Duration, UnitError};
