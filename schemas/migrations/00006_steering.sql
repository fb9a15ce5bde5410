-- +goose Up

-- Who paused the run, why and when; null while it is not paused.
ALTER TABLE sync_run ADD COLUMN paused {{json}};

-- Runs that wait for a target ahead of others, first come first served: one
-- for single records, before which a run of everything gives way (priority),
-- and the run that has given way. Whoever waits looks again every few
-- seconds (seen_at); one that has not for a while is passed over.
CREATE TABLE target_wait (
  company_id bigint  NOT NULL,
  consumer   {{key}} NOT NULL,
  run_id     {{key}} NOT NULL REFERENCES sync_run (id),
  priority   boolean NOT NULL,
  since      {{time}} NOT NULL,
  seen_at    {{time}} NOT NULL,
  PRIMARY KEY (company_id, consumer, run_id)
) {{clustered}};

-- +goose Down
DROP TABLE target_wait;
ALTER TABLE sync_run DROP COLUMN paused;
