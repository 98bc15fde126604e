//! The one-scan form of a file with several scans, kept on the shelf: made once, then as quick as any flat file.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::coding::Coding;
use super::flat::{Flat, Pace, from_shelf};
use super::markers::Markers;
use super::progressive::Scans;
use super::reduced::{Picture, Reducer};
use crate::{Control, DecodeError, MemoKey, OpenOptions, RandomAccess, Shelf, while_waiting};

const SHELF_PART: &str = "jpeg-one-scan-1";
/// How many times as large as the file the form with the standard's tables may be; more is damage.
const MOST_GROWTH: u64 = 4;

#[derive(Default)]
enum Form {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    Making(Pace),
    Ready(Arc<Flat>),
    /// The scans are damaged, or there is nowhere to keep it.
    Impossible,
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
        !matches!(&*self.form(), Form::Impossible)
    }

    /// The form, made now if it is not there; `None` when it cannot be made.
    pub(super) fn ensure_at(&self, pace: Pace, control: &Control) -> Result<Option<Arc<Flat>>, DecodeError> {
        let since = Instant::now();
        let mut form = self.form();
        loop {
            match &*form {
                Form::Ready(flat) => return Ok(Some(Arc::clone(flat))),
                Form::Impossible => return Ok(None),
                Form::Unknown => break,
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
                making.ends = Form::Impossible;
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
        let Some(scans) = Scans::find(&*self.source, &self.markers, control)? else { return Ok(Form::Impossible) };
        // What could not be read then is not written again and again.
        if scans.bytes() > self.options.max_bytes || scans.coding()?.is_none() {
            return Ok(Form::Impossible);
        }
        let most = self.source.len().saturating_mul(MOST_GROWTH).saturating_add(1 << 20);
        let mut failed = None;
        let kept = self.shelf.keep(SHELF_PART, &mut |out: &mut dyn io::Write| {
            let mut out = Bounded { out, left: most };
            scans.write(&*self.source, control, &mut out).map_err(|error| {
                failed = Some(error);
                io::Error::other("the picture could not be written as one scan")
            })
        });
        match (kept, failed) {
            (Ok(()), None) => Ok(self.open().map_or(Form::Impossible, Form::Ready)),
            (_, Some(error)) => Err(error),
            // The shelf takes nothing yet: the next one tries again.
            (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => Ok(Form::Unknown),
            // The disk is full, or the like.
            (Err(_), None) => Ok(Form::Impossible),
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
            if Reducer::bytes(&coding, 8).saturating_add(scans.bytes()) > self.options.max_bytes {
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
        // One that was overtaken, and has nothing to tell, ends nobody else's.
        if is_own || !matches!(self.ends, Form::Unknown) {
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
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(data.len() as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.out.write_all(data)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
