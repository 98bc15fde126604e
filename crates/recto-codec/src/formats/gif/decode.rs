//! Reading GIF: rows come out of the LZW stream one by one; what lies below the region is not decoded.

use std::sync::Arc;

use gif::DecodingError;
use recto_iiif::{Dimensions, Rect};

use super::super::exif;
use super::super::held::{HeldRows, check_held, check_page, check_size, strip_bytes, strip_rows, unreduced};
use super::super::reader::{BUFFER_BYTES, SourceReader};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// The LZW table and the reader's own buffers.
const LZW_BYTES: u64 = 128 * 1024;
/// First row and step of the four passes of an interlaced frame.
const PASSES: [(u32, u32); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"GIF87a") || first.starts_with(b"GIF89a")
}

/// Opens the first frame.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let (decoder, frame) = first_frame(&source)?;
    let mut size = Dimensions::new(decoder.width().into(), decoder.height().into());
    if size.is_empty() {
        // Some writers leave the canvas empty and mean the frame.
        size = Dimensions::new(u32::from(frame.rect.right() as u16), u32::from(frame.rect.bottom() as u16));
    }
    check_size(size, SourceFormat::Gif, options)?;
    let covered = frame.rect.intersection(size.rect()) == Some(size.rect());
    let has_alpha = frame.transparent.is_some() || !covered;
    let facts = ImageFacts {
        source_format: SourceFormat::Gif,
        compression: if frame.interlaced { "LZW, interlaced" } else { "LZW" }.to_owned(),
        levels: vec![Level { size, grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: decoder.xmp_metadata().and_then(exif::xmp_orientation).unwrap_or(Orientation::Normal),
        color: ColorModel::Rgb,
        bits_per_sample: 8,
        has_alpha,
        icc: decoder.icc_profile().map(Arc::from),
        dpi: None,
    };
    Ok(Box::new(GifDecoder { source, facts, frame, max_bytes: options.max_bytes }))
}

/// What must be known of the first frame.
struct FirstFrame {
    /// Where it lies on the canvas; it may reach beyond it.
    rect: Rect,
    interlaced: bool,
    transparent: Option<u8>,
    palette: Vec<[u8; 3]>,
}

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Gif, what: what.into() }
}

fn failed(error: DecodingError, place: &str) -> DecodeError {
    match error {
        DecodingError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => DecodeError::Io(error),
        DecodingError::Io(_) | DecodingError::UnexpectedEof => corrupt(format!("it ends {place}")),
        error => corrupt(format!("{place} ({error})")),
    }
}

fn first_frame(source: &Arc<dyn RandomAccess>) -> Result<(gif::Decoder<SourceReader>, FirstFrame), DecodeError> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    options.allow_unknown_blocks(true);
    let reader = SourceReader::new(Arc::clone(source));
    let mut decoder = options.read_info(reader).map_err(|error| failed(error, "in its header"))?;
    let frame = decoder
        .next_frame_info()
        .map_err(|error| failed(error, "before its first frame"))?
        .ok_or_else(|| corrupt("it has no frame"))?;
    let rect = Rect::new(frame.left.into(), frame.top.into(), frame.width.into(), frame.height.into());
    let (interlaced, transparent) = (frame.interlaced, frame.transparent);
    if rect.w == 0 || rect.h == 0 {
        return Err(corrupt("its first frame is empty"));
    }
    let palette = decoder.palette().map_err(|error| failed(error, "before its first frame"))?;
    let palette = palette.as_chunks().0.to_vec();
    Ok((decoder, FirstFrame { rect, interlaced, transparent, palette }))
}

struct GifDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    frame: FirstFrame,
    max_bytes: u64,
}

impl GifDecoder {
    fn pixels(&self) -> PixelFormat {
        if self.facts.has_alpha { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 }
    }
}

impl Decoder for GifDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let (frame, region) = (self.frame.rect, wanted.region);
        let rows = if self.frame.interlaced {
            u64::from(frame.h)
        } else {
            region.bottom().saturating_sub(frame.y.into()).min(frame.h.into())
        };
        let region_bytes = region.area_px() * self.pixels().bytes_per_pixel() as u64;
        let held = if self.frame.interlaced { region_bytes } else { 0 };
        Cost {
            bytes_read: self.source.len(),
            bytes_held: held
                + strip_bytes(region.w, region.h, self.pixels())
                + u64::from(frame.w)
                + LZW_BYTES
                + 2 * BUFFER_BYTES as u64,
            pixels: (rows * u64::from(frame.w)).max(region.area_px()),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Gif)?;
        let (reader, _) = first_frame(&self.source)?;
        let row = vec![0; self.frame.rect.w as usize];
        let mut rows = GifRows {
            decoder: self,
            reader,
            geometry,
            row,
            decoded: 0,
            next: wanted.region.y,
            control: control.clone(),
        };
        if !self.frame.interlaced {
            return Ok(Box::new(rows));
        }
        let raster = rows.read_interlaced()?;
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}

struct GifRows<'a> {
    decoder: &'a GifDecoder,
    reader: gif::Decoder<SourceReader>,
    geometry: DecodedGeometry,
    /// One row of the frame, as indexes.
    row: Vec<u8>,
    /// Rows of the frame that were decoded.
    decoded: u32,
    /// The row of the canvas that is given next.
    next: u32,
    control: Control,
}

impl GifRows<'_> {
    fn read_row(&mut self) -> Result<(), DecodeError> {
        if self.decoded.is_multiple_of(64) {
            self.control.check()?;
        }
        let place = || format!("in row {} of its first frame", self.decoded);
        match self.reader.fill_buffer(&mut self.row) {
            Ok(true) => {}
            Ok(false) => return Err(corrupt(format!("it ends {}", place()))),
            Err(error) => return Err(failed(error, &place())),
        }
        self.decoded += 1;
        Ok(())
    }

    /// Writes the part of the current frame row that the region wants into `out`, a row of the region.
    fn paint(&self, out: &mut [u8]) {
        let (frame, rect) = (&self.decoder.frame, self.geometry.rect);
        let bytes = self.geometry.format.bytes_per_pixel();
        let (first, end) = (frame.rect.x.max(rect.x), frame.rect.right().min(rect.right()) as u32);
        for x in first..end {
            let index = self.row[(x - frame.rect.x) as usize];
            if Some(index) == frame.transparent {
                continue;
            }
            let at = (x - rect.x) as usize * bytes;
            let color = frame.palette.get(usize::from(index)).copied().unwrap_or_default();
            out[at..at + 3].copy_from_slice(&color);
            if let Some(alpha) = out.get_mut(at + 3).filter(|_| bytes == 4) {
                *alpha = 255;
            }
        }
    }

    fn read_interlaced(&mut self) -> Result<Raster, DecodeError> {
        let (frame, rect) = (self.decoder.frame.rect, self.geometry.rect);
        let mut raster = Raster::zeroed(rect.dimensions(), self.geometry.format);
        for (first, step) in PASSES {
            for row in (first..frame.h).step_by(step as usize) {
                self.read_row()?;
                let y = u64::from(frame.y) + u64::from(row);
                if (u64::from(rect.y)..rect.bottom()).contains(&y) {
                    self.paint(raster.row_mut((y - u64::from(rect.y)) as u32));
                }
            }
        }
        Ok(raster)
    }
}

impl RowSource for GifRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (frame, rect) = (self.decoder.frame.rect, self.geometry.rect);
        let stride = rect.w as usize * self.geometry.format.bytes_per_pixel();
        let rows = u64::from(strip_rows(stride)).min(rect.bottom() - u64::from(self.next)) as u32;
        if rows == 0 {
            return Ok(None);
        }
        let mut strip = Raster::zeroed(Dimensions::new(rect.w, rows), self.geometry.format);
        for y in 0..rows {
            let canvas_y = u64::from(self.next);
            self.next += 1;
            if canvas_y < u64::from(frame.y) || canvas_y >= frame.bottom() {
                continue;
            }
            while u64::from(frame.y) + u64::from(self.decoded) <= canvas_y {
                self.read_row()?;
            }
            self.paint(strip.row_mut(y));
        }
        Ok(Some(strip))
    }
}
