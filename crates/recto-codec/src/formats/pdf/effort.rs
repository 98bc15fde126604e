//! What drawing a page takes, by running its program without drawing.
//!
//! The library cannot be interrupted while it draws. It can while it does not: it calls a device for every step, and this
//! device counts, looks at the clock, and ends the run by unwinding.

use std::panic::resume_unwind;

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::pattern::Pattern;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, Paint, SoftMask, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Rect, Shape};

use super::{contained, unsupported};
use crate::{Control, DecodeError};

/// Most that a page may take to be drawn once at 100 megapixels: about half a minute. A unit is about a microsecond.
const MAX_EFFORT: f64 = 30e6;

/// Filling a whole page of 9 megapixels.
const FULL_PAGE: f64 = 4000.0;

/// Steps between two looks at the clock.
const STEPS_PER_CHECK: u32 = 256;

/// Whether this page may be drawn.
pub(super) fn check(
    page: &Page<'_>,
    settings: &InterpreterSettings,
    transform: Affine,
    size: (f64, f64),
    control: &Control,
) -> Result<(), DecodeError> {
    contained(|| {
        let target = Rect::new(0.0, 0.0, size.0, size.1);
        let mut context = Context::new(transform, target, &InterpreterCache::new(), page.xref(), settings.clone());
        let mut counter = Counter { target, effort: 0.0, factor: 1.0, steps: 0, control };
        interpret_page(page, &mut context, &mut counter);
        Ok(())
    })
}

struct Counter<'c> {
    target: Rect,
    effort: f64,
    /// How often what is counted now happens.
    factor: f64,
    steps: u32,
    control: &'c Control,
}

impl Counter<'_> {
    /// Counts a step, or ends the run.
    fn add(&mut self, effort: f64) {
        self.effort += effort.max(1.0) * self.factor;
        self.steps = self.steps.wrapping_add(1);
        if self.effort > MAX_EFFORT || self.effort.is_nan() {
            resume_unwind(Box::new(unsupported("so much detail on one page")));
        }
        if self.steps.is_multiple_of(STEPS_PER_CHECK)
            && let Err(stopped) = self.control.check()
        {
            resume_unwind(Box::new(stopped));
        }
    }

    /// The part of the page that this covers.
    fn part(&self, bounds: Rect) -> f64 {
        let seen = bounds.intersect(self.target);
        if seen.is_zero_area() { 0.0 } else { seen.area() / self.target.area() }
    }

    fn path(&mut self, path: &BezPath, transform: Affine, mode: &DrawMode) {
        let strokes = matches!(mode, DrawMode::Stroke(_) | DrawMode::FillAndStroke(..));
        let dashed = match mode {
            DrawMode::Stroke(stroke) | DrawMode::FillAndStroke(_, stroke) => {
                stroke.dash_array.iter().copied().filter(|length| *length > 0.0).reduce(f32::min)
            }
            _ => None,
        };
        let elements = path.elements().len() as f64;
        let bounds = transform.transform_rect_bbox(path.bounding_box());
        let mut effort = 2.0 + elements * if strokes { 4.0 } else { 1.0 } + self.part(bounds) * FULL_PAGE;
        if let Some(shortest) = dashed {
            // Each dash is a path of its own, also where it is not seen.
            let extent = path.bounding_box();
            let length = (extent.width() + extent.height()) * elements.max(1.0);
            effort += length / f64::from(shortest);
        }
        self.add(effort);
    }

    fn nothing(&mut self) {
        self.add(1.0);
    }
}

impl<'a> Counter<'_> {
    fn paint(&mut self, paint: &Paint<'a>, transform: Affine, bounds: Rect) {
        let Paint::Pattern(pattern) = paint else { return };
        self.add(self.part(bounds) * FULL_PAGE * 4.0);
        if let Pattern::Tiling(tiling) = pattern.as_ref() {
            let copies = |length: f64, step: f32, visible: f64| {
                let step = f64::from(step.abs()).max(1e-6);
                (length / step).max(visible / step).ceil().max(1.0)
            };
            let seen = tiling.matrix.inverse().transform_rect_bbox(bounds.intersect(self.target));
            let repeats = |visible: f64, step: f32| if visible >= f64::from(step.abs()) { 0.0 } else { visible };
            let factor = self.factor;
            self.factor *= copies(tiling.bbox.width(), tiling.x_step, repeats(seen.width(), tiling.x_step))
                * copies(tiling.bbox.height(), tiling.y_step, repeats(seen.height(), tiling.y_step));
            self.nothing();
            tiling.interpret(self, transform, false);
            self.factor = factor;
        }
    }

    fn mask(&mut self, mask: Option<&SoftMask<'a>>) {
        if let Some(mask) = mask {
            self.add(FULL_PAGE);
            mask.interpret(self);
        }
    }
}

impl<'a> Device<'a> for Counter<'_> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.path(path, props.transform, mode);
        let bounds = props.transform.transform_rect_bbox(path.bounding_box());
        self.paint(&props.paint, props.transform, bounds);
        self.mask(props.soft_mask.as_ref());
    }

    fn push_clip_path(&mut self, clip: &ClipPath) {
        self.add(clip.path.elements().len() as f64 + self.part(clip.path.bounding_box()) * FULL_PAGE / 8.0);
    }

    fn push_clip_rect(&mut self, _: &Rect) {
        self.nothing();
    }

    fn push_transparency_group(&mut self, _: f32, mask: Option<SoftMask<'a>>, _: BlendMode) {
        self.add(FULL_PAGE * 2.0);
        self.mask(mask.as_ref());
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        if matches!(mode, DrawMode::Invisible) {
            self.add(run.glyphs().len() as f64 / 8.0);
            return;
        }
        for glyph in run.glyphs() {
            match &**glyph {
                Glyph::Outline(_) => self.add(8.0),
                Glyph::Type3(glyph_program) => {
                    self.nothing();
                    glyph_program.interpret(self, props.transform, glyph.transform(), &props.paint);
                }
            }
        }
        self.mask(props.soft_mask.as_ref());
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let (w, h) = (f64::from(image.width()), f64::from(image.height()));
        let bounds = props.transform.transform_rect_bbox(Rect::new(0.0, 0.0, w, h));
        // One that lies outside is not even decoded.
        let decoded = if self.part(bounds) > 0.0 { w * h * 0.03 } else { 0.0 };
        self.add(decoded + self.part(bounds) * FULL_PAGE);
        self.mask(props.soft_mask.as_ref());
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, mode: &DrawMode) {
        self.draw_path(&rect.to_path(0.1), props, mode);
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
