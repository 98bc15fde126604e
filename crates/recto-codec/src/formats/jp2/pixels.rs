//! What components mean, and samples as pixels: depth, palette, channel order, subsampling, `YCbCr`.
//!
//! Samples are stretched to the full range of 8 or 16 bits here, so that the colour pipeline sees ordinary pixels.

use recto_iiif::Dimensions;

use super::boxes::{Boxes, ColorSpec, Definition, Mapping};
use super::codestream::{Area, Component, MainHeader};
use super::{corrupt, unsupported};
use crate::{ColorModel, DecodeError, PixelFormat};

/// Decoded samples of one component.
#[derive(Debug)]
pub(super) struct Plane {
    /// Where they lie, in samples of the reduced component.
    pub(super) area: Area,
    pub(super) samples: Vec<i32>,
}

impl Plane {
    /// Copies what of another plane lies in this one.
    pub(super) fn paste(&mut self, from: &Self) {
        let both = self.area.intersection(from.area);
        if both.is_empty() {
            return;
        }
        let width = both.width() as usize;
        for y in both.y0..both.y1 {
            let start = (both.x0 - from.area.x0) as usize;
            let to = (y - self.area.y0) as usize * self.area.width() as usize + (both.x0 - self.area.x0) as usize;
            if let (Some(from), Some(to)) =
                (from.row(y).get(start..start + width), self.samples.get_mut(to..to + width))
            {
                to.copy_from_slice(from);
            }
        }
    }

    pub(super) fn row(&self, y: u32) -> &[i32] {
        let width = self.area.width() as usize;
        let row = (y.clamp(self.area.y0, self.area.y1.saturating_sub(1)) - self.area.y0) as usize;
        self.samples.get(row * width..(row + 1) * width).unwrap_or_default()
    }
}

/// From a component's samples to 8 or 16 bits.
#[derive(Clone, Debug)]
enum Scale {
    /// They have that many bits already; this is added.
    Offset(i32),
    /// One value for each sample from this one on.
    Table(i32, Vec<u16>),
    /// More than 16 bits: this is added, and the largest sample that there can be.
    Wide(i64, i64),
}

/// One sample of a pixel.
#[derive(Clone, Debug)]
struct Channel {
    /// Index into [`Interpretation::components`].
    plane: usize,
    scale: Scale,
}

/// How samples become pixels.
#[derive(Clone, Debug)]
pub(super) struct Interpretation {
    pub(super) color: ColorModel,
    pub(super) format: PixelFormat,
    /// Bits of a stored sample.
    pub(super) bits: u8,
    pub(super) icc: Option<Vec<u8>>,
    /// Samples are numbers of colours: they must not be averaged.
    pub(super) is_palette: bool,
    /// The components that are needed, ascending.
    pub(super) components: Vec<usize>,
    /// Their distances on the reference grid.
    steps: Vec<(u32, u32)>,
    /// Distance of pixels on the reference grid.
    pub(super) step: (u32, u32),
    channels: Vec<Channel>,
    is_ycc: bool,
    is_premultiplied: bool,
}

/// What the colour channels are together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Gray,
    /// Black is 1.
    InvertedGray,
    Rgb,
    Cmy,
    Ycc,
    Cmyk,
    Lab,
}

impl Space {
    const fn channels(self) -> usize {
        match self {
            Self::Gray | Self::InvertedGray => 1,
            Self::Rgb | Self::Cmy | Self::Ycc | Self::Lab => 3,
            Self::Cmyk => 4,
        }
    }
}

/// A channel before its meaning is known: where it comes from, and its depth.
#[derive(Clone, Copy, Debug)]
struct Source {
    component: usize,
    column: Option<usize>,
    bits: u8,
    signed: bool,
}

impl Interpretation {
    /// Decides from the boxes, or from the components alone.
    pub(super) fn new(boxes: &Boxes, header: &MainHeader, is_bare: bool) -> Result<Self, DecodeError> {
        let components = &header.size.components;
        let sources = sources(boxes, components)?;
        let (space, icc, parameters) = space(boxes, &sources, components)?;
        let (colors, alpha) = order(&boxes.definitions, &sources, space, is_bare);
        let used: Vec<Source> = colors.iter().copied().chain(alpha.map(|(source, _)| source)).collect();
        let bits = colors.iter().map(|source| source.bits).max().unwrap_or(8);
        let is_wide = used.iter().any(|source| source.bits > 8);
        let target = if is_wide { 16 } else { 8 };
        let format = match (space, alpha.is_some(), is_wide) {
            (Space::Gray | Space::InvertedGray, false, false) => PixelFormat::Gray8,
            (Space::Gray | Space::InvertedGray, true, false) => PixelFormat::GrayAlpha8,
            (Space::Gray | Space::InvertedGray, false, true) => PixelFormat::Gray16,
            (Space::Gray | Space::InvertedGray, true, true) => PixelFormat::GrayAlpha16,
            (Space::Rgb | Space::Cmy | Space::Ycc, false, false) => PixelFormat::Rgb8,
            (Space::Rgb | Space::Cmy | Space::Ycc, true, false) => PixelFormat::Rgba8,
            (Space::Rgb | Space::Cmy | Space::Ycc, false, true) => PixelFormat::Rgb16,
            (Space::Rgb | Space::Cmy | Space::Ycc, true, true) => PixelFormat::Rgba16,
            (Space::Cmyk, _, false) => PixelFormat::Cmyk8,
            (Space::Cmyk, _, true) => PixelFormat::Cmyk16,
            (Space::Lab, _, false) => PixelFormat::Lab8,
            (Space::Lab, _, true) => PixelFormat::Lab16,
        };
        let kept = &used[..format.samples().min(used.len())];
        let mut needed: Vec<usize> = kept.iter().map(|source| source.component).collect();
        needed.sort_unstable();
        needed.dedup();
        let channels = kept
            .iter()
            .enumerate()
            .map(|(slot, source)| Channel {
                plane: needed.binary_search(&source.component).unwrap_or(0),
                scale: scale(*source, slot, target, space, parameters.as_deref(), boxes),
            })
            .collect();
        let steps: Vec<(u32, u32)> =
            needed.iter().filter_map(|number| components.get(*number)).map(|c| (c.dx, c.dy)).collect();
        let step =
            (steps.iter().map(|step| step.0).min().unwrap_or(1), steps.iter().map(|step| step.1).min().unwrap_or(1));
        let color = match space {
            Space::Gray | Space::InvertedGray if bits == 1 && alpha.is_none() => ColorModel::Bitonal,
            Space::Gray | Space::InvertedGray => ColorModel::Gray,
            Space::Rgb | Space::Cmy | Space::Ycc => ColorModel::Rgb,
            Space::Cmyk => ColorModel::Cmyk,
            Space::Lab => ColorModel::Lab,
        };
        Ok(Self {
            color,
            format,
            bits,
            icc,
            is_palette: colors.iter().any(|source| source.column.is_some()),
            components: needed,
            steps,
            step,
            channels,
            is_ycc: space == Space::Ycc,
            is_premultiplied: format.has_alpha() && alpha.is_some_and(|(_, premultiplied)| premultiplied),
        })
    }

    /// What of each needed component `area` of a level needs. `whole` is the level.
    pub(super) fn component_areas(&self, header: &MainHeader, level: u8, area: Area) -> Vec<Area> {
        let areas = self.components.iter().zip(&self.steps).map(|(number, &(dx, dy))| {
            let Some(component) = header.size.components.get(*number) else { return area };
            let whole = header.size.image.divided(component.dx, component.dy).reduced(level);
            let (x0, x1) = mapped(area.x0, area.x1, (self.step.0, dx), (whole.x0, whole.x1));
            let (y0, y1) = mapped(area.y0, area.y1, (self.step.1, dy), (whole.y0, whole.y1));
            Area { x0, y0, x1, y1 }
        });
        areas.collect()
    }

    /// Writes one row of `out.len()` bytes: pixels of the level from column `x0` on, in its row `y`. `planes` are those of the
    /// needed components.
    pub(super) fn row(&self, planes: &[Plane], x0: u32, y: u32, out: &mut [u8], scratch: &mut Vec<u16>) {
        let samples = self.format.samples();
        let width = out.len() / self.format.bytes_per_pixel();
        let rows: Vec<Row<'_>> = self
            .channels
            .iter()
            .map(|channel| {
                let (dx, dy) = self.steps.get(channel.plane).copied().unwrap_or(self.step);
                let Some(plane) = planes.get(channel.plane) else {
                    return Row { samples: &[], start: 0, step: (1, 1), scale: &channel.scale };
                };
                let y = (u64::from(y) * u64::from(self.step.1) / u64::from(dy)) as u32;
                Row { samples: plane.row(y), start: plane.area.x0, step: (self.step.0, dx), scale: &channel.scale }
            })
            .collect();
        if self.format.bytes_per_sample() == 1 && !self.is_ycc && !self.is_premultiplied {
            if let [r, g, b] = &rows[..]
                && let (Some(r), Some(g), Some(b)) = (r.plain(x0, width), g.plain(x0, width), b.plain(x0, width))
            {
                for (pixel, ((r, g), b)) in out.as_chunks_mut::<3>().0.iter_mut().zip(r.iter().zip(g).zip(b)) {
                    *pixel = [byte(*r), byte(*g), byte(*b)];
                }
                return;
            }
            for (slot, row) in rows.iter().enumerate() {
                if let Some(plain) = row.plain(x0, width) {
                    for (target, sample) in out.iter_mut().skip(slot).step_by(samples).zip(plain) {
                        *target = byte(*sample);
                    }
                } else {
                    row.each(x0, width, 8, |at, sample| out[at * samples + slot] = sample as u8);
                }
            }
            return;
        }
        let is_wide = self.format.bytes_per_sample() == 2;
        let bits = if is_wide { 16 } else { 8 };
        scratch.clear();
        scratch.resize(width * samples, 0);
        for (slot, row) in rows.iter().enumerate() {
            row.each(x0, width, bits, |at, sample| scratch[at * samples + slot] = sample);
        }
        let max = if is_wide { 65_535_u16 } else { 255 };
        if self.is_ycc {
            for pixel in scratch.chunks_exact_mut(samples) {
                if let [a, b, c, ..] = pixel {
                    [*a, *b, *c] = rgb_of_ycc([*a, *b, *c], max);
                }
            }
        }
        if self.is_premultiplied {
            for pixel in scratch.chunks_exact_mut(samples) {
                if let Some((alpha, colors)) = pixel.split_last_mut()
                    && *alpha > 0
                {
                    for color in colors {
                        let full = u32::from(*color) * u32::from(max);
                        *color = ((full + u32::from(*alpha) / 2) / u32::from(*alpha)).min(max.into()) as u16;
                    }
                }
            }
        }
        if is_wide {
            for (target, sample) in out.as_chunks_mut::<2>().0.iter_mut().zip(&*scratch) {
                *target = sample.to_ne_bytes();
            }
        } else {
            for (target, sample) in out.iter_mut().zip(&*scratch) {
                *target = *sample as u8;
            }
        }
    }

    /// Size of a pixel's planes while they are converted.
    pub(super) fn plane_bytes(&self, area: Dimensions) -> u64 {
        4 * self.components.len() as u64 * area.area_px()
    }
}

fn byte(sample: i32) -> u8 {
    sample.clamp(0, 255) as u8
}

/// The samples that the pixels `from..to` show, of a component whose samples are `steps.1` apart where pixels are `steps.0`.
fn mapped(from: u32, to: u32, steps: (u32, u32), whole: (u32, u32)) -> (u32, u32) {
    let at = |pixel: u32| (u64::from(pixel) * u64::from(steps.0) / u64::from(steps.1)) as u32;
    if whole.0 >= whole.1 {
        return (whole.0, whole.0);
    }
    let first = at(from).clamp(whole.0, whole.1 - 1);
    let last = at(to.saturating_sub(1)).clamp(first, whole.1 - 1);
    (first, last + 1)
}

/// One row of one component as a channel.
struct Row<'a> {
    samples: &'a [i32],
    start: u32,
    step: (u32, u32),
    scale: &'a Scale,
}

impl Row<'_> {
    /// The samples themselves, where they are the pixels'.
    fn plain(&self, x0: u32, width: usize) -> Option<&[i32]> {
        let Scale::Offset(0) = self.scale else { return None };
        if self.step.0 != self.step.1 {
            return None;
        }
        let first = x0.checked_sub(self.start)? as usize;
        self.samples.get(first..first.checked_add(width)?)
    }

    /// Calls `put` with each pixel's number and sample.
    fn each(&self, x0: u32, width: usize, bits: u32, mut put: impl FnMut(usize, u16)) {
        let Some(last) = self.samples.len().checked_sub(1) else { return };
        let max = (1_i32 << bits) - 1;
        for at in 0..width {
            let x = u64::from(x0) + at as u64;
            let column =
                if self.step.0 == self.step.1 { x } else { x * u64::from(self.step.0) / u64::from(self.step.1) };
            let index = (column.saturating_sub(self.start.into()) as usize).min(last);
            let sample = self.samples[index];
            let value = match self.scale {
                Scale::Offset(offset) => sample.saturating_add(*offset).clamp(0, max) as u16,
                Scale::Table(first, table) => {
                    let index = (i64::from(sample) - i64::from(*first)).clamp(0, table.len() as i64 - 1);
                    table[index as usize]
                }
                Scale::Wide(offset, most) => {
                    let value = (i64::from(sample) + offset).clamp(0, *most);
                    ((value * i64::from(max) + most / 2) / most) as u16
                }
            };
            put(at, value);
        }
    }
}

fn rgb_of_ycc([y, cb, cr]: [u16; 3], max: u16) -> [u16; 3] {
    let half = f32::from(max / 2 + 1);
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - half, f32::from(cr) - half);
    let round = |value: f32| (value + 0.5).clamp(0.0, max.into()) as u16;
    [round(y + 1.402 * cr), round(y - 0.344_136 * cb - 0.714_136 * cr), round(y + 1.772 * cb)]
}

/// The channels in their order in the file: components, or what the component mapping makes of them.
fn sources(boxes: &Boxes, components: &[Component]) -> Result<Vec<Source>, DecodeError> {
    let direct = |number: usize, component: &Component| Source {
        component: number,
        column: None,
        bits: component.bits,
        signed: component.signed,
    };
    let Some(palette) = &boxes.palette else {
        return Ok(components.iter().enumerate().map(|(number, component)| direct(number, component)).collect());
    };
    let usual: Vec<Mapping> =
        (0..palette.columns.len()).map(|column| Mapping { component: 0, column: u8::try_from(column).ok() }).collect();
    let mappings = if boxes.mappings.is_empty() { &usual } else { &boxes.mappings };
    mappings
        .iter()
        .map(|mapping| {
            let number = usize::from(mapping.component);
            let component = components.get(number).ok_or_else(|| corrupt("its palette is for a missing component"))?;
            let Some(column) = mapping.column.map(usize::from) else { return Ok(direct(number, component)) };
            let (bits, signed) =
                *palette.columns.get(column).ok_or_else(|| corrupt("its palette lacks a column that is used"))?;
            if component.bits > 16 {
                return Err(corrupt("its palette is for numbers of more than 16 bits"));
            }
            Ok(Source { component: number, column: Some(column), bits, signed })
        })
        .collect()
}

/// The colour space, the profile that goes with it, and ranges and offsets of `CIELab`.
type Meaning = (Space, Option<Vec<u8>>, Option<Vec<u32>>);

/// What the colour channels are, by the first colour specification that fits them.
fn space(boxes: &Boxes, sources: &[Source], components: &[Component]) -> Result<Meaning, DecodeError> {
    let colors = color_count(&boxes.definitions, sources.len());
    let mut unknown = None;
    for spec in &boxes.colors {
        let (space, icc, parameters) = match spec {
            ColorSpec::Enumerated(number, parameters) => {
                let space = match number {
                    0 => Space::InvertedGray,
                    15 | 17 => Space::Gray,
                    11 => Space::Cmy,
                    12 => Space::Cmyk,
                    14 => Space::Lab,
                    16 => Space::Rgb,
                    18 => Space::Ycc,
                    _ => {
                        unknown.get_or_insert_with(|| format!("the enumerated colour space {number}"));
                        continue;
                    }
                };
                (space, None, (space == Space::Lab).then(|| parameters.clone()))
            }
            ColorSpec::Profile(profile) => {
                let space = match profile.get(16..20) {
                    Some(b"GRAY") => Space::Gray,
                    Some(b"CMYK") => Space::Cmyk,
                    Some(b"Lab ") => Space::Lab,
                    // Also what nobody can use: then it is as if absent.
                    _ if colors < 3 => Space::Gray,
                    _ => Space::Rgb,
                };
                (space, Some(profile.clone()), None)
            }
        };
        // A colour specification for more channels than there are is wrong; the components decide.
        if space.channels() <= sources.len() {
            let space =
                if space == Space::Rgb && has_subsampled_chroma(sources, components) { Space::Ycc } else { space };
            return Ok((space, icc, parameters));
        }
    }
    if let Some(what) = unknown {
        return Err(unsupported(what));
    }
    let space = match colors {
        0..=2 => Space::Gray,
        _ if has_subsampled_chroma(sources, components) => Space::Ycc,
        _ => Space::Rgb,
    };
    Ok((space, None, None))
}

/// Channels that are colours, as far as the definitions say.
fn color_count(definitions: &[Definition], channels: usize) -> usize {
    let others = definitions.iter().filter(|definition| definition.kind != 0).count();
    channels.saturating_sub(others).max(1)
}

/// Writers leave luma and chroma unnamed; that the second and third component have fewer samples tells them.
fn has_subsampled_chroma(sources: &[Source], components: &[Component]) -> bool {
    let step = |channel: usize| {
        let component = components.get(sources.get(channel)?.component)?;
        Some((component.dx, component.dy))
    };
    match (step(0), step(1), step(2)) {
        (Some(y), Some(cb), Some(cr)) => cb == cr && cb.0 >= y.0 && cb.1 >= y.1 && cb != y,
        _ => false,
    }
}

/// The colour channels in their order, and the one with the opacity of all (with whether colours were multiplied by it).
fn order(
    definitions: &[Definition],
    sources: &[Source],
    space: Space,
    is_bare: bool,
) -> (Vec<Source>, Option<(Source, bool)>) {
    let count = space.channels();
    let mut colors: Vec<Option<Source>> = vec![None; count];
    let mut alpha = None;
    for definition in definitions {
        let Some(source) = sources.get(usize::from(definition.channel)) else { continue };
        match (definition.kind, definition.association) {
            (0, association @ 1..) => {
                if let Some(place) = colors.get_mut(usize::from(association) - 1) {
                    place.get_or_insert(*source);
                }
            }
            (kind @ (1 | 2), _) => {
                alpha.get_or_insert((*source, kind == 2));
            }
            _ => {}
        }
    }
    if colors.iter().any(Option::is_none) {
        colors = sources.iter().take(count).map(|source| Some(*source)).collect();
    }
    // Without boxes nothing can say that the one channel behind the colours is their opacity; it is what writers mean.
    if is_bare && definitions.is_empty() && sources.len() == count + 1 && matches!(space, Space::Gray | Space::Rgb) {
        alpha = sources.last().map(|source| (*source, false));
    }
    (colors.into_iter().flatten().collect(), alpha)
}

/// How the samples of a channel become the `slot`th sample of a pixel of `target` bits.
fn scale(source: Source, slot: usize, target: u32, space: Space, lab_ranges: Option<&[u32]>, boxes: &Boxes) -> Scale {
    let bits = u32::from(source.bits);
    let offset = if source.signed { 1_i64 << (bits - 1) } else { 0 };
    let most = (1_i64 << bits) - 1;
    let full = (1_i64 << target) - 1;
    let inverted = matches!(space, Space::InvertedGray | Space::Cmy) && slot < space.channels();
    let value = |sample: i64| -> u16 {
        let sample = (sample + offset).clamp(0, most);
        if let Some(ranges) = lab_ranges {
            return lab(sample, slot, bits, target, ranges);
        }
        let value = (sample * full + most / 2) / most;
        (if inverted { full - value } else { value }) as u16
    };
    if let (Some(column), Some(palette)) = (source.column, &boxes.palette) {
        let values = palette.values.iter().skip(column).step_by(palette.columns.len().max(1));
        return Scale::Table(0, values.map(|sample| value(i64::from(*sample))).collect());
    }
    if bits == target && !inverted && lab_ranges.is_none() {
        return Scale::Offset(offset as i32);
    }
    if bits > 16 {
        return Scale::Wide(offset, most);
    }
    Scale::Table(-offset as i32, (0..=most).map(|sample| value(sample - offset)).collect())
}

/// `CIELab` of an enumerated colour space, with ranges and offsets of the three channels.
fn lab(sample: i64, slot: usize, bits: u32, target: u32, ranges: &[u32]) -> u16 {
    let power = |exponent: u32| 2_f64.powi(exponent as i32);
    let usual = [
        (100.0, 0.0),
        (170.0, power(bits - 1)),
        (200.0, power(bits.saturating_sub(2)) + power(bits.saturating_sub(3))),
    ];
    let (range, offset) = match (ranges.get(2 * slot), ranges.get(2 * slot + 1)) {
        (Some(range), Some(offset)) => (f64::from(*range), f64::from(*offset)),
        _ => usual.get(slot).copied().unwrap_or((0.0, 0.0)),
    };
    let value = range / (power(bits) - 1.0) * (sample as f64 - offset);
    let full = power(target) - 1.0;
    let scaled = match (slot, target) {
        (0, _) => value / 100.0 * full,
        (_, 8) => value + 128.0,
        _ => (value + 128.0) * 256.0,
    };
    scaled.round().clamp(0.0, full) as u16
}
