//! Manifests that somebody made: published under our URLs, with images of the library where they name its files.

use std::collections::HashMap;

use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{ContentResource, Manifest, Reference, Version};
use serde_json::{Map, Value, json};

use super::manifests::Around;
use super::parts::ObjectParts;
use super::thumbnails;
use super::urls::Urls;

/// Classes whose URIs become ours; images and what else is fetched stay where they are.
const OURS: [&str; 6] = ["Manifest", "Canvas", "Range", "AnnotationPage", "Annotation", "AnnotationCollection"];

/// The manifest that was made for an object, in its place on this server; `None` where there is none that can be read.
pub(super) fn manifest(parts: &ObjectParts, around: Around<'_>, urls: &dyn Urls) -> Option<Manifest> {
    let mut document = parts.made.clone()?;
    let before = document["id"].as_str().unwrap_or_default().to_owned();
    let now = urls.manifest(Version::V3, around.identifier);
    let mut renamed = HashMap::new();
    collect(&document, base(&before), base(&now), &mut renamed);
    if !before.is_empty() {
        renamed.insert(before.clone(), now.clone());
    }
    rename(&mut document, &renamed);
    link_images(&mut document, parts, around, urls);
    document["id"] = json!(now);
    let mut manifest: Manifest = serde_json::from_value(document).ok()?;
    manifest.part_of.extend(
        around
            .collections
            .iter()
            .map(|(identifier, label)| Reference::collection(urls.collection(Version::V3, identifier), label.clone())),
    );
    if manifest.homepage.is_empty() {
        manifest.homepage = vec![ContentResource::html(urls.item_page(around.identifier), manifest.label.clone())];
    }
    if super::described::is_absolute(&before) {
        // Where it came from stays known.
        let mut origin = ContentResource::new(before, "Dataset");
        origin.format = Some("application/ld+json".to_owned());
        manifest.see_also.push(origin);
    }
    Some(manifest)
}

/// What the URIs of the parts of a manifest begin with.
fn base(id: &str) -> &str {
    ["/manifest.json", "/manifest", ".json"].iter().find_map(|end| id.strip_suffix(end)).unwrap_or(id)
}

/// The new URIs of everything of ours whose URI begins as the manifest's does.
fn collect(value: &Value, before: &str, now: &str, renamed: &mut HashMap<String, String>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                let is_ours = fields.get("type").and_then(Value::as_str).is_some_and(|class| OURS.contains(&class));
                if let Some(id) = fields.get("id").and_then(Value::as_str).filter(|_| is_ours && !before.is_empty())
                    && let Some(rest) = id.strip_prefix(before).filter(|rest| rest.starts_with('/'))
                {
                    renamed.insert(id.to_owned(), format!("{now}{rest}"));
                }
                open.extend(fields.values());
            }
            _ => {}
        }
    }
}

/// Puts the new URIs in the place of the old ones, with the fragments that they have.
fn rename(value: &mut Value, renamed: &HashMap<String, String>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values_mut()),
            Value::String(text) => {
                let (plain, fragment) = text.split_once('#').map_or((text.as_str(), ""), |(plain, rest)| (plain, rest));
                if let Some(now) = renamed.get(plain) {
                    *text = if fragment.is_empty() { now.clone() } else { format!("{now}#{fragment}") };
                }
            }
            _ => {}
        }
    }
}

/// An image that is named by a path is one of the library, one at a URL may be one that this server fetches: it gets the URL and the
/// services of this server.
fn link_images(document: &mut Value, parts: &ObjectParts, around: Around<'_>, urls: &dyn Urls) {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                let path = fields.get("id").and_then(Value::as_str).map(str::to_owned);
                let is_image = fields.get("type").and_then(Value::as_str) == Some("Image");
                let path = path.filter(|_| is_image).unwrap_or_default();
                let is_file = parts.files.iter().any(|file| file.name == path);
                let of_library = is_file.then(|| Identifier::new(format!("{}{path}", around.prefix)));
                let elsewhere = || urls.proxied(&whole_image(fields).unwrap_or(path));
                if let Some(image) = of_library.or_else(|| elsewhere().filter(|_| is_image)) {
                    let service = urls.image(ApiVersion::V3, &image);
                    fields.insert("id".into(), json!(format!("{service}/full/max/0/default.jpg")));
                    if is_file {
                        fields.entry("format").or_insert_with(|| json!("image/jpeg"));
                    } else {
                        fields.insert("format".into(), json!("image/jpeg"));
                    }
                    fields.insert("service".into(), json!(thumbnails::services(&image, &[], urls)));
                }
                open.extend(fields.values_mut());
            }
            _ => {}
        }
    }
}

/// Where all of an image is that has a service of its own.
fn whole_image(image: &Map<String, Value>) -> Option<String> {
    let services = image.get("service")?.as_array()?;
    services.iter().find_map(|service| {
        let id = service["id"].as_str().or(service["@id"].as_str())?.trim_end_matches('/');
        match service["type"].as_str().or(service["@type"].as_str())? {
            "ImageService3" => Some(format!("{id}/full/max/0/default.jpg")),
            "ImageService2" | "ImageService1" => Some(format!("{id}/full/full/0/default.jpg")),
            _ => None,
        }
    })
}
