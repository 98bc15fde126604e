#![no_main]

#[path = "../../crates/recto-codec/tests/exercise/mod.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exercise::file(bytes));
