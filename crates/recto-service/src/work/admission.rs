//! Who is let in: a reckoning of how long the work that was let in will take, and the verdict on what comes next.
//!
//! The reckoning is a model of the lanes, not the lanes: work flows at a fixed rate, shared equally among the clients who have
//! some. It knows what was let in and by how much such predictions were wrong lately, and of what really happens only whether a lane
//! has come to its end: so it gives the same verdicts whether these are carried out or only counted, and never turns away what could
//! begin at once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::{Client, Lane};

/// What the reckoning is made for.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// Threads that take tiles.
    pub tile_threads: u64,
    /// Threads that take large work.
    pub large_threads: u64,
    /// Memory of the tile lane in bytes.
    pub tile_bytes: u64,
    /// Memory of the large lane in bytes.
    pub large_bytes: u64,
    /// Things that may wait in a lane.
    pub max_waiting: usize,
    /// The longest that anything may wait.
    pub max_wait: Duration,
}

/// Something that wants to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Where to.
    pub lane: Lane,
    /// On whose behalf.
    pub client: Client,
    /// How long it will take.
    pub time: Duration,
    /// Memory that it will hold, in bytes.
    pub bytes: u64,
}

/// Whether it is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Admitted,
    /// Not now; perhaps after so long.
    Busy {
        /// How long it would have to wait.
        wait: Duration,
    },
    /// It can never be done here: it takes more memory than there is.
    TooLarge,
}

/// The reckoning of both lanes.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    tiles: Flow,
    large: Flow,
}

impl Admission {
    /// Nothing was let in yet.
    pub fn new(limits: AdmissionLimits) -> Self {
        Self { limits, tiles: Flow::default(), large: Flow::default() }
    }

    fn flow(&mut self, lane: Lane) -> &mut Flow {
        match lane {
            Lane::Tiles => &mut self.tiles,
            Lane::Large => &mut self.large,
        }
    }

    /// The time for which this work fills the whole lane, by what was learned from other work of the lane.
    fn load(&self, wish: &Wish) -> u64 {
        let flow = if wish.lane == Lane::Tiles { &self.tiles } else { &self.large };
        ((self.plain_load(wish) as f64 * flow.error.factor()) as u64).clamp(1, MOST_LOAD)
    }

    /// The time for which this work fills the whole lane: its threads or its memory, whichever it fills more.
    fn plain_load(&self, wish: &Wish) -> u64 {
        let (threads, lane_bytes) = match wish.lane {
            Lane::Tiles => (self.limits.tile_threads, self.limits.tile_bytes),
            Lane::Large => (self.limits.large_threads, self.limits.large_bytes),
        };
        let time = u64::try_from(wish.time.as_nanos()).unwrap_or(u64::MAX);
        let by_memory = u128::from(time) * u128::from(wish.bytes) / u128::from(lane_bytes.max(1));
        (time / threads.max(1)).max(u64::try_from(by_memory).unwrap_or(u64::MAX)).clamp(1, MOST_LOAD)
    }

    /// Nothing waits in this lane: whatever the reckoning thinks is still to be done has been done sooner.
    pub fn caught_up(&mut self, lane: Lane) {
        self.flow(lane).settle();
    }

    /// The verdict at this time, counted from any moment that stays the same. What is admitted counts from now on, until
    /// [`Admission::done`].
    pub fn decide(&mut self, now: Duration, wish: &Wish) -> Verdict {
        let limits = self.limits;
        let lane_bytes = if wish.lane == Lane::Tiles { limits.tile_bytes } else { limits.large_bytes };
        if wish.bytes > lane_bytes {
            return Verdict::TooLarge;
        }
        let load = self.load(wish);
        let flow = self.flow(wish.lane);
        flow.advance(now);
        let wait = flow.wait(wish.client, load);
        // When many wait, nobody may have more of the places than others.
        let share = (limits.max_waiting / flow.clients_with(wish.client)).max(1);
        let is_full = flow.count >= limits.max_waiting && flow.count_of(wish.client) >= share
            || flow.count >= limits.max_waiting.saturating_mul(4);
        if is_full || wait > limits.max_wait {
            return Verdict::Busy { wait };
        }
        flow.add(wish.client, load);
        Verdict::Admitted
    }

    /// What was admitted took `took` in the end: the next are reckoned by that.
    pub fn done(&mut self, wish: &Wish, took: Duration) {
        let (thought, was) = (self.plain_load(wish), self.plain_load(&Wish { time: took, ..*wish }));
        self.flow(wish.lane).error.learn(thought, was);
    }

    /// What was admitted was given up before it began.
    pub fn given_up(&mut self, now: Duration, wish: &Wish) {
        let load = self.load(wish);
        let flow = self.flow(wish.lane);
        flow.advance(now);
        flow.refund(wish.client, load);
    }

    /// How long something new of a client of whom nothing waits would wait now.
    pub fn wait(&mut self, now: Duration, lane: Lane) -> Duration {
        let flow = self.flow(lane);
        flow.advance(now);
        flow.wait(Client::default(), 1)
    }
}

/// An hour of a whole lane is as much as anything counts.
const MOST_LOAD: u64 = 3_600_000_000_000;

/// By how much predictions were wrong lately, all together.
#[derive(Debug, Default)]
struct PredictionError {
    thought: f64,
    was: f64,
    seen: u32,
}

impl PredictionError {
    /// How much the latest counts.
    const NEWEST_PART: f64 = 0.01;

    fn learn(&mut self, thought: u64, was: u64) {
        let part = Self::NEWEST_PART.max(1.0 / f64::from(self.seen.saturating_add(1)));
        self.thought += (thought as f64 - self.thought) * part;
        self.was += (was as f64 - self.was) * part;
        self.seen = self.seen.saturating_add(1);
    }

    fn factor(&self) -> f64 {
        if self.thought > 0.0 { (self.was / self.thought).clamp(0.01, 100.0) } else { 1.0 }
    }
}

/// A flow of work, shared equally among clients: each has a mark, and the level rises towards the marks the slower the more of
/// them are above it.
#[derive(Debug, Default)]
struct Flow {
    now: u64,
    level: u64,
    /// What the level could not rise by whole nanoseconds.
    rest: u64,
    marks: BTreeSet<(u64, Client)>,
    clients: HashMap<Client, Backlog>,
    /// Things that the level has not reached.
    count: usize,
    error: PredictionError,
}

#[derive(Debug, Default)]
struct Backlog {
    mark: u64,
    /// Where each of its things ends.
    ends: VecDeque<u64>,
}

impl Flow {
    fn advance(&mut self, now: Duration) {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let mut passed = now.saturating_sub(self.now).saturating_add(self.rest);
        self.rest = 0;
        self.now = self.now.max(now);
        while let Some(&(mark, client)) = self.marks.first() {
            let clients = self.marks.len() as u64;
            let needed = mark.saturating_sub(self.level).saturating_mul(clients);
            if needed > passed {
                self.level += passed / clients;
                self.rest = passed % clients;
                break;
            }
            passed -= needed;
            self.level = self.level.max(mark);
            self.marks.pop_first();
            if let Some(gone) = self.clients.remove(&client) {
                self.count -= gone.ends.len();
            }
        }
    }

    /// Drops everything.
    fn settle(&mut self) {
        self.marks.clear();
        self.clients.clear();
        (self.count, self.rest) = (0, 0);
    }

    /// Drops what the level has reached.
    fn count_of(&mut self, client: Client) -> usize {
        let Some(backlog) = self.clients.get_mut(&client) else { return 0 };
        while backlog.ends.front().is_some_and(|end| *end <= self.level) {
            backlog.ends.pop_front();
            self.count -= 1;
        }
        backlog.ends.len()
    }

    /// Clients with work, this one among them.
    fn clients_with(&self, client: Client) -> usize {
        self.clients.len() + usize::from(!self.clients.contains_key(&client))
    }

    /// How long new work of a client would wait before it could flow alone.
    fn wait(&self, client: Client, load: u64) -> Duration {
        let own = self.clients.get(&client).map_or(self.level, |backlog| backlog.mark.max(self.level));
        let end = own.saturating_add(load);
        let (mut level, mut time) = (self.level, 0_u64);
        let mut clients = self.clients_with(client) as u64;
        for (mark, _) in self.marks.iter().filter(|(_, other)| *other != client).take_while(|(mark, _)| *mark < end) {
            time = time.saturating_add(mark.saturating_sub(level).saturating_mul(clients));
            level = level.max(*mark);
            clients -= 1;
        }
        time = time.saturating_add(end.saturating_sub(level).saturating_mul(clients));
        Duration::from_nanos(time.saturating_sub(load))
    }

    fn add(&mut self, client: Client, load: u64) {
        let backlog = self.clients.entry(client).or_default();
        self.marks.remove(&(backlog.mark, client));
        backlog.mark = backlog.mark.max(self.level).saturating_add(load);
        backlog.ends.push_back(backlog.mark);
        self.marks.insert((backlog.mark, client));
        self.count += 1;
    }

    fn refund(&mut self, client: Client, load: u64) {
        let Some(backlog) = self.clients.get_mut(&client) else { return };
        self.marks.remove(&(backlog.mark, client));
        backlog.mark = backlog.mark.saturating_sub(load).max(self.level);
        self.count -= usize::from(backlog.ends.pop_back().is_some());
        for end in &mut backlog.ends {
            *end = (*end).min(backlog.mark);
        }
        if backlog.mark > self.level && !backlog.ends.is_empty() {
            self.marks.insert((backlog.mark, client));
        } else if let Some(gone) = self.clients.remove(&client) {
            self.count -= gone.ends.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AdmissionLimits = AdmissionLimits {
        tile_threads: 2,
        large_threads: 1,
        tile_bytes: 100,
        large_bytes: 1000,
        max_waiting: 8,
        max_wait: Duration::from_secs(2),
    };

    fn wish(client: u8, milliseconds: u64, bytes: u64) -> Wish {
        let client = Client::of(Some(std::net::IpAddr::from([192, 0, 2, client])));
        Wish { lane: Lane::Large, client, time: Duration::from_millis(milliseconds), bytes }
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn who_would_wait_too_long_is_told_how_long() {
        let mut admission = Admission::new(LIMITS);
        for _ in 0..3 {
            assert_eq!(admission.decide(at(0), &wish(1, 1000, 1)), Verdict::Admitted);
        }
        assert_eq!(admission.decide(at(0), &wish(1, 1000, 1)), Verdict::Busy { wait: at(3000) });
        assert_eq!(admission.decide(at(999), &wish(1, 1000, 1)), Verdict::Busy { wait: at(2001) });
        assert_eq!(admission.decide(at(1000), &wish(1, 1000, 1)), Verdict::Admitted);
    }

    #[test]
    fn another_client_waits_for_its_share_alone() {
        let mut admission = Admission::new(AdmissionLimits { max_waiting: 1000, ..LIMITS });
        for _ in 0..20 {
            admission.decide(at(0), &wish(1, 100, 1));
        }
        assert!(matches!(admission.decide(at(0), &wish(1, 1, 1)), Verdict::Admitted));
        assert!(matches!(admission.decide(at(0), &wish(1, 100, 1)), Verdict::Busy { .. }));
        // Of two who share, this one is through after twice its own time.
        assert_eq!(admission.large.wait(wish(2, 0, 0).client, 100), Duration::from_nanos(100));
        assert_eq!(admission.decide(at(0), &wish(2, 100, 1)), Verdict::Admitted);
    }

    #[test]
    fn memory_counts_where_it_is_scarcer_than_threads() {
        let mut admission = Admission::new(LIMITS);
        assert_eq!(admission.decide(at(0), &wish(1, 100, 1001)), Verdict::TooLarge);
        assert_eq!(admission.load(&wish(1, 100, 1000)), admission.load(&wish(1, 100, 10)), "one thread");
        let wide = Admission::new(AdmissionLimits { large_threads: 10, ..LIMITS });
        assert_eq!(wide.load(&wish(1, 100, 500)), 5 * wide.load(&wish(1, 100, 10)));
    }

    #[test]
    fn places_are_shared_when_many_wait() {
        let mut admission = Admission::new(LIMITS);
        let admitted = (0..20).filter(|_| admission.decide(at(0), &wish(1, 1, 1)) == Verdict::Admitted).count();
        assert_eq!(admitted, 8);
        let admitted = (0..20).filter(|_| admission.decide(at(0), &wish(2, 1, 1)) == Verdict::Admitted).count();
        assert_eq!(admitted, 4, "half of the places, whoever came first");
        assert!(matches!(admission.decide(at(0), &wish(1, 1, 1)), Verdict::Busy { .. }));
    }

    #[test]
    fn a_lane_that_has_caught_up_turns_nothing_away() {
        let mut admission = Admission::new(LIMITS);
        for _ in 0..3 {
            admission.decide(at(0), &wish(1, 1000, 1));
        }
        assert!(matches!(admission.decide(at(0), &wish(1, 1000, 1)), Verdict::Busy { .. }));
        admission.caught_up(Lane::Large);
        assert_eq!(admission.decide(at(0), &wish(1, 1000, 1)), Verdict::Admitted);
        admission.given_up(at(0), &wish(2, 1000, 1));
        admission.advance_all(at(100_000));
        assert_eq!((admission.large.count, admission.large.clients.len(), admission.large.marks.len()), (0, 0, 0));
    }

    #[test]
    fn what_is_given_up_is_taken_off_and_what_takes_longer_is_learned_from() {
        let mut admission = Admission::new(LIMITS);
        admission.decide(at(0), &wish(1, 1000, 1));
        admission.given_up(at(0), &wish(1, 1000, 1));
        assert_eq!((admission.wait(at(0), Lane::Large), admission.large.count), (Duration::ZERO, 0));
        admission.decide(at(10), &wish(1, 100, 1));
        admission.done(&wish(1, 100, 1), at(300));
        assert_eq!(admission.decide(at(1000), &wish(1, 1000, 1)), Verdict::Admitted);
        assert_eq!(admission.decide(at(1000), &wish(1, 1, 1)), Verdict::Busy { wait: at(3000) }, "three times as long");
        admission.advance_all(at(100_000));
        assert_eq!((admission.large.count, admission.large.clients.len(), admission.large.marks.len()), (0, 0, 0));
    }

    impl Admission {
        fn advance_all(&mut self, now: Duration) {
            self.tiles.advance(now);
            self.large.advance(now);
        }
    }

    #[test]
    fn counts_hold_whatever_happens() {
        let mut admission = Admission::new(LIMITS);
        let mut random = 1_u64;
        let mut now = 0;
        let mut admitted = Vec::new();
        for _ in 0..50_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            now += (random >> 40) % 20;
            let wish = wish((random >> 33) as u8 % 5, (random >> 50) % 300, (random >> 20) % 1100);
            if (random >> 60) < 9 {
                if admission.decide(at(now), &wish) == Verdict::Admitted {
                    admitted.push(wish);
                }
            } else if let Some(wish) = admitted.pop() {
                if random >> 60 < 12 {
                    admission.done(&wish, at((random >> 45) % 500));
                } else {
                    admission.given_up(at(now), &wish);
                }
            }
            let flow = &admission.large;
            assert_eq!(flow.count, flow.clients.values().map(|backlog| backlog.ends.len()).sum::<usize>());
            assert_eq!(flow.marks.len(), flow.clients.len());
            assert!(flow.count <= 4 * LIMITS.max_waiting);
        }
        admission.advance_all(at(now + 10_000_000));
        assert_eq!((admission.large.count, admission.large.marks.len()), (0, 0));
    }

    /// What a run of a made-up crowd gave.
    #[derive(Debug, Default)]
    struct Run {
        busy: usize,
        too_large: usize,
        admitted: usize,
        longest_wait: Duration,
    }

    /// A large lane of one thread that takes what it is given in fair order, with times that are not quite those that were
    /// predicted.
    fn simulate(sheds: bool, seed: u64) -> Run {
        use super::super::fair::FairQueue;
        let mut admission = Admission::new(AdmissionLimits { max_waiting: 64, ..LIMITS });
        let mut queue = FairQueue::new();
        let (mut run, mut random, mut now, mut free_at) = (Run::default(), seed, 0_u64, 0_u64);
        let mut running: Option<(Wish, u64, bool)> = None;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        for number in 0..30_000_u64 {
            // Crowds come and go; together they ask for about one and a half times what can be done.
            now += if number / 3000 % 2 == 0 { next() % 40 } else { next() % 130 };
            let bytes = if next() % 500 == 0 { 1001 } else { next() % 900 };
            let wish = wish((next() % 12).min(next() % 12) as u8, 5 + next() % 60, bytes);
            let real = wish.time.as_millis() as u64 * (80 + next() % 50) / 100;
            // The thread goes on until now.
            while free_at <= now {
                if let Some((wish, took, is_reckoned)) = running.take()
                    && is_reckoned
                {
                    admission.done(&wish, at(took));
                }
                let Some((waiting, took, is_reckoned, since)) = queue.pop(|_| true) else { break };
                run.longest_wait = run.longest_wait.max(at(free_at.saturating_sub(since)));
                running = Some((waiting, took, is_reckoned));
                free_at += took;
            }
            free_at = if running.is_none() { free_at.max(now) } else { free_at };
            if queue.len() == 0 && running.is_none() {
                admission.caught_up(Lane::Large);
            }
            let verdict = admission.decide(at(now), &wish);
            match verdict {
                Verdict::Admitted => run.admitted += 1,
                Verdict::Busy { .. } => run.busy += 1,
                Verdict::TooLarge => run.too_large += 1,
            }
            let is_admitted = verdict == Verdict::Admitted;
            if is_admitted || !sheds {
                queue.push(wish.client, wish.time, (wish, real, is_admitted, now));
            }
        }
        run
    }

    #[test]
    fn d2_shadow_mode_counts_what_enforce_mode_turns_away() {
        for seed in [1, 2, 3, 4, 5] {
            let (enforced, shadow) = (simulate(true, seed), simulate(false, seed));
            assert!(enforced.busy > 1000 && enforced.too_large > 20 && enforced.admitted > 5000, "{enforced:?}");
            let differ = enforced.busy.abs_diff(shadow.busy);
            assert!(differ * 100 <= enforced.busy, "seed {seed}: {enforced:?} {shadow:?}");
            assert_eq!(enforced.too_large, shadow.too_large, "seed {seed}");
            assert!(shadow.longest_wait > 5 * enforced.longest_wait, "nothing is turned away: {enforced:?} {shadow:?}");
        }
    }
}
