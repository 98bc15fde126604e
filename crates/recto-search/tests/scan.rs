//! Every answer equals that of a plain scan of the same words.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Object;
use common::made::{asked, cases, pages, typed};
use common::scan::{Asked, Means, Scan, plain};
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};
use recto_search::index::Index;
use recto_search::query::Query;
use recto_search::search::{Scope, complete, find};

/// Holds an answer against that of the scan.
fn check(object: &Object, scan: &Scan<'_>, query: &[Asked], scope: Option<&BTreeSet<usize>>, context: usize) {
    let typed = typed(query);
    let pages = scope.map(|scope| Scope::of_pages(scope.iter().map(|page| *page as u32)));
    let found = find(&object.index, &Query::parse(&typed), pages.as_ref());
    let wanted = scan.find(query, scope);
    let spans: Vec<_> = found.spans().iter().map(|span| span.start as usize..span.end as usize).collect();
    assert_eq!(spans, wanted, "{typed}");
    let hits = object.hits_of(&found, context);
    for (hit, wanted) in hits.iter().zip(&wanted) {
        assert_eq!(*hit, scan.hit(wanted, context), "{typed}");
    }
}

/// All terms that begin so and how often they are found, by the scan.
fn completions(
    index: &Index,
    scan: &Scan<'_>,
    before: Option<&str>,
    prefix: &str,
    scope: Option<&BTreeSet<usize>>,
    terms: &BTreeSet<String>,
) {
    let mut wanted = BTreeMap::new();
    for term in terms.iter().filter(|term| term.starts_with(&plain(prefix))) {
        let words = before.into_iter().chain([term.as_str()]).map(|word| (word.to_owned(), Means::Exactly)).collect();
        let count = scan.find(&[Asked { not: false, quoted: before.is_some(), words }], scope).len();
        if count > 0 {
            wanted.insert(before.map_or(term.clone(), |before| format!("\"{} {term}\"", plain(before))), count as u64);
        }
    }
    let pages = scope.map(|scope| Scope::of_pages(scope.iter().map(|page| *page as u32)));
    let typed = format!("{}{prefix}", before.map(|it| format!("{it} ")).unwrap_or_default());
    let found = complete(index, &typed, pages.as_ref(), 1, usize::MAX);
    for term in &found {
        let total = find(index, &Query::parse(&term.value), pages.as_ref()).total() as u64;
        assert_eq!(total, term.count, "{}", term.value);
    }
    let found: Vec<_> = found.into_iter().map(|term| (term.value, term.count)).collect();
    assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "{typed}");
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn matches_texts_and_places_are_those_of_a_scan(
        pages in pages(),
        queries in prop::collection::vec(asked(), 1..12),
        scope in prop::collection::btree_set(0_usize..6, 0..5),
        context in 0_usize..4,
    ) {
        let object = Object::of(&pages, None);
        let scan = Scan::new(&pages, None);
        for query in &queries {
            check(&object, &scan, query, None, context);
            check(&object, &scan, query, Some(&scope), context);
        }
    }

    #[test]
    fn stems_find_what_a_scan_of_stems_finds(pages in pages(), queries in prop::collection::vec(asked(), 1..8), is_german in any::<bool>()) {
        let language = if is_german { "de" } else { "fr" };
        let object = Object::of(&pages, Some(language));
        let scan = Scan::new(&pages, Some(language));
        for query in &queries {
            check(&object, &scan, query, None, 2);
        }
    }

    #[test]
    fn completions_are_those_of_a_scan(
        pages in pages(),
        prefix in select(vec!["g", "Gr", "v", "a", "l", "x", "1", "st", "й", "и"]),
        before in select(vec![None, Some("Grün"), Some("東京"), Some("a"), Some("vogel")]),
        scope in prop::collection::btree_set(0_usize..6, 0..5),
    ) {
        let scan = Scan::new(&pages, None);
        let terms = scan.terms();
        let object = Object::of(&pages, None);
        completions(&object.index, &scan, before, prefix, None, &terms);
        completions(&object.index, &scan, before, prefix, Some(&scope), &terms);
    }

    #[test]
    fn every_completion_finds_as_many_as_it_says(
        pages in pages(),
        typed in "(Gr|vo|a|東|京|l'|東京 |a g|Grün v|ไ|x-|y-|IIIF|IIIF東){1,2}",
        stems in any::<bool>(),
        scope in prop::option::of(prop::collection::btree_set(0_u32..6, 0..5)),
        pick in any::<Pick>(),
    ) {
        let object = Object::of(&pages, stems.then_some("de"));
        let scope = scope.map(Scope::of_pages);
        let all = complete(&object.index, &typed, scope.as_ref(), 1, usize::MAX);
        for term in &all {
            let total = find(&object.index, &Query::parse(&term.value), scope.as_ref()).total() as u64;
            prop_assert_eq!(total, term.count, "{}", &term.value);
        }
        prop_assert!(all.is_sorted_by(|one, other| one.label < other.label));
        let min = pick.index(3) as u64;
        let some = complete(&object.index, &typed, scope.as_ref(), min, 2);
        let wanted: Vec<_> = all.into_iter().filter(|term| term.count >= min).take(2).collect();
        prop_assert_eq!(some, wanted);
    }
}
