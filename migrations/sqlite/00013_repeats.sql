-- +goose Up

-- The author's idempotency key, or empty.
ALTER TABLE announcements ADD COLUMN author_key TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX announcements_key ON announcements (eid, author, author_key) WHERE author_key <> '';

-- A mute outlasts the dissolving of its group.
ALTER TABLE dissolved_members ADD COLUMN muted_until BIGINT NOT NULL DEFAULT 0;

-- The files of a message that was reported. They stay until the report is closed, whatever becomes of the message.
CREATE TABLE report_files (
    report BIGINT NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    file   TEXT NOT NULL,
    PRIMARY KEY (report, file)
) WITHOUT ROWID;
CREATE INDEX report_files_file ON report_files (file);
INSERT INTO report_files (report, file) SELECT DISTINCT p.id, r.file FROM reports p JOIN file_refs r ON r.stream = p.stream AND r.seq = p.seq
    WHERE p.state = 'open' AND r.file <> '';

-- 1: the app's tokens must name the server's own address in aud.
ALTER TABLE apps ADD COLUMN origin_audience BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE apps DROP COLUMN origin_audience;
DROP TABLE report_files;
ALTER TABLE dissolved_members DROP COLUMN muted_until;
DROP INDEX announcements_key;
ALTER TABLE announcements DROP COLUMN author_key;
