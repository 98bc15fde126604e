//! D1, D2: more than can be done is asked for; what is turned away is told so and counted, and memory stays within its bound.
//! And what can be done at once, however many ask.

use std::collections::BTreeMap;

use crate::support::{Library, Server};

fn counter(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn resident_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap().to_owned();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

fn large_library() -> Library {
    let library = Library::new();
    library.put_png("large.png", 4000, 3000).put_png("small.png", 300, 200);
    library
}

#[test]
fn d1_what_can_never_be_done_is_413_and_the_rest_is_done_within_the_memory() {
    let library = large_library();
    let server = library.serve(&["--set", "work.memory=160 MiB", "--set", "cache.max_memory=8 MiB"]);
    // The encoder of WebP wants the whole picture several times over.
    let answer = server.get("/iiif/3/large.png/full/max/22.5/default.webp");
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(answer.text().contains("ask for a smaller size"), "{}", answer.text());
    assert_eq!(counter(&server, "recto_work_verdicts_too_large_total"), 1);
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..40_u32)
            .map(|number| {
                let server = &server;
                scope.spawn(move || match number % 4 {
                    0 => server.get(&format!("/iiif/3/large.png/full/{},/0/default.jpg", 3900 - number)),
                    1 => server.get(&format!("/iiif/3/large.png/full/{},/90/default.png", 2000 - number)),
                    2 => server.get(&format!("/iiif/3/large.png/full/max/{number}.5/default.webp")),
                    _ => server.get(&format!("/iiif/3/small.png/{number},0,100,100/max/0/default.jpg")),
                })
            })
            .collect();
        for answer in asking.into_iter().map(|asking| asking.join().unwrap()) {
            *statuses.entry(answer.status).or_default() += 1;
        }
    });
    assert!(statuses.keys().all(|status| [200, 413, 503].contains(status)), "{statuses:?}");
    assert!(
        statuses[&200] >= 10 && statuses[&413] == 10,
        "small ones are served, what is too large is not: {statuses:?}"
    );
    assert!(resident_mib(&server) < 160 + 8 + 40 + 150, "{} MiB at most", resident_mib(&server));
    // The last answer is let go a moment after it was sent.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while counter(&server, "recto_work_memory_bytes") > 0 {
        assert!(std::time::Instant::now() < deadline, "memory stays charged");
        std::thread::yield_now();
    }
    server.assert_clean_log();
}

/// The large picture as a JPEG of several scans, whose coefficients take 72 MB.
fn of_several_scans() -> Vec<u8> {
    let options = ["--set", "image.jpeg_progressive=true", "--set", "image.jpeg_subsampling=4:4:4"];
    let answer = large_library().serve(&options).get("/iiif/3/large.png/full/max/0/default.jpg");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

#[test]
fn d1_large_files_of_several_scans_are_served_within_less_memory_than_their_coefficients() {
    let library = large_library();
    library.put("scans.jpg", &of_several_scans());
    let server = library.serve(&["--set", "work.memory=64 MiB", "--set", "cache.max_memory=8 MiB"]);
    for part in ["1000,1000,256,256/max", "full/1000,", "full/2000,"] {
        let [found, wanted] = ["scans.jpg", "large.png"].map(|name| {
            let answer = server.get(&format!("/iiif/3/{name}/{part}/0/default.png"));
            assert_eq!(answer.status, 200, "{name} {part}: {}", answer.text());
            answer.image().to_rgb8()
        });
        assert_eq!(found.dimensions(), wanted.dimensions(), "{part}");
        let off: u64 = found.iter().zip(wanted.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = off as f64 / found.len() as f64;
        assert!(mean < 6.0, "{part}: off by {mean} on average");
    }
    server.assert_clean_log();
}

#[test]
fn d1_what_takes_more_than_was_known_at_first_is_reckoned_anew_at_once() {
    let library = Library::new();
    let mut cut = of_several_scans();
    cut.truncate(cut.len() - 2000);
    library.put("cut.jpg", &cut);
    // Enough for the library, which is left to say what is wrong once it is known that no form of one scan can be made.
    let server = library.serve(&["--set", "work.memory=200 MiB", "--set", "cache.max_memory=8 MiB"]);
    let answer = server.get("/iiif/3/cut.jpg/1000,2900,100,100/max/0/default.png");
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("damaged"), "{}", answer.text());
}

#[test]
fn d2_who_asks_for_one_thing_is_served_beside_one_who_asks_for_many() {
    let library = large_library();
    let server = library.serve(&["--set", "work.max_waiting=4", "--set", "server.trusted_proxies=[\"127.0.0.1/32\"]"]);
    assert_eq!(server.get("/iiif/3/large.png/info.json").status, 200);
    let ask = |client: &str, width: u32| {
        server.ask("GET", &format!("/iiif/3/large.png/full/{width},/0/default.png"), &[("X-Forwarded-For", client)])
    };
    let mut turned_away = 0;
    std::thread::scope(|scope| {
        let many: Vec<_> = (0..40).map(|number| scope.spawn(move || ask("192.0.2.1", 2000 + number))).collect();
        for number in 0..3 {
            let answer = ask("192.0.2.2", 1500 + number);
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        for answer in many.into_iter().map(|asking| asking.join().unwrap()) {
            if answer.status == 503 {
                turned_away += 1;
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            } else {
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
    });
    let counted = counter(&server, "recto_work_verdicts_busy_total") + counter(&server, "recto_work_expired_total");
    assert_eq!(counted, turned_away);
    server.assert_clean_log();
}

#[test]
fn d2_shadow_mode_turns_nobody_away() {
    let library = large_library();
    let server = library.serve(&[
        "--set",
        "work.admission=shadow",
        "--set",
        "work.max_waiting=1",
        "--set",
        "work.memory=64 MiB",
    ]);
    std::thread::scope(|scope| {
        for number in 0..20 {
            let server = &server;
            scope.spawn(move || {
                let answer = server.get(&format!("/iiif/3/large.png/full/{},/0/default.jpg", 1200 + number));
                assert_eq!(answer.status, 200, "{}", answer.text());
            });
        }
    });
    // It would take more than there is, and runs alone.
    assert_eq!(server.get("/iiif/3/large.png/full/max/22.5/default.webp").status, 200);
    assert_eq!(counter(&server, "recto_work_verdicts_too_large_total"), 1);
    assert_eq!(counter(&server, "recto_renders_total"), 21);
}

/// A page of its own size and colour: red tells its number.
fn page(number: u32) -> Vec<u8> {
    let (width, height) = (400 + number, 500 + number * 7 % 50);
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(number * 4) as u8, (x * 255 / width) as u8, (y * 255 / height) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn thumbnails_of_sixty_pages_in_one_burst_are_all_there_and_each_is_made_once() {
    const PAGES: u32 = 60;
    let library = Library::new();
    for number in 0..PAGES {
        library.put(&format!("book/{number}.png"), &page(number));
    }
    let server = library.serve(&[]);
    let before = counter(&server, "recto_renders_total");
    let burst = |askers: u32| {
        let start = std::sync::Barrier::new((PAGES * askers) as usize);
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..PAGES * askers)
                .map(|asker| {
                    let (server, start) = (&server, &start);
                    scope.spawn(move || {
                        let number = asker % PAGES;
                        start.wait();
                        (number, server.get(&format!("/iiif/3/book%2F{number}.png/full/!120,120/0/default.png")))
                    })
                })
                .collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect::<Vec<_>>()
        })
    };
    // Each by four at once, and by another one when all are made.
    for (askers, is_new) in [(4, true), (1, false)] {
        for (number, answer) in burst(askers) {
            let image = answer.image().to_rgb8();
            // The pages are upright, so the height is the box's.
            let (width, height) = (f64::from(400 + number), f64::from(500 + number * 7 % 50));
            assert_eq!(image.height(), 120, "page {number}");
            let off = (f64::from(image.width()) - 120.0 * width / height).abs();
            assert!(off <= 1.0, "page {number} is {} pixels wide", image.width());
            let red = image.get_pixel(image.width() / 2, 60).0[0];
            assert!(red.abs_diff((number * 4) as u8) <= 1, "page {number} is shown, not another one: {red}");
            assert!(is_new || answer.header("server-timing").starts_with("cached"), "page {number} was kept");
        }
        assert_eq!(counter(&server, "recto_renders_total") - before, u64::from(PAGES), "by {askers} each");
    }
    server.assert_clean_log();
}

#[test]
fn work_that_takes_longer_than_it_may_is_ended_and_is_413_once_that_is_known_before() {
    let library = large_library();
    let server = library.serve(&["--set", "work.max_time=40 ms"]);
    // Nothing is known of such work yet: it begins, and is ended.
    let ended = server.get("/iiif/3/large.png/full/max/22.5/default.png");
    assert_eq!(ended.status, 503, "{}", ended.text());
    assert!(ended.text().contains("longer than it may"), "{}", ended.text());
    assert!(ended.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(counter(&server, "recto_work_verdicts_too_large_total"), 0);
    // Small work of one kind, of which eight teach what a pixel costs; on a busy machine one or the other may be too slow.
    let small = |number: u32| format!("/iiif/3/small.png/{number},{number},60,60/max/0/default.webp");
    let done = (0..120).filter(|number| server.get(&small(*number)).status == 200).take(8).count();
    assert_eq!(done, 8, "small work is done in the time that there is");
    let renders = counter(&server, "recto_renders_total");
    let refused = server.get("/iiif/3/large.png/full/max/0/default.webp");
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert!(refused.text().contains("ask for a smaller size or region"), "{}", refused.text());
    assert_eq!(counter(&server, "recto_work_verdicts_too_large_total"), 1);
    assert_eq!(counter(&server, "recto_renders_total"), renders, "it was not begun");
    // What is small is served as before, and nothing stays charged for what was ended.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while server.get(&small(130)).status != 200 || counter(&server, "recto_work_memory_bytes") > 0 {
        assert!(std::time::Instant::now() < deadline, "memory stays charged");
        std::thread::yield_now();
    }
}
