//! `recto validate`: what it says of documents, and what it ends with.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::Library;

fn validate(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_recto"))
        .arg("validate")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn our_own_manifests_and_collections_have_no_faults() {
    let library = Library::new();
    library.put_png("book/1.png", 40, 60);
    library.put_png("book/2.png", 40, 60);
    library.put_png("other/a.png", 9, 9);
    let server = library.serve(&[]);
    let root = library.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let collection = server.get(&format!("/iiif/presentation/3/{root}/collection"));
    assert_eq!(collection.status, 200, "{}", collection.text());
    let mut documents = vec![collection.json()];
    for item in documents[0]["items"].as_array().unwrap().clone() {
        let id = item["id"].as_str().unwrap();
        let path = id.splitn(4, '/').nth(3).unwrap();
        documents.push(server.get(&format!("/{path}")).json());
    }
    assert!(documents.len() >= 3);
    for document in &documents {
        let output = validate(&["-"], &document.to_string());
        assert_eq!(output.status.code(), Some(0), "{document:#}\n{}", text(&output.stdout));
    }
}

#[test]
fn faults_are_named_with_their_place_and_end_with_1() {
    let manifest = json!({
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": "https://example.org/m", "type": "Manifest", "label": "A book", "items": [],
        "rights": "https://creativecommons.org/licenses/by/4.0/"
    });
    let output = validate(&["-"], &manifest.to_string());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in [
        "3 errors",
        "P6 at line 1, /label",
        "P20 at line 1, /items",
        "P13 at line 1, /rights",
        "http://creativecommons.org/licenses/by/4.0/",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(folder.path().join("below/m.json"), manifest.to_string()).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no document").unwrap();
    let output = validate(&[folder.path().to_str().unwrap(), "--format", "json"], "");
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), reports.as_array().unwrap().len()), (Some(1), 1));
    let pointers: Vec<_> =
        reports[0]["findings"].as_array().unwrap().iter().map(|f| f["pointer"].as_str().unwrap()).collect();
    assert!(pointers.contains(&"/rights"), "{pointers:?}");
}

#[test]
fn what_is_no_json_says_where_it_breaks() {
    for (input, says) in [
        ("{\"id\": ", "J2 at line 1, /: line 1, column 8"),
        ("{\"id\": \"a\",\n}", "a comma stands before"),
        (&"[".repeat(100_000), "J4"),
        ("", "J2"),
    ] {
        let output = validate(&["-"], input);
        assert_eq!(output.status.code(), Some(1), "{says}");
        assert!(text(&output.stdout).contains(says), "{says}: {}", text(&output.stdout));
    }
    let output = validate(&["/nowhere/at/all.json"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/at/all.json"));
}
