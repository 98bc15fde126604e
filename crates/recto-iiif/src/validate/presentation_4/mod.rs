//! Presentation 4.0, a draft: what is not as in 3.0. Its rules are those of the draft of November 2026 in <https://github.com/IIIF/api>.

mod containers;
mod shapes;
mod timelines;

use super::annotation::motivations;
use super::recognise::contexts;
use super::{Class, DocumentKind, Findings, Node, Part, Rule, Tree, is_http, kind};

const FOUR: &[DocumentKind] = &[DocumentKind::Presentation4];

/// The rules of Presentation 4.0.
pub(super) const RULES: &[Rule] = &[containers::RULE, timelines::RULE, shapes::RULE];

/// Where the value is there, it is a number, and fits.
fn number(part: &Part<'_>, property: &str, fits: fn(f64) -> bool, fix: &str, findings: &mut Findings) {
    if let Some(found) = part.get(property)
        && !found.value.as_f64().is_some_and(fits)
    {
        findings.wrong(&found, property, fix);
    }
}
