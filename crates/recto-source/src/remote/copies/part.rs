//! A file that is being fetched, in the folder and within its bound from its first byte on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::Xxh3;

use super::super::access::Life;
use super::super::address::Address;
use super::super::client::Validators;
use super::super::error::FetchError;
use super::super::notes::Named;
use super::super::waiting::locked;
use super::{Copies, Kept, footprint, modified, remove};
use crate::SourceVersion;

/// Space that a file of unknown length gets at a time, once it is longer than this.
const STEP: u64 = 64 << 20;

impl Copies {
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

    pub(super) fn create_part(&self) -> io::Result<(String, File)> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        let id = SourceVersion::of_text(&format!("{now} {} {number}", std::process::id())).to_string();
        let file = OpenOptions::new().write(true).create_new(true).open(self.path(&id, Named::Part))?;
        // Tells other processes that somebody is at work here. Where there are no locks, they go by its age.
        let _ = file.try_lock();
        Ok((id, file))
    }

    fn reserve(&self, more: u64) -> Result<(), FetchError> {
        let leaving = {
            let mut state = locked(&self.state);
            if state.reserved.saturating_add(more) > self.keep {
                return Err(FetchError::NoRoom);
            }
            let leaving = state.evict(self.keep, more);
            state.reserved = state.reserved.saturating_add(more);
            leaving
        };
        self.let_all_go(&leaving);
        Ok(())
    }

    fn release(&self, reserved: u64) {
        let mut state = locked(&self.state);
        state.reserved = state.reserved.saturating_sub(reserved);
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
        let leaving = {
            let mut state = locked(&self.copies.state);
            state.reserved = state.reserved.saturating_sub(self.reserved);
            self.reserved = 0;
            let replaced = state.insert(&kept);
            let mut leaving = state.evict(self.copies.keep, 0);
            leaving.files.extend(replaced);
            leaving
        };
        self.copies.let_all_go(&leaving);
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
