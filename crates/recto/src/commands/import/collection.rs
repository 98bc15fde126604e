//! A collection becomes a folder: its manifests folders in it, its collections folders of folders.
//!
//! What was taken is noted in each folder, so that another run goes on where this one ended.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::{is_url, read, take};
use crate::output::say;

/// Where a folder keeps which URL became which folder. Names that begin with a dot are not published.
const NOTES: &str = ".recto-import.json";
/// Collections in collections are followed so far.
const DEEPEST: usize = 16;
/// Pages of one collection.
const MOST_PAGES: usize = 10_000;
/// Longest name of a folder, in bytes.
const LONGEST_NAME: usize = 80;

/// Takes the members of collections, one after the other.
pub(super) struct Importer {
    with_images: bool,
    left: usize,
    /// Collections around and before, by their URLs: a circle ends where it began.
    seen: HashSet<String>,
    taken: usize,
    known: usize,
    failed: usize,
    images_left: usize,
    is_cut: bool,
}

impl Importer {
    pub(super) fn new(with_images: bool, most: usize) -> Self {
        Self {
            with_images,
            left: most,
            seen: HashSet::new(),
            taken: 0,
            known: 0,
            failed: 0,
            images_left: 0,
            is_cut: false,
        }
    }

    /// Says what came of it.
    pub(super) fn told(&self, to: &Path) -> ExitCode {
        let known = if self.known > 0 { format!(", {} were there", self.known) } else { String::new() };
        say(&format!("{} manifests taken{known}, in `{}`", self.taken, to.display()));
        if self.is_cut {
            say("there are more; raise --most to take them");
        }
        if self.failed > 0 {
            say(&format!("{} could not be had; run it again to try once more", self.failed));
        }
        if self.images_left > 0 {
            say(&format!(
                "{} images stay where they are; to fetch them again, remove the folder of their manifest",
                self.images_left
            ));
        }
        ExitCode::from(if self.failed + self.images_left > 0 { 2 } else { 0 })
    }

    /// Makes a folder of a collection, or brings the one that a run before made up to date.
    pub(super) fn collection(&mut self, from: &str, document: Value, to: &Path) -> anyhow::Result<()> {
        self.collection_at(from, document, to, 0)
    }

    fn collection_at(&mut self, from: &str, mut document: Value, to: &Path, depth: usize) -> anyhow::Result<()> {
        self.seen.insert(from.to_owned());
        let mut notes = Notes::open(to, from)?;
        let members = members(&mut document)?;
        notes.put("recto.json", serde_json::to_string_pretty(&description(&document))?)?;
        let mut order: Vec<String> = Vec::new();
        for member in members {
            let Some(id) = member["id"].as_str().map(str::to_owned) else { continue };
            if !is_url(&id) {
                say(&format!("`{id}` is no URL and is left out"));
                continue;
            }
            let is_collection = member["type"] == "Collection";
            let folder = notes.folder_of(&id, &member, to);
            let outcome = if is_collection {
                self.inner_collection(&id, member, &to.join(&folder), depth)
            } else {
                self.manifest(&id, &to.join(&folder))
            };
            match outcome {
                Ok(true) => {
                    notes.keep(&id, &folder)?;
                    if !order.contains(&folder) {
                        order.push(folder);
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    self.failed += 1;
                    say(&format!("{id}: {error:#}"));
                    // What an earlier run made keeps its place.
                    order.extend(to.join(&folder).exists().then_some(folder));
                }
            }
        }
        let rows: String = order.iter().zip(1..).map(|(folder, place)| format!("{folder},{place}\n")).collect();
        notes.put("objects.csv", format!("folder,order\n{rows}"))
    }

    /// True when its folder is there.
    fn inner_collection(&mut self, id: &str, member: Value, to: &Path, depth: usize) -> anyhow::Result<bool> {
        if self.seen.contains(id) {
            say(&format!("{id} is in itself, or was taken already; it is left out"));
            return Ok(false);
        }
        anyhow::ensure!(depth < DEEPEST, "it lies more than {DEEPEST} collections deep; import it by itself");
        // Some write out what is in it; others only its name.
        let is_whole = member["items"].as_array().is_some_and(|items| !items.is_empty());
        let document = if is_whole { member } else { read(id)? };
        self.collection_at(id, document, to, depth + 1)?;
        Ok(true)
    }

    /// True when its folder is there.
    fn manifest(&mut self, id: &str, to: &Path) -> anyhow::Result<bool> {
        if to.exists() {
            self.known += 1;
            return Ok(true);
        }
        if self.left == 0 {
            self.is_cut = true;
            return Ok(false);
        }
        let document = read(id)?;
        anyhow::ensure!(document["type"] == "Manifest", "it is no manifest");
        let taken = take(document, to, self.with_images)?;
        self.images_left += taken.images.failed;
        (self.taken, self.left) = (self.taken + 1, self.left - 1);
        say(&format!("{id} in `{}`", to.display()));
        Ok(true)
    }
}

/// What is in a collection, of all its pages.
fn members(document: &mut Value) -> anyhow::Result<Vec<Value>> {
    let taken = |document: &mut Value| match document["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    let next = |document: &Value, word: &str| {
        let next = &document[word];
        next.as_str().or(next["id"].as_str()).filter(|url| is_url(url)).map(str::to_owned)
    };
    let mut members = taken(document);
    let (mut page, mut seen) = (next(document, "first"), HashSet::new());
    while let Some(url) = page {
        if !seen.insert(url.clone()) || seen.len() > MOST_PAGES {
            break;
        }
        let mut found = read(&url)?;
        members.extend(taken(&mut found));
        page = next(&found, "next");
    }
    Ok(members)
}

/// What a folder says of a collection.
fn description(document: &Value) -> Value {
    let mut said = Map::new();
    said.insert("kind".to_owned(), json!("collection"));
    for name in ["label", "summary", "metadata", "requiredStatement", "rights", "viewingDirection", "navDate"] {
        if let Some(value) = document.get(name).filter(|value| !value.is_null()) {
            said.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(said)
}

/// Which URL became which folder.
struct Notes {
    from: String,
    folders: BTreeMap<String, String>,
    /// The files that were written, as they were then.
    files: BTreeMap<String, String>,
    names: HashSet<String>,
    folder: PathBuf,
}

impl Notes {
    /// Those of a folder, which is made if it is not there.
    fn open(folder: &Path, from: &str) -> anyhow::Result<Self> {
        let file = folder.join(NOTES);
        let (mut folders, mut files) = (BTreeMap::new(), BTreeMap::new());
        let texts = |kept: &Value, to: &mut BTreeMap<String, String>| {
            for (name, text) in kept.as_object().into_iter().flatten() {
                to.extend(text.as_str().map(|text| (name.clone(), text.to_owned())));
            }
        };
        if folder.exists() {
            let text = fs::read_to_string(&file).with_context(|| {
                format!("`{}` is there and was not made of a collection; name another folder", folder.display())
            })?;
            let kept: Value = serde_json::from_str(&text)
                .with_context(|| format!("`{}` is broken; remove it, or name another folder", file.display()))?;
            anyhow::ensure!(
                kept["from"] == from,
                "`{}` was made of {}; name another folder",
                folder.display(),
                kept["from"].as_str().unwrap_or("something else")
            );
            texts(&kept["folders"], &mut folders);
            texts(&kept["files"], &mut files);
        } else {
            fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
        }
        let names = folders.values().map(|name| name.to_lowercase()).collect();
        let notes = Self { from: from.to_owned(), folders, files, names, folder: folder.to_owned() };
        notes.write()?;
        Ok(notes)
    }

    /// The folder of a member: the one that it became before, else a free name made of its URL, or of its label.
    fn folder_of(&mut self, id: &str, member: &Value, parent: &Path) -> String {
        if let Some(known) = self.folders.get(id) {
            return known.clone();
        }
        let label = member["label"].as_object().and_then(|label| label.values().next()?[0].as_str().map(str::to_owned));
        let base = name_of(id).or_else(|| name(&label.unwrap_or_default())).unwrap_or_else(|| "object".to_owned());
        let mut free = base.clone();
        let mut number = 2;
        while self.names.contains(&free.to_lowercase()) || parent.join(&free).exists() {
            free = format!("{base}-{number}");
            number += 1;
        }
        self.names.insert(free.to_lowercase());
        free
    }

    fn keep(&mut self, id: &str, folder: &str) -> anyhow::Result<()> {
        if self.folders.get(id).is_some_and(|known| known == folder) {
            return Ok(());
        }
        self.folders.insert(id.to_owned(), folder.to_owned());
        self.write()
    }

    /// Writes a file of the folder; one that somebody has changed since is left as it is.
    fn put(&mut self, name: &str, text: String) -> anyhow::Result<()> {
        let there = fs::read_to_string(self.folder.join(name)).ok();
        if there.as_ref() == Some(&text) {
            return Ok(());
        }
        if there.is_some() && there.as_ref() != self.files.get(name) {
            say(&format!("`{}` was changed by somebody and is left as it is", self.folder.join(name).display()));
            return Ok(());
        }
        self.replace(name, &text)?;
        self.files.insert(name.to_owned(), text);
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        let notes = json!({"from": self.from, "folders": self.folders, "files": self.files});
        self.replace(NOTES, &serde_json::to_string_pretty(&notes)?)
    }

    fn replace(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let (file, made) = (self.folder.join(name), self.folder.join(format!(".{name}.new")));
        let written = fs::write(&made, text).and_then(|()| fs::rename(&made, &file));
        written.with_context(|| format!("`{}` cannot be written", file.display()))
    }
}

/// What a URL calls its document: its last part that says more than what kind it is.
fn name_of(url: &str) -> Option<String> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).split(['?', '#']).next()?;
    let parts = path.split('/').skip(1).filter(|part| !part.is_empty());
    let decoded = parts.map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned());
    let usual = ["manifest", "collection", "iiif", "presentation", "index", "top", "v2", "v3", "2", "3", "4"];
    let mut told = decoded.map(|part| part.strip_suffix(".json").unwrap_or(&part).to_owned()).collect::<Vec<_>>();
    told.retain(|part| !usual.contains(&part.to_lowercase().as_str()));
    told.iter().rev().find_map(|part| name(part))
}

/// A name for a folder: letters, digits and hyphens, and none that means something else beside objects.
fn name(text: &str) -> Option<String> {
    let mut name = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            if name.len() + letter.len_utf8() > LONGEST_NAME {
                break;
            }
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches(['-', '.', '_']);
    let is_taken = recto_ingest::is_text_folder(name);
    (!name.is_empty()).then(|| if is_taken { format!("{name}-object") } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_called_as_urls_call_their_documents() {
        for (url, want) in [
            ("https://e.org/iiif/ms-1/manifest", Some("ms-1")),
            ("https://e.org/iiif/ms-1/manifest.json", Some("ms-1")),
            ("https://e.org/iiif/manifest/441db.json", Some("441db")),
            ("https://e.org/iiif/presentation/3/a%2Fb%20c/manifest?x=1", Some("a-b-c")),
            ("https://e.org/manifest", None),
            ("https://e.org/_x/../manifest", Some("x")),
            ("https://e.org/..%2F..%2Fetc/manifest", Some("etc")),
            ("https://e.org/objects.csv", Some("objects-csv")),
            ("https://e.org/Annotations/manifest", Some("Annotations-object")),
        ] {
            assert_eq!(name_of(url).as_deref(), want, "{url}");
        }
    }

    #[test]
    fn names_are_not_given_twice_and_kept_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("all");
        let mut notes = Notes::open(&to, "https://e.org/c").unwrap();
        let member = json!({"label": {"en": ["Maps"]}});
        assert_eq!(notes.folder_of("https://e.org/a/manifest", &member, &to), "a");
        assert_eq!(notes.folder_of("https://e.org/A/manifest.json", &member, &to), "A-2");
        assert_eq!(notes.folder_of("https://e.org/manifest", &member, &to), "Maps");
        notes.keep("https://e.org/a/manifest", "a").unwrap();
        let mut again = Notes::open(&to, "https://e.org/c").unwrap();
        assert_eq!(again.folder_of("https://e.org/a/manifest", &member, &to), "a");
        let other = Notes::open(&to, "https://e.org/other").err().unwrap().to_string();
        assert!(other.contains("was made of https://e.org/c"), "{other}");
        let foreign = Notes::open(folder.path(), "https://e.org/c").err().unwrap().to_string();
        assert!(foreign.contains("was not made of a collection"), "{foreign}");
    }
}
