package activities

import (
	"context"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// fetchPeople performs one attempt at reading persons.
func (w *world) fetchPeople(k task, run string) (got Fetched, err error) {
	err = w.perform(k, orgflow.ActivityFetchPages, FetchParams{RunID: run, Kind: orgflow.Person}, &got)
	return got, err
}

// staff lets the source have n persons in pages of three.
func (w *world) staff(n int) Prepared {
	w.source.hold(team(n))
	w.source.perPage = 3
	return w.begin(bothKinds(""))
}

func TestPagesAreStagedAndTheReadIsProvenWhole(t *testing.T) {
	w := newWorld(t)
	p := w.staff(8)
	got, err := w.fetchPeople(task{}, p.RunID)
	if err != nil {
		t.Fatal(err)
	}
	if want := (orgflow.FetchCount{Read: 8, Staged: 8, Complete: true}); got.Count != want || !got.Cursor.Done {
		t.Errorf("fetched %+v", got)
	}
	var ids []string
	for r, err := range w.db.RecordsByID(context.Background(), got.Cursor.Snapshot) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.SourceID)
	}
	if strings.Join(ids, " ") != "1001 1002 1003 1004 1005 1006 1007 1008" {
		t.Errorf("staged %v", ids)
	}
}

func TestALongReadIsHandedBackToTheWorkflowInShares(t *testing.T) {
	w := newWorld(t)
	p := w.staff(3*pagesPerFetch + 2)
	got, err := w.fetchPeople(task{}, p.RunID)
	if err != nil || got.Cursor.Done || got.Count.Staged != 3*pagesPerFetch || got.Count.Complete {
		t.Fatalf("first share = %+v, %v", got, err)
	}
	if w.fetch(p)[orgflow.Person] != (orgflow.FetchCount{Read: 3*pagesPerFetch + 2, Staged: 3*pagesPerFetch + 2, Complete: true}) {
		t.Error("the rest is missing")
	}
}

func TestAReadGoesOnWhereItsHeartbeatWas(t *testing.T) {
	w := newWorld(t)
	p := w.staff(8)
	w.source.fail["Employee/3"] = unavailable()
	_, err := w.fetchPeople(task{}, p.RunID)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	delete(w.source.fail, "Employee/3")
	w.source.asked = nil
	got, err := w.fetchPeople(task{attempt: 2, heartbeat: w.beats[orgflow.ActivityFetchPages]}, p.RunID)
	if err != nil || !got.Count.Complete || got.Count.Read != 8 || got.Count.Staged != 8 {
		t.Fatalf("fetched %+v, %v", got, err)
	}
	if !slices.Equal(w.source.asked, []string{"Employee/3"}) {
		t.Errorf("asked again for %v", w.source.asked)
	}
}

func TestAStoppingWorkerEndsItsShareWithThePageItReads(t *testing.T) {
	w := newWorld(t)
	p := w.staff(8)
	stopping := make(chan struct{})
	w.source.after = func(_ string, page int) {
		if page == 2 {
			close(stopping)
		}
	}
	first, err := w.fetchPeople(task{stopping: stopping, attempt: lastFetchAttempt}, p.RunID)
	if err != nil || first.Cursor.Done || first.Count.Read != 6 || first.Count.Staged != 6 {
		t.Fatalf("the share is %+v, %v", first, err)
	}
	w.source.asked = nil
	var rest Fetched
	err = w.perform(task{}, orgflow.ActivityFetchPages, FetchParams{RunID: p.RunID, Kind: orgflow.Person, From: first.Cursor}, &rest)
	if err != nil || !rest.Count.Complete || rest.Count.Staged != 8 || !slices.Equal(w.source.asked, []string{"Employee/3"}) {
		t.Errorf("the rest is %+v, %v; asked for %v", rest, err, w.source.asked)
	}
}

func TestPagesReadAgainAfterACrashAreNoRepetition(t *testing.T) {
	cases := map[string]bool{"the last heartbeat was lost": false, "all heartbeats were lost": true}
	for name, all := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.staff(8)
			var first any // the heartbeat behind page 1
			w.source.after = func(_ string, page int) {
				if page == 2 {
					first = w.beats[orgflow.ActivityFetchPages]
				}
			}
			w.source.fail["Employee/3"] = unavailable()
			if _, err := w.fetchPeople(task{}, p.RunID); err == nil {
				t.Fatal("page 3 must fail")
			}
			if first == nil {
				t.Fatal("no heartbeat followed page 1")
			}
			if all {
				first = nil
			}
			delete(w.source.fail, "Employee/3")
			got, err := w.fetchPeople(task{attempt: 2, heartbeat: first}, p.RunID)
			if err != nil || !got.Count.Complete || got.Count.Staged != 8 || got.Count.Cause != "" {
				t.Errorf("fetched %+v, %v", got, err)
			}
		})
	}
}

func TestARecordSetAsideCarriesItsReasonAndIsNotDeletedLater(t *testing.T) {
	w := newWorld(t)
	orgs, people := team(4)
	w.source.hold(orgs, people)
	w.syncOnce(bothKinds(""))
	people[1].Name = "-" // the source has lost the name
	w.source.hold(orgs, people)
	p := w.begin(bothKinds(""))
	counts := w.fetch(p)
	if want := (orgflow.FetchCount{Read: 4, Staged: 3, Rejected: 1, Complete: true}); counts[orgflow.Person] != want {
		t.Errorf("counts = %+v", counts[orgflow.Person])
	}
	snapshots, err := w.db.SnapshotsOfRun(context.Background(), p.RunID)
	if err != nil || len(snapshots) != 2 {
		t.Fatal(snapshots, err)
	}
	aside, _, err := w.db.RejectedRecords(context.Background(), snapshots[1].ID, "", 10)
	if err != nil || len(aside) != 1 || aside[0].SourceID != "1002" || !strings.Contains(aside[0].Reason, "name") || len(aside[0].Raw) == 0 {
		t.Errorf("set aside: %+v, %v", aside, err)
	}
	if planned := w.plan(p.RunID); planned.Total != 0 || planned.Counts[orgflow.Person].Delete != 0 {
		t.Errorf("plan = %+v", planned)
	}
}

func TestARowWithoutAnIDIsKeptUnderItsPosition(t *testing.T) {
	w := newWorld(t)
	p := w.staff(4)
	w.source.rows["Employee"][2] = raw(map[string]any{"name": "ohne"})
	if _, err := w.fetchPeople(task{}, p.RunID); err != nil {
		t.Fatal(err)
	}
	snapshots, err := w.db.SnapshotsOfRun(context.Background(), p.RunID)
	if err != nil {
		t.Fatal(err)
	}
	aside, _, err := w.db.RejectedRecords(context.Background(), snapshots[0].ID, "", 10)
	if err != nil || len(aside) != 1 || aside[0].SourceID != "row 3" || aside[0].Reason == "" {
		t.Errorf("set aside: %+v, %v", aside, err)
	}
}

func TestASourceThatFailsBeforeItsFirstRowFailsTheRead(t *testing.T) {
	refused := &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: "401", Message: "token"}
	for _, c := range []struct {
		err       error
		attempt   int32
		code      orgflow.Code
		retryable bool
	}{
		{unavailable(), 1, orgflow.CodeUnavailable, true},
		{unavailable(), lastFetchAttempt, orgflow.CodeUnavailable, true},
		{refused, 1, orgflow.CodeUnauthorized, false},
	} {
		w := newWorld(t)
		p := w.staff(8)
		w.source.fail["Employee/1"] = c.err
		_, err := w.fetchPeople(task{attempt: c.attempt}, p.RunID)
		wantFault(t, err, c.code, c.retryable)
	}
}

func TestAReadThatIsNotWholeSaysWhyAndFeedsNoDelete(t *testing.T) {
	cases := map[string]struct {
		attempt int32
		upset   func(*gateway)
		cause   string
		staged  int
	}{
		"the source fails on page 3 at the last attempt": {lastFetchAttempt, func(g *gateway) { g.fail["Employee/3"] = unavailable() }, "the source stopped answering: unavailable: connection refused", 6},
		"the source refuses page 3 for good": {1, func(g *gateway) {
			g.fail["Employee/3"] = orgflow.Faultf(orgflow.CodeForbidden, "expired")
		}, "the source stopped answering: forbidden: expired", 6},
		"the source repeats its first page": {1, func(g *gateway) { g.repeat = true }, "the source repeats pages", 3},
		"fewer rows come than were declared": {1, func(g *gateway) {
			g.declared = func(string, int) int { return 12 }
		}, "before the number of records it declared", 8},
		"the source shrinks while it is read": {1, func(g *gateway) {
			g.after = func(model string, page int) {
				if model == "Employee" && page == 1 {
					g.rows[model] = g.rows[model][1:] // everybody moves up by one
				}
			}
		}, "before the number of records it declared", 7},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, people := team(9)
			w.source.hold([]org{{ID: 10, Name: "公司"}, {ID: 11, Name: "研发", Parent: 10}, {ID: 12, Name: "销售", Parent: 10}}, people)
			w.syncOnce(bothKinds("")) // all nine are known
			p := w.staff(8)           // the ninth has left
			if err := w.perform(task{}, orgflow.ActivityFetchPages, FetchParams{RunID: p.RunID, Kind: orgflow.Org}, nil); err != nil {
				t.Fatal(err)
			}
			c.upset(w.source)
			got, err := w.fetchPeople(task{attempt: c.attempt}, p.RunID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Count.Complete || !strings.Contains(got.Count.Cause, c.cause) || got.Count.Staged != c.staged || !got.Cursor.Done {
				t.Errorf("fetched %+v, want %d staged and cause %q", got, c.staged, c.cause)
			}
			planned := w.plan(p.RunID)
			if n := planned.Counts[orgflow.Person]; n.Delete != 0 || planned.Parked != 0 {
				t.Errorf("a delete is planned: %+v", n)
			}
			s := w.rest(p.RunID, planned)
			if s.Status != orgflow.StatusCompletedWithFailures || len(s.Notes) != 2 || !strings.Contains(s.Notes[0], c.cause) {
				t.Errorf("the run ends %s: %q", s.Status, s.Notes)
			}
		})
	}
}

func TestAFailingDatabaseFailsTheReadNotTheSnapshot(t *testing.T) {
	w := newWorld(t)
	p := w.staff(8)
	w.sync = w.worker(&unstaged{Store: w.db}, w.remote)
	_, err := w.fetchPeople(task{attempt: lastFetchAttempt}, p.RunID)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	w.sync = w.worker(w.db, w.remote)
	if got, err := w.fetchPeople(task{attempt: lastFetchAttempt + 1}, p.RunID); err != nil || !got.Count.Complete {
		t.Errorf("fetched %+v, %v", got, err)
	}
}

// unstaged is a database that cannot take a second page.
type unstaged struct {
	*store.Store
	pages int
}

func (u *unstaged) StagePage(ctx context.Context, id int64, rows []store.StagedRow) (int, error) {
	if u.pages++; u.pages > 1 {
		return 0, orgflow.Faultf(orgflow.CodeUnavailable, "the database is away")
	}
	return u.Store.StagePage(ctx, id, rows)
}
