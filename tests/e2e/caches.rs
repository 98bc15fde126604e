//! Crowds, crashes, replaced originals and purges: what is answered is always whole, and always of the original as it is.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::support::{Answer, Library, Server};

/// Everything is put on disk, whether it is worth a file or not.
const ALL: &[&str] = &["--set", "cache.least_effort=0 ms"];

fn counter(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

/// An uncompressed file of one colour: two of one size have the same length, whatever the colour.
fn plain_bmp(color: [u8; 3]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::from_pixel(64, 48, Rgb(color))).write_to(&mut bytes, ImageFormat::Bmp).unwrap();
    bytes.into_inner()
}

fn color_of(answer: &Answer) -> [u8; 3] {
    answer.image().to_rgb8().get_pixel(5, 5).0
}

fn entry_files(state: &Path) -> Vec<PathBuf> {
    let inner = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders =
        inner(&state.join("cache")).into_iter().filter(|path| path.is_dir() && path.file_name().unwrap().len() == 2);
    folders.flat_map(|folder| inner(&folder)).collect()
}

/// Waits for what happens behind the answers.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "it did not come to it that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn d4_five_hundred_at_once_cost_one_decode_and_get_the_same_bytes() {
    let library = Library::new();
    library.put_png("large.png", 3000, 2000);
    let server = library.serve(&[]);
    assert_eq!(server.get("/iiif/3/large.png/info.json").status, 200);
    let before = counter(&server, "recto_renders_total");
    let bodies: BTreeSet<Vec<u8>> = std::thread::scope(|scope| {
        let ask = || server.get("/iiif/3/large.png/full/900,/0/default.png");
        let asking: Vec<_> = (0..500).map(|_| scope.spawn(ask)).collect();
        let answers = asking.into_iter().map(|asking| asking.join().unwrap());
        answers
            .map(|answer| {
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.body
            })
            .collect()
    });
    assert_eq!((bodies.len(), counter(&server, "recto_renders_total") - before), (1, 1));
    server.assert_clean_log();
}

#[test]
fn d4_a_flipped_byte_in_a_cache_file_gives_the_right_answer_and_a_count() {
    let library = Library::new();
    library.put_png("a.png", 300, 200);
    let url = "/iiif/3/a.png/full/150,/0/default.png";
    let state = library.state.path().join("kept");
    let server = library.serve_again(ALL);
    let want = server.get(url).body;
    server.stop();
    let files = entry_files(&state);
    assert!(!files.is_empty());
    for file in files {
        let mut bytes = fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let server = library.serve_again(ALL);
    assert_eq!(server.get(url).body, want);
    // The facts, and the derivative.
    assert_eq!(counter(&server, "recto_cache_damaged"), 2);
    server.stop();
    let server = library.serve_again(ALL);
    assert_eq!(server.get(url).body, want);
    assert_eq!(
        (counter(&server, "recto_cache_damaged"), counter(&server, "recto_renders_total")),
        (0, 0),
        "it is mended"
    );
}

#[test]
fn d5_what_is_made_in_no_time_is_put_on_disk_when_it_was_made_again() {
    let library = Library::new();
    library.put_png("a.png", 60, 40);
    let state = library.state.path().join("kept");
    let server = library.serve_again(&["--set", "cache.max_memory=0", "--set", "cache.least_effort=10 s"]);
    let url = "/iiif/3/a.png/full/max/90/default.png";
    let want = server.get(url).body;
    assert_eq!(counter(&server, "recto_cache_writes_spared_total"), 1);
    until("the facts are written", || entry_files(&state).len() == 1);
    assert_eq!(server.get(url).body, want);
    until("the picture is written", || entry_files(&state).len() == 2);
    assert_eq!(server.get(url).body, want);
    assert_eq!(counter(&server, "recto_renders_total"), 2);
    server.assert_clean_log();
}

#[test]
fn d5_a_small_bound_holds_while_much_goes_through_and_over_a_sudden_end() {
    let library = Library::new();
    library.put_png("a.png", 600, 400);
    let state = library.state.path().join("kept");
    let most = 1 << 20;
    for round in 0..3 {
        let mut server =
            library.serve_again(&[ALL, &["--set", "cache.max_disk=1 MiB", "--set", "cache.min_free=0"]].concat());
        for number in 0..150_u32 {
            let (x, y) = (number % 15 * 20 + round, number / 15 * 20);
            assert_eq!(server.get(&format!("/iiif/3/a.png/{x},{y},200,150/max/0/default.tif")).status, 200);
            let held = counter(&server, "recto_cache_disk_bytes");
            // A folder that is made for a file is counted a moment after it: D5 allows a fiftieth.
            assert!(held <= most + most / 50, "round {round}, {number}: {held}");
        }
        assert!(counter(&server, "recto_cache_evictions") > 0);
        server.kill();
        let on_disk: u64 = entry_files(&state).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(on_disk <= most, "{on_disk} bytes after round {round}");
    }
}

/// Every path below a folder with what it is: times, mode and content.
fn everything(folder: &Path) -> Vec<(PathBuf, SystemTime, u32, Vec<u8>)> {
    use std::os::unix::fs::MetadataExt as _;
    let (mut found, mut todo) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = todo.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        found.push((path.clone(), metadata.modified().unwrap(), metadata.mode(), content));
        if metadata.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.sort();
    found
}

#[test]
fn d6_nothing_below_the_library_changes_whatever_is_asked() {
    let library = Library::new();
    library
        .put_png("maps/a.png", 300, 200)
        .put_png("maps/b.png", 40, 30)
        .put("notes.txt", b"text")
        .put("bad.png", b"bad");
    let before = everything(library.folder.path());
    let server = library.serve(&["--set", "cache.max_disk=1 MiB", "--set", "cache.min_free=0"]);
    for number in 0..100 {
        server.get(&format!("/iiif/3/maps%2Fa.png/{number},{number},90,90/max/0/default.tif"));
    }
    for path in [
        "/",
        "/iiif/3/maps%2Fa.png/info.json",
        "/iiif/3/bad.png/info.json",
        "/iiif/3/..%2Fa.png/info.json",
        "/iiif/3/notes.txt/full/max/0/default.jpg",
        "/iiif/presentation/3/maps/manifest",
        "/iiif/3/maps%2Fb.png/full/max/90/bitonal.gif",
    ] {
        server.get(path);
    }
    purge(&server, r#"{"all": true}"#);
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(everything(library.folder.path()), before);
}

fn recto(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recto")).args(arguments).output().unwrap()
}

#[test]
fn d6_a_cache_or_state_directory_that_overlaps_with_the_library_is_refused() {
    let library = Library::new();
    library.put_png("sub/a.png", 30, 20);
    let (folder, outside) = (library.folder.path(), library.state.path());
    std::os::unix::fs::symlink(folder, outside.join("to-library")).unwrap();
    std::os::unix::fs::symlink(folder.join("sub"), outside.join("to-sub")).unwrap();
    let parent = folder.parent().unwrap();
    let before = everything(folder);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let good_state = text(&outside.join("state"));
    for place in [
        folder.to_owned(),
        folder.join("cache"),
        folder.join("sub/deep/er"),
        parent.to_owned(),
        outside.join("to-library"),
        outside.join("to-library/new"),
        outside.join("to-sub"),
        outside.join("to-sub/../cache"),
        outside.join("missing/../to-library/cache"),
    ] {
        let place = text(&place);
        let as_cache = format!("cache.directory={place}");
        for arguments in [
            vec!["serve", folder.to_str().unwrap(), "--listen", "127.0.0.1:0", "--state", &place],
            vec![
                "serve",
                folder.to_str().unwrap(),
                "--listen",
                "127.0.0.1:0",
                "--state",
                &good_state,
                "--set",
                &as_cache,
            ],
        ] {
            let output = recto(&arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && said.contains("overlap"), "{arguments:?}: {said}");
        }
    }
    assert_eq!(everything(folder), before, "nothing was written");
}

/// Ways in which a file comes to have other content.
type Replace = fn(&Path, &[u8]);

const REPLACEMENTS: [(&str, Replace); 4] = [
    ("renamed over", |path, bytes| {
        let new = path.with_extension("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(&new, path).unwrap();
    }),
    ("written over in place", |path, bytes| {
        let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(bytes).unwrap();
    }),
    ("removed and written again", |path, bytes| {
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    }),
    ("renamed over with an older time", |path, bytes| {
        let new = path.with_extension("new");
        fs::write(&new, bytes).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::options().write(true).open(&new).unwrap().set_modified(old).unwrap();
        fs::rename(&new, path).unwrap();
    }),
];

#[test]
fn d14_the_next_answer_after_a_file_was_replaced_is_the_new_one() {
    let library = Library::new();
    library.put("a.bmp", &plain_bmp([0, 0, 0]));
    let server = library.serve(&[]);
    let path = library.path("a.bmp");
    let url = "/iiif/3/a.bmp/full/max/0/default.png";
    let mut tags = BTreeSet::new();
    let first = server.get(url);
    assert_eq!(color_of(&first), [0, 0, 0]);
    tags.insert(first.header("etag").to_owned());
    for (number, (how, replace)) in REPLACEMENTS.into_iter().enumerate() {
        let color = [10 + number as u8, 200, 50];
        // Warm, in memory and as an open file.
        server.get(url);
        let stale = server.get(url).header("etag").to_owned();
        replace(&path, &plain_bmp(color));
        let answer = server.ask("GET", url, &[("If-None-Match", &stale)]);
        assert_eq!((answer.status, color_of(&answer)), (200, color), "{how}");
        assert!(tags.insert(answer.header("etag").to_owned()), "{how}: a new ETag");
        assert_eq!(color_of(&server.get(url)), color, "{how}, from the cache");
    }
    server.assert_clean_log();
}

#[test]
fn d14_two_changes_within_one_tick_of_the_clock_are_both_seen() {
    let library = Library::new();
    library.put("a.bmp", &plain_bmp([0, 0, 0]));
    let server = library.serve(&[]);
    let path = library.path("a.bmp");
    let url = "/iiif/3/a.bmp/full/max/0/default.png";
    for round in 0..30_u8 {
        for turn in 0..3_u8 {
            let color = [round, turn, 77];
            REPLACEMENTS[1].1(&path, &plain_bmp(color));
            if turn == 1 {
                // Asked at once after a change: what comes next must be seen all the same.
                assert_eq!(color_of(&server.get(url)), color, "round {round}, turn {turn}");
            }
        }
        assert_eq!(color_of(&server.get(url)), [round, 2, 77], "round {round}");
    }
}

#[test]
fn d22_head_of_an_image_that_is_not_cached_decodes_nothing() {
    let library = Library::new();
    library.put_png("large.png", 3000, 2000);
    let server = library.serve(&[]);
    let url = "/iiif/3/large.png/full/max/0/default.jpg";
    let head = server.ask("HEAD", url, &[]);
    assert_eq!((head.status, head.header("content-type")), (200, "image/jpeg"));
    assert_eq!(counter(&server, "recto_renders_total"), 0);
    let get = server.get(url);
    assert_eq!(get.header("etag"), head.header("etag"));
    assert_eq!(server.ask("GET", url, &[("If-None-Match", get.header("etag"))]).status, 304);
    assert_eq!(counter(&server, "recto_renders_total"), 1);
}

fn post(server: &Server, body: &str, headers: &str) -> Answer {
    let request = format!(
        "POST /admin/cache/purge HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        server.address,
        body.len()
    );
    server.send(request.as_bytes(), false).unwrap()
}

fn purge(server: &Server, body: &str) -> u64 {
    let answer = post(server, body, "Content-Type: application/json\r\n");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["purgedFiles"].as_u64().unwrap()
}

#[test]
fn a_purge_forgets_an_image_a_prefix_or_everything() {
    let library = Library::new();
    library.put_png("maps/a.png", 60, 40).put_png("maps/b.png", 60, 40).put_png("c.png", 60, 40);
    let state = library.state.path().join("kept");
    let server = library.serve_again(ALL);
    let urls = ["maps%2Fa.png", "maps%2Fb.png", "c.png"].map(|name| format!("/iiif/3/{name}/full/max/90/default.png"));
    let renders = || {
        let before = counter(&server, "recto_renders_total");
        urls.iter().for_each(|url| assert_eq!(server.get(url).status, 200));
        counter(&server, "recto_renders_total") - before
    };
    assert_eq!((renders(), renders()), (3, 0));
    // The facts and one derivative of each image.
    until("all is written", || entry_files(&state).len() == 6);
    for (body, files, made) in [
        (r#"{"identifier": "maps/a.png"}"#, 2, 1),
        (r#"{"identifier": "maps/a"}"#, 2, 1),
        (r#"{"identifier": "maps/none.png"}"#, 0, 0),
        (r#"{"prefix": "maps/"}"#, 4, 2),
        (r#"{"all": true}"#, 6, 3),
    ] {
        assert_eq!(purge(&server, body), files, "{body}");
        until("the files are gone", || entry_files(&state).len() == 6 - files as usize);
        assert_eq!((renders(), renders()), (made, 0), "{body}");
        until("all is written again", || entry_files(&state).len() == 6);
    }
    server.assert_clean_log();
}

#[test]
fn purges_are_for_those_who_run_the_server() {
    let library = Library::new();
    library.put_png("a.png", 60, 40);
    let json = "Content-Type: application/json\r\n";
    let all = r#"{"all": true}"#;
    let server = library.serve(&[]);
    for (headers, body, want) in [
        (json.to_owned(), all, 200),
        (format!("{json}X-Forwarded-For: 127.0.0.1\r\n"), all, 403),
        (format!("{json}Forwarded: for=127.0.0.1\r\n"), all, 403),
        (format!("{json}Origin: https://evil.example\r\n"), all, 403),
        (String::new(), all, 400),
        ("Content-Type: text/plain\r\n".to_owned(), all, 400),
        (json.to_owned(), "", 400),
        (json.to_owned(), "{}", 400),
        (json.to_owned(), r#"{"all": true, "prefix": "a"}"#, 400),
        (json.to_owned(), r#"{"identfier": "a.png"}"#, 400),
    ] {
        let answer = post(&server, body, &headers);
        assert_eq!(answer.status, want, "{headers}{}: {}", &body[..body.len().min(60)], answer.text());
    }
    assert_eq!(server.get("/admin/cache/purge").status, 405);
    assert_eq!(server.get("/admin/cache").json()["damaged"], 0);
    assert_eq!(server.get("/admin/other").status, 404);

    let server = library.serve(&["--set", "server.admin_token=secret"]);
    for (headers, want) in [
        (json.to_owned(), 401),
        (format!("{json}Authorization: Bearer wrong\r\n"), 401),
        (format!("{json}Authorization: Bearer secret\r\n"), 200),
        (format!("{json}Authorization: Bearer secret\r\nX-Forwarded-For: 192.0.2.1\r\n"), 200),
    ] {
        assert_eq!(post(&server, all, &headers).status, want, "{headers}");
    }
}

#[test]
fn the_cache_command_works_beside_a_server_and_without_one() {
    let library = Library::new();
    library.put_png("maps/a.png", 60, 40).put_png("c.png", 60, 40);
    let state = library.state.path().join("kept");
    let command = |arguments: &[&str]| {
        let output =
            recto(&[&["cache"], arguments, &["--state", state.to_str().unwrap(), "--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let server = library.serve_again(ALL);
    for name in ["maps%2Fa.png", "c.png"] {
        assert_eq!(server.get(&format!("/iiif/3/{name}/full/max/90/default.png")).status, 200);
    }
    until("all is written", || entry_files(&state).len() == 4);
    assert_eq!(command(&["stats"])["disk"]["entries"], 4);
    assert_eq!(command(&["purge", "--identifier", "c.png"])["purgedFiles"], 2);
    assert_eq!(server.get("/iiif/3/c.png/full/max/90/default.png").status, 200);
    until("all is written again", || entry_files(&state).len() == 4);
    server.stop();

    assert_eq!(command(&["stats"])["disk"]["entries"], 4);
    assert_eq!(command(&["purge", "--prefix", "maps/"])["purgedFiles"], 2);
    assert_eq!(entry_files(&state).len(), 2);
    assert_eq!(command(&["purge", "--all"])["purgedFiles"], 2);
    assert_eq!(entry_files(&state).len(), 0);
    let nothing = recto(&["cache", "stats", "--state", library.folder.path().to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no cache"));
}
