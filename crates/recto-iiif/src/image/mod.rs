//! Image API 2.1.1 and 3.0: what a URL asks for, what it means on a given image, and what `info.json` announces.
//!
//! [`parse_path`] and [`ImageRequest::parse`] read a URL; [`ImageRequest::resolve`] turns it into exact pixels; [`ResolvedRequest`]
//! is the cache key and writes the canonical URI; [`v2::info`] and [`v3::info`] write `info.json`. [`scaled`] is the one function that
//! computes sizes, for all of them.

mod compliance;
mod error;
mod format;
mod info;
mod limits;
mod parse;
mod path;
mod print;
mod request;
mod resolve;
mod size;
pub mod tiles;

pub use compliance::{ComplianceLevel, MediaType, PROTOCOL, negotiate, negotiate_format};
pub use error::RequestError;
pub use format::Format;
pub use info::{InfoSubject, v2, v3};
pub use limits::Limits;
pub use path::{ImagePath, Slashes, parse_path};
pub use request::{
    ApiVersion, Degrees, ImageRequest, Mirror, PercentRect, Quality, Region, ResolvedRequest, Rotation, Size, Upscale,
};
pub use size::{DEFAULT_TILE, Target, TileGrid, scale_factors, scaled};
