//! Decoded rows that several pictures share: a decoder that gives what is held, and asks the real one for the rest.
//!
//! The pictures are rendered by the same plans as for a single request; only where the decoded rows come from differs. So
//! their bytes are those of the live server.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use recto_codec::{
    Control, Cost, CutRequest, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Metadata, PixelFormat,
    Raster, RowSource, StoredTile,
};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

/// Strips handed out are about this large.
const STRIP_BYTES: usize = 1 << 20;

/// Rows of one reduction of one level, over its whole width.
#[derive(Debug)]
pub(crate) struct Stretch {
    level: usize,
    denominator: u32,
    /// In pixels of the reduced level; begins at column 0.
    rect: Rect,
    format: PixelFormat,
    pixels: Pixels,
}

#[derive(Debug)]
enum Pixels {
    Memory(Vec<u8>),
    File(File),
}

impl Stretch {
    fn stride(&self) -> usize {
        self.rect.w as usize * self.format.bytes_per_pixel()
    }

    /// Copies a part of a row, in pixels of the reduced level.
    fn copy_row(&self, y: u32, x: u32, to: &mut [u8]) -> Result<(), DecodeError> {
        let at = (y - self.rect.y) as usize * self.stride() + x as usize * self.format.bytes_per_pixel();
        match &self.pixels {
            Pixels::Memory(bytes) => {
                let part = bytes.get(at..at + to.len()).ok_or(std::io::ErrorKind::UnexpectedEof);
                to.copy_from_slice(part.map_err(std::io::Error::from)?);
            }
            Pixels::File(file) => file.read_exact_at(to, at as u64)?,
        }
        Ok(())
    }

    /// Reads these rows of the reduced level into memory.
    pub(crate) fn read(decoder: &dyn Decoder, which: Which, rows: (u32, u32)) -> Result<Self, DecodeError> {
        let mut source = decoder.rows(&which.request(decoder, rows), &Control::default())?;
        let DecodedGeometry { rect, format, .. } = source.geometry();
        let bytes = rect.area_px() as usize * format.bytes_per_pixel();
        let mut pixels = Vec::with_capacity(bytes);
        while let Some(strip) = source.next_strip()? {
            pixels.extend_from_slice(strip.data());
        }
        Ok(which.stretch(rect, format, Pixels::Memory(pixels)))
    }

    /// Reads all rows of the reduced level into a file of that folder that has no name.
    pub(crate) fn spool(decoder: &dyn Decoder, which: Which, folder: &Path) -> Result<Self, DecodeError> {
        let height = which.size(decoder).height_px;
        let mut source = decoder.rows(&which.request(decoder, (0, height)), &Control::default())?;
        let DecodedGeometry { rect, format, .. } = source.geometry();
        let mut file = BufWriter::with_capacity(STRIP_BYTES, tempfile::tempfile_in(folder)?);
        while let Some(strip) = source.next_strip()? {
            file.write_all(strip.data())?;
        }
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        Ok(which.stretch(rect, format, Pixels::File(file)))
    }

    /// Reads the rows of several stretches, which go from top to bottom and may overlap a little, in one pass; ends when nobody takes them.
    pub(crate) fn stream(
        decoder: &dyn Decoder,
        which: Which,
        bands: &[(u32, u32)],
        out: &SyncSender<Result<Self, DecodeError>>,
    ) {
        let (Some(first), Some(end)) = (bands.first(), bands.iter().map(|band| band.1).max()) else { return };
        let told = Self::stream_to(decoder, which, bands, (first.0, end), out);
        if let Err(error) = told {
            // Nobody takes it: then nobody needs it.
            let _told = out.send(Err(error));
        }
    }

    fn stream_to(
        decoder: &dyn Decoder,
        which: Which,
        bands: &[(u32, u32)],
        all: (u32, u32),
        out: &SyncSender<Result<Self, DecodeError>>,
    ) -> Result<(), DecodeError> {
        let mut source = decoder.rows(&which.request(decoder, all), &Control::default())?;
        let DecodedGeometry { rect, format, .. } = source.geometry();
        let stride = rect.w as usize * format.bytes_per_pixel();
        // Rows from `held_from` on.
        let mut held: Vec<u8> = Vec::new();
        let mut held_from = rect.y;
        for (top, bottom) in bands.iter().copied() {
            let above = ((top.saturating_sub(held_from)) as usize * stride).min(held.len());
            held.drain(..above);
            held_from += (above / stride) as u32;
            held.reserve_exact(((bottom - held_from) as usize * stride).saturating_sub(held.len()));
            while held_from + ((held.len() / stride) as u32) < bottom {
                let Some(strip) = source.next_strip()? else {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
                };
                held.extend_from_slice(strip.data());
                // Rows between two bands are needed by nobody.
                let above = ((top.saturating_sub(held_from)) as usize * stride).min(held.len());
                held.drain(..above);
                held_from += (above / stride) as u32;
            }
            let from = (top - held_from) as usize * stride;
            let to = (bottom - held_from) as usize * stride;
            let part = held.get(from..to).unwrap_or_default().to_vec();
            let rect = Rect::new(0, top, rect.w, bottom - top);
            if out.send(Ok(which.stretch(rect, format, Pixels::Memory(part)))).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A level and a reduction of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Which {
    pub(crate) level: usize,
    pub(crate) denominator: u32,
}

impl Which {
    fn level_size(self, decoder: &dyn Decoder) -> Dimensions {
        let facts = decoder.facts();
        facts.levels.get(self.level).map_or(facts.stored_size(), |level| level.size)
    }

    /// Size of the level after the reduction.
    pub(crate) fn size(self, decoder: &dyn Decoder) -> Dimensions {
        self.level_size(decoder).reduced(self.denominator)
    }

    /// All of these rows.
    pub(crate) fn request(self, decoder: &dyn Decoder, (top, bottom): (u32, u32)) -> DecodeRequest {
        let size = self.level_size(decoder);
        let at = |row: u32| (u64::from(row) * u64::from(self.denominator)).min(u64::from(size.height_px)) as u32;
        let region = Rect::new(0, at(top), size.width_px, at(bottom) - at(top));
        DecodeRequest { level: self.level, region, denominator: self.denominator }
    }

    /// The rows that a request takes, in pixels of the reduced level.
    pub(crate) fn rows(self, decoder: &dyn Decoder, wanted: &DecodeRequest) -> (u32, u32) {
        let rect = DecodedGeometry::reduced_rect(wanted, self.level_size(decoder));
        (rect.y, rect.bottom() as u32)
    }

    fn stretch(self, rect: Rect, format: PixelFormat, pixels: Pixels) -> Stretch {
        Stretch { level: self.level, denominator: self.denominator, rect, format, pixels }
    }
}

/// A decoder that gives held rows where it can.
pub(crate) struct Held<'a> {
    decoder: &'a dyn Decoder,
    stretch: &'a Stretch,
}

impl<'a> Held<'a> {
    pub(crate) fn new(decoder: &'a dyn Decoder, stretch: &'a Stretch) -> Self {
        Self { decoder, stretch }
    }
}

impl Decoder for Held<'_> {
    fn facts(&self) -> &ImageFacts {
        self.decoder.facts()
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        self.decoder.cost(wanted)
    }

    fn rows<'b>(&'b self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'b>, DecodeError> {
        let which = Which { level: wanted.level, denominator: wanted.denominator };
        let rect = DecodedGeometry::reduced_rect(wanted, which.level_size(self.decoder));
        let held = self.stretch;
        let has = (held.level, held.denominator) == (wanted.level, wanted.denominator)
            && rect.y >= held.rect.y
            && rect.bottom() <= held.rect.bottom()
            && rect.right() <= held.rect.right();
        if !has {
            return self.decoder.rows(wanted, control);
        }
        Ok(Box::new(HeldRows { stretch: held, rect, next_row: rect.y, control: control.clone() }))
    }

    fn metadata(&self) -> Result<Metadata, DecodeError> {
        self.decoder.metadata()
    }

    fn stored_tile(&self, level: usize, column: u32, row: u32) -> Option<StoredTile> {
        self.decoder.stored_tile(level, column, row)
    }

    fn can_cut(&self, level: usize, wanted: &CutRequest) -> bool {
        self.decoder.can_cut(level, wanted)
    }

    fn cut(&self, level: usize, wanted: &CutRequest, control: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        self.decoder.cut(level, wanted, control)
    }

    fn stored_whole(&self, format: Format) -> Result<Option<Vec<u8>>, DecodeError> {
        self.decoder.stored_whole(format)
    }
}

struct HeldRows<'a> {
    stretch: &'a Stretch,
    rect: Rect,
    next_row: u32,
    control: Control,
}

impl RowSource for HeldRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        DecodedGeometry { format: self.stretch.format, denominator: self.stretch.denominator, rect: self.rect }
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let left = self.rect.bottom() as u32 - self.next_row;
        if left == 0 {
            return Ok(None);
        }
        self.control.check()?;
        let stride = self.rect.w as usize * self.stretch.format.bytes_per_pixel();
        let rows = left.min(((STRIP_BYTES / stride) as u32).max(16));
        let mut data = vec![0; stride * rows as usize];
        for (row, to) in (self.next_row..).zip(data.chunks_exact_mut(stride)) {
            self.stretch.copy_row(row, self.rect.x, to)?;
        }
        self.next_row += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(self.rect.w, rows), self.stretch.format, data)))
    }
}
