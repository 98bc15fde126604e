//! What may be said of any resource: descriptions, rights, hints and links. Presentation API 2.1 §3, 3.0 §3.

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::text::{is_empty, link, none, short};
use super::{Class, Upgrade, first_of, list, type_words};

/// Behaviors, the classes that they are for, and the layouts of which one excludes the others. 3.0 §3.2.
const BEHAVIORS: [(&str, &[Class], bool); 15] = [
    ("unordered", &[Class::Collection, Class::Manifest, Class::Range], true),
    ("individuals", &[Class::Collection, Class::Manifest, Class::Range], true),
    ("continuous", &[Class::Collection, Class::Manifest, Class::Range], true),
    ("paged", &[Class::Collection, Class::Manifest, Class::Range], true),
    ("auto-advance", &[Class::Collection, Class::Manifest, Class::Canvas, Class::Range], false),
    ("no-auto-advance", &[Class::Collection, Class::Manifest, Class::Canvas, Class::Range], false),
    ("repeat", &[Class::Collection, Class::Manifest], false),
    ("no-repeat", &[Class::Collection, Class::Manifest], false),
    ("facing-pages", &[Class::Canvas], false),
    ("non-paged", &[Class::Canvas], false),
    ("multi-part", &[Class::Collection], false),
    ("together", &[Class::Collection], false),
    ("thumbnail-nav", &[Class::Range], false),
    ("no-nav", &[Class::Range], false),
    ("hidden", &[Class::AnnotationPage, Class::AnnotationCollection, Class::Annotation], false),
];

const DIRECTIONS: [&str; 4] = ["left-to-right", "right-to-left", "top-to-bottom", "bottom-to-top"];

impl Upgrade {
    /// Moves all that may be said of any resource from `fields` to `out`, in the order of the 3.0 examples.
    pub(super) fn described(
        &mut self,
        class: Class,
        fields: &mut Map<String, Value>,
        out: &mut Map<String, Value>,
        id: &str,
        place: &Place<'_>,
    ) {
        self.named(class, fields, out, id, place);
        let mut metadata = fields
            .shift_remove("metadata")
            .map(|value| self.metadata(value, &place.at("metadata")))
            .unwrap_or_default();
        let statement = self.required_statement(fields, &mut metadata, place);
        let (rights, licences) = match first_of(fields, &["license", "rights"]) {
            Some(value) => self.rights(value, &place.at("license")),
            None => (None, Vec::new()),
        };
        metadata.extend(licences);
        let (homepage, related) = self.homepages(fields, out, id, place);
        metadata.extend(related);
        put_list(out, "metadata", metadata);
        let summary =
            first_of(fields, &["description", "summary"]).and_then(|value| self.texts(value, &place.at("description")));
        out.extend(summary.map(|summary| ("summary".to_owned(), Value::Object(summary))));
        let thumbnail =
            fields.shift_remove("thumbnail").map(|value| self.contents(value, "Image", id, &place.at("thumbnail")));
        put_list(out, "thumbnail", thumbnail.unwrap_or_default());
        self.hints(class, fields, out, place);
        out.extend(rights.map(|rights| ("rights".to_owned(), rights)));
        out.extend(statement.map(|statement| ("requiredStatement".to_owned(), statement)));
        let provider = self.provider(fields, out, id, place);
        put_list(out, "provider", provider);
        put_list(out, "homepage", homepage);
        let services = fields.shift_remove("service").map(|value| self.services(value, id, &place.at("service")));
        put_list(out, "service", services.unwrap_or_default());
        for (property, usual) in [("seeAlso", "Dataset"), ("rendering", "Text")] {
            let mut links = fields
                .shift_remove(property)
                .map(|value| self.contents(value, usual, id, &place.at(property)))
                .unwrap_or_default();
            if property == "rendering" {
                links.iter_mut().for_each(|link| add_label(link, None));
            }
            put_list(out, property, links);
        }
        if let Some(within) = first_of(fields, &["within", "partOf"]) {
            let usual = match class {
                Class::Canvas | Class::Range => "Manifest",
                Class::AnnotationPage | Class::Annotation => "AnnotationCollection",
                _ => "Collection",
            };
            let mut wholes = self.part_of(within, usual, &place.at("within"));
            // Layers of search answers have no name of their own.
            for whole in wholes.iter_mut().filter_map(Value::as_object_mut).filter(|whole| !whole.contains_key("id")) {
                whole.shift_insert(0, "id".to_owned(), format!("{id}/collection").into());
            }
            put_list(out, "partOf", wholes);
        }
    }

    fn named(
        &mut self,
        class: Class,
        fields: &mut Map<String, Value>,
        out: &mut Map<String, Value>,
        id: &str,
        place: &Place<'_>,
    ) {
        let label = fields.shift_remove("label").and_then(|label| self.label(label, &place.at("label")));
        let is_empty = label.as_ref().is_some_and(is_empty);
        let is_needed = matches!(class, Class::Manifest | Class::Collection);
        match label {
            Some(label) if is_needed || !is_empty => drop(out.insert("label".to_owned(), Value::Object(label))),
            None if is_needed => {
                let message = "`label` is missing; the `id` stands for it";
                self.notes.add(NoteKind::Repaired, place, message, "give it a name");
                out.insert("label".to_owned(), none(id));
            }
            _ => {}
        }
    }

    fn required_statement(
        &mut self,
        fields: &mut Map<String, Value>,
        metadata: &mut Vec<Value>,
        place: &Place<'_>,
    ) -> Option<Value> {
        let given =
            fields.shift_remove("requiredStatement").and_then(|pair| self.pair(pair, &place.at("requiredStatement")));
        let attribution =
            fields.shift_remove("attribution").and_then(|value| self.texts(value, &place.at("attribution")));
        let attribution = attribution.filter(|texts| !is_empty(texts));
        let attribution = attribution.map(|value| json!({ "label": {"en": ["Attribution"]}, "value": value }));
        match (given, attribution) {
            (Some(given), Some(attribution)) if given["value"] != attribution["value"] => {
                let message = "`attribution` stands beside `requiredStatement` and goes to `metadata`";
                self.notes.add(NoteKind::Moved, &place.at("attribution"), message, "say all in one statement");
                metadata.push(attribution);
                Some(given)
            }
            (given, attribution) => given.or(attribution),
        }
    }

    /// `homepage`, and those related things that are no pages as links for `metadata`. 3.0 change log §1.2.7.
    fn homepages(
        &mut self,
        fields: &mut Map<String, Value>,
        out: &Map<String, Value>,
        id: &str,
        place: &Place<'_>,
    ) -> (Vec<Value>, Vec<Value>) {
        let Some(value) = first_of(fields, &["related", "homepage"]) else { return (Vec::new(), Vec::new()) };
        let place = place.at("related");
        let (mut pages, mut others) = (Vec::new(), Vec::new());
        for mut related in self.contents(value, "Text", id, &place) {
            let format = related["format"].as_str().unwrap_or("text/html").to_ascii_lowercase();
            if format.starts_with("text/html") || format.starts_with("application/xhtml") {
                add_label(&mut related, out.get("label"));
                related["type"] = "Text".into();
                pages.push(related);
                continue;
            }
            let uri = related["id"].as_str().unwrap_or_default();
            let name = related["label"].as_object().and_then(|label| label.values().next()?.get(0)?.as_str());
            others.push(json!({ "label": {"en": ["Related"]}, "value": {"none": [link(uri, name.unwrap_or(uri))]} }));
            let message = format!("`related` to {uri} ({format}) is no homepage; it goes to `metadata`");
            self.notes.add(NoteKind::Moved, &place, message, "say `rendering` or `seeAlso` where it is one");
        }
        (pages, others)
    }

    /// 3.0 has logos of providers only. Change log §1.2.12.
    fn provider(
        &mut self,
        fields: &mut Map<String, Value>,
        out: &Map<String, Value>,
        id: &str,
        place: &Place<'_>,
    ) -> Vec<Value> {
        let logo = fields
            .shift_remove("logo")
            .map(|logo| self.contents(logo, "Image", id, &place.at("logo")))
            .unwrap_or_default();
        let given = fields.shift_remove("provider").map(list).unwrap_or_default();
        if logo.is_empty() || !given.is_empty() {
            return given;
        }
        let statement =
            out.get("requiredStatement").and_then(|pair| pair.get("value")).filter(|value| is_short_and_plain(value));
        let host =
            id.split("//").nth(1).and_then(|rest| rest.split('/').next()).filter(|host| !host.is_empty()).unwrap_or(id);
        let label = statement.cloned().unwrap_or_else(|| none(host));
        let message =
            "`logo` is of a provider in 3.0, which needs a name; it is taken from `attribution` or the address";
        self.notes.add(
            NoteKind::Moved,
            &place.at("logo"),
            message,
            "give `provider` with `id`, `label` and `homepage`",
        );
        vec![json!({ "id": format!("{id}#provider"), "type": "Agent", "label": label, "logo": logo })]
    }

    fn hints(
        &mut self,
        class: Class,
        fields: &mut Map<String, Value>,
        out: &mut Map<String, Value>,
        place: &Place<'_>,
    ) {
        if let Some(direction) = fields.shift_remove("viewingDirection") {
            let fits = direction.as_str().is_some_and(|direction| DIRECTIONS.contains(&direction));
            if fits && matches!(class, Class::Collection | Class::Manifest | Class::Range) {
                out.insert("viewingDirection".to_owned(), direction);
            } else {
                let message = format!("`viewingDirection` {} has no place here", short(&direction));
                self.notes.add(NoteKind::Lost, &place.at("viewingDirection"), message, "say it of the manifest");
            }
        }
        let mut behaviors = Vec::new();
        for property in ["viewingHint", "behavior"] {
            for hint in fields.shift_remove(property).map(list).unwrap_or_default() {
                self.behavior(class, &hint, &mut behaviors, &place.at(property));
            }
        }
        put_list(out, "behavior", behaviors);
        if let Some(date) = fields.shift_remove("navDate") {
            let date = self.nav_date(&date, &place.at("navDate"));
            out.extend(date.map(|date| ("navDate".to_owned(), date)));
        }
    }

    /// Adds one hint, where it may stand in this class and beside those before it.
    pub(super) fn behavior(&mut self, class: Class, hint: &Value, behaviors: &mut Vec<Value>, place: &Place<'_>) {
        let Some(name) = hint.as_str().map(str::trim) else { return };
        // Nesting says which range is the top one.
        if behaviors.contains(hint) || name.is_empty() || class == Class::Range && name == "top" {
            return;
        }
        let layouts = || BEHAVIORS.iter().filter(|(.., is_layout)| *is_layout).map(|(name, ..)| *name);
        let fits = match BEHAVIORS.iter().find(|(known, ..)| *known == name) {
            Some((_, classes, is_layout)) => {
                let contradicts = *is_layout
                    && behaviors.iter().filter_map(Value::as_str).any(|other| layouts().any(|layout| layout == other));
                classes.contains(&class) && !contradicts
            }
            None => name.contains(':'),
        };
        if fits {
            behaviors.push(name.into());
        } else {
            let message = format!("`viewingHint` `{name}` has no place in a {class:?} of 3.0");
            self.notes.add(NoteKind::Lost, place, message, "see which values of `behavior` there are");
        }
    }

    fn nav_date(&mut self, value: &Value, place: &Place<'_>) -> Option<Value> {
        let given = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(year) => year.to_string(),
            _ => return None,
        };
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        let date = match given.split_once('T') {
            _ if given.is_empty() => return None,
            None if given.len() == 4 && digits(&given) == 4 => format!("{given}-01-01T00:00:00Z"),
            None if given.len() == 10 && digits(&given) == 8 => format!("{given}T00:00:00Z"),
            Some((_, time)) if !time.contains(['Z', '+', '-']) => format!("{given}Z"),
            _ => given.clone(),
        };
        if date != given {
            let message = format!("`navDate` is `{given}`; {date} is taken for it");
            self.notes.add(NoteKind::Repaired, place, message, "write date, time and zone");
        }
        Some(date.into())
    }

    /// What a resource is part of, as mentions with `id` and `type`.
    pub(super) fn part_of(&mut self, value: Value, usual: &str, place: &Place<'_>) -> Vec<Value> {
        let mut out = Vec::new();
        for (index, whole) in list(value).into_iter().enumerate() {
            let place = place.index(index);
            match whole {
                Value::String(uri) if uri.trim().is_empty() => {}
                Value::String(uri) => {
                    let uri = self.uri(uri, &place);
                    out.push(json!({ "id": uri, "type": usual }));
                }
                Value::Object(fields) if !fields.is_empty() => {
                    let words = type_words(&fields);
                    let class = match words.first().map(String::as_str) {
                        Some("Layer") => "AnnotationCollection",
                        Some(class @ ("Collection" | "Manifest" | "Canvas" | "Range" | "AnnotationCollection")) => {
                            class
                        }
                        _ => usual,
                    };
                    out.push(match class {
                        "AnnotationCollection" => self.layer(fields, &place),
                        _ => self.mention(fields, class, &place),
                    });
                }
                Value::Null => {}
                other => {
                    let message = format!("`within` is {}", short(&other));
                    self.notes.add(NoteKind::Lost, &place, message, "name the whole by its URI");
                }
            }
        }
        out
    }
}

pub(super) fn put_list(out: &mut Map<String, Value>, property: &str, values: Vec<Value>) {
    if !values.is_empty() {
        out.insert(property.to_owned(), Value::Array(values));
    }
}

/// 3.0 demands a name of pages and downloads: that of the resource, else the format or the address.
fn add_label(link: &mut Value, of_holder: Option<&Value>) {
    let Some(fields) = link.as_object_mut().filter(|fields| !fields.contains_key("label")) else { return };
    let text = |property: &str| fields.get(property).and_then(Value::as_str);
    let name = text("format").or_else(|| text("id")).unwrap_or_default().to_owned();
    let label = of_holder.cloned().unwrap_or_else(|| none(&name));
    let behind_type = fields.keys().position(|key| key == "type").map_or(fields.len(), |index| index + 1);
    fields.shift_insert(behind_type, "label".to_owned(), label);
}

fn is_short_and_plain(map: &Value) -> bool {
    let mut texts = map
        .as_object()
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str);
    texts.all(|text| text.len() <= 120 && !text.contains('<'))
}
