package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/testgolden"
)

// shelf is what is stored, by hand.
type shelf struct {
	erased  []orgflow.EraseRequest
	erasure orgflow.Erasure
	pruned  orgflow.Pruned
	err     error
	backup  string
}

func (*shelf) Lives(context.Context) ([]orgflow.TableLife, error) {
	return []orgflow.TableLife{{Table: "sync_run", Kept: "400 days", Since: "the run ended", Due: 1200}, {Table: "sync_change", Kept: "with sync_run"}, {Table: "binding", Kept: "for ever", Since: "whose"}}, nil
}

func (s *shelf) Prune(_ context.Context, told func(orgflow.Pruned)) (orgflow.Pruned, error) {
	told(s.pruned)
	return s.pruned, s.err
}

func (s *shelf) Export(_ context.Context, company int64, person, by, _ string) (orgflow.PersonExport, error) {
	return orgflow.PersonExport{Person: orgflow.DataSubject{CompanyID: company, Codes: []string{person, by}}, Tables: map[string][]map[string]any{"binding": {{"payload": json.RawMessage(`{"a":1}`)}}}}, s.err
}

func (s *shelf) Erase(_ context.Context, r orgflow.EraseRequest) (orgflow.Erasure, error) {
	s.erased = append(s.erased, r)
	return s.erasure, s.err
}

func (s *shelf) Backup(_ context.Context, path string) error { s.backup = path; return s.err }

func TestDataRetentionAndPrune(t *testing.T) {
	for _, args := range [][]string{{"data", "retention"}, {"data", "prune", "--dry-run"}} {
		w := world{data: &shelf{pruned: orgflow.Pruned{"sync_run": 1}}}
		if code := w.run(args...); code != 0 {
			t.Fatal(w.err.String())
		}
		testgolden.Check(t, "data_retention.golden", w.out.String())
	}
	for want, s := range map[string]*shelf{
		"     2,000  sync_change (rows removed)\n         1  sync_run (rows removed)\n": {pruned: orgflow.Pruned{"sync_run": 1, "sync_change": 2000}},
		"No row's time is over.\n": {},
	} {
		w := world{data: s}
		if code := w.run("data", "prune"); code != 0 || w.out.String() != want {
			t.Errorf("%d: %q, want %q", code, &w.out, want)
		}
	}
	w := world{data: &shelf{pruned: orgflow.Pruned{"sync_run": 7}, err: orgflow.Faultf(orgflow.CodeUnavailable, "the database is away")}}
	if code := w.run("data", "prune"); code != ExitFailed || !strings.Contains(w.err.String(), "remove old rows, 7 so far: unavailable: the database is away") {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestDataExportWritesAFileForYourEyes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "E1.json")
	line := []string{"data", "export", "--company", "129", "--person", "E1", "--out", file}
	w := world{data: &shelf{err: orgflow.Faultf(orgflow.CodeNotFound, "nobody")}}
	if code := w.run(line...); code != ExitFailed || !strings.Contains(w.err.String(), `export "E1": not_found: nobody`) {
		t.Errorf("%d %s", code, &w.err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a failed export leaves a file")
	}
	w = world{data: &shelf{}}
	if code := w.run(line...); code != 0 || !strings.HasPrefix(w.out.String(), "1 row about E1 from 1 table in ") {
		t.Errorf("%d %s%s", code, &w.out, &w.err)
	}
	raw, err := os.ReadFile(file)
	info, errStat := os.Stat(file)
	if err != nil || errStat != nil || info.Mode().Perm() != 0o600 || !json.Valid(raw) || !strings.Contains(string(raw), `"a": 1`) || !strings.Contains(string(raw), `"tester"`) {
		t.Errorf("%v %v %v\n%s", err, errStat, info.Mode(), raw)
	}
	if code := w.run(line...); code != ExitFailed || !strings.Contains(w.err.String(), "file exists") {
		t.Errorf("a file that is there: %d %s", code, &w.err)
	}
}

func TestDataErase(t *testing.T) {
	done := orgflow.Erasure{Pseudonym: "erased-1a", Removed: map[string]int{"binding": 1}, Cleared: map[string]int{"sync_change": 3}, Mentions: map[string]int{"outbox": 2}, Left: []string{"the user code"}}
	s := &shelf{erasure: done}
	w := world{data: s}
	if code := w.run("data", "erase", "--company", "129", "--person", "source:1001", "--reason", "request 17", "--force"); code != 0 {
		t.Fatal(w.err.String())
	}
	if want := (orgflow.EraseRequest{CompanyID: 129, Ref: "source:1001", By: "tester", Origin: "cli tester", Reason: "request 17", Force: true}); len(s.erased) != 1 || s.erased[0] != want {
		t.Errorf("asked for %+v", s.erased)
	}
	testgolden.Check(t, "data_erase.golden", w.out.String())
	if !strings.Contains(w.err.String(), "Left: the user code") {
		t.Error(w.err.String())
	}
	s.erasure.DryRun = true
	w = world{data: s}
	if w.run("data", "erase", "--company", "129", "--person", "E1", "--reason", "r", "--dry-run"); !s.erased[1].DryRun || !strings.HasPrefix(w.out.String(), "Nothing was done. It would be:\n") {
		t.Errorf("%+v %s", s.erased[1], &w.out)
	}
	w = world{data: &shelf{}}
	if code := w.run("data", "erase", "--company", "129", "--person", "E1", "--reason", "r"); code != 0 || w.out.String() != "Nothing is stored about E1.\n" {
		t.Errorf("%d %s", code, &w.out)
	}
	w = world{data: &shelf{}}
	if code := w.run("data", "erase", "--company", "129", "--person", "E1"); code != ExitFailed || !strings.Contains(w.err.String(), `required flag(s) "reason" not set`) {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestDataBackup(t *testing.T) {
	s := &shelf{}
	w := world{data: s}
	if code := w.run("data", "backup", "--out", "b.db"); code != 0 || s.backup != "b.db" || !strings.HasPrefix(w.out.String(), "Backed up to b.db.") {
		t.Errorf("%d %s", code, &w.out)
	}
}
