//! Nodes of the page tree that lie behind the first part of a linearised file: a few kilobytes, found by the cross-reference
//! at its end.

use std::borrow::Cow;
use std::cell::Cell;
use std::io;

use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::{Array, Dict, FromBytes, Name, ObjRef, ObjectIdentifier, Stream};
use memchr::memmem;

use super::HEADER_BYTES;
use super::parameters::gap;
use crate::formats::pdf::reach::ends_where_it_says;
use crate::formats::pdf::unpack::Unpacker;
use crate::{ByteRange, RandomAccess};

/// How much is fetched before the cross-reference: writers put the page tree among the last of the objects (§F.3.10).
const BEFORE_BYTES: u64 = 64 << 10;

/// How much is fetched of the cross-reference and of a stream of objects.
const SECTION_BYTES: u64 = 256 << 10;

/// How much is fetched of a node.
const NODE_BYTES: u64 = 64 << 10;

/// The most that the cross-reference and a stream of objects may unpack to.
const MAX_UNPACKED: u64 = 2 << 20;

/// Most reads for one page.
const MAX_READS: u32 = 12;

/// Most subsections of a cross-reference that are looked at, and how far into one its entries begin.
const MAX_SUBSECTIONS: u32 = 8;
const SUBSECTION_BYTES: u64 = 64;

/// Bytes of an entry of a cross-reference, and where it says whether its object is there. §7.5.4.
const ENTRY_BYTES: u64 = 20;
const ENTRY_KIND: usize = 17;

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    At(u64),
    /// In the stream of objects of this number. §7.5.7.
    Packed(u32),
}

/// The file, of which a few parts are read.
pub(super) struct Parts<'s> {
    source: &'s dyn RandomAccess,
    reads: Cell<u32>,
    failure: Cell<Option<io::Error>>,
}

impl<'s> Parts<'s> {
    pub(super) fn of(source: &'s dyn RandomAccess) -> Self {
        Self { source, reads: Cell::new(0), failure: Cell::new(None) }
    }

    /// Why a part could not be read, if that was the store's fault.
    pub(super) fn failure(self) -> Option<io::Error> {
        self.failure.into_inner()
    }

    /// Reads no more than this, also while the file is opened.
    fn fetch(&self, range: ByteRange) -> Option<Vec<u8>> {
        self.reads.set(self.reads.get() + 1);
        (self.reads.get() <= MAX_READS).then_some(())?;
        let read = self.source.read_ranges(&[range]);
        read.map_err(|error| self.failure.set(Some(error))).ok()?.pop()
    }
}

/// The rest of the file.
pub(super) struct Behind<'s> {
    parts: &'s Parts<'s>,
    /// Where its cross-reference begins.
    table: u64,
    /// What lies around that: where it begins, and its bytes.
    near: (u64, Vec<u8>),
}

impl<'s> Behind<'s> {
    /// `None` when it cannot be read.
    pub(super) fn of(parts: &'s Parts<'s>, table: u64) -> Option<Self> {
        let start = table.saturating_sub(BEFORE_BYTES);
        let end = table.saturating_add(SECTION_BYTES).min(parts.source.len());
        let near = parts.fetch(ByteRange::new(start, end.checked_sub(start)?))?;
        Some(Self { parts, table, near: (start, near) })
    }

    /// Looks at a node; `None` when it is not found.
    pub(super) fn node<T>(&self, node: ObjRef, look: impl FnOnce(&Dict<'_>) -> T) -> Option<T> {
        match self.place(node.obj_number)? {
            Place::At(offset) => {
                let object = self.bytes(offset, NODE_BYTES)?;
                Some(look(&Dict::from_bytes(content(&object, node.obj_number)?)?))
            }
            Place::Packed(stream) => {
                // A stream of objects is in none itself.
                let Place::At(offset) = self.place(stream)? else { return None };
                let object = self.bytes(offset, SECTION_BYTES)?;
                let objects = Stream::from_bytes(content(&object, stream)?)?;
                let data = unpacked(&objects, b"ObjStm")?;
                let first = usize::try_from(objects.dict().get::<u32>("First")?).ok()?;
                let start = first.checked_add(place_within(data.get(..first)?, node.obj_number)?)?;
                Some(look(&Dict::from_bytes(data.get(start..)?)?))
            }
        }
    }

    fn place(&self, number: u32) -> Option<Place> {
        let section = self.bytes(self.table, SECTION_BYTES)?;
        let start = gap(&section);
        if section.get(start..)?.starts_with(b"xref") {
            self.place_in_table(number, self.table.checked_add((start + b"xref".len()) as u64)?)
        } else {
            place_in_stream(number, section.get(start..)?)
        }
    }

    /// Where an object is by the cross-reference whose first subsection begins here. §7.5.4.
    fn place_in_table(&self, number: u32, mut at: u64) -> Option<Place> {
        for _ in 0..MAX_SUBSECTIONS {
            let head = self.bytes(at, SUBSECTION_BYTES)?;
            let (first, end) = integer(&head)?;
            let (count, length) = integer(head.get(end..)?)?;
            let end = end + length;
            let entries = at.checked_add((end + gap(head.get(end..)?)) as u64)?;
            let index = u64::from(number).checked_sub(first).filter(|index| *index < count);
            let Some(index) = index else {
                at = entries.checked_add(count.checked_mul(ENTRY_BYTES)?)?;
                continue;
            };
            let entry = self.bytes(entries.checked_add(index * ENTRY_BYTES)?, ENTRY_BYTES)?;
            let is_there = entry.get(ENTRY_KIND) == Some(&b'n');
            return is_there.then_some(Place::At(integer(&entry)?.0));
        }
        None
    }

    /// So many bytes from there, or all that there are.
    fn bytes(&self, offset: u64, most: u64) -> Option<Cow<'_, [u8]>> {
        let length = most.min(self.parts.source.len().checked_sub(offset)?);
        let near = offset.checked_sub(self.near.0).and_then(|from| {
            let from = usize::try_from(from).ok()?;
            self.near.1.get(from..from.checked_add(usize::try_from(length).ok()?)?)
        });
        if let Some(near) = near {
            return Some(Cow::Borrowed(near));
        }
        self.parts.fetch(ByteRange::new(offset, length)).map(Cow::Owned)
    }
}

/// What lies behind the header of the object that begins here, if it is this one.
fn content(object: &[u8], number: u32) -> Option<&[u8]> {
    (ObjectIdentifier::from_bytes(object)?.obj_number == number).then_some(())?;
    behind_header(object)
}

fn behind_header(object: &[u8]) -> Option<&[u8]> {
    let header = memmem::find(object.get(..HEADER_BYTES).unwrap_or(object), b"obj")?;
    let rest = object.get(header + b"obj".len()..)?;
    rest.get(gap(rest)..)
}

/// The bytes of a stream of this type.
fn unpacked<'a>(stream: &Stream<'a>, kind: &[u8]) -> Option<Cow<'a, [u8]>> {
    let is_it = stream.dict().get::<Name<'_>>("Type").is_some_and(|found| found.as_ref() == kind);
    (is_it && ends_where_it_says(stream)).then_some(())?;
    let is_small = match stream.filters().as_slice() {
        [] => true,
        [Filter::FlateDecode] => {
            let found = Unpacker::new().count(&stream.raw_data(), MAX_UNPACKED);
            found.bytes < MAX_UNPACKED && found.wrong_at.is_none()
        }
        _ => false,
    };
    is_small.then(|| stream.decoded_data().ok()).flatten()
}

/// Where an object is by a cross-reference that is a stream. §7.5.8.
fn place_in_stream(number: u32, section: &[u8]) -> Option<Place> {
    let table = Stream::from_bytes(behind_header(section)?)?;
    let rows = unpacked(&table, b"XRef")?;
    let dictionary = table.dict();
    let widths: Vec<u32> = dictionary.get::<Array<'_>>("W")?.iter::<u32>().collect();
    let &[kind, second, third] = widths.as_slice() else { return None };
    // A number of more bytes would be none that is used.
    widths.iter().all(|width| *width <= 8).then_some(())?;
    let (kind, second, third) = (kind as usize, second as usize, third as usize);
    let sections: Vec<u32> = match dictionary.get::<Array<'_>>("Index") {
        Some(sections) => sections.iter::<u32>().collect(),
        None => vec![0, dictionary.get::<u32>("Size")?],
    };
    let mut row = 0_usize;
    for [first, count] in sections.as_chunks::<2>().0 {
        if let Some(index) = number.checked_sub(*first).filter(|index| index < count) {
            let start = row.checked_add(index as usize)?.checked_mul(kind + second + third)?;
            let fields = rows.get(start..start.checked_add(kind + second + third)?)?;
            let field = |from: usize, length: usize| {
                let bytes = fields.get(from..from + length).unwrap_or_default();
                bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
            };
            // Without a type it is the first.
            let is_of = if kind == 0 { 1 } else { field(0, kind) };
            return match (is_of, field(kind, second)) {
                (1, offset) => Some(Place::At(offset)),
                (2, stream) => Some(Place::Packed(u32::try_from(stream).ok()?)),
                _ => None,
            };
        }
        row = row.checked_add(*count as usize)?;
    }
    None
}

/// Where an object lies behind the first one of its stream, by the pairs that the stream begins with. §7.5.7.
fn place_within(pairs: &[u8], number: u32) -> Option<usize> {
    let pairs = std::str::from_utf8(pairs).ok()?;
    let mut numbers = pairs.split_ascii_whitespace().map_while(|word| word.parse::<usize>().ok());
    while let (Some(found), Some(place)) = (numbers.next(), numbers.next()) {
        if found == number as usize {
            return Some(place);
        }
    }
    None
}

/// The number that comes next, and where it ends.
fn integer(bytes: &[u8]) -> Option<(u64, usize)> {
    let start = gap(bytes);
    let length = bytes.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = std::str::from_utf8(bytes.get(start..start + length)?).ok()?;
    Some((digits.parse().ok()?, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAccess;

    const NODE: &str = "<< /Type /Pages /Kids [1 0 R] /Count 5 >>";

    fn object(number: u32, content: &str) -> String {
        format!("{number} 0 obj\n{content}\nendobj\n")
    }

    /// What is found of the nodes of these numbers: how many pages each has.
    fn counts<const N: usize>(file: &str, table: usize, numbers: [u32; N]) -> [Option<u32>; N] {
        let source = MemoryAccess::new(file.as_bytes());
        let parts = Parts::of(&source);
        let behind = Behind::of(&parts, table as u64).unwrap();
        numbers.map(|number| behind.node(ObjRef::new(number, 0), |node| node.get::<u32>("Count")).flatten())
    }

    #[test]
    fn d20_a_node_is_found_by_a_table_wherever_it_lies() {
        let far = "%".repeat(2 * BEFORE_BYTES as usize);
        for rest in ["", far.as_str()] {
            let file = format!("%PDF-1.7\n{}{rest}\n", object(7, NODE));
            let entry = |place: usize, kind: &str| format!("{place:010} 00000 {kind} \n");
            let table = [
                "xref\n0 2\n".to_owned(),
                entry(0, "f"),
                entry(9, "n"),
                "6 3\n".to_owned(),
                entry(9, "f"),
                entry(9, "n"),
                entry(9_999_999_999, "n"),
                "trailer\n<< /Size 9 >>\n".to_owned(),
            ];
            let found = counts(&format!("{file}{}", table.concat()), file.len(), [7, 6, 8, 1, 5, 9, u32::MAX]);
            // Number 1 is not what lies in its place; number 8 lies behind the end.
            assert_eq!(found, [Some(5), None, None, None, None, None, None]);
        }
    }

    #[test]
    fn d20_a_node_is_found_in_a_stream_of_objects() {
        let pairs = "3 0 7 4 ";
        let packed = format!("{pairs}null{NODE}");
        let first = pairs.len();
        let stream =
            |entries: &str, data: &str| format!("<< {entries} /Length {} >>\nstream\n{data}\nendstream", data.len());
        let objects = |kind: &str| stream(&format!("/Type /{kind} /N 2 /First {first}"), &packed);
        // Numbers 5 to 8: the stream at 9, nothing, the node in it, and one that is in a stream in a stream.
        let rows = |index: &str| {
            let data = "\u{1}\0\u{9}\0\0\0\0\0\u{2}\0\u{5}\u{1}\u{2}\0\u{7}\0";
            stream(&format!("/Type /XRef /W [1 2 1] {index}"), data)
        };
        let found = |kind: &str, index: &str| {
            let file = format!("%PDF-1.7\n{}", object(5, &objects(kind)));
            counts(&format!("{file}{}", object(4, &rows(index))), file.len(), [7, 5, 6, 8, 9])
        };
        let (seven, none) = ([Some(5), None, None, None, None], [None; 5]);
        assert_eq!(found("ObjStm", "/Size 9 /Index [5 4]"), seven);
        assert_eq!(found("ObjStm", "/Size 9 /Index [0 0 5 4]"), seven);
        assert_eq!(found("ObjStm", "/Size 9"), none, "the rows begin with object 0");
        assert_eq!(found("ObjStm", "/Size 9 /Index [1 2 5 4]"), none, "there are rows of others before");
        assert_eq!(found("Other", "/Size 9 /Index [5 4]"), none);
        assert_eq!(found("ObjStm", "/Size 9 /Index [5 4] /Filter /LZWDecode"), none);
    }

    #[test]
    fn d20_what_is_no_cross_reference_leads_nowhere() {
        let file = format!("%PDF-1.7\n{}", object(7, NODE));
        assert_eq!(counts(&file, 9, [7]), [None], "an object is there");
        let endless = "xref\n0 18446744073709551615\n";
        for table in ["", "xref", "xref\n", "xref\n7", "xref\n7 9", endless, "7 0 obj\n<< >>", "obj"] {
            assert_eq!(counts(&format!("{file}{table}"), file.len(), [7]), [None], "{table}");
        }
        let source = MemoryAccess::new(b"%PDF-1.7".as_slice());
        let parts = Parts::of(&source);
        assert!(Behind::of(&parts, u64::MAX).is_none());
        assert!(parts.failure().is_none(), "it is the file's fault");
    }
}
