-- A database of annotations as version 1 of its shape wrote it. Never changed.
CREATE TABLE container (
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
INSERT INTO last_change VALUES (4);
INSERT INTO container VALUES (1, 'letters', 'Letters', 'anna', 1700000000000, 1700000000003, 4, 1);
INSERT INTO annotation VALUES
    (1, 1, 'one', 2, 3, 0, 0, 'anna', 'bert', 1700000000001, 1700000000002, ' commenting ', CAST('{"n":2}' AS BLOB)),
    (2, 1, 'two', 2, 4, 1, 0, 'bert', 'bert', 1700000000001, 1700000000003, ' tagging ', CAST('{"n":3}' AS BLOB));
INSERT INTO also_called VALUES ('urn:uuid:7', 1);
INSERT INTO target VALUES ('letters/canvas/1', 1, 'letters');
INSERT INTO version VALUES
    (1, 1, 1700000000001, 'anna', 0, 0, CAST('{"n":1}' AS BLOB)), (1, 2, 1700000000002, 'bert', 1, 0, CAST('{"n":2}' AS BLOB)),
    (2, 1, 1700000000001, 'bert', 0, 0, CAST('{"n":3}' AS BLOB)), (2, 2, 1700000000003, 'bert', 3, 0, x'');
INSERT INTO object_change VALUES ('letters', 4);
PRAGMA user_version = 1;
