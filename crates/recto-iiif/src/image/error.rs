//! Why an image request is refused: which parameter, what was given, what was expected, and the way out.

use crate::{Dimensions, ErrorKind};

/// Longest piece of a request that an error repeats, in characters.
const LONGEST_ECHO_CHARS: usize = 120;

/// An image request that cannot be read, or that asks for what the specification or the limits forbid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The text of a parameter is not one of the forms that the specification has.
    #[error("{parameter} `{given}` cannot be read, expected {expected}")]
    Malformed {
        /// Which part of the URI.
        parameter: &'static str,
        /// What stood there.
        given: String,
        /// The forms that may stand there.
        expected: &'static str,
        /// A way out.
        hint: Option<String>,
    },
    /// The region has no pixel in common with the image. Image API 3.0 §4.1.
    #[error("region `{given}` lies outside the image, which is {image} px")]
    OutsideImage {
        /// The region asked for.
        given: String,
        /// The size of the image.
        image: Dimensions,
    },
    /// A size above the region without `^`. Image API 3.0 §4.2.
    #[error("size `{given}` asks for {wanted} px, the region has {region} px")]
    Upscale {
        /// The size asked for.
        given: String,
        /// What it would make.
        wanted: Dimensions,
        /// What the region has.
        region: Dimensions,
    },
    /// A size above the limits that `info.json` announces. Image API 3.0 §4.2, §5.2.
    #[error("size `{given}` asks for {wanted} px, the limit is {limit}")]
    OverLimit {
        /// The size asked for.
        given: String,
        /// What it would make.
        wanted: Dimensions,
        /// The limit that it passes, with its unit.
        limit: String,
    },
}

impl RequestError {
    pub(crate) fn malformed(parameter: &'static str, given: &str, expected: &'static str) -> Self {
        Self::Malformed { parameter, given: echo(given), expected, hint: None }
    }

    pub(crate) fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Malformed { parameter, given, expected, .. } => {
                Self::Malformed { parameter, given, expected, hint: Some(text.into()) }
            }
            other => other,
        }
    }

    /// Always [`ErrorKind::Malformed`]: Image API 3.0 §4.1 to §4.5 name status 400 for each of these, §4.2 also for sizes
    /// over the limits (where the table of §7.3 says 404).
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Malformed
    }

    /// The part of the URI that is wrong: `region`, `size`, `rotation`, `quality`, `format` or `identifier`.
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::Malformed { parameter, .. } => parameter,
            Self::OutsideImage { .. } => "region",
            Self::Upscale { .. } | Self::OverLimit { .. } => "size",
        }
    }

    /// What was given there, shortened when it is very long.
    pub fn given(&self) -> &str {
        match self {
            Self::Malformed { given, .. }
            | Self::OutsideImage { given, .. }
            | Self::Upscale { given, .. }
            | Self::OverLimit { given, .. } => given,
        }
    }

    /// What would have been right.
    pub const fn expected(&self) -> &str {
        match self {
            Self::Malformed { expected, .. } => expected,
            Self::OutsideImage { .. } => "a region that shares at least one pixel with the image",
            Self::Upscale { .. } => "a size not above the region's",
            Self::OverLimit { .. } => "a size within the limits of `info.json`",
        }
    }

    /// One way out, as a sentence of its own.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { hint, .. } => hint.clone(),
            Self::OutsideImage { image, .. } => Some(format!(
                "Columns run from 0 to {}, rows from 0 to {}.",
                image.width_px.saturating_sub(1),
                image.height_px.saturating_sub(1)
            )),
            Self::Upscale { given, .. } => Some(format!("Write `^{given}` to allow upscaling, or `max`.")),
            Self::OverLimit { .. } => Some("Write `max` for the largest size that is served.".to_owned()),
        }
    }
}

/// `given` as an error repeats it.
pub(crate) fn echo(given: &str) -> String {
    match given.char_indices().nth(LONGEST_ECHO_CHARS) {
        Some((end, _)) => format!("{}…", &given[..end]),
        None => given.to_owned(),
    }
}
