//! Real OCR of every format, published and searched: the words that are noted of each file are found at their boxes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use recto_iiif::text::WordPart;
use serde_json::Value;

use crate::support::{Library, Server};

/// What the notes put together of a word and what else it may be.
const TWO_READINGS: [&str; 2] = ["forgetorget", "equalinglIaling"];

/// Boxes that a search finds in an object.
fn boxes(server: &Server, object: &str, word: &str) -> Vec<[i64; 4]> {
    let quoted = format!("\"{word}\"");
    let q: String = quoted.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut path = format!("/iiif/search/1/{object}/manifest?q={q}");
    let mut all = Vec::new();
    loop {
        let answer = server.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let document = answer.json();
        for resource in document["resources"].as_array().unwrap() {
            let (_, area) = resource["on"].as_str().unwrap().split_once("#xywh=").unwrap();
            let numbers: Vec<i64> = area.split(',').map(|number| number.parse().unwrap()).collect();
            all.push(numbers.try_into().unwrap());
        }
        let Some(next) = document["next"].as_str() else { return all };
        path = next.strip_prefix(&server.base()).unwrap().to_owned();
    }
}

fn is_near(one: &[i64; 4], other: &[i64; 4]) -> bool {
    let edges = |[x, y, w, h]: &[i64; 4]| [*x, *y, x + w, y + h];
    edges(one).iter().zip(edges(other)).all(|(a, b)| (a - b).abs() <= 1)
}

#[test]
fn words_of_real_pages_are_found_at_their_boxes() {
    let Some(data) = recto_testkit::data_dir() else { return };
    let truth: Vec<Value> = serde_json::from_slice(&std::fs::read(data.join("truth.json")).unwrap()).unwrap();
    let library = Library::new();
    let mut objects = BTreeMap::new();
    for (number, entry) in truth.iter().enumerate() {
        let file = entry["file"].as_str().unwrap();
        let bytes = std::fs::read(data.join(file)).unwrap();
        let (text, _) = recto_ingest::text::read(&bytes, 0, file);
        // The canvas has the size of the page in its own unit, so that boxes are those of the file.
        let Some(size) = text.size else { continue };
        let (width, height) = (size.width.round(), size.height.round());
        let name = format!("t{number:03}");
        let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\"/>");
        library.put(&format!("{name}/page.svg"), svg.as_bytes());
        let extension = if file.ends_with("ml") { "xml" } else { "hocr" };
        library.put(&format!("{name}/page.{extension}"), &bytes);
        // A half of a broken word is found as the whole word, in whose boxes it is.
        let plain = |text: &str| text.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned();
        let mut wholes: BTreeMap<String, String> = BTreeMap::new();
        let mut first: Option<String> = None;
        for word in text.words() {
            match &word.part {
                Some(WordPart::First { whole }) => {
                    wholes.insert(plain(&word.text), whole.clone());
                    first = Some(whole.clone());
                }
                Some(WordPart::Second) => wholes.extend(first.take().map(|whole| (plain(&word.text), whole))),
                None => {}
            }
        }
        objects.insert(name, (entry, width, wholes));
    }
    let server = library.serve(&[]);
    let (mut words, mut files) = (0, 0);
    let mut missing = Vec::new();
    for (object, (entry, width, wholes)) in &objects {
        let deadline = Instant::now() + Duration::from_mins(1);
        let manifest = loop {
            let manifest = server.get(&format!("/iiif/presentation/3/{object}/manifest")).json();
            if manifest["service"].is_array() {
                break manifest;
            }
            assert!(Instant::now() < deadline, "{} has no search: {:?}", entry["file"], server.log());
            std::thread::sleep(Duration::from_millis(50));
        };
        // Small drawings are shown larger than they are.
        let scale = manifest["items"][0]["width"].as_f64().unwrap() / width;
        files += 1;
        let noted = |key: &str| entry[key].as_array().cloned().unwrap_or_default();
        for word in noted("unique").iter().chain(&noted("repeated")) {
            let text = word["text"].as_str().unwrap();
            // Of some files whole lines are noted: those are phrases, whose last word may go on in the next line.
            if !text.chars().any(char::is_alphanumeric)
                || text.contains(char::is_whitespace)
                || TWO_READINGS.contains(&text)
            {
                continue;
            }
            let area = |value: &Value| -> [i64; 4] {
                let numbers: Vec<i64> =
                    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap().round() as i64).collect();
                numbers.try_into().unwrap()
            };
            let wanted: Vec<[i64; 4]> = match &word["xywh"][0] {
                Value::Array(_) => word["xywh"].as_array().unwrap().iter().map(area).collect(),
                _ => vec![area(&word["xywh"])],
            };
            let half = text.trim_matches(|letter: char| !letter.is_alphanumeric());
            let asked = wholes.get(half).map_or(text, String::as_str);
            let found = boxes(&server, object, asked);
            for wanted in wanted {
                words += 1;
                let wanted = wanted.map(|edge| (edge as f64 * scale).round() as i64);
                if !found.iter().any(|found| is_near(found, &wanted)) {
                    missing.push(format!("{}: {text} at {wanted:?}, found {found:?}", entry["file"]));
                }
            }
        }
    }
    assert!(words > 300 && files > 25, "{words} words of {files} files");
    assert!(missing.is_empty(), "{} of {words} words are not found:\n{}", missing.len(), missing.join("\n"));
}
