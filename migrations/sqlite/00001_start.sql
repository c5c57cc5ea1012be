-- Times are milliseconds since 1970 UTC, 0 for never. Ids of people, groups and organisations are never used again, so rows
-- that name them stay.

-- +goose Up
CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE orgs (
    eid      TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    settings TEXT NOT NULL, -- JSON
    created  BIGINT NOT NULL
);

CREATE TABLE users (
    id         INTEGER PRIMARY KEY,
    eid        TEXT NOT NULL REFERENCES orgs (eid),
    uid        TEXT NOT NULL,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL, -- in lower case, or empty
    avatar     TEXT NOT NULL,
    department TEXT NOT NULL,
    title      TEXT NOT NULL,
    role       TEXT NOT NULL,
    service    BIGINT NOT NULL, -- 0 or 1, like all flags
    disabled   BIGINT NOT NULL,
    presence   BLOB,
    password   TEXT NOT NULL,
    search     TEXT NOT NULL, -- what the directory looks in: folded names, uid, initials, department, title
    created    BIGINT NOT NULL,
    UNIQUE (eid, uid)
);
CREATE UNIQUE INDEX users_email ON users (eid, email) WHERE email <> '';
CREATE INDEX users_name ON users (eid, name, uid);

-- A login is one signed-in device. It lives until ended is set.
CREATE TABLE logins (
    id        TEXT NOT NULL PRIMARY KEY,
    eid       TEXT NOT NULL,
    uid       TEXT NOT NULL,
    terminal  BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    agent     TEXT NOT NULL,
    addr      TEXT NOT NULL,
    created   BIGINT NOT NULL,
    seen      BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    FOREIGN KEY (eid, uid) REFERENCES users (eid, uid)
);
CREATE INDEX logins_user ON logins (eid, uid, ended);

CREATE TABLE refresh_tokens (
    hash  BLOB NOT NULL PRIMARY KEY,
    login TEXT NOT NULL REFERENCES logins (id),
    used  BIGINT NOT NULL -- when it was exchanged for the next
);
CREATE INDEX refresh_tokens_login ON refresh_tokens (login);

CREATE TABLE contacts (
    eid     TEXT NOT NULL,
    uid     TEXT NOT NULL,
    other   TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (eid, uid, other)
);
CREATE INDEX contacts_other ON contacts (eid, other);

CREATE TABLE contact_requests (
    eid     TEXT NOT NULL,
    uid     TEXT NOT NULL, -- who is asked
    sender  TEXT NOT NULL, -- who asks
    message TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (eid, uid, sender)
);

CREATE TABLE chat_groups (
    eid          TEXT NOT NULL REFERENCES orgs (eid),
    gid          TEXT NOT NULL,
    name         TEXT NOT NULL,
    avatar       TEXT NOT NULL,
    announcement TEXT NOT NULL,
    join_policy  TEXT NOT NULL,
    muted_all    BIGINT NOT NULL,
    owner        TEXT NOT NULL,
    maker        TEXT NOT NULL,
    maker_key    TEXT NOT NULL, -- the maker's idempotency key, or empty
    created      BIGINT NOT NULL,
    dissolved    BIGINT NOT NULL,
    PRIMARY KEY (eid, gid)
);
CREATE UNIQUE INDEX chat_groups_key ON chat_groups (eid, maker, maker_key) WHERE maker_key <> '';

CREATE TABLE members (
    eid               TEXT NOT NULL,
    gid               TEXT NOT NULL,
    uid               TEXT NOT NULL,
    role              TEXT NOT NULL,
    muted_until       BIGINT NOT NULL,
    joined            BIGINT NOT NULL,
    joined_seq        BIGINT NOT NULL, -- heads of the group's two streams at that moment
    joined_notice_seq BIGINT NOT NULL,
    PRIMARY KEY (eid, gid, uid),
    FOREIGN KEY (eid, gid) REFERENCES chat_groups (eid, gid),
    FOREIGN KEY (eid, uid) REFERENCES users (eid, uid)
);
CREATE INDEX members_user ON members (eid, uid, gid); -- gid too, or SQLite prefers the primary key

CREATE TABLE join_requests (
    eid     TEXT NOT NULL,
    gid     TEXT NOT NULL,
    uid     TEXT NOT NULL,
    message TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (eid, gid, uid)
);

-- The log. A stream's head is the seq of its newest entry, changed that entry's time.
CREATE TABLE streams (
    id      INTEGER PRIMARY KEY,
    eid     TEXT NOT NULL,
    kind    BIGINT NOT NULL,
    key     TEXT NOT NULL,
    head    BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    UNIQUE (eid, kind, key)
);

CREATE TABLE log (
    stream  BIGINT NOT NULL, -- streams.id; not checked, as this is the one table whose inserts must be cheap
    seq     BIGINT NOT NULL,
    ts      BIGINT NOT NULL,
    author  BIGINT NOT NULL, -- users.id, 0 for the server
    cid     BLOB,
    origin  BIGINT NOT NULL,
    topic   TEXT NOT NULL,
    payload BLOB NOT NULL,
    props   BLOB,
    expires BIGINT NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX log_repeat ON log (author, cid) WHERE cid IS NOT NULL;

CREATE TABLE mentions (
    stream BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    uid    TEXT NOT NULL, -- "*" for everyone
    PRIMARY KEY (stream, seq, uid)
) WITHOUT ROWID;

-- Who has a conversation in the list, and how far it was read. Pairs come with their first message, groups with membership.
CREATE TABLE participants (
    eid      TEXT NOT NULL,
    uid      TEXT NOT NULL,
    stream   BIGINT NOT NULL REFERENCES streams (id),
    read_seq BIGINT NOT NULL,
    muted    BIGINT NOT NULL,
    pinned   BIGINT NOT NULL,
    since    BIGINT NOT NULL,
    PRIMARY KEY (eid, uid, stream)
);
CREATE INDEX participants_stream ON participants (stream);

-- MQTT sessions that outlive their connection. An id is never used again: the log names the session that an entry came from.
CREATE TABLE sessions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    eid       TEXT NOT NULL,
    uid       TEXT NOT NULL,
    client_id TEXT NOT NULL,
    terminal  BIGINT NOT NULL,
    login_id  TEXT NOT NULL,
    expires   BIGINT NOT NULL, -- 0 while connected
    expiry    BIGINT NOT NULL, -- seconds
    app       BIGINT NOT NULL,
    state     BLOB NOT NULL,
    UNIQUE (eid, uid, client_id)
);
CREATE INDEX sessions_expires ON sessions (expires) WHERE expires > 0;

-- Inbound packets by which retries are recognised.
CREATE TABLE packets (
    session BIGINT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    pid     BIGINT NOT NULL,
    digest  BIGINT NOT NULL,
    stream  BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (session, pid)
) WITHOUT ROWID;

CREATE TABLE retained (
    eid     TEXT NOT NULL,
    topic   TEXT NOT NULL,
    sender  TEXT NOT NULL,
    payload BLOB NOT NULL,
    props   BLOB,
    ts      BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (eid, topic)
);

-- Changes that the agent has still to tell. An id is never used again.
CREATE TABLE events (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    eid  TEXT NOT NULL,
    ts   BIGINT NOT NULL,
    body TEXT NOT NULL -- JSON
);

-- +goose Down
DROP TABLE events;
DROP TABLE retained;
DROP TABLE packets;
DROP TABLE sessions;
DROP TABLE participants;
DROP TABLE mentions;
DROP TABLE log;
DROP TABLE streams;
DROP TABLE join_requests;
DROP TABLE members;
DROP TABLE chat_groups;
DROP TABLE contact_requests;
DROP TABLE contacts;
DROP TABLE refresh_tokens;
DROP TABLE logins;
DROP TABLE users;
DROP TABLE orgs;
DROP TABLE settings;
