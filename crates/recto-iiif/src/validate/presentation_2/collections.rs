//! Q10: collections name their members, and hold none; pages link to each other.

use serde_json::Value;

use super::{Class, Findings, Node, Rule, TWO, Tree, is_http, kind};

pub(super) const RULE: Rule = Rule {
    id: "Q10",
    title: "Collections name collections and manifests by `@id`, `@type` and `label`, and pages link to each other",
    section: "Presentation 2.1 §5.8",
    kinds: TWO,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        if node.class == Class::Collection {
            lists(node, findings);
            pages(node, findings);
        }
        if node.class == Class::Manifest && !node.property.is_empty() && node.get("sequences").is_some() {
            let message = "`sequences` of a manifest stands in a collection";
            findings.error(node.at("sequences"), message, "name the manifest by `@id`, `@type` and `label`");
        }
        if matches!(node.class, Class::Layer | Class::AnnotationList) && node.parent.is_none() {
            pages(node, findings);
        }
    }
}

fn lists(node: &Node<'_>, findings: &mut Findings) {
    for property in ["collections", "manifests", "members"] {
        let Some(value) = node.get(property) else { continue };
        let Some(list) = value.as_array() else {
            let message = format!("`{property}` is {} and not an array", kind(value));
            findings.error(node.at(property), message, "put its value into `[` and `]`");
            continue;
        };
        for (index, item) in list.iter().enumerate() {
            let is_link = item.as_str().is_some_and(is_http) && property != "members";
            if !item.is_object() && !is_link {
                let message = format!("`{property}` has {} where an object belongs", kind(item));
                findings.error(
                    format!("{}/{index}", node.at(property)),
                    message,
                    "write an object with `@id`, `@type` and `label`",
                );
            } else if is_link {
                let message = format!("`{property}` has a URI alone, so clients have no `label` for it");
                findings.warning(
                    format!("{}/{index}", node.at(property)),
                    message,
                    "write an object with `@id`, `@type` and `label`",
                );
            }
        }
    }
    let has_lists = ["collections", "manifests", "members"].iter().any(|property| node.get(property).is_some());
    if node.get("first").is_some() && has_lists {
        let message = "`first` stands beside a list of members";
        findings.error(node.at("first"), message, "put the members on the pages");
    }
}

fn pages(node: &Node<'_>, findings: &mut Findings) {
    for property in ["first", "last", "next", "prev"] {
        let Some(value) = node.get(property) else { continue };
        let id = value.as_str().or_else(|| value.get("@id").and_then(Value::as_str));
        if !id.is_some_and(is_http) {
            let message = format!("`{property}` names no page");
            findings.error(node.at(property), message, "write the page's URI");
        }
    }
}
