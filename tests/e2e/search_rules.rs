//! Rules of Content Search that need a whole server to be seen: order, what is ignored, and what narrows completions.

use serde_json::json;

use crate::search::{sound, wait_for_search};
use crate::support::Library;
use crate::support::alto::page;

#[test]
fn t9_hits_come_by_canvas_and_then_as_the_page_is_read_however_long_the_book_is() {
    let library = Library::new();
    let lines: Vec<String> = (0..4).map(|line| format!("word first{line} word second{line}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    // The order of pages is that of their numbers, not of their letters.
    for number in 1..=120 {
        library.put_png(&format!("book/{number}.png"), 800, 400);
        library.put(&format!("book/{number}.xml"), &page(800, 400, &lines));
    }
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let (mut path, mut seen) = ("/iiif/search/2/book?q=word".to_owned(), Vec::new());
    loop {
        let document = sound(&server, &path);
        for item in document["items"].as_array().unwrap() {
            let (canvas, place) = item["target"].as_str().unwrap().split_once("#xywh=").unwrap();
            let canvas: u32 = canvas.rsplit('/').next().unwrap().parse().unwrap();
            let place: Vec<u32> = place.split(',').map(|number| number.parse().unwrap()).collect();
            seen.push((canvas, place[1], place[0]));
        }
        let Some(next) = document["next"]["id"].as_str() else { break };
        path = next.strip_prefix(&server.base()).unwrap().to_owned();
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!((seen.len(), seen == sorted), (960, true));
}

#[test]
fn s1_4_s2_14_what_is_ignored_is_said_and_has_no_place_in_the_addresses() {
    let library = Library::new();
    library.put_png("book/1.png", 800, 400).put("book/1.xml", &page(800, 400, &["birds sing and birds fly"]));
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let older = sound(&server, "/iiif/search/1/book?q=birds&min=2");
    assert_eq!((&older["within"]["@type"], &older["within"]["ignored"]), (&json!("sc:Layer"), &json!(["min"])));
    assert_eq!(older["resources"].as_array().unwrap().len(), 2, "what is ignored has no effect");
    let contexts = older["@context"].as_array().unwrap();
    assert_eq!(contexts[1], "http://iiif.io/api/search/1/context.json", "{contexts:?}");
    let newer = sound(&server, "/iiif/search/2/book?q=birds&min=2&colour=red");
    assert_eq!(newer["ignored"], json!(["min"]));
    let id = newer["id"].as_str().unwrap();
    assert!(id.contains("q=birds") && !id.contains("min=") && !id.contains("colour"), "{id}");
    assert_eq!(sound(&server, id.strip_prefix(&server.base()).unwrap())["items"], newer["items"]);
    let plain = sound(&server, "/iiif/search/1/book?q=birds");
    assert!(plain["within"].get("ignored").is_none());
}

#[test]
fn s1_9_what_is_asked_in_the_words_of_the_draft_is_answered_as_1_0() {
    let library = Library::new();
    library.put_png("book/1.png", 800, 400).put("book/1.xml", &page(800, 400, &["birds sing"]));
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    for path in ["manifest?q=birds", "manifest/autocomplete?q=bi", "canvas/1?q=birds"] {
        let (draft, final_form) = (format!("/iiif/search/0/book/{path}"), format!("/iiif/search/1/book/{path}"));
        assert_eq!(sound(&server, &draft), sound(&server, &final_form), "{path}");
    }
    assert_eq!(server.get("/iiif/search/3/book/manifest?q=birds").status, 404);
}

#[test]
fn s2_16_completions_stand_in_order_and_min_and_filters_narrow_them() {
    let library = Library::new();
    library.put_png("book/1.png", 800, 400);
    library.put("book/1.xml", &page(800, 400, &["birch bird bird bin birthday bird", "Bishop bin biscuit"]));
    library.put("book/annotations/notes.csv", b"canvas,x,y,w,h,body,motivation\n1,1,1,5,5,bittern bird,commenting\n");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    crate::search::until("the annotation", || {
        let found = server.get("/iiif/search/2/book/autocomplete?q=bitt").json();
        (!found["items"].as_array()?.is_empty()).then_some(())
    });
    let terms = |query: &str| -> Vec<(String, u64)> {
        let found = sound(&server, &format!("/iiif/search/2/book/autocomplete?q=bi{query}"));
        let items = found["items"].as_array().unwrap().iter();
        items.map(|item| (item["value"].as_str().unwrap().to_owned(), item["total"].as_u64().unwrap())).collect()
    };
    let names = |query: &str| terms(query).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let all = names("");
    let mut sorted = all.clone();
    sorted.sort_unstable();
    assert_eq!(all, sorted);
    assert_eq!(all, ["bin", "birch", "bird", "birthday", "biscuit", "bishop", "bittern"]);
    assert_eq!(terms("&min=2"), [("bin".to_owned(), 2), ("bird".to_owned(), 4)]);
    assert_eq!(names("&motivation=commenting"), ["bird", "bittern"]);
    assert_eq!(terms("&motivation=supplementing&min=2"), [("bin".to_owned(), 2), ("bird".to_owned(), 3)]);
    assert_eq!(names("&user=https://example.org/nobody"), Vec::<String>::new());
    // S2-5: a parameter that is missing restricts nothing, `q` too.
    let all = sound(&server, "/iiif/search/2/book?motivation=commenting");
    assert_eq!(all["items"][0]["body"]["value"], "bittern bird");
    assert!(all.get("annotations").is_none() && all["partOf"]["total"] == 1, "{all:#}");
    let older = sound(&server, "/iiif/search/1/book?motivation=non-painting");
    assert_eq!(older["resources"][0]["resource"]["chars"], "bittern bird");
    assert_eq!(sound(&server, "/iiif/search/2/book?motivation=tagging")["items"], json!([]));
}
