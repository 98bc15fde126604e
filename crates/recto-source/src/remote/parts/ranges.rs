//! Which bytes of a file are there, and how those that are not are asked for.

use std::collections::BTreeMap;

use recto_codec::ByteRange;

/// Ranges with no more than this between them are fetched as one.
pub(super) const BETWEEN: u64 = 16 << 10;
/// Most bytes of one request.
pub(super) const MOST_BYTES: u64 = 8 << 20;

/// Which bytes are there: ends by beginnings, none touching another.
#[derive(Debug, Default)]
pub(super) struct Present(BTreeMap<u64, u64>);

impl Present {
    /// How many runs there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// What is missing of a range, in order.
    pub(super) fn missing(&self, range: ByteRange) -> Vec<ByteRange> {
        let end = range.offset.saturating_add(range.length);
        let mut at = range.offset;
        let mut missing = Vec::new();
        if range.length == 0 {
            return missing;
        }
        let before = self.0.range(..=at).next_back();
        for (start, stop) in before.into_iter().chain(self.0.range(at.saturating_add(1)..end)) {
            if *start > at {
                missing.push(ByteRange::new(at, *start - at));
            }
            at = at.max(*stop);
        }
        if at < end {
            missing.push(ByteRange::new(at, end - at));
        }
        missing
    }

    pub(super) fn insert(&mut self, range: ByteRange) {
        let (mut start, mut end) = (range.offset, range.offset.saturating_add(range.length));
        while let Some((first, last)) = self.0.range(..=end).next_back().map(|(first, last)| (*first, *last)) {
            if last < start {
                break;
            }
            self.0.remove(&first);
            (start, end) = (start.min(first), end.max(last));
        }
        self.0.insert(start, end);
    }
}

/// Ranges as they are asked for: neighbours joined, long ones cut.
pub(super) fn requests(mut missing: Vec<ByteRange>) -> Vec<ByteRange> {
    missing.retain(|range| range.length > 0);
    missing.sort_by_key(|range| range.offset);
    let mut joined: Vec<ByteRange> = Vec::with_capacity(missing.len());
    for range in missing {
        let end = range.offset.saturating_add(range.length);
        match joined.last_mut() {
            Some(last) if range.offset <= last.offset.saturating_add(last.length).saturating_add(BETWEEN) => {
                last.length = last.length.max(end - last.offset);
            }
            _ => joined.push(range),
        }
    }
    joined.into_iter().flat_map(pieces).collect()
}

fn pieces(range: ByteRange) -> impl Iterator<Item = ByteRange> {
    let count = range.length.div_ceil(MOST_BYTES);
    (0..count).map(move |number| {
        let start = number * MOST_BYTES;
        ByteRange::new(range.offset + start, MOST_BYTES.min(range.length - start))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_missing_is_what_was_not_put_in(
            inserted in prop::collection::vec((0_u64..100, 1_u64..30), 0..12),
            (offset, length) in (0_u64..100, 0_u64..60),
        ) {
            let mut present = Present::default();
            let mut bytes = [false; 200];
            for (offset, length) in inserted {
                present.insert(ByteRange::new(offset, length));
                bytes[offset as usize..(offset + length) as usize].fill(true);
            }
            let mut missing = bytes;
            for range in present.missing(ByteRange::new(offset, length)) {
                prop_assert!(range.length > 0);
                missing[range.offset as usize..(range.offset + range.length) as usize].fill(true);
            }
            for (at, is_there) in bytes.iter().enumerate() {
                let wanted = (offset..offset + length).contains(&(at as u64));
                prop_assert_eq!(missing[at], *is_there || wanted, "{}", at);
            }
            let parts = present.0.iter().collect::<Vec<_>>();
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", parts);
        }
    }

    #[test]
    fn neighbours_are_asked_for_together_and_long_ranges_in_pieces() {
        let range = |offset, length| ByteRange::new(offset, length);
        let joined = requests(vec![range(BETWEEN + 10, 5), range(0, 10), range(2 * BETWEEN + 16, 1), range(3, 0)]);
        assert_eq!(joined, [range(0, BETWEEN + 15), range(2 * BETWEEN + 16, 1)]);
        let cut = requests(vec![range(7, 2 * MOST_BYTES + 1)]);
        assert_eq!(cut, [range(7, MOST_BYTES), range(7 + MOST_BYTES, MOST_BYTES), range(7 + 2 * MOST_BYTES, 1)]);
    }
}
