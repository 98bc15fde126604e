//! From the four segments of a URL to an [`ImageRequest`], by each version's grammar and nothing wider.

use crate::{Dimensions, Rect};

use super::{
    ApiVersion, Degrees, Format, ImageRequest, Mirror, PercentRect, Quality, Region, RequestError, Rotation, Size,
    Upscale,
};

const REGION_FORMS: &str = "`full`, `square`, `x,y,w,h` in whole pixels or `pct:x,y,w,h`";
const SIZE_FORMS_2: &str = "`max`, `full`, `w,`, `,h`, `pct:n`, `w,h` or `!w,h` with whole pixels above 0";
const SIZE_FORMS_3: &str =
    "`max`, `w,`, `,h`, `pct:n`, `w,h` or `!w,h` with whole pixels above 0, each with or without `^` before it";
const ROTATION_FORMS: &str = "degrees from 0 to 360, with or without `!` before them";
const QUALITY_FORMS: &str = "`default`, `color`, `gray` or `bitonal`";
const QUALITY_FORMAT_FORMS: &str = "`quality.format`, as in `default.jpg`";
const FORMAT_FORMS: &str = "`jpg`, `png`, `webp`, `gif`, `tif`, `jp2` or `pdf`";

impl ImageRequest {
    /// Reads the four segments after the identifier, already percent-decoded.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] for the first segment that is not one of the version's forms.
    ///
    /// ```
    /// use recto_iiif::image::{ApiVersion, ImageRequest};
    ///
    /// assert!(ImageRequest::parse(ApiVersion::V3, "full", "^!600,600", "!22.5", "default.jpg").is_ok());
    /// assert!(ImageRequest::parse(ApiVersion::V3, "full", "full", "0", "default.jpg").is_err());
    /// ```
    pub fn parse(
        version: ApiVersion,
        region: &str,
        size: &str,
        rotation: &str,
        quality_format: &str,
    ) -> Result<Self, RequestError> {
        let region = Region::parse(region)?;
        let size = Size::parse(version, size)?;
        let rotation = Rotation::parse(rotation)?;
        let (quality, format) = parse_quality_format(quality_format)?;
        Ok(Self { version, region, size, rotation, quality, format })
    }
}

impl Region {
    /// Reads `{region}`. Image API 3.0 §4.1; 2.1.1 has the same forms.
    ///
    /// Numbers too large for any image count as the largest number, as they mean the same: beyond the edge.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let refused = || RequestError::malformed("region", text, REGION_FORMS);
        match text {
            "full" => return Ok(Self::Full),
            "square" => return Ok(Self::Square),
            _ => {}
        }
        if let Some(list) = text.strip_prefix("pct:") {
            let [x, y, w, h] = four(list, decimal).ok_or_else(refused)?;
            if w == 0.0 || h == 0.0 {
                return Err(refused().with_hint("Width and height have to be above 0."));
            }
            return Ok(Self::Percent(PercentRect { x, y, w, h }));
        }
        let [x, y, w, h] = four(text, saturating_integer).ok_or_else(refused)?;
        if w == 0 || h == 0 {
            return Err(refused().with_hint("Width and height have to be above 0."));
        }
        Ok(Self::Pixels(Rect::new(x, y, w, h)))
    }
}

impl Size {
    /// Reads `{size}`. Image API 3.0 §4.2, 2.1.1 §4.2.
    pub fn parse(version: ApiVersion, text: &str) -> Result<Self, RequestError> {
        let forms = match version {
            ApiVersion::V2 => SIZE_FORMS_2,
            ApiVersion::V3 => SIZE_FORMS_3,
        };
        let refused = || RequestError::malformed("size", text, forms);
        let (body, upscale) = match (version, text.strip_prefix('^')) {
            (ApiVersion::V2, Some(_)) => {
                return Err(refused().with_hint("`^` belongs to version 3; version 2 upscales without it."));
            }
            (ApiVersion::V2, None) => (text, Upscale::Allowed),
            (ApiVersion::V3, Some(body)) => (body, Upscale::Allowed),
            (ApiVersion::V3, None) => (text, Upscale::Forbidden),
        };
        match (version, body) {
            // 2.1 has no way to ask `max` to go above the region.
            (ApiVersion::V2, "max") => return Ok(Self::Max(Upscale::Forbidden)),
            (ApiVersion::V3, "max") => return Ok(Self::Max(upscale)),
            (ApiVersion::V2, "full") => return Ok(Self::Full),
            (ApiVersion::V3, "full") => {
                return Err(refused().with_hint("Version 3 has `max` in place of `full`."));
            }
            _ => {}
        }
        if let Some(number) = body.strip_prefix("pct:") {
            let percent = decimal(number).filter(|percent| *percent > 0.0).ok_or_else(refused)?;
            return Ok(Self::Percent(percent, upscale));
        }
        let (body, confined) = match body.strip_prefix('!') {
            Some(body) => (body, true),
            None => (body, false),
        };
        let (width, height) = body.split_once(',').ok_or_else(refused)?;
        if confined {
            // Nothing is as large as that, so a larger box means the same as the largest.
            let side = |text| saturating_integer(text).filter(|px| *px > 0).ok_or_else(refused);
            return Ok(Self::Confined(Dimensions::new(side(width)?, side(height)?), upscale));
        }
        let side = |text| integer(text).filter(|px| *px > 0).ok_or_else(refused);
        match (width, height) {
            ("", "") => Err(refused()),
            (width, "") => Ok(Self::Width(side(width)?, upscale)),
            ("", height) => Ok(Self::Height(side(height)?, upscale)),
            (width, height) => Ok(Self::Exact(Dimensions::new(side(width)?, side(height)?), upscale)),
        }
    }
}

impl Rotation {
    /// Reads `{rotation}`. Image API 3.0 §4.3; 2.1.1 has the same forms. 360 is kept as 0.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let (number, mirror) = match text.strip_prefix('!') {
            Some(number) => (number, Mirror::Yes),
            None => (text, Mirror::No),
        };
        match decimal(number) {
            Some(degrees) if degrees <= 360.0 => {
                let degrees = if degrees == 360.0 { 0.0 } else { degrees };
                Ok(Self { mirror, degrees: Degrees(degrees) })
            }
            _ => Err(RequestError::malformed("rotation", text, ROTATION_FORMS)),
        }
    }
}

impl Quality {
    /// Every quality that the specifications name.
    pub const ALL: [Self; 4] = [Self::Default, Self::Color, Self::Gray, Self::Bitonal];

    /// The word used in URLs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Color => "color",
            Self::Gray => "gray",
            Self::Bitonal => "bitonal",
        }
    }

    /// Reads `{quality}`. Image API 3.0 §4.4, 2.1.1 §4.4.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        Self::ALL.into_iter().find(|quality| quality.word() == text).ok_or_else(|| {
            let refused = RequestError::malformed("quality", text, QUALITY_FORMS);
            match text {
                "native" => refused.with_hint("Version 2 and later have `default` in place of `native`."),
                "grey" => refused.with_hint("The specification spells it `gray`."),
                _ => refused,
            }
        })
    }
}

fn parse_quality_format(text: &str) -> Result<(Quality, Format), RequestError> {
    let Some((quality, format)) = text.split_once('.') else {
        return Err(RequestError::malformed("format", text, QUALITY_FORMAT_FORMS));
    };
    let quality = Quality::parse(quality)?;
    let format = Format::from_extension(format).ok_or_else(|| {
        let refused = RequestError::malformed("format", format, FORMAT_FORMS);
        match format {
            "jpeg" => refused.with_hint("The specification spells it `jpg`."),
            "tiff" => refused.with_hint("The specification spells it `tif`."),
            _ => refused,
        }
    })?;
    Ok((quality, format))
}

/// Exactly four values between commas.
fn four<T>(list: &str, parse: impl Fn(&str) -> Option<T>) -> Option<[T; 4]> {
    let mut parts = list.split(',');
    let values = [parse(parts.next()?)?, parse(parts.next()?)?, parse(parts.next()?)?, parse(parts.next()?)?];
    parts.next().is_none().then_some(values)
}

/// ASCII digits and nothing else; `None` above `u32::MAX`.
fn integer(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// ASCII digits and nothing else; `u32::MAX` for anything above.
fn saturating_integer(text: &str) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u32, |value, byte| {
        byte.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    })
}

/// Digits, with at most one dot that has a digit after it (Image API 3.0 §4.7: `.9` should, but need not be, `0.9`).
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = match fraction {
        Some(fraction) => !fraction.is_empty() && digits(fraction) && digits(whole),
        None => !whole.is_empty() && digits(whole),
    };
    if !well_formed {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}
