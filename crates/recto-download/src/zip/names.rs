//! Names of files that every system can unpack, each once.

use std::collections::HashSet;

/// Most characters of a part of a path.
const MOST_CHARACTERS: usize = 80;
/// Most bytes of a path: some systems stop at 255.
const MOST_BYTES: usize = 240;
/// Names that Windows keeps for devices.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Gives out names: safe, and each once, also where capital and small letters are the same.
#[derive(Clone, Debug, Default)]
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// The name that is nearest to the wanted one.
    pub fn take(&mut self, wanted: &str) -> String {
        let name = safe_path(wanted);
        let mut candidate = name.clone();
        let mut number = 2_u64;
        while !self.taken.insert(candidate.to_lowercase()) {
            let (stem, extension) = split_extension(&name);
            candidate = format!("{stem}_{number}{extension}");
            number += 1;
        }
        candidate
    }
}

/// The name of a page's file: `0001_label.jpg`. The number has as many digits as the count of pages, at least four, so that any order
/// by name is that of the pages.
pub fn page_name(number: u64, count: u64, label: &str, extension: &str) -> String {
    let digits = count.to_string().len().max(4);
    let label = safe_part(label);
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let number = format!("{number:0digits$}");
    // A label that is only the number again says nothing.
    let has_label = label != "_" && label.trim_start_matches('0') != number.trim_start_matches('0');
    let stem = if has_label { format!("{number}_{label}") } else { number };
    if extension.is_empty() { stem } else { format!("{stem}.{extension}") }
}

fn split_extension(name: &str) -> (&str, &str) {
    let file = name.rfind('/').map_or(0, |at| at + 1);
    match name[file..].rfind('.') {
        Some(at) if at > 0 => name.split_at(file + at),
        _ => (name, ""),
    }
}

/// A relative path without parts that lead elsewhere.
fn safe_path(path: &str) -> String {
    let parts: Vec<String> =
        path.split(['/', '\\']).filter(|part| !matches!(part.trim(), "" | "." | "..")).map(safe_part).collect();
    let mut joined = if parts.is_empty() { "_".to_owned() } else { parts.join("/") };
    if joined.len() > MOST_BYTES {
        let (stem, extension) = split_extension(&joined);
        let room = MOST_BYTES.saturating_sub(extension.len());
        let cut = stem.floor_char_boundary(room);
        joined = format!("{}{extension}", stem[..cut].trim_end_matches(['/', '.', ' ']));
    }
    joined
}

/// One part of a path: letters and digits of any script, and the signs that no system minds.
fn safe_part(part: &str) -> String {
    let mut out = String::new();
    for character in part.chars() {
        let safe = match character {
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
            character if character.is_whitespace() => '_',
            character if character.is_control() || is_invisible(character) => continue,
            character => character,
        };
        if safe == '_' && out.ends_with('_') {
            continue;
        }
        out.push(safe);
    }
    let trimmed = out.trim_matches(|character| matches!(character, '.' | '_' | ' '));
    let (stem, extension) = split_extension(trimmed);
    let room = MOST_CHARACTERS.saturating_sub(extension.chars().count().min(12));
    let extension: String = extension.chars().take(12).collect();
    let stem: String = stem.chars().take(room).collect();
    let name = format!("{}{extension}", stem.trim_end_matches(['.', '_', ' ']));
    let device = split_extension(&name).0.to_ascii_lowercase();
    let is_port = device.len() == 4
        && (device.starts_with("com") || device.starts_with("lpt"))
        && device.ends_with(|character: char| character.is_ascii_digit());
    match name.as_str() {
        "" => "_".to_owned(),
        _ if is_port || DEVICES.contains(&device.as_str()) => format!("_{name}"),
        _ => name,
    }
}

/// Marks that turn the direction of text or have no width: in a name they deceive.
fn is_invisible(character: char) -> bool {
    matches!(character as u32, 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_safe_and_each_is_given_once() {
        let mut names = Names::default();
        for (wanted, given) in [
            ("a.jpg", "a.jpg"),
            ("A.JPG", "A_2.JPG"),
            ("a.jpg", "a_3.jpg"),
            ("../../etc/passwd", "etc/passwd"),
            ("/abs\\olute", "abs/olute"),
            ("C:\\x", "C/x"),
            ("a b:c?.tif", "a_b_c.tif"),
            ("con.txt", "_con.txt"),
            ("LPT1", "_LPT1"),
            ("..", "_"),
            ("", "__2"),
            ("Seite ٣ 頁.jpg", "Seite_٣_頁.jpg"),
            ("x\u{202e}gpj.exe", "xgpj.exe"),
            (".hidden", "hidden"),
            ("dot. ", "dot"),
        ] {
            assert_eq!(names.take(wanted), given, "{wanted}");
        }
    }

    #[test]
    fn pages_are_named_in_their_order() {
        for (number, count, label, extension, name) in [
            (1, 12, "f. 1r", "jpg", "0001_f._1r.jpg"),
            (1, 12, "[Titel]", "jpg", "0001_[Titel].jpg"),
            (12, 12, "12", "jp2", "0012.jp2"),
            (7, 123_456, "", "tif", "000007.tif"),
            (7, 10, "../..", "tif", "0007.tif"),
            (7, 10, "ب", "../x", "0007_ب.x"),
        ] {
            assert_eq!(page_name(number, count, label, extension), name);
        }
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_safe_one(wanted in "\\PC{0,300}|[./\\\\ :a]{0,40}|[\u{0}-\u{ff}]{0,20}") {
            let mut names = Names::default();
            let (first, second) = (names.take(&wanted), names.take(&wanted));
            prop_assert_ne!(first.to_lowercase(), second.to_lowercase());
            for name in [first, second] {
                prop_assert!(!name.is_empty() && name.len() < 300 && !name.starts_with('/'), "{}", name);
                for part in name.split('/') {
                    prop_assert!(!matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0', '\n']), "{}", name);
                }
            }
        }
    }
}
