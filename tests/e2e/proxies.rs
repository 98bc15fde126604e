//! Behind proxies: which URL a document has, and who may say so.

use serde_json::Value;

use crate::support::{Library, Server};

fn library() -> Library {
    let library = Library::new();
    library.put_png("Book/1.png", 60, 40).put_png("a.png", 60, 40);
    library
}

/// Every URL that the answers to these headers hold begins like this.
#[track_caller]
fn assert_base(server: &Server, headers: &[(&str, &str)], base: &str) {
    let what = format!("{headers:?}");
    for (version, key) in [(2, "@id"), (3, "id")] {
        let info = server.ask("GET", &format!("/iiif/{version}/a.png/info.json"), headers);
        assert_eq!(info.status, 200, "{what}: {}", info.text());
        assert_eq!(info.json()[key], format!("{base}/iiif/{version}/a.png").as_str(), "{what}");
        let redirect = server.ask("GET", &format!("/iiif/{version}/a.png"), headers);
        assert_eq!(redirect.header("location"), format!("{base}/iiif/{version}/a.png/info.json"), "{what}");
        let image = server.ask("GET", &format!("/iiif/{version}/a.png/full/30,/0/default.jpg"), headers);
        let link = image.header("link");
        assert!(link.contains(&format!("<{base}/iiif/{version}/a.png/full/")), "{what}: {link}");
        let manifest = server.ask("GET", &format!("/iiif/presentation/{version}/Book/manifest"), headers);
        assert_eq!(
            manifest.json()[key],
            format!("{base}/iiif/presentation/{version}/Book/manifest").as_str(),
            "{what}"
        );
        assert_only(&manifest.json(), base, &what);
    }
    let page = server.ask("GET", "/items/Book", headers);
    assert_eq!(page.status, 200, "{what}");
    assert!(page.text().contains(&format!("{base}/iiif/presentation/3/Book/manifest")), "{what}: the page's links");
}

/// Every `id` in a document is below `base`.
#[track_caller]
fn assert_only(value: &Value, base: &str, what: &str) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| assert_only(item, base, what)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(id) if name == "id" || name == "@id" => {
                        assert!(id.starts_with(&format!("{base}/")), "{what}: {id}");
                    }
                    other => assert_only(other, base, what),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn trusted_proxies_say_which_url_was_asked_for() {
    let library = library();
    let server = library.serve(&["--set", "server.trusted_proxies=[\"127.0.0.0/8\"]"]);
    let own = server.base();
    assert_base(&server, &[], &own);
    let cases: [(&[(&str, &str)], &str); 16] = [
        (&[("Host", "images.example.org")], "http://images.example.org"),
        (&[("Host", "images.example.org:8080")], "http://images.example.org:8080"),
        (&[("Host", "images.example.org:80")], "http://images.example.org"),
        (&[("Host", "i.example"), ("X-Forwarded-Proto", "https")], "https://i.example"),
        (
            &[("Host", "internal"), ("X-Forwarded-Host", "i.example"), ("X-Forwarded-Proto", "https")],
            "https://i.example",
        ),
        (&[("Host", "internal"), ("X-Forwarded-Host", "i.example, inner.example")], "http://i.example"),
        (
            &[
                ("Host", "internal"),
                ("X-Forwarded-Host", "i.example"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-Port", "443"),
            ],
            "https://i.example",
        ),
        (
            &[
                ("Host", "internal"),
                ("X-Forwarded-Host", "i.example"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-Port", "8443"),
            ],
            "https://i.example:8443",
        ),
        (
            &[("Host", "i.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Prefix", "/scans")],
            "https://i.example/scans",
        ),
        (&[("Host", "i.example"), ("X-Forwarded-Prefix", "/scans/")], "http://i.example/scans"),
        (&[("Host", "internal"), ("Forwarded", "for=192.0.2.1;proto=https;host=i.example")], "https://i.example"),
        (&[("Host", "internal"), ("Forwarded", "proto=https;host=\"i.example:8443\"")], "https://i.example:8443"),
        (
            &[("Host", "internal"), ("Forwarded", "host=i.example;proto=https, host=inner.example;proto=http")],
            "https://i.example",
        ),
        // What cannot be a host, a scheme or a prefix is not believed from anyone.
        (&[("Host", "i.example"), ("X-Forwarded-Host", "evil\"><script>")], "http://i.example"),
        (&[("Host", "i.example"), ("X-Forwarded-Proto", "javascript")], "http://i.example"),
        (&[("Host", "i.example"), ("X-Forwarded-Prefix", "//evil.example")], "http://i.example"),
    ];
    for (headers, base) in cases {
        assert_base(&server, headers, base);
    }
    server.assert_clean_log();
}

#[test]
fn others_are_not_believed() {
    let library = library();
    for trusted in ["[]", "[\"10.0.0.0/8\"]"] {
        let server = library.serve(&["--set", &format!("server.trusted_proxies={trusted}")]);
        for (name, value) in [
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Port", "8443"),
            ("X-Forwarded-Prefix", "/evil"),
            ("Forwarded", "host=evil.example;proto=https"),
        ] {
            assert_base(&server, &[("Host", "i.example"), (name, value)], "http://i.example");
        }
    }
}

#[test]
fn a_configured_base_url_wins_over_every_header() {
    let library = library();
    let server = library.serve(&[
        "--base-url",
        "https://images.example.org/scans",
        "--set",
        "server.trusted_proxies=[\"127.0.0.0/8\"]",
    ]);
    for headers in [
        &[][..],
        &[("Host", "other.example")],
        &[("X-Forwarded-Host", "other.example"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Prefix", "/x")],
        &[("Forwarded", "host=other.example")],
    ] {
        assert_base(&server, headers, "https://images.example.org/scans");
    }
}

#[test]
fn documents_for_one_host_are_not_given_to_another() {
    let library = library();
    let server = library.serve(&[]);
    for host in ["one.example", "two.example", "one.example"] {
        assert_base(&server, &[("Host", host)], &format!("http://{host}"));
    }
    let etag = |host| server.ask("GET", "/iiif/3/a.png/info.json", &[("Host", host)]).header("etag").to_owned();
    assert_ne!(etag("one.example"), etag("two.example"), "other bytes, another validator");
}

#[test]
fn prefixes_of_the_image_api_can_be_chosen() {
    let library = library();
    let server = library.serve(&["--set", "server.image_3_prefix=/img", "--set", "server.image_2_prefix=/old/v2"]);
    let base = server.base();
    for (prefix, key, max) in [("/img", "id", "max"), ("/old/v2", "@id", "full")] {
        let info = server.get(&format!("{prefix}/a.png/info.json"));
        assert_eq!(info.status, 200, "{}", info.text());
        assert_eq!(info.json()[key], format!("{base}{prefix}/a.png").as_str());
        let redirect = server.get(&format!("{prefix}/a.png"));
        assert_eq!((redirect.status, redirect.header("location")), (303, &*format!("{base}{prefix}/a.png/info.json")));
        let image = server.get(&format!("{prefix}/a.png/full/{max}/0/default.png"));
        assert_eq!(image.size(), (60, 40));
        assert!(image.header("link").contains(&format!("<{base}{prefix}/a.png/full/{max}/0/default.png>")));
    }
    for gone in
        ["/iiif/3/a.png/info.json", "/iiif/2/a.png/info.json", "/img/iiif/3/a.png/info.json", "/imga.png/info.json"]
    {
        assert_eq!(server.get(gone).status, 404, "{gone}");
    }
    let manifest = server.get("/iiif/presentation/3/Book/manifest").json();
    let body = &manifest["items"][0]["items"][0]["items"][0]["body"];
    assert_eq!(body["service"][0]["id"], format!("{base}/img/Book%2F1.png").as_str());
    assert_eq!(body["service"][1]["@id"], format!("{base}/old/v2/Book%2F1.png").as_str());
    let thumbnail = manifest["thumbnail"][0]["id"].as_str().unwrap();
    assert_eq!(server.get(thumbnail.strip_prefix(&base).unwrap()).status, 200, "{thumbnail}");
    assert!(server.get("/items/a.png").text().contains("/img/a.png"));
}
