//! Content State.

use recto_iiif::validate::validate_encoded;
use serde_json::{Value, json};

use super::{faults, told};

pub(crate) fn state() -> Value {
    json!({
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": "https://example.org/state/1", "type": "Annotation", "motivation": ["contentState"],
        "target": {
            "id": "https://example.org/canvas/1#xywh=0,0,10,10", "type": "Canvas",
            "partOf": [{"id": "https://example.org/m", "type": "Manifest"}]
        }
    })
}

#[test]
fn a_state_as_it_should_be_has_no_findings() {
    assert_eq!(faults(&state()), Vec::<String>::new());
}

#[test]
fn c1_what_is_not_encoded_as_it_should_be_is_told() {
    for (value, names) in [
        ("eyJ0eXBlIg==", "padding"),
        ("eyJ0e+XBl", "`+`"),
        ("eyJ0e", "length"),
        ("eyJ0eXBl!", "character 9"),
        ("JVg", "`%`"),
    ] {
        let found = validate_encoded(value);
        assert!(
            found.len() == 1 && found[0].rule == "C1" && found[0].message.contains(names),
            "{value}: {:?}",
            told(&found)
        );
    }
}

#[test]
fn c2_json_is_encoded_and_plain_uris_are_not() {
    assert_eq!(validate_encoded("https://example.org/m"), []);
    let open = validate_encoded(r#"{"id": "https://example.org/m", "type": "Manifest"}"#);
    assert_eq!((open[0].rule, open.len()), ("C2", 1));
    // base64url of encodeURIComponent("https://example.org/m")
    let uri = validate_encoded("aHR0cHMlM0ElMkYlMkZleGFtcGxlLm9yZyUyRm0");
    assert_eq!((uri[0].rule, uri.len()), ("C2", 1), "{:?}", told(&uri));
    // base64url of encodeURIComponent('{"id":"https://example.org/m","type":"Manifest"}')
    let good = "JTdCJTIyaWQlMjIlM0ElMjJodHRwcyUzQSUyRiUyRmV4YW1wbGUub3JnJTJGbSUyMiUyQyUyMnR5cGUlMjIlM0ElMjJNYW5pZmVzdCUyMiU3RA";
    assert_eq!(told(&validate_encoded(good)), Vec::<String>::new());
}

#[test]
fn c1_any_text_gets_an_answer_and_no_panic() {
    let mut generator = recto_testkit::Rng::new(9);
    for _ in 0..5000 {
        let letters: String =
            (0..generator.below(40)).map(|_| char::from_u32(0x20 + generator.below(0x180)).unwrap_or('x')).collect();
        let _found = validate_encoded(&letters);
    }
}

rule!(
    c3,
    "C3",
    state(),
    [
        ("/target", Value::Null, "", "`target`"),
        ("/target", json!([]), "/target", "empty"),
        ("/target", json!("canvas"), "/target", "`target`"),
        ("/target/type", Value::Null, "/target", "`type`"),
        ("/id", Value::Null, "", "`id`"),
    ]
);

rule!(
    c4,
    "C4",
    state(),
    [
        ("/target/partOf", Value::Null, "/target", "`partOf`"),
        ("/target/partOf/0/type", json!("Collection"), "/target/partOf", "`partOf`"),
    ]
);

rule!(
    c5,
    "C5",
    state(),
    [
        ("/target/id", json!("https://example.org/canvas/1#page=2"), "/target", "page=2"),
        (
            "/target",
            json!({
                "type": "SpecificResource",
                "source": {"id": "https://e.org/c", "type": "Canvas", "partOf": [{"id": "https://e.org/m", "type": "Manifest"}]},
                "selector": {"type": "XPathSelector", "value": "/"}
            }),
            "/target/selector",
            "XPathSelector"
        ),
    ]
);
