//! Content Search 2.0.

use std::collections::{HashMap, HashSet};

use super::{Class, Findings, Part, Tree, contexts, motivations};

const CONTEXT: &str = "http://iiif.io/api/search/2/context.json";

pub(super) fn services(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service) {
        let Some(part) = node.part(tree) else { continue };
        let is_search = node.kind() == Some("SearchService2");
        let is_completion = node.kind() == Some("AutoCompleteService2");
        if !is_search && !is_completion {
            continue;
        }
        if findings.need_uri(&part, "id").is_some_and(|id| id.contains('?')) && node.property == "service" {
            // A term's service is a whole search, with its query.
            let message = "`id` of the search service has a query; clients add `?q=` to it";
            findings.warning(node.at("id"), message, "give it a URI without `?`");
        }
        if node.get("type").is_none() {
            findings.missing(&part, "type", "write `type`; `@type` is of Content Search 1.0");
        }
        let above = tree.parent(node);
        if is_completion && above.is_some_and(|above| above.class != Class::Service) {
            let message = "`AutoCompleteService2` stands outside of its `SearchService2`";
            findings.warning(&*node.pointer, message, "put it into `service` of the SearchService2");
        }
        if let (true, Some(above)) = (is_completion, above)
            && above.text("id").is_some()
            && above.text("id") == node.text("id")
        {
            let message = "`id` of the completion is that of the search";
            findings.error(node.at("id"), message, "give each service a URI of its own");
        }
    }
}

/// The answer to a search; not a page of terms.
fn page<'d>(tree: &Tree<'d>) -> Option<Part<'d>> {
    let root = tree.root();
    (root.kind() == Some("AnnotationPage")).then_some(root)
}

pub(super) fn answer(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if root.kind().is_some_and(|kind| kind.contains("Service") || kind == "TermPage" || kind == "AnnotationCollection")
    {
        return;
    }
    findings.need_one_of(&root, "type", &["AnnotationPage"]);
    findings.need_uri(&root, "id");
    if !root.object().map(contexts).unwrap_or_default().contains(&CONTEXT) {
        findings.error(root.at("@context"), format!("`@context` lacks `{CONTEXT}`"), "name it");
    }
    findings.need(&root, "items", "list the annotations; an empty list says that nothing was found");
    for item in findings.array(&root, "items") {
        if !item.value.is_object() {
            findings.wrong(&item, "items", "embed the whole annotation");
            continue;
        }
        for property in ["motivation", "body"] {
            findings.need(&item, property, "embed the whole annotation");
        }
    }
}

pub(super) fn ignored(tree: &Tree<'_>, findings: &mut Findings) {
    findings.strings(&tree.root(), "ignored");
}

pub(super) fn paging(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = page(tree) else { return };
    for property in ["next", "prev"] {
        findings.link(&root, property, "AnnotationPage");
    }
    findings.whole(&root, "startIndex", 0);
    if (root.has("next") || root.has("prev")) && !root.has("partOf") {
        let fix = "describe the collection of all annotations that match";
        findings.error("", "`partOf` of this page is missing", fix);
    }
    let Some(collection) = root.get("partOf") else { return };
    if !collection.value.is_object() {
        return findings.wrong(&collection, "partOf", "write one object of type AnnotationCollection, not a list");
    }
    findings.need_uri(&collection, "id");
    findings.need_one_of(&collection, "type", &["AnnotationCollection"]);
    findings.whole(&collection, "total", 0);
    findings.need(&collection, "first", "name the first page");
    for property in ["first", "last"] {
        findings.link(&collection, property, "AnnotationPage");
    }
}

pub(super) fn containers(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = page(tree) else { return };
    for target in root.list("items").iter().flat_map(|item| item.list("target")) {
        for container in target.list("partOf") {
            if !container.value.is_object() {
                findings.wrong(&container, "partOf", "write an object with `id` and `type`");
                continue;
            }
            for property in ["id", "type"] {
                findings.need(&container, property, "say what it is and where");
            }
            if !container.has("label") {
                let message = "`label` of what the target is part of is missing";
                findings.warning(&*container.pointer, message, "give its name, so that people can tell results apart");
            }
            findings.languages(&container, "label");
        }
    }
}

/// The pages of what is said of matches.
fn extra<'d>(tree: &Tree<'d>) -> Vec<Part<'d>> {
    page(tree).map(|root| root.list("annotations")).unwrap_or_default()
}

pub(super) fn extended(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = page(tree).filter(|root| root.has("annotations")) else { return };
    let pages = findings.array(&root, "annotations");
    if pages.len() > 1 {
        findings.error("/annotations", "`annotations` has more than one page", "put all into one page");
    }
    for page in pages {
        findings.need_one_of(&page, "type", &["AnnotationPage"]);
        findings.need(&page, "items", "list what is said of the matches");
        for item in findings.array(&page, "items") {
            let words = motivations(item.value.get("motivation"));
            if !words.iter().any(|word| matches!(*word, "contextualizing" | "highlighting")) {
                let fix = "write `contextualizing` or `highlighting`";
                findings.error(item.at("motivation"), "`motivation` of what is said of a match is another", fix);
            }
            for target in item.list("target") {
                let quotes =
                    target.list("selector").iter().any(|selector| selector.kind() == Some("TextQuoteSelector"));
                if !target.value.is_object() || !quotes {
                    let message = "`target` has no TextQuoteSelector";
                    findings.error(target.pointer, message, "quote the match in a `selector`");
                }
            }
        }
    }
}

/// The texts of an annotation's bodies; none where one of them is not plain text, as quotes of it need not be letter by letter.
fn plain_texts<'d>(annotation: &Part<'d>) -> Option<Vec<&'d str>> {
    let bodies = annotation.list("body");
    let text = |body: &Part<'d>| {
        let is_plain = body.text("format").is_none_or(|format| format == "text/plain");
        if is_plain { body.value.get("value")?.as_str() } else { None }
    };
    bodies.iter().map(text).collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty())
}

pub(super) fn quotes(tree: &Tree<'_>, findings: &mut Findings) {
    let items = tree.root().list("items");
    let texts: HashMap<&str, Vec<&str>> =
        items.iter().filter_map(|item| Some((item.id()?, plain_texts(item)?))).collect();
    for item in extra(tree).iter().flat_map(|page| page.list("items")) {
        // Around a word that is an annotation of its own stands text that is not in it; what is highlighted is within.
        let is_within = motivations(item.value.get("motivation")).contains(&"highlighting");
        for target in item.list("target") {
            let Some(texts) = source(&target).and_then(|source| texts.get(source)) else { continue };
            for selector in target.list("selector").iter().filter(|part| part.kind() == Some("TextQuoteSelector")) {
                let part = |name: &str| selector.text(name).unwrap_or_default();
                let quote = if is_within {
                    format!("{}{}{}", part("prefix"), part("exact"), part("suffix"))
                } else {
                    part("exact").to_owned()
                };
                if !texts.iter().any(|text| text.contains(&quote)) {
                    let (message, fix) = if is_within {
                        let message =
                            "`prefix`, `exact` and `suffix` do not follow each other in the annotation's text";
                        (message, "quote the body letter by letter")
                    } else {
                        ("`exact` is not in the annotation's text", "quote what the annotation says")
                    };
                    findings.warning(&*selector.pointer, message, fix);
                }
            }
        }
    }
}

pub(super) fn repeated(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = page(tree) else { return };
    let mut seen = HashSet::new();
    for item in root.list("items") {
        if let Some(id) = item.id().filter(|id| !seen.insert(*id)) {
            let message = format!("`id` {id} is that of an annotation before");
            findings.error(item.at("id"), message, "list it once, and say of each match in `annotations`");
        }
    }
}

/// `source` of a target, by its id.
fn source<'d>(target: &Part<'d>) -> Option<&'d str> {
    let source = target.value.get("source")?;
    source.as_str().or_else(|| source.get("id")?.as_str())
}

pub(super) fn targets(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let own: HashSet<&str> = root.list("items").iter().filter_map(Part::id).collect();
    for target in extra(tree).iter().flat_map(|page| page.list("items")).flat_map(|item| item.list("target")) {
        match source(&target) {
            None if target.value.is_object() => {
                findings.missing(&target, "source", "name the annotation that matched");
            }
            Some(source) if !own.contains(source) => {
                let message = format!("`source` is {source}, no annotation of this page");
                findings.error(target.at("source"), message, "keep a match and its annotations on one page");
            }
            _ => {}
        }
    }
}

pub(super) fn collections(tree: &Tree<'_>, findings: &mut Findings) {
    let outer = page(tree).and_then(|root| root.get("partOf")).and_then(|collection| collection.id());
    for collection in extra(tree).iter().filter_map(|page| page.get("partOf")) {
        if collection.id().is_some() && collection.id() == outer {
            let message = "`id` of the collection of matches is that of the collection of annotations";
            findings.error(collection.at("id"), message, "give it an id of its own");
        }
    }
}

pub(super) fn terms(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if root.kind() != Some("TermPage") {
        return;
    }
    if !root.object().map(contexts).unwrap_or_default().contains(&CONTEXT) {
        findings.error(root.at("@context"), format!("`@context` lacks `{CONTEXT}`"), "name it");
    }
    findings.need_uri(&root, "id");
    findings.need(&root, "items", "list the terms; an empty list says that there are none");
    for term in findings.array(&root, "items") {
        if findings.need(&term, "value", "write the term").is_some() {
            findings.string(&term, "value");
        }
        if let Some(found) = term.get("type") {
            findings.one_of(&found, "type", &["Term"]);
        }
        findings.whole(&term, "total", 0);
        findings.languages(&term, "label");
        findings.string(&term, "language");
        for service in findings.array(&term, "service") {
            findings.need_uri(&service, "id");
            findings.need_one_of(&service, "type", &["SearchService2"]);
        }
    }
}
