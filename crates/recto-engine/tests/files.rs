//! Finished files: read again, they are the pixels that were rendered.

#![cfg(test)]

mod support;

use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, Decoder, MemoryAccess, OpenOptions, Orientation, PixelFormat, Raster, open, read_raster,
};
use recto_engine::{ColorPolicy, RenderOptions, StoredTiles, execute};
use recto_iiif::image::{Format, Quality, ResolvedRequest};
use recto_iiif::{Dimensions, Rect};
use support::{Mock, difference, draw, planned, rendered, request, rotation, waves};

fn options() -> RenderOptions {
    let mut options = RenderOptions { stored_tiles: StoredTiles::Never, ..RenderOptions::default() };
    options.encode.webp_quality = 100;
    options.encode.jpeg_quality = 95;
    options
}

fn made(mock: &Mock, asked: &ResolvedRequest, options: &RenderOptions) -> Vec<u8> {
    let plan = planned(mock, asked, options);
    execute(&plan, mock, &MemoryAccess::new(&b""[..]), options, &Control::default())
        .unwrap_or_else(|error| panic!("{plan}: {error}"))
}

fn read(file: Vec<u8>) -> (Raster, Box<dyn Decoder>) {
    let decoder =
        open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).expect("a file that was just written");
    let wanted = DecodeRequest { level: 0, region: decoder.facts().stored_size().rect(), denominator: 1 };
    let raster = read_raster(&*decoder, &wanted, &Control::default()).expect("a file that was just written").0;
    (raster, decoder)
}

#[test]
fn every_format_holds_what_was_rendered() {
    let mock = Mock::new(waves(150, 90)).with_facts(|facts| {
        facts.orientation = Orientation::Rotate90;
        facts.dpi = Some((300.0, 600.0));
    });
    for format in [Format::Jpg, Format::Png, Format::Webp, Format::Gif] {
        for (degrees, quality) in [(0.0, Quality::Default), (270.0, Quality::Gray), (30.0, Quality::Default)] {
            let mut asked = request(Rect::new(10, 20, 70, 100), Dimensions::new(35, 50));
            asked.rotation = rotation(true, degrees);
            asked.quality = quality;
            asked.format = format;
            let want = rendered(&mock, &asked, &options());
            let (raster, decoder) = read(made(&mock, &asked, &options()));
            let facts = decoder.facts();
            assert_eq!(facts.orientation, Orientation::Normal, "{format:?}");
            assert_eq!(raster.size(), want.size(), "{format:?} {degrees}");
            assert!(facts.icc.is_none(), "{format:?}");
            let exact = matches!(format, Format::Png | Format::Webp);
            if exact && raster.format() == want.format() {
                assert_eq!(raster, want, "{format:?} {degrees} {quality:?}");
            } else if format == Format::Jpg {
                let mean = raster.data().iter().zip(want.data()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>()
                    / raster.data().len() as f64;
                assert_eq!(raster.format(), want.format());
                assert!(mean < 6.0, "{degrees} {quality:?}: {mean}");
            }
            if matches!(format, Format::Jpg | Format::Png) && degrees == 0.0 {
                // Half the size of an image that is shown turned by a quarter.
                let (x, y) = facts.dpi.unwrap();
                assert!((x - 300.0).abs() < 1.0 && (y - 150.0).abs() < 1.0, "{format:?}: {x} {y}");
            }
        }
    }
}

#[test]
fn bitonal_answers_use_one_bit_where_the_format_has_it() {
    let mock = Mock::new(waves(64, 48));
    let mut asked = request(Rect::new(0, 0, 64, 48), Dimensions::new(64, 48));
    asked.quality = Quality::Bitonal;
    let want = rendered(&mock, &asked, &options());
    let (raster, decoder) = read(made(&mock, &asked, &options()));
    assert_eq!((decoder.facts().bits_per_sample, &raster), (1, &want));
}

#[test]
fn kept_profiles_are_embedded_and_converted_ones_are_not() {
    let icc: Arc<[u8]> = Arc::from(moxcms::ColorProfile::new_display_p3().encode().unwrap());
    let mock = Mock::new(waves(64, 48)).with_facts(|facts| facts.icc = Some(Arc::clone(&icc)));
    let keep = RenderOptions { color: ColorPolicy::Keep, ..options() };
    for format in [Format::Jpg, Format::Png, Format::Webp] {
        let mut asked = request(Rect::new(0, 0, 64, 48), Dimensions::new(64, 48));
        asked.format = format;
        let (raster, decoder) = read(made(&mock, &asked, &keep));
        assert_eq!(decoder.facts().icc.as_deref(), Some(&*icc), "{format:?}");
        if format == Format::Png {
            assert_eq!(&raster, mock.level(0));
        }
        let (raster, decoder) = read(made(&mock, &asked, &options()));
        assert!(decoder.facts().icc.is_none(), "{format:?}");
        if format == Format::Png {
            assert!(difference(&raster, mock.level(0)) > 10);
        }
        // Gray under a profile of colours would mean nothing.
        asked.quality = Quality::Gray;
        assert!(read(made(&mock, &asked, &keep)).1.facts().icc.is_none(), "{format:?}");
    }
    let mut gif = request(Rect::new(0, 0, 64, 48), Dimensions::new(64, 48));
    gif.format = Format::Gif;
    assert_eq!(rendered(&mock, &gif, &keep), rendered(&mock, &gif, &options()));
}

#[test]
fn sides_that_a_format_cannot_have_are_refused_before_pixels_are_read() {
    let mock = Mock::new(draw((10, 10), PixelFormat::Gray8, |_, _| [7]));
    let mut asked = request(Rect::new(0, 0, 10, 10), Dimensions::new(70_000, 1));
    asked.format = Format::Jpg;
    let plan = planned(&mock, &asked, &options());
    let error =
        execute(&plan, &mock, &MemoryAccess::new(&b""[..]), &options(), &Control::default()).expect_err("too wide");
    assert_eq!(error.kind(), recto_iiif::ErrorKind::TooLarge, "{error}");
}
