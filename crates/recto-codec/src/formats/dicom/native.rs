//! Frames of plain samples, by rows.

use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::gray::Paint;
use super::header::Header;
use super::{corrupt, ended};
use crate::formats::held::strip_rows;
use crate::{ByteRange, Control, DecodeError, DecodedGeometry, RandomAccess, Raster, RowSource};

/// A frame of plain samples.
pub(super) struct Plain {
    pub(super) source: Arc<dyn RandomAccess>,
    /// Position of its first byte.
    pub(super) at: u64,
    pub(super) size: Dimensions,
    pub(super) samples: u16,
    pub(super) wide: bool,
    pub(super) planar: bool,
    pub(super) big_endian: bool,
}

impl Plain {
    /// Bytes of a frame with this header.
    pub(super) fn bytes(header: &Header) -> u64 {
        header.frame.area_px() * u64::from(header.samples) * u64::from(header.numbers.allocated / 8)
    }

    fn sample_bytes(&self) -> u64 {
        if self.wide { 2 } else { 1 }
    }

    /// The numbers of columns and rows, samples of a pixel together.
    pub(super) fn numbers(&self, part: Rect) -> Result<Vec<u16>, DecodeError> {
        let bytes = self.sample_bytes();
        let (planes, in_plane) = if self.planar { (u64::from(self.samples), 1) } else { (1, u64::from(self.samples)) };
        let step = planes as usize;
        let mut numbers = vec![0; part.area_px() as usize * usize::from(self.samples)];
        let row_bytes = u64::from(self.size.width_px) * in_plane * bytes;
        for plane in 0..planes {
            let plane_at = self.at + plane * row_bytes * u64::from(self.size.height_px);
            let ranges: Vec<_> = (part.y..part.y + part.h)
                .map(|y| {
                    let x_bytes = u64::from(part.x) * in_plane * bytes;
                    ByteRange::new(plane_at + u64::from(y) * row_bytes + x_bytes, u64::from(part.w) * in_plane * bytes)
                })
                .collect();
            let rows = self.source.read_ranges(&ranges).map_err(ended("its pixels"))?;
            let places = numbers.iter_mut().skip(plane as usize).step_by(step);
            if self.wide {
                let word = if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
                let values = rows.iter().flat_map(|row| row.as_chunks().0).map(|bytes| word(*bytes));
                places.zip(values).for_each(|(place, value)| *place = value);
            } else {
                let values = rows.iter().flatten().map(|byte| u16::from(*byte));
                places.zip(values).for_each(|(place, value)| *place = value);
            }
        }
        Ok(numbers)
    }
}

/// Rows of a region of a plain frame.
pub(super) struct PlainRows<'a> {
    pub(super) plain: Plain,
    pub(super) paint: Paint<'a>,
    pub(super) geometry: DecodedGeometry,
    pub(super) given: u32,
    pub(super) control: Control,
}

impl RowSource for PlainRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, pixels) = (self.geometry.rect, self.geometry.format);
        let stride = rect.w as usize * pixels.bytes_per_pixel();
        let rows = strip_rows(stride).min(rect.h - self.given);
        if rows == 0 {
            return Ok(None);
        }
        let numbers = self.plain.numbers(Rect::new(rect.x, rect.y + self.given, rect.w, rows))?;
        let mut data = Vec::with_capacity(stride * rows as usize);
        self.paint.put(&numbers, pixels, &mut data);
        if data.len() != stride * rows as usize {
            return Err(corrupt("its samples do not fit its pixels"));
        }
        self.given += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), pixels, data)))
    }
}
