//! P3: canvases, pages of annotations and annotations have ids of their own; those of canvases are without a fragment.

use std::collections::HashMap;

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P3",
    title: "Canvases, pages of annotations and annotations have ids of their own; those of canvases are without a fragment",
    section: "Presentation 3.0 §3.2 id",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for node in &tree.nodes {
        let counts = matches!(node.class, Class::Canvas | Class::AnnotationPage | Class::Annotation | Class::Range);
        let Some(id) = node.text("id").filter(|_| counts && !node.is_reference()) else { continue };
        if node.class == Class::Canvas && id.contains('#') {
            findings.error(
                node.at("id"),
                format!("`id` of the canvas has a fragment: {id}"),
                "a canvas is named by a URI without `#`",
            );
        }
        if let Some(first) = seen.insert(id, &node.pointer) {
            findings.error(
                node.at("id"),
                format!("`id` {id} is already that of {first}"),
                "give each resource an id of its own",
            );
        }
    }
}
