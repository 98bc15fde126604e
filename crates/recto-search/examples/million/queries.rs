//! What is searched for: queries of each kind, drawn from the words of a corpus.

use recto_testkit::Rng;

use crate::corpus::Corpus;

/// The kinds; the last is completed instead of searched for.
pub(crate) const KINDS: [&str; 9] = [
    "rare word",
    "word once a page",
    "common word",
    "phrase of 2",
    "two words",
    "prefix of 3",
    "fuzzy 1",
    "fuzzy 2",
    "autocomplete",
];

/// A query of a kind, for an object in a language.
pub(crate) fn query(kind: usize, language: usize, corpus: &Corpus, rng: &mut Rng) -> String {
    let mut plain = |from: u32, until: u32| loop {
        let word = corpus.word(language, (from + rng.below(until - from)) as usize);
        if word.chars().count() > 2 && word.chars().all(char::is_alphabetic) {
            return word.to_owned();
        }
    };
    match kind {
        0 => plain(2000, 20_000),
        1 => plain(12, 40),
        2 => plain(0, 10),
        3 => format!("\"{} {}\"", plain(0, 30), plain(0, 300)),
        4 => format!("{} {}", plain(20, 300), plain(20, 300)),
        5 => format!("{}*", plain(20, 5000).chars().take(3).collect::<String>()),
        6 => format!("{}~1", plain(20, 5000)),
        7 => format!("{}~2", plain(20, 5000)),
        _ => plain(0, 5000).chars().take(2).collect(),
    }
}
