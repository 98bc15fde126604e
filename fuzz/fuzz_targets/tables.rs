#![no_main]

use recto_ingest::tables::{TableOptions, read, read_objects, read_pages};

libfuzzer_sys::fuzz_target!(init: recto_fuzz::prepare(), |bytes: &[u8]| recto_fuzz::contained(|| {
    read(bytes, "a.csv");
    read_objects(bytes, "a.csv", None, &TableOptions::default());
    read_pages(bytes, "a.csv", None, &TableOptions::default());
}));
