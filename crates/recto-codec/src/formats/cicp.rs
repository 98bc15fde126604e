//! Colour spaces that a file names by numbers (ISO/IEC 23091-2) as ICC profiles, which everything behind the decoders understands.
//!
//! Spaces whose white is not their brightest (PQ and HLG) get a curve that keeps tones up to half of white as they are and rolls
//! brighter ones off, so that a picture for bright screens looks as usual on ordinary ones.

use std::sync::Arc;

/// Nits of the white that text has beside a picture: ITU-R BT.2408.
const WHITE_NITS: f64 = 203.0;
/// Nits at which a roll-off ends.
const PEAK_NITS: f64 = 1000.0;
/// Share of white from which tones are rolled off.
const KNEE: f64 = 0.5;
const CURVE_POINTS: u16 = 4096;

/// A profile of these primaries and this transfer; `None` for sRGB, and for what is unspecified and so taken as sRGB.
pub(crate) fn profile(primaries: u16, transfer: u16) -> Option<Arc<[u8]>> {
    let chromaticities = chromaticities(primaries);
    let curve = curve(transfer);
    if chromaticities.is_none() && curve.is_none() {
        return None;
    }
    let columns = colorants(&chromaticities.unwrap_or(SRGB))?;
    let curve = curve.unwrap_or_else(srgb_curve);
    let text = |words: &str| {
        let mut tag = b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS".to_vec();
        tag.extend((words.len() as u32 * 2).to_be_bytes());
        tag.extend(28_u32.to_be_bytes());
        tag.extend(words.encode_utf16().flat_map(u16::to_be_bytes));
        tag
    };
    let xyz = |values: [f64; 3]| {
        let mut tag = b"XYZ \0\0\0\0".to_vec();
        tag.extend(values.into_iter().flat_map(|value| ((value * 65536.0).round() as i32).to_be_bytes()));
        tag
    };
    let [red, green, blue] = columns;
    let tags: Vec<([u8; 4], Vec<u8>)> = vec![
        (*b"desc", text("coded colour")),
        (*b"cprt", text("CC0")),
        (*b"wtpt", xyz(D50)),
        (*b"rXYZ", xyz(red)),
        (*b"gXYZ", xyz(green)),
        (*b"bXYZ", xyz(blue)),
        (*b"rTRC", curve),
    ];
    let shared = [*b"gTRC", *b"bTRC"];
    let mut position = 128 + 4 + 12 * (tags.len() + shared.len());
    let mut table = ((tags.len() + shared.len()) as u32).to_be_bytes().to_vec();
    let mut body = Vec::new();
    let mut last = [0; 8];
    for (name, tag) in tags {
        let mut place = [0; 8];
        place[..4].copy_from_slice(&(position as u32).to_be_bytes());
        place[4..].copy_from_slice(&(tag.len() as u32).to_be_bytes());
        table.extend(name);
        table.extend(place);
        last = place;
        let padded = tag.len().next_multiple_of(4);
        position += padded;
        body.extend(&tag);
        body.resize(body.len() + padded - tag.len(), 0);
    }
    for name in shared {
        table.extend(name);
        table.extend(last);
    }
    let mut header = (position as u32).to_be_bytes().to_vec();
    header.extend(b"\0\0\0\0\x04\x40\0\0mntrRGB XYZ ");
    header.extend([0; 12]);
    header.extend(b"acsp");
    header.resize(68, 0);
    header.extend(D50.into_iter().flat_map(|value| ((value * 65536.0).round() as i32).to_be_bytes()));
    header.resize(128, 0);
    Some([header, table, body].concat().into())
}

const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
const D65: [f64; 2] = [0.3127, 0.3290];

/// Red, green, blue and white, as x and y.
type Chromaticities = [[f64; 2]; 4];

const SRGB: Chromaticities = [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06], D65];

/// `None` for sRGB's.
fn chromaticities(primaries: u16) -> Option<Chromaticities> {
    const C: [f64; 2] = [0.310, 0.316];
    Some(match primaries {
        4 => [[0.67, 0.33], [0.21, 0.71], [0.14, 0.08], C],
        5 => [[0.64, 0.33], [0.29, 0.60], [0.15, 0.06], D65],
        6 | 7 => [[0.630, 0.340], [0.310, 0.595], [0.155, 0.070], D65],
        8 => [[0.681, 0.319], [0.243, 0.692], [0.145, 0.049], C],
        9 => [[0.708, 0.292], [0.170, 0.797], [0.131, 0.046], D65],
        11 => [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], [0.314, 0.351]],
        12 => [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], D65],
        22 => [[0.630, 0.340], [0.295, 0.605], [0.155, 0.077], D65],
        _ => return None,
    })
}

/// XYZ of red, green and blue under D50.
fn colorants(&[red, green, blue, white]: &Chromaticities) -> Option<[[f64; 3]; 3]> {
    let xyz = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
    let columns = [red, green, blue].map(xyz);
    let white = xyz(white);
    let amounts = solve(columns, white)?;
    // Bradford's cone responses.
    let cones = |[x, y, z]: [f64; 3]| {
        [
            0.8951 * x + 0.2664 * y - 0.1614 * z,
            -0.7502 * x + 1.7135 * y + 0.0367 * z,
            0.0389 * x - 0.0685 * y + 1.0296 * z,
        ]
    };
    let (from, to) = (cones(white), cones(D50));
    let back = [[0.8951, -0.7502, 0.0389], [0.2664, 1.7135, -0.0685], [-0.1614, 0.0367, 1.0296]];
    let mut adapted = [[0.0; 3]; 3];
    for ((out, column), amount) in adapted.iter_mut().zip(columns).zip(amounts) {
        let seen = cones(column.map(|value| value * amount));
        let scaled = [seen[0] * to[0] / from[0], seen[1] * to[1] / from[1], seen[2] * to[2] / from[2]];
        *out = solve(back, scaled)?;
    }
    Some(adapted)
}

/// The factors by which three columns sum to `sum`: Cramer's rule.
fn solve([a, b, c]: [[f64; 3]; 3], sum: [f64; 3]) -> Option<[f64; 3]> {
    let determinant = |a: [f64; 3], b: [f64; 3], c: [f64; 3]| {
        a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1])
    };
    let whole = determinant(a, b, c);
    (whole.abs() > 1e-9)
        .then(|| [determinant(sum, b, c) / whole, determinant(a, sum, c) / whole, determinant(a, b, sum) / whole])
}

/// The curve as a tag; `None` for sRGB's and its relatives of television.
fn curve(transfer: u16) -> Option<Vec<u8>> {
    Some(match transfer {
        4 => gamma(2.2),
        5 => gamma(2.8),
        8 => gamma(1.0),
        16 => table(|code| rolled_off(pq_nits(code) / WHITE_NITS)),
        17 => gamma(2.6),
        18 => table(|code| rolled_off(hlg_light(code).powf(1.2) * PEAK_NITS / WHITE_NITS)),
        _ => return None,
    })
}

fn parametric(kind: u16, parameters: &[f64]) -> Vec<u8> {
    let mut tag = b"para\0\0\0\0".to_vec();
    tag.extend(kind.to_be_bytes());
    tag.extend([0, 0]);
    tag.extend(parameters.iter().flat_map(|value| ((value * 65536.0).round() as i32).to_be_bytes()));
    tag
}

fn gamma(exponent: f64) -> Vec<u8> {
    parametric(0, &[exponent])
}

fn srgb_curve() -> Vec<u8> {
    parametric(3, &[2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045])
}

fn table(light: impl Fn(f64) -> f64) -> Vec<u8> {
    let mut tag = b"curv\0\0\0\0".to_vec();
    tag.extend(u32::from(CURVE_POINTS).to_be_bytes());
    for point in 0..CURVE_POINTS {
        let value = light(f64::from(point) / f64::from(CURVE_POINTS - 1)).clamp(0.0, 1.0);
        tag.extend(((value * 65535.0).round() as u16).to_be_bytes());
    }
    tag
}

/// SMPTE ST 2084.
fn pq_nits(code: f64) -> f64 {
    let root = code.powf(1.0 / 78.843_75);
    let base = (root - 0.835_937_5).max(0.0) / (18.851_562_5 - 18.6875 * root);
    10_000.0 * base.powf(1.0 / 0.159_301_757_812_5)
}

/// ITU-R BT.2100: signal to the light of the scene.
fn hlg_light(code: f64) -> f64 {
    if code <= 0.5 { code * code / 3.0 } else { (((code - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0 }
}

fn rolled_off(light: f64) -> f64 {
    if light <= KNEE {
        return light;
    }
    let end = (PEAK_NITS / WHITE_NITS - KNEE) / (1.0 - KNEE);
    let above = ((light - KNEE) / (1.0 - KNEE)).min(end);
    KNEE + (1.0 - KNEE) * above * (1.0 + above / (end * end)) / (1.0 + above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_and_what_is_unspecified_need_no_profile() {
        for (primaries, transfer) in [(1, 13), (2, 2), (1, 1), (2, 6), (1, 0), (300, 300)] {
            assert_eq!(profile(primaries, transfer), None, "{primaries} {transfer}");
        }
        assert!(profile(12, 13).is_some());
        assert!(profile(1, 16).is_some());
    }

    #[test]
    fn colorants_of_srgb_are_the_known_ones() {
        let want = [[0.436_07, 0.222_49, 0.013_92], [0.385_15, 0.716_87, 0.097_08], [0.143_07, 0.060_61, 0.714_1]];
        let got = colorants(&SRGB).unwrap();
        for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
            assert!((got - want).abs() < 0.001, "{got} is not {want}");
        }
    }

    #[test]
    fn curves_rise_from_black_to_white_and_keep_dark_tones() {
        for transfer in [16, 18] {
            let tag = curve(transfer).unwrap();
            let points: Vec<u16> = tag[12..].as_chunks().0.iter().map(|point| u16::from_be_bytes(*point)).collect();
            assert!(points.is_sorted(), "{transfer}");
            assert_eq!((points[0], points[points.len() - 1]), (0, 65535), "{transfer}");
        }
        // The white of text and half of it, in PQ's code.
        assert!((pq_nits(0.5807) - 203.0).abs() < 0.5);
        assert_eq!(rolled_off(0.4), 0.4);
        assert!(rolled_off(1.0) > 0.7 && rolled_off(1.0) < 0.8);
    }
}
