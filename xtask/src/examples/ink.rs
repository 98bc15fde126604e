//! Drawing: a picture of one size, colours, lines and shapes.

use anyhow::{Context, Result};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Shader, Stroke, StrokeDash, Transform,
};

/// Red, green, blue, and how opaque: 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink(pub(super) u8, pub(super) u8, pub(super) u8, pub(super) f32);

impl Ink {
    fn paint(self) -> Paint<'static> {
        let alpha = (self.3 * 255.0).round().clamp(0.0, 255.0) as u8;
        Paint {
            shader: Shader::SolidColor(Color::from_rgba8(self.0, self.1, self.2, alpha)),
            anti_alias: true,
            ..Paint::default()
        }
    }

    pub(super) fn faded(self, by: f32) -> Self {
        Self(self.0, self.1, self.2, self.3 * by)
    }
}

/// A sheet to draw on. `origin` is the point of the scaled drawing, in pixels, that lies in its upper left corner.
pub(super) struct Sheet {
    pub(super) pixmap: Pixmap,
    pub(super) origin: (f32, f32),
    /// Pixels for each unit of the drawing.
    pub(super) scale: f32,
}

impl Sheet {
    pub(super) fn new(width: u32, height: u32) -> Result<Self> {
        Ok(Self {
            pixmap: Pixmap::new(width, height).context("a sheet must not be empty")?,
            origin: (0.0, 0.0),
            scale: 1.0,
        })
    }

    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale).post_translate(-self.origin.0, -self.origin.1)
    }

    /// Whether a box of the drawing touches this sheet, with a margin for line widths.
    pub(super) fn sees(&self, left: f32, top: f32, right: f32, bottom: f32) -> bool {
        let margin = 60.0;
        let [left, top, right, bottom] = [left, top, right, bottom].map(|edge| edge * self.scale);
        right + margin >= self.origin.0
            && bottom + margin >= self.origin.1
            && left - margin <= self.origin.0 + self.pixmap.width() as f32
            && top - margin <= self.origin.1 + self.pixmap.height() as f32
    }

    fn sees_path(&self, path: &Path) -> bool {
        let bounds = path.bounds();
        self.sees(bounds.left(), bounds.top(), bounds.right(), bounds.bottom())
    }

    pub(super) fn fill(&mut self, path: Option<Path>, ink: Ink) {
        if let Some(path) = path.filter(|path| self.sees_path(path)) {
            let transform = self.transform();
            self.pixmap.fill_path(&path, &ink.paint(), FillRule::Winding, transform, None);
        }
    }

    pub(super) fn stroke(&mut self, path: Option<Path>, ink: Ink, width: f32) {
        self.stroke_dashed(path, ink, width, None);
    }

    pub(super) fn stroke_dashed(&mut self, path: Option<Path>, ink: Ink, width: f32, dashes: Option<&[f32]>) {
        if let Some(path) = path.filter(|path| self.sees_path(path)) {
            let dash = dashes.and_then(|lengths| StrokeDash::new(lengths.to_vec(), 0.0));
            let line_cap = if dash.is_some() { LineCap::Butt } else { LineCap::Round };
            let stroke = Stroke { width, line_cap, line_join: LineJoin::Round, dash, ..Stroke::default() };
            let transform = self.transform();
            self.pixmap.stroke_path(&path, &ink.paint(), &stroke, transform, None);
        }
    }

    pub(super) fn line(&mut self, from: (f32, f32), to: (f32, f32), ink: Ink, width: f32) {
        self.stroke(polyline(&[from, to], false), ink, width);
    }

    pub(super) fn disc(&mut self, centre: (f32, f32), radius: f32, ink: Ink) {
        self.fill(PathBuilder::from_circle(centre.0, centre.1, radius), ink);
    }

    pub(super) fn ring(&mut self, centre: (f32, f32), radius: f32, ink: Ink, width: f32) {
        self.stroke(PathBuilder::from_circle(centre.0, centre.1, radius), ink, width);
    }

    pub(super) fn frame(&mut self, at: (f32, f32, f32, f32), ink: Ink, width: f32) {
        let (x, y, w, h) = at;
        self.stroke(polyline(&[(x, y), (x + w, y), (x + w, y + h), (x, y + h)], true), ink, width);
    }

    pub(super) fn block(&mut self, at: (f32, f32, f32, f32), ink: Ink) {
        let (x, y, w, h) = at;
        self.fill(polyline(&[(x, y), (x + w, y), (x + w, y + h), (x, y + h)], true), ink);
    }

    /// Red, green, blue of every pixel, row by row; the sheet must be opaque.
    pub(super) fn rgb(&self) -> Vec<u8> {
        self.pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }

    /// Luma of every pixel, row by row.
    pub(super) fn gray(&self) -> Vec<u8> {
        let luma = |p: &[u8]| (u32::from(p[0]) * 299 + u32::from(p[1]) * 587 + u32::from(p[2]) * 114 + 500) / 1000;
        self.pixmap.data().chunks_exact(4).map(|pixel| luma(pixel) as u8).collect()
    }
}

/// Straight lines through the points.
pub(super) fn polyline(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let (first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0, first.1);
    for point in rest {
        path.line_to(point.0, point.1);
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// A smooth line through the points: a Catmull-Rom spline as cubic curves.
pub(super) fn spline(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let count = points.len();
    if count < 3 {
        return polyline(points, closed);
    }
    let at = |index: isize| {
        let last = count as isize - 1;
        let index = if closed { index.rem_euclid(count as isize) } else { index.clamp(0, last) };
        points[index as usize]
    };
    let mut path = PathBuilder::new();
    path.move_to(points[0].0, points[0].1);
    let segments = if closed { count } else { count - 1 };
    for index in 0..segments as isize {
        let (before, from, to, after) = (at(index - 1), at(index), at(index + 1), at(index + 2));
        path.cubic_to(
            from.0 + (to.0 - before.0) / 6.0,
            from.1 + (to.1 - before.1) / 6.0,
            to.0 - (after.0 - from.0) / 6.0,
            to.1 - (after.1 - from.1) / 6.0,
            to.0,
            to.1,
        );
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// A leaf or petal from `base` to `tip`, `width` wide at its widest.
pub(super) fn leaf(base: (f32, f32), tip: (f32, f32), width: f32) -> Option<Path> {
    let (dx, dy) = (tip.0 - base.0, tip.1 - base.1);
    let length = dx.hypot(dy).max(0.001);
    let (nx, ny) = (-dy / length * width, dx / length * width);
    let along = |t: f32, side: f32| (base.0 + dx * t + nx * side, base.1 + dy * t + ny * side);
    let mut path = PathBuilder::new();
    path.move_to(base.0, base.1);
    let (a, b) = (along(0.25, 0.75), along(0.7, 0.6));
    path.cubic_to(a.0, a.1, b.0, b.1, tip.0, tip.1);
    let (a, b) = (along(0.7, -0.6), along(0.25, -0.75));
    path.cubic_to(a.0, a.1, b.0, b.1, base.0, base.1);
    path.close();
    path.finish()
}

/// A printer's flower: a diamond between two curling stems.
pub(super) fn fleuron(sheet: &mut Sheet, centre: (f32, f32), size: f32, ink: Ink) {
    let (x, y) = centre;
    let diamond = [(x, y - size * 0.22), (x + size * 0.22, y), (x, y + size * 0.22), (x - size * 0.22, y)];
    sheet.fill(polyline(&diamond, true), ink);
    for side in [-1.0, 1.0] {
        let at = |dx: f32, dy: f32| (x + side * dx * size, y + dy * size);
        let stem = [
            at(0.4, 0.0),
            at(0.9, -0.22),
            at(1.5, 0.1),
            at(2.1, -0.06),
            at(2.45, -0.28),
            at(2.2, -0.42),
            at(2.0, -0.26),
        ];
        sheet.stroke(spline(&stem, false), ink, size * 0.055);
        sheet.fill(leaf(at(0.95, -0.2), at(1.3, -0.55), size * 0.16), ink);
        sheet.fill(leaf(at(1.45, 0.08), at(1.85, 0.42), size * 0.16), ink);
        sheet.disc(at(2.75, -0.04), size * 0.06, ink);
    }
}
