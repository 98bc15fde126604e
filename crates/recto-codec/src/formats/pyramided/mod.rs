//! A pyramid for originals that have none: PNG, strips of TIFF, WebP …
//!
//! The reductions are there from the start, as denominators: each is made by averaging pairs of the one before. At first they are
//! computed on the way from the original's own pixels; once [`Decoder::prepare`] has put them on the shelf, they are read from there.
//! The pixels are the same either way, so answers do not depend on when they are made.

mod halving;
mod kept;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

use self::halving::Halving;
use super::OpenOptions;
use crate::{
    Control, Cost, CutRequest, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Metadata, RowSource,
    SourceFormat, StoredTile,
};

/// Reductions end with the one that fits into a square of so many pixels.
const LEAST_SIDE: u32 = 256;
/// Requests after which it pays to keep a pyramid: someone who wants a thumbnail of each image asks once.
const ASKED_BEFORE: u32 = 2;

/// An original with reductions that the file does not have.
pub(super) struct Pyramided {
    inner: Box<dyn Decoder>,
    facts: ImageFacts,
    options: OpenOptions,
    /// The smallest denominator that is kept: 1, or 2 where the original is stored in tiles and can be read by parts.
    least: u32,
    asked: AtomicU32,
    kept: OnceLock<Box<dyn Decoder>>,
    /// Held by who makes it.
    making: Mutex<()>,
    is_impossible: AtomicBool,
}

/// What lies on the shelf.
enum Found {
    Nothing,
    /// A pyramid of this original.
    Own,
    /// Something else, or half of one; it was dropped.
    Unfit,
}

/// Gives an original its pyramid, if the options ask for one and it has none.
pub(super) fn wrap(inner: Box<dyn Decoder>, options: &OpenOptions) -> Box<dyn Decoder> {
    let facts = inner.facts();
    let is_large = options.pyramid_from_px.is_some_and(|least| facts.stored_size().area_px() >= least.max(1));
    // A JPEG has its own ways; drawings have no pixels.
    let is_flat = facts.levels.len() == 1
        && facts.max_denominator == 1
        && !matches!(facts.source_format, SourceFormat::Jpeg | SourceFormat::Pdf | SourceFormat::Svg);
    let steps = steps(facts.stored_size());
    if !is_large || !is_flat || steps == 0 {
        return inner;
    }
    let has_tiles = facts.levels.first().is_some_and(|level| level.grid.is_some());
    let wrapped = Pyramided {
        facts: ImageFacts { max_denominator: 1 << steps, ..facts.clone() },
        inner,
        options: OpenOptions { page: 1, pyramid_from_px: None, control: Control::default(), ..options.clone() },
        least: if has_tiles { 2 } else { 1 },
        asked: AtomicU32::new(0),
        kept: OnceLock::new(),
        making: Mutex::new(()),
        is_impossible: AtomicBool::new(false),
    };
    wrapped.find();
    Box::new(wrapped)
}

/// How often `size` is halved until it fits into [`LEAST_SIDE`].
fn steps(size: Dimensions) -> u32 {
    let longest = size.width_px.max(size.height_px);
    (0..31).find(|step| longest.div_ceil(1 << step) <= LEAST_SIDE).unwrap_or(0)
}

impl Pyramided {
    /// The request to what is kept that gives what `wanted` names; `None` while that is not there.
    fn on_kept(&self, wanted: &DecodeRequest) -> Option<(&dyn Decoder, DecodeRequest)> {
        if wanted.denominator < self.least {
            return None;
        }
        let kept = &**self.kept.get()?;
        let region = DecodedGeometry::reduced_rect(wanted, self.facts.stored_size());
        let level = (wanted.denominator / self.least).ilog2() as usize;
        Some((kept, DecodeRequest { level, region, denominator: 1 }))
    }

    /// The request to the original for the pixels that are averaged.
    fn on_inner(&self, wanted: &DecodeRequest) -> DecodeRequest {
        let (size, d) = (self.facts.stored_size(), wanted.denominator);
        let rect = DecodedGeometry::reduced_rect(wanted, size);
        let (x, y) = (rect.x * d, rect.y * d);
        let length = |from: u32, count: u32, full: u32| {
            (u64::from(count) * u64::from(d)).min(u64::from(full.saturating_sub(from))) as u32
        };
        let region = Rect::new(x, y, length(x, rect.w, size.width_px), length(y, rect.h, size.height_px));
        DecodeRequest { level: wanted.level, region, denominator: 1 }
    }

    fn whole(&self) -> DecodeRequest {
        let size = self.facts.stored_size();
        DecodeRequest { level: 0, region: Rect::new(0, 0, size.width_px, size.height_px), denominator: 1 }
    }

    /// Takes what is on the shelf, if it is there and fits. What does not is dropped: nothing is kept anew while it lies there.
    fn find(&self) -> Found {
        let Some(shelf) = &self.options.shelf else { return Found::Nothing };
        let Some(part) = shelf.open(kept::PART) else { return Found::Nothing };
        let Some(decoder) = kept::open(part, self, &self.options) else {
            shelf.discard(kept::PART);
            return Found::Unfit;
        };
        // Another one may have been quicker.
        let _same = self.kept.set(decoder);
        Found::Own
    }
}

impl Decoder for Pyramided {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        if let Some((kept, wanted)) = self.on_kept(wanted) {
            return kept.cost(&wanted);
        }
        let mut cost = self.inner.cost(&self.on_inner(wanted));
        if wanted.denominator > 1 {
            cost.bytes_held = cost.bytes_held.saturating_add(Halving::bytes(wanted));
        }
        cost
    }

    fn held_bytes(&self) -> u64 {
        self.inner.held_bytes() + self.kept.get().map_or(0, |kept| kept.held_bytes())
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        assert!(wanted.denominator <= self.facts.max_denominator, "this image has such a reduction");
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some((kept, on_kept)) = self.on_kept(wanted) {
            let rows = kept.rows(&on_kept, control)?;
            return Ok(Box::new(kept::KeptRows { rows, denominator: wanted.denominator }));
        }
        let rows = self.inner.rows(&self.on_inner(wanted), control)?;
        if wanted.denominator == 1 {
            return Ok(rows);
        }
        let rect = DecodedGeometry::reduced_rect(wanted, self.facts.stored_size());
        Ok(Box::new(Halving::new(rows, wanted.denominator, rect)))
    }

    fn metadata(&self) -> Result<Metadata, DecodeError> {
        self.inner.metadata()
    }

    fn stored_tile(&self, level: usize, column: u32, row: u32) -> Option<StoredTile> {
        self.inner.stored_tile(level, column, row)
    }

    fn can_cut(&self, level: usize, wanted: &CutRequest) -> bool {
        self.inner.can_cut(level, wanted)
    }

    fn cut(&self, level: usize, wanted: &CutRequest, control: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        self.inner.cut(level, wanted, control)
    }

    fn is_worth_preparing(&self) -> bool {
        let is_over = self.kept.get().is_some() || self.is_impossible.load(Ordering::Relaxed);
        !is_over && self.options.shelf.is_some() && self.asked.load(Ordering::Relaxed) >= ASKED_BEFORE
    }

    fn preparing_bytes(&self) -> u64 {
        let making = kept::making_bytes(self).saturating_add(self.inner.cost(&self.whole()).bytes_held);
        self.inner.preparing_bytes().max(making)
    }

    fn prepare(&self, control: &Control) -> Result<(), DecodeError> {
        self.inner.prepare(control)?;
        let Some(shelf) = &self.options.shelf else { return Ok(()) };
        let _making = loop {
            match self.making.try_lock() {
                Ok(making) => break making,
                Err(TryLockError::Poisoned(making)) => break PoisonError::into_inner(making),
                Err(TryLockError::WouldBlock) => {
                    control.check()?;
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        };
        let is_over = || self.kept.get().is_some() || self.is_impossible.load(Ordering::Relaxed);
        if is_over() {
            return Ok(());
        }
        self.find();
        if is_over() {
            return Ok(());
        }
        match kept::make(self, &**shelf, control) {
            Ok(true) => {
                // Made once more, it would be the same.
                if matches!(self.find(), Found::Unfit) {
                    self.is_impossible.store(true, Ordering::Relaxed);
                }
            }
            // There is no room for it, now.
            Ok(false) => {}
            Err(error @ (DecodeError::Cancelled | DecodeError::OutOfTime)) => return Err(error),
            // What cannot be read now may be read soon.
            Err(DecodeError::Io(error)) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(error.into());
            }
            // Who asks for the damaged part is told of it.
            Err(_) => self.is_impossible.store(true, Ordering::Relaxed),
        }
        Ok(())
    }

    fn stored_whole(&self, format: Format) -> Result<Option<Vec<u8>>, DecodeError> {
        self.inner.stored_whole(format)
    }
}
