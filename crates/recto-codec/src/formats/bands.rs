//! Rows that were decoded once and are remembered for the next tile.
//!
//! A file in rows or strips gives a tile only together with everything beside it, and often with everything above it. A viewer asks
//! for dozens of tiles of a page within a second: so full rows are kept in the [`Memo`], in bands, and neighbours are cut from them.
//!
//! ```text
//!   |······|······|······|  band 0   passed on the way: kept where the whole image has room
//!   |······|###### ······|  band 1   wanted: kept
//!   |······|###### ······|  band 2   wanted: kept
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use crate::{Control, DecodeError, DecodedGeometry, Memo, MemoKey, PixelFormat, Raster, RowSource};

/// Bytes of a band.
const BAND_BYTES: u64 = 1 << 20;
/// Images with fewer bytes are decoded again as quickly as they are found.
const SMALL: u64 = 4 << 20;
/// Part numbers of bands begin here; a decoder's other parts have smaller ones.
const FIRST_PART: u64 = 1 << 32;

/// The bands of one level of an open image.
#[derive(Clone, Debug)]
pub(crate) struct Bands {
    memo: Arc<Memo>,
    image: u64,
    level: usize,
    size: Dimensions,
    format: PixelFormat,
    rows: u32,
}

impl Bands {
    /// Bands of `level`; `None` where they do not pay.
    pub(crate) fn new(
        memo: &Arc<Memo>,
        image: u64,
        level: usize,
        size: Dimensions,
        format: PixelFormat,
    ) -> Option<Self> {
        let stride = u64::from(size.width_px) * format.bytes_per_pixel() as u64;
        let bytes = stride.saturating_mul(u64::from(size.height_px));
        let rows = (BAND_BYTES / stride.max(1)).clamp(1, 256) as u32;
        let fits = stride * u64::from(rows) <= memo.max_bytes() / 16;
        (bytes >= SMALL && fits).then(|| Self { memo: Arc::clone(memo), image, level, size, format, rows })
    }

    /// True when a request for `region_width` columns is for a tile, and not for the whole.
    pub(crate) fn pay_for(&self, region_width: u32, region_height: u32) -> bool {
        let area = u64::from(region_width) * u64::from(region_height);
        region_width <= self.size.width_px / 2 && area <= self.size.area_px() / 4
    }

    /// Bytes that a reader through bands holds beside what decoding holds.
    pub(crate) fn held_bytes(&self) -> u64 {
        2 * u64::from(self.rows) * u64::from(self.size.width_px) * self.format.bytes_per_pixel() as u64
    }

    /// True when all of the image has room among all that is remembered.
    fn all_fit(&self) -> bool {
        let bytes = self.size.area_px().saturating_mul(self.format.bytes_per_pixel() as u64);
        bytes <= self.memo.max_bytes() / 4 * 3
    }

    fn key(&self, band: u32) -> MemoKey {
        MemoKey { image: self.image, part: FIRST_PART + ((self.level as u64) << 33) + u64::from(band) }
    }

    fn get(&self, band: u32) -> Option<Arc<Raster>> {
        self.memo.get(self.key(band))
    }

    fn keep(&self, band: u32, raster: &Arc<Raster>) {
        self.memo.insert(self.key(band), Arc::clone(raster), raster.data().len() as u64);
    }

    /// The rows of a band.
    fn span(&self, band: u32) -> std::ops::Range<u32> {
        let first = band * self.rows;
        first..first.saturating_add(self.rows).min(self.size.height_px)
    }
}

/// Begins to decode a region. For whole rows it may begin above the region's first: it gives the row where it begins.
pub(crate) type Begin<'a> = Box<dyn Fn(Rect) -> Result<(u32, Box<dyn RowSource + 'a>), DecodeError> + Send + 'a>;

/// A region cut from bands; those that are not remembered are decoded.
pub(crate) struct BandRows<'a> {
    bands: Bands,
    geometry: DecodedGeometry,
    begin: Begin<'a>,
    control: Control,
    /// The next row to give.
    next: u32,
    /// Full rows that are being decoded, and the row that comes next from them.
    running: Option<(u32, Box<dyn RowSource + 'a>)>,
    /// Strips that were decoded and not used up, from `running`'s row backwards.
    ahead: VecDeque<Raster>,
    /// The rest of the region by itself: a band reaches into a damaged part, the region may not.
    plain: Option<Box<dyn RowSource + 'a>>,
}

impl<'a> BandRows<'a> {
    pub(crate) fn new(bands: Bands, geometry: DecodedGeometry, begin: Begin<'a>, control: &Control) -> Self {
        let next = geometry.rect.y;
        Self {
            bands,
            geometry,
            begin,
            control: control.clone(),
            next,
            running: None,
            ahead: VecDeque::new(),
            plain: None,
        }
    }

    fn band(&mut self, band: u32) -> Result<Arc<Raster>, DecodeError> {
        if let Some(found) = self.bands.get(band) {
            return Ok(found);
        }
        let wanted = self.bands.span(band);
        let behind = self.running.as_ref().is_none_or(|(next, _)| *next > wanted.start);
        if behind {
            let size = self.bands.size;
            let below = Rect::new(0, wanted.start, size.width_px, size.height_px - wanted.start);
            self.running = Some((self.begin)(below)?);
            self.ahead.clear();
        }
        loop {
            let position = self.running.as_ref().map_or(0, |(next, _)| *next);
            let passing = position / self.bands.rows;
            let span = self.bands.span(passing);
            // A band whose first rows were never asked for is not whole; it is passed over.
            let rows = self.take(span.end - position)?;
            let whole = position == span.start;
            if whole && (passing == band || self.bands.all_fit()) {
                let raster = Arc::new(rows);
                self.bands.keep(passing, &raster);
                if passing == band {
                    return Ok(raster);
                }
            } else if passing >= band {
                return Err(DecodeError::Io(std::io::Error::other("rows were decoded from the wrong place")));
            }
        }
    }

    /// The next `rows` full rows.
    fn take(&mut self, rows: u32) -> Result<Raster, DecodeError> {
        let mut out = Raster::zeroed(Dimensions::new(self.bands.size.width_px, rows), self.bands.format);
        let stride = out.stride();
        let mut filled = 0;
        while filled < rows {
            self.control.check()?;
            let strip = match (self.ahead.pop_front(), &mut self.running) {
                (Some(strip), _) => strip,
                (None, Some((_, source))) => source.next_strip()?.ok_or_else(|| {
                    DecodeError::Io(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "rows are missing"))
                })?,
                (None, None) => break,
            };
            let used = strip.height_px().min(rows - filled);
            let bytes = used as usize * stride;
            out.data_mut()[filled as usize * stride..][..bytes].copy_from_slice(&strip.data()[..bytes]);
            if used < strip.height_px() {
                let rest = Dimensions::new(strip.width_px(), strip.height_px() - used);
                self.ahead.push_front(Raster::from_vec(rest, strip.format(), strip.data()[bytes..].to_vec()));
            }
            filled += used;
        }
        if let Some((next, _)) = &mut self.running {
            *next += rows;
        }
        Ok(out)
    }
}

impl RowSource for BandRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let rect = self.geometry.rect;
        if u64::from(self.next) >= rect.bottom() {
            return Ok(None);
        }
        if let Some(plain) = &mut self.plain {
            return plain.next_strip();
        }
        let band = self.next / self.bands.rows;
        let span = self.bands.span(band);
        let raster = match self.band(band) {
            Ok(raster) => raster,
            Err(error @ (DecodeError::Cancelled | DecodeError::OutOfTime)) => return Err(error),
            Err(_) => {
                let rest = Rect::new(rect.x, self.next, rect.w, (rect.bottom() - u64::from(self.next)) as u32);
                self.running = None;
                let (_, mut plain) = (self.begin)(rest)?;
                let strip = plain.next_strip();
                self.plain = Some(plain);
                return strip;
            }
        };
        let end = u64::from(span.end).min(rect.bottom()) as u32;
        let pixel = raster.format().bytes_per_pixel();
        let columns = rect.x as usize * pixel..rect.right() as usize * pixel;
        let mut data = Vec::with_capacity((end - self.next) as usize * columns.len());
        for y in self.next..end {
            data.extend_from_slice(&raster.row(y - span.start)[columns.clone()]);
        }
        let size = Dimensions::new(rect.w, end - self.next);
        self.next = end;
        Ok(Some(Raster::from_vec(size, self.geometry.format, data)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const SIZE: Dimensions = Dimensions::new(2048, 3000);

    /// Rows whose samples say where they are, in strips of 70 rows.
    struct Source {
        rect: Rect,
        next: u32,
        decoded: Arc<AtomicU32>,
        /// The first row that is damaged.
        damaged: u32,
    }

    fn sample(x: u32, y: u32) -> u8 {
        (x.wrapping_mul(31) ^ y.wrapping_mul(17)) as u8
    }

    impl RowSource for Source {
        fn geometry(&self) -> DecodedGeometry {
            DecodedGeometry { format: PixelFormat::Gray8, denominator: 1, rect: self.rect }
        }

        fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
            let rect = self.rect;
            let rows = 70.min(rect.bottom() as u32 - self.next);
            if self.next + rows > self.damaged {
                return Err(DecodeError::Unrecognised { first_bytes: String::new() });
            }
            let places = (0..rows).flat_map(|y| (0..rect.w).map(move |x| (x, y)));
            let data = places.map(|(x, y)| sample(rect.x + x, self.next + y)).collect();
            let raster = Raster::from_vec(Dimensions::new(rect.w, rows), PixelFormat::Gray8, data);
            self.next += rows;
            self.decoded.fetch_add(rows, Ordering::Relaxed);
            Ok((rows > 0).then_some(raster))
        }
    }

    /// Reads regions one after the other; gives the rows that were decoded for each.
    fn read(memo: &Arc<Memo>, first_rows: u32, damaged: u32, regions: &[Rect]) -> Vec<u32> {
        let bands = Bands::new(memo, memo.image(), 0, SIZE, PixelFormat::Gray8).unwrap();
        let decoded = Arc::new(AtomicU32::new(0));
        let mut costs = Vec::new();
        for rect in regions {
            let before = decoded.load(Ordering::Relaxed);
            let counter = Arc::clone(&decoded);
            let begin: Begin<'_> = Box::new(move |rect| {
                let first = if rect.w == SIZE.width_px { rect.y / first_rows * first_rows } else { rect.y };
                let rect = Rect::new(rect.x, first, rect.w, rect.bottom() as u32 - first);
                let source = Source { rect, next: first, decoded: Arc::clone(&counter), damaged };
                Ok((first, Box::new(source) as Box<dyn RowSource>))
            });
            let geometry = DecodedGeometry { format: PixelFormat::Gray8, denominator: 1, rect: *rect };
            let mut rows = BandRows::new(bands.clone(), geometry, begin, &Control::default());
            let mut data = Vec::new();
            while let Some(strip) = rows.next_strip().unwrap() {
                assert_eq!(strip.width_px(), rect.w);
                data.extend_from_slice(strip.data());
            }
            let expected: Vec<u8> =
                (0..rect.h).flat_map(|y| (0..rect.w).map(move |x| sample(rect.x + x, rect.y + y))).collect();
            assert!(data == expected, "{rect}");
            costs.push(decoded.load(Ordering::Relaxed) - before);
        }
        costs
    }

    #[test]
    fn neighbours_are_cut_from_what_was_decoded_and_nothing_is_decoded_twice() {
        let regions = [
            Rect::new(0, 1024, 256, 256),
            Rect::new(256, 1024, 256, 256),
            Rect::new(1792, 1030, 256, 200),
            Rect::new(0, 0, 256, 256),
            Rect::new(9, 2990, 7, 10),
            Rect::new(900, 2744, 256, 256),
        ];
        // All of it in one piece: the first tile decodes down to its end, later ones only what is below.
        let memo = Arc::new(Memo::new(64 << 20));
        let whole = read(&memo, SIZE.height_px, SIZE.height_px, &regions);
        assert_eq!((whole[1], whole[2], whole[3]), (0, 0, 0), "{whole:?}");
        assert!(whole[0] >= 1280 && whole[0] < 1650, "{whole:?}");
        assert_eq!(whole[5], 0, "{whole:?}");
        // In strips of 100 rows: only those that are touched.
        let strips = read(&memo, 100, SIZE.height_px, &regions);
        assert!(strips[0] <= 700 && strips[1] == 0 && strips[2] == 0, "{strips:?}");
        assert!(memo.held_bytes() <= 64 << 20);
    }

    #[test]
    fn rows_above_the_damage_are_given_though_their_band_is_not_whole() {
        let memo = Arc::new(Memo::new(64 << 20));
        let above = Rect::new(100, 1024, 256, 140);
        assert_eq!(read(&memo, 1, 1170, &[above, above]).len(), 2);
    }

    #[test]
    fn small_images_wide_regions_and_small_memories_go_without() {
        let memo = Arc::new(Memo::new(64 << 20));
        let bands = |memo: &Arc<Memo>, w, h| Bands::new(memo, 0, 0, Dimensions::new(w, h), PixelFormat::Gray8);
        assert!(bands(&memo, 1000, 1000).is_none());
        assert!(bands(&Arc::new(Memo::new(1 << 20)), 2048, 3000).is_none());
        let bands = bands(&memo, 2048, 3000).unwrap();
        for (w, h, expected) in [(256, 256, true), (2048, 10, false), (1024, 3000, false), (1024, 1500, true)] {
            assert_eq!(bands.pay_for(w, h), expected, "{w} {h}");
        }
    }
}
