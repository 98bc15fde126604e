//! How the parts of a request are written: the same text parses to the same value.

use std::fmt;

use super::{ApiVersion, Degrees, ImageRequest, Mirror, Quality, Region, Rotation, Size, Upscale};

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Square => f.write_str("square"),
            Self::Pixels(rect) => rect.fmt(f),
            Self::Percent(rect) => write!(f, "pct:{},{},{},{}", rect.x, rect.y, rect.w, rect.h),
        }
    }
}

impl Size {
    /// The text of this size in a version's grammar, where only version 3 writes `^`.
    pub fn text(&self, version: ApiVersion) -> String {
        let caret = match (version, self.upscale()) {
            (ApiVersion::V3, Upscale::Allowed) => "^",
            _ => "",
        };
        match self {
            Self::Max(_) => format!("{caret}max"),
            Self::Full => "full".to_owned(),
            Self::Width(w, _) => format!("{caret}{w},"),
            Self::Height(h, _) => format!("{caret},{h}"),
            Self::Percent(n, _) => format!("{caret}pct:{n}"),
            Self::Exact(size, _) => format!("{caret}{},{}", size.width_px, size.height_px),
            Self::Confined(size, _) => format!("{caret}!{},{}", size.width_px, size.height_px),
        }
    }

    /// Whether it may go above the region.
    pub const fn upscale(&self) -> Upscale {
        match self {
            Self::Full => Upscale::Forbidden,
            Self::Max(upscale)
            | Self::Width(_, upscale)
            | Self::Height(_, upscale)
            | Self::Percent(_, upscale)
            | Self::Exact(_, upscale)
            | Self::Confined(_, upscale) => *upscale,
        }
    }
}

impl fmt::Display for Degrees {
    /// The shortest decimal that is this angle: an integer where possible, a 0 before the point, no zeros at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mirror {
            Mirror::Yes => write!(f, "!{}", self.degrees),
            Mirror::No => self.degrees.fmt(f),
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for ImageRequest {
    /// `region/size/rotation/quality.format`, as it was asked, not canonical.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, region, size, rotation, quality, format } = self;
        write!(f, "{region}/{}/{rotation}/{quality}.{}", size.text(*version), format.extension())
    }
}
