-- +goose Up

-- Published approval flows. A row never changes; the next version is a new
-- row. body is text on both databases: its bytes are hashed.
CREATE TABLE flow_definition (
  company_id   bigint  NOT NULL,
  code         {{key}} NOT NULL,
  version      bigint  NOT NULL,
  name         text    NOT NULL,
  body         text    NOT NULL,
  sha256       text    NOT NULL,
  published_at {{time}} NOT NULL,
  published_by text    NOT NULL,
  PRIMARY KEY (company_id, code, version)
);

-- The last serial of a code in a period: its row is locked from the bump to
-- the commit of the flow that has the number, so that no number is left out.
CREATE TABLE flow_serial (
  company_id bigint  NOT NULL,
  code       {{key}} NOT NULL,
  period     {{key}} NOT NULL,
  last       bigint  NOT NULL,
  PRIMARY KEY (company_id, code, period)
) {{clustered}};

-- One approval flow. state_doc is its whole state, opaque here; the other
-- columns are for queries and are written in the same transaction. A step
-- moves state_rev by one; step_key and answer are those of the last step.
-- uniq_key is data_id where one flow per form row is allowed.
CREATE TABLE flow_instance (
  company_id     bigint  NOT NULL,
  no             {{key}} NOT NULL,
  code           {{key}} NOT NULL,
  version        bigint  NOT NULL,
  data_id        {{key}} NOT NULL,
  uniq_key       {{key}},
  title          text    NOT NULL,
  initiator      {{key}} NOT NULL,
  initiator_name text    NOT NULL,
  initiator_dept text    NOT NULL,
  state          text    NOT NULL CHECK (state IN ('STARTING', 'RUNNING', 'RETURNED', 'APPROVED', 'REJECTED', 'DISCARDED', 'FAULTED')),
  round          bigint  NOT NULL DEFAULT 1,
  state_rev      bigint  NOT NULL DEFAULT 0,
  state_doc      text    NOT NULL,
  step_key       text    NOT NULL DEFAULT '',
  answer         text    NOT NULL DEFAULT '',
  next_wake      {{time}},
  started_at     {{time}} NOT NULL,
  closed_at      {{time}},
  PRIMARY KEY (company_id, no),
  UNIQUE (company_id, code, uniq_key)
);
CREATE INDEX flow_instance_no ON flow_instance (no);
CREATE INDEX flow_instance_started ON flow_instance (started_at, company_id, no);
CREATE INDEX flow_instance_code ON flow_instance (company_id, code, started_at, no);
CREATE INDEX flow_instance_data ON flow_instance (company_id, data_id);
CREATE INDEX flow_instance_initiator ON flow_instance (company_id, initiator, started_at, no);
CREATE INDEX flow_instance_starting ON flow_instance (started_at) WHERE state = 'STARTING';

-- A node that was entered once; the same node may be entered again. Ids are
-- dense per flow.
CREATE TABLE flow_node_visit (
  company_id bigint  NOT NULL,
  flow_no    {{key}} NOT NULL,
  id         bigint  NOT NULL,
  round      bigint  NOT NULL,
  node_seq   bigint  NOT NULL,
  type       text    NOT NULL,
  name       text    NOT NULL,
  state      text    NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'PASSED', 'REJECTED', 'RETURNED', 'SKIPPED', 'TIMED_OUT', 'CANCELLED')),
  cause      text    NOT NULL,
  entered_at {{time}},
  left_at    {{time}},
  PRIMARY KEY (company_id, flow_no, id),
  FOREIGN KEY (company_id, flow_no) REFERENCES flow_instance (company_id, no)
) {{clustered}};
CREATE INDEX flow_node_visit_active ON flow_node_visit (company_id, flow_no) WHERE state = 'ACTIVE';

-- One person's part of one visit. Ids are dense per flow. The urge columns
-- throttle reminders over all processes: urge_key is the last urge that was
-- granted, urge_day the day that day_urges counts.
CREATE TABLE flow_task (
  company_id    bigint  NOT NULL,
  flow_no       {{key}} NOT NULL,
  id            bigint  NOT NULL,
  visit         bigint  NOT NULL,
  round         bigint  NOT NULL,
  node_seq      bigint  NOT NULL,
  kind          text    NOT NULL,
  user_code     {{key}} NOT NULL,
  user_name     text    NOT NULL,
  state         text    NOT NULL CHECK (state IN ('WAITING', 'ACTIVE', 'APPROVED', 'REJECTED', 'RETURNED', 'TRANSFERRED', 'DELEGATED', 'DONE_BY_OTHERS', 'TIMED_OUT', 'CANCELLED')),
  cause         text    NOT NULL,
  opened_at     {{time}},
  done_at       {{time}},
  due_at        {{time}},
  last_urged_at {{time}},
  urges         bigint  NOT NULL DEFAULT 0,
  urge_key      text    NOT NULL DEFAULT '',
  urge_day      text    NOT NULL DEFAULT '',
  day_urges     bigint  NOT NULL DEFAULT 0,
  PRIMARY KEY (company_id, flow_no, id),
  FOREIGN KEY (company_id, flow_no) REFERENCES flow_instance (company_id, no)
) {{clustered}};
CREATE INDEX flow_task_open ON flow_task (company_id, user_code, flow_no) WHERE state = 'ACTIVE';

-- Decisions. The board inserts the first part and never changes it; the
-- service writes the second part, once. company_id 0 means the only company
-- that has a flow of the number. Ids are handed out at the insert, not at
-- the commit: what is new is what has no applied_at, never a larger id.
CREATE TABLE flow_audit (
  id           {{serial}},
  company_id   bigint  NOT NULL DEFAULT 0,
  flow_no      {{key}} NOT NULL,
  round        bigint  NOT NULL DEFAULT 1,
  node_seq     bigint  NOT NULL,
  task_id      bigint,
  user_code    {{key}} NOT NULL,
  user_name    text,
  decision     text    NOT NULL CHECK (decision IN ('approve', 'reject', 'return', 'transfer', 'delegate', 'resolve', 'add_sign', 'remove_sign')),
  target_seq   bigint,
  target_users {{json}},
  opinion      text,
  attachments  {{json}} NOT NULL DEFAULT '[]',
  form_rev     bigint,
  created_at   {{time}} NOT NULL DEFAULT {{now}},
  applied_rev  bigint,
  applied_at   {{time}},
  outcome      text CHECK (outcome IN ('applied', 'ignored_late', 'ignored_not_assignee', 'ignored_duplicate', 'invalid'))
);
CREATE INDEX flow_audit_pending ON flow_audit (flow_no, id) WHERE applied_at IS NULL;
CREATE INDEX flow_audit_waiting ON flow_audit (created_at) WHERE applied_at IS NULL;
CREATE INDEX flow_audit_flow ON flow_audit (flow_no, applied_at);
-- One effective verdict per task.
CREATE UNIQUE INDEX flow_audit_verdict ON flow_audit (company_id, flow_no, task_id)
  WHERE outcome = 'applied' AND decision IN ('approve', 'reject', 'return');

-- The timeline: the events of each step, in order.
CREATE TABLE flow_event (
  company_id bigint  NOT NULL,
  flow_no    {{key}} NOT NULL,
  rev        bigint  NOT NULL,
  n          bigint  NOT NULL,
  type       text    NOT NULL,
  round      bigint  NOT NULL,
  node_seq   bigint,
  visit      bigint,
  task_id    bigint,
  actor      {{key}} NOT NULL,
  actor_name text    NOT NULL,
  at         {{time}} NOT NULL,
  data       text    NOT NULL,
  PRIMARY KEY (company_id, flow_no, rev, n),
  FOREIGN KEY (company_id, flow_no) REFERENCES flow_instance (company_id, no)
) {{clustered}};

-- Form rows as boards store them. body is text: numbers stay as written.
CREATE TABLE board_row (
  company_id bigint  NOT NULL,
  board      {{key}} NOT NULL,
  data_id    {{key}} NOT NULL,
  rev        bigint  NOT NULL,
  body       text    NOT NULL,
  updated_at {{time}} NOT NULL,
  PRIMARY KEY (company_id, board, data_id)
);

-- Tasks of boards, whose assignees are told when they are submitted.
CREATE TABLE board_task (
  company_id   bigint  NOT NULL,
  task_no      {{key}} NOT NULL,
  rev          bigint  NOT NULL,
  status       text    NOT NULL,
  assignee     {{key}} NOT NULL,
  title        text    NOT NULL,
  body         text    NOT NULL,
  submitted_at {{time}},
  updated_at   {{time}} NOT NULL,
  PRIMARY KEY (company_id, task_no)
);

-- Messages to people. A row is written with what causes it and is sent, in
-- the order of its id within (company, channel, subject, receiver), until
-- it is settled. body is what is sent, so that a retry is byte-identical.
-- tries counts leases and is the fence of the newest one. next_at is when a
-- pending row may be leased, null at once, or when to ask for a sent row's
-- result.
CREATE TABLE outbox (
  id          {{serial}},
  company_id  bigint  NOT NULL,
  dedup_key   {{key}} NOT NULL,
  channel     {{key}} NOT NULL,
  to_user     {{key}} NOT NULL,
  subject     {{key}} NOT NULL,
  kind        text    NOT NULL,
  flow_no     {{key}} NOT NULL DEFAULT '',
  task_id     bigint,
  body        text    NOT NULL,
  state       text    NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'sent', 'delivered', 'dropped', 'dead', 'superseded')),
  tries       bigint  NOT NULL DEFAULT 0,
  next_at     {{time}},
  leased_by   text    NOT NULL DEFAULT '',
  leased_till {{time}},
  provider_id text    NOT NULL DEFAULT '',
  note        text    NOT NULL DEFAULT '',
  created_at  {{time}} NOT NULL,
  sent_at     {{time}},
  settled_at  {{time}},
  UNIQUE (company_id, dedup_key)
);
CREATE INDEX outbox_pending ON outbox (channel, id) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (company_id, channel, subject, to_user, id) WHERE state = 'pending';
CREATE INDEX outbox_sent ON outbox (channel, next_at) WHERE state = 'sent';
CREATE INDEX outbox_flow ON outbox (company_id, flow_no, id);
CREATE INDEX outbox_person ON outbox (company_id, channel, to_user, sent_at) WHERE sent_at IS NOT NULL;

-- Who stands in for whom, from one instant until before another. flows lists
-- the codes it holds for, [] for all.
CREATE TABLE absence (
  id         {{serial}},
  company_id bigint  NOT NULL,
  user_code  {{key}} NOT NULL,
  agent      {{key}} NOT NULL,
  from_at    {{time}} NOT NULL,
  till_at    {{time}} NOT NULL CHECK (till_at > from_at),
  flows      text    NOT NULL,
  updated_at {{time}} NOT NULL,
  UNIQUE (company_id, user_code, agent, from_at)
);
CREATE INDEX absence_begin ON absence (company_id, from_at);

-- +goose Down
DROP TABLE absence;
DROP TABLE outbox;
DROP TABLE board_task;
DROP TABLE board_row;
DROP TABLE flow_event;
DROP TABLE flow_audit;
DROP TABLE flow_task;
DROP TABLE flow_node_visit;
DROP TABLE flow_instance;
DROP TABLE flow_serial;
DROP TABLE flow_definition;
