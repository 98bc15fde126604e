//! Pictures and streams for the tests of this folder.

mod cut;
mod files;
mod flat;
mod parts;
mod regions;
mod scans;

use super::ffi::{Compressor, Parameters};

/// A small generator: the same numbers on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) % u64::from(limit)) as u32
    }
}

/// Position-coded pixels with hard edges in all samples, chroma above all.
pub(super) fn picture(width: u32, height: u32, components: u32) -> Vec<u8> {
    let sample = |x: u32, y: u32, c: u32| match c {
        0 => ((x * 5) ^ (y * 3)) as u8,
        1 => (x * x / 7 + y * 11) as u8,
        2 => ((x / 3 + y / 5) * 83) as u8,
        _ => (x + y * 2) as u8,
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    pixels.flat_map(|(x, y)| (0..components).map(move |c| sample(x, y, c))).collect()
}

/// A kind of stream; the first three numbers are components and luma sampling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    pub(super) components: u32,
    pub(super) sampling: (u32, u32),
    pub(super) optimise: bool,
    pub(super) progressive: bool,
    pub(super) arithmetic: bool,
    pub(super) restart_interval: u32,
    pub(super) quality: u32,
}

/// The picture as a stream of this kind.
pub(super) fn stream(kind: Kind, width: u32, height: u32) -> Vec<u8> {
    stream_of(kind, width, height, &picture(width, height, kind.components))
}

pub(super) fn stream_of(kind: Kind, width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let parameters = Parameters {
        width,
        height,
        components: kind.components,
        quality: if kind.quality == 0 { 85 } else { kind.quality },
        sampling_x: kind.sampling.0,
        sampling_y: kind.sampling.1,
        progressive: kind.progressive.into(),
        optimise: kind.optimise.into(),
        arithmetic: kind.arithmetic.into(),
        restart_interval: kind.restart_interval,
        ..Parameters::default()
    };
    encoded(&parameters, pixels)
}

pub(super) fn encoded(parameters: &Parameters, pixels: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(parameters, &[]).unwrap();
    compressor.write(pixels).unwrap();
    compressor.finish().unwrap()
}

/// All samplings, each plain, optimised, with restart markers of two lengths.
pub(super) fn sequential_kinds() -> Vec<Kind> {
    let shapes = [(1, (1, 1)), (3, (1, 1)), (3, (2, 1)), (3, (1, 2)), (3, (2, 2)), (3, (4, 1)), (4, (1, 1))];
    let mut kinds = Vec::new();
    for (components, sampling) in shapes {
        for (optimise, restart_interval, quality) in [(false, 0, 85), (true, 0, 85), (false, 13, 60), (true, 1, 30)] {
            kinds.push(Kind { components, sampling, optimise, restart_interval, quality, ..Kind::default() });
        }
    }
    kinds
}
