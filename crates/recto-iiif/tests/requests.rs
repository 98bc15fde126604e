//! The grammar of both versions, what requests mean in exact pixels, and their canonical form.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use recto_iiif::image::{
    ApiVersion, DEFAULT_TILE, Degrees, Format, ImageRequest, Limits, Mirror, PercentRect, Quality, Region,
    RequestError, ResolvedRequest, Rotation, Size, TileGrid, Upscale,
};
use recto_iiif::{Dimensions, ErrorKind, Rect};

use ApiVersion::{V2, V3};

fn dims(width: u32, height: u32) -> Dimensions {
    Dimensions::new(width, height)
}

fn resolve(
    version: ApiVersion,
    region: &str,
    size: &str,
    image: Dimensions,
    limits: Limits,
) -> Result<ResolvedRequest, RequestError> {
    ImageRequest::parse(version, region, size, "0", "default.jpg")?.resolve(image, &limits)
}

#[test]
fn numbers_are_as_the_grammar_has_them_and_no_others() {
    let wrong =
        ["+1", "-1", "1e1", "NaN", "inf", "１", "٣", " 1", "1 ", "0x1", "1.", ".", "1..2", "1_0", "", "infinity", "1,"];
    for number in wrong {
        for version in [V2, V3] {
            for size in
                [format!("pct:{number}"), format!("{number},{number}"), format!("!{number},5"), format!("!5,{number}")]
            {
                let refused = Size::parse(version, &size).unwrap_err();
                assert_eq!((refused.parameter(), refused.kind()), ("size", ErrorKind::Malformed), "{size}");
            }
        }
        for region in [
            format!("{number},0,1,1"),
            format!("0,0,1,{number}"),
            format!("pct:{number},0,1,1"),
            format!("pct:0,0,{number},1"),
        ] {
            assert_eq!(Region::parse(&region).unwrap_err().parameter(), "region", "{region}");
        }
        for rotation in [number.to_owned(), format!("!{number}")] {
            assert_eq!(Rotation::parse(&rotation).unwrap_err().parameter(), "rotation", "{rotation}");
        }
    }
    for size in [
        "1.5,",
        ",1.5",
        "1.5,1",
        "0,",
        ",0",
        "0,0",
        "!0,5",
        "!5,0",
        "pct:0",
        "pct:0.0",
        "4294967296,",
        ",99999999999999999999",
        ",",
        "!5,",
        "!,5",
        "^",
        "!",
        "1,2,3",
        "Max",
        "pct:",
        "^^max",
        "!^5,5",
    ] {
        assert!(Size::parse(V3, size).is_err(), "{size}");
        assert!(Size::parse(V2, size).is_err(), "{size}");
    }
    for region in
        ["0,0,0,1", "0,0,1,0", "1,2,3", "1,2,3,4,5", "1.0,2,3,4", "pct:0,0,0,1", "pct:0,0,1,0", "Full", "pct:", ""]
    {
        assert!(Region::parse(region).is_err(), "{region}");
    }
    let endless = "9".repeat(5000);
    assert!(Size::parse(V3, &format!("pct:{endless}")).is_err());
    assert!(Size::parse(V3, &format!("{endless},")).unwrap_err().given().len() < 500);
    assert_eq!(Size::parse(V3, &format!("!{endless},5")), Ok(Size::Confined(dims(u32::MAX, 5), Upscale::Forbidden)));
    assert_eq!(Region::parse(&format!("0,0,{endless},1")), Ok(Region::Pixels(Rect::new(0, 0, u32::MAX, 1))));
}

#[test]
fn every_form_of_size_belongs_to_its_versions() {
    use Upscale::{Allowed, Forbidden};
    for (text, version_2, version_3) in [
        ("max", Some(Size::Max(Forbidden)), Some(Size::Max(Forbidden))),
        ("^max", None, Some(Size::Max(Allowed))),
        ("full", Some(Size::Full), None),
        ("^full", None, None),
        ("5,", Some(Size::Width(5, Allowed)), Some(Size::Width(5, Forbidden))),
        ("^5,", None, Some(Size::Width(5, Allowed))),
        (",5", Some(Size::Height(5, Allowed)), Some(Size::Height(5, Forbidden))),
        ("^,5", None, Some(Size::Height(5, Allowed))),
        ("pct:.5", Some(Size::Percent(0.5, Allowed)), Some(Size::Percent(0.5, Forbidden))),
        ("^pct:120", None, Some(Size::Percent(120.0, Allowed))),
        ("5,6", Some(Size::Exact(dims(5, 6), Allowed)), Some(Size::Exact(dims(5, 6), Forbidden))),
        ("^5,6", None, Some(Size::Exact(dims(5, 6), Allowed))),
        ("!5,6", Some(Size::Confined(dims(5, 6), Allowed)), Some(Size::Confined(dims(5, 6), Forbidden))),
        ("^!5,6", None, Some(Size::Confined(dims(5, 6), Allowed))),
    ] {
        assert_eq!(Size::parse(V2, text).ok(), version_2, "{text}");
        assert_eq!(Size::parse(V3, text).ok(), version_3, "{text}");
    }
}

#[test]
fn rotations_qualities_and_formats_are_the_listed_ones() {
    let degrees = |n, mirror| Ok(Rotation { mirror, degrees: Degrees(n) });
    for (text, want) in [
        ("0", degrees(0.0, Mirror::No)),
        ("360", degrees(0.0, Mirror::No)),
        ("!90", degrees(90.0, Mirror::Yes)),
        ("22.50", degrees(22.5, Mirror::No)),
        ("!.5", degrees(0.5, Mirror::Yes)),
    ] {
        assert_eq!(Rotation::parse(text), want, "{text}");
    }
    for text in ["360.1", "361", "!!0", "0!", "-90", "99999999999"] {
        assert!(Rotation::parse(text).is_err(), "{text}");
    }
    for (text, parameter) in [
        ("native.jpg", "quality"),
        ("grey.jpg", "quality"),
        ("default", "format"),
        ("default.", "format"),
        (".jpg", "quality"),
        ("default.jpeg", "format"),
        ("default.JPG", "format"),
        ("default.jpg.png", "format"),
        ("Default.jpg", "quality"),
    ] {
        let refused = ImageRequest::parse(V3, "full", "max", "0", text).unwrap_err();
        assert_eq!(refused.parameter(), parameter, "{text}: {refused}");
    }
    for format in Format::ALL {
        let request = ImageRequest::parse(V2, "full", "full", "0", &format!("gray.{}", format.extension())).unwrap();
        assert_eq!((request.quality, request.format), (Quality::Gray, format));
    }
}

#[test]
fn regions_resolve_inside_the_image() {
    // The figures of Image API 3.0 §4.1 on its 300 x 200 image, then the edges.
    for (image, text, want) in [
        (dims(300, 200), "full", Some((0, 0, 300, 200))),
        (dims(300, 200), "square", Some((50, 0, 200, 200))),
        (dims(200, 301), "square", Some((0, 50, 200, 200))),
        (dims(300, 200), "125,15,120,140", Some((125, 15, 120, 140))),
        (dims(300, 200), "pct:41.6,7.5,40,70", Some((125, 15, 120, 140))),
        (dims(300, 200), "125,15,200,200", Some((125, 15, 175, 185))),
        (dims(300, 200), "pct:41.6,7.5,66.6,100", Some((125, 15, 175, 185))),
        (dims(300, 200), "299,199,1,1", Some((299, 199, 1, 1))),
        (dims(300, 200), "299,199,4294967295,99999999999999", Some((299, 199, 1, 1))),
        (dims(300, 200), "300,0,1,1", None),
        (dims(300, 200), "0,200,1,1", None),
        (dims(300, 200), "4294967295,0,4294967295,1", None),
        (dims(300, 200), "pct:100,0,1,1", None),
        (dims(300, 200), "pct:99.999,99.999,0.0001,0.0001", Some((299, 199, 1, 1))),
        (dims(1, 1), "pct:50,50,50,50", Some((0, 0, 1, 1))),
        (dims(u32::MAX, u32::MAX), "pct:0,0,500,100", Some((0, 0, u32::MAX, u32::MAX))),
        (dims(u32::MAX, 1), "4294967294,0,4294967295,1", Some((u32::MAX - 1, 0, 1, 1))),
        (dims(0, 0), "full", None),
    ] {
        let got = Region::parse(text).unwrap().resolve(image).ok();
        assert_eq!(got, want.map(|(x, y, w, h)| Rect::new(x, y, w, h)), "{text} of {image}");
    }
}

#[test]
fn sizes_without_limits_are_as_the_tables_say() {
    // Region `125,15,120,140` of the specification's 300 x 200 figure among them.
    for (version, region, text, want) in [
        (V3, "full", "max", Some((300, 200))),
        (V3, "full", "^max", Some((300, 200))),
        (V3, "full", "150,", Some((150, 100))),
        (V3, "full", ",150", Some((225, 150))),
        (V3, "full", "300,200", Some((300, 200))),
        (V3, "full", "301,", None),
        (V3, "full", ",201", None),
        (V3, "full", "301,10", None),
        (V3, "full", "10,201", None),
        (V3, "full", "^360,", Some((360, 240))),
        (V3, "full", "^,240", Some((360, 240))),
        (V3, "full", "^301,10", Some((301, 10))),
        (V3, "full", "pct:50", Some((150, 100))),
        (V3, "full", "pct:100", Some((300, 200))),
        (V3, "full", "pct:100.1", None),
        (V3, "0,0,1,1", "pct:100.1", None),
        (V3, "full", "^pct:120", Some((360, 240))),
        (V3, "full", "pct:0.0001", Some((1, 1))),
        (V3, "full", "225,100", Some((225, 100))),
        (V3, "full", "!225,100", Some((150, 100))),
        (V3, "full", "!2000,3000", Some((300, 200))),
        (V3, "full", "!300,200", Some((300, 200))),
        (V3, "full", "!301,1", Some((2, 1))),
        (V3, "full", "^!360,360", Some((360, 240))),
        (V3, "full", "^!150,3000", Some((150, 100))),
        (V3, "125,15,120,140", "60,", Some((60, 70))),
        (V3, "125,15,120,140", "121,", None),
        (V3, "0,0,300,1", "10,", Some((10, 1))),
        (V3, "0,0,1,200", ",10", Some((1, 10))),
        (V3, "full", "^4294967295,", None),
        (V3, "full", "^pct:99999999999", None),
        (V2, "full", "max", Some((300, 200))),
        (V2, "full", "full", Some((300, 200))),
        (V2, "full", "600,", Some((600, 400))),
        (V2, "full", ",400", Some((600, 400))),
        (V2, "full", "pct:200", Some((600, 400))),
        (V2, "full", "600,1", Some((600, 1))),
        (V2, "full", "!2000,3000", Some((300, 200))),
        (V2, "full", "!150,3000", Some((150, 100))),
        (V2, "full", "4294967295,", None),
    ] {
        let got = resolve(version, region, text, dims(300, 200), Limits::NONE).ok().map(|resolved| resolved.size);
        assert_eq!(got, want.map(|(w, h)| dims(w, h)), "{version:?} {region}/{text}");
    }
}

#[test]
fn limits_shrink_max_and_boxes_and_refuse_the_rest() {
    let width = Limits { max_width_px: Some(200), ..Limits::NONE };
    let both = Limits { max_width_px: Some(3000), max_height_px: Some(2000), max_area_px: Some(4_000_000) };
    let area = Limits { max_area_px: Some(1_000_000), ..Limits::NONE };
    for (version, image, limits, text, want) in [
        (V3, dims(300, 200), width, "max", Some((200, 133))),
        (V3, dims(300, 200), width, "^max", Some((200, 133))),
        (V3, dims(100, 150), width, "^max", Some((133, 200))),
        (V3, dims(100, 150), width, "max", Some((100, 150))),
        (V3, dims(300, 200), width, "200,", Some((200, 133))),
        (V3, dims(300, 200), width, "201,", None),
        (V3, dims(200, 300), width, ",201", None),
        (V3, dims(300, 200), width, "!250,250", Some((200, 133))),
        (V3, dims(100, 100), width, "^!250,250", Some((200, 200))),
        (V3, dims(100, 100), width, "^201,10", None),
        (V3, dims(6000, 4000), both, "max", Some((2449, 1633))),
        (V3, dims(600, 400), both, "^max", Some((2449, 1633))),
        (V3, dims(600, 400), both, "^50000,50000", None),
        (V3, dims(1000, 1000), area, "max", Some((1000, 1000))),
        (V3, dims(1000, 1000), area, "^1001,", None),
        (V3, dims(1_000_000, 1), area, "max", Some((1_000_000, 1))),
        (V3, dims(4_000_000, 1), area, "max", Some((1_000_000, 1))),
        (V2, dims(300, 200), width, "max", Some((200, 133))),
        (V2, dims(300, 200), width, "full", None),
        (V2, dims(300, 200), width, "!250,250", Some((200, 133))),
        (V2, dims(100, 100), width, "200,", Some((200, 200))),
        (V2, dims(100, 100), width, "201,", None),
    ] {
        let got = resolve(version, "full", text, image, limits);
        let size = got.as_ref().ok().map(|resolved| resolved.size);
        assert_eq!(size, want.map(|(w, h)| dims(w, h)), "{version:?} {text} of {image}");
        if let Err(refused) = got {
            assert_eq!(refused.kind(), ErrorKind::Malformed, "{text}");
        }
    }
}

#[test]
fn refusals_name_the_parameter_the_rule_and_the_way_out() {
    let upscale = resolve(V3, "full", "400,", dims(300, 200), Limits::NONE).unwrap_err();
    assert_eq!(upscale.to_string(), "size `400,` asks for 400x267 px, the region has 300x200 px");
    assert_eq!(upscale.hint().unwrap(), "Write `^400,` to allow upscaling, or `max`.");
    let limits = Limits { max_area_px: Some(1000), ..Limits::NONE };
    let over = resolve(V3, "full", "100,100", dims(300, 200), limits).unwrap_err();
    assert_eq!(over.to_string(), "size `100,100` asks for 100x100 px, the limit is 1000 px in all (`maxArea`)");
    let outside = resolve(V3, "300,0,1,1", "max", dims(300, 200), Limits::NONE).unwrap_err();
    assert_eq!(outside.hint().unwrap(), "Columns run from 0 to 299, rows from 0 to 199.");
    let full = resolve(V3, "full", "full", dims(300, 200), Limits::NONE).unwrap_err();
    assert_eq!((full.parameter(), full.given()), ("size", "full"));
    assert_eq!(full.hint().unwrap(), "Version 3 has `max` in place of `full`.");
}

#[test]
fn canonical_forms_are_those_of_the_tables() {
    let limits = Limits { max_width_px: Some(3000), ..Limits::NONE };
    let image = dims(6000, 4000);
    for (version, given, want) in [
        (V3, "full/max/0/default.jpg", "full/max/0/default.jpg"),
        (V3, "full/3000,/0/default.jpg", "full/max/0/default.jpg"),
        (V3, "full/400,/360/default.jpg", "full/400,267/0/default.jpg"),
        (V3, "0,0,9000,9000/pct:10/!22.50/gray.png", "full/600,400/!22.5/gray.png"),
        (V3, "square/,500/0/default.jpg", "1000,0,4000,4000/500,500/0/default.jpg"),
        (V3, "0,0,100,100/100,100/0/color.jpg", "0,0,100,100/max/0/color.jpg"),
        (V3, "0,0,100,100/^3000,/0/color.jpg", "0,0,100,100/^max/0/color.jpg"),
        (V3, "0,0,100,100/^200,/.5/color.jpg", "0,0,100,100/^200,200/0.5/color.jpg"),
        (V3, "0,0,100,100/^50,/0/color.jpg", "0,0,100,100/50,50/0/color.jpg"),
        (V2, "full/max/0/default.jpg", "full/3000,/0/default.jpg"),
        (V2, "pct:0,0,100,100/,400/0/default.jpg", "full/600,/0/default.jpg"),
        (V2, "0,0,512,512/512,512/0/default.jpg", "0,0,512,512/full/0/default.jpg"),
        (V2, "0,0,512,512/100,50/0/default.jpg", "0,0,512,512/100,50/0/default.jpg"),
    ] {
        let [region, size, rotation, last] = segments(given);
        let resolved =
            ImageRequest::parse(version, region, size, rotation, last).unwrap().resolve(image, &limits).unwrap();
        assert_eq!(resolved.canonical(version, image, &limits), want, "{version:?} {given}");
    }
}

#[test]
fn keys_are_equal_for_equal_pixels_only() {
    let key = |version, size| resolve(version, "full", size, dims(1024, 767), Limits::NONE).unwrap().key();
    assert_eq!(key(V3, "256,"), "0,0,1024,767/256,192/0/default.jpg");
    for size in ["pct:25", ",192", "256,192", "!256,256", "^256,"] {
        assert_eq!(key(V3, size), key(V2, "256,"), "{size}");
    }
    assert_ne!(key(V3, "256,191"), key(V3, "256,192"));
}

fn segments(path: &str) -> [&str; 4] {
    let mut parts = path.split('/');
    std::array::from_fn(|_| parts.next().unwrap())
}

fn any_side() -> impl Strategy<Value = u32> {
    prop_oneof![1_u32..=4, 1_u32..=5000, Just(u32::MAX)]
}

fn any_decimal(most: f64) -> impl Strategy<Value = f64> {
    prop_oneof![0.0..=most, (0_u32..=most as u32).prop_map(f64::from)]
}

fn any_region() -> impl Strategy<Value = Region> {
    let percent = (any_decimal(120.0), any_decimal(120.0), any_decimal(200.0), any_decimal(200.0))
        .prop_filter("sides above 0", |(_, _, w, h)| *w > 0.0 && *h > 0.0)
        .prop_map(|(x, y, w, h)| Region::Percent(PercentRect { x, y, w, h }));
    let pixels = (0_u32..5000, 0_u32..5000, any_side(), any_side())
        .prop_map(|(x, y, w, h)| Region::Pixels(Rect::new(x, y, w, h)));
    prop_oneof![Just(Region::Full), Just(Region::Square), pixels, percent]
}

fn any_size(version: ApiVersion) -> impl Strategy<Value = Size> {
    let upscale = match version {
        V2 => Just(Upscale::Allowed).boxed(),
        V3 => prop_oneof![Just(Upscale::Allowed), Just(Upscale::Forbidden)].boxed(),
    };
    (upscale, any_side(), any_side(), any_decimal(300.0), 0..7).prop_map(move |(upscale, w, h, percent, form)| {
        match form {
            0 if version == V2 => Size::Max(Upscale::Forbidden),
            0 => Size::Max(upscale),
            1 if version == V2 => Size::Full,
            1 | 2 => Size::Width(w, upscale),
            3 => Size::Height(h, upscale),
            4 => Size::Percent(percent.max(0.001), upscale),
            5 => Size::Exact(dims(w, h), upscale),
            _ => Size::Confined(dims(w, h), upscale),
        }
    })
}

fn any_request() -> impl Strategy<Value = ImageRequest> {
    let rotation = (any_decimal(359.0), any::<bool>()).prop_map(|(n, mirrored)| Rotation {
        mirror: if mirrored { Mirror::Yes } else { Mirror::No },
        degrees: Degrees(n),
    });
    let version = prop_oneof![Just(V2), Just(V3)];
    let last = (prop::sample::select(Quality::ALL.to_vec()), prop::sample::select(Format::ALL.to_vec()));
    let sized = version.prop_flat_map(|version| (Just(version), any_size(version)));
    (sized, any_region(), rotation, last).prop_map(|((version, size), region, rotation, (quality, format))| {
        ImageRequest { version, region, size, rotation, quality, format }
    })
}

fn any_limits() -> impl Strategy<Value = Limits> {
    (prop::option::of(1_u32..4000), prop::option::of(1_u32..4000), prop::option::of(1_u64..9_000_000))
        .prop_map(|(max_width_px, max_height_px, max_area_px)| Limits { max_width_px, max_height_px, max_area_px })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_printed_parses_to_the_same(request in any_request()) {
        let text = request.to_string();
        let [region, size, rotation, last] = segments(&text);
        prop_assert_eq!(ImageRequest::parse(request.version, region, size, rotation, last), Ok(request));
    }

    #[test]
    fn resolved_requests_are_inside_and_canonical_is_idempotent(
        request in any_request(), width in any_side(), height in any_side(), limits in any_limits(), tile in 0_u32..3,
    ) {
        let image = dims(width, height);
        let tile = [DEFAULT_TILE, dims(256, 256), dims(200, 100)][tile as usize];
        let grid = TileGrid { image, tile };
        if let Ok(resolved) = request.resolve_on(grid, &limits) {
            prop_assert!(resolved.region.is_inside(image));
            prop_assert!(!resolved.size.is_empty() && limits.allow(resolved.size));
            if request.size.upscale() == Upscale::Forbidden {
                prop_assert!(resolved.size.width_px <= resolved.region.w && resolved.size.height_px <= resolved.region.h);
            }
            if let Size::Confined(limit, _) = request.size {
                prop_assert!(resolved.size.width_px <= limit.width_px && resolved.size.height_px <= limit.height_px);
            }
            for version in ApiVersion::ALL {
                let canonical = resolved.canonical_on(version, grid, &limits);
                let [region, size, rotation, last] = segments(&canonical);
                let again = ImageRequest::parse(version, region, size, rotation, last).unwrap();
                prop_assert_eq!(again.resolve_on(grid, &limits), Ok(resolved), "{}", canonical);
            }
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(region in "\\PC{0,20}|[0-9,.pct:]{0,30}", size in "\\PC{0,20}|[\\^!]{0,2}[0-9,.pctmax:]{0,30}", rotation in "!?[0-9.]{0,30}", last in "\\PC{0,12}") {
        for version in ApiVersion::ALL {
            if let Ok(request) = ImageRequest::parse(version, &region, &size, &rotation, &last) {
                let _ = request.resolve(dims(600, 400), &Limits::NONE);
            }
        }
    }
}
