//! Files that stay where they are: of those, the parts that have come take space.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::super::access::Life;
use super::super::address::Address;
use super::super::client::Validators;
use super::super::error::FetchError;
use super::super::parts::Parts;
use super::super::waiting::locked;
use super::{Copies, Kept, modified};
use crate::SourceVersion;

/// The most files that stay where they are of which something is kept: each is an open file.
const MOST_OPEN: usize = 256;

impl Copies {
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
        let departed = locked(&self.state).departed.remove(&(address.to_shared(), version));
        let parts = if let Some(parts) = departed.and_then(|parts| parts.upgrade()) {
            // What had to make room is not taken for present, even if it is just about to go.
            parts.empty();
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
        let (leaving, is_there) = {
            let mut state = locked(&self.state);
            let replaced = state.insert(&kept);
            let surplus = state.evict_open(MOST_OPEN);
            let mut leaving = state.evict(self.keep, 0);
            leaving.files.extend(surplus.into_iter().chain(replaced));
            (leaving, state.kept.contains_key(address.as_str()))
        };
        self.let_all_go(&leaving);
        if is_there { Ok(kept) } else { Err(FetchError::NoRoom) }
    }

    /// Space for so many bytes more of a file that stays where it is, and the turn in which it is given; `None` when the file is not kept
    /// any more, or there is none.
    pub(crate) fn grow(&self, url: &str, id: &str, more: u64) -> Option<u64> {
        if more > self.keep {
            // Nothing has to make room for what has none in any case.
            return None;
        }
        let (turn, leaving) = {
            let mut state = locked(&self.state);
            let kept = state.kept.get(url).filter(|kept| kept.id == id).map(Arc::clone)?;
            kept.life.touch();
            // Some more at once: it would be looked through again for the next range.
            let some = if state.is_over(self.keep, more) { self.keep / 64 } else { 0 };
            let leaving = state.evict(self.keep, more.saturating_add(some));
            let has_room = state.kept.contains_key(url) && !state.is_over(self.keep, more);
            let turn = kept.parts.as_ref().filter(|_| has_room).map(|parts| parts.space.grow(more));
            (turn, leaving)
        };
        self.let_all_go(&leaving);
        turn
    }

    /// Space that was given in this turn and is not needed after all.
    pub(crate) fn give_back(&self, parts: &Parts, turn: u64, unused: u64) {
        // Nobody takes all of it at the same time.
        let _state = locked(&self.state);
        parts.space.give_back(turn, unused);
    }
}
