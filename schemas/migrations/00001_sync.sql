-- +goose Up

-- One execution of a sync. first_run_id is Temporal's first execution run id
-- and makes creation idempotent. job and frozen_files are text on both
-- databases: their bytes are hashed and passed on unchanged.
CREATE TABLE sync_run (
  id             {{key}} PRIMARY KEY,
  first_run_id   {{key}} NOT NULL UNIQUE,
  workflow_id    {{key}} NOT NULL,
  company_id     bigint  NOT NULL,
  consumer       {{key}} NOT NULL,
  scope          {{key}} NOT NULL,
  job            text    NOT NULL,
  files          {{json}} NOT NULL,
  frozen_files   text    NOT NULL DEFAULT '',
  status         text    NOT NULL,
  phase          text    NOT NULL,
  fetched        boolean NOT NULL DEFAULT false,
  planned        boolean NOT NULL DEFAULT false,
  applied        boolean NOT NULL DEFAULT false,
  dry_run        boolean NOT NULL DEFAULT false,
  error          {{json}},
  notes          {{json}} NOT NULL,
  calls          bigint  NOT NULL DEFAULT 0,
  throttled      bigint  NOT NULL DEFAULT 0,
  token_renewals bigint  NOT NULL DEFAULT 0,
  plan_hash      text    NOT NULL DEFAULT '',
  retry_of       {{key}} NOT NULL DEFAULT '',
  started_at     {{time}} NOT NULL,
  finished_at    {{time}}
);
CREATE INDEX sync_run_started ON sync_run (started_at, id);
CREATE INDEX sync_run_target ON sync_run (company_id, consumer, started_at, id);

-- One read of one service. Rows of base_sync_data may be dropped while the
-- snapshot's counts stay, so that old summaries remain exact.
CREATE TABLE snapshot (
  id          {{serial}},
  run_id      {{key}} NOT NULL REFERENCES sync_run (id),
  company_id  bigint  NOT NULL,
  consumer    {{key}} NOT NULL,
  scope       {{key}} NOT NULL,
  service     {{key}} NOT NULL,
  kind        {{key}} NOT NULL,
  read_count  bigint  NOT NULL DEFAULT 0,
  staged      bigint  NOT NULL DEFAULT 0,
  rejected    bigint  NOT NULL DEFAULT 0,
  declared    bigint  NOT NULL DEFAULT -1,
  complete    boolean NOT NULL DEFAULT false,
  cause       text    NOT NULL DEFAULT '',
  filter_hash text    NOT NULL DEFAULT '',
  meta_hash   text    NOT NULL DEFAULT '',
  dropped     boolean NOT NULL DEFAULT false,
  created_at  {{time}} NOT NULL,
  finished_at {{time}},
  UNIQUE (run_id, service)
);
CREATE INDEX snapshot_target ON snapshot (company_id, consumer, kind, scope, service, id);

-- Staged records in the standard format, as text: bytes that are hashed.
CREATE TABLE base_sync_data (
  snapshot_id   bigint  NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
  source_id     {{key}} NOT NULL,
  position      bigint  NOT NULL,
  parent_id     {{key}} NOT NULL DEFAULT '',
  record        text    NOT NULL DEFAULT '',
  raw           text,
  reject_reason text,
  PRIMARY KEY (snapshot_id, source_id)
) {{clustered}};
CREATE INDEX base_sync_data_position ON base_sync_data (snapshot_id, position);

-- Source id and consumer id of a record, with the payload last accepted.
CREATE TABLE binding (
  company_id  bigint  NOT NULL,
  consumer    {{key}} NOT NULL,
  kind        {{key}} NOT NULL,
  source_id   {{key}} NOT NULL,
  consumer_id {{key}} NOT NULL,
  scope       {{key}} NOT NULL,
  hash        text    NOT NULL,
  payload     text    NOT NULL,
  state       text    NOT NULL,
  first_run   {{key}} NOT NULL,
  last_run    {{key}} NOT NULL,
  updated_at  {{time}} NOT NULL,
  PRIMARY KEY (company_id, consumer, kind, source_id),
  UNIQUE (consumer_id, kind, consumer, company_id)
) {{clustered}};

-- The head of a run's plan; its changes are in sync_change.
CREATE TABLE sync_plan (
  run_id       {{key}} PRIMARY KEY REFERENCES sync_run (id),
  hash         text    NOT NULL,
  counts       {{json}} NOT NULL,
  content      text    NOT NULL DEFAULT '',
  snapshot_ids {{json}} NOT NULL,
  created_at   {{time}} NOT NULL
);

CREATE TABLE sync_change (
  run_id      {{key}} NOT NULL REFERENCES sync_run (id),
  id          bigint  NOT NULL,
  kind        text    NOT NULL,
  op          text    NOT NULL,
  aspect      text    NOT NULL DEFAULT '',
  source_id   {{key}} NOT NULL,
  consumer_id {{key}} NOT NULL DEFAULT '',
  wave        bigint  NOT NULL,
  state       text    NOT NULL,
  fields      text    NOT NULL DEFAULT '',
  payload     text    NOT NULL DEFAULT '',
  hash        text    NOT NULL DEFAULT '',
  reason      text    NOT NULL DEFAULT '',
  note        text    NOT NULL DEFAULT '',
  depends_on  text    NOT NULL DEFAULT '',
  error       {{json}},
  attempts    bigint  NOT NULL DEFAULT 0,
  in_flight   boolean NOT NULL DEFAULT false,
  updated_at  {{time}} NOT NULL,
  PRIMARY KEY (run_id, id)
) {{clustered}};
CREATE INDEX sync_change_open ON sync_change (run_id, wave, id) WHERE state = 'planned';
CREATE INDEX sync_change_state ON sync_change (run_id, state, id);

-- What was sent for a record, when, and what came back.
CREATE TABLE provisioning_log (
  id          {{serial}},
  company_id  bigint  NOT NULL,
  consumer    {{key}} NOT NULL,
  kind        {{key}} NOT NULL,
  source_id   {{key}} NOT NULL,
  consumer_id {{key}} NOT NULL,
  run_id      {{key}} NOT NULL,
  change_id   bigint  NOT NULL,
  op          text    NOT NULL,
  at          {{time}} NOT NULL,
  attempt     bigint  NOT NULL,
  outcome     text    NOT NULL,
  vendor_code text    NOT NULL,
  message     text    NOT NULL,
  request     text    NOT NULL,
  duration_ms bigint  NOT NULL,
  calls       bigint  NOT NULL
);
CREATE INDEX provisioning_log_record ON provisioning_log (company_id, consumer, kind, source_id, id);
CREATE INDEX provisioning_log_deletes ON provisioning_log (company_id, consumer, kind, at) WHERE op = 'delete';

-- One run per target. A released hold keeps its row, so that fences never repeat.
CREATE TABLE target_hold (
  company_id  bigint  NOT NULL,
  consumer    {{key}} NOT NULL,
  run_id      {{key}} NOT NULL,
  fence       bigint  NOT NULL,
  acquired_at {{time}} NOT NULL,
  renewed_at  {{time}} NOT NULL,
  expires_at  {{time}} NOT NULL,
  PRIMARY KEY (company_id, consumer)
);

-- Answers to API calls that carried an Idempotency-Key.
CREATE TABLE idempotency_key (
  id         {{key}} PRIMARY KEY,
  value      text    NOT NULL,
  created_at {{time}} NOT NULL
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);

-- Who did what, when, from where.
CREATE TABLE audit_log (
  id         {{serial}},
  company_id bigint  NOT NULL,
  who        text    NOT NULL,
  action     text    NOT NULL,
  subject    {{key}} NOT NULL,
  origin     text    NOT NULL,
  detail     text    NOT NULL,
  at         {{time}} NOT NULL
);
CREATE INDEX audit_log_subject ON audit_log (subject, id);

-- +goose Down
DROP TABLE audit_log;
DROP TABLE idempotency_key;
DROP TABLE target_hold;
DROP TABLE provisioning_log;
DROP TABLE sync_change;
DROP TABLE sync_plan;
DROP TABLE binding;
DROP TABLE base_sync_data;
DROP TABLE snapshot;
DROP TABLE sync_run;
