//! Compliance level, contexts and media types: what `info.json` and the headers of both versions say of this server.

use super::{ApiVersion, Format, Quality};

/// `protocol` of both versions.
pub const PROTOCOL: &str = "http://iiif.io/api/image";

/// A compliance level. Image API 3.0 §6, 2.1.1 §6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ComplianceLevel {
    /// Static files.
    Level0,
    /// Regions and sizes.
    Level1,
    /// All that the specification asks of a server.
    #[default]
    Level2,
}

impl ComplianceLevel {
    /// The number of the level.
    pub const fn number(self) -> u8 {
        match self {
            Self::Level0 => 0,
            Self::Level1 => 1,
            Self::Level2 => 2,
        }
    }

    /// `level2`, as `profile` of version 3 has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Level0 => "level0",
            Self::Level1 => "level1",
            Self::Level2 => "level2",
        }
    }

    /// The profile document: target of the `Link` header with `rel="profile"` in both versions, and in `profile` of
    /// version 2. Always `http:`.
    pub const fn uri(self, version: ApiVersion) -> &'static str {
        match (version, self) {
            (ApiVersion::V2, Self::Level0) => "http://iiif.io/api/image/2/level0.json",
            (ApiVersion::V2, Self::Level1) => "http://iiif.io/api/image/2/level1.json",
            (ApiVersion::V2, Self::Level2) => "http://iiif.io/api/image/2/level2.json",
            (ApiVersion::V3, Self::Level0) => "http://iiif.io/api/image/3/level0.json",
            (ApiVersion::V3, Self::Level1) => "http://iiif.io/api/image/3/level1.json",
            (ApiVersion::V3, Self::Level2) => "http://iiif.io/api/image/3/level2.json",
        }
    }
}

impl ApiVersion {
    /// Both versions, older first.
    pub const ALL: [Self; 2] = [Self::V2, Self::V3];

    /// The URI in `@context`.
    pub const fn context(self) -> &'static str {
        match self {
            Self::V2 => "http://iiif.io/api/image/2/context.json",
            Self::V3 => "http://iiif.io/api/image/3/context.json",
        }
    }

    /// The version's segment in paths.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::V2 => "2",
            Self::V3 => "3",
        }
    }

    /// The version with this path segment.
    pub fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.segment() == segment)
    }

    /// What this server does beyond level 2, in the version's own words (3.0 §5.7, 2.1.1 §5.3). Upscaling is not among
    /// them: version 3 lets it be announced only beside a limit.
    pub const fn extra_features(self) -> &'static [&'static str] {
        match self {
            Self::V2 => &[
                "canonicalLinkHeader",
                "mirroring",
                "profileLinkHeader",
                "regionSquare",
                "rotationArbitrary",
                "sizeAboveFull",
            ],
            Self::V3 => &["canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary"],
        }
    }

    /// Qualities beside `default`.
    pub fn extra_qualities(self) -> impl Iterator<Item = Quality> {
        Quality::ALL.into_iter().filter(|quality| *quality != Quality::Default)
    }
}

impl Format {
    /// The lowest level at which a version requires this format, if any does. Compliance documents of both versions, §3.5.
    pub const fn required_at(self, version: ApiVersion) -> Option<ComplianceLevel> {
        match (version, self) {
            (_, Self::Jpg) => Some(ComplianceLevel::Level0),
            (_, Self::Png) => Some(ComplianceLevel::Level2),
            _ => None,
        }
    }

    /// True when a server of this level has to name the format in `info.json`, as the level does not imply it.
    pub fn is_extra(self, version: ApiVersion, level: ComplianceLevel) -> bool {
        self.required_at(version).is_none_or(|required| required > level)
    }
}

/// The media type in which `info.json` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `application/json`.
    Json,
    /// `application/ld+json`.
    JsonLd,
}

impl MediaType {
    /// The value of `Content-Type`. Image API 3.0 §5.1 adds the context as `profile`; 2.1.1 §5.1 does not.
    pub const fn content_type(self, version: ApiVersion) -> &'static str {
        match (self, version) {
            (Self::Json, _) => "application/json",
            (Self::JsonLd, ApiVersion::V2) => "application/ld+json",
            (Self::JsonLd, ApiVersion::V3) => "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"",
        }
    }
}

/// Chooses the media type of `info.json` from an `Accept` header.
///
/// Version 3 prefers JSON-LD (§5.1). Version 2 sends plain JSON unless JSON-LD is named outright (2.1.1 §5.1). A client that accepts
/// neither gets the default, which serves it better than an error.
pub fn negotiate(accept: Option<&str>, version: ApiVersion) -> MediaType {
    let default = match version {
        ApiVersion::V2 => MediaType::Json,
        ApiVersion::V3 => MediaType::JsonLd,
    };
    let Some(accept) = accept else { return default };
    let json = Preference::of(accept, "application/json");
    let linked = Preference::of(accept, "application/ld+json");
    if linked.thousandths == 0 && json.thousandths == 0 {
        return default;
    }
    if version == ApiVersion::V2 && linked.specificity < Preference::NAMED {
        return MediaType::Json;
    }
    match (linked.thousandths, linked.specificity).cmp(&(json.thousandths, json.specificity)) {
        std::cmp::Ordering::Less => MediaType::Json,
        std::cmp::Ordering::Equal => default,
        std::cmp::Ordering::Greater => MediaType::JsonLd,
    }
}

/// Chooses which of `offered`, best first, stands in for JPEG: one that an `Accept` header names outright and wants at least as
/// much. Ranges (`*/*`, `image/*`) do not choose: whoever sends only those may not know what the format is.
pub fn negotiate_format(accept: Option<&str>, offered: &[Format]) -> Option<Format> {
    let accept = accept?;
    let least = Preference::of(accept, Format::Jpg.media_type()).thousandths.max(1);
    let wanted = |format: &Format| {
        let preference = Preference::of(accept, format.media_type());
        (preference.specificity == Preference::NAMED && preference.thousandths >= least)
            .then_some(preference.thousandths)
    };
    let candidates = offered.iter().filter_map(|format| Some((wanted(format)?, *format)));
    // The first of equals.
    candidates.rev().max_by_key(|(thousandths, _)| *thousandths).map(|(_, format)| format)
}

/// How much a client wants a media type, and how closely it named it. RFC 9110 §12.5.1.
#[derive(Clone, Copy)]
struct Preference {
    thousandths: u16,
    specificity: u8,
}

impl Preference {
    const NAMED: u8 = 3;

    /// The preference for a media type, from the most specific range that covers it.
    fn of(accept: &str, media_type: &str) -> Self {
        let (wanted_kind, wanted_sub) = media_type.split_once('/').unwrap_or((media_type, ""));
        let mut best = Self { thousandths: 0, specificity: 0 };
        for range in split_unquoted(accept, ',') {
            let mut parts = split_unquoted(range, ';');
            let name = parts.next().unwrap_or_default().trim();
            let Some((kind, sub)) = name.split_once('/') else { continue };
            let specificity = match (kind.trim(), sub.trim()) {
                ("*", "*") => 1,
                (kind, "*") if kind.eq_ignore_ascii_case(wanted_kind) => 2,
                (kind, sub) if kind.eq_ignore_ascii_case(wanted_kind) && sub.eq_ignore_ascii_case(wanted_sub) => {
                    Self::NAMED
                }
                _ => continue,
            };
            let thousandths = parts.find_map(quality_value).unwrap_or(1000);
            if (specificity, thousandths) > (best.specificity, best.thousandths) {
                best = Self { thousandths, specificity };
            }
        }
        best
    }
}

/// The weight of a `q` parameter in thousandths; one that cannot be read counts as 0. `None` for other parameters.
fn quality_value(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value: f64 = value.trim().parse().unwrap_or(0.0);
    Some((value.clamp(0.0, 1.0) * 1000.0).round() as u16)
}

/// Splits at a separator that does not stand in a quoted string.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        if character == '"' {
            quoted = !quoted;
        }
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_chooses_the_media_type() {
        use MediaType::{Json, JsonLd};
        for (accept, version_2, version_3) in [
            (None, Json, JsonLd),
            (Some(""), Json, JsonLd),
            (Some("*/*"), Json, JsonLd),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Json, JsonLd),
            (Some("application/*"), Json, JsonLd),
            (Some("application/json"), Json, Json),
            (Some("APPLICATION/JSON"), Json, Json),
            (Some("application/ld+json"), JsonLd, JsonLd),
            (Some("application/ld+json, */*"), JsonLd, JsonLd),
            (Some("application/json, */*"), Json, Json),
            (Some("application/json, application/ld+json"), Json, JsonLd),
            (Some("application/json;q=0.5, application/ld+json"), JsonLd, JsonLd),
            (Some("application/ld+json;q=0.5, application/json"), Json, Json),
            (Some("application/ld+json;profile=\"http://iiif.io/api/image/3/context.json,;q=0\""), JsonLd, JsonLd),
            (Some("application/json;q=0.1, */*"), Json, JsonLd),
            (Some("application/ld+json;q=0, */*"), Json, Json),
            (Some("application/ld+json;q=high, application/json;q=0.1"), Json, Json),
            (Some("image/png"), Json, JsonLd),
            (Some(",;/=\""), Json, JsonLd),
        ] {
            assert_eq!(negotiate(accept, ApiVersion::V2), version_2, "{accept:?} in version 2");
            assert_eq!(negotiate(accept, ApiVersion::V3), version_3, "{accept:?} in version 3");
        }
    }

    #[test]
    fn only_formats_that_are_named_stand_in_for_jpeg() {
        use Format::{Avif, Jxl, Webp};
        let offered = [Avif, Webp];
        for (accept, want) in [
            (None, None),
            (Some(""), None),
            (Some("*/*"), None),
            (Some("image/*"), None),
            (Some("image/jpeg"), None),
            (Some("image/jxl"), None),
            (Some("image/avif"), Some(Avif)),
            (Some("IMAGE/AVIF"), Some(Avif)),
            (Some("image/webp, image/avif"), Some(Avif)),
            (Some("image/webp, image/avif;q=0.9"), Some(Webp)),
            (Some("image/avif;q=0, image/webp"), Some(Webp)),
            (Some("image/avif;q=0"), None),
            (Some("image/avif;q=0.5, image/jpeg"), None),
            (Some("image/avif;q=0.5, image/jpeg;q=0.5"), Some(Avif)),
            (Some("image/avif;q=0.5, */*;q=0.1"), Some(Avif)),
            (Some("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"), Some(Avif)),
            (Some("text/html,application/xhtml+xml,image/webp,*/*;q=0.8"), Some(Webp)),
            (Some("application/avif"), None),
        ] {
            assert_eq!(negotiate_format(accept, &offered), want, "{accept:?}");
        }
        assert_eq!(negotiate_format(Some("image/jxl,image/avif"), &[Jxl, Avif]), Some(Jxl));
        assert_eq!(negotiate_format(Some("image/avif"), &[]), None);
    }

    #[test]
    fn media_types_and_profiles_are_in_their_http_form() {
        assert_eq!(
            MediaType::JsonLd.content_type(ApiVersion::V3),
            format!("application/ld+json;profile=\"{}\"", ApiVersion::V3.context())
        );
        assert_eq!(MediaType::JsonLd.content_type(ApiVersion::V2), "application/ld+json");
        for version in ApiVersion::ALL {
            assert_eq!(ApiVersion::from_segment(version.segment()), Some(version));
            for level in [ComplianceLevel::Level0, ComplianceLevel::Level1, ComplianceLevel::Level2] {
                let want = format!("{PROTOCOL}/{}/{}.json", version.segment(), level.name());
                assert_eq!(level.uri(version), want);
            }
        }
    }
}
