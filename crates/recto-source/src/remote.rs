//! Originals that lie elsewhere: fetched whole when they are asked for, and kept for a while.

mod access;
mod address;
mod client;
mod copies;
mod error;
mod notes;
mod options;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use recto_codec::RandomAccess;
use recto_iiif::identifier::Identifier;

use self::address::{Address, page_of};
pub(crate) use self::address::{is_url, shown};
use self::client::{Answer, Client, Failure, Incoming, Limits, Validators};
use self::copies::{Copies, Kept, longest_within};
pub use self::error::{FetchError, RemoteError};
pub use self::options::RemoteOptions;
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
/// The whole file is fetched once, by whoever asks first, and kept in a folder. `;N` at the end of the URL names page N; a URL
/// that itself ends so is written with `%3B`. A file's version is that of its content.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    copies: Copies,
    flights: Flights,
    places: Places,
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
            client: Client::new(prefixes, limits),
            copies: copies.map_err(|source| RemoteError::Folder { folder, source })?,
            flights: Flights::default(),
            places: Places::new(options.at_a_time),
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
        self.flights.join(&address.to_shared(), self.flight_wait, || self.bring(address))
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
        let answer = match self.client.get(address, &validators)? {
            Answer::Unchanged(told) => match known.and_then(|kept| self.copies.renew(kept, &told, self.recheck)) {
                Some(renewed) => return Ok(renewed),
                // It had to make room while the origin was asked.
                None => self.client.get(address, &Validators::default())?,
            },
            answer @ Answer::Found(_) => answer,
        };
        match answer {
            Answer::Found(incoming) => Ok(self.receive(address, *incoming)?),
            Answer::Unchanged(_) => Err(FetchError::Status { status: 304 }.into()),
        }
    }

    fn receive(&self, address: &Address, mut incoming: Incoming) -> Result<Arc<Kept>, FetchError> {
        let mut part = self.copies.begin(incoming.length)?;
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
        // What is read is a copy, which nobody writes into.
        true
    }

    fn may_wait(&self, identifier: &Identifier) -> bool {
        self.admitted(identifier).is_ok_and(|(address, _)| {
            let kept = self.copies.get(address.as_str());
            !kept.is_some_and(|kept| kept.life.is_fresh_for(MARGIN))
        })
    }
}
