//! Small pictures that are cheap for the image service: a stored level where there is one of a good size.

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{ContentResource, Service};

use super::{PageFacts, Urls};

/// The longer side that a thumbnail has at least, where the image is that large.
const THUMBNAIL_LEAST_PX: u32 = 200;
/// The longer side above which a stored size is not worth its bytes as a thumbnail.
const THUMBNAIL_MOST_PX: u32 = 1024;

/// Version 3 first; version 2 beside it in its own naming, for viewers that know no other.
pub(super) fn services(image: &Identifier, sizes: &[Dimensions], urls: &dyn Urls) -> Vec<Service> {
    vec![
        Service::image_3(urls.image(ApiVersion::V3, image)).with_sizes(sizes),
        Service::image_2(urls.image(ApiVersion::V2, image)).with_sizes(sizes),
    ]
}

/// The thumbnail of a page whose facts are known.
pub(super) fn of_page(image: &Identifier, page: &PageFacts, urls: &dyn Urls) -> ContentResource {
    let size = thumbnail_size(page.size, &page.sizes);
    let service = urls.image(ApiVersion::V3, image);
    let id = format!("{service}/full/{},{}/0/default.jpg", size.width_px, size.height_px);
    let mut thumbnail = ContentResource::jpeg(id, size);
    thumbnail.service = services(image, &[size], urls);
    thumbnail
}

/// A thumbnail of an image of which nothing is known: asked for by the box that it has to fit into, which every image
/// server understands.
pub(super) fn of_image(image: &Identifier, urls: &dyn Urls) -> ContentResource {
    let service = urls.image(ApiVersion::V3, image);
    let id = format!("{service}/full/!{THUMBNAIL_LEAST_PX},{THUMBNAIL_LEAST_PX}/0/default.jpg");
    let mut thumbnail = ContentResource::new(id, "Image");
    thumbnail.format = Some("image/jpeg".into());
    thumbnail.service = services(image, &[], urls);
    thumbnail
}

/// The thumbnail of a member of a collection: none for a file that is known to be unreadable.
pub(super) fn of_member(image: &Identifier, facts: Option<PageFacts>, urls: &dyn Urls) -> Option<ContentResource> {
    match facts {
        Some(page) if page.problem.is_some() || page.size.is_empty() => None,
        Some(page) => Some(of_page(image, &page, urls)),
        None => Some(of_image(image, urls)),
    }
}

/// The smallest cheap size that is large enough; without one, the image halved until it is small.
fn thumbnail_size(size: Dimensions, cheap: &[Dimensions]) -> Dimensions {
    let longer = |size: &Dimensions| size.width_px.max(size.height_px);
    let fits =
        |size: &&Dimensions| !size.is_empty() && (THUMBNAIL_LEAST_PX..=THUMBNAIL_MOST_PX).contains(&longer(size));
    if let Some(stored) = cheap.iter().filter(fits).min_by_key(|size| size.area_px()) {
        return *stored;
    }
    let mut scale_factor = 1;
    while longer(&size.reduced(scale_factor * 2)) >= THUMBNAIL_LEAST_PX {
        scale_factor *= 2;
    }
    size.reduced(scale_factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recto_iiif::image::{DEFAULT_TILE, Target, TileGrid, scaled};

    use super::*;

    const fn px(w: u32, h: u32) -> Dimensions {
        Dimensions::new(w, h)
    }

    #[test]
    fn thumbnails_take_the_smallest_stored_size_that_is_large_enough() {
        for (size, cheap, wanted) in [
            (px(3000, 4000), &[px(188, 250), px(375, 500), px(750, 1000)][..], px(188, 250)),
            (px(3000, 4000), &[px(94, 125), px(188, 250), px(375, 500)], px(188, 250)),
            (px(3000, 4000), &[px(75, 100), px(3000, 4000)], px(188, 250)),
            (px(3000, 4000), &[], px(188, 250)),
            (px(100, 80), &[], px(100, 80)),
            (px(200, 1), &[px(200, 1)], px(200, 1)),
            (px(102_400, 1), &[], px(200, 1)),
            (px(102_399, 1), &[], px(200, 1)),
            (px(u32::MAX, u32::MAX), &[], px(256, 256)),
            (px(399, 399), &[px(0, 300)], px(200, 200)),
        ] {
            assert_eq!(thumbnail_size(size, cheap), wanted, "{size} of {cheap:?}");
        }
    }

    proptest! {
        #[test]
        fn thumbnails_are_what_the_image_service_gives_for_their_width_alone(w in 1_u32..9000, h in 1_u32..9000) {
            let size = px(w, h);
            let thumbnail = thumbnail_size(size, &[]);
            let grid = TileGrid { image: size, tile: DEFAULT_TILE };
            let longer = |size: Dimensions| size.width_px.max(size.height_px);
            prop_assert!(longer(thumbnail) < 400 && longer(thumbnail) >= longer(size).min(200), "{thumbnail}");
            if thumbnail.width_px > 1 {
                prop_assert_eq!(scaled(size.rect(), grid, Target::Width(thumbnail.width_px)), thumbnail);
            }
        }
    }
}
