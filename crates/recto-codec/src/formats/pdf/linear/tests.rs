use std::time::{Duration, Instant};

use super::*;
use crate::MemoryAccess;

const LENGTH: usize = 10_000;
const NUMBERS: &str = "/O 2 /E 1000 /N 3 /T 9000";
const PAGE: &str = "<< /Type /Page /Parent 7 0 R /MediaBox [0 0 9 9] /Resources << >> >>";

/// A file whose first page is its object 2, and ends at 1000. Its page tree lies behind.
fn file(numbers: &str, trailer: &str, page: &str) -> Vec<u8> {
    file_with_tree(numbers, trailer, page, "/Count 3")
}

/// The same with these entries of the root of the page tree, its object 7.
fn file_with_tree(numbers: &str, trailer: &str, page: &str, tree: &str) -> Vec<u8> {
    let head = format!("%PDF-1.7\n1 0 obj\n<< /Linearized 1 /L {LENGTH} {numbers} >>\nendobj\n");
    let table = |at: usize| {
        let entries = format!("xref\n2 1\n{at:010} 00000 n \ntrailer\n<< /Size 9 /Root 8 0 R /Prev 9000 ");
        format!("{entries}{trailer} >>\nstartxref\n0\n%%EOF\n")
    };
    let table = table(head.len() + table(0).len());
    let mut bytes = format!("{head}{table}2 0 obj\n{page}\nendobj\n").into_bytes();
    assert!(bytes.len() < 1000, "{}", bytes.len());
    bytes.resize(8000, b' ');
    bytes.extend(format!("7 0 obj\n<< /Type /Pages /Kids [2 0 R] {tree} >>\nendobj\n").bytes());
    bytes.resize(9000, b' ');
    bytes.extend(b"xref\n7 1\n0000008000 00000 n \ntrailer\n<< /Size 9 >>\n");
    bytes.resize(LENGTH, b' ');
    bytes
}

/// How many pages the file says that it has, if its first one is read.
fn pages(bytes: Vec<u8>) -> Option<u32> {
    let started = Instant::now();
    let source = MemoryAccess::new(bytes);
    let linear = Linearization::of(&source).unwrap();
    let pages = linear.and_then(|linear| {
        let pdf = read(&source, &linear, &AtomicBool::new(false), 1 << 30, &Control::default()).unwrap()?;
        assert_eq!(pdf.pages().len(), 1);
        Some(linear.pages)
    });
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    pages
}

#[test]
fn a_file_says_in_its_first_kilobyte_whether_its_first_page_comes_first() {
    let length = LENGTH as u64;
    assert!(is_linearized(&file(NUMBERS, "", PAGE), length));
    assert!(!is_linearized(&file(NUMBERS, "", PAGE), length + 1), "it was added to");
    let tight = b"%PDF-1.4\r1 0 obj\r<</Linearized 1/L 999/O 3/E 400/N 1/T 900/H [ 1 2]>>\rendobj\r";
    assert!(is_linearized(tight, 999));
    let far = [b"%PDF-1.7\n%".as_slice(), &[b'x'; 1000], b"\n", &file(NUMBERS, "", PAGE)].concat();
    let others: [(&str, &[u8]); 8] = [
        ("nothing", b""),
        ("another file", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"),
        ("a word", b"%PDF-1.7\n% /Linearized"),
        ("a name elsewhere", b"%PDF-1.7\n1 0 obj\n<< /A /Linearized /L 9 /O 3 /E 8 /N 1 /T 9 >>\nendobj\n"),
        ("numbers elsewhere", b"%PDF-1.7\n1 0 obj\n<< /Linearized 1 /L 9 0 R /O 3 /E 8 /N 1 /T 9 >>\nendobj\n"),
        ("a page that is not the first", b"1 0 obj\n<< /Linearized 1 /L 9 /O 3 /E 8 /N 3 /T 9 /P 2 >>\nendobj\n"),
        ("a dictionary without end", b"1 0 obj\n<< /Linearized 1 /L 9 /O 3 /E 8 /N 3 /T 9"),
        ("a dictionary too far behind", &far),
    ];
    for (what, first) in others {
        assert!(!is_linearized(first, 9) && !is_linearized(first, length), "{what}");
    }
}

#[test]
fn d20_numbers_that_cannot_be_true_take_the_whole_file() {
    assert_eq!(pages(file(NUMBERS, "", PAGE)), Some(3));
    for numbers in [
        "/O 2 /E 0 /N 3 /T 9000",
        "/O 2 /E 60 /N 3 /T 9000",
        "/O 2 /E 130 /N 3 /T 9000",
        "/O 2 /E 5001 /N 3 /T 9000",
        "/O 2 /E 10000 /N 3 /T 10000",
        "/O 2 /E 9223372036854775807 /N 3 /T 9000",
        "/O 2 /E 99999999999999999999999999 /N 3 /T 9000",
        "/O 2 /E -1 /N 3 /T 9000",
        "/O 0 /E 1000 /N 3 /T 9000",
        "/O 1 /E 1000 /N 3 /T 9000",
        "/O 7 /E 1000 /N 3 /T 9000",
        "/O 8388606 /E 1000 /N 3 /T 9000",
        "/O 8388607 /E 1000 /N 3 /T 9000",
        "/O 4294967295 /E 1000 /N 3 /T 9000",
        "/O 2 /E 1000 /N 0 /T 9000",
        "/O 2 /E 1000 /N 9 /T 9000",
        "/O 2 /E 1000 /N 4000000000 /T 9000",
        "/O 2 /E 1000 /N 99999999999 /T 9000",
        "/O 2 /E 1000 /N 3 /T 0",
        "/O 2 /E 1000 /N 3 /T 10000",
        "/O 2 /E 1000 /N 3",
        "/O 2 /E 1000 /N 3 /T 9000 /L 9999",
    ] {
        assert_eq!(pages(file(numbers, "", PAGE)), None, "{numbers}");
    }
    let whole = file(NUMBERS, "", PAGE);
    for length in (0..1200).step_by(7) {
        assert_eq!(pages(whole.get(..length).unwrap().to_vec()), None, "cut off at {length}");
    }
}

#[test]
fn d20_a_page_tree_that_says_anything_else_of_the_first_page_takes_the_whole_file() {
    let all = "/CropBox [0 0 9 9] /Rotate 0";
    for (own, tree, is_taken) in [
        ("", "/Count 3", true),
        ("", "/Count 3 /MediaBox [0 0 5 5] /Resources << >>", true),
        ("", "/Count 3 /Rotate 90", false),
        ("", "/Count 3 /CropBox [0 0 5 5]", false),
        (all, "/Count 3 /Rotate 90 /CropBox [0 0 5 5]", true),
        ("/CropBox [0 0 9 9] /Rotate null", "/Count 3 /Rotate 90", false),
        ("/CropBox null /Rotate 0", "/Count 3 /CropBox [0 0 5 5]", false),
        // Not as many pages as the file says, or nobody knows how many.
        (all, "/Count 2", false),
        (all, "/Count 4", false),
        (all, "", false),
        (all, "/Count 6 0 R", false),
        // Nodes that are nowhere, and that are not the file's.
        (all, "/Count 3 /Parent 6 0 R", false),
        (all, "/Count 3 /Parent 7 0 R", false),
        (all, "/Count 3 /Parent 8388606 0 R", false),
        (all, "/Count 3 /Parent (none)", false),
    ] {
        let page = PAGE.replace("/Resources", &format!("{own} /Resources"));
        assert_eq!(pages(file_with_tree(NUMBERS, "", &page, tree)).is_some(), is_taken, "{page} below {tree}");
    }
    let one = NUMBERS.replace("/N 3", "/N 1");
    let below_ours = PAGE.replace("/Parent 7 0 R", "/Parent 8388606 0 R");
    assert_eq!(pages(file(&one, "", &below_ours)), None, "the tree that is added has one page");
    assert_eq!(pages(file(&NUMBERS.replace("/N 3", "/N 4"), "", PAGE)), None);
}

#[test]
fn d20_a_store_that_fails_behind_the_first_page_is_told_of() {
    /// A file of whose end nothing can be read.
    #[derive(Debug)]
    struct Torn(MemoryAccess);

    impl RandomAccess for Torn {
        fn len(&self) -> u64 {
            self.0.len()
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            let end = offset + buffer.len() as u64;
            if end > 5000 { Err(io::ErrorKind::ConnectionReset.into()) } else { self.0.read_at(offset, buffer) }
        }
    }

    let source = Torn(MemoryAccess::new(file(NUMBERS, "", PAGE)));
    let linear = Linearization::of(&source).unwrap().unwrap();
    let told = read(&source, &linear, &AtomicBool::new(false), 1 << 30, &Control::default()).err();
    assert!(matches!(told, Some(DecodeError::Io(_))), "{told:?}");
}

#[test]
fn d20_trailers_that_lead_elsewhere_take_the_whole_file() {
    for (trailer, is_taken) in [
        ("", true),
        ("/ID [(/Prev 12) <00>] /Previous 9", true),
        ("/XRefStm 9000", false),
        ("/Encrypt 5 0 R", false),
        ("/Size 3", false),
        ("/Root << >>", false),
        ("/Prev 9000", false),
    ] {
        assert_eq!(pages(file(NUMBERS, trailer, PAGE)).is_some(), is_taken, "{trailer}");
    }
}

#[test]
fn d20_a_page_that_lacks_anything_takes_the_whole_file() {
    let page = |entries: &str| format!("<< /Type /Page /Parent 7 0 R /MediaBox [0 0 9 9] {entries} >>");
    let resources = |entries: &str| page(&format!("/Resources << {entries} >>"));
    let nested = |levels: usize| resources(&format!("/X {}{}", "[".repeat(levels), "]".repeat(levels)));
    for (page, is_taken) in [
        (resources("/Font << >>"), true),
        (resources(">> /B [6 0 R] /Thumb 6 0 R /Metadata 6 0 R /StructParents 0 /Tabs <<"), true),
        (resources(">> /Annots [<< /P 6 0 R /Dest [6 0 R /Fit] /A 6 0 R >>] /X <<"), true),
        (nested(20), true),
        (nested(100), false),
        (page("/Resources 6 0 R"), false),
        (page(""), false),
        (resources("").replace("/MediaBox", "/Media"), false),
        (resources("").replace("/Page ", "/Pages "), false),
        (resources("").replace("/Parent", "/Above"), false),
        (resources(">> /Contents 6 0 R /X <<"), false),
        (resources(">> /CropBox 6 0 R /X <<"), false),
        (resources(">> /Annots [6 0 R] /X <<"), false),
        (resources(">> /Annots [<< /AP << /N 6 0 R >> >>] /X <<"), false),
        // These are names that the page gave, whatever they are elsewhere.
        (resources("/XObject << /P 6 0 R >>"), false),
        (resources("/XObject << /Parent 6 0 R >>"), false),
        (resources("/Font << /Metadata 6 0 R >>"), false),
        // There are layers, and the catalogue is not there.
        (resources("/Properties << /L << /Type /OCG >> >>"), false),
        (resources("/Pattern 8388606 0 R"), false),
        (resources("/Pattern 8388607 0 R"), false),
    ] {
        assert_eq!(pages(file(NUMBERS, "", &page)).is_some(), is_taken, "{page}");
    }
}
