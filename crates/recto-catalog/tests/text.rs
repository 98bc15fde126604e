//! The store of texts from outside.

#![cfg(test)]

use std::sync::atomic::{AtomicBool, Ordering};

use recto_catalog::text::{PageBlob, TextObject, TextState, TextStore};
use recto_catalog::{CatalogError, Fingerprint};

fn page(page: u32, source: u128, blob: &str) -> PageBlob {
    PageBlob { page, source: Fingerprint(source), blob: blob.as_bytes().to_vec() }
}

#[test]
fn what_was_put_is_read_again_after_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    let store = TextStore::open(&path).unwrap();
    assert_eq!(store.state(5).unwrap(), None);
    let pages = [page(0, 1, "one"), page(1, 2, ""), page(4, 3, "five")];
    let version = store.put(5, Fingerprint(u128::MAX - 1), b"index", 20, &pages).unwrap();
    drop(store);
    let store = TextStore::open(&path).unwrap();
    let state = TextState { signature: Fingerprint(u128::MAX - 1), version, pages: 2, words: 20 };
    assert_eq!(store.state(5).unwrap(), Some(state));
    assert_eq!(store.objects().unwrap(), [(5, state)]);
    assert_eq!(store.index(5).unwrap(), Some((version, b"index".to_vec())));
    assert_eq!(store.page(5, 4).unwrap(), Some(b"five".to_vec()));
    assert_eq!(store.page(5, 1).unwrap(), Some(Vec::new()), "read, and without words");
    assert_eq!(store.page(5, 2).unwrap(), None, "never read");
    assert_eq!(store.pages(5, 1..5).unwrap(), [(1, Vec::new()), (4, b"five".to_vec())]);
    assert_eq!(store.pages(5, 0..u32::MAX).unwrap().len(), 3);
    assert_eq!(store.page_sources(5).unwrap(), [(0, Fingerprint(1)), (1, Fingerprint(2)), (4, Fingerprint(3))]);
}

#[test]
fn an_object_is_replaced_as_a_whole_and_its_version_is_never_used_again() {
    let store = TextStore::in_memory().unwrap();
    let first = store.put(1, Fingerprint(1), b"a", 3, &[page(0, 1, "one"), page(1, 2, "two"), page(2, 3, "three")]);
    let second = store.put(1, Fingerprint(2), b"b", 2, &[page(2, 3, "three"), page(1, 20, "zwei")]);
    let other = store.put(2, Fingerprint(3), b"c", 0, &[]);
    assert!(first.unwrap() < second.unwrap());
    let other = other.unwrap();
    assert_eq!(store.pages(1, 0..9).unwrap(), [(1, b"zwei".to_vec()), (2, b"three".to_vec())]);
    assert_eq!(store.page_sources(1).unwrap(), [(1, Fingerprint(20)), (2, Fingerprint(3))]);
    assert_eq!((store.index(1).unwrap().unwrap().1, store.state(1).unwrap().unwrap().words), (b"b".to_vec(), 2));
    assert_eq!(store.state(2).unwrap().unwrap().pages, 0, "an object without text is known as such");
    assert!(store.delete(2).unwrap() && !store.delete(2).unwrap());
    assert!(store.delete(1).unwrap());
    assert_eq!((store.state(1).unwrap(), store.page(1, 2).unwrap(), store.index(1).unwrap()), (None, None, None));
    assert!(store.put(1, Fingerprint(1), b"a", 3, &[]).unwrap() > other);
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
fn several_pages_are_given_of_the_version_that_is_asked_for() {
    let store = TextStore::in_memory().unwrap();
    let pages: Vec<PageBlob> = (0..5).map(|number| page(number, 1, &format!("page {number}"))).collect();
    let version = store.put(3, Fingerprint(1), b"", 5, &pages).unwrap();
    let found = store.pages_of(3, version, &[4, 1, 9]).unwrap();
    assert_eq!(found, [(4, b"page 4".to_vec()), (1, b"page 1".to_vec())]);
    assert_eq!(store.pages_of(3, version + 1, &[1]).unwrap(), []);
    assert_eq!(store.pages_of(4, version, &[1]).unwrap(), []);
}

#[test]
fn an_index_is_mapped_from_a_copy_that_goes_with_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    let files = || {
        let names = std::fs::read_dir(folder.path().join("text-indexes")).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "run");
        names.sort();
        names
    };
    let store = TextStore::open(&path).unwrap();
    assert!(store.mapped_index(7).unwrap().is_none());
    let first = store.put(7, Fingerprint(1), b"first", 1, &[]).unwrap();
    assert_eq!(files(), Vec::<String>::new(), "nothing is copied that nobody wants");
    let (version, mapped) = store.mapped_index(7).unwrap().unwrap();
    assert_eq!((version, &mapped[..], mapped.is_in_memory()), (first, &b"first"[..], false));
    assert_eq!(files(), [format!("7-{first}.index")]);
    let second = store.put(7, Fingerprint(2), b"second", 1, &[]).unwrap();
    assert_eq!(&mapped[..], b"first", "who has opened it keeps it");
    assert_eq!(&store.mapped_index(7).unwrap().unwrap().1[..], b"second");
    assert_eq!(files(), [format!("7-{second}.index")]);
    drop(store);
    // What a run of the program left goes on; what nothing names, and what another run of the machine wrote, does not.
    std::fs::write(folder.path().join("text-indexes/9-9.index"), "left").unwrap();
    std::fs::write(folder.path().join(format!("text-indexes/7-{second}.index.1-2")), "cut").unwrap();
    let store = TextStore::open(&path).unwrap();
    assert_eq!(files(), [format!("7-{second}.index")]);
    drop(store);
    std::fs::write(folder.path().join("text-indexes/run"), "another").unwrap();
    let store = TextStore::open(&path).unwrap();
    assert_eq!(files(), Vec::<String>::new());
    assert_eq!(&store.mapped_index(7).unwrap().unwrap().1[..], b"second");
    assert!(store.delete(7).unwrap());
    assert_eq!(files(), Vec::<String>::new());
    let memory = TextStore::in_memory().unwrap();
    memory.put(1, Fingerprint(1), b"only", 1, &[]).unwrap();
    assert!(memory.mapped_index(1).unwrap().unwrap().1.is_in_memory());
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
        let pages: Vec<_> = (0..20).map(|at| page(at, u128::from(number), &number.to_string())).collect();
        store.put(1, Fingerprint(u128::from(number)), number.to_string().as_bytes(), 20, &pages).unwrap();
        store.put_shard(0, Fingerprint(u128::from(number)), number.to_string().repeat(1000).as_bytes()).unwrap();
    };
    write(0);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut seen = 0;
                while !ended.load(Ordering::Relaxed) || seen == 0 {
                    let (version, index) = store.index(1).unwrap().unwrap();
                    assert_eq!(std::str::from_utf8(&index).unwrap().parse::<i64>().unwrap() * 2 + 1, version);
                    let pages = store.pages(1, 0..20).unwrap();
                    assert!(pages.len() == 20 && pages.iter().all(|(_, blob)| *blob == pages[0].1), "{pages:?}");
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
    assert_eq!(store.index(3).unwrap(), Some((41, vec![1, 2])));
    assert_eq!(store.pages(3, 0..9).unwrap(), [(0, vec![3, 4]), (1, vec![])]);
    assert_eq!(store.page_sources(3).unwrap(), [(0, Fingerprint(7)), (1, Fingerprint(8))]);
    assert_eq!(store.put(4, Fingerprint(1), b"", 0, &[]).unwrap(), 42);
}
