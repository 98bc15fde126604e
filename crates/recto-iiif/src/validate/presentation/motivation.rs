//! P21: what is painted is among the canvas's `items`, what is said about it among its `annotations`.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P21",
    title: "What is painted is among the canvas's `items`, what is said about it among its `annotations`",
    section: "Presentation 3.0 §5.6, §3.4 annotations",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Annotation) {
        let Some(page) = tree.parent(node).filter(|page| page.class == Class::AnnotationPage) else { continue };
        let motivations: Vec<&str> = match node.get("motivation") {
            Some(Value::String(motivation)) => vec![motivation],
            Some(Value::Array(motivations)) => motivations.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let paints = motivations.contains(&"painting");
        let in_canvas = tree.parent(page).is_some_and(|parent| parent.class == Class::Canvas);
        if page.property == "items" && in_canvas && !paints {
            findings.error(
                if node.get("motivation").is_some() { node.at("motivation") } else { node.pointer.clone() },
                format!("`motivation` of {} is not `painting`, yet it is among `items` of a canvas", node.name()),
                "write `\"motivation\": \"painting\"`, or move it to `annotations`",
            );
        }
        if page.property == "annotations" && paints {
            findings.error(
                node.at("motivation"),
                format!("`motivation` of {} is `painting`, yet it is among `annotations`", node.name()),
                "move it to `items` of the canvas, or say that it is `supplementing`",
            );
        }
    }
}
