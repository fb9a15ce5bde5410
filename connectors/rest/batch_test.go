package rest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/rest"
)

const (
	batchCall   = `{"method": "POST", "path": "/batch", "idempotent": true, "body": {"people": {"$each": "records", "as": {"$fields": true}}}, "batch": {"max_records": 3}}`
	keyed       = `{"max_records": 9, "results": {"list": "/rows", "key": "/no", "success": {"path": "/ok", "equals": true}, "code": "/why", "message": "/text"}}`
	inOrder     = `{"max_records": 9, "stops_at_first": true, "results": {"list": "/rows", "success": {"path": "/ok", "equals": true}, "code": "/why"}}`
	batchErrors = `[{"codes": ["404"], "do": "gone"}, {"codes": ["bad"], "do": "bisect"}, {"codes": ["dup"], "do": "fail_record", "fault": "conflict"}, {"codes": ["busy"], "do": "retry"}]`
)

func people(n int) []connectors.Effect {
	out := make([]connectors.Effect, n)
	for i := range out {
		out[i] = insert(func(f map[string]any) { f["no"] = fmt.Sprintf("E%d", i+1) })
	}
	return out
}

// codes are the results' codes, empty for success.
func codes(b connectors.Batch) []orgflow.Code {
	out := make([]orgflow.Code, len(b.Results))
	for i, r := range b.Results {
		if r.Err != nil {
			out[i] = orgflow.AsFault(r.Err).Code
		}
	}
	return out
}

func batcher(t *testing.T, changes map[string]any, h http.Handler) connectors.Batcher {
	t.Helper()
	all := map[string]any{"person.insert": batchCall, "errors": batchErrors}
	for name, v := range changes {
		all[name] = v
	}
	b, can := client(t, with(t, plainDefinition, all), h).(connectors.Batcher)
	if !can {
		t.Fatal("takes no batches")
	}
	return b
}

// choosy is a consumer that refuses a batch that has a bad record.
type choosy struct {
	bad   []string
	sizes []int
}

func (c *choosy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ People []struct{ No string } }
	_ = json.NewDecoder(r.Body).Decode(&body)
	c.sizes = append(c.sizes, len(body.People))
	for _, p := range body.People {
		if slices.Contains(c.bad, p.No) {
			fmt.Fprint(w, `{"code": "bad", "text": "format"}`)
			return
		}
	}
	fmt.Fprint(w, yes)
}

// A refused batch is taken apart until the bad record stands alone.
func TestABatchIsTakenApart(t *testing.T) {
	h := &choosy{bad: []string{"E5"}}
	b := batcher(t, nil, h)
	got := b.ApplyBatch(t.Context(), people(8))
	want := []orgflow.Code{"", "", "", "", orgflow.CodeInvalidRecord, "", "", ""}
	if !slices.Equal(codes(got), want) || !slices.Equal(h.sizes, []int{3, 3, 1, 2, 1, 1, 2}) || b.BatchLimit() != 3 {
		t.Errorf("%v in calls of %v", codes(got), h.sizes)
	}
	if got.Calls != 7 || got.Writes != 7 || got.Results[0].Receipt.ConsumerID != "E1" {
		t.Errorf("%+v", got)
	}
}

func TestBytesOfABatch(t *testing.T) {
	h := &choosy{}
	b := batcher(t, map[string]any{"person.insert.batch": `{"max_records": 9, "max_bytes": 200}`}, h)
	if got := b.ApplyBatch(t.Context(), people(4)); slices.Contains(codes(got), orgflow.CodeInternal) || len(h.sizes) < 2 {
		t.Errorf("%v in calls of %v", codes(got), h.sizes)
	}
}

func TestResultsOfSingleRecords(t *testing.T) {
	for name, x := range map[string]struct {
		batch, answer string
		want          []orgflow.Code
	}{
		"by key":             {keyed, `{"code": 0, "rows": [{"no": "E3", "ok": false, "why": "dup"}, {"no": "E2", "ok": true}, {"no": "E1", "ok": true}]}`, []orgflow.Code{"", "", orgflow.CodeConflict}},
		"one is missing":     {keyed, `{"code": 0, "rows": [{"no": "E1", "ok": true}, {"no": "E3", "ok": true}]}`, []orgflow.Code{"", orgflow.CodeUnknownOutcome, ""}},
		"true as text":       {keyed, `{"code": 0, "rows": [{"no": "E1", "ok": "true"}, {"no": "E2", "ok": 1}, {"no": "E3", "ok": true}]}`, []orgflow.Code{orgflow.CodeUnknownOutcome, orgflow.CodeUnknownOutcome, ""}},
		"no list":            {keyed, `{"code": 0, "rows": {"no": "E1", "ok": true}}`, []orgflow.Code{orgflow.CodeUnknownOutcome, orgflow.CodeUnknownOutcome, orgflow.CodeUnknownOutcome}},
		"an unknown code":    {keyed, `{"code": 0, "rows": [{"no": "E1", "ok": false, "why": 8}, {"no": "E2", "ok": true}, {"no": "E3", "ok": true}]}`, []orgflow.Code{orgflow.CodeInternal, "", ""}},
		"stops at the first": {inOrder, `{"code": 0, "rows": [{"ok": true}, {"ok": false, "why": "dup"}]}`, []orgflow.Code{"", orgflow.CodeConflict, orgflow.CodeUnavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			b := batcher(t, map[string]any{"person.insert.batch": x.batch}, &script{answers: ok(x.answer)})
			if got := codes(b.ApplyBatch(t.Context(), people(3))); !slices.Equal(got, x.want) {
				t.Errorf("got %v, want %v", got, x.want)
			}
		})
	}
}

// Behind a call that was not answered nothing more is sent.
func TestABatchStopsBehindAnUnansweredCall(t *testing.T) {
	s := &script{answers: []reply{{status: 502}}}
	got := codes(batcher(t, nil, s).ApplyBatch(t.Context(), people(5)))
	u, n := orgflow.CodeUnknownOutcome, orgflow.CodeUnavailable
	if !slices.Equal(got, []orgflow.Code{u, u, u, n, n}) || len(s.calls()) != 1 {
		t.Errorf("%v, %v", got, s.calls())
	}
}

// Records that go alone are told apart inside a batch.
func TestABatchOfAllSorts(t *testing.T) {
	s := &script{answers: ok(yes)}
	effects := append(people(2), update(map[string]any{"name": "x"}), remove(), insert(func(f map[string]any) { f["sex"] = "9" }))
	got := batcher(t, nil, s).ApplyBatch(t.Context(), effects)
	if !slices.Equal(codes(got), []orgflow.Code{"", "", "", "", orgflow.CodeInvalidRecord}) || got.Calls != 3 {
		t.Errorf("%+v", got)
	}
	s.expect(t, "POST /batch", "PUT /people/E1", "DELETE /people/E1")
}

// The push of 爱关怀, described instead of programmed.
func TestAPush(t *testing.T) {
	raw, err := os.ReadFile("testdata/ai_guan_huai.consumer.json")
	if err != nil {
		t.Fatal(err)
	}
	def, err := rest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	sim := aghsim.New(aghsim.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	c, err := rest.New(def, rest.Config{BaseURL: server.URL, QPS: new(float64(0)), Settings: map[string]any{"corp_id": "aghsim-corp", "partner_id": "aghsim-partner"}}, rest.Options{Name: "agh"})
	if err != nil {
		t.Fatal(err)
	}
	p := c.(connectors.Pusher)
	task, err := p.BeginPush(t.Context())
	if err != nil || task.ID == "" || task.Calls != 1 {
		t.Fatalf("%+v, %v", task, err)
	}
	org := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Fields: map[string]any{"departmentId": "11", "departmentName": "研发", "status": json.Number("1"), "parentId": "(top)"}}
	person := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Fields: map[string]any{"userId": "E1", "account": "E1", "realName": "测试甲", "status": json.Number("1"), "departmentId": []any{"11"}}}
	if got := codes(p.AddToPush(t.Context(), task.ID, []connectors.Effect{org, person})); !slices.Equal(got, []orgflow.Code{"", ""}) {
		t.Fatal(got)
	}
	if len(sim.State().(aghsim.State).Persons) != 0 {
		t.Error("true before it was completed")
	}
	if _, err := p.CompletePush(t.Context(), task.ID); err != nil {
		t.Fatal(err)
	}
	if s := sim.State().(aghsim.State); len(s.Persons) != 1 || s.Persons[0].OrgSource != 11 || s.Departments[0].ParentID != "" {
		t.Errorf("%+v", s)
	}
	got := p.AddToPush(t.Context(), task.ID, []connectors.Effect{person})
	if !errors.Is(got.Results[0].Err, connectors.ErrTaskGone) {
		t.Errorf("a completed task takes records: %v", got.Results[0].Err)
	}
}

// What is only begun is waited for.
func TestATaskIsWaitedFor(t *testing.T) {
	poll := `{"task": "/task", "status": "/state", "done": ["done"], "running": ["running"], "failed": ["failed"], "interval_seconds": 1, "max_seconds": 3,
		"request": {"method": "GET", "path": "/tasks/{task}"}}`
	begun := `{"code": 0, "task": 17}`
	state := func(s string) string { return `{"code": 0, "state": "` + s + `", "text": "too long"}` }
	for name, x := range map[string]struct {
		answers []reply
		want    orgflow.Code
		calls   int
	}{
		"done":            {ok(begun, state("running"), state("done")), "", 3},
		"failed":          {ok(begun, state("failed")), orgflow.CodeInvalidRecord, 2},
		"never ends":      {ok(begun, state("running")), orgflow.CodeUnknownOutcome, 4},
		"an unknown word": {ok(begun, state("weird")), orgflow.CodeUnknownOutcome, 2},
		"no task":         {ok(yes), orgflow.CodeUnknownOutcome, 1},
		"a lost look":     {[]reply{{body: begun}, {status: 502}, {body: state("done")}}, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, with(t, plainDefinition, map[string]any{"person.update.poll": poll}), x.answers)
			_, err := c.Apply(t.Context(), update(map[string]any{"name": "x"}))
			if f := orgflow.AsFault(err); (f == nil) != (x.want == "") || f != nil && f.Code != x.want || len(s.calls()) != x.calls {
				t.Errorf("%v after %v", err, s.calls())
			}
			if calls := s.calls(); len(calls) > 1 && !strings.HasSuffix(calls[1], "/tasks/17") {
				t.Errorf("asked %v", calls)
			}
		})
	}
}
