//! Requests that mean exactly what is stored: found by geometry and colour alone, without decoding anything.

use std::sync::Arc;

use recto_codec::{
    ColorModel, CutRequest, Decoder, ImageFacts, Level, Orientation, SourceFormat, StoredTile, TileGrid,
};
use recto_iiif::image::{Format, Quality, ResolvedRequest, Rotation};

use crate::color;
use crate::geometry::integer_scales;
use crate::options::{RenderOptions, StoredTiles};
use crate::plan::RenderPlan;

/// What serves the request as it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Tile { level: usize, column: u32, row: u32 },
    Whole,
}

/// Looks for a stored tile, or the stored whole, that is the request.
pub(crate) fn find(decoder: &dyn Decoder, request: &ResolvedRequest, options: &RenderOptions) -> Option<Stored> {
    let facts = decoder.facts();
    if options.stored_tiles == StoredTiles::Never
        || facts.orientation != Orientation::Normal
        || request.rotation != Rotation::NONE
        || !quality_is_stored(facts, request.quality)
    {
        return None;
    }
    let candidate = facts.levels.iter().enumerate().find_map(|(index, level)| {
        level.grid.filter(|grid| grid.passes_through).and_then(|grid| {
            let (column, row) = tile_of(facts, level, grid, request)?;
            Some((index, column, row))
        })
    });
    let Some((level, column, row)) = candidate else {
        let whole = request.format == Format::Jpg
            && facts.source_format == SourceFormat::Jpeg
            && request.size == facts.stored_size()
            && request.region == facts.stored_size().rect()
            && shows_as_stored(facts, options);
        return whole.then_some(Stored::Whole);
    };
    let tile = decoder.stored_tile(level, column, row)?;
    (tile.format == request.format
        && tile.size == request.size
        && shows_as_stored(facts, options)
        && (tile.format == Format::Jpg || color::is_srgb_as_stored(facts)))
    .then_some(Stored::Tile { level, column, row })
}

/// Looks for a part that can leave with its stored coefficients: what would be rendered is exactly pixels of a level, turned by
/// quarters at most, in colours as they are.
pub(crate) fn find_cut(
    decoder: &dyn Decoder,
    rendered: &RenderPlan,
    options: &RenderOptions,
) -> Option<(usize, CutRequest)> {
    let facts = decoder.facts();
    let as_it_lies = options.stored_tiles == StoredTiles::AsTheyLie
        && rendered.format == Format::Jpg
        && rendered.is_exact()
        && rendered.decode.denominator == 1
        && rendered.degrees.is_none()
        && rendered.threshold.is_none();
    let shows = color::is_srgb_as_stored(facts) || (!rendered.gray && shows_as_stored(facts, options));
    if !as_it_lies || !shows {
        return None;
    }
    let gray = rendered.gray && !matches!(facts.color, ColorModel::Gray | ColorModel::Bitonal);
    let cut = CutRequest { region: rendered.decode.region, turn: rendered.turn.orientation(), gray };
    decoder.can_cut(rendered.decode.level, &cut).then_some((rendered.decode.level, cut))
}

fn quality_is_stored(facts: &ImageFacts, quality: Quality) -> bool {
    match quality {
        Quality::Default | Quality::Color => true,
        Quality::Gray => matches!(facts.color, ColorModel::Gray | ColorModel::Bitonal),
        Quality::Bitonal => false,
    }
}

/// True when the stored samples need no conversion: they are sRGB, or stay under their profile, which then travels along.
fn shows_as_stored(facts: &ImageFacts, options: &RenderOptions) -> bool {
    color::is_srgb_as_stored(facts)
        || (facts.color != ColorModel::Cmyk && color::kept_profile(facts, options).is_some())
}

/// What the payload of an APP2 segment with a part of a profile begins with.
const ICC_MARK: &[u8] = b"ICC_PROFILE\0";
/// Bytes of a profile that one segment holds: 65535 without length, mark, number and count.
const ICC_PART: usize = 65_535 - 2 - 14;

/// The profile as APP2 segments; empty when it would take more than the 255 that there can be.
fn segments(icc: &[u8]) -> Vec<u8> {
    let parts = icc.chunks(ICC_PART);
    let Ok(count) = u8::try_from(parts.len()) else { return Vec::new() };
    let mut out = Vec::with_capacity(icc.len() + usize::from(count) * 18);
    for (part, number) in parts.zip(1..=count) {
        out.extend_from_slice(&[0xff, 0xe2]);
        out.extend_from_slice(&((part.len() + 16) as u16).to_be_bytes());
        out.extend_from_slice(ICC_MARK);
        out.extend_from_slice(&[number, count]);
        out.extend_from_slice(part);
    }
    out
}

/// The tile with the profile at the end of its head, unless it brings one.
pub(crate) fn with_profile(tile: StoredTile, icc: Option<&[u8]>) -> StoredTile {
    match icc {
        Some(icc) if tile.format == Format::Jpg && !has_profile(&tile.head) => {
            StoredTile { head: Arc::from([&tile.head, segments(icc).as_slice()].concat()), ..tile }
        }
        _ => tile,
    }
}

/// A complete JPEG with the profile behind its first marker, unless it brings one.
pub(crate) fn with_profile_first(jpeg: &[u8], icc: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(jpeg.len().min(2));
    if has_profile(jpeg.get(..jpeg.len().min(4096)).unwrap_or_default()) {
        return jpeg.to_vec();
    }
    [start, &segments(icc), rest].concat()
}

fn has_profile(head: &[u8]) -> bool {
    head.windows(ICC_MARK.len()).any(|window| window == ICC_MARK)
}

/// The column and row of the tile of this level that the request is, if it is one.
fn tile_of(facts: &ImageFacts, level: &Level, grid: TileGrid, request: &ResolvedRequest) -> Option<(u32, u32)> {
    let full = facts.stored_size();
    integer_scales(full, level.size).find_map(|scale| {
        let axis = |start: u32, length: u32, full: u32, level: u32, tile: u32, size: u32| {
            let step = u64::from(tile) * u64::from(scale);
            let index = u64::from(start).checked_div(step)?;
            let end = ((index + 1) * step).min(u64::from(full));
            let first = u32::try_from(index * u64::from(tile)).ok()?;
            let visible = level.checked_sub(first)?.min(tile);
            let is_tile = index * step == u64::from(start)
                && end == u64::from(start) + u64::from(length)
                && length.div_ceil(scale) == size
                // A level that was rounded down lacks the last pixel that the size function announces.
                && visible == size;
            is_tile.then_some(index as u32)
        };
        let region = request.region;
        let column =
            axis(region.x, region.w, full.width_px, level.size.width_px, grid.tile.width_px, request.size.width_px)?;
        let row = axis(
            region.y,
            region.h,
            full.height_px,
            level.size.height_px,
            grid.tile.height_px,
            request.size.height_px,
        )?;
        Some((column, row))
    })
}
