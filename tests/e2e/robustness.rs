//! Damaged files, crowds, sudden ends and wrong configurations: each costs what it must, and the server lives.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, RgbImage};
use recto_iiif::Dimensions;
use recto_testkit::{Rng, rare};

use crate::support::{Answer, Library, Server};

/// The longest that one broken file may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a file of each format is damaged.
const DAMAGED_EACH: usize = 50;

fn counter(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn assert_lives(server: &Server, after: &str) {
    let answer = server.get("/iiif/3/good.png/10,20,50,60/max/0/default.png");
    assert_eq!(answer.size(), (50, 60), "after {after}");
    let bad: Vec<_> = server.log().into_iter().filter(|line| line.contains("panicked")).collect();
    assert!(bad.is_empty(), "after {after}: {bad:#?}");
}

/// Asks everything of a file that may be broken: an answer in time, and whole if it is one.
fn ask_all(server: &Server, identifier: &str) {
    for tail in [
        "info.json",
        "full/max/0/default.png",
        "0,0,20,20/max/0/default.jpg",
        "full/!30,30/90/gray.png",
        "full/max/0/default.jpg",
    ] {
        let url = format!("/iiif/3/{identifier}/{tail}");
        let started = Instant::now();
        let answer = server.get(&url);
        assert!(started.elapsed() < PATIENCE, "{url} took {:?}", started.elapsed());
        match answer.status {
            200 if tail == "info.json" => assert!(answer.json()["width"].as_u64() > Some(0), "{url}"),
            // A stored image may leave with its damage, as it lies.
            200 if tail.ends_with("jpg") => assert!(answer.body.starts_with(b"\xff\xd8"), "{url}"),
            200 => assert!(answer.image().width() > 0, "{url}"),
            400..=599 => assert!(answer.body.len() > 10, "{url} says why: {}", answer.text()),
            other => panic!("{url}: {other}"),
        }
    }
}

#[test]
fn hostile_files_cost_one_request_each() {
    let Some(data) = recto_testkit::data_dir() else { return };
    let library = Library::new();
    library.put_png("good.png", 300, 200);
    let files = recto_testkit::files_below(&data.join("hostile"));
    for file in &files {
        library.put(file.file_name().unwrap().to_str().unwrap(), &std::fs::read(file).unwrap());
    }
    let server = library.serve(&[]);
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        ask_all(&server, name);
        assert_lives(&server, name);
    }
    assert_eq!(server.get("/").status, 200);
}

/// Small good files of every format that is read; four of them as the server writes them.
fn good_files() -> Vec<(&'static str, Vec<u8>)> {
    let size = Dimensions::new(70, 50);
    let rgb = recto_testkit::card::rgb8(size);
    let card = DynamicImage::from(RgbImage::from_raw(70, 50, rgb.clone()).unwrap());
    let formats = [
        ("jpg", ImageFormat::Jpeg),
        ("png", ImageFormat::Png),
        ("tif", ImageFormat::Tiff),
        ("webp", ImageFormat::WebP),
        ("gif", ImageFormat::Gif),
        ("bmp", ImageFormat::Bmp),
    ];
    let write = |format| {
        let mut bytes = Cursor::new(Vec::new());
        card.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let mut files: Vec<_> = formats.map(|(extension, format)| (extension, write(format))).into();
    files.extend([
        ("psd", rare::psd(size, &rgb)),
        ("fits", rare::fits(size, &rgb)),
        ("xpm", rare::xpm(size, &rgb)),
        ("dcm", rare::dicom(size, &rgb)),
        ("exr", rare::exr(size, &rgb)),
        ("svg", rare::svg()),
    ]);
    let library = Library::new();
    library.put("card.png", &write(ImageFormat::Png));
    let server = library.serve(&[]);
    for extension in ["jp2", "jxl", "avif", "pdf"] {
        let answer = server.get(&format!("/iiif/3/card.png/full/max/0/default.{extension}"));
        assert_eq!(answer.status, 200, "{extension}: {}", answer.text());
        files.push((extension, answer.body));
    }
    files
}

/// Damage of four kinds: bytes changed (mostly near the head, where meaning is dense), a piece missing, a piece doubled, an end.
fn damaged(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len() as u32;
    match rng.below(6) {
        0 => bytes.truncate(rng.below(length) as usize),
        1 => {
            let from = rng.below(length) as usize;
            let to = (from + 1 + rng.below(40) as usize).min(bytes.len());
            bytes.drain(from..to);
        }
        2 => {
            let from = rng.below(length) as usize;
            let piece = bytes[from..(from + 16).min(bytes.len())].to_vec();
            bytes.splice(from..from, piece);
        }
        _ => {
            for _ in 0..=rng.below(4) {
                let reach = if rng.below(3) == 0 { length } else { length.min(200) };
                let at = rng.below(reach) as usize;
                bytes[at] = [0, 0xff, 0x80, rng.below(256) as u8][rng.below(4) as usize];
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_of_every_format_are_answered_in_time() {
    let library = Library::new();
    library.put_png("good.png", 300, 200);
    let mut rng = Rng::new(20_240_607);
    let mut names = BTreeMap::<&str, Vec<String>>::new();
    let files = good_files();
    let count = files.len() * DAMAGED_EACH;
    for (extension, bytes) in files {
        library.put(&format!("whole.{extension}"), &bytes);
        for number in 0..DAMAGED_EACH {
            let name = format!("broken/{extension}{number}.{extension}");
            library.put(&name, &damaged(&bytes, &mut rng));
            names.entry(extension).or_default().push(name.replace('/', "%2F"));
        }
    }
    let server = library.serve(&[]);
    for (extension, names) in names {
        // What is damaged was good before.
        let whole = server.get(&format!("/iiif/3/whole.{extension}/full/!40,40/0/default.png"));
        assert_eq!(whole.status, 200, "{extension}: {}", whole.text());
        for name in names {
            ask_all(&server, &name);
        }
        assert_lives(&server, extension);
    }
    let manifest = server.get("/iiif/presentation/3/broken/manifest").json();
    let places = manifest["items"].as_array().unwrap().len();
    assert!(places >= count, "every file keeps its place: {places} of {count}");
}

#[test]
fn a_crowd_that_wants_the_same_costs_one_render() {
    let library = Library::new();
    library.put_png("large.png", 3000, 2000);
    let server = library.serve(&[]);
    assert_eq!(server.get("/iiif/3/large.png/info.json").status, 200);
    let before = counter(&server, "recto_renders_total");
    // The same pixels by four names.
    let names = [
        "full/1000,/0/default.png",
        "full/1000,667/0/default.png",
        "full/!1000,1000/0/default.png",
        "0,0,3000,2000/1000,/360/default.png",
    ];
    let bodies: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..200)
            .map(|number| {
                let (server, name) = (&server, names[number % names.len()]);
                scope.spawn(move || server.get(&format!("/iiif/3/large.png/{name}")))
            })
            .collect();
        asking
            .into_iter()
            .map(|asking| asking.join().unwrap())
            .map(|answer: Answer| {
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.body
            })
            .collect()
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]), "all get the same bytes");
    assert_eq!(counter(&server, "recto_renders_total") - before, 1);
    server.assert_clean_log();
}

fn tile(number: u32) -> String {
    format!("/iiif/3/good.png/{},{},60,60/max/0/default.png", number % 40 * 11, number / 40 * 11)
}

#[test]
fn what_was_cached_before_a_sudden_end_is_whole_after_it() {
    let library = Library::new();
    library.put_png("good.png", 600, 400);
    for round in 0..3_u32 {
        let mut server = library.serve_again(&["--set", "cache.least_effort=0 ms"]);
        let pid = server.pid().to_string();
        std::thread::scope(|scope| {
            let address = server.address;
            for client in 0..4 {
                scope.spawn(move || {
                    for number in 0..200 {
                        // The end comes somewhere in between; after it, nobody answers.
                        let Ok(mut stream) = TcpStream::connect(address) else { return };
                        let request = format!(
                            "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                            tile(client * 200 + number)
                        );
                        let mut body = Vec::new();
                        if stream.write_all(request.as_bytes()).is_err() || stream.read_to_end(&mut body).is_err() {
                            return;
                        }
                    }
                });
            }
            let deadline = Instant::now() + Duration::from_secs(20);
            while counter(&server, "recto_renders_total") < u64::from(60 + round * 40) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        });
        server.kill();
    }
    let server = library.serve_again(&["--set", "cache.least_effort=0 ms"]);
    let mut cached = 0;
    for number in 0..800 {
        let answer = server.get(&tile(number));
        let image = answer.image().to_rgb8();
        let (left, top) = (number % 40 * 11, number / 40 * 11);
        for (x, y) in [(0, 0), (59, 0), (0, 59), (59, 59), (31, 17)] {
            let want = recto_testkit::position::rgb8(left + x, top + y);
            if left + x < 600 && top + y < 400 && x < image.width() && y < image.height() {
                assert_eq!(image.get_pixel(x, y).0, want, "{}", tile(number));
            }
        }
        cached += u32::from(answer.header("server-timing").starts_with("cached"));
    }
    assert!(cached > 0, "something of before was found again");
    assert_eq!(counter(&server, "recto_cache_damaged"), 0, "what is in the cache was written whole");
    server.assert_clean_log();
}

fn cache_files(library: &Library) -> Vec<PathBuf> {
    recto_testkit::files_below(&library.state.path().join("kept"))
}

#[test]
fn a_flipped_byte_in_the_cache_is_noticed_and_made_anew() {
    let library = Library::new();
    library.put_png("good.png", 600, 400);
    let server = library.serve_again(&[]);
    let url = "/iiif/3/good.png/0,0,300,300/200,/0/default.png";
    let want = server.get(url).body;
    assert!(server.stop().success());
    // Where the picture itself lies, whatever surrounds it.
    let middle = &want[want.len() / 2..want.len() / 2 + 24];
    let mut flipped = 0;
    for path in cache_files(&library) {
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(middle.len()).position(|window| window == middle) {
            bytes[at] ^= 0x10;
            std::fs::write(&path, bytes).unwrap();
            flipped += 1;
        }
    }
    assert_eq!(flipped, 1, "the picture was kept on disk: {:?}", cache_files(&library));
    let server = library.serve_again(&[]);
    assert!(server.get(url).body == want, "the right picture all the same");
    assert_eq!(counter(&server, "recto_cache_damaged"), 1);
    assert!(server.get(url).header("server-timing").starts_with("cached"), "and it is kept again");
}

#[test]
fn clients_that_vanish_do_no_harm() {
    let library = Library::new();
    library.put_png("good.png", 300, 200).put_png("large.png", 4000, 3000);
    let server = library.serve(&[]);
    for number in 0..40 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let request = format!(
            "GET /iiif/3/large.png/full/{},/{}.5/default.png HTTP/1.1\r\nHost: x\r\n\r\n",
            2000 + number,
            number
        );
        stream.write_all(request.as_bytes()).unwrap();
        // Gone before the answer.
        drop(stream);
    }
    let started = Instant::now();
    assert_lives(&server, "forty who left");
    assert!(started.elapsed() < PATIENCE, "a small request waited {:?}", started.elapsed());
    // Their work ends by itself: none of it stays charged.
    let deadline = Instant::now() + Duration::from_secs(20);
    while counter(&server, "recto_work_memory_bytes") > 0 {
        assert!(Instant::now() < deadline, "memory stays charged for nobody");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(counter(&server, "recto_renders_total") < 40, "work that nobody wants is not done");
    server.assert_clean_log();
}

fn recto(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recto")).args(arguments).output().unwrap()
}

#[track_caller]
fn assert_fails(output: &Output, code: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

#[test]
fn a_state_directory_inside_the_library_is_refused() {
    let library = Library::new();
    library.put_png("a.png", 30, 20);
    let before = library.snapshot();
    let folder = library.folder.path().to_str().unwrap();
    let link = library.state.path().join("link");
    std::os::unix::fs::symlink(library.folder.path(), &link).unwrap();
    for state in [folder.to_owned(), format!("{folder}/state"), format!("{}/state", link.display())] {
        let output = recto(&["serve", folder, "--listen", "127.0.0.1:0", "--state", &state]);
        assert_fails(&output, 2, &["state"]);
    }
    assert_eq!(library.snapshot(), before, "nothing was written");
}

#[test]
fn the_configuration_is_checked_with_the_nearest_name() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.toml", "[image]\njpeg_quality = 85\n");
    let output = recto(&["config", "check", "--config", &good]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.lines().any(|line| line.starts_with("image.jpeg_quality = 85") && line.contains("good.toml")),
        "{said}"
    );
    for (text, parts) in [
        ("[image]\njpeg_qualty = 85\n", &["jpeg_qualty", "jpeg_quality"][..]),
        ("[limit]\nmax_area = 5\n", &["limit", "limits"]),
        ("[image]\njpeg_quality = \"much\"\n", &["jpeg_quality"]),
        ("[image\n", &["bad.toml"]),
        ("[server]\ntrusted_proxies = [\"10.0.0.0/99\"]\n", &["server.trusted_proxies", "10.0.0.0/99"]),
    ] {
        let bad = file("bad.toml", text);
        assert_fails(&recto(&["config", "check", "--config", &bad]), 1, parts);
        let served = recto(&["serve", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0", "--config", &bad]);
        assert_fails(&served, 2, parts);
    }
    let json = recto(&["config", "check", "--format", "json", "--set", "image.jpeg_qualty=85"]);
    assert_eq!(json.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["valid"], false);
    assert!(report.to_string().contains("jpeg_quality"), "{report}");
    let json = recto(&["config", "check", "--format", "json", "--set", "image.jpeg_quality=85"]);
    assert_eq!(json.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap()["valid"], true);
}

#[test]
fn facts_of_files_come_with_an_exit_code() {
    let library = Library::new();
    library.put_png("a.png", 30, 20).put("broken.png", b"\x89PNG\r\n\x1a\nnothing").put("none.txt", b"text");
    let path = |name: &str| library.path(name).to_str().unwrap().to_owned();
    let good = recto(&["info", &path("a.png")]);
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("30"), "{}", String::from_utf8_lossy(&good.stdout));
    for name in ["broken.png", "none.txt", "missing.png", ""] {
        assert_fails(&recto(&["info", &path(name)]), 2, &["not"]);
    }
    let both = recto(&["info", "--format", "json", &path("a.png"), &path("broken.png")]);
    assert_eq!(both.status.code(), Some(2));
    let facts: serde_json::Value = serde_json::from_slice(&both.stdout).unwrap();
    assert_eq!((facts[0]["width"].as_u64(), facts[0]["height"].as_u64()), (Some(30), Some(20)));
    assert!(facts[1]["problem"].is_string(), "{facts}");
}

#[test]
fn a_folder_that_goes_away_does_not_empty_the_library() {
    let library = Library::new();
    library.put_png("letters/a.png", 30, 20);
    let server = library.serve(&["--set", "library.rescan_every=1 s"]);
    let manifest = "/iiif/presentation/3/letters/manifest";
    assert_eq!(server.get(manifest).status, 200);
    let (here, away) = (library.folder.path().to_owned(), library.folder.path().with_extension("away"));
    let health_becomes = |status: u16| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while server.get("/health").status != status {
            assert!(Instant::now() < deadline, "/health does not become {status}");
            std::thread::yield_now();
        }
    };
    std::fs::rename(&here, &away).unwrap();
    health_becomes(503);
    assert_eq!(server.get(manifest).status, 200, "what was last seen stays published");
    std::fs::rename(&away, &here).unwrap();
    health_becomes(200);
    assert_eq!(server.get(manifest).status, 200);
    assert_eq!(server.get("/iiif/3/letters%2Fa.png/full/max/0/default.png").size(), (30, 20));
}

#[test]
fn small_answers_that_are_kept_take_little_more_than_they_are() {
    let library = Library::new();
    library.put_png("a.png", 600, 400);
    let server = library.serve(&["--set", "cache.max_disk=0"]);
    let resident_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap().to_owned();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let ask =
        |x: u32, y: u32| assert_eq!(server.get(&format!("/iiif/3/a.png/{x},{y},40,40/max/0/default.tif")).status, 200);
    (0..20).for_each(|x| ask(x, 360));
    let before = resident_kib();
    (0..600).for_each(|n| ask(n % 500, n / 2));
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 40 << 10, "600 answers of some hundred bytes took {grown} KiB");
}
