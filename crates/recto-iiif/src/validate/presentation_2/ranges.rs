//! Q4: ranges are a flat list that name each other and canvases by URIs, and all of these are there.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::super::circles::leads_back;
use super::{Class, Findings, Node, Rule, TWO, Tree, bare, id, kind, named};

pub(super) const RULE: Rule = Rule {
    id: "Q4",
    title: "Ranges are a flat list; they name ranges and canvases of the manifest by URIs, and not in circles",
    section: "Presentation 2.1 §5.6",
    kinds: TWO,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = tree.nodes.first() else { return };
    if let Some(other) = root.get("structures").filter(|value| root.class == Class::Manifest && !value.is_array()) {
        let message = format!("`structures` is {} and not an array", kind(other));
        findings.error(root.at("structures"), message, "put its value into `[` and `]`");
    }
    let canvases: HashSet<&str> =
        tree.of_class(Class::Canvas).filter(|node| node.property == "canvases").filter_map(id).map(bare).collect();
    let ranges: HashMap<&str, &Node<'_>> = tree
        .of_class(Class::Range)
        .filter(|node| node.property == "structures")
        .filter_map(|node| Some((id(node)?, node)))
        .collect();
    let is_manifest = root.class == Class::Manifest && !canvases.is_empty();
    let mut tops = 0;
    for node in tree.of_class(Class::Range).filter(|node| node.property != "members") {
        if node.text("viewingHint") == Some("top") {
            tops += 1;
            if tops > 1 {
                let message = "`viewingHint` `top` stands on more than one range";
                findings.warning(node.at("viewingHint"), message, "keep it for the range that leads to all others");
            }
        }
        for property in ["ranges", "canvases", "members"] {
            children(node, property, is_manifest.then_some((&canvases, &ranges)), findings);
        }
        start(node, findings);
    }
    circles(&ranges, findings);
}

type Known<'k, 'd> = (&'k HashSet<&'d str>, &'k HashMap<&'d str, &'k Node<'d>>);

fn children(node: &Node<'_>, property: &str, known: Option<Known<'_, '_>>, findings: &mut Findings) {
    let Some(value) = node.get(property) else { return };
    let Some(list) = value.as_array() else {
        let message = format!("`{property}` is {} and not an array", kind(value));
        return findings.error(node.at(property), message, "put its value into `[` and `]`");
    };
    for (index, item) in list.iter().enumerate() {
        let at = format!("{}/{index}", node.at(property));
        if property == "members" {
            if !item.is_object() {
                let message = format!("`members` has {} where an object belongs", kind(item));
                findings.error(at, message, "write an object with `@id`, `@type` and `label`");
                continue;
            }
            if item.get("label").is_none() {
                findings.error(&*at, "`label` of the member is missing", "write its `label` here too");
            }
        } else if item.is_object() {
            let message = format!("`{property}` has an object where a URI belongs");
            findings.error(&*at, message, "write the URI as a string, and describe ranges in `structures`");
        }
        let Some(uri) = named(item) else {
            if !item.is_object() {
                findings.error(
                    at,
                    format!("`{property}` has {} where a URI belongs", kind(item)),
                    "write the URI as a string",
                );
            }
            continue;
        };
        let Some((canvases, ranges)) = known else { continue };
        let is_range = property == "ranges" || item.get("@type").is_some_and(|name| name == "sc:Range");
        let is_there = if is_range { ranges.contains_key(uri) } else { canvases.contains(bare(uri)) };
        if !is_there {
            let what = if is_range { "range" } else { "canvas" };
            let message = format!("`{property}` names {uri}, no {what} of this manifest");
            findings.error(at, message, "name one that is in it");
        }
    }
}

/// `startCanvas` is one of the range's canvases, where it lists any.
fn start(node: &Node<'_>, findings: &mut Findings) {
    let Some(start) = node.get("startCanvas").and_then(named) else { return };
    let listed: Vec<&str> = ["canvases", "members"]
        .iter()
        .filter_map(|property| node.get(property)?.as_array())
        .flatten()
        .filter_map(named)
        .collect();
    if !listed.is_empty() && !listed.iter().any(|uri| bare(uri) == bare(start)) {
        let message = format!("`startCanvas` is {start}, no canvas of this range");
        findings.error(node.at("startCanvas"), message, "name one of its canvases");
    }
}

/// The ranges that a range names.
fn followers<'d>(node: &Node<'d>) -> Vec<&'d str> {
    let list = |property: &str| node.get(property).and_then(Value::as_array).into_iter().flatten();
    let members = list("members").filter(|item| item.get("@type").is_some_and(|name| name == "sc:Range"));
    list("ranges").chain(members).filter_map(named).collect()
}

fn circles(ranges: &HashMap<&str, &Node<'_>>, findings: &mut Findings) {
    let next: HashMap<&str, Vec<&str>> = ranges.iter().map(|(name, node)| (*name, followers(node))).collect();
    if let Some(name) = leads_back(&next) {
        let at = ranges.get(name).map_or_else(String::new, |node| node.pointer.clone());
        findings.error(
            at,
            format!("the range {name} leads back to itself by `ranges`"),
            "take it out of its own ranges",
        );
    }
}
