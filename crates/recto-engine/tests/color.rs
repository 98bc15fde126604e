//! Colours against Little CMS.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "distances are worth seeing")]

mod support;

use std::sync::Arc;

use lcms2::{CIELab, CIELabExt as _, CIExyY, Flags, GlobalContext, Intent, PixelFormat as Lcms, Profile, Transform};
use recto_codec::{PixelFormat, Raster};
use recto_engine::RenderOptions;
use recto_iiif::Dimensions;
use recto_iiif::image::{Format, Quality};
use support::{Mock, rendered, request};

/// All combinations of nine steps of each sample.
fn chart(samples: usize) -> Vec<u8> {
    let steps = 9_usize;
    (0..steps.pow(samples as u32))
        .flat_map(|index| {
            (0..samples).map(move |sample| (index / steps.pow(sample as u32) % steps * 255 / (steps - 1)) as u8)
        })
        .collect()
}

fn picture(format: PixelFormat, data: Vec<u8>) -> Raster {
    let pixels = data.len() / format.bytes_per_pixel();
    Raster::from_vec(Dimensions::new(pixels as u32, 1), format, data)
}

/// The pixels as sRGB.
fn srgb(image: Raster, icc: Option<&[u8]>) -> Vec<[u8; 3]> {
    srgb_by(image, icc, recto_engine::Intent::Relative)
}

fn srgb_by(image: Raster, icc: Option<&[u8]>, intent: recto_engine::Intent) -> Vec<[u8; 3]> {
    let size = image.size();
    let mock = Mock::new(image).with_facts(|facts| facts.icc = icc.map(Arc::from));
    let mut asked = request(size.rect(), size);
    asked.quality = Quality::Color;
    asked.format = Format::Webp;
    let made = rendered(&mock, &asked, &RenderOptions { intent, ..RenderOptions::default() });
    assert_eq!(made.format(), PixelFormat::Rgb8);
    made.data().as_chunks::<3>().0.to_vec()
}

/// The same pixels through Little CMS, as 8-bit sRGB.
macro_rules! by_lcms {
    ($bytes:expr, $pixel:ty, $format:expr, $profile:expr) => {{ by_lcms!($bytes, $pixel, $format, $profile, Intent::RelativeColorimetric, Flags::BLACKPOINT_COMPENSATION) }};
    ($bytes:expr, $pixel:ty, $format:expr, $profile:expr, $intent:expr, $flags:expr) => {{
        let srgb = Profile::new_srgb();
        let flags = Flags::NO_OPTIMIZE | $flags;
        let transform = Transform::new_flags(&$profile, $format, &srgb, Lcms::RGB_8, $intent, flags).unwrap();
        let from: Vec<$pixel> =
            $bytes.chunks_exact(size_of::<$pixel>()).map(|pixel| pixel.try_into().unwrap()).collect();
        let mut to = vec![[0_u8; 3]; from.len()];
        transform.transform_pixels(&from, &mut to);
        to
    }};
}

/// CIEDE2000 between two sRGB pixels.
fn delta_e(a: [u8; 3], b: [u8; 3]) -> f64 {
    let lab = |rgb: [u8; 3]| {
        let [r, g, b] = rgb.map(|shade| {
            let shade = f64::from(shade) / 255.0;
            if shade <= 0.04045 { shade / 12.92 } else { ((shade + 0.055) / 1.055).powf(2.4) }
        });
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
        CIELab { L: 116.0 * y - 16.0, a: 500.0 * (x - y), b: 200.0 * (y - z) }
    };
    lab(a).cie2000_delta_e(&lab(b), 1.0, 1.0, 1.0)
}

fn worst(made: &[[u8; 3]], want: &[[u8; 3]]) -> (f64, f64) {
    assert_eq!(made.len(), want.len());
    let all: Vec<f64> = made.iter().zip(want).map(|(made, want)| delta_e(*made, *want)).collect();
    (all.iter().copied().fold(0.0, f64::max), all.iter().sum::<f64>() / all.len() as f64)
}

fn check(name: &str, made: &[[u8; 3]], want: &[[u8; 3]]) {
    let (most, mean) = worst(made, want);
    println!("{name}: at most {most:.2}, mean {mean:.2}");
    assert!(most <= 2.0 && mean <= 0.7, "{name}: at most {most:.2}, mean {mean:.2}");
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// 8-bit and 16-bit pixels under one profile.
fn check_profile(name: &str, icc: &[u8]) {
    let profile = Profile::new_icc(icc).expect("a profile");
    match profile.color_space() {
        lcms2::ColorSpaceSignature::RgbData => {
            let bytes = chart(3);
            let want = by_lcms!(bytes, [u8; 3], Lcms::RGB_8, profile);
            check(name, &srgb(picture(PixelFormat::Rgb8, bytes.clone()), Some(icc)), &want);
            check(name, &srgb(picture(PixelFormat::Rgb16, widened(&bytes)), Some(icc)), &want);
        }
        lcms2::ColorSpaceSignature::GrayData => {
            let bytes: Vec<u8> = (0..=255).collect();
            let want = by_lcms!(bytes, [u8; 1], Lcms::GRAY_8, profile);
            check(name, &srgb(picture(PixelFormat::Gray8, bytes.clone()), Some(icc)), &want);
            check(name, &srgb(picture(PixelFormat::Gray16, widened(&bytes)), Some(icc)), &want);
        }
        lcms2::ColorSpaceSignature::CmykData => {
            let bytes = chart(4);
            // Little CMS compensates the black point only where a profile names the table of this intent.
            let mut named = icc.to_vec();
            if let (None, Some(at)) = (position(&named, b"A2B1"), position(&named, b"A2B0")) {
                named[at + 3] = b'1';
            }
            let relative = Profile::new_icc(&named).expect("a profile");
            // It reads inks of 8 bits as 255 for full ink, as we do.
            let want = by_lcms!(bytes, [u8; 4], Lcms::CMYK_8, relative);
            check(name, &srgb(picture(PixelFormat::Cmyk8, bytes.clone()), Some(&named)), &want);
            check(name, &srgb(picture(PixelFormat::Cmyk16, widened(&bytes)), Some(&named)), &want);
            for (intent, theirs) in [
                (recto_engine::Intent::Absolute, Intent::AbsoluteColorimetric),
                (recto_engine::Intent::Perceptual, Intent::Perceptual),
                (recto_engine::Intent::Saturation, Intent::Saturation),
            ] {
                let want = by_lcms!(bytes, [u8; 4], Lcms::CMYK_8, profile, theirs, Flags::default());
                let made = srgb_by(picture(PixelFormat::Cmyk8, bytes.clone()), Some(icc), intent);
                check(&format!("{name}, {intent:?}"), &made, &want);
            }
        }
        other => panic!("{name} is of {other:?}"),
    }
}

/// The same samples in 16 bits.
fn widened(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|sample| (u16::from(*sample) * 257).to_ne_bytes()).collect()
}

#[test]
fn profiles_of_many_spaces_become_srgb_as_little_cms_makes_it() {
    use moxcms::ColorProfile;
    for (name, profile) in [
        ("sRGB", ColorProfile::new_srgb()),
        ("Display P3", ColorProfile::new_display_p3()),
        ("Adobe RGB", ColorProfile::new_adobe_rgb()),
        ("ProPhoto RGB", ColorProfile::new_pro_photo_rgb()),
        ("gray 1.8", ColorProfile::new_gray_with_gamma(1.8)),
        ("gray 2.2", ColorProfile::new_gray_with_gamma(2.2)),
    ] {
        check_profile(name, &profile.encode().unwrap());
    }
}

#[test]
fn profiles_of_the_test_data_become_srgb_as_little_cms_makes_it() {
    let Some(data) = recto_testkit::data_dir() else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(data.join("images/icc")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "icc") {
            check_profile(&path.file_name().unwrap().to_string_lossy(), &std::fs::read(&path).unwrap());
            seen += 1;
        }
    }
    assert!(seen > 3, "{seen} profiles");
}

#[test]
fn lab_becomes_srgb_as_little_cms_makes_it() {
    let white = CIExyY { x: 0.345_703, y: 0.358_539, Y: 1.0 };
    let lab = Profile::new_lab4_context(GlobalContext::new(), &white).unwrap();
    let srgb_profile = Profile::new_srgb();
    let transform: Transform<[f64; 3], [u8; 3]> =
        Transform::new(&lab, Lcms::Lab_DBL, &srgb_profile, Lcms::RGB_8, Intent::RelativeColorimetric).unwrap();
    // Colours inside sRGB: outside of it, clipping is a matter of taste.
    let colors: Vec<(u8, i8, i8)> = (0..=20_u8)
        .flat_map(|l| (-2..=2_i8).flat_map(move |a| (-2..=2_i8).map(move |b| (l * 5, a * 8, b * 8))))
        .filter(|(l, _, _)| (20..=90).contains(l))
        .collect();
    let from: Vec<[f64; 3]> = colors.iter().map(|(l, a, b)| [f64::from(*l), f64::from(*a), f64::from(*b)]).collect();
    let mut want = vec![[0; 3]; from.len()];
    transform.transform_pixels(&from, &mut want);
    let eight = colors.iter().flat_map(|(l, a, b)| {
        [(f64::from(*l) * 2.55).round() as u8, (i16::from(*a) + 128) as u8, (i16::from(*b) + 128) as u8]
    });
    let sixteen = colors.iter().flat_map(|(l, a, b)| {
        let sample = |value: f64| (value.round() as u16).to_ne_bytes();
        [
            sample(f64::from(*l) * 655.35),
            sample((f64::from(*a) + 128.0) * 256.0),
            sample((f64::from(*b) + 128.0) * 256.0),
        ]
        .concat()
    });
    check("Lab8", &srgb(picture(PixelFormat::Lab8, eight.collect()), None), &want);
    check("Lab16", &srgb(picture(PixelFormat::Lab16, sixteen.collect()), None), &want);
}

#[test]
fn sixteen_bits_become_the_nearest_of_eight() {
    let samples: Vec<u16> = (0..=65535).collect();
    let bytes = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    let made = srgb(picture(PixelFormat::Gray16, bytes), None);
    for (sample, made) in samples.iter().zip(made) {
        assert_eq!(made[0], (f64::from(*sample) / 257.0).round() as u8, "{sample}");
    }
}

#[test]
fn inks_without_a_profile_mix_as_browsers_mix_them() {
    let inks =
        vec![0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 128, 255, 255, 255, 255];
    let made = srgb(picture(PixelFormat::Cmyk8, inks), None);
    let want = [[255; 3], [0, 255, 255], [255, 0, 255], [255, 255, 0], [0; 3], [127; 3], [0; 3]];
    assert_eq!(made, want);
}

#[test]
fn profiles_that_are_broken_or_of_another_space_are_taken_as_srgb() {
    let bytes = chart(3);
    let want: Vec<[u8; 3]> = bytes.as_chunks::<3>().0.to_vec();
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let gray = moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    for (name, icc) in [
        ("nothing", &[][..]),
        ("noise", &[0xa5; 4096][..]),
        ("cut short", &p3[..140]),
        ("header alone", &p3[..128]),
        ("gray for colours", &gray[..]),
    ] {
        assert_eq!(srgb(picture(PixelFormat::Rgb8, bytes.clone()), Some(icc)), want, "{name}");
    }
    // Every byte of a profile damaged in turn: no panic, and pixels come.
    for at in (0..p3.len()).step_by(3) {
        let mut icc = p3.clone();
        icc[at] ^= 0xff;
        assert_eq!(srgb(picture(PixelFormat::Rgb8, vec![1, 2, 3]), Some(&icc)).len(), 1, "byte {at}");
    }
}

#[test]
fn opacity_is_untouched_by_conversion() {
    let icc = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    let pixels: Vec<u8> = (0..=255).flat_map(|alpha| [200, 40, 90, alpha]).collect();
    for image in [picture(PixelFormat::Rgba8, pixels.clone()), picture(PixelFormat::Rgba16, widened(&pixels))] {
        let size = image.size();
        let mock = Mock::new(image).with_facts(|facts| facts.icc = Some(Arc::from(icc.as_slice())));
        let made = rendered(&mock, &request(size.rect(), size), &RenderOptions::default());
        let pixels = made.data().as_chunks::<4>().0;
        for (alpha, pixel) in (0..=255).zip(pixels) {
            assert_eq!((pixel[3], &pixel[..3]), (alpha, &pixels[255][..3]));
        }
        assert_ne!(&pixels[255][..3], [200, 40, 90]);
    }
}

#[test]
fn gray_under_a_profile_of_colours_is_its_neutral_axis() {
    let icc = moxcms::ColorProfile::new_pro_photo_rgb().encode().unwrap();
    let shades: Vec<u8> = (0..=255).collect();
    let made = srgb(picture(PixelFormat::Gray8, shades.clone()), Some(&icc));
    let profile = Profile::new_icc(&icc).unwrap();
    let neutral: Vec<u8> = shades.iter().flat_map(|shade| [*shade; 3]).collect();
    check("neutral", &made, &by_lcms!(neutral, [u8; 3], Lcms::RGB_8, profile));
}
