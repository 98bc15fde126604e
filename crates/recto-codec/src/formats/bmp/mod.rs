//! Windows bitmaps: rows lie at known places, so a region reads only its own bytes.

mod header;
mod pixels;
mod rle;

use std::sync::Arc;

use recto_iiif::Dimensions;

use self::header::{Header, Storage};
use super::held::{HeldRows, check_held, check_page, check_size, strip_bytes, strip_rows, unreduced};
use crate::{
    ByteRange, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Where the rows of a strip lie, for at most 256 of them.
const BOOKKEEPING_BYTES: u64 = 32 * 1024;

/// Does a file that begins so look like it? `BM` alone begins many a text, hence the look at the second header.
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"BM") && first.get(14..18).is_some_and(|size| matches!(size, [12..=124, 0, 0, 0]))
}

/// Opens the image.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let header = Header::read(source.as_ref())?;
    check_size(header.size, SourceFormat::Bmp, options)?;
    let facts = ImageFacts {
        source_format: SourceFormat::Bmp,
        compression: header.compression_name().to_owned(),
        levels: vec![Level { size: header.size, grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: Orientation::Normal,
        color: header.packing.color_model(),
        bits_per_sample: header.packing.bits_per_sample(),
        has_alpha: header.packing.pixel_format().has_alpha(),
        icc: header.icc.clone(),
        dpi: header.dpi,
    };
    Ok(Box::new(BmpDecoder { source, facts, header, max_bytes: options.max_bytes }))
}

struct BmpDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    header: Header,
    max_bytes: u64,
}

impl BmpDecoder {
    /// The stored row that shows as row `y`.
    fn stored_row(&self, y: u32) -> u64 {
        u64::from(if self.header.top_down { y } else { self.header.size.height_px - 1 - y })
    }

    /// Where the bytes of columns `x..right` of row `y` lie.
    fn row_range(&self, y: u32, x: u32, right: u64) -> Option<ByteRange> {
        let bits = u64::from(self.header.packing.bits_per_pixel());
        let first = u64::from(x) * bits / 8;
        let end = (right * bits).div_ceil(8);
        let start = self.stored_row(y).checked_mul(self.header.row_bytes())?.checked_add(self.header.pixels_at)?;
        Some(ByteRange::new(start.checked_add(first)?, end - first))
    }
}

impl Decoder for BmpDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let (region, format) = (wanted.region, self.header.packing.pixel_format());
        let strip = strip_bytes(region.w, region.h, format);
        if self.header.storage == Storage::Rows {
            let stored = region.area_px() * u64::from(self.header.packing.bits_per_pixel()) / 8 + u64::from(region.h);
            // What is read for a strip may be whole stored rows, while the strip holds only the region.
            let read_strip =
                2 * strip * u64::from(self.header.packing.bits_per_pixel()) / 8 + 2 * self.header.row_bytes();
            return Cost {
                bytes_read: (2 * stored).min(self.source.len()),
                bytes_held: strip + read_strip + BOOKKEEPING_BYTES,
                pixels: region.area_px(),
            };
        }
        Cost {
            bytes_read: self.source.len(),
            bytes_held: region.area_px() * format.bytes_per_pixel() as u64
                + strip
                + 2 * super::reader::BUFFER_BYTES as u64,
            pixels: self.header.size.area_px(),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.header.packing.pixel_format(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Bmp)?;
        if self.header.storage == Storage::Rows {
            return Ok(Box::new(BmpRows { decoder: self, geometry, next: wanted.region.y, control: control.clone() }));
        }
        let raster = rle::read(Arc::clone(&self.source), &self.header, wanted.region, control)?;
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}

struct BmpRows<'a> {
    decoder: &'a BmpDecoder,
    geometry: DecodedGeometry,
    next: u32,
    control: Control,
}

impl BmpRows<'_> {
    fn ends_in(y: u32) -> impl Fn(std::io::Error) -> DecodeError {
        move |error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                DecodeError::Corrupt { format: SourceFormat::Bmp, what: format!("it ends in or near row {y}") }
            }
            _ => DecodeError::Io(error),
        }
    }
}

impl RowSource for BmpRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, format) = (self.geometry.rect, self.geometry.format);
        let stride = rect.w as usize * format.bytes_per_pixel();
        let rows = u64::from(strip_rows(stride)).min(rect.bottom() - u64::from(self.next)) as u32;
        if rows == 0 {
            return Ok(None);
        }
        let ranges = (self.next..self.next + rows)
            .map(|y| self.decoder.row_range(y, rect.x, rect.right()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Self::ends_in(self.next)(std::io::ErrorKind::UnexpectedEof.into()))?;
        let stored = read_rows(self.decoder.source.as_ref(), &ranges).map_err(Self::ends_in(self.next))?;
        let mut data = Vec::with_capacity(rows as usize * stride);
        for row in stored.rows() {
            self.decoder.header.packing.unpack(row, rect.x, rect.w, &mut data);
        }
        self.next += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), format, data)))
    }
}

/// The bytes of several rows, read together or apart.
enum StoredRows {
    /// One block from the first byte to the last, and where each row begins in it.
    Together { block: Vec<u8>, starts: Vec<usize>, length: usize },
    /// One block a row.
    Apart(Vec<Vec<u8>>),
}

impl StoredRows {
    fn rows(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::Together { block, starts, length } => {
                Box::new(starts.iter().map(move |&start| &block[start..start + length]))
            }
            Self::Apart(rows) => Box::new(rows.iter().map(Vec::as_slice)),
        }
    }
}

/// Reads equally long ranges: at once where what lies between them is not more than they are.
fn read_rows(source: &dyn RandomAccess, ranges: &[ByteRange]) -> std::io::Result<StoredRows> {
    let first = ranges.iter().map(|range| range.offset).min().unwrap_or(0);
    let end = ranges.iter().filter_map(|range| range.end()).max().unwrap_or(0);
    let length = ranges.first().map_or(0, |range| range.length);
    if end - first > 2 * length * ranges.len() as u64 {
        return Ok(StoredRows::Apart(source.read_ranges(ranges)?));
    }
    let block = source.read_range(ByteRange::new(first, end - first))?;
    let starts = ranges.iter().map(|range| (range.offset - first) as usize).collect();
    Ok(StoredRows::Together { block, starts, length: length as usize })
}
