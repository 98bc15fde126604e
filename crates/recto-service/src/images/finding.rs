//! Find an image: who may, what is known of it, and its original, open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use recto_cache::{CacheKey, CancelSignal, Derivative};
use recto_codec::{Control, DecodeError, Memo, OpenOptions, Shelf};
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_source::{Located, ObjectKey, SourceVersion};

use super::{ImageService, Inner, joined};
use crate::ServiceError;
use crate::known::{KnownImage, OpenImage, ShortFacts};
use crate::policy::{Action, Caller, Decision};
use crate::shelf::CacheShelf;
use crate::work::{Client, Lane, Task, WorkKind, thread_time};

/// Originals elsewhere that are waited for at the same time, each on a thread that waits with it.
pub(super) const FETCH_TURNS: usize = 32;
/// Longest wait for such a turn.
const LONGEST_FETCH_TURN: Duration = Duration::from_secs(20);
/// What facts are kept as. Another name when they are told in another way than before: `2` announces large JPEG 2000 tiles in parts, `3`
/// knows the levels of NDPI slides.
const FACTS: &str = "facts 3";
/// How long a failure to open is remembered, at least and at most.
const FAILURE_KEPT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// It is remembered so many times as long as a processor took to find it.
const FAILURE_KEPT_TIMES: u32 = 20;
/// Likewise where it was not done in time, by a processor that hardly worked: what is merely slow may be quick soon. At first, and after
/// it failed so again and again.
const SLOW_KEPT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// Bytes that a decoder may remember when its image is wanted once.
const MEMO_OF_ONCE: u64 = 1 << 20;

/// Why an original could not be opened. It holds as long as the original is the same.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    error: Arc<ServiceError>,
    version: Option<SourceVersion>,
    /// How long it is remembered, and until when. A while longer it is known that it has been so.
    kept: Duration,
    until: Instant,
}

/// For [`moka`]: failures are remembered the longer, the longer it took to find them.
pub(super) struct KeptByItsCost;

impl moka::Expiry<Identifier, Failure> for KeptByItsCost {
    fn expire_after_create(&self, _: &Identifier, failure: &Failure, _: Instant) -> Option<Duration> {
        Some(failure.kept + SLOW_KEPT.1 * 2)
    }

    fn expire_after_update(
        &self,
        _: &Identifier,
        failure: &Failure,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(failure.kept + SLOW_KEPT.1 * 2)
    }
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
        let before = self.inner.failures.get(identifier).filter(|failure| failure.version == version);
        if let Some(failure) = before.as_ref().filter(|failure| Instant::now() < failure.until) {
            return Err(ServiceError::Joined(Arc::clone(&failure.error)));
        }
        let this = self.clone();
        let wanted = identifier.clone();
        let worked = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&worked);
        self.inner
            .finding
            .get_or_compute(identifier.clone(), move |cancel| async move {
                let inner = Arc::clone(&this.inner);
                let generation = inner.cache.generation();
                let asked = wanted.clone();
                let task = this.inner.small_task(client, WorkKind::of(&["look up"]));
                let found = this.inner.lanes.run(task, move |_charge| {
                    let before = thread_time();
                    let found = inner.look_up(&asked, &inner.control_of(&cancel));
                    let took = thread_time().saturating_sub(before);
                    told.store(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
                    found
                });
                let known = found.await??;
                let inner = &this.inner;
                inner.known.insert(wanted.clone(), Arc::clone(&known));
                if inner.cache.generation() != generation {
                    inner.known.invalidate(&wanted);
                }
                Ok(known)
            })
            .await
            .map_err(|error| {
                let error = joined(error);
                if let ServiceError::Joined(shared) = &error
                    && let Some(kept) = failure_kept(
                        shared,
                        Duration::from_millis(worked.load(Ordering::Relaxed)),
                        before.map(|failure| failure.kept),
                    )
                {
                    let until = Instant::now() + kept;
                    // Those who only joined do not know what it took: they let stand what is remembered for longer.
                    let known = self.inner.failures.get(identifier).filter(|failure| failure.version == version);
                    if known.is_none_or(|known| known.until < until) {
                        let failure = Failure { error: Arc::clone(shared), version, kept, until };
                        self.inner.failures.insert(identifier.clone(), failure);
                    }
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
            let open = inner.open_image(&located, &inner.control())?;
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

/// How long a failure to open is remembered that a processor took so long to find, and that was remembered so long the last time if it was
/// found before; `None` for what may be otherwise at the next look.
fn failure_kept(error: &ServiceError, worked: Duration, before: Option<Duration>) -> Option<Duration> {
    let (least, most) = FAILURE_KEPT;
    match error.kind() {
        ErrorKind::CorruptSource | ErrorKind::Unsupported | ErrorKind::TooLarge => {}
        _ if matches!(error, ServiceError::Decode(DecodeError::OutOfTime)) => {
            let again = before.map_or(SLOW_KEPT.0, |before| before.saturating_mul(2)).clamp(SLOW_KEPT.0, SLOW_KEPT.1);
            return Some(worked.saturating_mul(FAILURE_KEPT_TIMES).clamp(again, most));
        }
        ErrorKind::Internal => return Some(least),
        _ => return None,
    }
    Some(worked.saturating_mul(FAILURE_KEPT_TIMES).clamp(least, most))
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
    fn look_up(&self, identifier: &Identifier, control: &Control) -> Result<Arc<KnownImage>, ServiceError> {
        let generation = self.cache.generation();
        let located = self.source.locate(identifier)?;
        let keys = self.key_base(&located);
        let key = CacheKey::on(&keys, FACTS);
        let cached = self.cache.get(&key).and_then(|kept| serde_json::from_slice::<ShortFacts>(&kept.bytes).ok());
        let facts = if let Some(facts) = cached {
            facts
        } else {
            let open = self.open_image(&located, control)?;
            let facts = ShortFacts::of(open.decoder.facts());
            if let Ok(bytes) = serde_json::to_vec(&facts) {
                // On disk in any case: no original is opened after a restart only to say that it is as it was.
                let kept = Derivative::new(bytes, "application/json");
                self.cache.insert_since(generation, key, located.identifier.as_str(), &kept, Duration::MAX);
            }
            facts
        };
        Ok(Arc::new(KnownImage::new(located, facts, keys)))
    }

    /// The open original, from the table of open ones if it is there.
    pub(super) fn open_image(&self, located: &Located, control: &Control) -> Result<Arc<OpenImage>, ServiceError> {
        let key = OpenKey::of(located);
        if let Some(open) = self.open.get(&key) {
            return Ok(open);
        }
        let generation = self.cache.generation();
        let open = self.open_with(located, Arc::clone(&self.memo), control)?;
        self.open.insert(key.clone(), Arc::clone(&open));
        // A purge that came meanwhile may have looked before this was here.
        if self.cache.generation() != generation {
            self.open.invalidate(&key);
        }
        Ok(open)
    }

    /// An open original that nobody else gets, which remembers next to nothing: for those who want it once.
    pub(super) fn open_once(&self, located: &Located, control: &Control) -> Result<Arc<OpenImage>, ServiceError> {
        self.open_with(located, Arc::new(Memo::new(MEMO_OF_ONCE)), control)
    }

    /// What ends work on one request that begins now: when it has taken as long as it may.
    pub(super) fn control(&self) -> Control {
        Control::until(Instant::now() + Duration::from(self.work.max_time))
    }

    /// Likewise, and when nobody waits for it any more.
    pub(super) fn control_of(&self, cancel: &CancelSignal) -> Control {
        let control = self.control();
        let cancelled = control.clone();
        cancel.on_cancel(move || cancelled.cancel());
        control
    }

    fn open_with(&self, located: &Located, memo: Arc<Memo>, control: &Control) -> Result<Arc<OpenImage>, ServiceError> {
        let source = self.source.open(located)?;
        let shelf = Arc::new(CacheShelf::new(&self.cache, located));
        let options = OpenOptions {
            page: located.page,
            max_pixels: self.limits.max_source_pixels,
            max_bytes: self.lanes.largest(Lane::Large),
            document_dpi: f64::from(self.options.document_dpi.clamp(18, 2400)),
            pyramid_from_px: self.options.pyramid_from_px(),
            memo,
            shelf: Some(Arc::clone(&shelf) as Arc<dyn Shelf>),
            control: control.clone(),
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
    fn failures_are_remembered_the_longer_the_longer_they_took_to_find() {
        let seconds = Duration::from_secs;
        for (error, worked, before, want) in [
            (ServiceError::Decode(DecodeError::NoSuchPage { page: 2, pages: 1 }), 9, None, None),
            (ServiceError::Decode(DecodeError::Cancelled), 9, None, None),
            (ServiceError::Busy { retry_after: seconds(1) }, 9, None, None),
            (ServiceError::Decode(DecodeError::Unrecognised { first_bytes: String::new() }), 0, None, Some(5)),
            (ServiceError::OverTime { needed: seconds(9), limit: seconds(1) }, 2, Some(40), Some(40)),
            (ServiceError::Decode(DecodeError::OutOfTime), 60, None, Some(300)),
            // It waited for a slow store, again and again.
            (ServiceError::Decode(DecodeError::OutOfTime), 0, None, Some(5)),
            (ServiceError::Decode(DecodeError::OutOfTime), 0, Some(5), Some(10)),
            (ServiceError::Decode(DecodeError::OutOfTime), 0, Some(40), Some(60)),
            (ServiceError::Panicked, 60, None, Some(5)),
        ] {
            let kept = failure_kept(&error, seconds(worked), before.map(seconds));
            assert_eq!(kept, want.map(seconds), "{error} after {worked} s of work");
        }
    }

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
