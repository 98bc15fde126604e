//! P8: what people choose from has a name.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P8",
    title: "What people choose from has a name",
    section: "Presentation 3.0 §3.1 label",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        // A page of a collection is none of the things that people choose from.
        if node.get("label").is_some() || node.kind() == Some("CollectionPage") {
            continue;
        }
        let fix = "write `\"label\": {\"en\": [\"…\"]}`";
        match node.class {
            Class::Manifest | Class::Collection if matches!(node.property, "" | "items") => {
                findings.error(&*node.pointer, format!("`label` of {} is missing", node.name()), fix);
            }
            Class::Range if !node.is_reference() => {
                findings.warning(
                    &*node.pointer,
                    format!("`label` of {} is missing, so viewers leave it out", node.name()),
                    fix,
                );
            }
            Class::Canvas if node.property == "items" && !node.is_reference() => {
                findings.warning(&*node.pointer, format!("`label` of {} is missing", node.name()), fix);
            }
            _ => {}
        }
    }
}
