//! Reading that does not give up: what is illegal is repaired, else left out, and a note names the property.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::note::{Note, NoteKind, Notes, Place, cut_depth};
use super::{Annotation, AnnotationPage, Canvas, Collection, CollectionItem, Manifest, Range, Version, upgrade, v4};

/// A manifest of any version, read into the 3.0 model. `None` only for a document of another class.
///
/// ```
/// use recto_iiif::presentation::read_manifest;
/// use serde_json::json;
///
/// let (manifest, notes) = read_manifest(json!({
///     "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://example.org/m", "type": "Manifest",
///     "label": "Book", "items": [{"id": "https://example.org/c", "type": "Canvas", "height": "400", "width": 300}]
/// }));
/// assert_eq!(manifest.unwrap().items[0].height, Some(400));
/// let places: Vec<&str> = notes.iter().map(|note| note.pointer.as_str()).collect();
/// assert_eq!(places, ["/label", "/items/0/height"]);
/// ```
pub fn read_manifest(document: Value) -> (Option<Manifest>, Vec<Note>) {
    read(document, Kind::Manifest)
}

/// A collection of any version, read into the 3.0 model. `None` only for a document of another class.
pub fn read_collection(document: Value) -> (Option<Collection>, Vec<Note>) {
    read(document, Kind::Collection)
}

/// A 3.0 document whose properties have the shapes that 3.0 wants.
pub(super) fn repair(mut document: Value) -> (Value, Vec<Note>) {
    let mut notes = Notes::default();
    cut_depth(&mut document, &mut notes);
    if let Some(kind) = document.get("type").and_then(Value::as_str).and_then(Kind::by_type) {
        reshape(&mut document, kind, "", &Place::DOCUMENT, &mut notes);
    }
    (document, notes.into_vec())
}

fn read<T: for<'d> Deserialize<'d>>(document: Value, kind: Kind) -> (Option<T>, Vec<Note>) {
    let (mut document, mut said) = match Version::of(&document) {
        Some(Version::V2) => upgrade::upgrade(document),
        Some(Version::V4) => v4::downgrade(document),
        _ => {
            let mut document = document;
            let mut notes = Notes::default();
            cut_depth(&mut document, &mut notes);
            (document, notes.into_vec())
        }
    };
    if let Ok(read) = T::deserialize(&document) {
        return (Some(read), said);
    }
    let mut notes = Notes::default();
    let given = document.get("type").and_then(Value::as_str);
    if given.is_some_and(|given| given != kind.name()) || !document.is_object() {
        let message = format!("`type` is {} where `{}` is wanted", document["type"], kind.name());
        notes.add(NoteKind::Lost, &Place::DOCUMENT.at("type"), message, "read it as what it is");
        said.extend(notes.into_vec());
        return (None, said);
    }
    reshape(&mut document, kind, "", &Place::DOCUMENT, &mut notes);
    if kind.reads(&document).is_err() {
        prune(&mut document, kind, &Place::DOCUMENT, &mut notes);
    }
    said.extend(notes.into_vec());
    (T::deserialize(&document).ok(), said)
}

/// Classes that the model has structs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Manifest,
    Collection,
    Member,
    Canvas,
    Range,
    Page,
    Annotation,
}

impl Kind {
    fn by_type(name: &str) -> Option<Self> {
        [Self::Manifest, Self::Collection, Self::Canvas, Self::Range, Self::Page, Self::Annotation]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Manifest | Self::Member => "Manifest",
            Self::Collection => "Collection",
            Self::Canvas => "Canvas",
            Self::Range => "Range",
            Self::Page => "AnnotationPage",
            Self::Annotation => "Annotation",
        }
    }

    /// What the values of a property are.
    fn of(self, property: &str) -> Option<Self> {
        match (self, property) {
            (Self::Manifest, "items") => Some(Self::Canvas),
            (Self::Manifest, "structures") | (Self::Range, "items") => Some(Self::Range),
            (Self::Collection, "items") => Some(Self::Member),
            (Self::Page, "items") => Some(Self::Annotation),
            (Self::Canvas, "items") | (_, "annotations") => Some(Self::Page),
            _ => None,
        }
    }

    fn reads(self, value: &Value) -> Result<(), serde_json::Error> {
        match self {
            Self::Manifest => Manifest::deserialize(value).map(drop),
            Self::Collection => Collection::deserialize(value).map(drop),
            Self::Member => CollectionItem::deserialize(value).map(drop),
            Self::Canvas => Canvas::deserialize(value).map(drop),
            Self::Range => Range::deserialize(value).map(drop),
            Self::Page => AnnotationPage::deserialize(value).map(drop),
            Self::Annotation => Annotation::deserialize(value).map(drop),
        }
    }

    /// The least that this class may be.
    fn least(self) -> Map<String, Value> {
        let least = match self {
            Self::Manifest | Self::Collection => json!({ "id": "", "type": self.name(), "label": {}, "items": [] }),
            Self::Member => json!({ "id": "", "type": "Manifest", "label": {} }),
            Self::Annotation => json!({ "id": "", "type": "Annotation", "target": "" }),
            _ => json!({ "id": "", "type": self.name() }),
        };
        match least {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

/// Properties that are lists, be it of one.
const LISTS: [&str; 13] = [
    "metadata",
    "thumbnail",
    "behavior",
    "provider",
    "homepage",
    "service",
    "services",
    "seeAlso",
    "rendering",
    "partOf",
    "items",
    "structures",
    "annotations",
];

/// Brings what is meant into the shape that 3.0 has for it.
fn reshape(value: &mut Value, kind: Kind, made: &str, place: &Place<'_>, notes: &mut Notes) {
    let Some(fields) = value.as_object_mut() else { return };
    if kind == Kind::Range && fields.get("type").is_some_and(|given| given != "Range") {
        return;
    }
    for (old, new) in [("@id", "id"), ("@type", "type")] {
        if !fields.contains_key(new)
            && let Some(value) = fields.shift_remove(old)
        {
            fields.insert(new.to_owned(), value);
            notes.add(NoteKind::Repaired, &place.at(old), format!("`{old}` is `{new}` in 3.0"), "rename it");
        }
    }
    demanded(fields, kind, made, place, notes);
    let id = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let properties: Vec<String> = fields.keys().cloned().collect();
    for property in properties {
        let Some(value) = fields.get_mut(&property) else { continue };
        let place = place.at(&property);
        if LISTS.contains(&property.as_str()) && !value.is_array() {
            let values = if value.is_null() { Vec::new() } else { vec![value.take()] };
            *value = Value::Array(values);
            notes.add(NoteKind::Repaired, &place, format!("`{property}` is no list"), "put its value into `[` and `]`");
        }
        match property.as_str() {
            "label" | "summary" => texts(value, &place, notes),
            "requiredStatement" => pair(value, &place, notes),
            "metadata" => each(value, &place, |value, place| pair(value, place, notes)),
            "height" | "width" => number(value, &place, notes),
            "thumbnail" | "homepage" | "seeAlso" | "rendering" => {
                each(value, &place, |value, place| link(value, &property, place, notes));
            }
            _ => {}
        }
        if let Some(child) = kind.of(&property) {
            let mut number = 0;
            each(value, &place, |value, place| {
                number += 1;
                reshape(value, child, &format!("{id}/{property}/{number}"), place, notes);
            });
        }
    }
    let empty: Vec<String> =
        fields.iter().filter(|(_, value)| value.is_null()).map(|(property, _)| property.clone()).collect();
    for property in empty {
        fields.shift_remove(&property);
    }
}

/// What a class cannot be without.
fn demanded(fields: &mut Map<String, Value>, kind: Kind, made: &str, place: &Place<'_>, notes: &mut Notes) {
    let id = fields.get("id").and_then(Value::as_str).unwrap_or(made).to_owned();
    for (property, value) in kind.least() {
        if fields.get(&property).is_some_and(|value| !value.is_null()) {
            continue;
        }
        let value = match property.as_str() {
            "id" => Value::from(if made.is_empty() { "https://example.invalid/document" } else { made }),
            "label" => json!({ "none": [id] }),
            "target" => Value::from(made.split("/items/").next().unwrap_or_default()),
            _ => value,
        };
        notes.add(NoteKind::Repaired, place, format!("`{property}` is missing; {value} is taken for it"), "say it");
        fields.insert(property, value);
    }
}

fn each(value: &mut Value, place: &Place<'_>, mut change: impl FnMut(&mut Value, &Place<'_>)) {
    for (index, value) in value.as_array_mut().into_iter().flatten().enumerate() {
        change(value, &place.index(index));
    }
}

fn texts(value: &mut Value, place: &Place<'_>, notes: &mut Notes) {
    let is_map = value.as_object().is_some_and(|map| {
        map.values().all(|texts| texts.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)))
    });
    if is_map {
        return;
    }
    *value = upgrade::language_map(value.take()).unwrap_or_else(|| json!({}));
    let message = "the text is no language map";
    notes.add(NoteKind::Repaired, place, message, "write `{\"en\": [\"…\"]}`, or `none` for the language");
}

fn pair(value: &mut Value, place: &Place<'_>, notes: &mut Notes) {
    if !value.is_object() {
        *value = json!({ "label": "", "value": value.take() });
    }
    for property in ["label", "value"] {
        texts(&mut value[property], &place.at(property), notes);
    }
}

fn number(value: &mut Value, place: &Place<'_>, notes: &mut Notes) {
    let given = match &*value {
        Value::Number(number) if number.is_u64() => return,
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let fits = given.filter(|given| (1.0..=f64::from(u32::MAX)).contains(given));
    let kind = if fits.is_some() { NoteKind::Repaired } else { NoteKind::Lost };
    notes.add(kind, place, format!("a size is {value}"), "write a whole number, more than 0");
    *value = fits.map_or(Value::Null, |number| Value::from(number.round() as u32));
}

fn link(value: &mut Value, property: &str, place: &Place<'_>, notes: &mut Notes) {
    if let Value::String(uri) = value {
        let usual = if property == "thumbnail" { "Image" } else { "Text" };
        *value = json!({ "id": uri, "type": usual });
        notes.add(NoteKind::Repaired, place, "a resource is only named", "write an object with `id` and `type`");
    }
    let Some(fields) = value.as_object_mut() else { return };
    if !fields.contains_key("type") {
        fields.insert("type".to_owned(), if property == "thumbnail" { "Image" } else { "Text" }.into());
        notes.add(NoteKind::Repaired, place, "`type` is missing", "say what it is");
    }
    for size in ["height", "width"] {
        if let Some(value) = fields.get_mut(size) {
            number(value, &place.at(size), notes);
        }
    }
    if let Some(label) = fields.get_mut("label") {
        texts(label, &place.at("label"), notes);
    }
    fields.retain(|_, value| !value.is_null());
}

/// Takes out what still cannot be read: of lists the part, of resources the property.
fn prune(value: &mut Value, kind: Kind, place: &Place<'_>, notes: &mut Notes) {
    let Some(fields) = value.as_object_mut() else { return };
    let properties: Vec<String> = fields.keys().cloned().collect();
    for property in properties {
        let place = place.at(&property);
        let child = kind.of(&property);
        if let (Some(child), Some(Value::Array(values))) = (child, fields.get_mut(&property)) {
            let mut index = 0;
            values.retain_mut(|value| {
                let place = place.index(index);
                index += 1;
                if child.reads(value).is_err() {
                    prune(value, child, &place, notes);
                }
                is_kept(child.reads(value), &place, notes)
            });
        }
        let Some(given) = fields.get_mut(&property) else { continue };
        let mut least = kind.least();
        least.insert(property.clone(), given.take());
        let alone = Value::Object(least);
        let outcome = kind.reads(&alone);
        if let Value::Object(mut least) = alone
            && is_kept(outcome, &place, notes)
        {
            *given = least.shift_remove(&property).unwrap_or_default();
        } else {
            fields.shift_remove(&property);
        }
    }
}

fn is_kept(outcome: Result<(), serde_json::Error>, place: &Place<'_>, notes: &mut Notes) -> bool {
    match outcome {
        Ok(()) => true,
        Err(error) => {
            notes.add(
                NoteKind::Lost,
                place,
                format!("this cannot be read: {error}"),
                "see the specification of the property",
            );
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(more: &Value) -> Value {
        let mut manifest = json!({
            "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://e.org/m", "type": "Manifest",
            "label": {"en": ["M"]}, "items": [{"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3}]
        });
        manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        manifest
    }

    #[test]
    fn illegal_shapes_are_read_as_what_they_mean_and_named() {
        for (more, place, kind) in [
            (json!({"label": "M"}), "/label", NoteKind::Repaired),
            (json!({"label": {"en": "M"}}), "/label", NoteKind::Repaired),
            (json!({"behavior": "paged"}), "/behavior", NoteKind::Repaired),
            (json!({"thumbnail": ["https://e.org/t.jpg"]}), "/thumbnail/0", NoteKind::Repaired),
            (json!({"metadata": [{"label": "a", "value": {"none": ["b"]}}]}), "/metadata/0/label", NoteKind::Repaired),
            (json!({"items": [{"type": "Canvas", "height": 1, "width": 1}]}), "/items/0", NoteKind::Repaired),
            (
                json!({"items": [{"id": "https://e.org/c", "type": "Canvas", "height": "x"}]}),
                "/items/0/height",
                NoteKind::Lost,
            ),
            (json!({"viewingDirection": "sideways"}), "/viewingDirection", NoteKind::Lost),
            (json!({"rights": ["a", "b"]}), "/rights", NoteKind::Lost),
            (json!({"items": [{"id": "https://e.org/c", "type": "Sequence"}]}), "/items/0/type", NoteKind::Lost),
        ] {
            let (read, notes) = read_manifest(manifest(&more));
            assert!(read.is_some(), "{more}");
            let first = notes.first().map(|note| (note.pointer.as_str(), note.kind));
            assert_eq!(first, Some((place, kind)), "{more}: {notes:?}");
        }
    }

    #[test]
    fn a_manifest_of_any_version_is_read_and_another_class_is_not() {
        let (older, _) = super::super::v2::downgrade(manifest(&json!({})));
        let (newer, _) = v4::upgrade(manifest(&json!({})));
        for document in [manifest(&json!({})), older, newer] {
            let (read, notes) = read_manifest(document);
            assert_eq!((json!(read.unwrap()), notes), (manifest(&json!({})), vec![]));
        }
        for other in [json!({"id": "x", "type": "Collection", "label": {}, "items": []}), json!([]), json!("x")] {
            let (read, notes) = read_manifest(other);
            assert!(read.is_none());
            assert_eq!(notes.iter().map(|note| note.pointer.as_str()).collect::<Vec<_>>(), ["/type"]);
        }
        let (read, _) = read_collection(
            json!({"id": "https://e.org/all", "type": "Collection", "label": {}, "items": [{"id": "https://e.org/m", "type": "Manifest"}]}),
        );
        assert_eq!(read.unwrap().items[0].label.first(), Some("https://e.org/m"));
    }
}
