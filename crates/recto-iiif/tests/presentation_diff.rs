//! What is different between two documents.

use proptest::prelude::*;
use recto_iiif::presentation::diff::{Kind, diff};
use serde_json::{Value, json};

fn canvas(number: u32) -> Value {
    json!({ "id": format!("https://e.org/canvas/{number}"), "type": "Canvas", "label": { "none": [number.to_string()] },
        "height": 10, "width": 10 })
}

fn manifest(canvases: &[u32]) -> Value {
    let items: Vec<_> = canvases.iter().map(|number| canvas(*number)).collect();
    json!({ "id": "https://e.org/m", "type": "Manifest", "label": { "en": ["M"] }, "items": items })
}

fn lines(before: &Value, after: &Value) -> Vec<String> {
    diff(before, after).iter().map(ToString::to_string).collect()
}

#[test]
fn pages_are_compared_with_their_like_wherever_they_stand() {
    let before = manifest(&[1, 2, 3, 4]);
    let mut after = manifest(&[0, 1, 3, 2]);
    after["items"][1]["height"] = json!(12);
    after["label"]["de"] = json!(["M"]);
    assert_eq!(
        lines(&before, &after),
        [
            "added /label/de: `de` is [\"M\"]",
            "removed /items/3: Canvas https://e.org/canvas/4",
            "added /items/0: Canvas https://e.org/canvas/0",
            "moved /items/2: Canvas https://e.org/canvas/3 stands after Canvas https://e.org/canvas/1 now",
            "changed /items/1/height: 10 is now 12",
        ]
    );
    let found = diff(&before, &after);
    let changed = found.iter().find(|difference| difference.kind == Kind::Changed).unwrap();
    assert_eq!(changed.before.as_deref(), Some("/items/0/height"));
}

#[test]
fn one_page_that_went_to_the_end_is_all_that_moved() {
    let found = lines(&manifest(&[1, 2, 3, 4, 5]), &manifest(&[2, 3, 4, 5, 1]));
    assert_eq!(found, ["moved /items/4: Canvas https://e.org/canvas/1 stands after Canvas https://e.org/canvas/5 now"]);
}

#[test]
fn a_new_id_and_new_metadata_are_changes_and_not_other_things() {
    let before = json!({ "metadata": [{ "label": { "en": ["Date"] }, "value": { "en": ["1890"] } },
        { "label": { "en": ["Place"] }, "value": { "en": ["Berlin"] } }],
        "items": [{ "id": "http://e.org/1", "type": "Canvas", "label": { "none": ["1"] } }],
        "service": [{ "@context": "x", "profile": "p" }], "height": 1 });
    let after = json!({ "metadata": [{ "label": { "en": ["Place"] }, "value": { "en": ["Berlin"] } },
        { "label": { "en": ["Date"] }, "value": { "en": ["1891"] } }],
        "items": [{ "id": "https://e.org/1", "type": "Canvas", "label": { "none": ["1"] } }],
        "service": [{ "@context": "x", "profile": "q" }], "width": 1 });
    let found: Vec<_> = diff(&before, &after)
        .into_iter()
        .map(|difference| (difference.kind, difference.after.or(difference.before).unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (Kind::Removed, "/height".to_owned()),
            (Kind::Added, "/width".to_owned()),
            (Kind::Moved, "/metadata/0".to_owned()),
            (Kind::Removed, "/metadata/0/value/en/0".to_owned()),
            (Kind::Added, "/metadata/1/value/en/0".to_owned()),
            (Kind::Changed, "/items/0/id".to_owned()),
            (Kind::Changed, "/service/0/profile".to_owned()),
        ]
    );
}

#[test]
fn names_are_escaped_in_pointers_and_long_values_are_cut() {
    let found = diff(&json!({}), &json!({ "a/b~c": "x".repeat(1000) }));
    assert_eq!(found[0].after.as_deref(), Some("/a~1b~0c"));
    assert!(found[0].message.chars().count() < 120);
    assert_eq!(lines(&json!(1), &json!([])), ["changed /: 1 is now []"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u8..3).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("(id|type|label|a)", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn there_is_a_difference_exactly_where_documents_differ(before in any_json(), after in any_json()) {
        prop_assert_eq!(diff(&before, &before), vec![]);
        prop_assert_eq!(diff(&before, &after).is_empty(), before == after);
    }

    #[test]
    fn both_directions_find_as_much(before in proptest::collection::vec(0_u32..12, 0..10), after in proptest::collection::vec(0_u32..12, 0..10)) {
        let (before, after) = (manifest(&before), manifest(&after));
        let count = |one: &Value, two: &Value, kind| diff(one, two).iter().filter(|it| it.kind == kind).count();
        prop_assert_eq!(count(&before, &after, Kind::Added), count(&after, &before, Kind::Removed));
        prop_assert_eq!(count(&before, &after, Kind::Moved), count(&after, &before, Kind::Moved));
        prop_assert_eq!(diff(&before, &after).is_empty(), before == after);
    }

    #[test]
    fn every_pointer_leads_to_what_it_names(before in any_json(), after in any_json()) {
        for difference in diff(&before, &after) {
            if let Some(place) = &difference.before {
                prop_assert!(before.pointer(place).is_some(), "{place}");
            }
            if let Some(place) = &difference.after {
                prop_assert!(after.pointer(place).is_some(), "{place}");
            }
        }
    }
}
