//! Do neighbouring tiles meet? The same region is fetched as two tiles and as one picture, and compared at the joint.

use recto_iiif::{Dimensions, Rect};

use super::{Check, Concern, Run};
use crate::{client::ClientError, examination::Examination, pixels, service::ImageService};

pub(super) const SEAMS: Check = Check {
    id: "seams",
    concern: Concern::Image,
    title: "joints of tiles",
    why: "Where tiles are scaled without looking at their neighbours, or at another place than they are laid, a grid shows in the picture.",
    section: "Image API 3.0 §5.4, implementation notes (tiles)",
    run: Run::Asks(seams),
};

/// Columns on each side of the joint that are compared.
const STRIP: u32 = 4;

fn seams(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let Some(set) = service.tiles.first().cloned() else { return Ok(()) };
    if service.is_level_0() {
        examination.note("joints cannot be looked at, as level 0 delivers only its own tiles", "", "");
        return Ok(());
    }
    // The finest and the coarsest level that has two whole tiles side by side.
    let pair = |factor: &u32| {
        let step = u64::from(set.tile.width_px) * u64::from(*factor);
        step * 2 <= u64::from(service.size.width_px)
    };
    let mut factors: Vec<u32> = set.factors.iter().copied().filter(pair).collect();
    factors.sort_unstable();
    let chosen = match factors.as_slice() {
        [] => return Ok(()),
        [only] => vec![*only],
        [first, .., last] => vec![*first, *last],
    };
    for factor in chosen {
        look_at(examination, &service, set.tile, factor)?;
    }
    Ok(())
}

fn look_at(
    examination: &mut Examination<'_>,
    service: &ImageService,
    tile: Dimensions,
    factor: u32,
) -> Result<(), ClientError> {
    let w = tile.width_px * factor;
    let h = (u64::from(tile.height_px) * u64::from(factor)).min(u64::from(service.size.height_px)) as u32;
    let regions = [Rect::new(0, 0, w, h), Rect::new(w, 0, w, h), Rect::new(0, 0, 2 * w, h)];
    let mut pictures = Vec::new();
    let mut done = String::from("GET");
    for region in regions {
        let url = service.address(&service.tile_path(region, region.dimensions().reduced(factor)));
        done.push_str(&format!(" {url}"));
        let answer = examination.client.get(&url)?;
        let Some(picture) = pixels::decode(&answer.body).filter(|_| answer.status == 200) else {
            examination.note("joints could not be looked at, as a picture did not come", &done, &answer.seen());
            return Ok(());
        };
        pictures.push(picture);
    }
    let [left, right, both] = pictures.as_slice() else { return Ok(()) };
    let width = left.width();
    if both.width() != width + right.width() || width < 8 * STRIP {
        examination.note("joints could not be looked at, as the sizes do not fit", &done, "");
        return Ok(());
    }
    let seen = |at: f64, inside: f64| format!("difference at the joint {at:.1}, inside {inside:.1} (of 255)");
    let right_joint = pixels::column_difference(right, both, width, 0, STRIP);
    let left_joint = pixels::column_difference(left, both, 0, width - STRIP, width);
    let inside = pixels::column_difference(left, both, 0, width / 4, width / 2).max(pixels::column_difference(
        right,
        both,
        width,
        right.width() / 4,
        right.width() / 2,
    ));
    let at = right_joint.max(left_joint);
    let level = format!("at scale factor {factor}");
    if pixels::variation(both) < 1.0 {
        examination.note(&format!("the picture is flat where tiles meet {level}, so nothing can be seen"), &done, "");
    } else if inside > 20.0 {
        let remedy = "Cut regions at the pixels that are asked for; look at rounding of offsets.";
        let message = format!("tiles show other pixels than the same region in one request {level}");
        examination.error(&message, &done, &seen(at, inside), remedy);
    } else if at > inside * 2.5 + 5.0 {
        let remedy = "Scale a tile with the pixels around it, and cut afterwards.";
        examination.warning(&format!("a seam can be seen between tiles {level}"), &done, &seen(at, inside), remedy);
    } else {
        examination.pass(&format!("tiles meet without a seam {level}"), &done, &seen(at, inside));
    }
    Ok(())
}
