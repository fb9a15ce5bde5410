package aiguanhuai_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/simctl"
)

var testNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// vendor is a simulator and a client that talks to it.
type vendor struct {
	t   *testing.T
	sim *aghsim.Sim
	url string
	now time.Time
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{t: t, now: testNow}
	v.sim = aghsim.New(aghsim.Options{Now: func() time.Time { return v.now }})
	server := httptest.NewServer(v.sim)
	t.Cleanup(server.Close)
	v.url = server.URL
	return v
}

func (v *vendor) config() aiguanhuai.Config {
	return aiguanhuai.Config{BaseURL: v.url, CorpID: "aghsim-corp", PartnerID: "aghsim-partner", QPS: new(float64(0))}
}

func (v *vendor) client(change ...func(*aiguanhuai.Config)) *aiguanhuai.Client {
	v.t.Helper()
	cfg := v.config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := aiguanhuai.New(cfg, aiguanhuai.Options{Now: func() time.Time { return v.now }})
	if err != nil {
		v.t.Fatal(err)
	}
	return c
}

func (v *vendor) options(raw string) {
	v.t.Helper()
	if err := v.sim.SetOptions(json.RawMessage(raw)); err != nil {
		v.t.Fatal(err)
	}
}

func (v *vendor) fault(raw string) {
	v.t.Helper()
	faults, err := simctl.DecodeFaults([]byte(raw))
	if err == nil {
		err = v.sim.Desk().AddFaults(faults...)
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *vendor) state() aghsim.State { return v.sim.State().(aghsim.State) }

// person returns who is held under an id.
func (v *vendor) person(id string) aghsim.Person {
	v.t.Helper()
	for _, p := range v.state().Persons {
		if p.UserID == id {
			return p
		}
	}
	v.t.Fatalf("no person %s", id)
	return aghsim.Person{}
}

// active counts the persons with status 1.
func (v *vendor) active() int {
	n := 0
	for _, p := range v.state().Persons {
		if p.Status == 1 {
			n++
		}
	}
	return n
}

func person(i int) connectors.Effect {
	id := fmt.Sprintf("E%d", i)
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, ConsumerID: id, Fields: map[string]any{
		"userId": id, "account": id, "realName": fmt.Sprintf("测试%d", i), "status": json.Number("1"), "mobile": fmt.Sprintf("100%08d", i),
	}}
}

func people(n int) []connectors.Effect {
	out := make([]connectors.Effect, n)
	for i := range out {
		out[i] = person(i)
	}
	return out
}

func department(id, parent string) connectors.Effect {
	return connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Fields: map[string]any{
		"departmentId": id, "departmentName": "部门" + id, "status": json.Number("1"), "parentId": parent,
	}}
}

// allDone fails unless every effect succeeded.
func allDone(t *testing.T, b connectors.Batch) {
	t.Helper()
	for i, r := range b.Results {
		if r.Err != nil || r.Receipt.ConsumerID == "" {
			t.Fatalf("effect %d: %q, %v", i, r.Receipt.ConsumerID, r.Err)
		}
	}
}

// scripted is a client whose vendor answers every call alike.
func scripted(t *testing.T, status int, body string) *aiguanhuai.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	c, err := aiguanhuai.New(aiguanhuai.Config{BaseURL: server.URL, CorpID: "c", QPS: new(float64(0))}, aiguanhuai.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
