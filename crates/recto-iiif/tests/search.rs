//! Content Search 2.0 and 1.0: requests, answers, completions and services, by the names of the checklist (S2-…, S1-…).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use recto_iiif::presentation::{Canvas, Collection, DocumentUrls, LanguageMap, Manifest, v2};
use recto_iiif::search::{
    Container, Found, FoundHit, FoundPart, Motivation, Parameter, SearchRequest, SearchServices, ServiceUrls, Term,
    Total, Version, add_context, answer, terms,
};
use recto_iiif::validate::{Severity, validate};
use recto_iiif::{Dimensions, Rect};
use serde_json::{Value, json};

const CANVAS: &str = "https://example.org/iiif/presentation/3/book/canvas/1";

fn part(id: &str, area: [u32; 4], text: &str) -> FoundPart {
    let [x, y, w, h] = area;
    FoundPart {
        area: Some(Rect::new(x, y, w, h)),
        canvas_size: Some(Dimensions::new(1000, 1500)),
        ..FoundPart::new(id, CANVAS, text)
    }
}

fn hit(before: &str, exact: &str, after: &str, parts: Vec<FoundPart>) -> FoundHit {
    FoundHit { before: before.into(), exact: exact.into(), after: after.into(), parts, annotation: None }
}

/// A word, and a phrase over the end of a line.
fn two_hits() -> Vec<FoundHit> {
    vec![
        hit("There are two ", "birds", " in the bush", vec![part("1-3", [200, 100, 40, 20], "birds")]),
        hit(
            "bird in the ",
            "hand is",
            " worth two",
            vec![part("1-10", [200, 100, 150, 30], "hand"), part("1-11", [20, 140, 17, 30], "is")],
        ),
    ]
}

/// A stored annotation with two matches in its body.
fn stored_hits() -> Vec<FoundHit> {
    let annotation = json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": "https://example.org/annotation/7", "type": "Annotation", "motivation": ["commenting"],
        "body": {"type": "TextualBody", "value": "There are two birds in the bush", "format": "text/plain"},
        "target": format!("{CANVAS}#xywh=200,100,200,20")
    });
    let place = || vec![part("7", [200, 100, 200, 20], "There are two birds in the bush")];
    let within = |before: &str, exact: &str, after: &str| FoundHit {
        annotation: Some(annotation.clone()),
        ..hit(before, exact, after, place())
    };
    vec![within("There are two ", "birds", " in the bush"), within("birds in the ", "bush", "")]
}

fn request(query: &str) -> SearchRequest {
    SearchRequest::parse(query, Version::V2).unwrap().0
}

fn urls(version: Version) -> ServiceUrls {
    ServiceUrls::new(format!("https://example.org/iiif/search/{}/book/manifest", version.segment()))
        .with_annotations("https://example.org/iiif/search/book/annotation")
}

fn written(version: Version, found: &Found, query: &str) -> Value {
    let document = answer(version, found, &request(query), &[], &urls(version));
    assert_sound(&document);
    document
}

/// Not a rule finds anything in it, those about viewers included.
fn assert_sound(document: &Value) {
    let findings = validate(document);
    assert!(findings.is_empty(), "{findings:#?}\n{document:#}");
}

fn page_of(hits: &[FoundHit]) -> Found {
    Found::page_of(hits, 100, 1)
}

// Requests.

#[test]
fn s2_4_parameters_are_read_with_blanks_as_plus_and_escaped() {
    for query in
        ["q=green+bird&motivation=a%20b", "q=green%20bird&motivation=a+b", "x=1&q=%67reen+bird&&motivation=a+b&y"]
    {
        let (request, ignored) = SearchRequest::parse(query, Version::V2).unwrap();
        assert_eq!(request.q, "green bird", "{query}");
        assert_eq!(request.motivations, [Motivation::Named("a".into()), Motivation::Named("b".into())], "{query}");
        assert_eq!(ignored, []);
    }
}

#[test]
fn s2_4_several_motivations_dates_and_users_are_alternatives() {
    let query = "motivation=commenting+tagging&date=2020-01-01T00:00:00Z/2020-12-31T00:00:00Z%202022-01-01T00:00:00Z/2022-12-31T00:00:00Z\
                 &user=https%3A%2F%2Fexample.org%2Fa+mailto:b@example.org";
    let request = request(query);
    for (motivations, want) in [
        (&["commenting"][..], true),
        (&["describing", "tagging"], true),
        (&["describing"], false),
        (&["supplementing"], false),
        (&[], false),
    ] {
        assert_eq!(request.admits_motivations(motivations), want, "{motivations:?}");
    }
    for (created, want) in
        [("2020-05-01T00:00:00Z", true), ("2021-05-01T00:00:00Z", false), ("2022-05-01T00:00:00Z", true)]
    {
        assert_eq!(request.admits_date(created.parse().ok()), want, "{created}");
    }
    assert!(request.admits_users(&["mailto:b@example.org"]) && !request.admits_users(&["https://example.org/c"]));
}

#[test]
fn s2_5_a_filter_leaves_out_what_has_no_such_field_and_an_empty_one_nothing() {
    let request = request("motivation=commenting&date=2020-01-01T00:00:00Z/2020-12-31T00:00:00Z&user=urn:a");
    assert!(!request.admits_motivations(&[]) && !request.admits_date(None) && !request.admits_users(&[]));
    assert!(!request.admits_page_text());
    for query in ["", "q=", "q=a&motivation=&date=&user=", "q=a&motivation=+&date=%20&user=+&page=+"] {
        let request = self::request(query);
        assert!(request.admits_motivations(&[]) && request.admits_date(None) && request.admits_users(&[]), "{query}");
        assert!(request.admits_page_text(), "{query}");
    }
}

#[test]
fn s2_6_what_is_not_done_is_named_and_has_no_effect() {
    let (request, ignored) = SearchRequest::parse("q=bird&min=2&colour=red", Version::V2).unwrap();
    assert_eq!((ignored, request.min), (vec![Parameter::Min], 1));
    assert_eq!(SearchRequest::parse("q=bird&min=few", Version::V2).unwrap().1, [Parameter::Min]);
    let given = self::request("q=bird&user=urn:a&motivation=tagging");
    let (request, ignored) = given.without(&[Parameter::User, Parameter::Date]);
    assert_eq!(ignored, [Parameter::User]);
    assert!(request.admits_users(&[]) && !request.admits_motivations(&[]));
}

#[test]
fn s2_6_what_cannot_be_read_is_refused_with_the_part_and_what_it_should_be() {
    let many = format!("motivation={}", "a+".repeat(101));
    let long = format!("q={}", "a".repeat(2001));
    for (query, parameter, given) in [
        ("date=yesterday", "date", "yesterday"),
        ("date=2020-01-01T00:00:00Z/2020-12-31T00:00:00Z+2020-01-01", "date", "2020-01-01"),
        ("user=me", "user", "me"),
        ("user=https:", "user", "https:"),
        ("page=0", "page", "0"),
        ("page=-1", "page", "-1"),
        ("page=99999999999999999999", "page", "99999999999999999999"),
        (&many, "motivation", ""),
        (&long, "q", ""),
    ] {
        let refused = SearchRequest::parse(query, Version::V2).unwrap_err();
        assert_eq!((refused.parameter(), refused.given()), (parameter, given), "{query}");
        assert!(
            refused.to_string().contains(parameter) && refused.to_string().contains(&refused.expected()),
            "{refused}"
        );
    }
}

#[test]
fn s2_15_a_completion_needs_q_and_keeps_it_whole() {
    for query in ["", "q=", "q=+", "min=1"] {
        let refused = SearchRequest::parse_autocomplete(query, Version::V2).unwrap_err();
        assert_eq!(refused.parameter(), "q", "{query}");
    }
    let (request, ignored) = SearchRequest::parse_autocomplete("q=+green+bir+&min=3", Version::V2).unwrap();
    assert_eq!((request.q.as_str(), request.min, ignored), ("green bir ", 3, vec![]));
    assert_eq!(SearchRequest::parse_autocomplete("q=a&min=few", Version::V1).unwrap_err().given(), "few");
}

#[test]
fn s1_6_painting_is_what_1_0_calls_so() {
    for (query, text, comment) in [
        ("motivation=painting", true, false),
        ("motivation=non-painting", false, true),
        ("motivation=oa:commenting", false, true),
    ] {
        let (request, _) = SearchRequest::parse(query, Version::V1).unwrap();
        assert_eq!(
            (request.admits_page_text(), request.admits_motivations(&["commenting"])),
            (text, comment),
            "{query}"
        );
    }
}

#[test]
fn what_is_no_text_is_read_as_far_as_it_can_be() {
    assert_eq!(request("q=100%").q, "100%");
    assert_eq!(request("q=%zz%4").q, "%zz%4");
    assert_eq!(request("q=a%00b%0Ac").q, "a b c");
    assert_eq!(request("q=%ff").q, "\u{fffd}");
    assert_eq!(request("q=first&q=second").q, "first");
}

// Answers of 2.0.

#[test]
fn s2_3_an_answer_is_a_page_of_whole_annotations() {
    let page = written(Version::V2, &page_of(&two_hits()), "q=bird");
    assert_eq!(page["@context"], "http://iiif.io/api/search/2/context.json");
    assert_eq!(page["id"], "https://example.org/iiif/search/2/book/manifest?q=bird&page=1");
    assert_eq!(
        page["items"][0],
        json!({
            "id": "https://example.org/iiif/search/book/annotation/1-3", "type": "Annotation", "motivation": "supplementing",
            "body": {"type": "TextualBody", "value": "birds", "format": "text/plain"},
            "target": format!("{CANVAS}#xywh=200,100,40,20")
        })
    );
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
}

#[test]
fn s2_3_nothing_found_is_an_empty_page() {
    let page = written(Version::V2, &Found::nothing(), "q=xyz");
    assert_eq!((&page["items"], &page["partOf"]["total"]), (&json!([]), &json!(0)));
    assert!(page.get("annotations").is_none() && page.get("next").is_none());
    let list = written(Version::V1, &Found::nothing(), "q=xyz");
    assert_eq!((&list["resources"], &list["hits"], &list["within"]["total"]), (&json!([]), &json!([]), &json!(0)));
}

#[test]
fn s2_6_ignored_parameters_are_listed_and_left_out_of_the_ids() {
    let (request, ignored) = request("q=bird&user=urn:a&date=2020-01-01T00:00:00Z/2021-01-01T00:00:00Z")
        .without(&[Parameter::User, Parameter::Date]);
    let found = page_of(&two_hits());
    let page = answer(Version::V2, &found, &request, &ignored, &urls(Version::V2));
    assert_sound(&page);
    assert_eq!(page["ignored"], json!(["date", "user"]));
    assert_eq!(page["id"], "https://example.org/iiif/search/2/book/manifest?q=bird&page=1");
    let list = answer(Version::V1, &found, &request, &ignored, &urls(Version::V1));
    assert_sound(&list);
    assert_eq!(list["within"]["ignored"], json!(["date", "user"]));
    assert!(list.get("ignored").is_none());
}

#[test]
fn s2_7_pages_link_to_each_other_by_objects() {
    let hits: Vec<FoundHit> =
        (0..5).map(|n| hit("", "bird", "", vec![part(&format!("w{n}"), [n, 0, 1, 1], "bird")])).collect();
    let page = written(Version::V2, &Found::page_of(&hits, 2, 2), "q=bird%20song");
    let link = |page: u64| {
        let id = format!("https://example.org/iiif/search/2/book/manifest?q=bird%20song&page={page}");
        json!({"id": id, "type": "AnnotationPage"})
    };
    assert_eq!(
        page["partOf"],
        json!({
            "id": "https://example.org/iiif/search/2/book/manifest?q=bird%20song", "type": "AnnotationCollection",
            "total": 5, "first": link(1), "last": link(3)
        })
    );
    assert_eq!((&page["prev"], &page["next"], &page["startIndex"]), (&link(1), &link(3), &json!(2)));
    let last = written(Version::V2, &Found::page_of(&hits, 2, 3), "q=bird%20song");
    assert!(last.get("next").is_none());
    let beyond = written(Version::V2, &Found::page_of(&hits, 2, 9), "q=bird%20song");
    assert_eq!((&beyond["items"], &beyond["prev"], beyond.get("next")), (&json!([]), &link(3), None));
}

#[test]
fn s2_7_a_total_that_is_not_known_is_not_claimed() {
    let found = Found {
        hits_total: Total::AtLeast(1000),
        annotations_total: Total::AtLeast(1200),
        pages: None,
        has_next: true,
        ..page_of(&two_hits())
    };
    let page = written(Version::V2, &found, "q=the");
    assert!(page["partOf"].get("total").is_none() && page["partOf"].get("last").is_none());
    assert!(page["annotations"][0]["partOf"].get("total").is_none());
    assert_eq!(written(Version::V1, &found, "q=the")["within"]["total"], 1000);
}

fn in_a_collection() -> Vec<FoundHit> {
    let mut hits = two_hits();
    for part in hits.iter_mut().flat_map(|hit| &mut hit.parts) {
        part.part_of = Some(Container {
            manifest: "https://example.org/iiif/presentation/3/book/manifest".into(),
            manifest_2: Some("https://example.org/iiif/presentation/2/book/manifest".into()),
            label: LanguageMap::one("en", "A book"),
        });
    }
    hits
}

#[test]
fn s2_8_the_object_of_a_canvas_is_named_where_several_were_searched() {
    let page = written(Version::V2, &page_of(&in_a_collection()), "q=bird");
    assert_eq!(
        page["items"][0]["target"],
        json!({
            "id": format!("{CANVAS}#xywh=200,100,40,20"), "type": "Canvas",
            "partOf": {
                "id": "https://example.org/iiif/presentation/3/book/manifest", "type": "Manifest", "label": {"en": ["A book"]}
            }
        })
    );
}

#[test]
fn s2_9_s2_10_a_match_in_the_text_of_a_page_stands_in_its_context() {
    let page = written(Version::V2, &page_of(&two_hits()), "q=bird");
    let annotations = page["annotations"].as_array().unwrap();
    assert_eq!((annotations.len(), &annotations[0]["type"]), (1, &json!("AnnotationPage")));
    let matched = &annotations[0]["items"][0];
    assert_eq!(
        (&matched["motivation"], &matched["target"]),
        (
            &json!("contextualizing"),
            &json!({
                "type": "SpecificResource", "source": page["items"][0]["id"],
                "selector": [{
                    "type": "TextQuoteSelector", "prefix": "There are two ", "exact": "birds", "suffix": " in the bush"
                }]
            })
        )
    );
    assert_eq!(matched["target"]["selector"][0]["exact"], page["items"][0]["body"]["value"]);
}

#[test]
fn s2_11_a_stored_annotation_is_there_once_with_a_highlight_for_each_match() {
    let page = written(Version::V2, &page_of(&stored_hits()), "q=b*");
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), items[0].get("@context")), (1, None));
    let text = items[0]["body"]["value"].as_str().unwrap();
    let matches = page["annotations"][0]["items"].as_array().unwrap();
    assert_eq!(matches.len(), 2);
    for matched in matches {
        assert_eq!(matched["motivation"], "highlighting");
        assert_eq!(matched["target"]["source"], "https://example.org/annotation/7");
        let quote = |name: &str| matched["target"]["selector"][0][name].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(&format!("{}{}{}", quote("prefix"), quote("exact"), quote("suffix"))), "{matched}");
    }
    assert_eq!((&page["partOf"]["total"], &page["annotations"][0]["partOf"]["total"]), (&json!(1), &json!(2)));
}

#[test]
fn s2_12_a_match_over_lines_has_one_annotation_a_line_and_one_that_names_all() {
    let page = written(Version::V2, &page_of(&two_hits()), "q=%22hand%20is%22");
    let target = &page["annotations"][0]["items"][1]["target"];
    assert_eq!(
        *target,
        json!([
            {
                "type": "SpecificResource", "source": page["items"][1]["id"],
                "selector": [{"type": "TextQuoteSelector", "prefix": "bird in the ", "exact": "hand"}]
            },
            {
                "type": "SpecificResource", "source": page["items"][2]["id"],
                "selector": [{"type": "TextQuoteSelector", "exact": "is", "suffix": " worth two"}]
            }
        ])
    );
}

#[test]
fn s2_13_the_collection_of_matches_is_another_and_counts_matches() {
    let page = written(Version::V2, &page_of(&two_hits()), "q=bird");
    let (outer, inner) = (&page["partOf"], &page["annotations"][0]["partOf"]);
    assert_ne!(outer["id"], inner["id"]);
    assert_eq!((&outer["total"], &inner["total"]), (&json!(3), &json!(2)));
}

#[test]
fn a_match_in_a_recording_names_the_time() {
    let sound = FoundPart { time_s: Some((61.5, 64.0)), ..FoundPart::new("cue-3", CANVAS, "birds") };
    let film = FoundPart { canvas_size: Some(Dimensions::new(640, 480)), ..sound.clone() };
    for (part, two, one) in [(sound, "#t=61.5,64", "#t=61.5,64"), (film, "#t=61.5,64", "#xywh=0,0,640,480&t=61.5,64")] {
        let found = page_of(&[hit("", "birds", "", vec![part])]);
        assert_eq!(written(Version::V2, &found, "q=birds")["items"][0]["target"], format!("{CANVAS}{two}"));
        let list = answer(Version::V1, &found, &request("q=birds"), &[], &urls(Version::V1));
        assert_eq!(list["resources"][0]["on"], format!("{CANVAS}{one}"));
        // Sound has no box; what viewers make of that is the one thing to find.
        let is_film = one.contains("xywh");
        let findings = validate(&list);
        assert!(findings.iter().all(|finding| finding.severity == Severity::Viewer && !is_film), "{findings:#?}");
    }
}

#[test]
fn a_match_without_a_place_is_on_the_whole_canvas() {
    let plain = FoundPart { canvas_size: Some(Dimensions::new(1000, 1500)), ..FoundPart::new("1-3", CANVAS, "birds") };
    let found = page_of(&[hit("two ", "birds", "", vec![plain])]);
    assert_eq!(written(Version::V2, &found, "q=birds")["items"][0]["target"], CANVAS);
    assert_eq!(written(Version::V1, &found, "q=birds")["resources"][0]["on"], format!("{CANVAS}#xywh=0,0,1000,1500"));
}

#[test]
fn a_match_whose_page_is_gone_is_counted_and_not_written() {
    let mut hits = two_hits();
    hits.insert(1, hit("a ", "bird", "", Vec::new()));
    let found = page_of(&hits);
    let page = written(Version::V2, &found, "q=bird");
    let matches = page["annotations"][0]["items"].as_array().unwrap();
    assert_eq!((matches.len(), &page["annotations"][0]["partOf"]["total"]), (2, &json!(3)));
    assert!(matches[1]["id"].as_str().unwrap().ends_with("#match-2"));
    assert_eq!(written(Version::V1, &found, "q=bird")["hits"].as_array().unwrap().len(), 2);
    let gone = page_of(&[hit("a ", "bird", "", Vec::new())]);
    assert!(written(Version::V2, &gone, "q=bird").get("annotations").is_none());
    assert_eq!(written(Version::V1, &gone, "q=bird")["hits"], json!([]));
}

// Answers of 1.0.

#[test]
fn s1_2_s1_3_s1_5_an_answer_of_1_0_is_a_list_with_layer_and_hits() {
    let hits = two_hits();
    let list = written(Version::V1, &Found::page_of(&hits, 1, 1), "q=bird");
    assert_eq!(
        list,
        json!({
            "@context": ["http://iiif.io/api/presentation/2/context.json", "http://iiif.io/api/search/1/context.json"],
            "@id": "https://example.org/iiif/search/1/book/manifest?q=bird&page=1", "@type": "sc:AnnotationList",
            "within": {
                "@id": "https://example.org/iiif/search/1/book/manifest?q=bird", "@type": "sc:Layer", "total": 2,
                "first": "https://example.org/iiif/search/1/book/manifest?q=bird&page=1",
                "last": "https://example.org/iiif/search/1/book/manifest?q=bird&page=2"
            },
            "next": "https://example.org/iiif/search/1/book/manifest?q=bird&page=2", "startIndex": 0,
            "resources": [{
                "@id": "https://example.org/iiif/search/book/annotation/1-3", "@type": "oa:Annotation",
                "motivation": "sc:painting",
                "resource": {"@type": "cnt:ContentAsText", "format": "text/plain", "chars": "birds"},
                "on": format!("{CANVAS}#xywh=200,100,40,20")
            }],
            "hits": [{
                "@type": "search:Hit", "annotations": ["https://example.org/iiif/search/book/annotation/1-3"],
                "match": "birds", "before": "There are two ", "after": " in the bush"
            }]
        })
    );
    let second = written(Version::V1, &Found::page_of(&hits, 1, 2), "q=bird");
    assert_eq!((&second["startIndex"], second.get("next")), (&json!(1), None));
    assert_eq!(second["hits"][0]["annotations"].as_array().unwrap().len(), 2);
}

#[test]
fn s1_5_matches_within_a_stored_annotation_are_one_hit_with_selectors() {
    let list = written(Version::V1, &page_of(&stored_hits()), "q=b*");
    let resource = &list["resources"][0];
    assert_eq!(
        (list["resources"].as_array().unwrap().len(), &resource["motivation"], &resource["on"]),
        (1, &json!(["oa:commenting"]), &json!(format!("{CANVAS}#xywh=200,100,200,20")))
    );
    assert_eq!(list["hits"].as_array().unwrap().len(), 1);
    let quote = |exact: &str, prefix: &str, suffix: &str| json!({"@type": "oa:TextQuoteSelector", "exact": exact, "prefix": prefix, "suffix": suffix});
    assert_eq!(
        list["hits"][0]["selectors"],
        json!([quote("birds", "There are two ", " in the bush"), quote("bush", "birds in the ", "")])
    );
}

#[test]
fn s1_8_the_object_of_a_canvas_stands_beside_on_which_stays_a_string() {
    let list = written(Version::V1, &page_of(&in_a_collection()), "q=bird");
    let resource = &list["resources"][0];
    assert_eq!(resource["on"], format!("{CANVAS}#xywh=200,100,40,20"));
    assert_eq!(
        resource["within"],
        json!({
            "@id": "https://example.org/iiif/presentation/2/book/manifest", "@type": "sc:Manifest",
            "label": {"@value": "A book", "@language": "en"}
        })
    );
}

// Completion.

fn some_terms() -> Vec<Term> {
    vec![
        Term::new("bird", 15),
        Term { query: Some("\"bird song\"".into()), language: Some("en".into()), ..Term::new("bird song", 3) },
        Term { label: Some(LanguageMap::one("en", "Birth")), ..Term::new("birth", 9) },
    ]
}

#[test]
fn s2_15_a_page_of_terms_links_those_that_q_does_not_take_as_they_are() {
    let (request, ignored) = SearchRequest::parse_autocomplete("q=bir&min=2&motivation=painting", Version::V2).unwrap();
    let page = terms(Version::V2, &some_terms(), &request, &ignored, &urls(Version::V2));
    assert_sound(&page);
    assert_eq!(
        page,
        json!({
            "@context": "http://iiif.io/api/search/2/context.json",
            "id": "https://example.org/iiif/search/2/book/manifest/autocomplete?q=bir&motivation=painting&min=2",
            "type": "TermPage",
            "items": [
                {"value": "bird", "total": 15},
                {
                    "value": "bird song", "total": 3, "language": "en",
                    "service": [{
                        "id": "https://example.org/iiif/search/2/book/manifest?q=%22bird%20song%22&motivation=painting",
                        "type": "SearchService2"
                    }]
                },
                {"value": "birth", "total": 9, "label": {"en": ["Birth"]}}
            ]
        })
    );
    assert_sound(&terms(Version::V2, &[], &request, &[Parameter::Motivation], &urls(Version::V2)));
}

#[test]
fn s1_7_a_list_of_terms_has_match_url_and_count() {
    let (request, _) = SearchRequest::parse_autocomplete("q=bir&user=urn:a", Version::V1).unwrap();
    let (request, ignored) = request.without(&[Parameter::User]);
    let list = terms(Version::V1, &some_terms(), &request, &ignored, &urls(Version::V1));
    assert_sound(&list);
    assert_eq!(
        list,
        json!({
            "@context": "http://iiif.io/api/search/1/context.json",
            "@id": "https://example.org/iiif/search/1/book/manifest/autocomplete?q=bir", "@type": "search:TermList",
            "ignored": ["user"],
            "terms": [
                {"match": "bird", "url": "https://example.org/iiif/search/1/book/manifest?q=bird", "count": 15},
                {
                    "match": "bird song", "url": "https://example.org/iiif/search/1/book/manifest?q=%22bird%20song%22",
                    "count": 3
                },
                {
                    "match": "birth", "url": "https://example.org/iiif/search/1/book/manifest?q=birth", "count": 9,
                    "label": {"@value": "Birth", "@language": "en"}
                }
            ]
        })
    );
}

// Services.

fn services() -> SearchServices {
    SearchServices { v2: urls(Version::V2), v1: urls(Version::V1) }
}

fn manifest() -> Manifest {
    let mut manifest =
        Manifest::new("https://example.org/iiif/presentation/3/book/manifest", LanguageMap::one("en", "A book"));
    manifest.items.push(Canvas::new(CANVAS, LanguageMap::none("1"), Dimensions::new(1000, 1500)));
    manifest
}

/// What rules say of search in a document.
fn said_of_search(document: &Value) -> Vec<String> {
    let about = |finding: &&recto_iiif::validate::Finding| {
        finding.message.contains("earch") || finding.pointer.starts_with("/service") || finding.pointer == "/@context"
    };
    validate(document).iter().filter(about).map(|finding| format!("{} {}", finding.rule, finding.message)).collect()
}

#[test]
fn s2_1_s1_1_both_services_stand_on_a_manifest_that_of_2_0_first_and_without_profile() {
    let mut manifest = manifest();
    services().add_to_manifest(&mut manifest);
    services().add_to_manifest(&mut manifest);
    let document = serde_json::to_value(&manifest).unwrap();
    assert_eq!(
        document["@context"],
        json!(["http://iiif.io/api/search/2/context.json", "http://iiif.io/api/presentation/3/context.json"])
    );
    assert_eq!(
        document["service"],
        json!([
            {
                "id": "https://example.org/iiif/search/2/book/manifest", "type": "SearchService2",
                "service": [{
                    "id": "https://example.org/iiif/search/2/book/manifest/autocomplete", "type": "AutoCompleteService2"
                }]
            },
            {
                "@id": "https://example.org/iiif/search/1/book/manifest", "@type": "SearchService1",
                "profile": "http://iiif.io/api/search/1/search",
                "@context": "http://iiif.io/api/search/1/context.json",
                "service": [{
                    "@id": "https://example.org/iiif/search/1/book/manifest/autocomplete", "@type": "AutoCompleteService1",
                    "profile": "http://iiif.io/api/search/1/autocomplete"
                }]
            }
        ])
    );
    assert_eq!(said_of_search(&document), Vec::<String>::new());
    assert!(document.get("services").is_none());
}

#[test]
fn s1_1_written_as_2_1_the_older_service_stays_and_is_the_one_that_is_added_there() {
    let mut manifest = manifest();
    services().add_to_manifest(&mut manifest);
    let (mut document, _) = v2::write(serde_json::to_value(&manifest).unwrap(), &DocumentUrls::unchanged());
    assert_eq!(document["@context"], "http://iiif.io/api/presentation/2/context.json");
    let older = document["service"].clone();
    assert_eq!(
        older,
        json!({
            "@context": "http://iiif.io/api/search/1/context.json",
            "@id": "https://example.org/iiif/search/1/book/manifest", "profile": "http://iiif.io/api/search/1/search",
            "service": [{
                "@id": "https://example.org/iiif/search/1/book/manifest/autocomplete",
                "profile": "http://iiif.io/api/search/1/autocomplete"
            }]
        })
    );
    services().add_to_presentation_2(&mut document);
    assert_eq!(document["service"], older);
    assert_eq!(said_of_search(&document), Vec::<String>::new());

    document["service"] = json!({"@context": "http://example.org/context.json", "@id": "https://example.org/other", "profile": "http://example.org/profile"});
    services().add_to_presentation_2(&mut document);
    assert_eq!(document["service"][0]["@id"], "https://example.org/other");
    assert_eq!(document["service"][1]["profile"], "http://iiif.io/api/search/1/search");
    assert_eq!(said_of_search(&document), Vec::<String>::new());
}

#[test]
fn s2_1_collections_canvases_and_ranges_can_announce_services_of_their_own() {
    let mut collection = Collection::new("https://example.org/c", LanguageMap::none("All"));
    services().add_to_collection(&mut collection);
    assert_eq!(collection.service.len(), 2);
    let mut manifest = manifest();
    services().add_to_extra(&mut manifest.items[0].extra);
    services().add_to_extra(&mut manifest.items[0].extra);
    add_context(&mut manifest.context);
    let document = serde_json::to_value(&manifest).unwrap();
    assert_eq!(document["items"][0]["service"].as_array().unwrap().len(), 2);
    assert_eq!(document["@context"][1], "http://iiif.io/api/presentation/3/context.json");
}

// Properties.

/// A hit of the text of pages (some of its parts shared with its neighbours), or one of several in a stored annotation.
fn hits() -> impl Strategy<Value = Vec<FoundHit>> {
    let of_page = proptest::collection::vec(0u32..60, 1..4).prop_map(|places| {
        let unique: BTreeSet<u32> = places.into_iter().collect();
        let parts = unique.into_iter().map(|place| part(&format!("w{place}"), [place, 2 * place, 10, 5], "word"));
        hit("before ", "word", " after", parts.collect())
    });
    let stored = (0u32..12).prop_map(|number| FoundHit {
        annotation: Some(json!({
            "id": format!("https://example.org/annotation/{number}"), "type": "Annotation", "motivation": "commenting",
            "body": {"type": "TextualBody", "value": "a word more"},
            "target": format!("{CANVAS}#xywh={number},900,7,7")
        })),
        ..hit("a ", "word", " more", vec![part(&format!("stored{number}"), [number, 900, 7, 7], "a word more")])
    });
    proptest::collection::vec(prop_oneof![3 => of_page, 1 => stored], 0..40)
}

fn texts(values: &Value, property: &str) -> Vec<String> {
    values.as_array().unwrap().iter().map(|item| item[property].as_str().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn s2_7_s2_12_following_next_visits_each_annotation_once_and_hits_stay_with_theirs(hits in hits(), most in 1usize..12) {
        let (mut seen, mut matches, mut number) = (Vec::new(), 0, 1);
        loop {
            let found = Found::page_of(&hits, most, number);
            let page = written(Version::V2, &found, "q=word");
            let ids = texts(&page["items"], "id");
            prop_assert_eq!(page["startIndex"].as_u64().unwrap(), seen.len() as u64);
            let extra = page["annotations"][0]["items"].as_array().cloned().unwrap_or_default();
            for target in extra.iter().flat_map(|item| match &item["target"] {
                Value::Array(targets) => targets.clone(),
                one => vec![one.clone()],
            }) {
                prop_assert!(ids.iter().any(|id| target["source"] == **id));
            }
            matches += extra.len();
            let list = written(Version::V1, &found, "q=word");
            let own = texts(&list["resources"], "@id");
            for named in list["hits"].as_array().unwrap().iter().flat_map(|hit| hit["annotations"].as_array().unwrap()) {
                prop_assert!(own.iter().any(|id| named == id.as_str()));
            }
            seen.extend(ids);
            let Some(next) = page.get("next") else {
                prop_assert_eq!(&page["partOf"]["total"], &json!(seen.len()));
                prop_assert_eq!(&page["partOf"]["last"]["id"], &page["id"]);
                break;
            };
            number += 1;
            let ends = format!("page={number}");
            prop_assert!(next["id"].as_str().unwrap().ends_with(&ends));
            prop_assert_eq!(list["next"].as_str().unwrap().rsplit('=').next(), next["id"].as_str().unwrap().rsplit('=').next());
        }
        let unique: BTreeSet<_> = seen.iter().collect();
        prop_assert_eq!(unique.len(), seen.len(), "each once");
        prop_assert_eq!(matches, hits.len());
    }

    #[test]
    fn s1_10_both_versions_name_the_same_canvases_and_boxes(hits in hits(), most in 1usize..50, page in 1u64..4) {
        let found = Found::page_of(&hits, most, page);
        let two = written(Version::V2, &found, "q=word");
        let one = written(Version::V1, &found, "q=word");
        let two: BTreeSet<_> = texts(&two["items"], "target").into_iter().collect();
        let one: BTreeSet<_> = texts(&one["resources"], "on").into_iter().collect();
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_request_written_and_read_again_is_the_same(
        q in "[^\\p{Cc}\\p{Z}]{0,8}( [^\\p{Cc}\\p{Z}]{1,8})?",
        words in proptest::collection::vec("[a-z]{1,6}(:[a-z]{1,6})?", 0..3),
        page in 1u64..1000,
    ) {
        let motivations = words.iter().map(|word| Motivation::parse(word, Version::V2)).collect::<Vec<_>>();
        let mut unique = Vec::new();
        for motivation in motivations {
            if !unique.contains(&motivation) {
                unique.push(motivation);
            }
        }
        let given = SearchRequest { q: q.trim().to_owned(), motivations: unique, page, ..SearchRequest::default() };
        let query = format!("{}&page={page}", given.to_query());
        prop_assert_eq!(SearchRequest::parse(&query, Version::V2).unwrap().0, given);
    }

    #[test]
    fn no_query_makes_reading_panic(query in "\\PC{0,60}|[qdatepguserin=&%+0-9TZ/:-]{0,60}") {
        for version in Version::ALL {
            let _ = SearchRequest::parse(&query, version);
            let _ = SearchRequest::parse_autocomplete(&query, version);
        }
    }
}
