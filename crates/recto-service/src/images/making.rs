//! Make the bytes of an image: cache, plan, admission, pixels.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use recto_cache::{CancelSignal, Derivative};
use recto_codec::{DecodeError, StoredTile};
use recto_engine::{EngineError, Plan};
use recto_source::Located;
use xxhash_rust::xxh3::xxh3_128;

use super::finding::OpenKey;
use super::{ImageService, Inner, Origin, Prepared, joined};
use crate::ServiceError;
use crate::known::OpenImage;
use crate::work::{AdmissionMode, Charge, Client, Lane, Prediction, Task, WorkKind, thread_time};

/// Work that takes up to so long goes through the tile lane.
const TILE_LANE_TIME: Duration = Duration::from_millis(80);

/// Work up to this many bytes goes through the tile lane, if that has as much.
const TILE_LANE_BYTES: u64 = 48 << 20;

/// What is predicted to take so many times the time that there is, from enough of its kind, is not tried.
const SURELY_TOO_LONG: u32 = 2;

/// Memory that is charged at least for what a decoder prepares.
const PREPARING_BYTES: u64 = 48 << 20;

/// Answers from this size on stay charged to the budget until they are sent: a slow client holds them for long.
const HELD_ANSWER_BYTES: u64 = 1 << 20;

impl ImageService {
    /// The plan for a prepared request; opens the original if it is not open.
    ///
    /// # Errors
    /// What is wrong with the original.
    pub async fn plan(&self, prepared: &Prepared) -> Result<Plan, ServiceError> {
        Ok(self.open_and_plan(prepared).await?.1)
    }

    /// The open original and the plan.
    async fn open_and_plan(&self, prepared: &Prepared) -> Result<(Arc<OpenImage>, Plan), ServiceError> {
        let open = self.opened(&prepared.image.located, prepared.client).await?;
        let plan = self.planned(prepared, &open).await?;
        Ok((open, plan))
    }

    async fn planned(&self, prepared: &Prepared, open: &Arc<OpenImage>) -> Result<Plan, ServiceError> {
        let (inner, wanted, open) = (Arc::clone(&self.inner), prepared.clone(), Arc::clone(open));
        let task = self.inner.small_task(prepared.client, WorkKind::of(&["plan"]));
        let plan = move |_charge| recto_engine::plan(&*open.decoder, &wanted.resolved, &inner.render);
        Ok(self.inner.lanes.run(task, plan).await??)
    }

    /// The open original: it is opened once for all who ask for parts of it at the same time.
    async fn opened(&self, located: &Located, client: Client) -> Result<Arc<OpenImage>, ServiceError> {
        let key = OpenKey::of(located);
        if let Some(open) = self.inner.open.get(&key) {
            return Ok(open);
        }
        let (inner, located) = (Arc::clone(&self.inner), located.clone());
        let opening = self.inner.opening.get_or_compute(key, move |cancel| async move {
            let task = inner.small_task(client, WorkKind::of(&["open"]));
            let this = Arc::clone(&inner);
            let open = move |_charge| this.open_image(&located, &this.control_of(&cancel));
            inner.lanes.run(task, open).await?
        });
        opening.await.map_err(joined)
    }

    /// What a planned request will take.
    pub(crate) fn task(&self, prepared: &Prepared, open: &OpenImage, plan: &Plan) -> (Task, WorkKind, Prediction) {
        let kind = kind(prepared, open, plan);
        let estimate = plan.estimate();
        let prediction = self.inner.costs.predict(kind, estimate.pixels);
        let most = TILE_LANE_BYTES.min(self.inner.lanes.largest(Lane::Tiles));
        let is_small = prediction.time <= TILE_LANE_TIME && estimate.bytes_held <= most;
        let lane = if is_small { Lane::Tiles } else { Lane::Large };
        (Task { lane, client: prepared.client, time: prediction.time, bytes: estimate.bytes_held }, kind, prediction)
    }

    /// The plan of a prepared request, and the task that it will be.
    pub(crate) async fn plan_and_task(&self, prepared: &Prepared) -> Result<(Plan, Task), ServiceError> {
        let (open, plan) = self.open_and_plan(prepared).await?;
        let (task, ..) = self.task(prepared, &open, &plan);
        Ok((plan, task))
    }

    /// The stored tile that a request is, if it is one.
    pub(super) fn stored_tile(&self, open: &OpenImage, prepared: &Prepared) -> Option<StoredTile> {
        recto_engine::stored_request(&*open.decoder, &prepared.resolved, &self.inner.render)
    }

    /// A stored tile, if it can be had without waiting for a disk.
    pub(super) fn stored_without_waiting(&self, open: &OpenImage, prepared: &Prepared) -> Option<Bytes> {
        let tile = self.stored_tile(open, prepared)?;
        let mut bytes = room_for(&tile)?;
        let head = tile.head.len();
        bytes[..head].copy_from_slice(&tile.head);
        open.source.try_read_at(tile.body.offset, &mut bytes[head..]).then(|| Bytes::from(bytes))
    }

    pub(super) async fn make_or_join(&self, prepared: &Prepared) -> Result<(Bytes, Origin), ServiceError> {
        let this = self.clone();
        let wanted = prepared.clone();
        let origin = Arc::new(std::sync::OnceLock::new());
        let told = Arc::clone(&origin);
        let bytes = self
            .inner
            .rendering
            .get_or_compute(prepared.key, move |cancel| async move {
                let (bytes, origin) = this.make(&wanted, cancel).await?;
                // Set once: this closure runs once.
                let _first = told.set(origin);
                Ok(bytes)
            })
            .await
            .map_err(joined)?;
        Ok((bytes, origin.get().copied().unwrap_or(Origin::Made)))
    }

    /// The bytes of an image that will hardly be wanted again: what is kept already is used, and nothing more is kept.
    ///
    /// # Errors
    /// As [`ImageService::body`].
    pub async fn body_once(&self, prepared: &Prepared) -> Result<Bytes, ServiceError> {
        if let Some(derivative) = self.inner.cache.get_from_memory(&prepared.key) {
            return Ok(derivative.bytes);
        }
        let (this, wanted) = (self.clone(), prepared.clone());
        let made = self.inner.rendering.get_or_compute(prepared.key, move |cancel| async move {
            let (inner, asked) = (Arc::clone(&this.inner), wanted.clone());
            let task = this.inner.small_task(wanted.client, WorkKind::of(&["plan"]));
            let given_up = cancel.clone();
            let planned = this.inner.lanes.run(task, move |_charge| {
                let open = inner.open_once(&asked.image.located, &inner.control_of(&given_up))?;
                let plan = recto_engine::plan(&*open.decoder, &asked.resolved, &inner.render)?;
                Ok::<_, ServiceError>((open, plan))
            });
            let (open, plan) = cancel.or_cancelled(planned).await.ok_or(DecodeError::Cancelled)???;
            Ok(this.render(&wanted, &open, plan, &cancel, None).await?.0)
        });
        made.await.map_err(joined)
    }

    async fn make(&self, prepared: &Prepared, cancel: CancelSignal) -> Result<(Bytes, Origin), ServiceError> {
        let inner = &self.inner;
        let generation = Some(inner.cache.generation());
        let (this, wanted) = (Arc::clone(inner), prepared.clone());
        let task = inner.small_task(prepared.client, WorkKind::of(&["begin"]));
        let first = inner.lanes.run(task, move |_charge| this.begin(&wanted));
        let (open, plan) = match cancel.or_cancelled(first).await.ok_or(DecodeError::Cancelled)??? {
            Begun::Kept(bytes) => return Ok((bytes, Origin::Cached)),
            Begun::KeptLarge(length) => {
                if let Some(bytes) = self.read_large(prepared, length, &cancel).await? {
                    return Ok((bytes, Origin::Cached));
                }
                // It was evicted in this moment.
                cancel.or_cancelled(self.open_and_plan(prepared)).await.ok_or(DecodeError::Cancelled)??
            }
            Begun::Closed => {
                cancel.or_cancelled(self.open_and_plan(prepared)).await.ok_or(DecodeError::Cancelled)??
            }
            Begun::Planned(open, plan) => (open, plan),
        };
        let made = self.render(prepared, &open, plan, &cancel, generation).await;
        if made.is_ok() {
            self.prepare_later(&open, &prepared.image.located);
        }
        if made.is_ok() || !open.shelf.is_damaged() {
            return made;
        }
        // What the decoder had on its shelf was damaged, and is gone by now: it is opened anew, without that.
        inner.open.invalidate(&OpenKey::of(&prepared.image.located));
        let again = self.open_and_plan(prepared);
        let (open, plan) = cancel.or_cancelled(again).await.ok_or(DecodeError::Cancelled)??;
        self.render(prepared, &open, plan, &cancel, generation).await
    }

    /// Has the decoder do what it would else do for the next requests, once nobody needs the processors. Not before the first
    /// request: that would wait for work of the lowest priority.
    fn prepare_later(&self, open: &Arc<OpenImage>, located: &Located) {
        if !open.decoder.is_worth_preparing() || open.is_preparing.load(Ordering::Relaxed) {
            return;
        }
        let inner = &self.inner;
        let needed = open.decoder.preparing_bytes();
        let Some(bytes) = preparing_charge(needed, inner.lanes.largest(Lane::Large)) else { return };
        if open.is_preparing.swap(true, Ordering::Relaxed) {
            return;
        }
        let key = xxh3_128(format!("{} {} {}", located.key, located.page, located.version).as_bytes());
        let of_job = Arc::clone(open);
        let prepare = move |control: &_| {
            let prepared = of_job.decoder.prepare(control);
            if prepared.is_err() {
                // The next one who asks may try again.
                of_job.is_preparing.store(false, Ordering::Relaxed);
            }
            prepared
        };
        if !inner.background.submit(key, bytes, prepare) {
            open.is_preparing.store(false, Ordering::Relaxed);
        }
    }

    /// Makes the bytes as planned, or, where more is known by then of what that takes, planned anew once. Those that were begun in a
    /// generation of the cache are kept in it; `None` keeps nothing.
    async fn render(
        &self,
        prepared: &Prepared,
        open: &Arc<OpenImage>,
        plan: Plan,
        cancel: &CancelSignal,
        generation: Option<u64>,
    ) -> Result<(Bytes, Origin), ServiceError> {
        let made = self.render_planned(prepared, open, plan, cancel, generation).await;
        if !matches!(made, Err(ServiceError::Engine(EngineError::Decode(DecodeError::Underestimated { .. })))) {
            return made;
        }
        let plan = cancel.or_cancelled(self.planned(prepared, open)).await.ok_or(DecodeError::Cancelled)??;
        self.render_planned(prepared, open, plan, cancel, generation).await
    }

    /// Makes the bytes on a pixel thread, once there is one and memory for it.
    async fn render_planned(
        &self,
        prepared: &Prepared,
        open: &Arc<OpenImage>,
        plan: Plan,
        cancel: &CancelSignal,
        generation: Option<u64>,
    ) -> Result<(Bytes, Origin), ServiceError> {
        let inner = &self.inner;
        let max_time: Duration = inner.work.max_time.into();
        let (task, kind, prediction) = self.task(prepared, open, &plan);
        let is_enforced = inner.lanes.mode() == AdmissionMode::Enforce;
        if prediction.is_sure && prediction.time / SURELY_TOO_LONG > max_time {
            inner.lanes.count_too_large();
            if is_enforced {
                return Err(ServiceError::OverTime { needed: prediction.time, limit: max_time });
            }
        }
        let (this, open, wanted, cancelled) = (Arc::clone(inner), Arc::clone(open), prepared.clone(), cancel.clone());
        let work = inner.lanes.run(task, move |charge| {
            // What runs may take its time, whatever it waited.
            let control = this.control_of(&cancelled);
            // In shadow mode what takes more than there is runs all the same.
            let control = if is_enforced { control.within(plan.estimate().bytes_held) } else { control };
            control.check()?;
            let before = thread_time();
            let bytes = recto_engine::execute(&plan, &*open.decoder, &*open.source, &this.render, &control)?;
            let took = thread_time().saturating_sub(before);
            this.costs.learn(kind, plan.estimate().pixels, took);
            let bytes = held(bytes, charge);
            this.metrics.made(&plan);
            if recto_engine::stored_tile(&plan, &*open.decoder).is_some() {
                return Ok((bytes, Origin::Stored));
            }
            // What was made of an original that changed meanwhile may be half the one and half the other.
            if !this.source.stood_still(&wanted.image.located) {
                let identifier = wanted.image.located.identifier.to_string();
                return Err(recto_source::SourceError::Changed { identifier }.into());
            }
            if let Some(generation) = generation {
                // The cache has bounds of its own, so what it keeps must not hold on to the charge.
                let kept = if is_held(&bytes) { Bytes::copy_from_slice(&bytes) } else { bytes.clone() };
                let derivative = Derivative::new(kept, wanted.resolved.format.media_type());
                let effort = open.effort(took);
                let identifier = wanted.image.located.identifier.as_str();
                this.cache.insert_since(generation, wanted.key, identifier, &derivative, effort);
            }
            Ok((bytes, Origin::Made))
        });
        cancel.or_cancelled(work).await.ok_or(DecodeError::Cancelled)??
    }

    /// A large derivative from the cache directory, with its memory charged before it is read.
    async fn read_large(
        &self,
        prepared: &Prepared,
        length: u64,
        cancel: &CancelSignal,
    ) -> Result<Option<Bytes>, ServiceError> {
        let inner = &self.inner;
        let (this, key) = (Arc::clone(inner), prepared.key);
        let time = inner.costs.predict(WorkKind::of(&["read"]), length / 64).time;
        let task = Task { lane: Lane::Large, client: prepared.client, time, bytes: length };
        let read = inner.lanes.run(task, move |charge| {
            this.cache.get(&key).map(|kept| Bytes::from_owner(HeldAnswer { bytes: kept.bytes, _charge: charge }))
        });
        cancel.or_cancelled(read).await.ok_or(DecodeError::Cancelled)?
    }
}

impl Inner {
    /// The derivative if it is kept, else a plan if the original is open.
    fn begin(&self, prepared: &Prepared) -> Result<Begun, ServiceError> {
        match self.cache.length_on_disk(&prepared.key) {
            Some(length) if length >= HELD_ANSWER_BYTES => return Ok(Begun::KeptLarge(length)),
            _ => {}
        }
        if let Some(kept) = self.cache.get(&prepared.key) {
            return Ok(Begun::Kept(kept.bytes));
        }
        let Some(open) = self.open.get(&OpenKey::of(&prepared.image.located)) else { return Ok(Begun::Closed) };
        let plan = recto_engine::plan(&*open.decoder, &prepared.resolved, &self.render)?;
        Ok(Begun::Planned(open, plan))
    }
}

/// What is charged for preparing that needs so many bytes, where the large lane has `most`; `None` when it will never get them. Then
/// it is done when it is asked for, at the expense of who asks.
fn preparing_charge(needed: u64, most: u64) -> Option<u64> {
    let bytes = needed.max(PREPARING_BYTES.min(most / 4));
    // As `Lanes::charge_idle` has it.
    (bytes <= most / 2).then_some(bytes)
}

/// What kind of work a plan is, for reckoning how long it takes.
fn kind(prepared: &Prepared, open: &OpenImage, plan: &Plan) -> WorkKind {
    let facts = open.decoder.facts();
    let word = match plan {
        Plan::StoredTile { .. } => "stored",
        Plan::Cut { .. } => "cut",
        Plan::StoredWhole { .. } => "whole",
        _ => "render",
    };
    let source = facts.source_format.to_string();
    WorkKind::of(&[word, &source, &facts.compression, prepared.resolved.format.extension()])
}

/// What is there at the start of the work on a request.
enum Begun {
    Kept(Bytes),
    KeptLarge(u64),
    /// It is to be made, and the original to be opened for it.
    Closed,
    Planned(Arc<OpenImage>, Plan),
}

/// Bytes on their way to a client, with the memory that they take.
struct HeldAnswer {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for HeldAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What was made, charged for as long as anyone holds it if it is large.
fn held(mut bytes: Vec<u8>, mut charge: Charge) -> Bytes {
    // Encoders write into buffers with room to spare, which caches and slow clients would hold along.
    bytes.shrink_to_fit();
    let bytes = Bytes::from(bytes);
    if !is_held(&bytes) {
        return bytes;
    }
    charge.shrink_to(bytes.len() as u64);
    Bytes::from_owner(HeldAnswer { bytes, _charge: charge })
}

fn is_held(bytes: &Bytes) -> bool {
    bytes.len() as u64 >= HELD_ANSWER_BYTES
}

/// A buffer for a stored tile; `None` for sizes that no tile has.
fn room_for(tile: &StoredTile) -> Option<Vec<u8>> {
    let body = usize::try_from(tile.body.length).ok().filter(|length| *length <= 64 << 20)?;
    Some(vec![0; tile.head.len() + body])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_ahead_is_charged_what_it_needs_or_not_begun() {
        for (needed, most, want) in [
            (0, 4 << 30, Some(PREPARING_BYTES)),
            (1 << 20, 4 << 30, Some(PREPARING_BYTES)),
            (300 << 20, 4 << 30, Some(300 << 20)),
            (2 << 30, 4 << 30, Some(2 << 30)),
            ((2 << 30) + 1, 4 << 30, None),
            (0, 64 << 20, Some(16 << 20)),
            (40 << 20, 64 << 20, None),
        ] {
            assert_eq!(preparing_charge(needed, most), want, "{needed} of {most}");
        }
    }
}
