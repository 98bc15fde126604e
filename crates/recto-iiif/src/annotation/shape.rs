//! Bounds that are looked at before anything recurses into a document.

use serde_json::Value;

use super::Rejected;

/// No document is looked into deeper than this, whatever an option says: what follows recurses.
pub(super) const DEEPEST: usize = 64;

/// Rejects what is nested deeper than `max_depth`, or has more bytes of text and values than `max_bytes`. Does not recurse.
pub(super) fn bounded(value: &Value, max_depth: usize, max_bytes: usize) -> Result<(), Rejected> {
    let max_depth = max_depth.min(DEEPEST);
    let mut bytes = 0_usize;
    let mut open = vec![(value, 1_usize)];
    while let Some((value, depth)) = open.pop() {
        if depth > max_depth {
            let message = format!("the annotation is nested more than {max_depth} deep");
            return Err(Rejected::new("", message, "make it flatter"));
        }
        bytes = bytes.saturating_add(2);
        match value {
            Value::String(text) => bytes = bytes.saturating_add(text.len()),
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => {
                bytes = fields.keys().fold(bytes, |bytes, name| bytes.saturating_add(name.len() + 3));
                open.extend(fields.values().map(|field| (field, depth + 1)));
            }
            _ => {}
        }
        if bytes > max_bytes {
            return Err(over(max_bytes));
        }
    }
    Ok(())
}

pub(super) fn over(max_bytes: usize) -> Rejected {
    let message = format!("the annotation has more than {max_bytes} bytes");
    Rejected::too_large(message, "shorten it, or link to what is long")
}
