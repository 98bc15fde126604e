//! What comes from elsewhere, and what leaves: manifests and collections taken in, documents written for any web server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::described::{get, labels, manifest, recto, wav};
use crate::support::Library;

#[test]
fn manifests_of_others_are_taken_in_and_images_fetched() {
    let library = Library::new();
    library.put_png("book/1.png", 60, 80).put("book/recto.yml", b"label: Elsewhere\n");
    let elsewhere = library.serve(&[]);
    let here = Library::new();
    let folder = here.path("taken");
    let url = format!("{}/iiif/presentation/2/book/manifest", elsewhere.base());
    let (code, _, said) = recto(&["import", &url, "--to", folder.to_str().unwrap(), "--mirror"]);
    assert!(code == 0 && said.contains("1 canvases, 1 images fetched"), "{said}");
    let (code, _, said) = recto(&["import", &url, "--to", folder.to_str().unwrap()]);
    assert!(code == 2 && said.contains("nothing is overwritten"), "{said}");
    drop(elsewhere);
    let server = here.serve(&[]);
    let taken = manifest(&server, "taken");
    assert_eq!(taken["label"].as_object().unwrap().values().next().unwrap()[0], "Elsewhere");
    let body = &taken["items"][0]["items"][0]["items"][0]["body"];
    assert_eq!(body["service"][0]["id"], format!("{}/iiif/3/taken%2F0001.jpg", server.base()));
    assert_eq!(server.get("/iiif/3/taken%2F0001.jpg/full/max/0/default.jpg").size(), (60, 80));
}

/// A server that answers these paths, each with the text, and others with 404.
fn answering(answers: Vec<(&'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let ours = base.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut asked, mut buffer) = (Vec::new(), [0; 1024]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).unwrap();
                if read == 0 {
                    break;
                }
                asked.extend_from_slice(&buffer[..read]);
            }
            let asked = String::from_utf8(asked).unwrap();
            let path = asked.split(' ').nth(1).unwrap_or_default();
            let answer = answers.iter().find(|(known, _)| *known == path).map(|(_, text)| text.replace("BASE", &ours));
            let (status, text) = answer.map_or(("404 Not Found", String::new()), |text| ("200 OK", text));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            let _gone = stream.write_all(format!("{head}{text}").as_bytes());
        }
    });
    base
}

fn a_manifest(path: &str, label: &str) -> String {
    json!({
        "@context": "http://iiif.io/api/presentation/3/context.json", "id": format!("BASE{path}"), "type": "Manifest", "label": {"en": [label]},
        "items": [{"id": format!("BASE{path}/c1"), "type": "Canvas", "height": 8, "width": 8, "items": [{"id": format!("BASE{path}/p1"),
            "type": "AnnotationPage", "items": [{"id": format!("BASE{path}/a1"), "type": "Annotation", "motivation": "painting",
            "body": {"id": "BASE/none.jpg", "type": "Image", "format": "image/jpeg", "height": 8, "width": 8}, "target": format!("BASE{path}/c1")}]}]}]
    })
    .to_string()
}

#[test]
fn a_collection_becomes_a_folder_in_its_order_and_another_run_goes_on() {
    let reference =
        |path: &str, class: &str| json!({"id": format!("BASE{path}"), "type": class, "label": {"en": ["?"]}});
    let all = json!({
        "@context": "http://iiif.io/api/presentation/3/context.json", "id": "BASE/all", "type": "Collection", "label": {"en": ["All"], "de": ["Alles"]},
        "metadata": [{"label": {"en": ["Owner"]}, "value": {"en": ["Us", "You"]}}],
        "items": [reference("/z/manifest", "Manifest"), reference("/lost/manifest", "Manifest"), reference("/inner", "Collection"), reference("/a/manifest.json", "Manifest")]
    });
    // In the older form, in pages, and around what it is in.
    let inner = json!({"@context": "http://iiif.io/api/presentation/2/context.json", "@id": "BASE/inner", "@type": "sc:Collection", "label": "Inner",
        "first": "BASE/inner/1"});
    let page = |place: u32, next: Option<&str>, members: Value| {
        let mut page = json!({"@context": "http://iiif.io/api/presentation/2/context.json", "@id": format!("BASE/inner/{place}"), "@type": "sc:Collection",
            "label": "Inner", "members": members});
        if let Some(next) = next {
            page["next"] = json!(next);
        }
        page.to_string()
    };
    let older = |path: &str, class: &str| json!({"@id": format!("BASE{path}"), "@type": class, "label": "?"});
    let answers = vec![
        ("/all", all.to_string()),
        ("/inner", inner.to_string()),
        (
            "/inner/1",
            page(1, Some("BASE/inner/2"), json!([older("/y/manifest", "sc:Manifest"), older("/all", "sc:Collection")])),
        ),
        ("/inner/2", page(2, None, json!([older("/x/manifest", "sc:Manifest")]))),
        ("/z/manifest", a_manifest("/z/manifest", "Z")),
        ("/a/manifest.json", a_manifest("/a/manifest.json", "A")),
        ("/y/manifest", a_manifest("/y/manifest", "Y")),
        ("/x/manifest", a_manifest("/x/manifest", "X")),
    ];
    let base = answering(answers.clone());
    let library = Library::new();
    let folder = library.path("taken");
    let take = |from: &str, more: &[&str]| {
        let url = format!("{from}/all");
        recto(&[&["import", &url, "--to", folder.to_str().unwrap()], more].concat())
    };
    let (code, _, said) = take(&base, &["--most", "2"]);
    assert!(code == 2 && said.contains("2 manifests taken") && said.contains("raise --most"), "{said}");
    assert!(said.contains("/lost/manifest: ") && said.contains("/all is in itself"), "{said}");
    let (code, _, said) = take(&base, &[]);
    assert!(code == 2 && said.contains("2 manifests taken, 2 were there"), "{said}");
    let (code, _, said) = take("http://127.0.0.1:1", &[]);
    assert!(code == 2 && said.contains("cannot be had"), "{said}");
    let server = library.serve(&[]);
    let taken = get(&server, "/iiif/presentation/3/taken/collection");
    assert_eq!((&taken["label"]["de"][0], labels(&taken)), (&json!("Alles"), vec!["Z", "Inner", "A"]));
    assert_eq!(taken["metadata"][0]["value"]["en"], json!(["Us", "You"]));
    assert_eq!(labels(&get(&server, "/iiif/presentation/3/taken%2Finner/collection")), ["Y", "X"]);
    assert_eq!(manifest(&server, "taken%2Finner%2Fx")["label"]["en"], json!(["X"]));
    let findings = recto(&["check", library.folder.path().to_str().unwrap()]);
    assert_eq!(findings.0, 0, "{findings:?}");
    // What somebody wrote there stays.
    library.put("taken/recto.json", b"{\"label\": \"Ours\"}");
    let (_, _, said) = take(&base, &[]);
    assert!(said.contains("0 manifests taken, 4 were there") && said.contains("is left as it is"), "{said}");
    assert_eq!(std::fs::read(library.path("taken/recto.json")).unwrap(), b"{\"label\": \"Ours\"}");
    let foreign = library.path("mine");
    std::fs::create_dir(&foreign).unwrap();
    let (code, _, said) = recto(&["import", &format!("{base}/all"), "--to", foreign.to_str().unwrap()]);
    assert!(code == 2 && said.contains("was not made of a collection"), "{said}");
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 0);
}

#[test]
fn what_is_published_is_written_for_any_web_server() {
    let library = Library::new();
    library.put_png("maps/berlin/1.png", 300, 200).put_png("maps/berlin/2.png", 300, 200).put_png("b/1.png", 8, 8);
    library.put("talk/talk.wav", &wav()).put("talk/talk.de.srt", b"1\n00:00:00,000 --> 00:00:01,000\nGuten Tag\n");
    // An object that no file can be named after costs nothing but itself.
    library.put_png("odd/1.png", 8, 8).put("odd/recto.yml", b"id: x/../../../../esc\n");
    let folder = library.folder.path().to_str().unwrap().to_owned();
    let out = tempfile::tempdir().unwrap();
    let to = out.path().to_str().unwrap().to_owned();
    let base = "https://static.example.org/x";
    let (code, _, said) = recto(&["export", "manifests", &folder, "--to", &to, "--base-url", base]);
    assert!(code == 2 && said.contains("leads out of the folder"), "{said}");
    assert_eq!(recto(&["export", "manifests", &folder, "--to", &to, "--base-url", "example.org"]).0, 2);
    assert!(out.path().join("files/talk/talk.wav").is_file());
    let captions = std::fs::read_to_string(out.path().join("files/talk/talk.de.srt.vtt")).unwrap();
    assert!(captions.starts_with("WEBVTT"), "{captions}");
    std::fs::remove_dir_all(library.path("odd")).unwrap();
    let (code, _, said) = recto(&["export", "manifests", &folder, "--to", &to, "--base-url", base]);
    assert_eq!(code, 0, "{said}");
    let iiif = out.path().join("iiif");
    let (code, _, said) =
        recto(&["tile", &folder, "--to", iiif.to_str().unwrap(), "--url", &format!("{base}/iiif"), "--api", "both"]);
    assert_eq!(code, 0, "{said}");
    let read =
        |path: &str| -> Value { serde_json::from_slice(&std::fs::read(out.path().join(path)).unwrap()).unwrap() };
    let three = read("iiif/presentation/3/maps/berlin/manifest.json");
    assert_eq!(three["id"], format!("{base}/iiif/presentation/3/maps/berlin/manifest.json"));
    assert_eq!(three["items"][0]["id"], format!("{base}/iiif/presentation/3/maps/berlin/canvas/1"));
    let service = &three["items"][0]["items"][0]["items"][0]["body"]["service"][0];
    let info = service["id"].as_str().unwrap().strip_prefix(&format!("{base}/")).unwrap();
    let info = read(&format!("{info}/info.json"));
    assert_eq!((&service["profile"], &info["profile"]), (&json!("level0"), &json!("level0")));
    let two = read("iiif/presentation/2/maps/berlin/manifest.json");
    assert_eq!(two["@id"], format!("{base}/iiif/presentation/2/maps/berlin/manifest.json"));
    // Every address below the base is a file, from the root on.
    let root = library.folder.path().file_name().unwrap().to_str().unwrap();
    let mut files = 0;
    for start in
        [format!("iiif/presentation/3/{root}/collection.json"), format!("iiif/presentation/2/{root}/collection.json")]
    {
        files += follow(out.path(), base, &start);
    }
    assert!(files >= 16, "{files}");
    for version in [&three, &two] {
        let errors: Vec<_> = recto_iiif::validate::validate(version);
        assert!(errors.iter().all(|found| found.severity != recto_iiif::validate::Severity::Error), "{errors:#?}");
    }
}

/// Looks for every address of a document, and of the documents that it names.
fn follow(folder: &Path, base: &str, path: &str) -> usize {
    let (mut open, mut seen) = (vec![path.to_owned()], std::collections::BTreeSet::new());
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let bytes = std::fs::read(folder.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        if !path.ends_with("anifest.json") && !path.ends_with("collection.json") {
            continue;
        }
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let mut values = vec![&document];
        while let Some(value) = values.pop() {
            match value {
                Value::Array(items) => values.extend(items),
                Value::Object(fields) => {
                    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
                    let (id, class) =
                        (format!("{}{}", text("id"), text("@id")), format!("{}{}", text("type"), text("@type")));
                    if let Some(path) = id.strip_prefix(base).map(|path| path.trim_start_matches('/')) {
                        let is_service = class.starts_with("ImageService") || fields.contains_key("profile");
                        let is_part = [
                            "Canvas",
                            "Range",
                            "Annotation",
                            "AnnotationPage",
                            "sc:Canvas",
                            "sc:Sequence",
                            "sc:Range",
                            "oa:Annotation",
                            "sc:AnnotationList",
                        ];
                        if is_service {
                            open.push(format!("{path}/info.json"));
                        } else if !is_part.contains(&class.as_str()) {
                            open.push(path.to_owned());
                        }
                    }
                    values.extend(fields.values());
                }
                _ => {}
            }
        }
    }
    seen.len()
}

#[test]
fn images_elsewhere_are_given_out_where_the_configuration_says_so() {
    let there = Library::new();
    there.put_png("book/1.png", 600, 800);
    let elsewhere = there.serve(&[]);
    let here = Library::new();
    let url = format!("{}/iiif/presentation/2/book/manifest", elsewhere.base());
    let (code, _, said) = recto(&["import", &url, "--to", here.path("taken").to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let body =
        |server: &crate::support::Server| manifest(server, "taken")["items"][0]["items"][0]["items"][0]["body"].clone();
    let server = here.serve(&[]);
    let stays = body(&server);
    assert_eq!(
        stays["service"][0]["@id"].as_str().unwrap().strip_prefix(&elsewhere.base()).unwrap(),
        "/iiif/2/book%2F1.png"
    );
    let refused = server.get(&format!("/iiif/3/{}/info.json", encoded(&format!("{}/x.png", elsewhere.base()))));
    assert!(refused.status == 404 && refused.text().contains("source.remote.prefixes"), "{}", refused.text());
    drop(server);
    let prefixes = format!("source.remote.prefixes=[\"{}/\"]", elsewhere.base());
    let server = here.serve_again(&["--set", &prefixes]);
    let ours = body(&server);
    let image = encoded(&format!("{}/iiif/2/book%2F1.png/full/full/0/default.jpg", elsewhere.base()));
    let service = format!("{}/iiif/3/{image}", server.base());
    assert_eq!(
        (&ours["service"][0]["id"], &ours["id"]),
        (&json!(service), &json!(format!("{service}/full/max/0/default.jpg")))
    );
    let info = get(&server, &format!("/iiif/3/{image}/info.json"));
    assert_eq!((&info["width"], &info["height"], &info["id"]), (&json!(600), &json!(800), &json!(service)));
    let part = "100,200,256,256/128,128/0/default.jpg";
    let (own, other) =
        (server.get(&format!("/iiif/3/{image}/{part}")), elsewhere.get(&format!("/iiif/3/book%2F1.png/{part}")));
    assert_eq!(own.size(), (128, 128));
    let (own, other) = (own.image().to_rgb8(), other.image().to_rgb8());
    let difference = own.iter().zip(other.iter()).map(|(one, other)| u64::from(one.abs_diff(*other))).sum::<u64>();
    assert!(difference / (own.len() as u64) < 6, "{}", difference / own.len() as u64);
    // The same of a METS file that names images on the web.
    let named = format!("{}/iiif/3/book%2F1.png/full/300,/0/default.jpg", elsewhere.base());
    let mets = format!(
        "<mets xmlns=\"http://www.loc.gov/METS/\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"><fileSec><fileGrp USE=\"DEFAULT\">\
        <file ID=\"F1\" MIMETYPE=\"image/jpeg\"><FLocat LOCTYPE=\"URL\" xlink:href=\"{named}\"/></file></fileGrp></fileSec>\
        <structMap TYPE=\"PHYSICAL\"><div TYPE=\"physSequence\"><div TYPE=\"page\" ORDER=\"1\" ORDERLABEL=\"1r\"><fptr FILEID=\"F1\"/></div></div></structMap></mets>"
    );
    here.put("remote/mets.xml", mets.as_bytes());
    let service = crate::search::until("the METS file", || {
        let document = server.get("/iiif/presentation/3/remote/manifest");
        let body =
            (document.status == 200).then(|| document.json()["items"][0]["items"][0]["items"][0]["body"].clone())?;
        body["service"][0]["id"].as_str().map(str::to_owned)
    });
    let whole = encoded(&named.replace("/300,/", "/max/"));
    assert_eq!(service, format!("{}/iiif/3/{whole}", server.base()), "all of the image, where it has a service");
    assert_eq!(server.get(&format!("/iiif/3/{whole}/full/max/0/default.jpg")).size(), (600, 800));
    // What was fetched stays while its origin is away, also after a restart.
    drop(elsewhere);
    drop(server);
    let server = here.serve_again(&["--set", &prefixes]);
    assert_eq!(server.get(&format!("/iiif/3/{image}/full/150,/0/default.jpg")).size(), (150, 200));
    let missing = server.get(&format!("/iiif/3/{}/info.json", image.replace("1.png", "2.png")));
    assert_eq!(missing.status, 503, "{}", missing.text());
    let other = server.get(&format!("/iiif/3/{}/info.json", encoded("http://127.0.0.1:1/x.png")));
    assert_eq!(other.status, 404, "{}", other.text());
    server.assert_clean_log();
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2E", ".")
        .replace("%2D", "-")
}
