//! The `Prefer` header of requests for containers. Web Annotation Protocol §4.2.1, RFC 7240.

use super::Contents;

const MINIMAL: &str = "http://www.w3.org/ns/ldp#PreferMinimalContainer";
const IRIS: &str = "http://www.w3.org/ns/oa#PreferContainedIRIs";
const DESCRIPTIONS: &str = "http://www.w3.org/ns/oa#PreferContainedDescriptions";

/// How a client wants a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    /// What pages list; descriptions where nothing is said, or both.
    pub contents: Contents,
    /// The container alone, without its first page.
    pub is_minimal: bool,
    /// The client said what pages are to list.
    says_contents: bool,
    /// The client said something that is honoured, which `Preference-Applied` tells.
    is_said: bool,
}

impl Preference {
    /// The preference that a request's query says, `?iris=1`; without a header for it.
    pub const fn of_query(contents: Contents) -> Self {
        Self { contents, is_minimal: false, says_contents: false, is_said: false }
    }

    /// Reads the values of all `Prefer` headers. What is not understood is left alone, as RFC 7240 wants it.
    pub fn parse<'h>(headers: impl IntoIterator<Item = &'h str>) -> Self {
        let mut names: Vec<String> = Vec::new();
        for header in headers {
            for preference in split(header, ',') {
                names.extend(included(preference));
            }
        }
        let has = |name: &str| names.iter().any(|given| given == name);
        let contents = if has(IRIS) && !has(DESCRIPTIONS) { Contents::Iris } else { Contents::Descriptions };
        let says_contents = has(IRIS) != has(DESCRIPTIONS);
        Self { contents, is_minimal: has(MINIMAL), says_contents, is_said: has(MINIMAL) || says_contents }
    }

    /// Where the header names no contents, those of the query.
    #[must_use]
    pub const fn or_query(mut self, contents: Option<Contents>) -> Self {
        if let (Some(contents), false) = (contents, self.says_contents) {
            self.contents = contents;
        }
        self
    }

    /// The value of `Preference-Applied`, where a preference was said and is honoured.
    pub const fn applied(self) -> Option<&'static str> {
        if self.is_said { Some("return=representation") } else { None }
    }
}

/// The URIs that `return=representation; include="…"` names.
fn included(preference: &str) -> Vec<String> {
    let mut parts = split(preference, ';').into_iter().map(str::trim);
    let is_representation = parts.next().is_some_and(|first| {
        let (name, value) = first.split_once('=').unwrap_or((first, ""));
        name.trim().eq_ignore_ascii_case("return")
            && value.trim().trim_matches('"').eq_ignore_ascii_case("representation")
    });
    if !is_representation {
        return Vec::new();
    }
    let include = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("include").then(|| value.trim().trim_matches('"'))
    });
    include.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// Parts between separators that are not within quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (at, c) in text.char_indices() {
        if c == '"' {
            is_quoted = !is_quoted;
        } else if c == separator && !is_quoted {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}
