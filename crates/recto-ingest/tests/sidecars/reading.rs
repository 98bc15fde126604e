//! `recto.yml` and its like.

use std::fmt::Write as _;

use proptest::prelude::*;
use recto_ingest::description::Description;
use recto_ingest::sidecars::{read_members, read_sidecar};
use serde_json::json;

use super::{json, lines};

fn yaml(text: &str) -> (Description, Vec<String>) {
    let (description, findings) = read_sidecar(text.as_bytes(), "letters/recto.yml");
    (description, lines(&findings))
}

#[test]
fn plain_texts_are_in_the_language_of_the_file() {
    let (said, findings) = yaml("label: Briefe\nlanguage: de\nmetadata: [{Autor: [Anna, Max]}]\n");
    assert_eq!(findings, [""; 0]);
    assert_eq!(
        json(&said),
        json!({
            "label": {"de": ["Briefe"]},
            "metadata": [{"label": {"de": ["Autor"]}, "value": {"de": ["Anna", "Max"]}}],
            "language": "de",
        })
    );
}

#[test]
fn words_that_other_readers_take_for_something_else_are_texts() {
    let (said, findings) = yaml(
        "label: {no: Brev, en: yes}\nsummary: 0x10\nid: 007\nlanguage: no\nnavDate: 1890-05-03\nstart: 1_000\n\
         metadata: [{Year: 1890.0}, {Time: 12:30:45}, {Nothing: ~}]\n",
    );
    assert_eq!(findings, [""; 0]);
    assert_eq!(
        json(&said),
        json!({
            "id": "007",
            "label": {"no": ["Brev"], "en": ["yes"]},
            "summary": {"no": ["0x10"]},
            "metadata": [
                {"label": {"no": ["Year"]}, "value": {"no": ["1890.0"]}},
                {"label": {"no": ["Time"]}, "value": {"no": ["12:30:45"]}},
            ],
            "navDate": "1890-05-03T00:00:00Z",
            "start": {"name": "1_000"},
            "language": "no",
        })
    );
}

#[test]
fn a_broken_part_costs_no_other_key() {
    for (text, finding) in [
        ("id: a\nlabel: Berlin: a city\nrights: CC0\n", "2:14: this is not understood"),
        ("id: a\nlabel: \"never closed\nrights: CC0\n", "2:"),
        ("id: a\nmetadata:\n\t- {a: b}\nrights: CC0\n", "3:"),
        ("id: a\nlabel: @home\nrights: CC0\n", "2:8: "),
        ("id: a\nlabel: *home*\nrights: CC0\n", "2:8: "),
        ("id: a\nmetadata: [a, b\nrights: CC0\n", "2:"),
        ("id: a\nviewing:\n  direction: rtl\n behavior: paged\nrights: CC0\n", "4:"),
    ] {
        let (said, findings) = yaml(text);
        assert_eq!(said.id.as_deref(), Some("a"), "{text}");
        assert_eq!(
            said.rights.as_deref(),
            Some("http://creativecommons.org/publicdomain/zero/1.0/"),
            "{text}{findings:?}"
        );
        assert_eq!(findings.len(), 1, "{text}{findings:?}");
        assert!(findings[0].starts_with(&format!("error[broken-yaml] letters/recto.yml:{finding}")), "{}", findings[0]);
    }
}

#[test]
fn remedies_are_for_people() {
    for (text, remedy) in [
        (
            "a: 1\nlabel: Berlin: a city\n",
            "put the text after the first colon into quotation marks, since it has a colon itself",
        ),
        ("a: 1\nlabel: \"never closed\n", "close the quotation mark, and double each one inside the text"),
        ("a: 1\nmetadata:\n\t- {a: b}\n", "indent with spaces; YAML allows no tabs there"),
        ("a: 1\nlabel: @home\n", "put the text after the colon into quotation marks"),
        ("a: 1\nlabel: *home*\n", "put the text after the colon into quotation marks"),
    ] {
        let (_, findings) = yaml(text);
        assert!(findings[0].ends_with(remedy) || findings[1].ends_with(remedy), "{text}{findings:?}");
    }
}

#[test]
fn keys_that_are_not_known_or_twice_are_said_with_their_place() {
    let (said, findings) =
        yaml("lable: x\nid: a\nid: b\nviewingDirection: rtl\nrequired_statement: {Quelle: Archiv}\nfoo: 1\n");
    assert_eq!(
        findings,
        [
            "warning[key-twice] letters/recto.yml:3:1: `id` stands in line 2 already; this one was left out; put both into \
             one, or delete one",
            "warning[unknown-key] letters/recto.yml:1:1: the key `lable` is not known; did you mean `label`?",
            "warning[unknown-key] letters/recto.yml:6:1: the key `foo` is not known; put it under `metadata` if it is to be \
             shown",
        ]
    );
    assert_eq!(
        json(&said),
        json!({
            "id": "a",
            "requiredStatement": {"label": {"none": ["Quelle"]}, "value": {"none": ["Archiv"]}},
            "viewingDirection": "right-to-left",
        })
    );
}

#[test]
fn values_of_the_wrong_kind_are_said_with_their_place_and_a_remedy() {
    let (said, findings) = yaml(
        "label: {de: {x: y}}\nid: [a]\nmetadata: Author\nnavPlace: {lat: 100, lon: 0}\nviewing: paged\n\
         rendering: {pdf: maybe}\nhomepage: {label: x}\nprovider: [[x]]\n",
    );
    assert_eq!(json(&said), json!({}));
    assert_eq!(
        findings,
        [
            "warning[wrong-type] letters/recto.yml:1:13: `label` is a map of keys here, and was left out; write a text, or \
             texts by language such as `{de: Briefe, en: Letters}`; put a text with a colon or bracket into quotation marks",
            "warning[wrong-type] letters/recto.yml:2:5: `id` is a list here, and was left out; write one text",
            "warning[wrong-type] letters/recto.yml:3:11: `metadata` is a text here, and was left out; write pairs such as \
             `- Author: Anna Muster`, with a space behind the colon",
            "warning[bad-place] letters/recto.yml:4:11: the place needs degrees north from -90 to 90 and degrees east from \
             -180 to 180; write both as decimal degrees, such as `52.52` and `13.40`",
            "warning[wrong-type] letters/recto.yml:5:10: `viewing` is a text here, and was left out; write `{direction: \
             left-to-right, behavior: [paged]}`",
            "warning[wrong-type] letters/recto.yml:6:18: `maybe` is neither `true` nor `false`; write `true` or `false`",
            "warning[bad-link] letters/recto.yml:7:11: `homepage` has no address; write an address such as \
             `https://example.org/letters`",
            "warning[wrong-type] letters/recto.yml:8:12: `provider` is a list here, and was left out; write `id`, `label`, \
             `homepage` and `logo` under it",
        ]
    );
}

#[test]
fn access_keeps_its_form_whatever_the_format() {
    let want = json!({"groups": ["staff"], "until": "2030-01-01", "max": 400, "open": true, "code": "007", "x": null});
    let text = "access: {groups: [staff], until: 2030-01-01, max: 400, open: true, code: 007, x: }";
    assert_eq!(yaml(text).0.access, Some(want.clone()));
    let text = json!({"access": want}).to_string();
    let (said, findings) = read_sidecar(text.as_bytes(), "recto.json");
    assert_eq!((said.access, findings), (Some(want), vec![]));
}

#[test]
fn broken_json_is_read_up_to_the_damage() {
    let (said, findings) = read_sidecar(b"{\"id\": \"a\",\n \"label\": \"B\",\n \"rights\": CC0}", "recto.json");
    assert_eq!(json(&said), json!({"id": "a", "label": {"none": ["B"]}}));
    assert_eq!(
        lines(&findings),
        [
            "error[broken-json] recto.json:3:12: this is no JSON; the rest was left out; put texts into quotation marks, and \
          leave out comments"
        ]
    );
}

#[test]
fn references_that_multiply_are_bounded() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![before; 10].join(", ")).unwrap();
    }
    let (said, findings) = yaml(&bomb);
    assert_eq!(said, Description::default());
    assert!(
        findings.iter().any(|line| line.contains("error[broken-yaml]") && line.contains("more than 100000 things")),
        "{findings:?}"
    );
    for text in ["[".repeat(5000), format!("access: {}", "{a: ".repeat(5000)), "- ".repeat(5000), "? ".repeat(5000)] {
        yaml(&text);
        read_sidecar(text.as_bytes(), "recto.json");
        read_sidecar(format!("a = {text}").as_bytes(), "recto.toml");
    }
}

#[test]
fn parts_that_are_referred_to_are_read_in_both_places() {
    let (said, findings) = yaml("label: &name {de: Briefe}\nsummary: *name\n");
    assert_eq!(findings, [""; 0]);
    assert_eq!(json(&said), json!({"label": {"de": ["Briefe"]}, "summary": {"de": ["Briefe"]}}));
}

#[test]
fn an_empty_file_says_nothing() {
    for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(yaml(text), (Description::default(), vec![]), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for name in ["recto.yml", "recto.json", "recto.toml"] {
            read_sidecar(&bytes, name);
        }
        for name in ["manifests.yml", "manifests.csv"] {
            read_members(&bytes, name);
        }
    }

    #[test]
    fn any_text_of_yaml_signs_is_read_without_panic(
        text in "((label|metadata|viewing|access|navPlace|rendering|provider)?[ \\t\\n:\\[\\]{}\"'#&*!|>%@,-]{0,4}(de|1|~)?){0,20}",
    ) {
        for name in ["recto.yml", "recto.json", "recto.toml"] {
            read_sidecar(text.as_bytes(), name);
        }
        read_members(text.as_bytes(), "manifests.yml");
    }
}
