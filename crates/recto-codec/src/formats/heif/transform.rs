//! Turns, mirrors and clips of an item, in the order in which they apply.

use recto_iiif::{Dimensions, Rect};

use super::meta::{Item, Meta, Property};
use crate::{DecodeError, Orientation};

/// How the coded picture is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    /// The part of the coded picture that is the image.
    pub(crate) rect: Rect,
    pub(crate) orientation: Orientation,
}

impl Clip {
    /// What an item's properties say of a coded picture of this size.
    pub(super) fn of(meta: &Meta, item: &Item, size: Dimensions) -> Result<Self, DecodeError> {
        let mut rect = size.rect();
        // Mirrored left to right, then turned by quarters clockwise.
        let (mut mirrored, mut turns) = (false, 0_u8);
        for (property, _) in meta.properties(item) {
            match property {
                Property::Rotation(counter_clockwise) => turns = (turns + 4 - counter_clockwise) % 4,
                Property::Mirror { left_right } => {
                    mirrored = !mirrored;
                    turns = (4 - turns) % 4;
                    if !left_right {
                        turns = (turns + 2) % 4;
                    }
                }
                Property::Clip(_) if mirrored || turns != 0 => {
                    return Err(meta.unsupported("a clip behind a turn"));
                }
                Property::Clip(fractions) => {
                    rect = clip(*fractions, size).ok_or_else(|| meta.unsupported("a clip between pixels"))?;
                }
                _ => {}
            }
        }
        let orientation = match (mirrored, turns) {
            (false, 0) => Orientation::Normal,
            (false, 1) => Orientation::Rotate90,
            (false, 2) => Orientation::Rotate180,
            (false, _) => Orientation::Rotate270,
            (true, 0) => Orientation::MirrorHorizontal,
            (true, 1) => Orientation::Transverse,
            (true, 2) => Orientation::MirrorVertical,
            (true, _) => Orientation::Transpose,
        };
        Ok(Self { rect, orientation })
    }
}

/// The clean aperture, when it begins and ends at pixels inside the picture. ISO/IEC 14496-12 §12.1.4.
fn clip([width, height, x, y]: [(i64, i64); 4], size: Dimensions) -> Option<Rect> {
    let axis = |(length, length_by): (i64, i64), (offset, offset_by): (i64, i64), side: u32| {
        if length_by <= 0 || offset_by <= 0 || length <= 0 || length % length_by != 0 {
            return None;
        }
        let length = length / length_by;
        // first = offset + (side - 1) / 2 - (length - 1) / 2
        let doubled = offset.checked_mul(2)?;
        if doubled % offset_by != 0 {
            return None;
        }
        let first = doubled / offset_by + i64::from(side) - length;
        let first = (first % 2 == 0).then_some(first / 2)?;
        (first >= 0 && first + length <= i64::from(side)).then_some((first as u32, length as u32))
    };
    let (x, w) = axis(width, x, size.width_px)?;
    let (y, h) = axis(height, y, size.height_px)?;
    Some(Rect::new(x, y, w, h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_are_measured_from_the_centre() {
        let size = Dimensions::new(100, 80);
        for (fractions, want) in [
            ([(100, 1), (80, 1), (0, 1), (0, 1)], Some(Rect::new(0, 0, 100, 80))),
            ([(50, 1), (40, 1), (0, 1), (0, 1)], Some(Rect::new(25, 20, 50, 40))),
            ([(50, 1), (40, 1), (-25, 1), (20, 1)], Some(Rect::new(0, 40, 50, 40))),
            ([(49, 1), (40, 1), (-51, 2), (0, 1)], Some(Rect::new(0, 20, 49, 40))),
            ([(49, 1), (40, 1), (0, 1), (0, 1)], None),
            ([(49, 2), (40, 1), (0, 1), (0, 1)], None),
            ([(50, 1), (40, 1), (26, 1), (0, 1)], None),
            ([(50, 0), (40, 1), (0, 1), (0, 1)], None),
        ] {
            assert_eq!(clip(fractions, size), want, "{fractions:?}");
        }
    }
}
