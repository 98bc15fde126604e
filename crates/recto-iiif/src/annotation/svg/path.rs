//! The path data of SVG (SVG 1.1 §8.3) as points and curves.

use super::outline::Piece;

/// All numbers of a list, up to the first thing that is none.
pub(super) fn numbers(text: &str) -> Vec<f64> {
    let mut scan = Scan { rest: text };
    std::iter::from_fn(|| scan.number()).collect()
}

struct Scan<'t> {
    rest: &'t str,
}

impl Scan<'_> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
    }

    fn command(&mut self) -> Option<u8> {
        self.blank();
        let first = *self.rest.as_bytes().first()?;
        if first.is_ascii_alphabetic() {
            self.rest = &self.rest[1..];
            return Some(first);
        }
        None
    }

    /// One digit, with nothing between it and the next: a flag of an arc.
    fn flag(&mut self) -> Option<bool> {
        self.blank();
        let first = *self.rest.as_bytes().first()?;
        matches!(first, b'0' | b'1').then(|| {
            self.rest = &self.rest[1..];
            first == b'1'
        })
    }

    fn number(&mut self) -> Option<f64> {
        self.blank();
        let bytes = self.rest.as_bytes();
        let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
        let (mut digits, mut has_dot) = (0, false);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'0'..=b'9' => digits += 1,
                b'.' if !has_dot => has_dot = true,
                _ => break,
            }
            at += 1;
        }
        if digits == 0 {
            return None;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            let mut end = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let start = end;
            while bytes.get(end).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
            if end > start {
                at = end;
            }
        }
        let value = self.rest[..at].parse::<f64>().ok().filter(|value| value.is_finite())?;
        self.rest = &self.rest[at..];
        Some(value)
    }

    fn pair(&mut self) -> Option<(f64, f64)> {
        Some((self.number()?, self.number()?))
    }
}

/// The pieces of a path, up to the first error, as SVG has it.
pub(super) fn pieces(data: &str, mut out: impl FnMut(Piece)) {
    let mut scan = Scan { rest: data };
    let mut at = (0.0, 0.0);
    let mut start = at;
    // The second control point of the curve before, for those that go on smoothly.
    let mut last: Option<(u8, (f64, f64))> = None;
    let mut command = 0_u8;
    loop {
        if let Some(next) = scan.command() {
            command = next;
        } else if scan.rest.is_empty() || command == 0 {
            return;
        }
        let is_relative = command.is_ascii_lowercase();
        let from = at;
        let to = move |(x, y): (f64, f64)| if is_relative { (from.0 + x, from.1 + y) } else { (x, y) };
        let kind = command.to_ascii_uppercase();
        let mirrored = |last: Option<(u8, (f64, f64))>, kinds: [u8; 2]| match last {
            Some((kind, (x, y))) if kinds.contains(&kind) => (2.0 * from.0 - x, 2.0 * from.1 - y),
            _ => from,
        };
        let mut control = None;
        let end = match kind {
            b'M' => {
                let Some(end) = scan.pair().map(to) else { return };
                start = end;
                // Further pairs are lines.
                command = if is_relative { b'l' } else { b'L' };
                Some(end)
            }
            b'L' => scan.pair().map(to),
            b'H' => scan.number().map(|x| (if is_relative { from.0 + x } else { x }, from.1)),
            b'V' => scan.number().map(|y| (from.0, if is_relative { from.1 + y } else { y })),
            b'C' => curve(&mut scan, to).map(|[first, second, end]| {
                out(Piece::Curve([from, first, second, end]));
                control = Some((kind, second));
                end
            }),
            b'S' => scan.pair().map(to).zip(scan.pair().map(to)).map(|(second, end)| {
                out(Piece::Curve([from, mirrored(last, [b'C', b'S']), second, end]));
                control = Some((kind, second));
                end
            }),
            b'Q' => scan.pair().map(to).zip(scan.pair().map(to)).map(|(middle, end)| {
                out(quadratic(from, middle, end));
                control = Some((kind, middle));
                end
            }),
            b'T' => scan.pair().map(to).inspect(|end| {
                let middle = mirrored(last, [b'Q', b'T']);
                out(quadratic(from, middle, *end));
                control = Some((kind, middle));
            }),
            b'A' => arc(&mut scan, from, to, &mut out),
            b'Z' => {
                command = 0;
                Some(start)
            }
            _ => None,
        };
        let Some(end) = end else { return };
        out(Piece::Point(end));
        (at, last) = (end, control);
    }
}

fn curve(scan: &mut Scan<'_>, to: impl Fn((f64, f64)) -> (f64, f64)) -> Option<[(f64, f64); 3]> {
    Some([to(scan.pair()?), to(scan.pair()?), to(scan.pair()?)])
}

fn quadratic(from: (f64, f64), middle: (f64, f64), end: (f64, f64)) -> Piece {
    let toward = |a: (f64, f64)| (a.0 + 2.0 / 3.0 * (middle.0 - a.0), a.1 + 2.0 / 3.0 * (middle.1 - a.1));
    Piece::Curve([from, toward(from), toward(end), end])
}

/// An elliptical arc, by points along it. SVG 1.1 appendix F.6.5.
fn arc(
    scan: &mut Scan<'_>,
    from: (f64, f64),
    to: impl Fn((f64, f64)) -> (f64, f64),
    out: &mut impl FnMut(Piece),
) -> Option<(f64, f64)> {
    let (mut rx, mut ry, turn) = (scan.number()?.abs(), scan.number()?.abs(), scan.number()?.to_radians());
    let (is_large, is_sweep) = (scan.flag()?, scan.flag()?);
    let end = to(scan.pair()?);
    if rx == 0.0 || ry == 0.0 || from == end {
        return Some(end);
    }
    let (sin, cos) = turn.sin_cos();
    let (dx, dy) = ((from.0 - end.0) / 2.0, (from.1 - end.1) / 2.0);
    let (x, y) = (cos * dx + sin * dy, cos * dy - sin * dx);
    let grow = (x / rx).powi(2) + (y / ry).powi(2);
    if grow > 1.0 {
        (rx, ry) = (rx * grow.sqrt(), ry * grow.sqrt());
    }
    let over = (rx * ry).powi(2) - (rx * y).powi(2) - (ry * x).powi(2);
    let under = (rx * y).powi(2) + (ry * x).powi(2);
    let sign = if is_large == is_sweep { -1.0 } else { 1.0 };
    let factor = sign * (over / under).max(0.0).sqrt();
    let (cx, cy) = (factor * rx * y / ry, -factor * ry * x / rx);
    let center =
        (cos * cx - sin * cy + f64::midpoint(from.0, end.0), sin * cx + cos * cy + f64::midpoint(from.1, end.1));
    let first = ((y - cy) / ry).atan2((x - cx) / rx);
    let mut sweep = ((-y - cy) / ry).atan2((-x - cx) / rx) - first;
    if is_sweep && sweep < 0.0 {
        sweep += std::f64::consts::TAU;
    } else if !is_sweep && sweep > 0.0 {
        sweep -= std::f64::consts::TAU;
    }
    // 256 points miss the turning point by less than a ten-thousandth of the radius.
    for step in 1..256 {
        let angle = first + sweep * f64::from(step) / 256.0;
        let (across, down) = (rx * angle.cos(), ry * angle.sin());
        out(Piece::Point((center.0 + cos * across - sin * down, center.1 + sin * across + cos * down)));
    }
    Some(end)
}
