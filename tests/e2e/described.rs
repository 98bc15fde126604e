//! What institutions have besides images: tables, sidecars, METS, TEI, recordings. Seen from outside, through the documents.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use recto_iiif::discovery::{Crawl, Fetched, Harvester};
use recto_iiif::validate::{Severity, validate};
use serde_json::{Value, json};

use crate::support::{Library, Server};

pub(crate) fn get(server: &Server, path: &str) -> Value {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// A manifest in every version, each without an error of its specification; the one of 3.0 is given.
pub(crate) fn manifest(server: &Server, identifier: &str) -> Value {
    sound(server, identifier, "2");
    sound(server, identifier, "4");
    sound(server, identifier, "3")
}

/// A manifest in one version, without an error of its specification.
pub(crate) fn sound(server: &Server, identifier: &str, version: &str) -> Value {
    let document = get(server, &format!("/iiif/presentation/{version}/{identifier}/manifest"));
    let errors: Vec<_> = validate(&document).into_iter().filter(|found| found.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{identifier} as {version}: {errors:#?}");
    document
}

fn canvas(server: &Server, identifier: &str, name: &str) -> String {
    format!("{}/iiif/presentation/3/{identifier}/canvas/{name}", server.base())
}

pub(crate) fn labels(document: &Value) -> Vec<&str> {
    document["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["label"].as_object().unwrap().values().next().unwrap()[0].as_str().unwrap())
        .collect()
}

const METS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<mets xmlns="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mods="http://www.loc.gov/mods/v3">
 <dmdSec ID="D1"><mdWrap MDTYPE="MODS"><xmlData><mods:mods>
  <mods:titleInfo><mods:title>Reise nach Prag</mods:title></mods:titleInfo>
  <mods:name><mods:namePart>Muster, Anna</mods:namePart><mods:role><mods:roleTerm authority="marcrelator" type="code">aut</mods:roleTerm></mods:role></mods:name>
  <mods:originInfo><mods:dateIssued>1890</mods:dateIssued></mods:originInfo>
 </mods:mods></xmlData></mdWrap></dmdSec>
 <fileSec><fileGrp USE="DEFAULT">
  <file ID="F1" MIMETYPE="image/png"><FLocat LOCTYPE="URL" xlink:href="images/001.png"/></file>
  <file ID="F2" MIMETYPE="image/png"><FLocat LOCTYPE="URL" xlink:href="images/002.png"/></file>
  <file ID="F3" MIMETYPE="image/png"><FLocat LOCTYPE="URL" xlink:href="images/003.png"/></file>
 </fileGrp></fileSec>
 <structMap TYPE="PHYSICAL"><div ID="P0" TYPE="physSequence">
  <div ID="P1" TYPE="page" ORDER="1" ORDERLABEL="1r"><fptr FILEID="F2"/></div>
  <div ID="P2" TYPE="page" ORDER="2" ORDERLABEL="1v"><fptr FILEID="F1"/></div>
  <div ID="P3" TYPE="page" ORDER="3" ORDERLABEL="2r"><fptr FILEID="F3"/></div>
 </div></structMap>
 <structMap TYPE="LOGICAL"><div ID="L0" TYPE="monograph" DMDID="D1">
  <div ID="L1" TYPE="chapter" LABEL="Abreise"/>
  <div ID="L2" TYPE="chapter" LABEL="Ankunft"/>
 </div></structMap>
 <structLink>
  <smLink xlink:from="L0" xlink:to="P1"/><smLink xlink:from="L0" xlink:to="P2"/><smLink xlink:from="L0" xlink:to="P3"/>
  <smLink xlink:from="L1" xlink:to="P1"/><smLink xlink:from="L1" xlink:to="P2"/><smLink xlink:from="L2" xlink:to="P3"/>
 </structLink>
</mets>"#;

#[test]
fn a_mets_file_makes_one_object_of_its_folders_in_its_own_order() {
    let library = Library::new();
    for page in ["001", "002", "003"] {
        library.put_png(&format!("reise/images/{page}.png"), 60, 80);
    }
    library.put("reise/mets.xml", METS.as_bytes());
    let server = library.serve(&[]);
    let book = manifest(&server, "reise");
    assert_eq!(book["label"], json!({"none": ["Reise nach Prag"]}));
    assert_eq!(labels(&book), ["1r", "1v", "2r"]);
    let image = &book["items"][0]["items"][0]["items"][0]["body"]["service"][0]["id"];
    assert_eq!(*image, format!("{}/iiif/3/reise%2Fimages%2F002.png", server.base()));
    let author = book["metadata"].as_array().unwrap().iter().find(|pair| pair["label"]["en"][0] == "Author").unwrap();
    assert_eq!(author["value"]["none"], json!(["Muster, Anna"]));
    let chapters: Vec<(&str, usize)> = book["structures"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|range| [range].into_iter().chain(range["items"].as_array().unwrap().iter()))
        .filter(|range| range["type"] == "Range")
        .map(|range| {
            let canvases = range["items"].as_array().unwrap().iter().filter(|item| item["type"] == "Canvas").count();
            (range["label"].as_object().unwrap().values().next().unwrap()[0].as_str().unwrap(), canvases)
        })
        .collect();
    assert!(chapters.contains(&("Abreise", 2)) && chapters.contains(&("Ankunft", 1)), "{chapters:?}");
    let mets =
        book["seeAlso"].as_array().unwrap().iter().find(|link| link["profile"] == "http://www.loc.gov/METS/").unwrap();
    let path = mets["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    assert_eq!(server.get(&path).body, METS.as_bytes(), "the METS file itself is given out");
    server.assert_clean_log();
}

#[test]
fn articles_of_a_newspaper_are_regions_of_their_pages() {
    let library = Library::new();
    library.put_png("paper/1.png", 600, 800);
    let alto = |file: &str| {
        format!(
            "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v3#\"><Description><MeasurementUnit>pixel</MeasurementUnit></Description>\
             <Layout><Page ID=\"{file}\" WIDTH=\"600\" HEIGHT=\"800\"><PrintSpace>\
             <TextBlock ID=\"TB1\" HPOS=\"50\" VPOS=\"60\" WIDTH=\"200\" HEIGHT=\"100\"/>\
             <TextBlock ID=\"TB2\" HPOS=\"50\" VPOS=\"170\" WIDTH=\"210\" HEIGHT=\"90\"/>\
             <TextBlock ID=\"TB3\" HPOS=\"300\" VPOS=\"60\" WIDTH=\"200\" HEIGHT=\"700\"/></PrintSpace></Page></Layout></alto>"
        )
    };
    let mets = r#"<mets xmlns="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink" LABEL="The Paper">
 <fileSec><fileGrp USE="DEFAULT"><file ID="I1" MIMETYPE="image/png"><FLocat LOCTYPE="URL" xlink:href="1.png"/></file></fileGrp>
  <fileGrp USE="FULLTEXT"><file ID="A1" MIMETYPE="text/xml"><FLocat LOCTYPE="URL" xlink:href="1.xml"/></file></fileGrp></fileSec>
 <structMap TYPE="PHYSICAL"><div TYPE="physSequence"><div TYPE="page" ORDER="1"><fptr FILEID="I1"/><fptr FILEID="A1"/></div></div></structMap>
 <structMap TYPE="LOGICAL"><div TYPE="issue" LABEL="Issue 1">
  <div TYPE="article" LABEL="Weather"><fptr><seq><area FILEID="A1" BETYPE="IDREF" BEGIN="TB1"/><area FILEID="A1" BETYPE="IDREF" BEGIN="TB2"/></seq></fptr></div>
  <div TYPE="article" LABEL="Ships"><fptr><area FILEID="A1" BETYPE="IDREF" BEGIN="TB3"/></fptr></div>
 </div></structMap></mets>"#;
    library.put("paper/mets.xml", mets.as_bytes()).put("paper/1.xml", alto("P1").as_bytes());
    let server = library.serve(&[]);
    let paper = manifest(&server, "paper");
    let mut articles = Vec::new();
    let mut open: Vec<&Value> = paper["structures"].as_array().unwrap().iter().collect();
    while let Some(range) = open.pop() {
        for item in range["items"].as_array().unwrap() {
            if item["type"] == "Range" {
                open.push(item);
            } else if item["type"] == "SpecificResource" {
                articles.push((
                    range["label"].as_object().unwrap().values().next().unwrap()[0].clone(),
                    item["selector"]["value"].clone(),
                ));
            }
        }
    }
    articles.sort_by_key(|(label, _)| label.to_string());
    assert_eq!(
        articles,
        [(json!("Ships"), json!("xywh=300,60,200,700")), (json!("Weather"), json!("xywh=50,60,210,200"))]
    );
    assert_eq!(paper["items"][0]["seeAlso"][0]["profile"], "http://www.loc.gov/standards/alto/ns-v3#");
    server.assert_clean_log();
}

#[test]
fn tables_and_sidecars_say_what_things_are() {
    let library = Library::new();
    for page in ["001", "002", "003"] {
        library.put_png(&format!("letters/max/{page}.png"), 60, 80);
    }
    library.put_png("letters/eva/1.png", 60, 80);
    library
        .put("letters/recto.yml", b"kind: collection\nlabel: {de: Briefe, en: Letters}\nrights: CC-BY-4.0\nrequiredStatement: {label: Source, value: City Archive}\n")
        .put("letters/objects.csv", "folder;label[de];label[en];Verfasser;date\nmax;Brief an Max;Letter to Max;Anna Muster;1890-05-03\neva;Brief an Eva;;Anna Muster;\n".as_bytes())
        .put("letters/max/pages.csv", b"file,label,behavior\n003.png,cover,\n001.png,1r,non-paged\n002.png,1v,\n")
        .put("letters/max/toc.txt", b"Greeting  1r\nText  1r-1v\n  Postscript  1v@5,10,20,30\n")
        .put("letters/eva/recto.yml", b"id: ms-7\nrights: CC0\n");
    let server = library.serve(&[]);
    let letters = get(&server, "/iiif/presentation/3/letters/collection");
    assert_eq!(letters["label"], json!({"de": ["Briefe"], "en": ["Letters"]}));
    let max = manifest(&server, "letters%2Fmax");
    assert_eq!(max["label"], json!({"de": ["Brief an Max"], "en": ["Letter to Max"]}));
    assert_eq!(max["rights"], "http://creativecommons.org/licenses/by/4.0/", "what the folder says flows down");
    assert_eq!(max["requiredStatement"]["value"], json!({"none": ["City Archive"]}));
    assert_eq!(max["navDate"], "1890-05-03T00:00:00Z");
    assert_eq!(labels(&max), ["cover", "1r", "1v"]);
    assert_eq!(max["items"][1]["behavior"], json!(["non-paged"]));
    let author = max["metadata"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pair| pair["label"].to_string().contains("Verfasser"))
        .unwrap();
    assert_eq!(author["value"]["none"], json!(["Anna Muster"]));
    let first_page = canvas(&server, "letters%2Fmax", "002");
    let parts: Vec<_> = max["structures"].as_array().unwrap().iter().map(|range| &range["label"]["none"][0]).collect();
    assert_eq!(parts, ["Greeting", "Text"]);
    let postscript =
        max["structures"][1]["items"].as_array().unwrap().iter().find(|item| item["type"] == "Range").unwrap();
    assert_eq!(postscript["items"][0]["selector"]["value"], "xywh=5,10,20,30");
    assert_eq!(postscript["items"][0]["source"]["id"], first_page.as_str());
    let eva = manifest(&server, "ms-7");
    assert_eq!(eva["rights"], "http://creativecommons.org/publicdomain/zero/1.0/", "the nearest wins");
    assert_eq!(server.get("/iiif/presentation/3/letters%2Feva/manifest").status, 404, "it has a name of its own");
    // An edited row changes just this object, while the server runs.
    library.put("letters/objects.csv", "folder;label[de]\nmax;Anderer Titel\neva;Brief an Eva\n".as_bytes());
    until(|| manifest(&server, "letters%2Fmax")["label"]["de"][0] == "Anderer Titel");
    server.assert_clean_log();
}

#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not become so");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// One second of silence: 8,000 samples of one byte.
pub(crate) fn wav() -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(36_u32 + 8000).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    for field in [1_u16, 1] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    for field in [8000_u32, 8000] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    for field in [1_u16, 8] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&8000_u32.to_le_bytes());
    bytes.resize(44 + 8000, 128);
    bytes
}

#[test]
fn p26_a_recording_is_a_timed_canvas_with_its_captions() {
    let library = Library::new();
    let captions = "WEBVTT\n\n00:00.000 --> 00:01.000\nGuten Tag\n";
    library.put("audio/interview.wav", &wav()).put("audio/interview.de.vtt", captions.as_bytes());
    let server = library.serve(&[]);
    sound(&server, "audio", "4");
    // 2.1 has no time: a canvas holds its place, and the recording is offered beside it.
    let older = sound(&server, "audio", "2");
    let place = &older["sequences"][0]["canvases"][0];
    assert_eq!((&place["width"], &place["height"], &place["images"]), (&json!(1000), &json!(1000), &json!([])));
    assert_eq!(place["rendering"]["@id"], format!("{}/files/audio/interview.wav", server.base()));
    let audio = sound(&server, "audio", "3");
    let canvas = &audio["items"][0];
    assert_eq!((canvas["duration"].as_f64(), canvas.get("width")), (Some(1.0), None));
    let body = &canvas["items"][0]["items"][0]["body"];
    assert_eq!((&body["type"], &body["format"]), (&json!("Sound"), &json!("audio/wav")));
    let caption = &canvas["annotations"][0]["items"][0];
    assert_eq!(caption["motivation"], "supplementing");
    assert_eq!((&caption["body"]["format"], &caption["body"]["language"]), (&json!("text/vtt"), &json!(["de"])));
    let path = |url: &Value| url.as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    let sound = server.ask("GET", &path(&body["id"]), &[("Range", "bytes=40-43")]);
    assert_eq!((sound.status, sound.body.as_slice()), (206, &8000_u32.to_le_bytes()[..]), "players seek by ranges");
    let text = server.get(&path(&caption["body"]["id"]));
    assert_eq!((text.text().as_str(), text.header("content-type")), (captions, "text/vtt; charset=utf-8"));
    server.assert_clean_log();
}

#[test]
fn captions_in_subrip_are_given_to_players_as_web_vtt() {
    let library = Library::new();
    let captions = "1\r\n00:00:00,000 --> 00:00:01,000\r\nGuten Tag\r\n";
    library.put("audio/interview.wav", &wav()).put("audio/interview.de.srt", captions.as_bytes());
    let server = library.serve(&[]);
    let audio = sound(&server, "audio", "3");
    let body = &audio["items"][0]["annotations"][0]["items"][0]["body"];
    assert_eq!((&body["format"], &body["language"]), (&json!("text/vtt"), &json!(["de"])));
    let path = body["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    let text = server.get(&path);
    assert_eq!(
        (text.text().as_str(), text.header("content-type")),
        ("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGuten Tag\n", "text/vtt; charset=utf-8")
    );
    assert_eq!(server.ask("GET", &path, &[("If-None-Match", text.header("etag"))]).status, 304);
    let original = server.get(path.strip_suffix(".vtt").unwrap());
    assert_eq!((original.text().as_str(), original.header("content-type")), (captions, "application/x-subrip"));
    assert_eq!(server.get("/files/audio/other.srt.vtt").status, 404);
    server.assert_clean_log();
}

#[test]
fn only_files_that_documents_name_are_given_out() {
    let library = Library::new();
    library.put_png("a/1.png", 8, 8).put("a/recto.yml", b"label: A\n").put("a/1.html", b"<script>alert(1)</script>");
    let server = library.serve(&[]);
    for path in
        ["/files/a/1.png", "/files/a/recto.yml", "/files/a/../a/1.html", "/files/.hidden.txt", "/files/a", "/files/"]
    {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let page = server.get("/files/a/1.html");
    assert_eq!(page.header("content-type"), "text/vnd.hocr+html; charset=utf-8", "it is no page of this site");
    assert!(page.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[test]
fn a_whole_object_leaves_as_pdf_and_as_archive() {
    let library = Library::new();
    for page in 1..=3 {
        library.put_png(&format!("book/{page}.png"), 60, 80);
    }
    library.put("book/recto.yml", "label: Prüfung\nrights: CC0\n".as_bytes());
    let server = library.serve(&[]);
    let book = manifest(&server, "book");
    let offered: Vec<_> = book["rendering"].as_array().unwrap().iter().map(|link| &link["format"]).collect();
    assert_eq!(offered, ["application/pdf", "application/zip"]);
    let pdf = server.get("/downloads/book/pdf");
    assert_eq!((pdf.status, pdf.header("content-type")), (200, "application/pdf"));
    assert_eq!(pdf.header("content-disposition"), "attachment; filename=\"book.pdf\"");
    assert!(pdf.body.starts_with(b"%PDF-1.7") && pdf.body.trim_ascii_end().ends_with(b"%%EOF"));
    let count = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).filter(|window| *window == what).count();
    assert_eq!(count(&pdf.body, b"/DCTDecode"), 3, "each page is a JPEG as it is");
    assert_eq!(server.get("/downloads/book/pdf").body, pdf.body, "the same object gives the same bytes");
    let two = server.get("/downloads/book/pdf?pages=2-3");
    assert_eq!(count(&two.body, b"/DCTDecode"), 2);
    assert_eq!(server.get("/downloads/book/pdf?pages=x").status, 400);
    assert_eq!(server.get("/downloads/nothing/pdf").status, 404);
    let archive = server.get("/downloads/book/zip");
    for name in ["0001.jpg", "0002.jpg", "0003.jpg", "README.txt"] {
        assert!(count(&archive.body, name.as_bytes()) >= 2, "{name} is there and in the table");
    }
    server.assert_clean_log();
}

#[test]
fn d9_a_harvester_ends_with_just_what_there_is_also_after_restarts() {
    let library = Library::new();
    library.put_png("a/1.png", 8, 8).put_png("b/1.png", 9, 9).put_png("c/1.png", 10, 10);
    let base = "http://iiif.example.org";
    let serve = || library.serve_again(&["--base-url", base]);
    let path = "/iiif/discovery/1/all-changes";
    let stream = format!("{base}{path}");
    let live = |server: &Server| {
        let mut harvester = Harvester::new(stream.clone()).only(&["Manifest"]);
        harvester.begin(Crawl::Full);
        while let Some(uri) = harvester.next_request().map(ToOwned::to_owned) {
            let answer = server.get(uri.strip_prefix(base).unwrap());
            assert_eq!(answer.status, 200, "{uri}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            harvester.feed(Fetched::Document(&answer.json()));
        }
        harvester.live().keys().cloned().collect::<BTreeSet<_>>()
    };
    let wanted = |names: &[&str]| {
        names.iter().map(|name| format!("{base}/iiif/presentation/3/{name}/manifest")).collect::<BTreeSet<_>>()
    };
    let server = serve();
    assert_eq!(live(&server), wanted(&["a", "b", "c"]));
    std::fs::rename(library.path("b"), library.path("moved")).unwrap();
    until(|| live(&server) == wanted(&["a", "c", "moved"]));
    drop(server);
    // What happens while nobody looks is told after the restart.
    std::fs::remove_dir_all(library.path("a")).unwrap();
    library.put_png("d/1.png", 11, 11);
    let server = serve();
    assert_eq!(live(&server), wanted(&["c", "d", "moved"]));
    let log = get(&server, &format!("{path}/page/0"));
    let kinds: Vec<_> = log["orderedItems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|activity| activity["object"]["type"] == "Manifest")
        .map(|activity| activity["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Create", "Create", "Create", "Move", "Create", "Delete"]);
    let errors: Vec<_> = validate(&log).into_iter().filter(|found| found.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

pub(crate) fn recto(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_recto")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_is_wrong_in_a_library_is_told_with_place_and_remedy_and_the_rest_is_published() {
    let library = Library::new();
    for name in ["broken", "bomb", "table", "loop", "huge", "circle"] {
        library.put_png(&format!("{name}/1.png"), 8, 8).put_png(&format!("{name}/2.png"), 8, 8);
    }
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
        <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;\">\
        <!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;\"><!ENTITY h \"&g;&g;&g;&g;&g;&g;&g;&g;\">\
        <!ENTITY i \"&h;&h;&h;&h;&h;&h;&h;&h;\">]><mets xmlns=\"http://www.loc.gov/METS/\" LABEL=\"&i;\">&i;</mets>";
    library
        .put("broken/mets.xml", b"<mets xmlns=\"http://www.loc.gov/METS/\"><fileSec>\n<file ID=")
        .put("bomb/mets.xml", bomb.as_bytes())
        .put("table/pages.csv", b"file,label\n1.png,first\nmissing.png,second\n2.png,third\n")
        .put("loop/toc.txt", b"Part  1\nOther  99\n")
        .put(
            "huge/manifest.json",
            format!("{{\"type\": \"Manifest\", \"label\": \"{}\"}}", "x".repeat(100_000_000)).as_bytes(),
        )
        .put("circle/manifest.json", circle().to_string().as_bytes());
    let before = library.snapshot();
    let folder = library.folder.path().to_str().unwrap();
    let (code, out, _) = recto(&["check", folder, "--format", "json"]);
    assert_eq!(code, 1, "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["objects"], &report["files"]), (&json!(6), &json!(12)));
    let findings = report["findings"].as_array().unwrap();
    let at = |place: &str, line: u64| {
        findings
            .iter()
            .find(|finding| finding["place"] == place && (line == 0 || finding["line"] == line))
            .unwrap_or_else(|| panic!("{place}:{line} in {out}"))
    };
    assert!(!at("broken/mets.xml", 2)["fix"].as_str().unwrap().is_empty());
    assert_eq!(at("bomb/mets.xml", 0)["severity"], "error");
    assert!(at("table/pages.csv", 3)["message"].as_str().unwrap().contains("missing.png"));
    assert!(at("loop/toc.txt", 2)["message"].as_str().unwrap().contains("99"));
    assert!(at("huge/manifest.json", 0)["message"].as_str().unwrap().contains("larger than 32 MB"));
    let circle = at("circle/manifest.json", 0)["message"].as_str().unwrap();
    assert!(circle.contains("/structures/0") && circle.contains("itself"), "{circle}");
    let server = library.serve(&[]);
    assert_eq!(labels(&manifest(&server, "table")), ["first", "third"]);
    for version in ["2", "3", "4"] {
        let circle = get(&server, &format!("/iiif/presentation/{version}/circle/manifest"));
        assert_eq!(circle["structures"].as_array().unwrap().len(), 2, "{version}");
    }
    for name in ["broken", "bomb", "loop", "huge"] {
        assert_eq!(manifest(&server, name)["items"].as_array().unwrap().len(), 2, "{name}");
    }
    assert_eq!(manifest(&server, "loop")["structures"].as_array().unwrap().len(), 1);
    assert_eq!(library.snapshot(), before, "nothing was rewritten");
}

/// A manifest of which one range is in another one that is in it.
fn circle() -> Value {
    let base = "https://example.org/iiif/circle";
    let range = |one: u32, other: u32| {
        json!({"id": format!("{base}/range/{one}"), "type": "Range", "label": {"none": [one.to_string()]},
        "items": [{"id": format!("{base}/canvas/1"), "type": "Canvas"}, {"id": format!("{base}/range/{other}"), "type": "Range"}]})
    };
    json!({"@context": "http://iiif.io/api/presentation/3/context.json", "id": format!("{base}/manifest"), "type": "Manifest", "label": {"none": ["Circle"]},
        "items": [{"id": format!("{base}/canvas/1"), "type": "Canvas", "height": 8, "width": 8, "items": [{"id": format!("{base}/page/1"), "type": "AnnotationPage",
            "items": [{"id": format!("{base}/annotation/1"), "type": "Annotation", "motivation": "painting", "target": format!("{base}/canvas/1"),
                "body": {"id": "1.png", "type": "Image", "format": "image/png", "height": 8, "width": 8}}]}]}],
        "structures": [range(1, 2), range(2, 1)]})
}

#[test]
fn manifests_are_built_converted_and_compared_on_the_command_line() {
    let library = Library::new();
    library.put_png("book/1.png", 60, 80).put_png("book/2.png", 60, 80).put("book/recto.yml", b"label: Book\n");
    let folder = library.path("book");
    let (code, built, _) =
        recto(&["manifest", "build", folder.to_str().unwrap(), "--base-url", "https://iiif.example.org"]);
    assert_eq!(code, 0);
    let document: Value = serde_json::from_str(&built).unwrap();
    assert_eq!(document["label"], json!({"none": ["Book"]}));
    assert_eq!(document["items"].as_array().unwrap().len(), 2);
    library.put("../built.json", built.as_bytes());
    let file = library.path("../built.json");
    let (code, older, _) = recto(&["manifest", "downgrade", file.to_str().unwrap()]);
    assert_eq!((code, serde_json::from_str::<Value>(&older).unwrap()["@type"].as_str()), (0, Some("sc:Manifest")));
    let (code, _, _) = recto(&["manifest", "diff", file.to_str().unwrap(), file.to_str().unwrap()]);
    assert_eq!(code, 0);
    library.put("../other.json", built.replace("\"Book\"", "\"Buch\"").as_bytes());
    let (code, out, _) =
        recto(&["manifest", "diff", file.to_str().unwrap(), library.path("../other.json").to_str().unwrap()]);
    assert!(code == 1 && out.contains("/label"), "{out}");
    let (code, out, _) = recto(&["validate", file.to_str().unwrap(), "--format", "sarif"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&out).unwrap()["version"]), (0, &json!("2.1.0")));
    for file in ["../built.json", "../other.json"] {
        std::fs::remove_file(library.path(file)).unwrap();
    }
}

#[test]
fn the_doctor_finds_this_server_in_good_health() {
    let library = Library::new();
    library.put_png("book/1.png", 1200, 900);
    let server = library.serve(&[]);
    let url = format!("{}/iiif/3/book%2F1.png/info.json", server.base());
    let (code, out, error) = recto(&["doctor", &url, "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
    let errors: Vec<_> =
        report["findings"].as_array().unwrap().iter().filter(|found| found["severity"] == "error").collect();
    assert_eq!(errors, Vec::<&Value>::new());
    assert_eq!(code, 0);
    let image = &report["image"];
    assert_eq!((&image["claimed_level"], &image["reached_level"]), (&json!(2), &json!(2)), "{image:#}");
}

const MADE: &str = r#"{
 "@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://example.org/iiif/ms1/manifest", "type": "Manifest",
 "label": {"en": ["Made by hand"]}, "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
 "items": [{"id": "https://example.org/iiif/ms1/canvas/1", "type": "Canvas", "label": {"none": ["1r"]}, "height": 80, "width": 60,
  "items": [{"id": "https://example.org/iiif/ms1/page/1", "type": "AnnotationPage", "items": [
   {"id": "https://example.org/iiif/ms1/annotation/1", "type": "Annotation", "motivation": "painting",
    "body": {"id": "1.png", "type": "Image", "format": "image/png", "height": 80, "width": 60},
    "target": "https://example.org/iiif/ms1/canvas/1"}]}]}],
 "structures": [{"id": "https://example.org/iiif/ms1/range/1", "type": "Range", "label": {"none": ["All"]},
  "items": [{"id": "https://example.org/iiif/ms1/canvas/1", "type": "Canvas"}]}]
}"#;

#[test]
fn a_manifest_that_somebody_made_is_published_under_our_urls() {
    let library = Library::new();
    library.put_png("ms1/1.png", 60, 80).put("ms1/manifest.json", MADE.as_bytes());
    library.put_png("other/1.png", 8, 8).put("other/manifest.json", b"{\"type\": ");
    let server = library.serve(&[]);
    let made = manifest(&server, "ms1");
    assert_eq!(made["label"], json!({"en": ["Made by hand"]}));
    let base = format!("{}/iiif/presentation/3/ms1", server.base());
    let canvas = &made["items"][0];
    assert_eq!(canvas["id"], format!("{base}/canvas/1"));
    let annotation = &canvas["items"][0]["items"][0];
    assert_eq!((&annotation["target"], &made["structures"][0]["items"][0]["id"]), (&canvas["id"], &canvas["id"]));
    let service = format!("{}/iiif/3/ms1%2F1.png", server.base());
    assert_eq!(annotation["body"]["service"][0]["id"], service);
    let image = annotation["body"]["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    assert_eq!(server.get(&image).size(), (60, 80));
    assert_eq!(made["seeAlso"][0]["id"], "https://example.org/iiif/ms1/manifest", "where it came from stays known");
    let root = library.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let all = get(&server, &format!("/iiif/presentation/3/{root}/collection"));
    assert_eq!(labels(&all), ["Made by hand", "other"]);
    assert_eq!(server.ask("GET", "/items/ms1", &[("Accept", "text/html")]).status, 200);
    assert_eq!(labels(&manifest(&server, "other")), ["1"], "a broken one costs nothing but itself");
    let (code, out, _) = recto(&["check", library.folder.path().to_str().unwrap()]);
    assert!(code == 1 && out.contains("other/manifest.json"), "{out}");
}

#[test]
fn what_is_published_is_exported_as_a_table_that_says_the_same() {
    let library = Library::new();
    library.put_png("a/1.png", 8, 8).put_png("b/1.png", 8, 8).put_png("b/2.png", 8, 8);
    library
        .put("a/recto.yml", "label: {de: Brief; en, en: \"Letter, \\\"one\\\"\"}\nrights: CC0\nmetadata:\n  - {Verfasser: Anna Muster}\n".as_bytes())
        .put("b/toc.txt", b"Begin  1\n");
    let folder = library.folder.path().to_str().unwrap().to_owned();
    let (code, first, _) = recto(&["export", "csv", &folder]);
    assert_eq!(code, 0);
    std::fs::remove_file(library.path("a/recto.yml")).unwrap();
    library.put("objects.csv", first.as_bytes());
    let (_, second, _) = recto(&["export", "csv", &folder]);
    assert_eq!(first, second);
    let server = library.serve(&[]);
    let a = manifest(&server, "a");
    assert_eq!(a["label"]["en"], json!(["Letter, \"one\""]));
    assert_eq!(a["metadata"][0]["value"]["none"], json!(["Anna Muster"]));
    let (code, pages, _) = recto(&["export", "csv", library.path("b").to_str().unwrap(), "--pages"]);
    assert!(code == 0 && pages.lines().count() == 3 && pages.contains("2.png"), "{pages}");
}
