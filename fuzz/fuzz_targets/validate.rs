#![no_main]

libfuzzer_sys::fuzz_target!(init: recto_fuzz::prepare(), |bytes: &[u8]| recto_fuzz::contained(|| {
    recto_iiif::validate::validate_text(bytes);
}));
