//! W5, W7, W9, W10: what the server keeps, and what may change.

use recto_iiif::annotation::{
    AcceptOptions, Agent, StoreAs, merge_patch, names, patched, replace, store, store_imported,
};
use recto_iiif::discovery::Timestamp;
use serde_json::{Value, json};

use super::{CANVAS, accept};

const ID: &str = "https://example.org/annotations/book/7";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn stored(sent: Value) -> Value {
    let me = Agent::new("https://example.org/people/me").named("Me");
    store(&accept(sent).unwrap(), ID, Some(&me), at("2026-01-02T03:04:05Z"))
}

#[test]
fn w5_the_senders_name_moves_to_via_and_canonical_stays() {
    let sent = json!({"id": "https://client.example/1", "type": "Annotation", "canonical": "urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df", "target": CANVAS});
    let kept = stored(sent);
    assert_eq!(
        kept.to_string(),
        json!({"@context": "http://www.w3.org/ns/anno.jsonld", "id": ID, "type": "Annotation",
            "canonical": "urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df", "via": "https://client.example/1",
            "creator": {"id": "https://example.org/people/me", "type": "Person", "name": "Me"},
            "created": "2026-01-02T03:04:05Z", "target": CANVAS})
        .to_string()
    );
}

#[test]
fn w5_via_grows_and_bare_uuids_become_urns() {
    let sent = json!({"id": "0B1C2D3E-0000-4000-8000-0123456789ab", "type": "Annotation", "via": "https://a.example/1", "target": CANVAS});
    let kept = stored(sent);
    assert_eq!(kept["via"], json!(["https://a.example/1", "urn:uuid:0B1C2D3E-0000-4000-8000-0123456789ab"]));
    assert_eq!(
        names(&kept),
        [
            ID,
            "https://a.example/1",
            "urn:uuid:0B1C2D3E-0000-4000-8000-0123456789ab",
            "0B1C2D3E-0000-4000-8000-0123456789ab"
        ]
    );
    let kept = stored(json!({"id": ID, "type": "Annotation", "target": CANVAS}));
    assert_eq!(kept.get("via"), None);
}

#[test]
fn w10_author_and_times_are_the_servers() {
    let sent = json!({"type": "Annotation", "target": CANVAS, "creator": "https://evil.example/pope", "created": "1492-10-12T00:00:00Z", "modified": "1492-10-13T00:00:00Z"});
    let kept = stored(sent.clone());
    assert_eq!(kept["creator"]["id"], "https://example.org/people/me");
    assert_eq!((&kept["created"], kept.get("modified")), (&json!("2026-01-02T03:04:05Z"), None));
    let nobody = store(&accept(sent.clone()).unwrap(), ID, None, at("2026-01-02T03:04:05Z"));
    assert_eq!(nobody.get("creator"), None);
    let imported =
        store_imported(&accept(sent).unwrap(), &StoreAs { id: ID, creator: None, created: at("2026-01-02T03:04:05Z") });
    assert_eq!(
        (&imported["creator"], &imported["created"], &imported["modified"]),
        (&json!("https://evil.example/pope"), &json!("1492-10-12T00:00:00Z"), &json!("1492-10-13T00:00:00Z"))
    );
}

#[test]
fn w7_a_replacement_keeps_author_and_names_and_gets_a_time() {
    let before = stored(
        json!({"id": "https://client.example/1", "type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody", "value": "a"}}),
    );
    let sent = json!({"id": ID, "type": "Annotation", "target": CANVAS, "creator": "https://evil.example/", "body": {"type": "TextualBody", "value": "b"}});
    let after = replace(&before, &accept(sent).unwrap(), at("2026-02-03T00:00:00Z")).unwrap();
    let mut want = before.clone();
    want["body"]["value"] = "b".into();
    want["modified"] = "2026-02-03T00:00:00Z".into();
    assert_eq!(after, want);
}

#[test]
fn w7_canonical_via_and_id_are_not_changed() {
    let before = stored(
        json!({"id": "https://client.example/1", "type": "Annotation", "canonical": "urn:x:1", "target": CANVAS}),
    );
    for (change, at_place, message) in [
        (json!({"id": "https://other.example/"}), "/id", "`id` is `https://other.example/`, and this annotation is"),
        (json!({"canonical": "urn:x:2"}), "/canonical", "`canonical` is another than the one that is stored"),
        (json!({"via": ["https://client.example/1", "https://client.example/2"]}), "/via", "`via` is another"),
    ] {
        let mut sent = before.clone();
        merge_patch(&mut sent, &change);
        let rejected = replace(&before, &accept(sent).unwrap(), at("2026-02-03T00:00:00Z")).unwrap_err();
        assert_eq!(rejected.faults[0].pointer, at_place);
        assert!(rejected.faults[0].message.starts_with(message), "{rejected}");
    }
    let mut same = before.clone();
    same["via"] = json!(["https://client.example/1"]);
    assert_eq!(
        replace(&before, &accept(same).unwrap(), at("2026-02-03T00:00:00Z")).unwrap()["via"],
        "https://client.example/1"
    );
    let fresh = stored(json!({"type": "Annotation", "target": CANVAS}));
    let mut named = fresh.clone();
    named["canonical"] = "urn:x:9".into();
    assert_eq!(replace(&fresh, &accept(named).unwrap(), at("2026-02-03T00:00:00Z")).unwrap()["canonical"], "urn:x:9");
}

#[test]
fn w9_a_merge_patch_changes_what_it_names() {
    let before = stored(
        json!({"type": "Annotation", "motivation": "commenting", "target": CANVAS, "note": 1, "body": {"type": "TextualBody", "value": "a", "language": "en"}}),
    );
    let patch = json!({"body": {"value": "<b onclick=x>b</b>", "language": null}, "note": null, "creator": "https://evil.example/"});
    let after = patched(&before, &patch, &AcceptOptions::default(), at("2026-02-03T00:00:00Z")).unwrap();
    let mut want = before.clone();
    want["body"] = json!({"type": "TextualBody", "value": "<b>b</b>"});
    want["modified"] = "2026-02-03T00:00:00Z".into();
    want.as_object_mut().unwrap().shift_remove("note");
    assert_eq!(after, want);
    for (patch, at_place) in [
        (json!({"target": null}), ""),
        (json!({"id": null}), "/id"),
        (json!({"canonical": 7}), "/canonical"),
        (json!({"motivation": "painting"}), "/motivation"),
        (json!([]), ""),
    ] {
        let rejected = patched(&before, &patch, &AcceptOptions::default(), at("2026-02-03T00:00:00Z")).unwrap_err();
        assert_eq!(rejected.faults[0].pointer, at_place, "{patch}");
    }
}

#[test]
fn w9_merge_patches_are_those_of_rfc_7386() {
    for (target, patch, want) in [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        (json!({"a": "foo"}), json!(null), json!(null)),
        (json!({"a": "foo"}), json!("bar"), json!("bar")),
        (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ] {
        let mut value = target.clone();
        merge_patch(&mut value, &patch);
        assert_eq!(value, want, "{target} {patch}");
    }
}
