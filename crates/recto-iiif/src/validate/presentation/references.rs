//! P5: what is named and not held says what it is, alike wherever it is named, and is that when it is fetched.

use std::collections::HashMap;

use serde_json::Value;

use super::super::{Finding, step};
use super::{Class, DocumentKind, Findings, Node, Rule, THREE_AND_FOUR, Tree, is_http, kind};
use crate::validate::recognise;

pub(super) const RULE: Rule = Rule {
    id: "P5",
    title: "What is named and not held says what it is, alike wherever it is named, and is that when it is fetched",
    section: "Presentation 3.0 §4.2",
    kinds: THREE_AND_FOUR,
    check,
};

/// A resource that a document names and does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where it is named, as a JSON pointer.
    pub pointer: String,
    /// Its `id`, which is where it can be fetched.
    pub id: String,
    /// The `type` that the document says.
    pub kind: String,
}

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let mut said: HashMap<&str, (&str, &str)> = HashMap::new();
    for node in &tree.nodes {
        let (Some(id), Some(given)) = (node.text("id"), node.text("type")) else { continue };
        // One file may be a text to some and data to others; resources of the specification are one thing.
        if matches!(node.class, Class::Service | Class::Agent | Class::Content) {
            continue;
        }
        match said.get(id) {
            Some((first, at)) if *first != given => {
                let message = format!("`type` of {id} is `{given}` here and `{first}` at {at}");
                findings.error(node.at("type"), message, "say the same of one resource wherever it is named");
            }
            Some(_) => {}
            None => drop(said.insert(id, (given, &node.pointer))),
        }
    }
}

/// The manifests, collections and pages of annotations that a document names and does not hold, each where it is named first.
pub fn references(document: &Value) -> Vec<Reference> {
    let kind = recognise(document);
    if !matches!(kind, DocumentKind::Presentation3 | DocumentKind::Presentation4) {
        return Vec::new();
    }
    let tree = Tree::of(document, kind);
    let mut seen = std::collections::HashSet::new();
    let reference = |node: &Node<'_>| {
        let (id, kind) = (node.text("id")?, node.text("type")?);
        let is_one = matches!(node.class, Class::Manifest | Class::Collection | Class::AnnotationPage)
            && node.is_reference()
            || node.property == "partOf" && matches!(kind, "Manifest" | "Collection" | "AnnotationCollection");
        let is_new = is_one && is_http(id) && seen.insert(id.to_owned());
        is_new.then(|| Reference { pointer: node.pointer.clone(), id: id.to_owned(), kind: kind.to_owned() })
    };
    tree.nodes.iter().filter_map(reference).collect()
}

/// What is found when a reference is held against what its `id` answered.
pub fn check_reference(reference: &Reference, answer: Result<&Value, &str>) -> Vec<Finding> {
    let mut findings = Findings::of(&RULE);
    let at = |property: &str| format!("{}/{}", reference.pointer, step(property));
    match answer {
        Err(reason) => {
            let message = format!("`id` is {}, which cannot be fetched: {reason}", reference.id);
            findings.error(at("id"), message, "publish it there, or name where it is");
        }
        Ok(document) if !document.is_object() => {
            let message = format!("`id` is {}, which answers {} and no resource", reference.id, kind(document));
            findings.error(at("id"), message, "publish the resource there");
        }
        Ok(document) => {
            let text = |property: &str| document.get(property).and_then(Value::as_str);
            if text("type").is_none() && text("@type").is_some() {
                let message = format!("`id` is {}, which answers a document of Presentation 2", reference.id);
                findings.error(at("id"), message, "name the document of the version that this one has");
                return findings.finish();
            }
            if text("id") != Some(&reference.id) {
                let given = text("id").unwrap_or("missing");
                let message = format!("`id` is {}, and `id` of what is there is {given}", reference.id);
                findings.error(at("id"), message, "give both the same `id`");
            }
            if text("type") != Some(&reference.kind) {
                let given = text("type").unwrap_or("missing");
                let message = format!("`type` is {}, and `type` of what is there is {given}", reference.kind);
                findings.error(at("type"), message, "say what it is");
            }
        }
    }
    findings.finish()
}
