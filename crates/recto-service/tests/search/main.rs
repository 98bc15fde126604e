//! Every answer of a search equals a scan of the same words, while objects and what people write about them change and are deleted, and
//! for a caller who may see only some of them: totals, boxes, text before and after, completions; in collections, objects, canvases
//! and ranges.

#![cfg(test)]

mod bench;
mod model;
mod scan;

use std::time::{Duration, Instant};

use recto_service::HITS_A_PAGE;

use bench::Bench;
use model::Chance;
use scan::{Part, Question, difference, is_hidden, scan, scan_all};

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
const PARTS: [Part; 8] = [
    Part::Whole,
    Part::Canvas(0),
    Part::Canvas(1),
    Part::Canvas(2),
    Part::Range("1"),
    Part::Range("2"),
    Part::Range("3"),
    Part::Range("3-2"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_19_answers_are_those_of_a_scan_while_objects_change_and_for_who_sees_only_some() {
    let mut bench = Bench::new(40);
    bench.settle().await;
    let mut chance = Chance(11);
    for round in 0..6 {
        for query in QUERIES {
            for is_restricted in [false, true] {
                let question = Question::of(query, is_restricted);
                let want = scan_all(&bench.model, question);
                let found = bench.ask(question).await.unwrap();
                assert_eq!(difference(&found, &want), None, "{query}, restricted: {is_restricted}");
            }
        }
        // S2-19: what they may not see is not completed either.
        let terms = bench.complete("h", true).await;
        for term in &terms {
            let want = scan_all(&bench.model, Question::of(&term.value, true)).len() as u64;
            assert_eq!(term.total, Some(want), "{}", term.value);
        }
        assert!(terms.iter().any(|term| term.value == "haus"), "{terms:?}");

        // Something changes, and is asked for meanwhile: each object is as it was or as it is.
        let before = bench.model.clone();
        for _ in 0..5 {
            bench.change_object(&format!("o{:03}", chance.below(45)), &mut chance);
        }
        let unchanged: Vec<String> = (bench.model.objects.iter())
            .filter(|(name, object)| before.objects.get(*name) == Some(object))
            .map(|(name, _)| name.clone())
            .collect();
        let until = Instant::now() + Duration::from_millis(400);
        while Instant::now() < until {
            // What was acknowledged is found by who asks next.
            bench.change_notes(&unchanged[chance.below(unchanged.len())], &mut chance).await;
            let question = Question::of(QUERIES[chance.below(QUERIES.len())], false);
            let Some((total, found)) = bench.ask(question).await else { continue };
            // Each page is of one state; what comes on several pages may be of several, and then nobody can say what is on which. The
            // last of them may be empty by then.
            if found.len() >= HITS_A_PAGE && bench.ask(question).await != Some((total, found.clone())) {
                continue;
            }
            for hit in &found {
                let is_known = |model: &model::Model| model.objects.contains_key(&hit.object);
                assert!(is_known(&before) || is_known(&bench.model), "{hit:?}");
            }
            for name in &unchanged {
                let of_object: Vec<_> = found.iter().filter(|hit| hit.object == *name).cloned().collect();
                let want = scan(&bench.model, name, question);
                let difference = difference(&(of_object.len(), of_object), &want);
                assert_eq!(difference, None, "{}, round {round}: {name} did not change", question.query);
            }
        }
        bench.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_18_parts_of_objects_answer_as_a_scan_of_them_does() {
    let mut bench = Bench::new(24);
    bench.settle().await;
    let mut chance = Chance(13);
    let names: Vec<String> = bench.model.objects.keys().cloned().collect();
    for _ in 0..120 {
        bench.change_notes(&names[chance.below(names.len())], &mut chance).await;
    }
    let (mut texts, mut notes) = (0, 0);
    for name in &names {
        let pages = bench.model.objects[name].len();
        let is_there = |part: &Part| match part {
            Part::Whole => true,
            Part::Canvas(page) => *page < pages,
            Part::Range(_) => pages == 3,
        };
        for part in PARTS.into_iter().filter(is_there) {
            for query in QUERIES {
                for is_restricted in [false, true] {
                    let question = Question { query, part, is_restricted };
                    let found = bench.ask_object(name, question).await;
                    if is_restricted && is_hidden(name) {
                        assert_eq!(found, None, "{name}");
                        continue;
                    }
                    let want = scan(&bench.model, name, question);
                    let difference = difference(&found.unwrap(), &want);
                    assert_eq!(difference, None, "{name} {part:?} {query} {is_restricted}");
                    let count = want.iter().filter(|hit| hit.is_note).count();
                    (texts, notes) = (texts + want.len() - count, notes + count);
                }
            }
        }
    }
    assert!(texts > 500 && notes > 500, "{texts} hits in texts and {notes} in notes say little");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_of_many_objects_answers_as_one_of_few() {
    let mut bench = Bench::new(560);
    bench.settle().await;
    let mut chance = Chance(17);
    for _ in 0..20 {
        bench.change_notes(&format!("o{:03}", chance.below(560)), &mut chance).await;
    }
    for query in QUERIES {
        let question = Question::of(query, true);
        let want = scan_all(&bench.model, question);
        let (_, found) = bench.ask(question).await.unwrap();
        assert_eq!(difference(&(found.len(), found), &want), None, "{query}, restricted");
    }
    for is_restricted in [false, true] {
        let terms = bench.complete("se", is_restricted).await;
        let names: Vec<&str> = terms.iter().map(|term| term.value.as_str()).collect();
        assert_eq!(names, ["see", "seen"]);
        for term in &terms {
            let want = scan_all(&bench.model, Question::of(&term.value, is_restricted)).len() as u64;
            assert_eq!(term.total, Some(want), "{}", term.value);
        }
    }
}
