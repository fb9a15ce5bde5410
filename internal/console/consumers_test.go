package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

var opsDing = orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}

// run records a run of DingTalk whose one change failed.
func (w *opsWorld) run(id string) {
	w.t.Helper()
	ctx, db := context.Background(), w.app.Store
	job := orgflow.Job{Services: []string{"person_new"}, Consumer: opsDing.Consumer, CompanyID: opsDing.CompanyID}.WithDefaults()
	if _, _, err := db.CreateRun(ctx, store.NewRun{FirstRunID: "first-" + id, WorkflowID: id, Job: job}); err != nil {
		w.t.Fatal(err)
	}
	payload := json.RawMessage(`{"fields":{"name":"x"}}`)
	changes := []orgflow.Change{{ID: 1, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: opsEvil, Wave: 1, State: orgflow.Planned, Reason: "new", Payload: payload, Hash: orgflow.Hash(payload)}}
	if err := db.SavePlan(ctx, id, store.PlanMeta{Hash: "h"}, slices.Values(changes)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := db.ClaimPage(ctx, id, 1, 1); err != nil {
		w.t.Fatal(err)
	}
	_, err := db.RecordOutcomes(ctx, id, []store.Outcome{{ChangeID: 1, State: orgflow.Failed, Log: &store.LogEntry{Request: json.RawMessage(`{"mobile":"10000000001"}`)},
		Fault: &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "60104", Message: "taken " + opsEvil}}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestConsumersAreShownAsFarAsTheyAreKnown(t *testing.T) {
	w := newOpsWorld(t, false)
	ctx := context.Background()
	w.run("sync-1")
	if _, _, ok, err := w.app.Store.AcquireTarget(ctx, opsDing, "sync-1", time.Hour, time.Now()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := w.app.Store.HoldRate(ctx, opsDing.String(), 90*time.Minute); err != nil {
		t.Fatal(err)
	}
	w.put("companies/131/company.json", `{"company_id": 132}`)
	list := w.shows("/consumers", "https://oapi.example/x", "7.5 calls a second", "held back, as the vendor asked, for another 1:", "/sync/sync-1", "we_com", "30 calls a second", "(default)", "nobody", "${OPS_MISSING}", "companies/131/company.json")
	page := w.shows("/consumers/129/ding_talk", "${OPS_KEY}", "${OPS_SECRET}", ">set<", "60104", "taken &lt;script&gt;", "person:&lt;script&gt;", "/sync/sync-1", "Tokens fetched")
	other := w.shows("/consumers/129/we_com", "${OPS_MISSING}", ">missing<", "which is not set in the environment", "Nothing.")
	for _, secret := range []string{"clear-password", "clear-token", "clear-agent", "secret-key-value", "secret-secret-value", "10000000001"} {
		if strings.Contains(list+page+other, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	for _, path := range []string{"/consumers/129/none", "/consumers/999/ding_talk", "/consumers/x/ding_talk"} {
		if status, body, _ := w.page(path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestABudgetThatFlowsSaysWhenItWasUsed(t *testing.T) {
	w := newOpsWorld(t, false)
	if strings.Contains(w.shows("/consumers/129/ding_talk"), "Rate in use") {
		t.Error("a budget that nobody used is in use")
	}
	if _, _, err := w.app.Store.LeaseRate(context.Background(), opsDing.String(), 1, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if body := w.shows("/consumers/129/ding_talk", "last call "); strings.Contains(body, "held back") {
		t.Error("a budget in use is held back")
	}
}
