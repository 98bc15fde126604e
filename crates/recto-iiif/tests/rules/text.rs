//! Texts that are no JSON, or barely; and where in the text findings stand.

use std::time::Instant;

use recto_iiif::validate::{Finding, MOST_BYTES, validate, validate_text};
use serde_json::json;

use super::told;

/// Rule, line, column, message and remedy of the first finding.
fn first(text: &[u8]) -> (&'static str, usize, usize, String, String) {
    let found = validate_text(text);
    let Finding { rule, position, message, fix, .. } = found.into_iter().next().expect("a finding");
    let position = position.expect("a place");
    (rule, position.line, position.column, message, fix)
}

#[test]
fn j1_the_text_is_utf_8_without_mark() {
    let good = br#"{"accessToken": "T"}"#;
    assert_eq!(validate_text(good), []);
    assert!(first(&[b"\xef\xbb\xbf".as_slice(), good].concat()).3.contains("byte order mark"));
    let utf_16: Vec<u8> = "{\"a\": 1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(first(&utf_16).0, "J1");
    let latin = first(b"{\"accessToken\":\n \"caf\xe9\"}");
    assert_eq!((latin.0, latin.1, latin.2), ("J1", 2, 6));
    assert!(latin.4.contains("Latin-1"), "{}", latin.4);
}

#[test]
fn j2_what_is_no_json_is_told_with_its_place_and_a_remedy() {
    for (text, line, column, names) in [
        ("{\"a\": [1, 2,]}", 1, 12, "a comma stands before `]`"),
        ("{\n  \"a\": 1,\n}", 2, 9, "a comma stands before `}`"),
        ("{\"a\": 1 \"b\": 2}", 1, 9, "a comma is missing"),
        ("{'a': 1}", 1, 2, "single quotes"),
        ("{\"a\": 'x'}", 1, 7, "single quotes"),
        ("{a: 1}", 1, 2, "no quotes"),
        ("{\"a\": 1 // no\n}", 1, 9, "comment"),
        ("{\"a\": None}", 1, 7, "`None`"),
        ("{\"a\": NaN}", 1, 7, "`NaN`"),
        ("{\"a\": text}", 1, 7, "`text`"),
        ("{\"a\": }", 1, 7, "where a value belongs"),
        ("{\"a\" 1}", 1, 6, "`:` is missing after the name `a`"),
        ("{\"a\": \"x\ny\"}", 1, 9, "a line ends within a string"),
        ("{\"a\": \"x\\q\"}", 1, 9, "`\\`"),
        ("{\"a\": 01}", 1, 7, "`01` is no number"),
        ("{\"a\": .5}", 1, 7, "dot"),
        ("{\"a\": 1.}", 1, 7, "`1.` is no number"),
        ("{\"a\": [1}", 1, 9, "closes what `[` opened"),
        ("{\"é\": 1}}", 1, 9, "more text"),
        ("\n{\"a\": [1, 2", 2, 12, "what was opened in line 2 is not closed"),
        ("{\"a\": \"x", 1, 7, "not closed"),
        ("<!DOCTYPE html>", 1, 1, "HTML"),
        ("", 1, 1, "the text ends"),
        ("{\"a\": 1e999}", 1, 0, "cannot be read"),
    ] {
        let found = first(text.as_bytes());
        assert_eq!((found.0, found.1), ("J2", line), "{text}: {}", found.3);
        assert!(column == 0 || found.2 == column, "{text}: column {}", found.2);
        assert!(found.3.contains(names), "{text}: {}", found.3);
        assert!(!found.4.is_empty() && validate_text(text.as_bytes()).len() == 1, "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
    }
}

#[test]
fn j2_what_is_json_is_taken_for_json_by_both_readers() {
    let mut generator = recto_testkit::Rng::new(3);
    let parts = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\\u00e9\"",
        "1",
        "-0.5e3",
        "true",
        "null",
        " ",
        "\n",
        "x",
        "\\",
        "0",
    ];
    for _ in 0..20_000 {
        let text: String =
            (0..generator.below(9)).map(|_| parts[generator.below(parts.len() as u32) as usize]).collect();
        let ours = !validate_text(text.as_bytes()).iter().any(|finding| finding.rule == "J2");
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }
}

#[test]
fn j3_a_name_that_stands_twice_is_told_where_it_is_again() {
    let text = b"{\n \"accessToken\": \"T\",\n \"messageId\": \"1\",\n \"access\\u0054oken\": \"S\"\n}";
    let found = first(text);
    assert_eq!((found.0, found.1, found.2), ("J3", 4, 2));
    assert!(found.3.contains("`accessToken` stands twice"), "{}", found.3);
}

#[test]
fn j4_what_is_nested_too_deep_is_told_and_not_read() {
    let deep = "[".repeat(1_000_000);
    let found = first(deep.as_bytes());
    assert_eq!((found.0, found.1, found.2), ("J4", 1, 121));
    let fine = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    assert!(!validate_text(fine.as_bytes()).iter().any(|finding| finding.rule.starts_with('J')));
}

#[test]
fn j5_what_is_too_long_or_has_too_many_values_is_told_and_not_read() {
    let found = validate_text(&vec![b' '; MOST_BYTES + 1]);
    assert_eq!((found[0].rule, found.len()), ("J5", 1));
    let many = format!("[{}1]", "1,".repeat(5_000_000));
    assert_eq!(first(many.as_bytes()).0, "J5");
    let many = format!("[{}1]", "{},".repeat(1_500_001));
    assert_eq!(first(many.as_bytes()).0, "J5");
}

#[test]
fn j6_what_no_rule_is_for_is_told() {
    let found = first(br#"{"@context": "http://example.org/context.json"}"#);
    assert_eq!((found.0, found.1, found.2), ("J6", 1, 14));
}

#[test]
fn findings_have_the_line_of_their_value_or_of_what_should_have_it() {
    let text = "{\n  \"@context\": \"http://iiif.io/api/presentation/3/context.json\",\n  \"id\": \"https://example.org/m\",\n  \"type\": \"Manifest\",\n  \"label\": {\"en\": [\"é\"]}, \"items\": [\n    {\"id\": \"https://example.org/c\", \"type\": \"Canvas\", \"label\": {\"en\": [\"1\"]}, \"height\": 0, \"width\": 5}\n  ], \"rights\": \"none\"\n}\n";
    let found: Vec<_> = validate_text(text.as_bytes())
        .iter()
        .map(|finding| (finding.rule, finding.position.map(|position| (position.line, position.column))))
        .collect();
    assert_eq!(found, [("P9", Some((6, 89))), ("P13", Some((7, 16)))]);
    let empty = validate_text(b" {}");
    assert!(!empty.is_empty() && empty.iter().all(|finding| finding.position.is_some()), "{:?}", told(&empty));
}

/// A manifest of so many canvases, each with an image, texts and a service, and a range for every ten.
fn large(canvases: u32) -> String {
    let id = "https://example.org/iiif/book";
    let items: Vec<_> = (0..canvases)
        .map(|number| {
            let canvas = format!("{id}/canvas/{number}");
            json!({
                "id": canvas, "type": "Canvas", "label": {"none": [number.to_string()]}, "height": 4000, "width": 3000,
                "thumbnail": [{"id": format!("{canvas}/t.jpg"), "type": "Image", "format": "image/jpeg", "height": 100, "width": 75}],
                "items": [{"id": format!("{canvas}/p"), "type": "AnnotationPage", "items": [{
                    "id": format!("{canvas}/i"), "type": "Annotation", "motivation": "painting", "target": canvas,
                    "body": {
                        "id": format!("https://example.org/iiif/3/{number}/full/max/0/default.jpg"), "type": "Image",
                        "format": "image/jpeg", "height": 4000, "width": 3000,
                        "service": [{"id": format!("https://example.org/iiif/3/{number}"), "type": "ImageService3", "profile": "level2"}]
                    }
                }]}],
                "seeAlso": [{"id": format!("{canvas}/alto.xml"), "type": "Dataset", "format": "text/xml"}],
                "annotations": [{"id": format!("{canvas}/texts"), "type": "AnnotationPage"}]
            })
        })
        .collect();
    let structures: Vec<_> = (0..canvases / 10)
        .map(|range| {
            let canvases: Vec<_> = (range * 10..range * 10 + 10)
                .map(|number| json!({"id": format!("{id}/canvas/{number}"), "type": "Canvas"}))
                .collect();
            json!({"id": format!("{id}/range/{range}"), "type": "Range", "label": {"none": [range.to_string()]}, "items": canvases})
        })
        .collect();
    json!({
        "@context": "http://iiif.io/api/presentation/3/context.json", "id": id, "type": "Manifest", "label": {"en": ["A book"]},
        "items": items, "structures": structures
    })
    .to_string()
}

#[test]
fn a_book_of_5_000_pages_is_validated_quickly() {
    let text = large(5000);
    let start = Instant::now();
    let found = validate_text(text.as_bytes());
    let time = start.elapsed();
    assert_eq!(found.len(), 1, "{:?}", told(&found[..found.len().min(5)]));
    assert_eq!(found[0].rule, "VW6", "told once");
    // An order of magnitude more than it takes, so that a busy machine does not fail.
    assert!(time.as_secs() < 20, "{time:?}");
}

#[test]
fn anything_at_all_gets_findings_and_no_panic() {
    let seeds = [
        large(3),
        super::presentation_2::manifest().to_string(),
        super::search::one().to_string(),
        super::image::three().to_string(),
    ];
    let mut generator = recto_testkit::Rng::new(5);
    for seed in &seeds {
        for _ in 0..500 {
            let mut bytes = seed.clone().into_bytes();
            let at = generator.below(bytes.len() as u32) as usize;
            match generator.below(3) {
                0 => bytes.truncate(at),
                1 => bytes[at] = b"{}[]\",:0\\\xff\n"[generator.below(11) as usize],
                _ => drop(bytes.remove(at)),
            }
            let _found = validate_text(&bytes);
        }
        // One value of the document becomes another kind of value.
        for _ in 0..500 {
            let mut document: serde_json::Value = serde_json::from_str(seed).unwrap();
            let mut at = &mut document;
            loop {
                let count = match &*at {
                    serde_json::Value::Object(object) => object.len(),
                    serde_json::Value::Array(array) => array.len(),
                    _ => 0,
                };
                if count == 0 || generator.below(5) == 0 {
                    break;
                }
                let index = generator.below(count as u32) as usize;
                at = match at {
                    serde_json::Value::Object(object) => object.values_mut().nth(index).unwrap(),
                    serde_json::Value::Array(array) => &mut array[index],
                    _ => unreachable!(),
                };
            }
            *at = [
                json!(null),
                json!(-1),
                json!([]),
                json!({}),
                json!("…"),
                json!([[["x"]]]),
                json!({"id": 3, "@id": []}),
            ][generator.below(7) as usize]
                .clone();
            let _found = validate(&document);
        }
    }
}
