-- An app is the entry of another system: it signs people in, and its programs take part by keys. The id of a deleted one is never used again.

-- +goose Up
CREATE TABLE apps (
    id           TEXT NOT NULL PRIMARY KEY,
    eid          TEXT NOT NULL REFERENCES orgs (eid),
    name         TEXT NOT NULL,
    create_users BIGINT NOT NULL,
    jwks_url     TEXT NOT NULL,
    disabled     BIGINT NOT NULL,
    deleted      BIGINT NOT NULL DEFAULT 0,
    created      BIGINT NOT NULL,
    version      BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX apps_org ON apps (eid, name, id);

CREATE TABLE app_origins (
    origin TEXT NOT NULL,
    app    TEXT NOT NULL REFERENCES apps (id),
    eid    TEXT NOT NULL,
    place  BIGINT NOT NULL, -- in the app's list
    PRIMARY KEY (origin, app)
) WITHOUT ROWID;
CREATE INDEX app_origins_app ON app_origins (app);

-- Secrets that the app's server signs with, sealed by the server's own.
CREATE TABLE app_keys (
    app     TEXT NOT NULL REFERENCES apps (id),
    id      TEXT NOT NULL,
    eid     TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    created BIGINT NOT NULL,
    used    BIGINT NOT NULL,
    PRIMARY KEY (app, id)
) WITHOUT ROWID;

-- Tokens of apps that were exchanged: each is good once.
CREATE TABLE app_tokens (
    app     TEXT NOT NULL,
    hash    BLOB NOT NULL, -- SHA-256 of the jti
    eid     TEXT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (app, hash)
) WITHOUT ROWID;
CREATE INDEX app_tokens_expires ON app_tokens (expires);

CREATE TABLE app_bots (
    eid TEXT NOT NULL,
    uid TEXT NOT NULL,
    app TEXT NOT NULL REFERENCES apps (id),
    PRIMARY KEY (eid, uid)
) WITHOUT ROWID;
CREATE INDEX app_bots_app ON app_bots (app, uid);

-- A login of an app ends with it: that of a page after a time, that of an API key, which has the key's id, with the key.
ALTER TABLE logins ADD COLUMN app TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN expires BIGINT NOT NULL DEFAULT 0; -- 0: by itself only when it goes unseen
CREATE INDEX logins_app ON logins (app, ended) WHERE app <> '';
CREATE INDEX logins_over ON logins (ended) WHERE app <> '' AND ended > 0;
CREATE INDEX logins_expires ON logins (expires) WHERE expires > 0 AND ended = 0;

CREATE TABLE api_keys (
    id      TEXT NOT NULL PRIMARY KEY, -- logins.id
    app     TEXT NOT NULL REFERENCES apps (id),
    eid     TEXT NOT NULL,
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL, -- JSON
    hash    BLOB NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX api_keys_app ON api_keys (app, created);

CREATE TABLE incoming_hooks (
    id      TEXT NOT NULL PRIMARY KEY,
    app     TEXT NOT NULL REFERENCES apps (id),
    eid     TEXT NOT NULL,
    name    TEXT NOT NULL,
    bot     TEXT NOT NULL,
    conv    TEXT NOT NULL, -- as the bot sees it: u:{uid} or g:{gid}
    hash    BLOB NOT NULL,
    created BIGINT NOT NULL,
    used    BIGINT NOT NULL
);
CREATE INDEX incoming_hooks_app ON incoming_hooks (app, created);

-- +goose Down
DROP TABLE incoming_hooks;
DROP TABLE api_keys;
DROP INDEX logins_expires;
DROP INDEX logins_over;
DROP INDEX logins_app;
ALTER TABLE logins DROP COLUMN expires;
ALTER TABLE logins DROP COLUMN app;
DROP TABLE app_bots;
DROP TABLE app_tokens;
DROP TABLE app_keys;
DROP TABLE app_origins;
DROP TABLE apps;
