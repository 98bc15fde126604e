//! Q3: lists of annotations are named and not embedded, and hold whole annotations that paint no images.

use super::{Class, Findings, Node, Rule, TWO, Tree, kind};

pub(super) const RULE: Rule = Rule {
    id: "Q3",
    title: "`otherContent` names lists of annotations, which hold whole annotations and no images that are painted",
    section: "Presentation 2.1 §5.5",
    kinds: TWO,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        match node.class {
            Class::Canvas => lists(node, findings),
            Class::AnnotationList => list(node, findings),
            Class::Annotation if node.property == "resources" || node.parent.is_none() => {
                annotation(tree, node, findings);
            }
            _ => {}
        }
    }
}

fn lists(node: &Node<'_>, findings: &mut Findings) {
    for (index, item) in node.get("otherContent").and_then(|list| list.as_array()).into_iter().flatten().enumerate() {
        if !item.is_object() && !item.as_str().is_some_and(super::is_http) {
            let message = format!("`otherContent` has {} where a list belongs", kind(item));
            findings.error(
                format!("{}/{index}", node.at("otherContent")),
                message,
                "write an object with `@id` and `@type`",
            );
        }
    }
}

fn list(node: &Node<'_>, findings: &mut Findings) {
    if node.property == "otherContent" && node.get("resources").is_some() {
        let message = "`resources` of a list stands in the manifest";
        findings.error(
            node.at("resources"),
            message,
            "publish the list at its `@id`, and name it by `@id` and `@type`",
        );
    }
    if let Some(other) = node.get("resources").filter(|value| !value.is_array()) {
        let message = format!("`resources` is {} and not an array", kind(other));
        findings.error(node.at("resources"), message, "put its value into `[` and `]`");
    }
    for (index, item) in node.get("resources").and_then(|list| list.as_array()).into_iter().flatten().enumerate() {
        if !item.is_object() && !item.as_str().is_some_and(super::is_http) {
            let message = format!("`resources` has {} where an annotation belongs", kind(item));
            findings.error(format!("{}/{index}", node.at("resources")), message, "embed the whole annotation");
        }
    }
    if node.parent.is_none() && node.get("resources").is_none() {
        findings.warning(&*node.pointer, "`resources` of the list is missing", "list the annotations");
    }
}

fn annotation(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    for property in ["motivation", "resource", "on"] {
        if node.get(property).is_none() {
            let message = format!("`{property}` of the annotation is missing");
            findings.error(&*node.pointer, message, "write what the annotation does, what it says and about what");
        }
    }
    for property in ["resource", "on"] {
        let Some(value) = node.get(property) else { continue };
        let names = value.as_str().is_some_and(|uri| uri.contains(':'));
        if !value.is_object() && !value.is_array() && !names {
            let message = format!("`{property}` of the annotation is {}", kind(value));
            findings.error(node.at(property), message, "write an object, or a URI");
        }
    }
    let paints = node.text("motivation") == Some("sc:painting");
    let is_image =
        tree.children(node).any(|child| child.property == "resource" && child.text("@type") == Some("dctypes:Image"));
    if paints && is_image && node.parent.is_some() {
        let message = "`motivation` of an image in a list is `sc:painting`";
        findings.error(node.at("motivation"), message, "put images into `images` of the canvas");
    }
}
