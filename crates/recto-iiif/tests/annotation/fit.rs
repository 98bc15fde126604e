//! What is taken is valid wherever it stands.

use proptest::prelude::*;
use recto_iiif::annotation::transfer::write_json;
use recto_iiif::annotation::{AcceptOptions, Annotation, iiif, store};
use recto_iiif::presentation::Version;
use recto_iiif::validate::{Severity, validate};
use serde_json::{Value, json};

use super::{CANVAS, accept, accepted, faults};

const PAGE: &str = "https://example.org/annotations/";

/// The errors of pages with an annotation: as it was taken, and as it is stored.
fn errors(annotation: &Annotation) -> Vec<String> {
    let stored = store(annotation, "https://example.org/annotations/1", None, "2026-01-02T03:04:05Z".parse().unwrap());
    let mut taken = annotation.clone().into_value();
    if taken.get("id").is_none() {
        taken["id"] = json!("https://example.org/annotations/1");
    }
    let mut found = Vec::new();
    for annotation in [taken, stored] {
        let list = std::slice::from_ref(&annotation);
        let simple = json!({ "@context": "http://iiif.io/api/presentation/3/context.json", "id": PAGE, "type": "AnnotationPage", "items": [annotation] });
        for page in [page_3(list), write_json(PAGE, list), simple] {
            let errors = validate(&page).into_iter().filter(|finding| finding.severity == Severity::Error);
            found.extend(errors.map(|finding| format!("{} {}: {}", finding.rule, finding.pointer, finding.message)));
        }
    }
    found
}

fn page_3(annotations: &[Value]) -> Value {
    let mut page = iiif::PageWriter::new(Version::V3, PAGE);
    annotations.iter().cloned().for_each(|annotation| page.push(annotation));
    serde_json::from_slice(&page.finish(None)).unwrap()
}

/// An annotation with more members.
#[expect(clippy::needless_pass_by_value, reason = "cases are written where they are given")]
fn with(more: Value) -> Value {
    let mut out = json!({"type": "Annotation", "motivation": "commenting", "target": CANVAS,
        "body": {"type": "TextualBody", "value": "a", "format": "text/plain"}});
    for (name, value) in more.as_object().unwrap() {
        out[name] = value.clone();
    }
    out
}

fn odd() -> Vec<Value> {
    let mut cases = vec![
        with(json!({"label": "a", "summary": ["b", "c"]})),
        with(json!({"label": {"@value": "a", "@language": "de"}})),
        with(json!({"label": {"en": "a"}})),
        with(json!({"label": {"english language": ["a"]}})),
        with(json!({"label": 7})),
        with(json!({"seeAlso": "https://a.example/more"})),
        with(json!({"seeAlso": {"id": "https://a.example/more"}})),
        with(json!({"seeAlso": ["https://a.example/more", 7]})),
        with(json!({"seeAlso": [{"@id": "https://a.example/more", "@type": "dctypes:Text"}]})),
        with(json!({"homepage": "https://a.example/", "rendering": {"id": "https://a.example/r", "label": "r"}})),
        with(json!({"rights": "https://creativecommons.org/licenses/by/4.0/"})),
        with(json!({"rights": "https://a.example/licence"})),
        with(json!({"rights": ["a", "b"]})),
        with(json!({"thumbnail": "https://a.example/t.jpg", "partOf": "https://a.example/collection"})),
        with(json!({"metadata": "x", "requiredStatement": "y", "provider": "z", "behavior": "paged"})),
        with(json!({"created": "yesterday", "modified": 7, "generated": "2020"})),
        with(json!({"creator": "Jane Doe", "generator": "https://a.example/tool"})),
        with(json!({"creator": {"@id": "https://a.example/jane", "@type": "foaf:Person", "foaf:name": "Jane"}})),
        with(json!({"creator": [{"name": "Jane"}, "https://a.example/joe"]})),
        with(json!({"@id": "https://a.example/1", "@type": "oa:Annotation"})),
        with(json!({"id": "3f9c1a52-7b8e-4a52-9d0c-5f3f0c7a9e11"})),
        with(
            json!({"id": "urn:x:1", "canonical": "urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df", "via": ["urn:x:2"]}),
        ),
        with(json!({"oa:annotatedAt": "2020-01-01", "cnt:chars": "x", "sc:x": 1, "@graph": [], "@reverse": {}})),
        with(json!({"motivation": {"@id": "oa:tagging"}})),
        with(json!({"motivation": ["oa:tagging", {"@id": "oa:commenting"}]})),
        with(json!({"motivation": "translating"})),
        with(json!({"service": {"@id": "https://a.example/s", "profile": "x"}})),
        with(json!({"service": "https://a.example/s"})),
        with(json!({"viewingDirection": "up", "navDate": "x", "items": "x", "start": 1})),
    ];
    for body in [
        json!({"@type": "cnt:ContentAsText", "chars": "a", "format": "text/plain"}),
        json!({"type": "cnt:ContentAsText", "cnt:chars": "a", "dc:format": "text/html"}),
        json!([{"@type": "oa:Tag", "chars": "a"}, {"type": "TextualBody", "value": "b"}, null]),
        json!({"type": ["TextualBody", "cnt:ContentAsText"], "value": "a"}),
        json!({"type": "TextualBody", "value": "a", "format": "html"}),
        json!({"type": "TextualBody", "value": "a", "format": 7}),
        json!({"type": "TextualBody", "value": "a", "language": "in German"}),
        json!({"type": "TextualBody", "value": "a", "language": ["de", 7]}),
        json!({"type": "TextualBody", "value": "a", "label": "b", "creator": "Jane", "id": "_:b0"}),
        json!({"type": "TextualBody", "value": {"@value": "a", "@language": "de"}}),
        json!({"type": "Note", "value": "a"}),
        json!({"value": "a"}),
        json!({"@id": "https://a.example/b"}),
        json!({"id": "https://a.example/b.jpg", "format": "image/jpeg"}),
        json!({"id": "https://a.example/b", "type": ["Image", "x"], "service": [{"id": "https://a.example/b", "type": "ImageService3", "profile": "level1"}]}),
        json!({"id": "https://a.example/b", "type": "Image", "service": {"@id": "https://a.example/s", "@context": "x"}}),
        json!({"id": "urn:b", "type": "Text"}),
        json!("urn:b"),
        json!({"@type": "oa:Choice", "default": {"@type": "cnt:ContentAsText", "chars": "a"}, "item": "rdf:nil"}),
        json!({"type": "Choice", "items": [{"@type": "cnt:ContentAsText", "chars": "a"}, {"type": "TextualBody", "value": "b"}]}),
        json!({"type": "List", "items": [{"type": "TextualBody", "value": "b"}]}),
        json!({"type": "SpecificResource", "source": {"@id": "https://a.example/b", "@type": "dctypes:Image"}}),
        json!({"source": "https://a.example/b", "purpose": "linking"}),
    ] {
        cases.push(with(json!({ "body": body })));
    }
    for target in [
        json!([CANVAS, {"id": CANVAS, "type": "Canvas"}]),
        json!({"id": CANVAS}),
        json!({"@id": CANVAS, "@type": "sc:Canvas", "within": "https://example.org/m"}),
        json!({"id": CANVAS, "partOf": {"id": "https://example.org/m"}}),
        json!({"id": "urn:canvas:1", "type": "Canvas", "partOf": "https://example.org/m"}),
        json!("urn:canvas:1#xywh=1,2,3,4"),
        json!({"source": {"id": "urn:canvas:1", "type": "Canvas", "partOf": [{"id": "https://example.org/m", "type": "Manifest"}]}}),
        json!({"source": {"@id": CANVAS}, "selector": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}}),
        json!({"full": CANVAS, "selector": {"type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}}),
        json!({"type": "SpecificResource", "source": CANVAS, "selector": {"type": "RangeSelector"}}),
        json!({"type": "SpecificResource", "source": CANVAS, "selector": {"type": "TextPositionSelector", "start": "1"}}),
        json!({"type": "SpecificResource", "source": CANVAS, "selector": {"type": ["oa:FragmentSelector", "x"], "value": "#xywh=1,2,3,4"}}),
        json!({"type": "SpecificResource", "source": CANVAS, "selector": "urn:selector"}),
        json!({"type": "SpecificResource", "source": [CANVAS]}),
        json!({"type": "List", "items": [CANVAS, {"id": CANVAS}]}),
        json!({"type": "Manifest", "id": "https://example.org/m", "label": "M"}),
    ] {
        cases.push(with(json!({ "target": target })));
    }
    for open in [
        json!({"@type": "oa:Annotation", "on": CANVAS, "resource": {"@id": "https://a.example/b.jpg", "@type": "dctypes:Image"}}),
        json!({"@type": "oa:Annotation", "oa:hasTarget": {"@id": CANVAS}, "oa:hasBody": {"@type": "cnt:ContentAsText", "cnt:chars": "a"}}),
        json!({"@type": ["oa:Annotation", "x"], "on": {"@id": CANVAS, "@type": "sc:Canvas"}, "resource": [], "within": "https://example.org/list"}),
        json!({"@type": "oa:Annotation", "on": [CANVAS], "resource": {"@type": "oa:SemanticTag", "@id": "https://a.example/concept"}, "label": "x"}),
        json!({"type": "Annotation", "on": CANVAS, "body": {"type": "TextualBody", "value": "a"}}),
        json!({"type": "Annotation", "target": CANVAS, "resource": {"chars": "a"}}),
        json!({"@type": "oa:Annotation", "on": CANVAS, "annotatedBy": {"@id": "_:b1", "foaf:name": "Jane"}, "annotatedAt": "2014-02-03T04:05:06"}),
    ] {
        cases.push(open);
    }
    cases
}

#[test]
fn whatever_is_taken_is_valid() {
    let cases = odd();
    assert!(cases.len() > 70);
    let mut wrong = Vec::new();
    let mut refused = [Vec::new(), Vec::new()];
    for case in cases {
        for (number, options) in [AcceptOptions::default(), AcceptOptions::generous()].iter().enumerate() {
            let annotation = match Annotation::accept(case.clone(), options) {
                Ok(annotation) => annotation,
                Err(rejected) => {
                    refused[number].push(rejected.to_string());
                    continue;
                }
            };
            let errors = errors(&annotation);
            if !errors.is_empty() {
                wrong.push(format!("{case}\n  {}\n  {errors:#?}", Value::Object(annotation.json().clone())));
            }
            let again = Annotation::accept(annotation.clone().into_value(), options).map(Annotation::into_value);
            if again.as_ref() != Ok(&annotation.into_value()) {
                wrong.push(format!("{case}\n  is otherwise when it is taken again: {again:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them\n{}", wrong.len(), wrong.join("\n"));
    let wanted = [
        "/body/2: `body` is null; write `{\"type\": \"TextualBody\", \"value\": \"…\"}`, or the URI of a resource",
        "/body/format: `format` is 7; write one media type, for example `text/plain`",
        "/body/id: `id` of the image is that of its service: https://a.example/b; write a picture of it, as https://a.example/b/full/max/0/default.jpg",
        "/target/selector: `startSelector` of this RangeSelector is missing; say where it begins and ends (and 1 more)",
        "/target/selector: `start` of this TextPositionSelector is missing; count from 0 (and 1 more)",
        "/target/selector: `selector` is `urn:selector`; write an object with `type`, or the URI of one",
        "/target/source: `source` is an array; write one URI",
    ];
    assert_eq!(refused, [wanted, wanted]);
}

#[test]
fn what_is_no_uri_is_rejected_or_mended() {
    let mended = |value: Value| Annotation::accept(value, &AcceptOptions::generous()).map(Annotation::into_value);
    for (given, at, want) in [
        (json!({"id": "https://a.example/a b"}), "/id", Some(json!("https://a.example/a%20b"))),
        (json!({"id": "https://a.example/<x>"}), "/id", Some(json!("https://a.example/%3Cx%3E"))),
        (json!({"id": "note 1"}), "/id", Some(json!(null))),
        (
            json!({"target": "https://a.example/a b#xywh=1,2,3,4"}),
            "/target",
            Some(json!("https://a.example/a%20b#xywh=1,2,3,4")),
        ),
        (json!({"target": " https://a.example/a\n"}), "/target", Some(json!("https://a.example/a"))),
        (json!({"target": "canvas 1"}), "/target", None),
        (
            json!({"target": {"id": "https://a.example/{x}", "type": "Canvas"}}),
            "/target/id",
            Some(json!("https://a.example/%7Bx%7D")),
        ),
        (
            json!({"target": {"source": "https://a.example/\"x\""}}),
            "/target/source",
            Some(json!("https://a.example/%22x%22")),
        ),
        (
            json!({"target": {"source": {"id": "https://a.example/ä ö", "type": "Canvas"}}}),
            "/target/source/id",
            Some(json!("https://a.example/ä%20ö")),
        ),
        (json!({"target": {"source": {"id": "p1", "type": "Canvas"}}}), "/target/source/id", None),
        (json!({"body": "https://a.example/a b"}), "/body", Some(json!("https://a.example/a%20b"))),
        (
            json!({"body": {"id": "https://a.example/a b", "type": "Image"}}),
            "/body/id",
            Some(json!("https://a.example/a%20b")),
        ),
        (json!({"body": {"source": "https://a.example/a|b"}}), "/body/source", Some(json!("https://a.example/a%7Cb"))),
        (
            json!({"creator": {"id": "https://a.example/a b", "name": "A"}}),
            "/creator/id",
            Some(json!("https://a.example/a%20b")),
        ),
        (json!({"creator": {"id": "jane", "name": "A"}}), "/creator/id", Some(json!(null))),
        (
            json!({"seeAlso": [{"id": "https://a.example/a b", "type": "Dataset"}]}),
            "/seeAlso/0/id",
            Some(json!("https://a.example/a%20b")),
        ),
        (json!({"seeAlso": "more"}), "/seeAlso", Some(json!(null))),
        (json!({"via": "https://a.example/a b"}), "/via", Some(json!("https://a.example/a%20b"))),
        (json!({"canonical": "https://a.example/a b"}), "/canonical", Some(json!("https://a.example/a%20b"))),
    ] {
        let given = with(given);
        let said = faults(given.clone());
        assert!(said[0].starts_with(&format!("{at}: ")) && said[0].contains("; "), "{given} {said:?}");
        let taken = mended(given.clone());
        match want {
            None => assert_eq!(taken.unwrap_err().faults[0].pointer, at, "{given}"),
            Some(want) => assert_eq!(taken.unwrap().pointer(at).cloned().unwrap_or_default(), want, "{given}"),
        }
    }
}

#[test]
fn leftovers_of_open_annotation_become_what_they_are_called_today() {
    for (given, at, want) in [
        (
            json!({"body": {"@type": "cnt:ContentAsText", "chars": "a"}}),
            "/body",
            json!({"type": "TextualBody", "value": "a"}),
        ),
        (
            json!({"body": {"type": "cnt:ContentAsText", "cnt:chars": "a", "dc:format": "text/plain"}}),
            "/body",
            json!({"type": "TextualBody", "format": "text/plain", "value": "a"}),
        ),
        (json!({"body": {"@id": "https://a.example/b"}}), "/body", json!("https://a.example/b")),
        (json!({"motivation": {"@id": "oa:tagging"}}), "/motivation", json!("tagging")),
        (json!({"label": "a"}), "/label", json!({"none": ["a"]})),
        (
            json!({"seeAlso": "https://a.example/"}),
            "/seeAlso",
            json!([{"id": "https://a.example/", "type": "Dataset"}]),
        ),
        (json!({"creator": "Jane Doe"}), "/creator", json!({"type": "Person", "name": "Jane Doe"})),
        (json!({"rights": "https://a.example/licence"}), "/dcterms:rights", json!("https://a.example/licence")),
        (
            json!({"rights": "https://creativecommons.org/licenses/by/4.0/"}),
            "/rights",
            json!("http://creativecommons.org/licenses/by/4.0/"),
        ),
        (
            json!({"target": {"full": CANVAS, "selector": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}}}),
            "/target",
            json!({"type": "SpecificResource", "source": CANVAS, "selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}}),
        ),
        (
            json!({"target": {"id": "urn:canvas", "type": "Canvas", "partOf": "https://example.org/m"}}),
            "/target",
            json!({"type": "SpecificResource", "source": "urn:canvas", "partOf": [{"id": "https://example.org/m", "type": "Manifest"}]}),
        ),
        (
            json!({"id": "3f9c1a52-7b8e-4a52-9d0c-5f3f0c7a9e11"}),
            "/id",
            json!("urn:uuid:3f9c1a52-7b8e-4a52-9d0c-5f3f0c7a9e11"),
        ),
        (
            json!({"body": {"type": "List", "items": ["https://a.example/1", {"type": "Composite", "items": ["https://a.example/2"]}]}}),
            "/body",
            json!(["https://a.example/1", "https://a.example/2"]),
        ),
        (
            json!({"body": {"id": "data:image/png;base64,AAAA", "type": "Image"}}),
            "/body",
            json!({"type": "SpecificResource", "source": "data:image/png;base64,AAAA"}),
        ),
        (json!({"@graph": [1], "oa:x": 2}), "/@graph", json!(null)),
        (json!({"created": "yesterday"}), "/created", json!(null)),
    ] {
        let annotation = accepted(with(given.clone()));
        assert_eq!(annotation.pointer(at).cloned().unwrap_or_default(), want, "{given}");
    }
    let annotation = accept(with(json!({"oa:x": 2, "created": "yesterday"}))).unwrap();
    let said: Vec<_> = annotation.notes().iter().map(|note| (note.pointer.as_str(), note.message.as_str())).collect();
    assert_eq!(
        said,
        [
            ("/oa:x", "`oa:x` is left out: it is a word of an older model"),
            ("/created", "left out: `created` is `yesterday`"),
        ]
    );
}

/// A value as people might write it: of words that mean something, in any place.
fn anything() -> impl Strategy<Value = Value> {
    let names = [
        "id", "@id", "type", "@type", "value", "chars", "source", "full", "selector", "items", "label", "format",
        "language", "partOf", "within", "body", "target", "default", "item", "service", "seeAlso", "name", "@value",
    ];
    let texts = [
        "https://a.example/1",
        "a b",
        "TextualBody",
        "oa:Choice",
        "SpecificResource",
        "FragmentSelector",
        "Canvas",
        "xywh=1,2,3,4",
        "text/html",
        "de",
        "urn:x",
        "<p>a</p>",
        "_:b",
        "",
    ];
    let leaf = prop_oneof![
        5 => proptest::sample::select(texts.to_vec()).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<u8>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            3 => prop::collection::vec((proptest::sample::select(names.to_vec()), inner), 1..5)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn anything_that_is_taken_is_valid(
        members in prop::collection::vec((proptest::sample::select(vec!["body", "target", "label", "seeAlso", "creator", "motivation",
            "rights", "partOf", "resource", "on", "created", "service", "thumbnail", "via", "canonical", "items"]), anything()), 1..4),
    ) {
        let mut given = with(json!({}));
        for (name, value) in members {
            given[name] = value;
        }
        for options in [AcceptOptions::default(), AcceptOptions::generous()] {
            if let Ok(annotation) = Annotation::accept(given.clone(), &options) {
                let errors = errors(&annotation);
                prop_assert!(errors.is_empty(), "{} {:#?}", annotation.into_value(), errors);
            }
        }
    }
}
