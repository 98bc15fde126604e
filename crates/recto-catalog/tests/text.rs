//! The store of texts from outside.

#![cfg(test)]

use std::sync::atomic::{AtomicBool, Ordering};

use recto_catalog::text::{PageBlob, TextObject, TextState, TextStore};
use recto_catalog::{CatalogError, Fingerprint};

fn page(page: u32, source: u128, blob: &str) -> PageBlob {
    PageBlob { page, source: Fingerprint(source), blob: blob.as_bytes().to_vec() }
}

fn text(object: i64, signature: u128, index: &str, pages: &[PageBlob]) -> TextObject {
    let (signature, index) = (Fingerprint(signature), index.as_bytes().to_vec());
    TextObject { object, signature, index, words: 20, pages: pages.to_vec() }
}

/// The index and the first pages of an object.
fn kept(store: &TextStore, object: i64) -> Option<(String, Vec<(u32, String)>)> {
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let copy = store.newest_copy(object).unwrap()?;
    let pages = (0..9).filter_map(|page| Some((page, string(&copy.page(page)?)))).collect();
    Some((string(&copy.index), pages))
}

fn pages(of: &[(u32, &str)]) -> Vec<(u32, String)> {
    of.iter().map(|(page, blob)| (*page, (*blob).to_owned())).collect()
}

#[test]
fn what_was_put_is_read_again_after_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    let store = TextStore::open(&path).unwrap();
    assert_eq!(store.state(5).unwrap(), None);
    // Pages may come in any order.
    let put = [page(4, 3, "five"), page(0, 1, "one"), page(1, 2, "")];
    let version = store.put(&text(5, u128::MAX - 1, "index", &put)).unwrap();
    drop(store);
    let store = TextStore::open(&path).unwrap();
    let state = TextState { signature: Fingerprint(u128::MAX - 1), version, pages: 2, words: 20 };
    assert_eq!(store.state(5).unwrap(), Some(state));
    assert_eq!(store.objects().unwrap(), [(5, state)]);
    // The second page was read, and is without words; the third was never read.
    assert_eq!(kept(&store, 5), Some(("index".into(), pages(&[(0, "one"), (1, ""), (4, "five")]))));
    assert_eq!(store.page_sources(5).unwrap(), [(0, Fingerprint(1)), (1, Fingerprint(2)), (4, Fingerprint(3))]);
}

#[test]
fn an_object_is_replaced_as_a_whole_and_its_version_is_never_used_again() {
    let store = TextStore::in_memory().unwrap();
    let first = store.put(&text(1, 1, "a", &[page(0, 1, "one"), page(1, 2, "two"), page(2, 3, "three")]));
    let second = store.put(&text(1, 2, "b", &[page(2, 3, "three"), page(1, 20, "zwei")]));
    let other = store.put(&TextObject { words: 0, ..text(2, 3, "c", &[]) });
    assert!(first.unwrap() < second.unwrap());
    let other = other.unwrap();
    assert_eq!(kept(&store, 1), Some(("b".into(), pages(&[(1, "zwei"), (2, "three")]))));
    assert_eq!(store.page_sources(1).unwrap(), [(1, Fingerprint(20)), (2, Fingerprint(3))]);
    assert_eq!(store.state(2).unwrap().unwrap().pages, 0, "an object without text is known as such");
    assert!(store.delete(2).unwrap() && !store.delete(2).unwrap());
    assert!(store.delete(1).unwrap());
    assert_eq!((store.state(1).unwrap(), kept(&store, 1)), (None, None));
    assert!(store.put(&text(1, 1, "a", &[])).unwrap() > other);
}

#[test]
fn many_objects_are_put_in_one_transaction_or_not_at_all() {
    let store = TextStore::in_memory().unwrap();
    let object = |object: i64| TextObject {
        object,
        signature: Fingerprint(object as u128),
        index: vec![0; 10],
        words: 600,
        pages: (0..200).map(|number| page(number, 1, "words and boxes")).collect(),
    };
    store.put_many(&(1..=20).map(object).collect::<Vec<_>>()).unwrap();
    let objects = store.objects().unwrap();
    assert_eq!(objects.iter().map(|(row, _)| *row).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert!(objects.iter().all(|(_, state)| state.pages == 200));
    assert!(objects.is_sorted_by_key(|(_, state)| state.version));
}

#[test]
fn a_text_is_mapped_from_a_copy_that_goes_with_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    std::fs::create_dir(folder.path().join("text-indexes")).unwrap();
    let files = || {
        let names = std::fs::read_dir(folder.path().join("text-copies")).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "run");
        names.sort();
        names
    };
    let store = TextStore::open(&path).unwrap();
    assert!(!folder.path().join("text-indexes").exists(), "what an earlier version kept is of no use");
    assert!(store.newest_copy(7).unwrap().is_none());
    let first = store.put(&text(7, 1, "first", &[page(0, 1, "page")])).unwrap();
    assert_eq!(files(), [format!("7-{first}.text")]);
    let copy = store.copy(7, first).unwrap().unwrap();
    assert_eq!((copy.version, &copy.index[..], copy.memory_bytes()), (first, &b"first"[..], 0));
    let second = store.put(&text(7, 2, "second", &[page(0, 2, "other page")])).unwrap();
    assert_eq!((&copy.index[..], &copy.page(0).unwrap()[..]), (&b"first"[..], &b"page"[..]), "who has it keeps it");
    assert_eq!(files(), [format!("7-{second}.text")]);
    // Who expects a version that is gone is given the one that is there.
    let copy = store.copy(7, first).unwrap().unwrap();
    assert_eq!((copy.version, &copy.index[..], copy.page(1)), (second, &b"second"[..], None));
    drop(store);
    // What a run of the program left goes on; what nothing names, and what another run of the machine wrote, does not.
    std::fs::write(folder.path().join("text-copies/9-9.text"), "left").unwrap();
    std::fs::write(folder.path().join(format!("text-copies/7-{second}.text.1-2")), "cut").unwrap();
    let store = TextStore::open(&path).unwrap();
    assert_eq!(files(), [format!("7-{second}.text")]);
    drop(store);
    std::fs::write(folder.path().join("text-copies/run"), "another").unwrap();
    let store = TextStore::open(&path).unwrap();
    assert_eq!(files(), Vec::<String>::new());
    assert_eq!(kept(&store, 7), Some(("second".into(), pages(&[(0, "other page")]))));
    assert_eq!(files(), [format!("7-{second}.text")], "made anew when it is wanted");
    assert!(store.delete(7).unwrap());
    assert_eq!(files(), Vec::<String>::new());
    let memory = TextStore::in_memory().unwrap();
    memory.put(&text(1, 1, "only", &[page(3, 1, "page")])).unwrap();
    assert_eq!(kept(&memory, 1), Some(("only".into(), pages(&[(3, "page")]))));
    assert!(memory.newest_copy(1).unwrap().unwrap().memory_bytes() > 8);
}

#[test]
fn a_copy_that_is_cut_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let store = TextStore::open(&folder.path().join("text.sqlite")).unwrap();
    let version = store.put(&text(7, 1, "index", &[page(0, 1, "page"), page(1, 1, "next")])).unwrap();
    let file = folder.path().join(format!("text-copies/7-{version}.text"));
    let whole = std::fs::read(&file).unwrap();
    for length in [0, 3, 11, 20, 36, whole.len() - 9] {
        std::fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(kept(&store, 7), Some(("index".into(), pages(&[(0, "page"), (1, "next")]))), "{length}");
        assert_eq!(std::fs::read(&file).unwrap(), whole);
    }
}

#[test]
fn a_shard_is_mapped_and_who_has_opened_it_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(folder.path().join("text-shards"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let store = TextStore::open(&path).unwrap();
    assert!(store.shard(0).unwrap().is_none() && store.shard_state(0).unwrap().is_none());
    let first = store.put_shard(0, Fingerprint(1), b"first").unwrap();
    let (version, opened) = store.shard(0).unwrap().unwrap();
    assert_eq!((version, &*opened), (first, &b"first"[..]));
    let second = store.put_shard(0, Fingerprint(2), &vec![9; 100_000]).unwrap();
    let empty = store.put_shard(3, Fingerprint(3), b"").unwrap();
    assert!(first < second);
    assert_eq!(&*opened, b"first");
    assert_eq!(files(), [format!("0-{second}.shard"), format!("3-{empty}.shard")]);
    std::fs::write(folder.path().join("text-shards/0-77.shard"), b"left over").unwrap();
    std::fs::write(folder.path().join("text-shards/0-78.shard.part"), b"cut short").unwrap();
    std::fs::write(folder.path().join("text-shards/notes.txt"), b"somebody's").unwrap();
    drop(store);
    let store = TextStore::open(&path).unwrap();
    assert_eq!(files(), [format!("0-{second}.shard"), format!("3-{empty}.shard"), "notes.txt".into()]);
    assert_eq!(store.shard(0).unwrap().unwrap().1.len(), 100_000);
    assert!(store.shard(3).unwrap().unwrap().1.is_empty());
    let state = store.shard_state(0).unwrap().unwrap();
    assert_eq!((state.signature, state.version, state.length), (Fingerprint(2), second, 100_000));
    assert_eq!(store.shards().unwrap().len(), 2);
    assert!(store.delete_shard(3).unwrap() && !store.delete_shard(3).unwrap());
    assert!(store.shard(3).unwrap().is_none());
    assert_eq!(files(), [format!("0-{second}.shard"), "notes.txt".into()]);
}

#[test]
fn a_shard_whose_file_is_gone_or_cut_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    let store = TextStore::open(&path).unwrap();
    let version = store.put_shard(0, Fingerprint(1), b"first").unwrap();
    let file = folder.path().join(format!("text-shards/0-{version}.shard"));
    std::fs::write(&file, b"fir").unwrap();
    assert!(store.shard(0).unwrap().is_none());
    std::fs::remove_file(&file).unwrap();
    assert!(store.shard(0).unwrap().is_none());
    store.put_shard(0, Fingerprint(1), b"again").unwrap();
    assert_eq!(&*store.shard(0).unwrap().unwrap().1, b"again");
}

#[test]
fn shards_of_a_store_in_memory_are_kept_in_memory() {
    let store = TextStore::in_memory().unwrap();
    store.put_shard(2, Fingerprint(1), b"terms").unwrap();
    assert_eq!(&*store.shard(2).unwrap().unwrap().1, b"terms");
    assert!(store.delete_shard(2).unwrap());
    assert!(store.shard(2).unwrap().is_none());
}

/// Each state of the object says its number everywhere: a reader that saw two of them at once would notice.
#[test]
fn readers_beside_a_writer_see_whole_states() {
    let folder = tempfile::tempdir().unwrap();
    let store = TextStore::open(&folder.path().join("text.sqlite")).unwrap();
    let write = |number: u32| {
        let pages: Vec<_> = (0..9).map(|at| page(at, u128::from(number), &number.to_string())).collect();
        store.put(&text(1, u128::from(number), &number.to_string(), &pages)).unwrap();
        store.put_shard(0, Fingerprint(u128::from(number)), number.to_string().repeat(1000).as_bytes()).unwrap();
    };
    write(0);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut seen = 0;
                while !ended.load(Ordering::Relaxed) || seen == 0 {
                    let (version, index) =
                        store.newest_copy(1).unwrap().map(|copy| (copy.version, copy.index)).unwrap();
                    assert_eq!(std::str::from_utf8(&index).unwrap().parse::<i64>().unwrap() * 2 + 1, version);
                    let (index, pages) = kept(&store, 1).unwrap();
                    assert!(pages.len() == 9 && pages.iter().all(|(_, blob)| *blob == index), "{pages:?}");
                    let (version, shard) = store.shard(0).unwrap().unwrap();
                    let number = (version / 2 - 1).to_string();
                    assert_eq!(&*shard, number.repeat(1000).as_bytes());
                    seen += 1;
                }
            });
        }
        for number in 1..100 {
            write(number);
        }
        ended.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_text_database_of_a_newer_program_is_refused_and_one_that_is_broken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    drop(TextStore::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = TextStore::open(&path).unwrap_err();
    assert!(matches!(error, CatalogError::TooNew { found: 99, .. }) && !error.is_corrupt(), "{error}");
    std::fs::write(&path, "this is no database, and it is long enough to be looked at as one".repeat(400)).unwrap();
    assert!(TextStore::open(&path).unwrap_err().is_corrupt());
}

/// A database as the first version wrote it, by hand: every later version has to open it and answer alike.
#[test]
fn a_text_database_of_the_first_version_opens_and_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("upgrade/text-1.sql")).unwrap();
    drop(old);
    let store = TextStore::open(&path).unwrap();
    let state = TextState { signature: Fingerprint(9), version: 41, pages: 1, words: 12 };
    assert_eq!(store.objects().unwrap(), [(3, state)]);
    assert_eq!(kept(&store, 3), Some(("\u{1}\u{2}".into(), pages(&[(0, "\u{3}\u{4}"), (1, "")]))));
    assert_eq!(store.page_sources(3).unwrap(), [(0, Fingerprint(7)), (1, Fingerprint(8))]);
    assert_eq!(store.put(&text(4, 1, "", &[])).unwrap(), 42);
}
