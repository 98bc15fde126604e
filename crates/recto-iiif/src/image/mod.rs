//! Image API 2.1.1 and 3.0: what a URL asks for, what it means on a given image, and what `info.json` announces.

mod format;
mod request;

pub use format::Format;
pub use request::{
    ApiVersion, Degrees, ImageRequest, Mirror, PercentRect, Quality, Region, ResolvedRequest, Rotation, Size, Upscale,
};
