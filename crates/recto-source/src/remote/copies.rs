//! Fetched files in a folder: each beside a note of what it is, together within a bound.

mod part;
mod room;
mod staying;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use recto_codec::RandomAccess;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};

use self::room::{Leaving, State};
use super::access::{Clock, Life, RemoteAccess};
use super::address::Address;
use super::client::Validators;
use super::notes::{self, Named, Note};
use super::parts::{Parts, PartsAccess};
use super::waiting::locked;
use crate::filesystem::version;
use crate::{FileAccess, SourceVersion};

/// What file systems give space in.
const BLOCK: u64 = 4096;

/// Space that a file of this length takes, its note included.
pub(crate) const fn footprint(length: u64) -> u64 {
    length.div_ceil(BLOCK).saturating_add(1).saturating_mul(BLOCK)
}

/// The longest file for which there is space in so many bytes.
pub(crate) const fn longest_within(keep: u64) -> u64 {
    (keep / BLOCK).saturating_sub(1) * BLOCK
}

/// A fetched file.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) address: Address,
    /// Names its files; every fetch has its own.
    pub(crate) id: String,
    pub(crate) version: SourceVersion,
    pub(crate) length: u64,
    pub(crate) modified: SystemTime,
    pub(crate) validators: Validators,
    pub(crate) life: Arc<Life>,
    /// What has come of it, when it is not here as a whole.
    pub(crate) parts: Option<Arc<Parts>>,
}

impl Kept {
    /// Space that it takes when it is here as a whole. Parts count by themselves.
    fn space(&self) -> u64 {
        if self.parts.is_some() { 0 } else { footprint(self.length) }
    }
}

/// The fetched files.
#[derive(Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
    keep: u64,
    clock: Arc<Clock>,
    ids: AtomicU64,
    state: Mutex<State>,
}

impl Copies {
    /// Opens the folder, takes in what was fetched before and clears away what is left of fetches that did not end.
    pub(crate) fn open(folder: PathBuf, keep: u64, recheck: Duration) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let ids = AtomicU64::new(0);
        let copies = Self { folder, keep, clock: Clock::new(), ids, state: Mutex::default() };
        let (probe, _) = copies.create_part()?;
        fs::remove_file(copies.path(&probe, Named::Part))?;
        let mut state = State::default();
        for (id, note) in notes::read_folder(&copies.folder)? {
            let life = Arc::new(Life::new(&copies.clock, note.fresh(recheck, SystemTime::now())));
            let Some(kept) = note.into_kept(id.clone(), life) else {
                copies.discard(&id);
                continue;
            };
            if let Some(older) = state.insert(&Arc::new(kept)) {
                copies.discard(&older.id);
            }
        }
        state.evict(keep, 0).files.iter().for_each(|kept| copies.discard(&kept.id));
        Ok(Self { state: Mutex::new(state), ..copies })
    }

    pub(crate) fn get(&self, url: &str) -> Option<Arc<Kept>> {
        locked(&self.state).kept.get(url).cloned()
    }

    /// Most bytes on the disk.
    pub(crate) fn most_bytes(&self) -> u64 {
        self.keep
    }

    /// Files of these URLs are no longer taken for current.
    pub(crate) fn end_lives(&self, means: &dyn Fn(&str) -> bool) {
        let state = locked(&self.state);
        state.kept.iter().filter(|(url, _)| means(url)).for_each(|(_, kept)| kept.life.end());
    }

    fn path(&self, id: &str, named: Named) -> PathBuf {
        self.folder.join(named.file_name(id))
    }

    /// True when the file is on the disk still, as long as it should be.
    pub(crate) fn is_there(&self, kept: &Kept) -> bool {
        if kept.parts.is_some() {
            return true;
        }
        let found = fs::symlink_metadata(self.path(&kept.id, Named::Bytes));
        found.is_ok_and(|found| found.is_file() && found.len() == kept.length)
    }

    /// Opens a file; `None` when it is not as it should be.
    pub(crate) fn read(&self, kept: &Kept) -> io::Result<Option<Arc<dyn RandomAccess>>> {
        if let Some(parts) = &kept.parts {
            return Ok(Some(Arc::new(PartsAccess(Arc::clone(parts)))));
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match open(self.path(&kept.id, Named::Bytes), flags, Mode::empty()) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let stat = fstat(&file)?;
        let is_whole = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && u64::try_from(stat.st_size) == Ok(kept.length);
        Ok(is_whole.then(|| {
            let file = FileAccess::new(file.into(), version(&stat), kept.length);
            Arc::new(RemoteAccess { file, version: kept.version, life: Arc::clone(&kept.life) })
                as Arc<dyn RandomAccess>
        }))
    }

    /// Takes this file out, if it is the one of its URL still.
    pub(crate) fn forget(&self, kept: &Kept) {
        let mut state = locked(&self.state);
        if state.kept.get(kept.address.as_str()).is_some_and(|current| current.id == kept.id) {
            state.remove(kept.address.as_str());
            drop(state);
            self.let_go(kept);
        }
    }

    /// The origin says that it is the same still. `None` when it was taken out meanwhile.
    pub(crate) fn renew(&self, kept: &Kept, told: &Validators, recheck: Duration) -> Option<Arc<Kept>> {
        let or_before = |told: &Option<String>, before: &Option<String>| told.clone().or_else(|| before.clone());
        let validators = Validators {
            etag: or_before(&told.etag, &kept.validators.etag),
            last_modified: or_before(&told.last_modified, &kept.validators.last_modified),
        };
        let renewed = Arc::new(Kept {
            address: kept.address.clone(),
            id: kept.id.clone(),
            validators,
            life: Arc::clone(&kept.life),
            parts: kept.parts.clone(),
            ..*kept
        });
        {
            let mut state = locked(&self.state);
            let slot = state.kept.get_mut(kept.address.as_str()).filter(|current| current.id == kept.id)?;
            *slot = Arc::clone(&renewed);
        }
        if renewed.parts.is_none() {
            self.write_note(&renewed);
        }
        renewed.life.refresh(recheck);
        Some(renewed)
    }

    fn let_all_go(&self, leaving: &Leaving) {
        leaving.files.iter().for_each(|kept| self.let_go(kept));
        leaving.parts.iter().for_each(|parts| parts.empty());
    }

    fn let_go(&self, kept: &Kept) {
        tracing::debug!(url = kept.address.shown(), length = kept.length, "a fetched file goes");
        kept.life.end();
        if kept.parts.is_none() {
            self.discard(&kept.id);
        }
    }

    fn discard(&self, id: &str) {
        // The note first: a file without a note is cleared away at the next start.
        for named in [Named::Note, Named::Bytes] {
            remove(&self.path(id, named));
        }
    }

    /// Without its note a file serves until the end of the process.
    fn write_note(&self, kept: &Kept) {
        let part = self.path(&kept.id, Named::NotePart);
        let written = Note::of(kept, SystemTime::now())
            .to_json()
            .and_then(|json| fs::write(&part, json))
            .and_then(|()| fs::rename(&part, self.path(&kept.id, Named::Note)));
        if let Err(error) = written {
            tracing::warn!(url = kept.address.shown(), %error, "the note of a fetched file could not be written");
            remove(&part);
        }
    }
}

pub(super) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a fetched file could not be removed");
        }
        _ => {}
    }
}

/// When the content last changed: by the origin's word, else when it was fetched first. In whole milliseconds, as in its note.
fn modified(validators: &Validators, now: SystemTime) -> SystemTime {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(notes::since_1970(now));
    let told = validators.last_modified.as_deref().and_then(|text| httpdate::parse_http_date(text).ok());
    told.map_or(now, |told| told.min(now))
}
