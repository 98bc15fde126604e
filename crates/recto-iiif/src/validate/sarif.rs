//! Findings as SARIF 2.1.0, which editors and services for source code show at the line.

use serde_json::{Value, json};

use super::{Finding, Severity, rules};

/// Findings of several files as one SARIF log. Files are named as they were given.
pub fn sarif(reports: &[(String, Vec<Finding>)]) -> Value {
    let results: Vec<Value> =
        reports.iter().flat_map(|(file, findings)| findings.iter().map(move |finding| result(file, finding))).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "recto",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules().map(|rule| json!({
                    "id": rule.id,
                    "shortDescription": {"text": format!("{}.", rule.title)},
                    "help": {"text": format!("{}. See {}, {}", rule.title, rule.section, rule.url())},
                    "helpUri": rule.url(),
                })).collect::<Vec<_>>(),
            }},
            // Columns count characters, not units of UTF-16.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }]
    })
}

fn result(file: &str, finding: &Finding) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
    if let Some(position) = finding.position {
        physical["region"] = json!({"startLine": position.line, "startColumn": position.column});
    }
    let index = rules().position(|rule| rule.id == finding.rule);
    let mut result = json!({
        "ruleId": finding.rule,
        "level": match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Viewer => "note",
        },
        "message": {"text": format!("{}; {}", finding.message, finding.fix)},
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{"fullyQualifiedName": finding.pointer, "kind": "value"}],
        }],
        "properties": {"section": finding.section},
    });
    if let Some(index) = index {
        result["ruleIndex"] = json!(index);
    }
    if !finding.viewers.is_empty() {
        result["properties"]["viewers"] = json!(finding.viewers);
    }
    result
}

/// A path as a URI reference: only what may stand in one stays as it is.
fn uri(path: &str) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b'@' | b'+' | b',' => {
                uri.push(char::from(byte));
            }
            b'\\' => uri.push('/'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
