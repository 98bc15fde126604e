//! `recto doctor`: how well any IIIF endpoint does what it says, in a report that one can hand on.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use recto_doctor::{CHECKS, Options, Progress, Severity, examine};

use crate::output::{print, say};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto doctor https://example.org/iiif/3/page/info.json\n  recto doctor https://example.org/manifest.json --format html > report.html\n  recto doctor http://localhost:8080/ --only cors --only tiles\n\nAn info.json, a manifest, a collection, or a page that leads to one. Asks the server some hundred times and within some minutes; --most-requests and --delay make it gentler. Only hosts that the documents name are asked.\nEnds with 0 when no errors were found, 1 when some were, 2 when there was nothing to examine."
)]
pub(crate) struct Doctor {
    /// What to examine
    #[arg(value_name = "URL", required_unless_present = "list")]
    url: Option<String>,
    /// List the checks
    #[arg(long)]
    list: bool,
    /// Only these checks, by name
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// Most requests in all
    #[arg(long, default_value_t = Options::default().most_requests)]
    most_requests: u32,
    /// Pause before each request, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay: u64,
    /// Trust the authorities whose certificates are in this PEM file, instead of the public ones
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Write the report into this file instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// One page that needs nothing else
    Html,
}

/// Tells which check is under way, where somebody looks on.
struct Told {
    is_watched: bool,
}

impl Progress for Told {
    fn check(&mut self, title: &str) {
        if self.is_watched {
            say(&format!("… {title}"));
        }
    }

    fn request(&mut self, _method: &str, _url: &str) {}
}

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        if self.list {
            let line = |check: &recto_doctor::Check| format!("{:<24} {}\n", check.id, check.title);
            print(&CHECKS.iter().map(line).collect::<String>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let Some(url) = &self.url else { return Ok(ExitCode::from(2)) };
        for name in &self.only {
            anyhow::ensure!(
                CHECKS.iter().any(|check| check.id == *name),
                "there is no check `{name}`; `recto doctor --list` names them all"
            );
        }
        let trusted = match &self.trust {
            Some(file) => Some(fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?),
            None => None,
        };
        let options = Options {
            trusted,
            only: self.only.clone(),
            most_requests: self.most_requests,
            delay: Duration::from_millis(self.delay),
            ..Options::default()
        };
        let is_watched = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let report = examine(url, &options, &mut Told { is_watched });
        let text = match self.format {
            Format::Text => report.to_text(),
            Format::Json => serde_json::to_string_pretty(&report)?,
            Format::Html => report.to_html(),
        };
        match &self.out {
            Some(file) => fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))?,
            None => print(&text)?,
        }
        Ok(match report.worst() {
            _ if report.document.is_none() && report.image.is_none() => ExitCode::from(2),
            Some(Severity::Error) => ExitCode::from(1),
            _ => ExitCode::SUCCESS,
        })
    }
}
