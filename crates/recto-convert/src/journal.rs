//! What was made of which version of which original: one line of JSON a target, in the folder of the targets.
//!
//! A line is written when the target is complete and verified, just before it gets its name; lines that end in the middle (a
//! machine that stopped) are passed over. The last line about a target counts.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file::Version;

/// The journal's name in the folder of the targets.
pub const JOURNAL_NAME: &str = ".recto-convert.jsonl";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Below the journal's folder.
    pub(crate) target: PathBuf,
    pub(crate) source: PathBuf,
    pub(crate) source_version: Version,
    pub(crate) options: String,
    pub(crate) target_version: Version,
}

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    entries: HashMap<PathBuf, Entry>,
    file: Option<File>,
}

impl Journal {
    /// Reads the journal of a folder; none is an empty one.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let path = folder.join(JOURNAL_NAME);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let entries = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .map(|entry| (entry.target.clone(), entry))
            .collect();
        Ok(Self { path, entries, file: None })
    }

    pub(crate) fn find(&self, target: &Path) -> Option<&Entry> {
        self.entries.get(target)
    }

    /// Notes a target; on the disk when this returns.
    pub(crate) fn note(&mut self, entry: Entry) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),
        };
        // It begins a line of its own, even behind one that was cut off.
        let line = [b"\n".as_slice(), &serde_json::to_vec(&entry)?, b"\n"].concat();
        file.write_all(&line)?;
        file.sync_data()?;
        self.entries.insert(entry.target.clone(), entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_about_a_target_counts() {
        let folder = tempfile::tempdir().unwrap();
        let entry = |target: &str, options: &str| Entry {
            target: target.into(),
            source: "s.jpg".into(),
            source_version: Version { bytes: 1, modified: (2, 3) },
            options: options.to_owned(),
            target_version: Version { bytes: 4, modified: (5, 6) },
        };
        let mut journal = Journal::read(folder.path()).unwrap();
        assert!(journal.find(Path::new("a.tif")).is_none());
        journal.note(entry("a.tif", "old")).unwrap();
        journal.note(entry("b.tif", "b")).unwrap();
        let path = folder.path().join(JOURNAL_NAME);
        let half = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&half[..], br#"{"target":"c.tif","sou"#].concat()).unwrap();
        let mut journal = Journal::read(folder.path()).unwrap();
        journal.note(entry("a.tif", "new")).unwrap();
        let journal = Journal::read(folder.path()).unwrap();
        for (target, expected) in [("a.tif", Some("new")), ("b.tif", Some("b")), ("c.tif", None)] {
            assert_eq!(journal.find(Path::new(target)).map(|entry| entry.options.as_str()), expected, "{target}");
        }
    }
}
