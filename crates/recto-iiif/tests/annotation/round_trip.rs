//! What both models can say comes back from the other as it was.

use proptest::prelude::*;
use recto_iiif::annotation::{AcceptOptions, from_open, iiif, motivations, sas, targets, text, to_open, transfer};
use serde_json::{Value, json};

use super::{CANVAS, accepted};

fn body() -> impl Strategy<Value = Value> {
    let text = ("[a-zäö<&\"' \n=+@|-]{1,12}", prop::option::of("en|de"), prop::option::of(Just("text/plain")));
    prop_oneof![
        text.prop_map(|(value, language, format)| {
            let mut body = json!({"type": "TextualBody", "value": value});
            if let Some(language) = language {
                body["language"] = language.into();
            }
            if let Some(format) = format {
                body["format"] = format.into();
            }
            body
        }),
        "[a-z]{1,5}".prop_map(|tag| json!({"type": "TextualBody", "purpose": "tagging", "value": tag})),
        Just(json!("https://example.org/about")),
        Just(json!({"id": "https://example.org/picture.jpg", "type": "Image", "format": "image/jpeg"})),
        Just(
            json!({"type": "Choice", "items": [{"type": "TextualBody", "value": "a"}, {"type": "TextualBody", "value": "b"}]})
        ),
    ]
}

fn selector() -> impl Strategy<Value = Value> {
    let fragment = (0..500_u32, 0..500_u32, 1..500_u32, 1..500_u32)
        .prop_map(|(x, y, w, h)| json!({"type": "FragmentSelector", "value": format!("xywh={x},{y},{w},{h}")}));
    let svg = json!({"type": "SvgSelector", "value": "<svg><rect x='1' y='2' width='3' height='4'/></svg>"});
    prop_oneof![fragment.clone(), Just(svg.clone()), fragment.prop_map(move |fragment| json!([fragment, svg])),]
}

fn target() -> impl Strategy<Value = Value> {
    let source = prop_oneof![
        Just(json!(CANVAS)),
        Just(json!({"id": CANVAS, "type": "Canvas", "partOf": [{"id": "https://example.org/m", "type": "Manifest"}]})),
    ];
    prop_oneof![
        Just(json!(CANVAS)),
        (0..90_u32).prop_map(|x| json!(format!("{CANVAS}#xywh={x},2,3,4"))),
        (0..90_u32).prop_map(|start| json!(format!("{CANVAS}#t={start},100"))),
        (source, selector())
            .prop_map(|(source, selector)| json!({"type": "SpecificResource", "source": source, "selector": selector})),
    ]
}

fn annotation() -> impl Strategy<Value = Value> {
    let several = prop_oneof![body(), prop::collection::vec(body(), 2..4).prop_map(Value::Array)];
    let motivation = prop_oneof![Just(json!("commenting")), Just(json!(["tagging", "supplementing"]))];
    (several, prop_oneof![3 => target(), 1 => prop::collection::vec(target(), 2..3).prop_map(Value::Array)], motivation).prop_map(
        |(body, target, motivation)| {
            accepted(json!({"id": "https://a.example/1", "type": "Annotation", "motivation": motivation, "creator": {"id": "https://a.example/me", "type": "Person"},
                "created": "2026-01-02T03:04:05Z", "body": body, "target": target, "extra": {"kept": true}}))
        },
    )
}

proptest! {
    #[test]
    fn open_annotation_says_the_same_and_comes_back(given in annotation()) {
        let Value::Object(open) = to_open(&given) else { panic!("an object") };
        prop_assert_eq!(Value::Object(from_open(open.clone())), given.clone());
        let open = Value::Object(open);
        prop_assert_eq!(targets(&open), targets(&given));
        prop_assert_eq!(text(&open), text(&given));
        prop_assert_eq!(motivations(&open), motivations(&given));
    }

    #[test]
    fn what_is_accepted_is_accepted_again_as_it_is(given in annotation()) {
        prop_assert_eq!(accepted(given.clone()), given);
    }

    #[test]
    fn lists_for_viewers_are_about_the_same(given in annotation()) {
        let list = iiif::list_2("https://a.example/list", std::slice::from_ref(&given));
        let found = targets(&list["resources"][0]);
        prop_assert_eq!(found, targets(&given));
        let sent = sas::read(&sas::answer(&given).to_string(), &AcceptOptions::default()).unwrap();
        prop_assert_eq!(targets(&sent.annotation.clone().into_value()), targets(&given));
        prop_assert_eq!(text(&sent.annotation.into_value()), text(&given));
    }

    #[test]
    fn tables_bring_back_the_same_set(given in prop::collection::vec(annotation(), 0..4)) {
        let read = transfer::read_csv(&transfer::write_csv(&given), &AcceptOptions::default(), 10).unwrap();
        prop_assert_eq!(read.len(), given.len());
        for (before, item) in given.iter().zip(read) {
            let after = item.outcome.unwrap().into_value();
            prop_assert_eq!((targets(before), text(before)), (targets(&after), text(&after)));
            prop_assert_eq!(&before["extra"], &after["extra"]);
        }
    }

    #[test]
    fn columns_alone_bring_back_the_same_set(given in annotation()) {
        let mut given = given;
        given.as_object_mut().unwrap().shift_remove("extra");
        let read = transfer::read_csv(&transfer::write_csv(std::slice::from_ref(&given)), &AcceptOptions::default(), 10).unwrap();
        let after = read[0].outcome.clone().unwrap().into_value();
        prop_assert_eq!((targets(&given), text(&given), motivations(&given)), (targets(&after), text(&after), motivations(&after)));
    }
}
