//! Compressed bytes in, rows as stored out; as much as is asked for and never more.

mod ccitt;
mod ccitt_codes;
mod deflate;
mod input;
mod lzw;
mod packbits;

use std::io::{self, BufRead, Read};

pub(super) use input::{BLOCK, Input};

use super::directory::{Compression, Directory};

/// A chunk that is being decompressed.
pub(super) trait Inflow: Send {
    /// Fills `out`, which is a whole number of rows; fewer bytes only where the data ends.
    ///
    /// # Errors
    /// Data that break the rules of the compression, or a failure to read them.
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize>;

    /// Passes over `bytes`, a whole number of rows of `row_bytes`; gives how many were there.
    ///
    /// # Errors
    /// As [`Inflow::fill`].
    fn skip(&mut self, bytes: u64, row_bytes: usize) -> io::Result<u64> {
        let rows_at_once = (64 * 1024 / row_bytes.max(1)).max(1);
        let mut sink = vec![0; row_bytes * rows_at_once];
        let mut skipped = 0;
        while skipped < bytes {
            let wanted = (bytes - skipped).min(sink.len() as u64) as usize;
            let got = self.fill(&mut sink[..wanted])?;
            skipped += got as u64;
            if got < wanted {
                break;
            }
        }
        Ok(skipped)
    }
}

/// Begins to decompress a chunk whose rows have `width` pixels, and which is of `whole_bytes` when it is decompressed.
pub(super) fn open(directory: &Directory, input: Input, width: u32, whole_bytes: usize) -> io::Result<Box<dyn Inflow>> {
    Ok(match directory.compression {
        Compression::PackBits => Box::new(packbits::PackBits::new(input)),
        Compression::Lzw => Box::new(lzw::Lzw::new(input)?),
        Compression::Deflate => Box::new(deflate::Deflate::new(input, whole_bytes)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(27)?;
            Box::new(Reading(decoder))
        }
        Compression::ModifiedHuffman { words } => {
            Box::new(ccitt::Fax::new(input, width, ccitt::Coding::ModifiedHuffman { words }))
        }
        Compression::Fax3 { two_dimensional } => {
            Box::new(ccitt::Fax::new(input, width, ccitt::Coding::Group3 { two_dimensional }))
        }
        Compression::Fax4 => Box::new(ccitt::Fax::new(input, width, ccitt::Coding::Group4)),
        // Chunks that are images of their own do not come here.
        Compression::None
        | Compression::Jpeg
        | Compression::OldJpeg
        | Compression::Webp
        | Compression::Jpeg2000 { .. } => Box::new(Stored(input)),
    })
}

/// Bytes as they are.
struct Stored(Input);

impl Inflow for Stored {
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_fully(&mut self.0, out)
    }

    fn skip(&mut self, bytes: u64, _row_bytes: usize) -> io::Result<u64> {
        Ok(self.0.skip(bytes))
    }
}

/// A decompressor that is a reader.
struct Reading<R>(R);

impl<R: Read + Send> Inflow for Reading<R> {
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_fully(&mut self.0, out)
    }
}

/// Reads until `out` is full or the data end.
fn read_fully(reader: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The next byte; `None` at the end.
fn next_byte(input: &mut Input) -> io::Result<Option<u8>> {
    let byte = input.fill_buf()?.first().copied();
    if byte.is_some() {
        input.consume(1);
    }
    Ok(byte)
}

/// Data that break the rules of their compression.
fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
