//! The packets of a tile in the order of its progression. ISO/IEC 15444-1, B.12.

use super::codestream::{Area, MainHeader};
use super::index::TileIndex;

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) layer: u16,
    pub(super) resolution: usize,
    pub(super) component: usize,
    pub(super) precinct: u32,
}

/// The packets of a tile in their order.
pub(super) struct Order {
    /// Component, resolution and precinct, in order; those of one run share their turn in a layer.
    precincts: Vec<(u16, u8, u32)>,
    /// Where runs end. A run is gone through once for each layer.
    runs: Vec<usize>,
    layers: u16,
    run: usize,
    layer: u16,
    at: usize,
}

impl Order {
    pub(super) fn new(header: &MainHeader, index: &TileIndex, tile: Area) -> Self {
        let mut keyed: Vec<([u32; 5], (u16, u8, u32))> = Vec::new();
        for (c, component) in index.components.iter().enumerate() {
            let Some(coded) = header.size.components.get(c) else { continue };
            let levels = component.resolutions.len() - 1;
            for (r, resolution) in component.resolutions.iter().enumerate() {
                let (px, py) = resolution.precinct;
                let first = (resolution.area.x0 >> px, resolution.area.y0 >> py);
                for k in 0..resolution.precinct_columns.saturating_mul(resolution.precinct_rows) {
                    // Where the precinct begins on the reference grid, but not outside the tile.
                    let column = first.0 + k % resolution.precinct_columns;
                    let row = first.1 + k / resolution.precinct_columns;
                    let place = |number: u32, bits: u8, step: u32, least: u32| {
                        let wide = u128::from(number) << (u32::from(bits) + (levels - r) as u32);
                        (wide * u128::from(step)).max(least.into()).min(u32::MAX.into()) as u32
                    };
                    let (x, y) = (place(column, px, coded.dx, tile.x0), place(row, py, coded.dy, tile.y0));
                    let (c, r) = (c as u32, r as u32);
                    let key = match header.progression {
                        0 | 1 => [r, c, k, 0, 0],
                        2 => [r, y, x, c, k],
                        3 => [y, x, c, r, k],
                        _ => [c, y, x, r, k],
                    };
                    keyed.push((key, (c as u16, r as u8, k)));
                }
            }
        }
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let precincts: Vec<(u16, u8, u32)> = keyed.into_iter().map(|(_, precinct)| precinct).collect();
        let runs = match header.progression {
            0 => vec![precincts.len()],
            1 => (1..=precincts.len())
                .filter(|end| precincts.get(*end).is_none_or(|next| next.1 != precincts[end - 1].1))
                .collect(),
            _ => (1..=precincts.len()).collect(),
        };
        Self { precincts, runs, layers: header.layers, run: 0, layer: 0, at: 0 }
    }
}

impl Iterator for Order {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        let end = *self.runs.get(self.run)?;
        let start = if self.run == 0 { 0 } else { self.runs[self.run - 1] };
        let (component, resolution, precinct) = *self.precincts.get(self.at)?;
        let packet = Packet { layer: self.layer, resolution: resolution.into(), component: component.into(), precinct };
        self.at += 1;
        if self.at == end {
            self.layer += 1;
            if self.layer == self.layers {
                self.layer = 0;
                self.run += 1;
            } else {
                self.at = start;
            }
        }
        Some(packet)
    }
}
