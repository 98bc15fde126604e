//! What a part of an object holds, when a source says pages for it and for the parts in it.

use std::collections::BTreeSet;

use crate::description::{PagePart, PageRef, Range, RangeItem, Region};

/// A whole page of the same source.
pub(super) fn whole(page: usize) -> PagePart {
    PagePart { page: PageRef::Own(page), region: None, time: None }
}

/// The items of a part: its own pages and its parts, in the order of the pages. A page that a part in it holds whole is left to that part.
pub(super) fn items(own: Vec<PagePart>, parts: Vec<Range>) -> Vec<RangeItem> {
    let mut held = BTreeSet::new();
    parts.iter().for_each(|part| pages_of(part, true, &mut held));
    let mut seen: Vec<PagePart> = Vec::new();
    for page in own {
        let is_held =
            page.region.is_none() && page.time.is_none() && number(&page).is_some_and(|page| held.contains(&page));
        // Pages of one part are few or in order, so that looking at the last is enough for most.
        if !is_held && !seen.iter().rev().take(64).any(|known| *known == page) {
            seen.push(page);
        }
    }
    let mut items: Vec<(usize, u8, RangeItem)> = Vec::new();
    for page in seen {
        items.push((number(&page).unwrap_or(usize::MAX), 1, RangeItem::Page(page)));
    }
    let mut last = 0;
    for part in parts {
        let mut pages = BTreeSet::new();
        pages_of(&part, false, &mut pages);
        // Parts stay in their order, wherever their pages are.
        last = pages.first().copied().unwrap_or(last).max(last);
        items.push((last, 1, RangeItem::Range(part)));
    }
    items.sort_by_key(|(page, kind, _)| (*page, *kind));
    items.into_iter().map(|(.., item)| item).collect()
}

fn number(part: &PagePart) -> Option<usize> {
    match part.page {
        PageRef::Own(page) => Some(page),
        PageRef::Name(_) => None,
    }
}

fn pages_of(range: &Range, only_whole: bool, pages: &mut BTreeSet<usize>) {
    for item in &range.items {
        match item {
            RangeItem::Range(part) => pages_of(part, only_whole, pages),
            RangeItem::Page(part) => {
                if !only_whole || part.region.is_none() && part.time.is_none() {
                    pages.extend(number(part));
                }
            }
        }
    }
}

/// The rectangle around `SHAPE` and `COORDS` as HTML and METS write them; of polygons without a shape as well.
pub(super) fn region(shape: Option<&str>, coordinates: &str) -> Option<Region> {
    let numbers: Vec<f64> = coordinates
        .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(|part| part.parse::<f64>().ok().filter(|number| number.is_finite()))
        .collect::<Option<_>>()?;
    let is_circle = shape.is_some_and(|shape| shape.eq_ignore_ascii_case("circle"));
    let (left, top, right, bottom) = match numbers.as_slice() {
        [x, y, radius] if is_circle => (x - radius, y - radius, x + radius, y + radius),
        [x1, y1, x2, y2] => (x1.min(*x2), y1.min(*y2), x1.max(*x2), y1.max(*y2)),
        many if many.len() >= 6 && many.len() % 2 == 0 => {
            let (mut left, mut top, mut right, mut bottom) = (f64::MAX, f64::MAX, f64::MIN, f64::MIN);
            for point in many.chunks_exact(2) {
                (left, right) = (left.min(point[0]), right.max(point[0]));
                (top, bottom) = (top.min(point[1]), bottom.max(point[1]));
            }
            (left, top, right, bottom)
        }
        _ => return None,
    };
    rectangle(left, top, right, bottom)
}

/// A rectangle between edges; `None` when nothing of it is where pixels are.
pub(super) fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Option<Region> {
    let (left, top) = (left.max(0.0).floor(), top.max(0.0).floor());
    let (w, h) = (right.ceil() - left, bottom.ceil() - top);
    let is_sound = w >= 1.0 && h >= 1.0 && right < f64::from(u32::MAX) && bottom < f64::from(u32::MAX);
    is_sound.then_some(Region { x: left as u32, y: top as u32, w: w as u32, h: h as u32 })
}

/// Gives ranges that hold nothing away; how many there were.
pub(super) fn drop_empty(ranges: &mut Vec<Range>) -> usize {
    let mut dropped = 0;
    for range in ranges.iter_mut() {
        let mut parts = Vec::new();
        for item in range.items.drain(..) {
            match item {
                RangeItem::Range(part) => {
                    let mut one = vec![part];
                    dropped += drop_empty(&mut one);
                    parts.extend(one.into_iter().map(RangeItem::Range));
                }
                page @ RangeItem::Page(_) => parts.push(page),
            }
        }
        range.items = parts;
    }
    let all = ranges.len();
    ranges.retain(|range| !range.items.is_empty());
    dropped + all - ranges.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(items: Vec<RangeItem>) -> Range {
        Range { items, ..Range::default() }
    }

    fn shown(items: &[RangeItem]) -> String {
        items
            .iter()
            .map(|item| match item {
                RangeItem::Range(range) => format!("({})", shown(&range.items)),
                RangeItem::Page(page) => format!("{}", number(page).unwrap()),
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn pages_are_left_to_the_parts_that_hold_them() {
        let leaf = |pages: &[usize]| part(pages.iter().map(|page| RangeItem::Page(whole(*page))).collect());
        let own = (0..8).map(whole).collect();
        assert_eq!(shown(&items(own, vec![leaf(&[2, 3]), leaf(&[5])])), "0 1 (2 3) 4 (5) 6 7");
        assert_eq!(shown(&items(vec![whole(1), whole(1)], vec![])), "1");
        assert_eq!(shown(&items(vec![], vec![leaf(&[5]), leaf(&[2])])), "(5) (2)");
    }

    #[test]
    fn shapes_become_rectangles() {
        let rect = |x, y, w, h| Some(Region { x, y, w, h });
        for (shape, coordinates, want) in [
            (Some("RECT"), "10,20,110,220", rect(10, 20, 100, 200)),
            (Some("RECT"), "110,220,10,20", rect(10, 20, 100, 200)),
            (Some("POLY"), "10,20 30,5 50.5,60", rect(10, 5, 41, 55)),
            (Some("CIRCLE"), "100,100,10", rect(90, 90, 20, 20)),
            (None, "1 2 3 4 5 6 7 8", rect(1, 2, 6, 6)),
            (Some("RECT"), "-5,-5,10,10", rect(0, 0, 10, 10)),
            (Some("RECT"), "5,5,5,5", None),
            (Some("RECT"), "1,2,3", None),
            (Some("RECT"), "a,b,c,d", None),
            (Some("RECT"), "0,0,1e300,1", None),
            (Some("RECT"), "0,0,NaN,1", None),
        ] {
            assert_eq!(region(shape, coordinates), want, "{coordinates}");
        }
    }

    #[test]
    fn empty_parts_go() {
        let mut ranges = vec![
            part(vec![RangeItem::Range(part(vec![]))]),
            part(vec![RangeItem::Page(whole(1)), RangeItem::Range(part(vec![]))]),
        ];
        assert_eq!(drop_empty(&mut ranges), 3);
        assert_eq!(shown(&ranges[0].items), "1");
    }
}
