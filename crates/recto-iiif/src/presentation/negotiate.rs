//! Which version and media type an `Accept` header asks for. Presentation API 3.0 §6.3, 2.1 §7.2, 4.0 (draft) "Responses".

/// A version of the Presentation API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// 2.1 (and 2.0).
    V2,
    /// 3.0.
    #[default]
    V3,
    /// 4.0, as its draft is now: see [`super::v4`].
    V4,
}

impl Version {
    /// All versions, in order.
    pub const ALL: [Self; 3] = [Self::V2, Self::V3, Self::V4];

    /// The URI of its JSON-LD context, which is also the `profile` of its media type.
    pub const fn context(self) -> &'static str {
        match self {
            Self::V2 => "http://iiif.io/api/presentation/2/context.json",
            Self::V3 => "http://iiif.io/api/presentation/3/context.json",
            Self::V4 => "http://iiif.io/api/presentation/4/context.json",
        }
    }

    /// The word for it in URLs.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::V2 => "2",
            Self::V3 => "3",
            Self::V4 => "4",
        }
    }

    /// The version with this word in URLs.
    pub fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.segment() == segment)
    }

    /// The `Content-Type` of a document of this version, for this `Accept` header.
    ///
    /// Without a wish, 3.0 and 4.0 are JSON-LD with their profile and 2.1 plain JSON, as each specification says. Who asks for
    /// plain JSON gets it, and so does a browser that navigates to a document, for it would offer JSON-LD as a download.
    pub fn content_type(self, accept: Option<&str>) -> &'static str {
        let wishes = accept.map(wishes).unwrap_or_default();
        let best = |class: &str| {
            wishes.iter().filter(|wish| wish.media_type == class).map(|wish| wish.thousandths).max().unwrap_or(0)
        };
        let (linked, plain) = (best("application/ld+json"), best("application/json").max(best("text/html")));
        let linked_is_better = match self {
            Self::V3 | Self::V4 => linked >= plain,
            Self::V2 => linked > plain,
        };
        match (linked_is_better, self) {
            (true, Self::V4) => "application/ld+json;profile=\"http://iiif.io/api/presentation/4/context.json\"",
            (true, Self::V3) => "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"",
            (true, Self::V2) => "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"",
            (false, _) => "application/json",
        }
    }
}

/// The version that an `Accept` header asks for by a `profile`; 3.0 when it asks for none that is known.
///
/// Never fails: what cannot be read counts as not said, so that no client is turned away over a header.
pub fn negotiate(accept: Option<&str>) -> Version {
    let mut chosen = (0, Version::default());
    for wish in accept.map(wishes).unwrap_or_default() {
        if let Some(version) = wish.version
            && wish.thousandths > chosen.0
        {
            chosen = (wish.thousandths, version);
        }
    }
    chosen.1
}

/// One entry of an `Accept` header.
struct Wish {
    media_type: String,
    version: Option<Version>,
    thousandths: u32,
}

fn wishes(accept: &str) -> Vec<Wish> {
    split_outside_quotes(accept, ',').filter_map(parse_wish).collect()
}

fn parse_wish(entry: &str) -> Option<Wish> {
    let mut parts = split_outside_quotes(entry, ';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    let mut wish = Wish { version: None, thousandths: 1000, media_type };
    for part in parts {
        let Some((name, value)) = part.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => wish.thousandths = parse_weight(value),
            "profile" => wish.version = value.split_ascii_whitespace().find_map(profile_version),
            _ => {}
        }
    }
    (!wish.media_type.is_empty()).then_some(wish)
}

/// `0` to `1` with three decimals, in thousandths; anything else counts as 1.
fn parse_weight(text: &str) -> u32 {
    match text.parse::<f64>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u32,
        _ => 1000,
    }
}

fn profile_version(uri: &str) -> Option<Version> {
    let plain = uri.strip_prefix("https:").or_else(|| uri.strip_prefix("http:"))?;
    Version::ALL.into_iter().find(|version| version.context().strip_prefix("http:") == Some(plain))
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const P2: &str = "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"";
    const P3: &str = "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"";

    #[test]
    fn a_profile_chooses_the_version_and_the_default_is_3() {
        for (accept, version) in [
            ("", Version::V3),
            ("*/*", Version::V3),
            ("application/json", Version::V3),
            ("garbage;;;=,,\"", Version::V3),
            (P2, Version::V2),
            (P3, Version::V3),
            ("application/json;profile=\"http://iiif.io/api/presentation/2/context.json\"", Version::V2),
            ("application/ld+json; Profile=http://iiif.io/api/presentation/2/context.json", Version::V2),
            ("application/ld+json;profile=\"https://iiif.io/api/presentation/2/context.json\"", Version::V2),
            (
                "application/ld+json;profile=\"http://example.org/x http://iiif.io/api/presentation/2/context.json\"",
                Version::V2,
            ),
            ("application/ld+json;profile=\"http://iiif.io/api/presentation/9/context.json\"", Version::V3),
            (&format!("{P2};q=0.5, {P3}"), Version::V3),
            (&format!("{P2}, {P3};q=0.9"), Version::V2),
            (&format!("{P2}, {P3}"), Version::V2),
            (&format!("{P2};q=0, {P3};q=0.1"), Version::V3),
            (&format!("{P2};q=0"), Version::V3),
            (
                "text/html, application/ld+json;profile=\"a,b;c http://iiif.io/api/presentation/2/context.json\";q=0.2",
                Version::V2,
            ),
        ] {
            assert_eq!(negotiate(Some(accept)), version, "{accept}");
        }
        assert_eq!(negotiate(None), Version::V3);
    }

    #[test]
    fn the_draft_of_4_is_had_by_its_profile_and_its_word_and_never_unasked() {
        let p4 = "application/ld+json;profile=\"http://iiif.io/api/presentation/4/context.json\"";
        assert_eq!(negotiate(Some(p4)), Version::V4);
        assert_eq!(negotiate(Some(&format!("{P3};q=0.9, {p4};q=0.5"))), Version::V3);
        assert_eq!((negotiate(None), Version::default()), (Version::V3, Version::V3));
        for version in Version::ALL {
            assert_eq!(Version::from_segment(version.segment()), Some(version));
        }
        assert_eq!(Version::from_segment("5"), None);
        assert_eq!(Version::V4.content_type(None), p4);
        assert_eq!(Version::V4.content_type(Some("application/json")), "application/json");
    }

    #[test]
    fn the_content_type_is_what_each_version_says_it_should_be() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
        for (accept, of_3, of_2) in [
            (None, P3, "application/json"),
            (Some("*/*"), P3, "application/json"),
            (Some("application/json"), "application/json", "application/json"),
            (Some("application/json, */*"), "application/json", "application/json"),
            (Some("application/ld+json"), P3, P2),
            (Some("application/json;q=0.5, application/ld+json"), P3, P2),
            (Some("application/json, application/ld+json;q=0.5"), "application/json", "application/json"),
            (Some(browser), "application/json", "application/json"),
            (Some(P2), P3, P2),
        ] {
            assert_eq!(Version::V3.content_type(accept), of_3, "{accept:?}");
            assert_eq!(Version::V2.content_type(accept), of_2, "{accept:?}");
        }
    }
}
