//! The shapes of the databases, one step a version. Steps are never changed once they were released; new ones are added.

use rusqlite::{Connection, TransactionBehavior};

use crate::CatalogError;

/// Of the catalogue: each step brings a database from the version of its index to the next.
pub(crate) const CATALOGUE: &[&str] = &[
    // 1: items, aliases, lists, the log.
    "CREATE TABLE item (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        kind INTEGER NOT NULL,
        identifier TEXT NOT NULL,
        parent TEXT,
        sort BLOB NOT NULL,
        signature BLOB NOT NULL,
        content BLOB NOT NULL,
        revision INTEGER NOT NULL,
        modified_ms INTEGER,
        label TEXT NOT NULL,
        pages INTEGER NOT NULL,
        picture TEXT,
        body BLOB NOT NULL,
        facts BLOB,
        UNIQUE (path, kind),
        UNIQUE (identifier, kind)
    );
    CREATE INDEX item_member ON item (parent, sort, path);
    CREATE INDEX item_without_facts ON item (id) WHERE facts IS NULL AND kind = 0;
    CREATE TABLE alias (
        identifier TEXT PRIMARY KEY,
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE INDEX alias_item ON alias (item);
    CREATE TABLE listing (
        collection TEXT NOT NULL,
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
        PRIMARY KEY (collection, item)
    ) WITHOUT ROWID;
    CREATE INDEX listing_item ON listing (item);
    CREATE TABLE activity (
        sequence INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        item INTEGER NOT NULL,
        identifier TEXT NOT NULL,
        target TEXT
    );",
    // 2: which objects have annotations in files beside them, and the states of all objects, told by indexes without the bodies.
    r#"ALTER TABLE item ADD COLUMN has_annotations INTEGER NOT NULL DEFAULT 0;
    UPDATE item SET has_annotations = 1 WHERE kind = 0 AND instr(body, CAST('"annotations":[' AS BLOB)) > 0;
    CREATE INDEX item_annotated ON item (id) WHERE has_annotations = 1;
    CREATE INDEX item_state ON item (kind, id, path, signature);"#,
];

/// Of the texts.
pub(crate) const TEXTS: &[&str] = &[
    // 1: objects, pages, annotations, shards. What is asked for often without the blob lies in a table without it.
    "CREATE TABLE text_object (
        object INTEGER PRIMARY KEY,
        signature BLOB NOT NULL,
        version INTEGER NOT NULL,
        pages INTEGER NOT NULL,
        words INTEGER NOT NULL
    );
    CREATE TABLE text_index (
        object INTEGER PRIMARY KEY REFERENCES text_object (object) ON DELETE CASCADE,
        blob BLOB NOT NULL
    );
    CREATE TABLE text_page (
        object INTEGER NOT NULL REFERENCES text_object (object) ON DELETE CASCADE,
        page INTEGER NOT NULL,
        source BLOB NOT NULL,
        blob BLOB NOT NULL,
        PRIMARY KEY (object, page)
    );
    CREATE TABLE annotation_index (
        object INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        blob BLOB NOT NULL
    );
    CREATE TABLE text_shard (
        shard INTEGER PRIMARY KEY,
        signature BLOB NOT NULL,
        version INTEGER NOT NULL,
        length INTEGER NOT NULL
    );
    CREATE TABLE text_version (last INTEGER NOT NULL);
    INSERT INTO text_version VALUES (0);",
    // 2: what people write is indexed in memory, as it is at that moment.
    "DROP TABLE annotation_index;",
];

/// Of what people wrote about the objects. Nothing else holds it: no step may lose anything.
pub(crate) const ANNOTATIONS: &[&str] = &[
    // 1: containers, annotations, what they are about, every version of them, and when an object's last changed.
    "CREATE TABLE container (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        label TEXT NOT NULL,
        creator TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        total INTEGER NOT NULL
    );
    CREATE TABLE annotation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        container INTEGER NOT NULL REFERENCES container (id),
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        draft INTEGER NOT NULL,
        creator TEXT NOT NULL,
        editor TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        motivations TEXT NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (container, name)
    );
    CREATE UNIQUE INDEX annotation_sequence ON annotation (sequence);
    CREATE INDEX annotation_live ON annotation (container, id) WHERE deleted = 0;
    CREATE TABLE target (
        source TEXT NOT NULL,
        annotation INTEGER NOT NULL REFERENCES annotation (id),
        object TEXT,
        PRIMARY KEY (source, annotation)
    ) WITHOUT ROWID;
    CREATE INDEX target_object ON target (object, annotation) WHERE object IS NOT NULL;
    CREATE INDEX target_annotation ON target (annotation);
    CREATE TABLE also_called (
        name TEXT NOT NULL,
        annotation INTEGER NOT NULL REFERENCES annotation (id),
        PRIMARY KEY (name, annotation)
    ) WITHOUT ROWID;
    CREATE INDEX also_called_annotation ON also_called (annotation);
    CREATE TABLE version (
        annotation INTEGER NOT NULL REFERENCES annotation (id),
        version INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        who TEXT NOT NULL,
        deed INTEGER NOT NULL,
        draft INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (annotation, version)
    );
    CREATE TABLE object_change (
        object TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX object_change_sequence ON object_change (sequence);
    CREATE TABLE last_change (sequence INTEGER NOT NULL);
    INSERT INTO last_change VALUES (0);",
];

/// Brings a database to the newest version of its shape.
///
/// # Errors
/// When it is newer than this program, or a step fails; then it is as it was.
pub(crate) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), CatalogError> {
    let known = steps.len() as i64;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(CatalogError::TooNew { found, known });
    }
    for step in steps.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
