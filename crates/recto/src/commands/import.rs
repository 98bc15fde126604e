//! `recto import`: a manifest from elsewhere becomes an object of the library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use recto_iiif::presentation::{Version, convert};
use recto_iiif::validate::{Severity, validate};
use serde_json::Value;

use super::manifest::tell;
use super::validate::fetch;
use crate::output::{OutputFormat, say};

/// Longer manifests are not read.
const MOST_BYTES: u64 = 256 << 20;
/// Longer images are not mirrored.
const MOST_IMAGE_BYTES: u64 = 2 << 30;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto import https://example.org/iiif/book1/manifest --to ~/scans/book1\n  recto import old.json --to ~/scans/book1 --mirror\n\nManifests of any version are brought to 3.0. Images stay where they are, unless --mirror fetches them into the folder as well. The folder must be new: nothing that lies there is ever overwritten."
)]
pub(crate) struct Import {
    /// A URL or a file
    #[arg(value_name = "MANIFEST")]
    manifest: String,
    /// The folder that it is to become; must not be there yet
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Fetch the images too, so that this server serves them itself
    #[arg(long)]
    mirror: bool,
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(
            !self.to.exists(),
            "`{}` is there already; name a folder that is not, for nothing is overwritten",
            self.to.display()
        );
        let bytes = if self.manifest.starts_with("https://") || self.manifest.starts_with("http://") {
            fetch(&self.manifest, MOST_BYTES)?
        } else {
            fs::read(&self.manifest).with_context(|| format!("cannot read {}", self.manifest))?
        };
        let document: Value = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
            .with_context(|| format!("{} is no JSON; `recto validate` tells more", self.manifest))?;
        if Version::of(&document).is_none() {
            bail!("{} is no document of the Presentation API", self.manifest);
        }
        let (mut document, notes) = convert(document, Version::V3);
        tell(&notes, OutputFormat::Text)?;
        if document["type"] != "Manifest" {
            bail!("it is a {}; import the manifests that it lists", document["type"].as_str().unwrap_or("document"));
        }
        let errors = validate(&document).into_iter().filter(|found| found.severity == Severity::Error).count();
        if errors > 0 {
            say(&format!("it breaks {errors} rules of the specification; `recto validate` names them"));
        }
        // Everything is made beside the folder, which is there only when it is whole.
        let parent = self.to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).with_context(|| format!("`{}` cannot be made", parent.display()))?;
        let made = tempfile::Builder::new().prefix(".import-").tempdir_in(parent)?;
        let images = if self.mirror { mirror(&mut document, made.path())? } else { 0 };
        fs::write(made.path().join("manifest.json"), serde_json::to_string_pretty(&document)?)?;
        fs::rename(made.keep(), &self.to).with_context(|| format!("`{}` cannot be made", self.to.display()))?;
        let canvases = document["items"].as_array().map_or(0, Vec::len);
        say(&format!("{canvases} canvases, {images} images fetched, in `{}`", self.to.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Fetches the images that are painted; each is named by its number from then on. What cannot be had stays where it is.
fn mirror(document: &mut Value, folder: &Path) -> anyhow::Result<usize> {
    let mut fetched = 0;
    let mut number = 0;
    for canvas in document["items"].as_array_mut().into_iter().flatten() {
        for page in canvas["items"].as_array_mut().into_iter().flatten() {
            for annotation in page["items"].as_array_mut().into_iter().flatten() {
                let body = &mut annotation["body"];
                let Some(url) = body["id"].as_str().filter(|_| body["type"] == "Image").map(str::to_owned) else {
                    continue;
                };
                number += 1;
                match fetch(&url, MOST_IMAGE_BYTES) {
                    Ok(bytes) => {
                        let name = format!("{number:04}.{}", extension(&bytes));
                        fs::write(folder.join(&name), bytes)?;
                        body["id"] = Value::String(name);
                        if let Some(fields) = body.as_object_mut() {
                            fields.shift_remove("service");
                        }
                        fetched += 1;
                    }
                    Err(error) => say(&format!("{url} stays where it is: {error:#}")),
                }
            }
        }
    }
    Ok(fetched)
}

/// What a file is called by its first bytes.
fn extension(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, ..] => "jpg",
        [0x89, b'P', b'N', b'G', ..] => "png",
        [b'I', b'I', ..] | [b'M', b'M', ..] => "tif",
        [b'G', b'I', b'F', ..] => "gif",
        [b'R', b'I', b'F', b'F', ..] => "webp",
        _ => "jp2",
    }
}
