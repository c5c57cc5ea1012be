-- +goose Up

-- Up to where somebody has cleared a conversation for itself. Kept apart from participants, as it outlives the leaving of a group.
CREATE TABLE cleared (
    eid    TEXT NOT NULL,
    uid    TEXT NOT NULL,
    stream BIGINT NOT NULL REFERENCES streams (id),
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL, -- a group's notices from here on are still shown
    PRIMARY KEY (eid, uid, stream)
);

-- +goose Down
DROP TABLE cleared;
