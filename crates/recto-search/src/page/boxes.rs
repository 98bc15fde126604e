//! Boxes of words, line by line: the words of a line have nearly the same top and height and follow each other.

use recto_iiif::Rect;

use crate::varint::{Reader, put_signed};

/// Sixteenths of a unit that a character is wide on the whole page.
pub(super) fn mean_width(words: impl Iterator<Item = (Rect, usize)>) -> u64 {
    let (width, characters) = words.fold((0_u64, 0_u64), |(width, characters), (area, length)| {
        (width + u64::from(area.w), characters + length as u64)
    });
    (width * 16).checked_div(characters).unwrap_or_default()
}

fn expected_width(mean: u64, characters: usize) -> i64 {
    i64::try_from(mean.saturating_mul(characters as u64) / 16).unwrap_or(i64::MAX)
}

fn median(mut values: Vec<u32>) -> i64 {
    let middle = values.len() / 2;
    let (_, median, _) = values.select_nth_unstable(middle);
    i64::from(*median)
}

/// Appends the boxes of a line, which must not be empty.
pub(super) fn put_line(out: &mut Vec<u8>, boxes: &[(Rect, usize)], mean: u64) {
    let Some((first, _)) = boxes.first() else { return };
    let y = median(boxes.iter().map(|(area, _)| area.y).collect());
    let h = median(boxes.iter().map(|(area, _)| area.h).collect());
    let x = i64::from(first.x);
    [y, h, x].iter().for_each(|number| put_signed(out, *number));
    let mut right = x;
    for (area, characters) in boxes {
        let (down, taller) = (i64::from(area.y) - y, i64::from(area.h) - h);
        let nibble = |offset: i64| u8::try_from(offset + 8).ok().filter(|nibble| (1..16).contains(nibble));
        if let (Some(down), Some(taller)) = (nibble(down), nibble(taller)) {
            out.push(down << 4 | taller);
        } else {
            out.push(0);
            put_signed(out, down);
            put_signed(out, taller);
        }
        put_signed(out, i64::from(area.x) - right);
        put_signed(out, i64::from(area.w) - expected_width(mean, *characters));
        right = i64::from(area.x) + i64::from(area.w);
    }
}

/// Reads the boxes of a line one after the other.
pub(super) struct Line {
    y: i64,
    h: i64,
    /// Where the last box ends.
    right: i64,
    mean: u64,
}

impl Line {
    pub(super) fn begin(reader: &mut Reader<'_>, mean: u64) -> Option<Self> {
        Some(Self { y: reader.signed()?, h: reader.signed()?, right: reader.signed()?, mean })
    }

    /// The box of the next word, which has so many characters.
    pub(super) fn next(&mut self, reader: &mut Reader<'_>, characters: usize) -> Option<Rect> {
        let (down, taller) = match reader.byte()? {
            0 => (reader.signed()?, reader.signed()?),
            nibbles => (i64::from(nibbles >> 4) - 8, i64::from(nibbles & 15) - 8),
        };
        let left = self.right.checked_add(reader.signed()?)?;
        let width = expected_width(self.mean, characters).checked_add(reader.signed()?)?;
        let (top, height) = (self.y.checked_add(down)?, self.h.checked_add(taller)?);
        self.right = left.checked_add(width)?;
        let side = |number: i64| u32::try_from(number).ok();
        Some(Rect::new(side(left)?, side(top)?, side(width)?, side(height)?))
    }
}
