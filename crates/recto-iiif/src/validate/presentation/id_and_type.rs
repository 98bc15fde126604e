//! P2: every resource has an `id` that is a URI, and a `type`.

use serde_json::Value;

use super::{Class, DocumentKind, Findings, Node, Rule, THREE_AND_FOUR, Tree, is_http, kind};

pub(super) const RULE: Rule = Rule {
    id: "P2",
    title: "Every resource has an `id` that is a URI, and a `type`",
    section: "Presentation 3.0 §3.2 id, type",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        // Services of older versions and parts of resources have rules of their own.
        if matches!(node.class, Class::Service | Class::SpecificResource | Class::TextualBody | Class::Choice) {
            continue;
        }
        id(node, findings);
        type_of(tree, node, findings);
    }
}

fn id(node: &Node<'_>, findings: &mut Findings) {
    let name = node.kind().unwrap_or(node.property);
    match node.get("id") {
        None => findings.error(&*node.pointer, format!("`id` of this {name} is missing"), "give it a URI of its own"),
        Some(Value::String(id)) if is_http(id) => {
            let is_document = matches!(node.class, Class::Manifest | Class::Collection);
            if is_document && id.contains(['#', '?']) {
                findings.warning(
                    node.at("id"),
                    format!("`id` of the {name} has a query or a fragment: {id}"),
                    "give it a plain URI",
                );
            }
        }
        Some(Value::String(id)) => {
            // Annotations and their pages may be named in other ways; all that is fetched may not.
            let is_open = matches!(node.class, Class::Annotation | Class::AnnotationCollection);
            if !is_open || !id.contains(':') {
                findings.error(
                    node.at("id"),
                    format!("`id` of the {name} is `{id}`, which is no http or https URI"),
                    "write a whole URI, beginning with `https://`",
                );
            }
        }
        Some(other) => {
            findings.error(node.at("id"), format!("`id` is {}", kind(other)), "write it as a string");
        }
    }
}

fn type_of(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    let wanted: &[&str] = match (node.class, node.property) {
        (_, "items") if tree.parent(node).is_some_and(|parent| parent.class == Class::Collection) => {
            &["Manifest", "Collection"]
        }
        (Class::Manifest | Class::Collection, _) if tree.kind == DocumentKind::Presentation4 => &[],
        (Class::Manifest | Class::Collection, _) => &["Manifest", "Collection"],
        (Class::Canvas, "items") if tree.parent(node).is_some_and(|parent| parent.class == Class::Range) => {
            &["Canvas", "Range", "SpecificResource"]
        }
        (Class::Canvas, _) if tree.kind == DocumentKind::Presentation4 => &[],
        (Class::Canvas, _) => &["Canvas"],
        (Class::Range, _) => &["Range"],
        (Class::AnnotationPage, _) => &["AnnotationPage"],
        (Class::Annotation, _) => &["Annotation"],
        (Class::Agent, _) => &["Agent"],
        _ => &[],
    };
    let list = wanted.join("`, `");
    match node.get("type") {
        None => {
            let fix = if wanted.is_empty() {
                "say what it is".to_owned()
            } else {
                format!("write `\"type\": \"{}\"`", wanted[0])
            };
            findings.error(&*node.pointer, format!("`type` of {} is missing", node.name()), fix);
        }
        Some(Value::String(given)) if wanted.is_empty() || wanted.contains(&given.as_str()) => {}
        Some(Value::String(given)) => findings.error(
            node.at("type"),
            format!("`type` is `{given}` where `{list}` belongs"),
            format!("write `{list}`; capital letters count"),
        ),
        Some(other) => findings.error(node.at("type"), format!("`type` is {}", kind(other)), "write it as a string"),
    }
}
