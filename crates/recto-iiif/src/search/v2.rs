//! Answers as Content Search 2.0 writes them.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Container, Found, FoundHit, FoundPart, Parameter, SearchRequest, ServiceUrls, Term, Version};
use crate::presentation::LanguageMap;

/// The `AnnotationPage` of §4.2 and §4.3.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    #[serde(flatten)]
    head: Map<String, Value>,
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[Matches<'a>; 1]>,
}

pub(super) fn answer<'a>(
    found: &'a Found,
    request: &SearchRequest,
    ignored: &[Parameter],
    urls: &ServiceUrls,
) -> Answer<'a> {
    let link = |page: u64| json!({ "id": urls.page(request, page), "type": "AnnotationPage" });
    let mut page = Map::new();
    page.insert("@context".to_owned(), Version::V2.context().into());
    page.insert("id".to_owned(), urls.page(request, found.page).into());
    page.insert("type".to_owned(), "AnnotationPage".into());
    if !ignored.is_empty() {
        page.insert("ignored".to_owned(), names(ignored));
    }
    let mut collection = Map::new();
    collection.insert("id".to_owned(), urls.all(request).into());
    collection.insert("type".to_owned(), "AnnotationCollection".into());
    if let Some(total) = found.annotations_total.exact() {
        collection.insert("total".to_owned(), total.into());
    }
    collection.insert("first".to_owned(), link(1));
    if let Some(last) = found.pages {
        collection.insert("last".to_owned(), link(last));
    }
    page.insert("partOf".to_owned(), collection.into());
    if found.has_next {
        page.insert("next".to_owned(), link(found.page + 1));
    }
    if let Some(previous) = found.page.checked_sub(1).filter(|page| *page > 0) {
        page.insert("prev".to_owned(), link(found.pages.map_or(previous, |last| previous.min(last))));
    }
    page.extend(found.first_annotation.map(|first| ("startIndex".to_owned(), first.into())));
    let has_matches = found.placed().any(|(_, hit)| !hit.exact.is_empty());
    Answer { head: page, items: items(found, urls), annotations: has_matches.then(|| [matches(found, request, urls)]) }
}

/// An annotation of an answer. There are many, so that they are written as they are.
#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Stored(Value),
    Written { id: String, r#type: &'static str, motivation: &'static str, body: Body<'a>, target: Target<'a> },
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    value: &'a str,
    format: &'static str,
}

/// A place, with the object that it is in where the client may not have that.
#[derive(Serialize)]
#[serde(untagged)]
enum Target<'a> {
    Uri(String),
    Within {
        id: String,
        r#type: &'static str,
        #[serde(rename = "partOf")]
        part_of: Part<'a>,
    },
}

#[derive(Serialize)]
struct Part<'a> {
    id: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    label: &'a LanguageMap,
}

pub(super) fn names(ignored: &[Parameter]) -> Value {
    ignored.iter().map(|parameter| Value::from(parameter.name())).collect()
}

/// Every annotation once, in the order of hits.
fn items<'a>(found: &'a Found, urls: &ServiceUrls) -> Vec<Item<'a>> {
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    for (_, hit) in found.placed() {
        if let (Some(id), Some(annotation)) = (hit.stored_id(), &hit.annotation) {
            if seen.insert(id) {
                items.push(Item::Stored(stored(annotation, hit.parts.first().and_then(|part| part.part_of.as_ref()))));
            }
            continue;
        }
        for part in hit.parts.iter().filter(|part| seen.insert(&part.id)) {
            items.push(Item::Written {
                id: urls.annotation(&part.id),
                r#type: "Annotation",
                motivation: "supplementing",
                body: Body { r#type: "TextualBody", value: &part.text, format: "text/plain" },
                target: target(part),
            });
        }
    }
    items
}

fn target(part: &FoundPart) -> Target<'_> {
    let fragment = part.fragment();
    let id = if fragment.is_empty() { part.canvas.clone() } else { format!("{}#{fragment}", part.canvas) };
    match &part.part_of {
        None => Target::Uri(id),
        Some(container) => Target::Within { id, r#type: "Canvas", part_of: reference(container) },
    }
}

fn reference(container: &Container) -> Part<'_> {
    Part { id: &container.manifest, r#type: "Manifest", label: &container.label }
}

/// A stored annotation as it is embedded: without a context of its own, with the object that its target is in.
fn stored(annotation: &Value, container: Option<&Container>) -> Value {
    let mut annotation = annotation.clone();
    if let Value::Object(fields) = &mut annotation {
        fields.shift_remove("@context");
        fields.entry("type").or_insert_with(|| "Annotation".into());
        // Presentation 3.0 demands one; whoever says nothing comments.
        fields.entry("motivation").or_insert_with(|| "commenting".into());
        if let (Some(container), Some(target)) = (container, fields.get_mut("target")) {
            place_in(target, container);
        }
    }
    annotation
}

fn place_in(target: &mut Value, container: &Container) {
    match target {
        Value::String(uri) => *target = json!({ "id": uri, "type": "Canvas", "partOf": reference(container) }),
        Value::Object(fields) => drop(fields.insert("partOf".to_owned(), json!(reference(container)))),
        Value::Array(targets) => {
            for target in targets.iter_mut().filter(|target| !target.is_array()) {
                place_in(target, container);
            }
        }
        _ => {}
    }
}

/// What is said of the matches: §4.3.
#[derive(Serialize)]
struct Matches<'a> {
    id: String,
    r#type: &'static str,
    #[serde(rename = "partOf")]
    part_of: Map<String, Value>,
    items: Vec<Match<'a>>,
}

#[derive(Serialize)]
struct Match<'a> {
    id: String,
    r#type: &'static str,
    motivation: &'static str,
    target: Quotes<'a>,
}

/// The annotations that a match is in, with what stands there: one, or an array.
#[derive(Serialize)]
#[serde(untagged)]
enum Quotes<'a> {
    One(Quote<'a>),
    Several(Vec<Quote<'a>>),
}

#[derive(Serialize)]
struct Quote<'a> {
    r#type: &'static str,
    source: String,
    selector: [Selector<'a>; 1],
}

#[derive(Serialize)]
struct Selector<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    prefix: &'a str,
    exact: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    suffix: &'a str,
}

fn matches<'a>(found: &'a Found, request: &SearchRequest, urls: &ServiceUrls) -> Matches<'a> {
    let (page, all) = (urls.page(request, found.page), urls.all(request));
    // What was found without words has none that match.
    let items = found.placed().filter(|(_, hit)| !hit.exact.is_empty()).map(|(index, hit)| Match {
        id: format!("{all}#match-{index}"),
        r#type: "Annotation",
        motivation: if hit.stored_id().is_some() { "highlighting" } else { "contextualizing" },
        target: quotes(hit, urls),
    });
    let items = items.collect();
    let mut collection = Map::new();
    collection.insert("id".to_owned(), format!("{all}#matches").into());
    collection.insert("type".to_owned(), "AnnotationCollection".into());
    if let Some(total) = found.hits_total.exact() {
        collection.insert("total".to_owned(), total.into());
    }
    let first = format!("{}#matches", urls.page(request, 1));
    collection.insert("first".to_owned(), json!({ "id": first, "type": "AnnotationPage" }));
    Matches { id: format!("{page}#matches"), r#type: "AnnotationPage", part_of: collection, items }
}

fn quotes<'a>(hit: &'a FoundHit, urls: &ServiceUrls) -> Quotes<'a> {
    if let Some(id) = hit.stored_id() {
        return Quotes::One(quote(id.to_owned(), &hit.before, &hit.exact, &hit.after));
    }
    let last = hit.parts.len().saturating_sub(1);
    let of_part = |(index, part): (usize, &'a FoundPart)| {
        let before = if index == 0 { hit.before.as_str() } else { "" };
        let after = if index == last { hit.after.as_str() } else { "" };
        quote(urls.annotation(&part.id), before, &part.text, after)
    };
    match hit.parts.as_slice() {
        [only] => Quotes::One(of_part((0, only))),
        parts => Quotes::Several(parts.iter().enumerate().map(of_part).collect()),
    }
}

fn quote<'a>(source: String, prefix: &'a str, exact: &'a str, suffix: &'a str) -> Quote<'a> {
    Quote {
        r#type: "SpecificResource",
        source,
        selector: [Selector { r#type: "TextQuoteSelector", prefix, exact, suffix }],
    }
}

/// The `TermPage` of §5.2 and §5.3.
pub(super) fn terms(terms: &[Term], request: &SearchRequest, ignored: &[Parameter], urls: &ServiceUrls) -> Value {
    let mut page = Map::new();
    page.insert("@context".to_owned(), Version::V2.context().into());
    page.insert("id".to_owned(), urls.terms(request).into());
    page.insert("type".to_owned(), "TermPage".into());
    if !ignored.is_empty() {
        page.insert("ignored".to_owned(), names(ignored));
    }
    let items = terms.iter().map(|term| {
        let mut item = Map::new();
        item.insert("value".to_owned(), term.value.as_str().into());
        item.extend(term.total.map(|total| ("total".to_owned(), total.into())));
        item.extend(term.label.as_ref().map(|label| ("label".to_owned(), json!(label))));
        item.extend(term.language.as_deref().map(|language| ("language".to_owned(), language.into())));
        if term.query() != term.value {
            let id = urls.search_for(term.query(), request);
            item.insert("service".to_owned(), json!([{ "id": id, "type": "SearchService2" }]));
        }
        Value::Object(item)
    });
    page.insert("items".to_owned(), items.collect());
    Value::Object(page)
}
