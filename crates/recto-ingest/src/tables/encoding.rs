//! Which characters the bytes of a text file mean: spreadsheets and editors seldom say.

use crate::words::{At, Report};

/// The text of a file in UTF-8 or UTF-16 (with or without a mark), Windows-1252 or Mac Roman, without the mark.
/// Where it was guessed, a finding says so.
pub(crate) fn decode(bytes: &[u8], report: &mut Report) -> String {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        return with(encoding, bytes.get(mark..).unwrap_or_default(), report);
    }
    if let Some(encoding) = utf_16(bytes) {
        return with(encoding, bytes, report);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    if mostly_utf_8(bytes) {
        return with(encoding_rs::UTF_8, bytes, report);
    }
    let encoding = single_byte(bytes);
    let name = if encoding == encoding_rs::MACINTOSH { "Mac Roman" } else { "Windows-1252" };
    report.note(
        At::FILE,
        "guessed-encoding",
        format!("the text is not UTF-8 and was read as {name}"),
        "look whether letters with accents are right, and save it as UTF-8 (in Excel: `CSV UTF-8`)",
    );
    with(encoding, bytes, report)
}

fn with(encoding: &'static encoding_rs::Encoding, bytes: &[u8], report: &mut Report) -> String {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        let line = text.split('\n').position(|line| line.contains('\u{fffd}')).map_or(0, |line| line as u32 + 1);
        report.warning(
            At::line(line),
            "broken-characters",
            format!("some bytes are no characters of {} and are shown as `\u{fffd}`", encoding.name()),
            "save the file as UTF-8",
        );
    }
    text.into_owned()
}

/// UTF-16 without a mark: in Western text every other byte is zero.
fn utf_16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let start = bytes.get(..bytes.len().min(1024))?;
    let pairs = start.len() / 2;
    if pairs == 0 {
        return None;
    }
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 2 > pairs && even * 10 < pairs.max(10) {
        Some(encoding_rs::UTF_16LE)
    } else if even * 2 > pairs && odd * 10 < pairs.max(10) {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// A file of UTF-8 with a few wrong bytes, such as one that was cut: more characters of several bytes than errors.
fn mostly_utf_8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > broken
}

/// In Mac Roman, letters with accents have the bytes that Windows gives to punctuation, which seldom stands in a word.
fn single_byte(bytes: &[u8]) -> &'static encoding_rs::Encoding {
    let (mut windows, mut mac) = (0_usize, 0_usize);
    for window in bytes.windows(3) {
        let &[before, byte, after] = window else { continue };
        if !before.is_ascii_lowercase() && !after.is_ascii_lowercase() {
            continue;
        }
        match byte {
            0xc0..=0xff => windows += 1,
            // Not among them: 0x85 and 0x91 to 0x97, which are dots, dashes and quotation marks of Windows.
            0x80..=0x84 | 0x86..=0x90 | 0x98..=0x9f | 0xa7 => mac += 1,
            _ => {}
        }
    }
    if mac > windows { encoding_rs::MACINTOSH } else { encoding_rs::WINDOWS_1252 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (String, Vec<&'static str>) {
        let mut report = Report::new("t.csv");
        let text = decode(bytes, &mut report);
        (text, report.into_list().iter().map(|finding| finding.rule).collect())
    }

    fn utf_16_bytes(text: &str, mark: bool, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(order).collect()
    }

    #[test]
    fn every_encoding_of_spreadsheets_is_known() {
        let text = "label;Straße\r\nMünchen;Café“\n";
        for (name, bytes, findings) in [
            ("UTF-8", text.as_bytes().to_vec(), &[][..]),
            ("UTF-8 with mark", [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(), &[]),
            ("UTF-16LE with mark", utf_16_bytes(text, true, u16::to_le_bytes), &[]),
            ("UTF-16BE with mark", utf_16_bytes(text, true, u16::to_be_bytes), &[]),
            ("UTF-16LE", utf_16_bytes(text, false, u16::to_le_bytes), &[]),
            ("UTF-16BE", utf_16_bytes(text, false, u16::to_be_bytes), &[]),
            (
                "Windows-1252",
                b"label;Stra\xdfe\r\nM\xfcnchen;Caf\xe9\x93\n"
                    .iter()
                    .map(|b| if *b == 0x93 { 0x93 } else { *b })
                    .collect(),
                &["guessed-encoding"],
            ),
            ("Mac Roman", b"label;Stra\xa7e\r\nM\x9fnchen;Caf\x8e\xd2\n".to_vec(), &["guessed-encoding"]),
        ] {
            let (read, rules) = decoded(&bytes);
            assert_eq!(read, text, "{name}");
            assert_eq!(rules, findings, "{name}");
        }
    }

    #[test]
    fn utf_8_that_was_cut_stays_utf_8() {
        let cut = &"Münchner Straße, Café".as_bytes()[.."Münchner Straße, Café".len() - 1];
        let (text, rules) = decoded(cut);
        assert_eq!(text, "Münchner Straße, Caf\u{fffd}");
        assert_eq!(rules, ["broken-characters"]);
    }
}
