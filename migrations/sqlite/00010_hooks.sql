-- A webhook tells a receiver of an app what one of the app's bots sees.

-- +goose Up
CREATE TABLE webhooks (
    id       TEXT NOT NULL PRIMARY KEY,
    app      TEXT NOT NULL REFERENCES apps (id),
    eid      TEXT NOT NULL,
    bot      TEXT NOT NULL,
    url      TEXT NOT NULL,
    events   TEXT NOT NULL,   -- JSON
    sealed   BLOB NOT NULL,   -- its secret, sealed by the server's own
    disabled BIGINT NOT NULL,
    failures BIGINT NOT NULL, -- attempts since the last success
    failing  BIGINT NOT NULL, -- time of the first of them
    created  BIGINT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX webhooks_app ON webhooks (app, created);

-- Up to where a webhook has queued a stream. Where there is no row it begins at the stream's begin, or where its bot joined.
CREATE TABLE webhook_places (
    webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    stream  BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (webhook, stream)
) WITHOUT ROWID;

-- What is to be delivered, and what was. An entry of the log stays there: it is read when it is sent, so that what was recalled meanwhile is not told.
CREATE TABLE deliveries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL UNIQUE, -- the id that receivers and administrators know
    webhook  TEXT NOT NULL,   -- those of one that is deleted go later, in steps
    lane     TEXT NOT NULL,   -- those of one lane go one after the other
    event    TEXT NOT NULL,
    stream   BIGINT NOT NULL, -- of the log, 0 for none
    seq      BIGINT NOT NULL,
    data     BLOB,            -- JSON, where there is no entry
    created  BIGINT NOT NULL, -- time of what happened
    attempts BIGINT NOT NULL,
    next     BIGINT NOT NULL, -- time of the next attempt, while it waits
    status   TEXT NOT NULL,   -- waiting, delivered, failed
    code     BIGINT NOT NULL, -- HTTP status of the last answer, 0 for none
    reason   TEXT NOT NULL,   -- why the last attempt failed
    error    TEXT NOT NULL,   -- the same in words
    took     BIGINT NOT NULL, -- ms
    ended    BIGINT NOT NULL  -- when it was delivered or failed
);
CREATE UNIQUE INDEX deliveries_entry ON deliveries (webhook, stream, seq) WHERE stream > 0;
CREATE INDEX deliveries_waiting ON deliveries (webhook, lane, id) WHERE status = 'waiting';
CREATE INDEX deliveries_log ON deliveries (webhook, id);
CREATE INDEX deliveries_ended ON deliveries (ended) WHERE ended > 0;

-- +goose Down
DROP TABLE deliveries;
DROP TABLE webhook_places;
DROP TABLE webhooks;
