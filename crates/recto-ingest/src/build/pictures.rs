//! The pages of an object one by one, each with its picture: what a file of all of them is made of.

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{Canvas, Manifest};
use serde_json::Value;

use super::manifests::Around;
use super::parts::ObjectParts;
use super::plan::{CanvasPlan, Source, plan};
use super::urls::Urls;
use super::{PageFacts, made};
use crate::description::Location;

/// A page, and where its picture is.
#[derive(Clone, Debug, PartialEq)]
pub struct PagePicture {
    /// What people call it.
    pub label: String,
    /// Its picture.
    pub picture: Picture,
}

/// The picture of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// An image that this server gives out, and its size where that is known.
    Here(Identifier, Option<Dimensions>),
    /// One that lies at this URL and is not given out from here.
    Elsewhere(String),
    /// There is none: it is sound, or a file that cannot be read.
    Nowhere,
}

/// The pages of an object in their order: as many as its manifest has canvases. `facts` may come in any order.
pub fn pictures(parts: &ObjectParts, around: Around<'_>, facts: &[PageFacts], urls: &dyn Urls) -> Vec<PagePicture> {
    match made::manifest(parts, around, urls) {
        Some(manifest) => of_manifest(&manifest, urls),
        None => plan(parts, around.prefix, facts).iter().map(|plan| of_plan(plan, urls)).collect(),
    }
}

fn of_plan(plan: &CanvasPlan<'_>, urls: &dyn Urls) -> PagePicture {
    let label = plan.label.first().unwrap_or(&plan.name).to_owned();
    let picture = match plan.facts() {
        Some(facts) if facts.recording.is_none() => Picture::Here(facts.image(), Some(facts.size)),
        Some(_) => Picture::Nowhere,
        None => plan
            .painted
            .iter()
            .find_map(|painted| match &painted.source {
                Source::Web(location) => {
                    let content = painted.content;
                    let size = content.and_then(|content| Some(Dimensions::new(content.width?, content.height?)));
                    of_web(location, content.and_then(|content| content.format.as_deref()), size, urls)
                }
                Source::File { .. } | Source::Missing(_) => None,
            })
            .unwrap_or(Picture::Nowhere),
    };
    PagePicture { label, picture }
}

fn of_web(location: &Location, format: Option<&str>, size: Option<Dimensions>, urls: &dyn Urls) -> Option<Picture> {
    let url = match location {
        Location::ImageService(service) => format!("{}/full/max/0/default.jpg", service.trim_end_matches('/')),
        Location::Url(url) if format.is_none_or(|format| format.starts_with("image/")) => url.clone(),
        Location::Url(_) | Location::File(_) | Location::FilePage(..) => return None,
    };
    Some(match urls.proxied(&url) {
        Some(image) => Picture::Here(image, size),
        None => Picture::Elsewhere(url),
    })
}

/// In a manifest that somebody made, images of the library and those that are fetched have our URLs already.
fn of_manifest(manifest: &Manifest, urls: &dyn Urls) -> Vec<PagePicture> {
    let prefix = urls.image(ApiVersion::V3, &Identifier::new(""));
    let of_canvas = |(canvas, number): (&Canvas, usize)| {
        let label = canvas.label.as_ref().and_then(|label| label.first()).map(str::to_owned);
        let body = serde_json::to_value(&canvas.items).ok().and_then(|pages| first_image(&pages));
        let picture = body.map_or(Picture::Nowhere, |(url, size)| {
            let here = url.strip_prefix(&prefix).and_then(|rest| rest.split('/').next());
            let here = here.and_then(|encoded| Identifier::parse_encoded(encoded).ok());
            here.map_or(Picture::Elsewhere(url), |image| Picture::Here(image, size))
        });
        PagePicture { label: label.unwrap_or_else(|| number.to_string()), picture }
    };
    manifest.items.iter().zip(1..).map(of_canvas).collect()
}

/// URL and size of the first image that is painted.
fn first_image(pages: &Value) -> Option<(String, Option<Dimensions>)> {
    let mut open = vec![pages];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(fields) if fields.get("type").and_then(Value::as_str) == Some("Image") => {
                let side = |name: &str| u32::try_from(fields.get(name)?.as_u64()?).ok();
                let size = side("width").zip(side("height")).map(|(width, height)| Dimensions::new(width, height));
                return Some((fields.get("id")?.as_str()?.to_owned(), size));
            }
            Value::Object(fields) => {
                // A turned image is the `source` of its body, the one that is shown first of several the first of `items`.
                open.extend(["source", "body", "items"].iter().filter_map(|name| fields.get(*name)));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Media;
    use crate::build::{FilePart, Proxied, SiteUrls};
    use crate::description::{Content, Description, Page};

    fn pictures_of(parts: &ObjectParts) -> Vec<Picture> {
        let near = Proxied::those(|url| url.starts_with("https://near.example/"));
        let urls = SiteUrls::new("http://x").with_proxied(&near);
        let identifier = Identifier::new("object");
        let around = Around { identifier: &identifier, prefix: "object/", collections: &[] };
        pictures(parts, around, &[], &urls).into_iter().map(|page| page.picture).collect()
    }

    #[test]
    fn pictures_of_described_pages_are_here_where_they_are_fetched_and_elsewhere_where_not() {
        let page = |location: Location, format: Option<&str>| {
            let content = Content {
                width: Some(30),
                height: Some(40),
                format: format.map(str::to_owned),
                ..Content::at(location)
            };
            Page { contents: vec![content], ..Page::default() }
        };
        let url = |url: &str| Location::Url(url.to_owned());
        let pages = vec![
            page(url("https://near.example/a.jpg"), None),
            page(url("https://far.example/b.jpg"), None),
            page(Location::ImageService("https://far.example/iiif/c/".into()), None),
            page(url("https://far.example/d.mp3"), Some("audio/mpeg")),
        ];
        let description = Description { pages, ..Description::default() };
        let parts = ObjectParts { description, ..ObjectParts::default() };
        let near = Identifier::new("https://near.example/a.jpg");
        let elsewhere = |url: &str| Picture::Elsewhere(url.to_owned());
        assert_eq!(
            pictures_of(&parts),
            [
                Picture::Here(near, Some(Dimensions::new(30, 40))),
                elsewhere("https://far.example/b.jpg"),
                elsewhere("https://far.example/iiif/c/full/max/0/default.jpg"),
                Picture::Nowhere,
            ]
        );
    }

    #[test]
    fn pictures_of_a_manifest_that_somebody_made_are_those_of_its_canvases() {
        let canvas = |number: usize, body: Value| {
            let id = format!("https://far.example/m/canvas/{number}");
            json!({ "id": id, "type": "Canvas", "width": 3, "height": 4, "items": [{
                "id": format!("{id}/page"), "type": "AnnotationPage", "items": [{
                    "id": format!("{id}/annotation"), "type": "Annotation", "motivation": "painting",
                    "body": body, "target": id }] }] })
        };
        let image = |id: &str| json!({ "id": id, "type": "Image", "width": 30, "height": 40 });
        let made = json!({
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "id": "https://far.example/m/manifest", "type": "Manifest", "label": { "none": ["m"] },
            "items": [
                canvas(1, image("a.tif")),
                canvas(2, image("https://far.example/b.jpg")),
                canvas(3, json!({ "type": "Choice", "items": [image("https://near.example/c.jpg"), image("a.tif")] })),
                canvas(4, json!({ "type": "Sound", "id": "https://far.example/d.mp3" })),
            ]
        });
        let name = "a.tif".to_owned();
        let file = FilePart { name, canvas: None, media: Media::Image, bytes: 1, modified_ns: None };
        let parts = ObjectParts { made: Some(made), files: vec![file], ..ObjectParts::default() };
        let here = |name: &str| Picture::Here(Identifier::new(name), Some(Dimensions::new(30, 40)));
        assert_eq!(
            pictures_of(&parts),
            [
                here("object/a.tif"),
                Picture::Elsewhere("https://far.example/b.jpg".into()),
                here("https://near.example/c.jpg"),
                Picture::Nowhere,
            ]
        );
    }
}
