//! Every tile URL that viewers build from our `info.json` is served with exactly the pixels they computed.
//!
//! How they build them is in `recto_testkit::viewers`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashSet;

use proptest::prelude::*;
use recto_iiif::image::{ApiVersion, Format, ImageRequest, InfoSubject, Limits, tiles, v2, v3};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::viewers::{Announced, Asked, Widths, leaflet, openseadragon};

const FORMATS: [Format; 2] = [Format::Jpg, Format::Png];

/// Checks every URL of every viewer for one image.
fn check(subject: &InfoSubject<'_>) -> Result<(), String> {
    for version in ApiVersion::ALL {
        let document = match version {
            ApiVersion::V2 => v2::info(subject),
            ApiVersion::V3 => v3::info(subject),
        };
        let info = Announced::read(&document);
        let mut lists = vec![openseadragon(&info, version, Widths::Both), openseadragon(&info, version, Widths::Only)];
        if info.tile_width == info.tile_height {
            lists.push(leaflet(&info, version));
        }
        for list in lists {
            check_list(subject, version, &list)?;
        }
        for (width, height) in &info.sizes {
            let size = format!("{width},{height}");
            check_one(subject, version, &Asked { region: "full".into(), size, width: *width, height: *height })?;
            if version == ApiVersion::V2 {
                let size = format!("{width},");
                check_one(subject, version, &Asked { region: "full".into(), size, width: *width, height: *height })?;
            }
        }
    }
    Ok(())
}

fn check_list(subject: &InfoSubject<'_>, version: ApiVersion, list: &[Asked]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for asked in list {
        // Version 2 of OpenSeadragon compares only widths: in an image one pixel wide it writes `full` at every level.
        if version == ApiVersion::V2 && asked.size == "full" && subject.size.width_px == 1 {
            continue;
        }
        // The very same URL, asked for before with another height (a corner tile that becomes one pixel wide): one of the two
        // expectations cannot be met, and the finer level comes first.
        if asked.width == 1 && !seen.insert((&asked.region, &asked.size)) {
            continue;
        }
        check_one(subject, version, asked)?;
    }
    Ok(())
}

fn check_one(subject: &InfoSubject<'_>, version: ApiVersion, asked: &Asked) -> Result<(), String> {
    let told = || format!("{} tile {:?} {version:?}: {}/{}", subject.size, subject.tile, asked.region, asked.size);
    let request = ImageRequest::parse(version, &asked.region, &asked.size, "0", "default.jpg").unwrap();
    let resolved =
        request.resolve_on(subject.grid(), &subject.limits).map_err(|refused| format!("{}: {refused}", told()))?;
    let want = Dimensions::new(asked.width as u32, asked.height as u32);
    if resolved.size == want && resolved.region.is_inside(subject.size) {
        Ok(())
    } else {
        Err(format!("{}: computed {want}, served {}", told(), resolved.size))
    }
}

fn subject(width: u32, height: u32, tile: Option<Dimensions>) -> InfoSubject<'static> {
    InfoSubject { tile, ..InfoSubject::new("http://localhost/iiif/a", Dimensions::new(width, height), &FORMATS) }
}

#[test]
fn d9_every_tile_url_means_the_computed_pixels_for_every_side_from_1_to_2049() {
    let tile = |side| Dimensions::new(side, side);
    let grids: [(Dimensions, &[u32]); 3] = [
        (tile(512), &[1, 2, 3, 255, 512, 513, 1000, 1025, 2049]),
        (tile(256), &[1, 2, 257, 1000]),
        (tile(1024), &[1, 4, 513, 1024, 2049]),
    ];
    for (tile, others) in grids {
        for side in 1..=2049 {
            for other in others {
                check(&subject(side, *other, Some(tile))).unwrap();
                check(&subject(*other, side, Some(tile))).unwrap();
            }
        }
    }
}

#[test]
fn d9_stored_grids_have_the_computed_size_too() {
    for tile in
        [Dimensions::new(128, 128), Dimensions::new(256, 256), Dimensions::new(240, 240), Dimensions::new(256, 192)]
    {
        for side in (1..=2049).step_by(7).chain([2047, 2048, 2049]) {
            for other in [1, 3, 257, 511, 1024] {
                check(&subject(side, other, Some(tile))).unwrap();
                check(&subject(other, side, Some(tile))).unwrap();
            }
        }
    }
}

#[test]
fn d9_levels_that_a_file_rounded_down_do_not_shift_the_tiles() {
    for side in 1025..1100 {
        let mut subject = subject(2 * side + 1, 1023, Some(Dimensions::new(256, 256)));
        subject.levels =
            (0..5).map(|k| Dimensions::new(subject.size.width_px >> k, subject.size.height_px >> k)).collect();
        check(&subject).unwrap();
    }
}

#[test]
fn what_is_announced_is_within_the_limits_and_served() {
    for limits in [
        Limits { max_width_px: Some(700), ..Limits::NONE },
        Limits { max_width_px: Some(700), max_height_px: Some(100), max_area_px: Some(50_000) },
        Limits { max_height_px: Some(300), ..Limits::NONE },
        Limits { max_area_px: Some(40_000), ..Limits::NONE },
        Limits { max_area_px: Some(900), ..Limits::NONE },
    ] {
        for (width, height) in [(2049, 1000), (1000, 2049), (3, 700), (64, 64), (1, 1)] {
            check(&InfoSubject { limits, ..subject(width, height, None) }).unwrap();
        }
    }
}

#[test]
fn the_static_tree_has_every_url_that_viewers_ask_for() {
    let ours = |subject: &InfoSubject<'_>, version| tiles::level0(subject, version).collect::<Vec<_>>();
    for (width, height) in
        [(1800, 2401), (512, 512), (513, 100), (100, 2000), (3, 2000), (2000, 3), (1025, 1324), (1, 1)]
    {
        let subject = subject(width, height, None);
        for version in ApiVersion::ALL {
            let files = ours(&subject, version);
            let distinct: HashSet<_> = files.iter().collect();
            assert_eq!(distinct.len(), files.len(), "{width}x{height} {version:?}");
            let document = if version == ApiVersion::V2 { v2::info(&subject) } else { v3::info(&subject) };
            let info = Announced::read(&document);
            for asked in openseadragon(&info, version, Widths::Only).iter().chain(&leaflet(&info, version)) {
                let path = format!("{}/{}/0/default.jpg", asked.region, asked.size);
                assert!(distinct.contains(&path), "{width}x{height} {version:?} {path}");
            }
            for path in &files {
                let mut parts = path.split('/');
                let [region, size, rotation, last] = std::array::from_fn(|_| parts.next().unwrap());
                let request = ImageRequest::parse(version, region, size, rotation, last).unwrap();
                assert!(request.resolve_on(subject.grid(), &subject.limits).is_ok(), "{path}");
            }
        }
    }
}

#[test]
fn the_measured_urls_have_the_measured_sizes() {
    let subject = subject(1800, 2400, None);
    let info = Announced::read(&v2::info(&subject));
    let urls: Vec<_> =
        leaflet(&info, ApiVersion::V2).iter().map(|asked| format!("{}/{}", asked.region, asked.size)).collect();
    assert!(urls.contains(&"0,0,1800,2048/450,".to_owned()) && urls.contains(&"1024,2048,776,352/388,".to_owned()));
    assert_eq!(Rect::new(1024, 2048, 776, 352).dimensions().reduced(2), Dimensions::new(388, 176));
}

proptest! {
    #[test]
    fn d9_any_image_up_to_2049_has_the_computed_tiles(width in 1_u32..=2049, height in 1_u32..=2049, exponent in 6_u32..=10) {
        let tile = Dimensions::new(1 << exponent, 1 << exponent);
        prop_assert_eq!(check(&subject(width, height, Some(tile))), Ok(()));
    }

    #[test]
    fn d9_any_tile_shape_has_the_computed_tiles(width in 1_u32..=2049, height in 1_u32..=2049, w in 64_u32..=600, h in 64_u32..=600) {
        prop_assert_eq!(check(&subject(width, height, Some(Dimensions::new(w, h)))), Ok(()));
    }
}
