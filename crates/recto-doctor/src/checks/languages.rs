//! Texts: do they say in which language they are, and is anything behind the keys?

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Check, Concern, Run};
use crate::{document, examination::Examination};

pub(super) const LANGUAGES: Check = Check {
    id: "languages",
    concern: Concern::Document,
    title: "languages of texts",
    why: "Viewers choose the reader's language, screen readers the voice; texts without a language are read as they come.",
    section: "Presentation API 3.0 §4.1, 2.1 §4.2",
    run: Run::Looks(languages),
};

fn languages(examination: &mut Examination<'_>) {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    if document.version != "3.0" {
        examination.note("texts of version 2 are not looked at", &done, "");
        return;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut empty = Vec::new();
    let mut plain = Vec::new();
    for (pointer, property, object) in document::objects(&document.value) {
        if matches!(property, "label" | "summary" | "value") && object.values().all(Value::is_array) {
            if object.is_empty() {
                empty.push(pointer.clone());
            }
            for (language, texts) in object {
                *counts.entry(language.clone()).or_default() += 1;
                let texts = texts.as_array().map_or(&[][..], Vec::as_slice);
                let blank = |text: &Value| text.as_str().is_some_and(|text| text.trim().is_empty());
                if texts.is_empty() || texts.iter().all(blank) {
                    empty.push(format!("{pointer}/{language}"));
                }
            }
        }
        for name in ["label", "summary"] {
            if object.get(name).is_some_and(Value::is_string) && object.contains_key("type") {
                plain.push(format!("{pointer}/{name}"));
            }
        }
    }
    let seen = counts.iter().map(|(language, count)| format!("{language}: {count}")).collect::<Vec<_>>().join(", ");
    if let Some(first) = plain.first() {
        let remedy = "Write `{\"en\": [\"…\"]}`, or `{\"none\": [\"…\"]}` where the language is not known.";
        let message = format!("{} texts are plain strings, the first at {first}", plain.len());
        examination.error(&message, &done, &seen, remedy);
    }
    if let Some(first) = empty.first() {
        let remedy = "Leave out what is empty.";
        examination.warning(&format!("{} texts are empty, the first at {first}", empty.len()), &done, &seen, remedy);
    }
    if counts.keys().all(|language| language == "none" || language == "@none") && !counts.is_empty() {
        examination.note("no text says in which language it is", &done, &seen);
    }
    if examination.is_clean() {
        examination.pass("all texts are language maps", &done, &seen);
    }
}
