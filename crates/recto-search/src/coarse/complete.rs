//! Terms of many objects that begin as somebody types.

use fst::Streamer;
use fst::automaton::{Automaton, Str};
use fst::map::OpBuilder;

use super::Shard;
use crate::index::AFTER_STEMS;
use crate::search::{Prefix, Term};

/// Terms of all objects that are allowed, in alphabetical order, at most `limit` of those that occur at least `min` times in them.
///
/// `allowed` is asked for the number of the shard and the object in it. `None` when several words, characters or a word and a space were
/// typed: a shard does not know what stands beside what; complete in the objects, then, and join by [`crate::search::merge_terms`].
pub fn complete<D: AsRef<[u8]>>(
    shards: &[&Shard<D>],
    typed: &str,
    allowed: &dyn Fn(usize, u32) -> bool,
    min: u64,
    limit: usize,
) -> Option<Vec<Term>> {
    let Some(prefix) = Prefix::of(typed) else { return Some(Vec::new()) };
    if !prefix.before.is_empty() || prefix.last.is_character {
        return None;
    }
    let mut found = Vec::new();
    if limit == 0 {
        return Some(found);
    }
    // Words in quotes are found in exactly these forms, and only those are counted here.
    let has_stems = shards.iter().any(|shard| !shard.stems.is_empty());
    let union = shards.iter().fold(OpBuilder::new(), |all, shard| {
        all.add(shard.terms.search(Str::new(&prefix.last.term).starts_with()).ge(AFTER_STEMS))
    });
    let mut terms = union.union();
    while let Some((term, values)) = terms.next() {
        let mut total = 0_u64;
        for value in values {
            let Some(shard) = shards.get(value.index) else { continue };
            shard.each(value.value, |object, count| {
                if allowed(value.index, object) {
                    total = total.saturating_add(count);
                }
            });
        }
        let Ok(term) = std::str::from_utf8(term) else { continue };
        if total >= min.max(1) {
            let value = if has_stems { format!("\"{term}\"") } else { term.to_owned() };
            found.push(Term { value, label: term.to_owned(), count: total });
            if found.len() == limit {
                break;
            }
        }
    }
    Some(found)
}
