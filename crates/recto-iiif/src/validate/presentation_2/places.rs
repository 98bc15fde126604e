//! Q8: properties stand where they have a place, hints and directions are known, and dates are in UTC.

use super::super::presentation::is_date_time;
use super::{Class, Findings, Node, Rule, TWO, Tree};

pub(super) const RULE: Rule = Rule {
    id: "Q8",
    title: "Properties stand where they have a place; hints, directions and dates are written as the specification has them",
    section: "Presentation 2.1 §3.3",
    kinds: TWO,
    check,
};

use Class::{Annotation, AnnotationList, Canvas, Collection, Layer, Manifest, Range, Sequence};

/// Classes of the specification, without content.
const CLASSES: &[Class] = &[Collection, Manifest, Sequence, Canvas, Range, AnnotationList, Layer, Annotation];

/// A property, and the classes that may have it.
const ALLOWED: &[(&str, &[Class])] = &[
    ("format", &[]),
    ("height", &[Canvas]),
    ("width", &[Canvas]),
    ("viewingDirection", &[Manifest, Sequence, Range, Layer]),
    ("navDate", &[Collection, Manifest]),
    ("startCanvas", &[Sequence, Range]),
    ("contentLayer", &[Range]),
    ("first", &[Collection, Layer]),
    ("last", &[Collection, Layer]),
    ("total", &[Collection, Layer]),
    ("next", &[Collection, AnnotationList]),
    ("prev", &[Collection, AnnotationList]),
    ("startIndex", &[Collection, AnnotationList]),
    ("collections", &[Collection]),
    ("manifests", &[Collection]),
    ("members", &[Collection, Range]),
    ("sequences", &[Manifest]),
    ("structures", &[Manifest]),
    ("canvases", &[Sequence, Range]),
    ("resources", &[AnnotationList]),
    ("otherContent", &[Canvas, Layer]),
    ("images", &[Canvas]),
    ("ranges", &[Range]),
];

/// Properties of Presentation 3, and what they were.
const NEW: &[(&str, &str)] = &[
    ("summary", "description"),
    ("rights", "license"),
    ("requiredStatement", "attribution"),
    ("behavior", "viewingHint"),
    ("homepage", "related"),
    ("partOf", "within"),
    ("items", "sequences, canvases or images"),
    ("annotations", "otherContent"),
];

const HINTS: &[(&str, &[Class])] = &[
    ("individuals", &[Collection, Manifest, Sequence, Range]),
    ("paged", &[Manifest, Sequence, Range]),
    ("continuous", &[Manifest, Sequence, Range]),
    ("multi-part", &[Collection]),
    ("non-paged", &[Canvas]),
    ("top", &[Range]),
    ("facing-pages", &[Canvas]),
];

const DIRECTIONS: [&str; 4] = ["left-to-right", "right-to-left", "top-to-bottom", "bottom-to-top"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.nodes.iter().filter(|node| CLASSES.contains(&node.class)) {
        for property in node.value.keys() {
            if let Some((_, classes)) = ALLOWED.iter().find(|(name, _)| name == property)
                && !classes.contains(&node.class)
            {
                let message = format!("`{property}` has no place in a {:?}", node.class);
                findings.warning(node.at(property), message, "take it away, or put it where the specification has it");
            }
            if let Some((_, old)) = NEW.iter().find(|(new, _)| new == property) {
                let message = format!("`{property}` is of Presentation 3; clients of 2.x do not look at it");
                findings.warning(node.at(property), message, format!("write `{old}`"));
            }
        }
        values(node, findings);
    }
}

fn values(node: &Node<'_>, findings: &mut Findings) {
    if let Some(hint) = node.get("viewingHint") {
        let at = node.at("viewingHint");
        match hint.as_str() {
            Some(name) if name.contains(':') => {}
            Some(name) => match HINTS.iter().find(|(known, _)| *known == name) {
                Some((_, classes)) if classes.contains(&node.class) => {}
                // The specification's own collections have `top`, which its table has for ranges only.
                Some(_) => findings.warning(
                    at,
                    format!("`viewingHint` `{name}` is not for a {:?}", node.class),
                    "take it away",
                ),
                None => findings.error(
                    at,
                    format!("`viewingHint` is `{name}`, which is unknown"),
                    "write a known hint, or a URI",
                ),
            },
            None if hint.is_array() => {}
            None => findings.error(at, format!("`viewingHint` is {hint}"), "write a known hint as a string"),
        }
    }
    if let Some(direction) = node.get("viewingDirection")
        && !direction.as_str().is_some_and(|direction| DIRECTIONS.contains(&direction))
    {
        let message = format!("`viewingDirection` is {direction}");
        findings.error(node.at("viewingDirection"), message, format!("write one of {}", DIRECTIONS.join(", ")));
    }
    if let Some(date) = node.get("navDate")
        && !date.as_str().is_some_and(|date| date.ends_with('Z') && is_date_time(date))
    {
        let message = format!("`navDate` is {date}, which is no date and time in UTC");
        findings.error(node.at("navDate"), message, "write it as `1776-07-04T00:00:00Z`");
    }
    for property in ["total", "startIndex"] {
        if let Some(value) = node.get(property).filter(|value| !value.is_u64()) {
            let message = format!("`{property}` is {value}");
            findings.error(node.at(property), message, "write a whole number, 0 or more");
        }
    }
}
