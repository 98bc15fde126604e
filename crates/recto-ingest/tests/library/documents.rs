//! The documents that are made of a library, against the rules of the specifications.

use std::collections::HashSet;

use recto_iiif::Dimensions;
use recto_iiif::presentation::{self, LanguageMap, Version, v2};
use recto_ingest::build::{self, Around, CollectionParts, MemberPart, PageFacts, SiteUrls};
use recto_ingest::description::Kind;
use recto_ingest::{Describer, File, Finding, Member, Object, Tree};
use serde_json::{Value, json};

use crate::rules::{broken_rules_of_2, broken_rules_of_3};
use crate::support::{Shelf, id};

const SIZE: Dimensions = Dimensions::new(3000, 4000);

fn urls() -> SiteUrls {
    SiteUrls::new("https://example.org/scans/")
}

fn facts(file: &File) -> PageFacts {
    PageFacts {
        file: file.identifier.clone(),
        page: 1,
        pages: 1,
        size: SIZE,
        sizes: [188, 375, 750, 1500].map(|w| Dimensions::new(w, (w * 4).div_ceil(3))).to_vec(),
        recording: None,
        problem: None,
    }
}

fn all_facts(object: &Object) -> Vec<PageFacts> {
    object.files.iter().map(facts).collect()
}

/// The manifest of an object of a shelf that is made of its files alone.
fn build(shelf: &Shelf, tree: &Tree, object: &Object, pages: &[PageFacts]) -> (presentation::Manifest, Vec<Finding>) {
    let library = shelf.library();
    let described = Describer::new(&library, tree).object(object);
    let parent = tree.parent_of(object);
    let collections = [(parent.identifier.clone(), LanguageMap::none(&*parent.label))];
    let around = Around { identifier: &described.identifier, prefix: object.prefix(), collections: &collections };
    build::manifest(&described.parts, around, pages, &urls())
}

fn manifest(shelf: &Shelf, tree: &Tree, object: &Object, pages: &[PageFacts]) -> (Value, Value) {
    let (manifest, _) = build(shelf, tree, object, pages);
    checked(json!(manifest), v2::manifest(&manifest, &urls().documents(Version::V2)))
}

fn build_collection(
    shelf: &Shelf,
    tree: &Tree,
    collection: &recto_ingest::Collection,
    facts: &dyn Fn(&File) -> Option<PageFacts>,
) -> presentation::Collection {
    let library = shelf.library();
    let described = Describer::new(&library, tree).collection(collection);
    let members = tree
        .members(collection)
        .map(|member| {
            let (kind, identifier, label, object) = match member {
                Member::Object(object) => (Kind::Manifest, &object.identifier, &object.label, Some(object)),
                Member::Collection(inner) => {
                    (Kind::Collection, &inner.identifier, &inner.label, tree.first_object(inner))
                }
            };
            let file = object.and_then(|object| object.files.first());
            MemberPart {
                kind,
                identifier: identifier.clone(),
                label: LanguageMap::none(&**label),
                picture: file.map(|file| file.identifier.clone()),
                facts: file.and_then(facts),
            }
        })
        .collect();
    let around: Vec<_> = tree
        .parent(collection)
        .map(|parent| (parent.identifier.clone(), LanguageMap::none(&*parent.label)))
        .into_iter()
        .collect();
    let around = Around { identifier: &described.identifier, prefix: "", collections: &around };
    build::collection(&CollectionParts { description: described.description, members }, around, &urls())
}

fn collection(shelf: &Shelf, tree: &Tree, collection: &recto_ingest::Collection) -> (Value, Value) {
    let document = build_collection(shelf, tree, collection, &|file| Some(facts(file)));
    checked(json!(document), v2::collection(&document, &urls().documents(Version::V2)))
}

/// Both versions of a document, once they have broken no rule.
fn checked(of_3: Value, of_2: Value) -> (Value, Value) {
    assert_eq!(broken_rules_of_3(&of_3), [""; 0], "{of_3:#}");
    assert_eq!(broken_rules_of_2(&of_2), [""; 0], "{of_2:#}");
    (of_3, of_2)
}

#[test]
fn a_folder_becomes_this_manifest() {
    let shelf = Shelf::with(&["a b/001 r.tif", "maps/x/1.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a b")).unwrap();
    let (of_3, of_2) = manifest(&shelf, &tree, object, &all_facts(object));
    let canvas = "https://example.org/scans/iiif/presentation/3/a%20b/canvas/001%20r";
    let (image_3, image_2) = (
        "https://example.org/scans/iiif/3/a%20b%2F001%20r.tif",
        "https://example.org/scans/iiif/2/a%20b%2F001%20r.tif",
    );
    let sizes = json!([{"width": 188, "height": 251}]);
    let thumbnail = json!([{
        "id": format!("{image_3}/full/188,251/0/default.jpg"),
        "type": "Image",
        "format": "image/jpeg",
        "height": 251,
        "width": 188,
        "service": [
            {"id": image_3, "type": "ImageService3", "profile": "level2", "sizes": sizes},
            {"@id": image_2, "@type": "ImageService2", "profile": "http://iiif.io/api/image/2/level2.json", "sizes": sizes}
        ]
    }]);
    let wanted = json!({
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": "https://example.org/scans/iiif/presentation/3/a%20b/manifest",
        "type": "Manifest",
        "label": {"none": ["a b"]},
        "thumbnail": thumbnail,
        "homepage": [{
            "id": "https://example.org/scans/items/a%20b", "type": "Text", "label": {"none": ["a b"]}, "format": "text/html"
        }],
        "partOf": [{
            "id": "https://example.org/scans/iiif/presentation/3/library/collection",
            "type": "Collection",
            "label": {"none": ["library"]}
        }],
        "items": [{
            "id": canvas,
            "type": "Canvas",
            "label": {"none": ["001 r"]},
            "height": 4000,
            "width": 3000,
            "thumbnail": thumbnail,
            "items": [{
                "id": format!("{canvas}/painting"),
                "type": "AnnotationPage",
                "items": [{
                    "id": format!("{canvas}/painting/1"),
                    "type": "Annotation",
                    "motivation": "painting",
                    "body": {
                        "id": format!("{image_3}/full/max/0/default.jpg"),
                        "type": "Image",
                        "format": "image/jpeg",
                        "height": 4000,
                        "width": 3000,
                        "service": [
                            {"id": image_3, "type": "ImageService3", "profile": "level2"},
                            {"@id": image_2, "@type": "ImageService2", "profile": "http://iiif.io/api/image/2/level2.json"}
                        ]
                    },
                    "target": canvas
                }]
            }]
        }]
    });
    // Compared as text: the order of keys counts too.
    assert_eq!(format!("{of_3:#}"), format!("{wanted:#}"));
    assert_eq!(of_2["@id"], "https://example.org/scans/iiif/presentation/2/a%20b/manifest");
    assert_eq!(of_2["within"], "https://example.org/scans/iiif/presentation/2/library/collection");
    assert_eq!(of_2["sequences"][0]["canvases"][0]["@id"], canvas);
    assert_eq!(of_2["thumbnail"]["@id"], format!("{image_2}/full/188,/0/default.jpg"));
}

#[test]
fn pages_of_a_file_are_canvases_in_their_order_among_the_other_files() {
    let shelf = Shelf::with(&["a/1.jpg", "a/2.tif", "a/10.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a")).unwrap();
    let mut pages = all_facts(object);
    let page = |page| PageFacts { page, pages: 3, ..facts(&object.files[1]) };
    pages[1] = page(1);
    pages.extend([page(3), page(2)]);
    pages.reverse();
    let (of_3, _) = manifest(&shelf, &tree, object, &pages);
    let listed: Vec<_> = of_3["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|canvas| {
            let name = canvas["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            let image = canvas["items"][0]["items"][0]["body"]["service"][0]["id"].as_str().unwrap();
            (
                name,
                canvas["label"]["none"][0].as_str().unwrap().to_owned(),
                image.rsplit('/').next().unwrap().to_owned(),
            )
        })
        .collect();
    let wanted = [
        ("1", "1", "a%2F1.jpg"),
        ("2", "2, 1", "a%2F2.tif"),
        ("2%3B2", "2, 2", "a%2F2.tif%3B2"),
        ("2%3B3", "2, 3", "a%2F2.tif%3B3"),
        ("10", "10", "a%2F10.jpg"),
    ];
    assert_eq!(listed, wanted.map(|(name, label, image)| (name.to_owned(), label.to_owned(), image.to_owned())));
    assert_eq!(of_3["behavior"], json!(["paged"]));
    assert_eq!(of_3["viewingDirection"], "left-to-right");
}

#[test]
fn the_pages_of_an_only_file_are_numbered() {
    let shelf = Shelf::with(&["book.tif", "x/1.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("book.tif")).unwrap();
    let pages: Vec<_> = (1..=2).map(|page| PageFacts { page, pages: 2, ..facts(&object.files[0]) }).collect();
    let (of_3, of_2) = manifest(&shelf, &tree, object, &pages);
    assert_eq!(of_3["label"]["none"][0], "book");
    assert_eq!(of_3["items"][1]["label"]["none"][0], "2");
    assert_eq!(of_2["sequences"][0]["viewingHint"], "paged");
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_place_and_is_a_finding() {
    let shelf = Shelf::with(&["a/1.jpg", "a/2.jpg", "a/3.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a")).unwrap();
    let mut pages = all_facts(object);
    pages[0].problem = Some("it ends after 12 bytes".into());
    pages.remove(1);
    let (_, found) = build(&shelf, &tree, object, &pages);
    let places: Vec<_> = found.iter().map(|finding| (finding.rule, finding.place.as_str())).collect();
    assert_eq!(places, [("image-unreadable", "a/1.jpg"), ("image-unreadable", "a/2.jpg")]);
    assert!(found[0].message.contains("it ends after 12 bytes"), "{}", found[0]);
    let (of_3, of_2) = manifest(&shelf, &tree, object, &pages);
    assert_eq!(of_3["items"].as_array().unwrap().len(), 3);
    assert_eq!(of_3["items"][0]["label"]["en"][0], "1 (this image cannot be read)");
    assert_eq!((&of_3["items"][0]["width"], &of_3["items"][0]["height"]), (&json!(1000), &json!(1000)));
    assert!(!of_3.to_string().contains("12 bytes"), "the cause is for the publisher, not for the public");
    assert_eq!(of_3["thumbnail"], of_3["items"][2]["thumbnail"], "the first page that can be shown");
    assert_eq!(of_2["sequences"][0]["canvases"][0]["images"], json!([]));
}

#[test]
fn a_page_of_no_pixels_is_a_page_that_cannot_be_read() {
    let shelf = Shelf::with(&["a/1.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a")).unwrap();
    let pages = [PageFacts { size: Dimensions::new(0, 10), ..facts(&object.files[0]) }];
    let (_, found) = build(&shelf, &tree, object, &pages);
    assert_eq!(found.len(), 1);
    manifest(&shelf, &tree, object, &pages);
}

#[test]
fn collections_list_their_members_with_pictures() {
    let shelf = Shelf::with(&["maps/old/1890/1.jpg", "maps/old/1891/1.jpg", "maps/city.png", "letters/1.tif"]);
    let tree = shelf.scan();
    let (root, root_2) = collection(&shelf, &tree, tree.root());
    assert_eq!(root["id"], "https://example.org/scans/iiif/presentation/3/library/collection");
    assert_eq!(root.get("partOf"), None);
    let members: Vec<_> = root["items"].as_array().unwrap().iter().map(|item| (&item["type"], &item["id"])).collect();
    let url = |rest: &str| json!(format!("https://example.org/scans/iiif/presentation/3/{rest}"));
    assert_eq!(
        members,
        [(&json!("Manifest"), &url("letters/manifest")), (&json!("Collection"), &url("maps/collection"))]
    );
    let first_map = "https://example.org/scans/iiif/3/maps%2Fcity.png/full/188,251/0/default.jpg";
    assert_eq!(root["items"][1]["thumbnail"][0]["id"], first_map);
    assert_eq!(root_2["manifests"][0]["@id"], "https://example.org/scans/iiif/presentation/2/letters/manifest");
    let (old, old_2) = collection(&shelf, &tree, tree.collection(&id("maps/old")).unwrap());
    assert_eq!(old["partOf"][0]["id"], url("maps/collection"));
    assert_eq!(old_2["within"], "https://example.org/scans/iiif/presentation/2/maps/collection");
    assert_eq!(old["items"][1]["id"], url("maps%2Fold%2F1891/manifest"));
}

#[test]
fn thumbnails_of_members_do_without_facts_and_broken_members_have_none() {
    let shelf = Shelf::with(&["a/1.jpg", "b/1.jpg", "c/x/1.jpg"]);
    let tree = shelf.scan();
    let first_page = |file: &File| {
        (file.identifier == id("b/1.jpg")).then(|| PageFacts { problem: Some("broken".into()), ..facts(file) })
    };
    let document = build_collection(&shelf, &tree, tree.root(), &first_page);
    let (of_3, of_2) = checked(json!(document), v2::collection(&document, &urls().documents(Version::V2)));
    assert_eq!(
        of_3["items"][0]["thumbnail"][0]["id"],
        "https://example.org/scans/iiif/3/a%2F1.jpg/full/!200,200/0/default.jpg"
    );
    assert_eq!(of_3["items"][1].get("thumbnail"), None);
    assert_eq!(
        of_2["manifests"][0]["thumbnail"]["@id"],
        "https://example.org/scans/iiif/2/a%2F1.jpg/full/!200,200/0/default.jpg"
    );
}

#[test]
fn an_empty_library_is_a_collection_without_members() {
    let shelf = Shelf::with(&[]);
    let tree = shelf.scan();
    let (of_3, of_2) = collection(&shelf, &tree, tree.root());
    assert_eq!(of_3["items"], json!([]));
    assert_eq!((of_2.get("collections"), of_2.get("manifests")), (None, None));
}

#[test]
fn names_that_urls_do_not_like_give_documents_that_break_no_rule() {
    let names = ["a?b#c/1%2F2.jpg", "a?b#c/[x] <y>.jpg", "a?b#c/\"q\"^.jpg", "ünï/ß\u{301}😀.tif", "a;2/b;2.jpg"];
    let shelf = Shelf::with(&names);
    let tree = shelf.scan();
    assert_eq!(tree.images(), names.len());
    for object in tree.objects() {
        manifest(&shelf, &tree, object, &all_facts(object));
    }
    collection(&shelf, &tree, tree.root());
}

#[test]
fn the_same_library_gives_the_same_bytes() {
    let names = ["maps/b/2.jpg", "maps/b/1.jpg", "maps/c.tif", "letters/1.tif", "letters/1.jpg"];
    let bytes = |names: &[&str]| {
        let shelf = Shelf::with(names);
        let tree = shelf.scan();
        let mut out = Vec::new();
        for object in tree.objects() {
            let (manifest, _) = build(&shelf, &tree, object, &all_facts(object));
            out.push(serde_json::to_string(&manifest).unwrap());
            out.push(v2::manifest(&manifest, &urls().documents(Version::V2)).to_string());
        }
        for collection in tree.collections() {
            let document = build_collection(&shelf, &tree, collection, &|file| Some(facts(file)));
            out.push(serde_json::to_string(&document).unwrap());
        }
        out
    };
    let mut reversed = names;
    reversed.reverse();
    assert_eq!(bytes(&names), bytes(&reversed));
}

#[test]
fn what_is_written_reads_back_as_what_it_was() {
    let shelf = Shelf::with(&["a/1.jpg", "a/2.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a")).unwrap();
    let (written, _) = build(&shelf, &tree, object, &all_facts(object));
    let json = serde_json::to_string(&written).unwrap();
    let read: presentation::Manifest = serde_json::from_str(&json).unwrap();
    assert_eq!(read, written);
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
}

#[test]
fn an_object_of_twenty_thousand_pages_is_written_whole() {
    let shelf = Shelf::with(&["big/newspaper.tif"]);
    let tree = shelf.scan();
    let object = &tree.objects()[0];
    let one = facts(&object.files[0]);
    let pages: Vec<_> = (1..=20_000).map(|page| PageFacts { page, pages: 20_000, ..one.clone() }).collect();
    let begin = std::time::Instant::now();
    let (manifest, _) = build(&shelf, &tree, object, &pages);
    let built = begin.elapsed();
    let json = serde_json::to_vec(&manifest).unwrap();
    let written = begin.elapsed();
    let older = v2::manifest(&manifest, &urls().documents(Version::V2));
    eprintln!("built in {built:?}, {} bytes in {written:?}, both in {:?}", json.len(), begin.elapsed());
    assert_eq!(manifest.items.len(), 20_000);
    assert_eq!(manifest.items[19_999].label.as_ref().unwrap().first(), Some("20000"));
    assert_eq!(older["sequences"][0]["canvases"].as_array().unwrap().len(), 20_000);
    let ids: HashSet<&str> = manifest.items.iter().map(|canvas| canvas.id.as_str()).collect();
    assert_eq!(ids.len(), 20_000);
}

#[test]
fn the_rules_find_what_is_wrong() {
    let shelf = Shelf::with(&["a/1.jpg", "a/2.jpg"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a")).unwrap();
    let (of_3, of_2) = manifest(&shelf, &tree, object, &all_facts(object));
    for (pointer, wrong) in [
        ("/@context", json!("x")),
        ("/id", json!("urn:x")),
        ("/label", json!("text")),
        ("/items", json!([])),
        ("/items/1/id", of_3["items"][0]["id"].clone()),
        ("/items/0/height", json!(0)),
        ("/items/0/items", json!([])),
        ("/items/0/thumbnail", json!({})),
        ("/items/0/items/0/items/0/target", json!("https://example.org/other")),
        ("/items/0/items/0/items/0/motivation", json!("supplementing")),
        ("/items/0/items/0/items/0/body/service/0", json!({"id": "https://x", "@id": "https://x", "type": "y"})),
        ("/viewingDirection", json!("up")),
        ("/homepage/0/label", json!({})),
    ] {
        let mut broken = of_3.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert_ne!(broken_rules_of_3(&broken), [""; 0], "{pointer}");
    }
    for (pointer, wrong) in [
        ("/@id", json!("urn:x")),
        ("/sequences", json!([])),
        ("/sequences/0/canvases", json!([])),
        ("/sequences/0/canvases/0/width", json!("3000")),
        ("/sequences/0/canvases/0/images/0/on", json!("https://example.org/other")),
        ("/sequences/0/canvases/0/images/0/resource/service/profile", json!("level2")),
    ] {
        let mut broken = of_2.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert_ne!(broken_rules_of_2(&broken), [""; 0], "{pointer}");
    }
}
