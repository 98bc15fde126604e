//! `recto export`: what is published, as tables that people edit, and as documents that any web server can serve.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use recto_ingest::Describer;
use recto_ingest::tables::{NamedBy, ObjectRow, export_objects, export_pages};

use serde_json::Value;

use super::manifest::To;
use super::offline::Offline;
use crate::output::{print, say};

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What is known of all objects of a library, as `objects.csv` has it
    #[command(
        after_help = "Examples:\n  recto export csv ~/scans > objects.csv\n  recto export csv ~/scans/letters --pages > pages.csv\n\nThe same columns are read again: edit them in a spreadsheet, and put the file into the folder."
    )]
    Csv(Csv),
    /// All manifests and collections of a library, as files below a folder
    #[command(
        after_help = "Example:\n  recto export manifests ~/scans --to out --base-url https://iiif.example.org\n  recto tile ~/scans --to out/iiif --url https://iiif.example.org/iiif --api both\n\nBoth together are all that viewers need, for any web server: files lie as their URLs have them, with plain slashes, and documents\nend in .json. What only a running server has (search, downloads, pages for people) is not named in them."
    )]
    Manifests(Manifests),
}

#[derive(Debug, Args)]
struct Csv {
    /// The folder of the library, or with --pages of one object
    folder: PathBuf,
    /// The pages of one object instead
    #[arg(long)]
    pages: bool,
}

#[derive(Debug, Args)]
struct Manifests {
    /// The folder of the library
    folder: PathBuf,
    /// Where the files are to lie; made if it is not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// URL below which they will be served
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// Versions of the Presentation API
    #[arg(long, value_enum, value_name = "VERSION", default_values_t = [To::V2, To::V3])]
    api: Vec<To>,
}

impl Export {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            match self.command {
                Action::Csv(csv) => csv.run(),
                Action::Manifests(manifests) => manifests.run().await,
            }
        })
    }
}

impl Csv {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let offline = Offline::open(&self.folder)?;
        let mut describer = Describer::new(&offline.library, &offline.tree);
        let table = if self.pages {
            anyhow::ensure!(
                offline.tree.objects().len() == 1,
                "`{}` holds {} objects; give the folder of one",
                self.folder.display(),
                offline.tree.objects().len()
            );
            let described = describer.object(&offline.tree.objects()[0]);
            export_pages(&described.parts.with_pages())
        } else {
            let mut rows = Vec::new();
            for object in offline.tree.objects() {
                let described = describer.object(object);
                let name = object.identifier.as_str().to_owned();
                rows.push(ObjectRow {
                    name,
                    named_by: NamedBy::Path,
                    position: described.position,
                    description: described.parts.description,
                    ..ObjectRow::default()
                });
            }
            export_objects(&rows)
        };
        print(&String::from_utf8_lossy(&table))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Manifests {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let base_url = self.base_url.trim_end_matches('/');
        let is_url = base_url.starts_with("https://") || base_url.starts_with("http://");
        anyhow::ensure!(is_url, "`{base_url}` is no URL; write one such as `https://iiif.example.org`");
        let offline = Offline::open(&self.folder)?;
        for finding in &offline.findings {
            say(&finding.to_string());
        }
        let mut written = Written::default();
        for to in &self.api {
            for object in offline.tree.objects() {
                let document = offline.manifest(object.identifier.as_str(), (*to).into(), base_url).await?;
                self.put(document, base_url, &mut written);
            }
            for (place, collection) in offline.tree.collections().iter().enumerate() {
                let path = if place == 0 { "" } else { collection.identifier.as_str() };
                let document = offline.collection(path, (*to).into(), base_url).await?;
                self.put(document, base_url, &mut written);
            }
        }
        for path in &written.files {
            if let Err(error) = self.copy(&offline, path) {
                written.failed += 1;
                say(&format!("{path}: {error:#}"));
            }
        }
        say(&format!("{} documents and {} files in `{}`", written.documents, written.files.len(), self.to.display()));
        Ok(ExitCode::from(if written.failed > 0 { 2 } else { 0 }))
    }

    /// Writes a document; one that cannot be written costs nothing but itself.
    fn put(&self, mut document: Value, base_url: &str, written: &mut Written) {
        make_static(&mut document, base_url, &mut written.files);
        match self.write(&document, base_url) {
            Ok(()) => written.documents += 1,
            Err(error) => {
                written.failed += 1;
                say(&format!("{error:#}"));
            }
        }
    }

    /// Puts a file of the library where its URL says. Captions in SubRip that are asked for as WebVTT are made so.
    fn copy(&self, offline: &Offline, path: &str) -> anyhow::Result<()> {
        let to = self.to.join("files").join(path);
        fs::create_dir_all(to.parent().unwrap_or(&self.to))?;
        if let Some(from) = offline.file(path) {
            fs::copy(from, &to)?;
            return Ok(());
        }
        let captions =
            path.strip_suffix(".vtt").and_then(|path| offline.file(path)).context("there is no such file")?;
        fs::write(&to, recto_service::web_vtt(&fs::read(captions)?, path))?;
        Ok(())
    }

    /// Writes a document where its URL says.
    fn write(&self, document: &Value, base_url: &str) -> anyhow::Result<()> {
        let id = document["id"].as_str().or(document["@id"].as_str()).unwrap_or_default();
        let path = id.strip_prefix(base_url).unwrap_or(id).trim_start_matches('/');
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
        anyhow::ensure!(
            !path.split('/').any(|part| part == ".."),
            "`{path}` leads out of the folder; give it another `id`"
        );
        let file = self.to.join(Path::new(&path));
        let folder = file.parent().unwrap_or(&self.to);
        fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
        let text = serde_json::to_string(&document)?;
        fs::write(&file, text).with_context(|| format!("`{}` cannot be written", file.display()))
    }
}

/// What was written.
#[derive(Debug, Default)]
struct Written {
    documents: usize,
    failed: usize,
    /// Files of the library that documents name, by their paths there.
    files: BTreeSet<String>,
}

/// Brings a document to addresses under which files can lie, and takes out what only a running server has. Gathers the paths of the
/// files of the library that it names.
fn make_static(document: &mut Value, base_url: &str, files: &mut BTreeSet<String>) {
    let dynamic = ["items", "downloads", "search"].map(|part| format!("{base_url}/{part}/"));
    let image_services = format!("{base_url}/iiif/");
    let is_dynamic = |value: &Value| {
        let id = value["id"].as_str().or(value["@id"].as_str()).or(value.as_str()).unwrap_or_default();
        dynamic.iter().any(|start| id.starts_with(start.as_str()))
    };
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                if let Some(path) = text.strip_prefix(base_url).and_then(|rest| rest.strip_prefix("/files/")) {
                    let path = path.split(['#', '?']).next().unwrap_or_default();
                    files.insert(percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned());
                }
                if let Some(changed) = static_form(text, base_url) {
                    *text = changed;
                }
            }
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                for name in ["homepage", "rendering", "seeAlso", "related", "service", "annotations", "otherContent"] {
                    let Some(value) = fields.get_mut(name) else { continue };
                    let is_gone = match value {
                        Value::Array(items) => {
                            items.retain(|item| !is_dynamic(item));
                            items.is_empty()
                        }
                        value => is_dynamic(value),
                    };
                    if is_gone {
                        fields.shift_remove(name);
                    }
                }
                let id = fields.get("id").or(fields.get("@id")).and_then(Value::as_str).unwrap_or_default();
                if id.starts_with(&image_services)
                    && let Some(Value::String(profile)) = fields.get_mut("profile")
                {
                    // Of tiles that lie there, only those can be asked for.
                    *profile = profile.replace("level2", "level0");
                }
                open.extend(fields.values_mut());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The address of a file for one of the server: plain slashes, and an ending that tells web servers the media type.
fn static_form(text: &str, base_url: &str) -> Option<String> {
    let rest = text.strip_prefix(base_url)?.strip_prefix("/iiif/")?;
    let rest = rest.replace("%2F", "/").replace("%2f", "/");
    // Of images that are larger than any file made of them, there is the largest.
    let rest = rest.replace("/full/full/0/", "/full/max/0/");
    let is_document =
        rest.starts_with("presentation/") && (rest.ends_with("/manifest") || rest.ends_with("/collection"));
    Some(format!("{base_url}/iiif/{rest}{}", if is_document { ".json" } else { "" }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn static_documents_name_files_and_nothing_that_needs_a_server() {
        let mut document = json!({
            "id": "https://e.org/iiif/presentation/3/a%2Fb/manifest",
            "homepage": [{"id": "https://e.org/items/a%2Fb", "type": "Text"}],
            "rendering": [{"id": "https://e.org/downloads/a%2Fb/pdf"}, {"id": "https://elsewhere.org/x.pdf"}],
            "seeAlso": [{"id": "https://e.org/files/a%20b/talk.wav"}],
            "service": [{"id": "https://e.org/iiif/3/a%2F1.png", "type": "ImageService3", "profile": "level2"}],
        });
        let mut files = BTreeSet::new();
        make_static(&mut document, "https://e.org", &mut files);
        assert_eq!(files, ["a b/talk.wav".to_owned()].into());
        assert_eq!(
            document,
            json!({
                "id": "https://e.org/iiif/presentation/3/a/b/manifest.json",
                "rendering": [{"id": "https://elsewhere.org/x.pdf"}],
                "seeAlso": [{"id": "https://e.org/files/a%20b/talk.wav"}],
                "service": [{"id": "https://e.org/iiif/3/a/1.png", "type": "ImageService3", "profile": "level0"}],
            })
        );
    }
}
