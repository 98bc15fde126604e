//! Annotations, their pages and their collections, as the Web Annotation Data Model has them; alone and in other documents.

use serde_json::Value;

use crate::annotation::{IIIF_MOTIVATIONS, SHARED_MOTIVATIONS, html, svg};
use crate::discovery::Timestamp;

use super::presentation::is_language;
use super::recognise::contexts;
use super::{Class, DocumentKind, Findings, Part, Rule, Tree, is_http, kind};

use DocumentKind::{Annotation, ContentState, Presentation3, Presentation4, Search2};

const ALONE: &[DocumentKind] = &[Annotation];
const OUTSIDE: &[DocumentKind] = &[Annotation, Search2];
const EVERYWHERE: &[DocumentKind] = &[Annotation, ContentState, Presentation3, Presentation4, Search2];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "WA1",
        title: "`@context` is that of the Web Annotation Data Model",
        section: "Web Annotation Data Model §3.1",
        kinds: ALONE,
        check: context,
    },
    Rule {
        id: "WA2",
        title: "An annotation has an `id`, the type `Annotation` and a target",
        section: "Web Annotation Data Model §3.1",
        kinds: OUTSIDE,
        check: annotation,
    },
    Rule {
        id: "WA3",
        title: "`motivation` is a known word or a URI",
        section: "Web Annotation Data Model §3.1",
        kinds: EVERYWHERE,
        check: motivation,
    },
    Rule {
        id: "WA4",
        title: "A body says what it is, and texts have a `value`",
        section: "Web Annotation Data Model §3.2.4",
        kinds: EVERYWHERE,
        check: bodies,
    },
    Rule {
        id: "WA5",
        title: "A part of a resource has a `source`, and selectors what their type needs",
        section: "Web Annotation Data Model §4.2",
        kinds: EVERYWHERE,
        check: selectors,
    },
    Rule {
        id: "WA6",
        title: "A page has annotations in `items` and links to its neighbours",
        section: "Web Annotation Data Model §5.2",
        kinds: EVERYWHERE,
        check: pages,
    },
    Rule {
        id: "WA7",
        title: "A collection says where its pages begin and how many annotations there are",
        section: "Web Annotation Data Model §5.1",
        kinds: EVERYWHERE,
        check: collections,
    },
    Rule {
        id: "WA8",
        title: "Times are `xsd:dateTime` in UTC",
        section: "Web Annotation Data Model §3.3.1",
        kinds: EVERYWHERE,
        check: times,
    },
    Rule {
        id: "WA9",
        title: "Texts and shapes have nothing that a browser would run",
        section: "Web Annotation Data Model §3.2.4",
        kinds: EVERYWHERE,
        check: harm,
    },
    Rule {
        id: "WA10",
        title: "A container ends with `/` and has the words of the Linked Data Platform",
        section: "Web Annotation Protocol §4",
        kinds: ALONE,
        check: containers,
    },
    Rule {
        id: "WA11",
        title: "No annotation is twice on a page, and no page is its own neighbour",
        section: "Web Annotation Protocol §4.3",
        kinds: ALONE,
        check: neighbours,
    },
];

const CONTEXT: &str = "http://www.w3.org/ns/anno.jsonld";

fn context(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let names = root.object().map(contexts).unwrap_or_default();
    if !names.contains(&CONTEXT) {
        findings.error(
            root.at("@context"),
            format!("`@context` lacks `{CONTEXT}`"),
            format!("write `\"@context\": \"{CONTEXT}\"`"),
        );
    }
}

fn parts<'d>(tree: &Tree<'d>, class: Class) -> Vec<Part<'d>> {
    tree.of_class(class).filter_map(|node| node.part(tree)).collect()
}

fn annotation(tree: &Tree<'_>, findings: &mut Findings) {
    for part in parts(tree, Class::Annotation) {
        if let Some(id) = findings.need(&part, "id", "give it a URI of its own")
            && !id.value.as_str().is_some_and(|id| id.contains(':'))
        {
            findings.wrong(&id, "id", "write a URI");
        }
        let types: Vec<&str> = part.list("type").iter().filter_map(|item| item.value.as_str()).collect();
        if !types.contains(&"Annotation") {
            findings.need_one_of(&part, "type", &["Annotation"]);
        }
        if findings.need(&part, "target", "say what it is about").is_some() && part.list("target").is_empty() {
            findings.error(part.at("target"), "`target` is empty", "say what the annotation is about");
        }
    }
}

fn is_known(motivation: &str) -> bool {
    motivation.contains(':') || SHARED_MOTIVATIONS.contains(&motivation) || IIIF_MOTIVATIONS.contains(&motivation)
}

fn motivation(tree: &Tree<'_>, findings: &mut Findings) {
    for part in parts(tree, Class::Annotation) {
        for item in part.list("motivation") {
            match item.value.as_str() {
                None => findings.wrong(&item, "motivation", "write a word, for example `commenting`"),
                Some(word) if is_known(word) => {}
                Some(word) => {
                    let message = format!("`motivation` is `{word}`, which neither Web Annotation nor IIIF names");
                    findings.warning(&*item.pointer, message, "write a known word, or the URI of an extension");
                }
            }
        }
    }
}

fn bodies(tree: &Tree<'_>, findings: &mut Findings) {
    for part in parts(tree, Class::Annotation) {
        if part.has("body") && part.has("bodyValue") {
            let fix = "keep `body`, and write the text as a TextualBody";
            findings.error(part.at("bodyValue"), "`bodyValue` stands beside `body`", fix);
        }
        if let Some(found) = part.get("bodyValue") {
            if found.value.is_string() {
                let message = "`bodyValue` is not read by viewers; IIIF uses `body` alone";
                findings.warning(found.pointer, message, "write `\"body\": {\"type\": \"TextualBody\", \"value\": …}`");
            } else {
                findings.wrong(&found, "bodyValue", "write one string");
            }
        }
        for body in part.list("body").into_iter().filter(|body| !body.value.is_object() && !body.value.is_string()) {
            findings.wrong(&body, "body", "write an object, or the URI of one");
        }
    }
    for part in parts(tree, Class::TextualBody) {
        match part.get("value") {
            Some(found) if !found.value.is_string() => findings.wrong(&found, "value", "write the text as one string"),
            Some(_) => {}
            None => findings.missing(&part, "value", "write the text"),
        }
        if let Some(found) = part.get("format")
            && !found.value.as_str().is_some_and(|format| format.contains('/'))
        {
            findings.wrong(&found, "format", "write a media type, for example `text/plain`");
        }
        for language in part.list("language") {
            if !language.value.as_str().is_some_and(is_language) {
                findings.wrong(&language, "language", "write a language tag (BCP 47)");
            }
        }
    }
}

fn selectors(tree: &Tree<'_>, findings: &mut Findings) {
    for part in parts(tree, Class::SpecificResource) {
        findings.need(&part, "source", "say of what it is a part");
        let mut open = part.list("selector");
        let mut steps = 0;
        while let Some(selector) = open.pop() {
            steps += 1;
            if steps > 10_000 {
                break;
            }
            if let Some(uri) = selector.value.as_str() {
                if !is_http(uri) {
                    findings.wrong(&selector, "selector", "write an object with `type`, or the URI of one");
                }
                continue;
            }
            if !selector.value.is_object() {
                findings.wrong(&selector, "selector", "write an object with `type`");
                continue;
            }
            one_selector(&selector, findings);
            open.extend(["refinedBy", "startSelector", "endSelector"].iter().flat_map(|next| selector.list(next)));
            open.extend(selector.list("default").into_iter().chain(selector.list("item")));
        }
    }
}

fn one_selector(selector: &Part<'_>, findings: &mut Findings) {
    let Some(given) = findings.need(selector, "type", "say what kind of selector it is") else { return };
    let Some(given) = given.value.as_str() else {
        return findings.wrong(&given, "type", "write it as a string");
    };
    match given {
        "FragmentSelector" | "SvgSelector" | "XPathSelector" | "CssSelector" | "WktSelector" => {
            if findings.need(selector, "value", "say which part").is_some() {
                findings.string(selector, "value");
            }
            if given == "SvgSelector"
                && let Some(value) = selector.text("value")
                && !value.contains("<svg")
            {
                findings.error(
                    selector.at("value"),
                    "`value` of the SvgSelector has no `<svg`",
                    "write a whole `<svg …>` element",
                );
            }
            if given == "FragmentSelector" && selector.text("value").is_some_and(|value| value.starts_with('#')) {
                let message = "`value` of the FragmentSelector begins with `#`";
                findings.warning(selector.at("value"), message, "leave off the `#`");
            }
        }
        "PointSelector" => {
            for property in ["x", "y", "z", "t", "instant"] {
                if let Some(found) = selector.get(property).filter(|found| !found.value.is_number()) {
                    findings.wrong(&found, property, "write a number");
                }
            }
        }
        "TextQuoteSelector" => {
            findings.need(selector, "exact", "quote the text");
            findings.string(selector, "exact");
        }
        "TextPositionSelector" | "DataPositionSelector" => {
            for property in ["start", "end"] {
                findings.need(selector, property, "count from 0");
                findings.whole(selector, property, 0);
            }
        }
        "RangeSelector" => {
            for property in ["startSelector", "endSelector"] {
                findings.need(selector, property, "say where it begins and ends");
            }
        }
        _ => {}
    }
}

/// A link to a page: its URI, or an object with one.
fn link(part: &Part<'_>, property: &str, findings: &mut Findings) {
    let Some(found) = part.get(property) else { return };
    let id = found.value.as_str().or_else(|| found.text("id"));
    match id {
        None => findings.wrong(&found, property, "write the page's URI, or an object with `id` and `type`"),
        Some(id) if !is_http(id) => {
            let message = format!("`{property}` is `{id}`, which is no http or https URI");
            findings.error(&*found.pointer, message, "write a whole URI");
        }
        Some(_) => {}
    }
}

fn pages(tree: &Tree<'_>, findings: &mut Findings) {
    let alone = tree.kind == Annotation;
    for node in tree.of_class(Class::AnnotationPage) {
        let Some(part) = node.part(tree) else { continue };
        if alone && node.parent.is_none() {
            findings.need_uri(&part, "id");
            findings.need(&part, "items", "list the annotations");
            if !part.has("partOf") {
                let message = "`partOf` of the page is missing";
                findings.warning(&*part.pointer, message, "name the collection that it is a page of");
            }
        }
        if alone {
            for item in findings.array(&part, "items") {
                if !item.value.is_object() && !item.value.is_string() {
                    findings.wrong(&item, "items", "write an annotation");
                }
            }
        }
        findings.whole(&part, "startIndex", 0);
        for property in ["next", "prev"] {
            link(&part, property, findings);
        }
    }
}

fn collections(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::AnnotationCollection) {
        let Some(part) = node.part(tree) else { continue };
        if tree.kind == Annotation {
            findings.need_uri(&part, "id");
        }
        let total = findings.whole(&part, "total", 0);
        if node.parent.is_none() && !part.has("first") && !part.has("items") && total != Some(0) {
            findings.error(&*part.pointer, "`first` of the collection is missing", "name its first page");
        }
        if node.parent.is_none() && part.has("first") && !part.has("total") {
            findings.warning(
                &*part.pointer,
                "`total` of the collection is missing",
                "say how many annotations there are",
            );
        }
        for property in ["first", "last"] {
            link(&part, property, findings);
        }
        if let Some(items) = part.get("items").filter(|items| !items.value.is_array()) {
            let message = format!("`items` is {} and not an array", kind(items.value));
            findings.error(items.pointer, message, "put its value into `[` and `]`");
        }
    }
}

fn times(tree: &Tree<'_>, findings: &mut Findings) {
    for part in parts(tree, Class::Annotation) {
        for property in ["created", "modified", "generated"] {
            let Some(found) = part.get(property) else { continue };
            match found.value.as_str() {
                Some(text) if text.parse::<Timestamp>().is_ok() => {
                    if !text.ends_with('Z') {
                        let message = format!("`{property}` is `{text}`, which is not in UTC");
                        findings.warning(&*found.pointer, message, "write the time in UTC, with `Z` at its end");
                    }
                }
                _ => findings.wrong(&found, property, "write date and time, for example `2015-01-31T12:03:45Z`"),
            }
        }
    }
}

fn harm(tree: &Tree<'_>, findings: &mut Findings) {
    for part in parts(tree, Class::TextualBody) {
        let is_plain = part.text("format").is_some_and(|format| !format.to_ascii_lowercase().contains("html"));
        let Some(text) = part.text("value").filter(|text| !is_plain && html::has_markup(text)) else { continue };
        let removed = html::sanitised(text).removed;
        let is_harmful = |what: &&String| {
            what.starts_with("on")
                || matches!(what.as_str(), "<script>" | "<iframe>" | "<object>" | "<embed>" | "href" | "src")
        };
        let harmful: Vec<&str> = removed.iter().filter(is_harmful).map(String::as_str).collect();
        if !harmful.is_empty() {
            let message = format!("`value` has what a browser would run or load: {}", harmful.join(", "));
            findings.warning(part.at("value"), message, "take it out; viewers do, if they are careful");
        }
    }
    for part in parts(tree, Class::SpecificResource) {
        for selector in part.list("selector") {
            if selector.kind() != Some("SvgSelector") {
                continue;
            }
            let Some(text) = selector.text("value").filter(|text| text.contains("<svg")) else { continue };
            let at = selector.at("value");
            match svg::checked(text) {
                Ok(checked) => {
                    let is_harmful = |what: &&String| {
                        what.starts_with("on")
                            || what.ends_with("href")
                            || matches!(what.as_str(), "<script>" | "<foreignObject>" | "<image>" | "<style>")
                    };
                    let harmful: Vec<&str> = checked.removed.iter().filter(is_harmful).map(String::as_str).collect();
                    if !harmful.is_empty() {
                        let message = format!(
                            "`value` of the SvgSelector has what a browser would run or load: {}",
                            harmful.join(", ")
                        );
                        findings.warning(at, message, "keep to shapes");
                    }
                }
                Err(error) => {
                    findings.warning(
                        at,
                        format!("`value` of the SvgSelector cannot be read: {error}"),
                        "write well-formed SVG",
                    );
                }
            }
        }
    }
}

fn containers(tree: &Tree<'_>, findings: &mut Findings) {
    let part = tree.root();
    let types: Vec<&str> = part.list("type").iter().filter_map(|item| item.value.as_str()).collect();
    let is_container = types.iter().any(|word| {
        matches!(word.trim_start_matches("ldp:"), "BasicContainer" | "DirectContainer" | "IndirectContainer")
    });
    if !is_container {
        return;
    }
    if !types.contains(&"AnnotationCollection") {
        findings.error(part.at("type"), "`type` of the container lacks `AnnotationCollection`", "write both");
    }
    let names = part.object().map(contexts).unwrap_or_default();
    if !names.iter().any(|name| name.ends_with("/ns/ldp.jsonld")) {
        let fix = format!("write `\"@context\": [\"{CONTEXT}\", \"http://www.w3.org/ns/ldp.jsonld\"]`");
        findings.warning(
            part.at("@context"),
            "`@context` of the container lacks that of the Linked Data Platform",
            fix,
        );
    }
    if let Some(id) = part.id() {
        let path = id.split(['?', '#']).next().unwrap_or(id);
        if !path.ends_with('/') {
            findings.error(
                part.at("id"),
                format!("`id` of the container is {id}, whose path does not end with `/`"),
                "end it with `/`",
            );
        }
    }
    if let Some(first) = part.get("first").filter(|first| first.value.is_object()) {
        findings.need_uri(&first, "id");
    }
}

fn neighbours(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::AnnotationPage) {
        let Some(part) = node.part(tree) else { continue };
        for property in ["next", "prev"] {
            let named = part.get(property).and_then(|found| found.value.as_str().or_else(|| found.id()));
            if named.is_some() && named == part.id() {
                findings.error(
                    part.at(property),
                    format!("`{property}` is the page itself"),
                    "name its neighbour, or leave it off",
                );
            }
        }
        let mut seen = std::collections::HashSet::new();
        for item in part.list("items") {
            let Some(id) = item.value.as_str().or_else(|| item.id()) else { continue };
            if !seen.insert(id) {
                findings.error(&*item.pointer, format!("{id} is in `items` twice"), "list each annotation once");
            }
        }
    }
}

/// The texts of a motivation.
pub(super) fn motivations(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
