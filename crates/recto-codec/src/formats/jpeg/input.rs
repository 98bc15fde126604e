//! Where compressed bytes come from: a stream in memory, or an original read block by block.

use std::io;
use std::sync::Arc;

use super::flat::CutStream;
use crate::{Control, DecodeError, RandomAccess};

/// Bytes read from an original at a time: enough to be quick, little enough that the top rows of a large file stay cheap.
pub(super) const BLOCK_BYTES: u64 = 128 << 10;

/// Gives compressed bytes in order, with jumps forward.
pub(super) enum Input<'a> {
    /// All of it at once; what is left.
    Memory(&'a [u8]),
    /// An original.
    Original(Blocks),
    /// A part that is cut out of an original on the way.
    Cut(Box<CutStream>),
}

impl<'a> Input<'a> {
    /// An original from its first byte.
    pub(super) fn original(source: Arc<dyn RandomAccess>) -> Self {
        Self::Original(Blocks { source, position: 0, block: Vec::new() })
    }

    /// The next bytes; `None` at the end.
    pub(super) fn next_block(&mut self, control: &Control) -> Result<Option<&[u8]>, DecodeError> {
        match self {
            Self::Memory(left) => {
                let all: &'a [u8] = std::mem::take(left);
                Ok((!all.is_empty()).then_some(all))
            }
            Self::Original(blocks) => Ok(blocks.next()?),
            Self::Cut(stream) => stream.next_block(control),
        }
    }

    /// Steps over bytes behind the last block.
    pub(super) fn skip(&mut self, bytes: u64) {
        match self {
            Self::Memory(left) => *left = left.get(usize::try_from(bytes).unwrap_or(usize::MAX)..).unwrap_or_default(),
            Self::Original(blocks) => blocks.position = blocks.position.saturating_add(bytes),
            // Nothing in it is ever skipped: its segments come whole, in the first block.
            Self::Cut(_) => {}
        }
    }
}

/// An original that is read block by block.
pub(super) struct Blocks {
    source: Arc<dyn RandomAccess>,
    position: u64,
    block: Vec<u8>,
}

impl Blocks {
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let length = self.source.len().saturating_sub(self.position).min(BLOCK_BYTES);
        if length == 0 {
            return Ok(None);
        }
        self.block.resize(length as usize, 0);
        self.source.read_at(self.position, &mut self.block)?;
        self.position += length;
        Ok(Some(&self.block))
    }
}
