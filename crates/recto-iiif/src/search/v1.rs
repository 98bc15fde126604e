//! Answers as Content Search 1.0 writes them, in the form that all viewers read: `on` is a string that names a box in whole numbers,
//! `resource` one object with `chars`, and hits name annotations of their own page.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::v2::names;
use super::{Container, Found, FoundHit, FoundPart, Parameter, SearchRequest, ServiceUrls, Term, Version};
use crate::presentation::{self, LanguageMap};

/// The `sc:AnnotationList` of §3.3 and §3.4.
pub(super) fn answer(found: &Found, request: &SearchRequest, ignored: &[Parameter], urls: &ServiceUrls) -> Value {
    let link = |page: u64| Value::from(urls.page(request, page));
    let mut list = Map::new();
    list.insert("@context".to_owned(), json!([presentation::Version::V2.context(), Version::V1.context()]));
    list.insert("@id".to_owned(), link(found.page));
    list.insert("@type".to_owned(), "sc:AnnotationList".into());
    let mut layer = Map::new();
    layer.insert("@id".to_owned(), urls.all(request).into());
    layer.insert("@type".to_owned(), "sc:Layer".into());
    layer.insert("total".to_owned(), found.hits_total.counted().into());
    if !ignored.is_empty() {
        layer.insert("ignored".to_owned(), names(ignored));
    }
    layer.insert("first".to_owned(), link(1));
    layer.extend(found.pages.map(|last| ("last".to_owned(), link(last))));
    list.insert("within".to_owned(), layer.into());
    if found.has_next {
        list.insert("next".to_owned(), link(found.page + 1));
    }
    if let Some(previous) = found.page.checked_sub(1).filter(|page| *page > 0) {
        list.insert("prev".to_owned(), link(found.pages.map_or(previous, |last| previous.min(last))));
    }
    list.insert("startIndex".to_owned(), found.first_hit.into());
    list.insert("resources".to_owned(), Value::Array(resources(found, urls)));
    list.insert("hits".to_owned(), Value::Array(hits(found, urls)));
    Value::Object(list)
}

/// Every annotation once, in the order of hits.
fn resources(found: &Found, urls: &ServiceUrls) -> Vec<Value> {
    let mut seen = HashSet::new();
    let mut resources = Vec::new();
    for (_, hit) in found.placed() {
        for (index, part) in hit.parts.iter().enumerate() {
            let id = id_of(hit, index, part, urls);
            if seen.insert(id.clone()) {
                resources.push(resource(id, hit.annotation.as_ref(), part));
            }
        }
    }
    resources
}

/// An annotation on several places is one for each of them, as `on` is one place here.
fn id_of(hit: &FoundHit, index: usize, part: &FoundPart, urls: &ServiceUrls) -> String {
    match hit.stored_id() {
        None => urls.annotation(&part.id),
        Some(id) if index == 0 => id.to_owned(),
        Some(id) => format!("{id}#place-{}", index + 1),
    }
}

fn resource(id: String, stored: Option<&Value>, part: &FoundPart) -> Value {
    let fragment = part.fragment_with_area();
    let on = if fragment.is_empty() { part.canvas.clone() } else { format!("{}#{fragment}", part.canvas) };
    let format = stored.and_then(|annotation| format_of(annotation.get("body")?)).unwrap_or("text/plain");
    let mut annotation = Map::new();
    annotation.insert("@id".to_owned(), id.into());
    annotation.insert("@type".to_owned(), "oa:Annotation".into());
    annotation.insert("motivation".to_owned(), stored.map_or_else(|| "sc:painting".into(), motivation));
    // Of a stored annotation the whole text, in which the match stands: §3.4.3.
    let chars = stored.and_then(|annotation| text_of(annotation.get("body")?)).unwrap_or_else(|| part.text.clone());
    let text = json!({ "@type": "cnt:ContentAsText", "format": format, "chars": chars });
    annotation.insert("resource".to_owned(), text);
    annotation.insert("on".to_owned(), on.into());
    if let Some(container) = &part.part_of {
        // The specification puts it into `on`, which no viewer survives.
        annotation.insert("within".to_owned(), within(container));
    }
    Value::Object(annotation)
}

/// The texts of all bodies, a line each; `None` where there is none.
fn text_of(body: &Value) -> Option<String> {
    let bodies = if let Value::Array(bodies) = body { bodies.as_slice() } else { std::slice::from_ref(body) };
    let text = |body: &Value| body.as_str().or_else(|| body.get("value")?.as_str()).map(str::to_owned);
    let texts: Vec<String> = bodies.iter().filter_map(text).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn format_of(body: &Value) -> Option<&str> {
    let body = if let Value::Array(bodies) = body { bodies.first()? } else { body };
    body.get("format")?.as_str()
}

fn motivation(annotation: &Value) -> Value {
    let older = |word: &str| match word {
        "painting" | "supplementing" => "sc:painting".to_owned(),
        other if other.contains(':') => other.to_owned(),
        other => format!("oa:{other}"),
    };
    match annotation.get("motivation") {
        Some(Value::String(word)) => older(word).into(),
        Some(Value::Array(words)) if !words.is_empty() => {
            words.iter().filter_map(Value::as_str).map(|word| Value::from(older(word))).collect()
        }
        _ => "oa:commenting".into(),
    }
}

fn within(container: &Container) -> Value {
    let mut within = Map::new();
    within.insert("@id".to_owned(), container.manifest_2.as_deref().unwrap_or(&container.manifest).into());
    within.insert("@type".to_owned(), "sc:Manifest".into());
    if let Some(label) = label(&container.label) {
        within.insert("label".to_owned(), label);
    }
    Value::Object(within)
}

/// A text in the words of Presentation 2: a string, or one object for each language.
fn label(label: &LanguageMap) -> Option<Value> {
    let mut texts: Vec<Value> = label
        .iter()
        .flat_map(|(language, texts)| texts.iter().map(move |text| (language, text)))
        .map(|(language, text)| match language {
            LanguageMap::NONE => text.as_str().into(),
            _ => json!({ "@value": text, "@language": language }),
        })
        .collect();
    if texts.len() > 1 { Some(Value::Array(texts)) } else { texts.pop() }
}

/// One hit for each match in the text of pages; one for all matches within a stored annotation, with a selector for each (§3.4.3).
fn hits(found: &Found, urls: &ServiceUrls) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut by_annotation: HashMap<&str, usize> = HashMap::new();
    for (_, hit) in found.placed() {
        let known = hit.stored_id().and_then(|id| by_annotation.get(id).copied());
        if let Some(selectors) = known.and_then(|index| out.get_mut(index)?.get_mut("selectors")?.as_array_mut()) {
            selectors.push(selector(hit));
            continue;
        }
        let ids = hit.parts.iter().enumerate().map(|(index, part)| Value::from(id_of(hit, index, part, urls)));
        let ids: Vec<Value> = ids.collect();
        let mut written = json!({
            "@type": "search:Hit", "annotations": ids,
            "match": hit.exact, "before": hit.before, "after": hit.after,
        });
        if let Some(id) = hit.stored_id().filter(|_| !hit.exact.is_empty()) {
            written["selectors"] = json!([selector(hit)]);
            by_annotation.insert(id, out.len());
        }
        out.push(written);
    }
    out
}

fn selector(hit: &FoundHit) -> Value {
    json!({ "@type": "oa:TextQuoteSelector", "exact": hit.exact, "prefix": hit.before, "suffix": hit.after })
}

/// The `search:TermList` of §4.3.
pub(super) fn terms(terms: &[Term], request: &SearchRequest, ignored: &[Parameter], urls: &ServiceUrls) -> Value {
    let mut list = Map::new();
    list.insert("@context".to_owned(), Version::V1.context().into());
    list.insert("@id".to_owned(), urls.terms(request).into());
    list.insert("@type".to_owned(), "search:TermList".into());
    if !ignored.is_empty() {
        list.insert("ignored".to_owned(), names(ignored));
    }
    let terms = terms.iter().map(|term| {
        let mut item = Map::new();
        item.insert("match".to_owned(), term.value.as_str().into());
        item.insert("url".to_owned(), urls.search_for(term.query(), request).into());
        item.extend(term.total.filter(|total| *total > 0).map(|total| ("count".to_owned(), total.into())));
        item.extend(term.label.as_ref().and_then(label).map(|label| ("label".to_owned(), label)));
        Value::Object(item)
    });
    list.insert("terms".to_owned(), terms.collect());
    Value::Object(list)
}
