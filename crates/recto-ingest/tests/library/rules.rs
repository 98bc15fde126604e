//! What Presentation 3.0 and 2.1 demand of a document, as checks on its JSON. Each gives what is wrong, with its place.

use std::collections::HashSet;

use serde_json::Value;

/// Everything that is wrong with a 3.0 manifest or collection.
pub(crate) fn broken_rules_of_3(document: &Value) -> Vec<String> {
    let mut check = Check::default();
    check.require(
        document["@context"] == "http://iiif.io/api/presentation/3/context.json",
        "",
        "`@context` is the 3.0 context (§4.6)",
    );
    check.resource(document, "");
    match document["type"].as_str() {
        Some("Manifest") => check.manifest(document),
        Some("Collection") => check.collection(document),
        _ => check.broken.push("the document is a Manifest or a Collection".into()),
    }
    check.walk(document, "", true);
    check.broken
}

/// Everything that is wrong with a 2.1 manifest or collection.
pub(crate) fn broken_rules_of_2(document: &Value) -> Vec<String> {
    let mut check = Check::default();
    check.require(
        document["@context"] == "http://iiif.io/api/presentation/2/context.json",
        "",
        "`@context` is the 2.1 context (§4.5)",
    );
    check.require(is_http(&document["@id"]), "", "`@id` is an http(s) URI (§3.3)");
    check.require(document["label"].is_string(), "", "there is a label (§3.1)");
    match document["@type"].as_str() {
        Some("sc:Manifest") => check.manifest_2(document),
        Some("sc:Collection") => check.collection_2(document),
        _ => check.broken.push("the document is an sc:Manifest or an sc:Collection".into()),
    }
    check.walk_2(document, "", true);
    check.broken
}

#[derive(Default)]
struct Check {
    broken: Vec<String>,
    seen: HashSet<String>,
}

/// Properties that are lists even with one value (§4.3).
const LISTS: [&str; 14] = [
    "annotations",
    "behavior",
    "homepage",
    "items",
    "language",
    "logo",
    "metadata",
    "partOf",
    "provider",
    "rendering",
    "seeAlso",
    "service",
    "structures",
    "thumbnail",
];

impl Check {
    fn require(&mut self, holds: bool, place: &str, rule: &str) {
        if !holds {
            self.broken.push(format!("{place}: {rule}"));
        }
    }

    fn resource(&mut self, value: &Value, place: &str) {
        self.require(is_http(&value["id"]), place, "`id` is an http(s) URI (§3.2)");
        self.require(value["type"].is_string(), place, "there is a `type` (§3.2)");
        if value.get("label").is_some() {
            self.require(is_language_map(&value["label"]), place, "`label` is a language map (§4.4)");
        }
    }

    /// Rules that hold wherever a thing stands.
    fn walk(&mut self, value: &Value, place: &str, is_top: bool) {
        if let Value::Array(items) = value {
            for (number, item) in items.iter().enumerate() {
                self.walk(item, &format!("{place}/{number}"), false);
            }
        }
        let Value::Object(object) = value else { return };
        self.require(is_top || object.get("@context").is_none(), place, "only the document has a context (§4.6)");
        for (key, inner) in object {
            let place = format!("{place}/{key}");
            if LISTS.contains(&key.as_str()) {
                let may_be_empty = key == "items" && object["type"] != "Manifest";
                let is_list = inner.as_array().is_some_and(|list| may_be_empty || !list.is_empty());
                self.require(is_list, &place, "it is a list (§4.3)");
            }
            match key.as_str() {
                "service" => inner.as_array().into_iter().flatten().for_each(|service| self.service(service, &place)),
                "thumbnail" | "partOf" => {
                    inner.as_array().into_iter().flatten().for_each(|item| self.resource(item, &place));
                }
                "homepage" => {
                    for item in inner.as_array().into_iter().flatten() {
                        self.resource(item, &place);
                        self.require(is_language_map(&item["label"]), &place, "a home page has a label (§3.3)");
                    }
                }
                "viewingDirection" => self.require(
                    ["left-to-right", "right-to-left", "top-to-bottom", "bottom-to-top"].iter().any(|one| inner == one),
                    &place,
                    "it is one of four words (§3.2)",
                ),
                _ => {}
            }
            self.walk(inner, &place, false);
        }
    }

    fn service(&mut self, service: &Value, place: &str) {
        let (current, older) = (service.get("id").is_some(), service.get("@id").is_some());
        self.require(current != older, place, "a service has `id` or `@id`, not both (§3.3)");
        let (id, kind) = if current { ("id", "type") } else { ("@id", "@type") };
        self.require(is_http(&service[id]) && service[kind].is_string(), place, "a service has id and type (§3.3)");
        self.require(service.get("profile").is_some(), place, "a service has a profile, or viewers fail");
        let is_bare = |id: &str| !id.ends_with("/info.json") && !id.ends_with('/');
        self.require(service[id].as_str().is_some_and(is_bare), place, "a service's id is its base URI");
    }

    fn manifest(&mut self, manifest: &Value) {
        self.require(is_language_map(&manifest["label"]), "", "a manifest has a label (§3.1)");
        let canvases = manifest["items"].as_array().map_or(&[][..], Vec::as_slice);
        self.require(!canvases.is_empty(), "/items", "a manifest has a canvas (§3.4)");
        for (number, canvas) in canvases.iter().enumerate() {
            self.canvas(canvas, &format!("/items/{number}"));
        }
    }

    fn canvas(&mut self, canvas: &Value, place: &str) {
        self.resource(canvas, place);
        self.unique(&canvas["id"], place);
        self.require(canvas["type"] == "Canvas", place, "items of a manifest are canvases (§5.2)");
        self.require(is_language_map(&canvas["label"]), place, "a canvas has a label (§5.3)");
        self.require(
            is_positive(&canvas["height"]) && is_positive(&canvas["width"]),
            place,
            "a canvas has a size (§5.3)",
        );
        self.require(!text(&canvas["id"]).contains('#'), place, "a canvas's id has no fragment (§5.3)");
        let pages = canvas["items"].as_array().map_or(&[][..], Vec::as_slice);
        self.require(!pages.is_empty(), place, "a canvas has an annotation page (§3.4)");
        for (number, page) in pages.iter().enumerate() {
            let place = format!("{place}/items/{number}");
            self.resource(page, &place);
            self.unique(&page["id"], &place);
            self.require(page["type"] == "AnnotationPage", &place, "items of a canvas are annotation pages (§5.3)");
            for annotation in page["items"].as_array().into_iter().flatten() {
                self.painting(annotation, canvas, &place);
            }
        }
    }

    fn painting(&mut self, annotation: &Value, canvas: &Value, place: &str) {
        self.resource(annotation, place);
        self.unique(&annotation["id"], place);
        self.require(annotation["type"] == "Annotation", place, "items of a page are annotations (§5.5)");
        self.require(annotation["motivation"] == "painting", place, "what is in a canvas is painted (§5.3)");
        self.require(annotation["target"] == canvas["id"], place, "the target is the canvas around it (§5.6)");
        let body = &annotation["body"];
        self.resource(body, place);
        self.require(body["type"] == "Image" && body["format"].is_string(), place, "the body is an image (§5.7)");
        for service in body["service"].as_array().into_iter().flatten() {
            self.require(body["id"] != service["id"], place, "the image is not the service itself");
        }
    }

    fn collection(&mut self, collection: &Value) {
        self.require(is_language_map(&collection["label"]), "", "a collection has a label (§3.1)");
        for (number, item) in collection["items"].as_array().into_iter().flatten().enumerate() {
            let place = format!("/items/{number}");
            self.resource(item, &place);
            self.unique(&item["id"], &place);
            self.require(is_language_map(&item["label"]), &place, "a member has a label (§5.1)");
            let kind = text(&item["type"]);
            self.require(
                matches!(kind, "Manifest" | "Collection"),
                &place,
                "members are manifests and collections (§5.1)",
            );
            self.require(
                kind != "Manifest" || item.get("items").is_none(),
                &place,
                "manifests are not embedded (§5.1)",
            );
        }
    }

    fn unique(&mut self, id: &Value, place: &str) {
        let is_new = self.seen.insert(text(id).to_owned());
        self.require(is_new, place, "ids differ");
    }

    fn manifest_2(&mut self, manifest: &Value) {
        let sequences = manifest["sequences"].as_array().map_or(&[][..], Vec::as_slice);
        self.require(sequences.len() == 1, "/sequences", "one sequence is embedded (§5.1)");
        for sequence in sequences {
            self.require(sequence["@type"] == "sc:Sequence", "/sequences", "it is an sc:Sequence (§5.2)");
            let canvases = sequence["canvases"].as_array().map_or(&[][..], Vec::as_slice);
            self.require(!canvases.is_empty(), "/sequences", "a sequence has a canvas (§5.2)");
            for (number, canvas) in canvases.iter().enumerate() {
                self.canvas_2(canvas, &format!("/sequences/0/canvases/{number}"));
            }
        }
    }

    fn canvas_2(&mut self, canvas: &Value, place: &str) {
        self.unique(&canvas["@id"], place);
        self.require(is_http(&canvas["@id"]), place, "`@id` is an http(s) URI (§5.3)");
        self.require(canvas["@type"] == "sc:Canvas", place, "it is an sc:Canvas (§5.3)");
        self.require(canvas["label"].is_string() || canvas["label"].is_object(), place, "a canvas has a label (§5.3)");
        self.require(
            is_positive(&canvas["height"]) && is_positive(&canvas["width"]),
            place,
            "a canvas has a size (§5.3)",
        );
        self.require(canvas["images"].is_array(), place, "`images` is a list (§5.3)");
        for image in canvas["images"].as_array().into_iter().flatten() {
            self.require(image["@type"] == "oa:Annotation", place, "an image is an oa:Annotation (§5.4)");
            self.require(image["motivation"] == "sc:painting", place, "an image is painted (§5.4)");
            self.require(image["on"] == canvas["@id"], place, "`on` is the canvas around it (§5.4)");
            self.require(is_http(&image["resource"]["@id"]), place, "the image has a URI (§5.4)");
            self.require(image["resource"]["@type"] == "dctypes:Image", place, "it is a dctypes:Image (§5.4)");
        }
    }

    fn collection_2(&mut self, collection: &Value) {
        for (key, class) in [("collections", "sc:Collection"), ("manifests", "sc:Manifest")] {
            for member in collection[key].as_array().into_iter().flatten() {
                self.unique(&member["@id"], key);
                self.require(is_http(&member["@id"]), key, "a member has a URI (§5.8)");
                self.require(member["@type"] == class, key, "a member has its class (§5.8)");
                self.require(member["label"].is_string(), key, "a member has a label (§5.8)");
            }
        }
    }

    fn walk_2(&mut self, value: &Value, place: &str, is_top: bool) {
        if let Value::Array(items) = value {
            for (number, item) in items.iter().enumerate() {
                self.walk_2(item, &format!("{place}/{number}"), false);
            }
        }
        let Value::Object(object) = value else { return };
        let is_service = place.ends_with("/service");
        self.require(
            is_top || is_service || object.get("@context").is_none(),
            place,
            "only the document and services have contexts (§4.5)",
        );
        self.require(!object.contains_key("id") && !object.contains_key("type"), place, "names are those of 2.1");
        if is_service {
            self.require(
                value["@context"] == "http://iiif.io/api/image/2/context.json",
                place,
                "an image service has its context (§5.4)",
            );
            self.require(
                value["profile"] == "http://iiif.io/api/image/2/level2.json",
                place,
                "an image service has its profile (§5.4)",
            );
        }
        for (key, inner) in object {
            self.walk_2(inner, &format!("{place}/{key}"), false);
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn is_http(value: &Value) -> bool {
    let uri = text(value);
    let is_plain = uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&byte));
    is_plain && (uri.starts_with("http://") || uri.starts_with("https://"))
}

fn is_positive(value: &Value) -> bool {
    value.as_u64().is_some_and(|number| number > 0)
}

fn is_language_map(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        !map.is_empty()
            && map.values().all(|texts| {
                texts.as_array().is_some_and(|texts| !texts.is_empty() && texts.iter().all(Value::is_string))
            })
    })
}
