//! A tile: pixels become planes, coefficients, blocks and packets.

use super::super::block::Band;
use super::super::codestream::{Area, MainHeader};
use super::super::index::{BandIndex, PrecinctState, TileIndex};
use super::super::order::{Order, Packet};
use super::block::{self, NEGATIVE};
use super::forward::{self, Sample, Steps};
use super::header::{error_of_sample, error_weight};
use super::packets::{Block, Part, write_header};
use super::truncation::{self, Sizes};
use crate::PixelFormat;

/// The packets of a tile.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) bytes: Vec<u8>,
    /// How long each of them is.
    pub(super) lengths: Vec<u32>,
}

/// A row of tiles as pixels.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) format: PixelFormat,
    /// Of a row.
    pub(super) stride: usize,
}

/// Codes the tile at a place, whose pixels begin with the row of tiles.
pub(super) fn encode(header: &MainHeader, place: Area, pixels: Pixels<'_>) -> Packets {
    if header.coding.first().is_some_and(|coding| coding.reversible) {
        encode_as::<i32>(header, place, pixels)
    } else {
        encode_as::<f32>(header, place, pixels)
    }
}

fn encode_as<T: Sample>(header: &MainHeader, place: Area, pixels: Pixels<'_>) -> Packets {
    let mut planes = planes::<T>(place, pixels);
    if let (true, [first, second, third, ..]) = (header.color_transform, planes.as_mut_slice()) {
        T::colors(first, second, third);
    }
    for (plane, coding) in planes.iter_mut().zip(&header.coding) {
        forward::transform(plane, place.width() as usize, place.height() as usize, coding.levels);
    }
    let index = TileIndex::empty(header, place);
    let cells = cells(header, &index, place, &planes);
    let mut truncated = truncated(header, place, &cells).into_iter();
    let mut samples = block::Samples::new();
    let mut packets = Packets::default();
    for of_packet in cells {
        let mut body = Vec::new();
        let mut parts = Vec::new();
        for Cells { columns, coefficients, areas } in of_packet {
            let blocks = areas.into_iter().map(|area| {
                let gone = u32::from(truncated.next().unwrap_or(0)).min(31);
                let before = body.len();
                let value = |coefficient: T| {
                    let value = coefficient.coded(coefficients.steps);
                    value & NEGATIVE | (value & !NEGATIVE) >> gone
                };
                if samples.fill(coefficients.rows(area), value) {
                    block::encode(&samples, (area.width() as usize, area.height() as usize), &mut body);
                }
                let missing = u32::from(coefficients.band.planes).saturating_sub(1 + gone);
                Block { length: (body.len() - before) as u32, missing }
            });
            let blocks = blocks.collect();
            parts.push(Part { columns, blocks });
        }
        let before = packets.bytes.len();
        write_header(&parts, &mut packets.bytes);
        packets.bytes.extend_from_slice(&body);
        packets.lengths.push((packets.bytes.len() - before) as u32);
    }
    packets
}

/// How many bit planes each block leaves out, in order.
fn truncated<T: Sample>(header: &MainHeader, place: Area, cells: &[Vec<Cells<'_, T>>]) -> Vec<u8> {
    if header.coding.first().is_none_or(|coding| coding.reversible) {
        return Vec::new();
    }
    let sizes = cells.iter().flatten().flat_map(|Cells { coefficients, areas, .. }| {
        areas.iter().map(|area| {
            let all = coefficients.rows(*area).flatten();
            let sizes = Sizes::of(all.map(|coefficient| coefficient.magnitude(coefficients.steps)));
            (sizes, error_weight(header.color_transform, coefficients.component))
        })
    });
    let samples = place.area_px() as f32 * header.size.components.len() as f32;
    truncation::choose(&sizes.collect::<Vec<_>>(), samples * error_of_sample(header.color_transform))
}

/// The blocks of a band in a precinct.
struct Cells<'a, T> {
    columns: u32,
    coefficients: Coefficients<'a, T>,
    /// Row after row.
    areas: Vec<Area>,
}

/// Those of each packet, in order.
fn cells<'a, T: Sample>(
    header: &MainHeader,
    index: &'a TileIndex,
    place: Area,
    planes: &'a [Vec<T>],
) -> Vec<Vec<Cells<'a, T>>> {
    let of_packet = |packet: Packet| {
        let plane = planes.get(packet.component)?;
        let resolutions = &index.components.get(packet.component)?.resolutions;
        let resolution = resolutions.get(packet.resolution)?;
        let level = resolutions.len() - packet.resolution.max(1);
        let precinct = PrecinctState::new(packet.precinct, resolution);
        let cells = resolution.bands.iter().zip(precinct.bands).map(|(band, of_precinct)| {
            let (first_column, first_row) =
                (band.origin.0 + of_precinct.first_column, band.origin.1 + of_precinct.first_row);
            let rows = first_row..first_row + of_precinct.rows;
            let areas = rows.flat_map(|row| {
                (first_column..first_column + of_precinct.columns).map(move |column| band.block_area(column, row))
            });
            let most = 1_u32.checked_shl(band.planes.into()).map_or(!NEGATIVE, |count| count - 1);
            let steps = Steps { per_unit: 1.0 / band.step, most };
            let (component, width) = (packet.component, place.width() as usize);
            let coefficients = Coefficients { plane, width, level, component, band, steps };
            Cells { columns: of_precinct.columns, coefficients, areas: areas.collect() }
        });
        Some(cells.collect())
    };
    Order::new(header, index, place).filter_map(of_packet).collect()
}

/// A plane for each component, around zero.
fn planes<T: Sample>(place: Area, pixels: Pixels<'_>) -> Vec<Vec<T>> {
    let (pixel, count) = (pixels.format.bytes_per_pixel(), pixels.format.samples());
    let columns = place.x0 as usize * pixel..place.x1 as usize * pixel;
    let rows = || {
        let rows = pixels.bytes.chunks_exact(pixels.stride).take(place.height() as usize);
        rows.map(|row| row.get(columns.clone()).unwrap_or_default())
    };
    (0..count)
        .map(|component| {
            let mut plane = Vec::with_capacity(place.area_px() as usize);
            for row in rows() {
                if pixels.format.bytes_per_sample() == 1 {
                    plane.extend(row.iter().skip(component).step_by(count).map(|byte| T::of(i32::from(*byte) - 128)));
                } else {
                    let words = row.as_chunks::<2>().0.iter().skip(component).step_by(count);
                    plane.extend(words.map(|word| T::of(i32::from(u16::from_ne_bytes(*word)) - 32_768)));
                }
            }
            plane
        })
        .collect()
}

/// A band within the plane that was transformed.
#[derive(Clone, Copy)]
struct Coefficients<'a, T> {
    plane: &'a [T],
    width: usize,
    /// How often it was transformed to come to the band.
    level: usize,
    component: usize,
    band: &'a BandIndex,
    steps: Steps,
}

impl<'a, T: Sample> Coefficients<'a, T> {
    /// The rows of an area of the band.
    fn rows(&self, area: Area) -> impl Iterator<Item = &'a [T]> {
        let Self { plane, width, level, band, .. } = *self;
        let (x, y) = (area.x0.saturating_sub(band.area.x0) as usize, area.y0.saturating_sub(band.area.y0) as usize);
        let is_high = (matches!(band.kind, Band::Hl | Band::Hh), matches!(band.kind, Band::Lh | Band::Hh));
        // High columns lie behind the low ones, high rows below each low one.
        let low_columns = (0..level).fold(width, |width, _| width.div_ceil(2));
        let start = x + if is_high.0 { low_columns } else { 0 };
        let columns = start..start + area.width() as usize;
        let row = move |y: usize| match (band.kind, level) {
            (Band::Ll, level) => y << level,
            (_, level) => (2 * y + usize::from(is_high.1)) << (level - 1),
        };
        (y..y + area.height() as usize).map(move |y| {
            let start = row(y) * width;
            plane.get(start + columns.start..start + columns.end).unwrap_or_default()
        })
    }
}
