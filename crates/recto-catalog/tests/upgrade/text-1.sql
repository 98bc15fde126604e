-- A database of texts as version 1 of its shape wrote it. Never changed.
CREATE TABLE text_object (
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
INSERT INTO text_version VALUES (41);
INSERT INTO text_object VALUES (3, x'00000000000000000000000000000009', 41, 1, 12);
INSERT INTO text_index VALUES (3, x'0102');
INSERT INTO text_page VALUES (3, 0, x'00000000000000000000000000000007', x'0304'),
    (3, 1, x'00000000000000000000000000000008', x'');
INSERT INTO annotation_index VALUES (3, 5, x'05');
PRAGMA user_version = 1;
