//! MARC as it is exchanged (ISO 2709), written as MARC in XML, so that one reader is enough.

use std::cell::RefCell;

use super::Input;
use crate::finding::{Finding, Findings, Severity};

const FIELD_END: u8 = 0x1e;
const SUBFIELD: u8 = 0x1f;
const RECORD_END: u8 = 0x1d;

/// Does it begin as a record: a length in digits, a leader of 24 bytes, and a directory?
pub(super) fn is_record(bytes: &[u8]) -> bool {
    let Some(leader) = bytes.get(..24) else { return false };
    leader[..5].iter().all(u8::is_ascii_digit)
        && &leader[10..12] == b"22"
        && leader[12..17].iter().all(u8::is_ascii_digit)
}

/// The first record as XML.
pub(super) fn to_xml(input: &Input<'_>, findings: &RefCell<Findings>) -> String {
    let bytes = input.bytes;
    let tell = |severity, rule, message: String, fix: &str| {
        findings.borrow_mut().push(Finding::new(severity, rule, input.place, message, fix));
    };
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<usize>().ok());
    let length = bytes.get(..5).and_then(number).unwrap_or_default();
    if length > bytes.len() {
        let message = format!("the record says it has {length} bytes, and the file has {}", bytes.len());
        tell(Severity::Error, "not-well-formed", message, "copy the file again: its end is missing");
    }
    if bytes.get(length..).is_some_and(is_record) {
        let message = "the file has several records; the first describes this object".to_owned();
        tell(Severity::Note, "several-records", message, "put each record beside the images that it describes");
    }
    let is_unicode = bytes.get(9) == Some(&b'a');
    let data = bytes.get(12..17).and_then(number).unwrap_or_default();
    let mut out = "<record xmlns=\"http://www.loc.gov/MARC21/slim\">".to_owned();
    let directory = bytes.get(24..data).unwrap_or_default();
    let mut has_other_script = false;
    for entry in directory.chunks_exact(12).take(2000) {
        let (Some(length), Some(start)) = (number(&entry[3..7]), number(&entry[7..12])) else { continue };
        let Some(field) = bytes.get(data + start..).map(|rest| &rest[..rest.len().min(length)]) else { continue };
        let field = field.split(|byte| matches!(*byte, FIELD_END | RECORD_END)).next().unwrap_or_default();
        has_other_script |= !is_unicode && !field.is_ascii();
        let tag = escape(&String::from_utf8_lossy(&entry[..3]));
        if entry.starts_with(b"00") {
            out.push_str(&format!(
                "<controlfield tag=\"{tag}\">{}</controlfield>\n",
                escape(&String::from_utf8_lossy(field))
            ));
            continue;
        }
        let mut parts = field.split(|byte| *byte == SUBFIELD);
        let indicators = parts.next().unwrap_or_default();
        let indicator = |at: usize| indicators.get(at).map_or(' ', |byte| char::from(*byte));
        out.push_str(&format!(
            "<datafield tag=\"{tag}\" ind1=\"{}\" ind2=\"{}\">",
            escape(&indicator(0).to_string()),
            escape(&indicator(1).to_string())
        ));
        for part in parts {
            let Some((code, text)) = part.split_first() else { continue };
            let text = escape(&String::from_utf8_lossy(text));
            out.push_str(&format!("<subfield code=\"{}\">{text}</subfield>", escape(&char::from(*code).to_string())));
        }
        out.push_str("</datafield>\n");
    }
    out.push_str("</record>");
    if has_other_script {
        let message = "the record is in MARC-8, of which letters with accents are not read".to_owned();
        tell(Severity::Warning, "encoding", message, "export the record in UTF-8");
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
