//! Annotations of a container, of what they are about, of an object; what changed since.

use std::ops::ControlFlow;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, params, params_from_iter};

use super::{AnnotationStore, STORED, Stored, limit, stored};
use crate::CatalogError;

/// Annotations that are read at a time when all are.
const AT_A_TIME: u64 = 500;

/// Among which annotations is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All of them.
    All,
    /// Those of a container.
    Container(&'a str),
    /// Those about something, as a canvas.
    Source(&'a str),
    /// Those about anything that belongs to an object.
    Object(&'a str),
}

/// Which annotations are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// Among which is looked.
    pub scope: Scope<'a>,
    /// Those made for this reason.
    pub motivation: Option<&'a str>,
    /// Those that this one made.
    pub creator: Option<&'a str>,
    /// Those that last changed at this time or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Those that last changed before this time.
    pub until_ms: Option<i64>,
    /// Who reads: their own drafts are wanted too.
    pub reader: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// All annotations of this scope that everybody may see.
    pub fn of(scope: Scope<'a>) -> Self {
        Self { scope, motivation: None, creator: None, from_ms: None, until_ms: None, reader: None }
    }

    /// What stands between `FROM` and `ORDER BY`, and the values in it.
    fn clauses(&self) -> (String, Vec<Value>) {
        let mut values: Vec<Value> = Vec::new();
        let mut place = |value: Value| {
            values.push(value);
            format!("?{}", values.len())
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let mut clauses = match self.scope {
            Scope::All => "annotation WHERE annotation.deleted = 0".to_owned(),
            Scope::Container(name) => format!(
                "annotation WHERE annotation.deleted = 0 AND annotation.container =
                (SELECT id FROM container WHERE name = {})",
                place(text(name))
            ),
            Scope::Source(source) => format!(
                "target CROSS JOIN annotation ON annotation.id = target.annotation WHERE target.source = {}
                AND annotation.deleted = 0",
                place(text(source))
            ),
            // An annotation may be about several things of an object, and is wanted once.
            Scope::Object(object) => format!(
                "(SELECT DISTINCT annotation FROM target WHERE object = {}) AS target
                CROSS JOIN annotation ON annotation.id = target.annotation WHERE annotation.deleted = 0",
                place(text(object))
            ),
        };
        let mut and = |clause: String| {
            clauses.push_str(" AND ");
            clauses.push_str(&clause);
        };
        match self.reader {
            Some(reader) => and(format!("(annotation.draft = 0 OR annotation.creator = {})", place(text(reader)))),
            None => and("annotation.draft = 0".to_owned()),
        }
        if let Some(motivation) = self.motivation {
            and(format!("instr(annotation.motivations, {}) > 0", place(text(&format!(" {motivation} ")))));
        }
        if let Some(creator) = self.creator {
            and(format!("annotation.creator = {}", place(text(creator))));
        }
        if let Some(from) = self.from_ms {
            and(format!("annotation.modified_ms >= {}", place(Value::Integer(from))));
        }
        if let Some(until) = self.until_ms {
            and(format!("annotation.modified_ms < {}", place(Value::Integer(until))));
        }
        (clauses, values)
    }

    /// The statement that lists them, and the values in it.
    fn listing(&self, offset: u64, most: u64) -> (String, Vec<Value>) {
        let (clauses, mut values) = self.clauses();
        let order = match self.scope {
            Scope::Source(_) | Scope::Object(_) => "target.annotation",
            Scope::All | Scope::Container(_) => "annotation.id",
        };
        values.extend([Value::Integer(limit(most)), Value::Integer(limit(offset))]);
        let (most, offset) = (values.len() - 1, values.len());
        // The container is looked up for the rows that are given alone, and for each by its key.
        let statement = format!(
            "SELECT {STORED} FROM (SELECT annotation.* FROM {clauses} ORDER BY {order} LIMIT ?{most} OFFSET ?{offset})
            AS annotation CROSS JOIN container ON container.id = annotation.container ORDER BY annotation.id"
        );
        (statement, values)
    }
}

/// What is there under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// There was never anything.
    Nothing,
    /// An annotation.
    Annotation(Stored),
    /// There was one; this is it as it was, with the version of its deletion.
    Deleted(Stored),
}

/// An object whose annotations changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// The object.
    pub object: String,
    /// The number of its last change.
    pub sequence: u64,
}

impl AnnotationStore {
    /// What is there under a name.
    pub fn find(&self, container: &str, name: &str) -> Result<Lookup, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT {STORED}, deleted FROM annotation JOIN container ON container.id = annotation.container
            WHERE container.name = ?1 AND annotation.name = ?2"
        ))?;
        let found =
            statement.query_row([container, name], |row| Ok((stored(row)?, row.get::<_, bool>(10)?))).optional()?;
        Ok(lookup(found))
    }

    /// The annotation that clients call so. Of several, the oldest that is there: whoever gives a name that is taken does not get at
    /// the annotation of another by it.
    pub fn find_called(&self, name: &str) -> Result<Lookup, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT {STORED}, deleted FROM also_called
            CROSS JOIN annotation ON annotation.id = also_called.annotation
            CROSS JOIN container ON container.id = annotation.container
            WHERE also_called.name = ?1 ORDER BY deleted, annotation.id LIMIT 1"
        ))?;
        let found = statement.query_row([name], |row| Ok((stored(row)?, row.get::<_, bool>(10)?))).optional()?;
        Ok(lookup(found))
    }

    /// Annotations, in the order in which they were made: it stays the same whatever is changed.
    pub fn list(&self, query: &Query<'_>, offset: u64, most: u64) -> Result<Vec<Stored>, CatalogError> {
        let (statement, values) = query.listing(offset, most);
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&statement)?;
        let found = statement.query_map(params_from_iter(values), stored)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// How many there are.
    pub fn count(&self, query: &Query<'_>) -> Result<u64, CatalogError> {
        let (clauses, values) = query.clauses();
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!("SELECT count(*) FROM {clauses}"))?;
        let count: i64 = statement.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Shows all annotations one by one, drafts too, in the order in which they were made, and holds few of them at a time.
    /// Those that are made meanwhile may be among them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn for_each(&self, each: &mut dyn FnMut(Stored) -> ControlFlow<()>) -> Result<(), CatalogError> {
        let mut behind = 0_i64;
        loop {
            let some: Vec<(i64, Stored)> = {
                let reader = self.connections.reader();
                let mut statement = reader.prepare_cached(&format!(
                    "SELECT {STORED}, annotation.id FROM annotation
                    CROSS JOIN container ON container.id = annotation.container
                    WHERE annotation.id > ?1 AND deleted = 0 ORDER BY annotation.id LIMIT ?2"
                ))?;
                let read = |row: &rusqlite::Row<'_>| Ok((row.get(10)?, stored(row)?));
                statement.query_map(params![behind, limit(AT_A_TIME)], read)?.collect::<Result<_, _>>()?
            };
            let Some((last, _)) = some.last() else { return Ok(()) };
            behind = *last;
            for (_, stored) in some {
                if each(stored).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// What annotations are about, and how many that everybody may see there are of each; of one object, or all.
    pub fn sources(&self, object: Option<&str>) -> Result<Vec<(String, u64)>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(match object {
            Some(_) => {
                "SELECT source, count(*) FROM target CROSS JOIN annotation ON annotation.id = target.annotation
                WHERE target.object = ?1 AND draft = 0 GROUP BY source ORDER BY source"
            }
            None => {
                "SELECT source, count(*) FROM target CROSS JOIN annotation ON annotation.id = target.annotation
                WHERE ?1 IS NULL AND draft = 0 GROUP BY source ORDER BY source"
            }
        })?;
        let found = statement
            .query_map([object], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?
            .collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Is there an annotation, that everybody may see, about anything of an object?
    pub fn has_any(&self, object: &str) -> Result<bool, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(
            "SELECT 1 FROM target CROSS JOIN annotation ON annotation.id = target.annotation
            WHERE target.object = ?1 AND draft = 0",
        )?;
        Ok(statement.exists([object])?)
    }

    /// The number of the last change of anything.
    pub fn last_change(&self) -> Result<u64, CatalogError> {
        let last: i64 =
            self.connections.reader().query_row("SELECT sequence FROM last_change", [], |row| row.get(0))?;
        Ok(last as u64)
    }

    /// The number of the last change of an annotation about anything of an object; 0 when there was never any.
    pub fn last_change_of(&self, object: &str) -> Result<u64, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached("SELECT sequence FROM object_change WHERE object = ?1")?;
        let last: Option<i64> = statement.query_row([object], |row| row.get(0)).optional()?;
        Ok(last.unwrap_or_default() as u64)
    }

    /// Objects whose annotations changed after this number, each once, by their last change.
    pub fn objects_changed_since(&self, sequence: u64, most: u64) -> Result<Vec<ObjectChange>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(
            "SELECT object, sequence FROM object_change WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        )?;
        let found = statement
            .query_map(params![limit(sequence), limit(most)], |row| {
                Ok(ObjectChange { object: row.get(0)?, sequence: row.get::<_, i64>(1)? as u64 })
            })?
            .collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Annotations that changed after this number, by their last change; `true` beside those that were deleted.
    pub fn changed_since(&self, sequence: u64, most: u64) -> Result<Vec<(Stored, bool)>, CatalogError> {
        let reader = self.connections.reader();
        let mut statement = reader.prepare_cached(&format!(
            "SELECT {STORED}, deleted FROM annotation CROSS JOIN container ON container.id = annotation.container
            WHERE annotation.sequence > ?1 ORDER BY annotation.sequence LIMIT ?2"
        ))?;
        let found = statement
            .query_map(params![limit(sequence), limit(most)], |row| Ok((stored(row)?, row.get(10)?)))?
            .collect::<Result<_, _>>()?;
        Ok(found)
    }
}

fn lookup(found: Option<(Stored, bool)>) -> Lookup {
    match found {
        None => Lookup::Nothing,
        Some((stored, false)) => Lookup::Annotation(stored),
        Some((stored, true)) => Lookup::Deleted(stored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(store: &AnnotationStore, query: &Query<'_>) -> String {
        let (statement, values) = query.listing(20, 10);
        let reader = store.connections.reader();
        let mut statement = reader.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let lines = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        lines.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
    }

    #[test]
    fn annotations_are_found_and_ordered_by_indexes() {
        let store = AnnotationStore::in_memory().unwrap();
        for (scope, index) in [
            (Scope::Source("a"), "SEARCH target USING PRIMARY KEY (source=?)"),
            (Scope::Object("a"), "SEARCH target USING COVERING INDEX target_object (object=?)"),
            (Scope::Container("a"), "SEARCH annotation USING INDEX annotation_live (container=?)"),
        ] {
            let query = Query { motivation: Some("commenting"), reader: Some("anna"), ..Query::of(scope) };
            let plan = plan(&store, &query);
            assert!(plan.contains(index), "{scope:?}:\n{plan}");
        }
    }
}
