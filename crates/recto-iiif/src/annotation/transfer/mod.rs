//! Many annotations at once: JSON-LD documents, JSON Lines, tables, dumps of SimpleAnnotationServer. Each annotation is taken or not by
//! itself, and says where it stood.

mod cells;
mod json;
mod lines;
mod table;

use std::fmt;

use super::{Annotation, Rejected};

pub use json::{read_json, write_json};
pub use lines::{read_json_lines, write_json_lines};
pub use table::{COLUMNS, read_csv, write_csv};

/// Where an annotation stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a JSON document, as a JSON pointer.
    Pointer(String),
    /// In a line of a text or a table, counted from 1.
    Line(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) if pointer.is_empty() => f.write_str("the document"),
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// An annotation of an import.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it stood.
    pub place: Place,
    /// The annotation, or why it is not taken.
    pub outcome: Result<Annotation, Rejected>,
}

/// The forms that can be read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An annotation, a page, a list, a collection with embedded pages, an array.
    Json,
    /// An annotation a line.
    JsonLines,
    /// A table with a header.
    Csv,
}

impl Format {
    /// The form that a text has by its look.
    pub fn of(text: &str) -> Self {
        let start = text.trim_start_matches('\u{feff}').trim_start();
        if !start.starts_with(['{', '[']) {
            return Self::Csv;
        }
        // A whole object in the first line, and another in the next.
        let mut lines = start.lines().filter(|line| !line.trim().is_empty());
        let is_whole = |line: &str| line.trim_start().starts_with('{') && line.trim_end().ends_with('}');
        match (lines.next(), lines.next()) {
            (Some(first), Some(second)) if is_whole(first) && is_whole(second) => Self::JsonLines,
            _ => Self::Json,
        }
    }

    /// The form of a media type, without its parameters.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.to_ascii_lowercase().as_str() {
            "application/ld+json" | "application/json" => Some(Self::Json),
            "application/x-ndjson" | "application/jsonl" => Some(Self::JsonLines),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The form of a file of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "json" | "jsonld" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Reads a text of this form, and no more annotations than `max_items`.
pub fn read(
    text: &str,
    format: Format,
    options: &super::AcceptOptions,
    max_items: usize,
) -> Result<Vec<Item>, Rejected> {
    match format {
        Format::Json => read_json(text, options, max_items),
        Format::JsonLines => read_json_lines(text, options, max_items),
        Format::Csv => read_csv(text, options, max_items),
    }
}

fn too_many(max_items: usize) -> Rejected {
    Rejected::too_large(format!("there are more than {max_items} annotations"), "divide the file")
}
