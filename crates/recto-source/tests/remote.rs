//! Originals that are fetched from elsewhere: once, within bounds, from nowhere but the places that the options name.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod faults;
mod origin;

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use recto_config::ByteSize;
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_source::{
    Filesystem, Folder, Located, ObjectKey, Remote, RemoteError, RemoteOptions, Source, SourceError, SourceOptions,
    Sources,
};
use tempfile::TempDir;

use self::origin::{Answer, Origin};

/// An origin, and a folder for what is fetched from it.
struct Place {
    origin: Origin,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { origin: Origin::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> RemoteOptions {
        RemoteOptions { prefixes: vec![self.origin.url("/")], ..RemoteOptions::default() }
    }

    fn remote(&self, options: &RemoteOptions) -> Remote {
        Remote::new(options, self.folder.path().to_owned()).unwrap()
    }

    fn locate(&self, remote: &Remote, path: &str) -> Result<Located, SourceError> {
        remote.locate(&Identifier::new(self.origin.url(path)))
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

fn content(source: &dyn Source, located: &Located) -> Vec<u8> {
    let access = source.open(located).unwrap();
    let mut bytes = vec![0; usize::try_from(access.len()).unwrap()];
    access.read_at(0, &mut bytes).unwrap();
    bytes
}

/// The message behind the URL.
fn reason(result: Result<Located, SourceError>) -> String {
    let message = result.unwrap_err().to_string();
    message.split_once("` ").unwrap().1.to_owned()
}

fn always_ask() -> recto_config::Duration {
    recto_config::Duration::from_secs(0)
}

#[test]
fn a_file_is_fetched_once_for_all_who_want_it() {
    let place = Place::new();
    let pause = Duration::from_millis(200);
    let changed = "Tue, 15 Nov 1994 08:12:31 GMT";
    place.origin.set("/a.tif", Answer { pause, ..Answer::ok("original") }.etag("1").header("Last-Modified", changed));
    let remote = place.remote(&place.options());
    let identifier = Identifier::new(place.origin.url("/a.tif"));
    assert!(remote.may_wait(&identifier));
    let barrier = Barrier::new(16);
    let all: Vec<Located> = thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            remote.locate(&identifier).unwrap()
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(place.origin.count("/a.tif"), 1);
    let located = all.first().unwrap();
    assert!(all.iter().all(|other| other == located));
    assert_eq!((located.length, located.page), (8, 1));
    assert_eq!(located.last_modified, SystemTime::UNIX_EPOCH + Duration::from_secs(784_887_151));
    assert_eq!(located.key, ObjectKey::new(u16::MAX, place.origin.url("/a.tif")));
    assert_eq!(located.identifier, identifier);
    assert_eq!(content(&remote, located), b"original");
    assert_eq!(remote.open(located).unwrap().identity(), Some(located.version.to_u128()));
    assert_eq!(remote.revalidate(located).unwrap(), Some(located.version));
    assert!(!remote.may_wait(&identifier));
    let head = place.origin.last_head();
    assert!(head.contains(concat!("\nuser-agent: recto/", env!("CARGO_PKG_VERSION"))), "{head}");
    assert!(head.contains("\naccept-encoding: identity"), "{head}");
    assert!(!head.contains("\nif-"), "{head}");
}

#[test]
fn pages_of_one_file_are_one_fetch_and_urls_have_one_form() {
    let place = Place::new();
    place.origin.set("/a%20b.tif?x=1", Answer::ok("pages"));
    let remote = place.remote(&place.options());
    let first = place.locate(&remote, "/a b.tif?x=1").unwrap();
    let second = place.locate(&remote, "/a%20b.tif?x=1;2").unwrap();
    let upper = place.origin.url("/%61%20b.tif?x=1;1").replace("http:", "HTTP:");
    let third = remote.locate(&Identifier::new(upper)).unwrap();
    assert_eq!(place.origin.count("/a%20b.tif?x=1"), 1);
    assert_eq!((first.page, second.page, third.page), (1, 2, 1));
    assert_eq!(first.key, second.key);
    assert_eq!(first.identifier.as_str(), place.origin.url("/a%20b.tif?x=1"));
    assert_eq!(second.identifier.as_str(), place.origin.url("/a%20b.tif?x=1;2"));
    assert_eq!(third, first);
}

#[test]
fn what_was_fetched_is_there_after_a_restart() {
    let place = Place::new();
    place.origin.set("/a.tif", Answer::ok("original"));
    let before = place.locate(&place.remote(&place.options()), "/a.tif").unwrap();
    let remote = place.remote(&place.options());
    assert!(!remote.may_wait(&before.identifier));
    assert_eq!(remote.revalidate(&before).unwrap(), Some(before.version));
    let after = place.locate(&remote, "/a.tif").unwrap();
    assert_eq!(after, before);
    assert_eq!(content(&remote, &after), b"original");
    assert_eq!(place.origin.count("/a.tif"), 1);
}

#[test]
fn after_a_while_the_origin_is_asked_whether_it_is_the_same() {
    let place = Place::new();
    let changed = "Tue, 15 Nov 1994 08:12:31 GMT";
    place.origin.set("/tag", Answer::ok("tagged").etag("A1"));
    place.origin.set("/time", Answer::ok("timed").header("Last-Modified", changed));
    place.origin.set("/none", Answer::ok("neither"));
    let options = RemoteOptions { recheck: recto_config::Duration::from_secs(1), ..place.options() };
    let remote = place.remote(&options);
    for (path, condition) in [
        ("/tag", "\nif-none-match: \"a1\""),
        ("/time", "\nif-modified-since: tue, 15 nov 1994 08:12:31 gmt"),
        ("/none", "\naccept: "),
    ] {
        let first = place.locate(&remote, path).unwrap();
        assert_eq!(remote.revalidate(&first).unwrap(), Some(first.version), "{path}");
        let access = remote.open(&first).unwrap();
        assert!(access.settle(&|| true));
        thread::sleep(Duration::from_millis(1050));
        assert_eq!(remote.revalidate(&first).unwrap(), None, "{path}");
        assert!(!access.try_read_current(0, &mut []), "{path}");
        let second = place.locate(&remote, path).unwrap();
        assert!(place.origin.last_head().contains(condition), "{}", place.origin.last_head());
        assert_eq!(second, first);
        assert_eq!(place.origin.count(path), 2, "{path}");
        assert_eq!(remote.revalidate(&first).unwrap(), Some(first.version), "{path}");
        assert!(access.try_read_current(0, &mut [0; 5]), "{path}");
    }
    assert_eq!(place.files(), 6);
}

#[test]
fn changed_content_is_another_version_and_the_old_one_cannot_be_opened() {
    let place = Place::new();
    place.origin.set("/a.tif", Answer::ok("before").etag("1"));
    let remote = place.remote(&RemoteOptions { recheck: always_ask(), ..place.options() });
    let before = place.locate(&remote, "/a.tif").unwrap();
    let open = remote.open(&before).unwrap();
    place.origin.set("/a.tif", Answer::ok("after!").etag("2"));
    let after = place.locate(&remote, "/a.tif").unwrap();
    assert_ne!(after.version, before.version);
    assert!(matches!(remote.open(&before), Err(SourceError::Changed { .. })));
    assert_eq!(content(&remote, &after), b"after!");
    let mut bytes = [0; 6];
    open.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"before");
    assert!(!open.try_read_current(0, &mut bytes));
    // The content alone makes a version: the same once more is the first one again.
    place.origin.set("/a.tif", Answer::ok("before").etag("3"));
    assert_eq!(place.locate(&remote, "/a.tif").unwrap().version, before.version);
    assert_eq!(place.files(), 2);
}

#[test]
fn what_breaks_off_or_is_too_long_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let long = vec![b'x'; 200_000];
    place.origin.set("/short", Answer { announced: Some(10), ..Answer::ok("abc") });
    place.origin.set("/announced", Answer { announced: Some(100_001), ..Answer::ok("abc") });
    place.origin.set("/long", Answer { without_length: true, ..Answer::ok(long.clone()) });
    place.origin.set("/just", Answer { without_length: true, ..Answer::ok(&long[..100_000]) });
    place.origin.set("/gzip", Answer::ok("abc").header("Content-Encoding", "gzip"));
    let options = RemoteOptions { max_file: ByteSize::from_bytes(100_000), ..place.options() };
    let remote = place.remote(&options);
    let too_long = "could not be fetched: it is longer than 100 kB; `source.remote.max_file` is the limit";
    for (path, want, kind) in [
        (
            "/short",
            "could not be fetched: it broke off after 3 of 10 bytes",
            ErrorKind::Unavailable { retry_after: Duration::from_secs(5) },
        ),
        ("/announced", too_long, ErrorKind::TooLarge),
        ("/long", too_long, ErrorKind::TooLarge),
        (
            "/gzip",
            "could not be fetched: its origin sends it encoded as `gzip`, which was not asked for",
            ErrorKind::Unavailable { retry_after: Duration::from_mins(1) },
        ),
    ] {
        let error = place.locate(&remote, path).unwrap_err();
        assert_eq!(error.kind(), kind, "{path}");
        assert_eq!(reason(Err(error)), want, "{path}");
        assert_eq!(place.files(), 0, "{path}");
        // It is not asked for again at once.
        assert_eq!(reason(place.locate(&remote, path)), want, "{path}");
        assert_eq!(place.origin.count(path), 1, "{path}");
    }
    assert_eq!(place.locate(&remote, "/just").unwrap().length, 100_000);
    let chunked =
        |body: &str| Answer { without_length: true, ..Answer::ok(body).header("Transfer-Encoding", "chunked") };
    place.origin.set("/chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    place.origin.set("/cut", chunked("3\r\nabc\r\n2\r\nd"));
    let whole = place.locate(&remote, "/chunks").unwrap();
    assert_eq!(content(&remote, &whole), b"abcde");
    let message = reason(place.locate(&remote, "/cut"));
    assert!(message.starts_with("could not be fetched: its origin cannot be talked to: "), "{message}");
    assert_eq!(place.files(), 4);
    drop(remote);
    let options = RemoteOptions { keep: ByteSize::kib(64), ..options };
    let message = reason(place.locate(&place.remote(&options), "/announced"));
    assert_eq!(message, "could not be fetched: it is longer than 60 KiB; `source.remote.keep` is the limit");
}

#[test]
fn redirects_are_followed_within_the_prefixes_alone() {
    let (place, other) = (Place::new(), Origin::new());
    place.origin.set("/in/a", Answer::redirect("../in/b?c#d"));
    place.origin.set("/in/b?c", Answer::redirect(other.url("/fine/x")));
    other.set("/fine/x", Answer::ok("over there"));
    place.origin.set("/in/out", Answer::redirect(other.url("/secret?token=1")));
    place.origin.set("/in/up", Answer::redirect("/elsewhere"));
    place.origin.set("/in/odd", Answer::redirect("file:///etc/passwd"));
    place.origin.set("/in/user", Answer::redirect("http://user:password@example.org/"));
    place.origin.set("/in/nowhere", Answer::status(302));
    place.origin.set("/in/loop", Answer::redirect("/in/loop"));
    let prefixes = vec![place.origin.url("/in/"), other.url("/fine/")];
    let remote = place.remote(&RemoteOptions { prefixes, ..place.options() });
    let located = place.locate(&remote, "/in/a").unwrap();
    assert_eq!(content(&remote, &located), b"over there");
    assert_eq!(located.identifier.as_str(), place.origin.url("/in/a"));
    let outside =
        "could not be fetched: its origin leads elsewhere, where no prefix of `source.remote.prefixes` allows it";
    let bad = |rule| format!("could not be fetched: its origin leads on to what is no place to fetch from: {rule}");
    for (path, want, requests) in [
        ("/in/out", outside.to_owned(), 1),
        ("/in/up", outside.to_owned(), 1),
        ("/in/odd", bad("it does not begin with `http://` or `https://`"), 1),
        ("/in/user", bad("it names a user (`@`)"), 1),
        ("/in/nowhere", bad("it does not say where"), 1),
        ("/in/loop", "could not be fetched: its origin leads on more than 5 times".to_owned(), 6),
    ] {
        assert_eq!(reason(place.locate(&remote, path)), want);
        assert_eq!(place.origin.count(path), requests, "{path}");
    }
    assert_eq!(other.count("/secret?token=1"), 0);
    assert_eq!(place.origin.count("/elsewhere"), 0);
    assert_eq!(place.locate(&remote, "/in/out").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_slow_origin_is_given_up_in_time() {
    let place = Place::new();
    place.origin.set("/mute", Answer { pause: Duration::from_secs(20), ..Answer::ok("late") });
    place.origin.set("/drip", Answer { drip: Duration::from_millis(20), ..Answer::ok(vec![b'x'; 1000]) });
    let timeout = recto_config::Duration::from_millis(300);
    let remote = place.remote(&RemoteOptions { timeout, ..place.options() });
    for path in ["/mute", "/drip"] {
        let begun = Instant::now();
        assert_eq!(reason(place.locate(&remote, path)), "could not be fetched: fetching it took longer than 300 ms");
        assert!(begun.elapsed() >= Duration::from_millis(250), "{path}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{path}: {:?}", begun.elapsed());
    }
    assert_eq!(place.files(), 0);
}

#[test]
fn few_are_fetched_at_a_time() {
    let place = Place::new();
    for number in 0..6 {
        let pause = Duration::from_millis(200);
        place.origin.set(&format!("/{number}"), Answer { pause, ..Answer::ok(format!("number {number}")) });
    }
    // One origin gets half of the places.
    let remote = place.remote(&RemoteOptions { at_a_time: 4, ..place.options() });
    thread::scope(|scope| {
        for number in 0..6 {
            let (place, remote) = (&place, &remote);
            scope.spawn(move || place.locate(remote, &format!("/{number}")).unwrap());
        }
    });
    assert_eq!(place.origin.most_busy(), 2);
}

#[test]
fn that_there_is_nothing_is_remembered() {
    let place = Place::new();
    place.origin.set("/gone", Answer::status(410));
    place.origin.set("/broken", Answer::status(500));
    place.origin.set("/closed.png", Answer::status(403));
    let remote = place.remote(&place.options());
    for (path, want, kind) in [
        ("/missing?token=1", None, ErrorKind::NotFound),
        ("/gone", None, ErrorKind::NotFound),
        (
            "/broken",
            Some("could not be fetched: its origin answers 500"),
            ErrorKind::Unavailable { retry_after: Duration::from_secs(5) },
        ),
        ("/closed.png", Some("could not be fetched: its origin refuses it with 403"), ErrorKind::NotFound),
    ] {
        for _ in 0..3 {
            let error = place.locate(&remote, path).unwrap_err();
            assert_eq!(error.kind(), kind, "{path}");
            if let Some(want) = want {
                assert_eq!(reason(Err(error)), want);
            } else {
                let shown = place.origin.url(path).replace("token=1", "…");
                assert_eq!(error.to_string(), format!("there is no `{shown}`"));
            }
        }
        assert_eq!(place.origin.count(path), 1, "{path}");
    }
}

#[test]
fn files_that_were_not_used_for_longest_make_room_and_stay_readable_while_they_are_open() {
    let place = Place::new();
    for name in ["/1", "/2", "/3", "/4"] {
        place.origin.set(name, Answer::ok(vec![name.as_bytes()[1]; 100_000]));
    }
    // Three files of 25 blocks and one block for the note of each.
    let options = RemoteOptions { keep: ByteSize::kib(3 * 26 * 4), ..place.options() };
    let remote = place.remote(&options);
    let located: Vec<Located> = ["/1", "/2", "/3"].iter().map(|path| place.locate(&remote, path).unwrap()).collect();
    assert_eq!(remote.revalidate(&located[0]).unwrap(), Some(located[0].version));
    let open = remote.open(&located[1]).unwrap();
    content(&remote, &located[2]);
    content(&remote, &located[0]);
    let fourth = place.locate(&remote, "/4").unwrap();
    assert_eq!(place.files(), 6);
    assert_eq!(remote.revalidate(&located[1]).unwrap(), None);
    assert!(matches!(remote.open(&located[1]), Err(SourceError::Changed { .. })));
    let mut bytes = vec![0; 100_000];
    open.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, vec![b'2'; 100_000]);
    for (located, byte) in [(&located[0], b'1'), (&located[2], b'3'), (&fourth, b'4')] {
        assert_eq!(content(&remote, located), vec![byte; 100_000]);
    }
    assert_eq!(place.locate(&remote, "/2").unwrap().version, located[1].version);
    assert_eq!(place.origin.count("/2"), 2);
    assert_eq!(place.files(), 6);
}

#[test]
fn what_was_fetched_is_served_while_its_origin_fails_but_not_when_it_is_taken_away() {
    let place = Place::new();
    for path in ["/broken", "/cut", "/gone", "/closed", "/down"] {
        place.origin.set(path, Answer::ok("original"));
    }
    let remote = place.remote(&RemoteOptions { recheck: always_ask(), ..place.options() });
    let before = |path: &str| place.locate(&remote, path).unwrap();
    let (broken, cut, _, _, down) =
        (before("/broken"), before("/cut"), before("/gone"), before("/closed"), before("/down"));
    place.origin.set("/broken", Answer::status(503));
    place.origin.set("/cut", Answer { announced: Some(100), ..Answer::ok("another") });
    place.origin.set("/gone", Answer::status(404));
    place.origin.set("/closed", Answer::status(401));
    for (path, known) in [("/broken", &broken), ("/cut", &cut)] {
        assert_eq!(remote.revalidate(known).unwrap(), None);
        assert_eq!(&place.locate(&remote, path).unwrap(), known);
        // It is not asked again for every look.
        assert_eq!(remote.revalidate(known).unwrap(), Some(known.version));
        assert_eq!(&place.locate(&remote, path).unwrap(), known);
        assert_eq!(place.origin.count(path), 2);
        assert_eq!(content(&remote, known), b"original");
    }
    assert!(matches!(place.locate(&remote, "/gone"), Err(SourceError::NotFound { .. })));
    assert_eq!(place.locate(&remote, "/closed").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(place.files(), 6);
    let Place { origin, folder } = place;
    drop(origin);
    assert_eq!(remote.locate(&down.identifier).unwrap(), down);
    assert_eq!(content(&remote, &down), b"original");
    drop((remote, folder));
}

#[test]
fn an_origin_that_is_down_is_said_to_be() {
    let place = Place::new();
    let remote = place.remote(&place.options());
    let identifier = Identifier::new(place.origin.url("/a?token=1"));
    let Place { origin, folder } = place;
    drop(origin);
    let error = remote.locate(&identifier).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable { retry_after: Duration::from_secs(5) });
    let message = error.to_string();
    assert!(message.contains("/a?…` could not be fetched: its origin cannot be talked to: "), "{message}");
    assert!(!message.contains("token"), "{message}");
    drop(folder);
}

#[test]
fn nothing_is_fetched_from_elsewhere_than_the_prefixes() {
    let place = Place::new();
    for path in ["/x/a.jpg", "/secret", "/x"] {
        place.origin.set(path, Answer::ok("original"));
    }
    let remote = place.remote(&RemoteOptions { prefixes: vec![place.origin.url("/x/")], ..place.options() });
    let base = place.origin.url("");
    let host = base.strip_prefix("http://").unwrap();
    let none = "is not fetched: it begins with none of `source.remote.prefixes`";
    let climbs = "is not fetched: it holds a segment `.` or `..`";
    let user = "is not fetched: it names a user (`@`)";
    for (url, want) in [
        (format!("{base}/x"), none),
        (format!("{base}/secret"), none),
        (format!("{base}/x/../secret"), climbs),
        (format!("{base}/x/%2e%2e/secret"), climbs),
        (format!("{base}/x/%252E./secret"), climbs),
        (format!("{base}/x/..%2Fsecret"), climbs),
        (format!("{base}/x/..\\secret"), "is not fetched: it holds a backslash"),
        (format!("{base}/x/a.jpg#b"), "is not fetched: it holds a fragment (`#`)"),
        (format!("{base}/x/a.jpg\n"), "is not fetched: it holds a control character"),
        (format!("https://{host}/x/a.jpg"), none),
        (format!("http://user:secret@{host}/x/a.jpg"), user),
        (format!("{base}@evil.example/x/a.jpg"), user),
        (format!("http://{host}.evil.example/x/a.jpg"), "is not fetched: its port is no number from 1 to 65535"),
        ("https://a.org.evil/".to_owned(), none),
    ] {
        let identifier = Identifier::new(url.as_str());
        let error = remote.locate(&identifier).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{url}");
        assert!(!error.to_string().contains("secret@"), "{error}");
        assert_eq!(reason(Err(error)), want, "{url}");
        assert!(!remote.may_wait(&identifier), "{url}");
    }
    assert_eq!(place.origin.most_busy(), 0);
    assert_eq!(place.locate(&remote, "/x/a.jpg").unwrap().length, 8);
}

#[test]
fn a_prefix_that_names_no_place_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (prefix, rule) in [
        ("https://a.org", "the host is not followed by `/`"),
        ("a.org/scans/", "it does not begin with `http://` or `https://`"),
        ("https://me@a.org/", "it names a user (`@`)"),
    ] {
        let options = RemoteOptions { prefixes: vec![prefix.to_owned()], ..RemoteOptions::default() };
        let error = Remote::new(&options, folder.path().to_owned()).unwrap_err();
        let shown = prefix.replace("me@", "…@");
        let want = format!(
            "`{shown}` in `source.remote.prefixes` names no place to fetch from: {rule}; \
             write it like `https://images.example.org/masters/`"
        );
        assert_eq!(error.to_string(), want);
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Remote::new(&RemoteOptions::default(), file), Err(RemoteError::Folder { .. })));
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn what_is_broken_in_the_folder_is_put_right_and_what_is_foreign_stays() {
    let place = Place::new();
    for path in ["/1", "/2", "/3", "/4"] {
        place.origin.set(path, Answer::ok(format!("original {path}")));
    }
    let located: Vec<Located> = {
        let remote = place.remote(&place.options());
        ["/1", "/2", "/3", "/4"].iter().map(|path| place.locate(&remote, path).unwrap()).collect()
    };
    let folder = place.folder.path();
    // The files of each, by the URL in the note.
    let id_of = |path: &str| {
        let notes = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let note = notes.filter(|note| note.extension().is_some_and(|extension| extension == "json"));
        let url = format!("\"{}\"", place.origin.url(path));
        let note =
            note.into_iter().find(|note| fs::read_to_string(note).is_ok_and(|note| note.contains(&url))).unwrap();
        note.file_stem().unwrap().to_str().unwrap().to_owned()
    };
    let (first, second, third) = (id_of("/1"), id_of("/2"), id_of("/3"));
    write(folder, &format!("{first}.json"), "{ broken");
    fs::remove_file(folder.join(format!("{second}.bytes"))).unwrap();
    write(folder, &format!("{third}.bytes"), "cut");
    let left = "fetched-0123456789abcdef0123456789abcdef";
    write(folder, &format!("{left}.part"), "left of a fetch");
    write(folder, &format!("{left}.bytes"), "left without a note");
    let foreign = ["notes.txt", "photo.json", "fetched-photo.json", "photo.part", ".hidden"];
    foreign.iter().for_each(|name| write(folder, name, "{}"));
    fs::create_dir(folder.join(format!("{left}.json"))).unwrap();
    std::os::unix::fs::symlink("notes.txt", folder.join("fetched-11111111111111111111111111111111.part")).unwrap();

    let remote = place.remote(&place.options());
    assert!(!folder.join(format!("{left}.part")).exists());
    assert!(!folder.join(format!("{left}.bytes")).exists());
    for (path, before, requests) in
        [("/1", &located[0], 2), ("/2", &located[1], 2), ("/3", &located[2], 2), ("/4", &located[3], 1)]
    {
        let after = place.locate(&remote, path).unwrap();
        assert_eq!(after.version, before.version, "{path}");
        assert_eq!(content(&remote, &after), format!("original {path}").as_bytes());
        assert_eq!(place.origin.count(path), requests, "{path}");
    }
    // While it runs, too.
    fs::remove_file(folder.join(format!("{}.bytes", id_of("/4")))).unwrap();
    assert!(matches!(remote.open(&located[3]), Err(SourceError::Changed { .. })));
    let again = place.locate(&remote, "/4").unwrap();
    assert_eq!(content(&remote, &again), b"original /4");
    for name in foreign {
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "{}", "{name}");
    }
    assert!(folder.join(format!("{left}.json")).is_dir());
    assert_eq!(place.files(), 8 + foreign.len() + 2);
}

#[test]
fn a_file_that_another_process_is_fetching_is_left_alone() {
    let place = Place::new();
    let path = place.folder.path().join("fetched-0123456789abcdef0123456789abcdef.part");
    fs::write(&path, "half").unwrap();
    let other = fs::File::open(&path).unwrap();
    other.try_lock().unwrap();
    drop(place.remote(&place.options()));
    assert!(path.exists());
    drop(other);
    drop(place.remote(&place.options()));
    assert!(!path.exists());
}

#[test]
fn folders_and_urls_are_one_source() {
    let place = Place::new();
    place.origin.set("/a.tif", Answer::ok("remote"));
    let library = tempfile::tempdir().unwrap();
    write(library.path(), "a.tif", "local");
    let options = SourceOptions { folders: vec![Folder::Path(library.path().to_owned())], ..SourceOptions::default() };
    let filesystem = || Filesystem::new(&options).unwrap();
    let url = Identifier::new(place.origin.url("/a.tif"));
    let both = Sources::new(filesystem(), Some(place.remote(&place.options())));
    assert!(both.may_wait(&url));
    assert!(!both.may_wait(&Identifier::new("a.tif")));
    let (local, remote) = (both.locate(&Identifier::new("a")).unwrap(), both.locate(&url).unwrap());
    assert_eq!((local.key.store(), remote.key.store()), (0, u16::MAX));
    for (located, want) in [(&local, "local"), (&remote, "remote")] {
        assert_eq!(content(&both, located), want.as_bytes());
        assert_eq!(both.revalidate(located).unwrap(), Some(located.version));
    }
    assert_eq!(both.filesystem().folders().count(), 1);
    assert!(both.remote().is_some());

    let alone = Sources::new(filesystem(), None);
    let error = alone.locate(&Identifier::new("HTTPS://a.org/x?token=1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let want = "`HTTPS://a.org/x?…` is not fetched: `source.remote.prefixes` names the places that originals are fetched from, \
                and it names none";
    assert_eq!(error.to_string(), want);
    assert!(!alone.may_wait(&url));
    assert_eq!(alone.revalidate(&remote).unwrap(), None);
    assert_eq!(alone.open(&remote).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(alone.locate(&Identifier::new("a")).unwrap(), local);
}
