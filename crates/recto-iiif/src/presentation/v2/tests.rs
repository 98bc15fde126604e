use serde_json::json;

use super::super::{
    Annotation, AnnotationPage, Behavior, Canvas, CollectionItem, ContentResource, Context, Extra, LanguageMap, Range,
    RangeItem, Reference, Service,
};
use super::content::older_parameters;
use super::described::text;
use super::*;
use crate::Dimensions;

fn urls() -> DocumentUrls {
    DocumentUrls::new("https://example.org/p/3/", "https://example.org/p/2/")
}

fn page(name: &str) -> Canvas {
    let id = format!("https://example.org/p/3/book/canvas/{name}");
    let size = Dimensions::new(3000, 4000);
    let (current, older) = ("https://example.org/iiif/3/book%2F1.tif", "https://example.org/iiif/2/book%2F1.tif");
    let picture = |parameters: &str, size| ContentResource {
        service: vec![Service::image_3(current), Service::image_2(older)],
        ..ContentResource::jpeg(format!("{current}/{parameters}/0/default.jpg"), size)
    };
    let painting = Annotation::painting(format!("{id}/image"), picture("full/max", size), &*id);
    let mut canvas = Canvas::new(&*id, LanguageMap::none(name), size);
    canvas.thumbnail = vec![picture("full/150,200", Dimensions::new(150, 200))];
    canvas.items = vec![AnnotationPage::new(format!("{id}/page"), vec![painting])];
    canvas
}

fn book() -> Manifest {
    let mut manifest = Manifest::new("https://example.org/p/3/book/manifest", LanguageMap::none("Book"));
    manifest.items = vec![page("001")];
    manifest
}

#[test]
fn a_manifest_is_written_as_the_2_1_example_shows_it() {
    let mut manifest = book();
    manifest.behavior = vec![Behavior::Paged];
    manifest.homepage = vec![ContentResource::html("https://example.org/items/book", LanguageMap::one("en", "Book"))];
    manifest.part_of = vec![Reference::collection("https://example.org/p/3/all/collection", LanguageMap::none("All"))];
    let service = |sizes: Option<Value>| {
        let mut service = json!({
            "@context": "http://iiif.io/api/image/2/context.json",
            "@id": "https://example.org/iiif/2/book%2F1.tif",
            "profile": "http://iiif.io/api/image/2/level2.json"
        });
        if let Some(sizes) = sizes {
            service["sizes"] = sizes;
        }
        service
    };
    let written = super::manifest(&manifest, &urls());
    let wanted = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": "https://example.org/p/2/book/manifest",
        "@type": "sc:Manifest",
        "label": "Book",
        "viewingHint": "paged",
        "related": {
            "@id": "https://example.org/items/book",
            "label": {"@value": "Book", "@language": "en"},
            "format": "text/html"
        },
        "within": "https://example.org/p/2/all/collection",
        "sequences": [{
            "@id": "https://example.org/p/2/book/sequence/normal",
            "@type": "sc:Sequence",
            "viewingHint": "paged",
            "canvases": [{
                "@id": "https://example.org/p/3/book/canvas/001",
                "@type": "sc:Canvas",
                "label": "001",
                "height": 4000,
                "width": 3000,
                "thumbnail": {
                    "@id": "https://example.org/iiif/2/book%2F1.tif/full/150,/0/default.jpg",
                    "@type": "dctypes:Image",
                    "format": "image/jpeg",
                    "height": 200,
                    "width": 150,
                    "service": service(None)
                },
                "images": [{
                    "@id": "https://example.org/p/3/book/canvas/001/image",
                    "@type": "oa:Annotation",
                    "motivation": "sc:painting",
                    "resource": {
                        "@id": "https://example.org/iiif/2/book%2F1.tif/full/full/0/default.jpg",
                        "@type": "dctypes:Image",
                        "format": "image/jpeg",
                        "height": 4000,
                        "width": 3000,
                        "service": service(None)
                    },
                    "on": "https://example.org/p/3/book/canvas/001"
                }]
            }]
        }]
    });
    // Compared as text: the order of keys counts too.
    assert_eq!(serde_json::to_string_pretty(&written).unwrap(), serde_json::to_string_pretty(&wanted).unwrap());
}

#[test]
fn text_is_a_string_a_tagged_value_or_a_list() {
    let mut several = LanguageMap::none("a");
    several.push("de", "b");
    for (map, wanted) in [
        (LanguageMap::none("a"), json!("a")),
        (LanguageMap::one("de", "b"), json!({"@value": "b", "@language": "de"})),
        (several, json!(["a", {"@value": "b", "@language": "de"}])),
    ] {
        assert_eq!(text(&json!(map)), wanted);
    }
}

#[test]
fn image_parameters_take_the_canonical_form_of_2_1() {
    for (current, older) in [
        ("full/max/0/default.jpg", "full/full/0/default.jpg"),
        ("full/150,200/0/default.jpg", "full/150,/0/default.jpg"),
        ("full/^150,200/0/default.jpg", "full/^150,200/0/default.jpg"),
        ("full/!150,200/0/default.jpg", "full/!150,200/0/default.jpg"),
        ("0,0,10,10/150,200/0/default.jpg", "0,0,10,10/150,200/0/default.jpg"),
        ("full/1,375/0/default.jpg", "full/1,375/0/default.jpg"),
        ("full", "full"),
    ] {
        assert_eq!(older_parameters(current), older, "{current}");
    }
}

#[test]
fn a_picture_without_an_older_service_stays_where_it_is_and_keeps_its_service() {
    let mut manifest = book();
    let mut picture = ContentResource::jpeg("https://example.org/a/full/max/0/default.jpg", Dimensions::new(1, 1));
    picture.service = vec![Service::image_3("https://example.org/a")];
    manifest.thumbnail = vec![picture];
    let (written, notes) = write(json!(manifest), &urls());
    assert_eq!(written["thumbnail"]["@id"], "https://example.org/a/full/max/0/default.jpg");
    assert_eq!(
        written["thumbnail"]["service"],
        json!({"@context": "http://iiif.io/api/image/3/context.json", "@id": "https://example.org/a",
               "profile": "http://iiif.io/api/image/3/level2.json"})
    );
    let notes: Vec<_> = notes.iter().map(|note| (note.kind, note.pointer.as_str())).collect();
    assert_eq!(notes, [(NoteKind::Moved, "/thumbnail/0/service/0")]);
}

#[test]
fn a_canvas_without_a_picture_has_an_empty_list_and_one_with_only_time_a_size_that_holds_its_place() {
    let mut manifest = book();
    manifest.items[0].items.clear();
    let mut sound = page("sound");
    (sound.height, sound.width, sound.duration) = (None, None, serde_json::Number::from_f64(12.5));
    manifest.items.push(sound);
    let written = super::manifest(&manifest, &urls());
    let canvases = written["sequences"][0]["canvases"].as_array().unwrap();
    assert_eq!(canvases.len(), 2);
    assert_eq!(canvases[0]["images"], json!([]));
    assert_eq!((&canvases[1]["height"], &canvases[1]["width"]), (&json!(1000), &json!(1000)));
}

#[test]
fn sound_is_offered_on_a_canvas_with_the_picture_that_accompanies_it() {
    let painted = |canvas: &str, body: Value| {
        json!([{"id": format!("{canvas}/p"), "type": "AnnotationPage", "items": [
            {"id": format!("{canvas}/a"), "type": "Annotation", "motivation": "painting", "body": body, "target": canvas}]}])
    };
    let given = |beside: Value| {
        let mut canvas = json!({"id": "https://e.org/c", "type": "Canvas", "label": {"none": ["Side A"]}, "duration": 9.5,
            "items": painted("https://e.org/c", json!({"id": "https://e.org/a.mp3", "type": "Sound", "format": "audio/mpeg", "duration": 9.5}))});
        canvas.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        json!({"@context": Version::V3.context(), "id": "https://e.org/m", "type": "Manifest", "label": {"none": ["M"]}, "items": [canvas]})
    };
    let places = |notes: &[crate::presentation::Note]| {
        notes.iter().map(|note| (note.kind, note.pointer.clone())).collect::<Vec<_>>()
    };
    let (alone, notes) = downgrade(given(json!({})));
    assert_eq!(
        alone["sequences"][0]["canvases"],
        json!([{"@id": "https://e.org/c", "@type": "sc:Canvas", "label": "Side A", "height": 1000, "width": 1000,
            "rendering": {"@id": "https://e.org/a.mp3", "label": {"@value": "Audio", "@language": "en"}, "format": "audio/mpeg"},
            "images": []}])
    );
    assert_eq!(
        places(&notes),
        [(NoteKind::Lost, "/items/0".to_owned()), (NoteKind::Lost, "/items/0/items/0/items/0".to_owned())]
    );
    let beside = json!({"accompanyingCanvas": {"id": "https://e.org/x", "type": "Canvas", "height": 300, "width": 400,
        "items": painted("https://e.org/x", json!({"id": "https://e.org/x.jpg", "type": "Image", "format": "image/jpeg"}))}});
    let (pictured, notes) = downgrade(given(beside));
    let canvas = &pictured["sequences"][0]["canvases"][0];
    assert_eq!((&canvas["height"], &canvas["width"]), (&json!(300), &json!(400)));
    assert_eq!(
        canvas["images"],
        json!([{"@id": "https://e.org/x/a", "@type": "oa:Annotation", "motivation": "sc:painting",
            "resource": {"@id": "https://e.org/x.jpg", "@type": "dctypes:Image", "format": "image/jpeg"}, "on": "https://e.org/c"}])
    );
    assert!(places(&notes).contains(&(NoteKind::Moved, "/items/0/accompanyingCanvas".to_owned())), "{notes:?}");
    for document in [alone, pictured] {
        let errors: Vec<_> = crate::validate::validate(&document)
            .into_iter()
            .filter(|found| found.severity == crate::validate::Severity::Error)
            .collect();
        assert_eq!(errors, []);
    }
}

#[test]
fn ranges_become_a_flat_list_whose_members_are_named() {
    let inner = Range::new(
        "https://example.org/r/1",
        LanguageMap::none("One"),
        vec![
            RangeItem::canvas("c1"),
            RangeItem::Other(
                json!({"type": "SpecificResource", "source": "c2", "selector": {"type": "FragmentSelector", "value": "xywh=0,0,1,1"}}),
            ),
        ],
    );
    let outer =
        Range::new("https://example.org/r/0", LanguageMap::none("All"), vec![RangeItem::Range(Box::new(inner))]);
    let mut manifest = book();
    manifest.structures = vec![outer];
    assert_eq!(
        super::manifest(&manifest, &urls())["structures"],
        json!([
            {"@id": "https://example.org/r/0", "@type": "sc:Range", "label": "All", "viewingHint": "top",
             "ranges": ["https://example.org/r/1"]},
            {"@id": "https://example.org/r/1", "@type": "sc:Range", "label": "One",
             "canvases": ["c1", "c2#xywh=0,0,1,1"]},
        ])
    );
}

#[test]
fn a_collection_lists_collections_and_manifests_at_their_2_1_uris() {
    let mut all = Collection::new("https://example.org/p/3/all/collection", LanguageMap::none("All"));
    all.items = vec![
        CollectionItem::manifest("https://example.org/p/3/book/manifest", LanguageMap::none("Book")),
        CollectionItem::collection("https://example.org/p/3/maps/collection", LanguageMap::none("Maps")),
        CollectionItem::manifest("https://elsewhere.example/m", LanguageMap::none("Elsewhere")),
    ];
    assert_eq!(
        collection(&all, &urls()),
        json!({
            "@context": "http://iiif.io/api/presentation/2/context.json",
            "@id": "https://example.org/p/2/all/collection",
            "@type": "sc:Collection",
            "label": "All",
            "collections": [{"@id": "https://example.org/p/2/maps/collection", "@type": "sc:Collection", "label": "Maps"}],
            "manifests": [
                {"@id": "https://example.org/p/2/book/manifest", "@type": "sc:Manifest", "label": "Book"},
                {"@id": "https://elsewhere.example/m", "@type": "sc:Manifest", "label": "Elsewhere"}
            ]
        })
    );
}

#[test]
fn services_in_today_s_form_are_not_offered_to_2_1_clients() {
    let search = Service::Older(super::super::OlderService {
        id: "https://example.org/search/1/book".into(),
        kind: Some("SearchService1".into()),
        profile: Some("http://iiif.io/api/search/1/search".into()),
        sizes: Vec::new(),
        extra: Extra::from_iter([("@context".to_owned(), json!("http://iiif.io/api/search/1/context.json"))]),
    });
    let mut manifest = book();
    manifest.service = vec![Service::image_3("https://example.org/x"), search];
    assert_eq!(
        super::manifest(&manifest, &urls())["service"],
        json!({"@id": "https://example.org/search/1/book", "profile": "http://iiif.io/api/search/1/search",
               "@context": "http://iiif.io/api/search/1/context.json"})
    );
}

#[test]
fn a_3_0_document_reads_back_as_it_was_written_with_what_is_unknown_kept() {
    let given = json!({
        "@context": ["http://iiif.io/api/extension/navplace/context.json", "http://iiif.io/api/presentation/3/context.json"],
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["M"], "none": ["1"]},
        "viewingDirection": "right-to-left", "behavior": ["paged", "x-own"],
        "rights": "http://creativecommons.org/licenses/by/4.0/",
        "items": [{"id": "https://example.org/c", "type": "Canvas", "height": 10, "width": 20, "items": [
            {"id": "https://example.org/c/p", "type": "AnnotationPage", "items": [
                {"id": "https://example.org/c/a", "type": "Annotation", "motivation": "painting", "body": {
                    "id": "https://example.org/i.jpg", "type": "Image", "height": 10, "width": 20, "service": [
                        {"id": "https://example.org/i", "type": "ImageService3", "profile": "level1", "width": 20},
                        {"@id": "https://example.org/i", "@type": "ImageService2", "profile": ["http://iiif.io/api/image/2/level1.json"]}
                    ], "x-camera": {"iso": 100}}, "target": {"type": "SpecificResource", "source": "https://example.org/c"}}]}],
            "annotations": [{"id": "https://example.org/c/notes", "type": "AnnotationPage"}]}],
        "navPlace": {"type": "FeatureCollection"}
    });
    let manifest: Manifest = serde_json::from_value(given.clone()).unwrap();
    assert!(matches!(&manifest.context, Some(Context::Many(contexts)) if contexts.len() == 2));
    assert_eq!(manifest.extra["navPlace"]["type"], "FeatureCollection");
    assert_eq!(serde_json::to_string(&manifest).unwrap(), given.to_string());
}

#[test]
fn a_target_may_name_the_canvas_in_any_of_its_forms() {
    for (target, on) in [
        (json!("https://example.org/c"), Some("https://example.org/c")),
        (json!("https://example.org/c#xywh=0,0,5,5"), Some("https://example.org/c#xywh=0,0,5,5")),
        (json!({"id": "https://example.org/c", "type": "Canvas"}), Some("https://example.org/c")),
        (json!({"type": "SpecificResource", "source": "https://example.org/c"}), Some("https://example.org/c")),
        (
            json!({"type": "SpecificResource", "source": {"id": "https://example.org/c", "type": "Canvas"},
                   "selector": [{"type": "FragmentSelector", "value": "xywh=1,2,3,4"}]}),
            Some("https://example.org/c#xywh=1,2,3,4"),
        ),
        (
            json!({"type": "SpecificResource", "source": "https://example.org/c",
                   "selector": {"type": "PointSelector", "t": 3}}),
            Some("https://example.org/c"),
        ),
        (json!(["https://example.org/c"]), None),
        (json!({}), None),
    ] {
        let target: super::super::Target = serde_json::from_value(target.clone()).unwrap();
        assert_eq!(target.canvas_uri().as_deref(), on, "{target:?}");
    }
}

#[test]
fn a_document_of_another_class_is_refused_by_name() {
    let error = serde_json::from_value::<Manifest>(json!({"id": "x", "type": "Collection", "label": {}, "items": []}))
        .unwrap_err()
        .to_string();
    assert!(error.contains("`Collection`") && error.contains("`Manifest`"), "{error}");
}

#[test]
fn what_2_1_cannot_say_is_said_with_its_place() {
    let annotation = |body: Value| {
        json!([{"id": "https://e.org/p", "type": "AnnotationPage", "items": [
            {"id": "https://e.org/a", "type": "Annotation", "motivation": "painting", "body": body, "target": "https://e.org/c"}]}])
    };
    let film = json!({"id": "https://e.org/f.mp4", "type": "Video", "duration": 9});
    let range = |more: Value| {
        let mut range = json!({"id": "https://e.org/r", "type": "Range", "label": {"en": ["R"]}, "items": [{"id": "https://e.org/c", "type": "Canvas"}]});
        range.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "structures": [range] })
    };
    let of_canvas = |more: Value| {
        let mut canvas = json!({"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3});
        canvas.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "items": [canvas] })
    };
    for (more, lost) in [
        (json!({"items": [{"id": "https://e.org/c", "type": "Canvas", "duration": 9}]}), vec!["/items/0"]),
        (
            of_canvas(json!({"duration": 9, "items": annotation(film.clone())})),
            vec!["/items/0/duration", "/items/0/items/0/items/0"],
        ),
        (
            of_canvas(json!({"items": annotation(json!({"type": "Choice", "items": [film]}))})),
            vec!["/items/0/items/0/items/0"],
        ),
        (
            of_canvas(json!({"placeholderCanvas": {"id": "https://e.org/x", "type": "Canvas"}})),
            vec!["/items/0/placeholderCanvas"],
        ),
        (json!({"accompanyingCanvas": {"id": "https://e.org/x", "type": "Canvas"}}), vec!["/accompanyingCanvas"]),
        (json!({"behavior": ["paged", "auto-advance"]}), vec!["/behavior"]),
        (
            json!({"requiredStatement": {"label": {"en": ["Thanks"]}, "value": {"en": ["A"]}}}),
            vec!["/requiredStatement/label"],
        ),
        (json!({"provider": [{"id": "https://e.org/", "type": "Agent", "label": {"en": ["L"]}}]}), vec!["/provider/0"]),
        (json!({"service": [{"id": "https://e.org/s", "type": "SearchService2"}]}), vec!["/service/0"]),
        (json!({"services": [{"@id": "https://e.org/l", "@type": "AuthCookieService1"}]}), vec!["/services"]),
        (
            json!({"start": {"id": "https://e.org/st", "type": "SpecificResource", "source": "https://e.org/c",
                          "selector": {"type": "PointSelector", "t": 3}}}),
            vec!["/start/selector"],
        ),
        (range(json!({"behavior": ["sequence"]})), vec!["/structures/0/behavior"]),
        (
            range(
                json!({"items": [{"type": "SpecificResource", "source": "https://e.org/c", "selector": {"type": "SvgSelector", "value": ""}}]}),
            ),
            vec!["/structures/0/items/0/selector"],
        ),
    ] {
        let mut given = json!({"@context": Version::V3.context(), "id": "https://e.org/m", "type": "Manifest", "label": {"en": ["M"]},
            "items": [{"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3}]});
        given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (_, notes) = downgrade(given);
        let found: Vec<_> =
            notes.iter().filter(|note| note.kind == NoteKind::Lost).map(|note| note.pointer.as_str()).collect();
        assert_eq!(found, lost, "{more}");
    }
}

#[test]
fn shared_services_are_written_where_they_are_referred_to() {
    let login = json!({"@id": "https://e.org/l", "@type": "AuthCookieService1", "profile": "http://iiif.io/api/auth/1/login", "label": "Log in"});
    let (written, notes) = downgrade(
        json!({"@context": Version::V3.context(), "id": "https://e.org/m", "type": "Manifest", "label": {"en": ["M"]},
        "services": [login], "thumbnail": [{"id": "https://e.org/t.jpg", "type": "Image", "service": [
            {"@id": "https://e.org/i", "@type": "ImageService2", "service": [{"@id": "https://e.org/l", "@type": "AuthCookieService1"}]}]}],
        "items": [{"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3}]}),
    );
    assert_eq!(
        written["thumbnail"]["service"]["service"],
        json!([{"@context": "http://iiif.io/api/auth/1/context.json", "@id": "https://e.org/l", "profile": "http://iiif.io/api/auth/1/login", "label": "Log in"}])
    );
    assert_eq!(notes, []);
}

#[test]
fn lists_that_are_served_as_2_1_are_named_and_others_stay_embedded() {
    let page = |id: &str| {
        json!({"id": id, "type": "AnnotationPage", "items": [
        {"id": "https://e.org/a", "type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody", "value": "x"}, "target": "https://e.org/c"}]})
    };
    let given = json!({"id": "https://example.org/p/3/m", "type": "Manifest", "label": {"en": ["M"]}, "items": [
        {"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3, "annotations": [page("https://example.org/p/3/list"), page("https://e.org/list")]}]});
    let (written, notes) = write(given, &urls());
    assert_eq!(
        written["sequences"][0]["canvases"][0]["otherContent"],
        json!([{"@id": "https://example.org/p/2/list", "@type": "sc:AnnotationList"},
               {"@id": "https://e.org/list", "@type": "sc:AnnotationList", "resources": [
                   {"@id": "https://e.org/a", "@type": "oa:Annotation", "motivation": "oa:commenting",
                    "resource": {"@type": "cnt:ContentAsText", "chars": "x"}, "on": "https://e.org/c"}]}])
    );
    assert_eq!(
        notes.iter().map(|note| (note.kind, note.pointer.as_str())).collect::<Vec<_>>(),
        [(NoteKind::Moved, "/items/0/annotations/1")]
    );
}
