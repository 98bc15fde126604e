//! Lines of equal value through a grid: marching squares, joined into long lines and smoothed.

use std::collections::HashMap;

use super::terrain::Grid;

/// A point on an edge of the grid: the edge's cell, and whether it goes down from there.
type Edge = (usize, usize, bool);

/// All lines at `level`, in grid units. A line that ends where it began is closed.
pub(super) fn contours(grid: &Grid, level: f32) -> Vec<Vec<(f32, f32)>> {
    let mut next: HashMap<Edge, Vec<Edge>> = HashMap::new();
    for y in 0..grid.height - 1 {
        for x in 0..grid.width - 1 {
            for (from, to) in cell_segments(grid, level, x, y) {
                next.entry(from).or_default().push(to);
                next.entry(to).or_default().push(from);
            }
        }
    }
    let mut starts: Vec<Edge> = next.keys().copied().collect();
    // Open lines first, from their ends; a fixed order keeps the drawing the same each time.
    starts.sort_by_key(|edge| (next[edge].len(), edge.1, edge.0, edge.2));
    let mut lines = Vec::new();
    for start in starts {
        let mut line = Vec::new();
        let mut here = start;
        while let Some(to) = next.get_mut(&here).and_then(Vec::pop) {
            if line.is_empty() {
                line.push(point(grid, level, here));
            }
            if let Some(back) = next.get_mut(&to) {
                let at = back.iter().position(|edge| *edge == here);
                at.map(|at| back.swap_remove(at));
            }
            line.push(point(grid, level, to));
            here = to;
        }
        if line.len() > 2 {
            lines.push(line);
        }
    }
    lines
}

fn cell_segments(grid: &Grid, level: f32, x: usize, y: usize) -> Vec<(Edge, Edge)> {
    let above = |dx: usize, dy: usize| grid.at(x + dx, y + dy) > level;
    let (top, right, bottom, left) = ((x, y, false), (x + 1, y, true), (x, y + 1, false), (x, y, true));
    let case =
        u8::from(above(0, 0)) | u8::from(above(1, 0)) << 1 | u8::from(above(1, 1)) << 2 | u8::from(above(0, 1)) << 3;
    match case {
        1 | 14 => vec![(left, top)],
        2 | 13 => vec![(top, right)],
        3 | 12 => vec![(left, right)],
        4 | 11 => vec![(right, bottom)],
        6 | 9 => vec![(top, bottom)],
        7 | 8 => vec![(left, bottom)],
        5 => vec![(left, top), (right, bottom)],
        10 => vec![(top, right), (left, bottom)],
        _ => Vec::new(),
    }
}

fn point(grid: &Grid, level: f32, edge: Edge) -> (f32, f32) {
    let (x, y, down) = edge;
    let from = grid.at(x, y);
    let to = if down { grid.at(x, y + 1) } else { grid.at(x + 1, y) };
    let share = ((level - from) / (to - from)).clamp(0.02, 0.98);
    if down { (x as f32, y as f32 + share) } else { (x as f32 + share, y as f32) }
}

/// Cuts corners `times` over; closed lines stay closed.
pub(super) fn smooth(line: &[(f32, f32)], times: usize) -> Vec<(f32, f32)> {
    let mut line = line.to_vec();
    for _ in 0..times {
        let closed = line.first() == line.last();
        let mut cut = Vec::with_capacity(line.len() * 2);
        if !closed {
            cut.extend(line.first());
        }
        for pair in line.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            cut.push((a.0 * 0.75 + b.0 * 0.25, a.1 * 0.75 + b.1 * 0.25));
            cut.push((a.0 * 0.25 + b.0 * 0.75, a.1 * 0.25 + b.1 * 0.75));
        }
        if closed {
            cut.extend(cut.first().copied());
        } else {
            cut.extend(line.last());
        }
        line = cut;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hill_has_one_closed_line_around_it() {
        let value = |x: usize, y: usize| 10.0 - ((x as f32 - 10.0).powi(2) + (y as f32 - 10.0).powi(2)).sqrt();
        let values = (0..441).map(|index| value(index % 21, index / 21)).collect();
        let lines = contours(&Grid { width: 21, height: 21, values }, 4.3);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        for (x, y) in &lines[0] {
            let radius = (x - 10.0).hypot(y - 10.0);
            assert!((radius - 5.7).abs() < 0.1, "{radius}");
        }
    }
}
