//! Folders as a source: what identifiers find, what they never reach, and what happens when files change.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_source::{Filesystem, Folder, FolderError, Located, Source, SourceError, SourceOptions, Symlinks};
use tempfile::TempDir;

/// A library beside things that must not be reached; every file holds its own path.
struct Place {
    directory: TempDir,
}

const INSIDE: [&str; 12] = [
    "plain.jpg",
    "sub/deep/a.tif",
    "sub/both.jpg",
    "sub/both.tif",
    "sub/both.txt",
    "UPPER.TIF",
    "pages.tif",
    "pages.tif;2",
    "semi;3.png",
    "with space #?%.jpg",
    "ü/日本.jpg",
    "v1.2.jpg",
];

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        for path in INSIDE {
            place.write(&format!("library/{path}"));
        }
        for path in
            ["library/.hidden.jpg", "library/.git/config", "library/sub/.x/a.jpg", "secret.jpg", "other/far.jpg"]
        {
            place.write(path);
        }
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    fn write(&self, relative: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, relative).unwrap();
    }

    fn source(&self, symlinks: Symlinks) -> Filesystem {
        let folders = vec![Folder::Path(self.path("library"))];
        Filesystem::new(&SourceOptions { folders, symlinks, ..SourceOptions::default() }).unwrap()
    }
}

fn locate(source: &Filesystem, identifier: &str) -> Result<Located, SourceError> {
    source.locate(&Identifier::new(identifier))
}

fn content(source: &Filesystem, located: &Located) -> String {
    let access = source.open(located).unwrap();
    let mut bytes = vec![0; usize::try_from(access.len()).unwrap()];
    access.read_at(0, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_identifier_finds_its_file_with_and_without_extension_and_page() {
    let place = Place::new();
    let source = place.source(Symlinks::Inside);
    for (identifier, file, page, normal) in [
        ("plain.jpg", "plain.jpg", 1, "plain.jpg"),
        ("plain", "plain.jpg", 1, "plain.jpg"),
        ("plain;1", "plain.jpg", 1, "plain.jpg"),
        ("plain.jpg;7", "plain.jpg", 7, "plain.jpg;7"),
        ("plain;7", "plain.jpg", 7, "plain.jpg;7"),
        ("sub/deep/a", "sub/deep/a.tif", 1, "sub/deep/a.tif"),
        ("sub/both.jpg", "sub/both.jpg", 1, "sub/both.jpg"),
        ("sub/both.txt", "sub/both.txt", 1, "sub/both.txt"),
        ("UPPER", "UPPER.TIF", 1, "UPPER.TIF"),
        ("pages.tif;2", "pages.tif;2", 1, "pages.tif;2"),
        ("pages.tif;3", "pages.tif", 3, "pages.tif;3"),
        ("semi;3", "semi;3.png", 1, "semi;3.png"),
        ("semi;3;2", "semi;3.png", 2, "semi;3.png;2"),
        ("with space #?%", "with space #?%.jpg", 1, "with space #?%.jpg"),
        ("ü/日本", "ü/日本.jpg", 1, "ü/日本.jpg"),
        ("v1.2", "v1.2.jpg", 1, "v1.2.jpg"),
    ] {
        let located = locate(&source, identifier).unwrap_or_else(|error| panic!("{identifier}: {error}"));
        assert_eq!(located.identifier.as_str(), normal, "{identifier}");
        assert_eq!(located.page, page, "{identifier}");
        assert_eq!(content(&source, &located), format!("library/{file}"), "{identifier}");
        assert_eq!(located.length, format!("library/{file}").len() as u64);
        assert_eq!(source.revalidate(&located).unwrap(), Some(located.version), "{identifier}");
        assert_eq!(locate(&source, normal).unwrap().key, located.key, "the normal form is found, too");
    }
}

#[test]
fn one_of_several_is_not_guessed() {
    let place = Place::new();
    let error = locate(&place.source(Symlinks::Inside), "sub/both").unwrap_err();
    assert_eq!(error.to_string(), "`sub/both` could be `sub/both.jpg` or `sub/both.tif`; add the extension");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Everything that people try, and what must come of it: never a file, never a wait.
fn nasty() -> Vec<(String, ErrorKind)> {
    let malformed = [
        "",
        "/",
        "//",
        "/plain.jpg",
        "//plain.jpg",
        "/etc/passwd",
        "..",
        "../",
        "../secret.jpg",
        "../secret",
        "../../etc/passwd",
        "sub/..",
        "sub/../plain.jpg",
        "sub/../../secret.jpg",
        "sub/deep/../../../secret.jpg",
        "./plain.jpg",
        ".",
        "sub/./both.jpg",
        "sub/.",
        "sub//both.jpg",
        "sub/",
        "plain.jpg/",
        "plain.jpg//",
        "sub///",
        "\0",
        "plain.jpg\0",
        "plain.jpg\0.png",
        "plain\0",
        "../secret.jpg\0.jpg",
        "sub\\both.jpg",
        "..\\secret.jpg",
        "\\secret.jpg",
        "\\\\host\\share",
        "C:\\secret.jpg",
        "sub/..\\..\\secret.jpg",
        "plain.jpg\n",
        "\nplain.jpg",
        "pl\rain.jpg",
        "\u{7f}",
        "\u{85}plain.jpg",
        "a\tb",
        "\u{1b}[31m",
        "..;/secret.jpg\0",
        "../;2",
        "/;2",
        "//etc/passwd;1",
        "library/../../secret.jpg",
        "sub/../.hidden.jpg",
        "..//secret.jpg",
        "../library/plain.jpg",
        "..///",
        "a/../../b",
        "../.",
        "./..",
        "sub/deep/..",
        "../secret.jpg;1",
        "../plain;2",
    ];
    let not_found = [
        ".hidden.jpg",
        ".hidden",
        ".git/config",
        ".git",
        "sub/.x/a.jpg",
        "sub/.x/a",
        "...",
        "....",
        "..secret.jpg",
        ".../secret.jpg",
        "..;1",
        "..secret",
        "..%2fsecret.jpg",
        "%2e%2e/secret.jpg",
        "%2e%2e%2fsecret.jpg",
        "..%5csecret.jpg",
        "%00",
        "plain.jpg%00",
        "%2fetc%2fpasswd",
        "etc/passwd",
        "proc/self/environ",
        "~",
        "~/secret.jpg",
        "~root/x",
        "$HOME/x",
        "C:/secret.jpg",
        "file:",
        "sub",
        "sub/deep",
        "ü",
        "plain.jpg/x",
        "plain.jpg/plain.jpg",
        "plain.jpg/..x",
        "pla*",
        "*",
        "?",
        "[a-z]lain.jpg",
        "{plain,x}.jpg",
        "plain.jpg;0",
        "plain.jpg;02",
        "plain.jpg;-1",
        "plain.jpg;+1",
        "plain.jpg;4294967296",
        "plain.jpg;1;1;x",
        "plain.jpg;",
        ";",
        ";1",
        "sub;2",
        "sub;1/both.jpg",
        "none",
        "none.jpg;2",
        "plain.jpg ",
        " plain.jpg",
        "plain.jpg.",
        "PLAIN",
        "plain.jpg.jpg",
        "plain.",
        "u\u{308}/日本.jpg",
        "\u{ff0e}\u{ff0e}/secret.jpg",
        "\u{2025}/secret.jpg",
        "sub\u{2215}both.jpg",
        "sub\u{ff0f}both.jpg",
        "\u{202e}gpj.nialp",
        "\u{feff}plain.jpg",
        "plain.jpg\u{200b}",
        "https://example.org/x.jpg",
        "link-out.jpg",
        "link-out",
        "link-etc/passwd",
        "link-dir/far.jpg",
        "link-dir/far",
        "link-abs-out.jpg",
        "link-up/secret.jpg",
        "link-loop.jpg",
        "link-gone.jpg",
        "link-proc/environ",
        "link-fd/0",
        "pipe.jpg",
        "pipe",
        "socket.jpg",
        "link-pipe.jpg",
        "link-null.jpg",
    ];
    let mut all: Vec<(String, ErrorKind)> = malformed
        .iter()
        .filter(|text| !text.starts_with("https:"))
        .map(|text| ((*text).to_owned(), ErrorKind::Malformed))
        .collect();
    all.extend(not_found.iter().map(|text| {
        let kind = if text.contains("//") { ErrorKind::Malformed } else { ErrorKind::NotFound };
        ((*text).to_owned(), kind)
    }));
    all.push(("a/".repeat(3000) + "a", ErrorKind::Malformed));
    all.push(("a/".repeat(2000) + "a", ErrorKind::NotFound));
    all.push(("a".repeat(256), ErrorKind::Malformed));
    all.push(("a".repeat(255), ErrorKind::NotFound));
    all.push(("../".repeat(100) + "etc/passwd", ErrorKind::Malformed));
    all
}

fn add_traps(place: &Place) {
    let library = |name: &str| place.path("library").join(name);
    symlink("../secret.jpg", library("link-out.jpg")).unwrap();
    symlink("/etc", library("link-etc")).unwrap();
    symlink("../other", library("link-dir")).unwrap();
    symlink(place.path("secret.jpg"), library("link-abs-out.jpg")).unwrap();
    symlink("..", library("link-up")).unwrap();
    symlink("link-loop.jpg", library("link-loop.jpg")).unwrap();
    symlink("nowhere.jpg", library("link-gone.jpg")).unwrap();
    symlink("/proc/self", library("link-proc")).unwrap();
    symlink("/proc/self/fd", library("link-fd")).unwrap();
    symlink("pipe.jpg", library("link-pipe.jpg")).unwrap();
    symlink("/dev/null", library("link-null.jpg")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        library("pipe.jpg"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    std::os::unix::net::UnixListener::bind(library("socket.jpg")).unwrap();
}

#[test]
fn no_nasty_identifier_reaches_anything_or_waits() {
    let place = Place::new();
    add_traps(&place);
    let source = place.source(Symlinks::Inside);
    let cases = nasty();
    assert!(cases.len() > 100, "{}", cases.len());
    let start = Instant::now();
    for (identifier, kind) in &cases {
        match locate(&source, identifier) {
            Ok(located) => panic!("`{}` reached `{}`", identifier.escape_debug(), located.key),
            Err(error) => {
                assert_eq!(error.kind(), *kind, "`{}`: {error}", identifier.escape_debug());
                let message = error.to_string();
                assert!(!message.contains(place.directory.path().to_str().unwrap()), "{message}");
                assert!(!message.contains(['\0', '\n', '\u{1b}']), "{message:?}");
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn the_link_policy_decides_which_links_are_followed() {
    let place = Place::new();
    add_traps(&place);
    let library = |name: &str| place.path("library").join(name);
    symlink("sub/deep/a.tif", library("in.tif")).unwrap();
    symlink(library("sub/deep/a.tif"), library("in-abs.tif")).unwrap();
    symlink("deep/../../plain.jpg", library("sub/round.jpg")).unwrap();
    symlink(library("sub"), library("in-dir")).unwrap();
    let here = |path: &str| Some(format!("library/{path}"));
    for (identifier, inside, follow) in [
        ("plain.jpg", here("plain.jpg"), here("plain.jpg")),
        ("in.tif", here("sub/deep/a.tif"), here("sub/deep/a.tif")),
        ("in", here("sub/deep/a.tif"), here("sub/deep/a.tif")),
        ("in-abs.tif", here("sub/deep/a.tif"), here("sub/deep/a.tif")),
        ("sub/round.jpg", here("plain.jpg"), here("plain.jpg")),
        ("in-dir/deep/a.tif", here("sub/deep/a.tif"), here("sub/deep/a.tif")),
        ("in-dir/deep/a", here("sub/deep/a.tif"), here("sub/deep/a.tif")),
        ("link-out.jpg", None, Some("secret.jpg".to_owned())),
        ("link-abs-out.jpg", None, Some("secret.jpg".to_owned())),
        ("link-dir/far.jpg", None, Some("other/far.jpg".to_owned())),
        ("link-gone.jpg", None, None),
        ("link-loop.jpg", None, None),
        ("link-pipe.jpg", None, None),
        ("link-null.jpg", None, None),
    ] {
        let ignore = (identifier == "plain.jpg").then(|| "library/plain.jpg".to_owned());
        for (policy, want) in [(Symlinks::Inside, inside), (Symlinks::Follow, follow), (Symlinks::Ignore, ignore)] {
            let source = place.source(policy);
            let got = locate(&source, identifier).ok().map(|located| content(&source, &located));
            assert_eq!(got, want, "{identifier} {policy:?}");
        }
    }
    let error = locate(&place.source(Symlinks::Inside), "link-out.jpg").unwrap_err();
    assert_eq!(error.to_string(), "`link-out.jpg` is reached by a link that `symlinks = \"inside\"` does not follow");
}

#[test]
fn several_folders_are_told_apart_by_their_names() {
    let place = Place::new();
    place.write("more/scans/plain.jpg");
    symlink(place.path("library/plain.jpg"), place.path("more/scans/across.jpg")).unwrap();
    let folders = vec![
        Folder::Path(place.path("library")),
        Folder::Named { name: "maps".to_owned(), path: place.path("more/scans") },
    ];
    let source = Filesystem::new(&SourceOptions { folders, ..SourceOptions::default() }).unwrap();
    for (identifier, file, normal) in [
        ("library/plain", "library/plain.jpg", "library/plain.jpg"),
        ("maps/plain;2", "more/scans/plain.jpg", "maps/plain.jpg;2"),
        ("maps/across", "library/plain.jpg", "maps/across.jpg"),
    ] {
        let located = locate(&source, identifier).unwrap();
        assert_eq!(content(&source, &located), file);
        assert_eq!(located.identifier.as_str(), normal);
    }
    for identifier in ["plain.jpg", "library", "maps", "other/plain.jpg", "maps/secret.jpg"] {
        assert_eq!(locate(&source, identifier).unwrap_err().kind(), ErrorKind::NotFound, "{identifier}");
    }
    let error = locate(&source, "library/sub/both").unwrap_err().to_string();
    assert!(error.contains("`library/sub/both.jpg` or `library/sub/both.tif`"), "{error}");
}

#[test]
fn folders_that_cannot_be_served_are_refused_with_a_way_out() {
    let place = Place::new();
    place.write("more/library/x.jpg");
    let new =
        |folders: Vec<Folder>| Filesystem::new(&SourceOptions { folders, ..SourceOptions::default() }).unwrap_err();
    assert!(matches!(new(vec![]), FolderError::None));
    let missing = new(vec![Folder::Path("/nonexistent/scans".into())]);
    assert_eq!(missing.to_string(), "the folder `/nonexistent/scans` cannot be opened");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(matches!(new(vec![Folder::Path(place.path("secret.jpg"))]), FolderError::Unreadable { .. }));
    let same = new(vec![Folder::Path(place.path("library")), Folder::Path(place.path("more/library"))]);
    assert!(same.to_string().contains("are both named `library`; write `{ name ="), "{same}");
    for name in ["", "a/b", "..", ".x", "a\\b"] {
        let named = Folder::Named { name: name.to_owned(), path: place.path("more") };
        let error = new(vec![Folder::Path(place.path("library")), named]);
        assert!(matches!(error, FolderError::Name { .. }), "{name}: {error}");
    }
}

#[test]
fn a_replaced_file_is_seen_at_once_and_never_mixed() {
    let place = Place::new();
    let source = place.source(Symlinks::Inside);
    let path = place.path("library/plain.jpg");
    let before = locate(&source, "plain").unwrap();
    let access = source.open(&before).unwrap();

    // Replaced by rename: the open file goes on to give the old bytes, the look sees the new file.
    fs::write(place.path("library/new.jpg"), "x".repeat(17)).unwrap();
    fs::rename(place.path("library/new.jpg"), &path).unwrap();
    assert_ne!(source.revalidate(&before).unwrap(), Some(before.version));
    assert!(matches!(source.open(&before), Err(SourceError::Changed { .. })));
    let mut bytes = [0; 7];
    access.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"library");

    // Written in place: the open file fails instead of giving two versions.
    let after = locate(&source, "plain").unwrap();
    let access = source.open(&after).unwrap();
    fs::write(&path, "y".repeat(17)).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    assert!(access.read_at(0, &mut bytes).is_err());
    assert!(!access.try_read_at(0, &mut bytes));
    assert_ne!(source.revalidate(&after).unwrap(), Some(after.version));

    fs::remove_file(&path).unwrap();
    assert_eq!(source.revalidate(&after).unwrap(), None);
    assert!(matches!(source.open(&after), Err(SourceError::NotFound { .. })));
    fs::create_dir(&path).unwrap();
    assert_eq!(source.revalidate(&after).unwrap(), None);
}

#[test]
fn a_folder_that_is_replaced_as_a_whole_is_read_anew() {
    let place = Place::new();
    let source = place.source(Symlinks::Inside);
    fs::rename(place.path("library"), place.path("old")).unwrap();
    place.write("library/fresh.jpg");
    let located = locate(&source, "fresh").unwrap();
    assert_eq!(content(&source, &located), "library/fresh.jpg");
    assert_eq!(locate(&source, "plain").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn reads_are_exact_and_end_at_the_end() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(place.path("library/big.jpg"), &bytes).unwrap();
    let source = place.source(Symlinks::Inside);
    let access = source.open(&locate(&source, "big").unwrap()).unwrap();
    assert_eq!(access.len(), 300_000);
    for (offset, length) in [(0, 1), (0, 300_000), (299_999, 1), (150_000, 70_000), (300_000, 0), (0, 0)] {
        let want = &bytes[offset..offset + length];
        let mut buffer = vec![0; length];
        access.read_at(offset as u64, &mut buffer).unwrap();
        assert_eq!(buffer, want, "{offset}+{length}");
        let mut quick = vec![0; length];
        if access.try_read_at(offset as u64, &mut quick) {
            assert_eq!(quick, want, "{offset}+{length}");
        }
    }
    for (offset, length) in [(300_000, 1), (299_999, 2), (u64::MAX, 1), (u64::MAX, 0), (1 << 40, 10)] {
        let mut buffer = vec![0; length];
        assert!(access.read_at(offset, &mut buffer).is_err(), "{offset}+{length}");
        assert!(!access.try_read_at(offset, &mut buffer), "{offset}+{length}");
    }
}

#[test]
fn the_options_take_folders_as_paths_and_with_names() {
    let load = |file: &str, environment: &[(&str, &str)]| {
        let text = file.to_owned();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let file = Some(recto_config::ConfigFile { path: "recto.toml".into(), text });
        recto_config::load::<SourceOptions>(&recto_config::Sources { file, environment, sets: Vec::new() })
    };
    let (first, second) = (Folder::Path("/a".into()), Folder::Path("/b".into()));
    let maps = Folder::Named { name: "maps".to_owned(), path: "/b".into() };
    let from_file =
        load("folders = [\"/a\", { name = \"maps\", path = \"/b\" }]\nsymlinks = \"ignore\"\n", &[]).unwrap();
    assert_eq!(from_file.value.folders, [first.clone(), maps]);
    assert_eq!(from_file.value.symlinks, Symlinks::Ignore);
    let from_environment = load("", &[("RECTO_FOLDERS", "/a,/b")]).unwrap();
    assert_eq!(from_environment.value.folders, [first, second]);
    let error = load("symlinks = \"folow\"\n", &[]).unwrap_err().to_string();
    assert!(error.starts_with("recto.toml:1:12: `symlinks` cannot be `folow`; did you mean `follow`?"), "{error}");
}

/// Every regular file below a folder, by its content.
fn files(folder: &Path, prefix: &str, found: &mut HashMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else if entry.file_type().unwrap().is_file() {
            found.insert(format!("library/{name}"), entry.path());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn whatever_is_asked_for_only_a_visible_file_of_the_library_comes_back(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("..".to_owned()), Just(".".to_owned()), Just(String::new()), Just("/".to_owned()), Just("sub".to_owned()),
                Just("plain".to_owned()), Just("plain.jpg".to_owned()), Just("link-up".to_owned()), Just("link-dir".to_owned()),
                Just("link-etc".to_owned()), Just("passwd".to_owned()), Just("library".to_owned()), Just("secret.jpg".to_owned()),
                Just(".hidden".to_owned()), Just("\0".to_owned()), Just("\\".to_owned()), Just(";2".to_owned()), Just("%2e".to_owned()),
                "\\PC{0,4}", "[a-z./;\\\\]{0,6}",
            ],
            0..8,
        ),
        separator in prop_oneof![Just("/"), Just(""), Just("//"), Just("\\")],
    ) {
        thread_local! {
            static PLACE: (Place, Filesystem, HashMap<String, PathBuf>) = {
                let place = Place::new();
                add_traps(&place);
                let source = place.source(Symlinks::Inside);
                let mut found = HashMap::new();
                files(&place.path("library"), "", &mut found);
                (place, source, found)
            };
        }
        let identifier = parts.join(separator);
        PLACE.with(|(_, source, known)| {
            if let Ok(located) = locate(source, &identifier) {
                let content = content(source, &located);
                assert!(known.contains_key(&content), "`{identifier}` reached `{content}`");
                assert!(!content.contains("/."), "`{identifier}` reached `{content}`");
                assert_eq!(locate(source, located.identifier.as_str()).unwrap().key, located.key);
            }
        });
    }
}
