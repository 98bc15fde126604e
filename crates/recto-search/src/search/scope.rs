//! Which pages are looked at.

use std::ops::Range;

use crate::index::Index;

/// Pages, as ranges of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    ranges: Vec<Range<u32>>,
}

impl Scope {
    /// These pages. Ranges may overlap and come in any order.
    pub fn of(ranges: impl IntoIterator<Item = Range<u32>>) -> Self {
        let mut given: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        given.sort_unstable_by_key(|range| range.start);
        let mut ranges: Vec<Range<u32>> = Vec::with_capacity(given.len());
        for range in given {
            match ranges.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => ranges.push(range),
            }
        }
        Self { ranges }
    }

    /// These pages, one by one.
    pub fn of_pages(pages: impl IntoIterator<Item = u32>) -> Self {
        Self::of(pages.into_iter().map(|page| page..page.saturating_add(1)))
    }

    /// Is a page in it?
    pub fn contains(&self, page: u32) -> bool {
        let at = self.ranges.partition_point(|range| range.end <= page);
        self.ranges.get(at).is_some_and(|range| range.contains(&page))
    }

    /// The pages, in order; ranges neither overlap nor touch.
    pub fn ranges(&self) -> &[Range<u32>] {
        &self.ranges
    }

    /// The positions of these pages.
    pub(crate) fn positions(&self, index: &Index) -> Vec<Range<u32>> {
        let start = |page: u32| index.positions_of(page).start;
        self.ranges.iter().map(|range| start(range.start)..start(range.end)).filter(|range| !range.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_ordered() {
        let scope = Scope::of([5..7, 0..2, 2..3, 6..9, 4..4]);
        assert_eq!(scope.ranges(), [0..3, 5..9]);
        assert_eq!([0, 2, 3, 5, 8, 9].map(|page| scope.contains(page)), [true, true, false, true, true, false]);
        assert_eq!(Scope::of_pages([3, 1, 2]).ranges(), std::slice::from_ref(&(1..4)));
    }
}
