//! Fetched files in a folder: each beside a note of what it is, together within a bound.

mod room;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use recto_codec::RandomAccess;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use xxhash_rust::xxh3::Xxh3;

use self::room::State;
use super::access::{Clock, Life, RemoteAccess};
use super::address::Address;
use super::client::Validators;
use super::error::FetchError;
use super::notes::{self, Named, Note};
use super::parts::{Parts, PartsAccess};
use super::waiting::locked;
use crate::filesystem::version;
use crate::{FileAccess, SourceVersion};

/// The most files that stay where they are of which something is kept: each is an open file.
const MOST_OPEN: usize = 256;
/// What file systems give space in.
const BLOCK: u64 = 4096;
/// Space that a file of unknown length gets at a time, once it is longer than this.
const STEP: u64 = 64 << 20;

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
    /// Space that it takes.
    fn space(&self) -> u64 {
        self.parts.as_ref().map_or_else(|| footprint(self.length), |parts| parts.held_bytes())
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
        state.evict(keep, 0).iter().for_each(|kept| copies.discard(&kept.id));
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

    /// Keeps a file that stays where it is as the one of this URL. Parts of this version that somebody has are taken up again; else
    /// `begin` gets the folder for them, their name and their life.
    pub(crate) fn stay(
        self: &Arc<Self>,
        address: &Address,
        version: SourceVersion,
        validators: Validators,
        recheck: Duration,
        begin: impl FnOnce((&Path, String, Arc<Life>)) -> Result<Parts, FetchError>,
    ) -> Result<Arc<Kept>, FetchError> {
        let before = self.get(address.as_str()).filter(|kept| kept.version == version && kept.parts.is_some());
        if let Some(renewed) = before.and_then(|kept| self.renew(&kept, &validators, recheck)) {
            return Ok(renewed);
        }
        let departed = locked(&self.state).departed.remove(address.as_str()).and_then(|parts| parts.upgrade());
        let parts = if let Some(parts) = departed.filter(|parts| parts.version() == version) {
            parts
        } else {
            let number = self.ids.fetch_add(1, Ordering::Relaxed);
            let life = Arc::new(Life::new(&self.clock, recheck));
            let parts = Arc::new(begin((&self.folder, format!("parts {number}"), life))?);
            parts.belong_to(self);
            parts
        };
        parts.life.refresh(recheck);
        parts.life.touch();
        let kept = Arc::new(Kept {
            address: address.clone(),
            id: parts.id.clone(),
            version,
            length: parts.length(),
            modified: modified(&validators, SystemTime::now()),
            validators,
            life: Arc::clone(&parts.life),
            parts: Some(parts),
        });
        let (gone, is_there) = {
            let mut state = locked(&self.state);
            let replaced = state.insert(&kept);
            let mut gone = state.evict_open(MOST_OPEN);
            gone.extend(state.evict(self.keep, 0));
            gone.extend(replaced);
            (gone, state.kept.contains_key(address.as_str()))
        };
        gone.iter().for_each(|kept| self.let_go(kept));
        if is_there { Ok(kept) } else { Err(FetchError::NoRoom) }
    }

    /// Space for so many bytes more of a file that stays where it is; `false` when it is not kept any more, or there is none.
    pub(crate) fn grow(&self, url: &str, id: &str, more: u64) -> bool {
        let (has_room, victims) = {
            let mut state = locked(&self.state);
            let Some(kept) = state.kept.get(url).filter(|kept| kept.id == id).map(Arc::clone) else { return false };
            kept.life.touch();
            // Some more at once: it would be looked through again for the next range.
            let some = if state.is_over(self.keep, more) { self.keep / 64 } else { 0 };
            let victims = state.evict(self.keep, more.saturating_add(some));
            let is_kept = state.kept.contains_key(url);
            let has_room = is_kept && !state.is_over(self.keep, more);
            if let Some(parts) = kept.parts.as_ref().filter(|_| has_room) {
                parts.grow(more);
                state.taken = state.taken.saturating_add(more);
            }
            (has_room, victims)
        };
        victims.iter().for_each(|kept| self.let_go(kept));
        has_room
    }

    /// Begins a file of so many bytes, if that is known.
    pub(crate) fn begin(&self, length: Option<u64>) -> Result<Part<'_>, FetchError> {
        let reserved = footprint(length.unwrap_or(0));
        self.reserve(reserved)?;
        match self.create_part() {
            Ok((id, file)) => {
                Ok(Part { copies: self, id, file, hash: Box::new(Xxh3::new()), length: 0, reserved, is_kept: false })
            }
            Err(error) => {
                self.release(reserved);
                Err(FetchError::disk(&error))
            }
        }
    }

    fn create_part(&self) -> io::Result<(String, File)> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        let id = SourceVersion::of_text(&format!("{now} {} {number}", std::process::id())).to_string();
        let file = OpenOptions::new().write(true).create_new(true).open(self.path(&id, Named::Part))?;
        // Tells other processes that somebody is at work here. Where there are no locks, they go by its age.
        let _ = file.try_lock();
        Ok((id, file))
    }

    fn reserve(&self, more: u64) -> Result<(), FetchError> {
        let victims = {
            let mut state = locked(&self.state);
            if state.reserved.saturating_add(more) > self.keep {
                return Err(FetchError::NoRoom);
            }
            let victims = state.evict(self.keep, more);
            state.reserved = state.reserved.saturating_add(more);
            victims
        };
        victims.iter().for_each(|kept| self.let_go(kept));
        Ok(())
    }

    fn release(&self, reserved: u64) {
        let mut state = locked(&self.state);
        state.reserved = state.reserved.saturating_sub(reserved);
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

/// A file that is being fetched. Dropped before it is finished, it leaves nothing behind.
pub(crate) struct Part<'c> {
    copies: &'c Copies,
    id: String,
    file: File,
    hash: Box<Xxh3>,
    length: u64,
    reserved: u64,
    is_kept: bool,
}

impl Part<'_> {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let length = self.length.saturating_add(bytes.len() as u64);
        self.grow(length)?;
        self.file.write_all(bytes).map_err(|error| FetchError::disk(&error))?;
        self.hash.update(bytes);
        self.length = length;
        Ok(())
    }

    fn grow(&mut self, length: u64) -> Result<(), FetchError> {
        let more = |length| footprint(length).saturating_sub(self.reserved);
        let needed = more(length);
        if needed == 0 {
            return Ok(());
        }
        let ample = if length > STEP { more(length.saturating_add(STEP)) } else { needed };
        let got = match self.copies.reserve(ample) {
            Ok(()) => ample,
            Err(_) => self.copies.reserve(needed).map(|()| needed)?,
        };
        self.reserved = self.reserved.saturating_add(got);
        Ok(())
    }

    /// Keeps the file as the one of this URL; what was kept before goes, unless it has the same content.
    pub(crate) fn finish(
        mut self,
        address: &Address,
        validators: Validators,
        recheck: Duration,
    ) -> Result<Arc<Kept>, FetchError> {
        let digest = self.hash.digest128();
        // With the URL in it, no file's version is that of another URL's file.
        let version = SourceVersion::of_text(&format!("{}\n{digest:032x}", address.as_str()));
        let before = self.copies.get(address.as_str()).filter(|before| before.version == version);
        if let Some(before) = before
            && self.copies.is_there(&before)
            && let Some(renewed) = self.copies.renew(&before, &validators, recheck)
        {
            return Ok(renewed);
        }
        let part = self.copies.path(&self.id, Named::Part);
        fs::rename(&part, self.copies.path(&self.id, Named::Bytes)).map_err(|error| FetchError::disk(&error))?;
        self.is_kept = true;
        let kept = Arc::new(Kept {
            address: address.clone(),
            id: self.id.clone(),
            version,
            length: self.length,
            modified: modified(&validators, SystemTime::now()),
            validators,
            life: Arc::new(Life::new(&self.copies.clock, recheck)),
            parts: None,
        });
        self.copies.write_note(&kept);
        let gone = {
            let mut state = locked(&self.copies.state);
            state.reserved = state.reserved.saturating_sub(self.reserved);
            self.reserved = 0;
            let replaced = state.insert(&kept);
            let mut gone = state.evict(self.copies.keep, 0);
            gone.extend(replaced);
            gone
        };
        gone.iter().for_each(|kept| self.copies.let_go(kept));
        Ok(kept)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.copies.release(self.reserved);
        if !self.is_kept {
            remove(&self.copies.path(&self.id, Named::Part));
        }
    }
}

/// When the content last changed: by the origin's word, else when it was fetched first. In whole milliseconds, as in its note.
fn modified(validators: &Validators, now: SystemTime) -> SystemTime {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(notes::since_1970(now));
    let told = validators.last_modified.as_deref().and_then(|text| httpdate::parse_http_date(text).ok());
    told.map_or(now, |told| told.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_take_blocks_and_one_for_their_note() {
        for (length, want) in [(0, 4096), (1, 8192), (4096, 8192), (4097, 12288), (u64::MAX, u64::MAX)] {
            assert_eq!(footprint(length), want, "{length}");
        }
        for (keep, want) in [(0, 0), (4095, 0), (8192, 4096), (100_000, 94_208)] {
            assert_eq!(longest_within(keep), want, "{keep}");
            assert!(footprint(longest_within(keep)) <= keep.max(4096));
        }
    }

    fn write(copies: &Copies, path: &str, length: usize) -> Arc<Kept> {
        let mut part = copies.begin(None).unwrap();
        part.write(&vec![b'x'; length]).unwrap();
        let address = Address::parse(&format!("https://a.org/{path}")).unwrap();
        part.finish(&address, Validators::default(), Duration::from_mins(1)).unwrap()
    }

    #[test]
    fn what_is_being_fetched_counts_and_the_least_recently_used_goes() {
        let place = tempfile::tempdir().unwrap();
        let copies = Copies::open(place.path().to_owned(), 10 * BLOCK, Duration::from_mins(1)).unwrap();
        let (first, second) = (write(&copies, "1", 4096 * 2), write(&copies, "2", 4096 * 2));
        assert_eq!(locked(&copies.state).taken, 6 * BLOCK);
        first.life.touch();
        let part = copies.begin(Some(4 * BLOCK)).unwrap();
        assert_eq!(locked(&copies.state).reserved, 5 * BLOCK);
        assert!(copies.get("https://a.org/1").is_some());
        assert!(copies.get("https://a.org/2").is_none());
        assert!(!copies.is_there(&second));
        assert!(!second.life.is_fresh());
        // There is nothing to gain by throwing out the rest.
        assert_eq!(copies.begin(Some(5 * BLOCK)).err().unwrap().to_string(), FetchError::NoRoom.to_string());
        assert!(copies.get("https://a.org/1").is_some());
        drop(part);
        assert_eq!(locked(&copies.state).reserved, 0);
        assert_eq!(locked(&copies.state).taken, 3 * BLOCK);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_same_content_again_keeps_the_file_and_other_content_replaces_it() {
        let place = tempfile::tempdir().unwrap();
        let copies = Copies::open(place.path().to_owned(), 100 * BLOCK, Duration::from_mins(1)).unwrap();
        let first = write(&copies, "1", 10);
        let again = write(&copies, "1", 10);
        assert_eq!((&again.id, again.version, again.modified), (&first.id, first.version, first.modified));
        let other = write(&copies, "1", 11);
        assert_ne!(other.version, first.version);
        assert!(!first.life.is_fresh());
        let elsewhere = write(&copies, "2", 11);
        assert_ne!(elsewhere.version, other.version);
        assert_eq!(locked(&copies.state).taken, 4 * BLOCK);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_lower_bound_at_the_next_start_leaves_what_was_asked_for_last() {
        let place = tempfile::tempdir().unwrap();
        let copies = Copies::open(place.path().to_owned(), 100 * BLOCK, Duration::from_mins(1)).unwrap();
        write(&copies, "1", 10);
        std::thread::sleep(Duration::from_millis(5));
        write(&copies, "2", 10);
        let copies = Copies::open(place.path().to_owned(), 3 * BLOCK, Duration::from_mins(1)).unwrap();
        assert!(copies.get("https://a.org/1").is_none());
        assert!(copies.get("https://a.org/2").is_some_and(|kept| kept.life.is_fresh() && copies.is_there(&kept)));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }
}
