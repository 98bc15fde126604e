//! Change Discovery.

use serde_json::{Value, json};

use super::faults;

const CONTEXT: &str = "http://iiif.io/api/discovery/1/context.json";

fn collection() -> Value {
    json!({
        "@context": CONTEXT, "id": "https://example.org/activity/all", "type": "OrderedCollection", "totalItems": 21456,
        "first": {"id": "https://example.org/activity/page-0", "type": "OrderedCollectionPage"},
        "last": {"id": "https://example.org/activity/page-1024", "type": "OrderedCollectionPage"},
        "seeAlso": [{"id": "https://example.org/d.json", "type": "Dataset", "format": "application/json", "label": {"en": ["Data"]}}],
        "rights": "http://creativecommons.org/licenses/by/4.0/"
    })
}

fn page() -> Value {
    let activity = |kind: &str, time: &str| {
        json!({
            "type": kind, "endTime": time,
            "object": {"id": "https://example.org/m/1", "type": "Manifest", "canonical": "https://example.org/m/1"}
        })
    };
    let mut moved = activity("Move", "2018-03-12T00:00:00Z");
    moved["target"] = json!({"id": "https://example.org/m/2", "type": "Manifest"});
    json!({
        "@context": CONTEXT, "id": "https://example.org/activity/page-1", "type": "OrderedCollectionPage", "startIndex": 20,
        "partOf": {"id": "https://example.org/activity/all", "type": "OrderedCollection"},
        "prev": {"id": "https://example.org/activity/page-0", "type": "OrderedCollectionPage"},
        "next": {"id": "https://example.org/activity/page-2", "type": "OrderedCollectionPage"},
        "orderedItems": [
            activity("Create", "2018-03-10T10:00:00Z"), activity("Update", "2018-03-11T16:30:00Z"), moved,
            {"type": "Refresh", "startTime": "2018-03-13T00:00:00Z"}
        ]
    })
}

#[test]
fn streams_as_they_should_be_have_no_findings() {
    for document in [collection(), page()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

rule!(
    d1,
    "D1",
    collection(),
    [
        ("/@context", json!([CONTEXT, "http://e.org/x"]), "/@context", "before"),
        ("/id", json!("all"), "/id", "`id`"),
        ("/last", Value::Null, "", "`last`"),
        ("/last", json!("https://example.org/activity/page-1024"), "/last", "`last`"),
        ("/first", Value::Null, "", "`first`"),
        ("/totalItems", json!("21456"), "/totalItems", "`totalItems`"),
        ("/seeAlso", json!({}), "/seeAlso", "`seeAlso`"),
    ]
);

rule!(
    d2,
    "D2",
    page(),
    [
        ("/orderedItems", Value::Null, "", "`orderedItems`"),
        ("/prev", Value::Null, "", "`prev`"),
        ("/next", json!("https://example.org/activity/page-2"), "/next", "`next`"),
        ("/partOf", Value::Null, "", "`partOf`"),
        ("/startIndex", json!(1.5), "/startIndex", "`startIndex`"),
    ]
);

rule!(
    d3,
    "D3",
    page(),
    [("/orderedItems/0/endTime", json!("2018-03-11T16:30:00.5Z"), "/orderedItems/1/endTime", "`endTime`"),]
);

rule!(
    d4,
    "D4",
    page(),
    [
        ("/orderedItems/0/type", json!("Created"), "/orderedItems/0/type", "Created"),
        ("/orderedItems/0/object", Value::Null, "/orderedItems/0", "`object`"),
        ("/orderedItems/0/object", json!("https://example.org/m/1"), "/orderedItems/0/object", "`object`"),
        ("/orderedItems/0/object/id", json!("urn:x"), "/orderedItems/0/object/id", "`id`"),
        ("/orderedItems/0/endTime", Value::Null, "/orderedItems/0", "`endTime`"),
        ("/orderedItems/0/endTime", json!("2018-03-10T10:00:00+01:00"), "/orderedItems/0/endTime", "UTC"),
        ("/orderedItems/0/endTime", json!("2018-03-10"), "/orderedItems/0/endTime", "`endTime`"),
        ("/orderedItems/2/target", Value::Null, "/orderedItems/2", "`target`"),
        ("/orderedItems/2/target/id", json!("https://example.org/m/1"), "/orderedItems/2/target", "`target`"),
        ("/orderedItems/3/startTime", Value::Null, "/orderedItems/3", "`startTime`"),
    ]
);

rule!(d10, "D10", page(), [("/orderedItems", json!([]), "/orderedItems", "`orderedItems`")]);
