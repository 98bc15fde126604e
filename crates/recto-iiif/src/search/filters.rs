//! By what a search may be narrowed: motivations and dates. Content Search 2.0 §4.1.1, 1.0 §3.2.1.

use std::fmt;

use super::{SearchRequestError, Version};
use crate::discovery::Timestamp;

/// The namespace of Open Annotation and of Web Annotation.
const OA: &str = "http://www.w3.org/ns/oa#";
/// Namespaces of the Presentation API.
const PRESENTATIONS: [&str; 2] = ["http://iiif.io/api/presentation/2#", "http://iiif.io/api/presentation/3#"];

const DATE_FORMS: &str = "`start/end`, both as `YYYY-MM-DDThh:mm:ssZ` in UTC, the start not after the end";

/// One of the motivations that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Motivation {
    /// `painting` of 1.0: what is part of the canvas, and the text of pages, which 1.0 calls so too.
    Painting,
    /// `non-painting` of 1.0: everything else.
    NonPainting,
    /// This word, as Web Annotation and Presentation 3.0 write it; or the URI or prefixed name of an extension.
    Named(String),
}

impl Motivation {
    /// Reads one word. Prefixes and namespaces of Open Annotation and of IIIF are dropped.
    pub fn parse(word: &str, version: Version) -> Self {
        let plain = [OA, PRESENTATIONS[0], PRESENTATIONS[1], "oa:", "sc:"];
        let plain = plain.iter().find_map(|prefix| word.strip_prefix(prefix)).unwrap_or(word);
        match (version, plain) {
            (Version::V1, "painting") => Self::Painting,
            (Version::V1, "non-painting") => Self::NonPainting,
            _ => Self::Named(plain.to_owned()),
        }
    }

    /// Is it that of an annotation with this motivation, written as in 3.0? That of the text of pages is `supplementing`.
    pub fn admits(&self, motivation: &str) -> bool {
        let is_painting = matches!(motivation, "painting" | "supplementing");
        match self {
            Self::Painting => is_painting,
            Self::NonPainting => !is_painting,
            Self::Named(word) => word == motivation,
        }
    }
}

impl fmt::Display for Motivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Painting => "painting",
            Self::NonPainting => "non-painting",
            Self::Named(word) => word,
        })
    }
}

/// A time between two moments, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// The first moment.
    pub start: Timestamp,
    /// The last moment.
    pub end: Timestamp,
}

impl DateRange {
    /// Reads `start/end`.
    ///
    /// # Errors
    ///
    /// [`SearchRequestError::Malformed`] for anything but two moments in UTC with `Z`, in their order.
    pub fn parse(text: &str) -> Result<Self, SearchRequestError> {
        let refused = || SearchRequestError::malformed("date", text, DATE_FORMS);
        let (start, end) = text.split_once('/').ok_or_else(refused)?;
        let moment = |text: &str| -> Result<Timestamp, SearchRequestError> {
            if !text.ends_with('Z') {
                return Err(SearchRequestError::malformed("date", text, DATE_FORMS));
            }
            text.parse().map_err(|_| SearchRequestError::malformed("date", text, DATE_FORMS))
        };
        let range = Self { start: moment(start)?, end: moment(end)? };
        if range.start <= range.end { Ok(range) } else { Err(refused()) }
    }

    /// Is this moment within?
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment <= self.end
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_6_motivations_are_known_with_and_without_prefix() {
        for (word, want) in [
            ("painting", Motivation::Painting),
            ("sc:painting", Motivation::Painting),
            ("non-painting", Motivation::NonPainting),
            ("commenting", Motivation::Named("commenting".into())),
            ("oa:commenting", Motivation::Named("commenting".into())),
            ("http://www.w3.org/ns/oa#tagging", Motivation::Named("tagging".into())),
            ("ex:reading", Motivation::Named("ex:reading".into())),
            ("https://example.org/reading", Motivation::Named("https://example.org/reading".into())),
        ] {
            assert_eq!(Motivation::parse(word, Version::V1), want, "{word}");
        }
        assert_eq!(Motivation::parse("painting", Version::V2), Motivation::Named("painting".into()));
        assert_eq!(Motivation::parse("non-painting", Version::V2), Motivation::Named("non-painting".into()));
    }

    #[test]
    fn the_text_of_pages_is_painting_in_1_0_and_supplementing_in_2_0() {
        for (word, version, text, comment) in [
            ("painting", Version::V1, true, false),
            ("non-painting", Version::V1, false, true),
            ("painting", Version::V2, false, false),
            ("supplementing", Version::V2, true, false),
            ("commenting", Version::V2, false, true),
        ] {
            let motivation = Motivation::parse(word, version);
            assert_eq!(
                (motivation.admits("supplementing"), motivation.admits("commenting")),
                (text, comment),
                "{word}"
            );
        }
    }

    #[test]
    fn s2_6_a_malformed_date_is_refused_with_the_part_that_is_wrong() {
        let good = "2020-01-01T00:00:00Z/2020-12-31T23:59:59Z";
        let range = DateRange::parse(good).unwrap();
        assert_eq!(range.to_string(), good);
        for (moment, want) in
            [("2020-01-01T00:00:00Z", true), ("2020-12-31T23:59:59Z", true), ("2021-01-01T00:00:00Z", false)]
        {
            assert_eq!(range.contains(moment.parse().unwrap()), want, "{moment}");
        }
        for (text, part) in [
            ("2020", "2020"),
            ("", ""),
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01/2020-12-31T00:00:00Z", "2020-01-01"),
            ("2020-01-01T00:00:00+01:00/2020-12-31T00:00:00Z", "2020-01-01T00:00:00+01:00"),
            ("2020-01-01T00:00:00Z/2020-13-31T00:00:00Z", "2020-13-31T00:00:00Z"),
            ("2020-12-31T00:00:00Z/2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z/2020-01-01T00:00:00Z"),
        ] {
            let refused = DateRange::parse(text).unwrap_err();
            assert_eq!((refused.parameter(), refused.given()), ("date", part), "{text}");
        }
    }
}
