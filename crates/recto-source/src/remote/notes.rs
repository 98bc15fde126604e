//! What is in the folder of fetched files, and whose it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::access::{Life, milliseconds};
use super::address::Address;
use super::client::Validators;
use super::copies::{Kept, remove};

/// Longest note in bytes.
const MOST_NOTE: u64 = 64 << 10;
/// A file in the making that is older than this belongs to nobody, where locks do not tell.
const OLD: Duration = Duration::from_hours(48);

/// The files of one fetch; nothing else in the folder is ever touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// The fetched bytes.
    Bytes,
    /// What they are.
    Note,
    /// Bytes that are being fetched.
    Part,
    /// A note that is being written.
    NotePart,
}

impl Named {
    const ALL: [Self; 4] = [Self::Bytes, Self::Note, Self::Part, Self::NotePart];

    const fn ending(self) -> &'static str {
        match self {
            Self::Bytes => ".bytes",
            Self::Note => ".json",
            Self::Part => ".part",
            Self::NotePart => ".json.part",
        }
    }

    pub(crate) fn file_name(self, id: &str) -> String {
        format!("fetched-{id}{}", self.ending())
    }

    /// The fetch that a file name belongs to.
    fn parse(file_name: &str) -> Option<(&str, Self)> {
        let (id, ending) = file_name.strip_prefix("fetched-")?.split_at_checked(32)?;
        let is_id = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let named = Self::ALL.into_iter().find(|named| named.ending() == ending)?;
        is_id.then_some((id, named))
    }
}

/// What stands beside a fetched file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    url: String,
    version: String,
    length: u64,
    etag: Option<String>,
    last_modified: Option<String>,
    /// When the content last changed, in milliseconds since 1970.
    modified_ms: u64,
    /// When the origin was asked last, in milliseconds since 1970.
    checked_ms: u64,
}

/// Milliseconds since 1970; 0 before that.
pub(super) fn since_1970(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

impl Note {
    pub(crate) fn of(kept: &Kept, now: SystemTime) -> Self {
        Self {
            url: kept.address.as_str().to_owned(),
            version: kept.version.to_string(),
            length: kept.length,
            etag: kept.validators.etag.clone(),
            last_modified: kept.validators.last_modified.clone(),
            modified_ms: since_1970(kept.modified),
            checked_ms: since_1970(now),
        }
    }

    pub(crate) fn to_json(&self) -> io::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(io::Error::from)
    }

    fn read(path: &Path) -> Option<Self> {
        let mut json = Vec::new();
        File::open(path).ok()?.take(MOST_NOTE).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// How long the file is taken for current from now. Not at all when the clock was set back.
    pub(crate) fn fresh(&self, recheck: Duration, now: SystemTime) -> Duration {
        let age = since_1970(now).checked_sub(self.checked_ms).map(Duration::from_millis);
        age.and_then(|age| recheck.checked_sub(age)).unwrap_or_default()
    }

    /// The file that it is of; `None` when it says nothing sensible.
    pub(crate) fn into_kept(self, id: String, life: Arc<Life>) -> Option<Kept> {
        let address = Address::parse(&self.url).ok().filter(|address| address.as_str() == self.url)?;
        Some(Kept {
            address,
            id,
            version: self.version.parse().ok()?,
            length: self.length,
            modified: SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.modified_ms))?,
            validators: Validators { etag: self.etag, last_modified: self.last_modified },
            life,
            parts: None,
        })
    }
}

/// The fetches whose file and note are there, those that were asked for last at the end. What is left of others is removed.
pub(crate) fn read_folder(folder: &Path) -> io::Result<Vec<(String, Note)>> {
    let mut lengths: BTreeMap<String, u64> = BTreeMap::new();
    let mut others: Vec<(String, Named)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(entry) = entry else { continue };
        let file_name = entry.file_name();
        let Some((id, named)) = file_name.to_str().and_then(Named::parse) else { continue };
        // This does not follow links.
        let Some(found) = entry.metadata().ok().filter(fs::Metadata::is_file) else { continue };
        match named {
            Named::Bytes => {
                lengths.insert(id.to_owned(), found.len());
            }
            _ => others.push((id.to_owned(), named)),
        }
    }
    let mut notes = Vec::new();
    for (id, named) in others {
        let path = folder.join(named.file_name(&id));
        if named != Named::Note {
            if is_nobodys(&path) {
                remove(&path);
            }
            continue;
        }
        match (Note::read(&path), lengths.get(&id)) {
            (Some(note), Some(length)) if note.length == *length => {
                lengths.remove(&id);
                notes.push((id, note));
            }
            _ => remove(&path),
        }
    }
    lengths.keys().for_each(|id| remove(&folder.join(Named::Bytes.file_name(id))));
    notes.sort_by_key(|(_, note)| note.checked_ms);
    Ok(notes)
}

/// True when the one who began this file is gone: whoever writes holds a lock on it.
fn is_nobodys(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(fs::TryLockError::WouldBlock) => false,
        Err(fs::TryLockError::Error(_)) => {
            let age = file.metadata().and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
            age.is_some_and(|age| age > OLD)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_given_here_are_known() {
        let id = "0123456789abcdef0123456789abcdef";
        for named in Named::ALL {
            assert_eq!(Named::parse(&named.file_name(id)), Some((id, named)));
        }
        for other in [
            "fetched-0123456789abcdef0123456789abcdef",
            "fetched-0123456789abcdef0123456789abcdef.txt",
            "fetched-0123456789abcdef0123456789abcdef.json.bak",
            "fetched-0123456789ABCDEF0123456789abcdef.json",
            "fetched-0123456789abcdef0123456789abcde.json",
            "fetched-0123456789abcdef0123456789abcdeü.json",
            "0123456789abcdef0123456789abcdef.json",
            "",
        ] {
            assert_eq!(Named::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_note_tells_how_long_its_file_is_current_still() {
        let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
        let note = Note {
            url: String::new(),
            version: String::new(),
            length: 0,
            etag: None,
            last_modified: None,
            modified_ms: 0,
            checked_ms: 10_000,
        };
        let recheck = Duration::from_mins(1);
        for (now, want) in [(10_000, 60_000), (40_000, 30_000), (70_000, 0), (100_000, 0), (9_999, 0)] {
            assert_eq!(note.fresh(recheck, at(now)), Duration::from_millis(want), "{now}");
        }
    }
}
