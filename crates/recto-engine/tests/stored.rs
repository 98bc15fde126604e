//! Stored tiles leave as they lie exactly when they are what was asked for.

#![cfg(test)]

mod support;

use std::sync::Arc;

use recto_codec::{ColorModel, Control, Decoder, MemoryAccess, Orientation, SourceFormat};
use recto_engine::{ColorPolicy, Plan, RenderOptions, StoredTiles, execute, stored_tile};
use recto_iiif::image::{Format, Quality, ResolvedRequest};
use recto_iiif::{Dimensions, Rect};
use support::{Halving, Mock, planned, request, rotation, waves};

fn jpg(region: (u32, u32, u32, u32), size: (u32, u32)) -> ResolvedRequest {
    let mut asked = request(Rect::new(region.0, region.1, region.2, region.3), Dimensions::new(size.0, size.1));
    asked.format = Format::Jpg;
    asked
}

fn pyramid(halving: Halving) -> Mock {
    Mock::new(waves(501, 333)).with_levels(3, halving).with_jpeg_tiles(64)
}

/// What kind of plan it is, and for which tile.
fn kind(plan: &Plan) -> String {
    match plan {
        Plan::StoredTile { level, column, row, .. } => format!("stored {level}/{column},{row}"),
        Plan::Cut { level, part, .. } => format!("cut {level}/{},{}", part.region.x / 64, part.region.y / 64),
        Plan::StoredWhole { .. } => "whole".into(),
        _ => "render".into(),
    }
}

#[test]
fn tiles_of_the_grid_are_recognised_at_every_level() {
    for (halving, region, size, want) in [
        (Halving::Up, (0, 0, 64, 64), (64, 64), "stored 0/0,0"),
        (Halving::Up, (384, 256, 64, 64), (64, 64), "stored 0/6,4"),
        (Halving::Up, (448, 320, 53, 13), (53, 13), "cut 0/7,5"),
        (Halving::Up, (448, 0, 53, 64), (53, 64), "cut 0/7,0"),
        (Halving::Up, (128, 128, 128, 128), (64, 64), "stored 1/1,1"),
        (Halving::Up, (384, 256, 117, 77), (59, 39), "cut 1/3,2"),
        (Halving::Up, (256, 256, 245, 77), (62, 20), "cut 2/1,1"),
        (Halving::Up, (0, 0, 256, 256), (64, 64), "stored 2/0,0"),
        // A level that was rounded down has a pixel less than is announced at the edge, not inside.
        (Halving::Down, (128, 128, 128, 128), (64, 64), "stored 1/1,1"),
        (Halving::Down, (384, 256, 117, 77), (59, 39), "render"),
        (Halving::Down, (256, 256, 245, 77), (62, 20), "render"),
        // Not the grid, not the size, not the whole tile.
        (Halving::Up, (1, 0, 64, 64), (64, 64), "render"),
        (Halving::Up, (0, 0, 128, 128), (127, 127), "render"),
        // A part of a tile, where the decoder can cut it.
        (Halving::Up, (0, 0, 63, 64), (63, 64), "cut 0/0,0"),
        (Halving::Up, (0, 0, 128, 128), (63, 63), "render"),
        (Halving::Up, (0, 0, 128, 128), (128, 128), "render"),
        (Halving::Up, (0, 0, 512, 333), (64, 42), "render"),
        (Halving::Up, (0, 0, 501, 333), (501, 333), "render"),
    ] {
        let region = (region.0, region.1, region.2.min(501), region.3.min(333));
        let plan = planned(&pyramid(halving), &jpg(region, size), &RenderOptions::default());
        assert_eq!(kind(&plan), want, "{halving:?} {region:?} {size:?}: {plan}");
    }
}

#[test]
fn a_level_in_one_padded_tile_is_cut() {
    let mock = Mock::new(waves(50, 40)).with_jpeg_tiles(64);
    let plan = planned(&mock, &jpg((0, 0, 50, 40), (50, 40)), &RenderOptions::default());
    assert_eq!(kind(&plan), "cut 0/0,0");
}

#[test]
fn any_exact_part_is_cut_where_the_decoder_can() {
    let (full, options) = (Dimensions::new(501, 333), RenderOptions::default());
    let mock = pyramid(Halving::Up).that_cuts_all();
    let cut = |mock: &Mock, asked: &ResolvedRequest| match planned(mock, asked, &options) {
        Plan::Cut { level, part, .. } => Some((level, part.region, part.turn, part.gray)),
        _ => None,
    };
    let normal = Orientation::Normal;
    for (region, size, want) in [
        ((128, 64, 128, 128), (128, 128), Some((0, Rect::new(128, 64, 128, 128)))),
        ((1, 2, 37, 41), (37, 41), Some((0, Rect::new(1, 2, 37, 41)))),
        ((128, 64, 256, 128), (128, 64), Some((1, Rect::new(64, 32, 128, 64)))),
        ((0, 0, 501, 333), (126, 84), Some((2, Rect::new(0, 0, 126, 84)))),
        ((128, 64, 128, 128), (127, 127), None),
        ((129, 64, 256, 128), (128, 64), None),
    ] {
        let want = want.map(|(level, region)| (level, region, normal, false));
        assert_eq!(cut(&mock, &jpg(region, size)), want, "{region:?} {size:?}");
    }
    let inside = jpg((128, 64, 128, 64), (128, 64));
    for (mirror, degrees, turn) in [
        (false, 90.0, Some(Orientation::Rotate90)),
        (false, 180.0, Some(Orientation::Rotate180)),
        (false, 270.0, Some(Orientation::Rotate270)),
        (true, 0.0, Some(Orientation::MirrorHorizontal)),
        (true, 90.0, Some(Orientation::Transverse)),
        (false, 45.0, None),
    ] {
        let mut asked = inside;
        asked.rotation = rotation(mirror, degrees);
        let want = turn.map(|turn| (0, asked.region, turn, false));
        assert_eq!(cut(&mock, &asked), want, "{mirror} {degrees}");
    }
    let mut gray = inside;
    gray.quality = Quality::Gray;
    assert_eq!(cut(&mock, &gray), Some((0, inside.region, normal, true)));
    let mut bitonal = inside;
    bitonal.quality = Quality::Bitonal;
    assert_eq!(cut(&mock, &bitonal), None);
    // An image that is to be turned for showing: the part in stored pixels, and the turn.
    let turned = pyramid(Halving::Up).that_cuts_all().with_facts(|facts| facts.orientation = Orientation::Rotate90);
    let part = Rect::new(64, full.height_px - 192, 64, 128);
    assert_eq!(cut(&turned, &jpg((64, 64, 128, 64), (128, 64))), Some((0, part, Orientation::Rotate90, false)));
    let asked = jpg((128, 64, 128, 64), (128, 64));
    let plan = planned(&mock, &asked, &options);
    assert!(plan.to_string().starts_with("cut: level 0, region 128,64,128,64; else render"), "{plan}");
}

type Change = fn(&mut ResolvedRequest);

#[test]
fn anything_that_changes_pixels_is_rendered() {
    let inside = jpg((64, 64, 64, 64), (64, 64));
    let options = RenderOptions::default();
    let changes: [(&str, Change); 5] = [
        ("rotated", |asked| asked.rotation = rotation(false, 90.0)),
        ("mirrored", |asked| asked.rotation = rotation(true, 0.0)),
        ("gray", |asked| asked.quality = Quality::Gray),
        ("bitonal", |asked| asked.quality = Quality::Bitonal),
        ("png", |asked| asked.format = Format::Png),
    ];
    for (what, change) in changes {
        let mut asked = inside;
        change(&mut asked);
        assert_eq!(kind(&planned(&pyramid(Halving::Up), &asked, &options)), "render", "{what}");
    }
    let oriented = pyramid(Halving::Up).with_facts(|facts| facts.orientation = Orientation::Rotate180);
    assert_eq!(kind(&planned(&oriented, &inside, &options)), "render");
    let inks = pyramid(Halving::Up).with_facts(|facts| facts.color = ColorModel::Cmyk);
    assert_eq!(kind(&planned(&inks, &inside, &options)), "render");
    let never = RenderOptions { stored_tiles: StoredTiles::Never, ..options.clone() };
    assert_eq!(kind(&planned(&pyramid(Halving::Up), &inside, &never)), "render");
    let mut color = inside;
    color.quality = Quality::Color;
    assert_eq!(kind(&planned(&pyramid(Halving::Up), &color, &options)), "stored 0/1,1");
}

#[test]
fn profiles_that_matter_make_tiles_rendered() {
    let encoded = |profile: &moxcms::ColorProfile| Arc::<[u8]>::from(profile.encode().unwrap());
    let under = |icc: Arc<[u8]>| pyramid(Halving::Up).with_facts(|facts| facts.icc = Some(icc));
    let inside = jpg((64, 64, 64, 64), (64, 64));
    let (convert, keep) =
        (RenderOptions::default(), RenderOptions { color: ColorPolicy::Keep, ..RenderOptions::default() });
    for (what, icc, want) in [
        ("sRGB", encoded(&moxcms::ColorProfile::new_srgb()), "stored 0/1,1"),
        ("Display P3", encoded(&moxcms::ColorProfile::new_display_p3()), "render"),
        ("Adobe RGB", encoded(&moxcms::ColorProfile::new_adobe_rgb()), "render"),
        ("not a profile", Arc::from(&b"this is no profile"[..]), "stored 0/1,1"),
    ] {
        assert_eq!(kind(&planned(&under(icc.clone()), &inside, &convert)), want, "{what}");
        // Kept profiles travel along in the tile's head.
        let plan = planned(&under(icc.clone()), &inside, &keep);
        assert_eq!(kind(&plan), "stored 0/1,1", "{what}, kept");
        let tile = stored_tile(&plan, &under(icc.clone())).unwrap();
        let matters = want == "render";
        let mut head = b"head".to_vec();
        if matters {
            head.extend_from_slice(&[0xff, 0xe2]);
            head.extend_from_slice(&(icc.len() as u16 + 16).to_be_bytes());
            head.extend_from_slice(b"ICC_PROFILE\0\x01\x01");
            head.extend_from_slice(&icc);
        }
        assert_eq!(*tile.head, *head, "{what}, kept");
        assert_eq!(plan.estimate().bytes_held, head.len() as u64 + 10, "{what}, kept");
        let wide = RenderOptions { color: ColorPolicy::Wide, ..RenderOptions::default() };
        assert_eq!(kind(&planned(&under(icc.clone()), &inside, &wide)), "stored 0/1,1", "{what}, wide");
        let small = RenderOptions { max_profile_bytes: icc.len() as u64 - 1, ..keep.clone() };
        assert_eq!(kind(&planned(&under(icc.clone()), &inside, &small)), want, "{what}, larger than what is embedded");
    }
    // A narrow space is not kept as a wide one.
    let mut narrow = moxcms::ColorProfile::new_srgb();
    narrow.red_trc = Some(moxcms::ToneReprCurve::Parametric(vec![1.4]));
    narrow.green_trc.clone_from(&narrow.red_trc);
    narrow.blue_trc.clone_from(&narrow.red_trc);
    narrow.cicp = None;
    for (color, want) in [(ColorPolicy::Keep, "stored 0/1,1"), (ColorPolicy::Wide, "render")] {
        let options = RenderOptions { color, ..RenderOptions::default() };
        assert_eq!(kind(&planned(&under(encoded(&narrow)), &inside, &options)), want, "{color:?}");
    }
    // Edge tiles get it as the first segment.
    let icc = encoded(&moxcms::ColorProfile::new_display_p3());
    let edge = jpg((448, 320, 53, 13), (53, 13));
    let mock = under(icc.clone());
    let plan = planned(&mock, &edge, &keep);
    assert_eq!(kind(&plan), "cut 0/7,5");
    let made = execute(&plan, &mock, &MemoryAccess::new(&b""[..]), &keep, &Control::default()).unwrap();
    assert_eq!((&made[..4], &made[made.len() - 3..]), (&[0xff, 0xd8, 0xff, 0xe2][..], &[0, 7, 5][..]));
    assert_eq!(made.len(), 5 + 18 + icc.len());
}

#[test]
fn the_whole_leaves_as_it_lies_only_as_the_file_it_is() {
    let jpeg = || Mock::new(waves(50, 40)).with_facts(|facts| facts.source_format = SourceFormat::Jpeg);
    let options = RenderOptions::default();
    assert_eq!(kind(&planned(&jpeg(), &jpg((0, 0, 50, 40), (50, 40)), &options)), "whole");
    assert_eq!(kind(&planned(&jpeg(), &jpg((0, 0, 50, 40), (25, 20)), &options)), "render");
    assert_eq!(kind(&planned(&jpeg(), &jpg((0, 0, 49, 40), (49, 40)), &options)), "render");
    let turned = jpeg().with_facts(|facts| facts.orientation = Orientation::Rotate90);
    assert_eq!(kind(&planned(&turned, &jpg((0, 0, 40, 50), (40, 50)), &options)), "render");
    // This decoder has no stored whole: it is rendered instead.
    let plan = planned(&jpeg(), &jpg((0, 0, 50, 40), (50, 40)), &options);
    let source = MemoryAccess::new(&b""[..]);
    let made = execute(&plan, &jpeg(), &source, &options, &Control::default()).unwrap();
    assert!(made.starts_with(&[0xff, 0xd8]) && made.len() > 100);
}

#[test]
fn executing_gives_head_and_body_or_the_cut_tile() {
    let mock = pyramid(Halving::Up);
    let source = MemoryAccess::new((0..=255_u8).collect::<Vec<_>>());
    let options = RenderOptions::default();
    let plan = planned(&mock, &jpg((192, 64, 64, 64), (64, 64)), &options);
    assert_eq!(plan.to_string(), "stored tile: level 0, column 3, row 1, 14 bytes");
    let made = execute(&plan, &mock, &source, &options, &Control::default()).unwrap();
    assert_eq!(made, [b"head".as_slice(), &(103..113).collect::<Vec<u8>>()].concat());
    assert_eq!(made.len() as u64, plan.estimate().bytes_held);
    assert_eq!(stored_tile(&plan, &mock).unwrap().body, mock.stored_tile(0, 3, 1).unwrap().body);

    let plan = planned(&mock, &jpg((448, 320, 53, 13), (53, 13)), &options);
    let made = execute(&plan, &mock, &source, &options, &Control::default()).unwrap();
    assert_eq!(made, [0xff, 0xd8, 0, 7, 5]);
    assert!(stored_tile(&plan, &mock).is_none());
}
