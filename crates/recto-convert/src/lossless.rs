//! Tiles that are made of what the original has already.

use std::path::Path;
use std::sync::Arc;

use recto_codec::{
    Control, CutRequest, DecodeError, Decoder, Memo, OpenOptions, Orientation, RandomAccess, ScratchShelf, Shelf,
    SourceFormat, TileMaker, open_jpeg_to_cut,
};
use recto_iiif::Rect;

/// Room for the index of a scan, and for the small picture that is made along with it.
const MEMO_BYTES: u64 = 96 << 20;

/// Cuts tiles of `tile` pixels out of an original that is stored as JPEG, without decoding it; `None` when it is not, or is of a kind
/// that cannot be cut. Files of several scans are made into one scan first, which lies in `folder` meanwhile.
///
/// # Errors
/// When the original cannot be read.
pub(crate) fn maker(
    source: &Arc<dyn RandomAccess>,
    decoder: &Arc<dyn Decoder>,
    options: &OpenOptions,
    folder: &Path,
    tile: u32,
) -> Result<Option<TileMaker>, DecodeError> {
    let decoder: Arc<dyn Decoder> = if decoder.facts().source_format == SourceFormat::Jpeg {
        let shelf: Arc<dyn Shelf> = Arc::new(ScratchShelf::new(folder));
        let memo = Arc::new(Memo::new(MEMO_BYTES));
        let options = OpenOptions { shelf: Some(shelf), memo, ..options.clone() };
        let cutter = open_jpeg_to_cut(Arc::clone(source), &options)?;
        cutter.prepare(&Control::default())?;
        cutter.into()
    } else {
        Arc::clone(decoder)
    };
    let size = decoder.facts().stored_size();
    let wanted = move |column: u32, row: u32| {
        let (x, y) = (column.checked_mul(tile)?, row.checked_mul(tile)?);
        let (w, h) = (size.width_px.checked_sub(x)?.min(tile), size.height_px.checked_sub(y)?.min(tile));
        Some(CutRequest { region: Rect::new(x, y, w, h), turn: Orientation::Normal, gray: false })
    };
    if !wanted(0, 0).is_some_and(|first| decoder.can_cut(0, &first)) {
        return Ok(None);
    }
    // What cannot be cut after all is encoded from its pixels.
    Ok(Some(Arc::new(move |column, row| decoder.cut(0, &wanted(column, row)?, &Control::default()).ok().flatten())))
}
