//! The report as one page of HTML that needs nothing else, to be handed on.

use crate::report::{Report, Severity};
use crate::text::level;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}\
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{margin-top:2rem;font-size:1.15rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
details{border:1px solid #ddd;border-left:.4rem solid #888;margin:.5rem 0;padding:.4rem .8rem;border-radius:.2rem}\
summary{cursor:pointer}dt{font-weight:600;margin-top:.4rem}dd{margin:0;overflow-wrap:anywhere}code{overflow-wrap:anywhere}\
.error{border-left-color:#b3261e}.warning{border-left-color:#b26a00}.viewer{border-left-color:#6b4fa0}.note{border-left-color:#3b6ea5}\
.pass{border-left-color:#2e7d32}.word{font-weight:600;display:inline-block;min-width:5rem}";

/// Text in HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn row(html: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        html.push_str(&format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(name), escape(value)));
    }
}

impl Report {
    /// The report as a page. It loads nothing, runs nothing, and holds no text that is not escaped.
    pub fn to_html(&self) -> String {
        let url = escape(&self.url);
        let mut html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>IIIF examination of {url}</title><style>{STYLE}</style></head><body><h1>IIIF examination of {url}</h1><table>"
        );
        row(&mut html, "Server", self.server.as_deref().unwrap_or_default());
        if let Some(document) = &self.document {
            row(&mut html, "Document", &format!("{}, Presentation API {}", document.kind, document.version));
            row(&mut html, "Label", &document.label);
            row(&mut html, "Items", &document.items.to_string());
            row(&mut html, "Length", &format!("{} bytes", document.bytes));
            let problems = format!("{} errors, {} warnings", document.validation_errors, document.validation_warnings);
            row(&mut html, "Validation", &problems);
        }
        if let Some(image) = &self.image {
            row(&mut html, "Image service", &format!("{}, Image API {}", image.url, image.version));
            row(&mut html, "Size", &format!("{} × {} px", image.width_px, image.height_px));
            row(&mut html, "Level claimed", &level(image.claimed_level));
            row(&mut html, "Level reached", &level(image.reached_level));
            if let (Some(median), Some(p95)) = (image.tile_median_ms, image.tile_p95_ms) {
                row(&mut html, "A tile takes", &format!("{median} ms (median), {p95} ms (19 of 20)"));
            }
        }
        let counts = Severity::ALL.map(|severity| format!("{} {}", self.count(severity), severity.word()));
        row(&mut html, "Findings", &counts.join(", "));
        row(&mut html, "Requests", &self.requests.to_string());
        html.push_str("</table>");
        for severity in Severity::ALL {
            self.section_into(&mut html, severity);
        }
        self.features_into(&mut html);
        html.push_str("</body></html>\n");
        html
    }

    fn section_into(&self, html: &mut String, severity: Severity) {
        let title = match severity {
            Severity::Error => "Errors",
            Severity::Warning => "Warnings",
            Severity::Viewer => "Trouble with viewers in use",
            Severity::Note => "Notes",
            Severity::Pass => "In order",
        };
        let findings: Vec<_> = self.findings.iter().filter(|finding| finding.severity == severity).collect();
        if findings.is_empty() {
            return;
        }
        html.push_str(&format!("<h2>{title} ({})</h2>", findings.len()));
        for finding in findings {
            let word = severity.word();
            let open = if severity <= Severity::Warning { " open" } else { "" };
            html.push_str(&format!(
                "<details class=\"{word}\"{open}><summary><span class=\"word\">{word}</span> {} \
                 <code>{}</code></summary><dl>",
                escape(&finding.message),
                escape(finding.check)
            ));
            for (name, value) in [
                ("Done", finding.done.as_str()),
                ("Seen", &finding.seen),
                ("Why it matters", finding.why),
                ("What to do", &finding.remedy),
                ("Specification", finding.section),
            ] {
                if !value.is_empty() {
                    html.push_str(&format!("<dt>{name}</dt><dd>{}</dd>", escape(value)));
                }
            }
            html.push_str("</dl></details>");
        }
    }

    fn features_into(&self, html: &mut String) {
        let Some(image) = &self.image else { return };
        html.push_str(
            "<h2>Features of the image service</h2><table><tr><th>Feature</th><th>Required at level</th><th>Claimed</th><th>Works</th></tr>",
        );
        for feature in &image.features {
            let works = match feature.works {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not tried",
            };
            html.push_str(&format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{works}</td></tr>",
                escape(feature.name),
                feature.required_at.map_or_else(|| "–".to_owned(), |level| level.to_string()),
                if feature.claimed { "yes" } else { "no" },
            ));
        }
        html.push_str("</table>");
    }
}
