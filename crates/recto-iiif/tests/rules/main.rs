//! Each rule finds its fault, in its place and by the name of the property, and nothing in a document that is as it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

/// One rule: a good document in which it finds nothing, and changes to it with what it finds then. `null` takes a value away.
macro_rules! rule {
    ($test:ident, $id:literal, $good:expr, [$(($place:expr, $value:expr, $at:expr, $names:expr)),+ $(,)?]) => {
        #[test]
        fn $test() {
            $crate::check($id, &$good, &[$((&*$place, $value, &*$at, $names)),+]);
        }
    };
}

mod annotations;
mod auth;
mod content_state;
mod discovery;
mod image;
mod presentation_2;
mod presentation_3;
mod presentation_4;
mod real;
mod recognise;
mod sarif;
mod search;
mod table;
mod text;
mod viewers;

use recto_iiif::validate::{Finding, Severity, rules, validate};
use serde_json::Value;

/// A change: where, to what, where the finding is, and what its message names.
type Case<'c> = (&'c str, Value, &'c str, &'c str);

fn check(rule: &str, good: &Value, cases: &[Case<'_>]) {
    let passing = validate(good);
    assert!(!passing.iter().any(|finding| finding.rule == rule), "{rule} finds nothing: {:#?}", told(&passing));
    for (place, value, at, names) in cases {
        let findings = validate(&with(good.clone(), place, value.clone()));
        let case = format!("{rule}: {place} = {value}");
        let found =
            findings.iter().find(|found| found.rule == rule && found.pointer == *at && found.message.contains(names));
        let found =
            found.unwrap_or_else(|| panic!("{case}, to be at {at} and to name {names}: {:#?}", told(&findings)));
        assert!(!found.fix.is_empty() && !found.section.is_empty(), "{case}");
        assert_eq!(found.severity == Severity::Viewer, !found.viewers.is_empty(), "{case}");
    }
}

/// Puts a value in a place; `null` takes it away, `-` is the end of a list.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    if pointer.is_empty() {
        return value;
    }
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}"));
    match parent {
        Value::Object(object) if value.is_null() => drop(object.remove(last).expect(last)),
        Value::Object(object) => drop(object.insert(last.to_owned(), value)),
        Value::Array(array) if last == "-" => array.push(value),
        Value::Array(array) => array[last.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} is in no container"),
    }
    document
}

fn told(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        format!("{} {} {} {}", finding.severity.word(), finding.rule, finding.pointer, finding.message)
    };
    findings.iter().map(line).collect()
}

/// Errors and warnings; what viewers stumble over is another matter.
fn faults(document: &Value) -> Vec<String> {
    let findings: Vec<Finding> =
        validate(document).into_iter().filter(|finding| finding.severity != Severity::Viewer).collect();
    told(&findings)
}

#[test]
fn every_rule_has_a_failing_case() {
    let sources = [
        include_str!("annotations.rs"),
        include_str!("auth.rs"),
        include_str!("content_state.rs"),
        include_str!("discovery.rs"),
        include_str!("image.rs"),
        include_str!("presentation_2.rs"),
        include_str!("presentation_3.rs"),
        include_str!("presentation_4.rs"),
        include_str!("search.rs"),
        include_str!("text.rs"),
        include_str!("viewers.rs"),
        include_str!("../presentation_rules.rs"),
    ]
    .concat();
    let missing: Vec<&str> = rules().map(|rule| rule.id).filter(|id| !sources.contains(&format!("\"{id}\""))).collect();
    assert_eq!(missing, Vec::<&str>::new());
    let mut ids: Vec<&str> = rules().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), rules().count(), "each id is there once");
}
