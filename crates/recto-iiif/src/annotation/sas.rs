//! The dialect of SimpleAnnotationServer, as its clients in Mirador 2 and 3 speak it: Open Annotation without envelopes.
//!
//! | request | answer |
//! |---|---|
//! | `GET search?uri=CANVAS` | 200, [`search`] |
//! | `POST create`, an `oa:Annotation` read by [`read`] | 201, [`answer`] |
//! | `POST update`, the same with `@id` | 201, [`answer`] |
//! | `DELETE destroy?uri=ID` | 204 |
//! | `POST populate`, a list read by [`populate`] | 201, [`POPULATED`] as `text/plain` |

use serde_json::{Map, Value, json};

use super::open::CONTEXT_2;
use super::transfer::{self, Item};
use super::{AcceptOptions, Annotation, Rejected, to_open};

/// The media type of answers.
pub const MEDIA_TYPE: &str = "application/ld+json; charset=UTF-8";
/// What `populate` answers when all went in.
pub const POPULATED: &str = "SUCCESS\n";

/// What a client sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The annotation. Its `id` is the name below; the server gives another, or writes its own there before [`super::replace`].
    pub annotation: Annotation,
    /// The name by which the client knows it: one of [`super::names`] of the stored one, for an update.
    pub name: Option<String>,
    /// The canvas that the client names besides, as clients of Annotot do.
    pub canvas: Option<String>,
}

/// Reads what is sent to `create` and `update`.
pub fn read(text: &str, options: &AcceptOptions) -> Result<Sent, Rejected> {
    let annotation = Annotation::parse(text, options)?;
    let name = annotation.id().map(str::to_owned);
    Ok(Sent { annotation, name, canvas: None })
}

/// A stored annotation as `create` and `update` answer it. Targets are objects with `full`, in which its clients look.
pub fn answer(stored: &Value) -> Value {
    let Value::Object(mut fields) = with_full(to_open(stored)) else { return Value::Null };
    fields.shift_insert(0, "@context".to_owned(), CONTEXT_2.into());
    Value::Object(fields)
}

/// The annotations of a canvas as `search?uri=` answers them: an array.
pub fn search(stored: &[Value]) -> Value {
    stored.iter().map(answer).collect()
}

/// Reads what is sent to `populate`: a list, or an array of annotations.
pub fn populate(text: &str, options: &AcceptOptions, max_items: usize) -> Result<Vec<Item>, Rejected> {
    transfer::read_json(text, options, max_items)
}

/// The value of `uri` in a query. Clients send the URI of a canvas as it is, so that its own `?`, `&` and `#` stand in the query.
pub fn uri_of_query(query: &str) -> Option<String> {
    let start = if query.starts_with("uri=") { 0 } else { query.find("&uri=")? + 1 };
    let value = &query[start + "uri=".len()..];
    let is_plain = value.contains("://");
    let value = if is_plain {
        // Parameters of the server itself come after it, if at all.
        let end = ["&media=", "&limit=", "&APIKey=", "&_="].iter().filter_map(|name| value.find(name)).min();
        &value[..end.unwrap_or(value.len())]
    } else {
        value.split('&').next().unwrap_or_default()
    };
    let uri = percent_decoded(value, is_plain);
    (!uri.is_empty()).then_some(uri)
}

/// A URI that came as it is keeps its own escapes, such as `%2F` in a name.
fn percent_decoded(text: &str, is_plain: bool) -> String {
    if is_plain {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Clients read `on.full` and `on.selector`; a URI with a fragment becomes such an object.
fn with_full(mut annotation: Value) -> Value {
    if let Some(on) = annotation.get_mut("on") {
        match on {
            Value::Array(targets) => targets.iter_mut().for_each(full),
            one => full(one),
        }
    }
    annotation
}

fn full(on: &mut Value) {
    let mut out = Map::new();
    out.insert("@type".to_owned(), "oa:SpecificResource".into());
    match on {
        Value::String(uri) => {
            let (source, fragment) = match uri.split_once('#') {
                Some((source, fragment)) if fragment.contains('=') => (source, Some(fragment)),
                _ => (uri.as_str(), None),
            };
            out.insert("full".to_owned(), source.into());
            out.insert("selector".to_owned(), fragment_selector(fragment.unwrap_or_default()));
            *on = Value::Object(out);
        }
        Value::Object(fields) if fields.contains_key("full") => {
            // Clients fail on a target without a selector; an empty fragment is the whole of it.
            fields.entry("selector").or_insert_with(|| fragment_selector(""));
        }
        Value::Object(fields) => {
            out.extend(fields.shift_remove("@id").map(|id| ("full".to_owned(), id)));
            out.extend(fields.shift_remove("within").map(|within| ("within".to_owned(), within)));
            out.insert("selector".to_owned(), fragment_selector(""));
            *on = Value::Object(out);
        }
        _ => {}
    }
}

fn fragment_selector(value: &str) -> Value {
    json!({ "@type": "oa:FragmentSelector", "value": value })
}
