//! Files of institutions, against words with boxes that were noted of them by another program.

use std::path::Path;
use std::time::Instant;

use recto_iiif::text::{Area, PageText, Unit, WordPart};
use recto_ingest::Severity;
use recto_ingest::text::{self, TextFormat};
use serde_json::Value;

/// The files with text below the shared data, in the formats of pages.
fn files() -> Option<Vec<std::path::PathBuf>> {
    let folder = recto_testkit::data_dir()?;
    let mut files = recto_testkit::files_below(&folder.join("ocr"));
    files.extend(recto_testkit::files_below(&folder.join("pdf-and-hocr")));
    files.extend(
        ["alto.xml", "fulltext_0003.xml", "altoNoString.xml"]
            .map(|name| folder.join("mets/kitodo-presentation").join(name)),
    );
    let is_text = |path: &Path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        ["xml", "html", "hocr"].contains(&extension.as_ref()) && !path.ends_with("mets.xml")
    };
    files.retain(|path| is_text(path));
    Some(files)
}

#[test]
fn every_file_of_the_shared_data_is_read() {
    let Some(files) = files() else { return };
    assert!(files.len() > 50, "{}", files.len());
    let mut empty = Vec::new();
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(text::recognise(&bytes[..bytes.len().min(text::HEAD_BYTES as usize)]).is_some(), "{name}");
        let (page, findings) = text::read(&bytes, 0, &name);
        for finding in &findings {
            assert!(finding.severity < Severity::Error, "{finding}");
        }
        let words = page.words().count();
        assert!(page.words().all(|word| !word.text.is_empty() && !word.text.contains(char::is_whitespace)), "{name}");
        let without_place = page.words().filter(|word| word.area.is_none()).count();
        assert!(without_place * 20 <= words, "{name}: {without_place} of {words} words have no place");
        if words == 0 {
            empty.push(name);
        }
    }
    empty.sort();
    assert_eq!(
        empty,
        [
            "0014.xml",
            "0379.xml",
            "altoNoString.xml",
            "empty_words_bug.html",
            "kraken_alto_zero_dims.xml",
            "kraken_page_cPAS-2000.xml"
        ],
        "these have no words on their first page"
    );
}

fn is_near(found: Area, wanted: &Value) -> bool {
    let wanted = ["0", "1", "2", "3"].map(|at| wanted.pointer(&format!("/{at}")).and_then(Value::as_f64).unwrap());
    let (right, bottom) = (wanted[0] + wanted[2], wanted[1] + wanted[3]);
    [(found.x, wanted[0]), (found.y, wanted[1]), (found.x + found.w, right), (found.y + found.h, bottom)]
        .iter()
        .all(|(a, b)| (a - b).abs() <= 1.0)
}

/// Letters and digits, small, without spaces: repeated words were noted so.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_written(page: &PageText, text: &str, place: &Value) -> bool {
    let wanted = folded(text);
    page.lines().any(|line| {
        // Of some files lines are noted, and words that hold several.
        let longest = line.words.len();
        let is_line = line.area.is_some_and(|area| is_near(area, place))
            && folded(&line.words.iter().map(|word| word.text.as_str()).collect::<String>()) == wanted;
        is_line
            || (0..longest).any(|from| {
                (from + 1..=longest.min(from + 6)).any(|until| {
                    let run = &line.words[from..until];
                    let around = run.iter().filter_map(|word| word.area).reduce(Area::around);
                    around.is_some_and(|area| is_near(area, place))
                        && folded(&run.iter().map(|word| word.text.as_str()).collect::<String>()) == wanted
                })
            })
    })
}

#[test]
fn t1_every_word_that_was_noted_is_found_at_its_box() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let truth: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let (mut count, mut missing) = (0, Vec::new());
    for file in &truth {
        let name = file["file"].as_str().unwrap();
        let (page, _) = text::read(&std::fs::read(folder.join(name)).unwrap(), 0, name);
        let unit = page.size.map(|size| match size.unit {
            Unit::Pixel => "pixel",
            Unit::TenthOfMillimetre => "mm10",
            Unit::PartOfInch(_) => "inch1200",
        });
        assert!(unit.is_none_or(|unit| unit == file["unit"]), "{name}: {unit:?}");
        let unique = file["unique"].as_array().unwrap().iter().map(|word| (word, vec![&word["xywh"]]));
        let repeated = file["repeated"].as_array().into_iter().flatten();
        let repeated = repeated.map(|word| (word, word["xywh"].as_array().unwrap().iter().collect()));
        for (word, places) in unique.chain(repeated) {
            for place in places {
                count += 1;
                let text = word["text"].as_str().unwrap();
                // The other program took both readings of a word for one.
                let is_doubled = ["forgetorget", "equalinglIaling"].contains(&text);
                if !is_doubled && !is_written(&page, text, place) {
                    missing.push(format!("{name}: {text} {place}"));
                }
            }
        }
    }
    assert!(count > 500, "{count}");
    assert!(missing.is_empty(), "{} of {count}: {missing:#?}", missing.len());
}

#[test]
fn the_same_page_has_the_same_words_in_alto_and_page() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    for number in ["0017", "0020"] {
        let read =
            |name: String| text::read(&std::fs::read(folder.join("ocr/kant-1784").join(name)).unwrap(), 0, "a").0;
        let alto = read(format!("OCR-D-GT-ALTO/PAGE_{number}_ALTO.xml"));
        let page = read(format!("OCR-D-GT-PAGE/PAGE_{number}_PAGE.xml"));
        let words = |page: &PageText| page.words().map(|word| (word.text.clone(), word.area)).collect::<Vec<_>>();
        let (alto, page) = (words(&alto), words(&page));
        assert_eq!(alto.len(), page.len());
        for ((a, at), (b, there)) in alto.iter().zip(&page) {
            assert_eq!(a, b);
            let (at, there) = (at.unwrap(), there.unwrap());
            let edges = |area: Area| [area.x, area.y, area.x + area.w, area.y + area.h];
            assert!(edges(at).iter().zip(edges(there)).all(|(a, b)| (a - b).abs() <= 1.0), "{a}: {at:?} {there:?}");
        }
    }
}

#[test]
fn t3_words_that_real_files_break_are_whole() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    for (name, wholes) in [
        ("PPN750717092-00000780.ocr.xml", &["Ventilationsschachtes,", "Freilegung", "Kriegskammer", "Abrundung"][..]),
        ("hocr_hyphen.html", &["verbunden"]),
        ("chronicling_america.xml", &[]),
        ("sn90050316_1916_05_13_4_mini.xml", &[]),
    ] {
        let (page, _) = text::read(&std::fs::read(folder.join("ocr/formats").join(name)).unwrap(), 0, name);
        let found: Vec<&str> = page
            .words()
            .filter_map(|word| match &word.part {
                Some(WordPart::First { whole }) => Some(whole.as_str()),
                _ => None,
            })
            .collect();
        assert!(!found.is_empty(), "{name}");
        for whole in wholes {
            assert!(found.contains(whole), "{name}: {whole} is not in {found:?}");
        }
    }
}

#[test]
fn t8_other_readings_of_real_files_are_kept() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let alternatives = |name: &str, word: &str| {
        let (page, _) = text::read(&std::fs::read(folder.join("ocr/formats").join(name)).unwrap(), 0, name);
        page.words().find(|known| known.text == word).map(|word| word.alternatives.clone()).unwrap()
    };
    assert_eq!(alternatives("alternatives_bug.html", "UTAH"), ["UTAR", "VTA"]);
    let larex = "unused-larex-indexed-textequiv-jkamlah_OCR-D-GT_0008.xml";
    assert_eq!(alternatives(larex, "sondere"), ["gondere"]);
    assert_eq!(alternatives("alto3_Glyph_Sample04_Chinese.xml", "義"), ["選"]);
}

#[test]
fn a_file_of_several_pages_gives_each() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let bytes = std::fs::read(folder.join("ocr/formats/empty_words_bug.html")).unwrap();
    let (second, _) = text::read(&bytes, 1, "a.html");
    assert_eq!(super::support::texts(&second), ["A", "Ephpol.", "/", "2/2"]);
    assert_eq!(second.size.unwrap().width, 3021.0);
    let mut counts = Vec::new();
    let findings = text::read_each(&bytes, "a.html", |number, page| {
        counts.push((number, page.words().count()));
        std::ops::ControlFlow::Continue(())
    });
    assert!(findings.is_empty());
    assert_eq!(counts[..5], [(0, 0), (1, 4), (2, 0), (3, 0), (4, counts[4].1)]);
    assert!(counts[4].1 > 0);
}

#[test]
fn captions_of_real_files_become_lines_with_times() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let bytes = std::fs::read(folder.join("av/Per_voi_signore_Modelli_francesi_en.vtt")).unwrap();
    assert_eq!(text::recognise(&bytes), Some(TextFormat::WebVtt));
    let (page, _) = text::read(&bytes, 0, "a.vtt");
    assert!(page.lines().count() > 10);
    assert!(page.lines().all(|line| line.time_s.is_some_and(|(from, until)| from < until) && !line.words.is_empty()));
}

/// How fast one core reads: more than 500 real pages of ALTO a second in a program that is built for use. Tests are built with less
/// optimisation and run beside each other, so far less is asked for here; the number is printed.
#[test]
#[expect(clippy::print_stderr, reason = "the number is what one looks at")]
fn pages_are_read_fast_enough() {
    let Some(files) = files() else { return };
    for (format, least) in [(TextFormat::Alto, 10.0), (TextFormat::PageXml, 10.0), (TextFormat::Hocr, 5.0)] {
        let contents: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
        let contents: Vec<&Vec<u8>> = contents.iter().filter(|bytes| text::recognise(bytes) == Some(format)).collect();
        let (started, mut words, mut bytes, mut pages) = (Instant::now(), 0, 0, 0);
        for _ in 0..3 {
            for content in &contents {
                words += text::read(content, 0, "a").0.words().count();
                bytes += content.len();
                pages += 1;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let rate = f64::from(pages) / seconds;
        eprintln!(
            "{format:?}: {rate:.0} pages/s, {:.0} words/s, {:.0} MB/s",
            f64::from(u32::try_from(words).unwrap()) / seconds,
            bytes as f64 / seconds / 1e6
        );
        assert!(rate > least, "{format:?}: {rate} pages/s");
    }
}
