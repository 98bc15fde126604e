//! Open Annotation, as Presentation 1.0 to 2.1 and the servers of its time write it, in the words of the Web Annotation Data Model.

use serde_json::{Map, Value, json};

use super::CONTEXT;
use super::words::{list, local, types, unlisted, uri_of};
use crate::discovery::Timestamp;

/// The W3C form of an `oa:Annotation`. Members that neither model names stay as they are.
pub fn from_open(mut fields: Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    let context = fields.shift_remove("@context");
    out.insert("@context".to_owned(), newer_context(context));
    if let Some(id) = take(&mut fields, &["@id", "id"]) {
        out.insert("id".to_owned(), id);
    }
    fields.shift_remove("@type");
    fields.shift_remove("type");
    out.insert("type".to_owned(), "Annotation".into());
    if let Some(given) = fields.shift_remove("motivation") {
        let words = list(Some(&given)).iter().map(|word| match uri_of(word) {
            Some(text) => local(text).into(),
            None => word.clone(),
        });
        out.extend(unlisted(words.collect()).map(|words| ("motivation".to_owned(), words)));
    }
    for (older, newer) in [
        ("annotatedAt", "created"),
        ("annotatedBy", "creator"),
        ("serializedAt", "generated"),
        ("serializedBy", "generator"),
    ] {
        if let Some(value) = take(&mut fields, &[newer, &format!("oa:{older}"), older]) {
            out.insert(newer.to_owned(), if newer.ends_with("or") { agent(value) } else { with_zone(value) });
        }
    }
    if let Some(value) = take(&mut fields, &["dcterms:created", "dct:created"]) {
        out.entry("created").or_insert(with_zone(value));
    }
    if let Some(value) = take(&mut fields, &["dcterms:creator", "dct:creator"]) {
        out.entry("creator").or_insert(agent(value));
    }
    if let Some(value) = take(&mut fields, &["dcterms:modified", "dct:modified"]) {
        out.entry("modified").or_insert(with_zone(value));
    }
    match take(&mut fields, &["resource", "body"]) {
        // Order and whether it stands alone are kept: clients get back what they sent.
        Some(Value::Array(bodies)) => {
            let bodies: Vec<Value> = bodies.into_iter().filter_map(body).collect();
            out.insert("body".to_owned(), Value::Array(bodies));
        }
        Some(one) => out.extend(body(one).map(|body| ("body".to_owned(), body))),
        None => {}
    }
    match take(&mut fields, &["on", "target"]) {
        Some(Value::Array(targets)) => {
            let targets: Vec<Value> = targets.into_iter().map(target).collect();
            out.extend(unlisted(targets).map(|targets| ("target".to_owned(), targets)));
        }
        Some(one) => out.extend([("target".to_owned(), target(one))]),
        None => {}
    }
    for (name, value) in fields {
        out.entry(name).or_insert(value);
    }
    out
}

fn take(fields: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    let mut found = None;
    for name in names {
        let value = fields.shift_remove(*name).filter(|value| !value.is_null() && !is_blank_node(value));
        found = found.or(value);
    }
    found
}

/// Names that a store made up for things that have none.
fn is_blank_node(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("_:"))
}

/// A time without a zone is that of the server that wrote it, which nobody knows any more.
fn with_zone(value: Value) -> Value {
    match value.as_str() {
        Some(text) if text.parse::<Timestamp>().is_err() && format!("{text}Z").parse::<Timestamp>().is_ok() => {
            format!("{text}Z").into()
        }
        _ => value,
    }
}

/// The context of 2.1 goes, for its words have gone; others stay behind the W3C's.
fn newer_context(given: Option<Value>) -> Value {
    let given = given.unwrap_or_default();
    let is_older = |value: &Value| {
        value.as_str().is_some_and(|uri| {
            uri.contains("/presentation/2/")
                || uri.contains("/image-api/")
                || uri.contains("/presentation/1/")
                || uri.starts_with("file:")
                || uri.contains("openannotation.org")
                || uri.contains("shared-canvas.org")
                || uri.contains("/ns/oa")
        })
    };
    // SimpleAnnotationServer lays the whole context of 2.1 into each annotation.
    let more = list(Some(&given)).iter().filter(|value| value.is_string() && !is_older(value) && *value != CONTEXT);
    let all: Vec<Value> = std::iter::once(Value::from(CONTEXT)).chain(more.cloned()).collect();
    unlisted(all).unwrap_or_default()
}

fn agent(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let mut out = Map::new();
    out.extend(take(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
    let kind = types(&fields).first().map(|word| word.trim_start_matches("foaf:").to_owned());
    fields.shift_remove("@type");
    fields.shift_remove("type");
    out.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
    out.extend(take(&mut fields, &["name", "foaf:name"]).map(|name| ("name".to_owned(), name)));
    out.extend(fields);
    Value::Object(out)
}

/// A body; `None` for what stands for nothing.
pub(super) fn body(value: Value) -> Option<Value> {
    let mut fields = match value {
        Value::Object(fields) => fields,
        Value::Null => return None,
        other => return Some(other),
    };
    let kinds: Vec<String> = types(&fields).iter().map(|word| (*word).to_owned()).collect();
    let has = |word: &str| kinds.iter().any(|kind| kind == word);
    if has("Choice") || fields.contains_key("default") {
        let first = fields.shift_remove("default");
        let rest = fields.shift_remove("item");
        let rest = list(rest.as_ref()).iter().cloned();
        let items = first.into_iter().chain(rest).filter(|item| item != "rdf:nil").filter_map(body).collect();
        return Some(renamed(fields, "Choice", [("items", Value::Array(items))]));
    }
    if has("SpecificResource") || fields.contains_key("full") {
        return Some(specific(fields, false));
    }
    let chars = take(&mut fields, &["chars", "cnt:chars"]);
    let is_text = chars.is_some() || has("ContentAsText") || has("Tag");
    if is_text && !fields.contains_key("value") {
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let mut out = Map::new();
        out.extend(take(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
        out.insert("type".to_owned(), "TextualBody".into());
        if has("Tag") && !fields.contains_key("purpose") {
            out.insert("purpose".to_owned(), "tagging".into());
        }
        let (format, language) =
            (take(&mut fields, &["format", "dc:format"]), take(&mut fields, &["language", "dc:language"]));
        out.extend(format.map(|format| ("format".to_owned(), format)));
        out.extend(language.map(|language| ("language".to_owned(), language)));
        out.insert("value".to_owned(), chars.unwrap_or_else(|| "".into()));
        out.extend(fields);
        return Some(Value::Object(out));
    }
    let kind = match kinds.first().map(String::as_str) {
        Some("Sound" | "MovingImage") if has("Sound") => "Sound",
        Some("MovingImage") => "Video",
        Some("StillImage") => "Image",
        Some(word) => word,
        None => return Some(renamed_id(fields)),
    };
    Some(renamed(fields, kind, []))
}

fn renamed_id(mut fields: Map<String, Value>) -> Value {
    let mut out = Map::new();
    out.extend(take(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
    out.extend(fields);
    Value::Object(out)
}

fn renamed<const N: usize>(mut fields: Map<String, Value>, kind: &str, more: [(&str, Value); N]) -> Value {
    let mut out = Map::new();
    out.extend(take(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
    fields.shift_remove("@type");
    fields.shift_remove("type");
    out.insert("type".to_owned(), kind.into());
    out.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    out.extend(fields);
    Value::Object(out)
}

pub(super) fn target(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_part = ["full", "selector", "source"].iter().any(|name| fields.contains_key(*name));
            if is_part {
                return specific(fields, true);
            }
            canvas(fields)
        }
        other => other,
    }
}

/// A canvas with what it is within.
fn canvas(mut fields: Map<String, Value>) -> Value {
    let kind = types(&fields).first().map_or("Canvas", |kind| *kind).to_owned();
    let within = take(&mut fields, &["within"]).map(|within| whole(&within));
    match within {
        Some(within) => renamed(fields, &kind, [("partOf", within)]),
        None => renamed(fields, &kind, []),
    }
}

/// `within` as `partOf`.
fn whole(within: &Value) -> Value {
    let wholes: Vec<Value> = list(Some(within))
        .iter()
        .map(|whole| match whole {
            Value::Object(fields) => {
                let kind = types(fields).first().map_or("Manifest", |kind| *kind).to_owned();
                renamed(fields.clone(), &kind, [])
            }
            Value::String(uri) => json!({ "id": uri, "type": "Manifest" }),
            other => other.clone(),
        })
        .collect();
    Value::Array(wholes)
}

fn specific(mut fields: Map<String, Value>, is_target: bool) -> Value {
    let mut out = Map::new();
    out.extend(take(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
    fields.shift_remove("@type");
    fields.shift_remove("type");
    out.insert("type".to_owned(), "SpecificResource".into());
    let within = take(&mut fields, &["within"]);
    let source = take(&mut fields, &["full", "source"]);
    let source = match source {
        Some(Value::Object(mut source)) if is_target => {
            if let Some(within) = within {
                source.entry("within").or_insert(within);
            }
            Some(canvas(source))
        }
        Some(Value::String(uri)) if within.is_some() => {
            let whole = whole(&within.unwrap_or_default());
            Some(json!({ "id": uri, "type": "Canvas", "partOf": whole }))
        }
        Some(source @ Value::Object(_)) => body(source),
        other => other,
    };
    out.extend(source.map(|source| ("source".to_owned(), source)));
    let selector = take(&mut fields, &["selector"]);
    out.extend(selector.and_then(|selector| selectors(&selector)).map(|selector| ("selector".to_owned(), selector)));
    let style = take(&mut fields, &["style"]);
    out.extend(style.map(|style| ("styleClass".to_owned(), style)));
    out.extend(fields);
    Value::Object(out)
}

/// Selectors; a choice of them is a list, as the client of SimpleAnnotationServer has it.
fn selectors(given: &Value) -> Option<Value> {
    let mut out = Vec::new();
    // Last in, first out: what a choice names comes next, in its order.
    let mut open: Vec<Value> = list(Some(given)).iter().rev().cloned().collect();
    while let Some(selector) = open.pop() {
        let Value::Object(mut fields) = selector else {
            // The client of SimpleAnnotationServer writes `null` for what it does not know.
            out.extend(Some(selector).filter(|selector| !selector.is_null()));
            continue;
        };
        if types(&fields).contains(&"Choice") || (fields.contains_key("default") && !fields.contains_key("value")) {
            let rest = fields.shift_remove("item");
            open.extend(list(rest.as_ref()).iter().rev().cloned());
            open.extend(fields.shift_remove("default"));
            continue;
        }
        let kinds = types(&fields);
        let kind = match kinds.iter().find(|kind| kind.ends_with("Selector")).or_else(|| kinds.first()) {
            Some(kind) => (*kind).to_owned(),
            None if fields.contains_key("value") => "FragmentSelector".to_owned(),
            None => continue,
        };
        let value = take(&mut fields, &["value", "chars", "cnt:chars"]);
        // It selects all, as our own answers in this dialect say it.
        if kind == "FragmentSelector" && value.as_ref().is_some_and(|value| value == "") {
            continue;
        }
        out.push(match value {
            Some(value) => renamed(fields, &kind, [("value", value)]),
            None => renamed(fields, &kind, []),
        });
    }
    unlisted(out)
}
