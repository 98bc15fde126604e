//! Several sources about one thing.

use recto_ingest::description::Description;
use recto_ingest::merge::{Said, Source, inherit, merge, strictest};
use serde_json::{Value, json};

use super::{json, lines};

/// A description from JSON, in which everything may be left out.
fn description(mut value: Value) -> Description {
    for page in value.get_mut("pages").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(file) = page.as_str().map(str::to_owned) {
            *page = json!({"contents": [{"location": {"file": file}}]});
        }
    }
    serde_json::from_value(value).unwrap()
}

fn said(by: Source, place: &str, value: Value) -> Said {
    Said { by, place: place.into(), description: description(value) }
}

fn files(value: &Value) -> Vec<&str> {
    value["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| page["contents"][0]["location"]["file"].as_str().unwrap())
        .collect()
}

#[test]
fn the_higher_source_counts_and_the_other_is_told() {
    let (whole, findings) = merge(vec![
        said(Source::FileName, "letters", json!({"label": {"none": ["letters"]}})),
        said(
            Source::Mets,
            "letters/mets.xml",
            json!({
                "label": {"de": ["Brief"]},
                "summary": {"de": ["Vierzig"]},
                "rights": "http://rightsstatements.org/vocab/InC/1.0/",
                "metadata": [
                    {"label": {"de": ["Verfasser"]}, "value": {"none": ["A. Muster"]}},
                    {"label": {"en": ["Date"], "de": ["Datum"]}, "value": {"none": ["1891"]}},
                    {"label": {"de": ["Umfang"]}, "value": {"none": ["40"]}},
                ],
                "seeAlso": [{"id": "mets.xml"}],
            }),
        ),
        said(
            Source::Sidecar,
            "letters/recto.yml",
            json!({
                "label": {"en": ["Letters"]},
                "metadata": [{"label": {"none": ["datum"]}, "value": {"none": ["1890"]}}, {"label": {"none": ["Ort"]}, "value": {"none": ["Wien"]}}],
                "seeAlso": [{"id": "x.xml"}],
            }),
        ),
    ]);
    assert_eq!(
        json(&whole),
        json!({
            "label": {"en": ["Letters"]},
            "summary": {"de": ["Vierzig"]},
            "metadata": [
                {"label": {"none": ["datum"]}, "value": {"none": ["1890"]}},
                {"label": {"none": ["Ort"]}, "value": {"none": ["Wien"]}},
                {"label": {"de": ["Verfasser"]}, "value": {"none": ["A. Muster"]}},
                {"label": {"de": ["Umfang"]}, "value": {"none": ["40"]}},
            ],
            "rights": "http://rightsstatements.org/vocab/InC/1.0/",
            "seeAlso": [{"id": "x.xml", "type": ""}, {"id": "mets.xml", "type": ""}],
        })
    );
    assert_eq!(
        lines(&findings),
        [
            "note[sources-differ] letters/mets.xml: what it says of `label` differs from `letters/recto.yml`, which counts; \
             make both alike, or leave it if that is meant",
            "note[sources-differ] letters/mets.xml: what it says of `Date` differs from `letters/recto.yml`, which counts; \
             make both alike, or leave it if that is meant",
        ]
    );
}

#[test]
fn pages_come_from_the_table_unless_order_says_otherwise() {
    let table = || said(Source::PagesTable, "pages.csv", json!({"pages": ["b", "a"]}));
    let mets = || {
        let pages = json!([
            {"contents": [{"location": {"file": "a"}}], "label": {"none": ["I"]}, "access": "staff"},
            {"contents": [{"location": {"file": "b"}}], "label": {"none": ["II"]}},
            {"contents": [{"location": {"file": "c"}}]},
        ]);
        let range = json!({"label": {"none": ["R"]}, "items": [
            {"page": {"page": {"own": 1}}}, {"page": {"page": {"own": 2}}},
            {"range": {"items": [{"page": {"page": {"own": 0}}}]}},
        ]});
        said(Source::Mets, "mets.xml", json!({"pages": pages, "ranges": [range]}))
    };
    let (whole, findings) = merge(vec![mets(), table()]);
    assert_eq!(lines(&findings), [""; 0]);
    let whole = json(&whole);
    assert_eq!(files(&whole), ["b", "a"]);
    assert_eq!(whole["pages"][0]["label"], json!({"none": ["II"]}));
    assert_eq!(whole["pages"][1]["access"], json!("staff"));
    assert_eq!(
        whole["ranges"][0]["items"],
        json!([
            {"page": {"page": {"own": 0}}},
            {"page": {"page": {"name": "c"}}},
            {"range": {"items": [{"page": {"page": {"own": 1}}}]}},
        ])
    );
    let (whole, _) = merge(vec![mets(), table(), said(Source::Sidecar, "recto.yml", json!({"order": "mets"}))]);
    assert_eq!(files(&json(&whole)), ["a", "b", "c"]);
    let (whole, findings) = merge(vec![table(), said(Source::Sidecar, "recto.yml", json!({"order": "mets"}))]);
    assert_eq!(files(&json(&whole)), ["b", "a"]);
    assert_eq!(
        lines(&findings),
        [
            "warning[no-such-order] recto.yml: `order` asks for that of a METS file, and there is none with pages; add the file, \
          or write `order: natural`"
        ]
    );
}

#[test]
fn structure_has_a_precedence_of_its_own() {
    let ranges = |title: &str| json!({"ranges": [{"label": {"none": [title]}, "items": []}]});
    let all = [
        (Source::Toc, "toc"),
        (Source::PagesTable, "csv"),
        (Source::Mets, "mets"),
        (Source::Tei, "tei"),
        (Source::Pdf, "pdf"),
    ];
    for first in 0..all.len() {
        let sources = all[first..].iter().rev().map(|(by, title)| said(*by, title, ranges(title))).collect();
        let (whole, _) = merge(sources);
        assert_eq!(whole.ranges.len(), 1);
        assert_eq!(whole.ranges[0].label.first(), Some(all[first].1));
    }
}

#[test]
fn access_is_the_strictest() {
    for (rules, want) in [
        (vec![], None),
        (vec![json!("public")], Some(json!("public"))),
        (vec![json!("public"), json!("staff")], Some(json!("staff"))),
        (vec![json!("staff"), json!("none"), json!("public")], Some(json!("none"))),
        (vec![json!("staff"), json!("staff")], Some(json!("staff"))),
        (
            vec![json!({"groups": ["a"]}), json!({"ip": ["b"]})],
            Some(json!({"all": [{"groups": ["a"]}, {"ip": ["b"]}]})),
        ),
        (vec![json!({"all": ["x", "y"]}), json!("y"), json!("z")], Some(json!({"all": ["x", "y", "z"]}))),
        (vec![json!(null)], None),
    ] {
        assert_eq!(strictest(&rules), want, "{rules:?}");
    }
}

#[test]
fn what_flows_down_does_not_overwrite() {
    let parent = description(json!({
        "label": {"none": ["stays above"]}, "language": "de", "rights": "http://rightsstatements.org/vocab/InC/1.0/",
        "behavior": ["multi-part", "paged"], "viewingDirection": "right-to-left", "access": "staff",
    }));
    let mut child = description(json!({"language": "fr", "access": "public"}));
    inherit(&parent, &mut child);
    assert_eq!(
        json(&child),
        json!({
            "language": "fr", "rights": "http://rightsstatements.org/vocab/InC/1.0/", "behavior": ["paged"],
            "viewingDirection": "right-to-left", "access": "staff",
        })
    );
    let open = description(json!({"access": {"groups": ["staff"], "overridable": true}}));
    let mut child = description(json!({"access": "public"}));
    inherit(&open, &mut child);
    assert_eq!(child.access, Some(json!("public")));
    let mut child = Description::default();
    inherit(&open, &mut child);
    assert_eq!(child.access, open.access);
}
