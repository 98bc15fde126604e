//! Presentation 2.x: manifests, collections, annotation lists and what else is published by itself. One file a rule.

mod collections;
mod content_lists;
mod links;
mod names;
mod places;
mod ranges;
mod sequences;
mod texts;

use super::{Class, DocumentKind, Findings, Node, Rule, Tree, is_http, kind};

const TWO: &[DocumentKind] = &[DocumentKind::Presentation2];

/// The rules of Presentation 2.x.
pub(super) const RULES: &[Rule] = &[
    names::RULE,
    sequences::RULE,
    content_lists::RULE,
    ranges::RULE,
    texts::RULE,
    places::RULE,
    links::RULE,
    collections::RULE,
];

/// `@id` of a node.
fn id<'d>(node: &Node<'d>) -> Option<&'d str> {
    node.text("@id")
}

/// The URI that a value names: itself, or its `@id`.
fn named(value: &serde_json::Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("@id")?.as_str())
}

/// A URI without its fragment.
fn bare(uri: &str) -> &str {
    uri.split('#').next().unwrap_or(uri)
}
