//! Samples of 16 bits: kept when asked, rounded right when not; and light that is mixed as light.

#![cfg(test)]

mod support;

use std::sync::Arc;

use recto_codec::{Control, DecodeRequest, MemoryAccess, OpenOptions, PixelFormat, Raster, open, read_raster};
use recto_engine::{Depth, Filter, RenderOptions, StoredTiles, execute};
use recto_iiif::image::{Format, Quality, ResolvedRequest};
use recto_iiif::{Dimensions, Rect};
use support::{Mock, crop, draw, planned, rendered, request, rotation, turned};

fn as_stored() -> RenderOptions {
    let mut options =
        RenderOptions { depth: Depth::AsStored, stored_tiles: StoredTiles::Never, ..RenderOptions::default() };
    options.encode.jp2_quality = 100;
    options.encode.webp_quality = 100;
    options
}

fn wide(samples: impl IntoIterator<Item = u16>) -> Vec<u8> {
    samples.into_iter().flat_map(u16::to_ne_bytes).collect()
}

fn samples(raster: &Raster) -> Vec<u16> {
    let bytes = raster.data();
    match raster.format().bytes_per_sample() {
        1 => bytes.iter().map(|sample| u16::from(*sample)).collect(),
        _ => bytes.as_chunks::<2>().0.iter().map(|sample| u16::from_ne_bytes(*sample)).collect(),
    }
}

/// Every value of 16 bits once.
fn ramp() -> Raster {
    Raster::from_vec(Dimensions::new(256, 256), PixelFormat::Gray16, wide(0..=65_535))
}

fn noise(side: u32, format: PixelFormat) -> Raster {
    let mut state = 7_u32;
    let count = side * side * format.samples() as u32;
    let next = (0..count).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16
    });
    Raster::from_vec(Dimensions::new(side, side), format, wide(next))
}

fn through(mock: &Mock, asked: &ResolvedRequest, options: &RenderOptions) -> Raster {
    let plan = planned(mock, asked, options);
    let made = execute(&plan, mock, &MemoryAccess::new(&b""[..]), options, &Control::default())
        .unwrap_or_else(|error| panic!("{plan}: {error}"));
    let decoder = open(Arc::new(MemoryAccess::new(made)), &OpenOptions::default()).unwrap();
    let wanted = DecodeRequest { level: 0, region: decoder.facts().stored_size().rect(), denominator: 1 };
    read_raster(&*decoder, &wanted, &Control::default()).unwrap().0
}

#[test]
fn d19_16_bits_come_back_exactly_in_every_format_that_has_them() {
    for image in
        [ramp(), noise(48, PixelFormat::Rgb16), noise(48, PixelFormat::Rgba16), noise(48, PixelFormat::GrayAlpha16)]
    {
        let pixels = image.format();
        let mock = Mock::new(image.clone());
        for format in [Format::Png, Format::Tif, Format::Jp2] {
            if format == Format::Jp2 && pixels.has_alpha() {
                continue;
            }
            let mut asked = request(image.size().rect(), image.size());
            asked.format = format;
            assert!(planned(&mock, &asked, &as_stored()).to_string().contains("16 bits"));
            assert_eq!(through(&mock, &asked, &as_stored()), image, "{pixels:?} {format:?}");
            let part = Rect::new(5, 9, 31, 20);
            for (mirror, quarters) in [(true, 0), (false, 1), (true, 2), (true, 3)] {
                let mut asked = request(part, part.dimensions());
                asked.format = format;
                asked.rotation = rotation(mirror, f64::from(quarters) * 90.0);
                let want = turned(&crop(&image, part), mirror, quarters);
                assert_eq!(through(&mock, &asked, &as_stored()), want, "{pixels:?} {format:?} {mirror} {quarters}");
            }
        }
    }
}

#[test]
fn d19_8_bits_are_the_nearest_of_16_and_never_fall() {
    let mock = Mock::new(ramp());
    for (format, options) in [
        (Format::Png, RenderOptions { depth: Depth::Eight, ..as_stored() }),
        (Format::Webp, as_stored()),
        (Format::Tif, RenderOptions { depth: Depth::Eight, ..as_stored() }),
    ] {
        let mut asked = request(Rect::new(0, 0, 256, 256), Dimensions::new(256, 256));
        asked.format = format;
        let made = through(&mock, &asked, &options);
        assert_eq!(made.format().bytes_per_sample(), 1, "{format:?}");
        let step = made.format().samples();
        let shades: Vec<u8> = made.data().iter().copied().step_by(step).collect();
        for (value, shade) in (0..=65_535_u16).zip(&shades) {
            assert_eq!(*shade, (f64::from(value) / 257.0).round() as u8, "{format:?} {value}");
        }
        assert!(shades.is_sorted(), "{format:?}");
    }
    let mut asked = request(Rect::new(0, 0, 256, 256), Dimensions::new(256, 256));
    asked.quality = Quality::Bitonal;
    assert_eq!(rendered(&mock, &asked, &as_stored()).format(), PixelFormat::Gray8);
    // What is stored in 8 bits stays so.
    let eight = Mock::new(draw((16, 16), PixelFormat::Rgb8, |x, y| [x as u8, y as u8, 9]));
    assert_eq!(
        rendered(&eight, &request(Rect::new(0, 0, 16, 16), Dimensions::new(16, 16)), &as_stored()).format(),
        PixelFormat::Rgb8
    );
}

#[test]
fn d19_gray_of_16_bits_has_the_tones_of_gray_of_8_bits() {
    let eight = draw((64, 64), PixelFormat::Rgb8, |x, y| [(4 * x) as u8, (4 * y) as u8, (255 - 2 * (x + y)) as u8]);
    let stretched = samples(&eight).into_iter().map(|sample| sample * 257);
    let sixteen = Raster::from_vec(eight.size(), PixelFormat::Rgb16, wide(stretched));
    let mut asked = request(eight.size().rect(), eight.size());
    asked.quality = Quality::Gray;
    let [eight, sixteen] = [eight, sixteen].map(|image| rendered(&Mock::new(image), &asked, &as_stored()));
    assert_eq!((eight.format(), sixteen.format()), (PixelFormat::Gray8, PixelFormat::Gray16));
    for (at, (narrow, deep)) in samples(&eight).into_iter().zip(samples(&sixteen)).enumerate() {
        let far = (f64::from(deep) / 257.0 - f64::from(narrow)).abs();
        assert!(far <= 1.0, "{deep} of 16 bits for {narrow} of 8 at {at}");
    }
}

/// The means of blocks of `side × side` pixels after `curve`.
fn means(image: &Raster, side: usize, curve: impl Fn(f64) -> f64) -> Vec<f64> {
    let (width, count) = (image.width_px() as usize, image.format().samples());
    let all = samples(image);
    let top = if image.format().bytes_per_sample() == 1 { 255.0 } else { 65_535.0 };
    let mut out = Vec::new();
    for (y, x) in (0..width / side).flat_map(|y| (0..width / side).map(move |x| (y, x))) {
        for sample in 0..count {
            let block = (0..side).flat_map(|dy| (0..side).map(move |dx| (dy, dx)));
            let sum: f64 = block
                .map(|(dy, dx)| curve(f64::from(all[((y * side + dy) * width + x * side + dx) * count + sample]) / top))
                .sum();
            out.push(sum / (side * side) as f64);
        }
    }
    out
}

#[test]
fn d19_16_bits_are_resampled_in_16_bits() {
    for pixels in [PixelFormat::Gray16, PixelFormat::Rgb16] {
        let image = noise(256, pixels);
        let mock = Mock::new(image.clone());
        // By the kernel alone, and by averages before it.
        for side in [2, 16] {
            let size = Dimensions::new(256 / side, 256 / side);
            let options = RenderOptions { filter: Filter::Box, ..as_stored() };
            let made = rendered(&mock, &request(Rect::new(0, 0, 256, 256), size), &options);
            assert_eq!(made.format(), pixels);
            for (made, want) in samples(&made).iter().zip(means(&image, side as usize, |value| value)) {
                let far = (f64::from(*made) - want * 65_535.0).abs();
                assert!(far <= 3.0, "{pixels:?} {side}: {made} for {}", want * 65_535.0);
            }
        }
        // Turned by any angle, the middle of an even picture stays itself.
        let flat =
            Mock::new(Raster::from_vec(Dimensions::new(64, 64), pixels, wide(vec![12_345; 4096 * pixels.samples()])));
        let mut asked = request(Rect::new(0, 0, 64, 64), Dimensions::new(64, 64));
        asked.rotation = rotation(false, 30.0);
        let made = rendered(&flat, &asked, &as_stored());
        let count = made.format().samples();
        let middle = samples(&made)[(made.height_px() / 2 * made.width_px() + made.width_px() / 2) as usize * count..]
            [..count]
            .to_vec();
        assert!(middle[..count - 1].iter().all(|sample| sample.abs_diff(12_345) <= 1), "{middle:?}");
        assert_eq!(middle[count - 1], 65_535);
    }
}

#[test]
fn d19_profiles_are_converted_in_16_bits() {
    use lcms2::{Flags, Intent, PixelFormat as Lcms, Profile, Transform};
    let icc: Arc<[u8]> = Arc::from(moxcms::ColorProfile::new_adobe_rgb().encode().unwrap());
    let image = noise(64, PixelFormat::Rgb16);
    let mock = Mock::new(image.clone()).with_facts(|facts| facts.icc = Some(Arc::clone(&icc)));
    let made = rendered(&mock, &request(image.size().rect(), image.size()), &as_stored());
    assert_eq!(made.format(), PixelFormat::Rgb16);
    let from: Vec<[u16; 3]> = samples(&image).as_chunks::<3>().0.to_vec();
    let mut want = vec![[0; 3]; from.len()];
    let theirs: Transform<[u16; 3], [u16; 3]> = Transform::new_flags(
        &Profile::new_icc(&icc).unwrap(),
        Lcms::RGB_16,
        &Profile::new_srgb(),
        Lcms::RGB_16,
        Intent::RelativeColorimetric,
        // Without this, it samples the conversion in a coarse table first.
        Flags::NO_OPTIMIZE,
    )
    .unwrap();
    theirs.transform_pixels(&from, &mut want);
    let far = samples(&made).iter().zip(want.as_flattened()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    // The two round the curves differently, which shows where a primary is nearly dark: by less than a step of 8 bits.
    assert!(far < 257, "{far}");
    let mean = samples(&made).iter().zip(want.as_flattened()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    assert!(mean / (want.len() as f64 * 3.0) < 16.0, "{mean}");
}

fn light(shade: f64) -> f64 {
    if shade <= 0.040_45 { shade / 12.92 } else { ((shade + 0.055) / 1.055).powf(2.4) }
}

fn shade(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[test]
fn d12_light_is_mixed_as_light_when_asked() {
    let linear = RenderOptions { linear_light: true, filter: Filter::Box, ..RenderOptions::default() };
    let board = Mock::new(draw((64, 64), PixelFormat::Gray8, |x, y| [if (x + y) % 2 == 0 { 0 } else { 255 }]));
    let asked = request(Rect::new(0, 0, 64, 64), Dimensions::new(32, 32));
    assert!(rendered(&board, &asked, &linear).data().iter().all(|shade| *shade == 188));
    let usual = RenderOptions { linear_light: false, ..linear.clone() };
    assert!(rendered(&board, &asked, &usual).data().iter().all(|shade| matches!(shade, 127 | 128)));
    assert!(planned(&board, &asked, &linear).to_string().contains("in linear light"));
    // What is not resampled is not touched.
    let every = Mock::new(draw((16, 16), PixelFormat::Gray8, |x, y| [(y * 16 + x) as u8]));
    let whole = request(Rect::new(0, 0, 16, 16), Dimensions::new(16, 16));
    assert_eq!(&rendered(&every, &whole, &linear), every.level(0));
    // A flat picture keeps its shade, whichever it is.
    for value in 0..=255_u8 {
        let flat = Mock::new(draw((8, 8), PixelFormat::Rgb8, |_, _| [value; 3]));
        let made = rendered(&flat, &request(Rect::new(0, 0, 8, 8), Dimensions::new(3, 3)), &linear);
        assert!(made.data().iter().all(|made| *made == value), "{value}: {made:?}");
    }
    for (pixels, top) in [(PixelFormat::Rgb16, 65_535.0), (PixelFormat::Gray16, 65_535.0)] {
        let image = noise(128, pixels);
        let mock = Mock::new(image.clone());
        for (depth, top) in [(Depth::Eight, 255.0), (Depth::AsStored, top)] {
            let options = RenderOptions { depth, ..linear.clone() };
            let made = rendered(&mock, &request(Rect::new(0, 0, 128, 128), Dimensions::new(64, 64)), &options);
            for (made, want) in samples(&made).iter().zip(means(&image, 2, light)) {
                let want = shade(want) * top;
                assert!(
                    (f64::from(*made) - want).abs() <= top / 255.0 * 0.6 + 0.5,
                    "{pixels:?} {depth:?}: {made} for {want}"
                );
            }
        }
    }
    // Transparent colours do not bleed.
    let image = draw((64, 64), PixelFormat::Rgba8, |x, _| if x % 2 == 0 { [255, 0, 0, 255] } else { [0, 255, 0, 0] });
    let made = rendered(&Mock::new(image), &asked, &linear);
    assert!(
        made.data()
            .as_chunks::<4>()
            .0
            .iter()
            .all(|[r, g, b, a]| *r >= 254 && *g == 0 && *b == 0 && a.abs_diff(128) <= 1)
    );
}
