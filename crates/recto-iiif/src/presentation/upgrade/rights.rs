//! `license` as `rights` where it is one of the URIs that 3.0 permits, else as an entry of `metadata`. 3.0 change log §1.2.5.

use serde_json::{Value, json};

use super::super::note::{NoteKind, Place};
use super::Upgrade;
use super::text::{link, short};

const PERMITTED: [&str; 3] =
    ["creativecommons.org/licenses/", "creativecommons.org/publicdomain/", "rightsstatements.org/vocab/"];

impl Upgrade {
    /// The URI for `rights`, and what has to be told in `metadata`.
    pub(super) fn rights(&mut self, value: Value, place: &Place<'_>) -> (Option<Value>, Vec<Value>) {
        let values = match value {
            Value::Array(values) => values,
            other => vec![other],
        };
        let (mut rights, mut pairs) = (None, Vec::new());
        for value in values {
            let text = match &value {
                Value::String(text) => text.trim(),
                Value::Object(fields) => {
                    ["@id", "id", "@value"].iter().find_map(|key| fields.get(*key)?.as_str()).unwrap_or_default()
                }
                Value::Null => continue,
                _ => {
                    self.notes.add(NoteKind::Lost, place, format!("`license` is {}", short(&value)), "write one URI");
                    continue;
                }
            };
            if text.is_empty() {
                continue;
            }
            let found = permitted(text);
            let is_whole = found.is_some() && !text.contains(char::is_whitespace) && !text.contains('<');
            if rights.is_none() {
                rights.clone_from(&found);
                if is_whole {
                    self.note_change(text, found.as_deref(), place);
                    continue;
                }
            }
            pairs.push(pair(text));
            let message = format!("`license` {} goes to `metadata`", short(&text.into()));
            let remedy = "`rights` takes one URI of creativecommons.org or rightsstatements.org";
            self.notes.add(NoteKind::Moved, place, message, remedy);
        }
        (rights.map(Value::String), pairs)
    }

    fn note_change(&mut self, given: &str, found: Option<&str>, place: &Place<'_>) {
        if let Some(found) = found.filter(|found| *found != given) {
            let message = format!("`license` is {given}; `rights` takes the name {found}");
            self.notes.add(NoteKind::Repaired, place, message, "check that it is what you mean");
        }
    }
}

fn pair(text: &str) -> Value {
    let is_uri = (text.starts_with("http://") || text.starts_with("https://")) && !text.contains(char::is_whitespace);
    let value = if is_uri { link(text, text) } else { text.to_owned() };
    json!({ "label": { "en": ["License"] }, "value": { "none": [value] } })
}

/// The name of a licence in a text, in the form that its owner gave it: with `http:`, a slash at its end, and no words of pages
/// for people behind it.
pub(super) fn permitted(text: &str) -> Option<String> {
    let text = text.replace("://www.", "://").replace("rightsstatements.org/page/", "rightsstatements.org/vocab/");
    let (start, host) = PERMITTED.iter().find_map(|host| Some((text.find(host)?, host)))?;
    let before = &text[..start];
    if !(before.ends_with("http://") || before.ends_with("https://")) {
        return None;
    }
    let path = text[start + host.len()..]
        .split(|c: char| c.is_whitespace() || "\"'<>\\?#".contains(c))
        .next()
        .unwrap_or_default();
    let words = path.split('/').filter(|word| !word.is_empty());
    let words: Vec<&str> =
        words.take_while(|word| !word.starts_with("deed") && !word.starts_with("legalcode")).collect();
    (!words.is_empty()).then(|| format!("http://{host}{}/", words.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_named_as_their_owners_named_them() {
        let by = "http://creativecommons.org/licenses/by/4.0/";
        for (given, wanted) in [
            (by, Some(by)),
            ("https://creativecommons.org/licenses/by/4.0/", Some(by)),
            ("https://www.creativecommons.org/licenses/by/4.0/deed.de", Some(by)),
            ("http://creativecommons.org/licenses/by/4.0", Some(by)),
            ("http://creativecommons.org/licenses/by/3.0/us/", Some("http://creativecommons.org/licenses/by/3.0/us/")),
            ("<a href=\"https://creativecommons.org/licenses/by/4.0/legalcode\">CC BY</a>", Some(by)),
            (
                "https://creativecommons.org/publicdomain/mark/1.0/",
                Some("http://creativecommons.org/publicdomain/mark/1.0/"),
            ),
            (
                "http://rightsstatements.org/page/InC/1.0/?language=en",
                Some("http://rightsstatements.org/vocab/InC/1.0/"),
            ),
            ("http://creativecommons.org/licenses/", None),
            ("http://creativecommons.org/", None),
            ("https://example.org/terms", None),
            ("All rights reserved", None),
            ("see creativecommons.org/licenses/by/4.0/", None),
        ] {
            assert_eq!(permitted(given).as_deref(), wanted, "{given}");
        }
    }

    #[test]
    fn the_first_licence_that_may_be_is_rights_and_all_else_is_told_in_metadata() {
        let mut upgrade = Upgrade::default();
        let given =
            json!(["https://example.org/terms", "http://creativecommons.org/licenses/by/4.0/", "Ask us", "", null]);
        let (rights, pairs) = upgrade.rights(given, &Place::DOCUMENT.at("license"));
        assert_eq!(rights, Some(json!("http://creativecommons.org/licenses/by/4.0/")));
        let values: Vec<&Value> = pairs.iter().map(|pair| &pair["value"]["none"][0]).collect();
        assert_eq!(
            values,
            [&json!("<a href=\"https://example.org/terms\">https://example.org/terms</a>"), &json!("Ask us")]
        );
        assert_eq!(upgrade.notes.into_vec().iter().map(|note| note.kind).collect::<Vec<_>>(), [NoteKind::Moved; 2]);
    }
}
