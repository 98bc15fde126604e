//! Making a shard: one walk over the terms of all its objects, no text is read again.

use fst::map::OpBuilder;
use fst::{MapBuilder, Streamer};

use super::{MAGIC, VERSION, WHAT};
use crate::index::Index;
use crate::varint::{put, put_bytes};
use crate::{SearchError, head};

/// The most objects of a shard.
pub const MOST_OBJECTS: usize = 128;

/// The blob of a shard of these objects: their place here is their ordinal in it.
///
/// # Errors
/// When there are more than [`MOST_OBJECTS`].
pub fn build(objects: &[&Index]) -> Result<Vec<u8>, SearchError> {
    let too_large = SearchError::TooLarge { what: WHAT, limit: "128 objects" };
    if objects.len() > MOST_OBJECTS {
        return Err(too_large);
    }
    let union = objects.iter().fold(OpBuilder::new(), |all, object| all.add(object.terms().stream()));
    let mut terms = union.union();
    let mut map = MapBuilder::memory();
    let mut lists = Vec::new();
    let mut found = Vec::new();
    while let Some((term, values)) = terms.next() {
        found.clear();
        let count = |object: usize, value: u64| objects.get(object).map_or(0, |object| object.count(value));
        found.extend(values.iter().map(|it| (it.index as u8, count(it.index, it.value))));
        found.sort_unstable();
        let value = match found.as_slice() {
            [(object, count)] => (u64::from(*count) << 8 | u64::from(*object)) << 1 | 1,
            _ => (lists.len() as u64) << 1,
        };
        if found.len() > 1 {
            put(&mut lists, found.len() as u64);
            for (object, count) in &found {
                lists.push(*object);
                put(&mut lists, u64::from(*count));
            }
        }
        map.insert(term, value).map_err(|_| too_large.clone())?;
    }
    let map = map.into_inner().map_err(|_| too_large)?;
    let layered: Vec<_> = objects.iter().map(|object| u8::from(object.is_layered())).collect();
    let mut stems: Vec<_> = objects.iter().flat_map(|object| object.stem_languages()).map(|it| it.number()).collect();
    stems.sort_unstable();
    stems.dedup();
    let mut body = Vec::with_capacity(map.len() + lists.len() + 256);
    put_bytes(&mut body, &layered);
    put_bytes(&mut body, &stems);
    put_bytes(&mut body, &map);
    body.extend_from_slice(&lists);
    Ok(head::put_before(&body, MAGIC, VERSION, 0))
}
