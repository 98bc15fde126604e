//! Nothing of an annotation runs in a reader's browser.

use proptest::prelude::*;
use recto_iiif::annotation::html::sanitised;
use recto_iiif::annotation::svg;
use serde_json::json;

use super::{CANVAS, accept, accepted, faults};

/// Ways in which people have got scripts past sanitisers, and what is left of each.
const HTML: &[(&str, &str)] = &[
    ("<script>alert(1)</script>", ""),
    ("<SCRIPT SRC=http://x.example/x.js></SCRIPT>a", "a"),
    ("<scr<script>ipt>alert(1)</scr</script>ipt>", "ipt&gt;alert(1)ipt&gt;"),
    ("<<script>alert(1);//<</script>", "&lt;"),
    ("<script", ""),
    ("<p>a<script>b", "<p>a</p>"),
    ("<img src=x onerror=alert(1)>", ""),
    ("<img src=\"https://a.example/b.png\" onerror=alert(1)>", "<img src=\"https://a.example/b.png\"/>"),
    ("<img src='javascript:alert(1)'>", ""),
    ("<img \"\"\"><script>alert(1)</script>\">", "\"&gt;"),
    ("<img src=&#106;&#97;&#118;&#97;script:alert(1)>", ""),
    ("<img src=data:image/svg+xml;base64,AAAA>", ""),
    ("<a href=javascript:alert(1)>x</a>", "<a>x</a>"),
    ("<a href=' \u{1}javascript:alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='java\tscript:alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='java&#x0A;script:alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='javascript&colon;alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='javascript&#58alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='&#x6a&#x61vascript:alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='java&Tab;script:alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='java&unknown;script:alert(1)'>x</a>", "<a>x</a>"),
    ("<a href='vbscript:x'>x</a>", "<a>x</a>"),
    ("<a href='data:text/html,<script>1</script>'>x</a>", "<a>x</a>"),
    ("<a href='//x.example/a'>x</a>", "<a href=\"//x.example/a\">x</a>"),
    ("<a href='/\\x.example'>x</a>", "<a>x</a>"),
    (
        "<a href=\"https://a.example/?a=1&amp;b='2'\" target=_blank>x</a>",
        "<a href=\"https://a.example/?a=1&amp;b=&#39;2&#39;\">x</a>",
    ),
    ("<svg onload=alert(1)>", ""),
    ("<svg><script>alert(1)</script></svg>b", "b"),
    ("<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">", ""),
    ("<iframe src=javascript:alert(1)></iframe>", ""),
    ("<object data=x></object><embed src=x>", ""),
    ("<body onload=alert(1)>a", "a"),
    ("<div style=\"background:url(javascript:alert(1))\">a</div>", "<div>a</div>"),
    ("<style>@import 'x';</style><link rel=stylesheet href=x>a", "a"),
    ("<meta http-equiv=refresh content='0;url=javascript:alert(1)'>a", "a"),
    ("<base href='javascript:alert(1);//'>a", "a"),
    ("<form action=javascript:alert(1)><input type=submit><button>b</button></form>", "b"),
    ("<details open ontoggle=alert(1)>a</details>", "a"),
    ("<b onmouseover = alert(1)>a</b>", "<b>a</b>"),
    ("<b/onclick=alert(1)>a</b>", "<b>a</b>"),
    ("<b\nonclick\n=\n'alert(1)'>a</b>", "<b>a</b>"),
    (
        "<b title='\"><script>alert(1)</script>'>a</b>",
        "<b title=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">a</b>",
    ),
    ("<b title=`onmouseover=alert(1)`>a</b>", "<b title=\"&#96;onmouseover=alert(1)&#96;\">a</b>"),
    ("<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "\"&gt;"),
    ("<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">", "\"&gt;"),
    ("<!--><img src=x onerror=alert(1)>-->a", "a"),
    ("<!-- --!><img src=x onerror=alert(1)> -->a", "a"),
    ("<!DOCTYPE x [<!ENTITY y 'z'>]>a", "]&gt;a"),
    ("<?xml version='1.0'?>a", "a"),
    ("<![CDATA[<script>alert(1)</script>]]>", "alert(1)]]&gt;"),
    ("<xmp><p title=\"</xmp><svg/onload=alert(1)>\">", ""),
    ("<template><script>alert(1)</script></template>a", "a"),
    ("<marquee onstart=alert(1)>a</marquee>", "a"),
    ("<x onclick=alert(1)>a", "a"),
    ("a</p></div>b", "ab"),
    ("<b><i>a</b>c</i>", "<b><i>a</i></b>c"),
    ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
    ("\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>", "\u{fffd}alert(1)"),
];

#[test]
fn what_could_run_is_taken_out_of_html() {
    for (given, want) in HTML {
        assert_eq!(sanitised(given).html, *want, "{given:?}");
    }
}

#[test]
fn html_of_editors_stays_as_it_is() {
    for html in [
        "<p>Look <b>here</b>, <em>and</em> there</p>",
        "<p>ä &amp; ö&nbsp;</p><ul><li>a</li><li>b</li></ul><p><br/></p>",
        "<a href=\"https://a.example/b#c\" title=\"d\">e</a>",
        "<table><tbody><tr><td colspan=\"2\">a</td></tr></tbody></table>",
        "<span lang=\"grc\" dir=\"ltr\">ἀρχή</span>",
    ] {
        let clean = sanitised(html);
        assert_eq!((clean.html.as_str(), clean.removed.len()), (html, 0));
    }
}

proptest! {
    #[test]
    fn the_output_has_tags_of_the_list_alone_and_is_clean_already(text in "[<>/\"'=&;!#\\-a-dhimgonrsctptx: \n`]{0,60}") {
        let clean = sanitised(&text);
        let again = sanitised(&clean.html);
        prop_assert_eq!(&again.html, &clean.html);
        prop_assert_eq!(again.removed, Vec::<String>::new());
        for tag in clean.html.split('<').skip(1) {
            let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            prop_assert!(!name.is_empty());
            let (inside, _) = tag.split_once('>').unwrap();
            prop_assert!(!inside.to_lowercase().contains(" on"));
        }
    }
}

#[test]
fn bodies_are_cleaned_where_viewers_show_them_as_html() {
    let harm = "<p onclick='x()'>a</p><script>b</script>";
    for (format, want) in [
        (json!("text/html"), "<p>a</p>"),
        (json!("TEXT/HTML;charset=utf-8"), "<p>a</p>"),
        (json!("application/xhtml+xml"), "<p>a</p>"),
        (json!(null), "<p>a</p>"),
        (json!("text/plain"), harm),
    ] {
        let mut body = json!({"type": "TextualBody", "value": harm, "format": format});
        if format.is_null() {
            body.as_object_mut().unwrap().remove("format");
        }
        let annotation = accepted(json!({"type": "Annotation", "target": CANVAS, "body": [body]}));
        assert_eq!(annotation["body"][0]["value"], want, "{format}");
    }
    let annotation =
        accept(json!({"@type": "oa:Annotation", "on": CANVAS, "resource": {"@type": "dctypes:Text", "chars": harm}}))
            .unwrap();
    assert_eq!(annotation.json()["body"]["value"], "<p>a</p>");
    assert_eq!(
        (annotation.notes()[0].pointer.as_str(), annotation.notes()[0].message.as_str()),
        ("/resource/value", "taken out of the HTML: onclick, <script>")
    );
}

#[test]
fn texts_without_tags_are_not_touched() {
    for text in ["a < b & c", "1 <2", "Tom & Jerry", "x &lt; y"] {
        let annotation =
            accepted(json!({"type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody", "value": text}}));
        assert_eq!(annotation["body"]["value"], text);
    }
}

#[test]
fn html_in_other_places_is_cleaned_and_names_that_scripts_use_are_left_out() {
    let given = json!({
        "type": "Annotation", "target": CANVAS, "label": {"en": ["<b onclick=x>a</b>"]}, "summary": "<script>x</script><p>b</p>",
        "extra": {"deep": [{"html": "<img src=x onerror=y>"}]}, "constructor": {"prototype": 1}, "maeData": {"svg": "<svg onload='x'><rect width='1' height='1'/></svg>"}
    });
    let annotation = accepted(given);
    assert_eq!(annotation["label"]["en"][0], "<b>a</b>");
    assert_eq!(annotation["summary"], "<p>b</p>");
    assert_eq!(annotation["extra"]["deep"][0]["html"], "");
    assert!(annotation.get("constructor").is_none());
    assert_eq!(
        annotation["maeData"]["svg"],
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"1\" height=\"1\"/></svg>"
    );
    let proto = accept(
        serde_json::from_str(r#"{"type":"Annotation","target":"https://a.example/c","__proto__":{"x":1}}"#).unwrap(),
    )
    .unwrap();
    assert!(proto.json().get("__proto__").is_none());
}

#[test]
fn addresses_that_run_are_rejected() {
    for (given, at) in [
        (json!({"type": "Annotation", "target": CANVAS, "body": "javascript:alert(1)"}), "/body"),
        (
            json!({"type": "Annotation", "target": CANVAS, "body": {"id": " JavaScript:alert(1)", "type": "Text"}}),
            "/body/id",
        ),
        (json!({"type": "Annotation", "target": "javascript:alert(1)"}), "/target"),
        (json!({"type": "Annotation", "target": CANVAS, "homepage": [{"id": "data:text/html,x"}]}), "/homepage/0/id"),
        (json!({"type": "Annotation", "target": CANVAS, "seeAlso": ["vbscript:x"]}), "/seeAlso/0"),
        (json!({"@type": "oa:Annotation", "on": {"full": "javascript:x"}}), "/on/source"),
    ] {
        let said = faults(given.clone());
        assert!(
            said.iter().any(|fault| fault.starts_with(&format!("{at}: ")) && fault.contains("a browser would run")),
            "{given} {said:?}"
        );
    }
    let picture =
        json!({"type": "Annotation", "target": CANVAS, "body": {"id": "data:image/png;base64,AAAA", "type": "Image"}});
    assert!(accept(picture).is_ok());
}

#[test]
fn shapes_keep_their_lines_and_nothing_that_runs_or_loads() {
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\">";
    for (given, want) in [
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><script>x</script><path d='M0,0z'/></svg>",
            "<path d=\"M0,0z\"/></svg>",
        ),
        ("<svg xmlns='http://www.w3.org/2000/svg' onload='x()'><path d='M0,0z'/></svg>", "<path d=\"M0,0z\"/></svg>"),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><img src='x'/></body></foreignObject></svg>",
            "</svg>",
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><image href='https://x.example/'/><use href='#a'/><a href='javascript:x'><g/></a></svg>",
            "</svg>",
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'><path xlink:href='https://x.example/' d='M0,0'/></svg>",
            "<path d=\"M0,0\"/></svg>",
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><style>*{background:url(https://x.example)}</style><rect fill='url(https://x.example/#a)' width='1'/></svg>",
            "<rect width=\"1\"/></svg>",
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><rect style='fill:ur\\6c(x)' width='1'/></svg>",
            "<rect width=\"1\"/></svg>",
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><animate attributeName='href' values='javascript:x'/><set/></svg>",
            "</svg>",
        ),
        ("<svg xmlns='http://www.w3.org/2000/svg'><!--><img src=x onerror=y>--><g/></svg>", "<g/></svg>"),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><title><![CDATA[<img src=x onerror=y>]]></title></svg>",
            "<title>&lt;img src=x onerror=y&gt;</title></svg>",
        ),
    ] {
        let checked = svg::checked(given).unwrap();
        assert_eq!(checked.svg, format!("{head}{want}"), "{given}");
    }
    assert!(svg::checked("<!DOCTYPE svg [<!ENTITY a \"b\">]><svg>&a;</svg>").is_err());
    assert!(svg::checked("<html/>").is_err());
}

#[test]
fn a_shape_that_mirador_draws_stays_byte_for_byte() {
    let drawn = "<svg xmlns='http://www.w3.org/2000/svg'><path xmlns=\"http://www.w3.org/2000/svg\" d=\"M3002.02122,586.53692l185.50155,0z\" \
        data-paper-data=\"{&quot;strokeWidth&quot;:1,&quot;group&quot;:null}\" id=\"rectangle_e17b2bc5\" fill-opacity=\"0.00001\" fill=\"#00bfff\" \
        fill-rule=\"nonzero\" stroke=\"#00bfff\" stroke-width=\"4.31399\" stroke-linecap=\"butt\" stroke-linejoin=\"miter\" stroke-miterlimit=\"10\" \
        stroke-dasharray=\"\" stroke-dashoffset=\"0\" font-family=\"none\" font-weight=\"none\" font-size=\"none\" text-anchor=\"none\" \
        style=\"mix-blend-mode: normal\"/></svg>";
    let checked = svg::checked(drawn).unwrap();
    assert_eq!((checked.svg.as_str(), checked.removed), (drawn, Vec::new()));
}
