//! Links into pages: content states in their forms, and what is said where one cannot be read.

use recto_iiif::content_state::{ContentState, encode};
use serde_json::{Value, json};

use crate::support::{Answer, Library, Server};

fn book() -> (Library, Server) {
    let library = Library::new();
    for page in 1..=4 {
        library.put_png(&format!("Book/{page}.png"), 400, 300);
    }
    let server = library.serve(&[]);
    (library, server)
}

/// The attribute of a page, its escapes undone.
fn attribute(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    Some(plain.replace("&amp;", "&"))
}

fn options(answer: &Answer) -> Value {
    let text = answer.text();
    serde_json::from_str(&attribute(&text, "data-options").unwrap_or_else(|| panic!("no options in {text}"))).unwrap()
}

/// The pages show viewers only where `web/dist` was built.
fn has_viewers(server: &Server) -> bool {
    !server.get("/viewer/uv?manifest=https://a.example/m").text().contains("carries no viewers")
}

#[test]
fn a_content_state_opens_its_canvas_and_region_in_each_viewer() {
    let (_library, server) = book();
    if !has_viewers(&server) {
        return;
    }
    let manifest = format!("{}/iiif/presentation/3/Book/manifest", server.base());
    let canvas = server.get("/iiif/presentation/3/Book/manifest").json()["items"][2]["id"].as_str().unwrap().to_owned();
    let target = json!({ "id": format!("{canvas}#xywh=20,30,60,40"), "type": "Canvas",
        "partOf": [{ "id": manifest, "type": "Manifest" }] });
    let state = encode(&target.to_string());
    let open = |viewer: &str| options(&server.get(&format!("/viewer/{viewer}?iiif-content={state}")));
    assert_eq!(
        open("mirador")["windows"][0],
        json!({ "manifestId": manifest, "canvasId": canvas,
            "initialViewerConfig": { "x": 50.0, "y": 50.0, "zoom": 1.0 / 60.0 } })
    );
    assert_eq!(open("uv"), json!({ "manifest": manifest, "canvasId": canvas, "xywh": "20,30,60,40" }));
    assert_eq!(open("openseadragon"), json!({ "manifest": manifest, "canvas": canvas, "xywh": "20,30,60,40" }));
    let item = server.get(&format!("/items/Book?iiif-content={state}"));
    assert_eq!(item.status, 200);
    assert_eq!(options(&item)["windows"][0]["canvasId"], json!(canvas));
    assert!(item.text().contains("aria-current=\"page\""), "the strip shows which page it is");
}

#[test]
fn links_on_an_object_s_page_lead_back_to_the_same_page_of_it() {
    let (_library, server) = book();
    let canvas = server.get("/iiif/presentation/3/Book/manifest").json()["items"][1]["id"].as_str().unwrap().to_owned();
    let manifest = format!("{}/iiif/presentation/3/Book/manifest", server.base());
    let page = server.get("/items/Book?canvas=1").text();
    assert!(page.contains("/viewer/uv?manifest="), "{page}");
    let name = canvas.rsplit('/').next().unwrap();
    let page = server.get(&format!("/items/Book?canvas={name}")).text();
    let drag =
        page.split("<div class=\"drag\"><a href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let query = drag.split_once('?').unwrap().1.to_owned();
    assert!(drag.starts_with(&format!("{}/viewer/mirador?manifest=", server.base())), "{drag}");
    let state = query.split('&').find_map(|pair| pair.strip_prefix("iiif-content=")).unwrap();
    let (read, findings) = ContentState::parse_parameter(state).unwrap();
    assert_eq!(findings, []);
    assert_eq!((read.targets[0].id.as_str(), read.targets[0].manifest()), (&*canvas, Some(&*manifest)));
    let (text, _) = ContentState::parse_text(&attribute(&page, "data-drag").unwrap()).unwrap();
    assert_eq!(text.targets, read.targets);
    if has_viewers(&server) {
        let opened = options(&server.get(&format!("/viewer/mirador?{query}")));
        assert_eq!(opened["windows"][0], json!({ "manifestId": manifest, "canvasId": canvas }));
    }
}

#[test]
fn a_link_that_cannot_be_read_is_said_on_the_page_with_what_is_wrong() {
    let (_library, server) = book();
    if !has_viewers(&server) {
        return;
    }
    let broken = server.get("/viewer/mirador?iiif-content=JTdCJ");
    assert_eq!(broken.status, 400);
    assert!(broken.header("content-type").starts_with("text/html"));
    let text = broken.text();
    assert!(text.contains("This link cannot be opened."), "{text}");
    assert!(text.contains("5 letters are no whole number of bytes in base64url"), "{text}");
    assert!(text.contains("<form"), "there is a way on");
    // The page of an object shows the object all the same.
    let item = server.get("/items/Book?iiif-content=JTdCJ");
    assert_eq!(item.status, 200);
    assert!(item.text().contains("The link cannot be read."));
    let other = encode(r#"{"id":"https://other.example/manifest","type":"Manifest"}"#);
    assert!(server.get(&format!("/items/Book?iiif-content={other}")).text().contains("about another object"));
    let lost = json!({ "id": format!("{}/iiif/presentation/3/Book/canvas/none#xywh=1,2,3,4", server.base()), "type": "Canvas" });
    let lost = server.get(&format!("/items/Book?iiif-content={}", encode(&lost.to_string()))).text();
    assert!(lost.contains("a page that this object does not have") && !lost.contains("initialViewerConfig"));
}
