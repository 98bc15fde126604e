//! P6: texts for people are maps from languages to lists of strings.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree, kind};

pub(super) const RULE: Rule = Rule {
    id: "P6",
    title: "Texts for people are maps from languages to lists of strings",
    section: "Presentation 3.0 §4.4",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        // An older service has texts of its own version; an annotation's label is not a language map in Web Annotation.
        if node.class == Class::Service || node.class == Class::TextualBody {
            continue;
        }
        for property in ["label", "summary"] {
            if let Some(value) = node.get(property) {
                map(property, &node.at(property), value, findings);
            }
        }
        let pairs = node.get("metadata").and_then(Value::as_array).into_iter().flatten().enumerate();
        let pairs = pairs.map(|(index, pair)| ("metadata", format!("{}/{index}", node.at("metadata")), pair));
        let statement =
            node.get("requiredStatement").map(|pair| ("requiredStatement", node.at("requiredStatement"), pair));
        for (property, pointer, pair) in pairs.chain(statement) {
            let Some(object) = pair.as_object() else {
                findings.error(
                    pointer,
                    format!("`{property}` is {} where a pair belongs", kind(pair)),
                    "write an object with `label` and `value`",
                );
                continue;
            };
            for part in ["label", "value"] {
                match object.get(part) {
                    Some(value) => map(part, &format!("{pointer}/{part}"), value, findings),
                    None => findings.error(
                        &*pointer,
                        format!("`{part}` of this `{property}` is missing"),
                        "give both `label` and `value`",
                    ),
                }
            }
        }
    }
}

pub(in crate::validate) fn map(property: &str, pointer: &str, value: &Value, findings: &mut Findings) {
    const FIX: &str = "write `{\"en\": [\"…\"]}`, or `none` in place of a language that is not known";
    let Some(map) = value.as_object() else {
        return findings.error(pointer, format!("`{property}` is {} and not a language map", kind(value)), FIX);
    };
    if map.is_empty() {
        findings.error(pointer, format!("`{property}` has no language"), FIX);
    }
    for (language, texts) in map {
        let at = format!("{pointer}/{}", language.replace('~', "~0").replace('/', "~1"));
        if !is_language(language) {
            findings.error(
                &*at,
                format!("`{property}` has `{language}`, which is neither a language tag (BCP 47) nor `none`"),
                FIX,
            );
        }
        match texts.as_array() {
            None => findings.error(
                &*at,
                format!("`{property}` has {} for `{language}`", kind(texts)),
                "put the text into `[` and `]`",
            ),
            Some(texts) => {
                for (index, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_string()) {
                    findings.error(
                        format!("{at}/{index}"),
                        format!("`{property}` has {} where a text belongs", kind(text)),
                        "write it in quotes",
                    );
                }
            }
        }
    }
}

/// Has it the form of a tag of BCP 47? Which subtags exist is not known here.
pub(in crate::validate) fn is_language(tag: &str) -> bool {
    if tag == "none" {
        return true;
    }
    let mut subtags = tag.split('-');
    let first = subtags.next().unwrap_or_default();
    let is_private = matches!(first, "x" | "i" | "X" | "I");
    let is_first =
        is_private && tag.len() > 1 || (2..=8).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic());
    is_first
        && subtags.all(|subtag| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric()))
}
