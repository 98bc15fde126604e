//! `recto manifest`: build documents, bring them from version to version, compare them. JSON on standard output, findings on
//! standard error.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use recto_iiif::presentation::{Note, Version, convert, diff};
use serde_json::{Value, json};

use super::offline::Offline;
use crate::output::{OutputFormat, print, say};

/// Longer files are not read.
const MOST_BYTES: u64 = 256 << 20;

#[derive(Debug, Args)]
pub(crate) struct ManifestCommand {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the manifest of a folder, as `recto serve` would publish it
    #[command(
        after_help = "Example:\n  recto manifest build letters --base-url https://iiif.example.org > manifest.json"
    )]
    Build(Build),
    /// Bring a document to a newer version
    #[command(after_help = "Example:\n  recto manifest upgrade old.json --to 3 > new.json")]
    Upgrade(Convert),
    /// Bring a document to an older version; what it cannot say is told
    #[command(after_help = "Example:\n  recto manifest downgrade new.json --to 2 > old.json")]
    Downgrade(Convert),
    /// Compare two documents by what is in them: ends with 0 when they say the same, else 1
    #[command(after_help = "Example:\n  recto manifest diff before.json after.json")]
    Diff(Diff),
}

#[derive(Debug, Args)]
struct Build {
    /// The folder of one object
    folder: PathBuf,
    /// Public URL of the server that will serve it
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    base_url: String,
    /// Version of the Presentation API
    #[arg(long, value_enum, default_value_t)]
    to: To,
}

#[derive(Debug, Args)]
struct Convert {
    /// A file, or `-` for standard input
    file: PathBuf,
    /// Version of the Presentation API; for `upgrade` 3, for `downgrade` 2 where it is not said
    #[arg(long, value_enum)]
    to: Option<To>,
    /// How notes are told on standard error
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Debug, Args)]
struct Diff {
    /// The earlier document
    before: PathBuf,
    /// The later document
    after: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    /// Presentation API 2.1
    #[value(name = "2")]
    V2,
    /// Presentation API 3.0
    #[default]
    #[value(name = "3")]
    V3,
    /// The draft of Presentation API 4.0
    #[value(name = "4")]
    V4,
}

impl From<To> for Version {
    fn from(to: To) -> Self {
        match to {
            To::V2 => Self::V2,
            To::V3 => Self::V3,
            To::V4 => Self::V4,
        }
    }
}

impl ManifestCommand {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Action::Build(build) => build.run(),
            Action::Upgrade(convert) => convert.run(To::V3),
            Action::Downgrade(convert) => convert.run(To::V2),
            Action::Diff(diff) => diff.run(),
        }
    }
}

impl Convert {
    fn run(self, usual: To) -> anyhow::Result<ExitCode> {
        let document = read(&self.file)?;
        if Version::of(&document).is_none() {
            bail!(
                "{} is no document of the Presentation API; it has neither its `@context` nor its types",
                self.file.display()
            );
        }
        let (converted, notes) = convert(document, self.to.unwrap_or(usual).into());
        print(&serde_json::to_string_pretty(&converted)?)?;
        tell(&notes, self.format)?;
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn tell(notes: &[Note], format: OutputFormat) -> anyhow::Result<()> {
    match format {
        OutputFormat::Text => notes.iter().for_each(|note| {
            let place = if note.pointer.is_empty() { "/" } else { &note.pointer };
            say(&format!(
                "{} at {place}: {}; {}",
                format!("{:?}", note.kind).to_lowercase(),
                note.message,
                note.remedy
            ));
        }),
        OutputFormat::Json => {
            let note = |note: &Note| json!({"kind": format!("{:?}", note.kind).to_lowercase(), "pointer": note.pointer, "message": note.message, "remedy": note.remedy});
            say(&serde_json::to_string_pretty(&notes.iter().map(note).collect::<Vec<_>>())?);
        }
    }
    Ok(())
}

impl Diff {
    fn run(self) -> anyhow::Result<ExitCode> {
        let found = diff::diff(&read(&self.before)?, &read(&self.after)?);
        match self.format {
            OutputFormat::Text => print(&found.iter().map(|difference| format!("{difference}\n")).collect::<String>())?,
            OutputFormat::Json => {
                let difference = |difference: &diff::Difference| json!({"kind": format!("{:?}", difference.kind).to_lowercase(), "before": difference.before, "after": difference.after, "message": difference.message});
                print(&serde_json::to_string_pretty(&found.iter().map(difference).collect::<Vec<_>>())?)?;
            }
        }
        Ok(ExitCode::from(u8::from(!found.is_empty())))
    }
}

impl Build {
    fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.folder.canonicalize().with_context(|| format!("there is no `{}`", self.folder.display()))?;
        anyhow::ensure!(folder.is_dir(), "`{}` is a file; give the folder of the object", self.folder.display());
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(self.build(folder))
    }

    async fn build(&self, folder: PathBuf) -> anyhow::Result<ExitCode> {
        let offline = Offline::open(&folder)?;
        for finding in &offline.findings {
            say(&finding.to_string());
        }
        let Some(object) = offline.tree.objects().first() else {
            bail!("nothing in `{}` is an object; an object is a folder of images", self.folder.display());
        };
        anyhow::ensure!(
            offline.tree.objects().len() == 1,
            "`{}` is a collection of {} objects; give the folder of one, or use `recto export manifests`",
            self.folder.display(),
            offline.tree.objects().len()
        );
        let document = offline.manifest(object.identifier.as_str(), self.to.into(), &self.base_url).await?;
        print(&serde_json::to_string_pretty(&document)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<Value> {
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
    serde_json::from_slice(text).with_context(|| format!("{name} is no JSON; `recto validate {name}` tells more"))
}
