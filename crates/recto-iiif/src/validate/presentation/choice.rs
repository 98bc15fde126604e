//! P25: who is to choose sees what from.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P25",
    title: "Who is to choose sees what from",
    section: "Presentation 3.0 §5.7, Choice",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Choice) {
        let items = node.get("items").and_then(Value::as_array);
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            findings.error(
                &*node.pointer,
                "`items` of a Choice is missing or empty",
                "give it the bodies to choose from",
            );
            continue;
        };
        if items.len() < 2 {
            continue;
        }
        for (index, _) in items.iter().enumerate().filter(|(_, item)| item.is_object() && item.get("label").is_none()) {
            let message = "`label` of a body to choose is missing";
            findings.warning(format!("{}/{index}", node.at("items")), message, "say what it is");
        }
    }
}
