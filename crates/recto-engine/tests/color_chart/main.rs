//! One chart in many encodings: however it was stored, it shows the same colours, whole, in parts and in tiles.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "distances are worth seeing")]

mod delta_e;
mod files;

use std::sync::Arc;

use delta_e::{delta_e, lab, light};
use files::{Level, adobe, flat_jpeg, ink_profile, profile, profile_markers, tiff};
use lcms2::{Intent, PixelFormat as Lcms, Profile, Transform};
use moxcms::ColorProfile;
use recto_codec::{
    Control, DecodeRequest, Decoder, EncodeHeader, EncodeOptions, MemoryAccess, OpenOptions, PixelFormat, Raster,
    Subsampling, encoder, open, read_raster,
};
use recto_engine::{Plan, RenderOptions, execute, plan};
use recto_iiif::image::{Format, Quality, ResolvedRequest, Rotation};
use recto_iiif::{Dimensions, Rect};

const COLUMNS: u32 = 8;
const PATCH: u32 = 32;
const SIZE: Dimensions = Dimensions::new(COLUMNS * PATCH, 5 * PATCH);

/// The chart in sRGB: shades, colours near black, saturated ones, and those of usual charts.
const CHART: [[u8; 3]; 40] = [
    [0; 3],
    [8; 3],
    [16; 3],
    [32; 3],
    [64; 3],
    [96; 3],
    [128; 3],
    [160; 3],
    [192; 3],
    [224; 3],
    [243; 3],
    [255; 3],
    [10, 4, 4],
    [4, 10, 4],
    [4, 4, 10],
    [16, 12, 20],
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [0, 255, 255],
    [255, 0, 255],
    [255, 255, 0],
    [128, 0, 0],
    [0, 128, 0],
    [0, 0, 128],
    [0, 128, 128],
    [128, 0, 128],
    [128, 128, 0],
    [115, 82, 68],
    [194, 150, 130],
    [98, 122, 157],
    [87, 108, 67],
    [133, 128, 177],
    [103, 189, 170],
    [214, 126, 44],
    [80, 91, 166],
    [193, 90, 99],
    [94, 60, 108],
    [157, 188, 64],
    [224, 163, 46],
];

fn patch(x: u32, y: u32) -> usize {
    (y / PATCH * COLUMNS + x / PATCH) as usize
}

/// The chart as a raster; `sample` gives the samples of a patch.
fn raster(format: PixelFormat, samples: impl Fn([u8; 3]) -> Vec<u16>) -> Raster {
    let patches: Vec<Vec<u8>> = CHART
        .iter()
        .map(|color| {
            let samples = samples(*color);
            match format.bytes_per_sample() {
                1 => samples.iter().map(|sample| *sample as u8).collect(),
                _ => samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect(),
            }
        })
        .collect();
    let pixels = (0..SIZE.height_px).flat_map(|y| (0..SIZE.width_px).map(move |x| patch(x, y)));
    Raster::from_vec(SIZE, format, pixels.flat_map(|patch| patches[patch].iter().copied()).collect())
}

fn encoded(raster: &Raster, format: Format, icc: Option<&[u8]>) -> Vec<u8> {
    let options = EncodeOptions {
        jpeg_quality: 100,
        jpeg_subsampling: Subsampling::None,
        jp2_quality: 100,
        ..EncodeOptions::default()
    };
    let icc = icc.map(Arc::from);
    let header = EncodeHeader { size: raster.size(), pixels: raster.format(), bitonal: false, icc, dpi: None };
    let mut encoder = encoder(format, &header, &options).unwrap();
    encoder.write(raster).unwrap();
    encoder.finish().unwrap()
}

/// sRGB into the space of a profile, by Little CMS, of 16 bits.
fn into_space(icc: &[u8]) -> impl Fn([u8; 3]) -> Vec<u16> {
    let to = Profile::new_icc(icc).unwrap();
    let transform: Transform<[u16; 3], [u16; 3]> =
        Transform::new(&Profile::new_srgb(), Lcms::RGB_16, &to, Lcms::RGB_16, Intent::RelativeColorimetric).unwrap();
    move |color| {
        let mut out = [[0; 3]];
        transform.transform_pixels(&[color.map(|value| u16::from(value) * 257)], &mut out);
        out[0].to_vec()
    }
}

fn narrow(samples: &[u16]) -> Vec<u16> {
    samples.iter().map(|sample| (f64::from(*sample) / 257.0).round() as u16).collect()
}

/// Inks that mix as the profile of this file says: no colour under black, and the rest by it.
fn inks([r, g, b]: [u8; 3]) -> [u8; 4] {
    let most = r.max(g).max(b);
    let ink = |value: u8| if most == 0 { 0 } else { 255 - (f64::from(value) / f64::from(most) * 255.0).round() as u8 };
    [ink(r), ink(g), ink(b), 255 - most]
}

fn cmyk_profile(side: u8) -> Vec<u8> {
    ink_profile(side, |[c, m, y, k]| lab([c, m, y].map(|ink| (1.0 - ink) * (1.0 - k) * 255.0)))
}

/// Luma and chroma, rounded.
fn ycbcr(color: [u8; 3]) -> [u8; 4] {
    let [r, g, b] = color.map(f64::from);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    [y, 128.0 + 0.564_334 * (b - y), 128.0 + 0.713_267 * (r - y), 0.0].map(|value| value.round() as u8)
}

/// Inks as Adobe's programs store them: inverted.
fn inverted(color: [u8; 3]) -> [u8; 4] {
    inks(color).map(|ink| 255 - ink)
}

/// Luma and chroma of the coloured inks, beside inverted black.
fn ycck(color: [u8; 3]) -> [u8; 4] {
    let [cyan, magenta, yellow, black] = inks(color);
    let [y, cb, cr, _] = ycbcr([cyan, magenta, yellow]);
    [y, cb, cr, 255 - black]
}

fn opened(file: Vec<u8>) -> (Box<dyn Decoder>, MemoryAccess) {
    let access = MemoryAccess::new(file);
    (open(Arc::new(access.clone()), &OpenOptions::default()).expect("a file of this test"), access)
}

/// JPEG that loses nothing but by rounding: what is far from the whole then is no codec's doing.
fn options() -> RenderOptions {
    let mut options = RenderOptions::default();
    options.encode.jpeg_quality = 100;
    options.encode.jpeg_subsampling = Subsampling::None;
    options
}

/// The pixels of an answer as RGB, read again from the finished file.
fn answer(file: &(Box<dyn Decoder>, MemoryAccess), region: Rect, size: Dimensions, format: Format) -> (Raster, Plan) {
    let request = ResolvedRequest { region, size, rotation: Rotation::NONE, quality: Quality::Default, format };
    let options = options();
    let plan = plan(&*file.0, &request, &options).unwrap();
    let made = execute(&plan, &*file.0, &file.1, &options, &Control::default())
        .unwrap_or_else(|error| panic!("{plan}: {error}"));
    let (decoder, _) = opened(made);
    let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
    let raster = read_raster(&*decoder, &wanted, &Control::default()).unwrap().0;
    let rgb = match raster.format() {
        PixelFormat::Gray8 => raster.data().iter().flat_map(|gray| [*gray; 3]).collect(),
        PixelFormat::Rgb8 => raster.data().to_vec(),
        other => panic!("{other:?}"),
    };
    (Raster::from_vec(size, PixelFormat::Rgb8, rgb), plan)
}

fn pixel(raster: &Raster, x: u32, y: u32) -> [u8; 3] {
    let at = x as usize * 3;
    raster.row(y)[at..at + 3].try_into().unwrap()
}

fn places(size: Dimensions) -> impl Iterator<Item = (u32, u32)> {
    (0..size.height_px).flat_map(move |y| (0..size.width_px).map(move |x| (x, y)))
}

/// Whole tiles and one that the edge cuts off.
const TILES: [Rect; 5] = [
    Rect::new(0, 0, 64, 64),
    Rect::new(64, 0, 64, 64),
    Rect::new(128, 64, 64, 64),
    Rect::new(192, 64, 64, 64),
    Rect::new(192, 128, 64, 32),
];

/// Checks colours against the chart, and parts and tiles against the whole; gives what was done for the tiles as JPEG.
fn check(name: &str, file: Vec<u8>, want: impl Fn([u8; 3]) -> [f64; 3]) -> Vec<Plan> {
    let file = opened(file);
    let (whole, plan) = answer(&file, SIZE.rect(), SIZE, Format::Png);
    let (mut most, mut worst) = (0.0, 0);
    for (index, color) in CHART.iter().enumerate() {
        let (x, y) = (index as u32 % COLUMNS * PATCH + PATCH / 2, index as u32 / COLUMNS * PATCH + PATCH / 2);
        let distance = delta_e(lab(pixel(&whole, x, y).map(f64::from)), lab(want(*color)));
        if distance > most {
            (most, worst) = (distance, index);
        }
    }
    println!("{name}: at most {most:.2}, at {:?}; {plan}", CHART[worst]);
    assert!(most <= 2.0, "{name}: {most:.2} at {:?}; {plan}", CHART[worst]);
    let close = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 2);
    // A part that begins anywhere.
    let part = Rect::new(37, 21, 171, 118);
    let (made, plan) = answer(&file, part, part.dimensions(), Format::Png);
    for (x, y) in places(part.dimensions()) {
        let (made, whole) = (pixel(&made, x, y), pixel(&whole, part.x + x, part.y + y));
        assert!(close(made, whole), "{name} {x},{y}: {made:?} in a part, {whole:?} in the whole; {plan}");
    }
    // At half the size, the same patches.
    let (half, plan) = answer(&file, SIZE.rect(), SIZE.reduced(2), Format::Png);
    for (column, row) in (0..5).flat_map(|row| (0..COLUMNS).map(move |column| (column, row))) {
        let (x, y) = (column * PATCH + PATCH / 2, row * PATCH + PATCH / 2);
        let (made, whole) = (pixel(&half, x / 2, y / 2), pixel(&whole, x, y));
        assert!(close(made, whole), "{name} at {x},{y}: {made:?} at half the size, {whole:?} in the whole; {plan}");
    }
    // Tiles at both sizes, rendered and in the way that serves viewers: every pixel of them.
    let mut served = Vec::new();
    for tile in TILES {
        for (format, scale) in [(Format::Png, 1), (Format::Jpg, 1), (Format::Png, 2)] {
            let size = tile.dimensions().reduced(scale);
            let (made, plan) = answer(&file, tile, size, format);
            let beside = if scale == 1 { &whole } else { &half };
            for (x, y) in places(size) {
                let (made, whole) = (pixel(&made, x, y), pixel(beside, tile.x / scale + x, tile.y / scale + y));
                let what = format!("{made:?} in a tile as {format:?}, {whole:?} in the whole; {plan}");
                assert!(close(made, whole), "{name} {tile} at 1/{scale}, {x},{y}: {what}");
            }
            served.extend((format == Format::Jpg).then_some(plan));
        }
    }
    served
}

/// As [`check`]; and whole tiles leave as they lie, while the one at the edge is cut out of its own.
fn check_stored(name: &str, file: Vec<u8>, want: impl Fn([u8; 3]) -> [f64; 3]) {
    let served = check(name, file, want);
    let (last, others) = served.split_last().expect("there are tiles");
    for plan in others {
        assert!(matches!(plan, Plan::StoredTile { .. }), "{name}: {plan}");
    }
    assert!(matches!(last, Plan::Cut { .. }), "{name}: {last}");
}

fn same(color: [u8; 3]) -> [f64; 3] {
    color.map(f64::from)
}

/// The shade of gray with the luminance of a colour.
fn shade(color: [u8; 3]) -> f64 {
    let [r, g, b] = color.map(|value| light(f64::from(value) / 255.0));
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn gray(color: [u8; 3]) -> [f64; 3] {
    let light = shade(color);
    [if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 } * 255.0; 3]
}

fn rgb8() -> Raster {
    raster(PixelFormat::Rgb8, |color| color.map(u16::from).to_vec())
}

#[test]
fn d12_rgb_and_gray_under_many_profiles_show_the_chart() {
    check("sRGB JPEG 4:4:4", encoded(&rgb8(), Format::Jpg, None), same);
    check("sRGB PNG", encoded(&rgb8(), Format::Png, None), same);
    check("sRGB JPEG 2000", encoded(&rgb8(), Format::Jp2, None), same);
    for (name, profile) in
        [("Adobe RGB", ColorProfile::new_adobe_rgb()), ("Display P3", ColorProfile::new_display_p3())]
    {
        let icc = profile.encode().unwrap();
        let convert = into_space(&icc);
        let image = raster(PixelFormat::Rgb8, |color| narrow(&convert(color)));
        check(&format!("{name} JPEG"), encoded(&image, Format::Jpg, Some(&icc)), same);
        check(&format!("{name} TIFF"), encoded(&image, Format::Tif, Some(&icc)), same);
        let image = raster(PixelFormat::Rgb16, &convert);
        check(&format!("{name} JPEG 2000 of 16 bits"), encoded(&image, Format::Jp2, Some(&icc)), same);
    }
    let icc = ColorProfile::new_pro_photo_rgb().encode().unwrap();
    let image = raster(PixelFormat::Rgb16, into_space(&icc));
    check("ProPhoto PNG of 16 bits", encoded(&image, Format::Png, Some(&icc)), same);
    check("ProPhoto TIFF of 16 bits", encoded(&image, Format::Tif, Some(&icc)), same);
    let image = raster(PixelFormat::Rgb16, |color| color.map(|value| u16::from(value) * 257).to_vec());
    check("RGB TIFF of 16 bits", encoded(&image, Format::Tif, None), same);
    let icc = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    let by_gamma = |top: f64| move |color| vec![(shade(color).powf(1.0 / 2.2) * top).round() as u16];
    let image = raster(PixelFormat::Gray8, by_gamma(255.0));
    check("gray 2.2 PNG", encoded(&image, Format::Png, Some(&icc)), gray);
    check("gray 2.2 TIFF", encoded(&image, Format::Tif, Some(&icc)), gray);
    let image = raster(PixelFormat::Gray16, by_gamma(65_535.0));
    check("gray 2.2 TIFF of 16 bits", encoded(&image, Format::Tif, Some(&icc)), gray);
}

#[test]
fn d12_inks_show_the_chart_by_their_profile() {
    let image = raster(PixelFormat::Cmyk8, |color| inks(color).map(u16::from).to_vec());
    let wide = raster(PixelFormat::Cmyk16, |color| inks(color).map(|ink| u16::from(ink) * 257).to_vec());
    for side in [17, 21] {
        let icc = cmyk_profile(side);
        check(&format!("CMYK JPEG, inverted, {side} points"), encoded(&image, Format::Jpg, Some(&icc)), same);
        check(&format!("CMYK TIFF, {side} points"), encoded(&image, Format::Tif, Some(&icc)), same);
        check(&format!("CMYK TIFF of 16 bits, {side} points"), encoded(&wide, Format::Tif, Some(&icc)), same);
    }
    // Without one, the profile of this chart is what browsers do.
    check("CMYK JPEG without a profile", encoded(&image, Format::Jpg, None), same);
    check("CMYK TIFF of 16 bits without a profile", encoded(&wide, Format::Tif, None), same);
}

/// The chart in a pyramid of two levels with JPEG tiles of 64 pixels, each with these markers.
fn jpeg_pyramid(
    components: u8,
    photometric: u16,
    markers: &[u8],
    icc: Option<&[u8]>,
    value: impl Fn([u8; 3]) -> [u8; 4],
) -> Vec<u8> {
    let value = &value;
    let level = |scale: u32| {
        let size = (SIZE.width_px / scale, SIZE.height_px / scale);
        let grid = (0..size.1.div_ceil(64)).flat_map(|row| (0..size.0.div_ceil(64)).map(move |column| (column, row)));
        let tiles = grid.map(|(column, row)| {
            flat_jpeg((64, 64), components, markers, |x, y, component| {
                let (x, y) = ((column * 64 + x) * scale, (row * 64 + y) * scale);
                value(CHART[patch(x.min(SIZE.width_px - 1), y.min(SIZE.height_px - 1))])[component]
            })
        });
        Level { size, tile: 64, tiles: tiles.collect() }
    };
    tiff(&[level(1), level(2)], &vec![8; usize::from(components)], photometric, 7, false, icc)
}

#[test]
fn d12_jpeg_in_tiff_pyramids_shows_the_chart() {
    let rgb = |[r, g, b]: [u8; 3]| [r, g, b, 0];
    check_stored("RGB JPEG in a TIFF", jpeg_pyramid(3, 2, &[], None, rgb), same);
    check_stored("RGB JPEG with an Adobe marker in a TIFF", jpeg_pyramid(3, 2, &adobe(0), None, rgb), same);
    check_stored("YCbCr JPEG in a TIFF", jpeg_pyramid(3, 6, &[], None, ycbcr), same);
    let icc = cmyk_profile(17);
    check("CMYK JPEG in a TIFF", jpeg_pyramid(4, 5, &[], Some(&icc), inks), same);
    check("CMYK JPEG in a TIFF without a profile", jpeg_pyramid(4, 5, &[], None, inks), same);
    check("CMYK JPEG with an Adobe marker in a TIFF", jpeg_pyramid(4, 5, &adobe(0), None, inverted), same);
    check("YCCK JPEG in a TIFF", jpeg_pyramid(4, 5, &adobe(2), None, ycck), same);
    let icc = ColorProfile::new_adobe_rgb().encode().unwrap();
    let convert = into_space(&icc);
    let adobe_rgb = |color: [u8; 3]| {
        let samples = narrow(&convert(color));
        [samples[0] as u8, samples[1] as u8, samples[2] as u8, 0]
    };
    check("Adobe RGB JPEG in a TIFF", jpeg_pyramid(3, 2, &[], Some(&icc), adobe_rgb), same);
}

#[test]
fn d12_markers_of_adobe_say_what_the_components_of_a_jpeg_are() {
    let jpeg = |components: u8, markers: &[u8], value: &dyn Fn([u8; 3]) -> [u8; 4]| {
        flat_jpeg((SIZE.width_px, SIZE.height_px), components, markers, |x, y, component| {
            value(CHART[patch(x, y)])[component]
        })
    };
    check("RGB JPEG, Adobe 0", jpeg(3, &adobe(0), &|[r, g, b]| [r, g, b, 0]), same);
    check("YCbCr JPEG, Adobe 1", jpeg(3, &adobe(1), &ycbcr), same);
    check("CMYK JPEG, Adobe 0", jpeg(4, &adobe(0), &inverted), same);
    check("YCCK JPEG, Adobe 2", jpeg(4, &adobe(2), &ycck), same);
    let profile = profile_markers(&cmyk_profile(17));
    check("CMYK JPEG, Adobe 0, with a profile", jpeg(4, &[adobe(0), profile.clone()].concat(), &inverted), same);
    check("YCCK JPEG, Adobe 2, with a profile", jpeg(4, &[adobe(2), profile].concat(), &ycck), same);
}

#[test]
fn d12_lab_palette_and_floating_point_show_the_chart() {
    let sample = |value: f64| value.round().clamp(0.0, 65_535.0) as u16;
    let lab8 = raster(PixelFormat::Lab8, |color| {
        let [l, a, b] = lab(same(color));
        vec![sample(l * 2.55), sample(a + 128.0), sample(b + 128.0)]
    });
    check("Lab TIFF", encoded(&lab8, Format::Tif, None), same);
    let lab16 = raster(PixelFormat::Lab16, |color| {
        let [l, a, b] = lab(same(color));
        vec![sample(l * 655.35), sample((a + 128.0) * 256.0), sample((b + 128.0) * 256.0)]
    });
    check("Lab TIFF of 16 bits", encoded(&lab16, Format::Tif, None), same);

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIZE.width_px, SIZE.height_px);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(CHART.as_flattened().to_vec());
    let places: Vec<u8> =
        (0..SIZE.height_px).flat_map(|y| (0..SIZE.width_px).map(move |x| patch(x, y) as u8)).collect();
    encoder.write_header().unwrap().write_image_data(&places).unwrap();
    check("palette PNG", file, same);

    let mut linear = ColorProfile::new_srgb();
    let straight = moxcms::ToneReprCurve::Lut(Vec::new());
    linear.red_trc = Some(straight.clone());
    linear.green_trc = Some(straight.clone());
    linear.blue_trc = Some(straight);
    linear.cicp = None;
    let icc = linear.encode().unwrap();
    let tiles = [(0, 0), (128, 0), (0, 128), (128, 128)].map(|(left, top)| {
        let pixels = (0..128).flat_map(|y| (0..128).map(move |x| (x + left, y + top)));
        let colors = pixels.map(|(x, y)| CHART[patch(x.min(SIZE.width_px - 1), y.min(SIZE.height_px - 1))]);
        colors
            .flat_map(|color| color.map(|value| light(f64::from(value) / 255.0) as f32))
            .flat_map(f32::to_le_bytes)
            .collect()
    });
    let level = Level { size: (SIZE.width_px, SIZE.height_px), tile: 128, tiles: tiles.to_vec() };
    check("linear TIFF of floating point", tiff(&[level], &[32; 3], 2, 1, true, Some(&icc)), same);
}

#[test]
fn d12_profiles_that_cannot_be_used_leave_the_chart_as_srgb_and_say_so() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let link = profile(b"link", b"RGB ", b"RGB ", &[]);
    let named = profile(b"nmcl", b"RGB ", b"Lab ", &[]);
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    for (name, icc, words) in [
        ("garbage", &[0xa5; 999][..], "cannot be read"),
        ("cut short", &p3[..p3.len() / 2], "cannot be read"),
        ("header alone", &p3[..128], "cannot be read"),
        ("a link of devices", &link, "no device"),
        ("named colours", &named, "no device"),
        ("gray", &gray, "is for gray, the pixels are RGB"),
        ("inks", &cmyk_profile(2), "is for CMYK, the pixels are RGB"),
    ] {
        for format in [Format::Png, Format::Tif] {
            let file = encoded(&rgb8(), format, Some(icc));
            check(&format!("{name} as {format:?}"), file.clone(), same);
            let opened = opened(file);
            let (_, plan) = answer(&opened, Rect::new(0, 0, 8, 8), Dimensions::new(8, 8), Format::Png);
            assert!(plan.to_string().contains(words), "{name}: {plan}");
            let finding = recto_engine::color_finding(opened.0.facts(), recto_engine::Intent::Relative);
            assert!(finding.is_some_and(|finding| finding.contains(words)), "{name}");
        }
    }
    let good = opened(encoded(&rgb8(), Format::Png, Some(&p3)));
    assert_eq!(recto_engine::color_finding(good.0.facts(), recto_engine::Intent::Relative), None);
}
