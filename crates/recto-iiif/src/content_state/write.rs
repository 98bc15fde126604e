//! Writing: as short as may be, or in full for publishing.

use serde_json::{Map, Value, json};

use super::{ContentState, MOTIVATION, Target, TargetKind, encoding};
use crate::presentation::Version;

impl ContentState {
    /// The shortest correct text, for all places but query parameters: a URI for all of one resource, else the body of the target;
    /// for several targets, an Annotation. §2.2, §5.
    pub fn to_text(&self) -> String {
        match self.plain_uri() {
            Some(uri) => uri.to_owned(),
            None => self.body().to_string(),
        }
    }

    /// The shortest correct value of `iiif-content`: as [`to_text`](Self::to_text), with JSON encoded. Not yet escaped for a query:
    /// encoded JSON needs no escapes, a URI does.
    pub fn to_parameter(&self) -> String {
        match self.plain_uri() {
            Some(uri) => uri.to_owned(),
            None => encoding::encode(&self.body().to_string()),
        }
    }

    /// `iiif-content=…`, escaped.
    pub fn to_query(&self) -> String {
        format!("iiif-content={}", encoding::percent_encode(&self.to_parameter(), b"-._~"))
    }

    /// The full Annotation, to be published at `id` (with `@context`, §6.2) or to be handed over inline (without either).
    pub fn to_annotation(&self, id: Option<&str>) -> Value {
        let mut annotation = Map::new();
        if let Some(id) = id {
            annotation.insert("@context".to_owned(), Version::V3.context().into());
            annotation.insert("id".to_owned(), id.into());
        }
        annotation.insert("type".to_owned(), "Annotation".into());
        let motivations = std::iter::once(MOTIVATION).chain(self.motivations.iter().map(String::as_str));
        annotation.insert("motivation".to_owned(), motivations.collect());
        let target = match self.targets.as_slice() {
            [only] => body_of(only),
            several => several.iter().map(body_of).collect(),
        };
        annotation.insert("target".to_owned(), target);
        Value::Object(annotation)
    }

    /// The URI that says all there is to say. A Canvas or Range needs more: its Manifest.
    fn plain_uri(&self) -> Option<&str> {
        let [only] = self.targets.as_slice() else { return None };
        let needs_context = matches!(only.kind, TargetKind::Canvas | TargetKind::Range) || !only.part_of.is_empty();
        (only.is_whole() && !needs_context).then_some(only.id.as_str())
    }

    /// The body of the target. The type of a list cannot be told (§4), so several targets stand in an Annotation.
    fn body(&self) -> Value {
        match self.targets.as_slice() {
            [only] => body_of(only),
            _ => self.to_annotation(None),
        }
    }
}

impl Target {
    /// Its URI with the fragment that names the part; `None` where a fragment cannot say it.
    pub(super) fn uri_with_fragment(&self) -> Option<String> {
        if self.is_whole() {
            return Some(self.id.clone());
        }
        if self.point.is_some() || self.id.contains('#') {
            return None;
        }
        Some(format!("{}#{}", self.id, fragment(self)))
    }
}

fn fragment(target: &Target) -> String {
    let region = target.region.map(|region| format!("xywh={region}"));
    let time = target.time.map(|time| format!("t={time}"));
    region.into_iter().chain(time).collect::<Vec<_>>().join("&")
}

fn body_of(target: &Target) -> Value {
    if let Some(uri) = target.uri_with_fragment() {
        return resource(target, &uri);
    }
    let mut selectors = Vec::new();
    if target.region.is_some() || target.time.is_some() {
        selectors.push(json!({ "type": "FragmentSelector", "value": fragment(target) }));
    }
    if let Some(point) = target.point {
        let mut selector = Map::new();
        selector.insert("type".to_owned(), "PointSelector".into());
        for (name, value) in [("x", point.x), ("y", point.y), ("t", point.t)] {
            if let Some(value) = value {
                selector.insert(name.to_owned(), number(value));
            }
        }
        selectors.push(Value::Object(selector));
    }
    let selector = if selectors.len() == 1 { selectors.remove(0) } else { Value::Array(selectors) };
    json!({ "type": "SpecificResource", "source": resource(target, &target.id), "selector": selector })
}

fn resource(target: &Target, uri: &str) -> Value {
    let mut body = Map::new();
    body.insert("id".to_owned(), uri.into());
    if let Some(word) = target.kind.word() {
        body.insert("type".to_owned(), word.into());
    }
    if !target.part_of.is_empty() {
        let container = |part: &super::Container| match part.kind.word() {
            Some(word) => json!({ "id": part.id, "type": word }),
            None => json!({ "id": part.id }),
        };
        body.insert("partOf".to_owned(), target.part_of.iter().map(container).collect());
    }
    Value::Object(body)
}

/// Whole numbers without a decimal point, as people write them.
fn number(value: f64) -> Value {
    let whole = value.fract() == 0.0 && value.abs() < 9e15;
    if whole { Value::from(value as i64) } else { Value::from(value) }
}
