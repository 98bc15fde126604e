#![no_main]

use recto_ingest::mapping::Mapping;
use recto_ingest::readers::{Input, read, recognise};

libfuzzer_sys::fuzz_target!(init: recto_fuzz::prepare(), |bytes: &[u8]| recto_fuzz::contained(|| {
    let input = Input::new("a.xml", "object/a.xml", bytes);
    let _ = recognise(&input);
    read(&input, Mapping::built_in());
}));
