//! Annotations as a table, for people with a spreadsheet. What the columns cannot say stands as JSON in the last one.

use serde_json::{Map, Value, json};

use super::super::bodies::is_textual;
use super::super::targets::{Region, region_of_fragment};
use super::super::words::{list, texts, types, uri_of};
use super::super::{AcceptOptions, Agent, Annotation, CONTEXT, Rejected, creators, targets};
use super::cells::{Rows, write_row};
use super::{Item, Place, too_many};
use crate::content_state::TimeSpan;

/// The columns, in their order.
pub const COLUMNS: [&str; 17] = [
    "id",
    "canvas",
    "x",
    "y",
    "w",
    "h",
    "t_start",
    "t_end",
    "motivation",
    "body",
    "format",
    "language",
    "tags",
    "creator",
    "created",
    "modified",
    "json",
];

/// Cells by the names of their columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row([String; COLUMNS.len()]);

impl Row {
    fn get(&self, column: &str) -> &str {
        COLUMNS.iter().position(|name| *name == column).map_or("", |at| &self.0[at])
    }

    fn set(&mut self, column: &str, cell: impl Into<String>) {
        if let Some(at) = COLUMNS.iter().position(|name| *name == column) {
            self.0[at] = cell.into();
        }
    }

    /// The cell as text of one line, or none.
    fn word(&self, column: &str) -> Option<&str> {
        Some(self.get(column).trim()).filter(|text| !text.is_empty())
    }
}

/// Reads a table with a header that has `canvas` or `json` and any other of [`COLUMNS`], in any order; further columns are left alone.
pub fn read_csv(text: &str, options: &AcceptOptions, max_items: usize) -> Result<Vec<Item>, Rejected> {
    let mut rows = Rows::new(text);
    let header: Vec<String> = rows
        .next()
        .map(|(_, row)| row.iter().map(|name| name.trim().to_ascii_lowercase()).collect())
        .unwrap_or_default();
    if !header.iter().any(|name| name == "canvas" || name == "json") {
        let message = "the header of the table has no column `canvas`";
        return Err(Rejected::new("", message, format!("name the columns: {}", COLUMNS.join(", "))));
    }
    let mut out = Vec::new();
    for (line, cells) in rows {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if out.len() >= max_items {
            return Err(too_many(max_items));
        }
        let mut row = Row::default();
        for (name, cell) in header.iter().zip(cells) {
            row.set(name, cell);
        }
        out.push(Item { place: Place::Line(line), outcome: read_row(&row, options) });
    }
    Ok(out)
}

fn read_row(row: &Row, options: &AcceptOptions) -> Result<Annotation, Rejected> {
    let Some(text) = row.word("json") else { return Annotation::accept(value_of(row)?, options) };
    let annotation = Annotation::parse(text, options).map_err(|rejected| rejected.under("json"))?;
    // Which of the two is meant cannot be known where a cell was changed.
    let said = row_of(&Value::Object(annotation.json().clone()));
    let differs = |column: &&&str| {
        let given = row.get(column).trim();
        !given.is_empty() && given != said.get(column).trim() && **column != "json"
    };
    if let Some(column) = COLUMNS.iter().find(differs) {
        let message = format!("`{column}` says something else than `json`");
        return Err(Rejected::new(
            *column,
            message,
            "change `json` too, or empty its cell to keep only what the columns say",
        ));
    }
    Ok(annotation)
}

/// The annotations as a table: UTF-8 with a mark, commas, CRLF. Cells that a spreadsheet would run have a `'` before them, which is taken
/// away when the table is read.
pub fn write_csv(stored: &[Value]) -> String {
    let mut out = "\u{feff}".to_owned();
    write_row(COLUMNS, &mut out);
    for annotation in stored {
        let mut row = row_of(annotation);
        let is_said = value_of(&row).is_ok_and(|value| normal(value) == normal(annotation.clone()));
        if !is_said {
            row.set("json", annotation.to_string());
        }
        write_row(row.0.iter().map(String::as_str), &mut out);
    }
    out
}

/// What the columns can say of an annotation.
fn row_of(annotation: &Value) -> Row {
    let mut row = Row::default();
    let text = |name: &str| annotation.get(name).and_then(Value::as_str).unwrap_or_default();
    for column in ["id", "created", "modified"] {
        row.set(column, text(column));
    }
    if let Some(on) = targets(annotation).first() {
        row.set("canvas", on.source.as_str());
        if let Some(rect) = on.region {
            for (column, number) in [("x", rect.x), ("y", rect.y), ("w", rect.w), ("h", rect.h)] {
                row.set(column, number.to_string());
            }
        }
        if let Some(time) = on.time {
            row.set("t_start", time.start.to_string());
            row.set("t_end", time.end.map(|end| end.to_string()).unwrap_or_default());
        }
    }
    row.set("motivation", texts(annotation, "motivation").join("|"));
    let bodies = list(annotation.get("body")).iter().filter_map(Value::as_object).filter(|body| is_textual(body));
    let (tags, others): (Vec<_>, Vec<_>) =
        bodies.partition(|body| body.get("purpose").is_some_and(|purpose| purpose == "tagging"));
    let word =
        |body: &Map<String, Value>, name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(body) = others.first() {
        row.set("body", word(body, "value"));
        row.set("format", word(body, "format"));
        row.set("language", word(body, "language"));
    }
    row.set("tags", tags.iter().map(|tag| word(tag, "value")).collect::<Vec<_>>().join("|"));
    if let Some(creator) = creators(annotation).first() {
        row.set("creator", written(creator));
    }
    row
}

/// `Name <URI>`, or what there is of it.
fn written(agent: &Agent) -> String {
    match (&agent.name, &agent.id) {
        (Some(name), Some(id)) => format!("{name} <{id}>"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

fn agent(cell: &str) -> Agent {
    match cell.strip_suffix('>').and_then(|text| text.rsplit_once(" <")) {
        Some((name, id)) => Agent::new(id).named(name),
        None if cell.contains("://") || cell.starts_with("mailto:") || cell.starts_with("urn:") => Agent::new(cell),
        None => Agent::default().named(cell),
    }
}

/// The annotation that the columns say.
fn value_of(row: &Row) -> Result<Value, Rejected> {
    let mut out = Map::new();
    out.insert("@context".to_owned(), CONTEXT.into());
    out.extend(row.word("id").map(|id| ("id".to_owned(), id.into())));
    out.insert("type".to_owned(), "Annotation".into());
    let words: Vec<Value> =
        row.get("motivation").split('|').map(str::trim).filter(|word| !word.is_empty()).map(Value::from).collect();
    out.extend(super::super::words::unlisted(words).map(|words| ("motivation".to_owned(), words)));
    out.extend(row.word("creator").map(|cell| ("creator".to_owned(), agent(cell).to_value())));
    for column in ["created", "modified"] {
        out.extend(row.word(column).map(|text| (column.to_owned(), text.into())));
    }
    let mut bodies = Vec::new();
    if !row.get("body").is_empty() {
        let mut body = Map::new();
        body.insert("type".to_owned(), "TextualBody".into());
        for column in ["format", "language"] {
            body.extend(row.word(column).map(|text| (column.to_owned(), text.into())));
        }
        body.insert("value".to_owned(), row.get("body").into());
        bodies.push(Value::Object(body));
    }
    let tags = row.get("tags").split('|').map(str::trim).filter(|tag| !tag.is_empty());
    bodies.extend(tags.map(|tag| json!({ "type": "TextualBody", "purpose": "tagging", "value": tag })));
    out.extend(super::super::words::unlisted(bodies).map(|bodies| ("body".to_owned(), bodies)));
    out.insert("target".to_owned(), target(row)?.into());
    Ok(Value::Object(out))
}

fn target(row: &Row) -> Result<String, Rejected> {
    let Some(canvas) = row.word("canvas") else {
        return Err(Rejected::new("canvas", "`canvas` is empty", "write the URI of the canvas"));
    };
    let mut parts = Vec::new();
    let sides = ["x", "y", "w", "h"].map(|column| (column, row.word(column)));
    if sides.iter().any(|(_, cell)| cell.is_some()) {
        let numbers = sides.map(|(column, cell)| number(column, cell));
        let mut texts = Vec::new();
        for number in numbers {
            texts.push(number?.to_string());
        }
        parts.push(format!("xywh={}", texts.join(",")));
    }
    match (row.word("t_start"), row.word("t_end")) {
        (None, None) => {}
        (start, end) => {
            let start = number("t_start", start.or(Some("0")))?;
            let end = end.map(|end| number("t_end", Some(end))).transpose()?;
            parts.push(format!("t={}", TimeSpan { start, end }));
        }
    }
    Ok(if parts.is_empty() { canvas.to_owned() } else { format!("{canvas}#{}", parts.join("&")) })
}

fn number(column: &str, cell: Option<&str>) -> Result<f64, Rejected> {
    let Some(text) = cell else {
        let message = format!("`{column}` is empty, and other numbers of the region are not");
        return Err(Rejected::new(column, message, "write all of x, y, w and h, or none"));
    };
    // Spreadsheets of some languages write decimals with a comma.
    let number = text.replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| Rejected::new(column, format!("`{column}` is `{text}`"), "write a number, 0 or more"))
}

/// Two forms of the same annotation are one here: a list of one and its item, a rectangle in a URI and in a selector.
fn normal(mut value: Value) -> Value {
    let Value::Object(fields) = &mut value else { return value };
    if fields.get("@context").is_some_and(|context| context == CONTEXT) {
        fields.shift_remove("@context");
    }
    for property in ["body", "motivation", "target"] {
        let one = match fields.get_mut(property) {
            Some(Value::Array(items)) if items.len() == 1 => items.pop(),
            _ => None,
        };
        fields.extend(one.map(|one| (property.to_owned(), one)));
    }
    if fields.get("body").is_some_and(|body| *body == json!([])) {
        fields.shift_remove("body");
    }
    if let Some(Value::String(uri)) = fields.get("creator") {
        let creator = Agent::new(uri).to_value();
        fields.insert("creator".to_owned(), creator);
    }
    if let Some(uri) = fields.get("target").and_then(normal_target) {
        fields.insert("target".to_owned(), uri.into());
    }
    value
}

fn normal_target(target: &Value) -> Option<String> {
    if let Value::String(uri) = target {
        let (plain, fragment) = uri.split_once('#')?;
        return Some(format!("{plain}#{}", normal_fragment(fragment)?));
    }
    let fields = target.as_object()?;
    let is_small = fields.keys().all(|name| matches!(name.as_str(), "type" | "source" | "selector"));
    let source = fields.get("source")?;
    let is_named = source.is_string()
        || source
            .as_object()
            .is_some_and(|source| types(source) == ["Canvas"] && source.len() == 2 && source.contains_key("id"));
    let uri = uri_of(source).filter(|uri| !uri.contains('#'))?;
    match list(fields.get("selector")) {
        [] if is_small && is_named => Some(uri.to_owned()),
        [Value::Object(selector)] if is_small && is_named => {
            let is_fragment = types(selector) == ["FragmentSelector"]
                && selector.keys().all(|name| matches!(name.as_str(), "type" | "value" | "conformsTo"));
            let fragment = selector.get("value")?.as_str().filter(|_| is_fragment)?;
            Some(format!("{uri}#{}", normal_fragment(fragment)?))
        }
        _ => None,
    }
}

/// A media fragment in one form, where columns can say it.
fn normal_fragment(fragment: &str) -> Option<String> {
    let (mut region, mut time) = (None, None);
    for part in fragment.split('&') {
        match part.split_once('=')? {
            ("xywh", value) => match region_of_fragment(part) {
                // Fractions and what lies beside the canvas would not come back.
                Ok(Some(Region::Pixels(Some(rect)))) if rect.to_string() == value.trim_start_matches("pixel:") => {
                    region = Some(rect);
                }
                _ => return None,
            },
            ("t", value) => time = Some(TimeSpan::parse(value)?),
            _ => return None,
        }
    }
    let parts = [region.map(|rect| format!("xywh={rect}")), time.map(|time| format!("t={time}"))];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join("&"))
}
