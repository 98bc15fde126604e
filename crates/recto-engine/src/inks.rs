//! Four inks to sRGB by a profile's own table, every pixel through it.
//!
//! The colour engine that serves everything else first samples a profile of inks at 17 points an axis, as sRGB, and
//! interpolates between those. A coarse table with steep curves before it (six points an axis occur) has its corners elsewhere,
//! which gave differences of up to 3.4 (CIEDE2000) from what other programs show. Here each pixel is looked up in the table
//! itself: linearly along the first ink and by tetrahedra in the other three, as the common colour engines do.

use std::array;

use moxcms::{ColorProfile, DataColorSpace, LutStore, LutType, LutWarehouse, ProfileVersion, RenderingIntent};

use crate::color::{D50, xyz_of_lab, xyz_to_light};

/// Black of the reference medium of perceptual tables in profiles of version 4.
const PERCEPTUAL_BLACK: [f64; 3] = [0.003_36, 0.003_473_1, 0.002_87];

/// The table of a profile for one intent.
pub(crate) struct Inks {
    /// The curve of each ink, in places of the table: 0 to `side - 1`.
    curves: [Vec<f32>; 4],
    /// The same at the 256 values of 8 bits.
    shades: [Vec<f32>; 4],
    side: usize,
    /// `side⁴` points, the last ink fastest.
    points: Vec<[f32; 3]>,
    /// Curves behind the table; empty where they change nothing.
    outputs: Vec<Vec<f32>>,
    /// What 1.0 is as L*, a* and b*.
    full: [f64; 3],
    /// Each of X, Y and Z is multiplied by the first and increased by the second: black point, or paper white.
    adapt: [(f64, f64); 3],
}

impl Inks {
    /// The table of this profile; `None` when it has none of the kind that is understood here.
    pub(crate) fn new(profile: &ColorProfile, intent: RenderingIntent) -> Option<Self> {
        let table = match intent {
            RenderingIntent::Perceptual => profile.lut_a_to_b_perceptual.as_ref(),
            RenderingIntent::Saturation => profile.lut_a_to_b_saturation.as_ref(),
            _ => profile.lut_a_to_b_colorimetric.as_ref(),
        };
        let Some(LutWarehouse::Lut(lut)) = table.or(profile.lut_a_to_b_perceptual.as_ref()) else { return None };
        let side = usize::from(lut.num_clut_grid_points);
        if (lut.num_input_channels, lut.num_output_channels, profile.pcs) != (4, 3, DataColorSpace::Lab) || side < 2 {
            return None;
        }
        let inputs = cut(&floats(&lut.input_table), usize::from(lut.num_input_table_entries), 4)?;
        let outputs = cut(&floats(&lut.output_table), usize::from(lut.num_output_table_entries), 3)?;
        let points = floats(&lut.clut_table).as_chunks::<3>().0.to_vec();
        if points.len() != side.checked_pow(4)? {
            return None;
        }
        let reach = (side - 1) as f32;
        let curves: [Vec<f32>; 4] =
            array::from_fn(|ink| inputs[ink].iter().map(|value| value.clamp(0.0, 1.0) * reach).collect());
        let shades =
            array::from_fn(|ink| (0..=255_u8).map(|value| at(&curves[ink], f32::from(value) / 255.0)).collect());
        let changes = outputs.iter().any(|curve| !is_straight(curve));
        let mut inks = Self {
            curves,
            shades,
            side,
            points,
            outputs: if changes { outputs } else { Vec::new() },
            // 16-bit tables have 100 and 255 at 0xff00, 8-bit ones at 255.
            full: if lut.lut_type == LutType::Lut8 {
                [100.0, 255.0, 255.0]
            } else {
                [65_535.0 / 652.8, 65_535.0 / 256.0, 65_535.0 / 256.0]
            },
            adapt: [(1.0, 0.0); 3],
        };
        inks.adapt = inks.adaptation(profile, intent);
        Some(inks)
    }

    fn adaptation(&self, profile: &ColorProfile, intent: RenderingIntent) -> [(f64, f64); 3] {
        let is_perceptual = matches!(intent, RenderingIntent::Perceptual | RenderingIntent::Saturation);
        let black = match intent {
            RenderingIntent::AbsoluteColorimetric => {
                let white = profile.media_white_point.map_or(D50, |white| [white.x, white.y, white.z]);
                let sane = white.iter().all(|value| *value > 0.1 && *value < 2.0);
                return array::from_fn(|axis| (if sane { white[axis] / D50[axis] } else { 1.0 }, 0.0));
            }
            _ if is_perceptual && profile.version() >= ProfileVersion::V4_0 => PERCEPTUAL_BLACK,
            _ if is_perceptual => return [(1.0, 0.0); 3],
            // Black point compensation: the darkest that all inks together give, as a neutral, becomes black.
            _ => {
                let [l, _, _] = self.lab(self.places([1.0; 4]));
                xyz_of_lab([l.clamp(0.0, 50.0), 0.0, 0.0])
            }
        };
        array::from_fn(|axis| {
            let scale = D50[axis] / (D50[axis] - black[axis]);
            (scale, -black[axis] * scale)
        })
    }

    /// Light of sRGB's primaries, 0 to 1 and what lies outside, of inks from 0 to 255.
    pub(crate) fn light8(&self, inks: [u8; 4]) -> [f64; 3] {
        self.light(array::from_fn(|ink| self.shades[ink][usize::from(inks[ink])]))
    }

    /// Light of sRGB's primaries of inks from 0 to 65535.
    pub(crate) fn light16(&self, inks: [u16; 4]) -> [f64; 3] {
        self.light(self.places(inks.map(|ink| f32::from(ink) / 65_535.0)))
    }

    fn places(&self, inks: [f32; 4]) -> [f32; 4] {
        array::from_fn(|ink| at(&self.curves[ink], inks[ink]))
    }

    fn light(&self, places: [f32; 4]) -> [f64; 3] {
        let xyz = xyz_of_lab(self.lab(places));
        xyz_to_light(array::from_fn(|axis| xyz[axis] * self.adapt[axis].0 + self.adapt[axis].1))
    }

    fn lab(&self, places: [f32; 4]) -> [f64; 3] {
        let side = self.side;
        let cell = places.map(|place| (place as usize).min(side - 2));
        let rest: [f32; 4] = array::from_fn(|ink| places[ink] - cell[ink] as f32);
        let steps = [side * side * side, side * side, side, 1];
        let corner: usize = (0..4).map(|ink| cell[ink] * steps[ink]).sum();
        let near = self.tetrahedron(corner, &steps, &rest);
        let far = if rest[0] > 0.0 { self.tetrahedron(corner + steps[0], &steps, &rest) } else { near };
        let mut values: [f32; 3] = array::from_fn(|axis| near[axis] + (far[axis] - near[axis]) * rest[0]);
        for (value, curve) in values.iter_mut().zip(&self.outputs) {
            *value = at(curve, *value);
        }
        let [l, a, b] = array::from_fn(|axis| f64::from(values[axis]) * self.full[axis]);
        [l, a - 128.0, b - 128.0]
    }

    /// From the corner of a cube along its edges, the axis with the most left first: the tetrahedron that the place is in.
    fn tetrahedron(&self, corner: usize, steps: &[usize; 4], rest: &[f32; 4]) -> [f32; 3] {
        let mut order = [1, 2, 3];
        order.sort_by(|a, b| rest[*b].total_cmp(&rest[*a]));
        let mut place = corner;
        let mut last = self.points[corner];
        let mut sum = last;
        for axis in order {
            if rest[axis] <= 0.0 {
                break;
            }
            place += steps[axis];
            let next = self.points[place];
            for ((sum, next), last) in sum.iter_mut().zip(next).zip(last) {
                *sum += (next - last) * rest[axis];
            }
            last = next;
        }
        sum
    }
}

/// The curve at `x`, 0 to 1, between its two nearest entries.
fn at(curve: &[f32], x: f32) -> f32 {
    let place = x.clamp(0.0, 1.0) * (curve.len() - 1) as f32;
    let index = (place as usize).min(curve.len().saturating_sub(2));
    let (from, to) = (curve[index], curve[(index + 1).min(curve.len() - 1)]);
    from + (to - from) * (place - index as f32)
}

fn is_straight(curve: &[f32]) -> bool {
    let last = (curve.len() - 1) as f32;
    curve.iter().enumerate().all(|(index, value)| (value - index as f32 / last).abs() < 1e-5)
}

/// `count` curves of `entries` each; `None` when there are fewer, or none of two entries.
fn cut(values: &[f32], entries: usize, count: usize) -> Option<Vec<Vec<f32>>> {
    if entries < 2 {
        return None;
    }
    (0..count).map(|curve| Some(values.get(curve * entries..(curve + 1) * entries)?.to_vec())).collect()
}

fn floats(store: &LutStore) -> Vec<f32> {
    match store {
        LutStore::Store8(values) => values.iter().map(|value| f32::from(*value) / 255.0).collect(),
        LutStore::Store16(values) => values.iter().map(|value| f32::from(*value) / 65_535.0).collect(),
    }
}
