//! Content in the words of 2.1: images and their addresses, choices, parts, texts. Presentation API 2.1 §5.5, §6.

use serde_json::{Map, Value, json};

use super::super::Service;
use super::super::note::Place;
use super::{Downgrade, list, put_values, take_text};

impl Downgrade<'_> {
    pub(super) fn contents(&mut self, values: Vec<Value>, place: &Place<'_>) -> Vec<Value> {
        let values = values.into_iter().enumerate();
        values.map(|(index, value)| self.content(value, &place.index(index))).collect()
    }

    /// A resource on the web, a choice, a part or a text.
    pub(super) fn content(&mut self, value: Value, place: &Place<'_>) -> Value {
        let mut fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) => return json!({ "@id": uri }),
            other => return other,
        };
        let kind = take_text(&mut fields, "type").unwrap_or_default();
        Value::Object(match kind.as_str() {
            "Choice" => self.choice(fields, place),
            "SpecificResource" => self.specific_resource(fields, place),
            "TextualBody" => self.text_content(fields, place),
            "Canvas" | "Manifest" | "Collection" | "Range" => {
                let mut out = super::named(&take_text(&mut fields, "id").unwrap_or_default(), &format!("sc:{kind}"));
                self.described(&mut fields, &mut out, place);
                self.rest(fields, &mut out, place);
                out
            }
            _ => self.external(fields, &kind, place),
        })
    }

    pub(super) fn external(
        &mut self,
        mut fields: Map<String, Value>,
        kind: &str,
        place: &Place<'_>,
    ) -> Map<String, Value> {
        let id = image_uri(&fields);
        fields.shift_remove("id");
        let mut out = super::named(&id.unwrap_or_default(), &older_type(kind));
        out.extend(fields.shift_remove("label").map(|label| ("label".to_owned(), super::described::text(&label))));
        for property in ["format", "height", "width"] {
            out.extend(fields.shift_remove(property).map(|value| (property.to_owned(), value)));
        }
        let services = list(fields.shift_remove("service").unwrap_or_default());
        put_values(&mut out, "service", self.services(services, true, &place.at("service")));
        self.described(&mut fields, &mut out, place);
        self.rest(fields, &mut out, place);
        out
    }

    fn choice(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut out = super::named(&take_text(&mut fields, "id").unwrap_or_default(), "oa:Choice");
        let items = list(fields.shift_remove("items").unwrap_or_default());
        self.described(&mut fields, &mut out, place);
        let mut items = self.contents(items, &place.at("items")).into_iter();
        out.extend(items.next().map(|first| ("default".to_owned(), first)));
        out.insert("item".to_owned(), items.collect());
        self.rest(fields, &mut out, place);
        out
    }

    pub(super) fn specific_resource(
        &mut self,
        mut fields: Map<String, Value>,
        place: &Place<'_>,
    ) -> Map<String, Value> {
        let mut out = super::named(&take_text(&mut fields, "id").unwrap_or_default(), "oa:SpecificResource");
        let source = fields.shift_remove("source");
        let within = source.as_ref().and_then(|source| source.get("partOf")).cloned().map(list).unwrap_or_default();
        let full = match source {
            // A canvas is named alone, as the examples have it; a picture with all that is said of it.
            Some(Value::Object(canvas))
                if canvas.get("type").is_some_and(|kind| kind == "Canvas") && !within.is_empty() =>
            {
                canvas.get("id").cloned()
            }
            Some(source @ Value::Object(_)) => Some(self.content(source, &place.at("source"))),
            other => other,
        };
        out.extend(full.map(|full| ("full".to_owned(), full)));
        let selectors = list(fields.shift_remove("selector").unwrap_or_default());
        out.extend(selector(selectors).map(|selector| ("selector".to_owned(), selector)));
        out.extend(fields.shift_remove("styleClass").map(|style| ("style".to_owned(), style)));
        let wholes = within.into_iter().filter_map(|whole| whole_of(&whole, self)).collect();
        put_values(&mut out, "within", wholes);
        self.described(&mut fields, &mut out, place);
        self.rest(fields, &mut out, place);
        out
    }

    fn text_content(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut out = Map::new();
        out.extend(take_text(&mut fields, "id").map(|id| ("@id".to_owned(), Value::String(id))));
        let is_tag = fields.get("purpose").is_some_and(|purpose| purpose == "tagging");
        let class = if is_tag { json!(["oa:Tag", "cnt:ContentAsText"]) } else { "cnt:ContentAsText".into() };
        if is_tag {
            fields.shift_remove("purpose");
        }
        out.insert("@type".to_owned(), class);
        out.extend(fields.shift_remove("value").map(|value| ("chars".to_owned(), value)));
        self.rest(fields, &mut out, place);
        out
    }
}

/// What the source of a part is within, as an object that says its class.
fn whole_of(whole: &Value, downgrade: &Downgrade<'_>) -> Option<Value> {
    let id = downgrade.urls.of(whole["id"].as_str()?);
    let class = whole["type"].as_str().unwrap_or("Manifest");
    let mut out = super::named(&id, &format!("sc:{class}"));
    out.extend(whole.get("label").map(|label| ("label".to_owned(), super::described::text(label))));
    Some(Value::Object(out))
}

/// One selector, or several as a choice. 2.1 §6.3.
fn selector(selectors: Vec<Value>) -> Option<Value> {
    let mut selectors = selectors.into_iter().map(older_selector);
    let first = selectors.next()?;
    let others: Vec<Value> = selectors.collect();
    Some(if others.is_empty() { first } else { json!({ "@type": "oa:Choice", "default": first, "item": others }) })
}

fn older_selector(selector: Value) -> Value {
    let Value::Object(mut fields) = selector else { return selector };
    let kind = take_text(&mut fields, "type").unwrap_or_default();
    let mut out = Map::new();
    out.extend(take_text(&mut fields, "id").map(|id| ("@id".to_owned(), Value::String(id))));
    match kind.as_str() {
        "SvgSelector" => {
            out.insert("@type".to_owned(), json!(["oa:SvgSelector", "cnt:ContentAsText"]));
            out.extend(fields.shift_remove("value").map(|value| ("chars".to_owned(), value)));
        }
        "ImageApiSelector" => {
            out.insert("@context".to_owned(), "http://iiif.io/api/annex/openannotation/context.json".into());
            out.insert("@type".to_owned(), "iiif:ImageApiSelector".into());
        }
        "PointSelector" => drop(out.insert("@type".to_owned(), "iiif:PointSelector".into())),
        other => drop(out.insert("@type".to_owned(), format!("oa:{other}").into())),
    }
    out.extend(fields);
    Value::Object(out)
}

/// The class of content in the words of the DCMI types, which 2.1 uses.
pub(super) fn older_type(kind: &str) -> String {
    let word = match kind {
        "Sound" | "Audio" => "Sound",
        "Video" => "MovingImage",
        "Model" => "PhysicalObject",
        "" => "Dataset",
        other => other,
    };
    format!("dctypes:{word}")
}

/// The URI of the picture, at the Image API 2 service where there is one beside that of version 3.
fn image_uri(fields: &Map<String, Value>) -> Option<String> {
    let id = fields.get("id")?.as_str()?;
    let services = fields.get("service").and_then(Value::as_array);
    let of_kind = |kind: &str| {
        let is_kind = |service: &&Value| ["type", "@type"].iter().any(|key| service[*key] == kind);
        let service = services?.iter().find(is_kind)?;
        ["id", "@id"].iter().find_map(|key| service[*key].as_str())
    };
    let moved = of_kind(Service::IMAGE_3).zip(of_kind(Service::IMAGE_2)).and_then(|(current, older)| {
        let parameters = id.strip_prefix(current)?.strip_prefix('/')?;
        Some(format!("{older}/{}", older_parameters(parameters)))
    });
    Some(moved.unwrap_or_else(|| id.to_owned()))
}

/// Image parameters in the canonical words of 2.1: `full/max/…` is `full/full/…`, and `full/w,h/…` is `full/w,/…`, save
/// where the width is 1 and does not tell the height.
pub(super) fn older_parameters(parameters: &str) -> String {
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
