//! An open page of a TIFF file.

use std::sync::Arc;

use recto_iiif::Rect;
use recto_iiif::image::Format;

use super::directory::{Compression, Directory};
use super::ifd::File;
use super::pyramid::{self, Page};
use super::rows::Rows;
use super::stored::{self, Streams};
use super::tiles::Tiles;
use super::{cost, description, tag, unsupported};
use crate::formats::bands::{BandRows, Bands};
use crate::formats::jpeg;
use crate::{
    ByteRange, Control, Cost, CutRequest, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level,
    Memo, Metadata, OpenOptions, Orientation, RandomAccess, RowSource, SourceFormat, StoredTile, TileGrid,
};

/// Bytes of a tile that are looked at for its markers.
const PROBE: u64 = 1024;
/// Coefficients up to so many bytes are allowed in every JPEG chunk, though the first of its level does without.
const SPARE_COEFFICIENTS: u64 = 4 << 20;
/// By how much JPEG decoding can shrink.
const JPEG_DENOMINATOR: u32 = 8;

/// One resolution: its directory, and what is known of its streams.
#[derive(Debug)]
pub(super) struct StoredLevel {
    pub(super) directory: Directory,
    pub(super) streams: Option<Streams>,
}

impl StoredLevel {
    /// True when decoding can shrink exactly: chunks begin at whole pixels of the reduced level.
    fn can_shrink(&self) -> bool {
        let layout = &self.directory.layout;
        let exact = |chunks: u32, side: u32| chunks == 1 || side.is_multiple_of(JPEG_DENOMINATOR);
        matches!(self.directory.compression, Compression::Jpeg | Compression::OldJpeg)
            && exact(layout.across, layout.chunk.width_px)
            && exact(layout.down, layout.chunk.height_px)
    }

    /// True when tiles can leave as they lie.
    fn passes_through(&self) -> bool {
        let directory = &self.directory;
        match directory.compression {
            Compression::Jpeg => self.streams.as_ref().is_some_and(|streams| streams.passes_through),
            Compression::Webp => {
                directory.layout.tiled
                    && !directory.planar
                    && matches!(directory.samples, 3 | 4)
                    && directory.photometric == 2
                    && directory.orientation == Orientation::Normal
            }
            _ => false,
        }
    }

    /// Bytes that the coefficients of a JPEG chunk may take while it is decoded. A single scan needs none: where the first chunk is seen
    /// to be one, the others are taken to be, and those that are not are decoded within a small bound.
    pub(super) fn coefficient_bytes(&self) -> u64 {
        let directory = &self.directory;
        let all = jpeg::coefficient_bytes(directory.layout.chunk, directory.chunk_samples());
        if self.streams.as_ref().is_some_and(|streams| streams.one_scan) { all.min(SPARE_COEFFICIENTS) } else { all }
    }

    /// Bytes that it holds.
    fn held_bytes(&self) -> u64 {
        let head = self.streams.as_ref().map_or(0, |streams| streams.head.len());
        self.directory.held_bytes() + (size_of::<Self>() + head) as u64
    }

    fn facts(&self) -> Level {
        let layout = &self.directory.layout;
        // Restart intervals are of no shape that is worth announcing.
        let is_grid = layout.tiled && !self.directory.intervals;
        let grid = is_grid.then(|| TileGrid { tile: layout.chunk, passes_through: self.passes_through() });
        Level { size: layout.size, grid }
    }
}

/// See [`crate::Decoder`].
#[derive(Debug)]
pub(super) struct TiffDecoder {
    file: File,
    facts: ImageFacts,
    levels: Vec<StoredLevel>,
    /// Where the directory of the page lies.
    offset: u64,
    memo: Arc<Memo>,
    /// The number of this image in it.
    image: u64,
    max_bytes: u64,
}

impl TiffDecoder {
    pub(super) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Self, DecodeError> {
        let (file, first) = File::open(source)?;
        let found = pyramid::find_page(&file, first, options)?;
        let mut directories = read_levels(&file, &found.page, options)?;
        description::take_up(&file, first, &mut directories, options)?;
        let levels = with_streams(&file, directories)?;
        let facts = facts(&levels, found.pages);
        let offset = found.page.levels.first().map_or(first, |level| level.offset);
        let memo = Arc::clone(&options.memo);
        let image = memo.image();
        Ok(Self { file, facts, levels, offset, memo, image, max_bytes: options.max_bytes })
    }

    /// The bands of remembered rows that a region of a level in compressed strips is cut from.
    fn bands(&self, level: &StoredLevel, wanted: &DecodeRequest) -> Option<Bands> {
        let directory = &level.directory;
        let strips = !directory.layout.tiled && directory.compression != Compression::None;
        if !strips || wanted.denominator != 1 {
            return None;
        }
        let format = directory.interpretation.format;
        let bands = Bands::new(&self.memo, self.image, wanted.level, directory.size, format)?;
        bands.pay_for(wanted.region.w, wanted.region.h).then_some(bands)
    }

    /// What a read costs, with what bands need.
    fn full_cost(&self, level: &StoredLevel, wanted: &DecodeRequest) -> Cost {
        let Some(bands) = self.bands(level, wanted) else { return cost::cost(&self.file, level, wanted) };
        let size = level.directory.size;
        let region = Rect::new(0, wanted.region.y, size.width_px, wanted.region.h);
        let mut cost = cost::cost(&self.file, level, &DecodeRequest { region, ..*wanted });
        let strip = wanted.region.area_px() * level.directory.interpretation.format.bytes_per_pixel() as u64;
        cost.bytes_held += bands.held_bytes() + strip;
        cost
    }

    /// The tile in this place of the grid, when it can leave: where it lies, and the part of it that is visible.
    fn tile(&self, level: usize, column: u32, row: u32) -> Option<(&StoredLevel, ByteRange, Rect)> {
        let level = self.levels.get(level).filter(|level| level.passes_through())?;
        let layout = &level.directory.layout;
        if column >= layout.across || row >= layout.down {
            return None;
        }
        let tile = layout.chunk;
        let place = Rect::new(column * tile.width_px, row * tile.height_px, tile.width_px, tile.height_px);
        let visible = place.intersection(layout.size.rect())?;
        let length = self.file.source.len();
        let range = layout.range(layout.index(0, column, row), length)?;
        let lies_inside = range.length > 4 && range.end().is_some_and(|end| end <= length);
        lies_inside.then_some((level, range, visible))
    }
}

/// Where requests are dear: all directories of a page in one, and all of their values in another.
fn announce(file: &File, page: &Page, control: &Control) -> Result<(), DecodeError> {
    if file.source.read_ahead() == 0 {
        return Ok(());
    }
    let directories: Vec<ByteRange> = page.levels.iter().map(|level| file.ifd_range(level.offset)).collect();
    file.source.will_read(&directories);
    let is_wanted = |tag: u16| tag::DIRECTORY.contains(&tag);
    let mut values = Vec::new();
    for level in &page.levels {
        control.check()?;
        values.extend(file.ifd(level.offset).map(|ifd| file.outside(&ifd, is_wanted)).unwrap_or_default());
    }
    file.source.will_read(&values);
    Ok(())
}

/// Most bytes that the directories of a page may hold together. Tables are held in a few times the bytes that they take in the file,
/// unless levels name the same bytes over and over.
fn most_held(file: &File, options: &OpenOptions) -> u64 {
    options.max_bytes.min(file.source.len().saturating_mul(8).saturating_add(1 << 20))
}

/// Reads the directories of a page. Levels that cannot be read, are unlike the page itself, or would hold too much, are left out.
fn read_levels(file: &File, page: &Page, options: &OpenOptions) -> Result<Vec<Directory>, DecodeError> {
    announce(file, page, &options.control)?;
    let mut levels: Vec<Directory> = Vec::with_capacity(page.levels.len());
    let mut left = most_held(file, options);
    for outline in &page.levels {
        options.control.check()?;
        match (Directory::read(file, outline.offset, options, left), levels.first()) {
            (Ok(level), None) => {
                left = left.saturating_sub(level.held_bytes());
                levels.push(level);
            }
            (Err(error), None) => return Err(error),
            (Ok(mut level), Some(base)) => {
                let alike =
                    level.interpretation.format == base.interpretation.format && level.orientation == base.orientation;
                if alike {
                    // The profile of the page is that of all its levels.
                    level.icc = None;
                    left = left.saturating_sub(level.held_bytes());
                    levels.push(level);
                }
            }
            (Err(DecodeError::Io(error)), Some(_)) => return Err(error.into()),
            (Err(_), Some(_)) => {}
        }
    }
    Ok(levels)
}

/// Looks at the first tile of each JPEG level, all in one go.
///
/// Where requests are dear, one level stands for all that are described alike: the one whose first tile is held already, else the
/// first of them.
fn with_streams(file: &File, directories: Vec<Directory>) -> Result<Vec<StoredLevel>, DecodeError> {
    let length = file.source.len();
    let is_far = file.source.read_ahead() > 0;
    let probes: Vec<Option<ByteRange>> = directories
        .iter()
        .map(|directory| {
            let layout = &directory.layout;
            let range = (0..layout.chunks().min(64)).find_map(|index| layout.range(index, length))?;
            let probed = ByteRange::new(range.offset, range.length.min(PROBE));
            let inside = probed.end().is_some_and(|end| end <= length);
            (directory.compression == Compression::Jpeg && inside).then_some(probed)
        })
        .collect();
    let is_held =
        |range: ByteRange| file.source.try_read_at(range.offset, &mut [0; PROBE as usize][..range.length as usize]);
    let one_for_all = |number: usize, own: ByteRange| {
        let alike = || {
            let others =
                directories.iter().zip(&probes).filter(|(other, _)| have_like_streams(other, &directories[number]));
            others.filter_map(|(_, probe)| *probe)
        };
        alike().find(|range| is_held(*range)).or_else(|| alike().next()).unwrap_or(own)
    };
    let probes: Vec<Option<ByteRange>> = probes
        .iter()
        .enumerate()
        .map(|(number, probe)| probe.map(|own| if is_far { one_for_all(number, own) } else { own }))
        .collect();
    let mut ranges: Vec<ByteRange> = probes.iter().flatten().copied().collect();
    ranges.sort_by_key(|range| (range.offset, range.length));
    ranges.dedup();
    let read = match file.source.read_ranges(&ranges) {
        Ok(read) => read,
        // What cannot be had now may be had soon, and what it says is kept for as long as the file is the same.
        Err(error) if is_far => return Err(error.into()),
        // It is noticed when it is needed.
        Err(_) => Vec::new(),
    };
    let first_of = |probe: Option<ByteRange>| {
        let place = ranges.iter().position(|range| Some(*range) == probe)?;
        read.get(place).map(Vec::as_slice)
    };
    let levels = directories.into_iter().zip(probes).map(|(mut directory, probe)| {
        let is_jpeg = directory.compression == Compression::Jpeg;
        let streams = is_jpeg.then(|| Streams::new(&directory, first_of(probe)));
        // They are in the head of the streams now.
        directory.jpeg_tables = None;
        StoredLevel { directory, streams }
    });
    Ok(levels.collect())
}

/// True when what describes the streams of two levels says the same of both: then one writer wrote them in one way.
fn have_like_streams(one: &Directory, other: &Directory) -> bool {
    let described = |directory: &Directory| {
        let layout = &directory.layout;
        (directory.compression, directory.photometric, directory.chunk_samples(), layout.tiled, layout.chunk)
    };
    described(one) == described(other) && one.jpeg_tables == other.jpeg_tables
}

fn facts(levels: &[StoredLevel], pages: u32) -> ImageFacts {
    let base = &levels[0].directory;
    let layout = &base.layout;
    let form = if base.intervals {
        format!("restart intervals of {}", layout.chunk)
    } else if layout.tiled {
        format!("tiled {}", layout.chunk)
    } else {
        format!("strips of {} rows", layout.chunk.height_px)
    };
    ImageFacts {
        source_format: SourceFormat::Tiff,
        compression: format!("{}, {form}", base.compression.name()),
        levels: levels.iter().map(StoredLevel::facts).collect(),
        max_denominator: if levels.iter().all(StoredLevel::can_shrink) { JPEG_DENOMINATOR } else { 1 },
        pages,
        orientation: base.orientation,
        color: base.interpretation.model,
        bits_per_sample: base.bits,
        has_alpha: base.interpretation.format.has_alpha(),
        icc: base.icc.clone(),
        dpi: base.dpi,
    }
}

impl Decoder for TiffDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        self.levels.get(wanted.level).map(|level| self.full_cost(level, wanted)).unwrap_or_default()
    }

    fn held_bytes(&self) -> u64 {
        self.levels.iter().map(StoredLevel::held_bytes).sum()
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        let level = self.levels.get(wanted.level).ok_or_else(|| unsupported(format!("level {}", wanted.level)))?;
        if !wanted.region.is_inside(level.directory.size) {
            return Err(unsupported(format!("the region {} outside of {}", wanted.region, level.directory.size)));
        }
        if !wanted.denominator.is_power_of_two() || wanted.denominator > self.facts.max_denominator {
            return Err(unsupported(format!("decoding at 1/{}", wanted.denominator)));
        }
        let held = self.full_cost(level, wanted).bytes_held;
        if held > self.max_bytes {
            return Err(super::too_large(held, self.max_bytes, "bytes of memory"));
        }
        if let Some(bands) = self.bands(level, wanted) {
            let geometry =
                DecodedGeometry { format: level.directory.interpretation.format, denominator: 1, rect: wanted.region };
            let (size, asked, held) = (level.directory.size, *wanted, control.clone());
            let strip = level.directory.layout.chunk.height_px;
            let begin = move |mut region: Rect| {
                if region.w == size.width_px {
                    // A strip is decompressed from its first row on, which may be of use too.
                    let first = region.y / strip * strip;
                    region = Rect::new(0, first, size.width_px, size.height_px - first);
                }
                let first = region.y;
                let rows = Rows::new(&self.file, level, &DecodeRequest { region, ..asked }, held.clone(), None);
                Ok((first, Box::new(rows) as Box<dyn RowSource + 'a>))
            };
            return Ok(Box::new(BandRows::new(bands, geometry, Box::new(begin), control)));
        }
        let tiles = Tiles::new(&self.memo, self.image, &level.directory, wanted);
        Ok(Box::new(Rows::new(&self.file, level, wanted, control.clone(), tiles)))
    }

    fn metadata(&self) -> Result<Metadata, DecodeError> {
        let ifd = self.file.ifd(self.offset)?;
        let values = self.file.values(&ifd, |tag| matches!(tag, tag::XMP | tag::IPTC), self.max_bytes)?;
        let held = |tag| values.bytes(tag).filter(|bytes| !bytes.is_empty()).map(Arc::from);
        let exif = super::metadata::block(&self.file, &ifd).map(Arc::from);
        Ok(Metadata { exif, xmp: held(tag::XMP), iptc: held(tag::IPTC) })
    }

    fn stored_tile(&self, level: usize, column: u32, row: u32) -> Option<StoredTile> {
        let (level, range, visible) = self.tile(level, column, row)?;
        let size = level.directory.layout.chunk;
        if visible.dimensions() != size {
            return None;
        }
        Some(match &level.streams {
            Some(streams) => StoredTile {
                format: Format::Jpg,
                size,
                head: Arc::clone(&streams.head),
                body: ByteRange::new(range.offset + 2, range.length - 2),
            },
            None => StoredTile { format: Format::Webp, size, head: Arc::from([]), body: range },
        })
    }

    fn can_cut(&self, level: usize, wanted: &CutRequest) -> bool {
        self.levels.get(level).is_some_and(|level| stored::can_cut(level, self.file.source.len(), wanted))
    }

    fn cut(&self, level: usize, wanted: &CutRequest, control: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        match self.levels.get(level) {
            Some(found) if self.can_cut(level, wanted) => stored::cut(&self.file, found, wanted, control),
            _ => Ok(None),
        }
    }
}
