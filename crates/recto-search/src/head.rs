//! What every blob begins with: what it is, its version, flags, and a sum of all that follows.

use xxhash_rust::xxh3::xxh3_64;

use crate::SearchError;

/// Bytes before the body of a blob.
pub(crate) const LENGTH: usize = 12;

/// A blob with this body.
pub(crate) fn put_before(body: &[u8], magic: [u8; 2], version: u8, flags: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(LENGTH + body.len());
    out.extend_from_slice(&magic);
    out.push(version);
    out.push(flags);
    out.extend_from_slice(&sum(flags, body).to_le_bytes());
    out.extend_from_slice(body);
    out
}

fn sum(flags: u8, body: &[u8]) -> u64 {
    xxh3_64(body) ^ u64::from(flags)
}

/// The flags and the body of a blob, when its sum is right.
pub(crate) fn check<'a>(
    blob: &'a [u8],
    magic: [u8; 2],
    version: u8,
    what: &'static str,
) -> Result<(u8, &'a [u8]), SearchError> {
    let (flags, stored, body) = split(blob, magic, version, what)?;
    // Maps of terms trust their own bytes; only a sum over all of them makes them safe to read.
    if stored == sum(flags, body) { Ok((flags, body)) } else { Err(SearchError::Corrupt { what }) }
}

/// The flags, the sum and the body of a blob, whatever they are.
pub(crate) fn split<'a>(
    blob: &'a [u8],
    magic: [u8; 2],
    version: u8,
    what: &'static str,
) -> Result<(u8, u64, &'a [u8]), SearchError> {
    let other = SearchError::Version { what, version };
    let Some((head, body)) = blob.split_first_chunk::<LENGTH>() else { return Err(other) };
    if head[..2] != magic || head[2] != version {
        return Err(other);
    }
    let (_, stored) = head.split_last_chunk::<8>().ok_or(other)?;
    Ok((head[3], u64::from_le_bytes(*stored), body))
}
