//! Who was here before?

use std::sync::atomic::{AtomicU32, Ordering};

use crate::CacheKey;

/// Keys that are remembered.
const NOTED: usize = 1 << 16;

/// Tells keys that come again from those that come first. It remembers the last ones, in a table of a fixed size where later ones
/// overwrite earlier ones: one that comes again late may be taken for a new one, and one in two thousand million the other way.
#[derive(Debug)]
pub(crate) struct Again(Box<[AtomicU32]>);

impl Default for Again {
    fn default() -> Self {
        Self((0..NOTED).map(|_| AtomicU32::new(0)).collect())
    }
}

impl Again {
    /// True when this key came before; it is noted.
    pub(crate) fn comes(&self, key: &CacheKey) -> bool {
        let spread = key.spread();
        let name = (spread >> 32) as u32 | 1;
        self.0.get(spread as usize % NOTED).is_some_and(|slot| slot.swap(name, Ordering::Relaxed) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_again_the_second_time() {
        let again = Again::default();
        let keys: Vec<CacheKey> =
            (0..1000).map(|at| CacheKey::new(&format!("image {}", at % 30), &[&at.to_string()])).collect();
        let came = |keys: &[CacheKey]| keys.iter().filter(|key| again.comes(key)).count();
        assert_eq!(came(&keys), 0);
        // Of a thousand in 65,536 places about eight meet.
        let second = came(&keys);
        assert!((970..=1000).contains(&second), "{second}");
    }
}
