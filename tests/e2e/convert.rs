//! `recto convert`: a folder becomes pyramids that are served as they lie, also after a sudden end.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Library, Server};

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

/// A JPEG file in which each corner has a colour of its own, to be shown so.
fn turned_jpeg(orientation: u8) -> Vec<u8> {
    let image = image::RgbImage::from_fn(96, 64, |x, y| image::Rgb([(x * 2) as u8, (y * 3) as u8, 90]));
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
    image::DynamicImage::ImageRgb8(image).write_with_encoder(encoder).unwrap();
    let mut exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    bytes.splice(2..2, exif);
    bytes
}

#[test]
fn what_became_jpeg_2000_is_shown_as_upright_as_its_original() {
    let library = Library::new();
    for orientation in 1..=8 {
        library.put(&format!("{orientation}.jpg"), &turned_jpeg(orientation));
    }
    let targets = Library::new();
    for word in ["jp2", "jph"] {
        let more = ["--as", word, "--quality", "100", "--format", "json"];
        let output = convert(library.folder.path(), &targets.path(word), &more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for document in documents(&output) {
            assert_eq!(
                (document["levels"].as_u64(), document["lossyTiles"].as_u64()),
                (Some(6), Some(0)),
                "{document}"
            );
        }
    }
    let (before, after) = (library.serve(&[]), targets.serve(&[]));
    for orientation in 1..=8 {
        let shown = |server: &Server, folder: &str, extension: &str| {
            server.get(&format!("/iiif/3/{folder}{orientation}.{extension}/full/max/0/default.png")).image().into_rgb8()
        };
        let before = shown(&before, "", "jpg");
        for word in ["jp2", "jph"] {
            let after = shown(&after, &format!("{word}%2F"), word);
            assert_eq!(after.dimensions(), if orientation < 5 { (96, 64) } else { (64, 96) }, "{orientation} {word}");
            assert_eq!(after.dimensions(), before.dimensions(), "{orientation} {word}");
            let worst = before.as_raw().iter().zip(after.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(2), "{orientation} {word}: {worst:?}");
        }
    }
}

#[test]
fn options_that_do_nothing_for_the_format_are_refused_before_anything_is_written() {
    let library = Library::new();
    library.put_png("a.png", 30, 20);
    let targets = Library::new();
    for (word, more, expected) in [
        ("jp2", &["--compression", "jpeg"][..], "`--compression` does nothing for `--as jp2`"),
        ("jp2", &["--subsampling", "444"], "`--subsampling` does nothing for `--as jp2`"),
        ("jp2", &["--lossless", "auto"], "`--lossless` does nothing for `--as jp2`"),
        ("jp2", &["--bigtiff", "auto"], "`--bigtiff` does nothing for `--as jp2`"),
        ("jp2", &["--subifd"], "`--subifd` does nothing for `--as jp2`"),
        ("jp2", &["--threads", "2"], "`--threads` does nothing for `--as jp2`"),
        ("jp2", &["--tile", "96"], "tiles of 96 pixels are not possible in `jp2`"),
        ("jph", &["--threads", "2", "--compression", "jpeg"], "`--compression` does nothing for `--as jph`"),
        ("htj2k", &["--tile", "96"], "tiles of 96 pixels are not possible in `jph`"),
    ] {
        let more = [&["--as", word][..], more].concat();
        let output = convert(library.folder.path(), targets.folder.path(), &more).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}: {output:?}");
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(talk.contains(expected), "{more:?}: {talk}");
        assert_eq!(fs::read_dir(targets.folder.path()).unwrap().count(), 0, "{more:?}");
    }
}

#[test]
fn what_was_copied_and_what_was_encoded_is_told() {
    let library = Library::new();
    library.put("a.jpg", &turned_jpeg(1)).put_png("b.png", 300, 20);
    let cases: [(&[&str], [&str; 2]); 5] = [
        (&[], ["1 tile copied without loss", "2 tiles encoded with loss"]),
        (&["--lossless", "never"], ["1 tile encoded with loss", "2 tiles encoded with loss"]),
        (&["--compression", "deflate"], ["1 tile without loss", "2 tiles without loss"]),
        (&["--as", "jp2"], ["1 tile encoded with loss", "1 tile encoded with loss"]),
        (&["--as", "jph", "--quality", "100"], ["1 tile without loss", "1 tile without loss"]),
    ];
    for (more, expected) in cases {
        let targets = Library::new();
        let output = convert(library.folder.path(), targets.folder.path(), more).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let ends: Vec<&str> = told.lines().filter_map(|line| line.split("; ").nth(1)).collect();
        assert_eq!(ends, expected, "{more:?}: {told}");
    }
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
