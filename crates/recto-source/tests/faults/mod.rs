//! Origins at fault: slow ones, such as answer with pages for people, and such as lead to where nobody should look.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use recto_iiif::ErrorKind;
use recto_source::{Remote, RemoteOptions, Source};

use super::origin::{Answer, Origin};
use super::{Place, always_ask, content, reason};

const PAUSE: Duration = Duration::from_secs(3);

/// One source of several origins, in the folder of the first.
fn remote_of(places: &[&Place], recheck: recto_config::Duration) -> Remote {
    let prefixes = places.iter().map(|place| place.origin.url("/")).collect();
    places[0].remote(&RemoteOptions { at_a_time: 4, recheck, prefixes, ..RemoteOptions::default() })
}

/// Begins to fetch so many files that take their time, and counts those that have come.
fn fetch_slowly<'s>(
    scope: &'s Scope<'s, '_>,
    count: usize,
    from: &'s Place,
    remote: &'s Remote,
    come: &'s AtomicUsize,
) {
    for number in 0..count {
        let path = format!("/slow/{number}");
        from.origin.set(&path, Answer { pause: PAUSE, ..Answer::ok(path.clone()) });
        scope.spawn(move || {
            from.locate(remote, &path).unwrap();
            come.fetch_add(1, Ordering::SeqCst);
        });
    }
}

/// Waits until an origin has so many requests to answer.
fn wait_until_busy(origin: &Origin, count: usize) {
    let begun = Instant::now();
    while origin.most_busy() < count {
        assert!(begun.elapsed() < PAUSE, "no {count} requests have come");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_slow_origin_leaves_places_for_the_others() {
    let (slow, quick) = (Place::new(), Place::new());
    let remote = remote_of(&[&slow, &quick], RemoteOptions::default().recheck);
    quick.origin.set("/a", Answer::ok("quick"));
    let come = AtomicUsize::new(0);
    thread::scope(|scope| {
        fetch_slowly(scope, 4, &slow, &remote, &come);
        wait_until_busy(&slow.origin, 2);
        // The others have had the time to be there too.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(quick.locate(&remote, "/a").unwrap().length, 5);
        assert_eq!(come.load(Ordering::SeqCst), 0);
    });
    assert_eq!(slow.origin.most_busy(), 2);
    assert_eq!(come.load(Ordering::SeqCst), 4);
}

#[test]
fn a_copy_is_served_while_there_is_no_place_to_ask_for_its_origin_and_asked_for_soon_after() {
    let (first, second, third) = (Place::new(), Place::new(), Place::new());
    let remote = remote_of(&[&first, &second, &third], always_ask());
    for place in [&first, &third] {
        place.origin.set("/copy", Answer::ok("before").etag("1"));
    }
    let kept = [&first, &third].map(|place| (place, place.locate(&remote, "/copy").unwrap()));
    for place in [&first, &third] {
        place.origin.set("/copy", Answer::ok("after!").etag("2"));
    }
    let come = AtomicUsize::new(0);
    let served = thread::scope(|scope| {
        for place in [&first, &second] {
            fetch_slowly(scope, 2, place, &remote, &come);
            wait_until_busy(&place.origin, 2);
        }
        for (place, located) in &kept {
            assert_eq!(remote.revalidate(located).unwrap(), None);
            assert_eq!(&place.locate(&remote, "/copy").unwrap(), located);
            assert_eq!(content(&remote, located), b"before");
            assert_eq!(remote.revalidate(located).unwrap(), Some(located.version));
            assert_eq!(place.origin.count("/copy"), 1);
        }
        assert_eq!(come.load(Ordering::SeqCst), 0);
        Instant::now()
    });
    thread::sleep(Duration::from_millis(5050).saturating_sub(served.elapsed()));
    for (place, located) in &kept {
        let now = place.locate(&remote, "/copy").unwrap();
        assert_ne!(now.version, located.version);
        assert_eq!(content(&remote, &now), b"after!");
        assert_eq!(place.origin.count("/copy"), 2);
    }
}

/// What is logged meanwhile, without colours.
fn logged(during: impl FnOnce()) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(file.reopen().unwrap()).finish();
    tracing::subscriber::with_default(subscriber, during);
    fs::read_to_string(file.path()).unwrap()
}

#[test]
fn a_web_page_or_nothing_is_no_image_and_replaces_none() {
    let page = |kind: &str| Answer::ok("<html>Log in, please</html>").header("Content-Type", kind);
    let web_page = "its origin gives a web page instead of an image";
    let empty = "its origin gives an empty file";
    let place = Place::new();
    let remote = place.remote(&place.options());
    let asking = tempfile::tempdir().unwrap();
    let options = RemoteOptions { recheck: always_ask(), ..place.options() };
    let asking = Remote::new(&options, asking.path().to_owned()).unwrap();
    for (path, answer, want) in [
        ("/html", page("text/html"), web_page),
        ("/charset", page(" Text/HTML ;charset=utf-8"), web_page),
        ("/odd", page("text/html; title=\"Anmeldung für alle\""), web_page),
        ("/xhtml", page("application/xhtml+xml"), web_page),
        ("/empty", Answer::ok(""), empty),
        ("/nothing", Answer { without_length: true, ..Answer::ok("") }, empty),
    ] {
        place.origin.set(path, answer.clone());
        for _ in 0..3 {
            let error = place.locate(&remote, path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable { retry_after: Duration::from_secs(5) }, "{path}");
            assert_eq!(reason(Err(error)), format!("could not be fetched: {want}"), "{path}");
        }
        assert_eq!(place.origin.count(path), 1, "{path}");
        assert_eq!(place.files(), 0, "{path}");

        place.origin.set(path, Answer::ok("original").etag("1").header("Content-Type", "image/tiff"));
        let before = place.locate(&asking, path).unwrap();
        place.origin.set(path, answer);
        let log = logged(|| assert_eq!(place.locate(&asking, path).unwrap(), before, "{path}"));
        assert!(log.contains(" WARN ") && log.contains(want), "{log}");
        assert_eq!(content(&asking, &before), b"original", "{path}");
        // It is not asked again for every look.
        assert_eq!(place.locate(&asking, path).unwrap(), before, "{path}");
        assert_eq!(place.origin.count(path), 3, "{path}");
    }
}

#[test]
fn where_a_redirect_leads_that_is_not_followed_is_for_the_log_alone() {
    let place = Place::new();
    let target = "http://169.254.169.254/latest/meta-data?token=1";
    place.origin.set("/new", Answer::redirect(target));
    place.origin.set("/kept", Answer::ok("original"));
    let remote = place.remote(&RemoteOptions { recheck: always_ask(), ..place.options() });
    let kept = place.locate(&remote, "/kept").unwrap();
    place.origin.set("/kept", Answer::redirect(target));
    let want =
        "could not be fetched: its origin leads elsewhere, where no prefix of `source.remote.prefixes` allows it";
    let of_new = logged(|| assert_eq!(reason(place.locate(&remote, "/new")), want));
    let of_kept = logged(|| assert_eq!(place.locate(&remote, "/kept").unwrap(), kept));
    for log in [of_new, of_kept] {
        assert!(log.contains(" WARN ") && log.contains("http://169.254.169.254\""), "{log}");
        assert!(!log.contains("latest") && !log.contains("token"), "{log}");
    }
}
