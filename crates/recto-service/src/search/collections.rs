//! All objects of a collection: opened one by one where they are few, else by the shards that tell which have the words at all.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use recto_catalog::{Brief, ItemKind};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::Version;
use recto_iiif::search::{Container, Found, FoundHit, Term, Total};
use recto_ingest::build::Urls as _;
use recto_search::{coarse, search};

use super::annotations::Notes;
use super::objects::{AllHits, Searched, term};
use super::{Asked, HITS_A_PAGE, MOST_TERMS, SearchService, order};
use crate::ServiceError;
use crate::objects::label;
use crate::text::FEW_OBJECTS;

/// What is known of the matches in an object before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// So many.
    Exactly(u64),
    /// Some, or none after all.
    Perhaps,
}

/// The page that is gathered.
struct Gathered {
    first: u64,
    last: u64,
    total: u64,
    hits: Vec<FoundHit>,
}

impl SearchService {
    pub(super) fn search_collection(&self, asked: &Asked) -> Result<Found, ServiceError> {
        let annotated = self.annotated_rows()?;
        let all = self.objects_in_order(&asked.item.path)?;
        let objects = self.allowed(asked, &all);
        let known = if objects.len() > FEW_OBJECTS { self.known(asked, &objects, &annotated) } else { HashMap::new() };
        let is_sifted = objects.len() > FEW_OBJECTS;
        let first = asked.first_hit();
        let mut page = Gathered { first, last: first.saturating_add(HITS_A_PAGE as u64), total: 0, hits: Vec::new() };
        let mut is_exact = true;
        for object in &objects {
            let known = if is_sifted { known.get(&object.row).copied() } else { Some(Known::Perhaps) };
            match known {
                None => {}
                Some(Known::Exactly(count)) if !page.wants(count) => page.total += count,
                // Behind the page, what would have to be opened to be counted is not.
                Some(Known::Perhaps) if is_sifted && page.total > page.last => is_exact = false,
                Some(_) => self.gather(asked, object, annotated.contains(&object.row), &mut page)?,
            }
        }
        let Gathered { last, total, hits, .. } = page;
        let parts: u64 = hits.iter().map(|hit| hit.parts.len() as u64).sum();
        let is_all = is_exact && first == 0 && last >= total;
        Ok(Found {
            hits_total: if is_exact { Total::Exactly(total) } else { Total::AtLeast(total) },
            annotations_total: if is_all { Total::Exactly(parts) } else { Total::AtLeast(total.max(parts)) },
            first_hit: first.min(total),
            first_annotation: (first == 0).then_some(0),
            page: asked.request.page,
            pages: is_exact.then(|| total.div_ceil(HITS_A_PAGE as u64).max(1)),
            has_next: last < total,
            hits,
        })
    }

    /// Rows of the objects about which somebody has written.
    fn annotated_rows(&self) -> Result<HashSet<i64>, ServiceError> {
        let mut rows = HashSet::new();
        for name in self.annotated()? {
            rows.extend(self.objects.catalog().head(&name, ItemKind::Manifest)?.map(|head| head.row));
        }
        Ok(rows)
    }

    /// Counts the hits in an object, and adds those of the page.
    fn gather(
        &self,
        asked: &Asked,
        object: &Brief,
        is_annotated: bool,
        page: &mut Gathered,
    ) -> Result<(), ServiceError> {
        let container = container(asked, object);
        let Some(searched) = self.searched_member(asked, object)? else { return Ok(()) };
        let all = if is_annotated {
            self.all_hits(asked, &searched, Some(&container))?
        } else if asked.request.admits_page_text() {
            AllHits { matches: searched.matches(asked), notes: Notes::default() }
        } else {
            return Ok(());
        };
        let count = all.total();
        let place = |at: u64| (at.clamp(page.total, page.total + count) - page.total) as usize;
        let range = place(page.first)..place(page.last);
        if !range.is_empty() {
            let order = all.order(&searched);
            let range = all.whole(&order, range);
            page.hits.append(&mut all.some_hits(asked, &searched, &order[range], Some(&container)));
        }
        page.total += count;
        Ok(())
    }

    /// What the shards know of these objects; those of which they know no match are left out.
    fn known(&self, asked: &Asked, objects: &[&Brief], annotated: &HashSet<i64>) -> HashMap<i64, Known> {
        let texts = &self.objects.inner.texts;
        let policy = &self.objects.inner.policy;
        // What is in no shard as it is now has to be opened.
        let mut rest: HashMap<i64, bool> = HashMap::with_capacity(objects.len());
        for object in objects.iter().filter(|object| texts.is_there(object.row)) {
            let hides = policy.hides_parts(&asked.caller, &Identifier::new(object.identifier.as_str()));
            rest.insert(object.row, hides);
        }
        let mut known = HashMap::new();
        for (shard, is_asked) in texts.shards_with(|row| rest.contains_key(&row)) {
            let is_allowed = |ordinal: u32| is_asked.get(ordinal as usize) == Some(&true);
            for candidate in shard.terms.candidates(&asked.query, &is_allowed) {
                let Some((row, _)) = shard.members.get(candidate.object as usize) else { continue };
                let is_exact = candidate.is_exact && rest.get(row) == Some(&false);
                known.insert(*row, if is_exact { Known::Exactly(candidate.count) } else { Known::Perhaps });
            }
            for ((row, _), _) in shard.members.iter().zip(&is_asked).filter(|(_, is_asked)| **is_asked) {
                rest.remove(row);
            }
        }
        known.extend(rest.into_keys().map(|row| (row, Known::Perhaps)));
        known.extend(annotated.iter().map(|row| (*row, Known::Perhaps)));
        known
    }

    pub(super) fn complete_in_collection(&self, asked: &Asked) -> Result<Vec<Term>, ServiceError> {
        let annotated = self.annotated_rows()?;
        let all = self.objects_in_order(&asked.item.path)?;
        let objects = self.allowed(asked, &all);
        let admits_text = asked.request.admits_page_text();
        if objects.len() > FEW_OBJECTS
            && admits_text
            && objects.iter().all(|object| !annotated.contains(&object.row))
            && let Some(terms) = self.complete_in_shards(asked, &objects)
        {
            return Ok(terms);
        }
        let mut lists = Vec::new();
        for object in objects {
            if !admits_text && !annotated.contains(&object.row) {
                continue;
            }
            let Some(searched) = self.searched_member(asked, object)? else { continue };
            if annotated.contains(&object.row) {
                lists.extend(self.terms(asked, &searched, false)?);
                continue;
            }
            lists.push(search::complete(&searched.text.index, &asked.request.q, searched.scope(), 1, usize::MAX));
        }
        let terms = search::merge_terms(lists, asked.request.min, MOST_TERMS);
        Ok(terms.into_iter().map(term).collect())
    }

    /// Terms as the shards know them; `None` where they do not know enough.
    fn complete_in_shards(&self, asked: &Asked, objects: &[&Brief]) -> Option<Vec<Term>> {
        let (texts, policy) = (&self.objects.inner.texts, &self.objects.inner.policy);
        let mut rows: HashSet<i64> = HashSet::with_capacity(objects.len());
        for object in objects.iter().filter(|object| texts.is_there(object.row)) {
            if policy.hides_parts(&asked.caller, &Identifier::new(object.identifier.as_str())) {
                return None;
            }
            rows.insert(object.row);
        }
        let shards = texts.shards_with(|row| rows.contains(&row));
        let covered = shards.iter().flat_map(|(_, is_asked)| is_asked).filter(|is_asked| **is_asked).count();
        if covered < rows.len() {
            return None;
        }
        let allowed = |shard: usize, ordinal: u32| shards[shard].1.get(ordinal as usize) == Some(&true);
        let terms: Vec<_> = shards.iter().map(|(shard, _)| &shard.terms).collect();
        let found = coarse::complete(&terms, &asked.request.q, &allowed, asked.request.min, MOST_TERMS)?;
        Some(found.into_iter().map(term).collect())
    }

    fn searched_member(&self, asked: &Asked, object: &Brief) -> Result<Option<Searched>, ServiceError> {
        self.searched(asked, object.row, Identifier::new(object.identifier.as_str()))
    }

    /// The objects that the caller may see, in order.
    fn allowed<'a>(&self, asked: &Asked, objects: &'a [Brief]) -> Vec<&'a Brief> {
        let may_see =
            |object: &&Brief| self.objects.allow(&asked.caller, &Identifier::new(object.identifier.as_str())).is_ok();
        objects.iter().filter(may_see).collect()
    }

    fn objects_in_order(&self, path: &str) -> Result<Arc<Vec<Brief>>, ServiceError> {
        let key = (path.to_owned(), self.objects.generation());
        if let Some(known) = self.orders.get(&key) {
            return Ok(known);
        }
        let objects = Arc::new(order::objects_below(self.objects.catalog(), path)?);
        self.orders.insert(key, Arc::clone(&objects));
        Ok(objects)
    }
}

impl Gathered {
    /// Does the page begin or go on among the next so many matches?
    fn wants(&self, count: u64) -> bool {
        self.total < self.last && self.total + count > self.first
    }
}

fn container(asked: &Asked, object: &Brief) -> Container {
    let identifier = Identifier::new(object.identifier.as_str());
    Container {
        manifest: asked.urls.manifest(Version::V3, &identifier),
        manifest_2: Some(asked.urls.manifest(Version::V2, &identifier)),
        label: label(&object.label),
    }
}
