//! What becomes of folders and files when nobody says anything about them.

use std::fs;

use crate::support::{Shelf, findings, id, outline};
use proptest::prelude::*;
use recto_ingest::{Library, LibraryOptions, Member, Severity, Symlinks};

#[test]
fn folders_of_images_are_objects_and_folders_of_folders_collections() {
    let shelf = Shelf::with(&[
        "letters/010.tif",
        "letters/002v.tif",
        "letters/001.tif",
        "letters/002.tif",
        "letters/notes.txt",
        "letters/alto/001.xml",
        "maps/berlin-1890/1.jpg",
        "maps/prague.tif",
        "maps/Amsterdam.TIF",
        "empty/",
        "papers/readme.txt",
        "papers/deep/deeper/",
        ".hidden/1.jpg",
        "_sidecar/1.jpg",
        "@eaDir/1.jpg",
        "~backup/1.jpg",
        "letters/._001.tif",
    ]);
    let tree = shelf.scan();
    assert_eq!(
        outline(&tree),
        [
            "library/",
            "  letters = letters/001.tif letters/002.tif letters/002v.tif letters/010.tif",
            "  maps/",
            "    maps/Amsterdam.TIF = maps/Amsterdam.TIF",
            "    maps/berlin-1890 = maps/berlin-1890/1.jpg",
            "    maps/prague.tif = maps/prague.tif",
        ]
    );
    assert_eq!(tree.findings(), []);
    assert_eq!((tree.collections().len(), tree.objects().len(), tree.images()), (2, 4, 7));
}

#[test]
fn things_are_called_what_their_folders_and_files_are_called() {
    let shelf = Shelf::with(&["letters_1890/a.b.tif", "maps/prague.old.tif", "maps/x/1.gif"]);
    let tree = shelf.scan();
    let letters = tree.object(&id("letters_1890")).unwrap();
    assert_eq!((letters.label.as_str(), letters.files[0].label()), ("letters_1890", "a.b"));
    assert_eq!(tree.object(&id("maps/prague.old.tif")).unwrap().label, "prague.old");
    assert_eq!(tree.collection(&id("maps")).unwrap().label, "maps");
    assert_eq!(tree.root().label, "library");
}

#[test]
fn lookups_find_things_and_what_holds_them() {
    let shelf = Shelf::with(&["a/b/c/1.tif", "a/b/d/1.tif", "a/e/1.tif"]);
    let tree = shelf.scan();
    let object = tree.object(&id("a/b/c")).unwrap();
    let parent = tree.parent_of(object);
    assert_eq!(parent.identifier, id("a/b"));
    assert_eq!(tree.parent(parent).unwrap().identifier, id("a"));
    assert_eq!(tree.parent(tree.root()), None);
    assert_eq!(tree.first_object(tree.root()), Some(object));
    assert_eq!(tree.object(&id("a/b")), None);
    assert_eq!(tree.collection(&id("a/b/c")), None);
    assert_eq!(tree.collection(&id("library")), Some(tree.root()));
}

#[test]
fn a_library_of_nothing_but_images_is_one_object_in_the_root() {
    let shelf = Shelf::with(&["2.jpg", "1.jpg"]);
    let tree = shelf.scan();
    assert_eq!(outline(&tree), ["library/", "  library = 1.jpg 2.jpg"]);
}

#[test]
fn an_empty_library_is_an_empty_root() {
    let tree = Shelf::with(&[]).scan();
    assert_eq!(outline(&tree), ["library/"]);
    assert_eq!((tree.first_object(tree.root()), tree.findings().len()), (None, 0));
}

#[test]
fn the_root_yields_its_name_to_a_folder_in_it() {
    let shelf = Shelf::with(&["library/a/1.jpg", "library/b/1.jpg"]);
    let tree = shelf.scan();
    assert_eq!(tree.root().identifier, id("~library"));
    assert_eq!(tree.collection(&id("library")).unwrap().members_labels(&tree), ["a", "b"]);
}

trait Labels {
    fn members_labels<'tree>(&'tree self, tree: &'tree recto_ingest::Tree) -> Vec<&'tree str>;
}

impl Labels for recto_ingest::Collection {
    fn members_labels<'tree>(&'tree self, tree: &'tree recto_ingest::Tree) -> Vec<&'tree str> {
        tree.members(self)
            .map(|member| match member {
                Member::Collection(collection) => collection.label.as_str(),
                Member::Object(object) => object.label.as_str(),
            })
            .collect()
    }
}

#[test]
fn several_folders_are_one_library_whose_paths_begin_with_their_names() {
    let shelf = Shelf::with(&["first/1.jpg", "second/maps/a/1.jpg", "second/x.tif", "third/"]);
    let roots = ["first", "second", "third"].map(|name| shelf.at(name));
    let tree = Library::new(roots, LibraryOptions::default()).unwrap().scan();
    assert_eq!(
        outline(&tree),
        [
            "library/",
            "  first = first/1.jpg",
            "  second/",
            "    second/maps/",
            "      second/maps/a = second/maps/a/1.jpg",
            "    second/x.tif = second/x.tif",
        ]
    );
}

#[test]
fn folders_may_be_given_other_names() {
    let shelf = Shelf::with(&["x/1.jpg", "y/2.jpg"]);
    let named = [("maps", "x"), ("", "y")].map(|(name, folder)| (name.to_owned(), shelf.at(folder)));
    let tree = Library::named(named, LibraryOptions::default()).unwrap().scan();
    assert_eq!(outline(&tree), ["~library/", "  library = library/2.jpg", "  maps = maps/1.jpg"]);
}

#[test]
fn members_and_files_come_in_natural_order_whatever_they_are() {
    let shelf = Shelf::with(&["vol 10/1.jpg", "vol 2/1.jpg", "vol 1.tif", "Vol 3.tif", "vol 2.tif", "vol 2.jpg"]);
    let tree = shelf.scan();
    assert_eq!(
        outline(&tree)[1..],
        [
            "  vol 1.tif = vol 1.tif",
            "  vol 2 = vol 2/1.jpg",
            "  vol 2.jpg = vol 2.jpg",
            "  vol 2.tif = vol 2.tif",
            "  Vol 3.tif = Vol 3.tif",
            "  vol 10 = vol 10/1.jpg",
        ]
    );
}

#[test]
fn a_missing_folder_is_a_finding_and_the_others_are_there() {
    let shelf = Shelf::with(&["first/1.jpg"]);
    shelf.add("first/line\nbreak.jpg");
    let tree = Library::new([shelf.at("first"), shelf.at("gone")], LibraryOptions::default()).unwrap().scan();
    assert_eq!(outline(&tree), ["library/", "  first = first/1.jpg"]);
    assert_eq!(findings(&tree), [("name-not-usable", "first/line\\nbreak.jpg"), ("cannot-read", "gone")]);
    assert_eq!(tree.findings()[1].severity, Severity::Error);
}

#[test]
fn depth_and_number_are_bounded_and_the_rest_stays() {
    let shelf = Shelf::with(&["a/1.jpg", "b/c/d/e/1.jpg", "b/c/1.jpg"]);
    let scan = |options| Library::new([shelf.path()], options).unwrap().scan();
    let shallow = scan(LibraryOptions { max_depth: 2, ..LibraryOptions::default() });
    assert_eq!(outline(&shallow)[1..], ["  a = a/1.jpg", "  b/", "    b/c = b/c/1.jpg"]);
    assert_eq!(findings(&shallow), [("folder-too-deep", "b/c/d")]);
    for most in 0..12 {
        let few = scan(LibraryOptions { max_entries: most, ..LibraryOptions::default() });
        // Two folders, three in the first of them, and so on: nine entries in all.
        assert_eq!(
            findings(&few).iter().filter(|(rule, _)| *rule == "too-many-entries").count(),
            usize::from(most < 8)
        );
        assert!(few.images() <= most as usize);
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn scan(shelf: &Shelf, symlinks: Symlinks) -> recto_ingest::Tree {
        Library::new([shelf.at("in")], LibraryOptions { symlinks, ..LibraryOptions::default() }).unwrap().scan()
    }

    #[test]
    fn links_are_followed_only_inside_the_library_unless_told_otherwise() {
        let shelf = Shelf::with(&["in/real/1.jpg", "in/other/2.jpg", "out/secret.jpg", "out/more/3.jpg"]);
        symlink(shelf.at("in/real/1.jpg"), shelf.at("in/other/inside.jpg")).unwrap();
        symlink("../../out/secret.jpg", shelf.at("in/other/outside.jpg")).unwrap();
        symlink(shelf.at("in/real"), shelf.at("in/folder-inside")).unwrap();
        symlink(shelf.at("out/more"), shelf.at("in/folder-outside")).unwrap();
        symlink("nowhere.jpg", shelf.at("in/other/broken.jpg")).unwrap();
        for (symlinks, objects, rules) in [
            (
                Symlinks::Inside,
                &[
                    "  folder-inside = folder-inside/1.jpg",
                    "  other = other/2.jpg other/inside.jpg",
                    "  real = real/1.jpg",
                ][..],
                &[
                    ("link-leads-outside", "folder-outside"),
                    ("broken-link", "other/broken.jpg"),
                    ("link-leads-outside", "other/outside.jpg"),
                ][..],
            ),
            (
                Symlinks::Follow,
                &[
                    "  folder-inside = folder-inside/1.jpg",
                    "  folder-outside = folder-outside/3.jpg",
                    "  other = other/2.jpg other/inside.jpg other/outside.jpg",
                    "  real = real/1.jpg",
                ],
                &[("broken-link", "other/broken.jpg")],
            ),
            (Symlinks::Ignore, &["  other = other/2.jpg", "  real = real/1.jpg"], &[]),
        ] {
            let tree = scan(&shelf, symlinks);
            assert_eq!(outline(&tree)[1..], *objects, "{symlinks:?}");
            assert_eq!(findings(&tree), *rules, "{symlinks:?}");
        }
    }

    #[test]
    fn circles_of_links_end_and_are_reported() {
        let shelf = Shelf::with(&["in/a/b/1.jpg", "in/c/2.jpg"]);
        symlink(shelf.at("in/a"), shelf.at("in/a/b/up")).unwrap();
        symlink(shelf.at("in"), shelf.at("in/c/top")).unwrap();
        symlink(shelf.at("in/a/b"), shelf.at("in/jump")).unwrap();
        symlink("self", shelf.at("in/self")).unwrap();
        let tree = scan(&shelf, Symlinks::Inside);
        assert!(tree.object(&id("a/b")).is_some() && tree.object(&id("c")).is_some());
        let rules = findings(&tree);
        assert!(rules.contains(&("link-circle", "a/b/up")), "{rules:?}");
        assert!(rules.contains(&("link-circle", "c/top")), "{rules:?}");
        assert!(rules.contains(&("link-circle", "jump/up/b")), "{rules:?}");
        assert!(rules.contains(&("broken-link", "self")), "{rules:?}");
    }

    #[test]
    fn folders_that_link_to_each_other_many_times_are_bounded() {
        let names: Vec<String> = (0..12).map(|number| format!("in/{number}/1.jpg")).collect();
        let shelf = Shelf::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for from in 0..12 {
            for to in 0..12 {
                symlink(shelf.at(&format!("in/{to}")), shelf.at(&format!("in/{from}/to-{to}"))).unwrap();
            }
        }
        let options = LibraryOptions { max_entries: 2_000, ..LibraryOptions::default() };
        let tree = Library::new([shelf.at("in")], options).unwrap().scan();
        assert!(tree.images() <= 2_000);
        assert!(findings(&tree).iter().any(|(rule, _)| *rule == "too-many-entries"));
    }

    #[test]
    fn names_that_no_url_can_have_are_findings() {
        let shelf = Shelf::with(&["in/a/1.jpg"]);
        fs::write(shelf.at("in/a").join(OsStr::from_bytes(b"gr\xfc\xdfe.jpg")), "").unwrap();
        let tree = scan(&shelf, Symlinks::Inside);
        assert_eq!(outline(&tree)[1..], ["  a = a/1.jpg"]);
        assert_eq!(findings(&tree), [("name-not-utf-8", "a/gr\u{fffd}\u{fffd}e.jpg")]);
        let shelf = Shelf::with(&["in/a/1.jpg", "in/a/back\\slash.jpg", "in/line\nbreak/1.jpg"]);
        let tree = scan(&shelf, Symlinks::Inside);
        assert_eq!(outline(&tree)[1..], ["  a = a/1.jpg"]);
        assert_eq!(findings(&tree), [("name-not-usable", "line\\nbreak"), ("name-not-usable", "a/back\\slash.jpg")]);
    }

    #[test]
    fn what_only_looks_like_an_image_is_a_finding() {
        let shelf = Shelf::with(&["in/a/1.jpg", "in/b/2.jpg"]);
        let _socket = std::os::unix::net::UnixListener::bind(shelf.at("in/a/socket.jpg")).unwrap();
        fs::create_dir(shelf.at("in/a/folder.jpg")).unwrap();
        let tree = scan(&shelf, Symlinks::Inside);
        assert_eq!(outline(&tree)[1..], ["  a = a/1.jpg", "  b = b/2.jpg"]);
        assert_eq!(findings(&tree), [("not-a-file", "a/socket.jpg")]);
    }

    #[test]
    fn an_unreadable_folder_costs_only_itself() {
        let shelf = Shelf::with(&["in/a/1.jpg", "in/locked/1.jpg"]);
        let locked = shelf.at("in/locked");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        let is_locked = fs::read_dir(&locked).is_err();
        let tree = scan(&shelf, Symlinks::Inside);
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
        if !is_locked {
            eprintln!("skipped: permissions do not bind this user");
            return;
        }
        assert_eq!(outline(&tree)[1..], ["  a = a/1.jpg"]);
        assert_eq!(findings(&tree), [("cannot-read", "locked")]);
    }
}

#[test]
fn the_same_files_make_the_same_tree_and_a_changed_file_another() {
    let names = ["b/2.jpg", "b/1.jpg", "a/x/1.jpg", "a/y.tif"];
    let shelf = Shelf::with(&names);
    let first = shelf.scan();
    assert_eq!(first, shelf.scan());
    fs::write(shelf.at("b/1.jpg"), "longer than it was").unwrap();
    let second = shelf.scan();
    assert_ne!(first, second);
    assert_eq!(outline(&first), outline(&second));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_image_is_published_exactly_once(
        names in proptest::collection::hash_set("([ab]/){0,3}[ab_]\\.(jpg|tif|txt)", 0..14),
    ) {
        let shelf = Shelf::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let tree = shelf.scan();
        let mut published: Vec<&str> =
            tree.objects().iter().flat_map(|object| &object.files).map(|file| file.identifier.as_str()).collect();
        published.sort_unstable();
        let mut wanted: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !name.contains(".txt") && !name.rsplit('/').next().unwrap().starts_with('_'))
            .collect();
        wanted.sort_unstable();
        prop_assert_eq!(published, wanted);
        for object in tree.objects() {
            prop_assert_eq!(tree.object(&object.identifier), Some(object));
        }
        for collection in tree.collections() {
            prop_assert_eq!(tree.collection(&collection.identifier), Some(collection));
        }
    }
}
