//! What an annotation was before.

use rusqlite::{OptionalExtension as _, Row, params};

use super::AnnotationStore;
use crate::CatalogError;

/// How a version of an annotation came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// It was made.
    Create,
    /// It was replaced as a whole.
    Replace,
    /// A part of it was changed.
    Patch,
    /// It was deleted.
    Delete,
    /// It became again what it was.
    Restore,
}

impl Deed {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Create => 0,
            Self::Replace => 1,
            Self::Patch => 2,
            Self::Delete => 3,
            Self::Restore => 4,
        }
    }

    const fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Create,
            2 => Self::Patch,
            3 => Self::Delete,
            4 => Self::Restore,
            _ => Self::Replace,
        }
    }

    /// One word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Restore => "restore",
        }
    }
}

/// One version of an annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// From 1, without gaps.
    pub version: u64,
    /// When it was made, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who made it.
    pub who: String,
    /// How it came about.
    pub deed: Deed,
    /// Only the annotation's creator could see it.
    pub draft: bool,
}

impl AnnotationStore {
    /// All versions of an annotation, oldest first, deleted or not; none when there was never such an annotation.
    pub fn versions(&self, container: &str, name: &str) -> Result<Vec<Version>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT version.version, at_ms, who, deed, version.draft {OF_ANNOTATION} ORDER BY version.version"
        ))?;
        let found = statement.query_map([container, name], version)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// One version of an annotation, and what it was then: nothing, when it was deleted.
    pub fn version(
        &self,
        container: &str,
        name: &str,
        number: u64,
    ) -> Result<Option<(Version, Vec<u8>)>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT version.version, at_ms, who, deed, version.draft, version.body {OF_ANNOTATION}
            AND version.version = ?3"
        ))?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Ok(statement.query_row(params![container, name, number], |row| Ok((version(row)?, row.get(5)?))).optional()?)
    }
}

const OF_ANNOTATION: &str = "FROM version JOIN annotation ON annotation.id = version.annotation
    JOIN container ON container.id = annotation.container WHERE container.name = ?1 AND annotation.name = ?2";

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        version: row.get::<_, i64>(0)? as u64,
        at_ms: row.get(1)?,
        who: row.get(2)?,
        deed: Deed::from_number(row.get(3)?),
        draft: row.get(4)?,
    })
}
