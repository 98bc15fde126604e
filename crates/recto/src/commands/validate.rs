//! `recto validate`: are documents what the specification says? Works without a network.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use recto_iiif::presentation::validate::{Finding, Severity, validate};
use serde_json::{Value, json};

use crate::output::{OutputFormat, print};

/// Longer files are not read.
const MOST_BYTES: u64 = 256 << 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto validate manifest.json\n  recto validate manifests/ --format json\n  curl -s https://example.org/manifest | recto validate -\n\nPresentation 3.0 manifests, collections, ranges, canvases and annotation pages. Each finding names the rule, the place as a JSON pointer, and what to do.\nEnds with 0 when there are no errors, 1 when there are, 2 when a file could not be read."
)]
pub(crate) struct Validate {
    /// Files, folders of `.json` files, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

impl Validate {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut files = Vec::new();
        for path in &self.files {
            collect(path, &mut files)?;
        }
        if files.is_empty() {
            bail!("there is no `.json` file in what was named; name a file, or a folder that has some");
        }
        let mut reports = Vec::with_capacity(files.len());
        for path in files {
            let document = read(&path)?;
            reports.push((path, validate(&document)));
        }
        let counts = |finding: &&Finding| self.strict || finding.severity == Severity::Error;
        let has_errors = reports.iter().any(|(_, findings)| findings.iter().any(|finding| counts(&finding)));
        match self.format {
            OutputFormat::Json => print(&serde_json::to_string_pretty(&json_of(&reports))?)?,
            OutputFormat::Text => print(&text_of(&reports))?,
        }
        Ok(ExitCode::from(u8::from(has_errors)))
    }
}

/// The files that are meant, folders in order of their names. Links to folders are not followed, so there is an end.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.as_os_str() == "-" || !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot look into {}", folder.display()))?;
        let mut entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
                files.push(entry.path());
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let name = path.display();
    let mut text = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text))
    }
    .with_context(|| format!("cannot read {name}"))?;
    if text.len() as u64 > MOST_BYTES {
        bail!("{name} is longer than {} MiB, which no viewer loads", MOST_BYTES >> 20);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    serde_json::from_slice(text).with_context(|| format!("{name} is no JSON"))
}

fn json_of(reports: &[(PathBuf, Vec<Finding>)]) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "rule": finding.rule,
            "severity": word(finding.severity),
            "section": finding.section,
            "pointer": finding.pointer,
            "message": finding.message,
            "fix": finding.fix,
        })
    };
    let report = |(path, findings): &(PathBuf, Vec<Finding>)| json!({"file": path.display().to_string(), "findings": findings.iter().map(finding).collect::<Vec<_>>()});
    reports.iter().map(report).collect()
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Viewer => "viewer",
    }
}

fn text_of(reports: &[(PathBuf, Vec<Finding>)]) -> String {
    let mut text = String::new();
    for (path, findings) in reports {
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let verdict = match (errors, findings.len() - errors) {
            (0, 0) => "as it should be".to_owned(),
            (errors, warnings) => format!("{errors} errors, {warnings} warnings"),
        };
        text.push_str(&format!("{}: {verdict}\n", path.display()));
        for Finding { rule, section, severity, pointer, message, fix, .. } in findings {
            let place = if pointer.is_empty() { "/" } else { pointer };
            text.push_str(&format!("  {} {rule} at {place}: {message}\n    {fix} ({section})\n", word(*severity)));
        }
    }
    text
}
