//! Change Discovery 1.0: documents, pages that stay, and a harvester that ends with what is there.

use std::collections::BTreeMap;

use proptest::prelude::*;
use recto_iiif::{
    discovery::{
        Activity, ActivityKind, Change, Crawl, DocumentError, Fetched, HarvestError, Harvester, Level,
        OrderedCollection, OrderedCollectionPage, Reference, Resource, Stream, Timestamp, at_level, collapse,
        representations,
    },
    presentation::Version,
};
use serde_json::{Value, json};

const STREAM: &str = "https://example.org/activity/all-changes";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_500_000_000 + seconds).expect("a year below 10000")
}

fn manifest(number: u8) -> Resource {
    Resource::manifest(format!("https://example.org/iiif/{number}/manifest"))
}

/// The documents of a log, by URI.
fn documents(log: &[Activity], page_size: u64, collapsed: bool) -> BTreeMap<String, Value> {
    let stream = Stream::new(STREAM, page_size);
    let total = log.len() as u64;
    let mut documents = BTreeMap::new();
    documents.extend(stream.collection(total).map(|collection| (STREAM.to_owned(), collection.to_json())));
    for number in 0..stream.pages(total) {
        let range = stream.range(number, total).expect("a page of the log");
        let activities = log[range.start as usize..range.end as usize].to_vec();
        let activities = if collapsed { collapse(activities) } else { activities };
        documents.insert(
            stream.page_id(number),
            stream.page(number, total, activities).expect("a page of the log").to_json(),
        );
    }
    documents
}

/// Feeds the harvester until its crawl ends; what it asked for, and the changes.
fn crawl(harvester: &mut Harvester, documents: &BTreeMap<String, Value>) -> (Vec<String>, Vec<Change>) {
    let (mut asked, mut changes) = (Vec::new(), Vec::new());
    while let Some(uri) = harvester.next_request().map(ToOwned::to_owned) {
        let outcome = harvester.feed(documents.get(&uri).map_or(Fetched::Failed, Fetched::Document));
        assert_eq!(outcome.error, None);
        asked.push(uri.strip_prefix("https://example.org/activity/").unwrap_or(&uri).to_owned());
        changes.extend(outcome.changes);
    }
    (asked, changes)
}

fn live(harvester: &Harvester) -> Vec<&str> {
    harvester.live().keys().map(String::as_str).collect()
}

#[test]
fn the_complete_examples_of_the_specification_are_read_and_written_back() {
    let collection = json!({
        "@context": "http://iiif.io/api/discovery/1/context.json", "id": STREAM, "type": "OrderedCollection",
        "totalItems": 21456, "rights": "http://creativecommons.org/licenses/by/4.0/",
        "seeAlso": [{ "id": "https://example.org/dataset/all-dcat.jsonld", "type": "Dataset",
            "label": { "en": ["DCAT description of Collection"] }, "format": "application/ld+json",
            "profile": "http://www.w3.org/ns/dcat#" }],
        "partOf": [{ "id": "https://example.org/aggregated-changes", "type": "OrderedCollection" }],
        "first": { "id": "https://example.org/activity/page-0", "type": "OrderedCollectionPage" },
        "last": { "id": "https://example.org/activity/page-214", "type": "OrderedCollectionPage" }
    });
    let (read, findings) = OrderedCollection::read(&collection).unwrap();
    assert_eq!((read.to_json(), findings), (collection, vec![]));

    let page = json!({
        "@context": "http://iiif.io/api/discovery/1/context.json", "id": "https://example.org/activity/page-1",
        "type": "OrderedCollectionPage", "startIndex": 20,
        "partOf": { "id": STREAM, "type": "OrderedCollection" },
        "prev": { "id": "https://example.org/activity/page-0", "type": "OrderedCollectionPage" },
        "next": { "id": "https://example.org/activity/page-2", "type": "OrderedCollectionPage" },
        "orderedItems": [
            { "type": "Refresh", "summary": "System refresh initiated", "startTime": "2017-09-19T00:00:00Z" },
            { "id": "https://example.org/activity/1", "type": "Update",
              "summary": "admin updated the manifest, fixing reported bug #15.",
              "object": { "id": "https://example.org/iiif/1/manifest", "type": "Manifest",
                "canonical": "https://example.org/iiif/1",
                "seeAlso": [{ "id": "https://example.org/dataset/single-item.jsonld", "type": "Dataset",
                    "format": "application/ld+json" }] },
              "endTime": "2017-09-21T00:00:00Z", "startTime": "2017-09-20T23:58:00Z",
              "actor": { "id": "https://example.org/person/admin1", "type": "Person" } },
            { "type": "Remove", "object": { "id": "https://example.org/iiif/1/manifest", "type": "Manifest" },
              "origin": { "id": STREAM, "type": "OrderedCollection" }, "endTime": "2017-11-23T00:00:00Z" }
        ]
    });
    let (read, findings) = OrderedCollectionPage::read(&page).unwrap();
    assert_eq!((read.to_json(), findings), (page, vec![]));
}

#[test]
fn what_is_not_as_it_is_to_be_is_found_and_the_rest_is_read() {
    let page = json!({ "id": "https://example.org/p", "type": "OrderedCollectionPage", "orderedItems": [
        { "object": { "id": "https://example.org/1" } },
        { "type": "Update" },
        { "type": "Move", "object": { "id": "https://example.org/1" }, "target": { "id": "https://example.org/1" } },
        { "type": "Update", "object": { "id": "https://example.org/2" }, "endTime": "2020-01-02T00:00:00Z" },
        { "type": "Update", "object": { "id": "https://example.org/3" }, "endTime": "2020-01-01T00:00:00Z" },
        { "type": "Update", "object": { "id": "https://example.org/4" }, "endTime": "yesterday" },
        7
    ] });
    let (read, findings) = OrderedCollectionPage::read(&page).unwrap();
    assert_eq!(read.ordered_items.len(), 4);
    let found: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.pointer.as_str())).collect();
    assert_eq!(
        found,
        [
            ("D1", "/@context"),
            ("D2", "/partOf"),
            ("D4", "/orderedItems/0/type"),
            ("D4", "/orderedItems/1/object"),
            ("D4", "/orderedItems/2/target/id"),
            ("D4", "/orderedItems/5/endTime"),
            ("D4", "/orderedItems/6/type"),
            ("D3", "/orderedItems"),
        ]
    );
    assert_eq!(
        OrderedCollection::read(&page).unwrap_err(),
        DocumentError::Type { expected: "OrderedCollection", found: "OrderedCollectionPage".to_owned() }
    );
    let without_last = json!({ "type": "OrderedCollection" });
    assert!(matches!(OrderedCollection::read(&without_last), Err(DocumentError::Property { property: "last", .. })));
}

#[test]
fn pages_are_cut_by_number_and_stay_once_another_follows() {
    let stream = Stream::new(STREAM, 2);
    assert_eq!((stream.collection(0), stream.page(0, 0, vec![])), (None, None));
    let log: Vec<_> = (0..5).map(|number| Activity::create(manifest(number), at(number.into()))).collect();
    let mut before = BTreeMap::new();
    for total in 1..=5_usize {
        let now = documents(&log[..total], 2, false);
        for number in 0..stream.pages(total as u64) {
            let uri = stream.page_id(number);
            assert_eq!(stream.page_number(&uri), Some(number));
            if stream.is_final(number, total as u64 - 1) {
                assert_eq!(before.get(&uri), now.get(&uri), "page {number} of {total}");
            }
        }
        before = now;
    }
    let last = &before[&stream.page_id(2)];
    assert_eq!((&last["startIndex"], last["orderedItems"].as_array().unwrap().len()), (&json!(4), 1));
    assert!(last.get("next").is_none() && before[&stream.page_id(0)].get("prev").is_none());
    assert_eq!(before[STREAM]["last"]["id"], stream.page_id(2));
    for foreign in ["", STREAM, "https://example.org/activity/all-changes/page/01", "https://x.org/page/1"] {
        assert_eq!(stream.page_number(foreign), None, "{foreign}");
    }
}

#[test]
fn lower_levels_name_what_is_there_once() {
    let log = [
        Activity::create(manifest(1), at(0)),
        Activity::create(manifest(2), at(1)),
        Activity::create(manifest(3), at(2)),
        Activity::update(manifest(1), at(3)),
        Activity::delete(manifest(2), at(4)),
        Activity::moved(manifest(3), manifest(4), at(5)),
    ];
    let told = |level| -> Vec<_> {
        at_level(level, &log).into_iter().map(|activity| (activity.object.unwrap().id, activity.end_time)).collect()
    };
    assert_eq!(told(Level::Level1), [(manifest(1).id, Some(at(3))), (manifest(4).id, Some(at(5)))]);
    assert_eq!(told(Level::Level0), [(manifest(1).id, None), (manifest(4).id, None)]);
    assert_eq!(at_level(Level::Level2, &log), log);
}

#[test]
fn versions_are_told_apart_and_bound_together() {
    let ids = [(Version::V3, "https://e.org/3/m".to_owned()), (Version::V2, "https://e.org/2/m".to_owned())];
    let both = representations(&ActivityKind::Update, "Manifest", "https://e.org/m", &ids, at(0));
    let object = both[1].object.as_ref().unwrap();
    assert_eq!((object.id.as_str(), object.canonical.as_deref()), ("https://e.org/2/m", Some("https://e.org/m")));
    assert_eq!(
        object.format.as_deref(),
        Some("application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"")
    );
    assert_eq!(both[0].end_time, both[1].end_time);
}

#[test]
fn overtaken_updates_of_a_page_are_left_out_and_nothing_else() {
    let log = [
        Activity::create(manifest(1), at(0)),
        Activity::update(manifest(1), at(1)),
        Activity::update(manifest(2), at(1)),
        Activity::update(manifest(1), at(2)),
        Activity::delete(manifest(1), at(3)),
    ];
    let kept: Vec<_> = collapse(log.to_vec()).iter().map(|activity| activity.end_time.unwrap()).collect();
    assert_eq!(kept, [at(0), at(1), at(3)]);
}

#[test]
fn a_second_crawl_reads_only_what_is_new() {
    let mut log: Vec<_> = (0..6).map(|number| Activity::create(manifest(number), at(number.into()))).collect();
    let mut harvester = Harvester::new(STREAM);
    let (asked, changes) = crawl(&mut harvester, &documents(&log, 2, false));
    assert_eq!((asked.len(), changes.len()), (4, 6));
    assert_eq!(harvester.last_crawl(), Some(at(5)));

    harvester.begin(Crawl::Incremental);
    let (asked, changes) = crawl(&mut harvester, &documents(&log, 2, false));
    assert_eq!((asked, changes), (vec!["all-changes".to_owned(), "all-changes/page/2".to_owned()], vec![]));

    log.push(Activity::delete(manifest(0), at(5)));
    log.push(Activity::update(manifest(1), at(6)));
    harvester.begin(Crawl::Incremental);
    let (asked, changes) = crawl(&mut harvester, &documents(&log, 2, false));
    assert_eq!(asked, ["all-changes", "all-changes/page/3", "all-changes/page/2"]);
    assert!(matches!(changes.as_slice(), [Change::Included(one), Change::Removed(two)]
        if one.resource == manifest(1) && *two == manifest(0).id));
    assert_eq!(harvester.live()[&manifest(1).id].last_change, Some(at(6)));
}

#[test]
fn a_refresh_ends_a_first_crawl_and_leaves_only_removals_to_a_later_one() {
    let mut log = vec![Activity::create(manifest(1), at(0)), Activity::create(manifest(2), at(1))];
    let mut follower = Harvester::new(STREAM);
    crawl(&mut follower, &documents(&log, 1, false));

    log.extend([Activity::delete(manifest(1), at(2)), Activity::refresh(at(3)), Activity::update(manifest(2), at(4))]);
    follower.begin(Crawl::Incremental);
    let (_, changes) = crawl(&mut follower, &documents(&log, 1, false));
    assert_eq!((changes.len(), live(&follower)), (2, vec![manifest(2).id.as_str()]));

    let mut newcomer = Harvester::new(STREAM);
    let (asked, _) = crawl(&mut newcomer, &documents(&log, 1, false));
    assert_eq!(asked, ["all-changes", "all-changes/page/4", "all-changes/page/3"]);
    assert_eq!(live(&newcomer), live(&follower));
}

#[test]
fn without_times_the_list_is_read_whole_and_what_is_not_on_it_is_gone() {
    let log = [1, 2, 3].map(|number| Activity::create(manifest(number), at(0)));
    let mut harvester = Harvester::new(STREAM);
    crawl(&mut harvester, &documents(&at_level(Level::Level0, &log), 2, false));
    assert_eq!((harvester.live().len(), harvester.last_crawl()), (3, None));
    harvester.begin(Crawl::Incremental);
    let (asked, changes) = crawl(&mut harvester, &documents(&at_level(Level::Level0, &log[1..]), 2, false));
    assert_eq!(asked.len(), 2);
    assert!(changes.contains(&Change::Removed(manifest(1).id)));
    assert_eq!(live(&harvester), [manifest(2).id, manifest(3).id]);
}

#[test]
fn adding_and_removing_count_only_for_this_stream_and_only_wanted_types_are_kept() {
    let stream = |kind, number, here: bool| {
        let id = if here { STREAM } else { "https://other.example/stream" };
        let mut activity = Activity::new(kind, manifest(number), at(number.into()));
        if activity.kind == ActivityKind::Add {
            activity.target = Some(Resource::new(id, "OrderedCollection"));
        } else {
            activity.origin = Some(Reference::new(id, "OrderedCollection"));
        }
        activity
    };
    let log = [
        Activity::create(manifest(1), at(0)),
        Activity::create(manifest(2), at(0)),
        Activity::create(Resource::collection("https://example.org/c"), at(0)),
        stream(ActivityKind::Remove, 1, true),
        stream(ActivityKind::Remove, 2, false),
        stream(ActivityKind::Add, 3, true),
        stream(ActivityKind::Add, 4, false),
    ];
    let mut harvester = Harvester::new(STREAM).only(&["Manifest"]);
    crawl(&mut harvester, &documents(&log, 10, false));
    assert_eq!(live(&harvester), [manifest(2).id, manifest(3).id]);
}

#[test]
fn what_cannot_be_read_ends_the_crawl_and_is_read_again_by_the_next() {
    let log: Vec<_> = (0..4).map(|number| Activity::create(manifest(number), at(number.into()))).collect();
    let documents = documents(&log, 1, false);
    let mut harvester = Harvester::new(STREAM);
    harvester.feed(Fetched::Document(&documents[STREAM]));
    harvester.feed(Fetched::Document(&documents[&format!("{STREAM}/page/3")]));
    let outcome = harvester.feed(Fetched::Failed);
    assert_eq!(outcome.error, Some(HarvestError::Unreachable { uri: format!("{STREAM}/page/2") }));
    assert_eq!((harvester.next_request(), harvester.last_crawl(), harvester.live().len()), (None, None, 1));
    harvester.begin(Crawl::Incremental);
    crawl(&mut harvester, &documents);
    assert_eq!(harvester.live().len(), 4);

    // Pages in a circle, a link that is no URI, a document of another type.
    let circle =
        json!({ "type": "OrderedCollectionPage", "orderedItems": [], "prev": { "id": "https://example.org/p" } });
    let collection = json!({ "type": "OrderedCollection", "last": { "id": "https://example.org/p" } });
    let mut harvester = Harvester::new(STREAM);
    for document in [&collection, &circle] {
        assert_eq!(harvester.feed(Fetched::Document(document)).error, None);
    }
    let outcome = harvester.feed(Fetched::Document(&circle));
    assert_eq!(outcome.error, Some(HarvestError::Circle { uri: "https://example.org/p".to_owned() }));
    let elsewhere = json!({ "type": "OrderedCollection", "last": "file:///etc/passwd" });
    let outcome = Harvester::new(STREAM).feed(Fetched::Document(&elsewhere));
    assert_eq!(outcome.error, Some(HarvestError::Uri { uri: "file:///etc/passwd".to_owned() }));
    let outcome = Harvester::new(STREAM).feed(Fetched::Document(&json!({ "type": "Manifest" })));
    assert!(matches!(outcome.error, Some(HarvestError::Document { .. })));
}

#[test]
fn a_page_out_of_order_is_read_whole() {
    let log = [Activity::create(manifest(1), at(0)), Activity::create(manifest(2), at(1))];
    let mut harvester = Harvester::new(STREAM);
    crawl(&mut harvester, &documents(&log, 10, false));
    let log = [
        Activity::create(manifest(3), at(5)),
        Activity::create(manifest(1), at(0)),
        Activity::create(manifest(2), at(1)),
    ];
    harvester.begin(Crawl::Incremental);
    crawl(&mut harvester, &documents(&log, 10, false));
    assert_eq!(harvester.live().len(), 3);
}

/// What a publisher does; times stand still or go on between.
#[derive(Clone, Debug)]
enum Operation {
    Create(u8),
    Update(u8),
    Delete(u8),
    Move(u8, u8),
    Refresh,
    Tick,
    /// The harvester makes a request.
    Harvest,
    /// The harvester's request fails.
    Fail,
    /// The harvester's process ends and starts again.
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    let id = || 0_u8..8;
    prop_oneof![
        3 => id().prop_map(Operation::Create),
        3 => id().prop_map(Operation::Update),
        2 => id().prop_map(Operation::Delete),
        2 => (id(), id()).prop_map(|(from, to)| Operation::Move(from, to)),
        1 => Just(Operation::Refresh),
        3 => Just(Operation::Tick),
        8 => Just(Operation::Harvest),
        1 => Just(Operation::Fail),
        1 => Just(Operation::Restart),
    ]
}

/// A publisher with what it has, and its log.
#[derive(Default)]
struct Publisher {
    there: BTreeMap<String, Timestamp>,
    log: Vec<Activity>,
    seconds: i64,
    /// Resources that a refresh has still to name.
    to_name: Vec<String>,
}

impl Publisher {
    fn act(&mut self, operation: &Operation) {
        let now = at(self.seconds);
        let has = |there: &BTreeMap<String, Timestamp>, number: &u8| there.contains_key(&manifest(*number).id);
        // A refresh is not done at one blow: other changes come between its updates.
        if let Some(id) = self.to_name.pop()
            && self.there.contains_key(&id)
        {
            self.there.insert(id.clone(), now);
            self.log.push(Activity::update(Resource::manifest(id), now));
        }
        match operation {
            Operation::Create(number) if !has(&self.there, number) => {
                self.there.insert(manifest(*number).id, now);
                self.log.push(Activity::create(manifest(*number), now));
            }
            Operation::Update(number) if has(&self.there, number) => {
                self.there.insert(manifest(*number).id, now);
                self.log.push(Activity::update(manifest(*number), now));
            }
            Operation::Delete(number) if has(&self.there, number) => {
                self.there.remove(&manifest(*number).id);
                self.log.push(Activity::delete(manifest(*number), now));
            }
            Operation::Move(from, to) if has(&self.there, from) && !has(&self.there, to) => {
                self.there.remove(&manifest(*from).id);
                self.there.insert(manifest(*to).id, now);
                self.log.push(Activity::moved(manifest(*from), manifest(*to), now));
            }
            Operation::Refresh => {
                self.log.push(Activity::refresh(now));
                self.to_name = self.there.keys().cloned().collect();
            }
            Operation::Tick => self.seconds += 1,
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_harvester_ends_with_exactly_what_is_there(
        operations in proptest::collection::vec(operation(), 0..80),
        page_size in 1_u64..6,
        collapsed in any::<bool>(),
    ) {
        let mut publisher = Publisher::default();
        let mut harvester = Harvester::new(STREAM);
        let mut told = BTreeMap::new();
        let take = |told: &mut BTreeMap<String, Option<Timestamp>>, changes: Vec<Change>| {
            for change in changes {
                match change {
                    Change::Included(live) => drop(told.insert(live.resource.id, live.last_change)),
                    Change::Removed(id) => drop(told.remove(&id)),
                }
            }
        };
        for operation in &operations {
            match operation {
                Operation::Harvest => {
                    let documents = documents(&publisher.log, page_size, collapsed);
                    match harvester.next_request() {
                        Some(uri) => {
                            let outcome = harvester.feed(documents.get(uri).map_or(Fetched::Failed, Fetched::Document));
                            take(&mut told, outcome.changes);
                        }
                        None => harvester.begin(Crawl::Incremental),
                    }
                }
                Operation::Fail => drop(harvester.feed(Fetched::Failed)),
                Operation::Restart => {
                    harvester = serde_json::from_str(&serde_json::to_string(&harvester).unwrap()).unwrap();
                }
                other => publisher.act(other),
            }
        }
        // The publisher comes to rest; the crawl that is under way ends, and one more follows.
        while !publisher.to_name.is_empty() {
            publisher.act(&Operation::Tick);
        }
        let documents = documents(&publisher.log, page_size, collapsed);
        if !documents.is_empty() {
            for _ in 0..2 {
                take(&mut told, crawl(&mut harvester, &documents).1);
                harvester.begin(Crawl::Incremental);
            }
        }
        let there: BTreeMap<_, _> = publisher.there.iter().map(|(id, time)| (id.clone(), Some(*time))).collect();
        let live: BTreeMap<_, _> =
            harvester.live().iter().map(|(id, live)| (id.clone(), live.last_change)).collect();
        prop_assert_eq!(&live, &there);
        // Who follows the changes has the same.
        prop_assert_eq!(&told, &there);
    }

    #[test]
    fn any_document_is_taken_without_a_panic(text in "[\\[\\]{}\":,a-z0-9]{0,80}", kind in "(OrderedCollection|OrderedCollectionPage)") {
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "type": kind, "last": text, "orderedItems": [text, {}] }));
        let mut harvester = Harvester::new(STREAM);
        harvester.feed(Fetched::Document(&value));
        harvester.feed(Fetched::Document(&value));
    }
}
