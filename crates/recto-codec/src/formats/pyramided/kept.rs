//! The pyramid on the shelf: a tiled TIFF without loss, whose header comes last, as a shelf is written from front to back.

use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use recto_iiif::Dimensions;

use super::Pyramided;
use super::halving::Halving;
use crate::{
    ColorModel, Control, DecodeError, DecodeRequest, DecodedGeometry, Decoder, EncodeHeader, Metadata, OpenOptions,
    Orientation, PyramidCompression, PyramidError, PyramidOptions, PyramidPage, PyramidWriter, RandomAccess, Raster,
    RowSource, Shelf,
};

/// Its name on the shelf. Another one when its pixels would be others.
pub(super) const PART: &str = "pyramid-1";
/// Bytes at the beginning of the TIFF that are known at its end.
const HEAD: u64 = 16;
/// Side of its tiles in pixels.
const TILE: u32 = 256;

/// Opens what lies on the shelf; `None` when it is not what the original would give.
pub(super) fn open(part: Arc<dyn RandomAccess>, of: &Pyramided, options: &OpenOptions) -> Option<Box<dyn Decoder>> {
    let options = OpenOptions { shelf: None, ..options.clone() };
    let decoder = crate::formats::open(Arc::new(HeadLast { part }), &options).ok()?;
    let (facts, size) = (decoder.facts(), of.facts.stored_size());
    let fits = facts.stored_size() == size.reduced(of.least)
        && facts.levels.len() as u32 > (of.facts.max_denominator / of.least).ilog2()
        && facts.levels.iter().enumerate().all(|(index, level)| level.size == size.reduced(of.least << index));
    fits.then_some(decoder)
}

/// Memory that making it takes, besides the original's.
pub(super) fn making_bytes(of: &Pyramided) -> u64 {
    // A row of tiles of each level as pixels, and as they are compressed; of the widest pixels.
    u64::from(of.facts.stored_size().width_px) * u64::from(TILE) * 8 * 4 + (8 << 20)
}

/// Why it was not made.
enum Failure {
    Decode(DecodeError),
    Write(io::Error),
}

impl From<PyramidError> for Failure {
    fn from(error: PyramidError) -> Self {
        Self::Write(match error {
            PyramidError::Io(error) => error,
            other => io::Error::other(other),
        })
    }
}

/// Makes it and puts it on the shelf; false when there is no room.
pub(super) fn make(of: &Pyramided, shelf: &dyn Shelf, control: &Control) -> Result<bool, DecodeError> {
    let mut failed = None;
    let kept = shelf.keep(PART, &mut |out: &mut dyn Write| {
        write(of, out, control).map_err(|failure| match failure {
            Failure::Write(error) => error,
            Failure::Decode(error) => {
                failed = Some(error);
                io::Error::other("the original could not be read")
            }
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(kept.is_ok()),
    }
}

fn write(of: &Pyramided, out: &mut dyn Write, control: &Control) -> Result<(), Failure> {
    let mut rows = of.inner.rows(&of.whole(), control).map_err(Failure::Decode)?;
    let wanted = DecodeRequest { denominator: of.least, ..of.whole() };
    if of.least > 1 {
        let rect = DecodedGeometry::reduced_rect(&wanted, of.facts.stored_size());
        rows = Box::new(Halving::new(rows, of.least, rect));
    }
    let DecodedGeometry { format, rect, .. } = rows.geometry();
    let options = PyramidOptions { tile: TILE, compression: PyramidCompression::Zstd, ..PyramidOptions::default() };
    let mut writer = PyramidWriter::new(HeadAtEnd::new(out), &options)?;
    writer.begin(PyramidPage {
        header: EncodeHeader {
            size: Dimensions::new(rect.w, rect.h),
            pixels: format,
            bitonal: of.facts.color == ColorModel::Bitonal && of.least == 1,
            icc: None,
            dpi: None,
        },
        orientation: Orientation::Normal,
        metadata: Metadata::default(),
        compression: None,
        maker: None,
    })?;
    while let Some(strip) = rows.next_strip().map_err(Failure::Decode)? {
        control.check().map_err(Failure::Decode)?;
        writer.write(&strip)?;
    }
    writer.end()?;
    writer.finish()?.end().map_err(Failure::Write)
}

/// Takes a file of which the first bytes are written last, and passes it on with these at its end.
struct HeadAtEnd<'o> {
    out: &'o mut dyn Write,
    head: [u8; HEAD as usize],
    at: u64,
    end: u64,
}

impl<'o> HeadAtEnd<'o> {
    fn new(out: &'o mut dyn Write) -> Self {
        Self { out, head: [0; HEAD as usize], at: 0, end: 0 }
    }

    fn end(self) -> io::Result<()> {
        self.out.write_all(&self.head)
    }
}

impl Write for HeadAtEnd<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = if let Some(head) = self.head.get_mut(self.at as usize..).filter(|head| !head.is_empty()) {
            let count = head.len().min(bytes.len());
            head.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            count
        } else if self.at == self.end {
            self.out.write(bytes)?
        } else {
            return Err(io::Error::other("only the first bytes can be written again"));
        };
        self.at += count as u64;
        self.end = self.end.max(self.at);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Seek for HeadAtEnd<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.filter(|at| *at <= self.end).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Such a file, with its first bytes in their place again.
struct HeadLast {
    part: Arc<dyn RandomAccess>,
}

impl fmt::Debug for HeadLast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadLast").field("part", &self.part).finish()
    }
}

impl RandomAccess for HeadLast {
    fn len(&self) -> u64 {
        self.part.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let ends = offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.len());
        if !ends || self.len() < HEAD {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let of_head = HEAD.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let (head, rest) = buffer.split_at_mut(of_head);
        if !head.is_empty() {
            self.part.read_at(self.len() - HEAD + offset, head)?;
        }
        if rest.is_empty() { Ok(()) } else { self.part.read_at(offset + of_head as u64 - HEAD, rest) }
    }
}

/// Rows of what is kept, as those of the original's reduction.
pub(super) struct KeptRows<'a> {
    pub(super) rows: Box<dyn RowSource + 'a>,
    pub(super) denominator: u32,
}

impl RowSource for KeptRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        DecodedGeometry { denominator: self.denominator, ..self.rows.geometry() }
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.rows.next_strip()
    }
}
