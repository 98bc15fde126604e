//! Findings of many files for `tests/validators/agreement.py`: file names on standard input, one line of JSON for each on standard
//! output. With `--time`, how long each took is told on standard error.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for scripts speaks on its standard output")]

use std::io::BufRead as _;
use std::time::Instant;

use recto_iiif::validate::{Finding, Severity, recognise, validate_text};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let times = std::env::args().any(|argument| argument == "--time");
    for file in std::io::stdin().lock().lines() {
        let file = file?;
        let text = std::fs::read(&file)?;
        let start = Instant::now();
        let findings = validate_text(&text);
        if times {
            eprintln!("{file}: {} bytes, {} findings, {:?}", text.len(), findings.len(), start.elapsed());
        }
        let document: Value =
            serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text)).unwrap_or_default();
        let of = |severity: Severity| {
            findings.iter().filter(move |finding| finding.severity == severity).map(told).collect::<Vec<_>>()
        };
        println!(
            "{}",
            json!({
                "file": file, "kind": recognise(&document).name(), "errors": of(Severity::Error),
                "warnings": of(Severity::Warning), "viewers": of(Severity::Viewer),
            })
        );
    }
    Ok(())
}

fn told(finding: &Finding) -> Value {
    let position = finding.position.map(|position| [position.line, position.column]);
    json!({"rule": finding.rule, "pointer": finding.pointer, "message": finding.message, "position": position})
}
