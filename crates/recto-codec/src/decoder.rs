//! The contract of every reader.

use std::sync::Arc;

use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

use crate::{ByteRange, Control, DecodeError, ImageFacts, Metadata, Orientation, PixelFormat, Raster};

/// Which pixels are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeRequest {
    /// Index into [`ImageFacts::levels`].
    pub level: usize,
    /// In pixels of that level as stored; inside it and not empty.
    pub region: Rect,
    /// Shrink while decoding by this: a power of two, at most [`ImageFacts::max_denominator`].
    pub denominator: u32,
}

/// What a read will cost, known before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Bytes read from the original.
    pub bytes_read: u64,
    /// Most bytes held at one time by the decoder, the strip that it hands out included.
    pub bytes_held: u64,
    /// Pixels that are decoded, wanted or not.
    pub pixels: u64,
}

/// Which pixels a [`RowSource`] really gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedGeometry {
    /// How they lie in memory.
    pub format: PixelFormat,
    /// The reduction made: the level is `ceil(level / denominator)` large. As asked, never more.
    pub denominator: u32,
    /// What is given, in pixels of the reduced level: the wanted region divided by the denominator, rounded outwards (and
    /// not a pixel more).
    pub rect: Rect,
}

impl DecodedGeometry {
    /// The rectangle that `wanted` gives on a level of `level` pixels.
    pub fn reduced_rect(wanted: &DecodeRequest, level: Dimensions) -> Rect {
        let reduced = level.reduced(wanted.denominator);
        let d = u64::from(wanted.denominator);
        let x = wanted.region.x / wanted.denominator;
        let y = wanted.region.y / wanted.denominator;
        let right = wanted.region.right().div_ceil(d).min(u64::from(reduced.width_px)) as u32;
        let bottom = wanted.region.bottom().div_ceil(d).min(u64::from(reduced.height_px)) as u32;
        Rect::new(x, y, right - x, bottom - y)
    }
}

/// Rows from top to bottom, in strips.
pub trait RowSource: Send {
    /// What it gives; fixed from the start.
    fn geometry(&self) -> DecodedGeometry;

    /// The next strip: at least one row, as wide as [`DecodedGeometry::rect`], of a height that suits the format;
    /// `None` when all rows were given. After an error no further call is made.
    ///
    /// # Errors
    /// What is wrong with the file, or that the work was cancelled.
    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError>;
}

/// A tile that can leave as it lies: the answer is `head` followed by the bytes at `body` in the original.
#[derive(Clone, Debug)]
pub struct StoredTile {
    /// What the tile is encoded as.
    pub format: Format,
    /// Its size in pixels.
    pub size: Dimensions,
    /// What goes before: start of image, tables, colour marker. Shared by all tiles of a level.
    pub head: Arc<[u8]>,
    /// Where the rest lies in the original.
    pub body: ByteRange,
}

/// A part of a level that is to leave as a JPEG without being decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutRequest {
    /// In pixels of that level as stored; inside it and not empty.
    pub region: Rect,
    /// How it is turned on the way, from stored to shown.
    pub turn: Orientation,
    /// Luma alone.
    pub gray: bool,
}

/// An open image (one page of a file). Immutable: many requests share it at once.
pub trait Decoder: Send + Sync {
    /// What the headers say.
    fn facts(&self) -> &ImageFacts;

    /// What [`Decoder::rows`] would cost. Does no input or output.
    fn cost(&self, wanted: &DecodeRequest) -> Cost;

    /// About how many bytes it holds while nobody decodes, beyond a few kilobytes and what the memo and the shelf hold for it.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// Begins to decode. `control` is asked at least once a strip, and within strips that take long.
    ///
    /// # Errors
    /// What is wrong with the file, or that the work was cancelled.
    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError>;

    /// What the file says beside its pixels, as it lies. Reads.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn metadata(&self) -> Result<Metadata, DecodeError> {
        Ok(Metadata::default())
    }

    /// The stored tile in this column and row of a level's grid, when it can leave as it lies: complete in itself, not padded,
    /// colours as a browser would understand them. Does no input or output.
    fn stored_tile(&self, _level: usize, _column: u32, _row: u32) -> Option<StoredTile> {
        None
    }

    /// True when [`Decoder::cut`] will give this part, as far as can be said without looking at its data. Does no input or output.
    fn can_cut(&self, _level: usize, _wanted: &CutRequest) -> bool {
        false
    }

    /// A part of a level as a complete JPEG, made of the stored coefficients: no decoding, no generation loss, no metadata.
    /// `None` when that cannot be done after all; then it is decoded.
    ///
    /// # Errors
    /// What is wrong with the stored data, or that the work was cancelled.
    fn cut(&self, _level: usize, _wanted: &CutRequest, _control: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        Ok(None)
    }

    /// Does now what would otherwise be done when the first part is asked for and may take seconds: an index, another form of
    /// the same data. To be called from where nobody waits. It may be called at any time, from any thread, and again: what is
    /// there is not made anew, what is under way is waited for, and what was cancelled is taken up by the next caller.
    ///
    /// # Errors
    /// That the work was cancelled, or the original could not be read. A damaged original is no error here.
    fn prepare(&self, _control: &Control) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Most bytes that [`Decoder::prepare`] holds at one time, about; 0 for a few megabytes. Does no input or output.
    fn preparing_bytes(&self) -> u64 {
        0
    }

    /// True when [`Decoder::prepare`] will pay, after what was asked so far. Does no input or output.
    fn is_worth_preparing(&self) -> bool {
        false
    }

    /// The whole image as one complete file in the given format, without metadata that must not leave (orientation,
    /// thumbnails, location), when the stored bytes can serve as such.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn stored_whole(&self, _format: Format) -> Result<Option<Vec<u8>>, DecodeError> {
        Ok(None)
    }
}

/// Reads everything that `wanted` names into one block.
///
/// # Errors
/// What is wrong with the file, or that the work was cancelled.
pub fn read_raster(
    decoder: &dyn Decoder,
    wanted: &DecodeRequest,
    control: &Control,
) -> Result<(Raster, DecodedGeometry), DecodeError> {
    let mut rows = decoder.rows(wanted, control)?;
    let geometry = rows.geometry();
    let expected = geometry.rect.area_px() as usize * geometry.format.bytes_per_pixel();
    let mut data = Vec::with_capacity(expected);
    while let Some(strip) = rows.next_strip()? {
        data.extend_from_slice(strip.data());
    }
    debug_assert_eq!(data.len(), expected, "a row source gives all its rows");
    data.resize(expected, 0);
    Ok((Raster::from_vec(geometry.rect.dimensions(), geometry.format, data), geometry))
}
