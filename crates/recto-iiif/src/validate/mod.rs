//! Is a document what the IIIF specifications say? One file a rule, or one for a kind of document whose rules are few; a
//! finding names the rule, the place as a JSON pointer (RFC 6901), the property, and what to do about it.
//!
//! [`validate`] sees by itself what a document is: Presentation 2.x, 3.0 and 4.0 (draft), image information, annotations, Content
//! Search, Authorization Flow, Change Discovery, Content State. [`validate_text`] begins with the text and knows lines.
//!
//! ```
//! use recto_iiif::validate::{Severity, validate};
//! use serde_json::json;
//!
//! let findings = validate(&json!({
//!     "@context": "http://iiif.io/api/presentation/3/context.json",
//!     "id": "https://example.org/manifest", "type": "Manifest", "label": {"en": ["No pages"]}, "items": []
//! }));
//! let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
//! assert_eq!((errors[0].rule, errors[0].pointer.as_str()), ("P20", "/items"));
//! ```

mod annotation;
mod auth;
mod circles;
mod content_state;
mod discovery;
mod finding;
mod image;
mod part;
mod presentation;
mod presentation_2;
mod presentation_4;
mod recognise;
mod sarif;
mod scan;
mod search;
mod sections;
mod table;
mod text;
mod tree;
mod viewers;

use serde_json::Value;

pub use self::content_state::validate_encoded;
pub use self::finding::{Finding, Findings, Position, Rule, Severity};
pub use self::presentation::{Reference, check_reference, references};
pub use self::recognise::{DocumentKind, recognise};
pub use self::sarif::sarif;
pub use self::table::rules_as_markdown;
pub use self::text::{MOST_BYTES, validate_text};
pub use self::tree::{Class, Node, Tree};

use self::part::Part;

/// All rules, in the order of the table in the documentation.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}

/// The rules, by what they are of.
const RULES: &[&[Rule]] = &[
    text::RULES,
    presentation::RULES,
    presentation_2::RULES,
    presentation_4::RULES,
    image::RULES,
    annotation::RULES,
    search::RULES,
    auth::RULES,
    discovery::RULES,
    content_state::RULES,
    viewers::RULES,
];

/// Every kind of document.
const ALL: &[DocumentKind] = &DocumentKind::ALL;

/// Holds a document against all rules for its kind. Findings come in the order of [`rules`], of each rule at most
/// [`finding::MOST_OF_A_RULE`] and one more that says how many there are.
pub fn validate(document: &Value) -> Vec<Finding> {
    validate_as(document, recognise(document))
}

/// Holds a document against the rules for documents of this kind, whatever it says of itself.
pub fn validate_as(document: &Value, kind: DocumentKind) -> Vec<Finding> {
    let tree = Tree::of(document, kind);
    let mut found = Vec::new();
    for rule in rules().filter(|rule| rule.kinds.contains(&kind)) {
        let mut findings = Findings::of(rule);
        (rule.check)(&tree, &mut findings);
        found.append(&mut findings.finish());
    }
    found
}

/// Resources that a document names and does not hold, fetched by the caller and held against what the document says of them (P5).
/// The same URI is asked for once.
pub fn validate_references(document: &Value, fetch: &mut dyn FnMut(&str) -> Result<Value, String>) -> Vec<Finding> {
    let mut fetched: std::collections::HashMap<String, Result<Value, String>> = std::collections::HashMap::new();
    let mut found = Vec::new();
    for reference in references(document) {
        let answer = fetched.entry(reference.id.clone()).or_insert_with(|| fetch(&reference.id));
        found.append(&mut check_reference(&reference, answer.as_ref().map_err(String::as_str)));
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

/// A name as a step of a JSON pointer.
fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
