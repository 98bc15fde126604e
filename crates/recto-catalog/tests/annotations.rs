//! The store of annotations from outside.

#![cfg(test)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use recto_catalog::CatalogError;
use recto_catalog::annotations::{
    AnnotationStore, Change, Content, Deed, Expected, Lookup, NameWanted, ObjectChange, Query, Refusal, Scope, Stored,
};

fn store() -> AnnotationStore {
    let store = AnnotationStore::in_memory().unwrap();
    assert!(store.make_container("letters", "Letters", "anna").unwrap());
    store
}

/// An annotation that says this about a canvas of an object.
fn content(says: &str, canvas: &str) -> Content {
    let object = canvas.split('/').next();
    Content {
        motivations: vec!["commenting".into()],
        ..Content::new(format!(r#"{{"says":"{says}"}}"#).into_bytes()).about(canvas, object)
    }
}

fn create(name: &str, content: Content) -> Change {
    Change::Create { container: "letters".into(), name: NameWanted::Exactly(name.into()), content }
}

fn replace(name: &str, expected: u64, content: Content) -> Change {
    let expected = Expected::Versions(vec![expected]);
    Change::Replace { container: "letters".into(), name: name.into(), expected, content, deed: Deed::Replace }
}

fn delete(name: &str, expected: Expected) -> Change {
    Change::Delete { container: "letters".into(), name: name.into(), expected }
}

fn write(store: &AnnotationStore, change: &Change) -> Stored {
    store.write("anna", change).unwrap().unwrap()
}

fn names(found: &[Stored]) -> Vec<&str> {
    found.iter().map(|stored| stored.name.as_str()).collect()
}

#[test]
fn what_was_written_is_found_by_container_canvas_and_object() {
    let store = store();
    assert!(!store.make_container("letters", "Other", "bert").unwrap());
    let one = write(&store, &create("one", content("a", "x/canvas/1")));
    let two = write(&store, &create("two", content("b", "x/canvas/2").about("x/canvas/1", Some("x"))));
    let three = write(&store, &create("three", content("c", "y/canvas/1").about("http://other.example/", None)));
    let list = |scope| store.list(&Query::of(scope), 0, 100).unwrap();
    assert_eq!(list(Scope::Container("letters")), [one.clone(), two.clone(), three.clone()]);
    assert_eq!(list(Scope::All).len(), 3);
    assert_eq!(list(Scope::Source("x/canvas/1")), [one.clone(), two.clone()]);
    assert_eq!(list(Scope::Object("x")), [one.clone(), two.clone()], "each once");
    assert_eq!(list(Scope::Source("http://other.example/")), [three]);
    assert_eq!(list(Scope::Source("x/canvas")), []);
    assert_eq!(list(Scope::Container("notes")), []);
    assert_eq!(store.find("letters", "one").unwrap(), Lookup::Annotation(one));
    assert_eq!(store.find("letters", "four").unwrap(), Lookup::Nothing);
    assert_eq!(store.sources(Some("x")).unwrap(), [("x/canvas/1".into(), 2), ("x/canvas/2".into(), 1)]);
    assert_eq!(store.sources(None).unwrap().len(), 4);
    assert!(store.has_any("x").unwrap() && !store.has_any("z").unwrap());
    let container = store.container("letters").unwrap().unwrap();
    assert_eq!((container.label.as_str(), container.creator.as_str(), container.total), ("Letters", "anna", 3));
    assert_eq!(container.sequence, store.last_change().unwrap());
    assert_eq!((store.containers(0, 10).unwrap(), store.count_containers().unwrap()), (vec![container], 1));
}

#[test]
fn a_change_is_made_only_of_the_version_that_was_seen() {
    let store = store();
    let one = write(&store, &create("one", content("a", "x/canvas/1")));
    let second = store.write("bert", &replace("one", 1, content("b", "x/canvas/1"))).unwrap().unwrap();
    assert_eq!((second.version, second.creator.as_str(), second.editor.as_str()), (2, "anna", "bert"));
    assert_eq!(second.created_ms, one.created_ms);
    let refused = store.write("carl", &replace("one", 1, content("c", "x/canvas/1"))).unwrap().unwrap_err();
    assert_eq!(refused, Refusal::Conflict { current: Box::new(second.clone()) });
    let refused = store.write("carl", &delete("one", Expected::Versions(vec![1, 3]))).unwrap().unwrap_err();
    assert_eq!(refused, Refusal::Conflict { current: Box::new(second.clone()) });
    assert_eq!(store.find("letters", "one").unwrap(), Lookup::Annotation(second));
    let missing = store.write("carl", &replace("two", 1, content("c", "x/canvas/1"))).unwrap().unwrap_err();
    assert_eq!(missing, Refusal::NotFound { name: "two".into() });
    assert_eq!(store.versions("letters", "one").unwrap().len(), 2);
}

#[test]
fn a_deleted_annotation_is_gone_and_its_name_with_it() {
    let store = store();
    write(&store, &create("one", content("a", "x/canvas/1")));
    let deleted = write(&store, &delete("one", Expected::Any));
    assert_eq!(deleted.version, 2);
    assert_eq!(store.find("letters", "one").unwrap(), Lookup::Deleted(deleted));
    for scope in [Scope::All, Scope::Container("letters"), Scope::Source("x/canvas/1"), Scope::Object("x")] {
        let query = Query::of(scope);
        assert_eq!((store.list(&query, 0, 9).unwrap().len(), store.count(&query).unwrap()), (0, 0), "{scope:?}");
    }
    assert_eq!(store.container("letters").unwrap().unwrap().total, 0);
    let again = |change: &Change| store.write("anna", change).unwrap().unwrap_err();
    let gone = Refusal::Gone { name: "one".into(), version: 2 };
    assert_eq!(again(&delete("one", Expected::Any)), gone);
    assert_eq!(again(&replace("one", 2, content("b", "x/canvas/1"))), gone);
    assert_eq!(again(&create("one", content("b", "x/canvas/1"))), Refusal::NameTaken { name: "one".into() });
    let wanted = NameWanted::IfFree("one".into());
    let other = Change::Create { container: "letters".into(), name: wanted, content: content("b", "x/canvas/1") };
    assert_ne!(write(&store, &other).name, "one");
}

#[test]
fn every_version_stays_and_can_be_had_again() {
    let store = store();
    write(&store, &create("one", content("a", "x/canvas/1")));
    store.write("bert", &replace("one", 1, content("b", "x/canvas/2"))).unwrap().unwrap();
    store.write("carl", &delete("one", Expected::Versions(vec![2]))).unwrap().unwrap();
    let (first, body) = store.version("letters", "one", 1).unwrap().unwrap();
    assert_eq!((first.who.as_str(), body.as_slice()), ("anna", &br#"{"says":"a"}"#[..]));
    assert_eq!(store.version("letters", "one", 3).unwrap().unwrap().1, b"");
    assert_eq!(store.version("letters", "one", 4).unwrap(), None);
    let restore = Change::Replace {
        container: "letters".into(),
        name: "one".into(),
        expected: Expected::Any,
        content: content("a", "x/canvas/1"),
        deed: Deed::Restore,
    };
    let restored = write(&store, &restore);
    assert_eq!((restored.version, restored.creator.as_str()), (4, "anna"));
    assert_eq!(store.find("letters", "one").unwrap(), Lookup::Annotation(restored));
    assert_eq!(store.container("letters").unwrap().unwrap().total, 1);
    assert_eq!(store.sources(Some("x")).unwrap(), [("x/canvas/1".into(), 1)]);
    let versions = store.versions("letters", "one").unwrap();
    let told: Vec<_> = versions.iter().map(|version| (version.version, version.who.as_str(), version.deed)).collect();
    assert_eq!(
        told,
        [(1, "anna", Deed::Create), (2, "bert", Deed::Replace), (3, "carl", Deed::Delete), (4, "anna", Deed::Restore)]
    );
    assert!(versions.is_sorted_by_key(|version| version.at_ms));
    assert_eq!(store.versions("letters", "two").unwrap(), []);
}

#[test]
fn an_annotation_is_found_by_the_names_that_clients_gave_it() {
    let store = store();
    let called = |says: &str, names: &[&str]| Content {
        also_called: names.iter().map(|name| (*name).to_owned()).collect(),
        ..content(says, "x/canvas/1")
    };
    let first = write(&store, &create("one", called("a", &["urn:uuid:1", "urn:uuid:2", "urn:uuid:1"])));
    let two = write(&store, &create("two", called("b", &["urn:uuid:2"])));
    assert_eq!(store.find_called("urn:uuid:2").unwrap(), Lookup::Annotation(first), "nobody takes a name away");
    assert_eq!(store.find_called("urn:uuid:3").unwrap(), Lookup::Nothing);
    let one = write(&store, &replace("one", 1, called("c", &["urn:uuid:3"])));
    assert_eq!(store.find_called("urn:uuid:3").unwrap(), Lookup::Annotation(one));
    assert_eq!(store.find_called("urn:uuid:1").unwrap(), Lookup::Nothing);
    assert_eq!(store.find_called("urn:uuid:2").unwrap(), Lookup::Annotation(two));
    let deleted = write(&store, &delete("two", Expected::Any));
    assert_eq!(store.find_called("urn:uuid:2").unwrap(), Lookup::Deleted(deleted));
}

#[test]
fn a_batch_tells_each_of_its_changes_what_became_of_it() {
    let store = store().with_most_per_container(3);
    let outcomes = store
        .write_all(
            "anna",
            &[
                create("one", content("a", "x/canvas/1")),
                create("one", content("b", "x/canvas/1")),
                replace("one", 1, content("c", "x/canvas/1")),
                Change::Create {
                    container: "notes".into(),
                    name: NameWanted::Any,
                    content: content("d", "x/canvas/1"),
                },
                create("two", content("e", "x/canvas/1")),
                create("three", content("f", "x/canvas/1")),
                create("four", content("g", "x/canvas/1")),
                delete("two", Expected::Any),
                create("five", content("h", "x/canvas/1")),
            ],
        )
        .unwrap();
    let told: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().map(|stored| (stored.name.as_str(), stored.version)).map_err(Clone::clone))
        .collect();
    assert_eq!(
        told,
        [
            Ok(("one", 1)),
            Err(Refusal::NameTaken { name: "one".into() }),
            Ok(("one", 2)),
            Err(Refusal::NoContainer { name: "notes".into() }),
            Ok(("two", 1)),
            Ok(("three", 1)),
            Err(Refusal::Full { most: 3 }),
            Ok(("two", 2)),
            Ok(("five", 1)),
        ]
    );
    let left = store.list(&Query::of(Scope::Container("letters")), 0, 10).unwrap();
    assert_eq!(names(&left), ["one", "three", "five"]);
}

#[test]
fn drafts_are_for_their_creator_and_filters_leave_out_the_rest() {
    let store = store();
    write(&store, &create("one", content("a", "x/canvas/1")));
    let draft = Content { draft: true, ..content("b", "x/canvas/1") };
    store.write("bert", &create("two", draft)).unwrap().unwrap();
    let tag = Content { motivations: vec!["tagging".into(), "linking".into()], ..content("c", "x/canvas/1") };
    let three = store.write("bert", &create("three", tag)).unwrap().unwrap();
    let all = Query::of(Scope::Source("x/canvas/1"));
    let found = |query: Query<'_>| {
        let found = store.list(&query, 0, 10).unwrap();
        assert_eq!(store.count(&query).unwrap(), found.len() as u64, "{query:?}");
        found.into_iter().map(|stored| stored.name).collect::<Vec<_>>()
    };
    assert_eq!(found(all), ["one", "three"]);
    assert_eq!(found(Query { reader: Some("anna"), ..all }), ["one", "three"]);
    assert_eq!(found(Query { reader: Some("bert"), ..all }), ["one", "two", "three"]);
    assert_eq!(found(Query { motivation: Some("linking"), ..all }), ["three"]);
    assert_eq!(found(Query { motivation: Some("link"), ..all }), [""; 0]);
    assert_eq!(found(Query { creator: Some("bert"), reader: Some("bert"), ..all }), ["two", "three"]);
    assert_eq!(found(Query { from_ms: Some(three.modified_ms + 1), ..all }), [""; 0]);
    assert_eq!(found(Query { until_ms: Some(three.modified_ms + 1), ..all }), ["one", "three"]);
    assert_eq!(found(Query { scope: Scope::Object("x"), creator: Some("bert"), ..all }), ["three"]);
    assert_eq!(store.sources(Some("x")).unwrap(), [("x/canvas/1".into(), 2)]);
}

#[test]
fn what_changed_since_is_told_by_object_and_by_annotation() {
    let store = store();
    let first = write(&store, &create("one", content("a", "x/canvas/1")));
    let second = write(&store, &create("two", content("b", "y/canvas/1")));
    assert_eq!(store.last_change_of("x").unwrap(), first.sequence);
    assert_eq!(store.last_change_of("z").unwrap(), 0);
    // It is about something else from now on: both objects have changed.
    let moved = write(&store, &replace("one", 1, content("a", "z/canvas/1")));
    let change = |object: &str, stored: &Stored| ObjectChange { object: object.into(), sequence: stored.sequence };
    assert_eq!(
        store.objects_changed_since(0, 10).unwrap(),
        [change("y", &second), change("x", &moved), change("z", &moved)]
    );
    let deleted = write(&store, &delete("two", Expected::Any));
    assert_eq!(store.objects_changed_since(moved.sequence, 10).unwrap(), [change("y", &deleted)]);
    assert_eq!(store.changed_since(first.sequence, 10).unwrap(), [(moved.clone(), false), (deleted.clone(), true)]);
    assert_eq!(store.changed_since(moved.sequence, 10).unwrap(), [(deleted.clone(), true)]);
    assert_eq!(store.last_change().unwrap(), deleted.sequence);
}

#[test]
fn ten_thousand_annotations_of_a_canvas_are_listed_in_the_order_in_which_they_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = AnnotationStore::open(&folder.path().join("annotations.sqlite")).unwrap();
    store.make_container("letters", "", "anna").unwrap();
    let changes: Vec<_> = (0..10_000).map(|number| create(&number.to_string(), content("a", "x/canvas/1"))).collect();
    for some in changes.chunks(2_500) {
        assert!(store.write_all("anna", some).unwrap().iter().all(Result::is_ok));
    }
    for number in (0..10_000).step_by(100) {
        write(&store, &replace(&number.to_string(), 1, content("b", "x/canvas/1")));
    }
    for scope in [Scope::Source("x/canvas/1"), Scope::Object("x"), Scope::Container("letters"), Scope::All] {
        let query = Query::of(scope);
        assert_eq!(store.count(&query).unwrap(), 10_000);
        let mut listed = store.list(&query, 0, 6_000).unwrap();
        listed.extend(store.list(&query, 6_000, 6_000).unwrap());
        let wanted: Vec<_> = (0..10_000).map(|number| number.to_string()).collect();
        assert_eq!(names(&listed), wanted, "{scope:?}");
    }
    let mut seen = 0;
    store
        .for_each(&mut |stored| {
            assert_eq!(stored.name, seen.to_string());
            seen += 1;
            if seen == 9_999 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 9_999);
    let copy = folder.path().join("copy.sqlite");
    store.copy_to(&copy).unwrap();
    assert!(store.copy_to(&copy).is_err(), "a copy is never written over");
    let copy = AnnotationStore::open(&copy).unwrap();
    assert_eq!(copy.count(&Query::of(Scope::All)).unwrap(), 10_000);
    assert_eq!(copy.versions("letters", "100").unwrap().len(), 2);
}

/// Two processes could not do it otherwise: each opens the file by itself.
#[test]
fn of_two_who_change_the_same_version_exactly_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotations.sqlite");
    let stores = [AnnotationStore::open(&path).unwrap(), AnnotationStore::open(&path).unwrap()];
    stores[0].make_container("letters", "", "anna").unwrap();
    for round in 0..30 {
        let name = round.to_string();
        write(&stores[0], &create(&name, content("a", "x/canvas/1")));
        let barrier = std::sync::Barrier::new(4);
        let won: Vec<String> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let (barrier, store, name) = (&barrier, &stores[writer % 2], &name);
                    scope.spawn(move || {
                        let who = format!("writer {writer}");
                        barrier.wait();
                        match store.write(&who, &replace(name, 1, content(&who, "x/canvas/1"))).unwrap() {
                            Ok(stored) => Some(stored.editor),
                            Err(Refusal::Conflict { current }) => {
                                assert_eq!(current.version, 2);
                                None
                            }
                            Err(other) => panic!("{other}"),
                        }
                    })
                })
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1, "{won:?}");
        let Lookup::Annotation(now) = stores[1].find("letters", &name).unwrap() else { panic!() };
        assert_eq!((now.version, &now.editor), (2, &won[0]));
        assert_eq!(String::from_utf8(now.body).unwrap(), format!(r#"{{"says":"{}"}}"#, won[0]));
    }
}

/// The variable that makes the test below the process that is killed.
const STREAM: &str = "RECTO_TEST_STREAM_OF_WRITES";

/// Writes until it is killed, and says what was acknowledged; does nothing as a test of its own.
#[test]
fn a_stream_of_writes() {
    let Some(path) = std::env::var_os(STREAM) else { return };
    let store = AnnotationStore::open(Path::new(&path)).unwrap();
    store.make_container("letters", "", "anna").unwrap();
    let mut told = std::io::stdout();
    for number in 0..1_000_000_u32 {
        let name = number.to_string();
        write(&store, &create(&name, content(&name, "x/canvas/1")));
        writeln!(told, "acknowledged {name} 1").unwrap();
        if number % 3 == 0 {
            write(&store, &replace(&name, 1, content("again", "x/canvas/1")));
            writeln!(told, "acknowledged {name} 2").unwrap();
        }
    }
}

#[test]
fn what_was_acknowledged_is_there_after_the_process_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotations.sqlite");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_stream_of_writes", "--nocapture", "--test-threads=1"])
        .env(STREAM, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = std::collections::BTreeMap::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((_, told)) = line.split_once("acknowledged ") else { continue };
        // The last line may be cut by the end of the process.
        let Some((name, Ok(version))) = told.split_once(' ').map(|(name, version)| (name, version.parse::<u64>()))
        else {
            continue;
        };
        acknowledged.insert(name.to_owned(), version);
        if acknowledged.len() == 150 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 150);
    let store = AnnotationStore::open(&path).unwrap();
    for (name, version) in &acknowledged {
        let Lookup::Annotation(found) = store.find("letters", name).unwrap() else { panic!("{name} is lost") };
        assert!(found.version >= *version, "{name}");
        let says = if found.version == 1 { name } else { "again" };
        assert_eq!(String::from_utf8(found.body).unwrap(), format!(r#"{{"says":"{says}"}}"#));
        assert_eq!(store.versions("letters", name).unwrap().len() as u64, found.version);
    }
    let total = store.container("letters").unwrap().unwrap().total;
    assert_eq!(total, store.count(&Query::of(Scope::Source("x/canvas/1"))).unwrap());
    assert!(total >= acknowledged.len() as u64 && total <= acknowledged.len() as u64 + 1, "{total}");
}

#[test]
fn a_store_that_is_broken_or_newer_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotations.sqlite");
    drop(AnnotationStore::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(AnnotationStore::open(&path).unwrap_err(), CatalogError::TooNew { found: 99, .. }));
    let broken = "this is no database, and it is long enough to be looked at as one".repeat(400);
    std::fs::write(&path, &broken).unwrap();
    assert!(AnnotationStore::open(&path).unwrap_err().is_corrupt());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
}

/// A database as the first version wrote it, by hand: every later version has to open it and answer alike.
#[test]
fn a_store_of_the_first_version_opens_and_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotations.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("upgrade/annotations-1.sql")).unwrap();
    drop(old);
    let store = AnnotationStore::open(&path).unwrap();
    let one = store.list(&Query::of(Scope::Object("letters")), 0, 9).unwrap().remove(0);
    assert_eq!((one.name.as_str(), one.version, one.body.as_slice()), ("one", 2, &br#"{"n":2}"#[..]));
    assert!(matches!(store.find("letters", "two").unwrap(), Lookup::Deleted(_)));
    assert_eq!(store.find_called("urn:uuid:7").unwrap(), Lookup::Annotation(one.clone()));
    assert_eq!(store.version("letters", "two", 1).unwrap().unwrap().1, br#"{"n":3}"#);
    assert_eq!(store.objects_changed_since(0, 9).unwrap(), [ObjectChange { object: "letters".into(), sequence: 4 }]);
    assert_eq!(write(&store, &replace("one", 2, content("a", "letters/canvas/1"))).sequence, 5);
}
