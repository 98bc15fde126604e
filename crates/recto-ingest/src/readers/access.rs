//! Who may see something, in the words of descriptions: what is clear becomes an access rule, all else a finding.
//!
//! Rules have the form that sidecars write them in: `"public"`, `"restricted"`, `"closed"`, `{"until": "2030-01-01"}`.

use serde_json::{Value, json};

use super::Context;
use super::xml::{self, Node};
use crate::description::Description;
use crate::mapping::Format;
use crate::merge::strictest;

const PUBLIC: [&str; 15] = [
    "public",
    "open",
    "open access",
    "openaccess",
    "free",
    "free access",
    "unrestricted",
    "no restrictions",
    "no restriction",
    "none",
    "frei",
    "frei zugänglich",
    "freier zugang",
    "uneingeschränkt",
    "c_abf2",
];
const RESTRICTED: [&str; 16] = [
    "restricted",
    "restricted access",
    "restrictedaccess",
    "access restricted",
    "access is restricted",
    "restricted files",
    "requires registration",
    "permission required",
    "by permission",
    "eingeschränkt",
    "eingeschränkter zugang",
    "beschränkt",
    "zugang beschränkt",
    "zugang eingeschränkt",
    "beschränkter zugang",
    "c_16ec",
];
const CLOSED: [&str; 12] = [
    "closed",
    "closed access",
    "closedaccess",
    "no access",
    "not available",
    "private",
    "gesperrt",
    "geschlossen",
    "nicht öffentlich",
    "nicht zugänglich",
    "kein zugang",
    "c_14cb",
];
/// Words that say that a date is the end of a restriction.
const UNTIL: [&str; 6] = ["embargo", "until", "bis", "gesperrt bis", "sperrfrist", "embargoend"];

/// The rule that words say; `None` where they say none that is clear.
pub(super) fn rule(text: &str) -> Option<Value> {
    let folded = text.trim().trim_end_matches(['.', '!', '/']).to_lowercase();
    // The vocabularies of COAR and OpenAIRE are URIs whose last part is the word.
    let is_uri = folded.contains("purl.org/coar/access_right/") || folded.starts_with("info:eu-repo/");
    let words = if is_uri { folded.rsplit('/').next().unwrap_or_default() } else { folded.as_str() };
    let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_one_of = |list: &[&str]| list.contains(&words.as_str());
    if is_one_of(&PUBLIC) {
        return Some(json!("public"));
    }
    if is_one_of(&RESTRICTED) {
        return Some(json!("restricted"));
    }
    if is_one_of(&CLOSED) {
        return Some(json!("closed"));
    }
    let says_until = folded.split(|c: char| !c.is_alphanumeric()).any(|word| UNTIL.contains(&word));
    let mut dates =
        folded.split(|c: char| c.is_whitespace() || matches!(c, '/' | ',' | ';' | '(' | ')')).filter_map(date);
    match (says_until, dates.next(), dates.next()) {
        (true, Some(date), None) => Some(json!({ "until": date })),
        _ => None,
    }
}

/// `2030-01-01`, `2030-01`, `2030` and `1.2.2030` as the day from which the restriction no longer holds.
fn date(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let number = |text: &str, from: u32, until: u32| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u32>().ok())
            .flatten()
            .filter(|n| (from..=until).contains(n))
    };
    let parts: Vec<&str> = word.split(['-', '.']).collect();
    let is_german = word.contains('.');
    let (year, month, day) = match parts.as_slice() {
        [day, month, year] if is_german => (number(year, 1900, 2999)?, number(month, 1, 12)?, number(day, 1, 31)?),
        [year, month, day] => (number(year, 1900, 2999)?, number(month, 1, 12)?, number(day, 1, 31)?),
        [year, month] if !is_german => (number(year, 1900, 2999)?, number(month, 1, 12)?, 1),
        [year] => (number(year, 1900, 2999)?, 1, 1),
        _ => return None,
    };
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Adds what a record says of access.
pub(super) fn of_record(context: &Context<'_>, format: Format, record: Node<'_>, description: &mut Description) {
    match format {
        Format::Mods => {
            for node in xml::children(record, "accessCondition") {
                let kind: String =
                    xml::attribute(node, "type").unwrap_or_default().chars().filter(|c| c.is_alphabetic()).collect();
                let is_restriction =
                    matches!(kind.to_lowercase().as_str(), "restrictiononaccess" | "embargo" | "accessrights");
                take(context, node, &said(node), is_restriction, description);
            }
        }
        Format::DublinCore => {
            for node in xml::elements(record) {
                let text = xml::text(node);
                let is_uri = text.starts_with("info:eu-repo/") || text.contains("purl.org/coar/access_right/");
                match xml::name(node) {
                    "accessRights" => take(context, node, &text, true, description),
                    "rights" | "date" if is_uri => take(context, node, &text, true, description),
                    _ => {}
                }
            }
        }
        Format::Tei => {
            for node in xml::descendants(record, "availability").take(8) {
                match xml::attribute(node, "status") {
                    None | Some("unknown") => {}
                    Some(status) => take(context, node, status, true, description),
                }
            }
        }
        _ => {}
    }
}

/// Adds what a section of METS about rights says of access: PREMIS with what is granted and until when, `METSRights`, MODS, Dublin Core.
pub(super) fn of_section(context: &Context<'_>, section: Node<'_>, description: &mut Description) {
    for node in section.descendants().filter(Node::is_element) {
        match xml::name(node) {
            "accessCondition" => {
                let is_restriction =
                    xml::attribute(node, "type").is_some_and(|kind| kind.to_lowercase().contains("access"));
                take(context, node, &said(node), is_restriction, description);
            }
            "accessRights" => take(context, node, &xml::text(node), true, description),
            "rightsGranted" => granted(context, node, description),
            _ => {}
        }
    }
}

/// PREMIS: an act that is allowed, or is not until a date.
fn granted(context: &Context<'_>, node: Node<'_>, description: &mut Description) {
    let value =
        |around: Node<'_>, name: &'static str| xml::child(around, name).map(xml::text).filter(|text| !text.is_empty());
    let act = value(node, "act").unwrap_or_default().to_lowercase();
    if !["disseminate", "access", "discover", "display", "publish", "use"].contains(&act.as_str()) {
        return;
    }
    let restriction = value(node, "restriction").unwrap_or_default().to_lowercase();
    let end =
        ["termOfRestriction", "termOfGrant"].into_iter().find_map(|term| value(xml::child(node, term)?, "endDate"));
    match (restriction.as_str(), end.as_deref().and_then(date)) {
        ("" | "allow" | "allowed" | "none", _) => {}
        ("disallow" | "disallowed" | "closed" | "conditional" | "restricted", Some(date)) => {
            add(description, &json!({ "until": date }));
        }
        ("disallow" | "disallowed", None) => add(description, &json!("closed")),
        ("conditional", None) => add(description, &json!("restricted")),
        (said, _) => take(context, node, said, true, description),
    }
}

/// What an element says: its text, else the address that it names.
fn said(node: Node<'_>) -> String {
    let text = xml::text(node);
    if text.is_empty() { xml::attribute(node, "href").unwrap_or_default().to_owned() } else { text }
}

/// Takes words for a rule. Where these are surely about access and not clear, a finding says so.
fn take(context: &Context<'_>, at: Node<'_>, text: &str, is_about_access: bool, description: &mut Description) {
    if text.trim().is_empty() || !is_about_access {
        return;
    }
    if let Some(rule) = rule(text) {
        return add(description, &rule);
    }
    let brief: String = text.chars().take(80).collect();
    context.note(
        at,
        "access-not-clear",
        format!("`{brief}` says who may see this, in words that are not known; no rule is made of them"),
        "write the rule into `recto.yml` as `access`, such as `access: restricted`",
    );
}

fn add(description: &mut Description, rule: &Value) {
    description.access = strictest(description.access.iter().chain([rule]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_rules_where_they_are_clear() {
        for (text, wanted) in [
            ("Open access.", Some(json!("public"))),
            ("http://purl.org/coar/access_right/c_abf2", Some(json!("public"))),
            ("info:eu-repo/semantics/openAccess", Some(json!("public"))),
            ("Restricted", Some(json!("restricted"))),
            ("Eingeschränkter  Zugang", Some(json!("restricted"))),
            ("http://purl.org/coar/access_right/c_16ec/", Some(json!("restricted"))),
            ("closed", Some(json!("closed"))),
            ("Nicht öffentlich", Some(json!("closed"))),
            ("Embargo until 2030-06-30", Some(json!({"until": "2030-06-30"}))),
            ("info:eu-repo/date/embargoEnd/2031-01-01", Some(json!({"until": "2031-01-01"}))),
            ("Gesperrt bis 1.2.2031", Some(json!({"until": "2031-02-01"}))),
            ("until 2040", Some(json!({"until": "2040-01-01"}))),
            ("info:eu-repo/semantics/embargoedAccess", None),
            ("from 2020-01-01 until 2030-01-01", None),
            ("Readers need a letter of introduction", None),
            ("1890", None),
            ("", None),
        ] {
            assert_eq!(rule(text), wanted, "{text}");
        }
    }
}
