//! What belongs together although it lies in several files: volumes of a work, pictures and recordings, pages and their dates.

use std::fs;

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{Version, v2, v4};
use recto_iiif::validate::{Severity, validate};
use recto_ingest::Describer;
use recto_ingest::build::{self, Around, PageFacts, RecordingFacts, SiteUrls};
use recto_ingest::description::{Kind, Location, Member, PageRef, RangeItem};
use serde_json::{Value, json};

use crate::support::{Shelf, id, outline};

fn put(shelf: &Shelf, name: &str, bytes: &[u8]) {
    let path = shelf.at(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn anchor(addresses: &[&str]) -> Vec<u8> {
    let parts: String = addresses
        .iter()
        .zip(1..)
        .map(|(address, number)| {
            format!("<div TYPE='volume' LABEL='Volume {number}'><mptr LOCTYPE='URL' xlink:href='{address}'/></div>")
        })
        .collect();
    format!(
        "<mets xmlns='http://www.loc.gov/METS/' xmlns:xlink='http://www.w3.org/1999/xlink'>\
         <structMap TYPE='LOGICAL'><div TYPE='multivolume_work' LABEL='The Work'>{parts}</div></structMap></mets>"
    )
    .into_bytes()
}

#[test]
fn a_mets_file_that_points_to_others_makes_a_collection_of_its_folder() {
    let shelf = Shelf::with(&["work/b/1.png", "work/a/1.png", "other/1.png"]);
    put(
        &shelf,
        "work/anchor.xml",
        &anchor(&["b/mets.xml", "a/", "../other/mets.xml", "gone/mets.xml", "https://example.org/v9.xml"]),
    );
    put(&shelf, "work/b/mets.xml", b"<mets xmlns='http://www.loc.gov/METS/'/>");
    put(&shelf, "other/mets.xml", b"<mets xmlns='http://www.loc.gov/METS/'/>");
    // Beside the file of the volume itself, that of the work says nothing about the folder.
    put(&shelf, "single/meta_anchor.xml", &anchor(&["https://example.org/meta.xml"]));
    put(
        &shelf,
        "single/meta.xml",
        b"<mets xmlns='http://www.loc.gov/METS/' LABEL='One'><fileSec><fileGrp><file/></fileGrp></fileSec></mets>",
    );
    shelf.add("single/images/1.png");
    let library = shelf.library();
    let tree = library.scan();
    assert_eq!(
        outline(&tree),
        [
            "library/",
            "  other = other/1.png",
            "  single = single/images/1.png",
            "  work/",
            "    work/a = work/a/1.png",
            "    work/b = work/b/1.png"
        ]
    );
    let mut describer = Describer::new(&library, &tree);
    let work = describer.collection(tree.collection(&id("work")).unwrap());
    assert_eq!(work.description.label.first(), Some("The Work"));
    let here = |path: &str| Member::Here { path: path.to_owned(), kind: Kind::Manifest };
    assert_eq!(work.description.members, [here("work/b"), here("work/a"), here("other")]);
    let found: Vec<_> = work.findings.iter().map(|finding| (finding.rule, finding.place.as_str())).collect();
    assert_eq!(found, [("member-missing", "work/anchor.xml"), ("member-elsewhere", "work/anchor.xml")]);
    let linked: Vec<_> = work.description.see_also.iter().map(|link| link.id.as_str()).collect();
    assert_eq!(linked, ["anchor.xml", "https://example.org/v9.xml"]);
    let single = describer.object(tree.object(&id("single")).unwrap());
    assert_eq!(single.parts.description.label.first(), Some("One"));
    assert_eq!(single.parts.description.members, []);
}

/// A JPEG of nothing but EXIF with this date.
fn dated(date: &str) -> Vec<u8> {
    let mut fields = b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
    fields.extend_from_slice(b"\x01\0\x03\x90\x02\0\x14\0\0\0\x2c\0\0\0\0\0\0\0");
    fields.extend_from_slice(date.as_bytes());
    fields.push(0);
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
    bytes.extend_from_slice(&((fields.len() + 8) as u16).to_be_bytes());
    bytes.extend_from_slice(b"Exif\0\0");
    bytes.extend_from_slice(&fields);
    bytes.extend_from_slice(&[0xff, 0xd9]);
    bytes
}

#[test]
fn pages_follow_in_the_order_in_which_they_were_taken() {
    let shelf = Shelf::with(&[]);
    for (name, date) in [
        ("a.jpg", "2024:05:03 10:00:02"),
        ("b.jpg", "2024:05:03 10:00:01"),
        ("d.jpg", "2024:05:02 10:00:00"),
        ("c10.jpg", "2024:05:03 10:00:01"),
        ("c9.jpg", "2024:05:03 10:00:01"),
    ] {
        put(&shelf, &format!("x/{name}"), &dated(date));
    }
    put(&shelf, "x/0.jpg", b"");
    put(&shelf, "x/recto.yml", b"order: exif-date\nstart: d\n");
    put(&shelf, "x/pages.csv", b"file,range\n0.jpg,\nb.jpg,\nc9.jpg,\nc10.jpg,\nd.jpg,\na.jpg,End\n");
    let library = shelf.library();
    let tree = library.scan();
    let described = Describer::new(&library, &tree).object(tree.object(&id("x")).unwrap());
    let order: Vec<_> = described
        .parts
        .description
        .pages
        .iter()
        .map(|page| match &page.contents[0].location {
            Location::File(name) => name.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(order, ["d.jpg", "b.jpg", "c9.jpg", "c10.jpg", "a.jpg", "0.jpg"]);
    let found: Vec<_> = described.findings.iter().map(|finding| (finding.rule, finding.place.as_str())).collect();
    assert_eq!(found, [("page-without-date", "x")]);
    assert!(described.findings[0].message.contains("1 pages"), "{}", described.findings[0].message);
    assert_eq!(described.parts.description.start, Some(PageRef::Name("d".to_owned())));
    let RangeItem::Page(part) = &described.parts.description.ranges[0].items[0] else { panic!("a page") };
    assert_eq!(part.page, PageRef::Own(4));
}

fn facts(file: &str, recording: Option<&str>, (width, height): (u32, u32)) -> PageFacts {
    PageFacts {
        file: Identifier::new(file),
        page: 1,
        pages: 1,
        size: Dimensions::new(width, height),
        sizes: Vec::new(),
        recording: recording.map(|format| RecordingFacts { format: format.to_owned(), duration_s: Some(12.5) }),
        problem: None,
    }
}

#[test]
fn a_picture_of_the_name_of_a_recording_is_shown_with_it() {
    let shelf = Shelf::with(&["av/interview.mp3", "av/interview.jpg", "av/film.mp4", "av/film.png", "av/other.jpg"]);
    let library = shelf.library();
    let tree = library.scan();
    let described = Describer::new(&library, &tree).object(tree.object(&id("av")).unwrap());
    assert_eq!(described.findings, []);
    let facts = [
        facts("av/interview.mp3", Some("audio/mpeg"), (0, 0)),
        facts("av/interview.jpg", None, (400, 300)),
        facts("av/film.mp4", Some("video/mp4"), (640, 360)),
        facts("av/film.png", None, (320, 180)),
        facts("av/other.jpg", None, (50, 60)),
    ];
    let (identifier, urls) = (id("av"), SiteUrls::new("https://example.org"));
    let around = Around { identifier: &identifier, prefix: "av/", collections: &[] };
    let (manifest, findings) = build::manifest(&described.parts, around, &facts, &urls);
    assert_eq!(findings, []);
    let of_3 = json!(manifest);
    let canvas = |name: &str| format!("https://example.org/iiif/presentation/3/av/canvas/{name}");
    let items = of_3["items"].as_array().unwrap();
    let names: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(names, [canvas("film.mp4"), canvas("interview.mp3"), canvas("other")]);
    let (film, interview) = (&items[0], &items[1]);
    let poster = &film["placeholderCanvas"];
    assert_eq!((&poster["type"], &poster["width"], &poster["height"]), (&json!("Canvas"), &json!(320), &json!(180)));
    assert_eq!(poster["id"], format!("{}/placeholder", canvas("film.mp4")));
    let picture = &interview["accompanyingCanvas"];
    assert_eq!(picture["id"], format!("{}/accompanying", canvas("interview.mp3")));
    let painted = &picture["items"][0]["items"][0];
    assert_eq!(painted["target"], picture["id"]);
    assert_eq!(painted["body"]["id"], "https://example.org/iiif/3/av%2Finterview.jpg/full/max/0/default.jpg");
    assert!(interview.get("width").is_none() && interview.get("placeholderCanvas").is_none());
    assert_eq!(interview["thumbnail"][0]["type"], "Image", "lists show something");
    let of_2 = v2::manifest(&manifest, &urls.documents(Version::V2));
    let side = &of_2["sequences"][0]["canvases"][1];
    assert_eq!((&side["width"], &side["height"]), (&json!(400), &json!(300)));
    assert_eq!(side["images"][0]["on"], side["@id"]);
    assert_eq!(side["rendering"]["@id"], "https://example.org/files/av/interview.mp3");
    let of_4 = v4::manifest(&manifest, &urls.documents(Version::V4));
    assert_eq!(of_4["items"][1]["type"], "Timeline");
    assert_eq!(of_4["items"][1]["accompanyingContainer"]["type"], "Canvas");
    assert_eq!(of_4["items"][0]["placeholderContainer"]["width"], 320);
    for document in [of_3, of_2, of_4] {
        let errors: Vec<_> =
            validate(&document).into_iter().filter(|found| found.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn a_loose_recording_keeps_the_picture_beside_it() {
    let shelf = Shelf::with(&["a/1.png", "talk.mp3", "talk.jpg", "talk.vtt", "talk.pdf", "x.jpg"]);
    assert_eq!(
        outline(&shelf.scan()),
        ["library/", "  a = a/1.png", "  talk.mp3 = talk.mp3 talk.jpg", "  talk.pdf = talk.pdf", "  x.jpg = x.jpg"]
    );
}

#[test]
fn pages_that_are_left_out_are_told_of() {
    let shelf = Shelf::with(&["x/1.tif"]);
    let library = shelf.library();
    let tree = library.scan();
    let described = Describer::new(&library, &tree).object(tree.object(&id("x")).unwrap());
    let page = |page: u32| PageFacts { page, pages: 100_001, ..facts("x/1.tif", None, (5, 5)) };
    let (identifier, urls) = (id("x"), SiteUrls::new("https://example.org"));
    let around = Around { identifier: &identifier, prefix: "x/", collections: &[] };
    let (manifest, findings) = build::manifest(&described.parts, around, &[page(1), page(2)], &urls);
    assert_eq!(manifest.items.len(), 2);
    let found: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.place.as_str())).collect();
    assert_eq!(found, [("pages-left-out", "x/1.tif")]);
    assert_eq!(findings[0].message, "the file has 100001 pages, and only the first 2 are published");
}

#[test]
fn the_whole_keeps_its_name_and_a_folder_of_the_same_name_gives_way() {
    let shelf = Shelf::with(&["library/inner/1.png", "maps/1.png"]);
    let library = shelf.library();
    let tree = library.scan();
    let mut describer = Describer::new(&library, &tree);
    assert_eq!(describer.collection(tree.root()).identifier, id("library"));
    // As before there was such a folder.
    let before = Shelf::with(&["maps/1.png", "prints/1.png"]);
    let (library, tree) = (before.library(), before.scan());
    assert_eq!(Describer::new(&library, &tree).collection(tree.root()).identifier, id("library"));
}

fn access(xml: &str) -> (Option<Value>, Vec<&'static str>) {
    let shelf = Shelf::with(&["x/1.png"]);
    put(&shelf, "x/record.xml", xml.as_bytes());
    let library = shelf.library();
    let tree = library.scan();
    let described = Describer::new(&library, &tree).object(tree.object(&id("x")).unwrap());
    let rules =
        described.findings.iter().map(|finding| finding.rule).filter(|rule| rule.starts_with("access")).collect();
    (described.parts.description.access, rules)
}

#[test]
fn words_about_access_in_records_become_rules_or_findings() {
    let mods = |words: &str| {
        format!("<mods xmlns='http://www.loc.gov/mods/v3'><titleInfo><title>T</title></titleInfo>{words}</mods>")
    };
    let condition =
        |words: &str| mods(&format!("<accessCondition type='restriction on access'>{words}</accessCondition>"));
    let mets = |rights: &str| {
        format!(
            "<mets xmlns='http://www.loc.gov/METS/' xmlns:xlink='http://www.w3.org/1999/xlink'><amdSec ID='A'><rightsMD ID='R'>\
             <mdWrap><xmlData>{rights}</xmlData></mdWrap></rightsMD></amdSec>\
             <fileSec><fileGrp USE='DEFAULT'><file ID='F'><FLocat xlink:href='1.png'/></file></fileGrp></fileSec>\
             <structMap TYPE='PHYSICAL'><div><div TYPE='page'><fptr FILEID='F'/></div></div></structMap></mets>"
        )
    };
    let premis = |more: &str| {
        mets(&format!(
            "<rightsStatement xmlns='http://www.loc.gov/premis/v3'><rightsGranted><act>disseminate</act>{more}</rightsGranted></rightsStatement>"
        ))
    };
    let tei = |status: &str| {
        format!(
            "<TEI xmlns='http://www.tei-c.org/ns/1.0'><teiHeader><fileDesc><titleStmt><title>T</title></titleStmt><publicationStmt>\
             <availability status='{status}'><p>Ask us.</p></availability></publicationStmt></fileDesc></teiHeader><text/></TEI>"
        )
    };
    for (xml, wanted, rules) in [
        (condition("Restricted access"), Some(json!("restricted")), &[][..]),
        (condition("Embargo until 2031-05-01"), Some(json!({"until": "2031-05-01"})), &[]),
        (condition("Ask the librarian"), None, &["access-not-clear"]),
        (mods("<accessCondition type='use and reproduction'>Closed</accessCondition>"), None, &[]),
        (
            mets(
                "<accessCondition xmlns='http://www.loc.gov/mods/v3' type='restriction on access'>closed</accessCondition>",
            ),
            Some(json!("closed")),
            &[],
        ),
        (
            premis(
                "<restriction>disallow</restriction><termOfRestriction><endDate>2032-01-01</endDate></termOfRestriction>",
            ),
            Some(json!({"until": "2032-01-01"})),
            &[],
        ),
        (premis("<restriction>allow</restriction>"), None, &[]),
        (tei("restricted"), Some(json!("restricted")), &[]),
        (tei("free"), Some(json!("public")), &[]),
        (tei("unknown"), None, &[]),
        (tei("by appointment"), None, &["access-not-clear"]),
    ] {
        assert_eq!(access(&xml), (wanted, rules.to_vec()), "{xml}");
    }
}
