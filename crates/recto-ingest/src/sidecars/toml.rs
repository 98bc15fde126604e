//! TOML with places.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::{Key, Lines, MOST_DEPTH, Node, Value};
use crate::words::{Report, shown};

/// What the file says; what is broken is left out.
pub(super) fn parse(text: &str, report: &mut Report) -> Node {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = lines.at(error.span().map_or(0, |span| span.start));
        let message = format!("this is not understood ({})", shown(error.message()));
        report.error(at, "broken-toml", message, "write `key = \"value\"`");
    }
    let start = table.span().start;
    Node { at: lines.at(start), value: map(table.get_ref(), &lines, 0) }
}

fn map(table: &DeTable<'_>, lines: &Lines<'_>, depth: usize) -> Value {
    let mut entries: Vec<(usize, Key, Node)> = table
        .iter()
        .map(|(key, value)| {
            let start = key.span().start;
            (start, Key { at: lines.at(start), text: key.get_ref().to_string() }, node(value, lines, depth + 1))
        })
        .collect();
    // The order of the file.
    entries.sort_by_key(|(start, ..)| *start);
    Value::Map(entries.into_iter().map(|(_, key, node)| (key, node)).collect())
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>, depth: usize) -> Node {
    let at = lines.at(value.span().start);
    if depth > MOST_DEPTH {
        return Node::nothing(at);
    }
    let text = |text: String| Value::Text { text, quoted: false };
    let value = match value.get_ref() {
        DeValue::String(string) => Value::Text { text: string.to_string(), quoted: true },
        DeValue::Integer(number) => text(number.to_string()),
        DeValue::Float(number) => text(number.to_string()),
        DeValue::Boolean(value) => text(value.to_string()),
        DeValue::Datetime(date) => text(date.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|value| node(value, lines, depth + 1)).collect()),
        DeValue::Table(table) => map(table, lines, depth),
    };
    Node { at, value }
}
