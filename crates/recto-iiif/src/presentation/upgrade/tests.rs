use serde_json::json;

use super::*;

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("no object: {other}"),
    }
}

fn manifest(more: Value) -> Value {
    let mut manifest = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": "https://example.org/m", "@type": "sc:Manifest", "label": "M",
        "sequences": [{"@type": "sc:Sequence", "canvases": [canvas("c1", json!({})), canvas("c2", json!({})), canvas("c3", json!({}))]}]
    });
    manifest.as_object_mut().unwrap().extend(fields(more));
    manifest
}

fn canvas(name: &str, more: Value) -> Value {
    let mut canvas = json!({
        "@id": format!("https://example.org/{name}"), "@type": "sc:Canvas", "label": name, "height": 40, "width": 30
    });
    canvas.as_object_mut().unwrap().extend(fields(more));
    canvas
}

/// The upgraded document, and what was said: kinds and places.
fn upgraded(document: Value) -> (Value, Vec<(NoteKind, String)>) {
    let (upgraded, notes) = upgrade(document);
    for note in &notes {
        assert!(!note.message.is_empty() && !note.remedy.is_empty(), "{note:?}");
    }
    (upgraded, notes.into_iter().map(|note| (note.kind, note.pointer)).collect())
}

fn note(kind: NoteKind, pointer: &str) -> (NoteKind, String) {
    (kind, pointer.to_owned())
}

/// Ranges as text: ids, with what is in them in brackets.
fn outline(ranges: &Value) -> String {
    let items = ranges.as_array().into_iter().flatten();
    let words = items.map(|item| {
        let name = item["id"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        if item["items"].is_array() { format!("{name}[{}]", outline(&item["items"])) } else { name }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn range(name: &str, more: Value) -> Value {
    let mut range = json!({ "@id": format!("https://example.org/{name}"), "@type": "sc:Range", "label": name });
    range.as_object_mut().unwrap().extend(fields(more));
    range
}

fn ids(names: &[&str]) -> Value {
    names.iter().map(|name| Value::from(format!("https://example.org/{name}"))).collect()
}

#[test]
fn a_manifest_is_written_as_the_3_0_example_shows_it() {
    let given = manifest(json!({
        "@context": ["http://example.org/extension.json", "http://iiif.io/api/presentation/2/context.json"],
        "label": {"@value": "Book", "@language": "en"},
        "metadata": [{"label": "Author", "value": ["Anne", {"@value": "Anna", "@language": "de"}]}],
        "description": "A book", "license": "https://creativecommons.org/licenses/by/4.0/", "attribution": "The library",
        "logo": "https://example.org/logo.png", "related": {"@id": "https://example.org/about", "format": "text/html"},
        "seeAlso": {"@id": "https://example.org/mods.xml", "format": "application/xml", "profile": "http://www.loc.gov/mods/v3"},
        "rendering": {"@id": "https://example.org/book.pdf", "label": "PDF", "format": "application/pdf"},
        "within": "https://example.org/all", "navDate": "1898-03-01T00:00:00Z", "thumbnail": "https://example.org/t.jpg",
        "x:own": {"kept": true},
        "sequences": [{"@id": "https://example.org/s", "@type": "sc:Sequence", "viewingDirection": "right-to-left", "viewingHint": "paged",
            "startCanvas": "https://example.org/c1", "canvases": [canvas("c1", json!({
                "images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "on": "https://example.org/c1",
                    "resource": {"@id": "https://example.org/1.jpg", "@type": "dctypes:Image", "format": "image/jpeg", "height": 40, "width": 30}}],
                "otherContent": [{"@id": "https://example.org/list", "@type": "sc:AnnotationList"}]
            }))]}]
    }));
    let (written, notes) = upgraded(given);
    let items = json!([{"id": "https://example.org/c1", "type": "Canvas", "label": {"none": ["c1"]}, "height": 40, "width": 30,
            "items": [{"id": "https://example.org/c1/annotation-page", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/c1/annotation/1", "type": "Annotation", "motivation": "painting",
                 "body": {"id": "https://example.org/1.jpg", "type": "Image", "format": "image/jpeg", "height": 40, "width": 30},
                 "target": "https://example.org/c1"}]}],
            "annotations": [{"id": "https://example.org/list", "type": "AnnotationPage"}]}]);
    let wanted = json!({
        "@context": ["http://example.org/extension.json", "http://iiif.io/api/presentation/3/context.json"],
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["Book"]},
        "metadata": [{"label": {"none": ["Author"]}, "value": {"none": ["Anne"], "de": ["Anna"]}}],
        "summary": {"none": ["A book"]},
        "thumbnail": [{"id": "https://example.org/t.jpg", "type": "Image"}],
        "viewingDirection": "right-to-left", "behavior": ["paged"], "navDate": "1898-03-01T00:00:00Z",
        "rights": "http://creativecommons.org/licenses/by/4.0/",
        "requiredStatement": {"label": {"en": ["Attribution"]}, "value": {"none": ["The library"]}},
        "provider": [{"id": "https://example.org/m#provider", "type": "Agent", "label": {"none": ["The library"]},
                      "logo": [{"id": "https://example.org/logo.png", "type": "Image"}]}],
        "homepage": [{"id": "https://example.org/about", "type": "Text", "label": {"en": ["Book"]}, "format": "text/html"}],
        "seeAlso": [{"id": "https://example.org/mods.xml", "type": "Dataset", "format": "application/xml", "profile": "http://www.loc.gov/mods/v3"}],
        "rendering": [{"id": "https://example.org/book.pdf", "type": "Text", "label": {"none": ["PDF"]}, "format": "application/pdf"}],
        "partOf": [{"id": "https://example.org/all", "type": "Collection"}],
        "start": {"id": "https://example.org/c1", "type": "Canvas"},
        "items": items,
        "x:own": {"kept": true}
    });
    assert_eq!(serde_json::to_string_pretty(&written).unwrap(), serde_json::to_string_pretty(&wanted).unwrap());
    assert_eq!(notes, [note(NoteKind::Repaired, "/license"), note(NoteKind::Moved, "/logo")]);
}

#[test]
fn flat_ranges_become_a_tree_in_every_way_they_name_each_other() {
    let top = |more| range("top", more);
    for (structures, wanted) in [
        (
            json!([
                top(json!({"viewingHint": "top", "ranges": ids(&["r1", "r2"])})),
                range("r1", json!({"canvases": ids(&["c1"])})),
                range("r2", json!({"canvases": ids(&["c2", "c3#xywh=0,0,9,9"])}))
            ]),
            "top[r1[c1] r2[c2 c3#xywh=0,0,9,9]]",
        ),
        (
            json!([
                range("r1", json!({"canvases": ids(&["c1"])})),
                range("r2", json!({"canvases": ids(&["c2"]), "within": "https://example.org/r1"}))
            ]),
            "r1[c1 r2[c2]]",
        ),
        (
            json!([
                top(json!({"members": [
                {"@id": "https://example.org/c1", "@type": "sc:Canvas", "label": "1"},
                {"@id": "https://example.org/r1", "@type": "sc:Range", "label": "R"},
                {"@id": "https://example.org/c3", "@type": "sc:Canvas", "label": "3"}]})),
                range("r1", json!({"canvases": ids(&["c2"])}))
            ]),
            "top[c1 r1[c2] c3]",
        ),
        (
            json!([top(
                json!({"ranges": [range("r1", json!({"canvases": ids(&["c1"]), "ranges": [range("r2", json!({"canvases": ids(&["c2"])}))]}))]})
            )]),
            "top[r1[r2[c2] c1]]",
        ),
        // Named twice: it has one place and is mentioned at the other.
        (
            json!([
                range("a", json!({"ranges": ids(&["r"])})),
                range("b", json!({"ranges": ids(&["r"])})),
                range("r", json!({"canvases": ids(&["c1"])}))
            ]),
            "a[r[c1]] b[r]",
        ),
        (json!({"@id": "https://example.org/r", "canvases": "https://example.org/c1"}), "r[c1]"),
    ] {
        let (written, notes) = upgraded(manifest(json!({ "structures": structures })));
        assert_eq!(outline(&written["structures"]), wanted);
        assert_eq!(notes, []);
        assert_eq!(written["structures"][0].get("behavior"), None);
    }
}

#[test]
fn a_loop_of_ranges_is_cut_where_it_closes_and_said() {
    let structures = json!([
        range("a", json!({"ranges": ids(&["b"])})),
        range("b", json!({"ranges": ids(&["c"]), "viewingHint": "top"})),
        range("c", json!({"ranges": ids(&["a", "c"]), "canvases": ids(&["c1"])})),
    ]);
    let (written, notes) = upgraded(manifest(json!({ "structures": structures })));
    assert_eq!(outline(&written["structures"]), "b[c[a[] c1]]");
    assert_eq!(
        notes,
        [
            note(NoteKind::Lost, "/structures/0"),
            note(NoteKind::Repaired, "/structures/0"),
            note(NoteKind::Lost, "/structures/2")
        ]
    );
}

#[test]
fn ranges_deeper_than_readers_go_stand_beside() {
    let chain = (0..2_000).map(|index| {
        range(&format!("r{index}"), json!({"ranges": ids(&[&format!("r{}", index + 1)]), "canvases": ids(&["c1"])}))
    });
    let (written, _) = upgraded(manifest(json!({ "structures": chain.collect::<Vec<_>>() })));
    let text = written.to_string();
    assert!(serde_json::from_str::<Value>(&text).is_ok());
    assert_eq!(written["structures"].as_array().unwrap().len(), 50);
    assert_eq!(text.matches("\"label\":{\"none\":[\"r").count(), 2_000);
}

#[test]
fn a_second_sequence_is_a_range_with_its_own_order() {
    let mut given = manifest(json!({}));
    let second = json!({"@id": "https://example.org/s2", "@type": "sc:Sequence", "label": "Bound", "viewingHint": "paged",
                        "canvases": ["https://example.org/c2", canvas("c1", json!({})), canvas("c4", json!({}))]});
    given["sequences"].as_array_mut().unwrap().extend([second, "https://example.org/s3".into()]);
    let (written, notes) = upgraded(given);
    assert_eq!(written["items"].as_array().unwrap().len(), 4);
    assert_eq!(written["items"][3]["id"], "https://example.org/c4");
    assert_eq!(
        written["structures"],
        json!([{"id": "https://example.org/s2", "type": "Range", "label": {"none": ["Bound"]}, "behavior": ["paged", "sequence"],
                "items": [{"id": "https://example.org/c2", "type": "Canvas"}, {"id": "https://example.org/c1", "type": "Canvas"},
                          {"id": "https://example.org/c4", "type": "Canvas"}]},
               {"id": "https://example.org/s3", "type": "Range", "behavior": ["sequence"]}])
    );
    assert_eq!(notes, [note(NoteKind::Moved, "/sequences/1/canvases/2"), note(NoteKind::Moved, "/sequences/2")]);
}

#[test]
fn choices_parts_and_texts_are_in_the_words_of_the_web_annotation_model() {
    for (given, wanted) in [
        (
            json!({"@type": "oa:Choice", "default": {"@id": "https://e.org/1.jpg", "@type": "dctypes:Image", "label": "Colour"},
                   "item": [{"@id": "https://e.org/2.jpg", "@type": "dctypes:Image"}, "rdf:nil"]}),
            json!({"type": "Choice", "items": [{"id": "https://e.org/1.jpg", "type": "Image", "label": {"none": ["Colour"]}},
                                               {"id": "https://e.org/2.jpg", "type": "Image"}]}),
        ),
        (
            json!({"@id": "https://e.org/p", "@type": "oa:SpecificResource", "full": {"@id": "https://e.org/1.jpg", "@type": "dctypes:Image"},
                   "selector": {"@context": "http://iiif.io/api/annex/openannotation/context.json", "@type": "iiif:ImageApiSelector", "region": "0,0,9,9"},
                   "style": "red"}),
            json!({"id": "https://e.org/p", "type": "SpecificResource", "source": {"id": "https://e.org/1.jpg", "type": "Image"},
                   "selector": {"type": "ImageApiSelector", "region": "0,0,9,9"}, "styleClass": "red"}),
        ),
        (
            json!({"@type": ["cnt:ContentAsText"], "chars": "Hello", "format": "text/plain", "language": "en"}),
            json!({"type": "TextualBody", "value": "Hello", "format": "text/plain", "language": "en"}),
        ),
        (json!({"@type": "dctypes:Text", "chars": "Hello"}), json!({"type": "TextualBody", "value": "Hello"})),
        (
            json!({"@type": ["oa:Tag", "cnt:ContentAsText"], "chars": "map"}),
            json!({"type": "TextualBody", "value": "map", "purpose": "tagging"}),
        ),
        (
            json!({"@id": "https://e.org/f.mp4", "@type": "dctypes:MovingImage"}),
            json!({"id": "https://e.org/f.mp4", "type": "Video"}),
        ),
        (
            json!({"@id": "https://e.org/x", "format": "audio/mp3"}),
            json!({"id": "https://e.org/x", "type": "Sound", "format": "audio/mp3"}),
        ),
        (
            json!([{"@type": "oa:Tag", "chars": "a"}, {"@type": "cnt:ContentAsText", "chars": "b"}]),
            json!([{"type": "TextualBody", "value": "a", "purpose": "tagging"}, {"type": "TextualBody", "value": "b"}]),
        ),
    ] {
        let (written, _) = upgraded(
            json!({"@id": "https://e.org/a", "@type": "oa:Annotation", "resource": given, "on": "https://e.org/c"}),
        );
        assert_eq!(written["body"], wanted);
    }
}

#[test]
fn targets_keep_what_they_select_and_what_they_are_within() {
    for (on, target) in [
        (json!("https://e.org/c#xywh=1,2,3,4"), json!("https://e.org/c#xywh=1,2,3,4")),
        (json!({"@id": "https://e.org/c", "@type": "sc:Canvas"}), json!("https://e.org/c")),
        (
            json!({"@id": "https://e.org/c", "@type": "sc:Canvas", "within": {"@id": "https://e.org/m", "@type": "sc:Manifest"}}),
            json!({"id": "https://e.org/c", "type": "Canvas", "partOf": [{"id": "https://e.org/m", "type": "Manifest"}]}),
        ),
        (
            json!({"@type": "oa:SpecificResource", "full": "https://e.org/c", "within": "https://e.org/m", "selector": {
                "@type": "oa:Choice", "default": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"},
                "item": {"@type": ["oa:SvgSelector", "cnt:ContentAsText"], "chars": "<svg/>"}}}),
            json!({"type": "SpecificResource",
                   "source": {"id": "https://e.org/c", "type": "Canvas", "partOf": [{"id": "https://e.org/m", "type": "Manifest"}]},
                   "selector": [{"type": "FragmentSelector", "value": "xywh=1,2,3,4"}, {"type": "SvgSelector", "value": "<svg/>"}]}),
        ),
        (json!(["https://e.org/c"]), json!("https://e.org/c")),
        (json!(["https://e.org/c", "https://e.org/d"]), json!(["https://e.org/c", "https://e.org/d"])),
    ] {
        let (written, notes) = upgraded(
            json!({"@id": "https://e.org/a", "@type": "oa:Annotation", "motivation": ["oa:commenting", "sc:x"], "on": on}),
        );
        assert_eq!(written["target"], target);
        assert_eq!(written["motivation"], json!(["commenting", "x"]));
        assert_eq!(notes, []);
    }
}

#[test]
fn lists_and_layers_are_pages_and_collections_and_text_on_a_canvas_is_supplementing() {
    let (written, notes) = upgraded(json!({
        "@context": "http://iiif.io/api/presentation/2/context.json", "@id": "https://e.org/list", "@type": "sc:AnnotationList",
        "next": "https://e.org/list/2", "startIndex": 0,
        "within": {"@id": "https://e.org/layer", "@type": "sc:Layer", "label": "Transcription", "total": 90, "first": "https://e.org/list"},
        "resources": [{"@type": "oa:Annotation", "motivation": "sc:painting", "resource": {"@type": "cnt:ContentAsText", "chars": "a"},
                       "on": "https://e.org/c", "stylesheet": {"@type": ["oa:CssStyle", "cnt:ContentAsText"], "chars": ".red {}"}}]
    }));
    assert_eq!(
        written,
        json!({
            "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://e.org/list", "type": "AnnotationPage",
            "next": {"id": "https://e.org/list/2", "type": "AnnotationPage"}, "startIndex": 0,
            "partOf": [{"id": "https://e.org/layer", "type": "AnnotationCollection", "label": {"none": ["Transcription"]}, "total": 90,
                        "first": {"id": "https://e.org/list", "type": "AnnotationPage"}}],
            "items": [{"id": "https://e.org/list/annotation/1", "type": "Annotation", "motivation": "supplementing",
                       "stylesheet": {"type": "CssStylesheet", "value": ".red {}"},
                       "body": {"type": "TextualBody", "value": "a"}, "target": "https://e.org/c"}]
        })
    );
    assert_eq!(notes, [note(NoteKind::Moved, "/resources/0/motivation")]);
    let (layer, _) = upgraded(
        json!({"@id": "https://e.org/layer", "@type": "sc:Layer", "label": "L", "otherContent": ["https://e.org/l1"]}),
    );
    assert_eq!(
        layer,
        json!({"@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://e.org/layer", "type": "AnnotationCollection",
               "label": {"none": ["L"]}, "items": [{"id": "https://e.org/l1", "type": "AnnotationPage"}]})
    );
}

#[test]
fn members_of_a_collection_are_in_one_order_and_once() {
    let book = json!({"@id": "https://e.org/book", "@type": "sc:Manifest", "label": "Book"});
    let (written, notes) = upgraded(json!({
        "@id": "https://e.org/all", "@type": "sc:Collection", "label": "All", "viewingHint": "top",
        "members": [book, {"@id": "https://e.org/maps", "@type": "sc:Collection", "label": "Maps", "members": [book]}],
        "collections": ["https://e.org/maps"], "manifests": [book, "https://e.org/other"]
    }));
    let names: Vec<_> =
        written["items"].as_array().unwrap().iter().map(|item| (&item["id"], &item["type"], &item["label"])).collect();
    assert_eq!(
        json!(names),
        json!([["https://e.org/book", "Manifest", {"none": ["Book"]}], ["https://e.org/maps", "Collection", {"none": ["Maps"]}],
               ["https://e.org/other", "Manifest", {"none": ["https://e.org/other"]}]])
    );
    assert_eq!(written["items"][1]["items"][0]["id"], "https://e.org/book");
    assert_eq!(notes, [note(NoteKind::Repaired, "/manifests/1"), note(NoteKind::Lost, "/viewingHint")]);
}

#[test]
fn wrong_shapes_give_a_value_and_a_note_at_their_place() {
    let place = "/sequences/0/canvases/0";
    for (more, property, wanted, notes) in [
        (
            json!({"height": "40px", "width": 30.0}),
            "/height",
            json!(40),
            vec![(NoteKind::Repaired, "/height"), (NoteKind::Repaired, "/width")],
        ),
        (json!({"height": "tall"}), "/height", Value::Null, vec![(NoteKind::Lost, "/height")]),
        (
            json!({"@id": " https://example.org/a b "}),
            "/id",
            json!("https://example.org/a%20b"),
            vec![(NoteKind::Repaired, "")],
        ),
        (json!({"@id": 7}), "/id", json!("https://example.org/m/canvas/1"), vec![(NoteKind::Repaired, "")]),
        (json!({"label": ""}), "/label", Value::Null, vec![]),
        (json!({"label": "<i>1r</i>"}), "/label", json!({"none": ["1r"]}), vec![(NoteKind::Repaired, "/label")]),
        (
            json!({"viewingHint": ["non-paged", "paged"]}),
            "/behavior",
            json!(["non-paged"]),
            vec![(NoteKind::Lost, "/viewingHint")],
        ),
        (
            json!({"images": "https://e.org/1.jpg"}),
            "/items/0/items/0/body/id",
            json!("https://e.org/1.jpg"),
            vec![(NoteKind::Repaired, "/images/0"), (NoteKind::Repaired, "/images/0/motivation")],
        ),
        (json!({"images": [7]}), "/items", Value::Null, vec![(NoteKind::Lost, "/images/0")]),
        (
            json!({"metadata": {"Author": "Anne"}}),
            "/metadata/0/value/none/0",
            json!("Anne"),
            vec![(NoteKind::Repaired, "/metadata")],
        ),
        (
            json!({"metadata": ["Anne"]}),
            "/metadata/0/value/none/0",
            json!("Anne"),
            vec![(NoteKind::Repaired, "/metadata/0")],
        ),
        (json!({"navDate": "1898"}), "/navDate", json!("1898-01-01T00:00:00Z"), vec![(NoteKind::Repaired, "/navDate")]),
        (json!({"otherContent": "https://e.org/list"}), "/annotations/0/id", json!("https://e.org/list"), vec![]),
        (json!({"otherContent": [null, 3]}), "/annotations", Value::Null, vec![(NoteKind::Lost, "/otherContent/1")]),
        (
            json!({"related": {"@id": "https://e.org/f.mp4", "format": "video/mp4"}}),
            "/metadata/0/value/none/0",
            json!("<a href=\"https://e.org/f.mp4\">https://e.org/f.mp4</a>"),
            vec![(NoteKind::Moved, "/related")],
        ),
        (
            json!({"images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "on": "https://example.org/other#xywh=0,0,1,1",
                            "resource": {"@id": "https://e.org/i", "@type": "dctypes:Image", "service": {
                                "@id": "https://e.org/i", "profile": "http://iiif.io/api/image/2/level1.json"}}}]}),
            "/items/0/items/0/body/id",
            json!("https://e.org/i/full/full/0/default.jpg"),
            vec![(NoteKind::Repaired, "/images/0/resource/0"), (NoteKind::Repaired, "/images/0/on")],
        ),
    ] {
        let mut given = manifest(json!({}));
        given["sequences"][0]["canvases"] = json!([canvas("c1", more.clone())]);
        let (written, found) = upgraded(given);
        assert_eq!(written["items"][0].pointer(property).unwrap_or(&Value::Null), &wanted, "{more}");
        let notes: Vec<_> = notes.into_iter().map(|(kind, at)| note(kind, &format!("{place}{at}"))).collect();
        assert_eq!(found, notes, "{more}");
    }
}

#[test]
fn what_is_no_presentation_document_stays_as_it_is() {
    for given in [
        json!({"@context": "http://iiif.io/api/image/2/context.json", "@id": "https://e.org/i", "width": 1}),
        json!([1]),
        json!("x"),
        json!({}),
    ] {
        let (written, notes) = upgraded(given.clone());
        assert_eq!((written, notes), (given, vec![note(NoteKind::Repaired, "")]));
    }
}

#[test]
fn nothing_of_any_shape_panics() {
    let values = [
        json!(null),
        json!(1),
        json!(""),
        json!("x"),
        json!([]),
        json!([[]]),
        json!({}),
        json!([null, {"@id": 1}]),
        json!({"@type": ["sc:Layer", 1]}),
    ];
    let properties = [
        "@context",
        "@id",
        "@type",
        "label",
        "metadata",
        "description",
        "license",
        "attribution",
        "logo",
        "related",
        "within",
        "thumbnail",
        "viewingHint",
        "viewingDirection",
        "navDate",
        "service",
        "seeAlso",
        "rendering",
        "sequences",
        "structures",
        "canvases",
        "images",
        "otherContent",
        "resource",
        "resources",
        "on",
        "motivation",
        "members",
        "manifests",
        "collections",
        "ranges",
        "startCanvas",
        "contentLayer",
        "stylesheet",
        "first",
        "selector",
        "full",
        "default",
        "item",
        "chars",
        "height",
    ];
    for kind in [
        "sc:Manifest",
        "sc:Collection",
        "sc:Sequence",
        "sc:Canvas",
        "sc:Range",
        "sc:AnnotationList",
        "sc:Layer",
        "oa:Annotation",
        "oa:Choice",
        "dctypes:Image",
    ] {
        for property in properties {
            for value in &values {
                let mut document = json!({"@id": "https://e.org/x", "@type": kind});
                document[property] = value.clone();
                let (written, _) = upgrade(document);
                let _ = super::super::v2::downgrade(written.clone());
                let _ = super::super::v4::downgrade(super::super::v4::upgrade(written).0);
            }
        }
    }
}

#[test]
fn five_thousand_canvases_are_upgraded_in_well_under_a_second() {
    let canvases: Vec<Value> = (0..5_000)
        .map(|number| {
            let id = format!("https://example.org/c{number}");
            canvas(&format!("c{number}"), json!({"images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "on": id, "resource": {
                "@id": format!("{id}.jpg"), "@type": "dctypes:Image", "service": {"@context": "http://iiif.io/api/image/2/context.json",
                "@id": format!("{id}/i"), "profile": ["http://iiif.io/api/image/2/level2.json", {"formats": ["jpg"]}]}}}]}))
        })
        .collect();
    let ranges: Vec<Value> = (0..5_000)
        .map(|number| {
            range(
                &format!("r{number}"),
                json!({"canvases": ids(&[&format!("c{number}")]), "within": "https://example.org/r0"}),
            )
        })
        .collect();
    let mut given = manifest(json!({ "structures": ranges }));
    given["sequences"][0]["canvases"] = Value::Array(canvases);
    let begin = thread_seconds();
    let (written, _) = upgrade(given);
    let taken = thread_seconds() - begin;
    assert!(taken < 1.0, "{taken} s");
    assert_eq!(written["items"].as_array().unwrap().len(), 5_000);
    assert_eq!(written["structures"][0]["items"].as_array().unwrap().len(), 5_000);
}

/// The time that this thread has had a processor, where the system tells; else the clock. Other programs may want the machine.
fn thread_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.as_ref().and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    nanoseconds.map_or_else(clock, |nanoseconds| nanoseconds / 1e9)
}
