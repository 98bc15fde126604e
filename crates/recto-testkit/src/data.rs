//! Real files, where they are present.

use std::path::{Path, PathBuf};

/// The folder of real data: `RECTO_TEST_DATA`, else `../shared/data` beside the workspace. Where there is none, one line says so
/// and the caller has nothing to test.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen in the test's output")]
pub fn data_dir() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = match std::env::var_os("RECTO_TEST_DATA") {
        Some(named) => Some(PathBuf::from(named)).filter(|path| path.is_dir()),
        None => {
            [workspace.join("../shared/data"), workspace.join("../../shared/data")].into_iter().find(|p| p.is_dir())
        }
    };
    if found.is_none() {
        eprintln!("skipped: there is no real data here (RECTO_TEST_DATA names its folder)");
    }
    found
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
