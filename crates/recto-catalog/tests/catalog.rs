//! The catalogue from outside: what passes over a library do to it and to its log.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use recto_catalog::{Activity, ActivityKind, Catalog, CatalogError, Fingerprint, Found, ItemKind, Outcome, Tally};

fn found(path: &str, content: u128) -> Found {
    Found {
        path: path.to_owned(),
        identifier: path.to_owned(),
        parent: Some(String::new()),
        kind: ItemKind::Manifest,
        sort: path.as_bytes().to_vec(),
        signature: Fingerprint(content),
        content: Fingerprint(content),
        modified_ms: Some(1_700_000_000_000),
        label: format!(r#"{{"none":["{path}"]}}"#),
        pages: 3,
        picture: Some(format!("{path}/1.tif")),
        body: path.as_bytes().to_vec(),
        listed_in: Vec::new(),
        has_annotations: false,
    }
}

fn root() -> Found {
    Found {
        parent: None,
        kind: ItemKind::Collection,
        identifier: "library".into(),
        pages: 0,
        picture: None,
        ..found("", 0)
    }
}

/// One pass over a library in which there is just this.
fn pass(catalog: &Catalog, library: &[Found]) -> Tally {
    let there: BTreeSet<(&str, i64)> = library.iter().map(|found| (found.path.as_str(), found.kind as i64)).collect();
    let is_there = |path: &str, kind: ItemKind| there.contains(&(path, kind as i64));
    let mut sync = catalog.sync(&is_there).unwrap();
    for found in library {
        let outcome = sync.put(found).unwrap();
        assert!(!matches!(outcome, Outcome::IdentifierTaken { .. }), "{found:?}");
    }
    sync.finish().unwrap()
}

fn log(catalog: &Catalog) -> Vec<(ActivityKind, String, Option<String>)> {
    let entries = catalog.activities(1, 1_000_000).unwrap();
    for (entry, number) in entries.iter().zip(1..) {
        assert_eq!(entry.sequence, number, "the log has no gaps");
    }
    assert!(entries.is_sorted_by_key(|entry| entry.at_ms));
    entries.into_iter().map(|Activity { kind, identifier, target, .. }| (kind, identifier, target)).collect()
}

fn of(kind: ActivityKind, identifier: &str) -> (ActivityKind, String, Option<String>) {
    (kind, identifier.to_owned(), None)
}

#[test]
fn a_pass_tells_new_changed_and_gone_things_apart() {
    use ActivityKind::{Create, Delete, Update};
    let catalog = Catalog::in_memory().unwrap();
    assert_eq!(pass(&catalog, &[found("a", 1), found("b", 2)]), Tally { created: 2, ..Tally::default() });
    assert_eq!(pass(&catalog, &[found("a", 1), found("b", 2)]), Tally { unchanged: 2, ..Tally::default() });
    let changed = [found("a", 1), found("b", 20), found("c", 3)];
    assert_eq!(pass(&catalog, &changed), Tally { unchanged: 1, updated: 1, created: 1, ..Tally::default() });
    assert_eq!(pass(&catalog, &[found("c", 3)]), Tally { unchanged: 1, deleted: 2, ..Tally::default() });
    assert_eq!(
        log(&catalog),
        [of(Create, "a"), of(Create, "b"), of(Update, "b"), of(Create, "c"), of(Delete, "a"), of(Delete, "b")]
    );
    assert!(catalog.item("a").unwrap().is_none());
    assert_eq!(catalog.item("c").unwrap().unwrap().body, b"c");
}

#[test]
fn what_is_unchanged_is_not_written() {
    let catalog = Catalog::in_memory().unwrap();
    pass(&catalog, &[found("a", 1)]);
    let before = catalog.item("a").unwrap().unwrap();
    pass(&catalog, &[Found { body: b"other".to_vec(), ..found("a", 1) }]);
    assert_eq!(catalog.item("a").unwrap().unwrap(), before);
    pass(&catalog, &[found("a", 2)]);
    assert_eq!(catalog.item("a").unwrap().unwrap().revision, before.revision + 1);
}

#[test]
fn a_moved_folder_keeps_its_row_and_is_found_under_its_old_name() {
    let catalog = Catalog::in_memory().unwrap();
    pass(&catalog, &[found("old", 1), found("other", 2)]);
    let row = catalog.item("old").unwrap().unwrap().row;
    catalog.put_facts(row, b"facts", 7).unwrap();
    assert_eq!(
        pass(&catalog, &[found("new", 1), found("other", 2)]),
        Tally { unchanged: 1, moved: 1, ..Tally::default() }
    );
    let moved = catalog.item("old").unwrap().unwrap();
    assert_eq!((moved.row, moved.identifier.as_str(), moved.path.as_str()), (row, "new", "new"));
    assert_eq!(moved.facts.as_deref(), Some(&b"facts"[..]));
    let target = Some("new".to_owned());
    assert_eq!(log(&catalog).last().unwrap(), &(ActivityKind::Move, "old".to_owned(), target));
    // Whoever takes the old name from now on has it.
    pass(&catalog, &[found("new", 1), found("other", 2), found("old", 9)]);
    assert_ne!(catalog.item("old").unwrap().unwrap().row, row);
}

#[test]
fn a_copy_is_no_move() {
    let catalog = Catalog::in_memory().unwrap();
    pass(&catalog, &[found("a", 1)]);
    assert_eq!(pass(&catalog, &[found("a", 1), found("copy", 1)]).created, 1);
    assert_eq!(catalog.count(ItemKind::Manifest).unwrap(), 2);
}

#[test]
fn a_declared_identifier_outlives_its_folder_and_belongs_to_one() {
    let catalog = Catalog::in_memory().unwrap();
    let declared = |path: &str, content| Found { identifier: "ms-1".into(), ..found(path, content) };
    pass(&catalog, &[declared("a", 1)]);
    let row = catalog.item("ms-1").unwrap().unwrap().row;
    // Moved and changed at once: by its identifier it is the same.
    pass(&catalog, &[declared("b", 2)]);
    assert_eq!(catalog.item("ms-1").unwrap().unwrap().row, row);
    assert_eq!(log(&catalog), [of(ActivityKind::Create, "ms-1"), of(ActivityKind::Update, "ms-1")]);
    let mut sync = catalog.sync(&|_, _| true).unwrap();
    sync.put(&declared("b", 2)).unwrap();
    assert_eq!(sync.put(&declared("c", 3)).unwrap(), Outcome::IdentifierTaken { by: "b".into() });
    sync.finish().unwrap();
    assert_eq!(catalog.count(ItemKind::Manifest).unwrap(), 1);
}

#[test]
fn what_may_be_there_unseen_is_not_deleted() {
    let catalog = Catalog::in_memory().unwrap();
    pass(&catalog, &[found("locked/a", 1), found("b", 2)]);
    let sync = catalog.sync(&|path, _| path.starts_with("locked")).unwrap();
    assert_eq!(sync.finish().unwrap().deleted, 1);
    assert!(catalog.item("locked/a").unwrap().is_some());
}

#[test]
fn an_interrupted_pass_loses_nothing_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let library: Vec<Found> = (0..20).map(|number| found(&format!("o{number}"), number)).collect();
    {
        let catalog = Catalog::open(&path).unwrap();
        let mut sync = catalog.sync(&|_, _| true).unwrap();
        for found in &library[..7] {
            sync.put(found).unwrap();
        }
        // The process ends here: neither `finish` nor a clean close.
        std::mem::forget(sync);
        std::mem::forget(catalog);
    }
    let catalog = Catalog::open(&path).unwrap();
    assert_eq!(catalog.count(ItemKind::Manifest).unwrap(), 7);
    assert_eq!(pass(&catalog, &library), Tally { unchanged: 7, created: 13, ..Tally::default() });
    assert_eq!(log(&catalog).len(), 20);
}

#[test]
fn members_come_in_order_page_by_page_with_those_that_are_listed_as_well() {
    let catalog = Catalog::in_memory().unwrap();
    let collection = |path: &str, parent: &str| Found {
        parent: Some(parent.to_owned()),
        kind: ItemKind::Collection,
        pages: 0,
        ..found(path, 100)
    };
    let inside = |path: &str, parent: &str| Found { parent: Some(parent.to_owned()), ..found(path, 1) };
    let listed = Found { listed_in: vec!["maps".into()], ..inside("x", "") };
    let library = [root(), collection("maps", ""), inside("maps/b", "maps"), inside("maps/a", "maps"), listed];
    pass(&catalog, &library);
    let names = |offset, most| -> Vec<String> {
        let members = catalog.members("maps", Some(ItemKind::Manifest), offset, most).unwrap();
        members.into_iter().map(|brief| brief.identifier).collect()
    };
    assert_eq!(names(0, 10), ["maps/a", "maps/b", "x"]);
    assert_eq!(names(1, 1), ["maps/b"]);
    assert_eq!(catalog.count_members("maps", ItemKind::Manifest).unwrap(), 3);
    let top = catalog.members("", None, 0, 10).unwrap();
    let shown: Vec<(&str, u64)> = top.iter().map(|brief| (brief.identifier.as_str(), brief.pages)).collect();
    assert_eq!(shown, [("maps", 3), ("x", 3)]);
    let way: Vec<String> = catalog.collections_to("maps").unwrap().into_iter().map(|brief| brief.identifier).collect();
    assert_eq!(way, ["library", "maps"]);
    assert_eq!(catalog.root().unwrap().unwrap().identifier, "library");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    drop(Catalog::open(&path).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = Catalog::open(&path).unwrap_err();
    assert!(matches!(error, CatalogError::TooNew { found: 99, .. }) && !error.is_corrupt(), "{error}");
    std::fs::write(&path, "this is no database, and it is long enough to be looked at as one".repeat(40)).unwrap();
    assert!(Catalog::open(&path).unwrap_err().is_corrupt());
}

/// A database as the first version wrote it, by hand: every later version has to open it and answer alike.
#[test]
fn a_database_of_the_first_version_opens_and_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("upgrade/version-1.sql")).unwrap();
    drop(old);
    let catalog = Catalog::open(&path).unwrap();
    let item = catalog.item("letters").unwrap().unwrap();
    assert_eq!((item.row, item.pages, item.body.as_slice()), (1, 2, &b"{}"[..]));
    assert_eq!(catalog.item("briefe").unwrap().unwrap().row, 1, "the alias is kept");
    assert_eq!(catalog.identifiers_before(1).unwrap(), ["briefe"]);
    assert_eq!(catalog.activities(1, 10).unwrap()[0].at_ms, 1_700_000_000_000);
    let annotated: Vec<_> = catalog.annotated_object_states(0, 10).unwrap().into_iter().map(|seen| seen.path).collect();
    assert_eq!(annotated, ["atlas"]);
}

#[test]
fn objects_with_annotations_beside_them_are_told_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalogue.sqlite")).unwrap();
    let annotated = |path, content| Found { has_annotations: true, ..found(path, content) };
    let paths = || {
        let states = catalog.annotated_object_states(0, 10).unwrap();
        states.into_iter().map(|seen| seen.path).collect::<Vec<_>>()
    };
    pass(&catalog, &[root(), found("a", 1), annotated("b", 2), annotated("c", 3)]);
    assert_eq!(paths(), ["b", "c"]);
    pass(&catalog, &[root(), annotated("a", 4), found("b", 5), annotated("c", 3)]);
    assert_eq!(paths(), ["a", "c"]);
}

/// What a harvester holds after it has read the log: the specification's algorithm, in its simplest form.
fn harvested(catalog: &Catalog) -> BTreeSet<String> {
    let mut live = BTreeSet::new();
    for (kind, identifier, target) in log(catalog) {
        match kind {
            ActivityKind::Create | ActivityKind::Update => live.insert(identifier),
            ActivityKind::Delete => live.remove(&identifier),
            ActivityKind::Move => {
                live.remove(&identifier);
                live.insert(target.unwrap())
            }
        };
    }
    live
}

#[derive(Clone, Debug)]
enum Change {
    Put(u8, u8),
    Remove(u8),
    Rename(u8, u8),
    Pass,
    Restart,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..12_u8, 0..5_u8).prop_map(|(name, content)| Change::Put(name, content)),
        2 => (0..12_u8).prop_map(Change::Remove),
        2 => (0..12_u8, 0..12_u8).prop_map(|(from, to)| Change::Rename(from, to)),
        3 => Just(Change::Pass),
        1 => Just(Change::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn d9_the_log_tells_just_what_is_there_after_any_changes_and_restarts(
        changes in proptest::collection::vec(change(), 1..80),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.sqlite");
        let mut catalog = Catalog::open(&path).unwrap();
        let mut library: BTreeMap<String, u128> = BTreeMap::new();
        for change in changes.into_iter().chain([Change::Pass]) {
            match change {
                Change::Put(name, content) => {
                    library.insert(format!("o{name}"), u128::from(content));
                }
                Change::Remove(name) => {
                    library.remove(&format!("o{name}"));
                }
                Change::Rename(from, to) => {
                    if let Some(content) = library.remove(&format!("o{from}")) {
                        library.insert(format!("o{to}"), content);
                    }
                }
                Change::Restart => {
                    drop(catalog);
                    catalog = Catalog::open(&path).unwrap();
                }
                Change::Pass => {
                    let items: Vec<Found> = library.iter().map(|(path, content)| found(path, *content)).collect();
                    pass(&catalog, &items);
                    let live: BTreeSet<String> = library.keys().cloned().collect();
                    prop_assert_eq!(harvested(&catalog), live);
                    for (path, content) in &library {
                        let item = catalog.manifest(path).unwrap().unwrap();
                        prop_assert_eq!(&item.identifier, path);
                        prop_assert_eq!(item.body, path.as_bytes(), "{}", content);
                    }
                }
            }
        }
    }
}
