//! One suite for every reader and one for every writer: each fixture and each pixel format goes through all of it.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

#[path = "../counted/mod.rs"]
mod counted;
mod decoder_suite;
mod documents;
mod encoder_suite;
mod fixtures;
mod memory;
mod metadata;
mod modern;
mod reads;
mod sciences;

/// From now on AV1 is decoded in children, as the program does it: damage ends the child and not these tests.
fn contain() {
    recto_codec::contain_with(env!("CARGO_BIN_EXE_contained-decoder").into());
}
