//! What a file says beside its pixels: EXIF as a block of its own, and back.
//!
//! A block is what JPEG and PNG carry: a small TIFF whose first directory points to the EXIF and GPS directories. Values are
//! copied as they are, but for their byte order; maker's notes, which hold places in the old file, are left out.

use std::sync::Arc;

use super::fields::{self as form, Field, HEADER};
use super::ifd::{File, Ifd};
use super::tag;
use crate::MemoryAccess;

/// Most bytes of values of one directory.
const MOST: u64 = 1 << 20;
/// A maker's notes hold places in the file that they were in.
const MAKER_NOTE: u16 = 37500;
const INTEROPERABILITY: u16 = 40965;
/// What the first directory says in words: description, maker, model, program, date, artist, copyright.
const WORDS: [u16; 7] = [270, 271, 272, 305, 306, 315, 33432];

/// What a block holds for a page: words for its own directory, and the EXIF and GPS directories.
#[derive(Default)]
pub(super) struct Block {
    pub(super) words: Vec<Field>,
    pub(super) exif: Vec<Field>,
    pub(super) gps: Vec<Field>,
}

impl Block {
    /// Reads a block; what cannot be read is not there.
    pub(super) fn read(block: &[u8]) -> Self {
        let Ok((file, first)) = File::open(Arc::new(MemoryAccess::new(block))) else { return Self::default() };
        file.ifd(first).map(|ifd| Self::of(&file, &ifd)).unwrap_or_default()
    }

    fn of(file: &File, ifd: &Ifd) -> Self {
        Self {
            words: fields(file, ifd, |tag| WORDS.contains(&tag)),
            exif: of_pointer(file, ifd, tag::EXIF_IFD),
            gps: of_pointer(file, ifd, tag::GPS_IFD),
        }
    }
}

/// What a page says so, as a block; `None` when that is nothing.
pub(super) fn block(file: &File, ifd: &Ifd) -> Option<Vec<u8>> {
    let Block { words, exif, gps } = Block::of(file, ifd);
    if words.is_empty() && exif.is_empty() && gps.is_empty() {
        return None;
    }
    // Header, EXIF, GPS, and the directory that points to them.
    let mut out = form::header(0, false);
    let mut first = words;
    for (fields, pointer) in [(exif, tag::EXIF_IFD), (gps, tag::GPS_IFD)] {
        if !fields.is_empty() {
            let at = out.len() as u64;
            first.push(Field::numbers(pointer, form::LONG, &[at]));
            out.extend(form::directory(fields, at, 0, false));
        }
    }
    let at = out.len() as u64;
    out.extend(form::directory(first, at, 0, false));
    let header = form::header(at, false);
    out[..HEADER as usize].copy_from_slice(&header);
    Some(out)
}

fn of_pointer(file: &File, ifd: &Ifd, pointer: u16) -> Vec<Field> {
    let Some(offset) = file.inline_number(ifd, pointer) else { return Vec::new() };
    let Ok(ifd) = file.ifd(offset) else { return Vec::new() };
    fields(file, &ifd, |tag| !matches!(tag, MAKER_NOTE | INTEROPERABILITY))
}

fn fields(file: &File, ifd: &Ifd, wanted: impl Fn(u16) -> bool) -> Vec<Field> {
    let Ok(values) = file.values(ifd, wanted, MOST) else { return Vec::new() };
    values.copied().into_iter().map(|(tag, kind, count, bytes)| Field::raw(tag, kind, count, bytes)).collect()
}
