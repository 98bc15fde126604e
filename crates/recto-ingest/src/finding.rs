//! What a reader noticed on its way, for the person who can put it right. Readers never fail: they give a value and these.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is missing.
    Note,
    /// Something was left out or guessed.
    Warning,
    /// Something that was certainly meant to be published is not.
    Error,
}

/// One thing that was noticed: where, which rule, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file or folder, as a path relative to the library.
    pub place: String,
    /// The rule's identifier: stable, lower-case words joined by hyphens.
    pub rule: &'static str,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}] {}: {}; {}", self.rule, self.place, self.message, self.fix)
    }
}

/// A bounded list of findings: a library in which everything is wrong must not fill the memory with saying so.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    left_out: u64,
}

impl Findings {
    /// Most findings that are kept word for word.
    pub(crate) const MOST: usize = 1000;

    pub(crate) fn push(&mut self, finding: Finding) {
        if self.list.len() < Self::MOST {
            self.list.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    /// All of them, with one more that counts what was left out.
    pub(crate) fn into_list(mut self) -> Vec<Finding> {
        if self.left_out > 0 {
            self.list.push(Finding {
                severity: Severity::Warning,
                place: ".".into(),
                rule: "many-findings",
                message: format!("{} more findings are not listed", self.left_out),
                fix: "put the listed ones right and look again".into(),
            });
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_bounded_and_the_rest_is_counted() {
        let mut findings = Findings::default();
        for number in 0..Findings::MOST + 7 {
            findings.push(Finding {
                severity: Severity::Error,
                place: number.to_string(),
                rule: "test",
                message: "broken".into(),
                fix: "mend it".into(),
            });
        }
        let list = findings.into_list();
        assert_eq!(list.len(), Findings::MOST + 1);
        assert_eq!(list[0].to_string(), "error[test] 0: broken; mend it");
        assert!(list[Findings::MOST].message.starts_with("7 more"));
    }
}
