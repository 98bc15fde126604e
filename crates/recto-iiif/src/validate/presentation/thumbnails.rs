//! P14: a thumbnail says how large it is, so that clients need not fetch it to know.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P14",
    title: "A thumbnail says how large it is, so that clients need not fetch it to know",
    section: "Presentation 3.0 §3.1 thumbnail",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Content).filter(|node| node.property == "thumbnail") {
        let has_size = node.get("height").is_some() && node.get("width").is_some();
        if !has_size && node.get("service").is_none() && node.kind() == Some("Image") {
            let message = "`thumbnail` has neither `height` and `width` nor an image service";
            findings.warning(&*node.pointer, message, "say how large it is");
        }
    }
}
