//! Where in a scan every few MCUs begin, so that decoding can start there.
//!
//! On disk: a magic, the version, what the index belongs to, then all numbers as differences in the form of 7 bits a byte, and a
//! checksum over everything.

use recto_iiif::Dimensions;

use super::coding::Coding;

const MAGIC: &[u8; 8] = b"rectoji1";
/// Notes that an index has at most; with more MCUs they lie further apart.
const MAX_NOTES: u64 = 400_000;
/// Pixels between two notes: a tile of this side begins on one.
const NOTE_PX: u32 = 256;
/// Bits of a row that an offset can hold.
const MAX_ROW_BITS: u64 = u32::MAX as u64;

/// A place in the scan: where an MCU begins, and the DC coefficients before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Position in the file in bits: of the byte, times 8, and bits of it that are gone.
    pub(super) position: u64,
    pub(super) predictors: [i32; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    offset: u32,
    predictors: [i16; 4],
}

/// What an index belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Belongs {
    /// Length of the file in bytes.
    pub(super) file_bytes: u64,
    /// Where the scan's data begins.
    pub(super) data_offset: u64,
    /// See [`Coding::fingerprint`].
    pub(super) coding: u32,
}

/// The notes of a scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    belongs: Belongs,
    /// MCUs between notes.
    pub(super) every: u32,
    /// Notes of a row of MCUs.
    per_row: u32,
    /// Where each row begins, in bits.
    rows: Vec<u64>,
    notes: Vec<Stored>,
    /// Behind the last MCU.
    end: Note,
}

impl Index {
    /// An index without notes.
    pub(super) fn new(coding: &Coding, belongs: Belongs) -> Self {
        let mut every = (NOTE_PX / coding.mcu.width_px).max(1);
        while u64::from(coding.columns.div_ceil(every)) * u64::from(coding.rows) > MAX_NOTES && every < coding.columns {
            every *= 2;
        }
        let per_row = coding.columns.div_ceil(every);
        Self {
            belongs,
            every,
            per_row,
            rows: Vec::with_capacity(coding.rows as usize),
            notes: Vec::with_capacity(per_row as usize * coding.rows as usize),
            end: Note { position: 0, predictors: [0; 4] },
        }
    }

    /// Bytes that an index of this scan takes, at most.
    pub(super) fn bytes(coding: &Coding) -> u64 {
        let every = (NOTE_PX / coding.mcu.width_px).max(1);
        let notes = u64::from(coding.columns.div_ceil(every)) * u64::from(coding.rows);
        notes.min(MAX_NOTES.max(u64::from(coding.rows))) * size_of::<Stored>() as u64 + u64::from(coding.rows) * 8
    }

    /// As [`Index::bytes`], of any scan of a picture of this size.
    pub(super) fn most_bytes(size: Dimensions) -> u64 {
        // Of MCUs of 8 by 8, whose rows are the most.
        let rows = u64::from(size.height_px.div_ceil(8));
        let notes = u64::from(size.width_px.div_ceil(NOTE_PX)).saturating_mul(rows);
        notes.min(MAX_NOTES.max(rows)) * size_of::<Stored>() as u64 + rows * 8
    }

    /// Bytes that it takes.
    pub(super) fn held_bytes(&self) -> u64 {
        (self.notes.len() * size_of::<Stored>() + self.rows.len() * 8) as u64
    }

    /// Notes the next place. `None` when a row is too long, or a coefficient too large.
    pub(super) fn push(&mut self, note: Note) -> Option<()> {
        if self.notes.len().is_multiple_of(self.per_row as usize) {
            self.rows.push(note.position);
        }
        let offset = note.position.checked_sub(*self.rows.last()?).filter(|offset| *offset <= MAX_ROW_BITS)?;
        let mut predictors = [0; 4];
        for (to, from) in predictors.iter_mut().zip(note.predictors) {
            *to = i16::try_from(from).ok()?;
        }
        self.notes.push(Stored { offset: offset as u32, predictors });
        Some(())
    }

    /// Notes what is behind the last MCU.
    pub(super) fn set_end(&mut self, end: Note) {
        self.end = end;
    }

    /// The note at or before an MCU, and the MCU's column that it is of.
    pub(super) fn before(&self, row: u32, column: u32) -> Option<(Note, u32)> {
        let number = column / self.every;
        Some((self.note(row, number)?, number * self.every))
    }

    /// The note at or behind an MCU (the next row's first, or the end, behind the last), and whether it is exactly there.
    pub(super) fn behind(&self, row: u32, column: u32, columns: u32) -> Option<(Note, bool)> {
        let number = column.div_ceil(self.every);
        let exact = column.is_multiple_of(self.every) || column == columns;
        if number < self.per_row {
            return Some((self.note(row, number)?, exact));
        }
        let next = row + 1;
        if (next as usize) < self.rows.len() { Some((self.note(next, 0)?, exact)) } else { Some((self.end, exact)) }
    }

    fn note(&self, row: u32, number: u32) -> Option<Note> {
        let base = *self.rows.get(row as usize)?;
        let stored = self.notes.get(row as usize * self.per_row as usize + number as usize)?;
        Some(Note { position: base + u64::from(stored.offset), predictors: stored.predictors.map(i32::from) })
    }

    /// For the disk.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.belongs.file_bytes.to_le_bytes());
        out.extend_from_slice(&self.belongs.data_offset.to_le_bytes());
        out.extend_from_slice(&self.belongs.coding.to_le_bytes());
        out.extend_from_slice(&self.every.to_le_bytes());
        out.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
        let mut last = Note { position: 0, predictors: [0; 4] };
        let rows = self.rows.len() as u32;
        let notes = (0..rows).flat_map(|row| (0..self.per_row).filter_map(move |number| self.note(row, number)));
        for note in notes.chain([self.end]) {
            put_number(note.position.wrapping_sub(last.position), &mut out);
            for (new, old) in note.predictors.iter().zip(last.predictors) {
                let difference = i64::from(*new) - i64::from(old);
                put_number((difference << 1 ^ difference >> 63) as u64, &mut out);
            }
            last = note;
        }
        let sum = crc32fast::hash(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads it back; `None` when it is damaged or belongs to something else.
    pub(super) fn read(data: &[u8], coding: &Coding, belongs: Belongs) -> Option<Self> {
        let (data, sum) = data.split_last_chunk::<4>()?;
        if crc32fast::hash(data) != u32::from_le_bytes(*sum) {
            return None;
        }
        let mut data = data.strip_prefix(MAGIC)?;
        let found = Belongs {
            file_bytes: u64::from_le_bytes(*take(&mut data)?),
            data_offset: u64::from_le_bytes(*take(&mut data)?),
            coding: u32::from_le_bytes(*take(&mut data)?),
        };
        let every = u32::from_le_bytes(*take(&mut data)?);
        let rows = u32::from_le_bytes(*take(&mut data)?);
        let mut index = Self::new(coding, belongs);
        if found != belongs || every != index.every || rows != coding.rows {
            return None;
        }
        let mut last = Note { position: 0, predictors: [0; 4] };
        let total = u64::from(rows) * u64::from(index.per_row);
        for number in 0..=total {
            last.position = last.position.checked_add(number_of(&mut data)?)?;
            for predictor in &mut last.predictors {
                let code = number_of(&mut data)?;
                let difference = (code >> 1) as i64 ^ -((code & 1) as i64);
                *predictor = predictor.checked_add(i32::try_from(difference).ok()?)?;
            }
            let inside = last.position / 8 >= belongs.data_offset && last.position / 8 <= belongs.file_bytes;
            if !inside {
                return None;
            }
            if number < total { index.push(last)? } else { index.set_end(last) }
        }
        data.is_empty().then_some(index)
    }
}

fn take<'a, const N: usize>(data: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = data.split_first_chunk::<N>()?;
    *data = rest;
    Some(first)
}

fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number_of(data: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
