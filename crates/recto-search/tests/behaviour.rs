//! What searching does, sentence by sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{Object, pages};
use recto_iiif::Rect;
use recto_iiif::text::{Area, PageText, TextBlock, TextLine, TextWord, WordPart};
use recto_search::index::Continuity;
use recto_search::query::Query;
use recto_search::search::{Scope, Source, Term, complete, find, merge};

fn terms(terms: &[Term]) -> Vec<(&str, u64)> {
    terms.iter().map(|term| (term.value.as_str(), term.count)).collect()
}

#[test]
fn t1_a_phrase_over_a_line_break_is_one_match_with_one_tight_box_a_line() {
    let object = Object::new(&["the very green\nbird sings here"]);
    assert_eq!(object.places("\"very green bird sings\""), [["0:very green@40,0,100,20", "0:bird sings@0,30,100,20"]]);
    assert_eq!(object.shown("\"green bird\""), ["the very [green bird] sings here"]);
    assert_eq!(object.places("\"bird green\"").len(), 0);
}

#[test]
fn t3_a_broken_word_is_found_whole_with_both_halves() {
    let object = Object::new(&["viele Wör¬\nter, die sie Bü¬", "cher nennen"]);
    assert_eq!(object.places("worter"), [["0:Wör@60,0,30,20", "0:ter@0,30,40,20"]]);
    assert_eq!(object.shown("worter"), ["viele [Wörter], die sie"]);
    assert_eq!(object.places("\"sie Bücher nennen\""), [["0:sie Bü@90,30,60,20", "1:cher nennen@0,0,110,20"]]);
    assert_eq!(object.shown("\"sie Bücher nennen\""), ["viele Wörter, die [sie Bücher nennen]"]);
    assert_eq!(object.find("ter").total(), 0);
    assert_eq!(object.shown("\"viele Wörter die\""), ["[viele Wörter, die] sie Bücher"]);
}

#[test]
fn t3_a_second_part_without_a_first_is_a_word_wherever_reading_begins() {
    let mut pages = pages(&["Vogel\nflug hoch\n\nüber\nwasser IIIF東京"]);
    for line in [1, 3, 4] {
        pages[0].blocks[0].lines[line].words[0].part = Some(WordPart::Second);
    }
    let exact = |pages: &[PageText], query: &str| {
        let object = Object::of(pages, None);
        object.hits_of(&object.find(query), 0).into_iter().map(|hit| hit.exact).collect::<Vec<_>>()
    };
    for word in ["vogel", "flug", "hoch", "über", "wasser", "IIIF", "東", "京"] {
        assert_eq!(exact(&pages, word).join("|").to_lowercase(), word.to_lowercase());
    }
    // That of a word broken over pages has its place on the page before.
    pages[0].blocks[0].lines[0].words[0].part = Some(WordPart::Second);
    assert_eq!(exact(&pages, "vogel"), [""; 0]);
    assert_eq!(exact(&pages, "flug"), ["flug"]);
}

#[test]
fn t3_a_compound_with_its_hyphen_at_the_end_of_a_line_is_found_whole_and_in_parts() {
    let object = Object::new(&["his mother-_\nin-law left"]);
    for query in ["mother-in-law", "\"mother-in-law\"", "\"his mother in law left\""] {
        assert_eq!(object.find(query).total(), 1, "{query}");
    }
    assert_eq!(object.places("mother-in-law"), [["0:mother-@40,0,70,20", "0:in-law@0,30,60,20"]]);
    assert_eq!(object.shown("mother-in-law"), ["his [mother-in-law] left"]);
    assert_eq!(object.places("law"), [["0:law@0,30,60,20"]]);
    assert_eq!(object.find("motherin-law").total(), 0);
}

#[test]
fn symbols_that_stand_alone_are_found_and_punctuation_is_not() {
    let object = Object::new(&["Prima! 👍🏽 \u{2764}\u{fe0f} (🎉🎉) — 👩🏽\u{200d}💻 🇩🇪🇫🇷 *** great👍 ♫; 東🗼京"]);
    for (query, want) in [
        ("👍", 1),
        ("👍🏽", 1),
        ("\"prima 👍\"", 1),
        ("\u{2764}", 1),
        ("\u{2764}\u{fe0f}", 1),
        ("🎉", 2),
        ("🎉🎉", 1),
        ("(🎉", 2),
        ("👩\u{200d}💻", 1),
        ("👩", 0),
        ("💻", 0),
        ("👩*", 1),
        ("🇩🇪", 1),
        ("🇫🇷", 1),
        ("🇪🇫", 0),
        ("♫", 1),
        ("great", 1),
        ("🗼", 1),
        ("東🗼京", 1),
        ("東京", 0),
        ("—", 0),
        ("***", 0),
        ("🦄", 0),
    ] {
        assert_eq!(object.find(query).total(), want, "{query}");
    }
    assert_eq!(object.places("👍"), [["0:👍🏽@70,0,20,20"]]);
    assert_eq!(object.shown("🎉🎉"), ["👍🏽 ❤\u{fe0f} ([🎉🎉]) — 👩🏽\u{200d}💻"]);
    assert_eq!(object.find("\"prima 👍 ❤ 🎉 🎉 👩\u{200d}💻 🇩🇪 🇫🇷 great ♫\"").total(), 1);
    assert_eq!(terms(&complete(&object.index, "👍", None, 1, 10)), [("👍", 1)]);
}

#[test]
fn a_space_behind_words_asks_for_the_words_that_follow_them() {
    let object = Object::new(&[
        "The quick brown fox, quick Brown\nbread; quick bright",
        "quick-witted. Quick 京都 東京 is quick",
    ]);
    for (typed, want) in [
        ("quick ", vec![("\"quick bright\"", 1), ("\"quick brown\"", 2), ("\"quick witted\"", 1), ("\"quick 京\"", 1)]),
        ("quick br", vec![("\"quick bright\"", 1), ("\"quick brown\"", 2)]),
        ("the  quick\u{a0}", vec![("\"the quick brown\"", 1)]),
        ("quick brown ", vec![("\"quick brown bread\"", 1), ("\"quick brown fox\"", 1)]),
        ("\"quick brown ", vec![("\"quick brown bread\"", 1), ("\"quick brown fox\"", 1)]),
        ("bright ", vec![("\"bright quick\"", 1)]),
        ("東京 ", vec![("\"東京 is\"", 1)]),
        ("quic ", vec![]),
        ("qui", vec![("quick", 6)]),
        ("— ", vec![]),
        (" ", vec![]),
    ] {
        let found = complete(&object.index, typed, None, 1, 10);
        assert_eq!(terms(&found), want, "{typed}");
        for term in found {
            assert_eq!(object.find(&term.value).total() as u64, term.count, "{}", term.value);
        }
    }
    assert_eq!(terms(&complete(&object.index, "quick ", None, 2, 10)), [("\"quick brown\"", 2)]);
    assert_eq!(complete(&object.index, "quick ", None, 1, 2).len(), 2);
    let labels: Vec<_> = complete(&object.index, "quick b", None, 1, 9).into_iter().map(|term| term.label).collect();
    assert_eq!(labels, ["quick bright", "quick brown"]);
    let first = Scope::of_pages([0]);
    let found = complete(&object.index, "bright ", Some(&first), 1, 9);
    assert_eq!(terms(&found), []);
    let german = Object::in_language("de", &["das Haus steht, die Häuser stehen"]);
    assert_eq!(terms(&complete(&german.index, "haus ", None, 1, 9)), [("\"haus steht\"", 1)]);
}

#[test]
fn t4_words_are_wanted_on_one_page_and_neighbours_are_one_match() {
    let object = Object::new(&["green tree bird", "green bird and bird", "only green", "bird green bird"]);
    assert_eq!(
        object.shown("green bird"),
        [
            "[green] tree bird",
            "green tree [bird]",
            "[green bird] and bird",
            "green bird and [bird]",
            "[bird green] bird",
            "bird green [bird]",
        ]
    );
    assert_eq!(object.find("green -tree").total(), 3);
    assert_eq!(object.find("green -\"green bird\" -only").total(), 1);
    assert_eq!(object.find("-green").total(), 0);
    assert_eq!(object.find("bi*").total(), 5);
    assert_eq!(object.find("brd").total(), 0);
    assert_eq!(object.find("brd~").total(), 5);
    assert_eq!(object.find("grn~2").total(), 4);
    assert_eq!(object.find("\"green bi*\"").total(), 3);
}

#[test]
fn parts_of_words_are_found_alone_and_together() {
    let object = Object::new(&["il dit: «l’amour» du Staats-Anzeiger"]);
    assert_eq!(object.shown("amour"), ["il dit: «l’[amour]» du Staats-Anzeiger"]);
    assert_eq!(object.places("amour"), [["0:amour@80,0,90,20"]]);
    for query in ["l'amour", "\"l'amour\"", "L’AMOUR", "l'am*"] {
        assert_eq!(object.shown(query), ["il dit: «[l’amour]» du Staats-Anzeiger"], "{query}");
    }
    assert_eq!(object.find("staats-anzeiger").total(), 1);
    assert_eq!(object.find("anzeiger").total(), 1);
    assert_eq!(object.find("\"du staats\"").total(), 1);
}

#[test]
fn t7_characters_of_scripts_without_spaces_are_found_with_their_share_of_the_box() {
    let object = Object::new(&["私は東京都に行く。\n東、京 北京は_ 京都"]);
    assert_eq!(object.places("東京"), [["0:東京@20,0,20,20"]]);
    assert_eq!(object.places("京都"), [["0:京都@30,0,20,20"], ["0:京都@70,30,20,20"]]);
    assert_eq!(object.find("京").total(), 4);
    assert_eq!(object.find("東都").total(), 0);
    assert_eq!(object.shown("北京"), ["行く。東、京 [北京]は京都"]);
    let thai = Object::new(&["ภาษาไทยง่าย"]);
    assert_eq!(thai.find("ไทย").total(), 1);
    assert_eq!(thai.find("ทย").total(), 1);
    assert_eq!(thai.find("งาย").total(), 0);
}

#[test]
fn t7_what_is_written_downwards_is_divided_downwards() {
    let word = TextWord {
        text: "東京都".into(),
        area: Some(Area { x: 5.0, y: 10.0, w: 20.0, h: 61.0 }),
        ..TextWord::default()
    };
    let line = TextLine { words: vec![word], ..TextLine::default() };
    let page =
        PageText { blocks: vec![TextBlock { lines: vec![line], ..TextBlock::default() }], ..PageText::default() };
    let object = Object::of(&[page], None);
    let areas: Vec<_> =
        ["東", "京", "都", "京都"].iter().map(|query| object.hits(query)[0].parts[0].area.unwrap()).collect();
    assert_eq!(
        areas,
        [Rect::new(5, 10, 20, 20), Rect::new(5, 30, 20, 21), Rect::new(5, 51, 20, 20), Rect::new(5, 30, 20, 41),]
    );
}

#[test]
fn t8_alternatives_are_found_where_their_word_stands() {
    let object = Object::new(&["der Hans|Haus|Han-sa lacht"]);
    for query in ["hans", "haus", "\"der haus lacht\"", "hau*", "sa"] {
        assert_eq!(object.find(query).total(), 1, "{query}");
    }
    assert_eq!(object.shown("haus"), ["der [Hans] lacht"]);
    assert_eq!(object.find("ha*").total(), 1);
}

#[test]
fn t6_forms_of_a_word_are_found_unless_quoted() {
    let object = Object::in_language("de", &["die Häuser", "das Haus und Haus"]);
    assert_eq!(object.find("Haus").total(), 3);
    assert_eq!(object.find("Häuser").total(), 3);
    assert_eq!(object.find("\"Haus\"").total(), 2);
    assert_eq!(object.find("hauser").total(), 3);
    assert_eq!(Object::new(&["die Häuser", "das Haus"]).find("Haus").total(), 1);
}

#[test]
fn only_what_is_in_scope_altogether_is_found_and_excludes() {
    let object = Object::new(&["green bird", "tree green", "bird green tree", "green"]);
    assert_eq!(object.find_in("green", &[1, 3]).total(), 2);
    assert_eq!(object.find("\"green bird\"").total(), 2);
    assert_eq!(object.find_in("\"green bird\"", &[0, 1]).total(), 1);
    assert_eq!(object.find_in("\"green bird\"", &[1, 2]).total(), 1);
    assert_eq!(object.find_in("green tree", &[2, 3]).total(), 1);
    assert_eq!(object.find_in("green", &[]).total(), 0);
    let scope = Scope::of_pages([1, 2]);
    assert_eq!(terms(&complete(&object.index, "g", Some(&scope), 1, 10)), [("green", 2)]);
    assert_eq!(terms(&complete(&object.index, "", Some(&scope), 1, 10)), []);
}

#[test]
fn completions_are_alphabetical_and_find_as_many_as_they_say() {
    let object = Object::new(&["Green birds, green Bäume; green birth", "l'amour l'amitié bird 東京 東北 東京"]);
    for (typed, want) in [
        ("b", vec![("baume", 1), ("bird", 1), ("birds", 1), ("birth", 1)]),
        ("green bir", vec![("\"green birds\"", 1), ("\"green birth\"", 1)]),
        ("\"green b", vec![("\"green baume\"", 1), ("\"green birds\"", 1), ("\"green birth\"", 1)]),
        ("l'am", vec![("l'amitie", 1), ("l'amour", 1)]),
        ("東", vec![("東", 3), ("東京", 2), ("東北", 1)]),
        ("green tr", vec![]),
        ("", vec![]),
        ("*~", vec![]),
    ] {
        let found = complete(&object.index, typed, None, 1, 10);
        assert_eq!(terms(&found), want, "{typed}");
        for term in found {
            assert_eq!(object.find(&term.value).total() as u64, term.count, "{}", term.value);
        }
    }
    assert_eq!(terms(&complete(&object.index, "", None, 1, 10)), []);
    assert_eq!(terms(&complete(&object.index, "g", None, 3, 10)), [("green", 3)]);
    assert_eq!(terms(&complete(&object.index, "b", None, 1, 2)), [("baume", 1), ("bird", 1)]);
}

#[test]
fn cues_give_times_and_lines_give_areas_where_words_have_none() {
    let line = |text: &str, time_s, area| TextLine {
        words: text.split(' ').map(|word| TextWord { text: word.into(), ..TextWord::default() }).collect(),
        time_s,
        area,
        ..TextLine::default()
    };
    let area = Some(Area { x: 1.0, y: 2.0, w: 3.0, h: 4.0 });
    let lines = vec![line("hello green", Some((1.5, 3.25)), None), line("bird there", Some((3.25, 4.0)), area)];
    let page = PageText { blocks: vec![TextBlock { lines, ..TextBlock::default() }], ..PageText::default() };
    let object = Object::of(&[page], None);
    let hits = object.hits("\"green bird\"");
    let parts: Vec<_> = hits[0].parts.iter().map(|part| (part.text.as_str(), part.time_s, part.area)).collect();
    assert_eq!(parts, [("green", Some((1.5, 3.25)), None), ("bird", Some((3.25, 4.0)), Some(Rect::new(1, 2, 3, 4)))]);
}

#[test]
fn annotations_are_texts_of_their_own_and_join_the_text_in_order_of_canvases() {
    let text = Object::new(&["green bird", "tree", "green"]);
    let notes = Object::with(&pages(&["a green", "bird green", "green"]), None, Continuity::Separate);
    assert_eq!(notes.find("\"green bird\"").total(), 0);
    let query = Query::parse("green");
    let (in_text, in_notes) = (find(&text.index, &query, None), find(&notes.index, &query, None));
    let found = merge(&[
        Source { index: &text.index, matches: &in_text, canvas_of: &Some },
        Source { index: &notes.index, matches: &in_notes, canvas_of: &|note| [Some(1), Some(0), None][note as usize] },
    ]);
    let order: Vec<_> = found.iter().map(|it| (it.canvas, it.source, it.at)).collect();
    assert_eq!(order, [(0, 0, 0), (0, 1, 1), (1, 1, 0), (2, 0, 1)]);
}

#[test]
fn pages_that_are_not_given_are_left_out_of_hits() {
    let object = Object::new(&["the green", "bird sings"]);
    let matches = object.find("\"green bird\"");
    let only = |number: u32| move |page: u32| (page == number).then(|| object_blob(&["the green", "bird sings"], page));
    let hits = recto_search::search::locate(&object.index, &matches, 0..9, &only(0), 5);
    assert_eq!((hits[0].exact.as_str(), hits[0].parts.len()), ("green", 1));
    let hits = recto_search::search::locate(&object.index, &matches, 0..9, &|_| None, 5);
    assert_eq!(hits, [recto_search::search::Hit::default()]);
}

fn object_blob(texts: &[&str], page: u32) -> bytes::Bytes {
    Object::new(texts).blobs[page as usize].clone()
}
