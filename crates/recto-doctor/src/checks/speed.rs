//! How long the image information and tiles take, by a bounded number of requests.

use recto_iiif::Rect;

use super::{Check, Concern, Run};
use crate::{client::ClientError, examination::Examination};

pub(super) const SPEED: Check = Check {
    id: "speed",
    concern: Concern::Image,
    title: "speed",
    why: "A viewer fills its window with a dozen tiles; people notice waits above a tenth of a second and leave after a few.",
    section: "no specification; measured from here",
    run: Run::Asks(speed),
};

fn speed(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let mut info = Vec::new();
    for _ in 0..5 {
        info.push(millis(examination.client.get(&service.address("info.json"))?.elapsed));
    }
    let mut tiles = Vec::new();
    let (tile, image) = (service.grid().tile, service.size);
    let columns = image.width_px.div_ceil(tile.width_px);
    let rows = image.height_px.div_ceil(tile.height_px);
    let total = u64::from(columns) * u64::from(rows);
    let wanted = (examination.client.options.timed_tiles as u64).min(total);
    for number in 0..wanted {
        // Spread over the image, so that most are not in a cache yet.
        let index = number * total / wanted;
        let x = (index % u64::from(columns)) as u32 * tile.width_px;
        let y = (index / u64::from(columns)) as u32 * tile.height_px;
        let region = Rect::new(x, y, tile.width_px.min(image.width_px - x), tile.height_px.min(image.height_px - y));
        let url = service.address(&service.tile_path(region, region.dimensions()));
        let answer = examination.client.get(&url)?;
        if answer.status == 200 {
            tiles.push(millis(answer.elapsed));
        }
    }
    let (info_median, info_p95) = quantiles(&mut info);
    let seen =
        format!("image information: median {info_median} ms, 19 of 20 within {info_p95} ms ({} requests)", info.len());
    let done = format!("GET {}/info.json, and tiles all over the image", service.base);
    if info_median > millis(examination.client.options.slow_json) {
        let remedy = "Keep what the image information needs, so that the file is not opened each time.";
        examination.warning("the image information is slow", &done, &seen, remedy);
    } else {
        examination.pass("the image information is quick", &done, &seen);
    }
    if tiles.is_empty() {
        return Ok(());
    }
    let (median, p95) = quantiles(&mut tiles);
    examination.tile_times_ms = Some((median, p95));
    let seen = format!("tiles: median {median} ms, 19 of 20 within {p95} ms ({} requests)", tiles.len());
    if median > millis(examination.client.options.slow_image) {
        let remedy = "Store images as tiled pyramids (TIFF or JPEG 2000), near the server, and cache derivatives.";
        examination.warning("tiles are slow", &done, &seen, remedy);
    } else {
        examination.pass("tiles are quick", &done, &seen);
    }
    Ok(())
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The median and the value that nineteen of twenty do not pass.
pub(crate) fn quantiles(values: &mut [u64]) -> (u64, u64) {
    values.sort_unstable();
    let at = |share: usize| values.get((values.len().saturating_sub(1) * share).div_ceil(100)).copied().unwrap_or(0);
    (at(50), at(95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_values_themselves() {
        assert_eq!(quantiles(&mut [5, 1, 3]), (3, 5));
        assert_eq!(quantiles(&mut []), (0, 0));
        assert_eq!(quantiles(&mut (1..=100).collect::<Vec<_>>()), (51, 96));
    }
}
