#![no_main]

use std::ops::ControlFlow;

use recto_iiif::Dimensions;
use recto_ingest::text;

// No word is empty or holds white space, and every page can be put on a canvas.
libfuzzer_sys::fuzz_target!(init: recto_fuzz::prepare(), |bytes: &[u8]| recto_fuzz::contained(|| {
    let (first, _) = text::read(bytes, 0, "a");
    let canvas = Dimensions::new(1000, 1500);
    if let Some(size) = first.size {
        let _proportions = text::proportions(size, canvas, "a");
    }
    for word in first.words() {
        assert!(!word.text.is_empty() && !word.text.contains(char::is_whitespace), "{word:?}");
    }
    first.to_plain();
    for area in first.placed_on(canvas).text.words().filter_map(|word| word.area) {
        assert!(area.x >= 0.0 && area.y >= 0.0 && area.x + area.w <= 1000.0 && area.y + area.h <= 1500.0, "{area:?}");
    }
    let mut pages = 0;
    text::read_each(bytes, "a", |_, _| {
        pages += 1;
        if pages < 50 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}));
