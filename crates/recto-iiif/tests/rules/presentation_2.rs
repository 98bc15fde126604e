//! Presentation 2.x.

use serde_json::{Value, json};

use super::faults;

pub(crate) fn manifest() -> Value {
    let canvas = |number: u32| {
        let id = format!("https://example.org/m/canvas/{number}");
        json!({
            "@id": id, "@type": "sc:Canvas", "label": number.to_string(), "height": 1000, "width": 800,
            "images": [{
                "@id": format!("{id}/image"), "@type": "oa:Annotation", "motivation": "sc:painting", "on": id,
                "resource": {
                    "@id": format!("https://example.org/iiif/2/{number}/full/full/0/default.jpg"), "@type": "dctypes:Image",
                    "format": "image/jpeg", "height": 1000, "width": 800,
                    "service": {
                        "@context": "http://iiif.io/api/image/2/context.json", "@id": format!("https://example.org/iiif/2/{number}"),
                        "profile": "http://iiif.io/api/image/2/level2.json"
                    }
                }
            }],
            "otherContent": [{"@id": format!("{id}/list"), "@type": "sc:AnnotationList"}]
        })
    };
    json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": "https://example.org/m/manifest", "@type": "sc:Manifest", "label": "A book",
        "description": [{"@value": "<p>About <b>it</b></p>", "@language": "en"}, "Um was es geht"],
        "metadata": [{"label": [{"@value": "Author", "@language": "en"}], "value": "<span>A. N. Other</span>"}],
        "attribution": "The library", "license": "http://creativecommons.org/licenses/by/4.0/",
        "logo": {"@id": "https://example.org/logo.png"}, "thumbnail": "https://example.org/t.jpg",
        "seeAlso": {"@id": "https://example.org/m.xml", "format": "text/xml"},
        "within": "https://example.org/c", "navDate": "1776-07-04T00:00:00Z",
        "viewingHint": "paged", "viewingDirection": "left-to-right",
        "sequences": [{
            "@id": "https://example.org/m/sequence/1", "@type": "sc:Sequence", "startCanvas": "https://example.org/m/canvas/2",
            "canvases": [canvas(1), canvas(2)]
        }],
        "structures": [
            {
                "@id": "https://example.org/m/range/1", "@type": "sc:Range", "label": "Contents", "viewingHint": "top",
                "ranges": ["https://example.org/m/range/2"]
            },
            {
                "@id": "https://example.org/m/range/2", "@type": "sc:Range", "label": "End",
                "canvases": ["https://example.org/m/canvas/2#xywh=0,0,5,5"], "startCanvas": "https://example.org/m/canvas/2"
            }
        ]
    })
}

fn collection() -> Value {
    json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": "https://example.org/c", "@type": "sc:Collection", "label": "All",
        "manifests": [{"@id": "https://example.org/m/manifest", "@type": "sc:Manifest", "label": "A book"}],
        "members": [{"@id": "https://example.org/c/2", "@type": "sc:Collection", "label": "More"}]
    })
}

fn list() -> Value {
    json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": "https://example.org/m/list", "@type": "sc:AnnotationList",
        "resources": [{
            "@id": "https://example.org/m/text", "@type": "oa:Annotation", "motivation": "sc:painting",
            "resource": {"@type": "cnt:ContentAsText", "chars": "a line", "format": "text/plain"},
            "on": "https://example.org/m/canvas/1#xywh=0,0,10,10"
        }]
    })
}

#[test]
fn documents_as_they_should_be_have_no_findings() {
    for document in [manifest(), collection(), list()] {
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

const CANVAS: &str = "/sequences/0/canvases/0";
const IMAGE: &str = "/sequences/0/canvases/0/images/0";

rule!(
    q1,
    "Q1",
    manifest(),
    [
        ("/@context", json!("http://example.org/context.json"), "/@context", "`@context`"),
        ("/@context", Value::Null, "/@context", "`@context`"),
        ("/@id", Value::Null, "", "`@id`"),
        ("/@id", json!("manifest"), "/@id", "manifest"),
        ("/label", Value::Null, "", "`label`"),
        (format!("{CANVAS}/label"), Value::Null, CANVAS, "`label`"),
        (format!("{CANVAS}/@type"), Value::Null, CANVAS, "`@type`"),
        (format!("{CANVAS}/@type"), json!("sc:canvas"), format!("{CANVAS}/@type"), "sc:canvas"),
        ("/structures/0/@id", Value::Null, "/structures/0", "`@id`"),
        ("/@type", json!("fish"), "/@type", "fish"),
    ]
);

rule!(
    q2,
    "Q2",
    manifest(),
    [
        ("/sequences", Value::Null, "", "`sequences`"),
        ("/sequences", json!([]), "/sequences", "empty"),
        ("/sequences", json!([1]), "/sequences/0", "a number"),
        ("/sequences/0/canvases", json!([]), "/sequences/0/canvases", "empty"),
        ("/sequences/0/startCanvas", json!("https://example.org/x"), "/sequences/0/startCanvas", "`startCanvas`"),
        (
            "/sequences/-",
            json!({"@id": "https://example.org/s2", "@type": "sc:Sequence", "label": "2", "canvases": [{}]}),
            "/sequences/1/canvases",
            "not the first"
        ),
        (format!("{CANVAS}/height"), Value::Null, CANVAS, "`height`"),
        (format!("{CANVAS}/width"), json!("800"), format!("{CANVAS}/width"), "a string"),
        (format!("{CANVAS}/@id"), json!("https://example.org/m/canvas/2"), "/sequences/0/canvases/1/@id", "already"),
        (format!("{CANVAS}/images"), json!(["x"]), format!("{CANVAS}/images/0"), "a string"),
        (format!("{IMAGE}/motivation"), json!("oa:commenting"), format!("{IMAGE}/motivation"), "`motivation`"),
        (format!("{IMAGE}/on"), json!("https://example.org/x"), format!("{IMAGE}/on"), "`on`"),
        (format!("{IMAGE}/resource"), Value::Null, IMAGE, "`resource`"),
        (format!("{IMAGE}/resource/@type"), json!("dctypes:Text"), format!("{IMAGE}/resource/@type"), "`@type`"),
        (
            format!("{IMAGE}/resource"),
            json!({"@type": "oa:Choice", "default": {"@type": "dctypes:Image", "@id": "https://e.org/i"}}),
            format!("{IMAGE}/resource"),
            "`item`"
        ),
    ]
);

rule!(
    q3,
    "Q3",
    manifest(),
    [
        (format!("{CANVAS}/otherContent/0"), json!(7), format!("{CANVAS}/otherContent/0"), "`otherContent`"),
        (
            format!("{CANVAS}/otherContent/0/resources"),
            json!([]),
            format!("{CANVAS}/otherContent/0/resources"),
            "`resources`"
        ),
    ]
);

rule!(
    q3_annotation_lists,
    "Q3",
    list(),
    [
        ("/resources/0/motivation", Value::Null, "/resources/0", "`motivation`"),
        ("/resources/0/on", Value::Null, "/resources/0", "`on`"),
        ("/resources", json!({}), "/resources", "`resources`"),
        ("/resources/0", json!("x"), "/resources/0", "`resources`"),
        ("/resources/0/on", json!(7), "/resources/0/on", "`on`"),
        (
            "/resources/0/resource",
            json!({"@id": "https://e.org/i.jpg", "@type": "dctypes:Image"}),
            "/resources/0/motivation",
            "sc:painting"
        ),
    ]
);

rule!(
    q4,
    "Q4",
    manifest(),
    [
        ("/structures", json!({}), "/structures", "`structures`"),
        ("/structures/0/ranges/0", json!("https://example.org/x"), "/structures/0/ranges/0", "no range"),
        ("/structures/1/canvases/0", json!("https://example.org/x"), "/structures/1/canvases/0", "no canvas"),
        (
            "/structures/1/canvases/0",
            json!({"@id": "https://example.org/m/canvas/2"}),
            "/structures/1/canvases/0",
            "object"
        ),
        (
            "/structures/1/members",
            json!([{"@id": "https://example.org/m/canvas/1", "@type": "sc:Canvas"}]),
            "/structures/1/members/0",
            "`label`"
        ),
        ("/structures/1/ranges", json!(["https://example.org/m/range/1"]), "/structures/0", "back to itself"),
        (
            "/structures/1/startCanvas",
            json!("https://example.org/m/canvas/1"),
            "/structures/1/startCanvas",
            "`startCanvas`"
        ),
        ("/structures/1/viewingHint", json!("top"), "/structures/1/viewingHint", "`top`"),
    ]
);

rule!(
    q7,
    "Q7",
    manifest(),
    [
        ("/label", json!(1), "/label", "`label`"),
        ("/label", json!([]), "/label", "empty"),
        ("/label", json!({"@language": "en"}), "/label", "`@value`"),
        ("/label", json!({"@value": "x", "@language": 7}), "/label/@language", "`@language`"),
        ("/label", json!("<b>A book</b>"), "/label", "HTML"),
        ("/description", json!("<p>About <b>it</p>"), "/description", "not well-formed"),
        ("/metadata", json!({}), "/metadata", "`metadata`"),
        ("/metadata/0/value", Value::Null, "/metadata/0", "`value`"),
        ("/attribution", json!("<span onmouseover='x()'>Naughty</span>"), "/attribution", "onmouseover"),
        ("/attribution", json!("<p><!-- x --></p>"), "/attribution", "comment"),
        ("/attribution", json!("<script>x()</script>"), "/attribution", "script"),
    ]
);

rule!(
    q8,
    "Q8",
    manifest(),
    [
        ("/viewingHint", json!("pages"), "/viewingHint", "`viewingHint`"),
        ("/viewingHint", json!("non-paged"), "/viewingHint", "non-paged"),
        ("/viewingDirection", json!("ltr"), "/viewingDirection", "ltr"),
        ("/navDate", json!("1776-07-04T00:00:00+01:00"), "/navDate", "`navDate`"),
        ("/height", json!(10), "/height", "`height`"),
        ("/rights", json!("http://creativecommons.org/licenses/by/4.0/"), "/rights", "`rights`"),
    ]
);

rule!(
    q9,
    "Q9",
    manifest(),
    [
        ("/license", json!("All rights reserved"), "/license", "`license`"),
        ("/logo", json!({"label": "x"}), "/logo", "`logo`"),
        ("/thumbnail", json!(7), "/thumbnail", "`thumbnail`"),
        (
            format!("{IMAGE}/resource/service/@id"),
            json!("https://example.org/iiif/2/1/info.json"),
            format!("{IMAGE}/resource/service/@id"),
            "info.json"
        ),
        (format!("{IMAGE}/resource/service/@context"), Value::Null, format!("{IMAGE}/resource/service"), "`@context`"),
        (format!("{IMAGE}/resource/service/profile"), Value::Null, format!("{IMAGE}/resource/service"), "`profile`"),
        (format!("{IMAGE}/resource/@type"), json!("Image"), format!("{IMAGE}/resource/@type"), "prefix"),
    ]
);

rule!(
    q10,
    "Q10",
    collection(),
    [
        ("/manifests", json!({}), "/manifests", "`manifests`"),
        ("/members/0", json!("https://example.org/c/2"), "/members/0", "`members`"),
        ("/manifests/0/sequences", json!([]), "/manifests/0/sequences", "`sequences`"),
        ("/first", json!("https://example.org/c/p1"), "/first", "`first`"),
        ("/next", json!({"label": "x"}), "/next", "`next`"),
    ]
);
