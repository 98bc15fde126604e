//! Content State 1.0: every form in, the shortest out, and what each viewer needs.

use proptest::prelude::*;
use recto_iiif::{
    Dimensions,
    content_state::{
        CanvasRegion, Container, ContentState, ContentStateError, Form, Point, Target, TargetKind, TimeSpan, Viewer,
        encode,
    },
};
use serde_json::{Value, json};

const MANIFEST: &str = "https://example.org/object1/manifest";
const CANVAS: &str = "https://example.org/object1/canvas7";

fn part_of() -> Value {
    json!([{ "id": MANIFEST, "type": "Manifest" }])
}

fn region_target() -> Target {
    Target { region: Some(CanvasRegion::pixels(1000.0, 2000.0, 1000.0, 2000.0)), ..Target::canvas(CANVAS, MANIFEST) }
}

/// Read from each carrier, with the rules that found something.
fn read(text: &str) -> (ContentState, Vec<&'static str>) {
    let (state, findings) = ContentState::parse_text(text).expect("a content state");
    (state, findings.iter().map(|finding| finding.rule).collect())
}

#[test]
fn all_forms_of_the_same_state_mean_the_same() {
    let body = json!({ "id": format!("{CANVAS}#xywh=1000,2000,1000,2000"), "type": "Canvas", "partOf": part_of() });
    for (name, value, form) in [
        ("target body", body.clone(), Form::TargetBody),
        (
            "annotation, list of motivations",
            json!({ "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://example.org/import/1",
                "type": "Annotation", "motivation": ["bookmarking", "contentState"], "target": body }),
            Form::Annotation,
        ),
        (
            "annotation, one motivation, a list of one target",
            json!({ "type": "Annotation", "motivation": "contentState", "target": [body] }),
            Form::Annotation,
        ),
        (
            "specific resource with a selector",
            json!({ "type": "SpecificResource", "source": { "id": CANVAS, "type": "Canvas", "partOf": part_of() },
                "selector": { "type": "FragmentSelector", "value": "xywh=pixel:1000,2000,1000,2000" } }),
            Form::TargetBody,
        ),
        (
            "as older viewers write it",
            json!({ "@id": format!("{CANVAS}#xywh=1000,2000,1000,2000"), "@type": "sc:Canvas", "within": MANIFEST }),
            Form::TargetBody,
        ),
        (
            "partOf as an object",
            json!({ "id": format!("{CANVAS}#xywh=1000,2000,1000,2000"), "type": "Canvas",
                "partOf": { "id": MANIFEST, "type": "Manifest" } }),
            Form::TargetBody,
        ),
    ] {
        let text = value.to_string();
        let (state, rules) = read(&text);
        assert_eq!((state.targets.as_slice(), state.form), ([region_target()].as_slice(), form), "{name}");
        assert_eq!((rules.as_slice(), state.given.as_str()), ([].as_slice(), text.as_str()), "{name}");

        let (state, findings) = ContentState::parse_parameter(&encode(&text)).unwrap();
        assert_eq!((state.targets, findings.len()), (vec![region_target()], 0), "{name}, encoded");
    }
}

#[test]
fn the_annotations_own_id_and_other_motivations_are_kept() {
    let (state, _) = read(
        &json!({ "id": "https://example.org/import/1", "type": "Annotation",
            "motivation": ["bookmarking", "contentState"], "target": { "id": MANIFEST, "type": "Manifest" } })
        .to_string(),
    );
    assert_eq!(state.annotation.as_deref(), Some("https://example.org/import/1"));
    assert_eq!(state.motivations, ["bookmarking"]);
}

#[test]
fn a_uri_is_fetched_before_it_is_known_what_it_is() {
    let (state, findings) = ContentState::parse_parameter(MANIFEST).unwrap();
    assert_eq!((state.form, state.to_fetch(), findings.len()), (Form::Uri, Some(MANIFEST), 0));

    let annotation = json!({ "id": "https://example.org/b1", "type": "Annotation", "motivation": ["contentState"],
        "target": { "id": MANIFEST, "type": "Manifest" } });
    let (state, _) = ContentState::read_document(&annotation, "https://example.org/b1").unwrap();
    assert_eq!((state.form, state.to_fetch()), (Form::Annotation, None));
    assert_eq!(state.targets, [Target::whole(MANIFEST, TargetKind::Manifest)]);

    // An Annotation with another motivation is itself what is to be shown.
    let comment = json!({ "id": "https://example.org/c1", "type": "Annotation", "motivation": "commenting",
        "target": CANVAS });
    let (state, _) = ContentState::read_document(&comment, "https://example.org/c1").unwrap();
    assert_eq!(state.targets, [Target::whole("https://example.org/c1", TargetKind::Annotation)]);

    let manifest = json!({ "@context": "http://iiif.io/api/presentation/3/context.json", "id": MANIFEST,
        "type": "Manifest", "items": [] });
    let (state, findings) = ContentState::read_document(&manifest, MANIFEST).unwrap();
    assert_eq!((state.targets, findings.len()), (vec![Target::whole(MANIFEST, TargetKind::Manifest)], 0));

    let canvas = json!({ "id": CANVAS, "type": "Canvas", "height": 1, "width": 1 });
    let (state, findings) = ContentState::read_document(&canvas, &format!("{CANVAS}#xywh=1,2,3,4")).unwrap();
    assert_eq!(state.targets[0].region, Some(CanvasRegion::pixels(1.0, 2.0, 3.0, 4.0)));
    assert_eq!(findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["C4"]);
}

#[test]
fn a_canvas_or_range_without_its_manifest_is_found() {
    for kind in ["Canvas", "Range"] {
        let (state, findings) = ContentState::parse_text(&json!({ "id": CANVAS, "type": kind }).to_string()).unwrap();
        assert_eq!(state.targets[0].manifest(), None);
        assert_eq!((findings[0].rule, findings[0].pointer.as_str()), ("C4", "/partOf"));
    }
    // A Collection that the Canvas is in is not enough.
    let (state, rules) = read(
        &json!({ "id": CANVAS, "type": "Canvas", "partOf": [{ "id": "https://example.org/c", "type": "Collection" }] })
            .to_string(),
    );
    assert_eq!((state.targets[0].manifest(), rules), (None, vec!["C4"]));
}

#[test]
fn times_and_points_and_several_targets_are_read() {
    let (state, _) = read(
        &json!({ "type": "Annotation", "motivation": ["contentState"], "target": {
            "type": "SpecificResource", "source": { "id": CANVAS, "type": "Canvas", "partOf": part_of() },
            "selector": { "type": "PointSelector", "t": 14.5 } } })
        .to_string(),
    );
    assert_eq!(state.targets[0].point, Some(Point { x: None, y: None, t: Some(14.5) }));

    let (state, _) = read(
        &json!({ "type": "Annotation", "motivation": "contentState", "target": [
            { "id": format!("{CANVAS}#t=10,20"), "type": "Canvas", "partOf": part_of() },
            "https://example.org/item2/manifest" ] })
        .to_string(),
    );
    assert_eq!(state.targets[0].time, Some(TimeSpan { start: 10.0, end: Some(20.0) }));
    assert_eq!(state.targets[1], Target::whole("https://example.org/item2/manifest", TargetKind::Unknown));

    let (state, _) = read(&json!([MANIFEST, { "id": CANVAS, "type": "Canvas", "partOf": part_of() }]).to_string());
    assert_eq!(state.targets, [Target::whole(MANIFEST, TargetKind::Unknown), Target::canvas(CANVAS, MANIFEST)]);
}

#[test]
fn carriers_are_read_leniently_and_say_what_is_wrong() {
    let body = json!({ "id": MANIFEST, "type": "Manifest" }).to_string();
    for (parameter, rules) in [
        (body.clone(), vec!["C2"]),
        (encode(MANIFEST), vec!["C2"]),
        ("https%3A%2F%2Fexample.org%2Fobject1%2Fmanifest".to_owned(), vec!["C1"]),
        (recto_iiif::content_state::encode_uri_component(&body), vec!["C1"]),
        (format!("  {}  ", encode(&body)), vec![]),
    ] {
        let (state, findings) = ContentState::parse_parameter(&parameter).unwrap();
        assert_eq!(state.targets[0].id, MANIFEST, "{parameter}");
        assert_eq!(findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), rules, "{parameter}");
    }
    // A file or a drop may not be encoded.
    let (state, rules) = read(&encode(&body));
    assert_eq!((state.targets[0].id.as_str(), rules), (MANIFEST, vec!["C2"]));
    // IRIs are read, and named.
    let (state, rules) = read("https://example.org/größe/manifest");
    assert_eq!((state.targets[0].id.as_str(), rules), ("https://example.org/größe/manifest", vec!["C1"]));
    // What cannot be read of a selector is named, and the whole is shown.
    let svg = json!({ "type": "SpecificResource", "source": { "id": CANVAS, "type": "Canvas", "partOf": part_of() },
        "selector": [{ "type": "SvgSelector", "value": "<svg/>" }, { "type": "FragmentSelector", "value": "xywh=1,1,0,0" }] });
    let (state, rules) = read(&svg.to_string());
    assert_eq!((state.targets, rules), (vec![Target::canvas(CANVAS, MANIFEST)], vec!["C5", "C5"]));
    // Other fragments belong to the id.
    let (state, _) = read(&json!({ "id": format!("{MANIFEST}#part"), "type": "Manifest" }).to_string());
    assert_eq!(state.targets[0].id, format!("{MANIFEST}#part"));
}

#[test]
fn what_names_nothing_is_refused_with_its_place() {
    for (text, place) in [
        ("{}", ""),
        ("[]", ""),
        ("[[]]", "/0"),
        ("\"ftp://example.org\"", ""),
        (r#"{"type":"Annotation","motivation":"contentState"}"#, "/target"),
        (r#"{"type":"Annotation","motivation":"contentState","target":[{"type":"Canvas"}]}"#, "/target/0"),
        (r#"{"type":"SpecificResource","selector":{}}"#, ""),
        (r#"{"type":"SpecificResource","source":7}"#, "/source"),
    ] {
        match ContentState::parse_text(text) {
            Err(ContentStateError::NoTarget { pointer, .. }) => assert_eq!(pointer, place, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(ContentState::parse_text("  "), Err(ContentStateError::Empty)));
    assert!(matches!(ContentState::parse_text("not a state!"), Err(ContentStateError::Encoding { .. })));
    assert!(matches!(ContentState::parse_parameter("{\"id\":"), Err(ContentStateError::Json { .. })));
    let long = "x".repeat(recto_iiif::content_state::LONGEST_TEXT_BYTES + 1);
    assert!(matches!(ContentState::parse_parameter(&long), Err(ContentStateError::TooLong { .. })));
    // Deeper than a stack is long.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(ContentState::parse_text(&deep), Err(ContentStateError::Json { .. })));
}

#[test]
fn the_shortest_correct_form_is_written() {
    let whole = ContentState::new(vec![Target::whole(MANIFEST, TargetKind::Manifest)]);
    assert_eq!((whole.to_text().as_str(), whole.to_parameter().as_str()), (MANIFEST, MANIFEST));
    assert_eq!(whole.to_query(), "iiif-content=https%3A%2F%2Fexample.org%2Fobject1%2Fmanifest");

    let region = ContentState::new(vec![region_target()]);
    let body = r#"{"id":"https://example.org/object1/canvas7#xywh=1000,2000,1000,2000","type":"Canvas","partOf":[{"id":"https://example.org/object1/manifest","type":"Manifest"}]}"#;
    assert_eq!((region.to_text().as_str(), region.to_parameter()), (body, encode(body)));

    let point = Target { point: Some(Point { x: None, y: None, t: Some(14.5) }), ..Target::canvas(CANVAS, MANIFEST) };
    assert_eq!(
        ContentState::new(vec![point]).to_text(),
        json!({ "type": "SpecificResource", "source": { "id": CANVAS, "type": "Canvas", "partOf": part_of() },
            "selector": { "type": "PointSelector", "t": 14.5 } })
        .to_string()
    );

    let two = ContentState::new(vec![Target::canvas(CANVAS, MANIFEST), region_target()]);
    let value: Value = serde_json::from_str(&two.to_text()).unwrap();
    assert_eq!((&value["type"], &value["motivation"]), (&json!("Annotation"), &json!(["contentState"])));
    assert_eq!(value["target"].as_array().unwrap().len(), 2);
    assert!(value.get("@context").is_none() && value.get("id").is_none());

    let published = region.to_annotation(Some("https://example.org/states/1"));
    assert_eq!(published["@context"], "http://iiif.io/api/presentation/3/context.json");
    assert_eq!(published["id"], "https://example.org/states/1");
}

#[test]
fn each_viewer_gets_what_it_reads() {
    let state = ContentState::new(vec![region_target()]);
    let link = |viewer| state.link_for(viewer, None).unwrap();
    let query = format!(
        "manifest={}&canvas={}",
        "https%3A%2F%2Fexample.org%2Fobject1%2Fmanifest", "https%3A%2F%2Fexample.org%2Fobject1%2Fcanvas7"
    );

    let mirador = link(Viewer::Mirador);
    assert_eq!(mirador.url("/viewer/mirador"), format!("/viewer/mirador?{query}&xywh=1000%2C2000%2C1000%2C2000"));
    assert_eq!(
        mirador.config,
        json!({ "windows": [{ "manifestId": MANIFEST, "canvasId": CANVAS,
            "initialViewerConfig": { "x": 1500.0, "y": 3000.0, "zoom": 0.0005 } }] })
    );

    let uv = link(Viewer::UniversalViewer);
    assert_eq!(uv.config, json!({ "manifest": MANIFEST, "canvasId": CANVAS, "xywh": "1000,2000,1000,2000" }));
    let body = r#"{"id":"https://example.org/object1/canvas7#xywh=1000,2000,1000,2000","type":"Canvas","partOf":{"id":"https://example.org/object1/manifest","type":"Manifest"}}"#;
    assert_eq!(uv.fragment, Some(format!("?iiif-content={}", encode(body))));

    let clover = link(Viewer::Clover);
    assert_eq!(clover.config, json!({ "iiifContent": state.to_parameter() }));
    assert_eq!(link(Viewer::Tify).query, [("manifest", MANIFEST.to_owned())]);
    assert_eq!(link(Viewer::Tify).lost, ["the Canvas, which it knows only by its number", "the rectangle"]);
    assert_eq!(
        state.to_drag_and_drop("https://example.org/v").unwrap(),
        format!("https://example.org/v?{query}&iiif-content={}", state.to_parameter())
    );
}

#[test]
fn universal_viewer_goes_to_a_whole_canvas_by_a_rectangle_around_it() {
    let state = ContentState::new(vec![Target::canvas(CANVAS, MANIFEST)]);
    let link = state.link_for(Viewer::UniversalViewer, Some(Dimensions::new(3000, 4000))).unwrap();
    let (read, _) =
        ContentState::parse_parameter(link.fragment.unwrap().strip_prefix("?iiif-content=").unwrap()).unwrap();
    assert_eq!(read.targets[0].region, Some(CanvasRegion::pixels(0.0, 0.0, 3000.0, 4000.0)));
    assert_eq!(link.lost, [] as [&str; 0]);

    let unknown = state.link_for(Viewer::UniversalViewer, None).unwrap();
    assert_eq!(unknown.lost, ["the Canvas, whose size is not known"]);
    assert!(
        unknown.url("https://uv.example/").ends_with("#?iiif-content=https%3A%2F%2Fexample.org%2Fobject1%2Fmanifest")
    );
}

#[test]
fn mirador_compares_and_others_say_that_they_cannot() {
    let state = ContentState::new(vec![Target::canvas(CANVAS, MANIFEST), region_target()]);
    let mirador = state.link_for(Viewer::Mirador, None).unwrap();
    assert_eq!((mirador.config["windows"].as_array().unwrap().len(), mirador.lost.len()), (2, 0));
    assert_eq!(state.link_for(Viewer::OpenSeadragon, None).unwrap().lost, ["all targets but the first"]);
    let lost = ContentState::new(vec![Target::whole(CANVAS, TargetKind::Canvas)]);
    assert_eq!(lost.link_for(Viewer::Mirador, None), None);
    for viewer in Viewer::ALL {
        assert_eq!(Viewer::from_slug(viewer.slug()), Some(viewer));
    }
}

fn any_target() -> impl Strategy<Value = Target> {
    let side = 1_u32..100_000;
    let region = (side.clone(), side.clone(), side.clone(), side)
        .prop_map(|(x, y, w, h)| CanvasRegion::pixels(x.into(), f64::from(y) / 4.0, w.into(), f64::from(h) / 8.0));
    let time = (0_u32..1000, proptest::option::of(1_u32..1000)).prop_map(|(start, length)| TimeSpan {
        start: f64::from(start) / 2.0,
        end: length.map(|length| f64::from(start) / 2.0 + f64::from(length)),
    });
    let point = (0_u32..1000, 0_u32..1000, proptest::option::of(0_u32..1000)).prop_map(|(x, y, t)| Point {
        x: Some(x.into()),
        y: Some(f64::from(y) / 2.0),
        t: t.map(|t| f64::from(t) / 4.0),
    });
    let kind = prop_oneof![
        Just(TargetKind::Manifest),
        Just(TargetKind::Canvas),
        Just(TargetKind::Range),
        Just(TargetKind::Collection)
    ];
    let parts = (proptest::option::of(region), proptest::option::of(time), proptest::option::of(point));
    ("[a-z0-9/%+é漢😀-]{0,20}", kind, parts, any::<bool>()).prop_map(|(path, kind, (region, time, point), odd)| {
        let manifest = Container { id: MANIFEST.to_owned(), kind: TargetKind::Manifest };
        let part_of = if matches!(kind, TargetKind::Canvas | TargetKind::Range) { vec![manifest] } else { Vec::new() };
        let id = format!("https://example.org/{path}{}", if odd { "#odd" } else { "" });
        Target { id, kind, part_of, region, time, point }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(targets in proptest::collection::vec(any_target(), 1..4)) {
        let state = ContentState::new(targets);
        let same = |read: &ContentState| {
            read.targets.iter().zip(&state.targets).all(|(read, target)| {
                // All of a Manifest is written as its URI alone.
                let kind = read.kind == target.kind || read.kind == TargetKind::Unknown;
                kind && Target { kind: target.kind.clone(), ..read.clone() } == *target
            }) && read.targets.len() == state.targets.len()
        };
        let (read, _) = ContentState::parse_parameter(&state.to_parameter()).unwrap();
        prop_assert!(same(&read), "{read:?}");
        let (read, _) = ContentState::parse_text(&state.to_text()).unwrap();
        prop_assert!(same(&read), "{read:?}");
        let (read, _) = ContentState::read_document(&state.to_annotation(Some(CANVAS)), CANVAS).unwrap();
        prop_assert!(same(&read), "{read:?}");
    }

    #[test]
    fn reading_never_panics(text in any::<String>(), json in "[\\[\\]{}\":,a-z0-9#=%]{0,60}") {
        for text in [text, json] {
            let _ = ContentState::parse_parameter(&text);
            let _ = ContentState::parse_text(&text);
            let _ = ContentState::parse_parameter(&encode(&text));
        }
    }
}
