-- +goose Up

-- Whose a local table is. Names of tables are one namespace whatever the
-- company, and SQLite does not tell upper case from lower.
CREATE TABLE erp_form (
  table_key  {{key}} PRIMARY KEY,
  company_id bigint  NOT NULL,
  form_id    text    NOT NULL
);

-- One load of a form. first_run_id is Temporal's first execution run id and
-- makes creation idempotent. plan is what the load was frozen to when it
-- first saw the ERP's metadata, empty before; tables are those it fills.
CREATE TABLE erp_run (
  id           {{key}} PRIMARY KEY,
  first_run_id {{key}} NOT NULL UNIQUE,
  workflow_id  {{key}} NOT NULL,
  company_id   bigint  NOT NULL,
  form_id      {{key}} NOT NULL,
  table_key    {{key}} NOT NULL,
  kind         text    NOT NULL,
  deep         boolean NOT NULL,
  status       text    NOT NULL,
  phase        text    NOT NULL,
  plan         text    NOT NULL DEFAULT '',
  tables       text    NOT NULL DEFAULT '[]',
  swapped      boolean NOT NULL DEFAULT false,
  calls        bigint  NOT NULL DEFAULT 0,
  marked_gone  bigint  NOT NULL DEFAULT 0,
  new_columns  {{json}} NOT NULL,
  error        {{json}},
  notes        {{json}} NOT NULL,
  started_at   {{time}} NOT NULL,
  opened_at    {{time}},
  finished_at  {{time}}
);
CREATE INDEX erp_run_company ON erp_run (company_id, started_at, id);
-- A form is held by the one load of it that runs.
CREATE UNIQUE INDEX erp_run_running ON erp_run (table_key) WHERE status = 'running';

-- How far each window of each table was read. from_at and until_at are read
-- off the ERP's clock. attempt counts the readings from the window's start;
-- next_row is where this one goes on, last_key the key of the row before it.
-- stored counts rows that were not in the table (create), or not seen by the
-- load (update), before.
CREATE TABLE erp_window (
  run_id     {{key}} NOT NULL REFERENCES erp_run (id) ON DELETE CASCADE,
  table_no   bigint  NOT NULL,
  seq        bigint  NOT NULL,
  catch_up   boolean NOT NULL,
  from_at    text    NOT NULL,
  until_at   text    NOT NULL,
  attempt    bigint  NOT NULL DEFAULT 0,
  next_row   bigint  NOT NULL DEFAULT 0,
  last_key   text    NOT NULL DEFAULT '',
  pages      bigint  NOT NULL DEFAULT 0,
  stored     bigint  NOT NULL DEFAULT 0,
  done       boolean NOT NULL DEFAULT false,
  created_at {{time}} NOT NULL,
  PRIMARY KEY (run_id, table_no, seq)
);

-- The keys that an update has seen; removed when it ends.
CREATE TABLE erp_seen (
  run_id   {{key}} NOT NULL REFERENCES erp_run (id) ON DELETE CASCADE,
  table_no bigint  NOT NULL,
  row_key  {{key}} NOT NULL,
  PRIMARY KEY (run_id, table_no, row_key)
) {{clustered}};

-- +goose Down
DROP TABLE erp_seen;
DROP TABLE erp_window;
DROP TABLE erp_run;
DROP TABLE erp_form;
