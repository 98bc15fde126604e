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
    /// A browser makes an element of each `<` before a letter: none that is left may have anything that runs.
    #[test]
    fn what_is_left_as_plain_text_runs_nothing(text in "(<|</|<!--|<\\?|[a-cimgosy]{1,3}|script|svg|on[a-c]{1,2}|src|[ \n/=>\"'\u{a0}\u{c}]|x){0,24}") {
        let annotation = accepted(json!({"type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody", "value": &text}}));
        let left = annotation["body"]["value"].as_str().unwrap();
        if left == text {
            for (at, _) in text.match_indices('<') {
                let tag = text[at + 1..].to_ascii_lowercase();
                let name: String = tag.chars().take_while(|c| !" \n/>\u{c}".contains(*c)).collect();
                prop_assert!(!["script", "svg"].contains(&name.as_str()), "{}", text);
                // Where no quote hides anything, what begins so is a handler.
                let inside = tag.split('>').next().unwrap();
                if inside.starts_with(|c: char| c.is_ascii_alphabetic()) && !inside.contains(['"', '\'']) {
                    let words: Vec<_> = inside[name.len()..].split([' ', '\n', '/', '\u{c}']).collect();
                    let is_handler = |word: &&str| word.starts_with("on") && word.find('=').is_some_and(|at| at > 2);
                    let handlers: Vec<_> = words.iter().filter(|word| is_handler(word)).collect();
                    let follows_value = inside.contains("= ") || inside.contains("=\n") || inside.contains("=\u{c}");
                    prop_assert!(handlers.is_empty() || follows_value, "{}: {:?}", text, handlers);
                }
            }
        }
    }

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
    for text in [
        "a < b & c",
        "1 <2",
        "Tom & Jerry",
        "x &lt; y",
        "x <y and z>",
        "a <b and c>d",
        "a <b",
        "<y>",
        "</y> <Jean Dupont> <jd@example.org>",
        "<https://example.org/?a=b>",
        "<y only>",
        "<!-- note -->",
        "x <- y, y -> z",
        "if a<b and c=3 and d>2",
    ] {
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
    assert_eq!(annotation["summary"], json!({"none": ["<p>b</p>"]}));
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

#[test]
fn a_text_without_a_format_is_html_where_it_has_a_tag_of_html_or_one_that_could_run() {
    for (given, want) in [
        ("a <p>b</p>", "a <p>b</p>"),
        ("x <y and z> <b>c</b>", "x  <b>c</b>"),
        ("a</i> < b", "a &lt; b"),
        ("a<br/>b<BR>", "a<br/>b<br/>"),
        ("<a href='https://a.example/'>b", "<a href=\"https://a.example/\">b</a>"),
        ("<td nowrap>a</td>", "<td>a</td>"),
        ("<main>a", "a"),
        ("a<script>b", "a"),
        ("a<script", "a"),
        ("a<script and b>c", "a"),
        ("<img src=x onerror=alert(1)>a", "a"),
        ("<img src=x onerror=alert(1) ", ""),
        ("<svg/onload=alert(1)>", ""),
        ("a <y onclick=alert(1)>b", "a b"),
        ("a <y\nONCLICK\n=alert(1) ", "a "),
        ("a <y b=\u{2003}\"c onclick=alert(1)\">d", "a d"),
        ("a <y/onclick=alert(1)>b", "a b"),
        ("a <y and z onclick=alert(1)>b", "a b"),
        ("a <b and c onclick=alert(1)>d", "a <b>d</b>"),
        ("<!--><img src=x onerror=alert(1)>-->a", "a"),
        ("<y title='<img src=x onerror=alert(1)>'>", ""),
        ("a <y style=position:fixed>b", "a b"),
        ("<x:y xlink:href=javascript:alert(1)>a", "a"),
        ("</p onclick=alert(1)>a<p>", "a<p></p>"),
        ("a <iframe and b>", "a "),
    ] {
        let annotation =
            accept(json!({"type": "Annotation", "target": CANVAS, "body": {"type": "TextualBody", "value": given}}))
                .unwrap();
        assert_eq!(annotation.json()["body"], json!({"type": "TextualBody", "value": want}), "{given:?}");
        let again = accepted(annotation.into_value());
        assert_eq!(again["body"]["value"], want, "{given:?} again");
    }
}

#[test]
fn nothing_runs_of_bodies_in_other_languages() {
    let tei = "<p rend=\"x\">a <hi>b</hi> &amp; <title>c</title><ref target=\"https://a.example/\">d</ref></p>";
    let markdown = "> *a* < b & <br> [c](https://a.example/ \"d\") <https://e.example>\n\n[f]: /g";
    for (format, given, want) in [
        ("text/xml", tei, tei),
        ("application/tei+xml", tei, tei),
        ("application/xml", "<a onclick=\"x()\">b</a>", "<a>b</a>"),
        (
            "text/xml; charset=utf-8",
            "<p>a<x:script xmlns:x='http://www.w3.org/1999/xhtml'>b</x:script></p>",
            "<p>ab</p>",
        ),
        ("text/xml", "<p>a</p><script>b</script>", "<p>a</p>"),
        ("text/xml", "<r xlink:href='java&#115;cript:x'>a</r>", "a"),
        ("application/xml", "<?xml-stylesheet href='x'?><p>a</p>", "<p>a</p>"),
        ("application/xml", "<!DOCTYPE p [<!ENTITY x '<b/>'>]><p>a</p>", "'&gt;]&gt;<p>a</p>"),
        ("application/xhtml+xml", "<p>a<script>b</script></p>", "<p>a</p>"),
        (
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg' onload='x()'><g/></svg>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>",
        ),
        ("image/svg+xml", "<svg onload='x()'><g></svg>", ""),
        (" Text/HTML", "<p onclick='x()'>a</p>", "<p>a</p>"),
        ("text/markdown", markdown, markdown),
        ("text/markdown", "> a <script>b</script> & <b onclick=x>c</b> < d", "> a  & <b>c</b> &lt; d"),
        ("text/markdown; variant=GFM", "<<script></script>img src=x onerror=y>", "&lt;img src=x onerror=y>"),
        ("text/x-markdown", "[a](javascript:alert(1)) [b]( <JAVA\\script&colon;x>)", "[a](#)) [b]( <#>)"),
        ("text/markdown", "[a]\n\n[a]:  data:text/html,x", "[a]\n\n[a]:  #"),
        ("text/plain", "<script>a</script>", "<script>a</script>"),
        ("text/csv", "a,<b", "a,<b"),
    ] {
        let body = json!({"type": "TextualBody", "format": format, "value": given});
        let annotation = accepted(json!({"type": "Annotation", "target": CANVAS, "body": body}));
        assert_eq!(annotation["body"]["value"], want, "{format} {given}");
    }
    let untyped = accepted(
        json!({"type": "Annotation", "target": CANVAS, "body": {"type": "Note", "value": "a <script>b</script>"}}),
    );
    assert_eq!(untyped["body"]["value"], "a ");
}
