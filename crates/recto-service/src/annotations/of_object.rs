//! All annotations about an object, for search.

use std::collections::HashSet;

use recto_catalog::annotations::{Query, Scope};
use recto_iiif::identifier::Identifier;
use recto_ingest::build::SiteUrls;
use serde_json::Value;

use super::addresses::Renamed;
use super::{AnnotationError, Desk};
use crate::policy::{Action, Caller};

impl Desk {
    /// May this caller read what people wrote about an object?
    pub(crate) fn may_read(&self, caller: &Caller, object: &Identifier) -> bool {
        self.allow(caller, Action::ReadAnnotation, object).is_ok()
    }

    /// The number of the last change of any annotation about an object, under any of its names; 0 when there was never one.
    pub(crate) fn last_change_of(&self, row: i64, object: &Identifier) -> Result<u64, AnnotationError> {
        let mut last = 0;
        for name in self.names(row, object)? {
            last = last.max(self.store.last_change_of(&name)?);
        }
        Ok(last)
    }

    /// The annotations about an object that everybody may see, in the order in which they were made.
    pub(crate) fn of_object(
        &self,
        row: i64,
        object: &Identifier,
        urls: &SiteUrls,
    ) -> Result<Vec<Value>, AnnotationError> {
        let (mut renamed, mut found) = (Renamed::default(), Vec::new());
        for name in self.names(row, object)? {
            renamed.add(&Identifier::new(&*name), object);
            found.extend(self.store.list(&Query::of(Scope::Object(&name)), 0, self.options.max_per_container)?);
        }
        found.sort_by(|a, b| (a.created_ms, &a.container, &a.name).cmp(&(b.created_ms, &b.container, &b.name)));
        found.dedup_by(|a, b| a.container == b.container && a.name == b.name);
        Ok(found.iter().map(|stored| Self::given(stored, urls, &renamed).json).collect())
    }

    /// The names of all objects about which somebody has written, as they were called then.
    pub(crate) fn annotated(&self) -> Result<HashSet<String>, AnnotationError> {
        let changed = self.store.objects_changed_since(0, u64::MAX)?;
        Ok(changed.into_iter().map(|change| change.object).collect())
    }

    /// The names that an object has and had.
    fn names(&self, row: i64, object: &Identifier) -> Result<Vec<String>, AnnotationError> {
        let mut names = self.catalog.identifiers_before(row)?;
        names.push(object.as_str().to_owned());
        Ok(names)
    }
}
