package activities

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

func taken() error {
	return &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "60104", Message: "手机号码在公司中已存在"}
}

// nights are the nights, from the first run on, in which something was sent
// about a record.
func (w *world) nights(n int, record string) []int {
	w.t.Helper()
	var tried []int
	for night := 1; night <= n; night++ {
		w.remote.calls = nil
		run, planned := w.planned(bothKinds(""))
		s := w.rest(run, planned)
		c := w.changes(run)[record]
		switch called := len(w.remote.callsAbout(record)) > 0; {
		case called:
			tried = append(tried, night)
		case c.State != orgflow.Held || !strings.Contains(c.Reason, "last with 60104 手机号码在公司中已存在; tried again from 2026-"):
			w.t.Errorf("night %d: %s: %q", night, c.State, c.Reason)
		case s.Plan[orgflow.Person].Held != 1:
			w.t.Errorf("night %d: plan %+v", night, s.Plan)
		}
		if s.Status != orgflow.StatusCompletedWithFailures {
			w.t.Errorf("night %d: %s", night, s.Status)
		}
		w.pass(24 * time.Hour)
	}
	return tried
}

func TestARecordThatFailsEveryNightIsTriedLessAndLess(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		w.source.hold(team(3))
		w.remote.on("person:1001", times(100, reply{fault: taken()})...)
		if tried, want := w.nights(30, "person:1001"), []int{1, 2, 3, 4, 6, 10, 17, 24}; !slices.Equal(tried, want) {
			t.Errorf("tried in the nights %v, want %v: three, then after 1, 2, 4 days, then every 7", tried, want)
		}
		if len(w.remote.people) != 2 {
			t.Errorf("%d persons, the others go on", len(w.remote.people))
		}
	})
}

func TestADeferredRecordIsTriedAtOnce(t *testing.T) {
	first := newWorld(t)
	first.source.hold(team(3))
	first.remote.on("person:1001", times(100, reply{fault: taken()})...)
	first.nights(4, "person:1001")
	begin := scene{first.freeze(), first.remote, first.files}
	for name, c := range map[string]struct {
		params string
		change func(p []person) []person
		want   int // calls about the record
	}{
		"not by the next run":       {"", nil, 0},
		"when its data changes":     {"", func(p []person) []person { p[0].Mobile = "10077770000"; return p }, 1},
		"by a job that names it":    {`{"source_ids": ["person:1001"]}`, nil, 1},
		"not by a full run":         {`{"mode": "full"}`, nil, 0},
		"not by a dry run":          {`{"dry_run": true}`, nil, 0},
		"not when others change":    {"", func(p []person) []person { p[1].Title = "主管"; return p }, 0},
		"not once it is gone":       {"", func(p []person) []person { return p[1:] }, 0},
		"when it is gone and back":  {"back", func(p []person) []person { return p[1:] }, 1},
		"not when a dry run is odd": {"dry", func(p []person) []person { return p[1:] }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := begin.again(t)
			w.remote.on("person:1001", times(100, reply{fault: taken()})...)
			orgs, people := team(3)
			params := c.params
			switch params {
			case "back", "dry":
				w.source.hold(orgs, c.change(slices.Clone(people)))
				job := bothKinds(map[string]string{"back": "", "dry": `{"dry_run": true}`}[params])
				w.rest(w.planned(job))
				params = ""
			default:
				if c.change != nil {
					people = c.change(people)
				}
			}
			w.source.hold(orgs, people)
			w.remote.calls = nil
			run, planned := w.planned(bothKinds(params))
			if strings.Contains(params, "dry_run") {
				if c := w.changes(run)["person:1001"]; c.State != orgflow.Held {
					t.Errorf("the dry run shows it as %s", c.State)
				}
				return
			}
			w.rest(run, planned)
			if n := len(w.remote.callsAbout("person:1001")); n != c.want {
				t.Errorf("%d calls about it, want %d", n, c.want)
			}
		})
	}
}

// Trouble that is not the record's own is tried every night.
func TestTroubleOfTheConsumerIsNotHeldAgainstARecord(t *testing.T) {
	for _, code := range []orgflow.Code{orgflow.CodeUnavailable, orgflow.CodeQuota, orgflow.CodeInternal, orgflow.CodeBlocked} {
		t.Run(string(code), func(t *testing.T) {
			w := newWorld(t)
			w.source.hold(team(3))
			w.remote.on("person:1001", times(100, reply{fault: &orgflow.Fault{Code: code, VendorCode: "-1", Message: "busy"}})...)
			if tried := w.nights(5, "person:1001"); len(tried) != 5 {
				t.Errorf("tried in the nights %v", tried)
			}
		})
	}
}

func TestSuccessEndsTheBackOff(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(3))
	w.remote.on("person:1001", times(4, reply{fault: taken()})...)
	for range 5 {
		w.rest(w.planned(bothKinds("")))
		w.pass(24 * time.Hour)
	}
	if w.remote.people["E1001"] != nil {
		t.Fatal("it was tried in the pause")
	}
	s := w.rest(w.planned(bothKinds("")))
	if s.Status != orgflow.StatusCompleted || w.remote.people["E1001"] == nil {
		t.Errorf("the run ends %s", s.Status)
	}
	left, err := w.db.Failures(t.Context(), target, orgflow.Person)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
}

func TestDeferral(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	last := time.Date(2026, 11, 21, 17, 5, 0, 0, time.UTC) // 01:05 on the 22nd in Shanghai
	for i, c := range []struct {
		failures int
		again    string // the first day it is tried; empty: at once
	}{
		{1, ""}, {2, ""}, {3, "2026-11-23"}, {4, "2026-11-24"}, {5, "2026-11-26"}, {6, "2026-11-29"}, {7, "2026-11-29"}, {1000, "2026-11-29"},
	} {
		f := store.RecordFailure{Failures: c.failures, LastAt: last, Code: orgflow.CodeConflict, VendorCode: "60104", Message: "taken"}
		got := deferral(f, last.Add(time.Minute), shanghai)
		if c.again == "" {
			if got != "" {
				t.Errorf("case %d: %q", i, got)
			}
			continue
		}
		want := fmt.Sprintf("failed in the last %d runs, last with 60104 taken; tried again from %s on, or as soon as its data changes; `starter runs retry` tries it at once", c.failures, c.again)
		if got != want {
			t.Errorf("case %d: %q, want %q", i, got, want)
		}
		day, err := time.ParseInLocation(time.DateOnly, c.again, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		if deferral(f, day.Add(-time.Second), shanghai) == "" || deferral(f, day, shanghai) != "" {
			t.Errorf("case %d: not from %s on", i, c.again)
		}
	}
}
