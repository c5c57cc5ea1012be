-- +goose Up

-- Bytes in the media store, once for each content in an organisation.
CREATE TABLE objects (
    eid  TEXT NOT NULL,
    hash BLOB NOT NULL, -- SHA-256
    key  TEXT NOT NULL, -- in the media store
    size BIGINT NOT NULL,
    refs BIGINT NOT NULL, -- variants of files that are these bytes
    PRIMARY KEY (eid, hash)
) WITHOUT ROWID;

-- Keys of the media store that are not, or not yet, objects. Each is noted before anything is written under it, and removed from the
-- store when its time has come: what a crash leaves is found here.
CREATE TABLE spare_keys (
    key TEXT NOT NULL PRIMARY KEY,
    due BIGINT NOT NULL -- 0: it is being removed
) WITHOUT ROWID;
CREATE INDEX spare_keys_due ON spare_keys (due);

CREATE TABLE files (
    id          TEXT NOT NULL PRIMARY KEY,
    eid         TEXT NOT NULL,
    uid         TEXT NOT NULL, -- who uploaded it
    purpose     TEXT NOT NULL,
    name        TEXT NOT NULL,
    type        TEXT NOT NULL,
    kind        BIGINT NOT NULL,
    width       BIGINT NOT NULL,
    height      BIGINT NOT NULL,
    duration    BIGINT NOT NULL, -- ms
    placeholder TEXT NOT NULL,
    size        BIGINT NOT NULL, -- of all variants
    created     BIGINT NOT NULL,
    idle        BIGINT NOT NULL, -- since when nothing carries it, 0 while something does
    FOREIGN KEY (eid, uid) REFERENCES users (eid, uid)
) WITHOUT ROWID;
CREATE INDEX files_idle ON files (idle) WHERE idle > 0;

CREATE TABLE file_variants (
    file    TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    variant TEXT NOT NULL,
    type    TEXT NOT NULL,
    eid     TEXT NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (file, variant),
    FOREIGN KEY (eid, hash) REFERENCES objects (eid, hash)
) WITHOUT ROWID;

-- Which messages carry which files. A file that is elsewhere, whose link leads to another site, has the empty id.
CREATE TABLE file_refs (
    stream BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    idx    BIGINT NOT NULL,
    file   TEXT NOT NULL,
    type   BIGINT NOT NULL,
    main   BIGINT NOT NULL, -- 1: the file itself, and not its thumbnail or the like; there is one for each medium
    PRIMARY KEY (stream, seq, idx, file)
) WITHOUT ROWID;
CREATE INDEX file_refs_file ON file_refs (file, stream) WHERE file <> '';

-- How much a user has uploaded that is still there; with an empty uid the whole organisation.
CREATE TABLE file_use (
    eid   TEXT NOT NULL,
    uid   TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL,
    PRIMARY KEY (eid, uid)
) WITHOUT ROWID;

CREATE TABLE uploads (
    id       TEXT NOT NULL PRIMARY KEY,
    eid      TEXT NOT NULL,
    uid      TEXT NOT NULL,
    about    TEXT NOT NULL, -- JSON: what the uploader says about the file
    key      TEXT NOT NULL,
    size     BIGINT NOT NULL,
    pos      BIGINT NOT NULL, -- bytes that are durable
    progress TEXT NOT NULL,   -- the media store's notes
    state    TEXT NOT NULL,
    problem  TEXT NOT NULL,
    file     TEXT NOT NULL,
    expires  BIGINT NOT NULL,
    FOREIGN KEY (eid, uid) REFERENCES users (eid, uid)
) WITHOUT ROWID;
CREATE INDEX uploads_user ON uploads (eid, uid);
CREATE INDEX uploads_expires ON uploads (expires);

-- +goose Down
DROP TABLE uploads;
DROP TABLE file_use;
DROP TABLE file_refs;
DROP TABLE file_variants;
DROP TABLE files;
DROP TABLE spare_keys;
DROP TABLE objects;
