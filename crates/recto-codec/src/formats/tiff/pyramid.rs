//! Which directories are pages, and which are smaller forms of a page?
//!
//! Rules, in the order of the chain:
//!
//! 1. A directory without a width and height is no image (EXIF in the chain) and is passed over, as is a transparency mask
//!    (`NewSubfileType` bit 2).
//! 2. A directory marked as reduced (`NewSubfileType` bit 0, or 2 in the old `SubfileType`) is a level of the page before it
//!    when its size is that page's, divided by a power of two and rounded; otherwise it is a thumbnail, label or overview that
//!    shows something else, and is passed over.
//! 3. An unmarked directory is such a level too when both are tiled alike, and it is smaller than the level before it by a
//!    power of two: some writers forget the mark. Not one that says it is a page (`NewSubfileType` bit 1, or 3 in the old
//!    `SubfileType`): a tiled page of exactly half the size of the one before it needs that mark to be seen.
//! 4. An unmarked directory in strips that repeats a tiled page at a smaller size and in the same proportions is the
//!    thumbnail that slide scanners put behind the first level: passed over.
//! 5. Everything else is a page.
//! 6. A page's `SubIFDs` are its levels when their sizes are true reductions. A first directory that is itself marked as
//!    reduced is the thumbnail of a camera file: its largest unmarked `SubIFD` is the page, if there is one.
//! 7. The directories of a slide of Hamamatsu's say themselves what they are: see [`slide`](super::slide).
//!
//! A chain that leaves the file, or comes back to a directory it has passed, ends there: what came before can be shown.

use std::collections::HashSet;

use recto_iiif::Dimensions;

use super::ifd::{File, Ifd};
use super::slide::{Planes, Slide};
use super::{chain, corrupt, tag, too_large};
use crate::{Control, DecodeError, OpenOptions};

/// More directories than this are refused.
pub(super) const MAX_DIRECTORIES: u64 = 65_536;
/// Chains with fewer directories are walked as quickly as they are looked up.
const WORTH_KEEPING: usize = 64;
/// `SubIFDs` looked at per page.
const MAX_SUB_IFDS: usize = 64;

/// What decides the role of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) offset: u64,
    pub(super) size: Dimensions,
    pub(super) tile: Option<Dimensions>,
    pub(super) reduced: bool,
    pub(super) mask: bool,
    /// It says that it is one page of several.
    pub(super) page: bool,
    pub(super) slide: Option<Slide>,
}

/// A page: the directories of its levels, largest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) levels: Vec<Outline>,
}

/// The page asked for, and how many there are.
pub(super) struct Found {
    pub(super) page: Page,
    pub(super) pages: u32,
}

/// Walks the chain from `first` and finds the page that is wanted. Long chains are remembered on the shelf, if there is one.
pub(super) fn find_page(file: &File, first: u64, options: &OpenOptions) -> Result<Found, DecodeError> {
    let (wanted, shelf, control) = (options.page, options.shelf.as_ref(), &options.control);
    if let Some(found) = shelf.and_then(|shelf| shelf.open(chain::PART)).and_then(|part| chain::page(&*part, wanted)) {
        return match found {
            chain::Page::Levels(levels, pages) => finish(file, &levels, pages, control),
            chain::Page::None(pages) => Err(DecodeError::NoSuchPage { page: wanted, pages }),
        };
    }
    let grouping = walk(file, first, control)?;
    let pages = grouping.starts.len() as u32;
    if pages == 0 {
        return Err(corrupt("none of its directories describes an image"));
    }
    if let Some(shelf) = shelf.filter(|_| grouping.directories >= WORTH_KEEPING) {
        // What cannot be kept is found again.
        let _kept = shelf.keep(chain::PART, &mut |out| chain::write(&grouping.outlines, &grouping.starts, out));
    }
    let index = wanted.wrapping_sub(1) as usize;
    let Some(start) = grouping.starts.get(index) else {
        return Err(DecodeError::NoSuchPage { page: wanted, pages });
    };
    let end = grouping.starts.get(index + 1).copied().unwrap_or(grouping.outlines.len());
    finish(file, &grouping.outlines[*start..end], pages, control)
}

/// Adds the levels that `SubIFDs` hold to those of the chain.
fn finish(file: &File, chain: &[Outline], pages: u32, control: &Control) -> Result<Found, DecodeError> {
    let [base, reduced @ ..] = chain else { return Err(corrupt("a page without a directory")) };
    let ifd = file.ifd(base.offset)?;
    let mut levels = with_sub_ifds(*base, file, &ifd, control)?;
    levels.extend_from_slice(reduced);
    // A file may have the same level both in the chain and as a SubIFD.
    levels.sort_by_key(|level| std::cmp::Reverse(level.size.area_px()));
    levels.dedup_by_key(|level| level.size);
    Ok(Found { page: Page { levels }, pages })
}

fn walk(file: &File, first: u64, control: &Control) -> Result<Grouping, DecodeError> {
    let mut grouping = Grouping::default();
    let mut passed = HashSet::new();
    let mut bytes = 0_u64;
    let mut offset = first;
    while offset != 0 && passed.insert(offset) {
        control.check()?;
        if passed.len() as u64 > MAX_DIRECTORIES {
            return Err(too_large(passed.len() as u64, MAX_DIRECTORIES, "directories"));
        }
        let ifd = match file.ifd(offset) {
            Ok(ifd) => ifd,
            Err(error @ DecodeError::Io(_)) => return Err(error),
            Err(error) if passed.len() == 1 => return Err(error),
            Err(_) => break,
        };
        bytes += ifd.length;
        if bytes > file.source.len() {
            return Err(corrupt("its directories overlap"));
        }
        if let Some(outline) = outline(file, offset, &ifd) {
            grouping.add(outline);
        }
        offset = ifd.next;
    }
    grouping.directories = passed.len();
    Ok(grouping.with_slide())
}

/// What decides the role of this directory; `None` when it describes no image.
fn outline(file: &File, offset: u64, ifd: &Ifd) -> Option<Outline> {
    let side = |tag| file.inline_number(ifd, tag).and_then(|side| u32::try_from(side).ok());
    let size = Dimensions::new(side(tag::IMAGE_WIDTH)?, side(tag::IMAGE_LENGTH)?);
    let tile = side(tag::TILE_WIDTH).zip(side(tag::TILE_LENGTH)).map(|(w, h)| Dimensions::new(w, h));
    let kind = file.inline_number(ifd, tag::NEW_SUBFILE_TYPE).unwrap_or(0);
    let old_kind = file.inline_number(ifd, tag::SUBFILE_TYPE).unwrap_or(0);
    Some(Outline {
        offset,
        size,
        tile,
        reduced: kind & 1 != 0 || old_kind == 2,
        mask: kind & 4 != 0,
        page: kind & 2 != 0 || old_kind == 3,
        slide: Slide::of(file, ifd),
    })
}

/// Directories of the chain put into pages.
#[derive(Default)]
struct Grouping {
    directories: usize,
    /// Those that are levels, page by page.
    outlines: Vec<Outline>,
    /// Where each page begins in them.
    starts: Vec<usize>,
    /// Levels of a slide, which are put into pages when all are there.
    planes: Planes,
}

impl Grouping {
    fn add(&mut self, outline: Outline) {
        if outline.mask {
            return;
        }
        if let Some(Slide::Level { focal_plane }) = outline.slide {
            self.planes.add(focal_plane, outline);
            return;
        }
        match self.role(&outline) {
            Some(Role::Level) => self.outlines.push(outline),
            Some(Role::Ignored) => {}
            None => {
                self.starts.push(self.outlines.len());
                self.outlines.push(outline);
            }
        }
    }

    /// Puts the pages of a slide before the others.
    fn with_slide(mut self) -> Self {
        let (others, starts) = (std::mem::take(&mut self.outlines), std::mem::take(&mut self.starts));
        for page in std::mem::take(&mut self.planes).into_pages() {
            self.starts.push(self.outlines.len());
            self.outlines.extend(page);
        }
        let before = self.outlines.len();
        self.starts.extend(starts.into_iter().map(|start| before + start));
        self.outlines.extend(others);
        self
    }

    /// What `outline` is to the page before it; `None` when it is a page of its own.
    fn role(&self, outline: &Outline) -> Option<Role> {
        if outline.slide.is_some() {
            return None;
        }
        let base = self.outlines.get(*self.starts.last()?)?;
        let last = self.outlines.last()?;
        let smaller = outline.size.width_px <= last.size.width_px
            && outline.size.height_px <= last.size.height_px
            && outline.size != last.size;
        let reduction = smaller && is_reduction(base.size, outline.size);
        if outline.reduced {
            return Some(if reduction { Role::Level } else { Role::Ignored });
        }
        if outline.page {
            return None;
        }
        if base.tile.is_some() && outline.tile == base.tile && reduction {
            return Some(Role::Level);
        }
        let thumbnail = base.tile.is_some()
            && outline.tile.is_none()
            && outline.size.width_px < base.size.width_px
            && same_proportions(base.size, outline.size);
        thumbnail.then_some(Role::Ignored)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Level,
    Ignored,
}

/// The levels of a page as far as its `SubIFDs` hold them.
fn with_sub_ifds(base: Outline, file: &File, ifd: &Ifd, control: &Control) -> Result<Vec<Outline>, DecodeError> {
    if !ifd.has(tag::SUB_IFDS) {
        return Ok(vec![base]);
    }
    let values = file.values(ifd, |wanted| wanted == tag::SUB_IFDS, 1 << 20)?;
    let offsets: Vec<u64> = values.numbers(tag::SUB_IFDS).into_iter().flatten().take(MAX_SUB_IFDS).collect();
    file.source.will_read(&offsets.iter().map(|offset| file.ifd_range(*offset)).collect::<Vec<_>>());
    let mut subs: Vec<Outline> = Vec::new();
    for offset in offsets {
        control.check()?;
        let found = match file.ifd(offset) {
            Ok(ifd) => outline(file, offset, &ifd),
            // It cannot be had, now; that is no reason to do without it as long as the file is the same.
            Err(DecodeError::Io(error)) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(error.into());
            }
            Err(_) => None,
        };
        subs.extend(found.filter(|outline| !outline.mask));
    }
    subs.sort_by_key(|outline| std::cmp::Reverse(outline.size.area_px()));
    let base = match subs.iter().find(|sub| !sub.reduced && sub.size.area_px() > base.size.area_px()) {
        Some(full) if base.reduced => *full,
        _ => base,
    };
    let mut levels = vec![base];
    for sub in subs {
        let last = levels[levels.len() - 1].size;
        if sub.size.area_px() < last.area_px() && is_reduction(base.size, sub.size) {
            levels.push(sub);
        }
    }
    Ok(levels)
}

/// True when `level` is `base` divided by a power of two: rounded down, up or to the nearest at each step, so that each side
/// is at most a pixel off.
pub(super) fn is_reduction(base: Dimensions, level: Dimensions) -> bool {
    let matches = |side: u32, reduced: u32, shift: u32| {
        let down = (side >> shift).max(1);
        let up = u64::from(side).div_ceil(1 << shift);
        let slack = u64::from(shift > 1 && up > 2);
        u64::from(reduced) + slack >= u64::from(down) && u64::from(reduced) <= up + slack
    };
    (1..31)
        .any(|shift| matches(base.width_px, level.width_px, shift) && matches(base.height_px, level.height_px, shift))
}

/// True when both have the same proportions within one in a hundred.
pub(super) fn same_proportions(a: Dimensions, b: Dimensions) -> bool {
    let left = u128::from(a.width_px) * u128::from(b.height_px);
    let right = u128::from(b.width_px) * u128::from(a.height_px);
    left.abs_diff(right) * 100 <= left.max(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(w: u32, h: u32) -> Dimensions {
        Dimensions::new(w, h)
    }

    #[test]
    fn halves_and_quarters_are_reductions_however_they_were_rounded() {
        for (base, level, expected) in [
            (d(900, 900), d(450, 450), true),
            (d(2658, 3262), d(664, 815), true),
            (d(2658, 3262), d(665, 816), true),
            (d(2658, 3262), d(166, 203), true),
            (d(2220, 2967), d(574, 768), false),
            (d(2220, 2967), d(387, 463), false),
            (d(2220, 2967), d(1280, 431), false),
            (d(1694, 2170), d(1694, 2175), false),
            (d(1000, 1000), d(1000, 1000), false),
            (d(1000, 1000), d(500, 400), false),
            (d(1000, 3), d(125, 1), true),
            (d(46_000, 32_914), d(11_500, 8_228), true),
            (d(46_000, 32_914), d(2_875, 2_057), true),
            (d(u32::MAX, u32::MAX), d(1, 1), false),
            (d(1, 1), d(1, 1), true),
        ] {
            assert_eq!(is_reduction(base, level), expected, "{base} {level}");
        }
    }
}
