//! What may be said of any resource, in the words of 2.1. Presentation API 2.1 §3.

use serde_json::{Map, Value, json};

use super::super::LanguageMap;
use super::super::note::{NoteKind, Place};
use super::{Downgrade, list, put_values, take_text, uri_of};

/// Hints that 2.1 has, all but `top`. §3.3.
const HINTS: [&str; 6] = ["paged", "individuals", "continuous", "multi-part", "non-paged", "facing-pages"];

impl Downgrade<'_> {
    /// Moves all that may be said of any resource from `fields` to `out`, in the order of the 2.1 examples.
    pub(super) fn described(
        &mut self,
        fields: &mut Map<String, Value>,
        out: &mut Map<String, Value>,
        place: &Place<'_>,
    ) {
        out.extend(fields.shift_remove("label").map(|label| ("label".to_owned(), text(&label))));
        let metadata = list(fields.shift_remove("metadata").unwrap_or_default());
        if !metadata.is_empty() {
            out.insert("metadata".to_owned(), metadata.into_iter().map(pair).collect());
        }
        out.extend(fields.shift_remove("summary").map(|summary| ("description".to_owned(), text(&summary))));
        let thumbnails = list(fields.shift_remove("thumbnail").unwrap_or_default());
        put_values(out, "thumbnail", self.contents(thumbnails, &place.at("thumbnail")));
        out.extend(fields.shift_remove("viewingDirection").map(|direction| ("viewingDirection".to_owned(), direction)));
        self.hints(fields, out, place);
        out.extend(fields.shift_remove("navDate").map(|date| ("navDate".to_owned(), date)));
        out.extend(fields.shift_remove("rights").map(|rights| ("license".to_owned(), rights)));
        if let Some(statement) = fields.shift_remove("requiredStatement") {
            self.attribution(&statement, out, &place.at("requiredStatement"));
        }
        let logos = self.logos(fields, place);
        put_values(out, "logo", logos);
        for (property, old) in [("homepage", "related"), ("service", ""), ("seeAlso", ""), ("rendering", "")] {
            let values = list(fields.shift_remove(property).unwrap_or_default());
            let place = place.at(property);
            let values = if property == "service" {
                self.services(values, false, &place)
            } else {
                self.links(values, property, &place)
            };
            put_values(out, if old.is_empty() { property } else { old }, values);
        }
        let wholes = list(fields.shift_remove("partOf").unwrap_or_default());
        let wholes = wholes.into_iter().filter_map(|whole| self.within(whole)).collect();
        put_values(out, "within", wholes);
    }

    /// A URI alone, for a collection of annotations what it says.
    pub(super) fn within(&mut self, whole: Value) -> Option<Value> {
        let uri = self.urls.of(uri_of(&whole)?);
        match whole {
            Value::Object(mut fields) if fields.get("type").is_some_and(|kind| kind == "AnnotationCollection") => {
                fields.shift_remove("id");
                fields.shift_remove("type");
                let mut out = super::named(&uri, "sc:Layer");
                out.extend(fields.shift_remove("label").map(|label| ("label".to_owned(), text(&label))));
                self.pages(&mut fields, &mut out);
                out.extend(fields);
                Some(Value::Object(out))
            }
            _ => Some(uri.into()),
        }
    }

    /// Links between pages of annotations, as URIs.
    pub(super) fn pages(&mut self, fields: &mut Map<String, Value>, out: &mut Map<String, Value>) {
        for property in ["first", "last", "next", "prev"] {
            let page = fields.shift_remove(property).and_then(|page| uri_of(&page).map(|uri| self.urls.of(uri)));
            out.extend(page.map(|page| (property.to_owned(), page.into())));
        }
    }

    fn hints(&mut self, fields: &mut Map<String, Value>, out: &mut Map<String, Value>, place: &Place<'_>) {
        let behaviors = list(fields.shift_remove("behavior").unwrap_or_default());
        let (known, unknown): (Vec<Value>, Vec<Value>) = behaviors
            .into_iter()
            .partition(|behavior| behavior.as_str().is_some_and(|name| HINTS.contains(&name) || name.contains(':')));
        put_values(out, "viewingHint", known);
        for behavior in unknown {
            let message = format!("`behavior` {behavior} has no counterpart in 2.1");
            self.lost(&place.at("behavior"), message, "offer the 3.0 document too");
        }
    }

    fn attribution(&mut self, statement: &Value, out: &mut Map<String, Value>, place: &Place<'_>) {
        out.insert("attribution".to_owned(), text(&statement["value"]));
        let labels = statement["label"]
            .as_object()
            .into_iter()
            .flat_map(|label| label.values())
            .filter_map(Value::as_array)
            .flatten();
        if labels.filter_map(Value::as_str).any(|label| !label.eq_ignore_ascii_case("attribution")) {
            let message = "`label` of `requiredStatement`: clients of 2.1 say \"Attribution\"";
            self.lost(&place.at("label"), message, "make the value plain without its label");
        }
    }

    /// Logos of the first provider; 2.1 has no providers.
    fn logos(&mut self, fields: &mut Map<String, Value>, place: &Place<'_>) -> Vec<Value> {
        let place = place.at("provider");
        let mut logos = Vec::new();
        for (index, agent) in list(fields.shift_remove("provider").unwrap_or_default()).into_iter().enumerate() {
            let Value::Object(mut agent) = agent else { continue };
            let place = place.index(index);
            let of_agent = list(agent.shift_remove("logo").unwrap_or_default());
            logos.extend(self.contents(of_agent, &place.at("logo")));
            let name = agent
                .get("label")
                .and_then(|label| label.as_object()?.values().next()?.get(0)?.as_str())
                .unwrap_or_default();
            let message = format!("`provider` {name}: 2.1 has the logo only");
            self.lost(&place, message, "name the provider in `requiredStatement` or `metadata`");
        }
        logos
    }

    /// Links to pages, data and downloads: a URI, a name and a media type.
    fn links(&mut self, values: Vec<Value>, property: &str, place: &Place<'_>) -> Vec<Value> {
        let mut out = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let Value::Object(mut fields) = value else { continue };
            let Some(id) = take_text(&mut fields, "id") else {
                self.lost(&place.index(index), format!("this `{property}` has no `id`"), "say where it is");
                continue;
            };
            let mut link = Map::new();
            link.insert("@id".to_owned(), id.as_str().into());
            let kind = take_text(&mut fields, "type").unwrap_or_default();
            let usual = if property == "seeAlso" { "Dataset" } else { "Text" };
            let told = super::super::upgrade::type_of_link(fields.get("format").and_then(Value::as_str), &id, usual);
            if told != kind && !kind.is_empty() && property != "homepage" {
                link.insert("@type".to_owned(), super::content::older_type(&kind).into());
            }
            link.extend(fields.shift_remove("label").map(|label| ("label".to_owned(), text(&label))));
            for key in ["format", "profile"] {
                link.extend(fields.shift_remove(key).map(|value| (key.to_owned(), value)));
            }
            let services = list(fields.shift_remove("service").unwrap_or_default());
            put_values(&mut link, "service", self.services(services, false, &place.index(index).at("service")));
            self.rest(fields, &mut link, &place.index(index));
            out.push(Value::Object(link));
        }
        out
    }

    /// Selectors that 2.1 has no words for.
    pub(super) fn note_selectors(&mut self, resource: &Value, place: &Place<'_>) {
        let selectors = match &resource["selector"] {
            Value::Array(selectors) => selectors.iter().collect(),
            Value::Null => Vec::new(),
            selector => vec![selector],
        };
        for selector in selectors.into_iter().filter(|selector| selector["type"] != "FragmentSelector") {
            let message =
                format!("a selector {} has no counterpart here in 2.1; the whole canvas is meant", selector["type"]);
            self.notes.add(NoteKind::Lost, &place.at("selector"), message, "select by a fragment");
        }
    }
}

fn pair(pair: Value) -> Value {
    let Value::Object(mut fields) = pair else { return pair };
    let mut out = Map::new();
    for property in ["label", "value"] {
        out.insert(property.to_owned(), text(&fields.shift_remove(property).unwrap_or_default()));
    }
    out.extend(fields);
    Value::Object(out)
}

/// One text as a string; several, or text in a known language, as the list that §4.3 describes.
pub(super) fn text(map: &Value) -> Value {
    let Value::Object(languages) = map else {
        return if map.is_null() { "".into() } else { map.clone() };
    };
    let mut values = Vec::new();
    for (language, texts) in languages {
        let texts = match texts {
            Value::Array(texts) => texts.as_slice(),
            one => std::slice::from_ref(one),
        };
        values.extend(texts.iter().map(|text| match language.as_str() {
            LanguageMap::NONE | "@none" => text.clone(),
            _ => json!({ "@value": text, "@language": language }),
        }));
    }
    match values.len() {
        0 => "".into(),
        1 => values.remove(0),
        _ => Value::Array(values),
    }
}
