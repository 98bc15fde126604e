//! What an index asks of an annotation.

use recto_iiif::annotation::{Agent, created, creators, modified, motivations, svg, targets, text};
use serde_json::{Value, json};

use super::CANVAS;

fn on(target: &Value) -> (String, Option<String>, Option<String>) {
    let found = targets(&json!({"type": "Annotation", "target": target})).remove(0);
    (found.source, found.region.map(|region| region.to_string()), found.time.map(|time| time.to_string()))
}

#[test]
fn targets_are_found_in_all_forms() {
    let fragment = |value: &str| json!({"type": "FragmentSelector", "value": value});
    for (target, region, time) in [
        (json!(CANVAS), None, None),
        (json!(format!("{CANVAS}#xywh=1,2,3,4")), Some("1,2,3,4"), None),
        (json!(format!("{CANVAS}#xywh=pixel:1,2,3,4&t=5,6")), Some("1,2,3,4"), Some("5,6")),
        (json!(format!("{CANVAS}#t=5")), None, Some("5")),
        (json!({"id": CANVAS, "type": "Canvas"}), None, None),
        (json!({"source": CANVAS, "selector": fragment("xywh=1.2,2.8,3,4")}), Some("1,2,4,5"), None),
        (json!({"source": {"id": CANVAS}, "selector": [fragment("xywh=-5,-5,15,15")]}), Some("0,0,10,10"), None),
        (json!({"source": CANVAS, "selector": fragment("xywh=-50,-50,15,15")}), None, None),
        (
            json!({"source": CANVAS, "selector": [{"type": "SvgSelector", "value": "<svg><rect x='1' y='2' width='3' height='4'/></svg>"}]}),
            Some("1,2,3,4"),
            None,
        ),
        (
            json!({"source": CANVAS, "selector": [{"type": "SvgSelector", "value": "<svg><rect width='9' height='9'/></svg>"}, fragment("xywh=1,2,3,4")]}),
            Some("1,2,3,4"),
            None,
        ),
        (
            json!({"source": CANVAS, "selector": {"type": "PointSelector", "x": 3, "y": 4.5, "t": 7}}),
            Some("3,4,1,2"),
            Some("7"),
        ),
        (json!([{"source": format!("{CANVAS}#xywh=1,2,3,4")}]), Some("1,2,3,4"), None),
        (json!({"type": "Choice", "items": [CANVAS]}), None, None),
    ] {
        let (source, found_region, found_time) = on(&target);
        assert_eq!(source, CANVAS, "{target}");
        if target.to_string().contains("SvgSelector") && target.to_string().contains("FragmentSelector") {
            // The first that says a place is taken.
            assert!(found_region.is_some());
        } else {
            assert_eq!((found_region.as_deref(), found_time.as_deref()), (region, time), "{target}");
        }
    }
}

#[test]
fn a_fragment_that_names_no_part_belongs_to_the_name() {
    assert_eq!(on(&json!("https://example.org/manifest#canvas1")).0, "https://example.org/manifest#canvas1");
}

#[test]
fn percentages_and_wholes_are_told() {
    let found = targets(
        &json!({"on": {"full": format!("{CANVAS}#xywh=percent:0,12.5,50,50"), "within": "https://example.org/m"}}),
    );
    assert_eq!(found[0].percent.unwrap().to_string(), "percent:0,12.5,50,50");
    assert_eq!((found[0].region, found[0].part_of.as_deref()), (None, Some("https://example.org/m")));
    let found = targets(
        &json!({"target": [CANVAS, {"id": "https://example.org/c2", "type": "Canvas", "partOf": {"id": "https://example.org/m"}}]}),
    );
    assert_eq!(
        (found[0].source.as_str(), found[1].source.as_str(), found[1].part_of.as_deref()),
        (CANVAS, "https://example.org/c2", Some("https://example.org/m"))
    );
}

#[test]
fn the_rectangle_around_a_shape_is_found() {
    for (shape, want) in [
        ("<rect x='10' y='20' width='30' height='40'/>", "10,20,30,40"),
        ("<circle cx='50' cy='60' r='10'/>", "40,50,20,20"),
        ("<ellipse cx='50' cy='60' rx='10' ry='5'/>", "40,55,20,10"),
        ("<polygon points='1,2 11,2 6,12'/>", "1,2,10,10"),
        ("<polyline points='1 2,11 2'/>", "1,2,10,1"),
        ("<line x1='5' y1='6' x2='1' y2='2'/>", "1,2,4,4"),
        ("<path d='M10,10 h20 v5 H10 Z'/>", "10,10,20,5"),
        ("<path d='m10 10 10 0 0 10z m5 5l20,0'/>", "10,10,25,10"),
        ("<path d='M0 0 C 0 40 40 40 40 0'/>", "0,0,40,30"),
        ("<path d='M0,0Q20,40,40,0T80,0'/>", "0,0,80,20"),
        ("<path d='M10 50A20 20 0 0150 50'/>", "10,30,40,20"),
        ("<path d='M10,50 a20,20 0 1,0 40,0'/>", "10,50,40,20"),
        ("<path d='M.5.5L1.5-2'/>", "0,0,2,1"),
        ("<g transform='translate(100,200)'><rect width='10' height='10'/></g>", "100,200,10,10"),
        ("<rect width='10' height='20' transform='rotate(90) scale(2)'/>", "0,0,1,20"),
        ("<rect width='10' height='20' transform='matrix(1,0,0,1,5,6)'/>", "5,6,10,20"),
        ("<defs><rect width='900' height='900'/></defs><rect x='1' y='1' width='2' height='2'/>", "1,1,2,2"),
        (
            "<path d='M797.88338,1171.36086h112.78929v0h112.78929v91.45546v91.45546h-112.78929h-112.78929v-91.45546z'/>",
            "797,1171,227,184",
        ),
    ] {
        let found = svg::bounds(&format!("<svg xmlns='http://www.w3.org/2000/svg'>{shape}</svg>"));
        let found = found.map(|rect| rect.to_string());
        if shape.contains("rotate") {
            assert_eq!(found, None, "it is turned off the canvas");
        } else {
            assert_eq!(found.as_deref(), Some(want), "{shape}");
        }
    }
    assert_eq!(svg::bounds("<svg><rect x='-30' width='10' height='10'/></svg>"), None);
    assert_eq!(svg::bounds("<svg/>"), None);
}

#[test]
fn texts_are_as_readers_see_them() {
    let annotation = json!({
        "body": [
            {"type": "TextualBody", "format": "text/html", "language": ["de"], "value": "<h1>Titel</h1><p>Ein  <b>W</b>ort&nbsp;&amp; &#xe4;&auml;<br>neu</p><script>x</script>"},
            {"type": "TextualBody", "purpose": "tagging", "value": "a <b> c", "format": "text/plain"},
            {"type": "Choice", "purpose": "oa:describing", "items": [{"type": "TextualBody", "value": "eins"}]},
            {"type": "SpecificResource", "source": {"type": "TextualBody", "value": "zwei"}, "purpose": "classifying"},
            "https://a.example/", {"id": "https://a.example/i", "type": "Image"}, {"type": "TextualBody", "value": " "}
        ]
    });
    let found: Vec<(String, Option<String>, Option<String>)> =
        text(&annotation).into_iter().map(|body| (body.text, body.language, body.purpose)).collect();
    let want = [
        ("Titel\nEin Wort\u{a0}& ää\nneu", Some("de"), None),
        ("a <b> c", None, Some("tagging")),
        ("eins", None, Some("describing")),
        ("zwei", None, Some("classifying")),
    ];
    let want: Vec<_> = want
        .map(|(text, language, purpose)| (text.to_owned(), language.map(str::to_owned), purpose.map(str::to_owned)))
        .into();
    assert_eq!(found, want);
    let older = text(&json!({"resource": {"@type": "dctypes:Text", "chars": "<p>alt</p>"}}));
    assert_eq!(older[0].text, "alt");
}

#[test]
fn who_when_and_why_are_told() {
    let annotation = json!({
        "motivation": ["oa:commenting", "tagging"], "creator": ["https://a.example/me", {"id": "https://a.example/you", "name": "You"}, {"type": "Person"}],
        "created": "2020-01-02T03:04:05+01:00", "modified": "soon"
    });
    assert_eq!(motivations(&annotation), ["commenting", "tagging"]);
    assert_eq!(
        creators(&annotation),
        [Agent::new("https://a.example/me"), Agent::new("https://a.example/you").named("You")]
    );
    assert_eq!(created(&annotation).unwrap().to_string(), "2020-01-02T02:04:05Z");
    assert_eq!(modified(&annotation), created(&annotation));
}
