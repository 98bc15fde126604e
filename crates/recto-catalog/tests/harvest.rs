//! A harvester that reads the published log ends with exactly what there is, after ten thousand changes and with restarts of
//! everybody between them.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use recto_catalog::{ActivityKind, Catalog, Fingerprint, Found, ItemKind};
use recto_iiif::discovery::{Activity, Crawl, Fetched, Harvester, Resource, Stream, Timestamp};
use recto_testkit::Rng;

const STREAM: &str = "https://example.org/iiif/discovery/1/all-changes";

fn found(path: &str, content: u64) -> Found {
    Found {
        path: path.to_owned(),
        identifier: path.to_owned(),
        parent: Some(String::new()),
        kind: ItemKind::Manifest,
        sort: path.as_bytes().to_vec(),
        signature: Fingerprint(u128::from(content)),
        content: Fingerprint(u128::from(content)),
        modified_ms: None,
        label: "{}".to_owned(),
        pages: 1,
        picture: None,
        body: Vec::new(),
        listed_in: Vec::new(),
        has_annotations: false,
    }
}

fn uri(identifier: &str) -> String {
    format!("https://example.org/{identifier}/manifest")
}

/// The document at a URI of the stream, as a server makes it.
fn document(catalog: &Catalog, stream: &Stream, uri: &str) -> serde_json::Value {
    let total = catalog.count_activities().unwrap();
    let Some(number) = stream.page_number(uri) else { return stream.collection(total).unwrap().to_json() };
    let range = stream.range(number, total).unwrap();
    let entries = catalog.activities(range.start + 1, range.end - range.start).unwrap();
    let activities = entries.iter().map(|entry| {
        let object = Resource::manifest(self::uri(&entry.identifier));
        let at = Timestamp::from_unix_milliseconds(entry.at_ms).unwrap();
        match entry.kind {
            ActivityKind::Create => Activity::create(object, at),
            ActivityKind::Update => Activity::update(object, at),
            ActivityKind::Delete => Activity::delete(object, at),
            ActivityKind::Move => {
                Activity::moved(object, Resource::manifest(self::uri(entry.target.as_deref().unwrap())), at)
            }
        }
    });
    stream.page(number, total, activities.collect()).unwrap().to_json()
}

fn harvest(catalog: &Catalog, stream: &Stream, harvester: &mut Harvester, crawl: Crawl) {
    harvester.begin(crawl);
    while let Some(uri) = harvester.next_request().map(ToOwned::to_owned) {
        harvester.feed(Fetched::Document(&document(catalog, stream, &uri)));
    }
}

#[test]
fn d9_after_ten_thousand_changes_with_restarts_a_harvester_has_exactly_the_live_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let mut catalog = Catalog::open(&path).unwrap();
    let stream = Stream::new(STREAM, 500);
    let mut rng = Rng::new(20_261_126);
    let mut library: BTreeMap<String, u64> = BTreeMap::new();
    let mut next = 0_u64;
    let mut harvester = Harvester::new(STREAM);
    let mut counts = [0_u32; 4];
    let mut changes = 0;
    while changes < 10_000 {
        for _ in 0..=rng.below(80) {
            changes += 1;
            next += 1;
            let some = library.keys().nth(rng.below(library.len().max(1) as u32) as usize).cloned();
            match (rng.below(10), some) {
                (0..=3, _) | (_, None) => {
                    library.insert(format!("o{next}"), next);
                    counts[0] += 1;
                }
                (4..=5, Some(path)) => {
                    library.insert(path, next);
                    counts[1] += 1;
                }
                (6..=7, Some(path)) => {
                    let content = library.remove(&path).unwrap();
                    library.insert(format!("moved{next}"), content);
                    counts[2] += 1;
                }
                (_, Some(path)) => {
                    library.remove(&path);
                    counts[3] += 1;
                }
            }
        }
        let is_there = |path: &str, _: ItemKind| library.contains_key(path);
        let mut sync = catalog.sync(&is_there).unwrap();
        for (path, content) in &library {
            sync.put(&found(path, *content)).unwrap();
        }
        sync.finish().unwrap();
        if rng.below(4) == 0 {
            drop(catalog);
            catalog = Catalog::open(&path).unwrap();
        }
        if rng.below(3) == 0 {
            // The harvester is put away and taken up again between its visits.
            let kept = serde_json::to_string(&harvester).unwrap();
            harvester = serde_json::from_str(&kept).unwrap();
            harvest(&catalog, &stream, &mut harvester, Crawl::Incremental);
            let live: BTreeSet<String> = harvester.live().keys().cloned().collect();
            let wanted: BTreeSet<String> = library.keys().map(|path| uri(path)).collect();
            assert_eq!(live, wanted, "after {changes} changes");
        }
    }
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
    for crawl in [Crawl::Incremental, Crawl::Full] {
        harvest(&catalog, &stream, &mut harvester, crawl);
        let live: BTreeSet<String> = harvester.live().keys().cloned().collect();
        assert_eq!(live, library.keys().map(|path| uri(path)).collect());
    }
}
