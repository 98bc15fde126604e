//! Half the size by averages of two by two pixels. The last column and row of an odd size stand for themselves.

use crate::PixelFormat;

/// Averages two rows; `out` has `ceil(width / 2)` pixels. Colours count by their opacity.
pub(crate) fn halve(upper: &[u8], lower: &[u8], format: PixelFormat, out: &mut Vec<u8>) {
    out.clear();
    match (format.samples(), format.bytes_per_sample(), format.has_alpha()) {
        (1, 1, _) => bytes::<1>(upper, lower, out),
        (3, 1, _) => bytes::<3>(upper, lower, out),
        (4, 1, false) => bytes::<4>(upper, lower, out),
        (2, 1, _) => alpha_bytes::<2>(upper, lower, out),
        (_, 1, _) => alpha_bytes::<4>(upper, lower, out),
        (1, _, _) => words::<1, 2>(upper, lower, out),
        (3, _, _) => words::<3, 6>(upper, lower, out),
        (4, _, false) => words::<4, 8>(upper, lower, out),
        (2, _, _) => alpha_words::<2, 4>(upper, lower, out),
        (_, _, _) => alpha_words::<4, 8>(upper, lower, out),
    }
}

/// Calls `average` with the four pixels of each block.
fn blocks<const N: usize>(upper: &[u8], lower: &[u8], out: &mut Vec<u8>, average: impl Fn([[u8; N]; 4]) -> [u8; N]) {
    let (upper, lower) = (upper.as_chunks::<N>().0, lower.as_chunks::<N>().0);
    out.reserve(upper.len().div_ceil(2) * N);
    let (pairs, last) = upper.as_chunks::<2>();
    for ([a, b], [c, d]) in pairs.iter().zip(lower.as_chunks::<2>().0) {
        out.extend_from_slice(&average([*a, *b, *c, *d]));
    }
    if let ([a], Some(c)) = (last, lower.last()) {
        out.extend_from_slice(&average([*a, *a, *c, *c]));
    }
}

fn bytes<const N: usize>(upper: &[u8], lower: &[u8], out: &mut Vec<u8>) {
    blocks::<N>(upper, lower, out, |[a, b, c, d]| {
        std::array::from_fn(|i| {
            ((u16::from(a[i]) + u16::from(b[i]) + u16::from(c[i]) + u16::from(d[i]) + 2) >> 2) as u8
        })
    });
}

fn alpha_bytes<const N: usize>(upper: &[u8], lower: &[u8], out: &mut Vec<u8>) {
    blocks::<N>(upper, lower, out, |pixels| {
        let opacity: u32 = pixels.iter().map(|pixel| u32::from(pixel[N - 1])).sum();
        std::array::from_fn(|i| {
            if i == N - 1 {
                return ((opacity + 2) >> 2) as u8;
            }
            let sum: u32 = pixels.iter().map(|pixel| u32::from(pixel[i]) * u32::from(pixel[N - 1])).sum();
            (sum + opacity / 2).checked_div(opacity).unwrap_or(0) as u8
        })
    });
}

fn samples<const N: usize, const B: usize>(pixel: [u8; B]) -> [u64; N] {
    std::array::from_fn(|i| u64::from(u16::from_ne_bytes([pixel[2 * i], pixel[2 * i + 1]])))
}

fn stored<const N: usize, const B: usize>(pixel: [u64; N]) -> [u8; B] {
    std::array::from_fn(|i| (pixel[i / 2] as u16).to_ne_bytes()[i % 2])
}

fn words<const N: usize, const B: usize>(upper: &[u8], lower: &[u8], out: &mut Vec<u8>) {
    blocks::<B>(upper, lower, out, |pixels| {
        let [a, b, c, d] = pixels.map(samples::<N, B>);
        stored::<N, B>(std::array::from_fn(|i| (a[i] + b[i] + c[i] + d[i] + 2) >> 2))
    });
}

fn alpha_words<const N: usize, const B: usize>(upper: &[u8], lower: &[u8], out: &mut Vec<u8>) {
    blocks::<B>(upper, lower, out, |pixels| {
        let pixels = pixels.map(samples::<N, B>);
        let opacity: u64 = pixels.iter().map(|pixel| pixel[N - 1]).sum();
        stored::<N, B>(std::array::from_fn(|i| {
            if i == N - 1 {
                return (opacity + 2) >> 2;
            }
            let sum: u64 = pixels.iter().map(|pixel| pixel[i] * pixel[N - 1]).sum();
            (sum + opacity / 2).checked_div(opacity).unwrap_or(0)
        }))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Upper row, lower row, and their averages.
    type Case = (PixelFormat, Vec<u8>, Vec<u8>, Vec<u8>);

    #[test]
    fn blocks_are_averaged_and_the_last_odd_column_stands_for_itself() {
        let words = |values: &[u16]| values.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<u8>>();
        let cases: &[Case] = &[
            (PixelFormat::Gray8, vec![0, 1, 255], vec![1, 1, 253], vec![1, 254]),
            (PixelFormat::Gray8, vec![7], vec![7], vec![7]),
            (PixelFormat::Rgb8, vec![0, 10, 20, 4, 10, 20], vec![0, 10, 21, 4, 10, 21], vec![2, 10, 21]),
            (PixelFormat::Cmyk8, vec![1, 2, 3, 4], vec![3, 2, 1, 4], vec![2, 2, 2, 4]),
            // Only the opaque pixel has a colour.
            (PixelFormat::GrayAlpha8, vec![200, 255, 9, 0], vec![9, 0, 9, 0], vec![200, 64]),
            (PixelFormat::Rgba8, vec![9, 9, 9, 0, 9, 9, 9, 0], vec![9, 9, 9, 0, 9, 9, 9, 0], vec![0, 0, 0, 0]),
            (PixelFormat::Gray16, words(&[65_535, 65_535, 1]), words(&[65_535, 65_533, 2]), words(&[65_535, 2])),
            (PixelFormat::GrayAlpha16, words(&[500, 65_535, 1, 0]), words(&[1, 0, 1, 0]), words(&[500, 16_384])),
        ];
        for (format, upper, lower, expected) in cases {
            let mut out = vec![1, 2, 3];
            halve(upper, lower, *format, &mut out);
            assert_eq!(&out, expected, "{format:?} {upper:?}");
        }
    }
}
