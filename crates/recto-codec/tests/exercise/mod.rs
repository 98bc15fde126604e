//! What is done with a file of unknown make: everything that a server would do, within tight limits. Shared by the replay of
//! finds (`tests/finds.rs`) and by the fuzz targets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{Control, DecodeRequest, Decoder, MemoryAccess, OpenOptions, open};
use recto_iiif::Rect;

/// No read may take longer; a server has the same kind of limit.
const TIME: Duration = Duration::from_secs(2);

/// Opens the file and reads of it: the first page whole at its smallest, a region of each level, the last page's head, stored
/// and cut tiles. Errors are fine; anything else is a find.
pub(crate) fn file(bytes: &[u8]) {
    let options = OpenOptions { max_pixels: 1 << 22, max_bytes: 64 << 20, ..OpenOptions::default() };
    let source = Arc::new(MemoryAccess::new(bytes));
    let Ok(decoder) = open(source.clone(), &options) else { return };
    read(&*decoder);
    let pages = decoder.facts().pages;
    assert!(pages > 0, "a file has a page");
    if pages > 1
        && let Ok(last) = open(source, &OpenOptions { page: pages, ..options })
    {
        read(&*last);
    }
}

fn read(decoder: &dyn Decoder) {
    let facts = decoder.facts();
    assert!(!facts.levels.is_empty(), "an image has a level");
    let control = Control::until(Instant::now() + TIME);
    for (level, stored) in facts.levels.iter().enumerate().take(4) {
        let size = stored.size;
        assert!(!size.is_empty(), "a level has pixels");
        let inner =
            Rect::new(size.width_px / 3, size.height_px / 3, (size.width_px / 3).max(1), (size.height_px / 3).max(1));
        let mut denominator = 1;
        while denominator <= facts.max_denominator.clamp(1, 64) {
            for region in [inner, size.rect()] {
                take(decoder, &DecodeRequest { level, region, denominator }, &control);
            }
            denominator *= 2;
        }
        if let Some(grid) = stored.grid {
            for (column, row) in [(0, 0), (size.width_px / grid.tile.width_px, size.height_px / grid.tile.height_px)] {
                let _stored = decoder.stored_tile(level, column, row);
            }
        }
    }
}

fn take(decoder: &dyn Decoder, wanted: &DecodeRequest, control: &Control) {
    let _cost = decoder.cost(wanted);
    let Ok(mut rows) = decoder.rows(wanted, control) else { return };
    let geometry = rows.geometry();
    let mut height = 0_u64;
    while let Ok(Some(strip)) = rows.next_strip() {
        assert_eq!(strip.width_px(), geometry.rect.w, "strips are as wide as announced");
        assert!(strip.height_px() > 0, "a strip has a row");
        height += u64::from(strip.height_px());
        assert!(height <= u64::from(geometry.rect.h), "no more rows than announced");
    }
}
