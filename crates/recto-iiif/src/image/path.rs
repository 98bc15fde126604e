//! From the path of a URL to what it names: an identifier, its `info.json`, or an image. Image API 3.0 §2, §9.

use std::borrow::Cow;

use crate::identifier::{self, Identifier};

use super::{Quality, Region, RequestError, Rotation, Size, request::ApiVersion};

const PATH_FORMS: &str =
    "`{identifier}`, `{identifier}/info.json` or `{identifier}/{region}/{size}/{rotation}/{quality}.{format}`";

/// Whether slashes inside identifiers may stand as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slashes {
    /// Only as `%2F`, as the specification has it.
    #[default]
    EncodedOnly,
    /// Also raw: the path is read from its end, and all that is left is the identifier.
    Raw,
}

/// What a path names. The segments are percent-decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImagePath<'a> {
    /// The base URI of the image service.
    Base {
        /// Which image.
        identifier: Identifier,
    },
    /// `info.json`.
    Info {
        /// Which image.
        identifier: Identifier,
    },
    /// An image request.
    Image {
        /// Which image.
        identifier: Identifier,
        /// `{region}`.
        region: Cow<'a, str>,
        /// `{size}`.
        size: Cow<'a, str>,
        /// `{rotation}`.
        rotation: Cow<'a, str>,
        /// `{quality}.{format}`.
        quality_format: Cow<'a, str>,
    },
}

impl ImagePath<'_> {
    /// The identifier, whatever was asked of it.
    pub const fn identifier(&self) -> &Identifier {
        match self {
            Self::Base { identifier } | Self::Info { identifier } | Self::Image { identifier, .. } => identifier,
        }
    }
}

/// Reads the path after the API's prefix, without a leading slash and without a query, percent-escapes still in it.
///
/// With raw slashes, the last four segments are an image request when at least two of them have a form of either version; then
/// the identifier is as long as it can be.
///
/// # Errors
///
/// [`RequestError::Malformed`] when the number of segments fits nothing, or when an escape or the identifier is not sound.
///
/// ```
/// use recto_iiif::image::{parse_path, ImagePath, Slashes};
///
/// let path = parse_path("ark:%2F12025%2F654xz321/info.json", Slashes::EncodedOnly).unwrap();
/// assert!(matches!(path, ImagePath::Info { identifier } if identifier.as_str() == "ark:/12025/654xz321"));
/// ```
pub fn parse_path(rest: &str, slashes: Slashes) -> Result<ImagePath<'_>, RequestError> {
    match slashes {
        Slashes::EncodedOnly => parse_encoded_only(rest),
        Slashes::Raw => parse_raw(rest),
    }
}

fn parse_encoded_only(rest: &str) -> Result<ImagePath<'_>, RequestError> {
    let Some((first, tail)) = rest.split_once('/') else {
        return Ok(ImagePath::Base { identifier: Identifier::parse_encoded(rest)? });
    };
    if tail == "info.json" {
        return Ok(ImagePath::Info { identifier: Identifier::parse_encoded(first)? });
    }
    let mut segments = tail.split('/');
    match (segments.next(), segments.next(), segments.next(), segments.next(), segments.next()) {
        (Some(region), Some(size), Some(rotation), Some(quality_format), None) => {
            image(first, [region, size, rotation, quality_format])
        }
        _ => Err(RequestError::malformed("identifier", rest, PATH_FORMS)
            .with_hint("A slash inside an identifier is written `%2F`.")),
    }
}

fn parse_raw(rest: &str) -> Result<ImagePath<'_>, RequestError> {
    if let Some(identifier) = rest.strip_suffix("/info.json") {
        return Ok(ImagePath::Info { identifier: Identifier::parse_encoded(identifier)? });
    }
    let mut segments = rest.rsplitn(5, '/');
    if let (Some(quality_format), Some(rotation), Some(size), Some(region), Some(identifier)) =
        (segments.next(), segments.next(), segments.next(), segments.next(), segments.next())
        && looks_like_request(region, size, rotation, quality_format)
    {
        return image(identifier, [region, size, rotation, quality_format]);
    }
    Ok(ImagePath::Base { identifier: Identifier::parse_encoded(rest)? })
}

/// True when at least two of the four segments have a form that the grammar knows: then the others are mistakes in a
/// request, to be named as such, and not part of an identifier with slashes.
fn looks_like_request(region: &str, size: &str, rotation: &str, quality_format: &str) -> bool {
    let has_form =
        |text: &str, form: fn(&str) -> bool| identifier::decode(text, "region").is_ok_and(|text| form(&text));
    let is_size = |text: &str| Size::parse(ApiVersion::V3, text).is_ok() || Size::parse(ApiVersion::V2, text).is_ok();
    let is_quality = |text: &str| text.split_once('.').is_some_and(|(quality, _)| Quality::parse(quality).is_ok());
    let forms = [
        has_form(region, |text| Region::parse(text).is_ok()),
        has_form(size, is_size),
        has_form(rotation, |text| Rotation::parse(text).is_ok()),
        has_form(quality_format, is_quality),
    ];
    forms.into_iter().filter(|form| *form).count() >= 2
}

fn image<'a>(identifier: &str, segments: [&'a str; 4]) -> Result<ImagePath<'a>, RequestError> {
    let [region, size, rotation, quality_format] = segments;
    Ok(ImagePath::Image {
        identifier: Identifier::parse_encoded(identifier)?,
        region: identifier::decode(region, "region")?,
        size: identifier::decode(size, "size")?,
        rotation: identifier::decode(rotation, "rotation")?,
        quality_format: identifier::decode(quality_format, "quality")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_of(path: &str, slashes: Slashes) -> Option<(String, String)> {
        match parse_path(path, slashes).unwrap() {
            ImagePath::Image { identifier, region, size, rotation, quality_format } => {
                Some((identifier.as_str().to_owned(), format!("{region}/{size}/{rotation}/{quality_format}")))
            }
            _ => None,
        }
    }

    #[test]
    fn the_paths_of_the_specification_name_what_its_table_says() {
        // Image API 3.0 §9, with formats added where the table leaves them out.
        for (path, identifier, request) in [
            ("id1/full/max/0/default.jpg", "id1", "full/max/0/default.jpg"),
            ("id1/pct:10,10,80,80/50,/22.5/color.jpg", "id1", "pct:10,10,80,80/50,/22.5/color.jpg"),
            ("ark:%2F12025%2F654xz321/full/max/0/default.jpg", "ark:/12025/654xz321", "full/max/0/default.jpg"),
            ("urn:foo:a123,456/full/max/0/default.jpg", "urn:foo:a123,456", "full/max/0/default.jpg"),
            ("a:1%253C69:B%253E2.0;2-4/full/max/0/default.jpg", "a:1%3C69:B%3E2.0;2-4", "full/max/0/default.jpg"),
            (
                "http:%2F%2Fexample.com%2F%3F54%23a/full/%5Emax/0/default.jpg",
                "http://example.com/?54#a",
                "full/^max/0/default.jpg",
            ),
        ] {
            for slashes in [Slashes::EncodedOnly, Slashes::Raw] {
                assert_eq!(request_of(path, slashes), Some((identifier.to_owned(), request.to_owned())), "{path}");
            }
        }
    }

    #[test]
    fn raw_slashes_leave_the_longest_identifier() {
        for (path, identifier, is_request) in [
            ("a/b/c.tif/full/max/0/default.jpg", "a/b/c.tif", true),
            ("full/max/0/default.jpg/full/full/0/default.jpg", "full/max/0/default.jpg", true),
            ("a/b/c/d/e.tif", "a/b/c/d/e.tif", false),
            ("full/max/0/default.jpg", "full/max/0/default.jpg", false),
            ("a.tif/nonsense/max/0/default.jpg", "a.tif", true),
            ("a.tif/full/nonsense/nonsense/default.jpg", "a.tif", true),
        ] {
            let parsed = parse_path(path, Slashes::Raw).unwrap();
            assert_eq!(parsed.identifier().as_str(), identifier, "{path}");
            assert_eq!(matches!(parsed, ImagePath::Image { .. }), is_request, "{path}");
        }
        let info = parse_path("a/b/c.tif/info.json", Slashes::Raw).unwrap();
        assert_eq!(info, ImagePath::Info { identifier: Identifier::new("a/b/c.tif") });
    }

    #[test]
    fn a_wrong_number_of_segments_says_what_would_be_right() {
        for path in [
            "id/",
            "id/full",
            "id/full/max",
            "id/full/max/0",
            "id/full/max/0/default.jpg/x",
            "a/b/info.json",
            "/id/full/max/0/a",
        ] {
            let refused = parse_path(path, Slashes::EncodedOnly).unwrap_err();
            assert_eq!(refused.parameter(), "identifier", "{path}");
            assert!(refused.expected().contains("info.json") && refused.hint().is_some(), "{path}: {refused}");
        }
        for path in ["", "/info.json", "/full/max/0/default.jpg", "a%", "a%2", "a%zz", "a%00b", "%ff"] {
            for slashes in [Slashes::EncodedOnly, Slashes::Raw] {
                assert!(parse_path(path, slashes).is_err(), "{path}");
            }
        }
    }
}
