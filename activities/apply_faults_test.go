package activities

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// recordName is the i-th person of a team.
func recordName(i int) string { return fmt.Sprintf("person:%d", 1001+i) }

func decode(t testing.TB, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func times(n int, r reply) []reply { return slices.Repeat([]reply{r}, n) }

func TestAnUnknownOutcomeIsReadBackAndNeverDoublesTheRecord(t *testing.T) {
	unknown := orgflow.Faultf(orgflow.CodeUnknownOutcome, "no answer")
	for name, effect := range map[string]bool{"the call had its effect": true, "the call had none": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.source.hold(team(1))
			w.remote.on("org:11", times(2, reply{fault: unknown, effect: effect})...)
			w.remote.on("person:1001", reply{fault: unknown, effect: effect})
			if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted || s.Calls != 2+3+1+2 {
				t.Errorf("status %s after %d calls", s.Status, s.Calls)
			}
			w.nothingTwice(t)
			var doubts []bool
			for _, c := range w.remote.callsAbout("org:11") {
				doubts = append(doubts, c.InDoubt)
			}
			if !slices.Equal(doubts, []bool{false, true, true}) {
				t.Errorf("the attempts were in doubt: %v", doubts)
			}
		})
	}
}

func TestAnOutcomeThatStaysUnknownStopsThePageAndIsReadBackByTheNextAttempt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		run, wave := w.peopleWave(3)
		w.remote.on("person:1001", times(doubtTries, reply{fault: orgflow.Faultf(orgflow.CodeUnknownOutcome, "no answer"), effect: true})...)
		_, err := w.apply(task{}, run, wave)
		wantFault(t, err, orgflow.CodeUnknownOutcome, true)
		if _, err := w.apply(task{attempt: 2}, run, wave); err != nil {
			t.Fatal(err)
		}
		calls := w.remote.callsAbout("person:1001")
		if len(calls) != doubtTries+1 || !calls[doubtTries].InDoubt {
			t.Errorf("calls = %+v", calls)
		}
		w.nothingTwice(t)
		w.wantStates(run, map[orgflow.State]int{orgflow.Done: 5})
	})
}

func TestThrottlingIsWaitedOutAndIsNeverAFailure(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(2)
	w.slept = nil
	w.remote.on("person:1001", append(
		times(7, reply{fault: &orgflow.Fault{Code: orgflow.CodeThrottled, VendorCode: "90018", Message: "qps", RetryAfter: 45 * time.Second}}),
		times(2, reply{fault: &orgflow.Fault{Code: orgflow.CodeThrottled, VendorCode: "90018", Message: "qps"}})...)...)
	page, err := w.apply(task{}, run, wave)
	if err != nil || page.Done[orgflow.Person][orgflow.Insert].Done != 2 {
		t.Fatalf("page = %+v, %v", page, err)
	}
	for i, d := range w.slept {
		if want := 45 * time.Second; i < 7 && d != want {
			t.Errorf("wait %d = %v, want the %v the consumer asked for", i, d, want)
		}
	}
	if len(w.slept) != 9 || w.slept[8] > 30*time.Second || w.slept[8] <= 0 {
		t.Errorf("waits = %v", w.slept)
	}
	if s := w.finish(FinishParams{RunID: run}); s.Throttled != 9 || s.Status != orgflow.StatusCompleted {
		t.Errorf("counted %d throttle answers, status %s", s.Throttled, s.Status)
	}
	if page.Calls != 11 {
		t.Errorf("%d calls counted, want 11", page.Calls)
	}
}

func TestABusyConsumerIsTriedAgainAndThenFailsTheRecordAlone(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(3)
	busy := &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: "-1", Message: "系统繁忙"}
	w.remote.on("person:1001", times(busyTries-1, reply{fault: busy})...)
	w.remote.on("person:1002", times(busyTries, reply{fault: busy})...)
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	changes := w.changes(run)
	if changes["person:1001"].State != orgflow.Done || changes["person:1003"].State != orgflow.Done {
		t.Error("the other records must be done")
	}
	if c := changes["person:1002"]; c.State != orgflow.Failed || c.Error.VendorCode != "-1" || c.Error.Code != orgflow.CodeUnavailable {
		t.Errorf("failed record = %+v, %v", c, c.Error)
	}
	if n := len(w.remote.callsAbout("person:1002")); n != busyTries {
		t.Errorf("%d calls about the failing record", n)
	}
}

func TestASilentConsumerStopsThePageAndGivesTheClaimsBack(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(3)
	for i := range 3 {
		w.remote.on(recordName(i), times(busyTries, reply{fault: unavailable()})...)
	}
	_, err := w.apply(task{}, run, wave)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 2, orgflow.Planned: 3})
	w.remote.calls, w.remote.script = nil, map[string][]reply{}
	if _, err := w.apply(task{attempt: 2}, run, wave); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.remote.calls {
		if c.InDoubt {
			t.Errorf("%s arrives in doubt although no call about it can have had an effect", c.record)
		}
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 5})
}

func TestAfterEnoughAttemptsASilentConsumerFailsTheRecord(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(2)
	w.remote.on("person:1001", times(busyTries, reply{fault: unavailable()})...)
	if _, err := w.apply(task{attempt: patientAttempts}, run, wave); err != nil {
		t.Fatal(err)
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 3, orgflow.Failed: 1})
}

func TestRefusedCredentialsStopThePageForGood(t *testing.T) {
	for _, code := range []orgflow.Code{orgflow.CodeUnauthorized, orgflow.CodeForbidden} {
		t.Run(string(code), func(t *testing.T) {
			w := newWorld(t)
			run, wave := w.peopleWave(60)
			for i := range 60 {
				w.remote.on(recordName(i), reply{fault: &orgflow.Fault{Code: code, VendorCode: "40096", Message: "不合法的appKey"}})
			}
			_, err := w.apply(task{}, run, wave)
			if f := wantFault(t, err, code, false); f.Message() == "" {
				t.Error("the vendor's words are lost")
			}
			w.wantStates(run, map[orgflow.State]int{orgflow.Done: 2, orgflow.Planned: 60})
		})
	}
}

// A size cap is met by every further insert of the kind: those fail with the
// same words and without a call; updates go on.
func TestAnExhaustedQuotaEndsTheInsertsOfItsKind(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(recordsInFlight * 4)
	full := &orgflow.Fault{Code: orgflow.CodeQuota, VendorCode: "40024", Message: "企业人数已达上限"}
	for i := range recordsInFlight * 4 {
		w.remote.on(fmt.Sprintf("person:%d", 1001+i), reply{fault: full})
	}
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if n := len(w.remote.calls); n > recordsInFlight {
		t.Errorf("%d calls, want at most the %d in flight when the cap was met", n, recordsInFlight)
	}
	failed := 0
	for key, c := range w.changes(run) {
		if c.Kind == orgflow.Person && c.State == orgflow.Failed {
			failed++
			if c.Error.VendorCode != "40024" {
				t.Errorf("%s failed with %v", key, c.Error)
			}
		}
	}
	if failed != recordsInFlight*4 {
		t.Errorf("%d persons failed, want all", failed)
	}
}

func TestOneBadRecordFailsAlone(t *testing.T) {
	cases := map[orgflow.Code]orgflow.State{
		orgflow.CodeInvalidRecord: orgflow.Failed, orgflow.CodeConflict: orgflow.Failed, orgflow.CodeNotFound: orgflow.Failed,
		orgflow.CodeInternal:   orgflow.Failed,
		orgflow.CodeNeedsHuman: orgflow.NeedsHuman, orgflow.CodeBlocked: orgflow.Blocked,
	}
	for code, state := range cases {
		t.Run(string(code), func(t *testing.T) {
			w := newWorld(t)
			run, wave := w.peopleWave(4)
			w.remote.on("person:1002", reply{fault: &orgflow.Fault{Code: code, VendorCode: "60103", Message: "手机号码不合法", Advice: "correct it"}})
			if _, err := w.apply(task{}, run, wave); err != nil {
				t.Fatal(err)
			}
			w.wantStates(run, map[orgflow.State]int{orgflow.Done: 5, state: 1})
			c := w.changes(run)["person:1002"]
			if c.State != state || c.Error.VendorCode != "60103" || c.Error.Message != "手机号码不合法" || c.Error.Advice != "correct it" {
				t.Errorf("change = %+v, %v", c, c.Error)
			}
			if _, bound := w.bindings()["person:1002"]; bound {
				t.Error("a refused record must not be bound")
			}
			if s := w.finish(FinishParams{RunID: run}); s.Status != orgflow.StatusCompletedWithFailures {
				t.Errorf("status = %s", s.Status)
			}
		})
	}
}

func TestWhatDependsOnAFailedDepartmentIsBlockedAndCostsNoCall(t *testing.T) {
	w := newWorld(t)
	orgs, people := team(2)
	orgs = append(orgs, org{ID: 111, Name: "平台", Parent: 11})
	people[1].Dept = 111
	people = append(people, person{ID: 1003, Dept: 12, Title: "顾问"})
	w.source.hold(orgs, people)
	w.remote.on("org:11", reply{fault: &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: "60009", Message: "部门名称含有非法字符"}})
	run, planned := w.planned(bothKinds(""))
	summary := w.rest(run, planned)
	changes := w.changes(run)
	failed := changes["org:11"]
	for record, parent := range map[string]orgflow.Change{"org:111": failed, "person:1001": failed, "person:1002": changes["org:111"]} {
		c := changes[record]
		want := fmt.Sprintf("change %d, which this one depends on, is %s", parent.ID, parent.State)
		if c.State != orgflow.Blocked || c.Error == nil || c.Error.Code != orgflow.CodeBlocked || c.Error.Message != want {
			t.Errorf("%s is %s: %v; want %q", record, c.State, c.Error, want)
		}
		if len(w.remote.callsAbout(record)) != 0 {
			t.Errorf("%s was sent", record)
		}
	}
	if changes["person:1003"].State != orgflow.Done || summary.Status != orgflow.StatusCompletedWithFailures {
		t.Errorf("the others go on: %s, %s", changes["person:1003"].State, summary.Status)
	}
	// Once the cause is settled, the next run makes up for all of it.
	if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted {
		t.Errorf("the run after it ends %s", s.Status)
	}
	if len(w.remote.picture()) != 1+3+3 {
		t.Errorf("the directory = %v", w.remote.picture())
	}
}

func TestARecordTakenByAnotherSourceRecordIsDisputed(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(1)
	other := []orgflow.Binding{{Kind: orgflow.Person, SourceID: "900", ConsumerID: "E1001", Scope: "other"}}
	if err := w.db.PutBindings(t.Context(), target, run, other); err != nil {
		t.Fatal(err)
	}
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if c := w.changes(run)["person:1001"]; c.State != orgflow.Disputed || c.Error == nil || c.Error.Code != orgflow.CodeConflict {
		t.Errorf("change = %s, %v", c.State, c.Error)
	}
	if s := w.finish(FinishParams{RunID: run}); s.Status != orgflow.StatusCompletedWithFailures {
		t.Errorf("status = %s", s.Status)
	}
}

// metered is a connector that counts its token renewals.
type metered struct {
	*directory
	tokens int
}

func (m *metered) TokenRenewals() int { return m.tokens }

func TestTokenRenewalsAreChargedToOneRunOnly(t *testing.T) {
	w := newWorld(t)
	m := &metered{directory: w.remote, tokens: 2}
	w.sync = w.worker(w.db, m)
	run, wave := w.peopleWave(1)
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if s := w.finish(FinishParams{RunID: run}); s.TokenRenewals != 2 {
		t.Errorf("%d renewals, want 2", s.TokenRenewals)
	}
	m.tokens++
	_, people := team(2)
	w.source.hold([]org{{ID: 10, Name: "公司"}, {ID: 11, Name: "研发", Parent: 10}, {ID: 12, Name: "销售", Parent: 10}}, people)
	if s := w.syncOnce(bothKinds("")); s.TokenRenewals != 1 {
		t.Errorf("%d renewals charged to the second run, want 1", s.TokenRenewals)
	}
}

var (
	_ connectors.Consumer = (*directory)(nil)
	_ connectors.Metered  = (*metered)(nil)
	_ connectors.Source   = (*gateway)(nil)
)
