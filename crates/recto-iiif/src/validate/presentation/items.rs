//! P20: every container has what it is for, and nothing else.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P20",
    title: "Every container has what it is for, and nothing else",
    section: "Presentation 3.0 §3.4 items",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        let is_root = node.property.is_empty();
        let (needs, what, may_be_empty) = match node.class {
            Class::Manifest => (is_root, "a Canvas", false),
            Class::Collection => (is_root, "a Manifest or Collection", true),
            Class::Range => (true, "a Canvas, a Range or a SpecificResource", false),
            Class::Canvas => (false, "an AnnotationPage", true),
            Class::AnnotationPage => (is_root || node.property == "items", "an Annotation", true),
            _ => continue,
        };
        // A range within a range may be named alone.
        let needs = needs && !(node.class == Class::Range && node.property == "items");
        match node.get("items") {
            None if needs => {
                findings.error(
                    &*node.pointer,
                    format!("`items` of {} is missing", node.name()),
                    format!("give it {what}"),
                );
            }
            Some(Value::Array(items)) if items.is_empty() && !may_be_empty => {
                findings.error(
                    node.at("items"),
                    format!("`items` of {} is empty", node.name()),
                    format!("give it {what}"),
                );
            }
            _ => {}
        }
        if node.class == Class::Manifest && !is_root && node.get("items").is_some() {
            let message = format!("{} is embedded in a collection", node.name());
            findings.error(node.at("items"), message, "name it by `id`, `type` and `label`, and let clients fetch it");
        }
    }
}
