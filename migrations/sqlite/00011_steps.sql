-- +goose Up

-- Changes of very many rows are made in steps. A row is such a change that is not complete yet.
CREATE TABLE steps (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    eid    TEXT NOT NULL,
    kind   TEXT NOT NULL, -- members, restore, department, announcement
    target TEXT NOT NULL, -- gid, or the id of the department or announcement
    actor  TEXT NOT NULL  -- uid in whose name others are told
);
CREATE INDEX steps_target ON steps (eid, kind, target);

-- Whom an announcement is for and who has not been told yet, some people a row.
CREATE TABLE announcement_parts (
    announcement BIGINT NOT NULL,
    part         BIGINT NOT NULL,
    eid          TEXT NOT NULL,
    uids         TEXT NOT NULL, -- JSON array
    PRIMARY KEY (announcement, part)
);

-- A department that is being deleted: nobody comes to it any more, and its people move up. Its name is then one that nobody can give.
ALTER TABLE departments ADD COLUMN leaving BIGINT NOT NULL DEFAULT 0;
CREATE INDEX departments_leaving ON departments (eid, id) WHERE leaving = 1;

-- +goose Down
DROP INDEX departments_leaving;
ALTER TABLE departments DROP COLUMN leaving;
DROP TABLE announcement_parts;
DROP TABLE steps;
