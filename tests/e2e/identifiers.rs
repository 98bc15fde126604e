//! Identifiers with every odd character: in paths, redirects, links and `id` alike.

use crate::support::Library;

fn encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn an_identifier_comes_back_as_it_was_asked_for() {
    let names = [
        "plain.png",
        "with space.png",
        "a?b.png",
        "a#b.png",
        "[a].png",
        "100%.png",
        "a%2Db.png",
        "a%2Fb.png",
        "ä ö ü.png",
        "日本語.png",
        "a+b.png",
        "a&b=c.png",
        "a;b.png",
        "a,b.png",
        "it's.png",
        "\"quoted\".png",
        "<b>.png",
        "a|b.png",
        "a:b.png",
        "a@b.png",
        "ark:12025.png",
        "emoji 🗺.png",
        "e\u{301}.png",
        "(a).png",
        "!a.png",
        "$a.png",
        "a*b.png",
        "a=b.png",
        "a^b`c.png",
        "{a}.png",
        "info.json.png",
    ];
    let library = Library::new();
    for name in names {
        library.put_png(name, 30, 20);
        library.put_png(&format!("sub folder/[x]/{name}"), 30, 20);
    }
    let server = library.serve(&[]);
    for name in
        names.iter().map(|name| (*name).to_owned()).chain(names.iter().map(|name| format!("sub folder/[x]/{name}")))
    {
        let identifier = encoded(&name);
        let service = format!("{}/iiif/3/{identifier}", server.base());
        let answer = server.get(&format!("/iiif/3/{identifier}/info.json"));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(answer.json()["id"], service.as_str(), "{name}");
        let redirect = server.get(&format!("/iiif/3/{identifier}"));
        assert_eq!(
            (redirect.status, redirect.header("location")),
            (303, format!("{service}/info.json").as_str()),
            "{name}"
        );
        let image = server.get(&format!("/iiif/3/{identifier}/full/max/0/default.png"));
        assert_eq!(image.size(), (30, 20), "{name}");
        assert!(
            image.header("link").contains(&format!("<{service}/full/max/0/default.png>;rel=\"canonical\"")),
            "{name}"
        );
        assert_eq!(
            server.get(&format!("/iiif/2/{identifier}/info.json")).json()["@id"],
            service.replace("/iiif/3/", "/iiif/2/").as_str()
        );
    }
    server.assert_clean_log();
}

#[test]
fn the_client_s_own_spelling_comes_back_letter_by_letter() {
    let library = Library::new();
    library.put_png("a:b;c.png", 30, 20).put_png("p+q (1)~.png", 30, 20).put_png("文.png", 30, 20);
    let server = library.serve(&[]);
    for spelled in [
        "a:b;c.png",
        "a%3Ab%3Bc.png",
        "a%3ab%3bc.png",
        "p+q%20(1)~.png",
        "p%2Bq%20%281%29%7E.png",
        "%e6%96%87.png",
        "%E6%96%87.png",
    ] {
        let service = format!("{}/iiif/3/{spelled}", server.base());
        let info = server.get(&format!("/iiif/3/{spelled}/info.json"));
        assert_eq!(info.json()["id"], service.as_str());
        assert_eq!(server.get(&format!("/iiif/3/{spelled}")).header("location"), format!("{service}/info.json"));
        let image = server.get(&format!("/iiif/3/{spelled}/full/max/0/default.png"));
        assert!(
            image.header("link").contains(&format!("<{service}/full/max/0/default.png>")),
            "{}",
            image.header("link")
        );
    }
}

#[test]
fn raw_slashes_mean_the_same_image() {
    let library = Library::new();
    library.put_png("maps/old/prague.png", 30, 20);
    let server = library.serve(&[]);
    let raw = server.get("/iiif/3/maps/old/prague.png/info.json");
    assert_eq!(raw.status, 200, "{}", raw.text());
    assert_eq!(raw.json()["id"], format!("{}/iiif/3/maps/old/prague.png", server.base()).as_str(), "as it was spelled");
    assert_eq!(server.get("/iiif/3/maps/old/prague.png/full/max/0/default.png").size(), (30, 20));
    let strict = library.serve(&["--set", "server.raw_slashes=false"]);
    assert!([400, 404].contains(&strict.get("/iiif/3/maps/old/prague.png/info.json").status));
    assert_eq!(strict.get("/iiif/3/maps%2Fold%2Fprague.png/info.json").status, 200);
}

#[test]
fn the_extension_may_be_left_off_where_that_is_unambiguous() {
    let library = Library::new();
    library.put_png("a.png", 30, 20).put_png("b.png", 1, 1).put("b.gif", b"GIF89a");
    let server = library.serve(&[]);
    let answer = server.get("/iiif/3/a/info.json");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["id"], format!("{}/iiif/3/a", server.base()).as_str(), "`id` is the URL asked for");
    let ambiguous = server.get("/iiif/3/b/info.json");
    assert_eq!(ambiguous.status, 404);
    assert!(ambiguous.text().contains("b.gif") && ambiguous.text().contains("b.png"), "{}", ambiguous.text());
}

#[test]
fn no_identifier_leads_out_of_the_library() {
    let library = Library::new();
    library.put_png("inside.png", 30, 20);
    let outside = tempfile::TempDir::new().unwrap();
    std::fs::write(outside.path().join("secret.png"), crate::support::coded_png(5, 5)).unwrap();
    std::os::unix::fs::symlink(outside.path(), library.path("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.png"), library.path("link.png")).unwrap();
    let server = library.serve(&[]);
    let secret = outside.path().join("secret.png");
    let absolute = encoded(secret.to_str().unwrap());
    for identifier in [
        "..%2Fsecret.png",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cetc",
        "link%2Fsecret.png",
        "link.png",
        "link",
        absolute.as_str(),
        ".%2Finside.png%2F..%2F..%2Fsecret.png",
        "%00",
        "inside.png%00.jpg",
        "%2Fetc%2Fpasswd",
        "%c0%ae%c0%ae%2fetc%2fpasswd",
        ".",
        "..",
        "%2E%2E",
        "..;/..;/etc/passwd",
        "%252e%252e%252fetc",
        "inside.png/../../etc/passwd",
        "~root",
        ".hidden",
    ] {
        for tail in ["info.json", "full/max/0/default.png"] {
            let answer = server.get(&format!("/iiif/3/{identifier}/{tail}"));
            assert!([400, 404].contains(&answer.status), "{identifier}/{tail}: {} {}", answer.status, answer.text());
            assert!(
                !answer.text().contains(outside.path().to_str().unwrap()) || answer.text().contains("secret.png"),
                "{}",
                answer.text()
            );
        }
    }
    let open = library.serve(&["--set", "source.symlinks=follow"]);
    assert_eq!(open.get("/iiif/3/link%2Fsecret.png/info.json").status, 200);
}

#[test]
fn the_whole_is_called_as_the_configuration_says() {
    let library = Library::new();
    library.put_png("a/1.png", 8, 8);
    let server = library.serve_again(&["--set", "library.identifier=archive", "--set", "library.title=City Archive"]);
    let all = server.get("/iiif/presentation/3/archive/collection").json();
    assert_eq!(all["label"]["none"][0], "City Archive");
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    drop(server);
    // Called otherwise, it is still found under the name that it had.
    let server = library.serve_again(&["--set", "library.identifier=collections"]);
    let old = server.ask("GET", "/iiif/presentation/3/archive/collection", &[]);
    assert!(matches!(old.status, 301 | 302 | 303 | 307 | 308), "{}", old.status);
    assert!(old.header("location").ends_with("/iiif/presentation/3/collections/collection"));
    server.assert_clean_log();
}
