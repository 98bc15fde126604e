//! Is a Presentation 3.0 document what the specification says? One file a rule; a finding names the rule, the place as a JSON
//! pointer (RFC 6901), the property, and what to do about it.
//!
//! ```
//! use recto_iiif::presentation::validate::{Severity, validate};
//! use serde_json::json;
//!
//! let findings = validate(&json!({
//!     "@context": "http://iiif.io/api/presentation/3/context.json",
//!     "id": "https://example.org/manifest", "type": "Manifest", "label": {"en": ["No pages"]}, "items": []
//! }));
//! let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
//! assert_eq!((errors[0].rule, errors[0].pointer.as_str()), ("P20", "/items"));
//! ```

mod arrays;
mod behavior;
mod bodies;
mod choice;
mod context;
mod dimensions;
mod html;
mod id_and_type;
mod items;
mod labels;
mod language_maps;
mod links;
mod motivation;
mod nav_date;
mod place;
mod placeholder;
mod provider;
mod ranges;
mod rights;
mod services;
mod start;
mod targets;
mod thumbnails;
mod tree;
mod unique_ids;

use serde_json::Value;

pub use self::tree::{Class, Node, Tree};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The specification says "must".
    Error,
    /// The specification says "should".
    Warning,
}

/// Something that is not as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, which stays.
    pub rule: &'static str,
    /// Where the specification says so.
    pub section: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The place in the document, as a JSON pointer.
    pub pointer: String,
    /// What is wrong; names the property.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// A rule of the specification.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, which stays.
    pub id: &'static str,
    /// Where the specification says so.
    pub section: &'static str,
    check: fn(&Tree<'_>, &mut Findings),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("section", &self.section).finish_non_exhaustive()
    }
}

/// All rules.
pub const RULES: &[Rule] = &[
    context::RULE,
    id_and_type::RULE,
    unique_ids::RULE,
    arrays::RULE,
    language_maps::RULE,
    html::RULE,
    labels::RULE,
    dimensions::RULE,
    place::RULE,
    behavior::RULE,
    nav_date::RULE,
    rights::RULE,
    thumbnails::RULE,
    provider::RULE,
    links::RULE,
    placeholder::RULE,
    services::RULE,
    start::RULE,
    items::RULE,
    motivation::RULE,
    targets::RULE,
    bodies::RULE,
    ranges::RULE,
    choice::RULE,
];

/// Collects what a rule finds.
pub struct Findings {
    rule: Rule,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, severity: Severity, pointer: String, message: String, fix: impl Into<String>) {
        let Rule { id, section, .. } = self.rule;
        self.found.push(Finding { rule: id, section, severity, pointer, message, fix: fix.into() });
    }

    fn error(&mut self, pointer: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, pointer.into(), message.into(), fix);
    }

    fn warning(&mut self, pointer: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, pointer.into(), message.into(), fix);
    }
}

/// Holds a Presentation 3.0 document against all rules. Findings come in the order of [`RULES`].
pub fn validate(document: &Value) -> Vec<Finding> {
    let tree = Tree::of(document);
    let mut found = Vec::new();
    for rule in RULES {
        let mut findings = Findings { rule: *rule, found: Vec::new() };
        (rule.check)(&tree, &mut findings);
        found.append(&mut findings.found);
    }
    found
}

/// What a value is, in a word for people.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// `http:` or `https:` with something behind it.
fn is_http(uri: &str) -> bool {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace))
}
