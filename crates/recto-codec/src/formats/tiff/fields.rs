//! Directories as they are written: little-endian fields, the table first and the values behind it.

use super::tag;

pub(super) const BYTE: u16 = 1;
pub(super) const SHORT: u16 = 3;
pub(super) const LONG: u16 = 4;
pub(super) const RATIONAL: u16 = 5;
pub(super) const UNDEFINED: u16 = 7;
pub(super) const LONG8: u16 = 16;

/// Bytes at the front of a file: enough for either header.
pub(super) const HEADER: u64 = 16;

/// A field and its values.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) tag: u16,
    kind: u16,
    count: u64,
    bytes: Vec<u8>,
}

impl Field {
    /// Whole numbers, `SHORT`, `LONG` or `LONG8`.
    pub(super) fn numbers(tag: u16, kind: u16, numbers: &[u64]) -> Self {
        let size = match kind {
            SHORT => 2,
            LONG => 4,
            _ => 8,
        };
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(size)).collect();
        Self { tag, kind, count: numbers.len() as u64, bytes }
    }

    /// One positive number with a fraction.
    pub(super) fn rational(tag: u16, value: f64) -> Self {
        let (over, under) = if value.fract() == 0.0 { (value, 1_u32) } else { (value * 1000.0, 1000) };
        let over = over.round().clamp(0.0, f64::from(u32::MAX)) as u32;
        let bytes = over.to_le_bytes().into_iter().chain(under.to_le_bytes()).collect();
        Self { tag, kind: RATIONAL, count: 1, bytes }
    }

    /// Bytes that mean something elsewhere, `BYTE` or `UNDEFINED`.
    pub(super) fn opaque(tag: u16, kind: u16, bytes: &[u8]) -> Self {
        Self { tag, kind, count: bytes.len() as u64, bytes: bytes.to_vec() }
    }

    /// A field of any type, whose `count` values were put in little-endian order.
    pub(super) fn raw(tag: u16, kind: u16, count: u64, bytes: Vec<u8>) -> Self {
        Self { tag, kind, count, bytes }
    }

    /// Dots per inch.
    pub(super) fn resolution(dpi: Option<(f64, f64)>) -> Vec<Self> {
        let Some((x, y)) = dpi else { return Vec::new() };
        vec![
            Self::rational(tag::X_RESOLUTION, x),
            Self::rational(tag::Y_RESOLUTION, y),
            Self::numbers(tag::RESOLUTION_UNIT, SHORT, &[2]),
        ]
    }
}

/// A place in the file, as wide as the form of file has it.
pub(super) fn pointer(number: u64, big: bool) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    bytes[..if big { 8 } else { 4 }].to_vec()
}

/// Places in the file.
pub(super) const fn place_kind(big: bool) -> u16 {
    if big { LONG8 } else { LONG }
}

/// The header of a file whose first directory lies at `first`; [`HEADER`] bytes.
pub(super) fn header(first: u64, big: bool) -> Vec<u8> {
    let mut bytes = if big { b"II+\0\x08\0\0\0".to_vec() } else { b"II*\0".to_vec() };
    bytes.extend(pointer(first, big));
    bytes.resize(HEADER as usize, 0);
    bytes
}

/// Bytes that a directory takes, a multiple of 8, whatever its values.
pub(super) fn extent(fields: &[Field], big: bool) -> u64 {
    let (head, entry, inside) = if big { (16, 20, 8) } else { (6, 12, 4) };
    let table = (head + entry * fields.len() as u64).next_multiple_of(8);
    let outside = fields.iter().map(|field| field.bytes.len() as u64).filter(|length| *length > inside);
    table + outside.map(|length| length.next_multiple_of(8)).sum::<u64>()
}

/// A directory that will lie at `start` (a multiple of 2), followed in the chain by the one at `next`; exactly [`extent`] bytes.
pub(super) fn directory(mut fields: Vec<Field>, start: u64, next: u64, big: bool) -> Vec<u8> {
    fields.sort_by_key(|field| field.tag);
    let (inside, count) = if big { (8, 8) } else { (4, 2) };
    let mut table = (fields.len() as u64).to_le_bytes()[..count].to_vec();
    let table_bytes = {
        let (head, entry) = if big { (16, 20) } else { (6, 12) };
        (head + entry * fields.len()).next_multiple_of(8)
    };
    let mut outside = Vec::new();
    for field in &fields {
        table.extend_from_slice(&field.tag.to_le_bytes());
        table.extend_from_slice(&field.kind.to_le_bytes());
        table.extend(pointer(field.count, big));
        if field.bytes.len() <= inside {
            table.extend_from_slice(&field.bytes);
            table.resize(table.len() + inside - field.bytes.len(), 0);
        } else {
            table.extend(pointer(start + (table_bytes + outside.len()) as u64, big));
            outside.extend_from_slice(&field.bytes);
            outside.resize(outside.len().next_multiple_of(8), 0);
        }
    }
    table.extend(pointer(next, big));
    table.resize(table_bytes, 0);
    table.extend(outside);
    table
}
