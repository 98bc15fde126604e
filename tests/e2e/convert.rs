//! `recto convert`: a folder becomes pyramids that are served as they lie, also after a sudden end.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Library;

fn convert(sources: &Path, to: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recto"));
    command.arg("convert").arg(sources).arg("--to").arg(to).args(more).stdin(Stdio::null());
    command
}

fn documents(output: &Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn a_converted_folder_is_served_tile_by_tile_as_it_lies() {
    let library = Library::new();
    library.put_png("a/map.png", 900, 700).put("a/broken.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0d").put("b.txt", b"words");
    let before = library.snapshot();
    let pyramids = Library::new();
    let output = convert(library.folder.path(), pyramids.folder.path(), &["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "one file is broken: {output:?}");
    let told: Vec<(Value, Value)> = documents(&output)
        .into_iter()
        .map(|document| (document["outcome"].clone(), document["levels"].clone()))
        .collect();
    assert_eq!(
        told,
        [("failed".into(), Value::Null), ("converted".into(), 3.into()), ("no image".into(), Value::Null)]
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken.png"), "{output:?}");
    assert_eq!(library.snapshot(), before, "originals are only read");

    let server = pyramids.serve(&[]);
    let info = server.get("/iiif/3/a%2Fmap.tif/info.json").json();
    assert_eq!((info["width"].as_u64(), info["height"].as_u64()), (Some(900), Some(700)));
    assert_eq!(info["tiles"][0]["width"], 256);
    let file = fs::read(pyramids.path("a/map.tif")).unwrap();
    let tile = server.get("/iiif/3/a%2Fmap.tif/256,256,256,256/256,256/0/default.jpg");
    assert_eq!((tile.status, tile.size()), (200, (256, 256)));
    // Its entropy-coded end lies in the file, byte by byte.
    let end = &tile.body[tile.body.len() - 500..];
    assert!(file.windows(end.len()).any(|window| window == end));
    let again = convert(library.folder.path(), pyramids.folder.path(), &["--format", "json"]).output().unwrap();
    assert_eq!(documents(&again)[1]["outcome"], "done before");
}

#[test]
fn a_conversion_that_was_killed_shows_nothing_half_and_goes_on_where_it_ended() {
    let library = Library::new();
    let names: Vec<String> = (0..6).map(|number| format!("{number}.png")).collect();
    for name in &names {
        library.put_png(name, 1500, 1500);
    }
    let out = tempfile::tempdir().unwrap();
    let finished = || {
        let mut names: Vec<_> = fs::read_dir(out.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    };
    let mut child = convert(library.folder.path(), out.path(), &["--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_mins(2);
    while finished().len() < 2 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let complete = finished();
    assert!((2..6).contains(&complete.len()), "it was killed in the middle: {complete:?}");
    for name in &complete {
        let info = Command::new(env!("CARGO_BIN_EXE_recto")).arg("info").arg(out.path().join(name)).output().unwrap();
        assert!(info.status.success(), "{name} is whole: {info:?}");
    }
    let kept: Vec<_> =
        complete.iter().map(|name| fs::metadata(out.path().join(name)).unwrap().modified().unwrap()).collect();
    let output = convert(library.folder.path(), out.path(), &["--threads", "1", "--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let outcomes: Vec<Value> = documents(&output).iter().map(|document| document["outcome"].clone()).collect();
    let expected: Vec<Value> =
        (0..6).map(|number| if number < complete.len() { "done before" } else { "converted" }.into()).collect();
    assert_eq!(outcomes, expected);
    assert_eq!(finished().len(), 6);
    for (name, modified) in complete.iter().zip(kept) {
        assert_eq!(fs::metadata(out.path().join(name)).unwrap().modified().unwrap(), modified, "{name} is left alone");
    }
    let left: Vec<_> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("recto-part")), "{left:?}");
}

#[test]
fn targets_among_originals_are_refused_before_anything_is_written() {
    let library = Library::new();
    library.put_png("a.png", 30, 20);
    let before = library.snapshot();
    for to in ["", "new/folder"] {
        let output = convert(library.folder.path(), &library.path(to), &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(talk.contains("whose files are never changed"), "{talk}");
    }
    assert_eq!(library.snapshot(), before);
}
