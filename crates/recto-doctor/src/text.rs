//! The report as plain text for terminals.

use crate::report::{Report, Severity};

/// Errors, warnings and notes can be counted; what viewers trip over and what passed has one word.
fn counted(count: usize, severity: Severity) -> String {
    let is_counted = matches!(severity, Severity::Error | Severity::Warning | Severity::Note);
    let plural = if is_counted && count != 1 { "s" } else { "" };
    format!("{count} {}{plural}", severity.word())
}

impl Report {
    /// The report as text, the worst first, without colour.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.url);
        if let Some(server) = &self.server {
            text.push_str(&format!("server: {server}\n"));
        }
        if let Some(document) = &self.document {
            text.push_str(&format!(
                "{} {} · {} items · {} bytes · {} errors, {} warnings in the document\n",
                document.kind,
                document.version,
                document.items,
                document.bytes,
                document.validation_errors,
                document.validation_warnings
            ));
        }
        if let Some(image) = &self.image {
            text.push_str(&format!(
                "Image API {} · {} x {} px · level claimed: {} · level reached: {}\n",
                image.version,
                image.width_px,
                image.height_px,
                level(image.claimed_level),
                level(image.reached_level)
            ));
            let broken = image.features.iter().filter(|feature| feature.claimed && feature.works == Some(false));
            let broken: Vec<_> = broken.map(|feature| feature.name).collect();
            if !broken.is_empty() {
                text.push_str(&format!("claimed, but do not work: {}\n", broken.join(", ")));
            }
        }
        let counts = Severity::ALL.map(|severity| counted(self.count(severity), severity));
        text.push_str(&format!("{} · {} requests\n", counts.join(", "), self.requests));
        for severity in Severity::ALL {
            for finding in self.findings.iter().filter(|finding| finding.severity == severity) {
                text.push_str(&format!("\n{:<8} {}: {}\n", severity.word(), finding.check, finding.message));
                if severity == Severity::Pass {
                    continue;
                }
                let lines = [("did", &finding.done), ("saw", &finding.seen), ("do", &finding.remedy)];
                for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
                    text.push_str(&format!("         {name}: {value}\n"));
                }
                text.push_str(&format!("         see: {}\n", finding.section));
            }
        }
        text
    }
}

pub(crate) fn level(level: Option<u8>) -> String {
    level.map_or_else(|| "none".to_owned(), |level| level.to_string())
}
