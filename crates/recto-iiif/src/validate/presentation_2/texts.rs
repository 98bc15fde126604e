//! Q7: texts are strings, or objects with `@value`, and HTML stands only where it may.

use serde_json::Value;

use super::super::presentation::{Wrong, wrong_html};
use super::{Class, Findings, Node, Rule, TWO, Tree, kind};

pub(super) const RULE: Rule = Rule {
    id: "Q7",
    title: "Texts are strings or objects with `@value`, and HTML stands in descriptions, attributions and metadata only",
    section: "Presentation 2.1 §4.3",
    kinds: TWO,
    check,
};

const FIX: &str = "write a string, or `{\"@value\": \"…\", \"@language\": \"en\"}`";

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.nodes.iter().filter(|node| node.class != Class::Service) {
        for property in ["label", "description", "attribution"] {
            if let Some(value) = node.get(property) {
                texts(value, &node.at(property), property, property != "label", findings);
            }
        }
        metadata(node, findings);
    }
}

fn metadata(node: &Node<'_>, findings: &mut Findings) {
    let Some(value) = node.get("metadata") else { return };
    let Some(pairs) = value.as_array() else {
        let message = format!("`metadata` is {} and not an array", kind(value));
        return findings.error(node.at("metadata"), message, "write a list of pairs with `label` and `value`");
    };
    for (index, pair) in pairs.iter().enumerate() {
        let at = format!("{}/{index}", node.at("metadata"));
        for part in ["label", "value"] {
            match pair.get(part) {
                Some(value) => texts(value, &format!("{at}/{part}"), part, true, findings),
                None => findings.error(
                    &*at,
                    format!("`{part}` of this pair of `metadata` is missing"),
                    "give both `label` and `value`",
                ),
            }
        }
    }
}

fn texts(value: &Value, at: &str, property: &str, may_be_html: bool, findings: &mut Findings) {
    match value {
        Value::Array(values) if values.is_empty() && property == "label" => {
            findings.error(at, "`label` is an empty list", "write a text for people");
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                let at = format!("{at}/{index}");
                if value.is_array() {
                    findings.error(at, format!("`{property}` has a list within a list"), FIX);
                } else {
                    texts(value, &at, property, may_be_html, findings);
                }
            }
        }
        Value::String(text) => html(text, at, property, may_be_html, findings),
        Value::Object(object) if object.get("@language").is_some_and(|language| !language.is_string()) => {
            findings.error(format!("{at}/@language"), format!("`@language` of `{property}` is no string"), FIX);
        }
        Value::Object(object) => match object.get("@value") {
            Some(Value::String(text)) => html(text, &format!("{at}/@value"), property, may_be_html, findings),
            // Numbers are values of JSON-LD too.
            Some(Value::Number(_) | Value::Bool(_)) => {}
            Some(other) => {
                findings.error(format!("{at}/@value"), format!("`@value` of `{property}` is {}", kind(other)), FIX);
            }
            None => findings.error(at, format!("`@value` of this `{property}` is missing"), FIX),
        },
        Value::Null => findings.error(at, format!("`{property}` is null"), FIX),
        // Values of metadata may be numbers of JSON-LD, which people read as well.
        Value::Number(_) | Value::Bool(_) if property == "value" => {
            findings.warning(at, format!("`{property}` is {value} and not a string"), "write it in quotes");
        }
        Value::Number(_) | Value::Bool(_) => {
            findings.error(at, format!("`{property}` is {value} and not a string"), "write it in quotes");
        }
    }
}

/// Elements whose scripts and forms clients have to remove.
const DANGEROUS: [&str; 5] = ["script", "style", "object", "form", "input"];

fn html(text: &str, at: &str, property: &str, may_be_html: bool, findings: &mut Findings) {
    if !(text.len() > 1 && text.starts_with('<') && text.ends_with('>')) {
        return;
    }
    if !may_be_html {
        return findings.error(at, format!("`{property}` has HTML"), "write plain text");
    }
    if text.contains("<!--") || text.contains("<?") || text.contains("<![CDATA[") {
        let message = format!("`{property}` has a comment or an instruction, which clients remove");
        return findings.error(at, message, "take it away");
    }
    if let Some(attribute) = removed(text) {
        let message = format!("`{property}` has HTML with {attribute}, which clients remove");
        let fix = "keep to `href` of a, `src` and `alt` of img";
        // Many link in metadata with more than `href`, and lose only that.
        return if property == "value" { findings.warning(at, message, fix) } else { findings.error(at, message, fix) };
    }
    match wrong_html(text) {
        Some(Wrong::NotWellFormed(what)) => {
            let message = format!("`{property}` is HTML that is not well-formed: {what}");
            findings.error(at, message, "close every element, and quote every attribute");
        }
        Some(Wrong::Element(element)) if DANGEROUS.contains(&element.as_str()) => {
            findings.error(at, format!("`{property}` has `<{element}>`, which clients remove"), "take it away");
        }
        Some(Wrong::Element(element)) => {
            findings.warning(
                at,
                format!("`{property}` has `<{element}>`, which clients remove"),
                "keep to a, b, br, i, img, p, span",
            );
        }
        None => {}
    }
}

/// An attribute that clients have to remove: all but `href` of a, `src` and `alt` of img.
fn removed(text: &str) -> Option<String> {
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or(tag).trim_end_matches('/');
        let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let allowed: &[&str] = match name.to_ascii_lowercase().as_str() {
            "a" => &["href"],
            "img" => &["src", "alt"],
            _ => &[],
        };
        loop {
            rest = rest.trim_start();
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let (attribute, after) = rest.split_at(end);
            if attribute.is_empty() {
                break;
            }
            if !allowed.contains(&attribute.to_ascii_lowercase().as_str()) {
                return Some(format!("`{attribute}` of `<{name}>`"));
            }
            rest = after_value(after);
        }
    }
    None
}

/// What comes after `= "value"`, where there is one.
fn after_value(text: &str) -> &str {
    let Some(value) = text.trim_start().strip_prefix('=') else { return text };
    let value = value.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let end = match quote {
        Some(quote) => value[1..].find(quote).map(|at| at + 2),
        None => value.find(char::is_whitespace),
    };
    value.get(end.unwrap_or(value.len())..).unwrap_or_default()
}
