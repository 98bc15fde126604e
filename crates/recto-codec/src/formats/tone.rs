//! Light as floating point, made into samples: what is above 1 is white, what is below 0 is black, and the rest gets the curve
//! of sRGB. There is no exposure and no tone mapping: the same value gives the same sample in every image.

/// A linear value as a 16-bit sample with the curve of sRGB. What is no number is black.
pub(crate) fn srgb(value: f32) -> u16 {
    let value = f64::from(value).clamp(0.0, 1.0);
    let value = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    // A value that is no number stays one through `clamp`, and becomes 0 here.
    (value * 65535.0).round() as u16
}

/// A value (of transparency) as a 16-bit sample as it is.
pub(crate) fn straight(value: f32) -> u16 {
    (f64::from(value).clamp(0.0, 1.0) * 65535.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_clipped_and_bent() {
        for (value, want) in [
            (0.0, 0),
            (-1.0, 0),
            (f32::NAN, 0),
            (f32::NEG_INFINITY, 0),
            (1.0, 65535),
            (7.5, 65535),
            (f32::INFINITY, 65535),
            (0.001, 847),
            (0.5, 48192),
        ] {
            assert_eq!(srgb(value), want, "{value}");
        }
        assert_eq!(straight(0.5), 32768);
    }
}
