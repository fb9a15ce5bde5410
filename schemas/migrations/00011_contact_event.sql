-- +goose Up

-- What a consumer told us was changed at it, one row per record and event. A
-- second delivery meets the row of the first. run_id is the workflow id of
-- the run that dealt with it; state says what came of it.
CREATE TABLE contact_event (
  id          {{serial}},
  company_id  bigint  NOT NULL,
  consumer    {{key}} NOT NULL,
  event_id    {{key}} NOT NULL,
  type        text    NOT NULL,
  kind        {{key}} NOT NULL,
  consumer_id {{key}} NOT NULL,
  happened_at {{time}} NOT NULL,
  state       text    NOT NULL,
  run_id      {{key}} NOT NULL DEFAULT '',
  received_at {{time}} NOT NULL,
  UNIQUE (company_id, consumer, event_id, kind, consumer_id)
);
CREATE INDEX contact_event_open ON contact_event (company_id, consumer, id) WHERE state = 'open';
CREATE INDEX contact_event_run ON contact_event (run_id);
CREATE INDEX contact_event_received ON contact_event (received_at);

-- +goose Down
DROP TABLE contact_event;
