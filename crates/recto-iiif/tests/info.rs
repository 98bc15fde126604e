//! `info.json` of both versions, whole and word for word.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use recto_iiif::Dimensions;
use recto_iiif::image::{ComplianceLevel, Format, InfoSubject, Limits, v2, v3};
use serde_json::{Value, json};

const FORMATS: [Format; 7] =
    [Format::Jpg, Format::Png, Format::Webp, Format::Gif, Format::Tif, Format::Avif, Format::Jxl];

/// The 6000 x 4000 image of the specifications' own examples.
fn example() -> InfoSubject<'static> {
    InfoSubject {
        limits: Limits { max_width_px: Some(3000), max_height_px: Some(2000), max_area_px: Some(4_000_000) },
        preferred_formats: vec![Format::Webp, Format::Jp2, Format::Png],
        rights: Some("http://rightsstatements.org/vocab/InC-EDU/1.0/".to_owned()),
        service: vec![json!({ "id": "https://example.org/service", "type": "Service" })],
        pages: Some(3),
        ..InfoSubject::new("https://example.org/iiif/a%2Fb", Dimensions::new(6000, 4000), &FORMATS)
    }
}

/// Equal text means equal values in equal order.
fn assert_same(got: &Value, want: &Value) {
    assert_eq!(serde_json::to_string_pretty(got).unwrap(), serde_json::to_string_pretty(want).unwrap());
}

#[test]
fn version_3_announces_everything_in_the_order_of_the_specification() {
    let want = json!({
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": "https://example.org/iiif/a%2Fb",
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": 6000,
        "height": 4000,
        "maxWidth": 3000,
        "maxHeight": 2000,
        "maxArea": 4_000_000,
        "sizes": [{ "width": 375, "height": 250 }, { "width": 750, "height": 500 }, { "width": 1500, "height": 1000 }],
        "tiles": [{ "width": 512, "scaleFactors": [1, 2, 4, 8, 16] }],
        "rights": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
        "preferredFormats": ["webp", "png"],
        "extraFormats": ["webp", "gif", "tif", "avif", "jxl"],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": ["canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary", "sizeUpscaling"],
        "service": [{ "id": "https://example.org/service", "type": "Service" }],
        "pageCount": 3,
    });
    assert_same(&v3::info(&example()), &want);
}

#[test]
fn version_2_announces_everything_in_the_order_of_the_specification() {
    let want = json!({
        "@context": "http://iiif.io/api/image/2/context.json",
        "@id": "https://example.org/iiif/a%2Fb",
        "protocol": "http://iiif.io/api/image",
        "width": 6000,
        "height": 4000,
        "sizes": [{ "width": 375, "height": 250 }, { "width": 750, "height": 500 }, { "width": 1500, "height": 1000 }],
        "tiles": [{ "width": 512, "scaleFactors": [1, 2, 4, 8, 16] }],
        "profile": [
            "http://iiif.io/api/image/2/level2.json",
            {
                "formats": ["webp", "gif", "tif", "avif", "jxl"],
                "qualities": ["color", "gray", "bitonal"],
                "maxWidth": 3000,
                "maxHeight": 2000,
                "maxArea": 4_000_000,
                "supports": [
                    "canonicalLinkHeader", "mirroring", "profileLinkHeader", "regionSquare", "rotationArbitrary", "sizeAboveFull",
                ],
            },
        ],
        "license": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
        "service": { "id": "https://example.org/service", "type": "Service" },
        "pageCount": 3,
    });
    assert_same(&v2::info(&example()), &want);
}

#[test]
fn a_bare_level_0_image_announces_only_what_it_has() {
    let subject = InfoSubject {
        level: ComplianceLevel::Level0,
        ..InfoSubject::new("https://example.org/a", Dimensions::new(300, 200), &[Format::Jpg])
    };
    let info = v3::info(&subject);
    let keys: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["@context", "id", "type", "protocol", "profile", "width", "height", "sizes", "tiles"]);
    assert_eq!(v2::info(&subject)["profile"], json!(["http://iiif.io/api/image/2/level0.json"]));
}

#[test]
fn upscaling_is_announced_only_beside_a_limit() {
    let info = v3::info(&InfoSubject { limits: Limits::NONE, ..example() });
    assert!(!info["extraFeatures"].as_array().unwrap().contains(&json!("sizeUpscaling")));
}

#[test]
fn stored_grids_and_levels_are_announced() {
    let tiles = |width, height| {
        let tile = Some(Dimensions::new(width, height));
        v3::info(&InfoSubject { tile, limits: Limits::NONE, ..example() })["tiles"].clone()
    };
    assert_eq!(tiles(1024, 1024), json!([{ "width": 1024, "scaleFactors": [1, 2, 4, 8] }]));
    assert_eq!(tiles(1024, 2048), json!([{ "width": 1024, "height": 2048, "scaleFactors": [1, 2, 4, 8] }]));
    assert_eq!(tiles(0, 5), json!([{ "width": 512, "scaleFactors": [1, 2, 4, 8, 16] }]));

    // Levels that the file rounded down are announced rounded up; one at a third stays as it is.
    let levels = vec![Dimensions::new(1001, 999), Dimensions::new(500, 499), Dimensions::new(333, 333)];
    let subject =
        InfoSubject { levels, ..InfoSubject::new("http://localhost/a", Dimensions::new(1001, 999), &FORMATS) };
    let sizes = v3::info(&subject)["sizes"].clone();
    assert_eq!(
        sizes,
        json!([{ "width": 333, "height": 333 }, { "width": 501, "height": 500 }, { "width": 1001, "height": 999 }])
    );
}

#[test]
fn a_lone_limit_is_announced_so_that_clients_infer_the_truth() {
    let limits = |limits| {
        let info = v3::info(&InfoSubject { limits, ..example() });
        (info.get("maxWidth").cloned(), info.get("maxHeight").cloned())
    };
    assert_eq!(limits(Limits { max_width_px: Some(900), ..Limits::NONE }), (Some(json!(900)), None));
    assert_eq!(limits(Limits { max_height_px: Some(900), ..Limits::NONE }), (Some(json!(900)), None));
    assert_eq!(limits(Limits { max_area_px: Some(900), ..Limits::NONE }), (None, None));
}
