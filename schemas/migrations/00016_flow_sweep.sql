-- +goose Up

-- The id of a flow's workflow, given at launch and never changed, so that a
-- second company in the configuration does not rename what runs.
ALTER TABLE flow_instance ADD COLUMN workflow_id {{key}} NOT NULL DEFAULT '';
CREATE UNIQUE INDEX flow_instance_workflow ON flow_instance (workflow_id) WHERE workflow_id <> '';
-- What a sweep looks for: deadlines that nobody has kept, and nodes whose
-- call or child nobody waits for.
CREATE INDEX flow_instance_wake ON flow_instance (next_wake) WHERE next_wake IS NOT NULL;
CREATE INDEX flow_node_visit_errand ON flow_node_visit (entered_at) WHERE state = 'ACTIVE' AND type IN ('subflow', 'trigger');

-- What the call that brought a decision asked for beside it; written before
-- the call is passed on, so that whoever carries the decision out knows.
ALTER TABLE flow_audit ADD COLUMN next_node_seq bigint;
ALTER TABLE flow_audit ADD COLUMN task_depts {{json}};

-- Urges are throttled in the flow's state, which one step at a time changes.
ALTER TABLE flow_task DROP COLUMN urge_key;
ALTER TABLE flow_task DROP COLUMN urge_day;
ALTER TABLE flow_task DROP COLUMN day_urges;

-- +goose Down
ALTER TABLE flow_task ADD COLUMN urge_key text NOT NULL DEFAULT '';
ALTER TABLE flow_task ADD COLUMN urge_day text NOT NULL DEFAULT '';
ALTER TABLE flow_task ADD COLUMN day_urges bigint NOT NULL DEFAULT 0;
ALTER TABLE flow_audit DROP COLUMN task_depts;
ALTER TABLE flow_audit DROP COLUMN next_node_seq;
DROP INDEX flow_node_visit_errand;
DROP INDEX flow_instance_wake;
DROP INDEX flow_instance_workflow;
ALTER TABLE flow_instance DROP COLUMN workflow_id;
