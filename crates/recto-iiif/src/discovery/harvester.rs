//! Harvesting: the processing algorithm of §3.5 as a machine that is told what came and says what to fetch next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Activity, ActivityKind, DocumentError, Finding, OrderedCollection, OrderedCollectionPage, Resource, Timestamp,
};

/// The most pages that one crawl reads, so that an endless chain of `prev` ends.
const MOST_PAGES: usize = 1_000_000;

/// Finds out which resources of a stream are there, and keeps up with it.
///
/// The whole value is its state: serialised at any moment, between any two requests, and read again it goes on where it was.
/// After a crawl has ended, [`begin`](Self::begin) starts the next one, which stops where the last one began.
///
/// Where it is more careful than the letter of §3.5: the mark up to which is read is the newest time *in the stream*, not the
/// reader's clock, and activities of exactly that time are read again, so that clocks need not agree and ties lose nothing; a
/// `Move` is two changes, of which either may have been overtaken; a stream without any times (level 0) is read to its end each
/// time, and what is no longer on it is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Harvester {
    stream: String,
    /// Types that are harvested; all when empty.
    types: BTreeSet<String>,
    live: BTreeMap<String, LiveResource>,
    last_crawl: Option<Timestamp>,
    crawl: Option<Progress>,
}

/// A resource that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveResource {
    /// What the last activity said of it.
    pub resource: Resource,
    /// When it last changed, as far as the stream says.
    pub last_change: Option<Timestamp>,
}

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crawl {
    /// What happened since the last crawl.
    Incremental,
    /// Everything; what the stream does not name any more is gone.
    Full,
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub enum Fetched<'d> {
    /// A document.
    Document(&'d Value),
    /// No document: the server did not answer, or not with JSON.
    Failed,
}

/// What happened to a resource, newest first.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is there, new or changed: fetch it and index it.
    Included(LiveResource),
    /// It is gone.
    Removed(String),
}

/// What one document brought.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The changes in it, newest first.
    pub changes: Vec<Change>,
    /// What is not as the specification has it.
    pub findings: Vec<Finding>,
    /// Why the crawl ended before its end; what was read counts, and the next crawl reads it again.
    pub error: Option<HarvestError>,
    /// True when the crawl has come to its end.
    pub is_complete: bool,
}

/// Why a crawl ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HarvestError {
    /// A document could not be fetched.
    #[error("`{uri}` could not be fetched")]
    Unreachable {
        /// Which one.
        uri: String,
    },
    /// A document cannot be processed.
    #[error("`{uri}` cannot be processed")]
    Document {
        /// Which one.
        uri: String,
        /// Why.
        source: DocumentError,
    },
    /// A page follows itself.
    #[error("the pages go round in a circle at `{uri}`")]
    Circle {
        /// The page that came a second time.
        uri: String,
    },
    /// There are more pages than any stream has.
    #[error("the stream has more than {MOST_PAGES} pages")]
    TooManyPages,
    /// A link of the stream is no http or https URI.
    #[error("`{uri}` is no http or https URI")]
    Uri {
        /// What stands there.
        uri: String,
    },
}

/// A crawl that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Progress {
    next: String,
    is_collection: bool,
    /// Where to stop; `None` reads all.
    until: Option<Timestamp>,
    only_delete: bool,
    processed: BTreeSet<String>,
    visited: BTreeSet<String>,
    newest: Option<Timestamp>,
    /// True once the beginning of the stream, or a `Refresh` that stands for it, is reached with nothing left out.
    is_full: bool,
}

impl Harvester {
    /// A harvester of the stream whose `OrderedCollection` is at this URI, about to begin its first crawl.
    pub fn new(stream: impl Into<String>) -> Self {
        let mut harvester = Self {
            stream: stream.into(),
            types: BTreeSet::new(),
            live: BTreeMap::new(),
            last_crawl: None,
            crawl: None,
        };
        harvester.begin(Crawl::Incremental);
        harvester
    }

    /// Only resources of these types, for example `Manifest`.
    #[must_use]
    pub fn only(mut self, types: &[&str]) -> Self {
        self.types = types.iter().map(|class| (*class).to_owned()).collect();
        self
    }

    /// Begins a crawl, in place of one that is under way.
    pub fn begin(&mut self, crawl: Crawl) {
        let until = if crawl == Crawl::Full { None } else { self.last_crawl };
        self.crawl = Some(Progress {
            next: self.stream.clone(),
            is_collection: true,
            until,
            only_delete: false,
            processed: BTreeSet::new(),
            visited: BTreeSet::new(),
            newest: None,
            is_full: until.is_none(),
        });
    }

    /// The URI to fetch next; the same until [`feed`](Self::feed) is called. `None` when no crawl is under way.
    pub fn next_request(&self) -> Option<&str> {
        self.crawl.as_ref().map(|crawl| crawl.next.as_str())
    }

    /// The resources that are there, by their URI. Complete when the last crawl has come to its end.
    pub const fn live(&self) -> &BTreeMap<String, LiveResource> {
        &self.live
    }

    /// The newest time that the last complete crawl saw.
    pub const fn last_crawl(&self) -> Option<Timestamp> {
        self.last_crawl
    }

    /// Takes what [`next_request`](Self::next_request) led to.
    pub fn feed(&mut self, fetched: Fetched<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(mut crawl) = self.crawl.take() else { return outcome };
        let step = self.step(&mut crawl, fetched, &mut outcome);
        match step {
            Ok(Step::Fetch(uri)) if is_http(&uri) => {
                crawl.next = uri;
                crawl.is_collection = false;
                self.crawl = Some(crawl);
            }
            Ok(Step::Fetch(uri)) => outcome.error = Some(HarvestError::Uri { uri }),
            Ok(Step::End) => {
                self.end(&crawl, &mut outcome);
                outcome.is_complete = true;
            }
            Err(error) => outcome.error = Some(error),
        }
        outcome
    }

    fn step(
        &mut self,
        crawl: &mut Progress,
        fetched: Fetched<'_>,
        outcome: &mut Outcome,
    ) -> Result<Step, HarvestError> {
        let uri = crawl.next.clone();
        let Fetched::Document(document) = fetched else { return Err(HarvestError::Unreachable { uri }) };
        let failed = |source| HarvestError::Document { uri: uri.clone(), source };
        if crawl.is_collection {
            let (collection, findings) = OrderedCollection::read(document).map_err(failed)?;
            outcome.findings.extend(findings);
            return Ok(Step::Fetch(collection.last));
        }
        if !crawl.visited.insert(uri.clone()) {
            return Err(HarvestError::Circle { uri });
        }
        if crawl.visited.len() > MOST_PAGES {
            return Err(HarvestError::TooManyPages);
        }
        let (page, findings) = OrderedCollectionPage::read(document).map_err(failed)?;
        outcome.findings.extend(findings);
        let reached = self.read_page(crawl, &page, outcome);
        match page.prev {
            Some(prev) if !reached => Ok(Step::Fetch(prev)),
            _ => Ok(Step::End),
        }
    }

    /// §3.5.2. True when nothing older needs to be read.
    fn read_page(&mut self, crawl: &mut Progress, page: &OrderedCollectionPage, outcome: &mut Outcome) -> bool {
        let mut activities: Vec<&Activity> = page.ordered_items.iter().collect();
        let times: Vec<_> = activities.iter().filter_map(|activity| activity.time()).collect();
        // Where the order is broken, an old activity says nothing about those before it; the page is then read whole.
        let sorted = times.is_sorted();
        if !sorted {
            activities.sort_by_key(|activity| activity.time());
        }
        crawl.newest = crawl.newest.max(times.iter().copied().max());
        let mut reached = false;
        for activity in activities.into_iter().rev() {
            if let (Some(time), Some(until)) = (activity.time(), crawl.until)
                && time < until
            {
                reached = true;
                break;
            }
            if activity.kind == ActivityKind::Refresh {
                if crawl.until.is_none() {
                    reached = true;
                    break;
                }
                crawl.only_delete = true;
                continue;
            }
            self.process(crawl, activity, outcome);
        }
        reached
    }

    fn process(&mut self, crawl: &mut Progress, activity: &Activity, outcome: &mut Outcome) {
        let Some(object) = &activity.object else { return };
        let is_stream = |id: Option<&String>| id == Some(&self.stream);
        match &activity.kind {
            ActivityKind::Delete => self.remove(crawl, object, outcome),
            ActivityKind::Remove if is_stream(activity.origin.as_ref().map(|origin| &origin.id)) => {
                self.remove(crawl, object, outcome);
            }
            ActivityKind::Create | ActivityKind::Update => self.include(crawl, object, activity.end_time, outcome),
            ActivityKind::Add if is_stream(activity.target.as_ref().map(|target| &target.id)) => {
                self.include(crawl, object, activity.end_time, outcome);
            }
            ActivityKind::Move => {
                let Some(target) = &activity.target else { return };
                self.include(crawl, target, activity.end_time, outcome);
                self.remove(crawl, object, outcome);
            }
            _ => {}
        }
    }

    fn include(
        &mut self,
        crawl: &mut Progress,
        resource: &Resource,
        last_change: Option<Timestamp>,
        outcome: &mut Outcome,
    ) {
        let wanted = self.types.is_empty() || self.types.contains(&resource.kind);
        // Before a `Refresh` only what went away counts; all that is there was named again after it.
        if !wanted || !crawl.processed.insert(resource.id.clone()) || crawl.only_delete {
            return;
        }
        let included = LiveResource { resource: resource.clone(), last_change };
        // What the last crawl saw at the very time where this one stops is not told again.
        if crawl.until.is_some() && self.live.get(&resource.id) == Some(&included) && last_change == crawl.until {
            return;
        }
        self.live.insert(resource.id.clone(), included.clone());
        outcome.changes.push(Change::Included(included));
    }

    fn remove(&mut self, crawl: &mut Progress, resource: &Resource, outcome: &mut Outcome) {
        if crawl.processed.insert(resource.id.clone()) && self.live.remove(&resource.id).is_some() {
            outcome.changes.push(Change::Removed(resource.id.clone()));
        }
    }

    fn end(&mut self, crawl: &Progress, outcome: &mut Outcome) {
        if crawl.is_full {
            let gone: Vec<_> = self.live.keys().filter(|id| !crawl.processed.contains(*id)).cloned().collect();
            for id in gone {
                self.live.remove(&id);
                outcome.changes.push(Change::Removed(id));
            }
        }
        self.last_crawl = self.last_crawl.max(crawl.newest);
    }
}

enum Step {
    Fetch(String),
    End,
}

fn is_http(uri: &str) -> bool {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
