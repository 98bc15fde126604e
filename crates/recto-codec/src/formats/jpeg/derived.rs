//! The one-scan form of a file with several scans, kept on the shelf: made once, then as quick as any flat file.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::coding::Coding;
use super::flat::{Flat, MOST_EIGHTH_BYTES, Pace, from_shelf};
use super::markers::Markers;
use super::progressive::Scans;
use super::reduced::{Picture, Reducer};
use crate::{Control, DecodeError, MemoKey, OpenOptions, RandomAccess, Shelf, while_waiting};

const SHELF_PART: &str = "jpeg-one-scan-1";
/// How many times as large as the file the form with the standard's tables may be; more is damage.
const MOST_GROWTH: u64 = 4;
/// When it is tried again to keep it, where the disk had no room and where the shelf was not ready.
const AGAIN: Duration = Duration::from_mins(1);
const AGAIN_SOON: Duration = Duration::from_secs(1);

#[derive(Default)]
enum Form {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    Making(Pace),
    Ready(Arc<Flat>),
    /// The scans are damaged, or there is nowhere to keep it; until then, where it may be otherwise later.
    Impossible(Option<Instant>),
}

impl Form {
    fn is_impossible(&self) -> bool {
        matches!(self, Self::Impossible(until) if until.is_none_or(|until| Instant::now() < until))
    }

    /// What becomes of a form that could not be kept.
    fn refused(kind: io::ErrorKind) -> Self {
        match kind {
            // Nothing is kept there, or not so much.
            io::ErrorKind::Unsupported | io::ErrorKind::FileTooLarge => Self::Impossible(None),
            // The shelf is not ready yet.
            io::ErrorKind::WouldBlock => Self::Impossible(Some(Instant::now() + AGAIN_SOON)),
            // The disk is full, or the like.
            _ => Self::Impossible(Some(Instant::now() + AGAIN)),
        }
    }
}

/// A file of several scans.
pub(super) struct Derived {
    source: Arc<dyn RandomAccess>,
    markers: Markers,
    options: OpenOptions,
    shelf: Arc<dyn Shelf>,
    least_pixels: u64,
    image: u64,
    form: Mutex<Form>,
    changed: Condvar,
}

impl Derived {
    /// `None` where there is no shelf to keep it on.
    pub(super) fn new(
        source: &Arc<dyn RandomAccess>,
        markers: &Markers,
        options: &OpenOptions,
        least_pixels: u64,
    ) -> Option<Self> {
        let several = markers.has_multiple_scans() && markers.frame.process.is_huffman_dct();
        let suits = several && markers.frame.precision == 8 && markers.frame.size.area_px() >= least_pixels;
        let shelf = options.shelf.clone().filter(|_| suits)?;
        Some(Self {
            source: Arc::clone(source),
            markers: markers.clone(),
            options: options.clone(),
            shelf,
            least_pixels,
            image: options.memo.image(),
            form: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    fn form(&self) -> MutexGuard<'_, Form> {
        self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The form, if it is known to be there.
    pub(super) fn ready(&self) -> Option<Arc<Flat>> {
        match &*self.form() {
            Form::Ready(flat) => Some(Arc::clone(flat)),
            _ => None,
        }
    }

    /// The form, if it is there; looks on the shelf, and makes nothing.
    pub(super) fn find(&self) -> Option<Arc<Flat>> {
        if let Some(flat) = self.ready() {
            return Some(flat);
        }
        let flat = self.open()?;
        let mut form = self.form();
        if matches!(&*form, Form::Unknown) {
            *form = Form::Ready(Arc::clone(&flat));
        }
        Some(flat)
    }

    /// True when it may be there, or be made.
    pub(super) fn is_possible(&self) -> bool {
        !self.form().is_impossible()
    }

    /// The form, made now if it is not there; `None` when it cannot be made.
    pub(super) fn ensure_at(&self, pace: Pace, control: &Control) -> Result<Option<Arc<Flat>>, DecodeError> {
        let since = Instant::now();
        let mut form = self.form();
        loop {
            match &*form {
                Form::Ready(flat) => return Ok(Some(Arc::clone(flat))),
                impossible if impossible.is_impossible() => return Ok(None),
                Form::Unknown | Form::Impossible(_) => break,
                Form::Making(other) if pace.overtakes(*other, since) => break,
                Form::Making(_) => {
                    control.check()?;
                    let wait = || self.changed.wait_timeout(form, Duration::from_millis(50));
                    form = while_waiting(wait).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        *form = Form::Making(pace);
        drop(form);
        let mut making = Making { derived: self, pace, ends: Form::Unknown };
        match self.make(control) {
            Ok(form) => {
                let flat = if let Form::Ready(flat) = &form { Some(Arc::clone(flat)) } else { None };
                making.ends = form;
                Ok(flat)
            }
            Err(DecodeError::Corrupt { .. }) => {
                making.ends = Form::Impossible(None);
                Ok(None)
            }
            // Cancelled: the next one begins again.
            Err(error) => Err(error),
        }
    }

    fn make(&self, control: &Control) -> Result<Form, DecodeError> {
        if let Some(flat) = self.open() {
            return Ok(Form::Ready(flat));
        }
        let Some(scans) = Scans::find(&*self.source, &self.markers, control)? else {
            return Ok(Form::Impossible(None));
        };
        // What could not be read then is not written again and again.
        if scans.bytes() > self.options.max_bytes || scans.coding()?.is_none() {
            return Ok(Form::Impossible(None));
        }
        let most = self.source.len().saturating_mul(MOST_GROWTH).saturating_add(1 << 20);
        // What the original failed with, and what the shelf did.
        let (mut failed, mut refused) = (None, None);
        let kept = self.shelf.keep(SHELF_PART, &mut |out: &mut dyn io::Write| {
            let mut out = Bounded { out, left: most, refused: None };
            let written = scans.write(&*self.source, control, &mut out);
            refused = out.refused;
            written.map_err(|error| {
                failed = Some(error);
                io::Error::other("the picture could not be written as one scan")
            })
        });
        match (kept, failed, refused) {
            (_, _, Some(refused)) => Ok(Form::refused(refused)),
            (Ok(()), None, None) => Ok(self.open().map_or(Form::Impossible(None), Form::Ready)),
            (_, Some(error), None) => Err(error),
            (Err(error), None, None) => Ok(Form::refused(error.kind())),
        }
    }

    /// What is on the shelf, when it is this picture.
    fn open(&self) -> Option<Arc<Flat>> {
        from_shelf(&self.shelf, SHELF_PART, |part| self.flat_of(&part))
    }

    /// `None` when it is another picture, or none.
    fn flat_of(&self, part: &Arc<dyn RandomAccess>) -> Option<Arc<Flat>> {
        let markers = Markers::read(&**part).ok()?;
        let coding = Coding::new(&markers.parts()).ok()??;
        let same = coding.size == self.markers.frame.size
            && coding.components.len() == self.markers.frame.components.len()
            && Some(coding.color) == self.markers.parts().color();
        let flat =
            same.then(|| Flat::new(part, Arc::new(coding), markers.data_offset, &self.options, self.least_pixels));
        flat.flatten().map(Arc::new)
    }

    /// The picture at 1/8 from the mean values alone, which come first in the file; `None` where that does not give it exactly, or the
    /// other form is there.
    pub(super) fn eighth(&self, control: &Control) -> Result<Option<Arc<Picture>>, DecodeError> {
        if !self.is_possible() || self.find().is_some() {
            return Ok(None);
        }
        let key = MemoKey { image: self.image, part: 0 };
        if let Some(picture) = self.options.memo.get(key) {
            return Ok(Some(picture));
        }
        let made = Scans::find(&*self.source, &self.markers, control).and_then(|scans| {
            let Some(scans) = scans else { return Ok(None) };
            let Some(coding) = scans.coding()? else { return Ok(None) };
            let bytes = Reducer::bytes(&coding, 8);
            if bytes > MOST_EIGHTH_BYTES || bytes.saturating_add(scans.bytes()) > self.options.max_bytes {
                return Ok(None);
            }
            scans.eighth(&*self.source, &coding, control)
        });
        match made {
            Ok(Some(picture)) => {
                let picture = Arc::new(picture);
                self.options.memo.insert(key, Arc::clone(&picture), picture.data().len() as u64);
                Ok(Some(picture))
            }
            // The library makes of it what can be made.
            Ok(None) | Err(DecodeError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Memory that making it takes, and then what its index and its pictures take.
    pub(super) fn preparing_bytes(&self) -> u64 {
        if let Some(flat) = self.ready() {
            return flat.building_bytes(flat.wanted(4));
        }
        if !self.is_possible() {
            return 0;
        }
        let frame = &self.markers.frame;
        let components = frame.components.len() as u64;
        self.making_bytes().max(Flat::most_building_bytes(frame.size, components, &self.options))
    }

    /// Memory that making it takes.
    pub(super) fn making_bytes(&self) -> u64 {
        let frame = &self.markers.frame;
        // A row of MCUs as coefficients, and a window for each scan.
        u64::from(frame.size.width_px + 64) * 32 * 2 * frame.components.len() as u64 + (20 << 20)
    }
}

/// Says how making ended, however it ended.
struct Making<'a> {
    derived: &'a Derived,
    pace: Pace,
    ends: Form,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut form = self.derived.form();
        let is_own = matches!(&*form, Form::Making(pace) if *pace == self.pace);
        // One that was overtaken ends nobody else's, unless by having it.
        if is_own || matches!(self.ends, Form::Ready(_)) {
            *form = std::mem::take(&mut self.ends);
        }
        drop(form);
        self.derived.changed.notify_all();
    }
}

/// Takes no more than so many bytes.
struct Bounded<'a> {
    out: &'a mut dyn io::Write,
    left: u64,
    /// Why nothing more is taken.
    refused: Option<io::ErrorKind>,
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = match self.left.checked_sub(data.len() as u64) {
            Some(left) => {
                self.left = left;
                self.out.write_all(data)
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        };
        taken.inspect_err(|error| self.refused = Some(error.kind()))?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
