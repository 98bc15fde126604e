//! Content Search.

use serde_json::{Value, json};

use super::{faults, presentation_3::film};

pub(crate) fn one() -> Value {
    let found = |number: u32| {
        json!({
            "@id": format!("https://example.org/a/{number}"), "@type": "oa:Annotation", "motivation": "sc:painting",
            "resource": {"@type": "cnt:ContentAsText", "chars": "bird"},
            "on": format!("https://example.org/canvas/{number}#xywh=100,100,250,20")
        })
    };
    json!({
        "@context": ["http://iiif.io/api/presentation/2/context.json", "http://iiif.io/api/search/1/context.json"],
        "@id": "https://example.org/search?q=bird&page=1", "@type": "sc:AnnotationList",
        "within": {"@type": "sc:Layer", "total": 125, "ignored": ["user"], "first": "https://example.org/search?q=bird&page=1"},
        "next": "https://example.org/search?q=bird&page=2", "startIndex": 0,
        "resources": [found(1), found(2)],
        "hits": [{
            "@type": "search:Hit", "annotations": ["https://example.org/a/1"], "match": "bird", "before": "a ", "after": " in"
        }]
    })
}

fn terms_of_one() -> Value {
    json!({
        "@context": "http://iiif.io/api/search/1/context.json", "@id": "https://example.org/complete?q=bir",
        "@type": "search:TermList", "ignored": ["user"],
        "terms": [{"match": "bird", "url": "https://example.org/search?q=bird", "count": 15}]
    })
}

fn two() -> Value {
    json!({
        "@context": "http://iiif.io/api/search/2/context.json",
        "id": "https://example.org/search2?q=bird", "type": "AnnotationPage", "ignored": ["user"], "startIndex": 0,
        "next": {"id": "https://example.org/search2?q=bird&page=2", "type": "AnnotationPage"},
        "partOf": {
            "id": "https://example.org/search2?q=bird#all", "type": "AnnotationCollection", "total": 25,
            "first": {"id": "https://example.org/search2?q=bird&page=1", "type": "AnnotationPage"}
        },
        "items": [{
            "id": "https://example.org/a/1", "type": "Annotation", "motivation": "painting",
            "body": {"type": "TextualBody", "value": "birds", "format": "text/plain"},
            "target": {
                "id": "https://example.org/canvas/1", "type": "Canvas",
                "partOf": {"id": "https://example.org/m", "type": "Manifest", "label": {"en": ["A book"]}}
            }
        }],
        "annotations": [{
            "type": "AnnotationPage", "id": "https://example.org/matches",
            "partOf": {"id": "https://example.org/matches/all", "type": "AnnotationCollection", "total": 1, "first": "https://example.org/matches"},
            "items": [{
                "id": "https://example.org/match/1", "type": "Annotation", "motivation": "contextualizing",
                "target": {
                    "type": "SpecificResource", "source": "https://example.org/a/1",
                    "selector": [{"type": "TextQuoteSelector", "prefix": "", "exact": "birds", "suffix": " in"}]
                }
            }]
        }]
    })
}

fn terms_of_two() -> Value {
    json!({
        "@context": "http://iiif.io/api/search/2/context.json", "id": "https://example.org/complete2?q=bir", "type": "TermPage",
        "items": [{"value": "bird", "total": 15, "label": {"en": ["Bird"]}}]
    })
}

#[test]
fn s1_1_a_service_of_the_draft_is_not_held_to_1_0() {
    let mut service = service_1();
    service["profile"] = json!("http://iiif.io/api/search/0/search");
    assert_eq!(faults(&with_service(&service)), Vec::<String>::new());
}

#[test]
fn answers_as_they_should_be_have_no_findings() {
    for document in [one(), terms_of_one(), two(), terms_of_two()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

fn with_service(service: &Value) -> Value {
    super::with(film(), "/service", json!([service]))
}

fn service_1() -> Value {
    json!({
        "@context": "http://iiif.io/api/search/1/context.json", "@id": "https://example.org/search", "@type": "SearchService1",
        "profile": "http://iiif.io/api/search/1/search",
        "service": {"@id": "https://example.org/complete", "@type": "AutoCompleteService1", "profile": "http://iiif.io/api/search/1/autocomplete"}
    })
}

rule!(
    s1_1,
    "S1-1",
    with_service(&service_1()),
    [
        ("/service/0/profile", Value::Null, "/service/0", "`profile`"),
        ("/service/0/profile", json!("https://iiif.io/api/search/1/search"), "/service/0/profile", "`profile`"),
        ("/service/0/@context", Value::Null, "/service/0", "`@context`"),
        ("/service/0/@context", json!("http://e.org/x"), "/service/0/@context", "`@context`"),
        ("/service/0/@id", json!("https://example.org/search?a=b"), "/service/0/@id", "query"),
        ("/service/0/service/profile", Value::Null, "/service/0/service", "`profile`"),
    ]
);

rule!(
    s1_2,
    "S1-2",
    one(),
    [
        ("/@context/1", json!("http://e.org/x"), "/@context", "`@context`"),
        ("/@id", Value::Null, "", "`@id`"),
        ("/resources", Value::Null, "", "`resources`"),
        ("/resources/0", json!("https://example.org/a/1"), "/resources/0", "`resources`"),
        ("/resources/0/on", Value::Null, "/resources/0", "`on`"),
    ]
);

rule!(
    s1_3,
    "S1-3",
    one(),
    [
        ("/next", json!({"@id": "https://example.org/x"}), "/next", "`next`"),
        ("/startIndex", json!("0"), "/startIndex", "`startIndex`"),
        ("/within", Value::Null, "", "`within`"),
        ("/within/@type", Value::Null, "/within", "`@type`"),
        ("/within/total", Value::Null, "/within", "`total`"),
    ]
);

rule!(
    s1_4,
    "S1-4",
    one(),
    [
        ("/ignored", json!(["user"]), "/ignored", "`ignored`"),
        ("/within/ignored", json!("user"), "/within/ignored", "`ignored`"),
    ]
);

rule!(
    s1_5,
    "S1-5",
    one(),
    [
        ("/hits/0/@type", Value::Null, "/hits/0", "`@type`"),
        ("/hits/0/annotations", Value::Null, "/hits/0", "`annotations`"),
        ("/hits/0/match", json!(["bird"]), "/hits/0/match", "`match`"),
        ("/hits/0/selectors", json!([{"@type": "oa:TextQuoteSelector"}]), "/hits/0/selectors/0", "`exact`"),
        ("/resources/1/@id", Value::Null, "/resources/1", "`@id`"),
    ]
);

rule!(
    s1_7,
    "S1-7",
    terms_of_one(),
    [
        ("/@type", Value::Null, "", "`@type`"),
        ("/terms/0/match", Value::Null, "/terms/0", "`match`"),
        ("/terms/0/url", Value::Null, "/terms/0", "`url`"),
        ("/terms/0/count", json!(0), "/terms/0/count", "`count`"),
    ]
);

fn service_2() -> Value {
    json!({
        "id": "https://example.org/search2", "type": "SearchService2",
        "service": [{"id": "https://example.org/complete2", "type": "AutoCompleteService2"}]
    })
}

rule!(
    s2_1,
    "S2-1",
    with_service(&service_2()),
    [
        ("/service/0/id", Value::Null, "/service/0", "`id`"),
        ("/service/0/id", json!("https://example.org/search2?x=y"), "/service/0/id", "query"),
        (
            "/service/0/service/0/id",
            json!("https://example.org/search2"),
            "/service/0/service/0/id",
            "that of the search"
        ),
        ("/service/0/type", json!("AutoCompleteService2"), "/service/0", "outside"),
    ]
);

rule!(
    s2_3,
    "S2-3",
    two(),
    [
        ("/id", Value::Null, "", "`id`"),
        ("/items", Value::Null, "", "`items`"),
        ("/items/0", json!("https://example.org/a/1"), "/items/0", "`items`"),
        ("/items/0/motivation", Value::Null, "/items/0", "`motivation`"),
        ("/items/0/body", Value::Null, "/items/0", "`body`"),
    ]
);

rule!(s2_6, "S2-6", two(), [("/ignored", json!("user"), "/ignored", "`ignored`")]);

rule!(
    s2_7,
    "S2-7",
    two(),
    [
        ("/next", json!("https://example.org/x"), "/next", "`next`"),
        ("/partOf", Value::Null, "", "`partOf`"),
        ("/partOf", json!([]), "/partOf", "`partOf`"),
        ("/partOf/first", Value::Null, "/partOf", "`first`"),
        ("/partOf/total", json!("25"), "/partOf/total", "`total`"),
        ("/partOf/last", json!("https://example.org/x"), "/partOf/last", "`last`"),
    ]
);

rule!(
    s2_8,
    "S2-8",
    two(),
    [
        ("/items/0/target/partOf/type", Value::Null, "/items/0/target/partOf", "`type`"),
        ("/items/0/target/partOf", json!("https://example.org/m"), "/items/0/target/partOf", "`partOf`"),
        ("/items/0/target/partOf/label", Value::Null, "/items/0/target/partOf", "`label`"),
    ]
);

const MATCH: &str = "/annotations/0/items/0";

rule!(
    s2_9,
    "S2-9",
    two(),
    [
        ("/annotations/-", json!({"type": "AnnotationPage", "items": []}), "/annotations", "more than one"),
        (format!("{MATCH}/motivation"), json!("commenting"), format!("{MATCH}/motivation"), "`motivation`"),
        (format!("{MATCH}/target/selector"), Value::Null, format!("{MATCH}/target"), "TextQuoteSelector"),
    ]
);

/// The same with a longer annotation, and a quote from within it.
fn highlighted() -> Value {
    let mut document = two();
    document["items"][0]["body"]["value"] = json!("two birds in the bush");
    document["annotations"][0]["items"][0]["motivation"] = json!("highlighting");
    document
}

rule!(
    s2_10,
    "S2-10",
    highlighted(),
    [
        (format!("{MATCH}/target/selector/0/exact"), json!("bush"), format!("{MATCH}/target/selector/0"), "`exact`"),
        (
            format!("{MATCH}/target/selector/0/prefix"),
            json!("three "),
            format!("{MATCH}/target/selector/0"),
            "`prefix`"
        ),
        (format!("{MATCH}/target/selector/0/suffix"), json!(" on"), format!("{MATCH}/target/selector/0"), "`suffix`"),
    ]
);

#[test]
fn s2_10_around_a_word_stands_what_is_not_in_its_annotation() {
    let quote = json!({"type": "TextQuoteSelector", "prefix": "There are two ", "exact": "birds", "suffix": "!"});
    let document = super::with(two(), &format!("{MATCH}/target/selector/0"), quote);
    assert_eq!(faults(&document), Vec::<String>::new());
    let marked_up = super::with(highlighted(), "/items/0/body/format", json!("text/html"));
    let marked_up = super::with(marked_up, "/items/0/body/value", json!("two <b>birds</b> in"));
    assert_eq!(faults(&marked_up), Vec::<String>::new());
}

rule!(s2_11, "S2-11", two(), [("/items/-", two()["items"][0].clone(), "/items/1/id", "`id`")]);

rule!(
    s2_12,
    "S2-12",
    two(),
    [(
        format!("{MATCH}/target/source"),
        json!("https://example.org/a/9"),
        format!("{MATCH}/target/source"),
        "`source`"
    ),]
);

rule!(
    s2_13,
    "S2-13",
    two(),
    [("/annotations/0/partOf/id", json!("https://example.org/search2?q=bird#all"), "/annotations/0/partOf/id", "`id`"),]
);

rule!(
    s2_15,
    "S2-15",
    terms_of_two(),
    [
        ("/id", Value::Null, "", "`id`"),
        ("/items", Value::Null, "", "`items`"),
        ("/items/0/value", Value::Null, "/items/0", "`value`"),
        ("/items/0/label", json!("Bird"), "/items/0/label", "`label`"),
        ("/items/0/type", json!("term"), "/items/0/type", "term"),
        ("/items/0/service", json!([{"id": "https://example.org/search?q=b"}]), "/items/0/service/0", "`type`"),
        ("/items/0/service", json!({"id": "https://example.org/search?q=b"}), "/items/0/service", "`service`"),
    ]
);
