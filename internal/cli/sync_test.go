package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/config"
)

const job = `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129}`

func TestABadJobStartsNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "job.json")
	if err := os.WriteFile(file, []byte(`{"consumer": "dingtalk"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var w world
	if code := w.run("sync", "--file", file, "--wait"); code != ExitFailed {
		t.Errorf("exit code %d", code)
	}
	want := "warning: ORGFLOW_X is no setting\n" +
		"job.json:3:15: /consumer: must be one of ding_talk\njob.json: /company_id: required\n"
	if w.err.String() != want || w.out.Len() > 0 {
		t.Errorf("got\n%s%s", &w.err, &w.out)
	}
	if len(w.started) > 0 || !cmp.Equal(w.opened, []config.Role{config.RoleOffline}) || w.closed != 1 {
		t.Errorf("started %v, opened %v, closed %d", w.started, w.opened, w.closed)
	}
}

func TestStartWithoutWaiting(t *testing.T) {
	w := world{in: job}
	if code := w.run("sync", "--file", "-"); code != 0 || w.out.String() != "Started run-1\n" {
		t.Errorf("%d\n%s", code, &w.out)
	}
	if !strings.Contains(w.err.String(), "starter runs show run-1") {
		t.Errorf("where to look is missing:\n%s", &w.err)
	}
	if len(w.started) != 1 || w.started[0] != job || w.opts.By != "tester" || !strings.HasPrefix(w.opts.WorkflowID, "sync-129-ding_talk-20261121T0100Z-") {
		t.Errorf("started %q with %+v", w.started, w.opts)
	}
	if n := strings.Count(w.err.String(), "ORGFLOW_X"); n != 1 {
		t.Errorf("the warning is said %d times", n)
	}
	w = world{in: job}
	if code := w.run("sync", "--file", "-", "--json"); code != 0 || !json.Valid(w.out.Bytes()) || !strings.Contains(w.out.String(), `"id": "run-1"`) {
		t.Errorf("%d\n%s", code, &w.out)
	}
}

func TestDryRunIsSetInTheJob(t *testing.T) {
	for in, want := range map[string]string{
		job: `{"company_id":129,"consumer":"ding_talk","params":{"dry_run":true},"services":["org_new"]}`,
		`{"company_id":129,"consumer":"ding_talk","params":{"dry_run":false,"mode":"full","extra_property":{"n":12345678901234567890}}}`: `{"company_id":129,"consumer":"ding_talk","params":{"dry_run":true,"extra_property":{"n":12345678901234567890},"mode":"full"}}`,
		"\ufeff" + `{"company_id":129,"consumer":"ding_talk","params":null}`:                                                             `{"company_id":129,"consumer":"ding_talk","params":{"dry_run":true}}`,
	} {
		got, err := withDryRun([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
	}
	w := world{in: job}
	if w.run("sync", "-f", "-", "--dry-run"); len(w.started) != 1 || !strings.Contains(w.started[0], `"dry_run":true`) {
		t.Errorf("started %v", w.started)
	}
}

func TestExitCodesOfTheContract(t *testing.T) {
	for status, codes := range map[orgflow.Status][2]int{ // without and with parked deletes
		orgflow.StatusCompleted:             {0, 2},
		orgflow.StatusCompletedWithFailures: {2, 2},
		orgflow.StatusAwaitingApproval:      {2, 2},
		orgflow.StatusRejected:              {2, 2},
		orgflow.StatusSuperseded:            {2, 2},
		orgflow.StatusFailed:                {1, 1},
		orgflow.StatusCanceled:              {1, 1},
	} {
		for parked, want := range codes {
			s := completed()
			s.Status, s.ParkedDeletes = status, parked
			w := world{in: job, summaries: []any{s}}
			if got := w.run("sync", "-f", "-", "--wait"); got != want {
				t.Errorf("%s with %d parked deletes: exit code %d, want %d", status, parked, got, want)
			}
			if !strings.Contains(w.out.String(), statusText(s)) {
				t.Errorf("no summary:\n%s", &w.out)
			}
		}
	}
}

func TestJSONIsAllThatIsPrinted(t *testing.T) {
	s := completed()
	s.Files = nil
	w := world{in: job, summaries: []any{running(), s}}
	code := w.run("sync", "-f", "-", "--wait", "--json")
	var got map[string]any
	if err := json.Unmarshal(w.out.Bytes(), &got); err != nil || code != 0 {
		t.Fatalf("%d %v\n%s", code, err, &w.out)
	}
	if got["status"] != "completed" || got["files"] == nil {
		t.Errorf("%v", got)
	}
	if w.err.String() != "warning: ORGFLOW_X is no setting\n" {
		t.Errorf("progress in spite of --json:\n%s", &w.err)
	}
}

func TestProgressInPlainLines(t *testing.T) {
	step := func(phase orgflow.Phase, done int) orgflow.Summary {
		s := running()
		s.Phase, s.Progress.Done = phase, done
		return s
	}
	w := world{in: job, summaries: []any{notFound(),
		step("org_insert", 10), step("org_insert", 20), step("org_insert", 30), step("person_insert", 40),
		step("person_insert", 41), step("person_insert", 42), step("person_insert", 43), step("person_insert", 44), step("person_insert", 45),
		completed()}}
	w.run("sync", "-f", "-", "--wait")
	want := "warning: ORGFLOW_X is no setting\n" +
		"insert departments: 10/339 (2%) · 2 failed\n" +
		"insert persons: 40/339 (11%) · 2 failed · 10.0/s · about 29.9 s left\n" +
		"insert persons: 45/339 (13%) · 2 failed · 4.4/s · about 1 min 7 s left\n" +
		"completed: 339/339 (100%)\n"
	if diff := cmp.Diff(want, w.err.String()); diff != "" {
		t.Error(diff)
	}
}

func TestOnATerminalABarIsDrawnAndRemoved(t *testing.T) {
	w := world{in: job, terminal: true, summaries: []any{running(), completed()}}
	if code := w.run("sync", "-f", "-", "--wait"); code != 0 || !strings.Contains(w.out.String(), "✓ completed") {
		t.Errorf("%d\n%s", code, &w.out)
	}
	if strings.Contains(w.err.String(), "\ninsert persons: 120/339") {
		t.Errorf("plain lines on a terminal:\n%s", &w.err)
	}
}

func TestInterruptedWatchingLeavesTheRunAlone(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	w := world{in: job, summaries: []any{running()}}
	w.onPoll = func(n int) {
		if n == 3 {
			interrupt()
		}
	}
	code := w.runIn(ctx, "sync", "-f", "-", "--wait")
	if code != ExitInterrupted || w.out.Len() > 0 || len(w.steered) > 0 {
		t.Errorf("%d, steered %v\n%s", code, w.steered, &w.out)
	}
	for _, want := range []string{"the run goes on", "starter runs show run-1 --wait", "starter runs cancel run-1"} {
		if !strings.Contains(w.err.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &w.err)
		}
	}
}

func TestWatchingSurvivesADatabaseRestart(t *testing.T) {
	lost := make([]any, maxFailures-1)
	for i := range lost {
		lost[i] = errLost
	}
	polls := append(append(append([]any{running()}, lost...), running()), lost...)
	w := world{in: job, summaries: append(polls, completed())}
	if code := w.run("sync", "-f", "-", "--wait"); code != 0 {
		t.Errorf("%d\n%s", code, &w.err)
	}
	w = world{in: job, summaries: []any{errLost}}
	if code := w.run("sync", "-f", "-", "--wait"); code != ExitFailed || !strings.Contains(w.err.String(), "connection lost (the run itself goes on") {
		t.Errorf("%d\n%s", code, &w.err)
	}
	if w.polls != maxFailures {
		t.Errorf("%d polls", w.polls)
	}
}

func TestAMissingWorkerIsMentionedOnce(t *testing.T) {
	var polls []any
	for range 3 * hintAfter {
		polls = append(polls, fmt.Errorf("wrapped: %w", notFound()))
	}
	w := world{in: job, summaries: append(polls, completed())}
	if code := w.run("sync", "-f", "-", "--wait"); code != 0 || strings.Count(w.err.String(), "is a worker running") != 1 {
		t.Errorf("%d\n%s", code, &w.err)
	}
}

func TestStartErrorsAreShown(t *testing.T) {
	w := world{in: job, startErr: &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "Temporal does not answer at 127.0.0.1:7233", Advice: "start it"}}
	if code := w.run("sync", "-f", "-"); code != ExitFailed || !strings.HasSuffix(w.err.String(), "Error: start the run: unavailable: Temporal does not answer at 127.0.0.1:7233 (start it)\n") {
		t.Errorf("%d\n%s", code, &w.err)
	}
}
