//! Queries of each kind, how long they take, and whether both ways agree.

use std::time::Duration;

use recto_search::coarse::{self, Candidate, Shard};
use recto_search::index::Index;
use recto_search::query::Query;
use recto_search::search::{Hit, complete, find, locate};
use recto_testkit::Rng;

use crate::clock::Instant;
use crate::corpus::Corpus;
use crate::queries::{KINDS, query};
use crate::store::Store;

const FIRST: usize = 100;
const CONTEXT: usize = 6;

fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * part) as usize).min(times.len() - 1);
    times[at].as_secs_f64() * 1e3
}

fn mean(times: &[Duration]) -> f64 {
    times.iter().sum::<Duration>().as_secs_f64() * 1e3 / times.len().max(1) as f64
}

fn ask(store: &Store, object: u32, index: &Index, query: &Query) -> (usize, Vec<Hit>) {
    let matches = find(index, query, None);
    let hits = locate(index, &matches, 0..FIRST, &|page| store.page(object, page), CONTEXT);
    (matches.total(), hits)
}

/// Pages of an object that FTS5 finds.
fn full_text(store: &Store, object: u32, typed: &str) -> Option<usize> {
    let connection = store.full_text.as_ref()?;
    let mut select =
        connection.prepare_cached("SELECT rowid FROM page WHERE page MATCH ?1 AND rowid BETWEEN ?2 AND ?3").unwrap();
    let (from, until) = (Store::row(object, 0), Store::row(object + 1, 0) - 1);
    let rows = select.query_map((typed, from, until), |row| row.get::<_, i64>(0)).unwrap();
    Some(rows.map(Result::unwrap).count())
}

/// What FTS5 is asked for the same; it knows no fuzzy words.
fn for_full_text(typed: &str) -> Option<String> {
    if typed.contains('~') {
        return None;
    }
    Some(if typed.contains('"') || typed.ends_with('*') { typed.to_owned() } else { typed.replace(' ', " AND ") })
}

pub(crate) fn objects(store: &Store, corpus: &Corpus, objects: u32, queries: usize) {
    println!(
        "in one object, ms             opened p50    p99   mean | fetched p50    p99   mean | matches | FTS5 pages only p50    p99   mean | pages differ"
    );
    for (kind, name) in KINDS.iter().enumerate() {
        let mut rng = Rng::new(kind as u64 + 7);
        let (mut warm, mut cold, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        let (mut total, mut differ) = (0, 0);
        for _ in 0..queries {
            let object = rng.below(objects);
            let typed = query(kind, Corpus::language_of(object), corpus, &mut rng);
            let started = Instant::now();
            let index = store.index(object);
            if *name == "autocomplete" {
                total += complete(&index, &typed, None, 1, 10).len();
                cold.push(started.elapsed());
                let started = Instant::now();
                complete(&index, &typed, None, 1, 10);
                warm.push(started.elapsed());
                continue;
            }
            let parsed = Query::parse(&typed);
            let (count, _) = ask(store, object, &index, &parsed);
            cold.push(started.elapsed());
            let started = Instant::now();
            ask(store, object, &index, &parsed);
            warm.push(started.elapsed());
            total += count;
            let Some(asked) = for_full_text(&typed).filter(|_| store.full_text.is_some()) else { continue };
            let started = Instant::now();
            let pages = full_text(store, object, &asked);
            floor.push(started.elapsed());
            let mut ours: Vec<u32> =
                find(&index, &parsed, None).spans().iter().map(|span| index.page_of(span.start)).collect();
            ours.dedup();
            differ += usize::from(pages != Some(ours.len()));
        }
        let (warm_p50, warm_p99) = (quantile(&mut warm, 0.5), quantile(&mut warm, 0.99));
        let (cold_p50, cold_p99) = (quantile(&mut cold, 0.5), quantile(&mut cold, 0.99));
        let (warm_mean, cold_mean) = (mean(&warm), mean(&cold));
        print!(
            "{name:<30} {warm_p50:6.2} {warm_p99:6.2} {warm_mean:6.2} |     {cold_p50:6.2} {cold_p99:6.2} {cold_mean:6.2} | {total:7} |"
        );
        if floor.is_empty() {
            println!(" -");
        } else {
            let (floor_p50, floor_p99) = (quantile(&mut floor, 0.5), quantile(&mut floor, 0.99));
            let floor_mean = mean(&floor);
            println!("                 {floor_p50:6.2} {floor_p99:6.2} {floor_mean:6.2} | {differ} of {queries}");
        }
    }
}

pub(crate) fn collections(store: &Store, corpus: &Corpus, shards: &[Shard<Vec<u8>>], objects: u32, queries: usize) {
    println!(
        "in all {objects} objects, ms           find p50      p99     mean | with first 100 hits p50      p99     mean | objects"
    );
    let allowed = |_: u32| true;
    for (kind, name) in KINDS.iter().enumerate() {
        let mut rng = Rng::new(kind as u64 + 70);
        let (mut search, mut whole) = (Vec::new(), Vec::new());
        let mut total = 0;
        for _ in 0..queries.div_ceil(4) {
            let typed = query(kind, rng.below(4) as usize, corpus, &mut rng);
            let started = Instant::now();
            if *name == "autocomplete" {
                let all: Vec<&Shard<Vec<u8>>> = shards.iter().collect();
                total += coarse::complete(&all, &typed, &|_, _| true, 1, 10).map_or(0, |terms| terms.len());
                search.push(started.elapsed());
                whole.push(started.elapsed());
                continue;
            }
            let parsed = Query::parse(&typed);
            let found: Vec<Candidate> = shards
                .iter()
                .enumerate()
                .flat_map(|(number, shard)| {
                    let base = (number * coarse::MOST_OBJECTS) as u32;
                    shard
                        .candidates(&parsed, &allowed)
                        .into_iter()
                        .map(move |it| Candidate { object: it.object + base, ..it })
                })
                .collect();
            search.push(started.elapsed());
            total += found.len();
            let mut hits = 0;
            for candidate in &found {
                if hits >= FIRST {
                    break;
                }
                let index = store.index(candidate.object);
                hits += ask(store, candidate.object, &index, &parsed).1.len();
            }
            whole.push(started.elapsed());
        }
        let (find_p50, find_p99) = (quantile(&mut search, 0.5), quantile(&mut search, 0.99));
        let (whole_p50, whole_p99) = (quantile(&mut whole, 0.5), quantile(&mut whole, 0.99));
        let (find_mean, whole_mean) = (mean(&search), mean(&whole));
        println!(
            "{name:<29} {find_p50:8.2} {find_p99:8.2} {find_mean:8.2} |            {whole_p50:8.2} {whole_p99:8.2} {whole_mean:8.2} | {total}"
        );
    }
}

/// Memory of this process, where the system says so.
pub(crate) fn resident() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")) {
        println!("{line}");
    }
}
