//! Static trees: every URL of the viewers is a file, each with the live server's bytes; runs that were killed go on; archives are
//! served where they lie.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_testkit::viewers::{Announced, Widths, leaflet, openseadragon};
use serde_json::Value;

use crate::support::{Library, Server};

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn photo(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = f64::from(x * 7 + y * 3) / 90.0;
        Rgb([(127.0 + 120.0 * wave.sin()) as u8, (x / 3 + y / 5) as u8, ((x ^ y) & 0xff) as u8])
    })
    .into()
}

/// A JPEG that says it is to be turned by 90°.
fn turned(width: u32, height: u32) -> Vec<u8> {
    let jpeg = encoded(&photo(width, height), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1, length[0], length[1]];
    bytes.append(&mut exif);
    bytes.extend_from_slice(&jpeg[2..]);
    bytes
}

const NAMES: [&str; 12] = [
    "1.png",
    "255.png",
    "256.jpg",
    "257.jpg",
    "Drawings & more/100% #1;a?.jpg",
    "alpha.png",
    "deep/er/gray.jpg",
    "isles.tif",
    "large.jpg",
    "large.png",
    "long.png",
    "turned.jpg",
];

fn library() -> Library {
    let library = Library::new();
    let gray = GrayImage::from_fn(700, 520, |x, y| Luma([(x + y) as u8]));
    let alpha = RgbaImage::from_fn(600, 333, |x, y| Rgba([x as u8, y as u8, 9, (x + y) as u8]));
    let isles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/Saltmarch Isles.tif");
    library
        .put_png("1.png", 1, 1)
        .put_png("255.png", 255, 255)
        .put("256.jpg", &encoded(&photo(256, 256), ImageFormat::Jpeg))
        .put("257.jpg", &encoded(&photo(257, 513), ImageFormat::Jpeg))
        .put("Drawings & more/100% #1;a?.jpg", &encoded(&photo(300, 200), ImageFormat::Jpeg))
        .put("alpha.png", &encoded(&alpha.into(), ImageFormat::Png))
        .put("deep/er/gray.jpg", &encoded(&gray.into(), ImageFormat::Jpeg))
        .put("isles.tif", &fs::read(isles).unwrap())
        .put("large.jpg", &encoded(&photo(1901, 1307), ImageFormat::Jpeg))
        .put("large.png", &encoded(&photo(1400, 1100), ImageFormat::Png))
        .put_png("long.png", 1000, 1)
        .put("turned.jpg", &turned(900, 640))
        .put("notes.txt", b"no image");
    library
}

const URL: &str = "https://static.example/trees";
/// With pyramids, on whose pixels both have to agree.
const OPTIONS: [&str; 4] = ["--set", "image.tile_size=256", "--set", "image.pyramid_from_pixels=500000"];

fn command(library: &Library, to: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recto"));
    command.arg("tile").arg(library.folder.path()).arg("--to").arg(to).args(OPTIONS);
    command.args(["--format", "json"]).args(arguments).current_dir(library.state.path());
    if !arguments.contains(&"--url") {
        command.args(["--url", URL]);
    }
    command
}

/// Runs to the end; gives the report by identifier.
fn tile(library: &Library, to: &Path, arguments: &[&str]) -> BTreeMap<String, Value> {
    let output = command(library, to, arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let report: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    report.into_iter().map(|one| (one["identifier"].as_str().unwrap().to_owned(), one)).collect()
}

/// Every file below a folder, but for hidden ones.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found.retain(|name, _| !name.starts_with('.'));
    found
}

fn size(bytes: &[u8]) -> (u64, u64) {
    let image = image::load_from_memory(bytes).unwrap();
    (image.width().into(), image.height().into())
}

#[test]
fn d24_every_url_of_the_viewers_is_a_file_with_the_bytes_of_the_live_server() {
    let library = library();
    let tree = library.state.path().join("tree");
    let report = tile(&library, &tree, &["--api", "both", "--sizes", "200"]);
    assert_eq!(report["notes.txt"]["outcome"], "no image");
    assert!(report["isles.tif"]["stored"].as_u64() > Some(20), "{}", report["isles.tif"]);
    let files = files(&tree);
    let server = library.serve(&OPTIONS);
    let mut live: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for name in NAMES {
        assert_eq!(report[name]["outcome"], "made", "{name}");
        for (version, folder) in [(ApiVersion::V3, "3"), (ApiVersion::V2, "2")] {
            let told = |what: &str| format!("{folder}/{name} {what}");
            let document = &files[&format!("{folder}/{name}/info.json")];
            let document: Value = serde_json::from_slice(document).unwrap();
            let segments: Vec<_> = name.split('/').map(|part| Identifier::new(part).encoded().to_string()).collect();
            let (id, profile) = match version {
                ApiVersion::V3 => (&document["id"], document["profile"].clone()),
                ApiVersion::V2 => (&document["@id"], document["profile"][0].clone()),
            };
            assert_eq!(id, &format!("{URL}/{folder}/{}", segments.join("/")), "{name}");
            assert!(profile.as_str().unwrap().contains("level0"), "{name} {profile}");
            let info = Announced::read(&document);
            let mut asked = openseadragon(&info, version, Widths::Only);
            if info.tile_width == info.tile_height {
                asked.extend(leaflet(&info, version));
            }
            let mut checked = std::collections::HashSet::new();
            for tile in &asked {
                let end = format!("{}/{}/0/default.jpg", tile.region, tile.size);
                let bytes = files.get(&format!("{folder}/{name}/{end}")).unwrap_or_else(|| panic!("{}", told(&end)));
                // One pixel wide, a tile of two levels can have one URL: the finer one is meant.
                if tile.width > 1 || checked.insert(end.clone()) {
                    assert_eq!(size(bytes), (tile.width, tile.height), "{}", told(&end));
                }
            }
            let longest = info.width.max(info.height);
            let has_200 = info.sizes.iter().any(|(width, height)| *width.max(height) == 200);
            assert!(has_200 || longest <= 200, "{} {:?}", told("--sizes"), info.sizes);
            for (width, height) in &info.sizes {
                let mut texts = vec![format!("{width},{height}")];
                if version == ApiVersion::V2 {
                    texts.push(format!("{width},"));
                }
                for text in texts {
                    let bytes = &files[&format!("{folder}/{name}/full/{text}/0/default.jpg")];
                    assert_eq!(size(bytes), (*width, *height), "{}", told(&text));
                }
            }
            assert!(files.contains_key(&format!("{folder}/{name}/full/max/0/default.jpg")), "{name}");
            if info.width > 200 && info.height > 200 {
                for text in ["90,", ",120"] {
                    assert!(
                        files.contains_key(&format!("{folder}/{name}/full/{text}/0/default.jpg")),
                        "{}",
                        told(text)
                    );
                }
            }
            // The live server says the same of any file that there is, and has nothing that the tree lacks under these names.
            let encoded = Identifier::new(name).encoded().to_string();
            let start = format!("{folder}/{name}/");
            for (path, bytes) in files.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start)) {
                let end = &path[start.len()..];
                if end == "info.json" {
                    continue;
                }
                // Of images above the bound of whole files, `max` is a smaller level, which the live server gives by its size.
                let is_max = end.starts_with("full/max/") || end.starts_with("full/full/");
                let end = if is_max && info.width * info.height > 25_000_000 {
                    let width = image::load_from_memory(bytes).unwrap().width();
                    format!("full/{width},/0/default.jpg")
                } else {
                    end.to_owned()
                };
                let answer = server.get(&format!("/iiif/{folder}/{encoded}/{end}"));
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                assert!(answer.body == *bytes, "{path}: {} bytes live, {} static", answer.body.len(), bytes.len());
                live.insert(path.clone(), answer.body);
            }
        }
    }
    assert_eq!(live.len() + 2 * NAMES.len(), files.len(), "nothing else lies there");
    assert!(live.len() > 500, "{}", live.len());
    server.assert_clean_log();
}

/// Starts a run and kills it once `begun` says so.
fn killed(library: &Library, to: &Path, arguments: &[&str], begun: impl Fn() -> bool) {
    let mut child = command(library, to, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(2);
    while !begun() {
        assert!(Instant::now() < deadline, "nothing was begun");
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn one_large() -> Library {
    let library = Library::new();
    library.put("large.jpg", &encoded(&photo(4000, 3000), ImageFormat::Jpeg));
    library
}

#[test]
fn d24_a_run_that_was_killed_goes_on_where_it_was() {
    let library = one_large();
    let arguments = ["--tile", "64", "--threads", "2"];
    let whole = library.state.path().join("whole");
    let made = tile(&library, &whole, &arguments)["large.jpg"].clone();
    let all = made["rendered"].as_u64().unwrap() + made["stored"].as_u64().unwrap();
    let tree = library.state.path().join("tree");
    let part = tree.join(".recto-part/tree/large.jpg");
    for round in 1..=2 {
        let begun = move |part: &Path| fs::read_dir(part).is_ok_and(|entries| entries.count() > round * 100);
        killed(&library, &tree, &arguments, || begun(&part));
        assert!(!tree.join("large.jpg").exists(), "nothing half is seen");
    }
    let report = tile(&library, &tree, &arguments)["large.jpg"].clone();
    let (rendered, reused) = (report["rendered"].as_u64().unwrap(), report["reused"].as_u64().unwrap());
    assert!(reused > 100, "{report}");
    assert_eq!(rendered + report["stored"].as_u64().unwrap() + reused, all, "{report}");
    assert!(files(&tree) == files(&whole), "the same tree as in one go");
    assert!(!tree.join(".recto-part").exists());
    assert_eq!(tile(&library, &tree, &arguments)["large.jpg"]["outcome"], "done before");
}

#[test]
fn d24_an_archive_that_was_killed_goes_on_where_it_was() {
    let library = one_large();
    let arguments = ["--tile", "64", "--threads", "1"];
    let whole = library.state.path().join("whole.zip");
    let made = tile(&library, &whole, &arguments)["large.jpg"].clone();
    let all = made["rendered"].as_u64().unwrap() + made["stored"].as_u64().unwrap();
    let (to, part) = (library.state.path().join("a.zip"), library.state.path().join(".a.zip.recto-part"));
    for round in 1..=2 {
        killed(&library, &to, &arguments, || fs::metadata(&part).is_ok_and(|part| part.len() > round * 200_000));
        assert!(!to.exists(), "nothing half is seen");
    }
    let report = tile(&library, &to, &arguments)["large.jpg"].clone();
    let reused = report["reused"].as_u64().unwrap();
    assert!(reused > 50, "{report}");
    assert_eq!(report["rendered"].as_u64().unwrap() + report["stored"].as_u64().unwrap() + reused, all, "{report}");
    assert!(!part.exists());
    let written = fs::metadata(&to).unwrap().modified().unwrap();
    assert_eq!(tile(&library, &to, &arguments)["large.jpg"]["outcome"], "done before");
    assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), written, "and is not written again");
    // Same entries as in one go.
    let tree = library.state.path().join("tree");
    tile(&library, &tree, &arguments);
    let server = served(&library, &[to, whole]);
    for (name, bytes) in files(&tree).iter().filter(|(name, _)| name.ends_with("default.jpg")).step_by(37) {
        for archive in ["a", "whole"] {
            assert!(server.get(&format!("/static/{archive}/{name}")).body == *bytes, "{archive} {name}");
        }
    }
}

fn served(library: &Library, archives: &[PathBuf]) -> Server {
    let list: Vec<_> = archives.iter().map(|path| format!("{:?}", path.to_str().unwrap())).collect();
    library.serve(&["--set", &format!("server.archives=[{}]", list.join(","))])
}

#[test]
fn d24_an_archive_is_served_where_it_lies() {
    let library = library();
    let (tree, archive) = (library.state.path().join("tree"), library.state.path().join("my trees.zip"));
    tile(&library, &tree, &["--api", "both"]);
    tile(&library, &archive, &["--api", "both"]);
    match Command::new("python3").args(["-m", "zipfile", "-t"]).arg(&archive).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("python3 unpacks the archive as others would: {error}"),
    }
    let server = served(&library, std::slice::from_ref(&archive));
    let files = files(&tree);
    for (name, bytes) in &files {
        let segments: Vec<_> = name.split('/').map(|part| Identifier::new(part).encoded().to_string()).collect();
        let path = format!("/static/my%20trees/{}", segments.join("/"));
        let answer = server.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        if let Some(service) = path.strip_suffix("/info.json") {
            let (mut here, there) = (answer.json(), serde_json::from_slice::<Value>(bytes).unwrap());
            let key = if there.get("id").is_some() { "id" } else { "@id" };
            assert_eq!(here[key], format!("{}{service}", server.base()).as_str());
            here[key] = there[key].clone();
            assert_eq!(here, there, "nothing else differs");
            let kinds =
                ["application/json", r#"application/ld+json;profile="http://iiif.io/api/image/3/context.json""#];
            assert!(kinds.contains(&answer.header("content-type")), "{}", answer.header("content-type"));
            let image = server.get(service);
            assert_eq!((image.status, image.header("location")), (303, format!("{}{path}", server.base()).as_str()));
        } else {
            assert!(answer.body == *bytes, "{path}");
            assert_eq!(answer.header("content-type"), "image/jpeg");
        }
    }
    let path = "/static/my%20trees/3/large.jpg/full/max/0/default.jpg";
    let whole = server.get(path);
    let etag = whole.header("etag").to_owned();
    assert!(!whole.header("last-modified").is_empty() && etag.len() > 10);
    let part = server.ask("GET", path, &[("Range", "bytes=100-199")]);
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[100..200]));
    let beyond = server.ask("GET", path, &[("Range", "bytes=99999999-")]);
    assert_eq!(beyond.status, 416);
    assert_eq!(server.ask("GET", path, &[("If-None-Match", &etag)]).status, 304);
    let head = server.ask("HEAD", path, &[]);
    assert_eq!((head.status, head.header("content-length")), (200, whole.body.len().to_string().as_str()));
    let info = server.ask("GET", "/static/my%20trees/3/1.png/info.json", &[("Host", "other.example")]);
    assert_eq!(info.json()["id"], "http://other.example/static/my%20trees/3/1.png");
    for missing in
        ["/static/my%20trees/3/large.jpg/full/7,7/0/default.jpg", "/static/none/x", "/static/my%20trees/", "/static/"]
    {
        let answer = server.get(missing);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, "application/problem+json; charset=utf-8"),
            "{missing}"
        );
    }
    // A new archive in its place is seen at once.
    fs::remove_file(library.path("large.jpg")).unwrap();
    let report = tile(&library, &archive, &["--api", "both", "--prune"]);
    assert_eq!(report["3/large.jpg"]["outcome"], "removed", "{report:?}");
    assert_eq!(server.get(path).status, 404);
    assert_eq!(server.get("/static/my%20trees/3/1.png/info.json").status, 200);
    server.assert_clean_log();
}

#[test]
fn what_is_no_archive_is_refused_by_its_name() {
    let library = Library::new();
    library.put("a.zip", b"no archive at all, but long enough to look for the end of one");
    let output = Command::new(env!("CARGO_BIN_EXE_recto"))
        .arg("serve")
        .arg(library.folder.path())
        .args([
            "--listen",
            "127.0.0.1:0",
            "--set",
            &format!("server.archives=[{:?}]", library.path("a.zip").to_str().unwrap()),
        ])
        .current_dir(library.state.path())
        .env("RECTO_STATE", library.state.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("a.zip") && told.contains("no ZIP archive"), "{told}");
}

#[test]
fn only_what_changed_is_made_again() {
    let library = Library::new();
    library.put_png("a.png", 300, 200).put_png("b.png", 300, 200).put_png("sub/c.png", 300, 200);
    let tree = library.state.path().join("tree");
    let outcomes = |report: &BTreeMap<String, Value>| -> Vec<String> {
        report.values().map(|one| format!("{} {}", one["outcome"].as_str().unwrap(), one["rendered"])).collect()
    };
    let first = tile(&library, &tree, &[]);
    let rendered = first["a.png"]["rendered"].as_u64().unwrap();
    assert!(rendered > 2, "{first:?}");
    let done = "done before null".to_owned();
    assert_eq!(outcomes(&tile(&library, &tree, &[])), [&done; 3].map(Clone::clone));
    // Another URL: only the documents.
    let moved = tile(&library, &tree, &["--url", "http://b.example"]);
    assert_eq!(outcomes(&moved), ["made 0", "made 0", "made 0"]);
    let info: Value = serde_json::from_slice(&fs::read(tree.join("sub/c.png/info.json")).unwrap()).unwrap();
    assert_eq!(info["id"], "http://b.example/sub/c.png");
    tile(&library, &tree, &[]);
    // Another original.
    library.put_png("b.png", 400, 200);
    let changed = tile(&library, &tree, &[]);
    assert_eq!((&changed["a.png"]["outcome"], &changed["b.png"]["outcome"]), (&"done before".into(), &"made".into()));
    let info: Value = serde_json::from_slice(&fs::read(tree.join("b.png/info.json")).unwrap()).unwrap();
    assert_eq!(info["width"], 400);
    assert!(!tree.join("b.png/0,0,300,200").exists() && tree.join("b.png/0,0,256,200").exists());
    // Other options.
    assert_eq!(tile(&library, &tree, &["--quality", "30"])["a.png"]["rendered"], rendered);
    // An original that is gone is told of, and removed on request only.
    fs::remove_file(library.path("sub/c.png")).unwrap();
    assert_eq!(tile(&library, &tree, &["--quality", "30"])["sub/c.png"]["outcome"], "original gone");
    assert!(tree.join("sub/c.png/info.json").exists());
    assert_eq!(tile(&library, &tree, &["--quality", "30", "--prune"])["sub/c.png"]["outcome"], "removed");
    assert!(!tree.join("sub").exists());
    // What others put there is not touched.
    fs::create_dir_all(tree.join("d.png")).unwrap();
    fs::write(tree.join("d.png/mine.txt"), "mine").unwrap();
    library.put_png("d.png", 20, 20);
    let output = command(&library, &tree, &["--quality", "30"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--overwrite"));
    assert_eq!(fs::read_to_string(tree.join("d.png/mine.txt")).unwrap(), "mine");
    // Nor are originals.
    let inside = command(&library, &library.path("sub"), &[]).output().unwrap();
    assert!(String::from_utf8_lossy(&inside.stderr).contains("never changed"));
}
