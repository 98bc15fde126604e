//! Files that once made a reader fail, found by fuzzing and by people: each is read again as a server would.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "what is looked at, and what is left out, is part of the result")]

mod exercise;

use std::path::Path;

#[test]
fn no_file_that_was_found_does_harm() {
    recto_codec::contain_with(env!("CARGO_BIN_EXE_contained-decoder").into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/finds");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        eprintln!("{}", path.display());
        exercise::file(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} holds finds", folder.display());
}
