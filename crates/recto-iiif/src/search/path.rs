//! Where search services are: `{2|1}/{identifier}/{scope}`, and their completions one step below.
//!
//! ```text
//! 2/maps%2Fprague/manifest                        1/maps/collection
//! 2/maps%2Fprague/manifest/autocomplete           1/maps/collection/autocomplete
//! 2/book/canvas/12                                2/book/range/chapter-3
//! ```
//!
//! `2/maps%2Fprague` alone means the manifest's.
//!
//! The grammar is that of presentation documents with `canvas` and `range` beside them. With an identifier in one encoded segment,
//! as all of our documents write it, a path means one thing; one with slashes as they are is understood where nothing else fits.

use std::fmt;

use super::{SearchServices, ServiceUrls, Version};
use crate::identifier::Identifier;
use crate::image::RequestError;

/// What is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of an object.
    Manifest,
    /// All objects of a collection, and of those in it.
    Collection,
    /// The canvas of this name.
    Canvas(Identifier),
    /// The range of this name, with the ranges in it.
    Range(Identifier),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("manifest"),
            Self::Collection => f.write_str("collection"),
            Self::Canvas(name) => write!(f, "canvas/{}", name.encoded()),
            Self::Range(name) => write!(f, "range/{}", name.encoded()),
        }
    }
}

/// What a service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It finds.
    Search,
    /// It completes terms.
    Autocomplete,
}

/// A path below that of all search services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    /// Which version answers.
    pub version: Version,
    /// The object or collection.
    pub identifier: Identifier,
    /// What of it is searched.
    pub scope: Scope,
    /// Search or completion.
    pub operation: Operation,
}

const AUTOCOMPLETE: &str = "autocomplete";
/// What stood for the version in the drafts of 1.0.
const BEFORE_1: &str = "0";

impl SearchPath {
    /// Reads a path, still encoded; `None` where no service can be. What old viewers ask below `0`, before there was 1.0, is answered
    /// as 1.0.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] for an identifier or a name whose escapes cannot be read.
    pub fn parse(path: &str) -> Result<Option<Self>, RequestError> {
        let Some((version, rest)) = path.split_once('/') else { return Ok(None) };
        let version = if version == BEFORE_1 { Some(Version::V1) } else { Version::from_segment(version) };
        let Some(version) = version else { return Ok(None) };
        let Some((identifier, scope, operation)) = parts(rest) else { return Ok(None) };
        let scope = match scope {
            RawScope::Manifest => Scope::Manifest,
            RawScope::Collection => Scope::Collection,
            RawScope::Canvas(name) => Scope::Canvas(Identifier::parse_encoded(name)?),
            RawScope::Range(name) => Scope::Range(Identifier::parse_encoded(name)?),
        };
        Ok(Some(Self { version, identifier: Identifier::parse_encoded(identifier)?, scope, operation }))
    }
}

impl fmt::Display for SearchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.version.segment(), self.identifier.encoded(), self.scope)?;
        match self.operation {
            Operation::Search => Ok(()),
            Operation::Autocomplete => write!(f, "/{AUTOCOMPLETE}"),
        }
    }
}

impl SearchServices {
    /// The services of both versions; `prefix` is the URI of all of them, without a slash at its end.
    pub fn at(prefix: &str, identifier: &Identifier, scope: &Scope) -> Self {
        let urls = |version| ServiceUrls::at(prefix, version, identifier, scope);
        Self { v2: urls(Version::V2), v1: urls(Version::V1) }
    }
}

impl ServiceUrls {
    /// The URIs of the service of one version. Annotations have the same URIs in both, and in all scopes of one object.
    pub fn at(prefix: &str, version: Version, identifier: &Identifier, scope: &Scope) -> Self {
        let encoded = identifier.encoded();
        Self::new(format!("{prefix}/{}/{encoded}/{scope}", version.segment()))
            .with_annotations(format!("{prefix}/{}/{encoded}/annotation", Version::V2.segment()))
    }
}

enum RawScope<'p> {
    Manifest,
    Collection,
    Canvas(&'p str),
    Range(&'p str),
}

type Parts<'p> = (&'p str, RawScope<'p>, Operation);

fn parts(rest: &str) -> Option<Parts<'_>> {
    let inner = rest.strip_suffix(AUTOCOMPLETE).and_then(|inner| inner.strip_suffix('/'));
    let search = || scope(rest).map(|(identifier, scope)| (identifier, scope, Operation::Search));
    let completion = || scope(inner?).map(|(identifier, scope)| (identifier, scope, Operation::Autocomplete));
    // One segment for the identifier before several: `a/canvas/autocomplete` is the canvas of that name.
    let is_one = |found: &Parts<'_>| !found.0.contains('/');
    search()
        .filter(is_one)
        .or_else(|| completion().filter(is_one))
        .or_else(completion)
        .or_else(search)
        .or_else(|| bare(rest))
}

/// An identifier alone, in one segment.
fn bare(rest: &str) -> Option<Parts<'_>> {
    let (identifier, operation) = match rest.strip_suffix("/autocomplete") {
        Some(identifier) => (identifier, Operation::Autocomplete),
        None => (rest, Operation::Search),
    };
    let is_one =
        !identifier.is_empty() && !identifier.contains('/') && !matches!(identifier, "manifest" | "collection");
    is_one.then_some((identifier, RawScope::Manifest, operation))
}

/// The identifier and what of it is meant.
fn scope(rest: &str) -> Option<(&str, RawScope<'_>)> {
    let (before, last) = rest.rsplit_once('/')?;
    let named = |kind: &str| before.strip_suffix(kind)?.strip_suffix('/').filter(|before| !before.is_empty());
    // `a/canvas/manifest` is the canvas of that name, when `a` is one segment.
    if let Some(identifier) = named("canvas").filter(|identifier| is_name_of(identifier, last)) {
        return Some((identifier, RawScope::Canvas(last)));
    }
    if let Some(identifier) = named("range").filter(|identifier| is_name_of(identifier, last)) {
        return Some((identifier, RawScope::Range(last)));
    }
    match last {
        "manifest" => Some((before, RawScope::Manifest)),
        "collection" => Some((before, RawScope::Collection)),
        _ => None,
    }
    .filter(|(identifier, _)| !identifier.is_empty())
}

fn is_name_of(identifier: &str, last: &str) -> bool {
    !last.is_empty() && (!identifier.contains('/') || !matches!(last, "manifest" | "collection"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(version: Version, identifier: &str, scope: Scope, operation: Operation) -> SearchPath {
        SearchPath { version, identifier: Identifier::new(identifier), scope, operation }
    }

    #[test]
    fn s2_1_each_scope_has_a_path_of_its_own() {
        use Operation::{Autocomplete, Search};
        let canvas = |name: &str| Scope::Canvas(Identifier::new(name));
        let range = |name: &str| Scope::Range(Identifier::new(name));
        for (text, want) in [
            ("2/a/manifest", path(Version::V2, "a", Scope::Manifest, Search)),
            ("1/a%2Fb/manifest", path(Version::V1, "a/b", Scope::Manifest, Search)),
            ("1/a/manifest/autocomplete", path(Version::V1, "a", Scope::Manifest, Autocomplete)),
            ("2/a/collection", path(Version::V2, "a", Scope::Collection, Search)),
            ("2/a/canvas/1", path(Version::V2, "a", canvas("1"), Search)),
            ("2/a/canvas/1/autocomplete", path(Version::V2, "a", canvas("1"), Autocomplete)),
            ("2/a/canvas/autocomplete", path(Version::V2, "a", canvas("autocomplete"), Search)),
            ("2/a/canvas/autocomplete/autocomplete", path(Version::V2, "a", canvas("autocomplete"), Autocomplete)),
            ("2/a/canvas/manifest", path(Version::V2, "a", canvas("manifest"), Search)),
            ("2/canvas/manifest", path(Version::V2, "canvas", Scope::Manifest, Search)),
            ("2/manifest/manifest", path(Version::V2, "manifest", Scope::Manifest, Search)),
            ("2/a/range/x%2Fy", path(Version::V2, "a", range("x/y"), Search)),
            ("2/autocomplete/manifest", path(Version::V2, "autocomplete", Scope::Manifest, Search)),
        ] {
            assert_eq!(SearchPath::parse(text), Ok(Some(want.clone())), "{text}");
            assert_eq!(want.to_string(), text);
        }
    }

    #[test]
    fn identifiers_with_slashes_as_they_are_are_understood_too() {
        for (text, want) in [
            ("2/a/b/manifest", "2/a%2Fb/manifest"),
            ("2/a/b/manifest/autocomplete", "2/a%2Fb/manifest/autocomplete"),
            ("1/a/b/canvas/1", "1/a%2Fb/canvas/1"),
            ("1/a/b/range/r1/autocomplete", "1/a%2Fb/range/r1/autocomplete"),
            ("1/a/b/canvas/manifest", "1/a%2Fb%2Fcanvas/manifest"),
            ("2/a", "2/a/manifest"),
            ("1/a%2Fb/autocomplete", "1/a%2Fb/manifest/autocomplete"),
        ] {
            assert_eq!(SearchPath::parse(text).unwrap().unwrap().to_string(), want, "{text}");
        }
    }

    #[test]
    fn other_paths_are_of_no_service() {
        for text in ["", "2", "2/", "3/a/manifest", "2/manifest", "2//manifest", "2/a/b", "2/a/canvas/"] {
            assert_eq!(SearchPath::parse(text), Ok(None), "{text}");
        }
        assert!(SearchPath::parse("2/%zz/manifest").is_err() && SearchPath::parse("2/a/canvas/%ff").is_err());
    }

    #[test]
    fn services_are_where_their_paths_say() {
        let services = SearchServices::at("https://example.org/iiif/search", &Identifier::new("a/b"), &Scope::Manifest);
        assert_eq!(services.v2.search(), "https://example.org/iiif/search/2/a%2Fb/manifest");
        assert_eq!(services.v1.autocomplete(), "https://example.org/iiif/search/1/a%2Fb/manifest/autocomplete");
        assert_eq!(services.v1.annotation("1-2"), "https://example.org/iiif/search/2/a%2Fb/annotation/1-2");
        assert_eq!(services.v1.annotation("1-2"), services.v2.annotation("1-2"));
    }

    proptest! {
        #[test]
        fn a_path_written_and_read_again_is_the_same(identifier in "[^\\p{Cc}]{1,12}|(manifest|canvas|autocomplete)(/canvas)?", name in "[^\\p{Cc}]{1,8}|manifest|autocomplete", kind in 0..4, completes: bool, one: bool) {
            let name = Identifier::new(name);
            let scope = match kind {
                0 => Scope::Manifest,
                1 => Scope::Collection,
                2 => Scope::Canvas(name),
                _ => Scope::Range(name),
            };
            let version = if one { Version::V1 } else { Version::V2 };
            let operation = if completes { Operation::Autocomplete } else { Operation::Search };
            let given = path(version, &identifier, scope, operation);
            prop_assert_eq!(SearchPath::parse(&given.to_string()), Ok(Some(given)));
        }

        #[test]
        fn no_text_makes_reading_panic(text in "[12]/(\\PC|/|manifest|canvas|%){0,20}") {
            let _ = SearchPath::parse(&text);
        }
    }
}
