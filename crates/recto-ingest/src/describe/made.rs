//! `manifest.json`: a manifest that somebody made, of any version.

use std::collections::HashSet;

use recto_iiif::presentation::{Manifest, NoteKind, Version, convert};
use recto_iiif::validate::{Severity as RuleSeverity, validate};
use serde_json::Value;

use super::Describer;
use super::sources::{Role, role};
use crate::description::Description;
use crate::merge::{Said, Source};
use crate::{Finding, Object, Severity};

/// Findings of one manifest that are told; who made it sees all with `recto validate`.
const MOST: usize = 20;

/// Longer manifests are not read: no viewer could show them, and everybody would wait for them.
const MOST_BYTES: u64 = 32 << 20;

impl Describer<'_> {
    /// The manifest that lies beside an object, as 3.0, with what it says for lists.
    pub(super) fn made(&self, object: &Object, said: &mut Vec<Said>, findings: &mut Vec<Finding>) -> Option<Value> {
        let side = object.sides.iter().find(|side| role(&side.name) == Role::Manifest)?;
        let place = format!("{}{}", object.prefix(), side.name);
        let bytes = self.read_most(&place, MOST_BYTES, findings)?;
        let mut report = |severity, rule, message: String, fix: &str| {
            findings.push(Finding::new(severity, rule, place.as_str(), message, fix));
        };
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let document: Value = match serde_json::from_slice(text) {
            Ok(document) => document,
            Err(error) => {
                let fix = "correct it (`recto validate` tells more); until then a manifest is made of the images";
                report(Severity::Error, "manifest-broken", format!("it is no JSON: {error}"), fix);
                return None;
            }
        };
        let (document, notes) = convert(document, Version::V3);
        for note in notes.iter().filter(|note| note.kind == NoteKind::Lost).take(MOST) {
            report(Severity::Warning, "manifest-lost", format!("{}: {}", note.pointer, note.message), &note.remedy);
        }
        let broken = validate(&with_addresses(document.clone(), object));
        for rule in broken.iter().filter(|rule| rule.severity == RuleSeverity::Error).take(MOST) {
            let message = format!("{} at {}: {}", rule.rule, rule.pointer, rule.message);
            report(Severity::Warning, "manifest-invalid", message, &rule.fix);
        }
        let manifest: Manifest = match serde_json::from_value(document.clone()) {
            Ok(manifest) => manifest,
            Err(error) => {
                let fix = "correct it (`recto validate` tells more); until then a manifest is made of the images";
                report(Severity::Error, "manifest-broken", format!("it is no manifest: {error}"), fix);
                return None;
            }
        };
        let description = Description {
            label: manifest.label,
            summary: manifest.summary.unwrap_or_default(),
            metadata: manifest.metadata,
            rights: manifest.rights,
            required_statement: manifest.required_statement,
            nav_date: manifest.nav_date,
            ..Description::default()
        };
        said.push(Said { by: Source::Mets, place, description });
        Some(document)
    }
}

/// The manifest as it is published: files of the library have an address there.
fn with_addresses(mut document: Value, object: &Object) -> Value {
    let prefix = object.prefix().len();
    let names: HashSet<&str> = object.files.iter().filter_map(|file| file.identifier.as_str().get(prefix..)).collect();
    let mut open = vec![&mut document];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                if let Some(Value::String(id)) = fields.get_mut("id")
                    && names.contains(id.as_str())
                {
                    id.insert_str(0, "https://library.invalid/");
                }
                open.extend(fields.values_mut());
            }
            _ => {}
        }
    }
    document
}
