//! Documents of Presentation 1.0, 2.0 and 2.1 as 3.0, in whatever shape they are.
//!
//! Nothing here fails: what a document lacks is made or left out, and a [`Note`] says so. URIs of resources stay as they are, so that
//! annotations, search answers and links made for the old document mean the same things in the new one. Properties that no version
//! names stay where they were.
//!
//! | 2.x | 3.0 |
//! |---|---|
//! | `license` | `rights`, or `metadata` where it is no URI that 3.0 permits |
//! | `attribution` | `requiredStatement` |
//! | `description` | `summary` |
//! | `related` | `homepage`, or a link in `metadata` where it is no page |
//! | `logo` | `provider` |
//! | `within` | `partOf`; of a range in a range its place |
//! | `viewingHint` | `behavior` |
//! | `sequences` | `items`, and ranges with the behavior `sequence` |
//! | `images`, `otherContent` | annotation pages in `items`, `annotations` |
//! | `structures` | the same ranges, nested |
//! | `collections`, `manifests`, `members` | `items` |
//! | `oa:Choice`, `oa:SpecificResource` | `Choice`, `SpecificResource` |
//! | `sc:AnnotationList`, `sc:Layer` | `AnnotationPage`, `AnnotationCollection` |

mod annotations;
mod collections;
mod content;
mod described;
mod manifests;
mod ranges;
mod rights;
mod services;
mod text;

use serde_json::{Map, Value};

pub(super) use self::content::type_of_link;
use self::text::short;
use super::Version;
use super::note::{Note, NoteKind, Notes, Place, cut_depth};

/// The state of one upgrade: what there is to say about it.
#[derive(Debug, Default)]
struct Upgrade {
    notes: Notes,
}

/// Classes that have properties of their own by their place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Collection,
    Manifest,
    Canvas,
    Range,
    AnnotationPage,
    AnnotationCollection,
    Annotation,
    Content,
}

/// A document of Presentation 1.0, 2.0 or 2.1 as 3.0: manifest, collection, sequence, canvas, range, annotation list, layer,
/// annotation or content resource. What is none of these stays as it is.
///
/// ```
/// use recto_iiif::presentation::upgrade::upgrade;
/// use serde_json::json;
///
/// let (manifest, notes) = upgrade(json!({
///     "@context": "http://iiif.io/api/presentation/2/context.json",
///     "@id": "https://example.org/manifest", "@type": "sc:Manifest", "label": "Book",
///     "attribution": "The library", "sequences": [{"@type": "sc:Sequence", "canvases": [
///         {"@id": "https://example.org/c1", "@type": "sc:Canvas", "label": "1r", "height": 400, "width": 300, "images": []}]}]
/// }));
/// assert_eq!(manifest["requiredStatement"]["value"]["none"][0], "The library");
/// assert_eq!(manifest["items"][0]["label"]["none"][0], "1r");
/// assert_eq!(notes, []);
/// ```
pub fn upgrade(mut document: Value) -> (Value, Vec<Note>) {
    let mut upgrade = Upgrade::default();
    cut_depth(&mut document, &mut upgrade.notes);
    let place = Place::DOCUMENT;
    let mut fields = match document {
        Value::Object(fields) => fields,
        other => {
            let message = format!("the document is {} and no object", short(&other));
            upgrade.notes.add(NoteKind::Repaired, &place, message, "begin it with `{`");
            return (other, upgrade.notes.into_vec());
        }
    };
    let Some(kind) = document_kind(&fields) else {
        let message = "the document is no resource of the Presentation API; it stays as it is";
        upgrade.notes.add(NoteKind::Repaired, &place, message, "give it `@type`");
        return (Value::Object(fields), upgrade.notes.into_vec());
    };
    let context = fields.shift_remove("@context");
    let upgraded = upgrade.document(kind, fields, &place);
    let mut out = Map::new();
    out.insert("@context".to_owned(), upgraded_context(context));
    match upgraded {
        Value::Object(fields) => out.extend(fields),
        other => return (other, upgrade.notes.into_vec()),
    }
    (Value::Object(out), upgrade.notes.into_vec())
}

/// A text in any shape as a language map.
pub(super) fn language_map(value: Value) -> Option<Value> {
    Upgrade::default().texts(value, &Place::DOCUMENT).map(Value::Object)
}

impl Upgrade {
    fn document(&mut self, kind: &str, fields: Map<String, Value>, place: &Place<'_>) -> Value {
        match kind {
            "Manifest" => self.manifest(fields, place),
            "Collection" => self.collection(fields, place),
            "Sequence" => self.sequence_document(fields, place),
            "Canvas" => self.canvas(fields, "https://example.invalid/canvas", place),
            "Range" => self.range_document(fields, place),
            "AnnotationList" => self.list_document(fields, place),
            "Layer" => self.layer(fields, place),
            "Annotation" => self.annotation(fields, annotations::Role::Other, "https://example.invalid", 0, place),
            _ => self.content(Value::Object(fields), "Dataset", "https://example.invalid", place).unwrap_or_default(),
        }
    }

    /// A list that is a document of its own has its annotations, be they none.
    fn list_document(&mut self, fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let page = self.annotation_page(Value::Object(fields), "https://example.invalid/annotations", place);
        let mut page = page.unwrap_or_default();
        if let Some(page) = page.as_object_mut()
            && !page.contains_key("items")
        {
            self.notes.add(NoteKind::Repaired, place, "`resources` is missing", "list the annotations, be they none");
            page.insert("items".to_owned(), Value::Array(Vec::new()));
        }
        page
    }

    /// The `id` of a resource; one is made where there is none.
    fn id(&mut self, fields: &mut Map<String, Value>, made: impl FnOnce() -> String, place: &Place<'_>) -> String {
        match first_of(fields, &["@id", "id"]) {
            Some(Value::String(id)) if !id.trim().is_empty() => self.uri(id, place),
            _ => {
                let id = made();
                let message = format!("`@id` is missing; {id} is made for it");
                self.notes.add(NoteKind::Repaired, place, message, "give it a URI of its own");
                id
            }
        }
    }

    /// A URI without the spaces that are met in them. The same text always becomes the same, so that mentions still fit.
    fn uri(&mut self, uri: String, place: &Place<'_>) -> String {
        if !uri.contains(char::is_whitespace) {
            return uri;
        }
        let repaired = uri.trim().split(char::is_whitespace).collect::<Vec<_>>().join("%20");
        self.notes.add(NoteKind::Repaired, place, format!("the URI `{uri}` has spaces"), "write a space as %20");
        repaired
    }

    /// A size or a duration. Numbers in strings are read; what is none is left out.
    fn number(&mut self, fields: &mut Map<String, Value>, property: &str, place: &Place<'_>) -> Option<Value> {
        let value = fields.shift_remove(property).filter(|value| !value.is_null())?;
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().trim_end_matches("px").parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| *number > 0.0 && number.is_finite());
        let fits = match (number, property) {
            (Some(_), "duration") if value.is_number() => return Some(value),
            (Some(number), "duration") => Some(Value::from(number)),
            (Some(number), _) if number <= f64::from(u32::MAX) && number >= 0.5 => {
                Some(Value::from(number.round() as u32))
            }
            _ => None,
        };
        if fits.as_ref() != Some(&value) {
            let message = format!("`{property}` is {}", short(&value));
            let kind = if fits.is_some() { NoteKind::Repaired } else { NoteKind::Lost };
            self.notes.add(kind, &place.at(property), message, "write a whole number, more than 0");
        }
        fits
    }

    /// Properties that have no place of their own stay where they were.
    #[expect(clippy::unused_self, reason = "reads as one of the steps that build a resource")]
    fn rest(&mut self, fields: Map<String, Value>, out: &mut Map<String, Value>) {
        for (property, value) in fields {
            if property != "@context" && !value.is_null() {
                out.entry(property).or_insert(value);
            }
        }
    }
}

/// What a document is: by its type, else by what it has.
fn document_kind(fields: &Map<String, Value>) -> Option<&'static str> {
    const KINDS: [&str; 8] =
        ["Manifest", "Collection", "Sequence", "Canvas", "Range", "AnnotationList", "Layer", "Annotation"];
    let words = type_words(fields);
    if let Some(kind) = KINDS.into_iter().find(|kind| words.iter().any(|word| word == kind)) {
        return Some(kind);
    }
    let prefixed = |prefix: &str| {
        let types = fields.get("@type").map(|types| list_ref(types)).unwrap_or_default();
        types.iter().filter_map(|word| word.as_str()).any(|word| word.starts_with(prefix))
    };
    if prefixed("dctypes:") || prefixed("oa:") || prefixed("cnt:") {
        return Some("Content");
    }
    let by_property = [
        ("sequences", "Manifest"),
        ("manifests", "Collection"),
        ("collections", "Collection"),
        ("canvases", "Sequence"),
        ("images", "Canvas"),
        ("resources", "AnnotationList"),
        ("on", "Annotation"),
    ];
    by_property.into_iter().find(|(property, _)| fields.contains_key(*property)).map(|(_, kind)| kind)
}

/// The words of `@type` without their prefixes.
fn type_words(fields: &Map<String, Value>) -> Vec<String> {
    let types = ["@type", "type"].iter().find_map(|key| fields.get(*key)).map(list_ref).unwrap_or_default();
    let words = types.into_iter().filter_map(Value::as_str);
    words.map(|word| word.rsplit([':', '#', '/']).next().unwrap_or(word).to_owned()).collect()
}

/// The values of a property that has one or many.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

fn list_ref(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        other => vec![other],
    }
}

/// Takes the first of these properties that has a value.
fn first_of(fields: &mut Map<String, Value>, properties: &[&str]) -> Option<Value> {
    properties.iter().find_map(|property| fields.shift_remove(*property).filter(|value| !value.is_null()))
}

/// The URI that a mention means.
fn uri_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(uri) => Some(uri),
        Value::Object(fields) => ["@id", "id"].iter().find_map(|key| fields.get(*key)?.as_str()),
        _ => None,
    }
}

/// Contexts of extensions first, that of 3.0 last. 3.0 §4.6.
fn upgraded_context(context: Option<Value>) -> Value {
    let is_replaced = |context: &Value| {
        context.as_str().is_some_and(|uri| {
            let is_iiif = uri.contains("iiif.io/api/") && !uri.contains("/extension/");
            is_iiif || uri.contains("shared-canvas.org") || uri.contains("library.stanford.edu/iiif/")
        })
    };
    let mut contexts: Vec<Value> =
        list(context.unwrap_or_default()).into_iter().filter(|context| !is_replaced(context)).collect();
    let own = Value::from(Version::V3.context());
    if contexts.is_empty() {
        return own;
    }
    contexts.push(own);
    Value::Array(contexts)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
