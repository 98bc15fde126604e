//! `recto check`: everything that is the matter with a library, before it is published. Reads, and changes nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use recto_ingest::{Describer, Finding, Library, LibraryOptions, Severity};
use serde_json::json;

use super::offline::Offline;
use crate::output::{OutputFormat, print};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto check ~/scans\n  recto check ~/scans --format json | jq '.findings[] | select(.severity == \"error\")'\n\nReads folders, tables, sidecars and descriptions (METS, MODS, TEI …) as `recto serve` would, and tells what is wrong with its place and the remedy. Texts of pages are read and held against the sizes of their images; `recto info` tells more about the images.\nEnds with 0 when there are no errors, 1 when there are."
)]
pub(crate) struct Check {
    /// Folders, as they are given to `recto serve`
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// Leave the texts of pages (ALTO, hOCR, PAGE, captions …) and the sizes of their images unread
    #[arg(long)]
    skip_texts: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What there is, and what is the matter with it.
struct Checked {
    collections: usize,
    objects: usize,
    files: usize,
    findings: Vec<Finding>,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        for folder in &self.folders {
            anyhow::ensure!(
                folder.is_dir(),
                "`{}` is no folder; name the folder that holds the objects",
                folder.display()
            );
        }
        let library = Library::new(&self.folders, LibraryOptions::default()).context("these folders are no library")?;
        let mut checked = check(&library);
        if !self.skip_texts {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            let texts = runtime.block_on(async { Offline::open_all(&self.folders)?.text_findings().await })?;
            checked.findings.extend(texts);
        }
        let counts = |finding: &&Finding| {
            finding.severity == Severity::Error || (self.strict && finding.severity == Severity::Warning)
        };
        let has_errors = checked.findings.iter().any(|finding| counts(&finding));
        match self.format {
            OutputFormat::Json => print(&serde_json::to_string_pretty(&json!({
                "collections": checked.collections,
                "objects": checked.objects,
                "files": checked.files,
                "findings": checked.findings,
            }))?)?,
            OutputFormat::Text => print(&text(&checked))?,
        }
        Ok(ExitCode::from(u8::from(has_errors)))
    }
}

fn check(library: &Library) -> Checked {
    let tree = library.scan();
    let mut describer = Describer::new(library, &tree);
    let mut findings = tree.findings().to_vec();
    let mut identifiers = std::collections::HashMap::new();
    for collection in tree.collections() {
        findings.extend(describer.collection(collection).findings);
    }
    for object in tree.objects() {
        let described = describer.object(object);
        findings.extend(described.findings);
        if let Some(first) = identifiers.insert(described.identifier.clone(), object.identifier.clone()) {
            findings.push(Finding::new(
                Severity::Error,
                "identifier-taken",
                object.identifier.as_str(),
                format!("its identifier `{}` is that of `{first}` already", described.identifier),
                "give each its own `id`",
            ));
        }
    }
    findings.extend(describer.into_findings());
    Checked {
        collections: tree.collections().len(),
        objects: tree.objects().len(),
        files: tree.objects().iter().map(|object| object.files.len()).sum(),
        findings,
    }
}

fn text(checked: &Checked) -> String {
    let mut text = String::new();
    for finding in &checked.findings {
        text.push_str(&format!("{finding}\n"));
    }
    let count = |severity: Severity| checked.findings.iter().filter(|finding| finding.severity == severity).count();
    text.push_str(&format!(
        "{} collections, {} objects, {} files: {} errors, {} warnings, {} notes\n",
        checked.collections,
        checked.objects,
        checked.files,
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note)
    ));
    text
}
