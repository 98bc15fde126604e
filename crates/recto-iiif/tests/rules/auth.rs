//! Authentication 1.0 and Authorization Flow 2.0.

use serde_json::{Value, json};

use super::{faults, presentation_3::film};

fn service_1() -> Value {
    json!({
        "@context": "http://iiif.io/api/auth/1/context.json", "@id": "https://example.org/login",
        "profile": "http://iiif.io/api/auth/1/login", "label": "Login to the library",
        "confirmLabel": "Login", "header": "Please log in", "description": "Members only",
        "service": [
            {"@id": "https://example.org/token", "profile": "http://iiif.io/api/auth/1/token"},
            {"@id": "https://example.org/logout", "profile": "http://iiif.io/api/auth/1/logout", "label": "Logout"}
        ]
    })
}

rule!(
    a1_1,
    "A1-1",
    service_1(),
    [
        ("/@context", Value::Null, "/@context", "`@context`"),
        ("/@id", Value::Null, "", "`@id`"),
        ("/label", Value::Null, "", "`label`"),
        ("/confirmLabel", Value::Null, "", "`confirmLabel`"),
        ("/profile", json!("http://iiif.io/api/auth/1/log-in"), "/profile", "log-in"),
        ("/service", Value::Null, "/service", "token service"),
        ("/service/0/@id", Value::Null, "/service/0", "`@id`"),
        ("/service/1/label", Value::Null, "/service/1", "`label`"),
    ]
);

rule!(
    a1_5,
    "A1-5",
    json!({"accessToken": "T", "expiresIn": 3600}),
    [
        ("/accessToken", json!(7), "/accessToken", "`accessToken`"),
        ("/expiresIn", json!("3600"), "/expiresIn", "`expiresIn`"),
        ("", json!({"error": "noAccess", "description": "x"}), "/error", "noAccess"),
        ("", json!({"error": "invalidOrigin"}), "", "`description`"),
    ]
);

pub(crate) fn probe() -> Value {
    json!({
        "id": "https://example.org/probe", "type": "AuthProbeService2",
        "errorHeading": {"en": ["No access"]}, "errorNote": {"en": ["Ask us"]},
        "service": [{
            "id": "https://example.org/login", "type": "AuthAccessService2", "profile": "active",
            "label": {"en": ["Login to the library"]}, "heading": {"en": ["Please log in"]}, "note": {"en": ["Members only"]},
            "service": [
                {"id": "https://example.org/token", "type": "AuthAccessTokenService2"},
                {"id": "https://example.org/logout", "type": "AuthLogoutService2", "label": {"en": ["Logout"]}}
            ]
        }]
    })
}

/// A film whose body has a probe, with contexts as they should be.
pub(crate) fn guarded() -> Value {
    let contexts = json!(["http://iiif.io/api/auth/2/context.json", "http://iiif.io/api/presentation/3/context.json"]);
    super::with(super::with(film(), "/@context", contexts), "/items/0/items/0/items/0/body/service", json!([probe()]))
}

#[test]
fn a_guarded_film_as_it_should_be_has_no_findings() {
    assert_eq!(faults(&guarded()), Vec::<String>::new());
    assert_eq!(faults(&service_1()), Vec::<String>::new());
}

const PROBE: &str = "/items/0/items/0/items/0/body/service/0";
const ACCESS: &str = "/items/0/items/0/items/0/body/service/0/service/0";

rule!(
    a2_1,
    "A2-1",
    guarded(),
    [
        (format!("{PROBE}/id"), Value::Null, PROBE, "`id`"),
        (format!("{PROBE}/service"), Value::Null, PROBE, "`service`"),
        (format!("{PROBE}/service"), json!([]), format!("{PROBE}/service"), "empty"),
        (format!("{PROBE}/errorHeading"), Value::Null, format!("{PROBE}/errorNote"), "`errorHeading`"),
        (format!("{PROBE}/errorNote"), json!("Ask us"), format!("{PROBE}/errorNote"), "`errorNote`"),
    ]
);

rule!(
    a2_2,
    "A2-2",
    guarded(),
    [
        ("/@context", json!("http://iiif.io/api/presentation/3/context.json"), "/@context", "`@context`"),
        (
            "/@context",
            json!(["http://iiif.io/api/presentation/3/context.json", "http://iiif.io/api/auth/2/context.json"]),
            "/@context",
            "last"
        ),
        (
            format!("{PROBE}/@context"),
            json!("http://iiif.io/api/auth/2/context.json"),
            format!("{PROBE}/@context"),
            "within the service"
        ),
    ]
);

rule!(
    a2_3,
    "A2-3",
    guarded(),
    [
        (format!("{ACCESS}/profile"), json!("login"), format!("{ACCESS}/profile"), "login"),
        (format!("{ACCESS}/id"), Value::Null, ACCESS, "`id`"),
        (format!("{ACCESS}/label"), Value::Null, ACCESS, "`label`"),
        (format!("{ACCESS}/label"), json!("Login"), format!("{ACCESS}/label"), "`label`"),
        (format!("{ACCESS}/profile"), json!("external"), format!("{ACCESS}/id"), "`id`"),
        (format!("{ACCESS}/service/0/id"), Value::Null, format!("{ACCESS}/service/0"), "`id`"),
        (format!("{ACCESS}/service/1/label"), Value::Null, format!("{ACCESS}/service/1"), "`label`"),
    ]
);

rule!(
    a2_4,
    "A2-4",
    guarded(),
    [
        (format!("{ACCESS}/service"), json!([]), format!("{ACCESS}/service"), "0 token services"),
        (format!("{ACCESS}/service"), Value::Null, ACCESS, "`service`"),
        (
            format!("{ACCESS}/service/-"),
            json!({"id": "https://example.org/logout2", "type": "AuthLogoutService2", "label": {"en": ["x"]}}),
            format!("{ACCESS}/service"),
            "more than one"
        ),
    ]
);

rule!(
    a2_5,
    "A2-5",
    guarded(),
    [(format!("{ACCESS}/id"), json!("http://example.org/login"), format!("{ACCESS}/id"), "https"),]
);

const CONTEXT: &str = "http://iiif.io/api/auth/2/context.json";

fn token() -> Value {
    json!({"@context": CONTEXT, "type": "AuthAccessToken2", "messageId": "1", "accessToken": "T", "expiresIn": 3600})
}

rule!(
    a2_11,
    "A2-11",
    token(),
    [
        ("/messageId", Value::Null, "", "`messageId`"),
        ("/messageId", json!(1), "/messageId", "`messageId`"),
        ("/accessToken", Value::Null, "", "`accessToken`"),
        ("/expiresIn", json!(0), "/expiresIn", "`expiresIn`"),
    ]
);

rule!(a2_2_in_messages, "A2-2", token(), [("/@context", Value::Null, "/@context", "`@context`")]);

fn token_error() -> Value {
    json!({
        "@context": CONTEXT, "type": "AuthAccessTokenError2", "messageId": "1", "profile": "missingAspect",
        "heading": {"en": ["No"]}, "note": {"en": ["Log in"]}
    })
}

rule!(
    a2_12,
    "A2-12",
    token_error(),
    [
        ("/profile", json!("missingCredentials"), "/profile", "missingCredentials"),
        ("/messageId", Value::Null, "", "`messageId`"),
    ]
);

rule!(a2_17_in_errors, "A2-17", token_error(), [("/heading", Value::Null, "/note", "`heading`")]);

fn denied() -> Value {
    json!({
        "@context": CONTEXT, "type": "AuthProbeResult2", "status": 401,
        "substitute": [{"id": "https://example.org/small.mp4", "type": "Video", "label": {"en": ["Small"]}}],
        "heading": {"en": ["No"]}, "note": {"en": ["Log in"]}
    })
}

rule!(
    a2_14,
    "A2-14",
    denied(),
    [
        ("/status", Value::Null, "", "`status`"),
        ("/status", json!("401"), "/status", "401"),
        ("/status", json!(7), "/status", "7"),
    ]
);

fn moved() -> Value {
    json!({
        "@context": CONTEXT, "type": "AuthProbeResult2", "status": 302,
        "location": {"id": "https://example.org/signed.mp4", "type": "Video"}
    })
}

rule!(
    a2_15,
    "A2-15",
    moved(),
    [
        ("/status", json!(200), "/location", "`location`"),
        ("/location", json!("https://example.org/signed.mp4"), "/location", "`location`"),
        ("/location/type", Value::Null, "/location", "`type`"),
        ("/location", Value::Null, "", "`location`"),
    ]
);

rule!(
    a2_16,
    "A2-16",
    denied(),
    [
        ("/status", json!(200), "/substitute", "`substitute`"),
        ("/substitute", json!({"id": "https://e.org", "type": "Video"}), "/substitute", "`substitute`"),
        ("/substitute/0/type", Value::Null, "/substitute/0", "`type`"),
    ]
);

rule!(
    a2_17,
    "A2-17",
    denied(),
    [
        ("/heading", Value::Null, "/note", "`heading`"),
        ("/heading", json!("No"), "/heading", "`heading`"),
        ("/heading", Value::Null, "", "`heading`"),
    ]
);

#[test]
fn results_as_they_should_be_have_no_findings() {
    for document in [token(), token_error(), denied(), moved()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}
