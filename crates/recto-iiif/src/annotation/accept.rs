//! An annotation that somebody sent, read, checked and made safe.

use serde_json::{Map, Value};

use super::check::Checker;
use super::words::{IIIF_MOTIVATIONS, NOT_GIVEN, SHARED_MOTIVATIONS, types};
use super::{Rejected, annotot, clean, fit, from_open, shape};
use crate::presentation::{Note, NoteKind};

/// What is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptOptions {
    /// Most bytes of one annotation as JSON.
    pub max_bytes: usize,
    /// Most bodies of one annotation.
    pub max_bodies: usize,
    /// Most targets of one annotation.
    pub max_targets: usize,
    /// How deep an annotation may be nested; never more than 64.
    pub max_depth: usize,
    /// Motivations that are taken, without prefixes; empty for all. `painting` is none that people give, for it would change the page.
    pub motivations: Vec<String>,
    /// What is written before targets that are no URIs, such as names of pages in files beside an object; they are rejected where there is
    /// nothing to write.
    pub relative_targets: Option<String>,
    /// Are URIs with blanks and the like mended by percent-encoding, and what else names nothing left out? Both are rejected where not.
    pub mends: bool,
}

impl Default for AcceptOptions {
    fn default() -> Self {
        let more = IIIF_MOTIVATIONS.iter().filter(|word| !NOT_GIVEN.contains(word));
        Self {
            max_bytes: 256 * 1024,
            max_bodies: 50,
            max_targets: 50,
            max_depth: 32,
            motivations: SHARED_MOTIVATIONS.iter().chain(more).map(|word| (*word).to_owned()).collect(),
            relative_targets: None,
            mends: false,
        }
    }
}

impl AcceptOptions {
    /// No whitelist of motivations, and generous limits: for what an administrator imports or a curator lays beside an object.
    pub fn generous() -> Self {
        Self {
            max_bytes: 4 * 1024 * 1024,
            max_bodies: 1000,
            max_targets: 1000,
            max_depth: 64,
            motivations: Vec::new(),
            relative_targets: None,
            mends: true,
        }
    }
}

/// An annotation in the form of the Web Annotation Data Model that may be stored: checked, and without anything that could run in a
/// browser. Members that the model does not name are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    json: Map<String, Value>,
    notes: Vec<Note>,
}

impl Annotation {
    /// Reads JSON.
    pub fn parse(text: &str, options: &AcceptOptions) -> Result<Self, Rejected> {
        if text.len() > options.max_bytes {
            return Err(shape::over(options.max_bytes));
        }
        Self::accept(json(text)?, options)
    }

    /// Takes an annotation: of the W3C, of Open Annotation as Presentation 2.1 has it, or as clients of Annotot wrap it.
    pub fn accept(value: Value, options: &AcceptOptions) -> Result<Self, Rejected> {
        shape::bounded(&value, options.max_depth, options.max_bytes)?;
        if annotot::is_wrapped(&value) {
            return annotot::read_value(&value, options).map(|sent| sent.annotation);
        }
        let Value::Object(mut fields) = value else {
            return Err(Rejected::new("", "an annotation is an object", "write `{\"type\": \"Annotation\", …}`"));
        };
        fit::whole_words(&mut fields);
        let is_open = is_open(&fields);
        let mut fields = if is_open { from_open(fields) } else { fields };
        let mut notes = Vec::new();
        let mut checker = Checker::new(options, is_open);
        fit::leftovers(&mut fields, &checker, &mut notes);
        fit::iris(&mut fields, &mut checker, &mut notes);
        checker.annotation(&mut fields, &mut notes);
        clean::clean(&mut fields, &mut checker, &mut notes);
        fit::shapes(&mut fields, &checker, &mut notes);
        fit::validated(&mut fields, &mut checker, &mut notes);
        checker.finish()?;
        Ok(Self { json: fields, notes })
    }

    /// The annotation.
    pub const fn json(&self) -> &Map<String, Value> {
        &self.json
    }

    /// The annotation as a value.
    pub fn into_value(self) -> Value {
        Value::Object(self.json)
    }

    /// The name that its sender gave it, if any.
    pub fn id(&self) -> Option<&str> {
        self.json.get("id").and_then(Value::as_str)
    }

    /// The same under another name.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.json.insert("id".to_owned(), id.into());
        self
    }

    /// What was changed, and why: harmful parts that were taken away, older words that were brought up to date.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// Reads a text as JSON.
pub(super) fn json(text: &str) -> Result<Value, Rejected> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        let message = format!("the text is no JSON: {what} (line {line}, column {column})");
        Rejected::new("", message, "send one JSON object")
    })
}

/// True for the words of Open Annotation.
pub(super) fn is_open(fields: &Map<String, Value>) -> bool {
    let has_new = fields.contains_key("target") || fields.contains_key("body");
    fields.contains_key("on")
        || fields.contains_key("resource")
        || (!has_new && fields.contains_key("@type") && types(fields).contains(&"Annotation"))
        || (fields.contains_key("@type") && !fields.contains_key("type"))
}

pub(super) fn note(notes: &mut Vec<Note>, kind: NoteKind, pointer: &str, message: impl Into<String>, remedy: &str) {
    // So many are enough for people, and few enough to be held.
    if notes.len() < 100 {
        notes.push(Note { kind, pointer: pointer.to_owned(), message: message.into(), remedy: remedy.to_owned() });
    }
}
