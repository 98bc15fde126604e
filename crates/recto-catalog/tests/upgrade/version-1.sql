-- A catalogue as version 1 of its shape wrote it. Never changed.
CREATE TABLE item (
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
);
INSERT INTO item VALUES (1, 'letters', 0, 'letters', '', x'6c', zeroblob(16), zeroblob(16), 1, 1700000000000,
    '{"none":["letters"]}', 2, 'letters/1.tif', CAST('{}' AS BLOB), NULL);
INSERT INTO item VALUES (2, 'atlas', 0, 'atlas', '', x'61', zeroblob(16), zeroblob(16), 1, 1700000000000,
    '{"none":["atlas"]}', 1, 'atlas/1.tif', CAST('{"annotations":["annotations/notes.json"]}' AS BLOB), NULL);
INSERT INTO alias VALUES ('briefe', 1);
INSERT INTO activity VALUES (1, 1700000000000, 0, 0, 'briefe', NULL), (2, 1700000000001, 3, 0, 'briefe', 'letters');
PRAGMA user_version = 1;
