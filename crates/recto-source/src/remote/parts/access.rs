//! An open file that stays where it is, as decoders read it.

use std::io;
use std::sync::Arc;

use recto_codec::{ByteRange, RandomAccess};

use super::disk::Target;
use super::{AHEAD, Parts};

/// An open file that stays where it is.
#[derive(Debug)]
pub(crate) struct PartsAccess(pub(crate) Arc<Parts>);

impl RandomAccess for PartsAccess {
    fn len(&self) -> u64 {
        self.0.length
    }

    fn identity(&self) -> Option<u128> {
        Some(self.0.version.to_u128())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let range = ByteRange::new(offset, buffer.len() as u64);
        self.0.check(range)?;
        self.0.read_fetched(&[range], |loose| Ok(self.0.fill(offset, buffer, loose)?.then_some(())))
    }

    fn read_ranges(&self, ranges: &[ByteRange]) -> io::Result<Vec<Vec<u8>>> {
        ranges.iter().try_for_each(|range| self.0.check(*range))?;
        self.0.read_fetched(ranges, |loose| {
            let mut read = Vec::with_capacity(ranges.len());
            for range in ranges {
                let mut buffer = vec![0; usize::try_from(range.length).map_err(|_| io::ErrorKind::UnexpectedEof)?];
                if !self.0.fill(range.offset, &mut buffer, loose)? {
                    return Ok(None);
                }
                read.push(buffer);
            }
            Ok(Some(read))
        })
    }

    fn read_ahead(&self) -> u64 {
        AHEAD
    }

    fn will_read(&self, ranges: &[ByteRange]) {
        let within: Vec<ByteRange> = ranges.iter().filter(|range| self.0.check(**range).is_ok()).copied().collect();
        // What cannot be had now is noticed when it is needed.
        let _loose = self.0.fetch(&within, Target::File);
    }

    fn try_read_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let range = ByteRange::new(offset, buffer.len() as u64);
        self.0.check(range).is_ok() && self.0.try_fill(range, buffer)
    }

    fn try_read_current(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let is_current = self.0.life.is_fresh() && (buffer.is_empty() || self.try_read_at(offset, buffer));
        if is_current {
            self.0.life.touch();
        }
        is_current
    }

    fn settle(&self, still_current: &dyn Fn() -> bool) -> bool {
        self.0.life.is_fresh() && still_current()
    }
}
