//! Files of every kind with what is read from them: `tests/golden/sidecars/<name>` and `<name>.expected.json`.
//! `RECTO_BLESS=1` writes the expectations anew; the difference is to be reviewed.

use std::path::{Path, PathBuf};

use recto_ingest::sidecars::{PageNames, read_members, read_sidecar, read_toc};
use recto_ingest::tables::{Listing, TableOptions, read_objects, read_pages};
use serde_json::{Value, json};

use super::{json as pruned, lines};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sidecars")
}

fn read(name: &str, bytes: &[u8]) -> Value {
    let files = ["001.tif", "001_uv.tif", "002.tif", "002v.tif", "010.tif", "alto/001.xml"];
    let (value, findings) = if name.starts_with("objects") {
        let (rows, findings) = read_objects(bytes, name, None, &TableOptions::default());
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({"name": row.name, "row": row.row, "says": pruned(&row.description)}))
            .collect();
        (Value::Array(rows), findings)
    } else if name.starts_with("pages") {
        let (description, findings) = read_pages(bytes, name, Some(&Listing::new(files)), &TableOptions::default());
        (pruned(&description), findings)
    } else if name.starts_with("toc") {
        let pages = PageNames::new(files.iter().take(5).map(|file| [file.split('.').next().unwrap(), file]));
        let (ranges, findings) = read_toc(bytes, name, &pages, Some("en"));
        (pruned(&ranges), findings)
    } else if name.starts_with("manifests") {
        let (members, findings) = read_members(bytes, name);
        (pruned(&members), findings)
    } else {
        let (description, findings) = read_sidecar(bytes, name);
        (pruned(&description), findings)
    };
    json!({"says": value, "findings": lines(&findings)})
}

#[test]
fn every_golden_file_is_read_as_expected() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".expected.json"))
        .collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let got = read(&name, &std::fs::read(folder().join(&name)).unwrap());
        let path = folder().join(format!("{name}.expected.json"));
        if std::env::var_os("RECTO_BLESS").is_some() {
            std::fs::write(&path, format!("{got:#}\n")).unwrap();
        }
        let want: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(got, want, "{name}");
    }
}
