//! A stream filled up to a larger size without loss: tiles at the edges of a picture are as large as the others.

use recto_iiif::Dimensions;

use super::bits::{BitWriter, CleanScan};
use super::coding::{Coding, Parts};
use super::cut::McuReader;
use super::markers::EOI;

/// Longest side of a frame.
const MAX_SIDE_PX: u32 = 65_535;

/// The complete stream with a frame of `size`. What it shows stays as it is; behind its last column and row of MCUs come such of one
/// colour, that of the MCU beside them. `None` where that cannot be: for other kinds of streams, damaged or larger ones, and where
/// a table lacks the code that ends a block.
pub(crate) fn fill(stream: &[u8], size: Dimensions) -> Option<Vec<u8>> {
    let (parts, data) = Parts::of_stream(stream).ok()??;
    let coding = Coding::new(&parts).ok()??;
    let is_larger = size.width_px >= coding.size.width_px && size.height_px >= coding.size.height_px;
    if !is_larger || size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return None;
    }
    let ends = coding.block_ends()?;
    let scan = CleanScan::new(data, 0).filter(|scan| matches!(scan.ended_by, None | Some(EOI)))?;
    let columns = size.width_px.div_ceil(coding.mcu.width_px);
    let rows = size.height_px.div_ceil(coding.mcu.height_px);
    let mut reader = McuReader::new(&coding, &scan, 0, 0, [0; 4]);
    let mut writer = BitWriter::new(coding.head(size));
    let mut written = [0; 4];
    // Of each MCU of the row that was written last.
    let mut means = Vec::with_capacity(columns as usize);
    for _ in 0..coding.rows {
        means.clear();
        for _ in 0..coding.columns {
            reader.copy(1, &mut writer, &mut written).ok()?;
            means.push(written);
        }
        let beside = written;
        for _ in coding.columns..columns {
            put_flat(&coding, &ends, beside, &mut written, &mut writer)?;
            means.push(beside);
        }
    }
    for _ in coding.rows..rows {
        for mean in &means {
            put_flat(&coding, &ends, *mean, &mut written, &mut writer)?;
        }
    }
    let mut out = writer.finish();
    out.extend_from_slice(&[0xff, EOI]);
    Some(out)
}

/// Writes an MCU whose blocks hold these mean values and nothing else. `written` are the last ones that were written.
fn put_flat(
    coding: &Coding,
    ends: &[(u32, u32)],
    means: [i32; 4],
    written: &mut [i32; 4],
    writer: &mut BitWriter,
) -> Option<()> {
    for (((component, (code, length)), mean), written) in coding.components.iter().zip(ends).zip(means).zip(written) {
        for _ in 0..component.h * component.v {
            writer.put_dc(&component.dc_codes, mean - *written)?;
            writer.put(*code, *length);
            *written = mean;
        }
    }
    Some(())
}
