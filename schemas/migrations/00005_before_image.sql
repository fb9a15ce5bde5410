-- +goose Up

-- What a change was planned from. base_hash is the binding's at that time,
-- empty for a record that was not bound: a change whose binding another run
-- has moved on since is not sent. before_payload is what the consumer held,
-- as far as it is known: what an undo brings back. adopted: the insert found
-- the record there already, so that no undo deletes it.
ALTER TABLE sync_change ADD COLUMN base_hash text NOT NULL DEFAULT '';
ALTER TABLE sync_change ADD COLUMN before_payload text NOT NULL DEFAULT '';
ALTER TABLE sync_change ADD COLUMN adopted boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE sync_change DROP COLUMN adopted;
ALTER TABLE sync_change DROP COLUMN before_payload;
ALTER TABLE sync_change DROP COLUMN base_hash;
