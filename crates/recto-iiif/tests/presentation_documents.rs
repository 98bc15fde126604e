//! Real 3.0 documents of institutions, where they are at hand: read, written again, and written as 2.1.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "a test that cannot run here says so aloud")]

use std::fs;
use std::path::{Path, PathBuf};

use recto_iiif::presentation::v2::{self, DocumentUrls};
use recto_iiif::presentation::{Collection, Manifest};
use serde_json::{Value, json};

fn documents() -> Vec<(PathBuf, Value)> {
    let data = std::env::var_os("RECTO_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folders = ["manifests/v3", "manifests/v3-converted"].map(|folder| data.join(folder));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    paths
        .map(|path| {
            let json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path, json)
        })
        .collect()
}

/// Documents that a `MUST` of the specification rules out: a list that is no list (§4.3), an annotation page without id.
const BROKEN: [&str; 7] = [
    "data.getty.edu__museum__api__iiif__298147__manifest.json",
    "demos.biblissima-condorcet.fr__iiif__metadata__BVMM__chateauroux__manifest.json",
    "ghent-university-manifest.json",
    "manifests.britishart.yale.edu__manifest__1474.json",
    "ncsu-libraries-manifest.json",
    "ocean-liners.json",
    "www2.dhii.jp__nijl__NIJL0018__099-0014__manifest_tags.json",
];

#[test]
fn documents_of_institutions_read_and_write_without_loss() {
    let mut read = 0;
    for (path, given) in documents() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let written = match given["type"].as_str() {
            Some("Manifest") => serde_json::from_value::<Manifest>(given.clone()).map(|manifest| json!(manifest)),
            Some("Collection") => {
                serde_json::from_value::<Collection>(given.clone()).map(|collection| json!(collection))
            }
            _ => continue,
        };
        if BROKEN.contains(&name) {
            assert!(written.is_err(), "{name} was accepted");
            continue;
        }
        assert_eq!(written.unwrap_or_else(|error| panic!("{name}: {error}")), given, "{name}");
        read += 1;
    }
    if read == 0 {
        eprintln!("skipped: no documents in RECTO_TEST_DATA");
    }
}

#[test]
fn documents_of_institutions_keep_their_pages_in_2_1() {
    let urls = DocumentUrls::new("https://example.org/3/", "https://example.org/2/");
    let mut written = 0;
    for (path, given) in documents() {
        let Ok(manifest) = serde_json::from_value::<Manifest>(given) else { continue };
        let older = v2::manifest(&manifest, &urls);
        let canvases = older["sequences"][0]["canvases"].as_array().unwrap();
        let flat = manifest.items.iter().filter(|canvas| canvas.width.is_some());
        let ids: Vec<&str> = flat.map(|canvas| canvas.id.as_str()).collect();
        let listed: Vec<&str> = canvases.iter().map(|canvas| canvas["@id"].as_str().unwrap()).collect();
        // What is only heard is listed too, with a picture's size that stands for it.
        let heard = |id: &&str| manifest.items.iter().any(|canvas| canvas.id == **id && canvas.width.is_none());
        let seen: Vec<&str> = listed.iter().copied().filter(|id| !heard(id)).collect();
        assert_eq!(seen, ids, "{}", path.display());
        assert!(canvases.iter().all(|canvas| canvas["width"].is_u64()), "{}", path.display());
        for canvas in canvases {
            for image in canvas["images"].as_array().unwrap() {
                // A choice has no URI of its own, but that of what is shown first.
                let resource = &image["resource"];
                let shown = if resource["@type"] == "oa:Choice" { &resource["default"] } else { resource };
                assert!(shown["@id"].is_string(), "{}", path.display());
            }
        }
        written += 1;
    }
    if written == 0 {
        eprintln!("skipped: no documents in RECTO_TEST_DATA");
    }
}
