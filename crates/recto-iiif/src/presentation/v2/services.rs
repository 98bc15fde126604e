//! Services in the words of the older specifications, each with the context that 2.1 demands. Presentation API 2.1 §3.4.

use serde_json::{Map, Value};

use super::super::Service;
use super::super::note::{NoteKind, Place};
use super::{Downgrade, list};

/// Contexts by the class that 3.0 gives to services of older versions.
const CONTEXTS: [(&str, &str); 4] = [
    ("ImageService2", "http://iiif.io/api/image/2/context.json"),
    ("ImageService1", "http://library.stanford.edu/iiif/image-api/1.1/context.json"),
    ("SearchService1", "http://iiif.io/api/search/1/context.json"),
    ("AuthCookieService1", "http://iiif.io/api/auth/1/context.json"),
];
const IMAGE_3_CONTEXT: &str = "http://iiif.io/api/image/3/context.json";

impl Downgrade<'_> {
    /// The services of a resource; `of_picture` for those of images, which are worth more than their form.
    pub(super) fn services(&mut self, values: Vec<Value>, of_picture: bool, place: &Place<'_>) -> Vec<Value> {
        let families: Vec<String> = values.iter().filter(|service| service.get("@id").is_some()).map(family).collect();
        let mut out = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = place.index(index);
            let is_older = value.get("@id").is_some();
            let own = family(&value);
            match self.full(value) {
                Value::Object(fields) if is_older => out.push(self.older(fields, &place)),
                Value::Object(fields) if fields.contains_key("@context") && fields.contains_key("id") => {
                    out.push(Value::Object(fields));
                }
                // Said by the older service beside it.
                _ if families.contains(&own) => {}
                Value::Object(fields) if of_picture && own == "Image" => {
                    let message = "the image service is of version 3; it stays, with its own context";
                    self.notes.add(NoteKind::Moved, &place, message, "offer a service of version 2 beside it");
                    out.push(image_3(fields));
                }
                other => {
                    let message = format!("a service of type {} has no older form", other["type"]);
                    self.lost(&place, message, "offer a service of an older version beside it");
                }
            }
        }
        out
    }

    /// A service that only names one of `services` is written as that.
    fn full(&mut self, value: Value) -> Value {
        let id = ["@id", "id"].iter().find_map(|key| value[*key].as_str());
        match id.filter(|id| self.shared.contains_key(*id)) {
            Some(id) => {
                self.inlined.insert(id.to_owned());
                let is_bare = value.as_object().is_some_and(|fields| fields.len() <= 2);
                if is_bare { self.shared[id].clone() } else { value }
            }
            None => value,
        }
    }

    fn older(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let kind = fields.shift_remove("@type");
        let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut out = Map::new();
        let known = CONTEXTS.iter().find(|(known, _)| *known == kind).map(|(_, context)| Value::from(*context));
        out.extend(fields.shift_remove("@context").or(known).map(|context| ("@context".to_owned(), context)));
        out.extend(fields.shift_remove("@id").map(|id| ("@id".to_owned(), id)));
        let usual = (kind == Service::IMAGE_2).then(|| Value::from(Service::IMAGE_2_LEVEL_2));
        out.extend(fields.shift_remove("profile").or(usual).map(|profile| ("profile".to_owned(), profile)));
        let inner = fields.shift_remove("service").map(|inner| self.services(list(inner), false, &place.at("service")));
        out.extend(fields);
        if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
            out.insert("service".to_owned(), Value::Array(inner));
        }
        Value::Object(out)
    }

    /// Keeps `services` by their ids.
    pub(super) fn share(&mut self, fields: &mut Map<String, Value>) {
        for service in list(fields.shift_remove("services").unwrap_or_default()) {
            let id = ["@id", "id"].iter().find_map(|key| service[*key].as_str()).unwrap_or_default().to_owned();
            self.shared.insert(id, service);
        }
    }

    pub(super) fn note_unused_services(&mut self, place: &Place<'_>) {
        let unused: Vec<String> = self.shared.keys().filter(|id| !self.inlined.contains(*id)).cloned().collect();
        for id in unused {
            let message = format!("`services` has {id}, which nothing in the document refers to");
            self.lost(&place.at("services"), message, "name it in `service` where it is for");
        }
    }
}

/// What a service is for, whichever its version.
fn family(service: &Value) -> String {
    let kind = ["@type", "type"].iter().find_map(|key| service[*key].as_str()).unwrap_or_default();
    ["Image", "Search", "AutoComplete", "Auth"]
        .iter()
        .find(|family| kind.starts_with(*family))
        .unwrap_or(&kind)
        .to_string()
}

fn image_3(mut fields: Map<String, Value>) -> Value {
    let mut out = Map::new();
    out.insert("@context".to_owned(), IMAGE_3_CONTEXT.into());
    out.extend(fields.shift_remove("id").map(|id| ("@id".to_owned(), id)));
    fields.shift_remove("type");
    let profile = fields.shift_remove("profile");
    let profile = profile.as_ref().and_then(Value::as_str).unwrap_or("level2");
    let profile = if profile.starts_with("level") {
        format!("http://iiif.io/api/image/3/{profile}.json")
    } else {
        profile.to_owned()
    };
    out.insert("profile".to_owned(), profile.into());
    out.extend(fields);
    Value::Object(out)
}
