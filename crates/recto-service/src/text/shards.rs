//! Which objects have a word at all, for searches over many: shards of the terms of 128 objects, in files that the system maps.
//!
//! A shard is made of objects in some states. One that has changed since is not looked for in it, but opened itself, until the
//! shard is made anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use recto_catalog::text::{Mapped, TextObject, TextState, TextStore};
use recto_catalog::{CatalogError, Fingerprint};
use recto_search::coarse::{self, MOST_OBJECTS, Shard};
use recto_search::index::Index;
use xxhash_rust::xxh3::Xxh3;

use super::{ObjectText, Texts};

/// Fewer objects than these are opened one by one: that is as fast.
pub(crate) const FEW_OBJECTS: usize = 100;
/// Grows when shards are made in another way, so that all are made anew.
const SCHEME: u8 = 1;

/// What is known of all texts, in memory.
#[derive(Debug, Default)]
pub(super) struct Overview {
    states: HashMap<i64, TextState>,
    shards: Vec<Arc<OpenShard>>,
}

/// A shard with the objects that it was made of.
pub(crate) struct OpenShard {
    /// Its objects, by ordinal: row, and the version that it was made of.
    pub(crate) members: Vec<(i64, i64)>,
    /// Their terms.
    pub(crate) terms: Shard<Mapped>,
}

impl std::fmt::Debug for OpenShard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenShard").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

impl Texts {
    fn with_overview<T>(&self, ask: impl FnOnce(&Overview) -> T) -> T {
        ask(&self.overview.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is kept of an object's text, without opening it; `None` before it was looked at.
    pub(crate) fn state(&self, row: i64) -> Option<TextState> {
        self.with_overview(|overview| overview.states.get(&row).copied())
    }

    /// Has this object a text?
    pub(crate) fn is_there(&self, row: i64) -> bool {
        self.state(row).is_some_and(|state| state.words > 0)
    }

    /// Takes in the texts of some objects: from now on they are the ones that are searched.
    ///
    /// # Errors
    /// When the store fails; then all are as they were.
    pub(super) fn put(&self, objects: &[TextObject]) -> Result<(), CatalogError> {
        let states = self.store.put_many(objects)?;
        self.overview.write().unwrap_or_else(PoisonError::into_inner).states.extend(states);
        Ok(())
    }

    /// Forgets the text of an object.
    ///
    /// # Errors
    /// When the store fails; then it is as it was.
    pub(super) fn delete(&self, row: i64) -> Result<(), CatalogError> {
        self.store.delete(row)?;
        self.overview.write().unwrap_or_else(PoisonError::into_inner).states.remove(&row);
        Ok(())
    }

    /// The shards with any of the wanted objects; each tells of its objects, by ordinal, which of them are wanted and have not changed
    /// since.
    pub(crate) fn shards_with(&self, is_wanted: impl Fn(i64) -> bool) -> Vec<(Arc<OpenShard>, Vec<bool>)> {
        self.with_overview(|overview| {
            let is_current = |(row, version): &(i64, i64)| {
                is_wanted(*row) && overview.states.get(row).is_some_and(|state| state.version == *version)
            };
            let of_shard = |shard: &Arc<OpenShard>| {
                let current: Vec<bool> = shard.members.iter().map(is_current).collect();
                current.contains(&true).then(|| (Arc::clone(shard), current))
            };
            overview.shards.iter().filter_map(of_shard).collect()
        })
    }

    /// Looks at the store at the start. Shards that fit are opened.
    pub(super) fn look_again(&self) -> Result<(), CatalogError> {
        let states: HashMap<i64, TextState> = self.store.objects()?.into_iter().collect();
        let mut shards = self.with_overview(|overview| overview.shards.clone());
        if shards.is_empty() {
            for (shard, members) in groups(&states) {
                shards.extend(self.open_shard(shard, members)?.map(Arc::new));
            }
        }
        *self.overview.write().unwrap_or_else(PoisonError::into_inner) = Overview { states, shards };
        Ok(())
    }

    /// The shard of these objects in these states, if it is kept.
    fn open_shard(&self, shard: i64, members: Vec<(i64, i64)>) -> Result<Option<OpenShard>, CatalogError> {
        if self.store.shard_state(shard)?.is_none_or(|state| state.signature != signature(&members)) {
            return Ok(None);
        }
        let Some((_, bytes)) = self.store.shard(shard)? else { return Ok(None) };
        // The store wrote them whole, and knows their length.
        Ok(Shard::open_unchecked(bytes).ok().map(|terms| OpenShard { members, terms }))
    }

    /// Makes the shards of objects that have changed. Of few objects there are none.
    pub(super) fn make_shards(&self) -> Result<(), CatalogError> {
        let groups = self.with_overview(|overview| groups(&overview.states));
        let is_small = groups.values().map(Vec::len).sum::<usize>() <= FEW_OBJECTS;
        let mut open = Vec::new();
        for (shard, _) in self.store.shards()? {
            if is_small || !groups.contains_key(&shard) {
                self.store.delete_shard(shard)?;
            }
        }
        for (shard, members) in groups.into_iter().filter(|_| !is_small) {
            if let Some(kept) = self.open_shard(shard, members.clone())? {
                open.push(Arc::new(kept));
                continue;
            }
            if let Some(blob) = self.make_shard(&members)? {
                self.store.put_shard(shard, signature(&members), &blob)?;
                open.extend(self.open_shard(shard, members)?.map(Arc::new));
            }
        }
        self.overview.write().unwrap_or_else(PoisonError::into_inner).shards = open;
        Ok(())
    }

    /// `None` when an object has changed meanwhile: the next look finds that.
    fn make_shard(&self, members: &[(i64, i64)]) -> Result<Option<Vec<u8>>, CatalogError> {
        let mut indexes: Vec<Index> = Vec::with_capacity(members.len());
        for (row, version) in members {
            let Some(copy) = self.store.copy(*row, *version)?.filter(|copy| copy.version == *version) else {
                return Ok(None);
            };
            let Some(text) = ObjectText::open(copy) else { return Ok(None) };
            indexes.push(text.index);
        }
        let blob = coarse::build(&indexes.iter().collect::<Vec<_>>());
        Ok(blob.inspect_err(|error| tracing::error!(%error, "a shard of texts cannot be made")).ok())
    }
}

/// Makes the shards of a store that nobody else has open: for those who filled it.
///
/// # Errors
/// When the store fails.
pub fn make_text_shards(store: TextStore) -> Result<(), CatalogError> {
    Texts::new(store).make_shards()
}

/// Objects with a text by shard: neighbours in the catalogue are together.
fn groups(states: &HashMap<i64, TextState>) -> BTreeMap<i64, Vec<(i64, i64)>> {
    let mut groups: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for (row, state) in states.iter().filter(|(_, state)| state.words > 0) {
        groups.entry(row.div_euclid(MOST_OBJECTS as i64)).or_default().push((*row, state.version));
    }
    groups.values_mut().for_each(|members| members.sort_unstable());
    groups
}

fn signature(members: &[(i64, i64)]) -> Fingerprint {
    let mut hash = Xxh3::new();
    hash.update(&[SCHEME]);
    for (row, version) in members {
        hash.update(&row.to_be_bytes());
        hash.update(&version.to_be_bytes());
    }
    Fingerprint(hash.digest128())
}

pub(super) type SharedOverview = Arc<RwLock<Overview>>;
