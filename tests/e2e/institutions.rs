//! Works in volumes, finding aids, lists and long collections, as institutions have them. Seen from outside.

use recto_iiif::validate::{Severity, validate};
use recto_testkit::tiff::fax_pages;
use serde_json::{Value, json};

use crate::described::{get, labels, manifest, recto, sound, until, wav};
use crate::support::{Library, Server};

/// A collection in every version, each without an error of its specification; the one of 3.0 is given.
fn collection(server: &Server, identifier: &str) -> Value {
    let document = |version: &str| {
        let document = get(server, &format!("/iiif/presentation/{version}/{identifier}/collection"));
        let errors: Vec<_> =
            validate(&document).into_iter().filter(|found| found.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{identifier} as {version}: {errors:#?}");
        document
    };
    document("2");
    document("4");
    document("3")
}

fn status(server: &Server, identifier: &str, kind: &str) -> u16 {
    server.get(&format!("/iiif/presentation/3/{identifier}/{kind}")).status
}

fn anchor(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts: String = parts
        .iter()
        .map(|(label, address)| {
            format!("<div TYPE='volume' LABEL='{label}'><mptr LOCTYPE='URL' xlink:href='{address}'/></div>")
        })
        .collect();
    format!(
        "<mets xmlns='http://www.loc.gov/METS/' xmlns:xlink='http://www.w3.org/1999/xlink'>\
         <structMap TYPE='LOGICAL'><div TYPE='multivolume_work' LABEL='The Work'>{parts}</div></structMap></mets>"
    )
    .into_bytes()
}

fn volume(label: &str) -> Vec<u8> {
    format!(
        "<mets xmlns='http://www.loc.gov/METS/' xmlns:xlink='http://www.w3.org/1999/xlink' LABEL='{label}'>\
         <fileSec><fileGrp USE='DEFAULT'><file ID='F' MIMETYPE='image/png'><FLocat LOCTYPE='URL' xlink:href='1.png'/></file></fileGrp></fileSec>\
         <structMap TYPE='PHYSICAL'><div TYPE='physSequence'><div TYPE='page'><fptr FILEID='F'/></div></div></structMap></mets>"
    )
    .into_bytes()
}

#[test]
fn volumes_are_listed_by_the_mets_file_of_the_work_in_its_order() {
    let library = Library::new();
    for (folder, label) in [("work/a", "Second"), ("work/b", "First"), ("supplements/x", "Supplement")] {
        library.put_png(&format!("{folder}/1.png"), 8, 8).put(&format!("{folder}/mets.xml"), &volume(label));
    }
    library.put_png("supplements/y/1.png", 8, 8);
    let parts = [
        ("1", "b/mets.xml"),
        ("2", "a/mets.xml"),
        ("S", "../supplements/x/mets.xml"),
        ("4", "https://example.org/work/4/vol4.xml"),
    ];
    library.put("work/anchor.xml", &anchor(&parts));
    let server = library.serve(&[]);
    let work = collection(&server, "work");
    assert_eq!(work["label"], json!({"none": ["The Work"]}));
    let of = |name: &str| format!("{}/iiif/presentation/3/{name}/manifest", server.base());
    let items: Vec<_> = work["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(items, [of("work%2Fb"), of("work%2Fa"), of("supplements%2Fx")]);
    assert_eq!(labels(&work), ["First", "Second", "Supplement"]);
    let elsewhere =
        work["seeAlso"].as_array().unwrap().iter().any(|link| link["id"] == "https://example.org/work/4/vol4.xml");
    assert!(elsewhere, "what is elsewhere is linked to: {work:#}");
    assert_eq!(labels(&collection(&server, "supplements")), ["Supplement", "y"], "it stays where it lies as well");
    manifest(&server, "work%2Fb");
    // The other order, and without the supplement.
    library.put("work/anchor.xml", &anchor(&parts[..2].iter().rev().copied().collect::<Vec<_>>()));
    until(|| labels(&collection(&server, "work")) == ["Second", "First"]);
    let (_, out, _) = recto(&["check", library.folder.path().to_str().unwrap(), "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        report["findings"].as_array().unwrap().iter().filter(|found| found["rule"] == "member-elsewhere").count(),
        0
    );
}

#[test]
fn years_of_a_newspaper_are_collections_of_their_issues() {
    let library = Library::new();
    library.put("paper/anchor.xml", &anchor(&[("1891", "1891/year.xml"), ("1890", "1890/year.xml")]));
    for year in ["1890", "1891"] {
        library.put(&format!("paper/{year}/year.xml"), &anchor(&[("1", "0103/mets.xml"), ("2", "0104/mets.xml")]));
        for issue in ["0103", "0104"] {
            library
                .put_png(&format!("paper/{year}/{issue}/1.png"), 8, 8)
                .put(&format!("paper/{year}/{issue}/mets.xml"), &volume(&format!("{year}-{issue}")));
        }
    }
    let server = library.serve(&[]);
    let paper = collection(&server, "paper");
    let items: Vec<_> =
        paper["items"].as_array().unwrap().iter().map(|item| (&item["type"], item["id"].as_str().unwrap())).collect();
    let of = |name: &str| format!("{}/iiif/presentation/3/{name}/collection", server.base());
    let (newer, older) = (of("paper%2F1891"), of("paper%2F1890"));
    let kind = json!("Collection");
    assert_eq!(items, [(&kind, newer.as_str()), (&kind, older.as_str())]);
    assert_eq!(labels(&collection(&server, "paper%2F1890")), ["1890-0103", "1890-0104"]);
    server.assert_clean_log();
}

const EAD: &str = r#"<ead xmlns:xlink="http://www.w3.org/1999/xlink"><archdesc level="fonds">
 <did><unittitle>Papers of Anna Muster</unittitle></did><dsc>
  <c01 level="series"><did><unittitle>Letters</unittitle></did>
   <c02 level="item"><did><unittitle>To Max</unittitle><dao xlink:href="scans/max/1.png"/><dao xlink:href="scans/max/2.png"/></did></c02>
   <c02 level="item"><did><unittitle>To Eva</unittitle><dao xlink:href="scans/eva/"/></did></c02>
   <c02 level="item"><did><unittitle>Lost</unittitle></did></c02>
  </c01>
  <c01 level="series"><did><unittitle>Elsewhere</unittitle></did>
   <c02 level="item"><did><unittitle>Abroad</unittitle><dao xlink:role="IIIF" xlink:title="Abroad" xlink:href="https://example.org/iiif/9/manifest"/></did></c02>
  </c01>
 </dsc></archdesc></ead>"#;

#[test]
fn a_finding_aid_becomes_collections_and_manifests_by_its_hierarchy() {
    let library = Library::new();
    for name in ["max/1.png", "max/2.png", "eva/1.png"] {
        library.put_png(&format!("papers/scans/{name}"), 60, 80);
    }
    library.put("papers/ead.xml", EAD.as_bytes());
    let server = library.serve(&[]);
    let papers = collection(&server, "papers");
    assert_eq!(papers["label"], json!({"none": ["Papers of Anna Muster"]}));
    assert_eq!(labels(&papers), ["Letters", "Elsewhere", "scans"]);
    let letters = collection(&server, "papers%2F~1");
    assert_eq!(labels(&letters), ["To Max", "To Eva"], "what leads to nothing is left out");
    assert_eq!(letters["partOf"][0]["id"], papers["id"]);
    let max = manifest(&server, "papers%2F~1%2F~1");
    assert_eq!(max["label"], json!({"none": ["To Max"]}));
    let images: Vec<_> = max["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|canvas| canvas["items"][0]["items"][0]["body"]["service"][0]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(images, ["1", "2"].map(|page| format!("{}/iiif/3/papers%2Fscans%2Fmax%2F{page}.png", server.base())));
    // A component that names a folder lists the object that is made of it.
    let eva = collection(&server, "papers%2F~1%2F~2");
    let folder = format!("{}/iiif/presentation/3/papers%2Fscans%2Feva/manifest", server.base());
    assert_eq!((eva["items"].as_array().unwrap().len(), &eva["items"][0]["id"]), (1, &json!(folder)));
    let abroad = collection(&server, "papers%2F~2%2F~1");
    assert_eq!(abroad["items"][0]["id"], "https://example.org/iiif/9/manifest");
    let log = get(&server, "/iiif/discovery/1/all-changes");
    assert!(log["totalItems"].as_u64().unwrap() >= 8, "{log:#}");
    // Without the finding aid, all that it made is gone, and the files are there.
    std::fs::remove_file(library.path("papers/ead.xml")).unwrap();
    until(|| status(&server, "papers%2F~1", "collection") == 404);
    until(|| status(&server, "papers%2F~1%2F~2", "collection") == 404);
    assert_eq!(status(&server, "papers%2F~1%2F~1", "manifest"), 404);
    assert_eq!(labels(&collection(&server, "papers%2Fscans")), ["eva", "max"]);
    server.assert_clean_log();
}

#[test]
fn things_are_listed_in_collections_that_only_lists_make_until_nothing_is_listed() {
    let library = Library::new();
    library.put_png("a/1.png", 8, 8).put_png("b/1.png", 8, 8).put_png("c/1.png", 8, 8);
    library
        .put("objects.csv", b"folder,collection\na,Maps/Berlin|Prints\nb,Maps/Berlin\n")
        .put("c/recto.yml", b"collections: [Maps/Prague]\n");
    let server = library.serve(&[]);
    let names = |identifier: &str| {
        let document = collection(&server, identifier);
        labels(&document).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("Maps"), ["Berlin", "Prague"]);
    assert_eq!(names("Maps%2FBerlin"), ["a", "b"]);
    assert_eq!(names("Maps%2FPrague"), ["c"]);
    assert_eq!(names("Prints"), ["a"]);
    let root = library.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(names(&root), ["a", "b", "c", "Maps", "Prints"]);
    library.put("objects.csv", b"folder,collection\na,\nb,Maps/Berlin\n");
    until(|| status(&server, "Prints", "collection") == 404);
    assert_eq!(names("Maps%2FBerlin"), ["b"]);
    library.put("c/recto.yml", b"label: C\n");
    until(|| status(&server, "Maps%2FPrague", "collection") == 404);
    assert_eq!(names("Maps"), ["Berlin"]);
    std::fs::remove_file(library.path("objects.csv")).unwrap();
    until(|| status(&server, "Maps", "collection") == 404);
    assert_eq!(names(&root), ["a", "b", "C"]);
    server.assert_clean_log();
}

#[test]
fn v1_collections_of_very_many_members_are_paged_in_4() {
    let library = Library::new();
    let picture = crate::support::coded_png(2, 2);
    library.put("Other/1.png", &picture);
    for number in 1..=1001 {
        library.put(&format!("{number}.png"), &picture);
    }
    let server = library.serve(&["--set", "library.look_ahead=false"]);
    let root = library.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let path = format!("/iiif/presentation/4/{root}/collection");
    let sound = |path: &str| {
        let document = get(&server, path);
        let found: Vec<_> = validate(&document).into_iter().filter(|found| found.severity == Severity::Error).collect();
        assert!(found.is_empty(), "{path}: {found:#?}");
        document
    };
    let whole = sound(&path);
    let page =
        |number: usize| json!({"id": format!("{}{path}/page/{number}", server.base()), "type": "CollectionPage"});
    assert_eq!((&whole["total"], &whole["first"], &whole["last"]), (&json!(1002), &page(1), &page(2)));
    assert!(whole.get("items").is_none());
    let (first, second) = (sound(&format!("{path}/page/1")), sound(&format!("{path}/page/2")));
    assert_eq!((first["id"].as_str(), &first["next"], first.get("prev")), (page(1)["id"].as_str(), &page(2), None));
    assert_eq!((&second["prev"], second.get("next"), &second["startIndex"]), (&page(1), None, &json!(1000)));
    assert_eq!(second["partOf"][0]["id"], whole["id"]);
    assert_eq!(first["items"].as_array().unwrap().len(), 1000);
    assert_eq!(labels(&second), ["1001", "Other"]);
    for wrong in ["page/0", "page/3", "page/01", "page/x", "page/99999999999"] {
        assert_eq!(server.get(&format!("{path}/{wrong}")).status, 404, "{wrong}");
    }
    assert_eq!(server.get(&format!("/iiif/presentation/3/{root}/collection/page/1")).status, 404);
    let older = get(&server, &format!("/iiif/presentation/3/{root}/collection"));
    assert_eq!(older["items"].as_array().unwrap().len(), 1002, "3.0 has no pages");
    assert_eq!(server.get("/iiif/presentation/4/Other/collection/page/1").status, 404, "a short one has none");
    server.assert_clean_log();
}

#[test]
fn sound_with_a_picture_is_shown_in_every_version() {
    let library = Library::new();
    library.put("talk/talk.wav", &wav()).put_png("talk/talk.png", 40, 30);
    let server = library.serve(&[]);
    let talk = manifest(&server, "talk");
    assert_eq!(talk["items"].as_array().unwrap().len(), 1, "the picture is no page of its own");
    let beside = &talk["items"][0]["accompanyingCanvas"];
    assert_eq!((&beside["width"], &beside["height"]), (&json!(40), &json!(30)));
    let older = sound(&server, "talk", "2");
    let canvas = &older["sequences"][0]["canvases"][0];
    assert_eq!((&canvas["width"], &canvas["height"]), (&json!(40), &json!(30)));
    let picture =
        canvas["images"][0]["resource"]["@id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    assert_eq!(server.get(&picture).size(), (40, 30));
    let newer = sound(&server, "talk", "4");
    assert_eq!(newer["items"][0]["type"], "Timeline");
    assert_eq!(newer["items"][0]["accompanyingContainer"]["width"], 40);
    server.assert_clean_log();
}

#[test]
fn the_number_of_pages_follows_the_files_before_anybody_asks_for_the_manifest() {
    let library = Library::new();
    library.put("book/1.tif", &fax_pages(2)).put_png("other/1.png", 8, 8);
    let server = library.serve(&[]);
    let shows = |words: &str| server.ask("GET", "/", &[("Accept", "text/html")]).text().contains(words);
    until(|| shows("2 pages"));
    library.put("book/1.tif", &fax_pages(5));
    until(|| shows("5 pages"));
    library.put("book/2.tif", &fax_pages(4));
    until(|| shows("9 pages"));
    server.assert_clean_log();
}

/// A PDF of four pages with an outline.
fn pdf() -> Vec<u8> {
    let pages = |number: u32| format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {}0 100] >>", number + 6);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /Outlines 7 0 R >>".to_owned(),
        "<< /Type /Pages /Count 4 /Kids [3 0 R 4 0 R 5 0 R 6 0 R] >>".to_owned(),
        pages(1),
        pages(2),
        pages(3),
        pages(4),
        "<< /First 8 0 R /Last 9 0 R >>".to_owned(),
        "<< /Title (Begin) /Dest [3 0 R /Fit] /Next 9 0 R >>".to_owned(),
        "<< /Title (Rest) /Dest [5 0 R /Fit] /First 10 0 R >>".to_owned(),
        "<< /Title (Last) /Dest [6 0 R /Fit] >>".to_owned(),
    ];
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = String::new();
    for (object, number) in objects.iter().zip(1..) {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let at = bytes.len();
    bytes.extend_from_slice(
        format!(
            "xref\n0 11\n0000000000 65535 f \n{table}trailer\n<< /Size 11 /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"
        )
        .as_bytes(),
    );
    bytes
}

#[test]
fn the_outline_of_a_pdf_is_its_table_of_contents() {
    let library = Library::new();
    library.put("report.pdf", &pdf()).put_png("other/1.png", 8, 8);
    let server = library.serve(&[]);
    let report = manifest(&server, "report.pdf");
    let canvas = |page: usize| json!({"id": report["items"][page - 1]["id"], "type": "Canvas"});
    assert_eq!(report["items"].as_array().unwrap().len(), 4);
    let parts = report["structures"].as_array().unwrap();
    assert_eq!((&parts[0]["label"], &parts[0]["items"]), (&json!({"none": ["Begin"]}), &json!([canvas(1), canvas(2)])));
    assert_eq!((&parts[1]["label"], &parts[1]["items"][0]), (&json!({"none": ["Rest"]}), &canvas(3)));
    assert_eq!(
        (&parts[1]["items"][1]["label"], &parts[1]["items"][1]["items"]),
        (&json!({"none": ["Last"]}), &json!([canvas(4)]))
    );
    server.assert_clean_log();
}

#[test]
fn the_whole_keeps_its_url_when_a_folder_gets_its_name() {
    let library = Library::new();
    library.put_png("scans/maps/1.png", 8, 8).put_png("scans/prints/1.png", 8, 8);
    let server = Server::start(&library.path("scans"), library.state.path(), &[]);
    let whole = collection(&server, "scans");
    assert_eq!(labels(&whole), ["maps", "prints"]);
    library.put_png("scans/scans/inner/1.png", 8, 8);
    until(|| labels(&collection(&server, "scans")) == ["maps", "prints", "scans"]);
    let inner = collection(&server, "~scans");
    assert_eq!(labels(&inner), ["inner"]);
    assert_eq!(inner["partOf"][0]["id"], whole["id"]);
    manifest(&server, "scans%2Finner");
    // So it is too when it was there from the beginning.
    std::fs::create_dir(library.path("state")).unwrap();
    let again = Server::start(&library.path("scans"), &library.path("state"), &[]);
    assert_eq!(labels(&collection(&again, "scans")), ["maps", "prints", "scans"]);
    assert_eq!(labels(&collection(&again, "~scans")), ["inner"]);
}
