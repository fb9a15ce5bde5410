package simctl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow/connectors/simctl"
)

func TestFaults(t *testing.T) {
	const fine = `{"errcode":0,"n":1}`
	for _, c := range []struct {
		name, fault string
		status      int
		body        string // "dropped" for a closed connection
		effects     int
		outcome     string
	}{
		{"vendor code", `{"path":"/add","errcode":40014}`, 200, `{"errcode":"40014"}`, 0, "40014"},
		{"vendor code as text", `{"path":"/add","errcode":"Forbidden"}`, 200, `{"errcode":"Forbidden"}`, 0, "Forbidden"},
		{"status", `{"path":"/add","http_status":503}`, 503, "simulated failure", 0, "http_503"},
		{"status and body", `{"path":"/add","http_status":502,"body":"<html>bad gateway"}`, 502, "<html>bad gateway", 0, "http_502"},
		{"malformed body", `{"path":"/add","body":"{\"errcode\":"}`, 200, `{"errcode":`, 0, "body"},
		{"body as object", `{"path":"/add","body":{"status":1111}}`, 200, `{"status":1111}`, 0, "body"},
		{"drop", `{"path":"/add","drop_connection":true}`, 0, "dropped", 0, "dropped"},
		{"drop after commit", `{"path":"/add","drop_connection":true,"after_commit":true}`, 0, "dropped", 1, "ok"},
		{"after commit alone", `{"path":"/add","after_commit":true}`, 0, "dropped", 1, "ok"},
		{"status after commit", `{"path":"/add","http_status":500,"after_commit":true}`, 500, "simulated failure", 1, "ok"},
		{"code after commit", `{"path":"/add","errcode":-1,"after_commit":true}`, 200, `{"errcode":"-1"}`, 1, "ok"},
		{"delay alone", `{"path":"/add","delay_ms":70}`, 200, fine, 1, "ok"},
		{"wildcard", `{"path":"/a*","errcode":1}`, 200, `{"errcode":"1"}`, 0, "1"},
		{"all paths", `{"path":"*","errcode":1}`, 200, `{"errcode":"1"}`, 0, "1"},
		{"other path", `{"path":"/ad","errcode":1}`, 200, fine, 1, "ok"},
		{"match", `{"path":"/add","errcode":1,"match":{"id":"a"}}`, 200, `{"errcode":"1"}`, 0, "1"},
		{"match number, dotted", `{"path":"/add","errcode":1,"match":{"more.n":2}}`, 200, `{"errcode":"1"}`, 0, "1"},
		{"match query", `{"path":"/add","errcode":1,"match":{"q":"7"}}`, 200, `{"errcode":"1"}`, 0, "1"},
		{"no match", `{"path":"/add","errcode":1,"match":{"id":"b"}}`, 200, fine, 1, "ok"},
		{"one of two matches", `{"path":"/add","errcode":1,"match":{"id":"a","q":"8"}}`, 200, fine, 1, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.faults("[" + c.fault + "]")
			status, body, err := b.do("POST", "/counter/add?q=7", `{"id":"a","more":{"n":2}}`)
			if err != nil {
				status, body = 0, "dropped"
			}
			if status != c.status || body != c.body || b.count("a") != c.effects {
				t.Errorf("answered %d %s with %d effects, want %d %s with %d", status, body, b.count("a"), c.status, c.body, c.effects)
			}
			r := b.sim.Desk().Requests()
			if got := r.Paths["/add"][c.outcome]; got != 1 || r.Writes != int64(c.effects) || r.Log[0].Key != "a" {
				t.Errorf("logged %+v", r)
			}
		})
	}
}

func TestFaultTimesAndEvery(t *testing.T) {
	b := newBench(t)
	b.faults(`[{"path":"/add","errcode":7,"every":3,"times":2},{"path":"/add","errcode":8,"times":1}]`)
	var got []string
	for range 10 {
		_, body, _ := b.do("POST", "/counter/add", `{"id":"a"}`)
		got = append(got, body[strings.Index(body, ":")+1:strings.IndexAny(body, ",}")])
	}
	if want := []string{`"8"`, "0", `"7"`, "0", "0", `"7"`, "0", "0", "0", "0"}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	_, body, _ := b.do("GET", "/_sim/counter/faults", "")
	if !strings.Contains(body, `"seen":6,"fired":2,"remaining":0`) {
		t.Errorf("status %s", body)
	}
	b.call("DELETE", "/_sim/counter/faults", "")
	if len(b.sim.Desk().Faults()) != 0 {
		t.Error("faults are still there")
	}
}

func TestDelayIsBeforeTheEffectOrAfterTheCommit(t *testing.T) {
	for _, after := range []bool{false, true} {
		b := newBench(t)
		var during int
		b.sim.desk = simctl.NewDesk(nil, func(context.Context, time.Duration) { during = b.count("a") })
		b.faults(fmt.Sprintf(`[{"path":"/add","delay_ms":5,"http_status":500,"after_commit":%v}]`, after))
		b.call("POST", "/counter/add", `{"id":"a"}`)
		if (during == 1) != after {
			t.Errorf("after_commit %v: %d effects during the delay", after, during)
		}
	}
}

func FuzzDecodeFaults(f *testing.F) {
	f.Add(`[{"path":"/a","times":1,"every":2,"after_commit":true,"http_status":500,"errcode":1,"body":{},"delay_ms":1,"drop_connection":true,"match":{"a":1}}]`)
	f.Add(`{"path":"*","body":"x"}`)
	f.Add(`[{"path":"/a","errcode":null}]`)
	f.Fuzz(func(t *testing.T, raw string) {
		faults, err := simctl.DecodeFaults([]byte(raw))
		if err != nil {
			return
		}
		sim := newCounter(simctl.NewDesk(nil, func(context.Context, time.Duration) {}))
		if err := sim.desk.AddFaults(faults...); err != nil {
			t.Fatalf("decoded and then refused: %v", err)
		}
		out, err := json.Marshal(sim.desk.Faults())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(raw, "drop") || strings.Contains(raw, "after") {
			return // the recorder cannot be closed
		}
		rec := httptest.NewRecorder()
		func() {
			defer func() {
				if r := recover(); r != nil && r != http.ErrAbortHandler {
					panic(r)
				}
			}()
			sim.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add", strings.NewReader(`{"id":"a"}`)))
		}()
		if total := sim.desk.Requests().Total; total != 1 {
			t.Errorf("%s: %d calls logged", out, total)
		}
	})
}
