-- +goose Up

-- How many staged records have a value, per standard key: a field that most
-- records had and few have now says that the source did not show everything.
ALTER TABLE snapshot ADD COLUMN filled text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE snapshot DROP COLUMN filled;
