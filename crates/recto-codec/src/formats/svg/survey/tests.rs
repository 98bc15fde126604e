//! What is counted of small drawings that would grow.

use super::*;

fn checked(inside: &str) -> Result<Weight, DecodeError> {
    check(&Document::parse(&format!("<svg>{inside}</svg>")).unwrap())
}

/// What is named `u0`, used ten times by `u1`, and so on; the last one is used once more.
fn nested(first: &str, levels: u32) -> String {
    let mut text = format!("<g id='u0'>{first}</g>");
    for level in 1..=levels {
        let uses = format!("<use href='#u{}'/>", level - 1).repeat(10);
        text.push_str(&format!("<g id='u{level}'>{uses}</g>"));
    }
    text + &format!("<use href='#u{levels}'/>")
}

#[test]
fn the_end_of_many_signs_is_looked_for_once() {
    let text = format!("<svg {}/>", "<a".repeat(1 << 20));
    let started = std::time::Instant::now();
    assert!(check_nesting(&text).is_ok());
    // Once for each sign, it would take half a minute.
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(check_nesting(&"<g>".repeat(1025)).is_err());
    assert!(check_nesting(&"<g><a/></g><!-- > -->".repeat(1025)).is_ok());
}

#[test]
fn elements_have_so_many_attributes() {
    let element = |count: usize| {
        let attributes: String = (0..count).map(|index| format!(" a{index} = 'x'")).collect();
        format!("<svg{attributes}/>")
    };
    assert!(check_nesting(&element(4000)).is_ok());
    assert!(check_nesting(&element(4000).repeat(2)).is_ok());
    let refused = check_nesting(&element(4001));
    assert!(matches!(refused, Err(DecodeError::Unsupported { .. })), "{refused:?}");
}

#[test]
fn pictures_count_as_often_as_they_are_used() {
    let picture = format!("<image href='data:{}'/>", "A".repeat(4995));
    let weight = checked(&nested(&picture, 2)).unwrap();
    assert_eq!(weight.picture_bytes, (1 + 10 + 100 + 100) * 5000);
    match checked(&nested(&picture, 5)) {
        Err(DecodeError::TooLarge { needed, unit, .. }) => {
            assert_eq!(needed, (1 + 10 + 100 + 1000 + 10_000 + 100_000 + 100_000) * 5000);
            assert!(unit.contains("pictures"), "{unit}");
        }
        other => panic!("{other:?}"),
    }
    // A pattern is made once, however many are painted with it; another that is filled like it is another.
    let painted = "<rect style='fill:url(#p)'/>".repeat(1000);
    let patterns = |more: &str| checked(&format!("<pattern id='p'>{picture}</pattern>{painted}{more}"));
    assert_eq!(patterns("").unwrap().picture_bytes, 5000);
    assert_eq!(patterns("<pattern href='#p'/>").unwrap().picture_bytes, 10_000);
}

#[test]
fn what_is_used_often_is_held_as_often() {
    let path = format!("<path d='{}'/>", "M0 0".repeat(2500));
    let (once, often) = (checked(&path).unwrap(), checked(&nested(&path, 3)).unwrap());
    assert!(once.held_bytes < 100_000, "{once:?}");
    assert!(often.held_bytes > 2111 * 80_000, "{often:?}");
    let text = "<text>letters</text>";
    let (once, often) = (checked(text).unwrap(), checked(&nested(text, 3)).unwrap());
    assert!(often.held_bytes > once.held_bytes * 1000, "{once:?} {often:?}");
    // The library goes round until it notices.
    let style = format!("<g style='font-family:{}'/>", "a".repeat(10_000));
    let circle = format!("<g id='a'>{style}<use href='#b'/></g><g id='b'><use href='#a'/></g>");
    assert!(checked(&circle).unwrap().held_bytes > 5_000_000);
    let sheet = "<style>rect{font-family:aaaaaaaaaa}</style>";
    let styled = |sheet: &str| checked(&format!("{sheet}{}", nested("<rect/>", 3))).unwrap().held_bytes;
    assert!(styled(sheet) > styled("") + 2111 * 10);
}

#[test]
fn names_are_found_whatever_signs_are_in_them() {
    let heavy = "<g/>".repeat(50);
    for (name, reference) in [
        ("ab", "href='#ab'"),
        ("a;b", "href='#a;b'"),
        ("a#b", "href=' #a#b '"),
        ("a(b)", "href='#a(b)'"),
        ("a b", "fill='url( &quot; #a b&quot;)'"),
        ("a'b", "href=\"#a'b\""),
    ] {
        let id = name.replace('\'', "&apos;");
        let uses = format!("<use {reference}/>").repeat(20);
        let weight = checked(&format!("<g id='{id}'>{heavy}</g><g id='{id}'>{heavy}</g>{uses}")).unwrap();
        assert!(weight.elements > 20 * 100, "{name}: {weight:?}");
    }
    // A selector, a colour and a link out of the file are no references.
    let style = "#ab .c{fill:#ab0}".repeat(50);
    let weight = checked(&format!("<g id='ab'>{heavy}<a href='b#c'/></g><style>{style}</style>")).unwrap();
    assert!(weight.elements < 100, "{weight:?}");
    let weight = checked(&format!("<g id='ab'>{heavy}</g><style>g{{fill:url( '#ab')}}</style>")).unwrap();
    assert!(weight.elements > 50 * 50, "{weight:?}");
}

#[test]
fn markers_are_drawn_at_the_points_of_all_paths_within() {
    let marker = "<marker id='m'><g/><g/><g/></marker>";
    let path = format!("<path d='M0 0{}'/>", "h1".repeat(500));
    for (attribute, least, most) in [
        ("marker-mid='url(#m)'", 2000, 3000),
        ("style='marker:url(#m)'", 2000, 3000),
        ("style='marker-mid:/*;*/url(#m)'", 2000, 3000),
        ("marker-end='url(#m)'", 10, 100),
        ("style='marker:none;fill:url(#m)'", 10, 100),
    ] {
        let weight = checked(&format!("{marker}<g {attribute}>{path}</g>")).unwrap();
        assert!((least..most).contains(&weight.elements), "{attribute}: {weight:?}");
    }
    let sheet = "<style>path{marker-mid:url(#m)}</style>";
    let weight = checked(&format!("{marker}{sheet}{path}")).unwrap();
    assert!(weight.elements > 2000, "{weight:?}");
}
