-- +goose Up

-- What operators are to be told and nobody has looked at yet; written in the
-- transaction of the state it tells of. job tells runs that repeat each other
-- from others, target is the job of the whole target (a ban), cause one
-- failure from another. ref is the id of the run, or the number of the flow.
CREATE TABLE notice (
  id         {{serial}},
  company_id bigint  NOT NULL,
  job        {{key}} NOT NULL,
  target     {{key}} NOT NULL,
  event      {{key}} NOT NULL,
  cause      {{key}} NOT NULL,
  ref        {{key}} NOT NULL,
  at         {{time}} NOT NULL
);
CREATE INDEX notice_company ON notice (company_id, id);

-- What was told of each cause: rev fences tellings, quiet_until is when the
-- next may be made, missed how many occurrences are still to be told, ref the
-- newest of them.
CREATE TABLE notice_topic (
  company_id  bigint  NOT NULL,
  job         {{key}} NOT NULL,
  event       {{key}} NOT NULL,
  cause       {{key}} NOT NULL,
  rev         bigint  NOT NULL,
  failing     boolean NOT NULL,
  told        boolean NOT NULL,
  missed      bigint  NOT NULL,
  since       {{time}} NOT NULL,
  quiet_until {{time}} NOT NULL,
  ref         {{key}} NOT NULL,
  PRIMARY KEY (company_id, job, event, cause)
);
CREATE INDEX notice_topic_due ON notice_topic (quiet_until) WHERE missed > 0;

-- Notices that reached nobody.
CREATE INDEX outbox_kind ON outbox (kind, id) WHERE state IN ('dropped', 'dead');

-- +goose Down
DROP INDEX outbox_kind;
DROP TABLE notice_topic;
DROP TABLE notice;
