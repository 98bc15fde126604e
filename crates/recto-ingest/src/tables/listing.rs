//! The files and folders that are there, to be found by what people wrote.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization as _;

use crate::natural;

/// Paths of the files (or folders) that a table may name, relative to the folder of what it describes, with `/` between
/// their parts.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// In natural order.
    paths: Vec<String>,
    known: BTreeSet<String>,
    by_alike: HashMap<String, usize>,
    by_stem: HashMap<String, Option<usize>>,
}

/// What was found for a path that someone wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// It is there.
    Exactly,
    /// One differs in case, in how accents are encoded, or has an extension too.
    As(&'a str),
    /// There is none.
    Nothing,
}

impl Listing {
    /// A listing of these paths.
    pub fn new(paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut paths: Vec<String> = paths.into_iter().map(Into::into).collect();
        paths.sort_by(|left, right| natural::compare(left, right));
        paths.dedup();
        let mut listing = Self { known: paths.iter().cloned().collect(), ..Self::default() };
        for (place, path) in paths.iter().enumerate() {
            listing.by_alike.entry(alike(path)).or_insert(place);
            // A stem that two files share names neither.
            listing.by_stem.entry(alike(stem(path))).and_modify(|known| *known = None).or_insert(Some(place));
        }
        listing.paths = paths;
        listing
    }

    /// All paths, in natural order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    pub(crate) fn find(&self, given: &str) -> Found<'_> {
        if self.known.contains(given) {
            return Found::Exactly;
        }
        let wanted = alike(given);
        let stem = || self.by_stem.get(&wanted).copied().flatten();
        let place = self.by_alike.get(&wanted).copied().or_else(stem);
        place.and_then(|place| self.paths.get(place)).map_or(Found::Nothing, |path| Found::As(path))
    }

    /// Paths that a pattern of `*`, `?` and `[abc]` means, in natural order; none of these stands for a `/`.
    pub(crate) fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = &'a str> {
        let pattern: Vec<char> = pattern.nfc().collect();
        self.paths().filter(move |path| matches_pattern(&pattern, &path.nfc().collect::<Vec<char>>()))
    }
}

/// The path without the extension of its last part.
fn stem(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    path.rfind('.').filter(|dot| *dot > name).map_or(path, |dot| &path[..dot])
}

/// What two paths share that people cannot tell apart.
fn alike(path: &str) -> String {
    path.nfc().flat_map(char::to_lowercase).collect()
}

/// True for a path with wildcards in it.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// Goes back only to the last `*`, so that no pattern takes more than pattern times path.
fn matches_pattern(pattern: &[char], path: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < path.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('?') => (path[t] != '/').then_some(1),
            Some('[') => class(&pattern[p..], path[t]),
            Some(letter) => same_letter(*letter, path[t]).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((after, from))) if path[from] != '/' => {
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
            (None, _) => return false,
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

fn same_letter(left: char, right: char) -> bool {
    left == right || left.to_lowercase().eq(right.to_lowercase())
}

/// The length of the class `[a-z]` at the start of the pattern, where the letter is in it; a `[` without end is a letter.
fn class(pattern: &[char], letter: char) -> Option<usize> {
    let Some(end) = pattern.iter().position(|c| *c == ']').filter(|end| *end > 1) else {
        return (letter == '[').then_some(1);
    };
    let inside = &pattern[1..end];
    let single = inside.contains(&letter);
    let span = inside.windows(3).any(|span| span[1] == '-' && (span[0]..=span[2]).contains(&letter));
    (letter != '/' && (single || span)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_found_as_people_write_it() {
        let listing = Listing::new(["001.tif", "scans/ü.TIF", "x.jpg", "x.png", "sub/002.tif"]);
        for (given, want) in [
            ("001.tif", Found::Exactly),
            ("001.TIF", Found::As("001.tif")),
            ("001", Found::As("001.tif")),
            ("scans/u\u{308}.tif", Found::As("scans/ü.TIF")),
            ("sub/002", Found::As("sub/002.tif")),
            ("x", Found::Nothing),
            ("002.tif", Found::Nothing),
        ] {
            assert_eq!(listing.find(given), want, "{given}");
        }
    }

    #[test]
    fn patterns_name_files_in_natural_order() {
        let listing = Listing::new(["10.tif", "2.tif", "2v.tif", "a[1].tif", "sub/3.tif", "3.TIF"]);
        for (pattern, want) in [
            ("*.tif", &["2.tif", "2v.tif", "3.TIF", "10.tif", "a[1].tif"][..]),
            ("?.tif", &["2.tif", "3.TIF"]),
            ("sub/*", &["sub/3.tif"]),
            ("*/*.tif", &["sub/3.tif"]),
            ("[0-2]*.tif", &["2.tif", "2v.tif", "10.tif"]),
            ("*", &["2.tif", "2v.tif", "3.TIF", "10.tif", "a[1].tif"]),
            ("*v*", &["2v.tif"]),
            ("", &[]),
        ] {
            assert_eq!(listing.matching(pattern).collect::<Vec<_>>(), want, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_has_an_answer(pattern in "[a*?/\\[\\]-]{0,12}", path in "[a/\\[b]{0,12}") {
            Listing::new([path]).matching(&pattern).count();
        }
    }
}
