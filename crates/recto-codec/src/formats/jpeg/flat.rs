//! Flat files as quick as tiled ones: an index of the scan and small pictures, made once, and regions by them.
//!
//! The first request that profits pays for one walk over the file; others wait for it, but not long for one that is made ahead. What
//! it gives is kept in the memo, and (but for the picture at 1/4) on the shelf. Without a sound scan there is no index: the library
//! then decodes what it can.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use recto_iiif::{Dimensions, Rect};

use super::bits::{BitWriter, CleanScan};
use super::coding::{Coding, StoredColor};
use super::cut::{Form, McuReader, McuRect, Target, lies_on_grid};
use super::index::{Belongs, Index};
use super::markers::{EOI, corrupt};
use super::recode::Coefficients;
use super::reduced::{Picture, Reducer};
use super::walk::{WINDOW_BYTES, Wanted, walk};
use crate::{ByteRange, Control, DecodeError, Memo, MemoKey, OpenOptions, RandomAccess, Shelf, while_waiting};

/// Smaller pictures are simply decoded.
pub(super) const LEAST_PIXELS: u64 = 1 << 20;
/// The picture at 1/4 is made along with the index up to this size: pages, not maps.
const MOST_QUARTER_PIXELS: u64 = 48 << 20;
/// A picture at 1/8 that takes more is not kept.
pub(super) const MOST_EIGHTH_BYTES: u64 = 64 << 20;
/// Bytes of a scan that are fetched at a time for a region.
const BATCH_BYTES: u64 = 1 << 20;
/// Blocks that are held at most to turn a part.
const MOST_READ_BYTES: u64 = 16 << 20;
/// Parts are served as they are stored if the scan has at most so many bytes for each pixel on average. More (photographs at
/// quality 97 and above) would make tiles several times as large as encoded ones, for nothing that shows.
pub(crate) const MOST_BYTES_PER_PIXEL: u64 = 1;
/// By which factor a walk is cheaper than decoding all pixels.
const WALK_SHARE: u64 = 5;
/// A region is worth a cut if it has at most this share of what the library would have to decode.
const WORTH: (u64, u64) = (3, 4);

/// Of larger pictures it is kept on the shelf, as it is, if it takes no more than this.
const MOST_SHELVED_BYTES: u64 = 512 << 20;

const SHELF_PART: &str = "jpeg-walk-1";
const SHELVED_QUARTER: &str = "jpeg-quarter-1";
const INDEX: u64 = 0;
const EIGHTH: u64 = 1;
const QUARTER: u64 = 2;

/// MCUs that are decoded around a region, so that smooth enlarging of chroma sees the same neighbours as in the whole.
///
/// Found by comparing with and without: at 1/2 and 1/4 the library transforms chroma of 4:2:0 to more points instead of
/// enlarging it, but where it is stored at half the resolution in one direction only, it cannot. At 1/8, and for ratios other
/// than 2, samples are repeated.
pub(super) fn margin(coding: &Coding, denominator: u32) -> u32 {
    let (max_h, max_v) = (coding.mcu.width_px / 8, coding.mcu.height_px / 8);
    let ratios = coding.components.iter().map(|c| {
        let whole = max_h.is_multiple_of(c.h) && max_v.is_multiple_of(c.v);
        if whole { (max_h / c.h, max_v / c.v) } else { (0, 0) }
    });
    let of = |ratio| match (ratio, denominator) {
        ((1 | 4, 1), _) | (_, 8) | ((2, 2), 2 | 4) => 0,
        _ => 1,
    };
    ratios.map(of).max().unwrap_or(0)
}

fn plan_quarter(coding: &Coding, bytes: u64) -> bool {
    // Asked before anything is set aside for a picture.
    bytes <= MOST_SHELVED_BYTES && Reducer::suits(coding, 4)
}

/// What is known of a scan.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) index: Arc<Index>,
    pub(super) eighth: Option<Arc<Picture>>,
    pub(super) quarter: Option<Arc<Picture>>,
}

impl Known {
    fn has(&self, wanted: Wanted) -> bool {
        (self.eighth.is_some() || !wanted.eighth) && (self.quarter.is_some() || !wanted.quarter)
    }
}

/// Who makes what later requests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Somebody waits for it.
    Asked,
    /// It is made ahead by a thread of the lowest priority, which on a busy machine may stand still for seconds.
    Idle,
}

impl Pace {
    /// How long somebody waits for what is made ahead before they make it themselves.
    const PATIENCE: Duration = Duration::from_millis(100);

    /// Is it time to make what another makes already?
    pub(super) fn overtakes(self, other: Self, since: Instant) -> bool {
        (self, other) == (Self::Asked, Self::Idle) && since.elapsed() >= Self::PATIENCE
    }
}

#[derive(Default)]
struct State {
    building: Option<Pace>,
    /// Grows with each building: the last one is that of `building`.
    turn: u64,
    // What was built last, for those who waited: the memo may not have kept it.
    index: Weak<Index>,
    eighth: Weak<Picture>,
    quarter: Weak<Picture>,
}

/// A file whose scan can be indexed.
pub(super) struct Flat {
    source: Arc<dyn RandomAccess>,
    pub(super) coding: Arc<Coding>,
    data_offset: u64,
    memo: Arc<Memo>,
    image: u64,
    shelf: Option<Arc<dyn Shelf>>,
    makes_eighth: bool,
    makes_quarter: bool,
    /// The picture at 1/4 is kept on the shelf.
    shelves_quarter: bool,
    /// That did not work.
    shelf_failed: AtomicBool,
    /// The scan is not sound.
    broken: AtomicBool,
    state: Mutex<State>,
    built: Condvar,
}

/// What a part on the shelf holds. One that does not fit is dropped: nothing is kept anew while it lies there.
pub(super) fn from_shelf<T>(
    shelf: &Arc<dyn Shelf>,
    name: &str,
    read: impl FnOnce(Arc<dyn RandomAccess>) -> Option<T>,
) -> Option<T> {
    let found = read(shelf.open(name)?);
    if found.is_none() {
        shelf.discard(name);
    }
    found
}

impl Flat {
    /// `None` when the picture is small, or building would take more memory than the options allow.
    pub(super) fn new(
        source: &Arc<dyn RandomAccess>,
        coding: Arc<Coding>,
        data_offset: u64,
        options: &OpenOptions,
        least_pixels: u64,
    ) -> Option<Self> {
        let pixels = coding.size.area_px();
        let eighth_bytes = Reducer::bytes(&coding, 8);
        let makes_eighth = eighth_bytes <= MOST_EIGHTH_BYTES && Reducer::suits(&coding, 8);
        let quarter_bytes = Reducer::bytes(&coding, 4);
        let can_quarter = makes_eighth && plan_quarter(&coding, quarter_bytes);
        let makes_quarter = can_quarter && pixels <= MOST_QUARTER_PIXELS;
        // It is held while it is made.
        let shelves_quarter = can_quarter
            && !makes_quarter
            && options.shelf.is_some()
            && quarter_bytes <= MOST_SHELVED_BYTES.min(options.max_bytes / 8);
        let new = Self {
            source: Arc::clone(source),
            coding,
            data_offset,
            memo: Arc::clone(&options.memo),
            image: options.memo.image(),
            shelf: options.shelf.clone(),
            makes_eighth,
            makes_quarter,
            shelves_quarter,
            shelf_failed: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            state: Mutex::default(),
            built: Condvar::new(),
        };
        (pixels >= least_pixels && new.building_bytes(new.wanted(4)) <= options.max_bytes).then_some(new)
    }

    /// The file.
    pub(super) fn source(&self) -> &Arc<dyn RandomAccess> {
        &self.source
    }

    /// What of the small pictures a reduction needs.
    pub(super) fn wanted(&self, denominator: u32) -> Wanted {
        let quarter = denominator == 4 && self.makes(4);
        Wanted { eighth: self.makes_eighth && matches!(denominator, 4 | 8), quarter }
    }

    /// True when the picture at this reduction comes from the walk itself.
    pub(super) fn makes(&self, denominator: u32) -> bool {
        match denominator {
            8 => self.makes_eighth,
            4 => self.makes_quarter || (self.shelves_quarter && !self.shelf_failed.load(Ordering::Relaxed)),
            _ => false,
        }
    }

    /// True when it is not known that the scan is damaged.
    pub(super) fn is_sound(&self) -> bool {
        !self.broken.load(Ordering::Relaxed)
    }

    /// Memory that building takes.
    pub(super) fn building_bytes(&self, wanted: Wanted) -> u64 {
        let pictures = [(8, self.makes_eighth), (4, wanted.quarter)];
        let pictures = pictures.iter().filter(|(_, made)| *made).map(|(d, _)| Reducer::bytes(&self.coding, *d));
        // Written to the shelf: the index and the compressed picture beside the picture.
        Index::bytes(&self.coding) * 2 + pictures.sum::<u64>() * 2 + WINDOW_BYTES * 3
    }

    /// Memory that building everything takes at most for a picture of this size and so many components, however it is coded.
    pub(super) fn most_building_bytes(size: Dimensions, components: u64, options: &OpenOptions) -> u64 {
        // With the samples of a row of MCUs, which are 32 rows high at most.
        let picture = |denominator: u32| {
            let row = u64::from(size.width_px.saturating_add(64)) * u64::from(32 / denominator);
            size.reduced(denominator).area_px().saturating_add(row).saturating_mul(components)
        };
        let is_page = size.area_px() <= MOST_QUARTER_PIXELS;
        let most_quarter = if is_page { MOST_SHELVED_BYTES } else { MOST_SHELVED_BYTES.min(options.max_bytes / 8) };
        let pictures = [(picture(8), MOST_EIGHTH_BYTES), (picture(4), most_quarter)];
        // Without the one there is not the other.
        let pictures = pictures.iter().take_while(|(bytes, most)| bytes <= most).map(|(bytes, _)| bytes);
        Index::most_bytes(size) * 2 + pictures.sum::<u64>() * 2 + WINDOW_BYTES * 3
    }

    /// Pixels that building costs, in what decoding them would.
    pub(super) fn building_pixels(&self) -> u64 {
        self.coding.size.area_px() / WALK_SHARE
    }

    /// What is remembered, if that is enough.
    pub(super) fn known(&self, wanted: Wanted) -> Option<Known> {
        let known = Known {
            index: self.memo.get(self.key(INDEX))?,
            eighth: self.memo.get(self.key(EIGHTH)),
            quarter: self.memo.get(self.key(QUARTER)),
        };
        known.has(wanted).then_some(known)
    }

    fn key(&self, part: u64) -> MemoKey {
        MemoKey { image: self.image, part }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is needed, made now if it is not there; `None` when the scan is not sound.
    pub(super) fn ensure(&self, wanted: Wanted, control: &Control) -> Result<Option<Known>, DecodeError> {
        self.ensure_at(Pace::Asked, wanted, control)
    }

    /// The same at a pace.
    pub(super) fn ensure_at(
        &self,
        pace: Pace,
        wanted: Wanted,
        control: &Control,
    ) -> Result<Option<Known>, DecodeError> {
        let since = Instant::now();
        let turn = loop {
            if !self.is_sound() {
                return Ok(None);
            }
            if let Some(known) = self.known(wanted) {
                return Ok(Some(known));
            }
            let mut state = self.state();
            if state.building.is_none_or(|other| pace.overtakes(other, since)) {
                state.building = Some(pace);
                state.turn += 1;
                break state.turn;
            }
            control.check()?;
            let wait = || self.built.wait_timeout(state, Duration::from_millis(50));
            let (state, _) = while_waiting(wait).unwrap_or_else(PoisonError::into_inner);
            if state.building.is_none()
                && let Some(index) = state.index.upgrade()
            {
                let known = Known { index, eighth: state.eighth.upgrade(), quarter: state.quarter.upgrade() };
                if known.has(wanted) {
                    return Ok(Some(known));
                }
            }
        };
        let _building = Building { flat: self, turn };
        // Another may have been quicker between the two looks.
        if let Some(known) = self.known(wanted) {
            return Ok(Some(known));
        }
        match self.build(wanted, control) {
            Ok(known) => {
                let mut state = self.state();
                state.index = Arc::downgrade(&known.index);
                state.eighth = known.eighth.as_ref().map(Arc::downgrade).unwrap_or_default();
                state.quarter = known.quarter.as_ref().map(Arc::downgrade).unwrap_or_default();
                Ok(Some(known))
            }
            Err(DecodeError::Corrupt { .. }) => {
                self.broken.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn build(&self, wanted: Wanted, control: &Control) -> Result<Known, DecodeError> {
        if !wanted.quarter
            && let Some(known) = self.shelved()
        {
            self.remember(&known);
            return Ok(known);
        }
        if wanted.quarter
            && self.shelves_quarter
            && let Some(quarter) = self.quarter_shelved()
            && let Some(mut known) = self.known(Wanted { quarter: false, ..wanted }).or_else(|| self.shelved())
        {
            known.quarter = Some(Arc::new(quarter));
            self.remember(&known);
            return Ok(known);
        }
        // A walk for the picture at 1/4, which is not on the shelf, does not bring anything new for it.
        let keep = !wanted.quarter || self.shelf.as_ref().is_some_and(|shelf| shelf.open(SHELF_PART).is_none());
        let wanted = Wanted { eighth: self.makes_eighth, quarter: wanted.quarter };
        let walked = walk(&*self.source, &self.coding, self.data_offset, wanted, control)?;
        let mut known = Known {
            index: Arc::new(walked.index),
            eighth: walked.eighth.map(Arc::new),
            quarter: walked.quarter.map(Arc::new),
        };
        if self.shelves_quarter
            && let Some(quarter) = known.quarter.take()
        {
            known.quarter = self.quarter_to_shelf(&quarter).map(Arc::new);
            if known.quarter.is_none() {
                // It serves whoever asked now; later ones decode parts.
                self.shelf_failed.store(true, Ordering::Relaxed);
                known.quarter = Some(quarter);
                return Ok(known);
            }
        }
        self.remember(&known);
        if keep {
            self.to_shelf(&known);
        }
        Ok(known)
    }

    fn remember(&self, known: &Known) {
        self.memo.insert(self.key(INDEX), Arc::clone(&known.index), known.index.held_bytes());
        for (part, picture) in [(EIGHTH, &known.eighth), (QUARTER, &known.quarter)] {
            if let Some(picture) = picture {
                self.memo.insert(self.key(part), Arc::clone(picture), picture.data().len() as u64);
            }
        }
    }

    fn belongs(&self) -> Belongs {
        Belongs { file_bytes: self.source.len(), data_offset: self.data_offset, coding: self.coding.fingerprint() }
    }

    /// Index and picture from the shelf; `None` when they are not there.
    fn shelved(&self) -> Option<Known> {
        from_shelf(self.shelf.as_ref()?, SHELF_PART, |part| self.known_from(&part))
    }

    /// `None` when they are damaged, or of another file.
    fn known_from(&self, part: &Arc<dyn RandomAccess>) -> Option<Known> {
        // Numbers take at most ten bytes each, five for a note: far more than any real index has.
        let most = Index::bytes(&self.coding) * 5 + Reducer::bytes(&self.coding, 8) * 2 + 4096;
        if part.len() > most {
            return None;
        }
        let data = part.read_range(ByteRange::new(0, part.len())).ok()?;
        let (length, rest) = data.split_first_chunk::<8>()?;
        let (index, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let index = Index::read(index, &self.coding, self.belongs())?;
        let eighth = if self.makes_eighth { Some(Arc::new(self.picture_from(rest)?)) } else { None };
        Some(Known { index: Arc::new(index), eighth, quarter: None })
    }

    fn picture_from(&self, data: &[u8]) -> Option<Picture> {
        let (sum, packed) = data.split_first_chunk::<4>()?;
        let (size, format) = Reducer::shape(&self.coding, 8)?;
        let bytes = usize::try_from(size.area_px()).ok()?.checked_mul(format.bytes_per_pixel())?;
        let data = zstd::bulk::decompress(packed, bytes).ok()?;
        (crc32fast::hash(&data) == u32::from_le_bytes(*sum)).then_some(())?;
        Picture::new(size, format, data)
    }

    /// What the picture on the shelf begins with.
    fn quarter_head(&self) -> Vec<u8> {
        let Belongs { file_bytes, data_offset, coding } = self.belongs();
        [b"rectojq1".as_slice(), &file_bytes.to_le_bytes(), &data_offset.to_le_bytes(), &coding.to_le_bytes()].concat()
    }

    fn quarter_shelved(&self) -> Option<Picture> {
        from_shelf(self.shelf.as_ref()?, SHELVED_QUARTER, |part| {
            let head = self.quarter_head();
            let found = part.read_range(ByteRange::new(0, head.len() as u64)).ok()?;
            let (size, format) = Reducer::shape(&self.coding, 4)?;
            if found == head { Picture::shelved(size, format, part, head.len() as u64) } else { None }
        })
    }

    fn quarter_to_shelf(&self, quarter: &Picture) -> Option<Picture> {
        let kept = self.shelf.as_ref()?.keep(SHELVED_QUARTER, &mut |out: &mut dyn io::Write| {
            out.write_all(&self.quarter_head())?;
            out.write_all(quarter.data())
        });
        kept.ok()?;
        self.quarter_shelved()
    }

    /// What cannot be kept is made again another time.
    fn to_shelf(&self, known: &Known) {
        let Some(shelf) = &self.shelf else { return };
        let packed = known.eighth.as_ref().and_then(|picture| {
            let packed = zstd::bulk::compress(picture.data(), 1).ok()?;
            Some((crc32fast::hash(picture.data()), packed))
        });
        let index = known.index.write();
        let _kept = shelf.keep(SHELF_PART, &mut |out: &mut dyn io::Write| {
            out.write_all(&(index.len() as u64).to_le_bytes())?;
            out.write_all(&index)?;
            if let Some((sum, packed)) = &packed {
                out.write_all(&sum.to_le_bytes())?;
                out.write_all(packed)?;
            }
            Ok(())
        });
    }

    /// The MCUs to decode for a region at a reduction.
    pub(super) fn mcus(&self, region: Rect, denominator: u32) -> McuRect {
        McuRect::around(region, &self.coding, margin(&self.coding, denominator))
    }

    /// True when cutting out these MCUs beats decoding the picture down to them.
    pub(super) fn is_worth(&self, mcus: &McuRect) -> bool {
        let cut = mcus.pixels(&self.coding);
        let whole = u64::from(self.coding.size.width_px) * cut.bottom();
        cut.area_px().saturating_mul(WORTH.1) <= whole.saturating_mul(WORTH.0)
    }

    /// True when it is worth to build an index for that: a few of the uppermost rows are decoded sooner.
    pub(super) fn is_worth_building(&self, mcus: &McuRect) -> bool {
        let above = u64::from(self.coding.size.width_px) * mcus.pixels(&self.coding).bottom();
        self.is_worth(mcus) && above > self.building_pixels() / 4
    }

    /// Bytes of the scan for so many pixels, about.
    pub(super) fn bytes_of(&self, pixels: u64) -> u64 {
        let scan = u128::from(self.source.len().saturating_sub(self.data_offset));
        (scan * u128::from(pixels) / u128::from(self.coding.size.area_px().max(1))) as u64
    }

    /// The MCUs as a stream of their own.
    pub(super) fn stream(&self, known: &Known, mcus: McuRect) -> CutStream {
        let size = mcus.pixels(&self.coding).dimensions();
        CutStream {
            bands: Bands::new(Arc::clone(&self.source), Arc::clone(&self.coding), Arc::clone(&known.index), mcus),
            writer: Some(BitWriter::new(self.coding.head(size))),
            written: [0; 4],
            block: Vec::new(),
        }
    }

    /// True when parts as they are stored are not much larger than encoded ones.
    pub(super) fn is_coded_well(&self) -> bool {
        let scan = self.source.len().saturating_sub(self.data_offset);
        scan <= self.coding.size.area_px().saturating_mul(MOST_BYTES_PER_PIXEL)
    }

    /// True when the region can be cut out as it is stored; see [`crate::Decoder::can_cut`].
    pub(super) fn can_cut(&self, region: Rect, form: Form) -> bool {
        let mcus = McuRect::around(region, &self.coding, 0);
        let read = u64::from(mcus.columns.end - mcus.columns.start) * u64::from(mcus.rows.end - mcus.rows.start);
        let fits = form.copies(&self.coding) || Coefficients::bytes(&self.coding, read) <= MOST_READ_BYTES;
        let color = !form.gray || matches!(self.coding.color, StoredColor::Gray | StoredColor::YcbCr);
        self.is_sound() && color && fits && lies_on_grid(region, self.coding.mcu, form.turn)
    }

    /// The region as a complete JPEG; `None` when the scan is not sound.
    pub(super) fn cut(&self, region: Rect, form: Form, control: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        let Some(known) = self.ensure(Wanted::default(), control)? else { return Ok(None) };
        let mcus = McuRect::around(region, &self.coding, 0);
        let mut target = Target::new(&self.coding, region.dimensions(), form);
        let mut bands = Bands::new(Arc::clone(&self.source), Arc::clone(&self.coding), known.index, mcus);
        while let Some(row) = bands.next(control)? {
            match &mut target {
                Target::Copied { writer, written } => row.copy(&self.coding, writer, written)?,
                Target::Read { coefficients, .. } => row.read(&self.coding, coefficients)?,
            }
        }
        target.finish().map(Some)
    }
}

/// Ends building, however it ends.
struct Building<'a> {
    flat: &'a Flat,
    turn: u64,
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        let mut state = self.flat.state();
        // One that was overtaken ends nobody else's.
        if state.turn == self.turn {
            state.building = None;
        }
        drop(state);
        self.flat.built.notify_all();
    }
}

/// The data of wanted MCUs, row by row.
struct Bands {
    source: Arc<dyn RandomAccess>,
    coding: Arc<Coding>,
    index: Arc<Index>,
    mcus: McuRect,
    next_row: u32,
    /// Rows that were read ahead, last first.
    ahead: Vec<RowData>,
}

/// Wanted MCUs of one row.
struct RowData {
    /// Row of the part.
    row: u32,
    bytes: Vec<u8>,
    /// MCUs in the data before the wanted ones.
    skip: u32,
    count: u32,
    /// Number in the scan of the first MCU in the data.
    number: u64,
    /// Bits of the first byte that are gone.
    start: usize,
    predictors: [i32; 4],
    /// Bits of the last byte that belong to it (0 for all), and DC coefficients behind, when the data ends with the wanted MCUs.
    end: Option<(usize, [i32; 4])>,
}

impl Bands {
    fn new(source: Arc<dyn RandomAccess>, coding: Arc<Coding>, index: Arc<Index>, mcus: McuRect) -> Self {
        let next_row = mcus.rows.start;
        Self { source, coding, index, mcus, next_row, ahead: Vec::new() }
    }

    fn next(&mut self, control: &Control) -> Result<Option<RowData>, DecodeError> {
        if self.ahead.is_empty() {
            control.check()?;
            self.fetch()?;
        }
        Ok(self.ahead.pop())
    }

    fn fetch(&mut self) -> Result<(), DecodeError> {
        let stale = || corrupt("its index does not fit");
        let McuRect { columns, rows } = self.mcus.clone();
        let mut found = Vec::new();
        let mut ranges = Vec::new();
        let mut bytes = 0;
        while self.next_row < rows.end && bytes < BATCH_BYTES {
            let row = self.next_row;
            let (first, column) = self.index.before(row, columns.start).ok_or_else(stale)?;
            let (last, exact) = self.index.behind(row, columns.end, self.coding.columns).ok_or_else(stale)?;
            let offset = first.position / 8;
            let length = last.position.div_ceil(8).checked_sub(offset).ok_or_else(stale)?;
            ranges.push(ByteRange::new(offset, length));
            bytes += length;
            found.push(RowData {
                row: row - rows.start,
                bytes: Vec::new(),
                skip: columns.start - column,
                count: columns.end - columns.start,
                number: u64::from(row) * u64::from(self.coding.columns) + u64::from(column),
                start: (first.position % 8) as usize,
                predictors: first.predictors,
                end: exact.then_some(((last.position % 8) as usize, last.predictors)),
            });
            self.next_row += 1;
        }
        let read = if ranges.is_empty() { Vec::new() } else { self.source.read_ranges(&ranges)? };
        for (row, bytes) in found.iter_mut().zip(read) {
            row.bytes = bytes;
        }
        found.reverse();
        self.ahead = found;
        Ok(())
    }
}

impl RowData {
    fn scan(&self, coding: &Coding) -> Result<CleanScan, DecodeError> {
        let restarts = self.number.checked_div(coding.restart_interval).unwrap_or(0);
        CleanScan::new(&self.bytes, restarts).ok_or_else(|| corrupt("a restart marker is out of turn"))
    }

    fn copy(&self, coding: &Coding, writer: &mut BitWriter, written: &mut [i32; 4]) -> Result<(), DecodeError> {
        let scan = self.scan(coding)?;
        let mut reader = McuReader::new(coding, &scan, self.number, self.start, self.predictors);
        reader.skip(self.skip)?;
        match self.end {
            Some((bits, predictors)) if coding.restart_interval == 0 => {
                let end = scan.bits() - if bits == 0 { 0 } else { (8 - bits).min(scan.bits()) };
                reader.copy_to(end, predictors, writer, written)
            }
            _ => reader.copy(self.count, writer, written),
        }
    }

    fn read(&self, coding: &Coding, into: &mut Coefficients) -> Result<(), DecodeError> {
        let scan = self.scan(coding)?;
        let mut reader = McuReader::new(coding, &scan, self.number, self.start, self.predictors);
        reader.skip(self.skip)?;
        reader.read(self.count, (0, self.row), into)
    }
}

/// A part of a picture as a stream, made while it is read.
pub(super) struct CutStream {
    bands: Bands,
    /// `None` behind the end.
    writer: Option<BitWriter>,
    written: [i32; 4],
    block: Vec<u8>,
}

/// Bytes that are handed over at a time, at least.
const BLOCK_BYTES: usize = 64 << 10;

impl CutStream {
    /// The next bytes; `None` at the end.
    pub(super) fn next_block(&mut self, control: &Control) -> Result<Option<&[u8]>, DecodeError> {
        let Some(writer) = &mut self.writer else { return Ok(None) };
        while writer.len() < BLOCK_BYTES {
            if let Some(row) = self.bands.next(control)? {
                row.copy(&self.bands.coding, writer, &mut self.written)?;
            } else {
                if let Some(writer) = self.writer.take() {
                    self.block = writer.finish();
                    self.block.extend_from_slice(&[0xff, EOI]);
                }
                return Ok(Some(&self.block));
            }
        }
        self.block = writer.take();
        Ok(Some(&self.block))
    }

    /// Bytes that it holds at most, beside what a row of the picture takes.
    pub(super) const HELD_BYTES: u64 = BATCH_BYTES * 3 + (BLOCK_BYTES as u64) * 4;
}

/// True when `size` is worth an index at all.
pub(super) fn is_large(size: Dimensions, least_pixels: u64) -> bool {
    size.area_px() >= least_pixels
}
