//! Stems: one term for all forms of a word, in the languages whose rules are known.

use rust_stemmers::{Algorithm, Stemmer};

use super::fold;

/// A language whose words can be stemmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StemLanguage(u8);

/// Language codes of two letters and of three, in both forms, with what stems them. Indexes hold the place in this table: only append.
const LANGUAGES: &[(&[&str], Algorithm)] = &[
    (&["ar", "ara"], Algorithm::Arabic),
    (&["da", "dan"], Algorithm::Danish),
    (&["nl", "nld", "dut"], Algorithm::Dutch),
    (&["en", "eng"], Algorithm::English),
    (&["fi", "fin"], Algorithm::Finnish),
    (&["fr", "fra", "fre"], Algorithm::French),
    (&["de", "deu", "ger"], Algorithm::German),
    (&["el", "ell", "gre"], Algorithm::Greek),
    (&["hu", "hun"], Algorithm::Hungarian),
    (&["it", "ita"], Algorithm::Italian),
    (&["no", "nor", "nb", "nob", "nn", "nno"], Algorithm::Norwegian),
    (&["pt", "por"], Algorithm::Portuguese),
    (&["ro", "ron", "rum"], Algorithm::Romanian),
    (&["ru", "rus"], Algorithm::Russian),
    (&["es", "spa"], Algorithm::Spanish),
    (&["sv", "swe"], Algorithm::Swedish),
    (&["ta", "tam"], Algorithm::Tamil),
    (&["tr", "tur"], Algorithm::Turkish),
];

/// Longer words are names of chemistry or errors of recognition.
const LONGEST_CHARACTERS: usize = 40;

impl StemLanguage {
    /// The language of a BCP 47 tag, if its words can be stemmed. What follows the first subtag does not matter.
    pub fn of(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let at = LANGUAGES.iter().position(|(codes, _)| codes.iter().any(|code| code.eq_ignore_ascii_case(primary)))?;
        u8::try_from(at).ok().map(Self)
    }

    /// Its code in two letters.
    pub fn code(self) -> &'static str {
        LANGUAGES.get(usize::from(self.0)).and_then(|(codes, _)| codes.first()).copied().unwrap_or_default()
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        (usize::from(number) < LANGUAGES.len()).then_some(Self(number))
    }

    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

/// How the words of one language are understood.
pub struct Analysis {
    stemmer: Option<(StemLanguage, Stemmer)>,
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysis").field("language", &self.language()).finish()
    }
}

impl Analysis {
    /// The analysis for a BCP 47 language; stems only when `stem` says so and the language is known.
    pub fn for_language(language: Option<&str>, stem: bool) -> Self {
        let language = language.filter(|_| stem).and_then(StemLanguage::of);
        Self { stemmer: language.and_then(|language| Self::of(language).stemmer) }
    }

    pub(crate) fn of(language: StemLanguage) -> Self {
        let algorithm = LANGUAGES.get(usize::from(language.0)).map(|(_, algorithm)| *algorithm);
        Self { stemmer: algorithm.map(|algorithm| (language, Stemmer::create(algorithm))) }
    }

    /// The language whose stems it gives; `None` when it gives none.
    pub fn language(&self) -> Option<StemLanguage> {
        self.stemmer.as_ref().map(|(language, _)| *language)
    }

    /// The stem of a piece as it is written, folded; `None` for what has none: numbers, single letters, unknown languages.
    ///
    /// Rules of stemming need the accents that folding takes away, so the piece must not be folded before.
    pub fn stem(&self, piece: &str) -> Option<String> {
        let (_, stemmer) = self.stemmer.as_ref()?;
        let length = piece.chars().take(LONGEST_CHARACTERS + 1).count();
        if !(2..=LONGEST_CHARACTERS).contains(&length) || !piece.chars().all(char::is_alphabetic) {
            return None;
        }
        let lower = piece.to_lowercase();
        let stem = fold(&stemmer.stem(&lower)).into_owned();
        (!stem.is_empty()).then_some(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t6_forms_of_a_word_have_one_stem_in_known_languages_only() {
        for (language, one, other) in [
            ("en", "houses", "house"),
            ("de-DE", "Häuser", "Haus"),
            ("fra", "générales", "général"),
            ("ru", "книгами", "книга"),
            ("es", "naciones", "nación"),
        ] {
            let analysis = Analysis::for_language(Some(language), true);
            assert_eq!(analysis.stem(one), analysis.stem(other), "{language}");
            assert!(analysis.stem(one).is_some(), "{language}");
        }
        assert!(Analysis::for_language(Some("la"), true).stem("rosarum").is_none());
        assert!(Analysis::for_language(Some("en"), false).stem("houses").is_none());
        assert!(Analysis::for_language(None, true).stem("houses").is_none());
        assert!(Analysis::for_language(Some("en"), true).stem("1815").is_none());
    }
}
