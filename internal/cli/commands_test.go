package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/testgolden"
)

// walk visits every command of ours.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			walk(sub, visit)
		}
	}
}

// TestHelp: every command has help with an example, and none of it changes
// unnoticed.
func TestHelp(t *testing.T) {
	var paths [][]string
	walk(newProgram(Stdio{}, nil).root(), func(cmd *cobra.Command) {
		paths = append(paths, strings.Fields(cmd.CommandPath())[1:])
		if cmd.Short == "" || !strings.Contains(cmd.Example, "starter ") {
			t.Errorf("%s has no example or no description", cmd.CommandPath())
		}
	})
	var all strings.Builder
	for _, path := range paths {
		var w world
		if code := w.run(append(path, "--help")...); code != 0 || w.err.Len() > 0 || len(w.opened) > 0 {
			t.Errorf("%v --help: %d %s", path, code, &w.err)
		}
		fmt.Fprintf(&all, "$ starter %s\n%s\n", strings.Join(append(path, "--help"), " "), &w.out)
	}
	testgolden.Check(t, "help.golden", all.String())
}

func TestWhatCannotBeUnderstoodIsExplained(t *testing.T) {
	for line, want := range map[string]string{
		"snyc":                      `unknown command "snyc" for "starter"`,
		"runs lst":                  `unknown command "lst" for "starter runs"`,
		"schedules":                 "",
		"sync":                      `required flag(s) "file" not set`,
		"sync --fiel x":             "unknown flag: --fiel\nSee starter sync --help",
		"sync extra --file x":       `unknown command "extra" for "starter sync"`,
		"sync --file /no/such":      "read /no/such: no such file or directory",
		"runs show":                 "needs exactly one ID",
		"runs show a b":             "needs exactly one ID",
		"runs list --status done":   `--status "done" is not one of running, paused, awaiting_approval`,
		"runs list --limit 0":       "--limit must be 1 to 500",
		"runs list --company x":     `invalid argument "x" for "--company"`,
		"runs changes x --kind p":   `--kind "p" is not one of org, person`,
		"runs changes x --op y":     `--op "y" is not one of insert, update, delete`,
		"runs changes x --state z":  `--state "z" is not one of planned`,
		"runs changes x --limit -1": "--limit must not be negative",
		"schedules backfill s --from 2026-01-02 --to 2026-01-01":                "--from 2026-01-02 must be before --to 2026-01-01",
		"schedules backfill s --from yesterday --to 2026-01-01":                 `--from "yesterday" is not a time such as`,
		"schedules backfill s --from 2026-01-01 --to 2026-01-02 --time-zone CN": `--time-zone "CN" is not a time zone`,
		"meta preview --service s --consumer c --row -":                         "is not JSON",
		"meta sign --consumer c":                                                `required flag(s) "path" not set`,
		"meta sign --consumer c --path /p --query taskId":                       `--query "taskId" is not a name=value`,
		"meta sign --consumer c --path /p --at noon":                            `--at "noon" is not a time such as`,
	} {
		var w world
		code := w.run(strings.Fields(line)...)
		if want == "" {
			if code != 0 || !strings.Contains(w.out.String(), "Usage:") {
				t.Errorf("%q: %d %s", line, code, &w.out)
			}
			continue
		}
		if code != ExitFailed || !strings.Contains(w.err.String(), want) || len(w.opened) > 0 || w.out.Len() > 0 {
			t.Errorf("%q: %d, opened %v\n%s%s\nwant %s", line, code, w.opened, &w.err, &w.out, want)
		}
	}
}

func TestBadSettingsAreListed(t *testing.T) {
	w := world{settings: &config.Error{Problems: []config.Problem{{Variable: "ORGFLOW_A", Message: "is bad"}, {Variable: "ORGFLOW_B", Message: "too"}}}}
	if code := w.run("runs", "list"); code != ExitFailed || w.err.String() != "The settings cannot be used:\n  ORGFLOW_A: is bad\n  ORGFLOW_B: too\n" {
		t.Errorf("%d\n%s", code, &w.err)
	}
}

func TestRunsList(t *testing.T) {
	t.Setenv("TZ", "UTC")
	second := troubled()
	second.ID, second.Consumer = "按日同步", "we_com"
	w := world{runs: api.RunPage{Runs: []orgflow.Summary{completed(), second, failed()}, NextCursor: "c2"}}
	if code := w.run("runs", "list", "--company", "129", "--consumer", "we_com", "--status", "failed", "--limit", "3", "--cursor", "c1"); code != 0 {
		t.Fatal(w.err.String())
	}
	if want := (api.RunFilter{CompanyID: 129, Consumer: "we_com", Status: orgflow.StatusFailed, Cursor: "c1", Limit: 3}); w.runFilter != want {
		t.Errorf("%+v", w.runFilter)
	}
	local := began.Local().Format("2006-01-02 15:04")
	testgolden.Check(t, "runs_list.golden", strings.ReplaceAll(w.out.String(), local, "2026-11-21 01:00"))
	if !strings.Contains(w.err.String(), "More:  --cursor c2") {
		t.Error(w.err.String())
	}
	w.out.Reset()
	if w.run("runs", "list", "--json"); !json.Valid(w.out.Bytes()) || !strings.Contains(w.out.String(), `"next_cursor": "c2"`) {
		t.Errorf("%s", &w.out)
	}
	var empty world
	if code := empty.run("runs", "list"); code != 0 || empty.out.Len() > 0 || !strings.Contains(empty.err.String(), "No runs.") {
		t.Errorf("%s", &empty.err)
	}
}

func TestRunsShow(t *testing.T) {
	for want, s := range map[int]orgflow.Summary{0: running(), 1: failed(), 2: troubled()} {
		w := world{summaries: []any{s}}
		if code := w.run("runs", "show", "x"); code != want || !strings.Contains(w.out.String(), statusText(s)) {
			t.Errorf("%s: %d\n%s", s.Status, code, &w.out)
		}
	}
	w := world{summaries: []any{waiting()}}
	if code := w.run("runs", "show", "x"); code != 0 {
		t.Errorf("a waiting run: %d", code)
	}
	w = world{summaries: []any{running(), completed()}}
	if code := w.run("runs", "show", "x", "--wait"); code != 0 || w.polls != 2 {
		t.Errorf("%d after %d polls", code, w.polls)
	}
	w = world{summaries: []any{notFound()}}
	if code := w.run("runs", "show", "x"); code != 1 || !strings.Contains(w.err.String(), "run x: not_found: no such run") {
		t.Errorf("%d %s", code, &w.err)
	}
}

func someChanges() []orgflow.Change {
	return []orgflow.Change{
		{ID: 3, Kind: "org", Op: "insert", SourceID: "11", ConsumerID: "7001", State: orgflow.Done, Reason: "new", Fields: map[string]orgflow.Diff{"name": {After: "研发部"}, "parent_id": {After: orgflow.Ref("org", "1")}}},
		{ID: 17, Kind: "person", Op: "update", SourceID: "1001", ConsumerID: "E1001", State: orgflow.Failed, Reason: "title differs", DependsOn: []int{3},
			Fields: map[string]orgflow.Diff{"title": {Before: "工程师", After: "高级工程师"}, "dept_id_list": {Before: []int{1, 2}}},
			Error:  &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: "60104", Message: "手机号码不合法", Advice: "correct it in the HR system"}},
		{ID: 18, Kind: "person", Op: "delete", SourceID: "E9", ConsumerID: "E9", State: orgflow.Parked, Reason: "gone from the source\x1b[31m"},
	}
}

func TestRunsChanges(t *testing.T) {
	w := world{changes: []api.ChangePage{{Changes: someChanges()[:2], NextCursor: "n"}, {Changes: someChanges()[2:]}}}
	if code := w.run("runs", "changes", "x", "--state", "failed", "--kind", "person", "--op", "update"); code != 0 {
		t.Fatal(w.err.String())
	}
	testgolden.Check(t, "changes.golden", w.out.String())
	want := []api.ChangeFilter{
		{State: "failed", Op: "update", Kind: "person", Limit: api.MaxLimit},
		{State: "failed", Op: "update", Kind: "person", Limit: api.MaxLimit, Cursor: "n"},
	}
	if diff := cmp.Diff(want, w.filters); diff != "" {
		t.Error(diff)
	}

	w = world{changes: []api.ChangePage{{Changes: someChanges()[:2], NextCursor: "n"}}}
	w.run("runs", "changes", "x", "--limit", "2", "--json")
	lines := strings.Split(strings.TrimSpace(w.out.String()), "\n")
	if len(lines) != 2 || !json.Valid([]byte(lines[1])) || w.filters[0].Limit != 2 || !strings.Contains(w.err.String(), "raise --limit") {
		t.Errorf("%q %+v\n%s", lines, w.filters, &w.err)
	}
	var none world
	if none.run("runs", "changes", "x"); none.out.Len() > 0 || !strings.Contains(none.err.String(), "No such changes.") {
		t.Errorf("%s", &none.err)
	}
}

func TestSteering(t *testing.T) {
	gone := completed()
	gone.Status, gone.Notes = orgflow.StatusCanceled, []string{"canceled by tester (wrong filter): 120 of 339 changes done, 219 not sent"}
	w := world{summaries: []any{running(), gone}}
	for _, line := range [][]string{
		{"runs", "cancel", "r1", "--reason", "wrong filter"},
		{"runs", "pause", "r1", "--by", "E1", "--reason", "maintenance"},
		{"runs", "resume", "r1"},
		{"schedules", "pause", "s1", "--by", "E1", "--reason", "holiday"},
		{"schedules", "resume", "s1"},
		{"schedules", "trigger", "s1"},
		{"schedules", "backfill", "s1", "--from", "2026-11-18", "--to", "2026-11-19T08:30", "--by", "E1", "--reason", "outage"},
		{"schedules", "backfill", "s1", "--from", "2026-11-18T00:00:00Z", "--to", "2026-11-18 09:00", "--time-zone", "UTC"},
	} {
		if code := w.run(line...); code != 0 {
			t.Errorf("%v: %d %s", line, code, &w.err)
		}
	}
	want := []string{
		"cancel r1 by tester because wrong filter", "pause r1 by E1 because maintenance", "resume r1 by tester because ", "pause s1 by E1 because holiday", "resume s1 by tester because ", "trigger s1 by tester because ",
		"backfill s1 2026-11-17T16:00:00Z 2026-11-19T00:30:00Z by E1 because outage", "backfill s1 2026-11-18T00:00:00Z 2026-11-18T09:00:00Z by tester because ",
	}
	if diff := cmp.Diff(want, w.steered); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(w.out.String(), "Asked r1 to stop.\nIt has ended, canceled by tester (wrong filter): 120 of 339 changes done, 219 not sent.\n") {
		t.Errorf("a cancelled run is waited for:\n%s", &w.out)
	}
	w = world{summaries: []any{running()}}
	if code := w.run("runs", "cancel", "r1"); code != 0 || w.polls != looks || !strings.Contains(w.err.String(), "not ended yet") {
		t.Errorf("a run that does not end: %d after %d polls, %s", code, w.polls, &w.err)
	}
	still := running()
	still.Status = orgflow.StatusPaused
	w = world{summaries: []any{running(), still}}
	if code := w.run("runs", "pause", "r1"); code != 0 || w.polls >= looks || !strings.Contains(w.out.String(), "It stands still: ") {
		t.Errorf("a pause: %d after %d polls, %s", code, w.polls, &w.out)
	}
	w = world{steerErr: orgflow.Faultf(orgflow.CodeConflict, "the run has ended")}
	if code := w.run("runs", "cancel", "r1"); code != 1 || !strings.Contains(w.err.String(), "cancel run r1: conflict: the run has ended") || w.out.Len() > 0 {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestSchedulesApplyShowsTheDifference(t *testing.T) {
	diff := []api.ScheduleChange{
		{ID: "nightly-129", Action: "update", Fields: []api.FieldChange{{Field: "cron", Before: "0 1 * * *", After: "0 2 * * *"}, {Field: "note", Before: "夜间"}}},
		{ID: "new", Action: "create"}, {ID: "old", Action: "delete"}, {ID: "same", Action: "unchanged"},
	}
	w := world{diff: diff}
	w.run("schedules", "apply", "--dry-run")
	testgolden.Check(t, "schedules_apply.golden", w.out.String())
	if !w.dry || !strings.Contains(w.err.String(), "3 changes to make. Nothing was done") {
		t.Errorf("dry %t: %s", w.dry, &w.err)
	}
	w = world{diff: diff}
	if w.run("schedules", "apply"); w.dry || !strings.Contains(w.err.String(), "3 changes made.") {
		t.Errorf("dry %t: %s", w.dry, &w.err)
	}
	w = world{diff: diff[3:]}
	if w.run("schedules", "apply"); !strings.Contains(w.err.String(), "Nothing to change: 1 schedule in step.") {
		t.Errorf("%s", &w.err)
	}
}

func TestSchedulesList(t *testing.T) {
	w := world{schedules: []api.Schedule{
		{ID: "nightly-129", Next: []time.Time{began}, Recent: []api.ScheduleStart{{WorkflowID: "w-1"}, {WorkflowID: "w-2"}}},
		{ID: "部门-129", Paused: true, Note: "春节", Next: []time.Time{began}, Missed: api.MissedRuns{CatchupWindow: 2, Buffer: 1}},
	}}
	w.run("schedules", "list")
	testgolden.Check(t, "schedules_list.golden", strings.ReplaceAll(w.out.String(), localTime(began), "2026-11-21 01:00 UTC"))
	w.out.Reset()
	if w.run("schedules", "list", "--json"); !json.Valid(w.out.Bytes()) {
		t.Errorf("%s", &w.out)
	}
}

func TestSchedulesShow(t *testing.T) {
	w := world{schedules: []api.Schedule{{
		ID: "nightly-129", Workflow: "SyncRun", Note: "resume by E1", Next: []time.Time{began, began, began, began, began, began, began}, Starts: 9, Missed: api.MissedRuns{CatchupWindow: 2, Buffer: 1},
		Recent: []api.ScheduleStart{{WorkflowID: "w-1", StartedAt: began}, {WorkflowID: "w-2", StartedAt: began}},
	}}}
	w.run("schedules", "show", "nightly-129")
	testgolden.Check(t, "schedules_show.golden", strings.ReplaceAll(w.out.String(), localTime(began), "2026-11-21 01:00 UTC"))
	w.out.Reset()
	if w.run("schedules", "show", "nightly-129", "--json"); !json.Valid(w.out.Bytes()) || !strings.Contains(w.out.String(), `"catchup_window": 2`) {
		t.Errorf("%s", &w.out)
	}
	w.err.Reset()
	if w.run("schedules", "show", "none"); !strings.Contains(w.err.String(), `there is no schedule "none"`) {
		t.Errorf("%s", &w.err)
	}
}

func TestMetaLint(t *testing.T) {
	warning := orgflow.Problem{File: "companies/129/company.json", Line: 4, Column: 7, Pointer: "/qps", Message: "above what DingTalk allows", Warning: true}
	for _, c := range []struct {
		problems []orgflow.Problem
		code     int
		says     string
	}{
		{nil, 0, "All files are in order."},
		{[]orgflow.Problem{warning}, 0, "0 errors, 1 warning."},
		{[]orgflow.Problem{{File: "services.json", Message: "is missing"}, warning}, 1, "1 error, 1 warning."},
	} {
		w := world{problems: c.problems}
		if code := w.run("meta", "lint", "--company", "129"); code != c.code || !strings.Contains(w.err.String(), c.says) || w.company != 129 {
			t.Errorf("%v: %d %s", c.problems, code, &w.err)
		}
		for _, p := range c.problems {
			if !strings.Contains(w.out.String(), p.String()) {
				t.Errorf("%s is not printed:\n%s", p, &w.out)
			}
		}
		if !cmp.Equal(w.opened, []config.Role{config.RoleOffline}) {
			t.Errorf("opened %v", w.opened)
		}
	}
}

func TestMetaPreview(t *testing.T) {
	w := world{in: "\ufeff" + `{"id": 1001}`, preview: Preview{Text: "id  1001 → E1001\n", Detail: map[string]int{"fields": 1}}}
	args := []string{"meta", "preview", "--service", "person_new", "--consumer", "ding_talk", "--row", "-"}
	if code := w.run(append(args, "--company", "129", "--state", "abcd")...); code != 0 || w.out.String() != "id  1001 → E1001\n" {
		t.Fatal(code, w.out.String(), w.err.String())
	}
	want := PreviewRequest{CompanyID: 129, Service: "person_new", Consumer: "ding_talk", State: "abcd", Row: json.RawMessage(`{"id": 1001}`)}
	if d := cmp.Diff(want, w.request); d != "" {
		t.Error(d)
	}
	w = world{in: `{}`, preview: Preview{Detail: map[string]int{"fields": 1}, Refused: true}}
	if code := w.run(append(args, "--json")...); code != ExitFailed || !strings.Contains(w.out.String(), `"fields": 1`) {
		t.Errorf("a refused row exits with %d\n%s", code, &w.out)
	}
}

func TestMetaSign(t *testing.T) {
	w := world{in: `{"type":"person"}`, signed: Signed{Canonical: "corpId=c1&key=***", Signature: "ab12", Query: "corpId=c1&sign=ab12"}}
	code := w.run("meta", "sign", "--company", "129", "--consumer", "ai_guan_huai", "--path", "/v3/oms/add",
		"--query", "taskId=a=b", "--body", "-", "--at", "2026-11-21T08:00:00+08:00", "--nonce", "n1")
	if want := "canonical  corpId=c1&key=***\nsignature  ab12\nquery      corpId=c1&sign=ab12\n"; code != 0 || w.out.String() != want {
		t.Fatal(code, w.out.String(), w.err.String())
	}
	r := w.toSign
	if r.CompanyID != 129 || r.Method != http.MethodPost || r.Query.Get("taskId") != "a=b" || string(r.Body) != `{"type":"person"}` || r.Nonce != "n1" ||
		!r.At.Equal(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", r)
	}
	w = world{signed: Signed{Query: "corpId=c1"}}
	if code := w.run("meta", "sign", "--consumer", "c", "--path", "/p"); code != 0 || !strings.Contains(w.err.String(), "signs nothing") || w.toSign.Method != http.MethodGet {
		t.Errorf("%d %s%s", code, &w.out, &w.err)
	}
}

func TestMigrateAndServe(t *testing.T) {
	for versions, want := range map[[2]int64]string{{0, 4}: "Migrated the schema from version 0 to 4.\n", {4, 4}: "The schema is up to date (version 4).\n"} {
		w := world{versions: versions}
		if code := w.run("migrate"); code != 0 || w.out.String() != want || w.opened[0] != config.RoleMigrate {
			t.Errorf("%d %s", code, &w.out)
		}
	}
	var w world
	if code := w.run("serve"); code != 0 || !w.served || w.opened[0] != config.RoleServer || w.closed != 1 {
		t.Errorf("%d %+v", code, w.opened)
	}
}
