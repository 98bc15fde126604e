//! Web Annotation.

use serde_json::{Value, json};

use super::faults;

fn page() -> Value {
    json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": "https://example.org/annos/p1", "type": "AnnotationPage",
        "partOf": {"id": "https://example.org/annos", "type": "AnnotationCollection"},
        "next": "https://example.org/annos/p2", "startIndex": 0,
        "items": [
            {
                "id": "https://example.org/annos/1", "type": "Annotation", "motivation": "commenting",
                "body": {"type": "TextualBody", "value": "<p>Look</p>", "format": "text/html", "language": "en"},
                "target": {
                    "type": "SpecificResource", "source": "https://example.org/canvas/1",
                    "selector": [
                        {"type": "FragmentSelector", "value": "xywh=0,0,10,10"},
                        {"type": "SvgSelector", "value": "<svg xmlns='http://www.w3.org/2000/svg'/>"}
                    ]
                }
            },
            {"id": "urn:uuid:1", "type": "Annotation", "target": "https://example.org/canvas/1"}
        ]
    })
}

fn collection() -> Value {
    json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": "https://example.org/annos", "type": "AnnotationCollection", "total": 42,
        "first": "https://example.org/annos/p1", "last": {"id": "https://example.org/annos/p5", "type": "AnnotationPage"}
    })
}

#[test]
fn annotations_as_they_should_be_have_no_findings() {
    for document in [page(), collection(), container()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

rule!(wa1, "WA1", page(), [("/@context", json!(["http://e.org/ns/anno.jsonld"]), "/@context", "`@context`")]);

rule!(
    wa2,
    "WA2",
    page(),
    [
        ("/items/0/id", Value::Null, "/items/0", "`id`"),
        ("/items/0/id", json!("a"), "/items/0/id", "`a`"),
        ("/items/0/type", json!("Note"), "/items/0/type", "Note"),
        ("/items/1/target", Value::Null, "/items/1", "`target`"),
        ("/items/1/target", json!([]), "/items/1/target", "empty"),
    ]
);

rule!(
    wa3,
    "WA3",
    page(),
    [
        ("/items/0/motivation", json!("comment"), "/items/0/motivation", "`comment`"),
        ("/items/0/motivation", json!([7]), "/items/0/motivation/0", "7"),
    ]
);

rule!(
    wa4,
    "WA4",
    page(),
    [
        ("/items/0/body/value", Value::Null, "/items/0/body", "`value`"),
        ("/items/0/body/value", json!(["x"]), "/items/0/body/value", "`value`"),
        ("/items/0/body/format", json!("html"), "/items/0/body/format", "html"),
        ("/items/0/body/language", json!("english language"), "/items/0/body/language", "english"),
        ("/items/0/bodyValue", json!("x"), "/items/0/bodyValue", "beside `body`"),
        ("/items/1/bodyValue", json!("x"), "/items/1/bodyValue", "`bodyValue`"),
        ("/items/0/body", json!(7), "/items/0/body", "`body`"),
    ]
);

rule!(
    wa5,
    "WA5",
    page(),
    [
        ("/items/0/target/source", Value::Null, "/items/0/target", "`source`"),
        ("/items/0/target/selector/0/type", Value::Null, "/items/0/target/selector/0", "`type`"),
        ("/items/0/target/selector/0/value", Value::Null, "/items/0/target/selector/0", "`value`"),
        ("/items/0/target/selector/0/value", json!("#xywh=0,0,1,1"), "/items/0/target/selector/0/value", "`#`"),
        ("/items/0/target/selector/1/value", json!("<path/>"), "/items/0/target/selector/1/value", "`<svg`"),
        ("/items/0/target/selector/0", json!({"type": "TextQuoteSelector"}), "/items/0/target/selector/0", "`exact`"),
        (
            "/items/0/target/selector/0",
            json!({"type": "PointSelector", "x": "1"}),
            "/items/0/target/selector/0/x",
            "`x`"
        ),
        (
            "/items/0/target/selector/0",
            json!({"type": "RangeSelector", "startSelector": {"type": "XPathSelector"}}),
            "/items/0/target/selector/0/startSelector",
            "`value`"
        ),
    ]
);

rule!(
    wa6,
    "WA6",
    page(),
    [
        ("/items", Value::Null, "", "`items`"),
        ("/partOf", Value::Null, "", "`partOf`"),
        ("/next", json!("p2"), "/next", "`next`"),
        ("/startIndex", json!(-1), "/startIndex", "`startIndex`"),
    ]
);

rule!(
    wa7,
    "WA7",
    collection(),
    [
        ("/first", Value::Null, "", "`first`"),
        ("/total", Value::Null, "", "`total`"),
        ("/total", json!("42"), "/total", "`total`"),
        ("/last", json!({"type": "AnnotationPage"}), "/last", "`last`"),
    ]
);

rule!(
    wa8,
    "WA8",
    page(),
    [
        ("/items/0/created", json!("yesterday"), "/items/0/created", "`created`"),
        ("/items/0/modified", json!("2015-01-31T12:03:45+01:00"), "/items/0/modified", "not in UTC"),
        ("/items/0/created", json!(2015), "/items/0/created", "`created` is 2015"),
    ]
);

rule!(
    wa9,
    "WA9",
    page(),
    [
        ("/items/0/body/value", json!("<p onclick='x()'>a</p>"), "/items/0/body/value", "onclick"),
        ("/items/0/body/value", json!("<script>a</script>"), "/items/0/body/value", "<script>"),
        ("/items/0/body/value", json!("<a href='javascript:x'>a</a>"), "/items/0/body/value", "href"),
        (
            "/items/0/target/selector/1/value",
            json!("<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"),
            "/items/0/target/selector/1/value",
            "onload"
        ),
        ("/items/0/target/selector/1/value", json!("<svg>"), "/items/0/target/selector/1/value", "cannot be read"),
    ]
);

fn container() -> Value {
    json!({
        "@context": ["http://www.w3.org/ns/anno.jsonld", "http://www.w3.org/ns/ldp.jsonld"],
        "id": "https://example.org/annos/?iris=0", "type": ["BasicContainer", "AnnotationCollection"], "total": 1,
        "first": {"id": "https://example.org/annos/?iris=0&page=0", "type": "AnnotationPage", "items": []}
    })
}

rule!(
    wa10,
    "WA10",
    container(),
    [
        ("/@context", json!("http://www.w3.org/ns/anno.jsonld"), "/@context", "Linked Data Platform"),
        ("/id", json!("https://example.org/annos?iris=0"), "/id", "end with `/`"),
        ("/first/id", Value::Null, "/first", "`id`"),
    ]
);

rule!(
    wa11,
    "WA11",
    page(),
    [
        ("/next", json!("https://example.org/annos/p1"), "/next", "`next`"),
        ("/prev", json!({"id": "https://example.org/annos/p1", "type": "AnnotationPage"}), "/prev", "`prev`"),
        ("/items/1/id", json!("https://example.org/annos/1"), "/items/1", "twice"),
    ]
);

rule!(
    wa4_in_a_manifest,
    "WA4",
    super::presentation_3::film(),
    [(
        "/items/0/annotations/0/items/0/body",
        json!({"type": "TextualBody"}),
        "/items/0/annotations/0/items/0/body",
        "`value`"
    ),]
);
