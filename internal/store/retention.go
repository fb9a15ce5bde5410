package store

import (
	"fmt"

	"orgflow"
)

// Fixed spans that no setting changes: nobody has a use for older rows.
const (
	keysKept    = 7  // days: a caller repeats a request within minutes
	eventsKept  = 30 // days: a consumer repeats a delivery within hours
	signInsKept = 1  // day after they ended
)

// forever, withParent and days are how long rows live.
type life struct {
	table string
	days  func(orgflow.Retention) int // nil: for ever, or with the parent
	with  string                      // table of the rows they go with
	since string                      // what days count from, or why for ever
}

func forever(table, why string) life       { return life{table: table, since: why} }
func withParent(table, parent string) life { return life{table: table, with: parent} }
func after(table string, days func(orgflow.Retention) int, since string) life {
	return life{table: table, days: days, since: since}
}
func fixed(days int) func(orgflow.Retention) int {
	return func(orgflow.Retention) int { return days }
}

func ofRuns(r orgflow.Retention) int         { return r.Runs }
func ofOrganisation(r orgflow.Retention) int { return r.Organisation }

// lives is how long the rows of every table are kept. A test compares it with
// the schema: who adds a table decides here.
var lives = []life{
	after("sync_run", ofRuns, "the run ended; never one that is live, has a call of unknown outcome, or proves the filter of the next"),
	withParent("sync_plan", "sync_run"),
	withParent("sync_change", "sync_run"),
	withParent("snapshot", "sync_run"),
	after("base_sync_data", func(r orgflow.Retention) int { return r.Staged }, "the run ended; the last complete read of a service stays"),
	withParent("remote_read", "sync_run"),
	withParent("remote_queue", "sync_run"),
	withParent("remote_record", "sync_run"),
	withParent("push_task", "sync_run"),
	withParent("push_record", "sync_run"),
	withParent("import_job", "sync_run"),
	withParent("target_wait", "sync_run"),
	forever("binding", "which record of a consumer is whose; goes when the record is deleted there"),
	forever("target_hold", "one row per target, so that fences never repeat"),
	forever("rate_budget", "one row per target"),
	after("record_failure", ofRuns, "the record failed last"),
	after("provisioning_log", func(r orgflow.Retention) int { return r.Log }, "the attempt"),
	after("audit_log", func(r orgflow.Retention) int { return r.Audit }, "the deed"),
	after("idempotency_key", fixed(keysKept), "the call"),
	after("contact_event", fixed(eventsKept), "it came; never one that nobody has dealt with"),
	after("api_session", fixed(signInsKept), "it ended"),
	after("signin_attempt", fixed(signInsKept), "it ended"),

	after("org_pull", ofRuns, "the pull ended"),
	withParent("org_pull_unit", "org_pull"),
	withParent("org_pull_member", "org_pull"),
	withParent("org_pull_seat", "org_pull"),
	withParent("org_pull_missing", "org_pull"),
	forever("org_identity", "numbers for ids: who returns gets the number of before"),
	after("org_version", ofOrganisation, "a newer version replaced it"),
	after("org_unit", ofOrganisation, "a newer version replaced it"),
	after("org_member", ofOrganisation, "a newer version replaced it"),
	after("org_membership", ofOrganisation, "a newer version replaced it"),

	forever("flow_definition", "running and past flows refer to their version"),
	forever("flow_serial", "numbers are given once"),
	after("flow_instance", func(r orgflow.Retention) int { return r.Flows }, "the flow ended; never one that is open, or below one that is"),
	withParent("flow_node_visit", "flow_instance"),
	withParent("flow_task", "flow_instance"),
	withParent("flow_audit", "flow_instance"),
	withParent("flow_event", "flow_instance"),
	forever("board_row", "the boards' own rows"),
	forever("board_task", "the boards' own rows"),
	after("outbox", func(r orgflow.Retention) int { return r.Messages }, "it was settled; never one that is to be sent"),
	after("absence", ofRuns, "it ended"),
	forever("notice", "what operators are to be told; goes when they have been"),
	after("notice_topic", ofRuns, "it was told last; never one that still goes on, or says how many runs of a schedule were missed"),

	forever("erp_form", "whose a local table is"),
	after("erp_run", ofRuns, "the load ended; the last that opened a table stays"),
	withParent("erp_window", "erp_run"),
	withParent("erp_seen", "erp_run"),
}

// Tables tells, for every table, how long its rows are kept, in the order of
// subjects. Tables of ERP forms are not among them: their rows are kept for
// ever.
func Tables(r orgflow.Retention) []orgflow.TableLife {
	out := make([]orgflow.TableLife, len(lives))
	for i, l := range lives {
		out[i] = orgflow.TableLife{Table: l.table, Kept: l.kept(r), Since: l.since}
	}
	return out
}

func (l life) kept(r orgflow.Retention) string {
	switch {
	case l.with != "":
		return "with " + l.with
	case l.days == nil || l.days(r) == 0:
		return "for ever"
	case l.days(r) == 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", l.days(r))
}
