//! P16: what is linked has a name where people are to choose it.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P16",
    title: "What is linked has a name where people are to choose it",
    section: "Presentation 3.0 §3.3.1 homepage, rendering, seeAlso",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Content) {
        let property = node.property;
        if !matches!(property, "homepage" | "rendering" | "seeAlso") {
            continue;
        }
        if property != "seeAlso" && node.get("label").is_none() {
            let message = format!("`label` of this `{property}` is missing");
            findings.error(&*node.pointer, message, "say what people find there");
        }
        if node.get("format").is_none() {
            let message = format!("`format` of this `{property}` is missing");
            findings.warning(&*node.pointer, message, "say its media type");
        }
    }
}
