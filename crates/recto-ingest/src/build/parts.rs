//! What documents of an object are made of, apart from the insides of its files: what a catalogue keeps of it.

use std::time::{Duration, SystemTime};

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;
use serde::{Deserialize, Serialize};

use crate::assemble::label;
use crate::description::{Content, Description, Location, Page};
use crate::tree::{File, Stamp};
use crate::{Media, Object, Tree};

/// An object without its place in the library.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectParts {
    /// What the paths of its files begin with: its folder with a slash behind it; nothing at the top of the library.
    pub prefix: String,
    /// What all its sources together say. Without pages, each file is one; with pages, their files are among `files`.
    pub description: Description,
    /// Its files with content, in natural order.
    pub files: Vec<FilePart>,
    /// The manifest that somebody made for it, as 3.0: it is published instead of one that is made of all the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<serde_json::Value>,
    /// Files of annotations beside it, by their paths relative to the object's folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
}

/// One file with content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePart {
    /// Its path relative to the object's folder.
    #[serde(rename = "n")]
    pub name: String,
    /// The name of its first canvas where that is not its label.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<String>,
    /// What its name makes of it.
    #[serde(rename = "m")]
    pub media: Media,
    /// Length in bytes.
    #[serde(rename = "b")]
    pub bytes: u64,
    /// When its content last changed, in nanoseconds since 1970.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub modified_ns: Option<u64>,
}

impl ObjectParts {
    /// An object that a file beside others describes: the files that its pages name are those of the tree that lie below
    /// `prefix`.
    pub fn described(prefix: &str, description: Description, tree: &Tree) -> Self {
        let mut files = Vec::new();
        for content in description.pages.iter().flat_map(|page| &page.contents) {
            let (Location::File(name) | Location::FilePage(name, _)) = &content.location else { continue };
            if !files.iter().any(|file: &FilePart| file.name == *name) {
                files.extend(tree.file(&Identifier::new(format!("{prefix}{name}"))).map(|file| FilePart {
                    name: name.clone(),
                    canvas: None,
                    media: file.media,
                    bytes: file.stamp.bytes,
                    modified_ns: file.stamp.modified_ns(),
                }));
            }
        }
        Self { prefix: prefix.to_owned(), description, files, ..Self::default() }
    }

    /// What is said about the object with all of its pages, also those that nothing is said about.
    pub fn with_pages(&self) -> Description {
        let mut description = self.description.clone();
        if description.pages.is_empty() {
            let page = |file: &FilePart| Page {
                contents: vec![Content::at(Location::File(file.name.clone()))],
                label: LanguageMap::none(file.label()),
                ..Page::default()
            };
            description.pages = self.files.iter().map(page).collect();
        }
        description
    }

    /// Number of canvases as far as is known without a look into files.
    pub fn page_count(&self) -> usize {
        let made = self.made.as_ref().and_then(|made| made["items"].as_array()).map(Vec::len);
        let described = self.description.pages.len();
        made.unwrap_or(if described == 0 { self.files.len() } else { described })
    }
}

impl FilePart {
    /// A file of an object of a tree.
    pub fn of(object: &Object, file: &File) -> Self {
        let name = file.identifier.as_str();
        Self {
            name: name.strip_prefix(object.prefix()).unwrap_or(name).to_owned(),
            canvas: file.canvas.as_deref().map(str::to_owned),
            media: file.media,
            bytes: file.stamp.bytes,
            modified_ns: file.stamp.modified_ns(),
        }
    }

    /// The file's name without folders and extension.
    pub fn label(&self) -> &str {
        label(&self.name)
    }

    /// The name of its first canvas.
    pub fn canvas(&self) -> &str {
        self.canvas.as_deref().unwrap_or(self.label())
    }

    /// The identifier of the file in an object whose files' paths begin like this.
    pub fn identifier(&self, prefix: &str) -> Identifier {
        Identifier::new(format!("{prefix}{}", self.name))
    }
}

impl Stamp {
    /// The time of the last change in nanoseconds since 1970.
    pub fn modified_ns(&self) -> Option<u64> {
        self.modified
            .and_then(|modified| modified.duration_since(SystemTime::UNIX_EPOCH).ok())
            .and_then(|since: Duration| u64::try_from(since.as_nanos()).ok())
    }
}
