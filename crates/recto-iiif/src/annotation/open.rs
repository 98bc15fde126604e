//! Annotations of the W3C in the words of Open Annotation, as clients of Presentation 2.1 and SimpleAnnotationServer read them.

use serde_json::{Map, Value, json};

use super::CONTEXT;
use super::words::{SHARED_MOTIVATIONS, list, types, unlisted};

/// The context of Presentation 2.1.
pub(super) const CONTEXT_2: &str = "http://iiif.io/api/presentation/2/context.json";

/// The `oa:Annotation` of an annotation; without `@context`, for it usually stands in a list. Members that neither model names stay as
/// they are.
pub fn to_open(annotation: &Value) -> Value {
    let Value::Object(fields) = annotation else { return annotation.clone() };
    let mut fields = fields.clone();
    fields.shift_remove("@context");
    let mut out = Map::new();
    out.extend(fields.shift_remove("id").map(|id| ("@id".to_owned(), id)));
    fields.shift_remove("type");
    out.insert("@type".to_owned(), "oa:Annotation".into());
    if let Some(given) = fields.shift_remove("motivation") {
        let words = list(Some(&given)).iter().map(|word| word.as_str().map_or_else(|| word.clone(), older_motivation));
        out.extend(unlisted(words.collect()).map(|words| ("motivation".to_owned(), words)));
    }
    for (newer, older) in
        [("created", "dcterms:created"), ("creator", "dcterms:creator"), ("modified", "dcterms:modified")]
    {
        out.extend(
            fields
                .shift_remove(newer)
                .map(|value| (older.to_owned(), if newer == "creator" { agent(value) } else { value })),
        );
    }
    match fields.shift_remove("body") {
        Some(Value::Array(bodies)) => {
            out.insert("resource".to_owned(), bodies.into_iter().map(body).collect());
        }
        Some(one) => out.extend([("resource".to_owned(), body(one))]),
        None => {}
    }
    match fields.shift_remove("target") {
        Some(Value::Array(targets)) => {
            out.insert("on".to_owned(), targets.into_iter().map(target).collect());
        }
        Some(one) => out.extend([("on".to_owned(), target(one))]),
        None => {}
    }
    out.extend(fields);
    Value::Object(out)
}

/// A motivation in the words of Open Annotation: `oa:` or `sc:` before those that it knows. Presentation API 2.1 §5.5.
pub(crate) fn older_motivation(word: &str) -> Value {
    match word {
        "painting" | "supplementing" => format!("sc:{word}").into(),
        known if SHARED_MOTIVATIONS.contains(&known) => format!("oa:{known}").into(),
        other => other.into(),
    }
}

fn renamed_id(fields: &mut Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    out.extend(fields.shift_remove("id").map(|id| ("@id".to_owned(), id)));
    out
}

fn agent(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let mut out = renamed_id(&mut fields);
    let kind = types(&fields).first().map(|kind| format!("foaf:{kind}"));
    fields.shift_remove("type");
    out.extend(kind.map(|kind| ("@type".to_owned(), kind.into())));
    out.extend(fields.shift_remove("name").map(|name| ("foaf:name".to_owned(), name)));
    out.extend(fields);
    Value::Object(out)
}

fn body(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let kind = types(&fields).first().map_or("", |kind| *kind).to_owned();
    match kind.as_str() {
        "TextualBody" => {
            let mut out = renamed_id(&mut fields);
            fields.shift_remove("type");
            let is_tag = fields.get("purpose").is_some_and(|purpose| purpose == "tagging");
            out.insert("@type".to_owned(), if is_tag { "oa:Tag" } else { "dctypes:Text" }.into());
            if is_tag {
                fields.shift_remove("purpose");
            }
            for property in ["format", "language"] {
                out.extend(fields.shift_remove(property).map(|value| (property.to_owned(), value)));
            }
            out.extend(fields.shift_remove("value").map(|value| ("chars".to_owned(), value)));
            out.extend(fields);
            Value::Object(out)
        }
        "Choice" => {
            let items = fields.shift_remove("items").unwrap_or_default();
            let mut items = list(Some(&items)).iter().cloned().map(body);
            let first = items.next();
            let rest: Vec<Value> = items.collect();
            let mut out = renamed_id(&mut fields);
            fields.shift_remove("type");
            out.insert("@type".to_owned(), "oa:Choice".into());
            out.extend(first.map(|first| ("default".to_owned(), first)));
            out.extend(unlisted(rest).map(|rest| ("item".to_owned(), rest)));
            out.extend(fields);
            Value::Object(out)
        }
        "SpecificResource" => specific(fields, body),
        _ => {
            let mut out = renamed_id(&mut fields);
            fields.shift_remove("type");
            let older = match kind.as_str() {
                "" => None,
                "Video" => Some("dctypes:MovingImage".to_owned()),
                "Image" | "Sound" | "Text" | "Dataset" | "PhysicalObject" => Some(format!("dctypes:{kind}")),
                "Canvas" | "Manifest" | "Range" | "Collection" => Some(format!("sc:{kind}")),
                other => Some(other.to_owned()),
            };
            out.extend(older.map(|older| ("@type".to_owned(), older.into())));
            out.extend(fields);
            Value::Object(out)
        }
    }
}

fn target(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    if fields.contains_key("source") || fields.contains_key("selector") {
        return specific(fields, canvas);
    }
    canvas(Value::Object(fields))
}

/// A canvas as an object, with `within`.
fn canvas(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let mut out = renamed_id(&mut fields);
    let kind = types(&fields).first().map_or("Canvas", |kind| *kind).to_owned();
    fields.shift_remove("type");
    out.insert("@type".to_owned(), format!("sc:{kind}").into());
    out.extend(
        fields.shift_remove("partOf").and_then(|whole| within(&whole)).map(|whole| ("within".to_owned(), whole)),
    );
    out.extend(fields);
    Value::Object(out)
}

fn within(part_of: &Value) -> Option<Value> {
    let wholes = list(Some(part_of)).iter().map(|whole| match whole {
        Value::Object(fields) => {
            let mut fields = fields.clone();
            let mut out = renamed_id(&mut fields);
            let kind = types(&fields).first().map_or("Manifest", |kind| *kind).to_owned();
            fields.shift_remove("type");
            out.insert("@type".to_owned(), format!("sc:{kind}").into());
            out.extend(fields);
            Value::Object(out)
        }
        Value::String(uri) => json!({ "@id": uri, "@type": "sc:Manifest" }),
        other => other.clone(),
    });
    unlisted(wholes.collect())
}

fn specific(mut fields: Map<String, Value>, of: fn(Value) -> Value) -> Value {
    let mut out = renamed_id(&mut fields);
    fields.shift_remove("type");
    out.insert("@type".to_owned(), "oa:SpecificResource".into());
    match fields.shift_remove("source") {
        // Clients read `full` as a text, and `within` beside it.
        Some(Value::Object(mut source)) if is_plain_canvas(&source) => {
            out.extend(source.shift_remove("id").map(|id| ("full".to_owned(), id)));
            let whole = source.shift_remove("partOf").and_then(|whole| within(&whole));
            out.extend(whole.map(|whole| ("within".to_owned(), whole)));
        }
        Some(source) => out.extend([("full".to_owned(), of(source))]),
        None => {}
    }
    let selector = fields.shift_remove("selector");
    out.extend(selector.and_then(|selector| selectors(&selector)).map(|selector| ("selector".to_owned(), selector)));
    out.extend(fields.shift_remove("styleClass").map(|style| ("style".to_owned(), style)));
    out.extend(fields);
    Value::Object(out)
}

fn is_plain_canvas(source: &Map<String, Value>) -> bool {
    source.get("id").is_some_and(Value::is_string)
        && types(source).first().is_none_or(|kind| *kind == "Canvas")
        && source.keys().all(|name| matches!(name.as_str(), "id" | "type" | "partOf"))
}

fn selectors(given: &Value) -> Option<Value> {
    let mut older: Vec<Value> = list(Some(given)).iter().cloned().map(selector).collect();
    match older.len() {
        0 | 1 => older.pop(),
        _ => {
            let first = older.remove(0);
            Some(json!({ "@type": "oa:Choice", "default": first, "item": unlisted(older) }))
        }
    }
}

fn selector(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    let mut out = renamed_id(&mut fields);
    let kind = types(&fields).first().map(|kind| (*kind).to_owned());
    fields.shift_remove("type");
    let older = kind.map(|kind| if kind == "ImageApiSelector" { format!("iiif:{kind}") } else { format!("oa:{kind}") });
    out.extend(older.map(|older| ("@type".to_owned(), older.into())));
    out.extend(fields);
    Value::Object(out)
}

/// The W3C context and those that the annotation has besides; `None` where the W3C's alone says it.
pub(super) fn further_contexts(annotation: &Value) -> Vec<&Value> {
    list(annotation.get("@context")).iter().filter(|context| *context != CONTEXT).collect()
}
