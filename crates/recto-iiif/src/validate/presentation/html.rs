//! P7: only some texts may have HTML, and only some of HTML.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P7",
    title: "Only some texts may have HTML, and only some of HTML",
    section: "Presentation 3.0 §4.5",
    kinds: THREE_AND_FOUR,
    check,
};

/// Elements that clients keep.
const KEPT: &[&str] = &["a", "b", "br", "i", "img", "p", "small", "span", "sub", "sup"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.nodes.iter().filter(|node| !matches!(node.class, Class::Service | Class::TextualBody)) {
        if let Some(summary) = node.get("summary") {
            texts(summary, &node.at("summary"), "summary", findings);
        }
        let pairs = node.get("metadata").and_then(Value::as_array).into_iter().flatten().enumerate();
        let pairs = pairs.map(|(index, pair)| (format!("{}/{index}", node.at("metadata")), pair));
        let statement = node.get("requiredStatement").map(|pair| (node.at("requiredStatement"), pair));
        for (pointer, pair) in pairs.chain(statement) {
            if let Some(value) = pair.get("value") {
                texts(value, &format!("{pointer}/value"), "value", findings);
            }
        }
    }
}

fn texts(map: &Value, pointer: &str, property: &str, findings: &mut Findings) {
    for (language, texts) in map.as_object().into_iter().flatten() {
        for (index, text) in texts.as_array().into_iter().flatten().enumerate() {
            let Some(text) = text.as_str().map(str::trim) else { continue };
            if !(text.starts_with('<') && text.ends_with('>')) {
                continue;
            }
            let at = format!("{pointer}/{language}/{index}");
            match wrong(text) {
                Some(Wrong::NotWellFormed(what)) => findings.error(
                    at,
                    format!("`{property}` is HTML that is not well-formed: {what}"),
                    "close every element, and quote every attribute",
                ),
                Some(Wrong::Element(element)) => findings.warning(
                    at,
                    format!("`{property}` has `<{element}>`, which clients remove"),
                    format!("keep to {}", KEPT.join(", ")),
                ),
                None => {}
            }
        }
    }
}

pub(in crate::validate) enum Wrong {
    NotWellFormed(String),
    Element(String),
}

/// Looks at elements and whether they are closed; what attributes say is left to clients.
pub(in crate::validate) fn wrong(text: &str) -> Option<Wrong> {
    let mut open: Vec<&str> = Vec::new();
    let mut removed = None;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>').map(|end| start + end) else {
            return Some(Wrong::NotWellFormed("`<` without `>`".to_owned()));
        };
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with(['!', '?']) {
            continue;
        }
        let (closing, bare) = (tag.starts_with('/'), tag.trim_start_matches('/'));
        let name = bare.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        if name.is_empty() {
            return Some(Wrong::NotWellFormed("`<` stands for itself; write `&lt;`".to_owned()));
        }
        if closing {
            match open.pop() {
                Some(last) if last == name => {}
                Some(last) => return Some(Wrong::NotWellFormed(format!("`</{name}>` closes `<{last}>`"))),
                None => return Some(Wrong::NotWellFormed(format!("`</{name}>` closes nothing"))),
            }
            continue;
        }
        if !KEPT.contains(&name) && removed.is_none() {
            removed = Some(name.to_owned());
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    match open.pop() {
        Some(last) => Some(Wrong::NotWellFormed(format!("`<{last}>` is not closed"))),
        None => removed.map(Wrong::Element),
    }
}
