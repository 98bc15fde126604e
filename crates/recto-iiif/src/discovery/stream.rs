//! Publishing: a log of activities as a collection and pages that stay as they are.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{Activity, ActivityKind, OrderedCollection, OrderedCollectionPage, Resource, Timestamp};
use crate::presentation::Version;

/// How much is told of each change. §2.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// A list of what there is.
    Level0,
    /// The same with times, in the order of the last change.
    Level1,
    /// What was made, changed, deleted and moved.
    #[default]
    Level2,
}

/// Where a log is published, and how it is cut into pages.
///
/// Activities are numbered from 0 in the order in which they happened, and page *n* holds those from *n* × size on. So a page is full
/// once and stays: only the last page changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    id: String,
    page_size: u64,
}

impl Stream {
    /// The collection at this URI, with so many activities a page (at least 1).
    pub fn new(id: impl Into<String>, page_size: u64) -> Self {
        Self { id: id.into(), page_size: page_size.max(1) }
    }

    /// The URI of a page, from 0.
    pub fn page_id(&self, number: u64) -> String {
        format!("{}/page/{number}", self.id)
    }

    /// The number of the page at a URI.
    pub fn page_number(&self, uri: &str) -> Option<u64> {
        let digits = uri.strip_prefix(self.id.as_str())?.strip_prefix("/page/")?;
        let canonical = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
        canonical.then(|| digits.parse().ok()).flatten()
    }

    /// How many pages a log of so many activities has.
    pub const fn pages(&self, total: u64) -> u64 {
        total.div_ceil(self.page_size)
    }

    /// The numbers of the activities on a page; `None` when there is no such page.
    pub fn range(&self, number: u64, total: u64) -> Option<Range<u64>> {
        let start = number.checked_mul(self.page_size).filter(|start| *start < total)?;
        Some(start..start.saturating_add(self.page_size).min(total))
    }

    /// True for a page that never changes again: a further page follows it. It may be cached for ever.
    pub fn is_final(&self, number: u64, total: u64) -> bool {
        number.checked_add(1).is_some_and(|next| self.range(next, total).is_some())
    }

    /// The collection; `None` for an empty log, which has no last page and is therefore not there (404) until something happens.
    pub fn collection(&self, total: u64) -> Option<OrderedCollection> {
        let last = self.pages(total).checked_sub(1)?;
        Some(OrderedCollection {
            id: self.id.clone(),
            first: Some(self.page_id(0)),
            last: self.page_id(last),
            total_items: Some(total),
            rights: None,
            see_also: Vec::new(),
            part_of: Vec::new(),
        })
    }

    /// A page, with the activities of its [`range`](Self::range), or those that [`collapse`] left; `None` when there is no
    /// such page, or nothing on it.
    pub fn page(&self, number: u64, total: u64, activities: Vec<Activity>) -> Option<OrderedCollectionPage> {
        let range = self.range(number, total)?;
        if activities.is_empty() {
            return None;
        }
        Some(OrderedCollectionPage {
            id: self.page_id(number),
            part_of: Some(self.id.clone()),
            start_index: Some(range.start),
            prev: number.checked_sub(1).map(|prev| self.page_id(prev)),
            next: self.is_final(number, total).then(|| self.page_id(number + 1)),
            ordered_items: activities,
        })
    }
}

/// Leaves out each `Update` of one page that a later activity of the same page on the same object overtakes. §2.1.3.
///
/// Within one page only, so that final pages stay as they are and none becomes empty. `totalItems` and `startIndex` count
/// what is left out as well; leave them away where that matters.
pub fn collapse(activities: Vec<Activity>) -> Vec<Activity> {
    let mut overtaken = HashSet::new();
    let mut kept: Vec<Activity> = Vec::with_capacity(activities.len());
    for activity in activities.into_iter().rev() {
        let is_overtaken = activity.object.as_ref().is_some_and(|object| overtaken.contains(&object.id));
        if activity.kind == ActivityKind::Update && is_overtaken {
            continue;
        }
        overtaken.extend(activity.object.as_ref().map(|object| object.id.clone()));
        kept.push(activity);
    }
    kept.reverse();
    kept
}

/// The log as a lower level tells it: each resource that is there once, as an `Update` in the order of its last change, with its
/// time (level 1) or without (level 0). Deleted ones are not there, so the pages of these levels do change. Level 2 is the log itself.
pub fn at_level(level: Level, log: &[Activity]) -> Vec<Activity> {
    if level == Level::Level2 {
        return log.to_vec();
    }
    // The number of the last activity is the order; times may be equal.
    let mut live: HashMap<&str, (usize, &Resource, Option<Timestamp>)> = HashMap::new();
    for (number, activity) in log.iter().enumerate() {
        let Some(object) = &activity.object else { continue };
        match &activity.kind {
            ActivityKind::Create | ActivityKind::Update | ActivityKind::Add => {
                live.insert(&object.id, (number, object, activity.end_time));
            }
            ActivityKind::Delete | ActivityKind::Remove => {
                live.remove(object.id.as_str());
            }
            ActivityKind::Move => {
                live.remove(object.id.as_str());
                if let Some(target) = &activity.target {
                    live.insert(&target.id, (number, target, activity.end_time));
                }
            }
            ActivityKind::Refresh | ActivityKind::Other(_) => {}
        }
    }
    let mut ordered: Vec<_> = live.into_values().collect();
    ordered.sort_by_key(|(number, _, _)| *number);
    let update = |(_, resource, time): (usize, &Resource, Option<Timestamp>)| Activity {
        object: Some(resource.clone()),
        end_time: time.filter(|_| level == Level::Level1),
        ..Activity::bare(ActivityKind::Update)
    };
    ordered.into_iter().map(update).collect()
}

/// One change of a resource that has a URI for each version of the Presentation API: an activity for each, bound together by
/// `canonical` and told apart by `format`. §3.3 (object).
pub fn representations(
    kind: &ActivityKind,
    class: &str,
    canonical: &str,
    ids: &[(Version, String)],
    end_time: Timestamp,
) -> Vec<Activity> {
    let one = |(version, id): &(Version, String)| {
        let format = format!("application/ld+json;profile=\"{}\"", version.context());
        let resource = Resource {
            canonical: Some(canonical.to_owned()),
            format: Some(format),
            ..Resource::new(id.as_str(), class)
        };
        Activity::new(kind.clone(), resource, end_time)
    };
    ids.iter().map(one).collect()
}
