//! What viewers stumble over.

use recto_iiif::validate::{Severity, validate};
use serde_json::{Value, json};

use super::auth::guarded;
use super::content_state::state;
use super::presentation_3::film;
use super::search::one;

const SEARCH_1: &str = "http://iiif.io/api/search/1/search";

fn searchable() -> Value {
    let service = json!([
        {"id": "https://example.org/search2", "type": "SearchService2"},
        {
            "@context": "http://iiif.io/api/search/1/context.json", "@id": "https://example.org/search", "@type": "SearchService1",
            "profile": SEARCH_1
        }
    ]);
    super::with(film(), "/service", service)
}

rule!(
    vw1,
    "VW1",
    searchable(),
    [(
        "/services",
        json!([{"id": "https://example.org/search2", "type": "SearchService2"}]),
        "/services/0",
        "Mirador 4.0.0"
    ),]
);

fn image_with_probe() -> Value {
    let service = json!([{
        "id": "https://example.org/iiif/3/a", "type": "ImageService3", "profile": "level2",
        "service": [super::with(super::auth::probe(), "/profile", json!("http://example.org/probe"))]
    }]);
    let contexts = json!(["http://iiif.io/api/auth/2/context.json", "http://iiif.io/api/presentation/3/context.json"]);
    super::with(super::with(film(), "/@context", contexts), "/items/0/items/0/items/0/body/service", service)
}

const PROBE: &str = "/items/0/items/0/items/0/body/service/0/service/0";

rule!(
    vw2,
    "VW2",
    image_with_probe(),
    [
        (format!("{PROBE}/profile"), Value::Null, PROBE, "`profile`"),
        (format!("{PROBE}/profile"), json!("http://iiif.io/api/auth/1/probe"), format!("{PROBE}/profile"), "`profile`"),
    ]
);

rule!(
    vw3,
    "VW3",
    searchable(),
    [(
        "/service/0/profile",
        json!("http://iiif.io/api/search/2/search"),
        "/service/0/profile",
        "Universal Viewer 4.4.0"
    ),]
);

rule!(
    vw4,
    "VW4",
    searchable(),
    [("/service/1", json!({"id": "https://example.org/x", "type": "Other"}), "/service/0", "SearchService2"),]
);

rule!(
    vw5,
    "VW5",
    searchable(),
    [(
        "/items/0/service",
        json!([{"@id": "https://example.org/s", "@type": "SearchService1", "profile": SEARCH_1}]),
        "/items/0/service/0",
        "manifest"
    ),]
);

rule!(
    vw6,
    "VW6",
    super::with(film(), "/items/0/annotations", json!([])),
    [
        (
            "/items/0/annotations",
            json!([{"id": "https://e.org/p", "type": "AnnotationPage", "items": []}]),
            "/items/0/annotations/0/items",
            "`items: []`"
        ),
        (
            "/items/0/annotations",
            json!([{"id": "https://e.org/p", "type": "AnnotationPage"}]),
            "/items/0/annotations/0",
            "not fetched"
        ),
        (
            "/items/0/annotations",
            json!([{"id": "https://e.org/p", "type": "AnnotationPage", "next": {"id": "https://e.org/q", "type": "AnnotationPage"}}]),
            "/items/0/annotations/0/next",
            "`next`"
        ),
    ]
);

rule!(
    vw7,
    "VW7",
    film(),
    [("/annotations", json!([{"id": "https://e.org/p", "type": "AnnotationPage"}]), "/annotations/0", "not shown"),]
);

rule!(
    vw8,
    "VW8",
    one(),
    [
        (
            "/resources/0/on",
            json!({"@id": "https://example.org/canvas/1#xywh=1,2,3,4", "within": {"@id": "https://example.org/m"}}),
            "/resources/0/on",
            "`on`"
        ),
        ("/resources/0/on", json!("https://example.org/canvas/1"), "/resources/0/on", "`#xywh=`"),
        ("/resources/0/on", json!("https://example.org/canvas/1#xywh=percent:1,2,3,4"), "/resources/0/on", "`#xywh=`"),
        ("/resources/0/on", json!("https://example.org/canvas/1#xywh=1.5,2,3,4"), "/resources/0/on", "`#xywh=`"),
    ]
);

rule!(
    vw9,
    "VW9",
    one(),
    [
        (
            "/resources/0/resource",
            json!([{"@type": "cnt:ContentAsText", "chars": "x"}]),
            "/resources/0/resource",
            "`resource`"
        ),
        ("/resources/0/resource/chars", Value::Null, "/resources/0/resource", "`chars`"),
    ]
);

rule!(
    vw10,
    "VW10",
    one(),
    [
        ("/hits/0/annotations/0", json!("https://example.org/a/9"), "/hits/0/annotations/0", "a/9"),
        ("/within/total", Value::Null, "", "`total`"),
    ]
);

#[test]
fn vw11_access_is_declared_for_both_generations() {
    let found: Vec<_> = validate(&guarded()).into_iter().filter(|finding| finding.rule == "VW11").collect();
    assert_eq!((found.len(), found[0].severity), (1, Severity::Viewer));
    assert_eq!(found[0].viewers, ["Mirador 4.0.0", "Universal Viewer 4.4.0"]);
    let body = "/items/0/items/0/items/0/body/service/-";
    let old = json!({
        "@context": "http://iiif.io/api/auth/1/context.json", "@id": "https://example.org/login", "@type": "AuthCookieService1",
        "profile": "http://iiif.io/api/auth/1/login", "label": "x"
    });
    let both = validate(&super::with(guarded(), body, old));
    assert!(!both.iter().any(|finding| finding.rule == "VW11"));
}

rule!(
    vw12,
    "VW12",
    searchable(),
    [
        ("/id", json!("https://example.org/m?v=3"), "/id", "query"),
        ("/service/1/@id", json!("https://example.org/search?x=y"), "/service/1", "query"),
    ]
);

rule!(
    vw13,
    "VW13",
    state(),
    [
        ("/target/id", json!("https://example.org/canvas/1"), "/target/id", "region"),
        ("/target", json!(["https://example.org/m", "https://example.org/n"]), "/target/1", "first target"),
    ]
);

#[test]
fn what_viewers_stumble_over_never_makes_a_document_invalid() {
    let document =
        super::with(searchable(), "/services", json!([{"id": "https://example.org/s3", "type": "SearchService2"}]));
    let found = validate(&document);
    assert!(found.iter().any(|finding| finding.severity == Severity::Viewer));
    assert!(found.iter().all(|finding| finding.severity == Severity::Viewer), "{:#?}", super::told(&found));
}
