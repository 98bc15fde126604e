//! The land of the example map: heights on a grid, water running down it, and the distance to the shore.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::random::{fractal, noise};

/// A grid of values, row by row.
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Grid {
    fn filled(width: usize, height: usize, value: f32) -> Self {
        Self { width, height, values: vec![value; width * height] }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y.min(self.height - 1) * self.width + x.min(self.width - 1)]
    }

    /// The value between four grid points.
    pub(super) fn between(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x.clamp(0.0, self.width as f32 - 1.0), y.clamp(0.0, self.height as f32 - 1.0));
        let (cell_x, cell_y) = (x as usize, y as usize);
        let (fx, fy) = (x - cell_x as f32, y - cell_y as f32);
        let top = self.at(cell_x, cell_y) * (1.0 - fx) + self.at(cell_x + 1, cell_y) * fx;
        let bottom = self.at(cell_x, cell_y + 1) * (1.0 - fx) + self.at(cell_x + 1, cell_y + 1) * fx;
        top * (1.0 - fy) + bottom * fy
    }

    fn neighbours(&self, index: usize) -> impl Iterator<Item = (usize, f32)> + use<> {
        let (x, y) = ((index % self.width) as isize, (index / self.width) as isize);
        let (width, height) = (self.width as isize, self.height as isize);
        (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (dx, dy))).filter_map(move |(dx, dy): (isize, isize)| {
            let (nx, ny) = (x + dx, y + dy);
            let inside = (dx, dy) != (0, 0) && (0..width).contains(&nx) && (0..height).contains(&ny);
            inside
                .then(|| ((ny * width + nx) as usize, if dx != 0 && dy != 0 { std::f32::consts::SQRT_2 } else { 1.0 }))
        })
    }
}

/// A river: grid points from the spring down, with the water it carries at each.
pub(super) struct River {
    pub(super) points: Vec<(f32, f32)>,
    pub(super) flows: Vec<f32>,
}

/// Everything that is drawn of the land.
pub(super) struct Terrain {
    /// Metres above the sea; below 0 is water.
    pub(super) heights: Grid,
    /// Grid steps to the nearest shore, on land and at sea alike.
    pub(super) shore: Grid,
    pub(super) rivers: Vec<River>,
    /// Metres of water over hollows of the land; a lake where there are some.
    pub(super) lakes: Grid,
}

const SEED: u64 = 20_261;
/// A hollow this deep holds a lake.
pub(super) const LAKE_METRES: f32 = 5.0;
/// Highest metres that the heights are stretched to.
const SUMMIT: f32 = 2350.0;

impl Terrain {
    pub(super) fn grow(width: usize, height: usize) -> Self {
        let mut heights = raw_heights(width, height);
        let mut lakes = Grid { width, height, values: heights.values.clone() };
        let (order, down) = drain(&mut heights);
        for (depth, filled) in lakes.values.iter_mut().zip(&heights.values) {
            *depth = filled - *depth;
        }
        let rivers = rivers(&heights, &lakes, &order, &down);
        let shore = distance_to_shore(&heights);
        Self { heights, shore, rivers, lakes }
    }
}

/// A few islands: bumps bent by noise, with ridges where the noise folds.
fn raw_heights(width: usize, height: usize) -> Grid {
    let mut grid = Grid::filled(width, height, 0.0);
    // Centre and radii of each island, in units of the map's height.
    let islands = [
        (0.50, 0.47, 0.34, 0.25, 1.0),
        (0.83, 0.30, 0.17, 0.14, 0.72),
        (0.30, 0.74, 0.13, 0.09, 0.5),
        (0.99, 0.66, 0.21, 0.15, 0.8),
        (1.16, 0.45, 0.07, 0.06, 0.36),
        (0.20, 0.34, 0.09, 0.11, 0.48),
        (0.68, 0.82, 0.09, 0.05, 0.34),
        (0.57, 0.13, 0.07, 0.035, 0.3),
    ];
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / height as f32, y as f32 / height as f32);
            let bend = (fractal(SEED, u * 4.2, v * 4.2, 5) * 0.13, fractal(SEED + 9, u * 4.2, v * 4.2, 5) * 0.13);
            let (bu, bv) = (u + bend.0, v + bend.1);
            let mut land = -0.4_f32;
            for (cx, cy, rx, ry, strength) in islands {
                let distance = ((bu - cx) / rx).powi(2) + ((bv - cy) / ry).powi(2);
                land = land.max(strength * 1.05 * (-distance * 1.1).exp() - 0.4);
            }
            let ridges = 1.0 - (noise(SEED + 3, bu * 6.0, bv * 6.0).abs() * 2.6).min(1.0);
            let fine = fractal(SEED + 5, u * 13.0, v * 13.0, 6) * 0.13;
            let raised = land.max(0.0);
            let value = land + fine * (0.8 + raised * 1.1) + ridges * raised * 0.62;
            grid.values[y * width + x] = value;
        }
    }
    let top = grid.values.iter().copied().fold(f32::MIN, f32::max);
    for value in &mut grid.values {
        let share = *value / top;
        *value = if share > 0.0 { share.powf(1.25) * SUMMIT } else { share * 900.0 };
    }
    grid
}

/// Fills hollows so that all land drains to the sea (priority flood). Gives the cells from low to high, and where each drains to.
fn drain(heights: &mut Grid) -> (Vec<usize>, Vec<usize>) {
    let count = heights.values.len();
    let mut down = vec![usize::MAX; count];
    let mut order = Vec::with_capacity(count);
    let mut queue = BinaryHeap::new();
    let key = |height: f32| (f64::from(height) * 10_000.0) as i64;
    for (index, to) in down.iter_mut().enumerate() {
        if heights.values[index] <= 0.0 {
            *to = index;
            if heights.neighbours(index).any(|(next, _)| heights.values[next] > 0.0) {
                queue.push(Reverse((key(heights.values[index]), index)));
            }
        }
    }
    while let Some(Reverse((_, index))) = queue.pop() {
        order.push(index);
        let here = heights.values[index];
        for (next, _) in heights.neighbours(index) {
            if down[next] == usize::MAX {
                down[next] = index;
                let floor = here.max(0.0) + 0.004;
                if heights.values[next] < floor {
                    heights.values[next] = floor;
                }
                queue.push(Reverse((key(heights.values[next]), next)));
            }
        }
    }
    (order, down)
}

/// Rain falls evenly, more on high ground; where enough water gathers there is a river.
fn rivers(heights: &Grid, lakes: &Grid, order: &[usize], down: &[usize]) -> Vec<River> {
    const SOURCE: f32 = 300.0;
    let mut flow: Vec<f32> = heights.values.iter().map(|h| if *h > 0.0 { 0.6 + h / 1200.0 } else { 0.0 }).collect();
    let mut fed = vec![0.0_f32; flow.len()];
    for &index in order.iter().rev() {
        let to = down[index];
        if to != index {
            flow[to] += flow[index];
            fed[to] = fed[to].max(flow[index]);
        }
    }
    let mut drawn = vec![false; flow.len()];
    let mut all = Vec::new();
    // Springs: cells with a river whose feeders have none. High ones first, so that the longest river keeps its mouth.
    for &spring in order.iter().rev() {
        if flow[spring] < SOURCE || fed[spring] >= SOURCE || heights.values[spring] <= 0.0 {
            continue;
        }
        let mut river = River { points: Vec::new(), flows: Vec::new() };
        let mut index = spring;
        loop {
            river.points.push(((index % heights.width) as f32, (index / heights.width) as f32));
            river.flows.push(flow[index]);
            if heights.values[index] <= 0.0 || drawn[index] {
                break;
            }
            drawn[index] = true;
            index = down[index];
            // A lake hides the river in it: the piece above ends at its shore, and another begins where it flows out.
            if lakes.values[index] > LAKE_METRES {
                river.points.push(((index % heights.width) as f32, (index / heights.width) as f32));
                river.flows.push(flow[index]);
                let mut out = index;
                while lakes.values[out] > LAKE_METRES && heights.values[out] > 0.0 && !drawn[out] {
                    drawn[out] = true;
                    out = down[out];
                }
                all.push(std::mem::replace(&mut river, River { points: Vec::new(), flows: Vec::new() }));
                index = out;
            }
        }
        if river.points.len() > 12 {
            all.push(river);
        }
    }
    all
}

fn distance_to_shore(heights: &Grid) -> Grid {
    let mut shore = Grid::filled(heights.width, heights.height, f32::INFINITY);
    let mut queue = BinaryHeap::new();
    for index in 0..heights.values.len() {
        let land = heights.values[index] > 0.0;
        if heights.neighbours(index).any(|(next, _)| (heights.values[next] > 0.0) != land) {
            shore.values[index] = 0.5;
            queue.push(Reverse((500, index)));
        }
    }
    while let Some(Reverse((thousandths, index))) = queue.pop() {
        let distance = thousandths as f32 / 1000.0;
        if distance > shore.values[index] + 0.002 || distance > 60.0 {
            continue;
        }
        for (next, step) in heights.neighbours(index) {
            if distance + step < shore.values[next] {
                shore.values[next] = distance + step;
                queue.push(Reverse((((distance + step) * 1000.0) as u32, next)));
            }
        }
    }
    for value in &mut shore.values {
        *value = value.min(61.0);
    }
    shore
}
