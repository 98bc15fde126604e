//! P13: `rights` is one URI of a licence or a rights statement.

use super::{Findings, Rule, THREE_AND_FOUR, Tree, is_http, kind};

pub(super) const RULE: Rule = Rule {
    id: "P13",
    title: "`rights` is one URI of a licence or a rights statement",
    section: "Presentation 3.0 §3.1 rights",
    kinds: THREE_AND_FOUR,
    check,
};

const KNOWN: [&str; 3] = [
    "http://creativecommons.org/licenses/",
    "http://creativecommons.org/publicdomain/",
    "http://rightsstatements.org/vocab/",
];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        let Some(value) = node.get("rights") else { continue };
        let at = node.at("rights");
        let Some(uri) = value.as_str() else {
            findings.error(at, format!("`rights` is {} and not one URI", kind(value)), "write the URI as a string");
            continue;
        };
        if KNOWN.iter().any(|known| uri.starts_with(known)) {
            continue;
        }
        let plain = uri.replacen("https://", "http://", 1).replacen("http://www.", "http://", 1);
        if KNOWN.iter().any(|known| plain.starts_with(known)) {
            let fix = format!("write {plain}; their owners made these names with `http:`");
            findings.error(at, format!("`rights` is {uri}, a page about the licence and not its name"), fix);
        } else if is_http(uri) {
            let fix = "write a URI of creativecommons.org or rightsstatements.org, or say it in `requiredStatement`";
            findings.error(at, format!("`rights` is {uri}, which no registered extension names"), fix);
        } else {
            findings.error(at, format!("`rights` is `{uri}`, which is no URI"), "put texts into `requiredStatement`");
        }
    }
}
