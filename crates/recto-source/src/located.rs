//! What every source answers: an object, its version, its bytes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use recto_codec::RandomAccess;
use recto_iiif::identifier::Identifier;
use xxhash_rust::xxh3::xxh3_128;

use crate::SourceError;

/// A place where originals live.
///
/// All methods may block for as long as one look into a folder takes, and `locate` for as long as fetching a file takes where
/// [`Source::may_wait`] says so; `revalidate` reads no content. Originals are never written, renamed or removed.
pub trait Source: Send + Sync + fmt::Debug {
    /// Finds the original of an identifier.
    ///
    /// # Errors
    /// [`SourceError`]; its kind is `Malformed` or `NotFound` for everything that a client can cause.
    fn locate(&self, identifier: &Identifier) -> Result<Located, SourceError>;

    /// Opens the version that was located.
    ///
    /// # Errors
    /// [`SourceError::Changed`] when another version is there by now: locate again.
    fn open(&self, located: &Located) -> Result<Arc<dyn RandomAccess>, SourceError>;

    /// The version that is there now, by the cheapest look there is, which never waits for a network; `None` when it is gone, or
    /// when only `locate` can tell.
    ///
    /// Equal to `located.version` means that everything known about it still holds. Anything else means: locate again.
    ///
    /// # Errors
    /// [`SourceError`] when the store does not answer.
    fn revalidate(&self, located: &Located) -> Result<Option<SourceVersion>, SourceError>;

    /// True when what was read of the opened version up to now is of that version alone: nobody wrote into it meanwhile. Never waits for
    /// a network.
    fn stood_still(&self, located: &Located) -> bool {
        matches!(self.revalidate(located), Ok(Some(version)) if version == located.version)
    }

    /// Has the next [`Source::locate`] of these identifiers ask the store itself, whatever is taken for current. Waits for nothing.
    fn ask_again(&self, _means: &dyn Fn(&str) -> bool) {}

    /// True when [`Source::locate`] of this identifier may wait for a network: for seconds, or for minutes. This itself never
    /// waits.
    fn may_wait(&self, _identifier: &Identifier) -> bool {
        false
    }
}

/// An original that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where the source keeps it.
    pub key: ObjectKey,
    /// Which page of it is meant, from 1.
    pub page: u32,
    /// Which version of it is there.
    pub version: SourceVersion,
    /// Length in bytes.
    pub length: u64,
    /// When its content last changed, as far as is known.
    pub last_modified: SystemTime,
    /// The full form of the identifier: with its extension, and without `;1`.
    pub identifier: Identifier,
}

/// The source's own name of an object: which of its stores, and the path there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    pub(crate) store: u16,
    pub(crate) path: Arc<str>,
}

impl ObjectKey {
    /// The object at `path` of the source's store number `store`.
    pub fn new(store: u16, path: impl Into<Arc<str>>) -> Self {
        Self { store, path: path.into() }
    }

    /// Path within the store, segments set apart by `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Number of the store, from 0.
    pub fn store(&self) -> u16 {
        self.store
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store, self.path)
    }
}

/// One version of an original: equal versions have equal bytes. Its text is 32 hexadecimal digits, the same on every
/// machine and in every release.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceVersion(u128);

impl SourceVersion {
    /// The version of a file with this change time, length and inode.
    ///
    /// The device is left out: its number changes from boot to boot on some file systems, which would throw away all
    /// derivatives, and two files of one name on two devices differ in the rest.
    pub fn of_file(modified_ns: i128, length: u64, inode: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&modified_ns.to_le_bytes());
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        bytes[24..].copy_from_slice(&inode.to_le_bytes());
        Self(xxh3_128(&bytes))
    }

    /// The version that a store names by a text: an entity tag, a generation.
    pub fn of_text(text: &str) -> Self {
        Self(xxh3_128(text.as_bytes()))
    }

    /// As a number, to build keys from.
    pub const fn to_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for SourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceVersion({self})")
    }
}

/// The text is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is 32 hexadecimal digits")]
pub struct NotAVersion;

impl FromStr for SourceVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Self).ok_or(NotAVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_text_that_stays_the_same_and_reads_back() {
        let version = SourceVersion::of_file(1_700_000_000_123_456_789, 4096, 77);
        assert_eq!(version.to_string().len(), 32);
        assert_eq!(version.to_string().parse(), Ok(version));
        assert_eq!(version.to_string(), "722b24b8fc036c2a446089f3dad846d9");
        for text in ["", "12", "+2345678901234567890123456789012", "G2345678901234567890123456789012"] {
            assert_eq!(text.parse::<SourceVersion>(), Err(NotAVersion), "{text}");
        }
    }

    #[test]
    fn time_length_and_inode_each_make_another_version() {
        let version = SourceVersion::of_file(1, 2, 3);
        for other in [(2, 2, 3), (1, 3, 3), (1, 2, 4), (-1, 2, 3), (2, 1, 3)] {
            assert_ne!(version, SourceVersion::of_file(other.0, other.1, other.2), "{other:?}");
        }
    }
}
