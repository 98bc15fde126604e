//! Tiles that are made of what the original has already.

use std::sync::Arc;

use recto_codec::{Control, CutRequest, Decoder, Orientation, TileMaker};
use recto_iiif::Rect;

/// Cuts tiles of `tile` pixels out of an original that is stored as JPEG, without decoding it; `None` when it is not. Tiles at the
/// right and bottom edge are not whole: they are encoded with their padding.
pub(crate) fn maker(decoder: &Arc<dyn Decoder>, tile: u32) -> Option<TileMaker> {
    let size = decoder.facts().stored_size();
    let wanted = move |column: u32, row: u32| {
        let region = Rect::new(column.checked_mul(tile)?, row.checked_mul(tile)?, tile, tile);
        region.is_inside(size).then_some(CutRequest { region, turn: Orientation::Normal, gray: false })
    };
    if !decoder.can_cut(0, &wanted(0, 0)?) {
        return None;
    }
    let decoder = Arc::clone(decoder);
    // What cannot be cut after all is encoded from its pixels.
    Some(Arc::new(move |column, row| decoder.cut(0, &wanted(column, row)?, &Control::default()).ok().flatten()))
}
