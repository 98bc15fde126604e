//! What a linearised file says of itself in its first object, the linearization parameter dictionary. ISO 32000-1 §F.3.3.

use std::io;

use hayro::hayro_syntax::object::{Dict, FromBytes};
use memchr::memmem;

use super::TREE;
use crate::{ByteRange, RandomAccess};

/// Where the linearization parameter dictionary lies. §F.3.3.
const FIRST_BYTES: usize = 1024;

/// The most that is fetched for one page.
const MAX_BYTES: u64 = 64 << 20;

/// The fewest bytes of a file for each of its pages, however well their objects are packed.
const PAGE_BYTES: u64 = 8;

/// Does a file of this length that begins so say that its first page comes first? One that was added to says it in vain.
pub(in crate::formats) fn is_linearized(first: &[u8], length: u64) -> bool {
    Linearization::parse(first).is_some_and(|found| found.fits(length))
}

/// What the linearization parameter dictionary says. Table F.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats::pdf) struct Linearization {
    /// Bytes of the file.
    length: u64,
    /// Number of the first page's object.
    pub(super) object: u32,
    /// Where that ends which the first page needs.
    pub(in crate::formats::pdf) end: u64,
    /// How many pages the file has.
    pub(in crate::formats::pdf) pages: u32,
    /// Where the entries of the cross-reference at the end begin.
    main_table: u64,
    /// Where the dictionary's object ends.
    pub(super) behind: usize,
}

impl Linearization {
    /// That of a file, if it has one that can be true and makes the first page cheaper.
    pub(in crate::formats::pdf) fn of(source: &dyn RandomAccess) -> io::Result<Option<Self>> {
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

/// Bytes of white space and comments that this begins with. §7.2.
pub(super) fn gap(bytes: &[u8]) -> usize {
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
