//! P10: properties stand where the specification has a place for them.

use super::{Class, Findings, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P10",
    title: "Properties stand where the specification has a place for them",
    section: "Presentation 3.0 §3, Appendix A",
    kinds: THREE,
    check,
};

use Class::{AnnotationPage, Canvas, Collection, Content, Manifest, Range};

/// A property of the specification, and the classes that may not have it.
const FORBIDDEN: &[(&str, &[Class])] = &[
    ("height", &[Collection, Manifest, Range, AnnotationPage]),
    ("width", &[Collection, Manifest, Range, AnnotationPage]),
    ("duration", &[Collection, Manifest, Range, AnnotationPage]),
    ("format", &[Collection, Manifest, Canvas, Range, AnnotationPage]),
    ("profile", &[Collection, Manifest, Canvas, Range, AnnotationPage]),
    ("language", &[Collection, Manifest, Canvas, Range, AnnotationPage]),
    ("viewingDirection", &[Canvas, AnnotationPage, Content]),
    ("structures", &[Collection, Canvas, Range, AnnotationPage]),
    ("logo", &[Collection, Manifest, Canvas, Range, AnnotationPage, Content]),
    ("services", &[Canvas, Range, AnnotationPage, Content]),
    ("motivation", &[Collection, Manifest, Canvas, Range, AnnotationPage]),
    ("start", &[Collection, Canvas, AnnotationPage, Content]),
    ("supplementary", &[Collection, Manifest, Canvas, AnnotationPage]),
    ("timeMode", &[Collection, Manifest, Canvas, Range, AnnotationPage]),
];

/// Properties of Presentation 2, and what they became.
const OLD: &[(&str, &str)] = &[
    ("@id", "id"),
    ("@type", "type"),
    ("description", "summary"),
    ("license", "rights"),
    ("attribution", "requiredStatement"),
    ("viewingHint", "behavior"),
    ("related", "homepage"),
    ("within", "partOf"),
    ("sequences", "items"),
    ("canvases", "items"),
    ("images", "items"),
    ("ranges", "items"),
    ("members", "items"),
    ("otherContent", "annotations"),
    ("startCanvas", "start"),
];

const DIRECTIONS: [&str; 4] = ["left-to-right", "right-to-left", "top-to-bottom", "bottom-to-top"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        let has_old = matches!(node.class, Collection | Manifest | Canvas | Range | AnnotationPage);
        for property in node.value.keys() {
            let forbidden = FORBIDDEN.iter().any(|(name, classes)| name == property && classes.contains(&node.class));
            if forbidden {
                let message = format!("`{property}` has no place in a {:?}", node.class);
                findings.error(node.at(property), message, "take it away, or put it where the specification has it");
            }
            // JSON-LD keeps these words for itself; processors leave them out.
            let is_reserved =
                property.starts_with('@') && !matches!(property.as_str(), "@context" | "@id" | "@type" | "@graph");
            if is_reserved && node.class != Class::Service {
                let message = format!("`{property}` is no property; words that begin with `@` are of JSON-LD");
                findings.error(node.at(property), message, format!("write `{}`", property.trim_start_matches('@')));
            }
            if let Some((_, new)) = OLD.iter().find(|(old, _)| has_old && old == property) {
                let message = format!("`{property}` is of Presentation 2; clients of 3.0 do not look at it");
                findings.error(node.at(property), message, format!("write `{new}`"));
            }
        }
        let Some(direction) = node.get("viewingDirection") else { continue };
        if !direction.as_str().is_some_and(|direction| DIRECTIONS.contains(&direction)) {
            let message = format!("`viewingDirection` is {direction}");
            findings.error(node.at("viewingDirection"), message, format!("write one of {}", DIRECTIONS.join(", ")));
        }
    }
}
