//! Which directories of Hamamatsu's slides (NDPI) are levels of the slide, and which show something else?
//!
//! Each directory says with which magnification it was made. Those with one above 0 are levels: all of one plane of focus are one page,
//! and the plane in the middle (0) comes first. The macro image and the map of what was scanned are pages of their own, behind.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::ifd::{File, Ifd};
use super::pyramid::{Outline, is_reduction, same_proportions};
use super::tag;

/// What a directory shows of a slide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slide {
    /// The slide, with the lens so far from the middle plane of focus.
    Level { focal_plane: i64 },
    /// The glass around it, or a map.
    Other,
}

impl Slide {
    /// `None` for directories of other files.
    pub(super) fn of(file: &File, ifd: &Ifd) -> Option<Self> {
        if !ifd.has(tag::NDPI_VERSION) {
            return None;
        }
        if file.inline_real(ifd, tag::NDPI_SOURCE_LENS)? > 0.0 {
            let focal_plane = file.inline_real(ifd, tag::NDPI_FOCAL_PLANE).unwrap_or(0.0) as i64;
            return Some(Self::Level { focal_plane });
        }
        Some(Self::Other)
    }
}

/// The levels of a slide, by planes of focus in the order of the chain.
#[derive(Default)]
pub(super) struct Planes {
    planes: Vec<(i64, Vec<Outline>)>,
    /// Where each plane is in the list.
    places: HashMap<i64, usize>,
}

impl Planes {
    /// Adds a level.
    pub(super) fn add(&mut self, focal_plane: i64, level: Outline) {
        let next = self.planes.len();
        let place = *self.places.entry(focal_plane).or_insert(next);
        match self.planes.get_mut(place) {
            Some((_, levels)) => levels.push(level),
            None => self.planes.push((focal_plane, vec![level])),
        }
    }

    /// The pages that they make: levels, the largest first.
    pub(super) fn into_pages(mut self) -> Vec<Vec<Outline>> {
        self.planes.sort_by_key(|(focal_plane, _)| *focal_plane != 0);
        let mut pages = Vec::with_capacity(self.planes.len());
        let mut others = Vec::new();
        for (_, mut levels) in self.planes {
            levels.sort_by_key(|level| Reverse(level.size.area_px()));
            let mut levels = levels.into_iter();
            let Some(base) = levels.next() else { continue };
            let mut page = vec![base];
            for level in levels {
                if is_reduction(base.size, level.size) {
                    if page.iter().all(|other| other.size != level.size) {
                        page.push(level);
                    }
                } else if level.size.width_px >= base.size.width_px || !same_proportions(base.size, level.size) {
                    others.push(vec![level]);
                }
            }
            pages.push(page);
        }
        pages.append(&mut others);
        pages
    }
}
