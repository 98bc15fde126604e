//! Whatever is asked of whatever image: a plan, the announced size, the estimated cost.

#![cfg(test)]

mod support;

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use recto_codec::formats::WRITABLE;
use recto_codec::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Level, Orientation, RowSource,
    SourceFormat, TileGrid,
};
use recto_engine::{EngineError, Filter, RenderOptions, plan};
use recto_iiif::image::{Format, Quality, ResolvedRequest};
use recto_iiif::{Dimensions, ErrorKind, Rect};
use support::{Halving, Mock, planned, rendered, request, rotation, waves};

/// Facts alone, as hostile as headers can be.
struct Headers(ImageFacts);

impl Decoder for Headers {
    fn facts(&self) -> &ImageFacts {
        &self.0
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let level = self.0.levels[wanted.level].size;
        assert!(wanted.region.is_inside(level), "{wanted:?} of {level}");
        assert!(wanted.denominator <= self.0.max_denominator.max(1));
        Cost { bytes_read: 1, bytes_held: u64::MAX / 2, pixels: wanted.region.area_px() }
    }

    fn rows<'a>(&'a self, _: &DecodeRequest, _: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        Err(DecodeError::Cancelled)
    }
}

fn side() -> impl Strategy<Value = u32> {
    prop_oneof![1..100_u32, 1..100_000_u32, 1..=u32::MAX, Just(u32::MAX), Just(1)]
}

fn size() -> impl Strategy<Value = Dimensions> {
    (side(), side()).prop_map(|(w, h)| Dimensions::new(w, h))
}

fn facts() -> impl Strategy<Value = ImageFacts> {
    let level = (size(), any::<bool>(), size()).prop_map(|(size, passes_through, tile)| Level {
        size,
        grid: passes_through.then_some(TileGrid { tile, passes_through }),
    });
    let colors = [ColorModel::Bitonal, ColorModel::Gray, ColorModel::Rgb, ColorModel::Cmyk, ColorModel::Lab].to_vec();
    (
        prop::collection::vec(level, 1..6),
        prop::sample::select(vec![1, 2, 8, 64, u32::MAX]),
        prop::sample::select(Orientation::ALL.to_vec()),
        prop::sample::select(colors),
        any::<bool>(),
    )
        .prop_map(|(levels, max_denominator, orientation, color, has_alpha)| ImageFacts {
            source_format: SourceFormat::Jpeg,
            compression: String::new(),
            levels,
            max_denominator,
            pages: 1,
            orientation,
            color,
            bits_per_sample: 8,
            has_alpha,
            icc: None,
            dpi: Some((300.0, f64::NAN)),
        })
}

/// A part of `full`, by two fractions of a million each way.
fn part(full: Dimensions, at: [u32; 4]) -> Rect {
    let axis = |full: u32, at: u32, length: u32| {
        let start = (u64::from(full - 1) * u64::from(at) / 1_000_000) as u32;
        (start, ((u64::from(full - start) * u64::from(length) / 1_000_000) as u32).max(1))
    };
    let (x, w) = axis(full.width_px, at[0], at[1]);
    let (y, h) = axis(full.height_px, at[2], at[3]);
    Rect::new(x, y, w, h)
}

fn ways() -> impl Strategy<Value = (f64, bool, Quality, Format)> {
    (
        prop_oneof![prop::sample::select(vec![0.0, 90.0, 180.0, 270.0]), 0.0..360.0],
        any::<bool>(),
        prop::sample::select(vec![Quality::Default, Quality::Color, Quality::Gray, Quality::Bitonal]),
        prop::sample::select(vec![Format::Jpg, Format::Png, Format::Webp, Format::Gif, Format::Tif]),
    )
}

fn fraction() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1_000_000), 0..=1_000_000_u32]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn planning_never_panics_and_asks_only_for_what_is_there(
        facts in facts(),
        at in [fraction(), fraction(), fraction(), fraction()],
        size in size(),
        (degrees, mirror, quality, format) in ways(),
    ) {
        let region = part(facts.size(), at);
        let asked = ResolvedRequest { region, size, rotation: rotation(mirror, degrees), quality, format };
        let made = plan(&Headers(facts), &asked, &RenderOptions::default());
        match made {
            Ok(plan) => prop_assert!(!plan.to_string().is_empty() && plan.estimate().bytes_held > 0),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::TooLarge, "{}", error),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_have_the_announced_size_and_decode_what_was_estimated(
        (w, h) in (1..200_u32, 1..200_u32),
        levels in 1..5_u32,
        down in any::<bool>(),
        denominator in prop::sample::select(vec![1, 2, 8]),
        strips in 1..70_u32,
        orientation in prop::sample::select(Orientation::ALL.to_vec()),
        at in [fraction(), fraction(), fraction(), fraction()],
        (out_w, out_h) in (1..150_u32, 1..150_u32),
        (degrees, mirror, quality, format) in ways(),
        filter in prop::sample::select(vec![Filter::Lanczos3, Filter::CatmullRom, Filter::Bilinear, Filter::Box]),
    ) {
        let mock = Mock::new(waves(w, h))
            .with_levels(levels, if down { Halving::Down } else { Halving::Up })
            .with_denominator(denominator)
            .with_strips(strips)
            .with_facts(|facts| facts.orientation = orientation);
        let region = part(mock.facts().size(), at);
        let mut asked = request(region, Dimensions::new(out_w, out_h));
        asked.rotation = rotation(mirror, degrees);
        asked.quality = quality;
        asked.format = format;
        let options = RenderOptions { filter, ..RenderOptions::default() };
        let plan = planned(&mock, &asked, &options);
        let made = rendered(&mock, &asked, &options);
        if asked.rotation.quarter_turns().is_some() {
            let turned = asked.rotation.quarter_turns().unwrap() % 2 == 1;
            let want = if turned { asked.size.transposed() } else { asked.size };
            prop_assert_eq!(made.size(), want, "{}", plan);
        }
        prop_assert_eq!(made.size(), plan.render().unwrap().size());
        prop_assert!(mock.pixels_decoded.load(Ordering::Relaxed) <= plan.estimate().pixels, "{}", plan);
    }
}

#[test]
fn requests_that_cannot_be_are_refused_at_once() {
    let mock = Mock::new(waves(20, 10));
    let options = RenderOptions::default();
    let outside = request(Rect::new(15, 0, 6, 10), Dimensions::new(6, 10));
    assert!(matches!(plan(&mock, &outside, &options), Err(EngineError::RegionOutside { .. })));
    let empty = request(Rect::new(0, 0, 20, 10), Dimensions::new(0, 10));
    assert!(matches!(plan(&mock, &empty, &options), Err(EngineError::ImpossibleSize { .. })));
    for format in Format::ALL.into_iter().filter(|format| !WRITABLE.contains(format)) {
        let mut unwritten = request(Rect::new(0, 0, 20, 10), Dimensions::new(20, 10));
        unwritten.format = format;
        assert_eq!(plan(&mock, &unwritten, &options).unwrap_err().kind(), ErrorKind::Unsupported, "{format:?}");
    }
}

#[test]
fn a_cancelled_request_ends_before_it_is_done() {
    let mock = Mock::new(waves(200, 100));
    let options = RenderOptions::default();
    let made = planned(&mock, &request(Rect::new(0, 0, 200, 100), Dimensions::new(100, 50)), &options);
    let control = Control::default();
    let mut rows = recto_engine::render_rows(made.render().unwrap(), &mock, &options, &control).unwrap();
    control.cancel();
    assert!(matches!(rows.next_rows(), Err(EngineError::Decode(DecodeError::Cancelled))));
}

#[test]
fn plans_print_as_one_line() {
    let mock = Mock::new(waves(2500, 1876)).with_levels(2, Halving::Up).with_denominator(8);
    let mut asked = request(Rect::new(100, 0, 2400, 1024), Dimensions::new(250, 107));
    asked.rotation = rotation(true, 90.0);
    asked.format = Format::Jpg;
    let line = planned(&mock, &asked, &RenderOptions::default()).to_string();
    assert_eq!(
        line,
        "render: level 1 (1250x938), region 36,0,1214,524 at 1/4, lanczos3 to 250x107, transverse, srgb, jpg q80"
    );
}
