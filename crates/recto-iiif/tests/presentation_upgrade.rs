//! Real 2.x documents of institutions as 3.0: valid, and agreeing with what others make of them.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "a test that cannot run here says so aloud")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use recto_iiif::presentation::upgrade::upgrade;
use recto_iiif::presentation::validate::{Severity, validate};
use serde_json::{Value, json};

/// The 2.x documents of the folder of real data, by their names.
fn fixtures() -> Vec<(String, PathBuf, Value)> {
    let Some(data) = recto_testkit::data_dir() else { return Vec::new() };
    let mut found = Vec::new();
    for folder in ["manifests/v2", "manifests/dbmdz"] {
        for path in recto_testkit::files_below(&data.join(folder)) {
            let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let kind = document["@type"].as_str().unwrap_or_default();
            if ["sc:", "oa:Annotation"].iter().any(|prefix| kind.starts_with(prefix)) {
                found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), path, document));
            }
        }
    }
    found
}

/// Rules that upgraded documents break because the source breaks its own, by document.
const BROKEN_AT_THE_SOURCE: &[(&str, &str, usize)] = &[
    // Examples of the specification that leave out what they are not about: canvases, and the target of an annotation.
    ("spec_presentation_manifest.json", "P20", 1),
    ("spec_presentation_manifestWithRanges.json", "P20", 1),
    ("spec_presentation_manifestWithRanges.json", "P24", 6),
    ("spec_presentation_sequence.json", "P19", 1),
    ("spec_search_basicSearch.json", "P22", 1),
    // `@id` is `manifest.json`, and two annotations have the same one.
    ("thumbnails.json", "P2", 1),
    ("thumbnails.json", "P3", 1),
    // HTML whose elements are not closed.
    ("villanova-manifest.json", "P7", 1),
];

#[test]
fn q6_every_2_x_fixture_validates_as_3_0_but_for_what_its_source_breaks() {
    let mut broken: BTreeMap<(String, &'static str), Vec<String>> = BTreeMap::new();
    let fixtures = fixtures();
    for (name, _, document) in &fixtures {
        let (upgraded, _) = upgrade(document.clone());
        for finding in validate(&upgraded).into_iter().filter(|finding| finding.severity == Severity::Error) {
            broken
                .entry((name.clone(), finding.rule))
                .or_default()
                .push(format!("{}: {}", finding.pointer, finding.message));
        }
    }
    let mut unexpected = Vec::new();
    for ((name, rule), findings) in &broken {
        if !BROKEN_AT_THE_SOURCE.contains(&(name, rule, findings.len())) {
            unexpected.push(format!("{name} {rule} x {}: {}", findings.len(), findings[0]));
        }
    }
    assert_eq!(unexpected, Vec::<String>::new());
    eprintln!("{} documents upgraded", fixtures.len());
}

/// What the comparison is about, in a form that does not depend on who made it.
fn summary(document: &Value) -> Value {
    let canvases: Vec<Value> = list(&document["items"])
        .filter(|item| item["type"] == "Canvas")
        .map(|canvas| {
            let paintings = list(&canvas["items"]).flat_map(|page| list(&page["items"]));
            let images: Vec<Value> = paintings.flat_map(|painting| bodies(&painting["body"])).collect();
            json!({ "id": canvas["id"], "label": canvas["label"], "height": canvas["height"], "width": canvas["width"], "images": images })
        })
        .collect();
    let members: Vec<Value> = list(&document["items"])
        .filter(|item| item["type"] != "Canvas")
        .map(|member| json!([member["id"], member["type"], member["label"]]))
        .collect();
    json!({ "label": document["label"], "rights": document["rights"], "canvases": canvases, "members": members, "ranges": ranges(document) })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn bodies(body: &Value) -> Vec<Value> {
    match body {
        Value::Array(bodies) => bodies.iter().flat_map(self::bodies).collect(),
        body if body["type"] == "Choice" => list(&body["items"]).flat_map(bodies).collect(),
        body if body["type"] == "SpecificResource" => bodies(&body["source"]),
        body => vec![body["id"].clone()],
    }
}

/// Each range with its depth, its label and what it names.
fn ranges(document: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    let mut open: Vec<(usize, &Value)> = list(&document["structures"]).map(|range| (0, range)).collect();
    open.reverse();
    while let Some((depth, range)) = open.pop() {
        let items: Vec<&Value> =
            list(&range["items"]).map(|item| if item.is_string() { item } else { &item["id"] }).collect();
        out.push(json!([depth, range["id"], range["label"], items]));
        let children: Vec<_> =
            list(&range["items"]).filter(|item| item["items"].is_array()).map(|child| (depth + 1, child)).collect();
        open.extend(children.into_iter().rev());
    }
    out
}

#[test]
fn upgraded_documents_agree_with_the_parser_of_the_iiif_commons() {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles");
    if !oracle.join("node_modules/@iiif/parser").is_dir() {
        eprintln!("skipped: tests/oracles has no node_modules (npm ci there)");
        return;
    }
    let fixtures = fixtures();
    let paths = fixtures.iter().map(|(_, path, _)| path);
    let answer = Command::new("node").arg(oracle.join("upgrade.mjs")).args(paths).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let mut unexplained = Vec::new();
    let (mut same, mut refused) = (0, 0);
    for ((name, _, document), line) in fixtures.iter().zip(answer.stdout.split(|byte| *byte == b'\n')) {
        let theirs: Value = serde_json::from_slice(line).unwrap();
        if theirs.get("error").is_some() {
            refused += 1;
            continue;
        }
        let (ours, theirs) = (summary(&upgrade(document.clone()).0), summary(&theirs["document"]));
        let mut differences = Vec::new();
        compare("", &ours, &theirs, &mut differences);
        same += usize::from(differences.is_empty());
        let unknown = differences.into_iter().filter(|(place, _)| !is_explained(name, place));
        unexplained.extend(unknown.map(|(place, values)| format!("{name}{place}: {values}")));
    }
    assert_eq!(unexplained, Vec::<String>::new());
    // Two search answers, one with an annotation without `on`: the parser throws.
    assert_eq!((fixtures.len() - refused, refused), (69, 2));
    eprintln!("{same} of {} documents agree in all, the others but for what is explained", fixtures.len());
}

/// Places where we differ, and why.
const EXPLAINED: [(&str, &str); 12] = [
    // The parser looks for licences by an expression that always finds nothing first, and so loses them all.
    ("", "/rights"),
    // No label for a canvas that is a document; the parser does not upgrade such documents at all.
    ("europeana.json", ""),
    // A text in a language map already, which the parser takes for a tagged value without one.
    ("manifest-l0.json", "/label"),
    // `within` of ranges in ranges is their place, which the parser does not look at.
    ("uni-goettingen.json", "/ranges"),
    // Annotations without an id: made from the list's here, numbered at example.org there.
    ("spec_presentation_annotationList.json", "/members"),
    ("iiif-fixture-annotation-list.json", "/members"),
    // Collections before manifests, as the document has them; the parser turns them around.
    ("spec_presentation_collection.json", "/members"),
    // A name is demanded and there is none: we take the id.
    ("spec_presentation_collectionPage.json", "/label"),
    ("spec_presentation_manifestWithRanges.json", "/label"),
    // The lists of a layer, which the parser loses; a sequence as a document, likewise.
    ("spec_presentation_layer.json", "/members"),
    ("spec_presentation_sequence.json", ""),
    ("spec_search_withIgnored.json", "/members"),
];

fn is_explained(name: &str, place: &str) -> bool {
    EXPLAINED.iter().any(|(file, prefix)| (file.is_empty() || *file == name) && place.starts_with(prefix))
}

/// A URI as it is meant: the parser encodes some a second time, others not at all.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        if let Some(byte) = hex.filter(|_| *first == b'%') {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        // Sizes in strings, which we read as numbers.
        (Value::Number(ours), Value::String(theirs)) => ours.to_string() == *theirs,
        (Value::String(ours), Value::String(theirs)) => decoded(&decoded(ours)) == decoded(&decoded(theirs)),
        _ => ours == theirs,
    }
}

/// The places where two summaries differ, with what stands there.
fn compare(place: &str, ours: &Value, theirs: &Value, differences: &mut Vec<(String, String)>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, value) in a {
                compare(&format!("{place}/{key}"), value, &b[key], differences);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}/{index}"), a, b, differences);
            }
        }
        _ if is_same(ours, theirs) => {}
        _ => differences.push((place.to_owned(), format!("{} | {}", short(ours), short(theirs)))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(150).collect()
}
