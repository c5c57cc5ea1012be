-- Things that two administrators may change at once have a version, which each change counts up.

-- +goose Up
ALTER TABLE orgs ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE orgs ADD COLUMN logo TEXT NOT NULL DEFAULT '';
ALTER TABLE orgs ADD COLUMN suspended BIGINT NOT NULL DEFAULT 0; -- since when nobody may sign in
ALTER TABLE orgs ADD COLUMN doomed BIGINT NOT NULL DEFAULT 0; -- when it is to be deleted

ALTER TABLE users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN seen BIGINT NOT NULL DEFAULT 0; -- the last sign-in or renewal
ALTER TABLE users ADD COLUMN main_department BIGINT NOT NULL DEFAULT 0; -- departments.id, or 0
CREATE INDEX users_created ON users (eid, created, uid);
CREATE INDEX users_seen ON users (eid, seen, uid);
CREATE INDEX users_role ON users (eid, role, name, uid) WHERE role <> 'member';
CREATE INDEX users_disabled ON users (eid, name, uid) WHERE disabled = 1;

-- The directory's index: what somebody may begin to type to find a person. hidden is 1 for people who are disabled.
CREATE TABLE user_words (
    eid    TEXT NOT NULL,
    hidden BIGINT NOT NULL,
    word   TEXT NOT NULL,
    name   TEXT NOT NULL,
    uid    TEXT NOT NULL,
    PRIMARY KEY (eid, hidden, word, name, uid)
) WITHOUT ROWID;

-- An id is never used again: the audit log names it.
CREATE TABLE departments (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    eid      TEXT NOT NULL REFERENCES orgs (eid),
    parent   BIGINT NOT NULL, -- departments.id, 0 at the top
    name     TEXT NOT NULL,
    position BIGINT NOT NULL, -- among its sisters
    version  BIGINT NOT NULL DEFAULT 1,
    created  BIGINT NOT NULL,
    UNIQUE (eid, parent, name)
);

CREATE TABLE department_words (
    eid        TEXT NOT NULL,
    word       TEXT NOT NULL,
    department BIGINT NOT NULL,
    PRIMARY KEY (eid, word, department)
) WITHOUT ROWID;

CREATE TABLE department_members (
    department BIGINT NOT NULL,
    hidden     BIGINT NOT NULL,
    name       TEXT NOT NULL,
    uid        TEXT NOT NULL,
    eid        TEXT NOT NULL,
    place      BIGINT NOT NULL, -- of the department in the person's list, 0 for the main one
    PRIMARY KEY (department, hidden, name, uid)
) WITHOUT ROWID;
CREATE INDEX department_members_user ON department_members (eid, uid, place);

-- Who did what. Rows are only ever added.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    eid    TEXT NOT NULL,
    ts     BIGINT NOT NULL,
    actor  TEXT NOT NULL, -- uid, or empty for the shell and the server itself
    addr   TEXT NOT NULL, -- IP address, "shell" or "server"
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT NOT NULL, -- JSON, or empty
    after  TEXT NOT NULL
);
CREATE INDEX audit_org ON audit (eid, ts);
CREATE INDEX audit_actor ON audit (eid, actor, ts);
CREATE INDEX audit_action ON audit (eid, action, ts);
CREATE INDEX audit_target ON audit (eid, target, ts);
-- +goose StatementBegin
CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is not altered'); END;
-- +goose StatementEnd

-- Links by which somebody sets a password, once.
CREATE TABLE password_links (
    hash    BLOB NOT NULL PRIMARY KEY,
    eid     TEXT NOT NULL,
    uid     TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX password_links_user ON password_links (eid, uid);

-- Long work: imports, backups, exports.
CREATE TABLE jobs (
    id      TEXT NOT NULL PRIMARY KEY, -- uuid v7
    eid     TEXT NOT NULL,
    kind    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    addr    TEXT NOT NULL,
    state   TEXT NOT NULL, -- checking, running, done, failed
    done    BIGINT NOT NULL,
    total   BIGINT NOT NULL,
    result  TEXT NOT NULL, -- JSON
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX jobs_org ON jobs (eid, kind, created);

ALTER TABLE chat_groups ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE chat_groups ADD COLUMN follows BIGINT NOT NULL DEFAULT 0; -- departments.id whose people are its members
CREATE INDEX chat_groups_name ON chat_groups (eid, name, gid);
CREATE INDEX chat_groups_follows ON chat_groups (follows) WHERE follows > 0;

-- Who had been in a group when it was dissolved, for as long as it can be restored.
CREATE TABLE dissolved_members (
    eid  TEXT NOT NULL,
    gid  TEXT NOT NULL,
    uid  TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (eid, gid, uid)
) WITHOUT ROWID;

CREATE TABLE group_links (
    id      TEXT NOT NULL PRIMARY KEY, -- uuid v7
    hash    BLOB NOT NULL UNIQUE,
    eid     TEXT NOT NULL,
    gid     TEXT NOT NULL,
    maker   TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    uses    BIGINT NOT NULL
);
CREATE INDEX group_links_group ON group_links (eid, gid, created);

CREATE TABLE announcements (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    eid         TEXT NOT NULL,
    author      TEXT NOT NULL,
    title       TEXT NOT NULL,
    text        TEXT NOT NULL,
    departments TEXT NOT NULL, -- JSON array of ids; empty: everyone
    created     BIGINT NOT NULL,
    told        BIGINT NOT NULL -- people whom the notice was made for so far
);
CREATE INDEX announcements_org ON announcements (eid, id);

-- Whom an announcement is for, and when it was read.
CREATE TABLE announcement_readers (
    announcement BIGINT NOT NULL,
    uid          TEXT NOT NULL,
    eid          TEXT NOT NULL,
    read         BIGINT NOT NULL,
    PRIMARY KEY (announcement, uid)
) WITHOUT ROWID;
CREATE INDEX announcement_readers_user ON announcement_readers (eid, uid, announcement);

CREATE TABLE reports (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    eid      TEXT NOT NULL,
    stream   BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    reporter TEXT NOT NULL,
    reason   TEXT NOT NULL,
    state    TEXT NOT NULL, -- open, closed
    note     TEXT NOT NULL,
    closer   TEXT NOT NULL,
    created  BIGINT NOT NULL,
    closed   BIGINT NOT NULL,
    version  BIGINT NOT NULL DEFAULT 1,
    UNIQUE (eid, stream, seq, reporter)
);
CREATE INDEX reports_state ON reports (eid, state, id);

-- What passed on a day (UTC), for the overview. It may lack the last minute before a crash.
CREATE TABLE day_figures (
    eid      TEXT NOT NULL,
    day      BIGINT NOT NULL, -- days since 1970
    messages BIGINT NOT NULL,
    media    BIGINT NOT NULL,
    bytes    BIGINT NOT NULL,
    PRIMARY KEY (eid, day)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE day_figures;
DROP TABLE reports;
DROP TABLE announcement_readers;
DROP TABLE announcements;
DROP TABLE group_links;
DROP TABLE dissolved_members;
DROP INDEX chat_groups_follows;
DROP INDEX chat_groups_name;
ALTER TABLE chat_groups DROP COLUMN follows;
ALTER TABLE chat_groups DROP COLUMN version;
DROP TABLE jobs;
DROP TABLE password_links;
DROP TABLE audit;
DROP TABLE department_members;
DROP TABLE department_words;
DROP TABLE departments;
DROP TABLE user_words;
DROP INDEX users_disabled;
DROP INDEX users_role;
DROP INDEX users_seen;
DROP INDEX users_created;
ALTER TABLE users DROP COLUMN main_department;
ALTER TABLE users DROP COLUMN seen;
ALTER TABLE users DROP COLUMN version;
ALTER TABLE orgs DROP COLUMN doomed;
ALTER TABLE orgs DROP COLUMN suspended;
ALTER TABLE orgs DROP COLUMN logo;
ALTER TABLE orgs DROP COLUMN version;
