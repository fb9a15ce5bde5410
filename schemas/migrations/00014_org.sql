-- +goose Up

-- One pull of an organisation. first_run_id is Temporal's first execution run
-- id and makes creation idempotent. begun, finished and complete tell how far
-- the origin was read; version is what the pull made of it, 0 until it has.
CREATE TABLE org_pull (
  id           {{key}} PRIMARY KEY,
  first_run_id {{key}} NOT NULL UNIQUE,
  workflow_id  {{key}} NOT NULL,
  company_id   bigint  NOT NULL,
  origin       {{key}} NOT NULL,
  input        text    NOT NULL,
  status       text    NOT NULL,
  phase        text    NOT NULL,
  root         text    NOT NULL DEFAULT '',
  read_end     boolean NOT NULL DEFAULT false,
  complete     boolean NOT NULL DEFAULT false,
  cause        text    NOT NULL DEFAULT '',
  departments  bigint  NOT NULL DEFAULT 0,
  members      bigint  NOT NULL DEFAULT 0,
  calls        bigint  NOT NULL DEFAULT 0,
  other_calls  bigint  NOT NULL DEFAULT 0,
  throttled    bigint  NOT NULL DEFAULT 0,
  version      bigint  NOT NULL DEFAULT 0,
  changes      text    NOT NULL DEFAULT '',
  parked       bigint  NOT NULL DEFAULT 0,
  error        {{json}},
  notes        {{json}} NOT NULL,
  started_at   {{time}} NOT NULL,
  finished_at  {{time}}
);
CREATE INDEX org_pull_company ON org_pull (company_id, started_at, id);
-- One pull of a company at a time.
CREATE UNIQUE INDEX org_pull_running ON org_pull (company_id) WHERE status = 'running';

-- What a pull has read. State: open until the departments below are known,
-- then members, read from next_cursor on, then done; unread where it could
-- not be read. Removed when the pull ends.
CREATE TABLE org_pull_unit (
  pull_id     {{key}} NOT NULL REFERENCES org_pull (id) ON DELETE CASCADE,
  remote_id   {{key}} NOT NULL,
  parent      text    NOT NULL,
  name        text    NOT NULL,
  code        text    NOT NULL DEFAULT '',
  position    bigint  NOT NULL,
  level       bigint  NOT NULL,
  state       text    NOT NULL,
  next_cursor text    NOT NULL DEFAULT '',
  PRIMARY KEY (pull_id, remote_id)
) {{clustered}};
CREATE INDEX org_pull_unit_open ON org_pull_unit (pull_id, level, remote_id) WHERE state IN ('open', 'members');

CREATE TABLE org_pull_member (
  pull_id    {{key}} NOT NULL REFERENCES org_pull (id) ON DELETE CASCADE,
  remote_id  {{key}} NOT NULL,
  record     text    NOT NULL,
  supervisor text,
  PRIMARY KEY (pull_id, remote_id)
) {{clustered}};

CREATE TABLE org_pull_seat (
  pull_id   {{key}} NOT NULL REFERENCES org_pull (id) ON DELETE CASCADE,
  unit      {{key}} NOT NULL,
  member    {{key}} NOT NULL,
  position  bigint  NOT NULL,
  leader    boolean NOT NULL,
  main      boolean NOT NULL,
  PRIMARY KEY (pull_id, unit, member)
) {{clustered}};

-- Records that a whole read has not seen, looked for one by one.
CREATE TABLE org_pull_missing (
  pull_id   {{key}} NOT NULL REFERENCES org_pull (id) ON DELETE CASCADE,
  kind      {{key}} NOT NULL,
  remote_id {{key}} NOT NULL,
  gone      boolean NOT NULL,
  PRIMARY KEY (pull_id, kind, remote_id)
) {{clustered}};

-- Our own ids of departments and members. Never removed: who returns gets
-- the id of before.
CREATE TABLE org_identity (
  id         {{serial}},
  company_id bigint  NOT NULL,
  origin     {{key}} NOT NULL,
  kind       {{key}} NOT NULL,
  remote_id  {{key}} NOT NULL,
  UNIQUE (company_id, origin, kind, remote_id)
);

-- The organisation as each completed pull left it. A row of org_unit,
-- org_member and org_membership is true from its version since up to, not
-- including, until; of the newest version where until is null.
CREATE TABLE org_version (
  company_id      bigint  NOT NULL,
  origin          {{key}} NOT NULL,
  version         bigint  NOT NULL,
  pull_id         {{key}} NOT NULL,
  at              {{time}} NOT NULL,
  units           bigint  NOT NULL,
  members         bigint  NOT NULL,
  units_removed   bigint  NOT NULL,
  members_removed bigint  NOT NULL,
  PRIMARY KEY (company_id, origin, version)
);

CREATE TABLE org_unit (
  id            bigint  NOT NULL,
  since_version bigint  NOT NULL,
  until_version bigint,
  company_id    bigint  NOT NULL,
  origin        {{key}} NOT NULL,
  remote_id     {{key}} NOT NULL,
  parent_id     bigint  NOT NULL,
  name          text    NOT NULL,
  code          {{key}} NOT NULL,
  position      bigint  NOT NULL,
  PRIMARY KEY (id, since_version)
);
CREATE INDEX org_unit_company ON org_unit (company_id, origin, since_version);
CREATE INDEX org_unit_parent ON org_unit (parent_id) WHERE until_version IS NULL;

CREATE TABLE org_member (
  id            bigint  NOT NULL,
  since_version bigint  NOT NULL,
  until_version bigint,
  company_id    bigint  NOT NULL,
  origin        {{key}} NOT NULL,
  remote_id     {{key}} NOT NULL,
  job_number    {{key}} NOT NULL,
  name          text    NOT NULL,
  title         text    NOT NULL,
  mobile        text    NOT NULL,
  supervisor    {{key}} NOT NULL,
  active        boolean NOT NULL,
  PRIMARY KEY (id, since_version)
);
CREATE INDEX org_member_company ON org_member (company_id, origin, since_version);
CREATE INDEX org_member_number ON org_member (company_id, origin, job_number) WHERE until_version IS NULL;
CREATE INDEX org_member_remote ON org_member (company_id, origin, remote_id) WHERE until_version IS NULL;

CREATE TABLE org_membership (
  unit_id       bigint  NOT NULL,
  member_id     bigint  NOT NULL,
  since_version bigint  NOT NULL,
  until_version bigint,
  company_id    bigint  NOT NULL,
  origin        {{key}} NOT NULL,
  position      bigint  NOT NULL,
  leader        boolean NOT NULL,
  main          boolean NOT NULL,
  PRIMARY KEY (unit_id, member_id, since_version)
);
CREATE INDEX org_membership_company ON org_membership (company_id, origin, since_version);
CREATE INDEX org_membership_member ON org_membership (member_id) WHERE until_version IS NULL;

-- +goose Down
DROP TABLE org_membership;
DROP TABLE org_member;
DROP TABLE org_unit;
DROP TABLE org_version;
DROP TABLE org_identity;
DROP TABLE org_pull_missing;
DROP TABLE org_pull_seat;
DROP TABLE org_pull_member;
DROP TABLE org_pull_unit;
DROP TABLE org_pull;
