//! P24: ranges lead to canvases and ranges of this manifest, and not in circles.

use std::collections::{HashMap, HashSet};

use super::super::circles::leads_back;
use super::{Class, Findings, Node, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P24",
    title: "Ranges lead to canvases and ranges of this manifest, and not in circles",
    section: "Presentation 3.0 §5.4",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let is_manifest = tree.nodes.first().is_some_and(|root| root.class == Class::Manifest);
    let own: HashSet<&str> = tree
        .of_class(Class::Canvas)
        .filter(|node| tree.parent(node).is_some_and(|parent| parent.class == Class::Manifest))
        .filter_map(|node| node.text("id"))
        .collect();
    let ranges: HashMap<&str, &Node<'_>> = tree
        .of_class(Class::Range)
        .filter(|node| node.get("items").is_some())
        .filter_map(|node| Some((node.text("id")?, node)))
        .collect();
    for node in &tree.nodes {
        if !is_manifest
            || !tree.parent(node).is_some_and(|parent| parent.class == Class::Range)
            || node.property != "items"
        {
            continue;
        }
        let source = node.get("source").and_then(|source| source.as_str().or_else(|| source.get("id")?.as_str()));
        let (named, at) = match node.class {
            Class::SpecificResource => (source, node.at("source")),
            _ => (node.text("id"), node.at("id")),
        };
        let Some(named) = named else { continue };
        let bare = named.split('#').next().unwrap_or(named);
        let is_there = if node.class == Class::Range { ranges.contains_key(named) } else { own.contains(bare) };
        if !is_there {
            let what = if node.class == Class::Range { "range" } else { "canvas" };
            findings.error(
                at,
                format!("`items` of a range names {named}, no {what} of this manifest"),
                "name one that is in it",
            );
        }
    }
    circles(tree, &ranges, findings);
}

/// Follows ranges that are named elsewhere than where they stand.
fn circles(tree: &Tree<'_>, ranges: &HashMap<&str, &Node<'_>>, findings: &mut Findings) {
    let mut next: HashMap<&str, Vec<&str>> = HashMap::new();
    for node in tree.of_class(Class::Range) {
        let parent =
            tree.parent(node).filter(|parent| parent.class == Class::Range).and_then(|parent| parent.text("id"));
        if let (Some(parent), Some(id)) = (parent, node.text("id")) {
            next.entry(parent).or_default().push(id);
        }
    }
    if let Some(name) = leads_back(&next) {
        let at = ranges.get(name).map_or_else(String::new, |node| node.pointer.clone());
        findings.error(at, format!("the range {name} leads back to itself"), "take it out of its own `items`");
    }
}
