//! The row pipeline: every stage gives rows from top to bottom and pulls what it needs from the one before.

use recto_codec::{Control, PixelFormat, Raster, RowSource};
use recto_iiif::{Dimensions, Rect};

use crate::EngineError;

/// Strips are handed on in pieces of at most this many bytes (or one row), so that no stage holds more.
pub(crate) const PIECE_BYTES: u64 = 1 << 20;

/// Rows of a picture from top to bottom, in strips of any height.
pub trait Rows: Send {
    /// Size of the whole picture.
    fn size(&self) -> Dimensions;

    /// How its pixels lie in memory.
    fn format(&self) -> PixelFormat;

    /// The next rows, at least one; `None` when all were given.
    ///
    /// # Errors
    /// What went wrong in any stage before; after that no further call is made.
    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError>;
}

/// What a decoder gives, checked, in pieces.
pub(crate) struct Decoded<'a> {
    source: Box<dyn RowSource + 'a>,
    control: Control,
    size: Dimensions,
    format: PixelFormat,
    strip: Option<Raster>,
    strip_row: u32,
    given: u32,
}

impl<'a> Decoded<'a> {
    /// Checks that `source` gives exactly the rectangle that was planned.
    pub(crate) fn new(
        source: Box<dyn RowSource + 'a>,
        expected: Rect,
        denominator: u32,
        control: &Control,
    ) -> Result<Self, EngineError> {
        let geometry = source.geometry();
        if geometry.rect != expected || geometry.denominator != denominator {
            return Err(EngineError::broken(format!(
                "planned {expected} at 1/{denominator}, the decoder gives {} at 1/{}",
                geometry.rect, geometry.denominator
            )));
        }
        Ok(Self {
            source,
            control: control.clone(),
            size: expected.dimensions(),
            format: geometry.format,
            strip: None,
            strip_row: 0,
            given: 0,
        })
    }

    fn pull(&mut self) -> Result<Option<Raster>, EngineError> {
        self.control.check()?;
        let strip = self.source.next_strip()?;
        match &strip {
            None if self.given != self.size.height_px => {
                Err(EngineError::broken(format!("the decoder gave {} of {} rows", self.given, self.size.height_px)))
            }
            Some(strip)
                if strip.width_px() != self.size.width_px
                    || strip.format() != self.format
                    || strip.height_px() == 0
                    || strip.height_px() > self.size.height_px - self.given =>
            {
                Err(EngineError::broken(format!("the decoder gave {strip:?} in {} {:?}", self.size, self.format)))
            }
            _ => Ok(strip),
        }
    }
}

impl Rows for Decoded<'_> {
    fn size(&self) -> Dimensions {
        self.size
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError> {
        if self.strip.is_none() {
            self.strip = self.pull()?;
            self.strip_row = 0;
        }
        let Some(strip) = self.strip.take() else { return Ok(None) };
        let piece_rows = piece_rows(strip.stride() as u64);
        if self.strip_row == 0 && strip.height_px() <= piece_rows {
            self.given += strip.height_px();
            return Ok(Some(strip));
        }
        let end = (self.strip_row.saturating_add(piece_rows)).min(strip.height_px());
        let stride = strip.stride();
        let bytes = strip.data()[self.strip_row as usize * stride..end as usize * stride].to_vec();
        let piece = Raster::from_vec(Dimensions::new(self.size.width_px, end - self.strip_row), self.format, bytes);
        self.given += piece.height_px();
        if end < strip.height_px() {
            self.strip_row = end;
            self.strip = Some(strip);
        }
        Ok(Some(piece))
    }
}

/// Rows of a piece, at least 1.
pub(crate) fn piece_rows(row_bytes: u64) -> u32 {
    u32::try_from((PIECE_BYTES / row_bytes.max(1)).max(1)).unwrap_or(u32::MAX)
}

/// Rows that are changed one strip at a time, without memory of the rows before, and keep their number.
pub(crate) struct Mapped<'a, F> {
    rows: Box<dyn Rows + 'a>,
    format: PixelFormat,
    map: F,
}

impl<'a, F: FnMut(Raster) -> Result<Raster, EngineError> + Send> Mapped<'a, F> {
    pub(crate) fn new(rows: Box<dyn Rows + 'a>, format: PixelFormat, map: F) -> Self {
        Self { rows, format, map }
    }
}

impl<F: FnMut(Raster) -> Result<Raster, EngineError> + Send> Rows for Mapped<'_, F> {
    fn size(&self) -> Dimensions {
        self.rows.size()
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError> {
        self.rows.next_rows()?.map(&mut self.map).transpose()
    }
}
