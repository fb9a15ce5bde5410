package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// Somebody who has left, and all that tells them from others.
const (
	herName   = "王测试"
	herMobile = "10012345678"
	herCard   = "TEST-110101-0007"
	herMail   = "e7@test.example"
	herUser   = "E-TEST-7"
	herSource = "90017001"
	// herBirthday is hers and many others': it goes with her own rows only.
	herBirthday = "1990-02-07"
	herFields   = `{"fields":{"birthday":"` + herBirthday + `","name":"` + herName + `","mobile":"` + herMobile + `","email":"` + herMail + `","id_card":"` + herCard + `"}}`
)

var traitsOfHers = []string{herName, herMobile, herCard, herMail, herUser, herSource}

// leaver puts something of her into every table that can hold it, beside what
// belongs to others, as it stands when she has left and the next read, sync
// and pull have ended.
func leaver(t testing.TB, s *store.Store, company int) {
	t.Helper()
	_, columns := tablesOf(t, s)
	run, flow, pull := fmt.Sprint("run-", company), fmt.Sprint("F-", company), fmt.Sprint("pull-", company)
	one := func(table string, given columnsOf) {
		t.Helper()
		for col, value := range map[string]any{"company_id": company, "consumer": "ding_talk", "origin": "ding_talk", "run_id": run, "kind": "person", "status": "completed"} {
			if _, ok := given[col]; !ok && slices.ContainsFunc(columns[table], func(c schemaColumn) bool { return c.Name == col }) {
				given[col] = value
			}
		}
		put(t, s, columns, table, fresh, given)
	}
	saying := func(what string) string { return what + " " + strings.Join(traitsOfHers, ", ") }
	notes, _ := json.Marshal([]string{saying("canceled by")})
	one("sync_run", columnsOf{"id": run, "first_run_id": run, "notes": string(notes), "job": `{"params":{"source_ids":["person:` + herSource + `"]}}`})
	one("sync_plan", columnsOf{"content": string(notes)})
	for n, id := range []int{company * 10, company*10 + 1} {
		one("snapshot", columnsOf{"id": id, "service": fmt.Sprint("person_new", n), "complete": n == 1})
		one("base_sync_data", columnsOf{"snapshot_id": id, "source_id": "1002", "record": `{"name":"李同事"}`})
	}
	one("base_sync_data", columnsOf{"snapshot_id": company * 10, "source_id": herSource, "record": `{"name":"` + herName + `","mobile":` + herMobile + `,"identity_card":"` + herCard + `"}`, "raw": herFields})
	one("binding", columnsOf{"source_id": "1002", "consumer_id": "E1002", "payload": `{"fields":{"name":"李同事"}}`})
	one("sync_change", columnsOf{"id": 1, "source_id": herSource, "consumer_id": herUser, "op": "insert", "state": "done", "payload": herFields, "before_payload": herFields, "depends_on": "",
		"fields": `{"mobile":{"before":"` + herMobile + `","after":"10000000001"}}`, "reason": saying("new"), "note": saying("")})
	one("sync_change", columnsOf{"id": 2, "source_id": "1002", "consumer_id": "E1002", "op": "update", "state": "done", "depends_on": "",
		"payload": `{"fields":{"manager":"@person:` + herSource + `","phone":` + herMobile + `}}`, "reason": "reported to " + herUser, "fields": "", "error": `{"message":"` + herUser + ` ` + herName + `"}`})
	one("provisioning_log", columnsOf{"source_id": herSource, "consumer_id": herUser, "request": herFields, "message": saying("taken")})
	one("provisioning_log", columnsOf{"source_id": "1002", "consumer_id": "E1002", "request": "{}", "message": "the number belongs to " + herUser + ", not to " + herUser + "0"})
	one("record_failure", columnsOf{"source_id": herSource, "message": saying("failed")})
	one("remote_read", columnsOf{})
	one("remote_record", columnsOf{"consumer_id": herUser, "fields": herFields, "key": herUser})
	one("push_task", columnsOf{})
	one("push_record", columnsOf{"source_id": herSource, "consumer_id": herUser, "fault": saying("refused")})
	one("contact_event", columnsOf{"event_id": run, "consumer_id": herUser, "state": "taken"})
	one("audit_log", columnsOf{"who": herUser, "detail": "because", "origin": "192.0.2.7"})
	one("audit_log", columnsOf{"who": "E1002", "detail": saying("asked by")})
	one("api_session", columnsOf{"id": run, "user_id": herUser, "name": herName})
	one("org_pull", columnsOf{"id": pull, "first_run_id": pull, "notes": string(notes), "cause": saying("")})
	for table, col := range map[string]string{"org_pull_member": "remote_id", "org_pull_seat": "member", "org_pull_missing": "remote_id"} {
		one(table, columnsOf{"pull_id": pull, col: herUser, "record": herFields})
	}
	one("org_identity", columnsOf{"remote_id": herUser})
	one("org_member", columnsOf{"id": company * 10, "until_version": 2, "remote_id": herUser, "job_number": herUser, "name": herName, "mobile": herMobile, "search": saying("")})
	one("org_member", columnsOf{"id": company*10 + 1, "remote_id": "E1002", "job_number": "E1002", "name": "李同事", "supervisor": herUser})
	one("flow_instance", columnsOf{"no": flow, "workflow_id": flow, "uniq_key": flow, "data_id": flow, "initiator": herUser, "initiator_name": herName, "state": "APPROVED",
		"title": herName + "的请假", "state_doc": `{"initiator":"` + herUser + `"}`, "answer": ""})
	for n, user := range []string{herUser, "E1002"} {
		name := map[string]string{herUser: herName, "E1002": "李同事"}[user]
		one("flow_task", columnsOf{"flow_no": flow, "id": n + 1, "user_code": user, "user_name": name})
		one("flow_event", columnsOf{"flow_no": flow, "rev": n + 1, "actor": user, "actor_name": name, "data": `{"to":["` + herUser + `"]}`})
		one("flow_audit", columnsOf{"flow_no": flow, "task_id": n + 1, "user_code": user, "user_name": name, "opinion": "agreed with " + herName,
			"target_users": `["` + herUser + `"]`, "attachments": "[]", "task_depts": "[]"})
		one("outbox", columnsOf{"flow_no": flow, "dedup_key": flow + ":" + user, "to_user": user, "body": herName + " asks", "state": "delivered"})
	}
	one("board_row", columnsOf{"board": flow, "data_id": flow, "body": `{"applicant":"` + herName + `","days":2}`})
	one("board_task", columnsOf{"task_no": flow, "assignee": herUser, "title": "call " + herUser, "body": `{"who":"` + herUser + `"}`})
	one("absence", columnsOf{"user_code": "E1002", "agent": herUser})
}

// found lists where a text stands in the database.
func found(t testing.TB, s *store.Store, text string) (places []string) {
	t.Helper()
	order, columns := tablesOf(t, s)
	for _, table := range order {
		for _, row := range contents(t, s, table, columns[table]) {
			if strings.Contains(row, text) {
				places = append(places, table+": "+row)
			}
		}
	}
	return places
}

// everyRow is the whole database as text.
func everyRow(t testing.TB, s *store.Store) map[string][]string {
	t.Helper()
	order, columns := tablesOf(t, s)
	all := map[string][]string{}
	for _, table := range order {
		all[table] = contents(t, s, table, columns[table])
	}
	return all
}

func eraseHer(force bool) orgflow.EraseRequest {
	return orgflow.EraseRequest{CompanyID: 129, Ref: herUser, By: "E9", Reason: "asked for by " + herName, Force: force}
}

func TestEveryTableHasATrace(t *testing.T) {
	s := openMigrated(t, databases["sqlite"](t))
	order, _ := tablesOf(t, s)
	slices.Sort(order)
	if d := cmp.Diff(order, slices.Compact(slices.Sorted(slices.Values(store.Traced())))); d != "" {
		t.Errorf("schema and list of traces differ (-schema +list):\n%s", d)
	}
}

// After an erasure nothing in the database tells of her, and nothing of
// anybody else, of her namesake in another company above all, is different.
func TestAnErasedPersonIsNowhere(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		leaver(t, s, 130)
		others := everyRow(t, s)
		leaver(t, s, 129)
		before := everyRow(t, s)

		r := eraseHer(false)
		r.DryRun = true
		dry, err := s.ErasePerson(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, everyRow(t, s)); d != "" || !dry.DryRun {
			t.Errorf("a dry run changed something:\n%s", d)
		}
		r.DryRun = false
		done, err := s.ErasePerson(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		after := everyRow(t, s)
		for table, rows := range others {
			for _, row := range rows {
				if !slices.Contains(after[table], row) {
					t.Errorf("%s: a row of another company changed: %s", table, row)
				}
			}
		}
		if err := s.Exec(ctx, `PRAGMA foreign_key_check`); s.DB().DriverName() == "sqlite" && err != nil {
			t.Error(err)
		}
		dry.Pseudonym, dry.DryRun = done.Pseudonym, false
		if d := cmp.Diff(done, dry); d != "" {
			t.Errorf("the dry run said otherwise:\n%s", d)
		}
		for _, table := range []string{"sync_change", "provisioning_log", "flow_task", "flow_audit", "flow_event", "flow_instance", "org_member"} {
			if len(after[table]) != len(before[table]) {
				t.Errorf("%s: the fact is gone with the person", table)
			}
		}
		purgeCompany(t, s, 130)
		for _, trait := range append(slices.Clone(traitsOfHers), herBirthday) {
			for _, place := range found(t, s, trait) {
				if !strings.Contains(place, herUser+"0") { // somebody else's
					t.Errorf("%q still stands in %s", trait, place)
				}
			}
		}
		entries, _, err := s.AuditLog(ctx, done.Pseudonym, "", 0)
		if err != nil || len(entries) != 1 || entries[0].Who != "E9" || !strings.HasPrefix(entries[0].Detail, "asked for by [erased]; ") {
			t.Errorf("audit log: %+v, %v", entries, err)
		}
		again, err := s.ErasePerson(ctx, r)
		if err != nil || again.Rows() != 0 || again.Pseudonym != "" {
			t.Errorf("a second time: %+v, %v", again, err)
		}
		if n := len(everyRow(t, s)["audit_log"]); n != 3 {
			t.Errorf("%d entries in the audit log, want her own, another's and the erasure", n)
		}
		if n, err := s.CountEffects(ctx, "run-129"); err != nil || n != 1 {
			t.Errorf("an undo would take back %d changes, want the one of the other person: %v", n, err)
		}
	})
}

// purgeCompany removes what another company has: its people are not erased.
func purgeCompany(t testing.TB, s *store.Store, company int) {
	t.Helper()
	order, columns := tablesOf(t, s)
	for range 3 { // children first, whatever the order
		for _, table := range slices.Backward(order) {
			cond := ""
			for _, c := range columns[table] {
				switch c.Name {
				case "company_id":
					cond = fmt.Sprintf("company_id = %d", company)
				case "run_id":
					cond = fmt.Sprintf("run_id = 'run-%d'", company)
				case "pull_id":
					cond = fmt.Sprintf("pull_id = 'pull-%d'", company)
				case "snapshot_id":
					cond = fmt.Sprintf("snapshot_id / 10 = %d", company)
				}
			}
			if cond != "" {
				_ = s.Exec(context.Background(), `DELETE FROM `+table+` WHERE `+cond) // the last round counts
			}
		}
	}
	if n := countRows(t, s, "sync_run", fmt.Sprintf("company_id = %d", company)); n != 0 {
		t.Fatalf("company %d is still there", company)
	}
}

func TestAnErasureIsRefused(t *testing.T) {
	type change struct {
		table string
		at    time.Time
		given columnsOf
	}
	for name, c := range map[string]struct {
		also   change
		want   string
		forced bool
	}{
		"while a run goes on":                 {change{"sync_run", fresh, columnsOf{"id": "x", "first_run_id": "x", "company_id": 129, "status": "running"}}, "a run goes on", false},
		"while she is in an open flow":        {change{"flow_instance", fresh, columnsOf{"company_id": 129, "no": "x", "workflow_id": "x", "initiator": herUser, "closed_at": nil}}, "flow that is open (x)", false},
		"while a consumer has her":            {change{"binding", fresh, columnsOf{"company_id": 129, "consumer": "we_com", "kind": "person", "source_id": herSource, "consumer_id": herUser}}, "still at a consumer (we_com)", true},
		"while she is in the local one":       {change{"org_member", fresh, columnsOf{"id": 5, "company_id": 129, "origin": "ding_talk", "remote_id": herUser}}, "local organisation", true},
		"while the last read of hers has her": {change{"base_sync_data", fresh, columnsOf{"snapshot_id": 1291, "source_id": herSource}}, "still at the source", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := openMigrated(t, databases["sqlite"](t))
			leaver(t, s, 129)
			_, columns := tablesOf(t, s)
			put(t, s, columns, c.also.table, c.also.at, c.also.given)
			before := everyRow(t, s)
			_, err := s.ErasePerson(context.Background(), eraseHer(false))
			var fault *orgflow.Fault
			if !errors.As(err, &fault) || fault.Code != orgflow.CodeConflict || !strings.Contains(fault.Message, c.want) || fault.Advice == "" {
				t.Fatalf("got %v, want a refusal with %q", err, c.want)
			}
			if d := cmp.Diff(before, everyRow(t, s)); d != "" {
				t.Errorf("a refused erasure changed something:\n%s", d)
			}
			if _, err := s.ErasePerson(context.Background(), eraseHer(true)); (err == nil) != c.forced {
				t.Errorf("with force: %v", err)
			}
		})
	}
}

// A number that went to a newcomer is the newcomer's.
func TestANumberThatSomebodyElseHasByNowStays(t *testing.T) {
	s := openMigrated(t, databases["sqlite"](t))
	leaver(t, s, 129)
	_, columns := tablesOf(t, s)
	put(t, s, columns, "binding", fresh, columnsOf{"company_id": 129, "consumer": "ding_talk", "kind": "person", "source_id": "1003", "consumer_id": "E1003",
		"payload": `{"fields":{"mobile":"` + herMobile + `"}}`})
	put(t, s, columns, "sync_change", fresh, columnsOf{"run_id": "run-129", "id": 3, "source_id": "1003", "payload": `{"fields":{"mobile":"` + herMobile + `"}}`})
	done, err := s.ErasePerson(context.Background(), eraseHer(false))
	if err != nil || len(done.Left) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if n := countRows(t, s, "sync_change", `source_id = '1003' AND payload LIKE '%`+herMobile+`%'`); n != 1 {
		t.Error("the newcomer's change lost the number")
	}
}

func TestAnExportHasAllThatIsHersAndNothingElse(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		leaver(t, s, 129)
		for _, ref := range []string{herUser, "user:" + herUser, herSource, "source:" + herSource} {
			out, err := s.ExportPerson(ctx, 129, ref, "E9", "cli op")
			if err != nil {
				t.Fatalf("%s: %v", ref, err)
			}
			raw, err := json.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, trait := range traitsOfHers {
				if !strings.Contains(string(raw), trait) {
					t.Errorf("%s: %q is missing", ref, trait)
				}
			}
			if strings.Contains(string(raw), "李同事") {
				t.Errorf("%s: it tells of somebody else", ref)
			}
			if strings.HasSuffix(ref, herUser) && (len(out.Tables) < 20 || out.NamedIn["sync_change"] == 0) {
				t.Errorf("%s: %d tables, named in %v", ref, len(out.Tables), out.NamedIn)
			}
		}
		if _, err := s.ExportPerson(ctx, 129, "nobody", "E9", "cli op"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

// An id that several people have, or had, is nobody's until it is said whose.
func TestAReferenceOfTwoPeopleIsRefused(t *testing.T) {
	s := openMigrated(t, databases["sqlite"](t))
	leaver(t, s, 129)
	_, columns := tablesOf(t, s)
	put(t, s, columns, "provisioning_log", fresh, columnsOf{"company_id": 129, "consumer": "ding_talk", "kind": "person", "source_id": "1009", "consumer_id": herUser})
	_, err := s.ErasePerson(context.Background(), eraseHer(false))
	var fault *orgflow.Fault
	if !errors.As(err, &fault) || !strings.Contains(fault.Message, "1009, "+herSource) || !strings.Contains(fault.Advice, "source:ID") {
		t.Fatalf("got %v", err)
	}
}
