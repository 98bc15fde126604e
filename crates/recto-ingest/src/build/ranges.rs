//! Tables of contents.

use std::collections::{HashMap, HashSet};

use recto_iiif::presentation::{self as model, RangeItem as ModelItem};
use serde_json::{Value, json};

use super::manifests::first_of;
use super::plan::{CanvasPlan, Source};
use crate::description::{PagePart, PageRef, Range, RangeItem, Region};
use crate::{Finding, Severity};

/// Parts within parts deeper than this are left out: no book has them, and no viewer shows them.
const DEEPEST: usize = 32;

/// The pages of an object by everything that they may be called.
pub(super) struct Pages<'a> {
    ids: &'a [&'a str],
    of_place: HashMap<usize, usize>,
    names: [HashMap<&'a str, usize>; 4],
}

impl<'a> Pages<'a> {
    /// `ids` are the URIs of the planned canvases.
    pub(super) fn new(plans: &'a [CanvasPlan<'a>], ids: &'a [&'a str]) -> Self {
        let mut of_place = HashMap::with_capacity(plans.len());
        for (number, plan) in plans.iter().enumerate() {
            of_place.entry(plan.place).or_insert(number);
        }
        let file = |plan: &'a CanvasPlan<'a>| {
            plan.painted.iter().find_map(|painted| match &painted.source {
                Source::File { file, .. } => Some(*file),
                _ => None,
            })
        };
        let numbered = || plans.iter().zip(0..);
        Self {
            ids,
            of_place,
            names: [
                first_of(numbered().map(|(plan, number)| (plan.name.as_str(), number))),
                first_of(numbered().filter_map(|(plan, number)| Some((plan.label.first()?, number)))),
                first_of(numbered().filter_map(|(plan, number)| Some((file(plan)?.name.as_str(), number)))),
                first_of(numbered().filter_map(|(plan, number)| Some((file(plan)?.label(), number)))),
            ],
        }
    }

    /// The URI of a canvas, by what a source calls its page.
    pub(super) fn find(&self, page: &PageRef) -> Option<&'a str> {
        let number = match page {
            PageRef::Own(place) => self.of_place.get(place).copied(),
            PageRef::Name(name) => self
                .names
                .iter()
                .find_map(|names| names.get(name.as_str()).copied())
                .or_else(|| name.parse::<usize>().ok().and_then(|number| number.checked_sub(1))),
        };
        self.ids.get(number?).copied()
    }
}

/// The ranges of a manifest. `url` makes the URI of one by its name; `place` is where findings are.
pub(super) fn structures(
    ranges: &[Range],
    pages: &Pages<'_>,
    url: &dyn Fn(&str) -> String,
    place: &str,
    findings: &mut Vec<Finding>,
) -> Vec<model::Range> {
    let mut writing = Writing { pages, url, place, findings, names: HashSet::new() };
    ranges.iter().enumerate().filter_map(|(number, range)| writing.range(range, &(number + 1).to_string(), 1)).collect()
}

struct Writing<'a, 'f> {
    pages: &'a Pages<'a>,
    url: &'a dyn Fn(&str) -> String,
    place: &'a str,
    findings: &'f mut Vec<Finding>,
    names: HashSet<String>,
}

impl Writing<'_, '_> {
    /// One range; `None` when nothing is in it, for an empty one is not allowed (§5.4).
    fn range(&mut self, range: &Range, number: &str, depth: usize) -> Option<model::Range> {
        let mut items = Vec::with_capacity(range.items.len());
        for (place, item) in range.items.iter().enumerate() {
            match item {
                RangeItem::Range(inner) if depth < DEEPEST => {
                    let inner = self.range(inner, &format!("{number}-{}", place + 1), depth + 1);
                    items.extend(inner.map(|inner| ModelItem::Range(Box::new(inner))));
                }
                RangeItem::Range(_) => self.report(range, &format!("it has parts deeper than {DEEPEST} levels")),
                RangeItem::Page(part) => {
                    if let Some(canvas) = self.pages.find(&part.page) {
                        items.push(ModelItem::Other(mention(canvas, part)));
                        continue;
                    }
                    let called = match &part.page {
                        PageRef::Own(place) => format!("number {}", place + 1),
                        PageRef::Name(name) => format!("`{name}`"),
                    };
                    self.report(range, &format!("no page is called {called}"));
                }
            }
        }
        if items.is_empty() {
            self.report(range, "nothing is in it");
            return None;
        }
        let wanted = range.id.as_deref().unwrap_or(number);
        let name = if self.names.insert(wanted.to_owned()) {
            wanted.to_owned()
        } else {
            // The place in the table is unique, and no declared name begins with a tilde and a number.
            format!("~{number}")
        };
        let mut written = model::Range::new((self.url)(&name), range.label.clone(), items);
        if range.label.is_empty() {
            written.label = None;
        }
        written.behavior.clone_from(&range.behavior);
        if !range.metadata.is_empty() {
            written.extra.insert("metadata".into(), json!(range.metadata));
        }
        Some(written)
    }

    fn report(&mut self, range: &Range, message: &str) {
        let name = range.label.first().unwrap_or("without a name");
        self.findings.push(Finding::new(
            Severity::Warning,
            "range-broken",
            self.place,
            format!("the part `{name}` of the table of contents: {message}"),
            "correct the page or the part in the file that describes the structure; the other parts are published",
        ));
    }
}

/// A canvas, or a part of it.
fn mention(canvas: &str, part: &PagePart) -> Value {
    let mut fragments = Vec::new();
    if let Some(Region { x, y, w, h }) = part.region {
        fragments.push(format!("xywh={x},{y},{w},{h}"));
    }
    if let Some((from, until)) = part.time {
        fragments.push(match until {
            Some(until) => format!("t={from},{until}"),
            None => format!("t={from}"),
        });
    }
    if fragments.is_empty() {
        return json!({ "id": canvas, "type": "Canvas" });
    }
    let fragment = fragments.join("&");
    json!({
        "type": "SpecificResource",
        "id": format!("{canvas}#{fragment}"),
        "source": { "id": canvas, "type": "Canvas" },
        "selector": {
            "type": "FragmentSelector",
            "conformsTo": "http://www.w3.org/TR/media-frags/",
            "value": fragment
        }
    })
}
