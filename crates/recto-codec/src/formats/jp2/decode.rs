//! Reading JPEG 2000: what is where, and regions in bands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use recto_iiif::{Dimensions, Rect};

use super::boxes::{Beside, Boxes, SIGNATURE};
use super::codestream::{Area, CodingStyle, Component, MainHeader, Quantisation};
use super::index::{self, TileIndex};
use super::pixels::{Interpretation, Plane};
use super::tile_parts::TileParts;
use super::window::{Edges, Kept, Windows, index_part};
use super::{corrupt, openjpeg, unsupported};
use crate::formats::held::{check_held, check_page, check_size};
use crate::{
    ByteRange, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, Memo, MemoKey,
    Metadata, OpenOptions, Orientation, RandomAccess, Raster, RowSource, SourceFormat, TileGrid,
};

/// About how many pixels are decoded at a time.
const BAND_PX: u64 = 4 << 20;
/// A band of an untiled image has at least this many rows: its neighbours decode the blocks at its edges again.
const LEAST_ROWS: u64 = 64;
/// Tiles up to this size are announced: viewers then ask for what was coded together.
const LARGEST_TILE_PX: u32 = 1024;
/// Areas up to this size are what viewers ask for, over and over, and their blocks are remembered.
const REMEMBERED_PX: u64 = 2 << 20;
/// Columns that are decoded at a time.
const PIECE_PX: u32 = 2048;
/// An image of no more tiles than this keeps their indexes itself: they may be too large for the memo.
const FEW_TILES: usize = 4;
/// What the library holds for each code-block, its part of precincts and tag trees included.
const STATE_BYTES_PER_BLOCK: u64 = 640;
/// What it holds in any case.
const LIBRARY_STATE_BYTES: u64 = 512 << 10;
/// What is held for each tile, to know where its parts lie.
const BYTES_PER_TILE: u64 = 64;
/// What our decoder holds in any case: some compressed blocks, one that is decoded, and a buffer for packet headers.
const OWN_STATE_BYTES: u64 = 2 << 20;

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(SIGNATURE) || first.starts_with(&[0xff, 0x4f, 0xff, 0x51])
}

/// Opens the image.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    Ok(Box::new(Jp2Decoder::open(source, options)?))
}

pub(super) struct Jp2Decoder {
    pub(super) source: Arc<dyn RandomAccess>,
    /// The codestream.
    pub(super) range: ByteRange,
    pub(super) header: MainHeader,
    pub(super) interpretation: Interpretation,
    pub(super) facts: ImageFacts,
    beside: Beside,
    max_bytes: u64,
    /// Why the library must decode it, if so.
    pub(super) needs_library: Option<&'static str>,
    /// A tile was found that only the library can decode, and as a whole.
    has_tile_for_library: AtomicBool,
    /// Found when first needed.
    parts: OnceLock<TileParts>,
    /// Of an image of few tiles; those of others are in the memo.
    whole_index: [OnceLock<Arc<Indexed>>; FEW_TILES],
    pub(super) memo: Arc<Memo>,
    /// The number of this image in the memo.
    pub(super) image: u64,
}

/// What is known of a tile.
enum Indexed {
    Blocks(TileIndex),
    /// It can only be decoded by the library.
    Library,
}

impl Jp2Decoder {
    pub(super) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Self, DecodeError> {
        let mut first = [0; 12];
        source.read_at(0, &mut first).map_err(|_| corrupt("it ends in its signature"))?;
        let is_bare = first != SIGNATURE;
        let (boxes, range) = if is_bare {
            (Boxes::default(), ByteRange::new(0, source.len()))
        } else {
            let boxes = Boxes::read(source.as_ref())?;
            let range = boxes.codestream.ok_or_else(|| corrupt("it holds no codestream"))?;
            (boxes, range)
        };
        let header = MainHeader::read(&source, range)?;
        let mut interpretation = Interpretation::new(&boxes, &header, is_bare)?;
        let (gx, gy) = interpretation.step;
        let size = dimensions(header.size.image.divided(gx, gy));
        check_size(size, SourceFormat::Jp2, options)?;
        let facts = facts(&header, &interpretation, &boxes);
        // The facts have it.
        interpretation.icc = None;
        Ok(Self {
            source,
            range,
            needs_library: needs_library(&header, &interpretation),
            has_tile_for_library: AtomicBool::new(false),
            header,
            interpretation,
            facts,
            beside: boxes.beside,
            max_bytes: options.max_bytes,
            parts: OnceLock::new(),
            whole_index: Default::default(),
            image: options.memo.image(),
            memo: Arc::clone(&options.memo),
        })
    }

    /// A level of the image, in its own pixels.
    pub(super) fn level_area(&self, level: u8) -> Area {
        let (gx, gy) = self.interpretation.step;
        self.header.size.image.divided(gx, gy).reduced(level)
    }

    /// Rows that a band of an area of this width has.
    fn band_rows(&self, level: u8, width: u32) -> u32 {
        let rows = (BAND_PX / u64::from(width.max(1))).max(LEAST_ROWS);
        let tile = u64::from(self.header.size.tile.height_px) / u64::from(self.interpretation.step.1);
        let tile = tile >> level;
        if self.is_for_library() && self.takes_whole_tiles() {
            return tile.clamp(1, u64::from(u32::MAX)) as u32;
        }
        let rows = if (1..=rows).contains(&tile) && !self.header.size.is_untiled() { rows / tile * tile } else { rows };
        rows.min(u64::from(u32::MAX)) as u32
    }

    /// True when the library is known to decode it, or tiles of it as wholes.
    fn is_for_library(&self) -> bool {
        self.needs_library.is_some() || self.has_tile_for_library.load(Ordering::Relaxed)
    }

    /// What is held while an area is decoded, beside the strip that is given.
    fn held(&self, level: u8, width: u32, rows: u32) -> u64 {
        if !self.is_for_library() {
            return self.held_by_own(width, rows);
        }
        self.held_by_library_for(level, width, rows)
    }

    /// What the library needs for an area of that size.
    fn held_by_library_for(&self, level: u8, width: u32, rows: u32) -> u64 {
        if !self.takes_whole_tiles() {
            return self.held_by_library(width, rows);
        }
        // An area touches parts of up to two more tiles on each axis.
        let (whole, tile) = (self.level_area(level), self.header.size.tile);
        let grown = |length: u32, tile: u32, whole: u32| {
            u64::from(length).saturating_add(2 * (u64::from(tile) >> level)).min(whole.into()) as u32
        };
        self.held_by_library(grown(width, tile.width_px, whole.width()), grown(rows, tile.height_px, whole.height()))
    }

    /// Where it decodes: high-throughput blocks come out of the library as zeroes where an area is less than its tile (2.5.3: the
    /// decoder of these blocks does not fill the buffer that is used then).
    pub(super) fn takes_whole_tiles(&self) -> bool {
        self.header.has_high_throughput()
    }

    /// An area of the reference grid, grown to whole tiles.
    pub(super) fn whole_tiles(&self, area: Area) -> Area {
        let size = &self.header.size;
        let (tx, ty) = size.tile_origin;
        let (w, h) = (size.tile.width_px, size.tile.height_px);
        let first = size.tile_area((area.x0 - tx) / w, (area.y0 - ty) / h);
        let last = size.tile_area((area.x1.max(1) - 1 - tx) / w, (area.y1.max(1) - 1 - ty) / h);
        Area { x0: first.x0, y0: first.y0, x1: last.x1, y1: last.y1 }
    }

    /// In our own decoder: the index of a tile while it is made, and for a piece, all components and the bands that the last of
    /// them is made of.
    fn held_by_own(&self, width: u32, rows: u32) -> u64 {
        let size = &self.header.size;
        let place = size.tile_area(0, 0);
        let own = self.own_indexes();
        let is_indexed = !own.is_empty() && own.iter().all(|index| index.get().is_some());
        let index = if is_indexed { 0 } else { index::making_bytes(&self.header, place) };
        let parts = u64::from(size.tiles().0) * u64::from(size.tiles().1) * BYTES_PER_TILE;
        let margin = 2 * 4 * 4;
        let piece = (u64::from(width.min(PIECE_PX)) + margin) * (u64::from(rows) + margin);
        let components = self.interpretation.components.len().max(3) as u64;
        // Blocks at the edges of the band before and of this one: 64 rows of all bands of all resolutions, about.
        let is_remembered = u64::from(width) * u64::from(rows) <= REMEMBERED_PX;
        let sample = if self.interpretation.bits <= 8 { 2 } else { 4 };
        let edges = if is_remembered { 0 } else { 2 * 192 * (u64::from(width) + 256) * components * sample };
        (4 * piece)
            .saturating_mul(2 * components + 6)
            .saturating_add(index)
            .saturating_add(parts + edges + OWN_STATE_BYTES)
    }

    /// In the library: planes there and here, its state, and compressed data.
    fn held_by_library(&self, width: u32, rows: u32) -> u64 {
        let size = &self.header.size;
        let tiles = u64::from(size.tiles().0) * u64::from(size.tiles().1);
        let planes = self.interpretation.plane_bytes(Dimensions::new(width, rows));
        let compressed = (self.range.length / tiles).saturating_mul(8).min(self.range.length);
        // The whole region, a tile's part of it with margins, and the wavelet's buffers.
        planes
            .saturating_mul(4)
            .saturating_add(compressed)
            .saturating_add(self.library_state_bytes())
            .saturating_add(LIBRARY_STATE_BYTES)
    }

    /// What the library holds for the code-blocks of one tile and the order of its packets.
    fn library_state_bytes(&self) -> u64 {
        let size = &self.header.size;
        let tile = size.tile.width_px.min(size.image.width());
        let tile_height = size.tile.height_px.min(size.image.height());
        let (mut blocks, mut most_precincts) = (0_u64, 0_u64);
        for (component, coding) in size.components.iter().zip(&self.header.coding) {
            let (w, h) = (tile.div_ceil(component.dx), tile_height.div_ceil(component.dy));
            for resolution in 0..=coding.levels {
                let down = coding.levels - resolution;
                let area = Area { x0: 0, y0: 0, x1: w, y1: h }.reduced(down);
                let (px, py) = coding.precincts[usize::from(resolution)];
                let band = u32::from(resolution > 0);
                let (bx, by) = (
                    u32::from(coding.block.0).min(u32::from(px).saturating_sub(band)),
                    u32::from(coding.block.1).min(u32::from(py).saturating_sub(band)),
                );
                // One more on each axis, for a grid that the area does not begin on.
                let count = |length: u32, bits: u32| u64::from(length >> bits) + 2;
                let precincts = count(area.width(), px.into()).saturating_mul(count(area.height(), py.into()));
                most_precincts = most_precincts.max(precincts);
                blocks = blocks
                    .saturating_add(precincts)
                    .saturating_add(count(area.width(), bx).saturating_mul(count(area.height(), by)));
            }
        }
        let resolutions = u64::from(self.header.coding.iter().map(|coding| coding.levels).max().unwrap_or(0)) + 1;
        let packets = (u64::from(self.header.layers) + 1)
            .saturating_mul(resolutions)
            .saturating_mul(size.components.len() as u64)
            .saturating_mul(most_precincts);
        blocks.saturating_mul(STATE_BYTES_PER_BLOCK).saturating_add(packets.saturating_mul(4))
    }

    /// What of the reference grid covers areas of the needed components.
    pub(super) fn covering(&self, level: u8, areas: &[Area]) -> Area {
        let size = &self.header.size;
        let image = size.image;
        let (mut low, mut high) = ((u64::MAX, u64::MAX), (0, 0));
        for (number, area) in self.interpretation.components.iter().zip(areas) {
            let Some(component) = size.components.get(*number) else { continue };
            let (dx, dy) = (u64::from(component.dx) << level, u64::from(component.dy) << level);
            low = (low.0.min(u64::from(area.x0) * dx), low.1.min(u64::from(area.y0) * dy));
            high = (high.0.max(u64::from(area.x1) * dx), high.1.max(u64::from(area.y1) * dy));
        }
        let clamp = |value: u64, from: u32, to: u32| value.clamp(from.into(), to.into()) as u32;
        Area {
            x0: clamp(low.0, image.x0, image.x1),
            y0: clamp(low.1, image.y0, image.y1),
            x1: clamp(high.0, image.x0, image.x1),
            y1: clamp(high.1, image.y0, image.y1),
        }
    }

    /// Decodes an area of a level: a plane for each component that is needed.
    fn planes(&self, level: u8, area: Area, kept: &Kept<'_>, control: &Control) -> Result<Vec<Plane>, DecodeError> {
        let areas = self.interpretation.component_areas(&self.header, level, area);
        let covering = self.covering(level, &areas);
        if self.needs_library.is_none()
            && let Some(planes) = self.own_planes(level, covering, &areas, kept, control)?
        {
            return Ok(planes);
        }
        let (width, rows) = (area.width(), area.height());
        let needed = self.held(level, width, rows).max(self.held_by_library_for(level, width, rows));
        check_held(needed, self.max_bytes, SourceFormat::Jp2)?;
        if self.takes_whole_tiles() {
            // From now on it is reckoned so, and done in bands of tiles.
            self.has_tile_for_library.store(true, Ordering::Relaxed);
            if control.memory().is_some_and(|reckoned| needed > reckoned) {
                return Err(DecodeError::Underestimated { format: SourceFormat::Jp2, needed });
            }
        }
        let covering = if self.takes_whole_tiles() { self.whole_tiles(covering) } else { covering };
        let wanted = &self.interpretation.components;
        openjpeg::decode(&self.source, self.range, &self.header, (covering, level), wanted, control)
    }

    /// As `planes`, by our own decoder; `None` when a tile can only be decoded by the library.
    pub(super) fn own_planes(
        &self,
        level: u8,
        covering: Area,
        areas: &[Area],
        kept: &Kept<'_>,
        control: &Control,
    ) -> Result<Option<Vec<Plane>>, DecodeError> {
        let size = &self.header.size;
        let mut planes: Vec<Plane> = Vec::new();
        let (tx, ty) = size.tile_origin;
        let span = |from: u32, to: u32, origin: u32, tile: u32| {
            (from - origin) / tile..=(to.max(from + 1) - 1 - origin) / tile
        };
        for row in span(covering.y0, covering.y1, ty, size.tile.height_px) {
            for column in span(covering.x0, covering.x1, tx, size.tile.width_px) {
                control.check()?;
                let place = size.tile_area(column, row);
                let wanted: Vec<(usize, Area)> = self
                    .interpretation
                    .components
                    .iter()
                    .zip(areas)
                    .filter_map(|(number, area)| {
                        let component = size.components.get(*number)?;
                        let of_tile = place.divided(component.dx, component.dy).reduced(level);
                        Some((*number, area.intersection(of_tile)))
                    })
                    .collect();
                if wanted.iter().all(|(_, area)| area.is_empty()) {
                    continue;
                }
                let tile = row * size.tiles().0 + column;
                let indexed = self.index(tile, place, control)?;
                let Indexed::Blocks(index) = indexed.as_ref() else { return Ok(None) };
                let windows =
                    Windows { source: self.source.as_ref(), header: &self.header, index, tile, kept, control };
                let decoded = windows.planes(level, &wanted)?;
                if decoded.iter().zip(areas).all(|(plane, area)| plane.area == *area) {
                    return Ok(Some(decoded));
                }
                if planes.is_empty() {
                    planes = areas
                        .iter()
                        .map(|area| Plane { area: *area, samples: vec![0; area.area_px() as usize] })
                        .collect();
                }
                for (from, to) in decoded.iter().zip(&mut planes) {
                    to.paste(from);
                }
            }
        }
        Ok(Some(planes))
    }

    /// The indexes that it keeps itself, made or not: those of an image of few tiles.
    fn own_indexes(&self) -> &[OnceLock<Arc<Indexed>>] {
        let (columns, rows) = self.header.size.tiles();
        self.whole_index.get(..columns as usize * rows as usize).unwrap_or_default()
    }

    /// What its own indexes hold; those that are not made yet as they are reckoned, since it is asked for that once.
    fn own_index_bytes(&self) -> u64 {
        if self.needs_library.is_some() {
            return 0;
        }
        let size = &self.header.size;
        let (columns, _) = size.tiles();
        let indexes = self.own_indexes().iter().zip(0_u32..).map(|(own, tile)| match own.get().map(|known| &**known) {
            Some(Indexed::Blocks(index)) => index.bytes(),
            Some(Indexed::Library) => 0,
            None => {
                let place = size.tile_area(tile % columns, tile / columns);
                // One that takes too much is never made.
                let is_possible = index::making_bytes(&self.header, place) <= self.max_bytes;
                if is_possible { index::reckoned_bytes(&self.header, place) } else { 0 }
            }
        });
        indexes.fold(0, u64::saturating_add)
    }

    fn tile_parts(&self, control: &Control) -> Result<&TileParts, DecodeError> {
        if let Some(parts) = self.parts.get() {
            return Ok(parts);
        }
        let parts = TileParts::read(self.source.as_ref(), self.range, &self.header, control)?;
        Ok(self.parts.get_or_init(|| parts))
    }

    /// The index of a tile, remembered or made now.
    fn index(&self, tile: u32, place: Area, control: &Control) -> Result<Arc<Indexed>, DecodeError> {
        let key = MemoKey { image: self.image, part: index_part(tile) };
        let own = self.own_indexes().get(tile as usize);
        if let Some(known) = own.and_then(OnceLock::get) {
            return Ok(Arc::clone(known));
        }
        if let Some(known) = self.memo.get::<Indexed>(key).filter(|_| own.is_none()) {
            return Ok(known);
        }
        check_held(index::making_bytes(&self.header, place), self.max_bytes, SourceFormat::Jp2)?;
        let parts = self.tile_parts(control)?;
        let read = TileIndex::read(&self.source, &self.header, parts, tile as usize, self.max_bytes, control)?;
        let bytes = read.as_ref().map_or(64, TileIndex::bytes);
        let indexed = Arc::new(read.map_or(Indexed::Library, Indexed::Blocks));
        if let Some(own) = own {
            return Ok(Arc::clone(own.get_or_init(|| indexed)));
        }
        self.memo.insert(key, Arc::clone(&indexed), bytes);
        Ok(indexed)
    }
}

/// Why only the library can decode it, if so.
fn needs_library(header: &MainHeader, interpretation: &Interpretation) -> Option<&'static str> {
    if header.needs_library.is_some() {
        return header.needs_library;
    }
    let components = || interpretation.components.iter().filter_map(|number| header.size.components.get(*number));
    if interpretation.components.iter().any(|number| *number >= 15) {
        return Some("very many components");
    }
    if components().any(|component| component.bits > 18) {
        return Some("samples of many bits");
    }
    let first = header.size.components.first()?;
    let like_first = |number: usize| {
        header.size.components.get(number).is_some_and(|c| (c.dx, c.dy) == (first.dx, first.dy))
            && header.coding.get(number).map(|c| (c.levels, c.reversible))
                == header.coding.first().map(|c| (c.levels, c.reversible))
    };
    (header.color_transform && !(0..3).all(like_first)).then_some("a colour transform of unlike components")
}

fn dimensions(area: Area) -> Dimensions {
    Dimensions::new(area.width(), area.height())
}

fn facts(header: &MainHeader, interpretation: &Interpretation, boxes: &Boxes) -> ImageFacts {
    let (gx, gy) = interpretation.step;
    let full = header.size.image.divided(gx, gy);
    // Numbers of colours cannot be averaged, which is what reduced resolutions are.
    let reductions = if interpretation.is_palette { 0 } else { header.reductions() };
    let grid = tile_grid(header, interpretation);
    let mut levels = vec![Level { size: dimensions(full), grid }];
    for reduction in 1..=reductions {
        let size = dimensions(full.reduced(reduction));
        if size.is_empty() || levels.last().is_some_and(|last| last.size == size) {
            break;
        }
        let halved = |px: u32| (px >> reduction << reduction == px && px >> reduction > 0).then_some(px >> reduction);
        let tile =
            grid.and_then(|grid| Some(Dimensions::new(halved(grid.tile.width_px)?, halved(grid.tile.height_px)?)));
        levels.push(Level { size, grid: tile.map(|tile| TileGrid { tile, passes_through: false }) });
    }
    let first = header.coding.first();
    let is_ht = first.is_some_and(CodingStyle::is_high_throughput);
    let name = if is_ht { "HTJ2K" } else { "JPEG 2000" };
    let wavelet = if first.is_some_and(|coding| coding.reversible) { "5/3" } else { "9/7" };
    let tiles = if header.size.is_untiled() {
        String::new()
    } else {
        format!(", tiled {}x{}", header.size.tile.width_px, header.size.tile.height_px)
    };
    ImageFacts {
        source_format: SourceFormat::Jp2,
        compression: format!("{name}, {wavelet} wavelet{tiles}"),
        levels,
        max_denominator: 1,
        pages: 1,
        orientation: boxes.orientation.unwrap_or(Orientation::Normal),
        color: interpretation.color,
        bits_per_sample: interpretation.bits,
        has_alpha: interpretation.format.has_alpha(),
        icc: interpretation.icc.clone().map(Arc::from),
        dpi: boxes.dpi,
    }
}

/// The grid to announce: where tiles begin with the image and are no larger than what viewers like to ask for.
fn tile_grid(header: &MainHeader, interpretation: &Interpretation) -> Option<TileGrid> {
    let size = &header.size;
    let (gx, gy) = interpretation.step;
    let tile = size.tile;
    let is_aligned = size.tile_origin == (size.image.x0, size.image.y0)
        && tile.width_px.is_multiple_of(gx)
        && tile.height_px.is_multiple_of(gy);
    let tile = Dimensions::new(tile.width_px / gx, tile.height_px / gy);
    let fits = tile.width_px.max(tile.height_px) <= LARGEST_TILE_PX && tile.width_px.min(tile.height_px) >= 128;
    (is_aligned && fits && !size.is_untiled()).then_some(TileGrid { tile, passes_through: false })
}

impl Decoder for Jp2Decoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let level = wanted.level as u8;
        let region = wanted.region;
        let rows = self.band_rows(level, region.w).min(region.h);
        let strip = u64::from(region.w) * u64::from(rows) * self.interpretation.format.bytes_per_pixel() as u64;
        let whole = self.level_area(level).area_px().max(1);
        let share = (u128::from(self.range.length) * u128::from(region.area_px()) / u128::from(whole)) as u64;
        Cost {
            bytes_read: share,
            bytes_held: self.held(level, region.w, rows).saturating_add(strip),
            pixels: region.area_px(),
        }
    }

    fn metadata(&self) -> Result<Metadata, DecodeError> {
        self.beside.read(self.source.as_ref(), self.max_bytes)
    }

    fn held_bytes(&self) -> u64 {
        let size = &self.header.size;
        let tiles = u64::from(size.tiles().0) * u64::from(size.tiles().1);
        let parts = self.parts.get().map_or(tiles * BYTES_PER_TILE, TileParts::bytes);
        let of_component = size_of::<Component>() + size_of::<CodingStyle>() + size_of::<Arc<Quantisation>>();
        // Components share what is the same for all.
        let steps = self.header.quantisation.iter().map(|own| (own.steps.len() * 4).div_ceil(Arc::strong_count(own)));
        let header = size.components.len() * of_component + steps.sum::<usize>();
        let icc = self.facts.icc.as_ref().map_or(0, |icc| icc.len());
        self.own_index_bytes().saturating_add(parts).saturating_add((header + icc) as u64)
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        assert_eq!(wanted.denominator, 1, "resolutions are levels");
        let size = self.facts.levels[wanted.level].size;
        assert!(wanted.region.is_inside(size), "the region {} is inside {size}", wanted.region);
        control.check()?;
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Jp2)?;
        let level = u8::try_from(wanted.level).map_err(|_| unsupported("so many resolutions"))?;
        Ok(Box::new(Bands {
            decoder: self,
            level,
            region: wanted.region,
            given: 0,
            edges: Mutex::default(),
            control: control.clone(),
        }))
    }
}

/// A region that is decoded band by band.
struct Bands<'a> {
    decoder: &'a Jp2Decoder,
    level: u8,
    region: Rect,
    given: u32,
    edges: Mutex<Edges>,
    control: Control,
}

impl RowSource for Bands<'_> {
    fn geometry(&self) -> DecodedGeometry {
        DecodedGeometry { format: self.decoder.interpretation.format, denominator: 1, rect: self.region }
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        if self.given == self.region.h {
            return Ok(None);
        }
        let decoder = self.decoder;
        let origin = decoder.level_area(self.level);
        let rows = decoder.band_rows(self.level, self.region.w);
        let y = self.region.y + self.given;
        // Bands end where a multiple of their height does, counted from the top of the image.
        let end = (u64::from(y / rows) + 1) * u64::from(rows);
        let end = end.min(self.region.bottom()) as u32;
        let area = Area {
            x0: origin.x0 + self.region.x,
            y0: origin.y0 + y,
            x1: origin.x0 + self.region.x + self.region.w,
            y1: origin.y0 + end,
        };
        let interpretation = &decoder.interpretation;
        let pixel = interpretation.format.bytes_per_pixel();
        let piece = if decoder.is_for_library() { u32::MAX } else { PIECE_PX };
        let kept = if self.region.area_px() <= REMEMBERED_PX {
            Kept::Memo(&decoder.memo, decoder.image)
        } else if area.height() < self.region.h || piece < self.region.w {
            Kept::Edges(&self.edges)
        } else {
            Kept::Nowhere
        };
        let mut raster = Raster::zeroed(dimensions(area), interpretation.format);
        let mut scratch = Vec::new();
        let mut x0 = area.x0;
        while x0 < area.x1 {
            let x1 = area.x1.min(x0.saturating_add(piece));
            let planes = decoder.planes(self.level, Area { x0, x1, ..area }, &kept, &self.control)?;
            let columns = (x0 - area.x0) as usize * pixel..(x1 - area.x0) as usize * pixel;
            for row in 0..area.height() {
                let out = &mut raster.row_mut(row)[columns.clone()];
                interpretation.row(&planes, x0, area.y0 + row, out, &mut scratch);
            }
            x0 = x1;
        }
        self.edges.lock().unwrap_or_else(PoisonError::into_inner).next_band();
        self.given += area.height();
        Ok(Some(raster))
    }
}
