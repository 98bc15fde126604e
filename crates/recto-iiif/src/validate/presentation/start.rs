//! P19: what is shown first is a canvas of this manifest, or a part of one.

use std::collections::HashSet;

use super::{Class, Findings, Rule, THREE, Tree, kind};

pub(super) const RULE: Rule = Rule {
    id: "P19",
    title: "What is shown first is a canvas of this manifest, or a part of one",
    section: "Presentation 3.0 §3.3.2 start",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let canvases: HashSet<&str> = tree
        .of_class(Class::Canvas)
        .filter(|node| node.property == "items" && !node.is_reference())
        .filter_map(|node| node.text("id"))
        .collect();
    for node in tree.nodes.iter().filter(|node| matches!(node.class, Class::Manifest | Class::Range)) {
        let Some(value) = node.get("start") else { continue };
        let at = node.at("start");
        let Some(start) = value.as_object() else {
            findings.error(at, format!("`start` is {}", kind(value)), "write an object with `id` and `type`");
            continue;
        };
        let text = |property: &str| start.get(property).and_then(serde_json::Value::as_str);
        let canvas = match text("type") {
            Some("Canvas") => text("id"),
            Some("SpecificResource") => {
                let source = start.get("source");
                source.and_then(|source| source.as_str().or_else(|| source.get("id")?.as_str()))
            }
            other => {
                let message = format!("`start` is a {}", other.unwrap_or("resource without `type`"));
                findings.error(at, message, "name a Canvas, or a SpecificResource with a Canvas as `source`");
                continue;
            }
        };
        match canvas {
            None => findings.error(at, "`start` names no canvas", "give `id`, or `source` of a SpecificResource"),
            Some(canvas) if canvases.contains(canvas.split('#').next().unwrap_or(canvas)) => {}
            Some(canvas) => {
                findings.error(
                    at,
                    format!("`start` names {canvas}, which is not in this manifest"),
                    "name one of its canvases",
                );
            }
        }
    }
}
