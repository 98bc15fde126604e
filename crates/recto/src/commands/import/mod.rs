//! `recto import`: a manifest from elsewhere becomes an object of the library, a collection a folder of them.

mod collection;
mod mirror;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use recto_iiif::presentation::{Version, convert};
use recto_iiif::validate::{Severity, validate};
use serde_json::Value;

use self::collection::Importer;
use self::mirror::{Mirrored, mirror};
use super::manifest::tell;
use super::validate::fetch;
use crate::output::{OutputFormat, say};

/// Longer documents are not read.
const MOST_BYTES: u64 = 32 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  recto import https://example.org/iiif/book1/manifest --to ~/scans/book1
  recto import https://example.org/iiif/collection/maps --to ~/scans/maps
  recto import old.json --to ~/scans/book1 --mirror

Documents of any version are brought to 3.0. Images stay where they are, unless --mirror fetches them into the folder as well; with
`source.remote.prefixes` the server fetches them itself when they are asked for (see docs/library.md).

A manifest becomes a new folder: nothing that lies there is ever overwritten. A collection becomes a folder of them, in its order; run it
again to go on after a break, or to get what is new. 0 is success, 2 is \"some were not had\"; they are named, and the others are there.")]
pub(crate) struct Import {
    /// A URL or a file
    #[arg(value_name = "DOCUMENT")]
    document: String,
    /// The folder that it is to become; of a manifest, it must not be there yet
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Fetch the images too, so that this server serves them itself
    #[arg(long)]
    mirror: bool,
    /// Of a collection, take no more manifests than this
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    most: usize,
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let document = read(&self.document)?;
        match document["type"].as_str() {
            Some("Manifest") => {
                let taken = take(document, &self.to, self.mirror)?;
                let Taken { canvases, images } = taken;
                say(&format!("{canvases} canvases, {} images fetched, in `{}`", images.fetched, self.to.display()));
                Ok(ExitCode::from(if images.failed > 0 { 2 } else { 0 }))
            }
            Some("Collection") => {
                let mut importer = Importer::new(self.mirror, self.most);
                importer.collection(&self.document, document, &self.to)?;
                Ok(importer.told(&self.to))
            }
            other => bail!("it is a {}; import a manifest or a collection", other.unwrap_or("document of no class")),
        }
    }
}

/// What came of a manifest.
struct Taken {
    canvases: usize,
    images: Mirrored,
}

/// A document of a URL or a file, as 3.0.
fn read(place: &str) -> anyhow::Result<Value> {
    let bytes = if is_url(place) {
        fetch(place, MOST_BYTES)?
    } else {
        fs::read(place).with_context(|| format!("cannot read {place}"))?
    };
    let document: Value = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
        .with_context(|| format!("{place} is no JSON; `recto validate` tells more"))?;
    if Version::of(&document).is_none() {
        bail!("{place} is no document of the Presentation API");
    }
    let (document, notes) = convert(document, Version::V3);
    // Of a collection only its members and what is said about it are wanted.
    if document["type"] == "Manifest" {
        tell(&notes, OutputFormat::Text)?;
    }
    Ok(document)
}

fn is_url(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

/// Makes a folder of a manifest. It is there only when it is whole.
fn take(mut document: Value, to: &Path, with_images: bool) -> anyhow::Result<Taken> {
    anyhow::ensure!(
        !to.exists(),
        "`{}` is there already; name a folder that is not, for nothing is overwritten",
        to.display()
    );
    let errors = validate(&document).into_iter().filter(|found| found.severity == Severity::Error).count();
    if errors > 0 {
        let id = document["id"].as_str().unwrap_or("it");
        say(&format!("{id} breaks {errors} rules of the specification; `recto validate` names them"));
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("`{}` cannot be made", parent.display()))?;
    let made = tempfile::Builder::new().prefix(".import-").tempdir_in(parent)?;
    let images = if with_images { mirror(&mut document, made.path())? } else { Mirrored::default() };
    fs::write(made.path().join("manifest.json"), serde_json::to_string_pretty(&document)?)?;
    fs::rename(made.keep(), to).with_context(|| format!("`{}` cannot be made", to.display()))?;
    Ok(Taken { canvases: document["items"].as_array().map_or(0, Vec::len), images })
}
