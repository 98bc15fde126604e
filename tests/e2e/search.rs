//! Text is read, found at its words, and given out: Content Search 2.0 and 1.0, seen from outside.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use recto_iiif::validate::{Severity, validate};
use serde_json::{Value, json};

use crate::annotations::{remark, send, writable};
use crate::support::alto::{area, fragment, page};
use crate::support::{Library, Server};

const FIRST: [&str; 4] = [
    "The quick brown fox jumps over the lazy dog",
    "and finds a grün Haus with an old wooden book¬",
    "case full of Bücher about birds and other birds",
    "that nobody ever read to the very",
];
const SECOND: [&str; 2] = ["end of all days when birds return", "to the bookcase of the fox"];

/// Two pages with their text, the second one at half its size.
fn book(library: &Library, folder: &str) {
    library.put_png(&format!("{folder}/001.png"), 800, 400);
    library.put_png(&format!("{folder}/002.png"), 400, 200);
    library.put(&format!("{folder}/alto/001.xml"), &page(800, 400, &FIRST));
    library.put(&format!("{folder}/alto/002.xml"), &page(800, 400, &SECOND));
}

/// A document without an error of its specification.
pub(crate) fn sound(server: &Server, path: &str) -> Value {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let document = answer.json();
    let errors: Vec<_> = validate(&document).into_iter().filter(|found| found.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{path}: {errors:#?}\n{document:#}");
    document
}

/// Asks until the answer is as it should be; texts are read while the server runs.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come about in 30 seconds");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn wait_for_search(server: &Server, object: &str) -> Value {
    until("search", || {
        let manifest = server.get(&format!("/iiif/presentation/3/{object}/manifest")).json();
        manifest["service"].is_array().then_some(manifest)
    })
}

/// Fragments of canvases, by name of the canvas, in an answer of either version.
fn places(document: &Value) -> BTreeSet<(String, String)> {
    let targets: Vec<&str> = match document["items"].as_array() {
        Some(items) => items
            .iter()
            .map(|item| item["target"].as_str().or_else(|| item["target"]["id"].as_str()).unwrap())
            .collect(),
        None => {
            document["resources"].as_array().unwrap().iter().map(|resource| resource["on"].as_str().unwrap()).collect()
        }
    };
    let place = |target: &str| {
        let (canvas, fragment) = target.split_once('#').unwrap_or((target, ""));
        (canvas.rsplit('/').next().unwrap().to_owned(), fragment.to_owned())
    };
    targets.into_iter().map(place).collect()
}

fn at(canvas: &str, area: [u32; 4]) -> (String, String) {
    (canvas.to_owned(), fragment(area))
}

fn half([x, y, w, h]: [u32; 4]) -> [u32; 4] {
    [x / 2, y / 2, w / 2, h / 2]
}

/// What both versions find, which is the same.
fn both(server: &Server, object: &str, q: &str) -> BTreeSet<(String, String)> {
    let second = places(&sound(server, &format!("/iiif/search/2/{object}?q={q}")));
    let first = places(&sound(server, &format!("/iiif/search/1/{object}?q={q}")));
    assert_eq!(first, second, "{q}");
    first
}

#[test]
fn s1_10_a_word_is_found_at_its_box_and_both_versions_say_the_same() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    let manifest = wait_for_search(&server, "book");
    let services = manifest["service"].as_array().unwrap();
    assert_eq!(services[0]["type"], "SearchService2");
    assert!(services[0].get("profile").is_none(), "the unofficial profile leads viewers astray");
    assert_eq!(services[1]["profile"], "http://iiif.io/api/search/1/search");
    assert_eq!(services[0]["id"], format!("{}/iiif/search/2/book/manifest", server.base()));
    sound(&server, "/iiif/presentation/3/book/manifest");
    let older = sound(&server, "/iiif/presentation/2/book/manifest");
    assert!(older["service"].to_string().contains("search/1/search"), "{}", older["service"]);
    assert_eq!(both(&server, "book", "quick"), [at("001", area(&FIRST, 0, 1))].into());
    // T2: the second page was read at twice its size.
    assert_eq!(both(&server, "book", "return"), [at("002", half(area(&SECOND, 0, 6)))].into());
    // T9: in the order of the pages, and within each as it is read.
    let found = sound(&server, "/iiif/search/1/book?q=birds");
    let order: Vec<&str> =
        found["resources"].as_array().unwrap().iter().map(|one| one["on"].as_str().unwrap()).collect();
    let canvas = |name: &str| format!("{}/iiif/presentation/3/book/canvas/{name}", server.base());
    let want = [
        format!("{}#{}", canvas("001"), fragment(area(&FIRST, 2, 5))),
        format!("{}#{}", canvas("001"), fragment(area(&FIRST, 2, 8))),
        format!("{}#{}", canvas("002"), fragment(half(area(&SECOND, 0, 5)))),
    ];
    assert_eq!(order, want);
    let hit = &found["hits"][0];
    assert_eq!(hit["match"], "birds");
    assert!(hit["before"].as_str().unwrap().ends_with("Bücher about "), "{hit}");
    assert!(hit["after"].as_str().unwrap().starts_with(" and other birds"), "{hit}");
    assert_eq!(found["within"]["total"], 3);
    assert_eq!(both(&server, "book", "elephant"), BTreeSet::new());
    server.assert_clean_log();
}

#[test]
fn t1_a_phrase_over_a_line_or_page_break_lights_all_its_lines() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let over_a_line = both(&server, "book", "%22lazy+dog+and+finds%22");
    assert_eq!(over_a_line.len(), 2);
    let [first, second] = [area(&FIRST, 0, 7), area(&FIRST, 0, 8)];
    assert!(over_a_line.contains(&at("001", [first[0], first[1], second[0] + second[2] - first[0], 30])));
    let over_a_page = both(&server, "book", "%22the%20very%20end%20of%22");
    assert_eq!(over_a_page.iter().map(|(canvas, _)| canvas.as_str()).collect::<Vec<_>>(), ["001", "002"]);
    let found = sound(&server, "/iiif/search/1/book?q=%22the+very+end%22");
    assert_eq!(found["hits"].as_array().unwrap().len(), 1, "one match, however many lines");
    assert_eq!(found["hits"][0]["annotations"].as_array().unwrap().len(), 2);
    assert_eq!(both(&server, "book", "%22dog+lazy%22"), BTreeSet::new());
}

#[test]
fn t3_a_hyphenated_word_is_found_whole_and_both_halves_light_up() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let want = [at("001", area(&FIRST, 1, 9)), at("001", area(&FIRST, 2, 0)), at("002", half(area(&SECOND, 1, 2)))];
    assert_eq!(both(&server, "book", "bookcase"), want.into());
    let found = sound(&server, "/iiif/search/2/book?q=bookcase");
    assert_eq!(found["annotations"][0]["items"].as_array().unwrap().len(), 2);
    assert_eq!(both(&server, "book", "%22wooden+bookcase+full%22").len(), 2, "a phrase goes on behind it");
}

#[test]
fn t4_t5_operators_and_folding() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    for (q, count) in [
        ("QUICK", 1),
        ("grun", 1),
        ("Gr%C3%BCn", 1),
        ("bucher", 1),
        ("bird*", 3),
        ("quikc~2", 1),
        ("qick~", 1),
        ("birds+-lazy", 1),
        ("%22unbalanced+birds", 0),
        ("%22birds", 3),
        ("-", 0),
        ("*", 0),
        ("", 0),
    ] {
        let found = sound(&server, &format!("/iiif/search/1/book?q={q}"));
        assert_eq!(found["within"]["total"], count, "{q}: {found:#}");
    }
}

#[test]
fn s2_7_following_next_visits_each_once_and_total_is_their_number() {
    let library = Library::new();
    let line = "word ".repeat(10);
    let lines: Vec<&str> = vec![line.trim(); 5];
    for number in 1..=7 {
        library.put_png(&format!("many/{number:03}.png"), 800, 400);
        library.put(&format!("many/{number:03}.xml"), &page(800, 400, &lines));
    }
    let server = library.serve(&[]);
    wait_for_search(&server, "many");
    let mut path = "/iiif/search/2/many?q=word".to_owned();
    let (mut seen, mut pages, mut starts) = (Vec::new(), 0, Vec::new());
    loop {
        let document = sound(&server, &path);
        starts.push(document["startIndex"].as_u64().unwrap());
        assert_eq!(document["partOf"]["total"], 350);
        seen.extend(document["items"].as_array().unwrap().iter().map(|item| item["target"].to_string()));
        pages += 1;
        let Some(next) = document["next"]["id"].as_str() else { break };
        path = next.strip_prefix(&server.base()).unwrap().to_owned();
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (350, 350));
    assert!(pages > 1 && starts[0] == 0 && starts[1] > 0, "{starts:?}");
    let answer = server.get("/iiif/search/2/many?q=word&page=99").json();
    assert_eq!(answer["items"], json!([]));
}

#[test]
fn s2_15_s2_17_completions_are_terms_that_are_found_as_often_as_they_say() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let found = sound(&server, "/iiif/search/2/book/autocomplete?q=b");
    let terms: Vec<(String, u64)> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["value"].as_str().unwrap().to_owned(), item["total"].as_u64().unwrap()))
        .collect();
    let names: Vec<&str> = terms.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!(names, ["birds", "bookcase", "brown", "bucher"]);
    for (value, total) in &terms {
        let found = sound(&server, &format!("/iiif/search/1/book?q={value}"));
        assert_eq!(found["hits"].as_array().unwrap().len() as u64, *total, "{value}");
    }
    let older = sound(&server, "/iiif/search/1/book/autocomplete?q=bi");
    assert_eq!(older["terms"][0]["match"], "birds");
    assert_eq!(older["terms"][0]["count"], 3);
    let url = older["terms"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(&server.base()).unwrap();
    assert_eq!(sound(&server, path)["within"]["total"], 3);
    assert_eq!(server.get("/iiif/search/2/book/autocomplete").status, 400);
    let often = sound(&server, "/iiif/search/2/book/autocomplete?q=b&min=2");
    assert_eq!(often["items"].as_array().unwrap().len(), 2);
}

#[test]
fn s2_2_s2_6_other_methods_are_refused_and_bad_dates_explained() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let refused = server.ask("POST", "/iiif/search/2/book?q=fox", &[("Content-Length", "0")]);
    assert_eq!(refused.status, 405);
    assert!(refused.header("allow").contains("GET"));
    let bad = server.get("/iiif/search/2/book?q=fox&date=1890");
    assert_eq!(bad.status, 400);
    assert!(bad.text().contains("1890") && !bad.header("access-control-allow-origin").is_empty(), "{}", bad.text());
    let ignored = sound(&server, "/iiif/search/2/book?q=fox&min=3&colour=red");
    assert_eq!(ignored["ignored"], json!(["min"]));
    // S2-5: the text of pages has no date and no author.
    for filter in
        ["date=2020-01-01T00:00:00Z/2030-01-01T00:00:00Z", "user=https://example.org/me", "motivation=tagging"]
    {
        assert_eq!(sound(&server, &format!("/iiif/search/2/book?q=fox&{filter}"))["items"], json!([]), "{filter}");
    }
    for filter in ["motivation=supplementing", "motivation=tagging+supplementing", "motivation=", "date="] {
        assert_eq!(
            sound(&server, &format!("/iiif/search/2/book?q=fox&{filter}"))["items"].as_array().unwrap().len(),
            2
        );
    }
    assert_eq!(
        sound(&server, "/iiif/search/1/book?q=fox&motivation=painting")["resources"].as_array().unwrap().len(),
        2
    );
    assert_eq!(sound(&server, "/iiif/search/1/book?q=fox&motivation=non-painting")["resources"], json!([]));
    assert_eq!(server.get("/iiif/search/2/nothing?q=fox").status, 404);
}

#[test]
fn s2_18_a_canvas_and_a_range_search_only_themselves() {
    let library = Library::new();
    book(&library, "book");
    library.put("book/toc.txt", b"All  001-002\n  End  002\n  Corner  001@0,80,800,60\n");
    let server = library.serve(&[]);
    let manifest = wait_for_search(&server, "book");
    let of_canvas = sound(&server, "/iiif/search/2/book/canvas/002?q=birds");
    assert_eq!(places(&of_canvas), [at("002", half(area(&SECOND, 0, 5)))].into());
    let range = |label: &str| {
        let mut open: Vec<&Value> = manifest["structures"].as_array().unwrap().iter().collect();
        while let Some(range) = open.pop() {
            if range["label"].to_string().contains(label) {
                return range["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            }
            open.extend(range["items"].as_array().into_iter().flatten().filter(|item| item["type"] == "Range"));
        }
        panic!("no range {label}: {:#}", manifest["structures"]);
    };
    let search =
        |label: &str, q: &str| places(&sound(&server, &format!("/iiif/search/2/book/range/{}?q={q}", range(label))));
    assert_eq!(search("End", "birds"), [at("002", half(area(&SECOND, 0, 5)))].into());
    assert_eq!(search("All", "birds").len(), 3);
    assert_eq!(search("Corner", "birds"), BTreeSet::new());
    assert_eq!(search("Corner", "haus"), [at("001", area(&FIRST, 1, 4))].into());
    // Each range that has text says where it is searched.
    let end =
        manifest["structures"][0]["items"].as_array().unwrap().iter().find(|item| item["type"] == "Range").unwrap();
    let service = end["service"][0]["id"].as_str().unwrap();
    assert_eq!(end["service"][0]["type"], "SearchService2");
    let found = sound(&server, &format!("{}?q=birds", service.strip_prefix(&server.base()).unwrap()));
    assert_eq!(places(&found), [at("002", half(area(&SECOND, 0, 5)))].into());
    for version in ["2", "4"] {
        sound(&server, &format!("/iiif/presentation/{version}/book/manifest"));
    }
    assert_eq!(server.get("/iiif/search/2/book/range/nothing?q=fox").status, 404);
    assert_eq!(server.get("/iiif/search/2/book/canvas/nothing?q=fox").status, 404);
}

#[test]
fn s2_8_a_collection_is_searched_with_links_to_its_objects() {
    let library = Library::new();
    book(&library, "shelf/a");
    book(&library, "shelf/b/c");
    book(&library, "other");
    library.put_png("shelf/mute/1.png", 50, 50);
    let server = library.serve(&[]);
    for object in ["shelf%2Fa", "shelf%2Fb%2Fc", "other"] {
        wait_for_search(&server, object);
    }
    let collection = until("the collection's search", || {
        let document = sound(&server, "/iiif/presentation/3/shelf/collection");
        document["service"].is_array().then_some(document)
    });
    let service = collection["service"][0]["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    let found = sound(&server, &format!("{service}?q=birds"));
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 6);
    let objects: Vec<&str> = items.iter().map(|item| item["target"]["partOf"]["id"].as_str().unwrap()).collect();
    let manifest = |object: &str| format!("{}/iiif/presentation/3/{object}/manifest", server.base());
    let (a, c) = (manifest("shelf%2Fa"), manifest("shelf%2Fb%2Fc"));
    assert_eq!(objects, [&a, &a, &a, &c, &c, &c]);
    let older = collection["service"][1]["@id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    assert_eq!(places(&sound(&server, &format!("{older}?q=birds"))), places(&found));
    let terms = sound(&server, &format!("{service}/autocomplete?q=bird"));
    assert_eq!(terms["items"][0]["total"], 6);
    assert!(sound(&server, "/iiif/presentation/3/shelf%2Fmute/manifest").get("service").is_none());
}

#[test]
fn t10_changed_added_and_removed_texts_are_in_force_within_seconds() {
    let library = Library::new();
    library.put_png("book/001.png", 800, 400);
    let server = library.serve(&[]);
    let manifest = || server.get("/iiif/presentation/3/book/manifest").json();
    assert!(manifest().get("service").is_none(), "there is no text yet");
    library.put("book/001.xml", &page(800, 400, &["one small text"]));
    wait_for_search(&server, "book");
    assert_eq!(both(&server, "book", "small").len(), 1);
    library.put("book/001.xml", &page(800, 400, &["one entirely different text"]));
    // By one version alone: the text may come between the questions of two.
    let found = || places(&sound(&server, "/iiif/search/1/book?q=different"));
    until("the new text", || (found().len() == 1).then_some(()));
    assert_eq!(both(&server, "book", "different").len(), 1);
    assert_eq!(both(&server, "book", "small"), BTreeSet::new());
    std::fs::remove_file(library.path("book/001.xml")).unwrap();
    until("the end of search", || manifest().get("service").is_none().then_some(()));
    assert_eq!(both(&server, "book", "different"), BTreeSet::new());
}

#[test]
fn the_text_of_a_page_is_given_line_by_line_and_the_whole_as_a_file() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    let manifest = wait_for_search(&server, "book");
    let canvas = &manifest["items"][0];
    let pages = canvas["annotations"].as_array().unwrap();
    let text = pages.iter().find(|page| page["id"].as_str().unwrap().ends_with("/text")).unwrap();
    assert!(text.get("items").is_none(), "it is fetched when it is wanted");
    assert!(canvas["seeAlso"][0]["id"].as_str().unwrap().ends_with("/files/book/alto/001.xml"));
    let path = text["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    let lines = sound(&server, &path);
    let items = lines["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(items[0]["body"]["value"], FIRST[0]);
    assert_eq!(items[1]["body"]["value"], FIRST[1].replace('¬', "-"));
    let [first, last] = [area(&FIRST, 0, 0), area(&FIRST, 0, 8)];
    let around = fragment([first[0], first[1], last[0] + last[2] - first[0], 30]);
    assert_eq!(items[0]["target"], format!("{}#{around}", canvas["id"].as_str().unwrap()));
    let older = sound(&server, &path.replace("/presentation/3/", "/presentation/2/"));
    assert_eq!(older["@type"], "sc:AnnotationList");
    assert_eq!(older["resources"].as_array().unwrap().len(), 4);
    let whole = server.get("/downloads/book/txt");
    assert_eq!(whole.header("content-type"), "text/plain; charset=utf-8");
    let whole = whole.text();
    assert!(whole.contains("with an old wooden bookcase\nfull of Bücher"), "{whole}");
    assert!(whole.contains("[002]\n\nend of all days"), "{whole}");
    let renderings = manifest["rendering"].to_string();
    assert!(renderings.contains("/downloads/book/txt"), "{renderings}");
}

#[test]
fn a_pdf_of_the_object_can_be_searched() {
    let library = Library::new();
    book(&library, "book");
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    let pdf = server.get("/downloads/book/pdf").body;
    let file = library.state.path().join("book.pdf");
    std::fs::write(&file, pdf).unwrap();
    let text = std::process::Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    let line = |wanted: &str| text.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == wanted);
    assert!(line(FIRST[0]) && line(SECOND[0]) && line(SECOND[1]), "{text}");
}

#[test]
fn captions_are_found_at_their_times() {
    let library = Library::new();
    library.put("talk/interview.wav", &crate::described::wav());
    library.put(
        "talk/interview.en.vtt",
        b"WEBVTT\n\n00:00:00.100 --> 00:00:00.450\nGood evening, dear listeners\n\n00:00:00.500 --> 00:00:00.900\nand good night\n",
    );
    let server = library.serve(&[]);
    wait_for_search(&server, "talk");
    let found = sound(&server, "/iiif/search/2/talk?q=evening");
    assert_eq!(places(&found), [("interview".to_owned(), "t=0.1,0.45".to_owned())].into());
    assert_eq!(sound(&server, "/iiif/search/2/talk?q=good")["items"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_a_text_is_a_finding_and_all_else_is_found() {
    let library = Library::new();
    book(&library, "book");
    let good = page(800, 400, &["whole words here", "and there"]);
    library.put_png("book/003.png", 800, 400);
    library.put("book/alto/003.xml", &good[..good.len() - 90]);
    library.put_png("book/004.png", 400, 400);
    library.put("book/alto/004.xml", &page(800, 400, &["turned since then"]));
    library.put_png("book/005.png", 400, 200);
    library.put("book/alto/005.xml", &page(400, 200, &["a line that runs far over the edge of its page indeed"]));
    let server = library.serve(&[]);
    wait_for_search(&server, "book");
    assert_eq!(both(&server, "book", "whole").len(), 1, "what comes before the damage is found");
    assert_eq!(both(&server, "book", "turned").len(), 1);
    assert_eq!(both(&server, "book", "quick").len(), 1);
    assert_eq!(both(&server, "book", "line").len(), 1);
    let log = server.log().join("\n");
    for (file, word) in [("003.xml", "line=4"), ("004.xml", "400 × 400"), ("005.xml", "outside")] {
        assert!(log.lines().any(|line| line.contains(file) && line.contains(word)), "{file}: {log}");
    }
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_recto"))
        .arg("check")
        .arg(library.folder.path())
        .args(["--format", "json"])
        .output()
        .unwrap();
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let rules: BTreeSet<&str> =
        checked["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert!(rules.is_superset(&["text-damaged", "text-proportions", "text-outside"].into()), "{rules:?}");
    let damaged =
        checked["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "text-damaged").unwrap();
    assert_eq!((&damaged["place"], &damaged["line"]), (&json!("book/alto/003.xml"), &json!(4)));
}

#[test]
fn texts_are_read_once_and_kept_over_a_restart() {
    let library = Library::new();
    book(&library, "book");
    let mut server = library.serve_again(&[]);
    wait_for_search(&server, "book");
    server.kill();
    drop(server);
    let server = library.serve_again(&[]);
    assert!(server.get("/iiif/presentation/3/book/manifest").json()["service"].is_array(), "at once");
    assert_eq!(both(&server, "book", "quick").len(), 1);
    assert!(!server.log().iter().any(|line| line.contains("texts were brought")), "{:?}", server.log());
}

#[test]
fn t10_s2_11_what_people_write_is_found_at_once_and_never_after_it_is_deleted() {
    let library = Library::new();
    book(&library, "book");
    library.put_png("mute/1.png", 100, 100);
    let server = writable(&library);
    let manifest = wait_for_search(&server, "book");
    let canvas = manifest["items"][1]["id"].as_str().unwrap();
    let write = |object: &str, body: Value| {
        let answer = send(&server, "POST", &format!("/annotations/{object}/"), "secret-a", &[], &body.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer
    };
    let mut body = remark("Zwei Vögel: ein Vogel, noch ein Vogel.", &format!("{canvas}#xywh=10,20,100,50"));
    body["motivation"] = json!("commenting");
    let written = write("book", body);
    // In the order of canvases: the text of the second page has no bird of this language.
    let found = sound(&server, "/iiif/search/2/book?q=vogel");
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "the annotation is there once: {found:#}");
    assert_eq!(items[0]["id"], written.header("location"));
    assert_eq!(places(&found), [("002".to_owned(), "xywh=10,20,100,50".to_owned())].into());
    let matches = found["annotations"][0]["items"].as_array().unwrap();
    assert_eq!(matches.len(), 3);
    for one in matches {
        assert_eq!(one["motivation"], "highlighting");
        let selector = &one["target"]["selector"][0];
        let quote: String =
            ["prefix", "exact", "suffix"].iter().map(|part| selector[*part].as_str().unwrap_or_default()).collect();
        assert!("Zwei Vögel: ein Vogel, noch ein Vogel.".contains(&quote), "{quote}");
    }
    assert_eq!(both(&server, "book", "vogel").len(), 1);
    // S2-4, S2-5: it has a motivation, a date and an author.
    for (filter, count) in [
        ("motivation=commenting", 1),
        ("motivation=supplementing", 0),
        ("user=https://example.org/anna", 1),
        ("user=https://example.org/bert", 0),
        ("date=2020-01-01T00:00:00Z/2100-01-01T00:00:00Z", 1),
        ("date=2020-01-01T00:00:00Z/2020-01-02T00:00:00Z", 0),
    ] {
        let found = sound(&server, &format!("/iiif/search/2/book?q=vogel&{filter}"));
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{filter}");
    }
    let terms = sound(&server, "/iiif/search/2/book/autocomplete?q=vog");
    assert_eq!((&terms["items"][0]["value"], &terms["items"][0]["total"]), (&json!("vogel"), &json!(3)));
    // Text and remarks on one page of results: the text of a canvas comes first.
    write("book", remark("birds indeed", canvas));
    let found = sound(&server, "/iiif/search/1/book?q=birds");
    let order: Vec<&str> =
        found["resources"].as_array().unwrap().iter().map(|one| one["@type"].as_str().unwrap()).collect();
    assert_eq!(order.len(), 4);
    assert_eq!(found["resources"][3]["on"], format!("{canvas}#xywh=0,0,400,200"));
    // An object without a text can be searched as soon as somebody has written about it.
    let mute = server.get("/iiif/presentation/3/mute/manifest").json();
    assert!(mute.get("service").is_none());
    let silent = format!("{}#xywh=1,1,5,5", mute["items"][0]["id"].as_str().unwrap());
    write("mute", remark("a silent picture", &silent));
    assert!(server.get("/iiif/presentation/3/mute/manifest").json()["service"].is_array());
    until("the remark", || (both(&server, "mute", "silent").len() == 1).then_some(()));
    let root = server.get("/").text();
    assert!(root.contains("role=\"search\""), "{root}");
    let deleted = send(&server, "DELETE", written.header("location"), "secret-a", &[], "");
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    assert_eq!(both(&server, "book", "vogel"), BTreeSet::new());
    assert_eq!(sound(&server, "/iiif/search/2/book/autocomplete?q=vog")["items"], json!([]));
}

#[test]
fn results_are_a_page_for_people_with_the_lines_as_pictures() {
    let library = Library::new();
    book(&library, "shelf/book");
    let server = library.serve(&[]);
    wait_for_search(&server, "shelf%2Fbook");
    let page = server.get("/items/shelf%2Fbook").text();
    assert!(page.contains("action=\"/items/shelf%2Fbook/search\""), "{page}");
    let answer = server.ask("GET", "/items/shelf%2Fbook/search?q=wooden", &[("Accept", "text/html")]);
    assert_eq!(answer.status, 200);
    let html = answer.text();
    assert!(html.contains("with an old <mark>wooden</mark> bookcase full"), "{html}");
    let strip = html.split("src=\"").find(|part| part.starts_with(&format!("{}/iiif/3/", server.base()))).unwrap();
    let strip = strip.split('"').next().unwrap().strip_prefix(&server.base()).unwrap();
    let picture = server.get(strip);
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/jpeg"));
    let width = html.split(strip).nth(1).unwrap();
    let size = image::load_from_memory(&picture.body).unwrap();
    assert!(width.contains(&format!("width=\"{}\" height=\"{}\"", size.width(), size.height())), "{width}");
    assert!(html.contains("/viewer/mirador?"), "{html}");
    let nothing = server.get("/items/shelf%2Fbook/search?q=birdhouse").text();
    assert!(nothing.contains("Nothing was found") && nothing.contains("?q=birds"), "{nothing}");
    let all = server.get("/search?q=birds").text();
    assert!(all.contains("3 matches") && all.contains("/items/shelf%2Fbook"), "{all}");
    let hostile = server.get("/items/shelf%2Fbook/search?q=%3Cscript%3Ealert(1)%3C/script%3E").text();
    assert!(!hostile.contains("<script>alert"));
    assert!(server.get("/items/shelf%2Fbook/search?q=fox&date=1890").text().contains("1890"));
}

/// The page of [`page`] as PAGE XML.
fn page_xml(width: u32, height: u32, lines: &[&str]) -> String {
    let points = |[x, y, w, h]: [u32; 4]| format!("{x},{y} {},{y} {},{} {x},{}", x + w, x + w, y + h, y + h);
    let mut out = format!(
        "<PcGts xmlns=\"http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15\"><Page imageFilename=\"x.png\" \
         imageWidth=\"{width}\" imageHeight=\"{height}\"><TextRegion id=\"r\"><Coords points=\"0,0 {width},0 {width},{height} 0,{height}\"/>"
    );
    for (number, line) in lines.iter().enumerate() {
        out.push_str(&format!("<TextLine id=\"l{number}\"><Coords points=\"0,0 {width},{height}\"/>"));
        for (place, word) in line.split(' ').enumerate() {
            let text = word.replace('¬', "-");
            out.push_str(&format!(
                "<Word id=\"w{number}-{place}\"><Coords points=\"{}\"/><TextEquiv><Unicode>{text}</Unicode></TextEquiv></Word>",
                points(area(lines, number, place))
            ));
        }
        out.push_str("</TextLine>");
    }
    out + "</TextRegion></Page></PcGts>"
}

/// The page of [`page`] as hOCR.
fn hocr(width: u32, height: u32, lines: &[&str]) -> String {
    let mut out = format!(
        "<html><head><meta name=\"ocr-system\" content=\"test\"></head><body><div class=\"ocr_page\" title=\"bbox 0 0 {width} {height}\">"
    );
    for (number, line) in lines.iter().enumerate() {
        out.push_str(&format!("<span class=\"ocr_line\" title=\"bbox 0 0 {width} {height}\">"));
        for (place, word) in line.split(' ').enumerate() {
            let [x, y, w, h] = area(lines, number, place);
            let text = word.replace('¬', "-");
            out.push_str(&format!(
                "<span class=\"ocrx_word\" title=\"bbox {x} {y} {} {}\">{text}</span> ",
                x + w,
                y + h
            ));
        }
        out.push_str("</span>\n");
    }
    out + "</div></body></html>"
}

#[test]
fn the_same_page_in_alto_page_and_hocr_gives_the_same_answers() {
    let library = Library::new();
    for name in ["alto", "page", "hocr"] {
        library.put_png(&format!("{name}/1.png"), 800, 400);
    }
    library.put("alto/1.xml", &page(800, 400, &FIRST));
    library.put("page/1.xml", page_xml(800, 400, &FIRST).as_bytes());
    library.put("hocr/1.html", hocr(800, 400, &FIRST).as_bytes());
    let server = library.serve(&[]);
    let plain = |object: &str| {
        let text = server.get(&format!("/downloads/{object}/txt")).text();
        text.split_once("]\n").unwrap().1.to_owned()
    };
    for object in ["alto", "page", "hocr"] {
        wait_for_search(&server, object);
    }
    assert_eq!(plain("page"), plain("alto"));
    assert_eq!(plain("hocr"), plain("alto"));
    for q in [
        "birds",
        "bookcase",
        "grun",
        "%22lazy+dog+and%22",
        "%22wooden+bookcase+full%22",
        "bi*",
        "quikc~2",
        "birds+-fox",
        "over+lazy",
    ] {
        let hits = |object: &str| {
            let found = sound(&server, &format!("/iiif/search/1/{object}?q={q}"));
            let hits: Vec<Vec<String>> = found["hits"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|hit| ["before", "match", "after"].map(|key| hit[key].to_string()).to_vec())
                .collect();
            (places(&found), hits)
        };
        let alto = hits("alto");
        assert_eq!(hits("page"), alto, "{q}");
        assert_eq!(hits("hocr"), alto, "{q}");
        assert_eq!(q == "birds+-fox", alto.0.is_empty(), "{q}: {alto:?}");
    }
}

#[test]
fn t2_words_lie_where_their_image_lies_on_the_canvas() {
    let library = Library::new();
    let lines = ["gamma delta"];
    for name in ["1", "2", "3"] {
        library.put_png(&format!("reg/{name}.png"), 400, 300);
        library.put(&format!("reg/{name}.xml"), &page(400, 300, &lines));
    }
    library.put(
        "reg/pages.csv",
        b"file,label,region,rotation,width,height\n1.png,one,\"100,0,200,150\",,,\n2.png,two,,90,,\n3.png,three,,,800,600\n",
    );
    let server = library.serve(&[]);
    wait_for_search(&server, "reg");
    let [x, y, w, h] = area(&lines, 0, 0);
    let want = [
        at("1", [100 + x / 2, y / 2, w / 2, h / 2]),
        at("2", [300 - y - h, x, h, w]),
        at("3", [2 * x, 2 * y, 2 * w, 2 * h]),
    ];
    assert_eq!(both(&server, "reg", "gamma"), want.into());
}

#[test]
fn s2_8_collections_are_paged_and_an_annotation_is_on_one_page_only() {
    let library = Library::new();
    let line = "word ".repeat(10);
    let lines: Vec<&str> = vec![line.trim(); 5];
    for object in ["a", "b", "c"] {
        library.put_png(&format!("shelf/{object}/1.png"), 800, 400);
        library.put(&format!("shelf/{object}/1.xml"), &page(800, 400, &lines));
    }
    let server = writable(&library);
    for object in ["a", "b", "c"] {
        wait_for_search(&server, &format!("shelf%2F{object}"));
    }
    let canvas =
        server.get("/iiif/presentation/3/shelf%2Fb/manifest").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let body = remark(&"word ".repeat(80), &canvas).to_string();
    assert_eq!(send(&server, "POST", "/annotations/shelf%2Fb/", "secret-a", &[], &body).status, 201);
    let mut path = "/iiif/search/2/shelf/collection?q=word".to_owned();
    let mut seen = Vec::new();
    loop {
        let document = sound(&server, &path);
        seen.extend(document["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        let Some(next) = document["next"]["id"].as_str() else { break };
        path = next.strip_prefix(&server.base()).unwrap().to_owned();
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (151, 151));
}
