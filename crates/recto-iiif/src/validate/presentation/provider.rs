//! P15: a provider is an Agent with a name.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P15",
    title: "A provider is an Agent with a name",
    section: "Presentation 3.0 §3.1 provider",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Agent).filter(|node| node.property == "provider") {
        if node.get("label").is_none() {
            let message = format!("`label` of the provider {} is missing", node.name());
            findings.error(&*node.pointer, message, "name the institution");
        }
    }
    for node in tree.of_class(Class::Content).filter(|node| node.property == "logo") {
        if node.kind() != Some("Image") {
            findings.error(node.at("type"), "`logo` is no image", "write `\"type\": \"Image\"`");
        }
    }
}
