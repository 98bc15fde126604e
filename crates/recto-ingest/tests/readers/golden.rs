//! Each file `tests/golden/*.xml` gives the description and the findings of the `.json` beside it. `RECTO_BLESS=1` writes them anew.

use std::path::Path;

use recto_ingest::mapping::Mapping;
use recto_ingest::readers::{Input, Listing, page_texts, read, recognise};
use serde_json::{Value, json};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Leaves out what says nothing, so that goldens show what was read.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(key, value)| (key, without_empty(value)));
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_empty).collect()),
        value => value,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[test]
fn every_format_is_read_as_its_golden_says() {
    let is_blessed = std::env::var_os("RECTO_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "xml"));
    names.sort();
    assert!(names.len() >= 17, "{names:?}");
    for name in names {
        let bytes = std::fs::read(folder().join(&name)).unwrap();
        let place = format!("object/{name}");
        let input = Input::new(&name, &place, &bytes);
        let reading = read(&input, Mapping::built_in());
        let findings: Vec<String> = reading.findings.iter().map(ToString::to_string).collect();
        let got = json!({
            "reader": recognise(&input).map(|reader| reader.name),
            "description": without_empty(serde_json::to_value(&reading.description).unwrap()),
            "findings": findings,
        });
        let golden = folder().join(Path::new(&name).with_extension("json"));
        let text = serde_json::to_string_pretty(&got).unwrap() + "\n";
        if is_blessed {
            std::fs::write(&golden, text).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("{name}:\n{text}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "not as the goldens say; look, and then write them with RECTO_BLESS=1:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_that_exist_are_preferred_and_others_are_found_by_name() {
    let bytes = std::fs::read(folder().join("mets-dfg.xml")).unwrap();
    let files = Listing::new(["images/Blatt 1.tif", "scans/2.tif", "deep/5.jpg", "min/1.jpg"]);
    let input = Input { files: Some(&files), ..Input::new("mets.xml", "object/mets.xml", &bytes) };
    let reading = read(&input, Mapping::built_in());
    let pages: Vec<String> = reading
        .description
        .pages
        .iter()
        .map(|page| serde_json::to_string(&page.contents[0].location).unwrap())
        .collect();
    assert_eq!(
        pages,
        [
            r#"{"file":"images/Blatt 1.tif"}"#,
            r#"{"file":"scans/2.tif"}"#,
            r#"{"imageService":"https://images.example/iiif/3"}"#,
            r#"{"file":"deep/5.jpg"}"#,
        ]
    );
}

#[test]
fn a_missing_file_is_told() {
    let bytes = std::fs::read(folder().join("mets-files-only.xml")).unwrap();
    let files = Listing::new(["one.jpg"]);
    let input = Input { files: Some(&files), ..Input::new("mets.xml", "object/mets.xml", &bytes) };
    let findings = read(&input, Mapping::built_in()).findings;
    let missing: Vec<String> = findings.iter().filter(|f| f.rule == "missing-file").map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "warning[missing-file] object/mets.xml:3:5: the file `two.jpg` is not there (METS calls it `b`); put it there, or write where it is"
        ]
    );
}

#[test]
fn the_text_of_tei_is_divided_among_its_pages() {
    let bytes = std::fs::read(folder().join("tei.xml")).unwrap();
    let texts = page_texts(&Input::new("tei.xml", "tei.xml", &bytes));
    let texts: Vec<(&str, &str)> =
        texts.iter().map(|page| (page.label.as_deref().unwrap_or_default(), page.text.as_str())).collect();
    assert_eq!(
        texts,
        [
            ("", ""),
            ("1r", "Das Gartenbuch\nVom Säen\nIm Frühling"),
            ("2r", "sät man.\nRosen.\nVom Ernten\nIm Herbst."),
            ("3r", "Ende."),
        ]
    );
}

#[test]
fn a_mapping_of_ones_own_changes_what_is_read() {
    let bytes = std::fs::read(folder().join("dc.xml")).unwrap();
    let (mapping, findings) = Mapping::built_in().laid_over(
        "mapping.toml",
        "[dc.creator]\nlabel = { fr = 'Auteur' }\njoin = ' et '\n[dc.language]\nhide = true\n",
    );
    assert!(findings.is_empty());
    let description = read(&Input::new("dc.xml", "dc.xml", &bytes), &mapping).description;
    assert_eq!(description.language, None);
    assert_eq!(
        serde_json::to_string(&description.metadata[0]).unwrap(),
        r#"{"label":{"fr":["Auteur"]},"value":{"none":["Anna Muster et Max Setz"]}}"#
    );
}

#[test]
fn formats_are_recognised_by_content_alone() {
    for (content, want) in [
        ("<mets/>", Some("mets")),
        ("<?xml version='1.0'?><!-- x --><m:mets xmlns:m='http://www.loc.gov/METS/'>", Some("mets")),
        ("<mets xmlns='urn:other'/>", None),
        ("<mods:mods xmlns:mods='http://www.loc.gov/mods/v3'>", Some("mods")),
        ("<modsCollection xmlns='http://www.loc.gov/mods/v3'><mods/></modsCollection>", Some("mods")),
        ("<mods:mods>", Some("mods")),
        ("<record><controlfield tag='001'>1</controlfield></record>", Some("marc")),
        ("<record/>", None),
        ("<lido xmlns='http://www.lido-schema.org'/>", Some("lido")),
        ("<ead/>", Some("ead")),
        ("<TEI.2>", Some("tei")),
        (
            "<rdf:RDF xmlns:rdf='urn:r' xmlns:dc='http://purl.org/dc/elements/1.1/'><rdf:Description><dc:title>x</dc:title></rdf:Description></rdf:RDF>",
            Some("dc"),
        ),
        ("<alto xmlns='http://www.loc.gov/standards/alto/ns-v3#'/>", None),
        ("<html><body/></html>", None),
        ("", None),
        ("no markup at all", None),
        ("{\"json\": 1}", None),
    ] {
        let reader = recognise(&Input::new("a", "a", content.as_bytes()));
        assert_eq!(reader.map(|reader| reader.name), want, "{content}");
    }
}
