//! From a plan to bytes.

use std::sync::Arc;

use recto_codec::{Control, Decoder, EncodeHeader, PixelFormat, RandomAccess, StoredTile, encoder};
use recto_iiif::image::Format;

use crate::options::{Bitonal, RenderOptions};
use crate::plan::{Plan, RenderPlan, Threshold};
use crate::quality::{self, Dither, Otsu};
use crate::resample::Resampled;
use crate::rotate::Rotated;
use crate::rows::{Decoded, Mapped, Rows};
use crate::turn::{Turned, mirror_rows};
use crate::{EngineError, color, stored};

/// Makes the answer. `source` is the original that `decoder` was opened on; it is read here only for tiles that leave as they lie.
///
/// # Errors
/// What is wrong with the original, the encoder's limits, or that the work was cancelled.
pub fn execute(
    plan: &Plan,
    decoder: &dyn Decoder,
    source: &dyn RandomAccess,
    options: &RenderOptions,
    control: &Control,
) -> Result<Vec<u8>, EngineError> {
    control.check()?;
    match plan {
        Plan::StoredTile { .. } => {
            let tile = stored_tile(plan, decoder)
                .ok_or_else(|| EngineError::broken("a stored tile that was planned is not there"))?;
            let body = source.read_range(tile.body).map_err(recto_codec::DecodeError::from)?;
            Ok([&tile.head, body.as_slice()].concat())
        }
        Plan::Cut { level, part, otherwise } => match decoder.cut(*level, part, control)? {
            Some(tile) if is_jpeg(&tile) => Ok(match color::kept_profile(decoder.facts(), options) {
                Some(icc) if !part.gray => stored::with_profile_first(&tile, &icc),
                _ => tile,
            }),
            _ => encode(otherwise, decoder, options, control),
        },
        Plan::StoredWhole { otherwise } => match decoder.stored_whole(Format::Jpg)? {
            Some(whole) => Ok(whole),
            None => encode(otherwise, decoder, options, control),
        },
        Plan::Render(plan) => encode(plan, decoder, options, control),
    }
}

/// The tile of a [`Plan::StoredTile`], so that a server can send its head and the bytes of its body itself.
pub fn stored_tile(plan: &Plan, decoder: &dyn Decoder) -> Option<StoredTile> {
    match plan {
        Plan::StoredTile { level, column, row, profile, .. } => {
            let tile = decoder.stored_tile(*level, *column, *row)?;
            Some(stored::with_profile(tile, profile.as_deref()))
        }
        _ => None,
    }
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8])
}

fn encode(
    plan: &RenderPlan,
    decoder: &dyn Decoder,
    options: &RenderOptions,
    control: &Control,
) -> Result<Vec<u8>, EngineError> {
    let Pipeline { mut rows, icc } = pipeline(plan, decoder, options, control)?;
    let header = EncodeHeader {
        size: rows.size(),
        pixels: rows.format(),
        bitonal: rows.format() == PixelFormat::Gray8 && (plan.threshold.is_some() || plan.stays_bitonal),
        icc,
        dpi: plan.dpi,
    };
    let mut encoder = encoder(plan.format, &header, &options.encode)?;
    while let Some(strip) = rows.next_rows()? {
        control.check()?;
        encoder.write(&strip)?;
    }
    control.check()?;
    Ok(encoder.finish()?)
}

/// The finished rows, before they are encoded.
///
/// # Errors
/// What is wrong with the original, or that the work was cancelled.
pub fn render_rows<'a>(
    plan: &RenderPlan,
    decoder: &'a dyn Decoder,
    options: &RenderOptions,
    control: &Control,
) -> Result<Box<dyn Rows + 'a>, EngineError> {
    Ok(pipeline(plan, decoder, options, control)?.rows)
}

struct Pipeline<'a> {
    rows: Box<dyn Rows + 'a>,
    /// The profile to embed.
    icc: Option<Arc<[u8]>>,
}

fn pipeline<'a>(
    plan: &RenderPlan,
    decoder: &'a dyn Decoder,
    options: &RenderOptions,
    control: &Control,
) -> Result<Pipeline<'a>, EngineError> {
    let source = decoder.rows(&plan.decode, control)?;
    let decoded = Decoded::new(source, plan.decoded, plan.decode.denominator, control)?;
    let steps = color::steps(decoded.format(), decoder.facts().icc.as_ref(), plan.color);
    let (to_light, from_light) = steps.light.unzip();
    let mut rows: Box<dyn Rows + 'a> = Box::new(decoded);
    for converter in steps.before.into_iter().chain(to_light) {
        rows = Box::new(Mapped::new(rows, converter.to, move |strip| converter.convert(strip)));
    }
    if !plan.is_exact() {
        rows = Box::new(Resampled::new(rows, plan.x, plan.y, plan.filter));
    }
    for converter in from_light.into_iter().chain(steps.after) {
        rows = Box::new(Mapped::new(rows, converter.to, move |strip| converter.convert(strip)));
    }
    if plan.gray {
        let format = quality::grayed(rows.format());
        rows = Box::new(Mapped::new(rows, format, |strip| Ok(quality::to_gray(strip))));
    }
    if plan.degrees.is_none() {
        rows = flatten(rows, plan, options);
    }
    rows = turn(rows, plan, control);
    rows = flatten(rows, plan, options);
    rows = match plan.threshold {
        None => rows,
        Some(Threshold::Middle) => {
            Box::new(Mapped::new(rows, PixelFormat::Gray8, |strip| Ok(quality::cut_at(strip, 128))))
        }
        Some(Threshold::By(Bitonal::Otsu)) => Box::new(Otsu::new(rows)),
        Some(Threshold::By(Bitonal::Dither)) => {
            let mut dither = Dither::new(rows.size().width_px);
            Box::new(Mapped::new(rows, PixelFormat::Gray8, move |strip| Ok(dither.rows(strip))))
        }
    };
    let format = quality::encodable(plan.format, rows.format());
    if format != rows.format() {
        rows = Box::new(Mapped::new(rows, format, |strip| Ok(quality::to_rgb(strip))));
    }
    if rows.size() != plan.size {
        return Err(EngineError::broken(format!("planned {}, made {}", plan.size, rows.size())));
    }
    Ok(Pipeline { rows, icc: steps.icc })
}

/// Onto the background, where the answer cannot be transparent. Gray answers see the background's luma.
fn flatten<'a>(rows: Box<dyn Rows + 'a>, plan: &RenderPlan, options: &RenderOptions) -> Box<dyn Rows + 'a> {
    let needed = rows.format().has_alpha() && (plan.threshold.is_some() || !plan.format.has_alpha());
    if !needed {
        return rows;
    }
    let background = if plan.gray { [quality::luma(options.background); 3] } else { options.background };
    let format = quality::flattened(rows.format(), background);
    Box::new(Mapped::new(rows, format, move |strip| Ok(quality::flatten(strip, background))))
}

fn turn<'a>(rows: Box<dyn Rows + 'a>, plan: &RenderPlan, control: &Control) -> Box<dyn Rows + 'a> {
    match plan.degrees {
        Some(degrees) => Box::new(Rotated::new(rows, plan.turn, degrees, control)),
        None if plan.turn.is_none() => rows,
        None if plan.turn.is_within_rows() => {
            let format = rows.format();
            Box::new(Mapped::new(rows, format, |strip| Ok(mirror_rows(strip))))
        }
        None => Box::new(Turned::new(rows, plan.turn)),
    }
}
