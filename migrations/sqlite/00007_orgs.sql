-- Organisations have bounds, and can be deleted.

-- +goose Up
ALTER TABLE orgs ADD COLUMN people BIGINT NOT NULL DEFAULT 0;      -- that are not disabled
ALTER TABLE orgs ADD COLUMN live_groups BIGINT NOT NULL DEFAULT 0; -- that are not dissolved
ALTER TABLE orgs ADD COLUMN max_people BIGINT NOT NULL DEFAULT 0;  -- 0: no bound, like the next two
ALTER TABLE orgs ADD COLUMN max_groups BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orgs ADD COLUMN max_storage BIGINT NOT NULL DEFAULT 0; -- bytes
UPDATE orgs SET people = (SELECT COUNT(*) FROM users u WHERE u.eid = orgs.eid AND u.disabled = 0),
    live_groups = (SELECT COUNT(*) FROM chat_groups g WHERE g.eid = orgs.eid AND g.dissolved = 0);

-- The short names of organisations that are no more. They are never used again: links, backups and devices may still have them.
CREATE TABLE past_orgs (
    eid   TEXT NOT NULL PRIMARY KEY,
    ended BIGINT NOT NULL
) WITHOUT ROWID;

-- What a row that is deleted is looked for in.
CREATE INDEX files_user ON files (eid, uid);
CREATE INDEX file_variants_object ON file_variants (eid, hash);
CREATE INDEX cleared_stream ON cleared (stream);

-- +goose Down
DROP INDEX cleared_stream;
DROP INDEX file_variants_object;
DROP INDEX files_user;
DROP TABLE past_orgs;
ALTER TABLE orgs DROP COLUMN max_storage;
ALTER TABLE orgs DROP COLUMN max_groups;
ALTER TABLE orgs DROP COLUMN max_people;
ALTER TABLE orgs DROP COLUMN live_groups;
ALTER TABLE orgs DROP COLUMN people;
