//! P27: ids stay when nothing changes. One document shows where they cannot: names of a session or of one moment in them.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P27",
    title: "Ids stay when nothing changes: they hold no session, no token and no moment",
    section: "Presentation 3.0 §6.1",
    kinds: THREE_AND_FOUR,
    check,
};

/// Parameters that are another at each request.
const PASSING: &[&str] = &[
    "token",
    "access_token",
    "sid",
    "session",
    "sessionid",
    "phpsessid",
    "jsessionid",
    "timestamp",
    "ts",
    "time",
    "nonce",
    "rand",
    "random",
    "cachebust",
    "cb",
    "_",
    "expires",
    "signature",
    "x-amz-signature",
    "x-amz-date",
    "sig",
];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        if matches!(node.class, Class::Service | Class::Agent) {
            continue;
        }
        let Some(id) = node.text("id") else { continue };
        let what = if id.starts_with("_:") {
            "a blank node, which has another name in each document".to_owned()
        } else if let Some(name) = passing(id) {
            format!("a URI with `{name}`, which is another at each request")
        } else {
            continue;
        };
        findings.warning(node.at("id"), format!("`id` is {id}, {what}"), "give it a URI that stays");
    }
}

fn passing(id: &str) -> Option<&str> {
    let (path, query) = id.split_once('?').unwrap_or((id, ""));
    let in_path = path.split(';').skip(1).map(|part| part.split('=').next().unwrap_or(part));
    let in_query = query.split('#').next().unwrap_or(query).split('&').filter_map(|pair| Some(pair.split_once('=')?.0));
    in_path.chain(in_query).find(|name| PASSING.iter().any(|known| known.eq_ignore_ascii_case(name)))
}
