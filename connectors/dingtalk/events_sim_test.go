package dingtalk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/dingtalk"
	dtsim "orgflow/connectors/dingtalk/sim"
)

const (
	eventToken = "simtoken"
	eventKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// hearing is a simulated organisation that tells a client of its changes.
type hearing struct {
	t      *testing.T
	client *dingtalk.Client
	url    string
	heard  chan string // "type kind:id …", in the order of arrival
	refuse func() bool // whether a delivery meets an answer that is none
	pauses chan time.Duration
}

func newHearing(t *testing.T, era string) *hearing {
	t.Helper()
	h := &hearing{t: t, heard: make(chan string, 50), pauses: make(chan time.Duration, 50), refuse: func() bool { return false }}
	sim := dtsim.New(dtsim.Options{Sleep: func(_ context.Context, d time.Duration) { h.pauses <- d }})
	vendor, us := httptest.NewServer(sim), httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(vendor.Close)
	t.Cleanup(us.Close)
	h.url = vendor.URL
	options := fmt.Sprintf(`{"qps": 0, "events": {"url": %q, "token": %q, "aes_key": %q, "era": %q}}`, us.URL+"/e?a=b", eventToken, eventKey, era)
	if err := sim.SetOptions(json.RawMessage(options)); err != nil {
		t.Fatal(err)
	}
	var err error
	h.client, err = dingtalk.New(dingtalk.Config{
		BaseURL: vendor.URL, APIBaseURL: vendor.URL, AppKey: "dingsim-app", AppSecret: "dingsim-secret", QPS: new(float64(0)),
		Events: &dingtalk.EventConfig{Token: eventToken, AESKey: eventKey, OnChange: orgflow.ChangeRepair},
	}, dingtalk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hearing) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	n, err := h.client.Hear(connectors.Push{Query: r.URL.Query(), Body: body})
	if err != nil || n.ID == "" || n.At.IsZero() || n.Act != orgflow.ChangeRepair {
		h.t.Errorf("%+v, %v", n, err)
	}
	if h.refuse() {
		_, _ = io.WriteString(w, "success") // not sealed
		return
	}
	line := n.Type
	for _, k := range n.Records {
		line += fmt.Sprintf(" %s:%s", k.Kind, k.ID)
	}
	h.heard <- line
	_, _ = w.Write(n.Answer)
}

func (h *hearing) next(n int) []string {
	h.t.Helper()
	var out []string
	for range n {
		select {
		case line := <-h.heard:
			out = append(out, line)
		case <-time.After(20 * time.Second):
			h.t.Fatalf("heard only %v", out)
		}
	}
	return out
}

func TestTheSimulatorTellsWhatWasChanged(t *testing.T) {
	for _, era := range []string{"legacy", "current"} {
		t.Run(era, func(t *testing.T) {
			h := newHearing(t, era)
			dept := put(t, h.client, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: "orgflow:1:org:1", Fields: map[string]any{"name": "研发", "parent_id": "1"}})
			got := h.next(1)
			person := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Fields: map[string]any{"userid": "E1", "name": "甲", "mobile": "10000000001", "dept_id_list": dept}}
			put(t, h.client, person)
			got = append(got, h.next(2)...)
			put(t, h.client, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"title": "主管"}})
			got = append(got, h.next(1)...)
			shown, calls, err := h.client.ReadRecord(t.Context(), orgflow.Person, "E1")
			if err != nil || calls != 1 || shown.ConsumerID != "E1" || shown.Fields["title"] != "主管" || shown.Fields["dept_id_list"] != dept {
				t.Errorf("alone it shows %+v, %d calls, %v", shown, calls, err)
			}
			put(t, h.client, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"})
			got = append(got, h.next(1)...)
			if _, _, err := h.client.ReadRecord(t.Context(), orgflow.Person, "E1"); orgflow.AsFault(err).Code != orgflow.CodeNotFound {
				t.Errorf("who left shows %v", err)
			}
			put(t, h.client, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: dept})
			got = append(got, h.next(1)...)
			if _, _, err := h.client.ReadRecord(t.Context(), orgflow.Org, dept); orgflow.AsFault(err).Code != orgflow.CodeNotFound {
				t.Errorf("a deleted department shows %v", err)
			}
			want := []string{"org_dept_create org:" + dept, "user_add_org person:E1", "user_modify_org person:E1", "user_modify_org person:E1", "user_leave_org person:E1", "org_dept_remove org:" + dept}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Reading one record shows what reading all shows of it: it must not matter
// to a plan which of the two was done.
func TestARecordAloneLooksAsInTheWhole(t *testing.T) {
	eachAPI(t, func(t *testing.T, api string) {
		c := simulated(t, api, `{"qps": 0}`)
		dept := put(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: "orgflow:1:org:1", Fields: map[string]any{"name": "研发", "parent_id": "1", "order": 7}})
		put(t, c, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Fields: map[string]any{
			"userid": "E1", "name": "甲", "mobile": "10000000001", "dept_id_list": dept + ",1", "title": "工程师", "email": "e1@example.com", "job_number": "1", "hired_date": 1577836800000,
		}, Ext: map[string]any{"工号": "7"}})
		all, err := walk(t, c)
		if err != nil || len(all) != 2 {
			t.Fatal(all, err)
		}
		for _, whole := range all {
			alone, _, err := c.ReadRecord(t.Context(), whole.Kind, whole.ConsumerID)
			if d := cmp.Diff(whole, alone); d != "" || err != nil {
				t.Errorf("%s %v", d, err)
			}
		}
	})
}

func TestWhatIsNotTakenIsToldAgain(t *testing.T) {
	h := newHearing(t, "current")
	left := 2
	h.refuse = func() bool { left--; return left >= 0 }
	put(t, h.client, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: "k", Fields: map[string]any{"name": "研发", "parent_id": "1"}})
	h.next(1)
	if got := []time.Duration{<-h.pauses, <-h.pauses}; !slices.Equal(got, []time.Duration{10 * time.Second, 30 * time.Second}) {
		t.Errorf("told again after %v", got)
	}
}

func TestAStrangersCallIsNotHeard(t *testing.T) {
	h := newHearing(t, "current")
	if _, err := h.client.Hear(connectors.Push{Body: []byte(`{"encrypt":"x"}`)}); !errors.Is(err, connectors.ErrNotAuthentic) {
		t.Error(err)
	}
}
