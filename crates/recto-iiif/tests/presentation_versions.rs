//! Q5, V2: what a 3.0 document says survives the way through 2.1 and through 4.0, or a note says that it does not.

#![cfg(test)]

use proptest::prelude::*;
use recto_iiif::presentation::upgrade::upgrade;
use recto_iiif::presentation::validate::{Severity, validate};
use recto_iiif::presentation::{Manifest, NoteKind, v2, v4};
use serde_json::{Map, Value, json};

const BASE: &str = "https://example.org/iiif/book";

fn word() -> impl Strategy<Value = String> {
    "[A-Za-zÄ-ü0-9][A-Za-zÄ-ü0-9 .,&]{0,11}"
}

fn language_map() -> impl Strategy<Value = Value> {
    let languages = prop::sample::subsequence(vec!["none", "en", "de", "fr-CA"], 1..4);
    (languages, prop::collection::vec(prop::collection::vec(word(), 1..3), 4)).prop_map(|(languages, texts)| {
        Value::Object(
            languages.into_iter().zip(texts).map(|(language, texts)| (language.to_owned(), json!(texts))).collect(),
        )
    })
}

fn image(name: &str, width: u32, services: u8) -> Value {
    let mut image = json!({
        "id": format!("{BASE}/{name}/full/max/0/default.jpg"), "type": "Image", "format": "image/jpeg", "height": width + 7, "width": width
    });
    let current = json!({ "id": format!("{BASE}/{name}"), "type": "ImageService3", "profile": "level1" });
    let older = json!({ "@id": format!("{BASE}/{name}"), "@type": "ImageService2", "profile": "http://iiif.io/api/image/2/level2.json" });
    match services {
        0 => {}
        1 => image["service"] = json!([current]),
        _ => image["service"] = json!([older]),
    }
    image
}

fn link(property: &'static str) -> impl Strategy<Value = Value> {
    let kinds: Vec<(&str, &str)> = match property {
        "homepage" => vec![("Text", "text/html")],
        "rendering" => vec![
            ("Text", "application/pdf"),
            ("Text", "text/plain"),
            ("Dataset", "application/zip"),
            ("Video", "video/mp4"),
        ],
        _ => vec![("Dataset", "application/xml"), ("Dataset", "application/ld+json"), ("Text", "text/html")],
    };
    (0u32..1000, prop::sample::select(kinds), language_map()).prop_map(move |(number, (kind, format), label)| {
        json!({ "id": format!("{BASE}/{property}/{number}"), "type": kind, "label": label, "format": format })
    })
}

fn pair() -> impl Strategy<Value = Value> {
    (language_map(), language_map()).prop_map(|(label, value)| json!({ "label": label, "value": value }))
}

fn rights() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "http://creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org/publicdomain/mark/1.0/",
        "http://rightsstatements.org/vocab/InC/1.0/",
    ])
}

/// What any resource may say, as properties to be added to it.
fn described() -> impl Strategy<Value = Map<String, Value>> {
    let lists = (
        prop::collection::vec(pair(), 0..3),
        prop::collection::vec((0u32..99, 10u32..500, 0u8..3), 0..3),
        prop::collection::vec(link("homepage"), 0..2),
        prop::collection::vec(link("rendering"), 0..3),
        prop::collection::vec(link("seeAlso"), 0..3),
    );
    let single =
        (prop::option::of(language_map()), prop::option::of(rights()), prop::option::of(language_map()), any::<bool>());
    (lists, single).prop_map(
        |((metadata, thumbnails, homepage, rendering, see_also), (summary, rights, statement, dated))| {
            let thumbnails = thumbnails.into_iter().enumerate();
            let thumbnails: Vec<Value> = thumbnails
                .map(|(index, (number, width, services))| image(&format!("t{index}-{number}"), width, services))
                .collect();
            let mut out = Map::new();
            for (property, values) in [
                ("metadata", metadata),
                ("thumbnail", thumbnails),
                ("homepage", homepage),
                ("rendering", rendering),
                ("seeAlso", see_also),
            ] {
                if !values.is_empty() {
                    out.insert(property.to_owned(), Value::Array(values));
                }
            }
            out.extend(summary.map(|summary| ("summary".to_owned(), summary)));
            out.extend(rights.map(|rights| ("rights".to_owned(), rights.into())));
            let statement = statement.map(|value| json!({ "label": { "en": ["Attribution"] }, "value": value }));
            out.extend(statement.map(|statement| ("requiredStatement".to_owned(), statement)));
            if dated {
                out.insert("navDate".to_owned(), "1898-03-01T00:00:00Z".into());
            }
            out
        },
    )
}

fn canvas() -> impl Strategy<Value = Value> {
    let bodies = prop::collection::vec((10u32..900, 0u8..3), 1..3);
    (prop::option::of(language_map()), described(), bodies, 0u8..6).prop_map(|(label, described, bodies, notes)| {
        let bodies: Vec<Value> = bodies.into_iter().enumerate().map(|(index, (width, services))| image(&format!("CANVAS-{index}"), width, services)).collect();
        let body = if bodies.len() == 1 { bodies[0].clone() } else { json!({ "type": "Choice", "items": bodies }) };
        let mut canvas = json!({ "id": "CANVAS", "type": "Canvas", "height": 2000, "width": 1500 });
        let fields = canvas.as_object_mut().unwrap();
        fields.extend(label.map(|label| ("label".to_owned(), label)));
        fields.extend(described);
        canvas["items"] = json!([{ "id": "CANVAS/annotation-page", "type": "AnnotationPage", "items": [
            { "id": "CANVAS/image", "type": "Annotation", "motivation": "painting", "body": body, "target": "CANVAS" }] }]);
        let note = |number: u8, motivation: &str, body: Value, target: Value| {
            json!({ "id": format!("CANVAS/note/{number}"), "type": "Annotation", "motivation": motivation, "body": body, "target": target })
        };
        let text = json!({ "type": "TextualBody", "value": "A < B", "format": "text/plain", "language": "en" });
        let tag = json!({ "type": "TextualBody", "value": "map", "purpose": "tagging" });
        let svg = json!({ "type": "SpecificResource", "source": "CANVAS", "selector": { "type": "SvgSelector", "value": "<svg/>" } });
        let annotations = [
            note(1, "commenting", text.clone(), "CANVAS".into()),
            note(2, "tagging", tag, "CANVAS#xywh=1,2,3,4".into()),
            note(3, "supplementing", text.clone(), svg),
            note(4, "commenting", json!([text.clone(), text]), json!(["CANVAS", "CANVAS#xywh=0,0,5,5"])),
        ];
        let notes = usize::from(notes);
        if notes == 5 {
            canvas["annotations"] = json!([{ "id": "CANVAS/list", "type": "AnnotationPage" }]);
        } else if notes > 0 {
            canvas["annotations"] = json!([{ "id": "CANVAS/list", "type": "AnnotationPage", "items": annotations[..notes] }]);
        }
        canvas
    })
}

/// Nested ranges as paths: each number opens a range, or names a canvas.
fn structures() -> impl Strategy<Value = Vec<Value>> {
    let leaf = (0usize..3, any::<bool>()).prop_map(|(canvas, part)| {
        let fragment = if part { "#xywh=0,0,100,100" } else { "" };
        json!({ "id": format!("{BASE}/canvas/{canvas}{fragment}"), "type": "Canvas" })
    });
    let range = leaf.prop_recursive(4, 24, 4, |inner| {
        (language_map(), described(), prop::collection::vec(inner, 1..4)).prop_map(|(label, described, items)| {
            let mut range = json!({ "id": "", "type": "Range", "label": label });
            range.as_object_mut().unwrap().extend(described);
            range["items"] = Value::Array(items);
            range
        })
    });
    prop::collection::vec(range, 0..3).prop_map(|ranges| {
        let mut ranges: Vec<Value> = ranges.into_iter().filter(|range| range["type"] == "Range").collect();
        let mut number = 0;
        name_ranges(&mut ranges, &mut number);
        ranges
    })
}

/// Gives ranges ids of their own; in 2.1 a member is in a list once.
fn name_ranges(items: &mut Vec<Value>, number: &mut usize) {
    let mut seen = Vec::new();
    items.retain(|item| {
        item["type"] == "Range"
            || (!seen.contains(&item["id"]) && {
                seen.push(item["id"].clone());
                true
            })
    });
    for item in items.iter_mut().filter(|item| item["type"] == "Range") {
        *number += 1;
        item["id"] = format!("{BASE}/range/{number}").into();
        let mut inner = item["items"].as_array().unwrap().clone();
        name_ranges(&mut inner, number);
        item["items"] = Value::Array(inner);
    }
}

fn named(canvas: &Value, id: &str) -> Value {
    serde_json::from_str(&canvas.to_string().replace("CANVAS", id)).unwrap()
}

fn manifest() -> impl Strategy<Value = Value> {
    let hints = (
        prop::sample::select(vec!["", "paged", "individuals"]),
        prop::sample::select(vec!["", "right-to-left"]),
        any::<bool>(),
    );
    (language_map(), described(), hints, prop::collection::vec(canvas(), 3), structures()).prop_map(
        |(label, described, (behavior, direction, starts), canvases, structures)| {
            let mut manifest = json!({
                "@context": "http://iiif.io/api/presentation/3/context.json", "id": format!("{BASE}/manifest"), "type": "Manifest", "label": label
            });
            manifest.as_object_mut().unwrap().extend(described);
            if !behavior.is_empty() {
                manifest["behavior"] = json!([behavior]);
            }
            if !direction.is_empty() {
                manifest["viewingDirection"] = direction.into();
            }
            if starts {
                manifest["start"] = json!({ "id": format!("{BASE}/canvas/1"), "type": "Canvas" });
            }
            let canvases = canvases.iter().enumerate();
            manifest["items"] = canvases.map(|(index, canvas)| named(canvas, &format!("{BASE}/canvas/{index}"))).collect();
            if !structures.is_empty() {
                manifest["structures"] = Value::Array(structures);
            }
            manifest
        },
    )
}

/// Keys in order, so that only what is said counts.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        other => other.clone(),
    }
}

/// W3C's forms that mean the same: one `language` alone or in a list, a source by its URI or as an object.
fn same_forms(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(same_forms).collect(),
        Value::Object(fields) => {
            let mut out: Map<String, Value> =
                fields.iter().map(|(key, value)| (key.clone(), same_forms(value))).collect();
            if let Some(language) =
                out.get_mut("language").filter(|language| language.as_array().is_some_and(|all| all.len() == 1))
            {
                *language = language[0].take();
            }
            if let Some(source) =
                out.get_mut("source").filter(|source| source.as_object().is_some_and(|fields| fields.len() == 2))
            {
                *source = source["id"].take();
            }
            if out.get("type").is_some_and(|kind| kind == "SpecificResource") {
                out.shift_remove("id");
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

/// The first place where two documents differ.
fn difference(place: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(&format!("{place}/{key}"), value, &b[key]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(index, (a, b))| difference(&format!("{place}/{index}"), a, b))
        }
        _ => (a != b).then(|| format!("{place}: {a} | {b}")),
    }
}

fn same(a: &Value, b: &Value) -> Option<String> {
    difference("", &sorted(&same_forms(a)), &sorted(&same_forms(b)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn q5_what_2_1_can_say_comes_back_from_it(given in manifest()) {
        let (older, notes) = v2::downgrade(given.clone());
        let lost: Vec<_> = notes.iter().filter(|note| note.kind == NoteKind::Lost).collect();
        prop_assert!(lost.is_empty(), "{lost:?}");
        let (back, _) = upgrade(older);
        prop_assert_eq!(same(&back, &given), None);
    }

    #[test]
    fn v2_what_3_0_says_comes_back_from_4_0(given in manifest()) {
        let (newer, notes) = v4::upgrade(given.clone());
        prop_assert!(notes.is_empty(), "{notes:?}");
        let (back, notes) = v4::downgrade(newer);
        prop_assert!(notes.is_empty(), "{notes:?}");
        prop_assert_eq!(same(&back, &given), None);
    }

    #[test]
    fn generated_manifests_are_valid_and_read_into_the_model(given in manifest()) {
        let errors: Vec<_> = validate(&given).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
        let read: Manifest = serde_json::from_value(given.clone()).unwrap();
        prop_assert_eq!(sorted(&json!(read)), sorted(&given));
    }
}
