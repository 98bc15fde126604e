//! Pages in the order in which they were taken.

use std::collections::HashMap;

use super::Describer;
use super::finish::first_file;
use crate::build::FilePart;
use crate::description::{Description, Order, PageRef, Range, RangeItem};
use crate::exif::{self, Moment};
use crate::natural::NaturalKey;
use crate::{Finding, Media, Object, Severity};

impl Describer<'_> {
    /// Puts the pages in the order of the moments in their files, where that is wished; those of one moment, and those without one,
    /// by their names. Pages without a moment come last.
    pub(super) fn order_by_date(
        &self,
        object: &Object,
        files: &[FilePart],
        description: &mut Description,
        findings: &mut Vec<Finding>,
    ) {
        if description.order != Some(Order::ExifDate) {
            return;
        }
        if description.pages.is_empty() {
            description.pages = files.iter().map(super::finish::page_of).collect();
        }
        let moments: HashMap<&str, Moment> = files
            .iter()
            .filter(|file| file.media == Media::Image)
            .filter_map(|file| {
                let mut open = self.library.open(&format!("{}{}", object.prefix(), file.name)).ok()?;
                Some((file.name.as_str(), exif::taken(&mut std::io::BufReader::new(&mut open))?))
            })
            .collect();
        let pages = std::mem::take(&mut description.pages);
        let mut keyed: Vec<_> = pages
            .into_iter()
            .enumerate()
            .map(|(place, page)| {
                let file = first_file(&page).unwrap_or_default();
                let moment = moments.get(file).copied();
                ((moment.is_none(), moment, NaturalKey::new(file)), place, page)
            })
            .collect();
        // Stable: several pages of one file stay as they were.
        keyed.sort_by(|(left, ..), (right, ..)| left.cmp(right));
        let undated = keyed.iter().filter(|((is_undated, ..), ..)| *is_undated).count();
        let mut now = vec![0; keyed.len()];
        for (new, (_, old, _)) in keyed.iter().enumerate() {
            now[*old] = new;
        }
        description.pages = keyed.into_iter().map(|(_, _, page)| page).collect();
        let renumber = |page: &mut PageRef| {
            if let PageRef::Own(place) = page {
                *place = now.get(*place).copied().unwrap_or(*place);
            }
        };
        description.start.iter_mut().for_each(renumber);
        renumber_ranges(&mut description.ranges, &renumber);
        if undated > 0 {
            findings.push(Finding::new(
                Severity::Warning,
                "page-without-date",
                object.identifier.as_str(),
                format!("`order` asks for that of the dates in the files, and {undated} pages have none; they come last, by their names"),
                "write the dates into the files, or the order into `pages.csv`",
            ));
        }
    }
}

/// No deeper than the ranges themselves, whose depth their readers bound.
fn renumber_ranges(ranges: &mut [Range], renumber: &dyn Fn(&mut PageRef)) {
    for range in ranges {
        range.blocks.iter_mut().for_each(|block| renumber(&mut block.page));
        for item in &mut range.items {
            match item {
                RangeItem::Range(inner) => renumber_ranges(std::slice::from_mut(inner), renumber),
                RangeItem::Page(part) => renumber(&mut part.page),
            }
        }
    }
}
