//! Parts that are open: all who read one share what was verified of it, and nobody gets one that lost its name.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::part::{KeptPart, OpenPart};
use super::{DiskCache, Presence, lock};
use crate::CacheKey;

/// Seats that are looked through for what is closed, at least.
const LEAST_SWEPT: usize = 64;

/// The parts that are open, or being opened.
#[derive(Debug, Default)]
pub(super) struct OpenParts {
    seats: HashMap<CacheKey, Seat>,
    /// Seats that were ever taken: tells those of one key apart.
    taken: u64,
    /// So many seats are looked through before another is added.
    sweep_at: usize,
}

/// Stands for one file with this key. It is taken away when the file loses its name, so nobody who began to open it before comes to
/// sit on the seat of another file.
#[derive(Debug)]
struct Seat {
    number: u64,
    /// Those who are opening the file.
    opening: usize,
    part: Weak<OpenPart>,
}

/// What is there for one who wants to open a part.
#[derive(Debug)]
enum Found {
    Open(Arc<OpenPart>),
    /// The number of the seat of what is opened now.
    Seat(u64),
}

impl OpenParts {
    /// Somebody wants to open a part, whose file is opened after this.
    fn ask(&mut self, key: &CacheKey) -> Found {
        if let Some(seat) = self.seats.get_mut(key) {
            if let Some(part) = seat.whole() {
                return Found::Open(part);
            }
            seat.opening += 1;
            return Found::Seat(seat.number);
        }
        if self.seats.len() >= self.sweep_at {
            self.seats.retain(|_, seat| seat.opening > 0 || seat.part.strong_count() > 0);
            self.sweep_at = LEAST_SWEPT.max(2 * self.seats.len());
        }
        self.taken += 1;
        self.seats.insert(*key, Seat { number: self.taken, opening: 1, part: Weak::new() });
        Found::Seat(self.taken)
    }

    /// The part, now that it is open, or the same one that another has opened meanwhile. `None` when its name is gone.
    fn seat(&mut self, key: &CacheKey, number: u64, part: &Arc<OpenPart>) -> Option<Arc<OpenPart>> {
        let seat = self.seats.get_mut(key).filter(|seat| seat.number == number)?;
        seat.opening = seat.opening.saturating_sub(1);
        if let Some(other) = seat.whole() {
            return Some(other);
        }
        seat.part = Arc::downgrade(part);
        Some(Arc::clone(part))
    }

    /// The file could not be opened.
    fn give_up(&mut self, key: &CacheKey, number: u64) {
        if let Some(seat) = self.seats.get_mut(key).filter(|seat| seat.number == number) {
            seat.opening = seat.opening.saturating_sub(1);
        }
    }

    /// The name of a file is gone. Gives the part if it is open: whoever is still opening it gets none.
    pub(super) fn remove(&mut self, key: &CacheKey) -> Option<Arc<OpenPart>> {
        self.seats.remove(key)?.part.upgrade()
    }
}

impl Seat {
    /// The part, if somebody has it open and it is whole.
    fn whole(&self) -> Option<Arc<OpenPart>> {
        self.part.upgrade().filter(|part| !part.is_damaged())
    }
}

impl DiskCache {
    /// A part, open for reading; `None` when it is not there or not whole.
    pub(crate) fn open_part(&self, key: &CacheKey) -> Option<KeptPart> {
        let shared = &self.shared;
        let presence = shared.content().touch(key);
        if presence == Presence::None {
            return None;
        }
        let found = lock(&shared.parts).ask(key);
        let number = match found {
            Found::Open(part) => return Some(KeptPart(part)),
            Found::Seat(number) => number,
        };
        // Nobody waits while the disk is read: two who open the same at once find that out when they sit down.
        match OpenPart::open(shared, key) {
            Ok(part) => {
                let part = Arc::new(part);
                let seated = lock(&shared.parts).seat(key, number, &part);
                seated.map(KeptPart)
            }
            Err(error) => {
                lock(&shared.parts).give_up(key, number);
                shared.explain(key, presence, &error);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{keep, key, open, read};
    use super::*;

    #[test]
    fn a_part_that_is_replaced_while_it_is_opened_does_not_come_to_the_place_of_the_new_one() {
        let place = tempfile::tempdir().unwrap();
        let cache = open(place.path());
        keep(&cache, b"old").unwrap();
        let ask = || match lock(&cache.shared.parts).ask(&key()) {
            Found::Seat(number) => number,
            Found::Open(_) => panic!("nobody has it open"),
        };
        let (one, other) = (ask(), ask());
        let old = Arc::new(OpenPart::open(&cache.shared, &key()).unwrap());
        let seated = lock(&cache.shared.parts).seat(&key(), one, &old).unwrap();
        assert!(Arc::ptr_eq(&seated, &old));
        cache.discard_part(&key());
        keep(&cache, b"new one").unwrap();
        let new = cache.open_part(&key()).unwrap();
        assert!(lock(&cache.shared.parts).seat(&key(), other, &old).is_none(), "it was opened before the new one came");
        assert_eq!((read(&new), read(&cache.open_part(&key()).unwrap())), (b"new one".to_vec(), b"new one".to_vec()));
        assert_eq!(read(&KeptPart(old)), b"old", "who has it open goes on with it");
    }

    #[test]
    fn parts_that_were_closed_are_not_remembered() {
        let mut parts = OpenParts::default();
        for number in 0..10_000 {
            let key = CacheKey::new("a.tif", &[&number.to_string()]);
            let Found::Seat(seat) = parts.ask(&key) else { panic!("nobody has it open") };
            parts.give_up(&key, seat);
        }
        assert!(parts.seats.len() <= LEAST_SWEPT, "{}", parts.seats.len());
    }
}
