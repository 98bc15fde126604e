//! Seeded numbers and smooth noise.

/// Splitmix64: small, and the same on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 up to, not including, 1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Gradient noise over the plane, about -0.7 to 0.7, smooth everywhere.
pub(super) fn noise(seed: u64, x: f32, y: f32) -> f32 {
    let (cell_x, cell_y) = (x.floor(), y.floor());
    let (fx, fy) = (x - cell_x, y - cell_y);
    let corner = |dx: i64, dy: i64| {
        let own =
            mix(seed
                .wrapping_add(mix((cell_x as i64 + dx) as u64).wrapping_mul(31))
                .wrapping_add(mix((cell_y as i64 + dy) as u64 ^ 0xabcd)));
        let angle = (own >> 40) as f32 / (1u64 << 24) as f32 * std::f32::consts::TAU;
        angle.cos() * (fx - dx as f32) + angle.sin() * (fy - dy as f32)
    };
    let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (u, v) = (fade(fx), fade(fy));
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
    top + (bottom - top) * v
}

/// Noise of several octaves, each half as strong and twice as fine as the one before.
pub(super) fn fractal(seed: u64, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut strength, mut scale) = (0.0, 1.0, 1.0);
    for octave in 0..octaves {
        sum += strength * noise(seed.wrapping_add(u64::from(octave) * 7919), x * scale, y * scale);
        strength *= 0.5;
        scale *= 2.03;
    }
    sum
}
