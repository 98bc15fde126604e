//! Every announced size and a sample of the tiles, asked for as viewers ask, at exactly the pixels that they expect.

use recto_iiif::{Dimensions, Rect, image::ApiVersion};

use super::{Check, Concern, Run};
use crate::{client::ClientError, examination::Examination, pixels, service::ImageService};

const WHY: &str = "Viewers lay tiles side by side at the size that they compute; a pixel more or less shows as seams, an error as a gap.";

pub(super) const SIZES: Check = Check {
    id: "sizes",
    concern: Concern::Image,
    title: "announced sizes",
    why: WHY,
    section: "Image API 3.0 §5.3, compliance §3.2",
    run: Run::Asks(sizes),
};

pub(super) const TILES: Check = Check {
    id: "tiles",
    concern: Concern::Image,
    title: "announced tiles",
    why: WHY,
    section: "Image API 3.0 §5.4, implementation notes (tiles)",
    run: Run::Asks(tiles),
};

/// The most sizes and tiles that are asked for.
const MOST_SIZES: usize = 6;
const MOST_TILES: usize = 24;

fn sizes(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let mut sizes = service.sizes.clone();
    sizes.sort_by_key(|size| size.area_px());
    sizes.dedup();
    // Small ones cost little, and the largest is the one that limits forget.
    let mut wanted: Vec<_> = sizes.iter().copied().take(MOST_SIZES - 1).collect();
    wanted.extend(sizes.last().copied().filter(|last| !wanted.contains(last) && last.area_px() < 40_000_000));
    let mut right = 0;
    for size in &wanted {
        right += usize::from(is_delivered(examination, &service, service.size.rect(), *size, "a listed size")?);
    }
    if right > 0 {
        let message = format!("{right} of {} listed sizes that were asked for are delivered", wanted.len());
        examination.pass(&message, "", "exactly the announced pixels");
    }
    Ok(())
}

fn tiles(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let Some(set) = service.tiles.first() else { return Ok(()) };
    let mut regions: Vec<(Rect, Dimensions)> = Vec::new();
    for factor in &set.factors {
        for (region, size) in corners(service.size, set.tile, *factor) {
            if !regions.iter().any(|(other, _)| *other == region) {
                regions.push((region, size));
            }
        }
    }
    let total = regions.len();
    // Evenly over all levels, so that none is left out when there are many.
    let step = total.div_ceil(MOST_TILES).max(1);
    let (mut tried, mut right) = (0, 0);
    for (region, size) in regions.into_iter().step_by(step) {
        tried += 1;
        right += usize::from(is_delivered(examination, &service, region, size, "an announced tile")?);
    }
    if right > 0 {
        let message = format!("{right} of {tried} tiles that were asked for are delivered");
        examination.pass(&message, "", "exactly the pixels that viewers compute, corners and edges of all levels");
    }
    Ok(())
}

/// The tiles in the corners of a level, where rounding shows.
pub(crate) fn corners(image: Dimensions, tile: Dimensions, factor: u32) -> Vec<(Rect, Dimensions)> {
    let starts = |side: u32, tile: u32| {
        let step = u64::from(tile) * u64::from(factor);
        let last = (u64::from(side) - 1) / step * step;
        let mut starts = vec![0, last.saturating_sub(step), last];
        starts.dedup();
        starts.into_iter().map(move |start| (start as u32, step.min(u64::from(side) - start) as u32))
    };
    let mut found = Vec::new();
    for (y, h) in starts(image.height_px, tile.height_px) {
        for (x, w) in starts(image.width_px, tile.width_px) {
            let region = Rect::new(x, y, w, h);
            let entry = (region, region.dimensions().reduced(factor));
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

fn is_delivered(
    examination: &mut Examination<'_>,
    service: &ImageService,
    region: Rect,
    size: Dimensions,
    what: &str,
) -> Result<bool, ClientError> {
    let url = service.address(&service.tile_path(region, size));
    let done = format!("GET {url}");
    let answer = match examination.client.get(&url) {
        Ok(answer) => answer,
        Err(ClientError::Failed { reason, .. }) => {
            examination.error(&format!("{what} is not delivered"), &done, &reason, "See what fails in the server.");
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    if answer.status != 200 {
        let remedy = "Deliver everything that the image information announces, or announce less.";
        examination.error(&format!("{what} is not delivered"), &done, &answer.seen(), remedy);
        return Ok(false);
    }
    let Some(got) = pixels::size(&answer.body) else {
        let remedy = "Send a whole picture.";
        examination.error(&format!("{what} is no picture"), &done, &answer.seen(), remedy);
        return Ok(false);
    };
    let is_rounded = service.version == ApiVersion::V2
        && got.width_px == size.width_px
        && got.height_px.abs_diff(size.height_px) == 1;
    if is_rounded {
        // `w,` leaves the height to the server; viewers stretch it by a pixel.
        let seen = format!("{got} px, viewers compute {size} px");
        let remedy = "Round heights up, as viewers do.";
        examination.viewer(&format!("{what} is a pixel higher or lower than viewers compute"), &done, &seen, remedy);
    } else if got != size {
        let remedy = "Round up: a tile of a region of w pixels at scale factor s has ceil(w / s) pixels.";
        let seen = format!("{got} px, expected {size} px");
        examination.error(&format!("{what} has other pixels than viewers compute"), &done, &seen, remedy);
        return Ok(false);
    }
    if answer.media_type() != "image/jpeg" {
        let remedy = "Send `Content-Type: image/jpeg`.";
        examination.error(&format!("{what} has the wrong media type"), &done, &answer.summary(), remedy);
        return Ok(false);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_a_level_have_the_sizes_that_viewers_compute() {
        let found = corners(Dimensions::new(1800, 2400), Dimensions::new(512, 512), 2);
        let last = found.last().copied();
        assert_eq!(last, Some((Rect::new(1024, 2048, 776, 352), Dimensions::new(388, 176))));
        assert_eq!(found.len(), 6);
        let one = corners(Dimensions::new(100, 100), Dimensions::new(512, 512), 1);
        assert_eq!(one, [(Rect::new(0, 0, 100, 100), Dimensions::new(100, 100))]);
    }
}
