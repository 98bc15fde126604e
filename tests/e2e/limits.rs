//! What may not be asked for, and clients that mean no good.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use recto_iiif::image::ApiVersion;
use recto_testkit::viewers::{Announced, Widths, leaflet, openseadragon};
use serde_json::Value;

use crate::support::{Library, Session};

#[test]
fn numbers_are_as_the_grammar_has_them_and_no_others() {
    let library = Library::new();
    library.put_png("a.png", 600, 400);
    let server = library.serve(&[]);
    let bad = [
        ("region", "+1,0,10,10"),
        ("region", "1e1,0,10,10"),
        ("region", "-1,0,10,10"),
        ("region", "0,0,0,10"),
        ("region", "0,0,10"),
        ("region", "0,0,10,10,10"),
        ("region", "600,0,10,10"),
        ("region", "0,400,10,10"),
        ("region", "pct:NaN,0,10,10"),
        ("region", "pct:inf,0,10,10"),
        ("region", "pct:0,0,0,0"),
        ("region", "pct:1e1,0,10,10"),
        ("region", "%EF%BC%91,0,10,10"),
        ("region", "99999999999999999999,0,1,1"),
        ("region", "0x10,0,1,1"),
        ("region", "Full"),
        ("region", "0,%200,1,1"),
        ("region", "0,0,1.5,1"),
        ("region", ""),
        ("size", "0,"),
        ("size", ",0"),
        ("size", "0,0"),
        ("size", ","),
        ("size", "pct:0"),
        ("size", "pct:-5"),
        ("size", "pct:101"),
        ("size", "pct:1e1"),
        ("size", "!10,"),
        ("size", "!,10"),
        ("size", "^^10,"),
        ("size", "+10,"),
        ("size", "10"),
        ("size", "full"),
        ("size", "Max"),
        ("size", "601,"),
        ("size", "99999999999999999999,"),
        ("size", "^99999999999999999999,"),
        ("size", "NaN,"),
        ("size", "%EF%BC%91,"),
        ("size", "10,10,10"),
        ("rotation", "361"),
        ("rotation", "-1"),
        ("rotation", "+90"),
        ("rotation", "9e1"),
        ("rotation", "NaN"),
        ("rotation", "!"),
        ("rotation", "!!90"),
        ("rotation", "90!"),
        ("rotation", "1,5"),
        ("rotation", "0x10"),
        ("rotation", "999999999999999999999999"),
        ("quality", "native"),
        ("quality", "Default"),
        ("quality", ""),
        ("quality", "colour"),
        ("format", "bmp"),
        ("format", "JPG"),
        ("format", ""),
    ];
    for (parameter, value) in bad {
        let mut segments = ["full", "max", "0", "default", "jpg"];
        let at =
            ["region", "size", "rotation", "quality", "format"].iter().position(|name| *name == parameter).unwrap();
        segments[at] = value;
        let [region, size, rotation, quality, format] = segments;
        let answer = server.ask(
            "GET",
            &format!("/iiif/3/a.png/{region}/{size}/{rotation}/{quality}.{format}"),
            &[("Accept", "application/json")],
        );
        assert_eq!(answer.status, 400, "{parameter} `{value}`: {}", answer.text());
        let problem = answer.json();
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        if !value.is_empty() {
            assert_eq!(problem["parameter"], parameter, "`{value}`: {problem}");
            assert!(!problem["expected"].as_str().unwrap_or_default().is_empty(), "{problem}");
        }
    }
    server.assert_clean_log();
}

#[test]
fn the_default_limits_tame_what_only_costs() {
    let library = Library::new();
    library.put_png("a.png", 600, 400);
    let server = library.serve(&[]);
    let began = Instant::now();
    for size in ["^50000,50000", "^4294967295,4294967295", "^pct:100000", "^!90000,90000", "^60000,"] {
        let answer = server.get(&format!("/iiif/3/a.png/full/{size}/0/default.jpg"));
        assert_eq!(answer.status, 400, "{size}: {}", answer.text());
        assert!(answer.text().contains("limit") || answer.text().contains("end at"), "{}", answer.text());
    }
    assert_eq!(server.get("/iiif/2/a.png/full/50000,50000/0/default.jpg").status, 400);
    assert!(began.elapsed() < Duration::from_secs(5), "refused before any work");
    assert_eq!(server.get("/iiif/3/a.png/full/^1200,800/0/default.png").size(), (1200, 800));
}

/// `maxWidth`, `maxHeight` and `maxArea` where this version has them.
fn told(info: &Value, version: u32) -> [Option<u64>; 3] {
    let place = if version == 3 { info } else { &info["profile"][1] };
    ["maxWidth", "maxHeight", "maxArea"].map(|name| place[name].as_u64())
}

/// Every tile that the viewers ask for, by its URL below the identifier, and its size.
fn tiles(info: &Value, version: ApiVersion) -> Vec<(String, (u32, u32))> {
    let announced = Announced::read(info);
    let mut asked = leaflet(&announced, version);
    asked.extend(openseadragon(&announced, version, Widths::Both));
    asked
        .into_iter()
        .map(|tile| {
            let url = format!("{}/{}/0/default.png", tile.region, tile.size);
            (url, (tile.width as u32, tile.height as u32))
        })
        .collect()
}

#[test]
fn d17_announced_limits_hold_and_max_obeys_them_by_width_height_and_area_in_both_versions() {
    type Size = (u32, u32);
    /// Options, what is announced, and the largest picture of each of two images.
    type Case<'a> = (&'a [&'a str], [Option<u64>; 3], Size, Size);
    let library = Library::new();
    library.put_png("wide.png", 600, 400).put_png("tall.png", 400, 600).put_png("small.png", 90, 60);
    let cases: [Case<'_>; 5] = [
        // The width's limit alone is the height's as well.
        (&["max_width=300"], [Some(300), None, None], (300, 200), (200, 300)),
        // There is no `maxHeight` without `maxWidth`.
        (&["max_height=150"], [Some(150), None, None], (150, 100), (100, 150)),
        (&["max_width=600", "max_height=150"], [Some(600), Some(150), None], (225, 150), (100, 150)),
        (&["max_area=50000"], [None, None, Some(50_000)], (273, 182), (182, 273)),
        (
            &["max_width=500", "max_height=300", "max_area=90000"],
            [Some(500), Some(300), Some(90_000)],
            (367, 245),
            (200, 300),
        ),
    ];
    for (limits, announced, wide, tall) in cases {
        let options: Vec<String> = limits.iter().map(|limit| format!("limits.{limit}")).collect();
        let server = library.serve(&options.iter().flat_map(|option| ["--set", option]).collect::<Vec<_>>());
        for (version, api) in [(2, ApiVersion::V2), (3, ApiVersion::V3)] {
            for (file, largest) in [("wide.png", wide), ("tall.png", tall)] {
                let url = |region: &str, size: &str| format!("/iiif/{version}/{file}/{region}/{size}/0/default.png");
                let info = server.get(&format!("/iiif/{version}/{file}/info.json")).json();
                assert_eq!(told(&info, version), announced, "{limits:?}: {info}");
                let (w, h) = largest;
                for size in ["max", "!9000,9000", &format!("{w},"), &format!("{w},{h}")] {
                    assert_eq!(server.get(&url("full", size)).size(), largest, "{limits:?}: {}", url("full", size));
                }
                assert_eq!(server.get(&url("0,0,100,80", "max")).size(), (100, 80), "{limits:?}");
                let whole = if version == 2 { "full" } else { "pct:100" };
                for size in [format!("{},", w + 1), format!(",{}", h + 1), whole.to_owned()] {
                    let refused = server.ask("GET", &url("full", &size), &[("Accept", "application/json")]);
                    assert_eq!(refused.status, 400, "{limits:?}: {}: {}", url("full", &size), refused.text());
                    let problem = refused.json();
                    assert_eq!(problem["parameter"], "size", "{problem}");
                    assert_eq!(problem["given"], size.as_str(), "{problem}");
                    assert!(problem["detail"].as_str().unwrap().contains("the limit is"), "{problem}");
                }
                let sizes = info["sizes"].as_array().unwrap().iter().map(|size| {
                    let (w, h) = (size["width"].as_u64().unwrap(), size["height"].as_u64().unwrap());
                    (format!("full/{w},{h}/0/default.png"), (w as u32, h as u32))
                });
                let mut session = Session::open(&server);
                for (part, size) in sizes.chain(tiles(&info, api)) {
                    let answer = session.get(&format!("/iiif/{version}/{file}/{part}"));
                    assert_eq!(answer.size(), size, "{limits:?} {version} {file} {part}");
                }
            }
            // Nothing is blown up that was not asked for.
            let small = |size: &str| server.get(&format!("/iiif/{version}/small.png/full/{size}/0/default.png")).size();
            assert_eq!(small("max"), (90, 60), "{limits:?}");
            let (size, wanted) = if version == 2 { ("full", (90, 60)) } else { ("^max", wide) };
            assert_eq!(small(size), wanted, "{limits:?}");
        }
        server.assert_clean_log();
    }
}

#[test]
fn a_confined_size_larger_than_the_image_is_the_image_in_3_0() {
    let library = Library::new();
    library.put_png("a.png", 600, 400);
    let server = library.serve(&[]);
    assert_eq!(server.get("/iiif/3/a.png/full/!6000,6000/0/default.png").size(), (600, 400));
    assert_eq!(server.get("/iiif/3/a.png/full/!6000,100/0/default.png").size(), (150, 100));
    assert_eq!(server.get("/iiif/3/a.png/full/^!1200,6000/0/default.png").size(), (1200, 800));
}

#[test]
fn results_of_one_pixel_and_regions_at_the_edge_are_served() {
    let library = Library::new();
    library.put_png("a.png", 600, 400).put_png("thin.png", 3000, 1).put_png("dot.png", 1, 1);
    let server = library.serve(&[]);
    for (path, want) in [
        ("a.png/599,399,1,1/max/0/default.png", (1, 1)),
        ("a.png/599,399,1,1/1,1/90/default.png", (1, 1)),
        ("a.png/599,0,500,500/max/0/default.png", (1, 400)),
        ("a.png/full/1,/0/default.png", (1, 1)),
        ("a.png/full/1,400/0/default.png", (1, 400)),
        ("a.png/full/pct:0.01/0/default.png", (1, 1)),
        ("thin.png/full/10,/0/default.png", (10, 1)),
        ("thin.png/full/!100,100/0/default.jpg", (100, 1)),
        ("dot.png/full/max/45/default.png", (2, 2)),
        ("dot.png/square/max/!270/bitonal.gif", (1, 1)),
    ] {
        let answer = server.get(&format!("/iiif/3/{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.size(), want, "{path}");
    }
    let corner = server.get("/iiif/3/a.png/599,399,1,1/max/0/default.png").image().to_rgb8();
    assert_eq!(corner.get_pixel(0, 0).0[..2], [(599 % 256) as u8, (399 % 256) as u8]);
}

#[test]
fn an_oversized_head_is_refused() {
    let library = Library::new();
    let server = library.serve(&[]);
    let mut request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".to_vec();
    for n in 0..2000 {
        request.extend_from_slice(format!("X-Filler-{n}: {}\r\n", "a".repeat(100)).as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The server may close while we still write.
    let _written = stream.write_all(&request);
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 431"), "{text}");
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_client_that_dribbles_its_head_is_let_go() {
    let library = Library::new();
    let server = library.serve(&["--set", "server.header_timeout=1 s"]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ended = stream.read_to_end(&mut rest);
    assert!(began.elapsed() < Duration::from_secs(10), "let go after {:?}", began.elapsed());
}
