//! Annotations in files beside the objects: shown, searched, brought up to date, and changed nowhere else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::annotations::{remark, send, writable};
use crate::described::recto;
use crate::search::until;
use crate::support::{Library, Server};

const TABLE: &str = "canvas;x;y;w;h;body\r\n2.png;5;6;7;8;Wasserzeichen\r\n9;1;1;1;1;nirgends\r\n";

fn library() -> Library {
    let library = Library::new();
    library.put_png("letters/1.png", 60, 40).put_png("letters/2.png", 60, 40).put_png("other/1.png", 8, 8);
    let page = json!({"type": "AnnotationPage", "items": [
        {"id": "https://example.org/notes/7", "type": "Annotation", "motivation": "commenting", "created": "2020-01-02T03:04:05Z",
         "creator": {"type": "Person", "name": "Curator"},
         "body": {"type": "TextualBody", "value": "A later <b>hand</b><script>x()</script>", "format": "text/html"},
         "target": "1#xywh=1,2,3,4"},
        {"type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody", "value": "the whole leaf"}, "target": "1.png"}
    ]});
    library.put("letters/annotations/notes.json", page.to_string().as_bytes());
    library.put("letters/annotations/marks.csv", TABLE.as_bytes());
    library
}

/// The annotations of a canvas once there are so many.
fn page(server: &Server, canvas: &str, count: usize) -> Vec<Value> {
    let path = format!("/iiif/presentation/3/letters/canvas/{canvas}/annotations");
    until("annotations from files", || {
        let page = server.get(&path).json();
        let items = page["items"].as_array()?.clone();
        (items.len() == count).then_some(items)
    })
}

fn says(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["body"]["value"].as_str().unwrap()).collect()
}

#[test]
fn annotations_beside_an_object_are_on_its_canvases_and_found() {
    let library = library();
    let server = library.serve(&[]);
    let first = page(&server, "1", 2);
    assert_eq!(says(&first), ["A later <b>hand</b>", "the whole leaf"]);
    let canvas = format!("{}/iiif/presentation/3/letters/canvas/1", server.base());
    assert_eq!((&first[0]["target"], &first[1]["target"]), (&json!(format!("{canvas}#xywh=1,2,3,4")), &json!(canvas)));
    assert_eq!(
        (&first[0]["creator"]["name"], &first[0]["created"], &first[0]["via"]),
        (&json!("Curator"), &json!("2020-01-02T03:04:05Z"), &json!("https://example.org/notes/7"))
    );
    assert!(first[1].get("creator").is_none() && first[1].get("created").is_none(), "{}", first[1]);
    let id = first[0]["id"].as_str().unwrap();
    assert_eq!(server.get(id.strip_prefix(&server.base()).unwrap()).json()["body"], first[0]["body"]);
    let second = page(&server, "2", 1);
    assert_eq!(second[0]["target"], format!("{}/iiif/presentation/3/letters/canvas/2#xywh=5,6,7,8", server.base()));
    let manifest = server.get("/iiif/presentation/3/letters/manifest").json();
    assert_eq!(manifest["items"][0]["annotations"][0]["id"], format!("{canvas}/annotations"));
    let other = server.get("/iiif/presentation/3/other/manifest").json();
    assert!(other["items"][0].get("annotations").is_none(), "{other:#}");
    let list = server.get("/iiif/presentation/2/letters/canvas/2/annotations").json();
    assert_eq!(list["resources"][0]["resource"]["chars"], "Wasserzeichen");
    let service = manifest["service"][0]["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    let found = server.get(&format!("{service}?q=wasserzeichen")).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found:#}");
    let of_all = server.get("/iiif/presentation/3/letters/manifest");
    assert_eq!(of_all.status, 200);
    server.assert_clean_log();
    // The same findings before publishing.
    let (code, out, _) = recto(&["check", library.folder.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(out.contains("letters/annotations/marks.csv") && out.contains("line 3: no page is named `9`"), "{out}");
}

#[test]
fn annotations_beside_an_object_are_changed_in_their_files_alone() {
    let library = library();
    let mut server = writable(&library);
    let canvas = format!("{}/iiif/presentation/3/letters/canvas/1", server.base());
    let before = page(&server, "1", 2);
    let path = before[1]["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    for (method, path) in [("DELETE", &*path), ("PUT", &*path), ("POST", &path[..=path.rfind('/').unwrap()])] {
        let refused = send(&server, method, path, "secret-a", &[], &remark("mine", &canvas).to_string());
        assert_eq!(refused.status, 403, "{method} {}", refused.text());
        assert!(refused.text().contains("beside the object `letters`"), "{}", refused.text());
    }
    let made = send(&server, "POST", "/annotations/letters/", "secret-a", &[], &remark("mine", &canvas).to_string());
    assert_eq!(made.status, 201);
    // One line goes, one comes, one stays and keeps its name.
    let mut notes: Value =
        serde_json::from_slice(&std::fs::read(library.path("letters/annotations/notes.json")).unwrap()).unwrap();
    notes["items"][0]["body"]["value"] = json!("another hand");
    library.put("letters/annotations/notes.json", notes.to_string().as_bytes());
    let after = until("the change", || {
        let items = page(&server, "1", 3);
        says(&items).contains(&"another hand").then_some(items)
    });
    let mut now = says(&after);
    now.sort_unstable();
    assert_eq!(now, ["another hand", "mine", "the whole leaf"]);
    assert!(after.iter().any(|item| item["id"] == before[1]["id"]));
    // Nothing is written again when nothing has changed.
    let versions = |server: &Server| server.get(&format!("{path}?history")).text();
    let history = versions(&server);
    server.kill();
    let server = writable(&library);
    assert_eq!(page(&server, "1", 3).len(), 3);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(
        versions(&server).replace(&server.base(), ""),
        history.replace(&canvas[..canvas.find("/iiif").unwrap()], "")
    );
    std::fs::remove_dir_all(library.path("letters/annotations")).unwrap();
    let left = page(&server, "1", 1);
    assert_eq!(says(&left), ["mine"], "what people wrote stays");
    // What comes back has its old name.
    library.put("letters/annotations/notes.json", notes.to_string().as_bytes());
    assert!(page(&server, "1", 3).iter().any(|item| item["id"].as_str().unwrap().ends_with(&path)));
    server.assert_clean_log();
}
