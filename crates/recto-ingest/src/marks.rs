//! Files by which a folder says what it is: a METS file makes one object of all folders below it, for example.

use std::io::{BufRead as _, BufReader, Read};

use crate::description::Kind;

/// How much of a file is looked at.
pub(crate) const HEAD_BYTES: u64 = 4096;

/// What a file of this name makes of its folder, whatever is in it.
pub(crate) fn by_name(name: &str) -> Option<Kind> {
    let lower = name.to_lowercase();
    let (stem, extension) = lower.rsplit_once('.')?;
    match (stem, extension) {
        ("pages", "csv" | "tsv" | "xlsx" | "ods" | "xls") | ("manifest", "json") => Some(Kind::Manifest),
        ("manifests", "yml" | "yaml" | "csv" | "tsv") | ("objects", "csv" | "tsv" | "tab" | "xlsx" | "ods" | "xls") => {
            Some(Kind::Collection)
        }
        _ => None,
    }
}

/// True for files that may say it in their content.
pub(crate) fn may_say(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.rsplit_once('.').is_some_and(|(stem, extension)| match extension {
        "xml" => true,
        "yml" | "yaml" | "toml" | "json" => stem == "recto" || stem == "info",
        _ => false,
    })
}

/// True for files of the kind that may also be the text of a page.
pub(crate) fn is_record(name: &str) -> bool {
    name.to_lowercase().ends_with(".xml")
}

/// What the beginning of a file makes of its folder.
pub(crate) fn by_content(name: &str, head: &[u8]) -> Option<Kind> {
    // Signs are plain ASCII: in UTF-16 they have zeros between them.
    let text: String = head.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    if !is_record(name) {
        return text.lines().find_map(declared_kind);
    }
    let mut rest = text.as_str();
    while let Some((_, behind)) = rest.split_once('<') {
        if behind.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let element = behind.split(|end: char| end.is_whitespace() || matches!(end, '>' | '/')).next()?;
            let local = element.rsplit(':').next()?.to_ascii_lowercase();
            return match local.as_str() {
                "mets" | "tei" => Some(Kind::Manifest),
                "ead" => Some(Kind::Collection),
                _ => None,
            };
        }
        rest = match behind.strip_prefix("!--") {
            Some(comment) => comment.split_once("-->")?.1,
            None => behind,
        };
    }
    None
}

/// How much of a METS file is looked at to find out whether it has files or only points to others.
const MOST_OF_METS: u64 = 1 << 20;

/// True for a METS file that names no files of its own but other METS files: that of a newspaper or of a work in volumes.
///
/// Files stand before the structure, so that whichever comes first tells.
pub(crate) fn points_to_others(file: impl Read) -> bool {
    let mut file = BufReader::new(file).take(MOST_OF_METS);
    let mut piece = Vec::new();
    loop {
        piece.clear();
        match file.read_until(b'<', &mut piece) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        // In UTF-16 plain ASCII has zeros between its letters.
        let letters = piece.iter().copied().filter(|byte| *byte != 0);
        let name: Vec<u8> = letters
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.'))
            .take(64)
            .collect();
        match name.rsplit(|byte| *byte == b':').next() {
            Some(b"file" | b"fptr") => return false,
            Some(b"mptr") => return true,
            _ => {}
        }
    }
}

/// `kind: manifest` in YAML, `kind = "manifest"` in TOML, `"kind": "manifest"` in JSON.
fn declared_kind(line: &str) -> Option<Kind> {
    let line = line.trim_start_matches(|open: char| open == '{' || open.is_whitespace()).trim_start_matches('"');
    let value = line.strip_prefix("kind")?.trim_start_matches(['"', ':', '=', ' ']);
    let word: String = value.trim_start_matches('"').chars().take_while(char::is_ascii_alphabetic).collect();
    match word.as_str() {
        "manifest" => Some(Kind::Manifest),
        "collection" => Some(Kind::Collection),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_what_the_files_in_it_say() {
        for (name, content, wanted) in [
            ("x.xml", "<?xml version=\"1.0\"?>\n<!-- a <b> --><mets:mets xmlns", Some(Kind::Manifest)),
            ("x.xml", "<TEI xmlns='x'>", Some(Kind::Manifest)),
            ("X.XML", "<ead>", Some(Kind::Collection)),
            ("x.xml", "<alto>", None),
            ("x.xml", "", None),
            ("x.xml", "<", None),
            ("recto.yml", "label: x\nkind: manifest\n", Some(Kind::Manifest)),
            ("recto.toml", "kind = \"collection\"", Some(Kind::Collection)),
            ("recto.json", "{ \"kind\": \"collection\" }", Some(Kind::Collection)),
            ("recto.yml", "kindly: manifest", None),
        ] {
            assert_eq!(by_content(name, content.as_bytes()), wanted, "{name} {content}");
        }
        for (content, wanted) in [
            ("<m:mets><m:structMap><m:div><m:mptr xlink:href='1.xml'/>", true),
            ("<mets><fileSec><fileGrp><file ID='a'/></fileGrp></fileSec><structMap><div><mptr/></div>", false),
            ("<mets><structMap><div><fptr/></div>", false),
            ("<mets><fileSec/></mets>", false),
            ("", false),
        ] {
            assert_eq!(points_to_others(content.as_bytes()), wanted, "{content}");
        }
        assert_eq!(by_name("Pages.CSV"), Some(Kind::Manifest));
        assert_eq!(by_name("manifests.yml"), Some(Kind::Collection));
        assert_eq!(by_name("objects.csv"), Some(Kind::Collection));
        assert_eq!(by_name("objects.txt"), None);
        let wide: Vec<u8> = "<mets>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(by_content("x.xml", &wide), Some(Kind::Manifest));
    }
}
