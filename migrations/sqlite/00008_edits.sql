-- +goose Up

-- Notices of edited messages carry their texts. Of each edit the notices that were made are noted, so that they are blanked when the message
-- changes again, is recalled or goes.
CREATE TABLE edit_notices (
    stream        BIGINT NOT NULL, -- of the message
    seq           BIGINT NOT NULL,
    notice_stream BIGINT NOT NULL,
    notice_seq    BIGINT NOT NULL,
    PRIMARY KEY (stream, seq, notice_stream, notice_seq)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE edit_notices;
