//! A small reader of PDF structure, independent of the writer; and the readers of others, where they are installed.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test binary uses a part of it; a failing step fails the test; what was not checked is told"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use flate2::read::ZlibDecoder;
use std::io::Read as _;

/// Objects by their number, as the table at the end says where they are.
pub(crate) struct Pdf {
    pub(crate) objects: BTreeMap<u32, Vec<u8>>,
    pub(crate) trailer: String,
}

impl Pdf {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        assert!(bytes.starts_with(b"%PDF-1.7\n") && bytes.ends_with(b"%%EOF\n"));
        let tail = String::from_utf8_lossy(&bytes[bytes.len() - 60..]).into_owned();
        let start: usize = tail.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        let table = &bytes[start..];
        assert!(table.starts_with(b"xref\n0 "));
        let text = String::from_utf8_lossy(table);
        let size: usize = text[7..].lines().next().unwrap().parse().unwrap();
        let rows_at = start + text.find('\n').unwrap() + 1 + text[5..].find('\n').unwrap() + 1;
        let mut objects = BTreeMap::new();
        for number in 0..size {
            let row = &bytes[rows_at + 20 * number..rows_at + 20 * (number + 1)];
            let row = std::str::from_utf8(row).unwrap();
            assert!(row.ends_with(" \n"), "{row:?}");
            if &row[17..18] == "n" {
                let offset: usize = row[..10].parse().unwrap();
                let head = format!("{number} 0 obj\n");
                assert!(bytes[offset..].starts_with(head.as_bytes()), "object {number} at {offset}");
                objects.insert(number as u32, body(&bytes[offset + head.len()..], bytes));
            }
        }
        let trailer = text.split("trailer\n").nth(1).unwrap().lines().next().unwrap().to_owned();
        assert!(trailer.contains(&format!("/Size {size}")));
        Self { objects, trailer }
    }

    /// The object as text, without the content of a stream.
    pub(crate) fn text(&self, number: u32) -> String {
        let bytes = &self.objects[&number];
        let end = find(bytes, b">>\nstream\n").map_or(bytes.len(), |at| at + 2);
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }

    /// The content of a stream, inflated where it is deflated.
    pub(crate) fn stream(&self, number: u32) -> Vec<u8> {
        let bytes = &self.objects[&number];
        let start = find(bytes, b">>\nstream\n").unwrap() + 10;
        let head = self.text(number);
        let value = after(&head, "/Length ");
        let length: usize = match value.strip_suffix(" 0 R") {
            Some(number) => self.text(number.parse().unwrap()).trim().parse().unwrap(),
            None => value.parse().unwrap(),
        };
        let data = &bytes[start..start + length];
        assert!(bytes[start + length..].starts_with(b"\nendstream"), "length of {number}");
        if head.contains("/FlateDecode") {
            let mut out = Vec::new();
            ZlibDecoder::new(data).read_to_end(&mut out).unwrap();
            return out;
        }
        data.to_vec()
    }

    /// The number of the object that a key refers to.
    pub(crate) fn reference(&self, number: u32, key: &str) -> u32 {
        let text = self.text(number);
        after(&text, &format!("{key} ")).split(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn catalog(&self) -> u32 {
        after(&self.trailer, "/Root ").split(' ').next().unwrap().parse().unwrap()
    }

    /// The pages in order, found through the tree.
    pub(crate) fn pages(&self) -> Vec<u32> {
        let mut pages = Vec::new();
        let mut open = vec![self.reference(self.catalog(), "/Pages")];
        while let Some(number) = open.pop() {
            let text = self.text(number);
            if text.contains("/Type/Pages") {
                let kids = text.split("/Kids[").nth(1).unwrap().split(']').next().unwrap();
                let mut kids: Vec<u32> = kids.split(" 0 R").filter_map(|kid| kid.trim().parse().ok()).collect();
                for kid in &kids {
                    assert_eq!(self.reference(*kid, "/Parent"), number);
                }
                kids.reverse();
                open.extend(kids);
            } else {
                pages.push(number);
            }
        }
        pages
    }

    /// Every object that is referred to is there.
    pub(crate) fn check_references(&self) {
        for number in self.objects.keys() {
            let text = self.text(*number);
            for (at, _) in text.match_indices(" 0 R") {
                let digits: String = text[..at].chars().rev().take_while(char::is_ascii_digit).collect();
                let target: u32 = digits.chars().rev().collect::<String>().parse().unwrap();
                assert!(self.objects.contains_key(&target), "{number} refers to {target}, which is not there");
            }
        }
    }
}

fn body(bytes: &[u8], whole: &[u8]) -> Vec<u8> {
    let _ = whole;
    // A stream may hold the closing word; the true one follows its own end.
    let end = match find(bytes, b">>\nstream\n") {
        Some(at) if find(&bytes[..at], b"\nendobj\n").is_none() => {
            let from = at + find(&bytes[at..], b"\nendstream\nendobj\n").unwrap();
            from + b"\nendstream".len()
        }
        _ => find(bytes, b"\nendobj\n").unwrap(),
    };
    bytes[..end].to_vec()
}

pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn after<'a>(text: &'a str, key: &str) -> &'a str {
    let rest = text.split(key).nth(1).unwrap_or_else(|| panic!("{key} in {text}"));
    rest.split(['/', '>', '[', ']']).next().unwrap()
}

/// What a program says about files, or nothing with a line in the output where it is not installed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Option<(bool, Vec<u8>, String)> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        eprintln!("not checked by `{program}`, which is not installed");
        return None;
    };
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    Some((output.status.success(), output.stdout, talk))
}

/// Checks a file by independent readers.
pub(crate) fn check(path: &Path) {
    let path = path.to_str().unwrap();
    if let Some((ok, out, talk)) = run("qpdf", &["--check", path]) {
        assert!(ok && talk.is_empty(), "{}{talk}", String::from_utf8_lossy(&out));
    }
}

/// The text that a reader finds.
pub(crate) fn found_text(path: &Path) -> Option<String> {
    let (ok, out, talk) = run("pdftotext", &["-enc", "UTF-8", path.to_str().unwrap(), "-"])?;
    assert!(ok && talk.is_empty(), "{talk}");
    Some(String::from_utf8(out).unwrap())
}

/// Pixels of a page as one reader or the other draws it: width, height, RGB.
pub(crate) fn drawn(path: &Path, page: u32, dpi: u32, by: &str) -> Option<(usize, usize, Vec<u8>)> {
    let (path, page, dpi) = (path.to_str().unwrap(), page.to_string(), dpi.to_string());
    let (ok, out, talk) = if by == "poppler" {
        run("pdftoppm", &["-r", &dpi, "-f", &page, "-l", &page, path])?
    } else {
        run("mutool", &["draw", "-q", "-F", "ppm", "-o", "-", "-r", &dpi, path, &page])?
    };
    // Some are built without profiles, and say so.
    assert!(ok && talk.lines().all(|line| line.is_empty() || line.contains("ICC support")), "{talk}");
    assert!(out.starts_with(b"P6"));
    let mut fields = out.split(u8::is_ascii_whitespace);
    let head: Vec<&[u8]> = fields.by_ref().take(4).collect();
    let number = |at: usize| std::str::from_utf8(head[at]).unwrap().parse::<usize>().unwrap();
    let (w, h) = (number(1), number(2));
    let pixels = out[out.len() - w * h * 3..].to_vec();
    Some((w, h, pixels))
}
