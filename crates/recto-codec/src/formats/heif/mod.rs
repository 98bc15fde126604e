//! What AVIF and HEIC have in common: the container of ISO/IEC 23008-12, its items and their properties.

mod boxes;
mod items;
mod meta;
mod transform;

pub(crate) use items::{Alpha, Coded, Picture};
pub(crate) use meta::{Colour, Meta};

/// The brands of a file that begins with these bytes: the major one and those it is compatible with, as far as they are there.
pub(crate) fn brands(first: &[u8]) -> Option<impl Iterator<Item = &[u8; 4]>> {
    let (size, rest) = first.split_first_chunk::<4>()?;
    let rest = rest.strip_prefix(b"ftyp")?;
    let length = (u32::from_be_bytes(*size) as usize).saturating_sub(8).min(rest.len());
    let words = rest.get(..length)?.as_chunks::<4>().0;
    // The second word is the minor version.
    Some(words.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, brand)| brand))
}
