//! A queue that is fair to clients: who waits with one thing does not wait for the thousand things of another.
//!
//! Self-clocked fair queueing: each thing gets a tag, the end of its client's work so far (or of the latest thing that was
//! taken, if that is later) plus its own cost, and the lowest tag goes first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::Client;

/// Things behind the first that are looked at when the first cannot be taken yet.
const LOOK_BEHIND: usize = 64;
/// So many may overtake the first; then all wait for it.
const MOST_OVERTAKING: u32 = 32;

/// The place of a thing in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    tag: u64,
    number: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    client: Client,
    thing: T,
}

#[derive(Debug)]
struct Line {
    tag: u64,
    waiting: u32,
}

/// Things that wait.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    things: BTreeMap<Place, Waiting<T>>,
    lines: HashMap<Client, Line>,
    /// The tag of the latest thing that was taken.
    now: u64,
    number: u64,
    /// The first, and how many overtook it.
    overtaken: Option<(Place, u32)>,
}

impl<T> FairQueue<T> {
    pub(crate) fn new() -> Self {
        Self { things: BTreeMap::new(), lines: HashMap::new(), now: 0, number: 0, overtaken: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }

    pub(crate) fn push(&mut self, client: Client, cost: Duration, thing: T) -> Place {
        let cost = u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX).max(1);
        let line = self.lines.entry(client).or_insert(Line { tag: 0, waiting: 0 });
        line.tag = line.tag.max(self.now).saturating_add(cost);
        line.waiting += 1;
        self.number += 1;
        let place = Place { tag: line.tag, number: self.number };
        self.things.insert(place, Waiting { client, thing });
        place
    }

    /// Takes the first of which `can` is true; a few may be passed over, but not for ever.
    pub(crate) fn pop(&mut self, can: impl Fn(&T) -> bool) -> Option<T> {
        let (first, _) = self.things.first_key_value()?;
        let first = *first;
        let overtaken = self.overtaken.filter(|(place, _)| *place == first).map_or(0, |(_, times)| times);
        let look = if overtaken >= MOST_OVERTAKING { 1 } else { LOOK_BEHIND };
        let place = self.things.iter().take(look).find(|(_, waiting)| can(&waiting.thing)).map(|(place, _)| *place)?;
        if place != first {
            self.overtaken = Some((first, overtaken + 1));
        }
        self.now = self.now.max(place.tag);
        self.remove(place)
    }

    /// Takes out what is at this place, if it still is.
    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        let waiting = self.things.remove(&place)?;
        if let Some(line) = self.lines.get_mut(&waiting.client) {
            line.waiting -= 1;
            if line.waiting == 0 {
                self.lines.remove(&waiting.client);
            }
        }
        if self.things.is_empty() {
            self.now = 0;
            self.overtaken = None;
        }
        Some(waiting.thing)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u8) -> Client {
        Client::of(Some(std::net::IpAddr::from([192, 0, 2, number])))
    }

    #[test]
    fn one_thing_of_a_client_does_not_wait_for_the_thousand_of_another() {
        let mut queue = FairQueue::new();
        for number in 0..1000 {
            queue.push(client(1), Duration::from_millis(10), (1, number));
        }
        let taken: Vec<_> = (0..10).filter_map(|_| queue.pop(|_| true)).collect();
        assert_eq!(taken, (0..10).map(|number| (1, number)).collect::<Vec<_>>(), "in order");
        queue.push(client(2), Duration::from_millis(10), (2, 0));
        let next: Vec<_> = (0..2).filter_map(|_| queue.pop(|_| true)).collect();
        assert!(next.contains(&(2, 0)), "{next:?}");
    }

    #[test]
    fn clients_get_equal_time_not_equal_numbers() {
        let mut queue = FairQueue::new();
        for number in 0..100 {
            queue.push(client(1), Duration::from_millis(40), (1, number));
            queue.push(client(2), Duration::from_millis(10), (2, number));
        }
        let taken: Vec<_> = (0..50).filter_map(|_| queue.pop(|_| true)).map(|(client, _)| client).collect();
        let first = taken.iter().filter(|client| **client == 1).count();
        assert!((9..=11).contains(&first), "{first} of 50 are of the client whose things cost four times as much");
    }

    #[test]
    fn what_does_not_fit_is_overtaken_but_not_for_ever() {
        let mut queue = FairQueue::new();
        queue.push(client(1), Duration::from_millis(1), 1000);
        for number in 0..100 {
            queue.push(client(2), Duration::from_millis(1), number);
        }
        let overtaking = std::iter::from_fn(|| queue.pop(|thing| *thing < 1000)).count();
        assert_eq!(overtaking, MOST_OVERTAKING as usize);
        assert_eq!(queue.pop(|_| true), Some(1000));
        assert_eq!(queue.pop(|_| true), Some(32));
    }

    #[test]
    fn what_is_taken_out_leaves_no_trace() {
        let mut queue = FairQueue::new();
        let places: Vec<_> = (0..10).map(|number| queue.push(client(number), Duration::from_secs(1), number)).collect();
        for (number, place) in places.iter().enumerate() {
            assert_eq!(queue.remove(*place), Some(number as u8));
            assert_eq!(queue.remove(*place), None);
        }
        assert!(queue.lines.is_empty() && queue.len() == 0 && queue.now == 0);
    }
}
