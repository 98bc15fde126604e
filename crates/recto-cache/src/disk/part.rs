//! Large files beside the derivatives that are read by position: what decoders put on their shelf.
//!
//! ```text
//!   0  8  magic           8 32  key           40  8  length of the data
//!  48  8  bytes of a block                    56  8  XXH3 of everything before
//!  64  …  data, then for each block its XXH3, then the XXH3 of these
//! ```
//!
//! A block is verified when it is first read, so a part of a hundred megabytes opens at once and no damaged byte gets out.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::Shared;
use super::folder::Coming;
use crate::CacheKey;

const MAGIC: &[u8; 8] = b"RECTOP1\n";
const HEADER_BYTES: u64 = 64;
const BLOCK_BYTES: u64 = 64 << 10;
/// A part is noted as used once in so many reads.
const READS_PER_TOUCH: u64 = 64;

fn header(key: &CacheKey, length: u64) -> [u8; HEADER_BYTES as usize] {
    let mut header = [0; HEADER_BYTES as usize];
    header[..8].copy_from_slice(MAGIC);
    header[8..24].copy_from_slice(&key.image.to_le_bytes());
    header[24..40].copy_from_slice(&key.request.to_le_bytes());
    header[40..48].copy_from_slice(&length.to_le_bytes());
    header[48..56].copy_from_slice(&BLOCK_BYTES.to_le_bytes());
    let sum = xxh3_64(&header[..56]);
    header[56..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// Bytes of the file of a part with so much data.
fn file_bytes(length: u64) -> Option<u64> {
    let table = length.div_ceil(BLOCK_BYTES).checked_add(1)?.checked_mul(8)?;
    HEADER_BYTES.checked_add(length)?.checked_add(table)
}

/// Does this file begin as a part does?
pub(crate) fn is_part(file: &File) -> io::Result<bool> {
    let mut magic = [0; 8];
    file.read_exact_at(&mut magic, 0)?;
    Ok(magic == *MAGIC)
}

/// An open part. Every byte that it gives is as it was written, or it gives none.
#[derive(Debug)]
pub(crate) struct OpenPart {
    file: File,
    length: u64,
    /// The XXH3 of each block.
    sums: Box<[u64]>,
    /// A bit for each block: verified.
    verified: Box<[AtomicU64]>,
    is_damaged: AtomicBool,
    reads: AtomicU64,
    /// Bytes that this holds on the disk though its name is gone.
    lingering: AtomicU64,
    key: CacheKey,
    shared: Arc<Shared>,
}

impl OpenPart {
    /// Opens the file of a part; `InvalidData` when it is not whole.
    pub(crate) fn open(shared: &Arc<Shared>, key: &CacheKey) -> io::Result<Self> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let file = shared.folder.open_entry(key)?;
        let metadata = file.metadata()?;
        let mut head = [0; HEADER_BYTES as usize];
        file.read_exact_at(&mut head, 0).map_err(|_| damaged())?;
        let length = head.get(40..).and_then(|rest| rest.first_chunk()).copied().map(u64::from_le_bytes);
        let length = length.ok_or_else(damaged)?;
        if !metadata.is_file() || head != header(key, length) || file_bytes(length) != Some(metadata.len()) {
            return Err(damaged());
        }
        // Bounded by the file's own length, which was just checked.
        let mut table = vec![0; (metadata.len() - HEADER_BYTES - length) as usize];
        file.read_exact_at(&mut table, HEADER_BYTES + length)?;
        let (sums, own) = table.split_last_chunk::<8>().ok_or_else(damaged)?;
        if xxh3_64(sums) != u64::from_le_bytes(*own) {
            return Err(damaged());
        }
        let sums: Box<[u64]> = sums.as_chunks().0.iter().map(|sum| u64::from_le_bytes(*sum)).collect();
        let verified = (0..sums.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            file,
            length,
            sums,
            verified,
            is_damaged: AtomicBool::new(false),
            reads: AtomicU64::new(0),
            lingering: AtomicU64::new(0),
            key: *key,
            shared: Arc::clone(shared),
        })
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// Notes that the name is gone while this is open: the disk still holds the bytes.
    pub(crate) fn linger(&self) {
        let bytes = file_bytes(self.length).unwrap_or(0);
        if self.lingering.swap(bytes, Ordering::Relaxed) == 0 {
            self.shared.lingering.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if self.is_damaged() {
            return Err(damage());
        }
        if self.reads.fetch_add(1, Ordering::Relaxed).is_multiple_of(READS_PER_TOUCH) {
            self.shared.touch(&self.key);
        }
        let (mut at, mut rest) = (offset, buffer);
        while at < end {
            let block = at / BLOCK_BYTES;
            let (start, stop) = (block * BLOCK_BYTES, ((block + 1) * BLOCK_BYTES).min(self.length));
            let taken = (stop.min(end) - at) as usize;
            let (piece, left) = rest.split_at_mut(taken);
            let bit = self.verified.get((block / 64) as usize).ok_or_else(damage)?;
            let mask = 1_u64 << (block % 64);
            if bit.load(Ordering::Relaxed) & mask != 0 {
                self.file.read_exact_at(piece, HEADER_BYTES + at)?;
            } else {
                let whole = at == start && taken as u64 == stop - start;
                let mut own = vec![0; if whole { 0 } else { (stop - start) as usize }];
                let bytes: &mut [u8] = if whole { &mut *piece } else { &mut own };
                self.file.read_exact_at(bytes, HEADER_BYTES + start)?;
                if self.sums.get(block as usize) != Some(&xxh3_64(bytes)) {
                    self.is_damaged.store(true, Ordering::Relaxed);
                    // Once its name is gone, a sound one may have come to its place.
                    if self.lingering.load(Ordering::Relaxed) == 0 {
                        self.shared.report_damage(&self.key);
                    }
                    return Err(damage());
                }
                bit.fetch_or(mask, Ordering::Relaxed);
                if !whole {
                    let from = (at - start) as usize;
                    piece.copy_from_slice(own.get(from..from + taken).ok_or_else(damage)?);
                }
            }
            at += taken as u64;
            rest = left;
        }
        Ok(())
    }
}

impl Drop for OpenPart {
    fn drop(&mut self) {
        self.shared.lingering.fetch_sub(*self.lingering.get_mut(), Ordering::Relaxed);
    }
}

fn damage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a part on the shelf is damaged; it was dropped and is made again")
}

/// A part that was kept, open for reading from any thread.
#[derive(Clone, Debug)]
pub struct KeptPart(pub(crate) Arc<OpenPart>);

impl KeptPart {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.0.length
    }

    /// True when there is not a single byte.
    pub fn is_empty(&self) -> bool {
        self.0.length == 0
    }

    /// True once a read met a damaged byte: the part was dropped and is to be opened or made anew.
    pub fn is_damaged(&self) -> bool {
        self.0.is_damaged()
    }

    /// Fills the whole of `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` behind the end, `InvalidData` when the part is damaged, else what the system says.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}

/// Writes the file of a part, making room as it grows. When it is dropped before the file has arrived, however that comes, the file
/// goes, and then its room is given back.
pub(crate) struct PartWriter<'a> {
    shared: &'a Shared,
    /// `None` once the file has arrived.
    coming: Option<&'a Coming>,
    out: BufWriter<&'a File>,
    block: Vec<u8>,
    sums: Vec<u8>,
    length: u64,
    reserved: u64,
}

/// Room is made for at most so many bytes at a time.
const MOST_RESERVED: u64 = 4 << 20;

impl<'a> PartWriter<'a> {
    pub(crate) fn new(shared: &'a Shared, coming: &'a Coming, file: &'a File) -> io::Result<Self> {
        let mut writer = Self {
            shared,
            coming: Some(coming),
            out: BufWriter::with_capacity(1 << 20, file),
            block: Vec::with_capacity(BLOCK_BYTES as usize),
            sums: Vec::new(),
            length: 0,
            reserved: 0,
        };
        writer.out.write_all(&[0; HEADER_BYTES as usize])?;
        Ok(writer)
    }

    /// Makes room for what there is so far, and a little more: the next block, or the name and the folder.
    fn reserve(&mut self) -> io::Result<()> {
        let ahead = 2 * BLOCK_BYTES.max(self.shared.folder.block_bytes);
        let needed = file_bytes(self.length).and_then(|bytes| bytes.checked_add(ahead));
        let needed = needed.ok_or(io::ErrorKind::StorageFull)?;
        while needed > self.reserved {
            let more = (self.shared.largest() / 8).clamp(BLOCK_BYTES, MOST_RESERVED);
            let entries = u64::from(self.reserved == 0);
            if needed > self.shared.largest() || !self.shared.make_room(more, entries)? {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.reserved += more;
        }
        Ok(())
    }

    fn end_block(&mut self) -> io::Result<()> {
        self.reserve()?;
        self.sums.extend_from_slice(&xxh3_64(&self.block).to_le_bytes());
        self.out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Writes the rest and gives the bytes of the whole file. Their room stays reserved until this is dropped.
    pub(crate) fn finish(&mut self, key: &CacheKey) -> io::Result<u64> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        // Also one without a byte takes a file.
        self.reserve()?;
        let own = xxh3_64(&self.sums);
        let sums = std::mem::take(&mut self.sums);
        self.out.write_all(&sums)?;
        self.out.write_all(&own.to_le_bytes())?;
        self.out.flush()?;
        self.out.get_ref().write_all_at(&header(key, self.length), 0)?;
        file_bytes(self.length).ok_or_else(|| io::ErrorKind::StorageFull.into())
    }

    /// The file is at its place and stays.
    pub(crate) fn arrived(mut self) {
        self.coming = None;
    }
}

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = BLOCK_BYTES as usize - self.block.len();
        let (now, _) = bytes.split_at(free.min(bytes.len()));
        self.block.extend_from_slice(now);
        self.length += now.len() as u64;
        if self.block.len() == BLOCK_BYTES as usize {
            self.end_block()?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartWriter<'_> {
    fn drop(&mut self) {
        if let Some(coming) = self.coming {
            self.shared.folder.give_up(coming);
            // It is still open for a moment.
            let _ = self.out.get_ref().set_len(0);
        }
        self.shared.unreserve(self.reserved, u64::from(self.reserved > 0));
    }
}
