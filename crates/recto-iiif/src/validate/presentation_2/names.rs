//! Q1: every resource says what it is and where, and what people choose from has a label.

use serde_json::Value;

use super::super::recognise::contexts;
use super::{Class, Findings, Node, Rule, TWO, Tree, is_http, kind};

pub(super) const RULE: Rule = Rule {
    id: "Q1",
    title: "Every resource has `@type` and `@id`, the document its context, and what people choose from a label",
    section: "Presentation 2.1 §3.3",
    kinds: TWO,
    check,
};

const CONTEXT: &str = "http://iiif.io/api/presentation/2/context.json";
const OLD: &str = "http://www.shared-canvas.org/ns/context.json";

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    context(tree, findings);
    root(tree, findings);
    for node in &tree.nodes {
        if let Some(wanted) = wanted(node.class) {
            types(node, wanted, findings);
            ids(node, findings);
            label(tree, node, findings);
        }
    }
}

fn context(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let names = root.object().map(contexts).unwrap_or_default();
    if names.contains(&OLD) {
        let message = "`@context` is that of Presentation 1.0";
        findings.warning("/@context", message, format!("write `{CONTEXT}`, and what has changed in 2.0"));
    } else if !names.contains(&CONTEXT) {
        let fix = format!("write `\"@context\": \"{CONTEXT}\"`");
        findings.error(root.at("@context"), "`@context` is not that of Presentation 2", fix);
    }
    for node in tree.nodes.iter().skip(1).filter(|node| node.class != Class::Service) {
        if node.get("@context").is_some_and(|context| context == CONTEXT) {
            let message = "`@context` of Presentation 2 stands in an embedded resource";
            findings.warning(node.at("@context"), message, "leave it to the top of the document");
        }
    }
}

/// What the document is has to be something that is published by itself.
fn root(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = tree.nodes.first().filter(|root| root.class == Class::Content) else { return };
    let fix = "write `\"@type\": \"sc:Manifest\"` or another type of the specification";
    match root.get("@type") {
        None => findings.error("", "`@type` of the document is missing", fix),
        Some(Value::String(name)) if name.contains(':') && !name.starts_with("sc:") => {}
        Some(Value::Array(_)) => {}
        Some(other) => findings.error("/@type", format!("`@type` is {other}, which is unknown"), fix),
    }
}

/// The types that a class has; none for what is of no class of the specification.
fn wanted(class: Class) -> Option<&'static str> {
    Some(match class {
        Class::Collection => "sc:Collection",
        Class::Manifest => "sc:Manifest",
        Class::Sequence => "sc:Sequence",
        Class::Canvas => "sc:Canvas",
        Class::Range => "sc:Range",
        Class::AnnotationList => "sc:AnnotationList",
        Class::Layer => "sc:Layer",
        Class::Annotation => "oa:Annotation",
        Class::Choice => "oa:Choice",
        Class::SpecificResource => "oa:SpecificResource",
        _ => return None,
    })
}

fn types(node: &Node<'_>, wanted: &str, findings: &mut Findings) {
    let fix = format!("write `\"@type\": \"{wanted}\"`");
    match node.get("@type") {
        None if node.get("type").is_some() => {
            findings.error(node.at("type"), "`type` is of Presentation 3; clients of 2.x look at `@type`", fix);
        }
        None => findings.error(&*node.pointer, format!("`@type` of {} is missing", title(node)), fix),
        Some(Value::String(given)) if given == wanted => {}
        Some(Value::Array(given)) if given.iter().any(|given| given == wanted) => {}
        Some(given) => findings.error(node.at("@type"), format!("`@type` is {given} where `{wanted}` belongs"), fix),
    }
}

fn title(node: &Node<'_>) -> String {
    node.text("@id").map_or_else(|| format!("this {:?}", node.class), ToOwned::to_owned)
}

fn ids(node: &Node<'_>, findings: &mut Findings) {
    let is_needed = match node.class {
        Class::Annotation | Class::Choice | Class::SpecificResource => false,
        // The first sequence need not have one.
        Class::Sequence => !node.pointer.ends_with("/sequences/0") && node.parent.is_some(),
        // A layer that a list names is one by its URI; that of a search has none.
        Class::Layer => node.property != "within",
        _ => true,
    };
    match node.get("@id") {
        None if is_needed => {
            let given = if node.get("id").is_some() { "; `id` is of Presentation 3" } else { "" };
            let message = format!("`@id` of this {:?} is missing{given}", node.class);
            findings.error(&*node.pointer, message, "give it a URI of its own");
        }
        None => {}
        Some(Value::String(id)) if id.is_empty() && !is_needed => {}
        Some(Value::String(id)) if is_http(id) => fragment(node, id, findings),
        // An annotation should have a URI; of which kind is its own affair.
        Some(Value::String(id))
            if matches!(node.class, Class::Choice | Class::SpecificResource) && id.contains(':') => {}
        Some(Value::String(id)) => {
            let message = format!("`@id` of the {:?} is `{id}`, which is no http or https URI", node.class);
            findings.error(node.at("@id"), message, "write a whole URI, beginning with `https://`");
        }
        Some(other) => findings.error(node.at("@id"), format!("`@id` is {}", kind(other)), "write it as a string"),
    }
    if node.class == Class::Annotation && node.get("@id").is_none() {
        findings.warning(&*node.pointer, "`@id` of this annotation is missing", "give it a URI of its own");
    }
}

fn fragment(node: &Node<'_>, id: &str, findings: &mut Findings) {
    if node.class == Class::Canvas && node.property == "canvases" && id.contains('#') {
        let message = format!("`@id` of the canvas has a fragment: {id}");
        findings.warning(node.at("@id"), message, "a canvas is named by a URI without `#`");
    }
}

fn label(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    let is_needed = match node.class {
        Class::Collection | Class::Manifest | Class::Range => true,
        Class::Canvas => node.property != "members" || node.get("height").is_some(),
        Class::Layer => node.property != "within",
        Class::Sequence => {
            let manifest = tree.parent(node).and_then(|manifest| manifest.get("sequences")?.as_array());
            manifest.is_some_and(|sequences| sequences.len() > 1)
        }
        _ => false,
    };
    if is_needed && node.get("label").is_none() {
        let message = format!("`label` of {} is missing", title(node));
        findings.error(&*node.pointer, message, "write a text for people");
    }
}
