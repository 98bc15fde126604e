//! Orientation, mirroring and quarter turns: the eight ways to lay a rectangle onto itself, as one value.

use std::fmt;

use recto_codec::{Orientation, PixelFormat, Raster};
use recto_iiif::image::{Mirror, Rotation};
use recto_iiif::{Dimensions, Rect};

use crate::EngineError;
use crate::rows::{Rows, piece_rows};

/// First transposed (rows become columns), then mirrored. Every orientation, quarter turn and mirroring is one of these
/// eight, and two in a row are one again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) transpose: bool,
    pub(crate) mirror_x: bool,
    pub(crate) mirror_y: bool,
}

impl Turn {
    const fn new(transpose: bool, mirror_x: bool, mirror_y: bool) -> Self {
        Self { transpose, mirror_x, mirror_y }
    }

    /// Stored pixels to shown pixels.
    pub(crate) const fn of_orientation(orientation: Orientation) -> Self {
        match orientation {
            Orientation::Normal => Self::new(false, false, false),
            Orientation::MirrorHorizontal => Self::new(false, true, false),
            Orientation::Rotate180 => Self::new(false, true, true),
            Orientation::MirrorVertical => Self::new(false, false, true),
            Orientation::Transpose => Self::new(true, false, false),
            Orientation::Rotate90 => Self::new(true, true, false),
            Orientation::Transverse => Self::new(true, true, true),
            Orientation::Rotate270 => Self::new(true, false, true),
        }
    }

    /// The orientation that is shown by this.
    pub(crate) const fn orientation(self) -> Orientation {
        match (self.transpose, self.mirror_x, self.mirror_y) {
            (false, false, false) => Orientation::Normal,
            (false, true, false) => Orientation::MirrorHorizontal,
            (false, true, true) => Orientation::Rotate180,
            (false, false, true) => Orientation::MirrorVertical,
            (true, false, false) => Orientation::Transpose,
            (true, true, false) => Orientation::Rotate90,
            (true, true, true) => Orientation::Transverse,
            (true, false, true) => Orientation::Rotate270,
        }
    }

    /// The mirroring and the quarter turns of a rotation, and the degrees that are left: mirroring alone for an angle that is no
    /// multiple of 90°.
    pub(crate) fn of_rotation(rotation: Rotation) -> (Self, Option<f64>) {
        let mirrored = Self::new(false, rotation.mirror == Mirror::Yes, false);
        match rotation.quarter_turns() {
            Some(turns) => {
                let turned = match turns {
                    1 => Self::new(true, true, false),
                    2 => Self::new(false, true, true),
                    3 => Self::new(true, false, true),
                    _ => Self::default(),
                };
                (mirrored.then(turned), None)
            }
            None => (mirrored, Some(rotation.degrees.0)),
        }
    }

    /// Both, one after the other.
    #[must_use]
    pub(crate) const fn then(self, next: Self) -> Self {
        let (x, y) = if next.transpose { (self.mirror_y, self.mirror_x) } else { (self.mirror_x, self.mirror_y) };
        Self::new(self.transpose != next.transpose, x != next.mirror_x, y != next.mirror_y)
    }

    /// True when nothing is to be done.
    pub(crate) const fn is_none(self) -> bool {
        !self.transpose && !self.mirror_x && !self.mirror_y
    }

    /// True when each row of the result comes from the same row: no picture needs to be held.
    pub(crate) const fn is_within_rows(self) -> bool {
        !self.transpose && !self.mirror_y
    }

    /// The size after it.
    pub(crate) const fn size(self, size: Dimensions) -> Dimensions {
        if self.transpose { size.transposed() } else { size }
    }

    /// The rectangle before it that becomes `rect` in an image that is `turned` large after it.
    pub(crate) fn undo(self, rect: Rect, turned: Dimensions) -> Rect {
        let x = if self.mirror_x { (u64::from(turned.width_px) - rect.right()) as u32 } else { rect.x };
        let y = if self.mirror_y { (u64::from(turned.height_px) - rect.bottom()) as u32 } else { rect.y };
        if self.transpose { Rect::new(y, x, rect.h, rect.w) } else { Rect::new(x, y, rect.w, rect.h) }
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.transpose, self.mirror_x, self.mirror_y) {
            (false, false, false) => "as it lies",
            (false, true, false) => "mirror",
            (false, true, true) => "rotate 180",
            (false, false, true) => "flip",
            (true, false, false) => "transpose",
            (true, true, false) => "rotate 90",
            (true, true, true) => "transverse",
            (true, false, true) => "rotate 270",
        })
    }
}

/// A picture that is filled with rows as they come and holds them turned.
pub(crate) struct TurnedRaster {
    turn: Turn,
    raster: Raster,
    next_row: u32,
    untouched: Dimensions,
}

impl TurnedRaster {
    pub(crate) fn new(size: Dimensions, format: PixelFormat, turn: Turn) -> Self {
        Self { turn, raster: Raster::zeroed(turn.size(size), format), next_row: 0, untouched: size }
    }

    /// Lays down the next rows of the picture before the turn.
    pub(crate) fn put(&mut self, rows: &Raster) {
        match self.raster.format().bytes_per_pixel() {
            1 => self.put_pixels::<1>(rows),
            2 => self.put_pixels::<2>(rows),
            3 => self.put_pixels::<3>(rows),
            4 => self.put_pixels::<4>(rows),
            6 => self.put_pixels::<6>(rows),
            _ => self.put_pixels::<8>(rows),
        }
        self.next_row += rows.height_px();
    }

    fn put_pixels<const N: usize>(&mut self, rows: &Raster) {
        let (width, height) = (self.raster.width_px() as usize, self.raster.height_px() as usize);
        let turn = self.turn;
        let first = self.next_row as usize;
        let (pixels, _) = self.raster.data_mut().as_chunks_mut::<N>();
        if !turn.transpose {
            for y in 0..rows.height_px() {
                let (row, _) = rows.row(y).as_chunks::<N>();
                let at = first + y as usize;
                let at = if turn.mirror_y { height - 1 - at } else { at };
                let target = &mut pixels[at * width..(at + 1) * width];
                target.copy_from_slice(row);
                if turn.mirror_x {
                    target.reverse();
                }
            }
            return;
        }
        // Rows become columns. Blocks of columns of the source (rows of the result) keep both sides in the cache.
        let (source, _) = rows.data().as_chunks::<N>();
        let (columns, count) = (rows.width_px() as usize, rows.height_px() as usize);
        for block in (0..columns).step_by(32) {
            for y in 0..count {
                let x_to = if turn.mirror_x { width - 1 - (first + y) } else { first + y };
                for x in block..(block + 32).min(columns) {
                    let y_to = if turn.mirror_y { height - 1 - x } else { x };
                    pixels[y_to * width + x_to] = source[y * columns + x];
                }
            }
        }
    }

    /// The turned picture, once all rows were put.
    pub(crate) fn finish(self) -> Result<Raster, EngineError> {
        if self.next_row == self.untouched.height_px {
            Ok(self.raster)
        } else {
            Err(EngineError::broken(format!("{} of {} rows came", self.next_row, self.untouched.height_px)))
        }
    }
}

/// A picture held whole, given out in pieces.
pub(crate) struct Held {
    picture: Raster,
    next_row: u32,
}

impl Held {
    pub(crate) fn new(picture: Raster) -> Self {
        Self { picture, next_row: 0 }
    }

    pub(crate) fn next_piece(&mut self) -> Option<Raster> {
        let size = self.picture.size();
        if self.next_row == size.height_px {
            return None;
        }
        let stride = self.picture.stride();
        let end = self.next_row.saturating_add(piece_rows(stride as u64)).min(size.height_px);
        let data = self.picture.data()[self.next_row as usize * stride..end as usize * stride].to_vec();
        let piece = Dimensions::new(size.width_px, end - self.next_row);
        self.next_row = end;
        Some(Raster::from_vec(piece, self.picture.format(), data))
    }
}

/// Rows of a picture that has to be held whole before its first row is known.
pub(crate) struct Turned<'a> {
    rows: Option<Box<dyn Rows + 'a>>,
    turn: Turn,
    size: Dimensions,
    format: PixelFormat,
    held: Option<Held>,
}

impl<'a> Turned<'a> {
    pub(crate) fn new(rows: Box<dyn Rows + 'a>, turn: Turn) -> Self {
        let (size, format) = (turn.size(rows.size()), rows.format());
        Self { rows: Some(rows), turn, size, format, held: None }
    }
}

impl Rows for Turned<'_> {
    fn size(&self) -> Dimensions {
        self.size
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError> {
        if let Some(mut rows) = self.rows.take() {
            let mut picture = TurnedRaster::new(rows.size(), rows.format(), self.turn);
            while let Some(strip) = rows.next_rows()? {
                picture.put(&strip);
            }
            self.held = Some(Held::new(picture.finish()?));
        }
        Ok(self.held.as_mut().and_then(Held::next_piece))
    }
}

/// Mirrors each row in place.
pub(crate) fn mirror_rows(mut rows: Raster) -> Raster {
    fn mirror<const N: usize>(row: &mut [u8]) {
        row.as_chunks_mut::<N>().0.reverse();
    }
    for y in 0..rows.height_px() {
        let bytes_per_pixel = rows.format().bytes_per_pixel();
        let row = rows.row_mut(y);
        match bytes_per_pixel {
            1 => mirror::<1>(row),
            2 => mirror::<2>(row),
            3 => mirror::<3>(row),
            4 => mirror::<4>(row),
            6 => mirror::<6>(row),
            _ => mirror::<8>(row),
        }
    }
    rows
}
