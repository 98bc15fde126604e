//! What every answer of the image APIs owes to HTTP: conditional requests, HEAD, ranges, CORS, links, media types.

use crate::support::{Library, Server};

const TILE: &str = "0,0,256,256/256,256/0/default.png";

fn server() -> (Library, Server) {
    let library = Library::new();
    library.put_png("a.png", 600, 400);
    let server = library.serve(&[]);
    (library, server)
}

#[test]
fn the_base_uri_leads_to_info_json_with_303() {
    let (_library, server) = server();
    for version in ["2", "3"] {
        let answer = server.get(&format!("/iiif/{version}/a.png"));
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), format!("{}/iiif/{version}/a.png/info.json", server.base()));
        assert_eq!(answer.header("access-control-allow-origin"), "*", "on the redirect itself");
    }
    assert_eq!(server.get("/iiif/3/none.png").status, 404, "no redirect to nothing");
}

#[test]
fn info_json_has_the_media_type_of_its_version() {
    let (_library, server) = server();
    let v3 = r#"application/ld+json;profile="http://iiif.io/api/image/3/context.json""#;
    for (path, accept, want) in [
        ("/iiif/3/a.png/info.json", None, v3),
        ("/iiif/3/a.png/info.json", Some("*/*"), v3),
        ("/iiif/3/a.png/info.json", Some("application/ld+json"), v3),
        ("/iiif/3/a.png/info.json", Some("application/json"), "application/json"),
        ("/iiif/2/a.png/info.json", None, "application/json"),
        ("/iiif/2/a.png/info.json", Some("application/json"), "application/json"),
        ("/iiif/2/a.png/info.json", Some("application/ld+json"), "application/ld+json"),
    ] {
        let headers: Vec<_> = accept.iter().map(|accept| ("Accept", *accept)).collect();
        let answer = server.ask("GET", path, &headers);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), want, "{path} {accept:?}");
        assert!(answer.header("vary").contains("Accept"));
        assert!(answer.header("link").contains("rel=\"profile\""), "{}", answer.header("link"));
    }
}

#[test]
fn the_profile_link_is_in_its_http_form_and_the_canonical_link_names_the_same_pixels() {
    let (_library, server) = server();
    for (path, profile, canonical) in [
        ("/iiif/3/a.png/full/max/0/default.jpg", "http://iiif.io/api/image/3/level2.json", "full/max/0/default.jpg"),
        (
            "/iiif/3/a.png/0,0,600,400/300,/0/default.jpg",
            "http://iiif.io/api/image/3/level2.json",
            "full/300,200/0/default.jpg",
        ),
        (
            "/iiif/3/a.png/full/^1200,/360/default.jpg",
            "http://iiif.io/api/image/3/level2.json",
            "full/^1200,800/0/default.jpg",
        ),
        ("/iiif/2/a.png/full/full/0/default.jpg", "http://iiif.io/api/image/2/level2.json", "full/full/0/default.jpg"),
        (
            "/iiif/2/a.png/pct:0,0,50,50/150,100/0/default.jpg",
            "http://iiif.io/api/image/2/level2.json",
            "0,0,300,200/150,/0/default.jpg",
        ),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let link = answer.header("link");
        assert!(link.contains(&format!("<{profile}>;rel=\"profile\"")), "{link}");
        let version = &path[..7];
        assert!(
            link.contains(&format!("<{}{version}/a.png/{canonical}>;rel=\"canonical\"", server.base())),
            "{link} {canonical}"
        );
    }
}

#[test]
fn validators_are_strong_and_stable_and_a_second_request_costs_nothing() {
    let (library, server) = server();
    let path = format!("/iiif/3/a.png/{TILE}");
    let first = server.get(&path);
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert!(!first.header("last-modified").is_empty());
    assert!(first.header("cache-control").contains("max-age"));
    for (name, value) in [("If-None-Match", etag.as_str()), ("If-Modified-Since", first.header("last-modified"))] {
        let again = server.ask("GET", &path, &[(name, value)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
        assert_eq!(again.header("etag"), etag);
        assert_eq!(again.header("access-control-allow-origin"), "*");
    }
    // The same pixels under another name have the same validator, another picture another one.
    assert_eq!(server.get("/iiif/3/a.png/0,0,256,256/max/0/color.png").header("etag"), etag);
    assert_eq!(server.get("/iiif/3/a.png/0,0,256,256/256,/0/default.png").header("etag"), etag);
    assert_ne!(server.get("/iiif/3/a.png/0,0,255,256/255,256/0/default.png").header("etag"), etag);
    // Another process over the same file gives the same validator.
    let other = library.serve(&["--set", "server.server_timing=false"]);
    assert_eq!(other.get(&path).header("etag"), etag);
}

#[test]
fn a_replaced_original_is_new_at_once() {
    let (library, server) = server();
    let path = format!("/iiif/3/a.png/{TILE}");
    let before = server.get(&path);
    library.put("a.png", &crate::support::coded_png(300, 301));
    let after = server.get(&path);
    assert_ne!(before.header("etag"), after.header("etag"));
    let info = server.get("/iiif/3/a.png/info.json").json();
    assert_eq!((info["width"].as_u64(), info["height"].as_u64()), (Some(300), Some(301)));
    let answer = server.ask("GET", &path, &[("If-None-Match", before.header("etag"))]);
    assert_eq!(answer.status, 200);
    std::fs::remove_file(library.path("a.png")).unwrap();
    assert_eq!(server.get(&path).status, 404);
}

#[test]
fn head_tells_everything_and_makes_nothing() {
    let (_library, server) = server();
    let path = format!("/iiif/3/a.png/{TILE}");
    let head = server.ask("HEAD", &path, &[]);
    let rendered =
        server.get("/metrics").text().lines().find(|line| line.starts_with("recto_renders_total")).unwrap().to_owned();
    assert!(rendered.ends_with(" 0"), "{rendered}");
    let get = server.get(&path);
    assert_eq!((head.status, get.status), (200, 200));
    for name in ["etag", "last-modified", "content-type", "link", "cache-control", "access-control-allow-origin"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let info = server.ask("HEAD", "/iiif/3/a.png/info.json", &[]);
    assert_eq!(info.header("content-length"), server.get("/iiif/3/a.png/info.json").header("content-length"));
    assert_eq!(server.ask("HEAD", "/iiif/3/none/info.json", &[]).status, 404);
}

/// Bytes that a process has read from files so far. What it reads from connections does not count.
fn read_by(server: &Server) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/io", server.pid())).unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

/// A file that begins with these bytes and has a hole behind them, which takes no room on the disk.
fn put_with_hole(library: &Library, name: &str, head: &[u8], length: u64) {
    library.put(name, head);
    let file = std::fs::OpenOptions::new().write(true).open(library.path(name)).unwrap();
    file.set_len(length).unwrap();
}

/// The head of a gray TIFF of 25,000 by 20,000 pixels in uncompressed tiles, and how long the file is.
fn large_tiff() -> (Vec<u8>, u64) {
    const TILE: u32 = 1024;
    let tiles = 25_000_u32.div_ceil(TILE) * 20_000_u32.div_ceil(TILE);
    let (offsets_at, lengths_at, data_at) = (256, 256 + tiles * 4, 256 + tiles * 8);
    let entries = [
        (256_u16, 1, 25_000_u32),
        (257, 1, 20_000),
        (258, 1, 8),
        (259, 1, 1),
        (262, 1, 1),
        (277, 1, 1),
        (322, 1, TILE),
        (323, 1, TILE),
        (324, tiles, offsets_at),
        (325, tiles, lengths_at),
    ];
    let mut head = b"II\x2a\0\x08\0\0\0".to_vec();
    head.extend((entries.len() as u16).to_le_bytes());
    for (tag, count, value) in entries {
        // All are numbers of four bytes.
        head.extend([tag.to_le_bytes(), 4_u16.to_le_bytes()].concat());
        head.extend([count, value].map(u32::to_le_bytes).concat());
    }
    head.resize(offsets_at as usize, 0);
    head.extend((0..tiles).flat_map(|tile| (data_at + tile * TILE * TILE).to_le_bytes()));
    head.extend((0..tiles).flat_map(|_| (TILE * TILE).to_le_bytes()));
    (head, u64::from(data_at) + u64::from(tiles) * u64::from(TILE * TILE))
}

/// The head of a JPEG of the same size, up to the coded pixels.
fn large_jpeg() -> Vec<u8> {
    let mut small = Vec::new();
    let gray = image::GrayImage::from_pixel(16, 16, image::Luma([128]));
    gray.write_to(&mut std::io::Cursor::new(&mut small), image::ImageFormat::Jpeg).unwrap();
    let frame = small.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    small[frame + 5..frame + 7].copy_from_slice(&20_000_u16.to_be_bytes());
    small[frame + 7..frame + 9].copy_from_slice(&25_000_u16.to_be_bytes());
    let scan = small.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    small.truncate(scan + 2 + usize::from(small[scan + 3]));
    small
}

#[test]
fn d22_head_of_an_uncached_image_of_500_megapixels_reads_its_header_and_renders_nothing() {
    let library = Library::new();
    library.put_png("a.png", 60, 40);
    let server = library.serve(&["--set", "library.look_ahead=false"]);
    // Everything that is read once for all images was read.
    assert_eq!(server.ask("HEAD", "/iiif/3/a.png/full/max/0/default.jpg", &[]).status, 200);
    let (head, length) = large_tiff();
    put_with_hole(&library, "large.tif", &head, length);
    put_with_hole(&library, "large.jpg", &large_jpeg(), 200 << 20);
    for file in ["large.tif", "large.jpg"] {
        let before = read_by(&server);
        for rest in ["full/max/0/default.jpg", "0,0,4096,4096/512,/90/gray.png", "full/!200,200/0/default.webp"] {
            for version in [2, 3] {
                let url = format!("/iiif/{version}/{file}/{rest}");
                let answer = server.ask("HEAD", &url, &[]);
                assert_eq!(answer.status, 200, "{url}");
                assert!(answer.header("etag").starts_with('"') && !answer.header("link").is_empty(), "{url}");
            }
        }
        let info = server.get(&format!("/iiif/3/{file}/info.json")).json();
        assert_eq!((info["width"].as_u64(), info["height"].as_u64()), (Some(25_000), Some(20_000)), "{file}");
        let read = read_by(&server) - before;
        assert!(read < 256 << 10, "{read} bytes were read of {file}");
    }
    let metrics = server.get("/metrics").text();
    for name in ["renders", "tile_cuts", "stored_whole", "images_made"] {
        let line = metrics.lines().find(|line| line.starts_with(&format!("recto_{name}_total "))).unwrap();
        assert!(line.ends_with(" 0"), "{line}");
    }
    server.assert_clean_log();
}

#[test]
fn a_condition_that_fails_is_412() {
    let (_library, server) = server();
    for path in [format!("/iiif/3/a.png/{TILE}"), "/iiif/3/a.png/info.json".to_owned()] {
        let etag = server.get(&path).header("etag").to_owned();
        assert_eq!(server.ask("GET", &path, &[("If-Match", &etag)]).status, 200);
        assert_eq!(server.ask("GET", &path, &[("If-Match", "\"other\"")]).status, 412);
    }
}

#[test]
fn a_range_gives_that_part() {
    let (_library, server) = server();
    let path = format!("/iiif/3/a.png/{TILE}");
    let whole = server.get(&path);
    let length = whole.body.len();
    let part = server.ask("GET", &path, &[("Range", "bytes=10-19")]);
    assert_eq!(part.status, 206);
    assert_eq!(part.body, whole.body[10..20]);
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{length}"));
    let outside = server.ask("GET", &path, &[("Range", &format!("bytes={length}-"))]);
    assert_eq!(outside.status, 416);
    assert_eq!(outside.header("content-range"), format!("bytes */{length}"));
    let stale = server.ask("GET", &path, &[("Range", "bytes=10-19"), ("If-Range", "\"other\"")]);
    assert_eq!((stale.status, stale.body.len()), (200, length));
}

#[test]
fn scripts_of_any_site_may_read_every_answer() {
    let (_library, server) = server();
    for path in [
        "/iiif/3/a.png/info.json",
        "/iiif/3/none.png/info.json",
        "/iiif/3/a.png/nonsense/max/0/default.jpg",
        "/iiif/3/a.png/full/max/0/default.jpg",
        "/nothing/here",
    ] {
        let answer = server.ask("GET", path, &[("Origin", "https://viewer.example")]);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    let preflight = server.ask(
        "OPTIONS",
        "/iiif/3/a.png/info.json",
        &[
            ("Origin", "https://viewer.example"),
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "authorization"),
        ],
    );
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
    assert!(preflight.header("access-control-allow-methods").contains("GET"));
}

#[test]
fn other_methods_are_refused_with_what_is_allowed() {
    let (_library, server) = server();
    for method in ["POST", "PUT", "DELETE", "PATCH", "FROBNICATE"] {
        let answer = server.ask(method, "/iiif/3/a.png/info.json", &[]);
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.header("allow").contains("GET"), "{method}");
        assert_eq!(answer.json()["status"], 405, "{method}");
    }
}

#[test]
fn failures_say_what_to_do_as_text_or_as_json() {
    let (_library, server) = server();
    let path = "/iiif/3/a.png/full/9000,/0/default.jpg";
    let text = server.get(path);
    assert_eq!(text.status, 400);
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(text.text().contains("^9000,"), "{}", text.text());
    let json = server.ask("GET", path, &[("Accept", "application/json")]);
    assert_eq!(json.status, 400);
    assert!(json.header("content-type").starts_with("application/problem+json"));
    let problem = json.json();
    assert_eq!(problem["parameter"], "size");
    assert_eq!(problem["given"], "9000,");
    assert_eq!(problem["status"], 400);
}

#[test]
fn h2c_is_spoken_on_the_same_port() {
    use std::io::{Read as _, Write as _};
    let (_library, server) = server();
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "the server answers the preface with its SETTINGS frame");
}

#[test]
fn nothing_below_the_library_is_ever_written() {
    let (library, server) = server();
    let before = library.snapshot();
    for path in [
        "/",
        "/iiif/3/a.png/info.json",
        "/iiif/3/a.png/full/max/0/default.jpg",
        "/iiif/2/a.png/full/200,/90/gray.png",
        "/metrics",
    ] {
        server.get(path);
    }
    assert!(server.stop().success());
    assert_eq!(before, library.snapshot());
}

#[test]
fn the_access_log_has_a_line_for_each_request() {
    let library = Library::new();
    library.put_png("a.png", 60, 40);
    let server = library.serve(&["--set", "server.access_log=true"]);
    server.ask("GET", "/iiif/3/a.png/info.json", &[("User-Agent", "probe/1")]);
    server.get("/iiif/3/none/info.json");
    // What the server wrote before it answered is read by another thread of ours: wait for the last of it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let lines = loop {
        let lines: Vec<_> = server.log().into_iter().filter(|line| line.contains(" access ")).collect();
        if lines.len() >= 2 || std::time::Instant::now() > deadline {
            break lines;
        }
        std::thread::yield_now();
    };
    assert_eq!(lines.len(), 2, "{lines:?}");
    for part in ["127.0.0.1", "GET", "/iiif/3/a.png/info.json", "200", "probe/1"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert!(lines[1].contains("404"), "{}", lines[1]);
}
