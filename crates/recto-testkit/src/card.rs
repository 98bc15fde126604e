//! A smooth card of strong colours, for codecs that lose something: no sharp edge anywhere, every hue, and full range.

use recto_iiif::Dimensions;

/// Red, green and blue, 8 bits: hue runs with x, lightness with y.
pub fn rgb8(size: Dimensions) -> Vec<u8> {
    let mut out = Vec::with_capacity(size.area_px() as usize * 3);
    for y in 0..size.height_px {
        let lightness = 0.25 + 0.5 * f64::from(y) / f64::from(size.height_px);
        for x in 0..size.width_px {
            let hue = std::f64::consts::TAU * f64::from(x) / f64::from(size.width_px);
            for shift in [0.0, 1.0, 2.0] {
                let wave = (hue - shift * std::f64::consts::TAU / 3.0).cos();
                out.push((255.0 * (lightness + 0.25 * wave)).round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    out
}

/// How far two images are apart: largest and mean difference of samples.
pub fn distance(one: &[u8], other: &[u8]) -> (u8, f64) {
    let differences = one.iter().zip(other).map(|(a, b)| a.abs_diff(*b));
    let max = differences.clone().max().unwrap_or(0);
    let mean = differences.map(f64::from).sum::<f64>() / one.len().max(1) as f64;
    (max, mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_is_smooth_and_strong() {
        let size = Dimensions::new(256, 128);
        let card = rgb8(size);
        assert_eq!(card.len(), 256 * 128 * 3);
        for row in card.chunks_exact(256 * 3) {
            assert!(row.windows(6).all(|w| (0..3).all(|i| w[i].abs_diff(w[i + 3]) <= 3)));
            assert!(row.chunks_exact(3).any(|p| p[0] > p[1] + 80), "every row has reds");
        }
    }

    #[test]
    fn distance_is_largest_and_mean() {
        assert_eq!(distance(&[0, 10, 20, 30], &[0, 12, 20, 24]), (6, 2.0));
    }
}
