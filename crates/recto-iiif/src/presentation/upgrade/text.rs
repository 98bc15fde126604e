//! Texts of 2.x in all the shapes they are met in, as language maps. Presentation API 2.1 §4.3, 3.0 §4.4.

use serde_json::{Map, Value, json};

use super::super::LanguageMap;
use super::super::note::{NoteKind, Place};
use super::Upgrade;

/// Elements whose tags show that a text is HTML even where it does not begin with one.
const ELEMENTS: [&str; 26] = [
    "a", "abbr", "b", "br", "cite", "code", "div", "em", "font", "h1", "h2", "h3", "i", "img", "li", "ol", "p", "q",
    "s", "small", "span", "strong", "sub", "sup", "u", "ul",
];

impl Upgrade {
    /// A text as a language map; `None` when there is none in it.
    pub(super) fn texts(&mut self, value: Value, place: &Place<'_>) -> Option<Map<String, Value>> {
        let mut map = Map::new();
        self.add_texts(value, LanguageMap::NONE, place, &mut map);
        (!map.is_empty()).then_some(map)
    }

    /// A text that must be plain: HTML in it becomes text.
    pub(super) fn label(&mut self, value: Value, place: &Place<'_>) -> Option<Map<String, Value>> {
        let mut map = self.texts(value, place)?;
        let mut cleaned = false;
        for text in map.values_mut().filter_map(Value::as_array_mut).flatten() {
            if let Some(plain) = text.as_str().and_then(plain) {
                *text = plain.into();
                cleaned = true;
            }
        }
        if cleaned {
            self.notes.add(
                NoteKind::Repaired,
                place,
                "`label` has HTML, which is taken out",
                "write labels as plain text",
            );
        }
        Some(map)
    }

    fn add_texts(&mut self, value: Value, language: &str, place: &Place<'_>, map: &mut Map<String, Value>) {
        match value {
            Value::Null => {}
            Value::String(text) => add_text(map, language, text),
            Value::Number(_) | Value::Bool(_) => add_text(map, language, value.to_string()),
            Value::Array(values) => {
                for (index, value) in values.into_iter().enumerate() {
                    self.add_texts(value, language, &place.index(index), map);
                }
            }
            Value::Object(fields) => self.add_tagged(fields, language, place, map),
        }
    }

    fn add_tagged(
        &mut self,
        mut fields: Map<String, Value>,
        outer: &str,
        place: &Place<'_>,
        map: &mut Map<String, Value>,
    ) {
        let language = ["@language", "language"].iter().find_map(|key| fields.get(*key)?.as_str()).map(str::trim);
        let language = language.filter(|language| !language.is_empty()).unwrap_or(outer).to_owned();
        if let Some(value) = ["@value", "value", "chars"].iter().find_map(|key| fields.shift_remove(*key)) {
            self.add_texts(value, &language, place, map);
        } else if let Some(id) = ["@id", "id"].iter().find_map(|key| fields.get(*key)?.as_str()) {
            let name = fields.get("label").and_then(Value::as_str).unwrap_or(id);
            add_text(map, &language, link(id, name));
        } else if is_language_map(&fields) {
            for (key, value) in fields {
                let language = if key == "@none" { LanguageMap::NONE } else { key.as_str() };
                self.add_texts(value, language, place, map);
            }
        } else {
            let message = format!("a text belongs here and not {}", short(&Value::Object(fields)));
            self.notes.add(NoteKind::Lost, place, message, "write a string, or `@value` and `@language`");
        }
    }

    /// `metadata` in any shape, as pairs of language maps.
    pub(super) fn metadata(&mut self, value: Value, place: &Place<'_>) -> Vec<Value> {
        let entries = match value {
            Value::Array(entries) => entries,
            Value::Object(fields) if !fields.contains_key("value") => {
                let message = "`metadata` is an object and no list; its keys are taken as labels";
                self.notes.add(NoteKind::Repaired, place, message, "write a list of `label` and `value`");
                fields.into_iter().map(|(label, value)| json!({ "label": label, "value": value })).collect()
            }
            Value::Null => Vec::new(),
            other => vec![other],
        };
        let entries = entries.into_iter().enumerate();
        entries.filter_map(|(index, entry)| self.pair(entry, &place.index(index))).collect()
    }

    pub(super) fn pair(&mut self, entry: Value, place: &Place<'_>) -> Option<Value> {
        let (label, value, more) = match entry {
            Value::Object(mut fields) if fields.contains_key("label") || fields.contains_key("value") => {
                let label = fields.shift_remove("label").and_then(|label| self.label(label, &place.at("label")));
                let value = fields.shift_remove("value").and_then(|value| self.texts(value, &place.at("value")));
                (label, value, fields)
            }
            other => (None, self.texts(other, place), Map::new()),
        };
        if label.is_none() && value.is_none() {
            return None;
        }
        if label.is_none() || value.is_none() {
            let missing = if label.is_none() { "label" } else { "value" };
            let message = format!("`{missing}` of this pair is missing or empty");
            self.notes.add(NoteKind::Repaired, place, message, "give each pair `label` and `value`");
        }
        let empty = || json!({ LanguageMap::NONE: [""] });
        let mut pair = Map::new();
        pair.insert("label".to_owned(), label.map_or_else(empty, Value::Object));
        pair.insert("value".to_owned(), value.map_or_else(empty, Value::Object));
        pair.extend(more);
        Some(Value::Object(pair))
    }
}

pub(super) fn add_text(map: &mut Map<String, Value>, language: &str, text: String) {
    match map.get_mut(language).and_then(Value::as_array_mut) {
        Some(texts) => texts.push(text.into()),
        None => drop(map.insert(language.to_owned(), json!([text]))),
    }
}

/// The language map of one text without a language.
pub(super) fn none(text: &str) -> Value {
    json!({ LanguageMap::NONE: [text] })
}

/// True for a text that says nothing: 2.1 demanded labels where 3.0 does not, and empty ones were the way around it.
pub(super) fn is_empty(map: &Map<String, Value>) -> bool {
    map.values().all(|texts| *texts == json!([""]))
}

fn is_language_map(fields: &Map<String, Value>) -> bool {
    let is_tag = |key: &str| {
        key == "@none"
            || (1..=35).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_text = |value: &Value| match value {
        Value::String(_) => true,
        Value::Array(texts) => texts.iter().all(Value::is_string),
        _ => false,
    };
    fields.iter().all(|(key, value)| is_tag(key) && is_text(value))
}

/// A link as HTML, the way 3.0 has links in `metadata`. §4.5.
pub(super) fn link(uri: &str, name: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(uri), escaped(name))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text of HTML; `None` for what is plain already.
fn plain(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut rest, mut is_html) = (text, false);
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let name = after.trim_start_matches('/');
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        match after.find('>') {
            Some(end) if ELEMENTS.contains(&name.as_str()) => {
                is_html = true;
                out.push_str(&rest[..start]);
                if name == "br" || name == "p" {
                    out.push(' ');
                }
                rest = &after[end + 1..];
            }
            _ => {
                out.push_str(&rest[..=start]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    is_html.then(|| entities.iter().fold(out, |text, (entity, sign)| text.replace(entity, sign)).trim().to_owned())
}

/// The beginning of a value, for a message.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_a_text_becomes_a_language_map() {
        for (given, wanted) in [
            (json!("a"), json!({"none": ["a"]})),
            (json!(["a", "b"]), json!({"none": ["a", "b"]})),
            (json!({"@value": "a", "@language": "de"}), json!({"de": ["a"]})),
            (json!({"@value": "a"}), json!({"none": ["a"]})),
            (json!({"@value": ["a", "b"], "@language": "de"}), json!({"de": ["a", "b"]})),
            (
                json!([{"@value": "a", "@language": "de"}, "b", {"@value": "c", "@language": "de"}]),
                json!({"de": ["a", "c"], "none": ["b"]}),
            ),
            (json!({"value": "a", "language": "fr"}), json!({"fr": ["a"]})),
            (json!({"en": ["a"], "@none": "b"}), json!({"en": ["a"], "none": ["b"]})),
            (
                json!({"@id": "https://e.org/?a&b", "label": "E"}),
                json!({"none": ["<a href=\"https://e.org/?a&amp;b\">E</a>"]}),
            ),
            (json!(7), json!({"none": ["7"]})),
            (json!(true), json!({"none": ["true"]})),
        ] {
            let mut upgrade = Upgrade::default();
            assert_eq!(upgrade.texts(given.clone(), &Place::DOCUMENT).map(Value::Object), Some(wanted), "{given}");
            assert_eq!(upgrade.notes.into_vec(), []);
        }
    }

    #[test]
    fn what_is_no_text_is_said_and_nothing_is_nothing() {
        let mut upgrade = Upgrade::default();
        assert_eq!(upgrade.texts(json!({"a b": {"c": 1}}), &Place::DOCUMENT), None);
        assert_eq!(upgrade.texts(json!([null, []]), &Place::DOCUMENT), None);
        let notes = upgrade.notes.into_vec();
        assert_eq!((notes.len(), notes[0].kind), (1, NoteKind::Lost));
    }

    #[test]
    fn labels_lose_their_html_and_keep_all_else() {
        for (given, wanted) in [
            ("<b>Title</b>", Some("Title")),
            ("A<br/>B &amp; <i>C</i>", Some("A B & C")),
            ("a < b > c", None),
            ("<unknown>", None),
            ("R&D", None),
            ("<span>1 &lt; 2</span>", Some("1 < 2")),
        ] {
            assert_eq!(plain(given).as_deref(), wanted, "{given}");
        }
    }
}
