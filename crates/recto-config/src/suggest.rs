//! Which known word did the typist mean?

/// The candidate nearest to `word`, if one is near enough to be a slip of the fingers.
///
/// Letter case and the difference between `-` and `_` count for nothing. Of equally near candidates the first wins.
///
/// ```
/// assert_eq!(recto_config::did_you_mean("max_sise", ["max_size", "path"]), Some("max_size"));
/// assert_eq!(recto_config::did_you_mean("elephant", ["max_size", "path"]), None);
/// ```
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = plain(candidate);
        let mut distance = strsim::damerau_levenshtein(&word, &other);
        // A word left unfinished, or one of several words: `size` for `max_size`.
        if distance > allowed && word.len() >= 4 && (other.starts_with(&word) || other.ends_with(&word)) {
            distance = allowed;
        }
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        for (word, candidates, want) in [
            ("lisen", &["listen", "base_url"][..], Some("listen")),
            ("base-url", &["listen", "base_url"], Some("base_url")),
            ("BASE_URL", &["listen", "base_url"], Some("base_url")),
            ("lsiten", &["listen"], Some("listen")),
            ("size", &["max_size", "path"], Some("max_size")),
            ("max", &["may", "max"], Some("max")),
            ("x", &["y"], Some("y")),
            ("zebra", &["listen", "base_url"], None),
            ("", &["listen"], None),
            ("listen", &[], None),
        ] {
            assert_eq!(did_you_mean(word, candidates.iter().copied()), want, "{word}");
        }
    }
}
