//! What is taken and in which form it is kept; what is rejected and how that is said.

use recto_iiif::ErrorKind;
use recto_iiif::annotation::{AcceptOptions, Annotation};
use recto_iiif::presentation::NoteKind;
use serde_json::{Value, json};

use super::{CANVAS, accept, accepted, faults};

#[test]
fn an_annotation_of_the_w3c_stays_as_it_is_with_members_that_nobody_knows() {
    let given = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld", "id": "https://a.example/1", "type": "Annotation", "motivation": "commenting",
        "created": "2015-01-31T12:03:45Z",
        "body": [{"type": "TextualBody", "value": "I like this page!", "purpose": "commenting"}, "https://a.example/more"],
        "target": {"type": "SpecificResource", "source": {"id": CANVAS, "type": "Canvas", "partOf": [{"id": "https://example.org/m", "type": "Manifest"}]},
            "selector": [{"type": "FragmentSelector", "value": "xywh=1,2,3,4", "conformsTo": "http://www.w3.org/TR/media-frags/"}]},
        "canonical": "urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df", "maeData": {"tags": [1, 2], "svg": null}
    });
    let annotation = accept(given.clone()).unwrap();
    assert_eq!(annotation.notes(), []);
    assert_eq!(annotation.into_value(), given);
}

#[test]
fn an_open_annotation_of_mirador_becomes_one_of_the_w3c() {
    let given = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json", "@id": "http://sas.example/annotation/1488244504042", "@type": "oa:Annotation",
        "motivation": ["oa:tagging", "oa:commenting"],
        "resource": [{"@type": "oa:Tag", "chars": "tag"}, {"@type": "dctypes:Text", "format": "text/html", "chars": "<p>content</p>"}],
        "on": [{
            "@type": "oa:SpecificResource", "full": CANVAS,
            "selector": {"@type": "oa:Choice",
                "default": {"@type": "oa:FragmentSelector", "value": "xywh=3002,587,371,332"},
                "item": {"@type": "oa:SvgSelector", "value": "<svg xmlns='http://www.w3.org/2000/svg'><path d=\"M3002.02122,586.53692l185.50155,0z\"/></svg>"}},
            "within": {"@id": "https://example.org/book/manifest", "@type": "sc:Manifest"}
        }],
        "dcterms:created": "2018-10-21T01:21:44"
    });
    assert_eq!(
        accepted(given),
        json!({
            "@context": "http://www.w3.org/ns/anno.jsonld", "id": "http://sas.example/annotation/1488244504042", "type": "Annotation",
            "motivation": ["tagging", "commenting"], "created": "2018-10-21T01:21:44Z",
            "body": [{"type": "TextualBody", "purpose": "tagging", "value": "tag"}, {"type": "TextualBody", "format": "text/html", "value": "<p>content</p>"}],
            "target": {"type": "SpecificResource",
                "source": {"id": CANVAS, "type": "Canvas", "partOf": [{"id": "https://example.org/book/manifest", "type": "Manifest"}]},
                "selector": [
                    {"type": "FragmentSelector", "value": "xywh=3002,587,371,332"},
                    {"type": "SvgSelector", "value": "<svg xmlns='http://www.w3.org/2000/svg'><path d=\"M3002.02122,586.53692l185.50155,0z\"/></svg>"}
                ]}
        })
    );
}

#[test]
fn names_that_a_store_made_up_for_blank_nodes_are_left_out() {
    let given = json!({
        "@id": "http://sas.example/1", "@type": "oa:Annotation", "motivation": ["oa:commenting"],
        "resource": [{"@id": "_:b2", "@type": "dctypes:Text", "format": "text/html", "chars": "<p>boat</p>", "http://sas.example/full_text": "boat"}],
        "on": [{"@id": "_:b0", "@type": "oa:SpecificResource", "full": CANVAS, "selector": {"@id": "_:b1", "@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}}]
    });
    let annotation = accepted(given);
    assert_eq!(
        annotation["body"],
        json!([{"type": "TextualBody", "format": "text/html", "value": "<p>boat</p>", "http://sas.example/full_text": "boat"}])
    );
    assert_eq!(
        annotation["target"],
        json!({"type": "SpecificResource", "source": CANVAS, "selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}})
    );
}

#[test]
fn the_text_of_a_simple_annotation_list_entry_is_a_body() {
    let given = json!({
        "@type": "oa:Annotation", "motivation": "sc:supplementing",
        "resource": {"@type": "cnt:ContentAsText", "chars": "Here starts book one…", "format": "text/plain", "language": "en"},
        "on": format!("{CANVAS}#xywh=100,150,500,25")
    });
    assert_eq!(
        accepted(given),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "motivation": "supplementing",
            "body": {"type": "TextualBody", "format": "text/plain", "language": "en", "value": "Here starts book one…"},
            "target": format!("{CANVAS}#xywh=100,150,500,25")})
    );
}

#[test]
fn a_choice_of_bodies_becomes_one_of_the_w3c() {
    let given = json!({
        "@type": "oa:Annotation", "motivation": "oa:describing", "on": CANVAS,
        "resource": {"@type": "oa:Choice", "default": {"@type": "cnt:ContentAsText", "chars": "eins"}, "item": [{"@type": "cnt:ContentAsText", "chars": "zwei"}, "rdf:nil"]}
    });
    assert_eq!(
        accepted(given)["body"],
        json!({"type": "Choice", "items": [{"type": "TextualBody", "value": "eins"}, {"type": "TextualBody", "value": "zwei"}]})
    );
}

#[test]
fn the_envelope_of_annotot_is_opened() {
    let inner = json!({"id": "0b1c", "type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody", "value": "x"}});
    let given = json!({"annotation": {"canvas": CANVAS, "data": inner.to_string(), "uuid": "0b1c"}});
    assert_eq!(
        accepted(given),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "motivation": "commenting",
            "body": {"type": "TextualBody", "value": "x"}, "target": CANVAS})
    );
}

#[test]
fn a_body_value_becomes_a_body_and_that_is_said() {
    let annotation = accept(json!({"type": "Annotation", "bodyValue": "I like it", "target": CANVAS})).unwrap();
    assert_eq!(annotation.json()["body"], json!({"type": "TextualBody", "format": "text/plain", "value": "I like it"}));
    assert_eq!((annotation.notes()[0].kind, annotation.notes()[0].pointer.as_str()), (NoteKind::Moved, "/bodyValue"));
}

#[test]
fn further_contexts_stay_behind_that_of_the_w3c() {
    let given = json!({"@context": ["http://iiif.io/api/presentation/3/context.json", {"x": "y"}], "type": "Annotation", "target": CANVAS});
    let annotation = accept(given).unwrap();
    assert_eq!(
        annotation.json()["@context"],
        json!(["http://www.w3.org/ns/anno.jsonld", "http://iiif.io/api/presentation/3/context.json"])
    );
    assert_eq!(annotation.notes()[0].message, "`@context` has an object, which is left out");
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_do() {
    let cases: [(Value, &str); 22] = [
        (json!([]), "an annotation is an object; write `{\"type\": \"Annotation\", …}`"),
        (json!({"type": "Note", "target": CANVAS}), "/type: `type` is `Note`; send one thing of type `Annotation`"),
        (
            json!({"type": "Annotation"}),
            "`target` is missing; say what the annotation is about: the URI of a canvas, with `#xywh=…` for a part of it",
        ),
        (json!({"type": "Annotation", "target": []}), "`target` is missing; say what"),
        (json!({"@type": "oa:Annotation"}), "`on` is missing; say what"),
        (
            json!({"type": "Annotation", "target": "canvas 1"}),
            "/target: `target` is `canvas 1`, which is no URI; write the whole URI of the canvas",
        ),
        (json!({"@type": "oa:Annotation", "on": 7}), "/on: `on` is 7; write the URI of a canvas"),
        (
            json!({"@type": "oa:Annotation", "on": {"@type": "oa:SpecificResource", "selector": []}}),
            "/on: `full` is missing; write the URI",
        ),
        (
            json!({"type": "Annotation", "target": {"type": "Canvas"}}),
            "/target: this `target` has neither `id` nor `source`;",
        ),
        (
            json!({"type": "Annotation", "target": format!("{CANVAS}#xywh=1,2,3")}),
            "/target: `xywh=1,2,3` names no region; write `xywh=x,y,w,h` with four numbers",
        ),
        (
            json!({"type": "Annotation", "target": [CANVAS, {"source": CANVAS, "selector": {"type": "FragmentSelector", "value": "xywh=a,b,c,d"}}]}),
            "/target/1/selector/value: `xywh=a,b,c,d` names no region;",
        ),
        (
            json!({"type": "Annotation", "target": {"source": CANVAS, "selector": {"value": "x"}}}),
            "/target/selector: `type` of the selector is missing;",
        ),
        (
            json!({"type": "Annotation", "target": {"source": CANVAS, "selector": [{"type": "SvgSelector", "value": "<path/>"}]}}),
            "/target/selector/0/value: `value` of the SvgSelector is no SVG: it begins with `<path>`; write one `<svg>` element with a shape",
        ),
        (
            json!({"@type": "oa:Annotation", "on": {"full": CANVAS, "selector": {"@type": "oa:SvgSelector", "chars": "<svg>"}}}),
            "/on/selector/value: `value` of the SvgSelector is no SVG:",
        ),
        (
            json!({"type": "Annotation", "target": CANVAS, "body": "nice"}),
            "/body: `body` is `nice`; write `{\"type\": \"TextualBody\", \"value\": \"…\"}`",
        ),
        (
            json!({"type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody"}}),
            "/body: `value` of the TextualBody is missing; write the text",
        ),
        (
            json!({"type": "Annotation", "target": CANVAS, "body": [{"type": "TextualBody", "value": 1}]}),
            "/body/0/value: `value` is 1;",
        ),
        (
            json!({"type": "Annotation", "target": CANVAS, "body": {"type": "Choice", "items": []}}),
            "/body: `items` of the choice is missing or empty;",
        ),
        (
            json!({"type": "Annotation", "target": CANVAS, "bodyValue": "a", "body": "https://a.example/"}),
            "/bodyValue: `bodyValue` stands beside `body`; keep one",
        ),
        (
            json!({"type": "Annotation", "target": CANVAS, "motivation": "painting"}),
            "/motivation: `motivation` is `painting`, which is not taken here; write one of assessing,",
        ),
        (json!({"type": "Annotation", "target": CANVAS, "id": 7}), "/id: `id` is 7; write one string, or leave it off"),
        (
            json!({"type": "Annotation", "target": CANVAS, "canonical": "a b"}),
            "/canonical: `canonical` is `a b`; write one URI",
        ),
    ];
    for (given, want) in cases {
        let said = faults(given.clone());
        assert!(said[0].starts_with(want), "{given}\n  said {}\n  want {want}", said[0]);
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let given =
        json!({"type": "Annotation", "motivation": "dancing", "body": {"type": "TextualBody"}, "target": "x y"});
    let rejected = accept(given).unwrap_err();
    let places: Vec<&str> = rejected.faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(places, ["/motivation", "/body", "/target"]);
    assert!(rejected.to_string().ends_with("(and 2 more)"));
    assert_eq!(rejected.kind(), ErrorKind::Malformed);
}

#[test]
fn limits_are_kept() {
    let options =
        AcceptOptions { max_bytes: 300, max_bodies: 2, max_targets: 2, max_depth: 5, ..AcceptOptions::default() };
    let body = json!({"type": "TextualBody", "value": "x"});
    let taken = |value: Value| Annotation::accept(value, &options);
    assert!(taken(json!({"type": "Annotation", "target": [CANVAS, CANVAS], "body": [body, body]})).is_ok());
    let many = taken(json!({"type": "Annotation", "target": CANVAS, "body": [body, body, body]})).unwrap_err();
    assert_eq!(many.to_string(), "/body: `body` has 3 values, and 2 are allowed; make several annotations of it");
    let many = taken(json!({"type": "Annotation", "target": [CANVAS, CANVAS, CANVAS]})).unwrap_err();
    assert_eq!(many.faults[0].pointer, "/target");
    let long =
        json!({"type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody", "value": "x".repeat(400)}});
    for rejected in [taken(long.clone()).unwrap_err(), Annotation::parse(&long.to_string(), &options).unwrap_err()] {
        assert_eq!(rejected.kind(), ErrorKind::TooLarge);
        assert_eq!(rejected.to_string(), "the annotation has more than 300 bytes; shorten it, or link to what is long");
    }
    let deep = taken(json!({"type": "Annotation", "target": CANVAS, "x": [[[[[]]]]]})).unwrap_err();
    assert_eq!(deep.faults[0].message, "the annotation is nested more than 5 deep");
    let none = AcceptOptions { motivations: Vec::new(), ..options.clone() };
    assert!(
        Annotation::accept(json!({"type": "Annotation", "target": CANVAS, "motivation": "dancing"}), &none).is_ok()
    );
    let one = AcceptOptions { motivations: vec!["tagging".to_owned()], ..options };
    assert!(
        Annotation::accept(json!({"@type": "oa:Annotation", "on": CANVAS, "motivation": "oa:tagging"}), &one).is_ok()
    );
}

#[test]
fn a_text_that_is_no_json_is_said_with_line_and_column() {
    let rejected = Annotation::parse("{\n  \"type\": \"Annotation\",,\n}", &AcceptOptions::default()).unwrap_err();
    assert_eq!(
        rejected.to_string(),
        "the text is no JSON: key must be a string (line 2, column 24); send one JSON object"
    );
}

#[test]
fn names_of_pages_become_uris_where_that_is_asked_for() {
    let options = AcceptOptions { relative_targets: Some("page:".to_owned()), ..AcceptOptions::generous() };
    for (target, want) in [
        (json!("007"), json!("page:007")),
        (json!("f. 7 verso#xywh=1,2,3,4"), json!("page:f.%207%20verso#xywh=1,2,3,4")),
        (
            json!({"source": "a#b.tif", "selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}}),
            json!({"type": "SpecificResource", "source": "page:a%23b.tif", "selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}}),
        ),
        (json!([{"id": "größe", "type": "Canvas"}, CANVAS]), json!([{"id": "page:größe", "type": "Canvas"}, CANVAS])),
    ] {
        let annotation = Annotation::accept(json!({"type": "Annotation", "target": target}), &options).unwrap();
        assert_eq!(annotation.json()["target"], want);
    }
}

#[test]
fn a_shape_that_cannot_be_read_is_left_out_where_a_rectangle_stands_beside_it() {
    let rectangle = json!({"type": "FragmentSelector", "value": "xywh=1,2,3,4"});
    let given = json!({"type": "Annotation", "target": {"source": CANVAS, "selector": [rectangle, {"type": "SvgSelector", "value": "<svg d=></svg>"}]}});
    let annotation = accept(given).unwrap();
    assert_eq!(annotation.json()["target"]["selector"], rectangle);
    assert_eq!(annotation.notes()[0].message, "an SvgSelector is left out, for its SVG cannot be read");
}
