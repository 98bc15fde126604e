//! The features of the Image API: which level requires them, and what to ask to find out whether they work.

use recto_iiif::{
    Dimensions,
    image::{ApiVersion, ImageRequest, Limits, TileGrid},
};

use crate::{pixels::Transform, service::ImageService};

/// What a feature belongs to; each group is one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Region,
    Size,
    Rotation,
    Quality,
    Format,
}

/// A feature by its name in the specification.
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// The level that requires it, in version 2 and in version 3; `None` when none does.
    pub(crate) required_at: [Option<u8>; 2],
    /// True when version 2 or version 3 has it at all.
    pub(crate) in_versions: [bool; 2],
    /// What to ask; empty when it cannot be tried on this image.
    pub(crate) probes: fn(&ImageService) -> Vec<Probe>,
}

/// A request and what has to come of it.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// Behind the base URI.
    pub(crate) path: String,
    /// The size that the specification gives; `None` where it leaves it open.
    pub(crate) size: Option<Dimensions>,
    /// Pixels by which width and height may differ, where the specification does not say how to round.
    pub(crate) slack: [u32; 2],
    /// A request that shows the same after a change.
    pub(crate) same_as: Option<(String, Transform)>,
    /// The format that has to come.
    pub(crate) format: &'static str,
}

impl Feature {
    pub(crate) fn required(&self, version: ApiVersion) -> Option<u8> {
        self.required_at[usize::from(version == ApiVersion::V3)]
    }

    pub(crate) fn is_in(&self, version: ApiVersion) -> bool {
        self.in_versions[usize::from(version == ApiVersion::V3)]
    }
}

/// A region that is small enough to be cheap and lies inside the image: its left, top, width and height.
fn inner(service: &ImageService) -> Option<[u32; 4]> {
    let Dimensions { width_px, height_px } = service.size;
    let (w, h) = ((width_px / 3).min(300), (height_px / 4).min(200));
    (w >= 8 && h >= 8).then_some([width_px / 3, height_px / 4, w, h])
}

/// A small width that no list of sizes is likely to have.
fn small(service: &ImageService) -> Option<u32> {
    let width = (service.size.width_px / 2).min(187);
    (width >= 4).then_some(width)
}

fn probe(service: &ImageService, region: &str, size: &str, rotation: &str, file: &str, slack: [u32; 2]) -> Vec<Probe> {
    let request = ImageRequest::parse(service.version, region, size, rotation, "default.jpg");
    let grid = TileGrid { image: service.size, ..service.grid() };
    let resolved = request.and_then(|request| request.resolve_on(grid, &service.limits));
    let Ok(resolved) = resolved else { return Vec::new() };
    let turned = resolved.rotation.quarter_turns();
    let size_px = match turned {
        Some(turns) if turns % 2 == 1 => Some(resolved.size.transposed()),
        Some(_) => Some(resolved.size),
        None => None,
    };
    let format = ["png", "webp", "gif", "tif", "jp2", "pdf"].into_iter().find(|word| file.ends_with(word));
    vec![Probe {
        path: format!("{region}/{size}/{rotation}/{file}"),
        size: size_px,
        slack,
        same_as: None,
        format: format.unwrap_or("jpg"),
    }]
}

fn compared(mut probes: Vec<Probe>, other: String, transform: Transform) -> Vec<Probe> {
    for probe in &mut probes {
        probe.same_as = Some((other.clone(), transform));
    }
    probes
}

const EXACT: [u32; 2] = [0, 0];

fn full(service: &ImageService) -> Vec<Probe> {
    // The one request that has to work everywhere. On a very large image it costs too much to be tried without need.
    let limits = if service.limits.is_none() { Limits::NONE } else { service.limits };
    let grid = service.grid();
    let largest = limits.largest(service.size.rect(), grid);
    if largest.area_px() > 40_000_000 && !service.is_level_0() {
        return Vec::new();
    }
    probe(service, "full", service.max(), "0", "default.jpg", [1, 1])
}

fn region_by_px(service: &ImageService) -> Vec<Probe> {
    let Some([x, y, w, h]) = inner(service) else { return Vec::new() };
    let mut probes = probe(service, &format!("{x},{y},{w},{h}"), service.max(), "0", "default.jpg", EXACT);
    // A region that reaches over the edge is cut there.
    let Dimensions { width_px, height_px } = service.size;
    let over = format!("{},{},{},{}", width_px - w, height_px - h, w + 50, h + 50);
    probes.extend(probe(service, &over, service.max(), "0", "default.jpg", EXACT));
    probes
}

fn region_by_pct(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    probe(service, "pct:25,25,50,50", &format!("{width},"), "0", "default.jpg", [0, 2])
}

fn region_square(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    let side = service.size.width_px.min(service.size.height_px);
    let (x, y) = ((service.size.width_px - side) / 2, (service.size.height_px - side) / 2);
    let width = width.min(side);
    let probes = probe(service, "square", &format!("{width},"), "0", "default.jpg", EXACT);
    compared(probes, format!("{x},{y},{side},{side}/{width},/0/default.jpg"), Transform::Nothing)
}

fn size_by_w(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    probe(service, "full", &format!("{width},"), "0", "default.jpg", [0, 1])
}

fn size_by_h(service: &ImageService) -> Vec<Probe> {
    let height = (service.size.height_px / 2).min(131);
    if height < 4 {
        return Vec::new();
    }
    probe(service, "full", &format!(",{height}"), "0", "default.jpg", [1, 0])
}

fn size_by_pct(service: &ImageService) -> Vec<Probe> {
    let Some([x, y, w, h]) = inner(service) else { return Vec::new() };
    probe(service, &format!("{x},{y},{w},{h}"), "pct:50", "0", "default.jpg", [1, 1])
}

fn size_by_confined(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    // One box that the width fills, one that the height fills.
    let mut probes = probe(service, "full", &format!("!{width},{}", width * 8), "0", "default.jpg", [1, 1]);
    probes.extend(probe(service, "full", &format!("!{},{}", width * 8, width / 2), "0", "default.jpg", [1, 1]));
    probes.retain(|probe| probe.size.is_some_and(|size| size.width_px <= service.size.width_px));
    probes
}

fn size_by_wh(service: &ImageService) -> Vec<Probe> {
    // An undistorted size: a quarter of a region whose sides are multiples of 4.
    let Some([x, y, w, h]) = inner(service) else { return Vec::new() };
    let (w, h) = (w / 4 * 4, h / 4 * 4);
    probe(service, &format!("{x},{y},{w},{h}"), &format!("{},{}", w / 4, h / 4), "0", "default.jpg", EXACT)
}

fn size_distorted(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    probe(service, "full", &format!("{width},{width}"), "0", "default.jpg", EXACT)
}

fn size_upscaling(service: &ImageService) -> Vec<Probe> {
    let Some([x, y, w, h]) = inner(service) else { return Vec::new() };
    let (region, larger) = (format!("{x},{y},{w},{h}"), w + w / 2);
    let caret = if service.version == ApiVersion::V3 { "^" } else { "" };
    probe(service, &region, &format!("{caret}{larger},"), "0", "default.jpg", [0, 1])
}

fn rotation_by_90s(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    let turn = |(turns, degrees): (u8, &str)| {
        let probes = probe(service, "full", &format!("{width},"), degrees, "default.jpg", [1, 1]);
        compared(probes, format!("full/{width},/0/default.jpg"), Transform::Turned(turns))
    };
    [(1, "90"), (2, "180"), (3, "270")].into_iter().flat_map(turn).collect()
}

fn rotation_arbitrary(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    probe(service, "full", &format!("{width},"), "22.5", "default.png", EXACT)
}

fn mirroring(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    let probes = probe(service, "full", &format!("{width},"), "!0", "default.jpg", [0, 1]);
    compared(probes, format!("full/{width},/0/default.jpg"), Transform::Mirrored)
}

fn file(service: &ImageService, file: &'static str) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    probe(service, "full", &format!("{width},"), "0", file, [0, 1])
}

fn gray(service: &ImageService) -> Vec<Probe> {
    let Some(width) = small(service) else { return Vec::new() };
    compared(file(service, "gray.jpg"), format!("full/{width},/0/default.jpg"), Transform::Gray)
}

const fn feature(
    name: &'static str,
    group: Group,
    required_at: [Option<u8>; 2],
    probes: fn(&ImageService) -> Vec<Probe>,
) -> Feature {
    Feature { name, group, required_at, in_versions: [true, true], probes }
}

const fn only(version: ApiVersion, feature: Feature) -> Feature {
    let in_versions = match version {
        ApiVersion::V2 => [true, false],
        ApiVersion::V3 => [false, true],
    };
    Feature { in_versions, ..feature }
}

/// All features that are asked for by an image request. Compliance documents of 2.1 and 3.0, §3; where the table of 3.0 contradicts itself
/// (`sizeByWh`), its profile documents decide. The tables require `color` and `gray` at level 2 "if applicable", the profile documents do not: they
/// count where they are named.
pub(crate) const FEATURES: &[Feature] = &[
    feature("full/max", Group::Region, [Some(0), Some(0)], full),
    feature("regionByPx", Group::Region, [Some(1), Some(1)], region_by_px),
    feature("regionByPct", Group::Region, [Some(2), Some(2)], region_by_pct),
    feature("regionSquare", Group::Region, [None, Some(1)], region_square),
    feature("sizeByW", Group::Size, [Some(1), Some(1)], size_by_w),
    feature("sizeByH", Group::Size, [Some(1), Some(1)], size_by_h),
    feature("sizeByPct", Group::Size, [Some(1), Some(2)], size_by_pct),
    feature("sizeByConfinedWh", Group::Size, [Some(2), Some(2)], size_by_confined),
    feature("sizeByWh", Group::Size, [Some(2), Some(1)], size_by_wh),
    only(ApiVersion::V2, feature("sizeByDistortedWh", Group::Size, [Some(2), None], size_distorted)),
    only(ApiVersion::V2, feature("sizeAboveFull", Group::Size, [None, None], size_upscaling)),
    only(ApiVersion::V3, feature("sizeUpscaling", Group::Size, [None, None], size_upscaling)),
    feature("rotationBy90s", Group::Rotation, [Some(2), Some(2)], rotation_by_90s),
    feature("rotationArbitrary", Group::Rotation, [None, None], rotation_arbitrary),
    feature("mirroring", Group::Rotation, [None, None], mirroring),
    feature("color", Group::Quality, [None, None], |service| file(service, "color.jpg")),
    feature("gray", Group::Quality, [None, None], gray),
    feature("bitonal", Group::Quality, [Some(2), None], |service| file(service, "bitonal.jpg")),
    feature("png", Group::Format, [Some(2), Some(2)], |service| file(service, "default.png")),
    feature("webp", Group::Format, [None, None], |service| file(service, "default.webp")),
    feature("gif", Group::Format, [None, None], |service| file(service, "default.gif")),
    feature("tif", Group::Format, [None, None], |service| file(service, "default.tif")),
    feature("jp2", Group::Format, [None, None], |service| file(service, "default.jp2")),
    feature("pdf", Group::Format, [None, None], |service| file(service, "default.pdf")),
];
