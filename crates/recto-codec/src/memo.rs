//! What decoders remember between requests: indexes, small pictures, decoded blocks. In memory within a bound ([`Memo`]), and
//! beside the derivatives where it is worth the disk ([`Shelf`]). Neither is ever needed: what is gone is made again.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::RandomAccess;

/// Names one remembered part of one open image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoKey {
    /// The open image, a number from [`Memo::image`].
    pub image: u64,
    /// The part; what it means is the decoder's affair.
    pub part: u64,
}

/// Parts of all open images, within one bound in bytes; what was not used for long goes first. Shared by all threads.
pub struct Memo {
    parts: Cache<MemoKey, Part, ByBytes>,
    images: AtomicU64,
}

#[derive(Clone)]
struct Part {
    value: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<MemoKey, Part> for ByBytes {
    fn weight(&self, _key: &MemoKey, part: &Part) -> u64 {
        part.bytes + PART_BYTES
    }
}

/// What an entry takes beside its value.
const PART_BYTES: u64 = 96;

/// What a shard of the cache holds at least, if there is that much: room for a small picture of a large image.
const SHARD_BYTES: u64 = 64 << 20;

/// What a part may be thought to take when room for entries is set aside.
const USUAL_BYTES: u64 = 16 << 10;

impl Memo {
    /// Remembers at most `max_bytes`. Parts that alone take more than a fraction of it are not kept.
    pub fn new(max_bytes: u64) -> Self {
        let entries = usize::try_from(max_bytes / USUAL_BYTES).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        // A part has to fit into one of the cache's own parts. Left alone, those are four for each processor.
        let shards = usize::try_from(max_bytes / SHARD_BYTES).unwrap_or(usize::MAX).clamp(1, 64);
        let mut options = OptionsBuilder::new();
        options.estimated_items_capacity(entries).weight_capacity(max_bytes).shards(shards);
        let parts = match options.build() {
            Ok(options) => {
                Cache::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            Err(_) => Cache::with_weighter(entries, max_bytes, ByBytes),
        };
        Self { parts, images: AtomicU64::new(0) }
    }

    /// A number for a newly opened image, which no other has.
    pub fn image(&self) -> u64 {
        self.images.fetch_add(1, Ordering::Relaxed)
    }

    /// The part, if it is still remembered and of this type.
    pub fn get<T: Any + Send + Sync>(&self, key: MemoKey) -> Option<Arc<T>> {
        self.parts.get(&key)?.value.downcast().ok()
    }

    /// Remembers a part that takes `bytes` bytes.
    pub fn insert<T: Any + Send + Sync>(&self, key: MemoKey, value: Arc<T>, bytes: u64) {
        self.parts.insert(key, Part { value, bytes });
    }

    /// Most bytes that are remembered.
    pub fn max_bytes(&self) -> u64 {
        self.parts.capacity()
    }

    /// Bytes that are remembered now.
    pub fn held_bytes(&self) -> u64 {
        self.parts.weight()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("held_bytes", &self.held_bytes()).finish_non_exhaustive()
    }
}

/// How the names of parts begin that are the same for every page of a file.
pub const WHOLE_FILE: &str = "file-";

/// A place on disk for parts of one version of one original. Whoever opens a decoder provides it; a part that is read back is
/// of this very version, and complete. Each page has its own parts, but for those whose names begin with [`WHOLE_FILE`].
pub trait Shelf: Send + Sync + fmt::Debug {
    /// The part of this name (`[a-z0-9-]+`), if it is there and undamaged.
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>>;

    /// Keeps a part: `write` is given a file, and the part is seen by others once it was written wholly.
    ///
    /// # Errors
    /// What `write` or the disk says; then nothing is kept.
    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()>;

    /// Drops a part, if it is there: for whoever opened it and found that it is of no use, so that it can be kept anew. Those who have
    /// it open may go on with it.
    fn discard(&self, name: &str);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_stays_within_its_bound() {
        let memo = Memo::new(1 << 20);
        let image = memo.image();
        for part in 0..1000 {
            memo.insert(MemoKey { image, part }, Arc::new(vec![part as u8; 10_000]), 10_000);
            assert!(memo.held_bytes() <= 1 << 20);
        }
        assert!(memo.held_bytes() > 1 << 19, "{memo:?}");
    }

    #[test]
    fn a_part_is_given_back_to_its_image_and_type_only() {
        let memo = Memo::new(1 << 20);
        let (first, second) = (memo.image(), memo.image());
        memo.insert(MemoKey { image: first, part: 7 }, Arc::new(vec![1_u8, 2]), 2);
        assert_eq!(memo.get::<Vec<u8>>(MemoKey { image: first, part: 7 }).as_deref(), Some(&vec![1, 2]));
        assert!(memo.get::<Vec<u8>>(MemoKey { image: second, part: 7 }).is_none());
        assert!(memo.get::<Vec<u16>>(MemoKey { image: first, part: 7 }).is_none());
    }
}
