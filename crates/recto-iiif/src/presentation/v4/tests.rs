use serde_json::json;

use super::super::{Behavior, Canvas, CollectionItem, ContentResource, LanguageMap, NoteKind};
use super::*;
use crate::Dimensions;

fn urls() -> DocumentUrls {
    DocumentUrls::new("https://example.org/p/3/", "https://example.org/p/4/")
}

#[test]
fn v2_a_manifest_of_images_changes_in_context_motivation_and_target_alone() {
    let id = "https://example.org/p/3/book/canvas/1";
    let mut manifest = Manifest::new("https://example.org/p/3/book/manifest", LanguageMap::none("Book"));
    manifest.behavior = vec![Behavior::Paged];
    let size = Dimensions::new(30, 40);
    let mut canvas = Canvas::new(id, LanguageMap::none("1"), size);
    let picture = ContentResource::jpeg("https://example.org/i/full/max/0/default.jpg", size);
    let painting = super::super::Annotation::painting(format!("{id}/image"), picture, id);
    canvas.items = vec![super::super::AnnotationPage::new(format!("{id}/page"), vec![painting])];
    manifest.items = vec![canvas];
    let mut wanted = json!(manifest);
    wanted["@context"] = "http://iiif.io/api/presentation/4/context.json".into();
    wanted["id"] = "https://example.org/p/4/book/manifest".into();
    let painting = &mut wanted["items"][0]["items"][0]["items"][0];
    painting["motivation"] = json!(["painting"]);
    painting["target"] = json!({"id": id, "type": "Canvas"});
    assert_eq!(super::manifest(&manifest, &urls()).to_string(), wanted.to_string());
}

#[test]
fn v1_what_has_only_time_is_a_timeline_wherever_it_is_named() {
    let side = "https://example.org/side/1";
    let given = json!({
        "@context": ["http://iiif.io/api/extension/navplace/context.json", "http://iiif.io/api/presentation/3/context.json"],
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["Record"]},
        "accompanyingCanvas": {"id": "https://example.org/sleeve", "type": "Canvas", "height": 10, "width": 10},
        "start": {"id": "https://example.org/start", "type": "SpecificResource", "source": side,
                  "selector": {"type": "PointSelector", "t": 14.5}},
        "items": [{"id": side, "type": "Canvas", "duration": 98.25,
            "placeholderCanvas": {"id": "https://example.org/poster", "type": "Canvas", "height": 10, "width": 10},
            "items": [{"id": "https://example.org/page", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/a", "type": "Annotation", "motivation": "painting", "target": format!("{side}#t=0,98"),
                 "body": {"id": "https://example.org/a.mp4", "type": "Sound", "format": "audio/mp4"}}]}],
            "annotations": [{"id": "https://example.org/notes", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/n", "type": "Annotation", "motivation": ["commenting", "tagging"],
                 "target": {"type": "SpecificResource", "source": format!("{side}#t=3")},
                 "body": [{"type": "TextualBody", "value": "a", "language": "en"}, {"type": "TextualBody", "value": "b"}]}]}]}],
        "structures": [{"id": "https://example.org/r", "type": "Range", "items": [{"id": format!("{side}#t=0,9"), "type": "Canvas"}]}],
        "navPlace": {"type": "FeatureCollection", "features": []}
    });
    let (written, notes) = upgrade(given.clone());
    assert_eq!(notes, []);
    let wanted = json!({
        "@context": "http://iiif.io/api/presentation/4/context.json",
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["Record"]},
        "accompanyingContainer": {"id": "https://example.org/sleeve", "type": "Canvas", "height": 10, "width": 10},
        "start": {"id": "https://example.org/start", "type": "SpecificResource", "source": {"id": side, "type": "Timeline"},
                  "selector": [{"type": "PointSelector", "instant": 14.5}]},
        "items": [{"id": side, "type": "Timeline", "duration": 98.25,
            "placeholderContainer": {"id": "https://example.org/poster", "type": "Canvas", "height": 10, "width": 10},
            "items": [{"id": "https://example.org/page", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/a", "type": "Annotation", "motivation": ["painting"],
                 "target": {"id": format!("{side}#t=0,98"), "type": "Timeline"},
                 "body": {"id": "https://example.org/a.mp4", "type": "Audio", "format": "audio/mp4"}}]}],
            "annotations": [{"id": "https://example.org/notes", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/n", "type": "Annotation", "motivation": ["commenting", "tagging"],
                 "target": {"id": "https://example.org/n/target", "type": "SpecificResource",
                            "source": {"id": side, "type": "Timeline"},
                            "selector": [{"type": "FragmentSelector", "value": "t=3"}]},
                 "body": {"type": "Independents", "items": [
                     {"type": "TextualBody", "value": "a", "language": ["en"]}, {"type": "TextualBody", "value": "b"}]}}]}]}],
        "structures": [{"id": "https://example.org/r", "type": "Range",
                        "items": [{"id": format!("{side}#t=0,9"), "type": "Timeline"}]}],
        "navPlace": {"type": "FeatureCollection", "features": []}
    });
    assert_eq!(serde_json::to_string_pretty(&written).unwrap(), serde_json::to_string_pretty(&wanted).unwrap());
    let (back, notes) = downgrade(written);
    assert_eq!(notes, []);
    assert_eq!(back["@context"], given["@context"]);
    assert_eq!(back["items"][0]["items"], given["items"][0]["items"]);
    assert_eq!(back["start"]["selector"], given["start"]["selector"]);
    assert_eq!(back["structures"], given["structures"]);
    assert_eq!(back["accompanyingCanvas"], given["accompanyingCanvas"]);
}

#[test]
fn a_collection_names_its_members_where_they_are_in_4_0() {
    let mut all = Collection::new("https://example.org/p/3/all/collection", LanguageMap::none("All"));
    all.items = vec![CollectionItem::manifest("https://example.org/p/3/book/manifest", LanguageMap::none("Book"))];
    assert_eq!(
        super::collection(&all, &urls()),
        json!({
            "@context": "http://iiif.io/api/presentation/4/context.json",
            "id": "https://example.org/p/4/all/collection", "type": "Collection", "label": {"none": ["All"]},
            "items": [{"id": "https://example.org/p/4/book/manifest", "type": "Manifest", "label": {"none": ["Book"]}}]
        })
    );
}

#[test]
fn scenes_and_scales_are_lost_in_3_0_and_it_is_said_where() {
    let (read, notes) = downgrade(json!({
        "@context": "http://iiif.io/api/presentation/4/context.json",
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["M"]},
        "items": [
            {"id": "https://example.org/scene", "type": "Scene", "items": []},
            {"id": "https://example.org/c", "type": "Canvas", "height": 10, "width": 20,
             "spatialScale": {"type": "Quantity", "quantityValue": 1, "unit": "m"},
             "annotations": [{"id": "https://example.org/notes", "type": "AnnotationPage", "items": [
                 {"id": "https://example.org/n", "type": "Annotation", "motivation": ["commenting"],
                  "body": {"type": "List", "items": [{"type": "TextualBody", "value": "a"}, {"type": "TextualBody", "value": "b"}]},
                  "target": {"id": "https://example.org/c", "type": "Canvas"}}]}]}
        ]
    }));
    assert_eq!(
        read["items"],
        json!([{"id": "https://example.org/c", "type": "Canvas", "height": 10, "width": 20,
            "annotations": [{"id": "https://example.org/notes", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/n", "type": "Annotation", "motivation": "commenting",
                 "body": [{"type": "TextualBody", "value": "a"}, {"type": "TextualBody", "value": "b"}],
                 "target": "https://example.org/c"}]}]}])
    );
    let notes: Vec<_> = notes.into_iter().map(|note| (note.kind, note.pointer)).collect();
    assert_eq!(
        notes,
        [
            (NoteKind::Lost, "/items/0".to_owned()),
            (NoteKind::Lost, "/items/1/spatialScale".to_owned()),
            (NoteKind::Moved, "/items/1/annotations/0/items/0/body".to_owned()),
        ]
    );
}

#[test]
fn pages_of_a_collection_stay_as_links() {
    let (read, notes) = downgrade(json!({
        "@context": "http://iiif.io/api/presentation/4/context.json",
        "id": "https://example.org/all", "type": "Collection", "label": {"en": ["All"]}, "total": 9,
        "first": {"id": "https://example.org/all/1", "type": "CollectionPage"},
        "last": {"id": "https://example.org/all/2", "type": "CollectionPage"}
    }));
    assert_eq!(read["first"], json!({"id": "https://example.org/all/1", "type": "Collection"}));
    assert_eq!(read["items"], json!([]));
    assert_eq!(notes.len(), 1);
}
