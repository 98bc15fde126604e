//! The versions of the API, and the media types of their answers.

use crate::presentation;

/// A version of the Content Search API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// 1.0, whose answers are annotation lists of Presentation 2.
    V1,
    /// 2.0, whose answers are annotation pages of Presentation 3.
    V2,
}

impl Version {
    /// Both versions, in order.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The URI of its JSON-LD context.
    pub const fn context(self) -> &'static str {
        match self {
            Self::V1 => "http://iiif.io/api/search/1/context.json",
            Self::V2 => "http://iiif.io/api/search/2/context.json",
        }
    }

    /// The word for it in URLs.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
        }
    }

    /// The version with this word in URLs.
    pub fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.segment() == segment)
    }

    /// The `Content-Type` of an answer, for this `Accept` header: JSON-LD with its profile unless plain JSON is wished for; of 1.0 plain
    /// JSON unless JSON-LD is.
    pub fn content_type(self, accept: Option<&str>) -> &'static str {
        let (like, linked) = match self {
            Self::V1 => {
                (presentation::Version::V2, "application/ld+json;profile=\"http://iiif.io/api/search/1/context.json\"")
            }
            Self::V2 => {
                (presentation::Version::V3, "application/ld+json;profile=\"http://iiif.io/api/search/2/context.json\"")
            }
        };
        match like.content_type(accept) {
            plain @ "application/json" => plain,
            _ => linked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ld_has_the_profile_of_the_version_and_who_wants_json_gets_it() {
        let linked = "application/ld+json;profile=\"http://iiif.io/api/search/2/context.json\"";
        for (version, accept, want) in [
            (Version::V2, None, linked),
            (Version::V2, Some("*/*"), linked),
            (Version::V2, Some("application/json"), "application/json"),
            (Version::V2, Some("text/html,*/*;q=0.8"), "application/json"),
            (Version::V1, None, "application/json"),
            (
                Version::V1,
                Some("application/ld+json"),
                "application/ld+json;profile=\"http://iiif.io/api/search/1/context.json\"",
            ),
        ] {
            assert_eq!(version.content_type(accept), want, "{version:?} {accept:?}");
        }
    }

    #[test]
    fn words_in_urls_name_versions() {
        for version in Version::ALL {
            assert_eq!(Version::from_segment(version.segment()), Some(version));
        }
        assert_eq!((Version::from_segment("0"), Version::from_segment("")), (None, None));
    }
}
