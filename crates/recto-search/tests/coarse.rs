//! Shards answer as opening every object would.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::BTreeMap;

use common::Object;
use common::made::{asked, cases, pages, typed};
use common::scan::{Asked, Means};
use proptest::prelude::*;
use proptest::sample::select;
use recto_search::SearchError;
use recto_search::coarse::{Candidate, MOST_OBJECTS, Shard, build, complete};
use recto_search::query::Query;
use recto_search::search::{Term, find, merge_terms};

fn shard(objects: &[Object]) -> Shard<Vec<u8>> {
    let indexes: Vec<_> = objects.iter().map(|object| &object.index).collect();
    Shard::open(build(&indexes).unwrap()).unwrap()
}

/// With two edits, shards want the first letter to be the same.
fn has_two_edits(query: &[Asked]) -> bool {
    query.iter().any(|asked| asked.words.iter().any(|(_, means)| *means == Means::Within(2)))
}

#[test]
fn words_are_counted_in_each_object_that_is_allowed() {
    let objects: Vec<_> =
        ["green bird bird", "bird", "tree", "green tree"].iter().map(|text| Object::new(&[text])).collect();
    let shard = shard(&objects);
    let ask = |query: &str, hidden: u32| {
        let found = shard.candidates(&Query::parse(query), &|object| object != hidden);
        found.into_iter().map(|it: Candidate| (it.object, it.count, it.is_exact)).collect::<Vec<_>>()
    };
    assert_eq!(ask("bird", 9), [(0, 2, true), (1, 1, true)]);
    assert_eq!(ask("bird", 0), [(1, 1, true)]);
    assert_eq!(ask("tr*", 9), [(2, 1, true), (3, 1, true)]);
    assert_eq!(ask("brd~", 9), [(0, 2, true), (1, 1, true)]);
    assert_eq!(ask("grn~2", 9), [(0, 1, false), (3, 1, false)]);
    assert_eq!(ask("reen~2", 9), []);
    assert_eq!(ask("\"green bird\"", 9), [(0, 1, false)]);
    assert_eq!(ask("green tree", 9), [(3, 2, false)]);
    assert_eq!(ask("green -tree", 9), [(0, 1, false), (3, 1, false)]);
    assert_eq!(ask("-green", 9), []);
}

#[test]
fn a_shard_holds_up_to_128_objects() {
    let objects: Vec<_> = (0..=MOST_OBJECTS).map(|number| Object::new(&[&format!("a{number} b")])).collect();
    let indexes: Vec<_> = objects.iter().map(|object| &object.index).collect();
    assert!(matches!(build(&indexes), Err(SearchError::TooLarge { .. })));
    let shard = Shard::open(build(&indexes[..MOST_OBJECTS]).unwrap()).unwrap();
    assert_eq!(shard.candidates(&Query::parse("b"), &|_| true).len(), MOST_OBJECTS);
    assert_eq!(shard.candidates(&Query::parse("a127"), &|_| true)[0].object, 127);
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn candidates_are_what_opening_every_object_finds(
        texts in prop::collection::vec((pages(), any::<bool>()), 1..7),
        queries in prop::collection::vec(asked(), 1..12),
        allowed in prop::collection::vec(any::<bool>(), 7),
        stems in any::<bool>(),
    ) {
        let objects: Vec<_> = texts.iter().map(|(pages, is_german)| Object::of(pages, (stems && *is_german).then_some("de"))).collect();
        let shard = shard(&objects);
        prop_assert_eq!(shard.object_count() as usize, objects.len());
        for asked in &queries {
            let query = Query::parse(&typed(asked));
            let found = shard.candidates(&query, &|object| allowed[object as usize]);
            for (number, object) in objects.iter().enumerate() {
                let total = find(&object.index, &query, None).total() as u64;
                let candidate = found.iter().find(|it| it.object as usize == number);
                match candidate {
                    Some(candidate) => {
                        prop_assert!(allowed[number]);
                        if candidate.is_exact {
                            prop_assert_eq!(candidate.count, total, "{}", query);
                        }
                    }
                    None => prop_assert!(total == 0 || !allowed[number] || has_two_edits(asked), "{}", query),
                }
            }
            prop_assert!(found.is_sorted_by_key(|it| it.object));
        }
    }

    #[test]
    fn completions_are_those_of_all_objects_together(
        texts in prop::collection::vec(pages(), 1..7),
        typed in select(vec!["g", "Gr", "v", "a", "l", "x", "1", "st", "й", "grün v"]),
        allowed in prop::collection::vec(any::<bool>(), 7),
        stems in any::<bool>(),
        min in 0_u64..4,
        limit in 0_usize..5,
    ) {
        let objects: Vec<_> = texts.iter().map(|pages| Object::of(pages, stems.then_some("de"))).collect();
        let (one, other) = objects.split_at(objects.len() / 2);
        let shards = [shard(one), shard(other)];
        let is_allowed = |number: usize, object: u32| allowed[number * one.len() + object as usize];
        let Some(found) = complete(&[&shards[0], &shards[1]], typed, &is_allowed, min, limit) else {
            prop_assert_eq!(typed, "grün v");
            return Ok(());
        };
        let seen = || objects.iter().zip(&allowed).filter(|(_, allowed)| **allowed).map(|(object, _)| object);
        let lists = seen().map(|object| {
            let terms = recto_search::search::complete(&object.index, typed, None, 1, usize::MAX);
            terms.into_iter().map(|term| Term { value: if stems { format!("\"{}\"", term.label) } else { term.value }, ..term }).collect()
        });
        let exact = |term: Term| {
            let query = Query::parse(&term.value);
            let count = seen().map(|object| find(&object.index, &query, None).total() as u64).sum();
            Term { count, ..term }
        };
        let wanted: BTreeMap<_, _> = merge_terms(lists, 1, usize::MAX).into_iter().map(exact).map(|term| (term.label.clone(), term)).collect();
        let wanted: Vec<_> = wanted.into_values().filter(|term| term.count >= min.max(1)).take(limit).collect();
        prop_assert_eq!(found, wanted);
    }
}
