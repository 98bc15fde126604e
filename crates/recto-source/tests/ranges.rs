//! Long originals that lie elsewhere and are read in parts: they stay there, and of them is fetched what is read.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use recto_codec::{ByteRange, RandomAccess};
use recto_config::ByteSize;
use recto_iiif::identifier::Identifier;
use recto_source::{Located, Remote, RemoteOptions, Source, SourceError};
use recto_testkit::store::{Object, Redirect, Store};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
const PIECE: u64 = 256 << 10;
/// What comes of a file when it is located.
const BEGINNING: u64 = 384 << 10;

fn noise(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// So many bytes of noise, behind what files of a format begin with.
fn object(magic: &'static [u8], length: u64, etag: Option<&str>) -> Object {
    let fill = move |offset: u64, buffer: &mut [u8]| {
        for (byte, at) in buffer.iter_mut().zip(offset..) {
            *byte = magic.get(at as usize).copied().unwrap_or_else(|| noise(at));
        }
    };
    Object { length, fill: Arc::new(fill), etag: etag.map(str::to_owned), has_ranges: true, refuses_ranges: false }
}

const TIFF: &[u8] = b"II*\0";

struct Place {
    store: Store,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { store: Store::new(Duration::ZERO), folder: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> RemoteOptions {
        let prefixes = vec![self.store.url("/")];
        RemoteOptions { prefixes, ranges_from: ByteSize::mib(2), ..RemoteOptions::default() }
    }

    fn remote(&self, options: &RemoteOptions) -> Remote {
        Remote::new(options, self.folder.path().to_owned()).unwrap()
    }

    fn locate(&self, remote: &Remote, path: &str) -> Result<Located, SourceError> {
        remote.locate(&Identifier::new(self.store.url(path)))
    }

    fn open(&self, remote: &Remote, path: &str) -> Arc<dyn RandomAccess> {
        remote.open(&self.locate(remote, path).unwrap()).unwrap()
    }

    /// Where each answer since the last call began, and how many bytes it had.
    fn given(&self) -> Vec<(u64, u64)> {
        self.store.given().iter().map(|given| (given.offset, given.bytes)).collect()
    }

    /// Which paths were asked for since the last call, and what was answered.
    fn asked(&self) -> Vec<(String, u16)> {
        self.store.given().into_iter().map(|given| (given.path, given.status)).collect()
    }

    fn redirect(&self, path: &str, status: u16, target: &str, cache_control: &str) {
        let (target, cache_control) = (target.to_owned(), cache_control.to_owned());
        self.store.redirect(path, Redirect { status, target, cache_control });
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }

    /// Bytes of the disk that open files without a name take in the folder.
    #[cfg(target_os = "linux")]
    fn nameless_bytes(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;

        let name = self.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let here = open.filter(|path| {
            let target = std::fs::read_link(path).unwrap_or_default();
            target.to_str().is_some_and(|target| target.contains(&format!("/{name}/")))
        });
        // Other tests may close theirs meanwhile.
        here.filter_map(|path| Some(std::fs::metadata(path).ok()?.blocks() * 512)).sum()
    }
}

fn assert_noise(access: &dyn RandomAccess, offset: u64, length: u64) {
    let bytes = access.read_range(ByteRange::new(offset, length)).unwrap();
    let first_wrong = bytes.iter().zip(offset..).find(|(byte, at)| **byte != noise(*at));
    assert!(first_wrong.is_none(), "{offset}+{length}: {first_wrong:?}");
}

#[test]
fn d11_of_a_long_file_the_beginning_is_fetched_and_then_each_range_once() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 6000 * MIB, Some("\"1\"")));
    let remote = place.remote(&place.options());
    let located = place.locate(&remote, "/a.tif").unwrap();
    // It is longer than what is fetched, and than what is kept may be.
    assert_eq!(located.length, 6000 * MIB);
    assert_eq!(place.given(), [(0, BEGINNING)]);
    let access = remote.open(&located).unwrap();
    assert_eq!((access.len(), access.read_ahead()), (located.length, BEGINNING));
    assert_eq!(access.identity(), Some(located.version.to_u128()));
    assert_noise(access.as_ref(), 4, BEGINNING - 4);
    assert_eq!(place.given(), []);
    // Beyond 4 GiB, at the very end, and over the end of what is there.
    for (offset, length) in [(5000 * MIB + 7, 65_536), (6000 * MIB - 9, 9), (BEGINNING - 100, 300)] {
        assert!(!access.try_read_at(offset, &mut vec![0; length as usize]));
        assert_noise(access.as_ref(), offset, length);
        let from = offset.max(BEGINNING);
        let expected = if offset < MIB { (from, offset + length - from) } else { (offset, length) };
        assert_eq!(place.given(), [expected]);
        assert_noise(access.as_ref(), offset, length);
        assert_noise(place.open(&remote, "/a.tif").as_ref(), offset, length);
        assert_eq!(place.given(), []);
    }
    let mut bytes = [0; 9];
    assert!(access.try_read_at(6000 * MIB - 9, &mut bytes) && bytes[0] == noise(6000 * MIB - 9));
    assert!(access.try_read_current(6000 * MIB - 9, &mut bytes));
    for (offset, length) in [(6000 * MIB - 8, 9), (6000 * MIB, 1), (u64::MAX, 2)] {
        let error = access.read_range(ByteRange::new(offset, length)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
    assert_eq!((place.given(), place.files()), (vec![], 0));
}

#[test]
fn d11_ranges_beside_one_another_are_one_request_and_distant_ones_are_asked_for_together() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 100 * MIB, Some("\"1\"")));
    let remote = place.remote(&place.options());
    let access = place.open(&remote, "/a.tif");
    place.given();
    let range = ByteRange::new;
    let wanted = [range(20 * MIB, 1000), range(10 * MIB, 1000), range(10 * MIB + 3000, 500), range(5, 10)];
    let read = access.read_ranges(&wanted).unwrap();
    for (range, bytes) in wanted.iter().zip(&read) {
        assert!(bytes.iter().zip(range.offset..).all(|(byte, at)| *byte == noise(at)), "{range:?}");
        assert_eq!(bytes.len() as u64, range.length);
    }
    let mut given = place.given();
    given.sort_unstable();
    assert_eq!(given, [(10 * MIB, 3500), (20 * MIB, 1000)]);
    place.store.set_latency(Duration::from_millis(300));
    let begun = std::time::Instant::now();
    let apart: Vec<ByteRange> = (30..34).map(|at| range(at * MIB, 10)).collect();
    access.will_read(&apart);
    assert!(begun.elapsed() < Duration::from_millis(900), "four requests wait for one another");
    assert_eq!(place.given().len(), 4);
    access.read_ranges(&apart).unwrap();
    assert_eq!(place.given().len(), 0);
    // As much as anybody reads at a time comes in pieces.
    assert_noise(access.as_ref(), 40 * MIB, 20 * MIB);
    assert_eq!(place.given().iter().map(|(_, bytes)| bytes).sum::<u64>(), 20 * MIB);
}

#[test]
fn d11_what_cannot_be_read_in_parts_is_fetched_whole() {
    let place = Place::new();
    let remote = place.remote(&place.options());
    let without_ranges = Object { has_ranges: false, ..object(TIFF, 3 * MIB, Some("\"1\"")) };
    let whole = |length| vec![(0, length)];
    let refusing = Object { refuses_ranges: true, ..object(TIFF, 3 * MIB, Some("\"1\"")) };
    let two = |length: u64| vec![(0, BEGINNING), (BEGINNING, length - BEGINNING)];
    for (path, object, expected) in [
        ("/no-ranges", without_ranges, whole(3 * MIB)),
        ("/weak", object(TIFF, 3 * MIB, Some("W/\"1\"")), [whole(BEGINNING), whole(3 * MIB)].concat()),
        ("/no-tag", object(TIFF, 3 * MIB, None), [whole(BEGINNING), whole(3 * MIB)].concat()),
        ("/refusing", refusing, [whole(0), whole(3 * MIB)].concat()),
        // Its name says that it is no use to ask for the beginning alone.
        ("/a.jpg", object(b"\xff\xd8", 3 * MIB, Some("\"1\"")), whole(3 * MIB)),
        ("/png", object(b"\x89PNG", 3 * MIB, Some("\"1\"")), two(3 * MIB)),
        ("/short", object(TIFF, 2 * MIB - 1, Some("\"1\"")), two(2 * MIB - 1)),
        ("/tiny", object(TIFF, 1000, Some("\"1\"")), whole(1000)),
        ("/just", object(TIFF, BEGINNING, Some("\"1\"")), whole(BEGINNING)),
    ] {
        let (length, before) = (object.length, place.files());
        place.store.put(path, object);
        let access = place.open(&remote, path);
        assert_eq!(place.given(), expected, "{path}");
        assert_eq!((access.len(), access.read_ahead()), (length, 0), "{path}");
        assert_noise(access.as_ref(), 4, length - 4);
        assert_eq!((place.given(), place.files()), (vec![], before + 2), "{path}");
    }
    place.store.put("/empty", object(TIFF, 0, Some("\"1\"")));
    let error = place.locate(&remote, "/empty").unwrap_err().to_string();
    assert!(error.ends_with("its origin gives an empty file"), "{error}");
    place.given();
    // No longer than is allowed, though ranges of it might be had.
    let options = RemoteOptions { max_file: ByteSize::mib(1), ..place.options() };
    let remote = place.remote(&RemoteOptions { ..options });
    place.store.put("/long", object(b"\x89PNG", 3 * MIB, Some("\"1\"")));
    let error = place.locate(&remote, "/long").unwrap_err().to_string();
    assert!(error.contains("it is longer than 1 MiB"), "{error}");
    assert_eq!(place.given(), whole(BEGINNING));
}

#[test]
fn d11_a_file_that_is_replaced_while_it_is_read_says_so_and_is_found_anew() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 5 * MIB, Some("\"1\"")));
    let remote = place.remote(&place.options());
    let before = place.locate(&remote, "/a.tif").unwrap();
    let access = remote.open(&before).unwrap();
    place.store.put("/a.tif", object(b"MM\0*", 6 * MIB, Some("\"2\"")));
    let error = access.read_range(ByteRange::new(4 * MIB, 10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StaleNetworkFileHandle);
    assert_eq!(error.to_string(), "it changed at its origin while it was read; ask again");
    assert_eq!(remote.revalidate(&before).unwrap(), None);
    let after = place.locate(&remote, "/a.tif").unwrap();
    assert_ne!(after.version, before.version);
    assert_eq!(after.length, 6 * MIB);
    let other = remote.open(&after).unwrap();
    assert_eq!(other.read_range(ByteRange::new(0, 2)).unwrap(), b"MM");
    assert_noise(other.as_ref(), 5 * MIB, 1000);
    assert!(matches!(remote.open(&before), Err(SourceError::Changed { .. })));
    // What was open is of its own version still.
    assert_eq!(access.read_range(ByteRange::new(0, 2)).unwrap(), b"II");
    place.store.remove("/a.tif");
    let error = other.read_range(ByteRange::new(0, 6 * MIB)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StaleNetworkFileHandle);
    assert!(matches!(place.locate(&remote, "/a.tif"), Err(SourceError::NotFound { .. })));
}

#[test]
fn d11_a_file_that_stays_the_same_keeps_its_parts_when_its_origin_is_asked_again() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 5 * MIB, Some("\"1\"")));
    let recheck = recto_config::Duration::from_secs(0);
    let remote = place.remote(&RemoteOptions { recheck, ..place.options() });
    let access = place.open(&remote, "/a.tif");
    assert_noise(access.as_ref(), 3 * MIB, 1000);
    place.given();
    let again = place.locate(&remote, "/a.tif").unwrap();
    let given = place.store.given();
    assert_eq!(given.iter().map(|given| (given.status, given.bytes)).collect::<Vec<_>>(), [(304, 0)]);
    assert_noise(remote.open(&again).unwrap().as_ref(), 3 * MIB, 1000);
    assert_eq!(place.given(), []);
}

#[test]
fn d11_parts_keep_within_the_space_and_are_read_all_the_same() {
    let place = Place::new();
    let keep = ByteSize::mib(2);
    let remote = place.remote(&RemoteOptions { keep, ..place.options() });
    for path in ["/a.tif", "/b.tif"] {
        place.store.put(path, object(TIFF, 50 * MIB, Some("\"1\"")));
    }
    let access = place.open(&remote, "/a.tif");
    place.given();
    // More than there is room for, in one go and one by one.
    assert_noise(access.as_ref(), 20 * MIB, 12 * MIB);
    for at in 0..4 {
        assert_noise(access.as_ref(), (10 + 2 * at) * MIB, MIB);
    }
    let fetched: u64 = place.given().iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(fetched, 16 * MIB);
    assert_noise(access.as_ref(), 10 * MIB, MIB);
    assert_noise(access.as_ref(), 16 * MIB, MIB);
    let fetched: u64 = place.given().iter().map(|(_, bytes)| bytes).sum();
    assert!(fetched >= MIB, "what there is no room for is fetched again: {fetched}");
    // Another file takes the room of this one, which stays readable.
    let other = place.open(&remote, "/b.tif");
    assert_noise(other.as_ref(), 10 * MIB, MIB);
    assert_noise(access.as_ref(), 10 * MIB, MIB);
    place.given();
    assert_noise(other.as_ref(), 10 * MIB, MIB);
    assert_eq!(place.given(), []);
}

#[test]
fn d11_what_is_read_in_a_row_comes_in_long_pieces_over_one_connection() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 100 * MIB, Some("\"1\"")));
    let remote = place.remote(&place.options());
    let access = place.open(&remote, "/a.tif");
    place.given();
    // Tiles beside one another are not yet a file that is read from end to end.
    for number in 0..3 {
        assert_noise(access.as_ref(), 20 * MIB + number * PIECE, PIECE);
        assert_eq!(place.given(), [(20 * MIB + number * PIECE, PIECE)]);
    }
    for number in 3..128 {
        assert_noise(access.as_ref(), 20 * MIB + number * PIECE, PIECE);
    }
    let given = place.given();
    let bytes: u64 = given.iter().map(|(_, bytes)| bytes).sum();
    assert!(given.len() <= 12, "{} requests for 125 pieces", given.len());
    assert!((31 * MIB..=48 * MIB).contains(&bytes), "{bytes} bytes for 31 MiB");
    assert!(given.iter().all(|(_, bytes)| *bytes <= 8 * MIB));
    assert!(place.store.connections() <= 4, "connections are used again");
}

#[test]
fn d11_a_range_that_is_under_way_is_fetched_once_for_all_who_want_it() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 100 * MIB, Some("\"1\"")));
    let remote = place.remote(&place.options());
    let access = place.open(&remote, "/a.tif");
    place.given();
    place.store.set_latency(Duration::from_millis(200));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| assert_noise(access.as_ref(), 50 * MIB, 1000));
        }
    });
    assert_eq!(place.given(), [(50 * MIB, 1000)]);
}

#[test]
fn d11_a_file_that_is_another_one_each_time_it_is_asked_for_is_fetched_whole() {
    let place = Place::new();
    let remote = place.remote(&place.options());
    let mut tag = 0;
    // As where copies on two machines have tags of their own.
    let mut put_another = || {
        tag += 1;
        place.store.put("/a.tif", object(TIFF, 5 * MIB, Some(&format!("\"{tag}\""))));
    };
    put_another();
    for _ in 0..2 {
        let access = place.open(&remote, "/a.tif");
        assert_eq!(access.read_ahead(), BEGINNING);
        put_another();
        let error = access.read_range(ByteRange::new(4 * MIB, 10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StaleNetworkFileHandle);
    }
    let access = place.open(&remote, "/a.tif");
    put_another();
    assert_eq!(access.read_ahead(), 0);
    assert_noise(access.as_ref(), 4, 5 * MIB - 4);
}

#[test]
fn d11_a_file_that_had_to_make_room_is_taken_up_again_by_those_who_have_it_open() {
    let place = Place::new();
    let keep = ByteSize::mib(2);
    let remote = place.remote(&RemoteOptions { keep, ..place.options() });
    for path in ["/a.tif", "/b.tif"] {
        place.store.put(path, object(TIFF, 50 * MIB, Some("\"1\"")));
    }
    let located = place.locate(&remote, "/a.tif").unwrap();
    let access = remote.open(&located).unwrap();
    assert_noise(access.as_ref(), 10 * MIB, MIB);
    assert!(access.try_read_current(10 * MIB, &mut [0]));
    let other = place.open(&remote, "/b.tif");
    assert_noise(other.as_ref(), 20 * MIB, MIB);
    assert_eq!(remote.revalidate(&located).unwrap(), None);
    assert!(!access.try_read_current(10 * MIB, &mut [0]));
    drop(other);
    place.given();
    let again = place.locate(&remote, "/a.tif").unwrap();
    assert_eq!(again, Located { last_modified: again.last_modified, ..located });
    assert_noise(remote.open(&again).unwrap().as_ref(), 10 * MIB, MIB);
    assert_eq!(place.given(), [(0, BEGINNING), (10 * MIB, MIB)]);
    assert!(access.try_read_current(10 * MIB, &mut [0]), "who has it open has what came for others");
    assert_noise(access.as_ref(), 4, BEGINNING - 4);
    assert_eq!(place.given(), []);
}

#[test]
fn d11_parts_that_had_to_go_are_taken_up_again_while_somebody_has_them_open() {
    let place = Place::new();
    let remote = place.remote(&place.options());
    place.store.put("/a.tif", object(TIFF, 50 * MIB, Some("\"1\"")));
    let located = place.locate(&remote, "/a.tif").unwrap();
    let access = remote.open(&located).unwrap();
    assert_noise(access.as_ref(), 10 * MIB, MIB);
    // Its origin says for a moment that it is gone.
    place.store.remove("/a.tif");
    remote.ask_again(&|_| true);
    assert!(matches!(place.locate(&remote, "/a.tif"), Err(SourceError::NotFound { .. })));
    assert_noise(access.as_ref(), 10 * MIB, MIB);
    place.store.put("/a.tif", object(TIFF, 50 * MIB, Some("\"1\"")));
    remote.ask_again(&|_| true);
    place.given();
    let again = place.locate(&remote, "/a.tif").unwrap();
    assert_eq!(again, Located { last_modified: again.last_modified, ..located });
    assert_noise(remote.open(&again).unwrap().as_ref(), 10 * MIB, MIB);
    assert_eq!(place.given(), [(0, BEGINNING)]);
}

#[cfg(target_os = "linux")]
#[test]
fn d11_files_that_had_to_make_room_take_no_disk_while_they_are_open() {
    let place = Place::new();
    let keep = ByteSize::mib(2);
    let remote = place.remote(&RemoteOptions { keep, ..place.options() });
    let open: Vec<_> = (0..6)
        .map(|number| {
            let path = format!("/{number}.tif");
            place.store.put(&path, object(TIFF, 50 * MIB, Some("\"1\"")));
            let access = place.open(&remote, &path);
            assert_noise(access.as_ref(), 10 * MIB, MIB);
            access
        })
        .collect();
    // File systems take some for themselves.
    let bytes = place.nameless_bytes();
    assert!((MIB..2 * MIB + 256 * 1024).contains(&bytes), "{bytes} bytes of 2 MiB that may be kept");
    // All can be read on, those whose bytes had to go as well.
    for access in &open {
        assert_noise(access.as_ref(), 10 * MIB - 1000, 5000);
        assert_noise(access.as_ref(), 4, 1000);
    }
}

#[test]
fn d11_those_who_read_at_once_what_has_no_room_together_read_it_right() {
    let place = Place::new();
    let keep = ByteSize::mib(2);
    let remote = place.remote(&RemoteOptions { keep, ..place.options() });
    std::thread::scope(|scope| {
        for number in 0..4_u64 {
            let (place, remote) = (&place, &remote);
            let path = format!("/{number}.tif");
            place.store.put(&path, object(TIFF, 50 * MIB, Some("\"1\"")));
            scope.spawn(move || {
                for turn in 0..4 {
                    // It may have to make room before it is opened.
                    let mut found = (0..1000).filter_map(|_| remote.open(&place.locate(remote, &path).ok()?).ok());
                    let access = found.next().unwrap();
                    for at in [10, 20, 10] {
                        assert_noise(access.as_ref(), at * MIB + turn * 70_000, 400_000);
                    }
                }
            });
        }
    });
}

/// Statuses of paths in order.
fn these(asked: &[(&str, u16)]) -> Vec<(String, u16)> {
    asked.iter().map(|(path, status)| ((*path).to_owned(), *status)).collect()
}

#[test]
fn d11_where_a_redirect_led_is_not_asked_again_for_each_range() {
    let place = Place::new();
    let remote = place.remote(&place.options());
    place.store.put("/there", object(TIFF, 50 * MIB, Some("\"1\"")));
    for (path, status, cache_control, is_remembered) in [
        ("/for-now.tif", 307, "", true),
        ("/found.tif", 302, "public, max-age=3600", true),
        ("/for-good.tif", 308, "", true),
        ("/not-stored.tif", 307, "private, no-store", false),
        ("/not-fresh.tif", 301, "max-age=0", false),
    ] {
        place.redirect(path, status, "/there", cache_control);
        let access = place.open(&remote, path);
        assert_eq!(place.asked(), these(&[(path, status), ("/there", 206)]));
        for at in 1..4 {
            assert_noise(access.as_ref(), 10 * at * MIB, 1000);
            let expected = these(&[(path, status), ("/there", 206)]);
            assert_eq!(place.asked(), &expected[usize::from(is_remembered)..], "{path}");
        }
    }
    // Of two that lead on to one another, one is to be asked each time.
    place.redirect("/twice.tif", 301, "/for-good.tif", "no-store");
    let access = place.open(&remote, "/twice.tif");
    place.asked();
    assert_noise(access.as_ref(), 10 * MIB, 1000);
    let all = these(&[("/twice.tif", 301), ("/for-good.tif", 308), ("/there", 206)]);
    assert_eq!(place.asked(), all);
}

#[test]
fn d11_where_a_redirect_led_is_forgotten_when_it_leads_there_no_more() {
    let place = Place::new();
    let prefixes = vec![place.store.url("/in/")];
    let remote = place.remote(&RemoteOptions { prefixes, ..place.options() });
    let same = object(TIFF, 50 * MIB, Some("\"1\""));
    place.store.put("/in/1", same.clone());
    place.redirect("/in/a.tif", 307, "/in/1", "");
    let access = place.open(&remote, "/in/a.tif");
    place.asked();
    // It is signed for a time that is over, as it were; the origin knows where it is now.
    place.store.remove("/in/1");
    place.store.put("/in/2", same.clone());
    place.redirect("/in/a.tif", 307, "/in/2", "");
    assert_noise(access.as_ref(), 10 * MIB, 1000);
    assert_eq!(place.asked(), these(&[("/in/1", 404), ("/in/a.tif", 307), ("/in/2", 206)]));
    assert_noise(access.as_ref(), 11 * MIB, 1000);
    assert_eq!(place.asked(), these(&[("/in/2", 206)]));
    // Another version is there; this one has moved on.
    place.store.put("/in/2", object(TIFF, 50 * MIB, Some("\"2\"")));
    place.store.put("/in/3", same.clone());
    place.redirect("/in/a.tif", 307, "/in/3", "");
    assert_noise(access.as_ref(), 12 * MIB, 1000);
    assert_eq!(place.asked(), these(&[("/in/2", 412), ("/in/a.tif", 307), ("/in/3", 206)]));
    // Where it led leads on: that is asked of the origin, too, and goes nowhere that is not allowed.
    place.redirect("/in/3", 302, "/out", "");
    place.redirect("/in/a.tif", 307, "/out", "");
    place.store.put("/out", same);
    let error = access.read_range(ByteRange::new(13 * MIB, 10)).unwrap_err();
    assert!(error.to_string().contains("its origin leads elsewhere"), "{error}");
    assert_eq!(place.asked(), these(&[("/in/3", 302), ("/in/a.tif", 307)]));
}

#[test]
fn d11_what_is_to_be_asked_again_is() {
    let place = Place::new();
    place.store.put("/a.tif", object(TIFF, 5 * MIB, Some("\"1\"")));
    let remote = place.remote(&place.options());
    let before = place.locate(&remote, "/a.tif").unwrap();
    place.store.put("/a.tif", object(TIFF, 6 * MIB, Some("\"2\"")));
    remote.ask_again(&|url| url.ends_with("/b.tif"));
    assert_eq!(place.locate(&remote, "/a.tif").unwrap(), before);
    remote.ask_again(&|url| url.ends_with("/a.tif"));
    assert_eq!(place.locate(&remote, "/a.tif").unwrap().length, 6 * MIB);
}
