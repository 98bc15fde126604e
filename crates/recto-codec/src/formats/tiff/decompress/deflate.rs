//! Deflate: a chunk that is wanted whole in one go, all others row by row.

use std::io;

use flate2::bufread::ZlibDecoder;
use libdeflater::Decompressor;

use super::{Inflow, Input, read_fully};

pub(super) struct Deflate {
    stream: ZlibDecoder<Input>,
    whole_bytes: usize,
    is_begun: bool,
}

impl Deflate {
    pub(super) fn new(input: Input, whole_bytes: usize) -> Self {
        Self { stream: ZlibDecoder::new(input), whole_bytes, is_begun: false }
    }

    /// Decompresses all of it; false when that is not possible. The stream then says what is wrong, or gives what there is.
    fn at_once(&self, out: &mut [u8]) -> bool {
        let Some(bytes) = self.stream.get_ref().all() else { return false };
        Decompressor::new().zlib_decompress(bytes, out).is_ok_and(|length| length == out.len())
    }
}

impl Inflow for Deflate {
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let is_whole = !self.is_begun && out.len() == self.whole_bytes;
        self.is_begun = true;
        if is_whole && self.at_once(out) {
            // There is no more behind it.
            self.stream.get_mut().end();
            return Ok(out.len());
        }
        read_fully(&mut self.stream, out)
    }
}
