//! `recto validate`: are documents what the specification says? Files and folders need no network.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use recto_iiif::validate::{Finding, MOST_BYTES, Severity, sarif, validate_text};
use serde_json::{Value, json};

use crate::output::print;

/// Longest wait for a document on the web.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For editors and services that show findings at their line
    Sarif,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto validate manifest.json\n  recto validate manifests/ --format sarif > findings.sarif\n  recto validate https://example.org/manifest\n  curl -s https://example.org/manifest | recto validate -\n\nWhat a document is it says itself: Presentation 2.x, 3.0 and the draft of 4.0, info.json, annotations, search answers, auth, Change Discovery, Content State. Each finding names the rule, the line and the JSON pointer, and what to do; traps of viewers are told as such and make no document invalid.\nEnds with 0 when there are no errors, 1 when there are, 2 when a file could not be read."
)]
pub(crate) struct Validate {
    /// Files, folders of `.json` files, URLs, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
            let findings = validate_text(&read(&path)?);
            reports.push((path, findings));
        }
        let counts = |finding: &&Finding| self.strict || finding.severity == Severity::Error;
        let has_errors = reports.iter().any(|(_, findings)| findings.iter().any(|finding| counts(&finding)));
        match self.format {
            Format::Json => print(&serde_json::to_string_pretty(&json_of(&reports))?)?,
            Format::Text => print(&text_of(&reports))?,
            Format::Sarif => {
                let named: Vec<_> =
                    reports.into_iter().map(|(path, findings)| (path.display().to_string(), findings)).collect();
                print(&serde_json::to_string_pretty(&sarif(&named))?)?;
            }
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

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let mut text = Vec::new();
    // One byte more than is allowed tells that there is more.
    let most = MOST_BYTES as u64 + 1;
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut text)
    } else if let Some(url) = path.to_str().filter(|text| text.starts_with("https://") || text.starts_with("http://")) {
        return fetch(url, most);
    } else {
        fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut text))
    }
    .with_context(|| format!("cannot read {name}"))?;
    Ok(text)
}

pub(super) fn fetch(url: &str, most: u64) -> anyhow::Result<Vec<u8>> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .user_agent(concat!("recto/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut answer = agent.get(url).call().with_context(|| format!("{url} cannot be had"))?;
    let read = answer.body_mut().with_config().limit(most).read_to_vec();
    read.with_context(|| format!("{url} broke off, or is longer than {} MiB", most >> 20))
}

fn json_of(reports: &[(PathBuf, Vec<Finding>)]) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "rule": finding.rule,
            "severity": word(finding.severity),
            "section": finding.section,
            "pointer": finding.pointer,
            "line": finding.position.map(|position| position.line),
            "column": finding.position.map(|position| position.column),
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
        for Finding { rule, section, severity, pointer, message, fix, position, .. } in findings {
            let place = if pointer.is_empty() { "/" } else { pointer };
            let line = position.map(|position| format!("line {}, ", position.line)).unwrap_or_default();
            text.push_str(&format!(
                "  {} {rule} at {line}{place}: {message}\n    {fix} ({section})\n",
                word(*severity)
            ));
        }
    }
    text
}
