//! W9: many annotations at once.

use recto_iiif::annotation::transfer::{self, Format, Item, Place};
use recto_iiif::annotation::{AcceptOptions, Annotation, motivations, targets, text};
use recto_testkit::data_dir;
use serde_json::{Value, json};

use super::CANVAS;

fn options() -> AcceptOptions {
    AcceptOptions::default()
}

fn places(items: &[Item]) -> Vec<(String, bool)> {
    items.iter().map(|item| (item.place.to_string(), item.outcome.is_ok())).collect()
}

fn values(items: Vec<Item>) -> Vec<Value> {
    items.into_iter().map(|item| item.outcome.unwrap().into_value()).collect()
}

fn one(id: &str) -> Value {
    json!({"@context": "http://www.w3.org/ns/anno.jsonld", "id": format!("https://a.example/{id}"), "type": "Annotation", "motivation": "commenting", "target": CANVAS})
}

#[test]
fn w9_annotations_are_found_wherever_documents_have_them() {
    let older = json!({"@id": "https://a.example/2", "@type": "oa:Annotation", "on": CANVAS});
    for (document, want) in [
        (one("1"), &[""][..]),
        (json!({"type": "AnnotationPage", "items": [one("1"), one("2")]}), &["/items/0", "/items/1"]),
        (json!({"@type": "sc:AnnotationList", "resources": [older]}), &["/resources/0"]),
        (json!([[one("1")], [older, one("3")]]), &["/0/0", "/1/0", "/1/1"]),
        (json!([{"resources": [older]}, {"resources": []}]), &["/0/resources/0"]),
        (
            json!({"type": "AnnotationCollection", "total": 2, "first": {"type": "AnnotationPage", "items": [one("1")], "next": {"items": [one("2")], "next": "https://a.example/p3"}}}),
            &["/first/items/0", "/first/next/items/0"],
        ),
        (
            json!({"type": "Manifest", "items": [{"type": "Canvas", "annotations": [{"type": "AnnotationPage", "items": [one("1")]}]}]}),
            &["/items/0/annotations/0/items/0"],
        ),
        (json!({"type": "AnnotationPage", "items": []}), &[]),
    ] {
        let items = transfer::read_json(&document.to_string(), &options(), 100).unwrap();
        let found: Vec<String> = items
            .iter()
            .map(|item| match &item.place {
                Place::Pointer(pointer) => pointer.clone(),
                Place::Line(_) => String::new(),
            })
            .collect();
        assert_eq!(found, want, "{document}");
        assert!(items.iter().all(|item| item.outcome.is_ok()));
    }
    let rejected = transfer::read_json("{\"hello\": 1}", &options(), 100).unwrap_err();
    assert!(rejected.to_string().starts_with("the document has no annotations;"));
}

#[test]
fn w9_good_ones_go_in_and_bad_ones_say_where_they_stand() {
    let page = json!({"type": "AnnotationPage", "items": [one("1"), {"type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody"}}, one("3")]});
    let items = transfer::read_json(&page.to_string(), &options(), 100).unwrap();
    assert_eq!(
        places(&items),
        [("/items/0".to_owned(), true), ("/items/1".to_owned(), false), ("/items/2".to_owned(), true)]
    );
    assert_eq!(
        items[1].outcome.clone().unwrap_err().to_string(),
        "/items/1/body: `value` of the TextualBody is missing; write the text"
    );
    let lines = format!("{}\n\n{{\"type\": \n{}\n", one("1"), one("2"));
    let items = transfer::read_json_lines(&lines, &options(), 100).unwrap();
    assert_eq!(
        places(&items),
        [("line 1".to_owned(), true), ("line 3".to_owned(), false), ("line 4".to_owned(), true)]
    );
}

#[test]
fn w9_pages_and_lines_come_back_as_they_went() {
    let stored = [one("1"), one("2")];
    let page = transfer::write_json("https://a.example/page", &stored);
    assert_eq!((&page["id"], page["items"][0].get("@context")), (&json!("https://a.example/page"), None));
    assert_eq!(values(transfer::read_json(&page.to_string(), &options(), 10).unwrap()), stored);
    let lines = transfer::write_json_lines(&stored);
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(values(transfer::read_json_lines(&lines, &options(), 10).unwrap()), stored);
}

#[test]
fn w9_a_table_says_what_people_write() {
    let table = "canvas;x;y;w;h;body;tags;t_start;motivation;Author\n\
        https://example.org/c/1;1;2;3;4;\"Ein \"\"Wort\"\"\nund noch eins\";rot | blau;;commenting|tagging;x\n\
        https://example.org/c/2;;;;;;;12,5;;\n\
        ;1;2;3;4;;;;;\n\
        https://example.org/c/3;1;;3;4;a;;;;\n";
    let items = transfer::read_csv(table, &options(), 10).unwrap();
    assert_eq!(
        places(&items),
        [
            ("line 2".to_owned(), true),
            ("line 4".to_owned(), true),
            ("line 5".to_owned(), false),
            ("line 6".to_owned(), false)
        ]
    );
    assert_eq!(
        items[0].outcome.clone().unwrap().into_value(),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "motivation": ["commenting", "tagging"],
            "body": [{"type": "TextualBody", "value": "Ein \"Wort\"\nund noch eins"}, {"type": "TextualBody", "purpose": "tagging", "value": "rot"}, {"type": "TextualBody", "purpose": "tagging", "value": "blau"}],
            "target": "https://example.org/c/1#xywh=1,2,3,4"})
    );
    assert_eq!(items[1].outcome.clone().unwrap().json()["target"], "https://example.org/c/2#t=12.5");
    assert_eq!(
        items[2].outcome.clone().unwrap_err().to_string(),
        "canvas: `canvas` is empty; write the URI of the canvas"
    );
    assert_eq!(
        items[3].outcome.clone().unwrap_err().to_string(),
        "y: `y` is empty, and other numbers of the region are not; write all of x, y, w and h, or none"
    );
    assert!(
        transfer::read_csv("a,b\n1,2\n", &options(), 10)
            .unwrap_err()
            .to_string()
            .starts_with("the header of the table has no column `canvas`")
    );
}

#[test]
fn w9_a_table_brings_back_the_set_that_it_was_made_of() {
    let stored = [
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "id": "https://a.example/1", "type": "Annotation", "motivation": "commenting",
            "creator": {"id": "https://a.example/me", "type": "Person", "name": "Me, Myself"}, "created": "2026-01-02T03:04:05Z", "modified": "2026-01-02T03:04:06Z",
            "body": [{"type": "TextualBody", "format": "text/html", "language": "en", "value": "<p>a</p>"}, {"type": "TextualBody", "purpose": "tagging", "value": "b"}],
            "target": {"type": "SpecificResource", "source": CANVAS, "selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4&t=5,6"}}}),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "body": {"type": "TextualBody", "value": "=HYPERLINK(\"http://x.example\")"}, "target": CANVAS}),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "via": "urn:x:1", "body": {"type": "TextualBody", "purpose": "tagging", "value": "a|b"},
            "target": {"source": CANVAS, "selector": [{"type": "SvgSelector", "value": "<svg><rect width='9' height='8'/></svg>"}]}}),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "motivation": ["linking"], "body": "https://a.example/x", "target": [CANVAS, "https://a.example/c2"]}),
    ];
    let table = transfer::write_csv(&stored);
    let rows: Vec<&str> = table.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert_eq!(
        rows[0],
        "id,canvas,x,y,w,h,t_start,t_end,motivation,body,format,language,tags,creator,created,modified,json"
    );
    assert_eq!(
        rows[1],
        "https://a.example/1,https://example.org/book/canvas/1,1,2,3,4,5,6,commenting,<p>a</p>,text/html,en,b,\"Me, Myself <https://a.example/me>\",2026-01-02T03:04:05Z,2026-01-02T03:04:06Z,"
    );
    assert_eq!(rows[2], ",https://example.org/book/canvas/1,,,,,,,,\"'=HYPERLINK(\"\"http://x.example\"\")\",,,,,,,");
    assert!(rows[3].ends_with("}\"") && rows[4].ends_with("}\""), "{table}");
    let read = values(transfer::read_csv(&table, &options(), 10).unwrap());
    for (before, after) in stored.iter().zip(&read) {
        assert_eq!(
            (targets(before), text(before), motivations(before)),
            (targets(after), text(after), motivations(after))
        );
        for property in ["id", "via", "creator", "created", "modified", "body"] {
            assert_eq!(before.get(property), after.get(property), "{property}");
        }
    }
    let mut part = stored[2].clone();
    part["target"]["type"] = json!("SpecificResource");
    assert_eq!((&read[2], &read[3]), (&part, &stored[3]));
}

#[test]
fn w9_a_cell_that_contradicts_the_json_beside_it_is_said() {
    let stored = [
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "via": "urn:x:1", "body": {"type": "TextualBody", "value": "before"}, "target": CANVAS}),
    ];
    let table = transfer::write_csv(&stored).replacen("before", "after", 1);
    let items = transfer::read_csv(&table, &options(), 10).unwrap();
    assert_eq!(
        items[0].outcome.clone().unwrap_err().to_string(),
        "body: `body` says something else than `json`; change `json` too, or empty its cell to keep only what the columns say"
    );
}

#[test]
fn forms_are_known_by_their_look_and_name() {
    assert_eq!(Format::of("\u{feff}id,canvas\n"), Format::Csv);
    assert_eq!(Format::of("{\"a\": 1}\n{\"b\": 2}\n"), Format::JsonLines);
    assert_eq!(Format::of("{\n\"a\": 1}"), Format::Json);
    assert_eq!(Format::of("[]"), Format::Json);
    assert_eq!(
        (Format::of_name("a.JSONLD"), Format::of_name("a.ndjson"), Format::of_name("a.csv"), Format::of_name("csv")),
        (Some(Format::Json), Some(Format::JsonLines), Some(Format::Csv), None)
    );
}

#[test]
fn real_lists_are_read() {
    let Some(folder) = data_dir() else { return };
    let generous = AcceptOptions::generous();
    let mut read = 0;
    for file in recto_testkit::files_below(&folder.join("manifests")) {
        let name = file.to_string_lossy().to_lowercase();
        if !(name.contains("list") || name.contains("annotation"))
            || name.contains("malformed")
            || file.extension().is_none_or(|end| end != "json")
        {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let Ok(items) = transfer::read_json(&text, &generous, 100_000) else { continue };
        for item in &items {
            let annotation: &Annotation =
                item.outcome.as_ref().unwrap_or_else(|rejected| panic!("{}: {rejected}", file.display()));
            let json = annotation.clone().into_value();
            assert!(!targets(&json).is_empty(), "{} {}", file.display(), item.place);
            read += 1;
        }
    }
    assert!(read > 40, "{read} annotations");
}
