//! What drawing takes, counted on the parsed drawing as the library goes over it: patterns, masks and clips as often as they are
//! drawn. The library cannot be interrupted while it draws.

mod place;

use std::collections::HashMap;
use std::sync::Arc;

use recto_iiif::Dimensions;
use resvg::tiny_skia::{self, PathSegment, Point, Transform};
use resvg::usvg::filter::{EdgeMode, Filter, Kind};
use resvg::usvg::{self, ImageKind, Node, Paint, Tree};

use self::place::{Ground, Place};
use super::picture::MAX_PICTURE_PX;
use super::unsupported;
use crate::formats::vector::levels;
use crate::{Control, DecodeError, SourceFormat};

/// Most time that a drawing or a part of it may take to be drawn, in microseconds.
const MOST_US: f64 = 20e6;
/// Layers and steps of filters that are drawn apart and then joined.
const MAX_LAYERS: u64 = 4096;
/// A step of a filter counts as so many layers.
const FILTER_STEP: u64 = 8;
/// Elements between two looks at the clock.
const STEPS_PER_CHECK: u32 = 1024;

// About what the library takes, in microseconds: of an element, a point of a path, a pixel that an outline goes through, and two
// pieces of an outline that stand side by side, as they may cross.
const ELEMENT_US: f64 = 1.0;
const POINT_US: f64 = 0.2;
const OUTLINE_US: f64 = 0.04;
const CROSSING_US: f64 = 0.0003;
// Of a pixel that is filled with a colour, with a gradient and for each of its colours, and out of another picture.
const COLOR_US: f64 = 0.0005;
const GRADIENT_US: f64 = 0.005;
const STOP_US: f64 = 0.0005;
const SAMPLED_US: f64 = 0.03;
// Of a pixel of a layer, and of a picture that is unpacked.
const LAYER_US: f64 = 0.002;
const UNPACKED_US: f64 = 0.02;
// Of a pixel that goes through a step of a filter, and for each octave of noise, each number of a matrix, each pixel around it.
const FILTERED_US: f64 = 0.03;
const OCTAVE_US: f64 = 0.1;
const MATRIX_US: f64 = 0.003;
const AROUND_US: f64 = 0.001;

/// So many pixels are decoded elsewhere in a microsecond.
const PX_PER_US: f64 = 80.0;

/// How far layers reach: they are as wide and as high as what is drawn, and twice that on each side.
const REACH: f64 = 5.0;
/// Bytes of a pixel, and of a pixel of a picture, as decoded and as drawn.
const PX_BYTES: f64 = 4.0;
const PICTURE_BYTES: u64 = 12;
/// Bytes of the edges of a layer, which do not get smaller with it.
const EDGE_BYTES: f64 = 65536.0;
/// Points of an outline for each point of a line that is drawn with some width.
const STROKE_POINTS: f64 = 4.0;
/// Most dashes of a line; one with more is not drawn.
const MAX_DASHES: f64 = 1e6;
/// Bytes of a point while its path is drawn, and of a point and an element that are held.
const DRAWN_POINT_BYTES: f64 = 64.0;
const POINT_BYTES: u64 = 12;
const ELEMENT_BYTES: u64 = 512;

/// The part that so many pixels are of others.
pub(super) fn share(px: u64, of: u64) -> f64 {
    px as f64 / of.max(1) as f64
}

/// What drawing takes, at full size where it depends on the size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Effort {
    /// Microseconds at whatever size, those that grow with the pixels, and those that grow with the pixels times the pixels.
    fixed_us: f64,
    area_us: f64,
    around_us: f64,
    /// Microseconds within patterns, which are drawn whole however little of them is seen.
    pattern_us: f64,
    /// All layers, and steps of filters as what they count.
    layers: u64,
    /// Layers that exist at one time, and their pixels.
    layers_at_once: u64,
    layer_px: f64,
    /// Pixels of patterns that exist at one time.
    pattern_px: f64,
    /// Points of the largest outline.
    points: f64,
    /// Pixels of the pictures inside, each as often as it is drawn, and of the largest.
    picture_px: u64,
    largest_picture_px: u64,
    /// About what the drawing holds, or more: what is drawn often is counted as often.
    pub(super) held_bytes: u64,
}

impl Effort {
    /// Counts a drawing that is shown with `size` pixels, and has these pictures: their pixels, by where their bytes lie.
    pub(super) fn of(
        tree: &Tree,
        size: Dimensions,
        pictures: &HashMap<*const Vec<u8>, u64>,
        control: &Control,
    ) -> Result<Self, DecodeError> {
        let smallest = levels(size).last().map_or(size, |level| level.size);
        let (w, h) = (f64::from(size.width_px), f64::from(size.height_px));
        let transform = Transform::from_scale(w as f32 / tree.size().width(), h as f32 / tree.size().height());
        let smallest = share(smallest.area_px(), size.area_px());
        let mut counter =
            Counter { effort: Self::default(), pictures, control, level: (w, h), smallest, steps: 0, patterns: 0 };
        let ground = Ground::Level;
        let place = Place { transform, ground, w, h, layers: 0, layer_px: 0.0, pattern_px: 0.0, depth: 0 };
        counter.nodes(tree.root(), &place)?;
        counter.check()?;
        Ok(counter.effort)
    }

    /// Microseconds of drawing the part `seen` of a level that has the part `level` of all pixels, in so many bands.
    fn us(&self, level: f64, seen: f64, bands: u64) -> f64 {
        let each = self.fixed_us + self.pattern_us * level;
        each * bands as f64 + (self.area_us * level + self.around_us * level * level) * seen
    }

    /// Whether that part of a level may be drawn, in so many bands. Layers reach beyond it.
    pub(super) fn check(&self, level: f64, seen: f64, bands: u64) -> Result<(), DecodeError> {
        let us = self.us(level, (seen * REACH * REACH).min(1.0), bands);
        if us <= MOST_US {
            return Ok(());
        }
        let (needed, limit) = ((us / 1e6).ceil() as u64, (MOST_US / 1e6) as u64);
        let (format, unit) = (SourceFormat::Svg, "seconds to be drawn this large");
        Err(DecodeError::TooLarge { format, needed, limit, unit })
    }

    /// As many pixels as are decoded elsewhere in the time that such a part takes.
    pub(super) fn pixels(&self, level: f64, seen: f64, bands: u64) -> u64 {
        let pictures = self.picture_px.saturating_mul(bands);
        ((self.us(level, seen, bands) * PX_PER_US) as u64).saturating_add(pictures)
    }

    /// Most bytes that drawing a band of `band` bytes on a level takes beside it.
    pub(super) fn bytes(&self, band: u64, level: f64) -> u64 {
        let count = self.layers_at_once as f64;
        let layers = (self.layer_px * level * PX_BYTES + count * EDGE_BYTES).min(band as f64 * REACH * REACH * count);
        let patterns = self.pattern_px * level * PX_BYTES;
        let bytes = (layers + patterns + self.points * DRAWN_POINT_BYTES) as u64;
        bytes.saturating_add(self.largest_picture_px.saturating_mul(PICTURE_BYTES))
    }
}

struct Counter<'a> {
    effort: Effort,
    pictures: &'a HashMap<*const Vec<u8>, u64>,
    control: &'a Control,
    /// Pixels of the level across and down.
    level: (f64, f64),
    /// The part of all pixels that the smallest level has.
    smallest: f64,
    steps: u32,
    /// Patterns that what is counted is within.
    patterns: u32,
}

impl Counter<'_> {
    /// Counts an element.
    fn step(&mut self) -> Result<(), DecodeError> {
        self.effort.fixed_us += ELEMENT_US;
        self.effort.held_bytes = self.effort.held_bytes.saturating_add(ELEMENT_BYTES);
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS_PER_CHECK) {
            self.control.check()?;
        }
        self.check()
    }

    fn check(&self) -> Result<(), DecodeError> {
        if self.effort.layers > MAX_LAYERS {
            return Err(unsupported(format!("more than {MAX_LAYERS} layers and filters")));
        }
        if self.effort.picture_px > MAX_PICTURE_PX {
            let (format, unit) = (SourceFormat::Svg, "pixels of pictures inside");
            let needed = self.effort.picture_px;
            return Err(DecodeError::TooLarge { format, needed, limit: MAX_PICTURE_PX, unit });
        }
        let smallest_us = self.effort.us(self.smallest, 1.0, 1);
        if smallest_us <= MOST_US { Ok(()) } else { Err(unsupported("so much detail in one drawing")) }
    }

    /// Counts pixels of a place, each of which takes so long.
    fn area(&mut self, px: f64, us: f64) {
        let effort = &mut self.effort;
        *(if self.patterns > 0 { &mut effort.pattern_us } else { &mut effort.area_us }) += px * us;
    }

    /// Notes what exists at one time: what a place is on, and so many layers more of its size.
    fn at_once(&mut self, place: &Place, more: u64) {
        let effort = &mut self.effort;
        effort.layers_at_once = effort.layers_at_once.max(place.layers.saturating_add(more));
        effort.layer_px = effort.layer_px.max(place.layer_px + place.px() * more as f64);
        effort.pattern_px = effort.pattern_px.max(place.pattern_px);
    }

    fn nodes(&mut self, parent: &usvg::Group, place: &Place) -> Result<(), DecodeError> {
        let place = place.deeper()?;
        for node in parent.children() {
            self.step()?;
            match node {
                Node::Group(group) => self.group(group, &place)?,
                Node::Path(path) => self.path(path, &place)?,
                Node::Image(image) => self.image(image, &place)?,
                Node::Text(text) => self.group(text.flattened(), &place)?,
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &usvg::Group, place: &Place) -> Result<(), DecodeError> {
        let place = place.within(group.transform());
        if !group.should_isolate() {
            return self.nodes(group, &place);
        }
        let layer = self.layer(group, &place)?;
        self.effort.layers = self.effort.layers.saturating_add(1);
        self.area(layer.px(), LAYER_US);
        self.at_once(&layer, 0);
        for filter in group.filters() {
            self.filter(filter, &layer)?;
        }
        if let Some(clip) = group.clip_path() {
            self.clip(clip, &layer)?;
        }
        if let Some(mask) = group.mask() {
            self.mask(mask, &layer)?;
        }
        self.nodes(group, &layer)
    }

    /// The layer of a group.
    fn layer(&self, group: &usvg::Group, place: &Place) -> Result<Place, DecodeError> {
        if place.ground == Ground::Clip {
            return Ok(place.on_layer(place.w, place.h));
        }
        let (most_w, most_h) = (self.level.0 * REACH, self.level.1 * REACH);
        if !group.filters().is_empty() && place.transform.has_skew() {
            // Filters work on what is neither turned nor skewed, and of that on as much as may come to be seen.
            let (bounds, (sx, sy)) = (group.layer_bounding_box(), place.scale());
            let (w, h) = (f64::from(bounds.width()) * sx + 4.0, f64::from(bounds.height()) * sy + 4.0);
            let is_much = w * h > most_w * most_h;
            if is_much || w.is_nan() || h.is_nan() {
                return Err(unsupported("a filter of what is turned or skewed, and then far larger than the drawing"));
            }
            return Ok(place.on_layer(w, h));
        }
        Ok(match group.layer_bounding_box().transform(place.transform) {
            Some(bounds) => place.on_layer(
                (f64::from(bounds.width()) + 4.0).min(most_w),
                (f64::from(bounds.height()) + 4.0).min(most_h),
            ),
            None => place.on_layer(most_w, most_h),
        })
    }

    fn filter(&mut self, filter: &Filter, layer: &Place) -> Result<(), DecodeError> {
        let steps = filter.primitives().len() as u64;
        self.effort.layers = self.effort.layers.saturating_add(steps.saturating_mul(FILTER_STEP));
        // Results are kept for later steps, and a step works on copies of what it is given.
        self.at_once(layer, steps.saturating_add(2));
        let (px, (sx, sy)) = (layer.px(), layer.scale());
        for step in filter.primitives() {
            self.step()?;
            let more_us = match step.kind() {
                Kind::Turbulence(noise) => f64::from(noise.num_octaves()) * OCTAVE_US,
                Kind::ConvolveMatrix(matrix) => {
                    let (columns, rows) = (f64::from(matrix.matrix().columns()), f64::from(matrix.matrix().rows()));
                    // Beyond the edge, steps as long as the picture lead back into it.
                    let times = if matrix.edge_mode() == EdgeMode::Wrap { 1.0 + (columns + rows) / 8.0 } else { 1.0 };
                    columns * rows * times * MATRIX_US
                }
                Kind::Morphology(fe) => {
                    let side = |radius: f32, scale: f64, most: f64| (f64::from(radius) * scale * 2.0 + 1.0).min(most);
                    let around = side(fe.radius_x().get(), sx, layer.w) * side(fe.radius_y().get(), sy, layer.h);
                    let effort = &mut self.effort;
                    *(if self.patterns > 0 { &mut effort.pattern_us } else { &mut effort.around_us }) +=
                        px * around * AROUND_US;
                    0.0
                }
                Kind::Merge(merge) => merge.inputs().len() as f64 * FILTERED_US,
                Kind::Image(image) => {
                    let transform = Transform::from_scale(sx as f32, sy as f32);
                    self.nodes(image.root(), &Place { transform, ..*layer })?;
                    0.0
                }
                _ => 0.0,
            };
            self.area(px, FILTERED_US + more_us);
        }
        Ok(())
    }

    fn clip(&mut self, clip: &usvg::ClipPath, layer: &Place) -> Result<(), DecodeError> {
        self.step()?;
        let place = Place { ground: Ground::Clip, ..layer.on_layer(layer.w, layer.h).deeper()? };
        self.area(place.px(), LAYER_US);
        self.at_once(&place, 1);
        self.nodes(clip.root(), &place.within(clip.transform()))?;
        match clip.clip_path() {
            Some(outer) => self.clip(outer, &place),
            None => Ok(()),
        }
    }

    fn mask(&mut self, mask: &usvg::Mask, layer: &Place) -> Result<(), DecodeError> {
        self.step()?;
        let place = layer.on_layer(layer.w, layer.h).deeper()?;
        self.area(place.px(), LAYER_US * 2.0);
        self.at_once(&place, 1);
        self.nodes(mask.root(), &place)?;
        match mask.mask() {
            Some(outer) => self.mask(outer, &place),
            None => Ok(()),
        }
    }

    fn path(&mut self, path: &usvg::Path, place: &Place) -> Result<(), DecodeError> {
        let data = path.data();
        let count = data.points().len();
        self.effort.held_bytes = self.effort.held_bytes.saturating_add(count as u64 * POINT_BYTES);
        if !path.is_visible() {
            return Ok(());
        }
        let (points, length, (sx, sy)) = (count as f64, length(data), place.scale());
        let scale = sx.max(sy);
        let around = place.w + place.h;
        let px = (length * scale).min(points * around);
        let crossing_us = points * (px / place.h.max(1.0)) * CROSSING_US;
        let bounds = data.bounds();
        if let Some(fill) = path.fill()
            && bounds.width() > 0.0
            && bounds.height() > 0.0
        {
            self.outline(points, px, crossing_us);
            self.paint(fill.paint(), place.seen_px(bounds), place)?;
        }
        if let Some(stroke) = path.stroke() {
            let width = (f64::from(stroke.width().get()) * scale).min(around);
            let dashes = stroke.dasharray().map_or(0.0, |dashes| dash_count(length, dashes));
            let points = (points + dashes * 2.0) * STROKE_POINTS;
            let px = px * 2.0 + dashes * width;
            self.outline(points, px, crossing_us * 2.0);
            let filled = ((px + points) * (width + 2.0)).min(place.seen_px(path.stroke_bounding_box()));
            self.paint(stroke.paint(), filled, place)?;
        }
        Ok(())
    }

    /// Counts an outline of so many points, that goes through so many pixels.
    fn outline(&mut self, points: f64, px: f64, crossing_us: f64) {
        self.effort.points = self.effort.points.max(points);
        self.effort.fixed_us += points * POINT_US + crossing_us;
        self.area(px, OUTLINE_US);
    }

    fn paint(&mut self, paint: &Paint, px: f64, place: &Place) -> Result<(), DecodeError> {
        let stops = match paint {
            Paint::Color(_) => {
                self.area(px, COLOR_US);
                return Ok(());
            }
            Paint::Pattern(pattern) => {
                self.area(px, SAMPLED_US);
                return self.pattern(pattern, place);
            }
            Paint::LinearGradient(gradient) => gradient.stops().len(),
            Paint::RadialGradient(gradient) => gradient.stops().len(),
        };
        self.effort.fixed_us += stops as f64 * POINT_US;
        self.area(px, GRADIENT_US + stops as f64 * STOP_US);
        Ok(())
    }

    /// A pattern is drawn once for each path that is painted with it, wholly.
    fn pattern(&mut self, pattern: &usvg::Pattern, place: &Place) -> Result<(), DecodeError> {
        let (sx, sy) = place.within(pattern.transform()).scale();
        let (w, h) = (f64::from(pattern.rect().width()) * sx, f64::from(pattern.rect().height()) * sy);
        if w.is_nan() || h.is_nan() || w < 0.5 || h < 0.5 {
            return Ok(());
        }
        let (transform, ground) = (Transform::from_scale(sx as f32, sy as f32), Ground::Layer);
        let inside = Place { transform, ground, w, h, pattern_px: place.pattern_px + w * h, ..*place };
        self.patterns += 1;
        self.area(inside.px(), LAYER_US);
        self.at_once(&inside, 0);
        self.nodes(pattern.root(), &inside)?;
        self.patterns -= 1;
        Ok(())
    }

    fn image(&mut self, image: &usvg::Image, place: &Place) -> Result<(), DecodeError> {
        if !image.is_visible() {
            return Ok(());
        }
        let data = match image.kind() {
            ImageKind::JPEG(data) | ImageKind::PNG(data) | ImageKind::GIF(data) | ImageKind::WEBP(data) => data,
            // Letters may be such.
            ImageKind::SVG(tree) => {
                let layer = place.on_layer(place.w, place.h);
                self.area(layer.px(), LAYER_US);
                self.at_once(&layer, 0);
                return self.nodes(tree.root(), &layer);
            }
        };
        let (w, h) = (f64::from(image.size().width()), f64::from(image.size().height()));
        let px = self.pictures.get(&Arc::as_ptr(data)).copied().unwrap_or((w * h) as u64);
        self.effort.picture_px = self.effort.picture_px.saturating_add(px);
        self.effort.largest_picture_px = self.effort.largest_picture_px.max(px);
        self.effort.held_bytes = self.effort.held_bytes.saturating_add(data.len() as u64);
        self.effort.fixed_us += px as f64 * UNPACKED_US + data.len() as f64 * UNPACKED_US / 16.0;
        self.area(place.seen_px(image.bounding_box()), SAMPLED_US);
        Ok(())
    }
}

/// The length of an outline in its own units, or a little more: curves are shorter than the lines that they are made of.
fn length(path: &tiny_skia::Path) -> f64 {
    let (mut sum, mut first, mut last) = (0.0, Point::default(), Point::default());
    for segment in path.segments() {
        let through = match segment {
            PathSegment::MoveTo(to) => {
                (first, last) = (to, to);
                [None; 3]
            }
            PathSegment::LineTo(to) => [Some(to), None, None],
            PathSegment::QuadTo(a, to) => [Some(a), Some(to), None],
            PathSegment::CubicTo(a, b, to) => [Some(a), Some(b), Some(to)],
            PathSegment::Close => [Some(first), None, None],
        };
        for to in through.into_iter().flatten() {
            let (x, y) = (f64::from(to.x) - f64::from(last.x), f64::from(to.y) - f64::from(last.y));
            sum += (x * x + y * y).sqrt();
            last = to;
        }
    }
    sum
}

/// How many dashes a line of this length gets.
fn dash_count(length: f64, dashes: &[f32]) -> f64 {
    let once: f64 = dashes.iter().copied().map(f64::from).sum();
    if once > 0.0 { (length / once * dashes.len() as f64 / 2.0).min(MAX_DASHES) } else { 0.0 }
}

#[cfg(test)]
mod tests;
