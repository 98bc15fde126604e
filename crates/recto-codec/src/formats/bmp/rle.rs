//! Run lengths of bitmaps. They lead from the first stored row to the last, and only the region is kept.

use std::io::Read;
use std::sync::Arc;

use recto_iiif::Rect;

use super::header::{Header, Storage};
use crate::formats::reader::SourceReader;
use crate::{Control, DecodeError, RandomAccess, Raster, SourceFormat};

/// Decodes `region`. Pixels that no run reaches have the first colour of the table.
pub(super) fn read(
    source: Arc<dyn RandomAccess>,
    header: &Header,
    region: Rect,
    control: &Control,
) -> Result<Raster, DecodeError> {
    let mut reader = SourceReader::new(source);
    std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(header.pixels_at))?;
    let mut canvas = Canvas::new(header, region);
    let mut codes = Codes { reader, ends_in: 0 };
    let last_row = canvas.last_stored_row();
    let mut steps = 0u32;
    while canvas.y <= last_row {
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(4096) {
            control.check()?;
        }
        codes.ends_in = canvas.y;
        match codes.pair()? {
            [0, 0] => canvas.next_row(),
            [0, 1] => break,
            [0, 2] => {
                let [right, up] = codes.pair()?;
                canvas.x += u64::from(right);
                canvas.y += u64::from(up);
            }
            [0, count] => codes.literal(header.storage, count, &mut canvas)?,
            [count, value] => {
                let (first, second) = pixels_of(header.storage, value);
                for i in 0..count {
                    canvas.put(if i % 2 == 0 { first } else { second });
                }
            }
        }
    }
    Ok(canvas.raster)
}

/// The two pixels that a byte stands for; with 8 bits both are the same one.
fn pixels_of(storage: Storage, value: u8) -> (u8, u8) {
    if storage == Storage::Rle4 { (value >> 4, value & 15) } else { (value, value) }
}

struct Codes {
    reader: SourceReader,
    ends_in: u64,
}

impl Codes {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => DecodeError::Corrupt {
                format: SourceFormat::Bmp,
                what: format!("it ends in stored row {}", self.ends_in),
            },
            _ => DecodeError::Io(error),
        })
    }

    fn pair(&mut self) -> Result<[u8; 2], DecodeError> {
        let mut pair = [0; 2];
        self.fill(&mut pair)?;
        Ok(pair)
    }

    /// `count` pixels as they are, padded to two bytes.
    fn literal(&mut self, storage: Storage, count: u8, canvas: &mut Canvas<'_>) -> Result<(), DecodeError> {
        let count = usize::from(count);
        let bytes = if storage == Storage::Rle4 { count.div_ceil(2) } else { count };
        let mut buffer = [0; 256];
        let padded = &mut buffer[..bytes.next_multiple_of(2)];
        self.fill(padded)?;
        for i in 0..count {
            let index = match storage {
                Storage::Rle4 => {
                    let (first, second) = pixels_of(storage, padded[i / 2]);
                    if i % 2 == 0 { first } else { second }
                }
                _ => padded[i],
            };
            canvas.put(index);
        }
        Ok(())
    }
}

/// Where the next pixel goes, and the part that is kept.
struct Canvas<'a> {
    header: &'a Header,
    region: Rect,
    raster: Raster,
    x: u64,
    y: u64,
    sample: Vec<u8>,
}

impl<'a> Canvas<'a> {
    fn new(header: &'a Header, region: Rect) -> Self {
        let format = header.packing.pixel_format();
        let mut background = Vec::new();
        header.packing.push_index(0, &mut background);
        let data = background.repeat(region.area_px() as usize);
        let raster = Raster::from_vec(region.dimensions(), format, data);
        Self { header, region, raster, x: 0, y: 0, sample: background }
    }

    /// The last stored row that the region needs.
    fn last_stored_row(&self) -> u64 {
        if self.header.top_down {
            self.region.bottom() - 1
        } else {
            u64::from(self.header.size.height_px - 1 - self.region.y)
        }
    }

    fn next_row(&mut self) {
        self.x = 0;
        self.y += 1;
    }

    /// Runs beyond the right edge are cut there, as everyone does.
    fn put(&mut self, index: u8) {
        let height = u64::from(self.header.size.height_px);
        let (x, stored_y) = (self.x, self.y);
        self.x += 1;
        if stored_y >= height {
            return;
        }
        let y = if self.header.top_down { stored_y } else { height - 1 - stored_y };
        let region = self.region;
        if x < u64::from(region.x) || x >= region.right() || y < u64::from(region.y) || y >= region.bottom() {
            return;
        }
        self.sample.clear();
        self.header.packing.push_index(index, &mut self.sample);
        let at = (x - u64::from(region.x)) as usize * self.sample.len();
        let row = self.raster.row_mut((y - u64::from(region.y)) as u32);
        row[at..at + self.sample.len()].copy_from_slice(&self.sample);
    }
}
