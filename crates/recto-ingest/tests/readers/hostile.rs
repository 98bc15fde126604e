//! Files that are broken, cut off, huge, deep or malicious cost a finding, never more.

use proptest::prelude::*;
use recto_ingest::mapping::Mapping;
use recto_ingest::readers::{Input, Reading, read, recognise};

fn read_bytes(bytes: &[u8]) -> Reading {
    let input = Input::new("a.xml", "object/a.xml", bytes);
    let _ = recognise(&input);
    read(&input, Mapping::built_in())
}

fn label(reading: &Reading) -> &str {
    reading.description.label.first().unwrap_or_default()
}

fn mods(title: &str) -> String {
    format!("<mods xmlns='http://www.loc.gov/mods/v3'><titleInfo><title>{title}</title></titleInfo></mods>")
}

#[test]
fn every_usual_encoding_is_read() {
    let text = mods("Gärten");
    let utf_16 = |order: fn(u16) -> [u8; 2], with_mark: bool| -> Vec<u8> {
        with_mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(order).collect()
    };
    let latin: Vec<u8> = format!("<?xml version='1.0' encoding='ISO-8859-1'?>{text}")
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    for (what, bytes) in [
        ("UTF-8", text.clone().into_bytes()),
        ("UTF-8 with a mark", format!("\u{feff}{text}").into_bytes()),
        ("UTF-16 LE", utf_16(u16::to_le_bytes, true)),
        ("UTF-16 BE", utf_16(u16::to_be_bytes, true)),
        ("UTF-16 LE without a mark", utf_16(u16::to_le_bytes, false)),
        ("UTF-16 BE without a mark", utf_16(u16::to_be_bytes, false)),
        ("ISO-8859-1", latin),
        ("UTF-8 that says UTF-16", format!("<?xml version='1.0' encoding='UTF-16'?>{text}").into_bytes()),
    ] {
        let reading = read_bytes(&bytes);
        assert_eq!((label(&reading), reading.findings.len()), ("Gärten", 0), "{what}: {:?}", reading.findings);
    }
}

#[test]
fn what_is_not_in_its_encoding_is_read_with_a_warning() {
    let bytes: Vec<u8> = mods("Gärten").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let reading = read_bytes(&bytes);
    assert_eq!(label(&reading), "Gärten");
    assert_eq!(reading.findings[0].rule, "encoding");
}

#[test]
fn a_million_laughs_are_bounded() {
    let mut entities = "<!ENTITY a0 'ha'>".to_owned();
    for level in 1..=12 {
        entities += &format!("<!ENTITY a{level} '{}'>", format!("&a{};", level - 1).repeat(10));
    }
    let reading = read_bytes(format!("<!DOCTYPE mods [{entities}]>{}", mods("&a12;")).as_bytes());
    assert!(label(&reading).len() < 5 << 20);
    assert_eq!(reading.findings[0].rule, "entity-expansion");
}

#[test]
fn deep_nesting_is_cut() {
    let deep = format!("{}{}", "<titleInfo>".repeat(200_000), "</titleInfo>".repeat(200_000));
    let reading = read_bytes(format!("<mods><titleInfo><title>Top</title></titleInfo>{deep}</mods>").as_bytes());
    assert_eq!(label(&reading), "Top");
    assert_eq!(
        reading.findings[0].to_string(),
        "error[document-too-complex] object/a.xml:1: there are elements nested more than 256 deep; what follows is not read; make it simpler, or split it"
    );
}

#[test]
fn the_deepest_structures_that_are_read_have_room_on_the_stack() {
    let depth = 240;
    for (before, open, close, after) in [
        (
            "<mets><fileSec><fileGrp USE='IMAGE'><file ID='f'><FLocat href='a.jpg'/></file></fileGrp></fileSec><structMap TYPE='LOGICAL'>",
            "<div LABEL='x'><fptr FILEID='f'/>",
            "</div>",
            "</structMap></mets>",
        ),
        ("<TEI><text>", "<div><head>x</head><pb facs='a.jpg'/>", "</div>", "</text></TEI>"),
        (
            "<ead><archdesc><dsc>",
            "<c><did><unittitle>x</unittitle><dao href='a.jpg'/></did>",
            "</c>",
            "</dsc></archdesc></ead>",
        ),
    ] {
        let text = format!("{before}{}{}{after}", open.repeat(depth), close.repeat(depth));
        let reading = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || read_bytes(text.as_bytes()))
            .unwrap()
            .join()
            .unwrap();
        assert!(reading.findings.iter().all(|finding| finding.rule != "document-too-complex"), "{before}");
        assert!(!reading.description.pages.is_empty() || !reading.description.members.is_empty(), "{before}");
    }
}

#[test]
fn a_huge_file_is_refused_with_its_limit() {
    let reading = read_bytes(&vec![b' '; 100 << 20]);
    assert_eq!(
        reading.findings[0].to_string(),
        "error[file-too-large] object/a.xml: the file has 100 MiB; up to 64 MiB are read; split it into one file for each object"
    );
}

#[test]
fn an_element_of_too_many_attributes_is_cut() {
    let attributes: String = (0..100_000).map(|number| format!(" a{number}=''")).collect();
    let reading =
        read_bytes(format!("<mods><titleInfo><title>Top</title></titleInfo><x{attributes}/></mods>").as_bytes());
    assert_eq!(label(&reading), "Top");
    assert_eq!(reading.findings[0].rule, "document-too-complex");
}

#[test]
fn what_was_cut_off_is_read_as_far_as_it_goes() {
    let reading = read_bytes(
        b"<mets LABEL='Book'><fileSec><fileGrp USE='IMAGE'><file ID='f'><FLocat href='a.jpg'/></file><file ID=",
    );
    assert_eq!(label(&reading), "Book");
    assert_eq!(reading.description.pages.len(), 1);
    assert_eq!(reading.findings[0].rule, "not-well-formed");
    assert_eq!(reading.findings[0].line, Some(1));
}

fn samples() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
    paths.sort();
    paths.into_iter().map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

#[test]
fn no_beginning_of_a_file_is_too_much() {
    for sample in samples() {
        for end in (0..sample.len()).step_by(97) {
            read_bytes(&sample.as_bytes()[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_bytes(&bytes);
    }

    #[test]
    fn no_change_of_a_file_is_too_much(which in any::<prop::sample::Index>(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let samples = samples();
        let mut bytes = which.get(&samples).clone().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_bytes(&bytes);
    }

    #[test]
    fn no_mixture_of_tags_is_too_much(parts in proptest::collection::vec(prop::sample::select(vec![
        "<mets>", "</mets>", "<div ", "ID='a' ", "LABEL='b'", ">", "/>", "</div>", "<structMap TYPE='LOGICAL'>", "<fptr FILEID='a'/>", "<area BEGIN='x' BETYPE='TIME'/>",
        "&amp;", "&x;", "<![CDATA[", "]]>", "<!--", "-->", "<TEI>", "<text>", "<pb facs='a'/>", "é", "\u{0}", "<c>", "<dao href='..'/>", "<!DOCTYPE a [", "<!ENTITY x '&x;'>", "]>",
    ]), 0..40)) {
        read_bytes(parts.concat().as_bytes());
    }
}
