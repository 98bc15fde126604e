//! Real files, and programs of others, where they are present.

use std::io::Write as _;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// What has to be here, in words with commas between them: `data`, `programs`. Where it is not, tests that need it fail; without
/// the word they are skipped.
const REQUIRED: &str = "RECTO_TEST_REQUIRE";

/// The folder of real data: `RECTO_TEST_DATA`, else `../shared/data` beside the workspace. Where there is none, one line says so
/// and the caller has nothing to test.
///
/// # Panics
/// Where there is none and `RECTO_TEST_REQUIRE` names `data`.
#[track_caller]
pub fn data_dir() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = match std::env::var_os("RECTO_TEST_DATA") {
        Some(named) => Some(PathBuf::from(named)).filter(|path| path.is_dir()),
        None => {
            [workspace.join("../shared/data"), workspace.join("../../shared/data")].into_iter().find(|p| p.is_dir())
        }
    };
    if found.is_none() {
        skip("data", "there is no real data here (RECTO_TEST_DATA names its folder)");
    }
    found
}

/// Says that a program of others is not here, and what it does not check for that reason.
///
/// # Panics
/// Where `RECTO_TEST_REQUIRE` names `programs`.
#[track_caller]
pub fn without_program(program: &str, unchecked: &str) {
    skip("programs", &format!("{unchecked}, as `{program}` is not installed"));
}

#[track_caller]
fn skip(kind: &str, why: &str) {
    let required = std::env::var(REQUIRED).unwrap_or_default();
    assert!(!names(&required, kind), "{why}, and {REQUIRED} names `{kind}`");
    let (thread, place) = (std::thread::current(), Location::caller());
    let test = thread.name().unwrap_or("a test");
    // The macros' output is kept from sight where a test passes, and this must be seen.
    let line = format!("skipped: {test} ({}:{}): {why}\n", place.file(), place.line());
    let _said = std::io::stderr().lock().write_all(line.as_bytes());
}

fn names(required: &str, kind: &str) -> bool {
    required.split(',').any(|word| word.trim() == kind)
}

/// All files below a folder, in the order of their paths.
///
/// # Panics
/// When the folder cannot be read.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder of test data can be read") {
            let path = entry.expect("the folder of test data can be read").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_a_list_of_words() {
        for (required, data, programs) in
            [("", false, false), ("data", true, false), ("programs, data", true, true), ("database", false, false)]
        {
            assert_eq!((names(required, "data"), names(required, "programs")), (data, programs), "`{required}`");
        }
    }
}
