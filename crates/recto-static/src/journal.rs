//! What was made of which version of which original: one line of JSON an original, in the tree's folder.
//!
//! A line is written when all files are complete, just before they get their place; lines that end in the middle (a machine that
//! stopped) are passed over. The last line about an original counts.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The journal's name in the folder of a tree.
pub const JOURNAL_NAME: &str = ".recto-tile.jsonl";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) identifier: String,
    pub(crate) source: PathBuf,
    /// Original and options; see [`crate::tiler`].
    pub(crate) mark: String,
    /// What makes a difference to `info.json` alone.
    pub(crate) document: String,
    /// The folders that hold its files, below the tree; none when it was removed.
    pub(crate) folders: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Journal {
    entries: BTreeMap<String, Entry>,
    file: File,
}

/// The journal of a folder, or the reason why not.
#[derive(Debug)]
pub(crate) enum Opened {
    Journal(Journal),
    /// Another process has it.
    Busy,
}

impl Journal {
    /// Opens the journal of a folder and keeps others from doing so.
    pub(crate) fn open(folder: &Path) -> io::Result<Opened> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(folder.join(JOURNAL_NAME))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(Opened::Busy),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let entries = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .map(|entry| (entry.identifier.clone(), entry))
            .collect();
        Ok(Opened::Journal(Self { entries, file }))
    }

    pub(crate) fn find(&self, identifier: &str) -> Option<&Entry> {
        self.entries.get(identifier).filter(|entry| !entry.folders.is_empty())
    }

    /// Everything that is there, by identifier.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| !entry.folders.is_empty())
    }

    /// Notes an original; on the disk when this returns.
    pub(crate) fn note(&mut self, entry: Entry) -> io::Result<()> {
        // It begins a line of its own, even behind one that was cut off.
        let line = [b"\n".as_slice(), &serde_json::to_vec(&entry)?, b"\n"].concat();
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.entries.insert(entry.identifier.clone(), entry);
        Ok(())
    }
}
