//! Files that stay where they are: read by ranges, and each range once.

mod access;
mod disk;
mod ranges;
mod space;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use recto_codec::{ByteRange, while_waiting};

pub(crate) use self::access::PartsAccess;
use self::disk::Target;
use self::ranges::{BETWEEN, MOST_BYTES, Present, requests};
use self::space::Space;
use super::access::Life;
use super::address::Address;
use super::client::{Begun, Client, KnownWay};
use super::copies::{Copies, footprint};
use super::error::FetchError;
use super::readers::Readers;
use super::waiting::locked;
use crate::SourceVersion;
use crate::filesystem::Direct;

/// What is fetched of the beginning of a file when it is located, and of what is read while it is opened. Within the 30 ms in which
/// a store across a network begins to answer, it sends as much.
pub(crate) const AHEAD: u64 = 384 << 10;
/// Most requests at a time for what one reader wants together.
const ABREAST: usize = 4;
/// Once so many bytes have been read one behind the other, more of what comes next is fetched each time.
const LEAST_RUN: u64 = 1 << 20;
/// Pauses before what failed for a moment is asked for again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// Longest time for what one reader wants together, and the slowest that it may come.
const LEAST_TIME: Duration = Duration::from_secs(30);
const LEAST_BYTES_PER_SECOND: u64 = 64 << 10;

/// Bytes that are not in the file, and where they belong.
type Loose = (u64, Vec<u8>);

/// The parts of a file that have been fetched, in a file without a name that has them where they belong.
#[derive(Debug)]
pub(crate) struct Parts {
    client: Arc<Client>,
    readers: Arc<Readers>,
    address: Address,
    pub(crate) id: String,
    etag: String,
    /// Where redirects led to this version.
    way: KnownWay,
    length: u64,
    version: SourceVersion,
    pub(crate) life: Arc<Life>,
    file: File,
    direct: Direct,
    state: Mutex<State>,
    /// A range that was under way has come, or does not.
    arrived: Condvar,
    /// Bytes of the disk. Behind the file: it counts until that is closed.
    pub(crate) space: Space,
    /// The turn of its space up to which the file was emptied. Whoever reads it or writes into it holds this meanwhile.
    emptied: RwLock<u64>,
    /// Until when what comes is not put into the file, as that could not be written.
    full_until: Mutex<Option<Instant>>,
    /// Whose space it takes.
    owner: OnceLock<Weak<Copies>>,
}

#[derive(Debug, Default)]
struct State {
    present: Present,
    /// Ranges that are being fetched.
    under_way: Vec<ByteRange>,
    /// How many bytes were read one behind the other, and where that ended.
    run: (u64, u64),
}

impl Parts {
    /// A file of which the beginning has come. `folder` is where its parts are put.
    pub(crate) fn begin(
        (client, readers): (&Arc<Client>, &Arc<Readers>),
        address: &Address,
        begun: &Begun,
        etag: &str,
        (folder, id, life): (&Path, String, Arc<Life>),
    ) -> Result<Self, FetchError> {
        let length = begun.length;
        let written = tempfile::tempfile_in(folder).and_then(|file| {
            file.set_len(length)?;
            file.write_all_at(&begun.bytes, 0)?;
            Ok(file)
        });
        let mut state = State::default();
        state.present.insert(ByteRange::new(0, begun.bytes.len() as u64));
        Ok(Self {
            client: Arc::clone(client),
            readers: Arc::clone(readers),
            address: address.clone(),
            id,
            etag: etag.to_owned(),
            way: KnownWay::new(begun.way.clone()),
            length,
            version: version_of(address, etag, length),
            life,
            file: written.map_err(|error| FetchError::disk(&error))?,
            direct: Direct::default(),
            state: Mutex::new(state),
            arrived: Condvar::new(),
            space: Space::new(footprint(begun.bytes.len() as u64)),
            emptied: RwLock::new(0),
            full_until: Mutex::default(),
            owner: OnceLock::new(),
        })
    }

    /// Says who bounds the space that it takes.
    pub(crate) fn belong_to(&self, copies: &Arc<Copies>) {
        // Nobody has another owner to say.
        let _first = self.owner.set(Arc::downgrade(copies));
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn etag(&self) -> &str {
        &self.etag
    }

    fn is_full(&self) -> bool {
        locked(&self.full_until).is_some_and(|until| Instant::now() < until)
    }

    fn is_present(&self, range: ByteRange) -> bool {
        locked(&self.state).present.missing(range).is_empty()
    }

    /// Fetches what is missing of the ranges, which do not go beyond the end. What was fetched is in the file, or in what is returned
    /// where there is no room for it.
    fn fetch(&self, ranges: &[ByteRange], target: Target) -> io::Result<Vec<Loose>> {
        let is_missing = |state: &State| ranges.iter().any(|range| !state.present.missing(*range).is_empty());
        let most_ahead = match self.owner.get().and_then(Weak::upgrade) {
            // No more than there is surely room for.
            Some(copies) if target == Target::File && !self.is_full() => MOST_BYTES.min(copies.most_bytes() / 64),
            _ => 0,
        };
        let ahead = {
            let mut state = locked(&self.state);
            let ahead = match ranges {
                [one] => state.ahead_of(*one).min(most_ahead),
                _ => 0,
            };
            if !is_missing(&state) {
                return Ok(Vec::new());
            }
            ahead
        };
        let longer = |range: &ByteRange| ByteRange::new(range.offset, range.length + ahead.min(self.rest(*range)));
        let ranges: Vec<ByteRange> = ranges.iter().map(longer).collect();
        while_waiting(|| self.fetch_in_turn(&ranges, target)).map_err(|error| {
            match *error {
                // Whoever looks next finds the new one, or that it is ours no more.
                FetchError::Changed | FetchError::Refused { .. } => self.life.end(),
                _ => {}
            }
            tracing::debug!(url = self.address.shown(), %error, "a part of an original could not be fetched");
            error.to_io()
        })
    }

    /// Bytes behind a range.
    fn rest(&self, range: ByteRange) -> u64 {
        self.length.saturating_sub(range.offset.saturating_add(range.length))
    }

    /// What somebody else fetches already is waited for.
    fn fetch_in_turn(&self, ranges: &[ByteRange], target: Target) -> Result<Vec<Loose>, Arc<FetchError>> {
        let bytes = ranges.iter().fold(0, |sum: u64, range| sum.saturating_add(range.length));
        let time = LEAST_TIME.saturating_add(Duration::from_secs(bytes / LEAST_BYTES_PER_SECOND));
        let deadline = Instant::now() + time.min(self.client.timeout());
        let wanted = {
            let mut state = locked(&self.state);
            loop {
                let missing = ranges.iter().flat_map(|range| state.present.missing(*range)).collect();
                let wanted = requests(missing);
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(Arc::new(FetchError::Busy));
                }
                if !state.is_under_way(&wanted) {
                    state.under_way.extend_from_slice(&wanted);
                    break wanted;
                }
                let waited = self.arrived.wait_timeout(state, left);
                (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
        };
        let _under_way = UnderWay { parts: self, ranges: &wanted };
        let mut loose = Vec::new();
        if wanted.is_empty() {
            return Ok(loose);
        }
        let (url, origin) = (self.address.as_str(), self.address.origin());
        let _place = self.readers.enter(url, origin, deadline)?;
        for some in wanted.chunks(ABREAST) {
            let answers: Vec<_> = match some {
                [one] => vec![self.ask(*one, deadline)],
                _ => thread::scope(|scope| {
                    let ask = |range: &ByteRange| {
                        let range = *range;
                        thread::Builder::new().spawn_scoped(scope, move || self.ask(range, deadline))
                    };
                    let asking: Vec<_> = some.iter().map(ask).collect();
                    let answer = |thread: io::Result<thread::ScopedJoinHandle<'_, _>>| match thread {
                        Ok(thread) => thread.join().unwrap_or(Err(FetchError::Abandoned)),
                        // The system has none left now.
                        Err(_) => Err(FetchError::Busy),
                    };
                    asking.into_iter().map(answer).collect()
                }),
            };
            let mut failure = None;
            for (range, answer) in some.iter().zip(answers) {
                match answer {
                    Ok(bytes) if target == Target::File && self.keep(*range, &bytes) => {}
                    Ok(bytes) => loose.push((range.offset, bytes)),
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(error) = failure {
                let error = Arc::new(error);
                self.readers.failed(url, origin, &error);
                return Err(error);
            }
        }
        Ok(loose)
    }

    fn ask(&self, range: ByteRange, deadline: Instant) -> Result<Vec<u8>, FetchError> {
        let mut pauses = PAUSES.iter();
        loop {
            let answer = self.client.read(&self.address, &self.etag, (range, self.length), &self.way, deadline);
            let (Err(error), Some(pause)) = (&answer, pauses.next()) else { return answer };
            if !error.passes() || Instant::now() + *pause >= deadline {
                return answer;
            }
            thread::sleep(*pause);
        }
    }

    fn check(&self, range: ByteRange) -> io::Result<()> {
        let is_within = range.end().is_some_and(|end| end <= self.length);
        if is_within { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The version of a file that stays where it is.
pub(crate) fn version_of(address: &Address, etag: &str, length: u64) -> SourceVersion {
    SourceVersion::of_text(&format!("{}\n{etag}\n{length}", address.as_str()))
}

/// Ranges that one reader fetches; the others hear of it when it is done, however that ends.
struct UnderWay<'p> {
    parts: &'p Parts,
    ranges: &'p [ByteRange],
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = locked(&self.parts.state);
        for range in self.ranges {
            if let Some(place) = state.under_way.iter().position(|other| other == range) {
                state.under_way.swap_remove(place);
            }
        }
        drop(state);
        self.parts.arrived.notify_all();
    }
}

impl State {
    /// True when somebody fetches any byte of these.
    fn is_under_way(&self, wanted: &[ByteRange]) -> bool {
        let overlap = |one: &ByteRange, other: &ByteRange| {
            one.offset < other.offset.saturating_add(other.length)
                && other.offset < one.offset.saturating_add(one.length)
        };
        self.under_way.iter().any(|busy| wanted.iter().any(|range| overlap(busy, range)))
    }

    /// How much more than is read is worth fetching: as much as was read one behind the other, if that is not little.
    fn ahead_of(&mut self, range: ByteRange) -> u64 {
        let (bytes, end) = self.run;
        let goes_on = range.offset >= end && range.offset - end <= BETWEEN;
        let bytes = if goes_on { bytes.saturating_add(range.length) } else { 0 };
        self.run = (bytes, range.offset.saturating_add(range.length));
        if goes_on && bytes >= LEAST_RUN { bytes } else { 0 }
    }
}
