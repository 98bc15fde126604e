//! Tables of objects, which are unpacked while a file is parsed, before anything can be asked about them: their length is
//! counted first, in one pass over the file.

use std::collections::VecDeque;

use memchr::memmem::{Finder, find_iter};

use super::unpack::Unpacker;
use super::{corrupt, unsupported};
use crate::{Control, DecodeError, SourceFormat};

/// Most bytes that tables of objects may have when they are unpacked.
const MAX_TABLE_BYTES: u64 = 128 << 20;

/// How far before the word `stream` the dictionary of a table is looked for.
const DICTIONARY_BYTES: usize = 2048;

/// Words `stream` between two looks at the clock.
const WORDS_PER_CHECK: usize = 1024;

const STREAM: &[u8] = b"stream";
const TABLES: [&[u8]; 2] = [b"ObjStm", b"XRef"];
const DEFLATED: [&[u8]; 2] = [b"/FlateDecode", b"/Fl "];
const OTHERWISE_PACKED: [&[u8]; 2] = [b"/LZW", b"/RunLengthDecode"];

/// Counts what the tables of a file unpack to.
pub(super) fn check(file: &[u8], control: &Control) -> Result<(), DecodeError> {
    let mut left = MAX_TABLE_BYTES;
    // Tables of a real file do not lie in one another, and few bytes are taken for one that are none.
    let mut readable = (file.len() as u64).saturating_mul(2);
    let mut objects = Word::new(b"obj");
    let (mut tables, mut deflated) = (TABLES.map(Word::new), DEFLATED.map(Word::new));
    let mut otherwise = OTHERWISE_PACKED.map(Word::new);
    let mut unpacker = None;
    for (number, at) in find_iter(file, STREAM).enumerate() {
        if number.is_multiple_of(WORDS_PER_CHECK) {
            control.check()?;
        }
        let (before, behind) = file.split_at(at);
        if before.ends_with(b"end") {
            continue;
        }
        let start = at.saturating_sub(DICTIONARY_BYTES);
        objects.look(before, start);
        let dictionary = objects.last().unwrap_or(start);
        let count = |words: &mut [Word]| {
            words.iter_mut().fold(0, |sum, word| {
                word.look(before, start);
                sum + word.count_from(dictionary)
            })
        };
        let (tables, deflated, otherwise) = (count(&mut tables), count(&mut deflated), count(&mut otherwise));
        if tables == 0 {
            continue;
        }
        if deflated + otherwise > 1 {
            return Err(unsupported("tables of objects that are packed twice"));
        }
        if otherwise > 0 {
            return Err(unsupported("tables of objects that are packed otherwise than by deflate"));
        }
        control.check()?;
        let unpacker = unpacker.get_or_insert_with(Unpacker::new);
        let found = unpacker.count(data(behind.get(STREAM.len()..).unwrap_or_default()), left);
        readable =
            readable.checked_sub(found.read).ok_or_else(|| corrupt("its tables of objects lie in one another"))?;
        left = left.checked_sub(found.bytes).filter(|left| *left > 0).ok_or(DecodeError::TooLarge {
            format: SourceFormat::Pdf,
            needed: MAX_TABLE_BYTES.saturating_add(1),
            limit: MAX_TABLE_BYTES,
            unit: "bytes of tables",
        })?;
    }
    Ok(())
}

/// The bytes of a stream, without the end of the line of its first word. ISO 32000-1 §7.3.8.1.
fn data(behind: &[u8]) -> &[u8] {
    let data =
        behind.strip_prefix(b"\r\n").or_else(|| behind.strip_prefix(b"\n")).or_else(|| behind.strip_prefix(b"\r"));
    data.unwrap_or(behind)
}

/// A word, and where it stands in the part of a file that is looked at. That part moves forward only.
struct Word {
    finder: Finder<'static>,
    places: VecDeque<usize>,
    /// How far was looked.
    seen: usize,
}

impl Word {
    fn new(word: &'static [u8]) -> Self {
        Self { finder: Finder::new(word), places: VecDeque::new(), seen: 0 }
    }

    /// Looks at the end of what comes before, from `start` on.
    fn look(&mut self, before: &[u8], start: usize) {
        // One that began in what was seen may end behind it.
        let from = (self.seen + 1).saturating_sub(self.finder.needle().len()).max(start);
        for place in self.finder.find_iter(before.get(from..).unwrap_or_default()) {
            self.places.push_back(from + place);
        }
        self.seen = before.len();
        while self.places.front().is_some_and(|place| *place < start) {
            self.places.pop_front();
        }
    }

    fn last(&self) -> Option<usize> {
        self.places.back().copied()
    }

    fn count_from(&self, start: usize) -> usize {
        self.places.len() - self.places.partition_point(|place| *place < start)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::*;

    fn checked(file: &[u8]) -> Result<(), DecodeError> {
        check(file, &Control::default())
    }

    fn table(entries: &str, data: &[u8]) -> Vec<u8> {
        let head = format!("1 0 obj\n<< /Type /ObjStm {entries} >>\nstream\n").into_bytes();
        [head, data.to_vec(), b"\nendstream\nendobj\n".to_vec()].concat()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn tables_unpack_to_so_much_together() {
        let much = vec![b' '; 70 << 20];
        let (packed, mut bare) = (zlib(&much), DeflateEncoder::new(Vec::new(), Compression::fast()));
        bare.write_all(&much).unwrap();
        let bare = bare.finish().unwrap();
        let one = table("/Filter /FlateDecode", &packed);
        assert!(checked(&one).is_ok());
        let other = table("", &packed).iter().map(|byte| if *byte == b'O' { b'X' } else { *byte }).collect::<Vec<_>>();
        assert!(checked(&other.repeat(9)).is_ok(), "what is no table does not count");
        // The library takes streams without their header as well.
        for second in [&one, &table("/Filter /FlateDecode", &bare)] {
            let refused = checked(&[one.as_slice(), second].concat());
            assert!(matches!(refused, Err(DecodeError::TooLarge { .. })), "{refused:?}");
        }
    }

    #[test]
    fn tables_are_packed_once_and_by_deflate() {
        for (entries, is_refused) in [
            ("", false),
            ("/Filter /FlateDecode", false),
            ("/Filter [/FlateDecode /FlateDecode]", true),
            ("/Filter [/Fl /FlateDecode]", true),
            ("/Filter /LZWDecode", true),
            ("/Filter [/RunLengthDecode]", true),
        ] {
            let refused = checked(&table(entries, &zlib(b"1 0 2 3")));
            assert_eq!(matches!(refused, Err(DecodeError::Unsupported { .. })), is_refused, "{entries}: {refused:?}");
        }
        // What other objects say does not count.
        let one = table("/Filter /FlateDecode", &zlib(b"1 0 2 3"));
        assert!(checked(&[b"9 0 obj << /Filter /LZWDecode >> endobj\n".to_vec(), one.repeat(3)].concat()).is_ok());
    }

    #[test]
    fn tables_that_lie_in_one_another_are_refused() {
        let first = b"1 0 obj << /Type /ObjStm >> stream\n\x78\x01";
        // A block as it is, whose bytes begin a table that goes on behind it, and blocks of nothing.
        let length = first.len() as u16;
        let block = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), first].concat();
        let nothing = [0_u8, 0, 0, 0xff, 0xff].repeat(100);
        let file = [first.to_vec(), [block, nothing].concat().repeat(20)].concat();
        match checked(&file) {
            Err(DecodeError::Corrupt { what, .. }) => assert_eq!(what, "its tables of objects lie in one another"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_word_is_found_once_however_its_part_of_the_file_moves() {
        let file = b"ab-ab--abab-ab".repeat(50);
        let mut word = Word::new(b"ab");
        for end in (0..file.len()).step_by(3) {
            let start = end.saturating_sub(20);
            word.look(&file[..end], start);
            let want: Vec<usize> = find_iter(&file[start..end], b"ab").map(|place| start + place).collect();
            assert_eq!(word.places, want, "{start}..{end}");
            assert_eq!(word.last(), want.last().copied());
            let middle = start + 7;
            assert_eq!(word.count_from(middle), want.iter().filter(|place| **place >= middle).count());
        }
    }

    #[test]
    fn words_without_tables_end_when_nobody_waits_any_more() {
        let control = Control::default();
        control.cancel();
        let words = b"ObjStm stream ".repeat(5000);
        assert!(matches!(check(&words, &control), Err(DecodeError::Cancelled)));
        assert!(checked(&words).is_ok());
    }
}
