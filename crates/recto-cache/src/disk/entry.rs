//! The file of one entry: a header that says what it is, and the bytes.
//!
//! ```text
//!   0  8  magic           8 32  key           40  8  length of the image
//!  48  2  length of the media type           50  6  zero
//!  56  8  XXH3 of everything else            64  …  media type, image
//! ```
//!
//! Numbers are little-endian. A file is an entry only if every byte of it is as it was written.

use std::borrow::Cow;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3Default;

use crate::{CacheKey, Derivative};

pub(crate) const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"RECTOC1\n";
const CHECKSUM_AT: usize = 56;

/// Media types that need no memory of their own when they are read back.
const KNOWN_MEDIA_TYPES: [&str; 8] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/tiff",
    "image/jp2",
    "application/pdf",
    "application/json",
];

/// Length of the whole file.
pub(crate) fn file_bytes(derivative: &Derivative) -> u64 {
    (HEADER_BYTES + derivative.media_type.len()) as u64 + derivative.bytes.len() as u64
}

/// The header; `None` when the media type is longer than any is.
pub(crate) fn header(key: &CacheKey, derivative: &Derivative) -> Option<[u8; HEADER_BYTES]> {
    let media_length = u16::try_from(derivative.media_type.len()).ok()?;
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..24].copy_from_slice(&key.image.to_le_bytes());
    header[24..40].copy_from_slice(&key.request.to_le_bytes());
    header[40..48].copy_from_slice(&(derivative.bytes.len() as u64).to_le_bytes());
    header[48..50].copy_from_slice(&media_length.to_le_bytes());
    let sum = checksum(&header, &[derivative.media_type.as_bytes(), &derivative.bytes]);
    header[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
    Some(header)
}

fn checksum(header: &[u8; HEADER_BYTES], parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.update(&header[..CHECKSUM_AT]);
    for part in parts {
        hash.update(part);
    }
    hash.digest()
}

/// The derivative in a file; `None` unless the file is whole, unchanged, and of this very key.
pub(crate) fn parse(key: &CacheKey, file: Vec<u8>) -> Option<Derivative> {
    let header: &[u8; HEADER_BYTES] = file.first_chunk()?;
    let number = |at: usize, length: usize| {
        let mut bytes = [0; 16];
        bytes.get_mut(..length)?.copy_from_slice(header.get(at..at + length)?);
        Some(u128::from_le_bytes(bytes))
    };
    let is_ours = header.starts_with(MAGIC) && number(8, 16)? == key.image && number(24, 16)? == key.request;
    let image_length = usize::try_from(number(40, 8)?).ok()?;
    let media_length = usize::try_from(number(48, 2)?).ok()?;
    let image_at = HEADER_BYTES.checked_add(media_length)?;
    if !is_ours || image_at.checked_add(image_length)? != file.len() {
        return None;
    }
    if u128::from(checksum(header, &[file.get(HEADER_BYTES..)?])) != number(CHECKSUM_AT, 8)? {
        return None;
    }
    let media_type = std::str::from_utf8(file.get(HEADER_BYTES..image_at)?).ok()?;
    let media_type = KNOWN_MEDIA_TYPES
        .iter()
        .find(|known| **known == media_type)
        .map_or_else(|| Cow::Owned(media_type.to_owned()), |known| Cow::Borrowed(*known));
    Some(Derivative { bytes: Bytes::from(file).slice(image_at..), media_type })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &CacheKey, derivative: &Derivative) -> Vec<u8> {
        let mut file = header(key, derivative).unwrap().to_vec();
        file.extend_from_slice(derivative.media_type.as_bytes());
        file.extend_from_slice(&derivative.bytes);
        assert_eq!(file.len() as u64, file_bytes(derivative));
        file
    }

    #[test]
    fn an_entry_reads_back_under_its_own_key_alone() {
        let key = CacheKey::new("a", &["b"]);
        for (bytes, media_type) in [(vec![], "image/jpeg"), (b"abc".to_vec(), ""), (vec![7; 70_000], "x/unknown")] {
            let derivative = Derivative::new(bytes, media_type);
            let file = file(&key, &derivative);
            assert_eq!(parse(&key, file.clone()), Some(derivative));
            assert_eq!(parse(&CacheKey::new("a", &["c"]), file.clone()), None);
            assert_eq!(parse(&CacheKey::new("b", &["b"]), file), None);
        }
    }

    #[test]
    fn a_file_of_any_other_length_or_with_any_other_bit_is_no_entry() {
        let key = CacheKey::new("a", &["b"]);
        let whole = file(&key, &Derivative::new(&b"some bytes of an image"[..], "image/png"));
        for length in 0..whole.len() {
            assert_eq!(parse(&key, whole[..length].to_vec()), None, "cut at {length}");
            let mut zeroed = whole.clone();
            zeroed[length..].fill(0);
            assert_eq!(parse(&key, zeroed.clone()).is_some(), zeroed == whole, "zeros from {length}");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&key, flipped), None, "bit {bit}");
        }
        let mut longer = whole;
        longer.push(0);
        assert_eq!(parse(&key, longer), None);
    }
}
