//! The same objects as Presentation API 2.1: sequences, images and ranges in the older words.
//!
//! Canvases keep their URIs, so that annotations and search answers mean the same page in both versions; documents get
//! the URIs of their 2.1 counterparts. What 2.1 cannot say is left out: canvases without height and width, painted
//! content that is not an image, services without an older form, annotation pages.

use serde_json::{Map, Value, json};

use super::resources::canvas_uri;
use super::{
    Annotation, Behavior, Body, Canvas, Collection, CollectionItem, ContentResource, LabeledValue, LanguageMap,
    Manifest, Range, RangeItem, Reference, Service, Version,
};

const IMAGE_2_CONTEXT: &str = "http://iiif.io/api/image/2/context.json";

/// How URIs of 3.0 documents become those of the 2.1 documents of the same things: by exchanging their beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUrls {
    v3_prefix: String,
    v2_prefix: String,
}

impl DocumentUrls {
    /// Documents whose URI begins with `v3_prefix` are found in 2.1 under `v2_prefix`; others stay where they are.
    pub fn new(v3_prefix: impl Into<String>, v2_prefix: impl Into<String>) -> Self {
        Self { v3_prefix: v3_prefix.into(), v2_prefix: v2_prefix.into() }
    }

    fn of(&self, id: &str) -> String {
        match id.strip_prefix(&self.v3_prefix) {
            Some(rest) => format!("{}{rest}", self.v2_prefix),
            None => id.to_owned(),
        }
    }
}

/// The manifest as 2.1. Presentation API 2.1 §5.1.
pub fn manifest(manifest: &Manifest, urls: &DocumentUrls) -> Value {
    let id = urls.of(&manifest.id);
    let sequence_id = id.strip_suffix("/manifest").map(|base| format!("{base}/sequence/normal"));
    let mut out = Object::document(&id, "sc:Manifest");
    out.put("label", text(&manifest.label));
    out.put_described(&manifest.metadata, manifest.summary.as_ref());
    out.put_some("thumbnail", manifest.thumbnail.first().map(thumbnail));
    out.put_some("viewingDirection", manifest.viewing_direction.map(|direction| json!(direction)));
    out.put_some("viewingHint", viewing_hint(&manifest.behavior));
    out.put_some("navDate", manifest.nav_date.clone().map(Value::String));
    out.put_rights(manifest.rights.as_ref(), manifest.required_statement.as_ref());
    out.put_links(&manifest.homepage, &manifest.service, &manifest.see_also, &manifest.rendering);
    out.put_some("within", within(&manifest.part_of, urls));
    out.put("sequences", json!([sequence(manifest, sequence_id.as_deref())]));
    let ranges = ranges(&manifest.structures);
    if !ranges.is_empty() {
        out.put("structures", Value::Array(ranges));
    }
    out.into_value()
}

/// The collection as 2.1. Presentation API 2.1 §5.8.
///
/// Members are listed as `collections` and `manifests`, which every 2.x client reads; their common order is lost.
pub fn collection(collection: &Collection, urls: &DocumentUrls) -> Value {
    let mut out = Object::document(&urls.of(&collection.id), "sc:Collection");
    out.put("label", text(&collection.label));
    out.put_described(&collection.metadata, collection.summary.as_ref());
    out.put_some("thumbnail", collection.thumbnail.first().map(thumbnail));
    out.put_some("viewingHint", viewing_hint(&collection.behavior));
    out.put_some("navDate", collection.nav_date.clone().map(Value::String));
    out.put_rights(collection.rights.as_ref(), collection.required_statement.as_ref());
    out.put_links(&collection.homepage, &collection.service, &collection.see_also, &collection.rendering);
    out.put_some("within", within(&collection.part_of, urls));
    for (key, kind, class) in [("collections", "Collection", "sc:Collection"), ("manifests", "Manifest", "sc:Manifest")]
    {
        let members: Vec<Value> =
            collection.items.iter().filter(|item| item.kind == kind).map(|item| member(item, class, urls)).collect();
        if !members.is_empty() {
            out.put(key, Value::Array(members));
        }
    }
    out.into_value()
}

fn member(item: &CollectionItem, class: &str, urls: &DocumentUrls) -> Value {
    let mut out = Object::new(Some(&urls.of(&item.id)), class);
    out.put("label", text(&item.label));
    out.put_some("thumbnail", item.thumbnail.first().map(thumbnail));
    out.into_value()
}

fn sequence(manifest: &Manifest, id: Option<&str>) -> Value {
    let mut out = Object::new(id, "sc:Sequence");
    out.put_some("viewingDirection", manifest.viewing_direction.map(|direction| json!(direction)));
    out.put_some("viewingHint", viewing_hint(&manifest.behavior));
    let start = manifest.start.as_ref().and_then(canvas_uri);
    out.put_some("startCanvas", start.map(Value::String));
    out.put("canvases", manifest.items.iter().filter_map(canvas).collect());
    out.into_value()
}

fn canvas(canvas: &Canvas) -> Option<Value> {
    let (Some(height), Some(width)) = (canvas.height, canvas.width) else { return None };
    let mut out = Object::new(Some(&canvas.id), "sc:Canvas");
    // 2.1 demands a label.
    out.put("label", canvas.label.as_ref().map_or_else(|| "".into(), text));
    out.put("height", height.into());
    out.put("width", width.into());
    out.put_described(&canvas.metadata, canvas.summary.as_ref());
    out.put_some("thumbnail", canvas.thumbnail.first().map(thumbnail));
    out.put_some("viewingHint", viewing_hint(&canvas.behavior));
    out.put("images", canvas.paintings().filter_map(image).collect());
    Some(out.into_value())
}

fn image(annotation: &Annotation) -> Option<Value> {
    let Some(Body::Resource(resource)) = &annotation.body else { return None };
    if resource.kind != "Image" {
        return None;
    }
    let on = annotation.target.canvas_uri()?;
    let mut out = Object::new(Some(&annotation.id), "oa:Annotation");
    out.put("motivation", "sc:painting".into());
    out.put("resource", image_resource(resource));
    out.put("on", on.into());
    Some(out.into_value())
}

fn image_resource(resource: &ContentResource) -> Value {
    let mut out = Object::new(image_uri(resource).as_deref(), "dctypes:Image");
    out.put_some("format", resource.format.clone().map(Value::String));
    out.put_some("height", resource.height.map(Value::from));
    out.put_some("width", resource.width.map(Value::from));
    out.put_some("service", image_service(&resource.service));
    out.into_value()
}

fn thumbnail(resource: &ContentResource) -> Value {
    image_resource(resource)
}

/// The Image API 2 service among these, with the context that 2.1 demands.
fn image_service(services: &[Service]) -> Option<Value> {
    let Service::Older(service) = services.iter().find(|service| service.kind() == Some(Service::IMAGE_2))? else {
        return None;
    };
    let mut out = Map::new();
    out.insert("@context".into(), IMAGE_2_CONTEXT.into());
    out.insert("@id".into(), service.id.clone().into());
    out.insert("profile".into(), service.profile.clone().unwrap_or_else(|| Service::IMAGE_2_LEVEL_2.into()));
    if !service.sizes.is_empty() {
        out.insert("sizes".into(), json!(service.sizes));
    }
    Some(Value::Object(out))
}

/// The URI of the picture, at the Image API 2 service where there is one beside that of version 3.
fn image_uri(resource: &ContentResource) -> Option<String> {
    let id = resource.id.as_deref()?;
    let of_kind = |kind: &str| resource.service.iter().find(|service| service.kind() == Some(kind))?.id();
    let moved = of_kind(Service::IMAGE_3).zip(of_kind(Service::IMAGE_2)).and_then(|(current, older)| {
        let parameters = id.strip_prefix(current)?.strip_prefix('/')?;
        Some(format!("{older}/{}", older_parameters(parameters)))
    });
    Some(moved.unwrap_or_else(|| id.to_owned()))
}

/// Image parameters in the canonical words of 2.1: `full/max/…` is `full/full/…`, and `full/w,h/…` is `full/w,/…`, save
/// where the width is 1 and does not tell the height.
fn older_parameters(parameters: &str) -> String {
    let Some((size, rest)) = parameters.strip_prefix("full/").and_then(|after| after.split_once('/')) else {
        return parameters.to_owned();
    };
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match size.split_once(',') {
        None if size == "max" => format!("full/full/{rest}"),
        Some((width, height)) if is_number(width) && is_number(height) && width != "1" => {
            format!("full/{width},/{rest}")
        }
        _ => parameters.to_owned(),
    }
}

/// Ranges as the flat list of 2.1, parents before children, where each names its children by URI. §5.6.
fn ranges(structures: &[Range]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut waiting: Vec<(&Range, bool)> = structures.iter().rev().map(|range| (range, true)).collect();
    while let Some((range, is_top)) = waiting.pop() {
        let mut object = Object::new(Some(&range.id), "sc:Range");
        object.put("label", range.label.as_ref().map_or_else(|| "".into(), text));
        if is_top {
            object.put("viewingHint", "top".into());
        }
        let canvases: Vec<Value> = range.items.iter().filter_map(RangeItem::canvas_uri).map(Value::String).collect();
        let children: Vec<&Range> = range
            .items
            .iter()
            .filter_map(|item| match item {
                RangeItem::Range(child) => Some(&**child),
                RangeItem::Other(_) => None,
            })
            .collect();
        if !children.is_empty() {
            object.put("ranges", children.iter().map(|child| Value::from(child.id.as_str())).collect());
        }
        if !canvases.is_empty() {
            object.put("canvases", Value::Array(canvases));
        }
        out.push(object.into_value());
        waiting.extend(children.into_iter().rev().map(|child| (child, false)));
    }
    out
}

fn within(part_of: &[Reference], urls: &DocumentUrls) -> Option<Value> {
    part_of.iter().find(|whole| whole.kind == "Collection").map(|whole| urls.of(&whole.id).into())
}

fn viewing_hint(behavior: &[Behavior]) -> Option<Value> {
    behavior.iter().find_map(|behavior| match behavior {
        Behavior::Paged
        | Behavior::Individuals
        | Behavior::Continuous
        | Behavior::MultiPart
        | Behavior::NonPaged
        | Behavior::FacingPages => Some(json!(behavior)),
        _ => None,
    })
}

/// One text as a string; several, or text in a known language, as the list that §4.3 describes.
fn text(map: &LanguageMap) -> Value {
    let mut values: Vec<Value> = map
        .iter()
        .flat_map(|(language, texts)| {
            texts.iter().map(move |text| match language {
                LanguageMap::NONE => Value::from(text.as_str()),
                _ => json!({ "@value": text, "@language": language }),
            })
        })
        .collect();
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

fn link(resource: &ContentResource) -> Option<Value> {
    let mut out = Map::new();
    out.insert("@id".into(), resource.id.clone()?.into());
    if let Some(label) = &resource.label {
        out.insert("label".into(), text(label));
    }
    for (key, value) in [("format", &resource.format), ("profile", &resource.profile)] {
        if let Some(value) = value {
            out.insert(key.into(), value.clone().into());
        }
    }
    Some(Value::Object(out))
}

fn older_service(service: &Service) -> Option<Value> {
    let Service::Older(service) = service else { return None };
    let mut value = json!(service);
    if let Some(object) = value.as_object_mut() {
        object.shift_remove("@type");
    }
    Some(value)
}

/// A JSON object under construction, in the order of the 2.1 examples.
struct Object(Map<String, Value>);

impl Object {
    fn document(id: &str, class: &str) -> Self {
        let mut out = Map::new();
        out.insert("@context".into(), Version::V2.context().into());
        out.insert("@id".into(), id.into());
        out.insert("@type".into(), class.into());
        Self(out)
    }

    fn new(id: Option<&str>, class: &str) -> Self {
        let mut out = Map::new();
        if let Some(id) = id {
            out.insert("@id".into(), id.into());
        }
        out.insert("@type".into(), class.into());
        Self(out)
    }

    fn put(&mut self, key: &str, value: Value) {
        self.0.insert(key.into(), value);
    }

    fn put_some(&mut self, key: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// One value as itself, several as a list, none not at all. §4.2.
    fn put_values(&mut self, key: &str, mut values: Vec<Value>) {
        match values.len() {
            0 => {}
            1 => self.put(key, values.remove(0)),
            _ => self.put(key, Value::Array(values)),
        }
    }

    fn put_described(&mut self, metadata: &[LabeledValue], summary: Option<&LanguageMap>) {
        if !metadata.is_empty() {
            let pairs = metadata.iter().map(|pair| json!({ "label": text(&pair.label), "value": text(&pair.value) }));
            self.put("metadata", pairs.collect());
        }
        self.put_some("description", summary.map(text));
    }

    fn put_rights(&mut self, rights: Option<&String>, statement: Option<&LabeledValue>) {
        self.put_some("license", rights.cloned().map(Value::String));
        self.put_some("attribution", statement.map(|statement| text(&statement.value)));
    }

    fn put_links(
        &mut self,
        homepage: &[ContentResource],
        service: &[Service],
        see_also: &[ContentResource],
        rendering: &[ContentResource],
    ) {
        self.put_values("related", homepage.iter().filter_map(link).collect());
        self.put_values("service", service.iter().filter_map(older_service).collect());
        self.put_values("seeAlso", see_also.iter().filter_map(link).collect());
        self.put_values("rendering", rendering.iter().filter_map(link).collect());
    }

    fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

#[cfg(test)]
#[path = "v2_tests.rs"]
mod tests;
