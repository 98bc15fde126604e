//! What was said about a thing, in the words of Presentation 3.0.

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{ContentResource, LanguageMap};
use serde_json::{Value, json};

use super::thumbnails;
use super::urls::Urls;
use crate::description::{Link, NavPlace, Provider};

/// What all links of one thing are made with: `prefix` is what its relative paths are relative to.
#[derive(Clone, Copy)]
pub(super) struct Links<'a> {
    pub(super) prefix: &'a str,
    pub(super) urls: &'a dyn Urls,
}

pub(super) fn is_absolute(uri: &str) -> bool {
    uri.starts_with("https://") || uri.starts_with("http://")
}

impl Links<'_> {
    /// An absolute URL as it is; a path as the URL of the file.
    pub(super) fn url(&self, given: &str) -> String {
        if is_absolute(given) { given.to_owned() } else { self.urls.file(&format!("{}{given}", self.prefix)) }
    }

    /// The resource of a link; `class` where it says none, and a label where one is demanded.
    pub(super) fn resource(&self, link: &Link, class: &str, label: Option<&str>) -> ContentResource {
        let kind = if link.class.is_empty() { class } else { &link.class };
        let mut resource = ContentResource::new(self.url(&link.id), kind);
        resource.label = match label {
            _ if !link.label.is_empty() => Some(link.label.clone()),
            Some(label) => Some(LanguageMap::one("en", label)),
            None => None,
        };
        resource.format.clone_from(&link.format);
        resource.profile.clone_from(&link.profile);
        if !link.language.is_empty() {
            resource.extra.insert("language".into(), json!(link.language));
        }
        resource
    }

    /// A picture that was named: of the library by its image service, else as it is.
    pub(super) fn picture(&self, given: &str) -> ContentResource {
        if is_absolute(given) {
            ContentResource::new(given, "Image")
        } else {
            thumbnails::of_image(&Identifier::new(format!("{}{given}", self.prefix)), self.urls)
        }
    }

    pub(super) fn providers(&self, providers: &[Provider]) -> Value {
        Value::Array(providers.iter().map(|provider| self.provider(provider)).collect())
    }

    fn provider(&self, provider: &Provider) -> Value {
        let mut agent = json!({ "id": provider.id, "type": "Agent", "label": provider.label });
        let label = provider.label.first().unwrap_or("Home page");
        let mut put = |key: &str, resources: Vec<ContentResource>| {
            if !resources.is_empty() {
                agent[key] = json!(resources);
            }
        };
        put("homepage", provider.homepage.iter().map(|link| self.resource(link, "Text", Some(label))).collect());
        put("logo", provider.logo.iter().map(|logo| self.picture(logo)).collect());
        put("seeAlso", provider.see_also.iter().map(|link| self.resource(link, "Dataset", None)).collect());
        agent
    }
}

/// The context of the `navPlace` extension.
pub(super) const NAV_PLACE_CONTEXT: &str = "http://iiif.io/api/extension/navplace/context.json";

/// A place as the `navPlace` extension writes it. `id` is that of the thing.
pub(super) fn nav_place(place: &NavPlace, id: &str) -> Value {
    let mut properties = json!({});
    if !place.label.is_empty() {
        properties["label"] = json!(place.label);
    }
    json!({
        "id": format!("{id}#place"),
        "type": "FeatureCollection",
        "features": [{
            "id": format!("{id}#place-1"),
            "type": "Feature",
            "properties": properties,
            "geometry": { "type": "Point", "coordinates": [place.longitude, place.latitude] }
        }]
    })
}
