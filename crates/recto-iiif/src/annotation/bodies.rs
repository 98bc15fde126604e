//! What an annotation says, why, and by whom: the answers that an index and a list of annotations need.

use serde_json::{Map, Value};

use super::words::{list, local, texts, types};
use super::{from_open, html};
use crate::discovery::Timestamp;

/// A text that an annotation brings, as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyText {
    /// The text, without tags.
    pub text: String,
    /// Its language, as a tag of BCP 47.
    pub language: Option<String>,
    /// What it is for, such as `tagging`.
    pub purpose: Option<String>,
}

/// Somebody who made an annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// The URI.
    pub id: Option<String>,
    /// The name for people.
    pub name: Option<String>,
}

impl Agent {
    /// Somebody with this URI.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), name: None }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// As annotations have it: `{"id": …, "type": "Person", "name": …}`.
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        out.extend(self.id.as_deref().map(|id| ("id".to_owned(), id.into())));
        out.insert("type".to_owned(), "Person".into());
        out.extend(self.name.as_deref().map(|name| ("name".to_owned(), name.into())));
        Value::Object(out)
    }
}

/// So many bodies are looked at.
const MOST: usize = 10_000;

/// The texts of all bodies, in their order; of both forms, W3C and Open Annotation.
pub fn text(annotation: &Value) -> Vec<BodyText> {
    let Some(fields) = annotation.as_object() else { return Vec::new() };
    if fields.contains_key("resource") && !fields.contains_key("body") {
        return texts_of(from_open(fields.clone()).get("body"));
    }
    let mut out = texts_of(fields.get("body"));
    if let Some(text) = fields.get("bodyValue").and_then(Value::as_str) {
        out.push(BodyText { text: text.to_owned(), language: None, purpose: None });
    }
    out
}

fn texts_of(given: Option<&Value>) -> Vec<BodyText> {
    let mut out = Vec::new();
    let mut open: Vec<(&Value, Option<&str>)> = list(given).iter().rev().map(|body| (body, None)).collect();
    while let Some((body, outer)) = open.pop() {
        if out.len() >= MOST {
            break;
        }
        let purpose = texts(body, "purpose").first().copied().map(local).or(outer);
        if let Some(value) = body.get("value").and_then(Value::as_str) {
            let text = plain(value, body.get("format").and_then(Value::as_str));
            let language = texts(body, "language")
                .first()
                .or(texts(body, "processingLanguage").first())
                .map(|tag| (*tag).to_owned());
            if !text.is_empty() {
                out.push(BodyText { text, language, purpose: purpose.map(str::to_owned) });
            }
        } else if let Some(items) = body.get("items").and_then(Value::as_array) {
            open.extend(items.iter().rev().map(|item| (item, purpose)));
        } else if let Some(source) = body.get("source").filter(|source| source.is_object()) {
            open.push((source, purpose));
        }
    }
    out
}

fn plain(text: &str, format: Option<&str>) -> String {
    let is_html = match format.map(str::to_ascii_lowercase) {
        Some(format) => format.contains("html"),
        None => html::has_markup(text),
    };
    if is_html { html::plain(text) } else { text.trim().to_owned() }
}

/// Why it was made: words without prefixes.
pub fn motivations(annotation: &Value) -> Vec<String> {
    texts(annotation, "motivation").into_iter().map(|word| local(word).to_owned()).collect()
}

/// By whom it was made.
pub fn creators(annotation: &Value) -> Vec<Agent> {
    let agents = list(annotation.get("creator").or_else(|| annotation.get("dcterms:creator")));
    agents
        .iter()
        .filter_map(|agent| match agent {
            Value::String(uri) => Some(Agent::new(uri)),
            Value::Object(fields) => {
                let text =
                    |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name)?.as_str()).map(str::to_owned);
                let agent = Agent { id: text(["id", "@id"]), name: text(["name", "foaf:name"]) };
                (agent != Agent::default()).then_some(agent)
            }
            _ => None,
        })
        .collect()
}

/// When it was made.
pub fn created(annotation: &Value) -> Option<Timestamp> {
    moment(annotation, ["created", "dcterms:created"])
}

/// When it was changed last; when it was made where it never was.
pub fn modified(annotation: &Value) -> Option<Timestamp> {
    moment(annotation, ["modified", "dcterms:modified"]).or_else(|| created(annotation))
}

fn moment(annotation: &Value, names: [&str; 2]) -> Option<Timestamp> {
    names.iter().find_map(|name| annotation.get(*name)?.as_str()?.parse().ok())
}

/// True for a body that is read as text, for exports.
pub(super) fn is_textual(body: &Map<String, Value>) -> bool {
    types(body) == ["TextualBody"]
}
