//! What a reader noticed on its way, for the person who can put it right. Readers never fail: they give a value and these.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is missing.
    Note,
    /// Something was left out or guessed.
    Warning,
    /// Something that was certainly meant to be published is not.
    Error,
}

/// One thing that was noticed: where, which rule, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file or folder, as a path relative to the library.
    pub place: String,
    /// The line of the file (the row of a table), from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column of the line: of characters in text, of cells in a table; from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The rule's identifier: stable, lower-case words joined by hyphens.
    pub rule: &'static str,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl Finding {
    /// Something that was noticed about a whole file or folder.
    pub fn new(
        severity: Severity,
        rule: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity, place: place.into(), line: None, column: None, rule, message: message.into(), fix: fix.into() }
    }

    /// The same, at this line (the row of a table), from 1.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    /// The same, at this column of the line, from 1.
    #[must_use]
    pub fn at_column(mut self, column: u32) -> Self {
        self.column = Some(column);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}] {}", self.rule, self.place)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}; {}", self.message, self.fix)
    }
}

/// A bounded list of findings: a library in which everything is wrong must not fill the memory with saying so, and a
/// thousand small matters must not hide a great one.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    count_by_rule: BTreeMap<&'static str, usize>,
}

impl Findings {
    /// Most findings of one rule that are kept word for word.
    pub(crate) const MOST_OF_A_RULE: usize = 200;

    pub(crate) fn push(&mut self, finding: Finding) {
        let count = self.count_by_rule.entry(finding.rule).or_default();
        *count += 1;
        if *count <= Self::MOST_OF_A_RULE {
            self.list.push(finding);
        }
    }

    /// All of them, with one more for each rule of which some were left out.
    pub(crate) fn into_list(mut self) -> Vec<Finding> {
        for (rule, count) in self.count_by_rule {
            if let Some(left_out @ 1..) = count.checked_sub(Self::MOST_OF_A_RULE) {
                self.list.push(Finding::new(
                    Severity::Note,
                    "more-findings",
                    ".",
                    format!("{left_out} more findings of `{rule}` are not listed"),
                    "put the listed ones right and look again",
                ));
            }
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &'static str, place: usize) -> Finding {
        Finding::new(Severity::Error, rule, place.to_string(), "broken", "mend it")
    }

    #[test]
    fn many_findings_of_one_rule_are_counted_and_hide_no_other() {
        let mut findings = Findings::default();
        for place in 0..Findings::MOST_OF_A_RULE + 7 {
            findings.push(finding("small", place));
        }
        findings.push(finding("great", 0));
        let list = findings.into_list();
        assert_eq!(list.len(), Findings::MOST_OF_A_RULE + 2);
        assert_eq!(list[0].to_string(), "error[small] 0: broken; mend it");
        assert_eq!(list[1].clone().at_line(3).at_column(7).to_string(), "error[small] 1:3:7: broken; mend it");
        assert_eq!(list[Findings::MOST_OF_A_RULE].rule, "great");
        assert_eq!(list[Findings::MOST_OF_A_RULE + 1].message, "7 more findings of `small` are not listed");
    }
}
