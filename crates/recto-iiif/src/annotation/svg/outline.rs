//! The rectangle around shapes: each is a few points and curves, moved by the transformations of the groups that it is in.

use roxmltree::Node;

use super::path;
use crate::Rect;

/// A matrix `a b c d e f`, as SVG writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix([f64; 6]);

impl Matrix {
    const NONE: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    fn of(self, (x, y): (f64, f64)) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    fn then(self, inner: Self) -> Self {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, inner.0);
        Self([a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f])
    }

    /// Reads `transform`; what cannot be read is as if it were not there.
    fn parse(text: &str) -> Self {
        let mut all = Self::NONE;
        for part in text.split(')') {
            let Some((name, numbers)) = part.split_once('(') else { continue };
            let numbers = path::numbers(numbers);
            let at = |index: usize| numbers.get(index).copied();
            let one = match name.trim_matches(|c: char| c.is_whitespace() || c == ',') {
                "matrix" if numbers.len() == 6 => {
                    let mut matrix = Self::NONE;
                    matrix.0.copy_from_slice(&numbers);
                    matrix
                }
                "translate" => Self([1.0, 0.0, 0.0, 1.0, at(0).unwrap_or(0.0), at(1).unwrap_or(0.0)]),
                "scale" => {
                    let x = at(0).unwrap_or(1.0);
                    Self([x, 0.0, 0.0, at(1).unwrap_or(x), 0.0, 0.0])
                }
                "rotate" => {
                    let (sin, cos) = at(0).unwrap_or(0.0).to_radians().sin_cos();
                    let (x, y) = (at(1).unwrap_or(0.0), at(2).unwrap_or(0.0));
                    let there = Self([1.0, 0.0, 0.0, 1.0, x, y]);
                    let back = Self([1.0, 0.0, 0.0, 1.0, -x, -y]);
                    there.then(Self([cos, sin, -sin, cos, 0.0, 0.0])).then(back)
                }
                "skewX" => Self([1.0, 0.0, at(0).unwrap_or(0.0).to_radians().tan(), 1.0, 0.0, 0.0]),
                "skewY" => Self([1.0, at(0).unwrap_or(0.0).to_radians().tan(), 0.0, 1.0, 0.0, 0.0]),
                _ => continue,
            };
            all = all.then(one);
        }
        all
    }
}

/// A piece of an outline, by its points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    Point((f64, f64)),
    /// A cubic curve with its first point.
    Curve([(f64, f64); 4]),
}

/// The rectangle around points.
#[derive(Default)]
struct Around(Option<[f64; 4]>);

impl Around {
    fn point(&mut self, (x, y): (f64, f64)) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        let [left, top, right, bottom] = self.0.unwrap_or([x, y, x, y]);
        self.0 = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
    }

    fn piece(&mut self, piece: Piece, matrix: Matrix) {
        match piece {
            Piece::Point(point) => self.point(matrix.of(point)),
            Piece::Curve(points) => {
                let points = points.map(|point| matrix.of(point));
                self.point(points[0]);
                self.point(points[3]);
                let across = extremes(points.map(|point| point.0));
                let down = extremes(points.map(|point| point.1));
                for t in across.into_iter().chain(down).flatten() {
                    self.point(on_curve(points, t));
                }
            }
        }
    }

    fn rect(&self) -> Option<Rect> {
        let [left, top, right, bottom] = self.0?;
        // Half of a thousandth of a pixel is arithmetic, and no pixel more.
        let floor = |value: f64| (value + 0.0005).floor().max(0.0);
        let ceil = |value: f64| (value - 0.0005).ceil();
        let (left, top) = (floor(left), floor(top));
        let (w, h) = ((ceil(right) - left).max(1.0), (ceil(bottom) - top).max(1.0));
        let most = f64::from(u32::MAX);
        let is_on = right > 0.0005 && bottom > 0.0005 && left < most && top < most;
        is_on.then(|| Rect::new(left as u32, top as u32, w.min(most) as u32, h.min(most) as u32))
    }
}

/// Where a coordinate of a curve turns round, between 0 and 1.
fn extremes([p0, p1, p2, p3]: [f64; 4]) -> [Option<f64>; 2] {
    let (a, b, c) = (p3 - 3.0 * p2 + 3.0 * p1 - p0, 2.0 * (p2 - 2.0 * p1 + p0), p1 - p0);
    let inside = |t: f64| (t > 0.0 && t < 1.0).then_some(t);
    if a.abs() < 1e-9 {
        return [if b.abs() < 1e-9 { None } else { inside(-c / b) }, None];
    }
    let under = b * b - 4.0 * a * c;
    if under < 0.0 {
        return [None, None];
    }
    let root = under.sqrt();
    [inside((-b + root) / (2.0 * a)), inside((-b - root) / (2.0 * a))]
}

fn on_curve(points: [(f64, f64); 4], t: f64) -> (f64, f64) {
    let u = 1.0 - t;
    let weights = [u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t];
    let sum = |of: fn(&(f64, f64)) -> f64| points.iter().zip(weights).map(|(point, weight)| of(point) * weight).sum();
    (sum(|point| point.0), sum(|point| point.1))
}

/// The rectangle around all shapes in an element. Depth and number of elements were bounded when it was read.
pub(super) fn bounds(root: Node<'_, '_>) -> Option<Rect> {
    let mut around = Around::default();
    let mut open = vec![(root, Matrix::NONE)];
    while let Some((node, outer)) = open.pop() {
        let name = node.tag_name().name();
        if matches!(name, "defs" | "clipPath" | "mask" | "title" | "desc" | "metadata") {
            continue;
        }
        let matrix = node.attribute("transform").map_or(outer, |text| outer.then(Matrix::parse(text)));
        shape(node, name, |piece| around.piece(piece, matrix));
        open.extend(node.children().filter(Node::is_element).map(|child| (child, matrix)));
    }
    around.rect()
}

fn shape(node: Node<'_, '_>, name: &str, mut out: impl FnMut(Piece)) {
    let number = |name: &str| node.attribute(name).and_then(|text| path::numbers(text).first().copied());
    let or_zero = |name: &str| number(name).unwrap_or(0.0);
    match name {
        "path" => path::pieces(node.attribute("d").unwrap_or_default(), out),
        "rect" => {
            let (x, y) = (or_zero("x"), or_zero("y"));
            let (Some(w), Some(h)) = (number("width"), number("height")) else { return };
            for point in [(x, y), (x + w, y), (x, y + h), (x + w, y + h)] {
                out(Piece::Point(point));
            }
        }
        "circle" | "ellipse" => {
            let (x, y) = (or_zero("cx"), or_zero("cy"));
            let rx = number("rx").or_else(|| number("r")).unwrap_or(0.0);
            let ry = number("ry").or_else(|| number("r")).unwrap_or(0.0);
            ellipse((x, y), rx, ry, out);
        }
        "line" => {
            out(Piece::Point((or_zero("x1"), or_zero("y1"))));
            out(Piece::Point((or_zero("x2"), or_zero("y2"))));
        }
        "polyline" | "polygon" => {
            for pair in path::numbers(node.attribute("points").unwrap_or_default()).chunks_exact(2) {
                out(Piece::Point((pair[0], pair[1])));
            }
        }
        _ => {}
    }
}

/// Four curves that are an ellipse to a few ten-thousandths.
fn ellipse((x, y): (f64, f64), rx: f64, ry: f64, mut out: impl FnMut(Piece)) {
    const ROUND: f64 = 0.552_284_749_830_793_6;
    let (kx, ky) = (rx * ROUND, ry * ROUND);
    for [sx, sy] in [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]] {
        out(Piece::Curve([(x + sx * rx, y), (x + sx * rx, y + sy * ky), (x + sx * kx, y + sy * ry), (x, y + sy * ry)]));
    }
}
