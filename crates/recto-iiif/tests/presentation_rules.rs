//! Each rule finds what it is for, in its place, and nothing in a document that is as it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use recto_iiif::presentation::validate::{Finding, Severity, rules, validate};
use serde_json::{Value, json};

/// A manifest with something of everything, without a fault.
fn good() -> Value {
    let canvas = |number: u32| {
        let id = format!("https://example.org/m/canvas/{number}");
        json!({
            "id": id, "type": "Canvas", "label": {"none": [number.to_string()]}, "height": 1000, "width": 800,
            "items": [{
                "id": format!("{id}/page"), "type": "AnnotationPage",
                "items": [{
                    "id": format!("{id}/image"), "type": "Annotation", "motivation": "painting", "target": id,
                    "body": {
                        "id": format!("https://example.org/iiif/3/{number}/full/max/0/default.jpg"), "type": "Image",
                        "format": "image/jpeg", "height": 1000, "width": 800,
                        "service": [{
                            "id": format!("https://example.org/iiif/3/{number}"), "type": "ImageService3", "profile": "level2"
                        }]
                    }
                }]
            }],
            "annotations": [{
                "id": format!("{id}/texts"), "type": "AnnotationPage",
                "items": [{
                    "id": format!("{id}/text"), "type": "Annotation", "motivation": "supplementing",
                    "body": {"type": "TextualBody", "value": "a line"}, "target": format!("{id}#xywh=0,0,10,10")
                }]
            }]
        })
    };
    json!({
        "@context": ["http://www.w3.org/ns/anno.jsonld", "http://iiif.io/api/presentation/3/context.json"],
        "id": "https://example.org/m/manifest", "type": "Manifest",
        "label": {"en": ["A book"], "zh-Hant": ["書"]},
        "summary": {"en": ["<p>About <b>it</b></p>"]},
        "metadata": [{"label": {"en": ["Author"]}, "value": {"none": ["<span>A. N. Other</span>"]}}],
        "requiredStatement": {"label": {"en": ["Attribution"]}, "value": {"en": ["The library"]}},
        "rights": "http://creativecommons.org/licenses/by/4.0/",
        "navDate": "1776-07-04T00:00:00+00:00",
        "viewingDirection": "left-to-right",
        "behavior": ["paged"],
        "thumbnail": [{"id": "https://example.org/t.jpg", "type": "Image", "height": 100, "width": 80}],
        "provider": [{
            "id": "https://example.org/", "type": "Agent", "label": {"en": ["The library"]},
            "logo": [{"id": "https://example.org/logo.png", "type": "Image"}]
        }],
        "homepage": [{"id": "https://example.org/m", "type": "Text", "label": {"en": ["Page"]}, "format": "text/html"}],
        "seeAlso": [{"id": "https://example.org/m.xml", "type": "Dataset", "format": "text/xml"}],
        "service": [{
            "@context": "http://iiif.io/api/search/1/context.json", "@id": "https://example.org/search",
            "@type": "SearchService1", "profile": "http://iiif.io/api/search/1/search"
        }],
        "start": {"id": "https://example.org/m/canvas/2", "type": "Canvas"},
        "placeholderCanvas": {"id": "https://example.org/m/cover", "type": "Canvas", "height": 10, "width": 10},
        "items": [canvas(1), canvas(2)],
        "structures": [{
            "id": "https://example.org/m/range/1", "type": "Range", "label": {"en": ["Contents"]},
            "items": [
                {"id": "https://example.org/m/canvas/1", "type": "Canvas"},
                {"id": "https://example.org/m/range/2", "type": "Range", "label": {"en": ["End"]}, "items": [
                    {"type": "SpecificResource", "source": "https://example.org/m/canvas/2",
                        "selector": {"type": "FragmentSelector", "value": "xywh=0,0,5,5"}}
                ]}
            ]
        }]
    })
}

/// Puts a value in a place; `null` takes it away.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}"));
    match parent {
        Value::Object(object) if value.is_null() => drop(object.remove(last).expect(last)),
        Value::Object(object) => drop(object.insert(last.to_owned(), value)),
        Value::Array(array) if last == "-" => array.push(value),
        Value::Array(array) => array[last.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} is in no container"),
    }
    document
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {} {}", finding.rule, finding.pointer, finding.message)).collect()
}

#[test]
fn a_document_as_it_should_be_has_no_findings() {
    let findings = validate(&good());
    assert!(findings.is_empty(), "{:#?}", told(&findings));
}

#[test]
fn every_rule_finds_its_fault_where_it_is_and_names_the_property() {
    let body = "/items/0/items/0/items/0/body";
    let canvas = "https://example.org/m/canvas/1";
    let mut seen = std::collections::BTreeSet::new();
    for (rule, place, value, found_at, names) in [
        ("P1", "/@context", json!("http://iiif.io/api/presentation/2/context.json"), "/@context", "`@context`"),
        ("P1", "/@context", Value::Null, "", "`@context`"),
        (
            "P1",
            "/@context",
            json!(["http://iiif.io/api/presentation/3/context.json", "http://x.example/"]),
            "/@context",
            "before",
        ),
        ("P2", "/id", Value::Null, "", "`id`"),
        ("P2", "/items/0/id", json!("canvas-1"), "/items/0/id", "canvas-1"),
        ("P2", "/items/0/type", json!("canvas"), "/items/0/type", "`canvas`"),
        ("P2", "/homepage/0/type", Value::Null, "/homepage/0", "`type`"),
        ("P3", "/items/1/items/0/id", json!("https://example.org/m/canvas/1/page"), "/items/1/items/0/id", "already"),
        ("P4", "/thumbnail", json!({"id": "https://example.org/t.jpg", "type": "Image"}), "/thumbnail", "`thumbnail`"),
        ("P4", "/seeAlso", json!(["https://example.org/m.xml"]), "/seeAlso/0", "`seeAlso`"),
        ("P6", "/label", json!("A book"), "/label", "`label`"),
        ("P6", "/label", json!({"en": "A book"}), "/label/en", "`label`"),
        ("P6", "/label", json!({"@none": ["A book"]}), "/label/@none", "@none"),
        ("P6", "/label", json!({"en": ["A book", 7]}), "/label/en/1", "a number"),
        ("P6", "/metadata/0/value", Value::Null, "/metadata/0", "`value`"),
        ("P7", "/summary", json!({"en": ["<p>About <b>it</p>"]}), "/summary/en/0", "`</p>`"),
        ("P7", "/summary", json!({"en": ["<script>alert(1)</script>"]}), "/summary/en/0", "script"),
        ("P8", "/label", Value::Null, "", "`label`"),
        ("P9", "/items/0/width", Value::Null, "/items/0", "`width`"),
        ("P9", "/items/0/height", json!(0), "/items/0/height", "`height`"),
        ("P9", "/items/0/height", json!("1000"), "/items/0/height", "a string"),
        ("P10", "/height", json!(100), "/height", "`height`"),
        ("P10", "/@label", json!("Old"), "/@label", "`@label`"),
        ("P10", "/description", json!("Old"), "/description", "`description`"),
        ("P10", "/viewingDirection", json!("ltr"), "/viewingDirection", "ltr"),
        ("P11", "/behavior", json!(["paged", "continuous"]), "/behavior/1", "`continuous`"),
        ("P11", "/behavior", json!(["facing-pages"]), "/behavior/0", "`facing-pages`"),
        ("P11", "/behavior", json!(["pages"]), "/behavior/0", "`pages`"),
        ("P12", "/navDate", json!("1776-07-04"), "/navDate", "`navDate`"),
        ("P12", "/navDate", json!("1900-02-29T00:00:00Z"), "/navDate", "1900"),
        ("P13", "/rights", json!("https://creativecommons.org/licenses/by/4.0/"), "/rights", "`rights`"),
        ("P13", "/rights", json!("All rights reserved"), "/rights", "no URI"),
        ("P14", "/thumbnail/0/width", Value::Null, "/thumbnail/0", "`thumbnail`"),
        ("P15", "/provider/0/label", Value::Null, "/provider/0", "`label`"),
        ("P16", "/homepage/0/label", Value::Null, "/homepage/0", "`homepage`"),
        (
            "P17",
            "/placeholderCanvas/accompanyingCanvas",
            json!({"id": "https://example.org/x", "type": "Canvas", "height": 1, "width": 1}),
            "/placeholderCanvas/accompanyingCanvas",
            "`accompanyingCanvas`",
        ),
        ("P18", "/service/0/type", json!("SearchService2"), "/service/0", "`@type`"),
        ("P18", "/service/0/@type", Value::Null, "/service/0", "`@type`"),
        ("P18", "/service/0/@id", json!("https://example.org/i/info.json"), "/service/0/@id", "info.json"),
        ("P19", "/start/id", json!("https://example.org/other"), "/start", "`start`"),
        ("P20", "/items", json!([]), "/items", "`items`"),
        ("P20", "/structures/0/items/1/items", json!([]), "/structures/0/items/1/items", "`items`"),
        (
            "P21",
            "/items/0/items/0/items/0/motivation",
            json!("supplementing"),
            "/items/0/items/0/items/0/motivation",
            "`painting`",
        ),
        (
            "P21",
            "/items/0/annotations/0/items/0/motivation",
            json!("painting"),
            "/items/0/annotations/0/items/0/motivation",
            "`annotations`",
        ),
        (
            "P22",
            "/items/0/items/0/items/0/target",
            json!("https://example.org/m/canvas/2"),
            "/items/0/items/0/items/0/target",
            "`target`",
        ),
        (
            "P22",
            "/items/0/items/0/items/0/target",
            json!(format!("{canvas}#xywh=700,0,200,10")),
            "/items/0/items/0/items/0/target",
            "xywh",
        ),
        ("P23", &format!("{body}/id"), json!("https://example.org/iiif/3/1"), &format!("{body}/id"), "service"),
        ("P23", body, Value::Null, "/items/0/items/0/items/0", "`body`"),
        ("P24", "/structures/0/items/0/id", json!("https://example.org/other"), "/structures/0/items/0/id", "other"),
        (
            "P24",
            "/structures/0/items/1/items/0",
            json!({"id": "https://example.org/m/range/1", "type": "Range"}),
            "/structures/0",
            "back to itself",
        ),
        ("P25", body, json!({"type": "Choice", "items": []}), body, "Choice"),
    ] {
        let findings = validate(&with(good(), place, value.clone()));
        let case = format!("{rule}: {place} = {value}");
        let found = findings.iter().find(|finding| finding.rule == rule && finding.pointer == found_at);
        let found = found.unwrap_or_else(|| panic!("{case}: {:#?}", told(&findings)));
        assert!(found.message.contains(names), "{case}: {}", found.message);
        assert!(!found.fix.is_empty() && found.section.starts_with("Presentation 3.0 §"), "{case}");
        // What names a missing part is found as well.
        let others: Vec<_> =
            findings.iter().filter(|finding| finding.rule != rule && finding.severity == Severity::Error).collect();
        assert!(others.len() <= 3, "{case}: {:#?}", told(&findings));
        seen.insert(rule);
    }
    // P5, P26 and P27 look at what this manifest has none of; `rules` has their cases.
    let others = ["P26", "P27", "P5"];
    let all: std::collections::BTreeSet<_> =
        rules().map(|rule| rule.id).filter(|id| id.starts_with('P') && !others.contains(id)).collect();
    assert_eq!(seen, all, "every rule has a failing case");
}

#[test]
fn collections_name_their_members_and_hold_none() {
    let collection = |items: Value| {
        json!({
            "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://example.org/c", "type": "Collection",
            "label": {"en": ["All"]}, "items": items
        })
    };
    let member = json!({"id": "https://example.org/m", "type": "Manifest", "label": {"en": ["One"]}});
    assert_eq!(told(&validate(&collection(json!([member])))), Vec::<String>::new());
    assert_eq!(told(&validate(&collection(json!([])))), Vec::<String>::new(), "a collection may be empty");
    let embedded = validate(&collection(json!([with(member.clone(), "/items", json!([]))])));
    assert!(embedded.iter().any(|finding| finding.rule == "P20" && finding.pointer == "/items/0/items"));
    let canvas = json!({"id": "https://example.org/x", "type": "Canvas", "height": 1, "width": 1});
    let wrong = validate(&collection(json!([canvas])));
    assert!(
        wrong.iter().any(|finding| finding.rule == "P2" && finding.pointer == "/items/0/type"),
        "{:#?}",
        told(&wrong)
    );
}

#[test]
fn anything_at_all_gets_findings_and_no_panic() {
    for document in
        [json!(null), json!([]), json!("x"), json!(7), json!({}), json!({"type": 5, "items": {"items": [null, [[]]]}})]
    {
        assert!(!validate(&document).is_empty(), "{document}");
    }
    let mut generator = recto_testkit::Rng::new(5);
    let text = good().to_string();
    for _ in 0..2000 {
        // One value of the document becomes another kind of value.
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let mut at = &mut document;
        loop {
            let count = match &*at {
                Value::Object(object) => object.len(),
                Value::Array(array) => array.len(),
                _ => 0,
            };
            if count == 0 || generator.below(4) == 0 {
                break;
            }
            let index = generator.below(count as u32) as usize;
            at = match at {
                Value::Object(object) => object.values_mut().nth(index).unwrap(),
                Value::Array(array) => &mut array[index],
                _ => unreachable!(),
            };
        }
        *at = [json!(null), json!(-1), json!([]), json!({}), json!("…"), json!([[["x"]]]), json!({"id": 3})]
            [generator.below(7) as usize]
            .clone();
        let _findings = validate(&document);
    }
}
