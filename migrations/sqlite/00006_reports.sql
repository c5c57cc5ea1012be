-- +goose Up

-- What was reported stays readable for moderators when its author recalls it.
ALTER TABLE reports ADD COLUMN payload BLOB;

-- +goose Down
ALTER TABLE reports DROP COLUMN payload;
