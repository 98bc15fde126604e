//! The first page of a linearised file that lies far away, without the rest of the file. ISO 32000-1 Annex F.
//!
//! Such a file begins with all that its first page needs, and with a cross-reference of its own for that. This beginning is
//! made a small file: its cross-reference no longer leads on to the one at the end of the file, and a page tree and a
//! catalogue of one page are added, as an update adds them (§7.5.6). Whatever is not as it should be takes the whole file.

use std::io;
use std::sync::Arc;

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Dict, FromBytes, MaybeRef, Name, ObjRef, Object, ObjectIdentifier, Rect};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::xref::XRef;
use memchr::memmem;

use super::reach::reach;
use super::{contained, document, tables};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// Where the linearization parameter dictionary lies. §F.3.3.
const FIRST_BYTES: usize = 1024;

/// The most that is fetched for one page.
const MAX_BYTES: u64 = 64 << 20;

/// The fewest bytes of a file for each of its pages, however well their objects are packed.
const PAGE_BYTES: u64 = 8;

/// How far into an object its header ends.
const HEADER_BYTES: usize = 40;

/// Most levels of a page tree that are looked at.
const MAX_LEVELS: u32 = 64;

/// The last numbers that objects may have (Annex C), for the page tree and the catalogue that are added.
const TREE: u32 = 8_388_606;
const CATALOG: u32 = 8_388_607;

const PREVIOUS: &[u8] = b"/Prev";

/// Places where the entry of this name is looked for in a trailer.
const MAX_PLACES: usize = 8;

/// Does a file of this length that begins so say that its first page comes first? One that was added to says it in vain.
pub(in crate::formats) fn is_linearized(first: &[u8], length: u64) -> bool {
    Linearization::parse(first).is_some_and(|found| found.fits(length))
}

/// What the linearization parameter dictionary says. Table F.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Linearization {
    /// Bytes of the file.
    length: u64,
    /// Number of the first page's object.
    object: u32,
    /// Where that ends which the first page needs.
    pub(super) end: u64,
    /// How many pages the file has.
    pub(super) pages: u32,
    /// Where the entries of the cross-reference at the end begin.
    main_table: u64,
    /// Where the dictionary's object ends.
    behind: usize,
}

impl Linearization {
    /// That of a file, if it has one that can be true and makes the first page cheaper.
    pub(super) fn of(source: &dyn RandomAccess) -> io::Result<Option<Self>> {
        let length = source.len().min(FIRST_BYTES as u64);
        let first = source.read_range(ByteRange::new(0, length))?;
        Ok(Self::parse(&first).filter(|found| found.fits(source.len())))
    }

    fn parse(first: &[u8]) -> Option<Self> {
        let first = first.get(..FIRST_BYTES).unwrap_or(first);
        let name = memmem::find(first, b"/Linearized")?;
        let start = memmem::rfind(first.get(..name)?, b"obj")? + b"obj".len();
        let start = start + gap(first.get(start..)?);
        let dictionary = Dict::from_bytes(first.get(start..)?)?;
        let end = start + dictionary.data().len();
        let end = end + gap(first.get(end..)?);
        let is_closed = first.get(end..)?.starts_with(b"endobj");
        let number = |key: &str| u64::try_from(dictionary.get::<i64>(key)?).ok();
        // The page that comes first in the file may be another than the first one.
        let is_first = !dictionary.contains_key("P") || number("P") == Some(0);
        (is_closed && is_first && dictionary.contains_key("Linearized")).then_some(())?;
        Some(Self {
            length: number("L")?,
            object: u32::try_from(number("O")?).ok()?,
            end: number("E")?,
            pages: u32::try_from(number("N")?).ok()?,
            main_table: number("T")?,
            behind: end + b"endobj".len(),
        })
    }

    /// Whether it can be true of a file of this length, and is worth a try. What was added to is longer than it says.
    fn fits(&self, length: u64) -> bool {
        self.length == length
            && self.end > self.behind as u64
            && self.end <= MAX_BYTES.min(length / 2)
            && (self.end..length).contains(&self.main_table)
            && (1..TREE).contains(&self.object)
            && (1..=length / PAGE_BYTES).contains(&u64::from(self.pages))
    }
}

/// Reads the first page as a document of its own; `None` when the whole file is needed to be sure.
pub(super) fn read(
    source: &dyn RandomAccess,
    linear: &Linearization,
    max_bytes: u64,
    control: &Control,
) -> Result<Option<Pdf>, DecodeError> {
    if document::held_bytes(linear.end) > max_bytes {
        return Ok(None);
    }
    let bytes = beginning(source, linear.end)?;
    let pdf = contained(|| Ok(first_page(bytes, linear, control)));
    control.check()?;
    // What else was wrong with it is said of the whole file.
    Ok(pdf.ok().flatten())
}

fn beginning(source: &dyn RandomAccess, end: u64) -> io::Result<Vec<u8>> {
    // What came when the file was opened does not come again.
    let near = source.read_ahead().min(end);
    let ranges = [ByteRange::new(0, near), ByteRange::new(near, end - near)];
    let mut bytes = Vec::new();
    for range in ranges.into_iter().filter(|range| range.length > 0) {
        bytes.append(&mut source.read_range(range)?);
    }
    Ok(bytes)
}

fn first_page(mut bytes: Vec<u8>, linear: &Linearization, control: &Control) -> Option<Pdf> {
    tables::check(&bytes, control).ok()?;
    let trailer = Trailer::cut_off(&mut bytes, linear)?;
    let length = bytes.len();
    complete(&mut bytes, linear.object, &trailer, &[]);
    let bytes = Arc::new(bytes);
    let pdf = Pdf::new(Arc::clone(&bytes)).ok()?;
    if !reach(page_of(&pdf, linear)?, control)?.has_layers {
        return Some(pdf);
    }
    let layers = layers(pdf.xref(), trailer.root)?;
    if layers.is_empty() {
        return Some(pdf);
    }
    drop(pdf);
    let mut bytes = Arc::try_unwrap(bytes).ok()?;
    bytes.truncate(length);
    complete(&mut bytes, linear.object, &trailer, &layers);
    Pdf::new(bytes).ok()
}

/// What is needed of the trailer of the first page's cross-reference.
struct Trailer {
    /// Where the cross-reference begins.
    table: usize,
    /// The catalogue of the file.
    root: ObjRef,
}

impl Trailer {
    /// Finds it and takes out where it leads on to.
    fn cut_off(bytes: &mut [u8], linear: &Linearization) -> Option<Self> {
        // An object that is cut in two may look like another one.
        bytes.trim_ascii_end().ends_with(b"endobj").then_some(())?;
        let table = linear.behind + gap(bytes.get(linear.behind..)?);
        let section = bytes.get(table..)?;
        let is_stream = !section.starts_with(b"xref");
        let start = if is_stream {
            memmem::find(section.get(..HEADER_BYTES)?, b"obj")? + b"obj".len()
        } else {
            memmem::find(section, b"trailer")? + b"trailer".len()
        };
        let start = table + start + gap(section.get(start..)?);
        let dictionary = Dict::from_bytes(bytes.get(start..)?)?;
        if is_stream && dictionary.get::<Name<'_>>("Type").is_none_or(|kind| kind.as_ref() != b"XRef") {
            return None;
        }
        // The other cross-reference of a hybrid file, §7.5.8.4.
        let other = dictionary.get::<u32>("XRefStm").map(u64::from);
        let is_near = !dictionary.contains_key("XRefStm") || other.is_some_and(|other| other < linear.end);
        let objects = dictionary.get::<u32>("Size")?;
        if dictionary.contains_key("Encrypt") || !is_near || objects <= linear.pages {
            return None;
        }
        let (root, length) = (dictionary.get_ref("Root")?, dictionary.data().len());
        take_out_previous(bytes.get_mut(start..start + length)?)?;
        Some(Self { table, root })
    }
}

/// Takes out of a trailer where it leads on to, and leaves everything else in its place.
fn take_out_previous(trailer: &mut [u8]) -> Option<()> {
    let dictionary = Dict::from_bytes(trailer)?;
    if !dictionary.contains_key("Prev") {
        return Some(());
    }
    let entries = dictionary.len();
    let places: Vec<usize> = memmem::find_iter(trailer, PREVIOUS).take(MAX_PLACES).collect();
    for place in places {
        let mut tried = trailer.to_vec();
        let value = place + PREVIOUS.len();
        let value = value + gap(tried.get(value..)?);
        let digits = tried.get(value..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        tried.get_mut(place..value + digits)?.fill(b' ');
        // The same letters may stand in a string, or begin a longer name.
        let is_out = Dict::from_bytes(&tried).is_some_and(|left| {
            !left.contains_key("Prev") && left.len() + 1 == entries && left.data().len() == tried.len()
        });
        if is_out {
            trailer.copy_from_slice(&tried);
            return Some(());
        }
    }
    None
}

/// Adds a page tree and a catalogue of one page, and a cross-reference to them that leads on to that of the first page.
fn complete(bytes: &mut Vec<u8>, page: u32, trailer: &Trailer, layers: &[u8]) {
    bytes.push(b'\n');
    let tree = bytes.len();
    bytes.extend(format!("{TREE} 0 obj\n<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>\nendobj\n").bytes());
    let catalog = bytes.len();
    bytes.extend(format!("{CATALOG} 0 obj\n<< /Type /Catalog /Pages {TREE} 0 R ").bytes());
    bytes.extend(layers);
    bytes.extend(b" >>\nendobj\n");
    let table = bytes.len();
    let entries = format!("xref\n{TREE} 2\n{tree:010} 00000 n \n{catalog:010} 00000 n \n");
    let (size, previous) = (CATALOG + 1, trailer.table);
    let end = format!("trailer\n<< /Size {size} /Root {CATALOG} 0 R /Prev {previous} >>\nstartxref\n{table}\n%%EOF\n");
    bytes.extend(entries.bytes().chain(end.bytes()));
}

/// The page, if it is the one that was meant and says itself what it would inherit else.
fn page_of<'a>(pdf: &'a Pdf, linear: &Linearization) -> Option<&'a Page<'a>> {
    let [page] = &pdf.pages()[..] else { return None };
    let dictionary = page.raw();
    let is_page = dictionary.get::<Name<'_>>("Type").is_some_and(|kind| kind.as_ref() == b"Page");
    let is_first = dictionary.obj_id() == Some(ObjectIdentifier::new(linear.object, 0));
    let has_own = dictionary.get::<Rect>("MediaBox").is_some() && dictionary.get::<Dict<'_>>("Resources").is_some();
    (is_page && is_first && has_own && agrees(page, linear.pages)).then_some(page)
}

/// Whether the page tree, as far as it is there, says nothing else of the page and of how many there are. The page of a
/// linearised file has all that it must have (§F.3.7); a turn and a crop box need not be there.
fn agrees(page: &Page<'_>, pages: u32) -> bool {
    let own = page.raw();
    let Some(mut above) = own.get_ref("Parent") else { return false };
    for _ in 0..MAX_LEVELS {
        let Some(node) = page.xref().get::<Dict<'_>>(above.into()) else { return true };
        if ["CropBox", "Rotate"].iter().any(|key| node.contains_key(key) && !own.contains_key(key)) {
            return false;
        }
        match node.get_ref("Parent") {
            Some(next) => above = next,
            None => return node.get::<u32>("Count") == Some(pages),
        }
    }
    false
}

/// The entry of the file's catalogue that says which layers are shown (§8.11.4); `None` when not all of it is there.
fn layers(xref: &XRef, root: ObjRef) -> Option<Vec<u8>> {
    let catalog = xref.get::<Dict<'_>>(root.into())?;
    if !catalog.contains_key("OCProperties") {
        return Some(Vec::new());
    }
    let properties = catalog.get::<Dict<'_>>("OCProperties")?;
    let shown = properties.get::<Dict<'_>>("D")?;
    let is_there = |of: &Dict<'_>, key: &str| !of.contains_key(key) || of.get::<Object<'_>>(key).is_some();
    let is_all_there =
        is_there(&properties, "OCGs") && ["BaseState", "ON", "OFF"].iter().all(|key| is_there(&shown, key));
    is_all_there.then_some(())?;
    match catalog.get_raw::<Object<'_>>("OCProperties")? {
        MaybeRef::Ref(reference) => Some(format!("/OCProperties {reference}").into_bytes()),
        MaybeRef::NotRef(_) => Some([b"/OCProperties ".as_slice(), properties.data()].concat()),
    }
}

/// Bytes of white space and comments that this begins with. §7.2.
fn gap(bytes: &[u8]) -> usize {
    let mut is_comment = false;
    let is_gap = |byte: &&u8| {
        is_comment = match **byte {
            b'\r' | b'\n' => false,
            b'%' => true,
            _ => is_comment,
        };
        is_comment || matches!(**byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
    };
    bytes.iter().take_while(is_gap).count()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::MemoryAccess;

    const LENGTH: usize = 10_000;
    const NUMBERS: &str = "/O 2 /E 1000 /N 3 /T 9000";
    const PAGE: &str = "<< /Type /Page /Parent 7 0 R /MediaBox [0 0 9 9] /Resources << >> >>";

    /// A file whose first page is its object 2, and ends at 1000. Nothing comes behind it.
    fn file(numbers: &str, trailer: &str, page: &str) -> Vec<u8> {
        let head = format!("%PDF-1.7\n1 0 obj\n<< /Linearized 1 /L {LENGTH} {numbers} >>\nendobj\n");
        let table = |at: usize| {
            let entries = format!("xref\n2 1\n{at:010} 00000 n \ntrailer\n<< /Size 9 /Root 8 0 R /Prev 9000 ");
            format!("{entries}{trailer} >>\nstartxref\n0\n%%EOF\n")
        };
        let table = table(head.len() + table(0).len());
        let mut bytes = format!("{head}{table}2 0 obj\n{page}\nendobj\n").into_bytes();
        assert!(bytes.len() < 1000, "{}", bytes.len());
        bytes.resize(LENGTH, b' ');
        bytes
    }

    /// How many pages the file says that it has, if its first one is read.
    fn pages(bytes: Vec<u8>) -> Option<u32> {
        let started = Instant::now();
        let source = MemoryAccess::new(bytes);
        let linear = Linearization::of(&source).unwrap();
        let pages = linear.and_then(|linear| {
            let pdf = read(&source, &linear, 1 << 30, &Control::default()).unwrap()?;
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
}
