//! The file that holds what has come: put in, read out, and emptied when its space is needed.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, PoisonError, RwLockReadGuard, Weak};
use std::time::{Duration, Instant};

use recto_codec::ByteRange;

use super::super::copies::footprint;
use super::super::error::FetchError;
use super::super::waiting::locked;
use super::ranges::Present;
use super::{Loose, Parts};

/// Most ranges of one file that are kept.
const MOST_RANGES: usize = 200_000;
/// So long nothing is put into a file after it could not be written.
const FULL: Duration = Duration::from_mins(1);
/// How often what had to make room just before it could be read is fetched again.
const MOST_TRIES: usize = 4;

/// Where what is fetched is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Into the file, as far as there is room.
    File,
    /// Into the hands of the one who wants it.
    Hands,
}

impl Parts {
    /// Puts a range into the file; `false` when there is no room.
    pub(super) fn keep(&self, range: ByteRange, bytes: &[u8]) -> bool {
        let more = {
            let state = locked(&self.state);
            let missing = state.present.missing(range);
            if state.present.count() >= MOST_RANGES {
                return false;
            }
            missing.iter().fold(0, |sum: u64, range| sum.saturating_add(footprint(range.length)))
        };
        if self.is_full() {
            return false;
        }
        let Some(copies) = self.owner.get().and_then(Weak::upgrade) else { return false };
        let Some(turn) = copies.grow(self.address.as_str(), &self.id, more) else { return false };
        let stays = self.stays();
        if self.space.turn() != turn {
            // It had to make room meanwhile, and this went with all the rest.
            return false;
        }
        if let Err(error) = self.file.write_all_at(bytes, range.offset) {
            drop(stays);
            tracing::warn!(url = self.address.shown(), %error, "parts of an original cannot be kept");
            *locked(&self.full_until) = Some(Instant::now() + FULL);
            copies.give_back(self, turn, more);
            return false;
        }
        locked(&self.state).present.insert(range);
        true
    }

    /// Puts the beginning into a file that had to make room before it was taken up again.
    pub(crate) fn keep_beginning(&self, bytes: &[u8]) {
        let range = ByteRange::new(0, bytes.len() as u64);
        if !self.is_present(range) {
            // Without room it is fetched again.
            let _is_kept = self.keep(range, bytes);
        }
    }

    /// Gives the disk back what was taken from its space: whoever has the file open fetches anew what was there.
    pub(crate) fn empty(&self) {
        let mut emptied = self.emptied.write().unwrap_or_else(PoisonError::into_inner);
        let turn = self.space.turn();
        if *emptied == turn {
            return;
        }
        *emptied = turn;
        locked(&self.state).present = Present::default();
        if let Err(error) = self.file.set_len(0).and_then(|()| self.file.set_len(self.length)) {
            tracing::warn!(url = self.address.shown(), %error, "parts of an original could not be taken off the disk");
        }
    }

    /// What is in the file stays there as long as this is held.
    fn stays(&self) -> RwLockReadGuard<'_, u64> {
        self.emptied.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches what is missing of the ranges, and has them read from the file and from what is loose. What had to make room in between is
    /// fetched again, and then does not lie in the file.
    pub(super) fn read_fetched<T>(
        &self,
        ranges: &[ByteRange],
        mut read: impl FnMut(&[Loose]) -> io::Result<Option<T>>,
    ) -> io::Result<T> {
        let mut loose = self.fetch(ranges, Target::File)?;
        for _ in 0..MOST_TRIES {
            if let Some(bytes) = read(&loose)? {
                return Ok(bytes);
            }
            loose.extend(self.fetch(ranges, Target::Hands)?);
        }
        read(&loose)?.ok_or_else(|| Arc::new(FetchError::NoRoom).to_io())
    }

    /// Fills a buffer from what is loose, and from the file; `false` when some of it is in neither any more.
    pub(super) fn fill(&self, offset: u64, buffer: &mut [u8], loose: &[Loose]) -> io::Result<bool> {
        let _stays = self.stays();
        // Before the file is read: what somebody else puts there meanwhile was not there for this look.
        let missing = locked(&self.state).present.missing(ByteRange::new(offset, buffer.len() as u64));
        self.file.read_exact_at(buffer, offset)?;
        for range in missing {
            let mut at = range.offset;
            let end = range.offset.saturating_add(range.length);
            while at < end {
                // Pieces lie beside one another where a long range was fetched in several.
                let piece = loose.iter().find_map(|(start, bytes)| {
                    let from = usize::try_from(at.checked_sub(*start)?).ok()?;
                    bytes.get(from..).filter(|rest| !rest.is_empty())
                });
                let Some(piece) = piece else { return Ok(false) };
                let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
                let to = usize::try_from(at - offset).unwrap_or(usize::MAX);
                let (Some(target), Some(source)) = (buffer.get_mut(to..to.saturating_add(count)), piece.get(..count))
                else {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                };
                target.copy_from_slice(source);
                at += count as u64;
            }
        }
        Ok(true)
    }

    /// Fills the buffer only if that needs no waiting: neither for a network, nor for a disk.
    pub(super) fn try_fill(&self, range: ByteRange, buffer: &mut [u8]) -> bool {
        // Who has to wait here waits for a file that is being emptied.
        let Ok(_stays) = self.emptied.try_read() else { return false };
        self.is_present(range) && self.direct.try_read(&self.file, range.offset, buffer)
    }
}
