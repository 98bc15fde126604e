//! Connections that stay open: what is answered on the spot there is what the long way gives, at any time and in any order.
//!
//! The first request of a connection always goes the long way, so the first and later answers can be compared; the counters of the
//! metrics tell nothing of the way, since both count.

use std::time::Duration;

use crate::support::{Answer, Library, Server, Session};

const STORED: &str = "/iiif/3/isles.tif/0,0,256,256/256,256/0/default.jpg";
const EDGE: &str = "/iiif/3/isles.tif/full/200,/0/default.jpg";
const INFO: &str = "/iiif/3/isles.tif/info.json";

fn isles() -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/Saltmarch Isles.tif");
    std::fs::read(path).unwrap()
}

fn server() -> (Library, Server) {
    let library = Library::new();
    library.put("isles.tif", &isles());
    let server = library.serve(&["--set", "image.tile_size=256"]);
    (library, server)
}

/// Everything but what is different each time.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, &[u8]) {
    let mut headers: Vec<_> =
        answer.headers.iter().filter(|(name, _)| *name != "date").map(|(n, v)| (n.clone(), v.clone())).collect();
    for (name, value) in &mut headers {
        if name == "server-timing" {
            *value = value.split(';').next().unwrap().to_owned();
        }
    }
    headers.sort();
    (answer.status, headers, &answer.body)
}

#[test]
fn answers_on_the_spot_are_those_of_the_long_way() {
    let (_library, server) = server();
    for (path, accept) in [
        (STORED, None),
        (EDGE, None),
        (INFO, None),
        (INFO, Some("application/json")),
        (INFO, Some("application/ld+json")),
        ("/iiif/2/isles.tif/info.json", None),
        ("/iiif/2/isles.tif/0,0,256,256/256,/0/default.jpg", None),
        ("/iiif/3/isles/0,0,512,512/256,256/0/default.jpg", None),
        ("/iiif/3/isles.tif/0,0,256,256/256,/0/color.jpg", None),
    ] {
        let headers: Vec<_> = accept.iter().map(|accept| ("Accept", *accept)).collect();
        // What is made at the first time and kept comes from memory afterwards.
        Session::open(&server).ask(path, &headers);
        let long = Session::open(&server).ask(path, &headers);
        assert_eq!(long.status, 200, "{path}");
        let mut session = Session::open(&server);
        session.get("/iiif/3/none.png/info.json");
        // What is asked for again and again is kept as it was sent.
        for _ in 0..16 {
            let at_once = session.ask(path, &headers);
            assert_eq!(told(&at_once), told(&long), "{path} {accept:?}");
            assert!(!at_once.header("date").is_empty());
        }
    }
    server.assert_clean_log();
}

#[test]
fn what_is_asked_for_again_and_again_is_still_the_asker_s_own() {
    let (_library, server) = server();
    let mut session = Session::open(&server);
    let own = session.get(INFO);
    let ask = |session: &mut Session, host: &str, accept: &str| {
        session.write(format!("GET {INFO} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n\r\n").as_bytes());
        session.read()
    };
    for round in 0..16 {
        assert_eq!(told(&session.get(INFO)), told(&own), "{round}");
        for host in ["a.example", "b.example:8080"] {
            for (accept, media) in [("application/json", "application/json"), ("*/*", "application/ld+json")] {
                let answer = ask(&mut session, host, accept);
                assert_eq!(answer.json()["id"], format!("http://{host}/iiif/3/isles.tif"), "{round}");
                assert!(answer.header("content-type").starts_with(media), "{round} {accept}");
            }
        }
    }
    server.assert_clean_log();
}

#[test]
fn a_connection_takes_requests_of_all_kinds_in_any_order() {
    let (_library, server) = server();
    let stored = server.get(STORED).body;
    let mut session = Session::open(&server);
    for round in 0..3 {
        assert_eq!(session.get(STORED).body, stored, "{round}");
        assert_eq!(session.get(INFO).json()["width"], server.get(INFO).json()["width"]);
        assert_eq!(session.get("/iiif/3/none.png/full/max/0/default.jpg").status, 404);
        assert_eq!(session.get(EDGE).status, 200);
        assert_eq!(session.get(&format!("/iiif/3/isles.tif/0,0,100,100/{},/0/default.png", 50 + round)).status, 200);
        let etag = session.get(STORED).header("etag").to_owned();
        assert_eq!(session.ask(STORED, &[("If-None-Match", &etag)]).status, 304);
        let part = session.ask(STORED, &[("Range", "bytes=0-9")]);
        assert_eq!((part.status, part.body.as_slice()), (206, &stored[..10]));
        assert_eq!(session.get("/iiif/3/isles.tif").status, 303);
        assert!(session.get("/").text().contains("<html"));
    }
    server.assert_clean_log();
}

#[test]
fn requests_sent_without_waiting_are_answered_in_order() {
    let (_library, server) = server();
    let paths = [INFO, STORED, "/iiif/3/none.png/info.json", STORED, EDGE, STORED, INFO, "/", STORED];
    let want: Vec<_> = paths.map(|path| Session::open(&server).get(path)).into();
    let mut session = Session::open(&server);
    for _ in 0..3 {
        let all: String = paths.map(|path| session.request(path, &[])).concat().repeat(5);
        session.write(all.as_bytes());
        for (path, want) in paths.iter().zip(&want).cycle().take(paths.len() * 5) {
            let answer = session.read();
            assert_eq!((answer.status, answer.body), (want.status, want.body.clone()), "{path}");
        }
    }
    server.assert_clean_log();
}

#[test]
fn a_head_may_come_in_pieces() {
    let (_library, server) = server();
    let stored = server.get(STORED).body;
    let mut session = Session::open(&server);
    session.get(STORED);
    let request = session.request(STORED, &[("User-Agent", "slow")]);
    for byte in request.as_bytes() {
        session.write(&[*byte]);
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(session.read().body, stored);
}

#[test]
fn what_is_odd_is_left_to_the_library_behind() {
    let (_library, server) = server();
    for (bytes, want) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        (format!("GET {STORED} HTTP/1.0\r\nHost: a\r\n\r\n"), 200),
        (format!("GET {STORED} HTTP/1.1\r\nHost: a\r\nX: {}\r\nConnection: close\r\n\r\n", "y".repeat(20_000)), 200),
        (format!("GET {STORED} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"), 200),
        (format!("POST {STORED} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"), 405),
        ("BREW\r\n\r\n".to_owned(), 400),
    ] {
        let mut session = Session::open(&server);
        session.get(STORED);
        session.write(bytes.as_bytes());
        assert_eq!(session.read().status, want, "{bytes:.60}");
    }
    server.assert_clean_log();
}

#[test]
fn d14_a_replaced_original_shows_at_once_on_a_warm_connection() {
    let (library, server) = server();
    let mut session = Session::open(&server);
    let first = session.get(STORED);
    for _ in 0..16 {
        assert_eq!(session.get(STORED).body, first.body);
        assert_ne!(session.get(INFO).json()["width"], 700);
    }
    let path = library.path("isles.tif");
    let gray = {
        let picture = image::RgbImage::from_pixel(700, 500, image::Rgb([9, 99, 199]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::DynamicImage::from(picture).write_to(&mut bytes, image::ImageFormat::Tiff).unwrap();
        bytes.into_inner()
    };
    let is_new = |answer: &Answer| {
        assert_eq!(answer.status, 200);
        assert_ne!(answer.header("etag"), first.header("etag"));
        answer.image().to_rgb8().get_pixel(9, 9).0.iter().zip([9, 99, 199]).all(|(a, b)| a.abs_diff(b) <= 3)
    };
    // Another file takes its name.
    std::fs::write(library.path("isles.part"), &gray).unwrap();
    std::fs::rename(library.path("isles.part"), &path).unwrap();
    assert!(is_new(&session.get(STORED)), "renamed over");
    assert!(is_new(&session.get(STORED)), "and once more, from memory");
    assert_eq!(session.get(INFO).json()["width"], 700);
    // Back, with the file's own time, which is older.
    std::fs::write(library.path("isles.part"), isles()).unwrap();
    std::fs::rename(library.path("isles.part"), &path).unwrap();
    assert_eq!(session.get(STORED).body, first.body);
    assert_eq!(session.get(STORED).body, first.body);
    // Written in place.
    std::fs::write(&path, &gray).unwrap();
    assert!(is_new(&session.get(STORED)), "written in place");
    // Gone.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(session.get(STORED).status, 404);
    assert_eq!(session.get(INFO).status, 404);
}

#[test]
fn d14_a_link_that_leads_elsewhere_shows_within_seconds() {
    let library = Library::new();
    library.put("one/isles.tif", &isles());
    library.put_png("two/isles.tif", 300, 200);
    std::os::unix::fs::symlink("one", library.path("current")).unwrap();
    let server = library.serve(&["--set", "source.symlinks=inside"]);
    let path = "/iiif/3/current%2Fisles.tif/0,0,256,200/256,200/0/default.jpg";
    let mut session = Session::open(&server);
    let first = session.get(path);
    assert_eq!(session.get(path).body, first.body);
    std::os::unix::fs::symlink("two", library.path("next")).unwrap();
    std::fs::rename(library.path("next"), library.path("current")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert_ne!(session.get(path).body, first.body);
    assert_eq!(session.get("/iiif/3/current%2Fisles.tif/info.json").json()["width"], 300);
}
