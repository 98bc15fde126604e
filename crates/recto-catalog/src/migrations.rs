//! The shape of the database, one step a version. Steps are never changed once they were released; new ones are added.

use rusqlite::{Connection, TransactionBehavior};

use crate::CatalogError;

/// Each step brings a database from the version of its index to the next.
pub(crate) const STEPS: &[&str] = &[
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
];

/// Brings a database to the newest version.
///
/// # Errors
/// When it is newer than this program, or a step fails; then it is as it was.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), CatalogError> {
    let known = STEPS.len() as i64;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(CatalogError::TooNew { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
