//! What a conversion or a tolerant reading has to say about a document: where, what, and what to do.

use std::fmt;

use serde_json::Value;

/// What happened to the part of the document that a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoteKind {
    /// The target version says it in another place or in another way.
    Moved,
    /// The source does not follow its specification; a value was chosen.
    Repaired,
    /// The target version cannot say it; it is left out.
    Lost,
}

/// Something that people should know about a document which was converted or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What happened.
    pub kind: NoteKind,
    /// The place in the document that was given, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What it is about; names the property.
    pub message: String,
    /// What can be done.
    pub remedy: String,
}

/// How many notes are kept: a document of millions of faults must not become as many texts.
const MOST: usize = 10_000;

/// Notes as they come.
#[derive(Debug, Default)]
pub(super) struct Notes {
    notes: Vec<Note>,
    left_out: usize,
}

impl Notes {
    pub(super) fn add(&mut self, kind: NoteKind, place: &Place<'_>, message: impl Into<String>, remedy: &str) {
        self.add_at(kind, place.pointer(), message, remedy);
    }

    pub(super) fn add_at(
        &mut self,
        kind: NoteKind,
        pointer: impl Into<String>,
        message: impl Into<String>,
        remedy: &str,
    ) {
        if self.notes.len() < MOST {
            let (pointer, message) = (pointer.into(), message.into());
            self.notes.push(Note { kind, pointer, message, remedy: remedy.to_owned() });
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn into_vec(mut self) -> Vec<Note> {
        if self.left_out > 0 {
            self.notes.push(Note {
                kind: NoteKind::Repaired,
                pointer: String::new(),
                message: format!("{} more notes are left out", self.left_out),
                remedy: "see to those above first".to_owned(),
            });
        }
        self.notes
    }
}

/// A place in a document: a step, and the place it was taken from. Costs nothing until a note needs it as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Document,
    Property(&'p str),
    /// Several steps, written as a pointer already.
    Path(&'p str),
    Index(usize),
}

impl Place<'_> {
    /// The document itself.
    pub(super) const DOCUMENT: Place<'static> = Place { parent: None, step: Step::Document };

    pub(super) fn at<'a>(&'a self, property: &'a str) -> Place<'a> {
        Place { parent: Some(self), step: Step::Property(property) }
    }

    /// Several steps at once, as a pointer without its first `/`.
    pub(super) fn path<'a>(&'a self, path: &'a str) -> Place<'a> {
        Place { parent: Some(self), step: Step::Path(path) }
    }

    pub(super) fn index(&self, index: usize) -> Place<'_> {
        Place { parent: Some(self), step: Step::Index(index) }
    }

    pub(super) fn pointer(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<&Place<'_>> = std::iter::successors(Some(self), |place| place.parent).collect();
        for place in steps.into_iter().rev() {
            match place.step {
                Step::Document => {}
                Step::Property(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1"))?,
                Step::Path(path) => write!(f, "/{path}")?,
                Step::Index(index) => write!(f, "/{index}")?,
            }
        }
        Ok(())
    }
}

/// How deep a document may be nested: as deep as a reader of JSON goes by itself.
const DEEPEST: usize = 127;

/// Cuts off what is nested deeper than any document of these specifications, so that all that follows may recurse.
pub(super) fn cut_depth(document: &mut Value, notes: &mut Notes) {
    let mut cut = Vec::new();
    let mut open = vec![(document, 0)];
    while let Some((value, depth)) = open.pop() {
        if depth >= DEEPEST && matches!(value, Value::Array(_) | Value::Object(_)) {
            cut.push(value.take());
            continue;
        }
        match value {
            Value::Array(items) => open.extend(items.iter_mut().map(|item| (item, depth + 1))),
            Value::Object(fields) => open.extend(fields.values_mut().map(|field| (field, depth + 1))),
            _ => {}
        }
    }
    if !cut.is_empty() {
        let message = format!("the document is nested deeper than {DEEPEST} levels; {} parts are cut off", cut.len());
        notes.add(NoteKind::Lost, &Place::DOCUMENT, message, "make it flatter");
    }
    // Taken apart level by level: dropping a deep value as a whole would need as deep a stack.
    while let Some(value) = cut.pop() {
        match value {
            Value::Array(items) => cut.extend(items),
            Value::Object(fields) => cut.extend(fields.into_iter().map(|(_, field)| field)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_a_json_pointer_with_its_signs_escaped() {
        let (items, item);
        items = Place::DOCUMENT.at("items");
        item = items.index(3);
        assert_eq!(Place::DOCUMENT.pointer(), "");
        assert_eq!(item.at("a/b~c").pointer(), "/items/3/a~1b~0c");
    }

    #[test]
    fn what_is_nested_too_deep_is_cut_off_and_said() {
        let mut document = Value::Null;
        for _ in 0..50_000 {
            document = Value::Array(vec![document]);
        }
        let mut notes = Notes::default();
        cut_depth(&mut document, &mut notes);
        let notes = notes.into_vec();
        assert_eq!((notes.len(), notes[0].kind), (1, NoteKind::Lost));
        assert_eq!(document.to_string().len(), 2 * DEEPEST + "null".len());
    }

    #[test]
    fn notes_have_a_bound() {
        let mut notes = Notes::default();
        for _ in 0..MOST + 5 {
            notes.add(NoteKind::Lost, &Place::DOCUMENT, "x", "y");
        }
        let notes = notes.into_vec();
        assert_eq!(notes.len(), MOST + 1);
        assert_eq!(notes[MOST].message, "5 more notes are left out");
    }
}
