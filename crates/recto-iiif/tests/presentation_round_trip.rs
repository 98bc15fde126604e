//! Real 3.0 documents read into the model and written again: byte for byte the same, once keys are sorted and empty lists are gone.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "a test that cannot run here says so aloud")]

use std::fs;
use std::path::{Path, PathBuf};

use recto_iiif::presentation::{Annotation, AnnotationPage, Collection, Manifest};
use serde_json::{Map, Value, json};

/// Keys in alphabetical order, and no empty lists: the model does not tell an empty list from none.
fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.into_iter().map(|(key, value)| (key, normal(value))).collect();
            fields.retain(|(_, value)| *value != json!([]));
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        other => other,
    }
}

fn written(given: &Value) -> Option<Result<Value, serde_json::Error>> {
    let given = given.clone();
    Some(match given["type"].as_str()? {
        "Manifest" => serde_json::from_value::<Manifest>(given).map(|read| json!(read)),
        "Collection" => serde_json::from_value::<Collection>(given).map(|read| json!(read)),
        "AnnotationPage" => serde_json::from_value::<AnnotationPage>(given).map(|read| json!(read)),
        "Annotation" => serde_json::from_value::<Annotation>(given).map(|read| json!(read)),
        _ => return None,
    })
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// How many documents of this folder came back the same.
fn round_trip(folder: &Path, refused: &[&str]) -> usize {
    let mut same = 0;
    for path in &json_files(folder) {
        let given: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(written) = written(&given) else { continue };
        if refused.contains(&name) {
            assert!(written.is_err(), "{name} is read now");
            continue;
        }
        let written = written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(normal(written).to_string(), normal(given).to_string(), "{}", path.display());
        same += 1;
    }
    same
}

#[test]
fn every_recipe_of_the_cookbook_reads_and_writes_the_same() {
    let Some(cookbook) = std::env::var_os("RECTO_COOKBOOK").map(PathBuf::from) else {
        eprintln!("skipped: RECTO_COOKBOOK names no unpacked cookbook");
        return;
    };
    let same = round_trip(&cookbook, &[]);
    eprintln!("{same} documents of the cookbook came back the same");
    assert!(same > 80, "only {same} documents in {}", cookbook.display());
}
