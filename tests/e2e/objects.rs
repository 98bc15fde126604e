//! Folders as objects and collections: what the zero-configuration rules promise, seen from outside.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Library, Server, coded_png};

const P2: &str = "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"";
const P3: &str = "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"";

fn example(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    std::fs::read(path).unwrap()
}

/// The name under which the whole library is a collection.
fn root(library: &Library) -> String {
    library.folder.path().file_name().unwrap().to_str().unwrap().to_owned()
}

fn manifest(server: &Server, identifier: &str) -> Value {
    let answer = server.get(&format!("/iiif/presentation/3/{identifier}/manifest"));
    assert_eq!(answer.status, 200, "{identifier}: {}", answer.text());
    answer.json()
}

fn collection(server: &Server, identifier: &str) -> Value {
    let answer = server.get(&format!("/iiif/presentation/3/{identifier}/collection"));
    assert_eq!(answer.status, 200, "{identifier}: {}", answer.text());
    answer.json()
}

/// All `label`s of the items, whatever their language.
fn labels(document: &Value) -> Vec<String> {
    let items = document["items"].as_array().unwrap();
    items.iter().map(label).collect()
}

fn label(item: &Value) -> String {
    let languages = item["label"].as_object().unwrap_or_else(|| panic!("a language map: {item}"));
    languages.values().next().unwrap()[0].as_str().unwrap().to_owned()
}

fn ids(document: &Value) -> Vec<String> {
    document["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Asks until the answer is as wanted; the library is watched, so it has to become so by itself.
#[track_caller]
fn until<T: std::fmt::Debug>(ask: impl Fn() -> T, is_so: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let found = ask();
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not become so: {found:?}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// The path of one of the server's own URLs.
#[track_caller]
fn path_of<'url>(server: &Server, url: &'url str) -> &'url str {
    url.strip_prefix(&server.base()).unwrap_or_else(|| panic!("{url} is not of {}", server.base()))
}

#[test]
fn folders_are_manifests_and_folders_of_folders_are_collections() {
    let library = Library::new();
    for name in ["Letters/1890/p10.png", "Letters/1890/p2.png", "Letters/1890/P1.png", "Letters/1891/a.png"] {
        library.put_png(name, 60, 40);
    }
    library.put_png("Maps/world.png", 60, 40).put_png("Poster 2.png", 50, 50).put_png("Poster 10.png", 50, 50);
    library
        .put("Letters/1890/notes.txt", b"no image")
        .put("Empty/readme.md", b"none")
        .put("Letters/.hidden/x.png", b"");
    let server = library.serve(&["--set", "library.title=The Archive"]);
    let top = collection(&server, &root(&library));
    assert_eq!(top["type"], "Collection");
    assert_eq!(labels(&top), ["Letters", "Maps", "Poster 2", "Poster 10"]);
    let kinds: Vec<_> = top["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Collection", "Manifest", "Manifest", "Manifest"]);
    let letters = collection(&server, "Letters");
    assert_eq!(labels(&letters), ["1890", "1891"]);
    assert_eq!(letters["partOf"][0]["id"], top["id"]);
    let object = manifest(&server, "Letters%2F1890");
    assert_eq!((object["type"].as_str(), label(&object).as_str()), (Some("Manifest"), "1890"));
    assert_eq!(labels(&object), ["P1", "p2", "p10"], "by number, without regard to case");
    assert_eq!(object["partOf"][0]["id"], letters["id"]);
    assert_eq!(manifest(&server, "Letters/1890"), object, "raw slashes name the same object");
    assert_eq!(labels(&manifest(&server, "Poster%202.png")), ["Poster 2"]);
    // Every item of every collection is where it says it is.
    let mut todo = ids(&top);
    let mut seen = 0;
    while let Some(id) = todo.pop() {
        let answer = server.get(path_of(&server, &id));
        assert_eq!(answer.status, 200, "{id}");
        let document = answer.json();
        assert_eq!(document["id"], id.as_str());
        if document["type"] == "Collection" {
            todo.extend(ids(&document));
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
    assert_eq!(server.get("/iiif/presentation/3/Empty/manifest").status, 404);
    assert_eq!(server.get("/iiif/presentation/3/Letters/manifest").status, 404, "a collection has no manifest");
    server.assert_clean_log();
}

#[test]
fn both_versions_have_their_own_urls_and_are_negotiated_on_one() {
    let library = Library::new();
    library.put_png("Book/1.png", 60, 40).put_png("Book/2.png", 60, 40);
    let server = library.serve(&[]);
    let neutral = "/iiif/presentation/Book/manifest";
    for (path, accept, media_type, version) in [
        ("/iiif/presentation/3/Book/manifest", None, P3, 3),
        ("/iiif/presentation/3/Book/manifest", Some("application/json"), "application/json", 3),
        ("/iiif/presentation/2/Book/manifest", None, "application/json", 2),
        ("/iiif/presentation/2/Book/manifest", Some(P3), "application/json", 2),
        (neutral, None, P3, 3),
        (neutral, Some("*/*"), P3, 3),
        (neutral, Some(P3), P3, 3),
        (neutral, Some(P2), P2, 2),
    ] {
        let headers: Vec<_> = accept.iter().map(|accept| ("Accept", *accept)).collect();
        let answer = server.ask("GET", path, &headers);
        assert_eq!(answer.status, 200, "{path} {accept:?}: {}", answer.text());
        if version == 3 || accept != Some(P3) {
            assert_eq!(answer.header("content-type"), media_type, "{path} {accept:?}");
        }
        assert!(answer.header("vary").contains("Accept"), "{path} {accept:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let document = answer.json();
        assert_eq!(document["@context"], format!("http://iiif.io/api/presentation/{version}/context.json").as_str());
        let own = format!("{}/iiif/presentation/{version}/Book/manifest", server.base());
        let (id, kind) = if version == 3 { ("id", "type") } else { ("@id", "@type") };
        assert_eq!(document[id], own.as_str(), "{path} {accept:?}");
        assert_eq!(document[kind], if version == 3 { "Manifest" } else { "sc:Manifest" });
        let etag = answer.header("etag").to_owned();
        assert!(etag.starts_with('"'), "a strong validator: {etag}");
        let mut again = headers.clone();
        again.push(("If-None-Match", &etag));
        let again = server.ask("GET", path, &again);
        assert_eq!((again.status, again.header("etag")), (304, etag.as_str()), "{path} {accept:?}");
        let head = server.ask("HEAD", path, &headers);
        assert_eq!((head.status, head.header("etag")), (200, etag.as_str()), "{path} {accept:?}");
    }
    let etag = |accept| server.ask("GET", neutral, &[("Accept", accept)]).header("etag").to_owned();
    assert_ne!(etag(P2), etag(P3), "two documents, two validators");
    let of_2 = server.get("/iiif/presentation/2/Book/manifest").json();
    let canvases = of_2["sequences"][0]["canvases"].as_array().unwrap();
    let names: Vec<_> = canvases.iter().map(|canvas| canvas["@id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ids(&manifest(&server, "Book")), "a canvas has one name in both versions");
    let image = &canvases[0]["images"][0]["resource"];
    assert_eq!((image["width"].as_u64(), image["height"].as_u64()), (Some(60), Some(40)));
    let service = image["service"]["@id"].as_str().unwrap();
    assert_eq!(server.get(&format!("{}/info.json", path_of(&server, service))).json()["@id"], service);
}

#[test]
fn canvases_keep_their_ids_when_a_page_is_put_between() {
    let library = Library::new();
    for page in ["1.png", "2.png", "10.png"] {
        library.put_png(&format!("Book/{page}"), 60, 40);
    }
    let server = library.serve(&[]);
    let before = manifest(&server, "Book");
    let etag = server.get("/iiif/presentation/3/Book/manifest").header("etag").to_owned();
    library.put_png("Book/3.png", 80, 40);
    let after = until(|| manifest(&server, "Book"), |found| labels(found).len() == 4);
    assert_eq!(labels(&after), ["1", "2", "3", "10"]);
    let kept: Vec<_> = ids(&after).into_iter().filter(|id| ids(&before).contains(id)).collect();
    assert_eq!(kept, ids(&before));
    assert_ne!(server.get("/iiif/presentation/3/Book/manifest").header("etag"), etag);
    std::fs::remove_file(library.path("Book/3.png")).unwrap();
    until(|| manifest(&server, "Book"), |found| *found == before);
    assert_eq!(server.get("/iiif/presentation/3/Book/manifest").header("etag"), etag, "the same input, the same bytes");
}

#[test]
fn objects_come_and_go_with_their_folders() {
    let library = Library::new();
    library.put_png("One/1.png", 60, 40);
    let server = library.serve(&[]);
    let top = || labels(&collection(&server, &root(&library)));
    assert_eq!(top(), ["One"]);
    library.put_png("Two/1.png", 60, 40);
    until(top, |labels| *labels == ["One", "Two"]);
    until(|| server.get("/").text(), |page| page.contains("Two"));
    std::fs::rename(library.path("Two"), library.path("Three")).unwrap();
    until(top, |labels| *labels == ["One", "Three"]);
    let moved = server.get("/iiif/presentation/3/Two/manifest");
    assert_eq!(
        (moved.status, moved.header("location")),
        (301, format!("{}/iiif/presentation/3/Three/manifest", server.base()).as_str())
    );
    assert_eq!(server.get("/items/Two").status, 200, "people get to see it without a detour");
    assert_eq!(labels(&manifest(&server, "Three")), ["1"]);
    std::fs::remove_dir_all(library.path("Three")).unwrap();
    until(top, |labels| *labels == ["One"]);
    server.assert_clean_log();
}

#[test]
fn each_page_of_a_tiff_is_a_canvas() {
    let library = Library::new();
    library.put("Index cards.tif", &example("Index cards.tif")).put_png("Book/1.png", 30, 20);
    library.put("Book/cards.tif", &example("Index cards.tif"));
    let server = library.serve(&[]);
    let cards = manifest(&server, "Index%20cards.tif");
    assert_eq!(labels(&cards), ["1", "2", "3", "4"]);
    for canvas in cards["items"].as_array().unwrap() {
        assert_eq!((canvas["width"].as_u64(), canvas["height"].as_u64()), (Some(1500), Some(900)));
    }
    let services = services(&cards);
    assert_eq!(services.len(), 4, "each page has an image of its own: {services:?}");
    let pictures: BTreeSet<_> = services
        .iter()
        .map(|service| server.get(&format!("{}/full/300,/0/default.png", path_of(&server, service))).body)
        .collect();
    assert_eq!(pictures.len(), 4, "and shows another picture");
    assert_eq!(labels(&manifest(&server, "Book")), ["1", "cards, 1", "cards, 2", "cards, 3", "cards, 4"]);
    assert_eq!(server.get("/iiif/3/Index%20cards.tif%3B5/info.json").status, 404);
    assert_eq!(server.get("/iiif/3/Index%20cards.tif%3B0/info.json").status, 404);
}

/// Bases of the version 3 image services of all canvases, each once.
fn services(manifest: &Value) -> BTreeSet<String> {
    let canvases = manifest["items"].as_array().unwrap();
    let bodies = canvases.iter().map(|canvas| &canvas["items"][0]["items"][0]["body"]);
    bodies.filter_map(|body| body["service"][0]["id"].as_str()).map(str::to_owned).collect()
}

#[test]
fn a_broken_image_keeps_its_place() {
    let library = Library::new();
    library.put_png("Book/1.png", 60, 40).put_png("Book/3.png", 60, 40);
    library.put("Book/2.png", &coded_png(60, 40)[..40]).put("Book/4.tif", b"II\x2a\0nothing");
    let server = library.serve(&[]);
    let object = manifest(&server, "Book");
    let labels = labels(&object);
    assert_eq!(labels.len(), 4, "{labels:?}");
    assert!(labels[1].starts_with('2') && labels[1].contains("cannot be read"), "{labels:?}");
    assert!(labels[3].starts_with('4') && labels[3].contains("cannot be read"), "{labels:?}");
    let broken = &object["items"][1];
    assert!(broken["width"].as_u64() > Some(0) && broken["height"].as_u64() > Some(0));
    assert_eq!(broken["items"][0]["items"], Value::Array(Vec::new()), "nothing is painted: {broken}");
    assert_eq!(server.get("/iiif/presentation/2/Book/manifest").status, 200);
    assert_eq!(server.get("/items/Book").status, 200);
    assert_eq!(server.get("/").status, 200);
    // Mended, it is there.
    library.put_png("Book/2.png", 70, 50);
    let mended = until(|| manifest(&server, "Book"), |found| found["items"][1]["width"] == 70);
    assert_eq!(ids(&mended), ids(&object));
}

fn assert_sized(server: &Server, resource: &Value) {
    let id = resource["id"].as_str().unwrap();
    let answer = server.get(path_of(server, id));
    assert_eq!(answer.header("content-type"), resource["format"].as_str().unwrap(), "{id}");
    let (w, h) = answer.size();
    let announced = (resource["width"].as_u64(), resource["height"].as_u64());
    assert_eq!(announced, (Some(w.into()), Some(h.into())), "{id}");
}

#[test]
fn everything_that_a_manifest_names_is_there() {
    let library = Library::new();
    let folder = "Ünusual [1] #2? 100%";
    for (name, w, h) in
        [("a b?.png", 600, 400), ("50%25.png", 3, 900), ("#1 [x].png", 1200, 801), ("日本;語.png", 1, 1)]
    {
        library.put_png(&format!("{folder}/{name}"), w, h);
    }
    library.put(&format!("{folder}/cards.tif"), &example("Index cards.tif"));
    library.put_png("Other/1.png", 20, 20);
    let server = library.serve(&[]);
    let top = collection(&server, &root(&library));
    let object_id = ids(&top).into_iter().find(|id| id.contains("nusual")).unwrap();
    for member in top["items"].as_array().unwrap() {
        assert_sized(&server, &member["thumbnail"][0]);
    }
    let object = server.get(path_of(&server, &object_id)).json();
    assert_eq!(object["id"], object_id.as_str());
    assert_eq!(label(&object), folder);
    assert_eq!(object["items"].as_array().unwrap().len(), 8);
    let homepage = object["homepage"][0]["id"].as_str().unwrap();
    assert_eq!(server.get(path_of(&server, homepage)).status, 200, "{homepage}");
    assert_eq!(server.get(path_of(&server, object["partOf"][0]["id"].as_str().unwrap())).status, 200);
    assert_sized(&server, &object["thumbnail"][0]);
    for canvas in object["items"].as_array().unwrap() {
        let id = canvas["id"].as_str().unwrap();
        let mut alone = server.get(path_of(&server, id)).json();
        alone.as_object_mut().unwrap().remove("@context").unwrap();
        assert_eq!(alone, *canvas, "{id}");
        assert_sized(&server, &canvas["thumbnail"][0]);
        let annotation = &canvas["items"][0]["items"][0];
        assert_eq!(annotation["target"], id);
        let body = &annotation["body"];
        assert_sized(&server, body);
        assert_eq!((&body["width"], &body["height"]), (&canvas["width"], &canvas["height"]), "{id}");
        for (version, service) in [(3, &body["service"][0]), (2, &body["service"][1])] {
            let key = if version == 3 { "id" } else { "@id" };
            let base = service[key].as_str().unwrap_or_else(|| panic!("version {version}: {service}"));
            let info = server.get(&format!("{}/info.json", path_of(&server, base))).json();
            assert_eq!(info[key], base, "a service's id is the URL that its info.json was asked under");
            assert_eq!(info["width"], canvas["width"]);
            let profile = if version == 3 { &info["profile"] } else { &info["profile"][0] };
            assert_eq!(*profile, service["profile"], "{base}");
        }
    }
    assert_eq!(
        server.get(&format!("{}/canvas/none", path_of(&server, &object_id).trim_end_matches("/manifest"))).status,
        404
    );
    server.assert_clean_log();
}

#[track_caller]
fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/html"), "{:?}", answer.headers);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src") && !policy.contains("default-src *"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[test]
fn pages_for_people_show_every_object() {
    let library = Library::new();
    for number in 1..=70 {
        library.put_png(&format!("Shelf/Book {number}/1.png"), 40, 30);
    }
    library.put_png("<script>alert(1) & Söhne/1.png", 40, 30).put_png("Sheet.png", 40, 30);
    let server = library.serve(&["--set", "library.title=The <Archive>"]);
    let first = server.get("/");
    assert_page(&first, 200);
    let text = first.text();
    assert!(text.contains("The &lt;Archive&gt;"), "the title is there, escaped");
    assert!(!text.contains("<script>alert"), "names are escaped");
    for part in ["Shelf", "Söhne", "Sheet", "href=\"/items/Shelf\"", "href=\"/items/Sheet.png\""] {
        assert!(text.contains(part), "{part}");
    }
    // All objects of a collection, over all of its pages.
    let pages: String = (1..=2).map(|page| server.get(&format!("/items/Shelf?page={page}")).text()).collect();
    for number in 1..=70 {
        assert!(pages.contains(&format!("href=\"/items/Shelf%2FBook%20{number}\"")), "Book {number}");
    }
    for path in ["/items/Shelf", "/items/Shelf%2FBook%201", "/items/Shelf/Book%201", "/items/Sheet.png"] {
        assert_page(&server.get(path), 200);
    }
    let item = server.get("/items/Shelf%2FBook%207").text();
    assert!(item.contains(&format!("{}/iiif/presentation/3/Shelf%2FBook%207/manifest", server.base())));
    let item = server.get("/items/Sheet.png").text();
    assert!(item.contains("/iiif/3/Sheet.png"), "the image's URL can be copied");
    let manifest = format!("{}/iiif/presentation/3/Sheet.png/manifest", server.base());
    for viewer in ["mirador", "openseadragon", "uv"] {
        assert_page(&server.get(&format!("/viewer/{viewer}?manifest={manifest}")), 200);
    }
    let hostile = server.get("/viewer/mirador?manifest=%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
    assert_page(&hostile, 200);
    assert!(!hostile.text().contains("<script>alert"), "{}", hostile.text());
}

#[test]
fn what_is_not_there_is_said_to_people_as_a_page_and_to_programs_as_json() {
    let library = Library::new();
    library.put_png("Book/1.png", 40, 30);
    let server = library.serve(&[]);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in ["/items/none", "/items/Book%2Fnone", "/viewer/none", "/none"] {
        let page = server.ask("GET", path, &[("Accept", browser)]);
        assert_page(&page, 404);
        let other = server.ask("GET", path, &[("Accept", "application/json")]);
        assert_eq!(other.status, 404, "{path}");
        assert!(other.header("content-type").starts_with("application/problem+json"), "{path}: {:?}", other.headers);
        assert_eq!(other.json()["status"], 404);
    }
    for path in [
        "/iiif/presentation/3/none/manifest",
        "/iiif/presentation/2/none/collection",
        "/iiif/presentation/none/manifest",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.header("content-type").starts_with("application/problem+json"), "{path}: {:?}", answer.headers);
        assert!(answer.json()["detail"].as_str().unwrap().contains("none"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
}

#[test]
fn pages_of_a_pdf_are_canvases_and_images_leave_as_pdf() {
    let library = Library::new();
    let pages = "%PDF-1.4\n\
        1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n\
        2 0 obj <</Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 72 36]>> endobj\n\
        3 0 obj <</Type /Page /Parent 2 0 R>> endobj\n\
        4 0 obj <</Type /Page /Parent 2 0 R /Rotate 90>> endobj\n\
        trailer <</Root 1 0 R>>\n%%EOF\n";
    library.put("Book/pages.pdf", pages.as_bytes());
    let server = library.serve(&["--set", "image.document_dpi=100"]);
    let manifest = manifest(&server, "Book");
    let canvases = manifest["items"].as_array().unwrap();
    let sizes: Vec<_> = canvases.iter().map(|canvas| (canvas["width"].clone(), canvas["height"].clone())).collect();
    assert_eq!(sizes, [(100.into(), 50.into()), (50.into(), 100.into())]);
    let info = server.get("/iiif/3/Book%2Fpages.pdf;2/info.json").json();
    assert_eq!((&info["width"], &info["height"]), (&50.into(), &100.into()));
    let tile = server.get("/iiif/3/Book%2Fpages.pdf;2/0,0,20,30/20,/0/default.png");
    assert_eq!((tile.status, tile.size()), (200, (20, 30)), "{}", tile.text());
    let page = server.get("/iiif/3/Book%2Fpages.pdf/full/max/0/default.pdf");
    assert_eq!((page.status, page.header("content-type")), (200, "application/pdf"), "{}", page.text());
    assert!(page.body.starts_with(b"%PDF-"));
}
