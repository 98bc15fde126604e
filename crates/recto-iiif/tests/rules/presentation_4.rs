//! Presentation 4.0, a draft.

use serde_json::{Value, json};

use super::faults;

fn manifest() -> Value {
    let page = |id: &str, target: Value, body: Value| {
        json!([{
            "id": format!("{id}/page"), "type": "AnnotationPage",
            "items": [{"id": format!("{id}/paint"), "type": "Annotation", "motivation": ["painting"], "target": target, "body": body}]
        }])
    };
    let model = json!({
        "id": "https://example.org/m/part", "type": "SpecificResource",
        "source": {"id": "https://example.org/m.glb", "type": "Model", "format": "model/gltf-binary"},
        "transform": [{"type": "RotateTransform", "x": 0.0, "y": 90.0, "z": 0.0}]
    });
    let scene = "https://example.org/m/scene";
    let point = json!({
        "id": "https://example.org/m/point", "type": "SpecificResource", "source": {"id": scene, "type": "Scene"},
        "selector": [{"type": "PointSelector", "x": -1.0, "y": 1.0, "z": 1.0}]
    });
    json!({
        "@context": "http://iiif.io/api/presentation/4/context.json",
        "id": "https://example.org/m/manifest", "type": "Manifest", "label": {"en": ["Three"]},
        "viewingDirection": "left-to-right",
        "items": [
            {
                "id": "https://example.org/m/canvas", "type": "Canvas", "label": {"en": ["Page"]}, "height": 10, "width": 10,
                "spatialScale": {"type": "Quantity", "quantityValue": 0.001, "unit": "m"},
                "items": page(
                    "https://example.org/m/canvas", json!({"id": "https://example.org/m/canvas", "type": "Canvas"}),
                    json!({"id": "https://example.org/i.jpg", "type": "Image", "format": "image/jpeg", "height": 10, "width": 10})
                )
            },
            {
                "id": "https://example.org/m/timeline", "type": "Timeline", "label": {"en": ["Sound"]}, "duration": 30.5,
                "items": page(
                    "https://example.org/m/timeline", json!({"id": "https://example.org/m/timeline", "type": "Timeline"}),
                    json!({"id": "https://example.org/s.mp3", "type": "Audio", "format": "audio/mp3"})
                )
            },
            {
                "id": scene, "type": "Scene", "label": {"en": ["Model"]}, "backgroundColor": "#FF00FE", "interactionMode": ["orbit"],
                "items": page(scene, point, model)
            }
        ]
    })
}

fn collection() -> Value {
    json!({
        "@context": "http://iiif.io/api/presentation/4/context.json",
        "id": "https://example.org/c", "type": "Collection", "label": {"en": ["All"]}, "total": 2,
        "first": {"id": "https://example.org/c/1", "type": "CollectionPage"},
        "last": {"id": "https://example.org/c/2", "type": "CollectionPage"}
    })
}

#[test]
fn documents_as_they_should_be_have_no_findings() {
    for document in [manifest(), collection()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

rule!(
    v1,
    "V1",
    manifest(),
    [
        (
            "/@context",
            json!(["http://iiif.io/api/presentation/4/context.json", "http://e.org/x.json"]),
            "/@context",
            "before"
        ),
        ("/items", json!([]), "/items", "`items`"),
        ("/items/0/height", Value::Null, "/items/0", "`height`"),
        ("/items/0/height", json!(0), "/items/0/height", "`height`"),
        ("/items/1/duration", Value::Null, "/items/1", "`duration`"),
        ("/items/1/duration", json!(0), "/items/1/duration", "`duration`"),
        ("/items/2/type", json!("Stage"), "/items/2/type", "Stage"),
        ("/items/2/items", Value::Null, "/items/2", "`items`"),
        ("/items/0/id", json!("https://example.org/m#canvas"), "/items/0/id", "fragment"),
        (
            "/placeholderCanvas",
            json!({"id": "https://e.org/p", "type": "Canvas"}),
            "/placeholderCanvas",
            "`placeholderContainer`"
        ),
        (
            "/placeholderContainer",
            json!({"id": "https://e.org/p", "type": "Image"}),
            "/placeholderContainer/type",
            "Image"
        ),
    ]
);

rule!(
    v1_collections,
    "V1",
    collection(),
    [
        ("/first", Value::Null, "", "`items`"),
        ("/last", json!("https://example.org/c/2"), "/last", "`last`"),
        ("/total", json!("2"), "/total", "`total`"),
        ("/items", json!([{"id": "https://e.org/x", "type": "Canvas"}]), "/items/0/type", "Canvas"),
    ]
);

rule!(
    v2,
    "V2",
    manifest(),
    [
        ("/items/1/height", json!(10), "/items/1/height", "`height`"),
        ("/items/1/items/0/items/0/body/type", json!("Image"), "/items/1/items/0/items/0/body/type", "Timeline"),
        (
            "/items/0",
            json!({"id": "https://e.org/x", "type": "Canvas", "duration": 10, "items": []}),
            "/items/0",
            "`duration` only"
        ),
    ]
);

const MODEL: &str = "/items/2/items/0/items/0";

rule!(
    v3,
    "V3",
    manifest(),
    [
        (format!("{MODEL}/motivation"), json!("painting"), format!("{MODEL}/motivation"), "`motivation`"),
        (format!("{MODEL}/target"), json!("https://example.org/m/scene"), format!("{MODEL}/target"), "`target`"),
        (format!("{MODEL}/body/id"), Value::Null, format!("{MODEL}/body"), "`id`"),
        (format!("{MODEL}/body/source"), Value::Null, format!("{MODEL}/body"), "`source`"),
        (format!("{MODEL}/body/transform/0/type"), json!("Rotate"), format!("{MODEL}/body/transform/0/type"), "Rotate"),
        (format!("{MODEL}/body"), json!({"type": "SpotLight", "angle": 100}), format!("{MODEL}/body/angle"), "`angle`"),
        (
            format!("{MODEL}/body"),
            json!({"type": "PerspectiveCamera", "fieldOfView": 180}),
            format!("{MODEL}/body/fieldOfView"),
            "`fieldOfView`"
        ),
        (format!("{MODEL}/bodyValue"), json!("x"), format!("{MODEL}/bodyValue"), "`bodyValue`"),
        ("/items/0/spatialScale/unit", Value::Null, "/items/0/spatialScale", "`unit`"),
        ("/items/2/backgroundColor", json!("red"), "/items/2/backgroundColor", "red"),
        ("/items/2/interactionMode", json!(["fly"]), "/items/2/interactionMode/0", "fly"),
        ("/viewingDirection", json!("ltr"), "/viewingDirection", "ltr"),
    ]
);

rule!(
    v3_targets,
    "V3",
    manifest(),
    [("/items/0/items/0/items/0/target/type", json!("Page"), "/items/0/items/0/items/0/target/type", "Page")]
);

rule!(
    p18_in_4,
    "P18",
    manifest(),
    [("/service", json!([{"id": "https://e.org/s", "type": 7}]), "/service/0/type", "a number")]
);

rule!(p4_in_4, "P4", manifest(), [("/items/2/items/0", json!(7), "/items/2/items/0", "`items`")]);

rule!(p6_in_4, "P6", manifest(), [("/label", json!("Three"), "/label", "`label`")]);
