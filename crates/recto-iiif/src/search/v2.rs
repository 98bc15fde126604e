//! Answers as Content Search 2.0 writes them.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Container, Found, FoundHit, FoundPart, Parameter, SearchRequest, ServiceUrls, Term, Version};

/// The `AnnotationPage` of §4.2 and §4.3.
pub(super) fn answer(found: &Found, request: &SearchRequest, ignored: &[Parameter], urls: &ServiceUrls) -> Value {
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
    page.insert("items".to_owned(), Value::Array(items(found, urls)));
    if found.placed().any(|(_, hit)| !hit.exact.is_empty()) {
        page.insert("annotations".to_owned(), json!([matches(found, request, urls)]));
    }
    Value::Object(page)
}

pub(super) fn names(ignored: &[Parameter]) -> Value {
    ignored.iter().map(|parameter| Value::from(parameter.name())).collect()
}

/// Every annotation once, in the order of hits.
fn items(found: &Found, urls: &ServiceUrls) -> Vec<Value> {
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    for (_, hit) in found.placed() {
        if let (Some(id), Some(annotation)) = (hit.stored_id(), &hit.annotation) {
            if seen.insert(id) {
                items.push(stored(annotation, hit.parts.first().and_then(|part| part.part_of.as_ref())));
            }
            continue;
        }
        for part in hit.parts.iter().filter(|part| seen.insert(&part.id)) {
            items.push(json!({
                "id": urls.annotation(&part.id),
                "type": "Annotation",
                "motivation": "supplementing",
                "body": { "type": "TextualBody", "value": part.text, "format": "text/plain" },
                "target": target(part),
            }));
        }
    }
    items
}

/// The place of a part, with the object that it is in where the client may not have that.
fn target(part: &FoundPart) -> Value {
    let fragment = part.fragment();
    let uri = if fragment.is_empty() { part.canvas.clone() } else { format!("{}#{fragment}", part.canvas) };
    match &part.part_of {
        None => uri.into(),
        Some(container) => json!({ "id": uri, "type": "Canvas", "partOf": reference(container) }),
    }
}

fn reference(container: &Container) -> Value {
    let mut reference = Map::new();
    reference.insert("id".to_owned(), container.manifest.as_str().into());
    reference.insert("type".to_owned(), "Manifest".into());
    if !container.label.is_empty() {
        reference.insert("label".to_owned(), json!(container.label));
    }
    Value::Object(reference)
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
        Value::Object(fields) => drop(fields.insert("partOf".to_owned(), reference(container))),
        Value::Array(targets) => {
            for target in targets.iter_mut().filter(|target| !target.is_array()) {
                place_in(target, container);
            }
        }
        _ => {}
    }
}

/// What is said of the matches: §4.3.
fn matches(found: &Found, request: &SearchRequest, urls: &ServiceUrls) -> Value {
    let (page, all) = (urls.page(request, found.page), urls.all(request));
    // What was found without words has none that match.
    let items = found.placed().filter(|(_, hit)| !hit.exact.is_empty()).map(|(index, hit)| {
        let id = format!("{all}#match-{index}");
        let motivation = if hit.stored_id().is_some() { "highlighting" } else { "contextualizing" };
        json!({ "id": id, "type": "Annotation", "motivation": motivation, "target": quotes(hit, urls) })
    });
    let items: Vec<Value> = items.collect();
    let mut collection = Map::new();
    collection.insert("id".to_owned(), format!("{all}#matches").into());
    collection.insert("type".to_owned(), "AnnotationCollection".into());
    if let Some(total) = found.hits_total.exact() {
        collection.insert("total".to_owned(), total.into());
    }
    let first = format!("{}#matches", urls.page(request, 1));
    collection.insert("first".to_owned(), json!({ "id": first, "type": "AnnotationPage" }));
    json!({ "id": format!("{page}#matches"), "type": "AnnotationPage", "partOf": collection, "items": items })
}

/// The annotations that a match is in, with what stands there: one, or an array.
fn quotes(hit: &FoundHit, urls: &ServiceUrls) -> Value {
    if let Some(id) = hit.stored_id() {
        return quote(id, &hit.before, &hit.exact, &hit.after);
    }
    let last = hit.parts.len().saturating_sub(1);
    let mut targets = hit.parts.iter().enumerate().map(|(index, part)| {
        let before = if index == 0 { hit.before.as_str() } else { "" };
        let after = if index == last { hit.after.as_str() } else { "" };
        quote(&urls.annotation(&part.id), before, &part.text, after)
    });
    match (last, targets.next()) {
        (0, Some(only)) => only,
        (_, first) => first.into_iter().chain(targets).collect(),
    }
}

fn quote(annotation: &str, prefix: &str, exact: &str, suffix: &str) -> Value {
    let mut selector = Map::new();
    selector.insert("type".to_owned(), "TextQuoteSelector".into());
    for (name, text) in [("prefix", prefix), ("exact", exact), ("suffix", suffix)] {
        if name == "exact" || !text.is_empty() {
            selector.insert(name.to_owned(), text.into());
        }
    }
    json!({ "type": "SpecificResource", "source": annotation, "selector": [selector] })
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
