-- +goose Up

-- How far a run has read what the consumer holds. finished_at without
-- complete is a read that could not be finished, with its cause.
CREATE TABLE remote_read (
  run_id      {{key}} PRIMARY KEY REFERENCES sync_run (id),
  calls       bigint  NOT NULL DEFAULT 0,
  complete    boolean NOT NULL DEFAULT false,
  cause       text    NOT NULL DEFAULT '',
  finished_at {{time}}
);

-- Departments to read: open until the department itself and those below it
-- are known, then members, read from cursor on, then done.
CREATE TABLE remote_queue (
  run_id      {{key}} NOT NULL REFERENCES remote_read (run_id) ON DELETE CASCADE,
  dept_id     {{key}} NOT NULL,
  state       text    NOT NULL,
  next_cursor text    NOT NULL DEFAULT '',
  PRIMARY KEY (run_id, dept_id)
) {{clustered}};
CREATE INDEX remote_queue_open ON remote_queue (run_id, dept_id) WHERE state <> 'done';

-- What the consumer held when the run read it; removed when the plan is made.
CREATE TABLE remote_record (
  run_id      {{key}} NOT NULL REFERENCES remote_read (run_id) ON DELETE CASCADE,
  kind        {{key}} NOT NULL,
  consumer_id {{key}} NOT NULL,
  key         text    NOT NULL DEFAULT '',
  fields      text    NOT NULL,
  ext         text    NOT NULL DEFAULT '',
  PRIMARY KEY (run_id, kind, consumer_id)
) {{clustered}};

-- +goose Down
DROP TABLE remote_record;
DROP TABLE remote_queue;
DROP TABLE remote_read;
