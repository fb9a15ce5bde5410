-- +goose Up

-- A push of everybody who shall exist, one per run (spec § 3.5, task push).
-- round counts the tasks begun at the consumer; task_id is empty while one
-- has to be begun. next_pos is the first record not in the task yet. losses
-- and doubts count why earlier rounds were given up.
CREATE TABLE push_task (
  run_id   {{key}} PRIMARY KEY REFERENCES sync_run (id),
  state    text   NOT NULL,
  round    bigint NOT NULL DEFAULT 0,
  task_id  text   NOT NULL DEFAULT '',
  next_pos bigint NOT NULL DEFAULT 1,
  total    bigint NOT NULL DEFAULT 0,
  losses   bigint NOT NULL DEFAULT 0,
  doubts   bigint NOT NULL DEFAULT 0,
  cause    text   NOT NULL DEFAULT ''
);

-- What a push consists of, in the order in which it is sent; records of one
-- grp may share a call. change_id is the change the record's state comes
-- from, 0 where it goes along as last accepted. No payloads.
CREATE TABLE push_record (
  run_id      {{key}} NOT NULL REFERENCES push_task (run_id) ON DELETE CASCADE,
  pos         bigint  NOT NULL,
  grp         bigint  NOT NULL,
  kind        {{key}} NOT NULL,
  source_id   {{key}} NOT NULL,
  consumer_id {{key}} NOT NULL DEFAULT '',
  change_id   bigint  NOT NULL DEFAULT 0,
  state       text    NOT NULL DEFAULT '',
  fault       text    NOT NULL DEFAULT '',
  PRIMARY KEY (run_id, pos),
  UNIQUE (run_id, kind, source_id)
) {{clustered}};

-- +goose Down
DROP TABLE push_record;
DROP TABLE push_task;
