//! Originals that lie elsewhere: fetched when they are asked for, and kept for a while; of long ones that are read in parts, what is
//! needed.

mod access;
mod address;
mod client;
mod copies;
mod error;
mod notes;
mod options;
mod parts;
mod readers;
mod waiting;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use recto_codec::{RandomAccess, SourceFormat, while_waiting};
use recto_iiif::identifier::Identifier;

use self::access::Life;
use self::address::{Address, page_of};
pub(crate) use self::address::{is_url, shown};
use self::client::{Answer, Begun, Client, Failure, Incoming, Limits, Validators};
use self::copies::{Copies, Kept, longest_within};
pub use self::error::{FetchError, RemoteError};
pub use self::options::RemoteOptions;
use self::parts::{AHEAD, Parts, version_of};
use self::readers::Readers;
use self::waiting::{Failures, Flights, Outcome, Places};
use crate::{Located, ObjectKey, Source, SourceError, SourceVersion};

/// The store's number in keys; folders have lower ones.
pub(crate) const STORE: u16 = u16::MAX;
/// Longest wait for one of the places of those who fetch.
const MOST_WAIT: Duration = Duration::from_secs(20);
/// An origin that failed is asked again after so long at the least and at the most, while what was fetched before is served. One that
/// could not be asked, since others are being fetched, is asked after so long at the least.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// A file that is current for less than this may not be by the time it is located.
const MARGIN: Duration = Duration::from_secs(1);

/// Originals that are fetched by their URL, from the places that the options name.
///
/// The whole file is fetched once, by whoever asks first, and kept in a folder; a long one that is read in parts stays where it is, and
/// ranges of it are fetched when they are read (D11). `;N` at the end of the URL names page N; a URL
/// that itself ends so is written with `%3B`. A file's version is that of its content; of one that stays where it is, that of its entity tag.
#[derive(Debug)]
pub struct Remote {
    client: Arc<Client>,
    copies: Arc<Copies>,
    flights: Flights,
    places: Places,
    readers: Arc<Readers>,
    ranges_from: u64,
    failures: Failures,
    recheck: Duration,
    /// Longest wait for a place.
    place_wait: Duration,
    /// Longest wait for someone else's fetch.
    flight_wait: Duration,
}

impl Remote {
    /// Opens the folder that keeps what is fetched, and makes it if need be. Files in it that are not Recto's are left alone.
    ///
    /// # Errors
    /// [`RemoteError`] when a prefix is none, or the folder cannot be written.
    pub fn new(options: &RemoteOptions, folder: PathBuf) -> Result<Self, RemoteError> {
        let prefixes = options.parse_prefixes().map_err(|(prefix, rule)| RemoteError::Prefix { prefix, rule })?;
        let (timeout, recheck, keep) = (options.timeout.get(), options.recheck.get(), options.keep.bytes());
        let limits = match longest_within(keep) {
            longest if longest < options.max_file.bytes() => Limits::new(timeout, longest, "source.remote.keep"),
            _ => Limits::new(timeout, options.max_file.bytes(), "source.remote.max_file"),
        };
        let copies = Copies::open(folder.clone(), keep, recheck);
        let place_wait = timeout.min(MOST_WAIT);
        Ok(Self {
            client: Arc::new(Client::new(prefixes, limits)),
            copies: Arc::new(copies.map_err(|source| RemoteError::Folder { folder, source })?),
            flights: Flights::default(),
            places: Places::new(options.at_a_time),
            readers: Arc::new(Readers::new()),
            ranges_from: options.ranges_from.bytes(),
            failures: Failures::default(),
            recheck,
            place_wait,
            flight_wait: timeout.saturating_add(place_wait).saturating_add(MOST_WAIT),
        })
    }

    /// The URL and the page that an identifier means, if that may be fetched.
    fn admitted(&self, identifier: &Identifier) -> Result<(Address, u32), SourceError> {
        let text = identifier.as_str();
        let refused = |rule| SourceError::NotFetched { identifier: shown(text), rule };
        let (address, page) = page_of(text).map_err(refused)?;
        if self.client.admits(&address) {
            Ok((address, page))
        } else {
            Err(refused("it begins with none of `source.remote.prefixes`"))
        }
    }

    /// The file of a URL: the one that is there if it is current, else what the origin says.
    fn current(&self, address: &Address) -> Outcome {
        if let Some(kept) = self.copies.get(address.as_str()).filter(|kept| kept.life.is_fresh()) {
            return Ok(kept);
        }
        if let Some(failure) = self.failures.get(address.as_str()) {
            return Err(failure);
        }
        while_waiting(|| self.flights.join(&address.to_shared(), self.flight_wait, || self.bring(address)))
    }

    fn bring(&self, address: &Address) -> Outcome {
        let mut known = self.copies.get(address.as_str());
        if let Some(kept) = &known {
            // Another fetch may have ended just before this one began.
            if kept.life.is_fresh() {
                return Ok(Arc::clone(kept));
            }
            if !self.copies.is_there(kept) {
                self.copies.forget(kept);
                known = None;
            }
        }
        let fetched = self.fetch(address, known.as_ref());
        fetched.or_else(|failure| self.do_without(address, known, failure))
    }

    fn fetch(&self, address: &Address, known: Option<&Arc<Kept>>) -> Outcome {
        let origin = address.origin();
        // Whoever has a copy need not wait for slow origins, be it this one or others.
        let _place = match known.map(|kept| self.places.take_free(origin).ok_or(kept)) {
            None => self.places.take(origin, self.place_wait)?,
            Some(Ok(place)) => place,
            Some(Err(kept)) => {
                tracing::debug!(url = address.shown(), "others are being fetched; what was fetched before is served");
                kept.life.refresh(ASK_AGAIN.0);
                return Ok(Arc::clone(kept));
            }
        };
        let validators = known.map(|kept| kept.validators.clone()).unwrap_or_default();
        let beginning = if may_be_read_in_parts(address) { AHEAD } else { 0 };
        let answer = match self.client.get(address, &validators, beginning)? {
            Answer::Unchanged(told) => match known.and_then(|kept| self.renew(kept, &told)) {
                Some(renewed) => return Ok(renewed),
                // It had to make room while the origin was asked, or has another tag now.
                None => self.client.get(address, &Validators::default(), beginning)?,
            },
            answer => answer,
        };
        match answer {
            Answer::Found(incoming) => Ok(self.receive(address, &[], *incoming)?),
            Answer::Begun(begun) => self.go_on(address, &begun),
            Answer::Unchanged(_) => Err(FetchError::Status { status: 304 }.into()),
        }
    }

    /// Leaves a file where it is of which parts are enough, and fetches the rest of another.
    fn go_on(&self, address: &Address, begun: &Begun) -> Outcome {
        let is_long = begun.length >= self.ranges_from && recto_codec::is_read_in_parts(&begun.bytes, begun.length);
        if let Some(etag) = begun.validators.strong_etag().filter(|_| is_long && !self.is_restless(address)) {
            let version = version_of(address, etag, begun.length);
            let origin = (&self.client, &self.readers);
            let begin = |place: (&Path, String, Arc<Life>)| Parts::begin(origin, address, begun, etag, place);
            let kept = self.copies.stay(address, version, begun.validators.clone(), self.recheck, begin)?;
            if let Some(parts) = &kept.parts {
                parts.keep_beginning(&begun.bytes);
            }
            tracing::debug!(url = address.shown(), length = kept.length, "an original stays where it is");
            return Ok(kept);
        }
        if is_long {
            tracing::info!(
                url = address.shown(),
                length = begun.length,
                "an original is fetched whole: its origin gives it no strong ETag, or another one each time"
            );
        }
        let (from, incoming) = self.client.rest(address, begun)?;
        let beginning = if from > 0 { begun.bytes.as_slice() } else { &[] };
        Ok(self.receive(address, beginning, *incoming)?)
    }

    fn is_restless(&self, address: &Address) -> bool {
        self.readers.is_restless(address.as_str())
    }

    /// The origin says that a file is the same still; `None` if that is not the one of which the parts are.
    fn renew(&self, kept: &Kept, told: &Validators) -> Option<Arc<Kept>> {
        let is_other =
            kept.parts.as_ref().is_some_and(|parts| told.strong_etag().is_some_and(|tag| tag != parts.etag()));
        if is_other { None } else { self.copies.renew(kept, told, self.recheck) }
    }

    fn receive(&self, address: &Address, beginning: &[u8], mut incoming: Incoming) -> Result<Arc<Kept>, FetchError> {
        let length = incoming.length.map(|rest| rest.saturating_add(beginning.len() as u64));
        let mut part = self.copies.begin(length)?;
        part.write(beginning)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = incoming.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            part.write(buffer.get(..count).unwrap_or_default())?;
        }
        let kept = part.finish(address, incoming.validators.clone(), self.recheck)?;
        tracing::info!(url = address.shown(), length = kept.length, "an original was fetched");
        Ok(kept)
    }

    /// What was fetched before serves on when the origin fails, but not when it says that there is nothing for us.
    fn do_without(&self, address: &Address, known: Option<Arc<Kept>>, failure: Failure) -> Outcome {
        match (&failure, known) {
            (Failure::Fetch(error), Some(kept)) if !matches!(**error, FetchError::Refused { .. }) => {
                let again = self.recheck.clamp(ASK_AGAIN.0, ASK_AGAIN.1);
                tracing::warn!(
                    url = address.shown(),
                    %error,
                    "an origin does not say whether its file is still the same; what was fetched before is served"
                );
                kept.life.refresh(again);
                Ok(kept)
            }
            (_, known) => {
                known.iter().for_each(|kept| self.copies.forget(kept));
                self.failures.insert(address.to_shared(), failure.clone());
                Err(failure)
            }
        }
    }
}

impl Source for Remote {
    fn locate(&self, identifier: &Identifier) -> Result<Located, SourceError> {
        let (address, page) = self.admitted(identifier)?;
        let kept = self.current(&address).map_err(|failure| match failure {
            Failure::Gone => SourceError::NotFound { identifier: address.shown() },
            Failure::Fetch(error) => SourceError::Fetch { identifier: address.shown(), error },
        })?;
        kept.life.touch();
        let normal = if page > 1 { format!("{};{page}", address.as_str()) } else { address.as_str().to_owned() };
        Ok(Located {
            key: ObjectKey::new(STORE, address.to_shared()),
            page,
            version: kept.version,
            length: kept.length,
            last_modified: kept.modified,
            identifier: Identifier::new(normal),
        })
    }

    fn open(&self, located: &Located) -> Result<Arc<dyn RandomAccess>, SourceError> {
        let identifier = || shown(located.key.path());
        let changed = || SourceError::Changed { identifier: identifier() };
        let kept = self.copies.get(located.key.path()).filter(|kept| kept.version == located.version);
        let kept = kept.ok_or_else(changed)?;
        match self.copies.read(&kept) {
            Ok(Some(access)) => {
                kept.life.touch();
                Ok(access)
            }
            Ok(None) => {
                self.copies.forget(&kept);
                Err(changed())
            }
            Err(source) => Err(SourceError::Unavailable { identifier: identifier(), source }),
        }
    }

    fn revalidate(&self, located: &Located) -> Result<Option<SourceVersion>, SourceError> {
        let kept = self.copies.get(located.key.path()).filter(|kept| kept.life.is_fresh());
        Ok(kept.map(|kept| {
            kept.life.touch();
            kept.version
        }))
    }

    fn stood_still(&self, _located: &Located) -> bool {
        // What is read is a copy, which nobody writes into, or ranges of which the origin says that they are of this version.
        true
    }

    fn ask_again(&self, means: &dyn Fn(&str) -> bool) {
        self.copies.end_lives(means);
        self.failures.forget(means);
    }

    fn may_wait(&self, identifier: &Identifier) -> bool {
        self.admitted(identifier).is_ok_and(|(address, _)| {
            let kept = self.copies.get(address.as_str());
            !kept.is_some_and(|kept| kept.life.is_fresh_for(MARGIN))
        })
    }
}

/// False when the name of a file says that it is none that could stay where it is: it is asked for as a whole at once.
fn may_be_read_in_parts(address: &Address) -> bool {
    let path = address.as_str().split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.')
        .is_none_or(|(_, end)| SourceFormat::of_extension(end).is_some_and(SourceFormat::may_be_read_in_parts))
}
