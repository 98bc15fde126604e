//! Languages as catalogues write them: codes of ISO 639 and names become tags of BCP 47, and codes become names for people.

use recto_iiif::presentation::LanguageMap;

/// Tag, ISO 639-2/T code, ISO 639-2/B code where it differs, name in English, name in German.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const LANGUAGES: &[Row] = &[
    ("af", "afr", "", "Afrikaans", "Afrikaans"), ("am", "amh", "", "Amharic", "Amharisch"), ("ar", "ara", "", "Arabic", "Arabisch"),
    ("az", "aze", "", "Azerbaijani", "Aserbaidschanisch"), ("be", "bel", "", "Belarusian", "Belarussisch"),
    ("bg", "bul", "", "Bulgarian", "Bulgarisch"), ("bn", "ben", "", "Bengali", "Bengalisch"), ("bo", "bod", "tib", "Tibetan", "Tibetisch"),
    ("br", "bre", "", "Breton", "Bretonisch"), ("bs", "bos", "", "Bosnian", "Bosnisch"), ("ca", "cat", "", "Catalan", "Katalanisch"),
    ("cs", "ces", "cze", "Czech", "Tschechisch"), ("cu", "chu", "", "Church Slavic", "Kirchenslawisch"), ("cy", "cym", "wel", "Welsh", "Walisisch"),
    ("da", "dan", "", "Danish", "Dänisch"), ("de", "deu", "ger", "German", "Deutsch"), ("el", "ell", "gre", "Greek", "Griechisch"),
    ("en", "eng", "", "English", "Englisch"), ("eo", "epo", "", "Esperanto", "Esperanto"), ("es", "spa", "", "Spanish", "Spanisch"),
    ("et", "est", "", "Estonian", "Estnisch"), ("eu", "eus", "baq", "Basque", "Baskisch"), ("fa", "fas", "per", "Persian", "Persisch"),
    ("fi", "fin", "", "Finnish", "Finnisch"), ("fo", "fao", "", "Faroese", "Färöisch"), ("fr", "fra", "fre", "French", "Französisch"),
    ("fy", "fry", "", "Western Frisian", "Westfriesisch"), ("ga", "gle", "", "Irish", "Irisch"), ("gd", "gla", "", "Scottish Gaelic", "Schottisch-Gälisch"),
    ("gl", "glg", "", "Galician", "Galicisch"), ("gu", "guj", "", "Gujarati", "Gujarati"), ("ha", "hau", "", "Hausa", "Hausa"),
    ("he", "heb", "", "Hebrew", "Hebräisch"), ("hi", "hin", "", "Hindi", "Hindi"), ("hr", "hrv", "scr", "Croatian", "Kroatisch"),
    ("hu", "hun", "", "Hungarian", "Ungarisch"), ("hy", "hye", "arm", "Armenian", "Armenisch"), ("id", "ind", "", "Indonesian", "Indonesisch"),
    ("is", "isl", "ice", "Icelandic", "Isländisch"), ("it", "ita", "", "Italian", "Italienisch"), ("ja", "jpn", "", "Japanese", "Japanisch"),
    ("jv", "jav", "", "Javanese", "Javanisch"), ("ka", "kat", "geo", "Georgian", "Georgisch"), ("kk", "kaz", "", "Kazakh", "Kasachisch"),
    ("km", "khm", "", "Khmer", "Khmer"), ("kn", "kan", "", "Kannada", "Kannada"), ("ko", "kor", "", "Korean", "Koreanisch"),
    ("ku", "kur", "", "Kurdish", "Kurdisch"), ("ky", "kir", "", "Kyrgyz", "Kirgisisch"), ("la", "lat", "", "Latin", "Latein"),
    ("lb", "ltz", "", "Luxembourgish", "Luxemburgisch"), ("lo", "lao", "", "Lao", "Laotisch"), ("lt", "lit", "", "Lithuanian", "Litauisch"),
    ("lv", "lav", "", "Latvian", "Lettisch"), ("mi", "mri", "mao", "Maori", "Maori"), ("mk", "mkd", "mac", "Macedonian", "Mazedonisch"),
    ("ml", "mal", "", "Malayalam", "Malayalam"), ("mn", "mon", "", "Mongolian", "Mongolisch"), ("mr", "mar", "", "Marathi", "Marathi"),
    ("ms", "msa", "may", "Malay", "Malaiisch"), ("mt", "mlt", "", "Maltese", "Maltesisch"), ("my", "mya", "bur", "Burmese", "Birmanisch"),
    ("nb", "nob", "", "Norwegian Bokmål", "Norwegisch (Bokmål)"), ("ne", "nep", "", "Nepali", "Nepalesisch"),
    ("nl", "nld", "dut", "Dutch", "Niederländisch"), ("nn", "nno", "", "Norwegian Nynorsk", "Norwegisch (Nynorsk)"),
    ("no", "nor", "", "Norwegian", "Norwegisch"), ("oc", "oci", "", "Occitan", "Okzitanisch"), ("or", "ori", "", "Odia", "Odia"),
    ("pa", "pan", "", "Punjabi", "Panjabi"), ("pi", "pli", "", "Pali", "Pali"), ("pl", "pol", "", "Polish", "Polnisch"),
    ("ps", "pus", "", "Pashto", "Paschtu"), ("pt", "por", "", "Portuguese", "Portugiesisch"), ("qu", "que", "", "Quechua", "Quechua"),
    ("rm", "roh", "", "Romansh", "Rätoromanisch"), ("ro", "ron", "rum", "Romanian", "Rumänisch"), ("ru", "rus", "", "Russian", "Russisch"),
    ("rw", "kin", "", "Kinyarwanda", "Kinyarwanda"), ("sa", "san", "", "Sanskrit", "Sanskrit"), ("sd", "snd", "", "Sindhi", "Sindhi"),
    ("si", "sin", "", "Sinhala", "Singhalesisch"), ("sk", "slk", "slo", "Slovak", "Slowakisch"), ("sl", "slv", "", "Slovenian", "Slowenisch"),
    ("sm", "smo", "", "Samoan", "Samoanisch"), ("so", "som", "", "Somali", "Somali"), ("sq", "sqi", "alb", "Albanian", "Albanisch"),
    ("sr", "srp", "scc", "Serbian", "Serbisch"), ("sv", "swe", "", "Swedish", "Schwedisch"), ("sw", "swa", "", "Swahili", "Swahili"),
    ("ta", "tam", "", "Tamil", "Tamil"), ("te", "tel", "", "Telugu", "Telugu"), ("tg", "tgk", "", "Tajik", "Tadschikisch"),
    ("th", "tha", "", "Thai", "Thailändisch"), ("tk", "tuk", "", "Turkmen", "Turkmenisch"), ("tl", "tgl", "", "Tagalog", "Tagalog"),
    ("tr", "tur", "", "Turkish", "Türkisch"), ("tt", "tat", "", "Tatar", "Tatarisch"), ("ug", "uig", "", "Uyghur", "Uigurisch"),
    ("uk", "ukr", "", "Ukrainian", "Ukrainisch"), ("ur", "urd", "", "Urdu", "Urdu"), ("uz", "uzb", "", "Uzbek", "Usbekisch"),
    ("vi", "vie", "", "Vietnamese", "Vietnamesisch"), ("xh", "xho", "", "Xhosa", "Xhosa"), ("yi", "yid", "", "Yiddish", "Jiddisch"),
    ("yo", "yor", "", "Yoruba", "Yoruba"), ("zh", "zho", "chi", "Chinese", "Chinesisch"), ("zu", "zul", "", "Zulu", "Zulu"),
    // Without a code of two letters.
    ("akk", "akk", "", "Akkadian", "Akkadisch"), ("ang", "ang", "", "Old English", "Altenglisch"), ("arc", "arc", "", "Aramaic", "Aramäisch"),
    ("cop", "cop", "", "Coptic", "Koptisch"), ("egy", "egy", "", "Egyptian", "Ägyptisch"), ("enm", "enm", "", "Middle English", "Mittelenglisch"),
    ("frm", "frm", "", "Middle French", "Mittelfranzösisch"), ("fro", "fro", "", "Old French", "Altfranzösisch"),
    ("gez", "gez", "", "Geez", "Altäthiopisch"), ("gmh", "gmh", "", "Middle High German", "Mittelhochdeutsch"),
    ("goh", "goh", "", "Old High German", "Althochdeutsch"), ("gml", "gml", "", "Middle Low German", "Mittelniederdeutsch"),
    ("grc", "grc", "", "Ancient Greek", "Altgriechisch"), ("gsw", "gsw", "", "Swiss German", "Schweizerdeutsch"),
    ("lad", "lad", "", "Ladino", "Judenspanisch"), ("nds", "nds", "", "Low German", "Niederdeutsch"), ("non", "non", "", "Old Norse", "Altnordisch"),
    ("ota", "ota", "", "Ottoman Turkish", "Osmanisch"), ("sux", "sux", "", "Sumerian", "Sumerisch"), ("syr", "syr", "", "Syriac", "Syrisch"),
    ("dsb", "dsb", "", "Lower Sorbian", "Niedersorbisch"), ("hsb", "hsb", "", "Upper Sorbian", "Obersorbisch"),
    ("wen", "wen", "", "Sorbian", "Sorbisch"), ("rom", "rom", "", "Romani", "Romani"), ("haw", "haw", "", "Hawaiian", "Hawaiisch"),
];

fn row(text: &str) -> Option<&'static Row> {
    let text = text.trim();
    LANGUAGES.iter().find(|(tag, terminology, bibliographic, english, german)| {
        [*tag, *terminology, *english, *german].iter().any(|known| known.to_lowercase() == text.to_lowercase())
            || !bibliographic.is_empty() && bibliographic.eq_ignore_ascii_case(text)
    })
}

/// The tag of BCP 47 for a code of ISO 639-1, 639-2 (B and T) or 639-3, a tag, or a name in English or German. `None` for several
/// languages at once (`mul`), an unknown (`und`) and no language (`zxx`), and for what is none of these.
#[must_use]
pub fn language_tag(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((tag, ..)) = row(text) {
        return Some((*tag).to_owned());
    }
    let mut subtags = text.split(['-', '_']);
    let first = subtags.next()?;
    let rest: Vec<&str> = subtags.collect();
    let is_code = (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic());
    let are_subtags =
        rest.iter().all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !is_code || !are_subtags || matches!(first.to_ascii_lowercase().as_str(), "mul" | "und" | "zxx" | "mis") {
        return None;
    }
    let first = row(first).map_or_else(|| first.to_ascii_lowercase(), |(tag, ..)| (*tag).to_owned());
    // A word of two or three letters is a code only in small letters, or with a subtag: `DAM`, `ABC` are not.
    if rest.is_empty() && row(&first).is_none() && text != text.to_lowercase() {
        return None;
    }
    Some(std::iter::once(first.as_str()).chain(rest).collect::<Vec<_>>().join("-"))
}

/// The name of a language for people, where it is a known one.
#[must_use]
pub fn language_name(text: &str) -> Option<LanguageMap> {
    let (.., english, german) = row(text)?;
    let mut name = LanguageMap::one("en", *english);
    name.push("de", *german);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_become_tags() {
        for (given, want) in [
            ("ger", Some("de")),
            ("deu", Some("de")),
            ("de", Some("de")),
            ("Deutsch", Some("de")),
            ("german", Some("de")),
            ("fre", Some("fr")),
            ("chi", Some("zh")),
            ("gre", Some("el")),
            ("grc", Some("grc")),
            ("rum", Some("ro")),
            ("cze", Some("cs")),
            ("de-DE", Some("de-DE")),
            ("ger-AT", Some("de-AT")),
            ("zh_Hant", Some("zh-Hant")),
            ("grc-Latn", Some("grc-Latn")),
            ("nah", Some("nah")),
            ("mul", None),
            ("und", None),
            ("zxx", None),
            ("", None),
            ("several", None),
            ("DAM", None),
            ("Griechisch", Some("el")),
            ("türkisch", Some("tr")),
            ("TÜRKISCH", Some("tr")),
        ] {
            assert_eq!(language_tag(given).as_deref(), want, "{given}");
        }
    }

    #[test]
    fn codes_have_names_in_both_languages() {
        let name = language_name("lat").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), r#"{"en":["Latin"],"de":["Latein"]}"#);
        assert_eq!(language_name("nah"), None);
    }

    #[test]
    fn no_code_stands_for_two_languages() {
        let mut codes: Vec<&str> = LANGUAGES
            .iter()
            .flat_map(|(tag, t, b, ..)| if tag == t { vec![*t, *b] } else { vec![*tag, *t, *b] })
            .filter(|code| !code.is_empty())
            .collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
