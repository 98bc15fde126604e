//! Which entries are in the directory, how large they are, and which one goes next.
//!
//! The order of leaving is S3-FIFO (Yang et al., SOSP 2023): new entries wait in a small queue, and only what was asked
//! for again moves on to the main one, so one client who walks through a whole map does not push out what all look at.
//! Keys that left the small queue lately are remembered, and go to the main queue when they come again.
//!
//! An entry costs about 70 bytes of memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::journal::Listed;
use super::queue::Purge;
use crate::CacheKey;

/// Entries asked for this often count as no more: it bounds the search for one that goes.
const MOST_USES: u8 = 3;
/// The small queue's part of all bytes.
const SMALL_PART: u64 = 10;
/// So many places of what is gone stay in the queues, or as many as there are entries.
const MOST_GONE: usize = 1024;

#[derive(Debug)]
struct Slot {
    /// The key, as numbers of 64 bits so that a slot needs no padding.
    key: [u64; 4],
    blocks: u32,
    uses: u8,
    state: State,
    is_main: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its file is being moved to its place: it counts, but is not answered yet. Nobody but the one who brings it touches the file.
    Coming,
    /// As before, but purged meanwhile: the one who brings it takes it away again.
    Unwanted,
    Present,
    /// Found damaged, or purged: its file is still there and counts, but it is not answered.
    Damaged,
    /// Its file is being looked at by one who will remove it, or let it stay. It is not answered meanwhile.
    Looked,
    /// Its file is being removed: it counts until that is done. Nobody but the one who claimed it touches the file.
    Going,
    /// Gone; the slot is free once its queue comes to it.
    Gone,
}

/// What an entry meets that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is added: its file is to be brought now.
    Added,
    /// It is there, or somebody else brings it.
    There,
    /// The file of this key is in its way: it is claimed, is to be removed now, and then it may be asked again.
    After(CacheKey),
    /// What is in its way is being moved or removed by somebody else.
    NotYet,
}

/// The entries of a directory.
///
/// The file of an entry is moved by one at a time, though nobody holds a lock for that: by the one who brings it, after
/// [`Index::insert`] until [`Index::arrived`], or by the one who claimed it, until [`Index::remove`].
#[derive(Debug)]
pub(crate) struct Index {
    block_bytes: u64,
    by_key: HashMap<u64, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    /// What was evicted and is in no queue, while its file is removed.
    leaving: Vec<u32>,
    /// Places in the queues of what is gone.
    gone: usize,
    small_blocks: u64,
    blocks: u64,
    remembered: HashSet<u64>,
    remembered_order: VecDeque<u64>,
}

impl Index {
    /// An empty index of files on a disk with blocks of this size.
    pub(crate) fn new(block_bytes: u64) -> Self {
        Self {
            block_bytes: block_bytes.max(512),
            by_key: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            small: VecDeque::new(),
            main: VecDeque::new(),
            leaving: Vec::new(),
            gone: 0,
            small_blocks: 0,
            blocks: 0,
            remembered: HashSet::new(),
            remembered_order: VecDeque::new(),
        }
    }

    /// Bytes of all entries, in whole blocks.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.saturating_mul(self.block_bytes)
    }

    pub(crate) fn entries(&self) -> u64 {
        self.by_key.len() as u64
    }

    /// Bytes that a file of this length takes, in whole blocks.
    pub(crate) fn rounded(&self, file_bytes: u64) -> u64 {
        file_bytes.div_ceil(self.block_bytes).saturating_mul(self.block_bytes)
    }

    fn find(&self, key: &CacheKey) -> Option<u32> {
        let number = *self.by_key.get(&key.spread())?;
        let slot = self.slots.get(number as usize)?;
        (slot.key == parts(key)).then_some(number)
    }

    /// True when the entry is there; it then counts as used.
    pub(crate) fn touch(&mut self, key: &CacheKey) -> bool {
        let Some(number) = self.find(key) else { return false };
        let Some(slot) = self.slots.get_mut(number as usize) else { return false };
        slot.uses = (slot.uses + 1).min(MOST_USES);
        slot.state == State::Present
    }

    pub(crate) fn contains(&self, key: &CacheKey) -> bool {
        self.find(key).is_some()
    }

    /// True when the entry is there, or on its way.
    pub(crate) fn is_wanted(&self, key: &CacheKey) -> bool {
        matches!(self.state(key), Some(State::Coming | State::Present))
    }

    fn state(&self, key: &CacheKey) -> Option<State> {
        self.find(key).and_then(|number| self.slots.get(number as usize)).map(|slot| slot.state)
    }

    /// Adds an entry whose file is on its way, unless something is in its place: its own file from before, or that of another
    /// key that spreads to the same number. What was dear to make counts as used once.
    pub(crate) fn insert(&mut self, key: &CacheKey, file_bytes: u64, is_dear: bool) -> Admission {
        let before = self.by_key.get(&key.spread()).and_then(|number| self.slots.get_mut(*number as usize));
        if let Some(slot) = before {
            let is_same = slot.key == parts(key);
            return match slot.state {
                State::Coming | State::Present if is_same => Admission::There,
                State::Present | State::Damaged => {
                    slot.state = State::Going;
                    Admission::After(joined(slot.key))
                }
                State::Coming | State::Unwanted | State::Looked | State::Going | State::Gone => Admission::NotYet,
            };
        }
        let again = self.remembered.remove(&key.spread());
        let (uses, is_main) = (u8::from(is_dear), again || is_dear);
        self.add(Listed { key: *key, blocks: self.blocks_of(file_bytes), uses, is_main }, State::Coming);
        Admission::Added
    }

    /// The file of an entry has come to its place. False when the entry is not wanted any more: then it is claimed, and must go.
    pub(crate) fn arrived(&mut self, key: &CacheKey) -> bool {
        let Some(slot) = self.slot_mut(key) else { return false };
        match slot.state {
            State::Coming => slot.state = State::Present,
            State::Unwanted => slot.state = State::Going,
            _ => {}
        }
        slot.state == State::Present
    }

    fn slot_mut(&mut self, key: &CacheKey) -> Option<&mut Slot> {
        let number = self.find(key)?;
        self.slots.get_mut(number as usize)
    }

    /// Claims an entry that may be answered: from here on it is not, and its file is the caller's to remove. False when the file is
    /// on its way, or the business of somebody else, or when there is none.
    pub(crate) fn claim_present(&mut self, key: &CacheKey) -> bool {
        self.change(key, State::Present, State::Going)
    }

    /// Claims an entry that was found damaged, or purged, likewise.
    pub(crate) fn claim_damaged(&mut self, key: &CacheKey) -> bool {
        self.change(key, State::Damaged, State::Going)
    }

    /// Claims an entry that may be answered, to look at its file: then comes [`Index::let_stay`] or [`Index::claim_looked`].
    pub(crate) fn look(&mut self, key: &CacheKey) -> bool {
        self.change(key, State::Present, State::Looked)
    }

    /// The file that was looked at is sound and stays. False when it was purged meanwhile: then it must go.
    pub(crate) fn let_stay(&mut self, key: &CacheKey) -> bool {
        self.change(key, State::Looked, State::Present)
    }

    /// The file that was looked at goes.
    pub(crate) fn claim_looked(&mut self, key: &CacheKey) {
        self.change(key, State::Looked, State::Going);
    }

    /// Gives up a claim: the file could not be removed. It counts, is not answered, and is tried again later.
    pub(crate) fn keep_counting(&mut self, key: &CacheKey) {
        if self.change(key, State::Going, State::Damaged) {
            self.queue_again(key);
        }
    }

    /// True when the entry was in the one state, and is in the other now.
    fn change(&mut self, key: &CacheKey, from: State, to: State) -> bool {
        let Some(slot) = self.slot_mut(key).filter(|slot| slot.state == from) else { return false };
        slot.state = to;
        true
    }

    fn queue_again(&mut self, key: &CacheKey) {
        let Some(number) = self.find(key) else { return };
        let is_main = self.slots.get(number as usize).is_some_and(|slot| slot.is_main);
        if self.leaves_no_more(number) {
            let queue = if is_main { &mut self.main } else { &mut self.small };
            queue.push_back(number);
        }
    }

    /// True when this was evicted, and so is in no queue. It is not noted any more.
    fn leaves_no_more(&mut self, number: u32) -> bool {
        let at = self.leaving.iter().position(|leaving| *leaving == number);
        at.map(|at| self.leaving.swap_remove(at)).is_some()
    }

    /// Adds an entry of an earlier run, behind all others of its queue.
    pub(crate) fn insert_found(&mut self, listed: Listed) {
        if !self.by_key.contains_key(&listed.key.spread()) {
            self.add(listed, State::Present);
        }
    }

    /// How the entry is written down; `None` when it is not there.
    pub(crate) fn listed(&self, key: &CacheKey) -> Option<Listed> {
        self.slots.get(self.find(key)? as usize).map(listed)
    }

    /// The places of all entries in the order in which they leave: what leaves already, the main queue, the small one.
    pub(crate) fn order(&self) -> Vec<u32> {
        self.leaving.iter().chain(&self.main).chain(&self.small).copied().collect()
    }

    /// The entries at these places.
    pub(crate) fn listed_at(&self, places: &[u32]) -> Vec<Listed> {
        let slots = places.iter().filter_map(|number| self.slots.get(*number as usize));
        slots.filter(|slot| slot.state != State::Gone).map(listed).collect()
    }

    fn queued(&self) -> usize {
        self.main.len() + self.small.len()
    }

    /// True while files of what was evicted are being removed.
    pub(crate) fn is_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Blocks that a file of this length takes.
    pub(crate) fn blocks_of(&self, file_bytes: u64) -> u32 {
        u32::try_from(file_bytes.div_ceil(self.block_bytes)).unwrap_or(u32::MAX)
    }

    fn add(&mut self, listed: Listed, state: State) {
        let Listed { key, blocks, uses, is_main } = listed;
        let slot = Slot { key: parts(&key), blocks, uses, state, is_main };
        let number = match self.free.pop() {
            Some(number) => number,
            None => u32::try_from(self.slots.len()).unwrap_or(u32::MAX),
        };
        match self.slots.get_mut(number as usize) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        self.by_key.insert(key.spread(), number);
        self.blocks += u64::from(blocks);
        if is_main {
            self.main.push_back(number);
        } else {
            self.small_blocks += u64::from(blocks);
            self.small.push_back(number);
        }
    }

    /// Marks an entry whose file is damaged, so that it is not answered.
    pub(crate) fn mark_damaged(&mut self, key: &CacheKey) {
        self.change(key, State::Present, State::Damaged);
    }

    /// Takes what is gone out of the queues.
    pub(crate) fn tidy(&mut self) {
        let Self { slots, free, small, main, gone, .. } = self;
        *gone = 0;
        for queue in [small, main] {
            queue.retain(|number| {
                let is_there = slots.get(*number as usize).is_some_and(|slot| slot.state != State::Gone);
                if !is_there {
                    free.push(*number);
                }
                is_there
            });
        }
    }

    /// The places of all entries, those that are free among them.
    pub(crate) fn places(&self) -> Range<usize> {
        0..self.slots.len()
    }

    /// Marks the entries in these places that a purge means, so that none is answered, and gives their number. Their files still
    /// count until [`Index::remove`].
    pub(crate) fn mark(&mut self, purge: &Purge, places: Range<usize>) -> u64 {
        let mut marked = 0;
        for slot in self.slots.get_mut(places).unwrap_or_default() {
            let state = match slot.state {
                State::Coming => State::Unwanted,
                State::Present | State::Damaged => State::Damaged,
                State::Looked => State::Going,
                State::Unwanted | State::Going | State::Gone => continue,
            };
            if purge.means(joined(slot.key).image) {
                slot.state = state;
                marked += 1;
            }
        }
        marked
    }

    /// The entries in these places that were marked, of those that a purge means.
    pub(crate) fn marked(&self, purge: &Purge, places: Range<usize>) -> Vec<CacheKey> {
        let slots = self.slots.get(places).unwrap_or_default().iter();
        let keys = slots.filter(|slot| slot.state == State::Damaged).map(|slot| joined(slot.key));
        keys.filter(|key| purge.means(key.image)).collect()
    }

    /// Takes out an entry whose file is gone.
    pub(crate) fn remove(&mut self, key: &CacheKey) {
        let Some(number) = self.find(key) else { return };
        let Some(slot) = self.slots.get_mut(number as usize) else { return };
        slot.state = State::Gone;
        let (blocks, is_main) = (u64::from(slot.blocks), slot.is_main);
        self.by_key.remove(&key.spread());
        self.blocks = self.blocks.saturating_sub(blocks);
        if !is_main {
            self.small_blocks = self.small_blocks.saturating_sub(blocks);
        }
        if self.leaves_no_more(number) {
            self.free.push(number);
            return;
        }
        // Its place is in a queue, which is looked through now and then, also when nothing is ever evicted.
        self.gone += 1;
        if self.gone > MOST_GONE.max(self.by_key.len()) {
            self.tidy();
        }
    }

    /// Claims the entry that goes next: its file must be removed, and counts until then.
    pub(crate) fn evict(&mut self) -> Option<CacheKey> {
        // What is on its way, or claimed, goes round; when there is nothing else, nothing goes.
        let mut rounds = self.queued() * (usize::from(MOST_USES) + 2);
        loop {
            rounds = rounds.checked_sub(1)?;
            let from_small = self.small_blocks * SMALL_PART >= self.blocks || self.main.is_empty();
            let queue = if from_small { &mut self.small } else { &mut self.main };
            let number = match queue.pop_front() {
                Some(number) => number,
                None => self.small.pop_front().or_else(|| self.main.pop_front())?,
            };
            let Some(slot) = self.slots.get_mut(number as usize) else { continue };
            if slot.state == State::Gone {
                self.free.push(number);
                self.gone = self.gone.saturating_sub(1);
                continue;
            }
            let is_moving = matches!(slot.state, State::Coming | State::Unwanted | State::Looked | State::Going);
            if is_moving || slot.uses > 0 && slot.state == State::Present {
                // Asked for again: it moves on, or goes round once more.
                let was_small = !slot.is_main;
                slot.uses = if was_small { 0 } else { slot.uses.saturating_sub(1) };
                slot.is_main = true;
                if was_small {
                    self.small_blocks = self.small_blocks.saturating_sub(u64::from(slot.blocks));
                }
                self.main.push_back(number);
                continue;
            }
            slot.state = State::Going;
            let (key, was_small) = (joined(slot.key), !slot.is_main);
            self.leaving.push(number);
            if was_small {
                self.remember(key.spread());
            }
            return Some(key);
        }
    }

    /// Remembers a key that left; as many as there are entries.
    fn remember(&mut self, spread: u64) {
        if self.remembered.insert(spread) {
            self.remembered_order.push_back(spread);
        }
        while self.remembered_order.len() > self.by_key.len() + 64 {
            if let Some(oldest) = self.remembered_order.pop_front() {
                self.remembered.remove(&oldest);
            }
        }
    }
}

fn listed(slot: &Slot) -> Listed {
    Listed { key: joined(slot.key), blocks: slot.blocks, uses: slot.uses, is_main: slot.is_main }
}

fn parts(key: &CacheKey) -> [u64; 4] {
    [(key.image >> 64) as u64, key.image as u64, (key.request >> 64) as u64, key.request as u64]
}

fn joined([a, b, c, d]: [u64; 4]) -> CacheKey {
    let join = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
    CacheKey { image: join(a, b), request: join(c, d) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> CacheKey {
        CacheKey::new("image", &[&number.to_string()])
    }

    /// Adds an entry whose file is there.
    fn insert(index: &mut Index, key: &CacheKey, file_bytes: u64) {
        while let Admission::After(before) = index.insert(key, file_bytes, false) {
            index.remove(&before);
        }
        index.arrived(key);
    }

    /// Takes out the entry that goes next, and its file.
    fn evict(index: &mut Index) -> Option<CacheKey> {
        let key = index.evict()?;
        index.remove(&key);
        Some(key)
    }

    /// Adds an entry to an index of at most `most` bytes.
    fn put(index: &mut Index, number: u32, most: u64) {
        while index.bytes() + 4096 > most {
            evict(index).expect("a full index has something that goes");
        }
        insert(index, &key(number), 4000);
    }

    #[test]
    fn what_all_look_at_stays_while_one_walks_through_everything() {
        let mut index = Index::new(4096);
        let most = 200 * 4096;
        for number in 0..100 {
            put(&mut index, number, most);
            index.touch(&key(number));
        }
        for number in 1000..20_000 {
            put(&mut index, number, most);
            assert!(index.bytes() <= most);
            if number % 100 == 0 {
                for hot in 0..100 {
                    index.touch(&key(hot));
                }
            }
        }
        let stayed = (0..100).filter(|number| index.contains(&key(*number))).count();
        assert!(stayed >= 95, "{stayed} of 100 hot entries stayed");
    }

    #[test]
    fn bytes_are_those_of_the_entries_whatever_happens() {
        let mut index = Index::new(4096);
        let mut model: HashMap<u32, u64> = HashMap::new();
        let mut random: u32 = 1;
        for _ in 0..50_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (random >> 8) % 300;
            match random >> 29 {
                0..=3 => {
                    if index.state(&key(number)) == Some(State::Damaged) {
                        model.remove(&number);
                    }
                    insert(&mut index, &key(number), u64::from(random % 100_000));
                    model.entry(number).or_insert(u64::from(random % 100_000).div_ceil(4096) * 4096);
                }
                4 => {
                    index.remove(&key(number));
                    model.remove(&number);
                }
                5 => {
                    if let Some(gone) = evict(&mut index) {
                        model.retain(|number, _| key(*number) != gone);
                    }
                }
                6 => index.mark_damaged(&key(number)),
                _ => {
                    index.touch(&key(number));
                }
            }
            assert_eq!(index.entries(), model.len() as u64);
            assert_eq!(index.bytes(), model.values().sum::<u64>());
            assert_eq!(index.contains(&key(number)), model.contains_key(&number));
        }
        while evict(&mut index).is_some() {}
        assert_eq!((index.entries(), index.bytes(), index.small_blocks), (0, 0, 0));
        assert!(index.slots.len() <= 50_000 && index.free.len() == index.slots.len());
    }

    #[test]
    fn a_marked_entry_is_not_answered_but_counts_until_it_is_removed() {
        let mut index = Index::new(4096);
        insert(&mut index, &key(1), 10);
        insert(&mut index, &key(2), 10);
        let other = CacheKey::new("other", &["x"]);
        insert(&mut index, &other, 10);
        assert_eq!(index.mark(&Purge::image(key(1).image), index.places()), 2);
        assert!(!index.touch(&key(1)) && !index.touch(&key(2)) && index.touch(&other));
        assert_eq!(index.bytes(), 3 * 4096);
        index.remove(&key(1));
        assert_eq!(index.bytes(), 2 * 4096);
    }

    #[test]
    fn an_entry_on_its_way_counts_is_not_answered_and_does_not_go() {
        let mut index = Index::new(4096);
        index.insert(&key(1), 10, false);
        assert!(!index.touch(&key(1)) && index.contains(&key(1)));
        assert_eq!((index.bytes(), index.evict()), (4096, None));
        insert(&mut index, &key(2), 10);
        assert_eq!(index.evict(), Some(key(2)));
        assert!(index.arrived(&key(1)) && index.touch(&key(1)));

        index.insert(&key(3), 10, false);
        index.mark(&Purge::all(), index.places());
        assert!(!index.claim_damaged(&key(3)), "only the one who brings it takes it away");
        assert!(!index.arrived(&key(3)), "purged while it was on its way");
    }

    #[test]
    fn what_leaves_counts_and_holds_its_place_until_its_file_is_gone() {
        let mut index = Index::new(4096);
        insert(&mut index, &key(1), 10);
        assert_eq!(index.evict(), Some(key(1)));
        assert_eq!((index.bytes(), index.entries()), (4096, 1));
        assert_eq!(index.listed_at(&index.order()).len(), 1, "it is listed as long as its file may be there");
        assert!(!index.touch(&key(1)) && !index.claim_present(&key(1)) && !index.claim_damaged(&key(1)));
        assert_eq!(index.insert(&key(1), 5000, false), Admission::NotYet);
        assert_eq!(index.evict(), None);
        index.remove(&key(1));
        assert_eq!((index.bytes(), index.entries()), (0, 0));
        assert_eq!(index.insert(&key(1), 5000, false), Admission::Added);
        assert_eq!(index.insert(&key(1), 9000, false), Admission::There);
        assert_eq!((index.bytes(), index.entries()), (8192, 1));
    }

    #[test]
    fn what_is_purged_while_it_is_looked_at_goes_though_it_is_sound() {
        let mut index = Index::new(4096);
        for number in 1..=2 {
            insert(&mut index, &key(number), 10);
            assert!(index.look(&key(number)) && !index.touch(&key(number)) && !index.claim_present(&key(number)));
        }
        assert_eq!((index.evict(), index.bytes()), (None, 2 * 4096));
        assert!(index.let_stay(&key(1)) && index.touch(&key(1)));
        assert_eq!(index.mark(&Purge::all(), index.places()), 2);
        assert!(!index.let_stay(&key(2)) && !index.touch(&key(2)));
    }

    #[test]
    fn what_could_not_be_removed_counts_and_is_tried_again() {
        let mut index = Index::new(4096);
        for number in 1..=2 {
            insert(&mut index, &key(number), 10);
        }
        assert_eq!(index.evict(), Some(key(1)));
        index.keep_counting(&key(1));
        assert!(index.bytes() == 2 * 4096 && !index.touch(&key(1)));
        assert_eq!((evict(&mut index), evict(&mut index), evict(&mut index)), (Some(key(2)), Some(key(1)), None));
        assert_eq!((index.bytes(), index.small_blocks), (0, 0));
    }

    #[test]
    fn what_comes_and_goes_without_an_eviction_leaves_nothing_in_memory() {
        let mut index = Index::new(4096);
        for number in 0..20_000 {
            insert(&mut index, &key(number), 10);
            index.remove(&key(number));
        }
        assert!(index.slots.len() <= 2 * MOST_GONE && index.small.len() <= 2 * MOST_GONE, "{}", index.slots.len());
    }
}
