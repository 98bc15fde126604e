//! Damage, and files that are made to do harm.

use std::fmt::Write;

use proptest::prelude::*;
use recto_ingest::text;

use super::support::{rules, texts};

fn alto(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<alto>\n<Layout><Page WIDTH=\"100\" HEIGHT=\"100\"><PrintSpace>\n<TextBlock><TextLine>\n{body}</TextLine></TextBlock></PrintSpace></Page></Layout></alto>"
    )
}

#[test]
fn broken_xml_gives_the_words_up_to_the_damage_and_its_line() {
    let whole = alto("<String CONTENT=\"one\"/>\n<String CONTENT=\"two\"/>\n<String CONTENT=\"three\"/>\n");
    let cut = &whole[..whole.find("\"two\"").unwrap() + 3];
    let (page, findings) = text::read(cut.as_bytes(), 0, "a.xml");
    assert_eq!((texts(&page), rules(&findings)), (vec!["one"], vec![("text-damaged", Some(6))]));
    let wrong = whole.replace("<String CONTENT=\"two\"/>", "<String CONTENT=\"two\"></Strin>");
    let (page, findings) = text::read(wrong.as_bytes(), 0, "a.xml");
    assert_eq!(texts(&page)[..1], ["one"]);
    assert_eq!(rules(&findings), [("text-damaged", Some(6))]);
    assert!(findings[0].to_string().starts_with("error[text-damaged] a.xml:6: "), "{}", findings[0]);
}

#[test]
fn entities_are_never_expanded() {
    let mut bomb = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE alto [<!ENTITY a \"lol\">");
    for (name, of) in ('b'..='z').zip('a'..) {
        write!(bomb, "<!ENTITY {name} \"{}\">", format!("&{of};").repeat(10)).unwrap();
    }
    bomb.push_str("<!ENTITY file SYSTEM \"file:///etc/passwd\">]>");
    bomb.push_str(&alto("<String CONTENT=\"&z;\"/><String CONTENT=\"&file;\"/>").replacen(
        "<?xml version=\"1.0\"?>",
        "",
        1,
    ));
    let (page, findings) = text::read(bomb.as_bytes(), 0, "a.xml");
    assert_eq!(texts(&page), ["&z;", "&file;"]);
    assert_eq!(rules(&findings), [("entities-not-read", Some(2))]);
}

#[test]
fn deep_nesting_ends_the_reading() {
    for root in ["alto", "PcGts", "ocr", "TEI", "DjVuXML"] {
        let deep = format!("<{root}>{}", "<TextRegion>".repeat(1_000_000));
        let (_, findings) = text::read(deep.as_bytes(), 0, "a.xml");
        assert!(rules(&findings).iter().any(|(rule, _)| *rule == "text-too-deep"), "{root} {findings:?}");
    }
    let deep = format!("<html><div class='ocr_page'>{}", "<div>".repeat(1_000_000));
    assert_eq!(rules(&text::read(deep.as_bytes(), 0, "a.html").1), [("text-too-deep", Some(1))]);
}

#[test]
fn a_hundred_megabytes_of_text_are_read_to_the_limit_of_words() {
    let mut huge = String::with_capacity(101 << 20);
    huge.push_str("<alto><Layout><Page WIDTH='9' HEIGHT='9'>\n<TextBlock><TextLine>");
    let piece = "<String HPOS='1' VPOS='2' WIDTH='3' HEIGHT='4' WC='0.9' CONTENT='word'/><SP/>\n".repeat(1000);
    while huge.len() < 100 << 20 {
        huge.push_str(&piece);
    }
    huge.push_str("</TextLine></TextBlock></Page></Layout></alto>");
    let (page, findings) = text::read(huge.as_bytes(), 0, "a.xml");
    assert_eq!(page.words().count(), 500_000);
    assert_eq!(rules(&findings), [("text-too-long", Some(500_002))]);
    let plain = "a line of words without end\n".repeat(4_000_000);
    assert_eq!(rules(&text::read(plain.as_bytes(), 0, "a.txt").1)[0].0, "text-too-long");
    let one = "a".repeat(100 << 20);
    let (page, _) = text::read(one.as_bytes(), 0, "a.txt");
    assert_eq!(page.words().map(|word| word.text.len()).sum::<usize>(), one.len());
}

#[test]
fn what_is_no_text_gives_an_empty_page_and_a_finding() {
    for (content, rule) in [
        (&b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"[..], "text-unknown"),
        (b"<mets/>", "text-unknown"),
        (b" \n", "text-empty"),
        (b"", "text-empty"),
        (b"<alto/>", "text-page-missing"),
        (b"%PDF-1.4\nrubbish", "pdf-damaged"),
    ] {
        let (page, findings) = text::read(content, 0, "a");
        assert!(page.is_empty());
        assert_eq!(findings[0].rule, rule, "{content:?}");
    }
}

#[test]
fn numbers_that_are_none_place_nothing() {
    let content = alto(
        "<String CONTENT=\"a\" HPOS=\"NaN\" VPOS=\"1\" WIDTH=\"1\" HEIGHT=\"1\"/><String CONTENT=\"b\" HPOS=\"1e999\" VPOS=\"1\" WIDTH=\"1\" HEIGHT=\"1\"/><String CONTENT=\"c\" HPOS=\"1\" VPOS=\"1\" WIDTH=\"-5\" HEIGHT=\"1\"/>",
    );
    let (page, _) = text::read(content.as_bytes(), 0, "a.xml");
    let areas: Vec<_> = page.words().map(|word| word.area.map(|area| area.w)).collect();
    assert_eq!(areas, [None, None, Some(0.0)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = text::read(&bytes, 0, "a");
    }

    #[test]
    fn anything_like_markup_is_read(root in "(alto|PcGts|html|ocr|TEI|DjVuXML)", body in "(</?(Page|TextRegion|TextLine|Word|String|SP|HYP|Glyph|TextEquiv|Unicode|span|div|p|b|l|w|pb|lb|text|OBJECT|WORD)( (class='(ocr_page|ocr_line|ocrx_word|alt)'|CONTENT='[a-]{0,3}'|HPOS='[0-9.]{0,2}'|title='bbox [0-9 ]{0,8}'|points='[0-9, ]{0,9}'|SUBS_TYPE='HypPart[12]'))?/?>|[a<&;\u{ad} é日א-]{0,3}){0,30}") {
        let content = format!("<{root}>{body}");
        let (page, _) = text::read(content.as_bytes(), 0, "a.xml");
        for word in page.words() {
            prop_assert!(!word.text.is_empty() && !word.text.contains(char::is_whitespace));
        }
    }
}
