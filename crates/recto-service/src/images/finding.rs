//! Find an image: who may, what is known of it, and its original, open.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use recto_cache::{CacheKey, Derivative};
use recto_codec::{Memo, OpenOptions, Shelf};
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_source::{Located, ObjectKey, SourceVersion};

use super::{ImageService, Inner, joined};
use crate::ServiceError;
use crate::known::{KnownImage, OpenImage, ShortFacts};
use crate::policy::{Action, Caller, Decision};
use crate::shelf::CacheShelf;
use crate::work::{Client, Lane, Task, WorkKind};

/// Originals elsewhere that are waited for at the same time, each on a thread that waits with it.
pub(super) const FETCH_TURNS: usize = 32;
/// Longest wait for such a turn.
const LONGEST_FETCH_TURN: Duration = Duration::from_secs(20);
/// What facts are kept as. Another name when they are told in another way than before: `2` announces large JPEG 2000 tiles in parts.
const FACTS: &str = "facts 2";
/// Bytes that a decoder may remember when its image is wanted once.
const MEMO_OF_ONCE: u64 = 1 << 20;

/// Why an original could not be opened. It holds as long as the original is the same.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    error: Arc<ServiceError>,
    version: Option<SourceVersion>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct OpenKey {
    object: ObjectKey,
    page: u32,
    version: SourceVersion,
}

impl OpenKey {
    pub(super) fn of(located: &Located) -> Self {
        Self { object: located.key.clone(), page: located.page, version: located.version }
    }
}

impl ImageService {
    /// The image of this identifier, if the caller may do this with it.
    ///
    /// # Errors
    /// Access denied (before anything is read), not found, or no image.
    pub async fn find(
        &self,
        identifier: &Identifier,
        caller: &Caller,
        action: Action,
    ) -> Result<Arc<KnownImage>, ServiceError> {
        match self.inner.policy.decide(caller, action, identifier) {
            Decision::Allow => self.known(identifier, Client::of(caller.address)).await,
            Decision::AskWho => Err(ServiceError::Unauthorized),
            Decision::Deny => Err(ServiceError::Forbidden),
        }
    }

    /// What is known of an image: from memory if the original is still the same, else read anew.
    async fn known(&self, identifier: &Identifier, client: Client) -> Result<Arc<KnownImage>, ServiceError> {
        if let Some(known) = self.inner.known.get(identifier)
            && self.inner.is_current(&known)
        {
            return Ok(known);
        }
        // Taken before the original is read: if it is replaced meanwhile, the failure is not remembered for the new one.
        let version = match self.fetched(identifier).await {
            Some(fetched) => Some(fetched?),
            None => self.settled_version(identifier).await,
        };
        if let Some(failure) = self.inner.failures.get(identifier)
            && failure.version == version
        {
            return Err(ServiceError::Joined(failure.error));
        }
        let this = self.clone();
        let wanted = identifier.clone();
        self.inner
            .finding
            .get_or_compute(identifier.clone(), move |_cancel| async move {
                let inner = Arc::clone(&this.inner);
                let asked = wanted.clone();
                let task = this.inner.small_task(client, WorkKind::of(&["look up"]));
                let found = this.inner.lanes.run(task, move |_charge| inner.look_up(&asked)).await;
                let found = found.and_then(|found| found);
                match found {
                    Ok(known) => {
                        this.inner.known.insert(wanted, Arc::clone(&known));
                        Ok(known)
                    }
                    Err(error) => Err(error),
                }
            })
            .await
            .map_err(|error| {
                let error = joined(error);
                if let ServiceError::Joined(shared) = &error
                    && matches!(
                        shared.kind(),
                        ErrorKind::CorruptSource | ErrorKind::Unsupported | ErrorKind::TooLarge | ErrorKind::Internal
                    )
                {
                    let failure = Failure { error: Arc::clone(shared), version };
                    self.inner.failures.insert(identifier.clone(), failure);
                }
                error
            })
    }
}

impl ImageService {
    /// The facts of an image by a look into its original, whatever caches know; for whoever keeps them by itself.
    ///
    /// # Errors
    /// Not found, no image, or too busy to look.
    pub async fn look(&self, identifier: &Identifier, client: Client) -> Result<ShortFacts, ServiceError> {
        let inner = Arc::clone(&self.inner);
        let wanted = identifier.clone();
        let task = self.inner.small_task(client, WorkKind::of(&["look into"]));
        let look = self.inner.lanes.run(task, move |_charge| {
            let located = inner.source.locate(&wanted)?;
            let open = inner.open_image(&located)?;
            Ok(ShortFacts::of(open.decoder.facts()))
        });
        look.await.and_then(|found| found)
    }

    /// The version of an original that lies elsewhere and has to be fetched first: where waiting holds up nobody, and before it takes
    /// a place among those that touch pixels. `None` for one that is at hand.
    async fn fetched(&self, identifier: &Identifier) -> Option<Result<SourceVersion, ServiceError>> {
        if !self.inner.source.may_wait(identifier) {
            return None;
        }
        // Those beyond wait without a thread of their own, and not for ever.
        let turn = tokio::time::timeout(LONGEST_FETCH_TURN, Arc::clone(&self.inner.fetch_turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Some(Err(ServiceError::Busy { retry_after: LONGEST_FETCH_TURN })) };
        let (inner, wanted) = (Arc::clone(&self.inner), identifier.clone());
        let fetched = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            inner.source.locate(&wanted)
        });
        let fetched = fetched.await;
        Some(match fetched {
            Ok(located) => located.map(|located| located.version).map_err(ServiceError::from),
            Err(_) => Err(ServiceError::Panicked),
        })
    }

    /// The version of an original, once it is old enough that a further change would give it another one: two changes within
    /// one tick of the file system's clock look the same. `None` when there is none.
    async fn settled_version(&self, identifier: &Identifier) -> Option<SourceVersion> {
        let mut located = self.inner.source.locate(identifier).ok()?;
        for _ in 0..MOST_SETTLING {
            let Some(wait) = unsettled(located.last_modified, SystemTime::now()) else { break };
            tokio::time::sleep(wait).await;
            let again = self.inner.source.locate(identifier).ok()?;
            let is_same = again.version == located.version;
            located = again;
            if is_same {
                break;
            }
        }
        Some(located.version)
    }
}

/// An original that is being written all the time is not waited for more often than this.
const MOST_SETTLING: u32 = 4;
/// File systems tell times apart that lie so far from each other: a tick of the system's clock takes 1 to 10 ms.
const TICK: Duration = Duration::from_millis(20);
/// Some know whole or even seconds alone.
const COARSE_TICK: Duration = Duration::from_millis(2050);

/// How long to wait until a change would show in the time of the last change; `None` when it would already.
fn unsettled(modified: SystemTime, now: SystemTime) -> Option<Duration> {
    let age = now.duration_since(modified).ok()?;
    let nanoseconds = modified.duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.subsec_nanos());
    let tick = if nanoseconds == 0 { COARSE_TICK } else { TICK };
    tick.checked_sub(age).filter(|wait| !wait.is_zero())
}

impl Inner {
    /// A task that opens, looks and plans, whose kind is known but hardly its size.
    pub(super) fn small_task(&self, client: Client, kind: WorkKind) -> Task {
        Task { lane: Lane::Tiles, client, time: self.costs.predict(kind, 1).time, bytes: 0 }
    }

    /// One look at the source: is the original still the one that is known?
    pub(super) fn is_current(&self, known: &KnownImage) -> bool {
        matches!(self.source.revalidate(&known.located), Ok(Some(version)) if version == known.located.version)
    }

    /// Locates an image and gets its facts, from the cache if the original is the same as then.
    fn look_up(&self, identifier: &Identifier) -> Result<Arc<KnownImage>, ServiceError> {
        let located = self.source.locate(identifier)?;
        let keys = self.key_base(&located);
        let key = CacheKey::on(&keys, FACTS);
        let cached = self.cache.get(&key).and_then(|kept| serde_json::from_slice::<ShortFacts>(&kept.bytes).ok());
        let facts = if let Some(facts) = cached {
            facts
        } else {
            let open = self.open_image(&located)?;
            let facts = ShortFacts::of(open.decoder.facts());
            if let Ok(bytes) = serde_json::to_vec(&facts) {
                // On disk in any case: no original is opened after a restart only to say that it is as it was.
                let kept = Derivative::new(bytes, "application/json");
                self.cache.insert(key, located.identifier.as_str(), &kept, Duration::MAX);
            }
            facts
        };
        Ok(Arc::new(KnownImage::new(located, facts, keys)))
    }

    /// The open original, from the table of open ones if it is there.
    pub(super) fn open_image(&self, located: &Located) -> Result<Arc<OpenImage>, ServiceError> {
        let key = OpenKey::of(located);
        if let Some(open) = self.open.get(&key) {
            return Ok(open);
        }
        let open = self.open_with(located, Arc::clone(&self.memo))?;
        self.open.insert(key, Arc::clone(&open));
        Ok(open)
    }

    /// An open original that nobody else gets, which remembers next to nothing: for those who want it once.
    pub(super) fn open_once(&self, located: &Located) -> Result<Arc<OpenImage>, ServiceError> {
        self.open_with(located, Arc::new(Memo::new(MEMO_OF_ONCE)))
    }

    fn open_with(&self, located: &Located, memo: Arc<Memo>) -> Result<Arc<OpenImage>, ServiceError> {
        let source = self.source.open(located)?;
        let shelf = Arc::new(CacheShelf::new(&self.cache, located));
        let options = OpenOptions {
            page: located.page,
            max_pixels: self.limits.max_source_pixels,
            max_bytes: self.lanes.largest(Lane::Large),
            document_dpi: f64::from(self.options.document_dpi.clamp(18, 2400)),
            memo,
            shelf: Some(Arc::clone(&shelf) as Arc<dyn Shelf>),
        };
        let decoder = recto_codec::open(Arc::clone(&source), &options)?;
        if let Some(finding) = recto_engine::color_finding(decoder.facts(), self.render.intent) {
            tracing::info!(identifier = located.identifier.as_str(), page = located.page, "{finding}");
        }
        Ok(Arc::new(OpenImage { decoder, source, shelf, is_preparing: AtomicBool::new(false) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d14_a_change_in_the_same_tick_is_waited_for() {
        let at =
            |nanoseconds: u64| SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_000 + nanoseconds);
        let milliseconds = Duration::from_millis;
        for (modified, now, want) in [
            (123_456_789, 123_456_789, Some(milliseconds(20))),
            (1_000_000, 16_000_000, Some(milliseconds(5))),
            (1_000_000, 21_000_000, None),
            (1_000_000, 5_000_000_000, None),
            (0, 50_000_000, Some(milliseconds(2000))),
            (0, 3_000_000_000, None),
            // A clock that goes wrong is not waited for.
            (900_000_000, 100_000_000, None),
        ] {
            assert_eq!(unsettled(at(modified), at(now)), want, "{modified} {now}");
        }
    }
}
