//! The space on the disk that the parts of one file take, and the sum that it counts in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes of the disk. It changes under the lock of whoever bounds the sum, but for the last time: dropped, it counts no more.
#[derive(Debug)]
pub(crate) struct Space {
    held: AtomicU64,
    /// How often all of it was taken back.
    turn: AtomicU64,
    sum: OnceLock<Arc<AtomicU64>>,
}

impl Space {
    pub(super) fn new(held: u64) -> Self {
        Self { held: AtomicU64::new(held), turn: AtomicU64::new(0), sum: OnceLock::new() }
    }

    /// It counts from now on, if it does not yet.
    pub(crate) fn count_in(&self, sum: &Arc<AtomicU64>) {
        if self.sum.set(Arc::clone(sum)).is_ok() {
            sum.fetch_add(self.held.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// What was given in an earlier turn is given no more.
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    /// So many bytes more, and the turn in which they are given.
    pub(crate) fn grow(&self, more: u64) -> u64 {
        self.held.fetch_add(more, Ordering::Relaxed);
        if let Some(sum) = self.sum.get() {
            sum.fetch_add(more, Ordering::Relaxed);
        }
        self.turn()
    }

    /// So many bytes less of those that were given in this turn.
    pub(crate) fn give_back(&self, turn: u64, unused: u64) {
        if self.turn() == turn {
            self.held.fetch_sub(unused, Ordering::Relaxed);
            self.count_less(unused);
        }
    }

    /// Takes all of it back, and says how much that was.
    pub(crate) fn take(&self) -> u64 {
        let held = self.held.swap(0, Ordering::Relaxed);
        if held > 0 {
            self.turn.fetch_add(1, Ordering::Release);
            self.count_less(held);
        }
        held
    }

    fn count_less(&self, bytes: u64) {
        if let Some(sum) = self.sum.get() {
            sum.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_counts_until_it_is_taken_back_or_dropped() {
        let sum = Arc::new(AtomicU64::new(1));
        let counted = || sum.load(Ordering::Relaxed);
        let space = Space::new(5);
        space.count_in(&sum);
        space.count_in(&sum);
        assert_eq!(counted(), 6);
        let turn = space.grow(10);
        space.give_back(turn, 4);
        assert_eq!(counted(), 12);
        assert_eq!(space.take(), 11);
        // It went with all the rest.
        space.give_back(turn, 6);
        assert_eq!((counted(), space.take()), (1, 0));
        let next = space.grow(3);
        assert_ne!(next, turn);
        assert_eq!(counted(), 4);
        drop(space);
        assert_eq!(counted(), 1);
    }
}
