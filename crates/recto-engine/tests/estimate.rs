//! What is held while a plan is executed stays below what it announced, counted by the allocator.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "how near the estimates are is worth seeing")]

mod support;

use peak_alloc::PeakAlloc;
use recto_codec::{Control, Decoder, MemoryAccess, Orientation, PixelFormat, Raster};
use recto_engine::{ColorPolicy, RenderOptions, StoredTiles, execute};
use recto_iiif::image::{Format, Quality};
use recto_iiif::{Dimensions, Rect};
use support::{Mock, draw, planned, request, rotation};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn noise<const N: usize>(width: u32, height: u32, format: PixelFormat) -> Raster {
    draw::<N>((width, height), format, |x, y| {
        let mut state = x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b);
        std::array::from_fn(|_| {
            state = (state ^ (state >> 15)).wrapping_mul(0x2c1b_3c6d);
            (state >> 24) as u8
        })
    })
}

/// Most bytes held while executing, beyond those held before.
fn held(mock: &Mock, asked: &recto_iiif::image::ResolvedRequest, options: &RenderOptions) -> (u64, u64, String) {
    let plan = planned(mock, asked, options);
    let source = MemoryAccess::new(&b""[..]);
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let made =
        execute(&plan, mock, &source, options, &Control::default()).unwrap_or_else(|error| panic!("{plan}: {error}"));
    let held = (ALLOCATOR.peak_usage() - before) as u64;
    assert!(!made.is_empty());
    (held, plan.estimate().bytes_held, plan.to_string())
}

/// One test, as other tests of the same process would be counted too.
#[test]
fn no_more_is_held_than_was_estimated() {
    let options = RenderOptions { stored_tiles: StoredTiles::Never, ..RenderOptions::default() };
    let icc = Some(std::sync::Arc::from(moxcms::ColorProfile::new_display_p3().encode().unwrap()));
    let images = [
        Mock::new(noise::<3>(1600, 1100, PixelFormat::Rgb8)).with_strips(128),
        Mock::new(noise::<4>(900, 1300, PixelFormat::Rgba8)).with_strips(1300),
        Mock::new(noise::<1>(2500, 700, PixelFormat::Gray8)).with_strips(16),
        Mock::new(noise::<6>(800, 600, PixelFormat::Rgb16)).with_strips(64),
        Mock::new(noise::<3>(1000, 800, PixelFormat::Rgb8)).with_facts(|facts| {
            facts.orientation = Orientation::Rotate90;
            facts.icc = icc;
        }),
        Mock::new(noise::<4>(700, 500, PixelFormat::Cmyk8)).with_strips(500),
    ];
    let mut loosest = (0.0_f64, String::new());
    for mock in &images {
        let full = mock.facts().size();
        for size in [full, full.reduced(2), full.reduced(7), Dimensions::new(1, 1), Dimensions::new(full.width_px, 3)] {
            for degrees in [0.0, 90.0, 180.0, 33.0] {
                for quality in [Quality::Default, Quality::Gray, Quality::Bitonal] {
                    for format in [Format::Jpg, Format::Png, Format::Webp, Format::Gif] {
                        if matches!(format, Format::Webp | Format::Gif) && size.area_px() > 300_000 {
                            continue;
                        }
                        let mut asked = request(full.rect(), size);
                        asked.rotation = rotation(false, degrees);
                        asked.quality = quality;
                        asked.format = format;
                        let (held, estimated, plan) = held(mock, &asked, &options);
                        assert!(held <= estimated, "{plan}: {held} held, {estimated} estimated");
                        let ratio = estimated as f64 / held as f64;
                        if ratio > loosest.0 {
                            loosest = (ratio, format!("{plan}: {held} held, {estimated} estimated"));
                        }
                    }
                }
            }
        }
    }
    println!("the loosest estimate is {:.1} times what was held: {}", loosest.0, loosest.1);

    // A large page of which nothing has to be held passes through, whatever its height.
    let page = Mock::new(noise::<1>(3000, 6000, PixelFormat::Gray8)).with_strips(32);
    for (size, most) in [((3000, 6000), 32 << 20), ((1501, 3002), 24 << 20), ((300, 600), 12 << 20), ((3, 6), 8 << 20)]
    {
        let mut asked = request(Rect::new(0, 0, 3000, 6000), Dimensions::new(size.0, size.1));
        asked.format = Format::Jpg;
        let keep = RenderOptions { color: ColorPolicy::Keep, ..options.clone() };
        let (held, estimated, plan) = held(&page, &asked, &keep);
        println!("{plan}: {held} held, {estimated} estimated");
        assert!(estimated <= most, "{plan}: {estimated} estimated");
        assert!(held <= estimated, "{plan}: {held} held, {estimated} estimated");
    }
}
