//! JSON Lines: an annotation a line.

use serde_json::Value;

use super::super::{AcceptOptions, Annotation, Rejected};
use super::{Item, Place, too_many};

/// Reads annotations, one a line; blank lines are left out.
pub fn read_json_lines(text: &str, options: &AcceptOptions, max_items: usize) -> Result<Vec<Item>, Rejected> {
    let mut out = Vec::new();
    for (line, text) in (1_u64..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        if out.len() >= max_items {
            return Err(too_many(max_items));
        }
        out.push(Item { place: Place::Line(line), outcome: Annotation::parse(text, options) });
    }
    Ok(out)
}

/// The annotations, each in a line that ends.
pub fn write_json_lines(stored: &[Value]) -> String {
    stored.iter().map(|annotation| format!("{annotation}\n")).collect()
}
