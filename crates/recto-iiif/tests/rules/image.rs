//! Image information.

use serde_json::{Value, json};

use super::faults;

pub(crate) fn three() -> Value {
    json!({
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": "https://example.org/iiif/3/a", "type": "ImageService3", "protocol": "http://iiif.io/api/image",
        "profile": "level1", "width": 6000, "height": 4000, "maxWidth": 3000, "maxHeight": 3000,
        "sizes": [{"width": 150, "height": 100}, {"width": 3000, "height": 2000}],
        "tiles": [{"width": 512, "scaleFactors": [1, 2, 4]}, {"width": 1024, "height": 2048, "scaleFactors": [8, 16]}],
        "rights": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
        "preferredFormats": ["webp", "jpg"], "extraFormats": ["png", "webp"], "extraQualities": ["color", "gray"],
        "extraFeatures": ["canonicalLinkHeader", "rotationArbitrary"],
        "service": [{"@id": "https://example.org/auth", "@type": "Other1", "profile": "http://example.org/p"}]
    })
}

fn two() -> Value {
    json!({
        "@context": "http://iiif.io/api/image/2/context.json", "@id": "https://example.org/iiif/2/a",
        "protocol": "http://iiif.io/api/image", "width": 600, "height": 400,
        "profile": [
            "http://iiif.io/api/image/2/level2.json",
            {"formats": ["gif", "pdf"], "qualities": ["color"], "supports": ["sizeByDistortedWh"], "maxWidth": 300}
        ],
        "sizes": [{"width": 150, "height": 100}],
        "tiles": [{"width": 256, "scaleFactors": [1, 2]}]
    })
}

fn one() -> Value {
    json!({
        "@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json", "@id": "https://example.org/iiif/1/a",
        "width": 600, "height": 400, "scale_factors": [1, 2, 4], "tile_width": 256, "tile_height": 256,
        "formats": ["jpg", "png"], "qualities": ["native", "grey"],
        "profile": "http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level0"
    })
}

#[test]
fn information_as_it_should_be_has_no_findings() {
    for document in [one(), two(), three()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

rule!(
    i1,
    "I1",
    three(),
    [
        ("/@context", Value::Null, "", "`@context`"),
        ("/@context", json!("http://iiif.io/api/image/2/context.json"), "/@context", "image/2"),
        ("/@context", json!(["http://iiif.io/api/image/3/context.json", "http://e.org/x"]), "/@context", "before"),
    ]
);

rule!(
    i2,
    "I2",
    three(),
    [
        ("/id", Value::Null, "", "`id`"),
        ("/id", json!("https://example.org/iiif/3/a/info.json"), "/id", "info.json"),
        ("/id", json!("https://example.org/iiif/3/a/"), "/id", "slash"),
        ("/id", json!("/iiif/3/a"), "/id", "/iiif/3/a"),
    ]
);

rule!(i2_in_2, "I2", two(), [("/@id", json!("a"), "/@id", "`@id`")]);

#[test]
fn i2_the_name_of_another_version_is_told() {
    super::check(
        "I2",
        &three(),
        &[(
            "",
            {
                let mut info = three();
                let id = info.as_object_mut().unwrap().remove("id").unwrap();
                info["@id"] = id;
                info
            },
            "/@id",
            "`id` is missing",
        )],
    );
}

rule!(
    i3,
    "I3",
    three(),
    [
        ("/type", json!("ImageService"), "/type", "`type`"),
        ("/protocol", Value::Null, "", "`protocol`"),
        ("/protocol", json!("https://iiif.io/api/image"), "/protocol", "https"),
    ]
);

rule!(
    i4,
    "I4",
    three(),
    [
        ("/profile", Value::Null, "", "`profile`"),
        ("/profile", json!("http://iiif.io/api/image/3/level2.json"), "/profile", "level2.json"),
    ]
);

rule!(
    i4_in_2,
    "I4",
    two(),
    [
        ("/profile", json!("http://iiif.io/api/image/2/level2.json"), "/profile", "a string"),
        ("/profile/0", json!("level2"), "/profile/0", "level2"),
        ("/profile/1", json!(7), "/profile/1", "7"),
    ]
);

rule!(i4_in_1, "I4", one(), [("/profile", json!(["x"]), "/profile", "an array")]);

rule!(
    i5,
    "I5",
    three(),
    [
        ("/width", Value::Null, "", "`width`"),
        ("/height", json!("4000"), "/height", "`4000`"),
        ("/height", json!(0), "/height", "0"),
    ]
);

rule!(
    i6,
    "I6",
    three(),
    [
        ("/sizes", json!({"width": 150, "height": 100}), "/sizes", "`sizes`"),
        ("/sizes/0/height", Value::Null, "/sizes/0", "`height`"),
        ("/sizes/0", json!({"width": 3000, "height": 2000}), "/sizes/1", "twice"),
        ("/sizes/0", json!({"width": 7000, "height": 4667}), "/sizes/0", "larger"),
        ("/sizes/0", json!({"width": 150, "height": 150}), "/sizes/0", "distorts"),
    ]
);

rule!(
    i7,
    "I7",
    three(),
    [
        ("/tiles/0/width", Value::Null, "/tiles/0", "`width`"),
        ("/tiles/0/scaleFactors", Value::Null, "/tiles/0", "`scaleFactors`"),
        ("/tiles/0/scaleFactors", json!([]), "/tiles/0/scaleFactors", "empty"),
        ("/tiles/0/scaleFactors/1", json!(0.5), "/tiles/0/scaleFactors/1", "0.5"),
        ("/tiles/1/scaleFactors/0", json!(4), "/tiles/1/scaleFactors/0", "twice"),
        ("/tiles/1", json!({"width": 512, "height": 512, "scaleFactors": [8]}), "/tiles/1", "same `width`"),
    ]
);

rule!(i7_in_1, "I7", one(), [("/scale_factors/0", json!("1"), "/scale_factors/0", "`scale_factors`")]);

rule!(
    i8,
    "I8",
    three(),
    [
        ("/maxWidth", Value::Null, "/maxHeight", "`maxWidth`"),
        ("/maxWidth", json!("3000"), "/maxWidth", "`3000`"),
        ("/maxWidth", json!(2000), "/sizes/1", "over the limits"),
    ]
);

#[test]
fn i8_upscaling_needs_a_limit() {
    let mut info = three();
    info["extraFeatures"] = json!(["sizeUpscaling"]);
    assert_eq!(faults(&info), Vec::<String>::new());
    for property in ["maxWidth", "maxHeight"] {
        info.as_object_mut().unwrap().remove(property);
    }
    assert!(
        faults(&info)[0].starts_with("error I8 /extraFeatures `extraFeatures` has `sizeUpscaling`"),
        "{:?}",
        faults(&info)
    );
}

rule!(
    i9,
    "I9",
    three(),
    [
        ("/extraFormats", json!("png"), "/extraFormats", "`extraFormats`"),
        ("/extraFormats/0", json!("jpeg"), "/extraFormats/0", "`jpeg`"),
        ("/extraQualities/0", json!("grey"), "/extraQualities/0", "`grey`"),
        ("/extraFeatures/0", json!("sizeAboveFull"), "/extraFeatures/0", "`sizeAboveFull`"),
        ("/preferredFormats/0", json!("tif"), "/preferredFormats/0", "`tif`"),
    ]
);

rule!(i9_in_2, "I9", two(), [("/profile/1/qualities/0", json!("colour"), "/profile/1/qualities/0", "`colour`")]);

rule!(
    i10,
    "I10",
    three(),
    [
        ("/rights", json!(["http://creativecommons.org/licenses/by/4.0/"]), "/rights", "`rights`"),
        ("/service", json!({"@id": "https://e.org", "@type": "x"}), "/service", "`service`"),
        ("/seeAlso", json!([{"id": "https://e.org"}]), "/seeAlso/0", "`type`"),
        ("/attribution", json!("The library"), "/attribution", "`attribution`"),
    ]
);

rule!(
    i11,
    "I11",
    super::presentation_3::film(),
    [
        ("/service", json!([{"id": "https://e.org/i", "type": "ImageService3"}]), "/service/0", "`profile`"),
        (
            "/service",
            json!([{"id": "https://e.org/i", "type": "ImageService3", "profile": "http://iiif.io/api/image/3/level2.json"}]),
            "/service/0/profile",
            "level2.json"
        ),
        (
            "/service",
            json!([{"@id": "https://e.org/i", "@type": "ImageService2", "profile": "level9"}]),
            "/service/0/profile",
            "level9"
        ),
    ]
);
