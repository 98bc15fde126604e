//! Rules of Presentation 3.0 that look at more than a plain manifest has; the others are in `presentation_rules`.

use recto_iiif::validate::{check_reference, references, validate, validate_references};
use serde_json::{Value, json};

use super::{faults, told};

pub(crate) fn film() -> Value {
    json!({
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": "https://example.org/m/manifest", "type": "Manifest", "label": {"en": ["A film"]},
        "items": [{
            "id": "https://example.org/m/canvas/1", "type": "Canvas", "label": {"en": ["Film"]},
            "height": 100, "width": 100, "duration": 60.5,
            "items": [{
                "id": "https://example.org/m/page", "type": "AnnotationPage",
                "items": [{
                    "id": "https://example.org/m/film", "type": "Annotation", "motivation": "painting",
                    "target": "https://example.org/m/canvas/1",
                    "body": {"id": "https://example.org/film.mp4", "type": "Video", "format": "video/mp4", "duration": 60.5}
                }]
            }],
            "annotations": [
                {
                    "id": "https://example.org/m/captions", "type": "AnnotationPage",
                    "items": [{
                        "id": "https://example.org/m/caption", "type": "Annotation", "motivation": "supplementing",
                        "target": "https://example.org/m/canvas/1",
                        "body": {"id": "https://example.org/film.vtt", "type": "Text", "format": "text/vtt", "language": "en"}
                    }]
                },
                {"id": "https://example.org/m/comments", "type": "AnnotationPage"}
            ]
        }],
        "partOf": [{"id": "https://example.org/c", "type": "Collection"}]
    })
}

#[test]
fn a_film_as_it_should_be_has_no_findings() {
    assert_eq!(faults(&film()), Vec::<String>::new());
}

rule!(
    p5,
    "P5",
    film(),
    [("/start", json!({"id": "https://example.org/m/canvas/1", "type": "canvas"}), "/start/type", "`type`"),]
);

#[test]
fn p5_what_is_named_and_not_held_is_fetched_once_and_has_to_be_what_is_said() {
    let all = references(&film());
    let ids: Vec<&str> = all.iter().map(|reference| &*reference.id).collect();
    assert_eq!(ids, ["https://example.org/m/comments", "https://example.org/c"]);
    let mut asked = Vec::new();
    let found = validate_references(&film(), &mut |id| {
        asked.push(id.to_owned());
        match id {
            "https://example.org/c" => Err("404".to_owned()),
            _ => Ok(json!({"id": "https://example.org/other", "type": "AnnotationCollection"})),
        }
    });
    assert_eq!(asked.len(), 2);
    assert_eq!(
        told(&found),
        [
            "error P5 /items/0/annotations/1/id `id` is https://example.org/m/comments, and `id` of what is there is https://example.org/other",
            "error P5 /items/0/annotations/1/type `type` is AnnotationPage, and `type` of what is there is AnnotationCollection",
            "error P5 /partOf/0/id `id` is https://example.org/c, which cannot be fetched: 404",
        ]
    );
    let good = json!({"id": "https://example.org/c", "type": "Collection"});
    assert_eq!(check_reference(&all[1], Ok(&good)), []);
    let old = json!({"@id": "https://example.org/c", "@type": "sc:Collection"});
    assert!(check_reference(&all[1], Ok(&old))[0].message.contains("Presentation 2"));
}

const CAPTION: &str = "/items/0/annotations/0/items/0";

rule!(
    p26,
    "P26",
    film(),
    [
        (format!("{CAPTION}/body/language"), Value::Null, format!("{CAPTION}/body"), "`language`"),
        (format!("{CAPTION}/body/format"), Value::Null, format!("{CAPTION}/body"), "`format`"),
        (format!("{CAPTION}/motivation"), json!("commenting"), CAPTION, "`motivation`"),
        (
            "/rendering",
            json!([{"id": "https://example.org/a.vtt", "type": "Text", "label": {"en": ["x"]}, "format": "text/vtt"}]),
            "/rendering/0",
            "`rendering`"
        ),
    ]
);

rule!(
    p27,
    "P27",
    film(),
    [
        (format!("{CAPTION}/id"), json!("_:b0"), format!("{CAPTION}/id"), "blank node"),
        (format!("{CAPTION}/id"), json!("https://example.org/m/caption?token=abc"), format!("{CAPTION}/id"), "`token`"),
        (
            format!("{CAPTION}/id"),
            json!("https://example.org/m/caption;jsessionid=1F"),
            format!("{CAPTION}/id"),
            "`jsessionid`"
        ),
    ]
);

#[test]
fn of_one_rule_a_thousand_findings_are_told_and_the_number_of_the_others() {
    let canvas = json!({"type": "Canvas"});
    let document = json!({"type": "Manifest", "items": vec![canvas; 1500]});
    let found: Vec<_> = validate(&document).into_iter().filter(|finding| finding.rule == "P2").collect();
    assert_eq!(found.len(), 1000);
    assert!(found[999].message.ends_with("; 501 more of this rule are not listed"), "{}", found[999].message);
}
