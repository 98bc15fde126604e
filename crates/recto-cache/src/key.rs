//! The name of a derivative.

use std::fmt;

use sha2::{Digest, Sha256};

/// The key of a derivative: which image, and what of it.
///
/// Both halves are the first 128 bits of a SHA-256, so nobody can choose identifiers or requests that meet. Its text is
/// 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey {
    /// The image, without its version: what a purge names.
    pub image: u128,
    /// The version of the image, the canonical request and everything else that decides the bytes.
    pub request: u128,
}

impl CacheKey {
    /// The key of a derivative of the image with this identifier. `parts` are the version, the canonical request and all
    /// settings that decide the bytes; their order counts, and `["ab", "c"]` is not `["a", "bc"]`.
    pub fn new(identifier: &str, parts: &[&str]) -> Self {
        let base = KeyBase::new(identifier, parts);
        Self { image: base.image, request: first_half(base.parts) }
    }

    /// The key that [`CacheKey::new`] gives for these parts with `last` behind them, the most of it worked out before.
    pub fn on(base: &KeyBase, last: &str) -> Self {
        let mut hash = base.parts.clone();
        add_part(&mut hash, last);
        Self { image: base.image, request: first_half(hash) }
    }

    /// The half that names the image.
    pub fn image_of(identifier: &str) -> u128 {
        first_half(Sha256::new_with_prefix(identifier.as_bytes()))
    }

    /// The key with this text; `None` when it is none.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let is_hex = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (image, request) = is_hex.then(|| text.split_at(32))?;
        Some(Self { image: u128::from_str_radix(image, 16).ok()?, request: u128::from_str_radix(request, 16).ok()? })
    }

    /// A number that spreads keys evenly.
    pub(crate) fn spread(self) -> u64 {
        (self.image ^ self.request.rotate_left(64)) as u64
    }
}

/// What the keys of all derivatives of one image have in common.
#[derive(Clone)]
pub struct KeyBase {
    image: u128,
    parts: Sha256,
}

impl KeyBase {
    /// For keys of the image with this identifier whose first parts are these.
    pub fn new(identifier: &str, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            add_part(&mut hash, part);
        }
        Self { image: CacheKey::image_of(identifier), parts: hash }
    }
}

impl fmt::Debug for KeyBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBase").finish_non_exhaustive()
    }
}

fn add_part(hash: &mut Sha256, part: &str) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part.as_bytes());
}

fn first_half(hash: Sha256) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    u128::from_be_bytes(bytes)
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}{:032x}", self.image, self.request)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_its_borders_make_another_key() {
        let key = CacheKey::new("a", &["v1", "full/max/0/default.jpg"]);
        assert_eq!(CacheKey::from_hex(&key.to_string()), Some(key));
        assert_eq!(key.image, CacheKey::image_of("a"));
        assert_eq!(CacheKey::on(&KeyBase::new("a", &["v1"]), "full/max/0/default.jpg"), key);
        for other in [
            CacheKey::new("b", &["v1", "full/max/0/default.jpg"]),
            CacheKey::new("a", &["v2", "full/max/0/default.jpg"]),
            CacheKey::new("a", &["v1f", "ull/max/0/default.jpg"]),
            CacheKey::new("a", &["v1full/max/0/default.jpg"]),
            CacheKey::new("a", &["full/max/0/default.jpg", "v1"]),
        ] {
            assert_ne!(key, other);
        }
        for text in ["", "x", &"g".repeat(64), &"A".repeat(64), &"0".repeat(63), &"0".repeat(65)] {
            assert_eq!(CacheKey::from_hex(text), None, "{text}");
        }
    }
}
