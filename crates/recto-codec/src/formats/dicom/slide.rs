//! Whole slides: frames are the tiles of one level. (Each level of a slide is a file of its own.)

use std::collections::HashMap;
use std::sync::Arc;

use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

use super::decode::{File, Frame};
use super::header::{Packing, Photometric};
use super::packed::{JPEG_HEAD_BYTES, JpegFrame, head};
use super::{corrupt, ended, unsupported};
use crate::formats::held::{check_held, unreduced};
use crate::{
    ByteRange, ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level,
    Memo, Orientation, PixelFormat, Raster, RowSource, SourceFormat, StoredTile, TileGrid, read_raster,
};

/// What decoding a tile takes beside its pixels.
const FIXED_BYTES: u64 = 2 << 20;

/// Opens the slide that frames make.
pub(super) fn open(mut file: File, control: &Control) -> Result<Box<dyn Decoder>, DecodeError> {
    // Each tile is opened anew and has a number of its own in a memo: what is remembered of it is never found again.
    file.options.memo = Arc::new(Memo::new(1));
    let header = &file.header;
    let (tile, size) = (header.frame, header.slide.unwrap_or(header.frame));
    let columns = size.width_px.div_ceil(tile.width_px);
    let rows = size.height_px.div_ceil(tile.height_px);
    let places = if header.positions.is_empty() {
        let needed = u64::from(columns) * u64::from(rows);
        if u64::from(header.frames) < needed {
            return Err(corrupt(format!("its {} tiles do not fill {columns} by {rows}", header.frames)));
        }
        None
    } else {
        Some(places(&header.positions, tile)?)
    };
    file.header.positions = Vec::new();
    let frame = Frame::open(&file, 0, control)?;
    let pixels = frame.pixels;
    let stored_head = stored_head(&file, pixels, control)?;
    let header = &file.header;
    let facts = ImageFacts {
        source_format: SourceFormat::Dicom,
        compression: format!("{}, tiled {tile}", header.packing.name()),
        levels: vec![Level { size, grid: Some(TileGrid { tile, passes_through: stored_head.is_some() }) }],
        max_denominator: 1,
        pages: 1,
        orientation: Orientation::Normal,
        color: if pixels.samples() == 1 { ColorModel::Gray } else { ColorModel::Rgb },
        bits_per_sample: if pixels.bytes_per_sample() == 2 { 16 } else { 8 },
        has_alpha: false,
        icc: header.icc.clone(),
        dpi: None,
    };
    Ok(Box::new(Slide { file, facts, places, columns, tile, pixels, stored_head }))
}

/// The frame of each column and row, where tiles may be missing.
fn places(positions: &[(u32, u32)], tile: Dimensions) -> Result<HashMap<(u32, u32), u32>, DecodeError> {
    let mut places = HashMap::with_capacity(positions.len());
    for (frame, (x, y)) in (0..).zip(positions) {
        let (Some(x), Some(y)) = (x.checked_sub(1), y.checked_sub(1)) else {
            return Err(corrupt("a tile lies before the first column or row"));
        };
        if !x.is_multiple_of(tile.width_px) || !y.is_multiple_of(tile.height_px) {
            return Err(unsupported("tiles that overlap or leave gaps"));
        }
        places.entry((x / tile.width_px, y / tile.height_px)).or_insert(frame);
    }
    Ok(places)
}

/// What goes before each tile, when tiles can leave as they lie.
fn stored_head(file: &File, pixels: PixelFormat, control: &Control) -> Result<Option<Arc<[u8]>>, DecodeError> {
    let header = &file.header;
    let [piece] = *file.frames.pieces(0) else { return Ok(None) };
    if header.packing != Packing::Jpeg {
        return Ok(None);
    }
    let first = ByteRange::new(piece.offset, piece.length.min(JPEG_HEAD_BYTES));
    let first = file.source.read_range(first).map_err(ended("a tile"))?;
    let Some(frame) = JpegFrame::find(&first) else { return Ok(None) };
    let colors = match header.photometric {
        Photometric::Gray { .. } => frame.components == 1 && file.shades(control)?.is_identity(),
        _ => frame.components == 3,
    };
    let passes = colors
        && pixels.bytes_per_sample() == 1
        && frame.precision == 8
        && matches!(frame.marker, 0xc0..=0xc2)
        && Dimensions::new(frame.width_px.into(), frame.height_px.into()) == header.frame;
    Ok(passes.then(|| head(header, &first).into()))
}

struct Slide {
    file: File,
    facts: ImageFacts,
    places: Option<HashMap<(u32, u32), u32>>,
    columns: u32,
    tile: Dimensions,
    pixels: PixelFormat,
    stored_head: Option<Arc<[u8]>>,
}

impl Slide {
    fn frame(&self, column: u32, row: u32) -> Option<u32> {
        match &self.places {
            Some(places) => places.get(&(column, row)).copied(),
            None => row.checked_mul(self.columns)?.checked_add(column),
        }
    }

    /// A tile's part of a region, put into its strip. What no tile covers stays as it is.
    fn put(
        &self,
        column: u32,
        row: u32,
        strip_rect: Rect,
        strip: &mut Raster,
        control: &Control,
    ) -> Result<(), DecodeError> {
        let Some(index) = self.frame(column, row) else { return Ok(()) };
        let (x, y) = (column * self.tile.width_px, row * self.tile.height_px);
        let place = Rect::new(x, y, self.tile.width_px, self.tile.height_px);
        let Some(part) = place.intersection(strip_rect) else { return Ok(()) };
        let frame = Frame::open(&self.file, index, control)?;
        if frame.pixels != self.pixels {
            return Err(unsupported("tiles of several kinds"));
        }
        let region = Rect::new(part.x - x, part.y - y, part.w, part.h);
        let wanted = DecodeRequest { level: 0, region, denominator: 1 };
        let decoder = Tile { file: &self.file, frame: &frame, index, facts: &self.facts };
        let (pixels, _) = read_raster(&decoder, &wanted, control)?;
        let bytes = self.pixels.bytes_per_pixel();
        let at = (part.x - strip_rect.x) as usize * bytes;
        for line in 0..part.h {
            let target = strip.row_mut(part.y - strip_rect.y + line);
            target[at..at + pixels.stride()].copy_from_slice(pixels.row(line));
        }
        Ok(())
    }
}

/// A frame as a decoder, to be read whole.
struct Tile<'a> {
    file: &'a File,
    frame: &'a Frame,
    index: u32,
    facts: &'a ImageFacts,
}

impl Decoder for Tile<'_> {
    fn facts(&self) -> &ImageFacts {
        self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        self.frame.cost(self.file, self.index, wanted)
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        self.frame.rows(self.file, self.index, wanted, control)
    }
}

impl Decoder for Slide {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let (region, bytes) = (wanted.region, self.pixels.bytes_per_pixel() as u64);
        let span = |start: u32, length: u32, tile: u32| {
            let first = start / tile;
            (u64::from(start) + u64::from(length)).div_ceil(u64::from(tile)) - u64::from(first)
        };
        let tiles = span(region.x, region.w, self.tile.width_px) * span(region.y, region.h, self.tile.height_px);
        let tile = self.tile.area_px();
        let packed = self.file.frames.pieces(0).iter().map(|piece| piece.length).sum::<u64>();
        Cost {
            bytes_read: tiles.saturating_mul(packed.max(tile / 4)),
            // The strip; a tile packed, as numbers, and as pixels.
            bytes_held: u64::from(region.w) * u64::from(region.h.min(self.tile.height_px)) * bytes
                + tile * bytes * 8
                + FIXED_BYTES,
            pixels: tiles.saturating_mul(tile),
        }
    }

    fn held_bytes(&self) -> u64 {
        // A place, with what a table of them leaves free.
        let places = self.places.as_ref().map_or(0, |places| places.capacity() * 2 * size_of::<(u32, u32, u32)>());
        self.file.held_bytes().saturating_add(places as u64)
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels, wanted);
        check_held(self.cost(wanted).bytes_held, self.file.options.max_bytes, SourceFormat::Dicom)?;
        Ok(Box::new(SlideRows { slide: self, geometry, next: wanted.region.y, control: control.clone() }))
    }

    fn stored_tile(&self, level: usize, column: u32, row: u32) -> Option<StoredTile> {
        let head = self.stored_head.as_ref()?;
        let size = self.facts.stored_size();
        let complete = |index: u32, tile: u32, size: u32| (u64::from(index) + 1) * u64::from(tile) <= u64::from(size);
        let inside =
            complete(column, self.tile.width_px, size.width_px) && complete(row, self.tile.height_px, size.height_px);
        if level != 0 || !inside {
            return None;
        }
        let [piece] = *self.file.frames.pieces(self.frame(column, row)?) else { return None };
        // The start of the stream is in the head.
        let body = ByteRange::new(piece.offset.checked_add(2)?, piece.length.checked_sub(2)?);
        Some(StoredTile { format: Format::Jpg, size: self.tile, head: Arc::clone(head), body })
    }
}

struct SlideRows<'a> {
    slide: &'a Slide,
    geometry: DecodedGeometry,
    next: u32,
    control: Control,
}

impl RowSource for SlideRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, tile) = (self.geometry.rect, self.slide.tile);
        if u64::from(self.next) >= rect.bottom() {
            return Ok(None);
        }
        let row = self.next / tile.height_px;
        let end = (u64::from(row) + 1) * u64::from(tile.height_px);
        let strip_rect = Rect::new(rect.x, self.next, rect.w, (end.min(rect.bottom()) - u64::from(self.next)) as u32);
        let mut strip = Raster::zeroed(strip_rect.dimensions(), self.geometry.format);
        // Where no tile was scanned there is glass.
        strip.data_mut().fill(0xff);
        let columns = rect.x / tile.width_px..=((rect.right() - 1) / u64::from(tile.width_px)) as u32;
        for column in columns {
            self.control.check()?;
            self.slide.put(column, row, strip_rect, &mut strip, &self.control)?;
        }
        self.next += strip_rect.h;
        Ok(Some(strip))
    }
}
