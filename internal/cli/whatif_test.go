package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/testgolden"
)

// inputs writes a job and rows into files.
func inputs(t *testing.T, job, rows string) []string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"what-if"}
	for _, f := range []struct{ flag, name, content string }{{"--file", "job.json", job}, {"--rows", "rows.json", rows}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.content), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, f.flag, path)
	}
	return args
}

const whatIfJob = `{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":129}`

func someWhatIf() orgflow.WhatIf {
	return orgflow.WhatIf{
		Changes: []orgflow.Change{
			{ID: 1, Kind: orgflow.Org, Op: orgflow.Insert, SourceID: "99", State: orgflow.Planned, Reason: "new in the source", Fields: map[string]orgflow.Diff{"name": {After: "新部门"}}},
			{ID: 2, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "9001", ConsumerID: "E9001", State: orgflow.Planned, Reason: "new in the source", DependsOn: []int{1},
				Fields: map[string]orgflow.Diff{"dept_id_list": {After: orgflow.ShowRefs(orgflow.Ref(orgflow.Org, "99"))}, "mobile": {After: orgflow.Masked}}},
			{ID: 3, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "9002", State: orgflow.Held, Reason: "has the same mobile as person 1001"},
		},
		Plan:  map[orgflow.Kind]orgflow.PlanCount{orgflow.Org: {Insert: 1}, orgflow.Person: {Insert: 1, Held: 1}},
		Notes: []string{`no departments of scope "default" have been read yet`},
		Issues: []orgflow.RowIssue{
			{Service: "person_new", Row: 2, SourceID: "9003", Stage: orgflow.StageFetch, Key: "name", Message: "is required", Fatal: true},
			{Service: "person_new", Row: 1, SourceID: "9002", Stage: orgflow.StageSend, Key: "position", Target: "title", Message: "cut to 50 characters"},
		},
	}
}

func TestWhatIfReadsLikeARunsChanges(t *testing.T) {
	w := world{whatIf: someWhatIf()}
	if code := w.run(inputs(t, whatIfJob, `{"org_new": []}`)...); code != 0 || w.rows != `{"org_new": []}` {
		t.Fatalf("%d, rows %s\n%s", code, w.rows, &w.err)
	}
	testgolden.Check(t, "what_if.golden", w.out.String())
	if len(w.started) > 0 || !slices.Equal(w.opened, []config.Role{config.RoleOffline, config.RoleStarter}) {
		t.Errorf("started %v, opened %v", w.started, w.opened)
	}
	w = world{whatIf: orgflow.WhatIf{Plan: map[orgflow.Kind]orgflow.PlanCount{orgflow.Person: {Unchanged: 1}}}}
	if code := w.run(inputs(t, whatIfJob, `{}`)...); code != 0 || !strings.Contains(w.err.String(), "Nothing would change.") {
		t.Errorf("%d\n%s", code, &w.err)
	}
	w = world{whatIf: someWhatIf()}
	var got orgflow.WhatIf
	if w.run(append(inputs(t, whatIfJob, `{}`), "--json")...); json.Unmarshal(w.out.Bytes(), &got) != nil || len(got.Changes) != 3 {
		t.Errorf("%s", &w.out)
	}
}

func TestWhatIfTakesFilesByTheirNames(t *testing.T) {
	draft := filepath.Join(t.TempDir(), "HcmDingSyncService.person_new.json")
	if err := os.WriteFile(draft, []byte(`{"fields": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := world{whatIf: someWhatIf()}
	args := append(inputs(t, whatIfJob, `{}`)[:3], "--meta", draft) // without rows
	if code := w.run(args...); code != 0 || w.rows != "" || string(w.supposed["HcmDingSyncService.person_new.json"]) != `{"fields": []}` {
		t.Errorf("%d, rows %q, files %q\n%s", code, w.rows, w.supposed, &w.err)
	}
	w = world{}
	if code := w.run(inputs(t, whatIfJob, `{}`)[:3]...); code != ExitFailed || !strings.Contains(w.err.String(), "[rows meta]") {
		t.Errorf("nothing to suppose: %d\n%s", code, &w.err)
	}
}

func TestWhatIfSaysWhichFileIsWrong(t *testing.T) {
	w := world{}
	if code := w.run(inputs(t, `{"consumer":"x"}`, `{}`)...); code != ExitFailed || !strings.Contains(w.err.String(), "job.json:3:15: /consumer: must be one of ding_talk") || w.rows != "" {
		t.Errorf("%d\n%s", code, &w.err)
	}
	w = world{whatIfErr: &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: []orgflow.Problem{
		{Line: 1, Column: 2, Pointer: "/org_nwe", Message: "unknown service"}, {Line: 4, Column: 9, Pointer: "/person_new/1", Message: "has no id"}}}}
	code := w.run(inputs(t, whatIfJob, `{}`)...)
	if want := "rows.json:1:2: /org_nwe: unknown service\nrows.json:4:9: /person_new/1: has no id\n"; code != ExitFailed || !strings.HasSuffix(w.err.String(), want) {
		t.Errorf("%d\n%s", code, &w.err)
	}
	w = world{}
	if code := w.run("what-if", "--file", "-", "--rows", "-"); code != ExitFailed || !strings.Contains(w.err.String(), "only one of --file and --rows") {
		t.Errorf("%d\n%s", code, &w.err)
	}
}
