//! P23: an annotation that paints has something to paint, and says where that itself is, not only its service.

use super::{Class, Findings, Rule, THREE, Tree, is_http};

pub(super) const RULE: Rule = Rule {
    id: "P23",
    title: "An annotation that paints has something to paint, and says where that itself is, not only its service",
    section: "Presentation 3.0 §5.7",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Annotation) {
        if node.text("motivation") == Some("painting") && node.get("body").is_none() {
            findings.error(&*node.pointer, format!("`body` of {} is missing", node.name()), "say what is painted");
        }
    }
    for node in tree.of_class(Class::Content) {
        let in_annotation = tree.above(node).any(|above| above.class == Class::Annotation);
        if !in_annotation || node.kind() != Some("Image") {
            continue;
        }
        let Some(id) = node.text("id") else { continue };
        let service = tree.children(node).find(|child| child.class == Class::Service);
        let address = service.and_then(|service| service.text("id").or_else(|| service.text("@id")));
        if is_http(id) && address.is_some_and(|address| address.trim_end_matches('/') == id.trim_end_matches('/')) {
            let fix = format!("write a picture of it, as {}/full/max/0/default.jpg", id.trim_end_matches('/'));
            findings.error(node.at("id"), format!("`id` of the image is that of its service: {id}"), fix);
        }
    }
}
