//! Originals without reduced sizes get them in the cache directory, and nothing else changes.

use std::time::{Duration, Instant};

use crate::support::{Library, Server};

const FROM: [&str; 2] = ["--set", "image.pyramid_from_pixels=1000000"];

/// Parts that decoders have put into the cache directory.
fn parts(server: &Server) -> u64 {
    let metrics = server.get("/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("recto_cache_parts_written_total "));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

/// What of these sizes and regions a server answers; all of them new to it.
fn answers(server: &Server, wanted: &[&str]) -> Vec<Vec<u8>> {
    wanted.iter().map(|wanted| server.get(&format!("/iiif/3/{wanted}")).body).collect()
}

#[test]
fn n16_an_original_that_is_asked_for_again_gets_a_pyramid_with_the_same_pixels() {
    let library = Library::new();
    library.put_png("large.png", 1531, 1207).put_png("small.png", 900, 700).put_png("once.png", 1400, 1000);
    let before = library.snapshot();
    let wanted = [
        "large.png/full/300,/0/default.png",
        "large.png/full/!200,200/90/gray.png",
        "large.png/0,0,1024,1024/256,/0/default.png",
        "large.png/1024,1024,507,183/127,/0/default.png",
        "large.png/311,207,800,601/400,/0/default.jpg",
        "large.png/512,512,512,512/512,/0/default.png",
        "large.png/full/max/0/default.png",
    ];
    let (names, kept) = {
        let server = library.serve_again(&FROM);
        for path in ["small.png/full/100,", "small.png/full/101,", "small.png/full/102,", "once.png/full/100,"] {
            assert_eq!(server.get(&format!("/iiif/3/{path}/0/default.jpg")).status, 200);
        }
        for width in [111, 112] {
            assert_eq!(server.get(&format!("/iiif/3/large.png/full/{width},/0/default.jpg")).status, 200);
        }
        let begun = Instant::now();
        while parts(&server) == 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "no pyramid is made");
            std::thread::sleep(Duration::from_millis(50));
        }
        // That of a small image or of what was asked once would have come first.
        assert_eq!(parts(&server), 1);
        (server.get("/iiif/3/large.png/info.json").body, answers(&server, &wanted))
    };
    assert_eq!(library.snapshot(), before, "nothing lies beside the originals");
    // Found again by the next run, and nothing is made anew.
    let again = library.serve_again(&FROM);
    for width in [113, 114, 115] {
        assert_eq!(again.get(&format!("/iiif/3/large.png/full/{width},/0/default.jpg")).status, 200);
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(parts(&again), 0);
    drop(again);
    // A server that has no place for one gives the same bytes.
    let alone = Library::new();
    alone.put_png("large.png", 1531, 1207);
    let server = alone.serve(&[&FROM[..], &["--set", "cache.max_disk=0"]].concat());
    for (name, (kept, computed)) in wanted.iter().zip(kept.iter().zip(answers(&server, &wanted))) {
        assert!(*kept == computed, "{name}");
    }
    assert_eq!(server.get("/iiif/3/large.png/info.json").body.len(), names.len());
    server.assert_clean_log();
}

#[test]
fn pyramids_can_be_switched_off() {
    let library = Library::new();
    library.put_png("large.png", 1531, 1207);
    let server = library.serve(&["--set", "image.pyramid_from_pixels=0"]);
    for width in 100..106 {
        assert_eq!(server.get(&format!("/iiif/3/large.png/full/{width},/0/default.jpg")).status, 200);
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(parts(&server), 0);
}
