//! Content Search 1.0.

use std::collections::HashSet;

use super::{Class, DocumentKind, Findings, Node, Part, Tree, contexts, is_http, kind};

const CONTEXT: &str = "http://iiif.io/api/search/1/context.json";
const PRESENTATION: &str = "http://iiif.io/api/presentation/2/context.json";
const SEARCH: &str = "http://iiif.io/api/search/1/search";
const COMPLETION: &str = "http://iiif.io/api/search/1/autocomplete";

pub(super) fn services(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service) {
        let profile = node.text("profile").unwrap_or_default();
        let is_search = profile.contains("/api/search/1/search") || node.kind() == Some("SearchService1");
        let is_completion =
            profile.contains("/api/search/1/autocomplete") || node.kind() == Some("AutoCompleteService1");
        // The draft, 0.9, has names of its own, and `@type` does not tell it from 1.0.
        if !is_search && !is_completion || profile.contains("/api/search/0/") {
            continue;
        }
        let (wanted, is_inner) = if is_search { (SEARCH, false) } else { (COMPLETION, true) };
        match node.get("profile") {
            None => {
                let message = "`profile` of the search service is missing, so clients do not know it";
                findings.error(&*node.pointer, message, format!("write `\"profile\": \"{wanted}\"`"));
            }
            Some(found) if found != wanted => {
                let message = format!("`profile` of the search service is {found}");
                findings.error(node.at("profile"), message, format!("write `{wanted}`"));
            }
            Some(_) => {}
        }
        let named = node.text("@context").is_some_and(|context| context == CONTEXT);
        if !named && !is_inner {
            context(tree, node, findings);
        }
        let id = node.text("@id").or_else(|| node.text("id"));
        if id.is_none() {
            findings.error(&*node.pointer, "`@id` of the search service is missing", "say where it is");
        }
        if id.is_some_and(|id| id.contains('?')) {
            let message = "`@id` of the search service has a query; clients add `?q=` to it";
            findings.warning(node.at("@id"), message, "give it a URI without `?`");
        }
    }
}

/// The context may be hoisted in documents of Presentation 3; elsewhere the block must have it.
fn context(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    let hoisted = tree.root().object().map(contexts).unwrap_or_default().contains(&CONTEXT);
    let message = "`@context` of the search service is missing or another";
    let fix = format!("write `\"@context\": \"{CONTEXT}\"`");
    if hoisted {
        return;
    }
    // Presentation 3.0 §4.6 has such services by their `@type` alone.
    if tree.kind == DocumentKind::Presentation3 && node.get("@type").is_some() && node.get("@context").is_none() {
        findings.warning(&*node.pointer, message, fix);
    } else {
        findings.error(node.at("@context"), message, fix);
    }
}

fn list<'d>(tree: &Tree<'d>) -> Option<Part<'d>> {
    let root = tree.root();
    (root.kind() == Some("sc:AnnotationList")).then_some(root)
}

pub(super) fn answer(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let is_service = tree.nodes.first().is_some_and(|node| node.class == Class::Service);
    if is_service || root.kind() == Some("search:TermList") || root.has("terms") {
        return;
    }
    findings.need_one_of(&root, "@type", &["sc:AnnotationList"]);
    findings.need_uri(&root, "@id");
    let names = root.object().map(contexts).unwrap_or_default();
    let is_extended = root.has("hits") || root.get("within").is_some_and(|within| within.has("ignored"));
    let fits = if is_extended { names == [PRESENTATION, CONTEXT] } else { names.first() == Some(&PRESENTATION) };
    if !fits {
        let fix = if is_extended {
            format!("write `\"@context\": [\"{PRESENTATION}\", \"{CONTEXT}\"]`, in this order")
        } else {
            format!("write `\"@context\": \"{PRESENTATION}\"`")
        };
        findings.error(root.at("@context"), "`@context` does not fit the answer", fix);
    }
    findings.need(&root, "resources", "list the annotations; an empty list says that nothing was found");
    for item in findings.array(&root, "resources") {
        if !item.value.is_object() {
            findings.wrong(&item, "resources", "embed the whole annotation");
            continue;
        }
        findings.need_one_of(&item, "@type", &["oa:Annotation"]);
        for property in ["motivation", "resource", "on"] {
            findings.need(&item, property, "embed the whole annotation");
        }
    }
}

pub(super) fn paging(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = list(tree) else { return };
    for property in ["next", "prev"] {
        if let Some(found) = root.get(property)
            && !found.value.as_str().is_some_and(is_http)
        {
            let message = format!("`{property}` is {} and not a URI", kind(found.value));
            findings.error(&*found.pointer, message, "write the page's URI as a string");
        }
    }
    findings.whole(&root, "startIndex", 0);
    let Some(layer) = root.get("within") else {
        if root.has("next") || root.has("prev") {
            let message = "`within` of this page is missing";
            findings.error("", message, "describe the layer: `{\"@type\": \"sc:Layer\", \"total\": …}`");
        }
        return;
    };
    if !layer.value.is_object() {
        return findings.wrong(&layer, "within", "write an object with `@type` `sc:Layer`");
    }
    findings.need_one_of(&layer, "@type", &["sc:Layer"]);
    findings.whole(&layer, "total", 0);
    for property in ["first", "last"] {
        if let Some(found) = layer.get(property).filter(|found| !found.value.as_str().is_some_and(is_http)) {
            findings.wrong(&found, property, "write the page's URI as a string");
        }
    }
    if !layer.has("total") {
        findings.warning(layer.pointer, "`total` of the layer is missing", "say how many there are");
    }
}

pub(super) fn ignored(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let is_terms = root.has("terms");
    if !is_terms && root.has("ignored") {
        findings.error("/ignored", "`ignored` stands in the list", "put it into `within`, the layer");
    }
    let holder = if is_terms { Some(root) } else { root.get("within") };
    if let Some(holder) = holder {
        findings.strings(&holder, "ignored");
    }
}

pub(super) fn hits(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = list(tree) else { return };
    for hit in findings.array(&root, "hits") {
        if !hit.value.is_object() {
            findings.wrong(&hit, "hits", "write an object with `@type` `search:Hit`");
            continue;
        }
        findings.need_one_of(&hit, "@type", &["search:Hit"]);
        findings.need(&hit, "annotations", "name the annotations by their URIs");
        findings.strings(&hit, "annotations");
        for property in ["match", "before", "after"] {
            findings.string(&hit, property);
        }
        for selector in findings.array(&hit, "selectors") {
            findings.need_one_of(&selector, "@type", &["oa:TextQuoteSelector"]);
            findings.need(&selector, "exact", "quote what was found");
            findings.string(&selector, "exact");
        }
    }
    let unnamed: HashSet<_> =
        root.list("resources").into_iter().filter(|part| !part.has("@id")).map(|part| part.pointer).collect();
    if root.has("hits")
        && let Some(first) = unnamed.iter().min()
    {
        let message = "`@id` of an annotation is missing, so hits cannot name it";
        findings.error(&**first, message, "give each annotation a URI");
    }
}

pub(super) fn terms(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if !root.has("terms") && root.kind() != Some("search:TermList") {
        return;
    }
    findings.need_one_of(&root, "@context", &[CONTEXT]);
    findings.need_one_of(&root, "@type", &["search:TermList"]);
    findings.need_uri(&root, "@id");
    findings.need(&root, "terms", "list the terms; an empty list says that there are none");
    for term in findings.array(&root, "terms") {
        for property in ["match", "url"] {
            if findings.need(&term, property, "give both `match` and `url`").is_some() {
                findings.string(&term, property);
            }
        }
        findings.whole(&term, "count", 1);
    }
}
