//! P17: canvases that stand in for others, or beside them, have none themselves.

use super::{Class, Findings, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P17",
    title: "Canvases that stand in for others, or beside them, have none themselves",
    section: "Presentation 3.0 §3.1 placeholderCanvas, accompanyingCanvas",
    kinds: THREE,
    check,
};

const BOTH: [&str; 2] = ["placeholderCanvas", "accompanyingCanvas"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        for property in BOTH.into_iter().filter(|property| node.get(property).is_some()) {
            if !matches!(node.class, Class::Collection | Class::Manifest | Class::Canvas | Class::Range) {
                let message = format!("`{property}` has no place in a {:?}", node.class);
                findings.error(node.at(property), message, "take it away");
            }
            if BOTH.contains(&node.property) {
                let message = format!("`{property}` stands in a `{}`", node.property);
                findings.error(node.at(property), message, "leave it to the outer canvas");
            }
        }
    }
}
