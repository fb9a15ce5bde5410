-- +goose Up

-- A change that ended, or whose run ended, while it was in flight may have
-- taken effect. The next run that claims the record looks here.
CREATE INDEX sync_change_in_flight ON sync_change (kind, source_id) WHERE in_flight;

-- +goose Down
DROP INDEX sync_change_in_flight;
