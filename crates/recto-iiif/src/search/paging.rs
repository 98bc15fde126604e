//! Where the pages of an answer begin and end: a hit and its annotations are on one page, and an annotation is on one page only.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::FoundHit;

/// What paging has to know of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitShape {
    /// Annotations of it that no hit before it has.
    pub new_annotations: u32,
    /// Must it be on the page of the hit before it? So when hits before it and it, or hits after it, share an annotation.
    pub joined_to_previous: bool,
}

/// What is on one page, by index over all pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageCut {
    /// Its hits.
    pub hits: Range<usize>,
    /// Its annotations.
    pub annotations: Range<u64>,
}

/// Cuts hits into pages of `most_hits`; a page has more only where hits must be together.
pub fn cut_into_pages(hits: impl IntoIterator<Item = HitShape>, most_hits: usize) -> Vec<PageCut> {
    let mut pages: Vec<PageCut> = Vec::new();
    let mut annotations = 0;
    for (index, shape) in hits.into_iter().enumerate() {
        let from = annotations;
        annotations += u64::from(shape.new_annotations);
        match pages.last_mut() {
            Some(page) if shape.joined_to_previous || page.hits.len() < most_hits.max(1) => {
                page.hits.end = index + 1;
                page.annotations.end = annotations;
            }
            _ => pages.push(PageCut { hits: index..index + 1, annotations: from..annotations }),
        }
    }
    pages
}

/// The shapes of these hits, which have to be all that there are.
pub fn shapes(hits: &[FoundHit]) -> Vec<HitShape> {
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (index, hit) in hits.iter().enumerate() {
        last.extend(hit.names().into_iter().map(|name| (name, index)));
    }
    let mut seen: HashSet<&str> = HashSet::new();
    let mut until = None;
    let mut shapes = Vec::with_capacity(hits.len());
    for (index, hit) in hits.iter().enumerate() {
        let names = hit.names();
        let new_annotations = names.iter().filter(|name| seen.insert(*name)).count() as u32;
        shapes.push(HitShape { new_annotations, joined_to_previous: until.is_some_and(|until| index <= until) });
        until = until.max(names.iter().filter_map(|name| last.get(name).copied()).max());
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(new_annotations: u32, joined_to_previous: bool) -> HitShape {
        HitShape { new_annotations, joined_to_previous }
    }

    #[test]
    fn s2_12_pages_end_between_hits_and_never_between_those_that_share_an_annotation() {
        let hits = [shape(1, false), shape(2, false), shape(0, true), shape(1, false), shape(3, false)];
        let cut = |hits: Range<usize>, annotations: Range<u64>| PageCut { hits, annotations };
        assert_eq!(cut_into_pages(hits, 2), [cut(0..3, 0..3), cut(3..5, 3..7)]);
        assert_eq!(cut_into_pages(hits, 1), [cut(0..1, 0..1), cut(1..3, 1..3), cut(3..4, 3..4), cut(4..5, 4..7)]);
        assert_eq!(cut_into_pages(hits, 100), [cut(0..5, 0..7)]);
        assert_eq!(cut_into_pages(hits, 0).len(), 4);
        assert_eq!(cut_into_pages([], 10), []);
    }
}
