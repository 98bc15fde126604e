//! What a plan will cost, known before it is paid.

use recto_codec::{Cost, EncodeOptions, PixelFormat};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;

use crate::geometry::Axis;
use crate::options::Filter;
use crate::rows::PIECE_BYTES;

/// What [`crate::execute()`] will use, never less than it really does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Most bytes held at one time, the answer included.
    pub bytes_held: u64,
    /// Bytes read from the original.
    pub bytes_read: u64,
    /// Pixels decoded and pixels made, together.
    pub pixels: u64,
}

/// Bytes that a few pieces in flight between the stages hold.
pub(crate) fn pieces(row_bytes: u64, rows: u64) -> u64 {
    row_bytes.saturating_mul(rows).min(PIECE_BYTES.max(row_bytes))
}

/// Rows of the result that are resampled at a time, so that about this many bytes of source rows are held.
const RESAMPLE_BYTES: u64 = 4 << 20;

/// Rows of the result to make in one go.
pub(crate) fn strip_rows(x: &Axis, y: &Axis, pixel_bytes: usize) -> u32 {
    let row = u64::from(x.extended()) * pixel_bytes as u64;
    let budget = (RESAMPLE_BYTES / row.max(1)) as f64;
    let rows = (budget / y.ratio()).min(RESAMPLE_BYTES as f64 / (f64::from(x.out) * pixel_bytes as f64));
    (rows as u32).clamp(16, 4096).min(y.out)
}

/// What shrinking and resampling hold.
pub(crate) fn resampling(x: &Axis, y: &Axis, filter: Filter, pixel_bytes: usize) -> u64 {
    let strip = u64::from(strip_rows(x, y, pixel_bytes));
    let pixel_bytes = pixel_bytes as u64;
    let reach = |axis: &Axis| (filter.support() * axis.ratio().max(1.0)).ceil() as u64 * 2 + 3;
    let shrunk_row = u64::from(x.extended()) * pixel_bytes;
    let source_rows = ((strip as f64 * y.ratio()).ceil() as u64 + reach(y)).min(u64::from(y.extended()));
    let out_row = u64::from(x.out) * pixel_bytes;
    let coefficients = |axis: &Axis, out: u64| out * (reach(axis) * 12 + 96);
    let shrink = if x.shrink > 1 || y.shrink > 1 { shrunk_row * 8 } else { 0 };
    shrunk_row * source_rows
        + pieces(shrunk_row, u64::from(y.shrunk())) * 2
        + shrink
        + (shrunk_row + out_row) * strip
        + coefficients(x, u64::from(x.out))
        + coefficients(y, strip)
}

/// What an encoder holds, the finished file included.
pub(crate) fn encoding(format: Format, size: Dimensions, pixels: PixelFormat, options: EncodeOptions) -> u64 {
    let area = size.area_px();
    let raw = area.saturating_mul(pixels.bytes_per_pixel() as u64);
    let row = u64::from(size.width_px) * pixels.bytes_per_pixel() as u64;
    let (file, working) = match format {
        Format::Jpg => {
            // Bytes per sample of noise, which photographs stay far below.
            let per_sample = match options.jpeg_quality {
                0..=85 => 0.5,
                86..=95 => 1.0,
                _ => 1.5,
            };
            let coefficients = if options.jpeg_progressive { raw.saturating_mul(3) } else { 0 };
            ((raw as f64 * per_sample) as u64, coefficients.saturating_add(row * 64))
        }
        // The picture as the encoder wants it, and its working copy.
        Format::Webp => (raw, area.saturating_mul(12)),
        // The picture, and what the search for its palette needs.
        Format::Gif => (raw, area.saturating_mul(26)),
        Format::Png if options.png_palette => (raw, area.saturating_mul(26).saturating_add(raw)),
        // Planes of samples in two bytes, and what the encoder makes of them: about as much for a small picture as for a large.
        Format::Avif => {
            (raw, area.saturating_mul(AVIF_BYTES * pixels.bytes_per_sample() as u64).saturating_add(AVIF_STATE))
        }
        // The picture, and its codes before they are joined.
        Format::Jxl => (raw, raw.saturating_mul(3).saturating_add(2 << 20)),
        _ => (raw.saturating_add(raw / 64), row * 4),
    };
    // A file that grows in memory is moved when it is small; large ones grow in place, and what they do not fill costs nothing.
    let growing = file.saturating_mul(2).min(MOVED_BYTES);
    file.saturating_add(working).saturating_add(growing).saturating_add(64 << 10)
}

/// What the AVIF encoder holds for a pixel of 8-bit samples, and whatever the size.
const AVIF_BYTES: u64 = 48;
const AVIF_STATE: u64 = 8 << 20;

/// From this size on, memory grows without being copied.
const MOVED_BYTES: u64 = 32 << 20;

/// The cost of decoding, and of all that comes after.
pub(crate) fn total(decoding: Cost, after: u64, made: u64) -> Estimate {
    Estimate {
        bytes_held: decoding.bytes_held.saturating_add(after),
        bytes_read: decoding.bytes_read,
        pixels: decoding.pixels.saturating_add(made),
    }
}
