-- +goose Up

-- Import jobs of a target (connectors.Importer), stored as soon as the
-- consumer has named them: their results can be asked for by id only. A job
-- is settled once its outcomes are recorded, or nobody needs them any more.
CREATE TABLE import_job (
  company_id bigint   NOT NULL,
  consumer   {{key}}  NOT NULL,
  job_id     {{key}}  NOT NULL,
  run_id     {{key}}  NOT NULL REFERENCES sync_run (id),
  kind       text     NOT NULL,
  settled    boolean  NOT NULL DEFAULT false,
  started_at {{time}} NOT NULL,
  PRIMARY KEY (company_id, consumer, job_id)
) {{clustered}};
CREATE INDEX import_job_open ON import_job (company_id, consumer) WHERE NOT settled;

-- +goose Down
DROP TABLE import_job;
