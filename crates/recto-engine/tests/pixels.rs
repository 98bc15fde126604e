//! Every pixel of an answer is where and what it should be.

#![cfg(test)]

mod support;

use recto_codec::{ColorModel, Orientation, PixelFormat, Raster};
use recto_engine::{Filter, RenderOptions};
use recto_iiif::image::{Format, Quality};
use recto_iiif::{Dimensions, Rect};
use support::{
    Halving, Mock, crop, difference, draw, lanczos3, planned, positions, rendered, request, rotation, shown, turned,
    waves,
};

fn options() -> RenderOptions {
    RenderOptions::default()
}

/// Luma by Rec. 601 of each pixel.
fn grayed(image: &Raster) -> Raster {
    let luma =
        |rgb: &[u8]| (0.299 * f64::from(rgb[0]) + 0.587 * f64::from(rgb[1]) + 0.114 * f64::from(rgb[2])).round() as u8;
    Raster::from_vec(image.size(), PixelFormat::Gray8, image.data().chunks_exact(3).map(luma).collect())
}

#[test]
fn every_region_turn_quality_and_orientation_is_exact_at_the_regions_own_size() {
    let stored = positions(53, 31);
    for orientation in Orientation::ALL {
        let mock = Mock::new(stored.clone()).with_facts(|facts| facts.orientation = orientation);
        let image = shown(&stored, orientation);
        let (w, h) = (image.width_px(), image.height_px());
        for region in [
            Rect::new(0, 0, w, h),
            Rect::new(0, 0, 1, 1),
            Rect::new(w - 1, h - 1, 1, 1),
            Rect::new(3, 5, 17, 11),
            Rect::new(w - 7, 0, 7, h),
            Rect::new(0, h - 9, w, 9),
        ] {
            for mirror in [false, true] {
                for quarters in 0..4_u8 {
                    for quality in [Quality::Default, Quality::Color, Quality::Gray] {
                        let mut request = request(region, region.dimensions());
                        request.rotation = rotation(mirror, f64::from(quarters) * 90.0);
                        request.quality = quality;
                        let mut want = turned(&crop(&image, region), mirror, quarters);
                        if quality == Quality::Gray {
                            want = grayed(&want);
                        }
                        let made = rendered(&mock, &request, &options());
                        let allowed = u8::from(quality == Quality::Gray);
                        assert!(difference(&made, &want) <= allowed, "{orientation:?} {request:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_whole_level_and_its_tiles_are_that_levels_pixels() {
    for halving in [Halving::Up, Halving::Down] {
        let mock = Mock::new(positions(501, 333)).with_levels(4, halving).with_denominator(2);
        for index in 0..4 {
            let level = mock.level(index);
            let whole = request(Rect::new(0, 0, 501, 333), level.size());
            assert_eq!(&rendered(&mock, &whole, &options()), level, "level {index}, {halving:?}");
            // Tiles inside the level, whichever way it was rounded.
            let scale = 1 << index;
            for (column, row) in [(0, 0), (1, 0), (1, 1)] {
                let tile = Rect::new(column * 16, row * 16, 16, 16);
                let region = Rect::new(tile.x * scale, tile.y * scale, 16 * scale, 16 * scale);
                let made = rendered(&mock, &request(region, tile.dimensions()), &options());
                assert_eq!(made, crop(level, tile), "level {index}, {halving:?}, tile {column},{row}");
            }
        }
    }
}

#[test]
fn edge_tiles_have_the_announced_size_though_the_level_was_rounded_down() {
    let mock = Mock::new(waves(501, 333)).with_levels(3, Halving::Down);
    let level = mock.level(1);
    // 501 / 2 is announced as 251, the level has 250: its last pixels repeat, in a tile as in the whole.
    let repeated = |(from_x, from_y): (u32, u32), size: (u32, u32)| {
        draw(size, PixelFormat::Rgb8, |x, y| {
            level.row((from_y + y).min(165)).as_chunks::<3>().0[(from_x + x).min(249) as usize]
        })
    };
    let tile = rendered(&mock, &request(Rect::new(384, 256, 117, 77), Dimensions::new(59, 39)), &options());
    assert_eq!(tile, repeated((192, 128), (59, 39)));
    let whole = rendered(&mock, &request(Rect::new(0, 0, 501, 333), Dimensions::new(251, 167)), &options());
    assert_eq!(whole, repeated((0, 0), (251, 167)));
    // A tile that has nothing of its own there.
    let last = rendered(&mock, &request(Rect::new(500, 256, 1, 77), Dimensions::new(1, 39)), &options());
    assert_eq!(last, repeated((250, 128), (1, 39)));
}

#[test]
fn resampling_is_that_of_the_textbook() {
    let image = waves(300, 200);
    let mock = Mock::new(image.clone());
    for (region, size) in [
        ((0, 0, 300, 200), (150, 100)),
        ((0, 0, 300, 200), (97, 61)),
        ((0, 0, 300, 200), (300, 77)),
        ((0, 0, 300, 200), (77, 200)),
        ((31, 17, 101, 99), (50, 33)),
        ((31, 17, 101, 99), (202, 198)),
        ((31, 17, 101, 99), (133, 101)),
        ((299, 199, 1, 1), (5, 5)),
        ((150, 0, 1, 200), (1, 50)),
        ((0, 100, 300, 1), (40, 1)),
        ((10, 10, 100, 100), (1, 100)),
        ((0, 0, 300, 200), (45, 30)),
    ] {
        let region = Rect::new(region.0, region.1, region.2, region.3);
        let size = Dimensions::new(size.0, size.1);
        let made = rendered(&mock, &request(region, size), &options());
        let window = (f64::from(region.x), f64::from(region.y), f64::from(region.w), f64::from(region.h));
        let worst = difference(&made, &lanczos3(&image, window, size));
        // Great reductions are averaged first.
        let allowed = if region.w > 8 * size.width_px || region.h > 8 * size.height_px { 4 } else { 2 };
        assert!(worst <= allowed, "{region} to {size}: {worst}");
    }
}

#[test]
fn strips_give_what_the_whole_would() {
    // Large enough for several strips; odd strips from the decoder.
    let image = waves(2600, 1900);
    let mock = Mock::new(image.clone()).with_strips(61);
    for size in [(1777, 1299), (700, 1900), (2600, 400)] {
        let size = Dimensions::new(size.0, size.1);
        let made = rendered(&mock, &request(Rect::new(0, 0, 2600, 1900), size), &options());
        let whole = whole_resize(&image, size);
        let worst = difference(&made, &whole);
        assert!(worst <= 1, "{size}: {worst}");
    }
}

fn whole_resize(image: &Raster, size: Dimensions) -> Raster {
    use fast_image_resize::images::{Image, ImageRef};
    use fast_image_resize::{PixelType, Resizer};
    let from = ImageRef::new(image.width_px(), image.height_px(), image.data(), PixelType::U8x3).expect("whole rows");
    let mut to = Image::new(size.width_px, size.height_px, PixelType::U8x3);
    Resizer::new().resize(&from, &mut to, None).expect("equal pixels");
    Raster::from_vec(size, PixelFormat::Rgb8, to.into_vec())
}

#[test]
fn tiles_and_crops_agree_with_the_whole() {
    let image = waves(900, 700);
    for (mock, scale) in [
        (Mock::new(image.clone()), 2),
        (Mock::new(image.clone()), 3),
        (Mock::new(image.clone()), 16),
        (Mock::new(image.clone()).with_levels(2, Halving::Up), 4),
        (Mock::new(waves(901, 701)), 2),
        // The whole comes from a larger level than its tiles, as the last one was rounded down: another kernel, the same place.
        (Mock::new(slow_waves(900, 700)).with_levels(4, Halving::Down), 8),
        (Mock::new(image.clone()).with_levels(3, Halving::Up).with_denominator(8), 5),
    ] {
        let full = mock.level(0).size();
        let whole = rendered(&mock, &request(full.rect(), full.reduced(scale)), &options());
        let step = 40 * scale;
        for row in 0..full.height_px.div_ceil(step) {
            for column in 0..full.width_px.div_ceil(step) {
                let region = Rect::new(column * step, row * step, step, step).intersection(full.rect()).unwrap();
                let size = region.dimensions().reduced(scale);
                let tile = rendered(&mock, &request(region, size), &options());
                let want = crop(&whole, Rect::new(column * 40, row * 40, size.width_px, size.height_px));
                let worst = difference(&tile, &want);
                let allowed = 2;
                assert!(worst <= allowed, "scale {scale}, tile {column},{row}: {worst}");
            }
        }
    }
}

fn slow_waves(width: u32, height: u32) -> Raster {
    draw((width, height), PixelFormat::Gray8, |x, y| {
        [(127.5 + 50.0 * (f64::from(x) / 20.0).sin() + 50.0 * (f64::from(y) / 17.0).sin()).round() as u8]
    })
}

#[test]
fn great_reductions_keep_the_mean_and_the_place() {
    // Left half dark, right half bright, with noise that averages out.
    let image = draw((20_000, 12), PixelFormat::Gray8, |x, y| {
        let base = if x < 10_000 { 60 } else { 180 };
        [base + ((x * 7 + y * 13) % 21) as u8]
    });
    let mock = Mock::new(image);
    for (size, want) in [((2, 1), vec![70, 190]), ((1, 1), vec![130]), ((4, 1), vec![70, 70, 190, 190])] {
        let made = rendered(&mock, &request(Rect::new(0, 0, 20_000, 12), Dimensions::new(size.0, size.1)), &options());
        for (made, want) in made.data().iter().zip(&want) {
            // The kernel rings at the step between the halves.
            assert!(made.abs_diff(*want) <= 12, "{size:?}: {made} for {want}");
        }
    }
    let thin = Mock::new(draw((1, 30_000), PixelFormat::Gray8, |_, y| [(y / 120) as u8]));
    let made = rendered(&thin, &request(Rect::new(0, 0, 1, 30_000), Dimensions::new(1, 3)), &options());
    for (made, want) in made.data().iter().zip([41_u8, 124, 208]) {
        assert!(made.abs_diff(want) <= 6, "{made:?}");
    }
}

#[test]
fn enlarging_by_the_box_repeats_pixels() {
    let image = positions(9, 7);
    let mock = Mock::new(image.clone());
    let options = RenderOptions { filter: Filter::Box, ..options() };
    let made = rendered(&mock, &request(Rect::new(2, 1, 3, 4), Dimensions::new(12, 16)), &options);
    for y in 0..16 {
        for x in 0..12 {
            let want = &image.row(1 + y / 4)[(2 + x as usize / 4) * 3..][..3];
            assert_eq!(&made.row(y)[x as usize * 3..][..3], want, "{x},{y}");
        }
    }
}

#[test]
fn transparent_pixels_do_not_bleed_into_their_neighbours() {
    // Opaque red beside transparent green.
    let image = draw((64, 64), PixelFormat::Rgba8, |x, _| if x < 32 { [255, 0, 0, 255] } else { [0, 255, 0, 0] });
    let mock = Mock::new(image);
    for size in [(31, 31), (5, 5), (100, 100)] {
        let made = rendered(&mock, &request(Rect::new(0, 0, 64, 64), Dimensions::new(size.0, size.1)), &options());
        assert_eq!(made.format(), PixelFormat::Rgba8);
        for pixel in made.data().chunks_exact(4) {
            assert!(pixel[3] == 0 || (pixel[0] >= 250 && pixel[1] == 0), "{size:?}: {pixel:?}");
        }
        let mut onto = request(Rect::new(0, 0, 64, 64), Dimensions::new(size.0, size.1));
        onto.format = Format::Jpg;
        let options = RenderOptions { background: [0, 0, 200], ..options() };
        let made = rendered(&mock, &onto, &options);
        assert_eq!(made.format(), PixelFormat::Rgb8);
        let row = made.row(size.1 / 2);
        for (made, want) in row[..3].iter().zip([255, 0, 0]).chain(row[row.len() - 3..].iter().zip([0, 0, 200])) {
            assert!(made.abs_diff(want) <= 5, "{size:?}: {row:?}");
        }
    }
}

#[test]
fn rotation_by_any_angle_has_the_bounding_box_and_transparent_corners() {
    let mock = Mock::new(draw((80, 40), PixelFormat::Rgb8, |_, _| [200, 100, 50]));
    for (degrees, want) in [(45.0, (85, 85)), (22.5, (90, 68)), (0.5, (81, 41)), (120.0, (75, 90)), (359.0, (81, 42))] {
        let mut request = request(Rect::new(0, 0, 80, 40), Dimensions::new(80, 40));
        request.rotation = rotation(false, degrees);
        let made = rendered(&mock, &request, &options());
        assert_eq!((made.width_px(), made.height_px()), want, "{degrees}");
        assert_eq!(made.format(), PixelFormat::Rgba8);
        let centre = &made.row(want.1 / 2)[want.0 as usize / 2 * 4..][..4];
        assert_eq!(centre, [200, 100, 50, 255], "{degrees}");
        if degrees == 45.0 {
            assert_eq!(&made.row(0)[..4], [0, 0, 0, 0]);
        }
        request.format = Format::Jpg;
        let on_background = rendered(&mock, &request, &RenderOptions { background: [1, 2, 3], ..options() });
        assert_eq!(on_background.format(), PixelFormat::Rgb8);
        if degrees == 45.0 {
            assert_eq!(&on_background.row(0)[..3], [1, 2, 3]);
        }
    }
}

#[test]
fn rotation_turns_clockwise_and_mirrors_first() {
    // One bright pixel block in the upper left quarter.
    let image = draw((101, 101), PixelFormat::Gray8, |x, y| [if x < 40 && y < 40 { 255 } else { 0 }]);
    let mock = Mock::new(image);
    let centre_of_light = |mirror: bool, degrees: f64| {
        let mut request = request(Rect::new(0, 0, 101, 101), Dimensions::new(101, 101));
        request.rotation = rotation(mirror, degrees);
        request.format = Format::Jpg;
        let options = RenderOptions { background: [0; 3], ..options() };
        let made = rendered(&mock, &request, &options);
        let (mut sum, mut sum_x, mut sum_y) = (0.0, 0.0, 0.0);
        for y in 0..made.height_px() {
            for (x, light) in made.row(y).iter().enumerate() {
                sum += f64::from(*light);
                sum_x += f64::from(*light) * (x as f64 + 0.5 - f64::from(made.width_px()) / 2.0);
                sum_y += f64::from(*light) * (f64::from(y) + 0.5 - f64::from(made.height_px()) / 2.0);
            }
        }
        (sum_x / sum, sum_y / sum)
    };
    for mirror in [false, true] {
        for degrees in [10.0_f64, 44.0, 91.0, 180.5, 300.0] {
            let (x, y) = (if mirror { 30.5 } else { -30.5 }, -30.5);
            let (sin, cos) = degrees.to_radians().sin_cos();
            let want = (x * cos - y * sin, x * sin + y * cos);
            let made = centre_of_light(mirror, degrees);
            assert!(
                (made.0 - want.0).abs() < 0.1 && (made.1 - want.1).abs() < 0.1,
                "{mirror} {degrees}: {made:?} for {want:?}"
            );
        }
    }
}

#[test]
fn bitonal_is_black_and_white_by_threshold_or_dither() {
    use recto_engine::Bitonal;
    let image = draw((64, 64), PixelFormat::Gray8, |x, y| [if (x / 8 + y / 8) % 2 == 0 { 90 } else { 140 }]);
    let mock = Mock::new(image.clone());
    let mut asked = request(Rect::new(0, 0, 64, 64), Dimensions::new(64, 64));
    asked.quality = Quality::Bitonal;
    let made = rendered(&mock, &asked, &options());
    for (made, shade) in made.data().iter().zip(image.data()) {
        assert_eq!(*made, if *shade == 140 { 255 } else { 0 });
    }
    let flat = Mock::new(draw((128, 128), PixelFormat::Gray8, |_, _| [64]));
    let dithered = RenderOptions { bitonal: Bitonal::Dither, ..options() };
    let mut asked = request(Rect::new(0, 0, 128, 128), Dimensions::new(128, 128));
    asked.quality = Quality::Bitonal;
    let made = rendered(&flat, &asked, &dithered);
    let white = made.data().iter().map(|shade| f64::from(*shade) / 255.0).sum::<f64>() / (128.0 * 128.0);
    assert!((white - 64.0 / 255.0).abs() < 0.01, "{white}");
    assert!(made.data().iter().all(|shade| matches!(shade, 0 | 255)));
}

#[test]
fn black_and_white_originals_stay_so_without_being_held() {
    let image = draw((90, 60), PixelFormat::Gray8, |x, y| [if (x ^ y) & 8 == 0 { 0 } else { 255 }]);
    let mock = Mock::new(image.clone()).with_facts(|facts| facts.color = ColorModel::Bitonal);
    let mut asked = request(Rect::new(0, 0, 90, 60), Dimensions::new(90, 60));
    assert_eq!(rendered(&mock, &asked, &options()), image);
    asked.quality = Quality::Bitonal;
    assert_eq!(rendered(&mock, &asked, &options()), image);
    asked.size = Dimensions::new(45, 30);
    let made = rendered(&mock, &asked, &options());
    assert!(made.data().iter().all(|shade| matches!(shade, 0 | 255)));
    assert_eq!(
        planned(&mock, &asked, &options()).to_string(),
        "render: level 0 (90x60), region 0,0,90,60, lanczos3 to 45x30, srgb, bitonal, png"
    );
}

#[test]
fn encoders_get_the_pixel_formats_they_take() {
    for (pixels, format, want) in [
        (PixelFormat::Gray8, Format::Jpg, PixelFormat::Gray8),
        (PixelFormat::Gray8, Format::Webp, PixelFormat::Rgb8),
        (PixelFormat::Gray8, Format::Gif, PixelFormat::Gray8),
        (PixelFormat::GrayAlpha8, Format::Jpg, PixelFormat::Gray8),
        (PixelFormat::GrayAlpha8, Format::Png, PixelFormat::GrayAlpha8),
        (PixelFormat::GrayAlpha8, Format::Webp, PixelFormat::Rgba8),
        (PixelFormat::GrayAlpha8, Format::Gif, PixelFormat::Rgba8),
        (PixelFormat::Rgba8, Format::Tif, PixelFormat::Rgba8),
        (PixelFormat::Rgba8, Format::Jpg, PixelFormat::Rgb8),
        (PixelFormat::Gray16, Format::Png, PixelFormat::Gray8),
        (PixelFormat::GrayAlpha16, Format::Png, PixelFormat::GrayAlpha8),
        (PixelFormat::Rgb16, Format::Tif, PixelFormat::Rgb8),
        (PixelFormat::Rgba16, Format::Webp, PixelFormat::Rgba8),
        (PixelFormat::Cmyk8, Format::Jpg, PixelFormat::Rgb8),
        (PixelFormat::Cmyk16, Format::Png, PixelFormat::Rgb8),
        (PixelFormat::Lab8, Format::Png, PixelFormat::Rgb8),
        (PixelFormat::Lab16, Format::Gif, PixelFormat::Rgb8),
    ] {
        let mock = Mock::new(Raster::zeroed(Dimensions::new(20, 10), pixels));
        for size in [(20, 10), (13, 7)] {
            let mut asked = request(Rect::new(0, 0, 20, 10), Dimensions::new(size.0, size.1));
            asked.format = format;
            assert_eq!(rendered(&mock, &asked, &options()).format(), want, "{pixels:?} as {format:?}");
        }
    }
}
