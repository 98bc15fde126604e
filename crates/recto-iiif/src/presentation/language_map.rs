//! Text in several languages. Presentation API 3.0 §4.4.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Language tags (BCP 47, or `none` where the language is not known) with their texts, in the order they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanguageMap(Vec<(String, Vec<String>)>);

impl LanguageMap {
    /// The tag of text whose language is not known.
    pub const NONE: &'static str = "none";

    /// One text whose language is not known.
    pub fn none(text: impl Into<String>) -> Self {
        Self::one(Self::NONE, text)
    }

    /// One text in one language.
    pub fn one(language: impl Into<String>, text: impl Into<String>) -> Self {
        Self(vec![(language.into(), vec![text.into()])])
    }

    /// Adds a text, after those that this language has already.
    pub fn push(&mut self, language: &str, text: impl Into<String>) {
        match self.0.iter_mut().find(|(tag, _)| tag == language) {
            Some((_, texts)) => texts.push(text.into()),
            None => self.0.push((language.to_owned(), vec![text.into()])),
        }
    }

    /// Languages and their texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(language, texts)| (language.as_str(), texts.as_slice()))
    }

    /// True when there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, texts)| texts.is_empty())
    }

    /// The first text of all, for places that show only one.
    pub fn first(&self) -> Option<&str> {
        self.0.iter().flat_map(|(_, texts)| texts).next().map(String::as_str)
    }
}

impl Serialize for LanguageMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(language, texts)| (language, texts)))
    }
}

impl<'de> Deserialize<'de> for LanguageMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = LanguageMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a language map such as {\"none\": [\"text\"]}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LanguageMap, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(LanguageMap(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A label and a value that are shown together: an entry of `metadata`, or `requiredStatement`. §3.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabeledValue {
    /// What the value is.
    pub label: LanguageMap,
    /// The value; may hold the simple HTML of §4.5.
    pub value: LanguageMap,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_keep_the_order_in_which_they_were_given() {
        let given = r#"{"fr":["Lettres"],"de":["Briefe","Post"],"none":["1890"]}"#;
        let map: LanguageMap = serde_json::from_str(given).unwrap();
        assert_eq!(serde_json::to_string(&map).unwrap(), given);
        assert_eq!(map.first(), Some("Lettres"));
    }

    #[test]
    fn a_text_joins_the_others_of_its_language() {
        let mut map = LanguageMap::one("en", "one");
        map.push("de", "eins");
        map.push("en", "two");
        assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"en":["one","two"],"de":["eins"]}"#);
    }

    #[test]
    fn what_is_not_a_map_of_lists_is_refused() {
        for given in [r#""Briefe""#, r#"{"de":"Briefe"}"#, r#"[{"@value":"Briefe"}]"#, r#"{"de":[1]}"#] {
            assert!(serde_json::from_str::<LanguageMap>(given).is_err(), "{given}");
        }
    }

    #[test]
    fn a_map_without_texts_is_empty() {
        assert!(LanguageMap::default().is_empty());
        assert!(serde_json::from_str::<LanguageMap>(r#"{"de":[]}"#).unwrap().is_empty());
        assert!(!LanguageMap::none("").is_empty());
    }
}
