//! What is wrong with an annotation that somebody sent: the place, what, and what to do.

use std::fmt;

use crate::ErrorKind;

/// So many faults of one annotation are told.
const MOST: usize = 50;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place in the document as it was sent, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong; names the property.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        write!(f, "{}; {}", self.message, self.remedy)
    }
}

/// Why an annotation is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    kind: ErrorKind,
    /// All that is wrong, at least one.
    pub faults: Vec<Fault>,
}

impl Rejected {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let fault = Fault { pointer: pointer.into(), message: message.into(), remedy: remedy.into() };
        Self { kind: ErrorKind::Malformed, faults: vec![fault] }
    }

    pub(super) fn too_large(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: ErrorKind::TooLarge, ..Self::new("", message, remedy) }
    }

    /// What kind of failure it is: `Malformed`, or `TooLarge` for what is over a limit of size.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same, for an annotation that stands at this place of a greater document.
    #[must_use]
    pub fn under(mut self, pointer: &str) -> Self {
        for fault in &mut self.faults {
            fault.pointer.insert_str(0, pointer);
        }
        self
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.faults.first() {
            first.fmt(f)?;
        }
        match self.faults.len() {
            0 | 1 => Ok(()),
            count => write!(f, " (and {} more)", count - 1),
        }
    }
}

impl std::error::Error for Rejected {}

/// Faults as they are found.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(Fault { pointer: pointer.into(), message: message.into(), remedy: remedy.into() });
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn finish(self) -> Result<(), Rejected> {
        if self.0.is_empty() { Ok(()) } else { Err(Rejected { kind: ErrorKind::Malformed, faults: self.0 }) }
    }
}
