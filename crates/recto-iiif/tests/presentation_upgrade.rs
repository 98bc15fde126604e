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
const BROKEN_AT_THE_SOURCE: &[(&str, &str, usize)] = &[];

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
    let mut differences = Vec::new();
    let (mut same, mut refused) = (0, 0);
    for ((name, _, document), line) in fixtures.iter().zip(answer.stdout.split(|byte| *byte == b'\n')) {
        let theirs: Value = serde_json::from_slice(line).unwrap();
        if theirs.get("error").is_some() {
            eprintln!("the parser refuses {name}: {}", theirs["error"]);
            refused += 1;
            continue;
        }
        let (ours, theirs) = (summary(&upgrade(document.clone()).0), summary(&theirs["document"]));
        let before = differences.len();
        compare(name, "", &ours, &theirs, &mut differences);
        same += usize::from(before == differences.len());
    }
    for difference in &differences {
        eprintln!("{difference}");
    }
    eprintln!("{same} of {} agree, {refused} are refused by the parser", fixtures.len());
}

fn compare(name: &str, place: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, value) in a {
                compare(name, &format!("{place}/{key}"), value, &b[key], differences);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(name, &format!("{place}/{index}"), a, b, differences);
            }
        }
        _ if ours == theirs => {}
        _ => differences.push(format!("{name}{place}: {} | {}", short(ours), short(theirs))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(150).collect()
}
