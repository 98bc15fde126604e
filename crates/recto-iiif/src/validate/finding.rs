//! What rules are, and what they say.

use super::{DocumentKind, Tree, sections};

/// So many findings of one rule are enough to see what is wrong, and few enough to be held.
pub(super) const MOST_OF_A_RULE: usize = 1000;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The specification says "must".
    Error,
    /// The specification says "should".
    Warning,
    /// The specification allows it, and a viewer that many use stumbles over it. Never makes a document invalid.
    Viewer,
}

impl Severity {
    /// The severity in a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Viewer => "viewer",
        }
    }
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// Something that is not as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, which stays.
    pub rule: &'static str,
    /// Where the specification says so.
    pub section: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The place in the document, as a JSON pointer.
    pub pointer: String,
    /// The place in the text, where there was one.
    pub position: Option<Position>,
    /// What is wrong; names the property.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Viewers that stumble over it, with the version that was tried; empty but for [`Severity::Viewer`].
    pub viewers: &'static [&'static str],
}

/// A rule of a specification.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, which stays.
    pub id: &'static str,
    /// What it asks, in a sentence.
    pub title: &'static str,
    /// Where the specification says so.
    pub section: &'static str,
    /// The kinds of documents that it is for.
    pub kinds: &'static [DocumentKind],
    pub(super) check: fn(&Tree<'_>, &mut Findings),
}

impl Rule {
    /// The address of the section.
    pub fn url(&self) -> &'static str {
        sections::url(self.section)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("section", &self.section).finish_non_exhaustive()
    }
}

/// Collects what a rule finds.
#[derive(Debug)]
pub struct Findings {
    rule: Rule,
    found: Vec<Finding>,
    more: usize,
}

impl Findings {
    pub(super) const fn of(rule: &Rule) -> Self {
        Self { rule: *rule, found: Vec::new(), more: 0 }
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        pointer: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
        viewers: &'static [&'static str],
    ) {
        if self.found.len() == MOST_OF_A_RULE {
            self.more += 1;
            return;
        }
        let Rule { id, section, .. } = self.rule;
        let (pointer, message, fix) = (pointer.into(), message.into(), fix.into());
        self.found.push(Finding { rule: id, section, severity, pointer, position: None, message, fix, viewers });
    }

    pub(super) fn error(&mut self, pointer: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, pointer, message, fix, &[]);
    }

    pub(super) fn warning(&mut self, pointer: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, pointer, message, fix, &[]);
    }

    /// What has been found; where there was more, the last one says how much.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        if self.more > 0
            && let Some(last) = self.found.last_mut()
        {
            last.message.push_str(&format!("; {} more of this rule are not listed", self.more));
        }
        self.found
    }
}
