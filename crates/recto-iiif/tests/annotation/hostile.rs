//! Input that wants to cost memory, time or the process.

use recto_iiif::annotation::{AcceptOptions, Annotation, html, merge_patch, svg, targets, text, transfer};
use serde_json::{Map, Value, json};

use super::CANVAS;

fn deep(levels: usize, open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn deep_documents_are_rejected_and_end_nothing() {
    let options = AcceptOptions { max_bytes: 10_000_000, ..AcceptOptions::default() };
    for text in [
        deep(100_000, "[", "]"),
        format!("{{\"target\": {}}}", deep(100_000, "{\"source\":", "}")),
        format!(
            "{{\"type\": \"Annotation\", \"target\": \"{CANVAS}\", \"body\": {}}}",
            deep(100, "{\"type\":\"Choice\",\"items\":[", "]}")
        ),
    ] {
        assert!(Annotation::parse(&text, &options).is_err());
    }
    let mut value = json!("x");
    for _ in 0..100 {
        value = json!({"type": "Choice", "items": [value], "source": {}});
    }
    let annotation = json!({"type": "Annotation", "target": CANVAS, "body": value});
    let rejected = Annotation::accept(annotation, &AcceptOptions { max_depth: 1000, ..options }).unwrap_err();
    assert_eq!(rejected.faults[0].message, "the annotation is nested more than 64 deep");
}

#[test]
fn an_envelope_in_an_envelope_is_opened_once() {
    let mut value = json!({"type": "Annotation", "target": CANVAS});
    for _ in 0..3 {
        value = json!({"annotation": {"data": value.to_string()}});
    }
    let rejected = Annotation::accept(value, &AcceptOptions::default()).unwrap_err();
    assert_eq!(rejected.to_string(), "/annotation/data: `data` is another envelope; write the annotation");
}

#[test]
fn wide_and_deep_html_and_svg_take_a_moment() {
    let wide = html::sanitised(&"<b>".repeat(100_000));
    assert_eq!(wide.html.len(), 200 * "<b></b>".len());
    assert_eq!(html::sanitised(&"<!--".repeat(100_000)).html, "");
    assert_eq!(html::sanitised(&"<script></scrip".repeat(100_000)).html, "");
    assert_eq!(html::sanitised(&"&".repeat(100_000)).html.len(), 500_000);
    assert_eq!(html::plain(&"</p>".repeat(100_000)), "");
    assert!(html::sanitised(&"<a b=\"".repeat(50_000)).removed.len() <= 20);
    for text in ["](", "]:", "](a", "<y ", "<y=\"", "<y a ", "&#", "\\"].map(|text| text.repeat(200_000)) {
        assert_eq!(html::sanitised_markdown(&text).html.len() >= text.len(), !text.starts_with("<y"), "{}", &text[..4]);
        assert_eq!(html::has_markup(&text), text.starts_with("<y"), "{}", &text[..4]);
    }
    assert!(svg::checked(&deep(2000, "<g>", "</g>")).is_err());
    assert!(svg::checked(&format!("<svg>{}</svg>", deep(2000, "<g>", "</g>"))).is_err());
    assert!(
        svg::checked(&format!("<svg>{}</svg>", "<g/>".repeat(50_000))).is_err(),
        "more elements than a drawing has"
    );
    assert_eq!(
        svg::bounds(&format!("<svg><path d='{}'/></svg>", "M1,1".repeat(100_000))).unwrap().to_string(),
        "1,1,1,1"
    );
    for path in [
        "M",
        "M1",
        "M1,1 A1",
        "M1 1L1e999 1",
        "M1 1 L NaN 1",
        "Z",
        "L",
        "M0 0 A0 0 0 0 0 1 1",
        "M1e308 1e308 L-1e308 -1e308",
        "M1 1 a1 1 0 0 1",
    ] {
        let _ = svg::bounds(&format!("<svg><path d='{path}'/></svg>"));
    }
}

#[test]
fn odd_values_in_every_place_are_rejected_or_taken_and_end_nothing() {
    let good = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld", "id": "https://a.example/1", "type": "Annotation", "motivation": ["commenting"],
        "body": [{"type": "TextualBody", "value": "a", "format": "text/html", "language": "en", "purpose": "tagging"}],
        "target": [{"type": "SpecificResource", "source": {"id": CANVAS, "type": "Canvas", "partOf": [{"id": "https://a.example/m"}]},
            "selector": [{"type": "FragmentSelector", "value": "xywh=1,2,3,4"}, {"type": "SvgSelector", "value": "<svg/>"}]}],
        "creator": {"id": "https://a.example/me"}, "created": "2020-01-01T00:00:00Z", "via": ["https://b.example/"], "canonical": "urn:x:1"
    });
    let mut places = Vec::new();
    pointers(&good, String::new(), &mut places);
    let odd = [
        json!(null),
        json!(true),
        json!(-1.5e300),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!([[[]]]),
        json!({}),
        json!({"": {"": null}}),
        json!("xywh=,,,"),
        json!(["#", 7, null]),
    ];
    for place in places {
        for value in &odd {
            let mut document = good.clone();
            *document.pointer_mut(&place).unwrap() = value.clone();
            if let Ok(annotation) = Annotation::accept(document.clone(), &AcceptOptions::default()) {
                let json = annotation.into_value();
                let _ = (targets(&json), text(&json));
                let again = Annotation::accept(json.clone(), &AcceptOptions::default()).unwrap();
                assert_eq!(again.into_value(), json, "{place} {value}");
            }
            let _ = (targets(&document), text(&document));
            let _ = recto_iiif::annotation::to_open(&document);
            let _ = recto_iiif::annotation::iiif::list_2("x", &[document.clone()]);
            let mut page = recto_iiif::annotation::iiif::PageWriter::new(recto_iiif::presentation::Version::V4, "x");
            page.push(document.clone());
            let _ = page.finish(None);
            let _ = transfer::write_csv(&[document]);
        }
    }
}

fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, format!("{at}/{index}"), out));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| pointers(field, format!("{at}/{}", name.replace('/', "~1")), out));
        }
        _ => {}
    }
    out.push(at);
}

#[test]
fn a_deep_merge_patch_does_not_recurse() {
    let (mut target, mut patch) = (json!({}), json!(1));
    for _ in 0..5000 {
        patch = Value::Object(Map::from_iter([("a".to_owned(), patch)]));
    }
    merge_patch(&mut target, &patch);
    // Taken apart level by level: dropping it as a whole would need as deep a stack.
    for mut value in [target, patch] {
        let mut depth = 0;
        while let Value::Object(mut fields) = value {
            value = fields.remove("a").unwrap();
            depth += 1;
        }
        assert_eq!(depth, 5000);
    }
}

#[test]
fn an_import_stops_at_its_bound() {
    let lines = format!("{}\n", json!({"type": "Annotation", "target": CANVAS})).repeat(11);
    let options = AcceptOptions::default();
    assert_eq!(transfer::read_json_lines(&lines, &options, 11).unwrap().len(), 11);
    for rejected in [
        transfer::read_json_lines(&lines, &options, 10).unwrap_err(),
        transfer::read_json(&format!("[{}]", lines.trim().replace('\n', ",")), &options, 10).unwrap_err(),
        transfer::read_csv(&format!("canvas\n{}", format!("{CANVAS}\n").repeat(11)), &options, 10).unwrap_err(),
    ] {
        assert_eq!(rejected.to_string(), "there are more than 10 annotations; divide the file");
    }
}
