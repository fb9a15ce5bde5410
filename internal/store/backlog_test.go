package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// aged sets a time column of the rows that cond selects to so long before
// november, which is the database's now.
func aged(t *testing.T, s *store.Store, table, column string, d time.Duration, cond string, args ...any) {
	t.Helper()
	db := s.DB()
	res, err := db.Exec(db.Rebind(`UPDATE `+table+` SET `+column+` = ? WHERE `+cond), append([]any{november.Add(-d)}, args...)...)
	must(t, err)
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		t.Fatalf("no row of %s where %s (%v)", table, cond, err)
	}
}

func wantBacklog(t *testing.T, s *store.Store, want ...store.Waiting) {
	t.Helper()
	got, err := s.Backlog(context.Background())
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNothingWaitsInAnEmptyDatabase(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) { wantBacklog(t, s) })
}

func TestTheBacklogCountsRunsByWhatTheyWaitFor(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		for i, id := range []string{"going", "older", "paused", "parked", "queued", "ended"} {
			newRun(t, s, id)
			aged(t, s, "sync_run", "started_at", time.Duration(i+1)*time.Hour, "id = ?", id)
		}
		must(t, s.PauseRun(ctx, "paused", orgflow.Pause{By: "E1"}))
		must(t, s.SetStatus(ctx, "parked", orgflow.StatusAwaitingApproval))
		_, err := s.FinishRun(ctx, "ended", orgflow.StatusFailed, nil, nil)
		must(t, err)
		for _, id := range []string{"queued", "ended"} { // who has ended waits for nothing
			must(t, s.QueueForTarget(ctx, target, id, false, november))
			aged(t, s, "target_wait", "since", 10*time.Minute, "run_id = ?", id)
		}
		aged(t, s, "sync_run", "started_at", -time.Minute, "id = ?", "paused") // by a clock that is ahead
		wantBacklog(t, s,
			store.Waiting{Queue: store.QueueRuns, Consumer: "ding_talk", Items: 3, Oldest: 5 * time.Hour},
			store.Waiting{Queue: store.QueueRunsWaiting, Consumer: "ding_talk", Items: 1, Oldest: 10 * time.Minute},
			store.Waiting{Queue: store.QueueRunsPaused, Consumer: "ding_talk", Items: 1, Oldest: 0},
			store.Waiting{Queue: store.QueueRunsParked, Consumer: "ding_talk", Items: 1, Oldest: 4 * time.Hour})
	})
}

// Only so many runs are looked at, but one that holds its target counts
// however old it is.
func TestTheBacklogKnowsAnOldRunThatHoldsItsTarget(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		for _, id := range []string{"holds", "lost"} {
			newRun(t, s, id)
			aged(t, s, "sync_run", "started_at", 1000*time.Hour, "id = ?", id)
		}
		_, _, ok, err := s.AcquireTarget(ctx, target, "holds", time.Minute, november)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		db := s.DB()
		for i := range 1000 {
			_, err := db.Exec(db.Rebind(`INSERT INTO sync_run (id, first_run_id, workflow_id, company_id, consumer, scope, job, files, status, phase, notes, started_at)
				SELECT ?, ?, ?, company_id, consumer, scope, job, files, 'completed', phase, notes, ? FROM sync_run WHERE id = 'holds'`),
				fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint(i), november)
			must(t, err)
		}
		wantBacklog(t, s, store.Waiting{Queue: store.QueueRuns, Consumer: "ding_talk", Items: 1, Oldest: 1000 * time.Hour})
	})
}

func TestTheBacklogCountsWhatIsOpen(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		newRun(t, s, "r")
		_, err := s.FinishRun(ctx, "r", orgflow.StatusCompleted, nil, nil)
		must(t, err)

		for _, id := range []string{"j1", "j2"} {
			must(t, s.PutImport(ctx, target, store.ImportJob{ID: id, Kind: "k", RunID: "r"}))
		}
		must(t, s.SettleImport(ctx, target, "j2"))
		aged(t, s, "import_job", "started_at", time.Hour, "1 = 1")

		_, err = s.SaveContactEvents(ctx, target, []store.ContactEvent{told("ev-1", "E1"), told("ev-2", "E2")})
		must(t, err)
		aged(t, s, "contact_event", "received_at", 2*time.Minute, "1 = 1")

		messages := []store.NewMessage{message("RW1", 1), message("RW1", 2), message("RW2", 3), message("RW3", 4)}
		messages[2].Channel = "we_com"
		_, err = s.Enqueue(ctx, company, messages)
		must(t, err)
		for i := range messages {
			aged(t, s, "outbox", "created_at", time.Duration(i+1)*time.Minute, "dedup_key = ?", messages[i].DedupKey)
		}
		sent := lease(t, s, 10)
		must(t, s.ConfirmSent(ctx, sent[slices.IndexFunc(sent, func(m store.Message) bool { return m.Subject == "RW3" })].ID, "", 0))

		in := orgflow.PullInput{CompanyID: target.CompanyID}.WithDefaults()
		for i, id := range []string{"parked", "going", "ended"} {
			_, ok, err := s.CreatePull(ctx, store.NewPull{FirstRunID: id, WorkflowID: id, Input: in})
			if err != nil || !ok {
				t.Fatal(id, ok, err)
			}
			aged(t, s, "org_pull", "started_at", time.Duration(i+1)*time.Hour, "id = ?", id)
			if id == "parked" {
				must(t, s.ParkPull(ctx, id))
				continue
			}
			_, err = s.FinishPull(ctx, id, orgflow.StatusCompleted, nil, nil)
			must(t, err)
		}
		for _, id := range []string{"l1", "l2"} {
			load, ok, err := s.CreateLoad(ctx, store.NewLoad{FirstRunID: id, WorkflowID: id, Input: orgflow.LoadInput{CompanyID: company, FormID: id, Kind: orgflow.LoadUpdate}})
			if err != nil || !ok {
				t.Fatal(id, ok, err)
			}
			aged(t, s, "erp_run", "started_at", time.Hour, "id = ?", load.ID)
			if id == "l2" {
				_, err = s.FinishLoad(ctx, load.ID, orgflow.StatusCompleted, nil)
				must(t, err)
			}
		}
		wantBacklog(t, s,
			store.Waiting{Queue: store.QueuePullsParked, Consumer: "ding_talk", Items: 1, Oldest: time.Hour},
			store.Waiting{Queue: store.QueueLoads, Items: 1, Oldest: time.Hour},
			store.Waiting{Queue: store.QueueImports, Consumer: "ding_talk", Items: 1, Oldest: time.Hour},
			store.Waiting{Queue: store.QueueEvents, Consumer: "ding_talk", Items: 2, Oldest: 2 * time.Minute},
			store.Waiting{Queue: store.QueueOutbox, Consumer: "ding_talk", Items: 2, Oldest: 2 * time.Minute},
			store.Waiting{Queue: store.QueueOutbox, Consumer: "we_com", Items: 1, Oldest: 3 * time.Minute})
	})
}

func TestTheBacklogCountsFlowsThatNobodyWorksOn(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		flowNo(t, s, "F1")
		aged(t, s, "flow_instance", "started_at", 20*time.Second, "no = ?", "F1")
		for i, no := range []string{"F2", "F3", "F4"} {
			p := stateOf(t, s, flowNo(t, s, no), orgflow.FlowRunning)
			p.NextWake = november.Add(time.Duration(i-1) * time.Minute) // a minute ago, now, in a minute
			commit(t, s, p)
		}
		for _, d := range []time.Duration{time.Minute, 3 * time.Minute} {
			k := store.FlowKey{CompanyID: company, No: "F2"}
			stored, err := s.PutDecision(ctx, approve(k))
			must(t, err)
			aged(t, s, "flow_audit", "created_at", d, "id = ?", stored.ID)
		}
		wantBacklog(t, s,
			store.Waiting{Queue: store.QueueDecisions, Items: 2, Oldest: 3 * time.Minute},
			store.Waiting{Queue: store.QueueStarting, Items: 1, Oldest: 20 * time.Second},
			store.Waiting{Queue: store.QueueOverdue, Items: 1, Oldest: time.Minute})
	})
}
