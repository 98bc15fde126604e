//! Where lines end in an object: on how many of them a match is, known without reading its pages.

use bytes::Bytes;

use crate::layout::{Layout, Segment, Written, begins_with_second_part};
use crate::page::Page;
use crate::search::Span;

/// The ends of lines among the positions of an object.
///
/// Before a position `p` it is kept as `2p`; within a position, as in a word broken at the end of a line, as `2p + 1`: four bytes each,
/// the lowest first, in order, so that nothing has to be read before the one that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEnds {
    ends: Bytes,
}

impl LineEnds {
    /// What [`LineEndsBuilder::finish`] wrote. The bytes are shared, not copied. `None` where it is something else.
    pub fn open(blob: Bytes) -> Option<Self> {
        let (_, rest) = blob.as_chunks::<4>();
        rest.is_empty().then_some(Self { ends: blob })
    }

    /// How many parts [`crate::search::locate`] gives for a match, one a line.
    pub fn parts(&self, span: Span) -> u32 {
        let (ends, _) = self.ends.as_chunks::<4>();
        let double = |position: u32| position.saturating_mul(2);
        let first = ends.partition_point(|end| u32::from_le_bytes(*end) <= double(span.start));
        // A match is on few lines.
        let rest = ends.get(first..).unwrap_or_default();
        let more = rest.iter().take_while(|end| u32::from_le_bytes(**end) < double(span.end)).count();
        1 + more as u32
    }
}

/// Gathers the ends of lines of pages given one after the other, as to [`crate::index::IndexBuilder`] with running text.
#[derive(Debug, Default)]
pub struct LineEndsBuilder {
    ends: Vec<u32>,
    /// Positions of the pages before.
    next: u32,
    /// The page and line on which the last position ended.
    last: Option<(u32, usize)>,
    /// The last position, where its word goes on on the next page.
    open: Option<u32>,
    page: u32,
}

impl LineEndsBuilder {
    /// Adds the next page. A page without text has to be added, too: pages are counted.
    pub fn add(&mut self, page: &Page) {
        if let Some(open) = self.open.take()
            && begins_with_second_part(page)
        {
            self.ends.push(open.saturating_mul(2).saturating_add(1));
            self.last = page.word(0).map(|word| (self.page, word.line));
        }
        let layout = Layout::of(page);
        for piece in &layout.pieces {
            let position = self.next.saturating_add(piece.position);
            for (at, segment) in layout.segments_in(piece.start, piece.end).iter().enumerate() {
                let Some((first, last)) = lines(page, segment) else { continue };
                if self.last.is_some_and(|last| last != (self.page, first)) {
                    let within = u32::from(at > 0);
                    self.ends.push(position.saturating_mul(2).saturating_add(within));
                }
                if first != last {
                    self.ends.push(position.saturating_mul(2).saturating_add(1));
                }
                self.last = Some((self.page, last));
                self.open = (segment.written == Written::OverPages).then_some(position);
            }
        }
        self.next = self.next.saturating_add(layout.positions);
        self.page += 1;
    }

    /// What [`LineEnds::open`] opens.
    pub fn finish(mut self) -> Vec<u8> {
        self.ends.sort_unstable();
        self.ends.iter().flat_map(|end| end.to_le_bytes()).collect()
    }
}

/// The lines on which a word begins and ends.
fn lines(page: &Page, segment: &Segment) -> Option<(usize, usize)> {
    let first = page.word(segment.word as usize)?.line;
    let last = match segment.written {
        Written::InTwo => page.word(segment.word as usize + 1)?.line,
        Written::Whole | Written::OverPages => first,
    };
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};

    use super::*;
    use crate::index::{Continuity, Index, IndexBuilder};
    use crate::page::encode;
    use crate::query::Query;
    use crate::search::{find, locate};

    /// Lines of words; a word that ends in `-` is broken, its second part begins the next line.
    fn text(lines: &[Vec<String>], goes_on: bool) -> PageText {
        let mut is_second = goes_on;
        let mut out = Vec::new();
        for (y, words) in lines.iter().enumerate() {
            let mut line = TextLine::default();
            for (x, text) in words.iter().enumerate() {
                let part = match text.strip_suffix('-') {
                    _ if std::mem::take(&mut is_second) => Some(WordPart::Second),
                    Some(half) if x + 1 == words.len() => {
                        is_second = true;
                        Some(WordPart::First { whole: format!("{half}whole") })
                    }
                    _ => None,
                };
                let area = Area { x: x as f64 * 10.0, y: y as f64 * 10.0, w: 9.0, h: 9.0 };
                line.words.push(TextWord {
                    text: text.trim_end_matches('-').to_owned(),
                    area: Some(area),
                    part,
                    ..TextWord::default()
                });
            }
            out.push(line);
        }
        PageText { size: None, language: None, blocks: vec![TextBlock { lines: out, ..TextBlock::default() }] }
    }

    proptest! {
        #[test]
        fn t1_a_match_has_as_many_parts_as_are_counted(
            pages in prop::collection::vec(prop::collection::vec(prop::collection::vec("[abc]|a-b|l'a|ab-|東京", 1..5), 0..4), 1..5),
            queries in prop::collection::vec("(a|b|c|awhole|abwhole|東|東京)( (a|b|c|東京|abwhole)){0,3}", 1..6),
        ) {
            let (mut builder, mut ends) = (IndexBuilder::new(Continuity::Running, None, false), LineEndsBuilder::default());
            let mut blobs = Vec::new();
            let mut goes_on = false;
            for lines in &pages {
                let text = text(lines, goes_on);
                goes_on = text.words().last().is_some_and(|word| matches!(word.part, Some(WordPart::First { .. })));
                let blob = encode(&text).unwrap();
                let page = Page::decode(&blob).unwrap();
                builder.add(&page);
                ends.add(&page);
                blobs.push(Bytes::from(blob));
            }
            let index = Index::open(Bytes::from(builder.finish().unwrap())).unwrap();
            let ends = LineEnds::open(Bytes::from(ends.finish())).unwrap();
            for query in queries {
                let matches = find(&index, &Query::parse(&format!("\"{query}\"")), None);
                let pages = |page: u32| blobs.get(page as usize).cloned();
                let hits = locate(&index, &matches, 0..matches.total(), &pages, 3);
                for (hit, span) in hits.iter().zip(matches.spans()) {
                    prop_assert_eq!(hit.parts.len() as u32, ends.parts(*span), "{:?} in {:?}", query, pages_of(&blobs));
                }
            }
        }
    }

    fn pages_of(blobs: &[Bytes]) -> Vec<String> {
        blobs.iter().map(|blob| Page::decode(blob).unwrap().reading_text()).collect()
    }
}
