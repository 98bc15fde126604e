//! W12: clients of SimpleAnnotationServer and Annotot go on as they are.

use recto_iiif::annotation::{AcceptOptions, annotot, sas, store};
use serde_json::{Value, json};

use super::CANVAS;

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg'><path d=\"M1,2h3v4z\"/></svg>";

fn kept(sent: &sas::Sent) -> Value {
    store(&sent.annotation, "https://example.org/annotations/a/1", None, "2026-01-02T03:04:05Z".parse().unwrap())
}

/// What the adapter of mirador-annotations for SimpleAnnotationServer sends.
fn from_mirador() -> Value {
    json!({
        "@context": "http://iiif.io/api/presentation/2/context.json", "@type": "oa:Annotation", "motivation": "oa:commenting",
        "on": {
            "@type": "oa:SpecificResource", "full": CANVAS,
            "selector": {"@type": "oa:Choice", "default": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}, "item": {"@type": "oa:SvgSelector", "value": SVG}},
            "within": {"@id": "https://example.org/m", "@type": "sc:Manifest"}
        },
        "resource": [{"chars": "<p>a</p>", "@type": "dctypes:Text"}, {"chars": "t", "@type": "oa:Tag"}]
    })
}

#[test]
fn w12_sas_gives_back_what_its_client_sent() {
    let sent = sas::read(&from_mirador().to_string(), &AcceptOptions::default()).unwrap();
    assert_eq!(sent.name, None);
    let mut want = from_mirador();
    want["@id"] = "https://example.org/annotations/a/1".into();
    want["dcterms:created"] = "2026-01-02T03:04:05Z".into();
    assert_eq!(sas::answer(&kept(&sent)), want);
    assert_eq!(sas::search(&[kept(&sent)]), json!([want]));
}

#[test]
fn w12_sas_names_the_annotation_that_an_update_is_of() {
    let mut update = from_mirador();
    update["@id"] = "https://example.org/annotations/a/1".into();
    let sent = sas::read(&update.to_string(), &AcceptOptions::default()).unwrap();
    assert_eq!(sent.name.as_deref(), Some("https://example.org/annotations/a/1"));
}

#[test]
fn w12_sas_answers_have_the_objects_that_its_client_looks_into() {
    for (target, on) in [
        (
            json!(CANVAS),
            json!({"@type": "oa:SpecificResource", "full": CANVAS, "selector": {"@type": "oa:FragmentSelector", "value": ""}}),
        ),
        (
            json!(format!("{CANVAS}#xywh=1,2,3,4")),
            json!({"@type": "oa:SpecificResource", "full": CANVAS, "selector": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}}),
        ),
        (
            json!({"id": CANVAS, "type": "Canvas"}),
            json!({"@type": "oa:SpecificResource", "full": CANVAS, "selector": {"@type": "oa:FragmentSelector", "value": ""}}),
        ),
    ] {
        let answer = sas::answer(&json!({"id": "https://a.example/1", "type": "Annotation", "target": target}));
        assert_eq!(answer["on"], on);
        // An update with it is about the same again.
        let sent = sas::read(&answer.to_string(), &AcceptOptions::default()).unwrap();
        assert_eq!(
            recto_iiif::annotation::targets(&sent.annotation.into_value()),
            recto_iiif::annotation::targets(&json!({"target": target}))
        );
    }
}

#[test]
fn w12_sas_populate_takes_lists_and_arrays() {
    let list = json!({"@type": "sc:AnnotationList", "resources": [from_mirador(), {"@type": "oa:Annotation"}]});
    for text in [list.to_string(), list["resources"].to_string()] {
        let items = sas::populate(&text, &AcceptOptions::default(), 10).unwrap();
        let good: Vec<bool> = items.iter().map(|item| item.outcome.is_ok()).collect();
        assert_eq!(good, [true, false]);
    }
}

#[test]
fn w12_uris_are_read_from_queries_whether_they_were_escaped_or_not() {
    for (query, want) in [
        ("uri=https://example.org/c/1", Some("https://example.org/c/1")),
        ("uri=https://example.org/c?a=1&b=2#c", Some("https://example.org/c?a=1&b=2#c")),
        ("uri=https%3A%2F%2Fexample.org%2Fc%3Fa%3D1&media=x", Some("https://example.org/c?a=1")),
        ("APIKey=user&uri=https://example.org/c%2F1&media=image", Some("https://example.org/c%2F1")),
        ("uri=", None),
        ("x=1", None),
    ] {
        assert_eq!(sas::uri_of_query(query).as_deref(), want, "{query}");
    }
}

/// What mirador-annotations hands to its adapter for Annotot.
fn drawn() -> Value {
    json!({
        "body": [{"type": "TextualBody", "value": "<p>a</p>"}, {"purpose": "tagging", "type": "TextualBody", "value": "t"}],
        "id": "0b1c2d3e-0000-4000-8000-0123456789ab", "motivation": "commenting",
        "target": {"source": {"id": CANVAS, "partOf": {"id": "https://example.org/m", "type": "Manifest"}, "type": "Canvas"},
            "selector": [{"type": "FragmentSelector", "value": "xywh=1,2,3,4"}, {"type": "SvgSelector", "value": SVG}]},
        "type": "Annotation"
    })
}

#[test]
fn w12_annotot_gives_back_what_its_client_sent() {
    let body = json!({"annotation": {"canvas": CANVAS, "data": drawn().to_string(), "uuid": drawn()["id"]}});
    let sent = annotot::read(&body.to_string(), &AcceptOptions::default()).unwrap();
    assert_eq!((sent.canvas.as_deref(), sent.name.as_deref()), (Some(CANVAS), drawn()["id"].as_str()));
    let stored = kept(&sent);
    let page = annotot::pages("https://example.org/annotot/pages?uri=x", std::slice::from_ref(&stored));
    assert_eq!(
        (&page["@context"], &page["type"]),
        (&json!("http://iiif.io/api/presentation/3/context.json"), &json!("AnnotationPage"))
    );
    for property in ["body", "motivation", "type"] {
        assert_eq!(page["items"][0][property], drawn()[property], "{property}");
    }
    // IIIF wants the type of a part of a canvas, and lists of what a canvas is part of.
    let mut target = drawn()["target"].take();
    target["type"] = json!("SpecificResource");
    target["source"]["partOf"] = json!([target["source"]["partOf"]]);
    assert_eq!(page["items"][0]["target"], target);
    assert_eq!(page["items"][0]["id"], "https://example.org/annotations/a/1");
    assert!(recto_iiif::annotation::names(&stored).iter().any(|name| name == "0b1c2d3e-0000-4000-8000-0123456789ab"));
    assert_eq!(annotot::index(std::slice::from_ref(&stored)), page["items"]);
    assert_eq!(annotot::lists("https://example.org/l", &[stored])["@type"], "sc:AnnotationList");
}

#[test]
fn w12_annotot_updates_have_no_canvas() {
    let body = json!({"annotation": {"data": drawn().to_string(), "uuid": "https://example.org/annotations/a/1"}});
    let sent = annotot::read(&body.to_string(), &AcceptOptions::default()).unwrap();
    assert_eq!((sent.canvas, sent.name.as_deref()), (None, Some("https://example.org/annotations/a/1")));
}

#[test]
fn w12_annotot_says_what_is_wrong_with_the_text_in_the_text() {
    for (body, want) in [
        (json!({}), "`annotation` is missing"),
        (json!({"annotation": {"uuid": "x"}}), "/annotation/data: `data` is missing"),
        (json!({"annotation": {"data": "{"}}), "/annotation/data: the text is no JSON"),
        (json!({"annotation": {"data": {"type": "Annotation"}}}), "/annotation/data: `target` is missing"),
    ] {
        let rejected = annotot::read(&body.to_string(), &AcceptOptions::default()).unwrap_err();
        assert!(rejected.to_string().starts_with(want), "{rejected}");
    }
}
