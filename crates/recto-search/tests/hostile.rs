//! Damaged blobs are errors or answers: no panic, and no more memory than their length allows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use bytes::Bytes;
use common::Object;
use common::made::{cases, pages};
use proptest::prelude::*;
use proptest::sample::Index as Pick;
use recto_search::SearchError;
use recto_search::coarse::{Shard, build};
use recto_search::index::{Continuity, Index, IndexBuilder};
use recto_search::page::{Page, VERSION, encode};
use recto_search::query::Query;
use recto_search::search::{complete, find, locate};
use xxhash_rust::xxh3::xxh3_64;

#[derive(Clone, Debug)]
enum Damage {
    Change(Pick, u8),
    Cut(Pick),
    Repeat(Pick),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<Pick>(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        1 => any::<Pick>().prop_map(Damage::Cut),
        1 => any::<Pick>().prop_map(Damage::Repeat),
    ]
}

fn damaged(blob: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    for damage in damages {
        if blob.is_empty() {
            break;
        }
        match damage {
            Damage::Change(at, byte) => {
                let at = at.index(blob.len());
                blob[at] = *byte;
            }
            Damage::Cut(at) => blob.truncate(at.index(blob.len())),
            Damage::Repeat(at) => {
                let tail = blob[at.index(blob.len())..].to_vec();
                blob.extend(tail);
            }
        }
    }
    blob
}

/// Uses everything of a page, whatever it is.
fn use_page(blob: &[u8]) {
    let Ok(page) = Page::decode(blob) else { return };
    for ordinal in 0..page.word_count() {
        let _ = (page.word(ordinal), page.alternatives(ordinal).count());
    }
    assert_eq!(page.lines().count(), page.line_count());
    let mut builder = IndexBuilder::new(Continuity::Running, None, false);
    builder.add(&page);
    Index::open(builder.finish().unwrap().into()).unwrap();
}

fn use_index(index: &Index, blobs: &[Bytes]) {
    for query in ["gr*", "vogel~2", "東京", "\"a ab\"", "a -b"] {
        let found = find(index, &Query::parse(query), None);
        locate(index, &found, 0..50, &|page| blobs.get(page as usize).cloned(), 5);
    }
    complete(index, "g", None, 1, 10);
    complete(index, "東", None, 1, 10);
}

#[test]
fn other_versions_and_other_files_are_told_from_damage() {
    let object = Object::new(&["green bird"]);
    assert!(matches!(Page::decode(b"PNG"), Err(SearchError::Version { what: "page of text", version: VERSION })));
    assert!(matches!(Page::decode(&[]), Err(SearchError::Version { .. })));
    assert!(matches!(Index::open(object.blobs[0].clone()), Err(SearchError::Version { what: "text index", .. })));
    let mut newer = object.blobs[0].to_vec();
    newer[2] = VERSION + 1;
    let error = Page::decode(&newer).unwrap_err();
    assert_eq!(error.to_string(), "this is no page of text of version 3; make it anew from the text");
    let mut shard = build(&[&object.index]).unwrap();
    *shard.last_mut().unwrap() ^= 1;
    assert!(matches!(Shard::open(shard), Err(SearchError::Corrupt { what: "shard of objects" })));
}

#[test]
fn each_byte_of_an_index_is_guarded() {
    let object = Object::new(&["green bird green", "tree"]);
    let mut builder = IndexBuilder::new(Continuity::Running, None, false);
    object.blobs.iter().for_each(|blob| builder.add(&Page::decode(blob).unwrap()));
    let blob = builder.finish().unwrap();
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 0x55;
        assert!(Index::open(changed.into()).is_err(), "byte {at}");
    }
}

#[test]
fn each_byte_of_a_page_is_guarded() {
    let object = Object::new(&["green bird green"]);
    for at in 0..object.blobs[0].len() {
        let mut changed = object.blobs[0].to_vec();
        changed[at] ^= 0x55;
        assert!(Page::decode(&changed).is_err(), "byte {at}");
    }
}

/// The blob of a page with this body, whatever it is, and a sum that is right.
fn with_sum(body: &[u8]) -> Vec<u8> {
    let mut blob = vec![b'R', b'p', VERSION, 0];
    blob.extend(xxh3_64(body).to_le_bytes());
    blob.extend(body);
    blob
}

#[test]
fn a_page_that_claims_to_be_huge_is_refused_before_memory_is_taken() {
    // No language, no languages, no width, and some lines.
    for lines in [&[0x05][..], &[0xff, 0xff, 0x1f], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]] {
        let body = [&[0, 0, 0], lines].concat();
        assert!(matches!(Page::decode(&with_sum(&body)), Err(SearchError::Corrupt { .. })));
    }
    assert_eq!(Page::decode(&with_sum(&[0, 0, 0, 0])).unwrap(), Page::default());
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn damaged_pages_are_errors_or_pages(pages in pages(), damages in prop::collection::vec(damage(), 1..4)) {
        for page in &pages {
            use_page(&damaged(&encode(page).unwrap(), &damages));
        }
    }

    #[test]
    fn damaged_contents_of_pages_are_errors_or_pages(pages in pages(), damages in prop::collection::vec(damage(), 1..4)) {
        for page in &pages {
            let blob = encode(page).unwrap();
            // With a right sum nothing guards any more: the reader itself has to hold.
            use_page(&with_sum(&damaged(&blob[12..], &damages)));
        }
    }

    #[test]
    fn hits_of_other_pages_than_were_indexed_do_no_harm(one in pages(), other in pages()) {
        let (one, other) = (Object::of(&one, None), Object::of(&other, None));
        use_index(&one.index, &other.blobs);
    }

    #[test]
    fn any_bytes_are_errors_or_blobs(bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0_usize..3) {
        let mut blob = [*b"Rp", *b"Ri", *b"Rs"][magic].to_vec();
        blob.push(1);
        blob.extend(&bytes);
        use_page(&blob);
        use_page(&with_sum(&bytes));
        prop_assert!(Index::open(blob.clone().into()).is_err());
        prop_assert!(Shard::open(blob.clone()).is_err());
        let _ = Shard::open_unchecked(blob).is_err();
    }
}
