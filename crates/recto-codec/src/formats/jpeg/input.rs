//! Where compressed bytes come from: a stream in memory, or an original read block by block.

use std::io;
use std::sync::Arc;

use crate::RandomAccess;

/// Bytes read from an original at a time: enough to be quick, little enough that the top rows of a large file stay cheap.
pub(super) const BLOCK_BYTES: u64 = 128 << 10;

/// Gives compressed bytes in order, with jumps forward.
pub(super) enum Input<'a> {
    /// All of it at once; what is left.
    Memory(&'a [u8]),
    /// An original.
    Original(Blocks),
}

impl<'a> Input<'a> {
    /// An original from its first byte.
    pub(super) fn original(source: Arc<dyn RandomAccess>) -> Self {
        Self::Original(Blocks { source, position: 0, block: Vec::new() })
    }

    /// The next bytes; `None` at the end.
    pub(super) fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        match self {
            Self::Memory(left) => {
                let all: &'a [u8] = std::mem::take(left);
                Ok((!all.is_empty()).then_some(all))
            }
            Self::Original(blocks) => blocks.next(),
        }
    }

    /// Steps over bytes behind the last block.
    pub(super) fn skip(&mut self, bytes: u64) {
        match self {
            Self::Memory(left) => *left = left.get(usize::try_from(bytes).unwrap_or(usize::MAX)..).unwrap_or_default(),
            Self::Original(blocks) => blocks.position = blocks.position.saturating_add(bytes),
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
