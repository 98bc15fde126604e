//! What the name of a column says: hidden or not, of which language, and the label of its values.
//!
//! ```text
//! Author                     the values are in no known language, their label is `Author`
//! Author[de]                 the values are German
//! Date[en]|Datum[de]         a label in two languages
//! Date[en]|Datum[de]|[de]    the same, and the values are German
//! dcterms:creator            a label in each language that is known for the term
//! metadata:Rights            a label, though a column of this name has a meaning of its own
//! -Remarks, #Remarks         not published
//! ```

use recto_iiif::presentation::LanguageMap;

use super::dublin_core;
use crate::words::is_language_tag;

/// The name of a column, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// The name without marks, prefix and language.
    pub(super) name: String,
    /// The language of the values; `none` where it is not said.
    pub(super) language: String,
    /// The label for descriptive pairs.
    pub(super) label: LanguageMap,
    /// The term of Dublin Core that it names.
    pub(super) term: Option<&'static str>,
    /// It is for people who edit the table.
    pub(super) hidden: bool,
    /// It is metadata whatever its name is.
    pub(super) is_metadata: bool,
    /// What stands in brackets and is no language.
    pub(super) bad_language: Option<String>,
}

const METADATA: &str = "metadata:";

impl Header {
    pub(super) fn parse(text: &str) -> Self {
        let text = super::trimmed(text);
        if text.starts_with(['-', '#']) || text.is_empty() {
            return Self { name: text.to_owned(), hidden: true, ..Self::default() };
        }
        let is_metadata = text.get(..METADATA.len()).is_some_and(|start| start.eq_ignore_ascii_case(METADATA));
        let text = if is_metadata { super::trimmed(&text[METADATA.len()..]) } else { text };
        if text.contains('|') {
            return Self::of_several(text);
        }
        let (name, language) = divided(text);
        let bad_language = language.filter(|tag| !is_language_tag(tag)).map(str::to_owned);
        let (name, language) = match (&bad_language, language) {
            (None, Some(language)) => (name, language),
            _ => (text, LanguageMap::NONE),
        };
        let term = if is_metadata { None } else { dublin_core::term(name) };
        let label = term.and_then(dublin_core::label).unwrap_or_else(|| LanguageMap::none(name));
        let (name, language) = (name.to_owned(), language.to_owned());
        Self { name, language, label, term, hidden: false, is_metadata, bad_language }
    }

    /// A label in several languages.
    fn of_several(text: &str) -> Self {
        let mut header = Self {
            name: text.to_owned(),
            language: LanguageMap::NONE.to_owned(),
            is_metadata: true,
            ..Self::default()
        };
        for part in super::values::split_all(text, '|') {
            let (name, language) = divided(&part);
            match (name, language) {
                ("", None) => {}
                ("", Some(language)) if is_language_tag(language) => language.clone_into(&mut header.language),
                (name, Some(language)) if is_language_tag(language) => header.label.push(language, name),
                (_, Some(language)) => {
                    header.bad_language = Some(language.to_owned());
                    header.label.push(LanguageMap::NONE, part.as_str());
                }
                (name, None) => header.label.push(LanguageMap::NONE, name),
            }
        }
        if header.label.is_empty() {
            header.label.push(LanguageMap::NONE, text);
        }
        header
    }

    /// The name of a column for descriptive pairs of this label, with values of this language. `is_taken` tells names that
    /// have a meaning of their own.
    pub(super) fn print(label: &LanguageMap, language: &str, is_taken: impl Fn(&str) -> bool) -> String {
        let suffix = if language == LanguageMap::NONE { String::new() } else { format!("[{language}]") };
        if let Some(term) = dublin_core::header(label) {
            return term + &suffix;
        }
        let texts: Vec<(&str, &String)> =
            label.iter().flat_map(|(language, texts)| texts.iter().map(move |text| (language, text))).collect();
        if let [(LanguageMap::NONE, text)] = texts[..]
            && !text.contains('|')
        {
            let plain = if text.ends_with(']') && suffix.is_empty() {
                format!("{text}[none]")
            } else {
                format!("{text}{suffix}")
            };
            let read = Self::parse(&plain);
            let is_read = !read.hidden && !read.is_metadata && read.term.is_none() && &read.name == text;
            return if is_read && !is_taken(text) { plain } else { format!("{METADATA}{plain}") };
        }
        let mut parts: Vec<String> = texts
            .iter()
            .map(|(language, text)| {
                let is_plain = *language == LanguageMap::NONE && !text.ends_with(']');
                if is_plain { (*text).clone() } else { format!("{text}[{language}]") }
            })
            .collect();
        if parts.len() == 1 || !suffix.is_empty() {
            parts.push(suffix);
        }
        let header = super::values::join(parts.iter().map(String::as_str), '|');
        if header.starts_with(['-', '#']) { format!("{METADATA}{header}") } else { header }
    }
}

/// The text before `[xx]` at the end, and what stands in the brackets.
fn divided(text: &str) -> (&str, Option<&str>) {
    let Some(inside) = text.strip_suffix(']') else { return (text, None) };
    match inside.rsplit_once('[') {
        Some((name, language)) => (super::trimmed(name), Some(super::trimmed(language))),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(json: &str) -> LanguageMap {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_header_says_label_and_language() {
        for (text, language, label) in [
            ("Author", "none", r#"{"none":["Author"]}"#),
            (" Author [de] ", "de", r#"{"none":["Author"]}"#),
            ("Date[en]|Datum[de]", "none", r#"{"en":["Date"],"de":["Datum"]}"#),
            ("Date[en]|Datum[de]|[de]", "de", r#"{"en":["Date"],"de":["Datum"]}"#),
            ("Date[en]|", "none", r#"{"en":["Date"]}"#),
            ("dcterms:creator[fr]", "fr", r#"{"en":["Creator"],"de":["Urheber"],"fr":["Créateur"]}"#),
            ("metadata:Rights", "none", r#"{"none":["Rights"]}"#),
            ("metadata: -5 °C", "none", r#"{"none":["-5 °C"]}"#),
            ("x [de][none]", "none", r#"{"none":["x [de]"]}"#),
            ("Size [cm2]", "none", r#"{"none":["Size [cm2]"]}"#),
        ] {
            let header = Header::parse(text);
            assert_eq!((header.language.as_str(), header.label), (language, map(label)), "{text}");
            assert!(!header.hidden, "{text}");
        }
    }

    #[test]
    fn columns_for_editors_are_hidden_and_wrong_languages_are_seen() {
        for text in ["-Remarks", "# internal", ""] {
            assert!(Header::parse(text).hidden, "{text}");
        }
        assert_eq!(Header::parse("label[german]").bad_language.as_deref(), Some("german"));
        assert_eq!(Header::parse("label[german]").name, "label[german]");
        assert_eq!(Header::parse("a[de]|b[german]").bad_language.as_deref(), Some("german"));
    }

    proptest! {
        #[test]
        fn a_printed_header_is_read_as_its_label(
            texts in proptest::collection::btree_map("none|de|en", "[-#a|\\\\\\[\\]:]{0,4}[a|\\]\\\\]", 1..3),
            language in "none|de|fr",
        ) {
            let mut label = LanguageMap::default();
            for (language, text) in &texts {
                label.push(language, text.as_str());
            }
            let printed = Header::print(&label, &language, |name| name == "a");
            let read = Header::parse(&printed);
            prop_assert_eq!(&read.label, &label, "{}", printed);
            prop_assert_eq!(read.language, language);
            prop_assert!(!read.hidden && read.bad_language.is_none());
            prop_assert!(read.is_metadata || read.name != "a");
        }
    }
}
