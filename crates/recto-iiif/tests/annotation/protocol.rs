//! W1 to W6: the documents and headers of the Web Annotation Protocol, and W11: those of the Presentation API.

use std::num::NonZeroU64;

use recto_iiif::annotation::headers::{self, Permission};
use recto_iiif::annotation::{Container, Contents, Preference, iiif};
use recto_iiif::presentation::Version;
use recto_iiif::validate::{Severity, validate};
use serde_json::{Value, json};

use super::CANVAS;

const ID: &str = "https://example.org/annotations/";

fn container(total: u64) -> Container {
    let mut container = Container::new(ID, total).unwrap();
    container.label = Some("A Container for Web Annotations".into());
    container.modified = Some("2016-07-20T12:00:00Z".parse().unwrap());
    container.page_size = NonZeroU64::new(2).unwrap();
    container
}

fn annotations() -> Vec<Value> {
    let one = |name: &str| json!({"@context": "http://www.w3.org/ns/anno.jsonld", "id": format!("{ID}{name}"), "type": "Annotation", "target": CANVAS});
    vec![one("1"), one("2")]
}

#[test]
fn w1_the_uri_of_a_container_ends_with_a_slash() {
    for bad in ["https://example.org/annotations", "https://example.org/a/?b/", "https://example.org/a#b/"] {
        assert!(Container::new(bad, 0).is_err(), "{bad}");
    }
    assert_eq!(container(0).id(), ID);
}

#[test]
fn w1_headers_are_those_of_the_protocol() {
    assert_eq!(headers::CONTAINER_LINKS[0], "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"");
    assert_eq!(
        headers::CONTAINER_LINKS[1],
        "<http://www.w3.org/TR/annotation-protocol/>; rel=\"http://www.w3.org/ns/ldp#constrainedBy\""
    );
    assert_eq!(headers::container_allow(Permission::Write), "POST, GET, HEAD, OPTIONS");
    assert_eq!(headers::container_allow(Permission::Read), "GET, HEAD, OPTIONS");
    assert_eq!(
        headers::annotation_service(ID),
        "<https://example.org/annotations/>; rel=\"http://www.w3.org/ns/oa#annotationService\""
    );
    assert!(headers::ACCEPT_POST.starts_with("application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\""));
}

#[test]
fn w2_a_container_embeds_its_first_page_unless_asked_otherwise() {
    assert_eq!(
        container(5).document(Preference::default(), &annotations()),
        json!({
            "@context": ["http://www.w3.org/ns/anno.jsonld", "http://www.w3.org/ns/ldp.jsonld"],
            "id": "https://example.org/annotations/?iris=0", "type": ["BasicContainer", "AnnotationCollection"],
            "label": "A Container for Web Annotations", "total": 5, "modified": "2016-07-20T12:00:00Z",
            "first": {
                "id": "https://example.org/annotations/?iris=0&page=0", "type": "AnnotationPage",
                "next": "https://example.org/annotations/?iris=0&page=1", "startIndex": 0,
                "items": [
                    {"id": "https://example.org/annotations/1", "type": "Annotation", "target": CANVAS},
                    {"id": "https://example.org/annotations/2", "type": "Annotation", "target": CANVAS}
                ]
            },
            "last": "https://example.org/annotations/?iris=0&page=2"
        })
    );
}

#[test]
fn w2_an_empty_container_has_no_pages() {
    let document = container(0).document(Preference::default(), &[]);
    assert_eq!((&document["total"], document.get("first"), document.get("last")), (&json!(0), None, None));
}

#[test]
fn w3_a_minimal_container_links_to_its_pages() {
    let preference = Preference::parse([
        "return=representation;include=\"http://www.w3.org/ns/ldp#PreferMinimalContainer http://www.w3.org/ns/oa#PreferContainedIRIs\"",
    ]);
    assert_eq!(
        (preference.is_minimal, preference.contents, preference.applied()),
        (true, Contents::Iris, Some("return=representation"))
    );
    let document = container(5).document(preference, &annotations());
    assert_eq!(document["id"], "https://example.org/annotations/?iris=1");
    assert_eq!(document["first"], "https://example.org/annotations/?iris=1&page=0");
    assert_eq!(document["last"], "https://example.org/annotations/?iris=1&page=2");
    assert_eq!(document.get("contains"), None);
}

#[test]
fn w3_a_container_of_iris_lists_names() {
    let preference =
        Preference::parse(["return=representation; include=\"http://www.w3.org/ns/oa#PreferContainedIRIs\""]);
    let document = container(2).document(preference, &annotations());
    assert_eq!(
        document["first"],
        json!({"id": "https://example.org/annotations/?iris=1&page=0", "type": "AnnotationPage", "startIndex": 0,
            "items": ["https://example.org/annotations/1", "https://example.org/annotations/2"]})
    );
}

#[test]
fn w3_preferences_are_read_as_http_has_them() {
    const MINIMAL: &str = "http://www.w3.org/ns/ldp#PreferMinimalContainer";
    const IRIS: &str = "http://www.w3.org/ns/oa#PreferContainedIRIs";
    const ALL: &str = "http://www.w3.org/ns/oa#PreferContainedDescriptions";
    for (header, contents, is_minimal, is_applied) in [
        (String::new(), Contents::Descriptions, false, false),
        (format!("return=representation;include=\"{IRIS}\""), Contents::Iris, false, true),
        (format!("respond-async, Return = \"representation\" ; include = \"{IRIS}\""), Contents::Iris, false, true),
        (format!("return=representation; omit=\"a;b,c\"; include=\"{ALL}\""), Contents::Descriptions, false, true),
        (format!("return=representation;include=\"{ALL} {IRIS}\""), Contents::Descriptions, false, false),
        (format!("return=minimal;include=\"{IRIS}\""), Contents::Descriptions, false, false),
        (format!("return=representation;include=\"{MINIMAL}\""), Contents::Descriptions, true, true),
        (format!("return=representation;include=\"{IRIS}"), Contents::Iris, false, true),
        ("return=representation;include".to_owned(), Contents::Descriptions, false, false),
    ] {
        let read = Preference::parse([header.as_str()]);
        assert_eq!(
            (read.contents, read.is_minimal, read.applied().is_some()),
            (contents, is_minimal, is_applied),
            "{header}"
        );
    }
    let minimal = Preference::parse([format!("return=representation;include=\"{MINIMAL}\"").as_str()]);
    assert_eq!(minimal.or_query(Some(Contents::Iris)).contents, Contents::Iris);
    let all = Preference::parse([format!("return=representation;include=\"{ALL}\"").as_str()]);
    assert_eq!(all.or_query(Some(Contents::Iris)).contents, Contents::Descriptions);
    assert_eq!(Container::parse_query("iris=1&page=3"), Some((Some(Contents::Iris), Some(3))));
    assert_eq!(Container::parse_query(""), Some((None, None)));
    assert_eq!(Container::parse_query("page=-1"), None);
}

#[test]
fn w4_pages_know_their_neighbours_and_their_collection() {
    let page = container(5).page(Contents::Descriptions, 1, &annotations()).unwrap();
    assert_eq!(
        page,
        json!({
            "@context": "http://www.w3.org/ns/anno.jsonld", "id": "https://example.org/annotations/?iris=0&page=1", "type": "AnnotationPage",
            "partOf": {"id": "https://example.org/annotations/?iris=0", "type": "AnnotationCollection", "label": "A Container for Web Annotations", "total": 5, "modified": "2016-07-20T12:00:00Z"},
            "startIndex": 2, "prev": "https://example.org/annotations/?iris=0&page=0", "next": "https://example.org/annotations/?iris=0&page=2",
            "items": [
                {"id": "https://example.org/annotations/1", "type": "Annotation", "target": CANVAS},
                {"id": "https://example.org/annotations/2", "type": "Annotation", "target": CANVAS}
            ]
        })
    );
    let last = container(5).page(Contents::Iris, 2, &annotations()[..1]).unwrap();
    assert_eq!((last.get("next"), &last["items"]), (None, &json!(["https://example.org/annotations/1"])));
    assert_eq!(container(5).page_range(2), Some((4, 1)));
    assert_eq!(container(5).page(Contents::Iris, 3, &[]), None);
    assert_eq!(container(0).page(Contents::Iris, 0, &[]).unwrap()["items"], json!([]));
    assert_eq!(container(5).page_range(u64::MAX), None);
}

#[test]
fn w2_w4_our_documents_have_no_faults_by_our_own_rules() {
    let whole = container(5);
    for document in [
        whole.document(Preference::default(), &annotations()),
        whole.document(Preference::of_query(Contents::Iris), &annotations()),
        whole.page(Contents::Descriptions, 1, &annotations()).unwrap(),
        whole.page(Contents::Iris, 2, &annotations()[..1]).unwrap(),
        container(0).document(Preference::default(), &[]),
    ] {
        let found: Vec<_> =
            validate(&document).into_iter().filter(|finding| finding.severity != Severity::Viewer).collect();
        assert_eq!(found, [], "{document}");
    }
}

#[test]
fn w5_slugs_become_steps_of_a_path() {
    for (given, want) in [
        ("my-note", Some("my-note")),
        (" Größe 1/2 ", Some("Gr-e-1-2")),
        ("..", None),
        ("", None),
        ("ä", None),
        ("a/../b", Some("a-..-b")),
    ] {
        assert_eq!(headers::slug(given).as_deref(), want, "{given}");
    }
    assert_eq!(headers::slug(&"a".repeat(500)).unwrap().len(), 80);
}

#[test]
fn w6_headers_of_an_annotation() {
    assert_eq!(
        headers::ANNOTATION_LINKS,
        ["<http://www.w3.org/ns/ldp#Resource>; rel=\"type\"", "<http://www.w3.org/ns/oa#Annotation>; rel=\"type\""]
    );
    assert_eq!(headers::annotation_allow(Permission::Write), "PUT, PATCH, DELETE, GET, HEAD, OPTIONS");
    assert_eq!(headers::MEDIA_TYPE, "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"");
}

fn drawn() -> Vec<Value> {
    vec![
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "id": format!("{ID}1"), "type": "Annotation", "motivation": "commenting",
            "body": {"type": "TextualBody", "format": "text/html", "value": "<p>a</p>"},
            "target": {"source": CANVAS, "selector": {"type": "FragmentSelector", "value": "xywh=1.5,2,3,4"}}}),
        json!({"@context": ["http://www.w3.org/ns/anno.jsonld", "http://iiif.io/api/presentation/3/context.json"], "id": format!("{ID}2"), "type": "Annotation",
            "body": [{"type": "TextualBody", "value": "b"}, {"type": "TextualBody", "purpose": "tagging", "value": "c"}],
            "target": {"source": {"id": CANVAS, "type": "Canvas", "partOf": [{"id": "https://example.org/m", "type": "Manifest"}]},
                "selector": [{"type": "FragmentSelector", "value": "xywh=1,2,3,4"}, {"type": "SvgSelector", "value": "<svg/>"}]}}),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "id": format!("{ID}3"), "type": "Annotation", "motivation": ["tagging", "linking"],
            "body": "https://example.org/x", "target": [CANVAS, format!("{CANVAS}#t=3,4")]}),
    ]
}

fn written(version: Version, id: &str) -> Value {
    let mut page = iiif::PageWriter::new(version, id);
    drawn().into_iter().for_each(|annotation| page.push(annotation));
    let page = page.finish(None);
    // Written in parts it is the same.
    for first in 0..=drawn().len() {
        let mut whole = iiif::PageWriter::new(version, id);
        for some in [&drawn()[..first], &[], &drawn()[first..]] {
            let mut part = whole.part();
            some.iter().cloned().for_each(|annotation| part.push(annotation));
            whole.append(&part);
        }
        assert_eq!(whole.finish(None), page);
    }
    serde_json::from_slice(&page).unwrap()
}

#[test]
fn w11_a_canvas_has_a_page_of_presentation_3() {
    let page = written(Version::V3, "https://example.org/page");
    assert_eq!(
        (&page["@context"], &page["id"], &page["type"]),
        (
            &json!("http://iiif.io/api/presentation/3/context.json"),
            &json!("https://example.org/page"),
            &json!("AnnotationPage")
        )
    );
    assert_eq!(
        page["items"][0],
        json!({"id": format!("{ID}1"), "type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody", "format": "text/html", "value": "<p>a</p>"},
            "target": {"type": "SpecificResource", "source": CANVAS, "selector": {"type": "FragmentSelector", "value": "xywh=1.5,2,3,4"}}})
    );
    assert_eq!((page["items"][1].get("@context"), &page["items"][1]["motivation"]), (None, &json!("commenting")));
}

#[test]
fn w11_a_canvas_has_a_list_of_presentation_2_that_viewers_read() {
    let list = iiif::list_2("https://example.org/list", &drawn());
    assert_eq!(written(Version::V2, "https://example.org/list"), list);
    assert_eq!(
        list,
        json!({
            "@context": "http://iiif.io/api/presentation/2/context.json", "@id": "https://example.org/list", "@type": "sc:AnnotationList",
            "resources": [
                {"@id": format!("{ID}1"), "@type": "oa:Annotation", "motivation": "oa:commenting",
                    "resource": {"@type": "dctypes:Text", "format": "text/html", "chars": "<p>a</p>"}, "on": format!("{CANVAS}#xywh=1,2,4,4")},
                {"@id": format!("{ID}2"), "@type": "oa:Annotation",
                    "resource": [{"@type": "dctypes:Text", "chars": "b"}, {"@type": "oa:Tag", "chars": "c"}],
                    "on": {"@type": "oa:SpecificResource", "full": CANVAS, "within": {"@id": "https://example.org/m", "@type": "sc:Manifest"},
                        "selector": {"@type": "oa:Choice", "default": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"}, "item": {"@type": "oa:SvgSelector", "value": "<svg/>"}}},
                    "motivation": "oa:commenting"},
                {"@id": format!("{ID}3"), "@type": "oa:Annotation", "motivation": ["oa:tagging", "oa:linking"], "resource": "https://example.org/x",
                    "on": [CANVAS, format!("{CANVAS}#t=3,4")]}
            ]
        })
    );
}

#[test]
fn w11_a_canvas_has_a_page_of_presentation_4() {
    let page = written(Version::V4, "https://example.org/page");
    assert_eq!(
        (&page["@context"], &page["type"]),
        (&json!("http://iiif.io/api/presentation/4/context.json"), &json!("AnnotationPage"))
    );
    assert_eq!(page["items"][0]["motivation"], json!(["commenting"]));
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
}
