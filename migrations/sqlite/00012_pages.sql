-- +goose Up

-- Of a change that concerns what was there when it was decided: the time of that.
ALTER TABLE steps ADD COLUMN moment BIGINT NOT NULL DEFAULT 0;

-- The apps of organisations that are deleted: nobody may take their ids, which stand in the pages of other systems.
CREATE TABLE past_apps (
    id    TEXT NOT NULL PRIMARY KEY,
    ended BIGINT NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE past_apps;
ALTER TABLE steps DROP COLUMN moment;
