//! `toc.txt`.

use proptest::prelude::*;
use recto_ingest::description::Range;
use recto_ingest::sidecars::{PageNames, read_toc};
use serde_json::{Value, json};

use super::{json, lines};

fn toc(text: &str, pages: &[&[&str]]) -> (Vec<Range>, Vec<String>) {
    let pages = PageNames::new(pages.iter().map(|names| names.iter().copied()));
    let (ranges, findings) = read_toc(text.as_bytes(), "letters/toc.txt", &pages, None);
    (ranges, lines(&findings))
}

const PAGES: [&[&str]; 7] = [&["001"], &["002"], &["003"], &["004"], &["005"], &["006"], &["007"]];

/// Ranges as `[title, item, …]`, pages by name and region.
fn short(ranges: &[Range]) -> Value {
    fn shorten(range: &Value) -> Value {
        let items = range["items"].as_array().unwrap().iter().map(|item| {
            if let Some(inner) = item.get("range") {
                return shorten(inner);
            }
            let page = item["page"]["page"]["name"].as_str().unwrap();
            match item["page"].get("region") {
                Some(at) => format!("{page}@{},{},{},{}", at["x"], at["y"], at["w"], at["h"]).into(),
                None => page.into(),
            }
        });
        std::iter::once(range["label"]["none"][0].clone()).chain(items).collect()
    }
    json(&ranges).as_array().unwrap().iter().map(shorten).collect()
}

#[test]
fn indentation_nests_and_pages_are_named_as_people_do() {
    let text = "# Contents\n\nFront matter  001-004\nLetter to Max  005-007\n  Postscript  007@100,2000,1500,600\n";
    let (ranges, findings) = toc(text, &PAGES);
    assert_eq!(findings, [""; 0]);
    assert_eq!(
        short(&ranges),
        json!([
            ["Front matter", "001", "002", "003", "004"],
            ["Letter to Max", "005", "006", "007", ["Postscript", "007@100,2000,1500,600"]],
        ])
    );
}

#[test]
fn every_way_to_write_a_line_is_understood() {
    for (line, want) in [
        ("A  001", json!(["A", "001"])),
        ("A\t001", json!(["A", "001"])),
        ("A ..... 001", json!(["A", "001"])),
        ("A…001", json!(["A", "001"])),
        ("Chapter 2  003", json!(["Chapter 2", "003"])),
        ("1848-1849: a  year  003", json!(["1848-1849: a  year", "003"])),
        ("A  1", json!(["A", "001"])),
        ("A  001–003", json!(["A", "001", "002", "003"])),
        ("A  003-001", json!(["A", "001", "002", "003"])),
        ("A  001, 003", json!(["A", "001", "003"])),
        ("A  001 003;005", json!(["A", "001", "003", "005"])),
        ("A  001  003", json!(["A", "001", "003"])),
        ("A  001@1,2,3,4,003", json!(["A", "001@1,2,3,4", "003"])),
        ("A  \"001\"", json!(["A", "001"])),
        ("And so on...  001", json!(["And so on", "001"])),
    ] {
        let (ranges, findings) = toc(line, &PAGES);
        assert_eq!(findings, [""; 0], "{line}");
        assert_eq!(short(&ranges), json!([want]), "{line}");
    }
}

#[test]
fn names_with_hyphens_and_blanks_are_names() {
    let pages: [&[&str]; 3] =
        [&["c1", "f. 1r", "ms-1_001.tif", "ms-1_001"], &["c2", "f. 1v", "ms-1_002.tif", "ms-1_002"], &["c3", "1"]];
    for (line, want) in [
        ("A  f. 1r", json!(["A", "c1"])),
        ("A  f. 1r-f. 1v", json!(["A", "c1", "c2"])),
        ("A  ms-1_001-ms-1_002", json!(["A", "c1", "c2"])),
        ("A  ms-1_002.tif", json!(["A", "c2"])),
        ("A  1", json!(["A", "c3"])),
        ("A  2", json!(["A", "c2"])),
    ] {
        let (ranges, findings) = toc(line, &pages);
        assert_eq!(findings, [""; 0], "{line}");
        assert_eq!(short(&ranges), json!([want]), "{line}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_the_rest_is_good() {
    let text = "A  001\nB  0o2\nC 003\nD\n    E  004-0x5\n\tF  005@1,2,3\n  G  006\nH  007\n";
    let (ranges, findings) = toc(text, &PAGES);
    assert_eq!(short(&ranges), json!([["A", "001"], ["D", ["G", "006"]], ["H", "007"]]));
    assert_eq!(
        findings,
        [
            "error[unknown-page] letters/toc.txt:2:4: there is no page `0o2`; did you mean `002`?",
            "warning[range-without-pages] letters/toc.txt:2:1: `B` has no page, and was left out; write two spaces and the \
             page behind the title, such as `Preface  003`",
            "warning[range-without-pages] letters/toc.txt:3:1: `C 003` has no page, and was left out; if `003` is its page, \
             put two spaces or a tab before it",
            "error[unknown-page] letters/toc.txt:5:8: there is no page `0x5`; did you mean `005`?",
            "note[tabs-and-spaces] letters/toc.txt:6: some lines begin with tabs and some with spaces; a tab was taken for \
             four spaces; use one of them in the whole file",
            "warning[range-without-pages] letters/toc.txt:5:5: `E` has no page, and was left out; write two spaces and the \
             page behind the title, such as `Preface  003`",
            "error[bad-region] letters/toc.txt:6:5: `@1,2,3` is no region; write `@x,y,w,h` in pixels of the page, such as \
             `@100,2000,1500,600`",
            "warning[unclear-level] letters/toc.txt:7: the line stands between two levels, and was taken for the upper one; \
             begin it exactly under the line that it follows",
            "warning[range-without-pages] letters/toc.txt:6:2: `F` has no page, and was left out; write two spaces and the \
             page behind the title, such as `Preface  003`",
        ]
    );
}

#[test]
fn a_table_of_contents_that_is_far_too_large_is_bounded() {
    let pages: Vec<String> = (1..=2000).map(|number| format!("{number:04}")).collect();
    let names = PageNames::new(pages.iter().map(|name| [name.clone()]));
    let text = "A  0001-2000\n".repeat(1000);
    let (ranges, findings) = read_toc(text.as_bytes(), "toc.txt", &names, None);
    assert_eq!(ranges.iter().map(|range| range.items.len()).sum::<usize>(), 500_000);
    assert!(findings.iter().any(|finding| finding.rule == "sidecar-too-large"));
    let deep: String = (0..100).map(|level| format!("{}A  0001\n", " ".repeat(level))).collect();
    let (ranges, _) = read_toc(deep.as_bytes(), "toc.txt", &names, None);
    assert_eq!(ranges.len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "((A|1|001|ä)?[ \\t\\n.…@,;\"#-]{0,3}(002|1,2,3,4)?){0,20}|\\PC{0,60}") {
        toc(&text, &PAGES);
    }
}
