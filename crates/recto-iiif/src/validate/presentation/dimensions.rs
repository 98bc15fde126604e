//! P9: a canvas has a height and a width, or a duration, or all three.

use serde_json::Value;

use super::{Class, Findings, Node, Rule, THREE, Tree, kind};

pub(super) const RULE: Rule = Rule {
    id: "P9",
    title: "A canvas has a height and a width, or a duration, or all three",
    section: "Presentation 3.0 §3.2 height, width, duration",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        let is_canvas = node.class == Class::Canvas && !node.is_reference();
        if !is_canvas && node.class != Class::Content {
            continue;
        }
        for property in ["height", "width", "duration"] {
            number(node, property, findings);
        }
        if !is_canvas {
            continue;
        }
        match (node.get("height").is_some(), node.get("width").is_some(), node.get("duration").is_some()) {
            (true, true, _) | (false, false, true) => {}
            (true, false, _) => findings.error(
                &*node.pointer,
                format!("`width` of {} is missing beside `height`", node.name()),
                "give both",
            ),
            (false, true, _) => findings.error(
                &*node.pointer,
                format!("`height` of {} is missing beside `width`", node.name()),
                "give both",
            ),
            (false, false, false) => findings.error(
                &*node.pointer,
                format!("{} has neither `height` and `width` nor `duration`", node.name()),
                "give the size of what is shown on it",
            ),
        }
    }
}

fn number(node: &Node<'_>, property: &str, findings: &mut Findings) {
    let Some(value) = node.get(property) else { return };
    let fits = match value {
        Value::Number(number) if property == "duration" => number.as_f64().is_some_and(|number| number > 0.0),
        Value::Number(number) => number.as_u64().is_some_and(|number| number > 0),
        _ => false,
    };
    if !fits {
        let what = if value.is_number() { value.to_string() } else { kind(value).to_owned() };
        let wanted = if property == "duration" { "seconds, more than 0" } else { "a whole number, more than 0" };
        findings.error(node.at(property), format!("`{property}` is {what}"), format!("write {wanted}"));
    }
}
