//! Every answer of a search equals a scan of the same words, while objects change and are deleted, and for a caller who may see only
//! some of them: totals, boxes, text before and after, completions.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_cache::{CacheOptions, DerivativeCache};
use recto_catalog::Catalog;
use recto_catalog::text::TextStore;
use recto_config::ByteSize;
use recto_iiif::identifier::Identifier;
use recto_iiif::search::{Found, Scope, SearchRequest};
use recto_ingest::{Library, LibraryOptions, WatchOptions};
use recto_service::policy::{Action, Caller, Decision, Policy};
use recto_service::{
    HITS_A_PAGE, ImageOptions, ImageService, ImageServiceParts, LimitOptions, Metrics, ObjectService, SearchService,
    SiteUrls, WorkOptions,
};
use recto_source::{Filesystem, Folder, SourceOptions};

const WORDS: [&str; 10] = ["haus", "hausen", "baum", "licht", "see", "seen", "rot", "grün", "alt", "neu"];
const QUERIES: [&str; 11] = [
    "haus",
    "see",
    "grun",
    "\"haus baum\"",
    "\"licht see rot\"",
    "see*",
    "hauz~",
    "lixxt~2",
    "haus -baum",
    "rot -licht -neu",
    "nirgends",
];

/// Lines of words, by page, by object.
type Object = Vec<Vec<Vec<&'static str>>>;
type Model = BTreeMap<String, Object>;

/// A sequence of numbers that looks like chance and is the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn object(&mut self) -> Object {
        let mut lines = || {
            let count = 1 + self.below(4);
            (0..count).map(|_| (0..=self.below(6)).map(|_| WORDS[self.below(WORDS.len())]).collect()).collect()
        };
        let first: Vec<Vec<&str>> = lines();
        let mut object = vec![first, lines()];
        object.truncate(1 + self.below(2));
        object
    }
}

/// The box of a word: its line and place.
fn area(lines: &[Vec<&str>], line: usize, place: usize) -> [u32; 4] {
    let width = |word: &str| 10 * word.chars().count() as u32;
    [
        5 + lines[line][..place].iter().map(|word| width(word) + 5).sum::<u32>(),
        10 + 20 * line as u32,
        width(lines[line][place]),
        12,
    ]
}

fn alto(lines: &[Vec<&str>]) -> String {
    let mut out = String::from(
        "<alto><Description><MeasurementUnit>pixel</MeasurementUnit></Description><Layout><Page WIDTH=\"400\" HEIGHT=\"120\"><PrintSpace><TextBlock>",
    );
    for (number, line) in lines.iter().enumerate() {
        out.push_str("<TextLine>");
        for (place, word) in line.iter().enumerate() {
            let [x, y, w, h] = area(lines, number, place);
            write!(out, "<String CONTENT=\"{word}\" HPOS=\"{x}\" VPOS=\"{y}\" WIDTH=\"{w}\" HEIGHT=\"{h}\"/>").unwrap();
        }
        out.push_str("</TextLine>");
    }
    out + "</TextBlock></PrintSpace></Page></Layout></alto>"
}

fn write_object(folder: &Path, name: &str, object: &Object) {
    let place = folder.join(name);
    fs::create_dir_all(&place).unwrap();
    let mut picture = Vec::new();
    image::RgbImage::new(400, 120).write_to(&mut std::io::Cursor::new(&mut picture), image::ImageFormat::Bmp).unwrap();
    for (number, lines) in object.iter().enumerate() {
        fs::write(place.join(format!("{number}.bmp")), &picture).unwrap();
        fs::write(place.join(format!("{number}.xml")), alto(lines)).unwrap();
    }
}

/// The caller at 10.0.0.1 sees neither objects with an odd number nor second pages.
#[derive(Debug)]
struct Seeing;

fn is_hidden(identifier: &str) -> bool {
    let object = identifier.split('/').next().unwrap_or_default();
    object.starts_with('o') && object.bytes().last().is_some_and(|digit| digit % 2 == 1)
        || identifier.ends_with("1.bmp")
}

impl Policy for Seeing {
    fn decide(&self, caller: &Caller, _action: Action, identifier: &Identifier) -> Decision {
        let is_restricted = caller.address == Some([10, 0, 0, 1].into());
        if is_restricted && is_hidden(identifier.as_str()) { Decision::Deny } else { Decision::Allow }
    }
}

/// One hit in plain words: object, boxes by page, before, exact, after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Plain {
    object: String,
    parts: Vec<(String, [u32; 4])>,
    before: String,
    exact: String,
    after: String,
}

fn folded(word: &str) -> String {
    word.replace('ü', "u")
}

/// How many letters have to be put, taken or changed to make one word the other.
fn edits_between(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], at + 1);
        for (place, wanted) in other.chars().enumerate() {
            let changed = corner + usize::from(letter != wanted);
            corner = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(corner + 1);
        }
    }
    row[other.chars().count()]
}

/// All hits of a query in an object, by looking at every word.
fn scan(name: &str, object: &Object, query: &str, is_restricted: bool) -> Vec<Plain> {
    let mut all: Vec<(usize, usize, usize)> = Vec::new();
    for (page, lines) in object.iter().enumerate() {
        for (line, words) in lines.iter().enumerate() {
            all.extend((0..words.len()).map(|place| (page, line, place)));
        }
    }
    let word = |(page, line, place): (usize, usize, usize)| object[page][line][place];
    let (phrase, excluded): (Vec<&str>, Vec<&str>) = if let Some(phrase) = query.strip_prefix('"') {
        (phrase.trim_end_matches('"').split(' ').collect(), Vec::new())
    } else {
        let mut words = query.split(' ');
        (vec![words.next().unwrap()], words.map(|word| word.trim_start_matches('-')).collect())
    };
    let fits = |text: &str, wanted: &str| match (wanted.strip_suffix('*'), wanted.split_once('~')) {
        (Some(prefix), _) => folded(text).starts_with(prefix),
        (None, Some((wanted, edits))) => edits_between(&folded(text), wanted) <= edits.parse().unwrap_or(1),
        (None, None) => folded(text) == wanted,
    };
    let mut hits = Vec::new();
    for (start, window) in all.windows(phrase.len()).enumerate() {
        if !window.iter().zip(&phrase).all(|(at, wanted)| fits(word(*at), wanted)) {
            continue;
        }
        let pages: Vec<usize> = window.iter().map(|at| at.0).collect();
        if is_restricted && pages.contains(&1) {
            continue;
        }
        let on_page = |page: usize| all.iter().filter(move |at| at.0 == page).map(|at| word(*at)).collect::<Vec<_>>();
        if excluded.iter().any(|excluded| on_page(pages[0]).iter().any(|text| fits(text, excluded))) {
            continue;
        }
        let mut parts: Vec<(usize, usize, [u32; 4])> = Vec::new();
        for (page, line, place) in window {
            let [x, y, w, h] = area(&object[*page], *line, *place);
            match parts.last_mut() {
                Some((known_page, known_line, known)) if (*known_page, *known_line) == (*page, *line) => {
                    known[2] = x + w - known[0];
                }
                _ => parts.push((*page, *line, [x, y, w, h])),
            }
        }
        let before: Vec<&str> = all[..start].iter().filter(|at| at.0 == pages[0]).map(|at| word(*at)).collect();
        let last = pages[pages.len() - 1];
        let after: Vec<&str> =
            all[start + phrase.len()..].iter().filter(|at| at.0 == last).map(|at| word(*at)).collect();
        hits.push(Plain {
            object: name.to_owned(),
            parts: parts.into_iter().map(|(page, _, area)| (page.to_string(), area)).collect(),
            before: before[before.len().saturating_sub(6)..].join(" "),
            exact: window.iter().map(|at| word(*at)).collect::<Vec<_>>().join(" "),
            after: after[..after.len().min(6)].join(" "),
        });
    }
    hits
}

fn scan_all(model: &Model, query: &str, is_restricted: bool) -> Vec<Plain> {
    model
        .iter()
        .filter(|(name, _)| !(is_restricted && is_hidden(name)))
        .flat_map(|(name, object)| scan(name, object, query, is_restricted))
        .collect()
}

fn plain(found: &Found) -> Vec<Plain> {
    let hit = |hit: &recto_iiif::search::FoundHit| {
        let canvas = |uri: &str| {
            let (rest, name) = uri.rsplit_once("/canvas/").unwrap();
            (rest.rsplit('/').next().unwrap().to_owned(), name.to_owned())
        };
        Plain {
            object: canvas(&hit.parts[0].canvas).0,
            parts: hit
                .parts
                .iter()
                .map(|part| {
                    let area = part.area.unwrap();
                    (canvas(&part.canvas).1, [area.x, area.y, area.w, area.h])
                })
                .collect(),
            before: hit.before.trim().to_owned(),
            exact: hit.exact.clone(),
            after: hit.after.trim().to_owned(),
        }
    };
    found.hits.iter().map(hit).collect()
}

struct Bench {
    folder: tempfile::TempDir,
    _state: tempfile::TempDir,
    search: SearchService,
    model: Model,
}

impl Bench {
    fn new(objects: usize) -> Self {
        let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut chance = Chance(7);
        let model: Model = (0..objects).map(|number| (format!("o{number:03}"), chance.object())).collect();
        for (name, object) in &model {
            write_object(folder.path(), name, object);
        }
        let options =
            SourceOptions { folders: vec![Folder::from(folder.path().to_owned())], ..SourceOptions::default() };
        let source = Arc::new(Filesystem::new(&options).unwrap());
        let names = source.folders().map(|(name, path)| (name.to_owned(), path.to_owned())).collect::<Vec<_>>();
        let library = Library::named(names, LibraryOptions::default()).unwrap();
        let cache = CacheOptions { max_disk: ByteSize::from_bytes(0), ..CacheOptions::default() };
        let policy: Arc<dyn Policy> = Arc::new(Seeing);
        let images = ImageService::start(ImageServiceParts {
            source,
            policy: Arc::clone(&policy),
            cache: Arc::new(DerivativeCache::open(&cache).unwrap()),
            metrics: Arc::new(Metrics::new()),
            limits: LimitOptions::default(),
            options: ImageOptions::default(),
            work: WorkOptions::default(),
        })
        .unwrap();
        let texts = TextStore::open(&state.path().join("text.sqlite")).unwrap();
        let catalog = Catalog::open(&state.path().join("catalogue.sqlite")).unwrap();
        let watch = WatchOptions { rescan: Duration::from_millis(200), ..WatchOptions::default() };
        let objects = ObjectService::start(library, watch, catalog, texts, images, policy).unwrap();
        objects.keep_texts();
        Self { folder, _state: state, search: SearchService::new(objects), model }
    }

    /// All pages of an answer.
    async fn ask(&self, query: &str, is_restricted: bool) -> Option<(u64, Vec<Plain>)> {
        let caller = Caller { address: is_restricted.then(|| [10, 0, 0, 1].into()), ..Caller::default() };
        let urls = SiteUrls::new("http://x");
        let root = Identifier::new(self.folder.path().file_name()?.to_str()?);
        let (mut page, mut all) = (1, Vec::new());
        loop {
            let request = SearchRequest { q: query.to_owned(), page, ..SearchRequest::default() };
            let found = self.search.search(&root, &Scope::Collection, &request, &urls, &caller).await.ok()?;
            all.extend(plain(&found));
            if !found.has_next {
                return Some((found.hits_total.exact().unwrap_or(all.len() as u64), all));
            }
            page += 1;
        }
    }

    async fn settle(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let mut is_same = true;
            for query in QUERIES {
                let want = scan_all(&self.model, query, false);
                is_same &= self.ask(query, false).await.is_some_and(|(_, found)| found == want);
            }
            if is_same {
                return;
            }
            if Instant::now() > deadline {
                for query in QUERIES {
                    let (total, found) = self.ask(query, false).await.unwrap_or_default();
                    let want = scan_all(&self.model, query, false);
                    assert_eq!((total as usize, found), (want.len(), want), "{query}");
                }
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_19_answers_are_those_of_a_scan_while_objects_change_and_for_who_sees_only_some() {
    let mut bench = Bench::new(40);
    bench.settle().await;
    let mut chance = Chance(11);
    for round in 0..6 {
        for query in QUERIES {
            for is_restricted in [false, true] {
                let want = scan_all(&bench.model, query, is_restricted);
                let (total, found) = bench.ask(query, is_restricted).await.unwrap();
                assert_eq!((total as usize, found), (want.len(), want), "{query}, restricted: {is_restricted}");
            }
        }
        // S2-19: what they may not see is not completed either.
        let restricted = Caller { address: Some([10, 0, 0, 1].into()), ..Caller::default() };
        let root = Identifier::new(bench.folder.path().file_name().unwrap().to_str().unwrap());
        let request = SearchRequest { q: "h".to_owned(), ..SearchRequest::default() };
        let urls = SiteUrls::new("http://x");
        let terms = bench.search.complete(&root, &Scope::Collection, &request, &urls, &restricted).await.unwrap();
        for term in &terms {
            let want = scan_all(&bench.model, &term.value, true).len() as u64;
            assert_eq!(term.total, Some(want), "{}", term.value);
        }
        assert!(terms.iter().any(|term| term.value == "haus"), "{terms:?}");

        // Something changes, and is asked for meanwhile: each object is as it was or as it is.
        let before = bench.model.clone();
        for _ in 0..5 {
            let name = format!("o{:03}", chance.below(45));
            let place = bench.folder.path().join(&name);
            if place.exists() {
                fs::remove_dir_all(&place).unwrap();
            }
            bench.model.remove(&name);
            if chance.below(3) > 0 {
                let object = chance.object();
                write_object(bench.folder.path(), &name, &object);
                bench.model.insert(name, object);
            }
        }
        let until = Instant::now() + Duration::from_millis(400);
        while Instant::now() < until {
            let query = QUERIES[chance.below(QUERIES.len())];
            let Some((total, found)) = bench.ask(query, false).await else { continue };
            // Each page is of one state; what comes on several pages may be of several, and then nobody can say what is on which.
            if found.len() > HITS_A_PAGE && bench.ask(query, false).await != Some((total, found.clone())) {
                continue;
            }
            let names: Vec<&String> = before.keys().chain(bench.model.keys()).collect();
            for hit in &found {
                assert!(names.contains(&&hit.object), "{hit:?}");
            }
            for (name, object) in &bench.model {
                if before.get(name) == Some(object) {
                    let of_object: Vec<_> = found.iter().filter(|hit| hit.object == *name).cloned().collect();
                    assert_eq!(of_object, scan(name, object, query, false), "round {round}: {name} did not change");
                }
            }
        }
        bench.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_of_many_objects_answers_as_one_of_few() {
    let bench = Bench::new(560);
    bench.settle().await;
    for query in QUERIES {
        let want = scan_all(&bench.model, query, true);
        let (_, found) = bench.ask(query, true).await.unwrap();
        assert_eq!(found, want, "{query}, restricted");
    }
    let request = SearchRequest { q: "se".to_owned(), ..SearchRequest::default() };
    let root = Identifier::new(bench.folder.path().file_name().unwrap().to_str().unwrap());
    let urls = SiteUrls::new("http://x");
    for caller in [Caller::default(), Caller { address: Some([10, 0, 0, 1].into()), ..Caller::default() }] {
        let terms = bench.search.complete(&root, &Scope::Collection, &request, &urls, &caller).await.unwrap();
        let names: Vec<&str> = terms.iter().map(|term| term.value.as_str()).collect();
        assert_eq!(names, ["see", "seen"]);
        for term in &terms {
            let want = scan_all(&bench.model, &term.value, caller.address.is_some()).len() as u64;
            assert_eq!(term.total, Some(want), "{}", term.value);
        }
    }
}
