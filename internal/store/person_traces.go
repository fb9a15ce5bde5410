package store

// trace is where a table holds something about people. Conditions and
// assignments have words in braces that person.expand replaces:
//
//	{company}                  the company's id
//	{source:col}               col is one of the person's source ids
//	{account:consumer,id}      the two columns name one of their accounts
//	{code:col}                 col is one of their user codes
//	{flows:col}                col is one of the flows they take part in
//	{alias:col}                col, or what stands in its place after the erasure
type trace struct {
	others  bool // the rows are others', who lose an id of the person
	table   string
	about   string   // the person's own rows; empty: there are none
	clear   string   // what an erasure assigns to them; empty: it removes them
	tells   []string // columns of own rows that tell names and numbers
	names   []string // columns of own rows that are a name
	numbers []string // columns of own rows that are a number
	// Rows of others, or of nobody, may name the person in these columns.
	mentions []string
	company  string   // the company's rows, where mentions are looked for
	affairs  string   // rows of a flow that the person takes part in
	key      []string // of the table, where there are mentions
	why      string   // why nothing of a person is in the table, or is left there
}

const (
	ofCompany  = `company_id = {company}`
	ofRun      = `run_id IN (SELECT id FROM sync_run WHERE company_id = {company})`
	ofPull     = `pull_id IN (SELECT id FROM org_pull WHERE company_id = {company})`
	asPerson   = `kind = 'person' AND {source:source_id}`
	asAccount  = `kind = 'person' AND {account:consumer,consumer_id}`
	ofSnapshot = `snapshot_id IN (SELECT id FROM snapshot WHERE company_id = {company} AND kind = 'person')`
	inFlows    = `{flows:flow_no}`
)

func without(table, why string) trace { return trace{table: table, why: why} }

// traces lists every table. A test compares it with the schema: who adds a
// table decides what of a person it holds.
var traces = []trace{
	{table: "sync_run", mentions: []string{"job", "notes:json", "paused:json", "error:json"}, company: ofCompany, key: []string{"id"}},
	{table: "sync_plan", mentions: []string{"content"}, company: ofRun, key: []string{"run_id"}},
	{table: "sync_change", about: asPerson + ` AND ` + ofRun, tells: []string{"payload", "before_payload", "fields"},
		clear: `source_id = {alias:source_id}, consumer_id = {alias:consumer_id}, fields = '', payload = '', before_payload = '',
			hash = '', base_hash = '', reason = 'erased', note = '', error = NULL, in_flight = false`,
		mentions: []string{"fields", "payload", "before_payload", "reason", "note", "error:json"}, company: ofRun, key: []string{"run_id", "id"}},
	{table: "provisioning_log", about: ofCompany + ` AND ` + asPerson, tells: []string{"request"},
		clear:    `source_id = {alias:source_id}, consumer_id = {alias:consumer_id}, request = '', message = ''`,
		mentions: []string{"request", "message"}, company: ofCompany, key: []string{"id"}},
	{table: "record_failure", about: ofCompany + ` AND ` + asPerson,
		mentions: []string{"message"}, company: ofCompany, key: []string{"company_id", "consumer", "kind", "source_id"}},
	{table: "binding", about: ofCompany + ` AND ` + asPerson, tells: []string{"payload"},
		why: "what others have now is changed by syncs alone"},
	{table: "base_sync_data", about: `{source:source_id} AND ` + ofSnapshot, tells: []string{"record", "raw"},
		why: "what was read of others stays as it was read, until the next reads replace it"},
	without("snapshot", "counts"),
	without("remote_read", "counts"),
	without("remote_queue", "departments"),
	{table: "remote_record", about: `kind = 'person' AND EXISTS (SELECT 1 FROM sync_run r WHERE r.id = remote_record.run_id AND r.company_id = {company}
		AND {account:r.consumer,remote_record.consumer_id})`, tells: []string{"fields"}, why: "removed when the plan is made"},
	without("push_task", "counts"),
	{table: "push_record", about: asPerson + ` AND ` + ofRun},
	without("import_job", "ids of jobs"),
	without("target_wait", "ids of runs"),
	without("target_hold", "ids of runs"),
	without("rate_budget", "names of targets"),
	without("idempotency_key", "ids of runs"),
	{table: "contact_event", about: ofCompany + ` AND ` + asAccount},
	{table: "audit_log", about: ofCompany + ` AND {code:who}`, clear: `who = {alias:who}, origin = ''`,
		mentions: []string{"subject", "detail"}, company: ofCompany, key: []string{"id"}},
	{table: "api_session", about: ofCompany + ` AND {account:origin,user_id}`, names: []string{"name"}},
	without("signin_attempt", "hashes"),

	{table: "org_pull", mentions: []string{"notes:json", "error:json", "cause"}, company: ofCompany, key: []string{"id"}},
	without("org_pull_unit", "departments"),
	{table: "org_pull_member", about: accountOfPull("org_pull_member", "remote_id"), tells: []string{"record"}},
	{table: "org_pull_seat", about: accountOfPull("org_pull_seat", "member")},
	{table: "org_pull_missing", about: `kind = 'person' AND ` + accountOfPull("org_pull_missing", "remote_id")},
	{table: "org_identity", about: ofCompany + ` AND kind = 'person' AND {account:origin,remote_id}`, clear: `remote_id = {alias:remote_id}`},
	without("org_version", "counts"),
	without("org_unit", "departments"),
	{table: "org_member", about: ofCompany + ` AND {account:origin,remote_id}`, names: []string{"name"}, numbers: []string{"mobile"},
		clear: `remote_id = {alias:remote_id}, job_number = {alias:job_number}, name = '', title = '', mobile = '', supervisor = '', search = ''`},
	{table: "org_member", others: true, about: ofCompany + ` AND {account:origin,supervisor}`, clear: `supervisor = {alias:supervisor}`},
	without("org_membership", "orgflow's own numbers"),

	without("flow_definition", "versions never change; publish one that does not name the person"),
	without("flow_serial", "numbers"),
	{table: "flow_instance", about: ofCompany + ` AND {code:initiator}`, names: []string{"initiator_name"},
		clear:    `initiator = {alias:initiator}, initiator_name = '', initiator_dept = ''`,
		mentions: []string{"title", "state_doc", "answer"}, company: ofCompany, affairs: `{flows:no}`, key: []string{"company_id", "no"}},
	without("flow_node_visit", "names of nodes"),
	{table: "flow_task", about: ofCompany + ` AND {code:user_code}`, names: []string{"user_name"}, clear: `user_code = {alias:user_code}, user_name = ''`},
	{table: "flow_audit", about: `company_id IN (0, {company}) AND {code:user_code}`, names: []string{"user_name"}, clear: `user_code = {alias:user_code}, user_name = NULL`,
		mentions: []string{"target_users:json", "opinion", "attachments:json"}, company: `company_id IN (0, {company})`, affairs: inFlows, key: []string{"id"}},
	{table: "flow_event", about: ofCompany + ` AND {code:actor}`, names: []string{"actor_name"}, clear: `actor = {alias:actor}, actor_name = ''`,
		mentions: []string{"data"}, company: ofCompany, affairs: inFlows, key: []string{"company_id", "flow_no", "rev", "n"}},
	{table: "board_row", mentions: []string{"body"}, company: ofCompany, key: []string{"company_id", "board", "data_id"},
		affairs: `data_id IN (SELECT data_id FROM flow_instance f WHERE f.company_id = {company} AND {flows:f.no})`},
	{table: "board_task", about: ofCompany + ` AND {code:assignee}`, clear: `assignee = {alias:assignee}`,
		mentions: []string{"title", "body"}, company: ofCompany, key: []string{"company_id", "task_no"}},
	{table: "outbox", about: ofCompany + ` AND {code:to_user}`,
		mentions: []string{"body", "note", "dedup_key"}, company: ofCompany, affairs: inFlows, key: []string{"id"}},
	{table: "absence", about: ofCompany + ` AND ({code:user_code} OR {code:agent})`},

	without("notice", "ids of runs and flows"),
	without("notice_topic", "ids of runs and flows"),

	without("erp_form", "names of forms"),
	without("erp_run", "counts"),
	without("erp_window", "counts"),
	without("erp_seen", "keys of bills"),
}

func accountOfPull(table, id string) string {
	return `EXISTS (SELECT 1 FROM org_pull p WHERE p.id = ` + table + `.pull_id AND p.company_id = {company} AND {account:p.origin,` + table + `.` + id + `})`
}
