//! What the options are: JSON Schema, the annotated example file, the reference table.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::layers::variable_name;
use crate::schema::{OptionSchema, View, join};

/// The JSON Schema of the options, for editors and for the admin form.
pub fn json_schema<T: JsonSchema>() -> Value {
    OptionSchema::of::<T>().value().clone()
}

/// A `recto.toml` that explains every option and sets none: each stands there with its default, as a comment.
pub fn example_file<T: JsonSchema + Serialize + Default>() -> String {
    let mut text = String::new();
    for section in sections::<T>() {
        // A header alone would already turn on a section that is off by default.
        let off = if section.is_optional { "# " } else { "" };
        if !section.key.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            comment(&mut text, &section.description);
            let (open, close) = if section.is_list { ("[[", "]]") } else { ("[", "]") };
            let _ = writeln!(text, "{off}{open}{}{close}", section.key);
        } else if !section.description.is_empty() {
            comment(&mut text, &section.description);
        }
        for row in &section.rows {
            if !text.is_empty() {
                text.push('\n');
            }
            comment(&mut text, &row.description);
            let value = row.default.as_ref().or(row.example.as_ref()).and_then(toml_text);
            let _ = writeln!(text, "# {} = {}", row.name, value.as_deref().unwrap_or("…"));
        }
    }
    text
}

/// The reference of all options in Markdown: a table for each section.
pub fn reference_table<T: JsonSchema + Serialize + Default>() -> String {
    let mut text = String::new();
    for section in sections::<T>() {
        if !section.key.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            let _ = writeln!(text, "## `{}`\n", section.key);
        }
        if !section.description.is_empty() {
            let _ = writeln!(text, "{}\n", section.description);
        }
        if section.rows.is_empty() {
            continue;
        }
        text.push_str("| key | type | default | what it does |\n|---|---|---|---|\n");
        for row in &section.rows {
            let key = join(&section.key, &row.name);
            let default =
                row.default.as_ref().and_then(toml_text).map_or("–".to_owned(), |value| format!("`{value}`"));
            let applies = row.applies.as_ref().map_or(String::new(), |applies| format!(" Applies {applies}."));
            let variable = if section.is_list || key.contains('<') {
                String::new()
            } else {
                format!("<br>`{}`", variable_name(&key))
            };
            let _ = writeln!(
                text,
                "| `{key}`{variable} | {} | {} | {}{applies} |",
                cell(&row.type_text),
                cell(&default),
                cell(&row.description)
            );
        }
    }
    text
}

struct Section {
    key: String,
    description: String,
    is_optional: bool,
    is_list: bool,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    description: String,
    type_text: String,
    default: Option<Value>,
    example: Option<Value>,
    applies: Option<String>,
}

fn sections<T: JsonSchema + Serialize + Default>() -> Vec<Section> {
    let schema = OptionSchema::of::<T>();
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let mut sections = Vec::new();
    let root = Section {
        key: String::new(),
        description: schema.root().description().unwrap_or_default().to_owned(),
        is_optional: false,
        is_list: false,
        rows: Vec::new(),
    };
    collect(&schema, schema.root(), Some(&defaults), root, &mut sections, 0);
    sections
}

/// Sections nested deeper than this are not told; a schema that contains itself must end somewhere.
const MOST_DEPTH: usize = 8;

fn collect(
    schema: &OptionSchema,
    view: View<'_>,
    defaults: Option<&Value>,
    mut section: Section,
    sections: &mut Vec<Section>,
    depth: usize,
) {
    let mut inner_sections = Vec::new();
    for (name, property) in view.properties().into_iter().flatten() {
        let inner = schema.view(property);
        let default = defaults.and_then(|value| value.get(name)).filter(|value| !value.is_null());
        let own = property.get("description").and_then(Value::as_str);
        let description = own.or(inner.description()).unwrap_or_default().to_owned();
        let key = join(&section.key, name);
        let list_item = inner.items().map(|items| schema.view(items)).filter(|item| item.properties().is_some());
        let named = inner.additional().map(|named| schema.view(named)).filter(|named| named.properties().is_some());
        let is_optional = section.is_optional || inner.nullable || list_item.is_some() || named.is_some();
        let head = |key: String| Section {
            key,
            description: description.clone(),
            is_optional,
            is_list: false,
            rows: Vec::new(),
        };
        if inner.properties().is_some() {
            inner_sections.push((inner, default, head(key)));
        } else if let Some(item) = list_item {
            inner_sections.push((item, None, Section { is_list: true, ..head(key) }));
        } else if let Some(named) = named {
            inner_sections.push((named, None, head(join(&key, "<name>"))));
        } else {
            section.rows.push(row(schema, name, property, inner, description, default));
        }
    }
    sections.push(section);
    for (view, defaults, head) in inner_sections {
        if depth < MOST_DEPTH {
            // What an item or an optional section has of its own stands in its schema.
            collect(schema, view, defaults, head, sections, depth + 1);
        }
    }
}

fn row(
    schema: &OptionSchema,
    name: &str,
    property: &Value,
    view: View<'_>,
    description: String,
    default: Option<&Value>,
) -> Row {
    let default = default.or(property.get("default")).filter(|value| !value.is_null()).cloned();
    let example = property.get("examples").and_then(Value::as_array).and_then(|examples| examples.first()).cloned();
    let applies = property.get("x-applies").and_then(Value::as_str).map(str::to_owned);
    Row { name: name.to_owned(), description, type_text: type_text(schema, view, property), default, example, applies }
}

fn type_text(schema: &OptionSchema, view: View<'_>, property: &Value) -> String {
    let words = view.words();
    if !words.is_empty() {
        let explained: Vec<String> = words
            .iter()
            .map(|(word, description)| match description {
                Some(description) => format!("`\"{word}\"` ({})", description.trim_end_matches('.')),
                None => format!("`\"{word}\"`"),
            })
            .collect();
        return explained.join(", ");
    }
    if let Some(items) = view.items() {
        return format!("list of {}", type_text(schema, schema.view(items), items));
    }
    let reference = |value: &Value| value.get("$ref").and_then(Value::as_str).map(str::to_owned);
    let named = reference(property).or_else(|| {
        let branches = property.get("anyOf")?.as_array()?;
        branches.iter().find_map(reference)
    });
    match named.as_deref().and_then(|name| name.rsplit('/').next()) {
        Some("ByteSize") => return "size".to_owned(),
        Some("Duration") => return "time".to_owned(),
        _ => {}
    }
    let types: Vec<&str> = view
        .types()
        .iter()
        .map(|name| match *name {
            "string" => "text",
            "integer" => "whole number",
            "number" => "number",
            "boolean" => "`true` or `false`",
            "array" => "list",
            _ => "table",
        })
        .collect();
    if types.is_empty() { "any".to_owned() } else { types.join(" or ") }
}

fn cell(text: &str) -> String {
    text.replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|")
}

fn comment(text: &mut String, description: &str) {
    for line in description.lines() {
        let _ = writeln!(text, "# {line}").map(|()| trim_last_line(text));
    }
}

/// An empty comment line is `#`, without the space.
fn trim_last_line(text: &mut String) {
    if text.ends_with("# \n") {
        text.truncate(text.len() - 2);
        text.push('\n');
    }
}

/// A value as TOML writes it on one line; `None` for what TOML cannot say.
fn toml_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(toml_edit::Value::from(text.as_str()).to_string()),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(toml_text).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Object(entries) => {
            let entries: Option<Vec<String>> = entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| Some(format!("{} = {}", toml_edit::Key::new(key.as_str()), toml_text(value)?)))
                .collect();
            let entries = entries?;
            Some(if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) })
        }
    }
}
