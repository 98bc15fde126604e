//! Where something is drawn: on how many pixels, and what exists meanwhile.

use resvg::tiny_skia::{Rect, Transform};

use crate::DecodeError;
use crate::formats::svg::unsupported;

/// Elements in one another, references followed.
const MAX_DEPTH: u32 = 256;

/// What something is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// The level itself: what lies outside is not drawn.
    Level,
    Layer,
    /// The layer of a clip, on which all layers are as large.
    Clip,
}

/// Where something is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// From its own units to pixels.
    pub(super) transform: Transform,
    pub(super) ground: Ground,
    /// Pixels of what it is drawn on.
    pub(super) w: f64,
    pub(super) h: f64,
    /// Layers that exist meanwhile, their pixels, and those of patterns.
    pub(super) layers: u64,
    pub(super) layer_px: f64,
    pub(super) pattern_px: f64,
    pub(super) depth: u32,
}

impl Place {
    pub(super) fn deeper(self) -> Result<Self, DecodeError> {
        if self.depth >= MAX_DEPTH {
            return Err(unsupported(format!("elements nested more than {MAX_DEPTH} times")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    pub(super) fn within(self, transform: Transform) -> Self {
        Self { transform: self.transform.pre_concat(transform), ..self }
    }

    /// On one more layer, of so many pixels.
    pub(super) fn on_layer(self, w: f64, h: f64) -> Self {
        let ground = if self.ground == Ground::Clip { Ground::Clip } else { Ground::Layer };
        Self { ground, w, h, layers: self.layers + 1, layer_px: self.layer_px + w * h, ..self }
    }

    /// Pixels of one unit, across and down.
    pub(super) fn scale(&self) -> (f64, f64) {
        let (x, y) = self.transform.get_scale();
        (f64::from(x), f64::from(y))
    }

    pub(super) fn px(&self) -> f64 {
        self.w * self.h
    }

    /// Pixels of a box that are drawn, about.
    pub(super) fn seen_px(&self, bounds: Rect) -> f64 {
        let Some(bounds) = bounds.transform(self.transform) else { return self.px() };
        let (mut w, mut h) = (f64::from(bounds.width()), f64::from(bounds.height()));
        if self.ground == Ground::Level {
            let seen = |from: f32, to: f32, end: f64| f64::from(to).min(end) - f64::from(from).max(0.0);
            (w, h) = (seen(bounds.left(), bounds.right(), self.w), seen(bounds.top(), bounds.bottom(), self.h));
        }
        if w < 0.0 || h < 0.0 { 0.0 } else { (w + 2.0).min(self.w) * (h + 2.0).min(self.h) }
    }
}
